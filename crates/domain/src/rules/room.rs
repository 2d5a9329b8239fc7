//! Making rooms, entering and leaving them (RULES 9 to 11).

use crate::Text;
use crate::command::Manners;
use crate::event::What;
use crate::facts::RoomFacts;
use crate::id::UserId;
use crate::identity::{Actor, Scopes, Standing};
use crate::limits::{self, Policy};
use crate::model::{Member, Role, RoomKey, RoomKind, Status};
use crate::refusal::Refusal;

const OWNER: Member = Member { muted: false, role: Role::Owner, status: Status::Active };
const PLAIN: Member = Member { muted: false, role: Role::Member, status: Status::Active };

/// Who is in the room at the moment of deciding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Here {
    /// This very connection is present.
    pub already: bool,
    /// The user is present, on whichever connection.
    pub user_present: bool,
    /// How many users are present.
    pub users: usize,
    /// Somebody is attached, so that the room can be found although nothing was said in it yet.
    pub occupied: bool,
}

/// Decides `MakeRoom`. `made` is how many rooms of the maker's are listed now.
///
/// # Errors
/// `Invalid` outside the contract's limits, `RoomLimit` at the policy's.
pub fn make(
    title: &Text,
    kind: RoomKind,
    seats: Option<u32>,
    maker: &UserId,
    made: usize,
    policy: &Policy,
) -> Result<Vec<What>, Refusal> {
    let chars = title.chars().count();
    let seats = seats.unwrap_or(policy.seats_default);
    let ours = matches!(kind, RoomKind::Public | RoomKind::Private);
    if chars == 0
        || chars > limits::TITLE_CHARS_MAX
        || !ours
        || !(limits::SEATS_MIN..=limits::SEATS_MAX).contains(&seats)
    {
        return Err(Refusal::Invalid);
    }
    if policy.made_rooms_max > 0 && made >= policy.made_rooms_max as usize {
        return Err(Refusal::RoomLimit);
    }
    let mut events = vec![What::RoomMade { kind, title: title.clone(), seats: Some(seats) }];
    if kind == RoomKind::Private {
        events.push(What::MemberSet { user: maker.clone(), member: OWNER });
    }
    Ok(events)
}

/// Whether a room that is there already is the one that its maker asks for once more.
///
/// # Errors
/// `ClientIdReused` when it is of another kind; `Forbidden` when its maker has no place in it any more.
pub fn made_before(facts: &RoomFacts, kind: RoomKind, actor: &Actor) -> Result<(), Refusal> {
    if facts.kind != kind || facts.made_by != actor.who.id {
        return Err(Refusal::ClientIdReused);
    }
    if lets_read_actor(&facts.key, Some(facts), actor) { Ok(()) } else { Err(Refusal::Forbidden) }
}

/// Decides `Enter`: the events that it makes, usually none. Checked in the chat contract's order: found, full, already.
/// Where entering makes a member, it is done again and again without harm (socketio facts 4).
///
/// # Errors
/// `RoomNotFound`, `Forbidden`, `RoomFull`, `AlreadyPresent`.
pub fn enter(
    key: &RoomKey,
    facts: Option<&RoomFacts>,
    here: Here,
    actor: &Actor,
    manners: Manners,
    policy: &Policy,
) -> Result<Vec<What>, Refusal> {
    let events = admit(key, facts, here, actor, manners, policy)?;
    let seats = facts.and_then(|facts| facts.seats);
    if !here.user_present && seats.is_some_and(|seats| here.users >= seats as usize) {
        return Err(Refusal::RoomFull);
    }
    if here.already && !manners.joins {
        return Err(Refusal::AlreadyPresent);
    }
    Ok(events)
}

fn admit(
    key: &RoomKey,
    facts: Option<&RoomFacts>,
    here: Here,
    actor: &Actor,
    manners: Manners,
    policy: &Policy,
) -> Result<Vec<What>, Refusal> {
    if actor.standing != Standing::User {
        return Err(Refusal::Forbidden);
    }
    let me = &actor.who.id;
    match facts.map_or_else(|| key.first_use_kind(), |facts| facts.kind) {
        RoomKind::Public => match facts {
            Some(facts) if facts.is_out(me) => Err(Refusal::Forbidden),
            Some(facts) if manners.joins && facts.role(me).is_none() => Ok(vec![facts.arrival(me)]),
            Some(_) => Ok(Vec::new()),
            None if manners.makes_rooms && policy.open_rooms => Ok(found_public(key, me, manners)),
            // Somebody is there, and nothing was said yet: who comes to belong has to be kept.
            None if here.occupied => Ok(found_public(key, me, manners)),
            None => Err(Refusal::RoomNotFound),
        },
        RoomKind::Private => match facts {
            Some(facts) if facts.role(me).is_some() => Ok(Vec::new()),
            Some(facts) if manners.joins_private && policy.private_by_id && !facts.is_out(me) => {
                Ok(vec![facts.arrival(me)])
            }
            _ => Err(Refusal::Forbidden),
        },
        RoomKind::Guild => match facts {
            Some(facts) if facts.role(me).is_some() => Ok(Vec::new()),
            // A guild without a roster refuses all; in development mode whoever enters first owns it (RULES 10).
            None if policy.development => Ok(found_guild(key, me)),
            _ => Err(Refusal::Forbidden),
        },
        RoomKind::Direct => match key.other(me) {
            Some(_) => Ok(Vec::new()),
            None => Err(Refusal::Forbidden),
        },
    }
}

fn joined(user: &UserId) -> What {
    What::MemberSet { user: user.clone(), member: PLAIN }
}

/// The first events of a public room that is made by entering it. Nothing is made where entering makes no member: such a
/// room is durable with its first message (RULES 9).
fn found_public(key: &RoomKey, first: &UserId, manners: Manners) -> Vec<What> {
    if !manners.joins {
        return Vec::new();
    }
    vec![What::RoomMade { kind: RoomKind::Public, title: key.shown(), seats: None }, joined(first)]
}

/// The first events of a guild's room: its making, and its first owner.
#[must_use]
pub fn found_guild(key: &RoomKey, owner: &UserId) -> Vec<What> {
    vec![
        What::RoomMade { kind: RoomKind::Guild, title: key.shown(), seats: None },
        What::MemberSet { user: owner.clone(), member: OWNER },
    ]
}

/// Decides `Leave`: a private room's member belongs no more, and a public room's neither, when they leave through a door
/// whose leaving ends that and it is their `last` connection there. Their leaving bars nobody. Otherwise only presence
/// ends, and whether there was any is the node's to say.
#[must_use]
pub fn leave(facts: Option<&RoomFacts>, user: &UserId, manners: Manners, last: bool) -> Vec<What> {
    let Some(facts) = facts else { return Vec::new() };
    let role = facts.role(user);
    let ends = match facts.kind {
        RoomKind::Public => manners.joins && last && role.is_some(),
        RoomKind::Private => role.is_some_and(|role| role != Role::Owner),
        RoomKind::Guild | RoomKind::Direct => false,
    };
    if ends { vec![facts.departure(user)] } else { Vec::new() }
}

/// Whether a query about this room may be answered to the actor; missing and forbidden alike.
///
/// # Errors
/// `Forbidden`.
pub fn see(
    key: &RoomKey,
    facts: Option<&RoomFacts>,
    actor: &Actor,
    scope: Scopes,
    policy: &Policy,
) -> Result<(), Refusal> {
    if let Standing::Service(scopes) = actor.standing {
        return if scopes.has(scope) { Ok(()) } else { Err(Refusal::Forbidden) };
    }
    let sees = may_be(key, facts, policy) && lets_read(key, facts, &actor.who.id);
    if sees { Ok(()) } else { Err(Refusal::Forbidden) }
}

/// Whether the actor may read what was said in this room: a public one unless they are barred, a private one or a guild's
/// as an active member, a direct one as one of the two. A public room that isn't there is empty, where rooms are made by
/// their first use; else it would give away which ids are those of private rooms. Back ends read nothing.
///
/// # Errors
/// `Forbidden`, said alike whether there is such a room or not (invariant 11).
pub fn read(key: &RoomKey, facts: Option<&RoomFacts>, actor: &Actor, policy: &Policy) -> Result<(), Refusal> {
    let reads = may_be(key, facts, policy) && lets_read_actor(key, facts, actor);
    if reads { Ok(()) } else { Err(Refusal::Forbidden) }
}

/// Whether the actor may read what was said in a room that is there.
pub(super) fn lets_read_actor(key: &RoomKey, facts: Option<&RoomFacts>, actor: &Actor) -> bool {
    actor.standing == Standing::User && lets_read(key, facts, &actor.who.id)
}

/// Whether there is such a room, or can be by its first use.
fn may_be(key: &RoomKey, facts: Option<&RoomFacts>, policy: &Policy) -> bool {
    facts.is_some() || policy.open_rooms || key.first_use_kind() != RoomKind::Public
}

fn lets_read(key: &RoomKey, facts: Option<&RoomFacts>, user: &UserId) -> bool {
    match facts.map_or_else(|| key.first_use_kind(), |facts| facts.kind) {
        RoomKind::Public => facts.is_none_or(|facts| !facts.is_out(user)),
        RoomKind::Private | RoomKind::Guild => facts.is_some_and(|facts| facts.role(user).is_some()),
        RoomKind::Direct => key.other(user).is_some(),
    }
}

#[cfg(test)]
mod tests;
