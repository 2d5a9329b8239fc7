//! Frames in, steps out: the door and the conversation. What frames mean has its tables in [`frames`] and [`groups`], what listeners are
//! told in [`told`].

mod away;
mod frames;
mod groups;
mod told;

use std::sync::Arc;

use domain::Text;
use domain::command::Reply;
use domain::event::{Event, What};
use domain::history::Entry;
use domain::id::{Millis, Offset};
use domain::identity::{Credential, Denied};
use domain::model::{Message, MessageKind};
use domain::refusal::{BadResume, Refusal};

use super::Gateway;
use crate::cases::{NOW, REFUSALS, answer, ask, event, examples, kept, lines, message, opening};
use crate::{Dialect, Frame, Session, Settings, Steps, door};

fn gateway(trusted: &[&str]) -> Gateway {
    Gateway::of(&Settings { trusted: trusted.iter().map(|name| (*name).into()).collect(), ..Settings::default() })
}

/// A session of alice's, upgraded and level; its next call is 1.
fn open() -> Box<dyn Session> {
    let mut session = behind();
    session.level(0, NOW, &mut Steps::new());
    session
}

/// A session of alice's that has not been told yet what it missed.
fn behind() -> Box<dyn Session> {
    let mut steps = Steps::new();
    let ask = ask("GET", "/production", "userId=alice", &[]);
    let mut session = gateway(&[NAME]).open(&ask, &opening(Some("alice")), NOW, &mut steps);
    assert_eq!(lines(&mut steps), ["0 attend rooms"], "the upgrade waits for it");
    assert_eq!(answered(&mut *session, 0, Ok(&crate::cases::attending())), ["101"], "nothing is sent on connecting");
    session
}

const NAME: &str = "gateway";

fn heard(session: &mut dyn Session, frame: &str) -> Vec<String> {
    let mut steps = Steps::new();
    session.hear(Frame::Text(frame), NOW, &mut steps);
    named(lines(&mut steps))
}

fn answered(session: &mut dyn Session, call: u32, reply: Result<&Reply, &Refusal>) -> Vec<String> {
    let mut steps = Steps::new();
    session.answer(call, reply, NOW, &mut steps);
    named(lines(&mut steps))
}

/// The lines, with a connection's and a frame's own names taken out of errors.
fn named(lines: Vec<String>) -> Vec<String> {
    let short = |line: String| match line.split_once(r#","connectionId":""#) {
        Some((start, names)) if start.starts_with(r#"< {"message":"#) && names.contains(r#"","requestId":""#) => {
            format!("{start}…")
        }
        Some(_) | None => line,
    };
    lines.into_iter().map(short).collect()
}

fn error(word: &str) -> Vec<String> {
    vec![format!(r#"< {{"message":"{word}"…"#)]
}

/// A message of alice's in a room, sent through this door by `test-123`.
fn said(room: &str, extra: Option<&str>, alias: Option<&str>) -> Arc<Event> {
    let message = message(MessageKind::Text, "Hello!", Some("test-123"));
    let what = What::Sent(Message { extra: extra.map(Text::from), ..message });
    let sent = (*event(room, "alice", what)).clone();
    Arc::new(Event { door: door::GATEWAY, alias: alias.map(Text::from), ..sent })
}

/// The same, as it is now.
fn entry(room: &str) -> Entry {
    Entry::fresh(said(room, None, None))
}

/// A message of bob's, by an id of his.
fn of_bob(room: &str, extra: Option<&str>) -> Entry {
    let sent = said(room, extra, None);
    Entry::fresh(Arc::new(Event { by: crate::cases::person("bob"), offset: Offset(41), ..(*sent).clone() }))
}

fn found(entries: Vec<Option<Entry>>) -> Reply {
    Reply::Found(entries)
}

#[test]
fn whoever_shows_something_is_taken_at_that() {
    let bearer = |token: &str| Some(Credential::Bearer(token.into()));
    let all: &[(&str, &str)] =
        &[("authorization", "Bearer h"), ("sec-websocket-protocol", "bearer, p"), ("x-api-key", "k")];
    let claimed = Some(Credential::Claimed("alice".into()));
    for (query, headers, expected, trusting) in [
        ("userId=alice&token=q", all, bearer("q"), bearer("q")),
        ("userId=alice&token=", all, bearer("h"), bearer("h")),
        ("userId=alice", &all[1..], bearer("p"), bearer("p")),
        ("userId=alice", &all[2..], Some(Credential::Key("k".into())), Some(Credential::Key("k".into()))),
        ("userId=alice", &[], None, claimed),
        ("userId=", &[], None, None),
        ("", &[], None, None),
    ] {
        let ask = ask("GET", "/production", query, headers);
        assert_eq!(gateway(&["direct"]).who(&ask), expected, "{query}");
        assert_eq!(gateway(&["direct", NAME]).who(&ask), trusting, "trusting, {query}");
        let development = Settings { development: true, ..Settings::default() };
        assert_eq!(Gateway::of(&development).who(&ask), trusting, "development, {query}");
    }
}

#[test]
fn refused_upgrades_have_the_contracts_words() {
    let (unknown, missing) = (r#"401 {"message":"Unauthorized"}"#, r#"400 {"error":"userId is required"}"#);
    for (query, why, expected) in [
        ("userId=alice", Denied::Missing, unknown),
        ("userId=alice", Denied::Expired, unknown),
        ("userId=alice", Denied::Invalid, unknown),
        ("userId=alice", Denied::Unavailable, r#"503 Retry-After: 1 {"message":"Service Unavailable"}"#),
        ("userId=", Denied::Missing, missing),
        ("userid=alice", Denied::Invalid, missing),
        ("token=t", Denied::Unavailable, missing),
    ] {
        assert_eq!(answer(&gateway(&[]).denied(&ask("GET", "/production", query, &[]), why)), expected, "{query}");
    }
    for (query, who, expected) in [
        ("userId=bob&token=t", Some("alice"), unknown),
        ("userId=Alice&token=t", Some("alice"), unknown),
        ("userId=alice", None, unknown),
        ("token=t", Some("alice"), missing),
        ("userId=&token=t", Some("alice"), missing),
    ] {
        let mut steps = Steps::new();
        let mut session = gateway(&[]).open(&ask("GET", "/production", query, &[]), &opening(who), NOW, &mut steps);
        assert_eq!(lines(&mut steps), [expected], "{query}");
        assert!(heard(&mut *session, "{}").is_empty(), "it hears nothing");
    }
}

#[test]
fn an_upgrade_waits_until_it_is_known_that_everything_will_be_told() {
    let offered: &[(&str, &str)] = &[("sec-websocket-protocol", "bearer, t")];
    let dialect = gateway(&[]);
    let mut steps = Steps::new();
    let ask = ask("GET", "/production", "userId=al%69ce&x=1", offered);
    let mut session = dialect.open(&ask, &opening(Some("alice")), NOW, &mut steps);
    assert_eq!(lines(&mut steps), ["0 attend rooms"]);
    assert_eq!(answered(&mut *session, 0, Ok(&crate::cases::attending())), ["101 bearer"], "browsers want one chosen");
    let mut session = dialect.open(&ask, &opening(Some("alice")), NOW, &mut steps);
    let failed = r#"500 {"error":"Failed to connect"}"#;
    assert_eq!(answered(&mut *session, 0, Err(&Refusal::Unavailable)), [failed]);
    assert_eq!(dialect.message_bytes_max(), Some(131_072));
    assert!(dialect.hears_statuses());
}

#[test]
fn a_connection_lives_for_a_day() {
    let (day, mut steps, mut session) = (24 * 60 * 60 * 1000, Steps::new(), open());
    assert_eq!(session.deadline(), Some(NOW.plus(day)));
    session.wake(NOW.plus(day - 1), &mut steps);
    assert!(lines(&mut steps).is_empty());
    session.wake(NOW.plus(day), &mut steps);
    assert_eq!(lines(&mut steps), ["close 1001 Going away"]);
    assert_eq!(session.deadline(), None::<Millis>, "and is not closed twice");
    session.removed(&crate::cases::key("team"), &mut steps);
    assert!(lines(&mut steps).is_empty(), "there is no word for it");
}

#[test]
fn every_refusal_has_its_word() {
    let send = r#"{"action":"sendMessage","messageId":"m","conversationId":"c","senderId":"alice","recipientId":"bob","content":"x"}"#;
    let deaf = "Internal server error";
    for refusal in REFUSALS {
        let word = match refusal {
            Refusal::RateLimited { .. } => "Too Many Requests",
            Refusal::ClientIdReused => "Conflict",
            Refusal::Busy | Refusal::Contended | Refusal::StorageFull | Refusal::Unavailable => deaf,
            Refusal::OutcomeUnknown => deaf,
            Refusal::RoomNotFound | Refusal::Forbidden | Refusal::RoomFull | Refusal::AlreadyPresent => "Forbidden",
            Refusal::NotPresent | Refusal::NotAllowed | Refusal::Invalid | Refusal::InvalidContent => "Forbidden",
            Refusal::RoomLimit | Refusal::LastOwner | Refusal::MessageNotFound => "Forbidden",
            Refusal::MemberNotFound | Refusal::UserNotFound | Refusal::BadResume(BadResume::Ahead) => "Forbidden",
            Refusal::BadResume(_) => "Forbidden",
        };
        let mut session = open();
        assert_eq!(heard(&mut *session, send).len(), 1);
        assert_eq!(answered(&mut *session, 1, Err(&refusal)), error(word), "{refusal}");
    }
}

#[test]
fn errors_name_the_connection_and_the_frame() {
    let (mut session, mut steps) = (open(), Steps::new());
    for frame in [Frame::Text("hello"), Frame::Text("{}"), Frame::Binary(&[0xff])] {
        session.hear(frame, NOW, &mut steps);
    }
    let said: Vec<serde_json::Value> = lines(&mut steps)
        .iter()
        .map(|line| serde_json::from_str(line.trim_start_matches("< ")).expect("an error is JSON"))
        .collect();
    let keys = |value: &serde_json::Value| value.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>());
    let expected = ["connectionId", "message", "requestId"].map(String::from).to_vec();
    assert_eq!(keys(&said[0]), Some(expected));
    assert!(said.iter().all(|error| error["connectionId"] == said[0]["connectionId"]));
    assert!(said[0]["requestId"] != said[1]["requestId"] && said[1]["requestId"] != said[2]["requestId"]);
}

#[test]
fn a_message_is_acknowledged_and_a_repeat_hears_where_it_stands() {
    let status = |conversation: &str, status: &str| {
        let data = format!(r#"{{"messageId":"test-123","conversationId":"{conversation}","status":"{status}"}}"#);
        vec![format!(r#"< {{"type":"messageStatus","data":{data}}}"#)]
    };
    let send = r#"{"action":"sendMessage","messageId":"test-123","conversationId":"conv-1","senderId":"alice","recipientId":"bob","content":"Hello!"}"#;
    let (sent, mut session) = (said("direct:bob", None, Some("conv-1")), open());
    assert_eq!(heard(&mut *session, send), ["1 send to id bob Text test-123 Hello! called conv-1"]);
    assert_eq!(answered(&mut *session, 1, Ok(&kept(&sent, false))), status("conv-1", "sent"));
    let (fresh, mut delivered, mut read) = (entry("direct:bob"), entry("direct:bob"), entry("direct:bob"));
    delivered.delivered = true;
    (read.delivered, read.read) = (true, true);
    for (what, reply, expected) in [
        ("kept", Ok(found(vec![Some(fresh)])), "sent"),
        ("delivered", Ok(found(vec![Some(delivered)])), "delivered"),
        ("read", Ok(found(vec![Some(read)])), "read"),
        ("taken away since", Ok(found(vec![None])), "sent"),
        ("who knows", Err(Refusal::Unavailable), "sent"),
    ] {
        let mut session = open();
        heard(&mut *session, send);
        let asked = answered(&mut *session, 1, Ok(&kept(&sent, true)));
        assert_eq!(asked, ["2 find dm-alice-bob alice test-123"], "{what}");
        assert_eq!(answered(&mut *session, 2, reply.as_ref()), status("conv-1", expected), "{what}");
    }
    let group = said("team", None, None);
    let mut session = open();
    heard(&mut *session, send);
    assert_eq!(answered(&mut *session, 1, Ok(&kept(&group, false))), status("team", "sent"), "a group's own id");
}

#[test]
fn what_is_quoted_is_the_logs_own_words() {
    let send = r#"{"action":"sendMessage","messageId":"m2","conversationId":"c","senderId":"alice","recipientId":"bob","content":"yes","replyToMessageId":"test-123","replyToContent":"forged","replyToSenderName":"Mallory"}"#;
    let said = |name: &str, content: &str| {
        format!(
            r#"2 send to id bob Text m2 yes {{"replyToMessageId":"test-123","replyToContent":"{content}","replyToSenderName":"{name}"}} called c"#
        )
    };
    let mut edited = of_bob("direct:bob", Some(r#"{"senderName":"Bobby"}"#));
    edited.edited = Some(("ü".repeat(501).into(), NOW));
    for (what, reply, expected) in [
        ("there", Ok(found(vec![Some(of_bob("direct:bob", None))])), said("bob", "Hello!")),
        (
            "as it is now, cut, and its sender as shown here",
            Ok(found(vec![Some(edited)])),
            said("Bobby", &"ü".repeat(500)),
        ),
        ("not there", Ok(found(vec![None])), said("Mallory", "forged")),
        ("no such conversation", Err(Refusal::Forbidden), said("Mallory", "forged")),
    ] {
        let mut session = open();
        assert_eq!(heard(&mut *session, send), ["1 find dm-alice-bob - test-123"], "{what}");
        assert_eq!(answered(&mut *session, 1, reply.as_ref()), [expected], "{what}");
    }
    let none = send.replace("\"test-123\"", "\"\"");
    assert!(heard(&mut *open(), &none)[0].starts_with("1 send to"), "an empty id quotes nothing");
}

#[test]
fn what_is_said_behind_a_search_waits_for_it() {
    let edit = r#"{"action":"editMessage","messageId":"test-123","conversationId":"c","senderId":"alice","newContent":"better","recipientIds":["bob"]}"#;
    let next = r#"{"action":"sendMessage","messageId":"m2","conversationId":"c","senderId":"alice","recipientId":"bob","content":"next"}"#;
    let delete = r#"{"action":"deleteMessage","messageId":"test-123","conversationId":"c","senderId":"alice","recipientId":"bob"}"#;
    let mut session = open();
    assert_eq!(heard(&mut *session, edit), ["1 find dm-alice-bob alice test-123"]);
    assert!(heard(&mut *session, next).is_empty() && heard(&mut *session, delete).is_empty());
    assert!(heard(&mut *session, r#"{"action":"dance"}"#).is_empty(), "errors keep their place, too");
    let there = found(vec![Some(entry("direct:bob"))]);
    let id = crate::cases::ID;
    let expected = [
        format!("2 edit {id} better"),
        "3 send to id bob Text m2 next called c".into(),
        "4 find dm-alice-bob alice test-123".into(),
    ];
    assert_eq!(answered(&mut *session, 1, Ok(&there)), expected);
    let mut rest = vec![format!("5 delete {id}")];
    rest.extend(error("Forbidden"));
    assert_eq!(answered(&mut *session, 4, Ok(&there)), rest);
    assert!(answered(&mut *session, 5, Ok(&Reply::Done)).is_empty());
    assert!(answered(&mut *session, 99, Ok(&Reply::Done)).is_empty(), "no such call");

    // At the bounds, and one past them.
    let mut session = open();
    heard(&mut *session, edit);
    for _ in 0..64 {
        assert!(heard(&mut *session, "{}").is_empty());
    }
    assert_eq!(heard(&mut *session, "{}"), error("Internal server error"));
    let mut session = open();
    heard(&mut *session, edit);
    assert!(heard(&mut *session, &" ".repeat(256 * 1024)).is_empty());
    assert_eq!(heard(&mut *session, " "), error("Internal server error"));
}

#[test]
fn what_is_not_found_is_forbidden_to_change_and_passed_over_to_read() {
    let edit = r#"{"action":"editMessage","messageId":"m","conversationId":"c","newContent":"better"}"#;
    let delete = r#"{"action":"deleteMessage","messageId":"m","conversationId":"c"}"#;
    let mark = r#"{"action":"markRead","conversationId":"c","messageIds":["m","n"],"isGroupChat":false}"#;
    let deaf = "Internal server error";
    for (what, reply, changed, marked) in [
        ("nobody's", Ok(found(vec![None])), error("Forbidden"), vec![]),
        ("of a conversation of others", Err(Refusal::Forbidden), error("Forbidden"), vec![]),
        ("of none", Err(Refusal::RoomNotFound), error("Forbidden"), vec![]),
        ("who knows", Err(Refusal::Unavailable), error(deaf), error(deaf)),
    ] {
        for (frame, asked, expected) in
            [(edit, "alice m", &changed), (delete, "alice m", &changed), (mark, "- m,n", &marked)]
        {
            let mut session = open();
            assert_eq!(heard(&mut *session, frame), [format!("1 find alias c {asked}")], "{what}");
            let mut told = answered(&mut *session, 1, reply.as_ref());
            if told == ["2 find c alice m"] {
                // It wasn't said whether a group is meant.
                told = answered(&mut *session, 2, reply.as_ref());
            }
            assert_eq!(&told, expected, "{what}: {frame}");
        }
    }
}

#[test]
fn messages_of_others_are_marked() {
    let id = crate::cases::ID;
    let reads = |sender: &str| {
        format!(
            r#"{{"action":"markRead","conversationId":"c","readerId":"alice","messageIds":["test-123"],"reads":[{{"messageId":"test-123","senderId":"{sender}"}}],"isGroupChat":true}}"#
        )
    };
    for (what, frame, asked, entry, expected) in [
        (
            "one of bob's",
            reads("bob"),
            "1 find c - test-123",
            of_bob("team", None),
            vec![format!("2 mark Read {id} -")],
        ),
        ("one's own", reads("alice"), "1 find c - test-123", entry("team"), vec![]),
        ("whose sender is another", reads("carol"), "1 find c - test-123", of_bob("team", None), vec![]),
    ] {
        let mut session = open();
        assert_eq!(heard(&mut *session, &frame), [asked], "{what}");
        assert_eq!(answered(&mut *session, 1, Ok(&found(vec![Some(entry), None]))), expected, "{what}");
    }
    let read_ack = r#"{"action":"readAck","conversationId":"team","readerId":"alice","messageIds":["test-123"],"readAt":"2025-10-21T10:30:00Z"}"#;
    let mut session = open();
    assert_eq!(heard(&mut *session, read_ack), ["1 find alias team - test-123"], "a conversation of two first");
    assert_eq!(answered(&mut *session, 1, Ok(&found(vec![None]))), ["2 find team - test-123"], "then a group");
    let there = found(vec![Some(of_bob("team", None))]);
    assert_eq!(answered(&mut *session, 2, Ok(&there)), [format!("3 mark Read {id} -")]);
    assert!(answered(&mut *session, 3, Ok(&Reply::Done)).is_empty());
}

#[test]
fn catch_up_is_complete_when_everything_was_told() {
    let complete = |count: u64| format!(r#"< {{"type":"catchUpComplete","data":{{"count":{count}}}}}"#);
    let frame = r#"{"action":"catchUp","userId":"whoever"}"#;
    assert_eq!(heard(&mut *open(), frame), [complete(0)], "nothing was missed");
    let (mut session, mut steps) = (behind(), Steps::new());
    assert!(heard(&mut *session, frame).is_empty(), "it is under way");
    assert!(heard(&mut *session, frame).is_empty());
    session.level(3, NOW, &mut steps);
    assert_eq!(lines(&mut steps), [complete(3), complete(0)], "each is answered, nothing is counted twice");
    session.level(2, NOW, &mut steps);
    assert!(lines(&mut steps).is_empty(), "nobody has asked");
    assert_eq!(heard(&mut *session, frame), [complete(2)]);
    assert_eq!(heard(&mut *session, frame), [complete(0)]);
}

#[test]
fn the_examples_of_the_protocol_page_are_frames() {
    let (sent, told) = examples(include_str!("../PROTOCOL.md"));
    for frame in &sent {
        // Some of them are bob's.
        let frame = frame.replace(r#"":"bob""#, r#"":"alice""#);
        assert!(!heard(&mut *open(), &frame).concat().contains("Forbidden"), "{frame}");
    }
    assert!(sent.len() >= 14 && told.len() >= 14, "the page has its examples");
}
