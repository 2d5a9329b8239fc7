//! The writer: one transaction and one sync per batch, nothing written at random. It keeps what it needs of the rooms it
//! writes to in a bounded cache; the rest it finds in the tail, the filters, the index and the log, in this order.
//!
//! ```text
//!   open ──commit──▶ open            Full, ReadOnly: rolled back, still open
//!   open ──commit fails, or a checkpoint did──▶ refusing ──recover──▶ open
//! ```

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::event::{Event, What};
use domain::id::{Cursor, ExclusionVersion, Life, Offset, Seq};
use domain::model::{Message, RoomKey, RoomKind};
use hashbrown::HashMap;
use rusqlite::{Connection, ffi};

use super::checkpoint;
use super::failures::uncertain;
use super::find::{Find, head_of};
use super::index::{event_id, id_hash};
use super::log::{self, RoomRow};
use super::rooms::{Known, Rooms};
use super::shared::{Handles, Holder, Shared, Writes, asking, held, int};
use super::tail::Entry;
use super::{marks, people, roster, row, sessions};
use crate::port::{Batch, Failure, FailureKind, MarkWrite, Outcome, RoomWrite, Write, Writer};
use crate::store::settle;

/// How long a commit waits for an indexer that is behind before it fails.
const INDEXER_WAIT: Duration = Duration::from_secs(10);
/// What a commit writes to the WAL beside its rows, about: the page that it begins on, whole, and often one above it. With
/// twenty small messages to a commit the WAL was ten times the rows, and grew to 145 MB for 15 MB of them.
const PAGES_BYTES: u64 = 2 * 8192;
/// Unindexed events that make a slice.
pub(super) const SLICE_EVENTS: usize = if cfg!(test) { 7 } else { 32_000 };

/// The one writer of a store.
pub(super) struct SqliteWriter {
    holder: Holder,
    rooms: Rooms,
    /// Since a commit whose outcome is not known.
    refusing: bool,
}

impl SqliteWriter {
    pub(super) fn new(shared: &Arc<Shared>) -> Result<Self, Failure> {
        let holder = Holder::new(shared, Writes::Log);
        holder.with(|_| Ok(()))?;
        Ok(Self { holder, rooms: Rooms::default(), refusing: false })
    }

    /// Lets the log grow to this many pages and no further: what a full disk does.
    #[cfg(test)]
    pub(super) fn limit(&self, pages: u32) {
        self.holder
            .with(|handles| handles.log.pragma_update(None, "max_page_count", pages).map_err(asking("limiting")))
            .unwrap();
    }

    fn wait_for_indexer(&self) -> Result<(), Failure> {
        let shared = self.holder.shared();
        let tail = shared.tail();
        if !tail.is_full() {
            return Ok(());
        }
        shared.grown.notify_one();
        let waited = shared
            .moved
            .wait_timeout_while(tail, INDEXER_WAIT, |tail| tail.is_full() && held(&shared.index_trouble).is_none());
        let (tail, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if !tail.is_full() {
            return Ok(());
        }
        let kind = held(&shared.index_trouble).unwrap_or(FailureKind::Unavailable);
        Err(Failure::new(kind, "the index is behind by as much as memory may hold"))
    }
}

impl Writer for SqliteWriter {
    fn commit(&mut self, batch: &Batch) -> Result<Vec<Outcome>, Failure> {
        let shared = self.holder.shared().clone();
        if self.refusing || shared.suspect.load(Ordering::Acquire) {
            self.refusing = true;
            return Err(Failure::new(FailureKind::Unknown, "an earlier write's outcome is not known yet"));
        }
        if shared.is_index_damaged() {
            return Err(Failure::new(FailureKind::Unavailable, "the index is damaged, and made anew"));
        }
        self.wait_for_indexer()?;
        self.rooms.age();
        let gate = held(&shared.gate);
        let rooms = &mut self.rooms;
        let done = self.holder.with(|handles| {
            let work = Work::new(&shared, handles, rooms, batch.life);
            work.run(batch).inspect_err(|_| roll_back(&handles.log))
        });
        drop(gate);
        match done {
            Ok(done) => {
                shared.publish(done.entries);
                checkpoint::note(&shared, done.bytes);
                Ok(done.outcomes)
            }
            Err(mut failure) => {
                self.rooms = Rooms::default();
                if failure.is_io() {
                    failure.kind = FailureKind::Unknown;
                }
                self.refusing = failure.kind == FailureKind::Unknown;
                if failure.kind == FailureKind::Full {
                    // What a checkpoint has copied, the WAL can use again.
                    checkpoint::soon(&shared);
                }
                Err(failure)
            }
        }
    }

    fn recover(&mut self) -> Result<Cursor, Failure> {
        self.rooms = Rooms::default();
        self.refusing = true;
        let shared = self.holder.shared().clone();
        let gate = held(&shared.gate);
        shared.alone(|files| checkpoint::full(&files.write_log()?))?;
        let survivors = self.holder.with(|handles| super::start::unknown_to(&shared, handles))?;
        shared.publish(survivors);
        shared.suspect.store(false, Ordering::Release);
        drop(gate);
        self.refusing = false;
        Ok(shared.tail().cursor())
    }
}

impl Failure {
    /// Whether a read, write or sync of a file failed: nothing goes on after that as if it had worked.
    fn is_io(&self) -> bool {
        let error = self.source.as_ref().and_then(|source| source.downcast_ref::<rusqlite::Error>());
        error
            .and_then(rusqlite::Error::sqlite_error)
            .is_some_and(|error| error.extended_code & 0xff == ffi::SQLITE_IOERR)
    }
}

fn roll_back(log: &Connection) {
    if !log.is_autocommit()
        && let Err(error) = log.execute_batch("ROLLBACK")
    {
        tracing::warn!(%error, "a failed batch could not be rolled back");
    }
}

impl Shared {
    /// What was committed is seen by readers from here on.
    fn publish(&self, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let mut tail = self.tail();
        let before = tail.unindexed();
        entries.into_iter().for_each(|entry| tail.push(entry));
        let slice = before / SLICE_EVENTS < tail.unindexed() / SLICE_EVENTS;
        drop(tail);
        self.moved.notify_all();
        if slice {
            self.grown.notify_one();
        }
    }
}

/// What a batch made.
struct Done {
    outcomes: Vec<Outcome>,
    entries: Vec<Entry>,
    /// Bytes written to the WAL, about.
    bytes: u64,
}

/// A batch under way.
struct Work<'a> {
    shared: &'a Shared,
    log: &'a Connection,
    index: &'a Connection,
    rooms: &'a mut Rooms,
    life: Life,
    head: u64,
    begun: bool,
    /// Client ids of this batch: their place in `done.entries`.
    fresh: HashMap<u64, usize>,
    row: Vec<u8>,
    done: Done,
}

impl<'a> Work<'a> {
    fn new(shared: &'a Shared, handles: &'a Handles, rooms: &'a mut Rooms, life: Life) -> Self {
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
            row: Vec::new(),
            done: Done { outcomes: Vec::new(), entries: Vec::new(), bytes: 0 },
        }
    }

    fn run(mut self, batch: &Batch) -> Result<Done, Failure> {
        let mut insert = self.log.prepare_cached("INSERT INTO events VALUES (?1, ?2)").map_err(asking("writing"))?;
        self.done.outcomes.reserve(batch.writes.len());
        for write in &batch.writes {
            let outcome = match write {
                Write::Events(write) => self.write(write, &mut insert)?,
                Write::Person(new) => {
                    self.begin()?;
                    people::meet(self.log, new)?
                }
                Write::Key(change) => {
                    self.begin()?;
                    people::change_key(self.log, change)?
                }
                Write::Mark(mark) => self.mark(mark)?,
                Write::Session(session) => {
                    self.begin()?;
                    self.done.bytes += sessions::put(self.log, session)?;
                    Outcome::Done
                }
            };
            self.done.outcomes.push(outcome);
        }
        drop(insert);
        if self.begun {
            self.log.execute_batch("COMMIT").map_err(|error| uncertain("committing", error))?;
            self.done.bytes += PAGES_BYTES;
        }
        Ok(self.done)
    }

    /// A batch of repeats and refusals needs no transaction and no sync.
    fn begin(&mut self) -> Result<(), Failure> {
        if !self.begun {
            self.log
                .prepare_cached("BEGIN IMMEDIATE")
                .and_then(|mut begin| begin.execute([]))
                .map_err(asking("beginning"))?;
            self.begun = true;
        }
        Ok(())
    }

    /// A mark that does not rise needs no transaction either.
    fn mark(&mut self, write: &MarkWrite) -> Result<Outcome, Failure> {
        let Some(known) = self.room(&write.room)? else { return Ok(Outcome::Done) };
        let mut kept = marks::of(self.log, known.birth, &write.user)?;
        if kept.raise(write) {
            self.begin()?;
            self.done.bytes += marks::put(self.log, known.birth, &write.user, &kept)?;
        }
        Ok(Outcome::Done)
    }

    fn write(&mut self, write: &RoomWrite, insert: &mut rusqlite::CachedStatement<'_>) -> Result<Outcome, Failure> {
        let known = self.room(&write.room)?;
        let identified = settle::identified(write);
        if let (Some(message), Some(known)) = (identified, known)
            && let Some((first, as_sent)) = self.sent(write, message, known.birth)?
        {
            let same = as_sent == settle::content_hash(message);
            return Ok(if same { Outcome::Repeat(first) } else { Outcome::IdReused });
        }
        if let Some(refused) = settle::admit(write, known.map(|known| known.version)) {
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
        });
        let (before, mut events) = (known, Vec::with_capacity(write.events.len()));
        for (what, version) in &write.events {
            events.push(self.keep(write, what, *version, &mut known, insert)?);
        }
        if before.last != 0 && before.version != known.version {
            log::move_version(self.log, known.birth, known.version)?;
        }
        self.rooms.put(&write.room, known);
        Ok(Outcome::Committed(events))
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
            version,
            at: write.at,
            by: write.by.clone(),
            door: write.door,
            origin: write.origin,
            what: what.clone(),
        });
        row::encode(&event, known.birth, &mut self.row);
        insert.execute((int(self.head), &self.row)).map_err(asking("writing the log"))?;
        self.done.bytes += self.row.len() as u64;
        if known.last == 0 {
            let mut room =
                RoomRow::born(&event).ok_or_else(|| Failure::new(FailureKind::Corrupt, "a room without a making"))?;
            // The row is written once, with the version after the last event of its making.
            room.version = write.events.last().map_or(version, |(_, version)| *version);
            log::add_room(self.log, &room).map_err(asking("keeping a room"))?;
        }
        roster::follow(self.log, known.birth, &event)?;
        let id = event_id(self.shared.seed, &event, known.birth);
        if let Some(id) = id {
            self.fresh.insert(id, self.done.entries.len());
        }
        let nth = known.nth + u64::from(event.message().is_some());
        let (room, previous, public) = (known.birth, known.last, known.public);
        self.done.entries.push(Entry { event: event.clone(), room, previous, public, id, nth });
        *known = Known { version, last: self.head, seq: known.seq + 1, nth, ..*known };
        Ok(event)
    }

    /// What is known of a room, loaded when it isn't in the cache.
    fn room(&mut self, key: &RoomKey) -> Result<Option<Known>, Failure> {
        if let Some(known) = self.rooms.get(key) {
            return Ok(Some(known));
        }
        let Some(room) = log::room(self.log, key)? else { return Ok(None) };
        let head = head_of(self.shared, self.log, self.index, key, room.birth)?;
        let (birth, version, public) = (room.birth, room.version, room.kind == RoomKind::Public);
        let known = Known { birth, version, public, last: head.last, seq: head.seq, nth: head.nth };
        self.rooms.put(key, known);
        Ok(Some(known))
    }

    /// The event sent under a client id, and the hash of its content as sent.
    fn sent(&self, write: &RoomWrite, message: &Message, room: u64) -> Result<Option<(Arc<Event>, u64)>, Failure> {
        let Some(client_id) = &message.client_id else { return Ok(None) };
        let hash = id_hash(self.shared.seed, write.by.id.as_str(), room, client_id.as_str());
        if let Some(entry) = self.fresh.get(&hash).and_then(|at| self.done.entries.get(*at))
            && is_sent(&entry.event, write, message)
        {
            return Ok(entry.event.message().map(|first| (entry.event.clone(), settle::content_hash(first))));
        }
        let tail = self.shared.tail();
        let found = tail.with_id(hash).find(|entry| is_sent(&entry.event, write, message));
        if let Some(entry) = found {
            return Ok(entry.event.message().map(|first| (entry.event.clone(), settle::content_hash(first))));
        }
        drop(tail);
        let find = Find { shared: self.shared, log: self.log, index: self.index };
        find.indexed(hash, &write.room, room, write.by.id.as_str(), client_id.as_str())
    }
}

fn is_sent(event: &Event, write: &RoomWrite, message: &Message) -> bool {
    let same_id = event.message().is_some_and(|first| first.client_id == message.client_id);
    same_id && event.by.id == write.by.id && event.room == write.room
}
