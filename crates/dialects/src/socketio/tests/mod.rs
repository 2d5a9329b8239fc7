//! The application alone: packets in, steps out; news in, frames out; requests in, commands out.

mod back;
mod messages;
mod publish;
mod rest;
mod rooms;
mod talk;
mod tell;

use std::sync::Arc;

use domain::Text;
use domain::command::Reply;
use domain::event::{Event, What};
use domain::id::{ConnectionId, MessageId, Millis, SessionKey};
use domain::identity::Denied;
use domain::model::{Message, MessageKind};
use domain::refusal::Refusal;

use super::SocketIo;
use super::app::{Ack, App, Connect, Event as Told};
use super::engine::{Takes, Version};
use super::line::{Line, Manner};
use super::out::{Out, Place, Places};
use super::packet::{MAIN, Packet};
use super::talk::Talk;
use crate::cases::{NOW, ask, event, lines, message, opening, person};
use crate::step::{CallId, Frame, Step};
use crate::{Dialect, Sid, Way, door};

/// An id as the contract's services give them.
const BOB: &str = "bbbbbbbb-0000-4000-8000-000000000002";
/// A message that there is.
const ID: &str = "00000000-0000-0000-0000-0000000000ab";
/// The pid of a new session, and of one that a client brings back.
const FRESH: &str = "00000000000000000000000000000003";
const OLD: &str = "000000000000000000000000000000aa";

const NONE: [&str; 0] = [];
/// A client is put out for good.
const OUT: [&str; 2] = ["< 41", "close 1000 "];

fn error(message: &str) -> String {
    format!(r#"< 42["error",{{"message":"{message}"}}]"#)
}

fn remember(call: u32, session: &str, rooms: &str) -> String {
    format!("{call} remember {session} {rooms} None")
}

fn enter(call: u32, room: &str) -> String {
    format!("{call} enter {room} Page(50)")
}

/// A client with its conversation, and nothing below it.
struct Client {
    line: Line,
    places: Places,
    talk: Talk,
    steps: Vec<Step>,
}

impl Client {
    fn of(version: Version, unproved: bool) -> Self {
        let (manner, sid) =
            (Manner { version, takes: Takes::Binary, polled: false }, Sid { connection: ConnectionId(1), secret: 2 });
        let mut steps = Vec::new();
        let line = Line::open(manner, crate::socketio::TIMING, sid, NOW, &mut steps);
        let talk = Talk::new(unproved, SessionKey(3));
        let places = Places::new(talk.namespaces(), [0; 14]);
        Self { line, places, talk, steps: Vec::new() }
    }

    /// One that has connected.
    fn connected() -> Self {
        let mut client = Self::of(Version::Four, false);
        client.says("0");
        client
    }

    /// One that is alice.
    fn alice() -> Self {
        let mut client = Self::connected();
        client.says(r#"2["authenticate",{"userId":"alice"}]"#);
        client.identified(Ok("alice"));
        client.answered(0, Ok(&Reply::Done));
        client
    }

    /// One that is alice, in this room.
    fn inside(room: &str) -> Self {
        let mut client = Self::alice();
        client.says(&format!(r#"2["join_room",{{"roomId":"{room}"}}]"#));
        client.answered(1, Ok(&Reply::Done));
        client.answered(2, Ok(&crate::cases::entered(room)));
        client
    }

    fn does(&mut self, act: impl FnOnce(&mut Talk, &mut Out<'_>)) -> Vec<String> {
        let Self { line, places, talk, steps } = self;
        act(talk, &mut Out { line, places, steps });
        lines(steps)
    }

    /// A packet, without the type of the Engine.IO message.
    fn says(&mut self, text: &str) -> Vec<String> {
        let now = NOW;
        match Packet::read(self.line.version(), text).expect("a packet that can be read") {
            Packet::Connect { query, auth, .. } => {
                self.places.set(MAIN, Place::Asked);
                self.does(|talk, out| talk.connect(Connect { namespace: MAIN, auth, query }, now, out))
            }
            Packet::Disconnect { .. } => {
                self.places.set(MAIN, Place::Out);
                self.does(|talk, out| talk.left(MAIN, now, out))
            }
            Packet::Event(event) => {
                let ack = event.id.map(|id| Ack::new(MAIN, id));
                let name = event.name.unwrap_or_default();
                let told = Told { namespace: MAIN, name: &name, arguments: event.arguments, ack, attachments: &[] };
                self.does(|talk, out| talk.event(told, now, out))
            }
            Packet::Ack { .. } | Packet::ConnectError { .. } => Vec::new(),
        }
    }

    fn answered(&mut self, call: CallId, reply: Result<&Reply, &Refusal>) -> Vec<String> {
        self.does(|talk, out| talk.answer(call, reply, NOW, out))
    }

    fn identified(&mut self, who: Result<&str, Denied>) -> Vec<String> {
        let who = who.map(person);
        self.does(|talk, out| talk.identified(who.as_ref().map_err(|why| *why), NOW, out))
    }

    fn wakes(&mut self, at: Millis) -> Vec<String> {
        self.does(|talk, out| talk.wake(at, out))
    }
}

/// A message of this user's, as this door keeps it.
fn said(room: &str, by: &str, extra: Option<&str>) -> Arc<Event> {
    said_through(door::SOCKETIO, room, by, extra)
}

fn said_through(door: domain::id::Door, room: &str, by: &str, extra: Option<&str>) -> Arc<Event> {
    let message = Message { extra: extra.map(Text::from), ..message(MessageKind::Text, "hi", None) };
    let mut event = Arc::unwrap_or_clone(event(room, by, What::Sent(message)));
    event.door = door;
    Arc::new(event)
}

/// The message object of facts 3, as alice's or bob's.
fn object(by: &str, receiver: &str, room: &str) -> String {
    let shown = crate::cases::NOW_SHOWN;
    format!(
        r#"{{"id":"{ID}","sender_id":"{by}","receiver_id":{receiver},"room_id":{room},"content":"hi","message_type":"text","is_delivered":false,"is_read":false,"created_at":"{shown}","updated_at":"{shown}","username":"{by}","sender_name":"{by}","sender_display_name":"{by}"}}"#
    )
}

/// The id of [`ID`].
fn id() -> MessageId {
    MessageId(0xab)
}

/// What happens at the door: what the connection says before the application is asked anything.
#[test]
fn the_door_opens_for_sockets_and_requests_and_is_nobodys_at_first() {
    let door = SocketIo { unproved: false };
    let named = |way: &Way| match way {
        Way::Socket(path) => format!("socket {path}"),
        Way::Polled(path) => format!("polled {path}"),
        Way::Connections(_) | Way::Rest(_) => String::new(),
    };
    let ways: Vec<String> = door.doors().iter().map(named).filter(|way| !way.is_empty()).collect();
    assert_eq!(ways, ["socket /socket.io/", "socket /socket.io", "polled /socket.io/", "polled /socket.io"]);
    assert!(!door.knows_at_once() && !door.is_raw() && door.polling().is_some());
    let ask = |query: &str| ask("GET", "/socket.io/", query, &[("upgrade", "websocket")]);
    let mut steps = Vec::new();
    let mut session = door.open(&ask("EIO=4&transport=websocket"), &opening(None), NOW, &mut steps);
    let said = lines(&mut steps);
    assert_eq!(said[0], "101");
    assert!(
        said[1].ends_with(r#""upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#),
        "{said:?}"
    );
    // Page 1: ten seconds to connect, thirty to say who it is.
    assert_eq!(session.deadline(), Some(Millis(NOW.0 + 10_000)));
    session.hear(Frame::Text("40"), NOW, &mut steps);
    assert!(lines(&mut steps).concat().contains(FRESH));
    assert_eq!(session.deadline(), Some(Millis(NOW.0 + 25_000)), "the first ping");
    session.hear(Frame::Text(r#"42["join_room",{"roomId":"r"}]"#), NOW, &mut steps);
    assert_eq!(lines(&mut steps), [error("Not authenticated")]);
    session.hear(Frame::Text(r#"42["authenticate",{"userId":"alice"}]"#), NOW, &mut steps);
    session.identified(Ok(&person("alice")), NOW, &mut steps);
    assert_eq!(lines(&mut steps).len(), 4);
    session.expired(&mut steps);
    assert_eq!(lines(&mut steps), OUT);
}
