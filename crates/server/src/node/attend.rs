//! Being told of all that is one's own: from where, and in which rooms (HAZARDS 1, 18). And who is told that somebody is
//! online (RULES 19).

use std::collections::BTreeSet;
use std::sync::Arc;

use adapters::port::{Failure, Found, Read};
use domain::command::{Reply, Since};
use domain::event::Status;
use domain::history::Standing as Stands;
use domain::id::{ConnectionId, Millis, Offset, UserId};
use domain::identity::{Actor, Standing};
use domain::limits;
use domain::model::Person;
use domain::refusal::Refusal;

use super::Node;
use super::call::{Attach, Follow, Output, Told};
use super::decide::{Next, reply};
use super::desk::{Pending, Waiter};
use super::found::log_read_failure;

impl Node {
    pub(super) fn attend(
        &mut self,
        pending: &mut Pending,
        actor: &Actor,
        (rooms, since): (bool, Since),
    ) -> Result<Next, Refusal> {
        let connection = actor.connection.ok_or(Refusal::Invalid)?;
        if let Some(known) = pending.again.filter(|known| *known > self.head.offset) {
            return Ok(Next::Behind(known));
        }
        let resume = match since {
            Since::Undelivered | Since::Now => None,
            Since::After(cursor) => match self.after(pending, cursor)? {
                Some(cursor) => Some(cursor),
                None => return Ok(Next::Read(Read::At(cursor.offset))),
            },
        };
        if let Some(Found::Standings(standings)) = pending.found.as_deref() {
            pending.standings = Some(standings.clone());
        }
        let Some(standings) = pending.standings.clone() else {
            // What is committed by now is in it; what comes later the shard knows, or has this decided again.
            pending.asked_at = self.head.offset;
            return Ok(Next::Read(Read::Standings(actor.who.id.clone())));
        };
        if let Some(cursor) = resume {
            let kept =
                standings.iter().filter(|stands| stands.began() <= cursor.offset).map(|stands| stands.room.clone());
            if let Some(next) = self.all_kept(pending, cursor.offset, kept, Some(&actor.who.id))? {
                return Ok(next);
            }
        }
        if !self.presence.knows(connection) {
            return Err(Refusal::NotPresent);
        }
        let decided_at = pending.asked_at;
        let behind = |stands: &&Stands| stands.last > stands.delivered;
        let undelivered = match since {
            Since::Undelivered => standings.iter().filter(behind).map(|stands| stands.delivered).min(),
            Since::Now => Some(self.head.offset),
            // Another node may have told this client of more than this one has heard of: then its shard waits until it has.
            Since::After(_) => resume.map(|cursor| cursor.offset),
        };
        // With nothing undelivered, what was said after the reader looked still is: its shard may be past that.
        let from = undelivered.unwrap_or(decided_at);
        let own = standings.iter().filter(|stands| rooms && stands.room.other(&actor.who.id).is_none());
        let attach =
            own.map(|stands| Attach { room: stands.room.clone(), from: None, page: None, decided_at, call: None });
        let attach = attach.collect();
        // A direct room that is not named was delivered, unless there were too many to name.
        let undelivered = since == Since::Undelivered;
        let rest = if undelivered && standings.len() < limits::STANDINGS_MAX { decided_at } else { Offset(0) };
        let floor = |stands: Stands| match since {
            Since::Undelivered => Some((stands.room, stands.delivered)),
            // Who came to belong later is told from that on.
            Since::After(_) | Since::Now => {
                let began = stands.began();
                Some((stands.room, Offset(began.0.saturating_sub(1)))).filter(|(_, floor)| *floor > from)
            }
        };
        let floors = standings.into_iter().filter_map(floor).collect();
        if rooms {
            self.presence.attend(connection);
        }
        let call = Box::new(pending.call.clone());
        let follow = Some(Box::new(Follow { rooms, from, floors, rest, undelivered, decided_at, call }));
        let from = resume.unwrap_or(self.head);
        let told = Told { attach, follow, ..Told::plain(pending.call.to, Ok(Reply::Attending { from })) };
        Ok(Next::Reply(Box::new(told)))
    }

    /// Somebody says of themselves that they are there, or not.
    pub(super) fn declare(
        &mut self,
        pending: &Pending,
        actor: &Actor,
        online: bool,
        now: Millis,
    ) -> Result<Next, Refusal> {
        if actor.standing != Standing::User {
            return Err(Refusal::Forbidden);
        }
        self.say_status(&actor.who, online, true, actor.connection, now);
        Ok(reply(pending, Ok(Reply::Done)))
    }

    /// Somebody came online or went, or says so. Everybody is told while few are online; else those who have to do with
    /// them, which the store knows.
    pub(super) fn say_status(
        &mut self,
        who: &Arc<Person>,
        online: bool,
        declared: bool,
        origin: Option<ConnectionId>,
        now: Millis,
    ) {
        let status = Status { who: who.clone(), online, declared, at: now, origin, to: None };
        if self.tells_everybody() {
            self.out.push(Output::Status(Arc::new(status)));
        } else {
            let ask = Read::Acquaintances { user: who.id.clone(), most: limits::STANDINGS_MAX };
            self.read(Waiter::Status(Box::new(status)), ask);
        }
    }

    fn tells_everybody(&self) -> bool {
        self.presence.users_online() <= usize::try_from(self.policy.presence_all_max).unwrap_or(usize::MAX)
    }

    pub(super) fn found_acquaintances(&mut self, mut status: Status, found: Result<Found, Failure>) {
        match found {
            Ok(Found::Users(mut users)) => {
                // One's own connections are told of oneself.
                if let Err(place) = users.binary_search(&status.who.id) {
                    users.insert(place, status.who.id.clone());
                }
                status.to = Some(users.into());
                self.out.push(Output::Status(Arc::new(status)));
            }
            other => log_read_failure(&other),
        }
    }

    /// Everybody who is online, as far as the asker is told of them.
    pub(super) fn everyone(&mut self, pending: &Pending, actor: &Actor) -> Result<Next, Refusal> {
        let me = &actor.who.id;
        let known: Option<BTreeSet<&UserId>> = match pending.found.as_deref() {
            _ if self.tells_everybody() => None,
            Some(Found::Users(users)) => Some(users.iter().chain([me]).collect()),
            _ => {
                let ask = Read::Acquaintances { user: me.clone(), most: limits::STANDINGS_MAX };
                return Ok(Next::Read(ask));
            }
        };
        let told = |who: &&Arc<Person>| known.as_ref().is_none_or(|known| known.contains(&who.id));
        let users = self.presence.online().filter(told).take(limits::ONLINE_ASKED_MAX).cloned().collect();
        let alone = self.presence.is_alone(actor.who.number);
        Ok(reply(pending, Ok(Reply::Everyone { users, alone })))
    }
}
