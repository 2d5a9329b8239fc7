//! The Engine.IO side of a connection: handshake, heartbeats and messages, whichever transport carries them.
//!
//! Deadlines are absolute: each follows from the one before and not from the moment at which a timer came to it, so that
//! neither a coarse clock nor a late turn moves them.
//!
//! ```text
//!  version 4:  Ping ──(due: `2` is said)──► Pong ──(`3` is heard)──► Ping, one interval after the one before
//!                                             └──(pingTimeout)──► gone
//!  version 3:  Theirs ──(`2` is heard: `3` is said)──► Theirs, an interval and a timeout from now
//!                └──(passed)──► gone
//! ```

use std::borrow::Cow;

use domain::id::Millis;

use super::engine::{Form, Heard, Open, PAYLOAD_BYTES_MAX, Packet, Takes, Version};
use super::settings::Timing;
use crate::polling::Sid;
use crate::step::{Close, Frame, Step, Steps};

/// How long a client of version 3 is left alone when its socket has opened, in milliseconds. One that begins to listen
/// then (the public suite does) misses what came in one piece with the answer to its upgrade; those of version 4 listen
/// from the start.
pub(super) const GREETING_MS: u64 = 5;

/// A message of the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// Text.
    Text(&'a str),
    /// Binary data.
    Binary(Cow<'a, [u8]>),
}

/// How a client wants to be talked to, as its handshake says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    /// The version it speaks.
    pub(super) version: Version,
    /// What it can be sent. Only the handshake says so; it holds for the session.
    pub(super) takes: Takes,
    /// It polls, until a socket takes over.
    pub(super) polled: bool,
}

/// Whose sign of life is awaited, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beat {
    /// We ping at this moment.
    Ping(Millis),
    /// We have pinged, when it was due; the client answers.
    Pong(Millis),
    /// The client pings before this moment.
    Theirs(Millis),
}

/// One client's line.
#[derive(Debug)]
pub(super) struct Line {
    manner: Manner,
    timing: Timing,
    beat: Beat,
    /// The handshake, while it is not said yet, and when it will be.
    greeting: Option<(Millis, Vec<u8>)>,
}

impl Line {
    /// Accepts a client, and tells it the session's terms.
    pub(super) fn open(manner: Manner, timing: Timing, sid: Sid, now: Millis, steps: &mut Steps) -> Self {
        steps.push(Step::Accept(None));
        let open = Open {
            sid: &sid.to_string(),
            upgrades: if manner.polled { &["websocket"] } else { &[] },
            ping_interval_ms: timing.ping_interval_ms,
            ping_timeout_ms: timing.ping_timeout_ms,
            payload_bytes_max: (manner.version == Version::Four).then_some(PAYLOAD_BYTES_MAX),
        };
        let mut text = Vec::new();
        open.write(&mut text);
        let shy = manner.version == Version::Three && !manner.polled;
        let at = if shy { now.plus(GREETING_MS) } else { now };
        let beat = first_beat(manner.version, timing, now);
        let mut line = Self { manner, timing, beat, greeting: Some((at, text)) };
        if !shy {
            line.greet(steps);
        }
        line
    }

    /// Says the handshake, if it is not said yet. Nothing comes before it.
    pub(super) fn greet(&mut self, steps: &mut Steps) {
        steps.extend(self.greeting.take().map(|(_, text)| Step::Say(text)));
    }

    /// The version that the client speaks.
    pub(super) fn version(&self) -> Version {
        self.manner.version
    }

    /// Whether the client polls.
    pub(super) fn is_polled(&self) -> bool {
        self.manner.polled
    }

    /// Hears a frame; gives the message in it, if it is one. Whoever says what can't be read, or what only a server says,
    /// is closed on.
    pub(super) fn hear<'a>(&mut self, frame: Frame<'a>, now: Millis, steps: &mut Steps) -> Option<Message<'a>> {
        self.greet(steps);
        let text = match self.version().hear(frame) {
            Ok(Heard::Text(text)) => text,
            Ok(Heard::Binary(data)) => return Some(Message::Binary(data)),
            Err(_) => return self.fail("not a packet", steps),
        };
        match Packet::read(Frame::Text(text)) {
            Ok(Packet::Message(text)) => Some(Message::Text(text)),
            Ok(Packet::Ping(_)) => self.pinged(now, steps),
            Ok(Packet::Pong(_)) => self.ponged(now, steps),
            Ok(Packet::Close) => {
                self.left(steps);
                None
            }
            // The reference lets these pass: they mean nothing on an open session.
            Ok(Packet::Open(_) | Packet::Upgrade | Packet::Noop | Packet::Binary(_)) => None,
            Err(_) => self.fail("not a packet", steps),
        }
    }

    /// In version 3 it is the client who pings.
    fn pinged<'a>(&mut self, now: Millis, steps: &mut Steps) -> Option<Message<'a>> {
        match self.version() {
            Version::Three => {
                self.beat = first_beat(Version::Three, self.timing, now);
                steps.push(Step::Say(b"3".to_vec()));
                None
            }
            Version::Four => self.fail("the server pings", steps),
        }
    }

    /// One that nobody asked for changes nothing: else a client would never be pinged again.
    fn ponged<'a>(&mut self, now: Millis, steps: &mut Steps) -> Option<Message<'a>> {
        match self.beat {
            Beat::Pong(due) => {
                let next = due.plus(self.timing.ping_interval_ms);
                self.beat = Beat::Ping(next.max(now));
                steps.push(Step::Answered);
            }
            Beat::Ping(_) => {}
            Beat::Theirs(_) => return self.fail("the client pings", steps),
        }
        None
    }

    /// The client has closed. Its poll, which it still waits for or is about to send on another connection, ends with
    /// nothing (the suites' "should close the session").
    fn left(&mut self, steps: &mut Steps) {
        if self.is_polled() {
            steps.push(Step::Say(b"6".to_vec()));
        }
        steps.push(Step::Close(Close { code: 1000, reason: "" }));
    }

    /// Says goodbye after what was said.
    pub(super) fn close(&self, steps: &mut Steps) {
        if self.is_polled() {
            steps.push(Step::Say(b"1".to_vec()));
        }
        steps.push(Step::Close(Close { code: 1000, reason: "" }));
    }

    /// Ends a conversation that can't go on. There is never a message in that.
    pub(super) fn fail<'a>(&self, reason: &'static str, steps: &mut Steps) -> Option<Message<'a>> {
        steps.push(Step::Abandon(Close { code: 1002, reason }));
        None
    }

    /// Says a binary message, as this client can be sent it.
    pub(super) fn say_binary(&self, data: &[u8], steps: &mut Steps) {
        let mut message = Vec::with_capacity(data.len() + 1);
        steps.push(match self.version().say(self.manner.takes, Frame::Binary(data), &mut message) {
            Form::Text => Step::Say(message),
            Form::Binary => Step::SayBinary(message),
        });
    }

    /// Says a text message.
    pub(super) fn say_text(&self, text: &str, steps: &mut Steps) {
        let mut message = Vec::with_capacity(text.len() + 1);
        Packet::Message(text).write(&mut message);
        steps.push(Step::Say(message));
    }

    /// A socket carries it from now on.
    pub(super) fn upgraded(&mut self) {
        self.manner.polled = false;
    }

    /// Nothing was heard for reasons that aren't the client's: its time begins anew.
    pub(super) fn rested(&mut self, now: Millis) {
        self.beat = match self.beat {
            // Its answer may be waiting to be heard.
            Beat::Pong(_) => Beat::Pong(now),
            Beat::Ping(_) | Beat::Theirs(_) => first_beat(self.version(), self.timing, now),
        };
    }

    /// When to be woken.
    pub(super) fn deadline(&self) -> Millis {
        self.greeting.as_ref().map_or_else(|| self.beat_deadline(), |(at, _)| self.beat_deadline().min(*at))
    }

    fn beat_deadline(&self) -> Millis {
        match self.beat {
            Beat::Ping(at) | Beat::Theirs(at) => at,
            Beat::Pong(due) => due.plus(self.timing.ping_timeout_ms),
        }
    }

    /// Pings, or gives up; nothing when nothing is due.
    pub(super) fn wake(&mut self, now: Millis, steps: &mut Steps) {
        if self.greeting.as_ref().is_some_and(|(at, _)| *at <= now) {
            self.greet(steps);
        }
        if let Beat::Ping(due) = self.beat
            && due <= now
        {
            self.beat = Beat::Pong(due);
            steps.extend([Step::Asked, Step::Say(b"2".to_vec())]);
        }
        if !matches!(self.beat, Beat::Ping(_)) && self.beat_deadline() <= now {
            steps.push(Step::Abandon(Close { code: 1000, reason: "no sign of life" }));
        }
    }
}

fn first_beat(version: Version, timing: Timing, now: Millis) -> Beat {
    match version {
        Version::Three => Beat::Theirs(now.plus(timing.ping_interval_ms).plus(timing.ping_timeout_ms)),
        Version::Four => Beat::Ping(now.plus(timing.ping_interval_ms)),
    }
}
