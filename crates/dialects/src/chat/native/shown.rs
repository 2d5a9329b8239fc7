//! Rooms, members and messages as answers of the native tongue show them.

use domain::Text;
use domain::command::RoomView;
use domain::history::{Belonging, Entry, Own, Reaction};
use domain::id::MessageId;
use domain::model::RoomKind;
use domain::watermark::{Mark, Reached};
use serde::Serialize;

use super::wire::{Place, User, message_kind, role, room_kind, status};
use crate::format::{Shown, Time};

/// A message as it is now.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    message_id: Shown<MessageId>,
    #[serde(flatten)]
    place: Place<'a>,
    kind: &'static str,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Shown<MessageId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<Time>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<Given<'a>>,
    delivered: bool,
    read: bool,
}

#[derive(Serialize)]
struct Given<'a> {
    emoji: &'a str,
    count: u64,
    users: Vec<u32>,
}

impl<'a> Message<'a> {
    /// An entry of a room's history; every one is of a message.
    pub(super) fn of(entry: &'a Entry, room_id: &'a str) -> Option<Self> {
        let sent = entry.sent.message()?;
        let given = |one: &'a Reaction| Given {
            emoji: &one.emoji,
            count: one.count,
            users: one.users.iter().map(|user| user.0).collect(),
        };
        Some(Self {
            message_id: Shown(sent.id),
            place: Place::of(&entry.sent, room_id),
            kind: message_kind(sent.kind),
            content: entry.content(),
            reply_to: sent.reply_to.map(Shown),
            edited_at: entry.edited.as_ref().map(|(_, at)| Time(*at)),
            reactions: entry.reactions.iter().map(given).collect(),
            delivered: entry.delivered,
            read: entry.read,
        })
    }
}

/// A room as one has it.
#[derive(Serialize)]
pub(super) struct Room<'a> {
    id: &'a str,
    title: &'a str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    with: Option<User<'a>>,
    muted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_users: Option<u32>,
    head: Head,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<Upto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered: Option<Upto>,
    unread: u64,
    mentions: u64,
    made_at: Time,
    changed_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Message<'a>>,
}

#[derive(Serialize)]
struct Head {
    offset: u64,
    seq: u64,
}

/// A mark.
#[derive(Serialize)]
pub(super) struct Upto {
    offset: u64,
    at: Time,
}

impl From<Reached> for Upto {
    fn from(reached: Reached) -> Self {
        Self { offset: reached.offset.0, at: Time(reached.at) }
    }
}

impl<'a> Room<'a> {
    /// One's own room, or one that one may read, under this id.
    pub(super) fn of(own: &'a Own, id: &'a str) -> Self {
        let belongs = own.member.filter(|member| member.status == domain::model::Status::Active);
        Self {
            id,
            title: if own.kind == RoomKind::Direct { id } else { &own.title },
            kind: room_kind(own.kind),
            role: belongs.map(|member| role(member.role)),
            with: own.other.as_ref().map(User::from),
            muted: own.member.is_some_and(|member| member.muted),
            max_users: own.seats,
            head: Head { offset: own.last.0, seq: own.head.0 },
            read: own.marks.of(Mark::Read).map(Upto::from),
            delivered: own.marks.of(Mark::Delivered).map(Upto::from),
            unread: own.unread,
            mentions: own.mentions,
            made_at: Time(own.made_at),
            changed_at: Time(own.changed_at),
            last: own.newest.as_ref().and_then(|entry| Message::of(entry, id)),
        }
    }
}

/// A room that anybody may join.
#[derive(Serialize)]
pub(super) struct PublicRoom<'a> {
    id: Shown<Text>,
    title: &'a str,
    kind: &'static str,
    max_users: u32,
    present: usize,
    made_at: Time,
    changed_at: Time,
}

impl<'a> From<&'a RoomView> for PublicRoom<'a> {
    fn from(view: &'a RoomView) -> Self {
        Self {
            id: Shown(view.key.shown()),
            title: &view.title,
            kind: room_kind(view.kind),
            max_users: view.seats,
            present: view.present,
            made_at: Time(view.made_at),
            changed_at: Time(view.changed_at),
        }
    }
}

/// A member of a room.
#[derive(Serialize)]
pub(super) struct Member<'a> {
    user: User<'a>,
    role: &'static str,
    status: &'static str,
    muted: bool,
    online: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<Upto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered: Option<Upto>,
}

impl<'a> From<&'a (Belonging, bool)> for Member<'a> {
    fn from((one, online): &'a (Belonging, bool)) -> Self {
        Self {
            user: User::from(&one.who),
            role: role(one.member.role),
            status: status(one.member.status),
            muted: one.member.muted,
            online: *online,
            read: one.marks.of(Mark::Read).map(Upto::from),
            delivered: one.marks.of(Mark::Delivered).map(Upto::from),
        }
    }
}
