//! Decoding: [`Decoder`], one per connection, sixteen bytes while it has nothing to remember.
//!
//! ```text
//!           `begin`: the frame lies whole in the input
//!            ┌───┐
//!            ▼   │     `resume`: the input ends in a header or a control frame
//!          ┌───────┐ ─────────────────────────────────────────────► kept ───┐
//!   ┌────► │ idle  │                                                        │ `resume`: the rest of it
//!   │      └───────┘ ─────────────────────────────────────────────► message ◄┘
//!   │          │       `open`: the input ends in a payload,         │  ▲
//!   │          │       or more fragments are to come                │  └─ `fill`: more payload; `data`: a continuation;
//!   │          ▼ `push`: a close frame, a violation                 │     control frames go by
//!   │       closed                                                  │
//!   └───────────────────────────────────────────────────────────────┘ `fill`: the last byte of the last fragment
//! ```

use std::ops::ControlFlow;

use super::head::{HEAD_BYTES_MAX, Head};
use super::{CONTROL_BYTES_MAX, Incoming, Limits, Opcode, Progress, Violation, mask};

/// Whoever hears the messages. `Break` stops behind the message just given.
pub type Listener<'f> = dyn FnMut(Incoming<'_>) -> ControlFlow<()> + 'f;

/// The reading half of one connection.
#[derive(Debug, Default)]
pub struct Decoder {
    /// What is incomplete, and nothing when nothing is (`rest` sees to that). Boxed, so that the many who are idle don't
    /// pay for the few who are not.
    partial: Option<Box<Partial>>,
    closed: bool,
}

/// What a read has cut in two, or fragments have.
#[derive(Debug, Default)]
struct Partial {
    kept: Kept,
    message: Option<Message>,
}

/// The bytes, as they came, of an incomplete header or an incomplete control frame.
#[derive(Debug)]
struct Kept {
    bytes: [u8; HEAD_BYTES_MAX + CONTROL_BYTES_MAX],
    /// How many of `bytes` count; never more than there are.
    len: usize,
}

/// A message that is still coming.
#[derive(Debug)]
struct Message {
    text: bool,
    bytes: Vec<u8>,
    /// How many bytes at the front are known to be UTF-8.
    checked: usize,
    fragments: u32,
    /// Whether the fragment under way, or the last one that came, is the final one.
    fin: bool,
    /// Of the fragment under way, how much is still to come. At most the limit on a message, and none of it reserved.
    remaining: usize,
    /// Of the fragment under way, turned so that its first byte belongs to the next byte of the payload.
    mask: [u8; 4],
}

/// What follows a message.
enum Next {
    More,
    Stop,
    Close,
}

impl Decoder {
    /// Takes in what was read and gives out each message that is complete, in order.
    ///
    /// `input` is scratch: payloads are unmasked in it. Messages before a violation are given out before it is said.
    pub fn push(&mut self, input: &mut [u8], limits: &Limits, on: &mut Listener<'_>) -> Result<Progress, Violation> {
        let result = self.walk(input, limits, on);
        if matches!(result, Ok(Progress::Closed) | Err(_)) {
            *self = Self { partial: None, closed: true };
        }
        result
    }

    /// How much memory is held beside the value itself: 0 when idle, else a small constant and at most twice what has
    /// come of a message, never more than the limit on one.
    pub fn held_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| {
            size_of::<Partial>() + partial.message.as_ref().map_or(0, |message| message.bytes.capacity())
        })
    }

    fn walk(&mut self, input: &mut [u8], limits: &Limits, on: &mut Listener<'_>) -> Result<Progress, Violation> {
        if self.closed {
            return Ok(Progress::Closed);
        }
        let mut consumed = 0;
        while consumed < input.len() {
            let input = &mut input[consumed..];
            let (used, next) = match &self.partial {
                None => self.begin(input, limits, on)?,
                Some(partial) if partial.kept.len > 0 => self.resume(input, limits, on)?,
                Some(partial) if partial.payload_under_way() => self.fill(input, limits, on)?,
                Some(_) => self.begin(input, limits, on)?,
            };
            self.rest();
            consumed += used;
            match next {
                Next::More => {}
                Next::Stop => return Ok(Progress::Stopped { consumed }),
                Next::Close => return Ok(Progress::Closed),
            }
        }
        Ok(Progress::All)
    }

    /// At the start of a frame: the way that nearly all of them take.
    fn begin(&mut self, input: &mut [u8], limits: &Limits, on: &mut Listener<'_>) -> Result<(usize, Next), Violation> {
        match Head::read(input)? {
            Some(head) if !head.opcode.is_control() => self.data(&head, input, head.bytes, limits, on),
            Some(head) if head.control_end() <= input.len() => {
                let used = head.control_end();
                Ok((used, give_control(&head, &mut input[..used], on)?))
            }
            Some(_) | None => self.resume(input, limits, on),
        }
    }

    /// Behind bytes that were kept of a frame, or about to keep some.
    fn resume(&mut self, input: &mut [u8], limits: &Limits, on: &mut Listener<'_>) -> Result<(usize, Next), Violation> {
        let kept = &mut self.partial.get_or_insert_default().kept;
        let Some((head, used)) = kept.top_up(input)? else { return Ok((input.len(), Next::More)) };
        let mut kept = std::mem::take(kept);
        if head.opcode.is_control() {
            return Ok((used, give_control(&head, &mut kept.bytes[..kept.len], on)?));
        }
        self.data(&head, input, used, limits, on)
    }

    /// A data frame, whose payload begins at `used`.
    fn data(
        &mut self,
        head: &Head,
        input: &mut [u8],
        used: usize,
        limits: &Limits,
        on: &mut Listener<'_>,
    ) -> Result<(usize, Next), Violation> {
        let payload_bytes = self.admit(head, limits)?;
        let input = &mut input[used..];
        if head.fin && head.opcode != Opcode::Continuation && payload_bytes <= input.len() {
            let payload = &mut input[..payload_bytes];
            mask(payload, head.mask);
            return Ok((used + payload_bytes, give(head.opcode == Opcode::Text, payload, on)?));
        }
        self.open(head, payload_bytes);
        let (filled, next) = self.fill(input, limits, on)?;
        Ok((used + filled, next))
    }

    /// Says whether a data frame may come now and how long it is, before any of it is kept.
    fn admit(&self, head: &Head, limits: &Limits) -> Result<usize, Violation> {
        let (held, fragments) = match (self.message_under_way(), head.opcode == Opcode::Continuation) {
            (None, true) => return Err(Violation::NothingToContinue),
            (Some(_), false) => return Err(Violation::MessageInterrupted),
            (None, false) => (0, 0),
            (Some(message), true) => (message.bytes.len(), message.fragments),
        };
        if fragments >= limits.fragments_max {
            return Err(Violation::TooManyFragments);
        }
        usize::try_from(head.payload_bytes)
            .ok()
            .filter(|&bytes| bytes <= limits.frame_bytes_max.min(limits.message_bytes_max.saturating_sub(held)))
            .ok_or(Violation::MessageTooLong)
    }

    /// Remembers a data frame that was admitted and can't be given out at once.
    fn open(&mut self, head: &Head, payload_bytes: usize) {
        let message = self.partial.get_or_insert_default().message.get_or_insert_with(|| Message {
            text: head.opcode == Opcode::Text,
            bytes: Vec::new(),
            checked: 0,
            fragments: 0,
            fin: false,
            remaining: 0,
            mask: head.mask,
        });
        message.fragments += 1;
        message.fin = head.fin;
        message.remaining = payload_bytes;
        message.mask = head.mask;
    }

    /// Moves to its message what has come of a payload, and gives the message out when that was the last of it.
    fn fill(&mut self, input: &mut [u8], limits: &Limits, on: &mut Listener<'_>) -> Result<(usize, Next), Violation> {
        let slot = &mut self.partial.get_or_insert_default().message;
        let message = slot.as_mut().expect("`open` was called, and only this takes the message away");
        let used = message.remaining.min(input.len());
        message.take_in(&mut input[..used], limits);
        if message.remaining > 0 || !message.fin {
            message.check()?;
            return Ok((used, Next::More));
        }
        let (text, bytes) = (message.text, std::mem::take(&mut message.bytes));
        *slot = None;
        Ok((used, give(text, &bytes, on)?))
    }

    fn message_under_way(&self) -> Option<&Message> {
        self.partial.as_ref()?.message.as_ref()
    }

    /// Lets go of everything as soon as nothing is incomplete.
    fn rest(&mut self) {
        if self.partial.as_ref().is_some_and(|partial| partial.kept.len == 0 && partial.message.is_none()) {
            self.partial = None;
        }
    }
}

impl Partial {
    fn payload_under_way(&self) -> bool {
        self.message.as_ref().is_some_and(|message| message.remaining > 0)
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self { bytes: [0; HEAD_BYTES_MAX + CONTROL_BYTES_MAX], len: 0 }
    }
}

impl Kept {
    /// Takes from the input what is missing of a header, and of the whole frame when that is a control frame; says then
    /// how much it took. `None` when the input ended before; all of it fits, because a header has at most 14 bytes and
    /// the rest of a control frame at most 125.
    fn top_up(&mut self, input: &[u8]) -> Result<Option<(Head, usize)>, Violation> {
        let mut used = 0;
        loop {
            let missing = match Head::read(&self.bytes[..self.len])? {
                Some(head) if head.opcode.is_control() && self.len < head.control_end() => {
                    head.control_end() - self.len
                }
                Some(head) => return Ok(Some((head, used))),
                None => 1,
            };
            let more = &input[used..input.len().min(used + missing)];
            if more.is_empty() {
                return Ok(None);
            }
            self.bytes[self.len..self.len + more.len()].copy_from_slice(more);
            self.len += more.len();
            used += more.len();
        }
    }
}

impl Message {
    fn take_in(&mut self, part: &mut [u8], limits: &Limits) {
        mask(part, self.mask);
        self.mask.rotate_left(part.len() % 4);
        self.remaining -= part.len();
        let needed = self.bytes.len() + part.len();
        if needed > self.bytes.capacity() {
            // Doubling what has come bounds both the memory (a promised length counts for nothing) and the copying.
            let useful = if self.fin { needed + self.remaining } else { limits.message_bytes_max };
            self.bytes.reserve_exact((2 * needed).min(useful).max(needed) - self.bytes.len());
        }
        self.bytes.extend_from_slice(part);
    }

    /// Refuses a text with the very byte that spoils it, whether its frame is complete or not.
    fn check(&mut self) -> Result<(), Violation> {
        if self.text {
            match std::str::from_utf8(&self.bytes[self.checked..]) {
                Ok(_) => self.checked = self.bytes.len(),
                Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
                Err(_) => return Err(Violation::NotUtf8),
            }
        }
        Ok(())
    }
}

fn give(text: bool, payload: &[u8], on: &mut Listener<'_>) -> Result<Next, Violation> {
    let message = if text {
        // A text that was checked while it came is read again here: the price of no `unsafe`, paid only by texts that
        // were cut.
        Incoming::Text(std::str::from_utf8(payload).map_err(|_| Violation::NotUtf8)?)
    } else {
        Incoming::Binary(payload)
    };
    Ok(if on(message).is_break() { Next::Stop } else { Next::More })
}

/// Gives out a control frame that is there whole, header and all.
fn give_control(head: &Head, frame: &mut [u8], on: &mut Listener<'_>) -> Result<Next, Violation> {
    let payload = &mut frame[head.bytes..];
    mask(payload, head.mask);
    let message = match head.opcode {
        Opcode::Ping => Incoming::Ping(payload),
        Opcode::Pong => Incoming::Pong(payload),
        Opcode::Close => {
            // Whatever the listener says: nothing comes after this.
            let _ = on(close(payload)?);
            return Ok(Next::Close);
        }
        Opcode::Continuation | Opcode::Text | Opcode::Binary => unreachable!("only control frames are brought here"),
    };
    Ok(if on(message).is_break() { Next::Stop } else { Next::More })
}

fn close(payload: &[u8]) -> Result<Incoming<'_>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() {
            Ok(Incoming::Close { code: None, reason: "" })
        } else {
            Err(Violation::CloseCutShort)
        };
    };
    let code = u16::from_be_bytes(*code);
    // RFC 6455, 7.4, and what the registry has added since (1012 to 1014). 1005, 1006 and 1015 are never sent.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::CloseCode);
    }
    let reason = std::str::from_utf8(reason).map_err(|_| Violation::NotUtf8)?;
    Ok(Incoming::Close { code: Some(code), reason })
}
