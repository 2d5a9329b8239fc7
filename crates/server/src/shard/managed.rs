//! What a back end wants of one connection (`Way::Connections`): to speak to it, to look at it, to close it. It comes from
//! HTTP by the mailbox and is answered in the turn that takes it; nothing of it is an event.

use dialects::connections::{Caller, Manage, Managed, Seen};
use dialects::{Ask, Close, integration};
use domain::id::ConnectionId;
use domain::limits;

use super::connection::{Connection, Phase};
use super::{Net, Shard, Slot};
use crate::frame;
use crate::node::Token;

/// A call of a back end's.
#[derive(Debug)]
pub struct ManageCall {
    /// Its outcome goes out under this.
    pub token: Token,
    /// Which dialect's connections it may reach, by its place.
    pub dialect: u8,
    /// Which connection.
    pub connection: ConnectionId,
    /// What is wanted.
    pub what: Manage,
}

impl Shard {
    /// Carries out a call of a back end's.
    pub(super) fn manage(&mut self, call: ManageCall, net: &mut dyn Net) {
        let ManageCall { token, dialect, connection, what } = call;
        let reached = |c: &Connection| matches!(c.phase, Phase::Open) && c.dialect == dialect && !c.is_polled();
        let slot = self.slot_of(connection);
        let outcome = match slot.filter(|slot| self.get(*slot).is_some_and(|connection| reached(connection))) {
            Some(slot) => match what {
                Manage::Say(text) => self.say_for(slot, &text, net),
                Manage::Look => self.look_at(slot),
                Manage::Close => {
                    self.close(slot, Close { code: 1000, reason: "" });
                    Managed::Closed
                }
            },
            None => Managed::Gone,
        };
        self.out.managed.push((token, outcome));
    }

    /// Says a back end's message, unless too much waits already: this is in no log, so whoever is behind could not come
    /// back to it, and its sender is the one to wait.
    fn say_for(&mut self, slot: Slot, text: &str, net: &mut dyn Net) -> Managed {
        // What is said in this turn is with the kernel only at its end. Several messages at once are no slow reader: a
        // write more is made for them.
        if self.overflows(slot) && self.get(slot).is_some_and(|connection| !connection.blocked) {
            self.flush_one(slot, net);
        }
        if self.get(slot).is_none() {
            return Managed::Gone;
        }
        if self.overflows(slot) {
            return Managed::Full;
        }
        self.say_raw(slot, |out| frame::encode_into(out, frame::Opcode::Text, text.as_bytes()));
        Managed::Said
    }

    fn overflows(&mut self, slot: Slot) -> bool {
        self.get(slot).is_some_and(|connection| connection.waiting() > limits::OUTBOX_BYTES_MAX)
    }

    fn look_at(&mut self, slot: Slot) -> Managed {
        let Some(connection) = self.connections.get(slot as usize).and_then(|c| c.as_deref()) else {
            return Managed::Gone;
        };
        let caller = connection.caller.as_deref().cloned().unwrap_or_default();
        let (connected_at, active_at) = (self.wheel.moment(connection.since), self.wheel.moment(connection.heard));
        Managed::Seen(Seen { connected_at, active_at, caller })
    }

    /// From where a connection comes that can be looked at; nothing is kept of others.
    pub(super) fn caller(&self, dialect: u8, ask: &Ask) -> Option<Box<Caller>> {
        self.managed.contains(&dialect).then(|| Box::new(integration::caller(ask)))
    }
}
