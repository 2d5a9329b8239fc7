//! The log in memory, and how a batch gets into it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use domain::Text;
use domain::event::{Event, What};
use domain::facts::RoomFacts;
use domain::id::{ClientId, Cursor, Life, MessageId, Offset, Seq, UserId, UserNumber};
use domain::limits::SESSIONS_PER_USER_MAX;
use domain::model::{Person, Profile, RoomKey};

use crate::port::{
    AskedMark, Batch, Expiry, FeedPlace, Key, KeyChange, MarkWrite, Outcome, Posted, RoomWrite, SessionRow, Write,
};
use crate::store::marks::{Marks, outcome};
use crate::store::outbox::posted;
use crate::store::reactions::{Given, Reactions};
use crate::store::settle::{self, Change};

/// Who sent something, where, and under which id.
type SentKey = (UserId, RoomKey, ClientId);

#[derive(Debug, Clone)]
pub(super) struct Log {
    /// The genesis row's.
    pub(super) life: Life,
    /// All events; the first has offset 2.
    pub(super) events: Vec<Arc<Event>>,
    pub(super) rooms: BTreeMap<RoomKey, Room>,
    pub(super) sent: HashMap<SentKey, (Arc<Event>, u64)>,
    pub(super) people: BTreeMap<UserId, Arc<Person>>,
    pub(super) names: BTreeMap<Text, UserId>,
    pub(super) numbers: BTreeMap<UserNumber, UserId>,
    pub(super) profiles: BTreeMap<UserNumber, Profile>,
    pub(super) keys: BTreeMap<Text, Key>,
    pub(super) messages: HashMap<MessageId, Arc<Event>>,
    /// The longest unwritten first.
    pub(super) sessions: Vec<SessionRow>,
    pub(super) feed: Option<FeedPlace>,
    pub(super) outbox: Vec<Posted>,
    /// The number of the last row that the outbox was given.
    posted: u64,
    /// Contents up to here are kept no more.
    pub(super) expired: Offset,
}

#[derive(Debug, Clone)]
pub(super) struct Room {
    pub(super) facts: RoomFacts,
    /// Its events, by seq from 1.
    pub(super) events: Vec<Arc<Event>>,
    /// Where its members began to belong.
    pub(super) since: BTreeMap<UserId, Offset>,
    pub(super) marks: BTreeMap<UserId, Marks>,
    /// What was named by deletions; it means something only where a message of this room was sent.
    pub(super) deleted: HashSet<Offset>,
    /// The last edit of what lies at an offset.
    pub(super) edited: HashMap<Offset, Arc<Event>>,
    /// What is under what was sent at an offset.
    pub(super) reactions: HashMap<Offset, Reactions>,
    /// See [`Log::expired`].
    pub(super) expired: Offset,
}

/// The genesis row's offset.
pub(super) const GENESIS: Offset = Offset(1);

impl Log {
    pub(super) fn new(life: Life) -> Self {
        Self {
            life,
            events: Vec::new(),
            rooms: BTreeMap::new(),
            sent: HashMap::new(),
            people: BTreeMap::new(),
            names: BTreeMap::new(),
            numbers: BTreeMap::new(),
            profiles: BTreeMap::new(),
            keys: BTreeMap::new(),
            messages: HashMap::new(),
            sessions: Vec::new(),
            feed: None,
            outbox: Vec::new(),
            posted: 0,
            expired: GENESIS,
        }
    }

    pub(super) fn head(&self) -> Cursor {
        self.events.last().map_or(Cursor { life: self.life, offset: GENESIS }, |event| event.cursor())
    }

    pub(super) fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    pub(super) fn commit(&mut self, batch: &Batch) -> Vec<Outcome> {
        let before = self.head().offset;
        let outcomes = batch.writes.iter().map(|write| match write {
            Write::Events(write) => self.write(batch.life, write),
            Write::Person(new) => self.meet(new),
            Write::User(new) => self.register(new),
            Write::Key(change) => self.change_key(change),
            Write::Mark(mark) => self.mark(mark).0,
            Write::Asked(asked) => self.asked(asked),
            Write::Fed(place) => self.fed(*place),
            Write::Expire(expiry) => self.expire(*expiry, before),
            Write::Session(session) => self.remember(session),
        });
        outcomes.collect()
    }

    fn write(&mut self, life: Life, write: &RoomWrite) -> Outcome {
        let sent = settle::identified(write).and_then(|message| {
            let key = (write.by.id.clone(), write.room.clone(), message.client_id.clone()?);
            Some((key, settle::content_hash(message)))
        });
        if let Some((key, hash)) = &sent
            && let Some((first, as_sent)) = self.sent.get(key)
        {
            return if hash == as_sent {
                let again = settle::identified(write).expect("it has a client id");
                Outcome::Repeat(settle::repeated(first.clone(), self.expired, again))
            } else {
                Outcome::IdReused
            };
        }
        if let Some(refused) = settle::admit(write, self.rooms.get(&write.room).map(|room| room.facts.version)) {
            return refused;
        }
        let events: Vec<_> =
            write.events.iter().map(|(what, version)| self.keep(life, write, what, *version)).collect();
        if let Some((key, hash)) = sent
            && let Some(event) = events.iter().find(|event| event.message().is_some())
        {
            self.sent.insert(key, (event.clone(), hash));
        }
        Outcome::Committed(events)
    }

    fn keep(
        &mut self,
        life: Life,
        write: &RoomWrite,
        what: &What,
        version: domain::id::ExclusionVersion,
    ) -> Arc<Event> {
        let event = Arc::new(Event {
            offset: self.head().offset.next(),
            seq: self.rooms.get(&write.room).map_or(Seq(1), |room| room.facts.head.next()),
            life,
            room: write.room.clone(),
            born: self.rooms.get(&write.room).map_or(self.head().offset.next(), |room| room.facts.birth),
            version,
            at: write.at,
            by: write.by.clone(),
            door: write.door,
            origin: write.origin,
            alias: write.alias.clone(),
            what: what.clone(),
        });
        self.events.push(event.clone());
        if let Some(message) = event.message() {
            self.messages.insert(message.id, event.clone());
        }
        if let Some(room) = self.rooms.get_mut(&write.room) {
            room.follow(&event);
        } else if let Some(facts) = RoomFacts::born(&event) {
            self.rooms.insert(write.room.clone(), Room::born(facts, &event));
        }
        event
    }

    /// What to say of a mark; and the room's first offset and the user's marks before, if there is such a room.
    fn mark(&mut self, write: &MarkWrite) -> (Outcome, Option<(Offset, Marks)>) {
        let Some(room) = self.rooms.get_mut(&write.room) else { return (Outcome::Done, None) };
        let since = room.since.get(&write.user).copied();
        let kept = room.marks.entry(write.user.clone()).or_default();
        let before = kept.clone();
        let outcome = if kept.raise(write) {
            let Ok(outcome) = outcome::<std::convert::Infallible>(&before, write, || Ok(since));
            outcome
        } else {
            Outcome::Done
        };
        (outcome, Some((room.facts.birth, before)))
    }

    fn asked(&mut self, asked: &AskedMark) -> Outcome {
        let (outcome, known) = self.mark(&asked.mark);
        if let Some((room, before)) = known
            && let Some(posted) = posted(asked, (&before, &outcome), room, self.head().offset)
        {
            self.posted += 1;
            self.outbox.push(Posted { number: self.posted, ..posted });
        }
        outcome
    }

    fn fed(&mut self, place: FeedPlace) -> Outcome {
        self.feed = Some(place);
        self.outbox.retain(|posted| posted.number > place.outbox);
        Outcome::Done
    }

    /// Of what was there before this batch.
    fn expire(&mut self, expiry: Expiry, head: Offset) -> Outcome {
        let fed = self.feed.map_or(GENESIS, |place| place.cursor.offset);
        let to = if expiry.behind_feed { fed.min(head) } else { head };
        let at = |offset: u64| usize::try_from(offset - 2).ok().and_then(|index| self.events.get(index));
        let is_old = |offset| Ok(at(offset).is_some_and(|event| event.at < expiry.before));
        let Ok(upto) = settle::expiry::<std::convert::Infallible>(self.expired.0, to.0, is_old);
        self.expired = Offset(upto);
        self.rooms.values_mut().for_each(|room| room.expired = Offset(upto));
        Outcome::Expired(self.expired)
    }

    fn remember(&mut self, session: &SessionRow) -> Outcome {
        self.sessions.retain(|kept| kept.key != session.key);
        self.sessions.push(session.clone());
        let of_user = |kept: &SessionRow| kept.user == session.user;
        let mut surplus =
            self.sessions.iter().filter(|kept| of_user(kept)).count().saturating_sub(SESSIONS_PER_USER_MAX);
        self.sessions.retain(|kept| {
            let goes = surplus > 0 && of_user(kept);
            surplus -= usize::from(goes);
            !goes
        });
        Outcome::Done
    }

    fn change_key(&mut self, change: &KeyChange) -> Outcome {
        let changed = match change {
            KeyChange::Add(key) if self.keys.contains_key(&key.id) => false,
            KeyChange::Add(key) => self.keys.insert(key.id.clone(), key.clone()).is_none(),
            KeyChange::Revoke(id) => self.keys.remove(id).is_some(),
        };
        if changed { Outcome::Done } else { Outcome::Conflict }
    }
}

impl Room {
    fn born(facts: RoomFacts, event: &Arc<Event>) -> Self {
        Self {
            facts,
            events: vec![event.clone()],
            since: BTreeMap::new(),
            marks: BTreeMap::new(),
            deleted: HashSet::new(),
            edited: HashMap::new(),
            reactions: HashMap::new(),
            expired: GENESIS,
        }
    }

    fn follow(&mut self, event: &Arc<Event>) {
        match &event.what {
            What::MemberSet { user, .. } => {
                // Where they began to belong stays what it was while they do.
                if self.facts.role(user).is_none() {
                    self.since.insert(user.clone(), event.offset);
                }
            }
            What::MemberRemoved { user, .. } => {
                self.since.remove(user);
            }
            What::RoomMade { .. }
            | What::Sent(_)
            | What::Edited { .. }
            | What::Deleted { .. }
            | What::Retitled { .. }
            | What::Notice { .. }
            | What::Reacted { .. } => {}
        }
        match settle::change(event) {
            Some(Change { of, deleted: true }) => drop(self.deleted.insert(of)),
            Some(Change { of, deleted: false }) => drop(self.edited.insert(of, event.clone())),
            None => {}
        }
        if let Some(given) = Given::of(event) {
            self.reactions.entry(given.of).or_default().follow(&given);
        }
        self.facts.apply(event);
        self.events.push(event.clone());
    }
}
