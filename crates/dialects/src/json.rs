//! JSON from clients, and to them. Nesting is bounded before anything recurses (THREATS T16): a stack overflow would end
//! the process for everybody.

use std::borrow::Cow;

use domain::limits::JSON_DEPTH_MAX;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::step::Step;

/// Why a text is not the object that was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// It is not JSON at all.
    Broken,
    /// It is JSON, and something else: no object, a field missing, of another type or given twice, a number or text
    /// that can't be held, or nested too deeply.
    Unfit,
}

/// Reads an object. A derived struct would also take an array of its fields; no contract does.
///
/// # Errors
/// [`Bad`] tells broken JSON from JSON that doesn't fit; some wires close for the one and live on after the other.
pub fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Bad> {
    if text.trim_start().starts_with('{')
        && is_shallow(text.as_bytes())
        && let Ok(read) = serde_json::from_str(text)
    {
        return Ok(read);
    }
    // Ignoring a value doesn't recurse, so this is safe at any depth.
    Err(if serde_json::from_str::<IgnoredAny>(text).is_ok() { Bad::Unfit } else { Bad::Broken })
}

/// The text in a JSON value, borrowed where it has no escapes; none when the value is no text.
#[must_use]
pub fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Borrowed<'_>>(raw.get()).ok().map(|borrowed| borrowed.0)
}

/// Whether arrays and objects are nested at most [`JSON_DEPTH_MAX`] deep. Says nothing of texts that are no JSON.
#[must_use]
pub fn is_shallow(json: &[u8]) -> bool {
    // Almost every frame has fewer brackets than that in all, which is seen without looking at what is a string.
    let opened = json.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
    opened <= JSON_DEPTH_MAX || deepest(json) <= JSON_DEPTH_MAX
}

fn deepest(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next()
                    && *byte != b'"'
                {
                    if *byte == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

/// Writes a wire struct at the end of a buffer.
///
/// # Panics
/// Never: the wire structs that are given here have text keys and no failing serialisers, and a buffer takes all.
pub fn write(buffer: &mut Vec<u8>, what: &impl Serialize) {
    serde_json::to_writer(buffer, what).expect("wire structs have text keys and no failing serialisers");
}

/// Says a wire struct to the client.
#[must_use]
pub fn say(what: &impl Serialize) -> Step {
    let mut buffer = Vec::new();
    write(&mut buffer, what);
    Step::Say(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Pair {
        a: u8,
        b: Option<String>,
    }

    #[test]
    fn objects_are_read_and_what_is_wrong_with_others_is_told() {
        let deep = |depth: usize| format!("{{\"a\":1,\"x\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        for (text, expected) in [
            (r#"{"a":1}"#, Ok(1)),
            (" {\"a\":1,\"b\":null,\"__proto__\":{\"a\":2}}\n", Ok(1)),
            (r#"{"a":1,"b":"\u0000"}"#, Ok(1)),
            (&deep(32), Ok(1)),
            (&deep(33), Err(Bad::Unfit)),
            (&deep(100_000), Err(Bad::Unfit)),
            (&"[".repeat(100_000), Err(Bad::Broken)),
            (&"{\"a\":".repeat(100_000), Err(Bad::Broken)),
            (r#"[1,"b"]"#, Err(Bad::Unfit)),
            (r#""a""#, Err(Bad::Unfit)),
            ("null", Err(Bad::Unfit)),
            (r#"{"a":1,"a":2}"#, Err(Bad::Unfit)),
            (r#"{"a":256}"#, Err(Bad::Unfit)),
            (r#"{"a":1e999}"#, Err(Bad::Unfit)),
            (r#"{"a":123456789012345678901234567890}"#, Err(Bad::Unfit)),
            (r#"{"a":1,"b":"\ud800"}"#, Err(Bad::Unfit)),
            (r#"{"b":"a is missing"}"#, Err(Bad::Unfit)),
            ("", Err(Bad::Broken)),
            ("{", Err(Bad::Broken)),
            (r#"{"a":1} x"#, Err(Bad::Broken)),
            ("{\"a\":1,\"b\":\"\0\"}", Err(Bad::Broken)),
            ("\u{feff}{\"a\":1}", Err(Bad::Broken)),
        ] {
            let start: String = text.chars().take(40).collect();
            assert_eq!(object::<Pair>(text).map(|pair| pair.a), expected, "{start}");
        }
    }

    #[test]
    fn brackets_in_strings_are_not_nesting() {
        let many = "[".repeat(1000);
        assert!(is_shallow(format!(r#"{{"a":"{many}"}}"#).as_bytes()));
        assert!(is_shallow(format!(r#"{{"a":"\"{many}\\"}}"#).as_bytes()));
        assert!(is_shallow("{}".repeat(1000).as_bytes()), "side by side");
        assert!(!is_shallow(many.as_bytes()));
    }
}
