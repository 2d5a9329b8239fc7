//! What the index has of messages that were named later: by their ids, by edits, by deletions. Edits and deletions are
//! rare; which of them mean anything is found when they are indexed, from the chunks alone.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use domain::id::MessageId;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::bytes::Put as _;
use super::chunks::message_at;
use super::failures::corrupt_index;
use super::log::{seal, unseal};
use super::shared::{asking_index, int, uint};
use super::tail::Entry;
use crate::port::Failure;
use crate::store::settle;

/// Messages are kept by the 4 ms in which their ids were drawn: where little is going on that is a row for each, and in a
/// flood one for hundreds. With a row for each, a flood cost 0.4 s more of CPU in a million, and 16 bytes more for each.
const SPAN_BITS: u32 = 128 - 48 + 2;

/// What is kept of an id: its span, and 16 of its last bits. The log's row says whether it is the one.
fn tag(id: MessageId) -> (u64, [u8; 2]) {
    let [first, second, ..] = id.0.to_le_bytes();
    (u64::try_from(id.0 >> SPAN_BITS).expect("46 bits are left"), [first, second])
}

/// Puts a slice's messages into the index, sorted by span.
pub(super) fn add_messages(index: &Connection, slice: &[Entry]) -> rusqlite::Result<()> {
    let message = |entry: &Entry| {
        let (span, tag) = tag(entry.event.message()?.id);
        Some((span, entry.event.offset.0, tag))
    };
    let mut messages: Vec<_> = slice.iter().filter_map(message).collect();
    messages.sort_unstable();
    let mut insert = index.prepare_cached("INSERT INTO messages VALUES (?1, ?2, ?3)")?;
    let mut row = Vec::new();
    for messages in messages.chunk_by(|one, other| one.0 == other.0) {
        let (span, first, _) = messages[0];
        row.clear();
        let mut last = first;
        for (_, offset, tag) in messages {
            row.num(offset - last);
            row.extend_from_slice(tag);
            last = *offset;
        }
        let sealed = seal(&[&span.to_le_bytes(), &first.to_le_bytes()], &row);
        insert.execute(params![int(span), int(first), sealed])?;
    }
    Ok(())
}

/// The offsets at which a message with this id may have been sent.
pub(super) fn by_id(index: &Connection, id: MessageId) -> Result<Vec<u64>, Failure> {
    let what = "looking up a message";
    let (span, tag) = tag(id);
    let mut statement =
        index.prepare_cached("SELECT first, row FROM messages WHERE span = ?1").map_err(asking_index(what))?;
    let mut rows = statement.query([int(span)]).map_err(asking_index(what))?;
    let mut offsets = Vec::new();
    while let Some(found) = rows.next().map_err(asking_index(what))? {
        let first = uint(found.get(0).map_err(asking_index(what))?);
        let damaged = || corrupt_index(format!("the index's row of messages from offset {first} on is damaged"));
        let row = found.get_ref(1).map_err(asking_index(what))?.as_blob().map_err(|_| damaged())?;
        tagged(span, first, row, tag, &mut offsets).ok_or_else(damaged)?;
    }
    Ok(offsets)
}

/// Adds the offsets of those messages in a row that have this tag; none when the row is not what was written.
fn tagged(span: u64, first: u64, row: &[u8], tag: [u8; 2], offsets: &mut Vec<u64>) -> Option<()> {
    let mut take = unseal(&[&span.to_le_bytes(), &first.to_le_bytes()], row)?;
    let mut offset = first;
    while !take.is_empty() {
        offset = offset.checked_add(take.num()?)?;
        if take.bytes(2)? == tag {
            offsets.push(offset);
        }
    }
    Some(())
}

/// What a slice does to one message.
#[derive(Default)]
struct Fate {
    edited: Option<u64>,
    deleted: bool,
}

/// Puts a slice's edits and deletions into the index, which has the slice's events already.
pub(super) fn add_changes(index: &Connection, slice: &[Entry]) -> Result<(), Failure> {
    let mut fates: BTreeMap<(u64, u64), Fate> = BTreeMap::new();
    for entry in slice {
        let Some(change) = settle::change(&entry.event) else { continue };
        let fate = fates.entry((entry.room, change.of.0)).or_default();
        if change.deleted {
            fate.deleted = true;
        } else {
            fate.edited = Some(entry.event.offset.0);
        }
    }
    for ((room, of), fate) in fates {
        let Some(nth) = message_at(index, room, of)? else { continue };
        if let Some(last) = fate.edited {
            let sql = "INSERT OR REPLACE INTO edits VALUES (?1, ?2, ?3)";
            let put = index.prepare_cached(sql).and_then(|mut put| put.execute([int(room), int(of), int(last)]));
            put.map_err(asking_index("indexing an edit"))?;
        }
        if fate.deleted {
            delete(index, room, of, nth)?;
        }
    }
    Ok(())
}

/// A message is deleted once, however often.
fn delete(index: &Connection, room: u64, of: u64, nth: u64) -> Result<(), Failure> {
    let what = "indexing a deletion";
    let mut row = Vec::new();
    row.num(nth);
    let row = seal(&[&room.to_le_bytes(), &of.to_le_bytes()], &row);
    let insert = index.prepare_cached("INSERT OR IGNORE INTO deletions VALUES (?1, ?2, ?3)");
    let new =
        insert.and_then(|mut insert| insert.execute(params![int(room), int(of), row])).map_err(asking_index(what))?;
    if new == 0 {
        return Ok(());
    }
    let mut count = Vec::new();
    count.num(losses(index, room)? + 1);
    let count = seal(&[&room.to_le_bytes()], &count);
    let put = index.prepare_cached("INSERT OR REPLACE INTO losses VALUES (?1, ?2)");
    put.and_then(|mut put| put.execute(params![int(room), count])).map(drop).map_err(asking_index(what))
}

/// How many of a room's messages were deleted.
pub(super) fn losses(index: &Connection, room: u64) -> Result<u64, Failure> {
    let what = "reading a count from the index";
    let mut statement = index.prepare_cached("SELECT row FROM losses WHERE room = ?1").map_err(asking_index(what))?;
    let found =
        statement.query_row([int(room)], |row| row.get::<_, Vec<u8>>(0)).optional().map_err(asking_index(what))?;
    let Some(row) = found else { return Ok(0) };
    let count = unseal(&[&room.to_le_bytes()], &row).and_then(|mut take| take.num());
    count.ok_or_else(|| corrupt_index(format!("the index's count of deletions in room {room} is damaged")))
}

/// How many of a room's messages were deleted of those that were sent after an offset. Counted: it costs what they are.
pub(super) fn losses_after(index: &Connection, room: u64, after: u64) -> Result<u64, Failure> {
    let what = "counting deletions in the index";
    let sql = "SELECT count(*) FROM deletions WHERE room = ?1 AND of > ?2";
    let mut statement = index.prepare_cached(sql).map_err(asking_index(what))?;
    statement.query_row([int(room), int(after)], |row| row.get(0).map(uint)).map_err(asking_index(what))
}

/// A deleted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deleted {
    /// Where it was sent.
    pub(super) of: u64,
    /// Its number among the room's messages.
    pub(super) nth: u64,
}

/// Which of a room's deleted messages, and in which order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    /// Those sent at or before this offset, the newest first.
    Down(u64),
    /// Those sent after this offset, the oldest first.
    Up(u64),
}

/// Goes through a room's deleted messages as far as it is asked to: `work` is given what gives the next.
pub(super) fn deletions<T>(
    index: &Connection,
    room: u64,
    way: Way,
    work: impl FnOnce(&mut dyn FnMut() -> Result<Option<Deleted>, Failure>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let what = "reading deletions from the index";
    // SQLite's integers are signed; no offset is as high as the highest of them.
    let (sql, from) = match way {
        Way::Down(upto) => ("SELECT of, row FROM deletions WHERE room = ?1 AND of <= ?2 ORDER BY of DESC", upto),
        Way::Up(after) => ("SELECT of, row FROM deletions WHERE room = ?1 AND of > ?2 ORDER BY of", after),
    };
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let mut statement = index.prepare_cached(sql).map_err(asking_index(what))?;
    let mut rows = statement.query([int(room), from]).map_err(asking_index(what))?;
    work(&mut || {
        let Some(found) = rows.next().map_err(asking_index(what))? else { return Ok(None) };
        let of = uint(found.get(0).map_err(asking_index(what))?);
        let row: Vec<u8> = found.get(1).map_err(asking_index(what))?;
        let nth = unseal(&[&room.to_le_bytes(), &of.to_le_bytes()], &row).and_then(|mut take| take.num());
        let nth = nth.ok_or_else(|| corrupt_index(format!("the index's row of the deletion of {of} is damaged")))?;
        Ok(Some(Deleted { of, nth }))
    })
}

/// Whether a message was deleted.
pub(super) fn is_deleted(index: &Connection, room: u64, of: u64) -> Result<bool, Failure> {
    let what = "reading deletions from the index";
    let sql = "SELECT 1 FROM deletions WHERE room = ?1 AND of = ?2";
    let mut statement = index.prepare_cached(sql).map_err(asking_index(what))?;
    statement.exists([int(room), int(of)]).map_err(asking_index(what))
}

/// The last edits of a room's messages that were sent within a stretch: where each was sent, and the edit's offset.
pub(super) fn edits_within(
    index: &Connection,
    room: u64,
    of: &RangeInclusive<u64>,
    mut each: impl FnMut(u64, u64),
) -> Result<(), Failure> {
    let what = "reading edits from the index";
    let sql = "SELECT of, last FROM edits WHERE room = ?1 AND of BETWEEN ?2 AND ?3";
    let mut statement = index.prepare_cached(sql).map_err(asking_index(what))?;
    let mut rows = statement.query([int(room), int(*of.start()), int(*of.end())]).map_err(asking_index(what))?;
    while let Some(row) = rows.next().map_err(asking_index(what))? {
        let (of, last) = (row.get(0).map_err(asking_index(what))?, row.get(1).map_err(asking_index(what))?);
        each(uint(of), uint(last));
    }
    Ok(())
}

/// The offset of a message's last edit.
pub(super) fn last_edit(index: &Connection, room: u64, of: u64) -> Result<Option<u64>, Failure> {
    let what = "reading edits from the index";
    let mut statement =
        index.prepare_cached("SELECT last FROM edits WHERE room = ?1 AND of = ?2").map_err(asking_index(what))?;
    statement.query_row([int(room), int(of)], |row| row.get(0).map(uint)).optional().map_err(asking_index(what))
}
