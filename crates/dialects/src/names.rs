//! What a connection is called outside: text that its client and a back end may pass around, and that nobody can make up.
//!
//! A [`ConnectionId`] counts up, so whoever has seen one could guess the next. Its name is the id under a keyed mask with
//! a keyed tag of 72 bits beside it, both SipHash-2-4 under a key that is drawn at the start: a name that was not given
//! out is one of ours by a chance of 1 in 2^72, and a guess needs a back end's signature besides. The shape is that of AWS
//! API Gateway's ids, URL-safe Base64 that ends in `=`. Nothing is kept: a name is computed, and says the id when read.

use std::fmt;
use std::hash::Hasher;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use domain::id::ConnectionId;
use siphasher::sip::SipHasher24;
use siphasher::sip128::{Hasher128, SipHasher24 as SipHasher128};

/// Bytes of the tag.
const TAG_BYTES: usize = 9;
/// Bytes of a name before Base64.
const NAME_BYTES: usize = TAG_BYTES + 8;
/// What is hashed before the rest, so that no hash of one kind is one of another.
const TAG: u64 = 1;
/// See [`TAG`].
const MASK: u64 = 2;
/// See [`TAG`].
const REQUEST: u64 = 3;

/// The names of connections and of what is asked on them, under a secret key. All who name a connection share one.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionNames {
    /// Private: who has it can make up names.
    key: [u8; 16],
}

impl fmt::Debug for ConnectionNames {
    /// Says nothing of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionNames(…)")
    }
}

impl Default for ConnectionNames {
    /// Under a key that everybody knows: for tests, whose names are the same in every run.
    fn default() -> Self {
        Self::new([0; 16])
    }
}

impl ConnectionNames {
    /// Names under this key, which has to be drawn at random. A new one at each start: no name outlives its connection.
    #[must_use]
    pub fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// What this connection is called: 24 characters.
    #[must_use]
    pub fn name(&self, id: ConnectionId) -> String {
        let mut bytes = [0; NAME_BYTES];
        let tag = self.tag(id);
        bytes[..TAG_BYTES].copy_from_slice(&tag);
        bytes[TAG_BYTES..].copy_from_slice(&(id.0 ^ self.mask(&tag)).to_be_bytes());
        URL_SAFE.encode(bytes)
    }

    /// The connection that is called so; none when it is no name of ours.
    #[must_use]
    pub fn read(&self, name: &str) -> Option<ConnectionId> {
        let mut bytes = [0; NAME_BYTES];
        // The length first, so that no text however long is decoded.
        if name.len() != NAME_BYTES.div_ceil(3) * 4 || URL_SAFE.decode_slice(name, &mut bytes).ok()? != NAME_BYTES {
            return None;
        }
        let (tag, masked) = bytes.split_at(TAG_BYTES);
        let id = u64::from_be_bytes(masked.try_into().ok()?);
        let id = ConnectionId(id ^ self.mask(tag));
        // Every byte is looked at, whichever is wrong.
        let differ = self.tag(id).iter().zip(tag).fold(0, |differ, (ours, given)| differ | (ours ^ given));
        (differ == 0).then_some(id)
    }

    /// What the connection's `number`th request is called, of the same shape. It says nothing and can't be read.
    #[must_use]
    pub fn request(&self, id: ConnectionId, number: u64) -> String {
        let mut hasher = SipHasher128::new_with_key(&self.key);
        [REQUEST, id.0, number].into_iter().for_each(|part| hasher.write_u64(part));
        URL_SAFE.encode(&hasher.finish128().as_bytes()[..11])
    }

    fn tag(&self, id: ConnectionId) -> [u8; TAG_BYTES] {
        let mut hasher = SipHasher128::new_with_key(&self.key);
        [TAG, id.0].into_iter().for_each(|part| hasher.write_u64(part));
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&hasher.finish128().as_bytes()[..TAG_BYTES]);
        tag
    }

    fn mask(&self, tag: &[u8]) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write_u64(MASK);
        hasher.write(tag);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names() -> ConnectionNames {
        ConnectionNames::new(*b"sixteen bytes of")
    }

    #[test]
    fn a_name_is_read_back_and_shows_nothing() {
        let (names, mut seen) = (names(), BTreeSet::new());
        for id in (0..1000).chain([u64::MAX, 1 << 56, 0x0100_0001_0000_0007]) {
            let name = names.name(ConnectionId(id));
            assert_eq!(names.read(&name), Some(ConnectionId(id)), "{name}");
            assert!(name.len() == 24 && name.ends_with('=') && !name.ends_with("=="), "{name}");
            assert!(seen.insert(name.split_at(8).0.to_owned()), "neighbours have nothing in common");
        }
        assert_eq!(names.name(ConnectionId(7)), names.name(ConnectionId(7)), "a connection has one name");
        assert_eq!(format!("{names:?}"), "ConnectionNames(…)");
    }

    #[test]
    fn nothing_else_is_a_name() {
        let names = names();
        let name = names.name(ConnectionId(7));
        let other = ConnectionNames::new([7; 16]).name(ConnectionId(7));
        let bare = URL_SAFE.encode([[0; TAG_BYTES].as_slice(), &7u64.to_be_bytes()].concat());
        let long = "A".repeat(1 << 20);
        for text in [
            "",
            "=",
            "S9r92dKZIAMCJ5w=",
            &other,
            &bare,
            &long,
            &name[..23],
            &format!("{name}="),
            "é".repeat(12).as_str(),
        ] {
            assert_eq!(names.read(text), None, "{text:.40}");
        }
        for place in 0..name.len() {
            for byte in *b"Aa0-_+/=% " {
                let mut bytes = name.clone().into_bytes();
                bytes[place] = byte;
                let text = String::from_utf8(bytes).expect("one ASCII byte was put for another");
                assert_eq!(names.read(&text).is_some(), text == name, "{text}");
            }
        }
    }

    #[test]
    fn requests_have_names_of_their_own() {
        let names = names();
        let seen: BTreeSet<String> = (0..1000).map(|number| names.request(ConnectionId(number % 7), number)).collect();
        assert_eq!(seen.len(), 1000);
        assert!(seen.iter().all(|name| name.len() == 16 && name.ends_with('=')), "as AWS's: {seen:?}");
    }
}
