//! What someone asks to change, and what they are answered.
//!
//! A command runs on behalf of an [`crate::identity::Actor`]; the node gathers facts, `rules` decides, the store commits,
//! and only then does the reply go out (invariant 3).

use std::sync::Arc;

use crate::Text;
use crate::event::Event;
use crate::id::{ClientId, Cursor, MessageId, Millis, Seq, UserId};
use crate::identity::Identity;
use crate::model::{Member, MessageKind, Person, Role, RoomKey, RoomKind, Status};

/// What a door's contract says of rooms and pace; the same for every command that comes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// An id not seen before is a public room, made on first use (RULES 9); else there is no such room.
    pub makes_rooms: bool,
    /// Entering a private room by its id makes a member (RULES 10); else members only.
    pub joins_private: bool,
    /// Which of the two limits of messages a minute holds (RULES 12).
    pub pace: Pace,
}

/// Which limit of messages a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// The contract promises a limit.
    Strict,
    /// The contract promises none.
    Loose,
}

/// From where a room is told to someone who enters it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// From now on.
    Now,
    /// From after a resume token.
    After(Cursor),
    /// From after a plain number of that room.
    AfterSeq(Seq),
}

/// A message as its sender gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Text, system or broadcast.
    pub kind: MessageKind,
    /// 1 byte to 64 KiB.
    pub content: Text,
    /// Which message it answers.
    pub reply_to: Option<MessageId>,
    /// The sender's id for it: a repeat gets the first result (invariant 5).
    pub client_id: Option<ClientId>,
    /// Up to 4 KiB for its own door.
    pub extra: Option<Text>,
}

/// What someone asks to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make a user durable, with number and name, before anything is told of them (HAZARDS 15).
    Meet(Identity),
    /// Make a room with an id of its own; its maker gets a silent seat (RULES 20).
    MakeRoom {
        /// 1 to 100 characters.
        title: Text,
        /// Public or private.
        kind: RoomKind,
        /// 2 to 1000 users; the policy's default when not said.
        seats: Option<u32>,
    },
    /// Be present in a room, and be told of it.
    Enter {
        /// Which.
        room: RoomKey,
        /// From where.
        from: Start,
        /// What the door's contract says.
        manners: Manners,
    },
    /// Be present no more; a private room's member belongs no more either.
    Leave {
        /// Which.
        room: RoomKey,
    },
    /// Say something.
    Send {
        /// Where.
        room: RoomKey,
        /// What.
        draft: Draft,
        /// What the door's contract says.
        manners: Manners,
    },
    /// Put someone on a guild's roster, or change their row.
    Enrol {
        /// The guild's room.
        room: RoomKey,
        /// Who.
        user: UserId,
        /// Their role; what it was, or plain member, when not said.
        role: Option<Role>,
        /// Their status; what it was, or active, when not said.
        status: Option<Status>,
    },
    /// Take someone off a guild's roster.
    Expel {
        /// The guild's room.
        room: RoomKey,
        /// Who.
        user: UserId,
    },
}

/// A room as its users may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomView {
    /// Its id.
    pub key: RoomKey,
    /// Its shown title.
    pub title: Text,
    /// What it is.
    pub kind: RoomKind,
    /// Most users; the policy's default where none was said.
    pub seats: u32,
    /// How many users are present.
    pub present: usize,
    /// Up to 100 of them, with when they came.
    pub users: Vec<(Arc<Person>, Millis)>,
    /// When it was made.
    pub made_at: Millis,
    /// When something last happened in it.
    pub changed_at: Millis,
}

/// The answer to one command or query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// To `Meet`: the user, numbered and durable.
    Met(Arc<Person>),
    /// To `MakeRoom`.
    RoomMade(RoomView),
    /// To `Enter`.
    Entered {
        /// Which room.
        room: RoomKey,
        /// The point after which events follow; the resume token when one was given.
        from: Cursor,
        /// The log's head when it was decided.
        head: Cursor,
    },
    /// To `Leave`.
    Left,
    /// To `Send`: the message as it is kept.
    Sent {
        /// The event; for a repeat, the first one.
        event: Arc<Event>,
        /// Whether it had been sent before under the same client id.
        repeat: bool,
    },
    /// To `Send` into a relay: it was passed on to whoever is there, and is kept nowhere (RULES 23).
    Relayed {
        /// Its id.
        id: MessageId,
        /// Its number in the relay.
        seq: Seq,
        /// When, by the server's clock.
        at: Millis,
    },
    /// To `Enrol`, and to the query for a member.
    Member {
        /// Who.
        user: UserId,
        /// Their row.
        member: Member,
    },
    /// To `Expel`.
    Expelled,
    /// To the query for rooms: the most recently active first.
    Rooms(Vec<RoomView>),
    /// To the queries for counts of connections.
    Connections(usize),
    /// To the query for the server's counts.
    Counts {
        /// Open sockets, all doors.
        connections: usize,
        /// Rooms with somebody present.
        rooms: usize,
    },
}
