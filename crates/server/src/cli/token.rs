//! `token issue` and `token check`. Neither prints the key, and `check` doesn't print the token either.

use std::io::{BufRead, Read};
use std::sync::Arc;

use adapters::auth::{Auth, Fault, Grant, KeyRing, TOKEN_BYTES_MAX, Trust, issue};
use domain::Text;
use domain::id::Millis;
use domain::identity::{Credential, Identity};
use serde_json::Map;

use super::{Said, TokenIssue};
use crate::config::Config;

/// Makes a token with the configured key.
pub(super) fn issued(config: &Config, ask: &TokenIssue, now: Millis) -> Said {
    let Some(secret) = &config.auth.secret else {
        let user = &ask.user;
        return Said::bad(format!(
            "error: no key is configured (JWT_SECRET). In development mode none is needed: `?token={user}` is {user}\n"
        ));
    };
    let mut extra = Map::new();
    for (name, value) in &ask.claims {
        if extra.insert(name.clone(), value.clone()).is_some() {
            return Said::bad(format!("error: the claim `{name}` is given twice\n"));
        }
    }
    let grant =
        Grant { user: ask.user.clone(), ttl_ms: ask.ttl_ms, name: ask.name.clone(), email: ask.email.clone(), extra };
    match issue(secret, &config.auth.rules, &grant, now) {
        Ok(token) => Said::good(format!("{token}\n")),
        Err(error) => Said::bad(format!("error: {error}\n")),
    }
}

/// Says what a token is good for, or why it is refused.
pub(super) fn checked(config: &Config, given: Option<&str>, now: Millis, input: &mut dyn BufRead) -> Said {
    let mut token = given.unwrap_or_default().to_owned();
    if given.is_none() {
        // A token that is too long is told to be so, so a little more than the longest is read.
        let most = u64::try_from(TOKEN_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(64);
        if let Err(error) = input.take(most).read_line(&mut token) {
            return Said::bad(format!("error: standard input can't be read: {error}\n"));
        }
    }
    let token = token.trim();
    let auth = match opened(config) {
        Ok(auth) => auth,
        Err(error) => return Said::bad(format!("error: {error}\n")),
    };
    match auth.examine(&Credential::Bearer(Text::from(token)), Trust::Proof, now) {
        Ok(identity) => Said::good(good(config, &identity, now)),
        Err(fault) => Said::bad(format!("refused: {}\n", because(config, fault))),
    }
}

/// What judges tokens, with the keys that are published now.
fn opened(config: &Config) -> std::io::Result<Auth> {
    let (auth, mut chores) = Auth::open(&config.auth, Arc::new(KeyRing::default()))?;
    if config.auth.published_keys.is_some() {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(chores.fetch());
    }
    Ok(auth)
}

fn good(config: &Config, identity: &Identity, now: Millis) -> String {
    let checked = config.auth.has_key();
    let first = if checked { "good" } else { "good, and not checked: development mode without a key (JWT_SECRET)" };
    let mut lines = vec![first.to_owned(), format!("user   {}", identity.id)];
    if !config.development() && config.auth.service.is_some() {
        lines.push(
            "       as far as can be said here: the Auth Service has the last word (AUTH_SERVICE_URL)".to_owned(),
        );
    }
    lines.extend(identity.name.as_ref().map(|name| format!("name   {name}")));
    lines.extend(identity.email.as_ref().map(|email| format!("email  {email}")));
    lines.push(match identity.ends {
        Some(ends) => format!("ends   {}, in {} s", moment(ends), ends.since(now) / 1000),
        None => "ends   never".to_owned(),
    });
    lines.join("\n") + "\n"
}

fn because(config: &Config, fault: Fault) -> String {
    let hint = match (fault, &config.auth.secret) {
        (Fault::Signature, Some(secret)) if secret.expose().trim() != secret.expose() => {
            "; the key begins or ends with a blank or a line end, which counts"
        }
        _ => "",
    };
    format!("{fault}{hint}")
}

/// A time as people read it.
pub(super) fn moment(at: Millis) -> String {
    let at = i64::try_from(at.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map_or_else(|| "after the year 9999".to_owned(), |at| at.to_string())
}
