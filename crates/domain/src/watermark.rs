//! What is kept per member and only its last value counts: delivered up to, read up to (DESIGN.md, 2). Watermarks have
//! no place in the log; they are announced as signals and given as a snapshot on resume. "Who has read 42" is a
//! comparison, never a list.

use crate::id::{Millis, Offset};

/// Which of the two marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// The client's end answered after it (RULES 18).
    Delivered,
    /// The user has seen it.
    Read,
}

/// A mark's value: everything up to here, since then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Up to and including.
    pub offset: Offset,
    /// When it was reached.
    pub at: Millis,
}

/// Both marks of one member in one room. A mark never falls, and what is read was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watermarks {
    /// Private: `delivered >= read` holds by construction.
    delivered: Option<Reached>,
    /// See `delivered`.
    read: Option<Reached>,
}

impl Watermarks {
    /// The mark's value.
    #[must_use]
    pub fn of(&self, mark: Mark) -> Option<Reached> {
        match mark {
            Mark::Delivered => self.delivered,
            Mark::Read => self.read,
        }
    }

    /// Raises a mark; true when something changed. Reading raises what was delivered too.
    pub fn raise(&mut self, mark: Mark, to: Reached) -> bool {
        let raised = |slot: &mut Option<Reached>| {
            let higher = slot.is_none_or(|was| was.offset < to.offset);
            if higher {
                *slot = Some(to);
            }
            higher
        };
        match mark {
            Mark::Delivered => raised(&mut self.delivered),
            Mark::Read => {
                let read = raised(&mut self.read);
                raised(&mut self.delivered) || read
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_rise_and_never_fall() {
        let at = |offset| Reached { offset: Offset(offset), at: Millis(offset * 10) };
        let mut marks = Watermarks::default();
        for (mark, to, changed, delivered, read) in [
            (Mark::Delivered, 5, true, Some(5), None),
            (Mark::Delivered, 4, false, Some(5), None),
            (Mark::Read, 3, true, Some(5), Some(3)),
            (Mark::Read, 3, false, Some(5), Some(3)),
            (Mark::Read, 9, true, Some(9), Some(9)),
            (Mark::Delivered, 9, false, Some(9), Some(9)),
        ] {
            assert_eq!(marks.raise(mark, at(to)), changed, "{mark:?} to {to}");
            assert_eq!(marks.of(Mark::Delivered), delivered.map(at));
            assert_eq!(marks.of(Mark::Read), read.map(at));
        }
    }
}
