//! A page of a room's messages as they are now. Messages are numbered in their room; deletions are few, so which numbers
//! make a page is found from those alone, and only what is on the page is read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use domain::Text;
use domain::event::{Event, What};
use domain::history::Entry;
use domain::id::{Cursor, Millis};
use domain::model::RoomKey;
use domain::query::Window;

use super::changes::{self, Deleted, Way};
use super::chunks::Place;
use super::live::live;
use super::tail::{Changed, Head};
use super::view::View;
use super::{chunks, index, log, marks, reactions};
use crate::port::Failure;
use crate::store::reactions::Given;
use crate::store::settle::Page;

/// Messages that are rather walked over than bisected for.
const NEAR: u64 = if cfg!(test) { 4 } else { 256 };

/// A room as of one moment.
pub(super) struct Moment<'a> {
    view: &'a View<'a>,
    key: &'a RoomKey,
    /// The offset of its first event.
    room: u64,
    /// Messages sent in it.
    sent: u64,
    /// Its head as the index has it; none while all of it is in the tail.
    indexed: Option<Head>,
    /// Edits and deletions that the index has not got, by the offset that they name.
    fresh: Vec<Changed>,
    /// What those edits say, by where they are: what is seen of the log may be of before them.
    edits: BTreeMap<u64, (Text, Millis)>,
    /// Reactions that the index has not got, in their order.
    given: Vec<Given>,
    /// Messages that were deleted by `fresh`, newest first.
    lost: Vec<Deleted>,
    /// Messages up to here are kept no more.
    expired: u64,
}

/// Messages, how many there are, and as of when.
type Found = (Vec<Entry>, u64, Cursor);

/// Which messages are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Of these.
    pub(super) window: Window,
    /// But for the newest so many.
    pub(super) skip: u32,
    /// At most so many.
    pub(super) most: u32,
    /// With at most so many bytes of content.
    pub(super) bytes: usize,
}

/// The newest message and no other.
pub(super) const NEWEST: Wanted =
    Wanted { window: Window { above: None, below: None }, skip: 0, most: 1, bytes: usize::MAX };

/// A page of a room's messages, oldest first, and how many there are in all.
pub(super) fn read(view: &View<'_>, key: &RoomKey, wanted: &Wanted) -> Result<Option<Found>, Failure> {
    let (moment, upto) = match Moment::of(view, key)? {
        None => return Ok(None),
        Some((None, upto)) => return Ok(Some((Vec::new(), 0, upto))),
        Some((Some(moment), upto)) => (moment, upto),
    };
    let Some(entries) = moment.page(wanted)? else { return Ok(None) };
    let Some(total) = moment.total()? else { return Ok(None) };
    Ok(Some((entries, total, upto)))
}

/// A message of a page, where it was found.
enum Spot {
    Tail(Arc<Event>),
    Log(Place),
}

impl<'a> Moment<'a> {
    /// The room as it is now, if it is there, and when that is; none when one has to look again.
    pub(super) fn of(view: &'a View<'a>, key: &'a RoomKey) -> Result<Option<(Option<Self>, Cursor)>, Failure> {
        let expired = view.shared.expired().0;
        let Some(tail) = view.tail() else { return Ok(None) };
        let upto = tail.cursor();
        let head = tail.room(key);
        let changes = head.iter().flat_map(|head| tail.changes(head.room));
        let fresh: Vec<Changed> = changes.filter(|change| change.at > view.indexed).collect();
        // Of what is deleted there, what lies beyond the index can be found here only.
        let number = |of: u64| tail.get(of).filter(|entry| Some(entry.room) == head.map(|head| head.room))?.message();
        let recent: Vec<Option<u64>> = fresh.iter().map(|change| number(change.of)).collect();
        let edits = fresh.iter().filter_map(|change| Some((change.at, tail.get(change.at)?.event.clone())));
        let edits = edits.filter_map(|(at, event)| Some((at, edit(&event)?))).collect();
        let given: Vec<Given> = head.iter().flat_map(|head| tail.reactions(head.room, view.indexed)).collect();
        drop(tail);
        let room = match head {
            Some(head) => head.room,
            None => match log::room(&view.handles.log, key)? {
                Some(room) if room.birth <= view.indexed => room.birth,
                // It was made after this moment, if it is there.
                Some(_) | None => return Ok(Some((None, upto))),
            },
        };
        let indexed =
            if room <= view.indexed { Some(index::room(view.shared, &view.handles.index, room)?) } else { None };
        let sent = head.or(indexed).map_or(0, |head| head.nth);
        let mut moment = Self { view, key, room, sent, indexed, fresh, edits, given, lost: Vec::new(), expired };
        moment.lose(&recent)?;
        Ok(Some((Some(moment), upto)))
    }

    /// The offset of the room's first event.
    pub(super) fn room(&self) -> u64 {
        self.room
    }

    /// Finds which messages the fresh deletions took; `recent` has the numbers that the tail knew.
    fn lose(&mut self, recent: &[Option<u64>]) -> Result<(), Failure> {
        let index = &self.view.handles.index;
        for (change, recent) in self.fresh.iter().zip(recent).filter(|(change, _)| change.deleted) {
            let nth = match recent {
                None if change.of <= self.view.indexed => chunks::message_at(index, self.room, change.of)?,
                recent => *recent,
            };
            let again = self.lost.last().is_some_and(|lost| lost.of == change.of);
            if let Some(nth) = nth.filter(|_| !again) {
                self.lost.push(Deleted { of: change.of, nth });
            }
        }
        self.lost.reverse();
        Ok(())
    }

    /// How many messages there are; none when one has to look again.
    fn total(&self) -> Result<Option<u64>, Failure> {
        let index = &self.view.handles.index;
        let Some(expired) = self.up_to(self.expired)? else { return Ok(None) };
        let mut lost = if expired == 0 {
            changes::losses(index, self.room)
        } else {
            changes::losses_after(index, self.room, self.expired)
        }?;
        for fresh in self.lost.iter().filter(|fresh| fresh.of > self.expired) {
            lost += u64::from(!changes::is_deleted(index, self.room, fresh.of)?);
        }
        let damaged = || self.view.shared.damaged_index(&format!("room {} lost more than it had", self.room));
        self.sent.checked_sub(expired + lost).map(Some).ok_or_else(damaged)
    }

    /// Messages as they are now, oldest first; none when one has to look again.
    pub(super) fn page(&self, wanted: &Wanted) -> Result<Option<Vec<Entry>>, Failure> {
        let (above, below) = (wanted.window.above, wanted.window.below);
        let last = below.map_or(u64::MAX, |below| below.0.saturating_sub(1));
        let Some(high) = self.up_to(last)? else { return Ok(None) };
        let floor = above.map_or(self.expired, |above| above.0.max(self.expired));
        let Some(low) = self.up_to(floor)? else { return Ok(None) };
        let mut page = Page::of(wanted.window, wanted.most, wanted.bytes);
        let most = wanted.most.into();
        let numbers = if page.upwards { self.oldest(low, floor, most) } else { self.newest(low..high, last, wanted) }?;
        let Some(mut spots) = self.spots(&numbers)? else { return Ok(None) };
        if page.upwards {
            spots.reverse();
        }
        let mut entries = Vec::new();
        for spot in spots {
            let sent = self.sent(spot)?;
            // What is kept no more is in no window: an index that counts wrongly would have it shown without its contents.
            if sent.offset.0 <= floor || sent.offset.0 > last {
                let what = format!("offset {} is not where it has it in room {}", sent.offset, self.room);
                return Err(self.view.shared.damaged_index(&what));
            }
            let entry = self.entry(sent)?;
            if !page.takes(&entry) {
                break;
            }
            entries.push(entry);
        }
        if !page.upwards {
            entries.reverse();
        }
        self.fold(&mut entries)?;
        Ok(Some(entries))
    }

    /// Folds marks and reactions into messages.
    pub(super) fn fold(&self, entries: &mut [Entry]) -> Result<(), Failure> {
        marks::fold(&self.view.handles.log, self.room, entries)?;
        reactions::fold(&self.view.handles.index, self.room, &self.given, entries)
    }

    /// How many messages were sent at or before an offset; none when one has to look again.
    fn up_to(&self, offset: u64) -> Result<Option<u64>, Failure> {
        if offset < self.room {
            return Ok(Some(0));
        }
        if offset == u64::MAX {
            return Ok(Some(self.sent));
        }
        if offset <= self.view.indexed {
            return chunks::sent_up_to(&self.view.handles.index, self.room, offset).map(Some);
        }
        let Some(tail) = self.view.tail() else { return Ok(None) };
        let newest = tail.backwards(self.key).find(|entry| entry.event.offset.0 <= offset).map(|entry| entry.nth);
        // When there is none, all that the index has of the room lies before it. What came since is not of this moment.
        let count = newest.unwrap_or_else(|| self.indexed.map_or(0, |head| head.nth));
        Ok(Some(count.min(self.sent)))
    }

    /// The numbers of the newest messages of those numbered after `within.start` up to `within.end`, newest first; the last
    /// of them was sent at or before `upto`.
    fn newest(&self, within: Range<u64>, upto: u64, wanted: &Wanted) -> Result<Vec<u64>, Failure> {
        let fresh = self.lost.iter().map(|lost| lost.nth);
        changes::deletions(&self.view.handles.index, self.room, Way::Down(upto), |next| {
            let gone = || Ok(next()?.map(|deleted| deleted.nth));
            live(within, wanted.skip.into(), wanted.most.into(), fresh, gone)
        })
    }

    /// The numbers of the oldest messages of those numbered after `low`, which were sent after `above`, newest first.
    fn oldest(&self, low: u64, above: u64, most: u64) -> Result<Vec<u64>, Failure> {
        // Counted from the other end it is the same question. A deletion that the index has may be of a message that was sent
        // after this moment only if the message was, too.
        let mirrored = |nth: u64| self.sent.saturating_sub(nth) + 1;
        let fresh = self.lost.iter().rev().map(|lost| mirrored(lost.nth));
        let found = changes::deletions(&self.view.handles.index, self.room, Way::Up(above), |next| {
            let gone = || Ok(next()?.map(|deleted| mirrored(deleted.nth)));
            live(0..self.sent.saturating_sub(low), 0, most, fresh, gone)
        })?;
        Ok(found.into_iter().rev().map(mirrored).collect())
    }

    /// Where the messages with these numbers are, newest first; none when one has to look again.
    fn spots(&self, wanted: &[u64]) -> Result<Option<Vec<Spot>>, Failure> {
        let Some(recent) = self.recent(wanted) else { return Ok(None) };
        let older = self.older(&wanted[recent.len()..])?;
        Ok(Some(recent.into_iter().map(Spot::Tail).chain(older.into_iter().map(Spot::Log)).collect()))
    }

    fn sent(&self, spot: Spot) -> Result<Arc<Event>, Failure> {
        let place = match spot {
            Spot::Tail(event) => return Ok(event),
            Spot::Log(place) => place,
        };
        let (shared, log) = (self.view.shared, &self.view.handles.log);
        let row = log::row_of(shared, log, place.offset, self.room, place.seq)?;
        if row.message().is_none() {
            return Err(self.missing(place.nth));
        }
        Ok(Arc::new(row.into_event(place.offset, self.key.clone())))
    }

    fn missing(&self, nth: u64) -> Failure {
        self.view.shared.damaged_index(&format!("message {nth} of room {} is missing", self.room))
    }

    /// Whether the message that was sent at an offset has been deleted, or is kept no more.
    pub(super) fn is_gone(&self, of: u64) -> Result<bool, Failure> {
        if of <= self.expired {
            return Ok(true);
        }
        let fresh = self.fresh.iter().any(|change| change.deleted && change.of == of);
        Ok(fresh || changes::is_deleted(&self.view.handles.index, self.room, of)?)
    }

    /// Those of the wanted messages, newest first, that the tail has; none when it has moved on.
    fn recent(&self, wanted: &[u64]) -> Option<Vec<Arc<Event>>> {
        let mut events = Vec::new();
        let (Some(newest), Some(oldest)) = (wanted.first(), wanted.last()) else { return Some(events) };
        let indexed = self.indexed.map_or(0, |head| head.nth);
        if *newest <= indexed && self.sent - newest > NEAR {
            return Some(events);
        }
        let tail = self.view.tail()?;
        for entry in tail.backwards(self.key).take_while(|entry| entry.nth >= *oldest) {
            if entry.message().is_some() && wanted.get(events.len()) == Some(&entry.nth) {
                events.push(entry.event.clone());
            }
        }
        Some(events)
    }

    /// Where the wanted messages are in the log, newest first.
    fn older(&self, wanted: &[u64]) -> Result<Vec<Place>, Failure> {
        let (index, mut places) = (&self.view.handles.index, Vec::new());
        let Some(newest) = wanted.first().copied() else { return Ok(places) };
        let head = self.indexed.ok_or_else(|| self.missing(newest))?;
        let upto = if head.nth.saturating_sub(newest) > NEAR {
            chunks::by_nth(index, head, newest)?.ok_or_else(|| self.missing(newest))?.offset
        } else {
            head.last
        };
        chunks::backwards(index, self.room, upto, |place| {
            if place.message().is_some() && wanted.get(places.len()) == Some(&place.nth) {
                places.push(place);
            }
            places.len() < wanted.len()
        })?;
        wanted.get(places.len()).map_or(Ok(places), |nth| Err(self.missing(*nth)))
    }

    /// A message as it is now, without its marks and reactions.
    pub(super) fn entry(&self, sent: Arc<Event>) -> Result<Entry, Failure> {
        let of = sent.offset.0;
        let from = self.fresh.partition_point(|change| change.of < of);
        let fresh = self.fresh[from..].iter().take_while(|change| change.of == of);
        let edited = match fresh.filter(|change| !change.deleted).last() {
            Some(edit) => self.edits.get(&edit.at).cloned(),
            None => {
                let last = changes::last_edit(&self.view.handles.index, self.room, of)?;
                last.map(|at| edit_of(self.view, at, self.room, of)).transpose()?
            }
        };
        Ok(Entry { edited, ..Entry::fresh(sent) })
    }
}

/// What an edit says, and when it was made; none of what is no edit.
pub(super) fn edit(event: &Event) -> Option<(Text, Millis)> {
    let What::Edited { content, .. } = &event.what else { return None };
    Some((content.clone(), event.at))
}

/// What the edit at `offset` made of the message of a room that was sent at `of`.
pub(super) fn edit_of(view: &View<'_>, offset: u64, room: u64, of: u64) -> Result<(Text, Millis), Failure> {
    let row = log::row(&view.handles.log, offset)?.filter(|row| row.room == room);
    if let Some(row) = row
        && let What::Edited { of: edited, content, .. } = row.what()
        && edited.0 == of
    {
        return Ok((content.clone(), row.at()));
    }
    Err(view.shared.damaged_index(&format!("offset {offset} is no edit of {of}")))
}
