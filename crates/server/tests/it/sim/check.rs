//! What must hold of a run: the log itself, the acknowledgements that clients hold the server to, and the story of every
//! connection against the log.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use domain::event::{Event, What};
use domain::facts::RoomFacts;
use domain::id::{Offset, Seq, UserId};
use domain::model::{RoomKey, RoomKind};

use super::client::{Client, Door};
use super::story::Story;

/// Checks a run; the error says what does not hold. `alone` when one node has the log for itself.
pub(crate) fn check(log: &[Arc<Event>], clients: &[Client], posted: &[Arc<Event>], alone: bool) -> Result<(), String> {
    the_log(log)?;
    nobody_speaks_uninvited(log)?;
    if let Some(lost) = posted.iter().find(|event| !log.contains(event)) {
        return Err(format!("answered over REST and not kept so: {lost:?}"));
    }
    for client in clients {
        acknowledgements(log, client)?;
        if let Some(stray) = client.strays.first() {
            return Err(format!("{} was told of a room that it is not in: {stray}", client.user));
        }
        for story in &client.stories {
            told(log, client, story, alone).map_err(|why| format!("{} on {:?}: {why}", client.user, client.door))?;
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

/// Whether the facts let this user read and write.
fn belongs(facts: &RoomFacts, user: &UserId) -> bool {
    match facts.kind {
        RoomKind::Public => !facts.barred.contains(user),
        RoomKind::Private | RoomKind::Guild => facts.role(user).is_some(),
        RoomKind::Direct => facts.key.other(user).is_some(),
    }
}

/// A send that races a removal loses (invariant 7).
fn nobody_speaks_uninvited(log: &[Arc<Event>]) -> Result<(), String> {
    let mut rooms: HashMap<RoomKey, RoomFacts> = HashMap::new();
    for event in log {
        if let Some(born) = RoomFacts::born(event) {
            rooms.insert(event.room.clone(), born);
        }
        let facts = rooms.get_mut(&event.room).ok_or(format!("{event:?} stands before its room"))?;
        if event.message().is_some() && !belongs(facts, &event.by.id) {
            return Err(format!("{} speaks at {} and does not belong", event.by.id, event.offset));
        }
        facts.apply(event);
    }
    Ok(())
}

/// From where on the user belonged to the room, or did not.
fn belonging(room: &[&Arc<Event>], user: &UserId) -> BTreeMap<Offset, bool> {
    let mut facts: Option<RoomFacts> = None;
    let mut all = BTreeMap::new();
    for event in room {
        match &mut facts {
            Some(facts) => facts.apply(event),
            None => facts = RoomFacts::born(event),
        }
        all.insert(event.offset, facts.as_ref().is_some_and(|facts| belongs(facts, user)));
    }
    all
}

fn acknowledgements(log: &[Arc<Event>], client: &Client) -> Result<(), String> {
    for ack in client.acks.values() {
        let kept = log.iter().find(|event| {
            event.by.id.as_str() == ack.user
                && event.message().is_some_and(|message| message.id.to_string() == ack.id)
                && ack.seq.is_none_or(|seq| event.seq.0 == seq)
        });
        if kept.is_none() {
            return Err(format!("acknowledged and lost: {ack:?}"));
        }
    }
    Ok(())
}

/// A connection's story: one order, no gap, no repeat, the right content, and nothing after a removal.
fn told(log: &[Arc<Event>], client: &Client, story: &Story, alone: bool) -> Result<(), String> {
    let room: Vec<&Arc<Event>> = log.iter().filter(|event| *event.room.shown() == *story.room).collect();
    let messages: BTreeMap<Offset, &Arc<Event>> =
        room.iter().filter(|event| event.message().is_some()).map(|event| (event.offset, *event)).collect();
    let user = UserId::new(&client.user).expect("the simulation's users have ids");
    let belonged = belonging(&room, &user);
    // What follows the history that it was given on entering follows it without a gap.
    let page_end = story.page_end.as_ref().map(|id| {
        let end =
            messages.iter().find(|(_, event)| event.message().is_some_and(|message| message.id.to_string() == *id));
        end.map(|(offset, _)| *offset).ok_or(format!("given {id} as history, which the log does not have"))
    });
    let mut place = story.from.or(page_end.transpose()?);
    // A page leaves out what was taken away by then, and so does catching up on a wire that has no word for it (RULES 17).
    let wordless = client.door != Door::Events;
    let began_with_page = wordless || story.from.is_none() && story.page_end.is_some();
    // Nothing has a word for edits here: what is caught up with is shown as it has become.
    let became = |of: Offset, text: &str| {
        room.iter().any(|event| match &event.what {
            What::Edited { of: at, content, .. } => *at == of && **content == *text,
            What::RoomMade { .. }
            | What::MemberSet { .. }
            | What::MemberRemoved { .. }
            | What::Sent(_)
            | What::Deleted { .. }
            | What::Retitled { .. }
            | What::Notice { .. }
            | What::Reacted { .. } => false,
        })
    };
    let deleted = room.iter().filter_map(|event| {
        let What::Deleted { of, .. } = &event.what else { return None };
        began_with_page.then_some(*of)
    });
    let mut left_out: BTreeSet<Offset> = deleted.collect();
    for seen in &story.seen {
        let kept = messages.get(&seen.offset).ok_or(format!("told of {seen:?}, which the log does not have there"))?;
        let message = kept.message().expect("only messages were kept");
        let said = *message.content == *seen.text || became(seen.offset, &seen.text);
        if !said
            || kept.by.id.as_str() != seen.sender
            || seen.seq.is_some_and(|seq| kept.seq.0 != seq)
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
            gap(&messages, client, (before, seen.offset), &left_out)?;
            if !wordless {
                left_out.clear();
            }
        }
        let belonged_then = belonged.range(..=seen.offset).next_back().is_some_and(|(_, belonged)| *belonged);
        // Where several nodes share a log, one may admit a user by what the log says although it has yet to tell of what
        // was said before; whoever belongs by the time that they hear may read that.
        let belonged_since = belonged.range(seen.offset..=seen.head).any(|(_, belonged)| *belonged);
        if seen.offset > story.let_in_at && !belonged_then && (alone || !belonged_since) {
            return Err(format!("told of {}, which is not for who does not belong", seen.offset));
        }
        place = Some(seen.offset);
    }
    if let Some(place) = place.filter(|_| story.to_the_end) {
        gap(&messages, client, (place, Offset(u64::MAX)), &left_out).map_err(|why| format!("at the end: {why}"))?;
    }
    Ok(())
}

fn gap(
    messages: &BTreeMap<Offset, &Arc<Event>>,
    client: &Client,
    (from, to): (Offset, Offset),
    left_out: &BTreeSet<Offset>,
) -> Result<(), String> {
    let missing = messages.range(from.next()..to).find(|(offset, event)| {
        // The rooms wire shows the sending connection no echo; which of a user's connections that was is not told.
        let silent = client.door == Door::Rooms && event.by.id.as_str() == client.user;
        !silent && !left_out.contains(offset)
    });
    match missing {
        Some((offset, _)) => Err(format!("{offset} is missing between {from} and {to}")),
        None => Ok(()),
    }
}
