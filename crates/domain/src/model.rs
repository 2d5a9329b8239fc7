//! The nouns: people, rooms, members, messages. Plain data with public fields; what may happen to them is in `rules`.

use std::sync::Arc;

use crate::Text;
use crate::id::{ClientId, Door, MessageId, Millis, RoomName, UserId, UserNumber};

/// A user as everybody is told of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who they are, and the only thing that decides (RULES 1).
    pub id: UserId,
    /// Their number on integer wires, unique and durable.
    pub number: UserNumber,
    /// Their shown name, unique: `name~<number>` when it was taken.
    pub name: Text,
    /// Their e-mail address, when a token told it.
    pub email: Option<Text>,
}

/// What an auth service tells of a user beside who they are. For showing, and for nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Up to [`crate::limits::LABEL_BYTES_MAX`] bytes.
    pub full_name: Option<Text>,
    /// Up to [`crate::limits::BIO_BYTES_MAX`] bytes.
    pub bio: Option<Text>,
    /// Up to [`crate::limits::URL_BYTES_MAX`] bytes; never followed by the server.
    pub avatar_url: Option<Text>,
    /// When they were first registered; none for who came by a credential.
    pub made_at: Option<Millis>,
}

/// A user with their profile, as look-ups show them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub person: Arc<Person>,
    /// What is told of them.
    pub profile: Profile,
}

/// How a message is known on its sender's own wire: there its id may be the sender's, which means it within the room and
/// for that sender only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sending {
    /// Through which door it was sent.
    pub door: Door,
    /// The sender's id for it.
    pub client_id: Option<ClientId>,
}

/// What a room is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoomKind {
    /// Anybody authenticated reads and writes.
    Public,
    /// Members only.
    Private,
    /// Members of the guild's roster only.
    Guild,
    /// Two users, found by the pair.
    Direct,
}

/// Which room: by its name, or the direct room of a pair (RULES 9: stored by the pair, never by the text).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoomKey {
    /// A room with a name of its own; `GUILD#<id>` is a guild's.
    Named(RoomName),
    /// The direct room of two users, the smaller id first. Made by [`RoomKey::pair`].
    Pair(UserId, UserId),
    /// Where what is said in a room through a door that keeps nothing is heard, and nothing else (RULES 23). It has no
    /// row in any store; who is let in is decided on the facts of the room itself. Made by [`RoomKey::relayed`].
    Relay(Arc<RoomKey>),
}

/// A room that a session is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRoom {
    /// Which.
    pub key: RoomKey,
    /// As its client named it, where that is not what everybody calls it.
    pub named: Option<Text>,
}

impl From<RoomKey> for SessionRoom {
    /// By the name that everybody knows.
    fn from(key: RoomKey) -> Self {
        Self { key, named: None }
    }
}

impl RoomKey {
    /// The direct room of these two, in whichever order they are given.
    #[must_use]
    pub fn pair(one: UserId, other: UserId) -> Self {
        if one <= other { Self::Pair(one, other) } else { Self::Pair(other, one) }
    }

    /// The relay beside this room.
    #[must_use]
    pub fn relayed(self) -> Self {
        if self.is_relay() { self } else { Self::Relay(Arc::new(self)) }
    }

    /// Whether what is said here is relayed and not kept.
    #[must_use]
    pub fn is_relay(&self) -> bool {
        matches!(self, Self::Relay(_))
    }

    /// The room whose facts decide: of a relay, the room that it stands beside.
    #[must_use]
    pub fn kept(&self) -> &Self {
        match self {
            Self::Named(_) | Self::Pair(..) => self,
            Self::Relay(room) => room,
        }
    }

    /// The other of a pair, seen by `me`; `me` for a conversation with oneself; none in other rooms.
    #[must_use]
    pub fn other(&self, me: &UserId) -> Option<&UserId> {
        match self {
            Self::Named(_) => None,
            Self::Pair(a, b) if a == me => Some(b),
            Self::Pair(a, b) if b == me => Some(a),
            Self::Pair(..) => None,
            Self::Relay(room) => room.other(me),
        }
    }

    /// The kind that a room with this key has when its first use makes it.
    #[must_use]
    pub fn first_use_kind(&self) -> RoomKind {
        match self {
            Self::Pair(..) => RoomKind::Direct,
            Self::Named(name) if name.as_str().starts_with(crate::rules::name::GUILD_PREFIX) => RoomKind::Guild,
            Self::Named(_) => RoomKind::Public,
            Self::Relay(room) => room.first_use_kind(),
        }
    }

    /// The name everybody may be told; a pair's is `dm-<x>-<y>` (RULES 9), which each of the two can enter by.
    #[must_use]
    pub fn shown(&self) -> Text {
        match self {
            Self::Named(name) => name.text(),
            Self::Pair(a, b) => Text::from(format!("dm-{a}-{b}")),
            Self::Relay(room) => room.shown(),
        }
    }
}

/// What a member may do beyond reading and writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Nothing.
    Member,
    /// Adds and removes members, says system messages.
    Moderator,
    /// Everything, including making owners.
    Owner,
}

/// Whether a member on the roster is let in (RULES 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Let in.
    Active,
    /// On the roster, refused.
    Inactive,
    /// Refused by a moderator.
    Blocked,
}

/// A member's row of a roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Member {
    /// What they may do.
    pub role: Role,
    /// Whether they are let in.
    pub status: Status,
    /// They read, and may not speak. Stays with them when they leave and come back.
    pub muted: bool,
}

/// What kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// Said by its sender.
    Text,
    /// Said in the room's name (RULES 14).
    System,
    /// Said over REST to everybody in the room, the sender's own connections included.
    Broadcast,
}

/// A message as sent. Its edits and its deletion are events of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its UUID, time-ordered.
    pub id: MessageId,
    /// Text, system or broadcast.
    pub kind: MessageKind,
    /// 1 byte to 64 KiB.
    pub content: Text,
    /// Which message it answers.
    pub reply_to: Option<MessageId>,
    /// The sender's id for this send, where the wire has one.
    pub client_id: Option<ClientId>,
    /// Up to 4 KiB that only the door it came through understands (HAZARDS 25).
    pub extra: Option<Text>,
}
