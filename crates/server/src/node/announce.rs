//! Telling everybody what happened, in offset order, and hearing of what nobody told: another node's events, or this
//! one's from before a failure. Who was decided on less than a shard knows waits here until the node knows it too.

use std::sync::Arc;

use adapters::port::{Failure, Found, Read};
use domain::event::Event;
use domain::id::{Millis, Offset};

use super::Node;
use super::call::{Announcement, Output};
use super::desk::{Pending, Waiter};
use super::found::log_read_failure;

impl Node {
    /// Reads what was committed and not announced here: another node's, or this one's before a failure.
    pub(super) fn catch_up(&mut self) {
        if !self.catching_up {
            self.catching_up = true;
            let ask = Read::Since {
                after: self.head.offset,
                upto: Offset(u64::MAX),
                rooms: None,
                pairs_of: None,
                bytes: 1 << 20,
            };
            self.read(Waiter::CatchUp, ask);
        }
    }

    pub(super) fn found_unannounced(&mut self, found: Result<Found, Failure>) {
        self.catching_up = false;
        match found {
            Ok(Found::Events { events, .. }) => {
                let more = !events.is_empty();
                self.announce(events);
                if more {
                    self.catch_up();
                }
            }
            other => log_read_failure(&other),
        }
    }

    /// Announces events in offset order, follows them, and moves the head as far as there is no gap.
    pub(super) fn announce(&mut self, events: Vec<Arc<Event>>) {
        let (mut run, mut reached) = (Vec::<Arc<Event>>::with_capacity(events.len()), self.head.offset);
        for event in events {
            if event.offset <= self.head.offset {
                continue;
            }
            // What was announced ahead of the head comes again with what lies before it, and was applied.
            let new = if event.offset == reached.next() {
                reached = event.offset;
                !self.ahead.remove(&event.offset)
            } else {
                self.ahead.insert(event.offset)
            };
            if new {
                self.rooms.apply(&event);
            }
            if run.last().is_some_and(|last| last.offset.next() != event.offset) {
                self.announce_run(std::mem::take(&mut run));
            }
            run.push(event);
        }
        if !run.is_empty() {
            self.announce_run(run);
        }
    }

    fn announce_run(&mut self, run: Vec<Arc<Event>>) {
        let (first, last) = (run[0].offset, run[run.len() - 1].cursor());
        self.out.push(Output::Announce(Announcement { events: run.into() }));
        if first == self.head.offset.next() {
            self.head = last;
        } else {
            self.catch_up();
        }
    }

    /// A call that a shard gave back, or whose page is ahead of what is known here, waits until everything that
    /// was told there is known here. Decided at once, it would be given back again, and again, until the log is looked at
    /// next.
    pub(super) fn wait_for_log(&mut self, pending: Pending, upto: Offset) {
        self.desk.behind.push((upto, pending));
        // What is in flight may be what it waits for; it is looked at again when that has its outcome.
        if self.in_flight.is_none() {
            self.catch_up();
        }
    }

    /// Whether somebody waits for more of the log than was announced.
    pub(super) fn is_behind(&self) -> bool {
        self.desk.behind.iter().any(|(upto, _)| *upto > self.head.offset)
    }

    /// Those who waited for the log and for whom it has come.
    pub(super) fn go_on_with_log(&mut self, now: Millis) {
        let head = self.head.offset;
        let (ready, rest) = std::mem::take(&mut self.desk.behind).into_iter().partition(|(upto, _)| *upto <= head);
        self.desk.behind = rest;
        let ready: Vec<(Offset, Pending)> = ready;
        for (_, pending) in ready {
            self.resume(pending, now);
        }
    }
}
