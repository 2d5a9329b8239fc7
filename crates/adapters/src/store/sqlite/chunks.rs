//! The index's chunks: a room's events by offset, by seq and by the number of their messages. Each says where its events
//! lie, which of them are messages, and a code of their author: enough to count without looking at the log.

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::bytes::Put as _;
use super::failures::corrupt_index;
use super::log::{seal, unseal};
use super::shared::{asking_index, int, uint};
use super::tail::{Entry, Head};
use crate::port::Failure;

/// Most events in a chunk: what is unpacked to find one of them. Few in tests, so that rooms have many.
const CHUNK_EVENTS: usize = if cfg!(test) { 3 } else { 256 };

/// What stands for a message's author: 32 bits of a hash. A count may take another's message for one's own once in four
/// billion messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Author(u32);

impl Author {
    pub(super) fn of(seed: u64, user: &str) -> Self {
        let [a, b, c, d, ..] = xxh3_64_with_seed(user.as_bytes(), seed).to_le_bytes();
        Self(u32::from_le_bytes([a, b, c, d]))
    }
}

/// An event's place, as the index has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) seq: u64,
    /// Messages of the room up to here.
    pub(super) nth: u64,
    /// Whose message; none when it is no message.
    pub(super) author: Option<Author>,
}

impl Place {
    /// The number of the message here, if it is one.
    pub(super) fn message(&self) -> Option<u64> {
        self.author.map(|_| self.nth)
    }
}

/// A chunk's row: where its first event is, that one's seq, the number of messages before it, and the sealed rest.
type Packed = (u64, u64, u64, Vec<u8>);

fn packed(row: &rusqlite::Row<'_>) -> rusqlite::Result<Packed> {
    Ok((uint(row.get(0)?), uint(row.get(1)?), uint(row.get(2)?), row.get(3)?))
}

/// The places in a chunk, oldest first; never none.
fn unpack(room: u64, (first, seq, nth, row): &Packed) -> Result<Vec<Place>, Failure> {
    let places = || {
        let mut take =
            unseal(&[&room.to_le_bytes(), &first.to_le_bytes(), &seq.to_le_bytes(), &nth.to_le_bytes()], row)?;
        let (mut offset, mut seq, mut nth, mut places) = (*first, *seq, *nth, Vec::new());
        while !take.is_empty() {
            let step = take.num()?;
            let code = if step & 1 == 1 { Some(take.bytes(4)?.try_into().ok()?) } else { None };
            offset = offset.checked_add(step >> 1)?;
            nth += u64::from(code.is_some());
            places.push(Place { offset, seq, nth, author: code.map(|code| Author(u32::from_le_bytes(code))) });
            seq += 1;
        }
        (!places.is_empty()).then_some(places)
    };
    places().ok_or_else(|| corrupt_index(format!("the index's chunk at offset {first} is damaged")))
}

/// Puts some consecutive events of one room into the index.
pub(super) fn add(insert: &mut CachedStatement<'_>, seed: u64, room: u64, entries: &[&Entry]) -> rusqlite::Result<()> {
    let mut steps = Vec::new();
    for entries in entries.chunks(CHUNK_EVENTS) {
        let Some(entry) = entries.first() else { continue };
        let (first, seq) = (entry.event.offset.0, entry.event.seq.0);
        let nth = entry.nth - u64::from(entry.event.message().is_some());
        steps.clear();
        let mut last = first;
        for entry in entries {
            let offset = entry.event.offset.0;
            let is_message = entry.event.message().is_some();
            steps.num(((offset - last) << 1) | u64::from(is_message));
            if is_message {
                steps.extend_from_slice(&Author::of(seed, entry.event.by.id.as_str()).0.to_le_bytes());
            }
            last = offset;
        }
        let context = [room, first, seq, nth].map(u64::to_le_bytes);
        let row = seal(&[&context[0], &context[1], &context[2], &context[3]], &steps);
        insert.execute(params![int(room), int(first), int(seq), int(nth), row])?;
    }
    Ok(())
}

/// Hands out a room's events at or below `upto`, newest first, until `take` has enough and says false.
pub(super) fn backwards(
    index: &Connection,
    room: u64,
    upto: u64,
    mut take: impl FnMut(Place) -> bool,
) -> Result<(), Failure> {
    let what = "reading a room backwards from the index";
    let sql = "SELECT first, seq, nth, row FROM chunks WHERE room = ?1 AND first <= ?2 ORDER BY first DESC";
    let mut statement = index.prepare_cached(sql).map_err(asking_index(what))?;
    for row in statement.query_map([int(room), int(upto)], packed).map_err(asking_index(what))? {
        let places = unpack(room, &row.map_err(asking_index(what))?)?;
        for place in places.into_iter().rev().filter(|place| place.offset <= upto) {
            if !take(place) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A room's events at or below `upto`, the newest `most`, newest first.
pub(super) fn before(index: &Connection, room: u64, upto: u64, most: usize) -> Result<Vec<Place>, Failure> {
    let mut places = Vec::new();
    if most > 0 {
        backwards(index, room, upto, |place| {
            places.push(place);
            places.len() < most
        })?;
    }
    Ok(places)
}

/// A room's events after one offset and up to another, the oldest `most`, oldest first.
pub(super) fn after(index: &Connection, room: u64, after: u64, upto: u64, most: usize) -> Result<Vec<Place>, Failure> {
    let what = "catching up from the index";
    // The chunk that `after` lies in begins at or before it.
    let sql = "SELECT first, seq, nth, row FROM chunks WHERE room = ?1 AND first >= coalesce(
        (SELECT max(first) FROM chunks WHERE room = ?1 AND first <= ?2), 0) AND first <= ?3 ORDER BY first";
    let mut statement = index.prepare_cached(sql).map_err(asking_index(what))?;
    let mut rows = statement.query_map([int(room), int(after), int(upto)], packed).map_err(asking_index(what))?;
    let mut places = Vec::new();
    while places.len() < most
        && let Some(row) = rows.next()
    {
        let chunk = unpack(room, &row.map_err(asking_index(what))?)?;
        let wanted = chunk.into_iter().filter(|place| place.offset > after && place.offset <= upto);
        places.extend(wanted.take(most - places.len()));
    }
    Ok(places)
}

/// The place of a room's event by its seq.
pub(super) fn by_seq(index: &Connection, head: Head, seq: u64) -> Result<Option<Place>, Failure> {
    bisect(index, head, seq, |place| place.seq, |_| true)
}

/// The place of a room's message by its number.
pub(super) fn by_nth(index: &Connection, head: Head, nth: u64) -> Result<Option<Place>, Failure> {
    bisect(index, head, nth, |place| place.nth, |place| place.author.is_some())
}

/// Bisects a room's chunks between its first and its last offset for a place whose number, which never falls from one
/// place to the next, is `wanted`.
fn bisect(
    index: &Connection,
    head: Head,
    wanted: u64,
    number: impl Fn(&Place) -> u64,
    is_it: impl Fn(&Place) -> bool,
) -> Result<Option<Place>, Failure> {
    let (mut low, mut high) = (head.room, head.last);
    while low <= high {
        let middle = low.midpoint(high);
        let Some(places) = around(index, head.room, middle)? else { return Ok(None) };
        if let Some(found) = places.iter().find(|place| number(place) == wanted && is_it(place)) {
            return Ok(Some(*found));
        }
        let (first, last) = (&places[0], &places[places.len() - 1]);
        if number(first) >= wanted {
            let Some(lower) = first.offset.checked_sub(1) else { return Ok(None) };
            high = lower;
        } else {
            low = last.offset.max(middle) + 1;
        }
    }
    Ok(None)
}

/// The chunk that an offset lies in, or the one before it.
fn around(index: &Connection, room: u64, offset: u64) -> Result<Option<Vec<Place>>, Failure> {
    let what = "finding a place in the index";
    let sql = "SELECT first, seq, nth, row FROM chunks WHERE room = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
    let mut statement = index.prepare_cached(sql).map_err(asking_index(what))?;
    let found = statement.query_row([int(room), int(offset)], packed).optional().map_err(asking_index(what))?;
    found.map(|found| unpack(room, &found)).transpose()
}

/// The number of the message that was sent at an offset, if one was in this room.
pub(super) fn message_at(index: &Connection, room: u64, offset: u64) -> Result<Option<u64>, Failure> {
    let places = around(index, room, offset)?.unwrap_or_default();
    Ok(places.iter().find(|place| place.offset == offset).and_then(Place::message))
}

/// How many messages of a room were sent at or before an offset, as far as the index goes.
pub(super) fn sent_up_to(index: &Connection, room: u64, offset: u64) -> Result<u64, Failure> {
    let places = around(index, room, offset)?.unwrap_or_default();
    Ok(places.iter().rev().find(|place| place.offset <= offset).map_or(0, |place| place.nth))
}
