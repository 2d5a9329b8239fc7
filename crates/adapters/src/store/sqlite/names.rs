//! Messages of a room by the ids that wires know them by: what a sender called them, or their UUIDs.

use std::sync::Arc;

use domain::Text;
use domain::event::Event;
use domain::history::Entry;
use domain::id::{ClientId, UserId};
use domain::model::RoomKey;

use super::find::Find;
use super::history::Moment;
use super::index::id_hash;
use super::messages;
use super::reader::Keys;
use super::view::View;
use crate::port::Failure;
use crate::store::settle;

/// One message or none for each id; none in all when one has to look again.
pub(super) fn find(
    view: &View<'_>,
    keys: &mut Keys,
    key: &RoomKey,
    senders: &[UserId],
    ids: &[Text],
) -> Result<Option<Vec<Option<Entry>>>, Failure> {
    let moment = match Moment::of(view, key)? {
        None => return Ok(None),
        Some((None, _)) => return Ok(Some(vec![None; ids.len()])),
        Some((Some(moment), _)) => moment,
    };
    let (mut entries, mut places) = (Vec::new(), Vec::new());
    for id in ids {
        let mut event = None;
        for by in senders {
            let Ok(id) = ClientId::new(id) else { break };
            let Some(sent) = sent(view, key, moment.room(), by, &id)? else { return Ok(None) };
            event = sent;
            if event.is_some() {
                break;
            }
        }
        if event.is_none()
            && let Some(id) = settle::uuid(id)
        {
            let Some(found) = messages::find(view, keys, &[id])? else { return Ok(None) };
            event = found.into_iter().find(|event| event.room == *key);
        }
        let there = match event {
            Some(event) if !moment.is_gone(event.offset.0)? => Some(moment.entry(event)?),
            Some(_) | None => None,
        };
        places.push(there.is_some());
        entries.extend(there);
    }
    moment.fold(&mut entries)?;
    let mut entries = entries.into_iter();
    Ok(Some(places.into_iter().map(|there| if there { entries.next() } else { None }).collect()))
}

/// What somebody sent under a client id, if they did; none when one has to look again.
fn sent(
    view: &View<'_>,
    key: &RoomKey,
    room: u64,
    by: &UserId,
    client_id: &ClientId,
) -> Result<Option<Option<Arc<Event>>>, Failure> {
    let hash = id_hash(view.shared.seed, by.as_str(), room, client_id.as_str());
    let Some(tail) = view.tail() else { return Ok(None) };
    let is_it = |event: &Event| event.message().is_some_and(|message| message.client_id.as_ref() == Some(client_id));
    let mine = tail.with_id(hash).filter(|entry| entry.room == room && entry.event.by.id == *by);
    let recent = mine.map(|entry| entry.event.clone()).find(|event| is_it(event));
    drop(tail);
    if recent.is_some() {
        return Ok(Some(recent));
    }
    let find = Find { shared: view.shared, log: &view.handles.log, index: &view.handles.index };
    let found = find.indexed(hash, key, room, by.as_str(), client_id.as_str())?;
    Ok(Some(found.map(|(event, _)| event)))
}
