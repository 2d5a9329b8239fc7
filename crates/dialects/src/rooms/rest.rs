//! REST of `rooms`: health, counts, broadcasts, guild rosters. Each a pure request → one command or query → response.

use std::sync::Arc;

use domain::Text;
use domain::command::{Command, Draft, Reply};
use domain::id::{Millis, UserId};
use domain::identity::Denied;
use domain::model::{MessageKind, Person, Role, RoomKey, Status};
use domain::query::Query;
use domain::refusal::Refusal;
use domain::rules::name;
use serde_json::value::RawValue;

use super::words::Place;
use super::{MANNERS, wire, words};
use crate::format::{Shown, Time};
use crate::json;
use crate::unprocessable::{self, Pages, Wrongs};
use crate::{Answer, Ask, Request, Rest};

/// The pages that errors point to, as the contract's service does.
const PAGES: Pages = Some("https://errors.pydantic.dev/2.5/v/");

type Who<'a> = Option<&'a Arc<Person>>;

type Asking = fn(&Ask, Who<'_>) -> Result<Request, Answer>;

/// The REST calls. Where messages are kept elsewhere they speak of the relays beside the rooms (RULES 23).
pub(super) fn doors(keeps: bool) -> Vec<Rest> {
    let (ask_room_connections, ask_broadcast): (Asking, Asking) = if keeps {
        (ask_room_connections::<true>, ask_broadcast::<true>)
    } else {
        (ask_room_connections::<false>, ask_broadcast::<false>)
    };
    let health = Rest {
        method: "GET",
        path: "/health".into(),
        name: "health",
        anonymous: true,
        ask: |_, _| Ok(Request::Ask(Query::Counts)),
        answer: health,
    };
    let known =
        |method, path: &str, name, ask, answer| Rest { method, path: path.into(), name, anonymous: false, ask, answer };
    const MEMBER: &str = "/guilds/{guild_id}/members/{user_id}";
    vec![
        health,
        known("GET", "/rooms/{room_id}/connections", "room_connections", ask_room_connections, room_connections),
        known("GET", "/users/{user_id}/connections", "user_connections", ask_user_connections, user_connections),
        known("POST", "/rooms/{room_id}/broadcast", "broadcast", ask_broadcast, broadcast),
        known("GET", MEMBER, "member", ask_member, member),
        known("PUT", MEMBER, "enrol", ask_enrol, member),
        known("DELETE", MEMBER, "expel", ask_expel, expelled),
    ]
}

fn health(_: &Ask, reply: Result<&Reply, &Refusal>, now: Millis) -> Answer {
    match reply {
        Ok(Reply::Counts { connections, rooms }) => {
            let (active_connections, active_rooms) = (*connections, *rooms);
            let timestamp = Time(now);
            Answer::json(200, &wire::Health { status: "healthy", active_connections, active_rooms, timestamp })
        }
        Ok(_) => unexpected(),
        Err(refusal) => words::answer(refusal, Place::Room),
    }
}

fn ask_room_connections<const KEEPS: bool>(ask: &Ask, who: Who<'_>) -> Result<Request, Answer> {
    Ok(Request::Ask(Query::RoomConnections { room: room::<KEEPS>(ask, who)? }))
}

fn room_connections(ask: &Ask, reply: Result<&Reply, &Refusal>, now: Millis) -> Answer {
    let room_id = captured(ask, 0);
    match reply {
        Ok(Reply::Connections(count)) => {
            let active_connections = *count;
            Answer::json(200, &wire::RoomConnections { room_id, active_connections, timestamp: Time(now) })
        }
        Ok(_) => unexpected(),
        Err(refusal) => refused(refusal, room_id),
    }
}

fn ask_user_connections(ask: &Ask, _: Who<'_>) -> Result<Request, Answer> {
    Ok(Request::Ask(Query::UserConnections { user: user(ask, 0)? }))
}

fn user_connections(ask: &Ask, reply: Result<&Reply, &Refusal>, now: Millis) -> Answer {
    match reply {
        Ok(Reply::Connections(count)) => {
            let (user_id, active_connections) = (captured(ask, 0), *count);
            Answer::json(200, &wire::UserConnections { user_id, active_connections, timestamp: Time(now) })
        }
        Ok(_) => unexpected(),
        Err(Refusal::Forbidden) => words::plain(403, "User access denied"),
        Err(refusal) => words::answer(refusal, Place::Room),
    }
}

fn ask_broadcast<const KEEPS: bool>(ask: &Ask, who: Who<'_>) -> Result<Request, Answer> {
    let room = room::<KEEPS>(ask, who)?;
    let (body, whole) = unprocessable::body::<wire::Broadcast<'_>>(ask, PAGES)?;
    let mut wrongs = Wrongs::new(PAGES);
    if let Some(room_id) = body.room_id {
        wrongs.string("room_id", room_id);
    }
    let content = match body.text {
        Some(text) => wrongs.sayable("text", text, wire::TEXT_CHARS_MAX),
        None => {
            wrongs.missing("text", whole);
            None
        }
    };
    if let Some(message_type) = body.message_type {
        wrongs.string("message_type", message_type);
    }
    let client_id = body.client_id.and_then(|raw| wrongs.client_id(raw));
    wrongs.answer()?;
    let content = content.unwrap_or_else(|| Text::from(""));
    let draft = Draft { kind: MessageKind::Broadcast, content, reply_to: None, client_id, extra: None, alias: None };
    Ok(Request::Do(Command::Send { room, draft, manners: MANNERS }))
}

fn broadcast(ask: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    let id = match reply {
        Ok(Reply::Sent { event, .. }) => event.message().map(|message| message.id),
        Ok(Reply::Relayed { id, .. }) => Some(*id),
        Ok(_) => None,
        Err(refusal) => return refused(refusal, captured(ask, 0)),
    };
    let Some(id) = id else { return unexpected() };
    Answer::json(200, &wire::Broadcasted { status: "broadcasted", message_id: Shown(id) })
}

fn ask_member(ask: &Ask, _: Who<'_>) -> Result<Request, Answer> {
    Ok(Request::Ask(Query::Member { room: guild(ask)?, user: user(ask, 1)? }))
}

fn ask_enrol(ask: &Ask, _: Who<'_>) -> Result<Request, Answer> {
    let (room, user) = (guild(ask)?, user(ask, 1)?);
    // No body at all means a plain member.
    let body = if ask.body.is_empty() {
        wire::MemberRow::default()
    } else {
        unprocessable::body::<wire::MemberRow<'_>>(ask, PAGES)?.0
    };
    let mut wrongs = Wrongs::new(PAGES);
    let role = body.role.and_then(|raw| literal(raw, &ROLES, "role", ROLES_EXPECTED, &mut wrongs));
    let status = body.status.and_then(|raw| literal(raw, &STATUSES, "status", STATUSES_EXPECTED, &mut wrongs));
    let blocked = body.is_blocked.and_then(|raw| {
        let read = serde_json::from_str::<bool>(raw.get()).ok();
        if read.is_none() {
            wrongs.no_bool("is_blocked", raw);
        }
        read
    });
    wrongs.answer()?;
    let status = match (blocked, status) {
        (Some(true), _) => Some(Status::Blocked),
        (Some(false), None) => Some(Status::Active),
        (Some(false) | None, status) => status,
    };
    Ok(Request::Do(Command::Enrol { room, user, role, status }))
}

fn member(ask: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    match reply {
        Ok(Reply::Member { user, member }) => Answer::json(
            200,
            &wire::Member {
                guild_id: captured(ask, 0),
                user_id: user.as_str(),
                role: word(&ROLES, member.role),
                status: word(&STATUSES, member.status),
                is_blocked: member.status == Status::Blocked,
            },
        ),
        Ok(_) => unexpected(),
        Err(refusal) => words::answer(refusal, Place::Guild),
    }
}

fn ask_expel(ask: &Ask, _: Who<'_>) -> Result<Request, Answer> {
    Ok(Request::Do(Command::Expel { room: guild(ask)?, user: user(ask, 1)? }))
}

fn expelled(ask: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    match reply {
        Ok(_) => {
            let (guild_id, user_id) = (captured(ask, 0), captured(ask, 1));
            Answer::json(200, &wire::Removed { status: "removed", guild_id, user_id })
        }
        Err(refusal) => words::answer(refusal, Place::Guild),
    }
}

const ROLES: [(&str, Role); 3] = [("owner", Role::Owner), ("moderator", Role::Moderator), ("member", Role::Member)];
const ROLES_EXPECTED: &str = "'owner', 'moderator' or 'member'";
const STATUSES: [(&str, Status); 3] =
    [("active", Status::Active), ("inactive", Status::Inactive), ("blocked", Status::Blocked)];
const STATUSES_EXPECTED: &str = "'active', 'inactive' or 'blocked'";

fn word<T: Copy + PartialEq>(table: &[(&'static str, T)], value: T) -> &'static str {
    table.iter().find(|(_, entry)| *entry == value).map_or("", |(word, _)| word)
}

fn literal<'a, T: Copy>(
    raw: &'a RawValue,
    table: &[(&'static str, T)],
    field: &'static str,
    expected: &'static str,
    wrongs: &mut Wrongs<'a>,
) -> Option<T> {
    let given = json::text(raw);
    let found = given.and_then(|given| table.iter().find(|(word, _)| *word == given).map(|(_, value)| *value));
    if found.is_none() {
        wrongs.other_than(field, raw, expected);
    }
    found
}

fn captured(ask: &Ask, place: usize) -> &str {
    ask.captured.get(place).map_or("", String::as_str)
}

/// The room that the path names, for whoever asks.
fn room<const KEEPS: bool>(ask: &Ask, who: Who<'_>) -> Result<RoomKey, Answer> {
    let given = captured(ask, 0);
    let who = who.ok_or_else(|| words::denied_rest(ask, Denied::Missing))?;
    let room = name::resolve(given, &who.id).map_err(|refusal| {
        if refusal == Refusal::Invalid {
            unprocessable::path("room_id", given, "not a room id", PAGES)
        } else {
            refused(&refusal, given)
        }
    })?;
    Ok(if KEEPS { room } else { room.relayed() })
}

fn guild(ask: &Ask) -> Result<RoomKey, Answer> {
    let given = captured(ask, 0);
    name::guild(given).map_err(|_| unprocessable::path("guild_id", given, "not a guild id", PAGES))
}

fn user(ask: &Ask, place: usize) -> Result<UserId, Answer> {
    let given = captured(ask, place);
    UserId::new(given).map_err(|why| unprocessable::path("user_id", given, &why.to_string(), PAGES))
}

/// A refusal about a room that the path names: worded by the name alone, for only that is known to the asker.
fn refused(refusal: &Refusal, named: &str) -> Answer {
    words::answer(refusal, Place::named(named))
}

/// An answer of another kind than was asked for: a bug of the server's, told as one.
fn unexpected() -> Answer {
    words::plain(500, "Internal Server Error")
}
