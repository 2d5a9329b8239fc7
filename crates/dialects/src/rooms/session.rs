//! One connection of `rooms`: it is in one room from its upgrade to its end.
//!
//! ```text
//! open ──► entering ──► in the room ──► closed (`removed`, or the client goes)
//!             │  ▲
//!             │  └─ `answer`: the resume point is no good: once more, from now on
//!             └──── `answer`: refused: an HTTP answer
//! ```

use std::sync::Arc;

use domain::Text;
use domain::command::{Command, Draft, Reply, Start};
use domain::event::SignalKind;
use domain::id::{ClientId, Cursor, MessageId, Millis, Seq};
use domain::model::{MessageKind, Person, RoomKey};
use domain::refusal::{BadResume, Refusal};
use domain::rules::name;

use super::words::Place;
use super::{MANNERS, wire, words};
use crate::calls::Calls;
use crate::format::{Shown, Time};
use crate::step::{CallId, Close, Frame, Request, Step, Steps};
use crate::{Ask, Session, door, json, turned_away};

/// A connection.
struct Room {
    who: Arc<Person>,
    room: RoomKey,
    /// The room as the client named it, where others know it by another name.
    named: Option<Text>,
    calls: Calls<Doing>,
}

/// What a call is for.
enum Doing {
    /// Entering, and what of the resume is to be told first.
    Enter(Resume),
    /// A message, by its client id.
    Send(Option<ClientId>),
}

#[derive(Clone, Copy)]
enum Resume {
    /// Nothing was asked.
    Unasked,
    /// A good point was asked for.
    Asked,
    /// It was no good.
    Failed(BadResume),
}

/// Opens a session, or refuses the upgrade.
pub(super) fn open(ask: &Ask, who: &Arc<Person>, keeps: bool, steps: &mut Steps) -> Box<dyn Session> {
    let given = ask.captured.first().map_or("", String::as_str);
    let room = match name::resolve(given, &who.id) {
        Ok(room) if keeps => room,
        Ok(room) => room.relayed(),
        Err(Refusal::Invalid) => return turned_away(words::plain(403, "Invalid room id"), steps),
        Err(refusal) => return turned_away(words::answer(&refusal, Place::named(given)), steps),
    };
    let (from, resume) = match ask.parameter("since").filter(|since| !since.is_empty()).as_deref().map(start) {
        None => (Start::Now, Resume::Unasked),
        Some(Some(from)) => (from, Resume::Asked),
        Some(None) => (Start::Now, Resume::Failed(BadResume::Malformed)),
    };
    let named = (*room.shown() != *given).then(|| Text::from(given));
    let mut session = Room { who: who.clone(), room, named, calls: Calls::default() };
    session.enter(from, resume, steps);
    Box::new(session)
}

/// A resume token, or a plain number of the room.
fn start(since: &str) -> Option<Start> {
    if since.bytes().all(|byte| byte.is_ascii_digit()) {
        return since.parse().ok().map(|seq| Start::AfterSeq(Seq(seq)));
    }
    since.parse::<Cursor>().ok().map(Start::After)
}

impl Room {
    fn enter(&mut self, from: Start, resume: Resume, steps: &mut Steps) {
        let command = Command::Enter { room: self.room.clone(), from, manners: MANNERS };
        self.calls.call(Doing::Enter(resume), Request::Do(command), steps);
    }

    fn entered(&mut self, resume: Resume, reply: Result<&Reply, &Refusal>, steps: &mut Steps) {
        let (from, head) = match reply {
            Ok(Reply::Entered { from, head, .. }) => (*from, *head),
            Ok(_) => return,
            // It goes on from now, and is told so (RULES 21).
            Err(Refusal::BadResume(why)) => return self.enter(Start::Now, Resume::Failed(*why), steps),
            Err(refusal) => return steps.push(Step::Answer(words::answer(refusal, Place::of(&self.room)))),
        };
        steps.push(Step::Accept(None));
        match resume {
            Resume::Unasked => {}
            Resume::Asked => steps.push(json::say(&wire::Resumed { from: Shown(from), head: Shown(head) })),
            Resume::Failed(why) => steps.push(json::say(&wire::ResumeFailed { reason: words::reason(why) })),
        }
    }

    fn sent(&self, client_id: Option<&ClientId>, reply: Result<&Reply, &Refusal>, steps: &mut Steps) {
        match (reply, client_id) {
            (Err(refusal), _) => steps.push(error(&words::frame(refusal, Place::of(&self.room), client_id), client_id)),
            // Kept, or kept before: the same acknowledgement either way.
            (Ok(Reply::Sent { event, .. }), Some(client_id)) => {
                let Some(message) = event.message() else { return };
                steps.push(ack(client_id, message.id, event.seq, event.at));
            }
            (Ok(Reply::Relayed { id, seq, at }), Some(client_id)) => steps.push(ack(client_id, *id, *seq, *at)),
            (Ok(_), _) => {}
        }
    }
}

fn ack(client_id: &ClientId, id: MessageId, seq: Seq, at: Millis) -> Step {
    let client_id = client_id.as_str();
    json::say(&wire::Ack { client_id, id: Shown(id), seq: seq.0, timestamp: Time(at) })
}

fn error(message: &str, client_id: Option<&ClientId>) -> Step {
    json::say(&wire::Error { message, client_id: client_id.map(ClientId::as_str) })
}

impl Session for Room {
    fn hear(&mut self, frame: Frame<'_>, _now: Millis, steps: &mut Steps) {
        let heard = match frame {
            Frame::Text(text) => wire::read(text, &self.who.id),
            Frame::Binary(_) => Err(wire::Unprocessable(None)),
        };
        match heard {
            Ok(wire::Heard::Message { text, client_id }) => {
                let kind = MessageKind::Text;
                let draft = Draft {
                    kind,
                    content: text,
                    reply_to: None,
                    client_id: client_id.clone(),
                    extra: None,
                    alias: None,
                };
                let command = Command::Send { room: self.room.clone(), draft, manners: MANNERS };
                self.calls.call(Doing::Send(client_id), Request::Do(command), steps);
            }
            Ok(wire::Heard::Typing { started, frame }) => {
                let typing = SignalKind::Typing { started, extra: Some((door::ROOMS, frame)) };
                steps.push(Step::Hint(self.room.clone(), typing));
            }
            Ok(wire::Heard::Nothing) => {}
            Err(wire::Unprocessable(client_id)) => steps.push(error(words::UNPROCESSABLE, client_id.as_ref())),
        }
    }

    fn answer(&mut self, call: CallId, reply: Result<&Reply, &Refusal>, _now: Millis, steps: &mut Steps) {
        match self.calls.close(call) {
            Some(Doing::Enter(resume)) => self.entered(resume, reply, steps),
            Some(Doing::Send(client_id)) => self.sent(client_id.as_ref(), reply, steps),
            None => {}
        }
    }

    fn removed(&mut self, room: &RoomKey, steps: &mut Steps) {
        if *room == self.room {
            steps.push(Step::Close(Close { code: 1008, reason: Place::of(room).shut() }));
        }
    }

    fn name_of(&self, room: &RoomKey) -> Option<&str> {
        self.named.as_deref().filter(|_| *room == self.room)
    }
}
