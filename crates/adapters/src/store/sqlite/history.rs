//! A page of a room's messages as they are now. Messages are numbered in their room; deletions are few, so which numbers
//! make a page is found from those alone, and only what is on the page is read.

use std::sync::Arc;

use domain::Text;
use domain::event::{Event, What};
use domain::history::Entry;
use domain::id::{Cursor, Millis};
use domain::model::RoomKey;

use super::changes::{self, Deleted};
use super::tail::{Changed, Head};
use super::view::View;
use super::{chunks, index, log, marks};
use crate::port::Failure;

/// Messages that are rather walked over than bisected for.
const NEAR: u64 = if cfg!(test) { 4 } else { 256 };

/// A room as of one moment.
struct Moment<'a> {
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
    /// Messages that were deleted by `fresh`, newest first.
    lost: Vec<Deleted>,
}

/// Messages, how many there are, and as of when.
type Page = (Vec<Entry>, u64, Cursor);

/// The newest messages after `skip` of them, at most `most`, oldest first, and how many there are.
pub(super) fn read(view: &View<'_>, key: &RoomKey, skip: u32, most: u32) -> Result<Option<Page>, Failure> {
    let Some(tail) = view.tail() else { return Ok(None) };
    let upto = tail.cursor();
    let head = tail.room(key);
    let changes = head.iter().flat_map(|head| tail.changes(head.room));
    let fresh: Vec<Changed> = changes.filter(|change| change.at > view.indexed).collect();
    // Of what is deleted there, what lies beyond the index can be found here only.
    let number = |of: u64| tail.get(of).filter(|entry| Some(entry.room) == head.map(|head| head.room))?.message();
    let recent: Vec<Option<u64>> = fresh.iter().map(|change| number(change.of)).collect();
    drop(tail);
    let room = match head {
        Some(head) => head.room,
        None => match log::room(&view.handles.log, key)? {
            Some(room) if room.birth <= view.indexed => room.birth,
            // It was made after this moment, if it is there.
            Some(_) | None => return Ok(Some((Vec::new(), 0, upto))),
        },
    };
    let indexed = if room <= view.indexed { Some(index::room(view.shared, &view.handles.index, room)?) } else { None };
    let sent = head.or(indexed).map_or(0, |head| head.nth);
    let mut moment = Moment { view, key, room, sent, indexed, fresh, lost: Vec::new() };
    moment.lose(&recent)?;
    let found = moment.page(skip.into(), most.into())?;
    Ok(found.map(|(entries, total)| (entries, total, upto)))
}

impl Moment<'_> {
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

    /// How many messages there are.
    fn total(&self) -> Result<u64, Failure> {
        let index = &self.view.handles.index;
        let mut lost = changes::losses(index, self.room)?;
        for fresh in &self.lost {
            lost += u64::from(!changes::is_deleted(index, self.room, fresh.of)?);
        }
        let damaged = || self.view.shared.damaged_index(&format!("room {} lost more than it had", self.room));
        self.sent.checked_sub(lost).ok_or_else(damaged)
    }

    fn page(&self, skip: u64, most: u64) -> Result<Option<(Vec<Entry>, u64)>, Failure> {
        let fresh = self.lost.iter().map(|lost| lost.nth);
        let wanted = changes::deletions(&self.view.handles.index, self.room, |next| {
            live(self.sent, skip, most, fresh, || Ok(next()?.map(|deleted| deleted.nth)))
        })?;
        let Some(mut events) = self.recent(&wanted) else { return Ok(None) };
        self.older(&wanted[events.len()..], &mut events)?;
        let mut entries = events.into_iter().rev().map(|sent| self.entry(sent)).collect::<Result<Vec<_>, _>>()?;
        marks::fold(&self.view.handles.log, self.room, &mut entries)?;
        Ok(Some((entries, self.total()?)))
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

    /// Adds the wanted messages, newest first, from the log.
    fn older(&self, wanted: &[u64], events: &mut Vec<Arc<Event>>) -> Result<(), Failure> {
        let (shared, handles, room) = (self.view.shared, self.view.handles, self.room);
        let Some(newest) = wanted.first().copied() else { return Ok(()) };
        let missing = |nth: u64| shared.damaged_index(&format!("message {nth} of room {room} is missing"));
        let head = self.indexed.ok_or_else(|| missing(newest))?;
        let upto = if head.nth.saturating_sub(newest) > NEAR {
            chunks::by_nth(&handles.index, head, newest)?.ok_or_else(|| missing(newest))?.offset
        } else {
            head.last
        };
        let mut places = Vec::new();
        chunks::backwards(&handles.index, room, upto, |place| {
            if place.message().is_some() && wanted.get(places.len()) == Some(&place.nth) {
                places.push(place);
            }
            places.len() < wanted.len()
        })?;
        if let Some(nth) = wanted.get(places.len()) {
            return Err(missing(*nth));
        }
        for place in places {
            let row = log::row_of(shared, &handles.log, place.offset, room, place.seq)?;
            if row.message().is_none() {
                return Err(missing(place.nth));
            }
            events.push(Arc::new(row.into_event(place.offset, self.key.clone())));
        }
        Ok(())
    }

    fn entry(&self, sent: Arc<Event>) -> Result<Entry, Failure> {
        let of = sent.offset.0;
        let from = self.fresh.partition_point(|change| change.of < of);
        let fresh = self.fresh[from..].iter().take_while(|change| change.of == of);
        let edit = match fresh.filter(|change| !change.deleted).last() {
            Some(edit) => Some(edit.at),
            None => changes::last_edit(&self.view.handles.index, self.room, of)?,
        };
        let edited = edit.map(|edit| self.edit(edit, of)).transpose()?;
        Ok(Entry { edited, ..Entry::fresh(sent) })
    }

    /// What an edit made of the message that was sent at `of`.
    fn edit(&self, offset: u64, of: u64) -> Result<(Text, Millis), Failure> {
        let row = log::row(&self.view.handles.log, offset)?.filter(|row| row.room == self.room);
        if let Some(row) = row
            && let What::Edited { of: edited, content, .. } = row.what()
            && edited.0 == of
        {
            return Ok((content.clone(), row.at()));
        }
        Err(self.view.shared.damaged_index(&format!("offset {offset} is no edit of {of}")))
    }
}

/// The numbers of a page's messages, newest first, when `sent` were sent and those in `fresh` and `kept` are gone: both
/// name them newest first, and may name the same ones.
fn live(
    sent: u64,
    mut skip: u64,
    most: u64,
    fresh: impl Iterator<Item = u64>,
    mut kept: impl FnMut() -> Result<Option<u64>, Failure>,
) -> Result<Vec<u64>, Failure> {
    let (mut fresh, mut other) = (fresh.peekable(), kept()?);
    let mut next_gone = move || {
        let gone = fresh.peek().copied().max(other);
        if gone.is_some() && fresh.peek().copied() == gone {
            fresh.next();
        }
        if gone.is_some() && other == gone {
            other = kept()?;
        }
        Ok::<_, Failure>(gone)
    };
    let (mut nth, mut gone, mut wanted) = (sent, next_gone()?, Vec::new());
    while nth > 0 && (wanted.len() as u64) < most {
        match gone {
            Some(lost) if lost >= nth => {
                nth = nth.min(lost - 1);
                gone = next_gone()?;
            }
            Some(_) | None if skip > 0 => {
                let over = skip.min(nth - gone.unwrap_or(0));
                (nth, skip) = (nth - over, skip - over);
            }
            Some(_) | None => {
                wanted.push(nth);
                nth -= 1;
            }
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_leave_out_what_is_gone() {
        for (sent, skip, most, fresh, kept, expected) in [
            (5, 0, 9, vec![], vec![], vec![5, 4, 3, 2, 1]),
            (5, 0, 2, vec![], vec![], vec![5, 4]),
            (5, 2, 2, vec![], vec![], vec![3, 2]),
            (5, 4, 2, vec![], vec![], vec![1]),
            (5, 5, 2, vec![], vec![], vec![]),
            (5, 6, 2, vec![], vec![], vec![]),
            (5, 0, 0, vec![], vec![], vec![]),
            (0, 0, 9, vec![], vec![], vec![]),
            (5, 0, 2, vec![5], vec![4], vec![3, 2]),
            (5, 0, 9, vec![5, 1], vec![5, 3], vec![4, 2]),
            (5, 1, 9, vec![4], vec![4, 2], vec![3, 1]),
            (5, 2, 1, vec![3], vec![], vec![2]),
            (5, 0, 9, vec![3, 1], vec![5, 4, 2], vec![]),
            (5, 3, 9, vec![], vec![5, 4], vec![]),
            (5, 2, 9, vec![], vec![5, 4], vec![1]),
        ] {
            let mut kept_left = kept.clone().into_iter();
            let found = live(sent, skip, most, fresh.clone().into_iter(), || Ok(kept_left.next())).unwrap();
            assert_eq!(found, expected, "{sent} sent, {skip} left out, at most {most}, without {fresh:?} and {kept:?}");
        }
    }
}
