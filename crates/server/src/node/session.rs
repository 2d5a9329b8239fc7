//! Sessions that a client may come back to: remembered while it is there, and returned to by a connection that is nobody
//! yet, or the same user by a new credential. All of it or nothing: a client that hears that it is back has missed nothing, in any of its rooms.

use std::sync::Arc;

use adapters::port::{Read, SessionRow, Write};
use domain::command::{Manners, Reply};
use domain::event::SignalKind;
use domain::id::{Cursor, Millis, Offset, SessionKey};
use domain::identity::{Actor, Standing};
use domain::model::{Person, SessionRoom};
use domain::presence::Came;
use domain::refusal::{BadResume, Refusal};
use domain::rules::session;

use super::call::{Attach, Output, Told};
use super::decide::{Next, Then};
use super::desk::{Pending, Scope};
use super::{Node, Writer};

const NO_SESSION: Refusal = Refusal::BadResume(BadResume::NoSession);

impl Node {
    pub(super) fn remember(
        &self,
        actor: &Actor,
        (key, rooms, ends, not_before): (SessionKey, &[SessionRoom], Option<Millis>, Offset),
        now: Millis,
    ) -> Result<Next, Refusal> {
        let rooms = session::remember(rooms, actor)?;
        if self.writer != Writer::Ready {
            return Err(Refusal::Unavailable);
        }
        let row = SessionRow { key, user: actor.who.id.clone(), rooms, ends, not_before, at: now };
        // Whoever returns to it meanwhile waits, and finds these rooms.
        Ok(Next::Write(vec![Write::Session(row)], Then::Remember, vec![Scope::Session(key)]))
    }

    pub(super) fn come_back(
        &mut self,
        pending: &Pending,
        (key, from, manners): (SessionKey, Cursor, Manners),
        now: Millis,
    ) -> Result<Next, Refusal> {
        let call = &pending.call;
        let connection = call.to.connection().ok_or(Refusal::Invalid)?;
        let again = pending.again.is_some();
        if call.who.is_none() && self.presence.knows(connection) && !again {
            return Err(Refusal::Invalid);
        }
        if let Some(known) = pending.again.filter(|known| *known > self.head.offset) {
            return Ok(Next::Behind(known));
        }
        let Some(found) = &pending.session else {
            let scope = Scope::Session(key);
            let open = self.desk.is_open(&scope);
            return Ok(if open { Next::Wait(scope) } else { Next::Read(Read::Session(key)) });
        };
        let row = found.clone().ok_or(NO_SESSION)?;
        session::holds(row.ends, now)?;
        if call.who.as_ref().is_some_and(|who| who.id != row.user) {
            return Err(NO_SESSION);
        }
        // It may not have heard that it was put out of a room.
        if from.offset < row.not_before {
            return Err(NO_SESSION);
        }
        let who = match (self.people.get(&row.user), &pending.person) {
            (Some(person), _) => person.clone(),
            (None, Some(found)) => found.clone().ok_or(NO_SESSION)?,
            (None, None) => return Ok(Next::Read(Read::Person(row.user.clone()))),
        };
        let Some(from) = self.after(pending, from)? else { return Ok(Next::Read(Read::At(from.offset))) };
        if let Some(next) = self.ensure_all(row.rooms.iter().map(|room| &room.key), now) {
            return Ok(next);
        }
        let rooms = row.rooms.iter().map(|room| room.key.clone());
        if let Some(next) = self.all_kept(pending, from.offset, rooms, Some(&row.user))? {
            return Ok(next);
        }
        let actor = Actor { who, standing: Standing::User, door: call.door, connection: Some(connection) };
        for SessionRoom { key: room, .. } in &row.rooms {
            if let Some(next) = self.ensure_own(room, &row.user, now) {
                return Ok(next);
            }
            let here = self.here(room, &actor, again);
            session::admit(room, self.rooms.peek(room), here, &actor, manners, &self.policy)?;
        }
        self.returned(pending, &actor.who, &row, from, now);
        Ok(Next::Done)
    }

    /// Someone is back: presence everywhere, one reply that attaches to all of it from the same point, and the notices.
    fn returned(&mut self, pending: &Pending, who: &Arc<Person>, row: &SessionRow, from: Cursor, now: Millis) {
        let call = &pending.call;
        self.met(call.to, who);
        let Some(connection) = call.to.connection() else { return };
        let (decided_at, mut carried) = (self.head.offset, Some(Box::new(call.clone())));
        let (mut attach, mut notices) = (Vec::with_capacity(row.rooms.len()), Vec::new());
        for SessionRoom { key: room, .. } in &row.rooms {
            let came = self.presence.enter(room, connection, who, now);
            // That it is back is news to those only who were told that it had gone.
            notices.extend((came == Came::First).then_some((room, SignalKind::Came { back: true })));
            attach.push(Attach {
                room: room.clone(),
                from: Some(from.offset),
                page: None,
                decided_at,
                call: carried.take(),
            });
        }
        let result = Ok(Reply::Returned { who: who.clone(), rooms: row.rooms.clone(), from, ends: row.ends });
        self.out.push(Output::Reply(Box::new(Told { attach, ..Told::plain(call.to, result) })));
        for (room, kind) in notices {
            self.signal(room, who, kind, Some(connection), now);
        }
    }
}
