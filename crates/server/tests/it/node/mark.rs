//! Marks: answered after their commit, told room by room.

use std::sync::Arc;

use adapters::port::{FailureKind, MarkWrite, Outcome, Read, Write};
use dialects::Request;
use domain::command::{Command, Reply};
use domain::event::{Event, SignalKind, What};
use domain::id::{MessageId, Offset};
use domain::identity::Scopes;
use domain::limits::{self, Policy};
use domain::model::{RoomKey, RoomKind};
use domain::refusal::Refusal;
use domain::watermark::Mark;

use super::house::{CHAT, House, JOINS, OPEN, id_of, room, send, user};

fn mark(messages: &[&Arc<Event>], room: Option<RoomKey>) -> Command {
    let messages = messages.iter().map(|event| id_of(event)).collect();
    Command::Mark { mark: Mark::Read, messages, room, upto: None }
}

fn marks(writes: &[Write]) -> Vec<&MarkWrite> {
    writes.iter().map(|write| if let Write::Mark(mark) = write { mark } else { panic!("{write:?}") }).collect()
}

#[test]
fn a_whole_room_is_marked_up_to_now() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    house.enter(&bob, "r", JOINS);
    let said = house.says(&bob, &room("r"), "hi");
    house.news();
    let to = house.call(&alice, Request::Do(mark(&[], Some(room("r")))));
    house.step();
    let batch = house.commits[0].clone();
    let written = marks(&batch.writes);
    assert_eq!((&written[0].room, written[0].upto, &written[0].apart), (&room("r"), Some(said.offset), &vec![]));
    assert!(house.answer(to).is_none() && house.news().is_empty(), "nothing is told before the commit");
    house.commit();
    house.step();
    assert_eq!(house.answer(to).map(|told| told.result), Some(Ok(Reply::Done)));
    assert_eq!(house.news(), ["alice marked 0 in r, whole true"]);
}

#[test]
fn a_mark_follows_what_it_has_reached_though_the_log_before_it_is_still_unknown() {
    let mut house = House::new();
    let (alice, bob, carol) = (house.connect("alice", 1), house.connect("bob", 2), house.user("carol"));
    let den = house.makes(&bob, RoomKind::Private, None).key;
    house.enter(&alice, &den.shown(), CHAT);
    house.enter(&bob, "far", JOINS);
    let version = house.says(&bob, &room("far"), "first").version;
    let note = || vec![(What::Notice { extra: "{}".into() }, version)];
    for named in [false, true] {
        house.elsewhere(&carol, &room("far"), Some(version), note());
        house.call(&bob, Request::Do(send(&den, "hi")));
        house.step();
        house.commit();
        house.step();
        let said = house.last_event();
        assert!(house.node.head().offset < said.offset, "the other node's event lies between");
        house.signals();
        let command = if named { mark(&[&said], None) } else { mark(&[], Some(den.clone())) };
        house.call(&alice, Request::Do(command));
        // Everything happens but the read of what lies between.
        assert!(matches!(house.reads.front(), Some((_, Read::Since { .. }))), "{:?}", house.reads);
        let between = house.reads.pop_front().expect("it was just seen");
        house.settle();
        let signals = house.signals();
        assert!(!signals.is_empty());
        for signal in signals {
            assert!(signal.after >= said.offset, "{signal:?} may be told before {said:?}");
        }
        house.reads.push_back(between);
        house.settle();
    }
}

/// The signals of a mark, in short: how many messages were named or reached, and the first and last of these.
fn reached(house: &mut House) -> Vec<String> {
    house.settle();
    let short = |messages: &[domain::event::Marked]| {
        let (first, last) = (messages.first()?, messages.last()?);
        Some(format!("reached {} from {:x} to {:x}", messages.len(), first.id.0, last.id.0))
    };
    let word = |signal: &Arc<domain::event::Signal>| match &signal.kind {
        SignalKind::Marked { messages, .. } => Some(format!("marked {}", messages.len())),
        SignalKind::Reached { messages, .. } => short(messages),
        SignalKind::Came { .. }
        | SignalKind::Again
        | SignalKind::Went { .. }
        | SignalKind::Typing { .. }
        | SignalKind::Said { .. } => None,
    };
    house.signals().iter().filter_map(word).collect()
}

#[test]
fn who_wrote_what_a_mark_has_come_past_is_told_of_each_once() {
    let mut house = House::with(Policy { strict_per_minute: 0, loose_per_minute: 0, ..Policy::default() });
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let own = RoomKey::pair(user("alice"), user("bob"));
    let most = usize::try_from(limits::REACHED_MAX).expect("a small bound");
    for (place, whole) in [(own, true), (room("lobby"), false)] {
        let said: Vec<_> = (0..=most).map(|number| house.says(&bob, &place, &number.to_string())).collect();
        let mine = house.says(&alice, &place, "mine");
        house.settle();
        house.signals();
        let id = |number: usize| id_of(&said[number]).0;
        assert_eq!(house.does(&alice, mark(&[&said[5]], None)), Ok(Reply::Done));
        assert_eq!(reached(&mut house), ["marked 1"]);
        assert_eq!(house.does(&alice, mark(&[&said[7]], Some(place.clone()))), Ok(Reply::Done));
        // But for what she had read, has named now, or wrote herself. Where there may be very many, the newest are told of.
        let expected = if whole {
            vec![
                "marked 1".to_owned(),
                format!("reached {} from {:x} to {:x}", most - 2, id(0), id(most - 1)),
                format!("reached 1 from {:x} to {:x}", id(most), id(most)),
            ]
        } else {
            vec!["marked 1".to_owned(), format!("reached {} from {:x} to {:x}", most - 3, id(2), id(most))]
        };
        assert_eq!(reached(&mut house), expected);
        assert_eq!(house.does(&alice, mark(&[], Some(place.clone()))), Ok(Reply::Done));
        assert_eq!(reached(&mut house), ["marked 0"], "what was read is not read again");
        assert_eq!(house.does(&bob, mark(&[], Some(place))), Ok(Reply::Done));
        let mine = id_of(&mine).0;
        assert_eq!(reached(&mut house), ["marked 0".to_owned(), format!("reached 1 from {mine:x} to {mine:x}")]);
    }
}

#[test]
fn what_is_refused_marks_nothing() {
    let mut house = House::new();
    let (alice, back_end) = (house.connect("alice", 1), house.back_end(Scopes::BROADCAST));
    let pair = RoomKey::pair(user("bob"), user("carol"));
    let many = |count: u64| Command::Mark {
        mark: Mark::Read,
        messages: (0..count).map(|number| MessageId(u128::from(number))).collect(),
        room: None,
        upto: None,
    };
    let over = limits::MARKED_MAX as u64 + 1;
    for (what, who, command, expected) in [
        ("too many", &alice, many(over), Err(Refusal::Invalid)),
        ("a guild of others", &alice, mark(&[], Some(room("GUILD#g"))), Err(Refusal::Forbidden)),
        ("a pair of others", &alice, mark(&[], Some(pair)), Err(Refusal::Forbidden)),
        ("a relay", &alice, mark(&[], Some(room("r").relayed())), Err(Refusal::RoomNotFound)),
        ("a back end", &back_end, mark(&[], Some(room("r"))), Err(Refusal::Forbidden)),
        ("a room that nobody has used", &alice, mark(&[], Some(room("r"))), Ok(Reply::Done)),
        ("nothing", &alice, mark(&[], None), Ok(Reply::Done)),
    ] {
        assert_eq!(house.does(who, command), expected, "{what}");
    }
    assert_eq!(house.news(), [""; 0]);
}

#[test]
fn a_mark_that_is_not_kept_is_not_told() {
    let mut house = House::new();
    let bob = house.connect("bob", 2);
    house.enter(&bob, "r", JOINS);
    house.news();
    house.store.fail_next_commit(FailureKind::Full, false);
    assert_eq!(house.does(&bob, mark(&[], Some(room("r")))), Err(Refusal::StorageFull));
    assert_eq!(house.news(), [""; 0]);
}

#[test]
fn messages_of_several_rooms_are_one_command() {
    let mut house = House::new();
    let (alice, bob, carol) = (house.connect("alice", 1), house.connect("bob", 2), house.connect("carol", 3));
    let own = RoomKey::pair(user("alice"), user("bob"));
    let others = RoomKey::pair(user("bob"), user("carol"));
    house.enter(&bob, "r", OPEN);
    let (first, second) = (house.says(&bob, &room("r"), "one"), house.says(&bob, &room("r"), "two"));
    let (private, secret) = (house.says(&bob, &own, "for you"), house.says(&carol, &others, "not for you"));
    house.news();
    let to = house.call(&alice, Request::Do(mark(&[&second, &private, &secret, &first], Some(room("r")))));
    // A message behind it in the same batch: each command has its own outcome.
    let sent = house.call(&bob, Request::Do(super::house::send(&room("r"), "three")));
    house.step();
    while !house.reads.is_empty() {
        house.read();
        house.step();
    }
    // The message could be decided at once; the mark had to read, and rides in the batch behind it.
    house.commit();
    house.step();
    assert!(matches!(house.answer(sent).map(|told| told.result), Some(Ok(Reply::Sent { .. }))));
    let batch = house.commits[0].clone();
    let written: Vec<_> = marks(&batch.writes).iter().map(|mark| (mark.room.clone(), mark.apart.clone())).collect();
    assert_eq!(written, vec![(room("r"), vec![first.offset, second.offset]), (own.clone(), vec![private.offset])]);
    let reached = Outcome::Reached { after: Offset(0), apart: Vec::new() };
    assert_eq!(house.commit(), vec![reached, Outcome::Done], "two writes, one command");
    house.news();
    house.step();
    assert_eq!(house.answer(to).map(|told| told.result), Some(Ok(Reply::Done)));
    let signals = house.signals();
    let marked = |event: &Arc<Event>| event.marked().expect("it is a message");
    let upto = Some(second.offset);
    let expected = [(room("r"), vec![marked(&first), marked(&second)], upto), (own, vec![marked(&private)], None)];
    for (signal, (room, messages, upto)) in signals.iter().zip(expected) {
        let (messages, whole_room) = (messages.into(), upto.is_some());
        let kind = SignalKind::Marked { mark: Mark::Read, messages, whole_room, upto };
        assert_eq!((&signal.room, &signal.kind, signal.origin), (&room, &kind, alice.connection));
    }
    assert_eq!(signals.len(), 2);
}

#[test]
fn slots_of_one_and_of_several_writes_share_a_batch() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let said: Vec<_> = ["a", "b", "c"].map(|name| house.says(&bob, &room(name), name)).into();
    house.news();
    let before = house.call(&bob, Request::Do(super::house::send(&room("a"), "first")));
    house.step();
    // While that one is committed, the next batch gathers: three writes of one command between two messages.
    let one = house.call(&bob, Request::Do(super::house::send(&room("a"), "x")));
    let all = house.call(&alice, Request::Do(mark(&[&said[0], &said[1], &said[2]], None)));
    house.step();
    house.read();
    house.step();
    let other = house.call(&bob, Request::Do(super::house::send(&room("b"), "y")));
    house.step();
    house.commit();
    house.step();
    assert_eq!(house.commits[0].writes.len(), 5);
    house.settle();
    for (to, what) in [(before, "first"), (one, "x"), (other, "y")] {
        let told = house.answer(to).expect("every call is answered");
        let Ok(Reply::Sent { event, .. }) = told.result else { panic!("{told:?}") };
        assert_eq!(event.message().map(|message| &*message.content), Some(what));
    }
    assert_eq!(house.answer(all).map(|told| told.result), Some(Ok(Reply::Done)));
}
