//! What a connection and its frames are called in the platform's error frames: `connectionId`, `requestId`.
//!
//! They look as the platform's do: eleven bytes in base64. They prove nothing and open nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use crate::Sid;

/// The names of one connection.
#[derive(Debug)]
pub(super) struct Names {
    base: u64,
    requests: u64,
}

impl Names {
    /// Of the connection that is called so elsewhere. Its secret is folded, so that it can't be told from what is shown.
    pub(super) fn of(sid: Sid) -> Self {
        let half = |shift: u32| u64::try_from(sid.secret >> shift & u128::from(u64::MAX)).expect("64 bits are a u64");
        Self { base: mixed(mixed(half(64) ^ half(0)) ^ sid.connection.0), requests: 0 }
    }

    /// The connection, the same for as long as it lives.
    pub(super) fn connection(&self) -> String {
        name(self.base)
    }

    /// A frame that is answered, each another one.
    pub(super) fn request(&mut self) -> String {
        self.requests = self.requests.wrapping_add(1);
        name(self.base.wrapping_add(self.requests))
    }
}

fn name(value: u64) -> String {
    let (first, then) = (mixed(value), mixed(value.wrapping_add(STEP)));
    let mut bytes = [0; 11];
    bytes[..8].copy_from_slice(&first.to_be_bytes());
    bytes[8..].copy_from_slice(&then.to_be_bytes()[..3]);
    URL_SAFE.encode(bytes)
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's finish: numbers side by side have names that look nothing like each other.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(STEP);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use domain::id::ConnectionId;

    #[test]
    fn connections_and_requests_have_names_of_their_own() {
        let names = |connection, secret| Names::of(Sid { connection: ConnectionId(connection), secret });
        let mut shown = BTreeSet::new();
        for (connection, secret) in [(1, 2), (2, 2), (1, 3), (1, 2 << 64)] {
            let mut names = names(connection, secret);
            assert_eq!(names.connection(), names.connection(), "one name for as long as it lives");
            shown.insert(names.connection());
            for _ in 0..100 {
                shown.insert(names.request());
            }
        }
        // The last secret folds to the same as the first: its names are the same, too.
        assert_eq!(shown.len(), 3 * 101);
        assert!(shown.iter().all(|name| name.len() == 16 && name.ends_with('=')), "as the platform's look");
    }
}
