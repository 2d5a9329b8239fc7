//! What runs on Socket.IO: the interface between a connection and its application.
//!
//! An application is a pure machine like the [`crate::Session`] that carries it: it is told what the client says in
//! the namespaces that it has connected to, and says what it wants by [`Out`]. It sees no packets, heartbeats or
//! transports; those are in [`super::link`].

use std::sync::Arc;

use domain::command::Reply;
use domain::id::{Millis, UserId};
use domain::identity::Denied;
use domain::model::{Person, RoomKey};
use domain::refusal::Refusal;
use serde_json::value::RawValue;

pub(super) use super::out::{Ack, Out};
use super::packet::Arguments;
use crate::step::CallId;

/// One of [`App::namespaces`].
pub(super) type Namespace = &'static str;

/// A client asks to be connected to a namespace.
#[derive(Debug)]
pub(super) struct Connect<'a> {
    /// The namespace.
    pub(super) namespace: Namespace,
    /// A JSON object by which it says who it is. Protocol 4 has none.
    pub(super) auth: Option<&'a RawValue>,
    /// What protocol 4 has instead: the query of the namespace, as sent. Empty for `/`, which is connected to unasked.
    pub(super) query: &'a str,
}

/// An event of a client, in a namespace that it is connected to.
#[derive(Debug)]
pub(super) struct Event<'a> {
    /// The namespace.
    pub(super) namespace: Namespace,
    /// What it is called.
    pub(super) name: &'a str,
    /// What it comes with, without its name: JSON values, as they came.
    pub(super) arguments: Arguments<'a>,
    /// Where its answer goes, when the client wants one.
    pub(super) ack: Option<Ack>,
    /// The binary data that placeholders in the arguments stand for, in the order of their numbers.
    pub(super) attachments: &'a [Vec<u8>],
}

/// What runs on a connection.
pub(super) trait App: Send {
    /// The namespaces that there are. Whoever asks for another is told so without the application (THREATS T15).
    fn namespaces(&self) -> &'static [Namespace];

    /// A client asks for a namespace. Answered by [`Out::connected`] or [`Out::refused`], now or later: until then nothing
    /// can be said or heard in it.
    fn connect(&mut self, connect: Connect<'_>, now: Millis, out: &mut Out<'_>);

    /// An event of the client.
    fn event(&mut self, event: Event<'_>, now: Millis, out: &mut Out<'_>);

    /// The answer to an event of ours.
    fn acked(&mut self, _namespace: Namespace, _id: u64, _arguments: Arguments<'_>, _out: &mut Out<'_>) {}

    /// The client has left a namespace, which it may connect to again.
    fn left(&mut self, namespace: Namespace, now: Millis, out: &mut Out<'_>);

    /// The outcome of a call, as [`crate::Session::answer`] has it.
    fn answer(&mut self, call: CallId, reply: Result<&Reply, &Refusal>, now: Millis, out: &mut Out<'_>);

    /// What became of [`crate::Step::Identify`].
    fn identified(&mut self, _who: Result<&Arc<Person>, Denied>, _now: Millis, _out: &mut Out<'_>) {}

    /// Who is writing in a room, in answer to [`crate::Step::Writers`].
    fn writers(&mut self, _call: CallId, _users: &[UserId], _out: &mut Out<'_>) {}

    /// The connection was detached from a room by an event.
    fn removed(&mut self, room: &RoomKey, out: &mut Out<'_>);

    /// The room as this client named it, when that is not how everybody is shown it.
    fn name_of(&self, _room: &RoomKey) -> Option<&str> {
        None
    }

    /// As [`crate::Session::acks_by_echo`].
    fn acks_by_echo(&self) -> bool {
        false
    }

    /// The credential has ended that the client was identified with (RULES 4). Put out of its namespaces, a stock client
    /// does not come back of itself.
    fn expired(&mut self, out: &mut Out<'_>) {
        for namespace in self.namespaces() {
            out.disconnect(namespace);
        }
        out.close();
    }

    /// The server is about to stop. A stock client whose connection is closed comes back.
    fn dismissed(&mut self, out: &mut Out<'_>) {
        out.close();
    }

    /// When to be woken, if at all. Heartbeats are not the application's.
    fn deadline(&self) -> Option<Millis> {
        None
    }

    /// The deadline has passed.
    fn wake(&mut self, _now: Millis, _out: &mut Out<'_>) {}

    /// As [`crate::Session::rested`].
    fn rested(&mut self, _now: Millis) {}
}
