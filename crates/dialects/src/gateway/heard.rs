//! What a client's frame means: its route is `action`. Groups have their own page, [`super::group`].
//!
//! A frame speaks as one user, its connection's, in every mode (page 2): whoever it names as its speaker is compared, and
//! another one makes it a frame that can't be taken, like an unknown action.

use std::sync::Arc;

use domain::Text;
use domain::command::GroupChange;
use domain::id::{ClientId, Millis, UserId};
use domain::limits::{MARKED_MAX, ROOM_NAME_BYTES_MAX};
use domain::model::{Person, RoomKey};
use domain::query::Place;
use domain::rules::name;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::kept::{self, Kept, More};
use super::{group, wire};
use crate::json;

/// What a frame means.
#[derive(Debug)]
pub(super) enum Heard {
    /// Nothing that this server does: a sign of life, or a device for notices that are sent elsewhere.
    Nothing,
    /// To be told when all that was missed has been told.
    CatchUp,
    /// A message.
    Say(Box<Say>),
    /// Messages are to be found first, and then this is done to them.
    Find(Find, Then),
    /// They began or stopped writing; the frame for the others.
    Typing { room: RoomKey, started: bool, frame: Text },
    /// They say whether they are there.
    Declare(bool),
    /// A change of a group, and the frame that its members are told by.
    Group { room: RoomKey, change: GroupChange, notice: Text },
}

/// A frame that means nothing here, or isn't this user's to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unheard;

/// A message as it was said.
#[derive(Debug)]
pub(super) struct Say {
    pub(super) to: To,
    pub(super) id: ClientId,
    pub(super) content: Text,
    /// The name of a conversation of two, which goes with the message.
    pub(super) alias: Option<Text>,
    pub(super) kept: Kept,
    pub(super) more: More,
}

/// To whom.
#[derive(Debug, Clone)]
pub(super) enum To {
    One(UserId),
    Group(RoomKey),
}

impl To {
    /// The room that this is, when `me` says something there.
    pub(super) fn room(&self, me: &UserId) -> RoomKey {
        match self {
            Self::One(other) => RoomKey::pair(me.clone(), other.clone()),
            Self::Group(room) => room.clone(),
        }
    }
}

/// Which messages.
#[derive(Debug, Clone)]
pub(super) struct Find {
    /// Where they are to be.
    pub(super) place: Place,
    /// Where else they may be, when none is there: the frame doesn't say whether it means a group.
    pub(super) or: Option<RoomKey>,
    /// Who is to have sent them; whoever is in that room when not said.
    pub(super) by: Option<UserId>,
    /// Their ids.
    pub(super) ids: Arc<[Text]>,
}

/// What is to be done to them.
#[derive(Debug)]
pub(super) enum Then {
    /// They were read; who the reader takes to have sent each of them, where that was said.
    Read(Vec<Option<UserId>>),
    /// It has another content.
    Edit(Text),
    /// It is taken away.
    Delete,
}

/// The keys by which a frame says which conversation it means.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Target {
    conversation_id: Option<String>,
    recipient_id: Option<String>,
    recipient_ids: Option<Vec<String>>,
    is_group_chat: Option<bool>,
}

impl Target {
    /// The conversation's name, which every action but presence must have.
    fn named(&self) -> Result<&str, Unheard> {
        let fits = |name: &&str| !name.is_empty() && name.len() <= ROOM_NAME_BYTES_MAX;
        self.conversation_id.as_deref().filter(fits).ok_or(Unheard)
    }

    fn is_group(&self) -> bool {
        self.is_group_chat == Some(true)
    }

    fn group(&self, me: &UserId) -> Result<RoomKey, Unheard> {
        room(self.named()?, me)
    }

    /// The other of a conversation of two: `recipientId`, or the only one in `recipientIds` beside the speaker.
    fn recipient(&self, me: &UserId) -> Result<Option<UserId>, Unheard> {
        let others = self.recipient_ids.iter().flatten().filter(|id| **id != *me.as_str());
        let mut others = others.map(String::as_str);
        let only = others.next().filter(|_| others.next().is_none());
        let given = self.recipient_id.as_deref().filter(|id| !id.is_empty()).or(only);
        given.map(|id| UserId::new(id).map_err(|_| Unheard)).transpose()
    }

    /// Who is spoken to.
    fn to(&self, me: &UserId) -> Result<To, Unheard> {
        if self.is_group() { self.group(me).map(To::Group) } else { self.recipient(me)?.map(To::One).ok_or(Unheard) }
    }

    /// Where messages are to be found.
    fn find(&self, me: &UserId, other: Option<UserId>, by: Option<UserId>, ids: Vec<Text>) -> Result<Find, Unheard> {
        let name = self.named()?;
        let mut or = None;
        let place = if self.is_group() {
            Place::Room(room(name, me)?)
        } else if let Some(other) = other {
            Place::Room(RoomKey::pair(me.clone(), other))
        } else {
            match room(name, me) {
                // A conversation that is told by the room's own name, because nobody has named it here.
                Ok(pair @ RoomKey::Pair(..)) => Place::Room(pair),
                named => {
                    // `readAck` never says whether it means a group.
                    or = named.ok().filter(|_| self.is_group_chat.is_none());
                    Place::Alias(name.into())
                }
            }
        };
        Ok(Find { place, or, by, ids: ids.into() })
    }
}

/// The room that a group's id means (RULES 9).
pub(super) fn room(name: &str, me: &UserId) -> Result<RoomKey, Unheard> {
    name::resolve(name, me).map_err(|_| Unheard)
}

/// A frame's fields.
pub(super) fn fields<'a, T: Deserialize<'a>>(frame: &'a str) -> Result<T, Unheard> {
    json::object(frame).map_err(|_| Unheard)
}

/// Whoever a frame names as its speaker is the connection's user (page 2); one that names nobody speaks as them.
pub(super) fn speaks(given: Option<&str>, me: &UserId) -> Result<(), Unheard> {
    if given.is_none_or(|id| id == me.as_str()) { Ok(()) } else { Err(Unheard) }
}

/// What the contract wants: there, and not empty.
pub(super) fn wanted(given: Option<String>) -> Result<String, Unheard> {
    given.filter(|text| !text.is_empty()).ok_or(Unheard)
}

#[derive(Deserialize)]
struct Route<'a> {
    #[serde(borrow)]
    action: Option<&'a RawValue>,
}

/// The actions of [`read`].
const ACTIONS: [&str; 14] = [
    "sendMessage",
    "markRead",
    "readAck",
    "typing",
    "presenceUpdate",
    "editMessage",
    "deleteMessage",
    "groupCreated",
    "groupUpdate",
    "groupMembersAdded",
    "groupMemberLeft",
    "catchUp",
    "ping",
    "registerDevice",
];

/// Reads a frame of this user's.
///
/// # Errors
/// [`Unheard`] when it is no JSON, has no action that there is, or not what the action wants.
pub(super) fn read(frame: &str, who: &Person, now: Millis) -> Result<Heard, Unheard> {
    let route: Route<'_> = fields(frame)?;
    let action = route.action.and_then(json::text).ok_or(Unheard)?;
    match &*action {
        "sendMessage" => say(frame, who, now),
        "markRead" | "readAck" => mark_read(frame, &who.id),
        "typing" => typing(frame, who),
        "presenceUpdate" => declare(frame, &who.id),
        "editMessage" | "deleteMessage" => change(frame, &who.id, action == "editMessage"),
        "groupCreated" => group::created(frame, who, now),
        "groupUpdate" => group::updated(frame, who, now),
        "groupMembersAdded" => group::members_added(frame, who, now),
        "groupMemberLeft" => group::member_left(frame, who, now),
        "catchUp" => Ok(Heard::CatchUp),
        // What the contract's own client says although nobody there listens (facts 2), and push notices (RULES 15).
        "ping" | "registerDevice" => Ok(Heard::Nothing),
        _ => Err(Unheard),
    }
}

/// Whether an action is one that this door knows.
pub(super) fn is_ours(action: &str) -> bool {
    ACTIONS.contains(&action)
}

fn say(frame: &str, who: &Person, now: Millis) -> Result<Heard, Unheard> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields {
        message_id: Option<String>,
        sender_id: Option<String>,
        sender_name: Option<String>,
        content: Option<String>,
        timestamp: Option<String>,
        conversation_name: Option<String>,
        nickname: Option<String>,
    }
    let (said, target): (Fields, Target) = (fields(frame)?, fields(frame)?);
    speaks(Some(&wanted(said.sender_id)?), &who.id)?;
    let id = ClientId::new(&wanted(said.message_id)?).map_err(|_| Unheard)?;
    let (content, to) = (Text::from(wanted(said.content)?), target.to(&who.id)?);
    let alias = match &to {
        To::One(_) => Some(target.named()?.into()),
        To::Group(_) => None,
    };
    let calls_it = kept::name(said.conversation_name).or_else(|| kept::name(said.nickname));
    let kept = Kept {
        sender_name: kept::sender_name(who, said.sender_name),
        timestamp: kept::timestamp(said.timestamp, now),
        conversation_name: calls_it.filter(|_| target.is_group()),
    };
    Ok(Heard::Say(Box::new(Say { to, id, content, alias, kept, more: fields(frame)? })))
}

fn mark_read(frame: &str, me: &UserId) -> Result<Heard, Unheard> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields {
        reader_id: Option<String>,
        message_ids: Option<Vec<String>>,
        reads: Option<Vec<One>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct One {
        message_id: String,
        sender_id: Option<String>,
    }
    let (said, target): (Fields, Target) = (fields(frame)?, fields(frame)?);
    speaks(said.reader_id.as_deref(), me)?;
    let bare = said.message_ids.unwrap_or_default().into_iter().map(|message_id| One { message_id, sender_id: None });
    let mut reads: Vec<One> = said.reads.unwrap_or_default();
    let told: std::collections::BTreeSet<String> = reads.iter().map(|read| read.message_id.clone()).collect();
    reads.extend(bare.filter(|read| !told.contains(&read.message_id)));
    // What can't be a message's id is skipped, like one that isn't there.
    reads.retain(|read| ClientId::new(&read.message_id).is_ok());
    if reads.len() > MARKED_MAX {
        return Err(Unheard);
    }
    let (mut ids, mut senders) = (Vec::new(), Vec::new());
    for read in reads {
        ids.push(Text::from(read.message_id));
        senders.push(read.sender_id.map(|id| UserId::new(&id).map_err(|_| Unheard)).transpose()?);
    }
    // One's own messages aren't read by oneself. In a conversation of two the others are all of one sender.
    let mut others = senders.iter().flatten().filter(|sender| *sender != me);
    let other = others.next().filter(|_| !target.is_group()).cloned();
    if other.is_some() && others.any(|sender| Some(sender) != other.as_ref()) {
        return Err(Unheard);
    }
    let find = target.find(me, other.clone(), other, ids)?;
    Ok(Heard::Find(find, Then::Read(senders)))
}

fn typing(frame: &str, who: &Person) -> Result<Heard, Unheard> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields {
        sender_id: Option<String>,
        sender_name: Option<String>,
        is_typing: bool,
    }
    let (said, target): (Fields, Target) = (fields(frame)?, fields(frame)?);
    speaks(said.sender_id.as_deref(), &who.id)?;
    let (conversation_id, started) = (target.named()?, said.is_typing);
    let sender_name = kept::sender_name(who, said.sender_name);
    let data = wire::Typing {
        conversation_id,
        sender_id: who.id.as_str(),
        sender_name: sender_name.as_deref().unwrap_or(&who.name),
        is_typing: started,
    };
    let frame = group::text(&wire::Frame { kind: "typing", data });
    Ok(Heard::Typing { room: target.to(&who.id)?.room(&who.id), started, frame })
}

fn declare(frame: &str, me: &UserId) -> Result<Heard, Unheard> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields {
        user_id: Option<String>,
        is_online: bool,
    }
    let said: Fields = fields(frame)?;
    speaks(said.user_id.as_deref(), me)?;
    Ok(Heard::Declare(said.is_online))
}

fn change(frame: &str, me: &UserId, edits: bool) -> Result<Heard, Unheard> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields {
        message_id: Option<String>,
        sender_id: Option<String>,
        new_content: Option<String>,
    }
    let (said, target): (Fields, Target) = (fields(frame)?, fields(frame)?);
    speaks(said.sender_id.as_deref(), me)?;
    let id = ClientId::new(&wanted(said.message_id)?).map_err(|_| Unheard)?;
    let then = if edits { Then::Edit(wanted(said.new_content)?.into()) } else { Then::Delete };
    // Only its author edits or deletes (page 6), so only the author's are looked for.
    let find = target.find(me, target.recipient(me)?, Some(me.clone()), vec![id.text()])?;
    Ok(Heard::Find(find, then))
}
