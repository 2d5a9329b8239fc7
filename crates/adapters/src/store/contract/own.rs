//! Rooms as somebody has them, who belongs to one and how far they have come, and what is put under messages.

use std::sync::Arc;

use domain::Text;
use domain::event::What;
use domain::history::Own;
use domain::id::{ExclusionVersion, MessageId, Millis, Offset, UserNumber};
use domain::limits::OVERVIEW_COUNTED_MAX;
use domain::model::{Member, Person, Role, RoomKind, Status};
use domain::watermark::Mark;

use super::cases::Case;
use super::hand::{self, Hands, deleting, enrolling, making, meeting, saying, sending, user, write};
use crate::port::{Found, MarkWrite, Read, RoomWrite, Store, Write};

pub(super) const CASES: &[Case] = &[
    ("what is put under messages is a set", reactions),
    ("reactions are found wherever their messages are", reactions_of_old),
    ("one's own rooms, as one has them", rooms),
    ("unread messages that name somebody", mentions),
    ("who belongs to a room, and how far they have come", members),
    ("a mute is kept with its member", muted),
];

/// A reaction by this user to what was sent at an offset.
fn reacting(room: &str, who: &str, of: u64, emoji: &str, on: bool) -> Write {
    let what = What::Reacted { message: MessageId(of.into()), of: Offset(of), emoji: Text::from(emoji), on };
    Write::Events(RoomWrite { by: hand::person(who), ..write(room, "ann", Some(0), vec![what]) })
}

/// What is under each message of a room: emoji, count and the users' numbers.
fn under(hands: &mut Hands, room: &str) -> Vec<String> {
    let ask = hand::history(hand::room(room), 0, u32::MAX);
    let Found::History(entries, ..) = hands.found(&ask) else { panic!("{ask:?} is answered with history") };
    let one = |entry: &domain::history::Entry| {
        let each = entry.reactions.iter().map(|one| {
            let users: Vec<_> = one.users.iter().map(|user| user.0.to_string()).collect();
            assert_eq!(one.count, users.len() as u64);
            format!("{} {}", one.emoji, users.join(","))
        });
        each.collect::<Vec<_>>().join("; ")
    };
    entries.iter().map(one).collect()
}

fn reactions(store: &dyn Store) {
    let mut hands = Hands::of(store);
    // Offsets 2 to 6; the numbers of the suite's persons are their first letters.
    hands.commit([making("a"), making("b"), saying("a", "ann", 1), saying("a", "bob", 2), saying("b", "ann", 3)]);
    assert_eq!(under(&mut hands, "a"), ["", ""]);
    hands.commit([reacting("a", "bob", 4, "+", true), reacting("a", "cat", 4, "!", true)]);
    hands.commit([reacting("a", "ann", 4, "+", true), reacting("a", "bob", 4, "+", true)]);
    assert_eq!(under(&mut hands, "a"), ["+ 98,97; ! 99", ""]);
    hands.commit([reacting("a", "bob", 4, "+", false), reacting("a", "eve", 4, "+", false)]);
    assert_eq!(under(&mut hands, "a"), ["! 99; + 97", ""], "the order is of those that are there");
    // What names another room's message, none, or what comes later, is under nothing.
    hands.commit([reacting("a", "bob", 6, "+", true), reacting("a", "bob", 2, "+", true)]);
    let next = hand::head_of(&mut hands) + 2;
    hands.commit([reacting("a", "bob", next, "+", true), saying("a", "ann", 4)]);
    assert_eq!(under(&mut hands, "a"), ["! 99; + 97", "", ""]);
    assert_eq!(under(&mut hands, "b"), [""]);
    hands.commit([deleting("a", 4)]);
    assert_eq!(under(&mut hands, "a"), ["", ""]);
}

fn reactions_of_old(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([making("a"), saying("a", "ann", 1)]);
    hands.commit((0..5).map(|n| reacting("a", ["ann", "bob", "cat", "dan", "eve"][n], 3, "+", true)));
    // Enough to move them out of memory, where a store keeps the newest there; and some that still are.
    for id in 10..60 {
        hands.commit([saying("a", "bob", id)]);
    }
    hands.commit([
        reacting("a", "bob", 3, "+", false),
        reacting("a", "fay", 3, "+", true),
        reacting("a", "gus", 3, "?", true),
    ]);
    let first = under(&mut hands, "a").swap_remove(0);
    assert_eq!(first, "+ 97,99,100,101,102; ? 103");
    let find = Read::Find {
        room: hand::room("a"),
        senders: Vec::new(),
        ids: Arc::new([Text::from(MessageId(1).to_string())]),
    };
    let Found::Entries(found) = hands.found(&find) else { panic!("{find:?} is answered with entries") };
    let found: Vec<_> = found[0].iter().flat_map(|entry| &entry.reactions).map(|one| one.count).collect();
    assert_eq!(found, [5, 1], "so do those who look for one message");
}

fn own(hands: &mut Hands, who: &str, only: Option<&str>, most: usize) -> Vec<Own> {
    let ask = Read::Own { user: user(who), room: only.map(hand::room), most };
    let Found::Own(found) = hands.found(&ask) else { panic!("{ask:?} is answered with rooms") };
    found
}

fn marking(who: &str, room: &str, upto: Option<u64>, apart: &[u64]) -> Write {
    let (apart, upto) = (apart.iter().copied().map(Offset).collect(), upto.map(Offset));
    let mark = MarkWrite { user: user(who), room: hand::room(room), mark: Mark::Read, upto, apart, at: Millis(70) };
    Write::Mark(mark)
}

fn rooms(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit(["ann", "bob", "cat"].map(|id| meeting(id, None, 1)));
    let joins = |room, who, status| enrolling(room, hand::member(who, Role::Moderator, status));
    // Offsets 2 to 5, and then 6 to 9.
    hands.commit(["lobby", "den", "ann+bob", "bob+cat"].map(making));
    hands.commit([
        joins("lobby", "ann", Status::Active),
        joins("den", "ann", Status::Blocked),
        saying("ann+bob", "bob", 1),
        saying("lobby", "bob", 2),
    ]);
    let seen = |hands: &mut Hands, who, only, most| -> Vec<String> {
        let one = |own: &Own| {
            let newest = own.newest.as_ref().map_or("-", |entry| entry.content());
            let other = own.other.as_ref().map_or(String::new(), |other| format!(" with {}", other.id));
            let (room, last, head, unread) = (own.room.shown(), own.last, own.head, own.unread);
            format!("{room}{other} at {last} {head}: {unread} unread, {newest}")
        };
        own(hands, who, only, most).iter().map(one).collect()
    };
    let (lobby, pair) = ("lobby at 9 3: 1 unread, 2", "dm-ann-bob with bob at 8 2: 1 unread, 1");
    assert_eq!(seen(&mut hands, "ann", None, 9), [lobby, pair]);
    assert_eq!(seen(&mut hands, "ann", None, 1), [lobby], "the most recently active first");
    assert_eq!(seen(&mut hands, "ann", Some("ann+bob"), 9), [pair]);
    assert_eq!(seen(&mut hands, "ann", Some("den"), 9), ["den at 7 2: 0 unread, -"], "asked for by name");
    assert_eq!(seen(&mut hands, "ann", Some("none"), 9), Vec::<String>::new());
    assert_eq!(seen(&mut hands, "dan", None, 9), Vec::<String>::new());
    let mine = own(&mut hands, "ann", Some("lobby"), 1).swap_remove(0);
    assert_eq!(mine.member, Some(Member { role: Role::Moderator, status: Status::Active, muted: false }));
    assert_eq!((mine.kind, mine.made_at, mine.changed_at), (RoomKind::Public, Millis(1_000), Millis(1_000)));
    hands.commit([
        marking("ann", "lobby", Some(9), &[]),
        saying("lobby", "ann", 3),
        saying("lobby", "bob", 4),
        saying("lobby", "bob", 5),
    ]);
    hands.commit([marking("ann", "lobby", None, &[11]), deleting("lobby", 12)]);
    let mine = own(&mut hands, "ann", Some("lobby"), 1).swap_remove(0);
    assert_eq!(mine.unread, 0, "one's own, one read apart and one deleted");
    assert_eq!(mine.marks.of(Mark::Read).map(|reached| (reached.offset, reached.at)), Some((Offset(9), Millis(70))));
    let many = usize::try_from(OVERVIEW_COUNTED_MAX).expect("a small number") + 5;
    hands.commit((0..many).map(|n| saying("ann+bob", "bob", 100 + n as u128)));
    assert_eq!(own(&mut hands, "ann", Some("ann+bob"), 1)[0].unread, OVERVIEW_COUNTED_MAX);
}

fn mentions(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([meeting("ann", Some("Ann"), 1), meeting("bob", None, 1), making("a")]);
    hands.commit([enrolling("a", hand::member("ann", Role::Member, Status::Active))]);
    let count = |hands: &mut Hands, who: &str| own(hands, who, Some("a"), 1)[0].mentions;
    hands.commit([
        sending("a", "bob", None, "hi @ann"),
        sending("a", "bob", None, "hi ann"),
        sending("a", "ann", None, "I am @ann"),
    ]);
    assert_eq!((count(&mut hands, "ann"), count(&mut hands, "bob")), (1, 0), "not one's own");
    hands.commit([hand::editing("a", 5, "hi, @Ann!", 9), sending("a", "bob", None, "@ann?")]);
    assert_eq!(count(&mut hands, "ann"), 3, "as they are now");
    hands.commit([deleting("a", 8)]);
    assert_eq!(count(&mut hands, "ann"), 2);
    hands.commit([marking("ann", "a", None, &[4])]);
    assert_eq!(count(&mut hands, "ann"), 1, "not what was read apart");
    hands.commit([marking("ann", "a", Some(9), &[])]);
    assert_eq!(count(&mut hands, "ann"), 0);
}

fn members(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit(["ann", "bob", "cat"].map(|id| meeting(id, None, 1)));
    hands.commit([making("a"), making("ann+bob"), making("ann+ann"), saying("a", "ann", 1)]);
    let joins = |who, role, status| enrolling("a", hand::member(who, role, status));
    hands.commit([
        joins("cat", Role::Owner, Status::Active),
        joins("ann", Role::Member, Status::Active),
        joins("bob", Role::Member, Status::Blocked),
        joins("unknown", Role::Member, Status::Active),
        marking("cat", "a", Some(5), &[]),
    ]);
    let mut seen = |room: &str, most| -> Vec<String> {
        let ask = Read::Members { room: hand::room(room), most };
        let Found::Members(found) = hands.found(&ask) else { panic!("{ask:?} is answered with members") };
        let one = |one: &domain::history::Belonging| {
            let read = one.marks.of(Mark::Read).map_or(0, |reached| reached.offset.0);
            format!("{} {:?} {:?} {read}", one.who.id, one.member.role, one.member.status)
        };
        found.iter().map(one).collect()
    };
    assert_eq!(seen("a", 9), ["ann Member Active 0", "bob Member Blocked 0", "cat Owner Active 5"]);
    assert_eq!(seen("a", 1), ["ann Member Active 0"]);
    assert_eq!(seen("ann+bob", 9), ["ann Member Active 0", "bob Member Active 0"]);
    assert_eq!(seen("ann+ann", 9), ["ann Member Active 0"]);
    assert_eq!(seen("none", 9), Vec::<String>::new());
}

fn muted(store: &dyn Store) {
    let mut hands = Hands::of(store);
    hands.commit([meeting("bob", None, 1), making("a")]);
    for status in [Status::Active, Status::Inactive, Status::Blocked] {
        let member = Member { role: Role::Moderator, status, muted: true };
        let what = What::MemberSet { user: user("bob"), member };
        hands.commit([enrolling("a", what.clone())]);
        let Found::Room(Some(facts)) = hands.found(&Read::Room(hand::room("a"))) else { panic!("it is there") };
        assert_eq!(facts.members.get(&user("bob")), Some(&member));
        let (events, _) = hands.events(&hand::page("a", None, 1));
        assert_eq!((events[0].what.clone(), events[0].version), (what, ExclusionVersion(0)));
        let Found::Members(members) = hands.found(&Read::Members { room: hand::room("a"), most: 9 }) else { panic!() };
        assert_eq!(members[0].member, member);
        assert_eq!(
            members[0].who,
            Arc::new(Person { id: user("bob"), number: UserNumber(1), name: "bob".into(), email: None })
        );
    }
}
