//! The store on SQLite: `log.db` is the truth and only ever appended to, `index.db` is derived and written behind it
//! (HAZARDS 24). One writer, any number of readers, an indexer and a checkpointer, on threads of their own.
//!
//! ```text
//!   writer ──row, sync──▶ log.db ◀──by offset── readers
//!      └──event──▶ tail ──slices──▶ indexer ──▶ index.db ◀──(room, seq), client ids── readers
//! ```
//!
//! A commit's way: `writer` → `batch` → `row` → `tail`; a read's: `reader`, `lists` → `tail`, else `index` → `log`. `files` opens and
//! checks, `start` replays, `checkpoint` keeps the WAL short.
//!
//! **When the index is not what was written** (a bit that flips, a block that can't be read, a file cut short): nothing
//! in it is believed alone. An offset that it gives is checked against the log's row, which has a checksum and has to
//! be of that room and seq; seqs have to follow one another; filters have checksums. So wrong content is never served:
//! what meets damage fails with [`FailureKind::Corrupt`](crate::port::FailureKind::Corrupt), and has the index made
//! anew at once, beside the old one, while reads go on and commits are refused as unavailable, for as long as reading
//! the log takes. It is tried three times, then left to the next start. What can't be noticed until it is met: a client
//! id's row that is silently gone, so that a repeat of that very message is taken for new; a list of public rooms that
//! lacks one; an end of a catch-up by room that is missing. SQLite's check of the file, run after each start, finds
//! those that broke its structure.

mod adopt;
mod batch;
mod bytes;
mod catchup;
mod changes;
mod checkpoint;
mod chunks;
mod codes;
mod failures;
mod fates;
mod files;
mod filter;
mod find;
mod history;
mod index;
mod indexer;
mod keys;
mod lists;
mod live;
mod log;
mod marks;
mod messages;
mod names;
mod outbox;
mod own;
mod people;
mod reactions;
mod reader;
mod retention;
mod rooms;
mod roster;
mod row;
mod schema;
mod sessions;
mod shared;
mod start;
mod tail;
#[cfg(test)]
mod tests;
mod theirs;
mod unread;
mod view;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use domain::id::Life;

use self::reader::SqliteReader;
use self::shared::Shared;
use self::writer::SqliteWriter;
use crate::port::{Failure, FailureKind, Reader, Store, Writer};

/// A store in a directory of its own, which is locked for as long as the store or one of its readers lives.
pub struct SqliteStore {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// Whether the one writer was asked for.
    taken: AtomicBool,
}

impl SqliteStore {
    /// Opens the store in this directory; makes it if there is none, and then `life` is its genesis row's. A store of an
    /// older version is brought to this one.
    ///
    /// # Errors
    /// [`FailureKind::Foreign`] for files that aren't ours (they are left untouched) or are of a newer version;
    /// [`FailureKind::Unavailable`] when another process has it open; [`FailureKind::ReadOnly`] when it can't be written;
    /// [`FailureKind::Corrupt`] when the log is damaged where a start has to read it.
    pub fn open(dir: &Path, life: Life) -> Result<Self, Failure> {
        let shared = start::open(dir, life)?;
        let spawn = |name: &str, run: fn(&Arc<Shared>)| {
            let shared = shared.clone();
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || run(&shared));
            thread.map_err(|error| Failure::from(FailureKind::Unavailable, format!("starting the {name}"), error))
        };
        let threads = vec![spawn("indexer", indexer::run)?, spawn("checkpointer", checkpoint::run)?];
        Ok(Self { shared, threads, taken: AtomicBool::new(false) })
    }

    /// SQLite's own check of both files, for the background: one line per problem. The rows' checksums are checked with
    /// every read and not here. An index with a problem is made anew.
    ///
    /// # Errors
    /// When the files can't be read at all.
    pub fn check(&self) -> Result<Vec<String>, Failure> {
        start::check(&self.shared)
    }

    /// Has the log checkpointed beside the work that goes on, as a long WAL does: for measurements and tests.
    pub fn checkpoint_soon(&self) {
        checkpoint::soon(&self.shared);
    }

    /// Waits until everything committed so far is in the index, or the indexer has failed: for measurements and tests.
    pub fn settle(&self) {
        while self.shared.tail().unindexed() > 0 && shared::held(&self.shared.index_trouble).is_none() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Store for SqliteStore {
    fn writer(&self) -> Result<Box<dyn Writer>, Failure> {
        let writer = SqliteWriter::new(&self.shared)?;
        if self.taken.swap(true, Ordering::AcqRel) {
            return Err(Failure::new(FailureKind::Unavailable, "the store's one writer has been given already"));
        }
        Ok(Box::new(writer))
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Failure> {
        SqliteReader::new(&self.shared).map(|reader| Box::new(reader) as Box<dyn Reader>)
    }
}

impl Drop for SqliteStore {
    /// Lets the indexer finish and empties the WALs: the next start has nothing to replay. What fails here fails again
    /// there, and is reported then.
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        // The notices are given under their mutexes, else a thread could begin to wait between its look and its sleep.
        drop((self.shared.tail(), self.shared.grown.notify_all()));
        drop((shared::held(&self.shared.unchecked), self.shared.grew.notify_all()));
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store has panicked");
            }
        }
        let emptied = self.shared.alone(|files| {
            checkpoint::full(&files.write_log()?)?;
            checkpoint::full(&files.write_index()?)
        });
        if let Err(failure) = emptied {
            tracing::warn!(%failure, "the store was closed without a last checkpoint");
        }
    }
}
