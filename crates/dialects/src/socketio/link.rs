//! The session of a Socket.IO client: messages of its line become packets, packets go to the application.
//!
//! What is closed on is what the reference closes on: a packet that can't be read, one for a namespace that the client
//! isn't connected to, a second CONNECT, an attachment that nothing announced. Nothing is queued for a namespace that was
//! asked for and not granted yet: stock clients say nothing there before they are answered.
//!
//! ```text
//!  a namespace:  Out ──CONNECT──► Asked ──connected──► In ──DISCONNECT, or put out──► Out
//!                  ▲                └──refused──┐
//!                  └────────────────────────────┘
//! ```

use std::sync::Arc;

use domain::command::Reply;
use domain::id::{Millis, UserId};
use domain::identity::Denied;
use domain::model::{Person, RoomKey};
use domain::refusal::Refusal;

use super::app::{Ack, App, Connect, Event, Out};
use super::binary::Assembly;
use super::engine::Version;
use super::line::{GREETING_MS, Line, Manner, Message};
use super::out::{Place, Places};
use super::packet::{MAIN, Packet};
use super::settings::Timing;
use super::telling;
use crate::step::{CallId, Frame, Step, Steps};
use crate::{Opening, Session};

/// How long attachments may be awaited, in milliseconds: they follow their packet at once, as fast as the line is.
const ATTACHMENTS_MS: u64 = 30_000;

/// A client.
pub(super) struct Link {
    line: Line,
    assembly: Assembly,
    places: Places,
    app: Box<dyn App>,
    /// When it has to be connected to a namespace at last.
    connect_by: Millis,
    /// When what it has announced has to be there.
    attach_by: Option<Millis>,
    /// When it is connected to the main namespace unasked, as protocol 4 has it.
    greet_at: Option<Millis>,
}

impl Link {
    /// A client that has just come.
    pub(super) fn open(
        manner: Manner,
        timing: Timing,
        opening: &Opening,
        app: Box<dyn App>,
        now: Millis,
        steps: &mut Steps,
    ) -> Self {
        let mut stem = [0; 14];
        stem[..8].copy_from_slice(&opening.sid.connection.0.to_be_bytes());
        stem[8..].copy_from_slice(&now.0.to_be_bytes()[2..]);
        Self {
            line: Line::open(manner, timing, opening.sid, now, steps),
            assembly: Assembly::new(manner.version),
            places: Places::new(app.namespaces(), stem),
            app,
            connect_by: now.plus(timing.connect_timeout_ms),
            attach_by: None,
            // The first answer to who polls is the handshake alone; this is for the next.
            greet_at: (manner.version == Version::Three).then(|| now.plus(GREETING_MS)),
        }
    }

    fn with<T>(&mut self, steps: &mut Steps, act: impl FnOnce(&mut dyn App, &mut Out<'_>) -> T) -> T {
        let Self { line, places, app, .. } = self;
        act(app.as_mut(), &mut Out { line, places, steps })
    }

    fn greet(&mut self, now: Millis, steps: &mut Steps) {
        if self.greet_at.take().is_some() {
            self.line.greet(steps);
            self.packet(&Packet::Connect { namespace: MAIN, query: "", auth: None }, &[], now, steps);
        }
    }

    fn packet(&mut self, packet: &Packet<'_>, attachments: &[Vec<u8>], now: Millis, steps: &mut Steps) {
        let name = match packet {
            Packet::Connect { namespace, .. }
            | Packet::Disconnect { namespace }
            | Packet::Ack { namespace, .. }
            | Packet::ConnectError { namespace } => namespace,
            Packet::Event(event) => event.namespace,
        };
        let found = self.places.find(name);
        match (packet, found) {
            (Packet::Connect { .. }, None) => unknown(name, steps),
            (Packet::Connect { query, auth, .. }, Some((namespace, Place::Out))) => {
                self.places.set(namespace, Place::Asked);
                self.with(steps, |app, out| app.connect(Connect { namespace, auth: *auth, query }, now, out));
            }
            (Packet::Disconnect { .. }, Some((namespace, Place::In))) => {
                self.places.set(namespace, Place::Out);
                self.with(steps, |app, out| app.left(namespace, now, out));
            }
            (Packet::Event(event), Some((namespace, Place::In))) => {
                // Nothing of ours is called by a number.
                let Some(name) = event.name.as_deref() else { return };
                let ack = event.id.map(|id| Ack::new(namespace, id));
                let event = Event { namespace, name, arguments: event.arguments, ack, attachments };
                self.with(steps, |app, out| app.event(event, now, out));
            }
            (Packet::Ack { id, arguments, .. }, Some((namespace, Place::In))) => {
                self.with(steps, |app, out| app.acked(namespace, *id, *arguments, out));
            }
            (
                Packet::Connect { .. }
                | Packet::Disconnect { .. }
                | Packet::Event(_)
                | Packet::Ack { .. }
                | Packet::ConnectError { .. },
                _,
            ) => {
                self.line.fail("out of turn", steps);
            }
        }
    }

    fn text(&mut self, text: &str, now: Millis, steps: &mut Steps) {
        match self.assembly.hear_text(text) {
            Ok(Some(packet)) => self.packet(&packet, &[], now, steps),
            Ok(None) => self.attach_by = Some(now.plus(ATTACHMENTS_MS)),
            Err(_) => {
                self.line.fail("not a packet", steps);
            }
        }
    }

    fn binary(&mut self, data: &[u8], now: Millis, steps: &mut Steps) {
        match self.assembly.hear_binary(data) {
            Ok(Some(whole)) => {
                self.attach_by = None;
                self.packet(&whole.packet(), &whole.attachments, now, steps);
            }
            Ok(None) => {}
            Err(_) => {
                self.line.fail("not an attachment", steps);
            }
        }
    }
}

/// An object in either protocol, unlike an application's refusal.
fn unknown(namespace: &str, steps: &mut Steps) {
    let mut text = Vec::new();
    telling::write_connect_error(Version::Four, &mut text, namespace, "Invalid namespace");
    steps.push(Step::Say(text));
}

impl Session for Link {
    fn hear(&mut self, frame: Frame<'_>, now: Millis, steps: &mut Steps) {
        self.greet(now, steps);
        match self.line.hear(frame, now, steps) {
            Some(Message::Text(text)) => self.text(text, now, steps),
            Some(Message::Binary(data)) => self.binary(&data, now, steps),
            None => {}
        }
    }

    fn answer(&mut self, call: CallId, reply: Result<&Reply, &Refusal>, now: Millis, steps: &mut Steps) {
        self.with(steps, |app, out| app.answer(call, reply, now, out));
    }

    fn removed(&mut self, room: &RoomKey, steps: &mut Steps) {
        self.with(steps, |app, out| app.removed(room, out));
    }

    fn name_of(&self, room: &RoomKey) -> Option<&str> {
        self.app.name_of(room)
    }

    fn acks_by_echo(&self) -> bool {
        self.app.acks_by_echo()
    }

    fn identified(&mut self, who: Result<&Arc<Person>, Denied>, now: Millis, steps: &mut Steps) {
        self.with(steps, |app, out| app.identified(who, now, out));
    }

    fn writers(&mut self, call: CallId, users: &[UserId], steps: &mut Steps) {
        self.with(steps, |app, out| app.writers(call, users, out));
    }

    fn upgraded(&mut self) {
        self.line.upgraded();
    }

    fn rested(&mut self, now: Millis) {
        self.line.rested(now);
        self.attach_by = self.attach_by.map(|_| now.plus(ATTACHMENTS_MS));
        self.app.rested(now);
    }

    fn expired(&mut self, steps: &mut Steps) {
        self.with(steps, |app, out| app.expired(out));
    }

    fn dismissed(&mut self, steps: &mut Steps) {
        self.with(steps, |app, out| app.dismissed(out));
    }

    fn deadline(&self) -> Option<Millis> {
        let connect_by = (!self.places.came).then_some(self.connect_by);
        let beat = Some(self.line.deadline());
        [beat, connect_by, self.attach_by, self.greet_at, self.app.deadline()].into_iter().flatten().min()
    }

    fn wake(&mut self, now: Millis, steps: &mut Steps) {
        if self.greet_at.is_some_and(|at| at <= now) {
            self.greet(now, steps);
        }
        if self.app.deadline().is_some_and(|at| at <= now) {
            self.with(steps, |app, out| app.wake(now, out));
        }
        if !self.places.came && self.connect_by <= now {
            self.line.close(steps);
        }
        if self.attach_by.is_some_and(|at| at <= now) {
            self.line.fail("attachments are missing", steps);
        }
        self.line.wake(now, steps);
    }
}
