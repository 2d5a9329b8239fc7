//! A client of a transcript: its connection, and what it has got.

use std::collections::VecDeque;

use server::frame::Opcode;

use super::super::record::Record;
use crate::world::World;
use crate::world::wire::{self, Ear, Received};

/// A connection, as its client sees it.
pub(super) struct Client {
    pub(super) pipe: usize,
    pub(super) ear: Ear,
    pub(super) got: VecDeque<Got>,
    /// It was refused, or closed by either side.
    pub(super) ended: bool,
}

/// What a client got; pings are answered and not shown.
#[derive(Debug)]
pub(super) enum Got {
    Http {
        status: u16,
        head: String,
        body: String,
    },
    Text(String),
    Close(Option<u16>, String),
    /// Something that no transcript expects.
    Other(String),
}

impl Client {
    /// Takes in what came; true when something was answered.
    pub(super) fn listen(&mut self, who: &str, world: &mut World, record: &mut Record) -> bool {
        let bytes = world.receive(self.pipe, usize::MAX);
        let mut answered = !bytes.is_empty();
        self.ear.feed(bytes);
        while let Some(received) = self.ear.next() {
            let got = match received {
                Received::Http { status, head, body } => {
                    self.ended = status != 101;
                    record.refused(who, status, &body);
                    Got::Http { status, head, body }
                }
                Received::Text(text) => {
                    record.hears(who, &text);
                    Got::Text(text)
                }
                Received::Ping(payload) => {
                    world.send(self.pipe, &wire::masked(Opcode::Pong, &payload));
                    answered = true;
                    continue;
                }
                Received::Close { code, reason } => {
                    if !self.ended {
                        let echo = code.map(u16::to_be_bytes).unwrap_or_default();
                        world.send(self.pipe, &wire::masked(Opcode::Close, &echo));
                    }
                    (self.ended, answered) = (true, true);
                    record.ends(who);
                    Got::Close(code, reason)
                }
                Received::Binary(bytes) => Got::Other(format!("{} bytes in binary", bytes.len())),
                Received::Pong(_) => Got::Other("a pong that nobody asked for".into()),
            };
            self.got.push_back(got);
        }
        if world.pipes[self.pipe].server_closed && !self.ended {
            self.ended = true;
            record.ends(who);
            self.got.push_back(Got::Other("the end of the connection, without a goodbye".into()));
        }
        answered
    }
}

pub(super) fn shown(got: &Got) -> String {
    match got {
        Got::Http { status, body, .. } => format!("an answer to the upgrade, {status} {body}"),
        Got::Text(text) => text.clone(),
        Got::Close(code, reason) => format!("close {} {reason}", code.unwrap_or_default()),
        Got::Other(what) => what.clone(),
    }
}
