//! Numbered sends for the examples that put a store under stress: everything about one follows from its number, so what
//! a store gives back can be judged without a record of what was sent.

use std::sync::Arc;

use adapters::port::{RoomWrite, Write};
use domain::Text;
use domain::event::{Event, What};
use domain::id::{ClientId, Door, ExclusionVersion, MessageId, Millis, RoomName, UserId, UserNumber};
use domain::model::{Message, MessageKind, Person, RoomKey, RoomKind};

pub(super) type Trouble = Box<dyn std::error::Error>;

fn write(room: RoomKey, under: Option<ExclusionVersion>, what: What) -> Result<Write, Trouble> {
    let id = UserId::new("ann").map_err(|error| error.to_string())?;
    let by = Arc::new(Person { id, number: UserNumber(1), name: Text::from("Ann"), email: None });
    let events = vec![(what, ExclusionVersion(0))];
    Ok(Write::Events(RoomWrite { room, under, by, door: Door(1), origin: None, at: Millis(1), alias: None, events }))
}

pub(super) fn room(name: &str) -> Result<RoomKey, Trouble> {
    Ok(RoomKey::Named(RoomName::new(name).map_err(|error| error.to_string())?))
}

pub(super) fn making(name: &str) -> Result<Write, Trouble> {
    write(room(name)?, None, What::RoomMade { kind: RoomKind::Public, title: Text::from("A room"), seats: None })
}

/// The message of this number, under the client id `c<number>`.
pub(super) fn send(name: &str, number: u64, content: &str) -> Result<Write, Trouble> {
    let message = Message {
        id: MessageId(number.into()),
        kind: MessageKind::Text,
        content: Text::from(content),
        reply_to: None,
        client_id: Some(ClientId::new(&format!("c{number}")).map_err(|error| error.to_string())?),
        extra: None,
    };
    write(room(name)?, Some(ExclusionVersion(0)), What::Sent(message))
}

/// The number that a message's text begins with.
pub(super) fn number_of(event: &Event) -> Option<u64> {
    event.message()?.content.split(' ').next()?.parse().ok()
}

/// An error with what it came from.
pub(super) fn told(trouble: &dyn std::error::Error) -> String {
    trouble.source().map_or_else(|| trouble.to_string(), |source| format!("{trouble}: {}", told(source)))
}
