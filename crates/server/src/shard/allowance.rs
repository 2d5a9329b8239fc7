//! What one connection may cost: buckets of frames and bytes, refilled over time (THREATS T14).

use super::wheel::TICK_MS;
use super::{Shard, Slot};
use crate::frame::{self, Limits};

impl Shard {
    /// The longest message that is taken, and in how many pieces: what its client was told, else what the operator chose.
    pub(super) fn limits(&self, slot: Slot) -> Limits {
        let connection = self.connections.get(slot as usize).and_then(|connection| connection.as_deref());
        let dialect = connection.and_then(|connection| self.parts.dialects.get(usize::from(connection.dialect)));
        let told = dialect.and_then(|dialect| dialect.message_bytes_max());
        let message_bytes_max = told.unwrap_or(self.parts.allowance.message_bytes_max);
        let frame_bytes_max = dialect.and_then(|dialect| dialect.frame_bytes_max()).unwrap_or(message_bytes_max);
        Limits { message_bytes_max, frame_bytes_max, fragments_max: frame::FRAGMENTS_MAX }
    }

    /// Takes bytes from the connection's allowance; false when it has none left (THREATS T14).
    pub(super) fn spend_bytes(&mut self, slot: Slot, bytes: usize) -> bool {
        self.refill(slot);
        let Some(connection) = self.get(slot) else { return true };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let enough = connection.bytes_left >= bytes;
        connection.bytes_left = connection.bytes_left.saturating_sub(bytes);
        enough
    }

    pub(super) fn spend_frame(&mut self, slot: Slot) -> bool {
        let Some(connection) = self.get(slot) else { return true };
        let enough = connection.frames_left > 0;
        connection.frames_left = connection.frames_left.saturating_sub(1);
        enough
    }

    fn refill(&mut self, slot: Slot) {
        let (now, allowance) = (self.wheel.tick(self.now), self.parts.allowance);
        let Some(connection) = self.get(slot) else { return };
        let ms = u64::from(now.since(connection.refilled)) * TICK_MS;
        if ms < 1_000 && connection.frames_left > 0 && connection.bytes_left > allowance.bytes_burst / 2 {
            return;
        }
        let add = |left: u32, rate: u32, most: u32| {
            let more = u64::from(rate) * ms / 1_000;
            u32::try_from((u64::from(left) + more).min(u64::from(most))).unwrap_or(most)
        };
        connection.frames_left = add(connection.frames_left, allowance.frames_per_second, allowance.frames_burst);
        connection.bytes_left = add(connection.bytes_left, allowance.bytes_per_second, allowance.bytes_burst);
        connection.refilled = now;
    }
}
