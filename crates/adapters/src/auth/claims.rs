//! What a token's claims say: who (RULES 1), how they are called, and whether it is good now (RULES 4). Nothing here
//! knows of signatures; [`super::jwt`] has seen to those, or development mode has done without.

use std::time::Duration;

use domain::Text;
use domain::id::{Millis, UserId};
use domain::identity::{Identity, Standing};
use domain::limits::LABEL_BYTES_MAX;
use domain::rules::person::WAITING_PREFIX;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::fault::Fault;

/// How far `nbf` and `iat` may lie ahead, in milliseconds; `exp` has no such grace (RULES 4).
const SKEW_MS: u64 = 60_000;
/// The last second of the year 9999. A later `exp` is a mistake (milliseconds, most often) that would never end.
const SECONDS_MAX: u64 = 253_402_300_799;
/// Ids that start like this belong to back ends ([`super::KeyRing`]); no token or claim may say them.
pub(super) const SERVICE_PREFIX: &str = "service:";
/// The claims that may say who it is when `JWT_USER_CLAIM` is unset.
const USER_CLAIMS: [&str; 4] = ["sub", "id", "user_id", "userId"];
/// The claims that may say how they are called, the first that is there wins: `username` is what the contracts' auth
/// services write, `preferred_username` and `name` are OpenID Connect's.
const NAME_CLAIMS: [&str; 3] = ["username", "preferred_username", "name"];

/// What is asked of claims beyond the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRules {
    /// The one claim that says who it is (`JWT_USER_CLAIM`).
    pub user_claim: Option<String>,
    /// Whether a token without `exp` is refused (`JWT_REQUIRE_EXP`).
    pub require_exp: bool,
    /// `aud` has to name one of these; not looked at when empty (`JWT_AUDIENCE`).
    pub audiences: Vec<String>,
    /// `iss` has to be one of these; not looked at when empty (`JWT_ISSUER`).
    pub issuers: Vec<String>,
}

impl Default for ClaimRules {
    fn default() -> Self {
        Self { user_claim: None, require_exp: true, audiences: Vec::new(), issuers: Vec::new() }
    }
}

/// One JSON object. A name that stands twice is refused: two parsers could read two different users out of it.
pub(super) struct Object(Map<String, Value>);

impl Object {
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

impl From<Map<String, Value>> for Object {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Object;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Object, A::Error> {
                let mut map = Map::new();
                while let Some((name, value)) = entries.next_entry::<String, Value>()? {
                    if map.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name stands twice"));
                    }
                }
                Ok(Object(map))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

/// Who the claims say it is, whether they may say so or not.
pub(super) fn read(claims: &Object, rules: &ClaimRules) -> Result<Identity, Fault> {
    Ok(Identity {
        id: user(claims, rules)?,
        number: None,
        proved: false,
        name: NAME_CLAIMS.iter().find_map(|claim| label(claims.get(claim))),
        email: label(claims.get("email")),
        ends: None,
        standing: Standing::User,
    })
}

/// Who the claims say it is, if they are good now. That it has expired is said last: only what is right in everything
/// else was good once.
pub(super) fn check(claims: &Object, rules: &ClaimRules, now: Millis) -> Result<Identity, Fault> {
    let identity = read(claims, rules)?;
    Ok(Identity { proved: true, ends: good_until(claims, rules, now)?, ..identity })
}

/// When they end, if they are good now, whomever they name.
pub(super) fn good_until(claims: &Object, rules: &ClaimRules, now: Millis) -> Result<Option<Millis>, Fault> {
    let ends = moment(claims, "exp")?;
    let begins = moment(claims, "nbf")?;
    let issued = moment(claims, "iat")?;
    if !rules.audiences.is_empty() && !names_one_of(claims.get("aud"), &rules.audiences) {
        return Err(Fault::Audience);
    }
    if !rules.issuers.is_empty() && !is_one_of(claims.get("iss"), &rules.issuers) {
        return Err(Fault::Issuer);
    }
    if begins.is_some_and(|begins| begins > now.plus(SKEW_MS)) {
        return Err(Fault::NotYet);
    }
    if issued.is_some_and(|issued| issued > now.plus(SKEW_MS)) {
        return Err(Fault::FromTheFuture);
    }
    match ends {
        None if rules.require_exp => Err(Fault::Endless),
        Some(ends) if ends <= now => Err(Fault::Expired),
        ends => Ok(ends),
    }
}

/// A text as a user's id.
pub(super) fn user_id(text: &str) -> Result<UserId, Fault> {
    if text.starts_with(SERVICE_PREFIX) || text.starts_with(WAITING_PREFIX) {
        return Err(Fault::Reserved);
    }
    Ok(UserId::new(text)?)
}

fn user(claims: &Object, rules: &ClaimRules) -> Result<UserId, Fault> {
    if let Some(name) = &rules.user_claim {
        let value = claims.get(name).filter(|value| !value.is_null()).ok_or(Fault::NoUser)?;
        return user_id(&id_text(value)?);
    }
    let mut found: Option<String> = None;
    for value in USER_CLAIMS.iter().filter_map(|claim| claims.get(claim)).filter(|value| !value.is_null()) {
        let text = id_text(value)?;
        if found.as_ref().is_some_and(|other| *other != text) {
            return Err(Fault::UsersDiffer);
        }
        found = Some(text);
    }
    user_id(&found.ok_or(Fault::NoUser)?)
}

/// Text as it is, integers as decimal text. A fraction, or an integer that JSON readers round, is no id.
pub(super) fn id_text(value: &Value) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) if number.is_u64() || number.is_i64() => Ok(number.to_string()),
        Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(Fault::UserType),
    }
}

/// A label, cut at a character; one that is empty, no text, or would break a log line is as good as none.
pub(super) fn label(value: Option<&Value>) -> Option<Text> {
    let text = value?.as_str()?.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return None;
    }
    Some(Text::from(&text[..text.floor_char_boundary(LABEL_BYTES_MAX)]))
}

fn moment(claims: &Object, name: &'static str) -> Result<Option<Millis>, Fault> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| !seconds.is_sign_negative()).ok_or(Fault::Time(name))?;
    // Refuses what is infinite, not a number, or beyond any clock.
    let since_1970 = match value.as_u64() {
        Some(whole) => Duration::from_secs(whole),
        None => Duration::try_from_secs_f64(seconds).map_err(|_| Fault::Time(name))?,
    };
    if since_1970.as_secs() > SECONDS_MAX {
        return Err(Fault::Time(name));
    }
    u64::try_from(since_1970.as_millis()).map(|ms| Some(Millis(ms))).map_err(|_| Fault::Time(name))
}

fn is_one_of(value: Option<&Value>, wanted: &[String]) -> bool {
    value.and_then(Value::as_str).is_some_and(|text| wanted.iter().any(|one| one == text))
}

/// `aud` is a text or a list of texts (RFC 7519, 4.1.3); a list with anything else in it is no `aud`.
fn names_one_of(value: Option<&Value>, wanted: &[String]) -> bool {
    match value {
        Some(Value::Array(list)) => {
            list.iter().all(Value::is_string) && list.iter().any(|one| is_one_of(Some(one), wanted))
        }
        value => is_one_of(value, wanted),
    }
}
