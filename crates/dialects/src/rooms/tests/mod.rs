//! Frames in, steps out; news in, frames out. REST has its tables in [`rest`].

mod rest;

use domain::command::Reply;
use domain::event::{News, SignalKind, What};
use domain::id::Offset;
use domain::identity::{Credential, Denied};
use domain::model::{Member, MessageKind, Role, Status};
use domain::refusal::{BadResume, Refusal};

use super::Rooms;

const ROOMS: Rooms = Rooms { keeps: true };
use super::words::{self, Place};
use crate::cases::{
    CURSOR, ID, NOW, NOW_SHOWN, REFUSALS, answer, ask, entered, event, examples, kept, key, lines, message, opening,
    sending, sent, signal, told, user,
};
use crate::{Dialect, Frame, Session, Steps, door};

/// A session of alice's whose upgrade is asked for, and its first steps.
fn open(room: &str, query: &str) -> (Box<dyn Session>, Vec<String>) {
    let mut ask = ask("GET", "/ws/rooms/x", query, &[]);
    ask.captured = vec![room.into()];
    let mut steps = Steps::new();
    let session = ROOMS.open(&ask, &opening(Some("alice")), NOW, &mut steps);
    (session, lines(&mut steps))
}

/// A session of alice's in a room.
fn inside(room: &str) -> Box<dyn Session> {
    let (mut session, _) = open(room, "");
    assert_eq!(answered(&mut *session, 0, Ok(&entered(room))), ["101"]);
    session
}

fn heard(session: &mut dyn Session, frame: &str) -> Vec<String> {
    let mut steps = Steps::new();
    session.hear(Frame::Text(frame), NOW, &mut steps);
    lines(&mut steps)
}

fn answered(session: &mut dyn Session, call: u32, reply: Result<&Reply, &Refusal>) -> Vec<String> {
    let mut steps = Steps::new();
    session.answer(call, reply, NOW, &mut steps);
    lines(&mut steps)
}

#[test]
fn a_token_is_looked_for_where_the_contract_has_it() {
    let bearer = |token: &str| Some(Credential::Bearer(token.into()));
    let headers: &[(&str, &str)] = &[("authorization", "Bearer h"), ("x-api-key", "k")];
    for (path, query, headers, expected) in [
        ("/ws/rooms/r", "token=q", &[][..], bearer("q")),
        ("/ws/rooms/r", "token=q", headers, bearer("q")),
        ("/ws/rooms/r", "token=", headers, bearer("h")),
        ("/ws/rooms/r", "", &headers[1..], Some(Credential::Key("k".into()))),
        ("/ws/rooms/r", "", &[], None),
        ("/ws/rooms/r", "token=", &[], None),
        ("/rooms/r/connections", "token=q", &[], None),
        ("/rooms/r/connections", "token=q", headers, bearer("h")),
        ("/rooms/r/connections", "", &headers[1..], Some(Credential::Key("k".into()))),
    ] {
        assert_eq!(ROOMS.who(&ask("GET", path, query, headers)), expected, "{path}?{query}");
    }
}

#[test]
fn refused_credentials_have_the_contracts_words() {
    let other: &[(&str, &str)] = &[("authorization", "Basic abc")];
    let bare: &[(&str, &str)] = &[("authorization", "Bearer")];
    for (path, headers, why, expected) in [
        ("/ws/rooms/r", &[][..], Denied::Missing, r#"403 {"detail":"Token required"}"#),
        ("/ws/rooms/r", &[], Denied::Expired, r#"403 {"detail":"Token expired"}"#),
        ("/ws/rooms/r", &[], Denied::Invalid, r#"403 {"detail":"Invalid token"}"#),
        (
            "/ws/rooms/r",
            &[],
            Denied::Unavailable,
            r#"503 Retry-After: 1 {"detail":"Authentication service unavailable"}"#,
        ),
        ("/rooms/r/connections", &[], Denied::Missing, r#"403 {"detail":"Not authenticated"}"#),
        ("/rooms/r/connections", bare, Denied::Missing, r#"403 {"detail":"Not authenticated"}"#),
        ("/rooms/r/connections", other, Denied::Missing, r#"403 {"detail":"Invalid authentication credentials"}"#),
        ("/rooms/r/connections", &[], Denied::Expired, r#"401 {"detail":"Token expired"}"#),
        ("/rooms/r/connections", &[], Denied::Invalid, r#"401 {"detail":"Invalid token"}"#),
    ] {
        assert_eq!(answer(&ROOMS.denied(&ask("GET", path, "", headers), why)), expected);
    }
}

#[test]
fn upgrades_enter_by_name() {
    for (room, query, expected) in [
        ("lobby", "token=alice", "0 enter lobby Now"),
        ("GUILD#g", "", "0 enter GUILD#g Now"),
        ("direct:bob", "", "0 enter dm-alice-bob Now"),
        ("dm-bob-alice", "", "0 enter dm-alice-bob Now"),
        ("dm-bob-carol", "", r#"403 {"detail":"Room access denied"}"#),
        ("user:alice", "", r#"403 {"detail":"Room access denied"}"#),
        ("GUILD#", "", r#"403 {"detail":"Guild access denied"}"#),
        ("a\nb", "", r#"403 {"detail":"Invalid room id"}"#),
        (&"r".repeat(256), "", r#"403 {"detail":"Invalid room id"}"#),
        ("lobby", "since=", "0 enter lobby Now"),
        ("lobby", "since=12", "0 enter lobby AfterSeq(Seq(12))"),
        ("lobby", "since=0000000000000007.42", "0 enter lobby After(Cursor { life: Life(7), offset: Offset(42) })"),
        ("lobby", "since=yesterday", "0 enter lobby Now"),
        ("lobby", "since=99999999999999999999", "0 enter lobby Now"),
    ] {
        assert_eq!(open(room, query).1, [expected], "{room:?} {query}");
    }
    let (mut refused, _) = open("dm-bob-carol", "");
    assert!(heard(&mut *refused, r#"{"text":"hi"}"#).is_empty());
    assert!(answered(&mut *refused, 0, Ok(&entered("lobby"))).is_empty());
}

#[test]
fn names_are_kept_only_where_others_have_another() {
    for (given, expected) in [("lobby", None), ("direct:bob", Some("direct:bob")), ("dm-alice-bob", None)] {
        assert_eq!(inside(given).name_of(&key(given)), expected, "{given}");
    }
    assert_eq!(inside("direct:bob").name_of(&key("lobby")), None);
}

#[test]
fn a_resume_is_answered_first() {
    let resumed = r#"< {"type":"resumed","from":"0000000000000007.42","head":"0000000000000007.50"}"#;
    let (mut session, _) = open("lobby", "since=12");
    assert_eq!(answered(&mut *session, 0, Ok(&entered("lobby"))), ["101", resumed]);
    let (mut session, _) = open("lobby", "since=x");
    let malformed = r#"< {"type":"resume_failed","reason":"malformed"}"#;
    assert_eq!(answered(&mut *session, 0, Ok(&entered("lobby"))), ["101", malformed]);
    for (why, reason) in [
        (BadResume::Malformed, "malformed"),
        (BadResume::Ahead, "ahead"),
        (BadResume::OtherLog, "other_log"),
        (BadResume::Expired, "expired"),
        (BadResume::NotKept, "not_kept"),
    ] {
        let (mut session, _) = open("lobby", "since=12");
        assert_eq!(answered(&mut *session, 0, Err(&Refusal::BadResume(why))), ["1 enter lobby Now"]);
        let failed = format!(r#"< {{"type":"resume_failed","reason":"{reason}"}}"#);
        assert_eq!(answered(&mut *session, 1, Ok(&entered("lobby"))), ["101".to_owned(), failed]);
        assert_eq!(heard(&mut *session, r#"{"text":"on"}"#), ["2 send lobby Text - on"], "it goes on from now");
    }
}

#[test]
fn an_upgrade_is_refused_in_these_words() {
    for (room, refusal, expected) in [
        ("lobby", Refusal::Forbidden, r#"403 {"detail":"Room access denied"}"#),
        ("lobby", Refusal::RoomNotFound, r#"403 {"detail":"Room access denied"}"#),
        ("GUILD#g", Refusal::Forbidden, r#"403 {"detail":"Guild access denied"}"#),
        ("GUILD#g", Refusal::RoomNotFound, r#"403 {"detail":"Guild access denied"}"#),
        ("lobby", Refusal::RoomFull, r#"403 {"detail":"Room is full"}"#),
        ("lobby", Refusal::Busy, r#"503 Retry-After: 1 {"detail":"Server busy, try again"}"#),
    ] {
        let (mut session, _) = open(room, "");
        assert_eq!(answered(&mut *session, 0, Err(&refusal)), [expected]);
    }
}

#[test]
fn frames_are_messages_signs_of_life_or_errors() {
    let error =
        |client_id: &str| vec![format!(r#"< {{"type":"error","message":"Failed to process message"{client_id}}}"#)];
    let send = |what: &str| vec![format!("1 send lobby Text {what}")];
    let text = |chars: usize| format!(r#"{{"text":"{}"}}"#, "ü".repeat(chars));
    let deep = |depth: usize| format!(r#"{{"text":"x","d":{}{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1));
    let client_id = |bytes: usize| format!(r#"{{"text":"x","client_id":"{}"}}"#, "c".repeat(bytes));
    for (frame, expected) in [
        (r#"{"text":"Hello world!"}"#.into(), send("- Hello world!")),
        (r#"{"type":"message","text":"hi","roomId":"r","senderId":"mallory","timestamp":"t"}"#.into(), send("- hi")),
        (r#"{"type":{"odd":1},"text":"hi","id":"mine","seq":9}"#.into(), send("- hi")),
        (r#"{"text":"hi","client_id":"c1"}"#.into(), send("c1 hi")),
        (r#"{"text":"hi","client_id":null}"#.into(), send("- hi")),
        (r#"{"text":"a\u0000b","__proto__":{"text":"x"}}"#.into(), send("- a\0b")),
        (text(10_000), send(&format!("- {}", "ü".repeat(10_000)))),
        (text(10_001), error("")),
        (text(0), error("")),
        (client_id(128), send(&format!("{} x", "c".repeat(128)))),
        (client_id(129), error("")),
        (r#"{"text":"","client_id":"c1"}"#.into(), error(r#","client_id":"c1""#)),
        (r#"{"text":"x","client_id":""}"#.into(), error("")),
        (r#"{"text":"x","client_id":7}"#.into(), error("")),
        (r#"{"text":5}"#.into(), error("")),
        ("{}".into(), error("")),
        (r#""str""#.into(), error("")),
        ("[1]".into(), error("")),
        (r#"["message","hi",null]"#.into(), error("")),
        ("not json".into(), error("")),
        ("".into(), error("")),
        (r#"{"text":"a","text":"b"}"#.into(), error("")),
        (r#"{"text":"\ud800"}"#.into(), error("")),
        (r#"{"text":1e999}"#.into(), error("")),
        (deep(32), send("- x")),
        (deep(33), error("")),
        (deep(100_000), error("")),
        ("[".repeat(100_000), error("")),
        (r#"{"type":"ping"}"#.into(), vec![]),
        (r#"{"type":"heartbeat","text":"no message"}"#.into(), vec![]),
    ] {
        let start: String = frame.chars().take(60).collect();
        assert_eq!(heard(&mut *inside("lobby"), &frame), expected, "{start}");
    }
    let mut steps = Steps::new();
    inside("lobby").hear(Frame::Binary(br#"{"text":"hi"}"#), NOW, &mut steps);
    assert_eq!(lines(&mut steps), error(""), "binary frames are no messages here");
}

#[test]
fn typing_goes_on_as_it_came_with_the_true_user() {
    let hint = |kind: &str, frame: &str| vec![format!("hint lobby {kind} {frame}")];
    let long = format!(r#"{{"type":"typing_started","pad":"{}"}}"#, "x".repeat(4096));
    let error = vec![r#"< {"type":"error","message":"Failed to process message"}"#.to_owned()];
    for (frame, expected) in [
        (
            r#"{"type":"typing_started","data":{"userId":"mallory","timestamp":17}}"#,
            hint("true", r#"{"data":{"timestamp":17,"userId":"alice"},"type":"typing_started"}"#),
        ),
        (
            r#"{"type":"typing_stopped","data":{"userId":"alice"}}"#,
            hint("false", r#"{"data":{"userId":"alice"},"type":"typing_stopped"}"#),
        ),
        (
            r#"{"type":"typing_started","senderId":"m","data":["odd"]}"#,
            hint("true", r#"{"data":{"userId":"alice"},"senderId":"alice","type":"typing_started"}"#),
        ),
        (r#"{"type":"typing_started","x":"\udfff"}"#, error.clone()),
        (r#"{"type":"typing_started","x":1e999}"#, error.clone()),
        (&long, error),
    ] {
        assert_eq!(heard(&mut *inside("lobby"), frame), expected, "{frame:.80}");
    }
}

#[test]
fn acknowledgements_are_for_those_who_asked() {
    let mut session = inside("lobby");
    let plain = sent("lobby", "hi", None);
    heard(&mut *session, r#"{"text":"hi"}"#);
    assert!(answered(&mut *session, 1, Ok(&kept(&plain, false))).is_empty());
    let ack = format!(r#"< {{"type":"ack","client_id":"c1","id":"{ID}","seq":3,"timestamp":"{NOW_SHOWN}"}}"#);
    let named = sent("lobby", "hi", Some("c1"));
    for (call, repeat) in [(2, false), (3, true)] {
        heard(&mut *session, r#"{"text":"hi","client_id":"c1"}"#);
        assert_eq!(
            answered(&mut *session, call, Ok(&kept(&named, repeat))),
            std::slice::from_ref(&ack),
            "repeat: {repeat}"
        );
    }
    assert!(answered(&mut *session, 3, Ok(&kept(&named, true))).is_empty(), "an answer is heard once");
}

#[test]
fn every_refusal_of_a_send_has_its_words() {
    let words = [
        "Room access denied",
        "Room access denied",
        "Room is full",
        "Already connected",
        "Room access denied",
        "Insufficient permissions",
        "Failed to process message",
        "Failed to process message",
        "Too many new rooms. Please slow down.",
        "Rate limit exceeded. Please slow down.",
        "client_id c1 was already used for another message",
        "A guild must keep an owner",
        "Message not found",
        "Member not found",
        "User not found",
        "Invalid resume point",
        "Server busy, try again",
        "Server busy, try again",
        "Storage is full, nothing was kept",
        "Temporarily unavailable, nothing was kept",
        "Outcome unknown, send again with the same client_id",
    ];
    for (refusal, word) in REFUSALS.iter().zip(words) {
        let mut session = inside("lobby");
        heard(&mut *session, r#"{"text":"hi","client_id":"c1"}"#);
        let expected = format!(r#"< {{"type":"error","message":"{word}","client_id":"c1"}}"#);
        assert_eq!(answered(&mut *session, 1, Err(refusal)), [expected], "{refusal}");
    }
    let mut guild = inside("GUILD#g");
    heard(&mut *guild, r#"{"text":"hi"}"#);
    let denied = r#"< {"type":"error","message":"Guild access denied"}"#;
    assert_eq!(answered(&mut *guild, 1, Err(&Refusal::Forbidden)), [denied]);
}

#[test]
fn every_refusal_over_http_has_its_status() {
    let statuses =
        [403, 403, 403, 409, 403, 403, 422, 422, 429, 429, 409, 409, 404, 404, 404, 400, 503, 503, 507, 503, 503];
    for (refusal, status) in REFUSALS.iter().zip(statuses) {
        assert_eq!(words::answer(refusal, Place::Room).status, status, "{refusal}");
    }
}

#[test]
fn the_removed_are_closed() {
    for (room, removed_from, expected) in [
        ("GUILD#g", "GUILD#g", vec!["close 1008 Guild access denied"]),
        ("lobby", "lobby", vec!["close 1008 Room access denied"]),
        ("lobby", "elsewhere", vec![]),
    ] {
        let mut steps = Steps::new();
        inside(room).removed(&key(removed_from), &mut steps);
        assert_eq!(lines(&mut steps), expected);
    }
}

#[test]
fn listeners_are_told_messages_and_typing() {
    let frame = |room: &str, kind: &str| {
        vec![format!(
            r#"{{"id":"{ID}","room_id":"{room}","roomId":"{room}","sender_id":"alice","senderId":"alice","text":"h\u00e9","timestamp":"{NOW_SHOWN}","type":"{kind}","seq":3,"cursor":"{CURSOR}"}}"#
        )
        .replace("\\u00e9", "é")]
    };
    let said =
        |kind: MessageKind| News::Event(event("direct:bob", "alice", What::Sent(message(kind, "hé", Some("c")))));
    let silent = || vec![];
    let typed = frame("direct:bob", "message");
    for (what, news, expected) in [
        ("a message", said(MessageKind::Text), [silent(), typed.clone(), typed.clone()]),
        ("a system message", said(MessageKind::System), [silent(), typed.clone(), typed]),
        ("a broadcast", said(MessageKind::Broadcast), [(); 3].map(|()| frame("direct:bob", "broadcast"))),
        ("coming", signal("lobby", "alice", SignalKind::Came { back: false }), [(); 3].map(|()| silent())),
        ("going", signal("lobby", "alice", SignalKind::Went { belongs: false }), [(); 3].map(|()| silent())),
    ] {
        assert_eq!(told(&ROOMS, &news, "direct:bob"), expected, "{what}");
    }
    let member = Member { muted: false, role: Role::Member, status: Status::Active };
    let id = domain::id::MessageId(1);
    for what in [
        What::RoomMade { kind: domain::model::RoomKind::Public, title: "t".into(), seats: None },
        What::MemberSet { user: user("bob"), member },
        What::MemberRemoved { user: user("bob"), barred: true },
        What::Edited { message: id, of: Offset(1), content: "x".into(), sending: sending() },
        What::Deleted { message: id, of: Offset(1), sending: sending() },
        What::Retitled { title: "t".into() },
        What::Notice { extra: "{}".into() },
    ] {
        assert_eq!(told(&ROOMS, &News::Event(event("lobby", "alice", what)), "lobby"), [(); 3].map(|()| silent()));
    }
    let typing = |started, extra: Option<(domain::id::Door, &str)>| {
        let extra = extra.map(|(door, frame)| (door, frame.into()));
        told(&ROOMS, &signal("lobby", "alice", SignalKind::Typing { started, extra }), "lobby")
    };
    let own = vec![r#"{"as":"it came"}"#.to_owned()];
    let started = vec![format!(r#"{{"type":"typing_started","data":{{"userId":"alice","timestamp":"{NOW_SHOWN}"}}}}"#)];
    let stopped = vec![r#"{"type":"typing_stopped","data":{"userId":"alice"}}"#.to_owned()];
    assert_eq!(typing(true, Some((door::ROOMS, &own[0]))), [silent(), own.clone(), own]);
    assert_eq!(typing(true, Some((door::GATEWAY, "x"))), [silent(), started.clone(), started]);
    assert_eq!(typing(false, None), [silent(), stopped.clone(), stopped]);
}

#[test]
fn the_examples_of_the_protocol_page_are_frames() {
    let (sent, told) = examples(include_str!("../PROTOCOL.md"));
    for frame in &sent {
        assert!(!heard(&mut *inside("r"), frame).concat().contains("error"), "{frame}");
    }
    assert!(sent.len() >= 6 && told.len() >= 9, "the page has its examples");
}
