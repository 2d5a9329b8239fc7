//! Users in `log.db`, and what is told of them.

use std::sync::Arc;

use domain::Text;
use domain::id::{Millis, UserId, UserNumber};
use domain::model::{Person, Profile, User};
use domain::query::Which;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::bytes::{Put as _, Take};
use super::log::{seal, unseal};
use super::shared::{asking, corrupt};
use crate::port::{Failure, NewPerson, NewUser, Outcome};
use crate::store::people as rules;
use crate::store::settle;

fn crc(person: &Person) -> u32 {
    let mut row = Vec::new();
    row.text(person.id.as_str());
    row.num(person.number.0.into());
    row.text(&person.name);
    row.maybe_text(person.email.as_deref());
    crc32fast::hash(&row)
}

/// A user, by their id.
pub(super) fn person(log: &Connection, id: &UserId) -> Result<Option<Arc<Person>>, Failure> {
    who(log, "SELECT id, number, name, email, crc FROM users WHERE id = ?1", [id.as_str()])
}

/// A user, by their name.
pub(super) fn named(log: &Connection, name: &Text) -> Result<Option<Arc<Person>>, Failure> {
    who(log, "SELECT id, number, name, email, crc FROM users WHERE name = ?1", [&**name])
}

fn who(log: &Connection, sql: &str, by: impl rusqlite::Params) -> Result<Option<Arc<Person>>, Failure> {
    let what = "reading a user";
    let mut statement = log.prepare_cached(sql).map_err(asking(what))?;
    let found = statement.query_row(by, |row| {
        let (id, name) = (row.get_ref(0)?.as_str()?, Text::from(row.get_ref(2)?.as_str()?));
        let (number, email) = (UserNumber(row.get(1)?), row.get::<_, Option<String>>(3)?.map(Text::from));
        let damaged = || corrupt(format!("the row of user {number} is damaged"));
        let crc: u32 = row.get(4)?;
        let sound = |person: &Person| crc == self::crc(person);
        let person = UserId::new(id).ok().map(|id| Person { id, number, name, email }).filter(sound);
        Ok(person.map(Arc::new).ok_or_else(damaged))
    });
    found.optional().map_err(asking(what))?.transpose()
}

/// A user, with what is told of them.
pub(super) fn user(log: &Connection, which: &Which) -> Result<Option<User>, Failure> {
    let person = match which {
        Which::Id(id) => person(log, id)?,
        Which::Name(name) => named(log, name)?,
        Which::Number(number) => {
            who(log, "SELECT id, number, name, email, crc FROM users WHERE number = ?1", [number.0])?
        }
    };
    let Some(person) = person else { return Ok(None) };
    Ok(Some(User { profile: profile(log, person.number)?, person }))
}

/// Profiles are kept by their users' numbers, which never change.
fn profile(log: &Connection, number: UserNumber) -> Result<Profile, Failure> {
    let what = "reading a profile";
    let mut statement = log.prepare_cached("SELECT row FROM profiles WHERE number = ?1").map_err(asking(what))?;
    let found = statement.query_row([number.0], |found| {
        let damaged = || corrupt(format!("the profile of user {number} is damaged"));
        let row = unseal(&[&number.0.to_le_bytes()], found.get_ref(0)?.as_blob()?);
        Ok(row.and_then(|mut take| unpack_profile(&mut take)).ok_or_else(damaged))
    });
    found.optional().map_err(asking(what))?.unwrap_or_else(|| Ok(Profile::default()))
}

fn pack_profile(number: UserNumber, profile: &Profile) -> Vec<u8> {
    let mut row = Vec::new();
    for text in [&profile.full_name, &profile.bio, &profile.avatar_url] {
        row.maybe_text(text.as_deref());
    }
    row.push(u8::from(profile.made_at.is_some()));
    row.num(profile.made_at.unwrap_or_default().0);
    seal(&[&number.0.to_le_bytes()], &row)
}

fn unpack_profile(take: &mut Take<'_>) -> Option<Profile> {
    let (full_name, bio, avatar_url) = (take.maybe_text()?, take.maybe_text()?, take.maybe_text()?);
    let (is_made, made_at) = (take.byte()? == 1, Millis(take.num()?));
    Some(Profile { full_name, bio, avatar_url, made_at: is_made.then_some(made_at) })
}

/// Makes a user of this name, or keeps what is told of the one that there is.
pub(super) fn register(log: &Connection, new: &NewUser) -> Result<Outcome, Failure> {
    let name = rules::name(new);
    let (known, profile) = match named(log, &name)? {
        Some(known) => {
            let was = profile(log, known.number)?;
            (Some(known), rules::profile(&new.profile, Some(&was)))
        }
        None if person(log, &new.id)?.is_some() => return Ok(Outcome::Conflict),
        None => (None, rules::profile(&new.profile, None)),
    };
    let email = settle::label(new.email.as_ref());
    let person = match known {
        Some(known) => Person { email: email.or_else(|| known.email.clone()), ..Person::clone(&known) },
        None => match number_for(log, &new.id, new.number_from)? {
            Some(number) => Person { id: new.id.clone(), number, name, email },
            None => return Ok(Outcome::Conflict),
        },
    };
    keep(log, &person)?;
    let row = params![person.number.0, pack_profile(person.number, &profile)];
    let put = log.prepare_cached("INSERT OR REPLACE INTO profiles VALUES (?1, ?2)");
    put.and_then(|mut put| put.execute(row)).map_err(asking("keeping a profile"))?;
    Ok(Outcome::User(User { person: Arc::new(person), profile }))
}

fn keep(log: &Connection, person: &Person) -> Result<(), Failure> {
    let sql = "INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (id) DO UPDATE SET name = ?3, email = ?4, crc = ?5";
    let row = params![person.id.as_str(), person.number.0, &*person.name, person.email.as_deref(), crc(person)];
    log.prepare_cached(sql).and_then(|mut put| put.execute(row)).map(drop).map_err(asking("keeping a user"))
}

/// Keeps a user under another id.
pub(super) fn rename(log: &Connection, person: &Person) -> Result<(), Failure> {
    let put = log.prepare_cached("UPDATE users SET id = ?1, email = ?3, crc = ?4 WHERE number = ?2");
    let row = params![person.id.as_str(), person.number.0, person.email.as_deref(), crc(person)];
    put.and_then(|mut put| put.execute(row)).map(drop).map_err(asking("keeping a user"))
}

/// Makes or updates a user: the rules are `settle`'s.
pub(super) fn meet(log: &Connection, new: &NewPerson) -> Result<Outcome, Failure> {
    let known = person(log, &new.id)?;
    let number = match &known {
        Some(known) => Some(known.number),
        None => number_for(log, &new.id, new.number_from)?,
    };
    let Some(number) = number else { return Ok(Outcome::Conflict) };
    let name = match (&known, settle::label(new.name.as_ref())) {
        (Some(known), None) => known.name.clone(),
        (_, wish) => free_name(log, &new.id, &wish.unwrap_or_else(|| new.id.text()), number)?,
    };
    let email = settle::label(new.email.as_ref()).or_else(|| known.as_ref().and_then(|known| known.email.clone()));
    let person = Person { id: new.id.clone(), number, name, email };
    if known.as_deref() != Some(&person) {
        keep(log, &person)?;
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

fn number_for(log: &Connection, id: &UserId, start: UserNumber) -> Result<Option<UserNumber>, Failure> {
    let what = "looking for a free number";
    let mut taken = log.prepare_cached("SELECT 1 FROM users WHERE number = ?1").map_err(asking(what))?;
    let mut is_free = |number: UserNumber| taken.exists([number.0]).map(|taken| !taken).map_err(asking(what));
    if let Some(own) = settle::own_number(id)
        && is_free(own)?
    {
        return Ok(Some(own));
    }
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
