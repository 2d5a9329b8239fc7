//! What the writer, the readers, the indexer and the checkpointer of one store share, and their handles on the files.
//! After a failed sync every handle has to be closed before one is opened again; so each lies in a slot that recovery can
//! empty, and whoever uses one holds `using` meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use domain::id::{Millis, Offset};
use rusqlite::Connection;

use super::failures::{self, IndexDamage};
use super::files::Files;
use super::filter::Filters;
use super::tail::Tail;
use crate::port::{Failure, FailureKind};

/// How often a damaged index is made anew before the next start: a disk that damages it again and again is not to keep the
/// store busy, and what is not the index's fault is not cured so.
const RENEWALS_MAX: u32 = 3;

/// How long a reader waits while rooms get other keys: a commit, unless its outcome is not known.
const MOVING_WAIT: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Shared {
    pub(super) files: Files,
    /// A std mutex, held briefly.
    pub(super) tail: Mutex<Tail>,
    /// The tail has grown by enough for a slice, or the store closes: the indexer looks.
    pub(super) grown: Condvar,
    /// The tail has moved: readers that wait for a commit look, and a writer that waits for the indexer.
    pub(super) moved: Condvar,
    /// A std mutex, held briefly.
    pub(super) filters: Mutex<Filters>,
    /// Held by a commit, across its sync, and by the last, short part of a checkpoint, so that the WAL can begin anew.
    /// Nobody else ever waits for it.
    pub(super) gate: Mutex<()>,
    /// Bytes written to the WAL since the last checkpoint; wakes the checkpointer.
    pub(super) unchecked: Mutex<u64>,
    /// See `unchecked`.
    pub(super) grew: Condvar,
    /// A sync or write failed outside a commit: the next commit refuses until recovery.
    pub(super) suspect: AtomicBool,
    /// The store closes.
    pub(super) closing: AtomicBool,
    /// The index was found damaged, and the indexer has not made it anew yet. A commit would believe it about client ids,
    /// and is refused meanwhile.
    pub(super) index_damaged: AtomicBool,
    /// How often the indexer has begun to make it anew.
    pub(super) renewals: AtomicU32,
    /// Why the indexer can't go on, while it can't.
    pub(super) index_trouble: Mutex<Option<FailureKind>>,
    /// Odd while rooms get other keys: from before that is committed until the tail has them. Readers wait for it to be even,
    /// and read again when it has moved meanwhile.
    moving: AtomicU64,
    /// The next checkpoint empties the WAL as well.
    pub(super) wiping: AtomicBool,
    /// Up to when what went was when that was asked for last.
    pub(super) wiped: Mutex<Option<Millis>>,
    /// Contents up to here are kept no more.
    expired: AtomicU64,
    /// The seed of the hashes of client ids: the genesis row's life, so that nobody outside can make two collide.
    pub(super) seed: u64,
    /// Held while a handle is used; recovery takes it alone.
    using: RwLock<()>,
    slots: Mutex<Vec<Weak<Slot>>>,
}

/// A place for handles.
type Slot = Mutex<Option<Handles>>;

/// A handle on each file.
pub(super) struct Handles {
    pub(super) log: Connection,
    pub(super) index: Connection,
}

/// Which of the files a user of handles writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writes {
    Nothing,
    Log,
    Index,
}

/// Somebody's handles, opened when they are first used, and again after recovery.
pub(super) struct Holder {
    shared: Arc<Shared>,
    writes: Writes,
    slot: Arc<Slot>,
}

pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(files: Files, tail: Tail, seed: u64) -> Self {
        Self {
            files,
            tail: Mutex::new(tail),
            grown: Condvar::new(),
            moved: Condvar::new(),
            filters: Mutex::new(Filters::default()),
            gate: Mutex::new(()),
            unchecked: Mutex::new(0),
            grew: Condvar::new(),
            suspect: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            index_damaged: AtomicBool::new(false),
            renewals: AtomicU32::new(0),
            index_trouble: Mutex::new(None),
            moving: AtomicU64::new(0),
            wiping: AtomicBool::new(false),
            wiped: Mutex::new(None),
            expired: AtomicU64::new(1),
            seed,
            using: RwLock::new(()),
            slots: Mutex::new(Vec::new()),
        }
    }

    /// Contents up to here are kept no more.
    pub(super) fn expired(&self) -> Offset {
        Offset(self.expired.load(Ordering::Acquire))
    }

    /// More are kept no more, from now on.
    pub(super) fn expire(&self, upto: u64) {
        self.expired.fetch_max(upto, Ordering::AcqRel);
    }

    pub(super) fn tail(&self) -> MutexGuard<'_, Tail> {
        held(&self.tail)
    }

    /// Rooms are about to get other keys, in the files first.
    pub(super) fn begin_moving(&self) {
        self.moving.fetch_or(1, Ordering::AcqRel);
    }

    /// Files and tail agree about keys again.
    pub(super) fn end_moving(&self) {
        let _tail = self.tail();
        let was = self.moving.load(Ordering::Acquire);
        self.moving.store(was + was % 2, Ordering::Release);
        self.moved.notify_all();
    }

    /// The number of times that rooms got other keys, once they have.
    pub(super) fn moves(&self) -> Result<u64, Failure> {
        let moving = || self.moving.load(Ordering::Acquire) % 2 == 1;
        if moving() {
            let waited = self.moved.wait_timeout_while(self.tail(), MOVING_WAIT, |_| moving());
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
        match self.moving.load(Ordering::Acquire) {
            moves if moves % 2 == 0 => Ok(moves),
            _ => Err(Failure::new(FailureKind::Unavailable, "it is not certain yet which keys rooms have")),
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Has the index made anew, by the indexer or else by the next start; until then what needs it fails. Called with the
    /// handles in use, so that what was found in an index is never said of the one that has taken its place.
    pub(super) fn damaged_index(&self, what: &str) -> Failure {
        let again = self.renewals.load(Ordering::Acquire) < RENEWALS_MAX;
        if !again || !self.index_damaged.swap(true, Ordering::AcqRel) {
            tracing::error!(what, at_once = again, "the index is damaged, and will be made anew");
            self.files.note_damaged_index();
            // Under its mutex, else the indexer could begin to wait between its look and its sleep.
            drop((self.tail(), self.grown.notify_all()));
        }
        corrupt(format!("the index is damaged: {what}"))
    }

    /// Whether the index was found damaged and is not made anew yet.
    pub(super) fn is_index_damaged(&self) -> bool {
        self.index_damaged.load(Ordering::Acquire)
    }

    /// Closes every handle of the store, then does `work` while nobody can open one.
    pub(super) fn alone<T>(&self, work: impl FnOnce(&Files) -> T) -> T {
        let _alone = self.using.write().unwrap_or_else(PoisonError::into_inner);
        for slot in held(&self.slots).iter().filter_map(Weak::upgrade) {
            drop(held(&slot).take());
        }
        work(&self.files)
    }
}

impl Holder {
    pub(super) fn new(shared: &Arc<Shared>, writes: Writes) -> Self {
        let slot = Arc::new(Mutex::new(None));
        let mut slots = held(&shared.slots);
        slots.retain(|slot| slot.strong_count() > 0);
        slots.push(Arc::downgrade(&slot));
        drop(slots);
        Self { shared: shared.clone(), writes, slot }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Does something with the handles.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Handles) -> Result<T, Failure>) -> Result<T, Failure> {
        let _using = self.shared.using.read().unwrap_or_else(PoisonError::into_inner);
        let mut slot = held(&self.slot);
        if slot.is_none() {
            *slot = Some(self.open().inspect_err(|failure| self.heed(failure))?);
        }
        work(slot.as_ref().expect("it was just filled")).inspect_err(|failure| self.heed(failure))
    }

    /// A failure may be the index's damage.
    fn heed(&self, failure: &Failure) {
        if failure.source.as_ref().is_some_and(|source| source.is::<IndexDamage>()) {
            self.shared.damaged_index(&failure.to_string());
        }
    }

    /// Reads with the handles, in one transaction per file: else each row would be locked and unlocked for itself, which
    /// costs more than reading it.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Handles) -> Result<T, Failure>) -> Result<T, Failure> {
        self.with(|handles| {
            let begin = asking("beginning to read");
            let transactions = [handles.log.unchecked_transaction(), handles.index.unchecked_transaction()];
            let [log, index] = transactions.map(|transaction| transaction.map_err(&begin));
            let (_log, _index) = (log?, index?);
            work(handles)
        })
    }

    fn open(&self) -> Result<Handles, Failure> {
        let files = &self.shared.files;
        Ok(Handles {
            log: if self.writes == Writes::Log { files.write_log() } else { files.read_log() }?,
            index: if self.writes == Writes::Index { files.write_index() } else { files.read_index() }?,
        })
    }
}

/// A row that isn't what was written.
pub(super) fn corrupt(what: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Corrupt, what)
}

/// What a failed query of one of the files means.
pub(super) fn asking(what: &'static str) -> impl Fn(rusqlite::Error) -> Failure {
    move |error| failures::failed(what, error)
}

/// What a failed query of the index means.
pub(super) fn asking_index(what: &'static str) -> impl Fn(rusqlite::Error) -> Failure {
    move |error| failures::index_failed(what, error)
}

/// An offset, seq or time as SQLite keeps it; the bits stay what they are.
pub(super) fn int(value: u64) -> i64 {
    value.cast_signed()
}

/// See [`int`].
pub(super) fn uint(value: i64) -> u64 {
    value.cast_unsigned()
}
