//! Sending, marking and deleting messages.

use domain::command::Reply;
use domain::limits::{CONTENT_BYTES_MAX, MARKED_MAX};
use domain::refusal::Refusal;

use super::super::words;
use super::{Client, ID, NONE, error, object, said};
use crate::cases::{REFUSALS, kept};

#[test]
fn messages_are_sent_where_they_are_addressed() {
    for (payload, expected) in [
        (r#"{"room_id":"r","content":"hi"}"#, "1 send r Text - hi"),
        (r#"{"room_id":"r","receiver_id":"bob","content":"hi"}"#, "1 send r Text - hi"),
        (r#"{"receiver_id":"bob","content":"hi"}"#, "1 send dm-alice-bob Text - hi"),
        (r#"{"room_id":"dm-alice-bob","content":"hi"}"#, r#"1 send dm-alice-bob Text - hi {"room_id":"dm-alice-bob"}"#),
        (r#"{"room_id":"r","text":"hi","sender":"You"}"#, "1 send r Text - hi"),
        (r#"{"room_id":"r","content":"","text":"hi"}"#, "1 send r Text - hi"),
        (r#"{"room_id":"r","content":"hi","message_type":"text"}"#, "1 send r Text - hi"),
        (
            r#"{"room_id":"r","content":"hi","message_type":"system"}"#,
            r#"1 send r Text - hi {"message_type":"system"}"#,
        ),
        (r#"{"room_id":"r","content":"hi","client_id":"c1"}"#, "1 send r Text c1 hi"),
        (r#"{"room_id":"r","content":"hi","sender_id":"eve"}"#, "1 send r Text - hi"),
    ] {
        assert_eq!(Client::alice().says(&format!(r#"21["send_message",{payload}]"#)), [expected], "{payload}");
    }
}

#[test]
fn what_can_not_be_sent_is_said_to_whoever_asked() {
    let nothing = "Message content is required";
    let long = format!(r#"{{"room_id":"r","content":"{}"}}"#, "x".repeat(CONTENT_BYTES_MAX + 1));
    for (payload, why) in [
        (r#"{"room_id":"r"}"#, nothing),
        (r#"{"room_id":"r","content":""}"#, nothing),
        (r#"{"content":"hi"}"#, "Either room ID or receiver ID is required"),
        (r#"{"room_id":"dm-bob-eve","content":"hi"}"#, "Access denied"),
        (&long, "Message content is too long"),
    ] {
        let failed = format!(r#"< 437[{{"success":false,"error":"{why}"}}]"#);
        assert_eq!(Client::alice().says(&format!(r#"27["send_message",{payload}]"#)), [failed], "{payload:.40}");
        let said = Client::alice().says(&format!(r#"2["send_message",{payload}]"#));
        assert_eq!(said, [error("Failed to send message")], "{payload:.40}");
    }
    let long_id = format!(r#"{{"room_id":"r","content":"hi","client_id":"{}"}}"#, "c".repeat(129));
    for payload in [
        "7",
        "[]",
        r#"{"room_id":7,"content":"hi"}"#,
        r#"{"room_id":"r","content":7}"#,
        r#"{"room_id":"r","content":{"_placeholder":true,"num":0}}"#,
        r#"{"room_id":"r","content":"hi","message_type":7}"#,
        r#"{"receiver_id":"a\u0000b","content":"hi"}"#,
        &long_id,
    ] {
        let said = Client::alice().says(&format!(r#"27["send_message",{payload}]"#));
        assert_eq!(said, [error("Invalid parameters")], "{payload:.40}: and the acknowledgement is not called");
    }
}

#[test]
fn sends_are_acknowledged_with_the_message() {
    let (room, direct) = (said("r", "alice", None), said("direct:bob", "alice", None));
    for (event, receiver, named) in [(&room, "null", "\"r\""), (&direct, "\"bob\"", "null")] {
        for repeat in [false, true] {
            let mut client = Client::alice();
            client.says(r#"27["send_message",{"room_id":"r","content":"hi"}]"#);
            let ack = format!(r#"< 437[{{"success":true,"message":{}}}]"#, object("alice", receiver, named));
            assert_eq!(client.answered(1, Ok(&kept(event, repeat))), [ack]);
        }
    }
    let mut client = Client::alice();
    client.says(r#"2["send_message",{"room_id":"r","content":"hi"}]"#);
    assert_eq!(client.answered(1, Ok(&kept(&room, false))), NONE, "unasked");
    for refusal in &REFUSALS {
        let mut client = Client::alice();
        client.says(r#"20["send_message",{"room_id":"r","content":"hi"}]"#);
        client.says(r#"2["send_message",{"room_id":"r","content":"hi"}]"#);
        let failed = format!(r#"< 430[{{"success":false,"error":"{}"}}]"#, words::text(refusal));
        assert_eq!(client.answered(1, Err(refusal)), [failed]);
        assert_eq!(client.answered(2, Err(refusal)), [error("Failed to send message")]);
    }
}

#[test]
fn marks_are_answered_by_an_event() {
    let mut client = Client::inside("r");
    let one = format!(r#"2["mark_read",{{"messageIds":["{ID}"],"roomId":"r"}}]"#);
    assert_eq!(client.says(&one), [format!("3 mark Read {ID} r")]);
    let marked = format!(r#"< 42["marked_read",{{"success":true,"messageIds":["{ID}"]}}]"#);
    assert_eq!(client.answered(3, Ok(&Reply::Done)), [marked]);
    assert_eq!(client.says(r#"2["mark_read",{"messageIds":[]}]"#), ["4 mark Read  -"]);
    assert_eq!(client.answered(4, Err(&Refusal::Forbidden)), [error("Failed to mark messages as read")]);
    let many = format!(r#"{{"messageIds":[{}]}}"#, vec![format!("\"{ID}\""); MARKED_MAX + 1].join(","));
    for (payload, why) in [
        (r#"{"messageIds":["zz"]}"#, "Failed to mark messages as read"),
        (r#"{"messageIds":[7]}"#, "Failed to mark messages as read"),
        (&many, "Failed to mark messages as read"),
        (r#"{"messageIds":[],"roomId":"dm-bob-eve"}"#, "Failed to mark messages as read"),
        (r#"{"messageIds":"zz"}"#, "Invalid parameters"),
        (r#"{"messageIds":[],"roomId":7}"#, "Invalid parameters"),
        ("{}", "Invalid parameters"),
        ("null", "Invalid parameters"),
    ] {
        assert_eq!(client.says(&format!(r#"2["mark_read",{payload}]"#)), [error(why)], "{payload:.40}");
    }
}

#[test]
fn deletions_are_acknowledged() {
    let mut client = Client::alice();
    let one = format!(r#"25["delete_message",{{"messageId":"{}","roomId":"r"}}]"#, ID.to_uppercase());
    assert_eq!(client.says(&one), [format!("1 delete {ID}")]);
    let (event, sent) = (said("r", "alice", None), said("r", "alice", None));
    let changed = Reply::Changed { event, sent };
    assert_eq!(client.answered(1, Ok(&changed)), [r#"< 435[{"success":true}]"#]);
    for (refusal, why) in [
        (Refusal::NotAllowed, "Unauthorized to delete this message"),
        (Refusal::MessageNotFound, "Message not found"),
        (Refusal::Unavailable, "Temporarily unavailable, nothing was kept"),
    ] {
        let mut client = Client::alice();
        client.says(&one);
        client.says(&one.replace("25[", "2["));
        assert_eq!(client.answered(1, Err(&refusal)), [format!(r#"< 435[{{"success":false,"error":"{why}"}}]"#)]);
        assert_eq!(client.answered(2, Err(&refusal)), [error(why)]);
    }
    let unknown = client.says(r#"25["delete_message",{"messageId":"zz"}]"#);
    assert_eq!(unknown, [r#"< 435[{"success":false,"error":"Message not found"}]"#]);
    for payload in ["{}", r#"{"messageId":7}"#, r#"{"messageId":""}"#, r#""zz""#] {
        let said = client.says(&format!(r#"25["delete_message",{payload}]"#));
        assert_eq!(said, [error("Invalid parameters")], "{payload}");
    }
}
