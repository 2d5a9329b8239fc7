//! What a user has to do with: conversations, where they stand, whom they know. And messages by the names that wires have
//! for them.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use domain::Text;
use domain::event::Event;
use domain::history::{Conversation, Entry, Standing};
use domain::id::{ClientId, Offset, UserId};
use domain::limits::STANDINGS_MAX;
use domain::model::{RoomKey, RoomKind};
use domain::query::Which;
use domain::watermark::Mark;

use super::log::{Log, Room};
use crate::store::settle;

impl Log {
    /// The direct rooms of a user.
    fn pairs<'a>(&'a self, user: &'a UserId) -> impl Iterator<Item = (&'a Room, &'a UserId)> {
        self.rooms.values().filter_map(|room| room.facts.key.other(user).map(|other| (room, other)))
    }

    pub(super) fn conversations(&self, user: &UserId, before: Option<Offset>, most: u32) -> Vec<Conversation> {
        let within = |room: &Room| before.is_none_or(|before| room.facts.birth < before);
        let conversation = |(room, other): (&Room, &UserId)| {
            let mut users = [self.user(&Which::Id(user.clone()))?, self.user(&Which::Id(other.clone()))?];
            users.sort_by_key(|user| user.person.number);
            let last = room.live().next_back().map(|sent| room.entry(sent));
            let (born, key) = (room.facts.birth, room.facts.key.clone());
            Some(Conversation { born, room: key, made_at: room.facts.made_at, users, last })
        };
        let mut all: Vec<_> = self.pairs(user).filter(|(room, _)| within(room)).filter_map(conversation).collect();
        all.sort_by_key(|conversation| Reverse(conversation.born));
        all.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        all
    }

    pub(super) fn called(&self, user: &UserId, alias: &Text) -> Option<RoomKey> {
        let called = self.pairs(user).filter(|(room, _)| room.facts.alias.as_ref() == Some(alias));
        called.max_by_key(|(room, _)| room.facts.last).map(|(room, _)| room.facts.key.clone())
    }

    pub(super) fn standings(&self, user: &UserId) -> Vec<Standing> {
        let standing = |room: &Room| {
            let mark = room.marks.get(user).and_then(|marks| marks.upto.of(Mark::Delivered));
            // A mark of before they went says nothing of what was said while they were out.
            let mark = mark.map(|reached| reached.offset).max(room.since.get(user).copied());
            let delivered = mark.unwrap_or(Offset(room.facts.birth.0 - 1));
            let behind = room.facts.key.other(user).is_some() && room.facts.last > delivered;
            let stands = room.facts.role(user).is_some() || behind;
            let since = room.since.get(user).copied();
            stands.then(|| Standing { room: room.facts.key.clone(), delivered, last: room.facts.last, since })
        };
        self.rooms.values().filter_map(standing).take(STANDINGS_MAX).collect()
    }

    pub(super) fn find(&self, room: &RoomKey, senders: &[UserId], id: &Text) -> Option<Entry> {
        let sent = |by: &UserId| {
            let key = (by.clone(), room.clone(), ClientId::new(id).ok()?);
            self.sent.get(&key).map(|(event, _)| event.clone())
        };
        let by_uuid = || self.message(settle::uuid(id)?).filter(|event| event.room == *room).cloned();
        let event: Arc<Event> = senders.iter().find_map(sent).or_else(by_uuid)?;
        let room = self.rooms.get(room)?;
        (event.offset > room.expired && !room.deleted.contains(&event.offset)).then(|| room.entry(&event))
    }

    pub(super) fn acquaintances(&self, user: &UserId, most: usize) -> Vec<UserId> {
        let mut known: BTreeSet<&UserId> = self.pairs(user).map(|(_, other)| other).collect();
        for room in self.rooms.values() {
            let facts = &room.facts;
            if matches!(facts.kind, RoomKind::Private | RoomKind::Guild) && facts.role(user).is_some() {
                known.extend(facts.members.keys().filter(|member| facts.role(member).is_some()));
            }
        }
        known.remove(user);
        known.into_iter().take(most).cloned().collect()
    }
}
