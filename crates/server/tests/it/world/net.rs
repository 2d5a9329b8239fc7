//! Sockets made of two queues: the kernel's buffers with a bound, and nothing lost or reordered unless the world cuts it.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;

use server::shard::{Net, Slot};

use super::kept::{Number, What};

/// One connection between a client and a shard.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    pub(crate) server: usize,
    pub(crate) shard: usize,
    pub(crate) slot: Option<Slot>,
    pub(crate) to_client: VecDeque<u8>,
    pub(crate) to_server: VecDeque<u8>,
    /// How much `to_client` holds before the server has to wait.
    pub(crate) capacity: usize,
    /// The server was told to wait.
    pub(crate) full: bool,
    /// The client has closed its side, or the connection was cut.
    pub(crate) client_closed: bool,
    /// The server has closed its side or the whole.
    pub(crate) server_closed: bool,
    /// It was given to HTTP, with what had been read.
    pub(crate) handed: Option<Vec<u8>>,
    /// Writes that the server made in the turn under way.
    pub(crate) writes_this_turn: usize,
    /// Under which what passes is kept.
    pub(super) number: Number,
}

/// What a slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Free,
    /// A session that is polled has it.
    Reserved,
    Pipe(usize),
}

/// The sockets of one shard.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    pub(crate) slots: Vec<Place>,
    /// Pipes that were given to another shard in the turn under way, with what was read of them.
    pub(crate) moved: Vec<(usize, u8, Vec<u8>)>,
    /// Pipes that the server wrote to or closed in the turn under way.
    pub(crate) touched: Vec<usize>,
}

impl Sockets {
    pub(crate) fn take_slot(&mut self, pipe: usize) -> Slot {
        self.take(Place::Pipe(pipe))
    }

    fn take(&mut self, place: Place) -> Slot {
        let free = self.slots.iter().position(|place| *place == Place::Free).unwrap_or_else(|| {
            self.slots.push(Place::Free);
            self.slots.len() - 1
        });
        self.slots[free] = place;
        u32::try_from(free).expect("few slots")
    }
}

/// A shard's sockets with the pipes behind them, for one turn.
pub(crate) struct Turn<'a> {
    pub(crate) sockets: &'a mut Sockets,
    pub(crate) pipes: &'a mut Vec<Pipe>,
}

impl Turn<'_> {
    fn pipe(&mut self, slot: Slot) -> &mut Pipe {
        let Place::Pipe(pipe) = self.sockets.slots[slot as usize] else {
            panic!("the shard uses sockets where it was given some");
        };
        self.sockets.touched.push(pipe);
        &mut self.pipes[pipe]
    }

    fn free(&mut self, slot: Slot) {
        if let Place::Pipe(_) = self.sockets.slots[slot as usize] {
            self.pipe(slot).slot = None;
        }
        self.sockets.slots[slot as usize] = Place::Free;
    }
}

impl Net for Turn<'_> {
    fn read(&mut self, slot: Slot, into: &mut [u8]) -> io::Result<usize> {
        let pipe = self.pipe(slot);
        if pipe.to_server.is_empty() {
            return if pipe.client_closed { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        }
        let count = into.len().min(pipe.to_server.len());
        for (place, byte) in into.iter_mut().zip(pipe.to_server.drain(..count)) {
            *place = byte;
        }
        pipe.number.keep(What::Said, &into[..count]);
        Ok(count)
    }

    fn write(&mut self, slot: Slot, bytes: &[u8]) -> io::Result<usize> {
        let pipe = self.pipe(slot);
        pipe.writes_this_turn += 1;
        if pipe.client_closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let room = pipe.capacity.saturating_sub(pipe.to_client.len());
        if room == 0 {
            pipe.full = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = room.min(bytes.len());
        pipe.full = count < bytes.len();
        pipe.to_client.extend(&bytes[..count]);
        pipe.number.keep(What::Heard, &bytes[..count]);
        Ok(count)
    }

    fn peer(&self, _: Slot) -> Option<IpAddr> {
        Some(IpAddr::from([203, 0, 113, 7]))
    }

    fn shut(&mut self, slot: Slot) {
        let pipe = self.pipe(slot);
        pipe.server_closed = true;
        pipe.number.keep(What::Ended, &[]);
    }

    fn close(&mut self, slot: Slot) {
        if let Place::Pipe(_) = self.sockets.slots[slot as usize] {
            let pipe = self.pipe(slot);
            pipe.server_closed = true;
            pipe.number.keep(What::Ended, &[]);
        }
        self.free(slot);
    }

    fn reserve(&mut self) -> Slot {
        self.sockets.take(Place::Reserved)
    }

    fn join(&mut self, slot: Slot, socket: Slot) {
        assert_eq!(self.sockets.slots[slot as usize], Place::Reserved, "only who has no socket is given one");
        self.pipe(socket).slot = Some(slot);
        self.sockets.slots[slot as usize] = std::mem::replace(&mut self.sockets.slots[socket as usize], Place::Free);
    }

    fn move_to(&mut self, slot: Slot, shard: u8, read: Vec<u8>) {
        if let Place::Pipe(pipe) = self.sockets.slots[slot as usize] {
            self.sockets.moved.push((pipe, shard, read));
        }
        self.free(slot);
    }

    fn hand_over(&mut self, slot: Slot, read: Vec<u8>) {
        self.pipe(slot).handed = Some(read);
        self.free(slot);
    }
}
