//! Index and tail as of one moment: the index is looked at first, and then the tail has to reach back to where the index
//! ended. If it does not, because the indexer went on meanwhile, one looks again.

use std::sync::MutexGuard;

use domain::model::RoomKey;

use super::shared::{Handles, Holder, Shared};
use super::tail::{Head, Tail};
use super::{index, log};
use crate::port::{Failure, FailureKind};

/// How often one looks again. The ring keeps tens of thousands of events that are indexed already, so a second look is
/// rare.
const TRIES: usize = 100;

/// See the module.
pub(super) struct View<'a> {
    pub(super) shared: &'a Shared,
    pub(super) handles: &'a Handles,
    /// Everything up to here, and nothing after it, is in the index as it is seen here.
    pub(super) indexed: u64,
}

/// Reads with a view; `work` says none when it has to be done again.
pub(super) fn look<T>(
    holder: &Holder,
    mut work: impl FnMut(&View<'_>) -> Result<Option<T>, Failure>,
) -> Result<T, Failure> {
    let shared = holder.shared();
    for _ in 0..TRIES {
        let found = holder.read(|handles| {
            // The first question to the index, which fixes what is seen of it. A new one has the genesis row.
            let indexed = index::state(&handles.index)?.map_or(1, |state| state.indexed);
            work(&View { shared, handles, indexed })
        });
        if let Some(found) = found? {
            return Ok(found);
        }
    }
    Err(Failure::new(FailureKind::Unavailable, "the index moved each time it was looked at"))
}

impl View<'_> {
    /// The tail, if it has everything that the index has not got here.
    pub(super) fn tail(&self) -> Option<MutexGuard<'_, Tail>> {
        let tail = self.shared.tail();
        (tail.first() <= self.indexed + 1).then_some(tail)
    }

    /// A room's last event; none inside when the room is only being made, none when one has to look again.
    pub(super) fn head(&self, key: &RoomKey, birth: u64) -> Result<Option<Option<Head>>, Failure> {
        let Some(tail) = self.tail() else { return Ok(None) };
        let recent = tail.room(key);
        drop(tail);
        if recent.is_some() || birth > self.indexed {
            return Ok(Some(recent));
        }
        let head = index::room(self.shared, &self.handles.index, birth)?;
        log::row_of(self.shared, &self.handles.log, head.last, birth, head.seq)?;
        Ok(Some(Some(head)))
    }
}
