//! What is wrong with a request, field by field, as the contract's framework words it: status 422 and a list of errors.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::json::{Bad, object};
use crate::{Answer, Ask};

/// The pages that errors point to, as the contract's service does.
const PAGES: &str = "https://errors.pydantic.dev/2.5/v/";

/// One thing that is wrong.
#[derive(Serialize)]
pub(super) struct Wrong<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    loc: [&'static str; 2],
    msg: String,
    input: Input<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<Map<String, Value>>,
    url: String,
}

/// What was given.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum Input<'a> {
    /// JSON, as it came.
    Json(&'a RawValue),
    /// A piece of the path.
    Text(&'a str),
}

/// The errors of one request, in the order of its fields.
#[derive(Serialize, Default)]
pub(super) struct Wrongs<'a> {
    detail: Vec<Wrong<'a>>,
}

impl<'a> Wrongs<'a> {
    fn add(&mut self, kind: &'static str, loc: [&'static str; 2], msg: String, input: Input<'a>, ctx: Option<Value>) {
        let ctx = ctx.and_then(|ctx| if let Value::Object(ctx) = ctx { Some(ctx) } else { None });
        self.detail.push(Wrong { kind, loc, msg, input, ctx, url: format!("{PAGES}{kind}") });
    }

    /// A field of the body that is missing; `body` is the whole of it.
    pub(super) fn missing(&mut self, field: &'static str, body: &'a RawValue) {
        self.add("missing", ["body", field], "Field required".into(), Input::Json(body), None);
    }

    /// A field that is no string.
    pub(super) fn no_string(&mut self, field: &'static str, given: &'a RawValue) {
        let msg = "Input should be a valid string".into();
        self.add("string_type", ["body", field], msg, Input::Json(given), None);
    }

    /// A field that is neither true nor false.
    pub(super) fn no_bool(&mut self, field: &'static str, given: &'a RawValue) {
        let msg = "Input should be a valid boolean".into();
        self.add("bool_type", ["body", field], msg, Input::Json(given), None);
    }

    /// A string with too few characters.
    pub(super) fn too_short(&mut self, field: &'static str, given: &'a RawValue) {
        let msg = "String should have at least 1 character".into();
        self.add("string_too_short", ["body", field], msg, Input::Json(given), Some(json!({"min_length": 1})));
    }

    /// A string with too many characters.
    pub(super) fn too_long(&mut self, field: &'static str, given: &'a RawValue, most: usize) {
        let msg = format!("String should have at most {most} characters");
        self.add("string_too_long", ["body", field], msg, Input::Json(given), Some(json!({"max_length": most})));
    }

    /// A string that is none of those expected.
    pub(super) fn other_than(&mut self, field: &'static str, given: &'a RawValue, expected: &'static str) {
        let (msg, ctx) = (format!("Input should be {expected}"), json!({"expected": expected}));
        self.add("literal_error", ["body", field], msg, Input::Json(given), Some(ctx));
    }

    /// A value that can't be what its field wants, and why.
    pub(super) fn value(&mut self, loc: [&'static str; 2], given: Input<'a>, why: &str) {
        self.add("value_error", loc, format!("Value error, {why}"), given, Some(json!({"error": {}})));
    }

    /// The answer, if anything is wrong.
    pub(super) fn answer(&self) -> Result<(), Answer> {
        if self.detail.is_empty() { Ok(()) } else { Err(Answer::json(422, self)) }
    }
}

/// A piece of the path that can't be what it stands for.
pub(super) fn path(name: &'static str, given: &str, why: &str) -> Answer {
    let mut wrongs = Wrongs::default();
    wrongs.value(["path", name], Input::Text(given), why);
    Answer::json(422, &wrongs)
}

/// The body as JSON, with what it was read to.
pub(super) fn body<'a, T: serde::Deserialize<'a>>(ask: &'a Ask) -> Result<(T, &'a RawValue), Answer> {
    if ask.body.is_empty() {
        let url = format!("{PAGES}missing");
        return Err(whole(
            &json!({"type": "missing", "loc": ["body"], "msg": "Field required", "input": null, "url": url}),
        ));
    }
    let Ok(text) = std::str::from_utf8(&ask.body) else {
        return Err(plain(400, "There was an error parsing the body"));
    };
    match object::<T>(text) {
        Ok(read) => Ok((read, serde_json::from_str(text).map_err(|error| no_json(text, &error))?)),
        Err(Bad::Broken) => Err(match serde_json::from_str::<&RawValue>(text) {
            Ok(_) => plain(400, "There was an error parsing the body"),
            Err(error) => no_json(text, &error),
        }),
        Err(Bad::Unfit) => Err(no_model(text)),
    }
}

/// JSON that is no object, or one that can't be held: a field twice, or nested too deeply. It is not given back.
fn no_model(text: &str) -> Answer {
    let kind = "model_attributes_type";
    let msg = "Input should be a valid dictionary or object to extract fields from";
    let plain = serde_json::from_str::<Value>(text).ok().filter(|value| !value.is_object());
    let input = plain.unwrap_or_else(|| json!({}));
    let url = format!("{PAGES}{kind}");
    whole(&json!({"type": kind, "loc": ["body"], "msg": msg, "input": input, "url": url}))
}

fn no_json(text: &str, error: &serde_json::Error) -> Answer {
    let said = error.to_string();
    let place = place(text, error, &said);
    let why = reason(text, &said);
    let msg = "JSON decode error";
    whole(&json!({"type": "json_invalid", "loc": ["body", place], "msg": msg, "input": {}, "ctx": {"error": why}}))
}

/// Where it went wrong, in characters: the end for what is cut off, the first letter of a word that means nothing.
fn place(text: &str, error: &serde_json::Error, said: &str) -> usize {
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let mut bytes = (before + error.column()).saturating_sub(usize::from(!error.is_eof())).min(text.len());
    if said.starts_with("expected ident") {
        let word = text.as_bytes()[..bytes].iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
        bytes -= word;
    }
    text.char_indices().take_while(|(at, _)| *at < bytes).count()
}

/// Our parser's complaints in the words of the one that the contract's service uses.
fn reason(text: &str, said: &str) -> &'static str {
    const PROPERTY: &str = "Expecting property name enclosed in double quotes";
    const COMMA: &str = "Expecting ',' delimiter";
    const VALUE: &str = "Expecting value";
    let opened = matches!(text.trim_ascii_end().as_bytes().last(), Some(b'{' | b'[' | b','));
    for (ours, theirs) in [
        ("EOF while parsing a string", "Unterminated string starting at"),
        ("EOF while parsing an object", if opened { PROPERTY } else { COMMA }),
        ("EOF while parsing a list", if opened { VALUE } else { COMMA }),
        ("key must be a string", PROPERTY),
        ("trailing comma", PROPERTY),
        ("expected `:`", "Expecting ':' delimiter"),
        ("expected `,`", COMMA),
        ("control character", "Invalid control character at"),
        ("invalid escape", "Invalid \\escape"),
        ("trailing characters", "Extra data"),
    ] {
        if said.starts_with(ours) {
            return theirs;
        }
    }
    VALUE
}

fn whole(error: &Value) -> Answer {
    Answer::json(422, &json!({"detail": [error]}))
}

fn plain(status: u16, detail: &'static str) -> Answer {
    super::words::plain(status, detail)
}
