//! A frame's header as it lies on the wire, read from bytes that may end in the middle of it.

use super::{CONTROL_BYTES_MAX, Opcode, Violation};

/// The longest header of a client's frame: two bytes, a 64-bit length, a mask.
pub(super) const HEAD_BYTES_MAX: usize = 14;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0F;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7F;

/// A client's frame header.
pub(super) struct Head {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: [u8; 4],
    /// What the peer promises to send; nothing is ever reserved for it.
    pub(super) payload_bytes: u64,
    /// How long the header itself is.
    pub(super) bytes: usize,
}

impl Head {
    /// Reads the header at the start of `bytes`; `None` means more bytes are needed. What is wrong is said with the
    /// first byte that makes it so.
    ///
    /// A length in a longer form than it needs is read for what it says: it can't cost us more than its frame does.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, Violation> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        if first & RESERVED != 0 {
            return Err(Violation::ReservedBits);
        }
        let opcode = Opcode::from_bits(first & OPCODE).ok_or(Violation::ReservedOpcode)?;
        let fin = first & FIN != 0;
        if opcode.is_control() && !fin {
            return Err(Violation::ControlFragmented);
        }
        let Some(&second) = bytes.get(1) else { return Ok(None) };
        if second & MASKED == 0 {
            return Err(Violation::Unmasked);
        }
        let short = second & LENGTH;
        if opcode.is_control() && usize::from(short) > CONTROL_BYTES_MAX {
            return Err(Violation::ControlTooLong);
        }
        let rest = &bytes[2..];
        let (payload_bytes, rest) = match short {
            126 => match rest.split_first_chunk::<2>() {
                Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk::<8>() {
                _ if rest.first().is_some_and(|top| top & 0x80 != 0) => return Err(Violation::LengthTopBit),
                Some((length, rest)) => (u64::from_be_bytes(*length), rest),
                None => return Ok(None),
            },
            short => (u64::from(short), rest),
        };
        let Some((&mask, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        Ok(Some(Self { fin, opcode, mask, payload_bytes, bytes: bytes.len() - rest.len() }))
    }
    /// Where a control frame ends, counted from its first byte.
    pub(super) fn control_end(&self) -> usize {
        debug_assert!(self.opcode.is_control(), "only these are short enough to wait for");
        self.bytes + usize::try_from(self.payload_bytes).unwrap_or(usize::MAX).min(CONTROL_BYTES_MAX)
    }
}
