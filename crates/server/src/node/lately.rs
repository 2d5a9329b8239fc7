//! What was read and delivered lately: a message that has been read is not told to have been delivered afterwards, whatever
//! overtook what on the way here; and what one of a user's clients has taken in is not told again when another has, too.
//! What was read is remembered for a minute, which is longer than a sign of life may take; what was delivered for a day, so
//! that a device that comes back in the evening does not have all of the day told again.

use std::collections::{BTreeSet, HashMap};

use domain::id::{Millis, Offset, UserId};
use domain::limits;
use domain::model::RoomKey;
use domain::rules::watermark::Raise;

/// How long what was read is remembered, in milliseconds.
const REMEMBERED_MS: u64 = 60_000;
/// How long what was delivered is, after the last that was.
const DELIVERED_REMEMBERED_MS: u64 = 24 * 60 * 60 * 1000;
/// How often it is looked through for what is older.
const DELIVERED_SWEPT_EVERY_MS: u64 = 60_000;
/// Users and rooms of which it is remembered at most.
const REMEMBERED_MAX: usize = 100_000;

/// What was read lately, by whom and where.
#[derive(Debug, Default)]
pub(super) struct Lately {
    read: HashMap<(UserId, RoomKey), Read>,
    delivered: HashMap<(UserId, RoomKey), Delivered>,
    /// When what was delivered was last looked through.
    swept: Millis,
}

/// A stretch of a room of which everything was told to be delivered.
#[derive(Debug)]
struct Delivered {
    after: Offset,
    upto: Offset,
    at: Millis,
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

    /// Something was delivered, behind `after` and up to `upto`. Gives what of it was not told before, as stretches of the
    /// same kind, and up to where it goes by now.
    pub(super) fn deliver(
        &mut self,
        user: &UserId,
        room: &RoomKey,
        (after, upto): (Offset, Offset),
        now: Millis,
    ) -> (Vec<(Offset, Offset)>, Offset) {
        let key = (user.clone(), room.clone());
        let Some(known) = self.delivered.get_mut(&key) else {
            self.make_room();
            self.delivered.insert(key, Delivered { after, upto, at: now });
            return (vec![(after, upto)], upto);
        };
        let parts = [(after, upto.min(known.after)), (after.max(known.upto), upto)];
        let fresh = parts.into_iter().filter(|(after, upto)| after < upto).collect();
        if after <= known.upto && upto >= known.after {
            (known.after, known.upto) = (known.after.min(after), known.upto.max(upto));
        } else if upto > known.upto {
            // What lies between was not delivered; one stretch is remembered, the later.
            (known.after, known.upto) = (after, upto);
        }
        known.at = now;
        (fresh, known.upto)
    }

    /// Lets go of the half that was delivered longest ago when there is too much.
    fn make_room(&mut self) {
        if self.delivered.len() < REMEMBERED_MAX {
            return;
        }
        let mut times: Vec<Millis> = self.delivered.values().map(|delivered| delivered.at).collect();
        let (_, middle, _) = times.select_nth_unstable(REMEMBERED_MAX / 2);
        let middle = *middle;
        self.delivered.retain(|_, delivered| delivered.at > middle);
    }

    /// Forgets what is no longer lately.
    pub(super) fn sweep(&mut self, now: Millis) {
        if now.since(self.swept) >= DELIVERED_SWEPT_EVERY_MS {
            self.swept = now;
            self.delivered.retain(|_, delivered| now.since(delivered.at) < DELIVERED_REMEMBERED_MS);
        }
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

    #[test]
    fn what_is_delivered_is_told_once() {
        let user = UserId::new("bob").expect("a short id is valid");
        let room = RoomKey::Named(RoomName::new("r").expect("a short name is valid"));
        let mut lately = Lately::default();
        for ((after, upto), fresh, highest) in [
            ((5, 10), vec![(5, 10)], 10),
            ((5, 10), vec![], 10),
            ((7, 9), vec![], 10),
            ((9, 12), vec![(10, 12)], 12),
            ((3, 6), vec![(3, 5)], 12),
            ((2, 14), vec![(2, 3), (12, 14)], 14),
            ((0, 1), vec![(0, 1)], 14),
            ((20, 21), vec![(20, 21)], 21),
            ((13, 14), vec![(13, 14)], 21),
            ((20, 22), vec![(21, 22)], 22),
        ] {
            let told = lately.deliver(&user, &room, (Offset(after), Offset(upto)), Millis(0));
            let fresh = fresh.into_iter().map(|(after, upto)| (Offset(after), Offset(upto))).collect::<Vec<_>>();
            assert_eq!(told, (fresh, Offset(highest)), "behind {after} up to {upto}");
        }
        lately.sweep(Millis(DELIVERED_REMEMBERED_MS - 1));
        let again = lately.deliver(&user, &room, (Offset(20), Offset(22)), Millis(0));
        assert_eq!(again, (vec![], Offset(22)));
        let later = Millis(DELIVERED_REMEMBERED_MS + DELIVERED_SWEPT_EVERY_MS);
        lately.sweep(later);
        let again = lately.deliver(&user, &room, (Offset(20), Offset(22)), later);
        assert_eq!(again, (vec![(Offset(20), Offset(22))], Offset(22)));
    }

    #[test]
    fn of_too_much_that_was_delivered_the_half_of_before_goes() {
        let room = RoomKey::Named(RoomName::new("r").expect("a short name is valid"));
        let user = |number: usize| UserId::new(&format!("u{number}")).expect("a short id is valid");
        let one = (Offset(1), Offset(2));
        let mut lately = Lately::default();
        for number in 0..REMEMBERED_MAX {
            lately.deliver(&user(number), &room, one, Millis(number as u64));
        }
        // Whom it knows needs no room.
        assert_eq!(lately.deliver(&user(0), &room, one, Millis(0)).0, vec![]);
        assert_eq!(lately.delivered.len(), REMEMBERED_MAX);
        lately.deliver(&user(REMEMBERED_MAX), &room, one, Millis(REMEMBERED_MAX as u64));
        assert_eq!(lately.delivered.len(), REMEMBERED_MAX / 2);
        let last = lately.deliver(&user(REMEMBERED_MAX - 1), &room, one, Millis(0));
        assert_eq!((last.0, lately.deliver(&user(0), &room, one, Millis(0)).0), (vec![], vec![one]));
    }
}
