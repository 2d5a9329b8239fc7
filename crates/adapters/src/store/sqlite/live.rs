//! Which of a room's messages make a page, by their numbers, when some are gone.

use std::ops::Range;

use crate::port::Failure;

/// The numbers of a page's messages, newest first, of those after `within.start` up to `within.end`, when those in `fresh`
/// and `kept` are gone: both name them newest first, and may name the same ones, and others that lie outside.
pub(super) fn live(
    within: Range<u64>,
    mut skip: u64,
    most: u64,
    fresh: impl Iterator<Item = u64>,
    mut kept: impl FnMut() -> Result<Option<u64>, Failure>,
) -> Result<Vec<u64>, Failure> {
    let (mut fresh, mut other) = (fresh.peekable(), kept()?);
    let mut next_gone = move || {
        let gone = fresh.peek().copied().max(other);
        if gone.is_some() && fresh.peek().copied() == gone {
            fresh.next();
        }
        if gone.is_some() && other == gone {
            other = kept()?;
        }
        Ok::<_, Failure>(gone)
    };
    let (mut nth, mut gone, mut wanted) = (within.end, next_gone()?, Vec::new());
    while nth > within.start && (wanted.len() as u64) < most {
        match gone {
            Some(lost) if lost >= nth => {
                nth = nth.min(lost - 1);
                gone = next_gone()?;
            }
            Some(_) | None if skip > 0 => {
                let over = skip.min(nth - gone.unwrap_or(0).max(within.start));
                (nth, skip) = (nth - over, skip - over);
            }
            Some(_) | None => {
                wanted.push(nth);
                nth -= 1;
            }
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_leave_out_what_is_gone() {
        for (sent, skip, most, fresh, kept, expected) in [
            (5_u64, 0, 9, vec![], vec![], vec![5, 4, 3, 2, 1]),
            (5, 0, 2, vec![], vec![], vec![5, 4]),
            (5, 2, 2, vec![], vec![], vec![3, 2]),
            (5, 4, 2, vec![], vec![], vec![1]),
            (5, 5, 2, vec![], vec![], vec![]),
            (5, 6, 2, vec![], vec![], vec![]),
            (5, 0, 0, vec![], vec![], vec![]),
            (0, 0, 9, vec![], vec![], vec![]),
            (5, 0, 2, vec![5], vec![4], vec![3, 2]),
            (5, 0, 9, vec![5, 1], vec![5, 3], vec![4, 2]),
            (5, 1, 9, vec![4], vec![4, 2], vec![3, 1]),
            (5, 2, 1, vec![3], vec![], vec![2]),
            (5, 0, 9, vec![3, 1], vec![5, 4, 2], vec![]),
            (5, 3, 9, vec![], vec![5, 4], vec![]),
            (5, 2, 9, vec![], vec![5, 4], vec![1]),
        ] {
            let mut kept_left = kept.clone().into_iter();
            let found = live(0..sent, skip, most, fresh.clone().into_iter(), || Ok(kept_left.next())).unwrap();
            assert_eq!(found, expected, "{sent} sent, {skip} left out, at most {most}, without {fresh:?} and {kept:?}");
        }
    }

    #[test]
    fn pages_stay_within_their_window() {
        for (within, skip, most, gone, expected) in [
            (2..5_u64, 0, 9, vec![], vec![5, 4, 3]),
            (2..5, 1, 1, vec![], vec![4]),
            (2..5, 3, 9, vec![], vec![]),
            (2..5, 9, 9, vec![], vec![]),
            (2..5, 0, 9, vec![9, 6, 4, 2, 1], vec![5, 3]),
            (2..5, 1, 9, vec![9, 5, 3, 1], vec![]),
            (2..5, 1, 9, vec![9, 3, 1], vec![4]),
            (2..2, 0, 9, vec![3, 2], vec![]),
        ] {
            let mut left = gone.clone().into_iter();
            let found = live(within.clone(), skip, most, std::iter::empty(), || Ok(left.next())).unwrap();
            assert_eq!(found, expected, "{within:?}, {skip} left out, at most {most}, without {gone:?}");
        }
    }
}
