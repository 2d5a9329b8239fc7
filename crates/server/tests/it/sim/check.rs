//! What must hold of a run: the log itself, the acknowledgements that clients hold the server to, and the story of every
//! connection against the log.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::event::{Event, What};
use domain::id::{Offset, Seq};

use super::client::{Client, Door, Story};

/// Checks a run; the error says what does not hold.
pub(crate) fn check(log: &[Arc<Event>], clients: &[Client]) -> Result<(), String> {
    the_log(log)?;
    for client in clients {
        acknowledgements(log, client)?;
        for story in &client.stories {
            told(log, client, story).map_err(|why| format!("{} on {:?}: {why}", client.user, client.door))?;
        }
    }
    Ok(())
}

fn the_log(log: &[Arc<Event>]) -> Result<(), String> {
    let mut seqs: HashMap<String, Seq> = HashMap::new();
    let mut ids: BTreeMap<(String, String, String), Offset> = BTreeMap::new();
    let mut before = Offset(1);
    for event in log {
        if event.offset != before.next() {
            return Err(format!("offset {} follows {before}", event.offset));
        }
        before = event.offset;
        let seq = seqs.entry(event.room.shown().to_string()).or_default();
        if event.seq != seq.next() {
            return Err(format!("seq {} follows {seq} in {}", event.seq, event.room.shown()));
        }
        *seq = event.seq;
        if let Some(client_id) = event.message().and_then(|message| message.client_id.as_ref()) {
            let key = (event.by.id.to_string(), event.room.shown().to_string(), client_id.to_string());
            if let Some(first) = ids.insert(key, event.offset) {
                return Err(format!("{client_id} is kept twice, at {first} and {}", event.offset));
            }
        }
    }
    Ok(())
}

fn acknowledgements(log: &[Arc<Event>], client: &Client) -> Result<(), String> {
    for ack in client.acks.values() {
        let kept = log.iter().find(|event| {
            event.by.id.as_str() == ack.user
                && event.message().is_some_and(|message| message.id.to_string() == ack.id && event.seq.0 == ack.seq)
        });
        if kept.is_none() {
            return Err(format!("acknowledged and lost: {ack:?}"));
        }
    }
    Ok(())
}

/// A connection's story: one order, no gap, no repeat, the right content, and nothing after a removal.
fn told(log: &[Arc<Event>], client: &Client, story: &Story) -> Result<(), String> {
    let room: Vec<&Arc<Event>> = log.iter().filter(|event| *event.room.shown() == *story.room).collect();
    let messages: BTreeMap<Offset, &Arc<Event>> =
        room.iter().filter(|event| event.message().is_some()).map(|event| (event.offset, *event)).collect();
    let mut place = story.from;
    for seen in &story.seen {
        let kept = messages.get(&seen.offset).ok_or(format!("told of {seen:?}, which the log does not have there"))?;
        let message = kept.message().expect("only messages were kept");
        if *message.content != *seen.text
            || kept.by.id.as_str() != seen.sender
            || kept.seq.0 != seen.seq
            || message.id.to_string() != seen.id
        {
            return Err(format!("told {seen:?}, the log has {kept:?}"));
        }
        if seen.repeat {
            continue;
        }
        if let Some(before) = place {
            if seen.offset <= before {
                return Err(format!("{} after {before}: out of order or twice", seen.offset));
            }
            gap(&messages, client, before, seen.offset)?;
        }
        let removed = room.iter().find(|event| {
            event.offset > story.let_in_at
                && event.offset < seen.offset
                && matches!(&event.what, What::MemberRemoved { user, .. } if user.as_str() == client.user)
        });
        if let Some(removed) = removed {
            return Err(format!("told of {} although removed at {}", seen.offset, removed.offset));
        }
        place = Some(seen.offset);
    }
    if let Some(place) = place.filter(|_| story.to_the_end) {
        gap(&messages, client, place, Offset(u64::MAX)).map_err(|why| format!("at the end: {why}"))?;
    }
    Ok(())
}

fn gap(messages: &BTreeMap<Offset, &Arc<Event>>, client: &Client, from: Offset, to: Offset) -> Result<(), String> {
    let missing = messages.range(from.next()..to).find(|(_, event)| {
        // The rooms wire shows the sending connection no echo; which of a user's connections that was is not told.
        client.door == Door::Chat || event.by.id.as_str() != client.user
    });
    match missing {
        Some((offset, _)) => Err(format!("{offset} is missing between {from} and {to}")),
        None => Ok(()),
    }
}
