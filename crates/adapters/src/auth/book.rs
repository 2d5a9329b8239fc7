//! What an Auth Service has said of tokens, and who waits for what it will say. Pure: time is an argument, and asking is
//! [`super::desk`]'s.
//!
//! Tokens are known by their SHA-256 here, so that nothing that is kept lets anybody in. Acceptances and refusals stand on
//! shelves of their own: a flood of bad tokens pushes out no good one.

use std::collections::{BTreeSet, HashMap};

use domain::id::Millis;
use domain::identity::Denied;
use domain::limits;

use super::desk::Who;

/// A token, by its SHA-256.
pub(super) type Hash = [u8; 32];
/// What the service says of a token.
pub(super) type Said = Result<Who, Denied>;

/// What has been said, and who waits. `W` is whoever is told.
pub(super) struct Book<W> {
    taken: Shelf<Who>,
    refused: Shelf<()>,
    /// Calls under way, each with all who wait for it.
    open: HashMap<Hash, Vec<W>>,
    waiting: usize,
}

/// What becomes of a question.
pub(super) enum Asked<W> {
    /// It has been answered meanwhile.
    Known(Said, W),
    /// Nobody has asked it: the service is to be.
    First,
    /// It is being asked already.
    Joined,
    /// Too many are asking.
    Full(W),
}

impl<W> Default for Book<W> {
    fn default() -> Self {
        Self {
            taken: Shelf::of(limits::AUTH_ANSWERS_MAX),
            refused: Shelf::of(limits::AUTH_REFUSALS_MAX),
            open: HashMap::new(),
            waiting: 0,
        }
    }
}

impl<W> Book<W> {
    /// What the service has said of a token, if that still holds.
    pub(super) fn known(&self, token: &Hash, now: Millis) -> Option<Said> {
        match self.taken.find(token, now) {
            Some(who) => Some(Ok(who.clone())),
            None => self.refused.find(token, now).map(|()| Err(Denied::Invalid)),
        }
    }

    /// Somebody wants to know. One call serves all who ask about the same token.
    pub(super) fn ask(&mut self, token: Hash, now: Millis, who: W) -> Asked<W> {
        if let Some(said) = self.known(&token, now) {
            return Asked::Known(said, who);
        }
        let first = !self.open.contains_key(&token);
        if self.waiting >= limits::AUTH_WAITING_MAX || (first && self.open.len() >= limits::AUTH_CALLS_MAX) {
            return Asked::Full(who);
        }
        self.waiting += 1;
        self.open.entry(token).or_default().push(who);
        if first { Asked::First } else { Asked::Joined }
    }

    /// The service has spoken about a token that ends then. Its answer holds from when it was asked, which needs no
    /// second look at a clock and errs on the safe side. Gives those who wait for it.
    pub(super) fn answered(&mut self, token: Hash, asked_at: Millis, ends: Option<Millis>, said: &Said) -> Vec<W> {
        match said {
            Ok(who) => {
                let most = asked_at.plus(limits::AUTH_ANSWER_MS);
                self.refused.forget(&token);
                self.taken.keep(token, asked_at, ends.map_or(most, |ends| ends.min(most)), who.clone());
            }
            Err(Denied::Invalid) => {
                self.taken.forget(&token);
                self.refused.keep(token, asked_at, asked_at.plus(limits::AUTH_REFUSAL_MS), ());
            }
            // That it did not answer says nothing of the token.
            Err(Denied::Unavailable | Denied::Missing | Denied::Expired) => {}
        }
        let waiters = self.open.remove(&token).unwrap_or_default();
        self.waiting -= waiters.len();
        waiters
    }
}

/// Answers of one kind, each until its moment.
struct Shelf<T> {
    most: usize,
    by_token: HashMap<Hash, (Millis, T)>,
    by_end: BTreeSet<(Millis, Hash)>,
}

impl<T> Shelf<T> {
    fn of(most: usize) -> Self {
        Self { most, by_token: HashMap::new(), by_end: BTreeSet::new() }
    }

    fn find(&self, token: &Hash, now: Millis) -> Option<&T> {
        self.by_token.get(token).filter(|(until, _)| now < *until).map(|(_, answer)| answer)
    }

    fn keep(&mut self, token: Hash, now: Millis, until: Millis, answer: T) {
        self.forget(&token);
        while let Some((end, first)) = self.by_end.first().copied() {
            if end > now && self.by_end.len() < self.most {
                break;
            }
            self.forget(&first);
        }
        if until > now {
            self.by_token.insert(token, (until, answer));
            self.by_end.insert((until, token));
        }
    }

    fn forget(&mut self, token: &Hash) {
        if let Some((until, _)) = self.by_token.remove(token) {
            self.by_end.remove(&(until, *token));
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::id::UserId;

    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn hash(number: usize) -> Hash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        hash
    }

    fn alice() -> Who {
        Who { id: UserId::new("alice").expect("a short id is valid"), name: None, email: None }
    }

    fn at(ms: u64) -> Millis {
        NOW.plus(ms)
    }

    /// A book that has been told this of token 0, and how long it knows.
    fn told(ends: Option<Millis>, said: &Said) -> Book<u32> {
        let mut book = Book::default();
        assert!(matches!(book.ask(hash(0), NOW, 7), Asked::First));
        assert_eq!(book.answered(hash(0), NOW, ends, said), [7]);
        book
    }

    #[test]
    fn answers_hold_for_a_minute_and_never_past_the_token() {
        for (ends, said, last) in [
            (None, Ok(alice()), Some(59_999)),
            (Some(at(100_000)), Ok(alice()), Some(59_999)),
            (Some(at(2_000)), Ok(alice()), Some(1_999)),
            (Some(NOW), Ok(alice()), None),
            (Some(at(1)), Err(Denied::Invalid), Some(4_999)),
            (None, Err(Denied::Unavailable), None),
        ] {
            let book = told(ends, &said);
            if let Some(last) = last {
                assert_eq!(book.known(&hash(0), NOW), Some(said.clone()));
                assert_eq!(book.known(&hash(0), at(last)), Some(said.clone()), "{ends:?}");
                assert_eq!(book.known(&hash(0), at(last + 1)), None, "{ends:?}");
            } else {
                assert_eq!(book.known(&hash(0), NOW), None);
            }
            assert_eq!(book.known(&hash(1), NOW), None, "another token");
        }
    }

    #[test]
    fn the_last_word_counts() {
        let mut book = told(None, &Ok(alice()));
        let later = at(60_000);
        assert!(matches!(book.ask(hash(0), later, 1), Asked::First));
        book.answered(hash(0), later, None, &Err(Denied::Invalid));
        assert_eq!(book.known(&hash(0), later), Some(Err(Denied::Invalid)));
        let again = later.plus(5_000);
        book.answered(hash(0), again, None, &Ok(alice()));
        assert_eq!(book.known(&hash(0), again), Some(Ok(alice())));
    }

    #[test]
    fn one_call_serves_all_who_ask() {
        let mut book = Book::default();
        assert!(matches!(book.ask(hash(0), NOW, 1), Asked::First));
        assert!(matches!(book.ask(hash(0), NOW, 2), Asked::Joined));
        assert!(matches!(book.ask(hash(1), NOW, 3), Asked::First));
        assert_eq!(book.answered(hash(0), NOW, None, &Ok(alice())), [1, 2]);
        assert!(matches!(book.ask(hash(0), NOW, 4), Asked::Known(Ok(_), 4)));
        assert_eq!(book.answered(hash(1), NOW, None, &Err(Denied::Unavailable)), [3]);
        assert!(matches!(book.ask(hash(1), NOW, 5), Asked::First), "a service that was down is asked again");
        assert_eq!(book.waiting, 1);
    }

    #[test]
    fn calls_and_those_who_wait_are_bounded() {
        let mut book = Book::default();
        for number in 0..limits::AUTH_CALLS_MAX {
            assert!(matches!(book.ask(hash(number), NOW, ()), Asked::First));
        }
        assert!(matches!(book.ask(hash(limits::AUTH_CALLS_MAX), NOW, ()), Asked::Full(())));
        for _ in limits::AUTH_CALLS_MAX..limits::AUTH_WAITING_MAX {
            assert!(matches!(book.ask(hash(0), NOW, ()), Asked::Joined));
        }
        assert!(matches!(book.ask(hash(0), NOW, ()), Asked::Full(())));
        let heard = book.answered(hash(0), NOW, None, &Ok(alice())).len();
        assert_eq!(heard, limits::AUTH_WAITING_MAX - limits::AUTH_CALLS_MAX + 1);
        assert!(matches!(book.ask(hash(limits::AUTH_CALLS_MAX), NOW, ()), Asked::First), "there is room again");
    }

    #[test]
    fn shelves_are_bounded_and_apart() {
        let mut book = Book::<()>::default();
        for number in 0..=limits::AUTH_ANSWERS_MAX {
            // The first ones end first.
            let asked_at = at(u64::try_from(number).expect("few"));
            book.answered(hash(number), asked_at, None, &Ok(alice()));
        }
        let now = at(20_000);
        assert_eq!(book.taken.by_token.len(), limits::AUTH_ANSWERS_MAX);
        assert_eq!((book.known(&hash(0), now), book.known(&hash(1), now)), (None, Some(Ok(alice()))));
        let others = 1_000_000;
        for number in 0..2 * limits::AUTH_REFUSALS_MAX {
            book.answered(hash(others + number), now, None, &Err(Denied::Invalid));
        }
        assert_eq!(book.refused.by_token.len(), limits::AUTH_REFUSALS_MAX);
        assert_eq!(book.taken.by_token.len(), limits::AUTH_ANSWERS_MAX, "no flood of bad ones costs the good");
        // What has ended makes room.
        book.answered(hash(others), at(200_000), None, &Ok(alice()));
        assert_eq!((book.taken.by_token.len(), book.taken.by_end.len()), (1, 1));
    }
}
