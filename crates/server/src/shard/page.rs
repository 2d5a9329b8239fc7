//! The history that someone is given on entering a room: exactly what lies before the point from which they are told of it
//! (HAZARDS 3). The shard fixes that point: it attaches, lets the connection be behind from where it is, has the page read
//! up to there, says the reply, and goes on. One cursor is enough, and its other rooms stay in order.

use adapters::port::Read;
use dialects::CallId;
use domain::command::Reply;
use domain::history::Entry;
use domain::id::{Cursor, Offset};
use domain::limits;
use domain::model::RoomKey;
use domain::query::Window;
use domain::refusal::Refusal;

use super::connection::Lag;
use super::{ReadFor, Shard, Slot};

/// How many messages more are asked for at first than the page is to have: those beyond the point from which the
/// connection is told are left out of it.
const BEYOND: u32 = 16;

/// A page that is to be read, for a reply that waits for it.
#[derive(Debug)]
pub(super) struct Page {
    call: CallId,
    room: RoomKey,
    /// See [`Reply::Entered`].
    from: Cursor,
    head: Cursor,
    most: u32,
    /// How many messages are asked for.
    asked: u32,
    /// Where the page ends; fixed when it is asked for.
    upto: Offset,
}

impl Shard {
    /// Answers a call to enter once its page is read.
    pub(super) fn answer_with_page(&mut self, slot: Slot, call: CallId, result: Result<Reply, Refusal>, most: u32) {
        let (room, from, log_head) = match result {
            Ok(Reply::Entered { room, from, head, .. }) => (room, from, head),
            other @ (Ok(_) | Err(_)) => return self.answered(slot, call, other.as_ref()),
        };
        // What its room's run has for it was told before the page.
        self.take_run(slot);
        let head = self.head;
        let Some(connection) = self.get(slot) else { return };
        let lag = connection.lag.get_or_insert_with(|| Box::new(Lag { cursor: head, ..Lag::default() }));
        let asked = most.saturating_add(BEYOND);
        lag.pages.push(Page { call, room, from, head: log_head, most, asked, upto: Offset(0) });
        self.next_page(slot);
        self.queue_flush(slot);
    }

    /// Asks for the page that is next, where none and nothing else is being read.
    pub(super) fn next_page(&mut self, slot: Slot) {
        let Some(connection) = self.get(slot) else { return };
        let id = connection.id;
        let Some(lag) = connection.lag.as_mut().filter(|lag| !lag.reading && !lag.pages.is_empty()) else { return };
        let mut page = lag.pages.remove(0);
        lag.reading = true;
        // Who came to belong while it was behind is told from that on, and what lies before it is the page's.
        page.upto = lag.floor(&page.room).map_or(lag.cursor, |floor| floor.max(lag.cursor));
        self.ask_for(id, page);
    }

    fn ask_for(&mut self, id: domain::id::ConnectionId, page: Page) {
        let (room, window, bytes) = (page.room.clone(), Window::default(), limits::HISTORY_BYTES_MAX);
        let ask = Read::History { room, window, skip: 0, most: page.asked, bytes };
        let token = self.token(ReadFor::Page(id, Box::new(page)));
        self.out.reads.push((token, ask));
    }

    /// A page was read, as of now: what lies beyond its end is left out, and told afterwards like everything else.
    pub(super) fn page_found(&mut self, slot: Slot, mut page: Page, mut entries: Vec<Entry>) {
        let found = entries.len();
        entries.retain(|entry| entry.sent.offset <= page.upto);
        let wanted = usize::try_from(page.most).unwrap_or(usize::MAX);
        let all = u32::try_from(found).is_ok_and(|found| found < page.asked);
        if entries.len() < wanted && !all {
            page.asked = page.asked.saturating_mul(2);
            if let Some(id) = self.get(slot).map(|connection| connection.id) {
                self.ask_for(id, page);
            }
            return;
        }
        entries.drain(..entries.len().saturating_sub(wanted));
        let room = self.hub.find(&page.room);
        let Some(connection) = self.get(slot) else { return };
        if let Some(lag) = &mut connection.lag {
            lag.reading = false;
        }
        // Whoever was put out while it was read gets none of it (HAZARDS 16).
        let inside = room.is_some_and(|room| connection.seats.iter().any(|seat| seat.room == room));
        let Page { call, room, from, head, .. } = page;
        let result =
            if inside { Ok(Reply::Entered { room, from, head, page: entries }) } else { Err(Refusal::Forbidden) };
        self.answered(slot, call, result.as_ref());
        self.next_page(slot);
        self.queue_flush(slot);
    }
}
