//! The rooms that are somebody's, as they have them; and who belongs to one room.

use std::cmp::Reverse;

use domain::history::{Belonging, Own};
use domain::id::UserId;
use domain::limits::{HISTORY_BYTES_MAX, OVERVIEW_COUNTED_MAX};
use domain::model::RoomKey;
use domain::query::Window;
use domain::rules::mention;
use domain::watermark::Mark;

use super::log::{Log, Room};
use crate::store::marks::Marks;
use crate::store::settle::{self, MENTIONS_LOOKED_AT_MAX, Page};

impl Log {
    pub(super) fn own(&self, user: &UserId, only: Option<&RoomKey>, most: usize) -> Vec<Own> {
        let is_own = |room: &&Room| match only {
            Some(key) => room.facts.key == *key,
            None => room.facts.role(user).is_some() || room.facts.key.other(user).is_some(),
        };
        let mut rooms: Vec<&Room> = self.rooms.values().filter(is_own).collect();
        rooms.sort_by_key(|room| Reverse(room.facts.last));
        rooms.truncate(most);
        let mut left = MENTIONS_LOOKED_AT_MAX;
        rooms.into_iter().map(|room| self.one(room, user, &mut left)).collect()
    }

    fn one(&self, room: &Room, user: &UserId, left: &mut usize) -> Own {
        let unread = room.unread(user).min(OVERVIEW_COUNTED_MAX);
        let marks = room.marks.get(user).cloned().unwrap_or_default();
        let mut mentions = 0;
        if let Some(me) = self.people.get(user).filter(|_| unread > 0 && *left > 0) {
            let page = room.unread_page(user, &marks, settle::looked_at(*left));
            *left = left.saturating_sub(page.len());
            let apart = marks.apart(Mark::Read);
            let named = |entry: &&domain::history::Entry| {
                let unread = entry.sent.by.id != *user && !apart.contains_key(&entry.sent.offset);
                unread && mention::names(entry.content(), &me.name)
            };
            mentions = page.iter().filter(named).count() as u64;
        }
        let facts = &room.facts;
        Own {
            room: facts.key.clone(),
            kind: facts.kind,
            title: facts.title.clone(),
            seats: facts.seats,
            made_at: facts.made_at,
            changed_at: facts.changed_at,
            last: facts.last,
            head: facts.head,
            member: facts.members.get(user).copied(),
            other: facts.key.other(user).and_then(|other| self.people.get(other)).cloned(),
            marks: marks.upto,
            unread,
            mentions,
            newest: room.live().next_back().map(|sent| room.entry(sent)),
        }
    }

    pub(super) fn members(&self, key: &RoomKey, most: usize) -> Vec<Belonging> {
        let Some(room) = self.rooms.get(key) else { return Vec::new() };
        let rows: Vec<_> = match key {
            RoomKey::Pair(one, other) => {
                let mut users = vec![one, other];
                users.dedup();
                users.into_iter().map(|user| (user, settle::PLAIN)).collect()
            }
            RoomKey::Named(_) | RoomKey::Relay(_) => {
                room.facts.members.iter().take(most).map(|(user, member)| (user, *member)).collect()
            }
        };
        let belonging = |(user, member)| {
            let who = self.people.get(user)?.clone();
            Some(Belonging { who, member, marks: room.marks.get(user).map(|marks| marks.upto).unwrap_or_default() })
        };
        rows.into_iter().filter_map(belonging).collect()
    }
}

impl Room {
    /// The oldest of the messages above somebody's read mark, their own included.
    fn unread_page(&self, user: &UserId, marks: &Marks, most: u32) -> Vec<domain::history::Entry> {
        let mark = marks.upto.of(Mark::Read).map(|reached| reached.offset);
        let from = mark.or_else(|| self.since.get(user).copied()).unwrap_or_default();
        let window = Window { above: Some(from), below: None };
        self.history(window, 0, Page::of(window, most, HISTORY_BYTES_MAX)).0
    }
}
