//! The timer wheel: one for all deadlines of a shard's connections.
//!
//! A connection has at most one live entry, its earliest deadline; an entry whose connection was armed anew since is
//! ignored when it comes up. Deadlines past the wheel's horizon come up there and are armed again.

use domain::id::Millis;

/// One tick, in milliseconds. Deadlines are met within one tick after them, never before.
pub(super) const TICK_MS: u64 = 64;
/// Ticks of one round: 131 s.
const SLOTS: u32 = 2048;

/// A moment, in ticks since the shard began. Four bytes where a connection keeps several; enough for eight years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Tick(pub(super) u32);

impl Tick {
    /// This many milliseconds later, rounded up.
    pub(super) fn plus_ms(self, ms: u64) -> Self {
        let ticks = u32::try_from(ms.div_ceil(TICK_MS)).unwrap_or(u32::MAX);
        Self(self.0.saturating_add(ticks))
    }

    /// Ticks since `earlier`.
    pub(super) fn since(self, earlier: Self) -> u32 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The wheel.
#[derive(Debug)]
pub(super) struct Wheel {
    began: Millis,
    now: Tick,
    slots: Vec<Vec<u32>>,
    armed: usize,
}

impl Wheel {
    pub(super) fn new(now: Millis) -> Self {
        Self { began: now, now: Tick(0), slots: vec![Vec::new(); SLOTS as usize], armed: 0 }
    }

    /// The tick that a moment lies in.
    pub(super) fn tick(&self, at: Millis) -> Tick {
        Tick(u32::try_from(at.since(self.began) / TICK_MS).unwrap_or(u32::MAX))
    }

    /// When a tick began.
    pub(super) fn moment(&self, tick: Tick) -> Millis {
        self.began.plus(u64::from(tick.0) * TICK_MS)
    }

    /// The tick by which a moment has passed.
    pub(super) fn tick_after(&self, at: Millis) -> Tick {
        Tick(u32::try_from(at.since(self.began).div_ceil(TICK_MS)).unwrap_or(u32::MAX))
    }

    /// The tick that the last turn stood in.
    pub(super) fn now(&self) -> Tick {
        self.now
    }

    /// Arms a connection; gives the tick at which it comes up, at or before the one asked for.
    pub(super) fn arm(&mut self, slot: u32, at: Tick) -> Tick {
        let at = Tick(at.0.clamp(self.now.0 + 1, self.now.0 + SLOTS - 1));
        self.slots[(at.0 % SLOTS) as usize].push(slot);
        self.armed += 1;
        at
    }

    /// Moves on to `now`; puts the connections that came up into `due`, each with its tick.
    pub(super) fn turn(&mut self, now: Millis, due: &mut Vec<(u32, Tick)>) {
        let until = self.tick(now);
        while self.now < until {
            self.now = Tick(self.now.0 + 1);
            let at = self.now;
            let slot = &mut self.slots[(at.0 % SLOTS) as usize];
            self.armed -= slot.len();
            due.extend(slot.drain(..).map(|connection| (connection, at)));
        }
    }

    /// When to turn next, if anything is armed.
    pub(super) fn next(&self) -> Option<Millis> {
        if self.armed == 0 {
            return None;
        }
        let ahead = (1..SLOTS).find(|ahead| !self.slots[((self.now.0 + ahead) % SLOTS) as usize].is_empty())?;
        Some(self.began.plus(u64::from(self.now.0 + ahead) * TICK_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_up_after_their_moment_and_within_a_tick() {
        let mut wheel = Wheel::new(Millis(1_000));
        let mut due = Vec::new();
        for (slot, ms) in [(1, 0), (2, 64), (3, 65), (4, 10_000), (5, 500_000)] {
            let at = wheel.now().plus_ms(ms);
            wheel.arm(slot, at);
        }
        assert_eq!(wheel.next(), Some(Millis(1_064)));
        wheel.turn(Millis(1_063), &mut due);
        assert_eq!(due, vec![]);
        wheel.turn(Millis(1_064), &mut due);
        assert_eq!(due.drain(..).map(|(slot, _)| slot).collect::<Vec<_>>(), [1, 2]);
        wheel.turn(Millis(1_128), &mut due);
        assert_eq!(due.drain(..).map(|(slot, _)| slot).collect::<Vec<_>>(), [3]);
        wheel.turn(Millis(11_100), &mut due);
        assert_eq!(due.drain(..).map(|(slot, _)| slot).collect::<Vec<_>>(), [4]);
        assert_eq!(wheel.next(), Some(Millis(1_000 + 2047 * 64)), "past the horizon: comes up there, armed again");
        wheel.turn(Millis(400_000), &mut due);
        assert_eq!((due.len(), wheel.next()), (1, None));
    }
}
