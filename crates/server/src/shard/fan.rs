//! News to listeners: encoded once per (room, dialect) into the room's run; whoever caused them, and whoever listens in
//! his own way, gets a rendering of his own at the same place in the order.

use std::sync::Arc;

use dialects::{Audience, Close, Said, Whose};
use domain::event::{Event, News, Signal, SignalKind};
use domain::id::{Life, Offset, UserId};
use domain::limits;
use domain::model::RoomKey;
use smallvec::SmallVec;

use super::connection::{Connection, Lag, Missed};
use super::fate::{self, Fates, Telling};
use super::hub::{HOLE, Piece};
use super::{Shard, Slot};
use crate::frame;

impl Shard {
    /// The next event of the log.
    pub(super) fn happened(&mut self, event: &Arc<Event>) {
        self.take_in(event);
        self.note_alias(event);
        self.spread(&News::Event(event.clone()));
        (self.head, self.head_life) = (event.offset, event.life);
        self.exclude(event);
    }

    /// News to all who are attached to their room, and to those who follow their users.
    pub(super) fn spread(&mut self, news: &News) {
        if let Some(room) = self.hub.find(news.room()) {
            if let News::Event(event) = news {
                self.hub.rooms[room as usize].said = event.offset;
            }
            self.spread_in(room, news);
        }
        if let RoomKey::Pair(one, other) = news.room() {
            self.spread_to_followers(one, other, news);
        }
    }

    /// A direct room's news go to its two users, wherever they are (HAZARDS 2); who has entered it was told already.
    fn spread_to_followers(&mut self, one: &UserId, other: &UserId, news: &News) {
        let mut slots = self.hub.connections_of(one);
        if one != other {
            slots.extend(self.hub.connections_of(other));
        }
        let room = self.hub.find(news.room());
        for slot in slots {
            let follows = self.get(slot).is_some_and(|connection| {
                connection.follows && room.is_none_or(|room| connection.seats.iter().all(|seat| seat.room != room))
            });
            if follows {
                self.take_run(slot);
                self.tell_to(slot, news, false);
                if let News::Event(event) = news
                    && self.get(slot).is_some_and(|connection| connection.is_level())
                {
                    self.note_told(slot, event);
                }
            }
        }
    }

    fn spread_in(&mut self, room: u32, news: &News) {
        let own: SmallVec<[Slot; 2]> = self.hub.connections_of(&news.by().id);
        // Those who caused them and share a run take what is before, so that their own rendering stands in its place.
        own.iter().for_each(|slot| self.take_run(*slot));
        for list in 0..self.hub.rooms[room as usize].lists.len() {
            self.spread_run(room, list, news);
        }
        for slot in own {
            self.skip_run(slot, room);
            if self.shares(slot, room) {
                self.tell_to(slot, news, true);
            }
        }
        let listeners = self.hub.rooms[room as usize].listeners();
        self.want_proofs(room, listeners);
        for place in 0..self.hub.rooms[room as usize].singles.len() {
            let slot = self.hub.rooms[room as usize].singles[place];
            self.tell_to(slot, news, true);
            self.want_proof_at_once(slot, listeners);
        }
    }

    /// Who attends is asked whether it has heard, where its wire wants that of a room with so many listeners.
    fn want_proof_at_once(&mut self, slot: Slot, listeners: usize) {
        let connection = self.connections.get(slot as usize).and_then(|connection| connection.as_deref());
        let asks = |dialect: u8| self.parts.dialects[usize::from(dialect)].asks_at_once(listeners);
        if connection.is_some_and(|connection| connection.attends && asks(connection.dialect)) {
            self.want_proof(slot);
        }
    }

    /// Those who attend, and share the room's run because it is their only one, are asked whether they have heard.
    fn want_proofs(&mut self, room: u32, listeners: usize) {
        for list in 0..self.hub.rooms[room as usize].lists.len() {
            let dialect = self.hub.rooms[room as usize].lists[list].dialect;
            if !self.parts.dialects[usize::from(dialect)].asks_at_once(listeners) {
                continue;
            }
            for place in 0..self.hub.rooms[room as usize].lists[list].slots.len() {
                let slot = self.hub.rooms[room as usize].lists[list].slots[place];
                if slot != HOLE && self.get(slot).is_some_and(|connection| connection.attends) {
                    self.want_proof(slot);
                }
            }
        }
    }

    fn spread_run(&mut self, room: u32, list: usize, news: &News) {
        let entry = &mut self.hub.rooms[room as usize];
        let list = &mut entry.lists[list];
        if list.slots.is_empty() {
            return;
        }
        self.said.clear();
        let to = Audience { whose: Whose::Other, inside: true, room: &entry.shown };
        self.parts.dialects[usize::from(list.dialect)].tell(news, to, &mut self.said);
        if self.said.is_empty() {
            return;
        }
        frames(&self.said, &mut list.run.bytes);
        let piece = match news {
            News::Event(event) => Piece::Event(event.offset),
            News::Signal(signal) => Piece::Signal(signal.clone()),
        };
        list.run.marks.push((list.run.bytes.len(), piece));
        self.hub.activate(room);
    }

    fn shares(&self, slot: Slot, room: u32) -> bool {
        let connection = self.connections.get(slot as usize).and_then(|connection| connection.as_deref());
        connection.is_some_and(|connection| connection.seats.iter().any(|seat| seat.shares && seat.room == room))
    }

    /// The bytes that a room's run has for a dialect in this pass.
    pub(super) fn run_bytes(&self, room: u32, dialect: u8) -> u32 {
        let lists = &self.hub.rooms[room as usize].lists;
        let run = lists.iter().find(|list| list.dialect == dialect).map_or(0, |list| list.run.bytes.len());
        u32::try_from(run).expect("a turn's run is bounded far below 4 GiB")
    }

    /// Whatever its room's run has by now is not for this one.
    pub(super) fn skip_all(&mut self, slot: Slot) {
        let seat = self.get(slot).and_then(|connection| connection.seats.iter().find(|seat| seat.shares).copied());
        if let Some(seat) = seat {
            self.skip_run(slot, seat.room);
        }
    }

    /// What was just added to the run is not for this one.
    fn skip_run(&mut self, slot: Slot, room: u32) {
        if !self.shares(slot, room) {
            return;
        }
        let Some(dialect) = self.get(slot).map(|connection| connection.dialect) else { return };
        let (pass, taken) = (self.pass, self.run_bytes(room, dialect));
        if let Some(connection) = self.get(slot) {
            (connection.pass, connection.taken) = (pass, taken);
        }
    }

    /// A rendering for one connection only, which is inside the room or follows its user's.
    pub(super) fn tell_to(&mut self, slot: Slot, news: &News, inside: bool) {
        let Some(connection) = self.connections.get_mut(slot as usize).and_then(|connection| connection.as_deref_mut())
        else {
            return;
        };
        if !connection.is_level() {
            return missed(connection, news);
        }
        if connection.blocked && connection.waiting() > limits::OUTBOX_BYTES_MAX {
            match news {
                News::Event(event) => {
                    self.tally.lagged += 1;
                    connection.lag = Some(Box::new(Lag { cursor: Offset(event.offset.0 - 1), ..Lag::default() }));
                }
                News::Signal(signal) if is_relayed(signal) => return self.overrun(slot),
                News::Signal(_) => {}
            }
            return missed(connection, news);
        }
        self.said.clear();
        let dialect = &self.parts.dialects[usize::from(connection.dialect)];
        let shown = self.hub.shown(news.room());
        dialect.tell(news, audience(connection, self.parts.life, &shown, news, inside), &mut self.said);
        if !self.said.is_empty() {
            frames(&self.said, &mut connection.outbox);
            self.queue_flush(slot);
        }
    }

    /// An event from the log, for one who is behind.
    pub(super) fn tell_behind(&mut self, slot: Slot, event: &Arc<Event>, fates: &Fates) {
        let room = self.hub.find(&event.room);
        let Some(connection) = self.connections[slot as usize].as_deref_mut() else { return };
        let inside = room.is_some_and(|room| connection.seats.iter().any(|seat| seat.room == room));
        if !inside && !connection.is_follower_of(&event.room) {
            return;
        }
        if connection.has_had(event, self.parts.dialects[usize::from(connection.dialect)].door()) {
            return;
        }
        let shown = self.hub.shown(&event.room);
        let news = News::Event(event.clone());
        let dialect = &*self.parts.dialects[usize::from(connection.dialect)];
        let to = audience(connection, self.parts.life, &shown, &news, inside);
        let told = fate::telling(fates, event, dialect, to, &mut self.said);
        self.said.clear();
        match told {
            Telling::AsItStands => dialect.tell(&news, to, &mut self.said),
            Telling::As(event) => dialect.tell(&News::Event(event), to, &mut self.said),
            Telling::Nothing => {}
        }
        frames(&self.said, &mut connection.outbox);
        if let Some(lag) = connection.lag.as_mut().filter(|_| !self.said.is_empty()) {
            lag.told += 1;
        }
        match room.filter(|_| inside) {
            Some(room) => {
                let said = &mut self.hub.rooms[room as usize].said;
                *said = event.offset.max(*said);
            }
            None => self.note_told(slot, event),
        }
    }

    /// One who is too slow for what nobody keeps: it can't go on from the log, and is not left to believe that it heard
    /// everything (HAZARDS 23).
    pub(super) fn overrun(&mut self, slot: Slot) {
        self.tally.overrun += 1;
        self.close(slot, Close { code: 1013, reason: "too slow, and what was missed is not kept here" });
    }

    /// Relayed messages were dropped on the way here: everybody who may have missed one is told so.
    pub(super) fn relay_lost(&mut self) {
        let relays: Vec<u32> = self
            .hub
            .rooms
            .iter()
            .filter(|(_, room)| room.key.is_relay())
            .filter_map(|(at, _)| at.try_into().ok())
            .collect();
        for slot in 0..self.connections.len() {
            let Some(connection) = self.connections[slot].as_deref() else { continue };
            if connection.seats.iter().any(|seat| relays.contains(&seat.room)) {
                self.overrun(Slot::try_from(slot).expect("slots are 32-bit"));
            }
        }
    }

    /// A signal, now or when the head it follows is reached.
    pub(super) fn signalled(&mut self, signal: Arc<Signal>) {
        if let SignalKind::Typing { started, .. } = &signal.kind {
            self.typing.note(&signal.room, &signal.who.id, *started, self.now);
        }
        if signal.after > self.head {
            self.known_head = self.known_head.max(signal.after);
            let relayed = is_relayed(&signal);
            if !self.waiting.signal(signal) && relayed {
                self.relay_lost();
            }
            return;
        }
        self.spread(&News::Signal(signal));
    }
}

/// Whether this is a message that can't be read again anywhere.
pub(crate) fn is_relayed(signal: &Signal) -> bool {
    match signal.kind {
        SignalKind::Said { .. } => true,
        SignalKind::Came { .. }
        | SignalKind::Again
        | SignalKind::Went { .. }
        | SignalKind::Marked { .. }
        | SignalKind::Reached { .. }
        | SignalKind::Typing { .. } => false,
    }
}

/// How a listener stands to news. A connection's number means it only within its life: another node's connections, and
/// those from before a restart, have the same numbers.
fn audience<'a>(connection: &'a Connection, life: Life, shown: &'a str, news: &News, inside: bool) -> Audience<'a> {
    let of_this_life = match news {
        News::Event(event) => event.life == life,
        News::Signal(_) => true,
    };
    let whose = if of_this_life && news.origin() == Some(connection.id) {
        Whose::Origin
    } else if connection.who.as_ref().is_some_and(|who| who.number == news.by().number) {
        Whose::Actor
    } else {
        Whose::Other
    };
    let alias = connection.session.as_ref().and_then(|session| session.name_of(news.room()));
    Audience { whose, inside, room: alias.unwrap_or(shown) }
}

/// Remembers presence for one who is behind, so that the difference can be said (HAZARDS 7). Typing is dropped.
pub(super) fn missed(connection: &mut Connection, news: &News) {
    let News::Signal(signal) = news else { return };
    let came = match signal.kind {
        SignalKind::Came { .. } => true,
        SignalKind::Went { .. } => false,
        SignalKind::Again
        | SignalKind::Marked { .. }
        | SignalKind::Reached { .. }
        | SignalKind::Typing { .. }
        | SignalKind::Said { .. } => return,
    };
    let Some(lag) = &mut connection.lag else { return };
    let known = lag.missed.iter_mut().find(|m| m.user == signal.who.number && m.last.room == signal.room);
    if let Some(known) = known {
        known.last = signal.clone();
    } else if lag.missed.len() < limits::SAVED_PRESENCE_MAX {
        lag.missed.push(Missed { user: signal.who.number, first_came: came, last: signal.clone() });
    }
}

/// Puts frames around messages.
pub(super) fn frames(said: &Said, out: &mut Vec<u8>) {
    for message in said.messages() {
        frame::encode_into(out, frame::Opcode::Text, message);
    }
}
