//! Messages as they are now: by their ids, and as pages of history with edits and deletions folded in.

use std::sync::Arc;

use domain::event::Event;
use domain::id::MessageId;
use domain::model::{Role, Status};

use super::cases::Case;
use super::hand::{self, Hands, deleting, editing, enrolling, making, saying};
use crate::port::{Found, Read, Store};

pub(super) const CASES: &[Case] = &[
    ("messages are found by their ids until they are deleted", by_id),
    ("messages come in the order asked", places),
    ("pages of history end where they are told to", pages),
    ("history shows messages as they are now", edits),
    ("what is deleted twice at once is gone once", twice),
    ("what is no message of the room is never changed or counted", nothing_changed),
    ("a page is never short for what lies between its messages", between),
];

/// What a page of history shows, oldest first, and how many messages there are.
pub(super) fn shown(hands: &mut Hands, room: &str, skip: u32, most: u32) -> (String, u64) {
    let ask = hand::history(hand::room(room), skip, most);
    let Found::History(entries, total, _) = hands.found(&ask) else { panic!("{ask:?} is answered with history") };
    assert!(entries.is_sorted_by_key(|entry| entry.sent.offset), "oldest first");
    let contents: Vec<_> = entries.iter().map(domain::history::Entry::content).collect();
    (contents.join(" "), total)
}

fn offset_of(hands: &mut Hands, id: u128) -> Option<u64> {
    let Found::Event(event) = hands.found(&Read::Message(MessageId(id))) else { panic!("answered with an event") };
    event.map(|event| {
        assert_eq!(event.message().map(|message| message.id), Some(MessageId(id)));
        event.offset.0
    })
}

/// Ids of one time, whose higher half is the same.
const TWINS: [u128; 2] = [(7 << 64) | 1, (7 << 64) | 2];

fn by_id(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a"), saying("a", "ann", TWINS[0]), saying("a", "bob", TWINS[1]), saying("a", "ann", 5)]);
    assert_eq!([TWINS[0], TWINS[1], 5].map(|id| offset_of(&mut hands, id)), [Some(3), Some(4), Some(5)]);
    assert_eq!(
        [0, 6, (7 << 64) | 3, (8 << 64) | 1, u128::MAX].map(|id| offset_of(&mut hands, id)),
        [None; 5],
        "never sent"
    );
    hands.commit([editing("a", 5, "new", 9)]);
    let Found::Event(Some(event)) = hands.found(&Read::Message(MessageId(5))) else { panic!("it is there") };
    assert_eq!(event.message().map(|message| &*message.content), Some("5"), "as it was sent");
    hands.commit([deleting("a", 3)]);
    hands.commit([deleting("a", 3), deleting("a", 5)]);
    assert_eq!([TWINS[0], TWINS[1], 5].map(|id| offset_of(&mut hands, id)), [None, Some(4), None]);
    // Ids that are the same but for some bits in the middle.
    let alike = [16, 40, 63].map(|bit| 9 | (1 << bit));
    hands.commit(alike.map(|id| saying("a", "ann", id)));
    assert_eq!(alike.map(|id| offset_of(&mut hands, id)), [Some(10), Some(11), Some(12)]);
    assert_eq!(offset_of(&mut hands, 9), None);
}

fn places(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a"), making("ann+bob")]);
    hands.commit([saying("a", "ann", 1), saying("ann+bob", "ann", 2), saying("a", "bob", TWINS[0]), deleting("a", 4)]);
    // Enough to move the first ones out of memory, where a store keeps the newest there.
    hands.commit((100..140).map(|id| saying("a", "ann", id)));
    let (a, pair) = (hand::room("a"), hand::room("ann+bob"));
    let place = |event: Arc<Event>| (event.message().map(|message| message.id.0), event.room.clone(), event.offset.0);
    for (ids, expected) in [
        (vec![], vec![]),
        (vec![2, 1, 139, 3, 2], vec![(2, &pair, 5), (139, &a, 47), (2, &pair, 5)]),
        (vec![TWINS[1], TWINS[0], 100], vec![(TWINS[0], &a, 6), (100, &a, 8)]),
    ] {
        let ids: Vec<_> = ids.into_iter().map(MessageId).collect();
        let expected: Vec<_> = expected.into_iter().map(|(id, room, at)| (Some(id), room.clone(), at)).collect();
        let ask = Read::Messages(ids.into());
        let Found::Messages(found) = hands.found(&ask) else { panic!("{ask:?} is answered with messages") };
        assert_eq!(found.into_iter().map(place).collect::<Vec<_>>(), expected, "{ask:?}");
    }
}

fn pages(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a"), making("b")]);
    for id in 1..=20 {
        hands.commit([saying("a", "ann", id), saying("b", "bob", 100 + id)]);
    }
    for (skip, most, expected) in [
        (0, 3, "18 19 20"),
        (0, 0, ""),
        (1, 1, "19"),
        (17, 3, "1 2 3"),
        (17, 4, "1 2 3"),
        (18, 3, "1 2"),
        (19, u32::MAX, "1"),
        (20, 1, ""),
        (21, 1, ""),
        (u32::MAX, u32::MAX, ""),
    ] {
        assert_eq!(shown(&mut hands, "a", skip, most), (expected.to_owned(), 20), "{skip} {most}");
    }
    let (all, _) = shown(&mut hands, "b", 0, u32::MAX);
    assert_eq!(all, (101..=120).map(|id| id.to_string()).collect::<Vec<_>>().join(" "));
    assert_eq!(shown(&mut hands, "c", 0, 9), (String::new(), 0), "a room that nobody made");
    hands.commit([making("c")]);
    assert_eq!(shown(&mut hands, "c", 0, 9), (String::new(), 0), "a room where nobody spoke");
}

fn edits(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a")]);
    hands.commit((1..=9).map(|id| saying("a", "ann", id)));
    hands.commit([editing("a", 4, "two", 5_000), editing("a", 11, "nine", 6_000)]);
    assert_eq!(shown(&mut hands, "a", 0, 9), ("1 two 3 4 5 6 7 8 nine".to_owned(), 9));
    hands.commit([editing("a", 4, "zwei", 7_000), deleting("a", 3), deleting("a", 8)]);
    assert_eq!(shown(&mut hands, "a", 0, 9), ("zwei 3 4 5 7 8 nine".to_owned(), 7));
    for (skip, most, expected) in [(2, 2, "5 7"), (3, 1, "5"), (3, 2, "4 5"), (6, 1, "zwei"), (7, 1, "")] {
        assert_eq!(shown(&mut hands, "a", skip, most), (expected.to_owned(), 7), "{skip} {most}");
    }
    let Found::History(entries, ..) = hands.found(&hand::history(hand::room("a"), 0, 9)) else {
        panic!("answered with history")
    };
    let edited: Vec<_> = entries.iter().map(|entry| entry.edited.as_ref().map(|(_, at)| at.0)).collect();
    assert_eq!(edited, [Some(7_000), None, None, None, None, None, Some(6_000)], "when the last edit was");
    assert!(entries.iter().all(|entry| entry.sent.at.0 == 1_000), "as it was sent");
    // Deleted twice, and edited afterwards: it is gone, and it is gone once.
    hands.commit([deleting("a", 3), editing("a", 3, "back", 8_000), deleting("a", 11)]);
    hands.commit([deleting("a", 11), editing("a", 11, "back", 9_000)]);
    assert_eq!(shown(&mut hands, "a", 0, 9), ("zwei 3 4 5 7 8".to_owned(), 6));
    hands.commit([4, 5, 6, 7, 9, 10].map(|of| deleting("a", of)));
    assert_eq!(shown(&mut hands, "a", 0, 9), (String::new(), 0));
    hands.commit([saying("a", "ann", 77)]);
    assert_eq!(shown(&mut hands, "a", 0, 9), ("77".to_owned(), 1));
}

/// Few events, so that a store that indexes behind its log has not indexed them yet.
fn twice(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a"), saying("a", "ann", 1), saying("a", "ann", 2)]);
    hands.commit([deleting("a", 3), deleting("a", 3)]);
    assert_eq!(shown(&mut hands, "a", 0, 9), ("2".to_owned(), 1));
}

fn nothing_changed(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a"), making("b"), saying("a", "ann", 1), saying("b", "ann", 2)]);
    let head = 9;
    hands.commit([
        // Another room's message, no message at all, nothing yet, and itself.
        deleting("a", 5),
        editing("a", 5, "x", 1),
        deleting("a", 2),
        deleting("a", head + 1),
        editing("a", 11, "x", 1),
    ]);
    hands.commit([saying("a", "ann", 3), saying("a", "ann", 4)]);
    assert_eq!(shown(&mut hands, "a", 0, 9), ("1 3 4".to_owned(), 3));
    assert_eq!(shown(&mut hands, "b", 0, 9), ("2".to_owned(), 1));
    assert_eq!([1, 2, 3, 4].map(|id| offset_of(&mut hands, id)), [Some(4), Some(5), Some(11), Some(12)]);
}

fn between(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a")]);
    for id in 1..=8 {
        hands.commit([saying("a", "ann", id)]);
        hands.commit((0..6).map(|n| enrolling("a", hand::member(&format!("u{n}"), Role::Member, Status::Active))));
    }
    for (skip, most, expected) in [(0, 3, "6 7 8"), (3, 3, "3 4 5"), (6, 3, "1 2")] {
        assert_eq!(shown(&mut hands, "a", skip, most), (expected.to_owned(), 8), "{skip} {most}");
    }
}
