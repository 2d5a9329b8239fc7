//! One connection of `gateway`: in all of its user's conversations, from its upgrade to its end.
//!
//! ```text
//!         `Attend`          (`Attending`)                        (`level`)
//!  open ───────────► coming ─────────────► being told what it missed ─────► level ──► closed: its lifetime is over
//!                       └─ refused: an HTTP answer
//! ```
//!
//! What is to be done to messages that are known by their senders' ids is done when they have been found. What the client
//! says meanwhile waits, for order is what it means by it: an answer that quotes, and then the next message.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::Text;
use domain::command::{Command, Draft, Reply, Since};
use domain::event::{Event, SignalKind};
use domain::history::Entry;
use domain::id::{ClientId, MessageId, Millis, UserId};
use domain::limits::CALLS_PER_CONNECTION_MAX;
use domain::model::{MessageKind, Person, RoomKey};
use domain::query::{Place, Query, Which};
use domain::refusal::Refusal;
use domain::watermark::Mark;

use super::away::Away;
use super::heard::{Find, Heard, Say, Then, To};
use super::names::Names;
use super::{MANNERS, heard, kept, wire, words};
use crate::calls::Calls;
use crate::integration::Outcome;
use crate::step::{CallId, Close, Frame, Request, Step, Steps};
use crate::{Ask, Session, door, json};

/// Frames that wait at most, and their bytes.
const HELD_MAX: usize = CALLS_PER_CONNECTION_MAX as usize;
/// See [`HELD_MAX`].
const HELD_BYTES_MAX: usize = 256 * 1024;

/// A connection.
struct Talk {
    who: Arc<Person>,
    names: Names,
    /// A URL that is told of it, where the operator has one.
    away: Option<Box<Away>>,
    /// When its lifetime is over.
    until: Option<Millis>,
    /// Chosen for the upgrade, if one was offered.
    subprotocol: Option<Text>,
    /// It has been told everything that it missed.
    level: bool,
    /// Told after it was missed, and not counted to the client yet.
    told: u64,
    /// How often the client waits to hear that it is level.
    catching_up: u32,
    calls: Calls<Doing>,
    /// Heard, and not looked at yet.
    held: VecDeque<String>,
    held_bytes: usize,
}

/// What a call is for.
enum Doing {
    /// The URL says whether the client may come.
    Connect,
    /// The URL carries out what the client has said.
    Elsewhere,
    Attend,
    /// Finding the message that this one answers.
    Quote(Box<Say>),
    Find(Find, Then),
    Send,
    /// Finding out what has become of a message that was sent before.
    Status(Arc<Event>),
    /// What is answered only when it is refused.
    Quietly,
}

/// Opens a session: the upgrade is decided when it is known that it will be told everything.
pub(super) fn open(
    who: &Arc<Person>,
    names: Names,
    away: Option<Box<Away>>,
    (subprotocol, until): (Option<Text>, Millis),
    ask: &Ask,
    now: Millis,
    steps: &mut Steps,
) -> Box<dyn Session> {
    let mut talk = Talk {
        who: who.clone(),
        names,
        away,
        until: Some(until),
        subprotocol,
        level: false,
        told: 0,
        catching_up: 0,
        calls: Calls::default(),
        held: VecDeque::new(),
        held_bytes: 0,
    };
    let Talk { away, calls, .. } = &mut talk;
    let waits = away.as_mut().is_some_and(|away| away.connect(|| calls.number(Doing::Connect), ask, now, steps));
    if !waits {
        talk.attend(steps);
    }
    Box::new(talk)
}

impl Talk {
    /// Whether something is being found that what comes next has to wait for.
    fn is_finding(&self) -> bool {
        self.calls.open().any(|doing| match doing {
            Doing::Quote(_) | Doing::Find(..) => true,
            Doing::Connect | Doing::Elsewhere | Doing::Attend | Doing::Send | Doing::Status(_) | Doing::Quietly => {
                false
            }
        })
    }

    fn error(&mut self, message: &'static str, steps: &mut Steps) {
        let (connection_id, request_id) = (self.names.connection(), self.names.request());
        steps.push(json::say(&wire::Error { message, connection_id, request_id }));
    }

    fn attend(&mut self, steps: &mut Steps) {
        self.calls.call(Doing::Attend, Request::Do(Command::Attend { rooms: true, from: Since::Undelivered }), steps);
    }

    fn act(&mut self, frame: &str, now: Millis, steps: &mut Steps) {
        let Self { away, calls, .. } = self;
        if away.as_mut().is_some_and(|away| away.takes(|| calls.number(Doing::Elsewhere), frame, now, steps)) {
            return;
        }
        match heard::read(frame, &self.who, now) {
            Ok(Heard::Nothing) => {}
            Ok(Heard::CatchUp) => {
                self.catching_up = self.catching_up.saturating_add(1);
                self.say_level(steps);
            }
            Ok(Heard::Say(say)) => self.say(say, steps),
            Ok(Heard::Find(find, then)) if find.ids.is_empty() => drop((find, then)),
            Ok(Heard::Find(find, then)) => self.find(find, then, steps),
            Ok(Heard::Typing { room, started, frame }) => {
                let extra = Some((door::GATEWAY, frame));
                steps.push(Step::Hint(room, SignalKind::Typing { started, extra }));
            }
            Ok(Heard::Declare(online)) => self.quietly(Command::Declare { online }, steps),
            Ok(Heard::Group { room, change, notice }) => {
                self.quietly(Command::Group { room, change, notice: Some(notice) }, steps);
            }
            Err(heard::Unheard) => self.error(words::FORBIDDEN, steps),
        }
    }

    fn quietly(&mut self, command: Command, steps: &mut Steps) {
        self.calls.call(Doing::Quietly, Request::Do(command), steps);
    }

    /// Says it; first, if it answers a message, what that is (RULES 15).
    fn say(&mut self, say: Box<Say>, steps: &mut Steps) {
        let quoted = say.more.reply_to_message_id.as_ref().and_then(Option::as_deref);
        let Some(quoted) = quoted.filter(|id| !id.is_empty()) else { return self.send(*say, None, steps) };
        let (room, ids) = (Place::Room(say.to.room(&self.who.id)), [Text::from(quoted)].into());
        self.calls.call(Doing::Quote(say), Request::Ask(Query::Find { room, by: None, ids }), steps);
    }

    fn send(&mut self, say: Say, reply_to: Option<MessageId>, steps: &mut Steps) {
        let draft = Draft {
            kind: MessageKind::Text,
            content: say.content,
            reply_to,
            client_id: Some(say.id),
            extra: kept::text(&say.kept, &say.more.quoting_in_short()),
            alias: say.alias,
        };
        let command = match say.to {
            To::One(other) => Command::SendTo { to: Which::Id(other), draft, manners: MANNERS },
            To::Group(room) => Command::Send { room, draft, manners: MANNERS },
        };
        self.calls.call(Doing::Send, Request::Do(command), steps);
    }

    fn find(&mut self, find: Find, then: Then, steps: &mut Steps) {
        let query = Query::Find { room: find.place.clone(), by: find.by.clone(), ids: find.ids.clone() };
        self.calls.call(Doing::Find(find, then), Request::Ask(query), steps);
    }

    /// They are found, or not: missing and forbidden alike.
    fn found(&mut self, mut find: Find, then: Then, reply: Result<&Reply, &Refusal>, steps: &mut Steps) {
        let entries: &[Option<Entry>] = match reply {
            Ok(Reply::Found(entries)) => entries,
            Err(refusal) if words::word(refusal) != words::FORBIDDEN => return self.error(words::word(refusal), steps),
            Ok(_) | Err(_) => &[],
        };
        if entries.iter().all(Option::is_none)
            && let Some(room) = find.or.take()
        {
            find.place = Place::Room(room);
            return self.find(find, then, steps);
        }
        let first = entries.first().and_then(Option::as_ref).and_then(|entry| entry.sent.message());
        match (then, first) {
            (Then::Read(senders), _) => {
                let messages = read(&self.who, &senders, entries);
                if !messages.is_empty() {
                    self.quietly(Command::Mark { mark: Mark::Read, messages, room: None, upto: None }, steps);
                }
            }
            (Then::Edit(content), Some(message)) => {
                self.quietly(Command::Edit { message: message.id, content }, steps);
            }
            (Then::Delete, Some(message)) => {
                self.quietly(Command::Delete { message: message.id, moderates: false }, steps);
            }
            (Then::Edit(_) | Then::Delete, None) => self.error(words::FORBIDDEN, steps),
        }
    }

    fn sent(&mut self, reply: Result<&Reply, &Refusal>, steps: &mut Steps) {
        match reply {
            // It was kept before: nobody hears of it again, and its sender hears where it stands by now (page 3).
            Ok(Reply::Sent { event, repeat: true }) => {
                let id = event.message().and_then(|message| message.client_id.as_ref());
                let ids = id.map(ClientId::text).into_iter().collect();
                let query = Query::Find { room: Place::Room(event.room.clone()), by: Some(self.who.id.clone()), ids };
                self.calls.call(Doing::Status(event.clone()), Request::Ask(query), steps);
            }
            Ok(Reply::Sent { event, repeat: false }) => say_status(event, "sent", steps),
            Ok(_) => {}
            Err(refusal) => self.error(words::word(refusal), steps),
        }
    }

    /// Says to all who wait for it that there is nothing left to be told.
    fn say_level(&mut self, steps: &mut Steps) {
        if self.level {
            for _ in 0..std::mem::take(&mut self.catching_up) {
                let data = wire::CaughtUp { count: std::mem::take(&mut self.told) };
                steps.push(json::say(&wire::Frame { kind: "catchUpComplete", data }));
            }
        }
    }

    fn go_on(&mut self, now: Millis, steps: &mut Steps) {
        while !self.is_finding()
            && let Some(frame) = self.held.pop_front()
        {
            self.held_bytes -= frame.len();
            self.act(&frame, now, steps);
        }
        if self.held.is_empty() {
            self.held = VecDeque::new();
        }
    }
}

/// The messages that may count as read: there, somebody else's, and sent by whom the reader takes to be their sender.
fn read(who: &Person, senders: &[Option<UserId>], entries: &[Option<Entry>]) -> Arc<[MessageId]> {
    let pairs = senders.iter().zip(entries).filter_map(|(sender, entry)| Some((sender, entry.as_ref()?)));
    let others = pairs.filter(|(sender, entry)| {
        let by = &entry.sent.by.id;
        *by != who.id && sender.as_ref().is_none_or(|sender| sender == by)
    });
    others.filter_map(|(_, entry)| entry.sent.message()).map(|message| message.id).collect()
}

/// Fills in what a message answers, from the log.
fn quote(say: &mut Say, entry: &Entry) -> Option<MessageId> {
    let (as_said, _) = kept::read(&entry.sent);
    say.more.reply_to_content = Some(Some(entry.content().to_owned()));
    say.more.reply_to_sender_name = Some(Some(as_said.sender_name.unwrap_or_else(|| entry.sent.by.name.to_string())));
    entry.sent.message().map(|message| message.id)
}

fn say_status(event: &Event, status: &'static str, steps: &mut Steps) {
    let Some(message) = event.message() else { return };
    let (message_id, shown) =
        (kept::message_id(event.door, message.client_id.as_ref(), message.id), event.room.shown());
    let conversation_id = event.alias.as_deref().unwrap_or(&shown);
    let data = wire::Status { message_id: &message_id, conversation_id, status, read: None };
    steps.push(json::say(&wire::Frame { kind: "messageStatus", data }));
}

/// Where a message stands that was found once more; one that was taken away was kept all the same.
fn standing(reply: Result<&Reply, &Refusal>) -> &'static str {
    let Ok(Reply::Found(entries)) = reply else { return "sent" };
    match entries.first() {
        Some(Some(entry)) if entry.read => "read",
        Some(Some(entry)) if entry.delivered => "delivered",
        Some(_) | None => "sent",
    }
}

impl Session for Talk {
    /// What became of a repeat is told behind `sent`, which is how its sender's connections hear of the message itself.
    fn acks_by_echo(&self) -> bool {
        true
    }

    fn hear(&mut self, frame: Frame<'_>, now: Millis, steps: &mut Steps) {
        let text = match frame {
            Frame::Text(text) => text,
            // The contract's first client says everything in binary frames (facts 1).
            Frame::Binary(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => text,
                Err(_) => return self.error(words::FORBIDDEN, steps),
            },
        };
        if !self.is_finding() {
            return self.act(text, now, steps);
        }
        if self.held.len() == HELD_MAX || self.held_bytes + text.len() > HELD_BYTES_MAX {
            return self.error(words::INTERNAL, steps);
        }
        self.held_bytes += text.len();
        self.held.push_back(text.to_owned());
    }

    fn answer(&mut self, call: CallId, reply: Result<&Reply, &Refusal>, now: Millis, steps: &mut Steps) {
        match self.calls.close(call) {
            Some(Doing::Attend) => match reply {
                Ok(_) => {
                    if let Some(away) = &mut self.away {
                        away.admitted();
                    }
                    steps.push(Step::Accept(self.subprotocol.take()));
                }
                Err(_) => steps.push(Step::Answer(words::not_connected())),
            },
            Some(Doing::Quote(mut say)) => {
                let entry = match reply {
                    Ok(Reply::Found(entries)) => entries.first().and_then(Option::as_ref),
                    // It is said as it came; if the store is away, that is refused on its own account.
                    Ok(_) | Err(_) => None,
                };
                let reply_to = entry.and_then(|entry| quote(&mut say, entry));
                self.send(*say, reply_to, steps);
            }
            Some(Doing::Find(find, then)) => self.found(find, then, reply, steps),
            Some(Doing::Send) => self.sent(reply, steps),
            Some(Doing::Status(event)) => say_status(&event, standing(reply), steps),
            Some(Doing::Quietly) => {
                if let Err(refusal) = reply {
                    self.error(words::word(refusal), steps);
                }
            }
            Some(Doing::Connect | Doing::Elsewhere) | None => {}
        }
        self.go_on(now, steps);
    }

    fn integrated(&mut self, call: CallId, outcome: &Outcome, _now: Millis, steps: &mut Steps) {
        match self.calls.close(call) {
            Some(Doing::Connect) => match Away::connected(outcome) {
                Ok(chosen) => {
                    self.subprotocol = chosen.or(self.subprotocol.take());
                    self.attend(steps);
                }
                Err(answer) => steps.push(Step::Answer(answer)),
            },
            Some(Doing::Elsewhere) => match self.away.as_ref().map(|away| away.said(outcome)) {
                Some(Ok(Some(text))) => steps.push(Step::Say(text.into_bytes())),
                Some(Ok(None)) | None => {}
                Some(Err(_)) => self.error(words::INTERNAL, steps),
            },
            Some(
                Doing::Attend | Doing::Quote(_) | Doing::Find(..) | Doing::Send | Doing::Status(_) | Doing::Quietly,
            )
            | None => {}
        }
    }

    fn farewell(&mut self, code: u16, now: Millis) -> Option<Vec<u8>> {
        self.away.as_mut().and_then(|away| away.farewell(code, now))
    }

    /// The contract has no word for it; those who stay are told by whoever did it.
    fn removed(&mut self, _room: &RoomKey, _steps: &mut Steps) {}

    fn level(&mut self, told: u64, _now: Millis, steps: &mut Steps) {
        self.told = self.told.saturating_add(told);
        self.level = true;
        self.say_level(steps);
    }

    fn deadline(&self) -> Option<Millis> {
        self.until
    }

    fn wake(&mut self, now: Millis, steps: &mut Steps) {
        if self.until.is_some_and(|until| until <= now) {
            self.until = None;
            // As the platform does; a client comes back at once.
            steps.push(Step::Close(Close { code: 1001, reason: "Going away" }));
        }
    }
}
