//! Each refusal in the words of `rooms`: in a frame, and as a status with a `detail`.

use std::borrow::Cow;

use domain::id::ClientId;
use domain::identity::Denied;
use domain::model::{RoomKey, RoomKind};
use domain::refusal::{BadResume, Refusal};
use domain::rules::name::GUILD_PREFIX;

use super::wire;
use crate::{Answer, Ask};

/// What every frame gets that can't be processed.
pub(super) const UNPROCESSABLE: &str = "Failed to process message";

/// Which of the contract's two words for a shut room is said. It follows from the room's name alone, so that nobody
/// learns from it whether there is such a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A guild's room.
    Guild,
    /// Any other.
    Room,
}

impl Place {
    /// By the room that is meant.
    pub(super) fn of(room: &RoomKey) -> Self {
        match room.first_use_kind() {
            RoomKind::Guild => Self::Guild,
            RoomKind::Public | RoomKind::Private | RoomKind::Direct => Self::Room,
        }
    }

    /// By the name that was given, whatever it may mean.
    pub(super) fn named(name: &str) -> Self {
        if name.starts_with(GUILD_PREFIX) { Self::Guild } else { Self::Room }
    }

    /// Why it stays shut.
    pub(super) fn shut(self) -> &'static str {
        match self {
            Self::Guild => "Guild access denied",
            Self::Room => "Room access denied",
        }
    }
}

/// A refusal in an error frame.
pub(super) fn frame(refusal: &Refusal, place: Place, client_id: Option<&ClientId>) -> Cow<'static, str> {
    let plain = match refusal {
        Refusal::RateLimited { .. } => "Rate limit exceeded. Please slow down.",
        Refusal::RoomLimit => "Too many new rooms. Please slow down.",
        Refusal::Invalid | Refusal::InvalidContent => UNPROCESSABLE,
        Refusal::ClientIdReused => {
            let id = client_id.map_or("", ClientId::as_str);
            return format!("client_id {id} was already used for another message").into();
        }
        Refusal::RoomNotFound
        | Refusal::Forbidden
        | Refusal::RoomFull
        | Refusal::AlreadyPresent
        | Refusal::NotPresent
        | Refusal::NotAllowed
        | Refusal::LastOwner
        | Refusal::MemberNotFound
        | Refusal::UserNotFound
        | Refusal::MessageNotFound
        | Refusal::BadResume(_)
        | Refusal::Busy
        | Refusal::Contended
        | Refusal::StorageFull
        | Refusal::Unavailable
        | Refusal::OutcomeUnknown => detail(refusal, place).1,
    };
    plain.into()
}

/// A refusal as an HTTP answer, to an upgrade or on REST.
pub(super) fn answer(refusal: &Refusal, place: Place) -> Answer {
    let (status, text) = detail(refusal, place);
    Answer::json(status, &wire::Detail { detail: text.into() }).retry(refusal)
}

fn detail(refusal: &Refusal, place: Place) -> (u16, &'static str) {
    match refusal {
        Refusal::RoomNotFound | Refusal::Forbidden | Refusal::NotPresent => (403, place.shut()),
        Refusal::RoomFull => (403, "Room is full"),
        Refusal::NotAllowed => (403, "Insufficient permissions"),
        Refusal::AlreadyPresent => (409, "Already connected"),
        Refusal::Invalid | Refusal::InvalidContent => (422, "Invalid request"),
        Refusal::RoomLimit => (429, "Too many new rooms"),
        Refusal::RateLimited { .. } => (429, "Rate limit exceeded"),
        Refusal::ClientIdReused => (409, "client_id was already used for another message"),
        Refusal::LastOwner => (409, "A guild must keep an owner"),
        Refusal::MemberNotFound => (404, "Member not found"),
        Refusal::UserNotFound => (404, "User not found"),
        Refusal::MessageNotFound => (404, "Message not found"),
        Refusal::BadResume(_) => (400, "Invalid resume point"),
        Refusal::Busy | Refusal::Contended => (503, "Server busy, try again"),
        Refusal::StorageFull => (507, "Storage is full, nothing was kept"),
        Refusal::Unavailable => (503, "Temporarily unavailable, nothing was kept"),
        Refusal::OutcomeUnknown => (503, "Outcome unknown, send again with the same client_id"),
    }
}

/// Why a resume failed, for clients to tell apart.
pub(super) fn reason(why: BadResume) -> &'static str {
    match why {
        BadResume::Malformed => "malformed",
        BadResume::Ahead => "ahead",
        BadResume::OtherLog => "other_log",
        BadResume::Expired => "expired",
        BadResume::NotKept => "not_kept",
        BadResume::NoSession => "no_session",
    }
}

/// A credential that opens no socket. Browsers never see more than that the upgrade was refused.
pub(super) fn denied_socket(why: Denied) -> Answer {
    match why {
        Denied::Missing => plain(403, "Token required"),
        Denied::Expired => plain(403, "Token expired"),
        Denied::Invalid => plain(403, "Invalid token"),
        Denied::Unavailable => unavailable(),
    }
}

/// A credential that is not taken on REST.
pub(super) fn denied_rest(ask: &Ask, why: Denied) -> Answer {
    match why {
        Denied::Missing if has_other_scheme(ask) => plain(403, "Invalid authentication credentials"),
        Denied::Missing => plain(403, "Not authenticated"),
        Denied::Expired => plain(401, "Token expired"),
        Denied::Invalid => plain(401, "Invalid token"),
        Denied::Unavailable => unavailable(),
    }
}

fn has_other_scheme(ask: &Ask) -> bool {
    let given = ask.header("authorization").and_then(|value| value.split_once(' '));
    given.is_some_and(|(scheme, rest)| !scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty())
}

fn unavailable() -> Answer {
    plain(503, "Authentication service unavailable").with("Retry-After", "1")
}

/// An answer of these words.
pub(super) fn plain(status: u16, detail: &'static str) -> Answer {
    Answer::json(status, &wire::Detail { detail: detail.into() })
}
