//! Each refusal in the words of `socketio`: in an acknowledgement or `error` event, and as a status with a `message`.

use domain::identity::Denied;
use domain::refusal::Refusal;
use serde::Serialize;

use super::wire;
use crate::{Answer, Ask};

/// Whatever hasn't the shape that the contract says.
pub(super) const INVALID: &str = "Invalid parameters";
/// Asked by nobody yet.
pub(super) const NOT_AUTHENTICATED: &str = "Not authenticated";
/// Not who it says.
pub(super) const AUTHENTICATION_FAILED: &str = "Authentication failed";
/// A message of no content.
pub(super) const NO_CONTENT: &str = "Message content is required";
/// A message to nobody.
pub(super) const NO_RECIPIENT: &str = "Either room ID or receiver ID is required";
/// Past the domain's bound.
pub(super) const CONTENT_TOO_LONG: &str = "Message content is too long";
/// Past the contract's column.
pub(super) const TYPE_TOO_LONG: &str = "Message type is too long";
/// More ids than one mark may name.
pub(super) const TOO_MANY_IDS: &str = "Too many message IDs";
/// Nothing to mark.
pub(super) const NO_IDS: &str = "Message IDs array is required";
/// Nobody to ask about.
pub(super) const NO_USERS: &str = "userIds array is required";
/// No such message, as far as the asker may know.
pub(super) const MESSAGE_NOT_FOUND: &str = "Message not found";
/// `mark_read` that did nothing.
pub(super) const NOT_MARKED: &str = "Failed to mark messages as read";
/// `send_message` that did nothing.
pub(super) const NOT_SENT: &str = "Failed to send message";
/// `join_room` that did nothing.
pub(super) const NOT_JOINED: &str = "Failed to join room";
/// `leave_room` that did nothing.
pub(super) const NOT_LEFT: &str = "Failed to leave room";
/// More waits than the server keeps.
pub(super) const BUSY: &str = "Server busy, try again";
/// Whoever may not read a room hears the same whether there is one or not (page 6, invariant 11).
const ACCESS_DENIED: &str = "Access denied";

/// Where the presence calls are, which have error texts of their own.
pub(super) const PRESENCE: &str = "/presence/";

/// The text of a refusal, for an acknowledgement.
pub(super) fn text(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NotAllowed => "Unauthorized to delete this message",
        Refusal::RoomNotFound
        | Refusal::Forbidden
        | Refusal::RoomFull
        | Refusal::AlreadyPresent
        | Refusal::NotPresent
        | Refusal::Invalid
        | Refusal::InvalidContent
        | Refusal::RoomLimit
        | Refusal::RateLimited { .. }
        | Refusal::ClientIdReused
        | Refusal::LastOwner
        | Refusal::MessageNotFound
        | Refusal::MemberNotFound
        | Refusal::UserNotFound
        | Refusal::BadResume(_)
        | Refusal::Busy
        | Refusal::Contended
        | Refusal::StorageFull
        | Refusal::Unavailable
        | Refusal::OutcomeUnknown => status(refusal).1,
    }
}

/// A refusal as an answer of REST.
pub(super) fn answer(refusal: &Refusal) -> Answer {
    let (status, text) = status(refusal);
    plain(status, text).retry(refusal)
}

fn status(refusal: &Refusal) -> (u16, &'static str) {
    match refusal {
        Refusal::RoomNotFound | Refusal::Forbidden | Refusal::NotPresent => (403, ACCESS_DENIED),
        Refusal::RoomFull => (403, "Room is full"),
        Refusal::NotAllowed => (403, "You can only delete your own messages"),
        Refusal::AlreadyPresent => (409, "Already in room"),
        Refusal::Invalid | Refusal::BadResume(_) => (400, INVALID),
        Refusal::InvalidContent => (400, NO_CONTENT),
        Refusal::RoomLimit => (429, "Too many new rooms"),
        Refusal::RateLimited { .. } => (429, "Rate limit exceeded"),
        Refusal::ClientIdReused => (409, "client_id was already used for another message"),
        Refusal::LastOwner => (409, "A guild must keep an owner"),
        Refusal::MessageNotFound => (404, MESSAGE_NOT_FOUND),
        Refusal::MemberNotFound => (404, "Member not found"),
        Refusal::UserNotFound => (404, "User not found"),
        Refusal::Busy | Refusal::Contended => (503, BUSY),
        Refusal::StorageFull => (507, "Storage is full, nothing was kept"),
        Refusal::Unavailable => (503, "Temporarily unavailable, nothing was kept"),
        Refusal::OutcomeUnknown => (503, "Outcome unknown, send again with the same client_id"),
    }
}

/// A credential that is not taken on REST.
pub(super) fn denied(ask: &Ask, why: Denied) -> Answer {
    match (why, ask.path.starts_with(PRESENCE)) {
        (Denied::Missing, true) => plain(401, "Authorization token required"),
        (Denied::Missing, false) => plain(401, "Access denied. No token provided."),
        (Denied::Expired | Denied::Invalid, true) => plain(401, "Invalid token format"),
        (Denied::Expired | Denied::Invalid, false) => plain(403, "Invalid token."),
        (Denied::Unavailable, _) => plain(503, "Authentication service unavailable").with("Retry-After", "1"),
    }
}

/// An error of these words.
pub(super) fn plain(status: u16, message: &str) -> Answer {
    let message = Some(message);
    json(status, &wire::Response::<()> { success: false, message, data: None, pagination: None, timestamp: None })
}

/// An answer, as the contract's framework labels it.
pub(super) fn json(status: u16, body: &impl Serialize) -> Answer {
    Answer { content_type: "application/json; charset=utf-8", ..Answer::json(status, body) }
}
