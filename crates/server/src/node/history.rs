//! Pages of history and counts of unread messages. Whether the asker may see them is decided on what is known after the
//! page came back, and no earlier than its last message (HAZARDS 16): whoever was removed while it was read gets none.

use adapters::port::{Found, Read};
use domain::command::Reply;
use domain::id::Millis;
use domain::identity::Actor;
use domain::limits;
use domain::model::RoomKey;
use domain::query::{Place, Window};
use domain::refusal::Refusal;
use domain::rules::room;

use super::Node;
use super::decide::{Next, reply};
use super::desk::Pending;

impl Node {
    /// Whether the actor may read the room, on its settled facts; what has to happen first to know.
    pub(super) fn readable(&mut self, room: &RoomKey, actor: &Actor, now: Millis) -> Result<Option<Next>, Refusal> {
        if let Some(next) = self.ensure(room.kept(), now) {
            return Ok(Some(next));
        }
        room::read(room.kept(), self.rooms.peek(room.kept()), actor, &self.policy).map(|()| None)
    }

    pub(super) fn history(
        &mut self,
        pending: &mut Pending,
        actor: &Actor,
        (place, window, skip, most): (&Place, Window, u32, u32),
        now: Millis,
    ) -> Result<Next, Refusal> {
        if let Some(Found::History(_, _, upto)) = pending.found.as_deref()
            && upto.offset > self.head.offset
        {
            return Ok(Next::Behind(upto.offset));
        }
        let room = match self.placed(pending, actor, place)? {
            Ok(room) => room,
            Err(next) => return Ok(next),
        };
        // Asked before the page is read, too, so that nobody has pages read that they may not see.
        if let Some(next) = self.readable(&room, actor, now)? {
            return Ok(next);
        }
        let found = match pending.found.take().map(|found| *found) {
            Some(Found::History(entries, total, _)) => {
                self.fetched(actor, &entries, total);
                Reply::History { entries, total }
            }
            _ if room.is_relay() => Reply::History { entries: Vec::new(), total: 0 },
            _ => {
                let (most, bytes) = (most.min(limits::HISTORY_MAX), limits::HISTORY_BYTES_MAX);
                return Ok(Next::Read(Read::History { room, window, skip, most, bytes }));
            }
        };
        Ok(reply(pending, Ok(found)))
    }

    pub(super) fn unread(
        &mut self,
        pending: &mut Pending,
        actor: &Actor,
        room: &RoomKey,
        now: Millis,
    ) -> Result<Next, Refusal> {
        if let Some(next) = self.readable(room, actor, now)? {
            return Ok(next);
        }
        let count = match pending.found.as_deref() {
            Some(Found::Count(count)) => *count,
            _ if room.is_relay() => 0,
            _ => {
                let (user, most) = (actor.who.id.clone(), limits::UNREAD_COUNTED_MAX);
                return Ok(Next::Read(Read::Unread { room: room.clone(), user, most }));
            }
        };
        Ok(reply(pending, Ok(Reply::Unread(count))))
    }
}
