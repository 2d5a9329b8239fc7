//! What is asked of `index.db`, and how a slice of the log gets into it. Nothing in it is believed alone: an offset that
//! it gives is checked against the log's row, which must be of that room and seq.

use std::collections::BTreeMap;

use domain::event::Event;
use rusqlite::{Connection, OptionalExtension as _, params};
use xxhash_rust::xxh3::Xxh3;

use super::bytes::{Put as _, Take};
use super::failures::corrupt_index;
use super::filter::{Filter, Filters, run_of};
use super::shared::{asking_index, int, uint};
use super::tail::{Entry, Head};
use crate::port::Failure;

/// The hash under which a client id is looked up.
pub(super) fn id_hash(seed: u64, by: &str, room: u64, client_id: &str) -> u64 {
    let mut hash = Xxh3::with_seed(seed);
    hash.update(&room.to_le_bytes());
    hash.update(by.as_bytes());
    hash.update(&[0]);
    hash.update(client_id.as_bytes());
    hash.digest()
}

/// The hash of the id that an event carries, if it does.
pub(super) fn event_id(seed: u64, event: &Event, room: u64) -> Option<u64> {
    let client_id = event.message()?.client_id.as_ref()?;
    Some(id_hash(seed, event.by.id.as_str(), room, client_id.as_str()))
}

/// Up to where the index goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// The genesis row's life.
    pub(super) life: u64,
    pub(super) indexed: u64,
    /// The checksum of the log's row there, so that a log with another past is noticed.
    pub(super) mark: u32,
}

pub(super) fn state(index: &Connection) -> Result<Option<State>, Failure> {
    let sql = "SELECT life, indexed, mark FROM state";
    let state = index
        .query_row(sql, [], |row| Ok(State { life: uint(row.get(0)?), indexed: uint(row.get(1)?), mark: row.get(2)? }));
    state.optional().map_err(asking_index("reading the index"))
}

/// Consecutive events of one room.
struct Chunk {
    first: u64,
    seq: u64,
    /// Their offsets.
    offsets: Vec<u64>,
}

fn chunk(row: &rusqlite::Row<'_>) -> rusqlite::Result<(u64, u64, Vec<u8>)> {
    Ok((uint(row.get(0)?), uint(row.get(1)?), row.get(2)?))
}

impl Chunk {
    fn unpack((first, seq, deltas): (u64, u64, Vec<u8>)) -> Result<Self, Failure> {
        let mut offsets = vec![first];
        let mut take = Take::new(&deltas);
        let mut last = first;
        while !take.is_empty() {
            let next = take.num().filter(|delta| *delta > 0).and_then(|delta| last.checked_add(delta));
            last = next.ok_or_else(|| corrupt_index(format!("the index's chunk at offset {first} is damaged")))?;
            offsets.push(last);
        }
        Ok(Self { first, seq, offsets })
    }
}

/// An event's place, as the index has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) seq: u64,
}

/// A room's events at or below `upto`, the newest `most`, newest first.
pub(super) fn before(index: &Connection, room: u64, upto: u64, most: usize) -> Result<Vec<Place>, Failure> {
    let what = "reading a page from the index";
    let sql = "SELECT first, seq, deltas FROM chunks WHERE room = ?1 AND first <= ?2 ORDER BY first DESC";
    let mut statement = index.prepare_cached(sql).map_err(asking_index(what))?;
    let mut rows = statement.query_map([int(room), int(upto)], chunk).map_err(asking_index(what))?;
    let mut places = Vec::new();
    while places.len() < most
        && let Some(row) = rows.next()
    {
        let chunk = Chunk::unpack(row.map_err(asking_index(what))?)?;
        let seqs = chunk.seq..;
        let placed: Vec<_> = chunk.offsets.iter().zip(seqs).take_while(|(offset, _)| **offset <= upto).collect();
        let newest = placed.into_iter().rev().map(|(offset, seq)| Place { offset: *offset, seq });
        places.extend(newest.take(most - places.len()));
    }
    Ok(places)
}

/// A room's events after one offset and up to another, the oldest `most`, oldest first.
pub(super) fn after(index: &Connection, room: u64, after: u64, upto: u64, most: usize) -> Result<Vec<Place>, Failure> {
    let what = "catching up from the index";
    // The chunk that `after` lies in begins at or before it.
    let sql = "SELECT first, seq, deltas FROM chunks WHERE room = ?1 AND first >= coalesce(
        (SELECT max(first) FROM chunks WHERE room = ?1 AND first <= ?2), 0) AND first <= ?3 ORDER BY first";
    let mut statement = index.prepare_cached(sql).map_err(asking_index(what))?;
    let mut rows = statement.query_map([int(room), int(after), int(upto)], chunk).map_err(asking_index(what))?;
    let mut places = Vec::new();
    while places.len() < most
        && let Some(row) = rows.next()
    {
        let chunk = Chunk::unpack(row.map_err(asking_index(what))?)?;
        let placed = chunk.offsets.iter().zip(chunk.seq..).map(|(offset, seq)| Place { offset: *offset, seq });
        let wanted = placed.filter(|place| place.offset > after && place.offset <= upto);
        places.extend(wanted.take(most - places.len()));
    }
    Ok(places)
}

/// The offset of a room's event by its seq, by bisecting the room's chunks between its first and its last offset.
pub(super) fn by_seq(index: &Connection, head: Head, seq: u64) -> Result<Option<u64>, Failure> {
    let what = "finding a seq in the index";
    let sql = "SELECT first, seq, deltas FROM chunks WHERE room = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
    let mut statement = index.prepare_cached(sql).map_err(asking_index(what))?;
    let (mut low, mut high) = (head.room, head.last);
    while low <= high {
        let middle = low.midpoint(high);
        let found = statement.query_row([int(head.room), int(middle)], chunk).optional().map_err(asking_index(what))?;
        let Some(found) = found else { return Ok(None) };
        let chunk = Chunk::unpack(found)?;
        let last = chunk.offsets.last().copied().unwrap_or(chunk.first);
        if chunk.seq > seq {
            high = chunk.first - 1;
        } else if let Some(offset) = usize::try_from(seq - chunk.seq).ok().and_then(|at| chunk.offsets.get(at)) {
            return Ok(Some(*offset));
        } else {
            low = last.max(middle) + 1;
        }
    }
    Ok(None)
}

/// A room's last event, as far as the index goes.
pub(super) fn head(index: &Connection, room: u64) -> Result<Option<Head>, Failure> {
    let sql = "SELECT room, last, seq, at, public FROM heads WHERE room = ?1";
    let mut statement = index.prepare_cached(sql).map_err(asking_index("reading the index"))?;
    statement.query_row([int(room)], as_head).optional().map_err(asking_index("reading the index"))
}

fn as_head(row: &rusqlite::Row<'_>) -> rusqlite::Result<Head> {
    Ok(Head {
        room: uint(row.get(0)?),
        last: uint(row.get(1)?),
        seq: uint(row.get(2)?),
        at: uint(row.get(3)?),
        public: row.get(4)?,
    })
}

/// Hands out public rooms, the most recently active first, until `enough` says so.
pub(super) fn public(index: &Connection, mut enough: impl FnMut(Head) -> Result<bool, Failure>) -> Result<(), Failure> {
    let what = "listing rooms from the index";
    let sql = "SELECT room, last, seq, at, public FROM heads WHERE public = 1 ORDER BY last DESC";
    let mut statement = index.prepare_cached(sql).map_err(asking_index(what))?;
    for head in statement.query_map([], as_head).map_err(asking_index(what))? {
        if enough(head.map_err(asking_index(what))?)? {
            break;
        }
    }
    Ok(())
}

/// The offsets of events in a run whose id has this hash.
pub(super) fn ids(index: &Connection, run: u64, hash: u64) -> Result<Vec<u64>, Failure> {
    let what = "looking up a client id";
    let sql = "SELECT offset FROM ids WHERE run = ?1 AND hash = ?2";
    let mut statement = index.prepare_cached(sql).map_err(asking_index(what))?;
    let offsets = statement.query_map([int(run), int(hash)], |row| row.get(0).map(uint)).map_err(asking_index(what))?;
    offsets.collect::<Result<_, _>>().map_err(asking_index(what))
}

/// Puts a slice of consecutive events into the index, in one transaction and sorted, so that a B-tree is walked along
/// instead of jumped about in.
pub(super) fn add(index: &Connection, state: State, slice: &[Entry]) -> Result<(), Failure> {
    let work = || {
        let transaction = index.unchecked_transaction()?;
        add_rooms(index, slice)?;
        add_ids(index, slice)?;
        let sql =
            "INSERT INTO state VALUES (1, ?1, ?2, ?3) ON CONFLICT DO UPDATE SET life = ?1, indexed = ?2, mark = ?3";
        index.prepare_cached(sql)?.execute(params![int(state.life), int(state.indexed), state.mark])?;
        transaction.commit()
    };
    work().map_err(asking_index("indexing"))
}

fn add_rooms(index: &Connection, slice: &[Entry]) -> rusqlite::Result<()> {
    let mut rooms: BTreeMap<u64, Vec<&Entry>> = BTreeMap::new();
    slice.iter().for_each(|entry| rooms.entry(entry.room).or_default().push(entry));
    let mut chunks = index.prepare_cached("INSERT INTO chunks VALUES (?1, ?2, ?3, ?4)")?;
    let mut heads = index.prepare_cached(
        "INSERT INTO heads VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET last = ?2, seq = ?3, at = ?4",
    )?;
    let mut deltas = Vec::new();
    for (room, entries) in rooms {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { continue };
        deltas.clear();
        entries.windows(2).for_each(|pair| deltas.num(pair[1].event.offset.0 - pair[0].event.offset.0));
        chunks.execute(params![int(room), int(first.event.offset.0), int(first.event.seq.0), deltas])?;
        let event = &last.event;
        let (at, seq) = (int(event.at.0), int(event.seq.0));
        heads.execute(params![int(room), int(event.offset.0), seq, at, last.public])?;
    }
    Ok(())
}

fn add_ids(index: &Connection, slice: &[Entry]) -> rusqlite::Result<()> {
    let hashed = slice.iter().filter_map(|entry| {
        let offset = entry.event.offset.0;
        entry.id.map(|id| (int(run_of(offset)), int(id), int(offset)))
    });
    let mut ids: Vec<_> = hashed.collect();
    ids.sort_unstable();
    let mut insert = index.prepare_cached("INSERT INTO ids VALUES (?1, ?2, ?3)")?;
    for (run, hash, offset) in ids {
        insert.execute([run, hash, offset])?;
    }
    Ok(())
}

/// Keeps a finished run's filter, so that a start need not read the run's ids.
pub(super) fn keep_filter(index: &Connection, run: u64, bits: &[u8]) -> Result<(), Failure> {
    let sql = "INSERT OR IGNORE INTO filters VALUES (?1, ?2, ?3)";
    let crc = crc32fast::hash(bits);
    index.execute(sql, params![int(run), crc, bits]).map(drop).map_err(asking_index("keeping a filter"))
}

/// The filters of all runs up to the one that `indexed` lies in; those that weren't kept are made from the ids.
pub(super) fn filters(index: &Connection, indexed: u64) -> Result<Filters, Failure> {
    let mut filters = Filters::default();
    let what = "reading the filters";
    for run in 0..=run_of(indexed) {
        let sql = "SELECT crc, bits FROM filters WHERE run = ?1";
        let kept = index.query_row(sql, [int(run)], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?)));
        let kept = kept.optional().map_err(asking_index(what))?;
        let sound = kept.filter(|(crc, bits)| *crc == crc32fast::hash(bits));
        if let Some(filter) = sound.and_then(|(_, bits)| Filter::from_bytes(&bits)) {
            filters.put(run, filter);
            continue;
        }
        let mut ids = index.prepare_cached("SELECT hash FROM ids WHERE run = ?1").map_err(asking_index(what))?;
        for id in ids.query_map([int(run)], |row| row.get(0).map(uint)).map_err(asking_index(what))? {
            filters.add(run, id.map_err(asking_index(what))?);
        }
    }
    Ok(filters)
}
