//! Many connections on one thread: joined, counting what they are told, and checking that nothing is missing or swapped.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use server::frame::{self, Opcode};

use crate::client::{Ear, text_frame, upgrade};
use crate::process::now;

/// Whose server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Ours, by the rooms door.
    Rooms,
    /// Ours, by the socketio door, WebSocket only.
    Events,
    /// Node's `ws`, broadcasting.
    Ws,
    /// Node's socket.io, WebSocket only.
    SocketIo,
}

impl Peer {
    fn target(self, room: &str, n: usize) -> String {
        match self {
            Self::Rooms => format!("/ws/rooms/{room}?token=user{n}"),
            Self::Ws => "/".to_owned(),
            Self::Events | Self::SocketIo => "/socket.io/?EIO=4&transport=websocket".to_owned(),
        }
    }

    /// Whether it is Engine.IO's handshake that is spoken.
    fn has_engine(self) -> bool {
        match self {
            Self::Events | Self::SocketIo => true,
            Self::Rooms | Self::Ws => false,
        }
    }

    /// What is said in answer to a step of the handshakes; none when it is done.
    fn go_on(self, heard: &[u8], room: &str, n: usize) -> Option<Vec<u8>> {
        let said = match heard {
            [b'0', ..] => "40".to_owned(),
            _ if heard.starts_with(b"40") && self == Self::Events => {
                format!("42[\"authenticate\",{{\"userId\":\"user{n}\"}}]")
            }
            _ if heard.starts_with(b"42[\"authenticated\"") => format!("42[\"join_room\",{{\"roomId\":\"{room}\"}}]"),
            _ => return None,
        };
        Some(text_frame(&said))
    }

    fn message(self, room: &str, text: &str) -> Vec<u8> {
        match self {
            Self::Rooms => text_frame(&format!("{{\"text\":\"{text}\"}}")),
            Self::Ws => text_frame(text),
            Self::Events => {
                text_frame(&format!("42[\"send_message\",{{\"room_id\":\"{room}\",\"content\":\"{text}\"}}]"))
            }
            Self::SocketIo => text_frame(&format!("42[\"message\",\"{text}\"]")),
        }
    }
}

/// One connection.
struct Member {
    stream: TcpStream,
    ear: Ear,
    upgraded: bool,
    /// Socket.IO's second handshake is done; at once on the others.
    joined: bool,
    /// The number of the last message.
    last: Option<u64>,
}

/// The connections.
pub(crate) struct Swarm {
    peer: Peer,
    room: String,
    poll: Poll,
    members: Vec<Member>,
    buffer: Vec<u8>,
    joined: usize,
    /// Messages received, by all.
    pub(crate) received: u64,
    /// Messages missing, doubled or swapped, by all.
    pub(crate) wrong: u64,
}

/// Connections that are opened at once.
const OPENING: usize = 256;

impl Swarm {
    /// Opens `count` connections to a room and waits until all are in.
    pub(crate) fn join(peer: Peer, address: SocketAddr, room: &str, count: usize) -> anyhow::Result<Self> {
        let mut swarm = Self {
            peer,
            room: room.to_owned(),
            poll: Poll::new()?,
            members: Vec::with_capacity(count),
            buffer: vec![0; 256 * 1024],
            joined: 0,
            received: 0,
            wrong: 0,
        };
        let begun = now();
        while swarm.joined < count {
            while swarm.members.len() < count && swarm.members.len() - swarm.joined < OPENING {
                swarm.open(address, room)?;
            }
            swarm.turn(Duration::from_millis(20))?;
            ensure!(begun.elapsed() < Duration::from_secs(120), "{} of {count} joined in 120 s", swarm.joined);
        }
        Ok(swarm)
    }

    fn open(&mut self, address: SocketAddr, room: &str) -> anyhow::Result<()> {
        let n = self.members.len();
        let std = std::net::TcpStream::connect(address).context("connecting")?;
        std.set_nodelay(true)?;
        std.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(std);
        self.poll.registry().register(&mut stream, Token(n), Interest::READABLE)?;
        stream.write_all(&upgrade(&self.peer.target(room, n)))?;
        self.members.push(Member { stream, ear: Ear::default(), upgraded: false, joined: false, last: None });
        Ok(())
    }

    /// Sends a message from a connection.
    pub(crate) fn send(&mut self, from: usize, text: &str) -> anyhow::Result<()> {
        let mut bytes = &self.peer.message(&self.room, text)[..];
        while !bytes.is_empty() {
            match self.members[from].stream.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The number of the last message that a connection was told.
    pub(crate) fn last(&self, member: usize) -> Option<u64> {
        self.members[member].last
    }

    /// Takes what comes within `wait`.
    pub(crate) fn turn(&mut self, wait: Duration) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(1024);
        match self.poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in &events {
            self.read(event.token().0)?;
        }
        Ok(())
    }

    fn read(&mut self, n: usize) -> anyhow::Result<()> {
        loop {
            match self.members[n].stream.read(&mut self.buffer) {
                Ok(0) => bail!("connection {n} was closed"),
                Ok(count) => {
                    self.members[n].ear.feed(&self.buffer[..count]);
                    self.take(n)?;
                    if count < self.buffer.len() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn take(&mut self, n: usize) -> anyhow::Result<()> {
        let member = &mut self.members[n];
        if !member.upgraded {
            let Some(head) = member.ear.head() else { return Ok(()) };
            ensure!(head.starts_with("HTTP/1.1 101"), "connection {n}: {head}");
            member.upgraded = true;
            if !self.peer.has_engine() {
                member.joined = true;
                self.joined += 1;
            }
        }
        while let Some((opcode, payload)) = member.ear.frame() {
            let mut out = Vec::new();
            match (opcode, payload.first()) {
                (9, _) => frame::encode_masked_into(&mut out, true, Opcode::Pong, payload, [1, 2, 3, 4]),
                (8, _) => bail!("connection {n} was closed by the server"),
                (1, Some(b'2')) if self.peer.has_engine() && payload.len() == 1 => out = text_frame("3"),
                (1, Some(_)) if self.peer.has_engine() && !member.joined => {
                    if let Some(said) = self.peer.go_on(payload, &self.room, n) {
                        out = said;
                    } else if payload.starts_with(b"40") || payload.starts_with(b"42[\"room_joined\"") {
                        member.joined = true;
                        self.joined += 1;
                    }
                }
                (1, _) => {
                    if let Some(number) = number_in(payload) {
                        self.received += 1;
                        self.wrong += u64::from(member.last.is_some_and(|last| number != last + 1));
                        member.last = Some(number);
                    }
                }
                _ => {}
            }
            if !out.is_empty() {
                member.stream.write_all(&out)?;
            }
        }
        Ok(())
    }
}

/// A message's text: its number, and padding to 200 bytes.
pub(crate) fn numbered(number: u64) -> String {
    format!("#{number:010}#{}", "x".repeat(188))
}

fn number_in(payload: &[u8]) -> Option<u64> {
    let start = payload.iter().position(|byte| *byte == b'#')? + 1;
    std::str::from_utf8(payload.get(start..start + 10)?).ok()?.parse().ok()
}
