//! Users who are registered, and who are adopted when they come.

use domain::Text;
use domain::event::What;
use domain::id::{ClientId, MessageId, Millis, Offset, SessionKey, UserNumber};
use domain::limits;
use domain::model::{Profile, Role, Status, User};
use domain::query::Which;
use domain::watermark::Mark;

use super::cases::Case;
use super::hand::{self, Hands, coming, enrolling, making, meeting, page, registering, saying, sending, user};
use crate::port::{Found, MarkWrite, NewPerson, NewUser, Outcome, Read, SessionRow, Store, Write};

pub(super) const CASES: &[Case] = &[
    ("users are registered by name, once", registered),
    ("what is told of a user stays until something else is told", profiles),
    ("what is told of a user is bounded", bounds),
    ("who is adopted, and who is not", adopted),
    ("an adopted user keeps number, name, profile, and what is theirs", follows),
    ("a repeat sent to a room that has another key by now is a repeat", repeats),
    ("a room that is there already is left where it is", taken),
    ("rosters follow, and what the new id has already stays", rosters),
    ("all that happens within one batch", one_batch),
];

fn found(hands: &mut Hands, which: Which) -> Option<User> {
    let Found::User(user) = hands.found(&Read::User(which)) else { panic!("answered with a user") };
    user
}

fn named(name: &str) -> Which {
    Which::Name(Text::from(name))
}

fn registered(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let none = Profile::default;
    hands.told(
        "first seen, seen again, somebody who came by themselves, an id that is taken",
        &[
            (registering("zoe", none()), "user 1 zoe"),
            (registering("zoe", none()), "user 1 zoe"),
            (meeting("ann", Some("Ann"), 1), "2 Ann"),
            (registering("Ann", none()), "user 2 Ann"),
            (registering("zoe ", none()), "user 3 zoe "),
            (meeting("bob", Some("zoe"), 1), "4 zoe~4"),
            (meeting("waiting:zoe", Some("Zoë"), 1), "1 Zoë"),
            (registering("zoe", none()), "conflict"),
        ],
    );
    for (which, expected) in [
        (Which::Id(user("waiting:zoe")), Some("Zoë")),
        (Which::Number(UserNumber(1)), Some("Zoë")),
        (Which::Number(UserNumber(2)), Some("Ann")),
        (named("Zoë"), Some("Zoë")),
        (named("zoë"), None),
        (named("zoe"), None),
        (Which::Id(user("zoe")), None),
        (Which::Number(UserNumber(9)), None),
    ] {
        let user = found(&mut hands, which.clone());
        assert_eq!(user.as_ref().map(|user| &*user.person.name), expected, "{which:?}");
    }
    let number = |from| NewUser {
        id: user(&format!("waiting:{from}")),
        name: Text::from(format!("n{from}")),
        email: Some(Text::from("n@x")),
        profile: Profile::default(),
        number_from: UserNumber(from),
    };
    hands.told(
        "numbers begin where they are told to, and end",
        &[
            (Write::User(number(1_000_000_001)), "user 1000000001 n1000000001"),
            (Write::User(number(2_147_483_647)), "user 2147483647 n2147483647"),
            (Write::User(NewUser { id: user("other"), name: "other".into(), ..number(2_147_483_647) }), "conflict"),
        ],
    );
    let kept = found(&mut hands, Which::Number(UserNumber(1_000_000_001))).expect("just registered");
    assert_eq!(kept.person.email.as_deref(), Some("n@x"));
}

fn told(full_name: Option<&str>, bio: Option<&str>, url: Option<&str>, made_at: u64) -> Profile {
    let [full_name, bio, avatar_url] = [full_name, bio, url].map(|text| text.map(Text::from));
    Profile { full_name, bio, avatar_url, made_at: Some(Millis(made_at)) }
}

fn profiles(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([meeting("ann", Some("Ann"), 1)]);
    assert_eq!(found(&mut hands, named("Ann")).map(|user| user.profile), Some(Profile::default()));
    for (name, profile, expected) in [
        ("zoe", told(Some("Zoe Z"), None, None, 5), told(Some("Zoe Z"), None, None, 5)),
        ("zoe", told(None, Some("hi"), Some("http://x"), 9), told(Some("Zoe Z"), Some("hi"), Some("http://x"), 5)),
        ("zoe", told(Some(""), Some(""), Some(""), 9), told(Some("Zoe Z"), None, Some("http://x"), 5)),
        ("zoe", told(Some("Zoe"), None, None, 9), told(Some("Zoe"), None, Some("http://x"), 5)),
        ("Ann", told(Some("A"), None, None, 9), Profile { made_at: None, ..told(Some("A"), None, None, 0) }),
    ] {
        let outcome = hands.commit([registering(name, profile.clone())]).remove(0);
        let Outcome::User(user) = outcome else { panic!("{outcome:?}") };
        assert_eq!(user.profile, expected, "{name} {profile:?}");
        assert_eq!(found(&mut hands, named(name)), Some(user));
    }
    hands.commit([meeting("waiting:zoe", Some("Zed"), 1)]);
    assert_eq!(found(&mut hands, named("Zed")).map(|user| user.profile.made_at), Some(Some(Millis(5))), "kept");
}

fn bounds(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let long = |bytes: usize| "ü".repeat(bytes / 2 + 1);
    let url = "u".repeat(limits::URL_BYTES_MAX);
    let (name, bio) = (long(limits::LABEL_BYTES_MAX), long(limits::BIO_BYTES_MAX));
    let new = NewUser {
        id: user("waiting:long"),
        name: Text::from(&*name),
        email: Some(Text::from(&*name)),
        profile: told(Some(&name), Some(&bio), Some(&url), 1),
        number_from: UserNumber(1),
    };
    for url in [url.clone(), format!("{url}x")] {
        let profile = Profile { avatar_url: Some(Text::from(url)), ..new.profile.clone() };
        hands.commit([Write::User(NewUser { profile, ..new.clone() })]);
    }
    let kept = found(&mut hands, Which::Number(UserNumber(1))).expect("just registered");
    let cut = "ü".repeat(limits::LABEL_BYTES_MAX / 2);
    assert_eq!((&*kept.person.name, kept.person.email.as_deref()), (&*cut, Some(&*cut)));
    assert_eq!(kept.profile, told(Some(&cut), Some(&"ü".repeat(limits::BIO_BYTES_MAX / 2)), Some(&url), 1));
    hands.told("whose name was cut is nobody's to adopt", &[(coming("u", &name), &format!("2 {}~2", &cut[..252]))]);
}

fn adopted(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([registering("zoe", Profile::default()), meeting("ann", Some("Ann"), 1), meeting("known", None, 1)]);
    hands.told(
        "only by who is new, with exactly that name, proved",
        &[
            (meeting("u0", Some("zoe"), 1), "4 zoe~4"),
            (coming("known", "zoe"), "3 zoe~3"),
            (coming("u1", "Zoe"), "5 Zoe"),
            (coming("u2", "Ann"), "6 Ann~6"),
            (coming("u3", "zoe"), "1 zoe was waiting:zoe"),
            (coming("u3", "zoe"), "1 zoe"),
            (coming("u4", "zoe"), "7 zoe~7"),
            (registering("zoe", Profile::default()), "user 1 zoe"),
        ],
    );
    assert_eq!(found(&mut hands, Which::Id(user("waiting:zoe"))), None);
    assert_eq!(found(&mut hands, named("zoe")).map(|user| user.person.id.clone()), Some(user("u3")));
    assert_eq!(hands.found(&Read::Person(user("waiting:zoe"))), Found::Person(None));
    let Outcome::Person(gus) = hands.commit([coming("gus", "gus")]).remove(0) else { panic!("a person") };
    assert_eq!(&*gus.name, "gus", "nobody waits under that name");
    // An own number is not taken: the one that was given stays.
    hands.commit([registering("nine", Profile::default())]);
    let outcome = hands.commit([Write::Person(NewPerson {
        id: user("99"),
        name: Some(Text::from("nine")),
        email: Some(Text::from("n@x")),
        number_from: UserNumber(1),
        proved: true,
    })]);
    let Outcome::Adopted { person, was, rooms } = &outcome[0] else { panic!("{outcome:?}") };
    assert_eq!(
        (person.number, person.email.as_deref(), was, rooms.len()),
        (UserNumber(9), Some("n@x"), &user("waiting:nine"), 0)
    );
}

const OLD: &str = "ann+waiting:zoe";
const NEW: &str = "ann+u1";

fn delivered(who: &str, room: &str, upto: u64) -> Write {
    let (user, room, upto) = (user(who), hand::room(room), Some(Offset(upto)));
    Write::Mark(MarkWrite { user, room, mark: Mark::Delivered, upto, apart: vec![Offset(9)], at: Millis(50) })
}

fn follows(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let profile = told(Some("Zoe Z"), Some("hi"), None, 5);
    hands.commit([meeting("ann", Some("Ann"), 1), registering("zoe", profile.clone())]);
    hands.commit([making(OLD), saying(OLD, "ann", 1), saying(OLD, "ann", 2), making("lobby")]);
    hands.commit([delivered("waiting:zoe", OLD, 3), saying(OLD, "ann", 3)]);
    let session = |key: u128, who: &str, room: &str| SessionRow {
        key: SessionKey(key),
        user: user(who),
        rooms: vec![hand::room("lobby").into(), hand::room(room).into()],
        ends: None,
        not_before: Offset(0),
        at: Millis(1),
    };
    hands.commit([session(1, "ann", OLD), session(2, "waiting:zoe", OLD), session(3, "eve", OLD)].map(Write::Session));
    // Once while a store that keeps the newest in memory has them there, and once when it has let them go.
    for (round, name) in ["zoe", "yan"].into_iter().enumerate() {
        if round == 1 {
            hands.commit([registering("yan", Profile::default()), making("ann+waiting:yan")]);
            hands.commit((50..90).map(|id| saying("ann+waiting:yan", "ann", id)));
            hands.commit((100..140).map(|id| saying("lobby", "ann", id)));
        }
        let outcome = hands.commit([coming(["u1", "u2"][round], name)]).remove(0);
        let (before, after) = ([OLD, "ann+waiting:yan"][round], [NEW, "ann+u2"][round]);
        let Outcome::Adopted { rooms, .. } = &outcome else { panic!("{outcome:?}") };
        assert_eq!(*rooms, [(hand::room(before), hand::room(after))]);
        assert_eq!(hands.found(&Read::Room(hand::room(before))), Found::Room(None));
        assert_eq!(hands.offsets(&page(before, None, 9)).0, Vec::<u64>::new());
        let (events, _) = hands.events(&page(after, None, usize::MAX));
        assert_eq!(events.len(), [4, 41][round]);
        assert!(events.iter().all(|event| event.room == hand::room(after)), "told of under the new key");
        let ask = Read::Since {
            after: Offset(0),
            upto: Offset(u64::MAX),
            rooms: Some(vec![hand::room(before)]),
            pairs_of: Some(user(["u1", "u2"][round])),
            bytes: usize::MAX,
        };
        assert_eq!(hands.events(&ask).0, events, "caught up with");
        let of_ann = Read::Since {
            pairs_of: Some(user("ann")),
            rooms: Some(Vec::new()),
            after: Offset(0),
            upto: Offset(u64::MAX),
            bytes: usize::MAX,
        };
        assert_eq!(
            hands.events(&of_ann).0.iter().filter(|event| event.room == hand::room(after)).count(),
            events.len()
        );
    }
    let zoe = found(&mut hands, named("zoe")).expect("she is there");
    assert_eq!((zoe.person.id.clone(), zoe.profile), (user("u1"), profile));
    let ask = Read::Unread { room: hand::room(NEW), user: user("u1"), most: 9 };
    assert_eq!(hands.found(&ask), Found::Count(3));
    let Found::Standings(standings) = hands.found(&Read::Standings(user("u1"))) else { panic!("standings") };
    let [standing] = &standings[..] else { panic!("{standings:?}") };
    assert_eq!((standing.room.clone(), standing.delivered, standing.last), (hand::room(NEW), Offset(3), Offset(6)));
    let Found::History(entries, ..) = hands.found(&hand::history(hand::room(NEW), 0, 9)) else { panic!("history") };
    assert_eq!(entries.iter().map(|entry| entry.delivered).collect::<Vec<_>>(), [true, false, false]);
    for (key, who, room) in [(1, "ann", NEW), (2, "u1", NEW), (3, "eve", OLD)] {
        let found = hands.found(&Read::Session(SessionKey(key)));
        assert_eq!(found, Found::Session(Some(session(key, who, room))), "{key}");
    }
    let message = hands.found(&Read::Message(MessageId(1)));
    assert!(matches!(&message, Found::Event(Some(event)) if event.room == hand::room(NEW)), "{message:?}");
    hands.commit([saying(NEW, "u1", 9), hand::editing(NEW, 3, "new", 9), hand::deleting(NEW, 4)]);
    assert_eq!(super::messages::shown(&mut hands, NEW, 0, 9), ("new 3 9".to_owned(), 3), "it goes on");
}

fn repeats(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([meeting("ann", Some("Ann"), 1), registering("zoe", Profile::default()), making(OLD)]);
    hands.commit([sending(OLD, "ann", Some("1"), "x"), sending(OLD, "ann", Some("2"), "y")]);
    hands.commit([coming("u1", "zoe")]);
    let again = || {
        [
            (sending(NEW, "ann", Some("1"), "x"), "repeat 3"),
            (sending(NEW, "ann", Some("2"), "z"), "reused"),
            (sending(NEW, "u1", Some("1"), "x"), ""),
            (sending(OLD, "ann", Some("1"), "x"), "stale"),
        ]
    };
    let mut first = again();
    first[2].1 = "at 5";
    hands.told("at once", &first);
    hands.commit([making("lobby")]);
    hands.commit((100..140).map(|id| saying("lobby", "ann", id)));
    first[2].1 = "repeat 5";
    hands.told("later", &first);
    let ask = Read::Sent { by: user("ann"), room: hand::room(NEW), client_id: ClientId::new("1").expect("short") };
    let found = hands.found(&ask);
    assert!(matches!(&found, Found::Event(Some(event)) if event.room == hand::room(NEW)), "{found:?}");
}

fn taken(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([meeting("ann", Some("Ann"), 1), registering("zoe", Profile::default()), meeting("bob", None, 1)]);
    hands.commit([making(OLD), making(NEW), making("bob+waiting:zoe"), saying(OLD, "ann", 1), saying(NEW, "ann", 2)]);
    hands.told(
        "the one that is free",
        &[(coming("u1", "zoe"), "2 zoe was waiting:zoe dm-bob-waiting:zoe to dm-bob-u1")],
    );
    for (room, expected) in [(OLD, "1"), (NEW, "2")] {
        assert_eq!(super::messages::shown(&mut hands, room, 0, 9), (expected.to_owned(), 1), "{room}");
    }
    for (who, expected) in [("u1", vec![4, 3]), ("ann", vec![3]), ("waiting:zoe", vec![])] {
        let ask = Read::Conversations { user: user(who), before: None, most: 9 };
        let Found::Conversations(found) = hands.found(&ask) else { panic!("{ask:?}") };
        assert_eq!(found.iter().map(|one| one.born.0).collect::<Vec<_>>(), expected, "{who}");
    }
}

fn rosters(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([registering("zoe", Profile::default()), making("a"), making("b"), making("c"), making("d")]);
    let joins = |room: &str, who: &str, role| enrolling(room, hand::member(who, role, Status::Active));
    let bars = |room: &str, who: &str| enrolling(room, What::MemberRemoved { user: user(who), barred: true });
    hands.commit([joins("a", "waiting:zoe", Role::Moderator), bars("b", "waiting:zoe")]);
    hands.commit([joins("c", "waiting:zoe", Role::Owner), joins("c", "u1", Role::Member)]);
    hands.commit([joins("d", "waiting:zoe", Role::Owner), bars("d", "u1")]);
    hands.told("adopted", &[(coming("u1", "zoe"), "1 zoe was waiting:zoe")]);
    for (room, role, barred) in
        [("a", Some(Role::Moderator), false), ("b", None, true), ("c", Some(Role::Member), false), ("d", None, true)]
    {
        let Found::Room(Some(facts)) = hands.found(&Read::Room(hand::room(room))) else { panic!("it is there") };
        assert_eq!((facts.role(&user("u1")), facts.barred.contains(&user("u1"))), (role, barred), "{room}");
        assert!(facts.role(&user("waiting:zoe")).is_none() && !facts.barred.contains(&user("waiting:zoe")), "{room}");
    }
    let Found::Standings(standings) = hands.found(&Read::Standings(user("u1"))) else { panic!("standings") };
    let stands: Vec<_> = standings.iter().map(|one| (one.room.shown().to_string(), one.delivered.0)).collect();
    assert_eq!(stands, [("a".to_owned(), 6), ("c".to_owned(), 9)], "since they began to belong");
}

fn one_batch(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.told(
        "registered, spoken to, adopted, spoken to",
        &[
            (meeting("ann", Some("Ann"), 1), "1 Ann"),
            (registering("zoe", Profile::default()), "user 2 zoe"),
            (making(OLD), "at 2"),
            (sending(OLD, "ann", Some("1"), "x"), "at 3"),
            (coming("u1", "zoe"), "2 zoe was waiting:zoe dm-ann-waiting:zoe to dm-ann-u1"),
            (sending(OLD, "ann", Some("2"), "x"), "stale"),
            (sending(NEW, "ann", Some("1"), "x"), "repeat 3"),
            (sending(NEW, "ann", Some("2"), "y"), "at 4"),
            (making(OLD), "at 5"),
            (sending(OLD, "ann", Some("1"), "z"), "at 6"),
        ],
    );
    assert_eq!(hands.offsets(&page(NEW, None, 9)).0, [2, 3, 4]);
    assert_eq!(hands.offsets(&page(OLD, None, 9)).0, [5, 6], "a room of its own, that nobody else is in");
}
