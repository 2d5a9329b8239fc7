//! A shard's thread: its poll, its listeners, and the turn. It gathers what is readable and what is in the mailbox, has
//! the pure step take it, and passes on what the step wants done. It never blocks but in the poll.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use dialects::Dialect;
use domain::id::Millis;
use domain::limits;
use mio::net::TcpListener;
use mio::{Events, Poll};

use super::addresses::Addresses;
use super::sockets::{Sockets, WAKER};
use super::store::Asker;
use super::{UrlDoor, Wiring, spawn};
use crate::bus::Hint;
use crate::health::Report;
use crate::http::HttpDoor;
use crate::mailbox::{Mailbox, Order};
use crate::shard::{Asking, Gate, Input, Outputs, Shard};

/// Events taken from the poll at once.
const EVENTS_PER_TURN: usize = 1024;
/// Between two reports, in milliseconds.
const REPORT_MS: u64 = 250;
/// How long to wait when the system has no more descriptors, in milliseconds.
const BREATHER_MS: u64 = 100;
/// How often that is said, in milliseconds.
const WARN_MS: u64 = 60_000;

/// What a shard's thread is made of.
pub(super) struct Parts {
    pub(super) id: u8,
    pub(super) shard: Shard,
    pub(super) gate: Arc<dyn Gate>,
    pub(super) dialects: Arc<Vec<Box<dyn Dialect>>>,
    pub(super) poll: Poll,
    pub(super) listeners: Vec<TcpListener>,
    pub(super) http: HttpDoor,
    pub(super) addresses: Arc<Addresses>,
    pub(super) url: UrlDoor,
    pub(super) wiring: Arc<Wiring>,
}

/// Starts a shard's thread. It ends when it is told to.
pub(super) fn start(parts: Parts) -> io::Result<JoinHandle<()>> {
    let registry = parts.poll.registry().try_clone()?;
    let sockets = Sockets::new(registry, parts.http, parts.wiring.mailboxes.clone());
    let mut doors = Vec::new();
    for (place, mut listener) in parts.listeners.into_iter().enumerate() {
        sockets.listen(&mut listener, place)?;
        doors.push(Door { listener, waiting: true });
    }
    let mut thread = Thread {
        id: parts.id,
        mailbox: parts.wiring.mailboxes[usize::from(parts.id)].clone(),
        shard: parts.shard,
        gate: parts.gate,
        dialects: parts.dialects,
        sockets,
        doors,
        addresses: parts.addresses,
        url: parts.url,
        wiring: parts.wiring,
        inputs: Vec::new(),
        out: Outputs::default(),
        accept_again_at: None,
        warned_at: None,
        over_address_limit: 0,
        reported_at: Millis(0),
        report_due: true,
        stopped: false,
    };
    let mut poll = parts.poll;
    spawn(&format!("shard-{}", parts.id), move || {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        let mut next = None;
        while !thread.stopped {
            match poll.poll(&mut events, thread.sleep(next)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => panic!("a poll can't fail otherwise: {error}"),
            }
            next = thread.turn(&events);
        }
    })
}

struct Door {
    listener: TcpListener,
    /// Connections may wait there, as far as is known.
    waiting: bool,
}

struct Thread {
    id: u8,
    mailbox: Arc<Mailbox>,
    shard: Shard,
    gate: Arc<dyn Gate>,
    dialects: Arc<Vec<Box<dyn Dialect>>>,
    sockets: Sockets,
    doors: Vec<Door>,
    addresses: Arc<Addresses>,
    url: UrlDoor,
    wiring: Arc<Wiring>,
    inputs: Vec<Input>,
    out: Outputs,
    /// The system had no more descriptors; not before this.
    accept_again_at: Option<Millis>,
    warned_at: Option<Millis>,
    over_address_limit: u64,
    reported_at: Millis,
    report_due: bool,
    stopped: bool,
}

impl Thread {
    /// How long to wait in the poll.
    fn sleep(&self, next: Option<Millis>) -> Option<Duration> {
        let now = self.wiring.clock.now();
        let accept = if self.doors.iter().any(|door| door.waiting) { self.accept_again_at.or(Some(now)) } else { None };
        let report = self.report_due.then(|| self.reported_at.plus(REPORT_MS));
        let at = [next, accept, report].into_iter().flatten().min()?;
        Some(Duration::from_millis(at.since(now)))
    }

    fn turn(&mut self, events: &Events) -> Option<Millis> {
        for event in events {
            let token = event.token();
            if token == WAKER {
                continue;
            }
            if let Some(door) = self.doors.get_mut(WAKER.0 - 1 - token.0) {
                door.waiting = true;
            } else if let Ok(slot) = u32::try_from(token.0) {
                if event.is_read_closed() || event.is_error() {
                    self.sockets.hung_up(slot);
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    self.inputs.push(Input::Readable(slot));
                }
                if event.is_writable() {
                    self.inputs.push(Input::Writable(slot));
                }
            }
        }
        let now = self.wiring.clock.now();
        self.accept(now);
        // What the step has not come to is its own queue's; the mailbox and its bounds hold the rest.
        let took = self.shard.mail_waiting() == 0;
        if took {
            let mut orders = Vec::new();
            self.mailbox.take(&mut self.inputs, &mut orders);
            orders.into_iter().for_each(|order| self.carry_out(order));
        }
        let next = self.shard.step(now, &mut self.inputs, &mut self.sockets, &mut self.out);
        self.pass_on();
        self.inputs.extend(self.sockets.take_ended().map(Input::Readable));
        self.report(now);
        // A mailbox that was left for the step's own queue has rung already and will not ring again: it is come back for.
        if took && self.inputs.is_empty() { next } else { Some(now) }
    }

    /// Accepts what waits, up to the turn's bound.
    fn accept(&mut self, now: Millis) {
        if self.accept_again_at.is_some_and(|at| now < at) {
            return;
        }
        self.accept_again_at = None;
        let mut left = limits::ACCEPTS_PER_TURN_MAX;
        for door in &mut self.doors {
            while door.waiting && left > 0 {
                left -= 1;
                match door.listener.accept() {
                    Ok((stream, from)) => match self.addresses.admit(from.ip()) {
                        Ok(seat) => match self.sockets.accepted(stream, seat) {
                            Ok(slot) => self.inputs.push(Input::Accepted(slot)),
                            Err(error) => tracing::warn!(%error, "A connection could not be taken in."),
                        },
                        Err(super::addresses::Full) => self.over_address_limit += 1,
                    },
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => door.waiting = false,
                    Err(error) if is_the_peers(&error) => {}
                    Err(error) => {
                        if self.warned_at.is_none_or(|at| now.since(at) >= WARN_MS) {
                            self.warned_at = Some(now);
                            tracing::warn!(%error, "No connection can be accepted just now.");
                        }
                        self.accept_again_at = Some(now.plus(BREATHER_MS));
                        return;
                    }
                }
            }
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Adopt(adopted) => match self.sockets.adopt(adopted) {
                Ok(slot) => self.inputs.push(Input::Accepted(slot)),
                Err(error) => tracing::warn!(%error, "A connection could not be taken back from HTTP."),
            },
            Order::Deaf => {
                for mut door in self.doors.drain(..) {
                    if let Err(error) = self.sockets.unlisten(&mut door.listener) {
                        tracing::warn!(%error, "A listener could not be let go of.");
                    }
                }
            }
            Order::Stop => self.stopped = true,
        }
    }

    fn pass_on(&mut self) {
        if !self.out.node.is_empty() {
            self.wiring.inbox.put(self.out.node.drain(..));
        }
        if !self.out.reads.is_empty() {
            self.wiring.reads.put(Asker::Shard(self.id), self.out.reads.drain(..));
        }
        for Asking { token, credential, dialect } in self.out.asks.drain(..) {
            let Some(door) = self.dialects.get(usize::from(dialect)) else { continue };
            let mailbox = self.mailbox.clone();
            let then = move |answer| {
                mailbox.put([Input::Identified(token, answer)]);
                mailbox.ring();
            };
            self.gate.ask(&credential, door.name(), self.wiring.clock.now(), Box::new(then));
        }
        for (token, answer) in self.out.answers.drain(..) {
            self.wiring.polled.answer(token, answer);
        }
        for (token, outcome) in self.out.managed.drain(..) {
            self.wiring.managed.answer(token, outcome);
        }
        for event in self.out.integrations.drain(..) {
            self.url.tell(event, &mut self.inputs);
        }
        if !self.out.signals.is_empty() {
            let hints: Vec<Hint> = self.out.signals.drain(..).map(Hint::Signal).collect();
            self.wiring.bus.publish(&hints);
            self.wiring.bus.deliver();
        }
    }

    /// Says how it is, at most a few times a second, and always after the last turn before a pause.
    fn report(&mut self, now: Millis) {
        self.report_due = now.since(self.reported_at) < REPORT_MS;
        if !self.report_due {
            self.reported_at = now;
            self.wiring.health.report(
                self.id,
                Report {
                    tally: self.shard.tally().clone(),
                    sockets: self.sockets.len(),
                    over_address_limit: self.over_address_limit,
                    hints_dropped: self.mailbox.dropped(),
                },
            );
        }
    }
}

/// A connection that ended before it was accepted; the next one may be well.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::TimedOut
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
    )
}
