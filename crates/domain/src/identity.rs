//! Who asks: what a client presents, what an auth adapter makes of it, and on whose behalf a command runs.

use std::sync::Arc;

use crate::Text;
use crate::id::{ConnectionId, Door, Millis, UserId, UserNumber};
use crate::model::Person;

/// What a client shows at a door, unproved. Never logged.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A token: `Authorization: Bearer`, `?token=`, or a subprotocol.
    Bearer(Text),
    /// `x-api-key`.
    Key(Text),
    /// A bare claim of a user's number (`/ws/{n}`): good where a bare claim is.
    Number(UserNumber),
    /// A bare claim (`X-Username`, `userId=`): good in development mode or behind a proxy that the operator trusts.
    Claimed(Text),
    /// `X-Internal-Key`: the key of an auth service that syncs its users (RULES 5).
    Internal(Text),
}

impl std::fmt::Debug for Credential {
    /// Says the kind and nothing of the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(…)",
            Self::Key(_) => "Key(…)",
            Self::Number(_) => "Number(…)",
            Self::Claimed(_) => "Claimed(…)",
            Self::Internal(_) => "Internal(…)",
        })
    }
}

/// What an auth adapter found a credential to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user's id (RULES 1).
    pub id: UserId,
    /// Only their number was told: they are whoever has it, and `id` is who they become when nobody has.
    pub number: Option<UserNumber>,
    /// The claims were proved. Only such a one takes over a user who was registered without an id (RULES 1).
    pub proved: bool,
    /// The username claim: a label, never an identity.
    pub name: Option<Text>,
    /// The e-mail claim.
    pub email: Option<Text>,
    /// When the credential ends; live sockets end with it (RULES 4).
    pub ends: Option<Millis>,
    /// A user, or a back end with scopes.
    pub standing: Standing,
}

/// Why a credential was not taken. Each dialect says it in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Nothing was shown where something is wanted.
    Missing,
    /// It was good once.
    Expired,
    /// It is not, and never was, good here.
    Invalid,
    /// The auth service does not answer; down means no (RULES 5).
    Unavailable,
}

/// What a back end's key may do (RULES 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Guild rosters.
    pub const GUILDS: Self = Self(1);
    /// Counts of connections.
    pub const STATS: Self = Self(2);
    /// Broadcasts and system messages.
    pub const BROADCAST: Self = Self(4);
    /// Posting to connections.
    pub const CONNECTIONS: Self = Self(8);
    /// Syncing users: the auth service's own (RULES 5). It has no name, because no key that is kept can have it.
    pub const USERS: Self = Self(16);
    /// Each scope with the name it has on the command line and in files.
    pub const NAMED: [(&'static str, Self); 4] = [
        ("guilds", Self::GUILDS),
        ("stats", Self::STATS),
        ("broadcast", Self::BROADCAST),
        ("connections", Self::CONNECTIONS),
    ];

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `wanted` are in.
    #[must_use]
    pub fn has(self, wanted: Self) -> bool {
        self.0 & wanted.0 == wanted.0
    }

    /// As one byte, for a row.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// From a row's byte; unknown bits are dropped, and so is [`Scopes::USERS`], which no kept key has.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        Self(bits & 15)
    }
}

/// With what standing a command is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As the user, and nothing more.
    User,
    /// As a back end with these scopes; opens no socket.
    Service(Scopes),
}

impl Standing {
    /// Whether this is a back end that may do `wanted`.
    #[must_use]
    pub fn serves(self, wanted: Scopes) -> bool {
        match self {
            Self::User => false,
            Self::Service(scopes) => scopes.has(wanted),
        }
    }
}

/// On whose behalf a command or query runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who, numbered and durable (HAZARDS 15).
    pub who: Arc<Person>,
    /// A user or a back end.
    pub standing: Standing,
    /// Through which door.
    pub door: Door,
    /// From which connection; none for REST.
    pub connection: Option<ConnectionId>,
}
