//! Floor 1: one folder per wire. A dialect translates between its wire and the domain, in both directions, and does
//! nothing else: bytes in, [`Step`]s out; [`News`] in, frames out.
//!
//! This crate never awaits, opens a socket or calls a store, and no dialect imports a sister. What all of them share is
//! here and in [`ask`], [`step`], [`polling`], [`calls`], [`connections`], [`integration`], [`feed`], [`json`], [`names`],
//! [`format`] and [`unprocessable`]. A new dialect is a folder and a line in [`registry`].

pub mod ask;
pub mod calls;
pub mod conformance;
pub mod connections;
pub mod feed;
pub mod format;
pub mod integration;
pub mod json;
pub mod names;
pub mod polling;
pub mod step;

#[cfg(test)]
mod cases;
mod chat;
mod direct;
mod gateway;
mod rooms;
mod socketio;
mod unprocessable;

use std::sync::Arc;

use domain::command::Reply;
use domain::event::{News, Status};
use domain::id::{Cursor, Millis, SessionKey, UserId};
use domain::identity::{Credential, Denied};
use domain::model::{Person, RoomKey};
use domain::refusal::Refusal;

pub use crate::ask::{Answer, Ask};
pub use crate::names::ConnectionNames;
pub use crate::polling::{Poll, Polling, Posted, Sid};
pub use crate::step::{CallId, Claim, Close, Frame, Request, Said, Step, Steps};

/// The doors' numbers in rows of the log. They never change, and none is ever used again.
pub mod door {
    use domain::id::Door;

    /// The server itself: what nobody asked for.
    pub const SERVER: Door = Door(0);
    /// `rooms`.
    pub const ROOMS: Door = Door(1);
    /// `chat`, and our native tongue.
    pub const CHAT: Door = Door(2);
    /// `direct`.
    pub const DIRECT: Door = Door(3);
    /// `socketio`.
    pub const SOCKETIO: Door = Door(4);
    /// `gateway`.
    pub const GATEWAY: Door = Door(5);
}

/// What an operator may choose about the doors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the `chat` socket is (`CHAT_WEBSOCKET_PATH`).
    pub chat_path: String,
    /// Development mode: its doors may be opened by a bare name.
    pub development: bool,
    /// Development mode without a key: what a client shows is read, not checked (RULES 6).
    pub unproved: bool,
    /// Before everything of the `direct` door (`API_PREFIX`); empty for none.
    pub api_prefix: String,
    /// Where the `gateway` socket is, a slash and `GATEWAY_STAGE`.
    pub gateway_path: String,
    /// How long a connection of the `gateway` door lives, in milliseconds (`GATEWAY_CONNECTION_TTL`).
    pub gateway_ttl_ms: u64,
    /// The doors that take a bare claim of who somebody is: all of them in development mode, else those of `TRUST_USER_ID`.
    pub trusted: Vec<String>,
    /// Which doors are open, by dialect name (`DIALECTS`); all when empty.
    pub dialects: Vec<String>,
    /// Whether what is said through `rooms` is kept (`ROOMS_PERSIST`); else it is relayed (RULES 23).
    pub rooms_persist: bool,
    /// What connections are called outside.
    pub connection_names: ConnectionNames,
    /// What is carried out at the operator's URL instead of here.
    pub integration: integration::Routes,
    /// The version that health pages show.
    pub version: &'static str,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            chat_path: "/ws/chat".into(),
            development: false,
            unproved: false,
            api_prefix: "/api/messaging".into(),
            gateway_path: "/production".into(),
            gateway_ttl_ms: 24 * 60 * 60 * 1000,
            trusted: Vec::new(),
            dialects: Vec::new(),
            rooms_persist: true,
            connection_names: ConnectionNames::default(),
            integration: integration::Routes::default(),
            version: "0",
        }
    }
}

/// One wire.
pub trait Dialect: Send + Sync {
    /// Its name, as in `DIALECTS` and in metrics.
    fn name(&self) -> &'static str;

    /// Its number in rows of the log. Never changes, and is never used again.
    fn door(&self) -> domain::id::Door;

    /// Its paths. Reads like the API table.
    fn doors(&self) -> Vec<Way>;

    /// Whether a client of its sockets shows who it is when it connects. Else a session opens for nobody, and says
    /// [`Step::Identify`] when its client has said who it is.
    fn knows_at_once(&self) -> bool {
        true
    }

    /// Whether the shard keeps its sockets alive and closes the silent ones (the raw dialects' `CHAT_*` deadlines). Else
    /// the wire has heartbeats of its own, and its sessions keep time.
    fn is_raw(&self) -> bool {
        true
    }

    /// The longest message that its clients are told they may say, in bytes; else it is the operator's choice.
    fn message_bytes_max(&self) -> Option<usize> {
        None
    }

    /// How its sessions are polled, if they can be.
    fn polling(&self) -> Option<&dyn Polling> {
        None
    }

    /// What the client shows, on the socket and on REST alike; none when it shows nothing.
    fn who(&self, ask: &Ask) -> Option<Credential>;

    /// How a credential that was not taken is answered.
    fn denied(&self, ask: &Ask, why: Denied) -> Answer;

    /// An answer of one of its REST calls as it goes out: with what every such answer has on its wire beside its words.
    fn dressed(&self, _ask: &Ask, answer: Answer) -> Answer {
        answer
    }

    /// A session for a client that wants to upgrade, or to poll, and is who it says. Its first steps decide the upgrade:
    /// an `Accept`, an `Answer`, or a call whose answer will. What is polled is open from the start.
    fn open(&self, ask: &Ask, opening: &Opening, now: Millis, steps: &mut Steps) -> Box<dyn Session>;

    /// What a listener is told of this news: no frame, one, or several. Encoded once for all who listen alike.
    fn tell(&self, news: &News, to: Audience<'_>, said: &mut Said);

    /// Whether those of its sessions that attend the rooms that their users belong to ([`Command::Attend`](domain::command::Command))
    /// are asked at once whether they have heard what was said in a room with so many listeners here; else the pings that keep them
    /// alive are the question.
    fn asks_at_once(&self, _listeners: usize) -> bool {
        false
    }

    /// The name of the door that its clients come through, as in `DIALECTS` and `TOKEN_END`.
    fn door_name(&self) -> &'static str {
        self.name()
    }

    /// The longest frame that its clients may send, in bytes; else a frame is as long as a message may be.
    fn frame_bytes_max(&self) -> Option<usize> {
        None
    }

    /// Whether its listeners are told who comes online and goes.
    fn hears_statuses(&self) -> bool {
        false
    }

    /// What they are told of it.
    fn tell_status(&self, _status: &Status, _whose: Whose, _said: &mut Said) {}
}

/// Who opens a session, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Who the client is. A dialect that [knows at once](Dialect::knows_at_once) always gets somebody.
    pub who: Option<Arc<Person>>,
    /// The session's name, should it be polled.
    pub sid: Sid,
    /// By which its client may come back to it (`Command::Remember`). New random bits of its own: what stands in an
    /// address, as a session's name does, is in the logs of whatever lies between.
    pub key: SessionKey,
}

/// For whom a rendering of news is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audience<'a> {
    /// How the listener stands to who caused it.
    pub whose: Whose,
    /// The listener is in the room. Else it is told because the room is its user's and it follows those
    /// ([`Step::Follow`]).
    pub inside: bool,
    /// The room as the listener named it when entering (HAZARDS 9).
    pub room: &'a str,
}

/// How a listener stands to who caused the news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// The very connection that caused it.
    Origin,
    /// Another connection of the same user.
    Actor,
    /// Somebody else's.
    Other,
}

/// One connection's conversation: a pure machine, owned by its shard. It holds what its wire needs and nothing that the
/// shard or the node knows better.
pub trait Session: Send {
    /// A whole message from the client. Pings, pongs and closes are the shard's.
    fn hear(&mut self, frame: Frame<'_>, now: Millis, steps: &mut Steps);

    /// The outcome of a call. A reply to `Enter` arrives when the connection has just been attached: what is said here
    /// comes before anything of the room.
    fn answer(&mut self, call: CallId, reply: Result<&Reply, &Refusal>, now: Millis, steps: &mut Steps);

    /// The connection was detached from a room by an event (its user was removed).
    fn removed(&mut self, room: &RoomKey, steps: &mut Steps);

    /// The room as this client named it, when that is not how everybody is shown it.
    fn name_of(&self, _room: &RoomKey) -> Option<&str> {
        None
    }

    /// Whether a repeat's reply waits until the message itself has been told here, because on this wire the sender's copy
    /// is the acknowledgement and stands in the room's order (HAZARDS 8).
    fn acks_by_echo(&self) -> bool {
        false
    }

    /// What became of [`Step::Identify`]. Once it was taken the connection is this user's.
    fn identified(&mut self, _who: Result<&Arc<Person>, Denied>, _now: Millis, _steps: &mut Steps) {}

    /// Who is writing in a room, in answer to [`Step::Writers`].
    fn writers(&mut self, _call: CallId, _users: &[UserId], _steps: &mut Steps) {}

    /// The client has been told everything up to here, in answer to [`Step::Place`].
    fn placed(&mut self, _cursor: Cursor, _now: Millis, _steps: &mut Steps) {}

    /// What came of [`Step::Integrate`]. Before the upgrade it may decide it.
    fn integrated(&mut self, _call: CallId, _outcome: &integration::Outcome, _now: Millis, _steps: &mut Steps) {}

    /// The connection has gone, with this close code (1006: it broke off). Gives the event that the operator's URL is
    /// still to be told; nothing waits for its outcome.
    fn farewell(&mut self, _code: u16, _now: Millis) -> Option<Vec<u8>> {
        None
    }

    /// A socket has taken the place of the requests that this session was polled by.
    fn upgraded(&mut self) {}

    /// It has been told everything up to now, after it was behind: so many events were told to it meanwhile. Not called for
    /// those who never were.
    fn level(&mut self, _told: u64, _now: Millis, _steps: &mut Steps) {}

    /// Nothing was heard of the client because it took in too slowly what it was told: that it was silent says nothing,
    /// and its deadlines begin anew.
    fn rested(&mut self, _now: Millis) {}

    /// The credential has ended that the client was identified with (RULES 4).
    fn expired(&mut self, steps: &mut Steps) {
        steps.push(Step::Close(Close { code: 4401, reason: "token expired" }));
    }

    /// The server is about to stop.
    fn dismissed(&mut self, steps: &mut Steps) {
        steps.push(Step::Close(Close { code: 1012, reason: "service restart" }));
    }

    /// When to be woken, if at all.
    fn deadline(&self) -> Option<Millis> {
        None
    }

    /// The deadline has passed.
    fn wake(&mut self, _now: Millis, _steps: &mut Steps) {}
}

/// Answers instead of upgrading; the session that stands for it hears nothing more.
pub(crate) fn turned_away(answer: Answer, steps: &mut Steps) -> Box<dyn Session> {
    steps.push(Step::Answer(answer));
    Box::new(TurnedAway)
}

/// A connection that came to nothing.
struct TurnedAway;

impl Session for TurnedAway {
    fn hear(&mut self, _frame: Frame<'_>, _now: Millis, _steps: &mut Steps) {}
    fn answer(&mut self, _call: CallId, _reply: Result<&Reply, &Refusal>, _now: Millis, _steps: &mut Steps) {}
    fn removed(&mut self, _room: &RoomKey, _steps: &mut Steps) {}
}

/// A path of a dialect.
pub enum Way {
    /// A socket, by its path pattern: `/ws/rooms/{room_id}`. One segment each; a captured one is percent-decoded.
    Socket(String),
    /// A path on which sessions are polled, by requests of any method ([`Dialect::polling`]).
    Polled(String),
    /// Where a back end reaches this dialect's connections by their names ([`connections`]): a pattern that captures one
    /// name. The server judges who may.
    Connections(String),
    /// A REST call.
    Rest(Rest),
}

/// A REST call: a pure request → one command or query → response.
pub struct Rest {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// The path pattern.
    pub path: String,
    /// Answers without asking who it is. For health pages.
    pub anonymous: bool,
    /// The command or query that this request means, or the answer that it gets at once.
    pub ask: fn(&Ask, Option<&Arc<Person>>) -> Result<Request, Answer>,
    /// The response.
    pub answer: fn(&Ask, Result<&Reply, &Refusal>, Millis) -> Answer,
}

/// The doors that are open. One line per dialect.
#[must_use]
pub fn registry(settings: &Settings) -> Vec<Box<dyn Dialect>> {
    let all: Vec<Box<dyn Dialect>> = vec![
        Box::new(rooms::Rooms { keeps: settings.rooms_persist }),
        Box::new(chat::Chat::at(&settings.chat_path)),
        Box::new(chat::Native),
        Box::new(direct::Direct::new(&settings.api_prefix, settings.development, &settings.trusted)),
        Box::new(socketio::SocketIo { unproved: settings.unproved }),
        Box::new(gateway::Gateway::of(settings)),
    ];
    all.into_iter()
        .filter(|dialect| {
            settings.dialects.is_empty() || settings.dialects.iter().any(|name| name == dialect.door_name())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_doors_that_are_chosen_are_open_and_no_two_are_alike() {
        let names = |chosen: &[&str]| {
            let dialects = chosen.iter().map(|name| (*name).to_owned()).collect();
            let open = registry(&Settings { dialects, chat_path: "/talk".into(), ..Settings::default() });
            open.iter().map(|dialect| (dialect.name(), dialect.door(), dialect.doors().len())).collect::<Vec<_>>()
        };
        let (rooms, chat) = (("rooms", door::ROOMS, 8), ("chat", door::CHAT, 1));
        let (direct, gateway) = (("direct", door::DIRECT, 20), ("gateway", door::GATEWAY, 2));
        let native = ("native", door::CHAT, 0);
        assert_eq!(names(&[]), [rooms, chat, native, direct, ("socketio", door::SOCKETIO, 14), gateway]);
        assert_eq!(names(&["chat"]), [chat, native]);
        assert_eq!(names(&["none"]), []);
        let (chat_path, gateway_path) = ("/talk".into(), "/stage".into());
        let all = registry(&Settings { chat_path, gateway_path, ..Settings::default() });
        let mut paths: Vec<String> = all
            .iter()
            .flat_map(|dialect| dialect.doors())
            .map(|way| match way {
                Way::Socket(path) => format!("GET {path}"),
                Way::Polled(path) => format!("polled {path}"),
                Way::Connections(path) => format!("POST {path}"),
                Way::Rest(rest) => format!("{} {}", rest.method, rest.path),
            })
            .collect();
        for path in ["GET /talk", "GET /stage"] {
            assert!(paths.contains(&path.to_owned()), "the operator chooses {path}");
        }
        paths.sort();
        paths.windows(2).for_each(|pair| assert_ne!(pair[0], pair[1]));
    }
}
