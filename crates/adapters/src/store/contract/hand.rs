//! Short hands for the suite: writes from a few words, and outcomes as a few words.

use std::sync::Arc;

use domain::Text;
use domain::event::{Event, What};
use domain::id::{
    ClientId, ConnectionId, Door, ExclusionVersion, Life, MessageId, Millis, Offset, RoomName, UserId, UserNumber,
};
use domain::model::{Member, Message, MessageKind, Person, Profile, Role, RoomKey, RoomKind, Sending, Status};
use domain::query::Window;

use crate::port::{Batch, Found, NewPerson, NewUser, Outcome, Read, Reader, RoomWrite, Store, Write, Writer};

/// The life in every batch of the suite: not the genesis row's.
pub(crate) const START: Life = Life(0xbeef);

pub(crate) fn user(id: &str) -> UserId {
    UserId::new(id).expect("the suite's ids are valid")
}

/// `x+y` is the direct room of x and y; everything else is a name.
pub(crate) fn room(name: &str) -> RoomKey {
    match name.split_once('+') {
        Some((x, y)) => RoomKey::pair(user(x), user(y)),
        None => RoomKey::Named(RoomName::new(name).expect("the suite's names are valid")),
    }
}

pub(crate) fn person(id: &str) -> Arc<Person> {
    let number = UserNumber(u32::from(id.as_bytes()[0]));
    Arc::new(Person { id: user(id), number, name: Text::from(format!("The {id}")), email: None })
}

pub(crate) fn message(client_id: Option<&str>, content: &str) -> Message {
    Message {
        id: MessageId(0xab),
        kind: MessageKind::Text,
        content: Text::from(content),
        reply_to: None,
        client_id: client_id.map(|id| ClientId::new(id).expect("the suite's client ids are valid")),
        extra: None,
    }
}

/// A write of `events`, all at version 0 and time 1,000.
pub(crate) fn write(name: &str, by: &str, under: Option<u64>, events: Vec<What>) -> RoomWrite {
    RoomWrite {
        room: room(name),
        under: under.map(ExclusionVersion),
        by: person(by),
        door: Door(1),
        origin: Some(ConnectionId(7)),
        at: Millis(1000),
        alias: None,
        events: events.into_iter().map(|what| (what, ExclusionVersion(0))).collect(),
    }
}

pub(crate) fn made(kind: RoomKind, seats: Option<u32>) -> What {
    What::RoomMade { kind, title: Text::from("A title"), seats }
}

/// The making of a room by ann, of the kind that its name has at first use.
pub(crate) fn making(name: &str) -> Write {
    Write::Events(write(name, "ann", None, vec![made(room(name).first_use_kind(), None)]))
}

/// A send under version 0.
pub(crate) fn sending(name: &str, by: &str, client_id: Option<&str>, content: &str) -> Write {
    Write::Events(write(name, by, Some(0), vec![What::Sent(message(client_id, content))]))
}

/// A send under version 0 of a message with this id, whose content is its number.
pub(crate) fn saying(name: &str, by: &str, id: u128) -> Write {
    let message = Message { id: MessageId(id), ..message(None, &id.to_string()) };
    Write::Events(write(name, by, Some(0), vec![What::Sent(message)]))
}

/// An edit under version 0 of what was sent at an offset, at that time.
pub(crate) fn editing(name: &str, of: u64, content: &str, at: u64) -> Write {
    let what = What::Edited {
        message: MessageId(of.into()),
        of: Offset(of),
        content: Text::from(content),
        sending: sent_as(),
    };
    Write::Events(RoomWrite { at: Millis(at), ..write(name, "ann", Some(0), vec![what]) })
}

/// A deletion under version 0 of what was sent at an offset.
pub(crate) fn deleting(name: &str, of: u64) -> Write {
    let what = What::Deleted { message: MessageId(of.into()), of: Offset(of), sending: sent_as() };
    Write::Events(write(name, "ann", Some(0), vec![what]))
}

/// How the messages that are changed were sent.
fn sent_as() -> Sending {
    Sending { door: Door(1), client_id: None }
}

/// A part of a room's history.
pub(crate) fn within(name: &str, above: Option<u64>, below: Option<u64>, skip: u32, most: u32, bytes: usize) -> Read {
    let window = Window { above: above.map(Offset), below: below.map(Offset) };
    Read::History { room: room(name), window, skip, most, bytes }
}

/// All of a room's history but the newest `skip`, at most `most`.
pub(crate) fn history(room: RoomKey, skip: u32, most: u32) -> Read {
    Read::History { room, window: Window::default(), skip, most, bytes: usize::MAX }
}

/// A change of the roster under version 0.
pub(crate) fn enrolling(name: &str, what: What) -> Write {
    Write::Events(write(name, "ann", Some(0), vec![what]))
}

pub(crate) fn member(id: &str, role: Role, status: Status) -> What {
    What::MemberSet { user: user(id), member: Member { muted: false, role, status } }
}

pub(crate) fn meeting(id: &str, name: Option<&str>, number_from: u32) -> Write {
    let name = name.map(Text::from);
    Write::Person(NewPerson { id: user(id), name, email: None, number_from: UserNumber(number_from), proved: false })
}

/// Somebody with a proved name.
pub(crate) fn coming(id: &str, name: &str) -> Write {
    let name = Some(Text::from(name));
    Write::Person(NewPerson { id: user(id), name, email: None, number_from: UserNumber(1), proved: true })
}

/// The registration of a user who waits under this name.
pub(crate) fn registering(name: &str, profile: Profile) -> Write {
    let id = user(&format!("waiting:{name}"));
    Write::User(NewUser { id, name: Text::from(name), email: None, profile, number_from: UserNumber(1) })
}

pub(crate) fn batch(writes: impl IntoIterator<Item = Write>) -> Batch {
    Batch { life: START, writes: writes.into_iter().collect() }
}

/// An outcome in a few words: `at 5 6`, `repeat 5`, `reused`, `stale`, `conflict`, `7 name`, `7 name was id room to room`,
/// `user 7 name`, `done`.
pub(crate) fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Committed(events) => {
            events.iter().fold("at".to_owned(), |said, event| format!("{said} {}", event.offset))
        }
        Outcome::Repeat(event) => format!("repeat {}", event.offset),
        Outcome::IdReused => "reused".to_owned(),
        Outcome::Stale => "stale".to_owned(),
        Outcome::Conflict => "conflict".to_owned(),
        Outcome::Person(person) => format!("{} {}", person.number, person.name),
        Outcome::Adopted { person, was, rooms } => {
            let moved = rooms.iter().map(|(before, after)| format!(" {} to {}", before.shown(), after.shown()));
            format!("{} {} was {was}{}", person.number, person.name, moved.collect::<String>())
        }
        Outcome::User(user) => format!("user {} {}", user.person.number, user.person.name),
        Outcome::Reached { after, apart } if apart.is_empty() => format!("reached {after} on"),
        Outcome::Reached { after, apart } => {
            let apart: Vec<String> = apart.iter().map(ToString::to_string).collect();
            format!("reached {after} on but {}", apart.join(" "))
        }
        Outcome::Expired(upto) => format!("expired {upto}"),
        Outcome::Done => "done".to_owned(),
    }
}

/// A store with its writer and one reader.
pub(crate) struct Hands {
    pub(crate) writer: Box<dyn Writer>,
    pub(crate) reader: Box<dyn Reader>,
}

impl Hands {
    pub(crate) fn of(store: &dyn Store) -> Self {
        Self {
            writer: store.writer().expect("an open store gives a writer"),
            reader: store.reader().expect("an open store gives readers"),
        }
    }

    pub(crate) fn commit(&mut self, writes: impl IntoIterator<Item = Write>) -> Vec<Outcome> {
        self.writer.commit(&batch(writes)).expect("nothing is wrong with the disk")
    }

    /// Commits, and checks what became of each write.
    pub(crate) fn told(&mut self, what: &str, steps: &[(Write, &str)]) {
        let outcomes = self.commit(steps.iter().map(|(write, _)| write.clone()));
        let said: Vec<_> = outcomes.iter().map(said).collect();
        let expected: Vec<_> = steps.iter().map(|(_, expected)| *expected).collect();
        assert_eq!(said, expected, "{what}");
    }

    pub(crate) fn found(&mut self, ask: &Read) -> Found {
        self.reader.read(ask).expect("nothing is wrong with the disk")
    }

    /// The events found, and how far was looked.
    pub(crate) fn events(&mut self, ask: &Read) -> (Vec<Arc<Event>>, u64) {
        let Found::Events { events, scanned, .. } = self.found(ask) else { panic!("{ask:?} is answered with events") };
        (events, scanned.0)
    }

    /// The offsets found, and how far was looked.
    pub(crate) fn offsets(&mut self, ask: &Read) -> (Vec<u64>, u64) {
        let (events, scanned) = self.events(ask);
        (events.iter().map(|event| event.offset.0).collect(), scanned)
    }
}

pub(crate) fn page(name: &str, before: Option<u64>, most: usize) -> Read {
    Read::Page { room: room(name), before: before.map(Offset), most }
}

/// The log's head, as it is read.
pub(crate) fn head_of(hands: &mut Hands) -> u64 {
    let Found::Cursor(Some(head)) = hands.found(&Read::Head) else { panic!("there is always a head") };
    head.offset.0
}

#[cfg(test)]
pub(crate) fn head(reader: &mut dyn Reader) -> u64 {
    match reader.read(&Read::Head) {
        Ok(Found::Cursor(Some(cursor))) => cursor.offset.0,
        other => panic!("the head was answered with {other:?}"),
    }
}

/// A public room's kind and the other three, for tables.
pub(crate) const KINDS: [RoomKind; 4] = [RoomKind::Public, RoomKind::Private, RoomKind::Guild, RoomKind::Direct];
