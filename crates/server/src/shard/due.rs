//! Deadlines: the contracts' time-outs, each connection's earliest one on the shard's wheel.
//!
//! While a peer does not take what is written, only the write deadline runs: nothing is read from it, so its silence says
//! nothing (invariant 6).

use dialects::Close;
use domain::id::Millis;

use super::connection::Phase;
use super::integrate::UPGRADE_WAIT_MS;
use super::wheel::Tick;
use super::{Net, Shard, Slot};

impl Shard {
    /// The earliest moment at which the connection has to be looked at.
    pub(super) fn earliest(&self, slot: Slot) -> Option<Tick> {
        let timing = &self.parts.timing;
        let connection = self.connections.get(slot as usize)?.as_deref()?;
        let polled = connection.is_polled();
        let raw = self.parts.dialects.get(usize::from(connection.dialect)).is_none_or(|dialect| dialect.is_raw());
        let at = match connection.phase {
            Phase::Opening(_) if connection.integrating > 0 => {
                Some(connection.since.plus_ms(timing.head_ms + UPGRADE_WAIT_MS))
            }
            Phase::Head | Phase::Asking(_) | Phase::Meeting(_) | Phase::Opening(_) => {
                Some(connection.since.plus_ms(timing.head_ms))
            }
            Phase::Closing => Some(connection.since_closing.plus_ms(timing.closing_ms)),
            Phase::Open if polled && connection.blocked => Some(connection.moved.plus_ms(timing.poll_ms)),
            Phase::Open if polled => None,
            Phase::Open if connection.blocked || connection.lag.is_some() => {
                Some(connection.moved.plus_ms(timing.write_ms))
            }
            Phase::Open if raw => {
                let ping = connection.pinged.plus_ms(timing.ping_ms);
                let pong = connection.ponged.plus_ms(timing.pong_ms);
                Some(ping.min(pong).min(connection.heard.plus_ms(timing.read_ms)))
            }
            Phase::Open => None,
        };
        if !matches!(connection.phase, Phase::Open) {
            return at;
        }
        let session = connection.session.as_ref().and_then(|session| session.deadline());
        let moments = [connection.ends, session].into_iter().flatten().map(|moment| self.wheel.tick_after(moment));
        at.into_iter().chain(moments).chain(connection.release_at()).min()
    }

    /// Looks at the connections that came up.
    pub(super) fn deadlines(&mut self, net: &mut dyn Net) {
        let mut due = std::mem::take(&mut self.due);
        self.wheel.turn(self.now, &mut due);
        for (slot, at) in due.drain(..) {
            if self.get(slot).is_some_and(|connection| connection.armed == at) {
                self.come_up(slot, net);
                self.arm(slot);
            }
        }
        self.due = due;
    }

    fn come_up(&mut self, slot: Slot, net: &mut dyn Net) {
        let (timing, now, tick) = (self.parts.timing, self.now, self.wheel.now());
        let doors = self.parts.dialects.clone();
        let Some(connection) = self.get(slot) else { return };
        connection.armed = Tick(u32::MAX);
        let dialect = usize::from(connection.dialect);
        let raw = doors.get(dialect).is_none_or(|dialect| dialect.is_raw());
        let past = |from: Tick, ms: u64| tick >= from.plus_ms(ms);
        let extra_ms = if connection.integrating > 0 { UPGRADE_WAIT_MS } else { 0 };
        match connection.phase {
            Phase::Head | Phase::Asking(_) | Phase::Meeting(_) | Phase::Opening(_)
                if past(connection.since, timing.head_ms + extra_ms) =>
            {
                self.gone(slot, net);
            }
            Phase::Head | Phase::Asking(_) | Phase::Meeting(_) | Phase::Opening(_) => {}
            Phase::Closing if past(connection.since_closing, timing.closing_ms) => self.gone(slot, net),
            Phase::Closing => {}
            Phase::Open if connection.ends.is_some_and(|ends| ends <= now) => {
                connection.ends = None;
                self.have_session(slot, |session, steps| session.expired(steps));
            }
            Phase::Open if connection.is_polled() => {
                if connection.blocked && past(connection.moved, timing.poll_ms) {
                    return self.gone(slot, net);
                }
                self.release_if_due(slot);
                self.wake_session(slot, now);
            }
            Phase::Open if connection.blocked && past(connection.moved, timing.write_ms) => self.gone(slot, net),
            // It is behind and takes what it is given: its deadlines rest.
            Phase::Open if !connection.blocked && connection.lag.is_some() => connection.moved = tick,
            Phase::Open if !raw => self.wake_session(slot, now),
            Phase::Open if connection.blocked => {}
            Phase::Open if past(connection.ponged, timing.pong_ms) || past(connection.heard, timing.read_ms) => {
                self.close(slot, Close { code: 1001, reason: "no sign of life" });
            }
            Phase::Open => {
                if past(connection.pinged, timing.ping_ms) {
                    self.ping(slot);
                }
                self.wake_session(slot, now);
            }
        }
    }

    /// Wakes a session whose deadline has passed. Of one that takes in too slowly what it is told nothing is heard, so its
    /// deadlines begin anew.
    pub(super) fn wake_session(&mut self, slot: Slot, now: Millis) {
        let Some(connection) = self.get(slot) else { return };
        let rests = connection.rests();
        let Some(session) = connection.session.as_mut() else { return };
        if session.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        if rests {
            return session.rested(now);
        }
        self.have_session(slot, |session, steps| session.wake(now, steps));
    }

    /// When the next turn is due at the latest.
    pub(super) fn next_turn(&self) -> Option<Millis> {
        let gap = self.gap_since.filter(|_| !self.gap_reading).map(|since| since.plus(domain::limits::GAP_WAIT_MS));
        [self.wheel.next(), gap].into_iter().flatten().min()
    }
}
