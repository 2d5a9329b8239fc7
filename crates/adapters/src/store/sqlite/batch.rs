//! A batch under way: what becomes of each write, and the rows that it leaves. All in one transaction, which `writer`
//! begins nothing without and rolls back when anything fails.

use std::sync::Arc;

use domain::Text;
use domain::event::{Event, What};
use domain::id::{ExclusionVersion, Life, Millis, Offset, Seq};
use domain::model::{Message, RoomKey, RoomKind};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use rusqlite::Connection;

use super::adopt::Moved;
use super::failures::uncertain;
use super::find::{Find, head_of};
use super::index::{event_id, id_hash};
use super::log::{self, RoomRow};
use super::rooms::{Known, Rooms};
use super::shared::{Handles, Shared, asking, int};
use super::tail;
use super::{keys, marks, outbox, people, roster, row, sessions};
use crate::port::{AskedMark, Batch, Failure, FailureKind, MarkWrite, Outcome, RoomWrite, Write};
use crate::store::marks::{Fronts, Marks, outcome as mark_outcome};
use crate::store::outbox::posted;
use crate::store::people::told_of;
use crate::store::settle;

/// What a commit writes to the WAL beside its rows, about: the page that it begins on, whole, and often one above it. With
/// twenty small messages to a commit the WAL was ten times the rows, and grew to 145 MB for 15 MB of them.
const PAGES_BYTES: u64 = 2 * 8192;

/// What a batch made.
pub(super) struct Done {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) entries: Vec<tail::Entry>,
    /// Rooms that have other keys from now on.
    pub(super) moved: Vec<Moved>,
    /// Up to where contents are kept no more, when that has moved or rows were emptied.
    pub(super) expired: Option<u64>,
    /// Rows were emptied that are older than that, and none is left to be: what they held may go from the files.
    pub(super) emptied: Option<Millis>,
    /// Bytes written to the WAL, about.
    pub(super) bytes: u64,
}

/// A batch under way.
pub(super) struct Work<'a> {
    pub(super) shared: &'a Shared,
    pub(super) log: &'a Connection,
    index: &'a Connection,
    pub(super) rooms: &'a mut Rooms,
    life: Life,
    head: u64,
    begun: bool,
    /// Client ids of this batch: their place in `done.entries`.
    fresh: HashMap<u64, usize>,
    /// The foremost users of rooms in which marks have risen, and whether that has changed them.
    pub(super) fronts: HashMap<u64, (Fronts, bool)>,
    row: Vec<u8>,
    /// Contents up to here are kept no more.
    pub(super) expired: Offset,
    pub(super) done: Done,
}

impl<'a> Work<'a> {
    pub(super) fn new(shared: &'a Shared, handles: &'a Handles, rooms: &'a mut Rooms, life: Life) -> Self {
        let head = shared.tail().head();
        Self {
            shared,
            log: &handles.log,
            index: &handles.index,
            rooms,
            life,
            head,
            begun: false,
            fresh: HashMap::new(),
            fronts: HashMap::new(),
            row: Vec::new(),
            expired: shared.expired(),
            done: Done {
                outcomes: Vec::new(),
                entries: Vec::new(),
                moved: Vec::new(),
                expired: None,
                emptied: None,
                bytes: 0,
            },
        }
    }

    pub(super) fn run(mut self, batch: &Batch) -> Result<Done, Failure> {
        let mut insert = self.log.prepare_cached("INSERT INTO events VALUES (?1, ?2)").map_err(asking("writing"))?;
        self.done.outcomes.reserve(batch.writes.len());
        for write in &batch.writes {
            let outcome = match write {
                Write::Events(write) => self.write(write, &mut insert)?,
                Write::Person(new) => {
                    self.begin()?;
                    self.meet(new)?
                }
                Write::User(new) => {
                    self.begin()?;
                    people::register(self.log, new)?
                }
                Write::Key(change) => {
                    self.begin()?;
                    keys::change(self.log, change)?
                }
                Write::Mark(mark) => self.mark(mark)?.0,
                Write::Asked(asked) => self.asked(asked)?,
                Write::Fed(place) => {
                    self.begin()?;
                    self.done.bytes += outbox::fed(self.log, place)?;
                    Outcome::Done
                }
                Write::Expire(expiry) => self.expire(*expiry)?,
                Write::Session(session) => {
                    self.begin()?;
                    self.done.bytes += sessions::put(self.log, session)?;
                    Outcome::Done
                }
            };
            self.done.outcomes.push(outcome);
        }
        drop(insert);
        self.put_fronts()?;
        if self.begun {
            if !self.done.moved.is_empty() {
                self.shared.begin_moving();
            }
            self.log.execute_batch("COMMIT").map_err(|error| uncertain("committing", error))?;
            self.done.bytes += PAGES_BYTES;
        }
        Ok(self.done)
    }

    /// A batch of repeats and refusals needs no transaction and no sync.
    pub(super) fn begin(&mut self) -> Result<(), Failure> {
        if !self.begun {
            self.log
                .prepare_cached("BEGIN IMMEDIATE")
                .and_then(|mut begin| begin.execute([]))
                .map_err(asking("beginning"))?;
            self.begun = true;
        }
        Ok(())
    }

    /// A mark that does not rise needs no transaction either. Gives what to say of it; and the room's first offset and the
    /// user's marks before, if there is such a room.
    fn mark(&mut self, write: &MarkWrite) -> Result<(Outcome, Option<(u64, Marks)>), Failure> {
        let Some(known) = self.room(&write.room)? else { return Ok((Outcome::Done, None)) };
        let before = marks::of(self.log, known.birth, &write.user)?;
        let mut kept = before.clone();
        if !kept.raise(write) {
            return Ok((Outcome::Done, Some((known.birth, before))));
        }
        self.begin()?;
        self.done.bytes += marks::put(self.log, known.birth, &write.user, &before, &kept)?;
        let (fronts, moved) = match self.fronts.entry(known.birth) {
            Entry::Occupied(kept) => kept.into_mut(),
            Entry::Vacant(free) => match marks::fronts(self.log, known.birth)? {
                Some(kept) => free.insert((kept, false)),
                None => free.insert((marks::gather(self.log, known.birth)?, true)),
            },
        };
        *moved |= fronts.follow(&write.user, &kept.upto);
        let outcome = mark_outcome(&before, write, || {
            Ok(roster::belonging(self.log, known.birth, &write.user)?.and_then(|row| row.since))
        })?;
        Ok((outcome, Some((known.birth, before))))
    }

    fn asked(&mut self, asked: &AskedMark) -> Result<Outcome, Failure> {
        let (outcome, known) = self.mark(&asked.mark)?;
        if let Some((birth, before)) = known
            && let Some(posted) = posted(asked, (&before, &outcome), Offset(birth), Offset(self.head))
        {
            self.begin()?;
            self.done.bytes += outbox::put(self.log, &posted)?;
        }
        Ok(outcome)
    }

    /// Who is foremost is written once for each room, however many marks rise in it.
    fn put_fronts(&mut self) -> Result<(), Failure> {
        for (room, (fronts, _)) in self.fronts.iter().filter(|(_, (_, moved))| *moved) {
            self.done.bytes += marks::put_fronts(self.log, *room, fronts)?;
        }
        Ok(())
    }

    fn write(&mut self, write: &RoomWrite, insert: &mut rusqlite::CachedStatement<'_>) -> Result<Outcome, Failure> {
        let known = self.room(&write.room)?;
        let identified = settle::identified(write);
        if let (Some(message), Some(known)) = (identified, &known)
            && let Some((first, as_sent)) = self.sent(write, message, known.birth)?
        {
            let same = as_sent == settle::content_hash(message);
            return Ok(if same {
                Outcome::Repeat(settle::repeated(first, self.expired, message))
            } else {
                Outcome::IdReused
            });
        }
        if let Some(refused) = settle::admit(write, known.as_ref().map(|known| known.version)) {
            return Ok(refused);
        }
        self.begin()?;
        let mut known = known.unwrap_or(Known {
            birth: self.head + 1,
            version: ExclusionVersion::default(),
            public: matches!(write.events.first(), Some((What::RoomMade { kind: RoomKind::Public, .. }, _))),
            last: 0,
            seq: 0,
            nth: 0,
            alias: None,
        });
        let (before, mut events) = (known.clone(), Vec::with_capacity(write.events.len()));
        for (what, version) in &write.events {
            events.push(self.keep(write, what, *version, &mut known, insert)?);
        }
        if before.last != 0 {
            self.change_room(write, &before, &known)?;
        }
        self.rooms.put(&write.room, known);
        Ok(Outcome::Committed(events))
    }

    /// Keeps what a write has changed of a room that was there, when it has.
    fn change_room(&mut self, write: &RoomWrite, before: &Known, known: &Known) -> Result<(), Failure> {
        let title = title(write);
        if before.version == known.version && before.alias == known.alias && title.is_none() {
            return Ok(());
        }
        log::change_room(self.log, known.birth, |room| {
            room.version = known.version;
            room.alias.clone_from(&known.alias);
            if let Some(title) = title {
                room.title = title;
            }
        })?;
        match &known.alias {
            Some(alias) if before.alias != known.alias => {
                log::call(self.log, &write.room, known.birth, before.alias.as_ref(), alias)
                    .map_err(asking("keeping an alias"))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn keep(
        &mut self,
        write: &RoomWrite,
        what: &What,
        version: ExclusionVersion,
        known: &mut Known,
        insert: &mut rusqlite::CachedStatement<'_>,
    ) -> Result<Arc<Event>, Failure> {
        self.head += 1;
        let event = Arc::new(Event {
            offset: Offset(self.head),
            seq: Seq(known.seq + 1),
            life: self.life,
            room: write.room.clone(),
            born: Offset(known.birth),
            version,
            at: write.at,
            by: write.by.clone(),
            door: write.door,
            origin: write.origin,
            alias: write.alias.clone(),
            what: what.clone(),
        });
        row::encode(&event, known.birth, &mut self.row);
        insert.execute((int(self.head), &self.row)).map_err(asking("writing the log"))?;
        self.done.bytes += self.row.len() as u64;
        if known.last == 0 {
            let mut room =
                RoomRow::born(&event).ok_or_else(|| Failure::new(FailureKind::Corrupt, "a room without a making"))?;
            // The row is written once, as it is after the last event of its making.
            room.version = write.events.last().map_or(version, |(_, version)| *version);
            room.title = title(write).unwrap_or(room.title);
            log::add_room(self.log, &room).map_err(asking("keeping a room"))?;
        }
        roster::follow(self.log, known.birth, &event)?;
        let id = event_id(self.shared.seed, &event, known.birth);
        if let Some(id) = id {
            self.fresh.insert(id, self.done.entries.len());
        }
        let nth = known.nth + u64::from(event.message().is_some());
        let (room, previous, public) = (known.birth, known.last, known.public);
        self.done.entries.push(tail::Entry { event: event.clone(), room, previous, public, id, nth });
        (known.version, known.last, known.seq, known.nth) = (version, self.head, known.seq + 1, nth);
        if write.alias.is_some() {
            known.alias.clone_from(&write.alias);
        }
        Ok(event)
    }

    /// What is known of a room, loaded when it isn't in the cache.
    pub(super) fn room(&mut self, key: &RoomKey) -> Result<Option<Known>, Failure> {
        if let Some(known) = self.rooms.get(key) {
            return Ok(Some(known));
        }
        let Some(room) = log::room(self.log, key)? else { return Ok(None) };
        let head = head_of(self.shared, self.log, self.index, key, room.birth)?;
        let (birth, version, public) = (room.birth, room.version, room.kind == RoomKind::Public);
        let known = Known { birth, version, public, last: head.last, seq: head.seq, nth: head.nth, alias: room.alias };
        self.rooms.put(key, known.clone());
        Ok(Some(known))
    }

    /// The event sent under a client id, and the hash of its content as sent.
    fn sent(&self, write: &RoomWrite, message: &Message, room: u64) -> Result<Option<(Arc<Event>, u64)>, Failure> {
        let Some(client_id) = &message.client_id else { return Ok(None) };
        let hash = id_hash(self.shared.seed, write.by.id.as_str(), room, client_id.as_str());
        let told = |entry: &tail::Entry| {
            let is_it = entry.room == room && entry.event.by.id == write.by.id;
            let first = entry.event.message().filter(|first| is_it && first.client_id == message.client_id)?;
            // The room may have got another key in this very batch, which the tail has not heard of yet.
            Some((told_of(&entry.event, &write.room), settle::content_hash(first)))
        };
        let as_sent = |(event, hash): (Arc<Event>, u64)| {
            if event.offset > self.expired {
                return Ok((event, hash));
            }
            // Its contents may have gone; their hash is kept.
            let row = log::row(self.log, event.offset.0)?.ok_or_else(|| log::damaged(event.offset.0))?;
            Ok((event, row.content_hash))
        };
        let fresh = self.fresh.get(&hash).and_then(|at| self.done.entries.get(*at)).and_then(told);
        if fresh.is_some() {
            return Ok(fresh);
        }
        let recent = self.shared.tail().with_id(hash).find_map(told);
        if let Some(recent) = recent {
            return as_sent(recent).map(Some);
        }
        let find = Find { shared: self.shared, log: self.log, index: self.index };
        find.indexed(hash, &write.room, room, write.by.id.as_str(), client_id.as_str())
    }
}

/// The title that a write leaves, if it gives one to a room that is there.
fn title(write: &RoomWrite) -> Option<Text> {
    let retitled = |(what, _): &(What, ExclusionVersion)| match what {
        What::Retitled { title } => Some(title.clone()),
        What::RoomMade { .. }
        | What::MemberSet { .. }
        | What::MemberRemoved { .. }
        | What::Sent(_)
        | What::Edited { .. }
        | What::Deleted { .. }
        | What::Notice { .. }
        | What::Reacted { .. } => None,
    };
    write.events.iter().rev().find_map(retitled)
}
