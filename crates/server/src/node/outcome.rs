//! What became of a batch: each command hears its outcome, and everybody hears what happened; in that order, and only
//! after the commit (invariant 3).

use std::sync::Arc;

use adapters::port::{Failure, FailureKind, Outcome, Write};
use dialects::Request;
use domain::command::{Command, Reply};
use domain::event::{Event, What};
use domain::id::{ConnectionId, Cursor, Millis, UserId};
use domain::limits;
use domain::model::{RoomKey, Status};
use domain::refusal::Refusal;

use super::call::{Output, ReplyTo, Told};
use super::decide::Then;
use super::desk::{Pending, Scope};
use super::people::more;
use super::seats::Parting;
use super::{Node, Writer};

/// A command in a batch.
#[derive(Debug)]
pub(super) struct Slot {
    pending: Pending,
    then: Then,
    scopes: Vec<Scope>,
    /// How many of the batch's writes are its own, in a row.
    writes: usize,
}

impl Node {
    /// Puts a decided command into the batch that gathers.
    pub(super) fn gather(&mut self, mut pending: Pending, writes: Vec<Write>, then: Then, mut scopes: Vec<Scope>) {
        scopes.iter().for_each(|scope| self.desk.open(scope));
        scopes.append(&mut pending.holds);
        self.gathered_bytes += writes.iter().map(weight).sum::<usize>();
        self.gathering.push(Slot { pending, then, scopes, writes: writes.len() });
        self.writes.extend(writes);
    }

    pub(super) fn committed(&mut self, result: Result<Vec<Outcome>, Failure>, now: Millis) {
        let slots = self.in_flight.take().unwrap_or_default();
        self.looked_at = now;
        match result {
            Ok(outcomes) => self.succeeded(slots, outcomes, now),
            Err(failure) => self.failed(slots, &failure, now),
        }
        if self.is_behind() {
            self.catch_up();
        }
        // What the full batch had no room for.
        for _ in 0..self.desk.backlog.len() {
            if let Some(pending) = self.desk.backlog.pop_front() {
                self.resume(pending, now);
            }
        }
    }

    fn succeeded(&mut self, slots: Vec<Slot>, outcomes: Vec<Outcome>, now: Millis) {
        let outcomes = per_command(&slots, outcomes);
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
            let Slot { pending, then, scopes, .. } = slot;
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
            self.leave_presence(room, connection, Parting::Left, now);
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
                self.met(to, &person);
                Ok(Reply::Met(person))
            }
            Outcome::Adopted { person, was, rooms } => {
                self.adopted(&person, &was, &rooms);
                self.met(to, &person);
                Ok(Reply::Met(person))
            }
            Outcome::User(user) => {
                self.people.insert(user.person.id.clone(), user.person.clone());
                Ok(Reply::User(user))
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
            Outcome::Reached { after, apart } => {
                if let Then::Mark { mark, raises, whole } = then {
                    self.marked(&pending.call, (mark, whole), raises, Some((after, apart)), now);
                }
                return None;
            }
            Outcome::Expired(upto) => {
                self.expired = upto;
                return None;
            }
            Outcome::Done => {
                self.done(&pending, then, now);
                return None;
            }
        };
        if told.is_err() {
            self.undo(&pending, now);
        }
        self.tell(to, told);
        None
    }

    /// What a command wanted is kept, and is no event.
    fn done(&mut self, pending: &Pending, then: Then, now: Millis) {
        match then {
            Then::Mark { mark, raises, whole } => self.marked(&pending.call, (mark, whole), raises, None, now),
            Then::Delivered(due) => self.deliveries_kept(due, now),
            Then::Remember
            | Then::Expire
            | Then::Register
            | Then::Group { .. }
            | Then::Meet
            | Then::Made(_)
            | Then::Enter { .. }
            | Then::Leave(_)
            | Then::Send { .. }
            | Then::Change { .. }
            | Then::Moderate(..)
            | Then::Enrol(..)
            | Then::Expel(..) => self.tell(pending.call.to, Ok(Reply::Done)),
        }
    }

    /// Facts moved under a command: it is decided again on fresh ones, at most three times (HAZARDS 11).
    fn decide_again(&mut self, pending: Pending, now: Millis) {
        self.resume(pending.afresh(), now);
    }

    /// A command's events are committed and announced: the rest of what it does, and its reply.
    fn happened(&mut self, pending: &Pending, then: Then, events: Vec<Arc<Event>>, now: Millis) {
        let (call, at) = (&pending.call, events.last().map(|event| event.offset));
        match then {
            Then::Send { .. } => {
                let event = events.into_iter().next_back().expect("a committed write has events");
                self.tell(call.to, Ok(Reply::Sent { event, repeat: false }));
            }
            Then::Made(room) => self.made(call, &room, at),
            Then::Enter { coming, .. } => self.entered(call, coming, at, now),
            Then::Leave(room) => self.tell_left(call, room),
            Then::Enrol(user, member) => {
                if member.status != Status::Active
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
            Then::Moderate(room, user) => {
                if events.iter().any(|event| puts_out(&event.what, &user)) {
                    self.expelled(&room, &user, now);
                }
                self.tell(call.to, Ok(Reply::Done));
            }
            Then::Change { sent } => {
                let event = events.into_iter().next_back().expect("a committed write has events");
                self.tell(call.to, Ok(Reply::Changed { event, sent }));
            }
            Then::Group { room, gone, .. } => {
                if let Some(user) = gone {
                    self.expelled(&room, &user, now);
                }
                self.tell(call.to, Ok(Reply::Done));
            }
            Then::Meet | Then::Mark { .. } | Then::Expire | Then::Remember | Then::Register | Then::Delivered(_) => {
                tracing::error!("What is no event came back as one; this is a bug in the store's adapter.");
            }
        }
    }

    pub(super) fn tell(&mut self, to: ReplyTo, result: Result<Reply, Refusal>) {
        if to != ReplyTo::Nobody {
            self.out.push(Output::Reply(Box::new(Told::plain(to, result))));
        }
    }

    /// The scopes have one open command less; who waited for them is decided now.
    pub(super) fn close(&mut self, scopes: &[Scope], now: Millis) {
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
            self.undo(&slot.pending, now);
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
}

/// The connection that waits for this command's outcome before anything else of its own is decided.
fn waiting_lane(pending: &Pending, then: &Then) -> Option<ConnectionId> {
    pending.call.to.connection().filter(|_| matches!(then, Then::Meet))
}

/// Whether an event puts this user out of its room.
fn puts_out(what: &What, whom: &UserId) -> bool {
    match what {
        What::MemberRemoved { user, .. } => user == whom,
        What::MemberSet { user, member } => user == whom && member.status != Status::Active,
        What::RoomMade { .. }
        | What::Sent(_)
        | What::Edited { .. }
        | What::Deleted { .. }
        | What::Retitled { .. }
        | What::Notice { .. }
        | What::Reacted { .. } => false,
    }
}

/// The room whose facts a write was decided on.
fn room_of(pending: &Pending, then: &Then) -> Option<RoomKey> {
    match then {
        Then::Made(room) | Then::Leave(room) | Then::Expel(room, _) | Then::Moderate(room, _) => Some(room.clone()),
        Then::Enter { coming, .. } => Some(coming.room.kept().clone()),
        Then::Change { sent } => Some(sent.room.clone()),
        Then::Send { room, .. } | Then::Group { room, .. } => Some(room.kept().clone()),
        Then::Enrol(..) => match &pending.call.request {
            Request::Do(Command::Enrol { room, .. }) => Some(room.kept().clone()),
            Request::Do(_) | Request::Ask(_) => None,
        },
        Then::Meet | Then::Mark { .. } | Then::Expire | Then::Remember | Then::Register | Then::Delivered(_) => None,
    }
}

/// One outcome per command: of several writes, the first that is more than done.
fn per_command(slots: &[Slot], outcomes: Vec<Outcome>) -> Vec<Outcome> {
    if outcomes.len() == slots.len() {
        return outcomes;
    }
    let mut outcomes = outcomes.into_iter();
    slots.iter().filter_map(|slot| outcomes.by_ref().take(slot.writes).reduce(more)).collect()
}

/// What a write counts against the bytes of a batch.
fn weight(write: &Write) -> usize {
    match write {
        Write::Events(room) => room.events.iter().map(|(what, _)| content_bytes(what)).sum(),
        Write::Person(_)
        | Write::User(_)
        | Write::Key(_)
        | Write::Mark(_)
        | Write::Asked(_)
        | Write::Fed(_)
        | Write::Expire(_)
        | Write::Session(_) => 0,
    }
}

fn content_bytes(what: &What) -> usize {
    match what {
        What::Sent(message) => message.content.len() + message.extra.as_ref().map_or(0, |extra| extra.len()),
        What::Edited { content, .. } => content.len(),
        What::Notice { extra } => extra.len(),
        What::Reacted { emoji, .. } => emoji.len(),
        What::RoomMade { .. }
        | What::MemberSet { .. }
        | What::MemberRemoved { .. }
        | What::Deleted { .. }
        | What::Retitled { .. } => 0,
    }
}
