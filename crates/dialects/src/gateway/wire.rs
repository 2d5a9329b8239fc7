//! What is said to clients, field for field, in the order in which the contract's service says it.

use domain::id::Millis;
use serde::{Serialize, Serializer};

use super::kept::More;
use crate::format::Seconds;

/// Every frame but the platform's errors.
#[derive(Serialize)]
pub(super) struct Frame<T> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) data: T,
}

/// `message`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message<'a> {
    pub(super) message_id: &'a str,
    pub(super) conversation_id: &'a str,
    pub(super) sender_id: &'a str,
    pub(super) sender_name: &'a str,
    /// Groups only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) conversation_name: Option<&'a str>,
    pub(super) content: &'a str,
    pub(super) timestamp: When<'a>,
    pub(super) status: &'static str,
    #[serde(flatten)]
    pub(super) more: &'a More,
}

/// A time: as a client said it, or the server's.
#[derive(Clone, Copy)]
pub(super) enum When<'a> {
    /// As it was said.
    Said(&'a str),
    /// By the server's clock, without a fraction: the clients' reader of times refuses one (facts 4).
    At(Millis),
}

impl Serialize for When<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Said(text) => serializer.serialize_str(text),
            Self::At(at) => Seconds(*at).serialize(serializer),
        }
    }
}

/// `messageStatus`: kept, or delivered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status<'a> {
    pub(super) message_id: &'a str,
    pub(super) conversation_id: &'a str,
    pub(super) status: &'static str,
    /// Who has read it; none for the others.
    #[serde(flatten)]
    pub(super) read: Option<Read<'a>>,
}

/// By whom and when a message was read.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Read<'a> {
    pub(super) reader_id: &'a str,
    pub(super) reader_name: &'a str,
    pub(super) read_at: Seconds,
    pub(super) is_group_chat: bool,
    /// In groups the same once more, as lists and a map: one reader at a time.
    #[serde(flatten)]
    pub(super) group: Option<Readers<'a>>,
}

/// The readers of a group's message.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Readers<'a> {
    pub(super) read_by_user_ids: [&'a str; 1],
    pub(super) read_by_user_names: [&'a str; 1],
    #[serde(serialize_with = "one_pair")]
    pub(super) read_timestamps: (&'a str, Seconds),
}

fn one_pair<S: Serializer>(pair: &(&str, Seconds), serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map([*pair])
}

/// `typing`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Typing<'a> {
    pub(super) conversation_id: &'a str,
    pub(super) sender_id: &'a str,
    pub(super) sender_name: &'a str,
    pub(super) is_typing: bool,
}

/// `presence`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Presence<'a> {
    pub(super) user_id: &'a str,
    pub(super) is_online: bool,
}

/// `messageEdited`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Edited<'a> {
    pub(super) message_id: &'a str,
    pub(super) conversation_id: &'a str,
    pub(super) new_content: &'a str,
    pub(super) edited_at: Seconds,
}

/// `messageDeleted`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deleted<'a> {
    pub(super) message_id: &'a str,
    pub(super) conversation_id: &'a str,
}

/// `catchUpComplete`.
#[derive(Serialize)]
pub(super) struct CaughtUp {
    pub(super) count: u64,
}

/// `groupCreated`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupCreated<'a> {
    pub(super) conversation_id: &'a str,
    pub(super) group_name: &'a str,
    pub(super) participant_ids: &'a [String],
    pub(super) participant_names: &'a [String],
    pub(super) is_group_chat: bool,
    pub(super) created_by: &'a str,
    pub(super) created_by_name: &'a str,
    pub(super) created_at: Seconds,
    pub(super) group_admins: &'a [String],
}

/// `groupUpdate`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupUpdate<'a> {
    pub(super) conversation_id: &'a str,
    pub(super) group_name: &'a str,
    pub(super) updated_by: &'a str,
    pub(super) updated_by_name: &'a str,
    pub(super) timestamp: Seconds,
}

/// `groupMembersAdded`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupMembersAdded<'a> {
    pub(super) conversation_id: &'a str,
    pub(super) member_ids: &'a [String],
    pub(super) member_names: &'a [String],
    pub(super) added_by: &'a str,
    pub(super) added_by_name: &'a str,
    pub(super) timestamp: Seconds,
}

/// `groupMemberLeft`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupMemberLeft<'a> {
    pub(super) conversation_id: &'a str,
    pub(super) user_id: &'a str,
    pub(super) user_name: &'a str,
    pub(super) timestamp: Seconds,
}

/// An error, as the platform says it: with what it is to be asked about by.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Error {
    pub(super) message: &'static str,
    pub(super) connection_id: String,
    pub(super) request_id: String,
}

/// An upgrade that the contract's service refuses.
#[derive(Serialize)]
pub(super) struct NotOpened {
    pub(super) error: &'static str,
}

/// An upgrade that the platform refuses.
#[derive(Serialize)]
pub(super) struct Refused {
    pub(super) message: &'static str,
}
