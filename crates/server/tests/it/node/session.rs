//! Sessions that a client comes back to: all of it, or nothing.

use dialects::Request;
use domain::command::{Command, Manners, Reply};
use domain::id::{ConnectionId, Cursor, Life, Millis, Offset, SessionKey};
use domain::limits;
use domain::model::{RoomKind, SessionRoom};
use domain::refusal::{BadResume, Refusal};
use server::node::{Input, Told};

use super::house::{CHAT, House, JOINS, OPEN, Who, attached, leave, room};

const KEY: SessionKey = SessionKey(0xfeed);
const NO_SESSION: Refusal = Refusal::BadResume(BadResume::NoSession);

fn remember(rooms: &[&str], ends: Option<Millis>) -> Command {
    Command::Remember {
        session: KEY,
        rooms: rooms.iter().map(|name| room(name).into()).collect(),
        ends,
        not_before: Offset(0),
    }
}

/// A connection that is nobody yet comes back.
fn come_back(house: &mut House, connection: u64, from: Cursor, manners: Manners) -> Told {
    let to = house.call_as_nobody(ConnectionId(connection), Command::Return { session: KEY, from, manners });
    house.settle();
    house.answer(to).expect("every call is answered")
}

fn goes(house: &mut House, who: &Who) {
    house.put(Input::Gone(who.connection.expect("it has one")));
    house.settle();
    house.news();
}

#[test]
fn what_is_remembered_and_what_is_not() {
    let mut house = House::new();
    let alice = house.connect("alice", 1);
    let many = |count: usize| Command::Remember {
        session: KEY,
        rooms: (0..count).map(|number| room(&format!("r{number}")).into()).collect(),
        ends: None,
        not_before: Offset(0),
    };
    assert_eq!(house.does(&alice, many(limits::SESSION_ROOMS_MAX)), Ok(Reply::Done));
    assert_eq!(house.does(&alice, many(limits::SESSION_ROOMS_MAX + 1)), Err(Refusal::Invalid));
    let from = house.node.head();
    let back = Command::Return { session: KEY, from, manners: JOINS };
    let gone = Err(Refusal::BadResume(BadResume::NoSession));
    assert_eq!(house.does(&alice, back.clone()), gone, "one of its rooms was never made");
    assert_eq!(house.does(&alice, remember(&[], None)), Ok(Reply::Done));
    let bob = house.connect("bob", 2);
    assert_eq!(house.does(&bob, back.clone()), gone, "whoever is somebody can't become somebody else");
    let returned = house.does(&alice, back);
    assert!(matches!(returned, Ok(Reply::Returned { .. })), "but the same user by a new credential: {returned:?}");
}

#[test]
fn who_may_not_have_heard_that_it_was_put_out_does_not_come_back() {
    let mut house = House::new();
    let alice = house.connect("alice", 1);
    house.enter(&alice, "r", JOINS);
    let head = house.node.head();
    let row = Command::Remember { session: KEY, rooms: Vec::new(), ends: None, not_before: head.offset };
    assert_eq!(house.does(&alice, row), Ok(Reply::Done));
    let before = Cursor { offset: Offset(head.offset.0 - 1), ..head };
    for (connection, from, comes) in [(2, before, false), (3, head, true)] {
        let back = Command::Return { session: KEY, from, manners: JOINS };
        let call = house.call_as_nobody(ConnectionId(connection), back);
        house.settle();
        let told = house.answer(call).expect("every call is answered");
        assert_eq!(told.result.is_ok(), comes, "from {from}");
    }
}

#[test]
fn a_session_comes_back_to_all_of_its_rooms() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    for name in ["r", "s"] {
        house.enter(&alice, name, JOINS);
        house.enter(&bob, name, JOINS);
    }
    let ends = Some(house.now.plus(1000));
    assert_eq!(house.does(&alice, remember(&["r", "s"], ends)), Ok(Reply::Done));
    let from = house.node.head();
    goes(&mut house, &alice);
    house.says(&bob, &room("r"), "while you were away");
    house.news();
    let told = come_back(&mut house, 9, from, JOINS);
    assert_eq!(attached(&told), vec![(room("r"), Some(from.offset)), (room("s"), Some(from.offset))]);
    let (who, rooms) = (alice.person.clone(), vec![room("r").into(), room("s").into()]);
    assert_eq!(told.result, Ok(Reply::Returned { who, rooms, from, ends }));
    assert_eq!(house.news(), ["alice came", "alice came"]);
    let back = Who { connection: Some(ConnectionId(9)), ..alice };
    assert_eq!(house.does(&back, leave("r", JOINS)), Ok(Reply::Left), "it is in, as if it had entered");
    goes(&mut house, &back);
    let told = come_back(&mut house, 10, from, JOINS);
    assert_eq!((told.result, told.attach.len()), (Err(NO_SESSION), 0), "it has left one of them since");
}

#[test]
fn without_rooms_it_is_back_all_the_same() {
    let mut house = House::new();
    let alice = house.connect("alice", 1);
    house.does(&alice, remember(&[], None)).expect("users may");
    let from = house.node.head();
    let told = come_back(&mut house, 9, from, JOINS);
    assert!(told.attach.is_empty());
    let who = alice.person.clone();
    assert_eq!(told.result, Ok(Reply::Returned { who, rooms: vec![], from, ends: None }));
    let again = come_back(&mut house, 9, from, JOINS);
    assert_eq!(again.result, Err(Refusal::Invalid), "it is somebody by now");
}

#[test]
fn whoever_may_not_come_back_is_nobody() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let head = house.node.head();
    assert_eq!(come_back(&mut house, 9, head, JOINS).result, Err(NO_SESSION), "no such session");
    house.enter(&alice, "r", JOINS);
    let view = house.makes(&bob, RoomKind::Private, None);
    let ends = house.now.plus(1000);
    house.does(&alice, remember(&["r", &view.key.shown()], Some(ends))).expect("users may");
    let (from, before) = (house.node.head(), house.node.counts());
    house.news();
    for manners in [JOINS, OPEN, CHAT] {
        let told = come_back(&mut house, 9, from, manners);
        assert_eq!((told.result, told.attach.len()), (Err(NO_SESSION), 0), "one of its rooms says no");
    }
    house.does(&alice, remember(&["r"], Some(ends))).expect("users may");
    for (what, cursor, expected) in [
        ("another log's", Cursor { life: Life(99), ..from }, BadResume::OtherLog),
        ("ahead of the log", Cursor { offset: Offset(from.offset.0 + 1), ..from }, BadResume::Ahead),
    ] {
        let told = come_back(&mut house, 9, cursor, JOINS);
        assert_eq!(told.result, Err(Refusal::BadResume(expected)), "{what}");
    }
    house.now = ends;
    assert_eq!(come_back(&mut house, 9, from, JOINS).result, Err(NO_SESSION), "its credential has ended");
    assert_eq!((house.news(), house.node.counts()), (vec![], before), "nothing has happened");
}

#[test]
fn what_is_being_remembered_is_waited_for() {
    let mut house = House::new();
    let alice = house.connect("alice", 1);
    house.enter(&alice, "r", JOINS);
    let from = house.node.head();
    house.call(&alice, Request::Do(remember(&["r"], None)));
    let back = house.call_as_nobody(ConnectionId(9), Command::Return { session: KEY, from, manners: JOINS });
    house.step();
    assert!(house.reads.is_empty(), "it is not looked up before it is there");
    house.news();
    house.settle();
    let told = house.answer(back).expect("every call is answered");
    assert_eq!(attached(&told), vec![(room("r"), Some(from.offset))]);
    assert_eq!(house.news(), Vec::<String>::new(), "the old connection is there still");
}

#[test]
fn calls_behind_it_and_its_going_wait() {
    let mut house = House::new();
    let alice = house.connect("alice", 1);
    house.enter(&alice, "r", JOINS);
    house.does(&alice, remember(&["r"], None)).expect("users may");
    let from = house.node.head();
    goes(&mut house, &alice);
    house.call_as_nobody(ConnectionId(9), Command::Return { session: KEY, from, manners: JOINS });
    house.put(Input::Gone(ConnectionId(9)));
    house.settle();
    assert_eq!(house.news(), ["alice came", "alice went"]);
    assert_eq!(house.node.counts(), (0, 0));
}

#[test]
fn what_a_shard_gives_back_is_decided_again() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let view = house.makes(&bob, RoomKind::Private, None);
    let den = view.key.shown();
    house.enter(&alice, "r", JOINS);
    house.enter(&alice, &den, CHAT);
    house.does(&alice, remember(&["r", &den], None)).expect("users may");
    let from = house.node.head();
    goes(&mut house, &alice);
    let mut told = come_back(&mut house, 9, from, JOINS);
    assert_eq!(house.news(), ["alice came", "alice came"]);
    let call = told.attach[0].call.take().expect("the first has it");
    assert!(told.attach[1..].iter().all(|attach| attach.call.is_none()), "and the others need none");
    house.put(Input::Again((*call).clone(), house.node.head().offset));
    house.settle();
    let again = house.answer(call.to).expect("every call is answered");
    assert!(matches!(again.result, Ok(Reply::Returned { .. })), "{again:?}");
    assert_eq!((house.news(), again.attach.len()), (vec![], 2), "everybody knows");
    // Once more, and by now another connection of theirs has left the private room.
    let other = house.connect("alice", 3);
    house.enter(&other, &den, CHAT);
    house.does(&other, leave(&den, CHAT)).expect("they are in");
    house.news();
    house.put(Input::Again((*call).clone(), house.node.head().offset));
    house.settle();
    assert_eq!(house.answer(call.to).map(|told| told.result), Some(Err(NO_SESSION)));
    assert_eq!(house.news(), ["alice went", "alice went"], "it is nobody again, and nowhere");
}

#[test]
fn a_session_of_many_rooms_loads_them_together() {
    let mut house = House::new();
    let alice = house.connect("alice", 1);
    let names: Vec<String> = (0..100).map(|number| format!("r{number}")).collect();
    let rooms: Vec<SessionRoom> = names.iter().map(|name| room(name).into()).collect();
    house
        .does(&alice, Command::Remember { session: KEY, rooms, ends: None, not_before: Offset(0) })
        .expect("users may");
    let from = house.node.head();
    let back = house.call_as_nobody(ConnectionId(9), Command::Return { session: KEY, from, manners: OPEN });
    house.step();
    house.read();
    let mut most = 0;
    while house.answer(back).is_none() {
        house.step();
        most = most.max(house.reads.len());
        if house.told.iter().any(|told| told.to == back) {
            continue;
        }
        for _ in 0..house.reads.len() {
            house.read();
        }
    }
    assert_eq!(most, limits::LOADS_AT_ONCE_MAX);
}
