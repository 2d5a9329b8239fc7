//! What must hold of followers: every connection against the log, and all connections of a user together against
//! everything that is theirs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use dialects::door;
use domain::event::{Event, What};
use domain::facts::RoomFacts;
use domain::id::{Millis, Offset, UserId};
use domain::model::{RoomKey, RoomKind, Sending};

use super::{Follower, Item, Stay, To, Wire};

const THE_END: Offset = Offset(u64::MAX);

/// From where on a user belonged to a room, or did not.
type Belonging = HashMap<(UserId, RoomKey), BTreeMap<Offset, bool>>;

/// The log by what followers are told of it.
struct Log<'a> {
    events: &'a [Arc<Event>],
    rooms: HashMap<RoomKey, Vec<&'a Arc<Event>>>,
    /// By the ids that `gateway` has for them.
    messages: HashMap<String, &'a Arc<Event>>,
    edits: HashMap<(String, String), &'a Arc<Event>>,
    deletions: HashMap<String, &'a Arc<Event>>,
    notices: HashMap<String, &'a Arc<Event>>,
    /// What messages have become, and those that were taken away, by where they were sent: a wire without a word for that
    /// is told how it ended when it catches up (RULES 17).
    became: BTreeSet<(Offset, String)>,
    taken_away: BTreeSet<Offset>,
    belonging: Belonging,
    /// Who marked which rooms as read, whole, and when.
    reads: &'a [(UserId, RoomKey, Millis)],
}

/// What a user's connections came to know together.
#[derive(Default)]
struct Known {
    told: BTreeSet<Offset>,
    marked: BTreeSet<String>,
    gateway: bool,
    direct: bool,
}

fn id(user: &str) -> UserId {
    UserId::new(user).expect("the simulation's users have ids")
}

fn known_as(sending: &Sending, message: domain::id::MessageId) -> String {
    let own = sending.client_id.as_ref().filter(|_| sending.door == door::GATEWAY);
    own.map_or_else(|| message.to_string(), ToString::to_string)
}

impl<'a> Log<'a> {
    fn new(events: &'a [Arc<Event>], reads: &'a [(UserId, RoomKey, Millis)], users: &BTreeSet<UserId>) -> Self {
        let mut log = Self {
            events,
            rooms: HashMap::new(),
            messages: HashMap::new(),
            edits: HashMap::new(),
            deletions: HashMap::new(),
            notices: HashMap::new(),
            became: BTreeSet::new(),
            taken_away: BTreeSet::new(),
            belonging: HashMap::new(),
            reads,
        };
        let mut rooms: HashMap<&RoomKey, RoomFacts> = HashMap::new();
        for event in events {
            log.rooms.entry(event.room.clone()).or_default().push(event);
            match &event.what {
                What::Sent(message) => {
                    let sending = Sending { door: event.door, client_id: message.client_id.clone() };
                    log.messages.insert(known_as(&sending, message.id), event);
                }
                What::Edited { message, content, sending, of } => {
                    log.became.insert((*of, content.to_string()));
                    log.edits.insert((known_as(sending, *message), content.to_string()), event);
                }
                What::Deleted { message, sending, of } => {
                    log.taken_away.insert(*of);
                    log.deletions.insert(known_as(sending, *message), event);
                }
                What::Notice { extra } => drop(log.notices.insert(extra.to_string(), event)),
                What::RoomMade { .. }
                | What::MemberSet { .. }
                | What::MemberRemoved { .. }
                | What::Retitled { .. }
                | What::Reacted { .. } => {}
            }
            match rooms.get_mut(&event.room) {
                Some(facts) => facts.apply(event),
                None => drop(RoomFacts::born(event).map(|facts| rooms.insert(&event.room, facts))),
            }
            let Some(facts) = rooms.get(&event.room) else { continue };
            for user in users {
                let belongs = event.room.other(user).is_some() || facts.role(user).is_some();
                log.belonging.entry((user.clone(), event.room.clone())).or_default().insert(event.offset, belongs);
            }
        }
        log
    }

    fn belonged(&self, user: &UserId, room: &RoomKey, at: Offset) -> bool {
        let all = self.belonging.get(&(user.clone(), room.clone()));
        all.and_then(|all| all.range(..=at).next_back()).is_some_and(|(_, belongs)| *belongs)
    }

    /// Whether somebody may have read all of a room by then.
    fn has_read_all(&self, user: &UserId, room: &RoomKey, by: Millis) -> bool {
        self.reads.iter().any(|(who, whole, at)| who == user && whole == room && *at <= by)
    }

    fn belonged_throughout(&self, user: &UserId, room: &RoomKey, from: Offset, to: Offset) -> bool {
        let all = &self.belonging[&(user.clone(), room.clone())];
        self.belonged(user, room, from) && all.range(from..to).all(|(_, belongs)| *belongs)
    }

    /// Whether somebody else's doings have to be told on this wire.
    fn is_told(&self, event: &Event, user: &UserId, wire: Wire) -> bool {
        let gone = wire == Wire::Direct && self.taken_away.contains(&event.offset);
        !gone && is_told(event, user, wire)
    }

    /// What this is in the log.
    fn find(&self, wire: Wire, item: &Item) -> Option<&'a Arc<Event>> {
        let by_offset = |id: &str| self.events.iter().find(|event| event.offset.to_string() == id);
        match (wire, item) {
            (Wire::Direct, Item::Message { id, .. }) => by_offset(id),
            (Wire::Gateway, Item::Message { id, .. } | Item::Status { id, .. }) => self.messages.get(id).copied(),
            (Wire::Gateway, Item::Edited { id, text }) => self.edits.get(&(id.clone(), text.clone())).copied(),
            (Wire::Gateway, Item::Deleted { id }) => self.deletions.get(id).copied(),
            (Wire::Gateway, Item::Notice(text)) => self.notices.get(text).copied(),
            (Wire::Direct, _) => None,
        }
    }
}

/// Whether somebody else's doings are told on this wire.
fn is_told(event: &Event, user: &UserId, wire: Wire) -> bool {
    let of_two = event.room.other(user).is_some();
    event.by.id != *user
        && match &event.what {
            What::Sent(_) => of_two || wire == Wire::Gateway,
            What::Edited { .. } | What::Deleted { .. } => wire == Wire::Gateway,
            What::Notice { .. } | What::Reacted { .. } => wire == Wire::Gateway && event.door == door::GATEWAY,
            What::RoomMade { .. } | What::MemberSet { .. } | What::MemberRemoved { .. } | What::Retitled { .. } => {
                false
            }
        }
}

/// Checks all followers; the error says what does not hold. `alone` when one node has the log for itself.
pub(crate) fn check(
    events: &[Arc<Event>],
    followers: &[Follower],
    reads: &[(UserId, RoomKey, Millis)],
    alone: bool,
) -> Result<(), String> {
    let users: BTreeSet<UserId> = followers.iter().map(|follower| id(&follower.user)).collect();
    let log = Log::new(events, reads, &users);
    let mut all: BTreeMap<UserId, Known> = BTreeMap::new();
    for follower in followers {
        let known = all.entry(id(&follower.user)).or_default();
        known.marked.extend(follower.marked.iter().cloned());
        match follower.wire {
            Wire::Gateway => known.gateway = true,
            Wire::Direct => known.direct = true,
        }
        for stay in &follower.stays {
            let places = one_order(&log, follower, stay);
            let places = places.map_err(|why| format!("{} on {:?}: {why}", follower.name, follower.wire))?;
            known.told.extend(places);
        }
    }
    for (user, known) in &all {
        nothing_is_lost(&log, user, known)?;
    }
    for follower in followers {
        let mut arrived = HashMap::new();
        for stay in &follower.stays {
            statuses(&log, follower, stay, &all, &mut arrived)
                .map_err(|why| format!("{} on {:?}: {why}", follower.name, follower.wire))?;
        }
        // Another node may not know the log up to there yet, and tells it once more rather than not at all.
        if alone {
            not_twice(&log, &arrived, followers)?;
        }
        acknowledged(&log, follower)?;
    }
    Ok(())
}

/// A connection is told in one order, each thing once and as it was, without a gap in any room, and only what is its user's.
fn one_order(log: &Log<'_>, follower: &Follower, stay: &Stay) -> Result<Vec<Offset>, String> {
    let (user, wire) = (id(&follower.user), follower.wire);
    let (mut places, mut rooms) = (Vec::new(), HashMap::new());
    for (_, item) in stay.told.iter().filter(|(_, item)| !matches!(item, Item::Status { .. })) {
        let event = log.find(wire, item).ok_or(format!("told of {item:?}, which the log does not have"))?;
        let (room, at) = (&event.room, event.offset);
        as_it_was(log, event, item, wire)?;
        if places.last().is_some_and(|last| *last >= at) {
            return Err(format!("{at} after {:?}: out of order or twice", places.last()));
        }
        if !log.belonged(&user, room, at) {
            return Err(format!("told of {at} in {}, which is not theirs: {item:?}", room.shown()));
        }
        let to_oneself = room.other(&user) == Some(&user);
        let through = if wire == Wire::Gateway { door::GATEWAY } else { door::DIRECT };
        if matches!(event.what, What::Sent(_)) && event.by.id == user && event.door == through && !to_oneself {
            return Err(format!("told of their own {at}, said through the same door"));
        }
        if let Some(from) = rooms.insert(room, at) {
            gap(log, (&user, wire), room, from, at)?;
        }
        places.push(at);
    }
    for (room, from) in rooms.into_iter().filter(|_| stay.to_the_end) {
        gap(log, (&user, wire), room, from, THE_END)?;
    }
    Ok(places)
}

fn as_it_was(log: &Log<'_>, event: &Event, item: &Item, wire: Wire) -> Result<(), String> {
    let Item::Message { id, text, sender } = item else { return Ok(()) };
    let message = event.message().ok_or(format!("told {item:?}, the log has {event:?}"))?;
    let by = if wire == Wire::Gateway { event.by.id.to_string() } else { event.by.number.to_string() };
    // What is caught up with may show what has become of it.
    let became = log.became.contains(&(event.offset, text.clone()));
    let said = *message.content == **text || became || log.edits.contains_key(&(id.clone(), text.clone()));
    if said && by == *sender { Ok(()) } else { Err(format!("told {item:?}, the log has {event:?}")) }
}

fn gap(log: &Log<'_>, (user, wire): (&UserId, Wire), room: &RoomKey, from: Offset, to: Offset) -> Result<(), String> {
    let missing = log.rooms[room].iter().find(|event| {
        event.offset > from
            && event.offset < to
            && log.is_told(event, user, wire)
            && log.belonged_throughout(user, room, from, to)
    });
    missing.map_or(Ok(()), |event| Err(format!("{} is missing between {from} and {to}", event.offset)))
}

/// Whatever is somebody's was told on one of their connections at least (HAZARDS 18).
fn nothing_is_lost(log: &Log<'_>, user: &UserId, known: &Known) -> Result<(), String> {
    let lost = log.events.iter().find(|event| {
        let of_two = event.room.other(user).is_some() && event.message().is_some();
        // Of what only one of two wires has a word for, the other may have taken in that it happened.
        let wire = if known.direct && (of_two || !known.gateway) { Wire::Direct } else { Wire::Gateway };
        let silent = known.direct && known.gateway && event.message().is_none() && event.room.other(user).is_some();
        log.is_told(event, user, wire)
            && !silent
            && !known.told.contains(&event.offset)
            && log.belonged_throughout(user, &event.room, event.offset, THE_END)
    });
    lost.map_or(Ok(()), |event| Err(format!("{user} was never told of {event:?}")))
}

fn rank(status: &str) -> Result<u8, String> {
    match status {
        "sent" => Ok(0),
        "delivered" => Ok(1),
        "read" => Ok(2),
        other => Err(format!("{other} is no status")),
    }
}

/// What has become of a message never goes back, and is told only when it is so. `arrived` is when what was delivered was
/// first known to be.
fn statuses<'a>(
    log: &Log<'a>,
    follower: &Follower,
    stay: &Stay,
    all: &BTreeMap<UserId, Known>,
    arrived: &mut HashMap<Offset, (Millis, &'a Arc<Event>)>,
) -> Result<(), String> {
    let mut ranks: HashMap<&str, u8> = HashMap::new();
    for (at, item) in &stay.told {
        let Item::Status { id: message, status, reader } = item else { continue };
        let event = log.find(follower.wire, item).ok_or(format!("{item:?} of what the log does not have"))?;
        let (author, new) = (&event.by.id, rank(status)?);
        let own = author.as_str() == follower.user;
        // In a group each of its members has a status of their own, which frames tell in turn.
        if let RoomKey::Pair(one, other) = &event.room {
            let before = ranks.insert(message, new).unwrap_or(0);
            // Of what was taken away nobody knows any more what had become of it: a repeat hears that it was kept.
            if new < before && !(new == 0 && log.deletions.contains_key(message)) {
                return Err(format!("{item:?} falls from {before}"));
            }
            if !own {
                return Err(format!("{item:?} of somebody else's message"));
            }
            let other = if one == author { other } else { one };
            if new == 2 && !all.contains_key(other) && !log.has_read_all(other, &event.room, *at) {
                return Err(format!("{item:?}, and {other} did not say so"));
            }
            if let Some(known) = all.get(other).filter(|_| new > 0) {
                let so = if new == 1 { known.told.contains(&event.offset) } else { known.marked.contains(message) };
                if !so {
                    return Err(format!("{item:?}, and {other} knows nothing of it"));
                }
                if new == 1 {
                    arrived.entry(event.offset).or_insert((*at, event));
                }
            }
        } else if new == 0 && !own {
            return Err(format!("{item:?} of somebody else's message"));
        } else if new == 1 && !is_reached(log, event, all) {
            return Err(format!("{item:?}, and nobody has it"));
        } else if new == 2 {
            // One's own repeat tells that somebody has read it, not who.
            let by = |user: &str| all.get(&id(user)).is_some_and(|known| known.marked.contains(message));
            let whole = |user: &UserId| log.has_read_all(user, &event.room, *at);
            let so = reader.as_ref().map_or_else(
                || all.keys().any(|user| by(user.as_str())) || reads_of(log).any(whole),
                |reader| by(reader) || whole(&id(reader)),
            );
            if !so {
                return Err(format!("{item:?}, and nobody said so"));
            }
        }
    }
    Ok(())
}

/// Who marked any room as read, whole.
fn reads_of<'a>(log: &Log<'a>) -> impl Iterator<Item = &'a UserId> {
    log.reads.iter().map(|(user, ..)| user)
}

/// Whether somebody else in a group has a message, or one after it: marks are places, and whoever is taken in later is past
/// what was said before. In a guild others are there on other wires, who remember it otherwise.
fn is_reached(log: &Log<'_>, event: &Event, all: &BTreeMap<UserId, Known>) -> bool {
    let mut later = log.rooms[&event.room].iter().filter(|later| later.offset >= event.offset);
    if event.room.first_use_kind() == RoomKind::Guild {
        return true;
    }
    let others: Vec<_> = all.iter().filter(|(user, _)| **user != event.by.id).collect();
    later.any(|later| others.iter().any(|(_, known)| known.told.contains(&later.offset)))
}

/// What was known to be delivered is not told on a connection that came later.
fn not_twice(
    log: &Log<'_>,
    arrived: &HashMap<Offset, (Millis, &Arc<Event>)>,
    followers: &[Follower],
) -> Result<(), String> {
    for (at, event) in arrived.values() {
        for follower in followers.iter().filter(|follower| follower.user != event.by.id.as_str()) {
            for stay in follower.stays.iter().filter(|stay| stay.began > *at) {
                let again = stay.told.iter().any(|(_, item)| {
                    matches!(item, Item::Message { .. })
                        && log.find(follower.wire, item).is_some_and(|told| told.offset == event.offset)
                });
                if again {
                    return Err(format!("{} is told of {} again, delivered before", follower.name, event.offset));
                }
            }
        }
    }
    Ok(())
}

/// What a client was told to be kept is kept, and what it said to one other user is by the end.
fn acknowledged(log: &Log<'_>, follower: &Follower) -> Result<(), String> {
    for (name, sent) in &follower.sent {
        let kept = log.messages.get(name).is_some_and(|event| event.by.id.as_str() == follower.user);
        if sent.acked && !kept {
            return Err(format!("acknowledged and lost: {name}"));
        }
        if !sent.acked && matches!(sent.to, To::One(_)) {
            return Err(format!("{}'s {name} was never acknowledged", follower.user));
        }
    }
    Ok(())
}
