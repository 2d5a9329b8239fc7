//! The feed's thread: reads the log from a cursor of its own, has the dialects say what is to be told, gives it to the
//! adapter, and keeps how far it has come. A reader like any other: it has one part of the log in memory at a time, and
//! neither node nor writer ever waits for it.
//!
//! The place is kept at most once a second: a commit for every message would double the syncs. So after a kill what the last
//! second brought is told again, which is what at least once means.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use adapters::port::{Batch, Failure, Feed, FeedPlace, Found, Outcome, Posted, Read, Reader, Write, Writer};
use domain::id::{Cursor, Life, Millis};

use super::store::{Job, WriterDoor};
use super::{Wiring, other_answer, spawn};
use crate::letters::{Part, letters, stretch};

/// What is read of the log at once, in bytes of content.
const PART_BYTES: usize = 128 * 1024;
/// Rows of the outbox that are read at once; each may name a thousand messages.
const ROWS_MAX: usize = 64;
/// How long it waits for news, in milliseconds, before it looks by itself whether there are any and whether the other side
/// is still there.
const LOOK_MS: u64 = 1000;
/// How long it waits before it tries again, in milliseconds (facts 8: every 5 s).
const RETRY_MS: u64 = 5000;
/// How often it keeps its place, in milliseconds.
const KEEP_MS: u64 = 1000;

/// Wakes the feed's thread. Without one nobody waits, and a ring is an uncontended lock.
#[derive(Default)]
pub struct Bell {
    /// A std mutex, held for a look.
    state: Mutex<Rung>,
    wakes: Condvar,
}

#[derive(Default)]
struct Rung {
    rung: bool,
    ended: bool,
}

impl Bell {
    /// There is something new.
    pub fn ring(&self) {
        self.change(|state| state.rung = true);
    }

    fn end(&self) {
        self.change(|state| state.ended = true);
    }

    fn is_ended(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).ended
    }

    fn change(&self, change: impl FnOnce(&mut Rung)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.wakes.notify_all();
    }

    /// Waits this long, or until something is new when `for_news`; false when it is to end.
    fn wait(&self, most_ms: u64, for_news: bool) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let most = Duration::from_millis(most_ms);
        let waits = |state: &mut Rung| !(state.ended || for_news && state.rung);
        let (mut state, _) = self.wakes.wait_timeout_while(state, most, waits).unwrap_or_else(PoisonError::into_inner);
        state.rung = false;
        !state.ended
    }
}

/// Where the feed begins, found before anything can be said: at the place that was kept, else at the log's head, for what
/// was said before there was a feed was never meant for it.
///
/// # Errors
/// The store can't be read or written.
pub(super) fn first_place(reader: &mut dyn Reader, writer: &mut dyn Writer, life: Life) -> Result<FeedPlace, Failure> {
    let head = cursor(reader, &Read::Head)?.ok_or_else(other_answer)?;
    let Found::Feed(kept) = reader.read(&Read::Feed)? else { return Err(other_answer()) };
    if let Some(kept) = kept {
        let there = cursor(reader, &Read::At(kept.cursor.offset))?;
        if there == Some(kept.cursor) {
            return past_expired(reader, writer, life, kept);
        }
        tracing::warn!(
            kept = %kept.cursor,
            head = %head,
            "The log is another one than the feed knows: it begins again at the head, and what lies before may never be told."
        );
    } else {
        tracing::info!(head = %head, "The feed begins at the log's head.");
    }
    let place = FeedPlace { cursor: head, outbox: 0 };
    // What waits in the outbox belongs to the log that is gone.
    let all = FeedPlace { outbox: u64::MAX >> 1, ..place };
    writer.commit(&Batch { life, writes: vec![Write::Fed(all), Write::Fed(place)] })?;
    Ok(place)
}

/// Without a feed nothing waits for one: what was let go of meanwhile can't be told any more.
fn past_expired(
    reader: &mut dyn Reader,
    writer: &mut dyn Writer,
    life: Life,
    kept: FeedPlace,
) -> Result<FeedPlace, Failure> {
    let Found::Expired(expired) = reader.read(&Read::Expired)? else { return Err(other_answer()) };
    if kept.cursor.offset >= expired {
        return Ok(kept);
    }
    tracing::warn!(
        from = %kept.cursor.offset,
        to = %expired,
        "What was said while there was no feed was let go of (RETENTION), and is not told."
    );
    let cursor = cursor(reader, &Read::At(expired))?.ok_or_else(other_answer)?;
    let place = FeedPlace { cursor, ..kept };
    writer.commit(&Batch { life, writes: vec![Write::Fed(place)] })?;
    Ok(place)
}

fn cursor(reader: &mut dyn Reader, ask: &Read) -> Result<Option<Cursor>, Failure> {
    let Found::Cursor(cursor) = reader.read(ask)? else { return Err(other_answer()) };
    Ok(cursor)
}

/// What the feed's thread starts with.
pub(super) struct Parts {
    pub(super) feed: Box<dyn Feed>,
    pub(super) reader: Box<dyn Reader>,
    pub(super) writer: WriterDoor,
    pub(super) wiring: Arc<Wiring>,
    pub(super) life: Life,
    pub(super) place: FeedPlace,
}

/// The feed's thread, to end it by.
pub(super) struct Feeding {
    thread: JoinHandle<()>,
    end: Box<dyn Fn() + Send + Sync>,
    wiring: Arc<Wiring>,
}

impl Feeding {
    /// Ends it, after it has kept its place. To be done while writer and runtime still work.
    pub(super) fn stop(self) {
        self.wiring.feed.end();
        (self.end)();
        super::join(self.thread);
    }
}

/// Starts the feed's thread.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn start(parts: Parts) -> std::io::Result<Feeding> {
    let (end, wiring) = (parts.feed.ender(), parts.wiring.clone());
    let kept = parts.place;
    let kept_at = wiring.clock.now();
    let feeder = Feeder { kept, kept_at, trouble: None, parts };
    let thread = spawn("feed", move || feeder.run())?;
    Ok(Feeding { thread, end, wiring })
}

struct Feeder {
    parts: Parts,
    /// The place that was kept last, and when.
    kept: FeedPlace,
    kept_at: Millis,
    /// What was wrong the last time; none at first, so that the first success is told.
    trouble: Option<Trouble>,
}

/// What keeps the feed from going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Nothing,
    Away,
    Store,
}

impl Feeder {
    fn run(mut self) {
        loop {
            let (wait_ms, for_news) = match self.turn() {
                Ok(true) => (0, true),
                Ok(false) => (LOOK_MS, true),
                Err(()) => (RETRY_MS, false),
            };
            self.keep(false);
            if !self.parts.wiring.feed.wait(wait_ms, for_news) {
                break;
            }
        }
        self.keep(true);
    }

    /// Tells the next part; true when there was one. An error was logged when it was new.
    fn turn(&mut self) -> Result<bool, ()> {
        let part = self.gather().map_err(|failure| self.store_failed(&failure))?;
        let (letters, outbox) = letters(&part);
        let delivered = self.parts.feed.deliver(&letters);
        let (feed, behind) = (self.parts.feed.name(), self.behind());
        if let Err(why) = delivered {
            self.parts.wiring.health.feed_away(self.parts.place.cursor.offset);
            // What ends it is no news.
            if self.changes_to(Trouble::Away) && !self.parts.wiring.feed.is_ended() {
                tracing::warn!(feed, %why, behind, "The feed is away: what happens is kept, and told when it is back.");
            }
            return Err(());
        }
        if self.changes_to(Trouble::Nothing) {
            tracing::info!(feed, behind, "The feed is there.");
        }
        let place = FeedPlace { cursor: part.reached, outbox: outbox.unwrap_or(self.parts.place.outbox) };
        let moved = place != self.parts.place;
        self.parts.place = place;
        self.parts.wiring.health.fed(place.cursor.offset, letters.len() as u64);
        Ok(moved)
    }

    /// Events that were not told yet.
    fn behind(&self) -> u64 {
        self.parts.wiring.health.head().0.saturating_sub(self.parts.place.cursor.offset.0)
    }

    fn changes_to(&mut self, trouble: Trouble) -> bool {
        self.trouble.replace(trouble) != Some(trouble)
    }

    fn store_failed(&mut self, failure: &Failure) {
        if self.changes_to(Trouble::Store) {
            tracing::error!(error = %failure, "The feed can't read the store: nothing is told until it can.");
        }
    }

    /// What comes next: a part of the log, and the marks that belong behind it.
    fn gather(&mut self) -> Result<Part, Failure> {
        let place = self.parts.place;
        let reader = self.parts.reader.as_mut();
        // The outbox first: what its rows come after is in the log by then.
        let ask = Read::Outbox { after: place.outbox, most: ROWS_MAX };
        let Found::Outbox(rows) = reader.read(&ask)? else { return Err(other_answer()) };
        let head = cursor(reader, &Read::Head)?.ok_or_else(other_answer)?;
        let after = place.cursor.offset;
        let ask = Read::Since { after, upto: head.offset, rooms: None, pairs_of: None, bytes: PART_BYTES };
        let Found::Events { events, scanned, .. } = reader.read(&ask)? else { return Err(other_answer()) };
        let reached = match events.last() {
            Some(last) if last.offset == scanned => last.cursor(),
            Some(_) | None => cursor(reader, &Read::At(scanned))?.ok_or_else(other_answer)?,
        };
        let mut marks = Vec::with_capacity(rows.len());
        for row in rows.into_iter().take_while(|row| row.after <= scanned) {
            let messages = named(reader, &row)?;
            marks.push((row, messages));
        }
        Ok(Part { events, reached, marks })
    }

    /// Keeps the place, when it has moved and it is time, or `now`. What can't be kept is told again after a start.
    fn keep(&mut self, now: bool) {
        let at = self.parts.wiring.clock.now();
        let place = self.parts.place;
        if place == self.kept || (!now && at.since(self.kept_at) < KEEP_MS) {
            return;
        }
        self.kept_at = at;
        let (outcome, kept) = sync_channel(1);
        let batch = Batch { life: self.parts.life, writes: vec![Write::Fed(place)] };
        self.parts.writer.give(Job::Fed(batch, outcome));
        match kept.recv() {
            Ok(Ok(outcomes)) if outcomes == [Outcome::Done] => self.kept = place,
            Ok(Ok(_)) => tracing::error!("The feed's place was kept as something else; this is a bug in the adapter."),
            Ok(Err(failure)) => tracing::warn!(error = %failure, "The feed's place could not be kept this time."),
            Err(_) => tracing::error!("The writer's thread has ended before the feed's; this is a bug."),
        }
    }
}

/// The messages that a mark tells of.
fn named(reader: &mut dyn Reader, row: &Posted) -> Result<Vec<domain::id::MessageId>, Failure> {
    let Some((room, ask)) = stretch(row) else { return Ok(crate::letters::listed(row)) };
    let Found::Key(key) = reader.read(&Read::Born(room))? else { return Err(other_answer()) };
    let Some(key) = key else { return Ok(Vec::new()) };
    let Found::History(entries, ..) = reader.read(&ask(key))? else { return Err(other_answer()) };
    Ok(crate::letters::others(row, &entries))
}

#[cfg(test)]
mod tests;
