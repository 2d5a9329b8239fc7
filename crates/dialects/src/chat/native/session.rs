//! One connection that speaks the native tongue.
//!
//! ```text
//!        hello                 `Attending`                  level
//! New ───────────► Greeting ─────────────────► Open ── … ──────────► live
//!  ▲                  │ the point to resume from is no good: from now on, and why
//!  └──────────────────┘ refused for another reason
//! ```
//!
//! Clients send without waiting: what comes behind `hello` is held back, in order, until it is answered.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::Text;
use domain::command::{Act, Command, Reply, Since, Start};
use domain::event::SignalKind;
use domain::id::{Cursor, Millis};
use domain::identity::Denied;
use domain::limits::{CALLS_PER_CONNECTION_MAX, CONTENT_BYTES_MAX, PAGE_MAX};
use domain::model::{Person, RoomKey, RoomKind};
use domain::query::{self, Query};
use domain::refusal::Refusal;

use super::heard::{self, Asked, Heard, InRoom, Place};
use super::replies::{self, Doing, say};
use super::{MANNERS, wire, words};
use crate::Session;
use crate::calls::Calls;
use crate::format::Shown;
use crate::step::{CallId, Claim, Close, Frame, Request, Step, Steps};

/// Between heartbeats, in milliseconds.
const HEARTBEAT_MS: u64 = 25_000;
/// Frames held back at most: as many as calls could be under way.
pub(super) const HELD_MAX: usize = CALLS_PER_CONNECTION_MAX as usize;

/// All that is granted.
const FEATURES: [&str; 17] = [
    "ack",
    "delete",
    "direct",
    "edit",
    "heartbeat",
    "history",
    "members",
    "mentions",
    "moderation",
    "presence",
    "reactions",
    "receipts",
    "reply",
    "resume",
    "rooms",
    "typing",
    "unread",
];

/// A connection.
pub(in crate::chat) struct Talk {
    who: Arc<Person>,
    stage: Stage,
    calls: Calls<Doing>,
    /// Heard, and not looked at yet: `hello` is not answered.
    held: VecDeque<Heard>,
    /// For what it was asked up to where the client has been told.
    placing: VecDeque<Placing>,
    /// New tokens that are being looked at.
    renewing: VecDeque<Option<Text>>,
    /// It was not told yet that it is live.
    is_new: bool,
    beat_at: Millis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Greeting,
    Open,
}

enum Placing {
    Live,
    Beat,
    Ping(Option<Text>),
}

impl Talk {
    /// Of this user, who is about to say `hello`.
    pub(in crate::chat) fn new(who: &Arc<Person>) -> Self {
        Self {
            who: who.clone(),
            stage: Stage::New,
            calls: Calls::default(),
            held: VecDeque::new(),
            placing: VecDeque::new(),
            renewing: VecDeque::new(),
            is_new: true,
            beat_at: Millis(u64::MAX),
        }
    }

    fn heard(&mut self, heard: Heard, steps: &mut Steps) {
        match (self.stage, &heard.asked) {
            (Stage::New, Some(Asked::Hello { .. })) | (Stage::Open, _) => self.act(heard, steps),
            (Stage::New, _) => steps.push(words::error(heard.id.as_deref(), words::INVALID)),
            (Stage::Greeting, _) if self.held.len() == HELD_MAX => {
                steps.push(words::refused(heard.id.as_deref(), &Refusal::Busy));
            }
            (Stage::Greeting, _) => self.held.push_back(heard),
        }
    }

    fn act(&mut self, Heard { id, asked }: Heard, steps: &mut Steps) {
        match asked {
            None => steps.push(words::error(id.as_deref(), words::INVALID)),
            Some(Asked::Hello { .. }) if self.stage == Stage::Open => {
                steps.push(words::error(id.as_deref(), words::INVALID));
            }
            Some(Asked::Hello { resume }) => self.hello(id, resume, steps),
            Some(Asked::Ping) => {
                self.placing.push_back(Placing::Ping(id));
                steps.push(Step::Place);
            }
            Some(Asked::Auth(credential)) => {
                self.renewing.push_back(id);
                steps.push(Step::Identify(Claim { credential, id: None, name: None }));
            }
            Some(Asked::In(Place(None), _)) => {
                steps.push(words::refused(id.as_deref(), &Refusal::RoomNotFound));
            }
            Some(Asked::In(Place(Some(room)), asked)) => self.act_in(id, room, asked, steps),
            Some(Asked::Rooms) => self.ask(Doing::Own(id), Query::Own { room: None }, steps),
            Some(Asked::PublicRooms) => {
                let kind = Some(RoomKind::Public);
                self.ask(Doing::Public(id), Query::Rooms { kind }, steps);
            }
            Some(Asked::Online) => self.ask(Doing::Online(id), Query::Everyone, steps),
            Some(Asked::User(which)) => self.ask(Doing::User(id), Query::User(which), steps),
            Some(Asked::Presence(online)) => self.ask_to(Doing::Act(id), Command::Declare { online }, steps),
            Some(Asked::Create { title, kind, seats, client_id }) => {
                self.ask_to(Doing::Make(id), Command::MakeRoom { title, kind, seats, client_id }, steps);
            }
            Some(Asked::SendTo(user, draft)) => {
                let doing = Doing::Send(id, draft.client_id.clone());
                self.ask_to(doing, Command::SendTo { to: query::Which::Id(user), draft, manners: MANNERS }, steps);
            }
            Some(Asked::Edit(message, content)) => {
                self.ask_to(Doing::Change(id), Command::Edit { message, content }, steps);
            }
            Some(Asked::Delete(message)) => {
                self.ask_to(Doing::Change(id), Command::Delete { message, moderates: true }, steps);
            }
            Some(Asked::React { message, emoji, on }) => {
                self.ask_to(Doing::Change(id), Command::React { message, emoji, on }, steps);
            }
        }
    }

    /// What is asked of one room.
    fn act_in(&mut self, id: Option<Text>, room: RoomKey, asked: InRoom, steps: &mut Steps) {
        match asked {
            InRoom::Show => self.ask(Doing::Room(id), Query::Own { room: Some(room) }, steps),
            InRoom::Join(history) => {
                let from = if history == 0 { Start::Now } else { Start::Page(history) };
                let enter = Command::Enter { room: room.clone(), from, manners: MANNERS };
                self.ask_to(Doing::Join(id, room), enter, steps);
            }
            InRoom::Leave => {
                let user = self.who.id.clone();
                self.ask_to(Doing::Act(id), Command::Moderate { room, user, act: Act::Quit }, steps);
            }
            InRoom::Send(draft) => {
                let doing = Doing::Send(id, draft.client_id.clone());
                self.ask_to(doing, Command::Send { room, draft, manners: MANNERS }, steps);
            }
            InRoom::Typing(started) => steps.push(Step::Hint(room, SignalKind::Typing { started, extra: None })),
            InRoom::Mark(mark, upto) => {
                let mark = Command::Mark { mark, messages: Arc::new([]), room: Some(room), upto: Some(upto) };
                self.ask_to(Doing::Act(id), mark, steps);
            }
            InRoom::History(window, most) => {
                let ask = Query::History { room: query::Place::Room(room.clone()), window, skip: 0, most };
                self.ask(Doing::History(id, room), ask, steps);
            }
            InRoom::Members => self.ask(Doing::Members(id, room.clone()), Query::Members { room }, steps),
            InRoom::Act(user, act) => self.ask_to(Doing::Act(id), Command::Moderate { room, user, act }, steps),
        }
    }

    fn ask(&mut self, doing: Doing, query: Query, steps: &mut Steps) {
        self.calls.call(doing, Request::Ask(query), steps);
    }

    fn ask_to(&mut self, doing: Doing, command: Command, steps: &mut Steps) {
        self.calls.call(doing, Request::Do(command), steps);
    }

    fn hello(&mut self, id: Option<Text>, resume: Option<Option<Cursor>>, steps: &mut Steps) {
        self.stage = Stage::Greeting;
        let malformed = words::reason(domain::refusal::BadResume::Malformed);
        let (from, reason, resumes) = match resume {
            None => (Since::Now, None, false),
            Some(None) => (Since::Now, Some(malformed), false),
            Some(Some(cursor)) => (Since::After(cursor), None, true),
        };
        self.ask_to(Doing::Hello { id, reason, resumes }, Command::Attend { rooms: true, from }, steps);
    }

    /// `hello` has its answer.
    fn greeted(
        &mut self,
        (id, reason, resumes): (Option<Text>, Option<&'static str>, bool),
        reply: Result<&Reply, &Refusal>,
        now: Millis,
        steps: &mut Steps,
    ) {
        let from = match reply {
            Ok(Reply::Attending { from }) => *from,
            Err(Refusal::BadResume(bad)) if resumes => {
                let doing = Doing::Hello { id, reason: Some(words::reason(*bad)), resumes: false };
                return self.ask_to(doing, Command::Attend { rooms: true, from: Since::Now }, steps);
            }
            Ok(_) => return,
            Err(refusal) => {
                self.stage = Stage::New;
                return steps.push(words::refused(id.as_deref(), refusal));
            }
        };
        self.stage = Stage::Open;
        self.beat_at = now.plus(HEARTBEAT_MS);
        let data = wire::Hello {
            version: 1,
            features: FEATURES.to_vec(),
            user: wire::User::from(&self.who),
            limits: wire::Limits { content_bytes: CONTENT_BYTES_MAX, history: PAGE_MAX, heartbeat_ms: HEARTBEAT_MS },
            cursor: Shown(from),
            resumed: resumes,
            reason,
        };
        say("hello", id.as_ref(), data, steps);
    }
}

impl Session for Talk {
    fn hear(&mut self, frame: Frame<'_>, _now: Millis, steps: &mut Steps) {
        let text = match frame {
            Frame::Text(text) => Ok(text),
            Frame::Binary(bytes) => std::str::from_utf8(bytes).map_err(|_| heard::Broken),
        };
        match text.and_then(|text| heard::read(text, &self.who.id)) {
            Ok(heard) => self.heard(heard, steps),
            Err(heard::Broken) => {
                steps.push(words::error(None, words::INVALID));
                steps.push(Step::Close(Close { code: 1007, reason: "invalid message" }));
            }
        }
    }

    fn answer(&mut self, call: CallId, reply: Result<&Reply, &Refusal>, now: Millis, steps: &mut Steps) {
        match (self.calls.close(call), reply) {
            (None, _) => {}
            (Some(Doing::Hello { id, reason, resumes }), reply) => {
                self.greeted((id, reason, resumes), reply, now, steps);
            }
            // Who makes a room is in it.
            (Some(Doing::Make(id)), Ok(Reply::RoomMade(view))) => {
                let room = view.key.clone();
                let enter = Command::Enter { room: room.clone(), from: Start::Now, manners: MANNERS };
                self.ask_to(Doing::Enter(id, room), enter, steps);
            }
            (Some(Doing::Enter(id, room)), Ok(_)) => {
                self.ask(Doing::Made(id), Query::Own { room: Some(room) }, steps);
            }
            (Some(doing), reply) => replies::answer(&doing, reply, steps),
        }
        while self.stage == Stage::Open
            && let Some(heard) = self.held.pop_front()
        {
            self.act(heard, steps);
        }
    }

    /// What puts its user out of a room is told to it like everything else.
    fn removed(&mut self, _room: &RoomKey, _steps: &mut Steps) {}

    fn identified(&mut self, who: Result<&Arc<Person>, Denied>, _now: Millis, steps: &mut Steps) {
        let Some(id) = self.renewing.pop_front() else { return };
        match who {
            Ok(who) => {
                self.who = who.clone();
                say("auth", id.as_ref(), wire::Under("user", wire::User::from(who)), steps);
            }
            Err(Denied::Missing | Denied::Expired | Denied::Invalid) => {
                steps.push(words::error(id.as_deref(), words::DENIED));
            }
            Err(Denied::Unavailable) => steps.push(words::refused(id.as_deref(), &Refusal::Unavailable)),
        }
    }

    fn placed(&mut self, cursor: Cursor, _now: Millis, steps: &mut Steps) {
        for placing in std::mem::take(&mut self.placing) {
            let data = wire::At { cursor: Shown(cursor) };
            match placing {
                Placing::Live => say("live", None, data, steps),
                Placing::Beat => say("heartbeat", None, data, steps),
                Placing::Ping(id) => say("pong", id.as_ref(), data, steps),
            }
        }
    }

    fn level(&mut self, told: u64, _now: Millis, steps: &mut Steps) {
        let waits = !self.placing.is_empty();
        if std::mem::take(&mut self.is_new) || told > 0 {
            self.placing.push_back(Placing::Live);
        } else if !waits {
            return;
        }
        steps.push(Step::Place);
    }

    fn rested(&mut self, now: Millis) {
        if self.stage == Stage::Open {
            self.beat_at = now.plus(HEARTBEAT_MS);
        }
    }

    fn deadline(&self) -> Option<Millis> {
        (self.stage == Stage::Open).then_some(self.beat_at)
    }

    fn wake(&mut self, now: Millis, steps: &mut Steps) {
        if now >= self.beat_at {
            self.beat_at = now.plus(HEARTBEAT_MS);
            self.placing.push_back(Placing::Beat);
            steps.push(Step::Place);
        }
    }
}
