//! Editing and deleting messages, and putting something under them. One command at a time: from before a message is read until what was decided on it has
//! its outcome, nobody else on this node decides about the same message, so of two deletions that race the second finds
//! none to delete. (Where several nodes share a log and race, the log keeps both, and the second changes nothing.)

use adapters::port::Read;
use domain::id::{MessageId, Millis};
use domain::identity::Actor;
use domain::refusal::Refusal;
use domain::rules::message::{self, Change};

use super::Node;
use super::decide::{Next, Then};
use super::desk::{Pending, Scope};

impl Node {
    /// Decides what becomes of a message.
    pub(super) fn change(
        &mut self,
        pending: &mut Pending,
        actor: &Actor,
        (id, change): (MessageId, &Change),
        now: Millis,
    ) -> Result<Next, Refusal> {
        message::proper(change)?;
        let Some(sent) = pending.event.clone() else {
            if pending.holds.is_empty() {
                let scope = Scope::Message(id);
                if self.desk.is_open(&scope) {
                    return Ok(Next::Wait(scope));
                }
                self.desk.open(&scope);
                pending.holds.push(scope);
            }
            return Ok(Next::Read(Read::Message(id)));
        };
        let sent = sent.ok_or(Refusal::MessageNotFound)?;
        if let Some(next) = self.ensure(&sent.room, now) {
            return Ok(next);
        }
        let what = message::change(&sent, self.rooms.peek(&sent.room), change, actor)?;
        let room = sent.room.clone();
        self.write(actor, &room, vec![what], now, Then::Change { sent })
    }
}
