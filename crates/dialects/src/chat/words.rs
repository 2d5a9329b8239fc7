//! Each refusal in the words of `chat`.

use domain::id::ClientId;
use domain::refusal::Refusal;

use super::wire;
use crate::step::Step;
use crate::{Answer, Ask, json};

/// A frame that is not what the contract says.
pub(super) const INVALID: &str = "invalid message";
/// Not in that room, or not allowed there.
pub(super) const UNAUTHORIZED: &str = "unauthorized";
/// Left already.
pub(super) const USER_NOT_FOUND: &str = "user not found";
/// No such room, as far as the asker may know.
pub(super) const ROOM_NOT_FOUND: &str = "room not found";
/// More is held back than the server keeps.
pub(super) const BUSY: &str = "server busy, try again";

/// An error frame.
pub(super) fn error(message: &str, client_id: Option<&ClientId>) -> Step {
    let data = wire::Error { message, client_id: client_id.map(ClientId::as_str) };
    json::say(&wire::Envelope { kind: "error", data })
}

/// What was refused: the same refusal has another word when finding a room than when speaking in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// To join or find.
    Room,
    /// To leave.
    Out,
    /// To speak or make.
    Say,
}

/// The word for a refusal.
pub(super) fn word(refusal: &Refusal, wanted: Wanted) -> &'static str {
    match (refusal, wanted) {
        // Whoever may not enter a room hears the same as if there were none (invariant 11).
        (Refusal::RoomNotFound | Refusal::Forbidden, Wanted::Room) => ROOM_NOT_FOUND,
        (Refusal::NotPresent | Refusal::MemberNotFound, Wanted::Room | Wanted::Out) | (Refusal::UserNotFound, _) => {
            USER_NOT_FOUND
        }
        (Refusal::MessageNotFound, _) => "message not found",
        (
            Refusal::RoomNotFound | Refusal::Forbidden | Refusal::NotPresent | Refusal::MemberNotFound,
            Wanted::Out | Wanted::Say,
        )
        | (Refusal::NotAllowed | Refusal::LastOwner, _) => UNAUTHORIZED,
        (Refusal::RoomFull, _) => "room is full",
        (Refusal::AlreadyPresent, _) => "user already in room",
        (Refusal::Invalid | Refusal::InvalidContent | Refusal::BadResume(_), _) => INVALID,
        (Refusal::RoomLimit, _) => "room limit reached",
        (Refusal::RateLimited { .. }, _) => "rate limit exceeded",
        (Refusal::ClientIdReused, _) => "client_id was already used for another message",
        (Refusal::Busy | Refusal::Contended, _) => BUSY,
        (Refusal::StorageFull, _) => "storage is full, nothing was kept",
        (Refusal::Unavailable, _) => "temporarily unavailable, nothing was kept",
        (Refusal::OutcomeUnknown, _) => "outcome unknown, send again with the same client_id",
    }
}

/// A refused upgrade.
pub(super) fn problem(ask: &Ask, status: u16, title: &'static str) -> Answer {
    let query = if ask.query.is_empty() { String::new() } else { format!("?{}", ask.query) };
    Answer::json(status, &wire::Problem { kind: &format!("{}{query}", ask.path), title, status })
}
