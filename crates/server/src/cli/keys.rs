//! What `key add` and `key list` print. The commands themselves need the store, and are carried out elsewhere.

use std::fmt::Write;

use adapters::auth::NewKey;
use adapters::port::{Holder, Key};
use domain::identity::Scopes;

use super::token::moment;

/// A key that was just made: the only time that it is seen.
#[must_use]
pub fn added(new: &NewKey) -> String {
    let (kind, name, scopes) = words(&new.key.holder);
    let may = if scopes.is_empty() { String::new() } else { format!(", which may: {scopes}") };
    format!(
        "{}\nThis is the key of {kind} {name}{may}. It is not shown again; `key revoke {}` ends it.\n",
        new.shown, new.key.id
    )
}

/// The keys, oldest first, without their secrets.
#[must_use]
pub fn listed(keys: &[Key]) -> String {
    if keys.is_empty() {
        return "no keys\n".to_owned();
    }
    let mut keys: Vec<&Key> = keys.iter().collect();
    keys.sort_by_key(|key| (key.made_at, key.id.clone()));
    let names: Vec<usize> = keys.iter().map(|key| words(&key.holder).1.chars().count()).collect();
    let widest = names.into_iter().max().unwrap_or(0).max(4);
    let mut text = format!("{:12}  {:7}  {:widest$}  {:20}  scopes\n", "id", "kind", "name", "made");
    for key in keys {
        let (kind, name, scopes) = words(&key.holder);
        let row = format!("{:12}  {kind:7}  {name:widest$}  {:20}  {scopes}", key.id, moment(key.made_at));
        writeln!(text, "{}", row.trim_end()).expect("a String takes what is written to it");
    }
    text
}

fn words(holder: &Holder) -> (&'static str, &str, String) {
    match holder {
        Holder::User(id) => ("user", id.as_str(), String::new()),
        Holder::Service(name, scopes) => {
            let named: Vec<&str> =
                Scopes::NAMED.iter().filter(|(_, one)| scopes.has(*one)).map(|(name, _)| *name).collect();
            ("service", name, named.join(","))
        }
    }
}
