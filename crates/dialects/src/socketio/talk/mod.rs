//! One client of `socketio`: nobody at first, then a user, in as many rooms as they like.
//!
//! ```text
//!            CONNECT                 `authenticate`                     (first time)
//!  ───────────────────────► nobody ─────────────────► proving ────────────────────────► somebody
//!    │   │                     │                         │  ▲                               │
//!    │   │                     └─ `wake`: 30 s: out      │  └──── `authenticate` once more ─┘
//!    │   │                                               └─ `identified`: denied: out
//!    │   └─ `auth.token`: proving, then as `pid` says, then CONNECT is answered
//!    └──── `auth.pid`: `Return`; who is back is somebody, in all rooms; else nobody, with a new `pid`
//! ```
//!
//! What the client says is taken in order ([`hear`]), and waits while it isn't known yet who says it, or while rooms are
//! being entered or left that it may speak of. Outcomes are said in [`reply`].

mod hear;
mod reply;

use std::collections::VecDeque;
use std::sync::Arc;

use domain::Text;
use domain::command::{Command, Reply};
use domain::id::{Cursor, MessageId, Millis, Offset, SessionKey, UserId};
use domain::identity::{Credential, Denied};
use domain::model::{Person, RoomKey, SessionRoom};
use domain::refusal::Refusal;
use serde::Serialize;

use super::app::{Ack, App, Connect, Event, Namespace, Out};
use super::engine::Version;
use super::heard::{self, Heard};
use super::packet::MAIN;
use super::{MANNERS, wire, words};
use crate::calls::Calls;
use crate::json;
use crate::step::{CallId, Claim, Request, Step};

/// How long somebody may be nobody, in milliseconds (RULES 22).
const NOBODY_MS: u64 = 30_000;
/// Events that wait at most, and the bytes of their contents.
const HELD_MAX: usize = 1024;
/// See [`HELD_MAX`].
const HELD_BYTES_MAX: usize = 1_000_000;

/// A client.
pub(super) struct Talk {
    /// What a client shows is not checked: it is who it says, whatever its token (RULES 6).
    unproved: bool,
    /// A new key, for a session that nobody comes back to.
    fresh: SessionKey,
    /// By which the client may come back; none where its protocol can't.
    key: Option<SessionKey>,
    /// Until when it may be nobody; none before it has connected.
    until: Option<Millis>,
    who: Option<Arc<Person>>,
    proving: Option<Proving>,
    rooms: Vec<Room>,
    calls: Calls<Doing>,
    /// Heard, and not looked at yet, with where the answer goes.
    held: VecDeque<(Heard, Option<Ack>)>,
    held_bytes: usize,
}

/// For what it is being found out who the client is.
enum Proving {
    /// To be connected; then it comes back, if it brought by what.
    Connect(Option<(SessionKey, Cursor)>),
    /// It has said `authenticate`.
    Event,
}

/// A room that the client is in, or enters.
struct Room {
    key: RoomKey,
    /// As the client named it, where others know it by another name.
    named: Option<Text>,
    /// It is in.
    inside: bool,
    /// How many times it enters just now.
    entering: usize,
}

/// What a call is for.
enum Doing {
    /// Coming back to this session.
    Return(SessionKey),
    /// Keeping what the session is made of; then, with a room, entering that by its name.
    Keep(Option<(RoomKey, Text)>),
    Enter(RoomKey, Text),
    Leave(RoomKey, Text),
    Send(Option<Ack>),
    Mark(Arc<[MessageId]>),
    Delete(Option<Ack>),
    Writers(Ack),
}

impl Talk {
    /// Of a client that has not connected yet.
    pub(super) fn new(unproved: bool, fresh: SessionKey) -> Self {
        Self {
            unproved,
            fresh,
            key: None,
            until: None,
            who: None,
            proving: None,
            rooms: Vec::new(),
            calls: Calls::default(),
            held: VecDeque::new(),
            held_bytes: 0,
        }
    }

    /// Answers CONNECT: at once, or when what the client brought back has been looked at.
    fn granted(&mut self, back: Option<(SessionKey, Cursor)>, out: &mut Out<'_>) {
        match back.filter(|_| self.key.is_some()) {
            Some((session, from)) => {
                let command = Command::Return { session, from, manners: MANNERS };
                self.calls.call(Doing::Return(session), Request::Do(command), out.steps);
            }
            None => self.connected(out),
        }
    }

    fn connected(&mut self, out: &mut Out<'_>) {
        let pid = self.key.map(|key| key.to_string());
        out.connected(MAIN, pid.as_deref());
        if self.who.is_some() {
            self.begin(out);
        }
    }

    /// The client is somebody from now on.
    fn begin(&mut self, out: &mut Out<'_>) {
        // Direct messages reach all of a user's clients (facts 4).
        out.step(Step::Follow);
        self.keep(None, out);
    }

    /// Keeps what the session is made of, so that a client that comes back is in every room that it was told it is in.
    fn keep(&mut self, then: Option<(RoomKey, Text)>, out: &mut Out<'_>) {
        match (self.key.filter(|_| self.who.is_some()), then) {
            (Some(session), then) => {
                let room = |room: &Room| SessionRoom { key: room.key.clone(), named: room.named.clone() };
                let rooms = self.rooms.iter().map(room).collect();
                // When the credential ends, and where it was put out of a room, is the shard's to say.
                let command = Command::Remember { session, rooms, ends: None, not_before: Offset(0) };
                self.calls.call(Doing::Keep(then), Request::Do(command), out.steps);
            }
            (None, Some((room, given))) => self.enter(room, given, out),
            (None, None) => {}
        }
    }

    /// Nobody comes back to the session from now on: the next user of this client may be another.
    fn forget(&mut self, now: Millis, out: &mut Out<'_>) {
        if let Some(session) = self.key.filter(|_| self.who.is_some()) {
            let command = Command::Remember { session, rooms: Vec::new(), ends: Some(now), not_before: Offset(0) };
            self.calls.call(Doing::Keep(None), Request::Do(command), out.steps);
        }
    }

    fn find(&mut self, room: &RoomKey) -> Option<&mut Room> {
        self.rooms.iter_mut().find(|known| known.key == *room)
    }

    fn is_in(&self, room: &RoomKey) -> bool {
        self.rooms.iter().any(|known| known.key == *room && known.inside)
    }

    /// One entering has come to nothing; true when the client is not in the room, and not about to be.
    fn gave_up(&mut self, room: &RoomKey) -> bool {
        let Some(known) = self.find(room) else { return true };
        known.entering = known.entering.saturating_sub(1);
        let out = !known.inside && known.entering == 0;
        if out {
            self.rooms.retain(|known| known.key != *room);
        }
        out
    }
}

/// Puts a client out for good: a stock client doesn't come back of itself.
fn put_out(out: &mut Out<'_>) {
    out.disconnect(MAIN);
    out.close();
}

fn emit(out: &mut Out<'_>, name: &str, payload: &impl Serialize) {
    out.emit(MAIN, name, |buffer| json::write(buffer, payload));
}

fn error(out: &mut Out<'_>, message: &str) {
    emit(out, "error", &wire::Error { message });
}

fn acknowledge(out: &mut Out<'_>, ack: Ack, payload: &impl Serialize) {
    out.ack(ack, |buffer| json::write(buffer, payload));
}

/// Says that something was not done: to whoever waits for an answer, else by an event.
fn not_done(out: &mut Out<'_>, ack: Option<Ack>, text: &str, unasked: &str) {
    match ack {
        Some(ack) => acknowledge(out, ack, &wire::NotDone { success: false, error: text }),
        None => error(out, unasked),
    }
}

/// By what a client comes back: the session's key, and how far it had heard.
fn back(pid: Option<&str>, offset: Option<&str>) -> Option<(SessionKey, Cursor)> {
    let pid = pid.filter(|pid| pid.len() == 32 && pid.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let key = u128::from_str_radix(pid, 16).ok()?;
    Some((SessionKey(key), offset?.parse().ok()?))
}

impl App for Talk {
    fn namespaces(&self) -> &'static [Namespace] {
        &[MAIN]
    }

    fn connect(&mut self, connect: Connect<'_>, now: Millis, out: &mut Out<'_>) {
        let shown = heard::handshake(connect.auth);
        self.until = Some(now.plus(NOBODY_MS));
        self.key = match out.version() {
            Version::Three => None,
            Version::Four => Some(self.fresh),
        };
        let back = back(shown.pid.as_deref(), shown.offset.as_deref());
        match shown.token {
            // First who it is: what somebody else left on this client is not for them.
            Some(token) => {
                self.proving = Some(Proving::Connect(back));
                out.step(Step::Identify(Claim { credential: Credential::Bearer(token), id: None, name: None }));
            }
            None => self.granted(back, out),
        }
    }

    fn event(&mut self, event: Event<'_>, _now: Millis, out: &mut Out<'_>) {
        let Some(heard) = heard::read(event.name, event.arguments) else { return };
        let bytes = heard.bytes();
        if self.held.len() == HELD_MAX || self.held_bytes + bytes > HELD_BYTES_MAX {
            return error(out, words::BUSY);
        }
        self.held_bytes += bytes;
        self.held.push_back((heard, event.ack));
        self.go_on(out);
    }

    fn left(&mut self, _namespace: Namespace, now: Millis, out: &mut Out<'_>) {
        self.forget(now, out);
        out.close();
    }

    fn answer(&mut self, call: CallId, reply: Result<&Reply, &Refusal>, _now: Millis, out: &mut Out<'_>) {
        self.replied(call, reply, out);
        self.go_on(out);
    }

    fn identified(&mut self, who: Result<&Arc<Person>, Denied>, now: Millis, out: &mut Out<'_>) {
        self.proved(who, now, out);
        self.go_on(out);
    }

    fn writers(&mut self, call: CallId, users: &[UserId], out: &mut Out<'_>) {
        if let Some(Doing::Writers(ack)) = self.calls.close(call) {
            let typing_users = users.iter().map(UserId::as_str).collect();
            acknowledge(out, ack, &wire::Writers { success: true, typing_users });
        }
    }

    fn removed(&mut self, room: &RoomKey, out: &mut Out<'_>) {
        self.put_out_of(room, out);
    }

    fn name_of(&self, room: &RoomKey) -> Option<&str> {
        self.rooms.iter().find(|known| known.key == *room)?.named.as_deref()
    }

    fn deadline(&self) -> Option<Millis> {
        let settled = self.who.is_some() || self.proving.is_some();
        self.until.filter(|_| !settled)
    }

    fn wake(&mut self, now: Millis, out: &mut Out<'_>) {
        if self.deadline().is_some_and(|until| until <= now) {
            put_out(out);
        }
    }

    fn rested(&mut self, now: Millis) {
        if self.until.is_some() {
            self.until = Some(now.plus(NOBODY_MS));
        }
    }
}
