//! Saying something, and what counts against the limits of pace (RULES 11, 12).

use adapters::port::{Read, Write};
use domain::command::{Draft, Manners, Reply};
use domain::id::{Millis, UserNumber};
use domain::identity::{Actor, Standing};
use domain::limits;
use domain::model::RoomKey;
use domain::refusal::Refusal;
use domain::rules::message;
use domain::rules::pace::Window;

use super::decide::{Next, Then, reply};
use super::desk::Pending;
use super::{Node, Writer};

/// What was counted when a command was decided; taken back when nothing came of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noted {
    /// Against whose limits.
    pub(super) user: UserNumber,
    /// When.
    pub(super) at: Millis,
    /// A message.
    pub(super) message: bool,
    /// A room made by first use.
    pub(super) room: bool,
}

impl Node {
    pub(super) fn send(
        &mut self,
        pending: &Pending,
        actor: &Actor,
        (room, draft, manners): (&RoomKey, &Draft, Manners),
        now: Millis,
    ) -> Result<Next, Refusal> {
        if let Some(next) = self.ensure(room.kept(), now) {
            return Ok(next);
        }
        let id = self.ids.message(now);
        let facts = self.rooms.peek(room.kept());
        let makes = facts.is_none();
        let events = match message::send(room.kept(), facts, draft, id, actor, manners, &self.policy) {
            Ok(events) => events,
            // Nobody asks after what no store could hold.
            Err(refusal @ (Refusal::Invalid | Refusal::InvalidContent)) => return Err(refusal),
            Err(refusal) if room.is_relay() => return Err(refusal),
            // Also where there is no room: what is refused takes as long as what is missing (THREATS T6).
            Err(refusal) => return sent_before(pending, actor, room, draft, refusal),
        };
        if room.is_relay() {
            return self.relay(pending, actor, (room, id), draft, manners, now);
        }
        let user = actor.who.number;
        let mut noted = None;
        if actor.standing == Standing::User {
            let limit = message::per_minute(manners.pace, &self.policy);
            let window = self.windows.entry(user).or_insert_with(Window::of_messages);
            if let Err(retry_after_ms) = window.check(limit, now) {
                // A repeat never meets the limit: only a client id that is known to be new is refused (HAZARDS 12).
                match (&draft.client_id, &pending.event) {
                    (Some(client_id), None) => {
                        let (by, client_id) = (actor.who.id.clone(), client_id.clone());
                        return Ok(Next::Read(Read::Sent { by, room: room.clone(), client_id }));
                    }
                    (Some(_), Some(Some(_))) => {}
                    (Some(_), Some(None)) | (None, _) => return Err(Refusal::RateLimited { retry_after_ms }),
                }
            }
            if makes {
                self.may_make(user, now)?;
            }
            noted = self.note(Noted { user, at: now, message: true, room: makes });
        }
        let mut next = self.write(actor, room, events, now, Then::Send { room: room.clone(), noted })?;
        if let (Some(alias), RoomKey::Pair(..), Next::Write(writes, ..)) = (&draft.alias, room, &mut next)
            && let [Write::Events(write)] = writes.as_mut_slice()
        {
            write.alias = Some(alias.clone());
        }
        Ok(next)
    }

    /// Whether the user may make one more room by first use.
    pub(super) fn may_make(&mut self, user: UserNumber, now: Millis) -> Result<(), Refusal> {
        let window = self.first_uses.entry(user).or_insert_with(|| Window::of_ms(limits::FIRST_USE_WINDOW_MS));
        window.check(limits::FIRST_USE_ROOMS_PER_HOUR_MAX, now).map_err(|_| Refusal::RoomLimit)
    }

    /// Counts what is about to be written. While nothing can be written, nothing is counted.
    pub(super) fn note(&mut self, noted: Noted) -> Option<Noted> {
        if self.writer != Writer::Ready {
            return None;
        }
        let Noted { user, at, message, room } = noted;
        if message {
            let widest = self.policy.strict_per_minute.max(self.policy.loose_per_minute);
            self.windows.entry(user).or_insert_with(Window::of_messages).note(widest, at);
        }
        if room {
            let window = self.first_uses.entry(user).or_insert_with(|| Window::of_ms(limits::FIRST_USE_WINDOW_MS));
            window.note(limits::FIRST_USE_ROOMS_PER_HOUR_MAX, at);
        }
        Some(noted)
    }

    /// What was counted came to nothing: a repeat, or it failed, or it is decided again.
    pub(super) fn take_back(&mut self, then: &Then) {
        let (Then::Send { noted: Some(noted), .. }
        | Then::Enter { noted: Some(noted), .. }
        | Then::Group { noted: Some(noted), .. }) = then
        else {
            return;
        };
        if noted.message
            && let Some(window) = self.windows.get_mut(&noted.user)
        {
            window.take_back(noted.at);
        }
        if noted.room
            && let Some(window) = self.first_uses.get_mut(&noted.user)
        {
            window.take_back(noted.at);
        }
    }
}

/// What was said before its sender was muted or put out, and acknowledged to nobody, is acknowledged all the same: a refusal
/// says that nothing was done.
fn sent_before(
    pending: &Pending,
    actor: &Actor,
    room: &RoomKey,
    draft: &Draft,
    refusal: Refusal,
) -> Result<Next, Refusal> {
    match (&draft.client_id, &pending.event) {
        (Some(client_id), None) => {
            let (by, client_id) = (actor.who.id.clone(), client_id.clone());
            Ok(Next::Read(Read::Sent { by, room: room.clone(), client_id }))
        }
        (Some(_), Some(Some(event))) => {
            // One that retention has emptied can't be compared any more.
            let is_same = event.message().is_some_and(|sent| sent.content == draft.content || sent.content.is_empty());
            if !is_same {
                return Err(Refusal::ClientIdReused);
            }
            Ok(reply(pending, Ok(Reply::Sent { event: event.clone(), repeat: true })))
        }
        (Some(_), Some(None)) | (None, _) => Err(refusal),
    }
}
