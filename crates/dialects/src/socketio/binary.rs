//! Packets with attachments: the text comes first, then each attachment in a binary frame of its own.
//!
//! ```text
//! nothing awaited --hear_text, 0 attachments--> the packet, nothing awaited
//! nothing awaited --hear_text, 1 to 10--------> awaited --hear_binary, the last--> the packet, nothing awaited
//! ```
//!
//! Everything else is an error, after which the session closes. What is held is bounded by the attachments that were
//! announced and by their bytes, and nothing is held for what was only announced (THREATS T15).

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::engine::{PAYLOAD_BYTES_MAX, Version};
use super::packet::{Invalid, Packet};

/// The one packet of a connection that waits for attachments.
#[derive(Debug)]
pub(super) struct Assembly {
    version: Version,
    /// Private: its text was read once already, and it has fewer attachments than its text says.
    awaited: Option<Whole>,
    /// How many are missing.
    missing: u8,
}

/// A packet and its attachments. The placeholders in its arguments stay as they are: each was seen to name one of them.
#[derive(Debug)]
pub(super) struct Whole {
    version: Version,
    /// Private: it was read once already.
    text: String,
    /// In the order in which the placeholders number them.
    pub(super) attachments: Vec<Vec<u8>>,
}

impl Whole {
    /// The packet.
    pub(super) fn packet(&self) -> Packet<'_> {
        Packet::read(self.version, &self.text).expect("the same text was read before it was kept")
    }
}

impl Assembly {
    /// Nothing is awaited.
    pub(super) fn new(version: Version) -> Self {
        Self { version, awaited: None, missing: 0 }
    }

    /// Whether attachments are awaited; a session doesn't wait for them for ever.
    pub(super) fn is_waiting(&self) -> bool {
        self.awaited.is_some()
    }

    /// Hears the text of a message: a packet, or none yet when attachments follow it.
    ///
    /// # Errors
    /// [`Invalid`]: the connection can't go on.
    pub(super) fn hear_text<'a>(&mut self, text: &'a str) -> Result<Option<Packet<'a>>, Invalid> {
        if self.is_waiting() {
            return Err(Invalid::Order);
        }
        let packet = Packet::read(self.version, text)?;
        self.missing = packet.attachments();
        if self.missing == 0 {
            return Ok(Some(packet));
        }
        for argument in packet.arguments().into_iter().flatten() {
            let mut json = serde_json::Deserializer::from_str(argument.get());
            Places(self.missing).deserialize(&mut json).map_err(|_| Invalid::Payload)?;
        }
        self.awaited = Some(Whole { version: self.version, text: text.to_owned(), attachments: Vec::new() });
        Ok(None)
    }

    /// Hears a binary message: the packet, when this was the last that was missing.
    ///
    /// # Errors
    /// [`Invalid`]: the connection can't go on.
    pub(super) fn hear_binary(&mut self, data: &[u8]) -> Result<Option<Whole>, Invalid> {
        let mut whole = self.awaited.take().ok_or(Invalid::Order)?;
        let held: usize = whole.attachments.iter().map(Vec::len).sum();
        if held + data.len() > PAYLOAD_BYTES_MAX {
            return Err(Invalid::TooLarge);
        }
        whole.attachments.push(data.to_owned());
        self.missing -= 1;
        if self.missing == 0 {
            return Ok(Some(whole));
        }
        self.awaited = Some(whole);
        Ok(None)
    }
}

/// Walks through a JSON value, whose depth is bounded already, and fails on a placeholder that names none of so many
/// attachments.
#[derive(Clone, Copy)]
struct Places(u8);

/// What of a value matters to the object around it.
#[derive(PartialEq)]
enum Seen {
    True,
    Number(u64),
    Other,
}

impl<'de> DeserializeSeed<'de> for Places {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Seen, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Places {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "placeholders of {} attachments", self.0)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Seen, E> {
        Ok(if value { Seen::True } else { Seen::Other })
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Seen, E> {
        Ok(Seen::Number(value))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Seen, A::Error> {
        while values.next_element_seed(self)?.is_some() {}
        Ok(Seen::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Seen, A::Error> {
        #[derive(Deserialize)]
        struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
        let (mut mark, mut number) = (None, None);
        while let Some(Key(key)) = entries.next_key()? {
            let value = entries.next_value_seed(self)?;
            let twice = match &*key {
                "_placeholder" => mark.replace(value).is_some(),
                "num" => number.replace(value).is_some(),
                _ => false,
            };
            if twice {
                return Err(A::Error::custom("a key is given twice"));
            }
        }
        match (mark, number) {
            (Some(Seen::True), Some(Seen::Number(number))) if number < u64::from(self.0) => Ok(Seen::Other),
            (Some(Seen::True), _) => Err(A::Error::custom("a placeholder names no attachment")),
            (Some(Seen::Number(_) | Seen::Other) | None, _) => Ok(Seen::Other),
        }
    }
}
