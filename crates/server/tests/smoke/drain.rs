//! The end of a server, and what stops its start.

use crate::wire::Received;
use crate::world::{Server, command};

#[test]
fn everybody_is_told_goodbye() {
    let mut server = Server::start();
    let mut sockets: Vec<_> = (0..20).map(|n| server.socket(&format!("/ws/rooms/lobby?token=user-{n}"))).collect();
    server.signal("TERM");
    for socket in &mut sockets {
        let Received::Close { code, .. } = socket.next() else { panic!("a goodbye was expected") };
        assert_eq!(code, Some(1012));
    }
    drop(sockets);
    assert_eq!(server.wait().code(), Some(0));
    assert!(!server.data_dir.join("operator.sock").exists());
}

#[test]
fn a_level_is_read_again() {
    let mut server = Server::start();
    server.signal("HUP");
    assert_eq!(server.get("/health").0, 200);
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_port_that_is_taken() {
    let server = Server::start();
    let second = command().env("PORT", server.port.to_string()).env("DATA_DIR", &server.data_dir).output();
    let second = second.expect("the binary was built");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("listening on 127.0.0.1:{}", server.port)), "{said}");
}

#[test]
fn settings_that_are_not_safe() {
    for (name, value) in [("HOST", "0.0.0.0"), ("REDIS_URL", "redis://localhost"), ("PORT", "x")] {
        let refused = command().env(name, value).output().expect("the binary was built");
        assert_eq!(refused.status.code(), Some(1), "{name}");
        assert!(!refused.stderr.is_empty(), "{name}");
    }
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let mut server = Server::with(&[("CHAT_MAX_MESSAGES_PER_MIN", "0")]);
    let mut alice = server.socket("/ws/rooms/kept?token=alice");
    let mut acked = Vec::new();
    for n in 0..50 {
        alice.say(&format!(r#"{{"text":"{n}","client_id":"{n}"}}"#));
        acked.push(alice.hear()["id"].clone());
    }
    server.signal("KILL");
    server.wait();
    let mut server = server.again();
    let mut bob = server.socket("/ws/rooms/kept?token=bob&since=0");
    assert_eq!(bob.hear()["type"], "resumed");
    for id in &acked {
        assert_eq!(&bob.hear()["id"], id);
    }
    let mut alice = server.socket("/ws/rooms/kept?token=alice");
    alice.say(r#"{"text":"49","client_id":"49"}"#);
    assert_eq!(Some(&alice.hear()["id"]), acked.last(), "a repeat gets the first result");
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
}
