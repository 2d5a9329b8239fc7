//! Who comes to an endpoint: a client, a socket that is to take over from a client's requests, or somebody who is told
//! what is wrong with the request.

use domain::id::Millis;

use super::app::App;
use super::engine::Version;
use super::line::Manner;
use super::link::Link;
use super::poll::{self, Requests};
use super::probe::Probe;
use super::settings::Timing;
use crate::polling::{BadSid, Polling};
use crate::step::Steps;
use crate::{Ask, Opening, Session, turned_away};

/// A session for who comes to a Socket.IO endpoint. `app` makes the application for a client.
pub(super) fn open(
    timing: Timing,
    ask: &Ask,
    opening: &Opening,
    now: Millis,
    steps: &mut Steps,
    app: impl FnOnce(Version) -> Box<dyn App>,
) -> Box<dyn Session> {
    open_line(ask, now, steps, |manner, steps| {
        Box::new(Link::open(manner, timing, opening, app(manner.version), now, steps))
    })
}

/// A session for who comes to an Engine.IO endpoint. `session` makes it for a client, and opens its line.
pub(super) fn open_line(
    ask: &Ask,
    now: Millis,
    steps: &mut Steps,
    session: impl FnOnce(Manner, &mut Steps) -> Box<dyn Session>,
) -> Box<dyn Session> {
    match Requests.successor_of(ask) {
        Ok(Some(sid)) => return Box::new(Probe::open(sid, now, steps)),
        Err(BadSid) => return turned_away(Requests.unknown(ask), steps),
        Ok(None) => {}
    }
    match poll::manner(ask) {
        Ok(manner) => session(manner, steps),
        Err(bad) => turned_away(bad.answer(ask), steps),
    }
}
