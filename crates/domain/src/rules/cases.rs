//! Facts for the tables of the rules' tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::Text;
use crate::command::{Manners, Pace};
use crate::event::{Event, What};
use crate::facts::RoomFacts;
use crate::id::{Door, ExclusionVersion, Life, MessageId, Millis, Offset, RoomName, Seq, UserId, UserNumber};
use crate::identity::{Actor, Scopes, Standing};
use crate::model::{Member, Message, MessageKind, Person, Role, RoomKey, RoomKind, Status};

pub(crate) const OPEN: Manners =
    Manners { makes_rooms: true, joins_private: false, joins: false, members_only: false, pace: Pace::Strict };
pub(crate) const CHAT: Manners =
    Manners { makes_rooms: false, joins_private: true, joins: false, members_only: false, pace: Pace::Strict };

pub(crate) const MEMBERS: Manners = Manners { makes_rooms: false, members_only: true, ..OPEN };

pub(crate) const JOINS: Manners =
    Manners { makes_rooms: true, joins_private: false, joins: true, members_only: false, pace: Pace::Loose };

pub(crate) fn user(id: &str) -> UserId {
    UserId::new(id).expect("a short id is valid")
}

pub(crate) fn key(name: &str) -> RoomKey {
    RoomKey::Named(RoomName::new(name).expect("a short name is valid"))
}

pub(crate) fn actor(id: &str) -> Actor {
    let who = Person { id: user(id), number: UserNumber(1), name: Text::from(id), email: None };
    Actor { who: Arc::new(who), standing: Standing::User, door: Door(0), connection: None }
}

pub(crate) fn service(scopes: Scopes) -> Actor {
    Actor { standing: Standing::Service(scopes), ..actor("back-end") }
}

pub(crate) fn member(role: Role) -> Member {
    Member { muted: false, role, status: Status::Active }
}

/// A room made by `maker`, with these members and nobody barred.
pub(crate) fn facts(name: &str, kind: RoomKind, members: &[(&str, Member)]) -> RoomFacts {
    RoomFacts {
        key: key(name),
        kind,
        title: Text::from(name),
        seats: None,
        made_by: user("maker"),
        door: Door(0),
        made_at: Millis(0),
        changed_at: Millis(0),
        version: ExclusionVersion(0),
        birth: Offset(2),
        last: Offset(2),
        head: Seq(1),
        alias: None,
        members: members.iter().map(|(id, member)| (user(id), *member)).collect::<BTreeMap<_, _>>(),
        barred: BTreeSet::new(),
    }
}

/// A message as it was sent; its offset and its id are the same number.
pub(crate) fn said(room: &str, by: &str, number: u64) -> Event {
    let message = Message {
        id: MessageId(u128::from(number)),
        kind: MessageKind::Text,
        content: Text::from("hi"),
        reply_to: None,
        client_id: None,
        extra: None,
    };
    Event {
        offset: Offset(number),
        seq: Seq(number),
        life: Life(1),
        room: key(room),
        born: Offset(2),
        version: ExclusionVersion(0),
        at: Millis(0),
        by: actor(by).who,
        door: Door(0),
        origin: None,
        alias: None,
        what: What::Sent(message),
    }
}
