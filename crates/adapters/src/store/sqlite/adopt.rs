//! A user who was registered by name and waits gets the id that they come with: everything that is kept by the old one follows
//! in the same transaction. Rows of the log stay as they are; they name rooms by their births and say who it was then.
//! The index and the hashes of client ids go by births too. What has a room's key in memory (the tail, the writer's cache,
//! readers' caches) is told of it: see `Shared::begin_moving`.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::id::UserId;
use domain::model::{Person, RoomKey};
use rusqlite::{Connection, params};

use super::batch::Work;
use super::log::RoomRow;
use super::schema::Tie;
use super::shared::{asking, int};
use super::{log, marks, people, roster, sessions};
use crate::port::{Failure, NewPerson, Outcome};
use crate::store::marks::Marks;
use crate::store::{people as rules, settle};

/// A room that has another key from now on.
#[derive(Debug, Clone)]
pub(super) struct Moved {
    /// The offset of its first event.
    pub(super) room: u64,
    pub(super) before: RoomKey,
    pub(super) after: RoomKey,
}

impl Work<'_> {
    /// Makes or updates a user, or adopts one who waits.
    pub(super) fn meet(&mut self, new: &NewPerson) -> Result<Outcome, Failure> {
        if let Some(name) = rules::adopts(new)
            && people::person(self.log, &new.id)?.is_none()
            && let Some(waiting) = people::named(self.log, name)?
            && rules::is_adopted(&waiting.id, new)
        {
            return self.adopt(&waiting, new);
        }
        people::meet(self.log, new)
    }

    fn adopt(&mut self, waiting: &Person, new: &NewPerson) -> Result<Outcome, Failure> {
        let (was, is) = (&waiting.id, &new.id);
        let email = settle::label(new.email.as_ref()).or_else(|| waiting.email.clone());
        let person = Person { id: is.clone(), number: waiting.number, name: waiting.name.clone(), email };
        people::rename(self.log, &person)?;
        let mut moved = Vec::new();
        for birth in rooms_of(self.log, was)? {
            let row = log::room_born_at(self.log, birth)?;
            let after = rules::key_after(&row.key, was, is);
            if after != row.key {
                // A room that was entered by the new id before stands where this one would go. The old one stays where it
                // is, and is nobody's.
                if log::room(self.log, &after)?.is_some() {
                    continue;
                }
                // Its head is looked up by its key, so it has to be known before that changes.
                self.room(&row.key)?;
                self.rooms.rename(&row.key, &after);
                moved.push(Moved { room: birth, before: row.key.clone(), after: after.clone() });
            }
            self.follow(&row, after, was, is)?;
        }
        self.rename_sessions(was, is, &moved)?;
        for entry in &mut self.done.entries {
            if let Some(moved) = moved.iter().find(|moved| moved.room == entry.room) {
                entry.event = rules::told_of(&entry.event, &moved.after);
            }
        }
        let rooms = moved.iter().map(|moved| (moved.before.clone(), moved.after.clone())).collect();
        self.done.moved.extend(moved);
        Ok(Outcome::Adopted { person: Arc::new(person), was: was.clone(), rooms })
    }

    /// What a room keeps of a user is kept of their new id.
    fn follow(&mut self, row: &RoomRow, after: RoomKey, was: &UserId, is: &UserId) -> Result<(), Failure> {
        let birth = row.birth;
        let (moves, makes) = (row.key != after, row.made_by == *was);
        if moves || makes {
            log::change_room(self.log, birth, |room| {
                room.key = after;
                if makes {
                    room.made_by = is.clone();
                }
            })?;
        }
        let belonged = roster::rename(self.log, birth, was, is)?;
        if belonged || moves {
            self.rename_marks(birth, was, is)?;
        }
        let retie = || {
            let (was, is, room) = (was.as_str(), is.as_str(), int(birth));
            for sql in [
                "UPDATE OR IGNORE ties SET user = ?2 WHERE user = ?1 AND room = ?3",
                "UPDATE OR REPLACE aliases SET user = ?2 WHERE user = ?1 AND room = ?3",
            ] {
                self.log.prepare_cached(sql)?.execute(params![was, is, room])?;
            }
            let mut untie = self.log.prepare_cached("DELETE FROM ties WHERE user = ?1 AND room = ?2")?;
            untie.execute(params![was, room])
        };
        retie().map(drop).map_err(asking("keeping a user's rooms"))
    }

    fn rename_marks(&mut self, birth: u64, was: &UserId, is: &UserId) -> Result<(), Failure> {
        let (kept, none) = (marks::of(self.log, birth, was)?, Marks::default());
        if kept == none {
            return Ok(());
        }
        marks::remove(self.log, birth, was)?;
        if marks::of(self.log, birth, is)? == none {
            marks::put(self.log, birth, is, &none, &kept)?;
        }
        // Of two who are as far the smaller id is foremost, and that has changed.
        self.fronts.insert(birth, (marks::gather(self.log, birth)?, true));
        Ok(())
    }

    fn rename_sessions(&self, was: &UserId, is: &UserId, moved: &[Moved]) -> Result<(), Failure> {
        let mut users = BTreeSet::from([was, is]);
        users.extend(moved.iter().filter_map(|moved| moved.after.other(is)));
        for user in users {
            let of_one = |moved: &&Moved| user == was || moved.after.other(user).is_some();
            let key_after = |room: &RoomKey| {
                let moved = moved.iter().filter(of_one).find(|moved| moved.before == *room);
                moved.map_or_else(|| room.clone(), |moved| moved.after.clone())
            };
            sessions::rename(self.log, user, if user == was { is } else { user }, key_after)?;
        }
        Ok(())
    }
}

/// The rooms that somebody has to do with, oldest first.
fn rooms_of(log: &Connection, user: &UserId) -> Result<BTreeSet<u64>, Failure> {
    let mut rooms: BTreeSet<u64> = roster::barred_from(log, user)?.into_iter().collect();
    for why in [Tie::Member, Tie::Pair, Tie::Made] {
        rooms.extend(log::tied(log, user, why)?);
    }
    Ok(rooms)
}
