//! Ids and numbers, a type each, checked when made: two text arguments side by side are a bug waiting.
//!
//! Nothing here is drawn at random; new ids come from the threads' shells as arguments.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::limits;

/// Why a text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadId {
    /// It has no characters.
    Empty,
    /// It is longer than the kind of id allows.
    TooLong,
    /// It has a control character (an id stands in logs, URLs and file names of exports).
    Control,
}

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::TooLong => "is too long",
            Self::Control => "has a control character",
        })
    }
}

fn checked(text: &str, bytes_max: usize) -> Result<Arc<str>, BadId> {
    if text.is_empty() {
        Err(BadId::Empty)
    } else if text.len() > bytes_max {
        Err(BadId::TooLong)
    } else if text.chars().any(char::is_control) {
        Err(BadId::Control)
    } else {
        Ok(Arc::from(text))
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $bytes_max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text: not empty, within the bound, no control characters.
            ///
            /// # Errors
            /// [`BadId`] says which of the three does not hold.
            pub fn new(text: &str) -> Result<Self, BadId> {
                checked(text, $bytes_max).map(Self)
            }

            /// The id as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The id as shared text, without a copy.
            #[must_use]
            pub fn text(&self) -> crate::Text {
                self.0.clone()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// Who someone is, as their auth service says it (RULES 1). 1 to 255 bytes.
    UserId, limits::USER_ID_BYTES_MAX
);
text_id!(
    /// A room's id as a client writes it. 1 to 255 bytes. What it means for whom: [`crate::rules::name::resolve`].
    RoomName, limits::ROOM_NAME_BYTES_MAX
);
text_id!(
    /// The sender's own id of a send (DESIGN invariant 5): unique per sender and room. 1 to 128 bytes.
    ClientId, limits::CLIENT_ID_BYTES_MAX
);

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A user's number on wires whose users are integers: 1 to 2^31 - 1 (RULES 2).
    UserNumber(u32)
);
number!(
    /// An event's number in the store's one log: 1, 2, 3, … without a gap. 0 stands before the first event.
    Offset(u64)
);
number!(
    /// An event's number in its room: 1, 2, 3, … without a gap. 0 stands before the first event.
    Seq(u64)
);
number!(
    /// A connection, unique within one life of one server: shard (8 bits), generation (24), slot (32).
    ConnectionId(u64)
);
number!(
    /// Which door something came through: the dialect's place in the registry, kept in rows, so it never changes.
    Door(u8)
);
number!(
    /// Moved only by what can turn a yes into a no: removal, ban, a lower role, tightened settings (invariant 7).
    ExclusionVersion(u64)
);
number!(
    /// Milliseconds since 1970-01-01 UTC.
    Millis(u64)
);

impl Offset {
    /// The offset after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Seq {
    /// The seq after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Millis {
    /// This much later, in milliseconds.
    #[must_use]
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// How many milliseconds have passed since `earlier`; 0 when it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The random id of the server start that wrote an event (DESIGN.md, 2). Written as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Life(pub u64);

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A message's UUID, as its 128 bits. Written in the usual 8-4-4-4-12 form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MessageId(pub u128);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let b = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            b >> 96,
            (b >> 80) & 0xffff,
            (b >> 64) & 0xffff,
            (b >> 48) & 0xffff,
            b & 0xffff_ffff_ffff
        )
    }
}

/// A session that a client may come back to: drawn at random, told to its client only, and the only thing that proves that
/// it is the same client. Written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub u128);

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for SessionKey {
    /// Says nothing of the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(…)")
    }
}

/// A resume token, `<life>.<offset>`: valid only if the row at that offset has that life, so that a restored backup is
/// noticed and refused, never served wrongly. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Who wrote the row.
    pub life: Life,
    /// Everything up to and including this offset has been seen.
    pub offset: Offset,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.life, self.offset)
    }
}

/// The text is no resume token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadCursor;

/// The text is no UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadMessageId;

impl FromStr for MessageId {
    type Err = BadMessageId;

    /// From the form in which UUIDs are written, in small or capital letters.
    fn from_str(text: &str) -> Result<Self, BadMessageId> {
        let dashes = [8, 13, 18, 23];
        let fits = |(at, byte): (usize, u8)| if dashes.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() };
        if text.len() != 36 || !text.bytes().enumerate().all(fits) {
            return Err(BadMessageId);
        }
        u128::from_str_radix(&text.replace('-', ""), 16).map(Self).map_err(|_| BadMessageId)
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (life, offset) = text.split_once('.').ok_or(BadCursor)?;
        if life.len() != 16 || !life.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(BadCursor);
        }
        // `u64::from_str` takes a leading plus; a token has none.
        if offset.is_empty() || !offset.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadCursor);
        }
        let life = u64::from_str_radix(life, 16).map_err(|_| BadCursor)?;
        Ok(Self { life: Life(life), offset: Offset(offset.parse().map_err(|_| BadCursor)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_at_the_bound_and_one_past_it() {
        for (text, expected) in [
            ("a".repeat(255), Ok(())),
            ("a".repeat(256), Err(BadId::TooLong)),
            (String::new(), Err(BadId::Empty)),
            ("a\nb".into(), Err(BadId::Control)),
            ("a\0b".into(), Err(BadId::Control)),
            ("GUILD#9 ü".into(), Ok(())),
        ] {
            assert_eq!(UserId::new(&text).map(|_| ()), expected, "{text:?}");
        }
        assert_eq!(ClientId::new(&"c".repeat(129)), Err(BadId::TooLong));
    }

    #[test]
    fn cursors_come_back_as_they_went() {
        let cursor = Cursor { life: Life(0xab), offset: Offset(42) };
        assert_eq!(cursor.to_string(), "00000000000000ab.42");
        assert_eq!("00000000000000ab.42".parse(), Ok(cursor));
        for bad in [
            "",
            ".",
            "ab.1",
            "00000000000000ab.",
            "00000000000000ab.-1",
            "00000000000000ab.+1",
            "x0000000000000ab.1",
            "00000000000000ab.99999999999999999999",
        ] {
            assert_eq!(bad.parse::<Cursor>(), Err(BadCursor), "{bad:?}");
        }
    }

    #[test]
    fn message_ids_are_written_as_uuids() {
        let id = MessageId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(id.to_string(), "01234567-89ab-cdef-0123-456789abcdef");
    }
}
