//! Socket.IO: packets that clients say, and their attachments.

use proptest::prelude::*;

use super::super::binary::Assembly;
use super::super::engine::{PAYLOAD_BYTES_MAX, Version};
use super::super::packet::{ATTACHMENTS_MAX, Arguments, Event, Invalid, NAMESPACE_BYTES_MAX, Packet};
use super::VERSIONS;
use crate::step::Frame;
use Invalid::{Attachments, Order, Payload, Reserved, TooLarge};
use Version::{Four, Three};

/// A packet in plain words.
fn shown(packet: &Packet<'_>) -> String {
    let raw = |arguments: Arguments<'_>| {
        let each: Vec<_> = arguments.map(|argument| argument.get().to_owned()).collect();
        each.join(" | ")
    };
    match packet {
        Packet::Connect { namespace, query, auth } => {
            format!("connect {namespace} {query:?} {}", auth.map_or("-", |auth| auth.get()))
        }
        Packet::Disconnect { namespace } => format!("disconnect {namespace}"),
        Packet::ConnectError { namespace } => format!("refused {namespace}"),
        Packet::Event(Event { namespace, id, name, arguments, attachments }) => {
            let id = id.map_or("-".to_owned(), |id| id.to_string());
            format!("event {namespace} {id} {} +{attachments}: {}", name.as_deref().unwrap_or("#"), raw(*arguments))
        }
        Packet::Ack { namespace, id, arguments, attachments } => {
            format!("ack {namespace} {id} +{attachments}: {}", raw(*arguments))
        }
    }
}

fn read(version: Version, text: &str) -> Result<String, Invalid> {
    Packet::read(version, text).map(|packet| shown(&packet))
}

#[test]
fn packets_are_read() {
    for (text, expected) in [
        ("0", r#"connect / "" -"#),
        (r#"0{"token":"123"}"#, r#"connect / "" {"token":"123"}"#),
        ("0/custom,", r#"connect /custom "" -"#),
        ("0/random", r#"connect /random "" -"#),
        (r#"0/custom,{"token":"abc"}"#, r#"connect /custom "" {"token":"abc"}"#),
        (r#"0{"pid":"p","offset":"1.2"}"#, r#"connect / "" {"pid":"p","offset":"1.2"}"#),
        ("1", "disconnect /"),
        ("1/admin,", "disconnect /admin"),
        ("1/custom", "disconnect /custom"),
        (r#"2["foo"]"#, "event / - foo +0: "),
        (r#"2/admin,["bar"]"#, "event /admin - bar +0: "),
        (r#"212["foo"]"#, "event / 12 foo +0: "),
        (r#"20["foo"]"#, "event / 0 foo +0: "),
        (r#"2["message",1,"2",{"3":[true]}]"#, r#"event / - message +0: 1 | "2" | {"3":[true]}"#),
        (
            r#"2456["message-with-ack",1,"2",{"3":[false]}]"#,
            r#"event / 456 message-with-ack +0: 1 | "2" | {"3":[false]}"#,
        ),
        (r#"2/test,1["a",1,{}]"#, "event /test 1 a +0: 1 | {}"),
        (r#"2[1,"a",{}]"#, r#"event / - # +0: "a" | {}"#),
        (r#"2[-1.5e3]"#, "event / - # +0: "),
        ("2 [ \"a\" ,\n[ 1 , 2 ] , \"],[\" ] ", "event / - a +0: [ 1 , 2 ] | \"],[\""),
        (r#"2["\u0061\"\ud83d\ude00"]"#, "event / - a\"\u{1f600} +0: "),
        (r#"2["error"]"#, "event / - error +0: "),
        (r#"29007199254740991["a"]"#, "event / 9007199254740991 a +0: "),
        ("313[]", "ack / 13 +0: "),
        (r#"3/admin,13["bar"]"#, r#"ack /admin 13 +0: "bar""#),
        (r#"3123["a",1,{}]"#, r#"ack / 123 +0: "a" | 1 | {}"#),
        (r#"4"Unauthorized""#, "refused /"),
        (r#"4/random,{"message":"Invalid namespace"}"#, "refused /random"),
        (r#"50-["a"]"#, "event / - a +0: "),
        (r#"51-["baz",{"_placeholder":true,"num":0}]"#, r#"event / - baz +1: {"_placeholder":true,"num":0}"#),
        (r#"52-/admin,14["baz",1,2]"#, "event /admin 14 baz +2: 1 | 2"),
        (r#"510-["a"]"#, "event / - a +10: "),
        (r#"61-15["bar"]"#, r#"ack / 15 +1: "bar""#),
        ("61-/admin,456[1]", "ack /admin 456 +1: 1"),
    ] {
        assert_eq!(read(Four, text), Ok(expected.to_owned()), "{text}");
    }
}

#[test]
fn protocol_4_has_its_own_ways() {
    for (text, three, four) in [
        ("0", Ok(r#"connect / "" -"#), Ok(r#"connect / "" -"#)),
        ("0{}", Err(Payload), Ok(r#"connect / "" {}"#)),
        ("0/a?token=1,", Ok(r#"connect /a "token=1" -"#), Ok(r#"connect /a?token=1 "" -"#)),
        ("0/a?token=1", Ok(r#"connect /a "token=1" -"#), Ok(r#"connect /a?token=1 "" -"#)),
        (r#"2/a?token=1,["x"]"#, Ok("event /a - x +0: "), Ok("event /a?token=1 - x +0: ")),
        ("4[1]", Ok("refused /"), Err(Payload)),
        (r#"4/a,"Not authorized""#, Ok("refused /a"), Ok("refused /a")),
    ] {
        assert_eq!(read(Three, text), three.map(str::to_owned), "{text}");
        assert_eq!(read(Four, text), four.map(str::to_owned), "{text}");
    }
}

#[test]
fn what_the_grammar_does_not_have_is_refused() {
    for (text, expected) in [
        ("", Invalid::Packet),
        ("abc", Invalid::Packet),
        ("999", Invalid::Packet),
        ("7", Invalid::Packet),
        (" 2[\"a\"]", Invalid::Packet),
        ("01", Invalid::Packet),
        ("11", Invalid::Packet),
        (r#"442["some","data"]"#, Invalid::Packet),
        ("0[]", Payload),
        ("0null", Payload),
        ("0\"a\"", Payload),
        ("0{", Payload),
        (r#"0/admin,"invalid""#, Payload),
        ("1{}", Payload),
        ("1/admin,{}", Payload),
        ("2", Payload),
        ("2/admin,", Payload),
        ("2/admin", Payload),
        ("2[]", Payload),
        ("2{}", Payload),
        ("2/admin,{}", Payload),
        (r#"2/admin,"invalid"#, Payload),
        (r#"2["a""#, Payload),
        (r#"2["a"]x"#, Payload),
        (r#"2["a",]"#, Payload),
        ("2[true,\"foo\"]", Payload),
        ("2[null,\"bar\"]", Payload),
        ("2[[\"a\"]]", Payload),
        (r#"2["\ud800"]"#, Payload),
        ("2[\"a\0\"]", Payload),
        (r#"2abc["message-with-ack",1,"2",{"3":[false]}]"#, Payload),
        (r#"2-1["a"]"#, Payload),
        (r#"21-["a"]"#, Payload),
        (r#"21.5["a"]"#, Payload),
        (r#"2 1["a"]"#, Payload),
        (r#"29007199254740992["a"]"#, Invalid::Packet),
        (r#"299999999999999999999["a"]"#, Invalid::Packet),
        (r#"207["a"]"#, Invalid::Packet),
        ("3[]", Invalid::Packet),
        ("31", Payload),
        ("31{}", Payload),
        ("4", Payload),
        ("41", Invalid::Packet),
        ("4null", Payload),
        ("5", Attachments),
        ("51", Attachments),
        ("5-[\"a\"]", Attachments),
        ("5a-", Attachments),
        ("51.23-", Attachments),
        ("5-1-[\"a\"]", Attachments),
        ("5+1-[\"a\"]", Attachments),
        ("51e1-[\"a\"]", Attachments),
        ("501-[\"a\"]", Attachments),
        ("5/admin,[\"a\"]", Attachments),
        ("6[\"a\"]", Attachments),
        ("61-[\"a\"]", Invalid::Packet),
    ] {
        assert_eq!(read(Four, text), Err(expected), "{text}");
    }
    for name in ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"] {
        assert_eq!(read(Four, &format!(r#"2["{name}","123"]"#)), Err(Reserved), "{name}");
        assert_eq!(read(Four, &format!(r#"50-["{name}"]"#)), Err(Reserved), "{name}");
        assert!(read(Four, &format!(r#"31["{name}"]"#)).is_ok(), "{name} in an acknowledgement is no event");
    }
    assert_eq!(read(Four, r#"2["\u0063onnect"]"#), Err(Reserved));
}

#[test]
fn limits_of_a_packet() {
    let deep = |depth: usize| format!("2[\"a\",{}{}]", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert!(read(Four, &deep(32)).is_ok());
    for depth in [33, 100_000] {
        assert_eq!(read(Four, &deep(depth)), Err(Payload), "{depth}");
    }
    assert_eq!(read(Four, &format!("0{}", "{\"a\":".repeat(100_000))), Err(Payload));
    let named = |bytes: usize| format!("0/{}", "n".repeat(bytes - 1));
    assert!(read(Four, &named(NAMESPACE_BYTES_MAX)).is_ok());
    assert_eq!(read(Four, &named(NAMESPACE_BYTES_MAX + 1)), Err(Invalid::Packet));
    assert_eq!(read(Four, "0/a\x1e42[\"x\"]"), Err(Invalid::Packet), "a refusal would end the packet that names it");
}

#[test]
fn advisories() {
    // CVE-2020-36049: digits were gathered one by one, which took minutes for a packet of that size.
    let digits = "1".repeat(PAYLOAD_BYTES_MAX);
    assert_eq!(read(Four, &format!("5{digits}")), Err(Attachments), "CVE-2020-36049");
    assert_eq!(read(Four, &format!("2{digits}[]")), Err(Invalid::Packet), "CVE-2020-36049");
    // CVE-2022-2421: a placeholder's number was a text and named a method.
    assert_eq!(told(&[t(r#"51-["hello",{"_placeholder":true,"num":"splice"}]"#)]), Err(Payload), "CVE-2022-2421");
    // CVE-2023-32695: an event's name was an object, and calling it ended the process.
    assert_eq!(read(Four, r#"2[{"toString":"foo"}]"#), Err(Payload), "CVE-2023-32695");
    // CVE-2024-38355: an event called "error", which nobody listened to, ended the process. It is a name like others.
    assert_eq!(read(Four, r#"2["error","x"]"#), Ok(r#"event / - error +0: "x""#.into()), "CVE-2024-38355");
    // CVE-2026-33151: any number of attachments could be announced, and all that came were kept.
    let announced = |count| read(Four, &format!(r#"5{count}-["a"]"#)).map(|_| ());
    assert_eq!(announced(u64::from(ATTACHMENTS_MAX)), Ok(()), "CVE-2026-33151");
    for count in [u64::from(ATTACHMENTS_MAX) + 1, 256, 257, u64::MAX] {
        assert_eq!(announced(count), Err(Attachments), "CVE-2026-33151: {count}");
    }
    // CVE-2026-69185: the first fix bounded what is announced and not all that is kept. A packet that announced none
    // was told at once, and binary data was still taken for it without end. Nor may a second announcement follow a
    // first.
    assert_eq!(told(&[t(r#"50-["a"]"#), B(b"x")]), Err(Order), "CVE-2026-69185");
    assert_eq!(told(&[t(r#"51-["a"]"#), t(r#"51-["a"]"#)]), Err(Order), "CVE-2026-69185");
    assert_eq!(told(&[t(r#"51-["a"]"#), B(b"x"), B(b"y")]), Err(Order), "CVE-2026-69185");
}

use Frame::Binary as B;

fn t(text: &str) -> Frame<'_> {
    Frame::Text(text)
}

/// What comes out of frames: each packet, and behind it the sizes of its attachments.
fn told(frames: &[Frame<'_>]) -> Result<Vec<String>, Invalid> {
    let (mut assembly, mut told) = (Assembly::new(Four), Vec::new());
    for frame in frames {
        match frame {
            Frame::Text(text) => told.extend(assembly.hear_text(text)?.map(|packet| shown(&packet))),
            Frame::Binary(data) => told.extend(assembly.hear_binary(data)?.map(|whole| {
                assert!(!assembly.is_waiting());
                let sizes: Vec<_> = whole.attachments.iter().map(|one| one.len().to_string()).collect();
                format!("{} <{}>", shown(&whole.packet()), sizes.join(","))
            })),
        }
    }
    if assembly.is_waiting() {
        told.push("waiting".into());
    }
    Ok(told)
}

#[test]
fn attachments_are_awaited() {
    let two = r#"52-7["m",{"_placeholder":true,"num":0},{"x":[{"num":1,"_placeholder":true}]}]"#;
    let whole = r#"event / 7 m +2: {"_placeholder":true,"num":0} | {"x":[{"num":1,"_placeholder":true}]} <3,1>"#;
    for (frames, expected) in [
        (&[t(two), B(b"abc"), B(b"d")][..], Ok(vec![whole])),
        (&[t(two), B(b"abc"), B(b"d"), t("1")], Ok(vec![whole, "disconnect /"])),
        (&[t(two), B(b"abc")], Ok(vec!["waiting"])),
        (
            &[t(r#"61-15["bar",{"_placeholder":true,"num":0}]"#), B(b"")],
            Ok(vec![r#"ack / 15 +1: "bar" | {"_placeholder":true,"num":0} <0>"#]),
        ),
        (&[t(r#"51-["hello"]"#), B(b"x")], Ok(vec!["event / - hello +1:  <1>"])),
        (&[t(two), t("2[\"hello\"]")], Err(Order)),
        (&[t(two), t(two)], Err(Order)),
        (&[t(two), B(b"a"), t("1")], Err(Order)),
        (&[B(b"world")], Err(Order)),
        (&[t("2[\"a\"]"), B(b"world")], Err(Order)),
        (&[t("abc")], Err(Invalid::Packet)),
    ] {
        let expected = expected.map(|told| told.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(told(frames), expected, "{frames:?}");
    }
}

#[test]
fn placeholders_name_attachments_that_come() {
    for (place, fits) in [
        (r#"{"_placeholder":true,"num":0}"#, true),
        (r#"{"_placeholder":true,"num":1}"#, true),
        (r#"{"_placeholder":true,"num":2}"#, false),
        (r#"{"_placeholder":true,"num":-1}"#, false),
        (r#"{"_placeholder":true,"num":0.5}"#, false),
        (r#"{"_placeholder":true,"num":1e999}"#, false),
        (r#"{"_placeholder":true,"num":"0"}"#, false),
        (r#"{"_placeholder":true,"num":null}"#, false),
        (r#"{"_placeholder":true,"num":true}"#, false),
        (r#"{"_placeholder":true,"num":{"_placeholder":true,"num":0}}"#, false),
        (r#"{"_placeholder":true}"#, false),
        (r#"{"_placeh\u006flder":true}"#, false),
        (r#"{"_placeholder":true,"num":0,"num":1}"#, false),
        (r#"{"_placeholder":false,"_placeholder":true,"num":1}"#, false),
        (r#"{"a":[[{"_placeholder":true,"num":2}]]}"#, false),
        (r#"{"_placeholder":false,"num":2}"#, true),
        (r#"{"_placeholder":"true","num":2}"#, true),
        (r#"{"num":2}"#, true),
        (r#""_placeholder""#, true),
        (r#"[null,false,-1,1.5,"x"]"#, true),
    ] {
        let expected = if fits { Ok(vec!["waiting".to_owned()]) } else { Err(Payload) };
        assert_eq!(told(&[t(&format!(r#"52-["a",{place}]"#))]), expected, "{place}");
    }
    let deep = format!("51-[\"a\",{}{}]", "[".repeat(32), "]".repeat(32));
    assert_eq!(told(&[t(&deep)]), Err(Payload));
}

#[test]
fn attachments_are_bounded_by_their_number_and_bytes() {
    let (most, full) = (r#"510-["a"]"#, vec![0; PAYLOAD_BYTES_MAX]);
    let tenth = vec![0; PAYLOAD_BYTES_MAX / 10];
    let frames: Vec<_> = std::iter::once(t(most)).chain((0..10).map(|_| B(&tenth))).collect();
    assert_eq!(told(&frames).map(|told| told.len()), Ok(1));
    assert_eq!(told(&[frames, vec![B(b"")]].concat()), Err(Order));
    assert_eq!(told(&[t(most), B(&full), B(b"")]), Ok(vec!["waiting".to_owned()]));
    assert_eq!(told(&[t(most), B(&full), B(b"x")]), Err(TooLarge));
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in r#"[0-7][-0-9/a,?{}\[\]":tru]{0,24}"#) {
        for version in VERSIONS {
            let mut assembly = Assembly::new(version);
            let whole = assembly.hear_text(&text).is_ok_and(|packet| packet.is_none());
            prop_assert_eq!(assembly.is_waiting(), whole);
        }
    }
}
