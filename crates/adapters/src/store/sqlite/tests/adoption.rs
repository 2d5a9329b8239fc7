//! Users who are adopted while a store is at work: readers beside it, starts after it, a commit whose outcome nobody knows.

use std::sync::atomic::AtomicBool;

use domain::id::Offset;
use domain::model::Profile;

use super::*;
use crate::port::{Found, Outcome};
use crate::store::contract::hand;

const USERS: usize = 40;

/// The story: a reader that looked between the commit of an adoption and the tail's hearing of it found the room's new key in
/// the log, and nothing under it in the tail, and moved on past events that it had never seen.
#[test]
fn who_catches_up_misses_nothing_while_rooms_get_other_keys() {
    let dir = Dir::new();
    let store = dir.open();
    let mut writer = store.writer().unwrap();
    let names: Vec<String> = (0..USERS).map(|n| format!("user{n}")).collect();
    let room = |n: usize| format!("ann+waiting:user{n}");
    writer.commit(&hand::batch([hand::meeting("ann", None, 1)])).unwrap();
    writer.commit(&hand::batch(names.iter().map(|name| hand::registering(name, Profile::default())))).unwrap();
    writer.commit(&hand::batch((0..USERS).map(|n| hand::making(&room(n))))).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (store, done) = (&store, &done);
        scope.spawn(move || {
            for (n, name) in names.iter().enumerate() {
                writer
                    .commit(&hand::batch([hand::saying(&room(n), "ann", 1), hand::saying(&room(n), "ann", 2)]))
                    .unwrap();
                let outcome = writer.commit(&hand::batch([hand::coming(&format!("u{n}"), name)])).unwrap().remove(0);
                assert!(matches!(&outcome, Outcome::Adopted { rooms, .. } if rooms.len() == 1), "{outcome:?}");
                writer.commit(&hand::batch([hand::saying(&format!("ann+u{n}"), "ann", 3)])).unwrap();
            }
            done.store(true, Ordering::Release);
        });
        scope.spawn(move || follow(store, done));
    });
    let seen = everything(&mut *store.reader().unwrap());
    drop(store);
    let after = dir.open();
    assert_eq!(everything(&mut *after.reader().unwrap()), seen, "and after a start");
    drop(after);
    fs::remove_file(dir.path().join("index.db")).unwrap();
    assert_eq!(everything(&mut *dir.open().reader().unwrap()), seen, "and from an index made anew");
}

fn ask(after: Offset) -> Read {
    let pairs_of = Some(hand::user("ann"));
    Read::Since { after, upto: Offset(u64::MAX), rooms: Some(Vec::new()), pairs_of, bytes: 900 }
}

fn follow(store: &SqliteStore, done: &AtomicBool) {
    let (mut reader, mut cursor) = (store.reader().unwrap(), Offset(1));
    loop {
        let last = done.load(Ordering::Acquire);
        let Found::Events { events, scanned, .. } = reader.read(&ask(cursor)).unwrap() else { panic!("events") };
        for event in &events {
            assert_eq!(event.offset, cursor.next(), "all rooms are hers");
            cursor = event.offset;
        }
        assert_eq!(cursor, scanned);
        if last && events.is_empty() {
            assert_eq!(cursor.0, 1 + 4 * USERS as u64);
            return;
        }
    }
}

fn everything(reader: &mut dyn Reader) -> Vec<Arc<domain::event::Event>> {
    let (mut all, mut cursor) = (Vec::new(), Offset(0));
    loop {
        let Found::Events { events, scanned, .. } = reader.read(&ask(cursor)).unwrap() else { panic!("events") };
        if events.is_empty() {
            assert_eq!(all.len(), 4 * USERS);
            return all;
        }
        all.extend(events);
        cursor = scanned;
    }
}

/// What another handle put into the log, as the frames of a commit would be that failed and have survived.
#[test]
fn recovery_hears_of_keys_that_nobody_was_told_of() {
    let (dir, oracle) = (Dir::new(), MemoryStore::new(LIFE));
    let store = dir.open();
    let mut writer = store.writer().unwrap();
    let past = [
        hand::meeting("ann", None, 1),
        hand::registering("zoe", Profile::default()),
        hand::making("ann+waiting:zoe"),
        hand::sending("ann+waiting:zoe", "ann", Some("1"), "x"),
    ];
    let coming = hand::batch([hand::coming("zed", "zoe")]);
    for writer in [&mut *writer, &mut *oracle.writer().unwrap()] {
        writer.commit(&hand::batch(past.clone())).unwrap();
    }
    let copy = dir.copy();
    let twin = copy.open();
    twin.writer().unwrap().commit(&coming).unwrap();
    oracle.writer().unwrap().commit(&coming).unwrap();
    drop(twin);
    // As far as anybody knows, the adoption failed.
    store.shared.begin_moving();
    let log = rusqlite::Connection::open(dir.path().join("log.db")).unwrap();
    log.execute_batch(&format!("ATTACH '{}' AS twin", copy.path().join("log.db").display())).unwrap();
    for table in ["rooms", "ties", "users"] {
        log.execute_batch(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM twin.{table}")).unwrap();
    }
    drop(log);
    writer.recover().unwrap();
    contract::same(&store, &oracle);
    let again = writer.commit(&hand::batch([hand::sending("ann+zed", "ann", Some("1"), "x")])).unwrap();
    assert_eq!(hand::said(&again[0]), "repeat 3");
}
