//! What listeners are told, by how they stand to it.

use std::sync::Arc;

use domain::event::{News, SignalKind, What};
use domain::history::Entry;
use domain::id::{Millis, Offset};
use domain::model::{Member, MessageKind, Role, RoomKind, Status};
use domain::watermark::Mark;

use super::super::wire::{self, View};
use super::super::{SocketIo, tell};
use super::{BOB, ID, id, object, said, said_through};
use crate::cases::{CURSOR, NOW, NOW_SHOWN, event, marked, message, sending, signal, told, user};
use crate::{Audience, Said, Whose, door};

const DOOR: SocketIo = SocketIo { unproved: false };

fn silent() -> [Vec<String>; 3] {
    [vec![], vec![], vec![]]
}

/// What one who follows their user's direct rooms is told.
fn follower(news: &News) -> Vec<String> {
    let mut heard = Said::default();
    tell::tell(news, Audience { whose: Whose::Other, inside: false, room: "dm-alice-bob" }, &mut heard);
    heard.messages().map(|frame| String::from_utf8(frame.to_vec()).expect("what is said is UTF-8")).collect()
}

#[test]
fn messages_are_told_to_everybody_in_the_room_their_author_too() {
    let frame =
        |room: &str| format!(r#"42["new_message",{},"{CURSOR}"]"#, object("alice", "null", &format!("\"{room}\"")));
    for (room, as_named) in [("lobby", "lobby"), ("direct:bob", "direct:bob"), ("direct:bob", "dm-alice-bob")] {
        let expected = [(); 3].map(|()| vec![frame(as_named)]);
        assert_eq!(told(&DOOR, &News::Event(said(room, "alice", None)), as_named), expected, "{room} as {as_named}");
    }
}

#[test]
fn direct_messages_reach_those_who_follow_unless_they_were_addressed_to_the_room() {
    let direct = |by: &str, other: &str| {
        let receiver = format!("\"{other}\"");
        vec![format!(r#"42["new_message",{},"{CURSOR}"]"#, object(by, &receiver, "null"))]
    };
    let addressed = Some(r#"{"room_id":"dm-alice-bob"}"#);
    for (what, event, expected) in [
        ("by receiver", said("direct:bob", "alice", None), direct("alice", "bob")),
        ("by the other", said("direct:bob", "bob", None), direct("bob", "alice")),
        ("by room", said("direct:bob", "alice", addressed), vec![]),
        ("through another door", said_through(door::ROOMS, "direct:bob", "alice", addressed), direct("alice", "bob")),
        ("to oneself", said("direct:alice", "alice", None), direct("alice", "alice")),
        (
            "of a back end",
            said("direct:bob", "service:herald", None),
            vec![format!(r#"42["new_message",{},"{CURSOR}"]"#, object("service:herald", "null", "\"dm-alice-bob\""))],
        ),
    ] {
        assert_eq!(follower(&News::Event(event)), expected, "{what}");
    }
}

#[test]
fn what_a_message_is_and_who_sent_it() {
    let shown = |event: &Arc<domain::event::Event>| {
        let message = wire::Message::sent(event, View::Author).expect("it is a message");
        serde_json::to_value(&message).expect("it has text keys")
    };
    let of_kind = |kind| shown(&event("r", "alice", What::Sent(message(kind, "hi", None))))["message_type"].clone();
    assert_eq!(of_kind(MessageKind::Text), "text");
    assert_eq!(of_kind(MessageKind::System), "system");
    assert_eq!(of_kind(MessageKind::Broadcast), "text");
    let image = Some(r#"{"message_type":"image"}"#);
    assert_eq!(shown(&said("r", "alice", image))["message_type"], "image");
    assert_eq!(shown(&said_through(door::GATEWAY, "r", "alice", image))["message_type"], "text", "another door's own");
    // Facts 3: of whom nothing is known.
    let unnamed = shown(&said("r", BOB, None));
    for key in ["username", "sender_name", "sender_display_name"] {
        assert_eq!(unnamed[key], "Userbbbbbbbb");
    }
    assert_eq!(shown(&said("r", "mail", None))["username"], "mail");
    // As its author addressed it.
    let named = shown(&said("direct:bob", "alice", Some(r#"{"room_id":"direct:bob"}"#)));
    assert_eq!((&named["room_id"], &named["receiver_id"]), (&"direct:bob".into(), &serde_json::Value::Null));
}

#[test]
fn messages_of_the_past_are_shown_as_they_are_now() {
    let sent = said("r", "alice", None);
    let entry = Entry {
        sent,
        edited: Some(("hello".into(), Millis(NOW.0 + 1))),
        delivered: true,
        read: false,
        marked_at: Some(Millis(NOW.0 + 6)),
        reactions: Vec::new(),
    };
    let history = wire::Message::now(&entry, View::Inside("r")).map(wire::Message::in_history);
    // Facts 3: in a room's history the names come in another order; both times.
    let expected = format!(
        r#"{{"id":"{ID}","sender_id":"alice","receiver_id":null,"room_id":"r","content":"hello","message_type":"text","is_delivered":true,"is_read":false,"created_at":"{NOW_SHOWN}","updated_at":"2026-11-20T11:52:14.000Z","sender_name":"alice","sender_display_name":"alice","username":"alice"}}"#
    );
    assert_eq!(serde_json::to_string(&history.expect("it is a message")).expect("it has text keys"), expected);
    let read = Entry { read: true, delivered: false, ..Entry::fresh(said("r", "alice", None)) };
    let row = wire::Message::now(&read, View::Direct).map(wire::Message::row).expect("it is a message");
    let row = serde_json::to_string(&row).expect("it has text keys");
    assert!(row.contains(r#""is_delivered":true,"is_read":true"#) && row.ends_with("Z\"}"), "{row}");
}

#[test]
fn deletions_are_told_with_the_room_to_those_inside() {
    let deleted = |room: &str| {
        News::Event(event(room, "alice", What::Deleted { message: id(), of: Offset(1), sending: sending() }))
    };
    let frame = format!(r#"42["message_deleted",{{"messageId":"{ID}","roomId":"lobby"}},"{CURSOR}"]"#);
    assert_eq!(told(&DOOR, &deleted("lobby"), "lobby"), [(); 3].map(|()| vec![frame.clone()]));
    assert_eq!(
        follower(&deleted("direct:bob")),
        [format!(r#"42["message_deleted",{{"messageId":"{ID}"}},"{CURSOR}"]"#)]
    );
}

#[test]
fn what_this_wire_has_no_word_for_is_told_nothing() {
    let member = Member { muted: false, role: Role::Member, status: Status::Active };
    for what in [
        What::RoomMade { kind: RoomKind::Public, title: "t".into(), seats: None },
        What::MemberSet { user: user("bob"), member },
        What::MemberRemoved { user: user("bob"), barred: true },
        What::Edited { message: id(), of: Offset(1), content: "x".into(), sending: sending() },
        What::Retitled { title: "t".into() },
        What::Notice { extra: "{}".into() },
    ] {
        assert_eq!(told(&DOOR, &News::Event(event("lobby", "alice", what)), "lobby"), silent());
    }
    for kind in [
        SignalKind::Went { belongs: true },
        SignalKind::Typing { started: false, extra: None },
        SignalKind::Marked { mark: Mark::Delivered, messages: [marked(id())].into(), whole_room: false, upto: None },
        SignalKind::Reached { mark: Mark::Read, messages: [marked(id())].into(), upto: None },
        SignalKind::Said { kind: MessageKind::Text, content: "hi".into(), seq: domain::id::Seq(1) },
    ] {
        assert_eq!(told(&DOOR, &signal("lobby", "alice", kind.clone()), "lobby"), silent(), "{kind:?}");
    }
}

#[test]
fn what_is_true_only_now_is_told_to_the_others_without_a_place_in_the_log() {
    let of = |name: &str| format!(r#"42["{name}",{{"userId":"alice","roomId":"dm-alice-bob"}}]"#);
    let read =
        |ids: &str| format!(r#"42["messages_read",{{"userId":"alice","messageIds":{ids},"roomId":"dm-alice-bob"}}]"#);
    let read_mark = |messages: &[domain::id::MessageId], whole_room| SignalKind::Marked {
        mark: Mark::Read,
        messages: messages.iter().copied().map(marked).collect(),
        whole_room,
        upto: None,
    };
    for (kind, expected) in [
        (SignalKind::Came { back: false }, of("user_joined")),
        (SignalKind::Again, of("user_joined")),
        (SignalKind::Went { belongs: false }, of("user_left")),
        (SignalKind::Typing { started: true, extra: None }, of("user_typing")),
        (SignalKind::Typing { started: true, extra: Some((door::ROOMS, "{}".into())) }, of("user_typing")),
        (read_mark(&[id()], false), read(&format!("[\"{ID}\"]"))),
        (read_mark(&[], true), read("[]")),
    ] {
        let told = told(&DOOR, &signal("direct:bob", "alice", kind.clone()), "dm-alice-bob");
        assert_eq!(told, [vec![], vec![expected.clone()], vec![expected]], "{kind:?}");
    }
    for kind in [SignalKind::Came { back: true }, SignalKind::Went { belongs: true }] {
        let told = told(&DOOR, &signal("direct:bob", "alice", kind.clone()), "dm-alice-bob");
        assert_eq!(told, [(); 3].map(|()| Vec::<String>::new()), "a connection's coming and going: {kind:?}");
    }
}
