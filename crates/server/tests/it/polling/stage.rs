//! Plays a case: requests and sockets of one client on the production shards, without HTTP and without sockets.

use std::collections::BTreeMap;

use dialects::{Answer, Ask, Dialect, Poll};
use domain::limits::Policy;
use server::frame::Opcode;
use server::shard::{Allowance, Input, PollCall, Timing};
use std::sync::Arc;

use crate::sim::OpenGate;
use crate::world::wire::{Ear, Received, masked, upgrade};
use crate::world::{Chaos, Setup, World};

/// Sessions come to one of them, sockets to the other: each takeover moves.
const SHARDS: u8 = 2;

/// What a client holds on to under a name.
enum Held {
    Request(u64),
    Socket(usize, Ear),
}

/// The stage.
pub(super) struct Stage {
    pub(super) world: World,
    dialects: Arc<Vec<Box<dyn Dialect>>>,
    path: String,
    version: String,
    pub(super) sid: String,
    held: BTreeMap<String, Held>,
    pub(super) tokens: u64,
}

impl Stage {
    pub(super) fn new(path: &str, seed: u64, chaos: Chaos) -> Self {
        let dialects = Arc::new(dialects::conformance::dialects());
        let setup = Setup {
            shards: SHARDS,
            policy: Policy::default(),
            timing: Timing::default(),
            allowance: Allowance::default(),
            dialects: dialects.clone(),
            gate: Arc::new(OpenGate),
            disk: None,
        };
        let world = World::new(seed, chaos, setup, 1);
        let (path, version, sid) = (path.to_owned(), "4".to_owned(), String::new());
        Self { world, dialects, path, version, sid, held: BTreeMap::new(), tokens: 0 }
    }

    /// A request, as HTTP hands it to a shard. Its answer comes under the token.
    pub(super) fn request(&mut self, method: &str, query: &str, content_type: &str, body: Vec<u8>) -> u64 {
        self.tokens += 1;
        let token = self.tokens;
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let (method, path, query) = (method.to_owned(), self.path.clone(), query.to_owned());
        let ask = Ask { method, path, query, headers, body, ..Ask::default() };
        let doors = self.dialects.clone();
        let place = usize::from(self.path == "/socket.io/");
        let polling = doors[place].polling().expect("both endpoints are polled");
        let poll = polling.poll(&ask);
        let shard = match &poll {
            Poll::Answer(answer) => {
                self.world.answers.insert(token, answer.clone());
                return token;
            }
            Poll::Open => 0,
            Poll::Get(sid) | Poll::Post(sid) => usize::from(sid.connection.0.to_be_bytes()[0]),
        };
        if shard >= usize::from(SHARDS) {
            self.world.answers.insert(token, polling.unknown(&ask));
        } else if ask.body.len() > polling.body_bytes_max() {
            self.world.answers.insert(token, polling.too_large(&ask));
        } else {
            let dialect = u8::try_from(place).expect("two endpoints");
            self.world.poll(0, shard, Input::Polled(Box::new(PollCall { token, dialect, poll, ask })));
        }
        token
    }

    /// The query of a request of the session.
    pub(super) fn query(&self, transport: &str) -> String {
        format!("EIO={}&transport={transport}&sid={}", self.version, self.sid)
    }

    /// A socket, at the shard where no session begins.
    pub(super) fn socket(&mut self, query: &str) -> usize {
        let pipe = self.world.connect(0, 1);
        let target = format!("{}?{query}", self.path);
        self.world.send(pipe, &upgrade(&target, &[]));
        pipe
    }

    /// Opens a session.
    pub(super) fn open(&mut self, query: &str) -> Result<(), String> {
        query.split('&').filter_map(|pair| pair.strip_prefix("EIO=")).for_each(|version| self.version = version.into());
        let token = self.request("GET", &format!("{query}&transport=polling"), "", Vec::new());
        self.settle();
        let answer = self.world.answers.remove(&token).ok_or("a handshake is answered at once")?;
        // In a script it stands in a text.
        let body = String::from_utf8_lossy(&answer.body).replace('\\', "");
        let sid = body.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next());
        self.sid = sid.ok_or(format!("no session in {} {body}", answer.status))?.to_owned();
        Ok(())
    }

    /// Everything happens that takes no time.
    pub(super) fn settle(&mut self) {
        self.world.run_until(self.world.now);
    }

    /// Plays a line.
    pub(super) fn play(&mut self, line: &str) -> Result<(), String> {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match first {
            "open" => return self.open(rest),
            "wait" => {
                let ms = rest.parse().map_err(|_| "wait for how many ms?")?;
                self.world.run_until(self.world.now.plus(ms));
                return Ok(());
            }
            _ => {}
        }
        let (verb, given) = rest.split_once(' ').unwrap_or((rest, ""));
        let given = expand(&given.replace("$sid", &self.sid));
        match verb {
            "GET" | "POST" | "PUT" | "OCTETS" | "SCRIPT" | "FORM" => self.begin(first, verb, &given),
            "socket" => {
                let query = match given.is_empty() {
                    true => self.query("websocket"),
                    false => String::from_utf8_lossy(given.strip_prefix(b"?").unwrap_or(&given)).into_owned(),
                };
                let pipe = self.socket(&query);
                self.held.insert(first.to_owned(), Held::Socket(pipe, Ear::default()));
                self.settle();
            }
            _ => return self.go_on(first, verb, &given),
        }
        Ok(())
    }

    fn begin(&mut self, name: &str, verb: &str, given: &[u8]) {
        let asked = given.strip_prefix(b"?").map(|query| String::from_utf8_lossy(query).into_owned());
        let query = asked.clone().unwrap_or_else(|| self.query("polling"));
        let (method, content_type, query) = match verb {
            "OCTETS" => ("POST", "application/octet-stream", query),
            "SCRIPT" => ("GET", "", format!("{query}&j=7")),
            "FORM" => ("POST", "application/x-www-form-urlencoded", format!("{query}&j=7")),
            method => (method, "text/plain;charset=UTF-8", query),
        };
        let body = if asked.is_some() { Vec::new() } else { given.to_vec() };
        let token = self.request(method, &query, content_type, body);
        self.held.insert(name.to_owned(), Held::Request(token));
        self.settle();
    }

    fn go_on(&mut self, name: &str, verb: &str, given: &[u8]) -> Result<(), String> {
        let held = self.held.get_mut(name).ok_or(format!("nothing is called {name}"))?;
        match held {
            Held::Request(token) => {
                let token = *token;
                self.expect_answer(token, verb, given)
            }
            Held::Socket(pipe, ear) => {
                let pipe = *pipe;
                match verb {
                    "says" => self.world.send(pipe, &masked(Opcode::Text, given)),
                    "sends" => self.world.send(pipe, &masked(Opcode::Binary, given)),
                    "cut" => self.world.cut(pipe),
                    _ => {
                        ear.feed(self.world.receive(pipe, usize::MAX));
                        let closed = self.world.pipes[pipe].server_closed;
                        return expect_frame(ear, closed, verb, given);
                    }
                }
                self.settle();
                Ok(())
            }
        }
    }

    fn expect_answer(&mut self, token: u64, verb: &str, given: &[u8]) -> Result<(), String> {
        let answer = self.world.answers.get(&token);
        match (verb, answer) {
            ("waits", None) => Ok(()),
            ("off", None) => {
                let sid = self.sid.parse().map_err(|_| "no session")?;
                self.world.poll(0, 0, Input::PollGone(sid, token));
                self.settle();
                Ok(())
            }
            ("type", Some(answer)) if answer.content_type.as_bytes() == given => Ok(()),
            (_, None) => Err("no answer".to_owned()),
            (status, Some(answer)) => {
                let uncached = answer.headers.contains(&("cache-control", "no-store".to_owned()));
                if answer.status == 200 && !uncached {
                    return Err("an answer that may be cached".to_owned());
                }
                let fits = status == answer.status.to_string() && is_like(&answer.body, given);
                if fits { Ok(()) } else { Err(shown(answer)) }
            }
        }
    }
}

fn expect_frame(ear: &mut Ear, closed: bool, verb: &str, given: &[u8]) -> Result<(), String> {
    let received = ear.next();
    let fits = match (verb, &received) {
        ("opens", Some(Received::Http { status: 101, .. })) => true,
        ("refused", Some(Received::Http { status: 400, body, .. })) => is_like(body.as_bytes(), given),
        ("hears", Some(Received::Text(text))) => is_like(text.as_bytes(), given),
        ("receives", Some(Received::Binary(bytes))) => bytes == given,
        ("closes", Some(Received::Close { .. })) => true,
        ("silent", None) => !closed,
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("it was {received:?}, closed: {closed}")) }
}

fn shown(answer: &Answer) -> String {
    format!("it was {} {:?}", answer.status, String::from_utf8_lossy(&answer.body))
}

/// `\x1e` is a byte, `{{4*1000}}` a thousand fours.
fn expand(text: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(c) = rest.chars().next() {
        if let Some(byte) = rest.strip_prefix("\\x").and_then(|hex| u8::from_str_radix(hex.get(..2)?, 16).ok()) {
            out.push(byte);
            rest = &rest[4..];
        } else if let Some((many, behind)) = rest.strip_prefix("{{").and_then(|many| many.split_once("}}")) {
            let (what, count) = many.split_once('*').expect("{{what*count}}");
            out.extend(what.repeat(count.parse().expect("a count")).bytes());
            rest = behind;
        } else {
            out.extend_from_slice(&rest.as_bytes()[..c.len_utf8()]);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// Whether bytes are as a pattern says, in which a star stands for anything without a quotation mark.
fn is_like(bytes: &[u8], pattern: &[u8]) -> bool {
    let Some(star) = pattern.iter().position(|byte| *byte == b'*') else { return bytes == pattern };
    let Some(mut rest) = bytes.strip_prefix(&pattern[..star]) else { return false };
    loop {
        if is_like(rest, &pattern[star + 1..]) {
            return true;
        }
        match rest.split_first() {
            Some((byte, behind)) if *byte != b'"' => rest = behind,
            Some(_) | None => return false,
        }
    }
}
