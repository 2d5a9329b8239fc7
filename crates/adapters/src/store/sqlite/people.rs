//! Users and keys in `log.db`.

use std::sync::Arc;

use domain::Text;
use domain::id::{Millis, UserId, UserNumber};
use domain::identity::Scopes;
use domain::model::Person;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::bytes::{Put as _, Take};
use super::log::{seal, unseal};
use super::shared::{asking, corrupt};
use crate::port::{Failure, Holder, Key, KeyChange, NewPerson, Outcome};
use crate::store::settle;

fn crc(person: &Person) -> u32 {
    let mut row = Vec::new();
    row.text(person.id.as_str());
    row.num(person.number.0.into());
    row.text(&person.name);
    row.maybe_text(person.email.as_deref());
    crc32fast::hash(&row)
}

/// A user.
pub(super) fn person(log: &Connection, id: &UserId) -> Result<Option<Arc<Person>>, Failure> {
    let what = "reading a user";
    let sql = "SELECT number, name, email, crc FROM users WHERE id = ?1";
    let mut statement = log.prepare_cached(sql).map_err(asking(what))?;
    let found = statement.query_row([id.as_str()], |row| {
        let (name, email) = (Text::from(row.get_ref(1)?.as_str()?), row.get::<_, Option<String>>(2)?.map(Text::from));
        let person = Person { id: id.clone(), number: UserNumber(row.get(0)?), name, email };
        Ok((person, row.get::<_, u32>(3)?))
    });
    match found.optional().map_err(asking(what))? {
        Some((person, kept)) if kept != crc(&person) => {
            Err(corrupt(format!("the row of user {} is damaged", person.number)))
        }
        found => Ok(found.map(|(person, _)| Arc::new(person))),
    }
}

/// Makes or updates a user: the rules are `settle`'s.
pub(super) fn meet(log: &Connection, new: &NewPerson) -> Result<Outcome, Failure> {
    let known = person(log, &new.id)?;
    let number = match &known {
        Some(known) => Some(known.number),
        None => number_for(log, new)?,
    };
    let Some(number) = number else { return Ok(Outcome::Conflict) };
    let name = match (&known, settle::label(new.name.as_ref())) {
        (Some(known), None) => known.name.clone(),
        (_, wish) => free_name(log, &new.id, &wish.unwrap_or_else(|| new.id.text()), number)?,
    };
    let email = settle::label(new.email.as_ref()).or_else(|| known.as_ref().and_then(|known| known.email.clone()));
    let person = Person { id: new.id.clone(), number, name, email };
    if known.as_deref() != Some(&person) {
        let sql = "INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (id) DO UPDATE SET name = ?3, email = ?4, crc = ?5";
        let row = params![person.id.as_str(), number.0, &*person.name, person.email.as_deref(), crc(&person)];
        log.prepare_cached(sql).and_then(|mut put| put.execute(row)).map_err(asking("keeping a user"))?;
    }
    Ok(Outcome::Person(Arc::new(person)))
}

fn free_name(log: &Connection, id: &UserId, wish: &Text, number: UserNumber) -> Result<Text, Failure> {
    let what = "looking for a free name";
    let sql = "SELECT 1 FROM users WHERE name = ?1 AND id <> ?2";
    let mut taken = log.prepare_cached(sql).map_err(asking(what))?;
    for name in settle::names(wish, number) {
        if !taken.exists([&*name, id.as_str()]).map_err(asking(what))? {
            return Ok(name);
        }
    }
    Err(corrupt("the names to try never end"))
}

fn number_for(log: &Connection, new: &NewPerson) -> Result<Option<UserNumber>, Failure> {
    let what = "looking for a free number";
    let mut taken = log.prepare_cached("SELECT 1 FROM users WHERE number = ?1").map_err(asking(what))?;
    let mut is_free = |number: UserNumber| taken.exists([number.0]).map(|taken| !taken).map_err(asking(what));
    if let Some(own) = settle::own_number(&new.id)
        && is_free(own)?
    {
        return Ok(Some(own));
    }
    let start = new.number_from;
    let sql = "SELECT next FROM numbers WHERE start = ?1";
    let next = log.query_row(sql, [start.0], |row| row.get(0)).optional().map_err(asking(what))?;
    let mut candidate = Some(UserNumber(next.unwrap_or(start.0)));
    while let Some(number) = candidate {
        candidate = settle::number_after(number);
        if is_free(number)? {
            // Numbers are never given back, so everything below stays taken. One past the last is never looked up: it
            // stands for "none".
            let sql = "INSERT INTO numbers VALUES (?1, ?2) ON CONFLICT DO UPDATE SET next = ?2";
            let next = candidate.unwrap_or(number);
            log.prepare_cached(sql).and_then(|mut put| put.execute([start.0, next.0])).map_err(asking(what))?;
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// Adds or revokes a key.
pub(super) fn change_key(log: &Connection, change: &KeyChange) -> Result<Outcome, Failure> {
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
pub(super) fn keys(log: &Connection) -> Result<Vec<Key>, Failure> {
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
