//! Numbers and texts as bytes in a row, and back. Numbers are LEB128: small ones, and most are, take a byte or two.

use domain::Text;
use domain::id::UserId;
use domain::model::RoomKey;

/// Adds values to a row.
pub(super) trait Put {
    fn num(&mut self, value: u64);
    fn text(&mut self, text: &str);
    fn maybe_text(&mut self, text: Option<&str>);
    fn wide(&mut self, value: u128);
}

impl Put for Vec<u8> {
    fn num(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.push(value.to_le_bytes()[0]);
    }

    fn text(&mut self, text: &str) {
        self.num(text.len() as u64);
        self.extend_from_slice(text.as_bytes());
    }

    fn maybe_text(&mut self, text: Option<&str>) {
        match text {
            None => self.push(0),
            Some(text) => {
                self.push(1);
                self.text(text);
            }
        }
    }

    fn wide(&mut self, value: u128) {
        self.extend_from_slice(&value.to_le_bytes());
    }
}

/// Takes values from a row; none when the row does not hold them.
pub(super) struct Take<'a> {
    left: &'a [u8],
}

impl<'a> Take<'a> {
    pub(super) fn new(row: &'a [u8]) -> Self {
        Self { left: row }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.left.split_at_checked(count)?;
        self.left = left;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.bytes(1).map(|taken| taken[0])
    }

    pub(super) fn fixed(&mut self) -> Option<u64> {
        self.bytes(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    pub(super) fn wide(&mut self) -> Option<u128> {
        self.bytes(16)?.try_into().ok().map(u128::from_le_bytes)
    }

    pub(super) fn num(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if (part << shift) >> shift != part {
                return None;
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn str(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.num()?).ok()?;
        std::str::from_utf8(self.bytes(length)?).ok()
    }

    pub(super) fn text(&mut self) -> Option<Text> {
        self.str().map(Text::from)
    }

    /// `Some(None)` is a text that is not there.
    pub(super) fn maybe_text(&mut self) -> Option<Option<Text>> {
        match self.byte()? {
            0 => Some(None),
            1 => self.text().map(Some),
            _ => None,
        }
    }

    pub(super) fn user(&mut self) -> Option<UserId> {
        UserId::new(self.str()?).ok()
    }
}

/// A room's key as one text: `n` and its name, or `p` and the two ids with a NUL between, which no id contains.
pub(super) fn key_text(key: &RoomKey) -> String {
    match key {
        RoomKey::Named(name) => format!("n{name}"),
        RoomKey::Pair(one, other) => format!("p{one}\0{other}"),
        // Kept nowhere: a text that no row has.
        RoomKey::Relay(room) => format!("r{}", key_text(room)),
    }
}

/// The key that a text stands for.
pub(super) fn text_key(text: &str) -> Option<RoomKey> {
    if let Some(name) = text.strip_prefix('n') {
        return domain::id::RoomName::new(name).ok().map(RoomKey::Named);
    }
    let (one, other) = text.strip_prefix('p')?.split_once('\0')?;
    Some(RoomKey::pair(UserId::new(one).ok()?, UserId::new(other).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_longer_ones_are_refused() {
        for value in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut row = Vec::new();
            row.num(value);
            let mut take = Take::new(&row);
            assert_eq!((take.num(), take.is_empty()), (Some(value), true), "{value}");
            assert_eq!(Take::new(&row[..row.len() - 1]).num(), None, "cut short");
        }
        for bad in [[0xff; 10], [0x80; 10], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]] {
            assert_eq!(Take::new(&bad).num(), None, "{bad:?}");
        }
    }

    #[test]
    fn a_name_that_looks_like_a_pair_is_a_name() {
        let user = |id| UserId::new(id).unwrap();
        for key in [
            RoomKey::Named(domain::id::RoomName::new("pa").unwrap()),
            RoomKey::pair(user("a"), user("b")),
            RoomKey::pair(user("n"), user("n")),
        ] {
            assert_eq!(text_key(&key_text(&key)), Some(key));
        }
        assert_eq!([text_key(""), text_key("n"), text_key("pa"), text_key("x")], [None, None, None, None]);
    }
}
