//! What other systems are told of what happens: keys, texts and the broker's exchange and queues, as the contract has them
//! that promises them. Pure; the server reads the log and gives what comes of it to an adapter.

use domain::event::Event;
use domain::id::{MessageId, Millis, UserId};
use domain::watermark::Mark;

use crate::socketio::publish;

/// One thing to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Its routing key.
    pub key: &'static str,
    /// JSON.
    pub body: Vec<u8>,
}

/// A queue that is there before anybody listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: &'static str,
    /// Which routing keys reach it.
    pub binding: &'static str,
    /// Under which key what it refuses reaches the exchange of dead letters, which has a queue of that name.
    pub dead: &'static str,
}

/// The broker's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topology {
    /// The topic exchange that everything is published to.
    pub exchange: &'static str,
    /// The direct exchange of dead letters.
    pub dead: &'static str,
    /// Everything that is published reaches one of these.
    pub queues: &'static [Queue],
}

/// The contract's (facts 8).
pub const TOPOLOGY: Topology = publish::TOPOLOGY;

/// What is told of an event, in this order; nothing of most.
#[must_use]
pub fn event(event: &Event) -> Vec<Publication> {
    publish::event(event)
}

/// What is told of a mark that a client asked for, over these messages.
#[must_use]
pub fn marked(mark: Mark, user: &UserId, messages: &[MessageId], at: Millis) -> Publication {
    publish::marked(mark, user, messages, at)
}
