//! Rooms as wires name them, and what is found in them: conversations, messages by the ids that clients know.

use std::sync::Arc;

use adapters::port::{Found, Read};
use domain::Text;
use domain::command::Reply;
use domain::id::{Millis, Offset, UserId};
use domain::identity::{Actor, Standing};
use domain::limits;
use domain::model::RoomKey;
use domain::query::Place;
use domain::refusal::Refusal;

use super::Node;
use super::decide::{Next, reply};
use super::desk::Pending;

impl Node {
    /// The room that is meant; else what has to be asked first. A number or an alias finds the asker's own direct rooms only.
    pub(super) fn placed(
        &self,
        pending: &Pending,
        actor: &Actor,
        place: &Place,
    ) -> Result<Result<RoomKey, Next>, Refusal> {
        let ask = match place {
            Place::Room(room) => return Ok(Ok(room.clone())),
            Place::Born(offset) => Read::Born(*offset),
            Place::Alias(alias) => Read::Alias { user: actor.who.id.clone(), alias: alias.clone() },
        };
        match &pending.place {
            None => Ok(Err(Next::Read(ask))),
            Some(Some(room)) if room.other(&actor.who.id).is_some() => Ok(Ok(room.clone())),
            Some(_) => Err(Refusal::Forbidden),
        }
    }

    pub(super) fn conversations(
        &mut self,
        pending: &mut Pending,
        actor: &Actor,
        (before, most): (Option<Offset>, u32),
    ) -> Result<Next, Refusal> {
        if actor.standing != Standing::User {
            return Err(Refusal::Forbidden);
        }
        match pending.found.take().map(|found| *found) {
            Some(Found::Conversations(list)) => Ok(reply(pending, Ok(Reply::Conversations(list)))),
            _ => {
                let (user, most) = (actor.who.id.clone(), most.min(limits::CONVERSATIONS_LISTED_MAX));
                Ok(Next::Read(Read::Conversations { user, before, most }))
            }
        }
    }

    /// Messages by the ids that wires know them by. Who may not read the room finds none, as if it were missing.
    pub(super) fn find(
        &mut self,
        pending: &mut Pending,
        actor: &Actor,
        (place, by, ids): (&Place, Option<&UserId>, &Arc<[Text]>),
        now: Millis,
    ) -> Result<Next, Refusal> {
        if ids.len() > limits::MARKED_MAX {
            return Err(Refusal::Invalid);
        }
        let room = match self.placed(pending, actor, place)? {
            Ok(room) => room,
            Err(next) => return Ok(next),
        };
        if let Some(next) = self.readable(&room, actor, now)? {
            return Ok(next);
        }
        match pending.found.take().map(|found| *found) {
            Some(Found::Entries(entries)) => Ok(reply(pending, Ok(Reply::Found(entries)))),
            _ => {
                let senders = match by {
                    Some(by) => vec![by.clone()],
                    None => self.senders(&room, actor),
                };
                Ok(Next::Read(Read::Find { room, senders, ids: ids.clone() }))
            }
        }
    }

    /// Who may have sent something in a room: the asker last, for it is others' messages that are looked for.
    fn senders(&self, room: &RoomKey, actor: &Actor) -> Vec<UserId> {
        let me = &actor.who.id;
        let mut senders = match (room.other(me), self.rooms.peek(room)) {
            (Some(other), _) => vec![other.clone()],
            (None, Some(facts)) => facts.members.keys().take(limits::GROUP_MEMBERS_MAX).cloned().collect(),
            (None, None) => Vec::new(),
        };
        senders.retain(|sender| sender != me);
        senders.push(me.clone());
        senders
    }
}
