//! History and unread messages: who may see them, decided no earlier than what they show.

use adapters::port::Found;
use dialects::Request;
use domain::command::Reply;
use domain::id::MessageId;
use domain::identity::Scopes;
use domain::limits;
use domain::model::{RoomKey, RoomKind};
use domain::query::{Place, Query, Window};
use domain::refusal::Refusal;

use server::node::Input;

use super::house::{CHAT, House, JOINS, id_of, leave, room, send, user};

fn history(room: &RoomKey) -> Query {
    Query::History { room: Place::Room(room.clone()), window: Window::default(), skip: 0, most: 50 }
}

fn ids(reply: Result<Reply, Refusal>) -> (Vec<MessageId>, u64) {
    match reply {
        Ok(Reply::History { entries, total }) => (entries.iter().map(|entry| id_of(&entry.sent)).collect(), total),
        other => panic!("expected history, not {other:?}"),
    }
}

#[test]
fn strangers_are_refused_before_anything_is_read() {
    let mut house = House::new();
    let (alice, back_end) = (house.user("alice"), house.back_end(Scopes::BROADCAST));
    let pair = RoomKey::pair(user("bob"), user("carol"));
    for (what, who, room) in [
        ("a guild that is none", &alice, room("GUILD#g")),
        ("a pair of others", &alice, pair),
        ("a back end", &back_end, room("r")),
    ] {
        assert_eq!(house.asks(who, history(&room)), Err(Refusal::Forbidden), "{what}");
        assert_eq!(house.asks(who, Query::Unread { room }), Err(Refusal::Forbidden), "{what}");
    }
    let relay = room("r").relayed();
    assert_eq!(ids(house.asks(&alice, history(&relay))), (vec![], 0), "a relay keeps nothing");
    assert_eq!(house.asks(&alice, Query::Unread { room: relay }), Ok(Reply::Unread(0)));
}

#[test]
fn pages_are_the_newest_first_skipped_oldest_first_shown() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    assert_eq!(ids(house.asks(&bob, history(&room("r")))), (vec![], 0), "a room that nobody has used is empty");
    assert_eq!(house.asks(&bob, Query::Unread { room: room("r") }), Ok(Reply::Unread(0)));
    house.enter(&alice, "r", JOINS);
    let said: Vec<_> = ["one", "two", "three"].map(|text| id_of(&house.says(&alice, &room("r"), text))).into();
    assert_eq!(ids(house.asks(&bob, history(&room("r")))), (said.clone(), 3));
    let page = Query::History { room: Place::Room(room("r")), window: Window::default(), skip: 1, most: 1 };
    assert_eq!(ids(house.asks(&bob, page)), (vec![said[1]], 3));
    assert_eq!(house.asks(&bob, Query::Unread { room: room("r") }), Ok(Reply::Unread(3)));
    assert_eq!(house.asks(&alice, Query::Unread { room: room("r") }), Ok(Reply::Unread(0)), "one's own are read");
}

#[test]
fn no_page_is_longer_than_the_bound() {
    let mut house = House::new();
    let alice = house.connect("alice", 1);
    house.enter(&alice, "r", JOINS);
    house.call(
        &alice,
        Request::Ask(Query::History {
            room: Place::Room(room("r")),
            window: Window::default(),
            skip: 0,
            most: u32::MAX,
        }),
    );
    house.step();
    let (_, read) = &house.reads[0];
    assert!(matches!(read, adapters::port::Read::History { most: limits::HISTORY_MAX, .. }), "{read:?}");
}

#[test]
fn whoever_was_removed_while_the_page_was_read_gets_none() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let view = house.makes(&alice, RoomKind::Private, None);
    let den = view.key;
    house.enter(&bob, &den.shown(), CHAT);
    let other = house.user("bob");
    // The removal and a message after it are committed; the node has not heard of it when the page comes back.
    let page = house.call(&other, Request::Ask(history(&den)));
    house.step();
    house.call(&bob, Request::Do(leave(&den.shown(), CHAT)));
    house.step();
    house.commit();
    house.read();
    house.settle();
    assert_eq!(house.answer(page).map(|told| told.result), Some(Err(Refusal::Forbidden)));
}

#[test]
fn whoever_was_removed_while_their_rooms_were_looked_up_is_not_shown_that_one() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let (den, own) = (house.makes(&alice, RoomKind::Private, None).key, house.makes(&bob, RoomKind::Private, None).key);
    house.enter(&bob, &den.shown(), CHAT);
    let listed = |told: server::node::Told| match told.result {
        Ok(Reply::Own(rooms)) => rooms.into_iter().map(|room| room.room).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let rooms = house.call(&bob, Request::Ask(Query::Own { room: None }));
    house.settle();
    assert_eq!(house.answer(rooms).map(listed), Some(vec![den.clone(), own.clone()]));
    // They are looked up, and found on their way back, when he leaves and something is said there. What is found is as of
    // before, but for what was said last.
    let other = house.user("bob");
    let rooms = house.call(&other, Request::Ask(Query::Own { room: None }));
    house.step();
    let (token, _) = house.reads.pop_front().expect("they are looked up");
    let mut reader = adapters::port::Store::reader(&house.store).expect("the memory store gives readers");
    let ask = adapters::port::Read::Own { user: other.person.id.clone(), room: None, most: 10 };
    let Ok(Found::Own(mut found)) = reader.read(&ask) else { panic!("rooms are found") };
    house.call(&bob, Request::Do(leave(&den.shown(), CHAT)));
    house.step();
    house.commit();
    // The node has not heard of it yet.
    found[0].last = house.last_event().offset;
    house.put(Input::Found(token, Ok(Found::Own(found))));
    house.settle();
    assert_eq!(house.answer(rooms).map(listed), Some(vec![own]));
}

#[test]
fn a_page_ahead_of_the_node_waits_until_it_knows() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.user("bob"));
    house.enter(&alice, "r", JOINS);
    let page = house.call(&bob, Request::Ask(history(&room("r"))));
    house.call(&alice, Request::Do(send(&room("r"), "hi")));
    house.step();
    // The message is committed and in the page, and its outcome is still on its way to the node.
    let batch = house.commits.pop_front().expect("a batch is in flight");
    let mut writer = adapters::port::Store::writer(&house.store).expect("the memory store gives writers");
    let outcomes = writer.commit(&batch);
    house.read();
    house.step();
    assert!(house.answer(page).is_none());
    assert!(house.reads.is_empty(), "what is in flight brings it; nothing is read for it");
    house.put(server::node::Input::Committed(outcomes));
    house.step();
    let told = house.answer(page).expect("it is known by now");
    assert_eq!(ids(told.result).1, 1);
}
