//! Marks that a client asks for: they ride in the next batch, and are answered and told after it (HAZARDS 14).

use std::sync::Arc;

use adapters::port::{Found, MarkWrite, Read};
use domain::command::Reply;
use domain::event::SignalKind;
use domain::id::{MessageId, Millis, Offset};
use domain::identity::{Actor, Standing};
use domain::limits;
use domain::model::RoomKey;
use domain::refusal::Refusal;
use domain::rules::room;
use domain::rules::watermark::{self, Raise};
use domain::watermark::Mark;

use super::call::Call;
use super::decide::{Next, Then, reply};
use super::desk::Pending;
use super::reached::Stretch;
use super::{Node, Writer};

impl Node {
    pub(super) fn mark(
        &mut self,
        pending: &Pending,
        actor: &Actor,
        (mark, messages, named, upto): (Mark, &Arc<[MessageId]>, Option<&RoomKey>, Option<Offset>),
        now: Millis,
    ) -> Result<Next, Refusal> {
        if actor.standing != Standing::User {
            return Err(Refusal::Forbidden);
        }
        if messages.len() > limits::MARKED_MAX {
            return Err(Refusal::Invalid);
        }
        if let Some(named) = named {
            // What is said in a relay is kept nowhere: there is nothing to mark.
            if named.is_relay() {
                return Err(Refusal::RoomNotFound);
            }
            if let Some(next) = self.readable(named, actor, now)? {
                return Ok(next);
            }
        }
        let places = match pending.found.as_deref() {
            Some(Found::Messages(found)) => found.as_slice(),
            _ if messages.is_empty() => &[],
            _ => return Ok(Next::Read(Read::Messages(messages.clone()))),
        };
        if let Some(next) = self.ensure_all(places.iter().map(|event| &event.room), now) {
            return Ok(next);
        }
        let last = named.and_then(|room| self.rooms.peek(room)).map(|facts| facts.last);
        let whole = upto.is_none_or(|upto| last.is_none_or(|last| upto >= last));
        let last = last.map(|last| upto.map_or(last, |upto| upto.min(last)));
        let reads = |room: &RoomKey| room::read(room, self.rooms.peek(room), actor, &self.policy).is_ok();
        let raises = watermark::mark(places, named.zip(last), reads);
        if raises.is_empty() {
            return Ok(reply(pending, Ok(Reply::Done)));
        }
        if self.writer != Writer::Ready {
            return Err(Refusal::Unavailable);
        }
        let write = |raise: &Raise| {
            let write = MarkWrite {
                user: actor.who.id.clone(),
                room: raise.room.clone(),
                mark,
                upto: raise.upto,
                apart: raise.apart.clone(),
                at: now,
            };
            self.asked(write, messages, raise)
        };
        Ok(Next::Write(raises.iter().map(write).collect(), Then::Mark { mark, raises, whole }, Vec::new()))
    }

    /// The marks are kept: each room hears of its own, and who wrote what lies in a room that was named whole, of that. In
    /// that room it came past what lies after `from`, but for what was read apart.
    pub(super) fn marked(
        &mut self,
        call: &Call,
        (mark, up_to_now): (Mark, bool),
        raises: Vec<Raise>,
        from: Option<(Offset, Vec<Offset>)>,
        now: Millis,
    ) {
        self.tell(call.to, Ok(Reply::Done));
        let Some(who) = &call.who else { return };
        let whole = raises.iter().find_map(|raise| Some((raise.room.clone(), raise.upto?, raise.apart.clone())));
        for raise in raises {
            if mark == Mark::Read {
                self.lately.note(&who.id, &raise, now);
            }
            let Raise { room, upto, messages, .. } = raise;
            let whole_room = up_to_now && upto.is_some();
            // A read mark that stands there already, or beyond, is no news; that it was asked for may be to some wires.
            // (Who had none yet and reads only what was said before they came stays below the place where they began.)
            let rises = |upto: &Offset| from.as_ref().is_some_and(|(after, _)| upto > after || messages.is_empty());
            let upto = upto.filter(|upto| mark == Mark::Delivered || rises(upto));
            let kind = SignalKind::Marked { mark, messages, whole_room, upto };
            self.signal(&room, who, kind, call.to.connection(), now);
        }
        if let (Some((room, upto, mut named)), Some((after, apart))) = (whole, from) {
            named.extend(apart);
            named.sort_unstable();
            let (who, connection) = (who.clone(), call.to.connection());
            self.look_reached(Stretch { who, connection, room, mark, after, upto, stands: upto, apart: named });
        }
    }
}
