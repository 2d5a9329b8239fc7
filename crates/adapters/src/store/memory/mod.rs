//! The store in memory: the oracle that the other stores are compared with, and the simulator's disk.
//!
//! Deterministic, and shared by cloning: clones are one store. It keeps nothing over a restart of the process; what a
//! power cut or a failed sync would leave behind is played with [`MemoryStore::snapshot`] and
//! [`MemoryStore::fail_next_commit`]. Neighbours: `settle` says what every store decides alike, `contract` holds this one
//! to the port. `log` keeps what is committed, `read` answers.

mod lists;
mod log;
mod own;
mod people;
mod read;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use domain::event::Event;
use domain::id::{Cursor, Life};

use self::log::Log;
use crate::port::{Batch, Failure, FailureKind, Found, Outcome, Read, Reader, Store, Writer};

/// A store in memory. Clones share one log; [`MemoryStore::snapshot`] makes a second one.
///
/// Unlike a store on disk it gives a writer as often as it is asked, as a log shared by several nodes does.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    /// A std mutex, held for one commit or one read.
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug, Clone)]
struct Disk {
    log: Log,
    /// Faults for the commits to come.
    faults: VecDeque<Fault>,
    /// What a failed commit left behind, unseen until somebody reopens the log.
    limbo: Vec<Batch>,
}

#[derive(Debug, Clone, Copy)]
struct Fault {
    kind: FailureKind,
    kept: bool,
}

impl MemoryStore {
    /// An empty log, whose genesis row has this life.
    #[must_use]
    pub fn new(life: Life) -> Self {
        Self::of(Disk { log: Log::new(life), faults: VecDeque::new(), limbo: Vec::new() })
    }

    fn of(disk: Disk) -> Self {
        Self { disk: Arc::new(Mutex::new(disk)) }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Disk) -> T) -> T {
        work(&mut self.disk.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A copy of the disk as it is now, apart from this one from here on: what a backup or a power cut leaves.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self::of(self.with(|disk| disk.clone()))
    }

    /// Lets a commit to come fail; asked several times, the commits after it. With [`FailureKind::Unknown`] the writer
    /// refuses everything until it has recovered, and with `kept` the batch has survived: it is seen after
    /// [`Writer::recover`], or by the next writer. With other kinds nothing is kept, whatever `kept` says.
    pub fn fail_next_commit(&self, kind: FailureKind, kept: bool) {
        self.with(|disk| disk.faults.push_back(Fault { kind, kept }));
    }

    /// Forgets the faults that no commit has met yet.
    pub fn heal(&self) {
        self.with(|disk| disk.faults.clear());
    }

    /// Every event of the log, for checkers.
    #[must_use]
    pub fn events(&self) -> Vec<Arc<Event>> {
        self.with(|disk| disk.log.events().to_vec())
    }
}

impl Store for MemoryStore {
    fn writer(&self) -> Result<Box<dyn Writer>, Failure> {
        self.with(Disk::reopen);
        Ok(Box::new(MemoryWriter { store: self.clone(), refusing: false }))
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Failure> {
        Ok(Box::new(MemoryReader { store: self.clone() }))
    }
}

struct MemoryWriter {
    store: MemoryStore,
    /// Since a commit whose outcome is not known, until [`Writer::recover`].
    refusing: bool,
}

impl Writer for MemoryWriter {
    fn commit(&mut self, batch: &Batch) -> Result<Vec<Outcome>, Failure> {
        if self.refusing {
            return Err(Failure::new(FailureKind::Unknown, "an earlier commit's outcome is not known yet"));
        }
        let done = self.store.with(|disk| disk.commit(batch));
        self.refusing = done.as_ref().is_err_and(|failure| failure.kind == FailureKind::Unknown);
        done
    }

    fn recover(&mut self) -> Result<Cursor, Failure> {
        self.refusing = false;
        Ok(self.store.with(|disk| {
            disk.reopen();
            disk.log.head()
        }))
    }
}

struct MemoryReader {
    store: MemoryStore,
}

impl Reader for MemoryReader {
    fn read(&mut self, ask: &Read) -> Result<Found, Failure> {
        Ok(self.store.with(|disk| disk.log.read(ask)))
    }
}

impl Disk {
    fn commit(&mut self, batch: &Batch) -> Result<Vec<Outcome>, Failure> {
        // Another node's writer finds what an earlier failure left, as it would on a shared disk.
        self.reopen();
        let Some(fault) = self.faults.pop_front() else { return Ok(self.log.commit(batch)) };
        if fault.kind == FailureKind::Unknown && fault.kept {
            self.limbo.push(batch.clone());
        }
        Err(Failure::new(fault.kind, "injected"))
    }

    fn reopen(&mut self) {
        for batch in std::mem::take(&mut self.limbo) {
            self.log.commit(&batch);
        }
    }
}
