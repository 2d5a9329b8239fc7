//! What is under way in a world, and to whom.

use adapters::port::{Batch, Read};
use server::node::{self, Input as NodeInput};
use server::shard::Input as ShardInput;

/// What happens next.
pub(super) enum Happening {
    Node(usize, u64, NodeInput),
    Shard(usize, u64, usize, ShardInput),
    Wake(usize, u64, usize),
    Idle(usize, u64, usize),
    Tick(usize, u64),
    Commit(usize, u64, Batch),
    Recover(usize, u64),
    Read(usize, u64, Option<usize>, node::Token, Read),
}

impl Happening {
    /// Whose it is, and of which of its starts.
    pub(super) fn of(&self) -> (usize, u64) {
        match self {
            Self::Node(server, start, _)
            | Self::Shard(server, start, _, _)
            | Self::Wake(server, start, _)
            | Self::Idle(server, start, _)
            | Self::Tick(server, start)
            | Self::Commit(server, start, _)
            | Self::Recover(server, start)
            | Self::Read(server, start, _, _, _) => (*server, *start),
        }
    }
}
