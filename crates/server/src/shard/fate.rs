//! What has become of a message: whoever catches up on a wire that has no word for an edit or a deletion is told how it ended,
//! not what was taken back meanwhile, however far on in the log that was (RULES 17).

use std::sync::Arc;

use dialects::{Audience, Dialect, Said, Whose};
use domain::event::{Event, News, What};
use domain::history::Fate;
use domain::id::Offset;
use domain::model::{Message, Sending};

/// The fates of those messages of a part of the log that were changed, ascending by where they were sent.
pub(super) type Fates = [(Offset, Fate)];

/// What one listener is told of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Telling {
    AsItStands,
    As(Arc<Event>),
    Nothing,
}

/// How this event is told to somebody on this wire. Whoever said it is told so in any case: on some wires that is the
/// acknowledgement.
pub(super) fn telling(
    fates: &Fates,
    event: &Event,
    dialect: &dyn Dialect,
    to: Audience<'_>,
    said: &mut Said,
) -> Telling {
    let fate = fates.binary_search_by_key(&event.offset, |(of, _)| *of).ok().map(|place| &fates[place].1);
    let (Some(fate), What::Sent(message)) = (fate.filter(|_| to.whose != Whose::Origin), &event.what) else {
        return Telling::AsItStands;
    };
    let (message_id, of) = (message.id, event.offset);
    let sending = Sending { door: event.door, client_id: message.client_id.clone() };
    let change = match fate {
        Fate::Edited(content) => What::Edited { message: message_id, of, content: content.clone(), sending },
        Fate::Deleted => What::Deleted { message: message_id, of, sending },
    };
    said.clear();
    let change = Arc::new(Event { what: change, ..event.clone() });
    dialect.tell(&News::Event(change), Audience { whose: Whose::Other, ..to }, said);
    let has_a_word = !said.is_empty();
    said.clear();
    match fate {
        _ if has_a_word => Telling::AsItStands,
        Fate::Edited(content) => {
            let message = Message { content: content.clone(), ..message.clone() };
            Telling::As(Arc::new(Event { what: What::Sent(message), ..event.clone() }))
        }
        Fate::Deleted => Telling::Nothing,
    }
}
