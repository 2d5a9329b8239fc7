//! What someone asks to see; answered from memory or by the store's readers, never by the writer.

use std::sync::Arc;

use crate::Text;
use crate::id::{Offset, UserId, UserNumber};
use crate::model::{RoomKey, RoomKind};

/// Which user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// By their number.
    Number(UserNumber),
    /// By their shown name. Never a way to be somebody (RULES 1).
    Name(Text),
    /// By their id.
    Id(UserId),
}

/// Which room, as a wire has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// This one.
    Room(RoomKey),
    /// The asker's direct room whose first event has this offset; any other is forbidden, as if it were missing.
    Born(Offset),
    /// The asker's direct room that is called so now; of several, the most recently active.
    Alias(Text),
}

/// Which part of a room's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// Only messages sent after this offset. Without `below`, the page then begins there and goes on towards now; else it ends
    /// at the newest.
    pub above: Option<Offset>,
    /// Only messages sent before this offset.
    pub below: Option<Offset>,
}

/// What someone asks to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// The rooms that the asker may know of, the most recently active first, 1,000 at most.
    Rooms {
        /// Only these; all when not said.
        kind: Option<RoomKind>,
    },
    /// The rooms that are the asker's own, as the asker has them: the direct ones, and those whose active member they are; at most
    /// [`crate::limits::OWN_ROOMS_LISTED_MAX`]. Or one room that they may read.
    Own {
        /// Only this one.
        room: Option<RoomKey>,
    },
    /// Who belongs to a room, with how far they have come; at most [`crate::limits::MEMBERS_LISTED_MAX`]. For those who may read
    /// it.
    Members {
        /// Which.
        room: RoomKey,
    },
    /// How many connections are in a room.
    RoomConnections {
        /// Which.
        room: RoomKey,
    },
    /// How many connections a user has. Only the user or a service key may ask.
    UserConnections {
        /// Who.
        user: UserId,
    },
    /// Someone's row of a guild's roster. Members of the guild and service keys may ask.
    Member {
        /// The guild's room.
        room: RoomKey,
        /// Who.
        user: UserId,
    },
    /// A room's newest messages, as they are now: edits done, deleted ones left out.
    History {
        /// Which room. A public one that nobody has used is empty.
        room: Place,
        /// Which part of it.
        window: Window,
        /// Leave out the newest so many.
        skip: u32,
        /// At most this many, up to [`crate::limits::HISTORY_MAX`], and no more than have
        /// [`crate::limits::HISTORY_BYTES_MAX`] bytes together.
        most: u32,
    },
    /// Messages of a room by the ids that wires know them by, as they are now; those that aren't there, or were deleted,
    /// are none. The id is the sender's own of a send ([`crate::id::ClientId`]), else the message's UUID.
    Find {
        /// Which room.
        room: Place,
        /// Who sent them; when not said, whoever is in that room.
        by: Option<UserId>,
        /// Their ids; at most [`crate::limits::MARKED_MAX`].
        ids: Arc<[Text]>,
    },
    /// A user, with their profile. May be asked on nobody's behalf: the door decides who may ask.
    User(Which),
    /// The asker's direct rooms, the newest made first.
    Conversations {
        /// Only those that were made before this one.
        before: Option<Offset>,
        /// At most this many, up to [`crate::limits::CONVERSATIONS_LISTED_MAX`].
        most: u32,
    },
    /// Everybody who is online and of whom the asker is told (RULES 19), by number; at most
    /// [`crate::limits::ONLINE_ASKED_MAX`].
    Everyone,
    /// How many messages of others in a room lie above the asker's read mark; counted up to
    /// [`crate::limits::UNREAD_COUNTED_MAX`].
    Unread {
        /// Which room.
        room: RoomKey,
    },
    /// Whether these users are online: connected, or heard of within [`crate::limits::BEAT_MS`].
    Online {
        /// Who; at most [`crate::limits::ONLINE_ASKED_MAX`].
        users: Vec<UserId>,
    },
    /// The server's counts, for health pages.
    Counts,
}
