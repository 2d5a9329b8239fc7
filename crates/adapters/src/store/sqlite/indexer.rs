//! The indexer: a thread that moves the tail into the index, in slices, and lets go of what the ring doesn't hold. A slice
//! is in the index and in the filters before the tail may drop it, so that whoever looks at the tail first and at the index
//! then never misses an event.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::checkpoint;
use super::filter::run_of;
use super::index::{self, State};
use super::log;
use super::shared::{Handles, Holder, Shared, Writes, asking_index, corrupt, held};
use super::start;
use super::tail::Entry;
use super::writer::SLICE_EVENTS;
use crate::port::Failure;

/// Most events in one slice.
const SLICE_MAX: usize = 50_000;
/// Entries copied or dropped at once, so that the tail's mutex is held briefly.
const STEP: usize = 1_000;
/// A tail shorter than a slice is indexed after this long, so that a start has little to replay.
const LINGER: Duration = Duration::from_millis(500);
/// How long the indexer rests after a failure.
const REST: Duration = Duration::from_secs(1);
/// Events indexed after which the index is checkpointed.
const CHECKPOINT_EVENTS: usize = 400_000;

/// The thread: until the store closes, and then until everything is indexed.
pub(super) fn run(shared: &Arc<Shared>) {
    let holder = Holder::new(shared, Writes::Index);
    let mut unchecked = 0;
    loop {
        let wait = if held(&shared.index_trouble).is_some() { REST } else { LINGER };
        let tail = shared.tail();
        let waited = shared.grown.wait_timeout_while(tail, wait, |tail| {
            let due = wait != REST && tail.unindexed() >= SLICE_EVENTS;
            !due && !shared.is_closing() && !shared.is_index_damaged()
        });
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        if shared.is_index_damaged() && !shared.is_closing() {
            renew(shared);
        }
        let done = work(shared, &holder, &mut unchecked);
        if let Err(failure) = &done
            && held(&shared.index_trouble).is_none()
        {
            tracing::error!(%failure, "indexing failed; the tail stays in memory");
        }
        *held(&shared.index_trouble) = done.as_ref().err().map(|failure| failure.kind);
        shared.moved.notify_all();
        if shared.is_closing() && (done.is_err() || shared.tail().unindexed() == 0) {
            return;
        }
    }
}

/// Makes a damaged index anew. What can't be helped so is left to the next start, and the store goes on as well as it can:
/// then the log is damaged too, or has no space beside it for a second index, and trying on would only cost.
fn renew(shared: &Shared) {
    shared.renewals.fetch_add(1, Ordering::AcqRel);
    match start::renew_index(shared) {
        Ok(()) => tracing::warn!("the index has been made anew from the log"),
        Err(failure) => tracing::error!(%failure, "the index stays damaged until the next start"),
    }
    shared.index_damaged.store(false, Ordering::Release);
}

fn work(shared: &Shared, holder: &Holder, unchecked: &mut usize) -> Result<(), Failure> {
    let slice = gather(shared);
    if slice.is_empty() {
        return Ok(());
    }
    holder.with(|handles| add(shared.seed, handles, &slice))?;
    note_ids(shared, &slice);
    let offset = |entry: Option<&Entry>| entry.map_or(0, |entry| entry.event.offset.0);
    let (first, last, events) = (offset(slice.first()), offset(slice.last()), slice.len());
    shared.tail().indexed_to(last);
    shared.moved.notify_all();
    drop(slice);
    // What is shed is dropped here, between two holds of the mutex: freeing takes longer than moving.
    let shed = || shared.tail().shed(STEP);
    while !shed().is_empty() {}
    // Only now: a slice that is in the index already must not be added again because a filter could not be kept, which a
    // start makes of the ids.
    holder.with(|handles| keep_filters(shared, handles, first, last))?;
    *unchecked += events;
    if *unchecked >= CHECKPOINT_EVENTS {
        *unchecked = 0;
        holder.with(|handles| checkpoint::passive(&handles.index).map_err(asking_index("checkpointing the index")))?;
    }
    Ok(())
}

fn gather(shared: &Shared) -> Vec<Entry> {
    let mut slice: Vec<Entry> = Vec::new();
    loop {
        let tail = shared.tail();
        let from = slice.last().map_or(tail.indexed(), |entry| entry.event.offset.0) + 1;
        let more = tail.from(from, STEP.min(SLICE_MAX - slice.len()));
        drop(tail);
        if more.is_empty() {
            return slice;
        }
        slice.extend(more);
    }
}

/// Puts a slice into the index, with the mark of the log's row that it ends at.
pub(super) fn add(life: u64, handles: &Handles, slice: &[Entry]) -> Result<(), Failure> {
    let Some(last) = slice.last() else { return Ok(()) };
    let indexed = last.event.offset.0;
    let stamp = log::stamp(&handles.log, indexed)?;
    let (_, mark) = stamp.ok_or_else(|| corrupt(format!("the log has no row at offset {indexed}")))?;
    index::add(&handles.index, State { life, indexed, mark }, slice)
}

fn note_ids(shared: &Shared, slice: &[Entry]) {
    for step in slice.chunks(STEP) {
        let mut filters = held(&shared.filters);
        for entry in step {
            if let Some(id) = entry.id {
                filters.add(run_of(entry.event.offset.0), id);
            }
        }
    }
}

/// From a slice that ends in a later run on, the run before it gets no more ids.
fn keep_filters(shared: &Shared, handles: &Handles, first: u64, last: u64) -> Result<(), Failure> {
    for finished in run_of(first).saturating_sub(1)..run_of(last) {
        let bytes = held(&shared.filters).get(finished).map(super::filter::Filter::to_bytes);
        if let Some(bytes) = bytes {
            index::keep_filter(&handles.index, finished, &bytes)?;
        }
    }
    Ok(())
}
