//! A user's marks in a room, as every store keeps them: how they rise, and which messages they cover. Pure, like `settle`.

use std::collections::BTreeMap;

use domain::history::Entry;
use domain::id::{Millis, Offset, UserId};
use domain::limits::MARKS_APART_MAX;
use domain::watermark::{Mark, Reached, Watermarks};

use crate::port::{MarkWrite, Outcome};

/// Both marks of one user in one room, and the single messages marked above them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Marks {
    /// Everything up to there.
    pub(super) upto: Watermarks,
    /// Private: messages above the mark only, with when each was marked; at most [`MARKS_APART_MAX`], the highest.
    delivered: BTreeMap<Offset, Millis>,
    /// See `delivered`.
    read: BTreeMap<Offset, Millis>,
}

impl Marks {
    /// Raises what a write says; false when that changes nothing.
    pub(super) fn raise(&mut self, write: &MarkWrite) -> bool {
        let to = write.upto.map(|offset| Reached { offset, at: write.at });
        let mut changed = to.is_some_and(|to| self.upto.raise(write.mark, to));
        let (first, second) = match write.mark {
            Mark::Delivered => (Mark::Delivered, None),
            Mark::Read => (Mark::Read, Some(Mark::Delivered)),
        };
        for mark in [Some(first), second].into_iter().flatten() {
            changed |= self.put_apart(mark, write.apart.iter().map(|offset| (*offset, write.at)));
        }
        changed
    }

    /// Keeps single messages, unless the mark covers them; forgets those that it covers by now.
    pub(super) fn put_apart(&mut self, mark: Mark, apart: impl IntoIterator<Item = (Offset, Millis)>) -> bool {
        let reached = self.upto.of(mark).map(|reached| reached.offset);
        let kept = match mark {
            Mark::Delivered => &mut self.delivered,
            Mark::Read => &mut self.read,
        };
        kept.retain(|offset, _| Some(*offset) > reached);
        let mut changed = false;
        for (offset, at) in apart {
            if Some(offset) > reached && !kept.contains_key(&offset) {
                kept.insert(offset, at);
                changed = true;
            }
            if kept.len() > MARKS_APART_MAX {
                kept.pop_first();
            }
        }
        changed
    }

    /// The single messages above the mark, and when each was marked.
    pub(super) fn apart(&self, mark: Mark) -> &BTreeMap<Offset, Millis> {
        match mark {
            Mark::Delivered => &self.delivered,
            Mark::Read => &self.read,
        }
    }

    /// Whether single messages are marked above a mark.
    pub(super) fn has_apart(&self) -> bool {
        !self.delivered.is_empty() || !self.read.is_empty()
    }

    /// Folds somebody's single messages into a page; their author's own say nothing.
    pub(super) fn fold_apart(&self, user: &UserId, entries: &mut [Entry]) {
        for entry in entries.iter_mut().filter(|entry| entry.sent.by.id != *user) {
            let at = |mark| self.apart(mark).get(&entry.sent.offset).copied();
            let (delivered, read) = (at(Mark::Delivered), at(Mark::Read));
            entry.delivered |= delivered.is_some() || read.is_some();
            entry.read |= read.is_some();
            entry.marked_at = entry.marked_at.max(delivered).max(read);
        }
    }
}

/// What to say of a mark that has risen from `before`: whoever reads up to somewhere has newly read what lies between.
/// `since` is where the user began to belong; asked for when there was no mark.
pub(super) fn outcome<E>(
    before: &Marks,
    write: &MarkWrite,
    since: impl FnOnce() -> Result<Option<Offset>, E>,
) -> Result<Outcome, E> {
    if write.mark == Mark::Delivered || write.upto.is_none() {
        return Ok(Outcome::Done);
    }
    let after = match before.upto.of(Mark::Read) {
        Some(reached) => Some(reached.offset),
        None => since()?,
    };
    let apart = before.apart(Mark::Read).keys().copied().collect();
    Ok(Outcome::Reached { after: after.unwrap_or_default(), apart })
}

/// A user's mark, when it is one of the foremost of its room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Front {
    pub(super) reached: Reached,
    pub(super) user: UserId,
}

impl Front {
    /// The highest first; of those that are as high the earliest, then the smaller id.
    pub(super) fn place(&self) -> (std::cmp::Reverse<Offset>, Millis, &UserId) {
        (std::cmp::Reverse(self.reached.offset), self.reached.at, &self.user)
    }
}

/// How many are kept: a message is covered by somebody other than its author when the first of those is who covers it.
const FRONTS: usize = 2;

/// Of each mark, the two users of a room who are foremost. What a page says of its messages is said from these, and from the
/// single messages marked apart, so that it costs the same however many belong to the room. What they leave out is when
/// others came to where they are: a message was marked last, as far as is told, when the last of these two came past it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fronts {
    /// Private: in the order of [`Front::place`], each user once, at most [`FRONTS`].
    delivered: Vec<Front>,
    /// See `delivered`.
    read: Vec<Front>,
}

impl Fronts {
    /// Follows somebody's marks, which have never been higher; false when that changes nothing.
    pub(super) fn follow(&mut self, user: &UserId, upto: &Watermarks) -> bool {
        let mut changed = false;
        for mark in [Mark::Delivered, Mark::Read] {
            changed |= upto.of(mark).is_some_and(|reached| self.put(mark, Front { reached, user: user.clone() }));
        }
        changed
    }

    /// Keeps one of the foremost; false when it is none, or kept already.
    pub(super) fn put(&mut self, mark: Mark, front: Front) -> bool {
        let fronts = match mark {
            Mark::Delivered => &mut self.delivered,
            Mark::Read => &mut self.read,
        };
        if fronts.contains(&front) {
            return false;
        }
        if fronts.len() == FRONTS
            && let Some(last) = fronts.last()
            && front.place() > last.place()
        {
            return false;
        }
        fronts.retain(|other| other.user != front.user);
        let at = fronts.partition_point(|other| other.place() < front.place());
        fronts.insert(at, front);
        fronts.truncate(FRONTS);
        true
    }

    /// The foremost, first of all the first.
    pub(super) fn of(&self, mark: Mark) -> &[Front] {
        match mark {
            Mark::Delivered => &self.delivered,
            Mark::Read => &self.read,
        }
    }

    /// Folds them into a page.
    pub(super) fn fold(&self, entries: &mut [Entry]) {
        for entry in entries {
            for (front, read) in self.delivered.iter().zip([false; FRONTS]).chain(self.read.iter().zip([true; FRONTS]))
            {
                if front.reached.offset >= entry.sent.offset && front.user != entry.sent.by.id {
                    entry.delivered = true;
                    entry.read |= read;
                    entry.marked_at = entry.marked_at.max(Some(front.reached.at));
                }
            }
        }
    }
}
