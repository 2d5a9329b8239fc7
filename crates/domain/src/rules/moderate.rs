//! Who may do what to whom in a room: inviting, putting out, muting, giving roles, and leaving for good.
//!
//! Owners stand above moderators, and they above everybody else; nobody reaches their own rank but owners. A public room that was
//! asked for is its maker's. Kicked means out until invited; banned means out until that is lifted, and an invitation does not.

use crate::command::Act;
use crate::event::What;
use crate::facts::RoomFacts;
use crate::id::UserId;
use crate::identity::{Actor, Standing};
use crate::model::{Member, Role, RoomKind, Status};
use crate::refusal::Refusal;
use crate::rules::group;

/// The role that someone has in a room as far as moderating goes.
fn rank(facts: &RoomFacts, user: &UserId) -> Option<Role> {
    let made = facts.kind == RoomKind::Public && facts.seats.is_some() && facts.made_by == *user;
    if made && !facts.is_out(user) { Some(Role::Owner) } else { facts.role(user) }
}

/// Whether the actor moderates this room and stands above that user in it.
#[must_use]
pub fn reaches(facts: Option<&RoomFacts>, actor: &Actor, user: &UserId) -> bool {
    let Some(facts) = facts.filter(|_| actor.standing == Standing::User) else { return false };
    above(facts, rank(facts, &actor.who.id), user)
}

fn above(facts: &RoomFacts, mine: Option<Role>, user: &UserId) -> bool {
    match mine {
        Some(Role::Owner) => true,
        Some(Role::Moderator) => rank(facts, user).is_none_or(|role| role < Role::Moderator),
        Some(Role::Member) | None => false,
    }
}

/// Decides `Moderate`: what happens, nothing when all is so already.
///
/// # Errors
/// `Forbidden` for a room that the actor may not know of or that isn't there (invariant 11), `NotAllowed` above one's rank and in
/// conversations, `MemberNotFound` for whom there is nothing to do to, `LastOwner`, `NotPresent` when quitting where one does not
/// belong.
pub fn moderate(facts: Option<&RoomFacts>, actor: &Actor, user: &UserId, act: Act) -> Result<Vec<What>, Refusal> {
    let me = &actor.who.id;
    let Some(facts) = facts.filter(|_| actor.standing == Standing::User) else { return Err(Refusal::Forbidden) };
    let mine = rank(facts, me);
    let knows = match facts.kind {
        RoomKind::Public => !facts.is_out(me),
        RoomKind::Private | RoomKind::Guild => mine.is_some(),
        RoomKind::Direct => facts.key.other(me).is_some(),
    };
    if !knows {
        return Err(Refusal::Forbidden);
    }
    if facts.kind == RoomKind::Direct {
        return Err(Refusal::NotAllowed);
    }
    if act == Act::Quit {
        return if me == user { quit(facts, me) } else { Err(Refusal::Invalid) };
    }
    if mine.is_none_or(|role| role < Role::Moderator) || !above(facts, mine, user) {
        return Err(Refusal::NotAllowed);
    }
    let was = facts.members.get(user).copied();
    let set = |member: Member| if was == Some(member) { Vec::new() } else { vec![set(user, member)] };
    let plain = Member { role: Role::Member, status: Status::Active, muted: facts.is_muted(user) };
    let stays = |events| keeps_an_owner(facts, user).map(|()| events);
    let active = was.filter(|row| row.status == Status::Active);
    match act {
        Act::Invite => match was {
            Some(row) if row.status == Status::Blocked => Err(Refusal::NotAllowed),
            Some(row) if row.status == Status::Active => Ok(Vec::new()),
            Some(_) | None => Ok(set(plain)),
        },
        Act::Kick if active.is_none() && facts.kind != RoomKind::Public => Err(Refusal::MemberNotFound),
        Act::Kick if facts.barred.contains(user) || was.is_some_and(|row| row.status == Status::Blocked) => {
            Ok(Vec::new())
        }
        Act::Kick => stays(vec![What::MemberRemoved { user: user.clone(), barred: true }]),
        Act::Ban => stays(set(Member { role: Role::Member, status: Status::Blocked, ..plain })),
        Act::Unban => match was {
            Some(row) if row.status == Status::Blocked => {
                Ok(vec![What::MemberRemoved { user: user.clone(), barred: false }])
            }
            Some(_) | None => Ok(Vec::new()),
        },
        Act::Mute | Act::Unmute if active.is_none() && facts.kind != RoomKind::Public => Err(Refusal::MemberNotFound),
        Act::Mute => Ok(set(Member { muted: true, ..was.unwrap_or(plain) })),
        Act::Unmute => Ok(match was {
            // Kept for the mute alone when they left; without one it would keep them out.
            Some(Member { status: Status::Inactive, muted: true, .. }) => {
                vec![What::MemberRemoved { user: user.clone(), barred: false }]
            }
            Some(row) => set(Member { muted: false, ..row }),
            None => Vec::new(),
        }),
        Act::Promote(role) => {
            if mine != Some(Role::Owner) {
                return Err(Refusal::NotAllowed);
            }
            let row = active.ok_or(Refusal::MemberNotFound)?;
            let events = set(Member { role, ..row });
            if role == Role::Owner { Ok(events) } else { stays(events) }
        }
        Act::Quit => Err(Refusal::Invalid),
    }
}

fn set(user: &UserId, member: Member) -> What {
    What::MemberSet { user: user.clone(), member }
}

/// A private room and a guild keep an owner. Of a public one that was asked for, its maker stays one.
fn keeps_an_owner(facts: &RoomFacts, user: &UserId) -> Result<(), Refusal> {
    let others =
        |(id, row): (&UserId, &Member)| *id != *user && row.role == Role::Owner && row.status == Status::Active;
    let last = facts.role(user) == Some(Role::Owner) && !facts.members.iter().any(others);
    if last && facts.kind != RoomKind::Public { Err(Refusal::LastOwner) } else { Ok(()) }
}

fn quit(facts: &RoomFacts, me: &UserId) -> Result<Vec<What>, Refusal> {
    if facts.role(me).is_none() {
        return Err(Refusal::NotPresent);
    }
    match facts.kind {
        RoomKind::Private => Ok(group::quit(facts, me)),
        RoomKind::Guild => keeps_an_owner(facts, me).map(|()| vec![facts.departure(me)]),
        RoomKind::Public | RoomKind::Direct => Ok(vec![facts.departure(me)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::cases::{actor, facts, member, service, user};

    const INACTIVE_MUTED: Member = Member { role: Role::Member, status: Status::Inactive, muted: true };

    fn room(kind: RoomKind) -> RoomFacts {
        let blocked = Member { status: Status::Blocked, ..member(Role::Member) };
        let muted = Member { muted: true, ..member(Role::Member) };
        let roster = [
            ("own", member(Role::Owner)),
            ("mod", member(Role::Moderator)),
            ("mod2", member(Role::Moderator)),
            ("mem", member(Role::Member)),
            ("bad", blocked),
            ("mute", muted),
            ("away", INACTIVE_MUTED),
        ];
        let mut facts = facts("den", kind, &roster);
        facts.barred.insert(user("kicked"));
        facts
    }

    fn row(id: &str, role: Role, status: Status, muted: bool) -> What {
        What::MemberSet { user: user(id), member: Member { role, status, muted } }
    }

    fn gone(id: &str, barred: bool) -> What {
        What::MemberRemoved { user: user(id), barred }
    }

    #[test]
    fn who_does_what_to_whom_in_a_private_room() {
        use Status::{Active, Blocked};
        let (plain, den) = (Role::Member, room(RoomKind::Private));
        let not_allowed = Err(Refusal::NotAllowed);
        for (who, act, whom, expected) in [
            ("mod", Act::Invite, "new", Ok(vec![row("new", plain, Active, false)])),
            ("mod", Act::Invite, "kicked", Ok(vec![row("kicked", plain, Active, false)])),
            ("mod", Act::Invite, "mem", Ok(vec![])),
            ("own", Act::Invite, "bad", not_allowed.clone()),
            ("own", Act::Invite, "away", Ok(vec![row("away", plain, Active, true)])),
            ("mem", Act::Invite, "new", not_allowed.clone()),
            ("new", Act::Invite, "other", Err(Refusal::Forbidden)),
            ("bad", Act::Invite, "other", Err(Refusal::Forbidden)),
            ("mod", Act::Kick, "mem", Ok(vec![gone("mem", true)])),
            ("mod", Act::Kick, "mod2", not_allowed.clone()),
            ("mod", Act::Kick, "own", not_allowed.clone()),
            ("mod", Act::Kick, "new", Err(Refusal::MemberNotFound)),
            ("own", Act::Kick, "mod", Ok(vec![gone("mod", true)])),
            ("own", Act::Kick, "own", Err(Refusal::LastOwner)),
            ("mod", Act::Ban, "mem", Ok(vec![row("mem", plain, Blocked, false)])),
            ("mod", Act::Ban, "new", Ok(vec![row("new", plain, Blocked, false)])),
            ("mod", Act::Ban, "bad", Ok(vec![])),
            ("own", Act::Ban, "own", Err(Refusal::LastOwner)),
            ("mem", Act::Ban, "mute", not_allowed.clone()),
            ("mod", Act::Unban, "bad", Ok(vec![gone("bad", false)])),
            ("mod", Act::Unban, "mem", Ok(vec![])),
            ("mod", Act::Mute, "mem", Ok(vec![row("mem", plain, Active, true)])),
            ("mod", Act::Mute, "mute", Ok(vec![])),
            ("mod", Act::Mute, "new", Err(Refusal::MemberNotFound)),
            ("mod", Act::Unmute, "mute", Ok(vec![row("mute", plain, Active, false)])),
            ("mute", Act::Unmute, "mute", not_allowed.clone()),
            ("own", Act::Promote(Role::Moderator), "mem", Ok(vec![row("mem", Role::Moderator, Active, false)])),
            ("own", Act::Promote(Role::Member), "own", Err(Refusal::LastOwner)),
            ("own", Act::Promote(Role::Member), "new", Err(Refusal::MemberNotFound)),
            ("mod", Act::Promote(Role::Moderator), "mem", not_allowed),
            ("mem", Act::Quit, "mem", Ok(vec![gone("mem", false)])),
            ("mute", Act::Quit, "mute", Ok(vec![set(&user("mute"), INACTIVE_MUTED)])),
            ("own", Act::Quit, "own", Ok(vec![row("mod", Role::Owner, Active, false), gone("own", false)])),
            ("mod", Act::Quit, "mem", Err(Refusal::Invalid)),
        ] {
            assert_eq!(moderate(Some(&den), &actor(who), &user(whom), act), expected, "{who} {act:?} {whom}");
        }
        let none = moderate(None, &actor("own"), &user("mem"), Act::Kick);
        assert_eq!(none, Err(Refusal::Forbidden), "said alike for no room");
        let back_end = service(crate::identity::Scopes::GUILDS);
        assert_eq!(moderate(Some(&den), &back_end, &user("mem"), Act::Kick), Err(Refusal::Forbidden));
    }

    #[test]
    fn a_public_room_that_was_asked_for_is_its_makers() {
        let lobby = RoomFacts { seats: Some(50), made_by: user("maker"), ..room(RoomKind::Public) };
        let kick =
            |facts: &RoomFacts, who: &str, whom: &str| moderate(Some(facts), &actor(who), &user(whom), Act::Kick);
        assert_eq!(kick(&lobby, "maker", "stranger"), Ok(vec![gone("stranger", true)]), "who only reads there, too");
        assert_eq!(kick(&lobby, "stranger", "mem"), Err(Refusal::NotAllowed));
        assert_eq!(kick(&lobby, "bad", "mem"), Err(Refusal::Forbidden));
        let found = RoomFacts { seats: None, ..lobby.clone() };
        assert_eq!(kick(&found, "maker", "mem"), Err(Refusal::NotAllowed), "its first use was theirs, and no more");
        let mute = moderate(Some(&lobby), &actor("maker"), &user("stranger"), Act::Mute);
        assert_eq!(mute, Ok(vec![row("stranger", Role::Member, Status::Active, true)]));
        let unmute = |whom: &str| moderate(Some(&lobby), &actor("maker"), &user(whom), Act::Unmute);
        assert_eq!(unmute("away"), Ok(vec![gone("away", false)]), "who left muted may come back");
        assert_eq!(unmute("stranger"), Ok(vec![]));
        assert_eq!(lobby.arrival(&user("maker")), row("maker", Role::Owner, Status::Active, false));
        assert_eq!(lobby.arrival(&user("away")), row("away", Role::Member, Status::Active, true), "muted as before");
    }

    #[test]
    fn conversations_are_moderated_by_nobody() {
        let pair = crate::model::RoomKey::pair(user("ann"), user("bob"));
        let facts = RoomFacts { key: pair, ..facts("x", RoomKind::Direct, &[]) };
        for act in [Act::Invite, Act::Kick, Act::Ban, Act::Mute, Act::Quit] {
            assert_eq!(moderate(Some(&facts), &actor("ann"), &user("bob"), act), Err(Refusal::NotAllowed));
            assert_eq!(moderate(Some(&facts), &actor("eve"), &user("bob"), act), Err(Refusal::Forbidden));
        }
    }
}
