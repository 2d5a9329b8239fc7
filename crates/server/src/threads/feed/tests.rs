//! Where the feed begins.

use std::sync::Arc;

use adapters::port::{Batch, Expiry, FeedPlace, Found, Read, RoomWrite, Store, Write};
use adapters::store::memory::MemoryStore;
use domain::event::What;
use domain::id::{Cursor, Door, ExclusionVersion, Life, Millis, Offset, RoomName, UserId, UserNumber};
use domain::model::{Person, RoomKey, RoomKind};

use super::first_place;

const LIFE: Life = Life(7);

fn begins(store: &MemoryStore) -> FeedPlace {
    let (mut reader, mut writer) = (store.reader().unwrap(), store.writer().unwrap());
    first_place(reader.as_mut(), writer.as_mut(), Life(8)).unwrap()
}

fn kept(store: &MemoryStore) -> Option<FeedPlace> {
    let Found::Feed(place) = store.reader().unwrap().read(&Read::Feed).unwrap() else { panic!("a place") };
    place
}

fn keep(store: &MemoryStore, place: FeedPlace) {
    store.writer().unwrap().commit(&Batch { life: LIFE, writes: vec![Write::Fed(place)] }).unwrap();
}

#[test]
fn the_first_place_is_the_head_and_then_the_one_that_was_kept() {
    let store = MemoryStore::new(LIFE);
    let head = FeedPlace { cursor: Cursor { life: LIFE, offset: Offset(1) }, outbox: 0 };
    assert_eq!((begins(&store), kept(&store)), (head, Some(head)));
    let further = FeedPlace { outbox: 5, ..head };
    keep(&store, further);
    assert_eq!(begins(&store), further);
}

#[test]
fn what_was_let_go_of_while_there_was_no_feed_is_passed_over() {
    let store = MemoryStore::new(LIFE);
    begins(&store);
    let by =
        Arc::new(Person { id: UserId::new("ann").unwrap(), number: UserNumber(1), name: "ann".into(), email: None });
    let what = What::RoomMade { kind: RoomKind::Public, title: "a".into(), seats: None };
    let made = RoomWrite {
        room: RoomKey::Named(RoomName::new("a").unwrap()),
        under: None,
        by,
        door: Door(1),
        origin: None,
        at: Millis(5),
        alias: None,
        events: vec![(what, ExclusionVersion(0))],
    };
    let expire = Write::Expire(Expiry { before: Millis(9), behind_feed: false });
    for write in [Write::Events(made), expire] {
        store.writer().unwrap().commit(&Batch { life: LIFE, writes: vec![write] }).unwrap();
    }
    let place = FeedPlace { cursor: Cursor { life: LIFE, offset: Offset(2) }, outbox: 0 };
    assert_eq!((begins(&store), kept(&store)), (place, Some(place)));
}

#[test]
fn another_log_is_begun_at_its_head() {
    let head = FeedPlace { cursor: Cursor { life: LIFE, offset: Offset(1) }, outbox: 0 };
    for (life, offset) in [(Life(9), 1), (LIFE, 30)] {
        let store = MemoryStore::new(LIFE);
        keep(&store, FeedPlace { cursor: Cursor { life, offset: Offset(offset) }, outbox: 5 });
        assert_eq!((begins(&store), kept(&store)), (head, Some(head)));
    }
}
