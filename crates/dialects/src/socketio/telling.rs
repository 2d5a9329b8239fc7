//! Socket.IO packets as the server says them: each at a buffer's end, as the text frame that a client of Engine.IO 4
//! has on a WebSocket, so with the `4` of an Engine.IO message in front. Reading is in [`super::packet`].

use serde::Serialize;

use super::engine::Version;
use super::packet::{Kind, MAIN};
use crate::json;

/// Where an event or acknowledgement of ours goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct To<'a> {
    /// The namespace.
    pub(super) namespace: &'a str,
    /// How many attachments will follow it.
    pub(super) attachments: u8,
}

impl To<'static> {
    /// The main namespace, with no attachments.
    pub(super) const MAIN: Self = Self { namespace: MAIN, attachments: 0 };
}

/// Writes an event at the buffer's end, as a text frame: `42["name",<arguments>,"<offset>"]`. `arguments` writes JSON
/// values with commas between them, or nothing; the offset is what a client brings back to be told what it missed.
pub(super) fn write_event(
    buffer: &mut Vec<u8>,
    to: To<'_>,
    name: &str,
    arguments: impl FnOnce(&mut Vec<u8>),
    offset: Option<&str>,
) {
    let kind = if to.attachments == 0 { Kind::Event } else { Kind::BinaryEvent };
    write_head(buffer, kind, to, None);
    buffer.push(b'[');
    json::write(buffer, &name);
    buffer.push(b',');
    let start = buffer.len();
    arguments(buffer);
    if buffer.len() == start {
        buffer.pop();
    }
    if let Some(offset) = offset {
        buffer.push(b',');
        json::write(buffer, &offset);
    }
    buffer.push(b']');
}

/// Writes the answer to a client's event at the buffer's end: `43<id>[<arguments>]`.
pub(super) fn write_ack(buffer: &mut Vec<u8>, to: To<'_>, id: u64, arguments: impl FnOnce(&mut Vec<u8>)) {
    let kind = if to.attachments == 0 { Kind::Ack } else { Kind::BinaryAck };
    write_head(buffer, kind, to, Some(id));
    buffer.push(b'[');
    arguments(buffer);
    buffer.push(b']');
}

/// The payload of a connection that was granted.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Connected<'a> {
    /// The socket, which is not the session of Engine.IO: that one is a secret.
    pub(super) sid: &'a str,
    /// By which the client may come back and be told what it missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pid: Option<&'a str>,
}

/// Writes that a client is connected to a namespace. Protocol 4 knows no payload: there the client makes up the ids.
pub(super) fn write_connect(version: Version, buffer: &mut Vec<u8>, namespace: &str, connected: Connected<'_>) {
    write_head(buffer, Kind::Connect, To { namespace, attachments: 0 }, None);
    match version {
        Version::Three => {}
        Version::Four => json::write(buffer, &connected),
    }
}

/// Writes that a connection is refused. Protocol 4 has the message alone.
pub(super) fn write_connect_error(version: Version, buffer: &mut Vec<u8>, namespace: &str, message: &str) {
    #[derive(Serialize)]
    struct Refused<'a> {
        message: &'a str,
    }
    write_head(buffer, Kind::ConnectError, To { namespace, attachments: 0 }, None);
    match version {
        Version::Three => json::write(buffer, &message),
        Version::Four => json::write(buffer, &Refused { message }),
    }
}

/// Writes that a client is put out of a namespace.
pub(super) fn write_disconnect(buffer: &mut Vec<u8>, namespace: &str) {
    write_head(buffer, Kind::Disconnect, To { namespace, attachments: 0 }, None);
}

fn write_head(buffer: &mut Vec<u8>, kind: Kind, to: To<'_>, id: Option<u64>) {
    // The type of the Engine.IO packet comes first.
    buffer.extend_from_slice(match kind {
        Kind::Connect => b"40",
        Kind::Disconnect => b"41",
        Kind::Event => b"42",
        Kind::Ack => b"43",
        Kind::ConnectError => b"44",
        Kind::BinaryEvent => b"45",
        Kind::BinaryAck => b"46",
    });
    if to.attachments > 0 {
        buffer.extend_from_slice(to.attachments.to_string().as_bytes());
        buffer.push(b'-');
    }
    if to.namespace != MAIN {
        buffer.extend_from_slice(to.namespace.as_bytes());
        buffer.push(b',');
    }
    if let Some(id) = id {
        buffer.extend_from_slice(id.to_string().as_bytes());
    }
}
