//! The newest events, in memory: all that the index has not got yet, and as many more as the ring holds. Written by the
//! writer after each commit, moved on by the indexer, read by everybody, under one std mutex that is held briefly and
//! never across a sync or a query.
//!
//! Each event knows the offset of the one before it in its room, so a room's events are a list from its head backwards;
//! the offset at which that list leaves the tail is where the index takes over.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;

use domain::event::{Event, What};
use domain::id::{Cursor, Life, MessageId, Millis, Offset, Seq};
use domain::model::RoomKey;
use hashbrown::HashMap;

use crate::store::people::told_of;
use crate::store::reactions::Given;
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
    /// Messages of its room up to here.
    pub(super) nth: u64,
}

impl Entry {
    /// The number of the message in its room, if it is one.
    pub(super) fn message(&self) -> Option<u64> {
        self.event.message().map(|_| self.nth)
    }

    /// Its room's last event, when this is that.
    pub(super) fn head(&self) -> Head {
        let Event { offset, seq, at, .. } = &*self.event;
        Head { room: self.room, last: offset.0, seq: seq.0, at: at.0, public: self.public, nth: self.nth }
    }
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
    /// Messages of its room, deleted ones included.
    pub(super) nth: u64,
}

/// An edit or a deletion that is in the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Changed {
    /// Where the message was sent, if it is one of that room.
    pub(super) of: u64,
    /// The offset of the edit or deletion.
    pub(super) at: u64,
    pub(super) deleted: bool,
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
    messages: HashMap<MessageId, u64>,
    /// Edits and deletions, by room, the offset they name, and their own; true for deletions.
    changes: BTreeMap<(u64, u64, u64), bool>,
    /// Reactions, by room and their own offset.
    reactions: BTreeSet<(u64, u64)>,
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
            messages: HashMap::new(),
            changes: BTreeMap::new(),
            reactions: BTreeSet::new(),
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
        let head = entry.head();
        match self.rooms.get_mut(&event.room) {
            Some(room) => *room = head,
            None => drop(self.rooms.insert(event.room.clone(), head)),
        }
        if let Some(id) = entry.id
            && let Some(other) = self.ids.insert(id, event.offset.0)
        {
            self.collided.push((id, other));
        }
        if let Some(message) = event.message() {
            self.messages.insert(message.id, event.offset.0);
        }
        if let Some(change) = settle::change(event) {
            self.changes.insert((entry.room, change.of.0, event.offset.0), change.deleted);
        }
        if matches!(event.what, What::Reacted { .. }) {
            self.reactions.insert((entry.room, event.offset.0));
        }
        self.entries.push_back(entry);
    }

    /// A room has another key from now on.
    pub(super) fn rename(&mut self, room: u64, before: &RoomKey, after: &RoomKey) {
        let Some(head) = self.rooms.get(before).filter(|head| head.room == room).copied() else { return };
        self.rooms.remove(before);
        self.rooms.insert(after.clone(), head);
        let mut at = head.last;
        while let Some(back) = at.checked_sub(self.first)
            && let Some(entry) = self.entries.get_mut(index(back))
        {
            entry.event = told_of(&entry.event, after);
            at = entry.previous;
        }
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
        if let Some(message) = entry.event.message()
            && self.messages.get(&message.id) == Some(&offset)
        {
            self.messages.remove(&message.id);
        }
        if let Some(change) = settle::change(&entry.event) {
            self.changes.remove(&(entry.room, change.of.0, offset));
        }
        self.reactions.remove(&(entry.room, offset));
    }

    /// The events with an id of this hash.
    pub(super) fn with_id(&self, hash: u64) -> impl Iterator<Item = &Entry> {
        let one = self.ids.get(&hash).copied();
        let others = self.collided.iter().filter(move |(id, _)| *id == hash).map(|(_, offset)| *offset);
        one.into_iter().chain(others).filter_map(|offset| self.get(offset))
    }

    /// A message, by its id.
    pub(super) fn message(&self, id: MessageId) -> Option<&Entry> {
        self.get(*self.messages.get(&id)?)
    }

    /// The edits and deletions in a room, by the offset that they name and then by their own.
    pub(super) fn changes(&self, room: u64) -> impl Iterator<Item = Changed> {
        self.changes_within(room, 0..=u64::MAX)
    }

    /// Those of them that name an offset within a stretch.
    pub(super) fn changes_within(&self, room: u64, of: RangeInclusive<u64>) -> impl Iterator<Item = Changed> {
        let within = self.changes.range((room, *of.start(), 0)..=(room, *of.end(), u64::MAX));
        within.map(|((_, of, at), deleted)| Changed { of: *of, at: *at, deleted: *deleted })
    }

    /// The reactions in a room that happened after an offset, in their order.
    pub(super) fn reactions(&self, room: u64, after: u64) -> impl Iterator<Item = Given> {
        let within = self.reactions.range((room, after.saturating_add(1))..=(room, u64::MAX));
        within.filter_map(|(_, at)| Given::of(&self.get(*at)?.event))
    }

    /// Whether a deletion in here names this offset of its room.
    pub(super) fn is_deleted(&self, room: u64, of: u64) -> bool {
        self.changes.range((room, of, 0)..=(room, of, u64::MAX)).any(|(_, deleted)| *deleted)
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
            if entry.event.offset.0 <= offset {
                return Ok(Some(entry.head()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{Outcome, Store as _};
    use crate::store::contract::{LIFE, hand};
    use crate::store::memory::MemoryStore;

    #[test]
    fn what_is_shed_takes_its_own_id_and_change_along_and_no_other() {
        let mut writer = MemoryStore::new(LIFE).writer().unwrap();
        let said =
            (0..20_u64).flat_map(|n| [hand::saying("a", "ann", u128::from(n) + 100), hand::deleting("a", 3 + 2 * n)]);
        let outcomes = writer.commit(&hand::batch([hand::making("a")].into_iter().chain(said))).unwrap();
        let mut tail = Tail::at(Cursor { life: LIFE, offset: Offset(1) });
        for outcome in outcomes {
            let Outcome::Committed(events) = outcome else { panic!("{outcome:?}") };
            let event = events[0].clone();
            let (offset, nth) = (event.offset.0, (event.offset.0 - 1) / 2);
            tail.push(Entry { event, room: 2, previous: offset - 1, public: true, id: None, nth });
        }
        tail.indexed_to(42);
        assert_eq!(tail.shed(1_000).len(), 41 - RING_EVENTS);
        let first = tail.first();
        let expected = (0..20).map(|n| Changed { of: 3 + 2 * n, at: 4 + 2 * n, deleted: true });
        assert_eq!(tail.changes(2).collect::<Vec<_>>(), expected.filter(|kept| kept.at >= first).collect::<Vec<_>>());
        for n in 0..20_u64 {
            let offset = 3 + 2 * n;
            assert_eq!(tail.message(MessageId(u128::from(n) + 100)).is_some(), offset >= first, "{offset}");
            assert_eq!(tail.is_deleted(2, offset), offset + 1 >= first, "{offset}");
            assert!(!tail.is_deleted(3, offset), "another room's");
        }
    }
}
