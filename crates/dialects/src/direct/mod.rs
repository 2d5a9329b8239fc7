//! The `direct` dialect: conversations of two over REST, with a socket that pushes, `GET /ws/{user_id}`.
//!
//! What it promises a client is in `PROTOCOL.md`. Here are its paths, its credentials and what listeners are told; the
//! conversation of one connection is in [`session`], REST in [`rest`] with what is read from requests in [`heard`] and
//! pages in [`page`], the words for refusals in [`words`], the frames in [`wire`], integers as they are read in [`ints`].

mod heard;
mod ints;
mod page;
mod rest;
mod session;
#[cfg(test)]
mod tests;
mod wire;
mod words;

use domain::command::{Manners, Pace};
use domain::event::{Event, News, Status, What};
use domain::id::{Door, Millis};
use domain::identity::{Credential, Denied};
use domain::model::RoomKey;

use crate::{Answer, Ask, Audience, Dialect, Opening, Said, Session, Steps, Way, Whose, door, json, turned_away};

/// What this contract says of rooms and pace.
const MANNERS: Manners =
    Manners { makes_rooms: false, joins_private: false, joins: false, members_only: false, pace: Pace::Loose };

const NAME: &str = "direct";

/// Of the sockets, under the prefix and at the root. Integers only: other sockets have names there.
const SOCKET: &str = "/ws/{user_id:int}";
const SOCKETS: &str = "/ws/";

/// Where an auth service tells of its users.
const SYNC: &str = "/users/sync";

/// The dialect.
pub(crate) struct Direct {
    /// Before every path; empty for none.
    prefix: String,
    /// Development mode: headers say who somebody is, users are made and looked up by anybody.
    development: bool,
    /// A socket without any credential is that of the user in its path (RULES 6 and 8).
    trusts_paths: bool,
}

impl Direct {
    /// The dialect, with every path behind this prefix.
    pub(crate) fn new(prefix: &str, development: bool, trusted: &[String]) -> Self {
        let trusts_paths = development || trusted.iter().any(|name| name == NAME);
        Self { prefix: prefix.trim_end_matches('/').into(), development, trusts_paths }
    }

    /// The path without the prefix, where it has it.
    fn inner<'a>(&self, ask: &'a Ask) -> Option<&'a str> {
        ask.path.strip_prefix(self.prefix.as_str())
    }

    fn on_socket(&self, ask: &Ask) -> bool {
        ask.path.starts_with(SOCKETS) || self.inner(ask).is_some_and(|path| path.starts_with(SOCKETS))
    }

    fn on_sync(&self, ask: &Ask) -> bool {
        self.inner(ask).is_some_and(|path| path.trim_end_matches('/') == SYNC)
    }

    /// What a client shows on any path but the auth service's.
    fn shown(&self, ask: &Ask) -> Option<Credential> {
        if self.development
            && let (Some(number), Some(name)) = (filled(ask, "x-user-id"), filled(ask, "x-username"))
        {
            // Who it is, is the name; but a number that is none is no credential (page 7), whatever else there is.
            return ints::of_text(number).is_ok().then(|| Credential::Claimed(name.into()));
        }
        if let Some(token) = ask.bearer() {
            return Some(Credential::Bearer(token.into()));
        }
        if self.on_socket(ask) {
            let parameter = ask.parameter("token").filter(|token| !token.is_empty());
            if let Some(token) = parameter.as_deref().or_else(|| ask.protocol_bearer()) {
                return Some(Credential::Bearer(token.into()));
            }
        }
        if let Some(key) = filled(ask, "x-api-key") {
            return Some(Credential::Key(key.into()));
        }
        // Only where nothing was shown: a token that isn't good opens no socket that none would have opened.
        if self.trusts_paths && self.on_socket(ask) { heard::number_in_path(ask).map(Credential::Number) } else { None }
    }
}

fn filled<'a>(ask: &'a Ask, header: &str) -> Option<&'a str> {
    ask.header(header).filter(|value| !value.is_empty())
}

/// What an auth service shows (`INTERNAL_SERVICE_KEY`). The one place that says what kind of credential that is.
fn internal(ask: &Ask) -> Option<Credential> {
    filled(ask, "x-internal-key").map(|key| Credential::Internal(key.into()))
}

impl Dialect for Direct {
    fn name(&self) -> &'static str {
        NAME
    }

    fn door(&self) -> Door {
        door::DIRECT
    }

    fn doors(&self) -> Vec<Way> {
        let mut sockets = vec![SOCKET.to_owned()];
        if !self.prefix.is_empty() {
            sockets.push(format!("{}{SOCKET}", self.prefix));
        }
        let rest = rest::doors(&self.prefix, self.development).into_iter().map(Way::Rest);
        sockets.into_iter().map(Way::Socket).chain(rest).collect()
    }

    fn who(&self, ask: &Ask) -> Option<Credential> {
        if self.on_sync(ask) { internal(ask) } else { self.shown(ask) }
    }

    fn denied(&self, ask: &Ask, why: Denied) -> Answer {
        if self.on_socket(ask) {
            words::denied_socket(why)
        } else if self.on_sync(ask) {
            words::denied_sync(why)
        } else {
            words::denied(why)
        }
    }

    fn open(&self, ask: &Ask, opening: &Opening, _now: Millis, steps: &mut Steps) -> Box<dyn Session> {
        match &opening.who {
            Some(who) => session::open(ask, who, steps),
            None => turned_away(self.denied(ask, Denied::Missing), steps),
        }
    }

    fn tell(&self, news: &News, to: Audience<'_>, said: &mut Said) {
        match news {
            News::Event(event) => tell_event(event, to.whose, said),
            // What is true only now has no word here: coming and going are told of users, not of rooms (RULES 17).
            News::Signal(_) => {}
        }
    }

    fn hears_statuses(&self) -> bool {
        true
    }

    fn tell_status(&self, status: &Status, whose: Whose, said: &mut Said) {
        // What somebody says of themselves is another wire's; and whoever has just connected is told by its session, in
        // its place among the first frames.
        if status.declared || whose == Whose::Origin {
            return;
        }
        said.message(|buffer| json::write(buffer, &wire::UserStatus::of(&status.who, status.online)));
    }
}

fn tell_event(event: &Event, whose: Whose, said: &mut Said) {
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
    let to_oneself = match &event.room {
        RoomKey::Pair(one, other) => one == other,
        // Conversations of two only.
        RoomKey::Named(_) | RoomKey::Relay(_) => return,
    };
    // The sender has the HTTP answer; what was said through another door, or to oneself, is shown (RULES 17).
    let is_told = match whose {
        Whose::Other => true,
        Whose::Origin | Whose::Actor => to_oneself || event.door != door::DIRECT,
    };
    if is_told {
        said.message(|buffer| json::write(buffer, &wire::NewMessage::of(event, &message.content)));
    }
}
