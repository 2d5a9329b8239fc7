//! What the tests share: frames as a client sends them, written by hand so that the codec is not its own judge, and the
//! ways in which a network may chop them.

use std::ops::ControlFlow;

use server::frame::{Decoder, FRAGMENTS_MAX, Incoming, Limits, Progress, Violation};

pub(crate) const LIMITS: Limits =
    Limits { message_bytes_max: 2 << 20, frame_bytes_max: usize::MAX, fragments_max: FRAGMENTS_MAX };

/// What came out, the end included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    Failed(Violation),
}

impl From<Incoming<'_>> for Heard {
    fn from(incoming: Incoming<'_>) -> Self {
        match incoming {
            Incoming::Text(text) => Self::Text(text.as_bytes().to_vec()),
            Incoming::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Incoming::Ping(bytes) => Self::Ping(bytes.to_vec()),
            Incoming::Pong(bytes) => Self::Pong(bytes.to_vec()),
            Incoming::Close { code, reason } => Self::Close(code, reason.to_owned()),
        }
    }
}

/// A client's frame, right or wrong.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) fin: bool,
    pub(crate) reserved: u8,
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

impl Sent {
    pub(crate) fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self { fin: true, reserved: 0, opcode, payload: payload.into() }
    }

    pub(crate) fn more(self) -> Self {
        Self { fin: false, ..self }
    }

    pub(crate) fn reserved(self, bits: u8) -> Self {
        Self { reserved: bits, ..self }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>, key: [u8; 4]) {
        out.push(u8::from(self.fin) << 7 | self.reserved << 4 | self.opcode);
        let bytes = self.payload.len();
        match (u8::try_from(bytes), u16::try_from(bytes)) {
            (Ok(short @ 0..126), _) => out.push(0x80 | short),
            (_, Ok(medium)) => {
                out.push(0x80 | 126);
                out.extend(medium.to_be_bytes());
            }
            (_, Err(_)) => {
                out.push(0x80 | 127);
                out.extend((bytes as u64).to_be_bytes());
            }
        }
        out.extend(key);
        out.extend(self.payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    }
}

pub(crate) fn text(payload: impl Into<Vec<u8>>) -> Sent {
    Sent::new(0x1, payload)
}

pub(crate) fn binary(payload: impl Into<Vec<u8>>) -> Sent {
    Sent::new(0x2, payload)
}

pub(crate) fn next(payload: impl Into<Vec<u8>>) -> Sent {
    Sent::new(0x0, payload)
}

pub(crate) fn close(payload: impl Into<Vec<u8>>) -> Sent {
    Sent::new(0x8, payload)
}

pub(crate) fn ping(payload: impl Into<Vec<u8>>) -> Sent {
    Sent::new(0x9, payload)
}

pub(crate) fn pong(payload: impl Into<Vec<u8>>) -> Sent {
    Sent::new(0xA, payload)
}

/// The frames as bytes, each under a mask of its own.
pub(crate) fn wire(frames: &[Sent]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut dice = Dice(7);
    for frame in frames {
        let [a, b, c, d, ..] = dice.roll().to_le_bytes();
        frame.write(&mut out, [a, b, c, d]);
    }
    out
}

/// How the bytes arrive.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Chop {
    Whole,
    /// So many at a time.
    Every(usize),
    /// One to so many at a time, by a seed.
    Random(u64, u64),
}

impl Chop {
    /// The ends of the pieces of `len` bytes.
    fn ends(self, len: usize) -> Vec<usize> {
        let mut dice = Dice(match self {
            Self::Random(seed, _) => seed,
            Self::Whole | Self::Every(_) => 0,
        });
        let mut ends = Vec::new();
        let mut at = 0;
        while at < len {
            at += match self {
                Self::Whole => len,
                Self::Every(bytes) => bytes,
                Self::Random(_, bytes) => 1 + usize::try_from(dice.roll() % bytes).expect("a piece is small"),
            };
            at = at.min(len);
            ends.push(at);
        }
        ends
    }
}

/// Feeds the bytes to a new decoder, chopped so. Says what was heard, and how many bytes it had been given by the end.
pub(crate) fn hear(bytes: &[u8], chop: Chop, limits: &Limits) -> (Vec<Heard>, usize) {
    let mut decoder = Decoder::default();
    let mut heard = Vec::new();
    let mut start = 0;
    for end in chop.ends(bytes.len()) {
        let progress = decoder.push(&mut bytes[start..end].to_vec(), limits, &mut |incoming| {
            heard.push(Heard::from(incoming));
            ControlFlow::Continue(())
        });
        match progress {
            Ok(Progress::All) => start = end,
            Ok(Progress::Closed) => return (heard, end),
            Ok(Progress::Stopped { .. }) => panic!("nobody asked to stop"),
            Err(violation) => {
                heard.push(Heard::Failed(violation));
                return (heard, end);
            }
        }
    }
    (heard, start)
}

/// A few numbers that look random and are the same every time (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
