//! Each refusal in the words of `direct`: as a status with a `detail`, or as a close. Where the contract's service has words
//! for a thing they are its own.

use domain::identity::Denied;
use domain::refusal::Refusal;

use super::wire;
use crate::{Answer, Close};

/// What a call was about: some refusals have words of their own there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// Making a user.
    Registration,
    /// An auth service's word on a user.
    Sync,
    /// Looking somebody up.
    User,
    /// Sending.
    Message,
    /// A conversation's messages.
    Messages,
    /// One's conversations.
    Conversations,
}

impl About {
    /// Who was not there.
    fn nobody(self) -> &'static str {
        match self {
            Self::Message => "Receiver not found",
            Self::Registration | Self::Sync | Self::User | Self::Messages | Self::Conversations => "User not found",
        }
    }

    /// Who may not.
    fn not_allowed(self) -> &'static str {
        match self {
            Self::Registration => "User registration disabled. Use Auth Service.",
            Self::Sync => "Invalid internal key",
            Self::User | Self::Message | Self::Messages | Self::Conversations => "Not allowed",
        }
    }

    /// What the store could not do.
    fn failed(self) -> &'static str {
        match self {
            Self::Registration | Self::Sync => "Failed to save user",
            Self::User => "Failed to retrieve user",
            Self::Message => "Failed to send message",
            Self::Messages => "Failed to retrieve messages",
            Self::Conversations => "Failed to retrieve conversations",
        }
    }
}

/// A refusal as an HTTP answer.
pub(super) fn answer(refusal: &Refusal, about: About) -> Answer {
    let (status, text) = detail(refusal, about);
    plain(status, text).retry(refusal)
}

fn detail(refusal: &Refusal, about: About) -> (u16, &'static str) {
    match refusal {
        // Not one's own is as good as not there (invariant 11).
        Refusal::RoomNotFound | Refusal::Forbidden | Refusal::NotPresent => (403, "Conversation not found"),
        Refusal::NotAllowed => (403, about.not_allowed()),
        Refusal::RoomFull => (403, "Conversation is full"),
        Refusal::AlreadyPresent => (409, "Already connected"),
        Refusal::Invalid | Refusal::InvalidContent => (422, "Invalid request"),
        Refusal::RoomLimit => (429, "Too many new conversations"),
        Refusal::RateLimited { .. } => (429, "Rate limit exceeded"),
        Refusal::ClientIdReused => (409, "client_id was already used for another message"),
        Refusal::LastOwner => (409, "A guild must keep an owner"),
        Refusal::MemberNotFound => (404, "Member not found"),
        Refusal::UserNotFound => (404, about.nobody()),
        Refusal::MessageNotFound => (404, "Message not found"),
        Refusal::BadResume(_) => (400, "Invalid resume point"),
        Refusal::Busy | Refusal::Contended => (503, "Server busy, try again"),
        Refusal::StorageFull => (507, about.failed()),
        Refusal::Unavailable => (500, about.failed()),
        // The one failure after which a message may be there: who sends it again without its id might say it twice.
        Refusal::OutcomeUnknown => (503, "Outcome unknown, send again with the same client_id"),
    }
}

/// Why a connection that can't be told anything ends. Its client comes back, and is told what it missed.
pub(super) fn close(refusal: &Refusal) -> Close {
    match refusal {
        Refusal::Forbidden | Refusal::NotAllowed | Refusal::UserNotFound => Close { code: 1008, reason: "not allowed" },
        Refusal::Busy
        | Refusal::Contended
        | Refusal::Unavailable
        | Refusal::OutcomeUnknown
        | Refusal::StorageFull
        | Refusal::RateLimited { .. } => Close { code: 1013, reason: "try again later" },
        Refusal::RoomNotFound
        | Refusal::RoomFull
        | Refusal::AlreadyPresent
        | Refusal::NotPresent
        | Refusal::Invalid
        | Refusal::InvalidContent
        | Refusal::RoomLimit
        | Refusal::ClientIdReused
        | Refusal::LastOwner
        | Refusal::MemberNotFound
        | Refusal::MessageNotFound
        | Refusal::BadResume(_) => Close { code: 1011, reason: "internal error" },
    }
}

/// A credential that is not taken on REST.
pub(super) fn denied(why: Denied) -> Answer {
    match why {
        Denied::Missing => challenge("Authentication required"),
        Denied::Expired | Denied::Invalid => challenge("Invalid or expired token"),
        Denied::Unavailable => unavailable(),
    }
}

/// A key of an auth service that is not taken.
pub(super) fn denied_sync(why: Denied) -> Answer {
    match why {
        Denied::Missing => plain(403, "Internal key required"),
        Denied::Expired | Denied::Invalid => plain(403, "Invalid internal key"),
        Denied::Unavailable => unavailable(),
    }
}

/// A credential that opens no socket. The contract's server says no more than that.
pub(super) fn denied_socket(why: Denied) -> Answer {
    match why {
        Denied::Missing | Denied::Expired | Denied::Invalid => refused_socket(),
        Denied::Unavailable => unavailable(),
    }
}

/// No socket for whoever asked.
pub(super) fn refused_socket() -> Answer {
    Answer { status: 403, headers: Vec::new(), content_type: "text/plain", body: Vec::new() }
}

fn challenge(detail: &'static str) -> Answer {
    plain(401, detail).with("WWW-Authenticate", "Bearer")
}

fn unavailable() -> Answer {
    plain(503, "Authentication service unavailable").with("Retry-After", "1")
}

/// An answer of another kind than was asked for: a bug of the server's, told as one.
pub(super) fn unexpected() -> Answer {
    plain(500, "Internal Server Error")
}

fn plain(status: u16, detail: &'static str) -> Answer {
    Answer::json(status, &wire::Detail { detail })
}
