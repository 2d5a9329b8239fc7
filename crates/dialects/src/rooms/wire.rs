//! The frames of `rooms`, field for field as on the wire, and what is read out of a client's frame.

use std::borrow::Cow;

use domain::Text;
use domain::id::{ClientId, Cursor, MessageId, UserId};
use domain::limits::EXTRA_BYTES_MAX;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::format::{Shown, Time};
use crate::json;
use crate::unprocessable::is_longer;

/// Longest `text`, in characters (RULES 13).
pub(super) const TEXT_CHARS_MAX: usize = 10_000;

/// A message or broadcast. Both spellings: the contract's service says snake case, its own web client reads camel case.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    pub(super) id: Shown<MessageId>,
    pub(super) room_id: &'a str,
    #[serde(rename = "roomId")]
    pub(super) room_id_too: &'a str,
    pub(super) sender_id: &'a str,
    #[serde(rename = "senderId")]
    pub(super) sender_id_too: &'a str,
    pub(super) text: &'a str,
    pub(super) timestamp: Time,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cursor: Option<Shown<Cursor>>,
}

/// `typing_started` and `typing_stopped`, for typing that came through another door.
#[derive(Serialize)]
pub(super) struct Typing<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) data: Writer<'a>,
}

/// Who writes.
#[derive(Serialize)]
pub(super) struct Writer<'a> {
    #[serde(rename = "userId")]
    pub(super) user_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<Time>,
}

/// The answer to a send that had a client id.
#[derive(Serialize)]
#[serde(tag = "type", rename = "ack")]
pub(super) struct Ack<'a> {
    pub(super) client_id: &'a str,
    pub(super) id: Shown<MessageId>,
    pub(super) seq: u64,
    pub(super) timestamp: Time,
}

/// An error; it names the send it belongs to when that had a client id.
#[derive(Serialize)]
#[serde(tag = "type", rename = "error")]
pub(super) struct Error<'a> {
    pub(super) message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<&'a str>,
}

/// The first frame after `?since=` was taken.
#[derive(Serialize)]
#[serde(tag = "type", rename = "resumed")]
pub(super) struct Resumed {
    pub(super) from: Shown<Cursor>,
    pub(super) head: Shown<Cursor>,
}

/// The first frame after `?since=` was not taken.
#[derive(Serialize)]
#[serde(tag = "type", rename = "resume_failed")]
pub(super) struct ResumeFailed {
    pub(super) reason: &'static str,
}

/// What a client's frame means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A message.
    Message {
        /// 1 to 10,000 characters.
        text: Text,
        /// Asks for an acknowledgement.
        client_id: Option<ClientId>,
    },
    /// The user began or stopped writing.
    Typing {
        /// Began.
        started: bool,
        /// The frame, with the true user's id in it.
        frame: Text,
    },
    /// A sign of life.
    Nothing,
}

/// A frame that can't be processed, with the client id it had, so that its sender knows which.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unprocessable(pub(super) Option<ClientId>);

#[derive(Deserialize)]
struct Frame<'a> {
    /// Any JSON: this contract ignores what it doesn't know, so only three types mean anything.
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    client_id: Option<&'a RawValue>,
}

/// Reads a frame of this user's.
///
/// # Errors
/// [`Unprocessable`] when it is no object, or its `text` is not a string of 1 to 10,000 characters.
pub(super) fn read(frame: &str, user: &UserId) -> Result<Heard, Unprocessable> {
    let read: Frame<'_> = json::object(frame).map_err(|_| Unprocessable(None))?;
    match read.kind.and_then(json::text).as_deref() {
        Some("typing_started") => typing(frame, user).map(|frame| Heard::Typing { started: true, frame }),
        Some("typing_stopped") => typing(frame, user).map(|frame| Heard::Typing { started: false, frame }),
        Some("ping" | "pong" | "heartbeat") => Ok(Heard::Nothing),
        Some(_) | None => message(&read),
    }
}

fn message(read: &Frame<'_>) -> Result<Heard, Unprocessable> {
    let client_id = match read.client_id.map(client_id) {
        Some(None) => return Err(Unprocessable(None)),
        Some(Some(id)) => Some(id),
        None => None,
    };
    match read.text.and_then(json::text) {
        Some(text) if is_sayable(&text) => Ok(Heard::Message { text: Text::from(text), client_id }),
        Some(_) | None => Err(Unprocessable(client_id)),
    }
}

fn client_id(raw: &RawValue) -> Option<ClientId> {
    ClientId::new(&json::text(raw)?).ok()
}

/// Whether a text is 1 to 10,000 characters.
pub(super) fn is_sayable(text: &str) -> bool {
    !text.is_empty() && !is_longer(text, TEXT_CHARS_MAX)
}

/// The keys by which clients of this wire name a user; where one is given it becomes the true one (T8).
const USER_KEYS: [&str; 4] = ["userId", "user_id", "senderId", "sender_id"];

/// The frame as it came, with the true user's id in `data.userId` and wherever else a user is named.
///
/// It is read and written again, so that nothing reaches other clients that a strict reader of JSON would choke on.
fn typing(frame: &str, user: &UserId) -> Result<Text, Unprocessable> {
    let mut frame: Map<String, Value> = serde_json::from_str(frame).map_err(|_| Unprocessable(None))?;
    let me = || Value::from(user.as_str());
    let mut data = match frame.remove("data") {
        Some(Value::Object(data)) => data,
        Some(_) | None => Map::new(),
    };
    for named in [&mut data, &mut frame] {
        for key in USER_KEYS {
            if let Some(id) = named.get_mut(key) {
                *id = me();
            }
        }
    }
    data.insert("userId".into(), me());
    frame.insert("data".into(), Value::Object(data));
    let frame = Value::Object(frame).to_string();
    if frame.len() > EXTRA_BYTES_MAX { Err(Unprocessable(None)) } else { Ok(Text::from(frame)) }
}

/// The body of a broadcast, each field as it came: what is wrong with it is told field by field.
#[derive(Deserialize)]
pub(super) struct Broadcast<'a> {
    /// Not needed, not used: the path names the room.
    #[serde(borrow)]
    pub(super) room_id: Option<&'a RawValue>,
    /// What is said.
    #[serde(borrow)]
    pub(super) text: Option<&'a RawValue>,
    /// Not used.
    #[serde(borrow)]
    pub(super) message_type: Option<&'a RawValue>,
    /// Makes a repeat harmless.
    #[serde(borrow)]
    pub(super) client_id: Option<&'a RawValue>,
}

/// The body of a member's row, each field as it came.
#[derive(Deserialize, Default)]
pub(super) struct MemberRow<'a> {
    /// `owner`, `moderator` or `member`.
    #[serde(borrow)]
    pub(super) role: Option<&'a RawValue>,
    /// `active`, `inactive` or `blocked`.
    #[serde(borrow)]
    pub(super) status: Option<&'a RawValue>,
    /// The same as `status` `blocked`, as guild services spell it.
    #[serde(borrow)]
    pub(super) is_blocked: Option<&'a RawValue>,
}

/// `GET /health`.
#[derive(Serialize)]
pub(super) struct Health {
    pub(super) status: &'static str,
    pub(super) active_connections: usize,
    pub(super) active_rooms: usize,
    pub(super) timestamp: Time,
}

/// `GET /rooms/{room_id}/connections`.
#[derive(Serialize)]
pub(super) struct RoomConnections<'a> {
    pub(super) room_id: &'a str,
    pub(super) active_connections: usize,
    pub(super) timestamp: Time,
}

/// `GET /users/{user_id}/connections`.
#[derive(Serialize)]
pub(super) struct UserConnections<'a> {
    pub(super) user_id: &'a str,
    pub(super) active_connections: usize,
    pub(super) timestamp: Time,
}

/// `POST /rooms/{room_id}/broadcast`.
#[derive(Serialize)]
pub(super) struct Broadcasted {
    pub(super) status: &'static str,
    pub(super) message_id: Shown<MessageId>,
}

/// `GET` and `PUT /guilds/{guild_id}/members/{user_id}`.
#[derive(Serialize)]
pub(super) struct Member<'a> {
    pub(super) guild_id: &'a str,
    pub(super) user_id: &'a str,
    pub(super) role: &'static str,
    pub(super) status: &'static str,
    pub(super) is_blocked: bool,
}

/// `DELETE /guilds/{guild_id}/members/{user_id}`.
#[derive(Serialize)]
pub(super) struct Removed<'a> {
    pub(super) status: &'static str,
    pub(super) guild_id: &'a str,
    pub(super) user_id: &'a str,
}

/// Every error of REST and of a refused upgrade.
#[derive(Serialize)]
pub(super) struct Detail<'a> {
    pub(super) detail: Cow<'a, str>,
}
