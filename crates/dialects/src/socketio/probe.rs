//! The session of a socket that is to take over from the requests by which a client polls.
//!
//! ```text
//!  client ── `2probe` ──► us: `3probe`, and its poll is answered (`6` when there is nothing else)
//!  client ── `5` ───────► us: the socket is the polled session's
//! ```
//!
//! Anything else, or nothing for [`PROBE_MS`], closes this socket; the polled session is none the worse for it.

use domain::command::Reply;
use domain::id::Millis;
use domain::model::RoomKey;
use domain::refusal::Refusal;

use crate::Session;
use crate::polling::Sid;
use crate::step::{CallId, Close, Frame, Step, Steps};

/// How long a socket may take to take over, in milliseconds. As in the reference.
const PROBE_MS: u64 = 10_000;

/// A socket that tries.
pub(super) struct Probe {
    /// Whose place it wants.
    sid: Sid,
    deadline: Millis,
}

impl Probe {
    /// A socket that has just come.
    pub(super) fn open(sid: Sid, now: Millis, steps: &mut Steps) -> Self {
        steps.push(Step::Accept(None));
        Self { sid, deadline: now.plus(PROBE_MS) }
    }
}

impl Session for Probe {
    fn hear(&mut self, frame: Frame<'_>, _now: Millis, steps: &mut Steps) {
        match frame {
            Frame::Text("2probe") => {
                steps.push(Step::Say(b"3probe".to_vec()));
                steps.push(Step::Release(self.sid, b"6".to_vec()));
            }
            Frame::Text("5") => steps.push(Step::Replace(self.sid)),
            Frame::Text(_) | Frame::Binary(_) => {
                steps.push(Step::Close(Close { code: 1002, reason: "not a probe" }));
            }
        }
    }

    fn answer(&mut self, _call: CallId, _reply: Result<&Reply, &Refusal>, _now: Millis, _steps: &mut Steps) {}

    fn removed(&mut self, _room: &RoomKey, _steps: &mut Steps) {}

    fn deadline(&self) -> Option<Millis> {
        Some(self.deadline)
    }

    fn wake(&mut self, _now: Millis, steps: &mut Steps) {
        steps.push(Step::Close(Close { code: 1000, reason: "probed for too long" }));
    }
}
