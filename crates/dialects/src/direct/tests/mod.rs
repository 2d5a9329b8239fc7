//! Who opens a socket, what is said on it, what listeners are told. REST has its tables in [`rest`], what is wrong with
//! requests in [`bodies`].

mod bodies;
mod rest;

use std::sync::Arc;

use domain::Text;
use domain::command::Reply;
use domain::event::{Event, News, SignalKind, Status, What};
use domain::id::{Millis, Offset, UserNumber};
use domain::identity::{Credential, Denied};
use domain::model::{Member, MessageKind, Person, Role, RoomKind};
use domain::refusal::Refusal;
use domain::watermark::Mark;

use super::Direct;
use super::wire::Naive;
use crate::cases::{
    NOW, REFUSALS, answer, ask, event, examples, lines, message, opening, sending, sent, signal, told, user,
};
use crate::{Ask, Dialect, Frame, Said, Session, Steps, Way, Whose, door};

/// As a message sent through `direct` is told.
const PUSHED: &str = r#"{"type":"new_message","message":{"id":42,"conversation_id":40,"sender_id":7,"content":"hi","timestamp":"2026-11-20T11:52:13.994000","status":"sent"}}"#;

fn direct(development: bool, trusted: &[&str]) -> Direct {
    let trusted: Vec<String> = trusted.iter().map(|name| (*name).to_owned()).collect();
    Direct::new("/api/messaging", development, &trusted)
}

fn somebody(id: &str, number: u32) -> Arc<Person> {
    Arc::new(Person { id: user(id), number: UserNumber(number), name: Text::from(id), email: None })
}

/// A request for a socket.
fn upgrade(path: &str, query: &str, headers: &[(&str, &str)]) -> Ask {
    let mut ask = ask("GET", path, query, headers);
    let patterns = ["/ws/{user_id:int}", "/api/messaging/ws/{user_id:int}"];
    assert!(patterns.iter().any(|pattern| ask.captures(pattern)), "{path} is a socket's");
    ask
}

/// A session of alice's, who has number 7, and its first steps.
fn open(path: &str, headers: &[(&str, &str)]) -> (Box<dyn Session>, Vec<String>) {
    let mut steps = Steps::new();
    let session = direct(true, &[]).open(&upgrade(path, "", headers), &opening(Some("alice")), NOW, &mut steps);
    (session, lines(&mut steps))
}

fn answered(session: &mut dyn Session, call: u32, reply: Result<&Reply, &Refusal>) -> Vec<String> {
    let mut steps = Steps::new();
    session.answer(call, reply, NOW, &mut steps);
    lines(&mut steps)
}

fn everyone(numbers: &[u32], alone: bool) -> Reply {
    Reply::Everyone { users: numbers.iter().map(|number| somebody("u", *number)).collect(), alone }
}

/// A session that has arrived among users 2 and 7, and attends.
fn attending() -> Box<dyn Session> {
    let (mut session, _) = open("/ws/7", &[]);
    answered(&mut *session, 0, Ok(&everyone(&[2, 7], true)));
    assert!(answered(&mut *session, 1, Ok(&crate::cases::attending())).is_empty());
    session
}

fn level(session: &mut dyn Session) -> Vec<String> {
    let mut steps = Steps::new();
    session.level(3, NOW, &mut steps);
    lines(&mut steps)
}

#[test]
fn every_path_is_there_with_and_without_its_slash() {
    let paths = |prefix: &str| {
        let doors = Direct::new(prefix, false, &[]).doors().into_iter();
        let paths = doors.filter_map(|way| match way {
            Way::Socket(path) => Some(format!("ws {path}")),
            Way::Rest(rest) => Some(format!("{} {}", rest.method, rest.path)),
            Way::Polled(_) | Way::Connections(_) => None,
        });
        paths.collect::<Vec<_>>()
    };
    let usual = paths("/api/messaging");
    for path in [
        "ws /ws/{user_id:int}",
        "ws /api/messaging/ws/{user_id:int}",
        "GET /api/messaging",
        "GET /api/messaging/",
        "GET /api/messaging/health",
        "POST /api/messaging/users/",
        "POST /api/messaging/users/sync",
        "GET /api/messaging/users/{user_id}",
        "GET /api/messaging/users/username/{username}",
        "POST /api/messaging/messages/",
        "POST /api/messaging/messages",
        "GET /api/messaging/messages/{conv_id}",
        "GET /api/messaging/conversations/",
        "GET /api/messaging/conversations",
    ] {
        assert!(usual.contains(&path.to_owned()), "{path}");
    }
    assert_eq!(usual.len(), 20);
    let bare = paths("/");
    assert_eq!((bare.len(), bare[0].as_str()), (18, "ws /ws/{user_id:int}"), "one socket, and no path without a slash");
    assert!(bare.contains(&"GET /".to_owned()) && bare.contains(&"POST /messages/".to_owned()));
}

#[test]
fn who_somebody_is() {
    let bearer = |token: &str| Some(Credential::Bearer(token.into()));
    let claimed = |name: &str| Some(Credential::Claimed(name.into()));
    let number = |number| Some(Credential::Number(UserNumber(number)));
    let key = |key: &str| Some(Credential::Key(key.into()));
    let internal = |key: &str| Some(Credential::Internal(key.into()));
    let dev: &[(&str, &str)] = &[("x-user-id", "1"), ("x-username", "alice")];
    let odd: &[(&str, &str)] = &[("x-user-id", "one"), ("x-username", "alice"), ("authorization", "Bearer t")];
    let both: &[(&str, &str)] = &[("authorization", "Bearer t"), ("x-user-id", " 1 "), ("x-username", "alice")];
    let half: &[(&str, &str)] = &[("x-user-id", "1"), ("x-username", ""), ("authorization", "Bearer t")];
    let protocol: &[(&str, &str)] = &[("sec-websocket-protocol", "bearer, p"), ("x-api-key", "k")];
    let (rest, socket, inner) = ("/api/messaging/messages/", "/ws/3", "/api/messaging/ws/3");
    for (path, query, headers, development, usual) in [
        (rest, "", &[][..], None, None),
        (rest, "token=q", &[], None, None),
        (rest, "", dev, claimed("alice"), None),
        (rest, "", both, claimed("alice"), bearer("t")),
        (rest, "", odd, None, bearer("t")),
        (rest, "", half, bearer("t"), bearer("t")),
        (rest, "", &[("x-api-key", "k")], key("k"), key("k")),
        (rest, "", &[("x-internal-key", "k")], None, None),
        (socket, "", &[], number(3), None),
        (inner, "", &[], number(3), None),
        ("/ws/0", "", &[], None, None),
        ("/ws/2147483648", "", &[], None, None),
        ("/ws/2147483647", "", &[], number(2_147_483_647), None),
        (socket, "token=", &[], number(3), None),
        (socket, "token=q", &[], bearer("q"), bearer("q")),
        (socket, "token=q", both, claimed("alice"), bearer("t")),
        (socket, "token=q", protocol, bearer("q"), bearer("q")),
        (inner, "", protocol, bearer("p"), bearer("p")),
        (socket, "", &[("x-api-key", "k")], key("k"), key("k")),
        (socket, "", odd, None, bearer("t")),
        (
            "/api/messaging/users/sync",
            "",
            &[("x-internal-key", "k"), ("authorization", "Bearer t")],
            internal("k"),
            internal("k"),
        ),
        ("/api/messaging/users/sync/", "", &[("authorization", "Bearer t")], None, None),
    ] {
        let ask = if path.contains("/ws/") { upgrade(path, query, headers) } else { ask("GET", path, query, headers) };
        assert_eq!(direct(true, &[]).who(&ask), development, "development, {path}?{query} {headers:?}");
        assert_eq!(direct(false, &["gateway"]).who(&ask), usual, "{path}?{query} {headers:?}");
    }
    let trusting = direct(false, &["direct"]);
    assert_eq!(trusting.who(&upgrade(socket, "", &[])), number(3), "behind a proxy that knows who it is");
    assert_eq!(trusting.who(&ask("GET", rest, "", dev)), None, "headers are development's");
}

#[test]
fn refused_credentials_have_their_words() {
    let busy = r#"503 Retry-After: 1 {"detail":"Authentication service unavailable"}"#;
    let required = r#"401 WWW-Authenticate: Bearer {"detail":"Authentication required"}"#;
    let invalid = r#"401 WWW-Authenticate: Bearer {"detail":"Invalid or expired token"}"#;
    let no_key = r#"403 {"detail":"Internal key required"}"#;
    let bad_key = r#"403 {"detail":"Invalid internal key"}"#;
    for (path, expected) in [
        ("/api/messaging/messages/", [required, invalid, invalid, busy]),
        ("/api/messaging/users/sync", [no_key, bad_key, bad_key, busy]),
        ("/api/messaging/ws/1", ["403 ", "403 ", "403 ", busy]),
        ("/ws/1", ["403 ", "403 ", "403 ", busy]),
    ] {
        let why = [Denied::Missing, Denied::Expired, Denied::Invalid, Denied::Unavailable];
        let got = why.map(|why| answer(&direct(false, &[]).denied(&ask("GET", path, "", &[]), why)));
        assert_eq!(got, expected, "{path}");
    }
}

#[test]
fn a_socket_is_its_own_users() {
    let established = r#"< {"type":"connection_established","user_id":7,"message":"Connected to messaging service"}"#;
    let protocol: &[(&str, &str)] = &[("sec-websocket-protocol", "bearer, t")];
    for (path, headers, expected) in [
        ("/ws/7", &[][..], vec!["101", established, "0 everyone"]),
        ("/api/messaging/ws/007", &[], vec!["101", established, "0 everyone"]),
        ("/ws/7", protocol, vec!["101 bearer", established, "0 everyone"]),
        ("/ws/8", &[], vec!["403 "]),
        ("/ws/99999999999999999999", &[], vec!["403 "]),
    ] {
        assert_eq!(open(path, headers).1, expected, "{path}");
    }
    // An id that is an integer, of somebody who has another number.
    let mut steps = Steps::new();
    let mut of = opening(None);
    of.who = Some(somebody("4000000000", 9));
    direct(false, &[]).open(&upgrade("/ws/4000000000", "", &[]), &of, NOW, &mut steps);
    assert_eq!(lines(&mut steps)[0], "101");
    let (mut refused, _) = open("/ws/8", &[]);
    assert!(answered(&mut *refused, 0, Ok(&everyone(&[7], true))).is_empty());
}

#[test]
fn first_who_is_online_then_messages() {
    let online = r#"< {"type":"online_users","users":[2,7]}"#;
    let own = r#"< {"type":"user_status","user_id":7,"status":"online"}"#;
    for (reply, expected) in [
        (Ok(&everyone(&[2, 7], true)), vec![online, own, "1 attend pairs"]),
        (Ok(&everyone(&[2, 7], false)), vec![online, "1 attend pairs"]),
        (Err(&Refusal::Busy), vec!["1 attend pairs"]),
    ] {
        let (mut session, _) = open("/ws/7", &[]);
        assert_eq!(answered(&mut *session, 0, reply), expected);
    }
}

#[test]
fn who_caught_up_hears_who_is_online_if_that_has_changed() {
    let mut session = attending();
    assert_eq!(level(&mut *session), ["2 everyone"]);
    assert!(answered(&mut *session, 2, Ok(&everyone(&[2, 7], true))).is_empty(), "it knows that");
    assert_eq!(level(&mut *session), ["3 everyone"]);
    let again = r#"< {"type":"online_users","users":[2,7]}"#;
    assert_eq!(answered(&mut *session, 3, Ok(&everyone(&[2, 7], true))), [again], "comings may have been missed");
    let mut session = attending();
    assert_eq!(level(&mut *session), ["2 everyone"]);
    assert!(level(&mut *session).is_empty(), "one look at a time");
    let changed = r#"< {"type":"online_users","users":[7]}"#;
    assert_eq!(answered(&mut *session, 2, Ok(&everyone(&[7], true))), [changed]);
    assert_eq!(level(&mut *session), ["3 everyone"]);
    assert!(answered(&mut *session, 3, Err(&Refusal::Busy)).is_empty());
}

#[test]
fn what_a_client_says_means_nothing() {
    let mut session = attending();
    for frame in [Frame::Text("ping"), Frame::Text(r#"{"type":"typing"}"#), Frame::Text(""), Frame::Binary(&[0xff])] {
        let mut steps = Steps::new();
        session.hear(frame, NOW, &mut steps);
        assert!(steps.is_empty(), "{frame:?}");
    }
    assert!(answered(&mut *session, 9, Ok(&Reply::Done)).is_empty());
}

#[test]
fn who_would_never_be_told_is_closed_on() {
    let codes = [
        1011, 1008, 1011, 1011, 1011, 1008, 1011, 1011, 1011, 1013, 1011, 1011, 1011, 1011, 1008, 1011, 1013, 1013,
        1013, 1013, 1013,
    ];
    for (refusal, code) in REFUSALS.iter().zip(codes) {
        let (mut session, _) = open("/ws/7", &[]);
        answered(&mut *session, 0, Ok(&everyone(&[7], true)));
        let closed = answered(&mut *session, 1, Err(refusal));
        assert!(closed.len() == 1 && closed[0].starts_with(&format!("close {code} ")), "{refusal}: {closed:?}");
    }
}

/// The same event, said through this door.
fn through(door: domain::id::Door, event: &Event) -> News {
    News::Event(Arc::new(Event { door, ..event.clone() }))
}

#[test]
fn the_receiver_is_told_and_the_sender_where_it_doesnt_know() {
    let pushed = || vec![PUSHED.to_owned()];
    let (to_bob, to_oneself) = (sent("direct:bob", "hi", Some("c")), sent("direct:alice", "hi", None));
    for (what, news, expected) in [
        ("said here", through(door::DIRECT, &to_bob), [vec![], vec![], pushed()]),
        ("said through another door", through(door::ROOMS, &to_bob), [pushed(), pushed(), pushed()]),
        ("said to oneself", through(door::DIRECT, &to_oneself), [pushed(), pushed(), pushed()]),
        ("said in a room", through(door::ROOMS, &sent("lobby", "hi", None)), [vec![], vec![], vec![]]),
        ("said in a guild", through(door::ROOMS, &sent("GUILD#g", "hi", None)), [vec![], vec![], vec![]]),
    ] {
        assert_eq!(told(&direct(true, &[]), &news, "dm-alice-bob"), expected, "{what}");
    }
    for kind in [MessageKind::System, MessageKind::Broadcast] {
        let news = News::Event(event("direct:bob", "alice", What::Sent(message(kind, "hi", None))));
        assert_eq!(told(&direct(true, &[]), &news, "r")[2], pushed(), "{kind:?}");
    }
    // Longer than may be said here: told whole.
    let long = "ü".repeat(10_001);
    let news = through(door::CHAT, &sent("direct:bob", &long, None));
    assert!(told(&direct(true, &[]), &news, "r")[2][0].contains(&long));
}

#[test]
fn there_is_no_word_for_anything_else() {
    let member = Member { muted: false, role: Role::Member, status: domain::model::Status::Active };
    let id = domain::id::MessageId(1);
    let silent = [(); 3].map(|()| Vec::<String>::new());
    for what in [
        What::RoomMade { kind: RoomKind::Direct, title: "t".into(), seats: None },
        What::MemberSet { user: user("bob"), member },
        What::MemberRemoved { user: user("bob"), barred: true },
        What::Edited { message: id, of: Offset(1), content: "x".into(), sending: sending() },
        What::Deleted { message: id, of: Offset(1), sending: sending() },
        What::Retitled { title: "t".into() },
        What::Notice { extra: "{}".into() },
    ] {
        assert_eq!(told(&direct(true, &[]), &News::Event(event("direct:bob", "alice", what)), "r"), silent);
    }
    for kind in [
        SignalKind::Came { back: false },
        SignalKind::Again,
        SignalKind::Went { belongs: true },
        SignalKind::Typing { started: true, extra: None },
        SignalKind::Marked { mark: Mark::Read, messages: Arc::new([]), whole_room: true, upto: None },
        SignalKind::Said { kind: MessageKind::Text, content: "x".into(), seq: domain::id::Seq(1) },
    ] {
        assert_eq!(told(&direct(true, &[]), &signal("direct:bob", "alice", kind), "r"), silent);
    }
}

#[test]
fn comings_and_goings_are_told_to_others() {
    assert!(direct(true, &[]).hears_statuses());
    let tell = |online, declared, whose| {
        let status = Status { who: somebody("bob", 2), online, declared, at: NOW, origin: None, to: None };
        let mut said = Said::default();
        direct(true, &[]).tell_status(&status, whose, &mut said);
        said.messages().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect::<Vec<_>>()
    };
    let frame = |status: &str| vec![format!(r#"{{"type":"user_status","user_id":2,"status":"{status}"}}"#)];
    assert_eq!(tell(true, false, Whose::Other), frame("online"));
    assert_eq!(tell(false, false, Whose::Other), frame("offline"));
    assert_eq!(tell(true, false, Whose::Actor), frame("online"));
    assert!(tell(true, false, Whose::Origin).is_empty(), "its session says it");
    assert!(tell(false, true, Whose::Other).is_empty(), "what somebody says of themselves has no word here");
}

#[test]
fn times_have_microseconds_and_no_zone() {
    for (ms, expected) in [
        (NOW.0, "2026-11-20T11:52:13.994000"),
        (1_795_175_533_000, "2026-11-20T11:52:13"),
        (1, "1970-01-01T00:00:00.001000"),
    ] {
        assert_eq!(Naive(Millis(ms)).to_string(), expected);
    }
    assert!(Naive(Millis(u64::MAX)).to_string().starts_with("9999-12-"));
}

#[test]
fn the_examples_of_the_protocol_page_are_bodies_and_frames() {
    let (said, told) = examples(include_str!("../PROTOCOL.md"));
    for body in &said {
        let (method, path) =
            if body.contains("receiver_id") { ("POST", "/messages/") } else { ("POST", "/users/sync") };
        let meant = rest::asked(method, path, body);
        assert!(meant.starts_with("send to number") || meant.starts_with("register "), "{body}: {meant}");
    }
    let types = ["connection_established", "online_users", "user_status", "new_message"];
    for kind in types {
        assert!(told.iter().any(|frame| frame.contains(kind)), "{kind} has an example");
    }
    assert!(said.len() >= 3 && told.len() >= 5, "the page has its examples");
}
