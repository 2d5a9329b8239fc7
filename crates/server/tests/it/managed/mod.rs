//! Connections that back ends reach by their names, and the operator's URL that is told of them: the production shards with
//! a dialect of their own. What HTTP makes of it is in `tests/aws`.

mod line;

use dialects::ConnectionNames;
use dialects::connections::{Manage, Managed};
use dialects::integration::{NoResponse, Outcome, Response};
use domain::id::ConnectionId;
use domain::limits::{self, Policy};
use server::frame::Opcode;
use server::shard::{Allowance, Input, ManageCall, Timing};
use std::sync::Arc;

use crate::sim::OpenGate;
use crate::world::wire::{Ear, Received, masked, upgrade};
use crate::world::{Chaos, Setup, World};

/// The line's place among the doors.
const LINE: u8 = 2;

struct Stage {
    world: World,
    tokens: u64,
}

/// A client, and its connection as a back end knows it.
struct Client {
    pipe: usize,
    ear: Ear,
    id: ConnectionId,
}

impl Stage {
    fn new(socket_bytes: usize) -> Self {
        let setup = Setup {
            shards: 2,
            policy: Policy::default(),
            timing: Timing::default(),
            allowance: Allowance { frames_burst: 100_000, bytes_burst: 1 << 30, ..Allowance::default() },
            dialects: line::dialects(),
            gate: Arc::new(OpenGate),
            disk: None,
        };
        Self { world: World::new(3, Chaos { socket_bytes, ..Chaos::none() }, setup, 1), tokens: 0 }
    }

    fn settle(&mut self) {
        self.world.run_until(self.world.now);
    }

    fn wait(&mut self, ms: u64) {
        self.world.run_until(self.world.now.plus(ms));
    }

    /// A socket whose upgrade is asked for.
    fn connect(&mut self, query: &str) -> Client {
        let pipe = self.world.connect(0, 1);
        let agent = [("User-Agent".to_owned(), "a test".to_owned())];
        self.world.send(pipe, &upgrade(&format!("/line{query}"), &agent));
        self.settle();
        Client { pipe, ear: Ear::default(), id: ConnectionId(0) }
    }

    /// One that is open.
    fn open(&mut self) -> Client {
        let mut client = self.connect("");
        let heard = self.hear(&mut client);
        client.id = ConnectionNames::default().read(&heard[1]).unwrap_or_else(|| panic!("no name in {heard:?}"));
        client
    }

    fn send(&mut self, client: &Client, text: &str) {
        self.world.send(client.pipe, &masked(Opcode::Text, text.as_bytes()));
        self.settle();
    }

    /// What a client received, one line each.
    fn hear(&mut self, client: &mut Client) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let bytes = self.world.receive(client.pipe, usize::MAX);
            if bytes.is_empty() {
                return heard;
            }
            client.ear.feed(bytes);
            while let Some(received) = client.ear.next() {
                heard.push(match received {
                    Received::Http { status, body, .. } => format!("{status} {body}").trim_end().to_owned(),
                    Received::Text(text) => text,
                    Received::Close { code, .. } => format!("close {code:?}"),
                    Received::Binary(_) | Received::Ping(_) | Received::Pong(_) => panic!("{received:?}"),
                });
            }
            self.settle();
        }
    }

    fn manage(&mut self, dialect: u8, connection: ConnectionId, what: Manage) -> Managed {
        self.tokens += 1;
        let token = self.tokens;
        let shard = usize::from(connection.0.to_be_bytes()[0]) % 2;
        self.world.poll(0, shard, Input::Manage(Box::new(ManageCall { token, dialect, connection, what })));
        self.settle();
        self.world.managed.remove(&token).expect("a shard answers in the same turn")
    }

    fn say(&mut self, client: &Client, text: &str) -> Managed {
        self.manage(LINE, client.id, Manage::Say(text.into()))
    }

    /// The events that the URL was told since, as JSON; each with its place and token.
    fn told(&mut self) -> Vec<(usize, u64, serde_json::Value)> {
        let told = std::mem::take(&mut self.world.integrations);
        let json = |event: Vec<u8>| serde_json::from_slice(&event).expect("events are JSON");
        told.into_iter().map(|(shard, event)| (shard, event.token, json(event.event))).collect()
    }

    /// What the URL answered.
    fn answer(&mut self, (shard, token, _): &(usize, u64, serde_json::Value), outcome: Outcome) {
        self.world.poll(0, *shard, Input::Integrated(*token, outcome));
        self.settle();
    }
}

fn answered(status: u16, body: &str) -> Outcome {
    Ok(Response { status, body: body.into() })
}

#[test]
fn back_ends_speak_to_connections_in_order_with_everything_else() {
    let mut stage = Stage::new(1 << 20);
    let mut client = stage.open();
    let log = stage.world.log_head();
    stage.send(&client, "echo 1");
    assert_eq!(stage.say(&client, "from behind"), Managed::Said);
    stage.send(&client, "echo 2");
    assert_eq!(stage.say(&client, ""), Managed::Said);
    assert_eq!(stage.say(&client, "grüße 🚀"), Managed::Said);
    assert_eq!(stage.hear(&mut client), ["echo 1", "from behind", "echo 2", "", "grüße 🚀"]);
    assert_eq!(stage.world.log_head(), log, "nothing of it is in the log");
}

#[test]
fn they_look_at_connections() {
    let mut stage = Stage::new(1 << 20);
    let began = stage.world.now;
    let client = stage.open();
    stage.wait(5_000);
    stage.send(&client, "echo");
    let Managed::Seen(seen) = stage.manage(LINE, client.id, Manage::Look) else { panic!("it is there") };
    assert!(seen.connected_at.0.abs_diff(began.0) < 100, "{seen:?}");
    assert!(seen.active_at.0.abs_diff(began.0 + 5_000) < 100, "{seen:?}");
    assert_eq!(seen.caller.agent.as_deref(), Some("a test"));
    assert_eq!(seen.caller.source.map(|source| source.to_string()).as_deref(), Some("203.0.113.7"));
}

#[test]
fn they_close_connections() {
    let mut stage = Stage::new(1 << 20);
    let mut client = stage.open();
    assert_eq!(stage.say(&client, "last"), Managed::Said);
    assert_eq!(stage.manage(LINE, client.id, Manage::Close), Managed::Closed);
    assert_eq!(stage.hear(&mut client), ["last", "close Some(1000)"]);
    for what in [Manage::Say("x".into()), Manage::Look, Manage::Close] {
        assert_eq!(stage.manage(LINE, client.id, what), Managed::Gone, "while it closes");
    }
    stage.world.cut(client.pipe);
    stage.settle();
    assert_eq!(stage.say(&client, "x"), Managed::Gone);
    let next = stage.open();
    assert_ne!(next.id, client.id, "the same place, another connection");
    assert_eq!(stage.say(&client, "x"), Managed::Gone, "whose place another has taken");
    let code = stage.told()[0].2["requestContext"]["disconnectStatusCode"].clone();
    assert_eq!(code, 1000, "the URL hears that we closed it");
}

#[test]
fn nobody_else_is_reached() {
    let mut stage = Stage::new(1 << 20);
    let client = stage.open();
    assert_eq!(stage.manage(0, client.id, Manage::Look), Managed::Gone, "it is another door's");
    let mut waiting = stage.connect("?ask");
    waiting.id = ConnectionId(client.id.0 + 1);
    assert_eq!(stage.say(&waiting, "x"), Managed::Gone, "it is not open yet");
    let event = stage.told().remove(0);
    stage.answer(&event, answered(200, ""));
    assert_eq!(stage.say(&waiting, "x"), Managed::Said);
    for id in [0, u64::MAX, 1 << 56, client.id.0 ^ 1 << 32] {
        assert_eq!(stage.manage(LINE, ConnectionId(id), Manage::Look), Managed::Gone, "{id:#x}");
    }
}

#[test]
fn who_takes_in_too_slowly_is_said_no_more() {
    let mut stage = Stage::new(4096);
    let mut client = stage.open();
    let text = "x".repeat(10_000);
    let mut said = 0;
    while stage.say(&client, &text) == Managed::Said {
        said += 1;
        assert!(said < 100, "nothing bounds it");
    }
    let held = stage.world.held_bytes(0);
    assert!(said >= 7 && held <= (limits::OUTBOX_BYTES_MAX + 2 * text.len() + 4096) as u64, "{said}, {held}");
    assert_eq!(stage.say(&client, "x"), Managed::Full, "however short it is");
    let heard = stage.hear(&mut client);
    assert_eq!((heard.len(), heard.iter().all(|one| *one == text)), (said, true), "what was taken is said whole");
    assert_eq!(stage.say(&client, "again"), Managed::Said);
    assert_eq!(stage.hear(&mut client), ["again"]);
    assert_eq!(stage.world.held_bytes(0), 0);
}

#[test]
fn the_longest_message_fits() {
    let mut stage = Stage::new(1 << 20);
    let mut client = stage.open();
    let text = "y".repeat(dialects::connections::POST_BYTES_MAX);
    assert_eq!(stage.say(&client, &text), Managed::Said);
    assert_eq!(stage.hear(&mut client), [text]);
}

#[test]
fn the_url_decides_who_connects() {
    for (outcome, expected) in [
        (answered(200, ""), "101"),
        (answered(200, r#"{"statusCode":403}"#), r#"403 {"message":"Forbidden"}"#),
        (answered(401, ""), r#"401 {"message":"Unauthorized"}"#),
        (Err(NoResponse::Failed), r#"502 {"message":"Bad Gateway"}"#),
        (Err(NoResponse::TimedOut), r#"500 {"message":"Internal server error"}"#),
    ] {
        let mut stage = Stage::new(1 << 20);
        let mut client = stage.connect("?ask&a=b");
        // What is sent meanwhile waits.
        stage.send(&client, "echo early");
        // Longer than a head may take; the adapter gives up before the shard does.
        stage.wait(15_000);
        assert_eq!(stage.hear(&mut client), [""; 0], "nothing before the answer");
        let event = stage.told().remove(0);
        assert_eq!(event.2["queryStringParameters"]["a"], "b");
        assert_eq!(event.2["requestContext"]["identity"]["sourceIp"], "203.0.113.7");
        stage.answer(&event, outcome);
        let heard = stage.hear(&mut client);
        assert_eq!(heard[0], expected);
        if heard[0] == "101" {
            assert_eq!(heard[2], "echo early");
        } else {
            stage.world.cut(client.pipe);
            stage.settle();
            assert_eq!(stage.told().len(), 0, "who was not let in says no goodbye");
        }
    }
}

#[test]
fn a_url_that_never_answers_keeps_nobody_for_ever() {
    let mut stage = Stage::new(1 << 20);
    let client = stage.connect("?ask");
    let event = stage.told().remove(0);
    stage.wait(23_000);
    assert!(stage.world.pipes[client.pipe].server_closed);
    stage.answer(&event, answered(200, ""));
    assert_eq!(stage.world.held_bytes(0), 0, "too late, and nobody's any more");
    assert_eq!(stage.told().len(), 0, "who was never let in says no goodbye");
}

#[test]
fn messages_are_told_in_order_and_answered() {
    let mut stage = Stage::new(1 << 20);
    let mut client = stage.open();
    for text in ["a", "b", "c", "d"] {
        stage.send(&client, text);
    }
    let told = stage.told();
    let bodies: Vec<&str> = told.iter().filter_map(|(_, _, event)| event["body"].as_str()).collect();
    assert_eq!(bodies, ["a", "b", "c", "d"]);
    assert!(told.iter().all(|(_, _, event)| event["requestContext"]["routeKey"] == "x"));
    for (event, outcome) in told.iter().zip([
        answered(200, "yes"),
        Err(NoResponse::Failed),
        answered(200, r#"{"statusCode":200}"#),
        Err(NoResponse::TimedOut),
    ]) {
        stage.answer(event, outcome);
    }
    assert_eq!(stage.hear(&mut client), ["1 yes", "2 Failed", "3 -", "4 TimedOut"]);
    stage.answer(&told[0], answered(200, "twice"));
    assert_eq!(stage.hear(&mut client), [""; 0], "an outcome counts once");
}

#[test]
fn a_connection_with_much_under_way_is_not_read() {
    let mut stage = Stage::new(1 << 20);
    let mut client = stage.open();
    for number in 0..20 {
        stage.send(&client, &number.to_string());
    }
    let mut told = stage.told();
    assert_eq!(told.len(), 8);
    // It is spoken to all the same.
    assert_eq!(stage.say(&client, "meanwhile"), Managed::Said);
    assert_eq!(stage.hear(&mut client), ["meanwhile"]);
    let mut answers = 0;
    while !told.is_empty() {
        let event = told.remove(0);
        stage.answer(&event, answered(200, ""));
        answers += 1;
        told.extend(stage.told());
        assert!(told.len() <= 8);
    }
    assert_eq!(answers, 20);
    assert_eq!(stage.hear(&mut client).len(), 20);
}

#[test]
fn a_url_that_hangs_costs_a_bounded_memory() {
    let mut stage = Stage::new(1 << 20);
    let text = "z".repeat(500_000);
    let mut clients: Vec<Client> = (0..6).map(|_| stage.open()).collect();
    for client in &clients {
        for _ in 0..7 {
            stage.send(client, &text);
        }
    }
    let told = stage.told();
    let bytes: usize = told.iter().filter_map(|(_, _, event)| event["body"].as_str()).map(str::len).sum();
    assert!(bytes <= 16 << 20 && bytes > 15 << 20, "{bytes}");
    let busy: usize = clients.iter_mut().map(|client| stage.hear(client).len()).sum();
    assert_eq!(told.len() + busy, 42, "the others hear at once that it is busy");
    for event in &told {
        stage.answer(event, answered(200, ""));
    }
    stage.send(&clients[0], "small");
    assert_eq!(stage.told().len(), 1, "there is room again");
}

#[test]
fn the_url_hears_how_connections_went() {
    for (close, expected) in [(Some(Some(1001u16)), 1001), (Some(None), 1005), (None, 1006)] {
        let mut stage = Stage::new(1 << 20);
        let client = stage.open();
        stage.send(&client, "before");
        if let Some(code) = close {
            let payload = code.map(|code| code.to_be_bytes().to_vec()).unwrap_or_default();
            stage.world.send(client.pipe, &masked(Opcode::Close, &payload));
            stage.settle();
        }
        stage.world.cut(client.pipe);
        stage.settle();
        let told = stage.told();
        assert_eq!(told.len(), 2, "in order, whether or not the first is answered");
        let context = &told[1].2["requestContext"];
        assert_eq!(context["routeKey"], "$disconnect");
        assert_eq!(context["disconnectStatusCode"], expected);
        assert_eq!(context["connectionId"].as_str(), Some(ConnectionNames::default().name(client.id).as_str()));
        stage.answer(&told[0], answered(200, ""));
        stage.answer(&told[1], Err(NoResponse::Failed));
    }
}
