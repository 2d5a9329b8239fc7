//! Sessions that a client may come back to (socketio page 4): what is kept of one, and who may return. All or nothing:
//! a client that is told that it is back has missed nothing, in any of its rooms.

use std::collections::BTreeSet;

use crate::command::Manners;
use crate::facts::RoomFacts;
use crate::id::Millis;
use crate::identity::{Actor, Standing};
use crate::limits::{self, Policy};
use crate::model::{RoomKey, SessionRoom};
use crate::refusal::{BadResume, Refusal};
use crate::rules::room::{self, Here};

/// Decides `Remember`: the rooms to keep, each once. A relay is in no session: what was said there can't be told again.
///
/// # Errors
/// `Forbidden` for back ends, which open no socket; `Invalid` past [`limits::SESSION_ROOMS_MAX`] or with a relay in it.
pub fn remember(rooms: &[SessionRoom], actor: &Actor) -> Result<Vec<SessionRoom>, Refusal> {
    if actor.standing != Standing::User {
        return Err(Refusal::Forbidden);
    }
    if rooms.len() > limits::SESSION_ROOMS_MAX || rooms.iter().any(|room| room.key.is_relay()) {
        return Err(Refusal::Invalid);
    }
    let mut seen = BTreeSet::new();
    Ok(rooms.iter().filter(|room| seen.insert(&room.key)).cloned().collect())
}

/// Whether a session whose credential ends then can be returned to now. There is no grace (RULES 4).
///
/// # Errors
/// `BadResume(NoSession)`.
pub fn holds(ends: Option<Millis>, now: Millis) -> Result<(), Refusal> {
    if ends.is_none_or(|ends| now < ends) { Ok(()) } else { Err(Refusal::BadResume(BadResume::NoSession)) }
}

/// Decides `Return` for one of the session's rooms: admitted as for `Enter`, and with nothing to become first. Whoever
/// would have to become a member anew has left meanwhile or was removed; they are no more who the session was.
///
/// # Errors
/// `BadResume(NoSession)`, whatever the reason (invariant 11).
pub fn admit(
    key: &RoomKey,
    facts: Option<&RoomFacts>,
    here: Here,
    actor: &Actor,
    manners: Manners,
    policy: &Policy,
) -> Result<(), Refusal> {
    match room::enter(key, facts, here, actor, manners, policy) {
        Ok(events) if events.is_empty() => Ok(()),
        Ok(_) | Err(_) => Err(Refusal::BadResume(BadResume::NoSession)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Scopes;
    use crate::model::{Role, RoomKind};
    use crate::rules::cases::{CHAT, JOINS, OPEN, actor, facts, key, member, service, user};

    const NO_SESSION: Refusal = Refusal::BadResume(BadResume::NoSession);

    #[test]
    fn what_is_remembered() {
        let many =
            |count: usize| (0..count).map(|number| key(&format!("r{number}")).into()).collect::<Vec<SessionRoom>>();
        let max = limits::SESSION_ROOMS_MAX;
        for (what, rooms, who, expected) in [
            ("no room", many(0), actor("a"), Ok(0)),
            ("as many as one may", many(max), actor("a"), Ok(max)),
            ("one more", many(max + 1), actor("a"), Err(Refusal::Invalid)),
            ("one twice", vec![key("r").into(), key("r").into()], actor("a"), Ok(1)),
            ("a relay", vec![key("r").relayed().into()], actor("a"), Err(Refusal::Invalid)),
            ("a back end", many(1), service(Scopes::BROADCAST), Err(Refusal::Forbidden)),
        ] {
            assert_eq!(remember(&rooms, &who).map(|rooms| rooms.len()), expected, "{what}");
        }
    }

    #[test]
    fn until_when_one_may_return() {
        for (ends, now, expected) in
            [(None, 5, Ok(())), (Some(6), 5, Ok(())), (Some(5), 5, Err(NO_SESSION)), (Some(4), 5, Err(NO_SESSION))]
        {
            assert_eq!(holds(ends.map(Millis), Millis(now)), expected, "{ends:?} at {now}");
        }
    }

    #[test]
    fn into_which_rooms_one_may_return() {
        let joined = facts("r", RoomKind::Public, &[("alice", member(Role::Member))]);
        let left = facts("r", RoomKind::Public, &[]);
        let mut barred = left.clone();
        barred.barred.insert(user("alice"));
        let den = facts("r", RoomKind::Private, &[("alice", member(Role::Member))]);
        let full = RoomFacts { seats: Some(2), ..joined.clone() };
        let (none, two) = (Here::default(), Here { users: 2, ..Here::default() });
        for (what, facts, here, manners, expected) in [
            ("a public room, as its member", Some(&joined), none, JOINS, Ok(())),
            ("one that the user has left", Some(&left), none, JOINS, Err(NO_SESSION)),
            ("one that the user has left, on a door without members", Some(&left), none, OPEN, Ok(())),
            ("one that the user is barred from", Some(&barred), none, OPEN, Err(NO_SESSION)),
            ("one that is no more", None, none, JOINS, Err(NO_SESSION)),
            ("one that is full by now", Some(&full), two, JOINS, Err(NO_SESSION)),
            ("a private room, as its member", Some(&den), none, JOINS, Ok(())),
            ("a room that was never made", None, none, OPEN, Ok(())),
        ] {
            let decided = admit(&key("r"), facts, here, &actor("alice"), manners, &Policy::default());
            assert_eq!(decided, expected, "{what}");
        }
        let stranger = admit(&key("r"), Some(&den), none, &actor("carol"), CHAT, &Policy::default());
        assert_eq!(stranger, Err(NO_SESSION), "nobody joins a private room by coming back");
    }
}
