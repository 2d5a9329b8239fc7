//! Letting go of what is too old (HAZARDS 19). First a place is kept, up to which readers find nothing any more; then rows
//! up to there are emptied of their contents, some with each write, so that no batch waits long for it. What is left of a
//! row says where, when, by whom and under which id; it counts and is numbered as before, so the index is left alone.

use domain::id::{Millis, Offset};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::batch::Work;
use super::bytes::Put as _;
use super::chunks;
use super::log::{self, damaged, seal, unseal};
use super::outbox;
use super::row;
use super::shared::{Handles, Shared, asking, corrupt, int};
use crate::port::{Expiry, Failure, FailureKind, Outcome};
use crate::store::settle;

/// Bytes that emptying writes with one commit, about: some ten milliseconds.
const BYTES_MAX: u64 = 4 * 1024 * 1024;
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

/// Nothing has been let go of yet.
pub(super) fn begin(log: &Connection) -> Result<(), Failure> {
    keep(log, Retention { expired: 1, emptied: 1 })
}

/// How far it has come. Without that nobody could say what may be told: where it is missing the log is damaged.
pub(super) fn kept(log: &Connection) -> Result<Retention, Failure> {
    let what = "reading how far messages are kept";
    let mut statement = log.prepare_cached("SELECT row FROM retention WHERE one = 1").map_err(asking(what))?;
    let found = statement.query_row([], |found| {
        let unpacked = unseal(CONTEXT, found.get_ref(0)?.as_blob()?)
            .and_then(|mut take| Some(Retention { expired: take.num()?, emptied: take.num()? }));
        Ok(unpacked.ok_or_else(|| corrupt("the place up to which messages are kept no more is damaged")))
    });
    let missing = || Err(corrupt("the place up to which messages are kept no more is missing"));
    found.optional().map_err(asking(what))?.unwrap_or_else(missing)
}

fn keep(log: &Connection, retention: Retention) -> Result<(), Failure> {
    let mut row = Vec::new();
    row.num(retention.expired);
    row.num(retention.emptied);
    let put = log.prepare_cached("INSERT OR REPLACE INTO retention VALUES (1, ?1)");
    put.and_then(|mut put| put.execute([seal(CONTEXT, &row)])).map(drop).map_err(asking("letting go of messages"))
}

impl Work<'_> {
    /// With nothing to let go of it needs no transaction. What is emptied was let go of by an earlier commit, of which readers
    /// have heard: none of them finds a row without its contents. A damaged row keeps nobody waiting; who reads it hears.
    pub(super) fn expire(&mut self, expiry: Expiry) -> Result<Outcome, Failure> {
        let before = match kept(self.log) {
            Ok(before) => before,
            Err(failure) => return passed_over(failure).map(|()| Outcome::Expired(self.expired)),
        };
        let head = self.shared.tail().head();
        let fed =
            if expiry.behind_feed { outbox::place(self.log)?.map_or(1, |place| place.cursor.offset.0) } else { head };
        let expired = settle::expiry(before.expired, head.min(fed), |offset| self.is_older(offset, expiry.before))?;
        let published = before.expired.min(self.shared.expired().0);
        let (mut emptied, mut bytes) = (before.emptied, 0);
        if expired > before.expired || emptied < published {
            self.begin()?;
        }
        while emptied < published.min(before.emptied + settle::EXPIRE_MOST) && bytes < BYTES_MAX {
            emptied += 1;
            bytes += empty(self.log, emptied)?;
        }
        if (Retention { expired, emptied }) != before {
            keep(self.log, Retention { expired, emptied })?;
            self.done.bytes += bytes;
            self.done.emptied = (emptied == published && emptied > before.emptied).then_some(expiry.before);
            self.done.expired = Some(expired);
            self.expired = Offset(expired);
        }
        Ok(Outcome::Expired(Offset(expired)))
    }

    fn is_older(&self, offset: u64, than: Millis) -> Result<bool, Failure> {
        if let Some(entry) = self.shared.tail().get(offset) {
            return Ok(entry.event.at < than);
        }
        match log::row(self.log, offset) {
            Ok(Some(row)) => Ok(row.at() < than),
            Ok(None) => Ok(true),
            Err(failure) => passed_over(failure).map(|()| true),
        }
    }
}

/// Empties a row of its contents, if it has any; gives the bytes that this writes, those included that it wipes.
fn empty(log: &Connection, offset: u64) -> Result<u64, Failure> {
    let what = "letting go of messages";
    let mut statement = log.prepare_cached("SELECT row FROM events WHERE offset = ?1").map_err(asking(what))?;
    let row: Option<Vec<u8>> = statement.query_row([int(offset)], |row| row.get(0)).optional().map_err(asking(what))?;
    let Some(row) = row else { return Ok(0) };
    let emptied = match row::emptied(offset, &row) {
        Some(Some(emptied)) if emptied != row => emptied,
        Some(_) => return Ok(0),
        None => return passed_over(damaged(offset)).map(|()| 0),
    };
    let put = log.prepare_cached("UPDATE events SET row = ?2 WHERE offset = ?1");
    put.and_then(|mut put| put.execute(params![int(offset), emptied])).map_err(asking(what))?;
    Ok((row.len() + emptied.len()) as u64)
}

/// What is damaged stays as it is, and everything else goes on.
fn passed_over(failure: Failure) -> Result<(), Failure> {
    if failure.kind != FailureKind::Corrupt {
        return Err(failure);
    }
    tracing::error!(%failure, "What is too old is damaged, and passed over.");
    Ok(())
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
