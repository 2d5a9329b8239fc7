//! Tables of who may make, enter, leave and see what.

use super::*;
use crate::rules::cases::{CHAT, OPEN, actor, facts, key, member, service, user};

#[test]
fn rooms_are_made_within_the_contracts_limits() {
    let policy = Policy::default();
    for (title, kind, seats, made, expected) in [
        ("a", RoomKind::Public, None, 0, Ok(1)),
        ("a", RoomKind::Private, Some(2), 9, Ok(2)),
        ("a", RoomKind::Public, Some(1000), 0, Ok(1)),
        ("a", RoomKind::Public, Some(1), 0, Err(Refusal::Invalid)),
        ("a", RoomKind::Public, Some(1001), 0, Err(Refusal::Invalid)),
        ("", RoomKind::Public, None, 0, Err(Refusal::Invalid)),
        ("a", RoomKind::Guild, None, 0, Err(Refusal::Invalid)),
        ("a", RoomKind::Direct, None, 0, Err(Refusal::Invalid)),
        ("a", RoomKind::Public, None, 10, Err(Refusal::RoomLimit)),
    ] {
        let made = make(&Text::from(title), kind, seats, &user("maker"), made, &policy).map(|events| events.len());
        assert_eq!(made, expected, "{title:?} {kind:?} {seats:?}");
    }
    let title = |chars: usize| Text::from("ü".repeat(chars));
    assert!(make(&title(100), RoomKind::Public, None, &user("m"), 0, &policy).is_ok());
    assert_eq!(make(&title(101), RoomKind::Public, None, &user("m"), 0, &policy), Err(Refusal::Invalid));
    let unlimited = Policy { made_rooms_max: 0, ..policy };
    assert!(make(&title(1), RoomKind::Public, None, &user("m"), 5000, &unlimited).is_ok());
}

#[test]
fn who_enters_what() {
    let blocked = Member { role: Role::Member, status: Status::Blocked };
    let public = facts("lobby", RoomKind::Public, &[]);
    let private = facts("den", RoomKind::Private, &[("maker", member(Role::Owner)), ("bad", blocked)]);
    let guild = facts("GUILD#g", RoomKind::Guild, &[("alice", member(Role::Member)), ("bad", blocked)]);
    let mut banned = private.clone();
    banned.barred.insert(user("alice"));
    let mut banned_public = public.clone();
    banned_public.barred.insert(user("alice"));
    let (closed, by_invitation) =
        (Policy { open_rooms: false, ..Policy::default() }, Policy { private_by_id: false, ..Policy::default() });
    let (usual, development) = (Policy::default(), Policy { development: true, ..Policy::default() });
    let occupied = Here { occupied: true, ..Here::default() };
    let none = Here::default();
    for (what, name, facts, here, who, manners, policy, expected) in [
        ("a new id on an open door", "new", None, none, "alice", OPEN, &usual, Ok(0)),
        ("a new id where rooms are closed", "new", None, none, "alice", OPEN, &closed, Err(Refusal::RoomNotFound)),
        ("a new id on chat", "new", None, none, "alice", CHAT, &usual, Err(Refusal::RoomNotFound)),
        ("a room that somebody sits in", "new", None, occupied, "alice", CHAT, &usual, Ok(0)),
        ("a public room", "lobby", Some(&public), none, "alice", CHAT, &usual, Ok(0)),
        (
            "a public room that removed me",
            "lobby",
            Some(&banned_public),
            none,
            "alice",
            OPEN,
            &usual,
            Err(Refusal::Forbidden),
        ),
        ("a private room by its id", "den", Some(&private), none, "alice", CHAT, &usual, Ok(1)),
        ("a private room by its id, again", "den", Some(&private), none, "maker", CHAT, &usual, Ok(0)),
        (
            "a private room, uninvited",
            "den",
            Some(&private),
            none,
            "alice",
            CHAT,
            &by_invitation,
            Err(Refusal::Forbidden),
        ),
        ("a private room on another door", "den", Some(&private), none, "alice", OPEN, &usual, Err(Refusal::Forbidden)),
        ("a private room that blocked me", "den", Some(&private), none, "bad", CHAT, &usual, Err(Refusal::Forbidden)),
        ("a private room that removed me", "den", Some(&banned), none, "alice", CHAT, &usual, Err(Refusal::Forbidden)),
        ("my guild", "GUILD#g", Some(&guild), none, "alice", OPEN, &usual, Ok(0)),
        ("a guild of others", "GUILD#g", Some(&guild), none, "carol", OPEN, &usual, Err(Refusal::Forbidden)),
        (
            "a guild of others, developing",
            "GUILD#g",
            Some(&guild),
            none,
            "carol",
            OPEN,
            &development,
            Err(Refusal::Forbidden),
        ),
        ("a guild that blocked me", "GUILD#g", Some(&guild), none, "bad", OPEN, &usual, Err(Refusal::Forbidden)),
        ("a guild without a roster", "GUILD#n", None, none, "alice", OPEN, &usual, Err(Refusal::Forbidden)),
        ("a guild without a roster, developing", "GUILD#n", None, none, "alice", OPEN, &development, Ok(2)),
    ] {
        let decided = enter(&key(name), facts, here, &actor(who), manners, policy).map(|events| events.len());
        assert_eq!(decided, expected, "{what}");
    }
    let pair = RoomKey::pair(user("alice"), user("bob"));
    assert_eq!(enter(&pair, None, none, &actor("alice"), OPEN, &usual), Ok(vec![]));
    assert_eq!(enter(&pair, None, none, &actor("carol"), OPEN, &usual), Err(Refusal::Forbidden));
    assert_eq!(
        enter(&key("lobby"), Some(&public), none, &service(Scopes::STATS), OPEN, &usual),
        Err(Refusal::Forbidden)
    );
}

#[test]
fn seats_are_taken_in_the_contracts_order_of_checks() {
    let mut room = facts("r", RoomKind::Public, &[]);
    room.seats = Some(2);
    let at = |users, user_present, already| Here { already, user_present, users, occupied: true };
    for (here, expected) in [
        (at(1, false, false), Ok(vec![])),
        (at(2, false, false), Err(Refusal::RoomFull)),
        (at(2, true, false), Ok(vec![])),
        (at(2, true, true), Err(Refusal::AlreadyPresent)),
    ] {
        assert_eq!(enter(&key("r"), Some(&room), here, &actor("a"), CHAT, &Policy::default()), expected, "{here:?}");
    }
}

#[test]
fn leaving_ends_a_plain_members_belonging_only() {
    let private = facts("den", RoomKind::Private, &[("maker", member(Role::Owner)), ("alice", member(Role::Member))]);
    let gone = What::MemberRemoved { user: user("alice"), barred: false };
    assert_eq!(leave(Some(&private), &user("alice")), vec![gone]);
    assert_eq!(leave(Some(&private), &user("maker")), vec![], "a room keeps its owner");
    assert_eq!(leave(Some(&private), &user("carol")), vec![]);
    assert_eq!(leave(Some(&facts("l", RoomKind::Public, &[])), &user("alice")), vec![]);
    assert_eq!(leave(None, &user("alice")), vec![]);
}

#[test]
fn who_sees_a_room_and_missing_looks_like_forbidden() {
    let private = facts("den", RoomKind::Private, &[("alice", member(Role::Member))]);
    let forbidden = Err(Refusal::Forbidden);
    for (name, facts, who, expected) in [
        ("lobby", None, actor("a"), Ok(())),
        ("den", Some(&private), actor("alice"), Ok(())),
        ("den", Some(&private), actor("carol"), forbidden),
        ("GUILD#x", None, actor("carol"), forbidden),
        ("den", Some(&private), service(Scopes::STATS), Ok(())),
        ("den", Some(&private), service(Scopes::GUILDS), forbidden),
    ] {
        assert_eq!(see(&key(name), facts, &who, Scopes::STATS), expected, "{name} by {}", who.who.id);
    }
}
