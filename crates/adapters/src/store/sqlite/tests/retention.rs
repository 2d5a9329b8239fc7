//! What is kept no more is on the disk no more, and the index is as good as before.

use domain::id::{Millis, Offset};

use super::Dir;
use crate::port::{Expiry, Found, Outcome, Read, Store as _, Write};
use crate::store::contract::hand;
use crate::store::sqlite::writer::SLICE_EVENTS;

/// Whether a text stands anywhere in the directory's files.
fn is_on_disk(dir: &Dir, text: &str) -> bool {
    let files = std::fs::read_dir(dir.path()).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    files.into_iter().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

fn expiring(before: u64) -> Write {
    Write::Expire(Expiry { before: Millis(before), behind_feed: false })
}

#[test]
fn what_is_kept_no_more_is_in_no_file() {
    let dir = Dir::new();
    let large = format!("secret {}", "x".repeat(50_000));
    // Some of it is indexed, and some of it in the tail only; each start reads that from its rows.
    let said = 3 * SLICE_EVENTS as u64 + 2;
    {
        let store = dir.open();
        let mut writer = store.writer().unwrap();
        writer.commit(&hand::batch([hand::making("a")])).unwrap();
        for n in 0..said {
            let text = if n == 5 { large.clone() } else { format!("secret {n}") };
            writer.commit(&hand::batch([hand::sending("a", "ann", Some(&n.to_string()), &text)])).unwrap();
        }
    }
    assert!(is_on_disk(&dir, "secret"));
    let mut expired = Vec::new();
    for _ in 0..said {
        // A start in between: some of it has been emptied by then.
        expired.extend(dir.open().writer().unwrap().commit(&hand::batch([expiring(u64::MAX / 2)])).unwrap());
    }
    assert_eq!(expired.last(), Some(&Outcome::Expired(Offset(said + 2))));
    let store = dir.open();
    let mut writer = store.writer().unwrap();
    writer.commit(&hand::batch([hand::sending("a", "ann", Some("late"), "secret")])).unwrap();
    // What was in the WAL goes as well, while the store is open: soon, on a thread of its own.
    let gone = (1..2_000).any(|later| {
        writer.commit(&hand::batch([expiring(u64::MAX / 2 + later)])).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(10));
        !is_on_disk(&dir, "secret")
    });
    assert!(gone, "it is still there");
    let again = hand::sending("a", "ann", Some("5"), &large);
    assert!(matches!(&writer.commit(&hand::batch([again])).unwrap()[..], [Outcome::Repeat(_)]));
    let again = hand::sending("a", "ann", Some("5"), "other");
    assert_eq!(writer.commit(&hand::batch([again])).unwrap(), [Outcome::IdReused]);
    writer.commit(&hand::batch([hand::sending("a", "ann", None, "new")])).unwrap();
    let ask = hand::history(hand::room("a"), 0, 99);
    let Found::History(entries, total, _) = store.reader().unwrap().read(&ask).unwrap() else { panic!("{ask:?}") };
    assert_eq!((entries.len(), total, entries[0].content()), (1, 1, "new"));
    drop((writer, store));
    assert!(!is_on_disk(&dir, "secret") && is_on_disk(&dir, "new"));
    std::fs::remove_file(dir.path().join("index.db")).unwrap();
    let store = dir.open();
    let ask = Read::Unread { room: hand::room("a"), user: hand::user("eve"), most: 99 };
    assert_eq!(store.reader().unwrap().read(&ask).unwrap(), Found::Count(1), "the index is made from what is left");
}

/// Nobody who reads while it goes is told of a message without what was said.
#[test]
fn readers_beside_it_find_messages_whole_or_not_at_all() {
    let dir = Dir::new();
    let store = dir.open();
    let mut writer = store.writer().unwrap();
    writer.commit(&hand::batch([hand::making("a")])).unwrap();
    for n in 0..600 {
        writer.commit(&hand::batch([hand::sending("a", "ann", None, &n.to_string())])).unwrap();
    }
    let going = std::sync::atomic::AtomicBool::new(true);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut reader = store.reader().unwrap();
                let since = Read::Since {
                    after: Offset(2),
                    upto: Offset(u64::MAX),
                    rooms: Some(vec![hand::room("a")]),
                    pairs_of: None,
                    bytes: 3_000,
                };
                while going.load(std::sync::atomic::Ordering::Relaxed) {
                    for ask in [hand::within("a", Some(2), None, 0, 40, usize::MAX), since.clone()] {
                        let text = |event: &std::sync::Arc<domain::event::Event>| {
                            event.message().map(|message| message.content.to_string())
                        };
                        let found = reader.read(&ask).unwrap();
                        let texts: Vec<String> = if let Found::History(entries, ..) = &found {
                            entries.iter().map(|entry| entry.content().to_owned()).collect()
                        } else {
                            let Found::Events { events, .. } = &found else { panic!("{found:?}") };
                            events.iter().filter_map(text).collect()
                        };
                        assert!(texts.iter().all(|text| !text.is_empty()), "{texts:?}");
                    }
                }
            });
        }
        while writer.commit(&hand::batch([expiring(u64::MAX)])).unwrap() != [Outcome::Expired(Offset(602))] {}
        going.store(false, std::sync::atomic::Ordering::Relaxed);
    });
}
