//! What the client asks for, one after the other (facts 4). The contract's first question is who asks; then whether the
//! event has the right shape; then what it means.

use std::sync::Arc;

use domain::Text;
use domain::command::{Command, Start};
use domain::event::SignalKind;
use domain::id::UserId;
use domain::identity::Credential;
use domain::limits::SESSION_ROOMS_MAX;
use domain::model::{Person, RoomKey};
use domain::rules::name;
use domain::watermark::Mark;

use super::super::heard::{Heard, Reading, Sending, Shown, Wrong};
use super::super::rest::PAGE_DEFAULT;
use super::{
    Ack, Claim, Doing, MANNERS, Out, Proving, Request, Room, Step, Talk, acknowledge, emit, error, not_done, wire,
    words,
};

impl Talk {
    /// Looks at what was heard, as far as it needn't wait.
    pub(super) fn go_on(&mut self, out: &mut Out<'_>) {
        while let Some((heard, ack)) = self.held.pop_front() {
            if self.waits(&heard) {
                return self.held.push_front((heard, ack));
            }
            self.held_bytes -= heard.bytes();
            self.act(heard, ack, out);
        }
        // An idle client keeps no buffer here.
        self.held = std::collections::VecDeque::new();
    }

    /// Clients speak without waiting: `authenticate`, at once `join_room`, at once `send_message` to it (facts 10).
    fn waits(&self, heard: &Heard) -> bool {
        let (mut entering, mut leaving) = (false, false);
        for doing in self.calls.open() {
            match doing {
                Doing::Keep(Some(_)) | Doing::Enter(..) => entering = true,
                Doing::Leave(..) => leaving = true,
                Doing::Keep(None)
                | Doing::Return(_)
                | Doing::Send(_)
                | Doing::Mark(_)
                | Doing::Delete(_)
                | Doing::Writers(_) => {}
            }
        }
        let behind_rooms = match heard {
            // Rooms are entered together.
            Heard::Join(_) => leaving,
            Heard::Authenticate(_)
            | Heard::Leave(_)
            | Heard::Send(_)
            | Heard::Typing(_)
            | Heard::Read(_)
            | Heard::Delete(_)
            | Heard::Writers(_) => leaving || entering,
        };
        self.proving.is_some() || behind_rooms
    }

    fn act(&mut self, heard: Heard, ack: Option<Ack>, out: &mut Out<'_>) {
        let who = match (heard, &self.who) {
            (Heard::Authenticate(Ok(shown)), _) => return self.prove(shown, out),
            (Heard::Authenticate(Err(_)), _) => return error(out, words::INVALID),
            (heard, None) => return stranger(&heard, ack, out),
            (heard, Some(who)) => (heard, who.clone()),
        };
        match who {
            (Heard::Join(room), who) => match room {
                Ok(given) => self.join(given, &who.id, out),
                Err(_) => error(out, words::INVALID),
            },
            (Heard::Leave(room), who) => match room {
                Ok(given) => self.leave(given, &who.id, out),
                Err(_) => error(out, words::INVALID),
            },
            (Heard::Send(sending), who) => match sending {
                Ok(sending) => self.send(sending, ack, &who, out),
                Err(Wrong::Shape) => error(out, words::INVALID),
                Err(Wrong::Value(why)) => not_done(out, ack, why, words::NOT_SENT),
            },
            (Heard::Typing(given), who) => {
                let room = name::resolve(&given, &who.id).ok().filter(|room| self.is_in(room));
                if let Some(room) = room {
                    out.step(Step::Hint(room, SignalKind::Typing { started: true, extra: None }));
                }
            }
            (Heard::Read(reading), who) => match reading {
                Ok(reading) => self.read(reading, &who.id, out),
                Err(Wrong::Shape) => error(out, words::INVALID),
                Err(Wrong::Value(_)) => error(out, words::NOT_MARKED),
            },
            (Heard::Delete(message), _) => match message {
                Ok(message) => {
                    self.calls.call(
                        Doing::Delete(ack),
                        Request::Do(Command::Delete { message, moderates: false }),
                        out.steps,
                    );
                }
                Err(Wrong::Shape) => error(out, words::INVALID),
                Err(Wrong::Value(why)) => not_done(out, ack, why, why),
            },
            (Heard::Writers(given), who) => self.ask_writers(&given, ack, &who.id, out),
            // Said above.
            (Heard::Authenticate(_), _) => {}
        }
    }

    fn prove(&mut self, shown: Shown, out: &mut Out<'_>) {
        let Shown { id, token, name } = shown;
        let claimed = id.as_ref().map(|id| Credential::Claimed(id.text()));
        let shown = token.map(Credential::Bearer);
        let credential = if self.unproved { claimed.or(shown) } else { shown.or(claimed) };
        // Reading makes sure that there is one of the two.
        let Some(credential) = credential else { return error(out, words::INVALID) };
        self.proving = Some(Proving::Event);
        out.step(Step::Identify(Claim { credential, id, name }));
    }

    fn join(&mut self, given: Text, me: &UserId, out: &mut Out<'_>) {
        let Ok(key) = name::resolve(&given, me) else { return error(out, words::NOT_JOINED) };
        let full = self.rooms.len() >= SESSION_ROOMS_MAX;
        let named = (*key.shown() != *given).then(|| given.clone());
        let inside = match self.find(&key) {
            Some(known) => {
                known.entering += 1;
                // Whoever is in is told of the room by the name they came in by.
                if !known.inside {
                    known.named = named;
                }
                known.inside
            }
            None if full => return error(out, words::NOT_JOINED),
            None => {
                self.rooms.push(Room { key: key.clone(), named, inside: false, entering: 1 });
                false
            }
        };
        if inside { self.enter(key, given, out) } else { self.keep(Some((key, given)), out) }
    }

    pub(super) fn enter(&mut self, room: RoomKey, given: Text, out: &mut Out<'_>) {
        let command = Command::Enter { room: room.clone(), from: Start::Page(PAGE_DEFAULT), manners: MANNERS };
        self.calls.call(Doing::Enter(room, given), Request::Do(command), out.steps);
    }

    fn leave(&mut self, given: Text, me: &UserId, out: &mut Out<'_>) {
        let Ok(room) = name::resolve(&given, me) else { return error(out, words::NOT_LEFT) };
        let command = Command::Leave { room: room.clone(), manners: MANNERS };
        self.calls.call(Doing::Leave(room, given), Request::Do(command), out.steps);
    }

    fn send(&mut self, sending: Sending, ack: Option<Ack>, who: &Arc<Person>, out: &mut Out<'_>) {
        match sending.by(&who.id) {
            Ok((room, draft)) => {
                let command = Command::Send { room, draft, manners: MANNERS };
                self.calls.call(Doing::Send(ack), Request::Do(command), out.steps);
            }
            Err(refusal) => not_done(out, ack, words::text(&refusal), words::NOT_SENT),
        }
    }

    fn read(&mut self, reading: Reading, me: &UserId, out: &mut Out<'_>) {
        let Reading { messages, room } = reading;
        let room = match room.map(|given| name::resolve(&given, me)).transpose() {
            Ok(room) => room,
            Err(_) => return error(out, words::NOT_MARKED),
        };
        let command = Command::Mark { mark: Mark::Read, messages: messages.clone(), room, upto: None };
        self.calls.call(Doing::Mark(messages), Request::Do(command), out.steps);
    }

    /// Who writes in a room is for those who are in it; of any other room nothing is known (invariant 11).
    fn ask_writers(&mut self, given: &str, ack: Option<Ack>, me: &UserId, out: &mut Out<'_>) {
        let Some(ack) = ack else { return };
        match name::resolve(given, me).ok().filter(|room| self.is_in(room)) {
            Some(room) => {
                let number = self.calls.number(Doing::Writers(ack));
                out.step(Step::Writers(number, room));
            }
            None => acknowledge(out, ack, &wire::Writers { success: true, typing_users: Vec::new() }),
        }
    }

    /// Out of a room by somebody else's doing, or by leaving it for good on the last of the user's connections.
    pub(super) fn put_out_of(&mut self, room: &RoomKey, out: &mut Out<'_>) {
        let Some(known) = self.find(room) else { return };
        known.inside = false;
        let shown = known.named.clone().unwrap_or_else(|| known.key.shown());
        let entering = known.entering > 0;
        let leaving = self.calls.open().any(|doing| matches!(doing, Doing::Leave(left, _) if left == room));
        if leaving || entering {
            return; // Its outcome says what there is to say.
        }
        self.rooms.retain(|known| known.key != *room);
        emit(out, "room_left", &wire::RoomLeft { room_id: &shown, success: true });
        self.keep(None, out);
    }
}

/// Asked by nobody yet.
fn stranger(heard: &Heard, ack: Option<Ack>, out: &mut Out<'_>) {
    match heard {
        Heard::Join(_) | Heard::Leave(_) | Heard::Send(_) => error(out, words::NOT_AUTHENTICATED),
        Heard::Read(_) | Heard::Delete(_) => error(out, words::INVALID),
        Heard::Writers(_) => {
            if let Some(ack) = ack {
                let error = words::NOT_AUTHENTICATED;
                acknowledge(out, ack, &wire::NotDone { success: false, error });
            }
        }
        Heard::Typing(_) | Heard::Authenticate(_) => {}
    }
}
