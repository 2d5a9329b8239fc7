//! Keys through the socket of a running server: good at once, and no more at once.

use crate::world::Server;

#[test]
fn a_key_from_its_making_to_its_end() {
    let server = Server::with(&[("JWT_SECRET", "any text does on loopback")]);
    assert!(server.get("/").2.contains("\"dev_mode\":false"));
    let made = server.cli("key add --user alice");
    let text = String::from_utf8_lossy(&made.stdout).into_owned();
    let key = text.lines().next().expect("the key stands first");
    assert!(made.status.success() && key.starts_with("sbk_"), "{text}");
    let asked = |key: &str| server.ask("GET", "/users/alice/connections", &[("x-api-key", key)], "").0;
    assert_eq!((asked(key), asked("sbk_000000000000_00"), asked("alice")), (200, 401, 401));
    assert!(String::from_utf8_lossy(&server.cli("key list").stdout).contains("alice"));
    assert!(server.cli(&format!("key revoke {}", &key[4..16])).status.success());
    assert_eq!(asked(key), 401);
    assert!(!server.cli(&format!("key revoke {}", &key[4..16])).status.success());
}

#[test]
fn a_token_made_by_the_command_line() {
    let secret = ("JWT_SECRET", "any text does on loopback");
    let server = Server::with(&[secret]);
    let made = crate::world::command().env(secret.0, secret.1).args(["token", "issue", "--user", "alice"]).output();
    let token = String::from_utf8(made.expect("the binary was built").stdout).expect("a token is ASCII");
    let mut alice = server.socket(&format!("/ws/rooms/lobby?token={}", token.trim()));
    alice.say(r#"{"text":"hello","client_id":"one"}"#);
    assert_eq!(alice.hear()["type"], "ack");
}
