//! Frames in, steps out; news in, frames out. What one frame means has its tables in [`frames`].

mod frames;

use std::sync::Arc;

use domain::command::{Reply, RoomView};
use domain::event::{News, SignalKind, What};
use domain::id::{Millis, Offset};
use domain::identity::{Credential, Denied};
use domain::model::{MessageKind, Person, RoomKind};
use domain::refusal::Refusal;

use super::Chat;
use super::words::{self, Wanted};
use crate::cases::{
    CURSOR, ID, NOW, NOW_SHOWN, REFUSALS, answer, ask, entered, event, kept, key, lines, message, opening, person,
    sending, sent, signal, told, user,
};
use crate::{Dialect, Frame, Session, Steps};

fn chat() -> Chat {
    Chat::at("/ws/chat")
}

/// A session of alice's, upgraded.
fn open() -> Box<dyn Session> {
    let mut steps = Steps::new();
    let session = chat().open(&ask("GET", "/ws/chat", "", &[]), &opening(Some("alice")), NOW, &mut steps);
    assert_eq!(lines(&mut steps), ["101"], "nothing is sent on connecting");
    session
}

/// A session of alice's in a room; its next call is 1.
fn inside(room: &str) -> Box<dyn Session> {
    let mut session = open();
    assert_eq!(heard(&mut *session, &join(room)).len(), 1);
    assert!(answered(&mut *session, 0, Ok(&entered(room))).is_empty(), "the notice is the answer");
    session
}

fn join(room: &str) -> String {
    format!(r#"{{"type":"join_room","data":{{"room_id":"{room}"}}}}"#)
}

fn say(room: &str, content: &str) -> String {
    format!(r#"{{"type":"send_message","data":{{"type":"text","content":"{content}","room_id":"{room}"}}}}"#)
}

const LEAVE: &str = r#"{"type":"leave_room","data":{}}"#;
const CREATE: &str = r#"{"type":"create_room","data":{"name":"My Room","type":"public","max_users":50}}"#;

fn error(word: &str) -> String {
    format!(r#"< {{"type":"error","data":{{"message":"{word}"}}}}"#)
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

fn view(room: &str, kind: RoomKind, users: Vec<(Arc<Person>, Millis)>) -> RoomView {
    let (present, title) = (users.len(), "My Room".into());
    RoomView { key: key(room), title, kind, seats: 50, present, users, made_at: NOW, changed_at: NOW }
}

#[test]
fn a_token_is_looked_for_in_four_places_in_this_order() {
    let bearer = |token: &str| Some(Credential::Bearer(token.into()));
    let all: &[(&str, &str)] =
        &[("authorization", "Bearer h"), ("x-api-key", "k"), ("sec-websocket-protocol", "bearer, p")];
    for (query, headers, expected) in [
        ("token=q", all, bearer("h")),
        ("token=q", &all[1..], Some(Credential::Key("k".into()))),
        ("token=q", &all[2..], bearer("q")),
        ("", &all[2..], bearer("p")),
        ("token=", &all[2..], bearer("p")),
        ("", &[], None),
        ("token=q", &[("authorization", "Basic x"), ("x-api-key", "k")], None),
        ("token=q", &[("authorization", "Bearer ")], None),
        ("token=q", &[("x-api-key", "")], None),
    ] {
        assert_eq!(chat().who(&ask("GET", "/ws/chat", query, headers)), expected, "{query} {headers:?}");
    }
}

#[test]
fn refused_credentials_are_problems_that_look_alike() {
    for (query, why, expected) in [
        ("", Denied::Missing, r#"401 {"type":"/ws/chat","title":"Unauthorized","status":401}"#),
        ("", Denied::Expired, r#"401 {"type":"/ws/chat","title":"Unauthorized","status":401}"#),
        ("token=x", Denied::Invalid, r#"401 {"type":"/ws/chat?token=x","title":"Unauthorized","status":401}"#),
        (
            "",
            Denied::Unavailable,
            r#"503 Retry-After: 1 {"type":"/ws/chat","title":"Service Unavailable","status":503}"#,
        ),
    ] {
        assert_eq!(answer(&chat().denied(&ask("GET", "/ws/chat", query, &[]), why)), expected);
    }
}

#[test]
fn browsers_get_the_subprotocol_they_offered() {
    for (offered, expected) in [("bearer, t", "101 bearer"), ("chat", "101")] {
        let mut steps = Steps::new();
        let asked = ask("GET", "/ws/chat", "", &[("sec-websocket-protocol", offered)]);
        chat().open(&asked, &opening(Some("alice")), NOW, &mut steps);
        assert_eq!(lines(&mut steps), [expected]);
    }
}

#[test]
fn the_maker_may_speak_while_the_silent_seat_lasts() {
    let room = r#"{"id":"r","name":"My Room","type":"public","max_users":50,"user_count":0,"users":{},"#;
    let times = format!(r#""created_at":"{NOW_SHOWN}","updated_at":"{NOW_SHOWN}"}}"#);
    let made = Reply::RoomMade(view("r", RoomKind::Public, vec![]));
    let mut session = open();
    assert_eq!(heard(&mut *session, CREATE), ["0 make My Room Public Some(50)"]);
    assert_eq!(answered(&mut *session, 0, Ok(&made)), [format!(r#"< {{"type":"room_created","data":{room}{times}}}"#)]);
    assert_eq!(heard(&mut *session, &say("r", "hi")), ["1 send r Text - hi"]);
    assert!(heard(&mut *session, LEAVE).is_empty(), "it never joined anything");
    assert_eq!(heard(&mut *session, &say("r", "hi")), ["2 send r Text - hi"]);
    assert_eq!(heard(&mut *session, &join("other")), ["3 enter other Now"]);
    answered(&mut *session, 3, Ok(&entered("other")));
    assert_eq!(heard(&mut *session, &say("r", "hi")), [error("unauthorized")], "it joined something");
}

#[test]
fn joining_leaving_and_speaking_follow_the_answers() {
    let mut session = open();
    assert!(heard(&mut *session, LEAVE).is_empty(), "a silent no-op before the first join");
    assert_eq!(heard(&mut *session, &say("r", "hi")), [error("unauthorized")]);
    assert_eq!(heard(&mut *session, &join("r")), ["0 enter r Now"]);
    assert_eq!(answered(&mut *session, 0, Err(&Refusal::RoomFull)), [error("room is full")]);
    assert_eq!(heard(&mut *session, &say("r", "hi")), [error("unauthorized")]);
    assert_eq!(heard(&mut *session, &join("r")), ["1 enter r Now"]);
    assert!(answered(&mut *session, 1, Ok(&entered("r"))).is_empty());
    assert_eq!(heard(&mut *session, &say("r", "hi")), ["2 send r Text - hi"]);
    assert!(answered(&mut *session, 2, Ok(&kept(&sent("r", "hi", None), false))).is_empty());
    assert_eq!(heard(&mut *session, &say("elsewhere", "hi")), [error("unauthorized")]);
    assert_eq!(heard(&mut *session, &join("r")), ["3 enter r Now"], "the same room is not left first");
    assert_eq!(answered(&mut *session, 3, Err(&Refusal::AlreadyPresent)), [error("user already in room")]);
    assert_eq!(heard(&mut *session, LEAVE), ["4 leave r"]);
    assert!(answered(&mut *session, 4, Ok(&Reply::Left)).is_empty());
    assert_eq!(heard(&mut *session, LEAVE), [error("user not found")]);
    assert_eq!(heard(&mut *session, &say("r", "hi")), [error("user not found")]);
    assert_eq!(heard(&mut *session, &join("r")), ["5 enter r Now"]);
    assert!(answered(&mut *session, 5, Ok(&entered("r"))).is_empty());
    assert_eq!(heard(&mut *session, &say("r", "again")), ["6 send r Text - again"]);
}

#[test]
fn joining_another_room_leaves_the_first() {
    let mut session = inside("a");
    assert_eq!(heard(&mut *session, &join("b")), ["1 leave a"]);
    assert_eq!(answered(&mut *session, 1, Ok(&Reply::Left)), ["2 enter b Now"]);
    answered(&mut *session, 2, Ok(&entered("b")));
    assert_eq!(heard(&mut *session, &say("b", "hi")), ["3 send b Text - hi"]);
    assert_eq!(heard(&mut *session, &say("a", "hi")), [error("unauthorized")]);
    // It could not leave, so it stays, and joins nothing.
    assert_eq!(heard(&mut *session, &join("c")), ["4 leave b"]);
    assert_eq!(answered(&mut *session, 4, Err(&Refusal::Busy)), [error("server busy, try again")]);
    assert_eq!(heard(&mut *session, &say("b", "hi")), ["5 send b Text - hi"]);
    // It left, and was not let in.
    assert_eq!(heard(&mut *session, &join("d")), ["6 leave b"]);
    assert_eq!(answered(&mut *session, 6, Err(&Refusal::NotPresent)), ["7 enter d Now"]);
    assert_eq!(answered(&mut *session, 7, Err(&Refusal::Forbidden)), [error("room not found")]);
    assert_eq!(heard(&mut *session, &say("b", "hi")), [error("user not found")]);
}

#[test]
fn what_is_sent_without_waiting_meets_the_place_it_was_meant_for() {
    let mut session = open();
    assert_eq!(heard(&mut *session, &join("a")), ["0 enter a Now"]);
    for frame in [say("a", "one"), join("b"), say("b", "two"), say("a", "three"), LEAVE.into()] {
        assert!(heard(&mut *session, &frame).is_empty(), "held back");
    }
    assert_eq!(answered(&mut *session, 0, Ok(&entered("a"))), ["1 send a Text - one", "2 leave a"]);
    assert_eq!(answered(&mut *session, 2, Ok(&Reply::Left)), ["3 enter b Now"]);
    assert_eq!(
        answered(&mut *session, 3, Ok(&entered("b"))),
        ["4 send b Text - two".to_owned(), error("unauthorized"), "5 leave b".to_owned()]
    );
    let mut session = open();
    heard(&mut *session, &join("full"));
    heard(&mut *session, &say("full", "hi"));
    assert_eq!(
        answered(&mut *session, 0, Err(&Refusal::RoomFull)),
        [error("room is full"), error("unauthorized")],
        "nothing is said in a room that was not joined"
    );
}

#[test]
fn what_is_held_back_is_bounded() {
    let mut session = open();
    heard(&mut *session, &join("a"));
    for _ in 0..64 {
        assert!(heard(&mut *session, &say("a", "hi")).is_empty());
    }
    let frame = say("a", "hi").replace(r#""type":"text""#, r#""type":"text","client_id":"c1""#);
    let busy = r#"< {"type":"error","data":{"message":"server busy, try again","client_id":"c1"}}"#;
    assert_eq!(heard(&mut *session, &frame), [busy]);
    assert_eq!(answered(&mut *session, 0, Ok(&entered("a"))).len(), 64);
}

#[test]
fn a_removal_is_told_unless_it_was_wished_for() {
    let removed = |session: &mut dyn Session, room: &str| {
        let mut steps = Steps::new();
        session.removed(&key(room), &mut steps);
        lines(&mut steps)
    };
    let mut session = inside("den");
    assert!(removed(&mut *session, "elsewhere").is_empty());
    assert_eq!(removed(&mut *session, "den"), [error("unauthorized")]);
    assert_eq!(heard(&mut *session, &say("den", "hi")), [error("unauthorized")]);
    assert!(removed(&mut *session, "den").is_empty());
    let mut session = inside("den");
    heard(&mut *session, LEAVE);
    assert!(removed(&mut *session, "den").is_empty(), "leaving a private room is a removal too");
    assert!(answered(&mut *session, 1, Ok(&Reply::Left)).is_empty());
    let mut session = open();
    heard(&mut *session, CREATE);
    answered(&mut *session, 0, Ok(&Reply::RoomMade(view("r", RoomKind::Private, vec![]))));
    assert!(removed(&mut *session, "r").is_empty(), "a silent seat ends silently");
    assert_eq!(heard(&mut *session, &say("r", "hi")), [error("unauthorized")]);
}

#[test]
fn a_repeat_is_answered_with_the_senders_own_copy() {
    let mut session = inside("direct:bob");
    let frame = say("dm-alice-bob", "hi").replace(r#""type":"text""#, r#""type":"text","client_id":"c1""#);
    assert_eq!(heard(&mut *session, &frame), ["1 send dm-alice-bob Text c1 hi"]);
    let event = sent("direct:bob", "hi", Some("c1"));
    assert!(answered(&mut *session, 1, Ok(&kept(&event, false))).is_empty(), "the room is told, the sender too");
    heard(&mut *session, &frame);
    let [own, _, _] = told(&chat(), &News::Event(event.clone()), "dm-alice-bob");
    assert_eq!(answered(&mut *session, 2, Ok(&kept(&event, true))), [format!("< {}", own[0])]);
    assert_eq!(session.name_of(&key("direct:bob")), Some("direct:bob"));
    assert_eq!(inside("lobby").name_of(&key("lobby")), None);
}

#[test]
fn every_refusal_has_its_word() {
    let busy = "server busy, try again";
    let lost = "outcome unknown, send again with the same client_id";
    let reused = "client_id was already used for another message";
    let full = "storage is full, nothing was kept";
    let down = "temporarily unavailable, nothing was kept";
    let rows = [
        ["room not found", "unauthorized", "unauthorized"],
        ["room not found", "unauthorized", "unauthorized"],
        ["room is full"; 3],
        ["user already in room"; 3],
        ["user not found", "user not found", "unauthorized"],
        ["unauthorized"; 3],
        ["invalid message"; 3],
        ["invalid message"; 3],
        ["room limit reached"; 3],
        ["rate limit exceeded"; 3],
        [reused; 3],
        ["unauthorized"; 3],
        ["message not found"; 3],
        ["user not found", "user not found", "unauthorized"],
        ["user not found"; 3],
        ["invalid message"; 3],
        [busy; 3],
        [busy; 3],
        [full; 3],
        [down; 3],
        [lost; 3],
    ];
    for (refusal, row) in REFUSALS.iter().zip(rows) {
        for (wanted, word) in [Wanted::Room, Wanted::Out, Wanted::Say].into_iter().zip(row) {
            assert_eq!(words::word(refusal, wanted), word, "{refusal} to {wanted:?}");
        }
    }
    let mut session = inside("r");
    heard(&mut *session, &say("r", "hi").replace(r#""type":"text""#, r#""type":"text","client_id":"c1""#));
    let limited = Refusal::RateLimited { retry_after_ms: 5 };
    let expected = r#"< {"type":"error","data":{"message":"rate limit exceeded","client_id":"c1"}}"#;
    assert_eq!(answered(&mut *session, 1, Err(&limited)), [expected]);
    assert_eq!(heard(&mut *session, CREATE).len(), 1);
    assert_eq!(answered(&mut *session, 2, Err(&Refusal::RoomLimit)), [error("room limit reached")]);
}

#[test]
fn rooms_are_listed_by_type() {
    let views = vec![
        view("r", RoomKind::Public, vec![(person("mail"), NOW)]),
        view("den", RoomKind::Private, vec![]),
        view("GUILD#g", RoomKind::Guild, vec![]),
    ];
    for (data, asked, expected) in [
        ("{}", "0 rooms None", vec!["r public", "den private", "GUILD#g private"]),
        ("null", "0 rooms None", vec!["r public", "den private", "GUILD#g private"]),
        (r#"{"type":null}"#, "0 rooms None", vec!["r public", "den private", "GUILD#g private"]),
        (r#"{"type":"private"}"#, "0 rooms None", vec!["den private", "GUILD#g private"]),
    ] {
        let mut session = open();
        assert_eq!(heard(&mut *session, &format!(r#"{{"type":"list_rooms","data":{data}}}"#)), [asked]);
        let list = answered(&mut *session, 0, Ok(&Reply::Rooms(views.clone())));
        let list: serde_json::Value = serde_json::from_str(&list[0][2..]).expect("a frame is JSON");
        let rooms = list["data"].as_array().expect("a list");
        let shown: Vec<String> = rooms
            .iter()
            .map(|room| format!("{} {}", room["id"].as_str().expect("text"), room["type"].as_str().expect("text")))
            .collect();
        assert_eq!(shown, expected, "{data}");
    }
    let mut session = open();
    let list = |data: &str| format!(r#"{{"type":"list_rooms","data":{data}}}"#);
    assert_eq!(heard(&mut *session, &list(r#"{"type":"public"}"#)), ["0 rooms Some(Public)"]);
    let user =
        format!(r#"{{"id":7,"uuid":"mail","email":"mail@example.com","username":"mail","joined_at":"{NOW_SHOWN}"}}"#);
    let expected = format!(
        r#"< {{"type":"rooms_list","data":[{{"id":"r","name":"My Room","type":"public","max_users":50,"user_count":1,"users":{{"7":{user}}},"created_at":"{NOW_SHOWN}","updated_at":"{NOW_SHOWN}"}}]}}"#
    );
    assert_eq!(answered(&mut *session, 0, Ok(&Reply::Rooms(views[..1].to_vec()))), [expected]);
    let empty = r#"< {"type":"rooms_list","data":[]}"#;
    assert_eq!(heard(&mut *session, &list(r#"{"type":"secret"}"#)), [empty], "a type that no room has");
    heard(&mut *session, &list("{}"));
    assert_eq!(answered(&mut *session, 1, Ok(&Reply::Rooms(vec![]))), [empty]);
    heard(&mut *session, &list("{}"));
    assert_eq!(answered(&mut *session, 2, Err(&Refusal::Unavailable)).len(), 1);
}

#[test]
fn a_list_shows_a_hundred_users_and_counts_all() {
    let user_of = |number: u32| {
        let id = user(&format!("u{number}"));
        (Arc::new(Person { name: id.text(), id, number: domain::id::UserNumber(number), email: None }), NOW)
    };
    let mut session = open();
    heard(&mut *session, r#"{"type":"list_rooms"}"#);
    let crowded = view("r", RoomKind::Public, (1..=101).map(user_of).collect());
    let list = answered(&mut *session, 0, Ok(&Reply::Rooms(vec![crowded])));
    let list: serde_json::Value = serde_json::from_str(&list[0][2..]).expect("a frame is JSON");
    assert_eq!(list["data"][0]["user_count"], 101);
    assert_eq!(list["data"][0]["users"].as_object().map(serde_json::Map::len), Some(100));
}

#[test]
fn listeners_are_told_messages_and_notices() {
    let flat = |kind: &str, content: &str, id: &str, email: &str, room: &str| {
        format!(
            r#"{{"id":"{ID}","type":"{kind}","content":"{content}","user_id":7,"user_uuid":"{id}","user_email":"{email}","room_id":"{room}","timestamp":"{NOW_SHOWN}","user":{{"id":7,"uuid":"{id}","email":"{email}","username":"{id}""#
        )
    };
    let place = format!(r#","seq":3,"cursor":"{CURSOR}""#);
    let said =
        |kind: MessageKind| News::Event(event("direct:bob", "alice", What::Sent(message(kind, "hé", Some("c")))));
    for (kind, shown) in
        [(MessageKind::Text, "text"), (MessageKind::System, "system"), (MessageKind::Broadcast, "text")]
    {
        let start = flat(shown, "hé", "alice", "alice", "direct:bob");
        let own = vec![format!(r#"{start}}}{place},"client_id":"c"}}"#)];
        let others = vec![format!("{start}}}{place}}}")];
        assert_eq!(told(&chat(), &said(kind), "direct:bob"), [own, others.clone(), others], "{kind:?}");
    }
    let join = flat("join", "mail@example.com joined the room", "mail", "mail@example.com", "r");
    let leave = flat("leave", "mail@example.com left the room", "mail", "mail@example.com", "r");
    for (kind, expected) in [
        (SignalKind::Came { back: true }, vec![format!(r#"{join},"joined_at":"{NOW_SHOWN}"}}}}"#)]),
        (SignalKind::Went { belongs: true }, vec![format!("{leave}}}}}")]),
        (SignalKind::Typing { started: true, extra: None }, vec![]),
    ] {
        let expected = [(); 3].map(|()| expected.clone());
        assert_eq!(told(&chat(), &signal("r", "mail", kind), "r"), expected, "the actor is told as well");
    }
    let id = domain::id::MessageId(1);
    for what in [
        What::RoomMade { kind: RoomKind::Public, title: "t".into(), seats: None },
        What::MemberRemoved { user: user("bob"), barred: true },
        What::Edited { message: id, of: Offset(1), content: "x".into(), sending: sending() },
        What::Deleted { message: id, of: Offset(1), sending: sending() },
        What::Retitled { title: "t".into() },
        What::Notice { extra: "{}".into() },
    ] {
        assert_eq!(told(&chat(), &News::Event(event("r", "alice", what)), "r"), [(); 3].map(|()| Vec::<String>::new()));
    }
}
