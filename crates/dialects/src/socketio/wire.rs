//! What `socketio` says, field for field as on the wire and in the order of its keys (facts 3 to 5).

use std::borrow::Cow;

use domain::Text;
use domain::event::Event;
use domain::history::Entry;
use domain::id::{MessageId, Millis};
use domain::limits::EXTRA_BYTES_MAX;
use domain::model::{Message as Said, MessageKind, Person, RoomKey};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::door;
use crate::format::{Shown, Time};

/// What a message is when its sender says nothing else.
pub(super) const TEXT: &str = "text";
/// What the room itself says (RULES 14).
const SYSTEM: &str = "system";
/// How much of an unnamed sender's id is shown (facts 3).
const ID_CHARS_SHOWN: usize = 8;

/// A message, wherever it is said.
#[derive(Debug)]
pub(super) struct Message<'a> {
    id: MessageId,
    sender_id: &'a str,
    addressed: Addressed<'a>,
    content: &'a str,
    message_type: Cow<'a, str>,
    is_delivered: bool,
    is_read: bool,
    created_at: Millis,
    updated_at: Millis,
    names: Names<'a>,
}

/// To whom a message is addressed: one of `room_id` and `receiver_id` is set, the other is null.
#[derive(Debug)]
enum Addressed<'a> {
    Room(Cow<'a, str>),
    Receiver(&'a str),
}

/// The three names of a sender, all of them what we know of the user, and where they stand.
#[derive(Debug)]
enum Names<'a> {
    /// `username, sender_name, sender_display_name`.
    Usual(Cow<'a, str>),
    /// `sender_name, sender_display_name, username`, in a room's history.
    History(Cow<'a, str>),
    /// The row alone.
    None,
}

/// From where a message is looked at. It decides how a direct message is addressed.
#[derive(Debug, Clone, Copy)]
pub(super) enum View<'a> {
    /// From inside the room, which the viewer calls so.
    Inside(&'a str),
    /// By its author, who sees it addressed as it was.
    Author,
    /// As a direct message, by one of the two.
    Direct,
}

impl<'a> Message<'a> {
    /// A message as it was sent; none when the event is another one.
    pub(super) fn sent(event: &'a Event, view: View<'a>) -> Option<Self> {
        event.message().map(|said| Self::new(event, said, view))
    }

    /// A message as it is now.
    pub(super) fn now(entry: &'a Entry, view: View<'a>) -> Option<Self> {
        let message = Self::sent(&entry.sent, view)?;
        let edited_at = entry.edited.as_ref().map(|(_, at)| *at);
        let changes = [edited_at, entry.marked_at, Some(message.created_at)];
        Some(Self {
            content: entry.content(),
            is_delivered: entry.delivered || entry.read,
            is_read: entry.read,
            updated_at: changes.into_iter().flatten().max().unwrap_or(message.created_at),
            ..message
        })
    }

    fn new(event: &'a Event, said: &'a Said, view: View<'a>) -> Self {
        let extra = Extra::of(event, said);
        let message_type = match (&extra.message_type, said.kind) {
            (Some(_), _) => extra.message_type.unwrap_or_default().into(),
            (None, MessageKind::System) => SYSTEM.into(),
            (None, MessageKind::Text | MessageKind::Broadcast) => TEXT.into(),
        };
        let shown = || Addressed::Room(event.room.shown().to_string().into());
        let addressed = match (view, &event.room, extra.room_id) {
            (View::Inside(room), ..) => Addressed::Room(room.into()),
            (View::Author, _, Some(given)) => Addressed::Room(given.into()),
            (View::Direct, _, Some(_)) => shown(),
            (View::Author | View::Direct, RoomKey::Pair(..), None) => {
                event.room.other(&event.by.id).map_or_else(shown, |other| Addressed::Receiver(other.as_str()))
            }
            (View::Author | View::Direct, RoomKey::Named(_) | RoomKey::Relay(_), None) => shown(),
        };
        Self {
            id: said.id,
            sender_id: event.by.id.as_str(),
            addressed,
            content: &said.content,
            message_type,
            is_delivered: false,
            is_read: false,
            created_at: event.at,
            updated_at: event.at,
            names: Names::Usual(name(&event.by)),
        }
    }

    /// Whether it is addressed to a receiver.
    pub(super) fn is_direct(&self) -> bool {
        matches!(self.addressed, Addressed::Receiver(_))
    }

    /// The same with its names in the order of a room's history.
    pub(super) fn in_history(self) -> Self {
        let names = match self.names {
            Names::Usual(name) | Names::History(name) => Names::History(name),
            Names::None => Names::None,
        };
        Self { names, ..self }
    }

    /// The same without names.
    pub(super) fn row(self) -> Self {
        Self { names: Names::None, ..self }
    }
}

impl Serialize for Message<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (receiver, room) = match &self.addressed {
            Addressed::Room(room) => (None, Some(&**room)),
            Addressed::Receiver(receiver) => (Some(*receiver), None),
        };
        let mut fields = serializer.serialize_struct("Message", 13)?;
        fields.serialize_field("id", &Shown(self.id))?;
        fields.serialize_field("sender_id", self.sender_id)?;
        fields.serialize_field("receiver_id", &receiver)?;
        fields.serialize_field("room_id", &room)?;
        fields.serialize_field("content", self.content)?;
        fields.serialize_field("message_type", &self.message_type)?;
        fields.serialize_field("is_delivered", &self.is_delivered)?;
        fields.serialize_field("is_read", &self.is_read)?;
        fields.serialize_field("created_at", &Time(self.created_at))?;
        fields.serialize_field("updated_at", &Time(self.updated_at))?;
        let (names, name): (&[&'static str], &str) = match &self.names {
            Names::Usual(name) => (&["username", "sender_name", "sender_display_name"], name),
            Names::History(name) => (&["sender_name", "sender_display_name", "username"], name),
            Names::None => (&[], ""),
        };
        for key in names {
            fields.serialize_field(key, name)?;
        }
        fields.end()
    }
}

/// What somebody is called. Of whom nothing but a UUID is known is called by its beginning, as in facts 3; an id that is
/// no UUID was given by somebody, and says more than its beginning.
fn name(person: &Person) -> Cow<'_, str> {
    let id = person.id.as_str();
    if *person.name == *id && uuid::Uuid::try_parse(id).is_ok() {
        format!("User{}", id.chars().take(ID_CHARS_SHOWN).collect::<String>()).into()
    } else {
        Cow::Borrowed(&person.name)
    }
}

/// What this door keeps with a message that no other door understands (HAZARDS 25).
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Extra {
    /// A direct message was addressed to its room, by this name, and not to its receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) room_id: Option<String>,
    /// What it is, when it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message_type: Option<String>,
}

impl Extra {
    /// What was kept with a message that came through this door.
    pub(super) fn of(event: &Event, said: &Said) -> Self {
        let kept = said.extra.as_deref().filter(|_| event.door == door::SOCKETIO);
        kept.and_then(|extra| serde_json::from_str(extra).ok()).unwrap_or_default()
    }

    /// As it is kept; none when there is nothing to keep.
    pub(super) fn kept(&self) -> Option<Text> {
        if self.room_id.is_none() && self.message_type.is_none() {
            return None;
        }
        // A room's name has 255 bytes and a type 50 characters, so it fits.
        serde_json::to_string(self).ok().filter(|text| text.len() <= EXTRA_BYTES_MAX).map(Text::from)
    }
}

/// `authenticated`.
#[derive(Serialize)]
pub(super) struct Authenticated<'a> {
    pub(super) success: bool,
    #[serde(rename = "userId", skip_serializing_if = "Option::is_none")]
    pub(super) user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<&'a str>,
}

/// `room_joined`.
#[derive(Serialize)]
pub(super) struct RoomJoined<'a> {
    #[serde(rename = "roomId")]
    pub(super) room_id: &'a str,
    pub(super) messages: Vec<Message<'a>>,
    pub(super) success: bool,
}

/// `room_left`.
#[derive(Serialize)]
pub(super) struct RoomLeft<'a> {
    #[serde(rename = "roomId")]
    pub(super) room_id: &'a str,
    pub(super) success: bool,
}

/// `user_joined`, `user_left` and `user_typing`.
#[derive(Serialize)]
pub(super) struct UserIn<'a> {
    #[serde(rename = "userId")]
    pub(super) user_id: &'a str,
    #[serde(rename = "roomId")]
    pub(super) room_id: &'a str,
}

/// `messages_read`.
#[derive(Serialize)]
pub(super) struct MessagesRead<'a> {
    #[serde(rename = "userId")]
    pub(super) user_id: &'a str,
    #[serde(rename = "messageIds")]
    pub(super) message_ids: Vec<Shown<MessageId>>,
    #[serde(rename = "roomId")]
    pub(super) room_id: &'a str,
}

/// `marked_read`.
#[derive(Serialize)]
pub(super) struct MarkedRead {
    pub(super) success: bool,
    #[serde(rename = "messageIds")]
    pub(super) message_ids: Vec<Shown<MessageId>>,
}

/// `message_deleted`; without the room for a direct message.
#[derive(Serialize)]
pub(super) struct MessageDeleted<'a> {
    #[serde(rename = "messageId")]
    pub(super) message_id: Shown<MessageId>,
    #[serde(rename = "roomId", skip_serializing_if = "Option::is_none")]
    pub(super) room_id: Option<&'a str>,
}

/// `error`.
#[derive(Serialize)]
pub(super) struct Error<'a> {
    pub(super) message: &'a str,
}

/// The acknowledgement of `send_message`.
#[derive(Serialize)]
pub(super) struct Sent<'a> {
    pub(super) success: bool,
    pub(super) message: Message<'a>,
}

/// The acknowledgement of what has nothing else to tell.
#[derive(Serialize)]
pub(super) struct Done {
    pub(super) success: bool,
}

/// The acknowledgement of what was not done.
#[derive(Serialize)]
pub(super) struct NotDone<'a> {
    pub(super) success: bool,
    pub(super) error: &'a str,
}

/// The acknowledgement of `get_typing_users`.
#[derive(Serialize)]
pub(super) struct Writers<'a> {
    pub(super) success: bool,
    #[serde(rename = "typingUsers")]
    pub(super) typing_users: Vec<&'a str>,
}

/// Every answer of REST that has data, and most that have not.
#[derive(Serialize)]
pub(super) struct Response<'a, T> {
    pub(super) success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pagination: Option<Pagination>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<Time>,
}

/// Where in a history a page is.
#[derive(Serialize)]
pub(super) struct Pagination {
    pub(super) limit: u32,
    pub(super) offset: u32,
    pub(super) total: u64,
}

/// `GET /messages/unread/:roomId`.
#[derive(Serialize)]
pub(super) struct Unread {
    pub(super) count: u64,
}

/// `POST /presence/users`.
#[derive(Serialize)]
pub(super) struct Presence<'a> {
    pub(super) success: bool,
    #[serde(rename = "onlineStatus", serialize_with = "in_order")]
    pub(super) online_status: Vec<(&'a str, bool)>,
}

/// An object of these keys and values, in the order given.
fn in_order<S: Serializer>(pairs: &[(&str, bool)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}
