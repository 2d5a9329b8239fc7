//! What is answered to commands and queries.

use std::sync::Arc;

use crate::Text;
use crate::event::Event;
use crate::history::{Belonging, Conversation, Entry, Own};
use crate::id::{Cursor, MessageId, Millis, Seq, UserId};
use crate::model::{Member, Person, RoomKey, RoomKind, SessionRoom, User};

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
        /// With [`Start::Page`](crate::command::Start), the room's newest messages up to where this connection is told from, oldest first, as they
        /// are now: every message is either in here or told afterwards, never both, never neither (HAZARDS 3); the
        /// shard fixes where that is. Else none.
        page: Vec<Entry>,
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
    /// To `Edit`, `Delete` and `React`.
    Changed {
        /// What happened.
        event: Arc<Event>,
        /// The message as it was sent.
        sent: Arc<Event>,
    },
    /// To `Return`: the connection is this user's from now on, and in these rooms.
    Returned {
        /// Who.
        who: Arc<Person>,
        /// Where.
        rooms: Vec<SessionRoom>,
        /// The point after which events follow.
        from: Cursor,
        /// When the credential ends that the session was opened with.
        ends: Option<Millis>,
    },
    /// To `Mark`, `Remember`, `Group`, `Moderate`, `Declare`, `Beat` and `Rest`: done, and durable where it is kept.
    Done,
    /// To `Attend`: what was missed follows, then what happens.
    Attending {
        /// The point after which events follow.
        from: Cursor,
    },
    /// To the query for rooms of one's own: the most recently active first.
    Own(Vec<Own>),
    /// To the query for members, each with whether they are online.
    Members(Vec<(Belonging, bool)>),
    /// To `Register`, and to the query for a user.
    User(User),
    /// To the query for conversations.
    Conversations(Vec<Conversation>),
    /// To the query for messages by ids, in the order asked.
    Found(Vec<Option<Entry>>),
    /// To the query for everybody who is online.
    Everyone {
        /// They, by number.
        users: Vec<Arc<Person>>,
        /// The asker has no other connection.
        alone: bool,
    },
    /// To the query for history: oldest first.
    History {
        /// The messages.
        entries: Vec<Entry>,
        /// How many there are in the room.
        total: u64,
    },
    /// To the query for unread messages.
    Unread(u64),
    /// To the query for who is online, in the order asked.
    Online(Vec<bool>),
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
