//! JSON Schema (draft 2020-12), as far as our documents use it. A keyword that isn't judged here fails, so that nothing is
//! promised unseen. Of our own, because the crates that judge all of it bring dozens of others with them.

use std::collections::BTreeMap;
use std::fmt;

use regex_automata::Input;
use regex_automata::dfa::{Automaton, dense};
use serde_json::Value;

/// What a value has against a schema, and how deep inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    place: String,
    what: String,
    pub(crate) depth: usize,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.place.is_empty() { "it" } else { &self.place };
        write!(f, "{place} {}", self.what)
    }
}

/// Schemas that refer to each other by `#/…`.
pub(crate) struct Schemas {
    root: Value,
    patterns: std::cell::RefCell<BTreeMap<String, dense::DFA<Vec<u32>>>>,
}

impl Schemas {
    /// Those below this root.
    pub(crate) fn new(root: Value) -> Self {
        Self { root, patterns: std::cell::RefCell::default() }
    }

    /// Whether a value is as the schema says.
    ///
    /// # Errors
    /// What isn't.
    pub(crate) fn validate(&self, schema: &Value, value: &Value) -> Result<(), Wrong> {
        self.at("", 0, schema, value)
    }

    fn at(&self, place: &str, depth: usize, schema: &Value, value: &Value) -> Result<(), Wrong> {
        let wrong = |what: String| Err(Wrong { place: place.to_owned(), what, depth });
        let keywords = match schema {
            Value::Bool(true) => return Ok(()),
            Value::Object(keywords) => keywords,
            Value::Bool(false) | Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return wrong("is not expected".into());
            }
        };
        for (keyword, wanted) in keywords {
            let fits = match keyword.as_str() {
                "description" => true,
                "$ref" => {
                    let target = wanted.as_str().and_then(|target| target.strip_prefix('#')).expect("our own");
                    let target = self.root.pointer(target).unwrap_or_else(|| panic!("{target} leads nowhere"));
                    self.at(place, depth, target, value)?;
                    true
                }
                "type" => match wanted.as_array() {
                    Some(kinds) => kinds.iter().any(|kind| is_of(kind, value)),
                    None => is_of(wanted, value),
                },
                "enum" => wanted.as_array().expect("a list").contains(value),
                "const" => wanted == value,
                "allOf" => {
                    each(wanted).try_for_each(|schema| self.at(place, depth, schema, value))?;
                    true
                }
                "anyOf" | "oneOf" => {
                    let found: Vec<_> = each(wanted).map(|schema| self.at(place, depth, schema, value)).collect();
                    let fitting = found.iter().filter(|found| found.is_ok()).count();
                    let deepest = found.into_iter().filter_map(Result::err).max_by_key(|wrong| wrong.depth);
                    if let (0, Some(deepest)) = (fitting, deepest) {
                        return Err(deepest);
                    }
                    keyword == "anyOf" || fitting == 1
                }
                "not" => self.at(place, depth, wanted, value).is_err(),
                _ => match value {
                    Value::Object(_) => self.object((place, depth), keywords, keyword, value)?,
                    Value::Array(_) => self.array((place, depth), keywords, keyword, value)?,
                    Value::String(text) => self.text(keyword, wanted, text),
                    Value::Number(number) => number_fits(keyword, wanted, number.as_f64().unwrap_or(f64::NAN)),
                    Value::Null | Value::Bool(_) => is_known(keyword),
                },
            };
            if !fits {
                return wrong(format!("is {value}, against {keyword} {wanted}"));
            }
        }
        Ok(())
    }

    fn object(
        &self,
        (place, depth): (&str, usize),
        keywords: &serde_json::Map<String, Value>,
        keyword: &str,
        value: &Value,
    ) -> Result<bool, Wrong> {
        let (entries, wanted) = (value.as_object().expect("it is an object"), &keywords[keyword]);
        let inside = |key: &str| format!("{place}.{key}");
        match keyword {
            "properties" => {
                for (key, schema) in wanted.as_object().expect("an object") {
                    if let Some(value) = entries.get(key) {
                        self.at(&inside(key), depth + 1, schema, value)?;
                    }
                }
            }
            "required" => return Ok(each(wanted).all(|key| entries.contains_key(key.as_str().unwrap_or_default()))),
            "additionalProperties" => {
                let described = keywords.get("properties").and_then(Value::as_object);
                for (key, value) in entries {
                    if !described.is_some_and(|described| described.contains_key(key)) {
                        self.at(&inside(key), depth + 1, wanted, value)?;
                    }
                }
            }
            "propertyNames" => {
                for key in entries.keys() {
                    self.at(&inside(key), depth + 1, wanted, &Value::from(key.as_str()))?;
                }
            }
            "minProperties" => return Ok(entries.len() as u64 >= count(wanted)),
            "maxProperties" => return Ok(entries.len() as u64 <= count(wanted)),
            _ => return Ok(is_known(keyword)),
        }
        Ok(true)
    }

    fn array(
        &self,
        (place, depth): (&str, usize),
        keywords: &serde_json::Map<String, Value>,
        keyword: &str,
        value: &Value,
    ) -> Result<bool, Wrong> {
        let (items, wanted) = (value.as_array().expect("it is an array"), &keywords[keyword]);
        let first = keywords.get("prefixItems").map_or(&[][..], |schemas| schemas.as_array().expect("a list"));
        let inside = |at: usize| format!("{place}[{at}]");
        match keyword {
            "prefixItems" => {
                for (at, (schema, item)) in first.iter().zip(items).enumerate() {
                    self.at(&inside(at), depth + 1, schema, item)?;
                }
            }
            "items" => {
                for (at, item) in items.iter().enumerate().skip(first.len()) {
                    self.at(&inside(at), depth + 1, wanted, item)?;
                }
            }
            "minItems" => return Ok(items.len() as u64 >= count(wanted)),
            "maxItems" => return Ok(items.len() as u64 <= count(wanted)),
            _ => return Ok(is_known(keyword)),
        }
        Ok(true)
    }

    fn text(&self, keyword: &str, wanted: &Value, text: &str) -> bool {
        match keyword {
            "minLength" => text.chars().count() as u64 >= count(wanted),
            "maxLength" => text.chars().count() as u64 <= count(wanted),
            "pattern" => {
                let pattern = wanted.as_str().expect("a pattern is text");
                let mut patterns = self.patterns.borrow_mut();
                let dfa = patterns
                    .entry(pattern.to_owned())
                    .or_insert_with(|| dense::DFA::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")));
                dfa.try_search_fwd(&Input::new(text)).expect("it can be searched").is_some()
            }
            _ => is_known(keyword),
        }
    }
}

/// The keywords that say something of one kind of value, and nothing of others.
const KNOWN: [&str; 15] = [
    "properties",
    "required",
    "additionalProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
];

fn is_known(keyword: &str) -> bool {
    assert!(KNOWN.contains(&keyword), "{keyword} is not judged here");
    true
}

fn each(list: &Value) -> std::slice::Iter<'_, Value> {
    list.as_array().expect("a list").iter()
}

fn count(wanted: &Value) -> u64 {
    wanted.as_u64().expect("a count")
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().expect("a type is text") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("there is no type {other}"),
    }
}

fn number_fits(keyword: &str, wanted: &Value, number: f64) -> bool {
    let bound = || wanted.as_f64().expect("a bound");
    match keyword {
        "minimum" => number >= bound(),
        "maximum" => number <= bound(),
        _ => is_known(keyword),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_keyword_has_its_say() {
        let schemas = Schemas::new(json!({"one": {"type": "object", "required": ["a"]}}));
        for (schema, good, bad) in [
            (json!({"type": "integer"}), json!(2.0), json!(2.5)),
            (json!({"type": ["string", "null"]}), json!(null), json!(1)),
            (json!({"enum": [1, "a"]}), json!("a"), json!("b")),
            (json!({"const": {"a": 1}}), json!({"a": 1}), json!({"a": 2})),
            (json!({"$ref": "#/one"}), json!({"a": 1}), json!({"b": 1})),
            (json!({"allOf": [{"minimum": 1}, {"maximum": 3}]}), json!(3), json!(4)),
            (json!({"anyOf": [{"type": "string"}, {"minimum": 1}]}), json!(1), json!(0)),
            (json!({"oneOf": [{"minimum": 1}, {"maximum": 3}]}), json!(4), json!(2)),
            (json!({"not": {"const": 1}}), json!(2), json!(1)),
            (json!({"properties": {"a": {"type": "null"}}}), json!({"b": 1}), json!({"a": 1})),
            (json!({"properties": {"a": true}, "additionalProperties": false}), json!({"a": 1}), json!({"b": 1})),
            (json!({"additionalProperties": {"minimum": 2}}), json!({"a": 2}), json!({"a": 1})),
            (json!({"propertyNames": {"pattern": "^a$"}}), json!({"a": 2}), json!({"ab": 1})),
            (json!({"minProperties": 1}), json!({"a": 2}), json!({})),
            (json!({"maxProperties": 0}), json!({}), json!({"a": 2})),
            (json!({"prefixItems": [{"const": 1}], "items": false}), json!([1]), json!([1, 2])),
            (json!({"prefixItems": [{"const": 1}], "items": {"const": 2}}), json!([1, 2, 2]), json!([2])),
            (json!({"minItems": 1}), json!([1]), json!([])),
            (json!({"maxItems": 1}), json!([1]), json!([1, 2])),
            (json!({"minLength": 2}), json!("éé"), json!("é")),
            (json!({"maxLength": 1}), json!("é"), json!("éé")),
            (json!({"pattern": "^[0-9]+$"}), json!("12"), json!("12\n")),
            (json!({"pattern": "b"}), json!("abc"), json!("ac")),
            (json!(true), json!(1), json!(1)),
        ] {
            assert_eq!(schemas.validate(&schema, &good), Ok(()), "{schema}");
            let always = schema == json!(true);
            assert_eq!(schemas.validate(&schema, &bad).is_ok(), always, "{schema} {bad}");
        }
        let nested = json!({"properties": {"a": {"items": {"const": 1}}}});
        let wrong = schemas.validate(&nested, &json!({"a": [1, 2]})).expect_err("it is not");
        assert_eq!(wrong.to_string(), ".a[1] is 2, against const 1");
    }

    #[test]
    #[should_panic(expected = "dependentRequired is not judged here")]
    fn what_is_not_judged_is_not_passed() {
        let _ = Schemas::new(json!({})).validate(&json!({"dependentRequired": {}}), &json!({}));
    }
}
