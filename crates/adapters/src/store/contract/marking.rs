//! Watermarks and what is told from them, sessions, and catching up with one's direct rooms.

use domain::event::What;
use domain::id::{MessageId, Millis, Offset, SessionKey};
use domain::limits::{MARKS_APART_MAX, SESSIONS_PER_USER_MAX};
use domain::model::{Role, SessionRoom, Status};
use domain::watermark::Mark;

use super::cases::Case;
use super::hand::{self, Hands, deleting, enrolling, making, saying, sending, user};
use crate::port::{Found, MarkWrite, Outcome, Read, SessionRow, Store, Write};

pub(super) const CASES: &[Case] = &[
    ("history says what others were given and have read, and when", told),
    ("marks rise and never fall", rising),
    ("marks of a room that is not there are kept nowhere", no_room),
    ("the highest marks apart are kept", apart),
    ("a read mark that rises says what it has come past", risen),
    ("unread is what others said above the mark", unread),
    ("without a mark, unread begins where one began to belong", belonging),
    ("sessions come back, and the longest unwritten go", sessions),
    ("catch-up brings one's direct rooms along", pairs),
];

/// A mark of somebody in a room: up to an offset (0 for none), and single ones above it.
fn marking(who: &str, room: &str, mark: Mark, upto: u64, apart: &[u64], at: u64) -> Write {
    let upto = (upto > 0).then_some(Offset(upto));
    let apart = apart.iter().copied().map(Offset).collect();
    Write::Mark(MarkWrite { user: user(who), room: hand::room(room), mark, upto, apart, at: Millis(at) })
}

/// Each message of a room: `.` sent, `d` delivered, `r` read, and when it was marked last.
fn states(hands: &mut Hands, room: &str) -> String {
    let ask = hand::history(hand::room(room), 0, u32::MAX);
    let Found::History(entries, ..) = hands.found(&ask) else { panic!("{ask:?} is answered with history") };
    let said = entries.iter().map(|entry| {
        assert!(entry.delivered || !entry.read, "what is read was delivered");
        let state = if entry.read {
            "r"
        } else if entry.delivered {
            "d"
        } else {
            "."
        };
        let at = entry.marked_at.map_or(String::new(), |at| at.to_string());
        format!("{state}{at}")
    });
    said.collect::<Vec<_>>().join(" ")
}

fn count(hands: &mut Hands, who: &str, room: &str, most: u64) -> u64 {
    let ask = Read::Unread { room: hand::room(room), user: user(who), most };
    let Found::Count(count) = hands.found(&ask) else { panic!("{ask:?} is answered with a count") };
    count
}

/// Offsets 3 to 7: ann, bob, ann, bob, ann.
fn talk(hands: &mut Hands) {
    hands.commit([making("a")]);
    hands.commit([(1, "ann"), (2, "bob"), (3, "ann"), (4, "bob"), (5, "ann")].map(|(id, by)| saying("a", by, id)));
}

fn told(store: &dyn Store) {
    use Mark::{Delivered, Read};
    let mut hands = Hands::of(store);
    talk(&mut hands);
    assert_eq!(states(&mut hands, "a"), ". . . . .");
    for (write, expected) in [
        // Bob's own messages are not told of by bob's marks.
        (marking("bob", "a", Delivered, 5, &[], 10), "d10 . d10 . ."),
        (marking("bob", "a", Read, 4, &[], 20), "r20 . d10 . ."),
        (marking("ann", "a", Delivered, 0, &[6], 30), "r20 . d10 d30 ."),
        (marking("eve", "a", Read, 0, &[7, 4], 40), "r20 r40 d10 d30 r40"),
        (marking("eve", "a", Delivered, 3, &[], 50), "r50 r40 d10 d30 r40"),
        (marking("bob", "a", Read, 7, &[], 60), "r60 r40 r60 d30 r60"),
        // What was apart is covered by the mark from here on, with its time.
        (marking("eve", "a", Read, 99, &[], 70), "r70 r70 r70 r70 r70"),
        (marking("ann", "a", Read, 99, &[], 5), "r70 r70 r70 r70 r70"),
    ] {
        hands.commit([write.clone()]);
        assert_eq!(states(&mut hands, "a"), expected, "{write:?}");
    }
    hands.commit([saying("a", "cat", 6)]);
    assert_eq!(states(&mut hands, "a"), "r70 r70 r70 r70 r70 r70", "a mark may lie ahead");
}

fn rising(store: &dyn Store) {
    use Mark::{Delivered, Read};
    let mut hands = Hands::of(store);
    talk(&mut hands);
    let head = hands.found(&crate::port::Read::Head);
    for (write, expected) in [
        (marking("eve", "a", Read, 5, &[], 10), "r10 r10 r10 . ."),
        (marking("eve", "a", Read, 4, &[], 20), "r10 r10 r10 . ."),
        (marking("eve", "a", Read, 5, &[3, 5], 30), "r10 r10 r10 . ."),
        (marking("eve", "a", Delivered, 4, &[4], 40), "r10 r10 r10 . ."),
        (marking("eve", "a", Delivered, 6, &[], 50), "r50 r50 r50 d50 ."),
        (marking("eve", "a", Read, 0, &[7], 60), "r50 r50 r50 d50 r60"),
        // It was delivered when it was read, so this is no news.
        (marking("eve", "a", Delivered, 0, &[7], 65), "r50 r50 r50 d50 r60"),
        (marking("eve", "a", Read, 0, &[7], 70), "r50 r50 r50 d50 r60"),
        (marking("eve", "a", Read, 0, &[], 80), "r50 r50 r50 d50 r60"),
        (marking("eve", "a", Read, 7, &[], 90), "r90 r90 r90 r90 r90"),
    ] {
        hands.commit([write.clone()]);
        assert_eq!(states(&mut hands, "a"), expected, "{write:?}");
    }
    assert_eq!(hands.found(&crate::port::Read::Head), head, "marks have no place in the log");
}

fn risen(store: &dyn Store) {
    use Mark::{Delivered, Read};
    let mut hands = Hands::of(store);
    talk(&mut hands);
    for (write, expected) in [
        (marking("eve", "a", Delivered, 6, &[7], 10), "done"),
        (marking("eve", "a", Read, 0, &[4, 6], 10), "done"),
        (marking("eve", "a", Read, 5, &[], 20), "reached 0 on but 4 6"),
        (marking("eve", "a", Read, 5, &[], 30), "done"),
        (marking("eve", "a", Read, 4, &[], 30), "done"),
        (marking("eve", "a", Read, 7, &[7], 40), "reached 5 on but 6"),
        (marking("bob", "a", Read, 99, &[], 50), "reached 0 on"),
        (marking("bob", "z", Read, 99, &[], 50), "done"),
    ] {
        hands.told(&format!("{write:?}"), &[(write.clone(), expected)]);
    }
    hands.commit([enrolling("a", hand::member("cat", Role::Member, Status::Active)), saying("a", "ann", 10)]);
    hands.told("where one began to belong", &[(marking("cat", "a", Read, 9, &[], 60), "reached 8 on")]);
    hands.told("once more", &[(marking("cat", "a", Read, 10, &[], 70), "reached 9 on")]);
}

fn no_room(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.told("before there is a room", &[(marking("eve", "a", Mark::Read, 99, &[5], 10), "done")]);
    talk(&mut hands);
    assert_eq!((states(&mut hands, "a"), count(&mut hands, "eve", "a", 99)), (". . . . .".to_owned(), 5));
    hands.told(
        "a room of the same batch",
        &[
            (marking("eve", "b", Mark::Read, 99, &[], 10), "done"),
            (making("b"), "at 8"),
            (saying("b", "ann", 9), "at 9"),
            (marking("bob", "b", Mark::Delivered, 9, &[], 20), "done"),
        ],
    );
    assert_eq!(states(&mut hands, "b"), "d20");
}

fn apart(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let first = 3;
    let bound = u64::try_from(MARKS_APART_MAX).expect("a small bound");
    hands.commit([making("a")]);
    hands.commit((0..=bound).map(|n| saying("a", "ann", n.into())));
    let all: Vec<u64> = (first..=first + bound).collect();
    for (who, apart, unread) in [("eve", &all[1..], 1), ("bob", &all[..], 1), ("cat", &all[..all.len() - 1], 1)] {
        hands.commit([marking(who, "a", Mark::Read, 0, apart, 10)]);
        assert_eq!(count(&mut hands, who, "a", u64::MAX), unread, "{who}");
    }
    // One more than the bound: the lowest goes.
    hands.commit([marking("cat", "a", Mark::Read, 0, &all[all.len() - 1..], 10)]);
    assert_eq!(count(&mut hands, "cat", "a", u64::MAX), 1);
    hands.commit([marking("cat", "a", Mark::Read, first, &[], 20)]);
    assert_eq!(count(&mut hands, "cat", "a", u64::MAX), 0);
    hands.commit([marking("bob", "a", Mark::Read, first + bound - 1, &[first + bound], 30)]);
    assert_eq!(count(&mut hands, "bob", "a", u64::MAX), 0);
    let state = states(&mut hands, "a");
    assert!(state.starts_with("r30 r30 ") && state.ends_with(" r30 r10"), "the last one was marked apart: {state}");
}

fn unread(store: &dyn Store) {
    let mut hands = Hands::of(store);
    talk(&mut hands);
    for (who, expected) in [("ann", 2), ("bob", 3), ("eve", 5)] {
        assert_eq!(count(&mut hands, who, "a", u64::MAX), expected, "{who}");
    }
    for (most, expected) in [(0, 0), (4, 4), (5, 5), (6, 5)] {
        assert_eq!(count(&mut hands, "eve", "a", most), expected, "at most {most}");
    }
    assert_eq!(count(&mut hands, "eve", "z", 9), 0, "a room that nobody made");
    hands.commit([marking("eve", "a", Mark::Delivered, 7, &[], 10)]);
    assert_eq!(count(&mut hands, "eve", "a", 9), 5, "delivered is not read");
    hands.commit([marking("eve", "a", Mark::Read, 4, &[6], 20)]);
    assert_eq!(count(&mut hands, "eve", "a", 9), 2);
    hands.commit([deleting("a", 7), deleting("a", 6), deleting("a", 3)]);
    assert_eq!((count(&mut hands, "eve", "a", 9), count(&mut hands, "bob", "a", 9)), (1, 1));
    // Far enough for the first ones to leave memory, where a store keeps the newest there.
    hands.commit((100..140).map(|id| saying("a", if id % 4 == 0 { "eve" } else { "ann" }, id)));
    assert_eq!((count(&mut hands, "eve", "a", 99), count(&mut hands, "eve", "a", 20)), (31, 20));
    hands.commit([deleting("a", 5), deleting("a", 13)]);
    assert_eq!(count(&mut hands, "eve", "a", 99), 29);
}

fn belonging(store: &dyn Store) {
    let mut hands = Hands::of(store);
    talk(&mut hands);
    let joins = |role| enrolling("a", hand::member("eve", role, Status::Active));
    let leaves = || enrolling("a", What::MemberRemoved { user: user("eve"), barred: false });
    hands.commit([joins(Role::Member), saying("a", "ann", 10), saying("a", "bob", 11)]);
    assert_eq!((count(&mut hands, "eve", "a", 9), count(&mut hands, "cat", "a", 9)), (2, 7));
    hands.commit([joins(Role::Owner), saying("a", "ann", 12)]);
    assert_eq!(count(&mut hands, "eve", "a", 9), 3, "another role is no new beginning");
    hands.commit([leaves()]);
    assert_eq!(count(&mut hands, "eve", "a", 9), 8, "who does not belong never began to");
    hands.commit([joins(Role::Member), saying("a", "ann", 13)]);
    assert_eq!(count(&mut hands, "eve", "a", 9), 1, "coming back is one");
    hands.commit([marking("eve", "a", Mark::Read, 0, &[15], 10)]);
    assert_eq!(count(&mut hands, "eve", "a", 9), 0, "apart, without a mark");
    hands.commit([marking("eve", "a", Mark::Read, 3, &[], 20)]);
    assert_eq!(count(&mut hands, "eve", "a", 9), 7, "a mark is a mark");
}

fn session(key: u128, who: &str, rooms: &[&str], at: u64) -> SessionRow {
    // Some have a name of their own for it.
    let named = |room: &str| room.contains('+').then(|| format!("direct:{room}").into());
    let rooms = rooms.iter().map(|room| SessionRoom { key: hand::room(room), named: named(room) }).collect();
    SessionRow {
        key: SessionKey(key),
        user: user(who),
        rooms,
        ends: at.is_multiple_of(2).then_some(Millis(at)),
        not_before: Offset(at / 3),
        at: Millis(at),
    }
}

fn sessions(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let found = |hands: &mut Hands, key: u128| {
        let Found::Session(session) = hands.found(&Read::Session(SessionKey(key))) else { panic!("a session") };
        session
    };
    let bound = u128::try_from(SESSIONS_PER_USER_MAX).expect("a small bound");
    assert_eq!(found(&mut hands, 1), None);
    let one = session(u128::MAX, "bob", &["a", "ann+bob", "GUILD#g", "ü"], u64::MAX);
    hands.told("kept", &[(Write::Session(one.clone()), "done")]);
    assert_eq!(found(&mut hands, u128::MAX), Some(one));
    // All at one time: the order of writing decides.
    let outcomes = hands.commit((1..=bound).map(|key| Write::Session(session(key, "ann", &["a"], 10))));
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done));
    assert_eq!(found(&mut hands, 1), Some(session(1, "ann", &["a"], 10)), "as many as may be");
    let again = session(1, "ann", &[], 11);
    hands.commit([Write::Session(again.clone())]);
    assert_eq!((found(&mut hands, 1), found(&mut hands, 2).is_some()), (Some(again.clone()), true), "in its place");
    hands.commit([Write::Session(session(bound + 1, "ann", &["b"], 5))]);
    assert_eq!(found(&mut hands, 2), None, "the longest unwritten goes");
    for key in [1, 3, bound, bound + 1, u128::MAX] {
        assert!(found(&mut hands, key).is_some(), "{key}");
    }
    assert_eq!(found(&mut hands, 0), None);
}

fn pairs(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let names = ["a", "ann+bob", "ann+eve", "bob+eve", "ann+ann"];
    hands.commit(names.map(making));
    for round in 0..6 {
        hands.commit(names.map(|name| sending(name, "ann", None, &round.to_string())));
    }
    // 2 to 6 made them, and then they have turns: a 7, ann+bob 8, …
    for (after, upto, rooms, pairs_of, expected, scanned) in [
        (31, 99, "a", None, vec![32], 36),
        (31, 99, "a", Some("ann"), vec![32, 33, 34, 36], 36),
        (31, 99, "", Some("eve"), vec![34, 35], 36),
        (31, 99, "ann+bob bob+eve ann+bob", Some("bob"), vec![33, 35], 36),
        (31, 34, "a", Some("bob"), vec![32, 33], 34),
        (31, 99, "a", Some("cat"), vec![32], 36),
        (6, 12, "", Some("ann"), vec![8, 9, 11], 12),
        (1, 5, "", Some("eve"), vec![4, 5], 5),
    ] {
        let named = rooms.split_whitespace().map(hand::room).collect();
        let (pairs_of, rooms) = (pairs_of.map(user), Some(named));
        let ask = Read::Since { after: Offset(after), upto: Offset(upto), rooms, pairs_of, bytes: 99_999 };
        assert_eq!(hands.offsets(&ask), (expected, scanned), "{ask:?}");
    }
    let all =
        Read::Since { after: Offset(33), upto: Offset(99), rooms: None, pairs_of: Some(user("ann")), bytes: 9_999 };
    assert_eq!(hands.offsets(&all), (vec![34, 35, 36], 36), "all rooms, once");
    let ids = Read::Messages([MessageId(0)].into());
    assert_eq!(hands.found(&ids), Found::Messages(Vec::new()));
}
