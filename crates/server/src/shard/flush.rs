//! Writing: at the end of a turn every connection that has something gets one write.
//!
//! A pass walks the rooms that have a run and writes it to all who share it, then flushes the outboxes of everybody
//! else. Its budget may be spent before a huge room is through; then it goes on in the next turn, and until then no new
//! news are taken (HAZARDS 6). What the kernel does not take stays in the outbox, up to 64 KiB and one item; beyond that
//! the connection is lagging and goes on from the log (invariant 6).

use std::io;

use domain::event::News;
use domain::id::Offset;
use domain::limits;

use super::connection::{Connection, Lag, Phase};
use super::fan::{is_relayed, missed};
use super::hub::{HOLE, Piece, Run};
use super::{Net, Shard, Slot};

/// Writes in one turn; the rest go on in the next.
const WRITES_PER_TURN: usize = 8 * 1024;

/// How far a pass has come.
#[derive(Debug, Default)]
pub(super) struct Walk {
    room: usize,
    list: usize,
    place: usize,
}

/// What a write did.
enum Wrote {
    All,
    Some,
    Gone,
}

impl Shard {
    /// Writes what there is; true when everything was offered to the kernel.
    pub(super) fn flush(&mut self, net: &mut dyn Net) -> bool {
        let mut budget = WRITES_PER_TURN;
        let mut walk = self.walk.take().unwrap_or_default();
        self.hub.walking = true;
        let done = self.walk_rooms(&mut walk, &mut budget, net);
        // A pass that goes on in the next turn still walks the lists.
        self.hub.walking = !done;
        if !done {
            self.walk = Some(walk);
        } else if !self.hub.active.is_empty() {
            self.end_pass();
        }
        for slot in std::mem::take(&mut self.to_flush) {
            if self.get(slot).is_some_and(|connection| std::mem::take(&mut connection.dirty)) {
                self.take_run(slot);
                self.flush_one(slot, net);
                self.weigh(slot);
            }
        }
        done
    }

    /// Whether a pass is under way: no news are taken until it is through.
    pub(super) fn is_walking(&self) -> bool {
        self.walk.is_some()
    }

    fn walk_rooms(&mut self, walk: &mut Walk, budget: &mut usize, net: &mut dyn Net) -> bool {
        while let Some(room) = self.hub.active.get(walk.room).copied() {
            while walk.list < self.hub.rooms[room as usize].lists.len() {
                loop {
                    let list = &self.hub.rooms[room as usize].lists[walk.list];
                    let Some(slot) = list.slots.get(walk.place).copied() else { break };
                    if *budget == 0 {
                        return false;
                    }
                    walk.place += 1;
                    if slot != HOLE {
                        *budget -= usize::from(self.write_run(slot, room, walk.list, net));
                        self.weigh(slot);
                    }
                }
                (walk.list, walk.place) = (walk.list + 1, 0);
            }
            (walk.room, walk.list) = (walk.room + 1, 0);
        }
        true
    }

    fn end_pass(&mut self) {
        let rooms = self.hub.end_pass();
        self.pass += 1;
        for room in rooms {
            for list in 0..self.hub.rooms[room as usize].lists.len() {
                self.mend(room, Some(list));
            }
            self.mend(room, None);
            self.hub.forget_if_empty(room);
        }
    }

    /// Closes the holes that were left while lists were walked.
    fn mend(&mut self, room: u32, list: Option<usize>) {
        let entry = &mut self.hub.rooms[room as usize];
        let slots = match list {
            Some(list) => &mut entry.lists[list].slots,
            None => &mut entry.singles,
        };
        let mut place = 0;
        while place < slots.len() {
            if slots[place] != HOLE {
                place += 1;
                continue;
            }
            slots.swap_remove(place);
            let Some(moved) = slots.get(place).copied().filter(|slot| *slot != HOLE) else { continue };
            if let Some(connection) = self.connections[moved as usize].as_deref_mut()
                && let Some(seat) = connection.seats.iter_mut().find(|seat| seat.room == room)
            {
                seat.place = u32::try_from(place).unwrap_or(HOLE);
            }
        }
    }

    /// The run of its room to one who shares it, behind what it has been said alone; true when a write was made.
    fn write_run(&mut self, slot: Slot, room: u32, list: usize, net: &mut dyn Net) -> bool {
        let run = &self.hub.rooms[room as usize].lists[list].run;
        let Some(connection) = self.connections[slot as usize].as_deref_mut() else { return false };
        if !connection.is_level() {
            return false;
        }
        let from = if connection.pass == self.pass { connection.taken as usize } else { 0 };
        let rest = &run.bytes[from..];
        (connection.pass, connection.taken) = (self.pass, u32::try_from(run.bytes.len()).unwrap_or(u32::MAX));
        if rest.is_empty() || connection.blocked || !connection.outbox.is_empty() || connection.is_polled() {
            if append(connection, run, from, &mut self.tally.lagged) == Kept::NotAll {
                self.overrun(slot);
                return true;
            }
            if connection.outbox.is_empty() || connection.blocked {
                return false;
            }
            connection.dirty = false;
            self.flush_one(slot, net);
            return true;
        }
        self.tally.writes += 1;
        let now = self.wheel.tick(self.now);
        match net.write(slot, rest) {
            Ok(taken) if taken == rest.len() => connection.moved = now,
            Ok(taken) => {
                connection.blocked = true;
                connection.moved = now;
                connection.outbox.extend_from_slice(&rest[taken..]);
                let kept = trim(connection, run, from + taken, &mut self.tally.lagged);
                self.blocked(slot, kept);
            }
            Err(error) if is_wait(&error) => {
                connection.blocked = true;
                connection.moved = now;
                let kept = append(connection, run, from, &mut self.tally.lagged);
                self.blocked(slot, kept);
            }
            Err(_) => self.gone(slot, net),
        }
        true
    }

    /// The kernel takes no more of it for now.
    fn blocked(&mut self, slot: Slot, kept: Kept) {
        match kept {
            Kept::All => self.arm(slot),
            Kept::NotAll => self.overrun(slot),
        }
    }

    /// What a connection has not yet taken of its room's run goes to its outbox, so that what is said to it alone comes
    /// after it.
    pub(super) fn take_run(&mut self, slot: Slot) {
        let Some(connection) = self.connections.get_mut(slot as usize).and_then(|c| c.as_deref_mut()) else { return };
        let Some(seat) = connection.seats.iter().find(|seat| seat.shares).copied() else { return };
        let dialect = connection.dialect;
        let lists = &self.hub.rooms[seat.room as usize].lists;
        let Some(run) = lists.iter().find(|list| list.dialect == dialect).map(|list| &list.run) else { return };
        let from = if connection.pass == self.pass { connection.taken as usize } else { 0 };
        (connection.pass, connection.taken) = (self.pass, u32::try_from(run.bytes.len()).unwrap_or(u32::MAX));
        if from == run.bytes.len() || !connection.is_level() {
            return;
        }
        let kept = append(connection, run, from, &mut self.tally.lagged);
        self.queue_flush(slot);
        if kept == Kept::NotAll {
            self.overrun(slot);
        }
    }

    /// Writes a connection's outbox.
    pub(super) fn flush_one(&mut self, slot: Slot, net: &mut dyn Net) {
        let now = self.wheel.tick(self.now);
        let Some(connection) = self.get(slot) else { return };
        if connection.is_polled() {
            return self.flush_polled(slot, net);
        }
        if connection.waiting() > 0 && !connection.blocked {
            match write_out(connection, slot, net) {
                Wrote::All => {
                    connection.moved = now;
                    connection.outbox = Vec::new();
                    connection.sent = 0;
                    self.tally.writes += 1;
                }
                Wrote::Some => {
                    let begun = !connection.blocked;
                    connection.blocked = true;
                    if begun {
                        connection.moved = now;
                    }
                    self.tally.writes += 1;
                    self.arm(slot);
                    return;
                }
                Wrote::Gone => return self.gone(slot, net),
            }
        }
        self.drained(slot, net);
    }

    /// Answers the poll that waits with what there is to tell.
    fn flush_polled(&mut self, slot: Slot, net: &mut dyn Net) {
        let Some(connection) = self.get(slot) else { return };
        if connection.polled().is_some_and(|polled| polled.abandoned) {
            return self.gone(slot, net);
        }
        if connection.waiting() > 0 && !connection.blocked {
            if self.give_to_poll(slot) {
                self.tally.writes += 1;
            } else if let Some(connection) = self.get(slot) {
                connection.blocked = true;
                self.arm(slot);
                return;
            }
        }
        self.drained(slot, net);
    }

    /// Everything is with the kernel: whoever is behind goes on, whoever is leaving is done.
    fn drained(&mut self, slot: Slot, net: &mut dyn Net) {
        let Some(connection) = self.get(slot) else { return };
        if connection.waiting() > 0 {
            return;
        }
        if matches!(connection.phase, Phase::Closing) {
            if connection.is_polled() {
                return self.gone(slot, net);
            }
            if !connection.shut {
                connection.shut = true;
                net.shut(slot);
            }
            return self.end_if_done(slot, net);
        }
        if connection.lag.is_some() {
            self.go_on(slot);
        } else {
            self.queue_read(slot);
        }
    }
}

/// Whether all of a run is in the outbox, or will come from the log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    All,
    /// A message is lost that no log has.
    NotAll,
}

fn is_wait(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn write_out(connection: &mut Connection, slot: Slot, net: &mut dyn Net) -> Wrote {
    match net.write(slot, &connection.outbox[connection.sent as usize..]) {
        Ok(taken) => {
            connection.sent += u32::try_from(taken).unwrap_or(0);
            if connection.waiting() == 0 { Wrote::All } else { Wrote::Some }
        }
        Err(error) if is_wait(&error) => Wrote::Some,
        Err(_) => Wrote::Gone,
    }
}

/// Adds a run from a place on to an outbox, or lets the connection fall behind when there is no room for it.
fn append(connection: &mut Connection, run: &Run, from: usize, lagged: &mut u64) -> Kept {
    if from == run.bytes.len() {
        return Kept::All;
    }
    connection.outbox.extend_from_slice(&run.bytes[from..]);
    if connection.blocked { trim(connection, run, from, lagged) } else { Kept::All }
}

/// Cuts an outbox that ends with a run from `from` on down to its bound: whole pieces only, the one under way kept. The
/// rest will come from the log.
fn trim(connection: &mut Connection, run: &Run, from: usize, lagged: &mut u64) -> Kept {
    let tail = run.bytes.len() - from;
    let before = connection.waiting() - tail;
    if connection.waiting() <= limits::OUTBOX_BYTES_MAX {
        return Kept::All;
    }
    // A piece that was begun has to be finished; otherwise as many as fit, and one that may exceed the bound.
    let begun = from > 0 && run.marks.iter().all(|(end, _)| *end != from);
    let room = limits::OUTBOX_BYTES_MAX.saturating_sub(before);
    let mut keep = run.piece_at(from);
    if begun {
        keep += 1;
    }
    while keep < run.marks.len() && run.marks[keep].0 - from <= room {
        keep += 1;
    }
    let kept_to = if keep == 0 { 0 } else { run.marks[keep - 1].0.max(from) };
    connection.outbox.truncate(connection.outbox.len() - (run.bytes.len() - kept_to));
    // A burst's room is not kept for as long as the peer sleeps.
    connection.outbox.shrink_to_fit();
    let rest = &run.marks[keep..];
    if rest.iter().any(|(_, piece)| matches!(piece, Piece::Signal(signal) if is_relayed(signal))) {
        return Kept::NotAll;
    }
    let Some(first) = rest.iter().find_map(|(_, piece)| match piece {
        Piece::Event(offset) => Some(*offset),
        Piece::Signal(_) => None,
    }) else {
        return Kept::All; // Only signals are lost, and those may be.
    };
    *lagged += 1;
    connection.lag = Some(Box::new(Lag { cursor: Offset(first.0 - 1), ..Lag::default() }));
    for (_, piece) in rest {
        if let Piece::Signal(signal) = piece {
            missed(connection, &News::Signal(signal.clone()));
        }
    }
    Kept::All
}
