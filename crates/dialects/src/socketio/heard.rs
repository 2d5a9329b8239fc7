//! What is read out of a client's events (facts 4). Whether it may do what it asks is not looked at here, and neither is
//! who it is: an event may wait for that. What is wrong with it is kept until then, too, for the contract's first question
//! is who asks.

use std::borrow::Cow;
use std::sync::Arc;

use domain::Text;
use domain::command::Draft;
use domain::id::{ClientId, MessageId, UserId};
use domain::limits::{CONTENT_BYTES_MAX, MARKED_MAX};
use domain::model::{MessageKind, RoomKey};
use domain::refusal::Refusal;
use domain::rules::name;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::packet::Arguments;
use super::{wire, words};
use crate::json;

/// Longest `message_type`, in characters (facts 6: the contract's column).
const TYPE_CHARS_MAX: usize = 50;

/// An event that means something.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// `authenticate`.
    Authenticate(Result<Shown, Wrong>),
    /// `join_room`, by the room's name.
    Join(Result<Text, Wrong>),
    /// `leave_room`.
    Leave(Result<Text, Wrong>),
    /// `send_message`.
    Send(Result<Sending, Wrong>),
    /// `typing`.
    Typing(Text),
    /// `mark_read`.
    Read(Result<Reading, Wrong>),
    /// `delete_message`.
    Delete(Result<MessageId, Wrong>),
    /// `get_typing_users`.
    Writers(Text),
}

/// What is wrong with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It hasn't the shape that the contract says.
    Shape,
    /// It has, and can't be done; why, in the contract's words where it has some.
    Value(&'static str),
}

/// Who a client says that it is; at least one of the first two is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) id: Option<UserId>,
    pub(super) token: Option<Text>,
    pub(super) name: Option<Text>,
}

/// What somebody wants said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sending {
    pub(super) to: To,
    pub(super) content: Text,
    /// When it is no text.
    pub(super) kind: Option<Text>,
    pub(super) client_id: Option<ClientId>,
}

/// To whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum To {
    /// A room, by the name given.
    Room(Text),
    /// A user.
    Receiver(UserId),
}

impl Sending {
    /// As the domain has it, when `me` wants it said.
    ///
    /// # Errors
    /// What a room's name is refused with.
    pub(super) fn by(self, me: &UserId) -> Result<(RoomKey, Draft), Refusal> {
        let (room, given) = match self.to {
            To::Room(given) => (name::resolve(&given, me)?, Some(given)),
            To::Receiver(receiver) => (RoomKey::pair(me.clone(), receiver), None),
        };
        // A direct message remembers that it was addressed to the room; every other message is.
        let room_id = given.filter(|_| room.other(me).is_some()).map(|given| given.to_string());
        // Of any type, it is text to other doors: that it is the room speaking is not for users to say (RULES 14).
        let extra = wire::Extra { room_id, message_type: self.kind.map(|kind| kind.to_string()) }.kept();
        let (kind, content, client_id) = (MessageKind::Text, self.content, self.client_id);
        Ok((room, Draft { kind, content, reply_to: None, client_id, extra, alias: None }))
    }
}

/// What somebody has read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) messages: Arc<[MessageId]>,
    pub(super) room: Option<Text>,
}

/// Reads an event; none when it means nothing here, or asks for nothing.
pub(super) fn read(name: &str, mut arguments: Arguments<'_>) -> Option<Heard> {
    let given = arguments.next();
    Some(match name {
        "authenticate" => Heard::Authenticate(authenticate(given)),
        "join_room" => Heard::Join(room(given)),
        "leave_room" => Heard::Leave(room(given)),
        "send_message" => Heard::Send(object(given).and_then(|body| sending(&body))),
        "mark_read" => Heard::Read(object(given).and_then(|body| reading(&body))),
        "delete_message" => Heard::Delete(delete(given)),
        // Malformed, these two are ignored (RULES 22, facts 4).
        "typing" => Heard::Typing(room(given).ok()?),
        "get_typing_users" => Heard::Writers(room(given).ok()?),
        _ => return None,
    })
}

impl Heard {
    /// About how many bytes it holds while it waits.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Send(Ok(sending)) => sending.content.len(),
            Self::Read(Ok(reading)) => reading.messages.len() * size_of::<MessageId>(),
            Self::Authenticate(Ok(shown)) => shown.token.as_ref().map_or(0, |token| token.len()),
            Self::Authenticate(_)
            | Self::Join(_)
            | Self::Leave(_)
            | Self::Send(_)
            | Self::Typing(_)
            | Self::Read(_)
            | Self::Delete(_)
            | Self::Writers(_) => 0,
        }
    }
}

#[derive(Deserialize)]
struct Authenticate<'a> {
    #[serde(borrow, rename = "userId")]
    user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    token: Option<&'a RawValue>,
    #[serde(borrow)]
    username: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Room<'a> {
    #[serde(borrow, rename = "roomId")]
    room_id: Option<&'a RawValue>,
}

/// `send_message`, and the body of `POST /messages`.
#[derive(Deserialize)]
pub(super) struct Send<'a> {
    #[serde(borrow)]
    room_id: Option<&'a RawValue>,
    #[serde(borrow)]
    receiver_id: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    /// As an older client of the contract's calls it (page 5).
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    message_type: Option<&'a RawValue>,
    #[serde(borrow)]
    client_id: Option<&'a RawValue>,
}

/// `mark_read`, and the bodies of `PUT /messages/read` and `PUT /messages/delivered`.
#[derive(Deserialize)]
pub(super) struct Read<'a> {
    #[serde(borrow, rename = "messageIds")]
    pub(super) message_ids: Option<&'a RawValue>,
    #[serde(borrow, rename = "roomId")]
    room_id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Delete<'a> {
    #[serde(borrow, rename = "messageId")]
    message_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "roomId")]
    room_id: Option<&'a RawValue>,
}

fn object<'a, T: Deserialize<'a>>(given: Option<&'a RawValue>) -> Result<T, Wrong> {
    given.and_then(|given| json::object(given.get()).ok()).ok_or(Wrong::Shape)
}

/// A text; none when it is missing, null or empty, which the contract's service doesn't tell apart.
fn text(raw: Option<&RawValue>) -> Result<Option<Cow<'_, str>>, Wrong> {
    match raw {
        // A derived `Option` has made none of null already.
        None => Ok(None),
        Some(raw) => json::text(raw).map(|text| Some(text).filter(|text| !text.is_empty())).ok_or(Wrong::Shape),
    }
}

fn room(given: Option<&RawValue>) -> Result<Text, Wrong> {
    let room: Room<'_> = object(given)?;
    text(room.room_id)?.map(Text::from).ok_or(Wrong::Shape)
}

fn authenticate(given: Option<&RawValue>) -> Result<Shown, Wrong> {
    let shown: Authenticate<'_> = object(given)?;
    let id = match shown.user_id {
        // An id is text, and integers are taken as such (RULES 1).
        Some(raw) if raw.get().bytes().all(|byte| byte.is_ascii_digit()) => Some(raw.get().into()),
        raw => text(raw)?,
    };
    let id = id.map(|id| UserId::new(&id).map_err(|_| Wrong::Shape)).transpose()?;
    let token = text(shown.token)?.map(Text::from);
    if id.is_none() && token.is_none() {
        return Err(Wrong::Shape);
    }
    Ok(Shown { id, token, name: text(shown.username)?.map(Text::from) })
}

/// What a client that says who it is in `CONNECT` shows, or brings back (page 3 and 4).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Handshake {
    pub(super) token: Option<Text>,
    pub(super) pid: Option<Text>,
    pub(super) offset: Option<Text>,
}

/// Reads the payload of `CONNECT`. What isn't as it should be is as good as missing: a client may show anything there.
pub(super) fn handshake(auth: Option<&RawValue>) -> Handshake {
    #[derive(Deserialize)]
    struct Auth<'a> {
        #[serde(borrow)]
        token: Option<&'a RawValue>,
        #[serde(borrow)]
        pid: Option<&'a RawValue>,
        #[serde(borrow)]
        offset: Option<&'a RawValue>,
    }
    let Ok(auth) = object::<Auth<'_>>(auth) else { return Handshake::default() };
    let one = |raw| text(raw).ok().flatten().map(Text::from);
    Handshake { token: one(auth.token), pid: one(auth.pid), offset: one(auth.offset) }
}

/// What is to be sent, of an event or of a body. The order of its errors is the contract's.
pub(super) fn sending(body: &Send<'_>) -> Result<Sending, Wrong> {
    let content = match text(body.content)? {
        None => text(body.text)?,
        content => content,
    };
    let content = content.ok_or(Wrong::Value(words::NO_CONTENT))?;
    let to = match (text(body.room_id)?, text(body.receiver_id)?) {
        (Some(room), _) => To::Room(room.into()),
        (None, Some(receiver)) => To::Receiver(UserId::new(&receiver).map_err(|_| Wrong::Shape)?),
        (None, None) => return Err(Wrong::Value(words::NO_RECIPIENT)),
    };
    if content.len() > CONTENT_BYTES_MAX {
        return Err(Wrong::Value(words::CONTENT_TOO_LONG));
    }
    let kind = text(body.message_type)?.filter(|kind| kind != wire::TEXT);
    if kind.as_ref().is_some_and(|kind| kind.chars().count() > TYPE_CHARS_MAX) {
        return Err(Wrong::Value(words::TYPE_TOO_LONG));
    }
    let client_id = match text(body.client_id)? {
        Some(id) => Some(ClientId::new(&id).map_err(|_| Wrong::Shape)?),
        None => None,
    };
    Ok(Sending { to, content: content.into(), kind: kind.map(Text::from), client_id })
}

fn reading(body: &Read<'_>) -> Result<Reading, Wrong> {
    let listed = listed(body.message_ids)?;
    let room = text(body.room_id)?.map(Text::from);
    if listed.len() > MARKED_MAX {
        return Err(Wrong::Value(words::TOO_MANY_IDS));
    }
    let messages = listed.into_iter().map(|raw| json::text(raw).and_then(|text| message_id(&text)));
    let messages = messages.collect::<Option<Arc<[MessageId]>>>().ok_or(Wrong::Value(words::NOT_MARKED))?;
    Ok(Reading { messages, room })
}

/// The name of a room in a body, when there is one.
pub(super) fn room_of(body: &Read<'_>) -> Result<Option<Text>, Wrong> {
    Ok(text(body.room_id)?.map(Text::from))
}

/// The elements of an array.
pub(super) fn listed(raw: Option<&RawValue>) -> Result<Vec<&RawValue>, Wrong> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).ok_or(Wrong::Shape)
}

fn delete(given: Option<&RawValue>) -> Result<MessageId, Wrong> {
    let delete: Delete<'_> = object(given)?;
    // Whom to tell follows from the message; the room is only looked at.
    text(delete.room_id)?;
    let id = text(delete.message_id)?.ok_or(Wrong::Shape)?;
    message_id(&id).ok_or(Wrong::Value(words::MESSAGE_NOT_FOUND))
}

/// A message's id, in whichever of the forms that a UUID is written in.
pub(super) fn message_id(text: &str) -> Option<MessageId> {
    uuid::Uuid::try_parse(text).ok().map(|id| MessageId(id.as_u128()))
}
