//! What is read out of a client's frame.

use std::borrow::Cow;

use domain::Text;
use domain::command::{Act, Draft};
use domain::id::{ClientId, Cursor, MessageId, Offset, UserId, UserNumber};
use domain::identity::Credential;
use domain::limits::{PAGE_MAX, SEATS_MAX, SEATS_MIN};
use domain::model::{MessageKind, Role, RoomKey, RoomKind};
use domain::query::{Which, Window};
use domain::rules::name;
use domain::watermark::Mark;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{self, Bad};

/// Longest `id` of a frame, in characters.
const ID_CHARS_MAX: usize = 64;
/// Messages of a page when a client doesn't say.
const PAGE: u32 = 50;

/// Shortest `client_id` of a room, in bytes: as text, half of what a UUID has.
const ROOM_CLIENT_ID_BYTES_MIN: usize = 16;

/// A frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// The client's own, which its answer has again.
    pub(super) id: Option<Text>,
    /// What it asks; none when that is not what the protocol says.
    pub(super) asked: Option<Asked>,
}

/// It is no JSON: the connection ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// What a client asks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Hello { resume: Option<Option<Cursor>> },
    Ping,
    Auth(Credential),
    Rooms,
    PublicRooms,
    Create { title: Text, kind: RoomKind, seats: Option<u32>, client_id: Option<ClientId> },
    SendTo(UserId, Draft),
    Edit(MessageId, Text),
    Delete(MessageId),
    React { message: MessageId, emoji: Text, on: bool },
    Online,
    User(Which),
    Presence(bool),
    In(Place, InRoom),
}

/// A room that a client named; a name that can't be one's leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place(pub(super) Option<RoomKey>);

/// What is asked of one room.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InRoom {
    Show,
    Join(u32),
    Leave,
    Send(Draft),
    Typing(bool),
    Mark(Mark, Offset),
    History(Window, u32),
    Members,
    Act(UserId, Act),
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Whether a client begins to speak the native tongue with this frame.
pub(in crate::chat) fn is_hello(frame: crate::Frame<'_>) -> bool {
    let text = match frame {
        crate::Frame::Text(text) => Some(text),
        crate::Frame::Binary(bytes) => std::str::from_utf8(bytes).ok(),
    };
    text.and_then(|text| json::object::<Frame<'_>>(text).ok()).is_some_and(|frame| frame.kind == "hello")
}

/// Reads a frame of this user's.
///
/// # Errors
/// [`Broken`].
pub(super) fn read(text: &str, me: &UserId) -> Result<Heard, Broken> {
    let frame: Frame<'_> = match json::object(text) {
        Ok(frame) => frame,
        Err(Bad::Broken) => return Err(Broken),
        Err(Bad::Unfit) => return Ok(Heard { id: None, asked: None }),
    };
    let fits = |id: &Cow<'_, str>| !id.is_empty() && id.chars().nth(ID_CHARS_MAX).is_none();
    match frame.id {
        Some(id) if !fits(&id) => Ok(Heard { id: None, asked: None }),
        id => Ok(Heard { id: id.map(Text::from), asked: asked(&frame.kind, frame.data, me) }),
    }
}

fn asked(kind: &str, data: Option<&RawValue>, me: &UserId) -> Option<Asked> {
    let of_room = |asked| read_in::<OfRoom>(data).map(|data| Asked::In(place(&data.room_id, me), asked));
    Some(match kind {
        "hello" => hello(read_in(data)?)?,
        "ping" => Asked::Ping,
        "auth" => Asked::Auth(Credential::Bearer(read_in::<Auth>(data)?.token.into())),
        "rooms" => Asked::Rooms,
        "public_rooms" => Asked::PublicRooms,
        "room" => of_room(InRoom::Show)?,
        "create_room" => create(read_in(data)?)?,
        "join" => {
            let join: Join = read_in(data)?;
            let history = join.history.unwrap_or(0);
            (history <= PAGE_MAX).then(|| Asked::In(place(&join.room_id, me), InRoom::Join(history)))?
        }
        "leave" => of_room(InRoom::Leave)?,
        "send" => send(read_in(data)?, me)?,
        "edit" => {
            let edit: Edit = read_in(data)?;
            Asked::Edit(message_id(&edit.message_id)?, edit.content.into())
        }
        "delete" => Asked::Delete(message_id(&read_in::<Delete>(data)?.message_id)?),
        "react" => {
            let react: React = read_in(data)?;
            let message = message_id(&react.message_id)?;
            Asked::React { message, emoji: react.emoji.into(), on: react.on.unwrap_or(true) }
        }
        "typing" => {
            let typing: Typing = read_in(data)?;
            Asked::In(place(&typing.room_id, me), InRoom::Typing(typing.on))
        }
        "mark" => {
            let asked: Marks = read_in(data)?;
            let mark = match asked.kind.as_str() {
                "read" => Mark::Read,
                "delivered" => Mark::Delivered,
                _ => return None,
            };
            Asked::In(place(&asked.room_id, me), InRoom::Mark(mark, Offset(asked.offset)))
        }
        "history" => history(&read_in(data)?, me)?,
        "members" => of_room(InRoom::Members)?,
        "online" => Asked::Online,
        "user" => Asked::User(which(read_in(data)?)?),
        "presence" => Asked::Presence(read_in::<Presence>(data)?.online),
        _ => act(kind, data, me)?,
    })
}

fn read_in<'a, T: Deserialize<'a>>(data: Option<&'a RawValue>) -> Option<T> {
    json::object(data?.get()).ok()
}

fn place(room: &str, me: &UserId) -> Place {
    Place(name::resolve(room, me).ok())
}

fn message_id(text: &str) -> Option<MessageId> {
    text.parse().ok()
}

#[derive(Deserialize)]
struct Hello {
    version: u64,
    features: Option<Vec<String>>,
    resume: Option<String>,
}

fn hello(asked: Hello) -> Option<Asked> {
    // What a client means to use tells nothing yet that it would be refused.
    drop(asked.features);
    (asked.version == 1).then(|| Asked::Hello { resume: asked.resume.map(|cursor| cursor.parse().ok()) })
}

#[derive(Deserialize)]
struct Auth {
    token: String,
}

#[derive(Deserialize)]
struct OfRoom {
    room_id: String,
}

#[derive(Deserialize)]
struct Create {
    title: String,
    kind: String,
    max_users: Option<u32>,
    client_id: Option<String>,
}

fn create(asked: Create) -> Option<Asked> {
    let kind = match asked.kind.as_str() {
        "public" => RoomKind::Public,
        "private" => RoomKind::Private,
        _ => return None,
    };
    let fit = asked.max_users.is_none_or(|seats| (SEATS_MIN..=SEATS_MAX).contains(&seats));
    // A private room's id is its invitation, and comes of this one.
    let drawn = |id: &str| ClientId::new(id).ok().filter(|id| id.as_str().len() >= ROOM_CLIENT_ID_BYTES_MIN);
    let client_id = match &asked.client_id {
        Some(id) => Some(drawn(id)?),
        None => None,
    };
    fit.then(|| Asked::Create { title: asked.title.into(), kind, seats: asked.max_users, client_id })
}

#[derive(Deserialize)]
struct Join {
    room_id: String,
    history: Option<u32>,
}

#[derive(Deserialize)]
struct Send {
    room_id: Option<String>,
    to: Option<String>,
    content: String,
    client_id: String,
    reply_to: Option<String>,
    kind: Option<String>,
}

fn send(asked: Send, me: &UserId) -> Option<Asked> {
    let kind = match asked.kind.as_deref() {
        None | Some("text") => MessageKind::Text,
        Some("system") => MessageKind::System,
        Some(_) => return None,
    };
    let reply_to = match asked.reply_to {
        None => None,
        Some(id) => Some(message_id(&id)?),
    };
    let (client_id, content) = (Some(ClientId::new(&asked.client_id).ok()?), Text::from(asked.content));
    let draft = Draft { kind, content, reply_to, client_id, extra: None, alias: None };
    match (asked.room_id, asked.to) {
        (Some(room), None) => Some(Asked::In(place(&room, me), InRoom::Send(draft))),
        (None, Some(user)) => Some(Asked::SendTo(UserId::new(&user).ok()?, draft)),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

#[derive(Deserialize)]
struct Edit {
    message_id: String,
    content: String,
}

#[derive(Deserialize)]
struct Delete {
    message_id: String,
}

#[derive(Deserialize)]
struct React {
    message_id: String,
    emoji: String,
    on: Option<bool>,
}

#[derive(Deserialize)]
struct Typing {
    room_id: String,
    on: bool,
}

#[derive(Deserialize)]
struct Marks {
    room_id: String,
    kind: String,
    offset: u64,
}

#[derive(Deserialize)]
struct History {
    room_id: String,
    before: Option<u64>,
    after: Option<u64>,
    limit: Option<u32>,
}

fn history(asked: &History, me: &UserId) -> Option<Asked> {
    let most = asked.limit.unwrap_or(PAGE);
    let window = Window { above: asked.after.map(Offset), below: asked.before.map(Offset) };
    (1..=PAGE_MAX).contains(&most).then(|| Asked::In(place(&asked.room_id, me), InRoom::History(window, most)))
}

#[derive(Deserialize)]
struct User {
    id: Option<String>,
    name: Option<String>,
    number: Option<u32>,
}

fn which(asked: User) -> Option<Which> {
    match (asked.id, asked.name, asked.number) {
        (Some(id), None, None) => UserId::new(&id).ok().map(Which::Id),
        (None, Some(name), None) => Some(Which::Name(name.into())),
        (None, None, Some(number)) => Some(Which::Number(UserNumber(number))),
        (_, _, _) => None,
    }
}

#[derive(Deserialize)]
struct Presence {
    online: bool,
}

#[derive(Deserialize)]
struct ActOn {
    room_id: String,
    user_id: String,
    role: Option<String>,
}

fn act(kind: &str, data: Option<&RawValue>, me: &UserId) -> Option<Asked> {
    let asked = || read_in::<ActOn>(data);
    let act = match kind {
        "invite" => Act::Invite,
        "kick" => Act::Kick,
        "ban" => Act::Ban,
        "unban" => Act::Unban,
        "mute" => Act::Mute,
        "unmute" => Act::Unmute,
        "role" => Act::Promote(match asked()?.role.as_deref() {
            Some("owner") => Role::Owner,
            Some("moderator") => Role::Moderator,
            Some("member") => Role::Member,
            Some(_) | None => return None,
        }),
        _ => return None,
    };
    let asked = asked()?;
    Some(Asked::In(place(&asked.room_id, me), InRoom::Act(UserId::new(&asked.user_id).ok()?, act)))
}
