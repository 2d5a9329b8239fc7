//! What reaches a shard before the event that it follows: replies and signals, kept until that was told. Those of one event
//! stay in the order in which they came.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use domain::event::Signal;
use domain::id::{ConnectionId, Offset};
use domain::limits;

use crate::node::Told;

/// One of them.
#[derive(Debug)]
pub(super) enum Early {
    /// A reply that says, or attaches, from there on.
    Told(Told),
    /// A signal.
    Signal(Arc<Signal>),
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    line: BTreeMap<Offset, VecDeque<Early>>,
    /// How many are signals: [`limits::ANNOUNCEMENTS_MAX`] at most. Replies are as many as calls at most.
    signals: usize,
    /// For what the last of the replies to a connection waits.
    behind: HashMap<ConnectionId, Offset>,
}

impl Waiting {
    /// A reply waits until this was told.
    pub(super) fn reply(&mut self, from: Offset, told: Told) {
        if let Some(connection) = told.to.connection() {
            self.behind.insert(connection, from);
        }
        self.line.entry(from).or_default().push_back(Early::Told(told));
    }

    /// A signal waits for what it follows; false when there is no room for it.
    pub(super) fn signal(&mut self, signal: Arc<Signal>) -> bool {
        let room = self.signals < limits::ANNOUNCEMENTS_MAX;
        if room {
            self.signals += 1;
            self.line.entry(signal.after).or_default().push_back(Early::Signal(signal));
        }
        room
    }

    /// For what an earlier reply to this connection waits: what is said to a connection stays in its order.
    pub(super) fn behind(&self, connection: ConnectionId) -> Option<Offset> {
        self.behind.get(&connection).copied()
    }

    /// The first whose time has come, now that everything up to here was told.
    pub(super) fn next(&mut self, head: Offset) -> Option<Early> {
        let mut first = self.line.first_entry().filter(|entry| *entry.key() <= head)?;
        let early = first.get_mut().pop_front();
        if first.get().is_empty() {
            first.remove();
        }
        match &early {
            Some(Early::Signal(_)) => self.signals -= 1,
            Some(Early::Told(told)) => {
                if let Some(connection) = told.to.connection()
                    && self.behind.get(&connection).is_some_and(|from| *from <= head)
                {
                    self.behind.remove(&connection);
                }
            }
            None => {}
        }
        early
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::ReplyTo;
    use domain::command::Reply;
    use domain::event::SignalKind;
    use domain::id::{MessageId, Millis, RoomName, UserId, UserNumber};
    use domain::model::{Person, RoomKey};

    fn told(connection: u64, call: u16) -> Told {
        Told::plain(ReplyTo::Connection(ConnectionId(connection), call.into()), Ok(Reply::Done))
    }

    fn signal(after: u64) -> Arc<Signal> {
        let id = UserId::new("alice").expect("a short id is valid");
        let who = Arc::new(Person { name: id.text(), id, number: UserNumber(1), email: None });
        let room = RoomKey::Named(RoomName::new("r").expect("a short name is valid"));
        let (after, at, id, kind) = (Offset(after), Millis(0), MessageId(0), SignalKind::Again);
        Arc::new(Signal { room, after, at, id, who, origin: None, alias: None, kind })
    }

    fn word(early: &Early) -> String {
        match early {
            Early::Told(told) => format!("{:?}", told.to),
            Early::Signal(signal) => format!("signal after {}", signal.after),
        }
    }

    #[test]
    fn each_waits_for_its_event_and_those_of_one_stay_in_order() {
        let mut waiting = Waiting::default();
        waiting.reply(Offset(7), told(1, 1));
        assert!(waiting.signal(signal(5)) && waiting.signal(signal(7)));
        waiting.reply(Offset(7), told(1, 2));
        waiting.reply(Offset(9), told(2, 3));
        let one = ConnectionId(1);
        assert_eq!((waiting.behind(one), waiting.behind(ConnectionId(3))), (Some(Offset(7)), None));
        assert!(waiting.next(Offset(4)).is_none());
        let mut taken = Vec::new();
        for head in 5..10 {
            taken.extend(
                std::iter::from_fn(|| waiting.next(Offset(head))).map(|early| format!("{head}: {}", word(&early))),
            );
        }
        let reply = |connection, call: u16| format!("{:?}", told(connection, call).to);
        let expected = [
            "5: signal after 5".to_owned(),
            format!("7: {}", reply(1, 1)),
            "7: signal after 7".to_owned(),
            format!("7: {}", reply(1, 2)),
            format!("9: {}", reply(2, 3)),
        ];
        assert_eq!(taken, expected);
        assert_eq!(waiting.behind(one), None);
    }

    #[test]
    fn replies_take_no_room_from_signals() {
        let mut waiting = Waiting::default();
        for call in 0..=limits::ANNOUNCEMENTS_MAX {
            waiting.reply(Offset(5), told(1, u16::try_from(call).expect("small")));
        }
        let kept = (0..=limits::ANNOUNCEMENTS_MAX).filter(|_| waiting.signal(signal(5))).count();
        assert_eq!(kept, limits::ANNOUNCEMENTS_MAX);
        let taken = std::iter::from_fn(|| waiting.next(Offset(5))).count();
        assert_eq!(taken, 2 * limits::ANNOUNCEMENTS_MAX + 1);
        assert!(waiting.signal(signal(6)), "there is room again");
    }
}
