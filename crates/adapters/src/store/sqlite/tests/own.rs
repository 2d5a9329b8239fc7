//! Rooms as somebody has them, looked up while things are said there.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::port::Found;
use crate::store::contract::hand;

/// As many as are counted.
const MESSAGES: u64 = 900;

#[test]
fn a_room_is_shown_as_it_was_at_one_moment() {
    let dir = Dir::new();
    let store = dir.open();
    let mut writer = store.writer().unwrap();
    writer.commit(&hand::batch([hand::meeting("ann", None, 1), hand::meeting("bob", None, 1)])).unwrap();
    writer.commit(&hand::batch([hand::making("ann+bob")])).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (store, done) = (&store, &done);
        scope.spawn(move || {
            for id in 0..MESSAGES {
                writer.commit(&hand::batch([hand::saying("ann+bob", "ann", id.into())])).unwrap();
            }
            done.store(true, Ordering::Release);
        });
        let ask = Read::Own { user: hand::user("bob"), room: None, most: 10 };
        let mut reader = store.reader().unwrap();
        loop {
            let last = done.load(Ordering::Acquire);
            let Found::Own(rooms) = reader.read(&ask).unwrap() else { panic!("rooms") };
            let own = &rooms[0];
            // Everything but its making is a message of hers, and none is read.
            assert_eq!(own.unread + 1, own.head.0, "unread, and the head");
            assert_eq!(own.newest.as_ref().map(|entry| entry.sent.offset), (own.unread > 0).then_some(own.last));
            if last {
                assert_eq!(own.unread, MESSAGES);
                break;
            }
        }
    });
}
