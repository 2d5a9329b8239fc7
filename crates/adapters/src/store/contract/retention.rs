//! Letting go of what is too old: who finds it no more, what stays of it, and who is told that something is missing.

use domain::event::What;
use domain::id::{ClientId, Cursor, MessageId, Millis, Offset};
use domain::model::{Role, Status};
use domain::watermark::Mark;

use super::cases::Case;
use super::hand::{self, Hands, deleting, editing, enrolling, making, saying, sending, user, write};
use crate::port::{Expiry, FeedPlace, Found, MarkWrite, Outcome, Read, RoomWrite, Store, Write};
use crate::store::settle;

pub(super) const CASES: &[Case] = &[
    ("what is too old is found no more", found),
    ("a repeat of what is too old is known, and so are its numbers", repeats),
    ("who misses something is told so, and nobody else", gone),
    ("nothing goes that the feed has not come to", fed),
];

fn expiring(before: u64, behind_feed: bool) -> Write {
    Write::Expire(Expiry { before: Millis(before), behind_feed })
}

/// Lets go of what is that old, until nothing more goes: up to where that was.
fn expire(hands: &mut Hands, before: u64, behind_feed: bool) -> u64 {
    let mut last = None;
    loop {
        let outcomes = hands.commit([expiring(before, behind_feed)]);
        let [Outcome::Expired(upto)] = outcomes[..] else { panic!("{outcomes:?}") };
        if last == Some(upto) {
            return upto.0;
        }
        assert!(last.is_none_or(|last| last < upto && upto.0 - last.0 <= settle::EXPIRE_MOST), "some at a time");
        last = Some(upto);
    }
}

/// The same write, at another time.
fn at(write: Write, ms: u64) -> Write {
    let Write::Events(write) = write else { panic!("only events have a time of their own: {write:?}") };
    Write::Events(RoomWrite { at: Millis(ms), ..write })
}

/// a has 4, 6, 8, … and b 5, 7, 9, … up to 23; each is said at its offset's time.
fn talk(hands: &mut Hands) {
    hands.commit([at(making("a"), 2), at(making("b"), 3)]);
    for id in 4..24_u64 {
        hands.commit([at(saying(if id % 2 == 0 { "a" } else { "b" }, "ann", id.into()), id)]);
    }
}

/// The contents of a room's history, and how many messages it says there are.
fn history(hands: &mut Hands, ask: &Read) -> (String, u64) {
    let Found::History(entries, total, _) = hands.found(ask) else { panic!("{ask:?} is answered with history") };
    (entries.iter().map(|entry| entry.content().to_owned()).collect::<Vec<_>>().join(" "), total)
}

fn unread(hands: &mut Hands, room: &str) -> u64 {
    let ask = Read::Unread { room: hand::room(room), user: user("eve"), most: 99 };
    let Found::Count(count) = hands.found(&ask) else { panic!("{ask:?} is answered with a count") };
    count
}

fn found(store: &dyn Store) {
    let mut hands = Hands::of(store);
    talk(&mut hands);
    hands.commit([at(deleting("a", 8), 24), at(deleting("a", 14), 25), at(editing("a", 12, "new", 26), 26)]);
    let all = |hands: &mut Hands| history(hands, &hand::history(hand::room("a"), 0, u32::MAX));
    assert_eq!(all(&mut hands), ("4 6 10 new 16 18 20 22".to_owned(), 8));
    assert_eq!(expire(&mut hands, 2, false), 1, "nothing is that old");
    assert_eq!((expire(&mut hands, 11, false), expire(&mut hands, 5, false)), (10, 10), "what is younger stays");
    assert_eq!(hands.found(&Read::Expired), Found::Expired(Offset(10)));
    assert_eq!(all(&mut hands), ("new 16 18 20 22".to_owned(), 5));
    for (above, below, skip, most, expected) in [
        (None, Some(17), 0, 9, "new 16"),
        (None, Some(12), 0, 9, ""),
        (Some(4), None, 0, 2, "new 16"),
        (Some(16), None, 0, 2, "18 20"),
        (Some(4), Some(20), 1, 9, "new 16"),
        (None, None, 3, 9, "new 16"),
    ] {
        let ask = hand::within("a", above, below, skip, most, usize::MAX);
        assert_eq!(history(&mut hands, &ask), (expected.to_owned(), 5), "{ask:?}");
    }
    assert_eq!((unread(&mut hands, "a"), unread(&mut hands, "b")), (5, 7));
    let ids = Read::Messages([MessageId(9), MessageId(11)].into());
    let Found::Messages(messages) = hands.found(&ids) else { panic!("{ids:?} is answered with messages") };
    assert_eq!(messages.iter().map(|event| event.offset.0).collect::<Vec<_>>(), [11]);
    assert_eq!(hands.found(&Read::Message(MessageId(10))), Found::Event(None));
    let uuid = |id: u64| MessageId(id.into()).to_string().into();
    let ask = Read::Find { room: hand::room("a"), senders: Vec::new(), ids: [uuid(10), uuid(16)].into() };
    let Found::Entries(entries) = hands.found(&ask) else { panic!("{ask:?} is answered with entries") };
    assert_eq!(entries.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    // Marks and edits go on as before, and more goes.
    hands.commit([Write::Mark(MarkWrite {
        user: user("eve"),
        room: hand::room("a"),
        mark: Mark::Read,
        upto: Some(Offset(18)),
        apart: Vec::new(),
        at: Millis(30),
    })]);
    assert_eq!(unread(&mut hands, "a"), 2);
    assert_eq!(expire(&mut hands, u64::MAX, false), 26, "all of it");
    assert_eq!((all(&mut hands), unread(&mut hands, "b")), ((String::new(), 0), 0));
    hands.commit([at(saying("a", "ann", 99), 31)]);
    assert_eq!((all(&mut hands), unread(&mut hands, "a")), (("99".to_owned(), 1), 1));
}

fn repeats(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([at(making("a"), 1)]);
    let said = |content: &str| at(sending("a", "ann", Some("c1"), content), 5);
    hands.commit([said("hello"), at(write_notice("a"), 6)]);
    hands.commit((10..40).map(|id| at(saying("a", "bob", id), 7)));
    assert_eq!(expire(&mut hands, 8, false), 34, "all of it");
    let outcomes = hands.commit([said("hello")]);
    let [Outcome::Repeat(first)] = &outcomes[..] else { panic!("{outcomes:?}") };
    let content = first.message().map(|message| message.content.to_string());
    assert_eq!((content.as_deref(), first.offset), (Some("hello"), Offset(3)), "with what it says itself");
    hands.told("a repeat", &[(said("hello"), "repeat 3"), (said("other"), "reused")]);
    let ask = Read::Sent { by: user("ann"), room: hand::room("a"), client_id: ClientId::new("c1").expect("an id") };
    let Found::Event(Some(first)) = hands.found(&ask) else { panic!("{ask:?} is answered with an event") };
    let message = first.message().expect("it is a message");
    assert_eq!((&*message.content, first.offset), ("", Offset(3)), "its contents are gone");
    // Pages and a look at everything have the places, and no contents.
    let (page, _) = hands.events(&hand::page("a", None, 99));
    let all = Read::Since { after: Offset(0), upto: Offset(99), rooms: None, pairs_of: None, bytes: 99_999 };
    assert_eq!(hands.events(&all).0, page);
    let seqs: Vec<u64> = page.iter().map(|event| event.seq.0).collect();
    assert_eq!(seqs, (1..=33).collect::<Vec<_>>());
    let notice = |what: &What| if let What::Notice { extra } = what { extra.to_string() } else { "-".to_owned() };
    let left = |what: &What| if let What::Sent(message) = what { message.content.to_string() } else { notice(what) };
    assert_eq!(page[1..].iter().map(|event| left(&event.what)).collect::<String>(), "");
    hands.told("numbers go on", &[(at(saying("a", "ann", 50), 9), "at 35")]);
    assert_eq!(hands.found(&Read::Head), Found::Cursor(Some(Cursor { life: hand::START, offset: Offset(35) })));
}

fn write_notice(room: &str) -> Write {
    Write::Events(write(room, "ann", Some(0), vec![What::Notice { extra: "{}".into() }]))
}

fn gone(store: &dyn Store) {
    let mut hands = Hands::of(store);
    talk(&mut hands);
    // c has what nobody said.
    hands.commit([at(making("c"), 24), at(enrolling("c", hand::member("eve", Role::Member, Status::Active)), 25)]);
    hands.commit([at(making("ann+bob"), 26), at(saying("ann+bob", "ann", 60), 27), at(saying("c", "ann", 61), 40)]);
    hands.commit((30..34).map(|id| at(saying("b", "ann", id), 41)));
    assert_eq!(expire(&mut hands, 40, false), 27);
    for (after, upto, rooms, pairs_of, expected, is_gone) in [
        (21, 99, "a", None, vec![], true),
        (22, 99, "a", None, vec![], false),
        (22, 99, "b", None, vec![29, 30, 31, 32], true),
        (23, 99, "a b", None, vec![29, 30, 31, 32], false),
        (0, 99, "c", None, vec![28], false),
        (0, 24, "a", None, vec![], true),
        (25, 99, "c", Some("bob"), vec![28], true),
        (27, 99, "c", Some("bob"), vec![28], false),
        (25, 99, "c", Some("eve"), vec![28], false),
        (0, 99, "", None, vec![], false),
    ] {
        let rooms = Some(rooms.split_whitespace().map(hand::room).collect());
        let (after, upto, pairs_of) = (Offset(after), Offset(upto), pairs_of.map(user));
        let ask = Read::Since { after, upto, rooms, pairs_of, bytes: 99_999 };
        let Found::Events { events, scanned, gone, .. } = hands.found(&ask) else { panic!("{ask:?}: events") };
        let offsets: Vec<u64> = events.iter().map(|event| event.offset.0).collect();
        assert_eq!((offsets, scanned.0, gone), (expected, upto.0.min(32), is_gone), "{ask:?}");
    }
}

fn fed(store: &dyn Store) {
    let mut hands = Hands::of(store);
    talk(&mut hands);
    assert_eq!(expire(&mut hands, 99, true), 1, "no feed has a place");
    hands.commit([Write::Fed(FeedPlace { cursor: Cursor { life: hand::START, offset: Offset(9) }, outbox: 0 })]);
    assert_eq!((expire(&mut hands, 7, true), expire(&mut hands, 99, true)), (6, 9), "it has");
    assert_eq!((expire(&mut hands, 12, false), expire(&mut hands, 99, true)), (11, 11), "there is none any more");
    // What is younger keeps what is older and lies behind it: a clock that was wrong lets go of nothing too soon.
    hands.commit([at(saying("a", "ann", 70), 5), at(saying("a", "ann", 71), 50), at(saying("a", "ann", 72), 5)]);
    assert_eq!(expire(&mut hands, 20, false), 19);
    assert_eq!((expire(&mut hands, 24, false), expire(&mut hands, 51, false)), (24, 26));
}
