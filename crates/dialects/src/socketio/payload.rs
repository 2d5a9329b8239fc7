//! Engine.IO payloads: many packets in one HTTP body, read from a POST and written for a poll.
//!
//! Version 4 has one form: packets between separators, binary data as base64. Version 3 has two: text, where each
//! packet has its length in front, counted as JavaScript counts, and binary, for clients that take it.
//!
//! A body is read packet by packet as it stands, so that a hostile one costs a walk over its bytes and nothing else
//! (THREATS T15). Those before a broken one have been heard by then; the session ends there.

use super::engine::{Form, Heard, MESSAGE, PAYLOAD_BYTES_MAX, Takes, Unreadable, Version};
use crate::step::Frame;

/// Most packets in one body. A client puts into a body what it had to say while its last POST was under way. By
/// default nobody says more than 600 messages a minute (RULES 12), and this is room for several minutes of them with
/// their typing. Without it the smallest packets would come to half a million in a body, each of them a turn of the
/// session.
pub(super) const PACKETS_MAX: usize = 4096;

const SEPARATOR: u8 = 0x1e;

/// Digits of the longest length that a body has room for.
const LENGTH_DIGITS_MAX: usize = 7;

/// Version 3 begins a packet in a binary body with its form and ends its length with a byte that is no digit.
const TEXT: u8 = 0;
const BINARY: u8 = 1;
const LENGTH_END: u8 = 255;

/// The packets of a body, read as they are asked for. After an error there are none.
#[derive(Debug, Clone)]
pub(super) struct Payload<'a> {
    version: Version,
    /// Not read yet. Private: what is wrong with the body as a whole stands here before anything is read.
    rest: Result<Rest<'a>, Unreadable>,
    /// How many packets may still come.
    left: usize,
}

#[derive(Debug, Clone, Copy)]
enum Rest<'a> {
    Separated(&'a str),
    Counted(&'a str),
    Binary(&'a [u8]),
    Nothing,
}

impl<'a> Payload<'a> {
    /// Begins to read a body of this form, which is what the client said that it is (`application/octet-stream` or
    /// not).
    pub(super) fn of(version: Version, form: Form, body: &'a [u8]) -> Self {
        let text = || std::str::from_utf8(body).map_err(|_| Unreadable::Text);
        let rest = match (version, form) {
            _ if body.len() > PAYLOAD_BYTES_MAX => Err(Unreadable::TooLarge),
            _ if body.is_empty() => Err(Unreadable::Kind),
            (Version::Four, Form::Binary) => Err(Unreadable::Kind),
            (Version::Four, Form::Text) => text().map(Rest::Separated),
            (Version::Three, Form::Text) => text().map(Rest::Counted),
            (Version::Three, Form::Binary) => Ok(Rest::Binary(body)),
        };
        Self { version, rest, left: PACKETS_MAX }
    }

    fn read(&mut self) -> Result<Option<Heard<'a>>, Unreadable> {
        loop {
            let rest = std::mem::replace(&mut self.rest, Ok(Rest::Nothing))?;
            if matches!(rest, Rest::Nothing | Rest::Counted("") | Rest::Binary([])) {
                return Ok(None);
            }
            self.left = self.left.checked_sub(1).ok_or(Unreadable::TooMany)?;
            let (heard, rest) = match rest {
                Rest::Separated(text) => separated(self.version, text)?,
                Rest::Counted(text) => counted(self.version, text)?,
                Rest::Binary(bytes) => binary(self.version, bytes)?,
                Rest::Nothing => return Ok(None),
            };
            self.rest = Ok(rest);
            if heard.is_some() {
                return Ok(heard);
            }
        }
    }
}

impl<'a> Iterator for Payload<'a> {
    type Item = Result<Heard<'a>, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// The next packet, if it is not an empty one, and what follows it.
type Next<'a> = Result<(Option<Heard<'a>>, Rest<'a>), Unreadable>;

fn separated(version: Version, text: &str) -> Next<'_> {
    let (packet, rest) = match text.split_once(char::from(SEPARATOR)) {
        Some((packet, rest)) => (packet, Rest::Separated(rest)),
        None => (text, Rest::Nothing),
    };
    Ok((Some(version.hear_text(packet)?), rest))
}

fn counted(version: Version, text: &str) -> Next<'_> {
    let (digits, text) = text.split_once(':').ok_or(Unreadable::Length)?;
    if digits.is_empty() || digits.len() > LENGTH_DIGITS_MAX || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unreadable::Length);
    }
    let mut units: usize = digits.parse().map_err(|_| Unreadable::Length)?;
    // Nothing to say is `0:` in this version.
    if units == 0 {
        return Ok((None, Rest::Counted(text)));
    }
    let mut rest = text.chars();
    while units > 0 {
        let char = rest.next().ok_or(Unreadable::Length)?;
        // The end may not fall between the two halves of a character.
        units = units.checked_sub(char.len_utf16()).ok_or(Unreadable::Length)?;
    }
    let packet = &text[..text.len() - rest.as_str().len()];
    Ok((Some(version.hear_text(packet)?), Rest::Counted(rest.as_str())))
}

fn binary(version: Version, bytes: &[u8]) -> Next<'_> {
    let (form, rest) = bytes.split_first().ok_or(Unreadable::Length)?;
    let (length, rest) = binary_length(rest)?;
    let (packet, rest) = rest.split_at_checked(length).ok_or(Unreadable::Length)?;
    let heard = match *form {
        TEXT => version.hear_text(std::str::from_utf8(packet).map_err(|_| Unreadable::Text)?)?,
        BINARY => Heard::Binary(version.hear_binary(packet)?.into()),
        _ => return Err(Unreadable::Kind),
    };
    Ok((Some(heard), Rest::Binary(rest)))
}

/// A length, one digit a byte, and what follows its end.
fn binary_length(bytes: &[u8]) -> Result<(usize, &[u8]), Unreadable> {
    let end = bytes.iter().take(LENGTH_DIGITS_MAX + 1).position(|byte| *byte == LENGTH_END);
    let digits = &bytes[..end.filter(|end| *end > 0).ok_or(Unreadable::Length)?];
    let mut length = 0;
    for digit in digits {
        if *digit > 9 {
            return Err(Unreadable::Length);
        }
        length = length * 10 + usize::from(*digit);
    }
    Ok((length, &bytes[digits.len() + 1..]))
}

/// Writes frames as one body at the buffer's end; the answer is its form. No frames make no body: a poll is answered
/// with at least one.
pub(super) fn write<'a>(
    version: Version,
    takes: Takes,
    frames: impl Iterator<Item = Frame<'a>> + Clone,
    buffer: &mut Vec<u8>,
) -> Form {
    match (version, takes) {
        (Version::Four, _) => frames.enumerate().for_each(|(index, frame)| write_separated(index, frame, buffer)),
        (Version::Three, Takes::Binary) if frames.clone().any(|frame| matches!(frame, Frame::Binary(_))) => {
            frames.for_each(|frame| write_binary(frame, buffer));
            return Form::Binary;
        }
        (Version::Three, _) => frames.for_each(|frame| write_counted(frame, buffer)),
    }
    Form::Text
}

fn write_separated(index: usize, frame: Frame<'_>, buffer: &mut Vec<u8>) {
    if index > 0 {
        buffer.push(SEPARATOR);
    }
    match frame {
        // JSON escapes control characters, so that no text of ours has a separator in it.
        Frame::Text(text) => buffer.extend_from_slice(text.as_bytes()),
        Frame::Binary(data) => Version::Four.write_base64(data, buffer),
    }
}

fn write_counted(frame: Frame<'_>, buffer: &mut Vec<u8>) {
    let units = match frame {
        Frame::Text(text) => text.chars().map(char::len_utf16).sum(),
        Frame::Binary(data) => Version::Three.base64_bytes(data),
    };
    buffer.extend_from_slice(units.to_string().as_bytes());
    buffer.push(b':');
    match frame {
        Frame::Text(text) => buffer.extend_from_slice(text.as_bytes()),
        Frame::Binary(data) => Version::Three.write_base64(data, buffer),
    }
}

fn write_binary(frame: Frame<'_>, buffer: &mut Vec<u8>) {
    let (form, bytes, length) = match frame {
        Frame::Text(text) => (TEXT, text.as_bytes(), text.len()),
        Frame::Binary(data) => (BINARY, data, data.len() + 1),
    };
    buffer.push(form);
    buffer.extend(length.to_string().bytes().map(|digit| digit - b'0'));
    buffer.push(LENGTH_END);
    if form == BINARY {
        buffer.push(MESSAGE);
    }
    buffer.extend_from_slice(bytes);
}
