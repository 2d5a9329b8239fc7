//! The `rooms` dialect: one socket per room, `GET /ws/rooms/{room_id}?token=`, and REST beside it.
//!
//! What it promises a client is in `PROTOCOL.md`. Here are its paths and what listeners are told; the conversation of
//! one connection is in [`session`], REST in [`rest`], the words for refusals in [`words`], the frames in [`wire`].

mod rest;
mod session;
#[cfg(test)]
mod tests;
mod wire;
mod words;

use domain::command::{Manners, Pace};
use domain::event::{Event, News, Signal, SignalKind, What};
use domain::id::{Cursor, Door, MessageId, Millis, Seq};
use domain::identity::{Credential, Denied};
use domain::model::{MessageKind, Person};

use crate::format::{Shown, Time};
use crate::{Answer, Ask, Audience, Dialect, Opening, Said, Session, Steps, Way, Whose, door, json, turned_away};

/// What this contract says of rooms and pace.
const MANNERS: Manners =
    Manners { makes_rooms: true, joins_private: false, joins: false, members_only: false, pace: Pace::Strict };

/// The path of the sockets; REST never begins like it.
const SOCKET: &str = "/ws/rooms/{room_id}";
const SOCKETS: &str = "/ws/";

/// The dialect.
pub(crate) struct Rooms {
    /// What is said here is kept in the log. Else it is relayed to whoever is there through this door (RULES 23).
    pub(crate) keeps: bool,
}

impl Dialect for Rooms {
    fn name(&self) -> &'static str {
        "rooms"
    }

    fn door(&self) -> Door {
        door::ROOMS
    }

    fn doors(&self) -> Vec<Way> {
        std::iter::once(Way::Socket(SOCKET.into())).chain(rest::doors(self.keeps).into_iter().map(Way::Rest)).collect()
    }

    fn who(&self, ask: &Ask) -> Option<Credential> {
        // The contract's sockets know `?token=` only; headers are taken behind it, so that a user key opens one too.
        let token = if on_socket(ask) { ask.parameter("token").filter(|token| !token.is_empty()) } else { None };
        let bearer = || ask.bearer().map(|token| Credential::Bearer(token.into()));
        let key = || ask.header("x-api-key").filter(|key| !key.is_empty()).map(|key| Credential::Key(key.into()));
        token.map(|token| Credential::Bearer(token.into())).or_else(bearer).or_else(key)
    }

    fn denied(&self, ask: &Ask, why: Denied) -> Answer {
        if on_socket(ask) { words::denied_socket(why) } else { words::denied_rest(ask, why) }
    }

    fn open(&self, ask: &Ask, opening: &Opening, _now: Millis, steps: &mut Steps) -> Box<dyn Session> {
        match &opening.who {
            Some(who) => session::open(ask, who, self.keeps, steps),
            None => turned_away(self.denied(ask, Denied::Missing), steps),
        }
    }

    fn tell(&self, news: &News, to: Audience<'_>, said: &mut Said) {
        match news {
            News::Event(event) => tell_event(event, to, said),
            News::Signal(signal) => tell_signal(signal, to, said),
        }
    }
}

fn on_socket(ask: &Ask) -> bool {
    ask.path.starts_with(SOCKETS)
}

fn tell_event(event: &Event, to: Audience<'_>, said: &mut Said) {
    let message = match &event.what {
        What::Sent(message) => message,
        // The contract has no word for these, and its history shows the final state (RULES 17).
        What::RoomMade { .. }
        | What::MemberSet { .. }
        | What::MemberRemoved { .. }
        | What::Edited { .. }
        | What::Deleted { .. }
        | What::Retitled { .. }
        | What::Notice { .. }
        | What::Reacted { .. } => return,
    };
    let told = Told { id: message.id, by: &event.by, at: event.at, seq: event.seq, cursor: Some(event.cursor()) };
    tell_message(message.kind, &message.content, &told, to, said);
}

/// What stands beside a message's text, whether it is kept or relayed.
struct Told<'a> {
    id: MessageId,
    by: &'a Person,
    at: Millis,
    seq: Seq,
    /// None when it is kept elsewhere: there is nothing here to resume from.
    cursor: Option<Cursor>,
}

fn tell_message(kind: MessageKind, text: &str, told: &Told<'_>, to: Audience<'_>, said: &mut Said) {
    // The sending connection gets no echo; a broadcast is for everybody, its sender included.
    if to.whose == Whose::Origin && kind != MessageKind::Broadcast {
        return;
    }
    let kind = match kind {
        MessageKind::Broadcast => "broadcast",
        MessageKind::Text | MessageKind::System => "message",
    };
    let sender = told.by.id.as_str();
    said.message(|buffer| {
        json::write(
            buffer,
            &wire::Message {
                id: Shown(told.id),
                room_id: to.room,
                room_id_too: to.room,
                sender_id: sender,
                sender_id_too: sender,
                text,
                timestamp: Time(told.at),
                kind,
                seq: told.seq.0,
                cursor: told.cursor.map(Shown),
            },
        );
    });
}

fn tell_signal(signal: &Signal, to: Audience<'_>, said: &mut Said) {
    let (started, extra) = match &signal.kind {
        SignalKind::Typing { started, extra } => (*started, extra),
        SignalKind::Said { kind, content, seq } => {
            let told = Told { id: signal.id, by: &signal.who, at: signal.at, seq: *seq, cursor: None };
            return tell_message(*kind, content, &told, to, said);
        }
        // Coming and going has no frame here.
        SignalKind::Came { .. }
        | SignalKind::Again
        | SignalKind::Went { .. }
        | SignalKind::Marked { .. }
        | SignalKind::Reached { .. } => return,
    };
    if to.whose == Whose::Origin {
        return;
    }
    said.message(|buffer| match extra {
        Some((door::ROOMS, frame)) => buffer.extend_from_slice(frame.as_bytes()),
        // Said through another door: in the shape that this wire's clients use among themselves.
        Some(_) | None => json::write(
            buffer,
            &wire::Typing {
                kind: if started { "typing_started" } else { "typing_stopped" },
                data: wire::Writer { user_id: signal.who.id.as_str(), timestamp: started.then_some(Time(signal.at)) },
            },
        ),
    });
}
