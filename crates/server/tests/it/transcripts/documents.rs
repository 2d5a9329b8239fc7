//! The server's documents as judges: whether what is said on sockets and over HTTP is what they describe.
//!
//! What the server says is held to the letter: an object may have no key that isn't described, although clients are told to
//! expect some one day. What a client says may have more, for the server ignores that.

use std::collections::BTreeMap;

use dialects::{Ask, Dialect, spec};
use serde_json::{Value, json};
use server::http::docs;

use super::schema::{Schemas, Wrong};

/// What an operator's back end says, or is told: anything, so that every frame would be one of these.
const ANYTHING: [&str; 2] = ["gateway.receive.routed", "gateway.send.posted"];

/// A message of a channel.
struct Message {
    /// `rooms.send.ack`
    name: String,
    schema: Value,
}

struct Route {
    method: String,
    path: String,
    /// By status; none for an answer without a body.
    answers: BTreeMap<String, Option<Value>>,
    body: Option<Value>,
}

/// What the documents describe.
pub(crate) struct Documents {
    /// To the letter.
    closed: Schemas,
    /// With whatever else clients say.
    open: Schemas,
    messages: Vec<Message>,
    routes: Vec<Route>,
}

impl Documents {
    /// Those of a server with these dialects.
    pub(crate) fn new(dialects: &[Box<dyn Dialect>]) -> Self {
        // Transcripts are played without the server's own pages, so that dialects answer where those would.
        let mut own: Value = serde_json::from_str(docs::OWN).expect("our own text is JSON");
        own["operations"] = json!({});
        let openapi = plain(&spec::openapi(dialects, &own.to_string(), "0"));
        let asyncapi = plain(&spec::asyncapi(dialects, "0"));
        let mut root = json!({"components": {"schemas": {}}});
        for document in [&openapi, &asyncapi] {
            for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
                root["components"]["schemas"][name] = schema.clone();
            }
        }
        let closed = Schemas::new(close(root.clone()));
        let all = asyncapi["components"]["messages"].as_object().expect("it has messages");
        let message = |(name, message): (&String, &Value)| {
            let schema = message["payload"].clone();
            let schema = if name.contains(".send.") { close(schema) } else { schema };
            Message { name: name.clone(), schema }
        };
        let messages = all.iter().map(message).collect();
        Self { closed, open: Schemas::new(root), messages, routes: routes(&openapi) }
    }

    /// Which of the messages that begin with this (`rooms.send.`) a frame is.
    ///
    /// # Errors
    /// It is none of them; why not the likeliest.
    pub(crate) fn message(&self, prefix: &str, frame: &Value) -> Result<&str, String> {
        let mut likeliest: Option<Wrong> = None;
        let is_judged = |name: &str| name == prefix || name.starts_with(prefix) && !ANYTHING.contains(&name);
        for message in self.messages.iter().filter(|message| is_judged(&message.name)) {
            let schemas = if message.name.contains(".send.") { &self.closed } else { &self.open };
            match schemas.validate(&message.schema, frame) {
                Ok(()) => return Ok(&message.name[prefix.len()..]),
                // What is wrong deepest inside is wrong with the schema that fits best.
                Err(why) if likeliest.as_ref().is_none_or(|other| why.depth > other.depth) => likeliest = Some(why),
                Err(_) => {}
            }
        }
        Err(format!("{frame}\nis no message of {prefix}*\n{}", likeliest.map_or(String::new(), |why| why.to_string())))
    }

    fn route(&self, method: &str, path: &str) -> Option<&Route> {
        // What has fewer captures is meant more narrowly.
        let fits = |route: &&Route| {
            route.method == method && Ask { path: path.to_owned(), ..Ask::default() }.captures(&route.path)
        };
        self.routes.iter().filter(fits).min_by_key(|route| route.path.matches('{').count())
    }

    /// Whether an answer over HTTP is one that is described there. The server's own words are everywhere.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn answer(&self, method: &str, path: &str, status: u16, body: &str) -> Result<(), String> {
        let otherwise = self.routes.iter().find_map(|route| route.answers.get("default")?.as_ref());
        let route = self.route(method, path);
        let described = route.and_then(|route| route.answers.get(&status.to_string()));
        let range = route.and_then(|route| route.answers.get(&format!("{}XX", status / 100))?.as_ref());
        let schemas = match described {
            Some(None) if body.is_empty() => return Ok(()),
            Some(schema) => vec![schema.as_ref(), range, otherwise],
            None => vec![range, otherwise],
        };
        let value = serde_json::from_str(body).unwrap_or_else(|_| Value::from(body));
        let mut why = String::new();
        for schema in schemas.into_iter().flatten() {
            match self.closed.validate(schema, &value) {
                Ok(()) => return Ok(()),
                Err(wrong) => why.push_str(&format!("{wrong}\n")),
            }
        }
        Err(format!("{method} {path}: {status} {body}\nis no answer that is described there\n{why}"))
    }

    /// Whether a request's body is one that is described there.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn request(&self, method: &str, path: &str, body: &[u8]) -> Result<(), String> {
        let route = self.route(method, path).ok_or_else(|| format!("{method} {path} is not described"))?;
        let (Some(schema), false) = (&route.body, body.is_empty()) else { return Ok(()) };
        let value: Value = serde_json::from_slice(body).map_err(|error| format!("{method} {path}: {error}"))?;
        self.open.validate(schema, &value).map_err(|wrong| format!("{method} {path} {value}\n{wrong}"))
    }
}

fn plain(document: &spec::Node) -> Value {
    serde_json::from_str(&document.pretty()).expect("a document is JSON")
}

/// What a document refers to.
fn found<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or_else(|| panic!("{pointer} leads nowhere")),
        None => value,
    }
}

fn routes(openapi: &Value) -> Vec<Route> {
    let schema = |of: &Value| {
        let contents = of.get("content")?.as_object()?;
        contents.values().next()?.get("schema").cloned()
    };
    let mut routes = Vec::new();
    for (path, item) in openapi["paths"].as_object().expect("it has paths") {
        let referred = found(openapi, item).as_object().expect("a path has operations");
        let own = item.as_object().into_iter().flatten().filter(|(method, _)| *method != "$ref");
        let referred = referred.iter().filter(|_| item.get("$ref").is_some());
        for (method, operation) in own.chain(referred) {
            let answers = operation["responses"].as_object().expect("an operation has answers").iter();
            let answers =
                answers.map(|(status, answer)| (status.clone(), schema(found(openapi, answer)).map(close))).collect();
            let body = operation.get("requestBody").and_then(schema);
            routes.push(Route { method: method.to_ascii_uppercase(), path: path.clone(), answers, body });
        }
    }
    routes
}

/// Objects have the keys that are described, where nothing is said of others.
fn close(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let mut entries: serde_json::Map<_, _> =
                entries.into_iter().map(|(key, value)| (key, close(value))).collect();
            let is_object = entries.get("type").is_some_and(|kind| kind == "object");
            if is_object && entries.contains_key("properties") && !entries.contains_key("additionalProperties") {
                entries.insert("additionalProperties".into(), Value::Bool(false));
            }
            Value::Object(entries)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(close).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}
