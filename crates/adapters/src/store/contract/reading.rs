//! Reading: pages, catch-up, places, lists, and what a reader beside a writer sees.

use domain::Text;
use domain::event::What;
use domain::facts::RoomFacts;
use domain::history::Fate;
use domain::id::{Cursor, ExclusionVersion, Millis, Offset, RoomName, Seq, UserNumber};
use domain::model::{Role, RoomKey, RoomKind, Status};

use super::LIFE;
use super::cases::Case;
use super::hand::{self, Hands, deleting, editing, making, message, page, saying, sending, user, write};
use crate::port::{Found, Outcome, Read, RoomWrite, Store, Write};
use crate::store::settle;

pub(super) const CASES: &[Case] = &[
    ("pages end where they are told to", pages),
    ("catch-up visits the rooms asked for, in order", since),
    ("catch-up says what has become of its messages, however far on", fates),
    ("catch-up stops at its budget and says how far it looked", budget),
    ("places are found by offset and by seq", places),
    ("a room's facts are the fold of its events", facts),
    ("a list of rooms shows what the asker may know of", lists),
    ("the rooms that somebody made by asking", made_by),
    ("who sent something lately", recent),
    ("a reader sees what was committed before it was asked", read_your_writes),
];

/// Rooms a and b by turns, offsets 2 to 21: a has the even ones.
fn two_rooms(hands: &mut Hands) {
    hands.commit([making("a"), making("b")]);
    for _ in 0..9 {
        hands.commit([sending("a", "ann", None, "12345678"), sending("b", "bob", None, "12345678")]);
    }
}

fn pages(store: &dyn Store) {
    let mut hands = Hands::of(store);
    two_rooms(&mut hands);
    for (room, before, most, expected, scanned) in [
        ("a", None, 3, vec![16, 18, 20], 21),
        ("b", None, 3, vec![17, 19, 21], 21),
        ("a", Some(18), 2, vec![14, 16], 17),
        ("a", Some(17), 2, vec![14, 16], 16),
        ("a", Some(5), 9, vec![2, 4], 4),
        ("a", Some(2), 9, vec![], 1),
        ("a", Some(0), 9, vec![], 0),
        ("a", Some(u64::MAX), 1, vec![20], 21),
        ("a", None, 0, vec![], 21),
        ("a", None, usize::MAX, (1..=10).map(|n| n * 2).collect(), 21),
        ("c", None, 9, vec![], 21),
    ] {
        assert_eq!(hands.offsets(&page(room, before, most)), (expected, scanned), "{room} {before:?} {most}");
    }
}

fn since(store: &dyn Store) {
    let mut hands = Hands::of(store);
    two_rooms(&mut hands);
    hands.commit([making("c")]);
    for (after, upto, rooms, expected, scanned) in [
        (18, 99, None, vec![19, 20, 21, 22], 22),
        (18, 20, None, vec![19, 20], 20),
        (17, 99, Some("a"), vec![18, 20], 22),
        (17, 99, Some("c b"), vec![19, 21, 22], 22),
        (17, 19, Some("b a b"), vec![18, 19], 19),
        (20, 99, Some("a"), vec![], 22),
        (0, 3, None, vec![2, 3], 3),
        (0, 99, Some("z"), vec![], 22),
        (0, 99, Some(""), vec![], 22),
        (22, 99, None, vec![], 22),
        (30, 99, None, vec![], 30),
        (9, 5, None, vec![], 9),
    ] {
        let rooms: Option<Vec<_>> = rooms.map(|rooms| rooms.split_whitespace().map(hand::room).collect());
        let ask = Read::Since { after: Offset(after), upto: Offset(upto), rooms, pairs_of: None, bytes: 99_999 };
        assert_eq!(hands.offsets(&ask), (expected, scanned), "{ask:?}");
    }
}

fn fates(store: &dyn Store) {
    let mut hands = Hands::of(store);
    // Offsets 4 to 13: a has the even ones.
    hands.commit([making("a"), making("b")]);
    hands.commit((4..14).map(|id| saying(if id % 2 == 0 { "a" } else { "b" }, "ann", id)));
    let fates = |hands: &mut Hands, rooms: Option<&str>, after: u64, upto: u64| {
        let rooms: Option<Vec<_>> = rooms.map(|rooms| rooms.split_whitespace().map(hand::room).collect());
        let ask = Read::Since { after: Offset(after), upto: Offset(upto), rooms, pairs_of: None, bytes: 99_999 };
        let Found::Events { fates, .. } = hands.found(&ask) else { panic!("{ask:?} is answered with events") };
        let fate = |(of, fate): &(Offset, Fate)| match fate {
            Fate::Edited(content) => format!("{of} {content}"),
            Fate::Deleted => format!("{of} gone"),
        };
        fates.iter().map(fate).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(fates(&mut hands, Some("a b"), 0, 99), "", "nothing has happened to them");
    hands.commit([editing("a", 4, "x", 1), editing("b", 5, "b", 2), editing("a", 4, "y", 3), deleting("a", 6)]);
    // What names another room's message, or none, changes nothing.
    hands.commit([
        deleting("b", 5),
        editing("b", 5, "c", 4),
        editing("a", 7, "z", 5),
        deleting("a", 2),
        deleting("a", 99),
    ]);
    assert_eq!(fates(&mut hands, Some("a b"), 0, 99), "4 y, 5 gone, 6 gone");
    // Far enough for the first ones to leave memory, where a store keeps the newest there.
    hands.commit((100..140).map(|id| saying("a", "ann", id)));
    hands.commit([editing("a", 8, "late", 6), editing("a", 4, "later", 7), deleting("b", 13)]);
    for (rooms, after, upto, expected) in [
        ("a b", 0, 13, "4 later, 5 gone, 6 gone, 8 late, 13 gone"),
        ("a", 0, 99, "4 later, 6 gone, 8 late"),
        ("b", 0, 12, "5 gone"),
        ("a b", 4, 8, "5 gone, 6 gone, 8 late"),
        ("a b", 8, 12, ""),
        ("", 0, 99, ""),
    ] {
        assert_eq!(fates(&mut hands, Some(rooms), after, upto), expected, "{rooms} {after} {upto}");
    }
    assert_eq!(fates(&mut hands, None, 0, 99), "", "not of all rooms");
}

fn budget(store: &dyn Store) {
    let mut hands = Hands::of(store);
    two_rooms(&mut hands);
    // What one of the messages weighs; all have the same content.
    let (events, _) = hands.events(&page("a", None, 1));
    let one = settle::weight(&events[0]);
    for (rooms, bytes, expected, scanned) in [
        (None, one * 3, vec![11, 12, 13], 13),
        (None, one * 3 - 1, vec![11, 12], 12),
        (None, 0, vec![11], 11),
        (Some("a"), one * 2, vec![12, 14], 14),
        (Some("a"), one * 5, vec![12, 14, 16, 18, 20], 21),
        (Some("a"), 0, vec![12], 12),
        (Some("a b"), one * 3, vec![11, 12, 13], 13),
    ] {
        let rooms: Option<Vec<_>> = rooms.map(|rooms: &str| rooms.split_whitespace().map(hand::room).collect());
        let ask = Read::Since { after: Offset(10), upto: Offset(99), rooms, pairs_of: None, bytes };
        assert_eq!(hands.offsets(&ask), (expected, scanned), "{ask:?}");
    }
}

fn places(store: &dyn Store) {
    let mut hands = Hands::of(store);
    two_rooms(&mut hands);
    let here = |offset| Some(Cursor { life: hand::START, offset: Offset(offset) });
    for (room, seq, expected) in [
        ("a", 0, Some(Cursor { life: LIFE, offset: Offset(1) })),
        ("b", 0, here(2)),
        ("a", 1, here(2)),
        ("b", 1, here(3)),
        ("a", 7, here(14)),
        ("b", 10, here(21)),
        ("b", 11, None),
        ("a", u64::MAX, None),
        ("c", 0, None),
        ("c", 1, None),
    ] {
        let ask = Read::AtSeq(hand::room(room), Seq(seq));
        assert_eq!(hands.found(&ask), Found::Cursor(expected), "{ask:?}");
    }
    for (offset, expected) in [(2, here(2)), (21, here(21)), (22, None)] {
        assert_eq!(hands.found(&Read::At(Offset(offset))), Found::Cursor(expected), "{offset}");
    }
}

fn facts(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let mut private = write("p", "ann", None, vec![hand::made(RoomKind::Private, Some(5))]);
    private.events.push((hand::member("ann", Role::Owner, Status::Active), ExclusionVersion(0)));
    private.events.push((hand::member("bob", Role::Member, Status::Active), ExclusionVersion(0)));
    let steps = [
        vec![(What::Sent(message(None, "x")), ExclusionVersion(0))],
        vec![(What::MemberRemoved { user: user("bob"), barred: true }, ExclusionVersion(1))],
        vec![(hand::member("eve", Role::Moderator, Status::Inactive), ExclusionVersion(1))],
        vec![(hand::member("bob", Role::Member, Status::Active), ExclusionVersion(1))],
        vec![(What::MemberRemoved { user: user("eve"), barred: false }, ExclusionVersion(2))],
    ];
    let born = hands.commit([Write::Events(private)]).remove(0);
    let Outcome::Committed(events) = born else { panic!("{born:?}") };
    let mut fold = RoomFacts::born(&events[0]).expect("the first event makes the room");
    events.iter().for_each(|event| fold.apply(event));
    for (at, events) in (2_000..).zip(steps) {
        assert_eq!(hands.found(&Read::Room(hand::room("p"))), Found::Room(Some(Box::new(fold.clone()))));
        let next = RoomWrite { at: Millis(at), events, ..write("p", "ann", Some(fold.version.0), Vec::new()) };
        let outcome = hands.commit([Write::Events(next)]).remove(0);
        let Outcome::Committed(events) = outcome else { panic!("{outcome:?}") };
        events.iter().for_each(|event| fold.apply(event));
    }
    assert_eq!(hands.found(&Read::Room(hand::room("p"))), Found::Room(Some(Box::new(fold))));
}

fn lists(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let rooms = [("pub", RoomKind::Public), ("priv", RoomKind::Private), ("GUILD#g", RoomKind::Guild)];
    for (name, kind) in rooms {
        let mut made = write(name, "ann", None, vec![hand::made(kind, None)]);
        let rosters = [
            hand::member("in", Role::Member, Status::Active),
            hand::member("off", Role::Owner, Status::Inactive),
            hand::member("out", Role::Owner, Status::Active),
            What::MemberRemoved { user: user("out"), barred: true },
        ];
        made.events.extend(rosters.map(|what| (what, ExclusionVersion(0))));
        hands.commit([Write::Events(made)]);
    }
    hands.commit([making("in+off"), making("in+in"), making("pub2")]);
    hands.commit([sending("priv", "in", None, "the latest")]);
    for (asker, kind, most, expected) in [
        ("in", None, 9, "priv pub2 dm-in-in dm-in-off GUILD#g pub"),
        ("off", None, 9, "pub2 dm-in-off pub"),
        ("out", None, 9, "pub2"),
        ("stranger", None, 9, "pub2 pub"),
        ("in", Some(RoomKind::Public), 9, "pub2 pub"),
        ("in", Some(RoomKind::Private), 9, "priv"),
        ("in", Some(RoomKind::Guild), 9, "GUILD#g"),
        ("in", Some(RoomKind::Direct), 9, "dm-in-in dm-in-off"),
        ("in", None, 2, "priv pub2"),
        ("in", None, 0, ""),
    ] {
        let ask = Read::Rooms { asker: user(asker), kind, most };
        let Found::Rooms(rooms) = hands.found(&ask) else { panic!("{ask:?} is answered with rooms") };
        let shown: Vec<_> = rooms.iter().map(|facts| facts.key.shown().to_string()).collect();
        assert_eq!(shown.join(" "), expected, "{ask:?}");
        for facts in rooms {
            let Found::Room(Some(whole)) = hands.found(&Read::Room(facts.key.clone())) else { panic!("it is there") };
            assert_eq!(facts, settle::without_rosters(&whole), "the same facts, without rosters");
        }
    }
}

fn made_by(store: &dyn Store) {
    let mut hands = Hands::of(store);
    for (name, by, seats) in [("x", "ann", Some(5)), ("y", "ann", None), ("z", "bob", Some(5)), ("w", "ann", Some(2))] {
        hands.commit([Write::Events(write(name, by, None, vec![hand::made(RoomKind::Public, seats)]))]);
    }
    for (who, expected) in [("ann", "x w"), ("bob", "z"), ("eve", "")] {
        let Found::Rooms(rooms) = hands.found(&Read::MadeBy(user(who))) else { panic!("answered with rooms") };
        let shown: Vec<_> = rooms.iter().map(|facts| facts.key.shown().to_string()).collect();
        assert_eq!(shown.join(" "), expected, "{who}");
    }
}

fn recent(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a")]);
    for (by, at) in [("ann", 10), ("bob", 20), ("ann", 30)] {
        let sent = write("a", by, Some(0), vec![What::Sent(message(None, "x"))]);
        hands.commit([Write::Events(RoomWrite { at: Millis(at), ..sent })]);
    }
    let joined = write("a", "eve", Some(0), vec![hand::member("eve", Role::Member, Status::Active)]);
    hands.commit([Write::Events(RoomWrite { at: Millis(40), ..joined })]);
    let (ann, bob) = (hand::person("ann").number, hand::person("bob").number);
    for (after, expected) in [
        (0, vec![(ann, 10), (bob, 20), (ann, 30)]),
        (10, vec![(bob, 20), (ann, 30)]),
        (29, vec![(ann, 30)]),
        (30, vec![]),
    ] {
        let expected: Vec<(UserNumber, Millis)> = expected.into_iter().map(|(who, at)| (who, Millis(at))).collect();
        assert_eq!(hands.found(&Read::Recent(Millis(after))), Found::Recent(expected), "after {after}");
    }
}

/// Names that differ by case, by spelling, or look like a pair's are rooms of their own; and each is seen at once.
fn read_your_writes(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let names = ["lobby", "Lobby", "dm-a-b", "a+b", "GUILD#1", "ünïcode"];
    let keys = names.map(hand::room);
    for (index, name) in names.iter().enumerate() {
        hands.commit([making(name)]);
        for (other, key) in keys.iter().enumerate() {
            let Found::Room(facts) = hands.found(&Read::Room(key.clone())) else { panic!("answered with a room") };
            assert_eq!(facts.is_some(), other <= index, "{key:?} after {name}");
        }
    }
    let literal = RoomKey::Named(RoomName::new("a+b").expect("a valid name"));
    assert_eq!(hands.found(&Read::Room(literal)), Found::Room(None), "a name is never a pair");
    let kinds = hand::KINDS.map(|kind| Text::from(format!("{kind:?}")));
    for (kind, name) in hand::KINDS.iter().zip(&kinds) {
        hands.commit([Write::Events(write(name, "ann", None, vec![hand::made(*kind, None)]))]);
        let Found::Room(Some(facts)) = hands.found(&Read::Room(hand::room(name))) else { panic!("it is there") };
        assert_eq!(facts.kind, *kind);
    }
}
