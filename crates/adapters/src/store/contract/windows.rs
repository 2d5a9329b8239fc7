//! Parts of a room's history: windows, bounds in bytes, and messages by the names that wires have for them.

use domain::Text;
use domain::event::What;
use domain::id::{ClientId, MessageId};
use domain::model::Message;

use super::cases::Case;
use super::hand::{self, Hands, deleting, editing, making, message, saying, user, within, write};
use crate::port::{Found, Read, Store, Write};

pub(super) const CASES: &[Case] = &[
    ("a window shows what was sent within it", windows),
    ("a page ends where its bytes end, on the side that it leads to", bytes),
    ("messages are found by what their senders called them, or by their UUIDs", find),
];

fn shown(hands: &mut Hands, ask: &Read) -> (String, u64) {
    let Found::History(entries, total, _) = hands.found(ask) else { panic!("{ask:?} is answered with history") };
    let contents: Vec<_> = entries.iter().map(domain::history::Entry::content).collect();
    (contents.join(" "), total)
}

fn windows(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a"), making("b")]);
    // Message n of room a is at 2 + 2n.
    for id in 1..=20 {
        hands.commit([saying("a", "ann", id), saying("b", "bob", 100 + id)]);
    }
    hands.commit([deleting("a", 10), editing("a", 14, "six", 9)]);
    let last = |n: u64| 2 + 2 * n;
    let check = |hands: &mut Hands, total| {
        for (above, below, skip, most, expected) in [
            (None, None, 0, 3, "18 19 20"),
            (Some(last(17)), None, 0, 9, "18 19 20"),
            (Some(last(17) + 1), None, 0, 9, "18 19 20"),
            (Some(last(3)), None, 0, 3, "5 six 7"),
            (Some(last(2)), None, 0, 1, "3"),
            (Some(last(2)), None, 0, 0, ""),
            (Some(0), None, 0, 2, "1 2"),
            (Some(last(20)), None, 0, 9, ""),
            (Some(u64::MAX), None, 0, 9, ""),
            (None, Some(last(3)), 0, 9, "1 2"),
            (None, Some(last(3) + 1), 0, 9, "1 2 3"),
            (None, Some(last(7)), 0, 3, "3 5 six"),
            (None, Some(last(7)), 1, 2, "3 5"),
            (None, Some(last(7)), 5, 2, ""),
            (None, Some(u64::MAX), 1, 2, "18 19"),
            (None, Some(0), 0, 9, ""),
            (None, Some(2), 0, 9, ""),
            (Some(last(2)), Some(last(8)), 0, 3, "5 six 7"),
            (Some(last(2)), Some(last(8)), 1, 9, "3 5 six"),
            (Some(last(2)), Some(last(8)), 4, 9, ""),
            (Some(last(8)), Some(last(2)), 0, 9, ""),
            (Some(last(3)), Some(last(5)), 0, 9, ""),
        ] {
            let ask = within("a", above, below, skip, most, usize::MAX);
            assert_eq!(shown(hands, &ask), (expected.to_owned(), total), "{ask:?}");
        }
    };
    check(&mut hands, 19);
    assert_eq!(shown(&mut hands, &within("c", Some(0), None, 0, 9, 99)), (String::new(), 0), "a room that nobody made");
    hands.commit((30..60).map(|id| saying("b", "bob", id)));
    check(&mut hands, 19);
    hands.commit([deleting("a", last(20)), deleting("a", last(4)), deleting("a", last(1))]);
    assert_eq!(shown(&mut hands, &within("a", Some(0), None, 0, 2, 99)), ("2 3".to_owned(), 17));
    assert_eq!(shown(&mut hands, &within("a", None, None, 1, 1, 99)), ("18".to_owned(), 17));
}

fn bytes(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a")]);
    hands.commit((11..=20).map(|id| saying("a", "ann", id)));
    hands.commit([editing("a", 5, "a longer one", 9)]);
    for (above, below, bytes, expected) in [
        (None, None, 4, "19 20"),
        (None, None, 5, "19 20"),
        (None, None, 0, "20"),
        (Some(2), None, 4, "11 12"),
        (Some(2), None, 15, "11 12"),
        (Some(2), None, 16, "11 12 a longer one"),
        (Some(4), None, 0, "a longer one"),
        (None, Some(7), 3, "14"),
        (None, Some(7), 14, "a longer one 14"),
        (Some(3), Some(7), 16, "12 a longer one 14"),
        (Some(3), Some(7), 15, "a longer one 14"),
    ] {
        let ask = within("a", above, below, 0, 9, bytes);
        assert_eq!(shown(&mut hands, &ask), (expected.to_owned(), 10), "{ask:?}");
    }
}

fn find(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a"), making("b")]);
    let mut id = 0;
    let mut send = |room: &str, by: &str, client_id: &str, content: &str| {
        id += 1;
        let client_id = ClientId::new(client_id).ok();
        let message = Message { id: MessageId(id), client_id, ..message(None, content) };
        Write::Events(write(room, by, Some(0), vec![What::Sent(message)]))
    };
    let uuid = |id: u128| MessageId(id).to_string();
    // At 4 to 9. The fifth is called what the UUID of the first is.
    hands.commit([
        send("a", "ann", "m1", "1"),
        send("a", "bob", "m1", "2"),
        send("a", "bob", "m2", "3"),
        send("b", "ann", "m3", "4"),
        send("a", "ann", &uuid(1), "5"),
        send("a", "ann", "m6", "6"),
    ]);
    hands.commit([editing("a", 6, "drei", 9), deleting("a", 9)]);
    let check = |hands: &mut Hands| {
        for (room, senders, ids, expected) in [
            ("a", "ann bob", vec!["m1", "m2", "m3", "m9"], vec!["1", "drei", "", ""]),
            ("a", "bob ann", vec!["m1", "m1"], vec!["2", "2"]),
            ("a", "bob", vec!["m6", "m2"], vec!["", "drei"]),
            ("a", "ann", vec!["m6", ""], vec!["", ""]),
            ("b", "ann", vec!["m3", "m1"], vec!["4", ""]),
            ("a", "ann", vec![&uuid(1), &uuid(2), &uuid(3), &uuid(4), &uuid(6)], vec!["5", "2", "drei", "", ""]),
            ("a", "", vec![&uuid(1), "m1", &uuid(99)], vec!["1", "", ""]),
            ("b", "", vec![&uuid(4).to_uppercase()], vec!["4"]),
            ("z", "ann", vec!["m1", &uuid(1)], vec!["", ""]),
            ("a", "ann", vec![], vec![]),
        ] {
            let senders = senders.split_whitespace().map(user).collect();
            let ids: Vec<Text> = ids.into_iter().map(Text::from).collect();
            let ask = Read::Find { room: hand::room(room), senders, ids: ids.into() };
            let Found::Entries(found) = hands.found(&ask) else { panic!("{ask:?} is answered with entries") };
            let contents: Vec<_> = found.iter().map(|one| one.as_ref().map_or("", |entry| entry.content())).collect();
            assert_eq!(contents, expected, "{ask:?}");
        }
    };
    check(&mut hands);
    hands.commit((100..140).map(|id| saying("b", "bob", id)));
    check(&mut hands);
}
