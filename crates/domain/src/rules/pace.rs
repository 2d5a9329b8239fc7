//! The sliding window of messages (RULES 12): one per user over all doors, a fold of the messages of the last 60 s. The
//! same window, an hour long, counts the rooms that someone made by first use (RULES 11).
//!
//! Repeats and refused sends don't count. The node notes a message when it decides it, and takes the note back when it
//! turns out to be a repeat or to have failed (HAZARDS 12).

use std::collections::VecDeque;

use crate::id::Millis;
use crate::limits;

/// Limits up to this are counted to the millisecond; above it in steps of [`COARSE_MS`], so that a window never holds
/// more than about 600 entries whatever an operator sets.
const EXACT_UP_TO: u32 = 600;
/// See [`EXACT_UP_TO`].
const COARSE_MS: u64 = 100;

/// What one user did within the last while, oldest first.
#[derive(Debug, Clone)]
pub struct Window {
    /// How long it is, in milliseconds.
    period_ms: u64,
    /// When (rounded down to the step) and how many; ascending, at most one entry per step.
    entries: VecDeque<(Millis, u32)>,
    /// The sum of the entries.
    total: u32,
}

impl Window {
    /// The window of messages: 60 s.
    #[must_use]
    pub fn of_messages() -> Self {
        Self::of_ms(limits::PACE_WINDOW_MS)
    }

    /// A window of this many milliseconds.
    #[must_use]
    pub fn of_ms(period_ms: u64) -> Self {
        Self { period_ms, entries: VecDeque::new(), total: 0 }
    }

    fn forget_before(&mut self, now: Millis) {
        while let Some(&(at, count)) = self.entries.front()
            && now.since(at) >= self.period_ms
        {
            self.total -= count;
            self.entries.pop_front();
        }
    }

    /// Whether one more message fits under `limit` a minute; 0 means no limit.
    ///
    /// # Errors
    /// In how many milliseconds the next one would fit.
    pub fn check(&mut self, limit: u32, now: Millis) -> Result<(), u64> {
        self.forget_before(now);
        if limit == 0 || self.total < limit {
            return Ok(());
        }
        let mut over = self.total - limit;
        for &(at, count) in &self.entries {
            if count > over {
                return Err((at.0 + self.period_ms).saturating_sub(now.0).max(1));
            }
            over -= count;
        }
        Err(self.period_ms)
    }

    /// Counts a message sent at `at`. Earlier times than the last noted one are taken as that one.
    pub fn note(&mut self, limit: u32, at: Millis) {
        if limit == 0 {
            return;
        }
        let step = if limit <= EXACT_UP_TO { at } else { Millis(at.0 / COARSE_MS * COARSE_MS) };
        self.total += 1;
        match self.entries.back_mut() {
            Some((last, count)) if *last >= step => *count += 1,
            _ => self.entries.push_back((step, 1)),
        }
    }

    /// Takes back one message noted at `at`: it was a repeat, or it failed.
    pub fn take_back(&mut self, at: Millis) {
        let Some(place) =
            self.entries.iter().rposition(|&(noted, _)| noted <= at).or(self.entries.len().checked_sub(1))
        else {
            return;
        };
        self.entries[place].1 -= 1;
        self.total -= 1;
        if self.entries[place].1 == 0 {
            self.entries.remove(place);
        }
    }

    /// Whether nothing within the window is left to remember.
    #[must_use]
    pub fn is_idle(&self, now: Millis) -> bool {
        self.entries.back().is_none_or(|&(at, _)| now.since(at) >= self.period_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thirty_first_waits_until_the_first_is_a_minute_old() {
        let mut window = Window::of_messages();
        for at in 0..30 {
            assert_eq!(window.check(30, Millis(at * 10)), Ok(()));
            window.note(30, Millis(at * 10));
        }
        assert_eq!(window.check(30, Millis(300)), Err(60_000 - 300));
        assert_eq!(window.check(30, Millis(59_999)), Err(1));
        assert_eq!(window.check(30, Millis(60_000)), Ok(()));
        window.note(30, Millis(60_000));
        assert_eq!(window.check(30, Millis(60_001)), Err(9), "the second was sent at 10");
        assert_eq!(window.check(31, Millis(60_001)), Ok(()), "the looser door has room");
        assert_eq!(window.check(0, Millis(60_001)), Ok(()), "no limit");
    }

    #[test]
    fn what_is_taken_back_does_not_count() {
        let mut window = Window::of_messages();
        window.note(2, Millis(5));
        window.note(2, Millis(9));
        assert!(window.check(2, Millis(10)).is_err());
        window.take_back(Millis(5));
        assert_eq!(window.check(2, Millis(10)), Ok(()));
        window.take_back(Millis(9));
        window.take_back(Millis(9));
        assert!(window.is_idle(Millis(10)));
    }

    #[test]
    fn a_high_limit_keeps_few_entries() {
        let mut window = Window::of_messages();
        for at in 0..60_000 {
            window.note(1_000_000, Millis(at));
        }
        assert!(window.entries.len() <= 600, "{} entries", window.entries.len());
        assert_eq!(window.total, 60_000);
        window.forget_before(Millis(90_000));
        assert!(window.total.abs_diff(30_000) <= 100, "{} within the step's error", window.total);
        assert!(window.is_idle(Millis(120_000)));
    }
}
