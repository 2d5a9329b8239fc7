//! What is wrong with a request, field by field, as the framework of two contracts words it: status 422 and a list of
//! errors. Each names a field, what is wrong with it and what was given; which page explains it, where the service that
//! speaks the dialect is old enough to say so.

use std::borrow::Cow;

use domain::Text;
use domain::id::ClientId;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::json::{self, Bad, object};
use crate::{Answer, Ask};

/// Before the name of an error, the page that it points to; none where errors point to none.
pub(crate) type Pages = Option<&'static str>;

/// Where something is: the part of the request, and the name there.
pub(crate) type Loc = [&'static str; 2];

/// One thing that is wrong.
#[derive(Serialize)]
pub(crate) struct Wrong<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    loc: Loc,
    msg: String,
    input: Input<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// What was given.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(crate) enum Input<'a> {
    /// JSON, as it came.
    Json(&'a RawValue),
    /// A piece of the path, or of the query.
    Text(&'a str),
}

/// The errors of one request, in the order of its fields.
#[derive(Serialize)]
pub(crate) struct Wrongs<'a> {
    detail: Vec<Wrong<'a>>,
    #[serde(skip)]
    pages: Pages,
}

impl<'a> Wrongs<'a> {
    /// Nothing is wrong so far.
    pub(crate) fn new(pages: Pages) -> Self {
        Self { detail: Vec::new(), pages }
    }

    /// Something is wrong, in the framework's words.
    pub(crate) fn add(&mut self, kind: &'static str, loc: Loc, msg: String, input: Input<'a>, ctx: Option<Value>) {
        let ctx = ctx.and_then(|ctx| if let Value::Object(ctx) = ctx { Some(ctx) } else { None });
        self.detail.push(Wrong { kind, loc, msg, input, ctx, url: page(self.pages, kind) });
    }

    /// A field that is a string.
    pub(crate) fn string(&mut self, field: &'static str, given: &'a RawValue) -> Option<Cow<'a, str>> {
        let read = json::text(given);
        if read.is_none() {
            self.no_string(field, given);
        }
        read
    }

    /// A field that is a string of 1 to `most` characters.
    pub(crate) fn sayable(&mut self, field: &'static str, given: &'a RawValue, most: usize) -> Option<Text> {
        let text = self.string(field, given)?;
        if text.is_empty() {
            self.too_short(field, given);
        } else if is_longer(&text, most) {
            self.too_long(field, given, most);
        } else {
            return Some(Text::from(text));
        }
        None
    }

    /// The field `client_id`, which makes a repeat harmless.
    pub(crate) fn client_id(&mut self, given: &'a RawValue) -> Option<ClientId> {
        let text = self.string("client_id", given)?;
        let wrong = |why: domain::id::BadId| self.value(["body", "client_id"], Input::Json(given), &why.to_string());
        ClientId::new(&text).map_err(wrong).ok()
    }

    /// A field of the body that is missing; `body` is the whole of it.
    pub(crate) fn missing(&mut self, field: &'static str, body: &'a RawValue) {
        self.add("missing", ["body", field], "Field required".into(), Input::Json(body), None);
    }

    fn no_string(&mut self, field: &'static str, given: &'a RawValue) {
        let msg = "Input should be a valid string".into();
        self.add("string_type", ["body", field], msg, Input::Json(given), None);
    }

    /// A field that is neither true nor false.
    pub(crate) fn no_bool(&mut self, field: &'static str, given: &'a RawValue) {
        let msg = "Input should be a valid boolean".into();
        self.add("bool_type", ["body", field], msg, Input::Json(given), None);
    }

    fn too_short(&mut self, field: &'static str, given: &'a RawValue) {
        let msg = "String should have at least 1 character".into();
        self.add("string_too_short", ["body", field], msg, Input::Json(given), Some(json!({"min_length": 1})));
    }

    fn too_long(&mut self, field: &'static str, given: &'a RawValue, most: usize) {
        let msg = format!("String should have at most {most} characters");
        self.add("string_too_long", ["body", field], msg, Input::Json(given), Some(json!({"max_length": most})));
    }

    /// A string that is none of those expected.
    pub(crate) fn other_than(&mut self, field: &'static str, given: &'a RawValue, expected: &'static str) {
        let (msg, ctx) = (format!("Input should be {expected}"), json!({"expected": expected}));
        self.add("literal_error", ["body", field], msg, Input::Json(given), Some(ctx));
    }

    /// A value that can't be what its field wants, and why.
    pub(crate) fn value(&mut self, loc: Loc, given: Input<'a>, why: &str) {
        self.add("value_error", loc, format!("Value error, {why}"), given, Some(json!({"error": {}})));
    }

    /// The answer, if anything is wrong.
    pub(crate) fn answer(&self) -> Result<(), Answer> {
        if self.detail.is_empty() { Ok(()) } else { Err(Answer::json(422, self)) }
    }
}

/// Whether a text has more characters than this; counted only where the bytes leave it open.
pub(crate) fn is_longer(text: &str, chars: usize) -> bool {
    text.len() > chars && text.chars().nth(chars).is_some()
}

fn page(pages: Pages, kind: &str) -> Option<String> {
    pages.map(|pages| format!("{pages}{kind}"))
}

/// A piece of the path that can't be what it stands for.
pub(crate) fn path(name: &'static str, given: &str, why: &str, pages: Pages) -> Answer {
    let mut wrongs = Wrongs::new(pages);
    wrongs.value(["path", name], Input::Text(given), why);
    Answer::json(422, &wrongs)
}

/// The body as JSON, with what it was read to.
pub(crate) fn body<'a, T: serde::Deserialize<'a>>(ask: &'a Ask, pages: Pages) -> Result<(T, &'a RawValue), Answer> {
    if ask.body.is_empty() {
        return Err(whole("missing", "Field required", &Value::Null, pages));
    }
    let Ok(text) = std::str::from_utf8(&ask.body) else { return Err(unreadable()) };
    match object::<T>(text) {
        Ok(read) => Ok((read, serde_json::from_str(text).map_err(|error| no_json(text, &error))?)),
        Err(Bad::Broken) => Err(match serde_json::from_str::<&RawValue>(text) {
            Ok(_) => unreadable(),
            Err(error) => no_json(text, &error),
        }),
        Err(Bad::Unfit) => Err(no_model(text, pages)),
    }
}

/// A field that was given, whatever it was given as: `null` is not the same as nothing. For `deserialize_with`.
pub(crate) fn given<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Option<&'de RawValue>, D::Error> {
    serde::Deserialize::deserialize(reader).map(Some)
}

/// JSON that is no object, or one that can't be held: a field twice, or nested too deeply. It is not given back.
fn no_model(text: &str, pages: Pages) -> Answer {
    let msg = "Input should be a valid dictionary or object to extract fields from";
    let plain = serde_json::from_str::<Value>(text).ok().filter(|value| !value.is_object());
    whole("model_attributes_type", msg, &plain.unwrap_or_else(|| json!({})), pages)
}

fn no_json(text: &str, error: &serde_json::Error) -> Answer {
    let said = error.to_string();
    let place = place(text, error, &said);
    let why = reason(text, &said);
    let (kind, msg) = ("json_invalid", "JSON decode error");
    let error = json!({"type": kind, "loc": ["body", place], "msg": msg, "input": {}, "ctx": {"error": why}});
    Answer::json(422, &json!({"detail": [error]}))
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

/// What is wrong with a body as a whole.
fn whole(kind: &str, msg: &str, input: &Value, pages: Pages) -> Answer {
    let mut error = json!({"type": kind, "loc": ["body"], "msg": msg, "input": input});
    if let Some(url) = page(pages, kind) {
        error["url"] = url.into();
    }
    Answer::json(422, &json!({"detail": [error]}))
}

fn unreadable() -> Answer {
    Answer::json(400, &json!({"detail": "There was an error parsing the body"}))
}
