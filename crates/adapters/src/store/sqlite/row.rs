//! An event as a row of the log: one blob, guarded by a checksum over all of it and its offset, begun by the number of
//! its format so that later formats can stand beside older rows.
//!
//! `format, crc32 (4), kind, life (8), room, seq, version, at, door, origin + 1 or 0, by, what`, and the alias where there is
//! one; the room is the offset of its first event. The genesis row is `format, crc32, 0, life`. Retention empties
//! messages, edits and notices of their contents; the hash of a message's content stays.

use std::sync::Arc;

use domain::Text;
use domain::event::{Event, What};
use domain::id::{ClientId, ConnectionId, Door, ExclusionVersion, Life, MessageId, Millis, Offset, Seq, UserNumber};
use domain::model::{Message, MessageKind, Person, RoomKey, Sending};

use super::bytes::{Put, Take, key_text, text_key};
use super::codes::{member, member_bytes, room_kind, room_kind_byte};
use crate::store::settle;

const FORMAT: u8 = 1;
/// Where the checksum ends.
const HEAD_BYTES: usize = 5;

const GENESIS: u8 = 0;
const ROOM_MADE: u8 = 1;
const MEMBER_SET: u8 = 2;
const MEMBER_REMOVED: u8 = 3;
const SENT: u8 = 4;
/// An edit of before edits said how their message was sent; read, and not written any more. So is [`OLD_DELETED`].
const OLD_EDITED: u8 = 5;
const OLD_DELETED: u8 = 6;
const EDITED: u8 = 7;
const DELETED: u8 = 8;
const RETITLED: u8 = 9;
const NOTICE: u8 = 10;
const REACTED: u8 = 11;

/// A row, taken apart. Its room is known by number; who reads it knows the key, or looks it up.
#[derive(Debug)]
pub(super) struct Row {
    /// The offset of its room's first event.
    pub(super) room: u64,
    /// The hash of a message's content as sent; 0 for other events.
    pub(super) content_hash: u64,
    /// The event without its room.
    event: Bare,
}

#[derive(Debug)]
struct Bare {
    seq: Seq,
    life: Life,
    version: ExclusionVersion,
    at: Millis,
    by: Arc<Person>,
    door: Door,
    origin: Option<ConnectionId>,
    alias: Option<Text>,
    what: What,
}

impl Row {
    /// The event that the row keeps.
    pub(super) fn into_event(self, offset: u64, room: RoomKey) -> Event {
        let Bare { seq, life, version, at, by, door, origin, alias, what } = self.event;
        Event {
            offset: Offset(offset),
            seq,
            life,
            room,
            born: Offset(self.room),
            version,
            at,
            by,
            door,
            origin,
            alias,
            what,
        }
    }

    pub(super) fn seq(&self) -> u64 {
        self.event.seq.0
    }

    pub(super) fn by(&self) -> &Person {
        &self.event.by
    }

    pub(super) fn at(&self) -> Millis {
        self.event.at
    }

    /// What happened.
    pub(super) fn what(&self) -> &What {
        &self.event.what
    }

    /// The message, when it is one that was sent.
    pub(super) fn message(&self) -> Option<&Message> {
        if let What::Sent(message) = &self.event.what { Some(message) } else { None }
    }
}

fn checksum(offset: u64, row: &[u8]) -> [u8; 4] {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&offset.to_le_bytes());
    crc.update(&row[..1]);
    crc.update(&row[HEAD_BYTES..]);
    crc.finalize().to_le_bytes()
}

/// Says which row it is, for who wants to know it again: the checksum that it carries, or will when it has been emptied.
pub(super) fn mark(offset: u64, row: &[u8]) -> Option<u32> {
    let emptied = emptied(offset, row)?;
    let crc = emptied.as_deref().unwrap_or(row).get(1..HEAD_BYTES)?;
    crc.try_into().ok().map(u32::from_le_bytes)
}

fn begin(row: &mut Vec<u8>, kind: u8, life: Life) {
    row.clear();
    row.extend_from_slice(&[FORMAT, 0, 0, 0, 0, kind]);
    row.extend_from_slice(&life.0.to_le_bytes());
}

fn seal(row: &mut [u8], offset: u64) {
    let crc = checksum(offset, row);
    row[1..HEAD_BYTES].copy_from_slice(&crc);
}

/// The genesis row.
pub(super) fn genesis(life: Life) -> Vec<u8> {
    let mut row = Vec::new();
    begin(&mut row, GENESIS, life);
    seal(&mut row, 1);
    row
}

/// Writes an event as a row into `row`, in the place of what it held.
pub(super) fn encode(event: &Event, room: u64, row: &mut Vec<u8>) {
    encode_with(event, room, event.message().map_or(0, settle::content_hash), row);
}

fn encode_with(event: &Event, room: u64, content_hash: u64, row: &mut Vec<u8>) {
    begin(row, kind_of(&event.what), event.life);
    for number in [room, event.seq.0, event.version.0, event.at.0] {
        row.num(number);
    }
    row.push(event.door.0);
    match event.origin {
        None => row.push(0),
        Some(origin) => {
            row.push(1);
            row.num(origin.0);
        }
    }
    let by = &event.by;
    row.text(by.id.as_str());
    row.num(by.number.0.into());
    row.maybe_text((*by.name != *by.id.as_str()).then_some(&by.name));
    row.maybe_text(by.email.as_deref());
    put_what(event, content_hash, row);
    if let Some(alias) = &event.alias {
        row.text(alias);
    }
    seal(row, event.offset.0);
}

fn kind_of(what: &What) -> u8 {
    match what {
        What::RoomMade { .. } => ROOM_MADE,
        What::MemberSet { .. } => MEMBER_SET,
        What::MemberRemoved { .. } => MEMBER_REMOVED,
        What::Sent(_) => SENT,
        What::Edited { .. } => EDITED,
        What::Deleted { .. } => DELETED,
        What::Retitled { .. } => RETITLED,
        What::Notice { .. } => NOTICE,
        What::Reacted { .. } => REACTED,
    }
}

fn put_what(event: &Event, content_hash: u64, row: &mut Vec<u8>) {
    match &event.what {
        What::RoomMade { kind, title, seats } => {
            row.text(&key_text(&event.room));
            row.push(room_kind_byte(*kind));
            row.text(title);
            row.num(seats.map_or(0, |seats| u64::from(seats) + 1));
        }
        What::MemberSet { user, member } => {
            row.text(user.as_str());
            row.extend_from_slice(&member_bytes(*member));
        }
        What::MemberRemoved { user, barred } => {
            row.text(user.as_str());
            row.push(u8::from(*barred));
        }
        What::Sent(message) => {
            row.extend_from_slice(&content_hash.to_le_bytes());
            row.wide(message.id.0);
            row.push(match message.kind {
                MessageKind::Text => 0,
                MessageKind::System => 1,
                MessageKind::Broadcast => 2,
            });
            row.text(&message.content);
            row.push(u8::from(message.reply_to.is_some()));
            if let Some(reply_to) = message.reply_to {
                row.wide(reply_to.0);
            }
            row.maybe_text(message.client_id.as_ref().map(ClientId::as_str));
            row.maybe_text(message.extra.as_deref());
        }
        What::Edited { message, of, content, sending } => {
            row.wide(message.0);
            row.num(of.0);
            row.text(content);
            put_sending(sending, row);
        }
        What::Deleted { message, of, sending } => {
            row.wide(message.0);
            row.num(of.0);
            put_sending(sending, row);
        }
        What::Reacted { message, of, emoji, on } => {
            row.wide(message.0);
            row.num(of.0);
            row.text(emoji);
            row.push(u8::from(*on));
        }
        What::Retitled { title: text } | What::Notice { extra: text } => row.text(text),
    }
}

fn put_sending(sending: &Sending, row: &mut Vec<u8>) {
    row.push(sending.door.0);
    row.maybe_text(sending.client_id.as_ref().map(ClientId::as_str));
}

/// A row without its contents, which is known again by all but these; none inside when it has none, none when it is not what
/// was written at this offset.
pub(super) fn emptied(offset: u64, row: &[u8]) -> Option<Option<Vec<u8>>> {
    if open(offset, row)?.byte()? == GENESIS {
        return Some(None);
    }
    let row = decode(offset, row)?;
    let Some(what) = settle::emptied(row.what()) else { return Some(None) };
    let (room, content_hash) = (row.room, row.content_hash);
    // Only the making of a room has its key in its row, and that has no contents.
    let key = RoomKey::Named(domain::id::RoomName::new("-").ok()?);
    let event = Event { what, ..row.into_event(offset, key) };
    let mut row = Vec::new();
    encode_with(&event, room, content_hash, &mut row);
    Some(Some(row))
}

/// Takes a row apart; none when it is not what was written at this offset.
pub(super) fn decode(offset: u64, row: &[u8]) -> Option<Row> {
    let mut take = open(offset, row)?;
    let kind = take.byte()?;
    let life = Life(take.fixed()?);
    let room = take.num()?;
    let (seq, version, at) = (Seq(take.num()?), ExclusionVersion(take.num()?), Millis(take.num()?));
    let door = Door(take.byte()?);
    let origin = match take.byte()? {
        0 => None,
        1 => Some(ConnectionId(take.num()?)),
        _ => return None,
    };
    let id = take.user()?;
    let number = UserNumber(u32::try_from(take.num()?).ok()?);
    let name = take.maybe_text()?.unwrap_or_else(|| id.text());
    let by = Arc::new(Person { id, number, name, email: take.maybe_text()? });
    let content_hash = if kind == SENT { take.fixed()? } else { 0 };
    let what = take_what(kind, &mut take)?;
    let alias = if take.is_empty() { None } else { Some(take.text()?) };
    let event = Bare { seq, life, version, at, by, door, origin, alias, what };
    take.is_empty().then_some(Row { room, content_hash, event })
}

/// The life that a row was written by, the genesis row's included.
pub(super) fn life(offset: u64, row: &[u8]) -> Option<Life> {
    let mut take = open(offset, row)?;
    take.byte()?;
    take.fixed().map(Life)
}

fn open(offset: u64, row: &[u8]) -> Option<Take<'_>> {
    let whole = row.len() > HEAD_BYTES && row[0] == FORMAT && row[1..HEAD_BYTES] == checksum(offset, row);
    whole.then(|| Take::new(&row[HEAD_BYTES..]))
}

fn take_what(kind: u8, take: &mut Take<'_>) -> Option<What> {
    Some(match kind {
        ROOM_MADE => {
            text_key(take.str()?)?;
            let (kind, title) = (room_kind(take.byte()?)?, take.text()?);
            let seats = match take.num()?.checked_sub(1) {
                None => None,
                Some(seats) => Some(u32::try_from(seats).ok()?),
            };
            What::RoomMade { kind, title, seats }
        }
        MEMBER_SET => What::MemberSet { user: take.user()?, member: member([take.byte()?, take.byte()?])? },
        MEMBER_REMOVED => What::MemberRemoved { user: take.user()?, barred: take.byte()? == 1 },
        SENT => {
            let (id, kind) = (MessageId(take.wide()?), message_kind(take.byte()?)?);
            let content = take.text()?;
            let reply_to = if take.byte()? == 1 { Some(MessageId(take.wide()?)) } else { None };
            let client_id = take_client_id(take)?;
            What::Sent(Message { id, kind, content, reply_to, client_id, extra: take.maybe_text()? })
        }
        OLD_EDITED | EDITED => {
            let (message, of, content) = (MessageId(take.wide()?), Offset(take.num()?), take.text()?);
            What::Edited { message, of, content, sending: take_sending(kind == OLD_EDITED, take)? }
        }
        OLD_DELETED | DELETED => {
            let (message, of) = (MessageId(take.wide()?), Offset(take.num()?));
            What::Deleted { message, of, sending: take_sending(kind == OLD_DELETED, take)? }
        }
        REACTED => {
            let (message, of) = (MessageId(take.wide()?), Offset(take.num()?));
            What::Reacted { message, of, emoji: take.text()?, on: take.byte()? == 1 }
        }
        RETITLED => What::Retitled { title: take.text()? },
        NOTICE => What::Notice { extra: take.text()? },
        _ => return None,
    })
}

fn take_sending(is_old: bool, take: &mut Take<'_>) -> Option<Sending> {
    if is_old {
        return Some(Sending::default());
    }
    Some(Sending { door: Door(take.byte()?), client_id: take_client_id(take)? })
}

fn take_client_id(take: &mut Take<'_>) -> Option<Option<ClientId>> {
    match take.maybe_text()? {
        None => Some(None),
        Some(id) => ClientId::new(&id).ok().map(Some),
    }
}

fn message_kind(byte: u8) -> Option<MessageKind> {
    [MessageKind::Text, MessageKind::System, MessageKind::Broadcast].get(usize::from(byte)).copied()
}

#[cfg(test)]
mod tests;
