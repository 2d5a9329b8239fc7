//! Groups: private rooms that a wire makes under an id of its clients' choosing, with a roster from the start (RULES 9).

use std::collections::BTreeSet;

use crate::Text;
use crate::command::GroupChange;
use crate::event::What;
use crate::facts::RoomFacts;
use crate::id::UserId;
use crate::identity::{Actor, Standing};
use crate::limits;
use crate::model::{Member, Role, RoomKey, RoomKind, Status};
use crate::refusal::Refusal;

const OWNER: Member = Member { muted: false, role: Role::Owner, status: Status::Active };
const PLAIN: Member = Member { muted: false, role: Role::Member, status: Status::Active };

/// Decides `Group`: what happens, the notice last; nothing when all is so already.
///
/// # Errors
/// `Forbidden` for a room that the actor does not belong to, as for one that isn't there (invariant 11); `NotAllowed` for
/// members who may not take in others; `Invalid` outside the limits, or for a key that is no group's.
pub fn change(
    key: &RoomKey,
    facts: Option<&RoomFacts>,
    change: &GroupChange,
    notice: Option<&Text>,
    actor: &Actor,
) -> Result<Vec<What>, Refusal> {
    if actor.standing != Standing::User {
        return Err(Refusal::Forbidden);
    }
    if key.first_use_kind() != RoomKind::Public || key.is_relay() || notice.is_some_and(too_long) {
        return Err(Refusal::Invalid);
    }
    let mut events = match (change, facts) {
        (GroupChange::Make { title, members }, None) => make(title, members, &actor.who.id)?,
        (GroupChange::Make { .. }, Some(facts)) => {
            let again = belongs(Some(facts), actor).is_ok() && facts.made_by == actor.who.id;
            return if again { Ok(Vec::new()) } else { Err(Refusal::Forbidden) };
        }
        (GroupChange::Retitle(title), facts) => {
            let (facts, _) = belongs(facts, actor)?;
            named(title)?;
            if facts.title == *title { Vec::new() } else { vec![What::Retitled { title: title.clone() }] }
        }
        (GroupChange::Admit(users), facts) => admit(belongs(facts, actor)?, users)?,
        (GroupChange::Quit, facts) => quit(belongs(facts, actor)?.0, &actor.who.id),
    };
    if !events.is_empty()
        && let Some(extra) = notice
    {
        events.push(What::Notice { extra: extra.clone() });
    }
    Ok(events)
}

fn too_long(text: &Text) -> bool {
    text.len() > limits::CONTENT_BYTES_MAX
}

fn named(title: &Text) -> Result<(), Refusal> {
    let chars = title.chars().count();
    if (1..=limits::TITLE_CHARS_MAX).contains(&chars) { Ok(()) } else { Err(Refusal::Invalid) }
}

/// The group's facts and the actor's role in it.
fn belongs<'a>(facts: Option<&'a RoomFacts>, actor: &Actor) -> Result<(&'a RoomFacts, Role), Refusal> {
    let group = facts.filter(|facts| facts.kind == RoomKind::Private).ok_or(Refusal::Forbidden)?;
    Ok((group, group.role(&actor.who.id).ok_or(Refusal::Forbidden)?))
}

fn make(title: &Text, members: &[(UserId, Role)], maker: &UserId) -> Result<Vec<What>, Refusal> {
    named(title)?;
    if members.len() > limits::GROUP_MEMBERS_MAX {
        return Err(Refusal::Invalid);
    }
    let mut events = vec![What::RoomMade { kind: RoomKind::Private, title: title.clone(), seats: None }];
    events.push(What::MemberSet { user: maker.clone(), member: OWNER });
    let mut seen = BTreeSet::from([maker]);
    for (user, role) in members {
        if seen.insert(user) {
            events.push(What::MemberSet {
                user: user.clone(),
                member: Member { muted: false, role: *role, status: Status::Active },
            });
        }
    }
    Ok(events)
}

fn admit((facts, role): (&RoomFacts, Role), users: &[UserId]) -> Result<Vec<What>, Refusal> {
    if role < Role::Moderator {
        return Err(Refusal::NotAllowed);
    }
    if users.len() > limits::GROUP_MEMBERS_MAX {
        return Err(Refusal::Invalid);
    }
    let mut seen = BTreeSet::new();
    let new = users.iter().filter(|user| facts.role(user).is_none() && seen.insert(*user));
    Ok(new.map(|user| What::MemberSet { user: user.clone(), member: PLAIN }).collect())
}

/// Whoever goes hands the group on when nobody else owns it.
pub(super) fn quit(facts: &RoomFacts, me: &UserId) -> Vec<What> {
    let mut events = Vec::new();
    let active = |(user, member): &(&UserId, &Member)| *user != me && member.status == Status::Active;
    let others = || facts.members.iter().filter(active);
    let owned = others().any(|(_, member)| member.role == Role::Owner);
    // Of those with the highest role the first by id: `max_by_key` would take the last.
    let heir = others().rev().max_by_key(|(_, member)| member.role);
    if facts.role(me) == Some(Role::Owner)
        && !owned
        && let Some((user, _)) = heir
    {
        events.push(What::MemberSet { user: user.clone(), member: OWNER });
    }
    events.push(facts.departure(me));
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::cases::{actor, facts, key, member, service, user};

    fn group() -> RoomFacts {
        let roster = [("own", member(Role::Owner)), ("mod", member(Role::Moderator)), ("mem", member(Role::Member))];
        RoomFacts { made_by: user("own"), ..facts("g", RoomKind::Private, &roster) }
    }

    #[test]
    fn who_changes_what() {
        let (there, public) = (group(), facts("g", RoomKind::Public, &[]));
        let make = |title: &str| GroupChange::Make {
            title: title.into(),
            members: vec![(user("bob"), Role::Member), (user("bob"), Role::Owner), (user("own"), Role::Member)],
        };
        let admit = |who: &str| GroupChange::Admit(vec![user(who), user(who)]);
        let refused = |refusal| Err::<usize, _>(refusal);
        for (what, facts, who, change, expected) in [
            ("a new one: the room, two members, a notice", None, actor("own"), make("G"), Ok(4)),
            ("without a title", None, actor("own"), make(""), refused(Refusal::Invalid)),
            ("with one of 101 characters", None, actor("own"), make(&"ü".repeat(101)), refused(Refusal::Invalid)),
            ("made again by its maker", Some(&there), actor("own"), make("G"), Ok(0)),
            ("made again by a member", Some(&there), actor("mem"), make("G"), refused(Refusal::Forbidden)),
            ("made where another's is", Some(&there), actor("eve"), make("G"), refused(Refusal::Forbidden)),
            ("made where a public room is", Some(&public), actor("own"), make("G"), refused(Refusal::Forbidden)),
            ("a back end", None, service(crate::identity::Scopes::GUILDS), make("G"), refused(Refusal::Forbidden)),
            ("another title", Some(&there), actor("mem"), GroupChange::Retitle("H".into()), Ok(2)),
            ("the title that it has", Some(&there), actor("mem"), GroupChange::Retitle("g".into()), Ok(0)),
            (
                "by a stranger",
                Some(&there),
                actor("eve"),
                GroupChange::Retitle("H".into()),
                refused(Refusal::Forbidden),
            ),
            ("of none", None, actor("mem"), GroupChange::Retitle("H".into()), refused(Refusal::Forbidden)),
            ("a moderator takes somebody in", Some(&there), actor("mod"), admit("new"), Ok(2)),
            ("who is in", Some(&there), actor("mod"), admit("mem"), Ok(0)),
            ("a member takes somebody in", Some(&there), actor("mem"), admit("new"), refused(Refusal::NotAllowed)),
            ("a stranger takes themselves in", Some(&there), actor("eve"), admit("eve"), refused(Refusal::Forbidden)),
            ("a member leaves", Some(&there), actor("mem"), GroupChange::Quit, Ok(2)),
            ("a stranger leaves", Some(&there), actor("eve"), GroupChange::Quit, refused(Refusal::Forbidden)),
            ("the owner leaves and hands it on", Some(&there), actor("own"), GroupChange::Quit, Ok(3)),
        ] {
            let notice = Text::from("{}");
            let decided = super::change(&key("g"), facts, &change, Some(&notice), &who);
            assert_eq!(decided.map(|events| events.len()), expected, "{what}");
        }
        let pair = RoomKey::pair(user("a"), user("b"));
        assert_eq!(super::change(&pair, None, &make("G"), None, &actor("a")), Err(Refusal::Invalid), "no group's key");
        assert_eq!(
            super::change(&key("GUILD#g"), None, &make("G"), None, &actor("a")),
            Err(Refusal::Invalid),
            "a guild's key"
        );
    }

    #[test]
    fn the_heir_is_the_first_moderator() {
        let events = super::change(&key("g"), Some(&group()), &GroupChange::Quit, None, &actor("own"));
        let heir = What::MemberSet { user: user("mod"), member: OWNER };
        let gone = What::MemberRemoved { user: user("own"), barred: false };
        assert_eq!(events, Ok(vec![heir, gone]));
        let alone = facts("g", RoomKind::Private, &[("own", member(Role::Owner))]);
        assert_eq!(quit(&alone, &user("own")).len(), 1, "nobody is left to own it");
    }
}
