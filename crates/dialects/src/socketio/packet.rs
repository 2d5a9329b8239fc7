//! Socket.IO packets as clients say them: the text of an Engine.IO message. Protocol 5 is spoken over Engine.IO 4,
//! protocol 4 over Engine.IO 3. What the server says is written in [`super::telling`].
//!
//! Reading is strict: what the grammar doesn't have is refused, and the session closes, as the suite wants. Payloads
//! stay the JSON text that they came as; whoever needs a field reads it with [`crate::json::object`], which refuses
//! double keys. Attachments are awaited in [`super::binary`].

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::engine::Version;
use crate::json;

/// Most attachments of one packet (THREATS T15); the reference has the same.
pub(super) const ATTACHMENTS_MAX: u8 = 10;

/// Largest number of an event that its sender can count to exactly, 2^53 - 1.
const ID_MAX: u64 = 9_007_199_254_740_991;

/// Longest name of a namespace, in bytes: a refusal says it again.
pub(super) const NAMESPACE_BYTES_MAX: usize = 255;

/// The namespace that isn't written.
pub(super) const MAIN: &str = "/";

/// What an event may not be called: each of them means something to a client or server already.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// A text that is no packet, or one that isn't taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Invalid {
    /// Of no known type, or not of the packet's grammar.
    Packet,
    /// A number of attachments that is none, or over [`ATTACHMENTS_MAX`].
    Attachments,
    /// Not the payload that such a packet has.
    Payload,
    /// The name of an event is one of those that mean something else.
    Reserved,
    /// A text while attachments are awaited, or binary data while none are.
    Order,
    /// More attachments than fit, in bytes.
    TooLarge,
}

/// A packet.
#[derive(Debug)]
pub(super) enum Packet<'a> {
    /// Asks to be connected to a namespace.
    Connect {
        /// The namespace.
        namespace: &'a str,
        /// Its query, with which protocol 4 says who connects.
        query: &'a str,
        /// An object, with which protocol 5 says who connects.
        auth: Option<&'a RawValue>,
    },
    /// Leaves a namespace.
    Disconnect {
        /// The namespace.
        namespace: &'a str,
    },
    /// An event.
    Event(Event<'a>),
    /// The answer to an event of ours.
    Ack {
        /// The namespace.
        namespace: &'a str,
        /// The event's number.
        id: u64,
        /// The answer.
        arguments: Arguments<'a>,
        /// How many attachments follow.
        attachments: u8,
    },
    /// A connection was refused. Only a server says that.
    ConnectError {
        /// The namespace.
        namespace: &'a str,
    },
}

/// An event.
#[derive(Debug)]
pub(super) struct Event<'a> {
    /// The namespace.
    pub(super) namespace: &'a str,
    /// Asks for an acknowledgement by this number.
    pub(super) id: Option<u64>,
    /// What it is called; none when it is called by a number, as nothing of ours is.
    pub(super) name: Option<Cow<'a, str>>,
    /// What it comes with.
    pub(super) arguments: Arguments<'a>,
    /// How many attachments follow.
    pub(super) attachments: u8,
}

/// The arguments of an event or acknowledgement, as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arguments<'a>(
    /// Values with commas between them. Private: it is the inside of a JSON array that was read to its end.
    &'a str,
);

impl<'a> Arguments<'a> {
    /// The text of them all with its commas, to be said again.
    pub(super) fn as_str(self) -> &'a str {
        self.0
    }
}

impl<'a> Iterator for Arguments<'a> {
    type Item = &'a RawValue;

    fn next(&mut self) -> Option<Self::Item> {
        let mut values = serde_json::Deserializer::from_str(self.0).into_iter::<&RawValue>();
        let value = values.next()?.ok()?;
        let rest = self.0[values.byte_offset()..].trim_start();
        self.0 = rest.strip_prefix(',').unwrap_or(rest);
        Some(value)
    }
}

/// What stands before a packet's payload.
struct Head<'a> {
    kind: Kind,
    attachments: u8,
    namespace: &'a str,
    query: &'a str,
    id: Option<u64>,
}

/// The types of packets, in the order of their digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A client connects, or is connected.
    Connect,
    /// It leaves, or is put out.
    Disconnect,
    /// An event.
    Event,
    /// Its answer.
    Ack,
    /// A refusal.
    ConnectError,
    /// An event with attachments.
    BinaryEvent,
    /// An answer with attachments.
    BinaryAck,
}

impl<'a> Packet<'a> {
    /// Reads the text of a message.
    ///
    /// # Errors
    /// [`Invalid`] says what is wrong with it.
    pub(super) fn read(version: Version, text: &'a str) -> Result<Self, Invalid> {
        let (head, payload) = head(version, text)?;
        let Head { kind, attachments, namespace, query, id } = head;
        match kind {
            Kind::Event | Kind::BinaryEvent => event(&head, payload).map(Self::Event),
            Kind::Ack | Kind::BinaryAck => {
                let id = id.ok_or(Invalid::Packet)?;
                Ok(Self::Ack { namespace, id, arguments: array(payload)?, attachments })
            }
            Kind::Connect | Kind::Disconnect | Kind::ConnectError if id.is_some() => Err(Invalid::Packet),
            Kind::Connect => Ok(Self::Connect { namespace, query, auth: auth(version, payload)? }),
            Kind::Disconnect if payload.is_empty() => Ok(Self::Disconnect { namespace }),
            Kind::Disconnect => Err(Invalid::Payload),
            Kind::ConnectError => {
                let reason = value(payload)?.get();
                let fits = version == Version::Three || reason.starts_with(['"', '{']);
                if fits { Ok(Self::ConnectError { namespace }) } else { Err(Invalid::Payload) }
            }
        }
    }

    /// How many attachments follow it.
    pub(super) fn attachments(&self) -> u8 {
        match self {
            Self::Event(event) => event.attachments,
            Self::Ack { attachments, .. } => *attachments,
            Self::Connect { .. } | Self::Disconnect { .. } | Self::ConnectError { .. } => 0,
        }
    }

    /// What it comes with, where attachments may have their places.
    pub(super) fn arguments(&self) -> Option<Arguments<'a>> {
        match self {
            Self::Event(event) => Some(event.arguments),
            Self::Ack { arguments, .. } => Some(*arguments),
            Self::Connect { .. } | Self::Disconnect { .. } | Self::ConnectError { .. } => None,
        }
    }
}

/// `<type>[<attachments>-][<namespace>,][<id>]`, and what follows.
fn head(version: Version, text: &str) -> Result<(Head<'_>, &str), Invalid> {
    let mut rest = text.chars();
    let kind = match rest.next() {
        Some('0') => Kind::Connect,
        Some('1') => Kind::Disconnect,
        Some('2') => Kind::Event,
        Some('3') => Kind::Ack,
        Some('4') => Kind::ConnectError,
        Some('5') => Kind::BinaryEvent,
        Some('6') => Kind::BinaryAck,
        Some(_) | None => return Err(Invalid::Packet),
    };
    let (attachments, rest) = match kind {
        Kind::BinaryEvent | Kind::BinaryAck => attachments(rest.as_str())?,
        Kind::Connect | Kind::Disconnect | Kind::Event | Kind::Ack | Kind::ConnectError => (0, rest.as_str()),
    };
    let (namespace, rest) = match rest.split_once(',') {
        _ if !rest.starts_with('/') => (MAIN, rest),
        Some((namespace, rest)) => (namespace, rest),
        // Without a payload the comma may be missing.
        None => (rest, ""),
    };
    let (namespace, query) = match version {
        Version::Three => namespace.split_once('?').unwrap_or((namespace, "")),
        Version::Four => (namespace, ""),
    };
    // Control characters mean something to payloads, into which a refusal would carry them.
    if namespace.len() > NAMESPACE_BYTES_MAX || namespace.contains(char::is_control) {
        return Err(Invalid::Packet);
    }
    let (id, rest) = id(rest)?;
    Ok((Head { kind, attachments, namespace, query, id }, rest))
}

fn attachments(text: &str) -> Result<(u8, &str), Invalid> {
    let (digits, rest) = digits(text);
    let rest = rest.strip_prefix('-').ok_or(Invalid::Attachments)?;
    match digits.parse() {
        Ok(count) if count <= ATTACHMENTS_MAX && is_canonical(digits) => Ok((count, rest)),
        Ok(_) | Err(_) => Err(Invalid::Attachments),
    }
}

fn id(text: &str) -> Result<(Option<u64>, &str), Invalid> {
    let (digits, rest) = digits(text);
    match digits.parse() {
        _ if digits.is_empty() => Ok((None, rest)),
        Ok(id) if id <= ID_MAX && is_canonical(digits) => Ok((Some(id), rest)),
        Ok(_) | Err(_) => Err(Invalid::Packet),
    }
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// Whether a number is written as JavaScript writes it.
fn is_canonical(digits: &str) -> bool {
    digits == "0" || !digits.starts_with('0')
}

fn event<'a>(head: &Head<'a>, payload: &'a str) -> Result<Event<'a>, Invalid> {
    let Head { namespace, id, attachments, .. } = *head;
    let mut arguments = array(payload)?;
    let first = arguments.next().ok_or(Invalid::Payload)?;
    let name = match first.get().as_bytes() {
        [b'"', ..] => Some(json::text(first).ok_or(Invalid::Payload)?),
        [b'-' | b'0'..=b'9', ..] => None,
        _ => return Err(Invalid::Payload),
    };
    if name.as_deref().is_some_and(|name| RESERVED.contains(&name)) {
        return Err(Invalid::Reserved);
    }
    Ok(Event { namespace, id, name, arguments, attachments })
}

fn auth(version: Version, payload: &str) -> Result<Option<&RawValue>, Invalid> {
    if payload.is_empty() {
        return Ok(None);
    }
    let auth = value(payload)?;
    // Protocol 4 has no payload here.
    let fits = version == Version::Four && auth.get().starts_with('{');
    if fits { Ok(Some(auth)) } else { Err(Invalid::Payload) }
}

fn array(payload: &str) -> Result<Arguments<'_>, Invalid> {
    let array = value(payload)?.get();
    let inside = array.strip_prefix('[').and_then(|array| array.strip_suffix(']'));
    inside.map(|inside| Arguments(inside.trim())).ok_or(Invalid::Payload)
}

/// A JSON value of bounded depth (THREATS T16).
fn value(payload: &str) -> Result<&RawValue, Invalid> {
    if !json::is_shallow(payload.as_bytes()) {
        return Err(Invalid::Payload);
    }
    serde_json::from_str(payload).map_err(|_| Invalid::Payload)
}
