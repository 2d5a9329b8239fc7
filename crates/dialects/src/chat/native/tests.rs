//! The conversation frame by frame, and what listeners are told.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::command::Reply;
use domain::event::{News, SignalKind, Status, What};
use domain::id::{Cursor, Life, MessageId, Millis, Offset};
use domain::identity::Denied;
use domain::model::{Member, MessageKind, Role, RoomKind};
use domain::refusal::{BadResume, Refusal};
use domain::watermark::Mark;

use super::{Native, Talk, heard};
use crate::cases::{
    NOW, attending, cursor, event, kept, key, lines, marked, message, person, sent, signal, told, user,
};
use crate::step::{Frame, Steps};
use crate::{Dialect, Said, Session, Whose};

fn heard_by(session: &mut dyn Session, frame: &str) -> Vec<String> {
    let mut steps = Steps::new();
    session.hear(Frame::Text(frame), NOW, &mut steps);
    lines(&mut steps)
}

fn answered(session: &mut dyn Session, call: u32, reply: Result<&Reply, &Refusal>) -> Vec<String> {
    let mut steps = Steps::new();
    session.answer(call, reply, NOW, &mut steps);
    lines(&mut steps)
}

/// Greeted, so that its next call has the number 1.
fn open() -> Talk {
    let mut talk = Talk::new(&person("alice"));
    assert_eq!(heard_by(&mut talk, HELLO), ["0 attend rooms now"]);
    assert_eq!(answered(&mut talk, 0, Ok(&attending())).len(), 1);
    talk
}

const HELLO: &str = r#"{"type":"hello","data":{"version":1}}"#;
const INVALID: &str =
    r#"< {"type":"error","id":"1","data":{"code":"invalid","message":"this is not what the protocol says"}}"#;

/// The JSON lines of the protocol's page, rooms and messages filled in.
fn page() -> Vec<String> {
    let page = include_str!("PROTOCOL.md");
    let blocks = page.split("```json\n").skip(1).filter_map(|block| block.split_once("```"));
    let lines = blocks.flat_map(|(block, _)| block.lines());
    lines.map(|line| line.replace("MESSAGE", "{}").replace("ROOM", "{}").replace(",…]", "]")).collect()
}

#[test]
fn the_page_is_json_and_names_everything_that_is_heard() {
    let (mut kinds, me) = (BTreeSet::new(), user("alice"));
    for line in page() {
        let frame: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let id = "0199a1b2-0000-7000-8000-0000000000ab";
        let line = line.replace("0199a1b2-…", id);
        if let Ok(heard) = heard::read(&line, &me)
            && heard.asked.is_some()
        {
            kinds.insert(frame["type"].as_str().expect("every frame has a type").to_owned());
        }
    }
    // Those that the page names in its text alone.
    for act in ["kick", "ban", "unban", "mute", "unmute"] {
        let frame = format!(r#"{{"type":"{act}","data":{{"room_id":"r","user_id":"bob"}}}}"#);
        assert!(heard::read(&frame, &me).is_ok_and(|heard| heard.asked.is_some()), "{act}");
        assert!(include_str!("PROTOCOL.md").contains(&format!("`{act}`")), "{act}");
    }
    let expected = [
        "auth",
        "create_room",
        "delete",
        "edit",
        "hello",
        "history",
        "invite",
        "join",
        "leave",
        "mark",
        "members",
        "online",
        "ping",
        "pong",
        "presence",
        "public_rooms",
        "react",
        "room",
        "rooms",
        "send",
        "typing",
        "user",
    ];
    let expected: BTreeSet<String> = expected.into_iter().filter(|kind| *kind != "pong").map(str::to_owned).collect();
    assert_eq!(kinds, expected);
}

#[test]
fn nothing_is_looked_at_before_hello_and_what_follows_it_waits() {
    let mut talk = Talk::new(&person("alice"));
    assert_eq!(heard_by(&mut talk, r#"{"type":"rooms","id":"1"}"#), [INVALID]);
    assert_eq!(heard_by(&mut talk, r#"{"type":"hello","id":"1","data":{"version":2}}"#), [INVALID]);
    assert_eq!(heard_by(&mut talk, HELLO), ["0 attend rooms now"]);
    assert!(heard_by(&mut talk, r#"{"type":"rooms","id":"1"}"#).is_empty(), "it waits");
    assert!(heard_by(&mut talk, r#"{"type":"online","id":"2"}"#).is_empty());
    let said = answered(&mut talk, 0, Ok(&attending()));
    assert!(said[0].contains(r#""cursor":"0000000000000007.42","resumed":false"#), "{}", said[0]);
    assert_eq!(said[1..], ["1 own rooms", "2 everyone"], "in order");
}

#[test]
fn a_client_that_does_not_wait_is_told_when_too_much_is_held_back() {
    let mut talk = Talk::new(&person("alice"));
    heard_by(&mut talk, HELLO);
    let refused = (0..200).filter(|_| !heard_by(&mut talk, r#"{"type":"ping"}"#).is_empty()).count();
    assert_eq!(refused, 200 - super::session::HELD_MAX);
}

#[test]
fn a_point_that_is_no_good_is_refused_with_its_reason() {
    let resume = r#"{"type":"hello","data":{"version":1,"resume":"0000000000000007.40"}}"#;
    for (bad, reason) in [
        (BadResume::Ahead, "ahead"),
        (BadResume::OtherLog, "other_log"),
        (BadResume::Expired, "expired"),
        (BadResume::Malformed, "malformed"),
    ] {
        let mut talk = Talk::new(&person("alice"));
        assert_eq!(heard_by(&mut talk, resume), ["0 attend rooms after 0000000000000007.40"]);
        assert_eq!(answered(&mut talk, 0, Err(&Refusal::BadResume(bad))), ["1 attend rooms now"]);
        let said = answered(&mut talk, 1, Ok(&attending()));
        assert!(said[0].ends_with(&format!(r#""resumed":false,"reason":"{reason}"}}}}"#)), "{}", said[0]);
    }
    let mut talk = Talk::new(&person("alice"));
    heard_by(&mut talk, resume);
    let from = Cursor { life: Life(7), offset: Offset(40) };
    let said = answered(&mut talk, 0, Ok(&Reply::Attending { from }));
    assert!(said[0].ends_with(r#""cursor":"0000000000000007.40","resumed":true}}"#), "{}", said[0]);
    // The store is away: it may be said again.
    let mut talk = Talk::new(&person("alice"));
    heard_by(&mut talk, resume);
    assert!(answered(&mut talk, 0, Err(&Refusal::Unavailable))[0].contains(r#""code":"unavailable""#));
    assert_eq!(heard_by(&mut talk, resume), ["1 attend rooms after 0000000000000007.40"]);
}

#[test]
fn frames_become_commands_and_queries() {
    let (id, mut talk) = ("0199a1b2-0000-7000-8000-0000000000ab", open());
    for (number, (frame, expected)) in (1..).zip([
        (r#""send","data":{"room_id":"r","content":"hi","client_id":"c"}"#, "send r Text c hi".to_owned()),
        (
            r#""send","data":{"to":"bob","content":"hi","client_id":"c","kind":"system"}"#,
            "send to id bob System c hi".into(),
        ),
        (
            r#""send","data":{"room_id":"direct:bob","content":"hi","client_id":"c"}"#,
            "send dm-alice-bob Text c hi".into(),
        ),
        (&format!(r#""edit","data":{{"message_id":"{id}","content":"x"}}"#), format!("edit {id} x")),
        (&format!(r#""delete","data":{{"message_id":"{id}"}}"#), format!("delete {id} moderating")),
        (&format!(r#""react","data":{{"message_id":"{id}","emoji":"+"}}"#), format!("react {id} + true")),
        (&format!(r#""react","data":{{"message_id":"{id}","emoji":"+","on":false}}"#), format!("react {id} + false")),
        (r#""mark","data":{"room_id":"r","kind":"read","offset":7}"#, "mark Read  r up to 7".into()),
        (r#""mark","data":{"room_id":"r","kind":"delivered","offset":7}"#, "mark Delivered  r up to 7".into()),
        (r#""history","data":{"room_id":"r"}"#, "history r 0 50".into()),
        (
            r#""history","data":{"room_id":"r","before":9,"after":2,"limit":200}"#,
            "history r 0 200 above 2 below 9".into(),
        ),
        (r#""join","data":{"room_id":"r"}"#, "enter r Now".into()),
        (r#""join","data":{"room_id":"r","history":200}"#, "enter r Page(200)".into()),
        (r#""leave","data":{"room_id":"r"}"#, "moderate r alice Quit".into()),
        (r#""role","data":{"room_id":"r","user_id":"bob","role":"owner"}"#, "moderate r bob Promote(Owner)".into()),
        (r#""ban","data":{"room_id":"r","user_id":"bob"}"#, "moderate r bob Ban".into()),
        (r#""members","data":{"room_id":"r"}"#, "members r".into()),
        (r#""room","data":{"room_id":"r"}"#, "own r".into()),
        (r#""public_rooms""#, "rooms Some(Public)".into()),
        (r#""user","data":{"number":7}"#, "user number 7".into()),
        (r#""presence","data":{"online":false}"#, "declare false".into()),
        (r#""create_room","data":{"title":"T","kind":"private"}"#, "make T Private None".into()),
    ]) {
        let frame = format!(r#"{{"type":{frame},"id":"1"}}"#);
        assert_eq!(heard_by(&mut talk, &frame), [format!("{number} {expected}")], "{frame}");
    }
    let typing = r#"{"type":"typing","data":{"room_id":"r","on":true}}"#;
    assert_eq!(heard_by(&mut talk, typing), ["hint r true "]);
}

#[test]
fn what_is_not_as_the_protocol_says_is_refused_under_its_id() {
    let long = "x".repeat(65);
    let mut talk = open();
    for frame in [
        r#""dance""#,
        r#""send""#,
        r#""send","data":{"room_id":"r","content":"hi"}"#,
        r#""send","data":{"room_id":"r","to":"bob","content":"hi","client_id":"c"}"#,
        r#""send","data":{"content":"hi","client_id":"c"}"#,
        r#""send","data":{"room_id":"r","content":"hi","client_id":""}"#,
        r#""send","data":{"room_id":"r","content":"hi","client_id":"c","reply_to":"x"}"#,
        r#""send","data":{"room_id":"r","content":"hi","client_id":"c","kind":"broadcast"}"#,
        r#""edit","data":{"message_id":"x","content":"y"}"#,
        r#""mark","data":{"room_id":"r","kind":"seen","offset":1}"#,
        r#""mark","data":{"room_id":"r","kind":"read","offset":-1}"#,
        r#""history","data":{"room_id":"r","limit":0}"#,
        r#""history","data":{"room_id":"r","limit":201}"#,
        r#""join","data":{"room_id":"r","history":201}"#,
        r#""create_room","data":{"title":"T","kind":"guild"}"#,
        r#""create_room","data":{"title":"T","kind":"public","max_users":1}"#,
        r#""user","data":{}"#,
        r#""user","data":{"id":"a","name":"b"}"#,
        r#""role","data":{"room_id":"r","user_id":"bob"}"#,
        r#""role","data":{"room_id":"r","user_id":"bob","role":"king"}"#,
        r#""hello","data":{"version":1}"#,
    ] {
        let frame = format!(r#"{{"type":{frame},"id":"1"}}"#);
        assert_eq!(heard_by(&mut talk, &frame), [INVALID], "{frame}");
    }
    let refused = heard_by(&mut talk, &format!(r#"{{"type":"ping","id":"{long}"}}"#));
    assert_eq!(refused, [INVALID.replace(r#""id":"1","#, "")], "such an id is not said again");
    let nowhere = heard_by(&mut talk, r#"{"type":"join","id":"1","data":{"room_id":"dm-x-y"}}"#);
    assert_eq!(nowhere.len(), 1);
    assert!(nowhere[0].contains(r#""code":"room_not_found""#), "a conversation of others is nowhere");
    assert_eq!(heard_by(&mut talk, "{")[1], "close 1007 invalid message");
}

#[test]
fn who_makes_a_room_is_in_it_and_is_shown_it() {
    let making = r#"{"type":"create_room","id":"1","data":{"title":"T","kind":"public"}}"#;
    let mut talk = open();
    heard_by(&mut talk, making);
    let view = domain::command::RoomView {
        key: key("r"),
        title: "T".into(),
        kind: RoomKind::Public,
        seats: 100,
        present: 0,
        users: Vec::new(),
        made_at: NOW,
        changed_at: NOW,
    };
    assert_eq!(answered(&mut talk, 1, Ok(&Reply::RoomMade(view.clone()))), ["2 enter r Now"]);
    assert_eq!(answered(&mut talk, 2, Ok(&crate::cases::entered("r"))), ["3 own r"]);
    // By now the room is there, so nothing says that nothing was done.
    let unknown = r#"< {"type":"error","id":"1","data":{"code":"outcome_unknown","message":"#;
    let heard = answered(&mut talk, 3, Err(&Refusal::Unavailable)).concat();
    assert!(heard.starts_with(unknown), "{heard}");
    heard_by(&mut talk, making);
    assert_eq!(answered(&mut talk, 4, Ok(&Reply::RoomMade(view))), ["5 enter r Now"]);
    let heard = answered(&mut talk, 5, Err(&Refusal::RoomFull)).concat();
    assert!(heard.starts_with(unknown), "{heard}");
    heard_by(&mut talk, making);
    let heard = answered(&mut talk, 6, Err(&Refusal::Busy)).concat();
    assert!(heard.contains(r#""code":"busy""#), "{heard}");
}

#[test]
fn sends_are_acknowledged_with_their_place() {
    let mut talk = open();
    heard_by(&mut talk, r#"{"type":"send","id":"1","data":{"room_id":"r","content":"hi","client_id":"c"}}"#);
    let said = sent("r", "hi", Some("c"));
    let expected = r#"< {"type":"ack","id":"1","data":{"client_id":"c","message_id":"00000000-0000-0000-0000-0000000000ab","room_id":"r","offset":42,"seq":3,"cursor":"0000000000000007.42","at":"2026-11-20T11:52:13.994Z","repeat":true}}"#;
    assert_eq!(answered(&mut talk, 1, Ok(&kept(&said, true))), [expected]);
    heard_by(&mut talk, r#"{"type":"send","id":"2","data":{"room_id":"r","content":"hi","client_id":"d"}}"#);
    let slow = Refusal::RateLimited { retry_after_ms: 1_500 };
    let expected = r#"< {"type":"error","id":"2","data":{"code":"rate_limited","message":"too many messages","retry_after_ms":1500}}"#;
    assert_eq!(answered(&mut talk, 2, Err(&slow)), [expected]);
}

#[test]
fn the_place_is_told_when_it_is_live_asked_and_every_so_often() {
    let mut talk = open();
    let mut steps = Steps::new();
    talk.level(0, NOW, &mut steps);
    assert_eq!(lines(&mut steps), ["place"]);
    talk.placed(cursor(), NOW, &mut steps);
    assert_eq!(lines(&mut steps), [r#"< {"type":"live","data":{"cursor":"0000000000000007.42"}}"#]);
    talk.level(0, NOW, &mut steps);
    assert!(lines(&mut steps).is_empty(), "it was live, and has missed nothing");
    talk.level(3, NOW, &mut steps);
    talk.placed(cursor(), NOW, &mut steps);
    assert_eq!(lines(&mut steps).len(), 2, "it was behind");
    assert_eq!(heard_by(&mut talk, r#"{"type":"ping","id":"7"}"#), ["place"]);
    talk.placed(cursor(), NOW, &mut steps);
    assert_eq!(lines(&mut steps), [r#"< {"type":"pong","id":"7","data":{"cursor":"0000000000000007.42"}}"#]);
    let due = talk.deadline().expect("its heart beats");
    assert_eq!(due.since(NOW), 25_000);
    talk.wake(due, &mut steps);
    assert_eq!(lines(&mut steps), ["place"]);
    talk.placed(cursor(), due, &mut steps);
    assert_eq!(lines(&mut steps), [r#"< {"type":"heartbeat","data":{"cursor":"0000000000000007.42"}}"#]);
    assert_eq!(talk.deadline(), Some(due.plus(25_000)));
    talk.rested(due.plus(10));
    assert_eq!(talk.deadline(), Some(due.plus(25_010)), "while it takes in too slowly it is not waited for");
}

#[test]
fn a_new_token_is_asked_about_and_answered_in_order() {
    let mut talk = open();
    for id in ["1", "2", "3"] {
        let frame = format!(r#"{{"type":"auth","id":"{id}","data":{{"token":"t"}}}}"#);
        assert_eq!(heard_by(&mut talk, &frame).len(), 1);
    }
    let mut steps = Steps::new();
    talk.identified(Ok(&person("alice")), NOW, &mut steps);
    talk.identified(Err(Denied::Expired), NOW, &mut steps);
    talk.identified(Err(Denied::Unavailable), NOW, &mut steps);
    let said = lines(&mut steps);
    assert!(said[0].starts_with(r#"< {"type":"auth","id":"1","data":{"user":{"id":"alice""#), "{}", said[0]);
    assert!(said[1].contains(r#""id":"2","data":{"code":"denied""#), "{}", said[1]);
    assert!(said[2].contains(r#""id":"3","data":{"code":"unavailable""#), "{}", said[2]);
}

#[test]
fn everybody_is_told_of_events_and_ones_own_connections_of_ones_ids() {
    let news = |what| News::Event(event("r", "alice", what));
    let said = news(What::Sent(message(MessageKind::Text, "hi", Some("c"))));
    let [origin, actor, other] = told(&Native, &said, "r");
    assert!(origin[0].contains(r#""client_id":"c""#) && actor == origin && !other[0].contains("client_id"));
    let (message, of) = (MessageId(0xab), Offset(41));
    let sending = crate::cases::sending();
    for (what, expected) in [
        (
            What::Edited { message, of, content: "x".into(), sending: sending.clone() },
            r#"{"type":"edited","data":{"message_id":"00000000-0000-0000-0000-0000000000ab","of":41,"content":"x","room_id":"r","offset":42,"#,
        ),
        (
            What::Deleted { message, of, sending },
            r#"{"type":"deleted","data":{"message_id":"00000000-0000-0000-0000-0000000000ab","of":41,"room_id""#,
        ),
        (
            What::Reacted { message, of, emoji: "+".into(), on: false },
            r#"{"type":"reaction","data":{"message_id":"00000000-0000-0000-0000-0000000000ab","of":41,"emoji":"+","on":false,"#,
        ),
        (
            What::RoomMade { kind: RoomKind::Guild, title: "T".into(), seats: None },
            r#"{"type":"room_made","data":{"title":"T","kind":"guild","#,
        ),
        (What::Retitled { title: "T".into() }, r#"{"type":"retitled","data":{"title":"T","#),
        (
            What::MemberSet {
                user: user("bob"),
                member: Member { role: Role::Owner, status: domain::model::Status::Inactive, muted: true },
            },
            r#"{"type":"member","data":{"user_id":"bob","role":"owner","status":"inactive","muted":true,"#,
        ),
        (
            What::MemberRemoved { user: user("bob"), barred: true },
            r#"{"type":"removed","data":{"user_id":"bob","barred":true,"#,
        ),
        (What::Notice { extra: r#"{"secret":1}"#.into() }, r#"{"type":"notice","data":{"room_id":"r","offset":"#),
    ] {
        let [origin, actor, other] = told(&Native, &news(what), "r");
        assert!(origin[0].starts_with(expected), "{}", origin[0]);
        assert!(origin == actor && actor == other);
    }
}

#[test]
fn of_what_is_true_only_now_one_is_told_what_one_does_not_know() {
    let id = MessageId(0xab);
    let read = |upto| SignalKind::Marked { mark: Mark::Read, messages: Arc::new([]), whole_room: false, upto };
    let reached = SignalKind::Reached { mark: Mark::Delivered, messages: [marked(id)].into(), upto: Some(Offset(9)) };
    for (kind, expected, to_origin) in [
        (
            SignalKind::Typing { started: true, extra: None },
            r#""user":{"id":"alice","number":7,"name":"alice"},"on":true,"#,
            false,
        ),
        (SignalKind::Came { back: false }, r#"{"type":"here","#, false),
        (SignalKind::Went { belongs: true }, r#""here":false,"#, false),
        (read(Some(Offset(9))), r#""kind":"read","offset":9,"at""#, true),
        (reached, r#""kind":"delivered","offset":9,"message_ids":["00000000-0000-0000-0000-0000000000ab"],"#, true),
    ] {
        let [origin, actor, other] = told(&Native, &signal("r", "alice", kind), "r");
        assert!(other[0].contains(expected), "{}", other[0]);
        assert_eq!((origin.len(), &actor), (usize::from(to_origin), &other));
    }
    for silent in [SignalKind::Again, read(None)] {
        assert_eq!(told(&Native, &signal("r", "alice", silent), "r").concat(), Vec::<String>::new());
    }
    let status = Status { who: person("bob"), online: true, declared: false, at: Millis(0), origin: None, to: None };
    let mut said = Said::default();
    Native.tell_status(&status, Whose::Other, &mut said);
    let expected = r#"{"type":"presence","data":{"user":{"id":"bob","number":7,"name":"bob"},"online":true,"at":"1970-01-01T00:00:00.000Z"}}"#;
    assert_eq!(said.messages().collect::<Vec<_>>(), [expected.as_bytes()]);
    said.clear();
    Native.tell_status(&status, Whose::Origin, &mut said);
    assert!(said.is_empty());
    assert!(Native.asks_at_once(50) && !Native.asks_at_once(51));
}
