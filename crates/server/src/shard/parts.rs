//! What a shard is made of, and what it counts: plain data.

use std::collections::BTreeMap;
use std::sync::Arc;

use dialects::Dialect;
use domain::id::{Cursor, Life};

use super::Gate;

/// Deadlines, in milliseconds; the contracts' defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From accept until the request's head is here (THREATS T10).
    pub head_ms: u64,
    /// The longest silence; any byte counts (`CHAT_READ_TIMEOUT`).
    pub read_ms: u64,
    /// The longest time in which a peer takes no byte (`CHAT_WRITE_TIMEOUT`).
    pub write_ms: u64,
    /// Between pings (`CHAT_PING_PERIOD`).
    pub ping_ms: u64,
    /// From the last pong (`CHAT_PONG_WAIT`).
    pub pong_ms: u64,
    /// How long something may wait for a polled session's next poll.
    pub poll_ms: u64,
    /// From our goodbye until the socket is closed.
    pub closing_ms: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            head_ms: 10_000,
            read_ms: 60_000,
            write_ms: 10_000,
            ping_ms: 54_000,
            pong_ms: 60_000,
            poll_ms: 45_000,
            closing_ms: 2_000,
        }
    }
}

/// What one connection may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Longest message, in bytes.
    pub message_bytes_max: usize,
    /// Frames a second, in the long run.
    pub frames_per_second: u32,
    /// Frames at once.
    pub frames_burst: u32,
    /// Bytes a second, in the long run.
    pub bytes_per_second: u32,
    /// Bytes at once.
    pub bytes_burst: u32,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            // 64 KiB of content, each byte of it escaped, and room for the envelope.
            message_bytes_max: 512 * 1024,
            frames_per_second: 200,
            frames_burst: 4_000,
            bytes_per_second: 1024 * 1024,
            bytes_burst: 16 * 1024 * 1024,
        }
    }
}

/// What a shard is made of.
pub struct Parts {
    /// Its number; the top byte of its connections' ids.
    pub id: u8,
    /// How many shards there are.
    pub shards: u8,
    /// This server start.
    pub life: Life,
    /// The doors that are open.
    pub dialects: Arc<Vec<Box<dyn Dialect>>>,
    /// Who is let in.
    pub gate: Arc<dyn Gate>,
    /// Deadlines.
    pub timing: Timing,
    /// What one connection may cost.
    pub allowance: Allowance,
    /// The log's head.
    pub head: Cursor,
    /// For the names of sessions; nobody may guess it.
    pub seed: [u8; 32],
}

/// Counts since the start, for metrics.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// Per dialect.
    pub doors: Vec<DoorTally>,
    /// Writes to sockets.
    pub writes: u64,
    /// Times a connection fell behind and went on from the log.
    pub lagged: u64,
    /// Bytes in the buffers of connections now: what the kernel has not taken, and what was read and not heard.
    pub held_bytes: u64,
    /// Connections closed because they were too slow for messages that are not kept.
    pub overrun: u64,
    /// Sends refused by the rate limit.
    pub rate_limited: u64,
    /// Times announcements were missing and the log was read for them.
    pub gaps: u64,
}

/// Counts of one dialect.
#[derive(Debug, Default, Clone)]
pub struct DoorTally {
    /// Upgraded connections that are open now.
    pub open: u64,
    /// Messages heard.
    pub heard: u64,
    /// Seconds that closed connections had been open, in sum, and how many those were.
    pub closed_seconds: u64,
    /// See `closed_seconds`.
    pub closed: u64,
    /// Refusals and violations by name.
    pub errors: BTreeMap<&'static str, u64>,
}
