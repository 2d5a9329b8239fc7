//! The native tongue: everything that the domain has, said over the `chat` socket to whoever says `hello` first.
//!
//! It is a dialect of its own as far as telling goes, so that a room's news are encoded once for all who speak it, and has no
//! door: its sessions come through `chat`'s, by [`Step::Speak`](crate::step::Step). What it promises is in `PROTOCOL.md`. The
//! conversation is in [`session`], what is heard in [`heard`], the frames in [`wire`], refusals in [`words`].

mod heard;
mod replies;
mod session;
mod shown;
#[cfg(test)]
mod tests;
mod wire;
mod words;

use domain::command::{Manners, Pace};
use domain::event::{News, SignalKind, Status};
use domain::id::{Door, Millis};
use domain::identity::{Credential, Denied};

pub(super) use self::heard::is_hello;
pub(super) use self::session::Talk;
use super::words as contract;
use crate::{Answer, Ask, Audience, Dialect, Opening, Said, Session, Steps, Way, Whose, door, json, turned_away};

/// Its name among the dialects.
pub(super) const NAME: &str = "native";

/// Rooms are made by asking for one; entering makes a member everywhere, also by a private room's id; and a client that
/// can wait for an acknowledgement is held to the wider of the two limits.
const MANNERS: Manners =
    Manners { makes_rooms: false, joins_private: true, joins: true, members_only: false, pace: Pace::Loose };

/// A room with more listeners than this in one shard is not asked after each message whether it was heard: the pings that keep
/// connections alive ask that.
const ASKED_AT_ONCE_MAX: usize = 50;

/// The dialect.
pub(crate) struct Native;

impl Dialect for Native {
    fn name(&self) -> &'static str {
        NAME
    }

    fn door_name(&self) -> &'static str {
        "chat"
    }

    fn door(&self) -> Door {
        door::CHAT
    }

    fn doors(&self) -> Vec<Way> {
        Vec::new()
    }

    fn who(&self, _ask: &Ask) -> Option<Credential> {
        None
    }

    fn denied(&self, ask: &Ask, _why: Denied) -> Answer {
        contract::problem(ask, 401, "Unauthorized")
    }

    fn open(&self, ask: &Ask, _opening: &Opening, _now: Millis, steps: &mut Steps) -> Box<dyn Session> {
        // It has no door by which anybody could come here.
        turned_away(self.denied(ask, Denied::Missing), steps)
    }

    fn tell(&self, news: &News, to: Audience<'_>, said: &mut Said) {
        match news {
            News::Event(event) => {
                let told = wire::Told::of(event, to);
                said.message(|buffer| json::write(buffer, &told));
            }
            News::Signal(signal) => {
                // Of one's own writing, coming and going one knows; how far one has read, one's other devices want to know.
                let told = match &signal.kind {
                    SignalKind::Typing { .. } | SignalKind::Came { .. } | SignalKind::Went { .. } => {
                        to.whose != Whose::Origin
                    }
                    // What is relayed is heard in the relay only, and that no native client enters (RULES 23).
                    SignalKind::Said { .. } | SignalKind::Again => false,
                    SignalKind::Marked { .. } | SignalKind::Reached { .. } => true,
                };
                if let Some(told) = wire::Now::of(signal, to.room).filter(|_| told) {
                    said.message(|buffer| json::write(buffer, &told));
                }
            }
        }
    }

    fn asks_at_once(&self, listeners: usize) -> bool {
        listeners <= ASKED_AT_ONCE_MAX
    }

    fn hears_statuses(&self) -> bool {
        true
    }

    fn tell_status(&self, status: &Status, whose: Whose, said: &mut Said) {
        if whose != Whose::Origin {
            said.message(|buffer| json::write(buffer, &wire::Presence::of(status)));
        }
    }
}
