//! What readers found: each answer goes to whom it is for, and the call that waited for it is decided again.

use std::sync::Arc;

use adapters::port::{Failure, FailureKind, Found, Read};
use dialects::Request;
use domain::command::{Command, Since, Start};
use domain::id::{Cursor, Millis};
use domain::model::RoomKey;
use domain::refusal::{BadResume, Refusal};

use super::Node;
use super::call::{Output, Token, Told};
use super::desk::{Pending, Waiter};

impl Node {
    pub(super) fn read(&mut self, waiter: Waiter, ask: Read) {
        let token = self.desk.token();
        self.desk.reads.insert(token, (waiter, ask.clone()));
        self.out.push(Output::Read(token, ask));
    }

    /// Asks for a room's facts, unless they are being read already.
    pub(super) fn load(&mut self, room: &RoomKey) {
        if !self.desk.rooms.contains_key(room) {
            self.desk.rooms.insert(room.clone(), Vec::new());
            self.rooms.loading(room);
            self.read(Waiter::Room(room.clone()), Read::Room(room.clone()));
        }
    }

    pub(super) fn found(&mut self, token: Token, found: Result<Found, Failure>, now: Millis) {
        let Some((waiter, ask)) = self.desk.reads.remove(&token) else { return };
        let found = found.and_then(|found| if answers(&ask, &found) { Ok(found) } else { Err(wrong_kind()) });
        match waiter {
            Waiter::One(pending) => match found {
                Ok(found) => self.found_for(*pending, found, now),
                other => {
                    log_read_failure(&other);
                    self.refuse(&pending, Refusal::Unavailable, now);
                }
            },
            Waiter::Room(room) => self.found_room(&room, found, now),
            Waiter::CatchUp => self.found_unannounced(found),
            Waiter::Status(status) => self.found_acquaintances(*status, found),
            Waiter::Reached(stretch) => self.found_reached(*stretch, found, now),
            Waiter::Head => {
                if let Ok(Found::Cursor(Some(head))) = found
                    && head.offset > self.head.offset
                    && self.in_flight.is_none()
                {
                    self.catch_up();
                }
            }
        }
    }

    fn found_room(&mut self, room: &RoomKey, found: Result<Found, Failure>, now: Millis) {
        let waiting = self.desk.rooms.remove(room).unwrap_or_default();
        match found {
            Ok(Found::Room(facts)) => {
                self.rooms.learn(room, facts, now);
                waiting.into_iter().for_each(|pending| self.resume(pending, now));
            }
            other => {
                self.rooms.not_loaded(room);
                log_read_failure(&other);
                waiting.into_iter().for_each(|pending| self.refuse(&pending, Refusal::Unavailable, now));
            }
        }
    }

    /// What a reader found for a call that waited.
    fn found_for(&mut self, mut pending: Pending, found: Found, now: Millis) {
        match found {
            Found::Person(person) => {
                if let Some(person) = &person {
                    self.people.insert(person.id.clone(), person.clone());
                }
                pending.person = Some(person);
            }
            Found::Event(event) => pending.event = Some(event),
            Found::Rooms(rooms) => pending.listed = Some(rooms),
            Found::Cursor(cursor) => pending.start = Some(start_at(&pending, cursor)),
            Found::Session(session) => pending.session = Some(session.map(Arc::new)),
            Found::User(user) => pending.user = Some(user),
            Found::Key(place) => pending.place = Some(place),
            found @ (Found::Messages(_)
            | Found::Conversations(_)
            | Found::Standings(_)
            | Found::Entries(_)
            | Found::Own(_)
            | Found::Members(_)
            | Found::Users(_)
            | Found::History(..)
            | Found::Count(_)
            | Found::Room(_)
            | Found::Events { .. }
            | Found::Expired(_)
            | Found::Feed(_)
            | Found::Outbox(_)
            | Found::Keys(_)
            | Found::Recent(_)) => pending.found = Some(Box::new(found)),
        }
        self.resume(pending, now);
    }

    /// Refuses a call that had waited, and lets those behind it go on.
    fn refuse(&mut self, pending: &Pending, refusal: Refusal, now: Millis) {
        let (to, lane) = (pending.call.to, pending.call.to.connection());
        self.undo(pending, now);
        self.out.push(Output::Reply(Box::new(Told::plain(to, Err(refusal)))));
        self.close(&pending.holds, now);
        if let Some(connection) = lane {
            self.release(connection, now);
        }
    }
}

fn start_at(pending: &Pending, found: Option<Cursor>) -> Result<Cursor, BadResume> {
    let found = found.ok_or(BadResume::Ahead)?;
    match asked_cursor(pending) {
        Some(asked) if asked.life != found.life => Err(BadResume::OtherLog),
        Some(_) | None => Ok(found),
    }
}

fn asked_cursor(pending: &Pending) -> Option<Cursor> {
    match &pending.call.request {
        Request::Do(
            Command::Enter { from: Start::After(cursor), .. }
            | Command::Return { from: cursor, .. }
            | Command::Attend { from: Since::After(cursor), .. },
        ) => Some(*cursor),
        Request::Do(_) | Request::Ask(_) => None,
    }
}

/// Whether this is the kind of answer that the port promises for the kind of read. A call that got another would ask
/// again, and again.
fn answers(ask: &Read, found: &Found) -> bool {
    match ask {
        Read::Room(_) => matches!(found, Found::Room(_)),
        Read::Rooms { .. } | Read::MadeBy(_) => matches!(found, Found::Rooms(_)),
        Read::Person(_) => matches!(found, Found::Person(_)),
        Read::Page { .. } | Read::Since { .. } => matches!(found, Found::Events { .. }),
        Read::Sent { .. } | Read::Message(_) => matches!(found, Found::Event(_)),
        Read::Messages(_) => matches!(found, Found::Messages(_)),
        Read::User(_) => matches!(found, Found::User(_)),
        Read::Conversations { .. } => matches!(found, Found::Conversations(_)),
        Read::Born(_) | Read::Alias { .. } => matches!(found, Found::Key(_)),
        Read::Standings(_) => matches!(found, Found::Standings(_)),
        Read::Own { .. } => matches!(found, Found::Own(_)),
        Read::Members { .. } => matches!(found, Found::Members(_)),
        Read::Find { .. } => matches!(found, Found::Entries(_)),
        Read::Acquaintances { .. } => matches!(found, Found::Users(_)),
        Read::History { .. } => matches!(found, Found::History(..)),
        Read::Unread { .. } => matches!(found, Found::Count(_)),
        Read::Session(_) => matches!(found, Found::Session(_)),
        Read::At(_) | Read::AtSeq(..) | Read::Head => matches!(found, Found::Cursor(_)),
        Read::Expired => matches!(found, Found::Expired(_)),
        Read::Feed => matches!(found, Found::Feed(_)),
        Read::Outbox { .. } => matches!(found, Found::Outbox(_)),
        Read::Keys => matches!(found, Found::Keys(_)),
        Read::Recent(_) => matches!(found, Found::Recent(_)),
    }
}

fn wrong_kind() -> Failure {
    Failure::new(FailureKind::Unavailable, "another kind of answer than was asked for; this is a bug in the adapter")
}

/// The world broke under a read: said once, here; the caller hears that the store is unavailable.
pub(super) fn log_read_failure(found: &Result<Found, Failure>) {
    if let Err(failure) = found {
        tracing::error!(error = %failure, "The store could not answer a read.");
    }
}
