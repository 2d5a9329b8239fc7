//! The `gateway` dialect: one WebSocket for all of a user's conversations, `{"action":…}` in, `{"type":…,"data":…}` out,
//! `GET /production?userId=`, as services on a cloud's API gateway have it.
//!
//! What it promises a client is in `PROTOCOL.md`. Here are its path and its credentials; the conversation of one connection
//! is in [`session`], what a frame means in [`heard`] and [`group`], what goes elsewhere in [`away`], what listeners are told in [`tell`], what a message
//! keeps for this door in [`kept`], the words for refusals in [`words`], the frames in [`wire`].

mod away;
mod group;
mod heard;
mod kept;
mod names;
mod session;
mod tell;
#[cfg(test)]
mod tests;
mod wire;
mod words;

use std::sync::Arc;

use domain::Text;
use domain::command::{Manners, Pace};
use domain::event::{News, Status};
use domain::id::{Door, Millis};
use domain::identity::{Credential, Denied};

use self::away::Away;
use self::names::Names;
use crate::integration::{Integrated, Routes};
use crate::names::ConnectionNames;
use crate::{Answer, Ask, Audience, Dialect, Opening, Said, Session, Settings, Steps, Way, Whose, door, turned_away};

/// What this contract says of rooms and pace.
const MANNERS: Manners =
    Manners { makes_rooms: false, joins_private: false, joins: false, members_only: true, pace: Pace::Loose };

/// The dialect's name, by which an operator trusts it.
const NAME: &str = "gateway";
/// The platform's longest message (facts 1).
const MESSAGE_BYTES_MAX: usize = 128 * 1024;
/// And its longest frame.
const FRAME_BYTES_MAX: usize = 32 * 1024;
/// The subprotocol under which a browser hands over its token.
const BEARER: &str = "bearer";

/// The dialect, at its path.
pub(crate) struct Gateway {
    path: String,
    /// How long a connection lives, in milliseconds.
    ttl_ms: u64,
    /// A client that shows nothing is who it says (RULES 6, 8).
    trusting: bool,
    /// What connections are called outside.
    names: ConnectionNames,
    /// What is carried out elsewhere.
    routes: Arc<Routes>,
}

impl Gateway {
    /// The dialect as the operator wants it.
    pub(crate) fn of(settings: &Settings) -> Self {
        let trusting = settings.development || settings.trusted.iter().any(|name| name == NAME);
        Self {
            path: settings.gateway_path.clone(),
            ttl_ms: settings.gateway_ttl_ms,
            trusting,
            names: settings.connection_names.clone(),
            routes: Arc::new(settings.integration.clone()),
        }
    }
}

impl Dialect for Gateway {
    fn name(&self) -> &'static str {
        NAME
    }

    fn door(&self) -> Door {
        door::GATEWAY
    }

    fn doors(&self) -> Vec<Way> {
        vec![Way::Socket(self.path.clone()), Way::Connections(format!("{}/@connections/{{id}}", self.path))]
    }

    fn message_bytes_max(&self) -> Option<usize> {
        Some(MESSAGE_BYTES_MAX)
    }

    fn frame_bytes_max(&self) -> Option<usize> {
        Some(FRAME_BYTES_MAX)
    }

    fn asks_at_once(&self, _listeners: usize) -> bool {
        true
    }

    fn who(&self, ask: &Ask) -> Option<Credential> {
        let token = ask.parameter("token").filter(|token| !token.is_empty());
        let token = token.as_deref().or_else(|| ask.bearer()).or_else(|| ask.protocol_bearer());
        let token = token.map(|token| Credential::Bearer(token.into()));
        let key = || ask.header("x-api-key").filter(|key| !key.is_empty()).map(|key| Credential::Key(key.into()));
        // Whoever shows something is taken at that, never at the bare claim beside it.
        let claimed = || words::user_id(ask).filter(|_| self.trusting).map(|id| Credential::Claimed(id.into()));
        token.or_else(key).or_else(claimed)
    }

    fn denied(&self, ask: &Ask, why: Denied) -> Answer {
        words::denied(ask, why)
    }

    fn open(&self, ask: &Ask, opening: &Opening, now: Millis, steps: &mut Steps) -> Box<dyn Session> {
        // Also when somebody else's token is good: a socket is the user's that its address names, or nobody's.
        let named = words::user_id(ask);
        let who = opening.who.as_ref().filter(|who| named.as_deref() == Some(who.id.as_str()));
        let Some(who) = who else { return turned_away(words::denied(ask, Denied::Invalid), steps) };
        // A browser that offered a subprotocol gives up when none is chosen.
        let subprotocol = ask.protocol_bearer().map(|_| Text::from(BEARER));
        let id = opening.sid.connection;
        let away = Away::of(&self.routes, || Integrated::new(self.names.clone(), id, ask, now));
        let names = Names::of(self.names.clone(), id);
        session::open(who, names, away, (subprotocol, now.plus(self.ttl_ms)), ask, now, steps)
    }

    fn tell(&self, news: &News, to: Audience<'_>, said: &mut Said) {
        tell::tell(news, to, said);
    }

    fn hears_statuses(&self) -> bool {
        true
    }

    fn tell_status(&self, status: &Status, whose: Whose, said: &mut Said) {
        tell::status(status, whose, said);
    }
}
