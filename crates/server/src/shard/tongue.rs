//! A client that goes on in another tongue, and up to where a client has been told.

use dialects::Steps;
use domain::id::Cursor;

use super::{Shard, Slot};

impl Shard {
    /// From now on it is told in the words of the dialect of this name. It is in no room yet, so no run has anything for it.
    pub(super) fn speak(&mut self, slot: Slot, tongue: &str) {
        let Some(place) = self.parts.dialects.iter().position(|dialect| dialect.name() == tongue) else { return };
        let (hears, to) = (self.parts.dialects[place].hears_statuses(), u8::try_from(place).unwrap_or(0));
        let Some(connection) = self.get(slot).filter(|connection| connection.seats.is_empty()) else { return };
        let from = usize::from(std::mem::replace(&mut connection.dialect, to));
        self.tally.doors[from].open -= 1;
        self.tally.doors[place].open += 1;
        if hears {
            self.hub.watchers.insert(slot);
        } else {
            self.hub.watchers.remove(&slot);
        }
    }

    /// Up to where it has been told, to the session. While it is behind nobody can say whose row that is.
    pub(super) fn place_to(&mut self, slot: Slot) {
        // It may have no room for all of its room's run: then it is behind from now on.
        self.take_run(slot);
        let (cursor, now) = (Cursor { life: self.head_life, offset: self.head }, self.now);
        let mut steps = Steps::new();
        if let Some(connection) = self.get(slot).filter(|connection| connection.is_level())
            && let Some(session) = connection.session.as_mut()
        {
            session.placed(cursor, now, &mut steps);
        }
        self.take_steps(slot, &mut steps);
    }
}
