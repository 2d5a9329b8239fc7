//! How many messages of others lie above a user's mark: counted in the tail and in the index's chunks, without reading
//! one of them.

use std::collections::HashSet;

use domain::id::{Offset, UserId};
use domain::model::RoomKey;
use domain::watermark::Mark;

use super::changes::Way;
use super::chunks::{self, Author};
use super::view::View;
use super::{changes, log, marks, roster};
use crate::port::Failure;

/// See the module. Counts no further than `most`.
pub(super) fn count(view: &View<'_>, key: &RoomKey, user: &UserId, most: u64) -> Result<Option<u64>, Failure> {
    let (log, index) = (&view.handles.log, &view.handles.index);
    let Some(room) = log::room(log, key)?.map(|room| room.birth) else { return Ok(Some(0)) };
    let marks = marks::of(log, room, user)?;
    let from = match marks.upto.of(Mark::Read) {
        Some(mark) => Some(mark.offset),
        None => roster::belonging(log, room, user)?.and_then(|row| row.since),
    };
    let from = from.unwrap_or_default().max(view.shared.expired()).0;
    let apart = marks.apart(Mark::Read);
    let counts = |offset: u64, own: bool| !own && !apart.contains_key(&Offset(offset));
    let Some(tail) = view.tail() else { return Ok(None) };
    let mut unread = 0;
    let newer = |offset: u64| offset > from && offset > view.indexed;
    for entry in tail.backwards(key).take_while(|entry| newer(entry.event.offset.0)) {
        let offset = entry.event.offset.0;
        let counted = entry.message().is_some() && counts(offset, entry.event.by.id == *user);
        unread += u64::from(counted && !tail.is_deleted(room, offset));
        if unread >= most {
            return Ok(Some(most));
        }
    }
    let fresh = tail.changes(room).filter(|change| change.deleted && change.at > view.indexed);
    let fresh: HashSet<u64> = fresh.map(|change| change.of).collect();
    drop(tail);
    let author = Author::of(view.shared.seed, user.as_str());
    changes::deletions(index, room, Way::Down(u64::MAX), |next| {
        let (mut gone, mut trouble) = (next()?, None);
        chunks::backwards(index, room, view.indexed, |place| {
            while let Some(deleted) = gone
                && deleted.of > place.offset
            {
                match next() {
                    Ok(lower) => gone = lower,
                    Err(failure) => {
                        trouble = Some(failure);
                        return false;
                    }
                }
            }
            let deleted = gone.is_some_and(|gone| gone.of == place.offset) || fresh.contains(&place.offset);
            let counted = place.offset > from && place.author.is_some_and(|by| counts(place.offset, by == author));
            unread += u64::from(counted && !deleted);
            place.offset > from && unread < most
        })?;
        trouble.map_or(Ok(Some(unread.min(most))), Err)
    })
}
