//! What is put under messages, in the index: a row for each that is there, which the log makes again when the index is lost.

use std::collections::BTreeMap;

use domain::Text;
use domain::history::Entry;
use domain::id::{Offset, UserNumber};
use domain::limits::REACTIONS_KEPT_MAX;
use rusqlite::{Connection, params};

use super::failures::corrupt_index;
use super::log::{seal, unseal};
use super::shared::{asking_index, int, uint};
use super::tail::Entry as Indexed;
use crate::port::Failure;
use crate::store::reactions::{Given, Reactions};

/// Puts a slice's reactions into the index, in their order.
pub(super) fn add(index: &Connection, slice: &[Indexed]) -> Result<(), Failure> {
    for entry in slice {
        if let Some(given) = Given::of(&entry.event) {
            let done = if given.on { put(index, entry.room, &given) } else { take(index, entry.room, &given) };
            done.map_err(asking_index("indexing a reaction"))?;
        }
    }
    Ok(())
}

fn put(index: &Connection, room: u64, given: &Given) -> rusqlite::Result<()> {
    let (of, user) = (int(given.of.0), i64::from(given.user.0));
    let mut count = index.prepare_cached("SELECT count(*) FROM reactions WHERE room = ?1 AND of = ?2")?;
    let count: i64 = count.query_row([int(room), of], |row| row.get(0))?;
    if usize::try_from(count).unwrap_or(usize::MAX) < REACTIONS_KEPT_MAX {
        let row = sealed(room, given.of.0, &given.emoji, given.user, given.at);
        let mut put = index.prepare_cached("INSERT OR IGNORE INTO reactions VALUES (?1, ?2, ?3, ?4, ?5)")?;
        put.execute(params![int(room), of, &*given.emoji, user, row])?;
    }
    Ok(())
}

fn take(index: &Connection, room: u64, given: &Given) -> rusqlite::Result<()> {
    let sql = "DELETE FROM reactions WHERE room = ?1 AND of = ?2 AND emoji = ?3 AND user = ?4";
    let (of, user) = (int(given.of.0), i64::from(given.user.0));
    index.prepare_cached(sql)?.execute(params![int(room), of, &*given.emoji, user]).map(drop)
}

fn sealed(room: u64, of: u64, emoji: &str, user: UserNumber, at: Offset) -> Vec<u8> {
    let numbers = [room.to_le_bytes(), of.to_le_bytes(), u64::from(user.0).to_le_bytes()];
    seal(&[&numbers.concat(), emoji.as_bytes()], &at.0.to_le_bytes())
}

/// Folds what is under a room's messages into some of them: what the index has, and then `fresh`, in its order.
pub(super) fn fold(index: &Connection, room: u64, fresh: &[Given], entries: &mut [Entry]) -> Result<(), Failure> {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(()) };
    let (first, last) = (first.sent.offset.min(last.sent.offset), first.sent.offset.max(last.sent.offset));
    let mut found = indexed(index, room, first.0, last.0)?;
    for given in fresh.iter().filter(|given| (first..=last).contains(&given.of)) {
        found.entry(given.of).or_default().follow(given);
    }
    for entry in entries {
        if let Some(reactions) = found.get(&entry.sent.offset) {
            entry.reactions = reactions.shown();
        }
    }
    Ok(())
}

fn indexed(index: &Connection, room: u64, first: u64, last: u64) -> Result<BTreeMap<Offset, Reactions>, Failure> {
    let what = "reading reactions from the index";
    let sql = "SELECT of, emoji, user, row FROM reactions WHERE room = ?1 AND of BETWEEN ?2 AND ?3";
    let mut statement = index.prepare_cached(sql).map_err(asking_index(what))?;
    let mut rows = statement.query([int(room), int(first), int(last)]).map_err(asking_index(what))?;
    let mut found: BTreeMap<Offset, Reactions> = BTreeMap::new();
    while let Some(row) = rows.next().map_err(asking_index(what))? {
        let of = uint(row.get(0).map_err(asking_index(what))?);
        let damaged = || corrupt_index(format!("the index's row of a reaction to {of} is damaged"));
        let (emoji, user): (String, u32) =
            row.get(1).and_then(|emoji| Ok((emoji, row.get(2)?))).map_err(|_| damaged())?;
        let row = row.get_ref(3).map_err(asking_index(what))?.as_blob().map_err(|_| damaged())?;
        let numbers = [room.to_le_bytes(), of.to_le_bytes(), u64::from(user).to_le_bytes()];
        let at = unseal(&[&numbers.concat(), emoji.as_bytes()], row).and_then(|mut take| take.fixed());
        let at = Offset(at.ok_or_else(damaged)?);
        found.entry(Offset(of)).or_default().keep(Text::from(emoji), UserNumber(user), at);
    }
    Ok(found)
}
