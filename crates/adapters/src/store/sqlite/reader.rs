//! A reader: looks at the tail first, and asks the files only for what lies before it. No snapshot is kept between two
//! reads. What leaves the tail meanwhile is in the index already, so nothing falls between the two.

use std::sync::Arc;

use domain::event::Event;
use domain::id::{ClientId, Cursor, Life, Millis, Offset, Seq, UserId, UserNumber};
use domain::model::RoomKey;
use hashbrown::HashMap;
use rusqlite::Connection;

use super::find::{Find, head_of};
use super::history::Wanted;
use super::index::id_hash;
use super::shared::{Handles, Holder, Shared, Writes, corrupt};
use super::tail::Head;
use super::{chunks, history, lists, log, messages, names, outbox, own, people, sessions, theirs, unread, view};
use crate::port::{Failure, FailureKind, Found, Read, Reader};
use crate::store::settle;

/// How often one reads again when rooms get other keys meanwhile.
const TRIES: usize = 100;
/// Keys of rooms that a reader remembers; then it begins anew.
const KEYS_CACHED: usize = 10_000;

/// Keys of rooms by the offset of their first event.
pub(super) type Keys = HashMap<u64, RoomKey>;

/// One reader, used by one thread.
pub(super) struct SqliteReader {
    pub(super) holder: Holder,
    pub(super) keys: Keys,
    /// How often rooms had got other keys when `keys` was begun.
    moves: u64,
}

impl SqliteReader {
    pub(super) fn new(shared: &Arc<Shared>) -> Result<Self, Failure> {
        let holder = Holder::new(shared, Writes::Nothing);
        holder.with(|_| Ok(()))?;
        Ok(Self { holder, keys: HashMap::new(), moves: 0 })
    }

    pub(super) fn shared(&self) -> &Shared {
        self.holder.shared()
    }
}

impl Reader for SqliteReader {
    fn read(&mut self, ask: &Read) -> Result<Found, Failure> {
        for _ in 0..TRIES {
            let moves = self.shared().moves()?;
            if std::mem::replace(&mut self.moves, moves) != moves {
                self.keys.clear();
            }
            let expired = self.shared().expired();
            let found = self.answer(ask);
            // What was read while rooms got other keys may be half of before and half of after; and what was read while
            // more was let go of may lie on the wrong side of it. Nothing is emptied before that is seen here.
            if self.shared().moves()? == moves && self.shared().expired() == expired {
                return found;
            }
        }
        Err(Failure::new(FailureKind::Unavailable, "the log changed each time it was read"))
    }
}

impl SqliteReader {
    fn answer(&mut self, ask: &Read) -> Result<Found, Failure> {
        let (holder, keys) = (&self.holder, &mut self.keys);
        let shared = holder.shared();
        Ok(match ask {
            Read::Room(key) => Found::Room(holder.with(|handles| lists::room(shared, handles, key))?.map(Box::new)),
            Read::Rooms { asker, kind, most } => {
                Found::Rooms(holder.read(|handles| lists::rooms(shared, handles, asker, *kind, *most))?)
            }
            Read::MadeBy(user) => Found::Rooms(holder.read(|handles| lists::made_by(shared, handles, user))?),
            Read::Person(id) => Found::Person(holder.with(|handles| people::person(&handles.log, id))?),
            Read::Page { room, before, most } => self.page(room, *before, *most)?,
            Read::Since { after, upto, rooms: None, pairs_of: _, bytes } => self.since_all(after.0, upto.0, *bytes)?,
            Read::Since { after, upto, rooms: Some(rooms), pairs_of, bytes } => {
                let found = self.since(after.0, upto.0, rooms, pairs_of.as_ref(), *bytes)?;
                self.with_fates(found)?
            }
            Read::Message(id) => {
                let found = view::look(holder, |view| messages::find(view, keys, &[*id]))?;
                Found::Event(found.into_iter().next())
            }
            Read::Messages(ids) => Found::Messages(view::look(holder, |view| messages::find(view, keys, ids))?),
            Read::User(which) => Found::User(holder.with(|handles| people::user(&handles.log, which))?),
            Read::Conversations { user, before, most } => {
                Found::Conversations(view::look(holder, |view| theirs::conversations(view, user, *before, *most))?)
            }
            Read::Born(offset) => {
                let row = holder.with(|handles| log::born_at(&handles.log, offset.0))?;
                Found::Key(row.map(|row| row.key))
            }
            Read::Alias { user, alias } => Found::Key(view::look(holder, |view| theirs::called(view, user, alias))?),
            Read::Standings(user) => Found::Standings(view::look(holder, |view| theirs::standings(view, user))?),
            Read::Own { user, room, most } => {
                Found::Own(view::look(holder, |view| own::rooms(view, user, room.as_ref(), *most))?)
            }
            Read::Members { room, most } => {
                Found::Members(view::look(holder, |view| own::members(view, room, *most).map(Some))?)
            }
            Read::Find { room, senders, ids } => {
                Found::Entries(view::look(holder, |view| names::find(view, keys, room, senders, ids))?)
            }
            Read::Acquaintances { user, most } => {
                Found::Users(view::look(holder, |view| theirs::acquaintances(view, user, *most).map(Some))?)
            }
            Read::History { room, window, skip, most, bytes } => {
                let wanted = Wanted { window: *window, skip: *skip, most: *most, bytes: *bytes };
                let (entries, total, upto) = view::look(holder, |view| history::read(view, room, &wanted))?;
                Found::History(entries, total, upto)
            }
            Read::Unread { room, user, most } => {
                Found::Count(view::look(holder, |view| unread::count(view, room, user, *most))?)
            }
            Read::Session(key) => Found::Session(holder.with(|handles| sessions::get(&handles.log, *key))?),
            Read::Sent { by, room, client_id } => {
                let sent = self.sent(by, room, client_id)?;
                Found::Event(sent.map(|event| settle::as_kept(event, shared.expired())))
            }
            Read::At(offset) => Found::Cursor(self.at(offset.0)?),
            Read::AtSeq(room, seq) => Found::Cursor(self.at_seq(room, seq.0)?),
            Read::Expired => Found::Expired(shared.expired()),
            Read::Head => Found::Cursor(Some(shared.tail().cursor())),
            Read::Feed => Found::Feed(holder.with(|handles| outbox::place(&handles.log))?),
            Read::Outbox { after, most } => {
                Found::Outbox(holder.with(|handles| outbox::rows(&handles.log, *after, *most))?)
            }
            Read::Keys => Found::Keys(holder.with(|handles| super::keys::all(&handles.log))?),
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
        let expired = self.shared().expired();
        let events = events.into_iter().map(|event| settle::as_kept(event, expired)).collect();
        Ok(Found::Events { events, scanned: Offset(scanned), fates: Vec::new(), gone: false })
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
        let places = chunks::before(&handles.index, room, rest.upto, wanted)?;
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
    pub(super) fn birth(&self, handles: &Handles, key: &RoomKey, known: Option<u64>) -> Result<Option<u64>, Failure> {
        match known.or_else(|| self.shared().tail().room(key).map(|head| head.room)) {
            Some(birth) => Ok(Some(birth)),
            None => Ok(log::room(&handles.log, key)?.map(|room| room.birth)),
        }
    }
}

/// A room's key, by the offset of its first event.
pub(super) fn key_of(keys: &mut Keys, log: &Connection, birth: u64) -> Result<RoomKey, Failure> {
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
            let place = chunks::by_seq(&handles.index, Head { room: birth, ..head }, seq)?;
            let missing = || shared.damaged_index(&format!("event {seq} of room {birth} is missing"));
            let offset = place.ok_or_else(missing)?.offset;
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
