//! Being told of all that is one's own: what was not delivered yet, then what happens; in direct rooms, and in every room
//! that the user belongs to (HAZARDS 1, 2, 18). Following is the shard's work, from the events themselves, in offset
//! order: whoever is taken in hears so, whoever is put out hears that and nothing after it.

use std::collections::VecDeque;

use domain::event::{Event, What};
use domain::id::{Door, Offset, UserId};
use domain::model::{RoomKey, Status};

use super::connection::{Connection, Lag, Phase};
use super::{Shard, Slot};
use crate::node::{Follow, Input as ToNode, Told};

/// Changes of rosters that are remembered, to know whether a decision was made before one.
const CHANGES_MAX: usize = 1024;
/// Direct rooms whose alias is remembered at most.
const ALIASES_MAX: usize = 10_000;

/// Who was taken in or put out lately.
#[derive(Debug, Default)]
pub(super) struct Changes {
    recent: VecDeque<(Offset, UserId)>,
    /// The last one that is forgotten.
    forgotten: Offset,
}

impl Changes {
    fn note(&mut self, offset: Offset, user: &UserId) {
        if self.recent.len() >= CHANGES_MAX
            && let Some((offset, _)) = self.recent.pop_front()
        {
            self.forgotten = offset;
        }
        self.recent.push_back((offset, user.clone()));
    }

    /// The last change of this user's rooms after an offset, as far as is known.
    fn after(&self, offset: Offset, user: &UserId) -> Option<Offset> {
        let known = self.recent.iter().rev().take_while(|(at, _)| *at > offset).find(|(_, who)| who == user);
        known.map(|(at, _)| *at).or((self.forgotten > offset).then_some(self.forgotten))
    }
}

impl Shard {
    /// Where the log has to be known up to before this reply is taken: nothing that it speaks of lies ahead then.
    pub(super) fn follow_from(told: &Told) -> Option<Offset> {
        let follow = told.follow.as_ref()?;
        let floors = follow.floors.iter().map(|(_, floor)| *floor);
        floors.chain([follow.from, follow.decided_at]).max()
    }

    /// Whether what a reply says of its user's rooms is out of date; then the node says again (HAZARDS 4).
    pub(super) fn is_outdated(&mut self, slot: Option<Slot>, told: &mut Told) -> bool {
        let Some(follow) = &told.follow else { return false };
        let who = slot.and_then(|slot| self.get(slot)).and_then(|connection| connection.who.clone());
        let changed = who.and_then(|who| self.changes.after(follow.decided_at, &who.id));
        match (changed, told.follow.take()) {
            (Some(at), Some(follow)) => {
                self.out.node.push(ToNode::Again(*follow.call, at));
                true
            }
            (_, follow) => {
                told.follow = follow;
                false
            }
        }
    }

    /// The connection follows from now on; its rooms are attached already.
    pub(super) fn follow(&mut self, slot: Slot, follow: Follow) {
        let head = self.head;
        let Some(connection) = self.get(slot) else { return };
        (connection.follows, connection.attends) = (true, follow.rooms);
        if follow.from < head {
            let Follow { from: cursor, floors, rest, undelivered, .. } = follow;
            let lag = Lag { cursor, floors, rest, undelivered, ..Lag::default() };
            connection.lag = Some(Box::new(lag));
            self.mark_seats(slot);
            self.queue_flush(slot);
        }
    }

    /// Where its rooms' deliveries begin: at their floors, else where it goes on from.
    fn mark_seats(&mut self, slot: Slot) {
        let Some(connection) = self.connections.get_mut(slot as usize).and_then(|c| c.as_deref_mut()) else { return };
        let Some(lag) = &connection.lag else { return };
        for seat in &mut connection.seats {
            seat.marked = lag.floor(&self.hub.rooms[seat.room as usize].key).unwrap_or(lag.cursor);
        }
    }

    /// What the two of a direct room call it is remembered, for signals that do not come from the log.
    pub(super) fn note_alias(&mut self, event: &Event) {
        let Some(alias) = &event.alias else { return };
        if self.aliases.get(&event.room).is_none_or(|known| known != alias) {
            if self.aliases.len() >= ALIASES_MAX {
                self.aliases.clear();
            }
            self.aliases.insert(event.room.clone(), alias.clone());
        }
    }

    /// Somebody's roster changes: whoever is taken in is told of the room from this event on.
    pub(super) fn take_in(&mut self, event: &Event) {
        let user = match &event.what {
            What::MemberSet { user, member } => {
                self.changes.note(event.offset, user);
                if member.status != Status::Active {
                    return;
                }
                user
            }
            What::MemberRemoved { user, .. } => return self.changes.note(event.offset, user),
            What::RoomMade { .. }
            | What::Sent(_)
            | What::Edited { .. }
            | What::Deleted { .. }
            | What::Retitled { .. }
            | What::Notice { .. }
            | What::Reacted { .. } => return,
        };
        for slot in self.hub.connections_of(user) {
            let inside = self.hub.find(&event.room);
            let Some(connection) = self.get(slot) else { continue };
            let attached = inside.is_some_and(|room| connection.seats.iter().any(|seat| seat.room == room));
            if connection.attends && !attached && matches!(connection.phase, Phase::Open) {
                if let Some(lag) = &mut connection.lag {
                    lag.raise_floor(&event.room, Offset(event.offset.0 - 1));
                }
                self.attach(slot, &event.room, None);
            }
        }
    }
}

impl Connection {
    /// Whether an event that the log has was delivered before: it is below what was in its room, or was said from here.
    pub(super) fn has_had(&self, event: &Event, door: Door) -> bool {
        let Some(lag) = &self.lag else { return false };
        let own = self.who.as_ref().is_some_and(|who| who.id == event.by.id) && event.door == door;
        lag.floor(&event.room).is_some_and(|floor| event.offset <= floor) || (lag.undelivered && own)
    }
}

impl Lag {
    /// Everything up to there was delivered in this room before.
    pub(super) fn floor(&self, room: &RoomKey) -> Option<Offset> {
        match self.floors.binary_search_by(|(key, _)| key.cmp(room)) {
            Ok(place) => Some(self.floors[place].1),
            Err(_) => matches!(room, RoomKey::Pair(..)).then_some(self.rest),
        }
    }

    fn raise_floor(&mut self, room: &RoomKey, to: Offset) {
        match self.floors.binary_search_by(|(key, _)| key.cmp(room)) {
            Ok(place) => self.floors[place].1 = self.floors[place].1.max(to),
            Err(place) => self.floors.insert(place, (room.clone(), to)),
        }
    }
}
