//! Edits and deletions: by their author, once.

use dialects::Request;
use domain::Text;
use domain::command::{Command, Reply};
use domain::event::What;
use domain::id::{ExclusionVersion, MessageId};
use domain::identity::Scopes;
use domain::limits;
use domain::model::{RoomKey, RoomKind, Sending};
use domain::refusal::Refusal;

use super::house::{CHAT, House, JOINS, id_of, leave, room, user};

fn edit(message: MessageId, content: &str) -> Command {
    Command::Edit { message, content: Text::from(content) }
}

#[test]
fn content_is_refused_before_anything_is_looked_up() {
    let mut house = House::new();
    let alice = house.user("alice");
    for content in [String::new(), "x".repeat(limits::CONTENT_BYTES_MAX + 1)] {
        assert_eq!(house.does(&alice, edit(MessageId(1), &content)), Err(Refusal::InvalidContent));
    }
}

#[test]
fn authors_change_their_own() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    house.enter(&alice, "r", JOINS);
    let said = house.says(&alice, &room("r"), "hi");
    let (id, of) = (id_of(&said), said.offset);
    house.news();
    let Ok(Reply::Changed { event, sent }) = house.does(&alice, edit(id, "hello")) else { panic!("it is their own") };
    assert_eq!(
        (&event.what, &sent),
        (&What::Edited { message: id, of, content: "hello".into(), sending: Sending::default() }, &said)
    );
    assert_eq!(house.does(&bob, edit(id, "mine")), Err(Refusal::NotAllowed));
    assert_eq!(house.does(&bob, Command::Delete { message: id, moderates: false }), Err(Refusal::NotAllowed));
    let back_end = house.back_end(Scopes::BROADCAST);
    assert_eq!(house.does(&back_end, Command::Delete { message: id, moderates: false }), Err(Refusal::MessageNotFound));
    let Ok(Reply::Changed { event, sent }) = house.does(&alice, Command::Delete { message: id, moderates: false })
    else {
        panic!("it is their own")
    };
    assert_eq!((&event.what, &sent), (&What::Deleted { message: id, of, sending: Sending::default() }, &said));
    assert_eq!(house.news(), ["alice edits: hello", "alice deletes"]);
    for command in [
        edit(id, "again"),
        Command::Delete { message: id, moderates: false },
        Command::Delete { message: MessageId(5), moderates: false },
    ] {
        assert_eq!(house.does(&alice, command), Err(Refusal::MessageNotFound));
    }
}

#[test]
fn what_one_may_not_read_is_not_there() {
    let mut house = House::new();
    let (alice, bob, carol) = (house.connect("alice", 1), house.connect("bob", 2), house.connect("carol", 3));
    let view = house.makes(&alice, RoomKind::Private, None);
    house.enter(&bob, &view.key.shown(), CHAT);
    let said = house.says(&bob, &view.key, "hi");
    let delete = || Command::Delete { message: id_of(&said), moderates: false };
    assert_eq!(house.does(&carol, delete()), Err(Refusal::MessageNotFound));
    assert_eq!(house.does(&alice, delete()), Err(Refusal::NotAllowed));
    house.does(&bob, leave(&view.key.shown(), CHAT)).expect("they are in");
    assert_eq!(house.does(&bob, delete()), Err(Refusal::MessageNotFound), "and what they said is theirs no more");
    let pair = RoomKey::pair(user("alice"), user("bob"));
    let said = house.says(&bob, &pair, "psst");
    assert_eq!(
        house.does(&carol, Command::Delete { message: id_of(&said), moderates: false }),
        Err(Refusal::MessageNotFound)
    );
    assert!(house.does(&bob, Command::Delete { message: id_of(&said), moderates: false }).is_ok());
}

#[test]
fn two_deletions_in_one_batch_are_one() {
    let mut house = House::new();
    let (one, two) = (house.connect("alice", 1), house.connect("alice", 2));
    let said = house.says(&one, &room("r"), "hi");
    house.news();
    let delete = || Request::Do(Command::Delete { message: id_of(&said), moderates: false });
    let (first, second) = (house.call(&one, delete()), house.call(&two, delete()));
    house.settle();
    assert!(matches!(house.answer(first).map(|told| told.result), Some(Ok(Reply::Changed { .. }))));
    assert_eq!(house.answer(second).map(|told| told.result), Some(Err(Refusal::MessageNotFound)));
    assert_eq!(house.news(), ["alice deletes"]);
}

#[test]
fn whoever_is_refused_holds_nobody_up() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let said = house.says(&alice, &room("r"), "hi");
    let delete = || Request::Do(Command::Delete { message: id_of(&said), moderates: false });
    let (refused, done) = (house.call(&bob, delete()), house.call(&alice, delete()));
    house.step();
    assert_eq!(house.reads.len(), 1, "the second waits until the first has its outcome");
    house.settle();
    assert_eq!(house.answer(refused).map(|told| told.result), Some(Err(Refusal::NotAllowed)));
    assert!(matches!(house.answer(done).map(|told| told.result), Some(Ok(Reply::Changed { .. }))));
}

/// Another node removes the author between this one's decision and its commit.
#[test]
fn an_edit_that_races_a_removal_loses() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let view = house.makes(&alice, RoomKind::Private, None);
    house.enter(&bob, &view.key.shown(), CHAT);
    let said = house.says(&bob, &view.key, "hi");
    house.news();
    let edited = house.call(&bob, Request::Do(edit(id_of(&said), "ho")));
    house.step();
    house.read();
    house.step();
    assert_eq!(house.commits.len(), 1, "it is decided");
    let removed = What::MemberRemoved { user: user("bob"), barred: true };
    house.elsewhere(&alice, &view.key, Some(said.version), vec![(removed, ExclusionVersion(said.version.0 + 1))]);
    house.settle();
    assert_eq!(house.answer(edited).map(|told| told.result), Some(Err(Refusal::MessageNotFound)));
    assert!(!house.news().iter().any(|word| word.contains("edits")));
}
