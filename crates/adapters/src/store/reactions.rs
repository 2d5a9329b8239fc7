//! What is put under a message, as every store folds it: a set, in the order in which it was given. Pure, like `settle`.

use std::collections::BTreeMap;

use domain::Text;
use domain::event::{Event, What};
use domain::history::Reaction;
use domain::id::{Offset, UserNumber};
use domain::limits::{REACTIONS_KEPT_MAX, REACTIONS_SHOWN_MAX, REACTORS_SHOWN_MAX};

/// One user's putting of something under a message, or taking it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    /// Where the message was sent.
    pub(super) of: Offset,
    /// What.
    pub(super) emoji: Text,
    /// Whose.
    pub(super) user: UserNumber,
    /// Whether it is there from now on.
    pub(super) on: bool,
    /// Where this happened.
    pub(super) at: Offset,
}

impl Given {
    /// Of an event that is one, and names what was sent before it.
    pub(super) fn of(event: &Event) -> Option<Self> {
        let What::Reacted { of, emoji, on, .. } = &event.what else { return None };
        let given = || Self { of: *of, emoji: emoji.clone(), user: event.by.number, on: *on, at: event.offset };
        (*of < event.offset).then(given)
    }
}

/// What is under one message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Reactions {
    /// Private: never more than [`REACTIONS_KEPT_MAX`]; with where each was given.
    given: BTreeMap<(Text, UserNumber), Offset>,
}

impl Reactions {
    /// Follows the next one. What is there already stays where it was given; past the bound nothing new is taken.
    pub(super) fn follow(&mut self, given: &Given) {
        let key = (given.emoji.clone(), given.user);
        if !given.on {
            self.given.remove(&key);
        } else if self.given.len() < REACTIONS_KEPT_MAX {
            self.given.entry(key).or_insert(given.at);
        }
    }

    /// Takes what was kept of it.
    pub(super) fn keep(&mut self, emoji: Text, user: UserNumber, at: Offset) {
        self.given.insert((emoji, user), at);
    }

    /// As it is shown.
    pub(super) fn shown(&self) -> Vec<Reaction> {
        let mut by_emoji: BTreeMap<&Text, Vec<(Offset, UserNumber)>> = BTreeMap::new();
        for ((emoji, user), at) in &self.given {
            by_emoji.entry(emoji).or_default().push((*at, *user));
        }
        let mut shown: Vec<(Offset, Reaction)> = Vec::new();
        for (emoji, mut users) in by_emoji {
            users.sort_unstable();
            let (count, first) = (users.len() as u64, users[0].0);
            let users = users.into_iter().take(REACTORS_SHOWN_MAX).map(|(_, user)| user).collect();
            shown.push((first, Reaction { emoji: emoji.clone(), count, users }));
        }
        shown.sort_by_key(|(first, _)| *first);
        shown.into_iter().take(REACTIONS_SHOWN_MAX).map(|(_, reaction)| reaction).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_shown_in_its_order_and_within_its_bounds() {
        let mut reactions = Reactions::default();
        let mut at = 9;
        let mut follow = |emoji: &str, user, on| {
            at += 1;
            let given = Given { of: Offset(5), emoji: Text::from(emoji), user: UserNumber(user), on, at: Offset(at) };
            reactions.follow(&given);
            let shown = reactions.shown();
            let words = shown.iter().map(|one| {
                format!("{} {} {:?}", one.emoji, one.count, one.users.iter().map(|u| u.0).collect::<Vec<_>>())
            });
            words.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(follow("z", 2, true), "z 1 [2]");
        assert_eq!(follow("a", 1, true), "z 1 [2], a 1 [1]");
        assert_eq!(follow("z", 1, true), "z 2 [2, 1], a 1 [1]");
        assert_eq!(follow("z", 2, true), "z 2 [2, 1], a 1 [1]", "twice is once");
        assert_eq!(follow("z", 2, false), "a 1 [1], z 1 [1]", "now the other was first");
        assert_eq!(follow("z", 2, false), "a 1 [1], z 1 [1]");
        assert_eq!(follow("z", 2, true), "a 1 [1], z 2 [1, 2]");
        for n in 0..REACTIONS_KEPT_MAX {
            follow(&format!("{n}"), 3, true);
        }
        assert_eq!((reactions.given.len(), reactions.shown().len()), (REACTIONS_KEPT_MAX, REACTIONS_SHOWN_MAX));
    }
}
