//! Raising marks: which of the messages that someone names are theirs to mark, room by room (HAZARDS 14, RULES 22).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::{Event, Marked};
use crate::id::Offset;
use crate::model::RoomKey;

/// What one command raises in one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raise {
    /// Where.
    pub room: RoomKey,
    /// Everything up to here; only in the room that was named.
    pub upto: Option<Offset>,
    /// Where the named messages of this room are, ascending.
    pub apart: Vec<Offset>,
    /// The named messages of this room, in the order of their offsets.
    pub messages: Arc<[Marked]>,
}

/// Decides `Mark`: what it raises in each room, ordered by room. `found` are the named messages that are there; those in
/// rooms of which `reads` says no are passed over as if they were missing. `named` is the room that was named, with its
/// last offset; that it may be read has been decided by then.
///
/// Whoever marks a message of their own changes nothing that anybody sees: a message is read when somebody else has read
/// it, and a user's unread ones are those of others.
#[must_use]
pub fn mark(found: &[Arc<Event>], named: Option<(&RoomKey, Offset)>, reads: impl Fn(&RoomKey) -> bool) -> Vec<Raise> {
    let mut rooms: BTreeMap<&RoomKey, BTreeMap<Offset, Marked>> = BTreeMap::new();
    for event in found {
        if let Some(marked) = event.marked() {
            rooms.entry(&event.room).or_default().insert(event.offset, marked);
        }
    }
    rooms.retain(|room, _| reads(room));
    if let Some((room, _)) = named {
        rooms.entry(room).or_default();
    }
    let raise = |(room, messages): (&RoomKey, BTreeMap<Offset, Marked>)| Raise {
        room: room.clone(),
        upto: named.filter(|(named, _)| *named == room).map(|(_, last)| last),
        apart: messages.keys().copied().collect(),
        messages: messages.into_values().collect(),
    };
    rooms.into_iter().map(raise).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::cases::{key, said};

    #[test]
    fn what_is_raised_where() {
        let place = |room: &str, offset| Arc::new(said(room, "bob", offset));
        let raise = |room: &str, upto: Option<u64>, messages: &[u64]| Raise {
            room: key(room),
            upto: upto.map(Offset),
            apart: messages.iter().map(|offset| Offset(*offset)).collect(),
            messages: messages.iter().filter_map(|offset| said(room, "bob", *offset).marked()).collect(),
        };
        let (a, b, secret) = (place("a", 5), place("b", 6), place("secret", 7));
        for (what, places, named, expected) in [
            ("nothing", vec![], None, vec![]),
            ("a message", vec![a.clone()], None, vec![raise("a", None, &[5])]),
            ("one named twice", vec![a.clone(), a.clone()], None, vec![raise("a", None, &[5])]),
            (
                "two of one room, whatever their order",
                vec![place("a", 9), a.clone()],
                None,
                vec![raise("a", None, &[5, 9])],
            ),
            ("two rooms", vec![b.clone(), a.clone()], None, vec![raise("a", None, &[5]), raise("b", None, &[6])]),
            ("one that can't be read", vec![secret.clone()], None, vec![]),
            ("that and another", vec![secret, b.clone()], None, vec![raise("b", None, &[6])]),
            ("a room", vec![], Some("a"), vec![raise("a", Some(8), &[])]),
            ("a room and a message of it", vec![a], Some("a"), vec![raise("a", Some(8), &[5])]),
            (
                "a room and a message of another",
                vec![b],
                Some("a"),
                vec![raise("a", Some(8), &[]), raise("b", None, &[6])],
            ),
        ] {
            let named = named.map(key);
            let raised = mark(&places, named.as_ref().map(|room| (room, Offset(8))), |room| *room != key("secret"));
            assert_eq!(raised, expected, "{what}");
        }
    }
}
