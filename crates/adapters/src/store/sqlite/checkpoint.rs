//! Checkpoints of the log, on a thread of their own. The bulk is copied while commits go on; only the last few pages are
//! copied while the writer waits, because the WAL begins anew, in blocks that the file has already, only when nothing is
//! left in it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::id::Millis;
use rusqlite::Connection;

use super::failures::failed;
use super::shared::{Handles, Holder, Shared, Writes, asking, held};
use crate::port::{Failure, FailureKind};

/// Bytes of the WAL, about, after which the log is checkpointed.
const CHECKPOINT_BYTES: u64 = if cfg!(test) { 32 * 1024 } else { 48 * 1024 * 1024 };

/// How often the files are rid of what rows held that were emptied, in milliseconds.
const WIPE_EVERY_MS: u64 = if cfg!(test) { 1 } else { 600_000 };

/// How long that waits for those who read, while commits wait for it.
const WIPE_WAIT: Duration = Duration::from_millis(50);

/// How long the checkpointer rests after a failure.
const REST: Duration = Duration::from_millis(100);

/// A commit has written this much.
pub(super) fn note(shared: &Shared, bytes: u64) {
    let mut unchecked = held(&shared.unchecked);
    *unchecked += bytes;
    if *unchecked >= CHECKPOINT_BYTES {
        shared.grew.notify_one();
    }
}

/// A checkpoint is wanted now.
pub(super) fn soon(shared: &Shared) {
    note(shared, CHECKPOINT_BYTES);
}

/// Rows were emptied: what they held is still in the WAL, and in the log as far as that was copied from it. It goes now, or
/// with the next ones when that was done not long ago, by the times of what goes.
pub(super) fn wipe(shared: &Shared, before: Millis) {
    let mut wiped = held(&shared.wiped);
    if wiped.is_none_or(|at| before.since(at) >= WIPE_EVERY_MS) {
        *wiped = Some(before);
        shared.wiping.store(true, Ordering::Release);
        soon(shared);
    }
}

/// Copies what can be copied without waiting for anybody.
pub(super) fn passive(file: &Connection) -> rusqlite::Result<()> {
    file.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(0)).map(drop)
}

/// Copies everything and empties the WAL.
pub(super) fn full(log: &Connection) -> Result<(), Failure> {
    let done = log.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    match done.map_err(|error| failed("checkpointing", error))? {
        0 => Ok(()),
        _ => Err(Failure::new(FailureKind::Unavailable, "a full checkpoint did not get through")),
    }
}

/// The thread: until the store closes.
pub(super) fn run(shared: &Arc<Shared>) {
    let (holder, mut failing) = (Holder::new(shared, Writes::Log), false);
    loop {
        // What failed is tried again when it may have changed, not when the WAL has grown by as much again: on a full disk
        // it would take each block that gets free, and leave none to the log that it has to be copied to.
        let wait = if failing { REST } else { Duration::MAX };
        let waited = shared.grew.wait_timeout_while(held(&shared.unchecked), wait, |unchecked| {
            (failing || *unchecked < CHECKPOINT_BYTES) && !shared.is_closing()
        });
        *waited.unwrap_or_else(PoisonError::into_inner).0 = 0;
        if shared.is_closing() {
            return;
        }
        let done = checkpoint(shared, &holder);
        let again = std::mem::replace(&mut failing, done.is_err());
        if let Err(failure) = done {
            if !again {
                tracing::error!(%failure, "a checkpoint of the log failed, and is tried again");
            }
            // A full disk keeps the WAL as it is, and every row in it. Anything else may be a sync that failed.
            if failure.kind != FailureKind::Full {
                shared.suspect.store(true, Ordering::Release);
            }
        }
    }
}

fn checkpoint(shared: &Shared, holder: &Holder) -> Result<(), Failure> {
    // The second takes what was written during the first, so that little is left for the third.
    let copy = |handles: &Handles| passive(&handles.log).map_err(asking("checkpointing the log"));
    holder.with(|handles| copy(handles).and_then(|()| copy(handles)))?;
    let _gate = held(&shared.gate);
    holder.with(copy)?;
    if shared.wiping.swap(false, Ordering::AcqRel) {
        // Who reads just now keeps the WAL; it is begun anew, and cut, the next time.
        holder.with(|handles| {
            handles.log.busy_timeout(WIPE_WAIT).map_err(asking("checkpointing the log"))?;
            full(&handles.log).or_else(|failure| {
                if failure.kind != FailureKind::Unavailable {
                    return Err(failure);
                }
                *held(&shared.wiped) = None;
                Ok(())
            })
        })?;
    }
    Ok(())
}
