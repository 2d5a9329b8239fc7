//! What is one's own: being told of it, writing to one other user, groups, deliveries, who is online.

use dialects::Request;
use domain::command::{Command, Draft, GroupChange, Registration, Reply, Since};
use domain::event::SignalKind;
use domain::id::{Offset, UserNumber};
use domain::identity::Scopes;
use domain::limits::Policy;
use domain::model::{MessageKind, Role, RoomKey};
use domain::query::{Place, Query, Which, Window};
use domain::refusal::Refusal;
use domain::watermark::Mark;
use server::node::{Delivered, Input, Reach};

use super::house::{House, OPEN, Who, room, user};

fn to(which: Which, content: &str) -> Command {
    let (kind, content) = (MessageKind::Text, content.into());
    let draft = Draft { kind, content, reply_to: None, client_id: None, extra: None, alias: Some("talk".into()) };
    Command::SendTo { to: which, draft, manners: OPEN }
}

fn id(name: &str) -> Which {
    Which::Id(user(name))
}

fn delivered(who: &Who, key: &RoomKey, after: u64, upto: Offset) -> Input {
    let reached = vec![Reach { room: key.clone(), after: Offset(after), upto }];
    let connection = who.connection.expect("it is connected");
    Input::Delivered(Delivered { who: who.person.clone(), connection, reached })
}

#[test]
fn one_writes_to_whom_one_knows_by_number_and_to_anybody_by_id() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let number = |number| Which::Number(UserNumber(number));
    assert_eq!(house.does(&alice, to(number(4711), "x")), Err(Refusal::UserNotFound));
    assert_eq!(house.does(&alice, to(Which::Name("bob".into()), "x")), Err(Refusal::UserNotFound), "a name is nobody");
    let known = house.does(&alice, to(number(bob.person.number.0), "by number"));
    let Ok(Reply::Sent { event, .. }) = known else { panic!("{known:?}") };
    assert_eq!((event.room.clone(), event.alias.as_deref()), (RoomKey::pair(user("alice"), user("bob")), Some("talk")));
    let unknown = house.does(&alice, to(id("zoe"), "come"));
    assert!(matches!(unknown, Ok(Reply::Sent { repeat: false, .. })), "{unknown:?}");
    let found = house.asks(&alice, Query::User(id("zoe")));
    assert!(matches!(&found, Ok(Reply::User(zoe)) if *zoe.person.name == *"zoe"), "she waits for it: {found:?}");
    // What somebody else says there is called so, too.
    let answer = house.says(&bob, &event.room, "yes?");
    assert_eq!(answer.alias.as_deref(), Some("talk"));
}

#[test]
fn who_attends_begins_where_something_is_undelivered() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.user("bob"));
    let group = GroupChange::Make { title: "G".into(), members: vec![(user("alice"), Role::Member)] };
    let made = Command::Group { room: room("g"), change: group, notice: None };
    assert_eq!(house.does(&bob, made), Ok(Reply::Done));
    let Ok(Reply::Sent { event, .. }) = house.does(&bob, to(id("alice"), "psst")) else { panic!("it is sent") };
    let told = house.told(&alice, Command::Attend { rooms: true, from: Since::Undelivered });
    let follow = told.follow.expect("she is told from where");
    assert_eq!(told.result, Ok(Reply::Attending { from: event.cursor() }));
    assert_eq!(told.attach.iter().map(|attach| &attach.room).collect::<Vec<_>>(), [&room("g")]);
    assert!(follow.rooms && follow.from < event.offset, "{follow:?}");
    house.put(delivered(&alice, &event.room, event.offset.0 - 1, event.offset));
    house.put(delivered(&alice, &room("g"), 1, event.offset));
    house.step();
    house.tick();
    house.settle();
    let told = house.told(&alice, Command::Attend { rooms: false, from: Since::Undelivered });
    let follow = told.follow.expect("she is told from where");
    assert!(told.attach.is_empty() && follow.from >= event.offset, "everything was delivered: {follow:?}");
}

#[test]
fn deliveries_wait_for_a_batch_and_are_told_to_who_wrote_unless_it_was_read() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let say = |house: &mut House, text: &str| match house.does(&alice, to(id("bob"), text)) {
        Ok(Reply::Sent { event, .. }) => event,
        other => panic!("{other:?}"),
    };
    let (first, second) = (say(&mut house, "one"), say(&mut house, "two"));
    house.news();
    house.put(delivered(&bob, &first.room, first.offset.0 - 1, second.offset));
    house.step();
    assert!(house.commits.is_empty(), "alone it waits for the tick");
    let mark =
        Command::Mark { mark: Mark::Read, messages: [super::house::id_of(&second)].into(), room: None, upto: None };
    assert_eq!(house.does(&bob, mark), Ok(Reply::Done));
    house.settle();
    let signals = house.signals();
    let marked: Vec<_> = signals
        .iter()
        .map(|signal| {
            let (SignalKind::Marked { mark, messages, .. } | SignalKind::Reached { mark, messages, .. }) = &signal.kind
            else {
                panic!("{signal:?}")
            };
            (*mark, messages.iter().map(|one| one.id).collect::<Vec<_>>())
        })
        .collect();
    let ids = [&first, &second].map(|event| super::house::id_of(event));
    assert_eq!(marked, [(Mark::Read, vec![ids[1]]), (Mark::Delivered, vec![ids[0]])]);
    assert!(signals.iter().all(|signal| signal.alias.as_deref() == Some("talk")));
}

#[test]
fn what_two_devices_take_in_is_told_once_and_no_lower_place_after_a_higher() {
    let mut house = House::new();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    let say = |house: &mut House, text: &str| match house.does(&alice, to(id("bob"), text)) {
        Ok(Reply::Sent { event, .. }) => event,
        other => panic!("{other:?}"),
    };
    let said = ["one", "two", "three"].map(|text| say(&mut house, text));
    house.news();
    let before = said[0].offset.0 - 1;
    let mut told = Vec::new();
    // The first device began behind the first message; the second, which had missed all of it, comes later.
    for (after, upto) in [(said[0].offset.0, said[2].offset), (before, said[1].offset), (before, said[2].offset)] {
        house.put(delivered(&bob, &said[0].room, after, upto));
        house.step();
        house.tick();
        house.settle();
        told.extend(house.signals().iter().map(|signal| {
            let SignalKind::Reached { mark: Mark::Delivered, messages, upto } = &signal.kind else {
                panic!("{signal:?}")
            };
            (messages.iter().map(|one| one.offset).collect::<Vec<_>>(), *upto)
        }));
    }
    let last = Some(said[2].offset);
    assert_eq!(told, [(vec![said[1].offset, said[2].offset], last), (vec![said[0].offset], last)]);
}

#[test]
fn a_page_that_is_fetched_is_delivered() {
    let mut house = House::new();
    let (alice, bob) = (house.user("alice"), house.user("bob"));
    let Ok(Reply::Sent { event, .. }) = house.does(&alice, to(id("bob"), "one")) else { panic!("it is sent") };
    let page = |room: Place| Query::History { room, window: Window::default(), skip: 0, most: 10 };
    let status = |house: &mut House, who: &Who| match house.asks(who, page(Place::Born(event.born))) {
        Ok(Reply::History { entries, .. }) => entries[0].delivered,
        other => panic!("{other:?}"),
    };
    assert!(!status(&mut house, &alice), "one's own look delivers nothing");
    assert!(!status(&mut house, &bob), "as it was when he looked");
    house.tick();
    house.settle();
    assert!(status(&mut house, &alice));
    let stranger = house.user("eve");
    for place in [Place::Born(event.born), Place::Born(Offset(9_999)), Place::Alias("talk".into())] {
        assert_eq!(house.asks(&stranger, page(place)), Err(Refusal::Forbidden));
    }
}

#[test]
fn whoever_is_let_in_is_told_of_and_few_are_told_when_many_are_there() {
    let mut house = House::with(Policy { presence_all_max: 2, ..Policy::default() });
    let (alice, bob, eve) = (house.connect("alice", 1), house.connect("bob", 2), house.connect("eve", 3));
    house.says(&alice, &RoomKey::pair(user("alice"), user("bob")), "hi");
    assert_eq!(house.statuses, [], "they were met and not let in yet");
    for who in [&alice, &bob, &eve] {
        house.put(Input::Opened(who.connection.expect("connected")));
        house.settle();
    }
    let online = |name: &str| (name.to_owned(), true);
    assert_eq!(std::mem::take(&mut house.statuses), [online("alice"), online("bob"), online("eve")]);
    let names = |reply: Result<Reply, Refusal>| match reply {
        Ok(Reply::Everyone { users, .. }) => users.iter().map(|who| who.id.to_string()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let others = names(house.asks(&alice, Query::Everyone));
    assert_eq!(
        (others, names(house.asks(&eve, Query::Everyone))),
        (vec!["alice".to_owned(), "bob".to_owned()], vec!["eve".to_owned()])
    );
    house.put(Input::Gone(eve.connection.expect("connected")));
    house.settle();
    assert_eq!(house.statuses, [("eve".to_owned(), false)]);
}

#[test]
fn users_are_registered_by_those_who_may() {
    let mut house = House::new();
    let new = |name: &str| {
        Command::Register(Registration { name: name.into(), email: None, full_name: None, bio: None, avatar_url: None })
    };
    let (alice, auth) = (house.user("alice"), house.back_end(Scopes::USERS));
    assert_eq!(house.does(&alice, new("bob")), Err(Refusal::NotAllowed));
    let Ok(Reply::User(made)) = house.does(&auth, new("bob")) else { panic!("he is made") };
    let again = house.does(&auth, new("bob"));
    assert_eq!(again, Ok(Reply::User(made.clone())), "once");
    // Whoever proves the name is he, and keeps his number.
    let mut identity = super::house::identity("u-77");
    (identity.name, identity.proved) = (Some("bob".into()), true);
    let to = house.call(&auth, Request::Do(Command::Meet(identity)));
    house.settle();
    let met = house.answer(to).map(|told| told.result);
    let Some(Ok(Reply::Met(bob))) = met else { panic!("{met:?}") };
    assert_eq!((bob.id.as_str(), bob.number), ("u-77", made.person.number));
}
