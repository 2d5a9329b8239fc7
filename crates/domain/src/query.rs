//! What someone asks to see; answered from memory or by the store's readers, never by the writer.

use crate::id::UserId;
use crate::model::{RoomKey, RoomKind};

/// What someone asks to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// The rooms that the asker may know of, the most recently active first, 1,000 at most.
    Rooms {
        /// Only these; all when not said.
        kind: Option<RoomKind>,
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
        room: RoomKey,
        /// Leave out the newest so many.
        skip: u32,
        /// At most this many, up to [`crate::limits::PAGE_MAX`].
        most: u32,
    },
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
