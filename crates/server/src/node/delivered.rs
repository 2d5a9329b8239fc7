//! What was delivered (RULES 18): told by shards when a client's end has answered, and by pages that were fetched. It
//! coalesces here, rides in the next batch or goes with the tick, and is announced after its commit (HAZARDS 14): to
//! those who can be told of it, which are direct rooms and groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapters::port::{MarkWrite, Write};
use dialects::Request;
use domain::event::Marked;
use domain::history::Entry;
use domain::id::{ConnectionId, Door, Millis, Offset, UserId};
use domain::identity::{Actor, Standing};
use domain::limits;
use domain::model::{Person, RoomKey};
use domain::query::Query;
use domain::watermark::Mark;

use super::call::{Call, Delivered, Reach, ReplyTo};
use super::decide::Then;
use super::desk::Pending;
use super::reached::Stretch;
use super::{Node, Writer};

/// What was delivered and is not written yet.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    due: BTreeMap<(UserId, RoomKey), Due>,
}

/// One user's deliveries in one room.
#[derive(Debug)]
pub(super) struct Due {
    who: Arc<Person>,
    /// Who is told nothing of it: the connection that it comes from.
    connection: Option<ConnectionId>,
    room: RoomKey,
    /// A stretch of it; none when only single messages were delivered.
    stretch: Option<(Offset, Offset)>,
    /// Single messages, which somebody has fetched.
    apart: Vec<(Offset, Marked)>,
}

/// Users and rooms that wait at most; past it deliveries are let go of, and told again later.
const DUE_MAX: usize = 100_000;

impl Node {
    /// A client's end has taken in what it was told.
    pub(super) fn delivered(&mut self, delivered: Delivered) {
        let Delivered { who, connection, reached } = delivered;
        for Reach { room, after, upto } in reached {
            if let Some(due) = self.due(&who, Some(connection), &room) {
                let (from, to) = due.stretch.unwrap_or((after, upto));
                due.stretch = Some((from.min(after), to.max(upto)));
            }
        }
    }

    fn due(&mut self, who: &Arc<Person>, connection: Option<ConnectionId>, room: &RoomKey) -> Option<&mut Due> {
        let full = self.deliveries.due.len() >= DUE_MAX;
        match self.deliveries.due.entry((who.id.clone(), room.clone())) {
            std::collections::btree_map::Entry::Occupied(slot) => Some(slot.into_mut()),
            std::collections::btree_map::Entry::Vacant(_) if full => None,
            std::collections::btree_map::Entry::Vacant(slot) => Some(slot.insert(Due {
                who: who.clone(),
                connection,
                room: room.clone(),
                stretch: None,
                apart: Vec::new(),
            })),
        }
    }

    /// A page was fetched: what it has of others is delivered. The mark rises only when the page is all that there is; else
    /// it would cover what nobody has been given.
    pub(super) fn fetched(&mut self, actor: &Actor, entries: &[Entry], total: u64) {
        if actor.standing != Standing::User {
            return;
        }
        let new = |entry: &&Entry| !entry.delivered && entry.sent.by.id != actor.who.id;
        let fresh: Vec<(Offset, Marked)> = entries.iter().filter(new).filter_map(marked).collect();
        let (Some((first, _)), Some(last)) = (fresh.first(), entries.last()) else { return };
        let whole = u64::try_from(entries.len()).is_ok_and(|count| count >= total);
        let (before, upto) = (Offset(first.0 - 1), last.sent.offset);
        let Some(due) = self.due(&actor.who, actor.connection, &last.sent.room) else { return };
        if whole {
            let (from, to) = due.stretch.unwrap_or((before, upto));
            due.stretch = Some((from.min(before), to.max(upto)));
        } else {
            due.apart.extend(fresh);
            let surplus = due.apart.len().saturating_sub(limits::MARKED_MAX);
            due.apart.drain(..surplus);
        }
    }

    /// Puts what was delivered into the batch that gathers.
    pub(super) fn gather_deliveries(&mut self, now: Millis) {
        if self.deliveries.due.is_empty() || self.writer != Writer::Ready {
            return;
        }
        let due: Vec<Due> = std::mem::take(&mut self.deliveries.due).into_values().collect();
        let write = |due: &Due| {
            Write::Mark(MarkWrite {
                user: due.who.id.clone(),
                room: due.room.clone(),
                mark: Mark::Delivered,
                upto: due.stretch.map(|(_, upto)| upto),
                apart: due.apart.iter().map(|(offset, _)| *offset).collect(),
                at: now,
            })
        };
        let writes = due.iter().map(write).collect();
        let call = Call {
            to: ReplyTo::Nobody,
            door: Door(0),
            standing: Standing::User,
            who: None,
            request: Request::Ask(Query::Counts),
        };
        self.gather(Pending::new(call), writes, Then::Delivered(due), Vec::new());
    }

    /// It is kept: those who sent what was delivered hear of it, where a wire has a word for it.
    pub(super) fn deliveries_kept(&mut self, due: Vec<Due>, now: Millis) {
        for due in due {
            if !self.tells_of_marks(&due.room) {
                continue;
            }
            if let Some(stretch) = due.stretch {
                let (fresh, stands) = self.lately.deliver(&due.who.id, &due.room, stretch, now);
                for (after, upto) in fresh {
                    self.look_reached(Stretch {
                        who: due.who.clone(),
                        connection: due.connection,
                        room: due.room.clone(),
                        mark: Mark::Delivered,
                        after,
                        upto,
                        stands,
                        apart: Vec::new(),
                    });
                }
            }
            let (lately, user, room) = (&self.lately, &due.who.id, &due.room);
            let unread = |(offset, _): &(Offset, Marked)| !lately.has_read(user, room, *offset);
            let messages: Vec<Marked> =
                due.apart.iter().filter(|one| unread(one)).map(|(_, one)| one.clone()).collect();
            self.tell_reached(&due.who, due.connection, &due.room, (Mark::Delivered, None), messages, now);
        }
    }
}

fn marked(entry: &Entry) -> Option<(Offset, Marked)> {
    entry.sent.marked().map(|marked| (entry.sent.offset, marked))
}
