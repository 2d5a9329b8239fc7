//! The Auth Service of a running server (RULES 5): asked at every door about every token, once a minute at most, and
//! nobody else is ever connected to.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::wire::{Ear, Received, upgrade};
use crate::world::{Server, Socket};

/// What it says of a token: the user's id, as JSON; none: no.
type Says = fn(&str) -> Option<String>;

/// An Auth Service, played here.
struct Service {
    address: SocketAddr,
    /// The tokens that it was asked about, in order.
    asked: Arc<Mutex<Vec<String>>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    fn start(says: Says) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (asked, ends) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (seen, ended) = (asked.clone(), ends.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                answer(&stream.expect("somebody connects"), says, &seen);
            }
        });
        Self { address, asked, ends, thread: Some(thread) }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often it was asked about a token.
    fn asked(&self, token: &str) -> usize {
        self.asked.lock().expect("nobody panics with it").iter().filter(|one| *one == token).count()
    }

    /// From now on nobody listens there.
    fn stop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        self.thread.take().expect("it is stopped once").join().expect("it doesn't panic");
    }
}

fn answer(mut stream: &TcpStream, says: Says, asked: &Mutex<Vec<String>>) {
    let head: Vec<String> =
        BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let shown = head.iter().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap_or_default();
    asked.lock().expect("nobody panics with it").push(shown.to_owned());
    let known = head.first().is_some_and(|line| line == "GET /api/auth/validate HTTP/1.1");
    let (status, body) = match says(shown).filter(|_| known) {
        Some(id) => ("200 OK", format!(r#"{{"user_id":{id},"username":"Al","email":"a@b"}}"#)),
        None => ("401 Unauthorized", r#"{"message":"Invalid or expired token"}"#.to_owned()),
    };
    let length = body.len();
    let whole = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    // Whoever asked may have had enough of it.
    let _ = stream.write_all(whole.as_bytes());
}

/// The status with which a socket is answered.
fn upgraded(server: &Server, target: &str) -> u16 {
    let mut socket = Socket { stream: server.connect(), ear: Ear::default() };
    socket.write(&upgrade(target, &[]));
    let answer = socket.next();
    let Received::Http { status, .. } = answer else { panic!("an answer was expected, not {answer:?}") };
    status
}

fn rest(server: &Server, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    server.ask("GET", "/rooms/lobby/connections", &[("authorization", &bearer)], "").0
}

/// Says who it is when it has connected; what it is told of that.
fn authenticated(server: &Server, token: &str) -> String {
    let mut socket = server.socket("/socket.io/?EIO=4&transport=websocket");
    socket.say("40");
    socket.say(&format!(r#"42["authenticate",{{"token":"{token}"}}]"#));
    loop {
        let heard = socket.next();
        let Received::Text(text) = &heard else { panic!("an event was expected, not {heard:?}") };
        if text.starts_with("42") {
            return text.clone();
        }
    }
}

#[test]
fn it_decides_at_every_door() {
    let mut service = Service::start(|token| token.strip_prefix("tok-").map(|id| format!("{id:?}")));
    let server = Server::with(&[("AUTH_SERVICE_URL", &service.url())]);
    assert!(server.get("/").2.contains("\"dev_mode\":false"));

    let mut alice = server.socket("/ws/rooms/lobby?token=tok-alice");
    alice.say(r#"{"text":"hello","client_id":"one"}"#);
    assert_eq!(alice.hear_type("ack")["client_id"], "one");
    assert_eq!(upgraded(&server, "/ws/chat?token=tok-alice"), 101);
    assert_eq!(authenticated(&server, "tok-alice"), r#"42["authenticated",{"success":true,"userId":"alice"}]"#);
    assert_eq!(rest(&server, "tok-alice"), 200);
    assert_eq!(service.asked("tok-alice"), 1, "its answers are remembered, whichever door asks");

    // Each in its dialect's own words.
    assert_eq!(upgraded(&server, "/ws/rooms/lobby?token=bad"), 403);
    assert_eq!(upgraded(&server, "/ws/chat?token=bad"), 401);
    assert!(authenticated(&server, "bad").contains(r#""success":false"#));
    assert_eq!(rest(&server, "bad"), 401);
    assert_eq!(rest(&server, "tok-bob"), 200);

    service.stop();
    // What is known holds for a minute; for everybody else, down means no.
    assert_eq!((rest(&server, "tok-alice"), upgraded(&server, "/ws/rooms/lobby?token=tok-alice")), (200, 101));
    assert_eq!((rest(&server, "tok-carol"), upgraded(&server, "/ws/rooms/lobby?token=tok-carol")), (503, 503));
    assert_eq!(upgraded(&server, "/ws/chat?token=tok-carol"), 503);
    assert!(authenticated(&server, "tok-carol").contains(r#""success":false"#));
    alice.say(r#"{"text":"still here","client_id":"two"}"#);
    assert_eq!(alice.hear_type("ack")["client_id"], "two");
}

const SECRET: (&str, &str) = ("JWT_SECRET", "any text does on loopback");

fn token(header: &jsonwebtoken::Header, user: &str, secret: &str) -> String {
    let claims = serde_json::json!({ "sub": user, "exp": 4_102_444_800_u64 });
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(header, &claims, &key).expect("claims can be signed")
}

#[test]
fn a_key_and_the_service_have_to_agree() {
    let service = Service::start(|_| Some("\"alice\"".into()));
    let server = Server::with(&[SECRET, ("AUTH_SERVICE_URL", &service.url())]);
    let header = jsonwebtoken::Header::default();
    let [alice, bob, forged] =
        [("alice", SECRET.1), ("bob", SECRET.1), ("alice", "another")].map(|(user, key)| token(&header, user, key));
    assert_eq!((rest(&server, &alice), rest(&server, &bob), rest(&server, &forged)), (200, 401, 401));
    assert_eq!((service.asked(&alice), service.asked(&bob)), (1, 1));
    assert_eq!(service.asked(&forged), 0, "what fails the signature never reaches it");
    assert_eq!(upgraded(&server, &format!("/ws/rooms/lobby?token={bob}")), 403);
}

/// THREATS T2 and T22: nothing in a token, and no mode but the one, makes the server connect to anybody.
#[test]
fn nobody_else_is_connected_to() {
    let service = Service::start(|_| None);
    let url = service.url();
    let header = jsonwebtoken::Header { jku: Some(url.clone()), x5u: Some(url.clone()), ..Default::default() };
    let leading = token(&header, "alice", SECRET.1);
    let modes = [
        (&[("DEV_MODE", "true"), ("AUTH_SERVICE_URL", &*url)][..], 200),
        (&[("DEV_MODE", "true"), ("AUTH_SERVICE_URL", &url), SECRET], 200),
        (&[SECRET], 200),
        (&[], 200),
    ];
    for (environment, expected) in modes {
        let server = Server::with(environment);
        assert_eq!(rest(&server, &leading), expected, "{environment:?}");
        assert_eq!(upgraded(&server, &format!("/ws/rooms/lobby?token={leading}")), 101, "{environment:?}");
        assert!(authenticated(&server, &leading).contains("authenticated"));
    }
    assert!(service.asked.lock().expect("nobody panics with it").is_empty());
}
