//! The documents bite, and their examples are what they say: each is a frame that they describe, and so is each example of
//! a `PROTOCOL.md`.

use std::collections::BTreeSet;

use dialects::{Ask, Dialect, Settings, registry, spec};
use serde_json::Value;

use super::documents::Documents;
use super::folders;
use super::record::Record;

fn house() -> Vec<Box<dyn Dialect>> {
    registry(&Settings { development: true, ..Settings::default() })
}

/// A record in which a client is connected there.
fn record(target: &str) -> Record {
    let dialects = house();
    let mut record = Record::new(&dialects);
    record.connects("a", target, &dialects);
    record
}

const ROOMS: &str = "/ws/rooms/r?token=a";
const CHAT: &str = "/ws/chat";
const SOCKETIO: &str = "/socket.io/?EIO=4&transport=websocket";

#[test]
fn a_wrong_frame_of_the_servers_fails() {
    let ack = r#"{"type":"ack","client_id":"c","id":"0199a1b2-0000-7000-8000-0000000000ab","seq":3,"timestamp":"2026-11-20T11:52:13.994Z"}"#;
    for (target, frame, is_described) in [
        (ROOMS, ack, true),
        (ROOMS, &ack.replace("\"seq\":3", "\"seq\":\"3\""), false),
        (ROOMS, &ack.replace("\"seq\":3", "\"seq\":3,\"more\":1"), false),
        (ROOMS, &ack.replace("\"seq\":3,", ""), false),
        (ROOMS, &ack.replace(".994Z", "Z"), false),
        (ROOMS, r#"{"type":"error","message":"Failed to process message"}"#, true),
        (ROOMS, r#"{"type":"error","message":"Something else"}"#, false),
        (ROOMS, "no JSON", false),
        (CHAT, ack, false),
        (CHAT, r#"{"type":"error","data":{"message":"unauthorized"}}"#, true),
        (CHAT, r#"{"type":"error","id":"1","data":{"code":"forbidden","message":"no"}}"#, false),
        ("/ws/1", r#"{"type":"user_status","user_id":2,"status":"online"}"#, true),
        ("/ws/1", r#"{"type":"user_status","user_id":2,"status":"away"}"#, false),
        ("/production?userId=a", r#"{"type":"presence","data":{"userId":"a","isOnline":true}}"#, true),
        ("/production?userId=a", r#"{"type":"presence","data":{"userId":"a"}}"#, false),
        (SOCKETIO, r#"42["user_left",{"userId":"b","roomId":"r"}]"#, true),
        (SOCKETIO, r#"42["user_left",{"userId":"b","roomId":"r"},1]"#, false),
        (SOCKETIO, r#"43["user_left",{"userId":"b","roomId":"r"}]"#, false),
        (SOCKETIO, r#"431[{"success":true}]"#, true),
        (SOCKETIO, r#"42[{"success":true}]"#, false),
        (SOCKETIO, "41", true),
        (SOCKETIO, "9", false),
    ] {
        let mut record = record(target);
        record.hears("a", frame);
        assert_eq!(record.wrong().is_ok(), is_described, "{target} {frame}");
    }
}

#[test]
fn what_a_client_says_is_described_or_answered_with_an_error() {
    let (good, bad) = (r#"{"text":"hi"}"#, r#"{"text":1}"#);
    let error = r#"{"type":"error","message":"Failed to process message"}"#;
    let holds = |said: &[&str], errors: usize, ends: bool| {
        let mut record = record(ROOMS);
        said.iter().for_each(|frame| record.says("a", frame.as_bytes()));
        (0..errors).for_each(|_| record.hears("a", error));
        if ends {
            record.ends("a");
        }
        record.settled();
        record.wrong().is_ok()
    };
    assert!(holds(&[good], 0, false) && holds(&[good, bad], 1, false) && holds(&[bad, bad], 0, true));
    assert!(!holds(&[bad], 0, false), "nothing was said against it");
    assert!(!holds(&[bad, good, bad], 1, false), "one error for two");
}

#[test]
fn a_wrong_answer_fails() {
    for (method, path, body, status, answer, is_described) in [
        ("GET", "/rooms/r/connections", "", 403, r#"{"detail":"Room access denied"}"#, true),
        ("GET", "/rooms/r/connections", "", 403, r#"{"detail":"No"}"#, false),
        ("GET", "/rooms/r/connections", "", 418, r#"{"detail":"Room access denied"}"#, false),
        ("GET", "/rooms/r/connections", "", 403, r#"{"detail":"development mode: configure a key"}"#, true),
        ("GET", "/nowhere", "", 404, r#"{"detail":"Not Found","success":false,"message":"Route not found"}"#, true),
        ("GET", "/nowhere", "", 404, r#"{"detail":"Not Found"}"#, false),
        ("GET", "/ws/1", "", 403, "", true),
        ("GET", "/ws/1", "", 403, "{}", false),
        ("GET", "/messages/unread/r", "", 200, r#"{"success":true,"data":{"count":1}}"#, true),
        ("GET", "/messages/unread/r", "", 200, r#"{"success":true,"data":{"count":-1}}"#, false),
        ("PUT", "/messages/read", r#"{"messageIds":["x"]}"#, 200, READ, false),
        ("PUT", "/messages/read", r#"{"messageIds":["0199a1b2-0000-7000-8000-0000000000ab"]}"#, 200, READ, true),
    ] {
        let mut record = record(ROOMS);
        let (method, path, body) = (method.to_owned(), path.to_owned(), body.as_bytes().to_vec());
        let ask = Ask { method, path, body, ..Ask::default() };
        record.asks(&ask, status, answer.as_bytes());
        assert_eq!(record.wrong().is_ok(), is_described, "{ask:?} {status} {answer}");
    }
    let mut record = record(ROOMS);
    record.refused("a", 403, r#"{"detail":"Token expired"}"#);
    assert_eq!(record.wrong(), Ok(()));
    record.refused("a", 403, r#"{"detail":"Too late"}"#);
    assert!(record.wrong().is_err());
}

const READ: &str = r#"{"success":true,"message":"Messages marked as read","data":true}"#;

#[test]
fn examples_are_what_is_described() {
    let dialects = house();
    let documents = Documents::new(&dialects);
    let asyncapi: Value = serde_json::from_str(&spec::asyncapi(&dialects, "0").pretty()).expect("it is JSON");
    let (mut examples, mut without) = (0, BTreeSet::new());
    for (name, message) in asyncapi["components"]["messages"].as_object().expect("it has messages") {
        let given = message["examples"].as_array().map_or(&[][..], Vec::as_slice);
        if given.is_empty() {
            without.insert(name.as_str());
        }
        for example in given {
            let found = documents.message(name, &example["payload"]);
            assert_eq!(found, Ok(""), "{name} {example}");
            examples += 1;
        }
    }
    assert!(examples > 150, "only {examples} examples");
    println!("without an example: {without:?}");
}

#[test]
fn protocols_show_what_is_described() {
    let documents = Documents::new(&house());
    let mut shown = 0;
    for (name, folder) in folders() {
        let Ok(text) = std::fs::read_to_string(folder.with_file_name("PROTOCOL.md")) else { continue };
        let mut inside = false;
        for line in text.lines() {
            if line.starts_with("```") {
                inside = line == "```json";
                continue;
            }
            if !inside {
                continue;
            }
            let frame: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {line}: {error}"));
            let said = documents.message(&format!("{name}.send."), &frame);
            let heard = documents.message(&format!("{name}.receive."), &frame);
            // Bodies of REST stand there, too.
            let asked = name == "direct"
                && ["/messages/", "/users/"]
                    .iter()
                    .any(|path| documents.request("POST", &format!("/api/messaging{path}"), line.as_bytes()).is_ok());
            assert!(said.is_ok() || heard.is_ok() || asked, "{name}: {line}\n{said:?}\n{heard:?}");
            shown += 1;
        }
    }
    assert!(shown > 90, "only {shown} examples");
}
