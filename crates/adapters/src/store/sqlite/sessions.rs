//! Sessions in `log.db`, under the SHA-256 of their keys: who reads the file can't come back as anybody.

use aws_lc_rs::digest::{SHA256, digest};
use domain::id::{Millis, Offset, SessionKey, UserId};
use domain::limits::SESSIONS_PER_USER_MAX;
use domain::model::{RoomKey, SessionRoom};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::bytes::{Put as _, key_text, text_key};
use super::log::{seal, unseal};
use super::shared::{asking, corrupt, int};
use crate::port::{Failure, SessionRow};

fn hash(key: SessionKey) -> Vec<u8> {
    digest(&SHA256, &key.0.to_be_bytes()).as_ref().to_vec()
}

/// Keeps a session, and lets go of the user's longest unwritten beyond the bound; gives the bytes written.
pub(super) fn put(log: &Connection, session: &SessionRow) -> Result<u64, Failure> {
    let hash = hash(session.key);
    let row = pack(&hash, session);
    let (user, most) = (session.user.as_str(), SESSIONS_PER_USER_MAX as u64);
    let keep = || {
        let sql = "INSERT OR REPLACE INTO sessions
            VALUES (?1, ?2, (SELECT coalesce(max(turn), 0) + 1 FROM sessions WHERE user = ?2), ?3)";
        log.prepare_cached(sql)?.execute(params![hash, user, row])?;
        let sql = "DELETE FROM sessions WHERE user = ?1 AND turn <=
            (SELECT turn FROM sessions WHERE user = ?1 ORDER BY turn DESC LIMIT 1 OFFSET ?2)";
        log.prepare_cached(sql)?.execute(params![user, int(most)])
    };
    keep().map_err(asking("keeping a session"))?;
    Ok(row.len() as u64)
}

/// A session by its key.
pub(super) fn get(log: &Connection, key: SessionKey) -> Result<Option<SessionRow>, Failure> {
    let what = "reading a session";
    let hash = hash(key);
    let mut statement = log.prepare_cached("SELECT row FROM sessions WHERE hash = ?1").map_err(asking(what))?;
    let found = statement.query_row([&hash], |found| {
        Ok(unpack(&hash, key, found.get_ref(0)?.as_blob()?).ok_or_else(|| corrupt("the row of a session is damaged")))
    });
    found.optional().map_err(asking(what))?.transpose()
}

/// Rooms of a user's sessions have other keys from now on, and the user another id.
pub(super) fn rename(
    log: &Connection,
    user: &UserId,
    is: &UserId,
    key_after: impl Fn(&RoomKey) -> RoomKey,
) -> Result<(), Failure> {
    let what = "keeping a session";
    let all = || {
        let mut statement = log.prepare_cached("SELECT hash, row FROM sessions WHERE user = ?1")?;
        let rows = statement.query_map([user.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<rusqlite::Result<Vec<(Vec<u8>, Vec<u8>)>>>()
    };
    for (hash, row) in all().map_err(asking(what))? {
        // The key itself is kept nowhere, and is not in the row.
        let session = unpack(&hash, SessionKey(0), &row).ok_or_else(|| corrupt("the row of a session is damaged"))?;
        let after = |room: &SessionRoom| {
            let key = key_after(&room.key);
            // A name that it had for its client may be of who the user was.
            let named = room.named.clone().filter(|_| key == room.key);
            SessionRoom { key, named }
        };
        let rooms = session.rooms.iter().map(after).collect();
        let session = SessionRow { user: is.clone(), rooms, ..session };
        let put = log.prepare_cached("UPDATE sessions SET user = ?2, row = ?3 WHERE hash = ?1");
        let row = pack(&hash, &session);
        put.and_then(|mut put| put.execute(params![hash, is.as_str(), row])).map_err(asking(what))?;
    }
    Ok(())
}

fn pack(hash: &[u8], session: &SessionRow) -> Vec<u8> {
    let mut row = Vec::new();
    row.text(session.user.as_str());
    row.num(session.at.0);
    match session.ends {
        None => row.push(0),
        Some(ends) => {
            row.push(1);
            row.num(ends.0);
        }
    }
    row.num(session.not_before.0);
    row.num(session.rooms.len() as u64);
    session.rooms.iter().for_each(|room| row.text(&key_text(&room.key)));
    session.rooms.iter().for_each(|room| row.text(room.named.as_deref().unwrap_or_default()));
    seal(&[hash], &row)
}

fn unpack(hash: &[u8], key: SessionKey, row: &[u8]) -> Option<SessionRow> {
    let mut take = unseal(&[hash], row)?;
    let (user, at) = (take.user()?, Millis(take.num()?));
    let ends = match take.byte()? {
        0 => None,
        _ => Some(Millis(take.num()?)),
    };
    let not_before = Offset(take.num()?);
    let count = take.num()?;
    let keys: Vec<RoomKey> = (0..count).map(|_| text_key(take.str()?)).collect::<Option<_>>()?;
    // The first versions kept no names.
    let kept = !take.is_empty();
    let room = |key| {
        let named = if kept { take.str()? } else { "" };
        Some(SessionRoom { key, named: (!named.is_empty()).then(|| named.into()) })
    };
    let rooms = keys.into_iter().map(room).collect::<Option<_>>()?;
    take.is_empty().then_some(SessionRow { key, user, rooms, ends, not_before, at })
}
