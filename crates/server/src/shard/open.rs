//! From accept to upgrade: the head of the request, and the session that decides. Who asks is found out in `identify`.
//!
//! ```text
//!  accepted ─► Head ──(no upgrade: handed to HTTP)
//!               │ upgrade to a known door, admitted
//!               ├──► Asking (the Auth Service) ── denied: Answer ─────────────────────►┐
//!               ▼       │                                                              │
//!            Meeting ◄──┘                                                              │
//!               ├── `met` ─► Opening ── Accept ─► Open ── close ─► Closing ─► gone
//!               └── Answer ──────────┴── Answer ───────────────────────►┘
//! ```

use std::sync::Arc;

use dialects::polling::BadSid;
use dialects::{Answer, Ask, Opening, Request, Sid, Steps};
use domain::command::{Command, Reply};
use domain::id::{ConnectionId, Door, SessionKey};
use domain::identity::{Denied, Identity, Standing};
use domain::limits;
use domain::model::Person;
use domain::query::Query;
use domain::refusal::Refusal;

use super::connection::{Connection, MEET, Phase};
use super::polling::{Link, Polled};
use super::wheel::Tick;
use super::{Net, Shard, Slot};
use crate::handshake::{self, Head, Upgrade};
use crate::node::{Call, Input as ToNode, ReplyTo};

impl Shard {
    pub(super) fn accepted(&mut self, slot: Slot) {
        let index = slot as usize;
        if self.connections.len() <= index {
            self.connections.resize_with(index + 1, || None);
            self.generations.resize(index + 1, 0);
        }
        let generation = (self.generations[index] + 1) & 0x00ff_ffff;
        self.generations[index] = generation;
        let id = u64::from(self.parts.id) << 56 | u64::from(generation) << 32 | u64::from(slot);
        let allowance = &self.parts.allowance;
        let now = self.wheel.tick(self.now);
        let connection = Connection::new(ConnectionId(id), now, allowance.frames_burst, allowance.bytes_burst);
        self.connections[index] = Some(Box::new(connection));
        self.arm(slot);
        self.queue_read(slot);
    }

    /// More of a request's head. Gives it to HTTP when it asks for no socket of ours.
    pub(super) fn hear_head(&mut self, slot: Slot, input: &[u8], net: &mut dyn Net) {
        let Some(connection) = self.get(slot) else { return };
        let seen = connection.kept.len();
        connection.kept.extend_from_slice(input);
        let kept = std::mem::take(&mut connection.kept);
        match handshake::read(&kept, seen) {
            Ok(None) => {
                if let Some(connection) = self.get(slot) {
                    connection.kept = kept;
                }
            }
            Ok(Some(head)) => self.head_read(slot, &head, &kept, net),
            Err(bad) => self.answer_raw(slot, &bad.answer()),
        }
    }

    fn head_read(&mut self, slot: Slot, head: &Head<'_>, kept: &[u8], net: &mut dyn Net) {
        match handshake::upgrade_wanted(head) {
            Upgrade::NotWanted => return self.hand_over(slot, kept, net),
            Upgrade::Bad(bad) => return self.answer_raw(slot, &bad.answer()),
            Upgrade::Wanted { .. } => {}
        }
        let mut ask = ask_of(head);
        ask.peer = net.peer(slot);
        let Some(dialect) = self.doors.iter().find(|(_, path)| ask.captures(path)).map(|(dialect, _)| *dialect) else {
            return self.hand_over(slot, kept, net);
        };
        let rest = kept[head.bytes..].to_vec();
        if let Some(connection) = self.get(slot) {
            connection.dialect = dialect;
            connection.kept = rest;
        }
        if let Err(answer) = self.parts.gate.admit(&ask) {
            return self.answer(slot, &answer);
        }
        ask.peer = self.parts.gate.source(&ask);
        let doors = self.parts.dialects.clone();
        let door = doors[usize::from(dialect)].as_ref();
        if let Some(polling) = door.polling()
            && let Some(successor_of) = polling.successor_of(&ask).transpose()
        {
            return self.succeed_or_move(slot, successor_of, &ask, kept, net);
        }
        if !door.knows_at_once() {
            return self.open_nobodys(slot, &ask);
        }
        self.who_asks(slot, ask);
    }

    /// It is known who asks for a socket: now that is made durable.
    pub(super) fn meet(&mut self, slot: Slot, ask: Ask, identity: Identity) {
        let ends = identity.ends;
        if let Some(connection) = self.get(slot) {
            connection.phase = Phase::Meeting(Box::new(ask));
            connection.ends = ends;
            connection.met = true;
        }
        self.call(slot, MEET, Request::Do(Command::Meet(identity)));
    }

    /// The user is durable: the session exists from now on, and decides.
    pub(super) fn met(&mut self, slot: Slot, result: Result<&Reply, &Refusal>) {
        let Some(connection) = self.get(slot) else { return };
        if matches!(connection.phase, Phase::Open) {
            return match result {
                Ok(Reply::Met(who)) => self.identified(slot, Ok(who)),
                Ok(_) | Err(_) => self.identified(slot, Err(Denied::Unavailable)),
            };
        }
        let Phase::Meeting(ask) = std::mem::replace(&mut connection.phase, Phase::Closing) else { return };
        let Ok(Reply::Met(who)) = result else {
            let busy = Answer::json(503, &serde_json::json!({ "detail": "Try again" })).with("retry-after", "1");
            return self.answer(slot, &busy);
        };
        let Some(sid) = self.new_sid(slot) else { return };
        self.belongs_to(slot, who);
        self.open_session(slot, &ask, Some(who.clone()), sid);
    }

    /// A session for somebody who will say later who it is.
    fn open_nobodys(&mut self, slot: Slot, ask: &Ask) {
        if let Some(sid) = self.new_sid(slot) {
            self.open_session(slot, ask, None, sid);
        }
    }

    fn new_sid(&mut self, slot: Slot) -> Option<Sid> {
        let secret = self.secret();
        self.get(slot).map(|connection| Sid { connection: connection.id, secret })
    }

    /// The connection is this user's from now on.
    pub(super) fn belongs_to(&mut self, slot: Slot, who: &Arc<Person>) {
        let Some(connection) = self.get(slot) else { return };
        let (id, open) = (connection.id, matches!(connection.phase, Phase::Open));
        if connection.who.replace(who.clone()).is_none() {
            self.hub.add_connection(&who.id, slot);
            if open {
                self.out.node.push(ToNode::Opened(id));
            }
        }
    }

    /// The session exists from now on, and decides.
    pub(super) fn open_session(&mut self, slot: Slot, ask: &Ask, who: Option<Arc<Person>>, sid: Sid) {
        let (now, key) = (self.now, SessionKey(self.secret()));
        let Some(place) = self.get(slot).map(|connection| connection.dialect) else { return };
        let (dialect, caller) = (usize::from(place), self.caller(place, ask));
        let mut steps = std::mem::take(&mut self.steps);
        let session = self.parts.dialects[dialect].open(ask, &Opening { who, sid, key }, now, &mut steps);
        let key = ask.header("sec-websocket-key").unwrap_or_default();
        if let Some(connection) = self.get(slot) {
            connection.phase = Phase::Opening(key.into());
            connection.session = Some(session);
            connection.caller = caller;
        }
        self.take_steps(slot, &mut steps);
        self.give_back(steps);
    }

    /// A socket that is to take the place of a polled session's requests: in the shard where that lives.
    fn succeed_or_move(
        &mut self,
        slot: Slot,
        successor_of: Result<Sid, BadSid>,
        ask: &Ask,
        kept: &[u8],
        net: &mut dyn Net,
    ) {
        let shard = |sid: Sid| sid.connection.0.to_be_bytes()[0];
        match successor_of {
            Ok(sid) if shard(sid) != self.parts.id && shard(sid) < self.parts.shards => {
                if let Some(connection) = self.connections[slot as usize].take() {
                    self.tally.held_bytes -= u64::from(connection.weighed);
                }
                net.move_to(slot, shard(sid), kept.to_vec());
            }
            Ok(sid) if self.polled_slot(sid).is_some() => {
                let first = self.succeed(slot, sid);
                if let Some(connection) = self.get(slot) {
                    connection.link = Some(Box::new(Link::Successor(sid)));
                }
                self.open_nobodys(slot, ask);
                if !first {
                    // Another socket was faster: this one is told so by being closed, as its wire expects.
                    self.close(slot, dialects::Close { code: 1000, reason: "" });
                }
            }
            Ok(_) | Err(BadSid) => {
                let dialect = self.get(slot).map_or(0, |connection| usize::from(connection.dialect));
                let doors = self.parts.dialects.clone();
                if let Some(polling) = doors[dialect].polling() {
                    self.answer(slot, &polling.unknown(ask));
                }
            }
        }
    }

    /// The session says yes.
    pub(super) fn accept(&mut self, slot: Slot, protocol: Option<&str>) {
        let now = self.wheel.tick(self.now);
        let Some(connection) = self.get(slot) else { return };
        let Phase::Opening(key) = &connection.phase else { return };
        if connection.link.is_none() || matches!(connection.link.as_deref(), Some(Link::Successor(_))) {
            connection.outbox.extend_from_slice(&handshake::switching(key, protocol));
        }
        connection.phase = Phase::Open;
        connection.opened = true;
        let dialect = usize::from(connection.dialect);
        if connection.who.is_some() {
            let opened = ToNode::Opened(connection.id);
            self.out.node.push(opened);
        }
        if self.parts.dialects.get(dialect).is_some_and(|dialect| dialect.hears_statuses()) {
            self.hub.watchers.insert(slot);
        }
        let Some(connection) = self.get(slot) else { return };
        (connection.since, connection.heard, connection.ponged, connection.pinged) = (now, now, now, now);
        self.tally.doors[dialect].open += 1;
        self.arm(slot);
        self.queue_flush(slot);
        self.queue_read(slot);
    }

    /// Answers instead of upgrading, and closes.
    pub(super) fn answer(&mut self, slot: Slot, answer: &Answer) {
        if let Some(token) = self.get(slot).and_then(Connection::polled).and_then(Polled::take_poll) {
            self.out.answers.push((token, answer.clone()));
            return self.closing(slot);
        }
        let mut headers: Vec<(&str, &str)> = vec![("content-type", answer.content_type)];
        headers.extend(answer.headers.iter().map(|(name, value)| (*name, value.as_str())));
        let body = String::from_utf8_lossy(&answer.body);
        self.answer_raw(slot, &handshake::refusal(answer.status, &headers, &body));
    }

    fn answer_raw(&mut self, slot: Slot, bytes: &[u8]) {
        let Some(connection) = self.get(slot) else { return };
        connection.outbox.extend_from_slice(bytes);
        connection.kept = Vec::new();
        // Whoever was turned away is no open connection, however long they take to hang up.
        if std::mem::take(&mut connection.met) {
            let gone = ToNode::Gone(connection.id);
            self.out.node.push(gone);
        }
        self.closing(slot);
    }

    fn hand_over(&mut self, slot: Slot, kept: &[u8], net: &mut dyn Net) {
        // The node was never told of it.
        if let Some(connection) = self.connections[slot as usize].take() {
            self.tally.held_bytes -= u64::from(connection.weighed);
        }
        net.hand_over(slot, kept.to_vec());
    }

    /// Asks the node on behalf of a connection.
    pub(super) fn call(&mut self, slot: Slot, id: dialects::CallId, mut request: Request) {
        let full = self.calls >= limits::CALLS_PER_SHARD_MAX;
        let doors = self.parts.dialects.clone();
        let now = self.wheel.tick(self.now);
        let Some(connection) = self.get(slot) else { return };
        if full {
            let dialect = connection.dialect;
            self.count_refusal(dialect, &Refusal::Busy);
            return self.answered(slot, id, Err(&Refusal::Busy));
        }
        connection.calls += 1;
        if let Request::Do(Command::Remember { ends, not_before, .. }) = &mut request {
            // Nobody comes back when the credential has ended. When that is, the session needn't know.
            *not_before = (*not_before).max(connection.put_out_at);
            *ends = [*ends, connection.ends].into_iter().flatten().min();
        }
        // The node knows of it before it hears so itself.
        connection.met |= matches!(request, Request::Do(Command::Return { .. }));
        if matches!(request, Request::Do(Command::Declare { .. })) && !connection.may_hint(now) {
            // Everybody would be told of each: a flood of them is theirs, not ours.
            connection.calls -= 1;
            return self.answered(slot, id, Ok(&Reply::Done));
        }
        connection.heavy |= matches!(
            request,
            Request::Ask(Query::Rooms { .. } | Query::Own { .. } | Query::Members { .. } | Query::History { .. })
        );
        let call = Call {
            to: ReplyTo::Connection(connection.id, id),
            door: doors.get(usize::from(connection.dialect)).map_or(Door(0), |dialect| dialect.door()),
            standing: Standing::User,
            who: connection.who.clone(),
            request,
        };
        self.calls += 1;
        self.out.node.push(ToNode::Call(call));
    }

    /// A list of steps that has been taken is used again.
    pub(super) fn give_back(&mut self, mut steps: Steps) {
        steps.clear();
        self.steps = steps;
    }

    /// Arms the connection's earliest deadline.
    pub(super) fn arm(&mut self, slot: Slot) {
        let Some(at) = self.earliest(slot) else { return };
        let armed = self.get(slot).map_or(Tick(0), |connection| connection.armed);
        if at < armed || armed <= self.wheel.now() {
            let at = self.wheel.arm(slot, at);
            if let Some(connection) = self.get(slot) {
                connection.armed = at;
            }
        }
    }
}

fn ask_of(head: &Head<'_>) -> Ask {
    Ask {
        method: head.method.to_owned(),
        path: head.target.path.to_owned(),
        query: head.target.query.unwrap_or_default().to_owned(),
        headers: head.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.to_string())).collect(),
        ..Ask::default()
    }
}
