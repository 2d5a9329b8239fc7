//! Entering and leaving through a door that makes members, and what that makes of public rooms.

use adapters::port::FailureKind;
use domain::command::{Act, Command, Draft, Reply};
use domain::event::What;
use domain::id::{ClientId, ExclusionVersion};
use domain::limits;
use domain::model::RoomKind;
use domain::query::Query;
use domain::refusal::Refusal;
use server::node::{Input, Told};

use super::house::{CHAT, House, JOINS, OPEN, attached, enter, leave, room, send};

#[test]
fn who_enters_belongs_and_is_announced_every_time() {
    let mut house = House::new();
    let (one, two) = (house.connect("alice", 1), house.connect("alice", 2));
    house.enter(&one, "r", JOINS);
    assert_eq!(house.news(), ["made r", "alice belongs to r", "alice came"]);
    let again = house.enter(&one, "r", JOINS);
    assert_eq!(house.news(), ["alice came again"], "a repeat is announced and makes no event");
    assert_eq!(attached(&again), vec![(room("r"), None)], "where it is attached, it stays as it is");
    house.enter(&two, "r", JOINS);
    assert_eq!(house.news(), ["alice came again"]);
    let bob = house.connect("bob", 3);
    house.enter(&bob, "r", OPEN);
    assert_eq!(house.news(), ["bob came"], "another door makes no member");
    assert_eq!(house.does(&bob, enter("r", OPEN)), Err(Refusal::AlreadyPresent));
    house.enter(&bob, "r", JOINS);
    assert_eq!(house.news(), ["bob belongs to r", "bob came again"]);
}

#[test]
fn a_repeat_moves_no_cursor() {
    let mut house = House::new();
    let alice = house.connect("alice", 1);
    house.enter(&alice, "r", JOINS);
    let before = house.node.head();
    house.says(&alice, &room("r"), "hi");
    let from = domain::command::Start::After(before);
    let told = house.told(&alice, Command::Enter { room: room("r"), from, manners: JOINS });
    assert_eq!(attached(&told), vec![(room("r"), None)]);
    let head = house.node.head();
    assert_eq!(told.result, Ok(Reply::Entered { room: room("r"), from: head, head, page: Vec::new() }));
}

#[test]
fn belonging_ends_with_the_last_connection_that_leaves() {
    let mut house = House::new();
    let (one, two, bob) = (house.connect("alice", 1), house.connect("alice", 2), house.connect("bob", 3));
    for who in [&one, &two, &bob] {
        house.enter(who, "r", JOINS);
    }
    house.news();
    assert_eq!(house.does(&one, leave("r", JOINS)), Ok(Reply::Left));
    assert_eq!(house.news(), [""; 0], "another connection is there still");
    let told = house.told(&two, leave("r", JOINS));
    assert_eq!((told.result, told.detach), (Ok(Reply::Left), vec![room("r")]));
    assert_eq!(house.news(), ["alice went", "alice left r"]);
    assert_eq!(house.last_event().version, ExclusionVersion(0), "nobody may do less than before");
    house.enter(&one, "r", JOINS);
    assert_eq!(house.news(), ["alice belongs to r", "alice came"]);
    assert_eq!(house.does(&bob, leave("r", OPEN)), Ok(Reply::Left));
    assert_eq!(house.news(), ["bob went"], "other doors leave belonging alone");
    house.put(Input::Gone(one.connection.expect("it has one")));
    house.settle();
    assert_eq!(house.news(), ["alice went"], "and so does disconnecting");
    assert_eq!(house.does(&two, leave("r", JOINS)), Err(Refusal::NotPresent));
}

#[test]
fn a_relay_beside_the_room_keeps_its_listeners_member() {
    let mut house = House::new();
    let (one, two) = (house.connect("alice", 1), house.connect("alice", 2));
    house.enter(&one, "r", JOINS);
    let relay = Command::Enter { room: room("r").relayed(), from: domain::command::Start::Now, manners: JOINS };
    assert!(house.does(&two, relay).is_ok());
    assert_eq!(house.news(), ["made r", "alice belongs to r", "alice came", "alice came"]);
    assert_eq!(house.does(&one, leave("r", JOINS)), Ok(Reply::Left));
    assert_eq!(house.news(), ["alice went"], "a removal would put them out of the relay");
}

#[test]
fn what_is_said_while_the_room_is_made_waits_and_arrives() {
    let mut house = House::new();
    let alice = house.connect("alice", 1);
    house.call(&alice, dialects::Request::Do(enter("r", JOINS)));
    house.call(&alice, dialects::Request::Do(send(&room("r"), "hi")));
    house.call(&alice, dialects::Request::Do(leave("r", JOINS)));
    house.settle();
    assert_eq!(
        house.news(),
        ["made r", "alice belongs to r", "alice came", "alice went", "alice says hi", "alice left r"],
        "in the order asked; that someone goes is told ahead of the batch in which they leave"
    );
    assert!(house.told.iter().all(|told| told.result.is_ok()), "{:?}", house.told);
}

#[test]
fn many_join_in_one_batch_and_each_user_in_order() {
    let mut house = House::new();
    let maker = house.connect("maker", 1);
    house.enter(&maker, "r", JOINS);
    let many: Vec<_> = (2..50).map(|number| house.connect(&format!("u{number}"), number)).collect();
    let (one, two) = (house.connect("alice", 60), house.connect("alice", 61));
    house.news();
    for who in &many {
        house.call(who, dialects::Request::Do(enter("r", JOINS)));
    }
    for (who, command) in [
        (&one, enter("r", JOINS)),
        (&one, leave("r", JOINS)),
        (&two, enter("r", JOINS)),
        (&maker, send(&room("r"), "welcome")),
    ] {
        house.call(who, dialects::Request::Do(command));
    }
    house.step();
    assert_eq!(
        house.commits[0].writes.len(),
        many.len() + 2,
        "all who join share a batch, with what is said meanwhile"
    );
    house.settle();
    let news = house.news();
    let own: Vec<_> = news.iter().filter(|word| word.starts_with("alice")).collect();
    assert_eq!(own.first().map(|word| word.as_str()), Some("alice belongs to r"));
    let belongs = own.iter().filter(|word| *word == &"alice belongs to r").count();
    let left = own.iter().filter(|word| *word == &"alice left r").count();
    assert!(belongs == left + 1 && own.last().is_some_and(|word| word.starts_with("alice came")), "{own:?}");
    assert!(house.told.iter().all(|told| told.result.is_ok()), "{:?}", house.told);
}

#[test]
fn of_many_who_join_at_once_as_many_get_in_as_there_are_seats() {
    let mut house = House::new();
    let maker = house.connect("maker", 1);
    let view = house.makes(&maker, RoomKind::Public, Some(3));
    let many: Vec<_> = (2..10).map(|number| house.connect(&format!("u{number}"), number)).collect();
    for who in &many {
        house.call(who, dialects::Request::Do(enter(&view.key.shown(), JOINS)));
    }
    house.settle();
    let refused = house.told.iter().filter(|told| told.result == Err(Refusal::RoomFull)).count();
    assert_eq!((house.told.len(), refused), (8, 5));
}

#[test]
fn a_room_is_made_once_under_its_makers_id() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let make = |kind: RoomKind| {
        let client_id = Some(ClientId::new("drawn at random").expect("an id"));
        Command::MakeRoom { title: "den".into(), kind, seats: None, client_id }
    };
    // Both in one batch: the second waits for the first.
    for _ in 0..2 {
        house.call(&alice, dialects::Request::Do(make(RoomKind::Private)));
    }
    house.settle();
    let made = |told: Told| match told.result {
        Ok(Reply::RoomMade(view)) => view.key,
        other => panic!("{other:?}"),
    };
    let keys: Vec<_> = house.told.drain(..).map(made).collect();
    assert!(keys.len() == 2 && keys[0] == keys[1], "{keys:?}");
    assert_eq!(house.does(&alice, make(RoomKind::Public)), Err(Refusal::ClientIdReused));
    let other = house.does(&bob, make(RoomKind::Private));
    assert!(matches!(&other, Ok(Reply::RoomMade(view)) if view.key != keys[0]), "{other:?}");
    house.enter(&bob, &keys[0].shown(), CHAT);
    let quit = Command::Moderate { room: keys[0].clone(), user: alice.person.id.clone(), act: Act::Quit };
    house.does(&alice, quit).expect("they belong to it");
    assert_eq!(house.does(&alice, make(RoomKind::Private)), Err(Refusal::Forbidden), "it is theirs no more");
}

#[test]
fn what_was_said_before_one_was_put_out_is_acknowledged_once_more() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let view = house.makes(&alice, RoomKind::Private, None);
    house.enter(&bob, &view.key.shown(), CHAT);
    let say = |content: &str, id: Option<&str>| {
        let Command::Send { room, draft, manners } = send(&view.key, content) else { unreachable!("it sends") };
        let client_id = id.map(|id| ClientId::new(id).expect("an id"));
        Command::Send { room, draft: Draft { client_id, ..draft }, manners }
    };
    let Ok(Reply::Sent { event: first, repeat: false }) = house.does(&bob, say("x", Some("c1"))) else {
        panic!("it is said")
    };
    let kick = Command::Moderate { room: view.key.clone(), user: bob.person.id.clone(), act: Act::Kick };
    house.does(&alice, kick).expect("they own it");
    let said = house.does(&bob, say("x", Some("c1")));
    assert!(matches!(&said, Ok(Reply::Sent { event, repeat: true }) if event.offset == first.offset), "{said:?}");
    assert_eq!(house.does(&bob, say("y", Some("c1"))), Err(Refusal::ClientIdReused));
    assert_eq!(house.does(&bob, say("x", Some("c2"))), Err(Refusal::Forbidden));
    assert_eq!(house.does(&bob, say("x", None)), Err(Refusal::Forbidden));
    let hers = house.does(&alice, say("x", Some("c1")));
    assert!(matches!(hers, Ok(Reply::Sent { repeat: false, .. })), "another's id is another: {hers:?}");
}

#[test]
fn private_rooms_and_guilds_are_as_on_other_doors() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let view = house.makes(&alice, RoomKind::Private, None);
    let name = view.key.shown();
    assert_eq!(house.does(&bob, enter(&name, JOINS)), Err(Refusal::Forbidden));
    assert_eq!(house.does(&bob, enter("GUILD#g", JOINS)), Err(Refusal::Forbidden));
    house.enter(&bob, &name, CHAT);
    house.news();
    assert_eq!(house.does(&bob, leave(&name, JOINS)), Ok(Reply::Left));
    assert_eq!(house.news(), ["bob went", "bob left den"].map(|word| word.replace("den", &name)));
    assert_eq!(house.last_event().version, ExclusionVersion(1));
    let public = house.asks(&alice, Query::Member { room: room("r"), user: alice.person.id.clone() });
    assert_eq!(public, Err(Refusal::MemberNotFound), "who belongs to a public room is told on no wire");
}

#[test]
fn rooms_made_by_entering_count_as_made_by_first_use() {
    let mut house = House::new();
    let alice = house.connect("alice", 1);
    for number in 0..limits::FIRST_USE_ROOMS_PER_HOUR_MAX - 1 {
        house.enter(&alice, &format!("r{number}"), JOINS);
    }
    // What fails, and what somebody else made meanwhile, is not counted.
    house.store.fail_next_commit(FailureKind::Full, false);
    assert_eq!(house.does(&alice, enter("full", JOINS)), Err(Refusal::StorageFull));
    taken_meanwhile(&mut house, &alice);
    house.enter(&alice, "last", JOINS);
    house.news();
    assert_eq!(house.does(&alice, enter("over", JOINS)), Err(Refusal::RoomLimit));
    assert_eq!(house.does(&alice, send(&room("over"), "hi")), Err(Refusal::RoomLimit), "one limit for both");
    house.enter(&alice, "r1", JOINS);
    house.enter(&alice, "over", OPEN);
    house.now = house.now.plus(limits::FIRST_USE_WINDOW_MS);
    house.enter(&alice, "over", JOINS);
    assert_eq!(
        house.news(),
        ["alice came again", "alice came", "made over", "alice belongs to over", "alice came again"]
    );
}

/// Another node makes a room between this one's decision and its commit: it is decided again, and joined.
fn taken_meanwhile(house: &mut House, alice: &super::house::Who) {
    let to = house.call(alice, dialects::Request::Do(enter("taken", JOINS)));
    house.step();
    house.read();
    house.step();
    let made = What::RoomMade { kind: RoomKind::Public, title: "taken".into(), seats: None };
    house.elsewhere(alice, &room("taken"), None, vec![(made, ExclusionVersion(0))]);
    house.settle();
    let told = house.answer(to).expect("every call is answered");
    assert!(matches!(told.result, Ok(Reply::Entered { .. })), "{told:?}");
}

#[test]
fn closed_rooms_are_joined_and_not_made() {
    let mut house = House::with(domain::limits::Policy { open_rooms: false, ..Default::default() });
    let alice = house.connect("alice", 1);
    assert_eq!(house.does(&alice, enter("r", JOINS)), Err(Refusal::RoomNotFound));
    let view = house.makes(&alice, RoomKind::Public, None);
    house.news();
    house.enter(&alice, &view.key.shown(), JOINS);
    let name = view.key.shown();
    assert_eq!(house.news(), [format!("alice belongs to {name}"), "alice came".into()]);
}

#[test]
fn whoever_is_given_back_is_not_announced_again() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    house.enter(&bob, "r", JOINS);
    house.news();
    let mut told = house.enter(&alice, "r", JOINS);
    assert_eq!(house.news(), ["alice belongs to r", "alice came"]);
    let call = *told.attach[0].call.take().expect("a shard can give it back");
    let (to, head) = (call.to, house.node.head().offset);
    house.put(Input::Again(call, head));
    house.settle();
    let told = house.answer(to).expect("every call is answered");
    assert!(matches!(told.result, Ok(Reply::Entered { .. })), "{told:?}");
    assert_eq!(house.news(), [""; 0]);
}
