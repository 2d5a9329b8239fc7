//! Which messages a mark has reached that its user has not named: looked up after its commit, some at a time, and told to
//! whom it concerns (RULES 17, HAZARDS 14).

use std::sync::Arc;

use adapters::port::{Failure, Found, Read};
use domain::event::{Marked, SignalKind};
use domain::history::Entry;
use domain::id::{ConnectionId, Millis, Offset};
use domain::limits;
use domain::model::{Person, RoomKey, RoomKind};
use domain::query::Window;
use domain::watermark::Mark;

use super::Node;
use super::desk::Waiter;
use super::found::log_read_failure;

/// What a mark has come past, and was not looked at yet.
#[derive(Debug)]
pub(super) struct Stretch {
    /// Whose mark.
    pub(super) who: Arc<Person>,
    /// Who is told nothing of it: the connection that it comes from.
    pub(super) connection: Option<ConnectionId>,
    /// Where.
    pub(super) room: RoomKey,
    /// Which mark.
    pub(super) mark: Mark,
    /// It begins behind this.
    pub(super) after: Offset,
    /// It goes up to here.
    pub(super) upto: Offset,
    /// Where the mark is by now, which may be beyond.
    pub(super) stands: Offset,
    /// What was told before, ascending.
    pub(super) apart: Vec<Offset>,
}

impl Node {
    /// Whether anybody wants to know of every mark there. In a public room or a guild nobody does, and there is too much
    /// of it.
    pub(super) fn tells_of_marks(&self, room: &RoomKey) -> bool {
        let kind = self.rooms.peek(room).map(|facts| facts.kind);
        match kind.unwrap_or_else(|| room.first_use_kind()) {
            RoomKind::Direct | RoomKind::Private => true,
            RoomKind::Public | RoomKind::Guild => false,
        }
    }

    /// Asks what lies in a stretch, as it is now. Where nobody wants to know of everything, of the newest only.
    pub(super) fn look_reached(&mut self, stretch: Stretch) {
        let Stretch { room, after, upto, .. } = &stretch;
        if after >= upto {
            return;
        }
        let below = (!self.tells_of_marks(room)).then_some(Offset(upto.0 + 1));
        let window = Window { above: Some(*after), below };
        let most = limits::REACHED_MAX;
        let ask = Read::History { room: room.clone(), window, skip: 0, most, bytes: limits::HISTORY_BYTES_MAX };
        self.read(Waiter::Reached(Box::new(stretch)), ask);
    }

    /// Which messages a mark has reached.
    pub(super) fn found_reached(&mut self, mut stretch: Stretch, found: Result<Found, Failure>, now: Millis) {
        let entries = match found {
            Ok(Found::History(entries, ..)) => entries,
            other => return log_read_failure(&other),
        };
        let Stretch { who, connection, room, mark, upto, stands, apart, .. } = &stretch;
        // What has been read is not told to be delivered. The page may be of before it was read; that has been told by now.
        let overtaken = |entry: &Entry| match mark {
            Mark::Delivered => entry.read || self.lately.has_read(&who.id, room, entry.sent.offset),
            Mark::Read => apart.binary_search(&entry.sent.offset).is_ok(),
        };
        let told = |entry: &&Entry| entry.sent.offset <= *upto && entry.sent.by.id != who.id && !overtaken(entry);
        let messages: Vec<Marked> = entries.iter().filter(told).filter_map(|entry| entry.sent.marked()).collect();
        self.tell_reached(&who.clone(), *connection, &room.clone(), (*mark, Some(*stands)), messages, now);
        if let Some(last) = entries.last().map(|entry| entry.sent.offset)
            && self.tells_of_marks(&stretch.room)
        {
            stretch.after = last;
            self.look_reached(stretch);
        }
    }

    pub(super) fn tell_reached(
        &mut self,
        who: &Arc<Person>,
        connection: Option<ConnectionId>,
        room: &RoomKey,
        (mark, upto): (Mark, Option<Offset>),
        messages: Vec<Marked>,
        now: Millis,
    ) {
        if !messages.is_empty() {
            self.signal(room, who, SignalKind::Reached { mark, messages: messages.into(), upto }, connection, now);
        }
    }
}
