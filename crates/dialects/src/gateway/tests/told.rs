//! What the three kinds of listeners are told of news: the causing connection, the same user's others, everybody else.

use std::sync::Arc;

use domain::Text;
use domain::event::{Event, Marked, News, Signal, SignalKind, Status, What};
use domain::id::{ClientId, Door, MessageId, Offset};
use domain::model::{Member, MessageKind, Role, RoomKind, Sending, Status as Standing};
use domain::watermark::Mark;

use super::{gateway, said};
use crate::cases::{ID, NOW, event, lines, message, person, sent, signal, told, user};
use crate::{Dialect, Said, Step, Whose, door};

fn check(news: &News, room: &str, expected: [&[&str]; 3], what: &str) {
    let told = told(&gateway(&[]), news, room);
    for ((told, expected), whose) in told.iter().zip(expected).zip(["origin", "actor", "other"]) {
        assert_eq!(told, expected, "{what}: {whose}");
    }
}

fn by_this_door(event: &Arc<Event>, alias: Option<&str>) -> News {
    News::Event(Arc::new(Event { door: door::GATEWAY, alias: alias.map(Text::from), ..(**event).clone() }))
}

fn called(news: &News, alias: &str) -> News {
    let News::Signal(signal) = news else { panic!("a signal is called so") };
    News::Signal(Arc::new(Signal { alias: Some(alias.into()), ..(**signal).clone() }))
}

#[test]
fn messages_are_told_as_the_contract_has_them() {
    let readme = r#"{"senderName":"Test User","timestamp":"2025-10-21T10:30:00Z"}"#;
    let frame = r#"{"type":"message","data":{"messageId":"test-123","conversationId":"conv-1","senderId":"alice","senderName":"Test User","content":"Hello!","timestamp":"2025-10-21T10:30:00Z","status":"delivered"}}"#;
    let status = |conversation: &str| {
        format!(
            r#"{{"type":"messageStatus","data":{{"messageId":"test-123","conversationId":"{conversation}","status":"sent"}}}}"#
        )
    };
    let news = News::Event(said("direct:bob", Some(readme), Some("conv-1")));
    check(&news, "dm-alice-bob", [&[], &[&status("conv-1")], &[frame]], "the contract's own");

    let nulls = r#"{"replyToMessageId":null,"replyToContent":null,"replyToSenderName":null,"messageType":"voice","audioDuration":2}"#;
    let frame = r#"{"type":"message","data":{"messageId":"test-123","conversationId":"conv-1","senderId":"alice","senderName":"alice","content":"Hello!","timestamp":"2026-11-20T11:52:13Z","status":"delivered","replyToMessageId":null,"replyToContent":null,"replyToSenderName":null,"messageType":"voice","audioDuration":2}}"#;
    let news = News::Event(said("direct:bob", Some(nulls), Some("conv-1")));
    check(&news, "dm-alice-bob", [&[], &[&status("conv-1")], &[frame]], "as it was sent, the server's time");

    let group = |name: &str| {
        format!(
            r#"{{"type":"message","data":{{"messageId":"test-123","conversationId":"team","senderId":"alice","senderName":"alice","conversationName":"{name}","content":"Hello!","timestamp":"2026-11-20T11:52:13Z","status":"delivered"}}}}"#
        )
    };
    let named = said("team", Some(r#"{"conversationName":"Team"}"#), None);
    check(&News::Event(named), "team", [&[], &[&status("team")], &[&group("Team")]], "a group's");
    let odd = said("team", Some("not ours"), None);
    check(&News::Event(odd), "team", [&[], &[&status("team")], &[&group("Group Chat")]], "a row that can't be read");

    let oneself = r#"{"type":"message","data":{"messageId":"test-123","conversationId":"me","senderId":"alice","senderName":"alice","content":"Hello!","timestamp":"2026-11-20T11:52:13Z","status":"delivered"}}"#;
    let news = News::Event(said("direct:alice", None, Some("me")));
    check(&news, "dm-alice-alice", [&[oneself], &[oneself, &status("me")], &[oneself]], "to oneself");
}

#[test]
fn messages_of_other_doors_are_told_to_their_authors_too() {
    let frame = |conversation: &str, name: &str| {
        format!(
            r#"{{"type":"message","data":{{"messageId":"{ID}","conversationId":"{conversation}","senderId":"alice","senderName":"alice",{name}"content":"hi","timestamp":"2026-11-20T11:52:13Z","status":"delivered","replyToMessageId":null,"replyToContent":null,"replyToSenderName":null}}}}"#
        )
    };
    let alike = |frame: &str, news: &News, room: &str| check(news, room, [&[frame], &[frame], &[frame]], room);
    alike(&frame("dm-alice-bob", ""), &News::Event(sent("direct:bob", "hi", None)), "dm-alice-bob");
    let named = Event { alias: Some("conv-1".into()), ..(*sent("direct:bob", "hi", Some("c1"))).clone() };
    alike(&frame("conv-1", ""), &News::Event(Arc::new(named)), "dm-alice-bob");
    alike(&frame("team", r#""conversationName":"Group Chat","#), &News::Event(sent("team", "hi", None)), "team");
    let system = event("direct:bob", "alice", What::Sent(message(MessageKind::Broadcast, "hi", None)));
    alike(&frame("dm-alice-bob", ""), &News::Event(system), "dm-alice-bob");
}

#[test]
fn changes_are_told_by_the_id_that_a_message_was_sent_by() {
    let sending =
        |door: Door, id: Option<&str>| Sending { door, client_id: id.map(|id| ClientId::new(id).expect("short")) };
    for (sending, id) in [
        (sending(door::GATEWAY, Some("M1")), "M1"),
        (sending(door::CHAT, Some("M1")), ID),
        (sending(door::GATEWAY, None), ID),
    ] {
        let (message, of, content) = (MessageId(0xab), Offset(40), Text::from("better"));
        let edited = event("direct:bob", "alice", What::Edited { message, of, content, sending: sending.clone() });
        let frame = format!(
            r#"{{"type":"messageEdited","data":{{"messageId":"{id}","conversationId":"conv-1","newContent":"better","editedAt":"2026-11-20T11:52:13Z"}}}}"#
        );
        check(&by_this_door(&edited, Some("conv-1")), "r", [&[&frame], &[&frame], &[&frame]], "an edit");
        let deleted = event("team", "alice", What::Deleted { message, of, sending });
        let frame = format!(r#"{{"type":"messageDeleted","data":{{"messageId":"{id}","conversationId":"team"}}}}"#);
        check(&News::Event(deleted), "team", [&[], &[&frame], &[&frame]], "a deletion, through any door");
    }
}

#[test]
fn groups_tell_by_notices_alone() {
    let notice = r#"{"type":"groupUpdate","data":{}}"#;
    let noticed = event("team", "alice", What::Notice { extra: notice.into() });
    check(&by_this_door(&noticed, None), "team", [&[notice], &[notice], &[notice]], "a notice of this door");
    let member = Member { muted: false, role: Role::Member, status: Standing::Active };
    for what in [
        What::Notice { extra: notice.into() },
        What::RoomMade { kind: RoomKind::Private, title: "Team".into(), seats: None },
        What::MemberSet { user: user("bob"), member },
        What::MemberRemoved { user: user("bob"), barred: true },
        What::Retitled { title: "New".into() },
    ] {
        check(&News::Event(event("team", "alice", what)), "team", [&[], &[], &[]], "another door's");
    }
}

#[test]
fn marks_are_told_message_by_message() {
    let mark = |room: &str, mark| {
        let marked = |id: &str, by: &str| {
            let client_id = Some(ClientId::new(id).expect("short"));
            let sending = Sending { door: door::GATEWAY, client_id };
            Marked { id: MessageId(0xab), offset: Offset(1), sending, by: user(by) }
        };
        let messages = [marked("M1", "bob"), marked("M2", "alice"), marked("M3", "carol")].into();
        signal(room, "alice", SignalKind::Marked { mark, messages, whole_room: false, upto: None })
    };
    let delivered = |conversation: &str, id: &str| {
        format!(
            r#"{{"type":"messageStatus","data":{{"messageId":"{id}","conversationId":"{conversation}","status":"delivered"}}}}"#
        )
    };
    let (one, other) = (delivered("conv-1", "M1"), delivered("conv-1", "M3"));
    check(&called(&mark("direct:bob", Mark::Delivered), "conv-1"), "r", [&[], &[], &[&one, &other]], "not one's own");
    let (one, other) = (delivered("team", "M1"), delivered("team", "M3"));
    check(&mark("team", Mark::Delivered), "team", [&[], &[], &[&one, &other]], "in a group");
    let read = |conversation: &str, id: &str, rest: &str| {
        format!(
            r#"{{"type":"messageStatus","data":{{"messageId":"{id}","conversationId":"{conversation}","status":"read","readerId":"alice","readerName":"alice","readAt":"2026-11-20T11:52:13Z","isGroupChat":{rest}}}}}"#
        )
    };
    let (one, other) = (read("conv-1", "M1", "false"), read("conv-1", "M3", "false"));
    check(&called(&mark("direct:bob", Mark::Read), "conv-1"), "r", [&[], &[], &[&one, &other]], "read");
    let rest = r#"true,"readByUserIds":["alice"],"readByUserNames":["alice"],"readTimestamps":{"alice":"2026-11-20T11:52:13Z"}"#;
    let (one, other) = (read("team", "M1", rest), read("team", "M3", rest));
    check(&mark("team", Mark::Read), "team", [&[], &[], &[&one, &other]], "read in a group");
}

#[test]
fn typing_is_told_as_it_came_or_in_this_doors_shape() {
    let frame = r#"{"type":"typing","data":{"conversationId":"c"}}"#;
    let kind = |door, started| SignalKind::Typing { started, extra: Some((door, Text::from(frame))) };
    check(&signal("direct:bob", "alice", kind(door::GATEWAY, true)), "r", [&[], &[], &[frame]], "of this door");
    let shaped = |conversation: &str, on: bool| {
        format!(
            r#"{{"type":"typing","data":{{"conversationId":"{conversation}","senderId":"alice","senderName":"alice","isTyping":{on}}}}}"#
        )
    };
    let theirs = signal("direct:bob", "alice", kind(door::ROOMS, true));
    check(&theirs, "dm-alice-bob", [&[], &[], &[&shaped("dm-alice-bob", true)]], "of another");
    let plain = signal("direct:bob", "alice", SignalKind::Typing { started: false, extra: None });
    check(&called(&plain, "conv-1"), "dm-alice-bob", [&[], &[], &[&shaped("conv-1", false)]], "named here");
    let said = SignalKind::Said { kind: MessageKind::Text, content: "hi".into(), seq: domain::id::Seq(1) };
    for kind in [SignalKind::Came { back: false }, SignalKind::Again, SignalKind::Went { belongs: true }, said] {
        check(&signal("team", "alice", kind), "team", [&[], &[], &[]], "no word");
    }
}

#[test]
fn presence_is_told_of_users() {
    let presence =
        |online: bool| vec![format!(r#"< {{"type":"presence","data":{{"userId":"alice","isOnline":{online}}}}}"#)];
    for (online, declared, whose, expected) in [
        (true, true, Whose::Origin, presence(true)),
        (false, true, Whose::Actor, presence(false)),
        (true, true, Whose::Other, presence(true)),
        (true, false, Whose::Origin, vec![]),
        (true, false, Whose::Actor, vec![]),
        (false, false, Whose::Other, presence(false)),
    ] {
        let status = Status { who: person("alice"), online, declared, at: NOW, origin: None, to: None };
        let mut said = Said::default();
        gateway(&[]).tell_status(&status, whose, &mut said);
        let mut steps = said.messages().map(|frame| Step::Say(frame.to_vec())).collect();
        assert_eq!(lines(&mut steps), expected, "{whose:?} {declared}");
    }
}
