//! Groups: private rooms that a wire makes, names and fills under an id of its clients' choosing (`domain::rules::group`).

use domain::Text;
use domain::command::{GroupChange, Reply};
use domain::id::Millis;
use domain::identity::Actor;
use domain::model::RoomKey;
use domain::refusal::Refusal;
use domain::rules::group;

use super::Node;
use super::decide::{Next, Then, reply};
use super::desk::Pending;
use super::send::Noted;

impl Node {
    pub(super) fn group(
        &mut self,
        pending: &Pending,
        actor: &Actor,
        (room, change, notice): (&RoomKey, &GroupChange, Option<&Text>),
        now: Millis,
    ) -> Result<Next, Refusal> {
        if let Some(next) = self.ensure(room.kept(), now) {
            return Ok(next);
        }
        let facts = self.rooms.peek(room);
        let makes = facts.is_none();
        let events = group::change(room, facts, change, notice, actor)?;
        if events.is_empty() {
            return Ok(reply(pending, Ok(Reply::Done)));
        }
        let mut noted = None;
        if makes {
            let user = actor.who.number;
            self.may_make(user, now)?;
            noted = self.note(Noted { user, at: now, message: false, room: true });
        }
        let gone = matches!(change, GroupChange::Quit).then(|| actor.who.id.clone());
        self.write(actor, room, events, now, Then::Group { room: room.clone(), gone, noted })
    }
}
