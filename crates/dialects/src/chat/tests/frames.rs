//! One frame, and what it means or is answered.

use super::{error, heard, inside, open};
use crate::cases::{NOW, examples, lines};
use crate::{Frame, Steps};

fn broken() -> Vec<String> {
    vec![error("invalid message"), "close 1007 invalid message".into()]
}

fn invalid() -> Vec<String> {
    vec![error("invalid message")]
}

#[test]
fn broken_json_ends_the_connection_and_nothing_else_does() {
    let deep =
        |depth: usize| format!(r#"{{"type":"leave_room","data":{}{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1));
    for (frame, expected) in [
        ("{invalid json".into(), broken()),
        ("".into(), broken()),
        (r#"{"type":"leave_room"} and more"#.into(), broken()),
        ("[".repeat(100_000), broken()),
        ("{\"type\":\"a\0b\"}".into(), broken()),
        (deep(100_000), invalid()),
        (deep(33), invalid()),
        (deep(32), vec![]),
        ("null".into(), invalid()),
        (r#""leave_room""#.into(), invalid()),
        (r#"["leave_room",{}]"#.into(), invalid()),
        ("{}".into(), invalid()),
        (r#"{"data":{}}"#.into(), invalid()),
        (r#"{"type":5,"data":{}}"#.into(), invalid()),
        (r#"{"type":null,"data":{}}"#.into(), invalid()),
        (r#"{"type":"leave_room","type":"leave_room"}"#.into(), invalid()),
        (r#"{"type":"\ud800","data":{}}"#.into(), invalid()),
        (r#"{"type":"dance","data":{}}"#.into(), invalid()),
        (r#"{"type":"LEAVE_ROOM","data":{}}"#.into(), invalid()),
        (r#"{"type":"leave_room"}"#.into(), vec![]),
        (r#"{"type":"leave_room","data":7,"__proto__":{},"n":1e999}"#.into(), vec![]),
    ] {
        assert_eq!(heard(&mut *open(), &frame), expected, "{frame:.60}");
    }
}

#[test]
fn hello_is_for_who_says_it_first() {
    let hello = r#"{"type":"hello","data":{"version":1,"features":[]}}"#;
    assert_eq!(heard(&mut *open(), hello), ["speak native", "0 attend rooms now"]);
    let mut session = open();
    assert!(heard(&mut *session, r#"{"type":"leave_room"}"#).is_empty());
    assert_eq!(heard(&mut *session, hello), invalid(), "then it is an unknown type of the contract's");
}

#[test]
fn binary_frames_with_json_are_taken() {
    for (frame, expected) in [
        (&br#"{"type":"list_rooms","data":{}}"#[..], vec!["0 rooms None".to_owned()]),
        (&b"\xff\xfe"[..], broken()),
        (&b"{\"type\":\"leave_room\xff\"}"[..], broken()),
    ] {
        let mut steps = Steps::new();
        open().hear(Frame::Binary(frame), NOW, &mut steps);
        assert_eq!(lines(&mut steps), expected);
    }
}

#[test]
fn rooms_are_made_within_the_contracts_limits() {
    let make = |name: usize, rest: &str| (format!(r#"{{"name":"{}",{rest}}}"#, "ü".repeat(name)), name);
    for ((data, name), expected) in [
        (make(1, r#""type":"public""#), Some("Public None")),
        (make(100, r#""type":"private","max_users":null"#), Some("Private None")),
        (make(101, r#""type":"public""#), None),
        (make(0, r#""type":"public""#), None),
        (make(1, r#""type":"public","max_users":2"#), Some("Public Some(2)")),
        (make(1, r#""type":"public","max_users":1000"#), Some("Public Some(1000)")),
        (make(1, r#""type":"public","max_users":1"#), None),
        (make(1, r#""type":"public","max_users":1001"#), None),
        (make(1, r#""type":"public","max_users":0"#), None),
        (make(1, r#""type":"public","max_users":-1"#), None),
        (make(1, r#""type":"public","max_users":1e999"#), None),
        (make(1, r#""type":"public","max_users":99999999999999999999"#), None),
        (make(1, r#""type":"public","max_users":"50""#), None),
        (make(1, r#""type":"guild""#), None),
        (make(1, r#""type":["public"]"#), None),
        (make(1, r#""max_users":50"#), None),
        (make(1, r#""type":"public","name":"twice""#), None),
    ] {
        let frame = format!(r#"{{"type":"create_room","data":{data}}}"#);
        let expected = expected.map_or_else(invalid, |rest| vec![format!("0 make {} {rest}", "ü".repeat(name))]);
        assert_eq!(heard(&mut *open(), &frame), expected, "{data:.80}");
    }
    for data in ["", r#","data":null"#, r#","data":[]"#, r#","data":"x""#] {
        assert_eq!(heard(&mut *open(), &format!(r#"{{"type":"create_room"{data}}}"#)), invalid(), "{data}");
    }
}

#[test]
fn rooms_are_joined_by_name() {
    let not_found = || vec![error("room not found")];
    let long = "r".repeat(256);
    for (data, expected) in [
        (r#"{"room_id":"r"}"#.into(), vec!["0 enter r Now".into()]),
        (r#"{"room_id":"direct:bob"}"#.into(), vec!["0 enter dm-alice-bob Now".into()]),
        (r#"{"room_id":"dm-bob-carol"}"#.into(), not_found()),
        (r#"{"room_id":"user:alice"}"#.into(), not_found()),
        (r#"{"room_id":""}"#.into(), not_found()),
        (r#"{"room_id":"a\u0000b"}"#.into(), not_found()),
        (format!(r#"{{"room_id":"{long}"}}"#), not_found()),
        (r#"{"room_id":7}"#.into(), invalid()),
        (r#"{"room_id":null}"#.into(), invalid()),
        ("{}".into(), invalid()),
        (r#"["r"]"#.into(), invalid()),
        ("null".into(), invalid()),
    ] {
        let frame = format!(r#"{{"type":"join_room","data":{data}}}"#);
        assert_eq!(heard(&mut *open(), &frame), expected, "{data:.60}");
    }
}

#[test]
fn messages_are_sent_within_the_contracts_limits() {
    let send = |kind: &str, content: &str, rest: &str| {
        format!(r#"{{"type":"{kind}","content":"{content}","room_id":"r"{rest}}}"#)
    };
    let chars = |chars: usize| "ü".repeat(chars);
    let id = |bytes: usize| format!(r#","client_id":"{}""#, "c".repeat(bytes));
    let said = |what: String| vec![format!("1 send r {what}")];
    let named = || vec![r#"< {"type":"error","data":{"message":"invalid message","client_id":"c1"}}"#.to_owned()];
    let c1 = r#","client_id":"c1""#;
    for (data, expected) in [
        (send("text", "Hello, everyone!", ""), said("Text - Hello, everyone!".into())),
        (send("system", "x", ""), said("System - x".into())),
        (send("text", "x", c1), said("Text c1 x".into())),
        (send("text", "x", r#","client_id":null,"user_id":1,"id":"mine","timestamp":0"#), said("Text - x".into())),
        (send("text", "a\\u0000b", ""), said("Text - a\0b".into())),
        (send("text", &chars(1000), ""), said(format!("Text - {}", chars(1000)))),
        (send("text", &chars(1001), ""), invalid()),
        (send("text", &chars(1001), c1), named()),
        (send("text", "", ""), invalid()),
        (send("join", "x", c1), named()),
        (send("broadcast", "x", ""), invalid()),
        (send("text", "\\udc00", ""), invalid()),
        (send("text", "x", r#","content":"y""#), invalid()),
        (send("text", "x", &id(128)), said(format!("Text {} x", "c".repeat(128)))),
        (send("text", "x", &id(129)), invalid()),
        (send("text", "x", &id(0)), invalid()),
        (send("text", "x", r#","client_id":5"#), invalid()),
        (r#"{"type":"text","content":5,"room_id":"r"}"#.into(), invalid()),
        (r#"{"type":"text","room_id":"r"}"#.into(), invalid()),
        (r#"{"content":"x","room_id":"r"}"#.into(), invalid()),
        (r#"{"type":"text","content":"x"}"#.into(), invalid()),
        ("null".into(), invalid()),
        (r#"{"type":"text","content":"x","room_id":"dm-bob-carol"}"#.into(), vec![error("unauthorized")]),
        (r#"{"type":"text","content":"x","room_id":""}"#.into(), vec![error("unauthorized")]),
    ] {
        let frame = format!(r#"{{"type":"send_message","data":{data}}}"#);
        assert_eq!(heard(&mut *inside("r"), &frame), expected, "{data:.80}");
    }
}

#[test]
fn the_examples_of_the_protocol_page_are_frames() {
    let (sent, told) = examples(include_str!("../PROTOCOL.md"));
    let is_request = |frame: &&String| {
        ["create_room", "list_rooms", "join_room", "leave_room", "send_message"].iter().any(|kind| frame.contains(kind))
    };
    let requests = sent.iter().filter(is_request).count();
    assert_eq!(requests, 7, "each request has its example");
    for frame in sent.iter().filter(is_request) {
        assert_ne!(heard(&mut *inside("5f0c…"), frame), invalid(), "{frame}");
    }
    assert!(told.len() >= 4, "the page has its examples");
}
