//! What is around a shard: the sockets it has, the gate before its doors, what it is told and what it wants done.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use adapters::auth::{Then, Verdict};
use adapters::port::{Failure, Found, Read};
use dialects::connections::Managed;
use dialects::integration::Outcome;
use dialects::{Answer, Ask, Sid};
use domain::event::{Signal, Status};
use domain::id::{Millis, Offset};
use domain::identity::{Credential, Denied, Identity};

use super::{Integrate, ManageCall, PollCall, Slot};
use crate::node::{Announcement, Input as ToNode, Token, Told};

/// The sockets of a shard.
pub trait Net {
    /// Reads what is there. `WouldBlock` when nothing is; 0 when the peer has closed its side.
    ///
    /// # Errors
    /// As a non-blocking socket's.
    fn read(&mut self, slot: Slot, into: &mut [u8]) -> io::Result<usize>;

    /// Writes as much as is taken at once.
    ///
    /// # Errors
    /// As a non-blocking socket's.
    fn write(&mut self, slot: Slot, bytes: &[u8]) -> io::Result<usize>;

    /// The address of the other end, where there is one.
    fn peer(&self, _slot: Slot) -> Option<IpAddr> {
        None
    }

    /// Says that nothing more will be written.
    fn shut(&mut self, slot: Slot);

    /// Closes the socket; the slot may be given to another from now on.
    fn close(&mut self, slot: Slot);

    /// A slot without a socket, for a session that is polled. Nothing is read from it or written to it until a socket
    /// [joins](Net::join) it.
    fn reserve(&mut self) -> Slot;

    /// Gives a slot that has none the socket of another, which is free from now on. It is readable and writable, as far
    /// as is known.
    fn join(&mut self, slot: Slot, socket: Slot);

    /// Gives the socket, with what was read of it, to another shard, which accepts it; the slot is free from now on.
    fn move_to(&mut self, slot: Slot, shard: u8, read: Vec<u8>);

    /// Gives the socket, with what was read of it, to whoever answers ordinary HTTP; the slot is free from now on.
    fn hand_over(&mut self, slot: Slot, read: Vec<u8>);
}

/// Who is let through the doors at all. The same for sockets and REST.
pub trait Gate: Send + Sync {
    /// Whether a request may come in: development mode's Host rule (RULES 7), Origin (RULES 25).
    ///
    /// # Errors
    /// The answer to give instead.
    fn admit(&self, ask: &Ask) -> Result<(), Answer>;

    /// Who a credential is, as far as it is known at once: an Auth Service's answers are remembered. Never blocks.
    fn identify(&self, credential: &Credential, dialect: &str, now: Millis) -> Verdict;

    /// Has the Auth Service asked who a credential is, after [`Verdict::Wait`]. Never blocks: `then` is called once, at
    /// once or seconds later and on another thread.
    fn ask(&self, credential: &Credential, dialect: &str, now: Millis, then: Then) {
        then(match self.identify(credential, dialect, now) {
            Verdict::Known(answer) => answer,
            // Nobody is there to be asked.
            Verdict::Wait => Err(Denied::Unavailable),
        });
    }

    /// From which address a request comes: its peer's, unless that is a proxy that the operator trusts (THREATS T24).
    fn source(&self, ask: &Ask) -> Option<IpAddr> {
        ask.peer
    }
}

/// What a shard is told.
#[derive(Debug)]
pub enum Input {
    /// A new connection has this slot.
    Accepted(Slot),
    /// Bytes can be read, or the peer has closed.
    Readable(Slot),
    /// Bytes can be written again.
    Writable(Slot),
    /// A request on a polled path.
    Polled(Box<PollCall>),
    /// Whoever asked that has broken off.
    PollGone(Sid, Token),
    /// What a back end wants of a connection.
    Manage(Box<ManageCall>),
    /// What came of an event for the operator's URL.
    Integrated(Token, Outcome),
    /// Something is in the mailbox.
    Mail(Mail),
    /// What a reader found.
    Found(Token, Result<Found, Failure>),
    /// Keys for `x-api-key` were revoked or made.
    KeysChanged,
    /// Who a credential is that was asked about.
    Identified(Token, Result<Identity, Denied>),
}

/// A credential about which somebody else has to be asked ([`Gate::ask`]). The answer comes as [`Input::Identified`].
#[derive(Debug)]
pub struct Asking {
    /// What the answer comes under.
    pub token: Token,
    /// What the client shows.
    pub credential: Credential,
    /// The dialect at whose door, by its place.
    pub dialect: u8,
}

/// What the node, the bus and the operator say to a shard; in one queue, in one order.
#[derive(Debug)]
pub enum Mail {
    /// Events happened.
    Announce(Announcement),
    /// Something is true now.
    Signal(Arc<Signal>),
    /// Somebody came online or went.
    Status(Arc<Status>),
    /// A reply, with what it does to attachments. Never dropped.
    Told(Box<Told>),
    /// Relayed messages were dropped because the mailbox was full.
    RelayLost,
    /// The log goes at least to here: whoever has not been told so far reads it.
    Head(Offset),
    /// Say goodbye to everybody, a few at a time.
    Drain,
}

/// What a shard wants done.
#[derive(Debug, Default)]
pub struct Outputs {
    /// For the node, in this order. Never dropped.
    pub node: Vec<ToNode>,
    /// For the store's readers.
    pub reads: Vec<(Token, Read)>,
    /// For the bus. May be dropped.
    pub signals: Vec<Arc<Signal>>,
    /// For the gate.
    pub asks: Vec<Asking>,
    /// For those who asked on a polled path.
    pub answers: Vec<(Token, Answer)>,
    /// For back ends.
    pub managed: Vec<(Token, Managed)>,
    /// For the operator's URL.
    pub integrations: Vec<Integrate>,
}
