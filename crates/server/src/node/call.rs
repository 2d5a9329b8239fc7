//! What goes into the node and what comes out: plain data, the same for threads and for the simulator.

use std::sync::Arc;

use adapters::port::{Batch, Failure, Found, Outcome, Read};
use dialects::{CallId, Request};
use domain::command::Reply;
use domain::event::{Event, Signal, Status};
use domain::id::{ConnectionId, Cursor, Door, Offset};
use domain::identity::Standing;
use domain::model::{Person, RoomKey};
use domain::refusal::Refusal;

/// A number for a read or a call over REST, given back with its outcome.
pub type Token = u64;

/// Where a reply goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyTo {
    /// To a session, under the number that it gave its call.
    Connection(ConnectionId, CallId),
    /// To a REST call.
    Rest(Token),
    /// To nobody: what the server does by itself.
    Nobody,
}

impl ReplyTo {
    /// The connection that asks; none over REST.
    #[must_use]
    pub fn connection(self) -> Option<ConnectionId> {
        match self {
            Self::Connection(connection, _) => Some(connection),
            Self::Rest(_) | Self::Nobody => None,
        }
    }
}

/// A command or query with who asks it.
#[derive(Debug, Clone)]
pub struct Call {
    /// Where the reply goes.
    pub to: ReplyTo,
    /// Through which door.
    pub door: Door,
    /// As a user or as a back end.
    pub standing: Standing,
    /// Who; none only for `Meet` and `Return`, whose replies tell it.
    pub who: Option<Arc<Person>>,
    /// What.
    pub request: Request,
}

/// What the node is told.
#[derive(Debug)]
pub enum Input {
    /// Someone asks something.
    Call(Call),
    /// A connection's client was let in, and is somebody.
    Opened(ConnectionId),
    /// A connection is no more. Comes after its last call.
    Gone(ConnectionId),
    /// What became of the batch in flight.
    Committed(Result<Vec<Outcome>, Failure>),
    /// What a reader found.
    Found(Token, Result<Found, Failure>),
    /// What became of the recovery.
    Recovered(Result<Cursor, Failure>),
    /// A client's end has taken in what it was told (RULES 18).
    Delivered(Delivered),
    /// A shard could not attach under what it knows by now, the log up to this offset: decide it again (HAZARDS 4).
    Again(Call, Offset),
}

/// What the node wants done, in this order.
#[derive(Debug)]
pub enum Output {
    /// Have the writer commit this; one at a time.
    Commit(Batch),
    /// Have the writer recover.
    Recover,
    /// Have a reader answer this.
    Read(Token, Read),
    /// Tell the caller.
    Reply(Box<Told>),
    /// Tell all shards what happened. Hints: a shard that misses one reads the log (invariant 8).
    Announce(Announcement),
    /// Tell all shards what is true now.
    Signal(Arc<Signal>),
    /// Tell all shards who is online, or no more.
    Status(Arc<Status>),
    /// Tell all shards how far the log goes, once a second, so that one which lost the last announcement learns of it
    /// although no later one comes.
    Head(Offset),
}

/// A reply on its way, with what it does to the connection's attachments.
#[derive(Debug)]
pub struct Told {
    /// To whom.
    pub to: ReplyTo,
    /// The outcome.
    pub result: Result<Reply, Refusal>,
    /// Attach the connection to all of these, in one go and before anything is flushed, before it hears the reply.
    pub attach: Vec<Attach>,
    /// Detach the connection from these after it heard the reply.
    pub detach: Vec<RoomKey>,
    /// From now on the connection is told of all that is its user's.
    pub follow: Option<Box<Follow>>,
}

/// A connection is to be told of all that is its user's: what was not delivered yet, then what happens (HAZARDS 1, 18).
#[derive(Debug, Clone)]
pub struct Follow {
    /// The rooms that the user belongs to or comes to belong to; else their direct rooms only.
    pub rooms: bool,
    /// From after this offset.
    pub from: Offset,
    /// In these rooms everything up to here was delivered; ordered by room.
    pub floors: Vec<(RoomKey, Offset)>,
    /// In the user's other direct rooms everything up to here.
    pub rest: Offset,
    /// What was not delivered yet is told, of which what they have said themselves is no part; else everything.
    pub undelivered: bool,
    /// The head that this was decided at.
    pub decided_at: Offset,
    /// The call, to be decided again when the shard knows of a change of the user's rooms after `decided_at`.
    pub call: Box<Call>,
}

/// What a client's end has taken in.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// Whose client.
    pub who: Arc<Person>,
    /// Which connection.
    pub connection: ConnectionId,
    /// Where, and from where to where.
    pub reached: Vec<Reach>,
}

/// A stretch of a room that was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Which room.
    pub room: RoomKey,
    /// Everything up to here had been delivered before.
    pub after: Offset,
    /// Everything up to here is delivered now.
    pub upto: Offset,
}

impl Told {
    /// A reply that attaches and detaches nothing.
    #[must_use]
    pub fn plain(to: ReplyTo, result: Result<Reply, Refusal>) -> Self {
        Self { to, result, attach: Vec::new(), detach: Vec::new(), follow: None }
    }
}

/// A connection is to be told of a room from now on.
#[derive(Debug, Clone)]
pub struct Attach {
    /// Which room.
    pub room: RoomKey,
    /// From after this offset; from the shard's head when none (HAZARDS 3).
    pub from: Option<Offset>,
    /// The reply is to have this many of the newest messages up to where the connection is told from (HAZARDS 3).
    pub page: Option<u32>,
    /// The head that this was decided at.
    pub decided_at: Offset,
    /// The call, to be decided again when the shard knows of a removal after `decided_at`. Of several attachments that
    /// one reply carries, all decided at once, the first has it.
    pub call: Option<Box<Call>>,
}

/// Events that happened, in offset order without a gap among them.
#[derive(Debug, Clone)]
pub struct Announcement {
    /// They. Never empty.
    pub events: Arc<[Arc<Event>]>,
}

impl Announcement {
    /// The first event's offset.
    #[must_use]
    pub fn first(&self) -> Offset {
        self.events[0].offset
    }

    /// The last event's offset.
    #[must_use]
    pub fn last(&self) -> Offset {
        self.events[self.events.len() - 1].offset
    }
}
