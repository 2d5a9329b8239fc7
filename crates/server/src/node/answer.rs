//! Queries: answered from memory, or from what a reader found, after the same rule has said whether the asker may see.

use adapters::port::Read;
use domain::command::{Reply, RoomView};
use domain::facts::RoomFacts;
use domain::id::Millis;
use domain::identity::{Actor, Scopes};
use domain::limits;
use domain::model::RoomKind;
use domain::query::Query;
use domain::refusal::Refusal;
use domain::rules::room;

use super::Node;
use super::decide::{Next, reply};
use super::desk::Pending;

impl Node {
    pub(super) fn query(
        &mut self,
        pending: &mut Pending,
        actor: &Actor,
        query: &Query,
        now: Millis,
    ) -> Result<Next, Refusal> {
        let answer = match query {
            Query::Rooms { kind } => {
                let Some(listed) = pending.listed.take() else {
                    let (asker, most) = (actor.who.id.clone(), limits::ROOMS_LISTED_MAX);
                    return Ok(Next::Read(Read::Rooms { asker, kind: *kind, most }));
                };
                let listed = listed.iter().filter(|room| !room.is_stale(now) || self.presence.occupied(&room.key));
                Reply::Rooms(listed.map(|room| self.view(room)).collect())
            }
            Query::Own { room } => return self.own(pending, actor, room.as_ref(), now),
            Query::Members { room } => return self.members(pending, actor, room, now),
            Query::RoomConnections { room } => {
                if let Some(next) = self.ensure(room.kept(), now) {
                    return Ok(next);
                }
                room::see(room.kept(), self.rooms.peek(room.kept()), actor, Scopes::STATS, &self.policy)?;
                Reply::Connections(self.presence.connections_in(room))
            }
            Query::UserConnections { user } => {
                if actor.who.id != *user && !actor.standing.serves(Scopes::STATS) {
                    return Err(Refusal::Forbidden);
                }
                Reply::Connections(self.presence.connections_of(user))
            }
            Query::Member { room, user } => {
                if let Some(next) = self.ensure(room, now) {
                    return Ok(next);
                }
                let facts = self.rooms.peek(room);
                room::see(room, facts, actor, Scopes::GUILDS, &self.policy)?;
                // Public rooms have members, too; who they are is told on no wire.
                let guild = facts.filter(|facts| facts.kind == RoomKind::Guild);
                let member = guild.and_then(|facts| facts.members.get(user)).ok_or(Refusal::MemberNotFound)?;
                Reply::Member { user: user.clone(), member: *member }
            }
            Query::History { room, window, skip, most } => {
                return self.history(pending, actor, (room, *window, *skip, *most), now);
            }
            Query::Find { room, by, ids } => return self.find(pending, actor, (room, by.as_ref(), ids), now),
            Query::User(which) => return self.user(pending, which),
            Query::Conversations { before, most } => return self.conversations(pending, actor, (*before, *most)),
            Query::Everyone => return self.everyone(pending, actor),
            Query::Unread { room } => return self.unread(pending, actor, room, now),
            Query::Online { users } => self.online(users, now)?,
            Query::Counts => self.count(),
        };
        Ok(reply(pending, Ok(answer)))
    }

    /// The counts of health pages, for anybody.
    pub(super) fn count(&self) -> Reply {
        let (connections, rooms) = self.presence.counts();
        Reply::Counts { connections, rooms }
    }

    pub(super) fn view(&self, room: &RoomFacts) -> RoomView {
        RoomView {
            key: room.key.clone(),
            title: room.title.clone(),
            kind: room.kind,
            seats: room.seats.unwrap_or(self.policy.seats_default),
            present: self.presence.user_count(&room.key),
            users: self.presence.users(&room.key, limits::ROOM_USERS_SHOWN_MAX),
            made_at: room.made_at,
            changed_at: room.changed_at,
        }
    }
}
