//! What a page costs in a room whose members all have marks: counted in rows, not measured in time.

use domain::id::{Millis, Offset};
use domain::watermark::Mark;

use super::*;
use crate::port::{Found, MarkWrite, Write};
use crate::store::contract::hand;
use crate::store::sqlite::marks::ROWS_READ;

const MEMBERS: u64 = 2_000;

fn marking(n: u64, mark: Mark, upto: u64, apart: &[u64]) -> Write {
    let (user, apart) = (hand::user(&format!("u{n}")), apart.iter().copied().map(Offset).collect());
    let (room, upto) = (hand::room("a"), (upto > 0).then_some(Offset(upto)));
    Write::Mark(MarkWrite { user, room, mark, upto, apart, at: Millis(n) })
}

/// What a page reads of others' marks.
fn rows_read(store: &SqliteStore, oracle: &MemoryStore) -> u64 {
    let ask = hand::history(hand::room("a"), 0, 50);
    let mut reader = store.reader().unwrap();
    ROWS_READ.set(0);
    let found = reader.read(&ask).unwrap();
    let rows = ROWS_READ.get();
    assert_eq!(found, oracle.reader().unwrap().read(&ask).unwrap());
    assert!(matches!(found, Found::History(entries, ..) if entries.len() == 9));
    rows
}

#[test]
fn a_page_reads_no_more_of_marks_when_all_members_have_one() {
    let (dir, oracle) = (Dir::new(), MemoryStore::new(LIFE));
    let store = dir.open();
    let commit = |writer: &mut dyn Writer, writes: Vec<Write>| {
        let batch = hand::batch(writes);
        let (one, other) = (writer.commit(&batch).unwrap(), oracle.writer().unwrap().commit(&batch).unwrap());
        assert_eq!(one, other);
    };
    let mut writer = store.writer().unwrap();
    commit(&mut *writer, vec![hand::making("a")]);
    commit(&mut *writer, (0..9).map(|n| hand::saying("a", "ann", n)).collect());
    // Everybody was given something, some have read, and two of them single messages.
    let reached = |n: u64| 3 + n % 7;
    commit(&mut *writer, (0..MEMBERS).map(|n| marking(n, Mark::Delivered, reached(n), &[])).collect());
    commit(&mut *writer, (0..MEMBERS).step_by(3).map(|n| marking(n, Mark::Read, 3, &[])).collect());
    commit(&mut *writer, vec![marking(1, Mark::Read, 0, &[11]), marking(2, Mark::Delivered, 0, &[11, 10])]);
    assert_eq!(rows_read(&store, &oracle), 2, "those who marked single messages, of {MEMBERS}");
    commit(&mut *writer, vec![marking(1, Mark::Read, 11, &[])]);
    assert_eq!(rows_read(&store, &oracle), 1, "it is covered by the mark");

    // A room of before has no row that says who is foremost: all are looked at, until the first mark rises again.
    drop((writer, store));
    let log = rusqlite::Connection::open(dir.path().join("log.db")).unwrap();
    log.execute_batch("DELETE FROM fronts; DELETE FROM apart").unwrap();
    drop(log);
    let store = dir.open();
    assert_eq!(rows_read(&store, &oracle), MEMBERS);
    let mut writer = store.writer().unwrap();
    commit(&mut *writer, vec![marking(5, Mark::Delivered, 10, &[])]);
    assert_eq!(rows_read(&store, &oracle), 1);
}

/// A batch in which no mark rises leaves the files as they are.
#[test]
fn marks_that_do_not_rise_write_nothing() {
    let dir = Dir::new();
    let store = dir.open();
    let mut writer = store.writer().unwrap();
    writer.commit(&hand::batch([hand::making("a"), hand::saying("a", "ann", 1)])).unwrap();
    let marks = || hand::batch((0..100).map(|n| marking(n, Mark::Delivered, 3, &[])));
    let wal = || fs::metadata(dir.path().join("log.db-wal")).unwrap();
    writer.commit(&marks()).unwrap();
    let before = (wal().len(), wal().modified().unwrap());
    writer.commit(&marks()).unwrap();
    assert_eq!((wal().len(), wal().modified().unwrap()), before);
}
