//! What of a mark that a client asked for is left in the outbox, alike in every store. Pure, like `settle`.

use domain::id::Offset;

use super::marks::Marks;
use crate::port::{AskedMark, Covered, Outcome, Posted};

/// The row that a mark leaves, without its number: of the messages that its client named, else of what the mark comes past.
/// None when that is nothing. `before` are the user's marks before this one, `outcome` is what became of it; `room` is where
/// the room was born, and `after` the log's head.
pub(super) fn posted(
    asked: &AskedMark,
    (before, outcome): (&Marks, &Outcome),
    room: Offset,
    after: Offset,
) -> Option<Posted> {
    let AskedMark { mark, messages } = asked;
    // Who has no mark yet, begins where they began to belong.
    let stood = || before.upto.of(mark.mark).map_or(Offset(0), |reached| reached.offset);
    let from = if let Outcome::Reached { after, .. } = outcome { *after } else { stood() };
    let what = match mark.upto {
        _ if !messages.is_empty() => Covered::Messages(messages.clone()),
        Some(upto) if upto > from => Covered::Stretch { room, from, upto },
        Some(_) | None => return None,
    };
    Some(Posted { number: 0, after, user: mark.user.clone(), mark: mark.mark, at: mark.at, what })
}
