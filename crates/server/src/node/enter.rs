//! Entering and leaving rooms, as far as deciding goes; what follows of it is in `seats`.

use adapters::port::Read;
use domain::command::{Manners, Start};
use domain::event::What;
use domain::id::{Cursor, Millis};
use domain::identity::Actor;
use domain::limits;
use domain::model::{RoomKey, RoomKind};
use domain::refusal::{BadResume, Refusal};
use domain::rules::room;

use super::Node;
use super::decide::{Next, Then};
use super::desk::Pending;
use super::seats::Coming;
use super::send::Noted;

impl Node {
    pub(super) fn enter(
        &mut self,
        pending: &Pending,
        actor: &Actor,
        (room, start, manners): (&RoomKey, Start, Manners),
        now: Millis,
    ) -> Result<Next, Refusal> {
        if room.is_relay() && start != Start::Now {
            return Err(Refusal::BadResume(BadResume::NotKept));
        }
        if let Some(next) = self.ensure_own(room.kept(), &actor.who.id, now) {
            return Ok(next);
        }
        if let Some(known) = pending.again.filter(|known| *known > self.head.offset) {
            return Ok(Next::Behind(known));
        }
        // Nobody belongs to a relay, and being in one makes nobody belong to the room beside it.
        let manners = Manners { joins: manners.joins && !room.is_relay(), ..manners };
        let here = self.here(room, actor, pending.again.is_some());
        let facts = self.rooms.peek(room.kept());
        let events = room::enter(room.kept(), facts, here, actor, manners, &self.policy)?;
        let from = match start {
            Start::Now | Start::Page(_) => None,
            Start::After(cursor) => match self.after(pending, cursor)? {
                Some(cursor) => Some(cursor),
                None => return Ok(Next::Read(Read::At(cursor.offset))),
            },
            Start::AfterSeq(seq) => match (validated(pending)?, facts) {
                (Some(cursor), _) => Some(cursor),
                (None, Some(facts)) if seq <= facts.head => return Ok(Next::Read(Read::AtSeq(room.clone(), seq))),
                (None, None) if seq.0 == 0 => None,
                (None, _) => return Err(Refusal::BadResume(BadResume::Ahead)),
            },
        };
        if let Some(cursor) = from
            && let Some(next) = self.all_kept(pending, cursor.offset, std::iter::once(room.clone()), None)?
        {
            return Ok(next);
        }
        let page = match start {
            Start::Page(most) => Some(most.min(limits::PAGE_MAX)),
            Start::Now | Start::After(_) | Start::AfterSeq(_) => None,
        };
        let again = pending.again.is_some();
        let coming = Coming { room: room.clone(), from, page, manners, again };
        if events.is_empty() {
            self.entered(&pending.call, coming, None, now);
            return Ok(Next::Done);
        }
        let mut noted = None;
        if matches!(events.first(), Some(What::RoomMade { kind: RoomKind::Public, .. })) {
            let user = actor.who.number;
            self.may_make(user, now)?;
            noted = self.note(Noted { user, at: now, message: false, room: true });
        }
        self.write(actor, room.kept(), events, now, Then::Enter { coming, noted })
    }

    /// A resume token, when it is known to be good; none when the log has to be asked first.
    ///
    /// # Errors
    /// `BadResume`, when the log has been asked and it is not.
    pub(super) fn after(&self, pending: &Pending, cursor: Cursor) -> Result<Option<Cursor>, Refusal> {
        Ok(validated(pending)?.or_else(|| self.is_good(cursor).then_some(cursor)))
    }

    /// Whether a resume token is good for sure, as far as memory can say. What lies ahead may be known to another node
    /// only; the log knows.
    fn is_good(&self, cursor: Cursor) -> bool {
        let ours = cursor.life == self.life && cursor.offset >= self.born && cursor.offset <= self.head.offset;
        ours || cursor == self.head
    }

    pub(super) fn here(&self, room: &RoomKey, actor: &Actor, again: bool) -> room::Here {
        let present = self.presence.present(room, actor.who.number);
        let attached = actor.connection.is_some_and(|connection| self.presence.seated(room, connection));
        room::Here {
            already: attached && !again,
            user_present: present,
            users: self.presence.user_count(room),
            occupied: self.presence.occupied(room),
        }
    }

    pub(super) fn leave(
        &mut self,
        pending: &Pending,
        actor: &Actor,
        (room, manners): (&RoomKey, Manners),
        now: Millis,
    ) -> Result<Next, Refusal> {
        if let Some(next) = self.ensure_own(room.kept(), &actor.who.id, now) {
            return Ok(next);
        }
        let attached = |connection: &_| self.presence.attached(room, *connection);
        let connection = actor.connection.filter(attached).ok_or(Refusal::NotPresent)?;
        // Whoever leaves a relay was present there; what they belong to is another matter. And a removal puts its user
        // out of the relay beside the room, too, so whoever is in that one has not left yet.
        let events = if room.is_relay() {
            Vec::new()
        } else {
            let relay = room.clone().relayed();
            let last = !self.presence.elsewhere(room, connection) && !self.presence.present(&relay, actor.who.number);
            room::leave(self.rooms.peek(room), &actor.who.id, manners, last)
        };
        if events.is_empty() {
            self.left(&pending.call, room, now);
            return Ok(Next::Done);
        }
        self.write(actor, room, events, now, Then::Leave(room.clone()))
    }
}

/// The place to start from, once the log has been asked for it.
fn validated(pending: &Pending) -> Result<Option<Cursor>, Refusal> {
    pending.start.transpose().map_err(Refusal::BadResume)
}
