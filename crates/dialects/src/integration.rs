//! Routes that are carried out elsewhere: what a URL of the operator's is told of a connection, in the shape of AWS's
//! proxy event for WebSocket APIs, and how its answer is read. Pure: whoever has [`crate::Step::Integrate`] carried out
//! does the waiting, and the outcome comes to [`crate::Session::integrated`].
//!
//! A session that integrates keeps an [`Integrated`] from its opening on; each of the three kinds of events is a method
//! of it. What is sent says who the client is by its request, as AWS does: headers and query of `$connect` go out whole.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Text;
use domain::id::{ConnectionId, Millis};
use serde::{Deserialize, Serialize};

use crate::ask::{Answer, Ask};
use crate::connections::{AGENT_BYTES_MAX, Caller, Identity};
use crate::names::ConnectionNames;

/// The route of a client that connects; its answer decides.
pub const CONNECT: &str = "$connect";
/// The route of a client that has gone.
pub const DISCONNECT: &str = "$disconnect";
/// The route of what no other route takes.
pub const DEFAULT: &str = "$default";
/// What `apiId` says: there is one API here.
const API_ID: &str = "switchboard";

/// What the operator has carried out elsewhere. Where, the session need not know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes {
    /// Route keys (`GATEWAY_INTEGRATION_ROUTES`); none when nothing is.
    pub keys: Vec<String>,
    /// Whether the answer to a message is said to its client (`GATEWAY_ROUTE_RESPONSES`).
    pub responses: bool,
}

/// Whose a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    /// The URL's, under this route key.
    Elsewhere(&'a str),
    /// The door's own.
    Ours,
    /// Nobody's.
    Nobodys,
}

impl Routes {
    /// Whether this route is carried out elsewhere.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|known| known == key)
    }

    /// Whose a message with this action is; `ours` says that the door knows the action. A route that is named is the
    /// URL's, whether the door knows it too or not. The keys with a `$` are chosen by no message.
    #[must_use]
    pub fn of(&self, action: Option<&str>, ours: bool) -> Route<'_> {
        let named = action.filter(|action| !action.starts_with('$'));
        if let Some(key) = self.keys.iter().find(|key| named == Some(key.as_str())) {
            return Route::Elsewhere(key);
        }
        match self.keys.iter().find(|key| *key == DEFAULT) {
            _ if ours => Route::Ours,
            Some(key) => Route::Elsewhere(key),
            None => Route::Nobodys,
        }
    }
}

/// What came of telling the URL.
pub type Outcome = Result<Response, NoResponse>;

/// What the URL answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body, bounded by whoever read it.
    pub body: Vec<u8>,
}

/// Why it answered nothing that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoResponse {
    /// Too much is under way; nothing was sent.
    Busy,
    /// It could not be reached, broke off, or answered too much.
    Failed,
    /// It took too long.
    TimedOut,
}

/// What is told of one connection, kept by its session.
#[derive(Debug, Clone)]
pub struct Integrated {
    names: ConnectionNames,
    id: ConnectionId,
    stage: String,
    host: String,
    caller: Caller,
    connected_at: Millis,
    /// Private: each request's number is new, so that no two have one name.
    requests: u64,
}

impl Integrated {
    /// What is told of a connection that was asked for by `ask`, on the door whose path is `/{stage}`.
    #[must_use]
    pub fn new(names: ConnectionNames, id: ConnectionId, ask: &Ask, now: Millis) -> Self {
        let stage = ask.path.trim_matches('/').to_owned();
        let host = ask.header("host").unwrap_or_default().to_owned();
        Self { names, id, stage, host, caller: caller(ask), connected_at: now, requests: 0 }
    }

    /// The event of `$connect`.
    #[must_use]
    pub fn connect(&mut self, ask: &Ask, now: Millis) -> Vec<u8> {
        let (mut headers, mut query) = (Pairs::default(), Pairs::default());
        ask.headers.iter().for_each(|(name, value)| headers.add(shown(name), value.clone()));
        ask.parameters().into_iter().for_each(|(name, value)| query.add(name, value));
        let query = (!query.last.is_empty()).then_some(query);
        let mut event = self.event(CONNECT, "CONNECT", now);
        (event.headers, event.multi_value_headers) = (Some(headers.last), Some(headers.all));
        if let Some(Pairs { last, all }) = query {
            (event.query_string_parameters, event.multi_value_query_string_parameters) = (Some(last), Some(all));
        }
        event.written()
    }

    /// The event of a message on this route.
    #[must_use]
    pub fn message(&mut self, key: &str, body: &str, now: Millis) -> Vec<u8> {
        let mut event = self.event(key, "MESSAGE", now);
        event.request_context.message_id = Some(self.names.request(self.id, self.requests | 1 << 63));
        event.body = Some(body);
        event.written()
    }

    /// The event of `$disconnect`: how the connection was closed, 1006 when it broke off.
    #[must_use]
    pub fn disconnect(&mut self, code: u16, reason: &str, now: Millis) -> Vec<u8> {
        let mut event = self.event(DISCONNECT, "DISCONNECT", now);
        event.request_context.disconnect_status_code = Some(code);
        event.request_context.disconnect_reason = Some(reason);
        let mut headers = Pairs::default();
        headers.add("Host".into(), self.host.clone());
        (event.headers, event.multi_value_headers) = (Some(headers.last), Some(headers.all));
        event.written()
    }

    fn event<'a>(&mut self, route_key: &'a str, event_type: &'static str, now: Millis) -> Event<'a> {
        self.requests += 1;
        let request_id = self.names.request(self.id, self.requests);
        Event {
            request_context: Context {
                route_key,
                disconnect_status_code: None,
                message_id: None,
                event_type,
                extended_request_id: request_id.clone(),
                request_time: request_time(now),
                message_direction: "IN",
                disconnect_reason: None,
                stage: self.stage.clone(),
                connected_at: self.connected_at.0,
                request_time_epoch: now.0,
                identity: (&self.caller).into(),
                request_id,
                domain_name: self.host.clone(),
                connection_id: self.names.name(self.id),
                api_id: API_ID,
            },
            headers: None,
            multi_value_headers: None,
            query_string_parameters: None,
            multi_value_query_string_parameters: None,
            body: None,
            is_base64_encoded: false,
        }
    }
}

/// From where a request comes.
#[must_use]
pub fn caller(ask: &Ask) -> Caller {
    let cut = |text: &str| {
        let end = (0..=AGENT_BYTES_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        Text::from(&text[..end])
    };
    Caller { source: ask.peer, agent: ask.header("user-agent").map(cut) }
}

/// Whether a client may connect, by what the URL said to `$connect`; with the subprotocol that it chose.
///
/// # Errors
/// What the client is answered instead.
pub fn admitted(outcome: &Outcome) -> Result<Option<Text>, Answer> {
    let refused = |status: u16, words: &str| {
        // What no HTTP client would read as the end of its request is no refusal, whatever was meant.
        let status = if (400..600).contains(&status) { status } else { 500 };
        Answer::json(status, &serde_json::json!({ "message": words }))
    };
    let answered = match outcome {
        Ok(response) => read(response),
        Err(NoResponse::Busy) => return Err(refused(503, "Service Unavailable")),
        Err(NoResponse::Failed) => return Err(refused(502, "Bad Gateway")),
        Err(NoResponse::TimedOut) => return Err(refused(500, "Internal server error")),
    };
    match answered {
        Some(answered) if (200..300).contains(&answered.status) => Ok(answered.protocol),
        Some(answered) if answered.status == 401 => Err(refused(401, "Unauthorized")),
        Some(answered) if (400..500).contains(&answered.status) => Err(refused(answered.status, "Forbidden")),
        Some(answered) => Err(refused(answered.status, "Internal server error")),
        None => Err(refused(502, "Bad Gateway")),
    }
}

/// What the client is told of what the URL said to a message, when answers are said at all ([`Routes::responses`]).
///
/// # Errors
/// The URL failed: the client hears its wire's words for a failure, whether answers are said or not.
pub fn said(outcome: &Outcome) -> Result<Option<String>, NoResponse> {
    let response = outcome.as_ref().map_err(|none| *none)?;
    let answered = read(response).ok_or(NoResponse::Failed)?;
    if answered.is_proxys || answered.status < 500 { Ok(answered.body) } else { Err(NoResponse::Failed) }
}

/// An answer as it was meant.
struct Answered {
    status: u16,
    /// None when it is empty.
    body: Option<String>,
    protocol: Option<Text>,
    /// It has the shape of a proxy response, with a status of its own.
    is_proxys: bool,
}

/// Reads a proxy response, or a plain one; none when what it says can't be read.
fn read(response: &Response) -> Option<Answered> {
    let proxys: Option<Proxys> = serde_json::from_slice(&response.body).ok();
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    let Some(proxys) = proxys.filter(|_| (200..300).contains(&response.status)) else {
        let body = String::from_utf8(response.body.clone()).ok()?;
        return Some(Answered { status: response.status, body: text(body), protocol: None, is_proxys: false });
    };
    let body = match proxys.body {
        Some(body) if proxys.is_base64_encoded => String::from_utf8(STANDARD.decode(body).ok()?).ok()?,
        Some(body) => body,
        None => String::new(),
    };
    let protocol = proxys.headers.unwrap_or_default().into_iter().find_map(|(name, value)| {
        name.eq_ignore_ascii_case("sec-websocket-protocol").then(|| value.as_str().map(Text::from))?
    });
    Some(Answered { status: proxys.status_code, body: text(body), protocol, is_proxys: true })
}

/// A proxy response, as a Lambda function gives it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proxys {
    status_code: u16,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    headers: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// A proxy event. Its fields stand in AWS's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_string_parameters: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    route_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect_status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    event_type: &'static str,
    extended_request_id: String,
    request_time: String,
    message_direction: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect_reason: Option<&'a str>,
    stage: String,
    connected_at: u64,
    request_time_epoch: u64,
    identity: Identity,
    request_id: String,
    domain_name: String,
    connection_id: String,
    api_id: &'static str,
}

impl Event<'_> {
    fn written(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an event has text keys and no failing serialisers")
    }
}

/// Names and values, the last of each and all of each.
#[derive(Default)]
struct Pairs {
    last: BTreeMap<String, String>,
    all: BTreeMap<String, Vec<String>>,
}

impl Pairs {
    fn add(&mut self, name: String, value: String) {
        self.all.entry(name.clone()).or_default().push(value.clone());
        self.last.insert(name, value);
    }
}

/// A header's name as clients write it, which functions look it up by: `Host`, `Sec-WebSocket-Key`.
fn shown(name: &str) -> String {
    let parts = name.split('-').map(|part| match part.split_at_checked(1) {
        _ if part == "websocket" => "WebSocket".to_owned(),
        Some((first, rest)) => first.to_ascii_uppercase() + rest,
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("-")
}

/// `21/Nov/2026:11:52:13 +0000`.
fn request_time(at: Millis) -> String {
    let ms = i64::try_from(at.0).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX);
    at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests;
