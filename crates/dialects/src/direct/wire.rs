//! The frames and bodies of `direct`, field for field as on the wire.

use std::fmt::{self, Display};

use domain::event::Event;
use domain::history::Entry;
use domain::id::Millis;
use domain::model::Person;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::format::Time;

/// A message's status as long as nobody's end has answered for it.
pub(super) const SENT: &str = "sent";

/// A time as this wire has it: UTC without saying so, and with microseconds, unless there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Naive(pub(super) Millis);

impl Display for Naive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = i64::try_from(self.0.0).unwrap_or(i64::MAX);
        // Out of range only past the year 9999, where the last representable moment is as good as any.
        let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
        write!(f, "{}", time.strftime("%Y-%m-%dT%H:%M:%S"))?;
        match time.subsec_microsecond() {
            0 => Ok(()),
            fraction => write!(f, ".{fraction:06}"),
        }
    }
}

impl Serialize for Naive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The first frame.
#[derive(Serialize)]
#[serde(tag = "type", rename = "connection_established")]
pub(super) struct Established {
    pub(super) user_id: u32,
    pub(super) message: &'static str,
}

/// Who is online.
#[derive(Serialize)]
#[serde(tag = "type", rename = "online_users")]
pub(super) struct OnlineUsers<'a> {
    pub(super) users: &'a [u32],
}

/// Somebody came online, or went.
#[derive(Serialize)]
#[serde(tag = "type", rename = "user_status")]
pub(super) struct UserStatus {
    user_id: u32,
    status: &'static str,
}

impl UserStatus {
    pub(super) fn of(who: &Person, online: bool) -> Self {
        Self { user_id: who.number.0, status: if online { "online" } else { "offline" } }
    }
}

/// A message, as it is pushed.
#[derive(Serialize)]
#[serde(tag = "type", rename = "new_message")]
pub(super) struct NewMessage<'a> {
    message: Message<'a>,
}

impl<'a> NewMessage<'a> {
    pub(super) fn of(event: &'a Event, content: &'a str) -> Self {
        Self { message: Message::of(event, content, SENT) }
    }
}

/// A message. Its id is where it stands in the log, its conversation's is where that began there.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    id: u64,
    conversation_id: u64,
    sender_id: u32,
    content: &'a str,
    timestamp: Naive,
    status: &'static str,
}

impl<'a> Message<'a> {
    /// A message that was sent, with this content and status.
    pub(super) fn of(sent: &'a Event, content: &'a str, status: &'static str) -> Self {
        Self {
            id: sent.offset.0,
            conversation_id: sent.born.0,
            sender_id: sent.by.number.0,
            content,
            timestamp: Naive(sent.at),
            status,
        }
    }

    /// A message as it is now.
    pub(super) fn now(entry: &'a Entry) -> Self {
        let status = match (entry.read, entry.delivered) {
            (true, _) => "read",
            (false, true) => "delivered",
            (false, false) => SENT,
        };
        Self::of(&entry.sent, entry.content(), status)
    }
}

/// A user.
#[derive(Serialize)]
pub(super) struct User<'a> {
    username: &'a str,
    id: u32,
    email: Option<&'a str>,
    full_name: Option<&'a str>,
    bio: Option<&'a str>,
    avatar_url: Option<&'a str>,
    created_at: Option<Naive>,
}

impl<'a> User<'a> {
    pub(super) fn of(user: &'a domain::model::User) -> Self {
        let (person, profile) = (&user.person, &user.profile);
        Self {
            username: &person.name,
            id: person.number.0,
            email: person.email.as_deref(),
            full_name: profile.full_name.as_deref(),
            bio: profile.bio.as_deref(),
            avatar_url: profile.avatar_url.as_deref(),
            created_at: profile.made_at.map(Naive),
        }
    }
}

/// A conversation, with its newest message.
#[derive(Serialize)]
pub(super) struct Conversation<'a> {
    id: u64,
    participant_1_id: u32,
    participant_1: User<'a>,
    participant_2_id: u32,
    participant_2: User<'a>,
    created_at: Naive,
    last_message: Option<Message<'a>>,
}

impl<'a> Conversation<'a> {
    pub(super) fn of(conversation: &'a domain::history::Conversation) -> Self {
        let [one, other] = &conversation.users;
        Self {
            id: conversation.born.0,
            participant_1_id: one.person.number.0,
            participant_1: User::of(one),
            participant_2_id: other.person.number.0,
            participant_2: User::of(other),
            created_at: Naive(conversation.made_at),
            last_message: conversation.last.as_ref().map(Message::now),
        }
    }
}

/// What stands at the prefix.
#[derive(Serialize)]
pub(super) struct Info {
    service: &'static str,
    version: &'static str,
    status: &'static str,
    dev_mode: bool,
    endpoints: Endpoints,
}

#[derive(Serialize)]
struct Endpoints {
    messages: String,
    conversations: String,
    users: String,
    websocket: String,
}

impl Info {
    pub(super) fn of(prefix: &str, dev_mode: bool) -> Self {
        let at = |path: &str| format!("{prefix}{path}");
        Self {
            service: "messaging-service",
            // One for all crates of the workspace.
            version: env!("CARGO_PKG_VERSION"),
            status: "running",
            dev_mode,
            endpoints: Endpoints {
                messages: at("/messages/"),
                conversations: at("/conversations/"),
                users: at("/users/"),
                websocket: at("/ws/{user_id}"),
            },
        }
    }
}

/// `GET /health`.
#[derive(Serialize)]
pub(super) struct Health {
    pub(super) status: &'static str,
    pub(super) active_connections: usize,
    pub(super) active_rooms: usize,
    pub(super) timestamp: Time,
}

/// Every error.
#[derive(Serialize)]
pub(super) struct Detail {
    pub(super) detail: &'static str,
}
