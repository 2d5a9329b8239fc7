//! Tables of who may make, enter, leave and see what.

use super::*;
use crate::rules::cases::{CHAT, JOINS, OPEN, actor, facts, key, member, service, user};

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
    let blocked = Member { muted: false, role: Role::Member, status: Status::Blocked };
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
fn entering_makes_members_where_the_door_says_so() {
    let (plain, empty) = (member(Role::Member), facts("r", RoomKind::Public, &[]));
    let joined = facts("r", RoomKind::Public, &[("alice", plain)]);
    let mut barred = empty.clone();
    barred.barred.insert(user("alice"));
    let den = facts("r", RoomKind::Private, &[("bob", plain)]);
    let full = RoomFacts { seats: Some(2), ..empty.clone() };
    let (usual, closed) = (Policy::default(), Policy { open_rooms: false, ..Policy::default() });
    let (none, occupied) = (Here::default(), Here { occupied: true, ..Here::default() });
    let already = Here { already: true, user_present: true, users: 2, occupied: true };
    let set = What::MemberSet { user: user("alice"), member: plain };
    let made = What::RoomMade { kind: RoomKind::Public, title: Text::from("r"), seats: None };
    let found = |events: &[&What]| Ok(events.iter().map(|what| (*what).clone()).collect::<Vec<_>>());
    for (what, facts, here, manners, policy, expected) in [
        ("a new room", None, none, JOINS, &usual, found(&[&made, &set])),
        ("a new room where rooms are closed", None, none, JOINS, &closed, Err(Refusal::RoomNotFound)),
        ("a room that is not kept yet", None, occupied, JOINS, &usual, found(&[&made, &set])),
        ("a public room", Some(&empty), none, JOINS, &usual, found(&[&set])),
        ("a public room where rooms are closed", Some(&empty), none, JOINS, &closed, found(&[&set])),
        ("a public room, as its member", Some(&joined), none, JOINS, &usual, found(&[])),
        ("the same on another door", Some(&joined), none, OPEN, &usual, found(&[])),
        ("a public room on another door", Some(&empty), none, OPEN, &usual, found(&[])),
        ("a public room that removed me", Some(&barred), none, JOINS, &usual, Err(Refusal::Forbidden)),
        ("a public room that is full", Some(&full), occupied_by(2), JOINS, &usual, Err(Refusal::RoomFull)),
        ("a room that I am in", Some(&joined), already, JOINS, &usual, found(&[])),
        ("a room that I am in, on another door", Some(&joined), already, OPEN, &usual, Err(Refusal::AlreadyPresent)),
        ("a full room that I am in", Some(&full), already, JOINS, &usual, found(&[&set])),
        ("a private room of others", Some(&den), none, JOINS, &usual, Err(Refusal::Forbidden)),
    ] {
        assert_eq!(enter(&key("r"), facts, here, &actor("alice"), manners, policy), expected, "{what}");
    }
    let pair = RoomKey::pair(user("alice"), user("bob"));
    assert_eq!(enter(&pair, None, none, &actor("alice"), JOINS, &usual), Ok(vec![]));
    assert_eq!(enter(&key("GUILD#g"), None, none, &actor("alice"), JOINS, &usual), Err(Refusal::Forbidden));
}

fn occupied_by(users: usize) -> Here {
    Here { users, occupied: true, ..Here::default() }
}

#[test]
fn leaving_ends_belonging_to_a_public_room_with_the_last_connection() {
    let public = facts("r", RoomKind::Public, &[("alice", member(Role::Member))]);
    let guild = facts("GUILD#g", RoomKind::Guild, &[("alice", member(Role::Member))]);
    let gone = || vec![What::MemberRemoved { user: user("alice"), barred: false }];
    for (what, facts, who, manners, last, expected) in [
        ("the last connection", Some(&public), "alice", JOINS, true, gone()),
        ("one of several", Some(&public), "alice", JOINS, false, vec![]),
        ("the last one, through another door", Some(&public), "alice", OPEN, true, vec![]),
        ("no member", Some(&public), "bob", JOINS, true, vec![]),
        ("a guild", Some(&guild), "alice", JOINS, true, vec![]),
        ("a room that is none", None, "alice", JOINS, true, vec![]),
    ] {
        assert_eq!(leave(facts, &user(who), manners, last), expected, "{what}");
    }
    let private = facts("den", RoomKind::Private, &[("alice", member(Role::Member))]);
    assert!(private.excludes(&gone()[0]) && !public.excludes(&gone()[0]), "who leaves a public room may come back");
    assert!(public.excludes(&What::MemberRemoved { user: user("alice"), barred: true }));
}

#[test]
fn leaving_ends_a_plain_members_belonging_only() {
    let private = facts("den", RoomKind::Private, &[("maker", member(Role::Owner)), ("alice", member(Role::Member))]);
    let gone = What::MemberRemoved { user: user("alice"), barred: false };
    let left = |facts: Option<&RoomFacts>, who: &str| leave(facts, &user(who), CHAT, false);
    assert_eq!(left(Some(&private), "alice"), vec![gone]);
    assert_eq!(left(Some(&private), "maker"), vec![], "a room keeps its owner");
    assert_eq!(left(Some(&private), "carol"), vec![]);
    assert_eq!(left(Some(&facts("l", RoomKind::Public, &[])), "alice"), vec![]);
    assert_eq!(left(None, "alice"), vec![]);
}

#[test]
fn who_sees_a_room_and_missing_looks_like_forbidden() {
    let private = facts("den", RoomKind::Private, &[("alice", member(Role::Member))]);
    let forbidden = Err(Refusal::Forbidden);
    let (usual, closed) = (Policy::default(), Policy { open_rooms: false, ..Policy::default() });
    let open = facts("lobby", RoomKind::Public, &[]);
    let mut barred = facts("lobby", RoomKind::Public, &[]);
    barred.barred.insert(user("a"));
    let blocked = Member { muted: false, role: Role::Member, status: Status::Blocked };
    let guild = facts("GUILD#g", RoomKind::Guild, &[("alice", member(Role::Member)), ("bad", blocked)]);
    let pair = RoomKey::pair(user("alice"), user("bob"));
    for (what, key, facts, who, expected) in [
        ("a public room that is none", key("lobby"), None, actor("a"), Ok(())),
        ("a public room, barred", key("lobby"), Some(&barred), actor("a"), forbidden),
        ("a member's", key("den"), Some(&private), actor("alice"), Ok(())),
        ("a stranger's", key("den"), Some(&private), actor("carol"), forbidden),
        ("a guild", key("GUILD#g"), Some(&guild), actor("alice"), Ok(())),
        ("a guild, blocked", key("GUILD#g"), Some(&guild), actor("bad"), forbidden),
        ("a guild that is none", key("GUILD#x"), None, actor("alice"), forbidden),
        ("one's own pair", pair.clone(), None, actor("bob"), Ok(())),
        ("a pair of others", pair, None, actor("carol"), forbidden),
        ("a back end", key("lobby"), None, service(Scopes::BROADCAST), forbidden),
    ] {
        assert_eq!(read(&key, facts, &who, &usual), expected, "{what}");
    }
    // Where no room is made by its first use, an id that is no room's is refused like that of one that is private.
    for (what, key, facts, who, expected) in [
        ("a room that is none", key("lobby"), None, actor("a"), forbidden),
        ("a public room", key("lobby"), Some(&open), actor("a"), Ok(())),
        ("a stranger's", key("den"), Some(&private), actor("carol"), forbidden),
        ("one's own pair", RoomKey::pair(user("alice"), user("bob")), None, actor("bob"), Ok(())),
    ] {
        assert_eq!(read(&key, facts, &who, &closed), expected, "{what}");
        assert_eq!(see(&key, facts, &who, Scopes::STATS, &closed), expected, "{what}");
    }
    for (name, facts, who, expected) in [
        ("lobby", None, actor("a"), Ok(())),
        ("den", Some(&private), actor("alice"), Ok(())),
        ("den", Some(&private), actor("carol"), forbidden),
        ("GUILD#x", None, actor("carol"), forbidden),
        ("den", Some(&private), service(Scopes::STATS), Ok(())),
        ("den", Some(&private), service(Scopes::GUILDS), forbidden),
    ] {
        assert_eq!(see(&key(name), facts, &who, Scopes::STATS, &usual), expected, "{name} by {}", who.who.id);
    }
}
