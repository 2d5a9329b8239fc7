//! The domain says no: a closed list. Each dialect says each of them in its own words, without `_` (invariant 10).

use std::fmt;

/// Why a resume is refused. What is wrong with it is told honestly, so that a client knows to start anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadResume {
    /// The text is neither a resume token nor a plain number.
    Malformed,
    /// It lies beyond the head.
    Ahead,
    /// The row there was written by another life: the log was restored from a backup, or replaced.
    OtherLog,
    /// Retention has emptied rows after it.
    Expired,
    /// The room's messages are kept elsewhere.
    NotKept,
    /// The session is not known, its credential has ended, or it may not be in one of its rooms any more.
    NoSession,
}

/// Why something is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No such room, as far as the asker may know.
    RoomNotFound,
    /// Not this room, not for this user. Said alike whether it exists or not (invariant 11).
    Forbidden,
    /// Every seat is taken.
    RoomFull,
    /// This very connection is in the room already.
    AlreadyPresent,
    /// The connection is not in that room.
    NotPresent,
    /// The role does not allow it (system messages, rosters).
    NotAllowed,
    /// A title, type, number of seats, id or member row that the limits refuse.
    Invalid,
    /// Empty content, or more than 64 KiB.
    InvalidContent,
    /// The user has made as many rooms as one may.
    RoomLimit,
    /// Too many messages within the last 60 s.
    RateLimited {
        /// When the next one would be taken, in milliseconds from now.
        retry_after_ms: u64,
    },
    /// The same client id was used for other content.
    ClientIdReused,
    /// A guild must keep an owner.
    LastOwner,
    /// No such message, as far as the asker may know.
    MessageNotFound,
    /// No such member on the roster.
    MemberNotFound,
    /// No such user.
    UserNotFound,
    /// The point to resume from is no good.
    BadResume(BadResume),
    /// More is under way than the server holds; try again.
    Busy,
    /// Facts kept moving under the decision; try again.
    Contended,
    /// The disk is full: nothing was kept; reading goes on.
    StorageFull,
    /// The store can't be written or read just now: nothing was kept.
    Unavailable,
    /// Whether it was kept is not known: send it again with the same client id.
    OutcomeUnknown,
}

impl Refusal {
    /// A short name for logs and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::RoomNotFound => "room_not_found",
            Self::Forbidden => "forbidden",
            Self::RoomFull => "room_full",
            Self::AlreadyPresent => "already_present",
            Self::NotPresent => "not_present",
            Self::NotAllowed => "not_allowed",
            Self::Invalid => "invalid",
            Self::InvalidContent => "invalid_content",
            Self::RoomLimit => "room_limit",
            Self::RateLimited { .. } => "rate_limited",
            Self::ClientIdReused => "client_id_reused",
            Self::LastOwner => "last_owner",
            Self::MessageNotFound => "message_not_found",
            Self::MemberNotFound => "member_not_found",
            Self::UserNotFound => "user_not_found",
            Self::BadResume(_) => "bad_resume",
            Self::Busy => "busy",
            Self::Contended => "contended",
            Self::StorageFull => "storage_full",
            Self::Unavailable => "unavailable",
            Self::OutcomeUnknown => "outcome_unknown",
        }
    }

    /// When the same thing may be tried again, in whole seconds and at least 1; none where trying again changes nothing by
    /// itself.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after_ms } => Some(retry_after_ms.div_ceil(1000).max(1)),
            Self::Busy | Self::Contended | Self::Unavailable | Self::OutcomeUnknown => Some(1),
            Self::RoomNotFound
            | Self::Forbidden
            | Self::RoomFull
            | Self::AlreadyPresent
            | Self::NotPresent
            | Self::NotAllowed
            | Self::Invalid
            | Self::InvalidContent
            | Self::RoomLimit
            | Self::ClientIdReused
            | Self::LastOwner
            | Self::MessageNotFound
            | Self::MemberNotFound
            | Self::UserNotFound
            | Self::BadResume(_)
            | Self::StorageFull => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
