//! Clients that are told of all that is their user's: `gateway` and `direct`. They go and come back on whatever server and
//! shard, and remember connection by connection what they were told.

mod check;
mod hears;
mod says;

use std::collections::{BTreeMap, BTreeSet};

use domain::id::Millis;
use server::frame::Opcode;

pub(crate) use self::check::check;
use crate::world::World;
use crate::world::wire::{self, Ear, Received};

/// Which wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Gateway,
    Direct,
}

/// To whom something was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum To {
    One(String),
    Group(String),
}

/// What a follower was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Message {
        id: String,
        text: String,
        sender: String,
    },
    Edited {
        id: String,
        text: String,
    },
    Deleted {
        id: String,
    },
    /// A group's change, as its maker's frame.
    Notice(String),
    Status {
        id: String,
        status: String,
        reader: Option<String>,
    },
}

/// One connection's story.
#[derive(Debug)]
pub(crate) struct Stay {
    /// When it asked to be let in.
    pub(crate) began: Millis,
    pub(crate) told: Vec<(Millis, Item)>,
    /// It was still open and reading when the run ended.
    pub(crate) to_the_end: bool,
}

/// Something that it sent.
#[derive(Debug)]
pub(crate) struct Sending {
    frame: String,
    pub(crate) to: To,
    pub(crate) acked: bool,
}

/// A client.
pub(crate) struct Follower {
    /// Its own, for its messages: a user may have several clients.
    pub(crate) name: String,
    pub(crate) wire: Wire,
    pub(crate) user: String,
    /// What the server says is its user's number.
    pub(crate) number: Option<u32>,
    pub(crate) pipe: Option<usize>,
    ear: Ear,
    began: Millis,
    open: bool,
    count: u64,
    pub(crate) stays: Vec<Stay>,
    /// By their ids.
    pub(crate) sent: BTreeMap<String, Sending>,
    /// Messages that it said it has read.
    pub(crate) marked: BTreeSet<String>,
    /// It reads nothing until then.
    pub(crate) stalled_until: Millis,
}

impl Follower {
    pub(crate) fn new(name: String, wire: Wire, user: String) -> Self {
        Self {
            name,
            wire,
            user,
            number: None,
            pipe: None,
            ear: Ear::default(),
            began: Millis(0),
            open: false,
            count: 0,
            stays: Vec::new(),
            sent: BTreeMap::new(),
            marked: BTreeSet::new(),
            stalled_until: Millis(0),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    pub(crate) fn connect(&mut self, world: &mut World, server: usize, shard: usize) {
        let pipe = world.connect(server, shard);
        let user = &self.user;
        let target = match (self.wire, self.number) {
            (Wire::Gateway, _) => format!("/production?userId={user}"),
            // Its users have integers for ids, which open the socket before the number is known.
            (Wire::Direct, None) => format!("/ws/{user}?token={user}"),
            (Wire::Direct, Some(number)) => format!("/ws/{number}?token={user}"),
        };
        world.send(pipe, &wire::upgrade(&target, &[]));
        (self.pipe, self.ear, self.open, self.began) = (Some(pipe), Ear::default(), false, world.now);
    }

    /// Closes without a word.
    pub(crate) fn cut(&mut self, world: &mut World) {
        if let Some(pipe) = self.pipe.take() {
            world.cut(pipe);
        }
        self.open = false;
    }

    /// Reads up to `most` bytes and takes in what they say.
    pub(crate) fn listen(&mut self, world: &mut World, most: usize) {
        let Some(pipe) = self.pipe else { return };
        let bytes = world.receive(pipe, most);
        self.ear.feed(bytes);
        while let Some(received) = self.ear.next() {
            self.take(world, pipe, received);
        }
        let ended = &world.pipes[pipe];
        if ended.server_closed && ended.to_client.is_empty() {
            (self.pipe, self.open) = (None, false);
        }
    }

    fn take(&mut self, world: &mut World, pipe: usize, received: Received) {
        match received {
            Received::Http { status: 101, .. } => {
                self.open = true;
                self.stays.push(Stay { began: self.began, told: Vec::new(), to_the_end: false });
            }
            // It comes back.
            Received::Http { status, body, .. } => {
                assert!(status >= 500, "{} may come, and was answered {status} {body}", self.user);
            }
            Received::Ping(payload) => world.send(pipe, &wire::masked(Opcode::Pong, &payload)),
            Received::Pong(_) => {}
            Received::Binary(_) => panic!("these wires say nothing in binary"),
            Received::Close { code, .. } => {
                let code = code.unwrap_or(1000).to_be_bytes();
                world.send(pipe, &wire::masked(Opcode::Close, &code));
                self.open = false;
            }
            Received::Text(text) => {
                if world.story {
                    println!("{} {} {pipe} {:?} < {text}", world.now, self.user, self.wire);
                }
                self.hears(world.now, &text);
            }
        }
    }

    fn say(&self, world: &mut World, text: &str) {
        if let Some(pipe) = self.pipe.filter(|_| self.open) {
            if world.story {
                println!("{} {} {pipe} {:?} > {text}", world.now, self.user, self.wire);
            }
            world.send(pipe, &wire::masked(Opcode::Text, text.as_bytes()));
        }
    }
}
