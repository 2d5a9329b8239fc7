//! Sessions that a client polls by ordinary requests where it has no socket, or none yet.
//!
//! A polled session lives in one shard like any other; what is to be told waits in its outbox as whole WebSocket frames,
//! and a request that polls takes them in the shape that its wire has for several at once. Its name says in which shard
//! it lives, so that any shard, and HTTP, can send a request there.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::ConnectionId;

use crate::ask::{Answer, Ask};
use crate::step::Frame;

/// The name of a session that can be polled: its connection, and 128 random bits that nobody else knows (THREATS T15).
/// Written as 32 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid {
    /// Which connection.
    pub connection: ConnectionId,
    /// What proves that it is the same client.
    pub secret: u128,
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.connection.0.to_be_bytes());
        bytes[8..].copy_from_slice(&self.secret.to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl fmt::Debug for Sid {
    /// Says nothing of the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({:?})", self.connection)
    }
}

/// The text names no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSid;

impl FromStr for Sid {
    type Err = BadSid;

    fn from_str(text: &str) -> Result<Self, BadSid> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadSid)?;
        let (connection, secret) = bytes.split_first_chunk::<8>().ok_or(BadSid)?;
        let secret = secret.try_into().map_err(|_| BadSid)?;
        Ok(Self { connection: ConnectionId(u64::from_be_bytes(*connection)), secret: u128::from_be_bytes(secret) })
    }
}

/// What a request on a polled path means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Poll {
    /// A new session; the answer is what it says first.
    Open,
    /// Whatever there is to tell, or the next thing there will be.
    Get(Sid),
    /// Messages of the client.
    Post(Sid),
    /// It gets this answer at once.
    Answer(Answer),
}

/// A message as its session hears it, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
}

impl Posted {
    /// The message, borrowed.
    #[must_use]
    pub fn frame(&self) -> Frame<'_> {
        match self {
            Self::Text(text) => Frame::Text(text),
            Self::Binary(bytes) => Frame::Binary(bytes),
        }
    }
}

/// How a dialect's sessions are polled.
pub trait Polling: Send + Sync {
    /// What a request means.
    fn poll(&self, ask: &Ask) -> Poll;

    /// The session that a request for a socket wants to take over, if it names one. `Err`: it names one in a text that
    /// is no session's name.
    ///
    /// # Errors
    /// When the text names no session.
    fn successor_of(&self, ask: &Ask) -> Result<Option<Sid>, BadSid>;

    /// The messages in a posted body.
    ///
    /// # Errors
    /// The answer to a body that can't be read; the session ends with it.
    fn posted(&self, ask: &Ask) -> Result<Vec<Posted>, Answer>;

    /// The answer to a post that was heard.
    fn heard(&self, ask: &Ask) -> Answer;

    /// The answer to a poll: these messages, one at least.
    fn told(&self, ask: &Ask, messages: &mut dyn Iterator<Item = Frame<'_>>) -> Answer;

    /// Whether what this request is answered is a script: any page may have it run, and no browser says which page does.
    fn is_script(&self, _ask: &Ask) -> bool {
        false
    }

    /// The answer where there is no such session (any more), for a poll and for a socket alike.
    fn unknown(&self, ask: &Ask) -> Answer;

    /// The answer to a request for a session that has a socket now.
    fn moved(&self, ask: &Ask) -> Answer;

    /// The longest body of a post, in bytes.
    fn body_bytes_max(&self) -> usize;

    /// The answer to a body that is longer. The session stays.
    fn too_large(&self, ask: &Ask) -> Answer;

    /// The answer to a second poll, or a second post, while the first is under way; the session ends with it.
    fn overlapping(&self, ask: &Ask) -> Answer;

    /// The text message that the first of two overlapping polls, or one whose session ends, is answered with.
    fn ended(&self) -> &'static str;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_went() {
        let sid = Sid { connection: ConnectionId(0x0200_0000_0000_002a), secret: 0x0123_4567_89ab_cdef << 40 };
        let text = sid.to_string();
        assert_eq!((text.len(), text.parse()), (32, Ok(sid)));
        for bad in ["", "short", &text[1..], &format!("{text}A"), &text.replace('A', "!")] {
            assert_eq!(bad.parse::<Sid>(), Err(BadSid), "{bad:?}");
        }
        assert!(!format!("{sid:?}").contains("cdef"), "a log line doesn't have the secret");
    }
}
