//! A store at work: readers beside a writer while events move from the tail to the index, recovery, kills.

use std::sync::atomic::AtomicBool;

use domain::id::{Offset, Seq};

use super::*;
use crate::port::{Batch, Found, Outcome, Write};
use crate::store::contract::hand;

const ROOMS: [&str; 3] = ["a", "b", "c+d"];

fn sends(from: usize, count: usize) -> Batch {
    let send = |n: usize| hand::sending(ROOMS[n % 7 % 3], "ann", Some(&n.to_string()), &format!("message {n}"));
    hand::batch((from..from + count).map(send).collect::<Vec<Write>>())
}

fn events(reader: &mut dyn Reader, ask: &Read) -> (Vec<Arc<domain::event::Event>>, Offset) {
    let Found::Events { events, scanned, .. } = reader.read(ask).unwrap() else { panic!("{ask:?}") };
    (events, scanned)
}

/// Everything that a reader sees while the writer writes and the indexer moves: no gap, no repeat, no step back.
#[test]
fn readers_see_no_gap_while_events_move_from_the_tail_to_the_index() {
    let dir = Dir::new();
    let store = dir.open();
    let mut writer = store.writer().unwrap();
    writer.commit(&hand::batch(ROOMS.map(hand::making))).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (store, done) = (&store, &done);
        scope.spawn(move || {
            for n in 0..600 {
                writer.commit(&sends(n * 9, 9)).unwrap();
            }
            done.store(true, Ordering::Release);
        });
        scope.spawn(move || follow(store, done, None));
        scope.spawn(move || follow(store, done, Some(&ROOMS.map(hand::room))));
        scope.spawn(move || look(store, done));
    });
    assert_eq!(hand::head(&mut *store.reader().unwrap()), 1 + 3 + 600 * 9);
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

/// Catches up again and again, in small steps.
fn follow(store: &SqliteStore, done: &AtomicBool, rooms: Option<&[domain::model::RoomKey]>) {
    let mut reader = store.reader().unwrap();
    let mut cursor = Offset(1);
    loop {
        let last = done.load(Ordering::Acquire);
        let ask = Read::Since {
            after: cursor,
            upto: Offset(u64::MAX),
            rooms: rooms.map(<[_]>::to_vec),
            pairs_of: None,
            bytes: 2_000,
        };
        let (events, scanned) = events(&mut *reader, &ask);
        for event in &events {
            assert_eq!(event.offset, cursor.next(), "all rooms are followed");
            cursor = event.offset;
        }
        assert_eq!(cursor, scanned);
        if last && events.is_empty() {
            assert_eq!(cursor.0, 1 + 3 + 600 * 9);
            return;
        }
    }
}

/// Reads pages, facts and lists again and again.
fn look(store: &SqliteStore, done: &AtomicBool) {
    let mut reader = store.reader().unwrap();
    let (mut head, mut seen) = (0, 1);
    while !done.load(Ordering::Acquire) {
        let room = hand::room("a");
        let before = hand::head(&mut *reader);
        assert!(before >= head, "the head never steps back");
        head = before;
        let ask = Read::Page { room: room.clone(), before: None, most: 40 };
        let (page, scanned) = events(&mut *reader, &ask);
        assert!(scanned.0 >= before, "what was committed is seen");
        let seqs: Vec<u64> = page.iter().map(|event| event.seq.0).collect();
        assert!(seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]), "a page has no gap: {seqs:?}");
        let Found::Room(Some(facts)) = reader.read(&Read::Room(room.clone())).unwrap() else { panic!("it is there") };
        assert!(facts.head >= page.last().map_or(Seq(0), |event| event.seq), "facts are no older than the page before");
        let place = reader.read(&Read::AtSeq(room, facts.head)).unwrap();
        assert!(matches!(place, Found::Cursor(Some(cursor)) if cursor.offset == facts.last), "{place:?}");
        history(&mut *reader, seen);
        seen = seen.max(facts.head.0);
        let ask = Read::Rooms { asker: hand::user("d"), kind: None, most: 9 };
        let Found::Rooms(rooms) = reader.read(&ask).unwrap() else { panic!("rooms") };
        assert_eq!(rooms.len(), 3);
        assert!(rooms.is_sorted_by_key(|facts| std::cmp::Reverse(facts.last)));
    }
}

/// Reads history near the head and far from it, and counts; the room had `seen` events before.
fn history(reader: &mut dyn Reader, seen: u64) {
    let room = hand::room("a");
    for skip in [0, 9, 200] {
        let ask = hand::history(room.clone(), skip, 30);
        let Found::History(entries, total, _) = reader.read(&ask).unwrap() else { panic!("{ask:?}") };
        assert!(total + 1 >= seen, "what was committed is counted");
        // The room's first event made it, and all others are messages.
        let seqs: Vec<u64> = entries.iter().map(|entry| entry.sent.seq.0).collect();
        let last = (total + 1).saturating_sub(skip.into());
        let expected: Vec<u64> = (2.max((last + 1).saturating_sub(30))..=last).collect();
        assert_eq!(seqs, expected, "{total} messages but {skip}");
    }
    let ask = Read::Unread { room, user: hand::user("d"), most: u64::MAX };
    let Found::Count(unread) = reader.read(&ask).unwrap() else { panic!("{ask:?}") };
    assert!(unread + 1 >= seen);
}

/// Client ids are remembered wherever they are: in the batch, the tail, the index, after a start, in a rebuilt index.
#[test]
fn repeats_are_known_in_the_tail_in_the_index_and_after_a_start() {
    let dir = Dir::new();
    let mut store = dir.open();
    let mut writer = store.writer().unwrap();
    writer.commit(&hand::batch(ROOMS.map(hand::making))).unwrap();
    let first = writer.commit(&sends(0, 60)).unwrap();
    for round in 0..4 {
        let again = writer.commit(&sends(0, 60)).unwrap();
        for (first, again) in first.iter().zip(again) {
            let Outcome::Committed(events) = first else { panic!("{first:?}") };
            assert_eq!(again, Outcome::Repeat(events[0].clone()), "round {round}");
        }
        drop(writer);
        if round == 1 {
            drop(store);
            store = dir.open();
        } else if round == 2 {
            drop(store);
            fs::remove_file(dir.path().join("index.db")).unwrap();
            store = dir.open();
        } else {
            store.settle();
            drop(store);
            store = dir.open();
        }
        writer = store.writer().unwrap();
    }
}

#[test]
fn recovery_reopens_everything_and_loses_nothing() {
    let dir = Dir::new();
    let store = dir.open();
    let (mut writer, mut reader) = (store.writer().unwrap(), store.reader().unwrap());
    writer.commit(&hand::batch(ROOMS.map(hand::making))).unwrap();
    for n in 0..5 {
        writer.commit(&sends(n * 20, 20)).unwrap();
        // A checkpoint's sync failed, as far as anybody knows.
        store.shared.suspect.store(true, Ordering::Release);
        for _ in 0..2 {
            let failure = writer.commit(&sends(1_000, 1)).err().unwrap();
            assert_eq!(failure.kind, FailureKind::Unknown, "nothing is accepted");
        }
        let head = 4 + (n as u64 + 1) * 20;
        assert_eq!(writer.recover().unwrap().offset.0, head);
        assert_eq!(hand::head(&mut *reader), head);
        let wal = fs::metadata(dir.path().join("log.db-wal")).unwrap().len();
        assert_eq!(wal, 0, "a full checkpoint emptied the WAL");
    }
    let ask = Read::Since { after: Offset(0), upto: Offset(u64::MAX), rooms: None, pairs_of: None, bytes: usize::MAX };
    assert_eq!(events(&mut *reader, &ask).0.len(), 103);
}

/// What another handle put into the log, as frames that survived a failed sync would be, is found by recovery.
#[test]
fn recovery_finds_rows_that_nobody_was_told_of() {
    let (dir, twin) = (Dir::new(), Dir::new());
    let (store, other) = (dir.open(), twin.open());
    let (mut writer, mut theirs) = (store.writer().unwrap(), other.writer().unwrap());
    for writer in [&mut writer, &mut theirs] {
        writer.commit(&hand::batch(ROOMS.map(hand::making))).unwrap();
    }
    theirs.commit(&sends(0, 5)).unwrap();
    // The twin's rows are what our log would have, had its sync not failed.
    let attach = format!("ATTACH '{}' AS twin", twin.path().join("log.db").display());
    let log = rusqlite::Connection::open(dir.path().join("log.db")).unwrap();
    log.execute_batch(&attach).unwrap();
    log.execute_batch("INSERT INTO events SELECT * FROM twin.events WHERE offset > 4").unwrap();
    drop(log);
    assert_eq!(writer.recover().unwrap().offset.0, 9);
    let again = writer.commit(&sends(0, 6)).unwrap();
    let said: Vec<_> = again.iter().map(hand::said).collect();
    assert_eq!(said, ["repeat 5", "repeat 6", "repeat 7", "repeat 8", "repeat 9", "at 10"]);
    let mut reader = store.reader().unwrap();
    let ask = Read::Page { room: hand::room("a"), before: None, most: 99 };
    let seqs: Vec<_> = events(&mut *reader, &ask).0.iter().map(|event| event.seq.0).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
}

/// R1 in small: the files of a store at work, copied between any two commits, hold everything that was acknowledged.
#[test]
fn a_copy_taken_at_any_moment_has_all_that_was_acknowledged() {
    let dir = Dir::new();
    let store = dir.open();
    let mut writer = store.writer().unwrap();
    writer.commit(&hand::batch(ROOMS.map(hand::making))).unwrap();
    for n in 0..40 {
        writer.commit(&sends(n * 25, 25)).unwrap();
        if n % 4 != 0 {
            continue;
        }
        let copy = dir.copy();
        // The index is written at the same time: a copy of it may be torn, as after a power cut without its syncs.
        for name in ["index.db", "index.db-wal", "index.db-shm"] {
            drop(fs::remove_file(copy.path().join(name)));
        }
        let copied = copy.open();
        let mut reader = copied.reader().unwrap();
        let ask =
            Read::Since { after: Offset(0), upto: Offset(u64::MAX), rooms: None, pairs_of: None, bytes: usize::MAX };
        assert_eq!(events(&mut *reader, &ask).0.len(), 3 + (n + 1) * 25);
    }
}

/// What is seen of the log may be of before what is in the tail: an edit of then is said by the tail, and nothing is damaged.
#[test]
fn an_edit_that_is_made_while_a_room_is_looked_at_is_no_damage() {
    let dir = Dir::new();
    let store = dir.open();
    let mut writer = store.writer().unwrap();
    writer.commit(&hand::batch([hand::making("a"), hand::saying("a", "ann", 1)])).unwrap();
    store.settle();
    let holder = shared::Holder::new(&store.shared, shared::Writes::Nothing);
    let room = hand::room("a");
    let content = view::look(&holder, |view| {
        // From here on the log is seen as it is now.
        assert_eq!(log::head(&view.handles.log)?, 3);
        writer.commit(&hand::batch([hand::editing("a", 3, "new", 9)])).unwrap();
        let Some((Some(moment), _)) = history::Moment::of(view, &room)? else { return Ok(None) };
        let page = moment.page(&history::NEWEST)?;
        Ok(page.map(|page| page[0].content().to_owned()))
    });
    assert_eq!(content.unwrap(), "new");
    let ask = Read::Since { after: Offset(2), upto: Offset(3), rooms: Some(vec![room]), pairs_of: None, bytes: 999 };
    let Found::Events { fates, .. } = store.reader().unwrap().read(&ask).unwrap() else { panic!("{ask:?}") };
    assert_eq!(fates, [(Offset(3), domain::history::Fate::Edited("new".into()))]);
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}
