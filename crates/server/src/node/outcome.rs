//! What became of a batch: each command hears its outcome, and everybody hears what happened; in that order, and only
//! after the commit (invariant 3).

use std::sync::Arc;

use adapters::port::{Failure, FailureKind, Found, Outcome, Write};
use domain::command::Reply;
use domain::event::{Event, SignalKind, What};
use domain::id::{ConnectionId, Cursor, Millis};
use domain::limits;
use domain::model::{Person, RoomKey};
use domain::refusal::{BadResume, Refusal};

use super::call::{Attach, Call, Output, ReplyTo, Told};
use super::decide::Then;
use super::desk::{Pending, Scope};
use super::{Node, Writer};

/// A command in a batch.
#[derive(Debug)]
pub(super) struct Slot {
    pending: Pending,
    then: Then,
    scopes: Vec<Scope>,
}

impl Node {
    /// Puts a decided command into the batch that gathers.
    pub(super) fn gather(&mut self, pending: Pending, write: Write, then: Then, scopes: Vec<Scope>) {
        scopes.iter().for_each(|scope| self.desk.open(scope));
        if let Write::Events(room) = &write {
            self.gathered_bytes += room.events.iter().map(|(what, _)| content_bytes(what)).sum::<usize>();
        }
        self.writes.push(write);
        self.gathering.push(Slot { pending, then, scopes });
    }

    pub(super) fn committed(&mut self, result: Result<Vec<Outcome>, Failure>, now: Millis) {
        let slots = self.in_flight.take().unwrap_or_default();
        self.looked_at = now;
        match result {
            Ok(outcomes) => self.succeeded(slots, outcomes, now),
            Err(failure) => self.failed(slots, &failure, now),
        }
        // What the full batch had no room for.
        for _ in 0..self.desk.backlog.len() {
            if let Some(pending) = self.desk.backlog.pop_front() {
                self.resume(pending, now);
            }
        }
    }

    fn succeeded(&mut self, slots: Vec<Slot>, outcomes: Vec<Outcome>, now: Millis) {
        let mut events: Vec<Arc<Event>> = Vec::with_capacity(slots.len());
        for (slot, outcome) in slots.iter().zip(&outcomes) {
            if let Outcome::Committed(written) = outcome {
                events.extend(written.iter().cloned());
                self.leave_notices(slot, now);
            }
        }
        self.announce(events);
        let mut again = Vec::new();
        for (slot, outcome) in slots.into_iter().zip(outcomes) {
            let Slot { pending, then, scopes } = slot;
            let lane = waiting_lane(&pending, &then);
            if let Some(pending) = self.settled(pending, then, outcome, now) {
                again.push(pending);
            } else if let Some(connection) = lane {
                self.release(connection, now);
            }
            self.close(&scopes, now);
        }
        for pending in again {
            self.decide_again(pending, now);
        }
    }

    /// Whoever leaves is told so like everybody else, before the event that detaches them (chat contract).
    fn leave_notices(&mut self, slot: &Slot, now: Millis) {
        if let Then::Leave(room) = &slot.then
            && let Some(connection) = slot.pending.call.to.connection()
        {
            self.leave_presence(room, connection, now);
        }
    }

    /// One command's outcome; gives it back when it has to be decided again.
    fn settled(&mut self, pending: Pending, then: Then, outcome: Outcome, now: Millis) -> Option<Pending> {
        let to = pending.call.to;
        let told = match outcome {
            Outcome::Committed(events) => {
                self.happened(&pending, then, events, now);
                return None;
            }
            Outcome::Person(person) => {
                self.people.insert(person.id.clone(), person.clone());
                self.met(to, &person);
                Ok(Reply::Met(person))
            }
            Outcome::Repeat(event) => {
                self.take_back(&then);
                Ok(Reply::Sent { event, repeat: true })
            }
            Outcome::IdReused => {
                self.take_back(&then);
                Err(Refusal::ClientIdReused)
            }
            Outcome::Stale | Outcome::Conflict => {
                self.take_back(&then);
                if let Some(room) = room_of(&pending, &then) {
                    self.rooms.forget(&room);
                }
                if pending.attempt < limits::DECIDE_AGAIN_MAX {
                    return Some(pending);
                }
                Err(Refusal::Contended)
            }
            Outcome::Done => Ok(Reply::Left),
        };
        self.tell(to, told);
        None
    }

    /// Facts moved under a command: it is decided again on fresh ones, at most three times (HAZARDS 11).
    fn decide_again(&mut self, mut pending: Pending, now: Millis) {
        pending.attempt += 1;
        pending.start = None;
        pending.listed = None;
        self.resume(pending, now);
    }

    /// A command's events are committed and announced: the rest of what it does, and its reply.
    fn happened(&mut self, pending: &Pending, then: Then, events: Vec<Arc<Event>>, now: Millis) {
        let call = &pending.call;
        match then {
            Then::Send { .. } => {
                let event = events.into_iter().next_back().expect("a committed write has events");
                self.tell(call.to, Ok(Reply::Sent { event, repeat: false }));
            }
            Then::Made(room) => self.made(call, &room),
            Then::Enter { room, from } => self.entered(call, &room, from, false, now),
            Then::Leave(room) => self.tell_left(call, room),
            Then::Enrol(user, member) => {
                if member.status != domain::model::Status::Active
                    && let Some(event) = events.last()
                {
                    self.expelled(&event.room, &user, now);
                }
                self.tell(call.to, Ok(Reply::Member { user, member }));
            }
            Then::Expel(room, user) => {
                self.expelled(&room, &user, now);
                self.tell(call.to, Ok(Reply::Expelled));
            }
            Then::Meet => tracing::error!("A user came back as events; this is a bug in the store's adapter."),
        }
    }

    /// Present no more, neither in the room nor in the relay beside it.
    fn expelled(&mut self, room: &RoomKey, user: &domain::id::UserId, now: Millis) {
        for room in [room.clone(), room.clone().relayed()] {
            if let Some(who) = self.presence.expel(&room, user) {
                self.went(&room, &who, None, now);
            }
        }
    }

    /// A user is present in a room no more.
    pub(super) fn went(&mut self, room: &RoomKey, who: &Arc<Person>, connection: Option<ConnectionId>, now: Millis) {
        self.signal(room, who, SignalKind::Went, connection, now);
        if room.is_relay() && !self.presence.occupied(room) {
            self.rooms.deserted(room);
        }
    }

    pub(super) fn met(&mut self, to: ReplyTo, person: &Arc<Person>) {
        self.people.insert(person.id.clone(), person.clone());
        if let Some(connection) = to.connection() {
            self.presence.arrive(connection, person);
        }
    }

    fn made(&mut self, call: &Call, room: &RoomKey) {
        let Some(facts) = self.rooms.peek(room) else {
            return self.tell(call.to, Err(Refusal::Unavailable));
        };
        let view = self.view(facts);
        let mut attach = None;
        if let (Some(connection), Some(who)) = (call.to.connection(), &call.who)
            && self.presence.knows(connection)
        {
            self.presence.seat_silently(room, connection, who);
            attach = Some(Attach { room: room.clone(), from: None, decided_at: self.head.offset, call: None });
        }
        let told = Told { to: call.to, result: Ok(Reply::RoomMade(view)), attach, detach: Vec::new() };
        self.out.push(Output::Reply(Box::new(told)));
    }

    /// Someone is in: presence, the reply with its attachment, and the notice, which they hear themselves.
    pub(super) fn entered(&mut self, call: &Call, room: &RoomKey, from: Option<Cursor>, again: bool, now: Millis) {
        let (Some(connection), Some(who)) = (call.to.connection(), call.who.clone()) else {
            return self.tell(call.to, Err(Refusal::Invalid));
        };
        if !self.presence.knows(connection) {
            // It went while its coming was decided: nobody is told, and the call's place is given back.
            return self.tell(call.to, Err(Refusal::NotPresent));
        }
        let came = self.presence.enter(room, connection, &who, now);
        let detach = self.presence.end_silent_seats(connection);
        let head = self.head;
        let attach = Attach {
            room: room.clone(),
            from: from.map(|cursor| cursor.offset),
            decided_at: head.offset,
            call: Some(Box::new(call.clone())),
        };
        let from = from.unwrap_or(head);
        // Another node may have told this client of more than this one has heard of.
        let head = if from.offset > head.offset { from } else { head };
        let result = Ok(Reply::Entered { room: room.clone(), from, head });
        self.out.push(Output::Reply(Box::new(Told { to: call.to, result, attach: Some(attach), detach })));
        if came == domain::presence::Came::First && !again {
            self.signal(room, &who, SignalKind::Came, Some(connection), now);
        }
    }

    /// Someone leaves a room that keeps no members: told to all, to the leaver too, before they are detached.
    pub(super) fn left(&mut self, call: &Call, room: &RoomKey, now: Millis) {
        if let Some(connection) = call.to.connection() {
            self.leave_presence(room, connection, now);
        }
        self.tell_left(call, room.clone());
    }

    fn tell_left(&mut self, call: &Call, room: RoomKey) {
        let mut detach = call.to.connection().map(|c| self.presence.end_silent_seats(c)).unwrap_or_default();
        detach.push(room);
        self.out.push(Output::Reply(Box::new(Told { to: call.to, result: Ok(Reply::Left), attach: None, detach })));
    }

    pub(super) fn leave_presence(&mut self, room: &RoomKey, connection: ConnectionId, now: Millis) {
        if let Some(who) = self.presence.leave(room, connection) {
            self.went(room, &who, Some(connection), now);
        }
    }

    fn tell(&mut self, to: ReplyTo, result: Result<Reply, Refusal>) {
        self.out.push(Output::Reply(Box::new(Told { to, result, attach: None, detach: Vec::new() })));
    }

    /// A counted message was none: a repeat, or it failed.
    fn take_back(&mut self, then: &Then) {
        if let Then::Send { counted: Some((user, at)) } = then
            && let Some(window) = self.windows.get_mut(user)
        {
            window.take_back(*at);
        }
    }

    /// The scopes have one open command less; who waited for them is decided now.
    fn close(&mut self, scopes: &[Scope], now: Millis) {
        for scope in scopes {
            for pending in self.desk.settle(scope) {
                self.resume(pending, now);
            }
        }
    }

    fn failed(&mut self, slots: Vec<Slot>, failure: &Failure, now: Millis) {
        tracing::error!(error = %failure, commands = slots.len(), "A batch could not be committed.");
        let refusal = match failure.kind {
            FailureKind::Full => Refusal::StorageFull,
            FailureKind::Unknown => Refusal::OutcomeUnknown,
            FailureKind::ReadOnly | FailureKind::Corrupt | FailureKind::Foreign | FailureKind::Unavailable => {
                Refusal::Unavailable
            }
        };
        let mut refused: Vec<(Slot, Refusal)> = slots.into_iter().map(|slot| (slot, refusal)).collect();
        if failure.kind == FailureKind::Unknown {
            // Nothing is accepted until the store has been reopened; what gathered meanwhile was never written, and what
            // is known of rooms may be behind what has survived (HAZARDS 13).
            self.writer = Writer::Recovering;
            self.out.push(Output::Recover);
            self.writes.clear();
            self.gathered_bytes = 0;
            refused.extend(std::mem::take(&mut self.gathering).into_iter().map(|slot| (slot, Refusal::Unavailable)));
            self.rooms.forget_all();
        }
        for (slot, refusal) in refused {
            self.take_back(&slot.then);
            self.tell(slot.pending.call.to, Err(refusal));
            if let Some(connection) = waiting_lane(&slot.pending, &slot.then) {
                self.release(connection, now);
            }
            self.close(&slot.scopes, now);
        }
    }

    pub(super) fn recovered(&mut self, result: Result<Cursor, Failure>) {
        match result {
            Ok(head) => {
                tracing::info!(
                    head = head.offset.0,
                    "The store was reopened after a failed sync and is trusted again."
                );
                self.writer = Writer::Ready;
                self.people.clear();
                if head.offset > self.head.offset {
                    self.catch_up();
                }
            }
            Err(failure) => {
                tracing::error!(error = %failure, "The store could not be reopened; it will be tried again.");
                self.writer = Writer::Broken;
            }
        }
    }

    /// What a reader found for a call that waited.
    pub(super) fn found_for(&mut self, mut pending: Pending, found: Found, now: Millis) {
        match found {
            Found::Person(person) => {
                if let Some(person) = &person {
                    self.people.insert(person.id.clone(), person.clone());
                }
                pending.person = Some(person);
            }
            Found::Event(event) => pending.used = Some(event.is_some()),
            Found::Rooms(rooms) => pending.listed = Some(rooms),
            Found::Cursor(cursor) => pending.start = Some(self.start_at(&pending, cursor)),
            Found::Room(_) | Found::Events { .. } | Found::Keys(_) | Found::Recent(_) => {
                tracing::error!("The store answered a read with another kind of answer; this is a bug in its adapter.");
                return self.refuse(&pending, Refusal::Unavailable, now);
            }
        }
        self.resume(pending, now);
    }

    fn start_at(&self, pending: &Pending, found: Option<Cursor>) -> Result<Cursor, BadResume> {
        let found = found.ok_or(BadResume::Ahead)?;
        match asked_cursor(pending) {
            Some(asked) if asked.life != found.life => Err(BadResume::OtherLog),
            Some(_) | None => Ok(found),
        }
    }
}

/// The connection that waits for this command's outcome before anything else of its own is decided.
fn waiting_lane(pending: &Pending, then: &Then) -> Option<ConnectionId> {
    pending.call.to.connection().filter(|_| matches!(then, Then::Meet))
}

fn asked_cursor(pending: &Pending) -> Option<Cursor> {
    use dialects::Request;
    use domain::command::{Command, Start};
    match &pending.call.request {
        Request::Do(Command::Enter { from: Start::After(cursor), .. }) => Some(*cursor),
        Request::Do(_) | Request::Ask(_) => None,
    }
}

/// The room whose facts a write was decided on.
fn room_of(pending: &Pending, then: &Then) -> Option<RoomKey> {
    use dialects::Request;
    use domain::command::Command;
    match (then, &pending.call.request) {
        (Then::Made(room), _) => Some(room.clone()),
        (
            _,
            Request::Do(
                Command::Enter { room, .. }
                | Command::Leave { room }
                | Command::Send { room, .. }
                | Command::Enrol { room, .. }
                | Command::Expel { room, .. },
            ),
        ) => Some(room.kept().clone()),
        (_, Request::Do(Command::Meet(_) | Command::MakeRoom { .. }) | Request::Ask(_)) => None,
    }
}

fn content_bytes(what: &What) -> usize {
    match what {
        What::Sent(message) => message.content.len() + message.extra.as_ref().map_or(0, |extra| extra.len()),
        What::Edited { content, .. } => content.len(),
        What::RoomMade { .. } | What::MemberSet { .. } | What::MemberRemoved { .. } | What::Deleted { .. } => 0,
    }
}
