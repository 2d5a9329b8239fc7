//! Users: made durable before anything is told of them (HAZARDS 15), registered before they come, looked up.

use std::sync::Arc;

use adapters::port::{NewPerson, NewUser, Outcome, Read, Write};
use domain::command::{Draft, Manners, Registration, Reply};
use domain::id::{Millis, UserId, UserNumber};
use domain::identity::{Actor, Identity};
use domain::limits;
use domain::model::{Person, Profile, RoomKey};
use domain::query::Which;
use domain::refusal::Refusal;
use domain::rules::person;

use super::decide::{Next, Then, reply};
use super::desk::{Pending, Scope};
use super::{Node, Writer};

impl Node {
    /// Makes a user durable.
    pub(super) fn meet(&mut self, pending: &mut Pending, identity: &Identity) -> Next {
        // Whoever has the number is meant; whom nobody has becomes who the identity says.
        if let Some(number) = identity.number {
            match pending.user.clone() {
                None => return Next::Read(Read::User(Which::Number(number))),
                Some(Some(user)) => {
                    self.met(pending.call.to, &user.person);
                    return reply(pending, Ok(Reply::Met(user.person)));
                }
                Some(None) => {}
            }
        }
        let scope = Scope::Person(identity.id.clone());
        if self.desk.is_open(&scope) {
            return Next::Wait(scope);
        }
        let known = match self.people.get(&identity.id) {
            Some(person) => Some(person.clone()),
            None => match pending.person.take() {
                None => return Next::Read(Read::Person(identity.id.clone())),
                Some(found) => found,
            },
        };
        if let Some(person) = known
            && labels_hold(&person, identity)
        {
            self.met(pending.call.to, &person);
            return reply(pending, Ok(Reply::Met(person)));
        }
        if self.writer != Writer::Ready {
            return reply(pending, Err(Refusal::Unavailable));
        }
        let mut person = self.new_person(&identity.id);
        person.name.clone_from(&identity.name);
        person.email.clone_from(&identity.email);
        person.proved = identity.proved;
        Next::Write(vec![Write::Person(person)], Then::Meet, vec![scope])
    }

    fn new_person(&self, id: &UserId) -> NewPerson {
        NewPerson { id: id.clone(), name: None, email: None, number_from: self.numbers_from(), proved: false }
    }

    fn numbers_from(&self) -> UserNumber {
        if self.policy.development { UserNumber(1) } else { UserNumber(limits::NUMBERS_FROM) }
    }

    /// Makes a user known by name. `actor` is nobody where the door lets anybody ask.
    pub(super) fn register(&mut self, actor: Option<&Actor>, new: &Registration, now: Millis) -> Result<Next, Refusal> {
        let id = person::register(new, actor, &self.policy)?;
        let scope = Scope::Person(id.clone());
        if self.desk.is_open(&scope) {
            return Ok(Next::Wait(scope));
        }
        if self.writer != Writer::Ready {
            return Err(Refusal::Unavailable);
        }
        let profile = Profile {
            full_name: new.full_name.clone(),
            bio: new.bio.clone(),
            avatar_url: new.avatar_url.clone(),
            made_at: Some(now),
        };
        let (name, email, number_from) = (new.name.clone(), new.email.clone(), self.numbers_from());
        let user = NewUser { id, name, email, profile, number_from };
        Ok(Next::Write(vec![Write::User(user)], Then::Register, vec![scope]))
    }

    /// A user with their profile.
    pub(super) fn user(&mut self, pending: &Pending, which: &Which) -> Result<Next, Refusal> {
        match &pending.user {
            None => Ok(Next::Read(Read::User(which.clone()))),
            Some(None) => Err(Refusal::UserNotFound),
            Some(Some(user)) => Ok(reply(pending, Ok(Reply::User(user.clone())))),
        }
    }

    /// Says something to one other user, who is made to wait for it when nobody has seen them before.
    pub(super) fn send_to(
        &mut self,
        pending: &mut Pending,
        actor: &Actor,
        (to, draft, manners): (&Which, &Draft, Manners),
        now: Millis,
    ) -> Result<Next, Refusal> {
        let other = match to {
            Which::Name(_) => return Err(Refusal::UserNotFound),
            Which::Id(id) if self.people.contains_key(id) || *id == actor.who.id => Some(id.clone()),
            Which::Id(_) | Which::Number(_) => match &pending.user {
                None => return Ok(Next::Read(Read::User(to.clone()))),
                Some(found) => found.as_ref().map(|user| user.person.id.clone()),
            },
        };
        let (other, waits) = match (other, to) {
            (Some(known), _) => (known, false),
            (None, Which::Id(id)) => (id.clone(), true),
            (None, Which::Number(_) | Which::Name(_)) => return Err(Refusal::UserNotFound),
        };
        let scope = Scope::Person(other.clone());
        if waits && self.desk.is_open(&scope) {
            pending.user = None;
            return Ok(Next::Wait(scope));
        }
        let room = RoomKey::pair(actor.who.id.clone(), other.clone());
        let mut next = self.send(pending, actor, (&room, draft, manners), now)?;
        if let (true, Next::Write(writes, _, scopes)) = (waits, &mut next) {
            writes.push(Write::Person(self.new_person(&other)));
            scopes.push(scope);
        }
        Ok(next)
    }

    /// A user has another id from now on: what is remembered under the old one is forgotten.
    pub(super) fn adopted(&mut self, person: &Arc<Person>, was: &UserId, rooms: &[(RoomKey, RoomKey)]) {
        self.people.remove(was);
        self.people.insert(person.id.clone(), person.clone());
        for (before, after) in rooms {
            self.rooms.forget(before);
            self.rooms.forget(after);
        }
    }
}

/// Whether what a credential tells of a user is what is known of them. What it doesn't tell stays.
fn labels_hold(person: &Person, identity: &Identity) -> bool {
    let name_holds = identity.name.as_ref().is_none_or(|name| {
        // A name that was taken became `name~<number>`.
        let kept = person.name.strip_suffix(&format!("~{}", person.number)).unwrap_or(&person.name);
        kept == &**name || person.name == *name
    });
    name_holds && (identity.email.is_none() || identity.email == person.email)
}

/// What a batch says of a command that has several writes: the first outcome that is more than done. A user who was made to
/// wait beside it says nothing.
pub(super) fn more(kept: Outcome, next: Outcome) -> Outcome {
    if kept == Outcome::Done { next } else { kept }
}
