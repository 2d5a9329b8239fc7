//! Deciding: facts are gathered, a rule says yes or no, and a yes becomes a write, a reply, or both.
//!
//! One function per command. Each either has all it needs and decides, or says what it needs first ([`Next`]); it is then
//! asked again from the start, so that nothing is decided on facts read before a wait.

use adapters::port::{NewPerson, Read, RoomWrite, Write};
use dialects::Request;
use domain::command::{Command, Draft, Manners, Reply, Start};
use domain::event::What;
use domain::facts::RoomFacts;
use domain::id::{Cursor, ExclusionVersion, Millis, Offset, UserId, UserNumber};
use domain::identity::{Actor, Identity, Standing};
use domain::limits;
use domain::model::{Member, Person, RoomKey, RoomKind};
use domain::query::Query;
use domain::refusal::{BadResume, Refusal};
use domain::rules::pace::Window;
use domain::rules::{message, room, roster};

use super::call::Told;
use super::desk::{Pending, Scope};
use super::{Node, Writer};

/// How far a call got.
pub(super) enum Next {
    /// It has its outcome.
    Reply(Box<Told>),
    /// It has its outcome, and that is said.
    Done,
    /// This is to be committed; then the rest happens. The scopes are open until it is.
    Write(Box<Write>, Then, Vec<Scope>),
    /// A reader has to be asked first.
    Read(Read),
    /// The room's facts have to be read first.
    Load(RoomKey),
    /// The log has to be known up to here first.
    Behind(Offset),
    /// Something of this scope is open.
    Wait(Scope),
    /// The batch has no room.
    Full,
}

/// What happens once a write is committed.
#[derive(Debug)]
pub(super) enum Then {
    Meet,
    Made(RoomKey),
    Enter { room: RoomKey, from: Option<Cursor> },
    Leave(RoomKey),
    Send { counted: Option<(UserNumber, Millis)> },
    Enrol(UserId, Member),
    Expel(RoomKey, UserId),
}

impl Node {
    pub(super) fn decide(&mut self, pending: &mut Pending, now: Millis) -> Next {
        if self.gathering.len() >= limits::BATCH_COMMANDS_MAX || self.gathered_bytes >= limits::BATCH_BYTES_MAX {
            return Next::Full;
        }
        // A request is shared text and small ids: cloning it is cheaper than taking the pending call apart.
        let decided = match pending.call.request.clone() {
            Request::Do(Command::Meet(identity)) => Ok(self.meet(pending, &identity)),
            // Health pages ask on nobody's behalf.
            Request::Ask(Query::Counts) => Ok(reply(pending, Ok(self.count()))),
            Request::Ask(query) => actor_of(pending).and_then(|actor| self.query(pending, &actor, &query, now)),
            Request::Do(command) => actor_of(pending).and_then(|actor| self.command(pending, &actor, command, now)),
        };
        decided.unwrap_or_else(|refusal| reply(pending, Err(refusal)))
    }

    fn command(&mut self, pending: &Pending, actor: &Actor, command: Command, now: Millis) -> Result<Next, Refusal> {
        match command {
            Command::Meet(_) => Err(Refusal::Invalid),
            Command::MakeRoom { title, kind, seats } => self.make_room(pending, actor, (&title, kind, seats), now),
            Command::Enter { room, from, manners } => self.enter(pending, actor, &room, from, manners, now),
            Command::Leave { room } => self.leave(pending, actor, &room, now),
            Command::Send { room, draft, manners } => self.send(pending, actor, &room, &draft, manners, now),
            Command::Enrol { room, user, role, status } => {
                if let Some(next) = self.ensure(&room, now) {
                    return Ok(next);
                }
                let facts = self.rooms.peek(&room);
                let (events, member) = roster::enrol(&room, facts, actor, &user, role, status)?;
                if events.is_empty() {
                    return Ok(reply(pending, Ok(Reply::Member { user, member })));
                }
                self.write(actor, &room, events, now, Then::Enrol(user, member))
            }
            Command::Expel { room, user } => {
                if let Some(next) = self.ensure(&room, now) {
                    return Ok(next);
                }
                let events = roster::expel(self.rooms.peek(&room), actor, &user)?;
                self.write(actor, &room, events, now, Then::Expel(room.clone(), user))
            }
        }
    }

    /// What has to happen before the room's facts are known and settled; none when they are, and may be peeked at.
    pub(super) fn ensure(&mut self, room: &RoomKey, now: Millis) -> Option<Next> {
        let scope = Scope::Room(room.clone());
        if self.desk.is_open(&scope) {
            return Some(Next::Wait(scope));
        }
        (!self.rooms.touch(room, now)).then(|| Next::Load(room.clone()))
    }

    /// A yes that has to be committed. Scopes are opened for what changes facts, never for plain messages.
    fn write(
        &self,
        actor: &Actor,
        room: &RoomKey,
        events: Vec<What>,
        now: Millis,
        then: Then,
    ) -> Result<Next, Refusal> {
        if self.writer != Writer::Ready {
            return Err(Refusal::Unavailable);
        }
        let facts = self.rooms.peek(room);
        let mut scopes = Vec::new();
        if events.iter().any(RoomFacts::is_structural) {
            scopes.push(Scope::Room(room.clone()));
        }
        if matches!(then, Then::Made(_)) {
            scopes.push(Scope::Maker(actor.who.number));
        }
        let mut version = facts.map_or(ExclusionVersion(0), |facts| facts.version);
        let events = events
            .into_iter()
            .map(|what| {
                if facts.is_some_and(|facts| facts.excludes(&what)) {
                    version = ExclusionVersion(version.0 + 1);
                }
                (what, version)
            })
            .collect();
        let write = RoomWrite {
            room: room.clone(),
            under: facts.map(|facts| facts.version),
            by: actor.who.clone(),
            door: actor.door,
            origin: actor.connection,
            at: now,
            events,
        };
        Ok(Next::Write(Box::new(Write::Events(write)), then, scopes))
    }

    /// Makes a user durable before anything is told of them (HAZARDS 15).
    fn meet(&mut self, pending: &mut Pending, identity: &Identity) -> Next {
        let scope = Scope::Person(identity.id.clone());
        if self.desk.is_open(&scope) {
            return Next::Wait(scope);
        }
        let known = match self.people.get(&identity.id) {
            Some(person) => Some(person.clone()),
            None => match pending.person.take() {
                None => return Next::Read(Read::Person(identity.id.clone())),
                Some(found) => found,
            },
        };
        if let Some(person) = known
            && labels_hold(&person, identity)
        {
            self.met(pending.call.to, &person);
            return reply(pending, Ok(Reply::Met(person)));
        }
        if self.writer != Writer::Ready {
            return reply(pending, Err(Refusal::Unavailable));
        }
        let number_from = if self.policy.development { UserNumber(1) } else { UserNumber(limits::NUMBERS_FROM) };
        let person = NewPerson {
            id: identity.id.clone(),
            name: identity.name.clone(),
            email: identity.email.clone(),
            number_from,
        };
        Next::Write(Box::new(Write::Person(person)), Then::Meet, vec![scope])
    }

    fn make_room(
        &mut self,
        pending: &Pending,
        actor: &Actor,
        (title, kind, seats): (&domain::Text, RoomKind, Option<u32>),
        now: Millis,
    ) -> Result<Next, Refusal> {
        let scope = Scope::Maker(actor.who.number);
        if self.desk.is_open(&scope) {
            return Ok(Next::Wait(scope));
        }
        let Some(made) = &pending.listed else { return Ok(Next::Read(Read::MadeBy(actor.who.id.clone()))) };
        let counted = made.iter().filter(|room| !room.is_stale(now) || self.presence.occupied(&room.key)).count();
        let events = room::make(title, kind, seats, &actor.who.id, counted, &self.policy)?;
        let key = self.ids.room(kind, now);
        // A new id is nobody's: what the cache knows of it follows from here, so that the reply can show the room.
        self.rooms.learn(&key, None, now);
        self.write(actor, &key, events, now, Then::Made(key.clone()))
    }

    fn enter(
        &mut self,
        pending: &Pending,
        actor: &Actor,
        room: &RoomKey,
        from: Start,
        manners: Manners,
        now: Millis,
    ) -> Result<Next, Refusal> {
        if room.is_relay() && from != Start::Now {
            return Err(Refusal::BadResume(BadResume::NotKept));
        }
        if let Some(next) = self.ensure(room.kept(), now) {
            return Ok(next);
        }
        if let Some(known) = pending.again.filter(|known| *known > self.head.offset) {
            return Ok(Next::Behind(known));
        }
        let here = self.here(room, actor, pending.again.is_some());
        let facts = self.rooms.peek(room.kept());
        let events = match room::enter(room.kept(), facts, here, actor, manners, &self.policy) {
            Ok(events) => events,
            Err(refusal) => {
                // A shard gave it back: presence, noted when it was first decided, ends with the refusal.
                if pending.again.is_some()
                    && let Some(connection) = actor.connection
                {
                    self.leave_presence(room, connection, now);
                }
                return Err(refusal);
            }
        };
        let from = match (from, pending.start) {
            (Start::Now, _) => None,
            (_, Some(Ok(cursor))) => Some(cursor),
            (_, Some(Err(why))) => return Err(Refusal::BadResume(why)),
            (Start::After(cursor), None) if self.is_good(cursor) => Some(cursor),
            (Start::After(cursor), None) => return Ok(Next::Read(Read::At(cursor.offset))),
            (Start::AfterSeq(seq), None) => match facts {
                Some(facts) if seq <= facts.head => return Ok(Next::Read(Read::AtSeq(room.clone(), seq))),
                None if seq.0 == 0 => None,
                Some(_) | None => return Err(Refusal::BadResume(BadResume::Ahead)),
            },
        };
        if events.is_empty() {
            self.entered(&pending.call, room, from, pending.again.is_some(), now);
            return Ok(Next::Done);
        }
        self.write(actor, room.kept(), events, now, Then::Enter { room: room.clone(), from })
    }

    /// Whether a resume token is good for sure, as far as memory can say. What lies ahead may be known to another node
    /// only; the log knows.
    fn is_good(&self, cursor: Cursor) -> bool {
        let ours = cursor.life == self.life && cursor.offset >= self.born && cursor.offset <= self.head.offset;
        ours || cursor == self.head
    }

    fn here(&self, room: &RoomKey, actor: &Actor, again: bool) -> room::Here {
        let present = self.presence.present(room, actor.who.number);
        let attached = actor.connection.is_some_and(|connection| self.presence.seated(room, connection));
        room::Here {
            already: attached && !again,
            user_present: present,
            users: self.presence.user_count(room),
            occupied: self.presence.occupied(room),
        }
    }

    fn leave(&mut self, pending: &Pending, actor: &Actor, room: &RoomKey, now: Millis) -> Result<Next, Refusal> {
        if let Some(next) = self.ensure(room.kept(), now) {
            return Ok(next);
        }
        if !actor.connection.is_some_and(|connection| self.presence.attached(room, connection)) {
            return Err(Refusal::NotPresent);
        }
        // Whoever leaves a relay was present there; what they belong to is another matter.
        let events = if room.is_relay() { Vec::new() } else { room::leave(self.rooms.peek(room), &actor.who.id) };
        if events.is_empty() {
            self.left(&pending.call, room, now);
            return Ok(Next::Done);
        }
        self.write(actor, room, events, now, Then::Leave(room.clone()))
    }

    fn send(
        &mut self,
        pending: &Pending,
        actor: &Actor,
        room: &RoomKey,
        draft: &Draft,
        manners: Manners,
        now: Millis,
    ) -> Result<Next, Refusal> {
        if let Some(next) = self.ensure(room.kept(), now) {
            return Ok(next);
        }
        let id = self.ids.message(now);
        let facts = self.rooms.peek(room.kept());
        let makes = facts.is_none();
        let events = message::send(room.kept(), facts, draft, id, actor, manners, &self.policy)?;
        if room.is_relay() {
            return self.relay(pending, actor, (room, id), draft, manners, now);
        }
        let user = actor.who.number;
        let mut counted = None;
        if actor.standing == Standing::User {
            let limit = message::per_minute(manners.pace, &self.policy);
            let widest = self.policy.strict_per_minute.max(self.policy.loose_per_minute).max(limit);
            let window = self.windows.entry(user).or_insert_with(Window::of_messages);
            if let Err(retry_after_ms) = window.check(limit, now) {
                // A repeat never meets the limit: only a client id that is known to be new is refused (HAZARDS 12).
                match (&draft.client_id, pending.used) {
                    (Some(client_id), None) => {
                        let (by, client_id) = (actor.who.id.clone(), client_id.clone());
                        return Ok(Next::Read(Read::Sent { by, room: room.clone(), client_id }));
                    }
                    (Some(_), Some(true)) => {}
                    (Some(_), Some(false)) | (None, _) => return Err(Refusal::RateLimited { retry_after_ms }),
                }
            }
            if makes {
                let window = self.first_uses.entry(user).or_insert_with(|| Window::of_ms(limits::FIRST_USE_WINDOW_MS));
                if window.check(limits::FIRST_USE_ROOMS_PER_HOUR_MAX, now).is_err() {
                    return Err(Refusal::RoomLimit);
                }
            }
            if self.writer == Writer::Ready {
                counted = Some((user, now));
                self.windows.entry(user).or_insert_with(Window::of_messages).note(widest, now);
                if makes {
                    let window =
                        self.first_uses.entry(user).or_insert_with(|| Window::of_ms(limits::FIRST_USE_WINDOW_MS));
                    window.note(limits::FIRST_USE_ROOMS_PER_HOUR_MAX, now);
                }
            }
        }
        self.write(actor, room, events, now, Then::Send { counted })
    }
}

fn actor_of(pending: &Pending) -> Result<Actor, Refusal> {
    let call = &pending.call;
    let who = call.who.clone().ok_or(Refusal::Forbidden)?;
    Ok(Actor { who, standing: call.standing, door: call.door, connection: call.to.connection() })
}

/// Whether what a credential tells of a user is what is known of them. What it doesn't tell stays.
fn labels_hold(person: &Person, identity: &Identity) -> bool {
    let name_holds = identity.name.as_ref().is_none_or(|name| {
        // A name that was taken became `name~<number>`.
        let kept = person.name.strip_suffix(&format!("~{}", person.number)).unwrap_or(&person.name);
        kept == &**name || person.name == *name
    });
    name_holds && (identity.email.is_none() || identity.email == person.email)
}

/// An outcome that needs nothing else.
pub(super) fn reply(pending: &Pending, result: Result<Reply, Refusal>) -> Next {
    Next::Reply(Box::new(Told { to: pending.call.to, result, attach: None, detach: Vec::new() }))
}
