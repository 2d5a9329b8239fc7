//! What the node, the bus and the operator say, taken in one order: announcements in offset order (invariant 4), replies
//! behind the announcements that they follow, so that an acknowledgement comes after its echo.

use std::sync::Arc;

use domain::command::Reply;
use domain::event::{Event, SignalKind};
use domain::id::{Millis, Offset};
use domain::limits;
use domain::model::Person;

use super::connection::{Lag, MEET, Phase};
use super::waiting::Early;
use super::{Mail, Net, Shard, Slot};
use crate::node::{Announcement, Input as ToNode, ReplyTo, Told};

/// Contents that one turn tells, in bytes; the rest of the mailbox waits for the next. A run is a few times this at most.
const BYTES_PER_TURN: usize = 128 * 1024;
/// What the envelope of an event is taken to weigh, in bytes.
const ENVELOPE_BYTES: usize = 256;
/// Goodbyes in one turn while draining.
const GOODBYES_PER_TURN: Slot = 256;

impl Shard {
    /// Takes the mailbox; true when some of it is left for the next turn.
    pub(super) fn take_mail(&mut self) -> bool {
        self.budget = BYTES_PER_TURN;
        while self.budget > 0 && !self.is_walking() {
            let Some(mail) = self.mail.pop_front() else { break };
            match mail {
                Mail::Announce(announcement) => self.announced(announcement),
                Mail::Signal(signal) => {
                    let content = match &signal.kind {
                        SignalKind::Said { content, .. } => content.len(),
                        SignalKind::Came { .. }
                        | SignalKind::Again
                        | SignalKind::Went { .. }
                        | SignalKind::Typing { .. } => 0,
                        SignalKind::Marked { messages, .. } | SignalKind::Reached { messages, .. } => {
                            messages.len() * 40
                        }
                    };
                    self.budget = self.budget.saturating_sub(content + ENVELOPE_BYTES);
                    self.signalled(signal);
                }
                Mail::Status(status) => {
                    self.budget = self.budget.saturating_sub(ENVELOPE_BYTES);
                    self.status(&status);
                }
                Mail::RelayLost => self.relay_lost(),
                Mail::Told(told) => self.told(*told),
                Mail::Head(head) => self.known_head = self.known_head.max(head),
                Mail::Drain => self.draining = Some(0),
            }
        }
        if !self.is_walking() {
            self.take_early();
            self.take_waiting();
        }
        self.release_held();
        self.mind_the_gap();
        !self.mail.is_empty() || self.budget == 0
    }

    fn announced(&mut self, announcement: Announcement) {
        self.known_head = self.known_head.max(announcement.last());
        if announcement.first() > self.head.next() {
            if self.early.len() < limits::ANNOUNCEMENTS_MAX {
                self.early.insert(announcement.first(), announcement);
            }
            return;
        }
        self.take_events(&announcement.events);
        if announcement.last() > self.head && self.budget == 0 {
            // The turn's budget is spent in the midst of it. (With budget left it had a gap; the log is read for that.)
            self.mail.push_front(Mail::Announce(announcement));
        }
    }

    /// Tells those events that are next, as far as the turn's budget goes.
    fn take_events(&mut self, events: &[Arc<Event>]) {
        let known = events.partition_point(|event| event.offset <= self.head);
        for event in &events[known..] {
            if event.offset != self.head.next() || self.budget == 0 {
                return;
            }
            let content = event.message().map_or(0, |message| message.content.len());
            self.budget = self.budget.saturating_sub(content + ENVELOPE_BYTES);
            self.happened(event);
            self.take_waiting();
        }
    }

    /// Announcements that had come too early and whose time is now.
    fn take_early(&mut self) {
        while let Some((first, announcement)) = self.early.pop_first() {
            if first > self.head.next() {
                self.early.insert(first, announcement);
                break;
            }
            self.take_events(&announcement.events);
            if announcement.last() > self.head && self.budget == 0 {
                self.early.insert(first, announcement);
                break;
            }
        }
    }

    /// Replies and signals that had come too early and whose time is now: before the next event, or what is attached here
    /// would miss it.
    fn take_waiting(&mut self) {
        while let Some(early) = self.waiting.next(self.head) {
            match early {
                Early::Signal(signal) => self.signalled(signal),
                Early::Told(told) => self.told(told),
            }
        }
    }

    fn told(&mut self, mut told: Told) {
        // Whoever goes on from a point that this shard has yet to tell of would be told of it again.
        let returned = match &told.result {
            Ok(Reply::Returned { from, .. }) => Some(from.offset),
            Ok(_) | Err(_) => None,
        };
        let follows = Self::follow_from(&told);
        let from = told.attach.iter().filter_map(|attach| attach.from).chain(returned).chain(follows).max();
        // And whoever was let in by what this shard has yet to tell of would be told of what came before.
        let from = told.attach.iter().map(|attach| attach.decided_at).max().max(from);
        let from = from.max(told.to.connection().and_then(|connection| self.waiting.behind(connection)));
        if let Some(from) = from.filter(|from| *from > self.head) {
            self.known_head = self.known_head.max(from);
            self.waiting.reply(from, told);
            return;
        }
        let slot = told.to.connection().and_then(|connection| self.slot_of(connection));
        // Decided before a removal that this shard has told of: the node says again (HAZARDS 4). Not for who is gone: the
        // node has let go of them, and nothing would do so again.
        if slot.is_some()
            && told.attach.iter().any(|attach| attach.decided_at < self.excluded_at)
            && let Some(call) = told.attach.iter_mut().find_map(|attach| attach.call.take())
        {
            self.out.node.push(ToNode::Again(*call, self.excluded_at));
            return;
        }
        if self.is_outdated(slot, &mut told) {
            return;
        }
        let Some(told) = self.hold_for_echo(told) else { return };
        self.deliver(told);
    }

    /// A repeat's reply whose message this connection has not been told of yet waits for it, where the wire's
    /// acknowledgement is the message.
    fn hold_for_echo(&mut self, told: Told) -> Option<Told> {
        let ReplyTo::Connection(id, _) = told.to else { return Some(told) };
        let Ok(Reply::Sent { event, repeat: true }) = &told.result else { return Some(told) };
        let (offset, head) = (event.offset, self.head);
        let room = self.hub.find(&event.room);
        let Some(slot) = self.slot_of(id) else { return Some(told) };
        let Some(connection) = self.get(slot) else { return Some(told) };
        let echoes = connection.session.as_ref().is_some_and(|session| session.acks_by_echo());
        let inside = room.is_some_and(|room| connection.seats.iter().any(|seat| seat.room == room));
        let attached = inside || connection.is_follower_of(&event.room);
        if !echoes || !attached || connection.place(head) >= offset {
            return Some(told);
        }
        connection.held.push((offset, Box::new(told)));
        self.holding.push(slot);
        None
    }

    /// Replies whose message has been told by now, or never will be.
    fn release_held(&mut self) {
        let head = self.head;
        for slot in std::mem::take(&mut self.holding) {
            let Some(connection) = self.get(slot) else { continue };
            let deaf = connection.seats.is_empty() && !connection.follows;
            let place = if deaf { Offset(u64::MAX) } else { connection.place(head) };
            let held = std::mem::take(&mut connection.held);
            let (ready, rest): (Vec<_>, Vec<_>) = held.into_iter().partition(|(offset, _)| *offset <= place);
            if !rest.is_empty() {
                connection.held = rest;
                self.holding.push(slot);
            }
            ready.into_iter().for_each(|(_, told)| self.deliver(*told));
        }
    }

    fn deliver(&mut self, mut told: Told) {
        let ReplyTo::Connection(id, call) = told.to else { return };
        self.calls = self.calls.saturating_sub(1);
        let Some(slot) = self.slot_of(id) else { return };
        let Some(connection) = self.get(slot) else { return };
        connection.calls = connection.calls.saturating_sub(1);
        connection.heavy = false;
        if matches!(connection.phase, Phase::Closing) {
            return;
        }
        let returns = if let Ok(Reply::Returned { who, from, ends, .. }) = &told.result {
            self.returned(slot, who, from.offset, *ends);
            true
        } else {
            false
        };
        if !told.attach.is_empty() {
            self.detach_all(slot, &told.detach);
            told.detach.clear();
            let mut page = None;
            for attach in std::mem::take(&mut told.attach) {
                self.attach(slot, &attach.room, attach.from);
                page = attach.page;
            }
            if let Some(most) = page {
                return self.answer_with_page(slot, call, told.result, most);
            }
        }
        let followed = told.follow.take().map(|follow| self.follow(slot, *follow)).is_some();
        if let Err(refusal) = &told.result {
            let dialect = self.get(slot).map_or(0, |connection| connection.dialect);
            self.count_refusal(dialect, refusal);
        }
        if call == MEET {
            self.met(slot, told.result.as_ref());
        } else {
            self.answered(slot, call, told.result.as_ref());
        }
        if returns {
            self.heed_names(slot);
        }
        self.detach_all(slot, &told.detach);
        if followed && self.get(slot).is_some_and(|connection| connection.is_level()) {
            let now = self.now;
            self.have_session(slot, |session, steps| session.level(0, now, steps));
            self.arm(slot);
        }
    }

    /// A client is who it was, and goes on where it was.
    fn returned(&mut self, slot: Slot, who: &Arc<Person>, from: Offset, ends: Option<Millis>) {
        let known = self.get(slot).is_some_and(|connection| connection.who.is_some());
        self.belongs_to(slot, who);
        let head = self.head;
        if let Some(connection) = self.get(slot) {
            // Whoever came by a new credential stays as long as that lasts.
            connection.ends = if known { connection.ends } else { ends };
            if from < head {
                connection.lag = Some(Box::new(Lag { cursor: from, ..Lag::default() }));
            }
        }
        self.queue_flush(slot);
        self.arm(slot);
    }

    fn detach_all(&mut self, slot: Slot, rooms: &[domain::model::RoomKey]) {
        for room in rooms {
            if let Some(room) = self.hub.find(room) {
                self.detach(slot, room);
            }
        }
    }

    /// Says goodbye to some more connections.
    pub(super) fn drain(&mut self, net: &mut dyn Net) {
        let Some(from) = self.draining else { return };
        let until = from.saturating_add(GOODBYES_PER_TURN);
        for slot in from..until {
            let Some(connection) = self.get(slot) else { continue };
            match connection.phase {
                Phase::Open => self.have_session(slot, |session, steps| session.dismissed(steps)),
                Phase::Head | Phase::Asking(_) => self.gone(slot, net),
                Phase::Meeting(_) | Phase::Opening(_) | Phase::Closing => {}
            }
        }
        self.draining = (usize::try_from(until).unwrap_or(usize::MAX) < self.connections.len()).then_some(until);
    }
}
