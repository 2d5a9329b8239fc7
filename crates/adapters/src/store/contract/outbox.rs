//! What the feed is to be told of marks, and how far it has come.

use domain::id::{Cursor, Life, MessageId, Millis, Offset};
use domain::model::{Role, Status};
use domain::watermark::Mark;

use super::cases::Case;
use super::hand::{self, Hands, enrolling, making, saying, user};
use crate::port::{AskedMark, Covered, FeedPlace, Found, MarkWrite, Posted, Read, Store, Write};

pub(super) const CASES: &[Case] = &[
    ("marks that a client asked for wait in the outbox", asked),
    ("what a mark comes past is told from where it stood", stretches),
    ("what the feed has goes, and no number comes again", fed),
    ("the outbox is read in parts", parts),
];

/// A mark that somebody asked for: of named messages, up to an offset (0 for none), and single ones above it.
fn asking(who: &str, room: &str, mark: Mark, upto: u64, apart: &[u64], named: &[u128]) -> Write {
    let upto = (upto > 0).then_some(Offset(upto));
    let apart = apart.iter().copied().map(Offset).collect();
    let mark = MarkWrite { user: user(who), room: hand::room(room), mark, upto, apart, at: Millis(70) };
    Write::Asked(AskedMark { mark, messages: named.iter().copied().map(MessageId).collect() })
}

fn row(number: u64, after: u64, who: &str, mark: Mark, what: Covered) -> Posted {
    Posted { number, after: Offset(after), user: user(who), mark, at: Millis(70), what }
}

fn named(ids: &[u128]) -> Covered {
    Covered::Messages(ids.iter().copied().map(MessageId).collect())
}

fn stretch(room: u64, from: u64, upto: u64) -> Covered {
    Covered::Stretch { room: Offset(room), from: Offset(from), upto: Offset(upto) }
}

fn outbox(hands: &mut Hands, after: u64, most: usize) -> Vec<Posted> {
    let ask = Read::Outbox { after, most };
    let Found::Outbox(rows) = hands.found(&ask) else { panic!("{ask:?} is answered with rows") };
    rows
}

fn place(hands: &mut Hands) -> Option<FeedPlace> {
    let Found::Feed(place) = hands.found(&Read::Feed) else { panic!("a place") };
    place
}

fn unread(hands: &mut Hands, who: &str, room: &str) -> u64 {
    let ask = Read::Unread { room: hand::room(room), user: user(who), most: 99 };
    let Found::Count(count) = hands.found(&ask) else { panic!("{ask:?} is answered with a count") };
    count
}

fn came(offset: u64, outbox: u64) -> FeedPlace {
    FeedPlace { cursor: Cursor { life: Life(0xfeed), offset: Offset(offset) }, outbox }
}

fn asked(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let steps = [
        (asking("bob", "a", Mark::Read, 9, &[], &[1]), "done"),
        (making("a"), "at 2"),
        (saying("a", "ann", 1), "at 3"),
        (asking("bob", "a", Mark::Read, 0, &[3], &[1]), "done"),
        (saying("a", "ann", 2), "at 4"),
        (asking("bob", "a", Mark::Delivered, 0, &[4, 3], &[2, 1]), "done"),
    ];
    hands.told("in one batch", &steps);
    let rows = [row(1, 3, "bob", Mark::Read, named(&[1])), row(2, 4, "bob", Mark::Delivered, named(&[2, 1]))];
    assert_eq!(outbox(&mut hands, 0, 99), rows, "of a room that was not there yet nothing is told");
    assert_eq!(unread(&mut hands, "bob", "a"), 1, "the mark itself is kept as any other");
    // Asked for again, it is told of again: whoever asked did so.
    hands.told("again", &[(asking("bob", "a", Mark::Read, 0, &[3], &[1]), "done")]);
    assert_eq!(outbox(&mut hands, 2, 99), [row(3, 4, "bob", Mark::Read, named(&[1]))]);
    let nobody_asked = MarkWrite {
        user: user("bob"),
        room: hand::room("a"),
        mark: Mark::Read,
        upto: Some(Offset(4)),
        apart: Vec::new(),
        at: Millis(80),
    };
    hands.commit([Write::Mark(nobody_asked)]);
    assert_eq!(outbox(&mut hands, 0, 99).len(), 3);
}

fn stretches(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("z"), making("a"), saying("a", "ann", 1), saying("a", "ann", 2), saying("a", "ann", 3)]);
    for (mark, upto, apart, named_ones, expected) in [
        (Mark::Delivered, 4, &[][..], &[][..], Some(stretch(3, 0, 4))),
        (Mark::Read, 5, &[], &[], Some(stretch(3, 0, 5))),
        (Mark::Read, 5, &[], &[], None),
        (Mark::Read, 4, &[], &[], None),
        (Mark::Delivered, 5, &[], &[], None),
        (Mark::Read, 6, &[], &[], Some(stretch(3, 5, 6))),
        (Mark::Read, 6, &[], &[3], Some(named(&[3]))),
        (Mark::Read, 0, &[6], &[], None),
    ] {
        let before = outbox(&mut hands, 0, 99);
        hands.commit([asking("bob", "a", mark, upto, apart, named_ones)]);
        let mut rows = outbox(&mut hands, 0, 99);
        let new = rows.split_off(before.len());
        assert_eq!(rows, before);
        assert_eq!(new.into_iter().map(|row| row.what).next(), expected, "{mark:?} up to {upto}");
    }
    assert_eq!(unread(&mut hands, "bob", "a"), 0);
    // Whoever has no mark begins to read where they began to belong.
    let before = outbox(&mut hands, 0, 99).len();
    hands.commit([enrolling("a", hand::member("eve", Role::Member, Status::Active)), saying("a", "ann", 4)]);
    hands.commit([asking("eve", "a", Mark::Read, 8, &[], &[])]);
    assert_eq!(outbox(&mut hands, 0, 99)[before].what, stretch(3, 7, 8));
}

fn fed(store: &dyn Store) {
    let mut hands = Hands::of(store);
    assert_eq!((place(&mut hands), outbox(&mut hands, 0, 99)), (None, Vec::new()));
    hands.told("the beginning", &[(Write::Fed(came(1, 0)), "done")]);
    assert_eq!(place(&mut hands), Some(came(1, 0)));
    hands.commit([making("a"), saying("a", "ann", 1)]);
    let ask = || asking("bob", "a", Mark::Read, 0, &[], &[1]);
    hands.commit([ask(), ask(), ask()]);
    hands.told("some", &[(Write::Fed(came(3, 2)), "done")]);
    let numbers = |hands: &mut Hands| outbox(hands, 0, 99).iter().map(|row| row.number).collect::<Vec<_>>();
    assert_eq!((place(&mut hands), numbers(&mut hands)), (Some(came(3, 2)), vec![3]));
    // Whatever is said twice stands, and one that comes in the same batch is not gone with it.
    hands.told("all", &[(Write::Fed(came(3, 3)), "done"), (ask(), "done"), (Write::Fed(came(3, 3)), "done")]);
    assert_eq!(numbers(&mut hands), [4]);
    hands.commit([Write::Fed(came(3, 4))]);
    assert!(numbers(&mut hands).is_empty());
    hands.commit([ask()]);
    assert_eq!(numbers(&mut hands), [5], "also when none is left");
    let head = hands.found(&Read::Head);
    assert!(
        matches!(head, Found::Cursor(Some(Cursor { offset: Offset(3), .. }))),
        "none of it is in the log: {head:?}"
    );
}

fn parts(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a"), saying("a", "ann", 1)]);
    hands.commit((0..40).map(|n| asking("bob", "a", Mark::Read, 0, &[], &[n])));
    for (after, most, expected) in [(0, 3, 1..4), (3, 3, 4..7), (38, 3, 39..41), (40, 3, 41..41), (0, 0, 1..1)] {
        let numbers: Vec<u64> = outbox(&mut hands, after, most).iter().map(|row| row.number).collect();
        assert_eq!(numbers, expected.collect::<Vec<_>>(), "{most} after {after}");
    }
    assert_eq!(outbox(&mut hands, 39, 1)[0].what, named(&[39]));
}
