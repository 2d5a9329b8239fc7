//! Who listens to what: connections are attached to rooms by the node's word, and detached by it, by a removal that takes
//! effect at an offset (invariant 7), or by going.

use domain::event::{Event, What};
use domain::id::{Offset, UserId};
use domain::model::{RoomKey, Status};

use super::connection::{Lag, Seat};
use super::hub::Hub;
use super::{Shard, Slot};

impl Shard {
    /// Attaches a connection at the shard's own head, or behind it on a cursor (HAZARDS 3).
    pub(super) fn attach(&mut self, slot: Slot, key: &RoomKey, from: Option<Offset>) {
        let head = self.head;
        let room = self.hub.room(key);
        let Some(connection) = self.connections[slot as usize].as_deref_mut() else { return };
        if connection.seats.iter().all(|seat| seat.room != room) {
            let aliased = connection.session.as_ref().is_some_and(|session| session.name_of(key).is_some());
            let shares = connection.seats.is_empty() && !aliased;
            if !shares {
                self.stop_sharing(slot);
            }
            self.seat(slot, room, shares);
        }
        let Some(connection) = self.connections[slot as usize].as_deref_mut() else { return };
        if let (Some(from), Some(seat)) = (from, connection.seats.iter_mut().find(|seat| seat.room == room)) {
            seat.marked = seat.marked.min(from);
        }
        if let Some(from) = from.filter(|from| *from < head) {
            let lag = connection.lag.get_or_insert_default();
            **lag = Lag { cursor: from, ..Lag::default() };
            self.queue_flush(slot);
        }
    }

    fn seat(&mut self, slot: Slot, room: u32, shares: bool) {
        let Some(dialect) = self.get(slot).map(|connection| connection.dialect) else { return };
        let place = if shares {
            let list = self.hub.list(room, dialect);
            Hub::push(&mut self.hub.rooms[room as usize].lists[list].slots, slot)
        } else {
            Hub::push(&mut self.hub.rooms[room as usize].singles, slot)
        };
        let taken = if shares { self.run_bytes(room, dialect) } else { 0 };
        let (pass, marked) = (self.pass, self.head);
        if let Some(connection) = self.get(slot) {
            connection.seats.push(Seat { room, place, shares, marked });
            // What the room's run has already in this pass was said before it came.
            (connection.pass, connection.taken) = (pass, taken);
        }
    }

    /// It has come back, and may call its room by a name of its own: then it shares no run, as if it had entered by that.
    pub(super) fn heed_names(&mut self, slot: Slot) {
        let Some(connection) = self.connections.get(slot as usize).and_then(|c| c.as_deref()) else { return };
        let shared = connection.seats.iter().find(|seat| seat.shares).map(|seat| seat.room);
        let key = shared.map(|room| &self.hub.rooms[room as usize].key);
        let own = key.zip(connection.session.as_ref()).is_some_and(|(key, session)| session.name_of(key).is_some());
        if own {
            self.stop_sharing(slot);
        }
    }

    /// A connection that is in several rooms shares no run: what it has not taken of it is taken now.
    fn stop_sharing(&mut self, slot: Slot) {
        self.take_run(slot);
        let Some(connection) = self.get(slot) else { return };
        let Some(seat) = connection.seats.iter().find(|seat| seat.shares).copied() else { return };
        self.unseat(slot, seat);
        self.seat(slot, seat.room, false);
        if let Some(kept) = self.get(slot).and_then(|c| c.seats.iter_mut().find(|kept| kept.room == seat.room)) {
            kept.marked = seat.marked;
        }
    }

    /// Detaches a connection from a room, after all that it was to be told up to now.
    pub(super) fn detach(&mut self, slot: Slot, room: u32) {
        self.take_run(slot);
        let seat =
            self.get(slot).and_then(|connection| connection.seats.iter().find(|seat| seat.room == room).copied());
        if let Some(seat) = seat {
            self.unseat(slot, seat);
            self.hub.forget_if_empty(room);
        }
    }

    /// Detaches a connection from everything.
    pub(super) fn leave_all(&mut self, slot: Slot) {
        while let Some(room) = self.get(slot).and_then(|connection| connection.seats.first().map(|seat| seat.room)) {
            self.detach(slot, room);
        }
    }

    fn unseat(&mut self, slot: Slot, seat: Seat) {
        let Some(connection) = self.connections[slot as usize].as_deref_mut() else { return };
        connection.seats.retain(|kept| kept.room != seat.room);
        let dialect = connection.dialect;
        let walking = self.hub.walking;
        let entry = &mut self.hub.rooms[seat.room as usize];
        let list = if seat.shares {
            match entry.lists.iter_mut().find(|list| list.dialect == dialect) {
                Some(list) => &mut list.slots,
                None => return,
            }
        } else {
            &mut entry.singles
        };
        let moved = Hub::take_out(list, seat.place, walking);
        if let Some(moved) = moved.and_then(|slot| self.connections[slot as usize].as_deref_mut())
            && let Some(kept) = moved.seats.iter_mut().find(|kept| kept.room == seat.room)
        {
            kept.place = seat.place;
        }
    }

    /// Whoever an event puts out of its room hears it, and nothing after it.
    pub(super) fn exclude(&mut self, event: &Event) {
        let Some(user) = excluded(&event.what) else { return };
        self.excluded_at = event.offset;
        for key in [event.room.clone(), event.room.clone().relayed()] {
            let Some(room) = self.hub.find(&key) else { continue };
            for slot in self.listeners(room, user) {
                self.detach(slot, room);
                if let Some(connection) = self.get(slot)
                    && event.origin != Some(connection.id)
                {
                    connection.put_out_at = event.offset;
                }
                let mut steps = std::mem::take(&mut self.steps);
                if let Some(session) = self.get(slot).and_then(|connection| connection.session.as_mut()) {
                    session.removed(&key, &mut steps);
                }
                self.take_steps(slot, &mut steps);
                self.give_back(steps);
            }
        }
    }

    fn listeners(&self, room: u32, user: &UserId) -> Vec<Slot> {
        let entry = &self.hub.rooms[room as usize];
        let lists = entry.lists.iter().flat_map(|list| &list.slots).chain(&entry.singles);
        lists
            .copied()
            .filter(|slot| {
                let connection = self.connections.get(*slot as usize).and_then(|connection| connection.as_deref());
                connection.and_then(|connection| connection.who.as_ref()).is_some_and(|who| who.id == *user)
            })
            .collect()
    }
}

/// Whom an event puts out of its room.
fn excluded(what: &What) -> Option<&UserId> {
    match what {
        What::MemberRemoved { user, .. } => Some(user),
        What::MemberSet { user, member } if member.status != Status::Active => Some(user),
        What::MemberSet { .. }
        | What::RoomMade { .. }
        | What::Sent(_)
        | What::Edited { .. }
        | What::Deleted { .. }
        | What::Retitled { .. }
        | What::Notice { .. }
        | What::Reacted { .. } => None,
    }
}
