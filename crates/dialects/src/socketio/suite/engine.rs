//! Engine.IO: packets, WebSocket messages and payloads.

use proptest::prelude::*;

use super::super::engine::{Form, Heard, Open, PAYLOAD_BYTES_MAX, Packet, Takes, Unreadable, Version};
use super::super::payload::{PACKETS_MAX, Payload, write};
use super::{TAKES, VERSIONS};
use crate::step::Frame;
use Unreadable::{Base64, Kind, Length, Text, TooLarge, TooMany};
use Version::{Four, Three};

/// A body's packets: `"4hello"` for text, `<1,2>` for binary.
fn heard(version: Version, form: Form, body: &[u8]) -> Result<Vec<String>, Unreadable> {
    Payload::of(version, form, body).map(|heard| heard.map(|heard| shown(heard.frame()))).collect()
}

fn shown(frame: Frame<'_>) -> String {
    match frame {
        Frame::Text(text) => text.to_owned(),
        Frame::Binary(data) => format!("<{}>", data.iter().map(u8::to_string).collect::<Vec<_>>().join(",")),
    }
}

fn written(version: Version, takes: Takes, frames: &[Frame<'_>]) -> (Form, Vec<u8>) {
    let mut body = Vec::new();
    let form = write(version, takes, frames.iter().copied(), &mut body);
    (form, body)
}

#[test]
fn versions_are_the_two_that_are_spoken() {
    for (parameter, expected) in [
        ("3", Some(Three)),
        ("4", Some(Four)),
        ("", None),
        ("abc", None),
        ("2", None),
        ("5", None),
        ("04", None),
        ("4.1", None),
    ] {
        assert_eq!(Version::of(parameter), expected, "{parameter:?}");
    }
}

#[test]
fn packets_are_read_and_written_alike() {
    for (text, packet) in [
        ("0{}", Packet::Open("{}")),
        ("1", Packet::Close),
        ("2", Packet::Ping("")),
        ("2probe", Packet::Ping("probe")),
        ("3", Packet::Pong("")),
        ("3probe", Packet::Pong("probe")),
        ("4", Packet::Message("")),
        ("4hello", Packet::Message("hello")),
        ("4€\u{1f600}", Packet::Message("€\u{1f600}")),
        ("5", Packet::Upgrade),
        ("6", Packet::Noop),
    ] {
        assert_eq!(Packet::read(Frame::Text(text)), Ok(packet), "{text:?}");
        let mut buffer = Vec::new();
        assert_eq!(packet.write(&mut buffer), Form::Text);
        assert_eq!(buffer, text.as_bytes());
    }
    let (data, mut buffer) = ([1, 2, 3, 4], Vec::new());
    assert_eq!(Packet::read(Frame::Binary(&data)), Ok(Packet::Binary(&data)));
    assert_eq!(Packet::Binary(&data).write(&mut buffer), Form::Binary);
    assert_eq!(buffer, data);
    for text in ["", "abc", "a123", "7", "9", "{", "{}", "[\"a123\", \"a456\"]", " 4", "٤", "\0", "-1"] {
        assert_eq!(Packet::read(Frame::Text(text)), Err(Kind), "{text:?}");
    }
    assert_eq!(Packet::read(Frame::Text("1ignored")), Ok(Packet::Close));
}

#[test]
fn websocket_messages_are_heard_as_version_4_says_them() {
    let long = [7; 300];
    for (version, frame, expected) in [
        (Four, Frame::Text("4hello"), Ok("4hello")),
        (Four, Frame::Text("abc"), Err(Kind)),
        (Four, Frame::Text(""), Err(Kind)),
        (Four, Frame::Text("bAQIDBA=="), Ok("<1,2,3,4>")),
        (Four, Frame::Text("bAQIDBA"), Ok("<1,2,3,4>")),
        (Four, Frame::Text("b"), Ok("<>")),
        (Four, Frame::Text("b!"), Err(Base64)),
        (Four, Frame::Text("bAQIDBA==AQ"), Err(Base64)),
        (Four, Frame::Binary(&[1, 2, 3, 4]), Ok("<1,2,3,4>")),
        (Four, Frame::Binary(&[]), Ok("<>")),
        (Three, Frame::Text("4hello"), Ok("4hello")),
        (Three, Frame::Text("abc"), Err(Kind)),
        (Three, Frame::Text("b4AQIDBA=="), Ok("<1,2,3,4>")),
        (Three, Frame::Text("bAQIDBA=="), Err(Kind)),
        (Three, Frame::Text("b2AQIDBA=="), Err(Kind)),
        (Three, Frame::Text("b"), Err(Kind)),
        (Three, Frame::Binary(&[4, 1, 2, 3, 4]), Ok("<1,2,3,4>")),
        (Three, Frame::Binary(&[4]), Ok("<>")),
        (Three, Frame::Binary(&[2, 1]), Err(Kind)),
        (Three, Frame::Binary(b"4hello"), Err(Kind)),
        (Three, Frame::Binary(&[]), Err(Kind)),
        (Three, Frame::Binary(&long), Err(Kind)),
    ] {
        let heard = version.hear(frame).map(|heard| shown(heard.frame()));
        assert_eq!(heard, expected.map(str::to_owned), "{version:?} {frame:?}");
    }
}

#[test]
fn websocket_messages_are_said_as_the_client_takes_them() {
    let binary = Frame::Binary(&[1, 2, 3, 4]);
    for (version, takes, frame, expected) in [
        (Four, Takes::Binary, Frame::Text("4€"), (Form::Text, "4€".as_bytes())),
        (Three, Takes::Base64, Frame::Text("4€"), (Form::Text, "4€".as_bytes())),
        (Four, Takes::Binary, binary, (Form::Binary, &[1, 2, 3, 4])),
        (Three, Takes::Binary, binary, (Form::Binary, &[4, 1, 2, 3, 4])),
        (Four, Takes::Base64, binary, (Form::Text, b"bAQIDBA==")),
        (Three, Takes::Base64, binary, (Form::Text, b"b4AQIDBA==")),
    ] {
        let mut message = Vec::new();
        let form = version.say(takes, frame, &mut message);
        assert_eq!((form, &*message), expected, "{version:?} {takes:?} {frame:?}");
    }
}

/// In both directions: what a client posts is what a client that polls is given.
#[test]
fn payloads_of_the_suites() {
    let (hello, binary) = (Frame::Text("4hello"), Frame::Binary(&[1, 2, 3, 4]));
    let tests = [Frame::Text("4test1"), Frame::Text("4test2"), Frame::Text("4test3")];
    let all = ["0", "1", "2probe", "3probe", "4test"].map(Frame::Text);
    let wide = [Frame::Text("4\u{1f600}"), Frame::Text("4a")];
    let mixed_binary: &[u8] = &[0, 6, 255, 52, 104, 101, 108, 108, 111, 1, 5, 255, 4, 1, 2, 3, 4];
    let euros = Frame::Text("4€€€€");
    let euros_binary = b"\x00\x01\x03\xff4\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\x01\x04\xff\x04\x01\x02\x03";
    for (version, takes, frames, form, body) in [
        (Four, Takes::Binary, &[hello][..], Form::Text, &b"4hello"[..]),
        (Four, Takes::Binary, &tests, Form::Text, b"4test1\x1e4test2\x1e4test3"),
        (Four, Takes::Binary, &[hello, binary], Form::Text, b"4hello\x1ebAQIDBA=="),
        (Four, Takes::Base64, &[hello, binary], Form::Text, b"4hello\x1ebAQIDBA=="),
        (Four, Takes::Binary, &all, Form::Text, b"0\x1e1\x1e2probe\x1e3probe\x1e4test"),
        (Four, Takes::Binary, &[Frame::Text("6")], Form::Text, b"6"),
        (Three, Takes::Base64, &[hello], Form::Text, b"6:4hello"),
        (Three, Takes::Base64, &tests, Form::Text, b"6:4test16:4test26:4test3"),
        (Three, Takes::Base64, &[hello, binary], Form::Text, b"6:4hello10:b4AQIDBA=="),
        (Three, Takes::Binary, &[hello], Form::Text, b"6:4hello"),
        (Three, Takes::Binary, &[hello, binary], Form::Binary, mixed_binary),
        (Three, Takes::Binary, &[Frame::Text("6")], Form::Text, b"1:6"),
        (Three, Takes::Binary, &[Frame::Text("4€"), hello], Form::Text, "2:4€6:4hello".as_bytes()),
        (Three, Takes::Base64, &[Frame::Text("4€"), binary], Form::Text, "2:4€10:b4AQIDBA==".as_bytes()),
        (Three, Takes::Base64, &wide, Form::Text, "3:4\u{1f600}2:4a".as_bytes()),
        (Three, Takes::Binary, &[euros, Frame::Binary(&[1, 2, 3])], Form::Binary, euros_binary),
    ] {
        assert_eq!(written(version, takes, frames), (form, body.to_vec()), "{version:?} {takes:?} {frames:?}");
        let expected = frames.iter().map(|frame| shown(*frame)).collect();
        assert_eq!(heard(version, form, body), Ok(expected), "{version:?} {form:?} {body:?}");
    }
}

#[test]
fn broken_payloads() {
    for (version, form, body, expected) in [
        (Four, Form::Text, &b""[..], Kind),
        (Four, Form::Text, b"abc", Kind),
        (Four, Form::Text, b"{", Kind),
        (Four, Form::Text, b"\x1e", Kind),
        (Four, Form::Text, b"4a\x1e", Kind),
        (Four, Form::Text, b"4a\x1e\x1e4b", Kind),
        (Four, Form::Text, b"4a\x1eb?", Base64),
        (Four, Form::Text, b"4\xff", Text),
        (Four, Form::Binary, b"4a", Kind),
        (Three, Form::Text, b"", Kind),
        (Three, Form::Text, b"abc", Length),
        (Three, Form::Text, b"4hello", Length),
        (Three, Form::Text, b":4", Length),
        (Three, Form::Text, b"1", Length),
        (Three, Form::Text, b"1:", Length),
        (Three, Form::Text, b"3:4a", Length),
        (Three, Form::Text, b"2:4a1", Length),
        (Three, Form::Text, b"-1:4", Length),
        (Three, Form::Text, b"+1:4", Length),
        (Three, Form::Text, b"1.0:4", Length),
        (Three, Form::Text, b"1e0:4", Length),
        (Three, Form::Text, b"00000001:4", Length),
        (Three, Form::Text, b"9999999:4", Length),
        (Three, Form::Text, b"18446744073709551617:4", Length),
        (Three, Form::Text, "2:4\u{1f600}".as_bytes(), Length),
        (Three, Form::Text, b"1:a", Kind),
        (Three, Form::Text, b"2:b2", Kind),
        (Three, Form::Text, b"4:b4!!", Base64),
        (Three, Form::Text, b"1:\xff", Text),
        (Three, Form::Binary, b"", Kind),
        (Three, Form::Binary, &[0], Length),
        (Three, Form::Binary, &[0, 255], Length),
        (Three, Form::Binary, &[0, 0, 255], Kind),
        (Three, Form::Binary, &[0, 1, 255], Length),
        (Three, Form::Binary, &[0, 10, 255, 52], Length),
        (Three, Form::Binary, &[0, 0, 0, 0, 0, 0, 0, 0, 1, 255, 52], Length),
        (Three, Form::Binary, &[0, 9, 9, 9, 9, 9, 9, 9, 255, 52], Length),
        (Three, Form::Binary, &[2, 1, 255, 52], Kind),
        (Three, Form::Binary, &[1, 0, 255], Kind),
        (Three, Form::Binary, &[1, 1, 255, 2], Kind),
        (Three, Form::Binary, &[0, 2, 255, 52, 0xe2], Text),
        (Three, Form::Binary, &[0, 1, 255, b'a'], Kind),
    ] {
        assert_eq!(heard(version, form, body), Err(expected), "{version:?} {form:?} {body:?}");
    }
}

#[test]
fn what_was_said_before_something_broken_is_heard_and_nothing_after_it() {
    for (version, body) in [(Four, &b"4a\x1ex\x1e4b"[..]), (Three, b"2:4a1:x2:4b")] {
        let items: Vec<_> = Payload::of(version, Form::Text, body).collect();
        assert_eq!(items, [Ok(Heard::Text("4a")), Err(Kind)]);
    }
    assert_eq!(heard(Three, Form::Text, b"0:2:4a0:"), Ok(vec!["4a".to_owned()]), "nothing to say is `0:` there");
}

/// CVE-2020-36048: a body of very many small packets kept the server busy for minutes and held far more memory than it
/// had bytes.
#[test]
fn cve_2020_36048_a_body_has_bounded_bytes_and_packets() {
    let bodies = |count: usize| {
        let separated = vec!["4"; count].join("\x1e").into_bytes();
        let binary = [0, 1, 255, b'4'].repeat(count);
        [
            (Four, Form::Text, separated),
            (Three, Form::Text, "1:4".repeat(count).into_bytes()),
            (Three, Form::Binary, binary),
        ]
    };
    for (version, form, body) in bodies(PACKETS_MAX) {
        assert_eq!(heard(version, form, &body).map(|packets| packets.len()), Ok(PACKETS_MAX));
    }
    for (version, form, body) in bodies(PACKETS_MAX + 1) {
        assert_eq!(heard(version, form, &body), Err(TooMany), "{version:?} {form:?}");
    }
    assert_eq!(heard(Three, Form::Text, "0:".repeat(PACKETS_MAX + 1).as_bytes()), Err(TooMany), "empty ones count");
    for (version, form, body) in bodies(3_000_000) {
        assert_eq!(heard(version, form, &body), Err(TooLarge), "{version:?} {form:?}");
    }
    let full = format!("4{}", "x".repeat(PAYLOAD_BYTES_MAX - 1));
    assert_eq!(heard(Four, Form::Text, full.as_bytes()), Ok(vec![full.clone()]));
    assert_eq!(heard(Four, Form::Text, format!("{full}x").as_bytes()), Err(TooLarge));
}

#[test]
fn handshakes() {
    let open = |upgrades, payload_bytes_max| {
        let mut packet = Vec::new();
        let (ping_interval_ms, ping_timeout_ms) = (300, 200);
        Open { sid: "lv_VI97HAXpY6yYWAAAC", upgrades, ping_interval_ms, ping_timeout_ms, payload_bytes_max }
            .write(&mut packet);
        String::from_utf8(packet).unwrap()
    };
    let sid = r#"0{"sid":"lv_VI97HAXpY6yYWAAAC""#;
    assert_eq!(
        open(&["websocket"], Some(PAYLOAD_BYTES_MAX)),
        format!(r#"{sid},"upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}}"#)
    );
    let three = open(&[], None);
    assert_eq!(three, format!(r#"{sid},"upgrades":[],"pingInterval":300,"pingTimeout":200}}"#));
    let (_, body) = written(Three, Takes::Binary, &[Frame::Text(&three)]);
    assert_eq!(String::from_utf8(body).unwrap(), format!("{}:{three}", three.len()));
}

/// Frames as a session keeps them, in one spelling for text and data.
fn frames() -> impl Strategy<Value = Vec<Result<String, Vec<u8>>>> {
    let text = "[0-6][^\u{1e}]{0,20}".prop_map(Ok);
    let data = proptest::collection::vec(any::<u8>(), 0..300).prop_map(Err);
    proptest::collection::vec(prop_oneof![text, data], 1..20)
}

proptest! {
    #[test]
    fn what_is_written_is_heard(frames in frames()) {
        let given: Vec<_> = frames.iter().map(|frame| match frame {
            Ok(text) => Frame::Text(text),
            Err(data) => Frame::Binary(data),
        }).collect();
        let expected: Vec<_> = given.iter().map(|frame| shown(*frame)).collect();
        for version in VERSIONS {
            for takes in TAKES {
                let (form, body) = written(version, takes, &given);
                prop_assert_eq!(heard(version, form, &body), Ok(expected.clone()));
                for frame in &given {
                    let mut message = Vec::new();
                    let said = match version.say(takes, *frame, &mut message) {
                        Form::Text => Frame::Text(std::str::from_utf8(&message).unwrap()),
                        Form::Binary => Frame::Binary(&message),
                    };
                    let heard = version.hear(said).unwrap();
                    prop_assert_eq!(heard.frame(), *frame);
                }
            }
        }
    }

    #[test]
    fn no_body_is_too_odd(
        body in proptest::collection::vec(prop_oneof![0_u8..=57, Just(0x1e_u8), any::<u8>()], 0..64),
    ) {
        for version in VERSIONS {
            for form in [Form::Text, Form::Binary] {
                prop_assert!(Payload::of(version, form, &body).count() <= body.len() + 1);
            }
        }
    }
}
