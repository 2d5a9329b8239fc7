//! A client that says what a test has it say, and gives what it hears as JSON. It answers pings, like every library.

use serde_json::{Value, json};
use server::frame::Opcode;

use super::World;
use super::wire::{Ear, Received, masked, upgrade};

/// The client.
pub(crate) struct Line {
    pub(crate) pipe: usize,
    /// Whether it gives pings among what it hears, as `{"type":"a ping","place":N}`.
    pub(crate) shows_pings: bool,
    ear: Ear,
}

impl Line {
    /// Connects to the first shard, and is let in.
    pub(crate) fn connect(world: &mut World, target: &str) -> Self {
        Self::connect_at(world, 0, target)
    }

    fn connect_at(world: &mut World, shard: usize, target: &str) -> Self {
        let pipe = world.connect(0, shard);
        world.send(pipe, &upgrade(target, &[]));
        let mut line = Self { pipe, shows_pings: false, ear: Ear::default() };
        world.run_until(world.now.plus(1));
        line.ear.feed(world.receive(pipe, usize::MAX));
        assert!(matches!(line.ear.next(), Some(Received::Http { status: 101, .. })), "{target}");
        line
    }

    /// Connects in the native tongue, to this shard, from a cursor if it has one.
    pub(crate) fn native(world: &mut World, shard: usize, user: &str, resume: Option<&str>) -> Self {
        let line = Self::connect_at(world, shard, &format!("/ws/chat?token={user}"));
        let mut hello = json!({"type": "hello", "id": "hello", "data": {"version": 1}});
        if let Some(cursor) = resume {
            hello["data"]["resume"] = cursor.into();
        }
        line.say(world, &hello.to_string());
        line
    }

    /// Says something, and waits for nothing.
    pub(crate) fn say(&self, world: &mut World, text: &str) {
        world.send(self.pipe, &masked(Opcode::Text, text.as_bytes()));
    }

    /// What it has heard when this time has passed.
    pub(crate) fn hear(&mut self, world: &mut World, ms: u64) -> Vec<Value> {
        let end = world.now.plus(ms);
        let mut heard = Vec::new();
        loop {
            self.ear.feed(world.receive(self.pipe, usize::MAX));
            while let Some(received) = self.ear.next() {
                match received {
                    Received::Text(text) => heard.push(serde_json::from_str(&text).expect("frames are JSON")),
                    Received::Ping(payload) => {
                        world.send(self.pipe, &masked(Opcode::Pong, &payload));
                        let place = payload.try_into().map_or(0, u64::from_be_bytes);
                        heard.extend(self.shows_pings.then(|| json!({"type": "a ping", "place": place})));
                    }
                    other @ (Received::Http { .. }
                    | Received::Binary(_)
                    | Received::Pong(_)
                    | Received::Close { .. }) => panic!("{other:?}"),
                }
            }
            if world.now >= end {
                return heard;
            }
            world.run_until(world.now.plus(1));
        }
    }

    /// Says something with the id `7`, and gives the answer's data.
    pub(crate) fn ask(&mut self, world: &mut World, text: &str) -> Value {
        self.say(world, text);
        let heard = self.hear(world, 20);
        let answer = heard.iter().find(|frame| frame["id"] == "7");
        answer.unwrap_or_else(|| panic!("{text} was not answered: {heard:?}"))["data"].clone()
    }
}

/// A room that somebody makes natively.
pub(crate) fn den(world: &mut World, owner: &mut Line, kind: &str) -> String {
    let made = format!(r#"{{"type":"create_room","id":"7","data":{{"title":"den","kind":"{kind}"}}}}"#);
    owner.ask(world, &made)["room"]["id"].as_str().expect("it is made").to_owned()
}

/// A native frame that says something in a room.
pub(crate) fn send(room: &str, content: &str) -> String {
    let data = json!({"room_id": room, "content": content, "client_id": &content[..content.len().min(100)]});
    json!({"type": "send", "id": "7", "data": data}).to_string()
}

/// A native frame that is answered under the id `7`.
pub(crate) fn frame(kind: &str, data: &Value) -> String {
    json!({"type": kind, "id": "7", "data": data}).to_string()
}

/// The place up to which a native client has everything.
pub(crate) fn cursor(world: &mut World, line: &mut Line) -> String {
    line.ask(world, &frame("ping", &json!({})))["cursor"].as_str().expect("it is level").to_owned()
}

/// The texts of the messages among what was heard.
pub(crate) fn contents(heard: &[Value]) -> Vec<&str> {
    let messages = heard.iter().filter(|frame| frame["type"] == "message");
    messages.map(|frame| frame["data"]["content"].as_str().expect("messages have it")).collect()
}
