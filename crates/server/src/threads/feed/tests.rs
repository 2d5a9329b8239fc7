//! Where the feed begins.

use adapters::port::{Batch, FeedPlace, Found, Read, Store, Write};
use adapters::store::memory::MemoryStore;
use domain::id::{Cursor, Life, Offset};

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
fn another_log_is_begun_at_its_head() {
    let head = FeedPlace { cursor: Cursor { life: LIFE, offset: Offset(1) }, outbox: 0 };
    for (life, offset) in [(Life(9), 1), (LIFE, 30)] {
        let store = MemoryStore::new(LIFE);
        keep(&store, FeedPlace { cursor: Cursor { life, offset: Offset(offset) }, outbox: 5 });
        assert_eq!((begins(&store), kept(&store)), (head, Some(head)));
    }
}
