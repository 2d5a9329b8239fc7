//! A message as it is now: what was sent, and what has become of it since.

use std::sync::Arc;

use crate::Text;
use crate::event::Event;
use crate::id::Millis;

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
