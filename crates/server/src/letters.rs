//! What the feed tells: a part of the log, and the marks of the outbox that belong behind it, as letters in one order. Pure;
//! `threads::feed` reads and gives them, the dialects have the words.

use std::sync::Arc;

use adapters::port::{Covered, Letter, Posted, Read};
use dialects::feed::{self, Publication};
use domain::event::Event;
use domain::history::Entry;
use domain::id::{Cursor, MessageId, Offset};
use domain::limits;
use domain::model::RoomKey;
use domain::query::Window;

/// Messages that are told of at once, when a mark came past more: the newest.
const STRETCH_MAX: u32 = 1000;

/// A part of what happened.
pub struct Part {
    /// Events, in order.
    pub events: Vec<Arc<Event>>,
    /// Everything up to here has been looked at.
    pub reached: Cursor,
    /// Marks with the messages that each tells of, in order; none comes after what has been looked at.
    pub marks: Vec<(Posted, Vec<MessageId>)>,
}

/// The letters of a part, and the number of the last mark in it. A mark comes behind what was in the log when it was made.
#[must_use]
pub fn letters(part: &Part) -> (Vec<Letter>, Option<u64>) {
    let mut letters = Vec::new();
    let mut marks = part.marks.iter().peekable();
    for event in &part.events {
        while let Some((row, messages)) = marks.next_if(|(row, _)| row.after < event.offset) {
            letters.extend(of_mark(row, messages));
        }
        let id = event.cursor().to_string();
        letters.extend(feed::event(event).into_iter().map(|told| letter(told, id.clone())));
    }
    letters.extend(marks.flat_map(|(row, messages)| of_mark(row, messages)));
    (letters, part.marks.last().map(|(row, _)| row.number))
}

/// Nothing is told of a mark that came past nothing of others.
fn of_mark(row: &Posted, messages: &[MessageId]) -> Option<Letter> {
    // After a restored backup a number may come again, but not at the same time.
    let id = format!("mark.{}.{}", row.at, row.number);
    (!messages.is_empty()).then(|| letter(feed::marked(row.mark, &row.user, messages, row.at), id))
}

fn letter(told: Publication, id: String) -> Letter {
    Letter { key: told.key, id, body: told.body }
}

/// The messages that were named.
#[must_use]
pub fn listed(row: &Posted) -> Vec<MessageId> {
    match &row.what {
        Covered::Messages(messages) => messages.clone(),
        Covered::Stretch { .. } => Vec::new(),
    }
}

/// Of a mark that came past a stretch: the room's birth, and what is asked when its key is known.
#[must_use]
pub fn stretch(row: &Posted) -> Option<(Offset, impl Fn(RoomKey) -> Read + use<>)> {
    let Covered::Stretch { room, from, upto } = row.what else { return None };
    let window = Window { above: Some(from), below: Some(upto.next()) };
    let (most, bytes) = (STRETCH_MAX, limits::HISTORY_BYTES_MAX);
    Some((room, move |room| Read::History { room, window, skip: 0, most, bytes }))
}

/// Those of a page that are others'.
#[must_use]
pub fn others(row: &Posted, entries: &[Entry]) -> Vec<MessageId> {
    let of_others = entries.iter().filter(|entry| entry.sent.by.id != row.user);
    of_others.filter_map(|entry| entry.sent.message().map(|message| message.id)).collect()
}

#[cfg(test)]
mod tests {
    use domain::event::What;
    use domain::id::{Door, ExclusionVersion, Life, Millis, RoomName, Seq, UserId, UserNumber};
    use domain::model::{Message, MessageKind, Person};
    use domain::watermark::Mark;

    use super::*;

    fn user(id: &str) -> UserId {
        UserId::new(id).expect("a short id is valid")
    }

    fn said(offset: u64) -> Arc<Event> {
        let id = MessageId(offset.into());
        let message =
            Message { id, kind: MessageKind::Text, content: "hi".into(), reply_to: None, client_id: None, extra: None };
        let by = Person { id: user("ann"), number: UserNumber(1), name: "ann".into(), email: None };
        Arc::new(Event {
            offset: Offset(offset),
            seq: Seq(offset),
            life: Life(7),
            room: RoomKey::Named(RoomName::new("a").expect("a short name is valid")),
            born: Offset(2),
            version: ExclusionVersion::default(),
            at: Millis(offset),
            by: Arc::new(by),
            door: Door(4),
            origin: None,
            alias: None,
            what: What::Sent(message),
        })
    }

    fn mark(number: u64, after: u64, messages: &[u128]) -> (Posted, Vec<MessageId>) {
        let messages: Vec<MessageId> = messages.iter().copied().map(MessageId).collect();
        let what = Covered::Messages(messages.clone());
        let (after, user, mark, at) = (Offset(after), user("bob"), Mark::Read, Millis(50));
        (Posted { number, after, user, mark, at, what }, messages)
    }

    #[test]
    fn marks_come_behind_what_they_saw_and_before_what_they_did_not() {
        let reached = Cursor { life: Life(7), offset: Offset(9) };
        let marks = vec![mark(4, 3, &[3]), mark(5, 5, &[3, 5]), mark(6, 5, &[]), mark(7, 9, &[8])];
        let (letters, last) = letters(&Part { events: vec![said(3), said(5), said(8)], reached, marks });
        let told: Vec<(&str, &str)> = letters.iter().map(|letter| (letter.key, &*letter.id)).collect();
        let expected = [
            ("message.room.sent", "0000000000000007.3"),
            ("notification.message.new", "0000000000000007.3"),
            ("message.read", "mark.50.4"),
            ("message.room.sent", "0000000000000007.5"),
            ("notification.message.new", "0000000000000007.5"),
            ("message.read", "mark.50.5"),
            ("message.room.sent", "0000000000000007.8"),
            ("notification.message.new", "0000000000000007.8"),
            ("message.read", "mark.50.7"),
        ];
        assert_eq!(told, expected, "and nothing of the mark that came past nothing");
        assert_eq!(last, Some(7), "which is through all the same");
    }

    #[test]
    fn a_stretch_is_what_others_said_in_it() {
        let (row, _) = mark(1, 9, &[]);
        let what = Covered::Stretch { room: Offset(2), from: Offset(3), upto: Offset(8) };
        let row = Posted { what, ..row };
        let (room, ask) = stretch(&row).expect("it is one");
        assert_eq!((room, listed(&row)), (Offset(2), Vec::new()));
        let Read::History { window, most, .. } = ask(said(3).room.clone()) else { panic!("a page") };
        let within = Window { above: Some(Offset(3)), below: Some(Offset(9)) };
        assert_eq!((window, most), (within, STRETCH_MAX));
        let entries = [5, 8].map(|offset| Entry::fresh(said(offset)));
        assert_eq!(others(&row, &entries), [MessageId(5), MessageId(8)]);
        assert_eq!(others(&Posted { user: user("ann"), ..row }, &entries), []);
    }
}
