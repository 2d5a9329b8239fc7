//! Hearing: bytes become frames, frames go to the session, and its steps are taken in order.

use std::io;
use std::ops::ControlFlow;

use dialects::{CallId, Close, Frame, Sid, Step, Steps};
use domain::command::Reply;
use domain::refusal::Refusal;

use super::connection::{Connection, Phase};
use super::polling::Link;
use super::wheel::TICK_MS;
use super::{Net, Shard, Slot};
use crate::frame::{self, Incoming, Progress};

/// Connections read in one turn; the rest go on in the next, after what this one caused was written.
const READS_PER_TURN: usize = 1024;

/// What stands for a close frame without a code, and for no close frame (RFC 6455, 7.4.1).
const NO_CODE: u16 = 1005;
/// See [`NO_CODE`].
const BROKEN_OFF: u16 = 1006;

/// What a message was that isn't the session's to hear.
enum Heard {
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
}

impl Shard {
    /// Reads those who have something to say; true when some are left for the next turn.
    pub(super) fn read_sockets(&mut self, net: &mut dyn Net) -> bool {
        for _ in 0..READS_PER_TURN.min(self.to_read.len()) {
            let Some(slot) = self.to_read.pop_front() else { break };
            if let Some(connection) = self.get(slot) {
                connection.queued = false;
                self.read_socket(slot, net);
                self.weigh(slot);
            }
        }
        !self.to_read.is_empty()
    }

    fn read_socket(&mut self, slot: Slot, net: &mut dyn Net) {
        if self.get(slot).is_none_or(|connection| connection.is_paused()) {
            return;
        }
        if self.get(slot).is_some_and(|connection| connection.is_polled()) {
            return self.hear_posted(slot);
        }
        let kept = self.get(slot).map(|connection| match connection.phase {
            // The head keeps what it has; frames that were kept come before what is read next.
            Phase::Head => Vec::new(),
            Phase::Asking(_) | Phase::Meeting(_) | Phase::Opening(_) | Phase::Open | Phase::Closing => {
                std::mem::take(&mut connection.kept)
            }
        });
        if let Some(mut kept) = kept.filter(|kept| !kept.is_empty()) {
            self.heard(slot, &mut kept, net);
            self.queue_read(slot);
            return;
        }
        if !self.get(slot).is_some_and(|connection| connection.readable) {
            return;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        match net.read(slot, &mut buffer) {
            Ok(0) => self.hung_up(slot, net),
            Ok(bytes) => {
                if bytes < buffer.len()
                    && let Some(connection) = self.get(slot)
                {
                    // Edge-triggered: less than was asked for means that there is no more.
                    connection.readable = false;
                }
                if self.spend_bytes(slot, bytes) {
                    self.heard(slot, &mut buffer[..bytes], net);
                } else {
                    self.close(slot, Close { code: 1008, reason: "too much at once" });
                }
                self.queue_read(slot);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if let Some(connection) = self.get(slot) {
                    connection.readable = false;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.queue_read(slot),
            Err(_) => self.gone(slot, net),
        }
        self.buffer = buffer;
    }

    /// The peer has closed its side. What it is still owed is written, as long as it takes it.
    fn hung_up(&mut self, slot: Slot, net: &mut dyn Net) {
        self.gone(slot, net);
    }

    fn heard(&mut self, slot: Slot, input: &mut [u8], net: &mut dyn Net) {
        let now = self.wheel.tick(self.now);
        let Some(connection) = self.get(slot) else { return };
        connection.heard = now;
        match connection.phase {
            Phase::Head => self.hear_head(slot, input, net),
            Phase::Open => self.hear_frames(slot, input, net),
            Phase::Asking(_) | Phase::Meeting(_) | Phase::Opening(_) => connection.kept.extend_from_slice(input),
            Phase::Closing => self.hear_the_last(slot, input, net),
        }
    }

    /// Frames, one message at a time: after each its steps are taken, and the session may have to wait.
    fn hear_frames(&mut self, slot: Slot, input: &mut [u8], net: &mut dyn Net) {
        let (now, limits) = (self.now, self.limits(slot));
        let mut steps = std::mem::take(&mut self.steps);
        let (mut at, mut became) = (0, None);
        while let Some(connection) = self.get(slot).filter(|connection| matches!(connection.phase, Phase::Open)) {
            if connection.is_paused() {
                connection.kept.extend_from_slice(&input[at..]);
                break;
            }
            let Connection { decoder, session, .. } = connection;
            let mut other = None;
            let mut messages = 0;
            let result = decoder.push(&mut input[at..], &limits, &mut |incoming| {
                let frame = match incoming {
                    Incoming::Text(text) => Frame::Text(text),
                    Incoming::Binary(bytes) => Frame::Binary(bytes),
                    Incoming::Ping(payload) => return stop(other.insert(Heard::Ping(payload.to_vec()))),
                    Incoming::Pong(payload) => return stop(other.insert(Heard::Pong(payload.to_vec()))),
                    Incoming::Close { code, .. } => return stop(other.insert(Heard::Close(code))),
                };
                messages += 1;
                if let Some(session) = session {
                    session.hear(frame, now, &mut steps);
                }
                ControlFlow::Break(())
            });
            self.count_heard(slot, messages);
            if (messages > 0 || other.is_some()) && !self.spend_frame(slot) {
                self.close(slot, Close { code: 1008, reason: "too many messages" });
                break;
            }
            if let Some(sid) = self.take_steps(slot, &mut steps) {
                became = Some(sid);
                at = match result {
                    Ok(Progress::Stopped { consumed }) => at + consumed,
                    Ok(Progress::All | Progress::Closed) | Err(_) => input.len(),
                };
                break;
            }
            if let Some(heard) = other {
                self.hear_control(slot, heard, net);
            }
            match result {
                Ok(Progress::All | Progress::Closed) => break,
                Ok(Progress::Stopped { consumed }) => at += consumed,
                Err(violation) => {
                    self.violated(slot, violation);
                    break;
                }
            }
        }
        self.give_back(steps);
        if let Some(sid) = became {
            self.become_socket_of(slot, sid, &input[at..], net);
        }
    }

    /// A socket has become another session's; what is left of its input is for that one.
    fn become_socket_of(&mut self, slot: Slot, sid: Sid, rest: &[u8], net: &mut dyn Net) {
        match self.replace(slot, sid, net) {
            Some(session) => {
                if let Some(connection) = self.get(session) {
                    connection.kept.extend_from_slice(rest);
                }
                self.queue_read(session);
            }
            None => self.close(slot, Close { code: 1000, reason: "" }),
        }
    }

    fn violated(&mut self, slot: Slot, violation: frame::Violation) {
        if let Some(dialect) = self.get(slot).map(|connection| connection.dialect) {
            self.count_error(dialect, violation.reason());
        }
        self.close(slot, Close { code: violation.close_code(), reason: violation.reason() });
    }

    pub(super) fn count_heard(&mut self, slot: Slot, messages: u64) {
        let Some(dialect) = self.get(slot).map(|connection| usize::from(connection.dialect)) else { return };
        self.tally.doors[dialect].heard += messages;
    }

    fn hear_control(&mut self, slot: Slot, heard: Heard, net: &mut dyn Net) {
        match heard {
            Heard::Pong(payload) => self.ponged(slot, &payload),
            Heard::Ping(payload) => {
                self.say_raw(slot, |out| frame::encode_pong_into(out, &payload));
            }
            Heard::Close(code) => {
                self.say_raw(slot, |out| frame::encode_close_into(out, code, ""));
                self.closing(slot);
                // Both have said goodbye: what is owed is written, and then it ends (RFC 6455, 7.1.1).
                if let Some(connection) = self.get(slot) {
                    connection.close_code = code.unwrap_or(NO_CODE);
                    connection.peer_closed = true;
                }
                self.end_if_done(slot, net);
            }
        }
    }

    /// What comes after our goodbye: only the peer's own matters.
    fn hear_the_last(&mut self, slot: Slot, input: &mut [u8], net: &mut dyn Net) {
        let limits = self.limits(slot);
        let Some(connection) = self.get(slot) else { return };
        if connection.session.is_none() {
            return; // A refused upgrade: whatever it still sends is swallowed.
        }
        let mut closed = false;
        // After a violation the decoder says no more; then the peer's own end, or the deadline, is waited for: closing with
        // unread bytes would reset the connection and take our goodbye with it.
        let _ = connection.decoder.push(input, &limits, &mut |incoming| {
            closed |= matches!(incoming, Incoming::Close { .. });
            ControlFlow::Continue(())
        });
        connection.peer_closed |= closed;
        self.end_if_done(slot, net);
    }

    /// The outcome of a call, to the session.
    pub(super) fn answered(&mut self, slot: Slot, call: CallId, result: Result<&Reply, &Refusal>) {
        let now = self.now;
        let mut steps = std::mem::take(&mut self.steps);
        if let Some(connection) = self.get(slot)
            && let Some(session) = &mut connection.session
        {
            session.answer(call, result, now, &mut steps);
        }
        self.take_steps(slot, &mut steps);
        self.give_back(steps);
        self.queue_read(slot);
    }

    /// Takes a session's steps, in order. Nothing is taken from one who is leaving. Gives the session whose socket this
    /// has become, which hears what is left of its input: the last step then.
    pub(super) fn take_steps(&mut self, slot: Slot, steps: &mut Steps) -> Option<Sid> {
        for step in steps.drain(..) {
            let connection = self.get(slot)?;
            match (&connection.phase, step) {
                (Phase::Closing | Phase::Head | Phase::Asking(_) | Phase::Meeting(_), _) => {}
                (_, Step::Accept(protocol)) => self.accept(slot, protocol.as_deref()),
                (Phase::Opening(_), Step::Answer(answer)) => self.answer(slot, &answer),
                (Phase::Open, Step::Answer(_)) => {}
                (_, Step::Call(id, request)) => self.call(slot, id, request),
                (_, Step::Integrate(id, event)) => self.integrate(slot, id, event),
                (Phase::Open, Step::Say(text)) => {
                    self.say_raw(slot, |out| frame::encode_into(out, frame::Opcode::Text, &text));
                }
                (Phase::Open, Step::SayBinary(bytes)) => {
                    self.say_raw(slot, |out| frame::encode_into(out, frame::Opcode::Binary, &bytes));
                }
                (Phase::Open, Step::Identify(claim)) => self.identify_later(slot, claim),
                (Phase::Open, Step::Writers(id, room)) => self.writers_to(slot, id, &room),
                (Phase::Open, Step::Speak(tongue)) => self.speak(slot, tongue),
                (Phase::Open, Step::Place) => self.place_to(slot),
                (Phase::Open, Step::Follow) => connection.follows = true,
                (Phase::Open, Step::Asked) => self.asked(slot),
                (Phase::Open, Step::Answered) => self.answered_sign(slot),
                (Phase::Open, Step::Release(sid, text)) => self.release(slot, sid, text),
                (Phase::Open, Step::Replace(sid)) => return Some(sid),
                (Phase::Open, Step::Hint(room, kind)) => self.hint(slot, &room, kind),
                (Phase::Open, Step::Close(close)) => self.close(slot, close),
                (Phase::Open, Step::Abandon(close)) => self.abandon(slot, close),
                (
                    Phase::Opening(_),
                    Step::Say(_)
                    | Step::SayBinary(_)
                    | Step::Identify(_)
                    | Step::Writers(..)
                    | Step::Speak(_)
                    | Step::Place
                    | Step::Follow
                    | Step::Asked
                    | Step::Answered
                    | Step::Release(..)
                    | Step::Replace(_)
                    | Step::Hint(..)
                    | Step::Close(_)
                    | Step::Abandon(_),
                ) => {}
            }
        }
        None
    }

    /// Says something to one connection only, at its place in the order of what it is told.
    pub(super) fn say_raw(&mut self, slot: Slot, encode: impl FnOnce(&mut Vec<u8>)) {
        self.take_run(slot);
        if let Some(connection) = self.get(slot) {
            encode(&mut connection.outbox);
            self.queue_flush(slot);
        }
    }

    /// Says goodbye: a close frame, and then the peer's, or the deadline.
    pub(super) fn close(&mut self, slot: Slot, close: Close) {
        let Some(connection) = self.get(slot) else { return };
        if matches!(connection.phase, Phase::Open) {
            connection.close_code = close.code;
            // Whoever is polled has no close frame: what its session has said last is its goodbye.
            if !connection.is_polled() {
                self.say_raw(slot, |out| frame::encode_close_into(out, Some(close.code), close.reason));
            }
            self.closing(slot);
        }
    }

    /// From now on it is only written to, until it is done.
    pub(super) fn closing(&mut self, slot: Slot) {
        self.leave_all(slot);
        self.hub.watchers.remove(&slot);
        let now = self.wheel.tick(self.now);
        if let Some(connection) = self.get(slot) {
            connection.phase = Phase::Closing;
            connection.lag = None;
            connection.kept = Vec::new();
            connection.since_closing = now;
            if let Some(Link::Successor(sid)) = connection.link.as_deref() {
                let (sid, id) = (*sid, connection.id);
                connection.link = None;
                self.give_up(sid, id);
            }
        }
        self.queue_flush(slot);
        self.arm(slot);
        self.queue_read(slot);
    }

    /// A goodbye that both sides have said and that is written ends the connection.
    pub(super) fn end_if_done(&mut self, slot: Slot, net: &mut dyn Net) {
        let done = self.get(slot).is_some_and(|connection| {
            matches!(connection.phase, Phase::Closing) && connection.peer_closed && connection.waiting() == 0
        });
        if done {
            self.gone(slot, net);
        }
    }

    /// The connection is no more.
    pub(super) fn gone(&mut self, slot: Slot, net: &mut dyn Net) {
        self.leave_all(slot);
        self.hub.watchers.remove(&slot);
        let Some(mut connection) = self.connections[slot as usize].take() else { return };
        self.unlink(&mut connection);
        self.keyed.remove(&connection.id);
        self.tally.held_bytes -= u64::from(connection.weighed);
        net.close(slot);
        if let Some(session) = connection.session.as_mut() {
            let code = if connection.close_code == 0 { BROKEN_OFF } else { connection.close_code };
            self.say_farewell(connection.id, session.as_mut(), code, self.now);
        }
        // Replies that it will not hear give their places back.
        self.calls = self.calls.saturating_sub(connection.held.len());
        if let Some(who) = &connection.who {
            self.hub.remove_connection(&who.id, slot);
        }
        if connection.met {
            self.out.node.push(crate::node::Input::Gone(connection.id));
        }
        if connection.session.is_some() {
            let seconds = u64::from(self.wheel.tick(self.now).since(connection.since)) * TICK_MS / 1_000;
            let door = &mut self.tally.doors[usize::from(connection.dialect)];
            if connection.opened {
                door.open -= 1;
                door.closed += 1;
                door.closed_seconds += seconds;
            }
        }
    }
}

fn stop(_: &mut Heard) -> ControlFlow<()> {
    ControlFlow::Break(())
}
