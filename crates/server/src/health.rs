//! What is known of the server's state, for health pages, metrics and the drain: written by the threads that know, read
//! by whoever asks. Nothing here is decided upon.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use domain::id::{Millis, Offset};

use crate::shard::Tally;

/// For how long a failed commit that kept nothing makes the store count as not writable, in milliseconds. Then it may be
/// tried again: with nobody trying, it would never be found healed.
const TROUBLE_MS: u64 = 10_000;

/// The server's state.
#[derive(Debug, Default)]
pub struct Health {
    draining: AtomicBool,
    /// Not writable until this time; 0 when it is, the greatest number until it has recovered.
    trouble_until: AtomicU64,
    connections: AtomicUsize,
    rooms: AtomicUsize,
    head: AtomicU64,
    feed: Mutex<Option<FeedReport>>,
    shards: Vec<Mutex<Report>>,
}

/// What the feed says of itself.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct FeedReport {
    /// Whether the other side was there the last time.
    pub connected: bool,
    /// It has everything in the log up to here.
    pub reached: Offset,
    /// What it was told since the start, repeats included.
    pub published: u64,
}

/// What a shard's thread says of itself, a few times a second.
#[derive(Debug, Default, Clone)]
pub struct Report {
    /// What the step counts.
    pub tally: Tally,
    /// Sockets in its slab, whatever their phase.
    pub sockets: usize,
    /// Sockets closed at once because their address had too many.
    pub over_address_limit: u64,
    /// Announcements and signals that found its mailbox full.
    pub hints_dropped: (u64, u64),
}

impl Health {
    /// Of a server with this many shards.
    #[must_use]
    pub fn new(shards: usize) -> Self {
        Self { shards: (0..shards).map(|_| Mutex::default()).collect(), ..Self::default() }
    }

    /// Whether new clients should come here.
    #[must_use]
    pub fn ready(&self, now: Millis) -> bool {
        !self.draining() && self.trouble_until.load(Ordering::Relaxed) <= now.0
    }

    /// Whether the server is on its way out.
    #[must_use]
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Upgraded connections, and rooms with somebody present.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.connections.load(Ordering::Relaxed), self.rooms.load(Ordering::Relaxed))
    }

    /// The log's head, as far as it was announced.
    #[must_use]
    pub fn head(&self) -> Offset {
        Offset(self.head.load(Ordering::Relaxed))
    }

    /// What the shards said last.
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        self.shards.iter().map(|report| report.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect()
    }

    /// What the feed said last, where there is one.
    #[must_use]
    pub fn feed(&self) -> Option<FeedReport> {
        *self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The feed has been told something, or nothing, and is there.
    pub fn fed(&self, reached: Offset, published: u64) {
        let mut feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
        let before = feed.unwrap_or_default().published;
        *feed = Some(FeedReport { connected: true, reached, published: before + published });
    }

    /// The feed is away; it has everything up to here.
    pub fn feed_away(&self, reached: Offset) {
        let mut feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
        *feed = Some(FeedReport { connected: false, reached, ..feed.unwrap_or_default() });
    }

    /// The drain begins.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// A commit has succeeded.
    pub fn writable(&self) {
        if self.trouble_until.load(Ordering::Relaxed) != 0 {
            self.trouble_until.store(0, Ordering::Relaxed);
        }
    }

    /// A commit has failed and kept nothing.
    pub fn not_writable(&self, now: Millis) {
        self.trouble_until.store(now.plus(TROUBLE_MS).0, Ordering::Relaxed);
    }

    /// A commit has failed in a way that wants a recovery.
    pub fn not_writable_until_recovered(&self) {
        self.trouble_until.store(u64::MAX, Ordering::Relaxed);
    }

    /// The node says its counts.
    pub fn counted(&self, (connections, rooms): (usize, usize), head: Offset) {
        self.connections.store(connections, Ordering::Relaxed);
        self.rooms.store(rooms, Ordering::Relaxed);
        self.head.store(head.0, Ordering::Relaxed);
    }

    /// A shard's thread says how it is.
    pub fn report(&self, shard: u8, report: Report) {
        if let Some(kept) = self.shards.get(usize::from(shard)) {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = report;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_it_is_ready() {
        let health = Health::new(1);
        assert!(health.ready(Millis(5)));
        health.not_writable(Millis(5));
        assert!(!health.ready(Millis(5 + TROUBLE_MS - 1)) && health.ready(Millis(5 + TROUBLE_MS)));
        health.not_writable_until_recovered();
        assert!(!health.ready(Millis(u64::MAX - 1)));
        health.writable();
        assert!(health.ready(Millis(5)));
        health.drain();
        assert!(!health.ready(Millis(5)));
    }
}
