//! Takeovers under traffic: whatever the moments, nothing is lost, said twice or out of order.
//!
//! The clients do as stock clients do: they post what they have to say while they poll, probe with a socket, and when that
//! is answered they say nothing more by requests; once their last poll and post are answered they take the socket. Some
//! sockets break off before that, and their clients try again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use server::frame::Opcode;

use super::stage::Stage;
use crate::world::Chaos;
use crate::world::wire::{Ear, Received, masked};

const SEEDS: u64 = 100;
const CLIENTS: usize = 10;
const MESSAGES: u32 = 60;
/// Per mille: every so many probes break off.
const BROKEN_OFF: u64 = 150;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Polling,
    Probing,
    Pausing,
    Socket,
}

struct Client {
    sid: String,
    transport: Transport,
    pipe: usize,
    ear: Ear,
    get: Option<u64>,
    post: Option<u64>,
    /// Packets as they are in a body.
    queue: Vec<String>,
    said: u32,
    heard: Vec<u32>,
    breaks_off: bool,
}

impl Client {
    fn new(sid: String) -> Self {
        Self {
            sid,
            transport: Transport::Polling,
            pipe: 0,
            ear: Ear::default(),
            get: None,
            post: None,
            queue: Vec::new(),
            said: 0,
            heard: Vec::new(),
            breaks_off: false,
        }
    }

    /// Every other message is binary.
    fn say(&mut self) {
        self.queue.push(match self.said % 2 {
            0 => format!("4{}", self.said),
            _ => format!("b{}", STANDARD.encode(self.said.to_be_bytes())),
        });
        self.said += 1;
    }

    fn hear(&mut self, packet: &str) {
        match packet.split_at(1) {
            ("4", number) => self.heard.push(number.parse().expect("a number")),
            ("b", data) => self.hear_binary(&STANDARD.decode(data).expect("base64")),
            ("2", "") => self.queue.push("3".to_owned()),
            ("6", "") => {}
            _ => panic!("the server says {packet:?}"),
        }
    }

    fn hear_binary(&mut self, data: &[u8]) {
        self.heard.push(u32::from_be_bytes(data.try_into().expect("four bytes")));
    }

    fn turn(&mut self, stage: &mut Stage) {
        if self.said < MESSAGES && stage.world.dice.chance(300) {
            self.say();
        }
        if let Some(answer) = self.get.and_then(|token| stage.world.answers.remove(&token)) {
            self.get = None;
            let body = String::from_utf8(answer.body).expect("a text");
            assert_eq!(answer.status, 200, "{body}");
            body.split('\x1e').for_each(|packet| self.hear(packet));
        }
        if let Some(answer) = self.post.and_then(|token| stage.world.answers.remove(&token)) {
            assert_eq!((answer.status, answer.body.as_slice()), (200, &b"ok"[..]));
            self.post = None;
        }
        if self.transport != Transport::Polling {
            self.hear_socket(stage);
        }
        match self.transport {
            Transport::Polling | Transport::Probing => self.poll(stage),
            Transport::Pausing if self.get.is_none() && self.post.is_none() => {
                stage.world.send(self.pipe, &masked(Opcode::Text, b"5"));
                self.transport = Transport::Socket;
            }
            Transport::Pausing => {}
            Transport::Socket => {
                for packet in std::mem::take(&mut self.queue) {
                    let frame = match packet.strip_prefix('b') {
                        Some(data) => masked(Opcode::Binary, &STANDARD.decode(data).expect("base64")),
                        None => masked(Opcode::Text, packet.as_bytes()),
                    };
                    stage.world.send(self.pipe, &frame);
                }
            }
        }
    }

    fn poll(&mut self, stage: &mut Stage) {
        let query = format!("EIO=4&transport=polling&sid={}", self.sid);
        if self.post.is_none() && !self.queue.is_empty() {
            let body = std::mem::take(&mut self.queue).join("\x1e");
            self.post = Some(stage.request("POST", &query, "text/plain;charset=UTF-8", body.into_bytes()));
        }
        if self.get.is_none() {
            self.get = Some(stage.request("GET", &query, "", Vec::new()));
        }
        if self.transport == Transport::Polling && stage.world.dice.chance(50) {
            let socket = format!("EIO=4&transport=websocket&sid={}", self.sid);
            (self.pipe, self.ear) = (stage.socket(&socket), Ear::default());
            self.transport = Transport::Probing;
            self.breaks_off = stage.world.dice.chance(BROKEN_OFF);
        }
    }

    fn hear_socket(&mut self, stage: &mut Stage) {
        self.ear.feed(stage.world.receive(self.pipe, usize::MAX));
        while let Some(received) = self.ear.next() {
            match (self.transport, received) {
                (Transport::Probing, Received::Http { status: 101, .. }) => {
                    stage.world.send(self.pipe, &masked(Opcode::Text, b"2probe"));
                }
                (Transport::Probing, Received::Text(text)) if text == "3probe" && self.breaks_off => {
                    stage.world.cut(self.pipe);
                    self.transport = Transport::Polling;
                    return;
                }
                (Transport::Probing, Received::Text(text)) if text == "3probe" => self.transport = Transport::Pausing,
                (Transport::Socket, Received::Text(text)) => self.hear(&text),
                (Transport::Socket, Received::Binary(data)) => self.hear_binary(&data),
                // The one before is still known when this one comes.
                (Transport::Probing, Received::Close { .. }) => self.transport = Transport::Polling,
                (transport, received) => panic!("{transport:?}: the server says {received:?}"),
            }
        }
    }
}

#[test]
fn a_thousand_takeovers_under_traffic_lose_double_and_swap_nothing() {
    for seed in 0..SEEDS {
        let chaos = Chaos { wire_ms: 15, hop_ms: 2, ..Chaos::none() };
        let mut stage = Stage::new("/engine.io/", seed, chaos);
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            let token = stage.request("GET", "EIO=4&transport=polling", "", Vec::new());
            stage.world.run_until(stage.world.now.plus(20));
            let answer = stage.world.answers.remove(&token).expect("a handshake is answered");
            let body = String::from_utf8(answer.body).expect("a text");
            let sid = body.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a session");
            clients.push(Client::new(sid.to_owned()));
        }
        let began = stage.world.now;
        while clients.iter().any(|client| client.heard.len() < 60 || client.transport != Transport::Socket) {
            for client in &mut clients {
                client.turn(&mut stage);
            }
            let ms = stage.world.dice.below(12);
            stage.world.run_until(stage.world.now.plus(ms));
            let slow = stage.world.now.since(began) > 20_000;
            assert!(
                !slow,
                "seed {seed}: {:?}",
                clients.iter().map(|c| (c.transport, c.heard.len())).collect::<Vec<_>>()
            );
        }
        stage.world.run_until(stage.world.now.plus(100));
        for client in &mut clients {
            client.turn(&mut stage);
            assert!(client.heard.iter().copied().eq(0..MESSAGES), "seed {seed}: {:?}", client.heard);
        }
    }
}
