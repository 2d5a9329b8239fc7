//! What is asked of `log.db` beside people, keys, rosters, marks and sessions: rows of the log, and rooms. Each small row carries a
//! checksum over its key and itself, as the log's rows do: wrong content is never served (R5).

use std::collections::{BTreeMap, BTreeSet};

use domain::Text;
use domain::event::Event;
use domain::facts::RoomFacts;
use domain::id::{Door, ExclusionVersion, Life, Millis, Offset, Seq, UserId};
use domain::model::{RoomKey, RoomKind};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::bytes::{Put as _, Take, key_text, text_key};
use super::codes;
use super::row::{self, Row};
use super::schema::Tie;
use super::shared::{Shared, asking, corrupt, int, uint};
use super::tail::Head;
use crate::port::Failure;

/// The payload behind a checksum over it and what it belongs to.
pub(super) fn seal(context: &[&[u8]], payload: &[u8]) -> Vec<u8> {
    let mut row = small_checksum(context, payload).to_le_bytes().to_vec();
    row.extend_from_slice(payload);
    row
}

/// The payload of a sealed row; none when it isn't what was written.
pub(super) fn unseal<'a>(context: &[&[u8]], row: &'a [u8]) -> Option<Take<'a>> {
    let (crc, payload) = row.split_at_checked(4)?;
    (crc == small_checksum(context, payload).to_le_bytes()).then(|| Take::new(payload))
}

fn small_checksum(context: &[&[u8]], payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    for part in context {
        crc.update(&(part.len() as u64).to_le_bytes());
        crc.update(part);
    }
    crc.update(payload);
    crc.finalize()
}

/// The offset of the log's last row.
pub(super) fn head(log: &Connection) -> Result<u64, Failure> {
    let mut statement = log.prepare_cached("SELECT max(offset) FROM events").map_err(asking("reading the head"))?;
    let head: Option<i64> = statement.query_row([], |row| row.get(0)).map_err(asking("reading the head"))?;
    head.map(uint).filter(|head| *head > 0).ok_or_else(|| corrupt("the log has lost its genesis row"))
}

/// Gives the bytes of a row to `work`; none when the log has no such row.
fn with_row<T>(log: &Connection, offset: u64, work: impl Fn(&[u8]) -> Option<T>) -> Result<Option<T>, Failure> {
    let what = "reading the log";
    let mut statement = log.prepare_cached("SELECT row FROM events WHERE offset = ?1").map_err(asking(what))?;
    let found = statement.query_row([int(offset)], |row| Ok(work(row.get_ref(0)?.as_blob()?))).optional();
    match found.map_err(asking(what))? {
        None => Ok(None),
        Some(None) => Err(damaged(offset)),
        Some(found) => Ok(found),
    }
}

/// The row at an offset is not what was written.
pub(super) fn damaged(offset: u64) -> Failure {
    corrupt(format!("the log's row at offset {offset} is damaged"))
}

/// The row at an offset.
pub(super) fn row(log: &Connection, offset: u64) -> Result<Option<Row>, Failure> {
    with_row(log, offset, |bytes| row::decode(offset, bytes))
}

/// The life and the mark of the row at an offset, whatever it keeps.
pub(super) fn stamp(log: &Connection, offset: u64) -> Result<Option<(Life, u32)>, Failure> {
    with_row(log, offset, |bytes| row::life(offset, bytes).zip(row::mark(offset, bytes)))
}

/// The row of a room's event that the index knows of. What the log denies is the index's damage.
pub(super) fn row_of(shared: &Shared, log: &Connection, offset: u64, room: u64, seq: u64) -> Result<Row, Failure> {
    let row = row(log, offset)?.filter(|row| row.room == room && row.seq() == seq);
    row.ok_or_else(|| shared.damaged_index(&format!("offset {offset} is not event {seq} of room {room}")))
}

/// Gives consecutive rows from one offset up to another, which are all there, to `take`, until it has enough.
pub(super) fn rows(
    log: &Connection,
    from: u64,
    upto: u64,
    mut take: impl FnMut(u64, Row) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let what = "reading the log";
    let sql = "SELECT offset, row FROM events WHERE offset BETWEEN ?1 AND ?2 ORDER BY offset";
    let mut statement = log.prepare_cached(sql).map_err(asking(what))?;
    let mut rows = statement.query([int(from), int(upto)]).map_err(asking(what))?;
    for expected in from..=upto {
        let missing = || corrupt(format!("the log has no row at offset {expected}"));
        let found = rows.next().map_err(asking(what))?.ok_or_else(missing)?;
        let offset = uint(found.get(0).map_err(asking(what))?);
        if offset != expected {
            return Err(missing());
        }
        let bytes = found.get_ref(1).map_err(asking(what))?.as_blob().map_err(|_| damaged(offset))?;
        let row = row::decode(offset, bytes).ok_or_else(|| damaged(offset))?;
        if !take(offset, row)? {
            break;
        }
    }
    Ok(())
}

/// What is kept of a room when it changes: nothing that changes with each message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RoomRow {
    /// The offset of its first event.
    pub(super) birth: u64,
    pub(super) key: RoomKey,
    pub(super) version: ExclusionVersion,
    pub(super) kind: RoomKind,
    pub(super) title: Text,
    pub(super) seats: Option<u32>,
    pub(super) made_by: UserId,
    door: Door,
    pub(super) made_at: Millis,
    pub(super) alias: Option<Text>,
}

impl RoomRow {
    /// Of a room's first event.
    pub(super) fn born(event: &Event) -> Option<Self> {
        let facts = RoomFacts::born(event)?;
        Some(Self {
            birth: facts.birth.0,
            key: facts.key,
            version: facts.version,
            kind: facts.kind,
            title: facts.title,
            seats: facts.seats,
            made_by: facts.made_by,
            door: facts.door,
            made_at: facts.made_at,
            alias: facts.alias,
        })
    }

    fn pack(&self) -> Vec<u8> {
        let mut row = vec![codes::room_kind_byte(self.kind), self.door.0];
        row.num(self.version.0);
        row.text(&self.title);
        row.num(self.seats.map_or(0, |seats| u64::from(seats) + 1));
        row.text(self.made_by.as_str());
        row.num(self.made_at.0);
        if let Some(alias) = &self.alias {
            row.text(alias);
        }
        seal(&[&self.birth.to_le_bytes(), key_text(&self.key).as_bytes()], &row)
    }

    fn unpack(birth: u64, key: &str, row: &[u8]) -> Option<Self> {
        let mut take = unseal(&[&birth.to_le_bytes(), key.as_bytes()], row)?;
        let (kind, door) = (codes::room_kind(take.byte()?)?, Door(take.byte()?));
        let (version, title) = (ExclusionVersion(take.num()?), take.text()?);
        let seats = match take.num()?.checked_sub(1) {
            None => None,
            Some(seats) => Some(u32::try_from(seats).ok()?),
        };
        let (made_by, made_at) = (take.user()?, Millis(take.num()?));
        // Rows of before there were aliases end here, and so do those of rooms without one.
        let alias = if take.is_empty() { None } else { Some(take.text()?) };
        Some(Self { birth, key: text_key(key)?, version, kind, title, seats, made_by, door, made_at, alias })
    }

    /// The facts, without rosters.
    pub(super) fn facts(self, head: Head) -> RoomFacts {
        let mut facts = RoomFacts {
            key: self.key,
            kind: self.kind,
            title: self.title,
            seats: self.seats,
            made_by: self.made_by,
            door: self.door,
            made_at: self.made_at,
            changed_at: self.made_at,
            version: self.version,
            birth: Offset(self.birth),
            last: Offset(self.birth),
            head: Seq(1),
            alias: self.alias,
            members: BTreeMap::new(),
            barred: BTreeSet::new(),
        };
        head.tell(&mut facts);
        facts
    }
}

fn room_where(log: &Connection, sql: &str, by: impl rusqlite::Params) -> Result<Option<RoomRow>, Failure> {
    let what = "reading a room";
    let mut statement = log.prepare_cached(sql).map_err(asking(what))?;
    let found = statement.query_row(by, |found| {
        let (birth, key, row) = (uint(found.get(0)?), found.get_ref(1)?.as_str()?, found.get_ref(2)?.as_blob()?);
        Ok(RoomRow::unpack(birth, key, row).ok_or_else(|| corrupt(format!("the row of room {birth} is damaged"))))
    });
    found.optional().map_err(asking(what))?.transpose()
}

/// A room by its key.
pub(super) fn room(log: &Connection, key: &RoomKey) -> Result<Option<RoomRow>, Failure> {
    let found = room_where(log, "SELECT birth, key, row FROM rooms WHERE key = ?1", [key_text(key)])?;
    Ok(found.filter(|room| room.key == *key))
}

/// A room by the offset of its first event, if it is one.
pub(super) fn born_at(log: &Connection, birth: u64) -> Result<Option<RoomRow>, Failure> {
    room_where(log, "SELECT birth, key, row FROM rooms WHERE birth = ?1", [int(birth)])
}

/// A room by the offset of its first event, as rows of the log name it.
pub(super) fn room_born_at(log: &Connection, birth: u64) -> Result<RoomRow, Failure> {
    born_at(log, birth)?.ok_or_else(|| corrupt(format!("the row of room {birth} is missing")))
}

/// Keeps a room that came to be.
pub(super) fn add_room(log: &Connection, room: &RoomRow) -> rusqlite::Result<()> {
    let mut insert = log.prepare_cached("INSERT INTO rooms VALUES (?1, ?2, ?3)")?;
    insert.execute(params![int(room.birth), key_text(&room.key), room.pack()])?;
    if let RoomKey::Pair(one, other) = &room.key {
        tie(log, one, Tie::Pair, room.birth)?;
        tie(log, other, Tie::Pair, room.birth)?;
    }
    if let Some(alias) = &room.alias {
        call(log, &room.key, room.birth, None, alias)?;
    }
    if room.seats.is_some() {
        tie(log, &room.made_by, Tie::Made, room.birth)?;
    }
    Ok(())
}

/// Keeps what has changed of a room.
pub(super) fn change_room(log: &Connection, birth: u64, change: impl FnOnce(&mut RoomRow)) -> Result<(), Failure> {
    let mut room = room_born_at(log, birth)?;
    change(&mut room);
    let what = "keeping a room";
    let mut update =
        log.prepare_cached("UPDATE rooms SET key = ?2, row = ?3 WHERE birth = ?1").map_err(asking(what))?;
    update.execute(params![int(birth), key_text(&room.key), room.pack()]).map(drop).map_err(asking(what))
}

/// Keeps what the two of a direct room call it, so that each finds it by that; other rooms are not looked for so.
pub(super) fn call(
    log: &Connection,
    key: &RoomKey,
    birth: u64,
    before: Option<&Text>,
    alias: &Text,
) -> rusqlite::Result<()> {
    let RoomKey::Pair(one, other) = key else { return Ok(()) };
    for user in [one, other] {
        if let Some(before) = before {
            let mut delete = log.prepare_cached("DELETE FROM aliases WHERE user = ?1 AND alias = ?2 AND room = ?3")?;
            delete.execute(params![user.as_str(), &**before, int(birth)])?;
        }
        let mut insert = log.prepare_cached("INSERT OR IGNORE INTO aliases VALUES (?1, ?2, ?3)")?;
        insert.execute(params![user.as_str(), &**alias, int(birth)])?;
    }
    Ok(())
}

/// The rooms that somebody may mean by an alias.
pub(super) fn called(log: &Connection, user: &UserId, alias: &Text) -> Result<Vec<u64>, Failure> {
    let what = "looking up an alias";
    let sql = "SELECT room FROM aliases WHERE user = ?1 AND alias = ?2";
    let mut statement = log.prepare_cached(sql).map_err(asking(what))?;
    let rooms = statement.query_map([user.as_str(), alias], |row| row.get(0).map(uint)).map_err(asking(what))?;
    rooms.collect::<Result<_, _>>().map_err(asking(what))
}

/// Keeps that a user has to do with a room.
pub(super) fn tie(log: &Connection, user: &UserId, why: Tie, room: u64) -> rusqlite::Result<()> {
    let mut insert = log.prepare_cached("INSERT OR IGNORE INTO ties VALUES (?1, ?2, ?3)")?;
    insert.execute(params![user.as_str(), why as i64, int(room)]).map(drop)
}

/// The rooms that a user has to do with for this reason, oldest first.
pub(super) fn tied(log: &Connection, user: &UserId, why: Tie) -> Result<Vec<u64>, Failure> {
    let what = "reading a user's rooms";
    let sql = "SELECT room FROM ties WHERE user = ?1 AND why = ?2 ORDER BY room";
    let mut statement = log.prepare_cached(sql).map_err(asking(what))?;
    let rooms =
        statement.query_map(params![user.as_str(), why as i64], |row| row.get(0).map(uint)).map_err(asking(what))?;
    rooms.collect::<Result<_, _>>().map_err(asking(what))
}
