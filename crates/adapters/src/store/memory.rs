//! The store in memory: the oracle that the other stores are compared with, and the simulator's disk.
//!
//! Deterministic, and shared by cloning: clones are one store. It keeps nothing over a restart of the process; what a
//! power cut or a failed sync would leave behind is played with [`MemoryStore::snapshot`] and
//! [`MemoryStore::fail_next_commit`]. Neighbours: `settle` says what every store decides alike, `contract` holds this one
//! to the port.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use domain::Text;
use domain::event::{Event, What};
use domain::facts::RoomFacts;
use domain::id::{ClientId, Cursor, Life, Millis, Offset, Seq, UserId, UserNumber};
use domain::model::{Person, RoomKey};

use super::settle;
use crate::port::{
    Batch, Failure, FailureKind, Found, Key, KeyChange, NewPerson, Outcome, Read, Reader, RoomWrite, Store, Write,
    Writer,
};

/// A store in memory. Clones share one log; [`MemoryStore::snapshot`] makes a second one.
///
/// Unlike a store on disk it gives a writer as often as it is asked, as a log shared by several nodes does.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    /// A std mutex, held for one commit or one read.
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug, Clone)]
struct Disk {
    log: Log,
    /// Faults for the commits to come.
    faults: VecDeque<Fault>,
    /// What a failed commit left behind, unseen until somebody reopens the log.
    limbo: Vec<Batch>,
}

#[derive(Debug, Clone, Copy)]
struct Fault {
    kind: FailureKind,
    kept: bool,
}

impl MemoryStore {
    /// An empty log, whose genesis row has this life.
    #[must_use]
    pub fn new(life: Life) -> Self {
        Self::of(Disk { log: Log::new(life), faults: VecDeque::new(), limbo: Vec::new() })
    }

    fn of(disk: Disk) -> Self {
        Self { disk: Arc::new(Mutex::new(disk)) }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Disk) -> T) -> T {
        work(&mut self.disk.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A copy of the disk as it is now, apart from this one from here on: what a backup or a power cut leaves.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self::of(self.with(|disk| disk.clone()))
    }

    /// Lets a commit to come fail; asked several times, the commits after it. With [`FailureKind::Unknown`] the writer
    /// refuses everything until it has recovered, and with `kept` the batch has survived: it is seen after
    /// [`Writer::recover`], or by the next writer. With other kinds nothing is kept, whatever `kept` says.
    pub fn fail_next_commit(&self, kind: FailureKind, kept: bool) {
        self.with(|disk| disk.faults.push_back(Fault { kind, kept }));
    }

    /// Forgets the faults that no commit has met yet.
    pub fn heal(&self) {
        self.with(|disk| disk.faults.clear());
    }

    /// Every event of the log, for checkers.
    #[must_use]
    pub fn events(&self) -> Vec<Arc<Event>> {
        self.with(|disk| disk.log.events.clone())
    }
}

impl Store for MemoryStore {
    fn writer(&self) -> Result<Box<dyn Writer>, Failure> {
        self.with(Disk::reopen);
        Ok(Box::new(MemoryWriter { store: self.clone(), refusing: false }))
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Failure> {
        Ok(Box::new(MemoryReader { store: self.clone() }))
    }
}

struct MemoryWriter {
    store: MemoryStore,
    /// Since a commit whose outcome is not known, until [`Writer::recover`].
    refusing: bool,
}

impl Writer for MemoryWriter {
    fn commit(&mut self, batch: &Batch) -> Result<Vec<Outcome>, Failure> {
        if self.refusing {
            return Err(Failure::new(FailureKind::Unknown, "an earlier commit's outcome is not known yet"));
        }
        let done = self.store.with(|disk| disk.commit(batch));
        self.refusing = done.as_ref().is_err_and(|failure| failure.kind == FailureKind::Unknown);
        done
    }

    fn recover(&mut self) -> Result<Cursor, Failure> {
        self.refusing = false;
        Ok(self.store.with(|disk| {
            disk.reopen();
            disk.log.head()
        }))
    }
}

struct MemoryReader {
    store: MemoryStore,
}

impl Reader for MemoryReader {
    fn read(&mut self, ask: &Read) -> Result<Found, Failure> {
        Ok(self.store.with(|disk| disk.log.read(ask)))
    }
}

impl Disk {
    fn commit(&mut self, batch: &Batch) -> Result<Vec<Outcome>, Failure> {
        // Another node's writer finds what an earlier failure left, as it would on a shared disk.
        self.reopen();
        let Some(fault) = self.faults.pop_front() else { return Ok(self.log.commit(batch)) };
        if fault.kind == FailureKind::Unknown && fault.kept {
            self.limbo.push(batch.clone());
        }
        Err(Failure::new(fault.kind, "injected"))
    }

    fn reopen(&mut self) {
        for batch in std::mem::take(&mut self.limbo) {
            self.log.commit(&batch);
        }
    }
}

/// Who sent something, where, and under which id.
type SentKey = (UserId, RoomKey, ClientId);

#[derive(Debug, Clone)]
struct Log {
    /// The genesis row's.
    life: Life,
    /// All events; the first has offset 2.
    events: Vec<Arc<Event>>,
    rooms: BTreeMap<RoomKey, Room>,
    sent: HashMap<SentKey, (Arc<Event>, u64)>,
    people: BTreeMap<UserId, Arc<Person>>,
    names: BTreeMap<Text, UserId>,
    numbers: BTreeMap<UserNumber, UserId>,
    keys: BTreeMap<Text, Key>,
}

#[derive(Debug, Clone)]
struct Room {
    facts: RoomFacts,
    /// Its events, by seq from 1.
    events: Vec<Arc<Event>>,
}

/// The genesis row's offset.
const GENESIS: Offset = Offset(1);

impl Log {
    fn new(life: Life) -> Self {
        Self {
            life,
            events: Vec::new(),
            rooms: BTreeMap::new(),
            sent: HashMap::new(),
            people: BTreeMap::new(),
            names: BTreeMap::new(),
            numbers: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }

    fn head(&self) -> Cursor {
        self.events.last().map_or(Cursor { life: self.life, offset: GENESIS }, |event| event.cursor())
    }

    fn commit(&mut self, batch: &Batch) -> Vec<Outcome> {
        let outcomes = batch.writes.iter().map(|write| match write {
            Write::Events(write) => self.write(batch.life, write),
            Write::Person(new) => self.meet(new),
            Write::Key(change) => self.change_key(change),
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
            return if hash == as_sent { Outcome::Repeat(first.clone()) } else { Outcome::IdReused };
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
            version,
            at: write.at,
            by: write.by.clone(),
            door: write.door,
            origin: write.origin,
            what: what.clone(),
        });
        self.events.push(event.clone());
        if let Some(room) = self.rooms.get_mut(&write.room) {
            room.facts.apply(&event);
            room.events.push(event.clone());
        } else if let Some(facts) = RoomFacts::born(&event) {
            self.rooms.insert(write.room.clone(), Room { facts, events: vec![event.clone()] });
        }
        event
    }

    fn meet(&mut self, new: &NewPerson) -> Outcome {
        let known = self.people.get(&new.id).cloned();
        let Some(number) = known.as_ref().map(|person| person.number).or_else(|| self.number_for(new)) else {
            return Outcome::Conflict;
        };
        let told = settle::label(new.name.as_ref());
        let name = match (&known, told) {
            (Some(known), None) => known.name.clone(),
            (_, wish) => {
                let wish = wish.unwrap_or_else(|| new.id.text());
                settle::names(&wish, number)
                    .find(|name| self.names.get(name).is_none_or(|holder| *holder == new.id))
                    .expect("the names to try never end")
            }
        };
        let email = settle::label(new.email.as_ref()).or_else(|| known.as_ref().and_then(|known| known.email.clone()));
        if let Some(known) = known {
            self.names.remove(&known.name);
        }
        let person = Arc::new(Person { id: new.id.clone(), number, name, email });
        self.names.insert(person.name.clone(), new.id.clone());
        self.numbers.insert(number, new.id.clone());
        self.people.insert(new.id.clone(), person.clone());
        Outcome::Person(person)
    }

    fn number_for(&self, new: &NewPerson) -> Option<UserNumber> {
        let free = |number: &UserNumber| !self.numbers.contains_key(number);
        settle::own_number(&new.id)
            .filter(free)
            .or_else(|| std::iter::successors(Some(new.number_from), |number| settle::number_after(*number)).find(free))
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

impl Log {
    fn read(&self, ask: &Read) -> Found {
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
            Read::Since { after, upto, rooms, bytes } => self.since(*after, *upto, rooms.as_deref(), *bytes),
            Read::Sent { by, room, client_id } => {
                let key = (by.clone(), room.clone(), client_id.clone());
                Found::Event(self.sent.get(&key).map(|(event, _)| event.clone()))
            }
            Read::At(offset) => Found::Cursor(self.at(*offset)),
            Read::AtSeq(room, seq) => Found::Cursor(self.at_seq(room, *seq)),
            Read::Head => Found::Cursor(Some(self.head())),
            Read::Keys => Found::Keys(self.keys.values().cloned().collect()),
            Read::Recent(after) => Found::Recent(self.recent(*after)),
        }
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
        Found::Events { events: all[end.saturating_sub(most)..end].to_vec(), scanned }
    }

    fn since(&self, after: Offset, upto: Offset, rooms: Option<&[RoomKey]>, bytes: usize) -> Found {
        let upto = upto.min(self.head().offset);
        let start = self.events.partition_point(|event| event.offset <= after);
        let wanted = |event: &&Arc<Event>| rooms.is_none_or(|rooms| rooms.contains(&event.room));
        let matching = self.events[start..].iter().take_while(|event| event.offset <= upto).filter(wanted);
        let mut budget = settle::Budget::of(bytes);
        let all = matching.cloned().all(|event| budget.take(event));
        let scanned = if all { upto.max(after) } else { budget.events.last().map_or(after, |event| event.offset) };
        Found::Events { events: budget.events, scanned }
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
}
