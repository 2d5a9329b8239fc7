//! Every frame and every answer of a transcript, held against the server's documents: the one place that sees them all.
//!
//! What the server says has to be described, always. What a client says too, unless it is broken on purpose: then it was
//! answered with an error, or it is one of those that are passed over in silence.

use std::collections::BTreeMap;

use dialects::{Ask, Dialect, Way};
use serde_json::Value;

use super::documents::Documents;

/// What clients say that means nothing, and is passed over: the contracts have no word for it.
const PASSED_OVER: [(&str, &str, &str); 5] = [
    (
        "socketio",
        r#"42["room_member_added",{"room_id":"r1","user_id":"bob","username":"bob"}]"#,
        "page 5: no such event",
    ),
    ("socketio", r#"42["no_such_event",7]"#, "page 5: no such event"),
    ("socketio", r#"421["get_typing_users",{}]"#, "RULES 22: malformed, this one is ignored"),
    ("socketio", r#"42["typing",{"roomId":7}]"#, "RULES 22: malformed, this one is ignored"),
    ("socketio", r#"42["typing"]"#, "RULES 22: malformed, this one is ignored"),
];

/// How many frames and answers were looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    pub(crate) said: usize,
    pub(crate) heard: usize,
    pub(crate) answers: usize,
    pub(crate) broken: usize,
}

/// A client, as far as documents go.
#[derive(Debug, Default)]
struct Client {
    dialect: &'static str,
    /// Its frames are JSON and nothing else.
    raw: bool,
    target: String,
    /// Its first frame was `hello`: it may speak a further tongue.
    greeted: bool,
    /// It was answered in that tongue.
    further: bool,
    spoke: bool,
    /// What it said since everybody was heard last, and is not described.
    broken: Vec<String>,
    /// Errors that it heard meanwhile.
    errors: usize,
    ended: bool,
}

/// The record of a transcript.
pub(crate) struct Record {
    documents: Documents,
    clients: BTreeMap<String, Client>,
    wrong: Vec<String>,
    pub(crate) looked: Looked,
}

impl Record {
    pub(crate) fn new(dialects: &[Box<dyn Dialect>]) -> Self {
        let (clients, wrong, looked) = (BTreeMap::new(), Vec::new(), Looked::default());
        Self { documents: Documents::new(dialects), clients, wrong, looked }
    }

    /// Somebody asks for a socket.
    pub(crate) fn connects(&mut self, who: &str, target: &str, dialects: &[Box<dyn Dialect>]) {
        let path = target.split('?').next().unwrap_or_default();
        let is_there = |dialect: &dyn Dialect| {
            dialect.doors().iter().any(|way| match way {
                Way::Socket(pattern) => Ask { path: path.to_owned(), ..Ask::default() }.captures(pattern),
                Way::Polled(_) | Way::Connections(_) | Way::Rest(_) => false,
            })
        };
        let found = dialects.iter().find(|dialect| is_there(dialect.as_ref()));
        let (dialect, raw) = found.map_or(("", true), |dialect| (dialect.name(), dialect.is_raw()));
        let client = Client { dialect, raw, target: path.to_owned(), ..Client::default() };
        self.clients.insert(who.to_owned(), client);
    }

    /// The answer to that, when it is no socket.
    pub(crate) fn refused(&mut self, who: &str, status: u16, body: &str) {
        if let Some(client) = self.clients.get(who).filter(|_| status != 101) {
            self.looked.answers += 1;
            self.wrong.extend(self.documents.answer("GET", &client.target, status, body).err());
        }
    }

    /// A client says a frame.
    pub(crate) fn says(&mut self, who: &str, payload: &[u8]) {
        let Some(client) = self.clients.get_mut(who) else { return };
        self.looked.said += 1;
        let text = String::from_utf8_lossy(payload).into_owned();
        let (_, json) = taken_apart(client.raw, &text);
        client.greeted |= !client.spoke && json.as_ref().is_ok_and(|json| json["type"] == "hello");
        client.spoke = true;
        let is_known = match &json {
            Ok(Value::Null) if !client.raw => true,
            Ok(json) => tongues(client, "receive").iter().any(|tongue| self.documents.message(tongue, json).is_ok()),
            Err(_) => client.dialect == "direct",
        };
        let is_passed_over = PASSED_OVER.iter().any(|(dialect, frame, _)| *dialect == client.dialect && *frame == text);
        if !is_known && !is_passed_over {
            client.broken.push(text);
        }
    }

    /// A client hears a frame.
    pub(crate) fn hears(&mut self, who: &str, text: &str) {
        let Some(client) = self.clients.get_mut(who) else { return };
        self.looked.heard += 1;
        let (head, json) = taken_apart(client.raw, text);
        let json = match json {
            Ok(Value::Null) if !client.raw && ["1", "2", "3", "3probe", "40", "41", "6"].contains(&head) => return,
            Ok(json) => json,
            Err(why) => return self.wrong.push(format!("{text}\n{why}")),
        };
        let mut why = String::new();
        for tongue in tongues(client, "send") {
            match self.documents.message(&tongue, &json) {
                Ok(name) if client.raw || fits(head, name) => {
                    client.further |= name == "hello";
                    let is_error = ["error", "connect_error", "ack.failed"].contains(&name);
                    client.errors += usize::from(is_error || json[1]["success"] == false);
                    return;
                }
                Ok(name) => why.push_str(&format!("{text}\nis {name}, which is no packet of this kind\n")),
                Err(other) => why.push_str(&other),
            }
        }
        self.wrong.push(format!("{who} heard {why}"));
    }

    /// A client's connection has ended.
    pub(crate) fn ends(&mut self, who: &str) {
        if let Some(client) = self.clients.get_mut(who) {
            client.ended = true;
        }
    }

    /// A request, and its answer.
    pub(crate) fn asks(&mut self, ask: &Ask, status: u16, body: &[u8]) {
        self.looked.answers += 1;
        let body = String::from_utf8_lossy(body);
        self.wrong.extend(self.documents.answer(&ask.method, &ask.path, status, &body).err());
        if status < 300 {
            self.wrong.extend(self.documents.request(&ask.method, &ask.path, &ask.body).err());
        }
    }

    /// Everything that was said has been heard. What was broken was answered so, frame by frame, or with the end.
    pub(crate) fn settled(&mut self) {
        for (who, client) in &mut self.clients {
            let broken = std::mem::take(&mut client.broken);
            self.looked.broken += broken.len();
            if broken.len() > client.errors && !client.ended {
                self.wrong.push(format!("{who} said what is not described, and heard no error: {broken:?}"));
            }
            client.errors = 0;
        }
    }

    /// What is not as described, since this was asked last.
    pub(crate) fn wrong(&mut self) -> Result<(), String> {
        match std::mem::take(&mut self.wrong) {
            wrong if wrong.is_empty() => Ok(()),
            wrong => Err(wrong.join("\n")),
        }
    }
}

/// The messages that a client may say or hear, by what their names begin with.
fn tongues(client: &Client, action: &str) -> Vec<String> {
    let plain = format!("{}.{action}.", client.dialect);
    let further = format!("{}.native.{action}.", client.dialect);
    match (client.greeted, client.further) {
        (false, _) => vec![plain],
        (true, false) => vec![plain, further],
        (true, true) => vec![further],
    }
}

/// A frame's head and its JSON, null where there is none.
fn taken_apart(raw: bool, text: &str) -> (&str, Result<Value, String>) {
    let at = if raw { 0 } else { text.find(['[', '{', '"']).unwrap_or(text.len()) };
    let (head, rest) = text.split_at(at);
    let json = match rest {
        "" if !raw => Ok(Value::Null),
        rest => serde_json::from_str(rest).map_err(|error| format!("it is no JSON: {error}")),
    };
    (head, json)
}

/// Whether a packet's head is that of such a message.
fn fits(head: &str, name: &str) -> bool {
    let (kind, number) = head.split_at(head.len().min(2));
    let is_number = number.chars().all(|c| c.is_ascii_digit());
    match name {
        "open" => head == "0",
        "connected" => head == "40",
        "connect_error" => kind == "44" && number.is_empty() || head.starts_with("44/"),
        name if name.starts_with("ack.") => kind == "43" && !number.is_empty() && is_number,
        _ => head == "42",
    }
}
