//! Pages of messages and of conversations, and the links to the pages beside them (RFC 8288). The contract knows none: who
//! asks for no page gets everything, up to what one answer holds.

use domain::history::Entry;
use domain::id::Offset;
use domain::limits::{CONTENT_BYTES_MAX, CONVERSATIONS_LISTED_MAX, HISTORY_BYTES_MAX, HISTORY_MAX};
use domain::query::Window;

use super::heard::PAGES;
use super::ints;
use crate::unprocessable::Wrongs;
use crate::{Answer, Ask};

/// Which part is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// Only what lies between these.
    pub(super) window: Window,
    /// At most this many.
    pub(super) most: u32,
    /// That was asked for, and holds for the pages beside it.
    limit: Option<u32>,
}

impl Page {
    /// The page of messages that a request asks for.
    pub(super) fn of_messages(ask: &Ask) -> Result<Self, Answer> {
        let (after, before) = (ask.parameter("after"), ask.parameter("before"));
        Self::read(ask, after.as_deref(), before.as_deref(), HISTORY_MAX)
    }

    /// The page of conversations that a request asks for.
    pub(super) fn of_conversations(ask: &Ask) -> Result<Self, Answer> {
        Self::read(ask, None, ask.parameter("before").as_deref(), CONVERSATIONS_LISTED_MAX)
    }

    fn read(ask: &Ask, after: Option<&str>, before: Option<&str>, most: u32) -> Result<Self, Answer> {
        let limit = ask.parameter("limit");
        let mut wrongs = Wrongs::new(PAGES);
        let mut place = |name, given| {
            ints::between(name, given, (0, i64::MAX), &mut wrongs).and_then(|int| u64::try_from(int).ok()).map(Offset)
        };
        let window = Window { above: place("after", after), below: place("before", before) };
        let limit = ints::between("limit", limit.as_deref(), (1, i64::from(most)), &mut wrongs);
        wrongs.answer()?;
        let limit = limit.and_then(|limit| u32::try_from(limit).ok());
        Ok(Self { window, most: limit.unwrap_or(most), limit })
    }

    /// The answer with links to the messages before and after these, where there are or may be some.
    pub(super) fn link_messages(&self, ask: &Ask, entries: &[Entry], total: u64, answer: Answer) -> Answer {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return answer };
        let bytes: usize = entries.iter().map(|entry| entry.content().len()).sum();
        // One more might not have been held by the answer.
        let is_full = entries.len() >= self.most as usize || bytes + CONTENT_BYTES_MAX > HISTORY_BYTES_MAX;
        let Window { above, below } = self.window;
        let (older, newer) = match (above, below) {
            (None, None) => (total > entries.len() as u64, false),
            (None, Some(_)) => (is_full, true),
            // Before its beginning there is nothing.
            (Some(above), None) => (above >= first.sent.born, is_full),
            // It ends at its upper bound, and is asked for from there downwards.
            (Some(_), Some(_)) => (is_full, false),
        };
        let both = above.filter(|_| below.is_some());
        let older = older.then(|| self.link(ask, both, Some(first.sent.offset), "prev"));
        let newer = newer.then(|| self.link(ask, Some(last.sent.offset), None, "next"));
        with_links(answer, older.into_iter().chain(newer))
    }

    /// The answer with a link to the conversations that were made before the last of these, where there may be some.
    pub(super) fn link_conversations(&self, ask: &Ask, born: &[Offset], answer: Answer) -> Answer {
        let last = born.last().filter(|_| born.len() >= self.most as usize);
        let older = last.map(|last| self.link(ask, None, Some(*last), "next"));
        with_links(answer, older.into_iter())
    }

    fn link(&self, ask: &Ask, after: Option<Offset>, before: Option<Offset>, rel: &str) -> String {
        let places =
            [("after", after.map(|at| at.0)), ("before", before.map(|at| at.0)), ("limit", self.limit.map(u64::from))];
        let query: Vec<String> =
            places.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={value}"))).collect();
        format!("<{}?{}>; rel=\"{rel}\"", ask.path, query.join("&"))
    }
}

fn with_links(answer: Answer, links: impl Iterator<Item = String>) -> Answer {
    let links: Vec<String> = links.collect();
    if links.is_empty() { answer } else { answer.with("Link", links.join(", ")) }
}
