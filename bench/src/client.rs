//! A plain client: one blocking socket, the handshake, frames out and in.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};
use server::frame::{self, Opcode};

/// What a client receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Received {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
}

/// Frames taken apart from what was read; a server's frames are whole and unmasked.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    bytes: Vec<u8>,
    at: usize,
}

impl Ear {
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.at > 0 && self.at == self.bytes.len() {
            self.bytes.clear();
            self.at = 0;
        } else if self.at > 1 << 16 {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame: its opcode and payload.
    pub(crate) fn frame(&mut self) -> Option<(u8, &[u8])> {
        let bytes = &self.bytes[self.at..];
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        let (start, length) = match second & 0x7f {
            126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
            127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
            short => (2, usize::from(short)),
        };
        bytes.get(start..start + length)?;
        let from = self.at + start;
        self.at = from + length;
        Some((first & 0x0f, &self.bytes[from..from + length]))
    }

    /// The answer to a handshake, up to its empty line.
    pub(crate) fn head(&mut self) -> Option<String> {
        let end = self.bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&self.bytes[..end]).into_owned();
        self.at = end;
        Some(head)
    }

    fn next(&mut self) -> Option<Received> {
        let (opcode, payload) = self.frame()?;
        Some(match opcode {
            1 => Received::Text(String::from_utf8_lossy(payload).into_owned()),
            8 => Received::Close(payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]))),
            9 => Received::Ping(payload.to_vec()),
            10 => Received::Pong,
            _ => Received::Binary(payload.to_vec()),
        })
    }
}

/// The request that opens a socket.
pub(crate) fn upgrade(target: &str) -> Vec<u8> {
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes()
}

/// A text frame as a client sends it.
pub(crate) fn text_frame(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 14);
    frame::encode_masked_into(&mut out, true, Opcode::Text, text.as_bytes(), [0x1f, 0x2e, 0x3d, 0x4c]);
    out
}

/// A client.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    ear: Ear,
}

impl Client {
    /// Opens a socket; the error of a refusal is its status line and body.
    pub(crate) fn open(address: SocketAddr, target: &str) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(&upgrade(target))?;
        let mut head = Vec::new();
        let mut buffer = [0; 16 * 1024];
        let end = loop {
            let count = stream.read(&mut buffer)?;
            if count == 0 {
                bail!("closed before an answer");
            }
            head.extend_from_slice(&buffer[..count]);
            if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        if !head.starts_with(b"HTTP/1.1 101") {
            bail!("{}", String::from_utf8_lossy(&head));
        }
        let mut ear = Ear::default();
        ear.feed(&head[end..]);
        Ok(Self { stream, ear })
    }

    pub(crate) fn send(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.stream.write_all(&text_frame(text))?)
    }

    /// The next frame, within `wait`; none when nothing came.
    pub(crate) fn receive(&mut self, wait: Duration) -> anyhow::Result<Option<Received>> {
        let mut buffer = [0; 64 * 1024];
        loop {
            if let Some(received) = self.ear.next() {
                if let Received::Ping(payload) = &received {
                    let mut pong = Vec::new();
                    frame::encode_masked_into(&mut pong, true, Opcode::Pong, payload, [1, 2, 3, 4]);
                    self.stream.write_all(&pong)?;
                    continue;
                }
                return Ok(Some(received));
            }
            self.stream.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?;
            match self.stream.read(&mut buffer) {
                Ok(0) => bail!("closed"),
                Ok(count) => self.ear.feed(&buffer[..count]),
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The next text frame as JSON, within `wait`.
    pub(crate) fn json(&mut self, wait: Duration) -> anyhow::Result<Option<serde_json::Value>> {
        match self.receive(wait)? {
            Some(Received::Text(text)) => {
                Ok(Some(serde_json::from_str(&text).with_context(|| format!("not JSON: {text}"))?))
            }
            Some(other) => bail!("{other:?} instead of a text"),
            None => Ok(None),
        }
    }
}
