//! What the writer keeps in memory of the rooms it writes to: a bounded cache, loaded on demand.

use domain::Text;
use domain::id::ExclusionVersion;
use domain::model::RoomKey;
use hashbrown::HashMap;

/// Rooms in each of the cache's two generations.
const ROOMS_CACHED: usize = 50_000;
/// What the writer knows of a room.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) birth: u64,
    pub(super) version: ExclusionVersion,
    pub(super) public: bool,
    pub(super) last: u64,
    pub(super) seq: u64,
    /// Messages sent in it.
    pub(super) nth: u64,
    /// What the two of a direct room called it last.
    pub(super) alias: Option<Text>,
}

/// Rooms in two generations: what is used moves to the young one, and when that is full, the old one is forgotten.
#[derive(Default)]
pub(super) struct Rooms {
    young: HashMap<RoomKey, Known>,
    old: HashMap<RoomKey, Known>,
}

impl Rooms {
    pub(super) fn get(&mut self, key: &RoomKey) -> Option<Known> {
        if let Some(known) = self.young.get(key) {
            return Some(known.clone());
        }
        let known = self.old.remove(key)?;
        self.young.insert(key.clone(), known.clone());
        Some(known)
    }

    pub(super) fn put(&mut self, key: &RoomKey, known: Known) {
        match self.young.get_mut(key) {
            Some(slot) => *slot = known,
            None => drop(self.young.insert(key.clone(), known)),
        }
    }

    /// A room has another key from now on.
    pub(super) fn rename(&mut self, before: &RoomKey, after: &RoomKey) {
        if let Some(known) = self.get(before) {
            self.young.remove(before);
            self.put(after, known);
        }
    }

    /// Only between batches: a room of an open batch is known nowhere else.
    pub(super) fn age(&mut self) {
        if self.young.len() >= ROOMS_CACHED {
            self.old = std::mem::take(&mut self.young);
        }
    }
}
