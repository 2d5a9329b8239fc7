//! One connection of `direct`: it is told, and what its client says means nothing.
//!
//! ```text
//! open ──► arriving ──────► attending ──────► told what was missed, then what happens
//!    │         `answer`: who is online   `level`: who is online, once more
//!    └─ not the user in the path: an HTTP answer
//! ```
//!
//! What a client sees first has an order: that it is connected, who is online, itself coming online, and only then messages.
//! So the connection attends to its conversations when it knows who is online.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use domain::command::{Command, Reply, Since};
use domain::id::Millis;
use domain::model::{Person, RoomKey};
use domain::query::Query;
use domain::refusal::Refusal;

use super::heard::{captured, number_in_path};
use super::{wire, words};
use crate::calls::Calls;
use crate::step::{CallId, Frame, Request, Step, Steps};
use crate::{Ask, Session, json, turned_away};

/// The subprotocol under which a browser hands over its token.
const BEARER: &str = "bearer";

/// A connection.
struct Line {
    who: Arc<Person>,
    calls: Calls<Doing>,
    /// It was behind once and has caught up; what it missed while away is behind it.
    caught_up: bool,
    /// A mark of the list of users that it was told last, so that the same is not told again for nothing.
    shown: u64,
}

/// What a call is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Who is online, to begin with.
    Arrive,
    /// Being told of one's conversations.
    Attend,
    /// Who is online, after comings and goings may have been missed.
    Look {
        /// It is told only when it is another list than before.
        if_new: bool,
    },
}

/// Opens a session, or refuses the upgrade of somebody who is not the user in the path.
pub(super) fn open(ask: &Ask, who: &Arc<Person>, steps: &mut Steps) -> Box<dyn Session> {
    if number_in_path(ask) != Some(who.number) && captured(ask) != who.id.as_str() {
        return turned_away(words::refused_socket(), steps);
    }
    // A browser that offered a subprotocol gives up when none is chosen.
    steps.push(Step::Accept(ask.protocol_bearer().map(|_| BEARER.into())));
    let message = "Connected to messaging service";
    steps.push(json::say(&wire::Established { user_id: who.number.0, message }));
    let mut line = Line { who: who.clone(), calls: Calls::default(), caught_up: false, shown: 0 };
    line.calls.call(Doing::Arrive, Request::Ask(Query::Everyone), steps);
    Box::new(line)
}

impl Line {
    /// Says who is online; true when it was another list than was said before.
    fn show(&mut self, users: &[Arc<Person>], if_new: bool, steps: &mut Steps) {
        let users: Vec<u32> = users.iter().map(|user| user.number.0).collect();
        let mut mark = DefaultHasher::new();
        users.hash(&mut mark);
        let mark = mark.finish();
        if !if_new || mark != self.shown {
            steps.push(json::say(&wire::OnlineUsers { users: &users }));
        }
        self.shown = mark;
    }

    fn arrived(&mut self, reply: Result<&Reply, &Refusal>, steps: &mut Steps) {
        // Without the list, messages still matter: comings and goings are told as they happen.
        if let Ok(Reply::Everyone { users, alone }) = reply {
            self.show(users, false, steps);
            if *alone {
                steps.push(json::say(&wire::UserStatus::of(&self.who, true)));
            }
        }
        self.calls.call(Doing::Attend, Request::Do(Command::Attend { rooms: false, from: Since::Undelivered }), steps);
    }
}

impl Session for Line {
    /// Clients may keep a connection alive by saying anything; the contract's server reads it and lets go of it.
    fn hear(&mut self, _frame: Frame<'_>, _now: Millis, _steps: &mut Steps) {}

    fn answer(&mut self, call: CallId, reply: Result<&Reply, &Refusal>, _now: Millis, steps: &mut Steps) {
        match (self.calls.close(call), reply) {
            (Some(Doing::Arrive), reply) => self.arrived(reply, steps),
            // It would never be told a message, and its client would not know.
            (Some(Doing::Attend), Err(refusal)) => steps.push(Step::Close(words::close(refusal))),
            (Some(Doing::Look { if_new }), Ok(Reply::Everyone { users, .. })) => self.show(users, if_new, steps),
            (Some(Doing::Attend), Ok(_)) | (Some(Doing::Look { .. }), Ok(_) | Err(_)) | (None, _) => {}
        }
    }

    /// Nobody is put out of a conversation of two.
    fn removed(&mut self, _room: &RoomKey, _steps: &mut Steps) {}

    /// Comings and goings were not told to it while it was behind (HAZARDS 7). Having caught up with what it missed while it
    /// was away it knows who is online, and hears it again only if that has changed meanwhile.
    fn level(&mut self, _told: u64, _now: Millis, steps: &mut Steps) {
        let if_new = !std::mem::replace(&mut self.caught_up, true);
        if !self.calls.open().any(|doing| matches!(doing, Doing::Look { .. })) {
            self.calls.call(Doing::Look { if_new }, Request::Ask(Query::Everyone), steps);
        }
    }
}
