//! Socket.IO: packets that the server says, and what it says back.

use proptest::prelude::*;

use super::super::binary::Assembly;
use super::super::engine::Version::{Four, Three};
use super::super::packet::{MAIN, Packet};
use super::super::telling::{
    Connected, To, write_ack, write_connect, write_connect_error, write_disconnect, write_event,
};

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut buffer = Vec::new();
    write(&mut buffer);
    String::from_utf8(buffer).unwrap()
}

#[test]
fn packets_are_written() {
    let custom = To { namespace: "/custom", attachments: 2 };
    let json = |text: &'static str| move |buffer: &mut Vec<u8>| buffer.extend_from_slice(text.as_bytes());
    let connected = Connected { sid: "wZX3oN0bSVIhsaknAAAI", pid: None };
    let resumable = Connected { sid: "s", pid: Some("p") };
    for (text, expected) in [
        (written(|b| write_event(b, To::MAIN, "auth", json("{}"), None)), r#"42["auth",{}]"#),
        (written(|b| write_event(b, To::MAIN, "x", json("{}"), Some("1.2"))), r#"42["x",{},"1.2"]"#),
        (written(|b| write_event(b, To::MAIN, "x", |_| {}, None)), r#"42["x"]"#),
        (written(|b| write_event(b, To::MAIN, "x", |_| {}, Some("1.2"))), r#"42["x","1.2"]"#),
        (written(|b| write_event(b, To::MAIN, "a\"b", json("1,2"), None)), r#"42["a\"b",1,2]"#),
        (written(|b| write_event(b, custom, "x", json("1"), None)), r#"452-/custom,["x",1]"#),
        (written(|b| write_ack(b, To::MAIN, 456, json("1,\"2\""))), r#"43456[1,"2"]"#),
        (written(|b| write_ack(b, To::MAIN, 0, |_| {})), "430[]"),
        (written(|b| write_ack(b, custom, 789, json("1"))), "462-/custom,789[1]"),
        (written(|b| write_connect(Four, b, MAIN, connected)), r#"40{"sid":"wZX3oN0bSVIhsaknAAAI"}"#),
        (written(|b| write_connect(Four, b, "/custom", resumable)), r#"40/custom,{"sid":"s","pid":"p"}"#),
        (written(|b| write_connect(Three, b, MAIN, connected)), "40"),
        (written(|b| write_connect(Three, b, "/custom", connected)), "40/custom,"),
        (
            written(|b| write_connect_error(Four, b, "/random", "Invalid namespace")),
            r#"44/random,{"message":"Invalid namespace"}"#,
        ),
        (written(|b| write_connect_error(Three, b, "/a", "Not authorized")), r#"44/a,"Not authorized""#),
        (written(|b| write_disconnect(b, MAIN)), "41"),
        (written(|b| write_disconnect(b, "/custom")), "41/custom,"),
    ] {
        assert_eq!(text, expected);
    }
}

/// The suite's four echoes: what is said back is made of what came, its placeholders as they were.
#[test]
fn echoes_of_the_suite() {
    let places = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;
    let echoed = |text: &str| {
        let mut assembly = Assembly::new(Four);
        let echo = |packet: &Packet<'_>| {
            let Packet::Event(event) = packet else { panic!("the suite says events") };
            let to = To { namespace: event.namespace, attachments: event.attachments };
            let again = |buffer: &mut Vec<u8>| buffer.extend_from_slice(event.arguments.as_str().as_bytes());
            match event.id {
                Some(id) => written(|b| write_ack(b, to, id, again)),
                None => written(|b| write_event(b, to, "message-back", again, None)),
            }
        };
        if let Some(packet) = assembly.hear_text(text.strip_prefix('4').unwrap()).unwrap() {
            return echo(&packet);
        }
        assert!(assembly.hear_binary(&[1, 2, 3]).unwrap().is_none());
        let whole = assembly.hear_binary(&[4, 5, 6]).unwrap().unwrap();
        assert_eq!(whole.attachments, [[1, 2, 3], [4, 5, 6]]);
        echo(&whole.packet())
    };
    for (said, expected) in [
        (r#"42["message",1,"2",{"3":[true]}]"#, r#"42["message-back",1,"2",{"3":[true]}]"#),
        (&format!(r#"452-["message",{places}]"#), &*format!(r#"452-["message-back",{places}]"#)),
        (r#"42456["message-with-ack",1,"2",{"3":[false]}]"#, r#"43456[1,"2",{"3":[false]}]"#),
        (&format!(r#"452-789["message-with-ack",{places}]"#), &*format!("462-789[{places}]")),
    ] {
        assert_eq!(echoed(said), expected);
    }
}

proptest! {
    #[test]
    fn events_that_are_written_are_read(
        name in "[a-z\"\\\\€]{1,12}",
        argument in any::<String>(),
        id in proptest::option::of(0_u64..9_007_199_254_740_992),
    ) {
        let text = written(|b| write_event(b, To::MAIN, &name, |b| crate::json::write(b, &argument), None));
        let text = text.replacen("42", &id.map_or("2".to_owned(), |id| format!("2{id}")), 1);
        let Ok(Packet::Event(mut event)) = Packet::read(Four, &text) else {
            prop_assume!(["connect", "disconnect"].contains(&&*name));
            return Ok(());
        };
        prop_assert_eq!((event.name.as_deref(), event.id), (Some(&*name), id));
        prop_assert_eq!(crate::json::text(event.arguments.next().unwrap()).unwrap(), argument);
        prop_assert!(event.arguments.next().is_none());
    }
}
