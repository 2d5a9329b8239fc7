//! A connection's record: what a shard keeps of it. While it is idle it owns no buffer, no task and no timer of its own.

use std::sync::Arc;

use dialects::connections::Caller;
use dialects::{Ask, CallId, Session};
use domain::event::Signal;
use domain::id::{ConnectionId, Millis, Offset, UserNumber};
use domain::limits;
use domain::model::{Person, RoomKey};
use smallvec::SmallVec;

use super::integrate::UNDER_WAY_PER_CONNECTION_MAX;
use super::page::Page;
use super::polling::{Link, Polled};
use super::proof::Proof;
use super::wheel::{TICK_MS, Tick};
use crate::frame::Decoder;
use crate::node::Told;

/// The call that makes a user durable before the session exists; sessions number theirs from 0.
pub(super) const MEET: CallId = CallId::MAX;

/// Hints (typing) that a connection may give at once, and how often it earns another (THREATS T14): a client that writes
/// says so every few seconds.
const HINTS_BURST: u8 = 10;
/// See [`HINTS_BURST`]; in milliseconds.
const HINT_EVERY_MS: u64 = 500;

/// Where a connection stands in its life.
pub(super) enum Phase {
    /// The head of its request is being read.
    Head,
    /// It asked for a socket; somebody else is being asked who it is.
    Asking(Box<Ask>),
    /// It asked for a socket; who it is is being made durable.
    Meeting(Box<Ask>),
    /// Its session decides whether to upgrade; the handshake's key waits for the answer.
    Opening(Box<str>),
    /// Upgraded.
    Open,
    /// The goodbye is said; what it still sends is swallowed until it closes, or until its time is up.
    Closing,
}

/// A connection's place in a room's list of listeners.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat {
    pub(super) room: u32,
    /// Where in the list it stands.
    pub(super) place: u32,
    /// In the list of those who share the room's run (attached to this room only, under the name everybody is shown),
    /// or in the list of those who get slices of their own (HAZARDS 5).
    pub(super) shares: bool,
    /// Everything in the room up to here was delivered, or was before it came.
    pub(super) marked: Offset,
}

/// Behind the shard's head, on a cursor of its own (invariant 6).
#[derive(Debug, Default)]
pub(super) struct Lag {
    /// Everything up to here was said.
    pub(super) cursor: Offset,
    /// A read is under way.
    pub(super) reading: bool,
    /// Pages of history that are to be read before it goes on.
    pub(super) pages: Vec<Page>,
    /// In these rooms everything up to there is not told again; ordered by room.
    pub(super) floors: Vec<(RoomKey, Offset)>,
    /// In other direct rooms everything up to there.
    pub(super) rest: Offset,
    /// It is given what was not delivered yet, of which what it has said itself through this door is no part.
    pub(super) undelivered: bool,
    /// How many events were told to it while it was behind.
    pub(super) told: u64,
    /// Who came and went meanwhile: the first kind missed and the last signal, to say the difference (HAZARDS 7).
    pub(super) missed: Vec<Missed>,
}

/// What was missed of one user's presence in one room.
#[derive(Debug)]
pub(super) struct Missed {
    pub(super) user: UserNumber,
    pub(super) first_came: bool,
    pub(super) last: Arc<Signal>,
}

/// A connection.
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) phase: Phase,
    /// Which dialect, by its place in the shard's list.
    pub(super) dialect: u8,
    /// Bytes can be read, as far as is known.
    pub(super) readable: bool,
    /// The kernel took less than was offered: wait until it says that it can be written.
    pub(super) blocked: bool,
    /// It is in the list of those to be read or to be flushed.
    pub(super) queued: bool,
    pub(super) dirty: bool,
    /// An answer that may be large is under way: nothing more is heard until it is here.
    pub(super) heavy: bool,
    /// The node knows of it, and has to be told when it goes.
    pub(super) met: bool,
    /// It was upgraded.
    pub(super) opened: bool,
    /// The peer has said goodbye.
    pub(super) peer_closed: bool,
    /// Our side is shut.
    pub(super) shut: bool,
    /// Calls under way.
    pub(super) calls: u16,
    /// Events that the operator's URL is being told.
    pub(super) integrating: u16,
    /// The close code that was said first, by whichever side; 0 when none was.
    pub(super) close_code: u16,
    pub(super) decoder: Decoder,
    pub(super) who: Option<Arc<Person>>,
    pub(super) session: Option<Box<dyn Session>>,
    /// It is polled, or about to take the place of what is.
    pub(super) link: Option<Box<Link>>,
    /// From where it comes, where that can be asked for.
    pub(super) caller: Option<Box<Caller>>,
    /// It is told of its user's direct rooms, whether it has entered them or not.
    pub(super) follows: bool,
    /// And of every room that its user belongs to.
    pub(super) attends: bool,
    /// It is in the list of those to be asked for a sign of life.
    pub(super) wants_proof: bool,
    /// What was delivered, as far as signs of life prove it; none before one was asked for.
    pub(super) proof: Option<Box<Proof>>,
    /// Where it was last put out of a room by somebody else.
    pub(super) put_out_at: Offset,
    /// Input that was read and not yet heard.
    pub(super) kept: Vec<u8>,
    /// Output that the kernel has not taken yet, from `sent` on.
    pub(super) outbox: Vec<u8>,
    pub(super) sent: u32,
    /// What its buffers were counted with last.
    pub(super) weighed: u32,
    pub(super) seats: SmallVec<[Seat; 1]>,
    pub(super) lag: Option<Box<Lag>>,
    /// Replies that wait until it has been told of the event that they stand for (HAZARDS 8). As many as calls at most.
    pub(super) held: Vec<(Offset, Box<Told>)>,
    /// The pass in which it last took its part of its room's run, and how far.
    pub(super) pass: u64,
    pub(super) taken: u32,
    /// When its credential ends, and the moments its deadlines run from.
    pub(super) ends: Option<Millis>,
    pub(super) armed: Tick,
    pub(super) since: Tick,
    pub(super) since_closing: Tick,
    pub(super) heard: Tick,
    pub(super) pinged: Tick,
    pub(super) ponged: Tick,
    pub(super) moved: Tick,
    /// What it may still send at once, refilled over time (THREATS T14).
    pub(super) frames_left: u32,
    pub(super) bytes_left: u32,
    pub(super) refilled: Tick,
    /// Hints (typing) that it may still give at once.
    pub(super) hints_left: u8,
    pub(super) hinted: Tick,
}

impl Connection {
    pub(super) fn new(id: ConnectionId, now: Tick, frames: u32, bytes: u32) -> Self {
        Self {
            id,
            phase: Phase::Head,
            dialect: 0,
            readable: true,
            blocked: false,
            queued: false,
            dirty: false,
            heavy: false,
            met: false,
            opened: false,
            peer_closed: false,
            shut: false,
            calls: 0,
            integrating: 0,
            close_code: 0,
            decoder: Decoder::default(),
            who: None,
            session: None,
            link: None,
            caller: None,
            follows: false,
            attends: false,
            wants_proof: false,
            proof: None,
            put_out_at: Offset(0),
            kept: Vec::new(),
            outbox: Vec::new(),
            sent: 0,
            weighed: 0,
            seats: SmallVec::new(),
            lag: None,
            held: Vec::new(),
            pass: 0,
            taken: 0,
            ends: None,
            armed: Tick(u32::MAX),
            since: now,
            since_closing: now,
            heard: now,
            pinged: now,
            ponged: now,
            moved: now,
            frames_left: frames,
            bytes_left: bytes,
            refilled: now,
            hints_left: HINTS_BURST,
            hinted: now,
        }
    }

    /// Whether one more hint may be passed on; takes it from the allowance when it may.
    pub(super) fn may_hint(&mut self, now: Tick) -> bool {
        let earned = u64::from(now.since(self.hinted)) * TICK_MS / HINT_EVERY_MS;
        if earned > 0 {
            self.hints_left =
                u8::try_from(earned + u64::from(self.hints_left)).map_or(HINTS_BURST, |n| n.min(HINTS_BURST));
            self.hinted = now;
        }
        let may = self.hints_left > 0;
        self.hints_left = self.hints_left.saturating_sub(1);
        may
    }

    /// Bytes that wait for the kernel.
    pub(super) fn waiting(&self) -> usize {
        self.outbox.len() - self.sent as usize
    }

    /// What its buffers take, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.outbox.capacity() + self.kept.capacity() + self.decoder.held_bytes()
    }

    /// Everything up to here has been said to it, or is in its outbox or its room's run.
    pub(super) fn place(&self, head: Offset) -> Offset {
        self.lag.as_ref().map_or(head, |lag| lag.cursor)
    }

    /// Whether it is told what happens as it happens.
    pub(super) fn is_level(&self) -> bool {
        self.lag.is_none()
    }

    /// Whether it is told of this room because it is its user's direct one.
    pub(super) fn is_follower_of(&self, room: &RoomKey) -> bool {
        self.follows && self.who.as_ref().is_some_and(|who| room.other(&who.id).is_some())
    }

    /// Whether it takes in too slowly what it is told, so that it is not heard either.
    pub(super) fn rests(&self) -> bool {
        self.lag.is_some() || self.waiting() > limits::OUTBOX_BYTES_MAX
    }

    /// Its requests, when it has these instead of a socket.
    pub(super) fn polled(&mut self) -> Option<&mut Polled> {
        match self.link.as_deref_mut() {
            Some(Link::Polled(polled)) if !polled.moved => Some(polled),
            Some(Link::Polled(_) | Link::Successor(_)) | None => None,
        }
    }

    /// Whether something was posted that is not heard yet.
    pub(super) fn has_posted(&self) -> bool {
        matches!(self.link.as_deref(), Some(Link::Polled(polled)) if polled.has_posted())
    }

    /// When the poll that waits has to be answered at the latest, while a socket is about to take over.
    pub(super) fn release_at(&self) -> Option<Tick> {
        match self.link.as_deref() {
            Some(Link::Polled(polled)) if !polled.moved => polled.release_at(),
            Some(Link::Polled(_) | Link::Successor(_)) | None => None,
        }
    }

    /// Whether it has requests instead of a socket.
    pub(super) fn is_polled(&self) -> bool {
        matches!(self.link.as_deref(), Some(Link::Polled(polled)) if !polled.moved)
    }

    /// Whether nothing is read from it for now.
    pub(super) fn is_paused(&self) -> bool {
        match self.phase {
            Phase::Head | Phase::Closing => false,
            Phase::Asking(_) | Phase::Meeting(_) | Phase::Opening(_) => true,
            Phase::Open => {
                self.rests()
                    || self.heavy
                    || self.calls >= limits::CALLS_PER_CONNECTION_MAX
                    || self.integrating >= UNDER_WAY_PER_CONNECTION_MAX
            }
        }
    }
}
