//! Who is writing where: what was said within the last few seconds, whoever is asked for it. Typing goes from shard to
//! shards over the bus, so every shard knows (HAZARDS 21).

use domain::id::{Millis, UserId};
use domain::limits;
use domain::model::RoomKey;
use hashbrown::HashMap;

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
