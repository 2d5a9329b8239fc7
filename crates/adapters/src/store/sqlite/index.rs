//! What is asked of `index.db`, and how a slice of the log gets into it. Nothing in it is believed alone: an offset that
//! it gives is checked against the log's row, which must be of that room and seq. What is told from it without the log's
//! row, counts, has a checksum. `chunks` has the rooms' events, `changes` what became of messages.

use std::collections::BTreeMap;

use domain::event::Event;
use rusqlite::{Connection, OptionalExtension as _, params};
use xxhash_rust::xxh3::Xxh3;

use super::failures::corrupt_index;
use super::filter::{Filter, Filters, run_of};
use super::shared::{Shared, asking_index, int, uint};
use super::tail::{Entry, Head};
use super::{changes, chunks, reactions};
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

/// A room's last event, as far as the index goes.
pub(super) fn head(index: &Connection, room: u64) -> Result<Option<Head>, Failure> {
    let sql = "SELECT room, last, seq, at, public, nth, crc FROM heads WHERE room = ?1";
    let mut statement = index.prepare_cached(sql).map_err(asking_index("reading the index"))?;
    let found = statement.query_row([int(room)], as_head).optional().map_err(asking_index("reading the index"))?;
    found.map(sound).transpose()
}

/// The head of a room that is in the index.
pub(super) fn room(shared: &Shared, index: &Connection, room: u64) -> Result<Head, Failure> {
    head(index, room)?.ok_or_else(|| shared.damaged_index(&format!("it does not know room {room}")))
}

fn as_head(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Head, u32)> {
    let [room, last, seq, at, nth] = [0, 1, 2, 3, 5].map(|column| row.get(column).map(uint));
    Ok((Head { room: room?, last: last?, seq: seq?, at: at?, public: row.get(4)?, nth: nth? }, row.get(6)?))
}

fn head_crc(head: &Head) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    for number in [head.room, head.last, head.seq, head.at, u64::from(head.public), head.nth] {
        crc.update(&number.to_le_bytes());
    }
    crc.finalize()
}

fn sound((head, crc): (Head, u32)) -> Result<Head, Failure> {
    let damaged = || corrupt_index(format!("the index's head of room {} is damaged", head.room));
    (crc == head_crc(&head)).then_some(head).ok_or_else(damaged)
}

/// Hands out public rooms, the most recently active first, until `enough` says so.
pub(super) fn public(index: &Connection, mut enough: impl FnMut(Head) -> Result<bool, Failure>) -> Result<(), Failure> {
    let what = "listing rooms from the index";
    let sql = "SELECT room, last, seq, at, public, nth, crc FROM heads WHERE public = 1 ORDER BY last DESC";
    let mut statement = index.prepare_cached(sql).map_err(asking_index(what))?;
    for head in statement.query_map([], as_head).map_err(asking_index(what))? {
        if enough(sound(head.map_err(asking_index(what))?)?)? {
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
    let what = "indexing";
    let transaction = index.unchecked_transaction().map_err(asking_index(what))?;
    add_rooms(index, state.life, slice).map_err(asking_index(what))?;
    add_ids(index, slice).map_err(asking_index(what))?;
    changes::add_messages(index, slice).map_err(asking_index(what))?;
    changes::add_changes(index, slice)?;
    reactions::add(index, slice)?;
    let sql = "INSERT INTO state VALUES (1, ?1, ?2, ?3) ON CONFLICT DO UPDATE SET life = ?1, indexed = ?2, mark = ?3";
    let put = index.prepare_cached(sql);
    put.and_then(|mut put| put.execute(params![int(state.life), int(state.indexed), state.mark]))
        .map_err(asking_index(what))?;
    transaction.commit().map_err(asking_index(what))
}

fn add_rooms(index: &Connection, seed: u64, slice: &[Entry]) -> rusqlite::Result<()> {
    let mut rooms: BTreeMap<u64, Vec<&Entry>> = BTreeMap::new();
    slice.iter().for_each(|entry| rooms.entry(entry.room).or_default().push(entry));
    let mut insert = index.prepare_cached("INSERT INTO chunks VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut heads = index.prepare_cached(
        "INSERT INTO heads VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT DO UPDATE SET last = ?2, seq = ?3, at = ?4, nth = ?6, crc = ?7",
    )?;
    for (room, entries) in rooms {
        let Some(last) = entries.last() else { continue };
        chunks::add(&mut insert, seed, room, &entries)?;
        let head = last.head();
        let (last, seq, at, nth) = (int(head.last), int(head.seq), int(head.at), int(head.nth));
        heads.execute(params![int(room), last, seq, at, head.public, nth, head_crc(&head)])?;
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
