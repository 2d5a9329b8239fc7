//! The feed: what happened, told to another system from a cursor of its own. At least once, ordered per room, and nothing
//! is lost while the other side is away: what was not confirmed is given again, for the log has it.
//!
//! Watermarks have no place in the log (HAZARDS 14). Those that a client asked for get a row in the *outbox*, in the
//! transaction that keeps them, and the row goes when the other side has it.

use std::fmt::{self, Display};

use domain::id::{Cursor, MessageId, Millis, Offset, UserId};
use domain::watermark::Mark;

use super::MarkWrite;

/// Another system that is told what happened. Used by one thread.
pub trait Feed: Send {
    /// What it is, for the log: `RabbitMQ`.
    fn name(&self) -> &'static str;

    /// Gives letters, in order, and blocks until the other side has all of them on its disk. With none it finds out whether
    /// the other side is there; whatever has to be made there first is made then.
    ///
    /// # Errors
    /// It may have all, some or none of them: they are to be given again, all of them, before any other.
    fn deliver(&mut self, letters: &[Letter]) -> Result<(), Away>;

    /// A way to end this from another thread: a delivery under way fails at once, and so does every later one.
    fn ender(&self) -> Box<dyn Fn() + Send + Sync>;
}

/// One thing to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// By what those who listen choose.
    pub key: &'static str,
    /// The same each time this is given, and no other letter's with this key: by it a repeat is known.
    pub id: String,
    /// What is told.
    pub body: Vec<u8>,
}

/// Why nothing could be delivered, without a secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away(pub String);

impl Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Away {}

/// How far the feed has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedPlace {
    /// The other side has everything in the log up to here. The life is that of the row there: by it a log that is another
    /// one is noticed.
    pub cursor: Cursor,
    /// And the outbox's rows up to this number.
    pub outbox: u64,
}

/// A mark that a client asked for, of which the feed is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedMark {
    /// The mark.
    pub mark: MarkWrite,
    /// The messages of this room that the client named; none when it named the room alone.
    pub messages: Vec<MessageId>,
}

/// A row of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Its number: strictly increasing, and never used again.
    pub number: u64,
    /// The log's head when it was kept. What lies up to there is told first, so nobody hears that a message was read before
    /// they hear of the message.
    pub after: Offset,
    /// Who marked.
    pub user: UserId,
    /// Which mark.
    pub mark: Mark,
    /// When.
    pub at: Millis,
    /// What is marked.
    pub what: Covered,
}

/// What a row of the outbox tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Covered {
    /// These messages, as the client named them.
    Messages(Vec<MessageId>),
    /// What the mark has come past in a room. Which messages these are is read when they are told of: the writer must not
    /// wait for it.
    Stretch {
        /// The offset of the room's first event.
        room: Offset,
        /// Where the mark stood; when there was none, where its user began to belong, else 0.
        from: Offset,
        /// Where it stands.
        upto: Offset,
    },
}
