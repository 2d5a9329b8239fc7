//! Keys in `log.db`, under their ids.

use domain::Text;
use domain::id::Millis;
use domain::identity::Scopes;
use rusqlite::{Connection, params};

use super::bytes::{Put as _, Take};
use super::log::{seal, unseal};
use super::shared::{asking, corrupt};
use crate::port::{Failure, Holder, Key, KeyChange, Outcome};

/// Adds or revokes a key.
pub(super) fn change(log: &Connection, change: &KeyChange) -> Result<Outcome, Failure> {
    let changed = match change {
        KeyChange::Add(key) => {
            let row = seal(&[key.id.as_bytes()], &pack(key));
            let insert = log.prepare_cached("INSERT OR IGNORE INTO keys VALUES (?1, ?2)");
            insert.and_then(|mut insert| insert.execute(params![&*key.id, row]))
        }
        KeyChange::Revoke(id) => {
            let delete = log.prepare_cached("DELETE FROM keys WHERE id = ?1");
            delete.and_then(|mut delete| delete.execute([&**id]))
        }
    };
    Ok(if changed.map_err(asking("keeping a key"))? == 1 { Outcome::Done } else { Outcome::Conflict })
}

/// All keys, by id.
pub(super) fn all(log: &Connection) -> Result<Vec<Key>, Failure> {
    let what = "reading the keys";
    let mut statement = log.prepare_cached("SELECT id, row FROM keys ORDER BY id").map_err(asking(what))?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .map_err(asking(what))?;
    let keys = rows.map(|row| {
        let (id, row) = row.map_err(asking(what))?;
        let key = unseal(&[id.as_bytes()], &row).and_then(|mut take| unpack(&id, &mut take));
        key.ok_or_else(|| corrupt(format!("the row of key {id} is damaged")))
    });
    keys.collect()
}

fn pack(key: &Key) -> Vec<u8> {
    let mut row = key.hash.to_vec();
    row.num(key.made_at.0);
    match &key.holder {
        Holder::User(user) => {
            row.push(0);
            row.text(user.as_str());
        }
        Holder::Service(name, scopes) => {
            row.push(1);
            row.text(name);
            row.push(scopes.bits());
        }
    }
    row
}

fn unpack(id: &str, take: &mut Take<'_>) -> Option<Key> {
    let hash = take.bytes(32)?.try_into().ok()?;
    let made_at = Millis(take.num()?);
    let holder = match take.byte()? {
        0 => Holder::User(take.user()?),
        1 => Holder::Service(take.text()?, Scopes::from_bits(take.byte()?)),
        _ => return None,
    };
    Some(Key { id: Text::from(id), hash, holder, made_at })
}
