//! What a world is made of: one seed for everything, how unkind it is, what its servers are, and bugs on purpose.

use std::ops::RangeInclusive;
use std::sync::Arc;

use adapters::port::{Batch, Found, Outcome, Store};
use dialects::Dialect;
use domain::limits::Policy;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use server::shard::{Allowance, Gate, Mail, Timing};

use crate::sim::OpenGate;

/// One seed for everything.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound.max(1)
    }

    /// True `per_mille` times of a thousand.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    pub(crate) fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

/// How unkind the world is. Delays in milliseconds, chances per mille.
#[derive(Debug, Clone)]
pub(crate) struct Chaos {
    /// Longest delay of a hop between threads.
    pub(crate) hop_ms: u64,
    /// Longest delay of a commit or a read.
    pub(crate) store_ms: u64,
    /// Longest delay of bytes on the way.
    pub(crate) wire_ms: u64,
    /// How long the Auth Service takes, where a gate asks one.
    pub(crate) ask_ms: RangeInclusive<u64>,
    /// Announcements that a shard's mailbox drops.
    pub(crate) drop_announcement: u64,
    /// Announcements that come twice.
    pub(crate) repeat_announcement: u64,
    /// Announcements that overtake others.
    pub(crate) swap_announcement: u64,
    /// Reads that fail.
    pub(crate) fail_read: u64,
    /// Bytes that a socket holds for a client.
    pub(crate) socket_bytes: usize,
}

impl Chaos {
    pub(crate) fn none() -> Self {
        Self {
            hop_ms: 0,
            store_ms: 0,
            wire_ms: 0,
            ask_ms: 0..=0,
            drop_announcement: 0,
            repeat_announcement: 0,
            swap_announcement: 0,
            fail_read: 0,
            socket_bytes: 1 << 20,
        }
    }
}

/// What every server of a world is made of.
pub(crate) struct Setup {
    pub(crate) shards: u8,
    pub(crate) policy: Policy,
    pub(crate) timing: Timing,
    pub(crate) allowance: Allowance,
    pub(crate) dialects: Arc<Vec<Box<dyn Dialect>>>,
    pub(crate) gate: Arc<dyn Gate>,
    /// Where everything is kept; a memory store of the world's own when none.
    pub(crate) disk: Option<Arc<dyn Store>>,
}

impl Setup {
    /// Development mode with everything as it is by itself, and a gate that lets everybody in.
    pub(crate) fn development(shards: u8) -> Self {
        Self {
            shards,
            policy: Policy { development: true, ..Policy::default() },
            timing: Timing::default(),
            allowance: Allowance::default(),
            dialects: Arc::new(dialects::registry(&dialects::Settings { development: true, ..Default::default() })),
            gate: Arc::new(OpenGate),
            disk: None,
        }
    }
}

/// What a plant does to the world's answers: bugs on purpose, to prove that the checker sees them.
pub(crate) trait Plant {
    fn outcomes(&mut self, outcomes: Vec<Outcome>) -> Vec<Outcome> {
        outcomes
    }
    fn found(&mut self, found: Found) -> Found {
        found
    }
    fn batch(&mut self, batch: Batch) -> Batch {
        batch
    }
    fn mail(&mut self, mail: Mail) -> Mail {
        mail
    }
}

/// No bug.
pub(crate) struct Honest;
impl Plant for Honest {}
