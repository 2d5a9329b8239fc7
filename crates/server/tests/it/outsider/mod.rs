//! Whoever is not let in hears nothing, changes nothing, and can't tell what is forbidden from what isn't there (DESIGN,
//! invariant 11; THREATS T6, T9): every call of every dialect × who may try it × what it may be tried on, generated from
//! a table, each in a house of its own.

mod cast;
mod table;

use std::collections::BTreeSet;

use domain::model::RoomKey;

use self::cast::{Names, ROLES, Role, Target};
use self::table::{Act, CALLS, Call, Wants};
use crate::transcripts::stage::Stage;

/// Stands in every text that is nobody else's to read.
const SECRET: &str = "hush-7f3a";
const CELLS_MIN: usize = 300;

/// One try.
struct Cell<'a> {
    call: &'a Call,
    role: Role,
    target: Target,
}

fn cells() -> Vec<Cell<'static>> {
    let tries = |call: &'static Call| {
        call.on.iter().flat_map(move |target| ROLES.iter().map(move |role| Cell { call, role: *role, target: *target }))
    };
    let fits = |cell: &Cell<'_>| {
        let staff = cell.role != Role::Member || cell.call.wants == Wants::More;
        staff && cell.target.knows(cell.role)
    };
    CALLS.iter().flat_map(tries).filter(fits).collect()
}

fn house() -> Stage {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/outsider/house.txt");
    let text = std::fs::read_to_string(path).expect("the house is written down");
    Stage::after(&text).unwrap_or_else(|why| panic!("house.txt:{why}"))
}

#[test]
fn outsiders_hear_nothing_change_nothing_and_learn_nothing() {
    let all = cells();
    let wrong: Vec<String> = all.iter().filter_map(|cell| attempt(cell).err().map(|why| told(cell, &why))).collect();
    eprintln!("{} cells, of {} calls", all.len(), CALLS.len());
    assert!(all.len() >= CELLS_MIN, "only {} cells", all.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

#[test]
fn no_way_into_the_house_is_left_out() {
    let stage = house();
    let used: Vec<(String, String)> = CALLS
        .iter()
        .map(|call| {
            let names = call.on.first().unwrap_or(&Target::None).names(&stage);
            let (method, path) = match call.act {
                Act::Rest(method, path, _) => (method, path),
                Act::Rooms(path, _) | Act::Direct(path) => ("WS", path),
                Act::Chat(_) => ("WS", "/ws/chat"),
                Act::Io(path, _) => ("WS", path),
                Act::Gate(..) => ("WS", "/production"),
            };
            let path = names.fill(path, Role::Outsider);
            (method.to_owned(), path.split('?').next().unwrap_or_default().to_owned())
        })
        .collect();
    let left = stage.unused(&used);
    assert!(left.is_empty(), "no outsider tries these: {left:#?}");
}

/// The test can fail: a member's own doors open, and what is said there is heard.
#[test]
fn who_belongs_is_let_in() {
    let mut stage = house();
    let names = Target::Private.names(&stage);
    let heard = act(&mut stage, &Act::Rest("GET", "/messages/room/{path}", ""), Role::Member, &names);
    assert!(heard.concat().contains(SECRET), "{heard:?}");
    let heard = act(&mut stage, &Act::Rooms("/ws/rooms/{path}?since=0&", &[]), Role::Member, &names);
    assert!(heard.concat().contains(SECRET), "{heard:?}");
    for role in [Role::Outsider, Role::Former, Role::Forger] {
        let heard = act(&mut stage, &Act::Rest("GET", "/messages/room/{path}", ""), role, &names);
        assert!(heard.concat().starts_with("403"), "{role:?} {heard:?}");
    }
}

fn told(cell: &Cell<'_>, why: &str) -> String {
    format!("{:?} as {:?} on {:?}: {why}", cell.call.act, cell.role, cell.target)
}

/// Tries it, in a house of its own.
fn attempt(cell: &Cell<'_>) -> Result<(), String> {
    let Cell { call, role, target } = cell;
    let mut stage = house();
    listen(&mut stage, *role);
    let names = target.names(&stage);
    let victims = stage.names("v-");
    victims.iter().for_each(|who| drop(stage.heard(who)));
    let before = stage.log();
    let mut heard = act(&mut stage, &call.act, *role, &names);
    stage.waits(1500);
    let lawful = call.wants == Wants::Lawful;
    let rooms: BTreeSet<RoomKey> = before.iter().map(|event| event.room.clone()).collect();
    let hall = stage.filled_in("$public");
    let after = stage.log();
    let theirs = |room: &RoomKey| !lawful || (rooms.contains(room) && *room.shown() != *hall);
    if let Some(event) = after[before.len()..].iter().find(|event| theirs(&event.room)) {
        return Err(format!("it is stored: {:?}", event.what));
    }
    for who in victims.iter().filter(|_| !lawful) {
        if let Some(frame) = stage.heard(who).iter().find(|frame| !is_presence(frame)) {
            return Err(format!("{who} hears {frame}"));
        }
    }
    is_as_she_was(&mut stage)?;
    if *role == Role::Member {
        return Ok(());
    }
    // What is said afterwards is heard as little.
    for who in ["v-private", "v-guild", "v-pair", "v-group"] {
        stage.says(who, &format!("{{\"text\":\"{SECRET} again\"}}"))?;
    }
    stage.waits(1500);
    let mut all = heard.clone();
    for who in ["actor", "ear-gate", "ear-io", "ear-direct"] {
        all.extend(stage.heard(who));
    }
    if let Some(frame) = all.iter().find(|frame| frame.contains(SECRET)) {
        return Err(format!("it hears {frame}"));
    }
    if *target == Target::None || lawful || call.wants == Wants::Free {
        return Ok(());
    }
    let mut elsewhere = house();
    listen(&mut elsewhere, *role);
    let missing = target.missing();
    let mut nothing = act(&mut elsewhere, &call.act, *role, &missing);
    heard.iter_mut().for_each(|answer| *answer = names.blank(answer));
    nothing.iter_mut().for_each(|answer| *answer = missing.blank(answer));
    if heard == nothing { Ok(()) } else { Err(format!("{heard:?}, but of what is missing {nothing:?}")) }
}

/// What is no event of the log: the victim's profile, and that she is there.
fn is_as_she_was(stage: &mut Stage) -> Result<(), String> {
    let hers = [("authorization".to_owned(), format!("Bearer {}", stage.filled_in("%alice%")))];
    let (status, profile) = stage.asks("GET", "/api/messaging/users/username/alice", &hers, "");
    if status != 200 || profile.contains("forged") {
        return Err(format!("her profile is {status} {profile}"));
    }
    let (status, online) = stage.asks("POST", "/presence/users", &hers, r#"{"userIds":["101001"]}"#);
    let there = status == 200 && online.contains("\"101001\":true");
    if there { Ok(()) } else { Err(format!("she is {status} {online}")) }
}

/// Who comes and goes is everybody's to know (RULES 19).
fn is_presence(frame: &str) -> bool {
    ["{\"type\":\"presence\"", "{\"type\":\"user_status\"", "{\"type\":\"online_users\""]
        .iter()
        .any(|head| frame.starts_with(head))
}

/// The speaker has clients of its own, which follow all that is theirs.
fn listen(stage: &mut Stage, role: Role) {
    let (Some(shown), false) = (role.credential(), role == Role::Service) else { return };
    let (token, own) = (stage.filled_in(shown), role.own());
    let opened = stage.opens("ear-gate", &format!("/production?userId={own}&token={token}"), &[]);
    assert_eq!(opened.0, 101, "{opened:?}");
    let opened = stage.opens("ear-direct", &format!("/ws/{own}?token={token}"), &[]);
    assert_eq!(opened.0, 101, "{opened:?}");
    open_io(stage, "ear-io", "/socket.io/", role);
    stage.waits(1500);
}

fn open_io(stage: &mut Stage, who: &str, path: &str, role: Role) -> Vec<String> {
    let opened = stage.opens(who, &format!("{path}?EIO=4&transport=websocket"), &[]);
    assert_eq!(opened.0, 101, "{opened:?}");
    stage.says(who, "40").expect("it was just opened");
    drop(stage.heard(who));
    if let Some(shown) = role.credential() {
        let token = stage.filled_in(shown);
        let own = role.own();
        let said = stage.says(who, &format!("42[\"authenticate\",{{\"userId\":\"{own}\",\"token\":\"{token}\"}}]"));
        said.expect("it is still open");
    }
    stage.heard(who)
}

/// Does it; gives all that the speaker was answered and told.
fn act(stage: &mut Stage, act: &Act, role: Role, names: &Names) -> Vec<String> {
    let token = role.credential().map(|shown| stage.filled_in(shown)).unwrap_or_default();
    let headers = role.headers(stage);
    let (opened, said) = match act {
        Act::Rest(method, path, body) => {
            let (status, body) = stage.asks(method, &names.fill(path, role), &headers, &names.fill(body, role));
            return vec![format!("{status} {body}")];
        }
        Act::Io(path, said) => (open_io(stage, "actor", path, role), said),
        Act::Rooms(path, said) => {
            let path = names.fill(&stage.filled_in(path), role);
            (open(stage, &format!("{path}token={token}"), &[]), said)
        }
        Act::Chat(said) => (open(stage, &format!("/ws/chat?token={token}"), &[]), said),
        Act::Direct(path) => (open(stage, &format!("{path}?token={token}"), &[]), &NOTHING),
        Act::Gate(user, said) => {
            let user = names.fill(user, role);
            (open(stage, &format!("/production?userId={user}&token={token}"), &[]), said)
        }
    };
    let mut heard = opened;
    for text in said.iter() {
        let text = names.fill(text, role).replace("$shown", &token);
        if stage.says("actor", &text).is_err() {
            heard.push("it is closed".into());
            break;
        }
    }
    heard.extend(stage.heard("actor"));
    heard
}

const NOTHING: &[&str] = &[];

fn open(stage: &mut Stage, target: &str, headers: &[(String, String)]) -> Vec<String> {
    let (status, body) = stage.opens("actor", target, headers);
    vec![format!("{status} {body}")]
}
