//! What a session wants done, and the frames it hears and says.

use domain::Text;
use domain::command::Command;
use domain::event::SignalKind;
use domain::model::RoomKey;
use domain::query::Query;

use crate::ask::Answer;

/// A session's own number for a call, given back with its outcome.
pub type CallId = u32;

/// A whole message from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
}

/// A command or a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Change something.
    Do(Command),
    /// See something.
    Ask(Query),
}

/// What a session wants done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Upgrade, with this subprotocol if one was chosen.
    Accept(Option<Text>),
    /// Don't upgrade: answer, and close.
    Answer(Answer),
    /// Say this text message to the client.
    Say(Vec<u8>),
    /// Have this done or asked; its outcome comes to [`crate::Session::answer`]. Calls of one connection are carried
    /// out in order.
    Call(CallId, Request),
    /// Tell the others in a room something that is true only now. Dropped when the connection is not attached there.
    Hint(RoomKey, SignalKind),
    /// Say goodbye and close.
    Close(Close),
}

/// A close, as a raw socket says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close {
    /// The close code.
    pub code: u16,
    /// A short reason, at most 123 bytes.
    pub reason: &'static str,
}

/// Steps in the order in which they are to be taken. One list is used again and again by the shard.
pub type Steps = Vec<Step>;

/// Text messages that a dialect says of some news, one after the other in one buffer.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Said {
    bytes: Vec<u8>,
    /// Where each message ends. Private: ascending, the last one is the buffer's length.
    ends: Vec<usize>,
}

impl Said {
    /// One message, written by `write` at the buffer's end.
    pub fn message(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// The messages.
    pub fn messages(&self) -> impl Iterator<Item = &[u8]> {
        self.ends.iter().scan(0, |start, end| {
            let message = &self.bytes[*start..*end];
            *start = *end;
            Some(message)
        })
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Nothing said, the buffer kept.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}
