//! Files that are not what was written, or not ours.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};

use domain::Text;
use domain::event::{Event, What};
use domain::history::Entry;
use domain::id::Millis;
use domain::model::{Profile, RoomKey, User};
use domain::query::{Which, Window};
use rusqlite::Connection;

use super::*;
use crate::port::{Found, Outcome, Write};
use crate::store::contract::hand;

/// A store with a past of some hundred events in a few rooms, closed; and the same past in memory.
fn with_past() -> (Dir, MemoryStore) {
    let (dir, oracle) = (Dir::new(), MemoryStore::new(LIFE));
    // Any bytes will do, as long as they are many and differ.
    let script: Vec<u8> = (0_u32..6_000).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    contract::play(&script, &dir.open(), &oracle);
    assert!(oracle.events().len() > 150, "{} events", oracle.events().len());
    (dir, oracle)
}

#[test]
fn a_file_that_is_not_ours_is_left_as_it_is() {
    let other = Dir::new();
    let sqlite = other.path().join("other.db");
    Connection::open(&sqlite).unwrap().execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    let theirs = fs::read(&sqlite).unwrap();
    let text = b"Not a database at all, and shorter than one.".to_vec();
    for (name, bytes) in [("log.db", &theirs), ("log.db", &text), ("index.db", &theirs)] {
        let dir = Dir::new();
        fs::write(dir.path().join(name), bytes).unwrap();
        let failure = SqliteStore::open(dir.path(), LIFE).err().unwrap();
        assert_eq!(failure.kind, FailureKind::Foreign, "{failure}");
        assert!(failure.what.contains(name), "it names the file: {failure}");
        assert_eq!(fs::read(dir.path().join(name)).unwrap(), *bytes, "{name} is untouched");
    }
}

#[test]
fn a_log_of_a_newer_version_is_refused() {
    let (dir, _) = with_past();
    Connection::open(dir.path().join("log.db")).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let failure = SqliteStore::open(dir.path(), LIFE).err().unwrap();
    assert_eq!(failure.kind, FailureKind::Foreign);
    assert!(failure.what.contains("999") && failure.what.contains("newer"), "{failure}");
}

#[test]
fn a_second_process_is_told_that_the_store_is_open() {
    let dir = Dir::new();
    let store = dir.open();
    let failure = SqliteStore::open(dir.path(), LIFE).err().unwrap();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(failure.what.contains("another process"), "{failure}");
    let writer = store.writer().unwrap();
    assert_eq!(store.writer().err().map(|failure| failure.kind), Some(FailureKind::Unavailable), "one writer");
    drop((writer, store));
    drop(dir.open());
}

#[test]
fn an_index_that_is_missing_or_garbage_or_of_another_log_is_made_anew() {
    let (dir, oracle) = with_past();
    let (strangers, _) = with_past();
    let foreign_past = Dir::new();
    drop(SqliteStore::open(foreign_past.path(), Life(77)).unwrap());
    type Ruin = Box<dyn Fn(&Path)>;
    let ruins: [(&str, Ruin); 6] = [
        ("missing", Box::new(|index| fs::remove_file(index).unwrap())),
        ("empty", Box::new(|index| fs::write(index, "").unwrap())),
        ("garbage", Box::new(|index| fs::write(index, [0x5a; 9_000]).unwrap())),
        ("cut short", Box::new(|index| fs::write(index, &fs::read(index).unwrap()[..4_096]).unwrap())),
        (
            "of another log",
            Box::new(move |index| assert!(fs::copy(foreign_past.path().join("index.db"), index).is_ok())),
        ),
        (
            "without its place",
            Box::new(|index| Connection::open(index).unwrap().execute_batch("DELETE FROM state").unwrap()),
        ),
    ];
    for (what, ruin) in ruins {
        ruin(&dir.path().join("index.db"));
        let store = dir.open();
        contract::same(&store, &oracle);
        assert_eq!(store.check().unwrap(), Vec::<String>::new(), "{what}");
    }
    // A log that was copied back from a backup, beside the index of what came after it.
    let backup = fs::read(dir.path().join("log.db")).unwrap();
    {
        let store = dir.open();
        let mut writer = store.writer().unwrap();
        writer.commit(&hand::batch([hand::making("later")])).unwrap();
    }
    fs::write(dir.path().join("log.db"), backup).unwrap();
    contract::same(&dir.open(), &oracle);
    // The same past, restored and then continued otherwise, with the index of the first continuation.
    let index = fs::read(strangers.path().join("index.db")).unwrap();
    let store = dir.open();
    store.writer().unwrap().commit(&hand::batch([hand::making("otherwise")])).unwrap();
    oracle.writer().unwrap().commit(&hand::batch([hand::making("otherwise")])).unwrap();
    drop(store);
    fs::write(dir.path().join("index.db"), index).unwrap();
    contract::same(&dir.open(), &oracle);
}

/// R5: rows whose checksum does not hold are named and never served.
#[test]
fn a_flipped_bit_in_a_row_is_named_by_its_offset() {
    let (dir, oracle) = with_past();
    let log = Connection::open(dir.path().join("log.db")).unwrap();
    let (offset, row): (u64, Vec<u8>) = log
        .query_row("SELECT offset, row FROM events WHERE offset = 50", [], |row| {
            Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?))
        })
        .unwrap();
    let room = oracle.events()[usize::try_from(offset - 2).unwrap()].room.clone();
    for bit in (0..row.len() * 8).step_by(7) {
        let mut flipped = row.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        log.execute("UPDATE events SET row = ?1 WHERE offset = 50", [&flipped]).unwrap();
        let store = dir.open();
        let mut reader = store.reader().unwrap();
        for ask in [
            Read::Page { room: room.clone(), before: None, most: usize::MAX },
            Read::Since {
                after: domain::id::Offset(40),
                upto: domain::id::Offset(60),
                rooms: None,
                pairs_of: None,
                bytes: 99_999,
            },
            Read::At(domain::id::Offset(offset)),
        ] {
            let failure = reader.read(&ask).err().unwrap();
            assert_eq!(failure.kind, FailureKind::Corrupt, "bit {bit}, {ask:?}");
            assert!(failure.what.contains("offset 50"), "{failure}");
        }
        log.execute("UPDATE events SET row = ?1 WHERE offset = 50", [&row]).unwrap();
    }
    contract::same(&dir.open(), &oracle);
}

/// R5 on the files as they are: wherever a bit flips, everything read is either right or a failure.
#[test]
fn a_flipped_bit_anywhere_in_a_file_never_serves_wrong_content() {
    let (dir, oracle) = with_past();
    let (mut noticed, mut harmless) = (0, 0);
    for (file, flips) in [("log.db", 150), ("index.db", 50)] {
        let whole = fs::read(dir.path().join(file)).unwrap();
        let index = fs::read(dir.path().join("index.db")).unwrap();
        // Most of a small file is empty pages.
        let used: Vec<usize> = (100..whole.len()).filter(|at| whole[*at] != 0).collect();
        for flip in 0..flips {
            let mut flipped = whole.clone();
            flipped[used[used.len() * flip / flips]] ^= 1 << (flip % 8);
            fs::write(dir.path().join(file), &flipped).unwrap();
            if read_all(&dir, &oracle) {
                harmless += 1;
            } else {
                noticed += 1;
            }
            fs::write(dir.path().join("index.db"), &index).unwrap();
            drop(fs::remove_file(dir.path().join("index.damaged")));
        }
        fs::write(dir.path().join(file), &whole).unwrap();
    }
    assert!(noticed > 20 && harmless > 0, "{noticed} noticed, {harmless} harmless");
    contract::same(&dir.open(), &oracle);
}

/// R5 while it is open: an index that is overwritten under the store serves nothing wrong, and is made anew without a start.
#[test]
fn an_index_damaged_while_it_is_open_is_made_anew() {
    let (dir, oracle) = with_past();
    let store = dir.open();
    let mut writer = store.writer().unwrap();
    let index = dir.path().join("index.db");
    for round in 0_u8..4 {
        store.settle();
        let pages = fs::metadata(&index).unwrap().len() / 4096;
        let mut file = fs::OpenOptions::new().write(true).open(&index).unwrap();
        let from = if round == 0 { 0 } else { 4096 };
        file.seek(SeekFrom::Start(from)).unwrap();
        file.write_all(&vec![0x5a ^ round; usize::try_from(pages * 4096 - from).unwrap()]).unwrap();
        drop(file);
        assert!(!store.check().unwrap().is_empty(), "it is noticed");
        // Handles that were opened before may go on with what they have read; everything is right, or a failure.
        let renewed = (0..1_000).any(|_| {
            let page = Read::Page { room: hand::room("lobby"), before: None, most: usize::MAX };
            let found = store.reader().and_then(|mut reader| reader.read(&page));
            let right = found.is_ok();
            if let Ok(found) = found {
                assert_eq!(found, oracle.reader().unwrap().read(&page).unwrap());
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
            right && !store.shared.is_index_damaged() && !dir.path().join("index.damaged").exists()
        });
        if round == 3 {
            assert!(!renewed, "three times, and no more");
            break;
        }
        assert!(renewed, "round {round}");
        contract::same(&store, &oracle);
        assert_eq!(store.check().unwrap(), Vec::<String>::new());
        let making = hand::batch([hand::making(&format!("after {round}"))]);
        writer.commit(&making).unwrap();
        oracle.writer().unwrap().commit(&making).unwrap();
    }
    drop((writer, store));
    contract::same(&dir.open(), &oracle);
}

/// True when all events were read and right; panics when one was wrong.
fn read_all(dir: &Dir, oracle: &MemoryStore) -> bool {
    let Ok(store) = SqliteStore::open(dir.path(), LIFE) else { return false };
    let (mut reader, mut right) = (store.reader().unwrap(), oracle.reader().unwrap());
    let mut whole = true;
    let rooms = ["lobby", "den", "GUILD#g", "ann+bob", "7+7"].map(hand::room);
    let pages = rooms.iter().map(|room| Read::Page { room: room.clone(), before: None, most: usize::MAX });
    let facts = rooms.iter().map(|room| Read::Room(room.clone()));
    let since = |rooms| Read::Since {
        after: domain::id::Offset(0),
        upto: domain::id::Offset(u64::MAX),
        rooms,
        pairs_of: None,
        bytes: usize::MAX,
    };
    let people = ["ann", "bob", "7", "1", "eve"].map(|id| Read::Person(hand::user(id)));
    let history = |room: &_| hand::history(RoomKey::clone(room), 1, u32::MAX);
    let users = ["ann", "bob", "waiting:zoe", "zed"].map(|id| Read::User(Which::Id(hand::user(id))));
    let windows = rooms.iter().map(|room| {
        let window = Window { above: Some(domain::id::Offset(9)), below: None };
        Read::History { room: room.clone(), window, skip: 0, most: 20, bytes: usize::MAX }
    });
    let asks = pages
        .chain(facts)
        .chain(users)
        .chain(windows)
        .chain(rooms.iter().map(history))
        .chain([since(None), since(Some(rooms.to_vec())), Read::Keys])
        .chain(people);
    for ask in asks {
        let expected = right.read(&ask).unwrap();
        match reader.read(&ask) {
            Ok(found) if found == expected => {}
            Err(_) => whole = false,
            // A flip in a B-tree's own structure can make a whole row unfindable; that is "not there", never other content.
            Ok(Found::Room(None) | Found::Person(None) | Found::Keys(_)) => whole = false,
            Ok(Found::Events { events, .. }) => {
                let Found::Events { events: expected, .. } = &expected else { panic!("{ask:?}") };
                assert!(events.iter().all(|event| expected.contains(event)), "wrong content for {ask:?}");
                // A flip in the count of the last page's cells ends the log early; SQLite's own check finds that one.
                let cut = expected.starts_with(&events) && !store.check().is_ok_and(|problems| problems.is_empty());
                assert!(cut || !matches!(ask, Read::Since { rooms: None, .. }), "the log itself had a gap unnoticed");
                whole = false;
            }
            Ok(Found::Room(Some(facts))) => {
                let Found::Room(Some(expected)) = expected else { panic!("{ask:?}") };
                let known = facts.members.iter().all(|(user, member)| expected.members.get(user) == Some(member));
                assert!(known && facts.version == expected.version && facts.head == expected.head, "{ask:?}");
                whole = false;
            }
            Ok(Found::History(entries, ..)) => {
                let wrong: Vec<_> = entries.iter().filter(|entry| !is_true(entry, oracle)).collect();
                assert!(wrong.is_empty(), "wrong content for {ask:?}: {wrong:?}");
                whole = false;
            }
            Ok(Found::User(found)) => {
                let Found::User(Some(expected)) = expected else { panic!("{ask:?}") };
                let bare = User { profile: Profile::default(), ..expected };
                assert!(found.is_none_or(|found| found == bare), "wrong content for {ask:?}");
                whole = false;
            }
            Ok(found) => panic!("wrong content for {ask:?}: {found:?}"),
        }
    }
    whole
}

/// Whether a message was sent like that, and edited like that.
fn is_true(entry: &Entry, oracle: &MemoryStore) -> bool {
    let is_edit = |event: &Event, text: &Text, at: Millis| match &event.what {
        What::Edited { of, content, .. } => *of == entry.sent.offset && content == text && event.at == at,
        What::RoomMade { .. }
        | What::MemberSet { .. }
        | What::MemberRemoved { .. }
        | What::Sent(_)
        | What::Deleted { .. }
        | What::Retitled { .. }
        | What::Notice { .. }
        | What::Reacted { .. } => false,
    };
    let events = oracle.events();
    let edited = entry.edited.as_ref();
    events.contains(&entry.sent)
        && edited.is_none_or(|(content, at)| events.iter().any(|event| is_edit(event, content, *at)))
}

#[test]
fn a_full_disk_keeps_nothing_of_the_batch_and_works_again_when_there_is_space() {
    let dir = Dir::new();
    let store = dir.open();
    let mut writer = SqliteWriter::new(&store.shared).unwrap();
    let mut reader = store.reader().unwrap();
    writer.commit(&hand::batch([hand::making("a")])).unwrap();
    let page = Read::Page { room: hand::room("a"), before: None, most: usize::MAX };
    for round in 0..5 {
        let before = reader.read(&page).unwrap();
        writer.limit(1);
        let large = "x".repeat(60_000);
        let sends = |count: usize| -> Vec<Write> {
            (0..count).map(|n| hand::sending("a", "ann", Some(&format!("{round}-{n}")), &large)).collect()
        };
        let failure = writer.commit(&hand::batch(sends(20))).err().unwrap();
        assert_eq!(failure.kind, FailureKind::Full, "{failure}");
        assert_eq!(reader.read(&page).unwrap(), before, "reading goes on, and nothing was kept");
        writer.limit(1_000_000);
        let outcomes = writer.commit(&hand::batch(sends(2))).unwrap();
        assert!(
            outcomes.iter().all(|outcome| matches!(outcome, Outcome::Committed(_))),
            "no trace of the refused ones"
        );
    }
    store.settle();
    drop((writer, reader, store));
    let Found::Events { events, .. } = dir.open().reader().unwrap().read(&page).unwrap() else { panic!("events") };
    assert_eq!(events.len(), 11);
}
