//! What stands for what: `%name%` for tokens and keys, `$name` for what was seen before. Also whether a frame is what was
//! expected, placeholders bound on the way.

use std::collections::BTreeMap;

use domain::id::{Cursor, Millis};
use serde_json::Value;

use super::parse::Frame;

/// What is bound so far.
#[derive(Debug)]
pub(crate) struct Bound {
    seen: BTreeMap<String, Value>,
    pub(crate) credentials: BTreeMap<String, String>,
    /// No time that a server says lies before this.
    began: Millis,
}

impl Bound {
    pub(crate) fn new(began: Millis) -> Self {
        Self { seen: BTreeMap::new(), credentials: BTreeMap::new(), began }
    }

    /// A text with everything that stands for something replaced.
    ///
    /// # Errors
    /// A name that nothing is bound to.
    pub(crate) fn fill(&self, text: &str) -> Result<String, String> {
        let mut filled = text.to_owned();
        for (name, credential) in &self.credentials {
            filled = filled.replace(&format!("%{name}%"), credential);
        }
        let mut out = String::new();
        let mut rest = filled.as_str();
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let length = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            let name = &after[..length];
            match self.seen.get(name) {
                Some(Value::String(text)) => out.push_str(text),
                Some(other) => out.push_str(&other.to_string()),
                None => return Err(format!("${name} is not bound")),
            }
            rest = &after[length..];
        }
        out.push_str(rest);
        Ok(out)
    }

    /// Whether `got` is what is expected, by `now`.
    ///
    /// # Errors
    /// Where they differ, and how.
    pub(crate) fn check(&mut self, expected: &Value, got: &Value, now: Millis) -> Result<(), String> {
        self.at("", expected, got, now)
    }

    /// The same for a text frame.
    pub(crate) fn check_frame(&mut self, expected: &Frame, got: &str, now: Millis) -> Result<(), String> {
        if expected.head.is_empty() && expected.json.as_ref().is_some_and(|json| json == "$_") {
            return Ok(());
        }
        let rest =
            got.strip_prefix(&*expected.head).ok_or_else(|| format!("it doesn't begin with {}", expected.head))?;
        match &expected.json {
            Some(json) => {
                let got: Value = serde_json::from_str(rest).map_err(|error| error.to_string())?;
                self.check(json, &got, now)
            }
            None if rest.is_empty() => Ok(()),
            None => Err(format!("it goes on with {rest}")),
        }
    }

    /// The same for two texts, of a header or a reason.
    pub(crate) fn check_text(&mut self, expected: &str, got: &str, now: Millis) -> Result<(), String> {
        self.at("", &expected.into(), &got.into(), now)
    }

    fn at(&mut self, place: &str, expected: &Value, got: &Value, now: Millis) -> Result<(), String> {
        match (expected, got) {
            (Value::String(text), _) if text.starts_with('$') => self.placeholder(place, &text[1..], got, now),
            (Value::Object(want), Value::Object(have)) => {
                if let Some(missing) = want.keys().find(|key| !have.contains_key(*key)) {
                    return Err(format!("{place}.{missing} is missing"));
                }
                if let Some(extra) = have.keys().find(|key| !want.contains_key(*key)) {
                    return Err(format!("{place}.{extra} is not expected"));
                }
                want.iter().try_for_each(|(key, value)| self.at(&format!("{place}.{key}"), value, &have[key], now))
            }
            (Value::Array(want), Value::Array(have)) if want.len() == have.len() => {
                let mut both = want.iter().zip(have).enumerate();
                both.try_for_each(|(n, (want, have))| self.at(&format!("{place}[{n}]"), want, have, now))
            }
            _ if expected == got => Ok(()),
            _ => Err(format!("{} is {got} instead of {expected}", if place.is_empty() { "it" } else { place })),
        }
    }

    fn placeholder(&mut self, place: &str, name: &str, got: &Value, now: Millis) -> Result<(), String> {
        let text = got.as_str().unwrap_or_default();
        let fits = match name {
            "_" => true,
            "TIME" => self.is_time(text, now),
            "CURSOR" => text.parse::<Cursor>().is_ok(),
            "UUID" => text.len() == 36 && uuid::Uuid::parse_str(text).is_ok(),
            _ if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
                return Err(format!("${name} is no placeholder"));
            }
            _ => {
                let first = self.seen.entry(name.to_owned()).or_insert_with(|| got.clone());
                if first != got {
                    return Err(format!("{place} is {got}, but ${name} was {first}"));
                }
                true
            }
        };
        if fits { Ok(()) } else { Err(format!("{place} is {got}, which is no ${name}")) }
    }

    /// An RFC 3339 time in UTC with `Z`, between the beginning and now.
    fn is_time(&self, text: &str, now: Millis) -> bool {
        let at = text.parse::<jiff::Timestamp>().ok().and_then(|at| u64::try_from(at.as_millisecond()).ok());
        text.ends_with('Z') && at.is_some_and(|at| (self.began.0..=now.0).contains(&at))
    }
}
