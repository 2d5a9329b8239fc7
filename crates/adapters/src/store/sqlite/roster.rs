//! The rosters in `log.db`: who belongs to a room, and who is barred from it.

use domain::event::{Event, What};
use domain::facts::RoomFacts;
use domain::id::{Offset, UserId};
use domain::model::{Member, Status};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::bytes::Put as _;
use super::codes;
use super::log::{seal, tie, unseal};
use super::schema::Tie;
use super::shared::{asking, corrupt, int, uint};
use crate::port::Failure;

/// A member's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Belonging {
    pub(super) member: Member,
    /// Where they began to belong; none in rows of before that was kept.
    pub(super) since: Option<Offset>,
}

/// Keeps what an event changes of its room's rosters.
pub(super) fn follow(log: &Connection, birth: u64, event: &Event) -> Result<(), Failure> {
    match &event.what {
        What::RoomMade { .. }
        | What::Sent(_)
        | What::Edited { .. }
        | What::Deleted { .. }
        | What::Retitled { .. }
        | What::Notice { .. }
        | What::Reacted { .. } => Ok(()),
        What::MemberSet { user, member } => {
            // Where they began to belong stays what it was while they do.
            let since = match belonging(log, birth, user)? {
                Some(row) if row.member.status == Status::Active => row.since,
                Some(_) | None => Some(event.offset),
            };
            put(log, birth, user, Belonging { member: *member, since }).map_err(asking("keeping a roster"))
        }
        What::MemberRemoved { user, barred } => remove(log, birth, user, *barred).map_err(asking("keeping a roster")),
    }
}

fn put(log: &Connection, birth: u64, user: &UserId, row: Belonging) -> rusqlite::Result<()> {
    let mut welcome = log.prepare_cached("DELETE FROM barred WHERE room = ?1 AND user = ?2")?;
    welcome.execute(params![int(birth), user.as_str()])?;
    let mut put = log.prepare_cached("INSERT OR REPLACE INTO members VALUES (?1, ?2, ?3)")?;
    put.execute(params![int(birth), user.as_str(), pack(birth, user, row)])?;
    tie(log, user, Tie::Member, birth)
}

fn remove(log: &Connection, birth: u64, user: &UserId, barred: bool) -> rusqlite::Result<()> {
    let mut delete = log.prepare_cached("DELETE FROM members WHERE room = ?1 AND user = ?2")?;
    delete.execute(params![int(birth), user.as_str()])?;
    let mut untie = log.prepare_cached("DELETE FROM ties WHERE user = ?1 AND why = ?2 AND room = ?3")?;
    untie.execute(params![user.as_str(), Tie::Member as i64, int(birth)])?;
    if barred {
        let row = seal(&[&birth.to_le_bytes(), user.as_str().as_bytes()], &[]);
        let mut put = log.prepare_cached("INSERT OR REPLACE INTO barred VALUES (?1, ?2, ?3)")?;
        put.execute(params![int(birth), user.as_str(), row])?;
    }
    Ok(())
}

fn pack(birth: u64, user: &UserId, row: Belonging) -> Vec<u8> {
    let mut bytes = codes::member_bytes(row.member).to_vec();
    if let Some(since) = row.since {
        bytes.num(since.0);
    }
    seal(&[&birth.to_le_bytes(), user.as_str().as_bytes()], &bytes)
}

fn unpack(birth: u64, user: &str, row: &[u8]) -> Option<Belonging> {
    let mut take = unseal(&[&birth.to_le_bytes(), user.as_bytes()], row)?;
    let member = codes::member([take.byte()?, take.byte()?])?;
    let since = if take.is_empty() { None } else { Some(Offset(take.num()?)) };
    Some(Belonging { member, since })
}

/// Someone's row of a roster.
pub(super) fn belonging(log: &Connection, birth: u64, user: &UserId) -> Result<Option<Belonging>, Failure> {
    let what = "reading a roster";
    let sql = "SELECT row FROM members WHERE room = ?1 AND user = ?2";
    let mut statement = log.prepare_cached(sql).map_err(asking(what))?;
    let found = statement.query_row(params![int(birth), user.as_str()], |found| {
        Ok(unpack(birth, user.as_str(), found.get_ref(0)?.as_blob()?).ok_or_else(|| damaged_roster(birth)))
    });
    found.optional().map_err(asking(what))?.transpose()
}

/// Somebody has another id from now on; whether they were on the roster. What that id has here already stays.
pub(super) fn rename(log: &Connection, birth: u64, was: &UserId, is: &UserId) -> Result<bool, Failure> {
    let (row, barred) = (belonging(log, birth, was)?, is_barred(log, birth, was)?);
    if row.is_none() && !barred {
        return Ok(false);
    }
    let is_there = belonging(log, birth, is)?.is_some() || is_barred(log, birth, is)?;
    let rename = || {
        remove(log, birth, was, false)?;
        let mut welcome = log.prepare_cached("DELETE FROM barred WHERE room = ?1 AND user = ?2")?;
        welcome.execute(params![int(birth), was.as_str()])?;
        match row {
            _ if is_there => Ok(()),
            Some(row) => put(log, birth, is, row),
            None => remove(log, birth, is, true),
        }
    };
    rename().map_err(asking("keeping a roster"))?;
    Ok(row.is_some())
}

/// The rooms that someone is barred from.
pub(super) fn barred_from(log: &Connection, user: &UserId) -> Result<Vec<u64>, Failure> {
    let what = "reading a roster";
    let mut statement = log.prepare_cached("SELECT room FROM barred WHERE user = ?1").map_err(asking(what))?;
    let rooms = statement.query_map([user.as_str()], |row| row.get(0).map(uint)).map_err(asking(what))?;
    rooms.collect::<Result<_, _>>().map_err(asking(what))
}

/// Hands out a room's active members, ascending, until `take` has enough and says false.
pub(super) fn actives(log: &Connection, birth: u64, mut take: impl FnMut(UserId) -> bool) -> Result<(), Failure> {
    let what = "reading a roster";
    let sql = "SELECT user, row FROM members WHERE room = ?1 ORDER BY user";
    let mut statement = log.prepare_cached(sql).map_err(asking(what))?;
    let mut rows = statement.query([int(birth)]).map_err(asking(what))?;
    while let Some(found) = rows.next().map_err(asking(what))? {
        let user = found.get_ref(0).map_err(asking(what))?.as_str().map_err(|_| damaged_roster(birth))?;
        let row = found.get_ref(1).map_err(asking(what))?.as_blob().map_err(|_| damaged_roster(birth))?;
        let row = unpack(birth, user, row).ok_or_else(|| damaged_roster(birth))?;
        if row.member.status == Status::Active && !take(UserId::new(user).map_err(|_| damaged_roster(birth))?) {
            break;
        }
    }
    Ok(())
}

/// A room's roster, ascending, at most so many of it.
pub(super) fn rows(log: &Connection, birth: u64, most: usize) -> Result<Vec<(UserId, Member)>, Failure> {
    let what = "reading a roster";
    let sql = "SELECT user, row FROM members WHERE room = ?1 ORDER BY user LIMIT ?2";
    let mut statement = log.prepare_cached(sql).map_err(asking(what))?;
    let mut rows = statement.query([int(birth), int(most as u64)]).map_err(asking(what))?;
    let mut roster = Vec::new();
    while let Some(found) = rows.next().map_err(asking(what))? {
        let user = found.get_ref(0).map_err(asking(what))?.as_str().map_err(|_| damaged_roster(birth))?;
        let row = found.get_ref(1).map_err(asking(what))?.as_blob().map_err(|_| damaged_roster(birth))?;
        let row = unpack(birth, user, row).ok_or_else(|| damaged_roster(birth))?;
        roster.push((UserId::new(user).map_err(|_| damaged_roster(birth))?, row.member));
    }
    Ok(roster)
}

/// Whether someone is barred from a room.
pub(super) fn is_barred(log: &Connection, birth: u64, user: &UserId) -> Result<bool, Failure> {
    let what = "reading a roster";
    let sql = "SELECT 1 FROM barred WHERE room = ?1 AND user = ?2";
    let mut statement = log.prepare_cached(sql).map_err(asking(what))?;
    statement.exists(params![int(birth), user.as_str()]).map_err(asking(what))
}

/// Reads a room's rosters into its facts.
pub(super) fn rosters(log: &Connection, facts: &mut RoomFacts) -> Result<(), Failure> {
    let what = "reading a roster";
    let birth = facts.birth.0;
    let sqls = ["SELECT user, row FROM members WHERE room = ?1", "SELECT user, row FROM barred WHERE room = ?1"];
    for (members, sql) in [true, false].into_iter().zip(sqls) {
        let mut statement = log.prepare_cached(sql).map_err(asking(what))?;
        let mut rows = statement.query([int(birth)]).map_err(asking(what))?;
        while let Some(found) = rows.next().map_err(asking(what))? {
            let (id, row): (String, Vec<u8>) =
                found.get(0).and_then(|id| Ok((id, found.get(1)?))).map_err(asking(what))?;
            let user = UserId::new(&id).map_err(|_| damaged_roster(birth))?;
            if members {
                let row = unpack(birth, &id, &row).ok_or_else(|| damaged_roster(birth))?;
                facts.members.insert(user, row.member);
            } else {
                unseal(&[&birth.to_le_bytes(), id.as_bytes()], &row).ok_or_else(|| damaged_roster(birth))?;
                facts.barred.insert(user);
            }
        }
    }
    Ok(())
}

fn damaged_roster(birth: u64) -> Failure {
    corrupt(format!("the roster of room {birth} is damaged"))
}
