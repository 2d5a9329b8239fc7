//! Committing: numbers, outcomes, users, keys.

use std::sync::Arc;

use domain::Text;
use domain::event::What;
use domain::id::{ConnectionId, Cursor, Door, ExclusionVersion, MessageId, Millis, Offset, Seq, UserNumber};
use domain::identity::Scopes;
use domain::limits;
use domain::model::{Message, MessageKind, Person, Role, RoomKind, Sending, Status};

use super::LIFE;
use super::hand::{self, Hands, making, meeting, message, sending, user, write};
use crate::port::{Found, Holder, Key, KeyChange, NewPerson, Outcome, Read, RoomWrite, Store, Write};

pub(super) type Case = (&'static str, fn(&dyn Store));

pub(super) const CASES: &[Case] = &[
    ("an empty log has its genesis row and nothing else", empty),
    ("offsets are one sequence, seqs one per room", numbers),
    ("every kind of event comes back as it was written", kinds),
    ("each write has its outcome, and sees those before it", outcomes),
    ("a refused write leaves nothing behind", nothing_behind),
    ("a repeat gets the first result, whatever happened since", repeats),
    ("what makes a send the same send", same_send),
    ("users are numbered and named once", people),
    ("labels follow what is told", labels),
    ("long labels are cut, and the last number is the last", limits_of_people),
    ("keys are added once and revoked once", keys),
];

fn empty(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let genesis = |offset| Found::Cursor(Some(Cursor { life: LIFE, offset: Offset(offset) }));
    let since = Read::Since { after: Offset(0), upto: Offset(9), rooms: None, pairs_of: None, bytes: 99 };
    for (ask, expected) in [
        (Read::Head, genesis(1)),
        (Read::At(Offset(0)), genesis(0)),
        (Read::At(Offset(1)), genesis(1)),
        (Read::At(Offset(2)), Found::Cursor(None)),
        (Read::At(Offset(u64::MAX)), Found::Cursor(None)),
        (Read::AtSeq(hand::room("a"), Seq(0)), Found::Cursor(None)),
        (since, Found::Events { events: Vec::new(), scanned: Offset(1), fates: Vec::new(), gone: false }),
        (
            hand::page("a", None, 9),
            Found::Events { events: Vec::new(), scanned: Offset(1), fates: Vec::new(), gone: false },
        ),
        (Read::Room(hand::room("a")), Found::Room(None)),
        (Read::Rooms { asker: user("ann"), kind: None, most: 9 }, Found::Rooms(Vec::new())),
        (Read::Person(user("ann")), Found::Person(None)),
        (Read::Keys, Found::Keys(Vec::new())),
        (Read::Recent(Millis(0)), Found::Recent(Vec::new())),
    ] {
        assert_eq!(hands.found(&ask), expected, "{ask:?}");
    }
    assert_eq!(hands.commit([]), Vec::new(), "an empty batch");
}

fn numbers(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a"), making("b")]);
    hands.commit([sending("a", "ann", None, "1"), sending("b", "bob", None, "2"), sending("a", "bob", None, "3")]);
    let (events, _) =
        hands.events(&Read::Since { after: Offset(0), upto: Offset(99), rooms: None, pairs_of: None, bytes: 9999 });
    let seen: Vec<_> = events.iter().map(|event| (event.offset.0, event.room.shown(), event.seq.0)).collect();
    let expected = [(2, "a", 1), (3, "b", 1), (4, "a", 2), (5, "b", 2), (6, "a", 3)];
    assert_eq!(seen, expected.map(|(offset, room, seq)| (offset, Text::from(room), seq)));
    assert!(events.iter().all(|event| event.life == hand::START), "a row has the life of the start that wrote it");
    assert_eq!(hands.found(&Read::Head), Found::Cursor(Some(Cursor { life: hand::START, offset: Offset(6) })));
}

/// Extremes of every field: a row must hold whatever the types hold.
fn kinds(store: &dyn Store) {
    let full = Message {
        id: MessageId(u128::MAX),
        kind: MessageKind::Broadcast,
        content: Text::from("ü".repeat(limits::CONTENT_BYTES_MAX / 2)),
        reply_to: Some(MessageId(1)),
        client_id: message(Some(&"c".repeat(limits::CLIENT_ID_BYTES_MAX)), "").client_id,
        extra: Some(Text::from("{\0}".repeat(limits::EXTRA_BYTES_MAX / 3))),
    };
    let system = Message { kind: MessageKind::System, ..message(None, "x") };
    let rosters = [Role::Member, Role::Moderator, Role::Owner].into_iter().flat_map(|role| {
        [Status::Active, Status::Inactive, Status::Blocked].map(|status| hand::member("bob", role, status))
    });
    let mut events = vec![hand::made(RoomKind::Private, Some(u32::MAX)), What::Sent(full)];
    events.extend(rosters);
    events.push(What::MemberRemoved { user: user("bob"), barred: false });
    events.push(What::MemberRemoved { user: user("bob"), barred: true });
    let sending = Sending {
        door: Door(u8::MAX),
        client_id: message(Some(&"c".repeat(limits::CLIENT_ID_BYTES_MAX)), "").client_id,
    };
    let (content, bare) = (Text::from("new"), Sending::default());
    events.push(What::Edited { message: MessageId(u128::MAX), of: Offset(3), content, sending: sending.clone() });
    events.push(What::Edited { message: MessageId(1), of: Offset(3), content: Text::from(""), sending: bare.clone() });
    events.push(What::Deleted { message: MessageId(0), of: Offset(u64::MAX), sending });
    events.push(What::Deleted { message: MessageId(0), of: Offset(0), sending: bare });
    events.push(What::Retitled { title: Text::from("ü".repeat(limits::TITLE_CHARS_MAX)) });
    events.push(What::Notice { extra: Text::from("{\0}") });
    let emoji = Text::from("x".repeat(limits::EMOJI_BYTES_MAX));
    events.push(What::Reacted { message: MessageId(u128::MAX), of: Offset(u64::MAX), emoji: emoji.clone(), on: true });
    events.push(What::Reacted { message: MessageId(0), of: Offset(0), emoji, on: false });
    let by = Person {
        id: user(&"u".repeat(limits::USER_ID_BYTES_MAX)),
        number: UserNumber(u32::MAX),
        name: Text::from(""),
        email: Some(Text::from("ann@example.org")),
    };
    let extreme = RoomWrite {
        by: Arc::new(by),
        door: Door(u8::MAX),
        origin: Some(ConnectionId(u64::MAX)),
        at: Millis(u64::MAX),
        alias: Some(Text::from("ü".repeat(limits::ROOM_NAME_BYTES_MAX / 2))),
        events: events.into_iter().map(|what| (what, ExclusionVersion(u64::MAX))).collect(),
        ..write("a", "ann", None, Vec::new())
    };
    let plain = RoomWrite { origin: None, at: Millis(0), ..write("b", "bob", None, Vec::new()) };
    let plain = RoomWrite {
        events: vec![
            (hand::made(RoomKind::Direct, None), ExclusionVersion(0)),
            (What::Sent(system), ExclusionVersion(1)),
        ],
        ..plain
    };
    let mut hands = Hands::of(store);
    let mut committed = Vec::new();
    for outcome in hands.commit([Write::Events(extreme.clone()), Write::Events(plain)]) {
        let Outcome::Committed(events) = outcome else { panic!("{outcome:?}") };
        committed.extend(events);
    }
    let whats: Vec<_> = committed.iter().map(|event| (event.what.clone(), event.version)).collect();
    assert_eq!(whats[..extreme.events.len()], extreme.events, "what is told is what was asked");
    let (read, _) = hands.events(&Read::Since {
        after: Offset(0),
        upto: Offset(99),
        rooms: None,
        pairs_of: None,
        bytes: usize::MAX,
    });
    assert_eq!(read, committed, "what is read is what was told");
}

fn outcomes(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let moved = RoomWrite {
        events: vec![(What::MemberRemoved { user: user("bob"), barred: true }, ExclusionVersion(1))],
        ..write("a", "ann", Some(0), Vec::new())
    };
    let under_1 = RoomWrite {
        events: vec![(What::Sent(message(Some("2"), "x")), ExclusionVersion(1))],
        ..write("a", "ann", Some(1), Vec::new())
    };
    hands.told(
        "one batch",
        &[
            (sending("a", "ann", None, "x"), "stale"),
            (making("a"), "at 2"),
            (making("a"), "conflict"),
            (sending("a", "ann", Some("1"), "x"), "at 3"),
            (sending("a", "ann", Some("1"), "x"), "repeat 3"),
            (sending("a", "ann", Some("1"), "y"), "reused"),
            (sending("a", "bob", Some("1"), "y"), "at 4"),
            (Write::Events(moved), "at 5"),
            (sending("a", "bob", Some("2"), "x"), "stale"),
            (sending("a", "bob", Some("1"), "y"), "repeat 4"),
            (Write::Events(under_1.clone()), "at 6"),
            (making("b"), "at 7"),
        ],
    );
    let made_twice = write("a", "ann", Some(1), vec![hand::made(RoomKind::Public, None)]);
    let unmade = write("c", "ann", None, vec![What::Sent(message(None, "x"))]);
    hands.told(
        "the next",
        &[
            (making("b"), "conflict"),
            (sending("a", "ann", None, "x"), "stale"),
            (Write::Events(under_1), "repeat 6"),
            (Write::Events(made_twice), "conflict"),
            (Write::Events(unmade), "stale"),
            (sending("b", "ann", Some("1"), "y"), "at 8"),
        ],
    );
}

fn nothing_behind(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a"), sending("a", "ann", Some("1"), "x")]);
    let before = (hands.found(&Read::Head), hands.found(&Read::Room(hand::room("a"))));
    let two = vec![hand::member("bob", Role::Owner, Status::Active), What::Sent(message(Some("1"), "other"))];
    let stale = vec![hand::member("bob", Role::Owner, Status::Active), What::Sent(message(Some("2"), "x"))];
    hands.told(
        "all or none of a write's events",
        &[
            (Write::Events(write("a", "ann", Some(0), two)), "reused"),
            (Write::Events(write("a", "ann", Some(9), stale)), "stale"),
            (making("a"), "conflict"),
        ],
    );
    assert_eq!((hands.found(&Read::Head), hands.found(&Read::Room(hand::room("a")))), before);
    hands.told("a refused client id is free", &[(sending("a", "ann", Some("2"), "y"), "at 4")]);
}

fn repeats(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let deleted = What::Deleted { message: MessageId(0xab), of: Offset(3), sending: Sending::default() };
    let removed = What::MemberRemoved { user: user("bob"), barred: true };
    let first = hands.commit([making("a"), sending("a", "bob", Some("1"), "x")]).remove(1);
    let Outcome::Committed(first) = first else { panic!("{first:?}") };
    let after = RoomWrite {
        events: vec![(deleted, ExclusionVersion(0)), (removed, ExclusionVersion(4))],
        ..write("a", "ann", Some(0), Vec::new())
    };
    hands.told("an edit, a removal", &[(Write::Events(after), "at 4 5")]);
    // Another attempt: drawn another message id, at another time, through another door, decided under whatever.
    for under in [None, Some(0), Some(4)] {
        let again = Message { id: MessageId(0xcd), ..message(Some("1"), "x") };
        let mut again = write("a", "bob", under, vec![What::Sent(again)]);
        (again.at, again.door, again.origin) = (Millis(9_000_000), Door(3), None);
        let outcome = hands.commit([Write::Events(again)]).remove(0);
        assert_eq!(outcome, Outcome::Repeat(first[0].clone()), "under {under:?}");
    }
    let id = message(Some("1"), "").client_id.expect("it has one");
    for (by, room, expected) in [("bob", "a", Some(first[0].clone())), ("ann", "a", None), ("bob", "b", None)] {
        let ask = Read::Sent { by: user(by), room: hand::room(room), client_id: id.clone() };
        assert_eq!(hands.found(&ask), Found::Event(expected), "{ask:?}");
    }
}

fn same_send(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let base = Message { extra: Some(Text::from("e")), reply_to: Some(MessageId(5)), ..message(Some("1"), "x") };
    let send = |message: Message| Write::Events(write("a", "ann", Some(0), vec![What::Sent(message)]));
    hands.told(
        "what is compared",
        &[
            (making("a"), "at 2"),
            (send(base.clone()), "at 3"),
            (send(Message { id: MessageId(9), ..base.clone() }), "repeat 3"),
            (send(Message { content: Text::from("y"), ..base.clone() }), "reused"),
            (send(Message { kind: MessageKind::System, ..base.clone() }), "reused"),
            (send(Message { reply_to: None, ..base.clone() }), "repeat 3"),
            (send(Message { extra: None, ..base.clone() }), "repeat 3"),
            (send(Message { content: Text::from("xe"), extra: Some(Text::from("")), ..base }), "reused"),
        ],
    );
}

fn people(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.told(
        "numbers and names",
        &[
            (meeting("ann", Some("Ann"), 1), "1 Ann"),
            (meeting("2", None, 1), "2 2"),
            (meeting("bob", Some("Ann"), 1), "3 Ann~3"),
            (meeting("3", None, 1), "4 3"),
            (meeting("007", None, 1_000_000_001), "1000000001 007"),
            (meeting("2147483648", None, 1), "5 2147483648"),
            (meeting("2147483647", None, 1), "2147483647 2147483647"),
            (meeting("carol", Some("Ann~7"), 1), "6 Ann~7"),
            (meeting("dave", Some("Ann"), 1), "7 Ann~7~2"),
            (meeting("ann", Some("Ann"), 500), "1 Ann"),
            (meeting("eve", None, 1_000_000_001), "1000000002 eve"),
            (meeting("8", None, 1), "8 8"),
            (meeting("frank", None, 1), "9 frank"),
        ],
    );
    hands.told("the next batch", &[(meeting("bob", None, 1), "3 Ann~3"), (meeting("gus", None, 1), "10 gus")]);
    let Found::Person(Some(bob)) = hands.found(&Read::Person(user("bob"))) else { panic!("bob is known") };
    assert_eq!((bob.number, &*bob.name), (UserNumber(3), "Ann~3"));
    assert_eq!(hands.found(&Read::Person(user("nobody"))), Found::Person(None));
}

fn labels(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let told = |name: Option<&str>, email: Option<&str>| {
        let (name, email) = (name.map(Text::from), email.map(Text::from));
        Write::Person(NewPerson { id: user("ann"), name, email, number_from: UserNumber(1), proved: false })
    };
    for (name, email, expected_name, expected_email) in [
        (None, None, "ann", None),
        (Some("Ann"), None, "Ann", None),
        (None, Some("a@x"), "Ann", Some("a@x")),
        (Some(""), Some(""), "Ann", Some("a@x")),
        (Some("Anna"), Some("b@x"), "Anna", Some("b@x")),
        (None, None, "Anna", Some("b@x")),
    ] {
        let outcome = hands.commit([told(name, email)]).remove(0);
        let Outcome::Person(person) = &outcome else { panic!("{outcome:?}") };
        assert_eq!((&*person.name, person.email.as_deref()), (expected_name, expected_email), "{name:?} {email:?}");
        assert_eq!(hands.found(&Read::Person(user("ann"))), Found::Person(Some(person.clone())));
    }
    hands.told(
        "a name that was left is free, and is taken by who asks for it next",
        &[
            (meeting("bob", Some("Anna"), 1), "2 Anna~2"),
            (meeting("ann", Some("A"), 1), "1 A"),
            (meeting("bob", None, 1), "2 Anna~2"),
            (meeting("bob", Some("Anna"), 1), "2 Anna"),
            (meeting("ann", Some("Anna"), 1), "1 Anna~1"),
        ],
    );
}

fn limits_of_people(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let long = "ü".repeat(limits::LABEL_BYTES_MAX);
    let cut = "ü".repeat(limits::LABEL_BYTES_MAX / 2);
    hands.told("a long name", &[(meeting("ann", Some(&long), 1), &format!("1 {cut}"))]);
    hands.told(
        "the last number",
        &[
            (meeting("bob", None, 2_147_483_647), "2147483647 bob"),
            (meeting("carol", None, 2_147_483_647), "conflict"),
            (meeting("carol", None, 1), "2 carol"),
        ],
    );
}

fn keys(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let key = |id: &str, holder| Key { id: Text::from(id), hash: [7; 32], holder, made_at: Millis(u64::MAX) };
    let (one, two) = (
        key("k1", Holder::User(user("ann"))),
        key("k2", Holder::Service(Text::from("back"), Scopes::GUILDS.and(Scopes::CONNECTIONS))),
    );
    let add = |key: &Key| Write::Key(KeyChange::Add(key.clone()));
    let revoke = |id: &str| Write::Key(KeyChange::Revoke(Text::from(id)));
    hands.told("added once", &[(add(&two), "done"), (add(&one), "done"), (add(&one), "conflict")]);
    assert_eq!(hands.found(&Read::Keys), Found::Keys(vec![one.clone(), two.clone()]), "by id");
    hands.told("revoked once", &[(revoke("k1"), "done"), (revoke("k1"), "conflict"), (revoke("k3"), "conflict")]);
    assert_eq!(hands.found(&Read::Keys), Found::Keys(vec![two]));
    hands.told("and made anew", &[(add(&one), "done")]);
}
