//! What a user has to do with: conversations and what they are called, where one stands, whom one knows.

use domain::Text;
use domain::event::What;
use domain::id::{Millis, Offset, UserNumber};
use domain::model::{Role, RoomKind, Status};
use domain::watermark::Mark;

use super::cases::Case;
use super::hand::{self, Hands, deleting, editing, enrolling, making, meeting, saying, user, write};
use crate::port::{Found, MarkWrite, Read, RoomWrite, Store, Write};

pub(super) const CASES: &[Case] = &[
    ("conversations are listed with their users and their last message", conversations),
    ("rooms are found by where they were born", born),
    ("a conversation is called what it was called last", aliases),
    ("a room has the title that it was given last", titles),
    ("where one stands in what is one's own", standings),
    ("whom one knows", acquaintances),
];

fn marking(who: &str, room: &str, upto: u64) -> Write {
    let (user, room, upto) = (user(who), hand::room(room), Some(Offset(upto)));
    Write::Mark(MarkWrite { user, room, mark: Mark::Read, upto, apart: Vec::new(), at: Millis(70) })
}

fn listed(hands: &mut Hands, who: &str, before: Option<u64>, most: u32) -> Vec<String> {
    let ask = Read::Conversations { user: user(who), before: before.map(Offset), most };
    let Found::Conversations(found) = hands.found(&ask) else { panic!("{ask:?} is answered with conversations") };
    let one = |one: &domain::history::Conversation| {
        let [first, second] = one.users.clone().map(|user| user.person.number.0);
        let last = one.last.as_ref();
        let last =
            last.map_or("-".to_owned(), |last| format!("{}{}", last.content(), if last.read { " read" } else { "" }));
        assert_eq!(one.made_at, Millis(1_000));
        format!("{} {first},{second}: {last}", one.born)
    };
    found.iter().map(one).collect()
}

fn conversations(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([meeting("bob", None, 1), meeting("ann", None, 1), meeting("cat", None, 1)]);
    // Offsets 2 to 6.
    hands.commit(["ann+bob", "ann+cat", "ann+nobody", "ann+ann", "ann"].map(making));
    hands.commit([saying("ann+bob", "ann", 1), saying("ann+cat", "cat", 2), saying("ann+bob", "bob", 3)]);
    let all = ["5 2,2: -", "3 2,3: 2", "2 1,2: 3"];
    for (before, most, expected) in [
        (None, 9, &all[..]),
        (None, 2, &all[..2]),
        (None, 0, &[]),
        (Some(5), 9, &all[1..]),
        (Some(4), 1, &all[1..2]),
        (Some(2), 9, &[]),
        (Some(99), 1, &all[..1]),
    ] {
        assert_eq!(listed(&mut hands, "ann", before, most), expected, "{before:?} {most}");
    }
    assert_eq!(listed(&mut hands, "nobody", None, 9), Vec::<String>::new(), "not made known");
    assert_eq!(listed(&mut hands, "stranger", None, 9), Vec::<String>::new());
    // As it is now: edited, marked, deleted; here and where a store that keeps the newest in memory has let it go.
    hands.commit([editing("ann+bob", 9, "drei", 9), marking("ann", "ann+bob", 99), saying("ann+cat", "ann", 4)]);
    for round in 0..2 {
        assert_eq!(listed(&mut hands, "bob", None, 9), ["2 1,2: drei read"], "{round}");
        assert_eq!(listed(&mut hands, "cat", None, 9), ["3 2,3: 4"], "{round}");
        hands.commit((100..140).map(|id| saying("ann", "ann", id)));
    }
    hands.commit([deleting("ann+bob", 9), meeting("nobody", None, 1)]);
    assert_eq!(listed(&mut hands, "bob", None, 9), ["2 1,2: 1"], "one's own mark says nothing of one's own message");
    assert_eq!(listed(&mut hands, "nobody", None, 9), ["4 2,4: -"]);
    hands.commit([deleting("ann+bob", 7)]);
    assert_eq!(listed(&mut hands, "bob", None, 9), ["2 1,2: -"]);
    let Found::Conversations(found) = hands.found(&Read::Conversations { user: user("ann"), before: None, most: 1 })
    else {
        panic!("answered with conversations")
    };
    assert_eq!(found[0].users[0].person.number, UserNumber(2));
}

fn born(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a"), saying("a", "ann", 1), making("ann+bob")]);
    for (offset, expected) in [(2, Some("a")), (3, None), (4, Some("ann+bob")), (0, None), (1, None), (u64::MAX, None)]
    {
        assert_eq!(hands.found(&Read::Born(Offset(offset))), Found::Key(expected.map(hand::room)), "{offset}");
    }
}

fn called(room: &str, alias: Option<&str>) -> Write {
    let said = What::Sent(hand::message(None, "x"));
    Write::Events(RoomWrite { alias: alias.map(Text::from), ..write(room, "ann", Some(0), vec![said]) })
}

fn aliases(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let made = RoomWrite {
        alias: Some(Text::from("one")),
        ..write("ann+bob", "ann", None, vec![hand::made(RoomKind::Direct, None), What::Sent(hand::message(None, "x"))])
    };
    hands.commit([Write::Events(made), making("ann+cat"), making("pub"), making("ann+ann")]);
    let (events, _) = hands.events(&hand::page("ann+bob", None, 9));
    assert!(events.len() == 2 && events.iter().all(|event| event.alias.as_deref() == Some("one")), "each of a write's");
    let alias = |hands: &mut Hands, who: &str, alias: &str| {
        let ask = Read::Alias { user: user(who), alias: Text::from(alias) };
        let Found::Key(key) = hands.found(&ask) else { panic!("{ask:?} is answered with a key") };
        key.map_or(String::new(), |key| key.shown().to_string())
    };
    for (write, expected) in [
        (
            called("ann+cat", Some("two")),
            [("ann", "one", "dm-ann-bob"), ("ann", "two", "dm-ann-cat"), ("bob", "two", "")],
        ),
        (called("ann+bob", None), [("ann", "one", "dm-ann-bob"), ("bob", "one", "dm-ann-bob"), ("cat", "one", "")]),
        (
            called("ann+cat", Some("one")),
            [("ann", "one", "dm-ann-cat"), ("bob", "one", "dm-ann-bob"), ("ann", "two", "")],
        ),
        (called("ann+bob", None), [("ann", "one", "dm-ann-bob"), ("cat", "one", "dm-ann-cat"), ("bob", "One", "")]),
        (
            called("ann+bob", Some("three")),
            [("ann", "one", "dm-ann-cat"), ("bob", "one", ""), ("bob", "three", "dm-ann-bob")],
        ),
        (called("pub", Some("four")), [("ann", "four", ""), ("ann", "three", "dm-ann-bob"), ("eve", "three", "")]),
        (called("ann+ann", Some("four")), [("ann", "four", "dm-ann-ann"), ("bob", "four", ""), ("ann", "", "")]),
    ] {
        hands.commit([write.clone()]);
        for (who, name, room) in expected {
            assert_eq!(alias(&mut hands, who, name), room, "{who} {name} after {write:?}");
        }
    }
    for (room, expected) in [("ann+bob", Some("three")), ("ann+cat", Some("one")), ("pub", Some("four"))] {
        let Found::Room(Some(facts)) = hands.found(&Read::Room(hand::room(room))) else { panic!("it is there") };
        assert_eq!(facts.alias.as_deref(), expected, "{room}");
    }
}

fn titles(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let title = |title: &str| What::Retitled { title: Text::from(title) };
    let born = write("a", "ann", None, vec![hand::made(RoomKind::Public, None), title("first"), title("second")]);
    hands.commit([Write::Events(born)]);
    let shown = |hands: &mut Hands| {
        let Found::Room(Some(facts)) = hands.found(&Read::Room(hand::room("a"))) else { panic!("it is there") };
        let ask = Read::Rooms { asker: user("eve"), kind: None, most: 9 };
        let Found::Rooms(rooms) = hands.found(&ask) else { panic!("{ask:?}") };
        assert_eq!(rooms[0].title, facts.title);
        facts.title.to_string()
    };
    assert_eq!(shown(&mut hands), "second");
    hands.commit([enrolling("a", title("third")), saying("a", "ann", 1)]);
    assert_eq!(shown(&mut hands), "third");
    hands.commit([enrolling("a", What::Notice { extra: Text::from("{}") })]);
    assert_eq!(shown(&mut hands), "third");
}

fn standings(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let stands = |hands: &mut Hands| {
        let Found::Standings(all) = hands.found(&Read::Standings(user("eve"))) else { panic!("standings") };
        assert!(all.is_sorted_by_key(|one| one.room.clone()), "by room");
        let mut said: Vec<_> =
            all.iter().map(|one| format!("{} {}/{}", one.room.shown(), one.delivered, one.last)).collect();
        said.sort();
        said.join(", ")
    };
    let delivered = |room: &str, upto: u64| {
        let (user, room, upto) = (user("eve"), hand::room(room), Some(Offset(upto)));
        Write::Mark(MarkWrite { user, room, mark: Mark::Delivered, upto, apart: Vec::new(), at: Millis(1) })
    };
    let joins = |room: &str, status| enrolling(room, hand::member("eve", Role::Member, status));
    assert_eq!(stands(&mut hands), "");
    // Offsets 2 to 6.
    hands.commit(["GUILD#g", "pub", "other", "ann+eve", "ann+bob"].map(making));
    assert_eq!(stands(&mut hands), "dm-ann-eve 4/5", "nothing was delivered: the place before the first event");
    hands.commit([joins("GUILD#g", Status::Active), joins("pub", Status::Active), joins("other", Status::Blocked)]);
    assert_eq!(stands(&mut hands), "GUILD#g 7/7, dm-ann-eve 4/5, pub 8/8", "where one began to belong");
    hands.commit([saying("GUILD#g", "ann", 1), saying("ann+eve", "eve", 2)]);
    assert_eq!(stands(&mut hands), "GUILD#g 7/10, dm-ann-eve 4/11, pub 8/8", "one's own too");
    hands.commit([delivered("GUILD#g", 10), delivered("ann+eve", 11), delivered("other", 9)]);
    assert_eq!(stands(&mut hands), "GUILD#g 10/10, pub 8/8", "members' rooms always, direct ones when there is more");
    hands.commit([saying("ann+eve", "ann", 3), marking("eve", "pub", 99)]);
    assert_eq!(stands(&mut hands), "GUILD#g 10/10, dm-ann-eve 11/12, pub 99/8", "what is read was delivered");
    hands.commit((100..140).map(|id| saying("other", "ann", id)));
    assert_eq!(stands(&mut hands), "GUILD#g 10/10, dm-ann-eve 11/12, pub 99/8");
    hands.commit([enrolling("GUILD#g", What::MemberRemoved { user: user("eve"), barred: false })]);
    assert_eq!(stands(&mut hands), "dm-ann-eve 11/12, pub 99/8");
}

fn acquaintances(store: &dyn Store) {
    let mut hands = Hands::of(store);
    let joins = |room: &str, who: &str, status| enrolling(room, hand::member(who, Role::Member, status));
    hands.commit(["GUILD#g", "GUILD#h", "pub", "eve+zed", "eve+ann", "eve+eve", "ann+bob"].map(making));
    hands.commit([Write::Events(write("priv", "ann", None, vec![hand::made(RoomKind::Private, None)]))]);
    for (room, members) in [("GUILD#g", "eve ann cat"), ("GUILD#h", "dan"), ("pub", "eve pat"), ("priv", "eve moe")] {
        hands.commit(members.split_whitespace().map(|who| joins(room, who, Status::Active)));
    }
    hands.commit([joins("GUILD#g", "ina", Status::Blocked), joins("GUILD#h", "eve", Status::Inactive)]);
    for (who, most, expected) in [
        ("eve", 9, "ann cat moe zed"),
        ("eve", 4, "ann cat moe zed"),
        ("eve", 3, "ann cat moe"),
        ("eve", 2, "ann cat"),
        ("eve", 0, ""),
        ("ann", 9, "bob cat eve"),
        ("ina", 9, ""),
        ("dan", 9, ""),
        ("pat", 9, ""),
        ("nobody", 9, ""),
    ] {
        let Found::Users(users) = hands.found(&Read::Acquaintances { user: user(who), most }) else { panic!("users") };
        let users: Vec<_> = users.iter().map(domain::id::UserId::as_str).collect();
        assert_eq!(users.join(" "), expected, "{who} {most}");
    }
}
