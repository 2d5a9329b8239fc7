//! The `socketio` side of a simulated client: Socket.IO packets over a WebSocket, and what a stock client keeps to come back
//! with: its session's name and the place of the last event.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::client::{Client, Door, cursor};
use crate::world::World;

/// What a stock client keeps.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// The session that it may return to.
    pid: Option<String>,
    /// It has asked to.
    returning: bool,
    /// It is to return when it connects.
    resume: bool,
    /// The server has told it that it is in its room.
    inside: bool,
    /// Acknowledgements that it waits for, by their number on this connection.
    asked: BTreeMap<u64, String>,
    last_ask: u64,
}

impl Events {
    pub(super) fn connecting(&mut self, resume: bool) {
        (self.resume, self.returning) = (resume, false);
        self.asked.clear();
    }
}

impl Client {
    fn emit(&mut self, world: &mut World, name: &str, data: &Value) {
        self.say_text(world, &format!("42{}", json!([name, data])));
    }

    /// It goes elsewhere, and comes as if for the first time.
    pub(super) fn forget_session(&mut self) {
        self.events.pid = None;
        if self.door == Door::Events {
            // By the name that everybody knows: one of its own is not kept for when it returns.
            self.room = self.key();
        }
    }

    pub(super) fn join_room(&mut self, world: &mut World) {
        (self.joined, self.confirmed, self.unsettled) = (true, false, true);
        let room = json!({"roomId": self.room});
        self.emit(world, "join_room", &room);
    }

    pub(super) fn leave_room(&mut self, world: &mut World) {
        // Whether it comes to pass or not, it does not count on being in any more.
        self.events.inside = false;
        (self.joined, self.confirmed, self.unsettled) = (false, false, true);
        let room = json!({"roomId": self.room});
        self.emit(world, "leave_room", &room);
    }

    pub(super) fn send_message(&mut self, world: &mut World, client_id: &str) {
        self.events.last_ask += 1;
        let id = self.events.last_ask;
        self.events.asked.insert(id, client_id.to_owned());
        let data = json!({"room_id": self.room, "content": client_id, "client_id": client_id});
        self.say_text(world, &format!("42{id}{}", json!(["send_message", data])));
    }

    pub(super) fn told_event(&mut self, world: &mut World, pipe: usize, text: &str) {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (kind, body) = text.split_at(digits.min(2));
        match kind {
            "0" => {
                self.events.returning = self.events.resume && self.events.pid.is_some() && self.last.is_some();
                let auth = match (&self.events.pid, self.last) {
                    (Some(pid), Some(last)) if self.events.returning => {
                        json!({"pid": pid, "offset": last.to_string()}).to_string()
                    }
                    _ => String::new(),
                };
                self.say_text(world, &format!("40{auth}"));
            }
            "2" => self.say_text(world, "3"),
            "40" => {
                let answer: Value = serde_json::from_str(body).expect("CONNECT is answered with an object");
                self.connected(world, pipe, &answer);
            }
            "42" => {
                let event: Value = serde_json::from_str(body).expect("an event is an array");
                self.told_of(world, pipe, &event);
            }
            "43" => {
                let (id, answer) = body.split_at(body.find('[').expect("an acknowledgement is an array"));
                let id: u64 = id.parse().expect("an acknowledgement has a number");
                let answer: Value = serde_json::from_str(answer).expect("an acknowledgement is an array");
                let client_id = self.events.asked.remove(&id).expect("what was asked is answered once");
                if answer[0]["success"] == json!(true) {
                    self.acked(Some(&client_id), &answer[0]["message"]["id"], &Value::Null);
                }
            }
            "41" | "1" | "6" => {}
            other => panic!("an unknown packet: {other} in {text}"),
        }
    }

    fn connected(&mut self, world: &mut World, pipe: usize, answer: &Value) {
        let pid = answer["pid"].as_str().expect("a session has a name to return by").to_owned();
        let recovered = self.events.returning && self.events.pid.as_ref() == Some(&pid);
        if recovered {
            // Nothing is missing: what it was in, it is in, from where it was.
            if self.events.inside {
                (self.joined, self.confirmed) = (true, true);
                self.begin(world, pipe);
                let from = self.last.map(|last| last.offset);
                self.stories.last_mut().expect("it has just begun").from = from;
            }
            return;
        }
        self.events.pid = Some(pid);
        self.events.inside = false;
        (self.joined, self.confirmed, self.last, self.unsettled) = (false, false, None, true);
        let who = json!({"userId": self.user});
        self.emit(world, "authenticate", &who);
    }

    fn told_of(&mut self, world: &mut World, pipe: usize, event: &Value) {
        let data = &event[1];
        let here = data["room_id"] == json!(self.room);
        match event[0].as_str().expect("an event has a name") {
            "authenticated" => {
                // The store may fail under it; then the server disconnects, and the client comes back.
                self.unsettled = data["success"] != json!(true);
            }
            "room_joined" => {
                (self.unsettled, self.events.inside) = (false, true);
                if self.joined && data["roomId"] == json!(self.room) {
                    self.confirmed = true;
                    self.begin(world, pipe);
                    let last = data["messages"].as_array().expect("there is a page").last();
                    let story = self.stories.last_mut().expect("it has just begun");
                    story.page_end = last.map(|message| message["id"].as_str().expect("an id").to_owned());
                }
            }
            // Its own leaving, or a removal.
            "room_left" => {
                (self.unsettled, self.events.inside) = (false, false);
                (self.joined, self.confirmed) = (false, false);
            }
            "error" => (self.joined, self.confirmed, self.unsettled) = (false, false, false),
            "new_message" => {
                // One order over all rooms and direct conversations, each event once (HAZARDS 2, 5).
                let at = cursor(&event[2]);
                if self.last.is_some_and(|last| at.offset <= last.offset) {
                    self.strays.push(format!("{at} after {:?}: {data}", self.last));
                }
                let mut message = data.clone();
                message["cursor"] = event[2].clone();
                if here && self.joined {
                    self.heard(&message, world.log_head());
                } else {
                    self.last = Some(at);
                }
            }
            "user_joined" | "user_left" | "user_typing" | "messages_read" | "message_deleted" => {}
            other => panic!("an unknown event: {other}"),
        }
    }
}
