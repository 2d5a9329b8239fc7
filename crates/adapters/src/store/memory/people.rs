//! Users in memory: met, registered, adopted.

use std::sync::Arc;

use domain::Text;
use domain::event::Event;
use domain::id::{UserId, UserNumber};
use domain::model::{Person, RoomKey, User};
use domain::query::Which;

use super::log::{Log, Room};
use crate::port::{NewPerson, NewUser, Outcome};
use crate::store::{people, settle};

impl Log {
    pub(super) fn meet(&mut self, new: &NewPerson) -> Outcome {
        let known = self.people.get(&new.id).cloned();
        if known.is_none()
            && let Some(waiting) = self.adopted_by(new)
        {
            return self.adopt(&waiting, new);
        }
        let number = known.as_ref().map(|person| person.number);
        let Some(number) = number.or_else(|| self.number_for(&new.id, new.number_from)) else {
            return Outcome::Conflict;
        };
        let told = settle::label(new.name.as_ref());
        let name = match (&known, told) {
            (Some(known), None) => known.name.clone(),
            (_, wish) => {
                let wish = wish.unwrap_or_else(|| new.id.text());
                settle::names(&wish, number)
                    .find(|name| self.names.get(name).is_none_or(|holder| *holder == new.id))
                    .expect("the names to try never end")
            }
        };
        Outcome::Person(self.keep_person(new.id.clone(), number, name, new.email.as_ref()))
    }

    /// Keeps somebody, in the place of what was known of them.
    fn keep_person(&mut self, id: UserId, number: UserNumber, name: Text, email: Option<&Text>) -> Arc<Person> {
        let known = self.people.get(&id).cloned();
        let email = settle::label(email).or_else(|| known.as_ref().and_then(|known| known.email.clone()));
        if let Some(known) = known {
            self.names.remove(&known.name);
        }
        let person = Arc::new(Person { id: id.clone(), number, name, email });
        self.names.insert(person.name.clone(), id.clone());
        self.numbers.insert(number, id.clone());
        self.people.insert(id, person.clone());
        person
    }

    fn number_for(&self, id: &UserId, from: UserNumber) -> Option<UserNumber> {
        let free = |number: &UserNumber| !self.numbers.contains_key(number);
        settle::own_number(id)
            .filter(free)
            .or_else(|| std::iter::successors(Some(from), |number| settle::number_after(*number)).find(free))
    }

    pub(super) fn register(&mut self, new: &NewUser) -> Outcome {
        let name = people::name(new);
        let (id, number) = match self.names.get(&name) {
            Some(id) => (id.clone(), self.people.get(id).map(|person| person.number)),
            None if self.people.contains_key(&new.id) => return Outcome::Conflict,
            None => (new.id.clone(), self.number_for(&new.id, new.number_from)),
        };
        let Some(number) = number else { return Outcome::Conflict };
        let known = self.people.get(&id).map(|_| self.profiles.get(&number).cloned().unwrap_or_default());
        let profile = people::profile(&new.profile, known.as_ref());
        self.profiles.insert(number, profile.clone());
        let person = self.keep_person(id, number, name, new.email.as_ref());
        Outcome::User(User { person, profile })
    }

    pub(super) fn user(&self, which: &Which) -> Option<User> {
        let id = match which {
            Which::Id(id) => Some(id),
            Which::Number(number) => self.numbers.get(number),
            Which::Name(name) => self.names.get(name),
        };
        let person = self.people.get(id?)?.clone();
        let profile = self.profiles.get(&person.number).cloned().unwrap_or_default();
        Some(User { person, profile })
    }

    fn adopted_by(&self, new: &NewPerson) -> Option<UserId> {
        let holder = self.names.get(people::adopts(new)?)?;
        people::is_adopted(holder, new).then(|| holder.clone())
    }

    fn adopt(&mut self, was: &UserId, new: &NewPerson) -> Outcome {
        let waiting = self.people.remove(was).expect("who has a name is known");
        let is = &new.id;
        let email = settle::label(new.email.as_ref()).or_else(|| waiting.email.clone());
        let person = self.keep_person(is.clone(), waiting.number, waiting.name.clone(), email.as_ref());
        let mut born: Vec<_> = self.rooms.values().map(|room| (room.facts.birth, room.facts.key.clone())).collect();
        born.sort_unstable();
        let mut rooms = Vec::new();
        for (_, key) in born {
            let after = people::key_after(&key, was, is);
            if after == key {
                self.rooms.get_mut(&key).expect("it was just listed").follow_user(was, is);
            } else if !self.rooms.contains_key(&after) {
                let mut room = self.rooms.remove(&key).expect("it was just listed");
                room.follow_user(was, is);
                self.move_room(room, after.clone());
                rooms.push((key, after));
            }
        }
        for session in &mut self.sessions {
            let of_one =
                |(_, after): &&(RoomKey, RoomKey)| session.user == *was || after.other(&session.user).is_some();
            for (before, after) in rooms.iter().filter(of_one) {
                session
                    .rooms
                    .iter_mut()
                    .filter(|room| room.key == *before)
                    .for_each(|room| *room = after.clone().into());
            }
            if session.user == *was {
                session.user = is.clone();
            }
        }
        Outcome::Adopted { person, was: was.clone(), rooms }
    }

    /// Keeps a room, and all that is said of it, under another key.
    fn move_room(&mut self, mut room: Room, key: RoomKey) {
        let before = std::mem::replace(&mut room.facts.key, key.clone());
        let told = |event: &Arc<Event>| people::told_of(event, &key);
        for event in room.events.iter_mut().chain(room.edited.values_mut()) {
            *event = told(event);
        }
        for event in self.events.iter_mut().chain(self.messages.values_mut()).filter(|event| event.room == before) {
            *event = told(event);
        }
        let (moved, kept): (Vec<_>, Vec<_>) = self.sent.drain().partition(|((_, room, _), _)| *room == before);
        let moved = moved.into_iter().map(|((by, _, id), (event, hash))| ((by, key.clone(), id), (told(&event), hash)));
        self.sent = kept.into_iter().chain(moved).collect();
        self.rooms.insert(key, room);
    }
}

impl Room {
    /// Somebody has another id from now on. What that has here already stays as it is. A room that has nothing to do with them
    /// but that its first use was theirs, still says who that was.
    fn follow_user(&mut self, was: &UserId, is: &UserId) {
        let facts = &mut self.facts;
        let pair = facts.key.other(was).is_some();
        let asked_for = facts.made_by == *was && facts.seats.is_some();
        if !pair && !asked_for && !facts.members.contains_key(was) && !facts.barred.contains(was) {
            return;
        }
        if facts.made_by == *was {
            facts.made_by = is.clone();
        }
        let (member, barred) = (facts.members.remove(was), facts.barred.remove(was));
        let since = self.since.remove(was);
        if !facts.members.contains_key(is) && !facts.barred.contains(is) {
            if let Some(member) = member {
                facts.members.insert(is.clone(), member);
                self.since.extend(since.map(|since| (is.clone(), since)));
            }
            if barred {
                facts.barred.insert(is.clone());
            }
        }
        // Marks follow where one belongs.
        if (member.is_some() || pair)
            && let Some(marks) = self.marks.remove(was)
        {
            self.marks.entry(is.clone()).or_insert(marks);
        }
    }
}
