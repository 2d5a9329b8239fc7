//! Where there is a feed, the marks that a client asks for are left for it, in the mark's own batch.

use adapters::port::{AskedMark, Covered, Found, Posted, Read, Store, Write};
use dialects::Request;
use domain::command::{Command, Reply};
use domain::id::MessageId;
use domain::watermark::Mark;

use super::house::{House, JOINS, id_of, room};

#[test]
fn marks_that_are_asked_for_are_left_for_the_feed() {
    let mut house = House::new();
    house.node.has_feed();
    let (alice, bob) = (house.connect("alice", 1), house.connect("bob", 2));
    for name in ["r", "s"] {
        house.enter(&bob, name, JOINS);
    }
    let (one, two) = (house.says(&bob, &room("r"), "one"), house.says(&bob, &room("r"), "two"));
    let other = house.says(&bob, &room("s"), "three");
    let stranger = MessageId(1);
    let ids = [id_of(&two), stranger, id_of(&other), id_of(&one), id_of(&two)];
    let command = Command::Mark { mark: Mark::Read, messages: ids.into(), room: None, upto: None };
    let to = house.call(&alice, Request::Do(command));
    house.step();
    while !house.reads.is_empty() {
        house.read();
        house.step();
    }
    let batch = house.commits[0].clone();
    let asked: Vec<&AskedMark> = batch
        .writes
        .iter()
        .map(|write| if let Write::Asked(asked) = write { asked } else { panic!("{write:?}") })
        .collect();
    // Room by room, as they were named, each once; what isn't there is told to nobody.
    assert_eq!(asked[0].messages, [id_of(&two), id_of(&one)]);
    assert_eq!((&asked[1].mark.room, &*asked[1].messages), (&room("s"), &[id_of(&other)][..]));
    house.settle();
    assert_eq!(house.answer(to).map(|told| told.result), Some(Ok(Reply::Done)));
    let whole = Command::Mark { mark: Mark::Read, messages: [].into(), room: Some(room("s")), upto: None };
    assert_eq!(house.does(&alice, whole), Ok(Reply::Done));
    let mut reader = house.store.reader().expect("a store in memory");
    let Ok(Found::Outbox(rows)) = reader.read(&Read::Outbox { after: 0, most: 9 }) else { panic!("rows") };
    let what: Vec<&Covered> = rows.iter().map(|Posted { what, .. }| what).collect();
    assert_eq!(what[1], &Covered::Messages(vec![id_of(&other)]));
    assert!(matches!(what[2], Covered::Stretch { upto, .. } if *upto == other.offset), "{what:?}");
}
