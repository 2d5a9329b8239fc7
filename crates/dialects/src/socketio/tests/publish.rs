//! What other systems are told, byte for byte (facts 8).

use domain::event::What;
use domain::id::Offset;
use domain::model::RoomKind;
use domain::watermark::Mark;

use super::{BOB, ID, id, object, said, said_through};
use crate::cases::{NOW, NOW_SHOWN, event, sending, user};
use crate::{door, feed};

fn told(event: &domain::event::Event) -> Vec<(&'static str, String)> {
    let text = |body| String::from_utf8(body).expect("what is published is UTF-8");
    feed::event(event).into_iter().map(|told| (told.key, text(told.body))).collect()
}

#[test]
fn a_message_is_told_twice_as_its_author_addressed_it() {
    let named = Some(r#"{"room_id":"dm-alice-bob"}"#);
    for (what, sent, key, receiver, room) in [
        ("a room's", said("lobby", "alice", None), "message.room.sent", "null", "\"lobby\""),
        (
            "a room's, through another door",
            said_through(door::CHAT, "lobby", "alice", None),
            "message.room.sent",
            "null",
            "\"lobby\"",
        ),
        ("a direct one", said("direct:bob", "alice", None), "message.direct.sent", "\"bob\"", "null"),
        (
            "a direct one, through another door",
            said_through(door::GATEWAY, "direct:bob", "alice", None),
            "message.direct.sent",
            "\"bob\"",
            "null",
        ),
        (
            "a direct one that was sent to its room",
            said("direct:bob", "alice", named),
            "message.room.sent",
            "null",
            "\"dm-alice-bob\"",
        ),
    ] {
        let body = format!(r#"{{"message":{},"timestamp":"{NOW_SHOWN}"}}"#, object("alice", receiver, room));
        assert_eq!(told(&sent), [(key, body.clone()), ("notification.message.new", body)], "{what}");
    }
    let unnamed = told(&said("lobby", BOB, None));
    assert!(unnamed[0].1.contains(r#""sender_display_name":"Userbbbbbbbb"#), "{unnamed:?}");
}

#[test]
fn deletions_and_marks_are_told_and_nothing_else() {
    let deleted = event("lobby", "alice", What::Deleted { message: id(), of: Offset(1), sending: sending() });
    let body = format!(r#"{{"messageId":"{ID}","userId":"alice","timestamp":"{NOW_SHOWN}"}}"#);
    assert_eq!(told(&deleted), [("message.deleted", body)]);
    for (mark, key, expected) in [
        (Mark::Delivered, "message.delivered", format!(r#"{{"messageIds":["{ID}"],"timestamp":"{NOW_SHOWN}"}}"#)),
        (Mark::Read, "message.read", format!(r#"{{"messageIds":["{ID}"],"userId":"bob","timestamp":"{NOW_SHOWN}"}}"#)),
    ] {
        let told = feed::marked(mark, &user("bob"), &[id()], NOW);
        assert_eq!((told.key, told.body), (key, expected.into_bytes()));
    }
    let edited = What::Edited { message: id(), of: Offset(1), content: "new".into(), sending: sending() };
    let made = What::RoomMade { kind: RoomKind::Public, title: "t".into(), seats: None };
    for what in [edited, made, What::Retitled { title: "t".into() }, What::Notice { extra: "{}".into() }] {
        assert_eq!(told(&event("lobby", "alice", what)), []);
    }
}

/// Every key that is told reaches a queue that is there from the beginning: nothing waits for a first listener.
#[test]
fn every_key_reaches_a_queue() {
    let bound = |key: &str| {
        let reaches = |queue: &&feed::Queue| queue.binding.strip_suffix('#').is_some_and(|part| key.starts_with(part));
        feed::TOPOLOGY.queues.iter().filter(reaches).map(|queue| queue.name).collect::<Vec<_>>()
    };
    for key in ["message.room.sent", "message.direct.sent", "message.deleted", "message.delivered", "message.read"] {
        assert_eq!(bound(key), ["message.broadcast"], "{key}");
    }
    assert_eq!(bound("notification.message.new"), ["message.notification"]);
}
