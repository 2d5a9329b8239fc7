//! The facts of rooms that the node remembers: a bounded cache over the store (HAZARDS 24).
//!
//! A room's facts load whole at first touch and follow its events from then on. That there is no such room is remembered
//! too. Rooms where somebody is attached, or whose facts are about to change, stay.

use std::collections::HashMap;

use domain::event::Event;
use domain::facts::RoomFacts;
use domain::id::{Millis, Offset, Seq};
use domain::limits;
use domain::model::RoomKey;

#[derive(Debug)]
struct Entry {
    facts: Option<Box<RoomFacts>>,
    touched: Millis,
    /// The facts were loaded with everything up to here.
    loaded: Offset,
    /// A change of the room is missing from the facts: they serve what has begun, and load anew at the next touch.
    lacking: bool,
}

/// The cache.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    entries: HashMap<RoomKey, Entry>,
    /// Rooms whose facts are being read, and the last change of each that was heard of since.
    loading: HashMap<RoomKey, Offset>,
    /// How many messages went through each relay that somebody is in.
    relayed: HashMap<RoomKey, Seq>,
}

impl Rooms {
    /// Whether it is known what there is to know of the room: its facts, or that there is no such room.
    pub(super) fn touch(&mut self, key: &RoomKey, now: Millis) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        entry.touched = now;
        !entry.lacking
    }

    /// The facts; none when there is no such room or nothing is known of it ([`Rooms::touch`] tells which).
    pub(super) fn peek(&self, key: &RoomKey) -> Option<&RoomFacts> {
        self.entries.get(key).and_then(|entry| entry.facts.as_deref())
    }

    /// Whether a change is known to be missing from what is remembered of the room.
    pub(super) fn lacks(&self, key: &RoomKey) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.lacking)
    }

    /// The room's facts are being read: what happens there meanwhile is noted.
    pub(super) fn loading(&mut self, key: &RoomKey) {
        self.loading.insert(key.clone(), Offset(0));
    }

    /// They could not be read.
    pub(super) fn not_loaded(&mut self, key: &RoomKey) {
        self.loading.remove(key);
    }

    /// What a reader found. Facts that are older than what was heard meanwhile are not taken.
    pub(super) fn learn(&mut self, key: &RoomKey, facts: Option<Box<RoomFacts>>, now: Millis) {
        let known = self.peek(key).map_or(Offset(0), |facts| facts.last);
        let heard = self.loading.remove(key).unwrap_or_default().max(known);
        let loaded = facts.as_ref().map_or(Offset(0), |facts| facts.last);
        if loaded >= heard {
            self.entries.insert(key.clone(), Entry { facts, touched: now, loaded, lacking: false });
        }
    }

    /// Follows an event. Of rooms that aren't remembered nothing is learnt: their facts load when they are asked for. What
    /// an own event has overtaken, another node's, is not put in under it: if it changes the facts, they load anew.
    pub(super) fn apply(&mut self, event: &Event) {
        // Who only says something changes no facts; waiting for every word of a busy room would never end.
        if let Some(heard) = self.loading.get_mut(&event.room).filter(|_| RoomFacts::is_structural(&event.what)) {
            *heard = event.offset.max(*heard);
        }
        let Some(entry) = self.entries.get_mut(&event.room) else { return };
        match &mut entry.facts {
            Some(facts) => {
                let late = event.offset <= facts.last && event.offset > entry.loaded;
                entry.lacking |= late && facts.would_change(event);
                facts.apply(event);
            }
            None => entry.facts = RoomFacts::born(event).map(Box::new),
        }
    }

    /// The number of the next message through a relay. Where nobody is, nothing is counted.
    pub(super) fn relay(&mut self, key: &RoomKey, occupied: bool) -> Seq {
        if !occupied {
            return Seq(1);
        }
        let seq = self.relayed.entry(key.clone()).or_insert(Seq(0));
        seq.0 += 1;
        *seq
    }

    /// The last one has left a relay: its numbers begin anew.
    pub(super) fn deserted(&mut self, key: &RoomKey) {
        self.relayed.remove(key);
    }

    /// Forgets a room: what was decided on its facts turned out stale.
    pub(super) fn forget(&mut self, key: &RoomKey) {
        self.entries.remove(key);
    }

    /// Forgets everything: frames of a failed batch may have survived (HAZARDS 13).
    pub(super) fn forget_all(&mut self) {
        self.entries.clear();
    }

    /// Lets go of the longest idle rooms when there are too many; `stays` names those that must not go.
    pub(super) fn evict(&mut self, stays: impl Fn(&RoomKey) -> bool) {
        let mut idle: Vec<(Millis, RoomKey)> = self
            .entries
            .iter()
            .filter(|(key, _)| !stays(key))
            .map(|(key, entry)| (entry.touched, key.clone()))
            .collect();
        if idle.len() <= limits::IDLE_ROOMS_CACHED_MAX {
            return;
        }
        idle.sort_unstable();
        for (_, key) in idle.iter().take(idle.len() - limits::IDLE_ROOMS_CACHED_MAX / 2) {
            self.entries.remove(key);
        }
    }
}
