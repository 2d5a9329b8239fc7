//! Sockets that take the place of the requests by which a session is polled.
//!
//! ```text
//!  polled ──(a socket: `succeed`)──► probed ──(its session says `Release`)──► released ──(`Replace`)──► moved
//!    ▲                                 │ the socket closes                        │
//!    └─────────────────────────────────┴──────────────────────────────────────────┘
//! ```
//!
//! While it is released a poll waits for a moment only: the client sends its last word by requests when its poll has been
//! answered, and then says so on the socket. One socket may try at a time.

use dialects::Sid;

use super::connection::Connection;
use super::{Net, Shard, Slot};
use crate::frame::{self, Opcode};

impl Shard {
    /// A socket is about to take over: the poll that waits is answered at once.
    pub(super) fn release(&mut self, slot: Slot, successor: Sid, text: Vec<u8>) {
        let me = self.get(slot).map(|connection| connection.id);
        let Some(polled_slot) = self.polled_slot(successor) else { return };
        let Some(polled) = self.get(polled_slot).and_then(Connection::polled) else { return };
        if polled.successor != me {
            return;
        }
        polled.release = Some(text);
        self.give_release(polled_slot);
    }

    /// The time is up that a poll may wait while a socket is about to take over.
    pub(super) fn release_if_due(&mut self, slot: Slot) {
        let now = self.wheel.now();
        let due = self.get(slot).and_then(Connection::polled).and_then(|polled| polled.release_at());
        if due.is_some_and(|due| due <= now) {
            self.give_release(slot);
        }
    }

    fn give_release(&mut self, slot: Slot) {
        let Some(connection) = self.get(slot) else { return };
        let empty = connection.waiting() == 0;
        let Some(polled) = connection.polled() else { return };
        let (Some(_), Some(text)) = (&polled.get, polled.release.clone()) else { return };
        if empty {
            self.say_raw(slot, |out| frame::encode_into(out, Opcode::Text, &text));
        }
        self.queue_flush(slot);
    }

    /// Notes that a socket wants to take the place of a polled session; false when that can't be, because another one
    /// does, or did.
    pub(super) fn succeed(&mut self, slot: Slot, sid: Sid) -> bool {
        let Some(id) = self.get(slot).map(|connection| connection.id) else { return false };
        let Some(polled_slot) = self.polled_slot(sid) else { return false };
        let Some(polled) = self.get(polled_slot).and_then(Connection::polled) else { return false };
        if polled.successor.is_some() {
            return false;
        }
        polled.successor = Some(id);
        true
    }

    /// A socket takes the place of a polled session's requests. Gives the session's slot; none when it is gone, or when
    /// something that was posted is still to be heard: what the socket says would overtake it.
    pub(super) fn replace(&mut self, slot: Slot, sid: Sid, net: &mut dyn Net) -> Option<Slot> {
        let doors = self.parts.dialects.clone();
        let id = self.get(slot)?.id;
        let session = self.polled_slot(sid)?;
        let polled =
            self.get(session)?.polled().filter(|polled| polled.successor == Some(id) && polled.post.is_none())?;
        (polled.moved, polled.release, polled.successor) = (true, None, None);
        let get = polled.get.take();
        self.polled -= 1;
        if let Some((token, _, ask)) = get
            && let Some(polling) = doors[usize::from(self.get(session)?.dialect)].polling()
        {
            self.out.answers.push((token, polling.moved(&ask)));
        }
        let now = self.wheel.tick(self.now);
        let mut socket = self.connections[slot as usize].take()?;
        self.tally.held_bytes -= u64::from(socket.weighed);
        // It was counted as open when it was accepted; it is the session's socket from now on.
        self.tally.doors[usize::from(socket.dialect)].open -= 1;
        net.join(session, slot);
        let connection = self.get(session)?;
        connection.decoder = std::mem::take(&mut socket.decoder);
        connection.kept = std::mem::take(&mut socket.kept);
        // What the socket was told and has not taken yet comes first.
        let rest = std::mem::take(&mut connection.outbox);
        connection.outbox = socket.outbox.split_off(socket.sent as usize);
        connection.outbox.extend_from_slice(&rest);
        (connection.sent, connection.readable, connection.blocked) = (0, true, socket.blocked);
        (connection.heard, connection.moved) = (now, now);
        if let Some(session) = &mut connection.session {
            session.upgraded();
        }
        self.queue_flush(session);
        self.queue_read(session);
        self.arm(session);
        Some(session)
    }
}
