//! What a client's end has taken in (RULES 18): a sign of life is asked for behind what was told, and when it comes the node
//! hears up to where everything was delivered.
//!
//! Whoever is told of all that is theirs (`follow`) is asked as soon as there is something to prove, one question at a
//! time, so that a sender knows within a round trip. For everybody else the pings that keep a connection alive are the
//! question. A ping carries the place that it stands behind, so no answer proves more than it was asked for.

use std::sync::Arc;

use domain::event::Event;
use domain::id::Offset;
use domain::limits;
use domain::model::RoomKey;

use super::connection::{Connection, Phase};
use super::{Shard, Slot};
use crate::frame;
use crate::node::{Delivered, Input as ToNode, Reach};

/// Deliveries in direct rooms that wait for a sign of life, and where the client stands with those.
#[derive(Debug, Default)]
pub(super) struct Proof {
    /// The place behind which a sign of life was asked for last.
    asked: Offset,
    /// The place up to which there was one.
    answered: Offset,
    /// Direct rooms that it follows without being in them; at most [`limits::UNPROVED_MAX`].
    unproved: Vec<Reach>,
}

impl Proof {
    /// Whether an answer is awaited.
    fn awaits(&self) -> bool {
        self.asked > self.answered
    }

    /// Something was told of a direct room.
    fn note(&mut self, room: &RoomKey, offset: Offset) {
        if let Some(reach) = self.unproved.iter_mut().find(|reach| reach.room == *room) {
            reach.upto = reach.upto.max(offset);
            return;
        }
        if self.unproved.len() >= limits::UNPROVED_MAX {
            // It is told again when the client comes back.
            self.unproved.remove(0);
        }
        self.unproved.push(Reach { room: room.clone(), after: Offset(offset.0 - 1), upto: offset });
    }

    /// Takes what is proved by an answer from behind this place.
    fn take(&mut self, place: Offset, reached: &mut Vec<Reach>) {
        self.unproved.retain_mut(|reach| {
            let upto = reach.upto.min(place);
            if upto > reach.after {
                reached.push(Reach { room: reach.room.clone(), after: reach.after, upto });
                reach.after = upto;
            }
            reach.upto > place
        });
    }
}

impl Shard {
    /// A follower was told of its user's direct room, in which it is not.
    pub(super) fn note_told(&mut self, slot: Slot, event: &Arc<Event>) {
        if let Some(connection) = self.get(slot) {
            connection.proof.get_or_insert_default().note(&event.room, event.offset);
            self.want_proof(slot);
        }
    }

    /// A sign of life will be asked for at the end of this turn's news.
    pub(super) fn want_proof(&mut self, slot: Slot) {
        if let Some(connection) = self.get(slot)
            && !std::mem::replace(&mut connection.wants_proof, true)
        {
            self.to_prove.push(slot);
        }
    }

    /// Asks those for whom there is something to prove.
    pub(super) fn ask_for_proofs(&mut self) {
        for slot in std::mem::take(&mut self.to_prove) {
            if self.get(slot).is_some_and(|connection| std::mem::take(&mut connection.wants_proof)) {
                self.ask_for_proof(slot);
            }
        }
    }

    fn ask_for_proof(&mut self, slot: Slot) {
        let raw = self.is_raw(slot);
        let Some(connection) = self.get(slot) else { return };
        let open = matches!(connection.phase, Phase::Open) && connection.is_level();
        if raw && open && !connection.proof.as_ref().is_some_and(|proof| proof.awaits()) {
            self.ping(slot);
        }
    }

    fn is_raw(&mut self, slot: Slot) -> bool {
        let dialect = self.get(slot).map_or(0, |connection| usize::from(connection.dialect));
        self.parts.dialects.get(dialect).is_none_or(|dialect| dialect.is_raw())
    }

    /// Pings: the payload is the place that the answer will prove.
    pub(super) fn ping(&mut self, slot: Slot) {
        // It may have no room for all of its room's run, and be behind from now on: the ping stands behind what it was given.
        self.take_run(slot);
        let (tick, head) = (self.wheel.tick(self.now), self.head);
        let Some(connection) = self.get(slot) else { return };
        connection.pinged = tick;
        let place = connection.ask(head);
        self.say_raw(slot, |out| frame::encode_ping_into(out, &place.0.to_be_bytes()));
    }

    /// A session asked its client for a sign of life.
    pub(super) fn asked(&mut self, slot: Slot) {
        self.take_run(slot);
        let head = self.head;
        if let Some(connection) = self.get(slot) {
            connection.ask(head);
        }
    }

    /// A pong, with what it says.
    pub(super) fn ponged(&mut self, slot: Slot, payload: &[u8]) {
        let tick = self.wheel.tick(self.now);
        let Some(connection) = self.get(slot) else { return };
        connection.ponged = tick;
        let place = payload.try_into().ok().map(|place| Offset(u64::from_be_bytes(place)));
        if place.is_some() && place == connection.proof.as_ref().map(|proof| proof.asked) {
            self.answered_sign(slot);
        }
    }

    /// The sign of life that was asked for has come: what was told before is delivered.
    pub(super) fn answered_sign(&mut self, slot: Slot) {
        let Some(connection) = self.connections.get_mut(slot as usize).and_then(|c| c.as_deref_mut()) else { return };
        let Some(proof) = connection.proof.as_mut().filter(|proof| proof.awaits()) else { return };
        proof.answered = proof.asked;
        let (place, mut reached) = (proof.asked, Vec::new());
        proof.take(place, &mut reached);
        let more = !proof.unproved.is_empty();
        for seat in &mut connection.seats {
            let room = &self.hub.rooms[seat.room as usize];
            let upto = place.min(room.said);
            if upto > seat.marked && !room.key.is_relay() {
                reached.push(Reach { room: room.key.clone(), after: seat.marked, upto });
                seat.marked = upto;
            }
        }
        let attends = connection.attends;
        let unmarked = |connection: &Connection| {
            connection.seats.iter().any(|seat| self.hub.rooms[seat.room as usize].said > seat.marked)
        };
        let more = more || (attends && unmarked(connection));
        if let (false, Some(who)) = (reached.is_empty(), connection.who.clone()) {
            let delivered = Delivered { who, connection: connection.id, reached };
            self.out.node.push(ToNode::Delivered(delivered));
        }
        if more {
            self.want_proof(slot);
        }
    }
}

impl Connection {
    /// A sign of life is asked for behind everything that was told up to now; while one is awaited, that one is.
    fn ask(&mut self, head: Offset) -> Offset {
        let place = self.place(head);
        let proof = self.proof.get_or_insert_default();
        if !proof.awaits() {
            proof.asked = place.max(proof.asked);
        }
        proof.asked
    }
}
