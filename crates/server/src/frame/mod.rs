//! The WebSocket frame codec: RFC 6455 as a pure machine, bytes in and messages out.
//!
//! It never sees a socket, a clock or a random number, and an idle connection owns no buffer here: the shard reads into
//! one buffer for all of its connections, a message that lies in it whole is unmasked in place and given out borrowed,
//! and only what a read has cut in two is kept (`decode`), for as long as it is incomplete. Libraries held 5.5 to
//! 13.7 KiB per idle connection; that is why the codec is ours. What we say is encoded once for all who listen
//! (`encode`). The opening handshake is next door in `handshake`; compression (RFC 7692) is not spoken.

mod decode;
mod encode;
mod head;
mod mask;

pub use decode::{Decoder, Listener};
pub use encode::{
    Header, encode_binary_into, encode_close_into, encode_into, encode_masked_into, encode_ping_into, encode_pong_into,
    encode_text_into, header, split_own,
};
pub use mask::mask;

/// A control frame carries at most this much (RFC 6455, 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// How many fragments a message may come in, unless a door has a reason to say otherwise: each costs work even when it
/// is empty, which a limit on bytes does not count (THREATS T12, CVE-2026-48779).
pub const FRAGMENTS_MAX: u32 = 1_024;

/// A complete message, borrowed for as long as the callback runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A text message, known to be UTF-8.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// A ping; a pong with the same bytes is owed. It may come between the fragments of a message.
    Ping(&'a [u8]),
    /// A pong, asked for or not.
    Pong(&'a [u8]),
    /// The peer closes. Nothing is given out after it.
    Close {
        /// The code, if the frame had one; one that may be sent (RFC 6455, 7.4) or it were a violation.
        code: Option<u16>,
        /// The reason, often empty.
        reason: &'a str,
    },
}

/// What a connection may ask of our memory. An argument rather than a field, so that it costs a connection nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, all fragments together. Decided on the header, before any of the payload is kept.
    pub message_bytes_max: usize,
    /// The longest frame of it, likewise decided on the header.
    pub frame_bytes_max: usize,
    /// The most fragments in a message, empty ones too. [`FRAGMENTS_MAX`] is the usual.
    pub fragments_max: u32,
}

/// How far a push came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// All of the input was taken in.
    All,
    /// The callback asked to stop. What lies behind `consumed` was not touched; keep it and push it again later.
    Stopped {
        /// How many bytes of the input were taken in.
        consumed: usize,
    },
    /// The peer has closed: the input behind its close frame, now and later, is swallowed.
    Closed,
}

/// How a peer broke the protocol. The connection is closed with the code and nothing more is read from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// A reserved bit is set, and no extension that would give it a meaning was agreed on.
    ReservedBits,
    /// An opcode that RFC 6455 keeps for later.
    ReservedOpcode,
    /// A client's frame without a mask (RFC 6455, 5.1).
    Unmasked,
    /// A control frame in fragments.
    ControlFragmented,
    /// A control frame of more than 125 bytes.
    ControlTooLong,
    /// A 64-bit length with its top bit set.
    LengthTopBit,
    /// A continuation, and nothing to continue.
    NothingToContinue,
    /// A new message while another one is in fragments.
    MessageInterrupted,
    /// A close frame of one byte: half a code.
    CloseCutShort,
    /// A close code that may not be sent.
    CloseCode,
    /// A text or a close reason that is not UTF-8.
    NotUtf8,
    /// A message over [`Limits::message_bytes_max`], or a frame of one over [`Limits::frame_bytes_max`].
    MessageTooLong,
    /// A message over [`Limits::fragments_max`].
    TooManyFragments,
}

impl Violation {
    /// The code to close with.
    pub fn close_code(self) -> u16 {
        match self {
            Self::ReservedBits
            | Self::ReservedOpcode
            | Self::Unmasked
            | Self::ControlFragmented
            | Self::ControlTooLong
            | Self::LengthTopBit
            | Self::NothingToContinue
            | Self::MessageInterrupted
            | Self::CloseCutShort
            | Self::CloseCode => 1002,
            Self::NotUtf8 => 1007,
            Self::TooManyFragments => 1008,
            Self::MessageTooLong => 1009,
        }
    }

    /// A few words for the close frame and the log.
    pub fn reason(self) -> &'static str {
        match self {
            Self::ReservedBits => "reserved bits set",
            Self::ReservedOpcode => "reserved opcode",
            Self::Unmasked => "frame not masked",
            Self::ControlFragmented => "control frame in fragments",
            Self::ControlTooLong => "control frame too long",
            Self::LengthTopBit => "length over 63 bits",
            Self::NothingToContinue => "nothing to continue",
            Self::MessageInterrupted => "message interrupted by another",
            Self::CloseCutShort => "close code cut short",
            Self::CloseCode => "invalid close code",
            Self::NotUtf8 => "not UTF-8",
            Self::MessageTooLong => "message too long",
            Self::TooManyFragments => "too many fragments",
        }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Violation {}

/// What a frame is, by its opcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// Goes on with the message under way.
    Continuation,
    /// Begins a text message.
    Text,
    /// Begins a binary message.
    Binary,
    /// Closes.
    Close,
    /// Asks for a pong.
    Ping,
    /// Answers a ping.
    Pong,
}

impl Opcode {
    /// The four bits on the wire.
    pub fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    fn is_control(self) -> bool {
        match self {
            Self::Continuation | Self::Text | Self::Binary => false,
            Self::Close | Self::Ping | Self::Pong => true,
        }
    }
}
