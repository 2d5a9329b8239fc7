//! What a user has to do with: conversations and what they are called, where they stand, whom they know.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use domain::Text;
use domain::history::{Conversation, Standing};
use domain::id::{Offset, UserId};
use domain::limits::STANDINGS_MAX;
use domain::model::{RoomKey, RoomKind, Status};
use domain::query::Which;
use domain::watermark::Mark;

use super::history::{Moment, NEWEST};
use super::log::RoomRow;
use super::schema::Tie;
use super::shared::corrupt;
use super::view::View;
use super::{log, marks, people, roster};
use crate::port::Failure;

/// The direct rooms of a user whose other user is known, the newest made first; none when one has to look again.
pub(super) fn conversations(
    view: &View<'_>,
    user: &UserId,
    before: Option<Offset>,
    most: u32,
) -> Result<Option<Vec<Conversation>>, Failure> {
    let (log, mut found) = (&view.handles.log, Vec::new());
    let Some(me) = people::user(log, &Which::Id(user.clone()))? else { return Ok(Some(found)) };
    let births = log::tied(log, user, Tie::Pair)?;
    for birth in births.into_iter().rev().filter(|birth| before.is_none_or(|before| *birth < before.0)) {
        if found.len() as u64 == u64::from(most) {
            break;
        }
        let RoomRow { key, made_at, .. } = log::room_born_at(log, birth)?;
        let Some(other) = key.other(user) else { return Err(stray(birth)) };
        let Some(other) = people::user(log, &Which::Id(other.clone()))? else { continue };
        let last = match Moment::of(view, &key)? {
            None => return Ok(None),
            // It is being made.
            Some((None, _)) => continue,
            Some((Some(moment), _)) => match moment.page(&NEWEST)? {
                None => return Ok(None),
                Some(entries) => entries.into_iter().next(),
            },
        };
        let mut users = [me.clone(), other];
        users.sort_by_key(|user| user.person.number);
        found.push(Conversation { born: Offset(birth), room: key, made_at, users, last });
    }
    Ok(Some(found))
}

/// A direct room that its row says is somebody else's.
fn stray(birth: u64) -> Failure {
    corrupt(format!("room {birth} is kept as a conversation of somebody who is not in it"))
}

/// The direct room of a user that is called so, if one is; of several the one with the last event; none when one has to look
/// again.
pub(super) fn called(view: &View<'_>, user: &UserId, alias: &Text) -> Result<Option<Option<RoomKey>>, Failure> {
    let log = &view.handles.log;
    let mut last: Option<(u64, RoomKey)> = None;
    for birth in log::called(log, user, alias)? {
        let row = log::room_born_at(log, birth)?;
        if row.alias.as_ref() != Some(alias) || row.key.other(user).is_none() {
            return Err(stray(birth));
        }
        let Some(head) = view.head(&row.key, birth)? else { return Ok(None) };
        if let Some(head) = head
            && last.as_ref().is_none_or(|(other, _)| head.last > *other)
        {
            last = Some((head.last, row.key));
        }
    }
    Ok(Some(last.map(|(_, key)| key)))
}

/// Where a user stands, by room; none when one has to look again.
pub(super) fn standings(view: &View<'_>, user: &UserId) -> Result<Option<Vec<Standing>>, Failure> {
    let log = &view.handles.log;
    let mut births: BTreeSet<u64> = log::tied(log, user, Tie::Member)?.into_iter().collect();
    births.extend(log::tied(log, user, Tie::Pair)?);
    let mut standings = BTreeMap::new();
    for birth in births {
        let row = log::room_born_at(log, birth)?;
        let belonging = roster::belonging(log, birth, user)?;
        let belongs = belonging.is_some_and(|row| row.member.status == Status::Active);
        if !belongs && row.key.other(user).is_none() {
            continue;
        }
        let mark = marks::of(log, birth, user)?.upto.of(Mark::Delivered).map(|reached| reached.offset);
        // A mark of before they went says nothing of what was said while they were out.
        let mark = mark.max(belonging.and_then(|row| row.since));
        let delivered = mark.unwrap_or(Offset(birth - 1));
        let Some(head) = view.head(&row.key, birth)? else { return Ok(None) };
        let Some(last) = head.map(|head| Offset(head.last)) else { continue };
        if belongs || last > delivered {
            let since = belonging.and_then(|row| row.since);
            standings.insert(row.key.clone(), Standing { room: row.key, delivered, last, since });
        }
    }
    Ok(Some(standings.into_values().take(STANDINGS_MAX).collect()))
}

/// Those who share a direct room, a private room or a guild with a user, ascending.
pub(super) fn acquaintances(view: &View<'_>, user: &UserId, most: usize) -> Result<Vec<UserId>, Failure> {
    let (log, mut known) = (&view.handles.log, BTreeSet::new());
    // Keeps the lowest; false when nothing higher than this one can be of them.
    let mut meet = |other: UserId| {
        if other != *user {
            known.insert(Reverse(other.clone()));
        }
        if known.len() > most {
            known.pop_first();
        }
        known.len() < most || known.first().is_some_and(|Reverse(highest)| other < *highest)
    };
    for birth in log::tied(log, user, Tie::Pair)? {
        let key = log::room_born_at(log, birth)?.key;
        meet(key.other(user).ok_or_else(|| stray(birth))?.clone());
    }
    for birth in log::tied(log, user, Tie::Member)? {
        let row = log::room_born_at(log, birth)?;
        let belongs = || {
            let row = roster::belonging(log, birth, user)?;
            Ok::<_, Failure>(row.is_some_and(|row| row.member.status == Status::Active))
        };
        if matches!(row.kind, RoomKind::Private | RoomKind::Guild) && belongs()? {
            roster::actives(log, birth, &mut meet)?;
        }
    }
    Ok(known.into_iter().rev().map(|Reverse(user)| user).collect())
}
