//! A shard: its connections from accept to close, the hub of those who listen, and their deadlines.
//!
//! [`Shard::step`] is a plain function: inputs and the time in, outputs out; sockets are reached through [`Net`]. A turn
//! takes what is in the mailbox, what is readable, what is due; then it flushes, one write per connection. The thread
//! around it is `threads::shard`; the simulator drives the same step. It never blocks and never waits for the node.
//!
//! Files: `open` (head, identity, upgrade), `hear` (frames in, steps taken), `attach` (who listens), `fan` (news to
//! listeners), `flush` (writes), `lag` (catching up from the log), `due` (deadlines), `mail` (what the node says),
//! `parts` (what it is made of, and what it counts).

mod attach;
mod connection;
mod due;
mod fan;
mod flush;
mod hear;
mod hub;
mod lag;
mod mail;
mod open;
mod parts;
mod wheel;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use adapters::port::{Failure, Found, Read};
use dialects::{Answer, Ask, Said, Steps};
use domain::event::Signal;
use domain::id::{ConnectionId, Millis, Offset};
use domain::identity::{Credential, Denied, Identity};
use domain::refusal::Refusal;
use hashbrown::HashMap;

use self::connection::Connection;
pub(crate) use self::fan::is_relayed;
use self::hub::Hub;
pub use self::parts::{Allowance, DoorTally, Parts, Tally, Timing};
use self::wheel::{Tick, Wheel};
use crate::node::{Announcement, Input as ToNode, Token, Told};

/// A connection's place in a shard, chosen by whoever holds the sockets; free again after [`Net::close`].
pub type Slot = u32;

/// The sockets of a shard.
pub trait Net {
    /// Reads what is there. `WouldBlock` when nothing is; 0 when the peer has closed its side.
    ///
    /// # Errors
    /// As a non-blocking socket's.
    fn read(&mut self, slot: Slot, into: &mut [u8]) -> io::Result<usize>;

    /// Writes as much as is taken at once.
    ///
    /// # Errors
    /// As a non-blocking socket's.
    fn write(&mut self, slot: Slot, bytes: &[u8]) -> io::Result<usize>;

    /// Says that nothing more will be written.
    fn shut(&mut self, slot: Slot);

    /// Closes the socket; the slot may be given to another from now on.
    fn close(&mut self, slot: Slot);

    /// Gives the socket, with what was read of it, to whoever answers ordinary HTTP; the slot is free from now on.
    fn hand_over(&mut self, slot: Slot, read: Vec<u8>);
}

/// Who is let through the doors at all. The same for sockets and REST.
pub trait Gate: Send + Sync {
    /// Whether a request may come in: development mode's Host rule (RULES 7), Origin (RULES 25).
    ///
    /// # Errors
    /// The answer to give instead.
    fn admit(&self, ask: &Ask) -> Result<(), Answer>;

    /// Who a credential is. Local and quick; an auth service's answer comes from a cache.
    ///
    /// # Errors
    /// Why it is not taken.
    fn identify(&self, credential: &Credential, dialect: &str, now: Millis) -> Result<Identity, Denied>;
}

/// What a shard is told.
#[derive(Debug)]
pub enum Input {
    /// A new connection has this slot.
    Accepted(Slot),
    /// Bytes can be read, or the peer has closed.
    Readable(Slot),
    /// Bytes can be written again.
    Writable(Slot),
    /// Something is in the mailbox.
    Mail(Mail),
    /// What a reader found.
    Found(Token, Result<Found, Failure>),
}

/// What the node, the bus and the operator say to a shard; in one queue, in one order.
#[derive(Debug)]
pub enum Mail {
    /// Events happened.
    Announce(Announcement),
    /// Something is true now.
    Signal(Arc<Signal>),
    /// A reply, with what it does to attachments. Never dropped.
    Told(Box<Told>),
    /// Relayed messages were dropped because the mailbox was full.
    RelayLost,
    /// The log goes at least to here: whoever has not been told so far reads it.
    Head(Offset),
    /// Say goodbye to everybody, a few at a time.
    Drain,
}

/// What a shard wants done.
#[derive(Debug, Default)]
pub struct Outputs {
    /// For the node, in this order. Never dropped.
    pub node: Vec<ToNode>,
    /// For the store's readers.
    pub reads: Vec<(Token, Read)>,
    /// For the bus. May be dropped.
    pub signals: Vec<Arc<Signal>>,
}

/// For what a read of the shard's own is.
#[derive(Debug)]
enum ReadFor {
    /// A lagging connection.
    Connection(ConnectionId),
    /// Announcements that are missing.
    Gap,
}

/// A shard. See the module.
pub struct Shard {
    parts: Parts,
    /// Socket doors: which dialect, and the path.
    doors: Vec<(u8, String)>,
    connections: Vec<Option<Box<Connection>>>,
    generations: Vec<u32>,
    hub: Hub,
    /// Everything up to here was given to the level.
    head: Offset,
    /// The log goes at least to here.
    known_head: Offset,
    /// The last event that put somebody out.
    excluded_at: Offset,
    mail: VecDeque<Mail>,
    /// Announcements and signals ahead of the head.
    early: BTreeMap<Offset, Announcement>,
    early_signals: VecDeque<Arc<Signal>>,
    /// Replies that attach from a point ahead of the head. As many as calls at most.
    early_told: Vec<(Offset, Told)>,
    gap_since: Option<Millis>,
    gap_reading: bool,
    next_token: Token,
    reads: HashMap<Token, ReadFor>,
    /// Calls under way, each with its reply slot.
    calls: usize,
    /// Connections to be read, to be flushed, and due.
    to_read: VecDeque<Slot>,
    to_flush: Vec<Slot>,
    due: Vec<(u32, Tick)>,
    /// Connections with replies that wait for an echo.
    holding: Vec<Slot>,
    /// Runs are encoded in passes; a pass whose budget is spent goes on in the next turn.
    pass: u64,
    walk: Option<flush::Walk>,
    wheel: Wheel,
    draining: Option<Slot>,
    /// What is left of the bytes that this turn may tell.
    budget: usize,
    now: Millis,
    buffer: Vec<u8>,
    said: Said,
    steps: Steps,
    tally: Tally,
    out: Outputs,
}

impl Shard {
    /// A shard without connections.
    #[must_use]
    pub fn new(parts: Parts, now: Millis) -> Self {
        let mut doors = Vec::new();
        for (place, dialect) in (0u8..).zip(parts.dialects.iter()) {
            for way in dialect.doors() {
                if let dialects::Way::Socket(path) = way {
                    doors.push((place, path));
                }
            }
        }
        let tally = Tally { doors: vec![DoorTally::default(); parts.dialects.len()], ..Tally::default() };
        Self {
            doors,
            connections: Vec::new(),
            generations: Vec::new(),
            hub: Hub::default(),
            head: parts.head,
            known_head: parts.head,
            excluded_at: Offset(0),
            mail: VecDeque::new(),
            early: BTreeMap::new(),
            early_signals: VecDeque::new(),
            early_told: Vec::new(),
            gap_since: None,
            gap_reading: false,
            next_token: 0,
            reads: HashMap::new(),
            calls: 0,
            to_read: VecDeque::new(),
            to_flush: Vec::new(),
            due: Vec::new(),
            holding: Vec::new(),
            pass: 1,
            walk: None,
            wheel: Wheel::new(now),
            draining: None,
            budget: 0,
            now,
            buffer: vec![0; 64 * 1024],
            said: Said::default(),
            steps: Vec::new(),
            tally,
            out: Outputs::default(),
            parts,
        }
    }

    /// One turn. Gives when the next one is due at the latest; now, when there is more to do.
    pub fn step(
        &mut self,
        now: Millis,
        inputs: &mut Vec<Input>,
        net: &mut dyn Net,
        out: &mut Outputs,
    ) -> Option<Millis> {
        self.now = now;
        std::mem::swap(&mut self.out, out);
        for input in inputs.drain(..) {
            match input {
                Input::Accepted(slot) => self.accepted(slot),
                Input::Readable(slot) => self.readable(slot),
                Input::Writable(slot) => self.writable(slot),
                Input::Mail(mail) => self.mail.push_back(mail),
                Input::Found(token, found) => self.found(token, found),
            }
        }
        self.deadlines(net);
        let events_left = self.take_mail();
        let reads_left = self.read_sockets(net);
        self.drain(net);
        let flushed = self.flush(net);
        let next = self.next_turn();
        std::mem::swap(&mut self.out, out);
        let more = events_left || reads_left || !flushed || !self.to_flush.is_empty() || self.draining.is_some();
        if more { Some(now) } else { next }
    }

    /// Counts since the start.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Everything up to here was given to those who are level.
    #[must_use]
    pub fn head(&self) -> Offset {
        self.head
    }

    /// Mail that was taken in and that no turn has come to yet. The thread leaves more in the mailbox meanwhile, whose
    /// bounds are the ones that hold.
    #[must_use]
    pub fn mail_waiting(&self) -> usize {
        self.mail.len()
    }

    /// Connections that have a slot.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.connections.iter().flatten().count()
    }

    /// What the buffers of all connections take, looked up one by one; [`Tally::held_bytes`] has to agree between turns.
    #[must_use]
    pub fn weigh_all(&self) -> u64 {
        self.connections.iter().flatten().map(|connection| connection.weight() as u64).sum()
    }

    /// Counts what a connection's buffers take after something has moved in them.
    fn weigh(&mut self, slot: Slot) {
        let Some(connection) = self.connections.get_mut(slot as usize).and_then(|c| c.as_deref_mut()) else { return };
        let weight = u32::try_from(connection.weight()).unwrap_or(u32::MAX);
        let before = std::mem::replace(&mut connection.weighed, weight);
        self.tally.held_bytes = self.tally.held_bytes + u64::from(weight) - u64::from(before);
    }

    fn get(&mut self, slot: Slot) -> Option<&mut Connection> {
        self.connections.get_mut(slot as usize)?.as_deref_mut()
    }

    /// The slot of a connection that is still there.
    fn slot_of(&self, id: ConnectionId) -> Option<Slot> {
        let slot = u32::try_from(id.0 & u64::from(u32::MAX)).ok()?;
        let there = self.connections.get(slot as usize)?.as_ref()?;
        (there.id == id).then_some(slot)
    }

    fn token(&mut self, reads_for: ReadFor) -> Token {
        self.next_token += 1;
        self.reads.insert(self.next_token, reads_for);
        self.next_token
    }

    fn readable(&mut self, slot: Slot) {
        if let Some(connection) = self.get(slot) {
            connection.readable = true;
            self.queue_read(slot);
        }
    }

    /// Has the connection read in this turn, unless it is paused.
    fn queue_read(&mut self, slot: Slot) {
        let Some(connection) = self.get(slot) else { return };
        if !connection.queued && !connection.is_paused() && (connection.readable || !connection.kept.is_empty()) {
            connection.queued = true;
            self.to_read.push_back(slot);
        }
    }

    fn writable(&mut self, slot: Slot) {
        if let Some(connection) = self.get(slot)
            && connection.blocked
        {
            connection.blocked = false;
            self.queue_flush(slot);
        }
    }

    /// Has the connection's outbox written in this turn.
    fn queue_flush(&mut self, slot: Slot) {
        if let Some(connection) = self.get(slot)
            && !connection.dirty
        {
            connection.dirty = true;
            self.to_flush.push(slot);
        }
    }

    fn count_error(&mut self, dialect: u8, name: &'static str) {
        if let Some(door) = self.tally.doors.get_mut(usize::from(dialect)) {
            *door.errors.entry(name).or_default() += 1;
        }
    }

    fn count_refusal(&mut self, dialect: u8, refusal: &Refusal) {
        if matches!(refusal, Refusal::RateLimited { .. }) {
            self.tally.rate_limited += 1;
        }
        self.count_error(dialect, refusal.name());
    }
}
