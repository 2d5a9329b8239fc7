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

use domain::id::Cursor;
use rusqlite::{Connection, ffi};

use super::adopt::Moved;
use super::batch::Work;
use super::checkpoint;
use super::rooms::Rooms;
#[cfg(test)]
use super::shared::asking;
use super::shared::{Holder, Shared, Writes, held};
use super::tail::Entry;
use crate::port::{Batch, Failure, FailureKind, Outcome, Writer};

/// How long a commit waits for an indexer that is behind before it fails.
const INDEXER_WAIT: Duration = Duration::from_secs(10);
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
                shared.publish(done.entries, &done.moved);
                done.expired.into_iter().for_each(|upto| shared.expire(upto));
                if let Some(before) = done.emptied {
                    checkpoint::wipe(&shared, before);
                }
                checkpoint::note(&shared, done.bytes);
                Ok(done.outcomes)
            }
            Err(mut failure) => {
                self.rooms = Rooms::default();
                if failure.is_io() {
                    failure.kind = FailureKind::Unknown;
                }
                self.refusing = failure.kind == FailureKind::Unknown;
                if !self.refusing {
                    shared.end_moving();
                }
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
        // Rooms may have got other keys in what has survived; its events are told of under those.
        let moved = self.holder.with(|handles| super::start::moved_in(&shared, handles))?;
        shared.publish(Vec::new(), &moved);
        shared.expire(self.holder.with(|handles| super::retention::kept(&handles.log))?.expired);
        let survivors = self.holder.with(|handles| super::start::unknown_to(&shared, handles))?;
        shared.publish(survivors, &[]);
        shared.end_moving();
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
    fn publish(&self, entries: Vec<Entry>, moved: &[Moved]) {
        if entries.is_empty() && moved.is_empty() {
            return;
        }
        let mut tail = self.tail();
        moved.iter().for_each(|moved| tail.rename(moved.room, &moved.before, &moved.after));
        let before = tail.unindexed();
        entries.into_iter().for_each(|entry| tail.push(entry));
        let slice = before / SLICE_EVENTS < tail.unindexed() / SLICE_EVENTS;
        drop(tail);
        if moved.is_empty() {
            self.moved.notify_all();
        } else {
            self.end_moving();
        }
        if slice {
            self.grown.notify_one();
        }
    }
}
