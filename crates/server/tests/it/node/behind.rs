//! Several nodes on one log: what this one decides while it has not heard of everything yet, and what it knows afterwards.

use dialects::Request;
use domain::command::{Command, Reply, Since};
use domain::event::What;
use domain::model::{Member, Role, RoomKind, Status};
use domain::query::Query;
use domain::refusal::Refusal;

use super::house::{CHAT, House, JOINS, Who, enter, room, send};

fn notice() -> What {
    What::Notice { extra: "{}".into() }
}

fn invited(who: &Who) -> What {
    let member = Member { role: Role::Member, status: Status::Active, muted: false };
    What::MemberSet { user: who.person.id.clone(), member }
}

#[test]
fn who_attends_is_attached_anyway_and_loses_nothing_by_making_rooms() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let makes = || Command::MakeRoom { title: "den".into(), kind: RoomKind::Private, seats: None, client_id: None };
    house.does(&alice, Command::Attend { rooms: true, from: Since::Now }).expect("users may");
    for who in [&alice, &bob] {
        house.does(who, makes()).expect("users may");
        let told = house.told(who, makes());
        assert!(told.result.is_ok() && told.detach.is_empty(), "{told:?}");
        // Nothing would detach her again whom the node has on no seat.
        assert_eq!(told.attach.len(), usize::from(who.connection != alice.connection), "{told:?}");
        let entered = house.enter(who, "lobby", JOINS);
        let expected = if who.connection == alice.connection { 0 } else { 2 };
        assert_eq!(
            entered.detach.len(),
            expected,
            "{} is told of the rooms that it has made: {entered:?}",
            who.person.id
        );
    }
}

#[test]
fn who_is_let_in_behind_a_gap_is_told_of_the_room_behind_it() {
    let mut house = House::new();
    let (alice, bob, carol) = (house.connect("alice", 1), house.connect("bob", 2), house.user("carol"));
    house.enter(&bob, "far", JOINS);
    let version = house.says(&bob, &room("far"), "first").version;
    let known = house.node.head().offset;
    house.elsewhere(&carol, &room("far"), Some(version), vec![(notice(), version)]);
    let makes = Command::MakeRoom { title: "den".into(), kind: RoomKind::Private, seats: None, client_id: None };
    let calls = [house.call(&alice, Request::Do(makes)), house.call(&alice, Request::Do(enter("new", JOINS)))];
    for _ in calls {
        house.step();
        while let Some((_, read)) = house.reads.front() {
            if matches!(read, adapters::port::Read::Since { .. }) {
                break;
            }
            house.read();
            house.step();
        }
        house.commit();
        house.step();
    }
    assert_eq!(house.node.head().offset, known, "the gap is not closed yet");
    for to in calls {
        let told = house.answer(to).expect("it is answered");
        let decided_at = told.attach[0].decided_at;
        let events = house.store.events();
        let last = events.iter().rev().find(|event| event.room == told.attach[0].room).expect("it was made");
        assert_eq!(decided_at, last.offset, "{:?}", told.result);
    }
}

#[test]
fn what_another_node_decided_is_known_although_an_own_event_overtook_it() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let den = house.makes(&alice, RoomKind::Private, None).key;
    let version = house.says(&alice, &den, "first").version;
    assert_eq!(house.does(&bob, send(&den, "let me in")), Err(Refusal::Forbidden));
    house.elsewhere(&alice, &den, Some(version), vec![(invited(&bob), version)]);
    house.says(&alice, &den, "welcome");
    let Ok(Reply::Own(rooms)) = house.asks(&bob, Query::Own { room: None }) else { panic!("he has rooms") };
    assert_eq!(rooms.iter().map(|own| &own.room).collect::<Vec<_>>(), [&den]);
    let said = house.does(&bob, send(&den, "thanks"));
    assert!(matches!(said, Ok(Reply::Sent { .. })), "{said:?}");
}

#[test]
fn facts_that_were_read_before_a_change_was_heard_of_are_not_taken() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let den = house.makes(&alice, RoomKind::Private, None).key;
    let version = house.says(&alice, &den, "first").version;
    // Another node, which has not touched the room: its facts are read when bob is not invited yet, and come when it has
    // heard that he is.
    let mut other = house.second();
    let to = other.call(&bob, Request::Do(send(&den, "am I in?")));
    other.step();
    let (token, ask) = other.reads.pop_front().expect("the room is read");
    let mut reader = adapters::port::Store::reader(&house.store).expect("the memory store gives readers");
    let before = reader.read(&ask);
    house.elsewhere(&alice, &den, Some(version), vec![(invited(&bob), version)]);
    other.catch_up();
    assert_eq!(other.node.head(), house.last_event().cursor());
    other.put(server::node::Input::Found(token, before));
    other.settle();
    let told = other.answer(to).expect("every call is answered");
    assert!(matches!(told.result, Ok(Reply::Sent { .. })), "{:?}", told.result);
}

#[test]
fn what_is_heard_twice_is_not_taken_for_missing() {
    let mut house = House::new();
    let (alice, bob, carol) = (house.connect("alice", 1), house.connect("bob", 2), house.user("carol"));
    house.enter(&bob, "far", JOINS);
    let den = house.makes(&alice, RoomKind::Private, None).key;
    let version = house.says(&bob, &room("far"), "first").version;
    house.elsewhere(&carol, &room("far"), Some(version), vec![(notice(), version)]);
    // His joining is written behind the gap, and read again when that is closed.
    house.enter(&bob, &den.shown(), CHAT);
    house.call(&bob, Request::Do(send(&den, "here I am")));
    house.step();
    let rooms = house.reads.iter().filter(|(_, read)| matches!(read, adapters::port::Read::Room(_))).count();
    assert_eq!((rooms, house.commits.len()), (0, 1), "what is known of the room is whole");
}
