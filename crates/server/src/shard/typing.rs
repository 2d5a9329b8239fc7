//! Who is writing where: what was said within the last few seconds, whoever is asked for it. Typing goes from shard to
//! shards over the bus, so every shard knows (HAZARDS 21).

use std::sync::Arc;

use dialects::{CallId, Steps};
use domain::event::{Signal, SignalKind};
use domain::id::{MessageId, Millis, UserId};
use domain::limits;
use domain::model::RoomKey;
use hashbrown::HashMap;

use super::{Shard, Slot};

/// Writers remembered in all; past it those whose time is up are forgotten, and then nobody new is taken in.
const WRITERS_MAX: usize = 10_000;

/// Who is writing.
#[derive(Debug, Default)]
pub(super) struct Typing {
    rooms: HashMap<RoomKey, Vec<(UserId, Millis)>>,
    count: usize,
}

impl Typing {
    /// Someone began or stopped.
    pub(super) fn note(&mut self, room: &RoomKey, user: &UserId, started: bool, now: Millis) {
        if !started {
            if let Some(writers) = self.rooms.get_mut(room) {
                let before = writers.len();
                writers.retain(|(writer, _)| writer != user);
                self.count -= before - writers.len();
            }
            return;
        }
        if self.count >= WRITERS_MAX {
            self.sweep(now);
            if self.count >= WRITERS_MAX {
                return;
            }
        }
        let writers = self.rooms.entry(room.clone()).or_default();
        let until = now.plus(limits::TYPING_MS);
        match writers.iter_mut().find(|(writer, _)| writer == user) {
            Some((_, known)) => *known = until,
            None => {
                writers.push((user.clone(), until));
                self.count += 1;
            }
        }
    }

    /// Who is writing in a room, in the order in which they began.
    pub(super) fn writers(&self, room: &RoomKey, now: Millis) -> Vec<UserId> {
        let writers = self.rooms.get(room).into_iter().flatten();
        writers.filter(|(_, until)| *until > now).map(|(writer, _)| writer.clone()).collect()
    }

    fn sweep(&mut self, now: Millis) {
        self.rooms.retain(|_, writers| {
            writers.retain(|(_, until)| *until > now);
            !writers.is_empty()
        });
        self.count = self.rooms.values().map(Vec::len).sum();
    }
}

impl Shard {
    /// Who writes in a room, to the session.
    pub(super) fn writers_to(&mut self, slot: Slot, call: CallId, room: &RoomKey) {
        let writers = self.typing.writers(room, self.now);
        let mut steps = Steps::new();
        if let Some(session) = self.get(slot).and_then(|connection| connection.session.as_mut()) {
            session.writers(call, &writers, &mut steps);
        }
        self.take_steps(slot, &mut steps);
    }

    /// Typing and the like: to the bus, never through the node (HAZARDS 21).
    pub(super) fn hint(&mut self, slot: Slot, room: &RoomKey, kind: SignalKind) {
        let (after, at) = (self.head, self.now);
        let attached = self.hub.find(room);
        let now = self.wheel.tick(self.now);
        let Some(connection) = self.get(slot) else { return };
        let Some(who) = connection.who.clone() else { return };
        if !connection.may_hint(now) {
            return; // Everybody in the room would be told of each: a flood of them is theirs, not ours.
        }
        let inside = attached.is_some_and(|room| connection.seats.iter().any(|seat| seat.room == room));
        if !inside && !connection.is_follower_of(room) {
            return;
        }
        let origin = Some(connection.id);
        let alias = self.aliases.get(room).cloned();
        let signal = Signal { room: room.clone(), after, at, id: MessageId(0), who, origin, alias, kind };
        self.out.signals.push(Arc::new(signal));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> UserId {
        UserId::new(id).expect("a short id is valid")
    }

    #[test]
    fn writers_are_known_for_five_seconds() {
        let room = RoomKey::pair(user("a"), user("b"));
        let mut typing = Typing::default();
        typing.note(&room, &user("a"), true, Millis(0));
        typing.note(&room, &user("b"), true, Millis(1_000));
        typing.note(&room, &user("a"), true, Millis(4_000));
        for (now, expected) in [(4_999, vec!["a", "b"]), (6_000, vec!["a"]), (8_999, vec!["a"]), (9_000, vec![])] {
            let expected: Vec<UserId> = expected.into_iter().map(user).collect();
            assert_eq!(typing.writers(&room, Millis(now)), expected, "at {now}");
        }
        typing.note(&room, &user("a"), false, Millis(8_000));
        assert_eq!(typing.writers(&room, Millis(8_000)), []);
    }

    #[test]
    fn the_table_is_bounded_and_forgets() {
        let mut typing = Typing::default();
        let room = |n: usize| RoomKey::pair(user("a"), user(&n.to_string()));
        (0..WRITERS_MAX).for_each(|n| typing.note(&room(n), &user("a"), true, Millis(0)));
        typing.note(&room(WRITERS_MAX), &user("a"), true, Millis(4_999));
        assert_eq!((typing.count, typing.writers(&room(WRITERS_MAX), Millis(4_999)).len()), (WRITERS_MAX, 0));
        typing.note(&room(WRITERS_MAX), &user("a"), true, Millis(5_000));
        assert_eq!((typing.count, typing.writers(&room(WRITERS_MAX), Millis(5_000)).len()), (1, 1));
    }
}
