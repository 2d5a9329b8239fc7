//! A room's facts, and lists of rooms. Facts are read as of one moment: the log's files say how the room and its rosters
//! were when the log ended at some offset, and its head is taken as of that offset too, so that following events can be
//! applied to them.

use std::sync::PoisonError;
use std::time::Duration;

use domain::facts::RoomFacts;
use domain::id::UserId;
use domain::model::{RoomKey, RoomKind, Status};
use hashbrown::HashSet;

use super::find::head_of;
use super::log::{self, RoomRow};
use super::schema::Tie;
use super::shared::{Handles, Shared, asking};
use super::tail::Head;
use super::{index, roster};
use crate::port::{Failure, FailureKind};
use crate::store::settle;

/// How long a reader waits for the tail to have what the log has: a commit's last step, unless its thread is gone.
const TAIL_WAIT: Duration = Duration::from_secs(2);
/// How often facts are read again when their room moves meanwhile.
const TRIES: usize = 20;

/// A room's facts, rosters included.
pub(super) fn room(shared: &Shared, handles: &Handles, key: &RoomKey) -> Result<Option<RoomFacts>, Failure> {
    for _ in 0..TRIES {
        let snapshot = handles.log.unchecked_transaction().map_err(asking("reading a room"))?;
        let end = log::head(&snapshot)?;
        let Some(row) = log::room(&snapshot, key)? else { return Ok(None) };
        let birth = row.birth;
        let Some(head) = head_as_of(shared, handles, key, birth, end)? else { continue };
        let mut facts = row.facts(head);
        roster::rosters(&snapshot, &mut facts)?;
        return Ok(Some(facts));
    }
    Err(Failure::new(FailureKind::Unavailable, "a room moved each time it was read"))
}

/// The room's head when the log ended at `end`; none when it has moved too far to say.
fn head_as_of(
    shared: &Shared,
    handles: &Handles,
    key: &RoomKey,
    birth: u64,
    end: u64,
) -> Result<Option<Head>, Failure> {
    let tail = shared.tail();
    let waited = shared.moved.wait_timeout_while(tail, TAIL_WAIT, |tail| tail.head() < end);
    let (tail, _) = waited.unwrap_or_else(PoisonError::into_inner);
    if tail.head() < end {
        return Err(Failure::new(FailureKind::Unavailable, "the newest events are not certain yet"));
    }
    match tail.room_at(key, end) {
        Ok(Some(head)) => Ok(Some(head)),
        Err(()) => Ok(None),
        Ok(None) => {
            drop(tail);
            let head = head_of(shared, &handles.log, &handles.index, key, birth)?;
            Ok((head.last <= end).then_some(head))
        }
    }
}

/// The rooms that somebody made by asking for one, oldest first.
pub(super) fn made_by(shared: &Shared, handles: &Handles, user: &UserId) -> Result<Vec<RoomFacts>, Failure> {
    let rooms = log::tied(&handles.log, user, Tie::Made)?;
    rooms.into_iter().map(|birth| listed(shared, handles, log::room_born_at(&handles.log, birth)?)).collect()
}

fn listed(shared: &Shared, handles: &Handles, row: RoomRow) -> Result<RoomFacts, Failure> {
    let head = head_of(shared, &handles.log, &handles.index, &row.key, row.birth)?;
    Ok(row.facts(head))
}

/// The rooms that somebody may know of, the most recently active first.
pub(super) fn rooms(
    shared: &Shared,
    handles: &Handles,
    asker: &UserId,
    kind: Option<RoomKind>,
    most: usize,
) -> Result<Vec<RoomFacts>, Failure> {
    let wanted = |of: RoomKind| kind.is_none_or(|kind| kind == of);
    let mut rooms = Vec::new();
    if wanted(RoomKind::Public) {
        public(shared, handles, asker, most, &mut rooms)?;
    }
    for why in [Tie::Member, Tie::Pair] {
        for birth in log::tied(&handles.log, asker, why)? {
            let row = log::room_born_at(&handles.log, birth)?;
            let belongs = row.kind != RoomKind::Public && wanted(row.kind);
            let member = || {
                roster::belonging(&handles.log, birth, asker)
                    .map(|row| row.is_some_and(|row| row.member.status == Status::Active))
            };
            if belongs && settle::knows_of(row.kind, &row.key, asker, member()?, false) {
                rooms.push(listed(shared, handles, row)?);
            }
        }
    }
    rooms.sort_by_key(|facts| std::cmp::Reverse(facts.last));
    rooms.dedup_by_key(|facts| facts.birth);
    rooms.truncate(most);
    Ok(rooms)
}

/// The newest public rooms that the asker isn't barred from: those of the tail, which are newer than all others, and then
/// those of the index.
fn public(
    shared: &Shared,
    handles: &Handles,
    asker: &UserId,
    most: usize,
    rooms: &mut Vec<RoomFacts>,
) -> Result<(), Failure> {
    let tail = shared.tail();
    let mut recent: Vec<Head> = tail.rooms().filter(|(_, head)| head.public).map(|(_, head)| *head).collect();
    drop(tail);
    recent.sort_unstable_by_key(|head| std::cmp::Reverse(head.last));
    let seen: HashSet<u64> = recent.iter().map(|head| head.room).collect();
    let mut take = |head: Head| {
        if rooms.len() < most && !roster::is_barred(&handles.log, head.room, asker)? {
            rooms.push(log::room_born_at(&handles.log, head.room)?.facts(head));
        }
        Ok(rooms.len() >= most)
    };
    for head in recent {
        if take(head)? {
            return Ok(());
        }
    }
    index::public(&handles.index, |head| if seen.contains(&head.room) { Ok(false) } else { take(head) })
}
