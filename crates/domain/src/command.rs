//! What someone asks to change, and what they are answered.
//!
//! A command runs on behalf of an [`crate::identity::Actor`]; the node gathers facts, `rules` decides, the store commits,
//! and only then does the reply go out (invariant 3).

use std::sync::Arc;

use crate::Text;
use crate::id::{ClientId, Cursor, MessageId, Millis, Offset, Seq, SessionKey, UserId};
use crate::identity::Identity;
use crate::model::{MessageKind, Role, RoomKey, RoomKind, SessionRoom, Status};
use crate::query::Which;
use crate::watermark::Mark;

pub use crate::reply::{Reply, RoomView};

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

/// From where someone who attends is told of what is theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// From what was not delivered yet, oldest first (HAZARDS 18).
    Undelivered,
    /// From now on.
    Now,
    /// From after a resume token: everything in every room that is theirs, what they have said themselves included; in a room
    /// that they came to belong to later, from there on.
    After(Cursor),
}

/// What is done to somebody in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// They belong from now on; what they were put out for before is forgotten. Not for the blocked.
    Invite,
    /// They are put out, and stay out until invited.
    Kick,
    /// They are put out, and stay out until that is lifted.
    Ban,
    /// That is lifted: they may come, or be invited, again.
    Unban,
    /// They read, and may not speak.
    Mute,
    /// They may speak again.
    Unmute,
    /// They have this role.
    Promote(Role),
    /// They leave for good, by themselves.
    Quit,
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
        /// The maker's id for it: a repeat gets the room that was made first.
        client_id: Option<ClientId>,
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
    /// member the user is or becomes.
    Attend {
        /// The rooms that the user belongs to, too.
        rooms: bool,
        /// From where.
        from: Since,
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
        /// What others have said, too, where the actor moderates: on wires on which that is known.
        moderates: bool,
    },
    /// Put a mark of feeling under a message, or take it back. Whoever may speak in its room.
    React {
        /// Which message.
        message: MessageId,
        /// 1 to [`crate::limits::EMOJI_BYTES_MAX`] bytes, no control characters.
        emoji: Text,
        /// Whether it is to be there.
        on: bool,
    },
    /// Change who belongs to a room and what they may do there; or leave it for good oneself.
    Moderate {
        /// Which room.
        room: RoomKey,
        /// Whom.
        user: UserId,
        /// How.
        act: Act,
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
        /// Of that room, no further than up to here.
        upto: Option<Offset>,
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
