//! People, events and a plain spelling of steps, for the tables of the dialects' tests.

use std::sync::Arc;

use domain::Text;
use domain::command::{Command, Draft, GroupChange, Reply, Since};
use domain::event::{Event, Marked, Signal, SignalKind, What};
use domain::id::{
    ClientId, ConnectionId, Cursor, Door, ExclusionVersion, Life, MessageId, Millis, Offset, Seq, SessionKey, UserId,
    UserNumber,
};
use domain::model::{Message, MessageKind, Person, RoomKey, Sending, SessionRoom};
use domain::query::{Place, Query, Which};
use domain::refusal::{BadResume, Refusal};
use domain::rules::name;

use crate::{Answer, Ask, Audience, Dialect, News, Opening, Request, Said, Sid, Step, Whose};

/// 2026-11-20T11:52:13.994Z.
pub(crate) const NOW: Millis = Millis(1_795_175_533_994);
/// [`NOW`] as wires write it.
pub(crate) const NOW_SHOWN: &str = "2026-11-20T11:52:13.994Z";
/// The id of every message and signal here.
pub(crate) const ID: &str = "00000000-0000-0000-0000-0000000000ab";
/// The cursor of every event here.
pub(crate) const CURSOR: &str = "0000000000000007.42";

/// Every refusal, each once; the two with values with one of them.
pub(crate) const REFUSALS: [Refusal; 21] = [
    Refusal::RoomNotFound,
    Refusal::Forbidden,
    Refusal::RoomFull,
    Refusal::AlreadyPresent,
    Refusal::NotPresent,
    Refusal::NotAllowed,
    Refusal::Invalid,
    Refusal::InvalidContent,
    Refusal::RoomLimit,
    Refusal::RateLimited { retry_after_ms: 1500 },
    Refusal::ClientIdReused,
    Refusal::LastOwner,
    Refusal::MessageNotFound,
    Refusal::MemberNotFound,
    Refusal::UserNotFound,
    Refusal::BadResume(BadResume::Ahead),
    Refusal::Busy,
    Refusal::Contended,
    Refusal::StorageFull,
    Refusal::Unavailable,
    Refusal::OutcomeUnknown,
];

pub(crate) fn user(id: &str) -> UserId {
    UserId::new(id).expect("a short id is valid")
}

/// A user with number 7; an e-mail address when the id is `mail`.
pub(crate) fn person(id: &str) -> Arc<Person> {
    let email = (id == "mail").then(|| Text::from("mail@example.com"));
    Arc::new(Person { id: user(id), number: UserNumber(7), name: Text::from(id), email })
}

/// The room that alice means by this name.
pub(crate) fn key(given: &str) -> RoomKey {
    name::resolve(given, &user("alice")).expect("a name that alice may say")
}

pub(crate) fn cursor() -> Cursor {
    Cursor { life: Life(7), offset: Offset(42) }
}

/// A message of alice's.
pub(crate) fn message(kind: MessageKind, content: &str, client_id: Option<&str>) -> Message {
    let client_id = client_id.map(|id| ClientId::new(id).expect("a short id is valid"));
    Message { id: MessageId(0xab), kind, content: Text::from(content), reply_to: None, client_id, extra: None }
}

/// Something that this user did in a room that alice names.
pub(crate) fn event(room: &str, by: &str, what: What) -> Arc<Event> {
    Arc::new(Event {
        offset: Offset(42),
        seq: Seq(3),
        life: Life(7),
        room: key(room),
        born: Offset(40),
        version: ExclusionVersion(0),
        at: NOW,
        by: person(by),
        door: Door(9),
        origin: Some(ConnectionId(1)),
        alias: None,
        what,
    })
}

/// How alice's own wire knows a message.
pub(crate) fn sending() -> Sending {
    Sending { door: Door(9), client_id: None }
}

/// A message of alice's that a mark has reached.
pub(crate) fn marked(id: MessageId) -> Marked {
    Marked { id, offset: Offset(1), sending: sending(), by: user("alice") }
}

/// A message sent in a room.
pub(crate) fn sent(room: &str, content: &str, client_id: Option<&str>) -> Arc<Event> {
    event(room, "alice", What::Sent(message(MessageKind::Text, content, client_id)))
}

/// The reply to a send.
pub(crate) fn kept(event: &Arc<Event>, repeat: bool) -> Reply {
    Reply::Sent { event: event.clone(), repeat }
}

/// The reply to attending.
pub(crate) fn attending() -> Reply {
    Reply::Attending { from: cursor() }
}

/// The reply to entering.
pub(crate) fn entered(room: &str) -> Reply {
    let head = Cursor { offset: Offset(50), ..cursor() };
    Reply::Entered { room: key(room), from: cursor(), head, page: Vec::new() }
}

/// A signal of this user's.
pub(crate) fn signal(room: &str, who: &str, kind: SignalKind) -> News {
    let (after, id, origin) = (Offset(42), MessageId(0xab), Some(ConnectionId(1)));
    News::Signal(Arc::new(Signal { room: key(room), after, at: NOW, id, who: person(who), origin, alias: None, kind }))
}

/// Opened by this user, or by nobody yet.
pub(crate) fn opening(who: Option<&str>) -> Opening {
    Opening { who: who.map(person), sid: Sid { connection: ConnectionId(1), secret: 2 }, key: SessionKey(3) }
}

/// A request with these headers.
pub(crate) fn ask(method: &str, path: &str, query: &str, headers: &[(&str, &str)]) -> Ask {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ask { method: method.into(), path: path.into(), query: query.into(), headers, ..Ask::default() }
}

/// What the three kinds of listeners are told.
pub(crate) fn told(dialect: &dyn Dialect, news: &News, room: &str) -> [Vec<String>; 3] {
    [Whose::Origin, Whose::Actor, Whose::Other].map(|whose| {
        let mut said = Said::default();
        dialect.tell(news, Audience { whose, inside: true, room }, &mut said);
        said.messages().map(text).collect()
    })
}

/// An answer as one line.
pub(crate) fn answer(answer: &Answer) -> String {
    let headers: String = answer.headers.iter().map(|(name, value)| format!(" {name}: {value}")).collect();
    format!("{}{headers} {}", answer.status, text(&answer.body))
}

/// Steps, one line each; takes them out of the list.
pub(crate) fn lines(steps: &mut Vec<Step>) -> Vec<String> {
    steps.drain(..).map(|step| line(&step)).collect()
}

fn line(step: &Step) -> String {
    match step {
        Step::Accept(None) => "101".into(),
        Step::Accept(Some(protocol)) => format!("101 {protocol}"),
        Step::Answer(given) => answer(given),
        Step::Say(frame) => format!("< {}", text(frame)),
        Step::SayBinary(bytes) => format!("<binary {bytes:02x?}"),
        Step::Identify(claim) => {
            format!("identify {:?} {:?} {:?}", claim.credential, claim.id.as_ref().map(UserId::as_str), claim.name)
        }
        Step::Writers(id, room) => format!("{id} writers {}", room.shown()),
        Step::Integrate(id, event) => format!("{id} integrate {}", text(event)),
        Step::Follow => "follow".into(),
        Step::Asked => "asked".into(),
        Step::Answered => "answered".into(),
        Step::Release(sid, frame) => format!("release {sid} {}", text(frame)),
        Step::Replace(sid) => format!("replace {sid}"),
        Step::Call(id, Request::Do(command)) => format!("{id} {}", command_line(command)),
        Step::Call(id, Request::Ask(query)) => format!("{id} {}", query_line(query)),
        Step::Hint(room, kind) => match kind {
            SignalKind::Typing { started, extra } => {
                format!("hint {} {started} {}", room.shown(), extra.as_ref().map_or("", |(_, frame)| &**frame))
            }
            SignalKind::Came { .. }
            | SignalKind::Again
            | SignalKind::Went { .. }
            | SignalKind::Marked { .. }
            | SignalKind::Reached { .. }
            | SignalKind::Said { .. } => format!("hint {} {kind:?}", room.shown()),
        },
        Step::Speak(tongue) => format!("speak {tongue}"),
        Step::Place => "place".into(),
        Step::Close(close) => format!("close {} {}", close.code, close.reason),
        Step::Abandon(close) => format!("abandon {} {}", close.code, close.reason),
    }
}

/// A command, short.
pub(crate) fn command_line(command: &Command) -> String {
    match command {
        Command::Meet(identity) => format!("meet {}", identity.id),
        Command::MakeRoom { title, kind, seats, client_id } => {
            let as_said = client_id.as_ref().map_or(String::new(), |id| format!(" as {}", id.as_str()));
            format!("make {title} {kind:?} {seats:?}{as_said}")
        }
        Command::Enter { room, from, .. } => format!("enter {} {from:?}", room.shown()),
        Command::Leave { room, .. } => format!("leave {}", room.shown()),
        Command::Send { room, draft, .. } => format!("send {} {}", room.shown(), draft_line(draft)),
        Command::SendTo { to, draft, .. } => format!("send to {} {}", which_line(to), draft_line(draft)),
        Command::Register(new) => {
            let told = [&new.email, &new.full_name, &new.bio, &new.avatar_url];
            let told: Vec<&str> = told.map(|text| text.as_deref().unwrap_or("-")).to_vec();
            format!("register {} {}", new.name, told.join(" "))
        }
        Command::Group { room, change, notice } => {
            let notice = notice.as_ref().map_or_else(String::new, |notice| format!(" {notice}"));
            format!("group {} {}{notice}", room.shown(), group_line(change))
        }
        Command::Attend { rooms, from } => {
            let from = match from {
                Since::Undelivered => String::new(),
                Since::Now => " now".into(),
                Since::After(cursor) => format!(" after {cursor}"),
            };
            format!("attend {}{from}", if *rooms { "rooms" } else { "pairs" })
        }
        Command::React { message, emoji, on } => format!("react {message} {emoji} {on}"),
        Command::Moderate { room, user, act } => format!("moderate {} {user} {act:?}", room.shown()),
        Command::Declare { online } => format!("declare {online}"),
        Command::Enrol { room, user, role, status } => format!("enrol {} {user} {role:?} {status:?}", room.shown()),
        Command::Expel { room, user } => format!("expel {} {user}", room.shown()),
        Command::Edit { message, content } => format!("edit {message} {content}"),
        Command::Delete { message, moderates } => {
            format!("delete {message}{}", if *moderates { " moderating" } else { "" })
        }
        Command::Mark { mark, messages, room, upto } => {
            let upto = upto.map_or_else(String::new, |upto| format!(" up to {upto}"));
            let messages: Vec<String> = messages.iter().map(ToString::to_string).collect();
            let room = room.as_ref().map_or_else(|| "-".into(), RoomKey::shown);
            format!("mark {mark:?} {} {room}{upto}", messages.join(","))
        }
        Command::Remember { session, rooms, ends, .. } => {
            let named = |room: &SessionRoom| room.named.as_deref().map(|named| format!(" as {named}"));
            let room = |room: &SessionRoom| room.key.shown().to_string() + &named(room).unwrap_or_default();
            let rooms: Vec<_> = rooms.iter().map(room).collect();
            format!("remember {session} {} {ends:?}", rooms.join(","))
        }
        Command::Return { session, from, .. } => format!("return {session} {from}"),
        Command::Beat => "beat".into(),
        Command::Rest => "rest".into(),
    }
}

/// A query, short.
pub(crate) fn query_line(query: &Query) -> String {
    match query {
        Query::Rooms { kind } => format!("rooms {kind:?}"),
        Query::Own { room } => format!("own {}", room.as_ref().map_or_else(|| "rooms".into(), RoomKey::shown)),
        Query::Members { room } => format!("members {}", room.shown()),
        Query::RoomConnections { room } => format!("connections in {}", room.shown()),
        Query::UserConnections { user } => format!("connections of {user}"),
        Query::Member { room, user } => format!("member {} {user}", room.shown()),
        Query::History { room, window, skip, most } => {
            let bound = |name: &str, at: Option<Offset>| at.map_or_else(String::new, |at| format!(" {name} {at}"));
            let (above, below) = (bound("above", window.above), bound("below", window.below));
            format!("history {} {skip} {most}{above}{below}", place(room))
        }
        Query::Find { room, by, ids } => {
            let by = by.as_ref().map_or("-", UserId::as_str);
            format!("find {} {by} {}", place(room), ids.join(","))
        }
        Query::User(which) => format!("user {}", which_line(which)),
        Query::Conversations { before, most } => {
            format!("conversations {} {most}", before.map_or_else(|| "-".into(), |before| before.to_string()))
        }
        Query::Everyone => "everyone".into(),
        Query::Unread { room } => format!("unread {}", room.shown()),
        Query::Online { users } => format!("online {}", users.iter().map(UserId::as_str).collect::<Vec<_>>().join(",")),
        Query::Counts => "counts".into(),
    }
}

fn place(place: &Place) -> String {
    match place {
        Place::Room(room) => room.shown().to_string(),
        Place::Born(offset) => format!("born {offset}"),
        Place::Alias(alias) => format!("alias {alias}"),
    }
}

fn which_line(which: &Which) -> String {
    match which {
        Which::Number(number) => format!("number {number}"),
        Which::Name(name) => format!("name {name}"),
        Which::Id(id) => format!("id {id}"),
    }
}

fn group_line(change: &GroupChange) -> String {
    match change {
        GroupChange::Make { title, members } => {
            let members: Vec<String> = members.iter().map(|(user, role)| format!("{user} {role:?}")).collect();
            format!("make {title} {}", members.join(","))
        }
        GroupChange::Retitle(title) => format!("retitle {title}"),
        GroupChange::Admit(users) => {
            format!("admit {}", users.iter().map(UserId::as_str).collect::<Vec<_>>().join(","))
        }
        GroupChange::Quit => "quit".into(),
    }
}

fn draft_line(draft: &Draft) -> String {
    let id = draft.client_id.as_ref().map_or("-", ClientId::as_str);
    let extra = draft.extra.as_ref().map_or_else(String::new, |extra| format!(" {extra}"));
    let alias = draft.alias.as_ref().map_or_else(String::new, |alias| format!(" called {alias}"));
    format!("{:?} {id} {}{extra}{alias}", draft.kind, draft.content)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("what is said is UTF-8")
}

/// The lines of a protocol page's JSON examples, before and after "What you are sent". Each is checked to be JSON.
pub(crate) fn examples(page: &str) -> (Vec<String>, Vec<String>) {
    let (sent, told) = page.split_once("## What you are sent").expect("a page says what is sent to a client");
    let lines = |part: &str| {
        let blocks = part.split("```json\n").skip(1).filter_map(|block| block.split_once("```"));
        let lines = blocks.flat_map(|(block, _)| block.lines().map(str::to_owned).collect::<Vec<_>>());
        lines.inspect(|line| assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}")).collect()
    };
    (lines(sent), lines(told))
}
