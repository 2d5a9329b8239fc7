//! Heartbeats over REST: who is online without a connection (socketio facts 5). Kept by the node, never stored: a client
//! beats again within the minute.

use std::collections::HashMap;

use crate::id::{Millis, UserId};
use crate::limits;
use crate::refusal::Refusal;

/// Who was heard of lately. Holds at most [`limits::BEATS_MAX`] users.
#[derive(Debug, Default)]
pub struct Beats {
    /// Until when each is online.
    until: HashMap<UserId, Millis>,
}

impl Beats {
    /// The user is online from now on, for [`limits::BEAT_MS`].
    ///
    /// # Errors
    /// `Busy` when as many are remembered as there may be, those that are over counted until they are swept.
    pub fn beat(&mut self, user: &UserId, now: Millis) -> Result<(), Refusal> {
        if self.until.len() >= limits::BEATS_MAX && !self.until.contains_key(user) {
            return Err(Refusal::Busy);
        }
        self.until.insert(user.clone(), now.plus(limits::BEAT_MS));
        Ok(())
    }

    /// The user's heartbeat is forgotten.
    pub fn rest(&mut self, user: &UserId) {
        self.until.remove(user);
    }

    /// Whether the user was heard of less than [`limits::BEAT_MS`] ago.
    #[must_use]
    pub fn is_fresh(&self, user: &UserId, now: Millis) -> bool {
        self.until.get(user).is_some_and(|until| now < *until)
    }

    /// Forgets those that are over.
    pub fn sweep(&mut self, now: Millis) {
        self.until.retain(|_, until| now < *until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: usize) -> UserId {
        UserId::new(&format!("u{number}")).expect("a short id is valid")
    }

    #[test]
    fn a_beat_lasts_two_minutes() {
        let mut beats = Beats::default();
        let (one, other) = (user(1), user(2));
        assert_eq!(beats.beat(&one, Millis(1000)), Ok(()));
        for (now, fresh) in [(1000, true), (120_999, true), (121_000, false)] {
            assert_eq!(beats.is_fresh(&one, Millis(now)), fresh, "at {now}");
        }
        assert!(!beats.is_fresh(&other, Millis(1000)));
        assert_eq!(beats.beat(&one, Millis(60_000)), Ok(()));
        beats.sweep(Millis(121_000));
        assert!(beats.is_fresh(&one, Millis(179_999)), "the last one counts");
        beats.rest(&one);
        assert!(!beats.is_fresh(&one, Millis(60_000)));
    }

    #[test]
    fn no_more_are_remembered_than_the_bound() {
        let mut beats = Beats::default();
        for number in 0..limits::BEATS_MAX {
            assert_eq!(beats.beat(&user(number), Millis(0)), Ok(()));
        }
        let (one_more, known) = (user(limits::BEATS_MAX), user(0));
        assert_eq!(beats.beat(&one_more, Millis(1)), Err(Refusal::Busy));
        assert_eq!(beats.beat(&known, Millis(1)), Ok(()), "whoever is known may go on");
        beats.sweep(Millis(limits::BEAT_MS));
        assert_eq!(beats.beat(&one_more, Millis(limits::BEAT_MS)), Ok(()), "the others are over");
    }
}
