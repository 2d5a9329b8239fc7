//! One connection of `chat`: it is in one room at a time, or in none.
//!
//! ```text
//!             join (`Entered`)              leave (`Left`)
//! Nowhere ──────────────────────► In(room) ───────────────► Left ──► In(room) …
//!    ▲                             │    ▲
//!    │ `removed`                   │    └─ join of another room: leave first, then enter
//!    └─────────────────────────────┘
//! ```
//!
//! Clients send without waiting: `join_room` and at once `send_message` to it. So while the place is about to change,
//! what comes next is held back, in order, until the answer is here; then it meets the place it was meant for.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::Text;
use domain::command::{Command, Draft, Reply, Start};
use domain::id::{ClientId, Cursor, Millis};
use domain::identity::Denied;
use domain::limits::CALLS_PER_CONNECTION_MAX;
use domain::model::{Person, RoomKey, RoomKind};
use domain::query::Query;
use domain::refusal::Refusal;

use super::wire::{Entry, Filter, Heard, Unheard};
use super::words::{self, Wanted};
use super::{MANNERS, native, wire, write_message};
use crate::calls::Calls;
use crate::step::{CallId, Close, Frame, Request, Step, Steps};
use crate::{Audience, Session, Whose, json};

/// Frames held back at most: as many as calls could be under way.
const HELD_MAX: usize = CALLS_PER_CONNECTION_MAX as usize;
/// Rooms whose silent seat is remembered; older ones are forgotten, and want joining.
const SEATS_KEPT_MAX: usize = 64;

/// A connection.
pub(super) struct Talk {
    who: Arc<Person>,
    place: Place,
    /// Rooms made here, in which this connection sits silently: until it joins or leaves anything (RULES 20).
    made: VecDeque<RoomKey>,
    calls: Calls<Doing>,
    /// Heard, and not looked at yet: the place is about to change.
    held: VecDeque<Heard>,
}

/// Where the connection is.
enum Place {
    /// In no room, and never was.
    Nowhere,
    /// In this one.
    In(Entry),
    /// In none any more; the contract has a word for that.
    Left,
}

/// What a call is for.
enum Doing {
    Make,
    List(Filter),
    Join(Entry),
    Leave(RoomKey),
    /// Leaving one room, to join another.
    Move(RoomKey, Entry),
    Send {
        entry: Entry,
        client_id: Option<ClientId>,
    },
}

/// Opens a session. Nothing is said on connecting.
pub(super) fn open(who: &Arc<Person>, subprotocol: Option<Text>, steps: &mut Steps) -> Box<dyn Session> {
    steps.push(Step::Accept(subprotocol));
    let talk = Talk {
        who: who.clone(),
        place: Place::Nowhere,
        made: VecDeque::new(),
        calls: Calls::default(),
        held: VecDeque::new(),
    };
    Box::new(Tongue { is_new: true, talk: Speaks::Contract(talk) })
}

/// A connection, whichever tongue its client speaks: what it says first decides.
struct Tongue {
    is_new: bool,
    talk: Speaks,
}

enum Speaks {
    Contract(Talk),
    Native(Box<native::Talk>),
}

impl Tongue {
    fn talk(&self) -> &dyn Session {
        match &self.talk {
            Speaks::Contract(talk) => talk,
            Speaks::Native(talk) => &**talk,
        }
    }

    fn talk_mut(&mut self) -> &mut dyn Session {
        match &mut self.talk {
            Speaks::Contract(talk) => talk,
            Speaks::Native(talk) => &mut **talk,
        }
    }
}

impl Session for Tongue {
    fn hear(&mut self, frame: Frame<'_>, now: Millis, steps: &mut Steps) {
        if std::mem::take(&mut self.is_new)
            && native::is_hello(frame)
            && let Speaks::Contract(talk) = &self.talk
        {
            self.talk = Speaks::Native(Box::new(native::Talk::new(&talk.who)));
            steps.push(Step::Speak(native::NAME));
        }
        self.talk_mut().hear(frame, now, steps);
    }

    fn answer(&mut self, call: CallId, reply: Result<&Reply, &Refusal>, now: Millis, steps: &mut Steps) {
        self.talk_mut().answer(call, reply, now, steps);
    }

    fn removed(&mut self, room: &RoomKey, steps: &mut Steps) {
        self.talk_mut().removed(room, steps);
    }

    fn name_of(&self, room: &RoomKey) -> Option<&str> {
        self.talk().name_of(room)
    }

    fn acks_by_echo(&self) -> bool {
        self.talk().acks_by_echo()
    }

    fn identified(&mut self, who: Result<&Arc<Person>, Denied>, now: Millis, steps: &mut Steps) {
        self.talk_mut().identified(who, now, steps);
    }

    fn placed(&mut self, cursor: Cursor, now: Millis, steps: &mut Steps) {
        self.talk_mut().placed(cursor, now, steps);
    }

    fn level(&mut self, told: u64, now: Millis, steps: &mut Steps) {
        self.talk_mut().level(told, now, steps);
    }

    fn rested(&mut self, now: Millis) {
        self.talk_mut().rested(now);
    }

    fn deadline(&self) -> Option<Millis> {
        self.talk().deadline()
    }

    fn wake(&mut self, now: Millis, steps: &mut Steps) {
        self.talk_mut().wake(now, steps);
    }
}

impl Talk {
    fn is_moving(&self) -> bool {
        self.calls.open().any(|doing| match doing {
            Doing::Join(_) | Doing::Leave(_) | Doing::Move(..) => true,
            Doing::Make | Doing::List(_) | Doing::Send { .. } => false,
        })
    }

    fn act(&mut self, heard: Heard, steps: &mut Steps) {
        match heard {
            Heard::Make { title, kind, seats } => {
                self.calls.call(
                    Doing::Make,
                    Request::Do(Command::MakeRoom { title, kind, seats, client_id: None }),
                    steps,
                );
            }
            Heard::List(Filter::None) => say_rooms(Vec::new(), steps),
            Heard::List(filter) => {
                // What isn't public is of several kinds, so all are asked for.
                let kind = (filter == Filter::Public).then_some(RoomKind::Public);
                self.calls.call(Doing::List(filter), Request::Ask(Query::Rooms { kind }), steps);
            }
            Heard::Join(None) => steps.push(words::error(words::ROOM_NOT_FOUND, None)),
            Heard::Join(Some(entry)) => match &self.place {
                Place::In(here) if here.room != entry.room => {
                    let room = here.room.clone();
                    let doing = Doing::Move(room.clone(), entry);
                    self.calls.call(doing, Request::Do(Command::Leave { room, manners: MANNERS }), steps);
                }
                Place::In(_) | Place::Nowhere | Place::Left => self.join(entry, steps),
            },
            Heard::Leave => match &self.place {
                Place::In(here) => {
                    let room = here.room.clone();
                    self.calls.call(
                        Doing::Leave(room.clone()),
                        Request::Do(Command::Leave { room, manners: MANNERS }),
                        steps,
                    );
                }
                Place::Left => steps.push(words::error(words::USER_NOT_FOUND, None)),
                Place::Nowhere => {}
            },
            Heard::Send { kind, content, entry, client_id } => {
                let Some(entry) = entry.filter(|entry| self.may_speak_in(&entry.room)) else {
                    let word = match self.place {
                        Place::Left => words::USER_NOT_FOUND,
                        Place::In(_) | Place::Nowhere => words::UNAUTHORIZED,
                    };
                    return steps.push(words::error(word, client_id.as_ref()));
                };
                let draft =
                    Draft { kind, content, reply_to: None, client_id: client_id.clone(), extra: None, alias: None };
                let command = Command::Send { room: entry.room.clone(), draft, manners: MANNERS };
                self.calls.call(Doing::Send { entry, client_id }, Request::Do(command), steps);
            }
        }
    }

    fn join(&mut self, entry: Entry, steps: &mut Steps) {
        let command = Command::Enter { room: entry.room.clone(), from: Start::Now, manners: MANNERS };
        self.calls.call(Doing::Join(entry), Request::Do(command), steps);
    }

    fn may_speak_in(&self, room: &RoomKey) -> bool {
        let here = match &self.place {
            Place::In(here) => here.room == *room,
            Place::Nowhere | Place::Left => false,
        };
        here || self.made.contains(room)
    }

    fn moved(&mut self, place: Place) {
        self.place = place;
        self.made = VecDeque::new();
    }

    /// Out of the room by its own wish; true when it is out now.
    fn left(&mut self, room: &RoomKey, reply: Result<&Reply, &Refusal>, steps: &mut Steps) -> bool {
        match reply {
            // Whoever was removed meanwhile is out as well.
            Ok(_) | Err(Refusal::NotPresent) => {
                self.moved(Place::Left);
                true
            }
            Err(refusal) => {
                steps.push(words::error(words::word(refusal, Wanted::Out), None));
                !self.is_in(room)
            }
        }
    }

    fn is_in(&self, room: &RoomKey) -> bool {
        match &self.place {
            Place::In(here) => here.room == *room,
            Place::Nowhere | Place::Left => false,
        }
    }

    fn made(&mut self, reply: Result<&Reply, &Refusal>, steps: &mut Steps) {
        match reply {
            Ok(Reply::RoomMade(view)) => {
                if self.made.len() == SEATS_KEPT_MAX {
                    self.made.pop_front();
                }
                self.made.push_back(view.key.clone());
                steps.push(json::say(&wire::Envelope { kind: "room_created", data: wire::Room::of(view) }));
            }
            Ok(_) => {}
            Err(refusal) => steps.push(words::error(words::word(refusal, Wanted::Say), None)),
        }
    }

    fn sent(entry: &Entry, client_id: Option<&ClientId>, reply: Result<&Reply, &Refusal>, steps: &mut Steps) {
        match reply {
            // The room hears nothing of a repeat; its sender hears again what it waited for.
            Ok(Reply::Sent { event, repeat: true }) => {
                let Some(message) = event.message() else { return };
                let shown = entry.room.shown();
                let to =
                    Audience { whose: Whose::Origin, inside: true, room: entry.named.as_deref().unwrap_or(&shown) };
                let mut buffer = Vec::new();
                write_message(&mut buffer, event, message, to);
                steps.push(Step::Say(buffer));
            }
            Ok(_) => {}
            Err(refusal) => steps.push(words::error(words::word(refusal, Wanted::Say), client_id)),
        }
    }

    fn go_on(&mut self, steps: &mut Steps) {
        while !self.is_moving()
            && let Some(heard) = self.held.pop_front()
        {
            self.act(heard, steps);
        }
        if self.held.is_empty() {
            self.held = VecDeque::new();
        }
    }
}

fn say_rooms(data: Vec<wire::Room<'_>>, steps: &mut Steps) {
    steps.push(json::say(&wire::Envelope { kind: "rooms_list", data }));
}

impl Session for Talk {
    fn hear(&mut self, frame: Frame<'_>, _now: Millis, steps: &mut Steps) {
        let text = match frame {
            Frame::Text(text) => Ok(text),
            Frame::Binary(bytes) => std::str::from_utf8(bytes).map_err(|_| Unheard::Broken),
        };
        match text.and_then(|text| wire::read(text, &self.who.id)) {
            Ok(heard) if !self.is_moving() && self.held.is_empty() => self.act(heard, steps),
            Ok(heard) if self.held.len() == HELD_MAX => steps.push(words::error(words::BUSY, heard.client_id())),
            Ok(heard) => self.held.push_back(heard),
            Err(Unheard::Invalid(client_id)) => steps.push(words::error(words::INVALID, client_id.as_ref())),
            Err(Unheard::Broken) => {
                steps.push(words::error(words::INVALID, None));
                steps.push(Step::Close(Close { code: 1007, reason: words::INVALID }));
            }
        }
    }

    fn answer(&mut self, call: CallId, reply: Result<&Reply, &Refusal>, _now: Millis, steps: &mut Steps) {
        match self.calls.close(call) {
            Some(Doing::Make) => self.made(reply, steps),
            Some(Doing::List(filter)) => match reply {
                Ok(Reply::Rooms(views)) => say_rooms(wire::rooms(views, filter), steps),
                Ok(_) => {}
                Err(refusal) => steps.push(words::error(words::word(refusal, Wanted::Room), None)),
            },
            Some(Doing::Join(entry)) => match reply {
                // Everybody in the room is told by the notice, the joiner too; there is no other answer.
                Ok(_) => self.moved(Place::In(entry)),
                Err(refusal) => steps.push(words::error(words::word(refusal, Wanted::Room), None)),
            },
            Some(Doing::Leave(room)) => {
                self.left(&room, reply, steps);
            }
            Some(Doing::Move(room, entry)) => {
                let out = self.left(&room, reply, steps);
                if out {
                    self.join(entry, steps);
                }
            }
            Some(Doing::Send { entry, client_id }) => Self::sent(&entry, client_id.as_ref(), reply, steps),
            None => {}
        }
        self.go_on(steps);
    }

    fn acks_by_echo(&self) -> bool {
        true
    }

    fn removed(&mut self, room: &RoomKey, steps: &mut Steps) {
        self.made.retain(|made| made != room);
        let leaving = self.calls.open().any(|doing| match doing {
            Doing::Leave(left) | Doing::Move(left, _) => left == room,
            Doing::Make | Doing::List(_) | Doing::Join(_) | Doing::Send { .. } => false,
        });
        // Leaving a private room is a removal too, and not worth an error.
        if self.is_in(room) && !leaving {
            self.place = Place::Nowhere;
            steps.push(words::error(words::UNAUTHORIZED, None));
        }
    }

    fn name_of(&self, room: &RoomKey) -> Option<&str> {
        let here = match &self.place {
            Place::In(here) => Some(here),
            Place::Nowhere | Place::Left => None,
        };
        let coming = self.calls.open().find_map(|doing| match doing {
            Doing::Join(entry) => Some(entry),
            Doing::Make | Doing::List(_) | Doing::Leave(_) | Doing::Move(..) | Doing::Send { .. } => None,
        });
        here.into_iter().chain(coming).find(|entry| entry.room == *room)?.named.as_deref()
    }
}
