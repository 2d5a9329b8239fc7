//! The node: the one place where order matters. Gather, decide, commit, announce.
//!
//! [`Node::step`] is a plain function: inputs and the time in, outputs out. It never waits; what it needs from the store
//! is a read with a token out and a completion in. One batch is in flight while the next gathers, so a lone message waits
//! for nothing but its sync and a flood shares it. The thread around it is `threads::node`; the simulator drives the same
//! step. Rules are in `domain::rules`; neighbours: `decide` (how far a call gets; with `enter`, `send`, `change`, `mark`,
//! `session`, `people`, `group` and `online` for the commands), `outcome` (what became of a batch), `seats` (who is where from then on),
//! `announce` (telling everybody), `answer`, `own` and `history` (queries), `found` (what readers found), `reached` (what a mark has come past), `relay` (what is said
//! and not kept), `desk` (what waits), `rooms` (facts remembered).

mod announce;
mod answer;
mod attend;
mod call;
mod change;
mod decide;
mod delivered;
mod desk;
mod enter;
mod expire;
mod feed;
mod found;
mod group;
mod history;
mod ids;
mod lately;
mod mark;
mod online;
mod outcome;
mod own;
mod people;
mod place;
mod reached;
mod relay;
mod rooms;
mod seats;
mod send;
mod session;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use adapters::port::{Batch, Read, Write};
use domain::beats::Beats;
use domain::event::{Signal, SignalKind};
use domain::id::{ConnectionId, Cursor, Life, MessageId, Millis, Offset, UserId, UserNumber};
use domain::limits::{self, Policy};
use domain::model::{Person, RoomKey};
use domain::presence::Presence;
use domain::rules::pace::Window;

pub use self::call::{Announcement, Attach, Call, Delivered, Follow, Input, Output, Reach, ReplyTo, Token, Told};
use self::decide::{Next, Then};
use self::delivered::Deliveries;
use self::desk::{Desk, InLane, Pending, Scope, Waiter};
pub use self::ids::Ids;
use self::lately::Lately;
use self::outcome::Slot;
use self::rooms::Rooms;

/// What a node starts with.
#[derive(Debug)]
pub struct Start {
    /// What the operator set.
    pub policy: Policy,
    /// The random id of this start.
    pub life: Life,
    /// The log's head.
    pub head: Cursor,
    /// Who sent a message within the last 60 s, and when (HAZARDS 12).
    pub recent: Vec<(UserNumber, Millis)>,
    /// Up to where what was said is kept no more.
    pub expired: Offset,
    /// For new ids.
    pub seed: [u8; 32],
}

/// Whether the writer takes batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    Ready,
    /// A sync failed; a recovery is under way.
    Recovering,
    /// The last recovery failed; the next tick asks for another.
    Broken,
}

/// The node. See the module.
#[derive(Debug)]
pub struct Node {
    policy: Policy,
    life: Life,
    /// Whether there is a feed, which is told of marks.
    feeds: bool,
    /// Up to where what was said is kept no more.
    expired: Offset,
    /// When that was looked at last.
    expired_at: Millis,
    /// The first offset that this life may have written.
    born: Offset,
    /// Everything up to here was announced, and the facts remembered know of it.
    head: Cursor,
    /// What was announced, and applied to the facts, ahead of it.
    ahead: BTreeSet<Offset>,
    ids: Ids,
    rooms: Rooms,
    people: HashMap<UserId, Arc<Person>>,
    presence: Presence,
    beats: Beats,
    windows: HashMap<UserNumber, Window>,
    first_uses: HashMap<UserNumber, Window>,
    /// What was delivered and is not written yet.
    deliveries: Deliveries,
    /// What was read lately, of which nothing is told that it was delivered.
    lately: Lately,
    desk: Desk,
    writer: Writer,
    gathering: Vec<Slot>,
    writes: Vec<Write>,
    gathered_bytes: usize,
    in_flight: Option<Vec<Slot>>,
    catching_up: bool,
    /// When something was last announced or looked for.
    looked_at: Millis,
    out: Vec<Output>,
}

impl Node {
    /// A node at the head of the log.
    #[must_use]
    pub fn new(start: Start) -> Self {
        let mut windows: HashMap<UserNumber, Window> = HashMap::new();
        let limit = start.policy.loose_per_minute.max(start.policy.strict_per_minute);
        for (user, at) in start.recent {
            windows.entry(user).or_insert_with(Window::of_messages).note(limit, at);
        }
        Self {
            policy: start.policy,
            life: start.life,
            feeds: false,
            expired: start.expired,
            expired_at: Millis(0),
            born: start.head.offset.next(),
            head: start.head,
            ahead: BTreeSet::new(),
            ids: Ids::seeded(start.seed),
            rooms: Rooms::default(),
            people: HashMap::new(),
            presence: Presence::default(),
            beats: Beats::default(),
            windows,
            first_uses: HashMap::new(),
            deliveries: Deliveries::default(),
            lately: Lately::default(),
            desk: Desk::default(),
            writer: Writer::Ready,
            gathering: Vec::new(),
            writes: Vec::new(),
            gathered_bytes: 0,
            in_flight: None,
            catching_up: false,
            looked_at: Millis(0),
            out: Vec::new(),
        }
    }

    /// One turn: takes the inputs in order, and puts what is to be done into `out`, in order.
    pub fn step(&mut self, now: Millis, inputs: &mut Vec<Input>, out: &mut Vec<Output>) {
        std::mem::swap(&mut self.out, out);
        for input in inputs.drain(..) {
            match input {
                Input::Call(call) => self.call(Pending::new(call), now),
                Input::Again(call, known) => self.call(Pending { again: Some(known), ..Pending::new(call) }, now),
                Input::Gone(connection) => self.gone(connection, now),
                Input::Opened(connection) => self.opened(connection, now),
                Input::Delivered(delivered) => self.delivered(delivered),
                Input::Committed(result) => self.committed(result, now),
                Input::Found(token, found) => self.found(token, found, now),
                Input::Recovered(result) => self.recovered(result),
            }
        }
        self.go_on_with_log(now);
        self.send_batch(now);
        std::mem::swap(&mut self.out, out);
    }

    /// What is due by the clock; asked about once a second.
    pub fn tick(&mut self, now: Millis, out: &mut Vec<Output>) {
        std::mem::swap(&mut self.out, out);
        if self.writer == Writer::Broken {
            self.writer = Writer::Recovering;
            self.out.push(Output::Recover);
        }
        // A crash between commit and announcement, on any node, is healed by looking (invariant 4).
        if now.since(self.looked_at) >= limits::POLL_LOG_MS && self.in_flight.is_none() && !self.catching_up {
            self.looked_at = now;
            self.read(Waiter::Head, Read::Head);
        }
        self.out.push(Output::Head(self.head.offset));
        self.gather_deliveries(now);
        self.gather_expiry(now);
        self.send_batch(now);
        self.windows.retain(|_, window| !window.is_idle(now));
        self.first_uses.retain(|_, window| !window.is_idle(now));
        self.beats.sweep(now);
        self.lately.sweep(now);
        if self.people.len() > limits::USERS_CACHED_MAX {
            self.people.clear();
        }
        let (presence, desk) = (&self.presence, &self.desk);
        self.rooms.evict(|room| presence.occupied(room) || desk.is_open(&Scope::Room(room.clone())));
        std::mem::swap(&mut self.out, out);
    }

    /// The log's head, as far as it was announced.
    #[must_use]
    pub fn head(&self) -> Cursor {
        self.head
    }

    /// Open connections and rooms with somebody present.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        self.presence.counts()
    }

    /// Up to where this room is known: to the head, or to its own last event, where that lies behind a gap that the head has
    /// yet to close.
    fn known(&self, room: &RoomKey) -> Offset {
        self.rooms.peek(room).map_or(self.head.offset, |facts| facts.last.max(self.head.offset))
    }

    fn signal(
        &mut self,
        room: &RoomKey,
        who: &Arc<Person>,
        kind: SignalKind,
        origin: Option<ConnectionId>,
        now: Millis,
    ) {
        let id = self.ids.message(now);
        self.signal_as(id, room, who, kind, origin, now);
    }

    fn signal_as(
        &mut self,
        id: MessageId,
        room: &RoomKey,
        who: &Arc<Person>,
        kind: SignalKind,
        origin: Option<ConnectionId>,
        now: Millis,
    ) {
        let (room, who) = (room.clone(), who.clone());
        let after = kind.speaks_of().max(Some(self.known(&room))).unwrap_or_default();
        let alias = self.rooms.peek(&room).and_then(|facts| facts.alias.clone());
        let signal = Signal { room, after, at: now, id, who, origin, alias, kind };
        self.out.push(Output::Signal(Arc::new(signal)));
    }

    /// A new call: behind what waits on its connection, or decided at once.
    fn call(&mut self, pending: Pending, now: Millis) {
        if let Some(connection) = pending.call.to.connection()
            && let Some(lane) = self.desk.lanes.get_mut(&connection)
        {
            lane.push_back(InLane::Call(Box::new(pending)));
            return;
        }
        self.proceed(pending, now);
    }

    fn gone(&mut self, connection: ConnectionId, now: Millis) {
        if let Some(lane) = self.desk.lanes.get_mut(&connection) {
            lane.push_back(InLane::Gone);
            return;
        }
        self.depart(connection, now);
    }

    /// Decides a call as far as it goes; true when it has an outcome or a place in the batch.
    fn proceed(&mut self, mut pending: Pending, now: Millis) -> bool {
        let next = self.decide(&mut pending, now);
        let lane = pending.call.to.connection();
        match next {
            Next::Reply(told) => {
                self.out.push(Output::Reply(told));
                self.close(&pending.holds, now);
                return true;
            }
            Next::Done => return true,
            Next::Write(writes, then, scopes) => {
                let met = !matches!(then, Then::Meet);
                self.gather(pending, writes, then, scopes);
                if met {
                    return true;
                }
                // Until the user is durable the connection is not known here, and its going has to wait for its coming.
            }
            Next::Read(ask) => self.read(Waiter::One(Box::new(pending)), ask),
            Next::Load(room) => {
                self.load(&room);
                self.desk.rooms.entry(room).or_default().push(pending);
            }
            Next::Behind(upto) => self.wait_for_log(pending, upto),
            Next::Wait(scope) => self.desk.scopes.entry(scope).or_default().push_back(pending),
            Next::Full => self.desk.backlog.push_back(pending),
        }
        if let Some(connection) = lane {
            self.desk.lanes.entry(connection).or_default();
        }
        false
    }

    /// A call that had waited goes on; when it has its outcome, so do those behind it on its connection.
    fn resume(&mut self, pending: Pending, now: Millis) {
        let lane = pending.call.to.connection();
        if !self.proceed(pending, now) {
            return;
        }
        if let Some(connection) = lane {
            self.release(connection, now);
        }
    }

    /// What waited behind a call on its connection goes on.
    fn release(&mut self, connection: ConnectionId, now: Millis) {
        let mut queue: VecDeque<InLane> = self.desk.lanes.remove(&connection).unwrap_or_default();
        while let Some(item) = queue.pop_front() {
            match item {
                InLane::Gone => self.gone(connection, now),
                InLane::Call(pending) => {
                    if !self.proceed(*pending, now) {
                        // It waits again: what is behind it stays behind it.
                        self.desk.lanes.insert(connection, queue);
                        return;
                    }
                }
            }
        }
    }

    fn send_batch(&mut self, now: Millis) {
        if self.in_flight.is_none() && !self.gathering.is_empty() && self.writer == Writer::Ready {
            // What was delivered rides along; alone it waits for the tick.
            self.gather_deliveries(now);
            self.in_flight = Some(std::mem::take(&mut self.gathering));
            self.gathered_bytes = 0;
            let writes = std::mem::take(&mut self.writes);
            self.out.push(Output::Commit(Batch { life: self.life, writes }));
        }
    }
}
