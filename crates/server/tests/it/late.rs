//! Who a client is, said late (RULES 5): the production steps with a gate that has to ask somebody else. Meanwhile nobody
//! is anybody, nothing that was said is lost, and what comes too late is nobody's.

use std::sync::Arc;

use adapters::auth::{Then, Verdict};
use dialects::{Answer, Ask};
use domain::id::Millis;
use domain::identity::{Credential, Denied};
use domain::limits::Policy;
use server::frame::Opcode;
use server::shard::{Allowance, Gate, Timing};

use crate::sim::OpenGate;
use crate::world::wire::{Ear, Received, masked, upgrade};
use crate::world::{Chaos, Setup, World};

/// Longer than any other thing takes here.
const ASK_MS: u64 = 2_000;

/// A token is the user's id, unless it begins with `bad`; about some of them somebody has to be asked.
pub(crate) struct LateGate(pub(crate) fn(&str) -> bool);

impl Gate for LateGate {
    fn admit(&self, _: &Ask) -> Result<(), Answer> {
        Ok(())
    }

    fn identify(&self, credential: &Credential, door: &str, now: Millis) -> Verdict {
        let waits = match credential {
            Credential::Bearer(id) | Credential::Key(id) | Credential::Claimed(id) | Credential::Internal(id) => {
                (self.0)(id)
            }
            Credential::Number(_) => false,
        };
        if waits { Verdict::Wait } else { OpenGate.identify(credential, door, now) }
    }

    fn ask(&self, credential: &Credential, door: &str, now: Millis, then: Then) {
        then(match OpenGate.identify(credential, door, now) {
            Verdict::Known(Ok(identity)) if !identity.id.as_str().starts_with("bad") => Ok(identity),
            Verdict::Known(_) | Verdict::Wait => Err(Denied::Invalid),
        });
    }
}

fn world(ask_ms: u64) -> World {
    let setup = Setup {
        shards: 1,
        policy: Policy::default(),
        timing: Timing::default(),
        allowance: Allowance::default(),
        dialects: Arc::new(dialects::registry(&dialects::Settings::default())),
        gate: Arc::new(LateGate(|_| true)),
        disk: None,
    };
    World::new(3, Chaos { ask_ms: ask_ms..=ask_ms, ..Chaos::none() }, setup, 1)
}

struct Client {
    pipe: usize,
    ear: Ear,
}

impl Client {
    /// Asks for a socket, and says all this without waiting for the answer.
    fn connect(world: &mut World, target: &str, says: &[&str]) -> Self {
        let mut client = Self { pipe: world.connect(0, 0), ear: Ear::default() };
        let mut bytes = upgrade(target, &[]);
        says.iter().for_each(|text| bytes.extend(masked(Opcode::Text, text.as_bytes())));
        world.send(client.pipe, &bytes);
        assert_eq!(client.hear(world, 0), "");
        client
    }

    fn say(&self, world: &mut World, text: &str) {
        world.send(self.pipe, &masked(Opcode::Text, text.as_bytes()));
    }

    /// What it has heard when this time has passed, in short.
    fn hear(&mut self, world: &mut World, ms: u64) -> String {
        world.run_until(world.now.plus(ms));
        self.ear.feed(world.receive(self.pipe, usize::MAX));
        let mut heard = Vec::new();
        while let Some(received) = self.ear.next() {
            heard.push(match received {
                Received::Http { status, body, .. } => format!("{status}{body}"),
                Received::Text(text) if text.starts_with('{') => {
                    let told: serde_json::Value = serde_json::from_str(&text).expect("frames are JSON");
                    format!("{} {}", told["type"].as_str().unwrap_or("?"), told["client_id"].as_str().unwrap_or("-"))
                }
                // An event's name, or the packet.
                Received::Text(text) => {
                    text.split('"').nth(1).filter(|_| text.starts_with("42")).unwrap_or(&text[..1]).into()
                }
                Received::Close { code, .. } => format!("close {code:?}"),
                other @ (Received::Binary(_) | Received::Ping(_) | Received::Pong(_)) => format!("{other:?}"),
            });
        }
        heard.join(", ")
    }

    fn is_closed(&self, world: &World) -> bool {
        world.pipes[self.pipe].server_closed
    }
}

const ONE: &str = r#"{"text":"one","client_id":"1"}"#;
const TWO: &str = r#"{"text":"two","client_id":"2"}"#;

#[test]
fn a_late_yes_and_what_was_said_behind_the_question() {
    let mut world = world(ASK_MS);
    let mut alice = Client::connect(&mut world, "/ws/rooms/lobby?token=alice", &[ONE, TWO]);
    assert_eq!(alice.hear(&mut world, ASK_MS - 1), "");
    let heard = alice.hear(&mut world, 1);
    let acks: Vec<&str> = heard.split(", ").filter(|one| *one == "101" || one.starts_with("ack")).collect();
    assert_eq!(acks, ["101", "ack 1", "ack 2"], "{heard}");
}

#[test]
fn a_late_no() {
    let mut world = world(ASK_MS);
    let head = world.log_head();
    let mut bad = Client::connect(&mut world, "/ws/rooms/lobby?token=bad", &[ONE, TWO]);
    assert_eq!(bad.hear(&mut world, ASK_MS - 1), "");
    assert_eq!(bad.hear(&mut world, 1), r#"403{"detail":"Invalid token"}"#);
    world.run_until(world.now.plus(10_000));
    assert!(bad.is_closed(&world));
    assert_eq!(world.log_head(), head, "and nothing was said");
}

#[test]
fn an_answer_that_comes_too_late_is_nobodys() {
    let mut world = world(12_000);
    let mut alice = Client::connect(&mut world, "/ws/rooms/lobby?token=alice", &[ONE]);
    assert_eq!(alice.hear(&mut world, 11_000), "");
    assert!(alice.is_closed(&world), "the head's deadline runs");
    // The next one has the same place; the answer about alice comes while bob's is under way.
    world.chaos.ask_ms = 3_000..=3_000;
    let mut bob = Client::connect(&mut world, "/ws/rooms/lobby?token=bob", &[TWO]);
    assert_eq!(bob.hear(&mut world, 2_999), "");
    let heard = bob.hear(&mut world, 1);
    assert!(heard.starts_with("101") && heard.contains("ack 2") && !heard.contains("ack 1"), "{heard}");
}

#[test]
fn a_client_that_has_hung_up_meanwhile() {
    for token in ["alice", "bad"] {
        let mut world = world(ASK_MS);
        let client = Client::connect(&mut world, &format!("/ws/rooms/lobby?token={token}"), &[ONE]);
        world.cut(client.pipe);
        world.run_until(world.now.plus(60_000));
        assert!(client.is_closed(&world));
        let mut bob = Client::connect(&mut world, "/ws/rooms/lobby?token=bob", &[TWO]);
        assert!(bob.hear(&mut world, ASK_MS).starts_with("101"));
    }
}

/// Opens a Socket.IO session, connects, says who it is and what it wants, all at once.
fn talk(world: &mut World, token: &str) -> Client {
    let mut client = Client { pipe: world.connect(0, 0), ear: Ear::default() };
    world.send(client.pipe, &upgrade("/socket.io/?EIO=4&transport=websocket", &[]));
    client.say(world, "40");
    client.say(world, &format!(r#"42["authenticate",{{"token":"{token}"}}]"#));
    client.say(world, r#"42["join_room",{"roomId":"lobby"}]"#);
    client.say(world, r#"42["send_message",{"room_id":"lobby","content":"hi"}]"#);
    assert_eq!(client.hear(world, 0), "101, 0, 4");
    client
}

#[test]
fn a_client_that_says_later_who_it_is() {
    let mut world = world(ASK_MS);
    let mut alice = talk(&mut world, "alice");
    assert_eq!(alice.hear(&mut world, ASK_MS - 1), "", "what it wants waits");
    let heard = alice.hear(&mut world, 1);
    assert!(heard.starts_with("authenticated, room_joined"), "{heard}");
    assert!(heard.contains("new_message"), "{heard}");
}

#[test]
fn a_client_that_says_later_who_it_is_not() {
    let mut world = world(ASK_MS);
    let mut bad = talk(&mut world, "bad");
    assert_eq!(bad.hear(&mut world, ASK_MS - 1), "");
    let heard = bad.hear(&mut world, 1);
    assert!(heard.starts_with("authenticated") && heard.contains("close"), "{heard}");
    assert!(!heard.contains("room_joined"), "{heard}");
}

#[test]
fn a_client_that_leaves_before_it_is_known() {
    for token in ["alice", "bad"] {
        let mut world = world(ASK_MS);
        let mut client = talk(&mut world, token);
        world.cut(client.pipe);
        assert_eq!(client.hear(&mut world, 1), "");
        assert!(client.is_closed(&world), "an open socket's end is seen at once");
        let mut bob = talk(&mut world, "bob");
        let heard = bob.hear(&mut world, ASK_MS);
        assert!(heard.starts_with("authenticated, room_joined"), "{heard}");
    }
}
