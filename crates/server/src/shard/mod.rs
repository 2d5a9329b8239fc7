//! A shard: its connections from accept to close, the hub of those who listen, and their deadlines.
//!
//! [`Shard::step`] is a plain function: inputs and the time in, outputs out; sockets are reached through [`Net`]. A turn
//! takes what is in the mailbox, what is readable, what is due; then it flushes, one write per connection. The thread
//! around it is `threads::shard`; the simulator drives the same step. It never blocks and never waits for the node.
//!
//! Files: `open` (head, upgrade), `identify` (who it is), `hear` (frames in, steps taken), `attach` (who listens), `fan` (news to
//! listeners), `flush` (writes), `lag` (catching up from the log), `due` (deadlines), `mail` (what the node says),
//! `page` (history on entering), `follow` (all that is one's own), `proof` (what was delivered), `status` (who is online),
//! `polling` (sessions without a socket), `takeover` (a socket for them), `typing` (who writes), `managed` (what back ends
//! want of a connection), `integrate` (what a URL is told of it), `fate` (what has become of a
//! message meanwhile), `allowance` (what a connection may cost), `parts` (what it is made of, and what it counts), `world`
//! (what is around it), `tongue` (who is told in other words from now on).

mod allowance;
mod attach;
mod connection;
mod due;
mod fan;
mod fate;
mod flush;
mod follow;
mod hear;
mod hub;
mod identify;
mod integrate;
mod lag;
mod mail;
mod managed;
mod open;
mod page;
mod parts;
mod polling;
mod proof;
mod status;
mod takeover;
mod tongue;
mod typing;
mod waiting;
mod wheel;
mod world;

use std::collections::{BTreeMap, VecDeque};

use dialects::{Said, Steps};
use domain::Text;
use domain::id::{ConnectionId, Life, Millis, Offset};
use domain::identity::Credential;
use domain::model::RoomKey;
use domain::refusal::Refusal;
use hashbrown::HashMap;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use self::connection::Connection;
pub(crate) use self::fan::is_relayed;
use self::follow::Changes;
use self::hub::Hub;
use self::identify::Asked;
pub use self::integrate::Integrate;
use self::integrate::UnderWay;
pub use self::managed::ManageCall;
use self::page::Page;
pub use self::parts::{Allowance, DoorTally, Parts, Tally, Timing};
pub use self::polling::PollCall;
use self::typing::Typing;
use self::waiting::Waiting;
use self::wheel::{Tick, Wheel};
pub use self::world::{Asking, Gate, Input, Mail, Net, Outputs};
use crate::node::{Announcement, Token};

/// A connection's place in a shard, chosen by whoever holds the sockets; free again after [`Net::close`].
pub type Slot = u32;

/// For what a read of the shard's own is.
#[derive(Debug)]
enum ReadFor {
    /// A lagging connection.
    Connection(ConnectionId),
    /// History for one who has entered a room.
    Page(ConnectionId, Box<Page>),
    /// Announcements that are missing.
    Gap,
}

/// A shard. See the module.
pub struct Shard {
    parts: Parts,
    /// Socket doors: which dialect, and the path.
    doors: Vec<(u8, String)>,
    /// Dialects whose connections back ends may reach.
    managed: Vec<u8>,
    connections: Vec<Option<Box<Connection>>>,
    generations: Vec<u32>,
    hub: Hub,
    /// Everything up to here was given to the level.
    head: Offset,
    /// The server start that wrote what is there.
    head_life: Life,
    /// The log goes at least to here.
    known_head: Offset,
    /// The last event that put somebody out.
    excluded_at: Offset,
    /// Who was taken in or put out lately.
    changes: Changes,
    /// What direct rooms are called on a wire on which the two name them, as far as it was heard here.
    aliases: HashMap<RoomKey, Text>,
    mail: VecDeque<Mail>,
    /// Announcements ahead of the head.
    early: BTreeMap<Offset, Announcement>,
    /// What follows an event that is still to be told.
    waiting: Waiting,
    gap_since: Option<Millis>,
    gap_reading: bool,
    next_token: Token,
    reads: HashMap<Token, ReadFor>,
    /// Who is being asked about. As many as may wait for the Auth Service at most.
    asked: HashMap<Token, Asked>,
    /// By which key each connection came that came by one.
    keyed: BTreeMap<ConnectionId, Credential>,
    /// Calls under way, each with its reply slot.
    calls: usize,
    /// Sessions that are polled.
    polled: usize,
    /// Events that the operator's URL is being told, and what they weigh.
    integrating: HashMap<Token, UnderWay>,
    integrating_bytes: usize,
    /// Connections to be read, to be flushed, and due.
    to_read: VecDeque<Slot>,
    to_flush: Vec<Slot>,
    due: Vec<(u32, Tick)>,
    /// Connections with replies that wait for an echo.
    holding: Vec<Slot>,
    /// Connections that are to be asked for a sign of life.
    to_prove: Vec<Slot>,
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
    dice: ChaCha12Rng,
    typing: Typing,
    out: Outputs,
}

impl Shard {
    /// A shard without connections.
    #[must_use]
    pub fn new(parts: Parts, now: Millis) -> Self {
        let (mut doors, mut managed) = (Vec::new(), Vec::new());
        for (place, dialect) in (0u8..).zip(parts.dialects.iter()) {
            for way in dialect.doors() {
                match way {
                    dialects::Way::Socket(path) => doors.push((place, path)),
                    dialects::Way::Connections(_) => managed.push(place),
                    dialects::Way::Polled(_) | dialects::Way::Rest(_) => {}
                }
            }
        }
        let tally = Tally { doors: vec![DoorTally::default(); parts.dialects.len()], ..Tally::default() };
        Self {
            doors,
            managed,
            connections: Vec::new(),
            generations: Vec::new(),
            hub: Hub::default(),
            head: parts.head.offset,
            head_life: parts.head.life,
            known_head: parts.head.offset,
            excluded_at: Offset(0),
            changes: Changes::default(),
            aliases: HashMap::new(),
            mail: VecDeque::new(),
            early: BTreeMap::new(),
            waiting: Waiting::default(),
            gap_since: None,
            gap_reading: false,
            next_token: 0,
            reads: HashMap::new(),
            asked: HashMap::new(),
            keyed: BTreeMap::new(),
            calls: 0,
            polled: 0,
            integrating: HashMap::new(),
            integrating_bytes: 0,
            to_read: VecDeque::new(),
            to_flush: Vec::new(),
            due: Vec::new(),
            holding: Vec::new(),
            to_prove: Vec::new(),
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
            dice: ChaCha12Rng::from_seed(parts.seed),
            typing: Typing::default(),
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
                Input::Polled(call) => self.poll_called(*call, net),
                Input::PollGone(sid, token) => self.poll_gone(sid, token, net),
                Input::Manage(call) => self.manage(*call, net),
                Input::Integrated(token, outcome) => self.integrated(token, &outcome),
                Input::Mail(mail) => self.mail.push_back(mail),
                Input::Found(token, found) => self.found(token, found),
                Input::KeysChanged => self.keys_changed(),
                Input::Identified(token, answer) => self.asked_about(token, answer),
            }
        }
        self.deadlines(net);
        let events_left = self.take_mail();
        let reads_left = self.read_sockets(net);
        self.ask_for_proofs();
        self.drain(net);
        let flushed = self.flush(net);
        let next = self.next_turn();
        std::mem::swap(&mut self.out, out);
        let asks = !self.to_flush.is_empty() || !self.to_prove.is_empty();
        let more = events_left || reads_left || !flushed || asks || self.draining.is_some();
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
        let token = self.new_token();
        self.reads.insert(token, reads_for);
        token
    }

    fn new_token(&mut self) -> Token {
        self.next_token += 1;
        self.next_token
    }

    /// 128 bits that nobody can guess.
    fn secret(&mut self) -> u128 {
        u128::from(self.dice.next_u64()) << 64 | u128::from(self.dice.next_u64())
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
        let something = connection.readable || !connection.kept.is_empty() || connection.has_posted();
        if !connection.queued && !connection.is_paused() && something {
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

    /// Has a session say something, and takes its steps.
    fn have_session(&mut self, slot: Slot, say: impl FnOnce(&mut dyn dialects::Session, &mut Steps)) {
        let mut steps = std::mem::take(&mut self.steps);
        if let Some(session) = self.get(slot).and_then(|connection| connection.session.as_mut()) {
            say(session.as_mut(), &mut steps);
        }
        self.take_steps(slot, &mut steps);
        self.give_back(steps);
    }

    fn count_error_of(&mut self, slot: Slot, name: &'static str) {
        if let Some(dialect) = self.get(slot).map(|connection| connection.dialect) {
            self.count_error(dialect, name);
        }
    }

    fn count_refusal(&mut self, dialect: u8, refusal: &Refusal) {
        if matches!(refusal, Refusal::RateLimited { .. }) {
            self.tally.rate_limited += 1;
        }
        self.count_error(dialect, refusal.name());
    }
}
