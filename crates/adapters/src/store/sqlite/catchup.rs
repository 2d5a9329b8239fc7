//! Catching up: the events after a place, of all rooms or of some, within a budget of bytes.

use std::borrow::Cow;
use std::sync::Arc;

use domain::id::{Offset, UserId};
use domain::model::RoomKey;

use super::chunks::{self, Place};
use super::reader::{SqliteReader, key_of};
use super::schema::Tie;
use super::shared::Handles;
use super::{fates, index, log, retention, view};
use crate::port::{Failure, Found};
use crate::store::settle::{Budget, as_kept, expires};

impl SqliteReader {
    pub(super) fn since_all(&mut self, after: u64, upto: u64, bytes: usize) -> Result<Found, Failure> {
        let mut budget = Budget::of(bytes);
        let expired = self.shared().expired();
        let tail = self.shared().tail();
        let upto = upto.min(tail.head());
        if after >= upto {
            return Ok(found(budget, true, after, upto, false));
        }
        if after + 1 >= tail.first() {
            let all = tail.between(after, upto).all(|event| budget.take(as_kept(event.clone(), expired)));
            return Ok(found(budget, all, after, upto, false));
        }
        drop(tail);
        let (keys, mut all) = (&mut self.keys, true);
        self.holder.read(|handles| {
            log::rows(&handles.log, (after + 1).max(2), upto, |offset, row| {
                let key = key_of(keys, &handles.log, row.room)?;
                all = budget.take(as_kept(Arc::new(row.into_event(offset, key)), expired));
                Ok(all)
            })
        })?;
        Ok(found(budget, all, after, upto, false))
    }

    /// Of these rooms only, and of every direct room of a user.
    pub(super) fn since(
        &mut self,
        after: u64,
        upto: u64,
        rooms: &[RoomKey],
        pairs_of: Option<&UserId>,
        bytes: usize,
    ) -> Result<Found, Failure> {
        let mut budget = Budget::of(bytes);
        let upto = upto.min(self.shared().tail().head());
        // Asked after the head was: no direct room with an event up to there can be missing.
        let rooms = &*self.with_pairs(rooms, pairs_of)?;
        // Nothing of before that is given, and whether it was anything is said.
        let mut from = self.shared().expired().0.min(upto).max(after);
        let gone = self.is_gone(rooms, after, from)?;
        while from < upto {
            let tail = self.shared().tail();
            let first = tail.first();
            if from + 1 >= first {
                let newer = rooms.iter().flat_map(|room| {
                    tail.backwards(room).map(|entry| &entry.event).take_while(|event| event.offset.0 > from)
                });
                let mut events: Vec<_> = newer.filter(|event| event.offset.0 <= upto).cloned().collect();
                drop(tail);
                events.sort_unstable_by_key(|event| event.offset);
                events.dedup_by_key(|event| event.offset);
                let all = events.into_iter().all(|event| budget.take(event));
                return Ok(found(budget, all, after, upto, gone));
            }
            drop(tail);
            let reach = upto.min(first - 1);
            if !self.holder.read(|handles| self.since_indexed(handles, from, reach, rooms, &mut budget))? {
                return Ok(found(budget, false, after, upto, gone));
            }
            from = reach;
        }
        Ok(found(budget, true, after, upto, gone))
    }

    /// Whether something that was said in these rooms after one place and up to another is kept no more.
    fn is_gone(&self, rooms: &[RoomKey], after: u64, upto: u64) -> Result<bool, Failure> {
        if after >= upto {
            return Ok(false);
        }
        // What leaves the tail meanwhile is in the index already.
        let tail = self.shared().tail();
        let said = |key: &RoomKey| {
            let newer = tail.backwards(key).map(|entry| &entry.event).take_while(|event| event.offset.0 > after);
            newer.filter(|event| event.offset.0 <= upto).any(|event| expires(&event.what))
        };
        if rooms.iter().any(said) {
            return Ok(true);
        }
        drop(tail);
        self.holder.read(|handles| {
            for key in rooms {
                if let Some(birth) = self.birth(handles, key, None)?
                    && retention::is_said(self.shared(), handles, birth, after, upto)?
                {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// What has become of the messages that were found.
    pub(super) fn with_fates(&self, found: Found) -> Result<Found, Failure> {
        let Found::Events { events, scanned, gone, .. } = found else { return Ok(found) };
        let fates = if events.iter().any(|event| event.message().is_some()) {
            view::look(&self.holder, |view| fates::of(view, &events))?
        } else {
            Vec::new()
        };
        Ok(Found::Events { events, scanned, fates, gone })
    }

    fn with_pairs<'a>(
        &mut self,
        rooms: &'a [RoomKey],
        pairs_of: Option<&UserId>,
    ) -> Result<Cow<'a, [RoomKey]>, Failure> {
        let Some(user) = pairs_of else { return Ok(Cow::Borrowed(rooms)) };
        let (mut all, keys) = (rooms.to_vec(), &mut self.keys);
        self.holder.read(|handles| {
            for birth in log::tied(&handles.log, user, Tie::Pair)? {
                all.push(key_of(keys, &handles.log, birth)?);
            }
            Ok(())
        })?;
        // A room that is named as well is looked up once.
        all.sort_unstable();
        all.dedup();
        Ok(Cow::Owned(all))
    }

    /// What the index knows of these rooms; false when the budget has ended.
    fn since_indexed(
        &self,
        handles: &Handles,
        after: u64,
        upto: u64,
        rooms: &[RoomKey],
        budget: &mut Budget,
    ) -> Result<bool, Failure> {
        // More of them can't fit the budget, so no room needs to give more, and none beyond the last that may.
        let most = budget.most() + 1;
        let (mut places, mut reach): (Vec<(Place, usize, u64)>, u64) = (Vec::new(), upto);
        for (at, key) in rooms.iter().enumerate() {
            let Some(birth) = self.birth(handles, key, None)? else { continue };
            if index::head(&handles.index, birth)?.is_some_and(|head| head.last <= after) {
                continue;
            }
            let found = chunks::after(&handles.index, birth, after, reach, most)?;
            if found.windows(2).any(|pair| pair[0].seq + 1 != pair[1].seq) {
                return Err(self.shared().damaged_index(&format!("events of room {birth} are missing")));
            }
            places.extend(found.into_iter().map(|place| (place, at, birth)));
            if places.len() > 4 * most {
                keep_first(&mut places, most);
                reach = places.last().map_or(reach, |(place, ..)| place.offset);
            }
        }
        keep_first(&mut places, most);
        for (place, at, birth) in places {
            let row = log::row_of(self.shared(), &handles.log, place.offset, birth, place.seq)?;
            if !budget.take(Arc::new(row.into_event(place.offset, rooms[at].clone()))) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn keep_first(places: &mut Vec<(Place, usize, u64)>, most: usize) {
    places.sort_unstable_by_key(|(place, ..)| place.offset);
    places.dedup_by_key(|(place, ..)| place.offset);
    places.truncate(most);
}

fn found(budget: Budget, all: bool, after: u64, upto: u64, gone: bool) -> Found {
    let scanned = if all { upto.max(after) } else { budget.events.last().map_or(after, |event| event.offset.0) };
    Found::Events { events: budget.events, scanned: Offset(scanned), fates: Vec::new(), gone }
}
