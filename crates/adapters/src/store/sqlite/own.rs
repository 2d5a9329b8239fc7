//! The rooms that are somebody's, as they have them; and who belongs to one room.

use std::cmp::Reverse;
use std::sync::Arc;

use domain::history::{Belonging, Own};
use domain::id::{Millis, Offset, Seq, UserId};
use domain::limits::{HISTORY_BYTES_MAX, OVERVIEW_COUNTED_MAX};
use domain::model::{Member, Person, RoomKey, Status};
use domain::query::Window;
use domain::rules::mention;
use domain::watermark::Mark;

use super::history::{Moment, NEWEST, Wanted};
use super::log::RoomRow;
use super::schema::Tie;
use super::tail::Head;
use super::view::View;
use super::{log, marks, people, roster, unread};
use crate::port::Failure;
use crate::store::settle::{self, MENTIONS_LOOKED_AT_MAX};

/// How often a room is looked at again in which something happened meanwhile. One in which something always does is told as
/// it was found last: one message too many in a count is better than no list.
const TRIES: usize = 16;

/// See the module; the most recently active first. None when one has to look again.
pub(super) fn rooms(
    view: &View<'_>,
    user: &UserId,
    only: Option<&RoomKey>,
    most: usize,
) -> Result<Option<Vec<Own>>, Failure> {
    let log = &view.handles.log;
    let mut births = match only {
        Some(key) => log::room(log, key)?.map(|room| room.birth).into_iter().collect(),
        None => {
            let mut births = log::tied(log, user, Tie::Member)?;
            births.extend(log::tied(log, user, Tie::Pair)?);
            births
        }
    };
    births.sort_unstable();
    births.dedup();
    let mut found: Vec<(Head, RoomRow, Option<Member>)> = Vec::new();
    for birth in births {
        let row = log::room_born_at(log, birth)?;
        let member = roster::belonging(log, birth, user)?.map(|row| row.member);
        let belongs = member.is_some_and(|member| member.status == Status::Active);
        if only.is_none() && !belongs && row.key.other(user).is_none() {
            continue;
        }
        let Some(head) = view.head(&row.key, birth)? else { return Ok(None) };
        found.extend(head.map(|head| (head, row, member)));
    }
    found.sort_by_key(|(head, ..)| Reverse(head.last));
    found.truncate(most);
    let me = people::person(log, user)?;
    let (mut own, mut left) = (Vec::new(), MENTIONS_LOOKED_AT_MAX);
    for (mut head, row, member) in found {
        let before = left;
        let mut tries = 0..TRIES;
        loop {
            left = before;
            let Some(room) = one(view, user, me.as_deref(), (&head, &row, member), &mut left)? else { return Ok(None) };
            // What happened while it was counted is in the count, and not before the head that it is told with: whoever
            // counts on from there would count it twice.
            let Some(now) = view.head(&row.key, head.room)? else { return Ok(None) };
            match now.filter(|now| now.last != head.last) {
                Some(now) if tries.next().is_some() => head = now,
                Some(_) | None => {
                    own.push(room);
                    break;
                }
            }
        }
    }
    Ok(Some(own))
}

fn one(
    view: &View<'_>,
    user: &UserId,
    me: Option<&Person>,
    (head, row, member): (&Head, &RoomRow, Option<Member>),
    left: &mut usize,
) -> Result<Option<Own>, Failure> {
    let (log, birth) = (&view.handles.log, head.room);
    let kept = marks::of(log, birth, user)?;
    let Some((Some(moment), _)) = Moment::of(view, &row.key)? else { return Ok(None) };
    let Some(newest) = moment.page(&NEWEST)? else { return Ok(None) };
    let Some(unread) = unread::count(view, &row.key, user, OVERVIEW_COUNTED_MAX)? else { return Ok(None) };
    let mut mentions = 0;
    if let Some(me) = me.filter(|_| unread > 0 && *left > 0) {
        let from = match kept.upto.of(Mark::Read) {
            Some(mark) => Some(mark.offset),
            None => roster::belonging(log, birth, user)?.and_then(|row| row.since),
        };
        let window = Window { above: Some(from.unwrap_or_default()), below: None };
        let looked = settle::looked_at(*left);
        let wanted = Wanted { window, skip: 0, most: looked, bytes: HISTORY_BYTES_MAX };
        let Some(page) = moment.page(&wanted)? else { return Ok(None) };
        *left = left.saturating_sub(page.len());
        let apart = kept.apart(Mark::Read);
        let counts = page.iter().filter(|entry| {
            let unread = entry.sent.by.id != *user && !apart.contains_key(&entry.sent.offset);
            unread && mention::names(entry.content(), &me.name)
        });
        mentions = counts.count() as u64;
    }
    let other = match row.key.other(user) {
        Some(other) => people::person(log, other)?,
        None => None,
    };
    Ok(Some(Own {
        room: row.key.clone(),
        kind: row.kind,
        title: row.title.clone(),
        seats: row.seats,
        made_at: row.made_at,
        changed_at: Millis(head.at),
        last: Offset(head.last),
        head: Seq(head.seq),
        member,
        other,
        marks: kept.upto,
        unread,
        mentions,
        newest: newest.into_iter().next(),
    }))
}

/// Who belongs to a room, or is kept out of it by its roster, ascending; in a direct room its two.
pub(super) fn members(view: &View<'_>, key: &RoomKey, most: usize) -> Result<Vec<Belonging>, Failure> {
    let log = &view.handles.log;
    let Some(room) = log::room(log, key)? else { return Ok(Vec::new()) };
    let rows = match key {
        RoomKey::Pair(one, other) => {
            let mut users = vec![one.clone(), other.clone()];
            users.dedup();
            users.into_iter().map(|user| (user, settle::PLAIN)).collect()
        }
        RoomKey::Named(_) | RoomKey::Relay(_) => roster::rows(log, room.birth, most)?,
    };
    let mut members = Vec::new();
    for (user, member) in rows {
        let Some(who): Option<Arc<Person>> = people::person(log, &user)? else { continue };
        let marks = marks::of(log, room.birth, &user)?.upto;
        members.push(Belonging { who, member, marks });
    }
    Ok(members)
}
