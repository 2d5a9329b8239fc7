//! What the public conformance suites of Engine.IO and Socket.IO talk to.
//!
//! It is public for the one program that serves it, an example of the server's, so that the suites judge the very codecs,
//! sessions, shards and HTTP that the product is made of. No door of the product leads here.

use crate::Dialect;
use crate::socketio::Echo;

/// The endpoints that the suites expect: `/engine.io/` says every message again, `/socket.io/` certain events.
#[must_use]
pub fn dialects() -> Vec<Box<dyn Dialect>> {
    vec![Box::new(Echo::Messages), Box::new(Echo::Events)]
}
