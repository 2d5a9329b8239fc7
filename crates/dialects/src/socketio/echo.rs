//! What the public conformance suites talk to: an application for those of Socket.IO, and an endpoint below it that says
//! again what it hears for those of Engine.IO. The product serves neither.

use domain::command::Reply;
use domain::event::News;
use domain::id::{Door, Millis};
use domain::identity::{Credential, Denied};
use domain::model::RoomKey;
use domain::refusal::Refusal;

use super::app::{App, Connect, Event, Namespace, Out};
use super::engine::PAYLOAD_BYTES_MAX;
use super::line::{Line, Message};
use super::open;
use super::packet::MAIN;
use super::poll::Requests;
use super::settings::Timing;
use crate::step::{CallId, Frame, Steps};
use crate::{Answer, Ask, Audience, Dialect, Opening, Polling, Said, Session, Way, door, json};

/// What the suites are written for: nobody who watches them waits for 25 seconds.
const TIMING: Timing = Timing { ping_interval_ms: 300, ping_timeout_ms: 200, connect_timeout_ms: 1_000 };

/// What says again what it hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    /// Messages of Engine.IO.
    Messages,
    /// Events of Socket.IO.
    Events,
}

impl Dialect for Echo {
    fn name(&self) -> &'static str {
        match self {
            Self::Messages => "engineio",
            Self::Events => "socketio",
        }
    }

    fn door(&self) -> Door {
        door::SOCKETIO
    }

    fn doors(&self) -> Vec<Way> {
        let path = match self {
            Self::Messages => "/engine.io/",
            Self::Events => "/socket.io/",
        };
        vec![Way::Socket(path.into()), Way::Polled(path.into())]
    }

    fn knows_at_once(&self) -> bool {
        false
    }

    fn is_raw(&self) -> bool {
        false
    }

    fn message_bytes_max(&self) -> Option<usize> {
        Some(PAYLOAD_BYTES_MAX)
    }

    fn polling(&self) -> Option<&dyn Polling> {
        Some(&Requests)
    }

    fn who(&self, _ask: &Ask) -> Option<Credential> {
        None
    }

    fn denied(&self, ask: &Ask, _why: Denied) -> Answer {
        Requests.unknown(ask)
    }

    fn open(&self, ask: &Ask, opening: &Opening, now: Millis, steps: &mut Steps) -> Box<dyn Session> {
        match self {
            Self::Messages => open::open_line(ask, now, steps, |manner, steps| {
                Box::new(Messages(Line::open(manner, TIMING, opening.sid, now, steps)))
            }),
            Self::Events => open::open(TIMING, ask, opening, now, steps, |_| Box::new(Events)),
        }
    }

    fn tell(&self, _news: &News, _to: Audience<'_>, _said: &mut Said) {}
}

/// Says every message again.
struct Messages(Line);

impl Session for Messages {
    fn hear(&mut self, frame: Frame<'_>, now: Millis, steps: &mut Steps) {
        match self.0.hear(frame, now, steps) {
            Some(Message::Text(text)) => self.0.say_text(text, steps),
            Some(Message::Binary(data)) => self.0.say_binary(&data, steps),
            None => {}
        }
    }

    fn answer(&mut self, _call: CallId, _reply: Result<&Reply, &Refusal>, _now: Millis, _steps: &mut Steps) {}

    fn removed(&mut self, _room: &RoomKey, _steps: &mut Steps) {}

    fn upgraded(&mut self) {
        self.0.upgraded();
    }

    fn rested(&mut self, now: Millis) {
        self.0.rested(now);
    }

    fn dismissed(&mut self, steps: &mut Steps) {
        self.0.close(steps);
    }

    fn deadline(&self) -> Option<Millis> {
        Some(self.0.deadline())
    }

    fn wake(&mut self, now: Millis, steps: &mut Steps) {
        self.0.wake(now, steps);
    }
}

/// Says who came, and certain events again.
struct Events;

impl App for Events {
    fn namespaces(&self) -> &'static [Namespace] {
        &[MAIN, "/custom"]
    }

    fn connect(&mut self, connect: Connect<'_>, _now: Millis, out: &mut Out<'_>) {
        out.connected(connect.namespace, None);
        out.emit(connect.namespace, "auth", |buffer| match connect.auth {
            Some(auth) => buffer.extend_from_slice(auth.get().as_bytes()),
            None if connect.query.is_empty() => buffer.extend_from_slice(b"{}"),
            None => json::write(buffer, &connect.query),
        });
    }

    fn event(&mut self, event: Event<'_>, _now: Millis, out: &mut Out<'_>) {
        let Event { namespace, name, arguments, ack, attachments } = event;
        if namespace != MAIN {
            return;
        }
        let again = |buffer: &mut Vec<u8>| buffer.extend_from_slice(arguments.as_str().as_bytes());
        match (name, ack) {
            ("message", _) => out.emit_with(namespace, "message-back", attachments, again),
            ("message-with-ack", Some(ack)) => out.ack_with(ack, attachments, again),
            (_, _) => {}
        }
    }

    fn left(&mut self, _namespace: Namespace, _now: Millis, _out: &mut Out<'_>) {}

    fn answer(&mut self, _call: CallId, _reply: Result<&Reply, &Refusal>, _now: Millis, _out: &mut Out<'_>) {}

    fn removed(&mut self, _room: &RoomKey, _out: &mut Out<'_>) {}
}
