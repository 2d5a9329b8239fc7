//! The `chat` dialect: rooms over one WebSocket, `{type,data}` envelopes, `GET /ws/chat`.
//!
//! What it promises a client is in `PROTOCOL.md`. Here are its path, its credentials and what listeners are told; the
//! conversation of one connection is in [`session`] (`native` is what follows a `hello`), the words for refusals in [`words`], the frames in [`wire`].

mod native;
mod session;
#[cfg(test)]
mod tests;
mod wire;
mod words;

pub(crate) use self::native::Native;

use domain::command::{Manners, Pace};
use domain::event::{Event, News, Signal, SignalKind, What};
use domain::id::{Door, Millis};
use domain::identity::{Credential, Denied};
use domain::model::{Message, MessageKind};

use crate::format::{Shown, Time};
use crate::{Answer, Ask, Audience, Dialect, Opening, Said, Session, Steps, Way, Whose, door, json, turned_away};

/// What this contract says of rooms and pace.
const MANNERS: Manners =
    Manners { makes_rooms: false, joins_private: true, joins: false, members_only: false, pace: Pace::Strict };

/// The subprotocol under which a browser hands over its token.
const BEARER: &str = "bearer";

/// The dialect, at its path.
pub(crate) struct Chat {
    path: String,
}

impl Chat {
    /// The dialect at this path.
    pub(crate) fn at(path: &str) -> Self {
        Self { path: path.into() }
    }
}

impl Dialect for Chat {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn door(&self) -> Door {
        door::CHAT
    }

    fn doors(&self) -> Vec<Way> {
        vec![Way::Socket(self.path.clone())]
    }

    fn who(&self, ask: &Ask) -> Option<Credential> {
        // A header that is there decides, good or bad: the next place is not looked at.
        if ask.header("authorization").is_some() {
            return ask.bearer().map(|token| Credential::Bearer(token.into()));
        }
        if let Some(key) = ask.header("x-api-key") {
            return (!key.is_empty()).then(|| Credential::Key(key.into()));
        }
        let parameter = ask.parameter("token").filter(|token| !token.is_empty());
        let token = parameter.as_deref().or_else(|| ask.protocol_bearer());
        token.map(|token| Credential::Bearer(token.into()))
    }

    fn denied(&self, ask: &Ask, why: Denied) -> Answer {
        match why {
            // Which of these it was stands in no answer.
            Denied::Missing | Denied::Expired | Denied::Invalid => words::problem(ask, 401, "Unauthorized"),
            Denied::Unavailable => words::problem(ask, 503, "Service Unavailable").with("Retry-After", "1"),
        }
    }

    fn open(&self, ask: &Ask, opening: &Opening, _now: Millis, steps: &mut Steps) -> Box<dyn Session> {
        // A browser that offered a subprotocol gives up when none is chosen.
        match &opening.who {
            Some(who) => session::open(who, ask.protocol_bearer().map(|_| BEARER.into()), steps),
            None => turned_away(self.denied(ask, Denied::Missing), steps),
        }
    }

    fn tell(&self, news: &News, to: Audience<'_>, said: &mut Said) {
        match news {
            News::Event(event) => match &event.what {
                What::Sent(message) => said.message(|buffer| write_message(buffer, event, message, to)),
                // The contract has no word for these, and its history shows the final state (RULES 17).
                What::RoomMade { .. }
                | What::MemberSet { .. }
                | What::MemberRemoved { .. }
                | What::Edited { .. }
                | What::Deleted { .. }
                | What::Retitled { .. }
                | What::Notice { .. }
                | What::Reacted { .. } => {}
            },
            News::Signal(signal) => match signal.kind {
                SignalKind::Came { .. } => said.message(|buffer| write_notice(buffer, signal, Notice::Join, to)),
                SignalKind::Went { .. } => said.message(|buffer| write_notice(buffer, signal, Notice::Leave, to)),
                // Typing has no word in the contract, and what is relayed is for another door (RULES 23).
                // Another connection of someone who is there is no news (RULES 20), receipts are silent (RULES 17).
                SignalKind::Typing { .. }
                | SignalKind::Said { .. }
                | SignalKind::Again
                | SignalKind::Marked { .. }
                | SignalKind::Reached { .. } => {}
            },
        }
    }
}

/// A message as everybody in the room gets it; the sender's own copy carries its client id, and is its acknowledgement.
fn write_message(buffer: &mut Vec<u8>, event: &Event, message: &Message, to: Audience<'_>) {
    let by = &event.by;
    let notification = wire::Notification {
        id: Shown(message.id),
        kind: match message.kind {
            MessageKind::System => "system",
            MessageKind::Text | MessageKind::Broadcast => "text",
        },
        content: &*message.content,
        user_id: by.number.0,
        user_uuid: by.id.as_str(),
        user_email: wire::address(by),
        room_id: to.room,
        timestamp: Time(event.at),
        user: wire::User::of(by, None),
        seq: Some(event.seq.0),
        cursor: Some(Shown(event.cursor())),
        client_id: match to.whose {
            Whose::Origin => message.client_id.as_ref().map(domain::id::ClientId::as_str),
            Whose::Actor | Whose::Other => None,
        },
    };
    json::write(buffer, &notification);
}

#[derive(Clone, Copy)]
enum Notice {
    Join,
    Leave,
}

/// Notices are signals: they have an id, and no place in the log (RULES 20).
fn write_notice(buffer: &mut Vec<u8>, signal: &Signal, notice: Notice, to: Audience<'_>) {
    let (who, address) = (&signal.who, wire::address(&signal.who));
    let (kind, verb, joined_at) = match notice {
        Notice::Join => ("join", "joined", Some(signal.at)),
        Notice::Leave => ("leave", "left", None),
    };
    let notification = wire::Notification {
        id: Shown(signal.id),
        kind,
        content: Shown(format_args!("{address} {verb} the room")),
        user_id: who.number.0,
        user_uuid: who.id.as_str(),
        user_email: address,
        room_id: to.room,
        timestamp: Time(signal.at),
        user: wire::User::of(who, joined_at),
        seq: None,
        cursor: None,
        client_id: None,
    };
    json::write(buffer, &notification);
}
