//! Plays a transcript on a world in which nothing takes time: the production node, shards, sessions, gate and settings
//! (their defaults are the contracts'), two shards with clients on each in turn, a clock that moves when the transcript
//! says so.

mod client;
mod hands;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use adapters::auth::{KEY_RANDOM_BYTES, KeyRing, new_key};
use adapters::port::{Holder, Key, Store};
use dialects::{Answer, Ask, Dialect};
use domain::id::Millis;
use domain::identity::Scopes;
use serde_json::Value;
use server::config::table::SETTINGS;
use server::config::{Config, Inputs, load};
use server::frame::Opcode;
use server::gate::Keeper;
use server::serve;
use server::shard::{Allowance, Gate};

use self::client::{Client, Got, shown};
use super::bound::Bound;
use super::http;
use super::parse::{Expected, Frame, Line, What};
use super::record::Record;
use crate::world::wire::{self, Ear};
use crate::world::{Chaos, Setup, World};

const SHARDS: u8 = 2;
/// How far the clock moves at a time: clients answer pings within this.
const STEP_MS: u64 = 500;

/// A transcript under way.
pub(crate) struct Stage {
    world: World,
    dialects: Arc<Vec<Box<dyn Dialect>>>,
    gate: Arc<dyn Gate>,
    secret: Option<String>,
    bound: Bound,
    clients: BTreeMap<String, Client>,
    connections: usize,
    /// The answer to the last request, until it is looked at.
    answer: Option<Answer>,
    tokens: u64,
    /// Who has said something that has not arrived yet.
    talking: Option<String>,
    pub(crate) record: Record,
}

impl Stage {
    /// The server that the lines ask for: development mode or a key.
    ///
    /// # Errors
    /// When they ask for neither, or both.
    pub(crate) fn new(lines: &[Line], disk: Option<Arc<dyn Store>>) -> Result<Self, String> {
        let (keys, shown) = keys(lines)?;
        let config = Arc::new(config(lines)?);
        let gate: Arc<dyn Gate> = Arc::new(Keeper::new(config.clone(), Arc::new(KeyRing::new(&keys))));
        let dialects = Arc::new(dialects::registry(&serve::dialect_settings(&config)));
        let secret = config.auth.secret.as_ref().map(|secret| secret.expose().to_owned());
        let setup = Setup {
            shards: SHARDS,
            policy: config.policy.clone(),
            timing: serve::timing(&config),
            allowance: Allowance::default(),
            dialects: dialects.clone(),
            gate: gate.clone(),
            disk,
        };
        let world = World::new(1, Chaos::none(), setup, 1);
        let mut bound = Bound::new(world.now);
        bound.credentials = shown;
        let (clients, connections, answer, tokens, talking) = (BTreeMap::new(), 0, None, 0, None);
        let record = Record::new(&dialects);
        Ok(Self { world, dialects, gate, secret, bound, clients, connections, answer, tokens, talking, record })
    }

    /// Plays one line.
    ///
    /// # Errors
    /// What was expected and what came instead.
    pub(crate) fn play(&mut self, what: &What) -> Result<(), String> {
        // What one client says without looking up arrives together; before anything else everybody has heard it.
        let talks_on = matches!(what, What::Say { who, .. } | What::SayBinary { who, .. }
            if self.talking.as_ref() == Some(who));
        if !talks_on {
            self.settle();
            self.record.wrong()?;
        }
        match what {
            What::Dev | What::Secret(_) | What::Set(..) | What::Key { .. } => Ok(()),
            What::Token { name, claims } => self.token(name, claims),
            What::Clock(ms) => {
                self.pass(*ms);
                Ok(())
            }
            What::Connect { who, target, headers } => self.connect(who, target, headers),
            What::Connected { who, answer } => self.connected(who, answer),
            What::Say { who, text } => {
                let text = self.bound.fill(text)?;
                self.say(who, Opcode::Text, text.as_bytes())
            }
            What::SayBinary { who, bytes } => self.say(who, Opcode::Binary, bytes),
            What::Hear { who, frame } => self.hear(who, frame),
            What::HearNothing { who } => match self.client(who)?.got.pop_front() {
                None => Ok(()),
                Some(got) => Err(format!("expected nothing\n     got {}", shown(&got))),
            },
            What::HearClose { who, code, reason } => self.hear_close(who, *code, reason),
            What::Close { who } => self.close(who),
            What::Rest { method, target, headers, body } => self.rest(method, target, headers, body.as_deref()),
            What::Answered(expected) => {
                let answer = self.answer.take().ok_or("no request stands before this answer")?;
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                let mut headers = vec![("content-type".to_owned(), answer.content_type.to_owned())];
                headers.extend(answer.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)));
                self.compare(expected, answer.status, &headers, &body)
            }
        }
    }

    /// The end of the transcript: every answer was looked at.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        self.settle();
        self.record.wrong()?;
        if self.answer.is_some() { Err("the last answer was not looked at".into()) } else { Ok(()) }
    }

    fn client(&mut self, who: &str) -> Result<&mut Client, String> {
        self.clients.get_mut(who).ok_or_else(|| format!("{who} has never connected"))
    }

    fn token(&mut self, name: &str, claims: &Value) -> Result<(), String> {
        let secret = self.secret.as_ref().ok_or("a token wants a @secret")?;
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key);
        self.bound.credentials.insert(name.into(), token.map_err(|error| error.to_string())?);
        Ok(())
    }

    fn connect(&mut self, who: &str, target: &str, headers: &[(String, String)]) -> Result<(), String> {
        if self.clients.get(who).is_some_and(|client| !client.ended) {
            return Err(format!("{who} is connected already"));
        }
        let target = self.bound.fill(target)?;
        let headers = self.filled(headers)?;
        let pipe = self.world.connect(0, self.connections % usize::from(SHARDS));
        self.connections += 1;
        self.record.connects(who, &target, &self.dialects);
        self.world.send(pipe, &wire::upgrade(&target, &headers));
        let client = Client { pipe, ear: Ear::default(), got: VecDeque::new(), ended: false };
        self.clients.insert(who.to_owned(), client);
        Ok(())
    }

    fn filled(&self, headers: &[(String, String)]) -> Result<Vec<(String, String)>, String> {
        headers.iter().map(|(name, value)| Ok((name.clone(), self.bound.fill(value)?))).collect()
    }

    fn connected(&mut self, who: &str, expected: &Expected) -> Result<(), String> {
        match self.client(who)?.got.pop_front() {
            Some(Got::Http { status, head, body }) => {
                let lines = head.lines().filter_map(|line| line.split_once(':'));
                let headers: Vec<_> =
                    lines.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
                self.compare(expected, status, &headers, &body)
            }
            Some(got) => Err(format!("expected an answer to the upgrade\n     got {}", shown(&got))),
            None => Err("expected an answer to the upgrade\n     got nothing".into()),
        }
    }

    fn compare(
        &mut self,
        expected: &Expected,
        status: u16,
        headers: &[(String, String)],
        body: &str,
    ) -> Result<(), String> {
        let want = expected.body.as_ref().map_or(String::new(), ToString::to_string);
        let differ =
            |why: String| format!("expected {} {want}\n     got {status} {body}\n     ({why})", expected.status);
        if status != expected.status {
            return Err(differ("another status".into()));
        }
        if let Some(want) = &expected.body {
            let got: Value = serde_json::from_str(body).map_err(|_| differ("no JSON".into()))?;
            self.bound.check(want, &got, self.world.now).map_err(differ)?;
        }
        for (name, want) in &expected.headers {
            let got = headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
            let (_, got) = got.ok_or_else(|| differ(format!("no header {name}")))?;
            self.bound.check_text(want, got, self.world.now).map_err(|why| differ(format!("{name}: {why}")))?;
        }
        Ok(())
    }

    fn say(&mut self, who: &str, opcode: Opcode, payload: &[u8]) -> Result<(), String> {
        let client = self.clients.get(who).filter(|client| !client.ended);
        let pipe = client.ok_or_else(|| format!("{who} is not connected"))?.pipe;
        self.world.send(pipe, &wire::masked(opcode, payload));
        if matches!(opcode, Opcode::Text) {
            self.record.says(who, payload);
        }
        self.talking = Some(who.to_owned());
        Ok(())
    }

    fn hear(&mut self, who: &str, frame: &Frame) -> Result<(), String> {
        match self.client(who)?.got.pop_front() {
            Some(Got::Text(text)) => {
                let checked = self.bound.check_frame(frame, &text, self.world.now);
                checked.map_err(|why| format!("expected {frame}\n     got {text}\n     ({why})"))
            }
            Some(got) => Err(format!("expected {frame}\n     got {}", shown(&got))),
            None => Err(format!("expected {frame}\n     got nothing")),
        }
    }

    fn hear_close(&mut self, who: &str, code: u16, reason: &str) -> Result<(), String> {
        match self.client(who)?.got.pop_front() {
            Some(Got::Close(Some(got), why)) if got == code && why == reason => Ok(()),
            Some(got) => Err(format!("expected close {code} {reason}\n     got {}", shown(&got))),
            None => Err(format!("expected close {code} {reason}\n     got nothing")),
        }
    }

    fn close(&mut self, who: &str) -> Result<(), String> {
        self.say(who, Opcode::Close, &1000_u16.to_be_bytes())?;
        self.settle();
        let client = self.client(who)?;
        client.ended = true;
        let pipe = client.pipe;
        self.world.cut(pipe);
        Ok(())
    }

    fn rest(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: Option<&str>,
    ) -> Result<(), String> {
        if self.answer.is_some() {
            return Err("the answer before this was not looked at".into());
        }
        let target = self.bound.fill(target)?;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut headers = self.filled(headers)?;
        headers.insert(0, ("host".into(), "localhost:8000".into()));
        headers.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
        let body = body.map(|body| self.bound.fill(body)).transpose()?.unwrap_or_default().into_bytes();
        let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
        let mut ask = Ask { method, path, query, headers, body, ..Ask::default() };
        let (dialects, gate) = (self.dialects.clone(), self.gate.clone());
        let answer = http::answer(&mut self.world, &dialects, &*gate, &mut ask, &mut self.tokens);
        self.record.asks(&ask, answer.status, &answer.body);
        self.answer = Some(answer);
        Ok(())
    }

    /// Time passes, and clients stay alive.
    fn pass(&mut self, ms: u64) {
        let until = self.world.now.plus(ms);
        while self.world.now < until {
            let next = self.world.now.plus(STEP_MS).min(until);
            self.world.run_until(next);
            self.settle();
        }
    }

    /// Everything that was said has been heard.
    fn settle(&mut self) {
        self.talking = None;
        loop {
            self.world.run_until(self.world.now);
            let mut answered = false;
            for (who, client) in &mut self.clients {
                answered |= client.listen(who, &mut self.world, &mut self.record);
            }
            if !answered {
                return self.record.settled();
            }
        }
    }
}

/// The settings that the lines ask for, read as an operator's are.
fn config(lines: &[Line]) -> Result<Config, String> {
    let mut environment = BTreeMap::new();
    let mut modes = 0;
    for line in lines {
        if line.what == What::Dev {
            modes += 1;
        } else if let What::Secret(secret) = &line.what {
            modes += 1;
            environment.insert("JWT_SECRET".to_owned(), secret.clone());
        } else if let What::Set(name, value) = &line.what {
            if !SETTINGS.iter().any(|setting| setting.name == name) {
                return Err(format!("there is no setting {name}"));
            }
            environment.insert(name.clone(), value.clone());
        }
    }
    if modes != 1 {
        return Err("a transcript has either @dev or @secret".into());
    }
    let read = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    let inputs = Inputs { flags: &[], file: None, environment: &environment, read: &read };
    load(&inputs, &serve::door_names()).config.map_err(|problems| format!("{problems:?}"))
}

/// The keys of back ends that the lines ask for, and how they are shown.
fn keys(lines: &[Line]) -> Result<(Vec<Key>, BTreeMap<String, String>), String> {
    let (mut keys, mut shown) = (Vec::new(), BTreeMap::new());
    for line in lines {
        let What::Key { name, scopes } = &line.what else { continue };
        let mut granted = Scopes::NONE;
        for scope in scopes {
            let known = Scopes::NAMED.iter().find(|(known, _)| known == scope);
            granted = granted.and(known.ok_or_else(|| format!("there is no scope {scope}"))?.1);
        }
        let number = u8::try_from(keys.len()).map_err(|_| "too many keys")?;
        let holder = Holder::Service(name.as_str().into(), granted);
        let made = new_key(holder, &[number; KEY_RANDOM_BYTES], Millis(0)).map_err(|fault| fault.to_string())?;
        keys.push(made.key);
        shown.insert(name.clone(), made.shown);
    }
    Ok((keys, shown))
}
