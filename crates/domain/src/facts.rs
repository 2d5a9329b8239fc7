//! What the node knows of a room when it decides: a fold of the room's events, kept while someone is there.

use std::collections::{BTreeMap, BTreeSet};

use crate::Text;
use crate::event::{Event, What};
use crate::id::{Door, ExclusionVersion, Millis, Offset, Seq, UserId};
use crate::limits;
use crate::model::{Member, Role, RoomKey, RoomKind, Status};

/// What is known of a room. Loaded whole at first touch (HAZARDS 24) and kept current by [`RoomFacts::apply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomFacts {
    /// Which room.
    pub key: RoomKey,
    /// What it is.
    pub kind: RoomKind,
    /// Its shown title.
    pub title: Text,
    /// Most users present at a time; none for rooms made by first use.
    pub seats: Option<u32>,
    /// Who made it.
    pub made_by: UserId,
    /// Through which door it was made.
    pub door: Door,
    /// When it was made.
    pub made_at: Millis,
    /// When something last happened in it.
    pub changed_at: Millis,
    /// Moved by what can turn a yes into a no.
    pub version: ExclusionVersion,
    /// The offset of its first event.
    pub birth: Offset,
    /// The offset of its last event.
    pub last: Offset,
    /// The seq of its last event.
    pub head: Seq,
    /// What the two of a direct room called it last, on a wire on which they name their conversations.
    pub alias: Option<Text>,
    /// Who belongs. In public rooms, which all may enter, only those who came through a door that makes members there.
    pub members: BTreeMap<UserId, Member>,
    /// Who was removed and stays out until invited.
    pub barred: BTreeSet<UserId>,
}

impl RoomFacts {
    /// The facts of a room after its first event; none when the event is no room's first.
    #[must_use]
    pub fn born(event: &Event) -> Option<Self> {
        let What::RoomMade { kind, title, seats } = &event.what else { return None };
        Some(Self {
            key: event.room.clone(),
            kind: *kind,
            title: title.clone(),
            seats: *seats,
            made_by: event.by.id.clone(),
            door: event.door,
            made_at: event.at,
            changed_at: event.at,
            version: event.version,
            birth: event.offset,
            last: event.offset,
            head: event.seq,
            alias: event.alias.clone(),
            members: BTreeMap::new(),
            barred: BTreeSet::new(),
        })
    }

    /// Follows the room's next event. Events at or before [`RoomFacts::last`] change nothing, so that an event may be
    /// heard twice.
    pub fn apply(&mut self, event: &Event) {
        if event.offset <= self.last {
            return;
        }
        self.last = event.offset;
        self.head = event.seq;
        self.changed_at = event.at;
        self.version = event.version;
        if event.alias.is_some() {
            self.alias.clone_from(&event.alias);
        }
        self.change(&event.what);
    }

    /// Whether anything but the room's place in the log is another by this event.
    #[must_use]
    pub fn would_change(&self, event: &Event) -> bool {
        Self::is_structural(&event.what) || (event.alias.is_some() && event.alias != self.alias)
    }

    /// What an event changes of the facts that rules read, whatever its numbers: the node folds events whose fate is
    /// still open onto a copy with this.
    pub fn change(&mut self, what: &What) {
        match what {
            What::RoomMade { .. }
            | What::Sent(_)
            | What::Edited { .. }
            | What::Deleted { .. }
            | What::Notice { .. }
            | What::Reacted { .. } => {}
            What::Retitled { title } => self.title = title.clone(),
            What::MemberSet { user, member } => {
                self.barred.remove(user);
                self.members.insert(user.clone(), *member);
            }
            What::MemberRemoved { user, barred } => {
                self.members.remove(user);
                if *barred {
                    self.barred.insert(user.clone());
                }
            }
        }
    }

    /// Whether this event can turn a yes into a no, and so moves the exclusion version (invariant 7).
    ///
    /// These facts may be behind the log by whatever does not move the version, where several nodes share it: so a block
    /// moves it whether or not the user is known to belong, and a higher role does, too, so that nobody takes it away
    /// again without having heard of it. Whoever leaves a public room may still do there what they might before.
    #[must_use]
    pub fn excludes(&self, what: &What) -> bool {
        match what {
            What::RoomMade { .. }
            | What::Sent(_)
            | What::Edited { .. }
            | What::Deleted { .. }
            | What::Retitled { .. }
            | What::Notice { .. }
            | What::Reacted { .. } => false,
            What::MemberRemoved { barred, .. } => *barred || self.kind != RoomKind::Public,
            What::MemberSet { user, member } => {
                member.status != Status::Active
                    || member.muted
                    || member.role > Role::Member
                    || self.members.get(user).is_some_and(|was| member.role < was.role)
            }
        }
    }

    /// Whether this event changes what rules read: others may not be decided as if it were certain (HAZARDS 10).
    #[must_use]
    pub fn is_structural(what: &What) -> bool {
        match what {
            What::Sent(_) | What::Edited { .. } | What::Deleted { .. } | What::Notice { .. } | What::Reacted { .. } => {
                false
            }
            What::RoomMade { .. } | What::MemberSet { .. } | What::MemberRemoved { .. } | What::Retitled { .. } => true,
        }
    }

    /// Whether nothing has happened in this made, public room for an hour; with nobody present either, it is unlisted
    /// and uncounted, and joinable by its id (RULES 11). Derived, so that no timer has to outlive a restart.
    #[must_use]
    pub fn is_stale(&self, now: Millis) -> bool {
        self.kind == RoomKind::Public && self.seats.is_some() && now.since(self.changed_at) >= limits::ARCHIVE_AFTER_MS
    }

    /// Whether someone was put out and stays out: barred, or on the roster and not let in. Those who left while they were muted
    /// may come back as they were.
    #[must_use]
    pub fn is_out(&self, user: &UserId) -> bool {
        let row = self.members.get(user);
        self.barred.contains(user)
            || row.is_some_and(|row| row.status != Status::Active && !(row.muted && row.status == Status::Inactive))
    }

    /// Whether someone may not speak.
    #[must_use]
    pub fn is_muted(&self, user: &UserId) -> bool {
        self.members.get(user).is_some_and(|row| row.muted)
    }

    /// What happens when someone leaves by themselves: a mute stays on the roster for when they come back.
    #[must_use]
    pub fn departure(&self, user: &UserId) -> What {
        match self.members.get(user) {
            Some(row) if row.muted => {
                let member = Member { role: Role::Member, status: Status::Inactive, muted: true };
                What::MemberSet { user: user.clone(), member }
            }
            Some(_) | None => What::MemberRemoved { user: user.clone(), barred: false },
        }
    }

    /// What happens when someone comes to belong: who has made a public room by asking for it owns it, and who left muted is
    /// muted.
    #[must_use]
    pub fn arrival(&self, user: &UserId) -> What {
        let owns = self.kind == RoomKind::Public && self.seats.is_some() && self.made_by == *user;
        let role = if owns { Role::Owner } else { Role::Member };
        let member = Member { role, status: Status::Active, muted: self.is_muted(user) };
        What::MemberSet { user: user.clone(), member }
    }

    /// The active member's role, if they are one.
    #[must_use]
    pub fn role(&self, user: &UserId) -> Option<Role> {
        self.members.get(user).filter(|member| member.status == Status::Active).map(|member| member.role)
    }
}
