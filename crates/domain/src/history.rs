//! A message as it is now: what was sent, and what has become of it since.

use std::sync::Arc;

use crate::Text;
use crate::event::Event;
use crate::id::{Millis, Offset};
use crate::model::{RoomKey, User};

/// A message of a room's history. Its edits and marks are folded in; a deleted one has no entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As it was sent; always an event with a message.
    pub sent: Arc<Event>,
    /// Its content since its last edit, and when that was.
    pub edited: Option<(Text, Millis)>,
    /// Whether it was delivered to anybody but its author.
    pub delivered: bool,
    /// Whether anybody but its author has read it.
    pub read: bool,
    /// When a mark last reached it.
    pub marked_at: Option<Millis>,
}

impl Entry {
    /// A message that nothing has happened to.
    #[must_use]
    pub fn fresh(sent: Arc<Event>) -> Self {
        Self { sent, edited: None, delivered: false, read: false, marked_at: None }
    }

    /// Its content now.
    #[must_use]
    pub fn content(&self) -> &str {
        match (&self.edited, self.sent.message()) {
            (Some((content, _)), _) => content,
            (None, Some(message)) => &message.content,
            (None, None) => "",
        }
    }
}

/// What has become of a message since it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its content is this now.
    Edited(Text),
    /// It was deleted, edited before or not.
    Deleted,
}

/// A conversation of two, as its list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// The offset of its first event: its id on wires whose ids are integers (HAZARDS 25).
    pub born: Offset,
    /// Which room.
    pub room: RoomKey,
    /// When it was made.
    pub made_at: Millis,
    /// The two, the smaller number first; twice the same in a conversation with oneself.
    pub users: [User; 2],
    /// Its newest message that was not deleted.
    pub last: Option<Entry>,
}

/// Where a user stands in a room that is theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which room: a direct one of theirs, or one whose active member they are.
    pub room: RoomKey,
    /// Everything up to here was delivered to them, or said before it was theirs: their mark or where they began to belong,
    /// whichever is later, else the place before the room's first event (HAZARDS 18).
    pub delivered: Offset,
    /// The offset of the room's last event.
    pub last: Offset,
}
