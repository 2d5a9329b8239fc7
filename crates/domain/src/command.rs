//! What someone asks to change, and what they are answered.
//!
//! A command runs on behalf of an [`crate::identity::Actor`]; the node gathers facts, `rules` decides, the store commits,
//! and only then does the reply go out (invariant 3).

use std::sync::Arc;

use crate::Text;
use crate::event::Event;
use crate::history::{Conversation, Entry};
use crate::id::{ClientId, Cursor, MessageId, Millis, Offset, Seq, SessionKey, UserId};
use crate::identity::Identity;
use crate::model::{Member, MessageKind, Person, Role, RoomKey, RoomKind, SessionRoom, Status, User};
use crate::query::Which;
use crate::watermark::Mark;

/// What a door's contract says of rooms and pace; the same for every command that comes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// An id not seen before is a public room, made on first use (RULES 9); else there is no such room.
    pub makes_rooms: bool,
    /// Entering a private room by its id makes a member (RULES 10); else members only.
    pub joins_private: bool,
    /// Entering makes a member of a public room too, and makes the room when there is none; leaving ends that when the
    /// user's last connection leaves (the table of doors in DESIGN.md, 2).
    pub joins: bool,
    /// Rooms that aren't direct are for their members only, whatever they are (RULES 9: a group's id that is taken by a room
    /// that the caller is not in).
    pub members_only: bool,
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
    /// From now on, and the reply has what was said up to there (HAZARDS 3): the newest messages, as many as this, up to
    /// [`crate::limits::PAGE_MAX`].
    Page(u32),
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
    /// What the sender's wire calls the room from now on, where it is a direct one and the wire has such a name. 1 to
    /// [`crate::limits::ROOM_NAME_BYTES_MAX`] bytes.
    pub alias: Option<Text>,
}

/// A user as an auth service, or a developer, registers them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Their name: who is registered is who has this name, else somebody new.
    pub name: Text,
    /// What is told of them. Of a known user, what is empty or not told stays as it was.
    pub email: Option<Text>,
    /// See `email`.
    pub full_name: Option<Text>,
    /// See `email`; an empty one takes it away.
    pub bio: Option<Text>,
    /// See `email`.
    pub avatar_url: Option<Text>,
}

/// A change of a group: a private room whose members' wire knows it as such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupChange {
    /// Make it, with these members beside its maker, who owns it. Made again by the same maker it stays as it is.
    Make {
        /// 1 to 100 characters.
        title: Text,
        /// The others; at most [`crate::limits::GROUP_MEMBERS_MAX`].
        members: Vec<(UserId, Role)>,
    },
    /// Give it another title. Any member may.
    Retitle(Text),
    /// Take these in, whoever was put out before included. Moderators and owners may.
    Admit(Vec<UserId>),
    /// Leave it for good. When its last owner leaves, its first moderator, else its first member, owns it.
    Quit,
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
        /// What the door's contract says.
        manners: Manners,
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
    /// Say something to one other user, in the direct room of the two. By number it is to somebody known; by id somebody not
    /// seen before becomes a user who waits for it (RULES 15). By name to nobody.
    SendTo {
        /// To whom.
        to: Which,
        /// What.
        draft: Draft,
        /// What the door's contract says.
        manners: Manners,
    },
    /// Make a user known, or tell more of them. For back ends that may ([`crate::identity::Scopes::USERS`]), and for
    /// everybody in development mode.
    Register(Registration),
    /// Change a group, and have its members told in a door's own words.
    Group {
        /// Which.
        room: RoomKey,
        /// How.
        change: GroupChange,
        /// The door's notice ([`crate::event::What::Notice`]); none when there is nothing to tell.
        notice: Option<Text>,
    },
    /// Be told of all that is one's own from now on: the user's direct rooms, and with `rooms` every room whose active
    /// member the user is or becomes. First comes what was not delivered yet, oldest first (HAZARDS 18).
    Attend {
        /// The rooms that the user belongs to, too.
        rooms: bool,
    },
    /// Say of oneself that one is there, or not.
    Declare {
        /// Which of the two.
        online: bool,
    },
    /// Change what one has said. Its author only.
    Edit {
        /// Which message.
        message: MessageId,
        /// 1 byte to 64 KiB.
        content: Text,
    },
    /// Take away what one has said. Its author only.
    Delete {
        /// Which message.
        message: MessageId,
    },
    /// Raise one's own watermark (HAZARDS 14). What can't be read by the actor is refused as if it were missing.
    Mark {
        /// Which mark.
        mark: Mark,
        /// These messages, whatever lies between them; at most [`crate::limits::MARKED_MAX`]. Those that aren't there are
        /// passed over.
        messages: Arc<[MessageId]>,
        /// And everything in this room up to now.
        room: Option<RoomKey>,
    },
    /// Keep what a session is made of, so that its client can come back to it (`Return`).
    Remember {
        /// Which session.
        session: SessionKey,
        /// The rooms that it is in.
        rooms: Vec<SessionRoom>,
        /// When it ends; nobody comes back after that. The credential that it was opened with may end earlier: whoever
        /// passes this on knows, and says the earlier of the two.
        ends: Option<Millis>,
        /// Where it was last put out of a room by somebody else; whoever passes this on knows. Nobody comes back from before
        /// that as if nothing were missing.
        not_before: Offset,
    },
    /// Be who a session was, in the rooms that it was in, and be told everything from a resume token on: all of it, or
    /// nothing. Asked by a connection that is nobody yet.
    Return {
        /// Which session.
        session: SessionKey,
        /// From where.
        from: Cursor,
        /// What the door's contract says.
        manners: Manners,
    },
    /// Be online for a while without a connection (socketio facts 5: `POST /presence/heartbeat`).
    Beat,
    /// Be online no more, unless connected (`POST /presence/logout`).
    Rest,
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
        /// With [`Start::Page`], the room's newest messages up to where this connection is told from, oldest first, as they
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
    /// To `Edit` and `Delete`.
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
    /// To `Mark`, `Remember`, `Group`, `Declare`, `Beat` and `Rest`: done, and durable where it is kept.
    Done,
    /// To `Attend`: what was missed follows, then what happens.
    Attending,
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
