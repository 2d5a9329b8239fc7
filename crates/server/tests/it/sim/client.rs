//! Clients of the simulation: they speak a wire, keep what a client would keep, and remember what they were told.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::{Cursor, Millis, Offset};
use serde_json::{Value, json};
use server::frame::Opcode;

use super::events::Events;
use super::story::{Ack, Seen, Story};
use crate::world::World;
use crate::world::wire::{self, Ear, Received};

/// Which wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Rooms,
    Chat,
    /// `socketio`; see [`super::events`].
    Events,
}

/// A client.
pub(crate) struct Client {
    /// Its own, for its messages: a user may have several clients.
    pub(crate) name: String,
    pub(crate) door: Door,
    pub(crate) user: String,
    pub(crate) room: String,
    pub(crate) pipe: Option<usize>,
    pub(super) events: Events,
    ear: Ear,
    open: bool,
    pub(super) joined: bool,
    pub(super) confirmed: bool,
    /// Whether a list was asked for behind a join or a leave; until it comes, the place may still change.
    pub(super) unsettled: bool,
    /// It has left, and nothing went wrong with that so far.
    left: bool,
    /// It is in no room and sits in none: nothing may be told.
    outside: bool,
    /// Rooms that it made on this connection, in which it may sit silently.
    seats: BTreeSet<String>,
    /// Rooms that it made and has not told anybody of.
    pub(crate) made: Vec<String>,
    /// What it was told of rooms that it was not in.
    pub(crate) strays: Vec<String>,
    sent: u64,
    /// Sent and not acknowledged.
    pub(crate) unacked: BTreeSet<String>,
    pub(crate) acks: BTreeMap<String, Ack>,
    pub(super) last: Option<Cursor>,
    pub(crate) stories: Vec<Story>,
    /// It reads nothing until then.
    pub(crate) stalled_until: Millis,
    pub(crate) refused: u64,
}

impl Client {
    pub(crate) fn new(name: String, door: Door, user: String, room: String) -> Self {
        Self {
            name,
            door,
            user,
            room,
            pipe: None,
            events: Events::default(),
            ear: Ear::default(),
            open: false,
            joined: false,
            confirmed: false,
            unsettled: false,
            left: false,
            outside: false,
            seats: BTreeSet::new(),
            made: Vec::new(),
            strays: Vec::new(),
            sent: 0,
            unacked: BTreeSet::new(),
            acks: BTreeMap::new(),
            last: None,
            stories: Vec::new(),
            stalled_until: Millis(0),
            refused: 0,
        }
    }

    /// Opens a connection, on rooms usually from where the last one ended.
    pub(crate) fn connect(&mut self, world: &mut World, server: usize, shard: usize, resume: bool) {
        let pipe = world.connect(server, shard);
        let room = self.room.replace('#', "%23");
        let since = self.last.filter(|_| resume);
        let target = match (self.door, since) {
            (Door::Rooms, Some(cursor)) => format!("/ws/rooms/{room}?token={}&since={cursor}", self.user),
            (Door::Rooms, None) => format!("/ws/rooms/{room}?token={}", self.user),
            (Door::Chat, _) => format!("/ws/chat?token={}", self.user),
            (Door::Events, _) => "/socket.io/?EIO=4&transport=websocket".to_owned(),
        };
        self.events.connecting(resume);
        world.send(pipe, &wire::upgrade(&target, &[]));
        (self.pipe, self.ear, self.open, self.joined) = (Some(pipe), Ear::default(), false, false);
        (self.confirmed, self.unsettled, self.left, self.outside) = (false, false, false, self.door == Door::Chat);
        self.seats.clear();
    }

    /// The room's name that everybody knows.
    pub(crate) fn key(&self) -> String {
        match self.room.strip_prefix("direct:") {
            Some(other) if *other < *self.user => format!("dm-{other}-{}", self.user),
            Some(other) => format!("dm-{}-{other}", self.user),
            None => self.room.clone(),
        }
    }

    /// Whether it may go elsewhere: where it is, is settled.
    pub(crate) fn may_move(&self) -> bool {
        !self.unsettled
    }

    pub(crate) fn is_in(&self) -> bool {
        self.open && (self.door == Door::Rooms || self.joined)
    }

    /// Whether it is in, and is to be told everything from its story's first message on.
    pub(crate) fn is_told(&self) -> bool {
        self.open && (self.door == Door::Rooms || self.confirmed)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Closes without a word.
    pub(crate) fn cut(&mut self, world: &mut World) {
        if let Some(pipe) = self.pipe.take() {
            world.cut(pipe);
        }
        self.open = false;
    }

    fn say(&mut self, world: &mut World, value: &Value) {
        self.say_text(world, &value.to_string());
    }

    pub(super) fn say_text(&mut self, world: &mut World, text: &str) {
        if let Some(pipe) = self.pipe.filter(|_| self.open) {
            if world.story {
                println!("{} {} {pipe} {:?} > {text}", world.now, self.user, self.door);
            }
            world.send(pipe, &wire::masked(Opcode::Text, text.as_bytes()));
        }
    }

    /// Joins its room, from wherever it is. The wire says nothing to a join when the user is present on another
    /// connection: it holds unless an error comes.
    pub(crate) fn join(&mut self, world: &mut World) {
        if self.unsettled {
            return;
        }
        if self.door == Door::Events {
            return self.join_room(world);
        }
        (self.joined, self.confirmed, self.left, self.outside) = (true, false, false, false);
        self.say(world, &json!({"type": "join_room", "data": {"room_id": self.room}}));
        self.ask_behind(world);
    }

    pub(crate) fn leave(&mut self, world: &mut World) {
        if self.door == Door::Rooms || self.unsettled || !self.open {
            return;
        }
        if self.door == Door::Events {
            return self.leave_room(world);
        }
        // What was on its way still comes.
        (self.joined, self.confirmed, self.left) = (false, false, true);
        self.say(world, &json!({"type": "leave_room", "data": {}}));
        self.ask_behind(world);
    }

    /// The list comes behind what was asked before it.
    fn ask_behind(&mut self, world: &mut World) {
        self.unsettled = true;
        self.say(world, &json!({"type": "list_rooms", "data": {}}));
    }

    /// Makes a private room, and sits in it silently.
    pub(crate) fn make_room(&mut self, world: &mut World, seats: u64) {
        if self.door == Door::Chat && self.open && !self.unsettled {
            (self.left, self.outside) = (false, false);
            let data = json!({"name": "den", "type": "private", "max_users": seats});
            self.say(world, &json!({"type": "create_room", "data": data}));
            self.ask_behind(world);
        }
    }

    /// Says something new.
    pub(crate) fn speak(&mut self, world: &mut World) {
        self.sent += 1;
        // Under the room's name: the same id in another room would be another message.
        let client_id = format!("{}:{}:{}", self.name, self.key(), self.sent);
        self.unacked.insert(client_id.clone());
        self.repeat(world, &client_id);
    }

    /// Says something (again) under its client id; the text is the id, so that anybody can be asked about it.
    pub(crate) fn repeat(&mut self, world: &mut World, client_id: &str) {
        let value = match self.door {
            Door::Rooms => json!({"text": client_id, "client_id": client_id}),
            Door::Chat => json!({"type": "send_message", "data":
                {"type": "text", "content": client_id, "room_id": self.room, "client_id": client_id}}),
            Door::Events => return self.send_message(world, client_id),
        };
        self.say(world, &value);
    }

    pub(crate) fn type_something(&mut self, world: &mut World) {
        match self.door {
            Door::Rooms => self.say(world, &json!({"type": "typing_started", "data": {"userId": "somebody else"}})),
            Door::Chat => {}
            // It joins where it is, as stock clients do when they come back: the page has to fit what it was told.
            Door::Events if self.confirmed && !self.unsettled => self.join(world),
            Door::Events => {}
        }
    }

    /// Reads up to `most` bytes and takes in what they say.
    pub(crate) fn listen(&mut self, world: &mut World, most: usize) {
        let Some(pipe) = self.pipe else { return };
        let bytes = world.receive(pipe, most);
        self.ear.feed(bytes);
        while let Some(received) = self.ear.next() {
            self.take(world, pipe, received);
        }
        let ended = &world.pipes[pipe];
        if ended.server_closed && ended.to_client.is_empty() {
            (self.pipe, self.open) = (None, false);
        }
    }

    fn take(&mut self, world: &mut World, pipe: usize, received: Received) {
        match received {
            Received::Http { status: 101, .. } => {
                self.open = true;
                if self.door == Door::Rooms {
                    self.begin(world, pipe);
                }
            }
            Received::Http { .. } => self.refused += 1,
            Received::Ping(payload) => world.send(pipe, &wire::masked(Opcode::Pong, &payload)),
            Received::Pong(_) => {}
            Received::Binary(_) => panic!("these wires say nothing in binary"),
            Received::Close { code, .. } => {
                let code = code.unwrap_or(1000).to_be_bytes();
                world.send(pipe, &wire::masked(Opcode::Close, &code));
                self.open = false;
            }
            Received::Text(text) => {
                if world.story {
                    println!("{} {} {pipe} {:?} < {text}", world.now, self.user, self.door);
                }
                if self.door == Door::Events {
                    return self.told_event(world, pipe, &text);
                }
                let value: Value = serde_json::from_str(&text).expect("every frame is one JSON object");
                self.told(world, pipe, &value);
            }
        }
    }

    pub(super) fn begin(&mut self, world: &World, pipe: usize) {
        let let_in_at = world.head(world.pipes[pipe].server).offset;
        let room = self.key();
        let (seen, to_the_end) = (Vec::new(), false);
        self.stories.push(Story { room, from: None, page_end: None, let_in_at, seen, to_the_end });
    }

    /// A chat client knows that it is in: its own notice came, or a message.
    fn confirm(&mut self, world: &World, pipe: usize) {
        if self.door == Door::Chat && self.joined && !self.confirmed {
            self.confirmed = true;
            self.begin(world, pipe);
        }
    }

    fn told(&mut self, world: &mut World, pipe: usize, value: &Value) {
        match value["type"].as_str().expect("every frame has a type") {
            "resumed" => {
                let from: Cursor = cursor(&value["from"]);
                let story = self.stories.last_mut().expect("an upgrade began one");
                assert!(story.seen.is_empty(), "resumed comes first");
                story.from = Some(from.offset);
            }
            "ack" => self.acked(value["client_id"].as_str(), &value["id"], &value["seq"]),
            // A repeat's acknowledgement is the sender's own copy, wherever it is by now.
            "text" | "system" if value["room_id"] != json!(self.room) || !self.joined => {
                self.stray(value);
                self.acked(value["client_id"].as_str(), &value["id"], &value["seq"]);
            }
            "message" | "text" | "system" | "broadcast" => {
                self.confirm(world, pipe);
                self.heard(value, world.log_head());
            }
            "join" | "leave" if value["room_id"] != json!(self.room) || !self.joined => self.stray(value),
            "join" if value["user_uuid"] == json!(self.user) => self.confirm(world, pipe),
            "error" if self.door == Door::Chat && value["data"]["message"] != json!("user already in room") => {
                (self.joined, self.confirmed, self.left) = (false, false, false);
            }
            "rooms_list" => (self.unsettled, self.outside) = (false, self.left),
            "room_created" => {
                let id = value["data"]["id"].as_str().expect("a room has an id").to_owned();
                self.seats.insert(id.clone());
                self.made.push(id);
            }
            "resume_failed" | "error" | "join" | "leave" | "typing_started" | "typing_stopped" => {}
            other => panic!("an unknown frame: {other}"),
        }
    }

    /// Told of another room than its own. Wrong when it has left all, or when it is known to be in its own by now.
    fn stray(&mut self, value: &Value) {
        let arrived = self.joined && !self.unsettled;
        let sits_there = value["room_id"].as_str().is_some_and(|room| self.seats.contains(room));
        if (self.outside || arrived) && !sits_there && value.get("client_id").is_none() {
            self.strays.push(format!("{value}, in {} ({})", self.room, if self.outside { "none" } else { "arrived" }));
        }
    }

    pub(super) fn heard(&mut self, value: &Value, head: Offset) {
        let at = cursor(&value["cursor"]);
        let sender = match self.door {
            Door::Rooms => &value["sender_id"],
            Door::Chat => &value["user_uuid"],
            Door::Events => &value["sender_id"],
        };
        let own = value["client_id"].as_str();
        self.acked(own, &value["id"], &value["seq"]);
        if !self.is_told() {
            return;
        }
        let Some(story) = self.stories.last_mut() else { return };
        let before = story.seen.iter().rev().find(|seen| !seen.repeat).map(|seen| seen.offset);
        let repeat = own.is_some() && at.offset <= before.unwrap_or(story.let_in_at);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        story.seen.push(Seen {
            offset: at.offset,
            seq: value["seq"].as_u64(),
            id: text(&value["id"]),
            text: text(text_of(self.door, value)),
            sender: text(sender),
            head,
            repeat,
        });
        if !repeat {
            self.last = Some(at);
        }
    }

    pub(super) fn acked(&mut self, client_id: Option<&str>, id: &Value, seq: &Value) {
        let Some(client_id) = client_id else { return };
        let ack = Ack {
            user: self.user.clone(),
            client_id: client_id.to_owned(),
            id: id.as_str().expect("an ack has an id").to_owned(),
            seq: seq.as_u64(),
        };
        self.unacked.remove(client_id);
        let first = self.acks.entry(client_id.to_owned()).or_insert_with(|| ack.clone());
        assert_eq!(*first, ack, "a repeat gets the first result");
    }
}

fn text_of(door: Door, value: &Value) -> &Value {
    match door {
        Door::Rooms => &value["text"],
        Door::Chat | Door::Events => &value["content"],
    }
}

pub(super) fn cursor(value: &Value) -> Cursor {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no cursor"))
}
