//! A client's side of the wire: the handshake, masked frames out, unmasked frames in.

use server::frame::{self, Opcode};

/// What a client receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Received {
    /// The answer to the handshake: the status, the whole head, and the body of a refusal.
    Http {
        status: u16,
        head: String,
        body: String,
    },
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close {
        code: Option<u16>,
        reason: String,
    },
}

/// The request that opens a socket.
pub(crate) fn upgrade(target: &str, headers: &[(String, String)]) -> Vec<u8> {
    let mut out = format!(
        "GET {target} HTTP/1.1\r\nHost: localhost:8000\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    );
    for (name, value) in headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    out.push_str("\r\n");
    out.into_bytes()
}

/// A frame as a client sends it.
pub(crate) fn masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::encode_masked_into(&mut out, true, opcode, payload, [0x5a, 0x17, 0xc3, 0x88]);
    out
}

/// Reads what a server says.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    bytes: Vec<u8>,
    upgraded: bool,
}

impl Ear {
    pub(crate) fn feed(&mut self, bytes: impl IntoIterator<Item = u8>) {
        self.bytes.extend(bytes);
    }

    /// The next thing received, if it is whole.
    pub(crate) fn next(&mut self) -> Option<Received> {
        if self.upgraded { self.next_frame() } else { self.next_http() }
    }

    fn next_http(&mut self) -> Option<Received> {
        let end = self.bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&self.bytes[..end]).into_owned();
        let status: u16 = head.split(' ').nth(1)?.parse().ok()?;
        self.upgraded = status == 101;
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(|n| n.trim().to_owned()))
            .and_then(|n| n.parse::<usize>().ok())
            .unwrap_or(0);
        if self.bytes.len() < end + length {
            return None;
        }
        let body = String::from_utf8_lossy(&self.bytes[end..end + length]).into_owned();
        self.bytes.drain(..end + length);
        Some(Received::Http { status, head, body })
    }

    fn next_frame(&mut self) -> Option<Received> {
        let (first, second) = (*self.bytes.first()?, *self.bytes.get(1)?);
        let (start, length) = match second & 0x7f {
            126 => (4, u64::from(u16::from_be_bytes(self.bytes.get(2..4)?.try_into().ok()?))),
            127 => (10, u64::from_be_bytes(self.bytes.get(2..10)?.try_into().ok()?)),
            short => (2, u64::from(short)),
        };
        assert!(second & 0x80 == 0, "a server's frame has no mask");
        assert!(first & 0x70 == 0 && first & 0x80 != 0, "whole frames without reserved bits, first byte {first:#x}");
        let end = start + usize::try_from(length).ok()?;
        let payload = self.bytes.get(start..end)?.to_vec();
        self.bytes.drain(..end);
        Some(match first & 0x0f {
            1 => Received::Text(String::from_utf8(payload).expect("the server's text is UTF-8")),
            2 => Received::Binary(payload),
            8 => Received::Close {
                code: payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]])),
                reason: String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into_owned(),
            },
            9 => Received::Ping(payload),
            10 => Received::Pong(payload),
            other => panic!("the server sent opcode {other}"),
        })
    }
}
