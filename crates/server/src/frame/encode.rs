//! Encoding. A server's frames carry no mask, so a frame is the same for everybody: it is encoded once and its bytes are
//! gathered, one after the other, in the buffer of whoever listens. So everything here appends to a `Vec`.

use super::{CONTROL_BYTES_MAX, Opcode, mask};

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

/// The header of one of our frames: two, four or ten bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    bytes: [u8; 10],
    /// How many of `bytes` count; never more than there are.
    len: usize,
}

impl Header {
    /// The bytes to write before the payload.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The header of a whole, unmasked frame, for a payload that is written elsewhere or not yet.
pub fn header(opcode: Opcode, payload_bytes: usize) -> Header {
    let mut bytes = [0; 10];
    bytes[0] = FIN | opcode.bits();
    let len = match (u8::try_from(payload_bytes), u16::try_from(payload_bytes)) {
        (Ok(short @ 0..=125), _) => {
            bytes[1] = short;
            2
        }
        (_, Ok(medium)) => {
            bytes[1] = 126;
            bytes[2..4].copy_from_slice(&medium.to_be_bytes());
            4
        }
        (_, Err(_)) => {
            bytes[1] = 127;
            bytes[2..].copy_from_slice(&(payload_bytes as u64).to_be_bytes());
            10
        }
    };
    Header { bytes, len }
}

/// Appends one whole frame. Of the control frames only those that are short enough may be asked for.
pub fn encode_into(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    assert!(!opcode.is_control() || payload.len() <= CONTROL_BYTES_MAX, "a control frame holds at most 125 bytes");
    let header = header(opcode, payload.len());
    out.reserve(header.len + payload.len());
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(payload);
}

/// Appends a text message. It takes a `&str`, so that nobody can send a text that is none.
pub fn encode_text_into(out: &mut Vec<u8>, text: &str) {
    encode_into(out, Opcode::Text, text.as_bytes());
}

/// Appends a binary message.
pub fn encode_binary_into(out: &mut Vec<u8>, payload: &[u8]) {
    encode_into(out, Opcode::Binary, payload);
}

/// Appends a ping of at most 125 bytes.
pub fn encode_ping_into(out: &mut Vec<u8>, payload: &[u8]) {
    encode_into(out, Opcode::Ping, payload);
}

/// Appends a pong with the ping's bytes.
pub fn encode_pong_into(out: &mut Vec<u8>, payload: &[u8]) {
    encode_into(out, Opcode::Pong, payload);
}

/// The first of some whole frames that were encoded here, and what follows it; none at the end.
pub fn split_own(frames: &[u8]) -> Option<(Opcode, &[u8], &[u8])> {
    let (first, second) = (*frames.first()?, *frames.get(1)?);
    let opcode = [Opcode::Text, Opcode::Binary, Opcode::Close, Opcode::Ping, Opcode::Pong]
        .into_iter()
        .find(|opcode| opcode.bits() == first & 0x0f)?;
    let (head, len) = match second & !MASKED {
        126 => (4, u64::from(u16::from_be_bytes(*frames.get(2..4)?.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*frames.get(2..10)?.first_chunk()?)),
        short => (2, u64::from(short)),
    };
    let end = head + usize::try_from(len).ok()?;
    Some((opcode, frames.get(head..end)?, frames.get(end..)?))
}

/// Appends a close frame. Without a code it is empty, and so is the reason; a reason that is too long is cut at a
/// character.
pub fn encode_close_into(out: &mut Vec<u8>, code: Option<u16>, reason: &str) {
    let mut payload = [0; CONTROL_BYTES_MAX];
    let Some(code) = code else { return encode_into(out, Opcode::Close, &[]) };
    let reason = &reason[..reason.floor_char_boundary(CONTROL_BYTES_MAX - 2)];
    let len = 2 + reason.len();
    payload[..2].copy_from_slice(&code.to_be_bytes());
    payload[2..len].copy_from_slice(reason.as_bytes());
    encode_into(out, Opcode::Close, &payload[..len]);
}

/// Appends a frame as a client sends it, for tests and tools. The key is an argument, because nothing here is random;
/// `fin` is one, because tests send fragments.
pub fn encode_masked_into(out: &mut Vec<u8>, fin: bool, opcode: Opcode, payload: &[u8], key: [u8; 4]) {
    let mut header = header(opcode, payload.len());
    if !fin {
        header.bytes[0] &= !FIN;
    }
    header.bytes[1] |= MASKED;
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(&key);
    let start = out.len();
    out.extend_from_slice(payload);
    mask(&mut out[start..], key);
}
