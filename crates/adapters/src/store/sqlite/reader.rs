//! A reader: looks at the tail first, and asks the files only for what lies before it. No snapshot is kept between two
//! reads. What leaves the tail meanwhile is in the index already, so nothing falls between the two.

use std::sync::Arc;

use domain::event::Event;
use domain::id::{ClientId, Cursor, Life, Millis, Offset, Seq, UserId, UserNumber};
use domain::model::RoomKey;
use hashbrown::HashMap;
use rusqlite::Connection;

use super::find::{Find, head_of};
use super::index::{self, Place, id_hash};
use super::shared::{Handles, Holder, Shared, Writes, corrupt};
use super::tail::Head;
use super::{lists, log, people};
use crate::port::{Failure, Found, Read, Reader};
use crate::store::settle::{self, Budget};

/// Keys of rooms that a reader remembers; then it begins anew.
const KEYS_CACHED: usize = 10_000;

/// One reader, used by one thread.
pub(super) struct SqliteReader {
    holder: Holder,
    keys: HashMap<u64, RoomKey>,
}

impl SqliteReader {
    pub(super) fn new(shared: &Arc<Shared>) -> Result<Self, Failure> {
        let holder = Holder::new(shared, Writes::Nothing);
        holder.with(|_| Ok(()))?;
        Ok(Self { holder, keys: HashMap::new() })
    }

    fn shared(&self) -> &Shared {
        self.holder.shared()
    }
}

impl Reader for SqliteReader {
    fn read(&mut self, ask: &Read) -> Result<Found, Failure> {
        let holder = &self.holder;
        let shared = holder.shared();
        Ok(match ask {
            Read::Room(key) => Found::Room(holder.with(|handles| lists::room(shared, handles, key))?.map(Box::new)),
            Read::Rooms { asker, kind, most } => {
                Found::Rooms(holder.read(|handles| lists::rooms(shared, handles, asker, *kind, *most))?)
            }
            Read::MadeBy(user) => Found::Rooms(holder.read(|handles| lists::made_by(shared, handles, user))?),
            Read::Person(id) => Found::Person(holder.with(|handles| people::person(&handles.log, id))?),
            Read::Page { room, before, most } => self.page(room, *before, *most)?,
            Read::Since { after, upto, rooms: None, bytes } => self.since_all(after.0, upto.0, *bytes)?,
            Read::Since { after, upto, rooms: Some(rooms), bytes } => self.since(after.0, upto.0, rooms, *bytes)?,
            Read::Sent { by, room, client_id } => Found::Event(self.sent(by, room, client_id)?),
            Read::At(offset) => Found::Cursor(self.at(offset.0)?),
            Read::AtSeq(room, seq) => Found::Cursor(self.at_seq(room, seq.0)?),
            Read::Head => Found::Cursor(Some(shared.tail().cursor())),
            Read::Keys => Found::Keys(holder.with(|handles| people::keys(&handles.log))?),
            Read::Recent(after) => Found::Recent(self.recent(*after)?),
        })
    }
}

/// Where a page goes on in the index, when the tail has not got all of it.
struct Rest {
    upto: u64,
    /// The seq of the event there, where the tail knows it.
    seq: Option<u64>,
    room: Option<u64>,
}

/// Pages.
impl SqliteReader {
    fn page(&self, room: &RoomKey, before: Option<Offset>, most: usize) -> Result<Found, Failure> {
        let tail = self.shared().tail();
        let scanned = before.map_or(tail.head(), |before| before.0.saturating_sub(1).min(tail.head()));
        let mut events = Vec::new();
        let mut rest = Rest { upto: scanned, seq: None, room: None };
        for entry in tail.backwards(room) {
            if events.len() == most {
                break;
            }
            if entry.event.offset.0 <= scanned {
                events.push(entry.event.clone());
                rest = Rest { upto: entry.previous, seq: entry.event.seq.0.checked_sub(1), room: Some(entry.room) };
            } else {
                rest = Rest { upto: entry.previous.min(scanned), seq: None, room: Some(entry.room) };
            }
        }
        drop(tail);
        if events.len() < most && rest.upto > 0 {
            self.holder.read(|handles| self.older(handles, room, &rest, most, &mut events))?;
        }
        events.reverse();
        Ok(Found::Events { events, scanned: Offset(scanned) })
    }

    fn older(
        &self,
        handles: &Handles,
        key: &RoomKey,
        rest: &Rest,
        most: usize,
        events: &mut Vec<Arc<Event>>,
    ) -> Result<(), Failure> {
        let Some(room) = self.birth(handles, key, rest.room)? else { return Ok(()) };
        let wanted = most - events.len();
        let places = index::before(&handles.index, room, rest.upto, wanted)?;
        let mut expected = rest.seq.or(places.first().map(|place| place.seq)).unwrap_or(0);
        for place in &places {
            if place.seq != expected {
                return Err(self.shared().damaged_index(&format!("event {expected} of room {room} is missing")));
            }
            expected = expected.saturating_sub(1);
            let row = log::row_of(self.shared(), &handles.log, place.offset, room, place.seq)?;
            events.push(Arc::new(row.into_event(place.offset, key.clone())));
        }
        // The room's first event is at its birth: what is not found after it, must have been before it.
        if places.len() < wanted && expected > 0 && rest.upto >= room {
            return Err(self.shared().damaged_index(&format!("event {expected} of room {room} is missing")));
        }
        Ok(())
    }

    /// The offset of a room's first event, if there is such a room.
    fn birth(&self, handles: &Handles, key: &RoomKey, known: Option<u64>) -> Result<Option<u64>, Failure> {
        match known.or_else(|| self.shared().tail().room(key).map(|head| head.room)) {
            Some(birth) => Ok(Some(birth)),
            None => Ok(log::room(&handles.log, key)?.map(|room| room.birth)),
        }
    }
}

/// Catching up.
impl SqliteReader {
    fn since_all(&mut self, after: u64, upto: u64, bytes: usize) -> Result<Found, Failure> {
        let mut budget = Budget::of(bytes);
        let tail = self.shared().tail();
        let upto = upto.min(tail.head());
        if after >= upto {
            return Ok(found(budget, true, after, upto));
        }
        if after + 1 >= tail.first() {
            let all = tail.between(after, upto).all(|event| budget.take(event.clone()));
            return Ok(found(budget, all, after, upto));
        }
        drop(tail);
        let (keys, mut all) = (&mut self.keys, true);
        self.holder.read(|handles| {
            log::rows(&handles.log, (after + 1).max(2), upto, |offset, row| {
                let key = key_of(keys, &handles.log, row.room)?;
                all = budget.take(Arc::new(row.into_event(offset, key)));
                Ok(all)
            })
        })?;
        Ok(found(budget, all, after, upto))
    }

    fn since(&self, after: u64, upto: u64, rooms: &[RoomKey], bytes: usize) -> Result<Found, Failure> {
        let mut budget = Budget::of(bytes);
        let upto = upto.min(self.shared().tail().head());
        let mut from = after;
        while from < upto {
            let tail = self.shared().tail();
            let first = tail.first();
            if from + 1 >= first {
                let newer = rooms.iter().flat_map(|room| {
                    tail.backwards(room).map(|entry| &entry.event).take_while(|event| event.offset.0 > from)
                });
                let mut events: Vec<_> = newer.filter(|event| event.offset.0 <= upto).cloned().collect();
                drop(tail);
                events.sort_unstable_by_key(|event| event.offset);
                events.dedup_by_key(|event| event.offset);
                let all = events.into_iter().all(|event| budget.take(event));
                return Ok(found(budget, all, after, upto));
            }
            drop(tail);
            let reach = upto.min(first - 1);
            if !self.holder.read(|handles| self.since_indexed(handles, from, reach, rooms, &mut budget))? {
                return Ok(found(budget, false, after, upto));
            }
            from = reach;
        }
        Ok(found(budget, true, after, upto))
    }

    /// What the index knows of these rooms; false when the budget has ended.
    fn since_indexed(
        &self,
        handles: &Handles,
        after: u64,
        upto: u64,
        rooms: &[RoomKey],
        budget: &mut Budget,
    ) -> Result<bool, Failure> {
        // More of them can't fit the budget, so no room needs to give more, and none beyond the last that may.
        let most = budget.most() + 1;
        let (mut places, mut reach): (Vec<(Place, usize, u64)>, u64) = (Vec::new(), upto);
        for (at, key) in rooms.iter().enumerate() {
            let Some(birth) = self.birth(handles, key, None)? else { continue };
            if index::head(&handles.index, birth)?.is_some_and(|head| head.last <= after) {
                continue;
            }
            let found = index::after(&handles.index, birth, after, reach, most)?;
            if found.windows(2).any(|pair| pair[0].seq + 1 != pair[1].seq) {
                return Err(self.shared().damaged_index(&format!("events of room {birth} are missing")));
            }
            places.extend(found.into_iter().map(|place| (place, at, birth)));
            if places.len() > 4 * most {
                keep_first(&mut places, most);
                reach = places.last().map_or(reach, |(place, ..)| place.offset);
            }
        }
        keep_first(&mut places, most);
        for (place, at, birth) in places {
            let row = log::row_of(self.shared(), &handles.log, place.offset, birth, place.seq)?;
            if !budget.take(Arc::new(row.into_event(place.offset, rooms[at].clone()))) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn keep_first(places: &mut Vec<(Place, usize, u64)>, most: usize) {
    places.sort_unstable_by_key(|(place, ..)| place.offset);
    places.dedup_by_key(|(place, ..)| place.offset);
    places.truncate(most);
}

fn found(budget: Budget, all: bool, after: u64, upto: u64) -> Found {
    let scanned = if all { upto.max(after) } else { budget.events.last().map_or(after, |event| event.offset.0) };
    Found::Events { events: budget.events, scanned: Offset(scanned) }
}

fn key_of(keys: &mut HashMap<u64, RoomKey>, log: &Connection, birth: u64) -> Result<RoomKey, Failure> {
    if let Some(key) = keys.get(&birth) {
        return Ok(key.clone());
    }
    if keys.len() >= KEYS_CACHED {
        keys.clear();
    }
    let key = log::room_born_at(log, birth)?.key;
    keys.insert(birth, key.clone());
    Ok(key)
}

/// Single events and places.
impl SqliteReader {
    fn sent(&self, by: &UserId, room: &RoomKey, client_id: &ClientId) -> Result<Option<Arc<Event>>, Failure> {
        let shared = self.shared();
        self.holder.with(|handles| {
            let Some(birth) = self.birth(handles, room, None)? else { return Ok(None) };
            let hash = id_hash(shared.seed, by.as_str(), birth, client_id.as_str());
            let is_it = |event: &Event| {
                let same_id = event.message().is_some_and(|sent| sent.client_id.as_ref() == Some(client_id));
                same_id && event.by.id == *by && event.room == *room
            };
            let recent = shared.tail().with_id(hash).map(|entry| entry.event.clone()).find(|event| is_it(event));
            if recent.is_some() {
                return Ok(recent);
            }
            let find = Find { shared, log: &handles.log, index: &handles.index };
            Ok(find.indexed(hash, room, birth, by.as_str(), client_id.as_str())?.map(|(event, _)| event))
        })
    }

    fn at(&self, offset: u64) -> Result<Option<Cursor>, Failure> {
        if offset <= 1 {
            return Ok(Some(Cursor { life: Life(self.shared().seed), offset: Offset(offset) }));
        }
        let tail = self.shared().tail();
        if offset > tail.head() {
            return Ok(None);
        }
        if let Some(entry) = tail.get(offset) {
            return Ok(Some(entry.event.cursor()));
        }
        drop(tail);
        let stamp = self.holder.with(|handles| log::stamp(&handles.log, offset))?;
        let (life, _) = stamp.ok_or_else(|| corrupt(format!("the log has no row at offset {offset}")))?;
        Ok(Some(Cursor { life, offset: Offset(offset) }))
    }

    fn at_seq(&self, room: &RoomKey, seq: u64) -> Result<Option<Cursor>, Failure> {
        let shared = self.shared();
        let tail = shared.tail();
        if seq > 0
            && let Some(entry) = tail.backwards(room).find(|entry| entry.event.seq <= Seq(seq))
        {
            // Either it, or the newest, which lies below what was asked for.
            return Ok((entry.event.seq == Seq(seq)).then(|| entry.event.cursor()));
        }
        drop(tail);
        let place = self.holder.read(|handles| {
            let Some(birth) = self.birth(handles, room, None)? else { return Ok(None) };
            if seq == 0 {
                return Ok(Some(birth - 1));
            }
            let head = head_of(shared, &handles.log, &handles.index, room, birth)?;
            if seq > head.seq {
                return Ok(None);
            }
            let offset = index::by_seq(&handles.index, Head { room: birth, ..head }, seq)?;
            let missing = || shared.damaged_index(&format!("event {seq} of room {birth} is missing"));
            let offset = offset.ok_or_else(missing)?;
            log::row_of(shared, &handles.log, offset, birth, seq).map(|_| Some(offset))
        })?;
        place.map_or(Ok(None), |offset| self.at(offset))
    }

    fn recent(&self, after: Millis) -> Result<Vec<(UserNumber, Millis)>, Failure> {
        let mut sent = Vec::new();
        let tail = self.shared().tail();
        let mut next = tail.head();
        while let Some(entry) = tail.get(next)
            && entry.event.at > after
            && sent.len() < settle::RECENT_MAX
        {
            sent.extend(entry.event.message().map(|_| (entry.event.by.number, entry.event.at)));
            next -= 1;
        }
        let within = next >= tail.first();
        drop(tail);
        if !within {
            self.holder.read(|handles| {
                while next > 1 && sent.len() < settle::RECENT_MAX {
                    let row = log::row(&handles.log, next)?;
                    let row = row.ok_or_else(|| corrupt(format!("the log has no row at offset {next}")))?;
                    if row.at() <= after {
                        break;
                    }
                    sent.extend(row.message().map(|_| (row.by().number, row.at())));
                    next -= 1;
                }
                Ok(())
            })?;
        }
        sent.reverse();
        Ok(sent)
    }
}
