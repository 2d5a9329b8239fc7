//! Requests in, commands and queries out; replies in, responses out.

use std::sync::Arc;

use domain::command::Reply;
use domain::event::Event;
use domain::history::{Conversation, Entry};
use domain::id::Offset;
use domain::limits::CONTENT_BYTES_MAX;
use domain::model::{Profile, User};
use domain::refusal::Refusal;

use super::somebody;
use crate::cases::{NOW, NOW_SHOWN, REFUSALS, answer, ask, command_line, kept, key, person, query_line, sent};
use crate::direct::rest;
use crate::direct::words::{self, About};
use crate::{Ask, Request, Rest};

fn door(development: bool, method: &str, path: &str, body: &str) -> (Rest, Ask) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut ask = ask(method, &format!("/api/messaging{path}"), query, &[]);
    ask.body = body.into();
    let mut doors = rest::doors("/api/messaging", development).into_iter();
    let found = doors.find(|rest| rest.method == method && ask.captures(&rest.path));
    (found.expect("a path of the table"), ask)
}

fn meant(development: bool, method: &str, path: &str, body: &str) -> String {
    let (door, ask) = door(development, method, path, body);
    match (door.ask)(&ask, (!door.anonymous).then(|| person("alice")).as_ref()) {
        Ok(Request::Do(command)) => command_line(&command),
        Ok(Request::Ask(query)) => query_line(&query),
        Err(refused) => answer(&refused),
    }
}

/// What alice's request means in development mode, or what it is answered at once.
pub(super) fn asked(method: &str, path: &str, body: &str) -> String {
    meant(true, method, path, body)
}

fn answered(method: &str, path: &str, reply: Result<&Reply, &Refusal>) -> String {
    let (door, ask) = door(true, method, path, "");
    answer(&(door.answer)(&ask, reply, NOW))
}

#[test]
fn requests_mean_one_command_or_query() {
    let nobody = r#"404 {"detail":"User not found"}"#;
    let no_receiver = r#"404 {"detail":"Receiver not found"}"#;
    let no_conversation = r#"403 {"detail":"Conversation not found"}"#;
    for (method, path, body, expected) in [
        ("GET", "/health", "", "counts"),
        ("GET", "/health/", "", "counts"),
        ("POST", "/users/", r#"{"username":"alice"}"#, "register alice - - - -"),
        ("POST", "/users", r#"{"username":"alice","id":9,"password":"p","email":null}"#, "register alice - - - -"),
        (
            "POST",
            "/users/sync",
            r#"{"username":"al","email":"a@b","password":"$2b","full_name":"A","bio":"","avatar_url":"u"}"#,
            "register al a@b A  u",
        ),
        ("GET", "/users/2", "", "user number 2"),
        ("GET", "/users/%2B2/", "", "user number 2"),
        ("GET", "/users/0", "", nobody),
        ("GET", "/users/-2", "", nobody),
        ("GET", "/users/2147483647", "", "user number 2147483647"),
        ("GET", "/users/2147483648", "", nobody),
        ("GET", "/users/99999999999999999999", "", nobody),
        ("GET", "/users/username/b%C3%B6b", "", "user name böb"),
        ("GET", "/users/username/2", "", "user name 2"),
        ("POST", "/messages/", r#"{"receiver_id":2,"content":"hi"}"#, "send to number 2 Text - hi"),
        (
            "POST",
            "/messages",
            r#"{"receiver_id":2,"content":"hi","client_id":"c1","sender_id":9,"id":1,"timestamp":"t","status":"read"}"#,
            "send to number 2 Text c1 hi",
        ),
        ("POST", "/messages/", r#"{"receiver_id":2,"content":"hi","client_id":null}"#, "send to number 2 Text - hi"),
        ("POST", "/messages/", r#"{"receiver_id":0,"content":"hi"}"#, no_receiver),
        ("POST", "/messages/", r#"{"receiver_id":-1,"content":"hi"}"#, no_receiver),
        ("POST", "/messages/", r#"{"receiver_id":2147483648,"content":"hi"}"#, no_receiver),
        ("GET", "/messages/5", "", "history born 5 0 10000"),
        ("GET", "/messages/5/", "", "history born 5 0 10000"),
        ("GET", "/messages/5?after=7", "", "history born 5 0 10000 above 7"),
        ("GET", "/messages/5?before=9&limit=2", "", "history born 5 0 2 below 9"),
        ("GET", "/messages/5?after=7&before=9", "", "history born 5 0 10000 above 7 below 9"),
        ("GET", "/messages/5?after=0", "", "history born 5 0 10000 above 0"),
        ("GET", "/messages/0", "", no_conversation),
        ("GET", "/messages/-5", "", no_conversation),
        ("GET", "/messages/99999999999999999999", "", "history born 9223372036854775807 0 10000"),
        ("GET", "/conversations/", "", "conversations - 1000"),
        ("GET", "/conversations?before=5&limit=10", "", "conversations 5 10"),
    ] {
        assert_eq!(asked(method, path, body), expected, "{method} {path} {body}");
    }
}

#[test]
fn outside_development_mode_nobody_registers() {
    let disabled = r#"403 {"detail":"User registration disabled. Use Auth Service."}"#;
    for body in [r#"{"username":"alice"}"#, "", "{bad"] {
        assert_eq!(meant(false, "POST", "/users/", body), disabled, "{body}");
    }
    for (method, path, anonymous) in [
        ("GET", "/", [true, true]),
        ("GET", "/health", [true, true]),
        ("POST", "/users/", [true, true]),
        ("POST", "/users/sync", [true, false]),
        ("GET", "/users/1", [true, false]),
        ("GET", "/users/username/alice", [true, false]),
        ("POST", "/messages/", [false, false]),
        ("GET", "/messages/1", [false, false]),
        ("GET", "/conversations/", [false, false]),
    ] {
        let got = [true, false].map(|development| door(development, method, path, "").0.anonymous);
        assert_eq!(got, anonymous, "{method} {path}: in development mode, and outside");
    }
    let required = r#"401 WWW-Authenticate: Bearer {"detail":"Authentication required"}"#;
    for (method, path) in [("POST", "/messages/"), ("GET", "/messages/1"), ("GET", "/conversations/")] {
        let (door, ask) = door(false, method, path, "");
        let refused = (door.ask)(&ask, None).expect_err("nobody asks");
        assert_eq!(answer(&refused), required, "{method} {path}");
    }
}

#[test]
fn the_info_says_where_things_are() {
    let version = env!("CARGO_PKG_VERSION");
    for (development, path) in [(true, "/"), (false, "")] {
        let expected = format!(
            r#"200 {{"service":"messaging-service","version":"{version}","status":"running","dev_mode":{development},"endpoints":{{"messages":"/api/messaging/messages/","conversations":"/api/messaging/conversations/","users":"/api/messaging/users/","websocket":"/api/messaging/ws/{{user_id}}"}}}}"#
        );
        assert_eq!(meant(development, "GET", path, ""), expected);
    }
    assert!(answered("GET", "/", Ok(&Reply::Done)).starts_with("500"));
}

fn alice() -> User {
    let profile = Profile {
        full_name: Some("Alice A".into()),
        bio: Some("".into()),
        avatar_url: Some("https://x/a.png".into()),
        made_at: Some(NOW),
    };
    let mut person = (*somebody("alice", 1)).clone();
    person.email = Some("a@b".into());
    User { person: Arc::new(person), profile }
}

const ALICE: &str = r#"{"username":"alice","id":1,"email":"a@b","full_name":"Alice A","bio":"","avatar_url":"https://x/a.png","created_at":"2026-11-20T11:52:13.994000"}"#;
const BOB: &str =
    r#"{"username":"bob","id":2,"email":null,"full_name":null,"bio":null,"avatar_url":null,"created_at":null}"#;

/// A message of history, at this offset.
fn entry(offset: u64, content: &str) -> Entry {
    let sent = sent("direct:bob", content, None);
    Entry::fresh(Arc::new(Event { offset: Offset(offset), ..(*sent).clone() }))
}

fn shown(offset: u64, content: &str, status: &str) -> String {
    format!(
        r#"{{"id":{offset},"conversation_id":40,"sender_id":7,"content":"{content}","timestamp":"2026-11-20T11:52:13.994000","status":"{status}"}}"#
    )
}

#[test]
fn replies_are_the_contracts_responses() {
    let health =
        format!(r#"200 {{"status":"healthy","active_connections":3,"active_rooms":2,"timestamp":"{NOW_SHOWN}"}}"#);
    let message = sent("direct:bob", "hi", Some("c1"));
    let bob = || User { person: somebody("bob", 2), profile: Profile::default() };
    let mut last = entry(42, "hi");
    last.edited = Some(("better".into(), NOW));
    let conversation =
        |last| Conversation { born: Offset(40), room: key("direct:bob"), made_at: NOW, users: [alice(), bob()], last };
    let listed = |last: &str| {
        format!(
            r#"200 [{{"id":40,"participant_1_id":1,"participant_1":{ALICE},"participant_2_id":2,"participant_2":{BOB},"created_at":"2026-11-20T11:52:13.994000","last_message":{last}}}]"#
        )
    };
    for (method, path, reply, expected) in [
        ("GET", "/health", Reply::Counts { connections: 3, rooms: 2 }, health),
        ("POST", "/users/", Reply::User(alice()), format!("201 {ALICE}")),
        ("POST", "/users/sync", Reply::User(bob()), format!("201 {BOB}")),
        ("GET", "/users/1", Reply::User(alice()), format!("200 {ALICE}")),
        ("GET", "/users/username/bob", Reply::User(bob()), format!("200 {BOB}")),
        ("POST", "/messages/", kept(&message, false), format!("201 {}", shown(42, "hi", "sent"))),
        ("POST", "/messages/", kept(&message, true), format!("200 {}", shown(42, "hi", "sent"))),
        ("GET", "/messages/40", Reply::History { entries: Vec::new(), total: 0 }, "200 []".into()),
        ("GET", "/conversations/", Reply::Conversations(Vec::new()), "200 []".into()),
        ("GET", "/conversations/", Reply::Conversations(vec![conversation(None)]), listed("null")),
        (
            "GET",
            "/conversations/",
            Reply::Conversations(vec![conversation(Some(last))]),
            listed(&shown(42, "better", "sent")),
        ),
    ] {
        assert_eq!(answered(method, path, Ok(&reply)), expected, "{method} {path}");
    }
    for (method, path) in [("GET", "/health"), ("POST", "/users/"), ("GET", "/users/1"), ("POST", "/messages/")] {
        assert!(answered(method, path, Ok(&Reply::Left)).starts_with("500"), "a bug is told as one");
    }
}

#[test]
fn history_shows_what_has_become_of_a_message() {
    let mut entries = [entry(42, "a"), entry(43, "b"), entry(44, "c"), entry(45, "d")];
    entries[1].delivered = true;
    (entries[2].delivered, entries[2].read) = (true, true);
    entries[3].read = true;
    entries[3].edited = Some(("d2".into(), NOW));
    let reply = Reply::History { entries: entries.to_vec(), total: 4 };
    let expected =
        [shown(42, "a", "sent"), shown(43, "b", "delivered"), shown(44, "c", "read"), shown(45, "d2", "read")]
            .join(",");
    assert_eq!(answered("GET", "/messages/40", Ok(&reply)), format!("200 [{expected}]"));
}

/// The links of an answer to this request, of messages from 42 on, each of so many bytes.
fn links(path: &str, messages: u64, bytes: usize, total: u64) -> String {
    let entries = (42..42 + messages).map(|offset| entry(offset, &"x".repeat(bytes))).collect();
    let answer = answered("GET", path, Ok(&Reply::History { entries, total }));
    let head = answer.split(" [").next().unwrap_or_default();
    head.trim_start_matches("200").trim().replace("/api/messaging/messages/40", "")
}

#[test]
fn pages_have_links_to_their_neighbours() {
    for (path, messages, total, expected) in [
        ("/messages/40", 2, 2, ""),
        ("/messages/40", 2, 5, r#"Link: <?before=42>; rel="prev""#),
        ("/messages/40?limit=2", 2, 5, r#"Link: <?before=42&limit=2>; rel="prev""#),
        ("/messages/40?limit=2", 2, 2, ""),
        (
            "/messages/40?before=50&limit=2",
            2,
            9,
            r#"Link: <?before=42&limit=2>; rel="prev", <?after=43&limit=2>; rel="next""#,
        ),
        ("/messages/40?before=50&limit=3", 2, 9, r#"Link: <?after=43&limit=3>; rel="next""#),
        (
            "/messages/40?after=41&limit=2",
            2,
            9,
            r#"Link: <?before=42&limit=2>; rel="prev", <?after=43&limit=2>; rel="next""#,
        ),
        ("/messages/40?after=41", 2, 9, r#"Link: <?before=42>; rel="prev""#),
        ("/messages/40?after=0&limit=2", 2, 9, r#"Link: <?after=43&limit=2>; rel="next""#),
        ("/messages/40?after=4&before=50&limit=2", 2, 9, r#"Link: <?after=4&before=42&limit=2>; rel="prev""#),
        ("/messages/40?after=4&before=50", 2, 9, ""),
        ("/messages/40?after=90", 0, 9, ""),
    ] {
        assert_eq!(links(path, messages, 2, total), expected, "{path}");
    }
    // An answer that could not have held one more message is no last page.
    let many = links("/messages/40?before=999", 128, CONTENT_BYTES_MAX, 999);
    assert!(many.contains("prev"), "{many}");
}

#[test]
fn conversations_have_a_link_to_older_ones() {
    let listed = |path: &str, born: &[u64]| {
        let users = || [alice(), alice()];
        let conversation = |born: &u64| {
            let (born, room) = (Offset(*born), key("direct:bob"));
            Conversation { born, room, made_at: NOW, users: users(), last: None }
        };
        let answer = answered("GET", path, Ok(&Reply::Conversations(born.iter().map(conversation).collect())));
        answer.split(" [").next().unwrap_or_default().to_owned()
    };
    assert_eq!(listed("/conversations/?limit=3", &[9, 5]), "200");
    let link = r#"200 Link: </api/messaging/conversations/?before=5&limit=2>; rel="next""#;
    assert_eq!(listed("/conversations/?limit=2", &[9, 5]), link);
}

#[test]
fn refusals_are_the_contracts_errors() {
    let limited = Refusal::RateLimited { retry_after_ms: 1001 };
    for (method, path, refusal, expected) in [
        ("POST", "/messages/", limited, r#"429 Retry-After: 2 {"detail":"Rate limit exceeded"}"#),
        ("POST", "/messages/", Refusal::UserNotFound, r#"404 {"detail":"Receiver not found"}"#),
        (
            "POST",
            "/messages/",
            Refusal::ClientIdReused,
            r#"409 {"detail":"client_id was already used for another message"}"#,
        ),
        ("POST", "/messages/", Refusal::Unavailable, r#"500 Retry-After: 1 {"detail":"Failed to send message"}"#),
        ("POST", "/messages/", Refusal::StorageFull, r#"507 {"detail":"Failed to send message"}"#),
        (
            "POST",
            "/messages/",
            Refusal::OutcomeUnknown,
            r#"503 Retry-After: 1 {"detail":"Outcome unknown, send again with the same client_id"}"#,
        ),
        ("GET", "/messages/1", Refusal::Forbidden, r#"403 {"detail":"Conversation not found"}"#),
        ("GET", "/messages/1", Refusal::RoomNotFound, r#"403 {"detail":"Conversation not found"}"#),
        ("GET", "/messages/1", Refusal::Unavailable, r#"500 Retry-After: 1 {"detail":"Failed to retrieve messages"}"#),
        (
            "GET",
            "/conversations/",
            Refusal::Unavailable,
            r#"500 Retry-After: 1 {"detail":"Failed to retrieve conversations"}"#,
        ),
        ("GET", "/users/2", Refusal::UserNotFound, r#"404 {"detail":"User not found"}"#),
        ("GET", "/users/username/x", Refusal::UserNotFound, r#"404 {"detail":"User not found"}"#),
        ("POST", "/users/", Refusal::NotAllowed, r#"403 {"detail":"User registration disabled. Use Auth Service."}"#),
        ("POST", "/users/sync", Refusal::NotAllowed, r#"403 {"detail":"Invalid internal key"}"#),
        ("POST", "/users/sync", Refusal::Invalid, r#"422 {"detail":"Invalid request"}"#),
        ("GET", "/health", Refusal::Busy, r#"503 Retry-After: 1 {"detail":"Server busy, try again"}"#),
    ] {
        assert_eq!(answered(method, path, Err(&refusal)), expected, "{method} {path}");
    }
}

#[test]
fn every_refusal_has_its_status() {
    let statuses =
        [403, 403, 403, 409, 403, 403, 422, 422, 429, 429, 409, 409, 404, 404, 404, 400, 503, 503, 507, 500, 503];
    let all = [About::Registration, About::Sync, About::User, About::Message, About::Messages, About::Conversations];
    for (refusal, status) in REFUSALS.iter().zip(statuses) {
        for about in all {
            assert_eq!(words::answer(refusal, about).status, status, "{refusal} {about:?}");
        }
    }
    let text = |about| answer(&words::answer(&Refusal::Unavailable, about));
    assert!(text(About::User).contains("Failed to retrieve user") && text(About::Sync).contains("Failed to save user"));
    let not_allowed = answer(&words::answer(&Refusal::NotAllowed, About::Messages));
    assert_eq!(not_allowed, r#"403 {"detail":"Not allowed"}"#);
}
