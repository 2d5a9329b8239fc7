//! Each refusal in the words of the platform whose clients these are, and the answers to upgrades that come to nothing.

use domain::identity::Denied;
use domain::refusal::Refusal;

use super::wire;
use crate::{Answer, Ask};

/// No such action, a frame that isn't what it should be, or not for this user: the platform tells none from the other.
pub(super) const FORBIDDEN: &str = "Forbidden";
/// More at once than is kept, and everything that the client can do nothing about.
pub(super) const INTERNAL: &str = "Internal server error";

/// The word for a refusal.
pub(super) fn word(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::RateLimited { .. } => "Too Many Requests",
        Refusal::ClientIdReused => "Conflict",
        Refusal::Busy | Refusal::Contended | Refusal::StorageFull | Refusal::Unavailable | Refusal::OutcomeUnknown => {
            INTERNAL
        }
        // What is missing and what is forbidden sound alike (invariant 11).
        Refusal::RoomNotFound
        | Refusal::Forbidden
        | Refusal::RoomFull
        | Refusal::AlreadyPresent
        | Refusal::NotPresent
        | Refusal::NotAllowed
        | Refusal::Invalid
        | Refusal::InvalidContent
        | Refusal::RoomLimit
        | Refusal::LastOwner
        | Refusal::MessageNotFound
        | Refusal::MemberNotFound
        | Refusal::UserNotFound
        | Refusal::BadResume(_) => FORBIDDEN,
    }
}

/// The user that a client says it is; none when it says nobody.
pub(super) fn user_id(ask: &Ask) -> Option<String> {
    ask.parameter("userId").filter(|id| !id.is_empty())
}

/// A credential that opens nothing. That no user is named is told first, as the contract's own service does.
pub(super) fn denied(ask: &Ask, why: Denied) -> Answer {
    if user_id(ask).is_none() {
        return Answer::json(400, &wire::NotOpened { error: "userId is required" });
    }
    match why {
        // Which of these it was stands in no answer.
        Denied::Missing | Denied::Expired | Denied::Invalid => {
            Answer::json(401, &wire::Refused { message: "Unauthorized" })
        }
        Denied::Unavailable => {
            Answer::json(503, &wire::Refused { message: "Service Unavailable" }).with("Retry-After", "1")
        }
    }
}

/// The connection could not be kept.
pub(super) fn not_connected() -> Answer {
    Answer::json(500, &wire::NotOpened { error: "Failed to connect" })
}
