//! A user's marks in a room, as every store keeps them: how they rise, and which messages they cover. Pure, like `settle`.

use std::collections::BTreeMap;

use domain::history::Entry;
use domain::id::{Millis, Offset, UserId};
use domain::limits::MARKS_APART_MAX;
use domain::watermark::{Mark, Reached, Watermarks};

use crate::port::MarkWrite;

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

    /// Since when the mark covers what lies at an offset, if it does.
    fn covers(&self, mark: Mark, offset: Offset) -> Option<Millis> {
        let reached = self.upto.of(mark).filter(|reached| reached.offset >= offset);
        reached.map(|reached| reached.at).or_else(|| self.apart(mark).get(&offset).copied())
    }

    /// Folds somebody's marks into messages; their author's own say nothing.
    pub(super) fn fold(&self, user: &UserId, entries: &mut [Entry]) {
        for entry in entries.iter_mut().filter(|entry| entry.sent.by.id != *user) {
            let [delivered, read] = [Mark::Delivered, Mark::Read].map(|mark| self.covers(mark, entry.sent.offset));
            entry.delivered |= delivered.is_some() || read.is_some();
            entry.read |= read.is_some();
            entry.marked_at = entry.marked_at.max(delivered).max(read);
        }
    }
}
