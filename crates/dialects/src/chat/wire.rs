//! The frames of `chat`, field for field as on the wire, and what is read out of a client's frame.

use std::borrow::Cow;
use std::sync::Arc;

use domain::Text;
use domain::command::RoomView;
use domain::id::{ClientId, Cursor, MessageId, Millis, UserId};
use domain::limits::{ROOM_USERS_SHOWN_MAX, ROOMS_LISTED_MAX, SEATS_MAX, SEATS_MIN, TITLE_CHARS_MAX};
use domain::model::{MessageKind, Person, RoomKey, RoomKind};
use domain::rules::name;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::format::{Shown, Time};
use crate::json::{self, Bad};

/// Longest `content`, in characters.
pub(super) const CONTENT_CHARS_MAX: usize = 1000;

/// A message, a join or a leave: a bare object with the contract's flat keys, and `user` for clients of later versions.
#[derive(Serialize)]
pub(super) struct Notification<'a, C: Serialize> {
    pub(super) id: Shown<MessageId>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) content: C,
    pub(super) user_id: u32,
    pub(super) user_uuid: &'a str,
    pub(super) user_email: &'a str,
    pub(super) room_id: &'a str,
    pub(super) timestamp: Time,
    pub(super) user: User<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cursor: Option<Shown<Cursor>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<&'a str>,
}

/// A user, in notifications and in rooms.
#[derive(Serialize)]
pub(super) struct User<'a> {
    id: u32,
    uuid: &'a str,
    email: &'a str,
    username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    joined_at: Option<Time>,
}

impl<'a> User<'a> {
    /// A user, with when they came, where that is known.
    pub(super) fn of(who: &'a Person, joined_at: Option<Millis>) -> Self {
        Self {
            id: who.number.0,
            uuid: who.id.as_str(),
            email: address(who),
            username: &who.name,
            joined_at: joined_at.map(Time),
        }
    }
}

/// A user's `email`: the address that a token told, else the name (RULES 2).
pub(super) fn address(who: &Person) -> &str {
    who.email.as_deref().unwrap_or(&who.name)
}

/// An answer in the contract's envelope.
#[derive(Serialize)]
pub(super) struct Envelope<D: Serialize> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) data: D,
}

/// A room.
#[derive(Serialize)]
pub(super) struct Room<'a> {
    id: Shown<Text>,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    max_users: u32,
    user_count: usize,
    users: Users<'a>,
    created_at: Time,
    updated_at: Time,
}

impl<'a> Room<'a> {
    /// A room as this wire shows it. It knows two types; what isn't public is private.
    pub(super) fn of(view: &'a RoomView) -> Self {
        Self {
            id: Shown(view.key.shown()),
            name: &view.title,
            kind: match view.kind {
                RoomKind::Public => "public",
                RoomKind::Private | RoomKind::Guild | RoomKind::Direct => "private",
            },
            max_users: view.seats,
            user_count: view.present,
            users: Users(&view.users),
            created_at: Time(view.made_at),
            updated_at: Time(view.changed_at),
        }
    }
}

/// Users, keyed by their number as text.
struct Users<'a>(&'a [(Arc<Person>, Millis)]);

impl Serialize for Users<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = self.0.iter().take(ROOM_USERS_SHOWN_MAX);
        serializer.collect_map(shown.map(|(who, since)| (who.number.0, User::of(who, Some(*since)))))
    }
}

/// The rooms of a list that a filter lets through.
pub(super) fn rooms(views: &[RoomView], filter: Filter) -> Vec<Room<'_>> {
    let listed = views.iter().filter(|view| match filter {
        Filter::All => true,
        Filter::Public => view.kind == RoomKind::Public,
        Filter::Private => view.kind != RoomKind::Public,
        Filter::None => false,
    });
    listed.take(ROOMS_LISTED_MAX).map(Room::of).collect()
}

/// An error; it names the send it belongs to when that had a client id.
#[derive(Serialize)]
pub(super) struct Error<'a> {
    pub(super) message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<&'a str>,
}

/// The body of a refused upgrade.
#[derive(Serialize)]
pub(super) struct Problem<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    pub(super) title: &'static str,
    pub(super) status: u16,
}

/// A room that a client named; a name that can't be one's leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Which.
    pub(super) room: RoomKey,
    /// As the client named it, where others know it by another name.
    pub(super) named: Option<Text>,
}

impl Entry {
    fn by(name: &str, me: &UserId) -> Option<Self> {
        let room = name::resolve(name, me).ok()?;
        let named = (*room.shown() != *name).then(|| Text::from(name));
        Some(Self { room, named })
    }
}

/// What a client asks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// `create_room`.
    Make { title: Text, kind: RoomKind, seats: Option<u32> },
    /// `list_rooms`.
    List(Filter),
    /// `join_room`.
    Join(Option<Entry>),
    /// `leave_room`.
    Leave,
    /// `send_message`.
    Send { kind: MessageKind, content: Text, entry: Option<Entry>, client_id: Option<ClientId> },
}

impl Heard {
    /// The client id of a send that has one.
    pub(super) fn client_id(&self) -> Option<&ClientId> {
        match self {
            Self::Send { client_id, .. } => client_id.as_ref(),
            Self::Make { .. } | Self::List(_) | Self::Join(_) | Self::Leave => None,
        }
    }
}

/// Which rooms are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    /// All.
    All,
    /// The public ones.
    Public,
    /// The others.
    Private,
    /// A type that no room has.
    None,
}

/// Why a frame is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unheard {
    /// It is no JSON: the connection ends.
    Broken,
    /// It is not what the contract says; with the client id that it had.
    Invalid(Option<ClientId>),
}

const INVALID: Unheard = Unheard::Invalid(None);

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct CreateRoom<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    max_users: Option<u32>,
}

#[derive(Deserialize)]
struct ListRooms {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct JoinRoom<'a> {
    #[serde(borrow)]
    room_id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct SendMessage<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(borrow)]
    room_id: Cow<'a, str>,
    client_id: Option<String>,
}

/// Reads a frame of this user's.
///
/// # Errors
/// [`Unheard`].
pub(super) fn read(frame: &str, me: &UserId) -> Result<Heard, Unheard> {
    let frame: Frame<'_> = json::object(frame).map_err(|bad| match bad {
        Bad::Broken => Unheard::Broken,
        Bad::Unfit => INVALID,
    })?;
    match &*frame.kind {
        "create_room" => create_room(data(frame.data)?),
        "list_rooms" => list_rooms(frame.data),
        "join_room" => data::<JoinRoom<'_>>(frame.data).map(|join| Heard::Join(Entry::by(&join.room_id, me))),
        // Whatever stands in it.
        "leave_room" => Ok(Heard::Leave),
        "send_message" => send_message(data(frame.data)?, me),
        _ => Err(INVALID),
    }
}

fn data<'a, T: Deserialize<'a>>(data: Option<&'a RawValue>) -> Result<T, Unheard> {
    json::object(data.ok_or(INVALID)?.get()).map_err(|_| INVALID)
}

fn create_room(asked: CreateRoom<'_>) -> Result<Heard, Unheard> {
    let kind = match &*asked.kind {
        "public" => RoomKind::Public,
        "private" => RoomKind::Private,
        _ => return Err(INVALID),
    };
    let seats_fit = asked.max_users.is_none_or(|seats| (SEATS_MIN..=SEATS_MAX).contains(&seats));
    if !seats_fit || !has_chars(&asked.name, TITLE_CHARS_MAX) {
        return Err(INVALID);
    }
    Ok(Heard::Make { title: Text::from(asked.name), kind, seats: asked.max_users })
}

fn list_rooms(asked: Option<&RawValue>) -> Result<Heard, Unheard> {
    let Some(asked) = asked else { return Ok(Heard::List(Filter::All)) };
    let asked: ListRooms = data(Some(asked))?;
    Ok(Heard::List(match asked.kind.as_deref() {
        None => Filter::All,
        Some("public") => Filter::Public,
        Some("private") => Filter::Private,
        Some(_) => Filter::None,
    }))
}

fn send_message(asked: SendMessage<'_>, me: &UserId) -> Result<Heard, Unheard> {
    let client_id = match asked.client_id.map(|id| ClientId::new(&id)) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return Err(INVALID),
    };
    let kind = match &*asked.kind {
        "text" => MessageKind::Text,
        "system" => MessageKind::System,
        _ => return Err(Unheard::Invalid(client_id)),
    };
    if !has_chars(&asked.content, CONTENT_CHARS_MAX) {
        return Err(Unheard::Invalid(client_id));
    }
    let entry = Entry::by(&asked.room_id, me);
    Ok(Heard::Send { kind, content: Text::from(asked.content), entry, client_id })
}

/// Whether a text has 1 to `most` characters.
fn has_chars(text: &str, most: usize) -> bool {
    !text.is_empty() && text.chars().nth(most).is_none()
}
