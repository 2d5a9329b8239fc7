//! Events that the operator's URL is told (`Step::Integrate`): out with a token, its outcome in with it. Waiting for the URL
//! is an adapter's work, which tells each connection's events one after the other.
//!
//! A connection that has many under way is not read until some are through; a shard that holds too much answers at once
//! that it is busy, so a URL that hangs costs a bounded memory and nobody else's time.

use dialects::integration::{NoResponse, Outcome};
use dialects::{CallId, Steps};
use domain::id::{ConnectionId, Millis};

use super::connection::Phase;
use super::{Shard, Slot};
use crate::node::Token;

/// Events of one connection that may be under way before it is not read any more.
pub(super) const UNDER_WAY_PER_CONNECTION_MAX: u16 = 8;
/// What all events under way in a shard may weigh, in bytes.
const UNDER_WAY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What an event weighs beside its text, in bytes.
const EVENT_BYTES: usize = 512;
/// How long an upgrade may wait for an event's outcome beyond its own time, in milliseconds: longer than the adapter lets
/// the URL take, so that its client hears what came of it.
pub(super) const UPGRADE_WAIT_MS: u64 = 12_000;

/// An event for the operator's URL.
#[derive(Debug)]
pub struct Integrate {
    /// Its outcome comes back under this.
    pub token: Token,
    /// Whose it is; those of one connection are told in order.
    pub connection: ConnectionId,
    /// The event, as JSON.
    pub event: Vec<u8>,
}

/// An event that is under way.
#[derive(Debug)]
pub(super) struct UnderWay {
    connection: ConnectionId,
    /// The session's number for it; none when nobody waits.
    call: Option<CallId>,
    bytes: usize,
}

impl Shard {
    /// Has the URL told an event of a session's.
    pub(super) fn integrate(&mut self, slot: Slot, call: CallId, event: Vec<u8>) {
        let Some(connection) = self.get(slot) else { return };
        let id = connection.id;
        connection.integrating += 1;
        if !self.tell_url(id, Some(call), event) {
            self.count_error_of(slot, "integration_busy");
            self.integrated_at(slot, call, &Err(NoResponse::Busy));
        }
    }

    /// Sends an event on its way; false when too much is.
    fn tell_url(&mut self, connection: ConnectionId, call: Option<CallId>, event: Vec<u8>) -> bool {
        let bytes = event.len() + EVENT_BYTES;
        if self.integrating_bytes + bytes > UNDER_WAY_BYTES_MAX {
            return false;
        }
        self.integrating_bytes += bytes;
        self.next_token += 1;
        let token = self.next_token;
        self.integrating.insert(token, UnderWay { connection, call, bytes });
        self.out.integrations.push(Integrate { token, connection, event });
        true
    }

    /// What came of an event.
    pub(super) fn integrated(&mut self, token: Token, outcome: &Outcome) {
        let Some(UnderWay { connection, call, bytes }) = self.integrating.remove(&token) else { return };
        self.integrating_bytes -= bytes;
        if let (Some(slot), Some(call)) = (self.slot_of(connection), call) {
            if outcome.is_err() {
                self.count_error_of(slot, "integration_failed");
            }
            self.integrated_at(slot, call, outcome);
        }
    }

    fn integrated_at(&mut self, slot: Slot, call: CallId, outcome: &Outcome) {
        let now = self.now;
        let Some(connection) = self.get(slot) else { return };
        connection.integrating = connection.integrating.saturating_sub(1);
        if matches!(connection.phase, Phase::Closing) {
            return;
        }
        let mut steps = Steps::new();
        if let Some(session) = connection.session.as_mut() {
            session.integrated(call, outcome, now, &mut steps);
        }
        self.take_steps(slot, &mut steps);
        self.arm(slot);
        self.queue_read(slot);
    }

    /// Tells the URL of a connection that has gone, if its session wants that and there is room: nobody waits for it.
    pub(super) fn say_farewell(
        &mut self,
        connection: ConnectionId,
        session: &mut dyn dialects::Session,
        code: u16,
        now: Millis,
    ) {
        if let Some(event) = session.farewell(code, now) {
            self.tell_url(connection, None, event);
        }
    }
}
