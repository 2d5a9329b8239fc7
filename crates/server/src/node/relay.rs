//! Rooms whose messages are kept elsewhere (RULES 23, HAZARDS 23): what is said there is decided like any message, and then
//! passed on as a signal. Nothing of it reaches the store, so a full disk does not hold it up.

use domain::command::{Draft, Manners, Reply};
use domain::event::SignalKind;
use domain::id::{MessageId, Millis};
use domain::identity::{Actor, Standing};
use domain::model::RoomKey;
use domain::refusal::Refusal;
use domain::rules::message;
use domain::rules::pace::Window;

use super::Node;
use super::decide::{Next, reply};
use super::desk::Pending;

impl Node {
    /// Passes on a message that the rule has allowed. Its acknowledgement means just that; a repeat is passed on again,
    /// because nobody remembers the first.
    pub(super) fn relay(
        &mut self,
        pending: &Pending,
        actor: &Actor,
        (room, id): (&RoomKey, MessageId),
        draft: &Draft,
        manners: Manners,
        now: Millis,
    ) -> Result<Next, Refusal> {
        if actor.standing == Standing::User {
            let limit = message::per_minute(manners.pace, &self.policy);
            let window = self.windows.entry(actor.who.number).or_insert_with(Window::of_messages);
            window.check(limit, now).map_err(|retry_after_ms| Refusal::RateLimited { retry_after_ms })?;
            let widest = self.policy.strict_per_minute.max(self.policy.loose_per_minute);
            window.note(widest, now);
        }
        let seq = self.rooms.relay(room, self.presence.occupied(room));
        let said = SignalKind::Said { kind: draft.kind, content: draft.content.clone(), seq };
        self.signal_as(id, room, &actor.who, said, actor.connection, now);
        Ok(reply(pending, Ok(Reply::Relayed { id, seq, at: now })))
    }
}
