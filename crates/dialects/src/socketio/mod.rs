//! The `socketio` dialect: Socket.IO events on `/socket.io/`, polled and on sockets, and REST beside them.
//!
//! What it promises a client is in `PROTOCOL.md`. Three layers, each knowing only the one below:
//!
//! - The codecs are pure functions between bytes and packets: [`engine`] has single Engine.IO packets, [`payload`] many
//!   of them in one HTTP body, [`packet`] the Socket.IO packets inside, [`binary`] their attachments, [`telling`] what
//!   the server says. One sense of a message runs through all of them: the [`crate::Frame`] that a client of
//!   Engine.IO 4 has on a WebSocket.
//! - The connection: [`open`] is where clients come in, [`line`] has heartbeats, [`link`] makes packets of messages,
//!   [`poll`] (with [`jsonp`] for scripts) and [`probe`] are the other transport and the way from it, [`app`] says what
//!   runs on it all, [`out`] is how that speaks. [`echo`] is what the public suites talk to.
//! - The application: [`heard`] reads events, [`talk`] is one client's conversation, [`tell`] what listeners are told,
//!   [`rest`] the calls, [`headers`] what their answers wear, [`words`] the texts, [`wire`] the shapes, [`publish`] what
//!   other systems are told.

mod app;
mod binary;
mod echo;
mod engine;
mod headers;
mod heard;
mod jsonp;
mod line;
mod link;
mod open;
mod out;
mod packet;
mod payload;
mod poll;
mod probe;
pub(crate) mod publish;
mod rest;
mod settings;
#[cfg(test)]
mod suite;
mod talk;
mod tell;
mod telling;
#[cfg(test)]
mod tests;
mod wire;
mod words;

use domain::command::{Manners, Pace};
use domain::event::News;
use domain::id::{Door, Millis};
use domain::identity::{Credential, Denied};

pub(crate) use self::echo::Echo;
use self::poll::Requests;
use self::settings::Timing;
use self::talk::Talk;
use crate::{Answer, Ask, Audience, Dialect, Opening, Polling, Said, Session, Steps, Way, door};

/// What this contract says of rooms and pace. Joining makes a member, by which a client that comes back is known to
/// belong; private rooms admit those who do already.
const MANNERS: Manners =
    Manners { makes_rooms: true, joins_private: false, joins: true, members_only: false, pace: Pace::Loose };

/// Where the sockets are. Clients ask with the slash behind it; some set the path without one.
const PATHS: [&str; 2] = ["/socket.io/", "/socket.io"];

/// As the contract's service has it (page 1): who has opened a line connects within ten seconds.
const TIMING: Timing = Timing { ping_interval_ms: 25_000, ping_timeout_ms: 20_000, connect_timeout_ms: 10_000 };

/// The dialect.
pub(crate) struct SocketIo {
    /// What a client shows is read, not checked (RULES 6).
    pub(crate) unproved: bool,
}

impl Dialect for SocketIo {
    fn name(&self) -> &'static str {
        "socketio"
    }

    fn door(&self) -> Door {
        door::SOCKETIO
    }

    fn spec(&self) -> &'static [&'static str] {
        &[include_str!("spec.json")]
    }

    fn doors(&self) -> Vec<Way> {
        let sockets = PATHS.map(|path| Way::Socket(path.into()));
        let polled = PATHS.map(|path| Way::Polled(path.into()));
        sockets.into_iter().chain(polled).chain(rest::doors().into_iter().map(Way::Rest)).collect()
    }

    fn knows_at_once(&self) -> bool {
        false
    }

    fn is_raw(&self) -> bool {
        false
    }

    fn message_bytes_max(&self) -> Option<usize> {
        Some(engine::PAYLOAD_BYTES_MAX)
    }

    /// On REST; on a socket a client says later who it is. The header's second word is the token, whatever the first
    /// (facts 2).
    fn who(&self, ask: &Ask) -> Option<Credential> {
        let token = ask.header("authorization").and_then(|value| value.split_whitespace().nth(1));
        let key = || ask.header("x-api-key").filter(|key| !key.is_empty()).map(|key| Credential::Key(key.into()));
        token.map(|token| Credential::Bearer(token.into())).or_else(key)
    }

    fn denied(&self, ask: &Ask, why: Denied) -> Answer {
        words::denied(ask, why)
    }

    fn dressed(&self, ask: &Ask, answer: Answer) -> Answer {
        headers::dressed(ask, answer)
    }

    fn polling(&self) -> Option<&dyn Polling> {
        Some(&Requests)
    }

    fn open(&self, ask: &Ask, opening: &Opening, now: Millis, steps: &mut Steps) -> Box<dyn Session> {
        open::open(TIMING, ask, opening, now, steps, |_| Box::new(Talk::new(self.unproved, opening.key)))
    }

    fn tell(&self, news: &News, to: Audience<'_>, said: &mut Said) {
        tell::tell(news, to, said);
    }
}
