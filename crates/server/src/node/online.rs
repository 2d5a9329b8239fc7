//! Who is online: connected through whichever door, or heard of over REST lately.

use domain::command::Reply;
use domain::id::{Millis, UserId};
use domain::identity::{Actor, Standing};
use domain::limits;
use domain::refusal::Refusal;

use super::Node;

impl Node {
    pub(super) fn beat(&mut self, actor: &Actor, now: Millis) -> Result<Reply, Refusal> {
        if actor.standing != Standing::User {
            return Err(Refusal::Forbidden);
        }
        self.beats.beat(&actor.who.id, now).map(|()| Reply::Done)
    }

    pub(super) fn rest(&mut self, actor: &Actor) -> Result<Reply, Refusal> {
        if actor.standing != Standing::User {
            return Err(Refusal::Forbidden);
        }
        self.beats.rest(&actor.who.id);
        Ok(Reply::Done)
    }

    pub(super) fn online(&self, users: &[UserId], now: Millis) -> Result<Reply, Refusal> {
        if users.len() > limits::ONLINE_ASKED_MAX {
            return Err(Refusal::Invalid);
        }
        let online = |user| self.presence.connections_of(user) > 0 || self.beats.is_fresh(user, now);
        Ok(Reply::Online(users.iter().map(online).collect()))
    }
}
