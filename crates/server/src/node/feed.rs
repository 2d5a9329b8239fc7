//! What the node leaves for the feed: marks have no place in the log, so those that a client asked for are kept with a row
//! of the outbox (HAZARDS 14).

use std::collections::HashSet;

use adapters::port::{AskedMark, MarkWrite, Write};
use domain::id::MessageId;
use domain::rules::watermark::Raise;

use super::Node;

impl Node {
    /// There is a feed: it is to be told of marks.
    pub fn has_feed(&mut self) {
        self.feeds = true;
    }

    /// A mark that a client asked for, with those of the messages that it named which lie in this room, in its order.
    pub(super) fn asked(&self, mark: MarkWrite, named: &[MessageId], raise: &Raise) -> Write {
        if !self.feeds {
            return Write::Mark(mark);
        }
        let mut here: HashSet<MessageId> = raise.messages.iter().map(|marked| marked.id).collect();
        let messages = named.iter().copied().filter(|id| here.remove(id)).collect();
        Write::Asked(AskedMark { mark, messages })
    }
}
