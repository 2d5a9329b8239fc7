//! REST of the dialects, mounted from their tables: who asks, what it means, the node's answer, the dialect's words for
//! it. And the way back to a shard for a connection that asks for a socket on a connection that was kept alive.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use adapters::auth::Verdict;
use anyhow::bail;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use axum::http::{Method, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use dialects::{Answer, Ask, Dialect, Rest, Way};
use domain::command::{Command, Reply};
use domain::identity::{Denied, Identity};
use domain::model::Person;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use super::calls::{self, Answered, Caller};
use super::rewind::Rewind;
use super::{App, BODY_MS, Origin, connections, docs, guard, pages, polled};
use crate::mailbox::{Adopted, Order};

/// Our own paths. A dialect whose contract has a health page finds it answered there, by one body for all (RULES 24).
pub(super) const OWN: [&str; 4] = ["/", "/health", "/ready", "/metrics"];

/// How much of a body that is too large is read and let go of, in bytes.
const DISCARDED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The paths of the dialects that are open.
pub(super) struct Doors {
    app: Arc<App>,
    /// REST, with the place of its dialect.
    rest: Vec<(usize, Rest)>,
    sockets: Vec<String>,
    /// Polled paths, with the place of their dialect.
    polled: Vec<(usize, String)>,
    /// Where connections are reached by their names, with the place of their dialect.
    connections: Vec<(usize, String)>,
    /// Whose turn it is to take a connection back.
    next_shard: AtomicUsize,
}

impl Doors {
    /// Puts the tables together.
    ///
    /// # Errors
    /// Two doors are on one path (RULES 24).
    pub(super) fn new(app: &Arc<App>) -> anyhow::Result<Self> {
        let (mut rest, mut sockets, mut polled, mut connections) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let documents: &[&str] = if app.docs { &docs::PATHS } else { &[] };
        let own = OWN.iter().chain(documents);
        let mut taken: HashMap<(&str, String), &str> =
            own.map(|path| (("GET", (*path).to_owned()), "the server itself")).collect();
        for (place, dialect) in app.dialects.iter().enumerate() {
            for way in dialect.doors() {
                if matches!(&way, Way::Rest(door) if door.anonymous && OWN.contains(&door.path.as_str())) {
                    continue;
                }
                let (method, path) = match &way {
                    Way::Socket(path) => ("GET", shape(path)),
                    Way::Polled(path) => ("polled", shape(path)),
                    Way::Connections(path) => ("POST", shape(path)),
                    Way::Rest(door) => (door.method, shape(&door.path)),
                };
                if let Some(other) = taken.insert((method, path.clone()), dialect.name()) {
                    bail!("{other} and {} are both on {method} {path}; choose the doors with DIALECTS", dialect.name());
                }
                match way {
                    Way::Socket(path) => sockets.push(path),
                    Way::Polled(path) => polled.push((place, path)),
                    Way::Connections(path) => {
                        // Some SDKs and proxies encode what need not be: it is the same path.
                        connections.push((place, path.replace('@', "%40")));
                        connections.push((place, path));
                    }
                    Way::Rest(door) => rest.push((place, door)),
                }
            }
        }
        Ok(Self { app: app.clone(), rest, sockets, polled, connections, next_shard: AtomicUsize::new(0) })
    }

    /// What the pages and doors know.
    pub(super) fn app(&self) -> &App {
        &self.app
    }

    /// Whose turn it is to take something in.
    pub(super) fn next_shard(&self) -> &AtomicUsize {
        &self.next_shard
    }

    /// The door that a request means, with what its path captured; or the methods that its path knows.
    fn find(&self, ask: &mut Ask) -> Result<(&dyn Dialect, &Rest), Vec<&'static str>> {
        // Answers to HEAD are those to GET, without their body.
        let method = if ask.method == "HEAD" { "GET" } else { ask.method.as_str() }.to_owned();
        let mut known = Vec::new();
        for (place, door) in &self.rest {
            if ask.captures(&door.path) {
                if door.method == method {
                    return Ok((self.app.dialects[*place].as_ref(), door));
                }
                known.push(door.method);
            }
        }
        Err(known)
    }
}

/// A pattern without the names of what it captures: two of the same shape are one path. What takes numbers only leaves
/// names to others.
fn shape(pattern: &str) -> String {
    let segments = pattern.split('/').map(|segment| match segment.starts_with('{') {
        true if segment.ends_with(":int}") => "{:int}",
        true => "{}",
        false => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Answers a request that is none of our own pages.
pub(super) async fn answer(doors: Arc<Doors>, request: Request) -> Response {
    let mut ask = guard::ask_of(&request);
    if let Some(place) = doors.polled.iter().find(|(_, path)| ask.captures(path)).map(|(place, _)| *place) {
        // A socket's request goes back to a shard, which knows it by its upgrade.
        if is_upgrade(&request) {
            return doors.socket(request);
        }
        return polled::answer(&doors, place, ask, request.into_body()).await;
    }
    if let Some(place) = doors.connections.iter().find(|(_, path)| ask.captures(path)).map(|(place, _)| *place) {
        if !connections::METHODS.contains(&ask.method.as_str()) {
            return with_allow(&connections::METHODS);
        }
        return connections::answer(&doors, place, ask, request.into_body()).await;
    }
    let (dialect, rest) = match doors.find(&mut ask) {
        Ok(found) => found,
        Err(known) if !known.is_empty() => return with_allow(&known),
        Err(_) if doors.sockets.iter().any(|path| ask.captures(path)) => return doors.socket(request),
        Err(_) => return pages::not_found(),
    };
    let identity = match identify(&doors.app, dialect, rest, &ask).await {
        Ok(identity) => identity,
        Err(denied) => return pages::answer(dialect.dressed(&ask, dialect.denied(&ask, denied))),
    };
    ask.body = match body(request.into_body(), doors.app.body_bytes_max).await {
        Ok(body) => body,
        Err(refused) => return *refused,
    };
    let answer = converse(&doors.app, dialect, rest, &ask, identity).await;
    pages::answer(dialect.dressed(&ask, answer))
}

/// Who asks. When the Auth Service has to be asked it is waited for, at most as long as that waits for it.
async fn identify(app: &App, dialect: &dyn Dialect, rest: &Rest, ask: &Ask) -> Result<Option<Identity>, Denied> {
    if rest.anonymous {
        return Ok(None);
    }
    let credential = dialect.who(ask).ok_or(Denied::Missing)?;
    let (name, now) = (dialect.name(), app.wiring.clock.now());
    match app.gate.identify(&credential, name, now) {
        Verdict::Known(answer) => answer.map(Some),
        Verdict::Wait => {
            let (sender, answer) = oneshot::channel();
            // Who asked may be gone; then nobody hears it.
            app.gate.ask(&credential, name, now, Box::new(move |said| drop(sender.send(said))));
            answer.await.unwrap_or(Err(Denied::Unavailable)).map(Some)
        }
    }
}

/// The user is made durable, the dialect says what the request means, the node answers, the dialect says it.
async fn converse(app: &App, dialect: &dyn Dialect, rest: &Rest, ask: &Ask, identity: Option<Identity>) -> Answer {
    let door = dialect.door();
    let mut standing = domain::identity::Standing::User;
    let mut who: Option<Arc<Person>> = None;
    if let Some(identity) = identity {
        standing = identity.standing;
        let caller = Caller { door, standing, who: None };
        match calls::call(&app.wiring, caller, dialects::Request::Do(Command::Meet(identity))).await {
            Answered::Told(Ok(Reply::Met(person))) => who = Some(person),
            Answered::Told(_) | Answered::Silence => return busy(),
        }
    }
    let request = match (rest.ask)(ask, who.as_ref()) {
        Ok(request) => request,
        Err(answer) => return answer,
    };
    match calls::call(&app.wiring, Caller { door, standing, who }, request).await {
        Answered::Told(result) => (rest.answer)(ask, result.as_ref(), app.wiring.clock.now()),
        Answered::Silence => busy(),
    }
}

pub(super) fn busy() -> Answer {
    Answer::json(503, &serde_json::json!({ "detail": "Try again" })).with("retry-after", "1")
}

fn with_allow(known: &[&'static str]) -> Response {
    let mut allowed: Vec<&str> = known.to_vec();
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    allowed.sort_unstable();
    allowed.dedup();
    let mut response = pages::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    if let Ok(allowed) = HeaderValue::from_str(&allowed.join(", ")) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

/// Reads a body, within its bounds of size and time.
async fn body(body: Body, most: usize) -> Result<Vec<u8>, Box<Response>> {
    match read_body(body, most).await? {
        Some(bytes) => Ok(bytes),
        None => Err(Box::new(pages::detail(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large"))),
    }
}

/// Reads a body, within its bounds of size and time; none when it is too large.
pub(super) async fn read_body(body: Body, most: usize) -> Result<Option<Vec<u8>>, Box<Response>> {
    let refused = |status, words| Err(Box::new(pages::detail(status, words)));
    match tokio::time::timeout(Duration::from_millis(BODY_MS), gather(body, most)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => refused(StatusCode::BAD_REQUEST, "The body could not be read"),
        Err(_) => refused(StatusCode::REQUEST_TIMEOUT, "The body took too long"),
    }
}

/// The whole body; none when it is too large. What is too much is read for a while and let go of: a client that is cut
/// off while it writes would lose the answer that says why.
async fn gather(mut body: Body, most: usize) -> Result<Option<Vec<u8>>, axum::Error> {
    let (mut bytes, mut seen) = (Vec::new(), 0usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen > most.saturating_add(DISCARDED_BYTES_MAX) {
            break;
        }
        if seen <= most {
            bytes.extend_from_slice(&data);
        }
    }
    Ok((seen <= most).then_some(bytes))
}

impl Doors {
    /// A socket's path: back to a shard with an upgrade, which judges and answers it; 426 otherwise.
    fn socket(&self, mut request: Request) -> Response {
        let upgrades = is_upgrade(&request);
        let origin = request.extensions().get::<Origin>().cloned();
        let (true, Some(origin)) = (upgrades, origin) else {
            let mut response = pages::detail(StatusCode::UPGRADE_REQUIRED, "This is a WebSocket's path");
            response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
            return response;
        };
        let head = head_of(&request);
        let upgraded = hyper::upgrade::on(&mut request);
        let (wiring, turn) = (self.app.wiring.clone(), self.next_shard.fetch_add(1, Ordering::Relaxed));
        // From now on the stream keeps hyper's answer to itself.
        origin.returning.store(true, Ordering::Release);
        tokio::spawn(async move {
            let Ok(upgraded) = upgraded.await else { return };
            let Ok(parts) = upgraded.downcast::<TokioIo<Rewind>>() else {
                return tracing::error!("A connection came back from HTTP as another kind; this is a bug.");
            };
            let (stream, early) = parts.io.into_inner().into_parts();
            let Ok(stream) = stream.into_std() else { return };
            let read = [head.as_slice(), &parts.read_buf, &early].concat();
            let seat = origin.seat.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            if let Some(mailbox) = wiring.mailboxes.get(turn % wiring.mailboxes.len()) {
                mailbox.order(Order::Adopt(Adopted { stream, read, seat }));
            }
        });
        let upgrade = [(UPGRADE, "websocket"), (CONNECTION, "upgrade")];
        (StatusCode::SWITCHING_PROTOCOLS, upgrade, Body::empty()).into_response()
    }
}

/// An upgrade that hyper will carry out; whether it is a sound one, the shard judges.
fn is_upgrade(request: &Request) -> bool {
    let headers = request.headers();
    let says = |name, wanted: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(wanted))
    };
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && says(UPGRADE, "websocket")
        && says(CONNECTION, "upgrade")
        && !headers.contains_key(CONTENT_LENGTH)
        && !headers.contains_key(TRANSFER_ENCODING)
}

/// The head of a request as a client would send it, for the shard to read again.
fn head_of(request: &Request) -> Vec<u8> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut head = format!("{} {target} HTTP/1.1\r\n", request.method()).into_bytes();
    for (name, value) in request.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}
