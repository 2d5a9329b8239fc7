//! What was read lately: a message that has been read is not told to have been delivered afterwards, whatever overtook
//! what on the way here. Remembered for a minute, which is longer than a sign of life may take.

use std::collections::{BTreeSet, HashMap};

use domain::id::{Millis, Offset, UserId};
use domain::limits;
use domain::model::RoomKey;
use domain::rules::watermark::Raise;

/// How long it is remembered, in milliseconds.
const REMEMBERED_MS: u64 = 60_000;
/// Users and rooms of which it is remembered at most.
const REMEMBERED_MAX: usize = 100_000;

/// What was read lately, by whom and where.
#[derive(Debug, Default)]
pub(super) struct Lately {
    read: HashMap<(UserId, RoomKey), Read>,
}

#[derive(Debug, Default)]
struct Read {
    upto: Offset,
    apart: BTreeSet<Offset>,
    at: Millis,
}

impl Lately {
    /// Somebody has read something.
    pub(super) fn note(&mut self, user: &UserId, raise: &Raise, now: Millis) {
        if self.read.len() >= REMEMBERED_MAX {
            self.read.clear();
        }
        let read = self.read.entry((user.clone(), raise.room.clone())).or_default();
        read.upto = raise.upto.map_or(read.upto, |upto| upto.max(read.upto));
        read.apart.extend(&raise.apart);
        while read.apart.len() > limits::MARKS_APART_MAX {
            read.apart.pop_first();
        }
        read.at = now;
    }

    /// Whether they have read what was sent there.
    pub(super) fn has_read(&self, user: &UserId, room: &RoomKey, offset: Offset) -> bool {
        let read = self.read.get(&(user.clone(), room.clone()));
        read.is_some_and(|read| offset <= read.upto || read.apart.contains(&offset))
    }

    /// Forgets what is no longer lately.
    pub(super) fn sweep(&mut self, now: Millis) {
        self.read.retain(|_, read| now.since(read.at) < REMEMBERED_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::RoomName;

    #[test]
    fn what_is_read_is_remembered_for_a_minute() {
        let user = UserId::new("bob").expect("a short id is valid");
        let room = RoomKey::Named(RoomName::new("r").expect("a short name is valid"));
        let raise = |upto: Option<u64>, apart: &[u64]| Raise {
            room: room.clone(),
            upto: upto.map(Offset),
            apart: apart.iter().copied().map(Offset).collect(),
            messages: Vec::new().into(),
        };
        let mut lately = Lately::default();
        lately.note(&user, &raise(Some(5), &[9]), Millis(0));
        lately.note(&user, &raise(None, &[7]), Millis(1));
        for (offset, read) in [(5, true), (6, false), (7, true), (8, false), (9, true)] {
            assert_eq!(lately.has_read(&user, &room, Offset(offset)), read, "{offset}");
        }
        lately.sweep(Millis(REMEMBERED_MS));
        assert!(lately.has_read(&user, &room, Offset(5)));
        lately.sweep(Millis(REMEMBERED_MS + 1));
        assert!(!lately.has_read(&user, &room, Offset(5)));
    }
}
