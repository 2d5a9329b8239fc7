//! Clients that speak the native tongue: they go and come back with the last cursor that they saw, and remember what they were
//! told from one `hello` that could not resume to the next. What they were told then has to be all of it, once, in order.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::event::{Event, What};
use domain::facts::RoomFacts;
use domain::id::{Cursor, Millis, Offset, UserId};
use domain::model::{RoomKey, RoomKind};
use serde_json::{Value, json};
use server::frame::Opcode;

use crate::world::World;
use crate::world::wire::{self, Ear, Received};

/// Their users, which nobody else is.
pub(super) const USERS: [&str; 3] = ["nat0", "nat1", "nat2"];

/// What was told from one beginning on, over as many connections as resumed.
#[derive(Debug)]
pub(crate) struct Chapter {
    from: Offset,
    /// Offsets with the frames that told them.
    told: Vec<(Offset, Value)>,
    /// It was live, and had been told everything, when the run ended.
    to_the_end: bool,
}

/// A client.
pub(crate) struct Native {
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) pipe: Option<usize>,
    ear: Ear,
    greeted: bool,
    live: bool,
    /// The last cursor seen in any frame.
    cursor: Option<String>,
    pub(crate) chapters: Vec<Chapter>,
    /// Frames of sends by their client ids, and whether they were acknowledged.
    pub(crate) sent: BTreeMap<String, (String, bool)>,
    /// Rooms that it was told of, and messages in them.
    pub(crate) rooms: Vec<String>,
    messages: Vec<String>,
    count: u64,
    pub(crate) stalled_until: Millis,
}

impl Native {
    pub(crate) fn new(name: String, user: &str) -> Self {
        Self {
            name,
            user: user.to_owned(),
            pipe: None,
            ear: Ear::default(),
            greeted: false,
            live: false,
            cursor: None,
            chapters: Vec::new(),
            sent: BTreeMap::new(),
            rooms: Vec::new(),
            messages: Vec::new(),
            count: 0,
            stalled_until: Millis(0),
        }
    }

    pub(crate) fn connect(&mut self, world: &mut World, server: usize, shard: usize) {
        let pipe = world.connect(server, shard);
        world.send(pipe, &wire::upgrade(&format!("/ws/chat?token={}", self.user), &[]));
        (self.pipe, self.ear, self.greeted, self.live) = (Some(pipe), Ear::default(), false, false);
        let mut hello = json!({"type": "hello", "id": "hello", "data": {"version": 1}});
        if let Some(cursor) = &self.cursor {
            hello["data"]["resume"] = json!(cursor);
        }
        self.say(world, &hello.to_string());
    }

    /// Closes without a word.
    pub(crate) fn cut(&mut self, world: &mut World) {
        if let Some(pipe) = self.pipe.take() {
            world.cut(pipe);
        }
        self.live = false;
    }

    pub(crate) fn listen(&mut self, world: &mut World, most: usize) {
        let Some(pipe) = self.pipe else { return };
        let bytes = world.receive(pipe, most);
        self.ear.feed(bytes);
        while let Some(received) = self.ear.next() {
            match received {
                Received::Http { status: 101, .. } | Received::Pong(_) => {}
                Received::Http { status, body, .. } => {
                    assert!(status >= 500, "{} may come: {status} {body}", self.name);
                }
                Received::Ping(payload) => world.send(pipe, &wire::masked(Opcode::Pong, &payload)),
                Received::Binary(_) => panic!("nothing is said in binary"),
                Received::Close { code, .. } => {
                    let code = code.unwrap_or(1000).to_be_bytes();
                    world.send(pipe, &wire::masked(Opcode::Close, &code));
                }
                Received::Text(text) => {
                    if world.story {
                        println!("{} {} {pipe} < {text}", world.now, self.name);
                    }
                    self.hear(&serde_json::from_str(&text).expect("JSON is said"));
                }
            }
        }
        let ended = &world.pipes[pipe];
        if ended.server_closed && ended.to_client.is_empty() {
            (self.pipe, self.live) = (None, false);
        }
    }

    fn hear(&mut self, frame: &Value) {
        let data = &frame["data"];
        match (frame["type"].as_str().expect("every frame has a type"), frame.get("id")) {
            ("hello", _) => {
                self.greeted = true;
                let cursor: Cursor = data["cursor"].as_str().and_then(|it| it.parse().ok()).expect("a cursor");
                if data["resumed"] != json!(true) {
                    self.chapters.push(Chapter { from: cursor.offset, told: Vec::new(), to_the_end: false });
                }
            }
            ("ack", _) => {
                let id = data["client_id"].as_str().expect("a send's own id");
                self.sent.get_mut(id).unwrap_or_else(|| panic!("{id} was never sent")).1 = true;
            }
            ("live", None) => self.live = true,
            // Of what was refused nothing follows: the checks are made on the log.
            (_, Some(_)) | ("error", _) => return,
            (_, None) => {}
        }
        if let Some(offset) = data.get("offset").and_then(Value::as_u64).filter(|_| frame.get("id").is_none())
            && data.get("cursor").is_some()
        {
            self.told(Offset(offset), frame);
        }
        if let Some(cursor) = data.get("cursor").and_then(Value::as_str).filter(|_| frame.get("id").is_none()) {
            self.cursor = Some(cursor.to_owned());
        } else if frame["type"] == "hello" {
            self.cursor = data["cursor"].as_str().map(str::to_owned);
        }
    }

    fn told(&mut self, offset: Offset, frame: &Value) {
        let data = &frame["data"];
        let room = data["room_id"].as_str().expect("what happened has a room").to_owned();
        if !self.rooms.contains(&room) {
            self.rooms.push(room);
        }
        if let (Some(message), "message") = (data["message_id"].as_str(), frame["type"].as_str().unwrap_or_default()) {
            self.messages.push(message.to_owned());
        }
        let chapter = self.chapters.last_mut().expect("nothing is told before hello");
        chapter.told.push((offset, frame.clone()));
    }

    fn say(&self, world: &mut World, text: &str) {
        if let Some(pipe) = self.pipe {
            if world.story {
                println!("{} {} {pipe} > {text}", world.now, self.name);
            }
            world.send(pipe, &wire::masked(Opcode::Text, text.as_bytes()));
        }
    }

    fn ask(&self, world: &mut World, kind: &str, data: &Value) {
        self.say(world, &json!({"type": kind, "id": "x", "data": data}).to_string());
    }

    fn some(world: &mut World, all: &[String]) -> Option<String> {
        let place = usize::try_from(world.dice.below(all.len() as u64)).expect("small");
        all.get(place).cloned()
    }

    /// One of the things that it does. `others` are users, `known` rooms that somebody has made.
    pub(crate) fn act(&mut self, world: &mut World, others: &[&str], known: &[String]) {
        if !self.greeted || self.pipe.is_none() {
            return;
        }
        let what = world.dice.below(100);
        let other = others[usize::try_from(world.dice.below(others.len() as u64)).expect("small")];
        let room = Self::some(world, &self.rooms).unwrap_or_else(|| "nowhere".to_owned());
        let message = Self::some(world, &self.messages);
        match (what, message) {
            (0..4, _) => {
                let kind = if world.dice.chance(500) { "public" } else { "private" };
                self.ask(world, "create_room", &json!({"title": "T", "kind": kind}));
            }
            (4..10, _) => {
                let join = Self::some(world, known).unwrap_or(room);
                let history = world.dice.below(3) * 5;
                self.ask(world, "join", &json!({"room_id": join, "history": history}));
            }
            (10..13, _) => self.ask(world, "leave", &json!({"room_id": room})),
            (13..28, _) => {
                let acts = ["invite", "kick", "ban", "unban", "mute", "unmute", "role"];
                let act = acts[usize::try_from(world.dice.below(7)).expect("small")];
                self.ask(world, act, &json!({"room_id": room, "user_id": other, "role": "moderator"}));
            }
            (28..36, Some(message)) => {
                let text = format!("edit {}", self.next());
                self.ask(world, "edit", &json!({"message_id": message, "content": text}));
            }
            (36..42, Some(message)) => self.ask(world, "delete", &json!({"message_id": message})),
            (42..56, Some(message)) => {
                let on = world.dice.chance(700);
                self.ask(world, "react", &json!({"message_id": message, "emoji": "+", "on": on}));
            }
            (56..60, _) => self.say(world, r#"{"type":"ping","id":"p"}"#),
            (60..66, _) => self.repeat(world, 1),
            (66..74, _) => {
                let id = self.next();
                self.send(world, &id, &json!({"to": other, "content": id, "client_id": id}));
            }
            _ => {
                let id = self.next();
                self.send(world, &id, &json!({"room_id": room, "content": id, "client_id": id}));
            }
        }
    }

    fn next(&mut self) -> String {
        self.count += 1;
        format!("{}:{}", self.name, self.count)
    }

    fn send(&mut self, world: &mut World, id: &str, data: &Value) {
        let frame = json!({"type": "send", "id": "x", "data": data}).to_string();
        self.say(world, &frame);
        self.sent.insert(id.to_owned(), (frame, false));
    }

    /// Says some of it again.
    pub(crate) fn repeat(&mut self, world: &mut World, most: usize) {
        let open: Vec<String> =
            self.sent.values().filter(|(_, acked)| !acked).map(|(frame, _)| frame.clone()).collect();
        open.iter().take(most).for_each(|frame| self.say(world, frame));
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live && self.pipe.is_some()
    }

    pub(crate) fn ends(&mut self) {
        if let Some(chapter) = self.chapters.last_mut() {
            chapter.to_the_end = true;
        }
    }
}

/// Who belonged where, after each event, and who might read there.
type Belonging = BTreeMap<(UserId, RoomKey), BTreeMap<Offset, Rights>>;

#[derive(Debug, Clone, Copy)]
struct Rights {
    belongs: bool,
    /// It is public, and they were not put out.
    reads: bool,
}

/// Checks all of them against the log; gives how much was told.
pub(crate) fn check(events: &[Arc<Event>], natives: &[Native]) -> Result<usize, String> {
    let mut facts: HashMap<&RoomKey, RoomFacts> = HashMap::new();
    let (mut belonging, mut rooms): (Belonging, HashMap<&RoomKey, Vec<&Arc<Event>>>) =
        (BTreeMap::new(), HashMap::new());
    let users: Vec<UserId> = USERS.iter().map(|user| UserId::new(user).expect("valid")).collect();
    for event in events {
        rooms.entry(&event.room).or_default().push(event);
        match facts.get_mut(&event.room) {
            Some(facts) => facts.apply(event),
            None => drop(RoomFacts::born(event).map(|born| facts.insert(&event.room, born))),
        }
        let Some(facts) = facts.get(&event.room) else { continue };
        for user in &users {
            let belongs = event.room.other(user).is_some() || facts.role(user).is_some();
            let rights = Rights { belongs, reads: facts.kind == RoomKind::Public && !facts.is_out(user) };
            belonging.entry((user.clone(), event.room.clone())).or_default().insert(event.offset, rights);
        }
    }
    let mut told = 0;
    for native in natives {
        let user = UserId::new(&native.user).expect("valid");
        for chapter in &native.chapters {
            whole(events, &belonging, &rooms, &user, chapter).map_err(|why| format!("{}: {why}", native.name))?;
            told += chapter.told.len();
        }
        for (id, (frame, acked)) in &native.sent {
            let kept = events
                .iter()
                .filter(|event| event.by.id == user && event.message().is_some_and(|message| *message.content == **id));
            let kept = kept.count();
            if kept > 1 || (*acked && kept == 0) {
                return Err(format!("{id} was acknowledged: {acked}, and is kept {kept} times"));
            }
            if !acked && frame.contains(r#""to":"#) {
                return Err(format!("{id} was never acknowledged"));
            }
        }
    }
    Ok(told)
}

/// In one order, each thing once and as it was, only what is theirs, and all of it.
fn whole(
    events: &[Arc<Event>],
    belonging: &Belonging,
    rooms: &HashMap<&RoomKey, Vec<&Arc<Event>>>,
    user: &UserId,
    chapter: &Chapter,
) -> Result<(), String> {
    let mut last = chapter.from;
    for (at, frame) in &chapter.told {
        if *at <= last {
            return Err(format!("told of {at} after {last}: out of order or twice"));
        }
        last = *at;
        let event = events.iter().find(|event| event.offset == *at).ok_or(format!("there is no {at}"))?;
        as_it_was(event, frame)?;
        let mine = &belonging[&(user.clone(), event.room.clone())];
        let after = mine[at];
        // Whoever makes a room hears so, and whoever is put out of one hears that.
        let about_me = match &event.what {
            What::MemberRemoved { user: whom, .. } | What::MemberSet { user: whom, .. } => whom == user,
            What::RoomMade { .. } => event.by.id == *user,
            What::Sent(_)
            | What::Edited { .. }
            | What::Deleted { .. }
            | What::Reacted { .. }
            | What::Retitled { .. }
            | What::Notice { .. } => false,
        };
        // A shard that is behind begins to tell at its own place: a moment before they belong, where they might read, or
        // have never been put out.
        let never = mine.range(..*at).all(|(_, before)| !before.belongs);
        let about_to = (never || after.reads) && mine.range(*at..).any(|(_, later)| later.belongs);
        if !after.belongs && !about_me && !about_to {
            return Err(format!("told of {at} in {}, which is not theirs", event.room.shown()));
        }
    }
    let end = if chapter.to_the_end { Offset(u64::MAX) } else { last };
    for (room, all) in rooms {
        let Some(mine) = belonging.get(&(user.clone(), (*room).clone())) else { continue };
        for event in all.iter().filter(|event| event.offset > chapter.from && event.offset <= end) {
            let throughout = mine.range(event.offset..=end).all(|(_, rights)| rights.belongs);
            // What makes a room is of before anybody belongs, but for the two of a conversation.
            let told = chapter.told.binary_search_by_key(&event.offset, |(at, _)| *at).is_ok();
            if throughout && !told {
                return Err(format!("{} in {} is missing", event.offset, room.shown()));
            }
        }
    }
    Ok(())
}

fn as_it_was(event: &Event, frame: &Value) -> Result<(), String> {
    let (kind, data) = (frame["type"].as_str().unwrap_or_default(), &frame["data"]);
    let so = match &event.what {
        What::Sent(message) => kind == "message" && data["content"] == json!(&*message.content),
        What::Edited { of, content, .. } => {
            kind == "edited" && data["content"] == json!(&**content) && data["of"] == json!(of.0)
        }
        What::Deleted { of, .. } => kind == "deleted" && data["of"] == json!(of.0),
        What::Reacted { of, emoji, on, .. } => {
            kind == "reaction"
                && data["of"] == json!(of.0)
                && data["emoji"] == json!(&**emoji)
                && data["on"] == json!(on)
        }
        What::MemberSet { user, member } => {
            kind == "member" && data["user_id"] == json!(user.as_str()) && data["muted"] == json!(member.muted)
        }
        What::MemberRemoved { user, .. } => kind == "removed" && data["user_id"] == json!(user.as_str()),
        What::RoomMade { .. } => kind == "room_made",
        What::Retitled { title } => kind == "retitled" && data["title"] == json!(&**title),
        What::Notice { .. } => kind == "notice",
    };
    let place = data["seq"] == json!(event.seq.0)
        && data["cursor"] == json!(event.cursor().to_string())
        && data["room_id"] == json!(&*event.room.shown())
        && data["by"]["id"] == json!(event.by.id.as_str());
    if so && place { Ok(()) } else { Err(format!("told {frame}, the log has {event:?}")) }
}
