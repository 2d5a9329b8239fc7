//! The bus: everything announced travels over it, even on one machine. What is on it are hints (invariant 8): their loss,
//! delay, repetition or reordering costs time, never a message, because a shard that misses one reads the log.
//!
//! Here is the body for one machine; those between machines will be adapters.

use std::sync::Arc;

use domain::event::{Signal, Status};
use domain::id::Offset;

use crate::mailbox::Mailbox;
use crate::node::Announcement;
use crate::shard::{Input, Mail};

/// What travels.
#[derive(Debug, Clone)]
pub enum Hint {
    /// Events happened.
    Announce(Announcement),
    /// Something is true now.
    Signal(Arc<Signal>),
    /// Somebody came online or went.
    Status(Arc<Status>),
    /// The log goes at least to here.
    Head(Offset),
}

/// Carries hints to every shard of every node.
///
/// Neither call blocks, and neither fails: a hint that can't be carried is dropped, and an announcement's loss is told
/// to those who missed it where that is known. Hints of one publisher arrive in their order or not at all, as a rule;
/// nobody may rely on it.
pub trait Bus: Send + Sync {
    /// Takes hints to carry, in order.
    fn publish(&self, hints: &[Hint]);

    /// What was published is to be heard now: ends a publisher's turn, so that each listener is woken once for all of it.
    fn deliver(&self);
}

/// The bus of one machine: straight into the shards' mailboxes.
pub struct Local {
    shards: Vec<Arc<Mailbox>>,
}

impl Local {
    /// A bus to these shards.
    #[must_use]
    pub fn new(shards: Vec<Arc<Mailbox>>) -> Self {
        Self { shards }
    }
}

impl Bus for Local {
    fn publish(&self, hints: &[Hint]) {
        for shard in &self.shards {
            shard.put(hints.iter().map(|hint| {
                Input::Mail(match hint {
                    Hint::Announce(announcement) => Mail::Announce(announcement.clone()),
                    Hint::Signal(signal) => Mail::Signal(signal.clone()),
                    Hint::Status(status) => Mail::Status(status.clone()),
                    Hint::Head(head) => Mail::Head(*head),
                })
            }));
        }
    }

    fn deliver(&self) {
        self.shards.iter().for_each(|shard| shard.ring());
    }
}
