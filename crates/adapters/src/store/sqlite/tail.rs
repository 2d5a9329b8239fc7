//! The newest events, in memory: all that the index has not got yet, and as many more as the ring holds. Written by the
//! writer after each commit, moved on by the indexer, read by everybody, under one std mutex that is held briefly and
//! never across a sync or a query.
//!
//! Each event knows the offset of the one before it in its room, so a room's events are a list from its head backwards;
//! the offset at which that list leaves the tail is where the index takes over.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::event::Event;
use domain::id::{Cursor, Life, Millis, Offset, Seq};
use domain::model::RoomKey;
use hashbrown::HashMap;

use crate::store::settle;

/// Most events that are not in the index yet; past it the writer waits for the indexer.
pub(super) const UNINDEXED_MAX: usize = 100_000;
/// The same in bytes of content.
const UNINDEXED_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Events kept although they are indexed: most catch-up and most pages ask for these. Few in tests, so that they cross
/// from the tail to the index all the time.
const RING_EVENTS: usize = if cfg!(test) { 12 } else { 50_000 };
/// The same in bytes of content.
const RING_BYTES: usize = 32 * 1024 * 1024;

/// An event, with what the indexer needs of it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) event: Arc<Event>,
    /// The offset of its room's first event.
    pub(super) room: u64,
    /// The offset of the event before it in its room; 0 when it is the first.
    pub(super) previous: u64,
    /// Whether its room is a public one.
    pub(super) public: bool,
    /// The hash of (sender, room, client id), where it has a client id.
    pub(super) id: Option<u64>,
}

/// A room's last event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The offset of its room's first event.
    pub(super) room: u64,
    pub(super) last: u64,
    pub(super) seq: u64,
    pub(super) at: u64,
    pub(super) public: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Tail {
    /// Private: consecutive offsets, the last of which is the log's head; `rooms` and `ids` say what is in here.
    entries: VecDeque<Entry>,
    /// The offset of the first entry, or the one after the head.
    first: u64,
    /// Everything up to here is in the index.
    indexed: u64,
    /// Whose row the head is.
    life: Life,
    bytes: usize,
    unindexed_bytes: usize,
    rooms: HashMap<RoomKey, Head>,
    ids: HashMap<u64, u64>,
    /// Ids whose hash another event's id has too: one in 2^64, looked through one by one.
    collided: Vec<(u64, u64)>,
}

fn index(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}

impl Tail {
    /// Of a log whose head is this, all of it indexed.
    pub(super) fn at(head: Cursor) -> Self {
        Self {
            entries: VecDeque::new(),
            first: head.offset.0 + 1,
            indexed: head.offset.0,
            life: head.life,
            bytes: 0,
            unindexed_bytes: 0,
            rooms: HashMap::new(),
            ids: HashMap::new(),
            collided: Vec::new(),
        }
    }

    pub(super) fn head(&self) -> u64 {
        self.first + self.entries.len() as u64 - 1
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor { life: self.life, offset: Offset(self.head()) }
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn indexed(&self) -> u64 {
        self.indexed
    }

    /// How many events the index has not got.
    pub(super) fn unindexed(&self) -> usize {
        index(self.head() - self.indexed)
    }

    /// Whether the writer has to wait for the indexer.
    pub(super) fn is_full(&self) -> bool {
        self.unindexed() > UNINDEXED_MAX || self.unindexed_bytes > UNINDEXED_BYTES_MAX
    }

    pub(super) fn get(&self, offset: u64) -> Option<&Entry> {
        self.entries.get(index(offset.checked_sub(self.first)?))
    }

    pub(super) fn room(&self, key: &RoomKey) -> Option<Head> {
        self.rooms.get(key).copied()
    }

    /// The rooms that have an event in here.
    pub(super) fn rooms(&self) -> impl Iterator<Item = (&RoomKey, &Head)> {
        self.rooms.iter()
    }

    /// Adds the log's next event.
    pub(super) fn push(&mut self, entry: Entry) {
        let event = &entry.event;
        debug_assert_eq!(event.offset.0, self.head() + 1, "the tail has no gap");
        let weight = settle::weight(event);
        self.bytes += weight;
        self.unindexed_bytes += weight;
        self.life = event.life;
        let head =
            Head { room: entry.room, last: event.offset.0, seq: event.seq.0, at: event.at.0, public: entry.public };
        match self.rooms.get_mut(&event.room) {
            Some(room) => *room = head,
            None => drop(self.rooms.insert(event.room.clone(), head)),
        }
        if let Some(id) = entry.id
            && let Some(other) = self.ids.insert(id, event.offset.0)
        {
            self.collided.push((id, other));
        }
        self.entries.push_back(entry);
    }

    /// The index has everything up to here.
    pub(super) fn indexed_to(&mut self, offset: u64) {
        let (from, to) = (self.indexed.max(self.first - 1), offset);
        let weights = (from + 1..=to).filter_map(|offset| self.get(offset)).map(|entry| settle::weight(&entry.event));
        self.unindexed_bytes -= weights.sum::<usize>();
        self.indexed = offset;
    }

    /// Takes out some of what is indexed and more than the ring holds, for the caller to drop when nobody waits.
    pub(super) fn shed(&mut self, most: usize) -> Vec<Entry> {
        let mut shed = Vec::new();
        while shed.len() < most
            && (self.entries.len() > RING_EVENTS || self.bytes > RING_BYTES)
            && self.first <= self.indexed
            && let Some(entry) = self.entries.pop_front()
        {
            self.forget(&entry);
            shed.push(entry);
        }
        shed
    }

    fn forget(&mut self, entry: &Entry) {
        self.first += 1;
        self.bytes -= settle::weight(&entry.event);
        let offset = entry.event.offset.0;
        if self.rooms.get(&entry.event.room).is_some_and(|head| head.last == offset) {
            self.rooms.remove(&entry.event.room);
        }
        if let Some(id) = entry.id {
            if self.ids.get(&id) == Some(&offset) {
                self.ids.remove(&id);
            }
            self.collided.retain(|(_, other)| *other != offset);
        }
    }

    /// The events with an id of this hash.
    pub(super) fn with_id(&self, hash: u64) -> impl Iterator<Item = &Entry> {
        let one = self.ids.get(&hash).copied();
        let others = self.collided.iter().filter(move |(id, _)| *id == hash).map(|(_, offset)| *offset);
        one.into_iter().chain(others).filter_map(|offset| self.get(offset))
    }

    /// A room's entries in here, the newest first.
    pub(super) fn backwards(&self, room: &RoomKey) -> impl Iterator<Item = &Entry> {
        let newest = self.rooms.get(room).and_then(|head| self.get(head.last));
        std::iter::successors(newest, |entry| self.get(entry.previous))
    }

    /// The room's head as it was when the log ended at `offset`; `Err` when the tail can't say.
    pub(super) fn room_at(&self, room: &RoomKey, offset: u64) -> Result<Option<Head>, ()> {
        let mut seen = false;
        for entry in self.backwards(room) {
            seen = true;
            let event = &entry.event;
            if event.offset.0 <= offset {
                let (last, seq, at) = (event.offset.0, event.seq.0, event.at.0);
                return Ok(Some(Head { room: entry.room, last, seq, at, public: entry.public }));
            }
        }
        if seen { Err(()) } else { Ok(None) }
    }

    /// Entries from an offset on, at most so many.
    pub(super) fn from(&self, offset: u64, most: usize) -> Vec<Entry> {
        let start = index(offset.saturating_sub(self.first)).min(self.entries.len());
        self.entries.range(start..).take(most).cloned().collect()
    }

    /// All events after one offset and up to another, in order.
    pub(super) fn between(&self, after: u64, upto: u64) -> impl Iterator<Item = &Arc<Event>> {
        let start = index((after + 1).saturating_sub(self.first)).min(self.entries.len());
        self.entries.range(start..).map(|entry| &entry.event).take_while(move |event| event.offset.0 <= upto)
    }
}

impl Head {
    /// As facts tell it.
    pub(super) fn tell(&self, facts: &mut domain::facts::RoomFacts) {
        (facts.last, facts.head, facts.changed_at) = (Offset(self.last), Seq(self.seq), Millis(self.at));
    }
}
