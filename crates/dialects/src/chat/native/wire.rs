//! The frames of the native tongue, field for field as on the wire.

use std::sync::Arc;

use domain::Text;
use domain::event::{Event, Marked, Signal, SignalKind, Status, What};
use domain::id::{ClientId, Cursor, MessageId, Offset};
use domain::model::{MessageKind, Person, Role, RoomKind};
use domain::watermark::Mark;
use serde::{Serialize, Serializer};

use crate::format::{Shown, Time};
use crate::{Audience, Whose};

/// Every frame.
#[derive(Serialize)]
pub(super) struct Frame<'a, D: Serialize> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) data: D,
}

/// A person, everywhere.
#[derive(Serialize)]
pub(super) struct User<'a> {
    id: &'a str,
    number: u32,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

impl<'a> From<&'a Arc<Person>> for User<'a> {
    fn from(who: &'a Arc<Person>) -> Self {
        Self { id: who.id.as_str(), number: who.number.0, name: &who.name, email: who.email.as_deref() }
    }
}

/// Where something stands in the log, when, and who did it.
#[derive(Serialize)]
pub(super) struct Place<'a> {
    room_id: &'a str,
    offset: u64,
    seq: u64,
    cursor: Shown<Cursor>,
    at: Time,
    by: User<'a>,
}

impl<'a> Place<'a> {
    pub(super) fn of(event: &'a Event, room_id: &'a str) -> Self {
        Self {
            room_id,
            offset: event.offset.0,
            seq: event.seq.0,
            cursor: Shown(event.cursor()),
            at: Time(event.at),
            by: User::from(&event.by),
        }
    }
}

/// An event as it is told.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    data: Happened<'a>,
}

#[derive(Serialize)]
struct Happened<'a> {
    #[serde(flatten)]
    what: Changed<'a>,
    #[serde(flatten)]
    place: Place<'a>,
}

/// What happened, in its own keys.
#[derive(Serialize)]
#[serde(untagged)]
enum Changed<'a> {
    Message {
        message_id: Shown<MessageId>,
        kind: &'static str,
        content: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_to: Option<Shown<MessageId>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<&'a str>,
    },
    Edited {
        message_id: Shown<MessageId>,
        of: u64,
        content: &'a str,
    },
    Deleted {
        message_id: Shown<MessageId>,
        of: u64,
    },
    Reaction {
        message_id: Shown<MessageId>,
        of: u64,
        emoji: &'a str,
        on: bool,
    },
    RoomMade {
        title: &'a str,
        kind: &'static str,
    },
    Retitled {
        title: &'a str,
    },
    Member {
        user_id: &'a str,
        role: &'static str,
        status: &'static str,
        muted: bool,
    },
    Removed {
        user_id: &'a str,
        barred: bool,
    },
    /// What another door keeps for itself: that it was, so that no place is left out.
    Notice {},
}

impl<'a> Told<'a> {
    /// An event as this listener is told of it.
    pub(super) fn of(event: &'a Event, to: Audience<'a>) -> Self {
        let (kind, what) = match &event.what {
            What::Sent(message) => {
                let own = matches!(to.whose, Whose::Origin | Whose::Actor);
                let what = Changed::Message {
                    message_id: Shown(message.id),
                    kind: message_kind(message.kind),
                    content: &message.content,
                    reply_to: message.reply_to.map(Shown),
                    client_id: message.client_id.as_ref().filter(|_| own).map(ClientId::as_str),
                };
                ("message", what)
            }
            What::Edited { message, of, content, .. } => {
                ("edited", Changed::Edited { message_id: Shown(*message), of: of.0, content })
            }
            What::Deleted { message, of, .. } => {
                ("deleted", Changed::Deleted { message_id: Shown(*message), of: of.0 })
            }
            What::Reacted { message, of, emoji, on } => {
                ("reaction", Changed::Reaction { message_id: Shown(*message), of: of.0, emoji, on: *on })
            }
            What::RoomMade { kind, title, .. } => ("room_made", Changed::RoomMade { title, kind: room_kind(*kind) }),
            What::Retitled { title } => ("retitled", Changed::Retitled { title }),
            What::MemberSet { user, member } => {
                let (user_id, role, status) = (user.as_str(), role(member.role), status(member.status));
                ("member", Changed::Member { user_id, role, status, muted: member.muted })
            }
            What::MemberRemoved { user, barred } => {
                ("removed", Changed::Removed { user_id: user.as_str(), barred: *barred })
            }
            What::Notice { .. } => ("notice", Changed::Notice {}),
        };
        Self { kind, data: Happened { what, place: Place::of(event, to.room) } }
    }
}

/// What is true only now.
#[derive(Serialize)]
pub(super) struct Now<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    data: Seen<'a>,
}

#[derive(Serialize)]
struct Seen<'a> {
    room_id: &'a str,
    user: User<'a>,
    #[serde(flatten)]
    what: Doing,
    at: Time,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Doing {
    Typing {
        on: bool,
    },
    Here {
        here: bool,
    },
    Receipt {
        kind: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        offset: Option<u64>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        message_ids: Vec<Shown<MessageId>>,
    },
}

impl<'a> Now<'a> {
    /// A signal, where there is something to tell of it.
    pub(super) fn of(signal: &'a Signal, room_id: &'a str) -> Option<Self> {
        let (kind, what) = match &signal.kind {
            SignalKind::Typing { started, .. } => ("typing", Doing::Typing { on: *started }),
            SignalKind::Came { .. } => ("here", Doing::Here { here: true }),
            SignalKind::Went { .. } => ("here", Doing::Here { here: false }),
            SignalKind::Marked { mark, messages, upto, .. } | SignalKind::Reached { mark, messages, upto } => {
                ("receipt", receipt(*mark, messages, *upto)?)
            }
            SignalKind::Again | SignalKind::Said { .. } => return None,
        };
        Some(Self { kind, data: Seen { room_id, user: User::from(&signal.who), what, at: Time(signal.at) } })
    }
}

fn receipt(mark: Mark, messages: &[Marked], upto: Option<Offset>) -> Option<Doing> {
    let kind = match mark {
        Mark::Delivered => "delivered",
        Mark::Read => "read",
    };
    let message_ids: Vec<_> = messages.iter().map(|marked| Shown(marked.id)).collect();
    let something = upto.is_some() || !message_ids.is_empty();
    something.then_some(Doing::Receipt { kind, offset: upto.map(|upto| upto.0), message_ids })
}

/// Somebody came online or went.
#[derive(Serialize)]
pub(super) struct Presence<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    data: Online<'a>,
}

#[derive(Serialize)]
struct Online<'a> {
    user: User<'a>,
    online: bool,
    at: Time,
}

impl<'a> Presence<'a> {
    /// A status.
    pub(super) fn of(status: &'a Status) -> Self {
        let data = Online { user: User::from(&status.who), online: status.online, at: Time(status.at) };
        Self { kind: "presence", data }
    }
}

/// `hello`, as it is answered.
#[derive(Serialize)]
pub(super) struct Hello<'a> {
    pub(super) version: u8,
    pub(super) features: Vec<&'static str>,
    pub(super) user: User<'a>,
    pub(super) limits: Limits,
    pub(super) cursor: Shown<Cursor>,
    pub(super) resumed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
}

/// What a client has to know of bounds.
#[derive(Serialize)]
pub(super) struct Limits {
    pub(super) content_bytes: usize,
    pub(super) history: u32,
    pub(super) heartbeat_ms: u64,
}

/// A cursor and nothing else.
#[derive(Serialize)]
pub(super) struct At {
    pub(super) cursor: Shown<Cursor>,
}

/// A send, as it is acknowledged.
#[derive(Serialize)]
pub(super) struct Ack<'a> {
    pub(super) client_id: &'a str,
    pub(super) message_id: Shown<MessageId>,
    pub(super) room_id: Shown<Text>,
    pub(super) offset: u64,
    pub(super) seq: u64,
    pub(super) cursor: Shown<Cursor>,
    pub(super) at: Time,
    pub(super) repeat: bool,
}

/// A change of a message, as it is acknowledged.
#[derive(Serialize)]
pub(super) struct Change {
    pub(super) message_id: Shown<MessageId>,
    pub(super) room_id: Shown<Text>,
    pub(super) offset: u64,
    pub(super) seq: u64,
    pub(super) cursor: Shown<Cursor>,
    pub(super) at: Time,
}

/// Who belongs to a room.
#[derive(Serialize)]
pub(super) struct Members<'a> {
    pub(super) room_id: &'a str,
    pub(super) members: Vec<super::shown::Member<'a>>,
}

/// Messages of a room.
#[derive(Serialize)]
pub(super) struct Messages<'a> {
    pub(super) room_id: &'a str,
    pub(super) messages: Vec<super::shown::Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total: Option<u64>,
}

/// An error.
#[derive(Serialize)]
pub(super) struct Error {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after_ms: Option<u64>,
}

/// One thing under its name.
pub(super) struct Under<D>(pub(super) &'static str, pub(super) D);

impl<D: Serialize> Serialize for Under<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.0, &self.1)])
    }
}

/// Nothing to say.
#[derive(Serialize)]
pub(super) struct Nothing {}

pub(super) fn message_kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Text => "text",
        MessageKind::System => "system",
        MessageKind::Broadcast => "broadcast",
    }
}

pub(super) fn room_kind(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Public => "public",
        RoomKind::Private => "private",
        RoomKind::Guild => "guild",
        RoomKind::Direct => "direct",
    }
}

pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::Member => "member",
        Role::Moderator => "moderator",
        Role::Owner => "owner",
    }
}

pub(super) fn status(status: domain::model::Status) -> &'static str {
    match status {
        domain::model::Status::Active => "active",
        domain::model::Status::Inactive => "inactive",
        domain::model::Status::Blocked => "blocked",
    }
}
