//! Watermarks in `log.db`: a row per user and room, which has both marks and what is marked apart; and a row per room that
//! has who is foremost, so that a page is told from that one and from the few who have marked something apart.

use std::collections::BTreeMap;

use domain::history::Entry;
use domain::id::{Millis, Offset, UserId};
use domain::watermark::{Mark, Reached};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::bytes::{Put as _, Take};
use super::log::{seal, unseal};
use super::shared::{asking, corrupt, int};
use crate::port::Failure;
use crate::store::marks::{Front, Fronts, Marks};

const MARKS: [Mark; 2] = [Mark::Delivered, Mark::Read];

/// Somebody's marks in a room.
pub(super) fn of(log: &Connection, room: u64, user: &UserId) -> Result<Marks, Failure> {
    let what = "reading marks";
    let sql = "SELECT row FROM marks WHERE room = ?1 AND user = ?2";
    let mut statement = log.prepare_cached(sql).map_err(asking(what))?;
    let found = statement.query_row(params![int(room), user.as_str()], |found| {
        Ok(unpack(room, user.as_str(), found.get_ref(0)?.as_blob()?).ok_or_else(|| damaged(room)))
    });
    found.optional().map_err(asking(what))?.unwrap_or_else(|| Ok(Marks::default()))
}

/// Keeps somebody's marks in a room, in the place of what was kept; gives the bytes written.
pub(super) fn put(log: &Connection, room: u64, user: &UserId, before: &Marks, marks: &Marks) -> Result<u64, Failure> {
    let row = pack(room, user.as_str(), marks);
    let sql = "INSERT INTO marks VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET row = ?3";
    let put = log.prepare_cached(sql);
    put.and_then(|mut put| put.execute(params![int(room), user.as_str(), row])).map_err(asking("keeping marks"))?;
    if before.has_apart() != marks.has_apart() {
        note_apart(log, room, user, marks.has_apart())?;
    }
    Ok(row.len() as u64)
}

/// Keeps whether somebody has single messages marked above their marks.
fn note_apart(log: &Connection, room: u64, user: &UserId, has: bool) -> Result<(), Failure> {
    let sql = if has {
        "INSERT OR IGNORE INTO apart VALUES (?1, ?2)"
    } else {
        "DELETE FROM apart WHERE room = ?1 AND user = ?2"
    };
    let note = log.prepare_cached(sql).and_then(|mut note| note.execute(params![int(room), user.as_str()]));
    note.map(drop).map_err(asking("keeping marks"))
}

/// Somebody's marks go.
pub(super) fn remove(log: &Connection, room: u64, user: &UserId) -> Result<(), Failure> {
    let delete = log.prepare_cached("DELETE FROM marks WHERE room = ?1 AND user = ?2");
    let deleted = delete.and_then(|mut delete| delete.execute(params![int(room), user.as_str()]));
    deleted.map_err(asking("keeping marks"))?;
    note_apart(log, room, user, false)
}

/// The foremost users of a room; none in a room of before, where no mark has risen since.
pub(super) fn fronts(log: &Connection, room: u64) -> Result<Option<Fronts>, Failure> {
    let what = "reading marks";
    let mut statement = log.prepare_cached("SELECT row FROM fronts WHERE room = ?1").map_err(asking(what))?;
    let found = statement.query_row([int(room)], |found| {
        Ok(unpack_fronts(room, found.get_ref(0)?.as_blob()?).ok_or_else(|| damaged(room)))
    });
    found.optional().map_err(asking(what))?.transpose()
}

/// Keeps the foremost users of a room; gives the bytes written.
pub(super) fn put_fronts(log: &Connection, room: u64, fronts: &Fronts) -> Result<u64, Failure> {
    let row = pack_fronts(room, fronts);
    let put = log.prepare_cached("INSERT INTO fronts VALUES (?1, ?2) ON CONFLICT DO UPDATE SET row = ?2");
    put.and_then(|mut put| put.execute(params![int(room), row])).map_err(asking("keeping marks"))?;
    Ok(row.len() as u64)
}

/// The foremost users of a room found from everybody's marks; and noted by the way, who has single messages marked.
pub(super) fn gather(log: &Connection, room: u64) -> Result<Fronts, Failure> {
    let (mut fronts, mut apart) = (Fronts::default(), Vec::new());
    each(log, "SELECT user, row FROM marks WHERE room = ?1", room, |user, marks| {
        fronts.follow(&user, &marks.upto);
        if marks.has_apart() {
            apart.push(user);
        }
    })?;
    apart.iter().try_for_each(|user| note_apart(log, room, user, true))?;
    Ok(fronts)
}

/// Folds everybody's marks in a room into some of its messages.
pub(super) fn fold(log: &Connection, room: u64, entries: &mut [Entry]) -> Result<(), Failure> {
    if entries.is_empty() {
        return Ok(());
    }
    let kept = fronts(log, room)?;
    let sql = if kept.is_some() {
        "SELECT marks.user, marks.row FROM apart CROSS JOIN marks USING (room, user) WHERE apart.room = ?1"
    } else {
        "SELECT user, row FROM marks WHERE room = ?1"
    };
    let mut found = Fronts::default();
    each(log, sql, room, |user, marks| {
        found.follow(&user, &marks.upto);
        marks.fold_apart(&user, entries);
    })?;
    kept.unwrap_or(found).fold(entries);
    Ok(())
}

fn each(log: &Connection, sql: &str, room: u64, mut work: impl FnMut(UserId, Marks)) -> Result<(), Failure> {
    let what = "reading marks";
    let mut statement = log.prepare_cached(sql).map_err(asking(what))?;
    let mut rows = statement.query([int(room)]).map_err(asking(what))?;
    while let Some(found) = rows.next().map_err(asking(what))? {
        note_read();
        let user = found.get_ref(0).map_err(asking(what))?.as_str().map_err(|_| damaged(room))?;
        let row = found.get_ref(1).map_err(asking(what))?.as_blob().map_err(|_| damaged(room))?;
        let marks = unpack(room, user, row).ok_or_else(|| damaged(room))?;
        work(UserId::new(user).map_err(|_| damaged(room))?, marks);
    }
    Ok(())
}

#[cfg(test)]
thread_local! {
    /// Rows of marks that this thread has read, for the test that says that they are few.
    pub(super) static ROWS_READ: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

fn note_read() {
    #[cfg(test)]
    ROWS_READ.set(ROWS_READ.get() + 1);
}

fn damaged(room: u64) -> Failure {
    corrupt(format!("the marks of room {room} are damaged"))
}

fn pack(room: u64, user: &str, marks: &Marks) -> Vec<u8> {
    let mut row = Vec::new();
    for mark in MARKS {
        match marks.upto.of(mark) {
            None => row.push(0),
            Some(reached) => {
                row.push(1);
                row.num(reached.offset.0);
                row.num(reached.at.0);
            }
        }
        let apart: &BTreeMap<Offset, Millis> = marks.apart(mark);
        row.num(apart.len() as u64);
        let mut last = 0;
        for (offset, at) in apart {
            row.num(offset.0 - last);
            row.num(at.0);
            last = offset.0;
        }
    }
    seal(&[&room.to_le_bytes(), user.as_bytes()], &row)
}

fn unpack(room: u64, user: &str, row: &[u8]) -> Option<Marks> {
    let mut take = unseal(&[&room.to_le_bytes(), user.as_bytes()], row)?;
    let mut marks = Marks::default();
    for mark in MARKS {
        let reached = match take.byte()? {
            0 => None,
            _ => Some(Reached { offset: Offset(take.num()?), at: Millis(take.num()?) }),
        };
        // Delivered comes first and is never below read, so it stays what it was.
        if let Some(reached) = reached {
            marks.upto.raise(mark, reached);
        }
        let apart = unpack_apart(&mut take)?;
        marks.put_apart(mark, apart);
    }
    take.is_empty().then_some(marks)
}

fn unpack_apart(take: &mut Take<'_>) -> Option<Vec<(Offset, Millis)>> {
    let (count, mut last) = (take.num()?, 0_u64);
    let mut apart = Vec::new();
    for _ in 0..count {
        last = last.checked_add(take.num()?)?;
        apart.push((Offset(last), Millis(take.num()?)));
    }
    Some(apart)
}

fn pack_fronts(room: u64, fronts: &Fronts) -> Vec<u8> {
    let mut row = Vec::new();
    for mark in MARKS {
        let fronts = fronts.of(mark);
        row.num(fronts.len() as u64);
        for Front { reached, user } in fronts {
            row.num(reached.offset.0);
            row.num(reached.at.0);
            row.text(user.as_str());
        }
    }
    seal(&[&room.to_le_bytes()], &row)
}

fn unpack_fronts(room: u64, row: &[u8]) -> Option<Fronts> {
    let mut take = unseal(&[&room.to_le_bytes()], row)?;
    let mut fronts = Fronts::default();
    for mark in MARKS {
        for _ in 0..take.num()? {
            let reached = Reached { offset: Offset(take.num()?), at: Millis(take.num()?) };
            fronts.put(mark, Front { reached, user: take.user()? });
        }
    }
    take.is_empty().then_some(fronts)
}
