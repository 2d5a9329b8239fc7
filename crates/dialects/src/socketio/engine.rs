//! Engine.IO packets, one by one: what a WebSocket message means in either version, and how it is written.
//!
//! Everything past this file knows only the form of version 4: a text frame is one packet, a binary frame is the data
//! of one message. What version 3 and clients without binary say otherwise is undone in [`Version::hear`] and done in
//! [`Version::say`]. HTTP bodies are in [`super::payload`].

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Serialize;

use crate::json;
use crate::step::Frame;

/// Most bytes of one HTTP body, of one WebSocket message and of one packet's attachments: `maxPayload`.
pub(super) const PAYLOAD_BYTES_MAX: usize = 1_000_000;

/// Browsers write the padding, some other clients don't; both mean the same.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The type of a message packet, as version 3 has it in front of binary data.
pub(super) const MESSAGE: u8 = 4;

/// What says that base64 follows.
const BASE64_MARK: char = 'b';

/// Why what a client said can't be read. All but one end its session; a body that is too large was not taken at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// No packet, or of no known type.
    Kind,
    /// Broken base64.
    Base64,
    /// No UTF-8.
    Text,
    /// A length that is none, or more than is there.
    Length,
    /// More bytes than [`PAYLOAD_BYTES_MAX`].
    TooLarge,
    /// More packets than [`super::payload::PACKETS_MAX`].
    TooMany,
}

/// The version of Engine.IO that a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// With Socket.IO 4: clients before 2020.
    Three,
    /// With Socket.IO 5.
    Four,
}

/// Whether something is text or binary: a WebSocket message, or the content of an HTTP body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Text.
    Text,
    /// Binary.
    Binary,
}

/// What a client can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// Text and binary.
    Binary,
    /// Text only (`b64` in the query of its handshake): binary data comes as base64.
    Base64,
}

/// What a client said, in the form of version 4. Only base64 had to be copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard<'a> {
    /// One packet.
    Text(&'a str),
    /// The data of one message.
    Binary(Cow<'a, [u8]>),
}

#[cfg(test)]
impl Heard<'_> {
    /// The frame that a client of version 4 would have sent.
    pub(super) fn frame(&self) -> Frame<'_> {
        match self {
            Self::Text(text) => Frame::Text(text),
            Self::Binary(data) => Frame::Binary(data),
        }
    }
}

impl Version {
    /// By the query parameter `EIO`; none for what nobody speaks any more, or not yet.
    pub(super) fn of(parameter: &str) -> Option<Self> {
        match parameter {
            "3" => Some(Self::Three),
            "4" => Some(Self::Four),
            _ => None,
        }
    }

    /// Reads a WebSocket message of a client.
    ///
    /// # Errors
    /// [`Unreadable`]: not a packet of this version.
    pub(super) fn hear(self, frame: Frame<'_>) -> Result<Heard<'_>, Unreadable> {
        match frame {
            Frame::Text(text) => self.hear_text(text),
            Frame::Binary(data) => self.hear_binary(data).map(|data| Heard::Binary(data.into())),
        }
    }

    /// Reads a packet that is text, in a frame of its own or in a payload.
    pub(super) fn hear_text(self, text: &str) -> Result<Heard<'_>, Unreadable> {
        let Some(encoded) = text.strip_prefix(BASE64_MARK) else {
            // That its type is known is seen here, so that a body is refused the same whoever reads its packets.
            return Packet::read(Frame::Text(text)).map(|_| Heard::Text(text));
        };
        let encoded = match self {
            Self::Three => encoded.strip_prefix('4').ok_or(Unreadable::Kind)?,
            Self::Four => encoded,
        };
        BASE64.decode(encoded).map(|data| Heard::Binary(data.into())).map_err(|_| Unreadable::Base64)
    }

    /// Reads a packet that is binary: the data of the message.
    pub(super) fn hear_binary(self, data: &[u8]) -> Result<&[u8], Unreadable> {
        match self {
            Self::Three => data.strip_prefix(&[MESSAGE]).ok_or(Unreadable::Kind),
            Self::Four => Ok(data),
        }
    }

    /// Writes the WebSocket message, at the buffer's end, that tells a client of this version this frame; the answer is
    /// what kind of message it is.
    pub(super) fn say(self, takes: Takes, frame: Frame<'_>, buffer: &mut Vec<u8>) -> Form {
        match (frame, takes) {
            (Frame::Text(text), _) => buffer.extend_from_slice(text.as_bytes()),
            (Frame::Binary(data), Takes::Base64) => self.write_base64(data, buffer),
            (Frame::Binary(data), Takes::Binary) => {
                if self == Self::Three {
                    buffer.push(MESSAGE);
                }
                buffer.extend_from_slice(data);
                return Form::Binary;
            }
        }
        Form::Text
    }

    /// Writes binary data as text.
    pub(super) fn write_base64(self, data: &[u8], buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(self.base64_mark());
        let start = buffer.len();
        buffer.resize(start + base64_len(data), 0);
        BASE64.encode_slice(data, &mut buffer[start..]).expect("the room made for it is what padded base64 needs");
    }

    /// How many bytes [`Self::write_base64`] writes; all are ASCII.
    pub(super) fn base64_bytes(self, data: &[u8]) -> usize {
        self.base64_mark().len() + base64_len(data)
    }

    fn base64_mark(self) -> &'static [u8] {
        match self {
            Self::Three => b"b4",
            Self::Four => b"b",
        }
    }
}

fn base64_len(data: &[u8]) -> usize {
    data.len().div_ceil(3) * 4
}

/// A packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// The handshake. Only the server says it; see [`Open`].
    Open(&'a str),
    /// Ends the session.
    Close,
    /// Asks for a sign of life: the server in version 4, the client in version 3. With `probe`, tries a new transport.
    Ping(&'a str),
    /// The sign of life, with the same data.
    Pong(&'a str),
    /// A text message.
    Message(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// The transport that was tried is taken.
    Upgrade,
    /// Nothing: it ends a poll.
    Noop,
}

impl<'a> Packet<'a> {
    /// Reads a frame in the form of version 4, as [`Version::hear`] gives it. Data after a type that has none is
    /// ignored.
    ///
    /// # Errors
    /// [`Unreadable::Kind`]: an empty text, or one of another type.
    pub(super) fn read(frame: Frame<'a>) -> Result<Self, Unreadable> {
        let text = match frame {
            Frame::Text(text) => text,
            Frame::Binary(data) => return Ok(Self::Binary(data)),
        };
        let mut rest = text.chars();
        let kind = rest.next().ok_or(Unreadable::Kind)?;
        let data = rest.as_str();
        match kind {
            '0' => Ok(Self::Open(data)),
            '1' => Ok(Self::Close),
            '2' => Ok(Self::Ping(data)),
            '3' => Ok(Self::Pong(data)),
            '4' => Ok(Self::Message(data)),
            '5' => Ok(Self::Upgrade),
            '6' => Ok(Self::Noop),
            _ => Err(Unreadable::Kind),
        }
    }

    /// Writes it in the form of version 4 at the buffer's end. What it becomes on another wire is [`Version::say`]'s
    /// and [`super::payload::write`]'s.
    pub(super) fn write(self, buffer: &mut Vec<u8>) -> Form {
        let (kind, data) = match self {
            Self::Open(data) => (b'0', data),
            Self::Close => (b'1', ""),
            Self::Ping(data) => (b'2', data),
            Self::Pong(data) => (b'3', data),
            Self::Message(data) => (b'4', data),
            Self::Upgrade => (b'5', ""),
            Self::Noop => (b'6', ""),
            Self::Binary(data) => {
                buffer.extend_from_slice(data);
                return Form::Binary;
            }
        };
        buffer.push(kind);
        buffer.extend_from_slice(data.as_bytes());
        Form::Text
    }
}

/// The handshake, in the order of its keys on the wire.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Open<'a> {
    /// The session, by which its requests are known.
    pub(super) sid: &'a str,
    /// The transports that the client may change to.
    pub(super) upgrades: &'a [&'a str],
    /// Milliseconds between two pings.
    #[serde(rename = "pingInterval")]
    pub(super) ping_interval_ms: u64,
    /// Milliseconds to wait for the other side's sign of life.
    #[serde(rename = "pingTimeout")]
    pub(super) ping_timeout_ms: u64,
    /// Bytes that a body may have. Version 3 has no such key.
    #[serde(rename = "maxPayload", skip_serializing_if = "Option::is_none")]
    pub(super) payload_bytes_max: Option<usize>,
}

impl Open<'_> {
    /// Writes the open packet at the buffer's end.
    pub(super) fn write(&self, buffer: &mut Vec<u8>) {
        buffer.push(b'0');
        json::write(buffer, self);
    }
}
