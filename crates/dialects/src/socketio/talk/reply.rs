//! What became of it: outcomes, in the order of effects of facts 4.

use std::sync::Arc;

use domain::Text;
use domain::command::Reply;
use domain::id::{MessageId, Millis, SessionKey};
use domain::identity::Denied;
use domain::model::{Person, RoomKey, SessionRoom};
use domain::refusal::Refusal;

use super::super::wire::View;
use super::{
    Ack, CallId, Doing, MAIN, Out, Proving, Room, Step, Talk, acknowledge, emit, error, not_done, put_out, wire, words,
};
use crate::format::Shown;

impl Talk {
    pub(super) fn replied(&mut self, call: CallId, reply: Result<&Reply, &Refusal>, out: &mut Out<'_>) {
        match self.calls.close(call) {
            Some(Doing::Return(session)) => self.returned(session, reply, out),
            Some(Doing::Keep(Some((room, given)))) => match reply {
                Ok(_) => self.enter(room, given, out),
                // A session that would come back without the room isn't told that it is in.
                Err(_) => self.not_entered(&room, out),
            },
            Some(Doing::Enter(room, given)) => self.entered(&room, &given, reply, out),
            Some(Doing::Leave(room, given)) => self.left_room(&room, &given, reply, out),
            Some(Doing::Send(ack)) => sent(ack, reply, out),
            Some(Doing::Mark(messages)) => marked(&messages, reply, out),
            Some(Doing::Delete(ack)) => deleted(ack, reply, out),
            Some(Doing::Keep(None) | Doing::Writers(_)) | None => {}
        }
    }

    /// It is known who the client is, or that it isn't who it says.
    pub(super) fn proved(&mut self, who: Result<&Arc<Person>, Denied>, now: Millis, out: &mut Out<'_>) {
        match (self.proving.take(), who) {
            (Some(Proving::Connect(back)), Ok(who)) => {
                self.who = Some(who.clone());
                self.granted(back, out);
            }
            (Some(Proving::Connect(_)), Err(_)) => out.refused(MAIN, words::AUTHENTICATION_FAILED),
            (Some(Proving::Event), Ok(who)) => {
                let first = self.who.replace(who.clone()).is_none();
                let user_id = Some(who.id.as_str());
                emit(out, "authenticated", &wire::Authenticated { success: true, user_id, error: None });
                // Renewed, the credential ends later, and so does the session.
                if first { self.begin(out) } else { self.keep(None, out) }
            }
            (Some(Proving::Event), Err(_)) => {
                let error = Some(words::AUTHENTICATION_FAILED);
                emit(out, "authenticated", &wire::Authenticated { success: false, user_id: None, error });
                self.forget(now, out);
                put_out(out);
            }
            (None, _) => {}
        }
    }

    fn returned(&mut self, session: SessionKey, reply: Result<&Reply, &Refusal>, out: &mut Out<'_>) {
        // Any refusal is a fresh connection, never an error: the client finds its `pid` changed, and starts anew.
        let Ok(Reply::Returned { who, rooms, .. }) = reply else { return self.connected(out) };
        let renewed = self.who.replace(who.clone()).is_some();
        self.key = Some(session);
        let inside = |room: SessionRoom| Room { key: room.key, named: room.named, inside: true, entering: 0 };
        self.rooms = rooms.iter().cloned().map(inside).collect();
        // What was missed comes by itself behind the answer, direct messages with it.
        out.connected(MAIN, Some(&session.to_string()));
        out.step(Step::Follow);
        if renewed {
            // It came with a new credential, and lasts as long as that.
            self.keep(None, out);
        }
    }

    fn entered(&mut self, room: &RoomKey, given: &Text, reply: Result<&Reply, &Refusal>, out: &mut Out<'_>) {
        let Ok(Reply::Entered { page, .. }) = reply else { return self.not_entered(room, out) };
        if let Some(known) = self.find(room) {
            known.inside = true;
            known.entering = known.entering.saturating_sub(1);
        }
        let view = View::Inside(given);
        let messages = page.iter().filter_map(|entry| wire::Message::now(entry, view));
        let messages = messages.map(wire::Message::in_history).collect();
        emit(out, "room_joined", &wire::RoomJoined { room_id: given, messages, success: true });
    }

    fn not_entered(&mut self, room: &RoomKey, out: &mut Out<'_>) {
        if self.gave_up(room) {
            self.keep(None, out);
        }
        error(out, words::NOT_JOINED);
    }

    fn left_room(&mut self, room: &RoomKey, given: &str, reply: Result<&Reply, &Refusal>, out: &mut Out<'_>) {
        match reply {
            // Who is out already gets what was asked for.
            Ok(_) | Err(Refusal::NotPresent) => {
                let known = self.rooms.len();
                self.rooms.retain(|known| known.key != *room);
                emit(out, "room_left", &wire::RoomLeft { room_id: given, success: true });
                if self.rooms.len() < known {
                    self.keep(None, out);
                }
            }
            Err(_) => {
                error(out, words::NOT_LEFT);
                if !self.is_in(room) {
                    self.put_out_of(room, out);
                }
            }
        }
    }
}

fn sent(ack: Option<Ack>, reply: Result<&Reply, &Refusal>, out: &mut Out<'_>) {
    match (reply, ack) {
        (Ok(Reply::Sent { event, .. }), Some(ack)) => {
            if let Some(message) = wire::Message::sent(event, View::Author) {
                acknowledge(out, ack, &wire::Sent { success: true, message });
            }
        }
        (Ok(_), _) => {}
        (Err(refusal), ack) => not_done(out, ack, words::text(refusal), words::NOT_SENT),
    }
}

fn marked(messages: &[MessageId], reply: Result<&Reply, &Refusal>, out: &mut Out<'_>) {
    match reply {
        Ok(_) => {
            let message_ids = messages.iter().copied().map(Shown).collect();
            emit(out, "marked_read", &wire::MarkedRead { success: true, message_ids });
        }
        Err(_) => error(out, words::NOT_MARKED),
    }
}

fn deleted(ack: Option<Ack>, reply: Result<&Reply, &Refusal>, out: &mut Out<'_>) {
    match (reply, ack) {
        (Ok(_), Some(ack)) => acknowledge(out, ack, &wire::Done { success: true }),
        (Ok(_), None) => {}
        (Err(refusal), ack) => {
            let text = words::text(refusal);
            not_done(out, ack, text, text);
        }
    }
}
