//! What waits: calls whose facts are being read, calls behind them on the same connection, calls whose scope has
//! something open, and calls that the full batch had no room for.
//!
//! Nothing is decided on facts whose fate is open (HAZARDS 10): where a room, a user or a maker is about to change, the
//! next command of that scope waits for the outcome instead of being decided twice. Plain messages change no facts, so
//! they never make anybody wait.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::reached::Stretch;
use adapters::port::{Found, Read, SessionRow};
use domain::event::{Event, Status};
use domain::facts::RoomFacts;
use domain::history::Standing;
use domain::id::{ConnectionId, Cursor, MessageId, Offset, SessionKey, UserId, UserNumber};
use domain::model::{Person, RoomKey, User};
use domain::refusal::BadResume;

use super::call::{Call, Token};

/// What a command may change for others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    /// A room's making, settings and roster.
    Room(RoomKey),
    /// Whether a user belongs to a public room: of interest to that user's own comings and goings there, and to nothing
    /// else, so that thousands may join in one batch.
    Member(RoomKey, UserId),
    /// A user's number and labels.
    Person(UserId),
    /// How many rooms a user has made.
    Maker(UserNumber),
    /// Whether a message is there: held from before it is read to the outcome of what was decided on it.
    Message(MessageId),
    /// The rooms of a session.
    Session(SessionKey),
}

/// A call under decision, with what was read for it so far.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) call: Call,
    /// How many times it was decided on facts that turned out stale.
    pub(super) attempt: u8,
    /// A shard that knows the log up to here gave it back: who entered is present already, only admission is decided
    /// again.
    pub(super) again: Option<Offset>,
    /// Where to start from, once validated.
    pub(super) start: Option<Result<Cursor, BadResume>>,
    /// The event that a reader found: what was sent under its client id (HAZARDS 12), or the message that it changes.
    pub(super) event: Option<Option<Arc<Event>>>,
    /// The rooms that a reader listed.
    pub(super) listed: Option<Vec<RoomFacts>>,
    /// The user that a reader found.
    pub(super) person: Option<Option<Arc<Person>>>,
    /// The user that a reader found, with their profile.
    pub(super) user: Option<Option<User>>,
    /// The room that a reader found for a name or a number.
    pub(super) place: Option<Option<RoomKey>>,
    /// The head when what matters was asked of a reader.
    pub(super) asked_at: Offset,
    /// The session that a reader found.
    pub(super) session: Option<Option<Arc<SessionRow>>>,
    /// Where the user stands in what is theirs, as a reader found it.
    pub(super) standings: Option<Vec<Standing>>,
    /// What else a reader found: a page, a count, places of messages.
    pub(super) found: Option<Box<Found>>,
    /// What it holds open while it is still being decided.
    pub(super) holds: Vec<Scope>,
}

impl Pending {
    /// What was read for it is forgotten: it is decided again on what is there by now.
    pub(super) fn afresh(self) -> Self {
        let (attempt, again) = (self.attempt + 1, self.again);
        Self { attempt, again, ..Self::new(self.call) }
    }

    pub(super) fn new(call: Call) -> Self {
        Self {
            call,
            attempt: 0,
            again: None,
            start: None,
            event: None,
            listed: None,
            person: None,
            user: None,
            place: None,
            asked_at: Offset(0),
            session: None,
            standings: None,
            found: None,
            holds: Vec::new(),
        }
    }
}

/// What stands in a lane behind a waiting call.
#[derive(Debug)]
pub(super) enum InLane {
    Call(Box<Pending>),
    Gone,
}

/// For whom a read is.
#[derive(Debug)]
pub(super) enum Waiter {
    /// For one call.
    One(Box<Pending>),
    /// For all who wait for this room.
    Room(RoomKey),
    /// For the node itself: events that nobody announced.
    CatchUp,
    /// For the node itself: whether there are any.
    Head,
    /// For the node itself: whom to tell that somebody came or went.
    Status(Box<Status>),
    /// For the node itself: which messages a mark has reached.
    Reached(Box<Stretch>),
}

/// All that waits. Bounded by the calls that shards may have under way.
#[derive(Debug, Default)]
pub(super) struct Desk {
    next: Token,
    /// Who waits for which read.
    pub(super) reads: HashMap<Token, (Waiter, Read)>,
    pub(super) rooms: HashMap<RoomKey, Vec<Pending>>,
    pub(super) scopes: HashMap<Scope, VecDeque<Pending>>,
    pub(super) backlog: VecDeque<Pending>,
    /// Calls that are decided when everything up to an offset is known.
    pub(super) behind: Vec<(Offset, Pending)>,
    /// Connections with a waiting call, and what is behind it.
    pub(super) lanes: HashMap<ConnectionId, VecDeque<InLane>>,
    /// How many open commands there are of each scope.
    open: HashMap<Scope, usize>,
}

impl Desk {
    pub(super) fn token(&mut self) -> Token {
        self.next += 1;
        self.next
    }

    pub(super) fn is_open(&self, scope: &Scope) -> bool {
        self.open.contains_key(scope)
    }

    pub(super) fn open(&mut self, scope: &Scope) {
        *self.open.entry(scope.clone()).or_default() += 1;
    }

    /// One open command of the scope has its outcome; gives who may be decided now.
    pub(super) fn settle(&mut self, scope: &Scope) -> VecDeque<Pending> {
        let Some(count) = self.open.get_mut(scope) else { return VecDeque::new() };
        *count -= 1;
        if *count > 0 {
            return VecDeque::new();
        }
        self.open.remove(scope);
        self.scopes.remove(scope).unwrap_or_default()
    }
}
