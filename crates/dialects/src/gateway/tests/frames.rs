//! What each action means, and every way in which it can't be taken.

use crate::cases::{NOW, lines};
use crate::{Frame, Steps};

use super::{error, heard, open};

/// A frame with these fields behind its action, those of `changed` in the place of others of their name.
pub(super) fn frame(action: &str, fields: &[(&str, &str)], changed: &[(&str, &str)]) -> String {
    let fields = fields.iter().filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    let fields = fields.chain(changed).filter(|(_, value)| !value.is_empty());
    let fields: String = fields.map(|(name, value)| format!(r#","{name}":{value}"#)).collect();
    format!(r#"{{"action":"{action}"{fields}}}"#)
}

/// The contract's own (`wscat`), of alice.
const SEND: [(&str, &str); 7] = [
    ("messageId", r#""test-123""#),
    ("conversationId", r#""conv-1""#),
    ("senderId", r#""alice""#),
    ("senderName", r#""Test User""#),
    ("recipientId", r#""bob""#),
    ("content", r#""Hello from wscat!""#),
    ("timestamp", r#""2025-10-21T10:30:00Z""#),
];

pub(super) type Changed<'a> = &'a [(&'a str, &'a str)];

pub(super) fn check(action: &str, fields: &[(&str, &str)], cases: &[(Changed<'_>, &str)]) {
    for (changed, expected) in cases {
        let expected = match *expected {
            "" => vec![],
            "Forbidden" => error("Forbidden"),
            line => vec![line.to_owned()],
        };
        assert_eq!(heard(&mut *open(), &frame(action, fields, changed)), expected, "{action} {changed:?}");
    }
}

#[test]
fn messages_as_the_contract_sends_them() {
    let extra = r#"{"senderName":"Test User","timestamp":"2025-10-21T10:30:00Z"}"#;
    let as_sent = format!("1 send to id bob Text test-123 Hello from wscat! {extra} called conv-1");
    let nulls = r#"{"senderName":"Test User","timestamp":"2025-10-21T10:30:00Z","replyToMessageId":null,"replyToContent":null,"replyToSenderName":null}"#;
    let nulls = format!("1 send to id bob Text test-123 Hello from wscat! {nulls} called conv-1");
    let voice = r#"{"senderName":"Test User","timestamp":"2025-10-21T10:30:00Z","messageType":"voice","audioUrl":"https://a/b","audioDuration":1.5,"transcript":null,"isTranscribing":true}"#;
    let voice = format!("1 send to id bob Text test-123 Hello from wscat! {voice} called conv-1");
    let bare = "1 send to id bob Text test-123 Hello from wscat! called conv-1";
    let group =
        r#"1 send team Text test-123 Hello from wscat! {"senderName":"Test User","timestamp":"2025-10-21T10:30:00Z"}"#;
    let called = r#"1 send team Text test-123 Hello from wscat! {"senderName":"Test User","timestamp":"2025-10-21T10:30:00Z","conversationName":"Team"}"#;
    let null = "null";
    check(
        "sendMessage",
        &SEND,
        &[
            (&[], &as_sent),
            (&[("__proto__", "{}"), ("status", r#""read""#), ("seq", "1e999")], &as_sent),
            (&[("replyToMessageId", null), ("replyToContent", null), ("replyToSenderName", null)], &nulls),
            (&[("recipientIds", null), ("isGroupChat", null), ("conversationName", null)], &as_sent),
            (&[("conversationName", r#""Team""#), ("isGroupChat", "false")], &as_sent),
            (
                &[
                    ("messageType", r#""voice""#),
                    ("audioUrl", r#""https://a/b""#),
                    ("audioDuration", "1.5"),
                    ("transcript", null),
                    ("isTranscribing", "true"),
                ],
                &voice,
            ),
            (&[("senderName", ""), ("timestamp", "")], bare),
            (&[("senderName", null), ("timestamp", null)], bare),
            (&[("senderName", r#""""#), ("timestamp", r#""2999-01-01T00:00:00Z""#)], bare),
            (&[("recipientId", ""), ("recipientIds", r#"["alice","bob"]"#)], &as_sent),
            (&[("isGroupChat", "true"), ("conversationId", r#""team""#), ("recipientIds", r#"["bob"]"#)], group),
            (&[("isGroupChat", "true"), ("conversationId", r#""team""#), ("recipientId", "")], group),
            (&[("isGroupChat", "true"), ("conversationId", r#""team""#), ("conversationName", r#""Team""#)], called),
            (&[("isGroupChat", "true"), ("conversationId", r#""team""#), ("nickname", r#""Team""#)], called),
            (&[("isGroupChat", "true"), ("conversationId", r#""team""#), ("nickname", null)], group),
        ],
    );
    let mut steps = Steps::new();
    open().hear(Frame::Binary(frame("sendMessage", &SEND, &[]).as_bytes()), NOW, &mut steps);
    assert_eq!(lines(&mut steps), [as_sent], "binary that is UTF-8");
}

#[test]
fn messages_that_are_none() {
    let (long, longest) = (format!("\"{}\"", "i".repeat(129)), format!("\"{}\"", "c".repeat(256)));
    let forbidden = "Forbidden";
    for name in ["messageId", "conversationId", "senderId", "recipientId", "content"] {
        for value in ["", "null", r#""""#, "7", "{}", r#"["x"]"#, r#""\ud800""#] {
            check("sendMessage", &SEND, &[(&[(name, value)], forbidden)]);
        }
    }
    check(
        "sendMessage",
        &SEND,
        &[
            (&[("messageId", &long)], forbidden),
            (&[("messageId", r#""a\nb""#)], forbidden),
            (&[("conversationId", &longest)], forbidden),
            (&[("recipientId", &longest)], forbidden),
            (&[("senderId", r#""mallory""#)], forbidden),
            (&[("senderId", r#""Alice""#)], forbidden),
            (&[("senderName", "7")], forbidden),
            (&[("timestamp", "1795175533994")], forbidden),
            (&[("isGroupChat", r#""true""#)], forbidden),
            (&[("isTranscribing", "1")], forbidden),
            (&[("recipientId", ""), ("recipientIds", r#"["bob","carol"]"#)], forbidden),
            (&[("recipientId", ""), ("recipientIds", r#"["alice"]"#)], forbidden),
            (&[("recipientId", ""), ("recipientIds", "[]")], forbidden),
            (&[("isGroupChat", "true"), ("conversationId", r#""user:bob""#)], forbidden),
            (&[("isGroupChat", "true"), ("conversationId", r#""dm-bob-carol""#)], forbidden),
            (&[("isGroupChat", "true"), ("conversationId", r#""GUILD#""#)], forbidden),
        ],
    );
}

#[test]
fn frames_that_are_no_action() {
    let deep = format!(r#"{{"action":"ping","x":{}{}}}"#, "[".repeat(32), "]".repeat(32));
    let twice = r#"{"action":"ping","action":"catchUp"}"#;
    for frame in [
        "",
        "hello",
        "{",
        "[]",
        "null",
        r#""ping""#,
        "{}",
        r#"{"action":null}"#,
        r#"{"action":7}"#,
        r#"{"action":""}"#,
        r#"{"action":"dance"}"#,
        r#"{"action":"SendMessage"}"#,
        r#"{"action":"$connect"}"#,
        r#"{"action":"translateAndExplain","message":"x","messageId":"m","targetLang":"de"}"#,
        r#"{"type":"ping"}"#,
        &deep,
        twice,
        &"[".repeat(100_000),
    ] {
        assert_eq!(heard(&mut *open(), frame), error("Forbidden"), "{frame:.60}");
    }
    for frame in [
        r#"{"action":"ping"}"#,
        r#"{"action":"ping","userId":"alice","timestamp":1795175533.994}"#,
        r#"{"action":"registerDevice","userId":"alice","deviceToken":"t","platform":"ios"}"#,
        r#"{"action":"\u0070ing"}"#,
    ] {
        assert!(heard(&mut *open(), frame).is_empty(), "{frame}");
    }
}

#[test]
fn typing_presence_and_reading() {
    let typing = [
        ("conversationId", r#""conv-1""#),
        ("senderId", r#""alice""#),
        ("senderName", r#""Al""#),
        ("recipientId", r#""bob""#),
        ("isTyping", "true"),
    ];
    let hint = |room: &str, conversation: &str, name: &str, on: bool| {
        format!(
            r#"hint {room} {on} {{"type":"typing","data":{{"conversationId":"{conversation}","senderId":"alice","senderName":"{name}","isTyping":{on}}}}}"#
        )
    };
    let team = &[("isGroupChat", "true"), ("conversationId", r#""team""#), ("recipientId", "")][..];
    check(
        "typing",
        &typing,
        &[
            (&[], &hint("dm-alice-bob", "conv-1", "Al", true)),
            (&[("isTyping", "false"), ("senderName", "null")], &hint("dm-alice-bob", "conv-1", "alice", false)),
            (team, &hint("team", "team", "Al", true)),
            (&[("senderId", r#""mallory""#)], "Forbidden"),
            (&[("isTyping", "")], "Forbidden"),
            (&[("isTyping", "1")], "Forbidden"),
            (&[("conversationId", "")], "Forbidden"),
            (&[("recipientId", "")], "Forbidden"),
        ],
    );
    check(
        "presenceUpdate",
        &[("userId", r#""alice""#), ("isOnline", "true")],
        &[
            (&[], "1 declare true"),
            (&[("isOnline", "false"), ("userId", "")], "1 declare false"),
            (&[("userId", r#""bob""#)], "Forbidden"),
            (&[("isOnline", "null")], "Forbidden"),
        ],
    );
    let bobs = r#"[{"messageId":"M1","senderId":"bob"},{"messageId":"M2","senderId":"bob"}]"#;
    let mixed = r#"[{"messageId":"M1","senderId":"bob"},{"messageId":"M2","senderId":"carol"}]"#;
    let many = |most: usize| format!("[{}]", vec![r#""M""#; most].join(","));
    let read = [("conversationId", r#""conv-1""#), ("readerId", r#""alice""#), ("messageIds", r#"["M1","M2"]"#)];
    check(
        "markRead",
        &read,
        &[
            (&[], "1 find alias conv-1 - M1,M2"),
            (&[("reads", bobs), ("readAt", r#""x""#)], "1 find dm-alice-bob bob M1,M2"),
            (&[("reads", bobs), ("messageIds", r#"["M1","M3"]"#)], "1 find dm-alice-bob bob M1,M2,M3"),
            (&[("reads", bobs), ("isGroupChat", "true")], "1 find conv-1 - M1,M2"),
            (&[("reads", mixed), ("isGroupChat", "true")], "1 find conv-1 - M1,M2"),
            (&[("conversationId", r#""dm-alice-bob""#)], "1 find dm-alice-bob - M1,M2"),
            (&[("conversationId", r#""dm-bob-carol""#)], "1 find alias dm-bob-carol - M1,M2"),
            (&[("messageIds", r#"["","M2","a\nb"]"#)], "1 find alias conv-1 - M2"),
            (&[("messageIds", "[]")], ""),
            (&[("messageIds", "null")], ""),
            (&[("reads", mixed)], "Forbidden"),
            (&[("readerId", r#""bob""#)], "Forbidden"),
            (&[("messageIds", r#"[7]"#)], "Forbidden"),
            (&[("conversationId", r#""""#)], "Forbidden"),
            (&[("messageIds", &many(1001))], "Forbidden"),
            (&[("messageIds", &many(1000))], &format!("1 find alias conv-1 - {}", vec!["M"; 1000].join(","))),
        ],
    );
}

#[test]
fn edits_and_deletions_are_looked_for_among_ones_own() {
    let edit = [
        ("messageId", r#""M1""#),
        ("conversationId", r#""conv-1""#),
        ("senderId", r#""alice""#),
        ("newContent", r#""better""#),
        ("recipientIds", r#"["bob"]"#),
        ("isGroupChat", "false"),
    ];
    for action in ["editMessage", "deleteMessage"] {
        check(
            action,
            &edit,
            &[
                (&[], "1 find dm-alice-bob alice M1"),
                (&[("recipientIds", "")], "1 find alias conv-1 alice M1"),
                (&[("recipientIds", ""), ("recipientId", r#""carol""#)], "1 find dm-alice-carol alice M1"),
                (&[("recipientIds", r#"["bob","carol"]"#)], "1 find alias conv-1 alice M1"),
                (&[("isGroupChat", "true"), ("recipientIds", r#"["bob","carol"]"#)], "1 find conv-1 alice M1"),
                (&[("isGroupChat", "true"), ("conversationId", r#""user:x""#)], "Forbidden"),
                (&[("senderId", r#""bob""#)], "Forbidden"),
                (&[("messageId", "null")], "Forbidden"),
                (&[("conversationId", "")], "Forbidden"),
                (&[("recipientIds", r#"[""]"#)], "Forbidden"),
            ],
        );
    }
    check("editMessage", &edit, &[(&[("newContent", "")], "Forbidden"), (&[("newContent", r#""""#)], "Forbidden")]);
    check("deleteMessage", &edit, &[(&[("newContent", "")], "1 find dm-alice-bob alice M1")]);
}
