//! What every store must do, as data: [`check`] runs the cases on any adapter, [`play`] and [`same`] compare one with the
//! memory store over any script. Behind the feature `contract` for other crates; no test framework, no engine.

mod cases;
pub(crate) mod hand;
mod marking;
mod messages;
mod oracle;
mod outbox;
mod own;
mod reading;
mod retention;
mod theirs;
mod users;
mod windows;

use std::sync::Arc;

use domain::id::Life;

use crate::port::Store;

pub use oracle::{play, same};

/// The life of the genesis row of every store that [`check`] opens.
pub const LIFE: Life = Life(0x11fe);

const ALL: [&[cases::Case]; 10] = [
    cases::CASES,
    reading::CASES,
    messages::CASES,
    marking::CASES,
    users::CASES,
    theirs::CASES,
    windows::CASES,
    outbox::CASES,
    retention::CASES,
    own::CASES,
];

/// Runs the whole suite. `open` gives a new, empty store each time, opened with [`LIFE`].
///
/// # Panics
/// When the store breaks the contract: that is how it reports.
pub fn check(open: &dyn Fn() -> Arc<dyn Store>) {
    for (name, case) in ALL.into_iter().flatten() {
        eprintln!("contract: {name}");
        case(&*open());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::port::{FailureKind, Found, Read};
    use crate::store::memory::MemoryStore;

    #[test]
    fn the_memory_store_keeps_the_contract() {
        check(&|| Arc::new(MemoryStore::new(LIFE)));
    }

    #[test]
    fn an_unknown_outcome_refuses_until_recovery_and_then_shows_what_survived() {
        for (kept, head) in [(true, 3), (false, 2)] {
            let store = MemoryStore::new(LIFE);
            let (mut writer, mut reader) = (store.writer().unwrap(), store.reader().unwrap());
            writer.commit(&hand::batch([hand::making("a")])).unwrap();
            store.fail_next_commit(FailureKind::Unknown, kept);
            let lost = hand::batch([hand::sending("a", "ann", Some("1"), "x")]);
            for _ in 0..2 {
                assert_eq!(writer.commit(&lost).map_err(|failure| failure.kind), Err(FailureKind::Unknown));
                assert_eq!(hand::head(&mut *reader), 2, "nothing is seen before somebody reopens");
            }
            let cut = store.snapshot();
            assert_eq!(writer.recover().unwrap().offset.0, head);
            assert_eq!(hand::head(&mut *reader), head);
            // The repeat is answered from what is there: the same offset either way.
            let outcomes = writer.commit(&lost).unwrap();
            assert_eq!(hand::said(&outcomes[0]), if kept { "repeat 3" } else { "at 3" });
            drop(cut.writer().unwrap());
            assert_eq!(hand::head(&mut *cut.reader().unwrap()), head, "a copy after a power cut finds the same");
        }
    }

    #[test]
    fn a_full_disk_keeps_nothing_and_works_again_by_itself() {
        let store = MemoryStore::new(LIFE);
        let mut writer = store.writer().unwrap();
        store.fail_next_commit(FailureKind::Full, true);
        let batch = hand::batch([hand::making("a")]);
        assert_eq!(writer.commit(&batch).map_err(|failure| failure.kind), Err(FailureKind::Full));
        assert_eq!(hand::said(&writer.commit(&batch).unwrap()[0]), "at 2");
        let Found::Events { events, .. } =
            store.reader().unwrap().read(&Read::Page { room: hand::room("a"), before: None, most: 9 }).unwrap()
        else {
            panic!("a page is answered with events")
        };
        assert_eq!(events.len(), 1);
    }

    proptest! {
        #[test]
        fn a_snapshot_goes_its_own_way(script in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (one, other) = (MemoryStore::new(LIFE), MemoryStore::new(LIFE));
            play(&script, &one, &other);
            let copy = one.snapshot();
            same(&one, &copy);
            play(&script, &copy, &other);
            same(&copy, &other);
        }
    }
}
