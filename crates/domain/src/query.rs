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
    /// The server's counts, for health pages.
    Counts,
}
