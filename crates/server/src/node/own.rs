//! Rooms as their users have them, who belongs to one, and what is done to them there.

use adapters::port::{Found, Read};
use domain::command::{Act, Reply};
use domain::id::{Millis, UserId};
use domain::identity::{Actor, Standing};
use domain::limits;
use domain::model::RoomKey;
use domain::refusal::Refusal;
use domain::rules::moderate;

use super::Node;
use super::decide::{Next, Then, reply};
use super::desk::Pending;

impl Node {
    pub(super) fn moderate(
        &mut self,
        pending: &Pending,
        actor: &Actor,
        (room, user, act): (&RoomKey, &UserId, Act),
        now: Millis,
    ) -> Result<Next, Refusal> {
        if let Some(next) = self.ensure_own(room.kept(), user, now) {
            return Ok(next);
        }
        let events = moderate::moderate(self.rooms.peek(room.kept()), actor, user, act)?;
        if events.is_empty() {
            return Ok(reply(pending, Ok(Reply::Done)));
        }
        // Only who may invite hears who is known.
        if act == Act::Invite && !self.people.contains_key(user) {
            match &pending.person {
                None => return Ok(Next::Read(Read::Person(user.clone()))),
                Some(None) => return Err(Refusal::UserNotFound),
                Some(Some(_)) => {}
            }
        }
        self.write(actor, room.kept(), events, now, Then::Moderate(room.kept().clone(), user.clone()))
    }

    /// The asker's own rooms, or one that they may read; decided on no less than what was found (HAZARDS 16): a room that
    /// they were put out of meanwhile may have come with what was said there since.
    pub(super) fn own(
        &mut self,
        pending: &mut Pending,
        actor: &Actor,
        room: Option<&RoomKey>,
        now: Millis,
    ) -> Result<Next, Refusal> {
        if actor.standing != Standing::User {
            return Err(Refusal::Forbidden);
        }
        if let Some(Found::Own(rooms)) = pending.found.as_deref()
            && let Some(last) = rooms.iter().map(|own| own.last).max().filter(|last| *last > self.head.offset)
        {
            return Ok(Next::Behind(last));
        }
        if let Some(room) = room
            && let Some(next) = self.readable(room, actor, now)?
        {
            return Ok(next);
        }
        if let Some(Found::Own(rooms)) = pending.found.as_deref()
            && let Some(next) = self.ensure_none_lacks(rooms.iter().map(|own| &own.room), now)
        {
            return Ok(next);
        }
        match pending.found.take().map(|found| *found) {
            Some(Found::Own(rooms)) if room.is_some() && rooms.is_empty() => Err(Refusal::RoomNotFound),
            Some(Found::Own(mut rooms)) => {
                rooms.retain(|own| room.is_some() || self.may_belong(&own.room, &actor.who.id));
                Ok(reply(pending, Ok(Reply::Own(rooms))))
            }
            _ => {
                let (user, room) = (actor.who.id.clone(), room.cloned());
                Ok(Next::Read(Read::Own { user, room, most: limits::OWN_ROOMS_LISTED_MAX }))
            }
        }
    }

    /// Whether a room is somebody's, as far as is known here.
    fn may_belong(&self, room: &RoomKey, user: &UserId) -> bool {
        room.other(user).is_some() || self.rooms.peek(room).is_none_or(|facts| facts.role(user).is_some())
    }

    /// Has facts loaded of which a change is known to be missing.
    fn ensure_none_lacks<'a>(&mut self, mut rooms: impl Iterator<Item = &'a RoomKey>, now: Millis) -> Option<Next> {
        let lacking = rooms.find(|room| self.rooms.lacks(room)).cloned()?;
        self.ensure(&lacking, now)
    }

    /// Who belongs to a room, for those who may read it.
    pub(super) fn members(
        &mut self,
        pending: &mut Pending,
        actor: &Actor,
        room: &RoomKey,
        now: Millis,
    ) -> Result<Next, Refusal> {
        if let Some(next) = self.readable(room, actor, now)? {
            return Ok(next);
        }
        match pending.found.take().map(|found| *found) {
            Some(Found::Members(members)) => {
                let known = |one: domain::history::Belonging| {
                    let online = self.presence.connections_of(&one.who.id) > 0;
                    (one, online)
                };
                let members = members.into_iter().map(known).collect();
                Ok(reply(pending, Ok(Reply::Members(members))))
            }
            _ => Ok(Next::Read(Read::Members { room: room.clone(), most: limits::MEMBERS_LISTED_MAX })),
        }
    }
}
