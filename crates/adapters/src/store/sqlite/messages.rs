//! Messages by their ids.

use std::sync::Arc;

use domain::event::Event;
use domain::id::MessageId;

use super::reader::{Keys, key_of};
use super::view::View;
use super::{changes, log};
use crate::port::Failure;

/// What is known of a message that was asked for.
enum Sight {
    /// It is not in the tail.
    Unknown(MessageId),
    /// It was sent, in the room that was born there.
    Sent(u64, Arc<Event>),
    /// It is not there, or not any more.
    Gone,
}

/// The messages with these ids that are there and not deleted, in the order given.
pub(super) fn find(view: &View<'_>, keys: &mut Keys, ids: &[MessageId]) -> Result<Option<Vec<Arc<Event>>>, Failure> {
    let expired = view.shared.expired();
    let Some(tail) = view.tail() else { return Ok(None) };
    let recent = |id: &MessageId| match tail.message(*id) {
        None => Sight::Unknown(*id),
        Some(entry) if entry.event.offset <= expired || tail.is_deleted(entry.room, entry.event.offset.0) => {
            Sight::Gone
        }
        Some(entry) => Sight::Sent(entry.room, entry.event.clone()),
    };
    let mut sights: Vec<Sight> = ids.iter().map(recent).collect();
    drop(tail);
    let mut looked = false;
    for sight in &mut sights {
        if let Sight::Unknown(id) = sight {
            looked = true;
            *sight = indexed(view, keys, *id)?;
        }
    }
    // What was found in the index may have been deleted since, by something that is in the tail.
    let tail = if looked { view.tail() } else { None };
    if looked && tail.is_none() {
        return Ok(None);
    }
    let deleted = |room, event: &Event| tail.as_ref().is_some_and(|tail| tail.is_deleted(room, event.offset.0));
    let there = sights.into_iter().filter_map(|sight| match sight {
        Sight::Sent(room, event) if !deleted(room, &event) => Some(event),
        Sight::Sent(..) | Sight::Unknown(_) | Sight::Gone => None,
    });
    Ok(Some(there.collect()))
}

fn indexed(view: &View<'_>, keys: &mut Keys, id: MessageId) -> Result<Sight, Failure> {
    for offset in changes::by_id(&view.handles.index, id)? {
        let row = log::row(&view.handles.log, offset)?;
        // The index keeps a part of each id; whose other part is another's is told from it here.
        let Some(row) = row.filter(|row| row.message().is_some_and(|message| message.id == id)) else { continue };
        let room = row.room;
        if offset <= view.shared.expired().0 || changes::is_deleted(&view.handles.index, room, offset)? {
            return Ok(Sight::Gone);
        }
        let key = key_of(keys, &view.handles.log, room)?;
        return Ok(Sight::Sent(room, Arc::new(row.into_event(offset, key))));
    }
    Ok(Sight::Gone)
}
