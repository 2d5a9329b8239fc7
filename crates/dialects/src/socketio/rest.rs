//! REST of `socketio` (facts 5): messages, marks, presence. Each a pure request → one command or query → response.

use std::collections::HashSet;
use std::sync::Arc;

use domain::command::{Command, Reply};
use domain::id::{MessageId, Millis, UserId};
use domain::identity::Denied;
use domain::limits::{MARKED_MAX, ONLINE_ASKED_MAX, PAGE_MAX};
use domain::model::{Person, RoomKey};
use domain::query::{Place, Query, Window};
use domain::refusal::Refusal;
use domain::rules::name;
use domain::watermark::Mark;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::heard::{self, Wrong};
use super::wire::{self, View};
use super::words;
use crate::format::Time;
use crate::json::{self, Bad};
use crate::{Answer, Ask, Request, Rest};

type Who<'a> = Option<&'a Arc<Person>>;

/// Messages on a page whose size isn't said.
pub(super) const PAGE_DEFAULT: u32 = 50;

/// The REST calls. `/health` is the server's own (RULES 24).
pub(super) fn doors() -> Vec<Rest> {
    let known = |method, path: &str, ask, answer| Rest { method, path: path.into(), anonymous: false, ask, answer };
    vec![
        known("POST", "/messages", ask_send, sent),
        known("GET", "/messages/room/{roomId}", ask_room, room_page),
        known("GET", "/messages/direct/{userId}", ask_direct, direct_page),
        known("PUT", "/messages/delivered", ask_delivered, delivered),
        known("PUT", "/messages/read", ask_read, read),
        known("DELETE", "/messages/{messageId}", ask_delete, deleted),
        known("GET", "/messages/unread/{roomId}", ask_unread, unread),
        known("POST", "/presence/heartbeat", |_, _| Ok(Request::Do(Command::Beat)), beat),
        known("POST", "/presence/logout", |_, _| Ok(Request::Do(Command::Rest)), rest),
        known("POST", "/presence/users", ask_online, online),
    ]
}

fn ask_send(ask: &Ask, who: Who<'_>) -> Result<Request, Answer> {
    let who = who.ok_or_else(|| words::denied(ask, Denied::Missing))?;
    let sending = heard::sending(&body(ask)?).map_err(wrong)?;
    let (room, draft) = sending.by(&who.id).map_err(|refusal| words::answer(&refusal))?;
    Ok(Request::Do(Command::Send { room, draft, manners: super::MANNERS }))
}

fn sent(_: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    match reply {
        Ok(Reply::Sent { event, .. }) => match wire::Message::sent(event, View::Author) {
            Some(message) => success(201, Some("Message sent successfully"), Some(message)),
            None => unexpected(),
        },
        Ok(_) => unexpected(),
        Err(refusal) => words::answer(refusal),
    }
}

fn ask_room(ask: &Ask, who: Who<'_>) -> Result<Request, Answer> {
    Ok(history(ask, room(ask, who, captured(ask))?))
}

fn room_page(ask: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    page(ask, reply, View::Inside(captured(ask)))
}

fn ask_direct(ask: &Ask, who: Who<'_>) -> Result<Request, Answer> {
    let who = who.ok_or_else(|| words::denied(ask, Denied::Missing))?;
    let other = UserId::new(captured(ask)).map_err(|_| words::plain(400, words::INVALID))?;
    Ok(history(ask, RoomKey::pair(who.id.clone(), other)))
}

fn direct_page(ask: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    page(ask, reply, View::Direct)
}

fn history(ask: &Ask, room: RoomKey) -> Request {
    let (most, skip) = place(ask);
    Request::Ask(Query::History { room: Place::Room(room), window: Window::default(), skip, most })
}

/// How many messages, and after how many: as JavaScript reads them, where nothing and nonsense mean the default.
fn place(ask: &Ask) -> (u32, u32) {
    let limit = number(ask, "limit").filter(|limit| *limit > 0).unwrap_or(PAGE_DEFAULT);
    (limit.min(PAGE_MAX), number(ask, "offset").unwrap_or(0))
}

fn number(ask: &Ask, parameter: &str) -> Option<u32> {
    let text = ask.parameter(parameter)?;
    let text = text.trim_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let digits = &text[..text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len())];
    (!digits.is_empty()).then(|| digits.parse().unwrap_or(u32::MAX))
}

fn page(ask: &Ask, reply: Result<&Reply, &Refusal>, view: View<'_>) -> Answer {
    let (entries, total) = match reply {
        Ok(Reply::History { entries, total }) => (entries, *total),
        Ok(_) => return unexpected(),
        Err(refusal) => return words::answer(refusal),
    };
    let messages = entries.iter().filter_map(|entry| wire::Message::now(entry, view));
    let data: Vec<wire::Message<'_>> = match view {
        View::Inside(_) => messages.map(wire::Message::in_history).collect(),
        View::Author | View::Direct => messages.collect(),
    };
    let (limit, offset) = place(ask);
    let pagination = Some(wire::Pagination { limit, offset, total });
    words::json(200, &wire::Response { success: true, message: None, data: Some(data), pagination, timestamp: None })
}

fn ask_delivered(ask: &Ask, _: Who<'_>) -> Result<Request, Answer> {
    let body: heard::Read<'_> = body(ask)?;
    let messages = message_ids(&body)?;
    Ok(Request::Do(Command::Mark { mark: Mark::Delivered, messages, room: None, upto: None }))
}

fn delivered(_: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    done(reply, "Messages marked as delivered")
}

fn ask_read(ask: &Ask, who: Who<'_>) -> Result<Request, Answer> {
    let body: heard::Read<'_> = body(ask)?;
    let messages = message_ids(&body)?;
    let named = heard::room_of(&body).map_err(wrong)?;
    let room = named.map(|named| room(ask, who, &named)).transpose()?;
    Ok(Request::Do(Command::Mark { mark: Mark::Read, messages, room, upto: None }))
}

fn read(_: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    done(reply, "Messages marked as read")
}

fn message_ids(body: &heard::Read<'_>) -> Result<Arc<[MessageId]>, Answer> {
    let listed = heard::listed(body.message_ids).ok().filter(|listed| !listed.is_empty());
    let listed = listed.ok_or_else(|| words::plain(400, words::NO_IDS))?;
    if listed.len() > MARKED_MAX {
        return Err(words::plain(400, words::TOO_MANY_IDS));
    }
    listed.into_iter().map(message_id).collect()
}

fn message_id(raw: &RawValue) -> Result<MessageId, Answer> {
    let text = json::text(raw).unwrap_or_else(|| raw.get().into());
    heard::message_id(&text).ok_or_else(|| no_uuid(&text))
}

/// The contract's service passes on what its database says (facts 5), as a 500.
fn no_uuid(text: &str) -> Answer {
    words::plain(400, &format!("invalid input syntax for type uuid: \"{text}\""))
}

fn done(reply: Result<&Reply, &Refusal>, message: &str) -> Answer {
    match reply {
        Ok(Reply::Done) => success(200, Some(message), Some(true)),
        Ok(_) => unexpected(),
        Err(refusal) => words::answer(refusal),
    }
}

fn ask_delete(ask: &Ask, _: Who<'_>) -> Result<Request, Answer> {
    let message = heard::message_id(captured(ask)).ok_or_else(|| no_uuid(captured(ask)))?;
    Ok(Request::Do(Command::Delete { message, moderates: false }))
}

fn deleted(_: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    match reply {
        Ok(Reply::Changed { sent, .. }) => match wire::Message::sent(sent, View::Author) {
            Some(message) => success(200, Some("Message deleted successfully"), Some(message.row())),
            None => unexpected(),
        },
        Ok(_) => unexpected(),
        Err(refusal) => words::answer(refusal),
    }
}

fn ask_unread(ask: &Ask, who: Who<'_>) -> Result<Request, Answer> {
    Ok(Request::Ask(Query::Unread { room: room(ask, who, captured(ask))? }))
}

fn unread(_: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    match reply {
        Ok(Reply::Unread(count)) => success(200, None, Some(wire::Unread { count: *count })),
        Ok(_) => unexpected(),
        Err(refusal) => words::answer(refusal),
    }
}

fn beat(_: &Ask, reply: Result<&Reply, &Refusal>, now: Millis) -> Answer {
    noted(reply, "Heartbeat recorded", now)
}

fn rest(_: &Ask, reply: Result<&Reply, &Refusal>, now: Millis) -> Answer {
    noted(reply, "User marked as offline", now)
}

fn noted(reply: Result<&Reply, &Refusal>, message: &str, now: Millis) -> Answer {
    match reply {
        Ok(Reply::Done) => {
            let (message, timestamp) = (Some(message), Some(Time(now)));
            words::json(200, &wire::Response::<()> { success: true, message, data: None, pagination: None, timestamp })
        }
        Ok(_) => unexpected(),
        Err(refusal) => words::answer(refusal),
    }
}

fn ask_online(ask: &Ask, _: Who<'_>) -> Result<Request, Answer> {
    Ok(Request::Ask(Query::Online { users: users(ask)? }))
}

fn online(ask: &Ask, reply: Result<&Reply, &Refusal>, _: Millis) -> Answer {
    let online = match reply {
        Ok(Reply::Online(online)) => online,
        Ok(_) => return unexpected(),
        Err(refusal) => return words::answer(refusal),
    };
    let Ok(users) = users(ask) else { return unexpected() };
    let online_status = users.iter().map(UserId::as_str).zip(online.iter().copied()).collect();
    words::json(200, &wire::Presence { success: true, online_status })
}

/// The users that are asked about, each once.
fn users(ask: &Ask) -> Result<Vec<UserId>, Answer> {
    #[derive(Deserialize)]
    struct Users<'a> {
        #[serde(borrow, rename = "userIds")]
        user_ids: Option<&'a RawValue>,
    }
    let body: Users<'_> = body(ask)?;
    let listed = heard::listed(body.user_ids).map_err(|_| words::plain(400, words::NO_USERS))?;
    if listed.len() > ONLINE_ASKED_MAX {
        return Err(words::plain(400, "Too many user IDs"));
    }
    let users = listed.into_iter().map(|raw| json::text(raw).and_then(|text| UserId::new(&text).ok()));
    let mut users: Vec<UserId> = users.collect::<Option<_>>().ok_or_else(|| words::plain(400, words::NO_USERS))?;
    let mut seen = HashSet::new();
    users.retain(|user| seen.insert(user.clone()));
    Ok(users)
}

fn captured(ask: &Ask) -> &str {
    ask.captured.first().map_or("", String::as_str)
}

/// The room of this name, for whoever asks.
fn room(ask: &Ask, who: Who<'_>, named: &str) -> Result<RoomKey, Answer> {
    let who = who.ok_or_else(|| words::denied(ask, Denied::Missing))?;
    name::resolve(named, &who.id).map_err(|refusal| words::answer(&refusal))
}

/// The body as an object; none at all is an empty one.
fn body<'a, T: Deserialize<'a>>(ask: &'a Ask) -> Result<T, Answer> {
    let text = std::str::from_utf8(&ask.body).map_err(|error| words::plain(400, &error.to_string()))?;
    let text = if text.trim().is_empty() { "{}" } else { text };
    json::object(text).map_err(|bad| match bad {
        Bad::Broken => {
            let error = serde_json::from_str::<serde::de::IgnoredAny>(text).err();
            words::plain(400, &error.map_or_else(|| words::INVALID.into(), |error| error.to_string()))
        }
        Bad::Unfit => words::plain(400, words::INVALID),
    })
}

fn wrong(wrong: Wrong) -> Answer {
    match wrong {
        Wrong::Shape => words::plain(400, words::INVALID),
        Wrong::Value(text) => words::plain(400, text),
    }
}

fn success(status: u16, message: Option<&str>, data: Option<impl Serialize>) -> Answer {
    words::json(status, &wire::Response { success: true, message, data, pagination: None, timestamp: None })
}

/// An answer of another kind than was asked for: a bug of the server's, told as one.
fn unexpected() -> Answer {
    words::plain(500, "Internal server error")
}
