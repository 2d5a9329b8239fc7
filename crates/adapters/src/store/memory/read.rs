//! Answers from the log in memory, each found in the plainest way: this is what the other stores are compared with.

use std::sync::Arc;

use domain::event::{Event, What};
use domain::facts::RoomFacts;
use domain::history::{Entry, Fate};
use domain::id::{Cursor, MessageId, Millis, Offset, Seq, SessionKey, UserId, UserNumber};
use domain::model::RoomKey;
use domain::query::Window;
use domain::watermark::Mark;

use super::log::{GENESIS, Log, Room};
use crate::port::{Found, Posted, Read, SessionRow};
use crate::store::marks::{Front, Fronts, Marks};
use crate::store::reactions::Reactions;
use crate::store::settle::{self, Page};

impl Log {
    pub(super) fn read(&self, ask: &Read) -> Found {
        match ask {
            Read::Room(key) => Found::Room(self.rooms.get(key).map(|room| Box::new(room.facts.clone()))),
            Read::Rooms { asker, kind, most } => {
                let known = |facts: &RoomFacts| {
                    let (member, barred) = (facts.role(asker).is_some(), facts.barred.contains(asker));
                    kind.is_none_or(|kind| kind == facts.kind)
                        && settle::knows_of(facts.kind, &facts.key, asker, member, barred)
                };
                let mut rooms = self.listed(known);
                rooms.sort_by_key(|facts| std::cmp::Reverse(facts.last));
                rooms.truncate(*most);
                Found::Rooms(rooms)
            }
            Read::MadeBy(user) => {
                let mut rooms = self.listed(|facts| facts.seats.is_some() && facts.made_by == *user);
                rooms.sort_by_key(|facts| facts.birth);
                Found::Rooms(rooms)
            }
            Read::Person(id) => Found::Person(self.people.get(id).cloned()),
            Read::Page { room, before, most } => self.page(room, *before, *most),
            Read::Since { after, upto, rooms: None, pairs_of: _, bytes } => self.since(*after, *upto, |_| true, *bytes),
            Read::Since { after, upto, rooms: Some(rooms), pairs_of, bytes } => {
                self.since_in(*after, *upto, (rooms, pairs_of.as_ref()), *bytes)
            }
            Read::Sent { by, room, client_id } => {
                let key = (by.clone(), room.clone(), client_id.clone());
                let sent = self.sent.get(&key).map(|(event, _)| event.clone());
                Found::Event(sent.map(|event| settle::as_kept(event, self.expired)))
            }
            Read::Message(id) => Found::Event(self.message(*id).cloned()),
            Read::Messages(ids) => Found::Messages(ids.iter().filter_map(|id| self.message(*id).cloned()).collect()),
            Read::User(which) => Found::User(self.user(which)),
            Read::Conversations { user, before, most } => {
                Found::Conversations(self.conversations(user, *before, *most))
            }
            Read::Born(offset) => {
                let born = self.rooms.values().find(|room| room.facts.birth == *offset);
                Found::Key(born.map(|room| room.facts.key.clone()))
            }
            Read::Alias { user, alias } => Found::Key(self.called(user, alias)),
            Read::Standings(user) => Found::Standings(self.standings(user)),
            Read::Own { user, room, most } => Found::Own(self.own(user, room.as_ref(), *most)),
            Read::Members { room, most } => Found::Members(self.members(room, *most)),
            Read::Find { room, senders, ids } => {
                Found::Entries(ids.iter().map(|id| self.find(room, senders, id)).collect())
            }
            Read::Acquaintances { user, most } => Found::Users(self.acquaintances(user, *most)),
            Read::History { room, window, skip, most, bytes } => {
                let page = settle::Page::of(*window, *most, *bytes);
                let (entries, total) =
                    self.rooms.get(room).map_or((Vec::new(), 0), |room| room.history(*window, *skip, page));
                Found::History(entries, total, self.head())
            }
            Read::Unread { room, user, most } => {
                Found::Count(self.rooms.get(room).map_or(0, |room| room.unread(user)).min(*most))
            }
            Read::Session(key) => Found::Session(self.session(*key).cloned()),
            Read::At(offset) => Found::Cursor(self.at(*offset)),
            Read::AtSeq(room, seq) => Found::Cursor(self.at_seq(room, *seq)),
            Read::Expired => Found::Expired(self.expired),
            Read::Head => Found::Cursor(Some(self.head())),
            Read::Feed => Found::Feed(self.feed),
            Read::Outbox { after, most } => Found::Outbox(self.posted_after(*after, *most)),
            Read::Keys => Found::Keys(self.keys.values().cloned().collect()),
            Read::Recent(after) => Found::Recent(self.recent(*after)),
        }
    }

    fn posted_after(&self, after: u64, most: usize) -> Vec<Posted> {
        self.outbox.iter().filter(|posted| posted.number > after).take(most).cloned().collect()
    }

    fn listed(&self, wanted: impl Fn(&RoomFacts) -> bool) -> Vec<RoomFacts> {
        let rooms = self.rooms.values().map(|room| &room.facts);
        rooms.filter(|facts| wanted(facts)).map(settle::without_rosters).collect()
    }

    fn page(&self, room: &RoomKey, before: Option<Offset>, most: usize) -> Found {
        let head = self.head().offset;
        let scanned = before.map_or(head, |before| Offset(before.0.saturating_sub(1)).min(head));
        let all = self.rooms.get(room).map_or(&[][..], |room| &room.events);
        let end = all.partition_point(|event| event.offset <= scanned);
        let page = all[end.saturating_sub(most)..end].iter().map(|event| settle::as_kept(event.clone(), self.expired));
        Found::Events { events: page.collect(), scanned, fates: Vec::new(), gone: false }
    }

    fn since(&self, after: Offset, upto: Offset, wanted: impl Fn(&RoomKey) -> bool, bytes: usize) -> Found {
        let upto = upto.min(self.head().offset);
        let start = self.events.partition_point(|event| event.offset <= after);
        let between = self.events[start..].iter().take_while(|event| event.offset <= upto);
        let matching = between.filter(|event| wanted(&event.room));
        let mut budget = settle::Budget::of(bytes);
        let all = matching.cloned().all(|event| budget.take(settle::as_kept(event, self.expired)));
        let scanned = if all { upto.max(after) } else { budget.events.last().map_or(after, |event| event.offset) };
        Found::Events { events: budget.events, scanned, fates: Vec::new(), gone: false }
    }

    /// Of these rooms, and of every direct room of a user.
    fn since_in(
        &self,
        after: Offset,
        upto: Offset,
        (rooms, pairs_of): (&[RoomKey], Option<&UserId>),
        bytes: usize,
    ) -> Found {
        let pair = |key: &RoomKey| matches!((key, pairs_of), (RoomKey::Pair(..), Some(me)) if key.other(me).is_some());
        let wanted = |key: &RoomKey| rooms.contains(key) || pair(key);
        let floor = self.expired.min(upto).max(after);
        let mut found = self.since(floor, upto, wanted, bytes);
        if let Found::Events { events, fates, gone, .. } = &mut found {
            fates.extend(events.iter().filter_map(|event| Some((event.offset, self.fate(event)?))));
            let mut lost = self.events.iter().filter(|event| event.offset > after && event.offset <= floor);
            *gone = lost.any(|event| wanted(&event.room) && settle::expires(&event.what));
        }
        found
    }

    fn fate(&self, event: &Event) -> Option<Fate> {
        let room = self.rooms.get(&event.room).filter(|_| event.message().is_some())?;
        if room.deleted.contains(&event.offset) {
            return Some(Fate::Deleted);
        }
        let What::Edited { content, .. } = &room.edited.get(&event.offset)?.what else { return None };
        Some(Fate::Edited(content.clone()))
    }

    fn at(&self, offset: Offset) -> Option<Cursor> {
        if offset <= GENESIS {
            return Some(Cursor { life: self.life, offset });
        }
        let index = usize::try_from(offset.0 - 2).ok()?;
        self.events.get(index).map(|event| event.cursor())
    }

    fn at_seq(&self, room: &RoomKey, seq: Seq) -> Option<Cursor> {
        let room = self.rooms.get(room)?;
        match usize::try_from(seq.0).ok()?.checked_sub(1) {
            None => self.at(Offset(room.facts.birth.0 - 1)),
            Some(index) => room.events.get(index).map(|event| event.cursor()),
        }
    }

    fn recent(&self, after: Millis) -> Vec<(UserNumber, Millis)> {
        let recent = self.events.iter().rev().take_while(|event| event.at > after);
        let sent = recent.filter(|event| event.message().is_some()).take(settle::RECENT_MAX);
        let mut sent: Vec<_> = sent.map(|event| (event.by.number, event.at)).collect();
        sent.reverse();
        sent
    }

    pub(super) fn message(&self, id: MessageId) -> Option<&Arc<Event>> {
        let event = self.messages.get(&id)?;
        let room = self.rooms.get(&event.room)?;
        (event.offset > room.expired && !room.deleted.contains(&event.offset)).then_some(event)
    }

    fn session(&self, key: SessionKey) -> Option<&SessionRow> {
        self.sessions.iter().find(|session| session.key == key)
    }
}

impl Room {
    /// Its messages that were not deleted and are not too old, oldest first.
    pub(super) fn live(&self) -> impl DoubleEndedIterator<Item = &Arc<Event>> {
        let live = |event: &&Arc<Event>| event.offset > self.expired && !self.deleted.contains(&event.offset);
        self.events.iter().filter(|event| event.message().is_some()).filter(live)
    }

    pub(super) fn history(&self, window: Window, skip: u32, mut page: Page) -> (Vec<Entry>, u64) {
        let within = |event: &Arc<Event>| {
            window.above.is_none_or(|above| event.offset > above)
                && window.below.is_none_or(|below| event.offset < below)
        };
        let within = self.live().filter(|event| within(event));
        let mut entries: Vec<Entry> = if page.upwards {
            within.map(|event| self.edited(event)).take_while(|entry| page.takes(entry)).collect()
        } else {
            let newest = within.rev().skip(usize::try_from(skip).unwrap_or(usize::MAX));
            newest.map(|event| self.edited(event)).take_while(|entry| page.takes(entry)).collect()
        };
        entries.sort_by_key(|entry| entry.sent.offset);
        self.fold(&mut entries);
        (entries, self.live().count() as u64)
    }

    /// Folds everybody's marks and reactions into messages.
    fn fold(&self, entries: &mut [Entry]) {
        self.fronts().fold(entries);
        for entry in entries.iter_mut() {
            entry.reactions = self.reactions.get(&entry.sent.offset).map(Reactions::shown).unwrap_or_default();
        }
        self.marks.iter().for_each(|(user, marks)| marks.fold_apart(user, entries));
    }

    /// Of each mark the two foremost users, found by looking at all.
    fn fronts(&self) -> Fronts {
        let mut fronts = Fronts::default();
        for mark in [Mark::Delivered, Mark::Read] {
            let reached = |(user, marks): (&UserId, &Marks)| {
                marks.upto.of(mark).map(|reached| Front { reached, user: user.clone() })
            };
            let mut all: Vec<_> = self.marks.iter().filter_map(reached).collect();
            all.sort_by(|one, other| one.place().cmp(&other.place()));
            for front in all.into_iter().take(2) {
                fronts.put(mark, front);
            }
        }
        fronts
    }

    /// A message as it is now.
    pub(super) fn entry(&self, sent: &Arc<Event>) -> Entry {
        let mut entry = self.edited(sent);
        self.fold(std::slice::from_mut(&mut entry));
        entry
    }

    fn edited(&self, sent: &Arc<Event>) -> Entry {
        let mut entry = Entry::fresh(sent.clone());
        if let Some(edit) = self.edited.get(&sent.offset)
            && let What::Edited { content, .. } = &edit.what
        {
            entry.edited = Some((content.clone(), edit.at));
        }
        entry
    }

    pub(super) fn unread(&self, user: &UserId) -> u64 {
        let marks = self.marks.get(user);
        let mark = marks.and_then(|marks| marks.upto.of(Mark::Read)).map(|reached| reached.offset);
        let from = mark.or_else(|| self.since.get(user).copied()).unwrap_or_default();
        let apart = |event: &Event| marks.is_some_and(|marks| marks.apart(Mark::Read).contains_key(&event.offset));
        let unread = self.live().filter(|event| event.offset > from && event.by.id != *user && !apart(event));
        unread.count() as u64
    }
}
