//! Watermarks in `log.db`: a row per user and room, which has both marks and what is marked apart.

use std::collections::BTreeMap;

use domain::history::Entry;
use domain::id::{Millis, Offset, UserId};
use domain::watermark::{Mark, Reached};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::bytes::{Put as _, Take};
use super::log::{seal, unseal};
use super::shared::{asking, corrupt, int};
use crate::port::Failure;
use crate::store::marks::Marks;

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

/// Keeps somebody's marks in a room; gives the bytes written.
pub(super) fn put(log: &Connection, room: u64, user: &UserId, marks: &Marks) -> Result<u64, Failure> {
    let row = pack(room, user.as_str(), marks);
    let put = log.prepare_cached("INSERT OR REPLACE INTO marks VALUES (?1, ?2, ?3)");
    put.and_then(|mut put| put.execute(params![int(room), user.as_str(), row])).map_err(asking("keeping marks"))?;
    Ok(row.len() as u64)
}

/// Folds everybody's marks in a room into some of its messages.
pub(super) fn fold(log: &Connection, room: u64, entries: &mut [Entry]) -> Result<(), Failure> {
    let what = "reading marks";
    if entries.is_empty() {
        return Ok(());
    }
    let mut statement = log.prepare_cached("SELECT user, row FROM marks WHERE room = ?1").map_err(asking(what))?;
    let mut rows = statement.query([int(room)]).map_err(asking(what))?;
    while let Some(found) = rows.next().map_err(asking(what))? {
        let user = found.get_ref(0).map_err(asking(what))?.as_str().map_err(|_| damaged(room))?;
        let row = found.get_ref(1).map_err(asking(what))?.as_blob().map_err(|_| damaged(room))?;
        let marks = unpack(room, user, row).ok_or_else(|| damaged(room))?;
        let user = UserId::new(user).map_err(|_| damaged(room))?;
        marks.fold(&user, entries);
    }
    Ok(())
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
