//! What a session wants done, and the frames it hears and says.

use domain::Text;
use domain::command::Command;
use domain::event::SignalKind;
use domain::id::UserId;
use domain::identity::Credential;
use domain::model::RoomKey;
use domain::query::Query;

use crate::ask::Answer;
use crate::polling::Sid;

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
    /// Say this binary message to the client.
    SayBinary(Vec<u8>),
    /// Find out who the client is and make them durable; the outcome comes to [`crate::Session::identified`]. For wires
    /// on which a client says who it is after it has connected.
    Identify(Claim),
    /// Ask who is writing in a room now; answered at once to [`crate::Session::writers`].
    Writers(CallId, RoomKey),
    /// From now on the connection is told of its user's direct rooms, whether it enters them or not (HAZARDS 1, 2).
    Follow,
    /// A sign of life was just asked of the client, on a wire whose sessions keep time themselves.
    Asked,
    /// It came: the client's end has taken in everything that was told before it was asked for (RULES 18).
    Answered,
    /// The polled session of this name is about to be taken over: whoever polls it is answered at once, with this text
    /// message when there is nothing else.
    Release(Sid, Vec<u8>),
    /// This socket is the polled session's of this name from now on, and its own session is no more.
    Replace(Sid),
    /// From now on the connection is told in the words of another dialect, which has this name. Only before it is in any room.
    Speak(&'static str),
    /// Ask up to where the client has been told; answered at once to [`crate::Session::placed`], unless it is behind.
    Place,
    /// Have this done or asked; its outcome comes to [`crate::Session::answer`]. Calls of one connection are carried
    /// out in order.
    Call(CallId, Request),
    /// Have the operator's URL told this event; its outcome comes to [`crate::Session::integrated`]. Those of one
    /// connection are told one after the other, in order.
    Integrate(CallId, Vec<u8>),
    /// Tell the others in a room something that is true only now. Dropped when the connection is not attached there.
    Hint(RoomKey, SignalKind),
    /// Say goodbye and close.
    Close(Close),
    /// Close on a client with which nothing can be said any more. As [`Step::Close`] to a socket; the name of a polled
    /// session is unknown from now on, and what nobody has polled yet is let go of.
    Abandon(Close),
}

/// What a client says of who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What it shows.
    pub credential: Credential,
    /// Who that has to be, where the client says so beside it.
    pub id: Option<UserId>,
    /// How it would like to be called; a label, and only where the credential tells none.
    pub name: Option<Text>,
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
