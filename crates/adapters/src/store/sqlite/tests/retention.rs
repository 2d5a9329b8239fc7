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

fn expire(store: &impl crate::port::Store, before: u64) -> Vec<Outcome> {
    let write = Write::Expire(Expiry { before: Millis(before), behind_feed: false });
    store.writer().unwrap().commit(&hand::batch([write])).unwrap()
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
    for _ in 0..said {
        // A start in between: half of it may have been emptied by then.
        assert_eq!(expire(&dir.open(), u64::MAX), [Outcome::Expired(Offset(said + 2))]);
    }
    let store = dir.open();
    let mut writer = store.writer().unwrap();
    let again = hand::sending("a", "ann", Some("5"), &large);
    assert!(matches!(&writer.commit(&hand::batch([again])).unwrap()[..], [Outcome::Repeat(_)]));
    let again = hand::sending("a", "ann", Some("5"), "other");
    assert_eq!(writer.commit(&hand::batch([again])).unwrap(), [Outcome::IdReused]);
    writer.commit(&hand::batch([hand::sending("a", "ann", None, "new")])).unwrap();
    drop(writer);
    let ask = hand::history(hand::room("a"), 0, 99);
    let Found::History(entries, total, _) = store.reader().unwrap().read(&ask).unwrap() else { panic!("{ask:?}") };
    assert_eq!((entries.len(), total, entries[0].content()), (1, 1, "new"));
    drop(store);
    // The last to close has copied the WAL into the log and cut it.
    assert!(!is_on_disk(&dir, "secret") && is_on_disk(&dir, "new"));
    std::fs::remove_file(dir.path().join("index.db")).unwrap();
    let store = dir.open();
    let ask = Read::Unread { room: hand::room("a"), user: hand::user("eve"), most: 99 };
    assert_eq!(store.reader().unwrap().read(&ask).unwrap(), Found::Count(1), "the index is made from what is left");
}
