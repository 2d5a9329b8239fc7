//! What a client remembers of a connection, for the checker.

use domain::id::Offset;

/// A message as a client saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) offset: Offset,
    /// Where the wire tells it.
    pub(crate) seq: Option<u64>,
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) sender: String,
    /// The log's head when it was heard.
    pub(crate) head: Offset,
    /// The sender's own copy again, which is the acknowledgement of a repeat: it stands outside the order.
    pub(crate) repeat: bool,
}

/// One connection's story.
#[derive(Debug)]
pub(crate) struct Story {
    /// The room, by the name that everybody knows.
    pub(crate) room: String,
    /// The point after which it was promised everything, when it asked for one and got it.
    pub(crate) from: Option<Offset>,
    /// The last message of the history that it was given on entering.
    pub(crate) page_end: Option<String>,
    /// The log's head when it was let in.
    pub(crate) let_in_at: Offset,
    pub(crate) seen: Vec<Seen>,
    /// It was still open and reading when the run ended.
    pub(crate) to_the_end: bool,
}

/// An acknowledgement that a client holds the server to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) user: String,
    pub(crate) client_id: String,
    pub(crate) id: String,
    /// Where the wire tells it.
    pub(crate) seq: Option<u64>,
}
