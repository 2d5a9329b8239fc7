//! Why a credential is not good, in the detail that an operator needs. Clients are told the coarse [`Denied`] only:
//! which of these it was would help a forger more than a user.

use domain::id::BadId;
use domain::identity::Denied;

/// What is wrong with a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing was shown.
    #[error("nothing was shown")]
    Missing,
    /// It ended.
    #[error("the token has expired")]
    Expired,
    /// More text than any credential has.
    #[error("it is longer than 8 KiB")]
    TooLong,
    /// Not `header.claims.signature`.
    #[error("it is not three parts joined by dots")]
    Shape,
    /// A part is not base64url without padding.
    #[error("its {0} is not base64url without padding")]
    Encoding(&'static str),
    /// A part is not one JSON object, or has a name twice.
    #[error("its {0} is not a JSON object whose names are all different")]
    Object(&'static str),
    /// The header names an algorithm that no key is for.
    #[error("its header names an algorithm that no key here is for")]
    Algorithm,
    /// The header names a key that is not published.
    #[error("its `kid` names no key that is published (JWT_JWKS_URL)")]
    Kid,
    /// Several published keys are for its algorithm, and it names none.
    #[error("it does not say which of the published keys it was signed with (`kid`)")]
    NoKid,
    /// The published keys could not be fetched, or not for too long.
    #[error("the published keys could not be fetched (JWT_JWKS_URL)")]
    KeysAway,
    /// The header asks for an extension to be understood (RFC 7515, 4.1.11); none is.
    #[error("its header asks for extensions (`crit`), and none is understood")]
    Critical,
    /// The signature is not the key's.
    #[error("its signature was not made with this key")]
    Signature,
    /// `exp`, `nbf` or `iat` is no time.
    #[error("its `{0}` is not a number of seconds from 1970 up to the year 9999")]
    Time(&'static str),
    /// `exp` is wanted and not there.
    #[error("it has no `exp`, which is required (JWT_REQUIRE_EXP)")]
    Endless,
    /// `nbf` lies ahead by more than the clock skew.
    #[error("it is not good yet (`nbf`)")]
    NotYet,
    /// `iat` lies ahead by more than the clock skew.
    #[error("it was issued in the future (`iat`)")]
    FromTheFuture,
    /// `aud` is not ours.
    #[error("its `aud` is not one of JWT_AUDIENCE")]
    Audience,
    /// `iss` is not ours.
    #[error("its `iss` is not one of JWT_ISSUER")]
    Issuer,
    /// No claim says who it is.
    #[error("no claim says who the user is (JWT_USER_CLAIM, or one of sub, id, user_id, userId)")]
    NoUser,
    /// Several claims say who it is, and they differ.
    #[error("sub, id, user_id and userId name different users")]
    UsersDiffer,
    /// The claim that says who it is is neither text nor an integer.
    #[error("the claim that names the user is neither text nor an integer")]
    UserType,
    /// What is said to be the user's id can't be one.
    #[error("the user's id {0}")]
    User(BadId),
    /// The name is kept for back ends, or for users who have not come yet.
    #[error("ids that start with `service:` or `waiting:` are kept for back ends and for users who have not come yet")]
    Reserved,
    /// No such key, or one that was revoked.
    #[error("no key like this is known")]
    UnknownKey,
    /// A bare claim at a door that wants proof.
    #[error("a user id without proof is taken in development mode or with TRUST_USER_ID only")]
    Unproved,
    /// A token where no key is configured to check it.
    #[error("no key is configured to check tokens with (JWT_SECRET, JWT_PUBLIC_KEY or JWT_JWKS_URL)")]
    NoSecret,
    /// A token that only the Auth Service can judge, where it is not asked.
    #[error("only the Auth Service can say whether it is good, and it is not asked here")]
    NotAsked,
    /// What no token has in it (RFC 6750, 2.1).
    #[error("it has letters that no token has")]
    Letters,
    /// The key of an auth service where none is configured.
    #[error("no key is configured for services that sync users (INTERNAL_SERVICE_KEY)")]
    NoInternalKey,
}

impl From<BadId> for Fault {
    fn from(bad: BadId) -> Self {
        Self::User(bad)
    }
}

impl Fault {
    /// What a client may know of it.
    #[must_use]
    pub fn denied(self) -> Denied {
        match self {
            Self::Missing => Denied::Missing,
            Self::Expired => Denied::Expired,
            Self::NotAsked | Self::KeysAway => Denied::Unavailable,
            Self::TooLong
            | Self::Shape
            | Self::Encoding(_)
            | Self::Object(_)
            | Self::Algorithm
            | Self::Kid
            | Self::NoKid
            | Self::Critical
            | Self::Signature
            | Self::Time(_)
            | Self::Endless
            | Self::NotYet
            | Self::FromTheFuture
            | Self::Audience
            | Self::Issuer
            | Self::NoUser
            | Self::UsersDiffer
            | Self::UserType
            | Self::User(_)
            | Self::Reserved
            | Self::UnknownKey
            | Self::Unproved
            | Self::NoSecret
            | Self::Letters
            | Self::NoInternalKey => Denied::Invalid,
        }
    }
}
