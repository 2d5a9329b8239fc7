//! What is published of what happens (facts 8). A message is shown as its author sees it, addressed as it was: what
//! has a `room_id` is a room's, what has a `receiver_id` is direct. Times are when it happened, not when it was told, so
//! that telling it again says the same.

use domain::event::{Event, What};
use domain::id::{MessageId, Millis, UserId};
use domain::watermark::Mark;
use serde::Serialize;

use super::wire::{self, View};
use crate::feed::{Publication, Queue, Topology};
use crate::format::{Shown, Time};
use crate::json;

/// The exchange and the queues, with the arguments that the contract's own service declares them with: another's would
/// make its declarations fail.
pub(crate) const TOPOLOGY: Topology = Topology {
    exchange: "message.events",
    dead: "dlx",
    queues: &[
        Queue { name: "message.broadcast", binding: "message.#", dead: "dlq.message.broadcast" },
        Queue { name: "message.notification", binding: "notification.#", dead: "dlq.message.notification" },
    ],
};

#[derive(Serialize)]
struct Sent<'a> {
    message: wire::Message<'a>,
    timestamp: Time,
}

#[derive(Serialize)]
struct Deleted<'a> {
    #[serde(rename = "messageId")]
    message_id: Shown<MessageId>,
    #[serde(rename = "userId")]
    user_id: &'a str,
    timestamp: Time,
}

/// `userId` is said of what was read, and not of what was delivered.
#[derive(Serialize)]
struct Marked<'a> {
    #[serde(rename = "messageIds")]
    message_ids: Vec<Shown<MessageId>>,
    #[serde(rename = "userId", skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    timestamp: Time,
}

pub(crate) fn event(event: &Event) -> Vec<Publication> {
    match &event.what {
        What::Sent(_) => sent(event),
        What::Deleted { message, .. } => {
            let user_id = event.by.id.as_str();
            let deleted = Deleted { message_id: Shown(*message), user_id, timestamp: Time(event.at) };
            vec![publication("message.deleted", &deleted)]
        }
        // The contract has no word for these.
        What::RoomMade { .. }
        | What::MemberSet { .. }
        | What::MemberRemoved { .. }
        | What::Edited { .. }
        | What::Retitled { .. }
        | What::Notice { .. }
        | What::Reacted { .. } => Vec::new(),
    }
}

/// Twice, for those who keep up with messages and for those who notify, in this order.
fn sent(event: &Event) -> Vec<Publication> {
    let Some(message) = wire::Message::sent(event, View::Author) else { return Vec::new() };
    let key = if message.is_direct() { "message.direct.sent" } else { "message.room.sent" };
    let first = publication(key, &Sent { message, timestamp: Time(event.at) });
    let second = Publication { key: "notification.message.new", body: first.body.clone() };
    vec![first, second]
}

pub(crate) fn marked(mark: Mark, user: &UserId, messages: &[MessageId], at: Millis) -> Publication {
    let (key, user_id) = match mark {
        Mark::Delivered => ("message.delivered", None),
        Mark::Read => ("message.read", Some(user.as_str())),
    };
    let message_ids = messages.iter().map(|id| Shown(*id)).collect();
    publication(key, &Marked { message_ids, user_id, timestamp: Time(at) })
}

fn publication(key: &'static str, payload: &impl Serialize) -> Publication {
    let mut body = Vec::new();
    json::write(&mut body, payload);
    Publication { key, body }
}
