//! Sessions without a socket: requests poll what is told and post what is said, until a socket takes their place.
//!
//! What is to be told waits in the outbox as whole frames, like for a socket; a request that polls takes all of it, and
//! the dialect puts it into the shape that its wire has for several messages at once. So everything else (runs, lagging,
//! bounds) is the same for both.
//!
//! ```text
//!  Open ─► polled ──(a socket: `Link::Successor`, whose session says `Replace`)──► moved: a socket like any other
//!            │ overlapping requests, a request that is broken off, its session's close
//!            └───────────────────────────────────────────────────────────────────► gone
//! ```

use std::collections::VecDeque;

use dialects::{Answer, Ask, Close, Dialect, Frame, Poll, Posted, Sid};
use domain::id::ConnectionId;
use domain::limits;

use super::connection::{Connection, Phase};
use super::wheel::Tick;
use super::{Net, Shard, Slot};
use crate::frame::{self, Opcode};
use crate::node::Token;

/// How long a poll waits while a socket is about to take over, in milliseconds: its client waits for the poll's end.
const RELEASE_MS: u64 = 100;

/// A request on a polled path.
#[derive(Debug)]
pub struct PollCall {
    /// Its answer goes out under this.
    pub token: Token,
    /// Which dialect, by its place.
    pub dialect: u8,
    /// What it means. Never `Answer`.
    pub poll: Poll,
    /// The request.
    pub ask: Ask,
}

/// What a connection is beside a socket that was accepted.
#[derive(Debug)]
pub(super) enum Link {
    /// It is polled, or was before a socket took its place.
    Polled(Polled),
    /// It is a socket that is to take the place of this session.
    Successor(Sid),
}

/// A session's requests.
#[derive(Debug)]
pub(super) struct Polled {
    /// What its name says beside the connection.
    secret: u128,
    /// The poll that waits, since when, and the request.
    pub(super) get: Option<(Token, Tick, Box<Ask>)>,
    /// The post that is being heard, and what is left of it.
    pub(super) post: Option<(Token, Box<Ask>, VecDeque<Posted>)>,
    /// The socket that is about to take over.
    pub(super) successor: Option<ConnectionId>,
    /// What a poll is answered with meanwhile when there is nothing else.
    pub(super) release: Option<Vec<u8>>,
    /// A socket has taken over.
    pub(super) moved: bool,
    /// Nothing can be said with its client any more: it goes when it comes to be flushed.
    pub(super) abandoned: bool,
}

impl Polled {
    /// Whether a post is left to be heard.
    pub(super) fn has_posted(&self) -> bool {
        self.post.is_some()
    }

    /// The poll that waits, to be answered by somebody else.
    pub(super) fn take_poll(&mut self) -> Option<Token> {
        self.get.take().map(|(token, ..)| token)
    }

    /// When its poll has to be answered at the latest, while a socket is about to take over.
    pub(super) fn release_at(&self) -> Option<Tick> {
        let (_, since, _) = self.get.as_ref()?;
        self.release.as_ref().map(|_| since.plus_ms(RELEASE_MS))
    }
}

impl Shard {
    /// A request on a polled path.
    pub(super) fn poll_called(&mut self, call: PollCall, net: &mut dyn Net) {
        let PollCall { token, dialect, poll, ask } = call;
        match poll {
            Poll::Open => self.open_polled(token, dialect, &ask, net),
            Poll::Get(sid) | Poll::Post(sid) => {
                // A deadline that has passed counts, whether or not its turn has come.
                if let Some(slot) = self.polled_slot(sid) {
                    self.wake_session(slot, self.now);
                }
                let Some(slot) = self.polled_slot(sid) else { return self.no_such_session(token, dialect, &ask) };
                let open = self.get(slot).is_some_and(|connection| matches!(connection.phase, Phase::Open));
                match poll {
                    _ if !self.get(slot).is_some_and(|connection| connection.is_polled()) => {
                        if let Some(polling) = self.parts.dialects[usize::from(dialect)].polling() {
                            let answer = polling.moved(&ask);
                            self.out.answers.push((token, answer));
                        }
                    }
                    Poll::Get(_) => self.poll_get(slot, token, ask, net),
                    Poll::Post(_) if open => self.poll_post(slot, token, ask, net),
                    Poll::Post(_) | Poll::Open | Poll::Answer(_) => self.no_such_session(token, dialect, &ask),
                }
            }
            Poll::Answer(answer) => self.out.answers.push((token, answer)),
        }
    }

    /// Whoever asked has broken off: what was told to nobody would be lost in silence, so the session ends, and its
    /// client may come back and resume.
    pub(super) fn poll_gone(&mut self, sid: Sid, token: Token, net: &mut dyn Net) {
        let Some(slot) = self.polled_slot(sid) else { return };
        let waited = self.get(slot).and_then(Connection::polled).is_some_and(|polled| {
            polled.get.as_ref().is_some_and(|(waiting, ..)| *waiting == token)
                || polled.post.as_ref().is_some_and(|(waiting, ..)| *waiting == token)
        });
        if waited {
            self.gone(slot, net);
        }
    }

    fn no_such_session(&mut self, token: Token, dialect: u8, ask: &Ask) {
        if let Some(polling) = self.parts.dialects[usize::from(dialect)].polling() {
            let answer = polling.unknown(ask);
            self.out.answers.push((token, answer));
        }
    }

    fn open_polled(&mut self, token: Token, dialect: u8, ask: &Ask, net: &mut dyn Net) {
        if self.polled >= limits::POLLED_PER_SHARD_MAX {
            let busy = Answer::json(503, &serde_json::json!({ "detail": "Try again" })).with("retry-after", "1");
            return self.out.answers.push((token, busy));
        }
        self.polled += 1;
        let slot = net.reserve();
        self.accepted(slot);
        let secret = self.secret();
        let since = self.wheel.tick(self.now);
        let Some(connection) = self.get(slot) else { return };
        (connection.dialect, connection.readable) = (dialect, false);
        let get = Some((token, since, Box::new(ask.clone())));
        let polled = Polled { secret, get, post: None, successor: None, release: None, moved: false, abandoned: false };
        connection.link = Some(Box::new(Link::Polled(polled)));
        let sid = Sid { connection: connection.id, secret };
        self.open_session(slot, ask, None, sid);
    }

    /// The polled session of this name, also when a socket has taken over.
    pub(super) fn polled_slot(&self, sid: Sid) -> Option<Slot> {
        let slot = self.slot_of(sid.connection)?;
        let connection = self.connections.get(slot as usize)?.as_deref()?;
        match connection.link.as_deref() {
            Some(Link::Polled(polled)) if polled.secret == sid.secret && !polled.abandoned => Some(slot),
            Some(Link::Polled(_) | Link::Successor(_)) | None => None,
        }
    }

    /// Closes on a client with which nothing can be said any more.
    pub(super) fn abandon(&mut self, slot: Slot, close: Close) {
        match self.get(slot).and_then(Connection::polled) {
            Some(polled) => {
                polled.abandoned = true;
                self.closing(slot);
            }
            None => self.close(slot, close),
        }
    }

    fn poll_get(&mut self, slot: Slot, token: Token, ask: Ask, net: &mut dyn Net) {
        let (now, doors) = (self.wheel.tick(self.now), self.parts.dialects.clone());
        let Some(connection) = self.get(slot) else { return };
        let Some(polling) = doors[usize::from(connection.dialect)].polling() else { return };
        connection.heard = now;
        let leaving = matches!(connection.phase, Phase::Closing) && connection.waiting() == 0;
        let Some(polled) = connection.polled() else { return };
        if polled.get.is_some() {
            self.out.answers.push((token, polling.overlapping(&ask)));
            return self.gone(slot, net);
        }
        polled.get = Some((token, now, Box::new(ask)));
        if leaving {
            return self.gone(slot, net);
        }
        (connection.blocked, connection.moved) = (false, now);
        self.queue_flush(slot);
        self.arm(slot);
    }

    fn poll_post(&mut self, slot: Slot, token: Token, ask: Ask, net: &mut dyn Net) {
        let (now, doors) = (self.wheel.tick(self.now), self.parts.dialects.clone());
        let Some(connection) = self.get(slot) else { return };
        let Some(polling) = doors[usize::from(connection.dialect)].polling() else { return };
        connection.heard = now;
        let Some(polled) = connection.polled() else { return };
        let refused = if polled.post.is_some() { Err(polling.overlapping(&ask)) } else { polling.posted(&ask) };
        let bytes = ask.body.len();
        match refused {
            Ok(posted) => {
                polled.post = Some((token, Box::new(Ask { body: Vec::new(), ..ask }), posted.into()));
                if self.spend_bytes(slot, bytes) {
                    self.hear_posted(slot);
                } else {
                    self.gone(slot, net);
                }
            }
            Err(answer) => {
                self.out.answers.push((token, answer));
                self.gone(slot, net);
            }
        }
    }

    /// What was posted, one message at a time, like frames of a socket; the rest waits while the connection is paused.
    pub(super) fn hear_posted(&mut self, slot: Slot) {
        let now = self.now;
        loop {
            let Some(connection) = self.get(slot) else { return };
            let (open, paused) = (matches!(connection.phase, Phase::Open), connection.is_paused());
            // The last one is answered at once: its client may poll only when it has been.
            let some =
                connection.polled().and_then(|polled| polled.post.as_ref()).is_some_and(|post| !post.2.is_empty());
            if open && paused && some {
                return;
            }
            let next = connection.polled().and_then(|polled| polled.post.as_mut()).and_then(|post| post.2.pop_front());
            let Some(posted) = next.filter(|_| open) else { break };
            let mut steps = std::mem::take(&mut self.steps);
            if let Some(session) = self.get(slot).and_then(|connection| connection.session.as_mut()) {
                session.hear(posted.frame(), now, &mut steps);
            }
            self.count_heard(slot, 1);
            if self.spend_frame(slot) {
                self.take_steps(slot, &mut steps);
            } else {
                self.close(slot, Close { code: 1008, reason: "too many messages" });
            }
            self.give_back(steps);
        }
        let doors = self.parts.dialects.clone();
        let Some(connection) = self.get(slot) else { return };
        let dialect = usize::from(connection.dialect);
        let post = connection.polled().and_then(|polled| polled.post.take());
        if let (Some((token, ask, _)), Some(polling)) = (post, doors[dialect].polling()) {
            self.out.answers.push((token, polling.heard(&ask)));
        }
        self.arm(slot);
    }

    /// Gives the poll that waits everything in the outbox; false when no poll waits.
    pub(super) fn give_to_poll(&mut self, slot: Slot) -> bool {
        let now = self.wheel.tick(self.now);
        let Some(connection) = self.connections[slot as usize].as_deref_mut() else { return false };
        let dialect = usize::from(connection.dialect);
        let Some((token, _, ask)) = connection.polled().and_then(|polled| polled.get.take()) else { return false };
        let outbox = std::mem::take(&mut connection.outbox);
        connection.sent = 0;
        connection.moved = now;
        let answer = told(self.parts.dialects[dialect].as_ref(), &ask, &outbox);
        self.out.answers.extend(answer.map(|answer| (token, answer)));
        true
    }

    /// A socket takes over no more: another one may.
    pub(super) fn give_up(&mut self, sid: Sid, socket: ConnectionId) {
        if let Some(slot) = self.polled_slot(sid)
            && let Some(polled) = self.get(slot).and_then(Connection::polled)
            && polled.successor == Some(socket)
        {
            (polled.successor, polled.release) = (None, None);
        }
    }

    /// What a connection that goes leaves behind: requests are answered, and who was to be replaced lives on.
    pub(super) fn unlink(&mut self, connection: &mut Connection) {
        let Some(link) = connection.link.take() else { return };
        let dialects = self.parts.dialects.clone();
        let dialect = dialects[usize::from(connection.dialect)].as_ref();
        match *link {
            Link::Successor(sid) => self.give_up(sid, connection.id),
            Link::Polled(polled) => {
                self.polled -= usize::from(!polled.moved);
                if let Some(successor) = polled.successor.and_then(|id| self.slot_of(id)) {
                    self.close(successor, Close { code: 1000, reason: "" });
                }
                let Some(polling) = dialect.polling() else { return };
                if let Some((token, _, ask)) = polled.get {
                    let mut outbox = connection.outbox.split_off(connection.sent as usize);
                    if outbox.is_empty() {
                        frame::encode_into(&mut outbox, Opcode::Text, polling.ended().as_bytes());
                    }
                    self.out.answers.extend(told(dialect, &ask, &outbox).map(|answer| (token, answer)));
                }
                if let Some((token, ask, _)) = polled.post {
                    self.out.answers.push((token, polling.heard(&ask)));
                }
            }
        }
    }
}

/// Frames that wait in an outbox, as the answer to a poll.
fn told(dialect: &dyn Dialect, ask: &Ask, outbox: &[u8]) -> Option<Answer> {
    let polling = dialect.polling()?;
    let mut messages = Vec::new();
    let mut rest = outbox;
    while let Some((opcode, payload, behind)) = frame::split_own(rest) {
        match opcode {
            Opcode::Text => messages.extend(std::str::from_utf8(payload).map(Frame::Text)),
            Opcode::Binary => messages.push(Frame::Binary(payload)),
            Opcode::Continuation | Opcode::Close | Opcode::Ping | Opcode::Pong => {}
        }
        rest = behind;
    }
    Some(polling.told(ask, &mut messages.into_iter()))
}
