//! The hub: who in this shard listens to which room, and what each room has to say in this turn.
//!
//! News are encoded once per (room, dialect) into the room's *run*, one contiguous buffer a turn; whoever is attached to
//! that room only gets the run with one write (HAZARDS 5). It keeps lists and buffers; `fan` decides who gets what.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::Text;
use domain::event::Signal;
use domain::id::{Offset, UserId};
use domain::model::RoomKey;
use hashbrown::HashMap;
use slab::Slab;
use smallvec::SmallVec;

/// A place in a list whose connection went while the list was being walked.
pub(super) const HOLE: u32 = u32::MAX;

/// What stands at the end of a piece of a run.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Event(Offset),
    Signal(Arc<Signal>),
}

/// A turn's frames for those who listen alike.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) bytes: Vec<u8>,
    /// Where each piece ends; ascending, the last is the buffer's length.
    pub(super) marks: Vec<(usize, Piece)>,
}

impl Run {
    fn clear(&mut self) {
        // A burst's buffer is not kept for good.
        if self.bytes.capacity() > 1 << 20 {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.marks.clear();
    }

    /// The piece that the byte at `position` belongs to.
    pub(super) fn piece_at(&self, position: usize) -> usize {
        self.marks.partition_point(|(end, _)| *end <= position)
    }
}

/// The listeners of one dialect who share a run.
#[derive(Debug)]
pub(super) struct List {
    pub(super) dialect: u8,
    pub(super) slots: Vec<u32>,
    pub(super) run: Run,
}

/// A room that somebody in this shard listens to.
#[derive(Debug)]
pub(super) struct HubRoom {
    pub(super) key: RoomKey,
    pub(super) shown: Text,
    pub(super) lists: SmallVec<[List; 2]>,
    /// Listeners who get slices of their own: in several rooms, or under a name of their own.
    pub(super) singles: Vec<u32>,
    /// It has a run in this pass.
    pub(super) active: bool,
    /// The last event that somebody here was told of.
    pub(super) said: Offset,
}

impl HubRoom {
    /// How many listen here.
    pub(super) fn listeners(&self) -> usize {
        self.singles.len() + self.lists.iter().map(|list| list.slots.len()).sum::<usize>()
    }
}

/// Rooms and users by what they are looked up by.
#[derive(Debug, Default)]
pub(super) struct Hub {
    by_key: HashMap<RoomKey, u32>,
    pub(super) rooms: Slab<HubRoom>,
    users: HashMap<UserId, SmallVec<[u32; 2]>>,
    /// Who is told who comes online and goes, in an order that a seed decides.
    pub(super) watchers: BTreeSet<u32>,
    /// The rooms with a run in this pass.
    pub(super) active: Vec<u32>,
    /// The lists may not be reordered: they are being walked.
    pub(super) walking: bool,
}

impl Hub {
    pub(super) fn find(&self, key: &RoomKey) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// The name by which everybody is told of a room.
    pub(super) fn shown(&self, key: &RoomKey) -> Text {
        self.find(key).map_or_else(|| key.shown(), |room| self.rooms[room as usize].shown.clone())
    }

    pub(super) fn room(&mut self, key: &RoomKey) -> u32 {
        if let Some(room) = self.by_key.get(key) {
            return *room;
        }
        let room = self.rooms.insert(HubRoom {
            key: key.clone(),
            shown: key.shown(),
            lists: SmallVec::new(),
            singles: Vec::new(),
            active: false,
            said: Offset(0),
        });
        let room = u32::try_from(room).expect("a shard has fewer rooms than connections, and those have 32-bit slots");
        self.by_key.insert(key.clone(), room);
        room
    }

    /// The list of a dialect's sharing listeners in a room, made when there is none.
    pub(super) fn list(&mut self, room: u32, dialect: u8) -> usize {
        let lists = &mut self.rooms[room as usize].lists;
        lists.iter().position(|list| list.dialect == dialect).unwrap_or_else(|| {
            lists.push(List { dialect, slots: Vec::new(), run: Run::default() });
            lists.len() - 1
        })
    }

    /// Adds to a list; gives the place.
    pub(super) fn push(list: &mut Vec<u32>, slot: u32) -> u32 {
        list.push(slot);
        u32::try_from(list.len() - 1).expect("a list is no longer than there are slots")
    }

    /// Takes the place out of a list; gives the slot that stands there now, whose seat has to be told. While lists are
    /// walked a hole is left instead, and mended afterwards.
    pub(super) fn take_out(list: &mut Vec<u32>, place: u32, walking: bool) -> Option<u32> {
        if walking {
            list[place as usize] = HOLE;
            return None;
        }
        list.swap_remove(place as usize);
        list.get(place as usize).copied()
    }

    /// Forgets a room that nobody listens to. Not while lists are walked.
    pub(super) fn forget_if_empty(&mut self, room: u32) {
        let Some(entry) = self.rooms.get(room as usize) else { return };
        if !self.walking && !entry.active && entry.singles.is_empty() && entry.lists.iter().all(|l| l.slots.is_empty())
        {
            self.by_key.remove(&entry.key);
            self.rooms.remove(room as usize);
        }
    }

    /// The room has something to say in this pass.
    pub(super) fn activate(&mut self, room: u32) {
        let entry = &mut self.rooms[room as usize];
        if !entry.active {
            entry.active = true;
            self.active.push(room);
        }
    }

    /// The pass is over: runs are empty, and rooms without listeners are forgotten. Gives the rooms that had one.
    pub(super) fn end_pass(&mut self) -> Vec<u32> {
        let rooms = std::mem::take(&mut self.active);
        for room in &rooms {
            let entry = &mut self.rooms[*room as usize];
            entry.active = false;
            entry.lists.iter_mut().for_each(|list| list.run.clear());
        }
        rooms
    }

    /// The connections of a user in this shard.
    pub(super) fn connections_of(&self, user: &UserId) -> SmallVec<[u32; 2]> {
        self.users.get(user).cloned().unwrap_or_default()
    }

    pub(super) fn add_connection(&mut self, user: &UserId, slot: u32) {
        self.users.entry(user.clone()).or_default().push(slot);
    }

    pub(super) fn remove_connection(&mut self, user: &UserId, slot: u32) {
        if let Some(slots) = self.users.get_mut(user) {
            slots.retain(|kept| *kept != slot);
            if slots.is_empty() {
                self.users.remove(user);
            }
        }
    }
}
