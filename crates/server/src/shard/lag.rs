//! Catching up: a connection that is behind reads the log from its own cursor until it is level, at its own pace; and the
//! shard itself does, when announcements are missing. It is always the same question, `since(offset)`.

use std::sync::Arc;

use adapters::port::{Failure, Found, Read};
use domain::event::{Event, News, SignalKind};
use domain::id::{Millis, Offset};
use domain::limits;

use super::fate::Fates;
use super::{Mail, ReadFor, Shard, Slot};
use crate::node::{Announcement, Token};

impl Shard {
    /// One who is behind has taken everything so far: more is read for it, or it is level.
    pub(super) fn go_on(&mut self, slot: Slot) {
        let head = self.head;
        let walking = self.is_walking();
        let Some(connection) = self.get(slot) else { return };
        let Some(lag) = &mut connection.lag else { return };
        if lag.reading {
            return;
        }
        if lag.cursor < head {
            lag.reading = true;
            let (id, after) = (connection.id, lag.cursor);
            let pairs_of = connection.who.as_ref().filter(|_| connection.follows).map(|who| who.id.clone());
            let rooms = connection.seats.iter().map(|seat| seat.room).collect::<Vec<_>>();
            let rooms = rooms.iter().map(|room| self.hub.rooms[*room as usize].key.clone()).collect();
            let token = self.token(ReadFor::Connection(id));
            let ask = Read::Since { after, upto: head, rooms: Some(rooms), pairs_of, bytes: limits::CATCH_UP_BYTES };
            self.out.reads.push((token, ask));
        } else if walking {
            // While a pass is under way nobody joins it; the turn that ends it comes by here again.
            self.queue_flush(slot);
        } else {
            self.level(slot);
        }
    }

    /// From now on it is told what happens as it happens; first the difference that it missed of presence.
    fn level(&mut self, slot: Slot) {
        self.skip_all(slot);
        let Some(lag) = self.get(slot).and_then(|connection| connection.lag.take()) else { return };
        let (now, moment) = (self.wheel.tick(self.now), self.now);
        if let Some(connection) = self.get(slot) {
            // Its deadlines rested while it was behind.
            if let Some(session) = &mut connection.session {
                session.rested(moment);
            }
            (connection.heard, connection.ponged, connection.pinged) = (now, now, now);
        }
        let told = lag.told;
        for missed in lag.missed {
            let came = matches!(missed.last.kind, SignalKind::Came { .. });
            if came == missed.first_came {
                self.tell_to(slot, &News::Signal(missed.last), true);
            }
        }
        self.have_session(slot, |session, steps| session.level(told, moment, steps));
        self.want_proof_of_all(slot);
        self.arm(slot);
        self.queue_read(slot);
    }

    /// Whoever follows is asked whether it has heard what it was told while it was behind.
    fn want_proof_of_all(&mut self, slot: Slot) {
        if self.get(slot).is_some_and(|connection| connection.attends || connection.proof.is_some()) {
            self.want_proof(slot);
        }
    }

    pub(super) fn found(&mut self, token: Token, found: Result<Found, Failure>) {
        let Some(reads_for) = self.reads.remove(&token) else { return };
        let events = match found {
            Ok(Found::History(entries, ..)) => {
                if let ReadFor::Page(id, page) = reads_for
                    && let Some(slot) = self.slot_of(id)
                {
                    self.page_found(slot, *page, entries);
                }
                return;
            }
            Ok(Found::Events { events, scanned, fates, gone }) => Some((events, scanned, fates, gone)),
            Ok(_) => None,
            Err(failure) => {
                tracing::error!(error = %failure, "The log could not be read for those who are behind.");
                None
            }
        };
        match reads_for {
            ReadFor::Gap => self.found_missing(events.map(|(events, ..)| events)),
            ReadFor::Page(id, _) => {
                if let Some(slot) = self.slot_of(id) {
                    self.close(slot, dialects::Close { code: 1011, reason: "the log can't be read" });
                }
            }
            ReadFor::Connection(id) => {
                let Some(slot) = self.slot_of(id) else { return };
                match events {
                    // It was let go of while the connection was behind. Who follows is told of what there is.
                    Some((.., true)) if !self.is_undelivered(slot) => {
                        self.close(slot, dialects::Close { code: 1013, reason: "what was missed is kept no more" });
                    }
                    Some((events, scanned, fates, _)) => self.found_behind(slot, &events, &fates, scanned),
                    // It can't be served rightly, so it is not served: it may come back and resume.
                    None => self.close(slot, dialects::Close { code: 1011, reason: "the log can't be read" }),
                }
            }
        }
    }

    /// Whether it is told what was not delivered yet: as much of it as is kept.
    fn is_undelivered(&mut self, slot: Slot) -> bool {
        self.get(slot).and_then(|connection| connection.lag.as_ref()).is_some_and(|lag| lag.undelivered)
    }

    fn found_behind(&mut self, slot: Slot, events: &[Arc<Event>], fates: &Fates, scanned: Offset) {
        for event in events {
            self.tell_behind(slot, event, fates);
        }
        let head = self.head;
        if let Some(connection) = self.get(slot)
            && let Some(lag) = &mut connection.lag
        {
            lag.reading = false;
            lag.cursor = scanned.min(head).max(lag.cursor);
        }
        self.next_page(slot);
        self.queue_flush(slot);
    }

    /// Announcements are missing: after a moment the log is asked, and again until the shard has what it knows of.
    pub(super) fn mind_the_gap(&mut self) {
        if !self.mail.is_empty() || self.is_walking() || self.gap_reading {
            return;
        }
        if self.known_head <= self.head {
            self.gap_since = None;
            return;
        }
        let since = *self.gap_since.get_or_insert(self.now);
        if self.now.since(since) >= limits::GAP_WAIT_MS {
            self.gap_reading = true;
            self.tally.gaps += 1;
            let token = self.token(ReadFor::Gap);
            let (after, bytes) = (self.head, limits::CATCH_UP_BYTES * 4);
            self.out
                .reads
                .push((token, Read::Since { after, upto: Offset(u64::MAX), rooms: None, pairs_of: None, bytes }));
        }
    }

    fn found_missing(&mut self, events: Option<Vec<Arc<Event>>>) {
        self.gap_reading = false;
        self.gap_since = Some(self.now);
        if let Some(events) = events.filter(|events| !events.is_empty()) {
            // In front of what is in the mailbox: it came before that. If there is more, it is asked for at once.
            self.mail.push_front(Mail::Announce(Announcement { events: events.into() }));
            self.gap_since = Some(Millis(self.now.0.saturating_sub(limits::GAP_WAIT_MS)));
        }
    }
}
