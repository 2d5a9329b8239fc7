//! Rows: written and read, damaged, of before, emptied.

use super::*;
use domain::id::{RoomName, UserId};

fn event(alias: Option<&str>, what: What) -> Event {
    let id = UserId::new("ann").unwrap();
    Event {
        offset: Offset(9),
        seq: Seq(4),
        life: Life(1),
        room: RoomKey::Named(RoomName::new("a").unwrap()),
        born: Offset(2),
        version: ExclusionVersion(0),
        at: Millis(1),
        by: Arc::new(Person { id, number: UserNumber(1), name: Text::from("Ann"), email: None }),
        door: Door(1),
        origin: None,
        alias: alias.map(Text::from),
        what,
    }
}

fn kinds() -> Vec<What> {
    let message = Message {
        id: MessageId(7),
        kind: MessageKind::Text,
        content: Text::from("hello"),
        reply_to: Some(MessageId(1)),
        client_id: ClientId::new("c1").ok(),
        extra: Some(Text::from("{}")),
    };
    let sending = Sending { door: Door(3), client_id: ClientId::new("c1").ok() };
    let (message_id, of) = (MessageId(7), Offset(3));
    vec![
        What::Sent(message),
        What::Edited { message: message_id, of, content: Text::from("new"), sending: sending.clone() },
        What::Edited { message: message_id, of, content: Text::from(""), sending: Sending::default() },
        What::Deleted { message: message_id, of, sending },
        What::Deleted { message: message_id, of, sending: Sending::default() },
        What::Retitled { title: Text::from("A title") },
        What::Notice { extra: Text::from("{}") },
        What::Reacted { message: message_id, of, emoji: Text::from("+"), on: true },
        What::Reacted { message: message_id, of, emoji: Text::from("+"), on: false },
    ]
}

/// R5: whatever single bit flips, in the row or by its being read at another offset, it is noticed.
#[test]
fn every_flipped_bit_is_found() {
    for (alias, what) in
        [None, Some("chat-1")].into_iter().flat_map(|alias| kinds().into_iter().map(move |w| (alias, w)))
    {
        let event = event(alias, what);
        let mut row = Vec::new();
        encode(&event, 2, &mut row);
        assert_eq!(decode(9, &row).map(|row| row.into_event(9, event.room.clone())), Some(event));
        assert!(decode(8, &row).is_none() && decode(9, &row[..row.len() - 1]).is_none());
        for bit in 0..row.len() * 8 {
            let mut flipped = row.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(9, &flipped).is_none(), "bit {bit}");
        }
    }
}

/// Edits and deletions of before they said how their message was sent.
#[test]
fn rows_of_before_are_read() {
    for (old, what) in [(OLD_EDITED, &kinds()[2]), (OLD_DELETED, &kinds()[4])] {
        let event = event(None, what.clone());
        let mut row = Vec::new();
        encode(&event, 2, &mut row);
        // A default sending is a door and no client id, at the end.
        row.truncate(row.len() - 2);
        row[HEAD_BYTES] = old;
        seal(&mut row, 9);
        assert_eq!(decode(9, &row).map(|row| row.into_event(9, event.room.clone())), Some(event));
    }
}

/// What retention leaves: everything but the contents, and the hash by which a repeat is known.
#[test]
fn emptied_rows_have_lost_their_contents_and_nothing_else() {
    for what in kinds() {
        let event = event(Some("chat-1"), what);
        let (mut row, mut expected) = (Vec::new(), event.clone());
        encode(&event, 2, &mut row);
        let left = emptied(9, &row).expect("it is what was written");
        match &mut expected.what {
            What::Sent(message) => (message.content, message.extra) = (Text::default(), None),
            What::Edited { content: text, .. } | What::Notice { extra: text } => *text = Text::default(),
            What::Deleted { .. } | What::Retitled { .. } | What::Reacted { .. } => {
                assert!(left.is_none(), "it has no contents");
                continue;
            }
            What::RoomMade { .. } | What::MemberSet { .. } | What::MemberRemoved { .. } => panic!("not among these"),
        }
        let left = left.expect("it had contents");
        let (before, after) = (decode(9, &row).unwrap(), decode(9, &left).unwrap());
        assert_eq!(before.content_hash, after.content_hash);
        assert_eq!(after.into_event(9, event.room.clone()), expected);
        assert!(!String::from_utf8_lossy(&left).contains("hello") && left.len() <= row.len());
        assert_eq!(emptied(9, &left), Some(Some(left.clone())), "once more changes nothing");
        assert_eq!(mark(9, &row), mark(9, &left), "it is known again");
        assert!(emptied(8, &row).is_none(), "at another place it is damaged");
    }
    assert_eq!(emptied(1, &genesis(Life(1))), Some(None));
}
