//! Each refusal in the words of the native tongue: a code for programs, and a sentence for whoever reads their logs.

use domain::refusal::{BadResume, Refusal};

use super::wire;
use crate::json;
use crate::step::Step;

/// A frame that is not what the protocol says.
pub(super) const INVALID: (&str, &str) = ("invalid", "this is not what the protocol says");
/// A new token that was not taken.
pub(super) const DENIED: (&str, &str) = ("denied", "this token is not taken");

/// An error frame.
pub(super) fn error(id: Option<&str>, (code, message): (&'static str, &'static str)) -> Step {
    json::say(&wire::Frame { kind: "error", id, data: wire::Error { code, message, retry_after_ms: None } })
}

/// A refusal.
pub(super) fn refused(id: Option<&str>, refusal: &Refusal) -> Step {
    let retry_after_ms = if let Refusal::RateLimited { retry_after_ms } = refusal {
        Some(*retry_after_ms)
    } else {
        refusal.retry_after().map(|seconds| seconds * 1000)
    };
    let data = wire::Error { code: code(refusal), message: sentence(refusal), retry_after_ms };
    json::say(&wire::Frame { kind: "error", id, data })
}

/// Why a resume is refused.
pub(super) fn reason(bad: BadResume) -> &'static str {
    match bad {
        BadResume::Malformed | BadResume::NoSession | BadResume::NotKept => "malformed",
        BadResume::Ahead => "ahead",
        BadResume::OtherLog => "other_log",
        BadResume::Expired => "expired",
    }
}

fn code(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::AlreadyPresent | Refusal::BadResume(_) => INVALID.0,
        Refusal::RoomNotFound
        | Refusal::Forbidden
        | Refusal::RoomFull
        | Refusal::NotPresent
        | Refusal::NotAllowed
        | Refusal::Invalid
        | Refusal::InvalidContent
        | Refusal::RoomLimit
        | Refusal::RateLimited { .. }
        | Refusal::ClientIdReused
        | Refusal::LastOwner
        | Refusal::MessageNotFound
        | Refusal::MemberNotFound
        | Refusal::UserNotFound
        | Refusal::Busy
        | Refusal::Contended
        | Refusal::StorageFull
        | Refusal::Unavailable
        | Refusal::OutcomeUnknown => refusal.name(),
    }
}

fn sentence(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::RoomNotFound => "no such room, as far as you may know",
        Refusal::Forbidden => "not this room, not for you",
        Refusal::RoomFull => "every seat is taken",
        Refusal::AlreadyPresent | Refusal::Invalid | Refusal::BadResume(_) => INVALID.1,
        Refusal::NotPresent => "you do not belong to that room",
        Refusal::NotAllowed => "your role does not allow it, or you are muted",
        Refusal::InvalidContent => "content has 1 byte to 64 KiB",
        Refusal::RoomLimit => "you have made as many rooms as one may",
        Refusal::RateLimited { .. } => "too many messages",
        Refusal::ClientIdReused => "this client_id was used for other content",
        Refusal::LastOwner => "a room keeps an owner",
        Refusal::MessageNotFound => "no such message, as far as you may know",
        Refusal::MemberNotFound => "no such member",
        Refusal::UserNotFound => "no such user",
        Refusal::Busy | Refusal::Contended => "the server is busy, nothing was done",
        Refusal::StorageFull => "storage is full, nothing was kept",
        Refusal::Unavailable => "temporarily unavailable, nothing was kept",
        Refusal::OutcomeUnknown => "it may have been kept; send it again with the same client_id",
    }
}
