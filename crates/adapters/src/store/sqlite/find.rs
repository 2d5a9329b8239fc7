//! What is looked up in several places at once, by the writer and by readers: an event by its client id, a room's head.

use std::sync::Arc;

use domain::event::Event;
use domain::model::RoomKey;
use rusqlite::Connection;

use super::shared::{Shared, held};
use super::{index, log, tail};
use crate::port::Failure;

/// Looks for a client id in the index.
pub(super) struct Find<'a> {
    pub(super) shared: &'a Shared,
    pub(super) log: &'a Connection,
    pub(super) index: &'a Connection,
}

impl Find<'_> {
    /// The event sent under a client id, if it is in the index, and the hash of its content as sent.
    pub(super) fn indexed(
        &self,
        hash: u64,
        key: &RoomKey,
        room: u64,
        by: &str,
        client_id: &str,
    ) -> Result<Option<(Arc<Event>, u64)>, Failure> {
        let runs: Vec<u64> = held(&self.shared.filters).runs(hash).collect();
        for run in runs {
            for offset in index::ids(self.index, run, hash)? {
                let Some(row) = log::row(self.log, offset)? else { continue };
                let same_id = row.message().and_then(|sent| sent.client_id.as_ref()).map(domain::id::ClientId::as_str);
                if row.room == room && row.by().id.as_str() == by && same_id == Some(client_id) {
                    let as_sent = row.content_hash;
                    return Ok(Some((Arc::new(row.into_event(offset, key.clone())), as_sent)));
                }
            }
        }
        Ok(None)
    }
}

/// A room's last event: from the tail, else from the index, checked against the log.
pub(super) fn head_of(
    shared: &Shared,
    log: &Connection,
    index: &Connection,
    key: &RoomKey,
    birth: u64,
) -> Result<tail::Head, Failure> {
    if let Some(head) = shared.tail().room(key) {
        return Ok(head);
    }
    let head = index::room(shared, index, birth)?;
    let row = log::row_of(shared, log, head.last, birth, head.seq)?;
    Ok(tail::Head { at: row.at().0, ..head })
}
