//! What is said is kept for as long as the operator says (HAZARDS 19); who would go on from before that is told that it can't
//! be, if something was lost to them.

use adapters::port::{Expiry, Found, Read, Write};
use dialects::Request;
use domain::id::{Door, Millis, Offset, UserId};
use domain::identity::Standing;
use domain::limits;
use domain::model::RoomKey;
use domain::query::Query;
use domain::refusal::{BadResume, Refusal};

use super::call::{Call, ReplyTo};
use super::decide::{Next, Then};
use super::desk::Pending;
use super::{Node, Writer};

impl Node {
    /// Puts letting go of what is too old into the batch that gathers, once in a while.
    pub(super) fn gather_expiry(&mut self, now: Millis) {
        let Some(kept_for) = self.policy.retention_ms else { return };
        if self.writer != Writer::Ready || now.since(self.expired_at) < limits::EXPIRE_EVERY_MS {
            return;
        }
        self.expired_at = now;
        let expiry = Expiry { before: Millis(now.0.saturating_sub(kept_for)), behind_feed: self.feeds };
        let call = Call {
            to: ReplyTo::Nobody,
            door: Door(0),
            standing: Standing::User,
            who: None,
            request: Request::Ask(Query::Counts),
        };
        self.gather(Pending::new(call), vec![Write::Expire(expiry)], Then::Expire, Vec::new());
    }

    /// Whether everything that was said in these rooms after a place is kept, and in every direct room of a user; what to ask
    /// first, when that isn't known.
    ///
    /// # Errors
    /// `BadResume(Expired)`.
    pub(super) fn all_kept(
        &self,
        pending: &Pending,
        after: Offset,
        rooms: impl Iterator<Item = RoomKey>,
        pairs_of: Option<&UserId>,
    ) -> Result<Option<Next>, Refusal> {
        if after >= self.expired {
            return Ok(None);
        }
        match pending.found.as_deref() {
            Some(Found::Events { gone: true, .. }) => Err(Refusal::BadResume(BadResume::Expired)),
            Some(Found::Events { .. }) => Ok(None),
            _ => {
                let (rooms, pairs_of) = (Some(rooms.collect()), pairs_of.cloned());
                let ask = Read::Since { after, upto: self.expired, rooms, pairs_of, bytes: 0 };
                Ok(Some(Next::Read(ask)))
            }
        }
    }
}
