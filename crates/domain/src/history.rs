//! A message as it is now: what was sent, and what has become of it since.

use std::sync::Arc;

use crate::Text;
use crate::event::Event;
use crate::id::{Millis, Offset, Seq, UserNumber};
use crate::model::{Member, Person, RoomKey, RoomKind, User};
use crate::watermark::Watermarks;

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
    /// The reactions to it, in the order in which they were first given; at most
    /// [`REACTIONS_SHOWN_MAX`](crate::limits::REACTIONS_SHOWN_MAX).
    pub reactions: Vec<Reaction>,
}

/// What several users have put under a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// 1 to [`EMOJI_BYTES_MAX`](crate::limits::EMOJI_BYTES_MAX) bytes.
    pub emoji: Text,
    /// How many users.
    pub count: u64,
    /// Those who gave it first, at most [`REACTORS_SHOWN_MAX`](crate::limits::REACTORS_SHOWN_MAX), in that order. By number, which
    /// stays theirs whatever becomes of their id.
    pub users: Vec<UserNumber>,
}

impl Entry {
    /// A message that nothing has happened to.
    #[must_use]
    pub fn fresh(sent: Arc<Event>) -> Self {
        Self { sent, edited: None, delivered: false, read: false, marked_at: None, reactions: Vec::new() }
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
    /// Where they began to belong; none in a direct room, and where that was not kept.
    pub since: Option<Offset>,
}

impl Standing {
    /// Where they began to belong; the log's beginning in a direct room.
    #[must_use]
    pub fn began(&self) -> Offset {
        self.since.unwrap_or_default()
    }
}

/// A room as one user has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Which.
    pub room: RoomKey,
    /// What it is.
    pub kind: RoomKind,
    /// Its shown title.
    pub title: Text,
    /// Most users; none for rooms made by first use.
    pub seats: Option<u32>,
    /// When it was made.
    pub made_at: Millis,
    /// When something last happened in it.
    pub changed_at: Millis,
    /// The offset of its last event.
    pub last: Offset,
    /// The seq of that.
    pub head: Seq,
    /// Their row of the roster, if they have one.
    pub member: Option<Member>,
    /// The other of a direct room, where they are known; oneself in a conversation with oneself.
    pub other: Option<Arc<Person>>,
    /// Their marks.
    pub marks: Watermarks,
    /// Messages of others above their read mark, up to the bound asked for.
    pub unread: u64,
    /// Those of them that name the user, likewise ([`crate::rules::mention`]).
    pub mentions: u64,
    /// The newest message that is there.
    pub newest: Option<Entry>,
}

/// A member of a room with how far they have come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belonging {
    /// Who.
    pub who: Arc<Person>,
    /// Their row of the roster; in a direct room a plain one.
    pub member: Member,
    /// Their marks.
    pub marks: Watermarks,
}
