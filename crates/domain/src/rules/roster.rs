//! Guild rosters: who puts whom on them, changes and removes them (RULES 10, rooms page 7).

use crate::event::What;
use crate::facts::RoomFacts;
use crate::id::UserId;
use crate::identity::{Actor, Scopes};
use crate::model::{Member, Role, RoomKey, RoomKind, Status};
use crate::refusal::Refusal;

/// The actor's rank over a roster: back ends stand above owners. None for everybody who has no say.
fn rank(facts: Option<&RoomFacts>, actor: &Actor) -> Option<Rank> {
    if actor.standing.serves(Scopes::GUILDS) {
        return Some(Rank::BackEnd);
    }
    match facts.and_then(|facts| facts.role(&actor.who.id)) {
        Some(Role::Owner) => Some(Rank::Owner),
        Some(Role::Moderator) => Some(Rank::Moderator),
        Some(Role::Member) | None => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rank {
    Moderator,
    Owner,
    BackEnd,
}

fn active_owners(facts: &RoomFacts) -> usize {
    facts.members.values().filter(|m| m.role == Role::Owner && m.status == Status::Active).count()
}

fn is_active_owner(member: Option<&Member>) -> bool {
    member.is_some_and(|m| m.role == Role::Owner && m.status == Status::Active)
}

/// Decides `Enrol`: the events (none when nothing changes), and the member's row afterwards.
///
/// Moderators add and block plain members; owners set every role; back ends make the guild too.
///
/// # Errors
/// `Forbidden` (also for a guild that isn't), `NotAllowed` above one's rank, `LastOwner`, `Invalid` for a room that is
/// no guild's.
pub fn enrol(
    key: &RoomKey,
    facts: Option<&RoomFacts>,
    actor: &Actor,
    user: &UserId,
    role: Option<Role>,
    status: Option<Status>,
) -> Result<(Vec<What>, Member), Refusal> {
    if key.first_use_kind() != RoomKind::Guild {
        return Err(Refusal::Invalid);
    }
    let rank = rank(facts, actor).ok_or(Refusal::Forbidden)?;
    let was = facts.and_then(|facts| facts.members.get(user));
    let member = Member {
        role: role.or(was.map(|m| m.role)).unwrap_or(Role::Member),
        status: status.or(was.map(|m| m.status)).unwrap_or(Status::Active),
        muted: was.is_some_and(|m| m.muted),
    };
    let touches_staff = member.role > Role::Member || was.is_some_and(|m| m.role > Role::Member);
    if rank == Rank::Moderator && touches_staff {
        return Err(Refusal::NotAllowed);
    }
    if let Some(facts) = facts
        && is_active_owner(was)
        && !is_active_owner(Some(&member))
        && active_owners(facts) == 1
        && rank != Rank::BackEnd
    {
        return Err(Refusal::LastOwner);
    }
    let mut events = Vec::new();
    if facts.is_none() {
        events.push(What::RoomMade { kind: RoomKind::Guild, title: key.shown(), seats: None });
    }
    if was != Some(&member) {
        events.push(What::MemberSet { user: user.clone(), member });
    }
    Ok((events, member))
}

/// Decides `Expel`. Members may take themselves off; they may come back when somebody enrols them again.
///
/// # Errors
/// `Forbidden` for strangers, `MemberNotFound`, `NotAllowed` above one's rank, `LastOwner`.
pub fn expel(facts: Option<&RoomFacts>, actor: &Actor, user: &UserId) -> Result<Vec<What>, Refusal> {
    let own = actor.who.id == *user && facts.is_some_and(|facts| facts.role(user).is_some());
    let rank = match rank(facts, actor) {
        Some(rank) => rank,
        None if own => Rank::Moderator,
        None => return Err(Refusal::Forbidden),
    };
    let Some(facts) = facts.filter(|facts| facts.kind == RoomKind::Guild) else { return Err(Refusal::MemberNotFound) };
    let was = facts.members.get(user).ok_or(Refusal::MemberNotFound)?;
    if rank == Rank::Moderator && !own && was.role > Role::Member {
        return Err(Refusal::NotAllowed);
    }
    if is_active_owner(Some(was)) && active_owners(facts) == 1 && rank != Rank::BackEnd {
        return Err(Refusal::LastOwner);
    }
    Ok(vec![What::MemberRemoved { user: user.clone(), barred: true }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::cases::{actor, facts, key, member, service, user};

    fn guild() -> RoomFacts {
        let blocked = Member { muted: false, role: Role::Member, status: Status::Blocked };
        facts(
            "GUILD#g",
            RoomKind::Guild,
            &[
                ("own", member(Role::Owner)),
                ("mod", member(Role::Moderator)),
                ("mem", member(Role::Member)),
                ("bad", blocked),
            ],
        )
    }

    #[test]
    fn who_enrols_whom() {
        let guild = guild();
        let back_end = || service(Scopes::GUILDS);
        let (plain, moderator, owner) = (Some(Role::Member), Some(Role::Moderator), Some(Role::Owner));
        let blocked = Some(Status::Blocked);
        for (what, facts, who, whom, role, status, expected) in [
            ("a moderator adds", Some(&guild), actor("mod"), "new", None, None, Ok(1)),
            ("a moderator blocks", Some(&guild), actor("mod"), "mem", None, blocked, Ok(1)),
            ("a moderator promotes", Some(&guild), actor("mod"), "mem", moderator, None, Err(Refusal::NotAllowed)),
            ("a moderator blocks an owner", Some(&guild), actor("mod"), "own", None, blocked, Err(Refusal::NotAllowed)),
            ("an owner promotes", Some(&guild), actor("own"), "mem", owner, None, Ok(1)),
            ("nothing changes", Some(&guild), actor("own"), "mem", None, None, Ok(0)),
            ("the last owner steps down", Some(&guild), actor("own"), "own", plain, None, Err(Refusal::LastOwner)),
            ("a back end takes the last owner", Some(&guild), back_end(), "own", plain, None, Ok(1)),
            ("a member adds", Some(&guild), actor("mem"), "new", None, None, Err(Refusal::Forbidden)),
            ("the blocked adds", Some(&guild), actor("bad"), "new", None, None, Err(Refusal::Forbidden)),
            ("a stranger adds", Some(&guild), actor("carol"), "new", None, None, Err(Refusal::Forbidden)),
            ("a stranger, no guild", None, actor("carol"), "new", None, None, Err(Refusal::Forbidden)),
            ("a back end makes it", None, back_end(), "own", owner, None, Ok(2)),
            ("a back end of other scope", None, service(Scopes::STATS), "own", owner, None, Err(Refusal::Forbidden)),
        ] {
            let decided =
                enrol(&key("GUILD#g"), facts, &who, &user(whom), role, status).map(|(events, _)| events.len());
            assert_eq!(decided, expected, "{what}");
        }
        assert_eq!(enrol(&key("lobby"), None, &back_end(), &user("a"), None, None), Err(Refusal::Invalid));
    }

    #[test]
    fn who_expels_whom() {
        let guild = guild();
        let refused = |refusal| Err::<usize, _>(refusal);
        for (what, facts, who, whom, expected) in [
            ("a moderator, a member", Some(&guild), actor("mod"), "mem", Ok(1)),
            ("a moderator, the owner", Some(&guild), actor("mod"), "own", refused(Refusal::NotAllowed)),
            ("a moderator, nobody", Some(&guild), actor("mod"), "new", refused(Refusal::MemberNotFound)),
            ("a member, another", Some(&guild), actor("mem"), "mod", refused(Refusal::Forbidden)),
            ("a member, itself", Some(&guild), actor("mem"), "mem", Ok(1)),
            ("a moderator, itself", Some(&guild), actor("mod"), "mod", Ok(1)),
            ("the last owner, itself", Some(&guild), actor("own"), "own", refused(Refusal::LastOwner)),
            ("a stranger", Some(&guild), actor("carol"), "mem", refused(Refusal::Forbidden)),
            ("a stranger, no guild", None, actor("carol"), "mem", refused(Refusal::Forbidden)),
            ("a back end, the last owner", Some(&guild), service(Scopes::GUILDS), "own", Ok(1)),
            ("a back end, no guild", None, service(Scopes::GUILDS), "own", refused(Refusal::MemberNotFound)),
        ] {
            assert_eq!(expel(facts, &who, &user(whom)).map(|events| events.len()), expected, "{what}");
        }
    }

    #[test]
    fn whatever_may_exclude_moves_the_exclusion_version() {
        let guild = guild();
        let set =
            |id: &str, role, status| What::MemberSet { user: user(id), member: Member { muted: false, role, status } };
        for (what, excludes) in [
            (What::MemberRemoved { user: user("mem"), barred: true }, true),
            (set("mod", Role::Member, Status::Active), true),
            (set("mem", Role::Member, Status::Blocked), true),
            // Whoever has not heard of this takes it for nobody's, and so for no exclusion.
            (set("new", Role::Member, Status::Blocked), true),
            (set("mem", Role::Owner, Status::Active), true),
            (set("bad", Role::Member, Status::Active), false),
            (set("new", Role::Member, Status::Active), false),
        ] {
            assert_eq!(guild.excludes(&what), excludes, "{what:?}");
        }
    }
}
