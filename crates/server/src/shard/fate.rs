//! What has become of a message, as far as it stands in the same part of the log: whoever catches up on a wire that has no
//! word for an edit or a deletion is told how it ended, not what was taken back meanwhile (RULES 17). Of what was taken
//! back further on than one part reaches, such a wire is told as it was said: a part is what one read gives.

use std::sync::Arc;

use dialects::{Audience, Dialect, Said, Whose};
use domain::event::{Event, News, What};
use domain::id::Offset;
use hashbrown::HashMap;

/// The last change of each message that was changed.
#[derive(Debug, Default)]
pub(super) struct Fates<'a>(HashMap<Offset, &'a Arc<Event>>);

/// What one listener is told of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Telling {
    AsItStands,
    As(Arc<Event>),
    Nothing,
}

impl<'a> Fates<'a> {
    pub(super) fn of(events: &'a [Arc<Event>]) -> Self {
        let mut fates = HashMap::new();
        for event in events {
            match &event.what {
                What::Edited { of, .. } | What::Deleted { of, .. } => {
                    fates.insert(*of, event);
                }
                What::RoomMade { .. }
                | What::MemberSet { .. }
                | What::MemberRemoved { .. }
                | What::Sent(_)
                | What::Retitled { .. }
                | What::Notice { .. } => {}
            }
        }
        Self(fates)
    }

    /// How this event is told to somebody on this wire. Whoever said it is told so in any case: on some wires that is the
    /// acknowledgement.
    pub(super) fn telling(&self, event: &Event, dialect: &dyn Dialect, to: Audience<'_>, said: &mut Said) -> Telling {
        let Some(change) = self.0.get(&event.offset).filter(|_| to.whose != Whose::Origin) else {
            return Telling::AsItStands;
        };
        said.clear();
        dialect.tell(&News::Event(Arc::clone(change)), Audience { whose: Whose::Other, ..to }, said);
        let has_a_word = !said.is_empty();
        said.clear();
        match (&change.what, &event.what) {
            _ if has_a_word => Telling::AsItStands,
            (What::Edited { content, .. }, What::Sent(message)) => {
                let mut message = message.clone();
                message.content = content.clone();
                Telling::As(Arc::new(Event { what: What::Sent(message), ..event.clone() }))
            }
            _ => Telling::Nothing,
        }
    }
}
