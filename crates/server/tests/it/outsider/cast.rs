//! Who tries, and what they try it on.

use crate::transcripts::stage::Stage;

/// Who tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Shows no credential.
    Nobody,
    /// A user who has nothing to do with the target.
    Outsider,
    /// Was a member once; left, or was removed.
    Former,
    /// On the guild's roster, and blocked.
    Blocked,
    /// An outsider who says to be the victim, wherever a frame, a body or a header can.
    Forger,
    /// A plain member, where staff or the author is wanted.
    Member,
    /// A back end whose key has another scope.
    Service,
}

pub(super) const ROLES: [Role; 7] =
    [Role::Nobody, Role::Outsider, Role::Former, Role::Blocked, Role::Forger, Role::Member, Role::Service];

pub(super) const VICTIM: &str = "101001";

impl Role {
    /// The true user, as far as there is one.
    pub(super) fn own(self) -> &'static str {
        match self {
            Self::Nobody | Self::Outsider | Self::Forger | Self::Service => "101003",
            Self::Former => "101004",
            Self::Blocked => "101005",
            Self::Member => "101006",
        }
    }

    /// Who it says to be.
    pub(super) fn claimed(self) -> &'static str {
        if self == Self::Forger { VICTIM } else { self.own() }
    }

    /// What it shows, as the house's transcript calls it.
    pub(super) fn credential(self) -> Option<&'static str> {
        match self {
            Self::Nobody => None,
            Self::Outsider | Self::Forger => Some("%carol%"),
            Self::Former => Some("%dave%"),
            Self::Blocked => Some("%eve%"),
            Self::Member => Some("%frank%"),
            Self::Service => Some("%wrong%"),
        }
    }

    /// The header in which a request shows it.
    pub(super) fn headers(self, stage: &Stage) -> Vec<(String, String)> {
        let mut headers = match self.credential().map(|shown| stage.filled_in(shown)) {
            None => Vec::new(),
            Some(key) if self == Self::Service => vec![("x-api-key".to_owned(), key)],
            Some(token) => vec![("authorization".to_owned(), format!("Bearer {token}"))],
        };
        if self == Self::Forger {
            headers.push(("x-user-id".into(), VICTIM.into()));
            headers.push(("x-username".into(), "alice".into()));
        }
        headers
    }
}

/// What it is tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Private,
    Guild,
    Pair,
    Group,
    /// Nothing in particular.
    None,
}

/// The names of a target, or of one that is missing.
pub(super) struct Names {
    pub(super) room: String,
    pub(super) message: String,
    pub(super) guild: String,
    pub(super) conversation: String,
    pub(super) alias: String,
    pub(super) theirs: String,
}

impl Target {
    pub(super) fn names(self, stage: &Stage) -> Names {
        let (room, message) = match self {
            Self::Private | Self::None => ("$private", "$private_message"),
            Self::Guild => ("GUILD#hushguild", "$guild_message"),
            Self::Pair => ("dm-101001-101002", "$pair_message"),
            Self::Group => ("team-hushed", "$group_message"),
        };
        let fill = |text: &str| stage.filled_in(text);
        Names {
            room: fill(room),
            message: fill(message),
            guild: "hushguild".into(),
            conversation: fill("$conv"),
            alias: "conv-hushed".into(),
            theirs: "g-hushed".into(),
        }
    }

    /// What has names like these, and is not there.
    pub(super) fn missing(self) -> Names {
        let room = match self {
            Self::Private | Self::None => "0199a1b2-0000-4000-8000-00000000dead",
            Self::Guild => "GUILD#nosuchguild",
            Self::Pair => "dm-199001-199002",
            Self::Group => "team-nowhere",
        };
        Names {
            room: room.into(),
            message: "0199a1b2-0000-7000-8000-00000000dead".into(),
            guild: "nosuchguild".into(),
            conversation: "999999".into(),
            alias: "conv-nowhere".into(),
            theirs: "g-nothing".into(),
        }
    }

    /// Who may be in this role here.
    pub(super) fn knows(self, role: Role) -> bool {
        match role {
            Role::Nobody | Role::Outsider | Role::Forger | Role::Service => true,
            Role::Former => matches!(self, Self::Private | Self::Guild | Self::Group),
            Role::Blocked => self == Self::Guild,
            Role::Member => matches!(self, Self::Private | Self::Guild | Self::Group),
        }
    }
}

impl Names {
    /// A template with these names in it.
    pub(super) fn fill(&self, template: &str, role: Role) -> String {
        template
            .replace("{path}", &self.room.replace('#', "%23"))
            .replace("{room}", &self.room)
            .replace("{message}", &self.message)
            .replace("{guild}", &self.guild)
            .replace("{conv}", &self.conversation)
            .replace("{alias}", &self.alias)
            .replace("{theirs}", &self.theirs)
            .replace("{me}", role.claimed())
            .replace("{own}", role.own())
    }

    /// What was answered, without these names.
    pub(super) fn blank(&self, answer: &str) -> String {
        let all = [&self.room, &self.message, &self.guild, &self.alias, &self.theirs];
        all.into_iter().fold(answer.to_owned(), |answer, name| answer.replace(&**name, "<name>"))
    }
}
