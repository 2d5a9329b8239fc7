//! The store's threads: one writer, which commits what the node has gathered, and a few readers, which share a queue.
//!
//! Requests go in with a token, completions come out with it; the port's calls block here and nowhere else.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use adapters::port::{Batch, Failure, FailureKind, Outcome, Read, Reader, Writer};

use super::{Wiring, spawn};
use crate::node::{Input as ToNode, Token};
use crate::shard::Input as ToShard;

/// Jobs that may wait for the writer: one batch of the node's, one change of the keys, one place of the feed's.
const JOBS_WAITING_MAX: usize = 3;

/// What the writer is to do.
pub enum Job {
    /// Commit a batch of the node's.
    Commit(Batch),
    /// Recover, for the node.
    Recover,
    /// Commit a change of the keys, for the operator, who waits for the outcome. One at a time.
    Keys(Batch, SyncSender<Result<Vec<Outcome>, Failure>>),
    /// Keep the feed's place; the feed waits for the outcome. One at a time.
    Fed(Batch, SyncSender<Result<Vec<Outcome>, Failure>>),
    /// End.
    Stop,
}

/// Gives jobs to the writer's thread.
#[derive(Clone)]
pub struct WriterDoor(SyncSender<Job>);

impl WriterDoor {
    /// Never blocks: the node has one batch in flight, the operator one change, the feed one place.
    pub fn give(&self, job: Job) {
        match self.0.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => tracing::error!("The writer was given more than one batch; this is a bug."),
            Err(TrySendError::Disconnected(_)) => tracing::error!("The writer's thread has ended; this is a bug."),
        }
    }
}

/// Starts the writer's thread.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn start_writer(
    writer: Box<dyn Writer>,
    wiring: Arc<Wiring>,
) -> std::io::Result<(WriterDoor, std::thread::JoinHandle<()>)> {
    let (jobs, waiting) = sync_channel(JOBS_WAITING_MAX);
    let thread = spawn("writer", move || write(writer, &waiting, &wiring))?;
    Ok((WriterDoor(jobs), thread))
}

fn write(mut writer: Box<dyn Writer>, jobs: &Receiver<Job>, wiring: &Wiring) {
    for job in jobs {
        match job {
            Job::Commit(batch) => {
                let result = writer.commit(&batch);
                note(wiring, result.as_ref().err());
                wiring.feed.ring();
                wiring.inbox.put([ToNode::Committed(result)]);
            }
            Job::Recover => {
                let result = writer.recover();
                note(wiring, result.as_ref().err());
                wiring.inbox.put([ToNode::Recovered(result)]);
            }
            Job::Keys(batch, outcome) | Job::Fed(batch, outcome) => {
                let result = writer.commit(&batch);
                note(wiring, result.as_ref().err());
                // Who asked may have given up; the change stands.
                let _ = outcome.send(result);
            }
            Job::Stop => return,
        }
    }
}

/// For `/ready`: whether the store takes writes.
fn note(wiring: &Wiring, failure: Option<&Failure>) {
    match failure.map(|failure| failure.kind) {
        None => wiring.health.writable(),
        Some(FailureKind::Unknown) => wiring.health.not_writable_until_recovered(),
        Some(
            FailureKind::Full
            | FailureKind::ReadOnly
            | FailureKind::Corrupt
            | FailureKind::Foreign
            | FailureKind::Unavailable,
        ) => wiring.health.not_writable(wiring.clock.now()),
    }
}

/// Who asked for a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// The node.
    Node,
    /// The shard of this number.
    Shard(u8),
}

/// What waits for a reader. Bounded by those who ask: a connection has one read under way, and a call has one, or as many
/// as [`LOADS_AT_ONCE_MAX`](domain::limits::LOADS_AT_ONCE_MAX) where it is about many rooms.
#[derive(Default)]
pub struct Reads {
    /// A std mutex, held for appending or taking one.
    inner: Mutex<Waiting>,
    bell: Condvar,
}

#[derive(Default)]
struct Waiting {
    queue: VecDeque<(Asker, Token, Read)>,
    closed: bool,
}

impl Reads {
    /// Leaves reads, in order.
    pub fn put(&self, asker: Asker, reads: impl IntoIterator<Item = (Token, Read)>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let before = inner.queue.len();
        inner.queue.extend(reads.into_iter().map(|(token, ask)| (asker, token, ask)));
        let added = inner.queue.len() - before;
        drop(inner);
        for _ in 0..added.min(8) {
            self.bell.notify_one();
        }
    }

    /// The readers end when they have answered what waits.
    pub fn close(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.bell.notify_all();
    }

    fn next(&self) -> Option<(Asker, Token, Read)> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.bell.wait_while(inner, |inner| inner.queue.is_empty() && !inner.closed);
        waited.unwrap_or_else(PoisonError::into_inner).queue.pop_front()
    }
}

/// Starts one reader's thread.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn start_reader(
    mut reader: Box<dyn Reader>,
    wiring: Arc<Wiring>,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    spawn("reader", move || {
        while let Some((asker, token, ask)) = wiring.reads.next() {
            let found = reader.read(&ask);
            match asker {
                Asker::Node => wiring.inbox.put([ToNode::Found(token, found)]),
                Asker::Shard(shard) => {
                    if let Some(mailbox) = wiring.mailboxes.get(usize::from(shard)) {
                        mailbox.put([ToShard::Found(token, found)]);
                        mailbox.ring();
                    }
                }
            }
        }
    })
}
