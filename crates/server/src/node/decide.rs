//! Deciding: facts are gathered, a rule says yes or no, and a yes becomes a write, a reply, or both.
//!
//! One function per command. Each either has all it needs and decides, or says what it needs first ([`Next`]); it is then
//! asked again from the start, so that nothing is decided on facts read before a wait.

use std::sync::Arc;

use adapters::port::{Read, RoomWrite, Write};
use dialects::Request;
use domain::command::{Command, Reply};
use domain::event::{Event, What};
use domain::facts::RoomFacts;
use domain::id::{ClientId, ExclusionVersion, Millis, Offset, UserId};
use domain::identity::Actor;
use domain::limits;
use domain::model::{Member, RoomKey, RoomKind};
use domain::query::Query;
use domain::refusal::Refusal;
use domain::rules::message::Change;
use domain::rules::watermark::Raise;
use domain::rules::{room, roster};
use domain::watermark::Mark;

use super::call::Told;
use super::delivered::Due;
use super::desk::{Pending, Scope};
use super::ids::Ids;
use super::seats::Coming;
use super::send::Noted;
use super::{Node, Writer};

/// How far a call got.
pub(super) enum Next {
    /// It has its outcome.
    Reply(Box<Told>),
    /// It has its outcome, and that is said.
    Done,
    /// This is to be committed, one write or several; then the rest happens. The scopes are open until it is.
    Write(Vec<Write>, Then, Vec<Scope>),
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
    Enter {
        coming: Coming,
        noted: Option<Noted>,
    },
    Leave(RoomKey),
    Send {
        room: RoomKey,
        noted: Option<Noted>,
    },
    Change {
        sent: Arc<Event>,
    },
    Mark {
        mark: Mark,
        raises: Vec<Raise>,
        /// The room that was named was marked up to now, and not to some place before.
        whole: bool,
    },
    /// Somebody's belonging to a room has changed.
    Moderate(RoomKey, UserId),
    /// What is too old goes.
    Expire,
    Remember,
    Register,
    Delivered(Vec<Due>),
    Group {
        room: RoomKey,
        gone: Option<UserId>,
        noted: Option<Noted>,
    },
    Enrol(UserId, Member),
    Expel(RoomKey, UserId),
}

impl Node {
    pub(super) fn decide(&mut self, pending: &mut Pending, now: Millis) -> Next {
        if self.writes.len() >= limits::BATCH_COMMANDS_MAX || self.gathered_bytes >= limits::BATCH_BYTES_MAX {
            return Next::Full;
        }
        // A request is shared text and small ids: cloning it is cheaper than taking the pending call apart.
        let decided = match pending.call.request.clone() {
            Request::Do(Command::Meet(identity)) => Ok(self.meet(pending, &identity)),
            // In development mode nobody in particular may; else a rule says no.
            Request::Do(Command::Register(new)) => self.register(actor_of(pending).ok().as_ref(), &new, now),
            // Whom a door lets ask is its own affair.
            Request::Ask(Query::User(which)) => self.user(pending, &which),
            Request::Do(Command::Return { session, from, manners }) => {
                self.come_back(pending, (session, from, manners), now)
            }
            // Health pages ask on nobody's behalf.
            Request::Ask(Query::Counts) => Ok(reply(pending, Ok(self.count()))),
            Request::Ask(query) => actor_of(pending).and_then(|actor| self.query(pending, &actor, &query, now)),
            Request::Do(command) => actor_of(pending).and_then(|actor| self.command(pending, &actor, command, now)),
        };
        decided.unwrap_or_else(|refusal| {
            self.undo(pending, now);
            reply(pending, Err(refusal))
        })
    }

    fn command(
        &mut self,
        pending: &mut Pending,
        actor: &Actor,
        command: Command,
        now: Millis,
    ) -> Result<Next, Refusal> {
        match command {
            Command::Meet(_) | Command::Return { .. } | Command::Register(_) => Err(Refusal::Invalid),
            Command::MakeRoom { title, kind, seats, client_id } => {
                self.make_room(pending, actor, (&title, kind, seats, client_id.as_ref()), now)
            }
            Command::Enter { room, from, manners } => self.enter(pending, actor, (&room, from, manners), now),
            Command::Leave { room, manners } => self.leave(pending, actor, (&room, manners), now),
            Command::Send { room, draft, manners } => self.send(pending, actor, (&room, &draft, manners), now),
            Command::SendTo { to, draft, manners } => self.send_to(pending, actor, (&to, &draft, manners), now),
            Command::Group { room, change, notice } => {
                self.group(pending, actor, (&room, &change, notice.as_ref()), now)
            }
            Command::Attend { rooms, from } => self.attend(pending, actor, (rooms, from)),
            Command::Declare { online } => self.declare(pending, actor, online, now),
            Command::Edit { message, content } => self.change(pending, actor, (message, &Change::Edit(content)), now),
            Command::Delete { message, moderates } => {
                self.change(pending, actor, (message, &Change::Delete { moderates }), now)
            }
            Command::React { message, emoji, on } => {
                self.change(pending, actor, (message, &Change::React { emoji, on }), now)
            }
            Command::Moderate { room, user, act } => self.moderate(pending, actor, (&room, &user, act), now),
            Command::Mark { mark, messages, room, upto } => {
                self.mark(pending, actor, (mark, &messages, room.as_ref(), upto), now)
            }
            Command::Remember { session, rooms, ends, not_before } => {
                self.remember(actor, (session, &rooms, ends, not_before), now)
            }
            Command::Beat => Ok(reply(pending, Ok(self.beat(actor, now)?))),
            Command::Rest => Ok(reply(pending, Ok(self.rest(actor)?))),
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

    /// The same where it matters, too, whether this user belongs to the room.
    pub(super) fn ensure_own(&mut self, room: &RoomKey, user: &UserId, now: Millis) -> Option<Next> {
        self.ensure(room, now).or_else(|| {
            let scope = Scope::Member(room.clone(), user.clone());
            self.desk.is_open(&scope).then_some(Next::Wait(scope))
        })
    }

    /// The same as `ensure` for several rooms: those that aren't known are asked for together, a bounded number at a time.
    pub(super) fn ensure_all<'a>(&mut self, rooms: impl Iterator<Item = &'a RoomKey>, now: Millis) -> Option<Next> {
        let (mut first, mut loads) = (None, 0);
        for room in rooms {
            let next = self.ensure(room, now);
            if let Some(Next::Load(room)) = &next {
                self.load(room);
                loads += 1;
            }
            first = first.or(next);
            if loads == limits::LOADS_AT_ONCE_MAX {
                break;
            }
        }
        first
    }

    /// A yes that has to be committed. Scopes are opened for what changes facts, never for plain messages.
    pub(super) fn write(
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
        let mut scopes: Vec<Scope> = events.iter().filter_map(|what| changes(facts, room, what)).collect();
        scopes.dedup();
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
            alias: facts.and_then(|facts| facts.alias.clone()),
            events,
        };
        Ok(Next::Write(vec![Write::Events(write)], then, scopes))
    }

    fn make_room(
        &mut self,
        pending: &Pending,
        actor: &Actor,
        (title, kind, seats, client_id): (&domain::Text, RoomKind, Option<u32>, Option<&ClientId>),
        now: Millis,
    ) -> Result<Next, Refusal> {
        let scope = Scope::Maker(actor.who.number);
        if self.desk.is_open(&scope) {
            return Ok(Next::Wait(scope));
        }
        let named = client_id.map(|client_id| Ids::room_of(&actor.who.id, client_id));
        if let Some(key) = &named {
            if let Some(next) = self.ensure(key, now) {
                return Ok(next);
            }
            if let Some(facts) = self.rooms.peek(key) {
                room::made_before(facts, kind, actor)?;
                self.made(&pending.call, key, None);
                return Ok(Next::Done);
            }
        }
        let Some(made) = &pending.listed else { return Ok(Next::Read(Read::MadeBy(actor.who.id.clone()))) };
        let counted = made.iter().filter(|room| !room.is_stale(now) || self.presence.occupied(&room.key)).count();
        let events = room::make(title, kind, seats, &actor.who.id, counted, &self.policy)?;
        let key = named.unwrap_or_else(|| self.ids.room(kind, now));
        // A new id is nobody's: what the cache knows of it follows from here, so that the reply can show the room.
        self.rooms.learn(&key, None, now);
        self.write(actor, &key, events, now, Then::Made(key.clone()))
    }
}

fn actor_of(pending: &Pending) -> Result<Actor, Refusal> {
    let call = &pending.call;
    let who = call.who.clone().ok_or(Refusal::Forbidden)?;
    Ok(Actor { who, standing: call.standing, door: call.door, connection: call.to.connection() })
}

/// What an event changes for others, until its fate is known; nothing for plain messages. Where seats are counted, each who
/// comes changes it for all.
fn changes(facts: Option<&RoomFacts>, room: &RoomKey, what: &What) -> Option<Scope> {
    if let What::MemberSet { user, .. } | What::MemberRemoved { user, barred: false } = what
        && facts.is_some_and(|facts| facts.kind == RoomKind::Public && facts.seats.is_none())
    {
        return Some(Scope::Member(room.clone(), user.clone()));
    }
    RoomFacts::is_structural(what).then(|| Scope::Room(room.clone()))
}

/// An outcome that needs nothing else.
pub(super) fn reply(pending: &Pending, result: Result<Reply, Refusal>) -> Next {
    Next::Reply(Box::new(Told::plain(pending.call.to, result)))
}
