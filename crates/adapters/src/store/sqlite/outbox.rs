//! The outbox and the feed's place in `log.db`: the one is written with the marks that it tells of, the other takes from it
//! what the other side has, both in one transaction each.

use domain::id::{Cursor, Life, MessageId, Millis, Offset};
use domain::watermark::Mark;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::bytes::Put as _;
use super::log::{seal, unseal};
use super::shared::{asking, corrupt, int, uint};
use crate::port::{Covered, Failure, FeedPlace, Posted};

const FEED: &[&[u8]] = &[b"feed"];
const OUTBOX: &[&[u8]] = &[b"outbox"];

/// Keeps a row, and numbers it; gives the bytes written.
pub(super) fn put(log: &Connection, posted: &Posted) -> Result<u64, Failure> {
    let row = pack(posted);
    let put = log.prepare_cached("INSERT INTO outbox (row) VALUES (?1)");
    put.and_then(|mut put| put.execute([&row])).map_err(asking("keeping a mark for the feed"))?;
    Ok(row.len() as u64)
}

/// The rows after a number.
pub(super) fn rows(log: &Connection, after: u64, most: usize) -> Result<Vec<Posted>, Failure> {
    let what = "reading the outbox";
    let sql = "SELECT number, row FROM outbox WHERE number > ?1 ORDER BY number LIMIT ?2";
    let mut statement = log.prepare_cached(sql).map_err(asking(what))?;
    let mut found = statement.query([int(after), int(most as u64)]).map_err(asking(what))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(asking(what))? {
        let number = uint(row.get(0).map_err(asking(what))?);
        let packed = row.get_ref(1).map_err(asking(what))?.as_blob().unwrap_or_default();
        let damaged = || corrupt(format!("the outbox's row {number} is damaged"));
        rows.push(unpack(number, packed).ok_or_else(damaged)?);
    }
    Ok(rows)
}

/// Keeps how far the feed has come, and lets go of what it has told; gives the bytes written.
pub(super) fn fed(log: &Connection, place: &FeedPlace) -> Result<u64, Failure> {
    let mut row = place.cursor.life.0.to_le_bytes().to_vec();
    row.num(place.cursor.offset.0);
    row.num(place.outbox);
    let row = seal(FEED, &row);
    let keep = || {
        log.prepare_cached("INSERT OR REPLACE INTO feed VALUES (1, ?1)")?.execute([&row])?;
        log.prepare_cached("DELETE FROM outbox WHERE number <= ?1")?.execute(params![int(place.outbox)])
    };
    keep().map_err(asking("keeping the feed's place"))?;
    Ok(row.len() as u64)
}

/// How far the feed has come.
pub(super) fn place(log: &Connection) -> Result<Option<FeedPlace>, Failure> {
    let what = "reading the feed's place";
    let mut statement = log.prepare_cached("SELECT row FROM feed WHERE one = 1").map_err(asking(what))?;
    let found = statement.query_row([], |found| {
        Ok(unpack_place(found.get_ref(0)?.as_blob()?).ok_or_else(|| corrupt("the feed's place is damaged")))
    });
    found.optional().map_err(asking(what))?.transpose()
}

fn unpack_place(row: &[u8]) -> Option<FeedPlace> {
    let mut take = unseal(FEED, row)?;
    let (life, offset) = (Life(take.fixed()?), Offset(take.num()?));
    let place = FeedPlace { cursor: Cursor { life, offset }, outbox: take.num()? };
    take.is_empty().then_some(place)
}

fn pack(posted: &Posted) -> Vec<u8> {
    let mut row = Vec::new();
    row.num(posted.after.0);
    row.num(posted.at.0);
    row.text(posted.user.as_str());
    row.push(match posted.mark {
        Mark::Delivered => 0,
        Mark::Read => 1,
    });
    match &posted.what {
        Covered::Messages(messages) => {
            row.push(0);
            row.num(messages.len() as u64);
            messages.iter().for_each(|message| row.wide(message.0));
        }
        Covered::Stretch { room, from, upto } => {
            row.push(1);
            [room, from, upto].into_iter().for_each(|offset| row.num(offset.0));
        }
    }
    seal(OUTBOX, &row)
}

fn unpack(number: u64, row: &[u8]) -> Option<Posted> {
    let mut take = unseal(OUTBOX, row)?;
    let (after, at, user) = (Offset(take.num()?), Millis(take.num()?), take.user()?);
    let mark = if take.byte()? == 0 { Mark::Delivered } else { Mark::Read };
    let what = if take.byte()? == 0 {
        let count = take.num()?;
        Covered::Messages((0..count).map(|_| take.wide().map(MessageId)).collect::<Option<_>>()?)
    } else {
        let mut offset = || take.num().map(Offset);
        Covered::Stretch { room: offset()?, from: offset()?, upto: offset()? }
    };
    take.is_empty().then_some(Posted { number, after, user, mark, at, what })
}
