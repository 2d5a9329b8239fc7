//! The sockets of a shard: a slab of them, registered once, edge-triggered; the body of the step's `Net`.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown};
use std::sync::Arc;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use slab::Slab;

use super::addresses::Seat;
use crate::http::{Handed, HttpDoor};
use crate::mailbox::{Adopted, Mailbox, Order};
use crate::shard::{Net, Slot};

/// The waker's token; sockets have their slot's number, listeners those right below this.
pub(super) const WAKER: Token = Token(usize::MAX);
/// Both directions, told once per change.
const INTEREST: Interest = Interest::READABLE.add(Interest::WRITABLE);

struct Socket {
    /// None while it is reserved for a session that is polled.
    stream: Option<TcpStream>,
    /// Read by ordinary HTTP before it came back here, and heard first.
    early: Vec<u8>,
    seat: Option<Seat>,
    /// The poll has said that the peer has closed its side, or broken off.
    hung_up: bool,
}

impl Socket {
    fn stream(&mut self) -> io::Result<&mut TcpStream> {
        self.stream.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

/// A shard's sockets.
pub(super) struct Sockets {
    slab: Slab<Socket>,
    registry: Registry,
    http: HttpDoor,
    /// Of all shards.
    mailboxes: Vec<Arc<Mailbox>>,
    /// Those whose last bytes were read, and whose end is to be read next.
    ended: Vec<Slot>,
}

impl Sockets {
    pub(super) fn new(registry: Registry, http: HttpDoor, mailboxes: Vec<Arc<Mailbox>>) -> Self {
        Self { slab: Slab::new(), registry, http, mailboxes, ended: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Watches a listener, the `place`th of the shard.
    pub(super) fn listen(&self, listener: &mut TcpListener, place: usize) -> io::Result<()> {
        self.registry.register(listener, Token(WAKER.0 - 1 - place), Interest::READABLE)
    }

    /// Watches a listener no more.
    pub(super) fn unlisten(&self, listener: &mut TcpListener) -> io::Result<()> {
        self.registry.deregister(listener)
    }

    /// Takes in an accepted connection.
    pub(super) fn accepted(&mut self, stream: TcpStream, seat: Option<Seat>) -> io::Result<Slot> {
        self.add(Socket { stream: Some(stream), early: Vec::new(), seat, hung_up: false })
    }

    /// Takes in a connection that ordinary HTTP had.
    pub(super) fn adopt(&mut self, adopted: Adopted) -> io::Result<Slot> {
        let Adopted { stream, read, seat } = adopted;
        self.add(Socket { stream: Some(TcpStream::from_std(stream)), early: read, seat, hung_up: false })
    }

    fn add(&mut self, mut socket: Socket) -> io::Result<Slot> {
        let entry = self.slab.vacant_entry();
        let slot = Slot::try_from(entry.key()).map_err(|_| io::Error::other("more connections than slots"))?;
        if let Some(stream) = &mut socket.stream {
            self.registry.register(stream, Token(entry.key()), INTEREST)?;
        }
        entry.insert(socket);
        Ok(slot)
    }

    /// The poll says that the peer has closed its side, or broken off. It says so once.
    pub(super) fn hung_up(&mut self, slot: Slot) {
        if let Ok(socket) = self.get(slot) {
            socket.hung_up = true;
        }
    }

    /// Those to be told readable again: the step has taken their last bytes for all there is, as it may of others, but
    /// no notice of their end will come any more.
    pub(super) fn take_ended(&mut self) -> impl Iterator<Item = Slot> + '_ {
        self.ended.drain(..)
    }

    /// A socket for somebody else, with everything that was read of it and its place in its address's count.
    fn take_out(&mut self, slot: Slot, mut read: Vec<u8>) -> Option<(std::net::TcpStream, Vec<u8>, Option<Seat>)> {
        let Socket { stream, early, seat, hung_up: _ } = self.slab.try_remove(slot as usize)?;
        let mut stream = stream?;
        if let Err(error) = self.registry.deregister(&mut stream) {
            tracing::warn!(%error, "A connection could not be given to somebody else.");
            return None;
        }
        read.extend_from_slice(&early);
        Some((stream.into(), read, seat))
    }

    fn get(&mut self, slot: Slot) -> io::Result<&mut Socket> {
        // The step knows which slots it has; an unknown one is read as a connection that is gone.
        self.slab.get_mut(slot as usize).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Net for Sockets {
    fn read(&mut self, slot: Slot, into: &mut [u8]) -> io::Result<usize> {
        let socket = self.get(slot)?;
        if socket.early.is_empty() {
            let read = socket.stream()?.read(into)?;
            if socket.hung_up && read > 0 && read < into.len() {
                self.ended.push(slot);
            }
            return Ok(read);
        }
        let taken = socket.early.len().min(into.len());
        into[..taken].copy_from_slice(&socket.early[..taken]);
        socket.early.drain(..taken);
        if socket.early.is_empty() {
            socket.early = Vec::new();
        }
        Ok(taken)
    }

    fn write(&mut self, slot: Slot, bytes: &[u8]) -> io::Result<usize> {
        self.get(slot)?.stream()?.write(bytes)
    }

    fn peer(&self, slot: Slot) -> Option<IpAddr> {
        let stream = self.slab.get(slot as usize)?.stream.as_ref()?;
        // None for one that has gone already.
        stream.peer_addr().ok().map(|peer| peer.ip().to_canonical())
    }

    fn shut(&mut self, slot: Slot) {
        if let Ok(stream) = self.get(slot).and_then(Socket::stream) {
            // It fails when the peer was faster, and that is as good.
            let _ = stream.shutdown(Shutdown::Write);
        }
    }

    fn close(&mut self, slot: Slot) {
        // Closing the only handle takes it out of the poll.
        self.slab.try_remove(slot as usize);
    }

    fn reserve(&mut self) -> Slot {
        let socket = Socket { stream: None, early: Vec::new(), seat: None, hung_up: false };
        Slot::try_from(self.slab.insert(socket)).expect("a process has fewer connections than slots")
    }

    fn join(&mut self, slot: Slot, socket: Slot) {
        let Some(mut joining) = self.slab.try_remove(socket as usize) else { return };
        if let Some(stream) = &mut joining.stream
            && let Err(error) = self.registry.reregister(stream, Token(slot as usize), INTEREST)
        {
            // Nothing will be read from it or written to it, and its heartbeat ends it.
            tracing::warn!(%error, "A socket could not take the place of requests.");
        }
        if let Some(reserved) = self.slab.get_mut(slot as usize) {
            *reserved = joining;
        }
    }

    fn move_to(&mut self, slot: Slot, shard: u8, read: Vec<u8>) {
        let Some((stream, read, seat)) = self.take_out(slot, read) else { return };
        if let Some(mailbox) = self.mailboxes.get(usize::from(shard)) {
            mailbox.order(Order::Adopt(Adopted { stream, read, seat }));
        }
    }

    fn hand_over(&mut self, slot: Slot, read: Vec<u8>) {
        if let Some((stream, read, seat)) = self.take_out(slot, read) {
            self.http.hand(Handed { stream, read, seat });
        }
    }
}
