//! Letting go of what is too old (HAZARDS 19). First a place is kept, up to which readers find nothing any more; then rows
//! up to there are emptied of their contents, some with each write, so that no batch waits long for it. What is left of a
//! row says where, when, by whom and under which id; it counts and is numbered as before, so the index is left alone.

use domain::id::Offset;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::batch::Work;
use super::bytes::Put as _;
use super::chunks;
use super::log::{self, damaged, seal, unseal};
use super::outbox;
use super::row;
use super::shared::{Handles, Shared, asking, corrupt, int};
use crate::port::{Expiry, Failure, Outcome};
use crate::store::settle;

/// Rows that are emptied with one write, at most: some ten milliseconds.
const ROWS: u64 = if cfg!(test) { 5 } else { 2_000 };
/// Rows that are no messages are looked at to find whether anything was said; past it there was.
const LOOKED_AT_MAX: usize = 1_000;
const CONTEXT: &[&[u8]] = &[b"retention"];

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Retention {
    /// Contents up to here are kept no more.
    pub(super) expired: u64,
    /// Rows up to here have been emptied.
    emptied: u64,
}

/// How far it has come; the genesis row's place when nothing was let go of.
pub(super) fn kept(log: &Connection) -> Result<Retention, Failure> {
    let what = "reading how far messages are kept";
    let mut statement = log.prepare_cached("SELECT row FROM retention WHERE one = 1").map_err(asking(what))?;
    let found = statement.query_row([], |found| {
        let unpacked = unseal(CONTEXT, found.get_ref(0)?.as_blob()?)
            .and_then(|mut take| Some(Retention { expired: take.num()?, emptied: take.num()? }));
        Ok(unpacked.ok_or_else(|| corrupt("the place up to which messages are kept no more is damaged")))
    });
    found.optional().map_err(asking(what))?.unwrap_or(Ok(Retention { expired: 1, emptied: 1 }))
}

fn keep(log: &Connection, retention: Retention) -> Result<(), Failure> {
    let mut row = Vec::new();
    row.num(retention.expired);
    row.num(retention.emptied);
    let put = log.prepare_cached("INSERT OR REPLACE INTO retention VALUES (1, ?1)");
    put.and_then(|mut put| put.execute([seal(CONTEXT, &row)])).map(drop).map_err(asking("letting go of messages"))
}

impl Work<'_> {
    /// With nothing to let go of it needs no transaction.
    pub(super) fn expire(&mut self, expiry: Expiry) -> Result<Outcome, Failure> {
        let before = kept(self.log)?;
        let head = self.shared.tail().head();
        let fed =
            if expiry.behind_feed { outbox::place(self.log)?.map_or(1, |place| place.cursor.offset.0) } else { head };
        let expired = settle::expiry(before.expired, head.min(fed), |offset| {
            Ok::<_, Failure>(self.said_at(offset)? < expiry.before)
        })?;
        let after = Retention { expired, emptied: expired.min(before.emptied + ROWS) };
        if after != before {
            self.begin()?;
            for offset in before.emptied + 1..=after.emptied {
                self.done.bytes += empty(self.log, offset)?;
            }
            keep(self.log, after)?;
            self.done.expired = Some(expired);
            self.expired = Offset(expired);
        }
        Ok(Outcome::Expired(Offset(expired)))
    }

    fn said_at(&self, offset: u64) -> Result<domain::id::Millis, Failure> {
        if let Some(entry) = self.shared.tail().get(offset) {
            return Ok(entry.event.at);
        }
        let row =
            log::row(self.log, offset)?.ok_or_else(|| corrupt(format!("the log has no row at offset {offset}")))?;
        Ok(row.at())
    }
}

/// Empties a row of its contents, if it has any; gives the bytes written.
fn empty(log: &Connection, offset: u64) -> Result<u64, Failure> {
    let what = "letting go of messages";
    let mut statement = log.prepare_cached("SELECT row FROM events WHERE offset = ?1").map_err(asking(what))?;
    let row: Vec<u8> = statement.query_row([int(offset)], |row| row.get(0)).map_err(asking(what))?;
    let Some(row) = row::emptied(offset, &row).ok_or_else(|| damaged(offset))? else { return Ok(0) };
    let put = log.prepare_cached("UPDATE events SET row = ?2 WHERE offset = ?1");
    put.and_then(|mut put| put.execute(params![int(offset), row])).map_err(asking(what))?;
    Ok(row.len() as u64)
}

/// Whether something was said in a room after one place and up to another that the index has.
pub(super) fn is_said(shared: &Shared, handles: &Handles, room: u64, after: u64, upto: u64) -> Result<bool, Failure> {
    let places = chunks::after(&handles.index, room, after, upto, LOOKED_AT_MAX)?;
    if places.len() == LOOKED_AT_MAX || places.iter().any(|place| place.message().is_some()) {
        return Ok(!places.is_empty());
    }
    for place in places {
        if settle::expires(log::row_of(shared, &handles.log, place.offset, room, place.seq)?.what()) {
            return Ok(true);
        }
    }
    Ok(false)
}
