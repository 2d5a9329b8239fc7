//! What has become of messages that somebody catches up with: a page of the log may have been changed by what lies far
//! behind it. Deletions and last edits are looked up a room at a time, within the stretch that the page has of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::Text;
use domain::event::Event;
use domain::history::Fate;
use domain::id::Offset;

use super::changes::{self, Way};
use super::history::{edit, edit_of};
use super::tail::Changed;
use super::view::View;
use crate::port::Failure;

/// What was found of one message.
enum Change {
    /// By an edit that the index has.
    Edit(u64),
    /// By one that it has not got, which says this.
    Fresh(Text),
    Deletion,
}

/// See the module; none when one has to look again.
pub(super) fn of(view: &View<'_>, events: &[Arc<Event>]) -> Result<Option<Vec<(Offset, Fate)>>, Failure> {
    let mut rooms: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.message().is_some()) {
        rooms.entry(event.born.0).or_default().insert(event.offset.0);
    }
    let mut fates = Vec::new();
    for (room, sent) in rooms {
        let Some(found) = changed(view, room, &sent)? else { return Ok(None) };
        for (of, change) in found {
            let fate = match change {
                Change::Edit(at) => Fate::Edited(edit_of(view, at, room, of)?.0),
                Change::Fresh(content) => Fate::Edited(content),
                Change::Deletion => Fate::Deleted,
            };
            fates.push((Offset(of), fate));
        }
    }
    fates.sort_unstable_by_key(|(of, _)| *of);
    Ok(Some(fates))
}

/// Which of these messages of a room were changed, and by what.
fn changed(view: &View<'_>, room: u64, sent: &BTreeSet<u64>) -> Result<Option<BTreeMap<u64, Change>>, Failure> {
    let mut found = BTreeMap::new();
    let (Some(first), Some(last)) = (sent.first().copied(), sent.last().copied()) else { return Ok(Some(found)) };
    let stretch = first..=last;
    let Some(tail) = view.tail() else { return Ok(None) };
    let fresh: Vec<_> = tail.changes_within(room, stretch.clone()).filter(|change| change.at > view.indexed).collect();
    // What is seen of the log may be of before them.
    let said = |change: &Changed| edit(&tail.get(change.at)?.event).map(|(content, _)| content);
    let contents: Vec<Option<Text>> = fresh.iter().map(said).collect();
    drop(tail);
    let index = &view.handles.index;
    changes::edits_within(index, room, &stretch, |of, last| {
        if sent.contains(&of) {
            found.insert(of, Change::Edit(last));
        }
    })?;
    // They come in the order in which they were made.
    for (change, content) in fresh.iter().zip(contents).filter(|(change, _)| sent.contains(&change.of)) {
        if let Some(content) = content {
            found.insert(change.of, Change::Fresh(content));
        }
    }
    changes::deletions(index, room, Way::Up(first - 1), |next| {
        while let Some(deleted) = next()?.filter(|deleted| deleted.of <= last) {
            if sent.contains(&deleted.of) {
                found.insert(deleted.of, Change::Deletion);
            }
        }
        Ok(())
    })?;
    for change in fresh.iter().filter(|change| change.deleted && sent.contains(&change.of)) {
        found.insert(change.of, Change::Deletion);
    }
    Ok(Some(found))
}
