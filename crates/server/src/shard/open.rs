//! From accept to upgrade: the head of the request, who asks, and the session that decides.
//!
//! ```text
//!  accepted ─► Head ──(no upgrade: handed to HTTP)
//!               │ upgrade to a known door, admitted, identified
//!               ▼
//!            Meeting ── `met` ─► Opening ── Accept ─► Open ── close ─► Closing ─► gone
//!               └── Answer ──────────┴── Answer ───────────────────────►┘
//! ```

use std::sync::Arc;

use dialects::{Answer, Ask, Request, Session, Steps};
use domain::command::{Command, Reply};
use domain::id::{ConnectionId, Door};
use domain::identity::{Denied, Identity, Standing};
use domain::limits;
use domain::model::Person;
use domain::refusal::Refusal;

use super::connection::{Connection, MEET, Phase};
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
        match self.identify(dialect, &ask) {
            Ok(identity) => self.meet(slot, ask, identity),
            Err(denied) => {
                let answer = self.parts.dialects[usize::from(dialect)].denied(&ask, denied);
                self.count_error(dialect, "denied");
                self.answer(slot, &answer);
            }
        }
    }

    /// Who asks for a socket. Back ends' keys open none (RULES 3).
    fn identify(&self, dialect: u8, ask: &Ask) -> Result<Identity, Denied> {
        let dialect = &self.parts.dialects[usize::from(dialect)];
        let credential = dialect.who(ask).ok_or(Denied::Missing)?;
        let identity = self.parts.gate.identify(&credential, dialect.name(), self.now)?;
        match identity.standing {
            Standing::User => Ok(identity),
            Standing::Service(_) => Err(Denied::Invalid),
        }
    }

    fn meet(&mut self, slot: Slot, ask: Ask, identity: Identity) {
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
        let now = self.now;
        let Some(connection) = self.get(slot) else { return };
        let dialect = connection.dialect;
        let Phase::Meeting(ask) = std::mem::replace(&mut connection.phase, Phase::Closing) else { return };
        let Ok(Reply::Met(who)) = result else {
            let busy = Answer::json(503, &serde_json::json!({ "detail": "Try again" })).with("retry-after", "1");
            return self.answer(slot, &busy);
        };
        let mut steps = std::mem::take(&mut self.steps);
        let session = self.parts.dialects[usize::from(dialect)].open(&ask, who, now, &mut steps);
        self.install(slot, who, session, &ask);
        self.take_steps(slot, &mut steps);
        self.give_back(steps);
    }

    fn install(&mut self, slot: Slot, who: &Arc<Person>, session: Box<dyn Session>, ask: &Ask) {
        self.hub.add_connection(who.number, slot);
        let key = ask.header("sec-websocket-key").unwrap_or_default();
        if let Some(connection) = self.get(slot) {
            connection.phase = Phase::Opening(key.into());
            connection.who = Some(who.clone());
            connection.session = Some(session);
        }
    }

    /// The session says yes.
    pub(super) fn accept(&mut self, slot: Slot, protocol: Option<&str>) {
        let now = self.wheel.tick(self.now);
        let Some(connection) = self.get(slot) else { return };
        let Phase::Opening(key) = &connection.phase else { return };
        connection.outbox.extend_from_slice(&handshake::switching(key, protocol));
        connection.phase = Phase::Open;
        connection.opened = true;
        let dialect = usize::from(connection.dialect);
        (connection.since, connection.heard, connection.ponged, connection.pinged) = (now, now, now, now);
        self.tally.doors[dialect].open += 1;
        self.arm(slot);
        self.queue_flush(slot);
        self.queue_read(slot);
    }

    /// Answers instead of upgrading, and closes.
    pub(super) fn answer(&mut self, slot: Slot, answer: &Answer) {
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
    pub(super) fn call(&mut self, slot: Slot, id: dialects::CallId, request: Request) {
        let full = self.calls >= limits::CALLS_PER_SHARD_MAX;
        let doors = self.parts.dialects.clone();
        let Some(connection) = self.get(slot) else { return };
        if full {
            let dialect = connection.dialect;
            self.count_refusal(dialect, &Refusal::Busy);
            return self.answered(slot, id, Err(&Refusal::Busy));
        }
        connection.calls += 1;
        connection.heavy |= matches!(request, Request::Ask(domain::query::Query::Rooms { .. }));
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
        captured: Vec::new(),
        body: Vec::new(),
    }
}
