//! Sockets: doors and REST meet in one room or conversation, and a connection goes from HTTP to a socket.

use std::io::Write;
use std::time::Duration;

use serde_json::json;
use server::frame::Opcode;

use crate::wire::{Ear, Received, masked, upgrade};
use crate::world::{Server, Socket};

#[test]
fn rooms_chat_and_rest_hear_each_other() {
    let server = Server::start();
    let mut alice = server.socket("/ws/rooms/lobby?token=alice");
    let mut bob = server.socket("/ws/rooms/lobby?token=bob");
    alice.say(r#"{"text":"hello","client_id":"one"}"#);
    let ack = alice.hear();
    assert_eq!((&ack["type"], &ack["client_id"]), (&json!("ack"), &json!("one")));
    let heard = bob.hear();
    assert_eq!((&heard["text"], &heard["senderId"], &heard["id"]), (&json!("hello"), &json!("alice"), &ack["id"]));

    let mut carol = server.socket("/ws/chat?token=carol");
    carol.say(r#"{"type":"join_room","data":{"room_id":"lobby"}}"#);
    assert_eq!(carol.hear_type("join")["user_uuid"], "carol");
    carol.say(r#"{"type":"send_message","data":{"type":"text","content":"from chat","room_id":"lobby"}}"#);
    assert_eq!(carol.hear_type("text")["content"], "from chat");
    for other in [&mut alice, &mut bob] {
        let heard = other.hear();
        assert_eq!((&heard["text"], &heard["senderId"]), (&json!("from chat"), &json!("carol")));
    }

    let dave = [("authorization", "Bearer dave"), ("content-type", "application/json")];
    let (status, _, body) = server.ask("POST", "/rooms/lobby/broadcast", &dave, r#"{"text":"to all"}"#);
    assert_eq!(status, 200, "{body}");
    assert_eq!((alice.hear()["text"].clone(), bob.hear()["text"].clone()), (json!("to all"), json!("to all")));
    assert_eq!(carol.hear_type("text")["content"], "to all");
    let (_, _, health) = server.get("/health");
    assert!(health.contains("\"active_connections\":3,\"active_rooms\":1"), "{health}");
}

#[test]
fn direct_and_gateway_hear_each_other() {
    let server = Server::start();
    let (status, _, dave) = server.ask("POST", "/api/messaging/users/", &[], r#"{"username":"dave"}"#);
    assert_eq!(status, 201, "{dave}");
    let mut dave = server.socket("/ws/1");
    assert_eq!(dave.hear()["type"], "connection_established");
    let mut erin = server.socket("/production?userId=erin");
    erin.say(
        r#"{"action":"sendMessage","messageId":"m-1","conversationId":"c-1","senderId":"erin","recipientId":"dave","content":"hello"}"#,
    );
    let heard = dave.hear_type("new_message");
    assert_eq!((&heard["message"]["content"], &heard["message"]["status"]), (&json!("hello"), &json!("sent")));
    assert_eq!(erin.hear_type("messageStatus")["data"]["status"], "sent");

    let headers = [("x-user-id", "1"), ("x-username", "dave")];
    let body = format!(r#"{{"receiver_id":{},"content":"hi, erin"}}"#, heard["message"]["sender_id"]);
    let (status, _, sent) = server.ask("POST", "/api/messaging/messages/", &headers, &body);
    assert_eq!(status, 201, "{sent}");
    let told = erin.hear_type("message");
    assert_eq!((&told["data"]["content"], &told["data"]["senderId"]), (&json!("hi, erin"), &json!("dave")));
    // Dave answers the ping that came behind the message, while he waits for the next one.
    erin.say(
        r#"{"action":"sendMessage","messageId":"m-2","conversationId":"c-1","senderId":"erin","recipientId":"dave","content":"bye"}"#,
    );
    assert_eq!(dave.hear_type("new_message")["message"]["content"], "bye");
    let delivered = json!({"messageId":"m-1","conversationId":"c-1","status":"delivered"});
    while erin.hear_type("messageStatus")["data"] != delivered {}
}

#[test]
fn a_thousand_messages_in_order_to_both_shards() {
    let server = Server::with(&[("CHAT_MAX_MESSAGES_PER_MIN", "0")]);
    let mut sender = server.socket("/ws/rooms/busy?token=sender");
    let mut listeners: Vec<Socket> =
        (0..8).map(|n| server.socket(&format!("/ws/rooms/busy?token=listener-{n}"))).collect();
    for n in 0..1_000 {
        sender.say(&format!(r#"{{"text":"{n}"}}"#));
    }
    for listener in &mut listeners {
        for n in 0..1_000 {
            assert_eq!(listener.hear()["text"], n.to_string());
        }
    }
}

#[test]
fn refused_upgrades() {
    let server = Server::start();
    for (target, headers, status) in [
        ("/ws/rooms/lobby", &[][..], 403),
        ("/ws/rooms/dm-a-b?token=alice", &[], 403),
        ("/ws/rooms/lobby?token=alice", &[("Origin", "https://evil.example")], 403),
        ("/ws/rooms/lobby?token=alice", &[("Origin", "null")], 403),
        ("/ws/rooms/lobby?token=alice", &[("Cookie", "a=b")], 403),
        ("/ws/rooms/lobby?token=alice", &[("Forwarded", "for=1.2.3.4")], 403),
        ("/ws/rooms/lobby?token=alice", &[("Origin", "http://localhost:3000"), ("Cookie", "a=b")], 101),
        ("/ws/chat", &[], 401),
        ("/ws/1", &[("Cookie", "a=b")], 403),
        ("/production", &[], 400),
        ("/production?userId=alice", &[("Forwarded", "for=1.2.3.4")], 403),
        ("/ws/nowhere?token=alice", &[], 404),
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let mut socket = Socket { stream: server.connect(), ear: Ear::default() };
        socket.write(&upgrade(target, &headers));
        let answer = socket.next();
        let Received::Http { status: given, .. } = answer else { panic!("{target}: {answer:?}") };
        assert_eq!(given, status, "{target} {headers:?}");
    }
}

/// Proxies keep connections to us alive and use one for an upgrade later, with the client's first frame right behind.
#[test]
fn an_upgrade_on_a_connection_that_was_kept_alive() {
    let server = Server::with(&[("CHAT_MAX_MESSAGES_PER_MIN", "0")]);
    let mut listener = server.socket("/ws/rooms/kept?token=listener");
    for round in 0..200 {
        let mut socket = Socket { stream: server.connect(), ear: Ear::default() };
        for _ in 0..round % 3 {
            socket.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
            assert!(matches!(socket.next(), Received::Http { status: 200, .. }));
        }
        let frame = masked(Opcode::Text, format!(r#"{{"text":"{round}","client_id":"{round}"}}"#).as_bytes());
        let mut eager = upgrade("/ws/rooms/kept?token=alice", &[]);
        if round % 2 == 0 {
            // The answer to this is still under way when the upgrade is read.
            eager = [&b"GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], &eager].concat();
        }
        socket.stream.write_all(&[eager, frame].concat()).expect("it takes what is written");
        if round % 2 == 0 {
            assert!(matches!(socket.next(), Received::Http { status: 200, .. }), "round {round}");
        }
        let answer = socket.next();
        let Received::Http { status, head, .. } = answer else { panic!("round {round}: {answer:?}") };
        assert_eq!(status, 101, "round {round}");
        assert!(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        assert_eq!(socket.hear()["type"], "ack", "round {round}");
        assert_eq!(listener.hear()["text"], round.to_string());
    }
}

/// A hang-up that came together with the last bytes was told by the kernel once, with them; whoever read the bytes and
/// waited for the next notice waited until the time-out, and the user seemed to be there all the while.
#[test]
fn a_hang_up_right_behind_the_last_words() {
    let server = Server::with(&[("CHAT_MAX_MESSAGES_PER_MIN", "0")]);
    for round in 0..50 {
        let mut guest = server.socket(&format!("/ws/rooms/lobby?token=guest-{round}"));
        // Nothing is said to it, so nothing but its going can be noticed.
        guest.say(r#"{"text":"last"}"#);
    }
    let mut looks = 0;
    while !server.get("/health").2.contains("\"active_connections\":0") {
        looks += 1;
        assert!(looks < 200, "{}", server.get("/health").2);
        std::thread::sleep(Duration::from_millis(20));
    }
}
