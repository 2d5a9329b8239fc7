//! What is wrong with a request: the words and shapes of FastAPI 0.1xx with pydantic 2, measured on it.

use serde_json::value::RawValue;

use super::rest::asked;
use crate::direct::ints::{NoInt, of_json, of_text};

/// One error of a 422.
fn error(kind: &str, part: &str, name: &str, msg: &str, input: &str) -> String {
    format!(r#"{{"type":"{kind}","loc":["{part}","{name}"],"msg":"{msg}","input":{input}}}"#)
}

fn unprocessable(errors: &[String]) -> String {
    format!(r#"422 {{"detail":[{}]}}"#, errors.join(","))
}

const PARSING: &str = "Input should be a valid integer, unable to parse string as an integer";

#[test]
fn texts_are_integers_generously() {
    let long = "9".repeat(4301);
    for (text, expected) in [
        ("7", Ok(7)),
        (" 7 ", Ok(7)),
        ("\u{a0}7\n", Ok(7)),
        ("+7", Ok(7)),
        ("-7", Ok(-7)),
        ("-0", Ok(0)),
        ("0007", Ok(7)),
        ("1_000", Ok(1000)),
        ("0_0", Ok(0)),
        ("7.0", Ok(7)),
        ("-7.00", Ok(-7)),
        ("7_0.0", Ok(70)),
        ("99999999999999999999999", Ok(i64::MAX)),
        ("-99999999999999999999999", Ok(-i64::MAX)),
        (&long[..4300], Ok(i64::MAX)),
        (&long, Err(NoInt::Large)),
        ("1__0", Err(NoInt::Text)),
        ("_1", Err(NoInt::Text)),
        ("1_", Err(NoInt::Text)),
        ("+_7", Err(NoInt::Text)),
        ("7.", Err(NoInt::Text)),
        (".0", Err(NoInt::Text)),
        ("7.5", Err(NoInt::Text)),
        ("7.0_0", Err(NoInt::Text)),
        ("1e3", Err(NoInt::Text)),
        ("0x10", Err(NoInt::Text)),
        ("--7", Err(NoInt::Text)),
        ("+ 7", Err(NoInt::Text)),
        ("\u{667}", Err(NoInt::Text)),
        ("true", Err(NoInt::Text)),
        ("", Err(NoInt::Text)),
        (" ", Err(NoInt::Text)),
    ] {
        assert_eq!(of_text(text), expected, "{text:.40?}");
    }
}

#[test]
fn json_is_integers_generously() {
    for (json, expected) in [
        ("7", Ok(7)),
        ("-7", Ok(-7)),
        (r#"" 7 ""#, Ok(7)),
        (r#""\u0037""#, Ok(7)),
        ("7.0", Ok(7)),
        ("1e3", Ok(1000)),
        ("-0.0", Ok(0)),
        ("true", Ok(1)),
        ("false", Ok(0)),
        ("99999999999999999999999", Ok(i64::MAX)),
        ("7.5", Err(NoInt::Fraction)),
        ("1e20", Err(NoInt::Large)),
        ("-1e300", Err(NoInt::Large)),
        ("1e999", Err(NoInt::Infinite)),
        ("null", Err(NoInt::Other)),
        ("[1]", Err(NoInt::Other)),
        (r#"{"a":1}"#, Err(NoInt::Other)),
        (r#""abc""#, Err(NoInt::Text)),
    ] {
        let raw: Box<RawValue> = serde_json::from_str(json).expect("it is JSON");
        assert_eq!(of_json(&raw), expected, "{json}");
    }
}

#[test]
fn what_is_wrong_with_a_message_is_told_field_by_field() {
    let missing = |name: &str, input: &str| error("missing", "body", name, "Field required", input);
    let receiver = |kind: &str, msg: &str, input: &str| vec![error(kind, "body", "receiver_id", msg, input)];
    let no_string =
        |name: &str, input: &str| vec![error("string_type", "body", name, "Input should be a valid string", input)];
    let sized = |kind: &str, msg: &str, input: &str, ctx: &str| {
        vec![format!(r#"{{"type":"{kind}","loc":["body","content"],"msg":"{msg}","input":{input},"ctx":{ctx}}}"#)]
    };
    let long = format!(r#""{}""#, "ü".repeat(10_001));
    for (body, expected) in [
        ("{}".into(), vec![missing("receiver_id", "{}"), missing("content", "{}")]),
        (r#"{"receiver_id":1}"#.into(), vec![missing("content", r#"{"receiver_id":1}"#)]),
        (r#"{"receiver_id":"abc","content":"x"}"#.into(), receiver("int_parsing", PARSING, r#""abc""#)),
        (
            r#"{"receiver_id":7.5,"content":"x"}"#.into(),
            receiver("int_from_float", "Input should be a valid integer, got a number with a fractional part", "7.5"),
        ),
        (r#"{"receiver_id":null,"content":"x"}"#.into(), receiver("int_type", "Input should be a valid integer", "null")),
        (r#"{"receiver_id":[1],"content":"x"}"#.into(), receiver("int_type", "Input should be a valid integer", "[1]")),
        (
            r#"{"receiver_id":1e20,"content":"x"}"#.into(),
            receiver("int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size", "1e20"),
        ),
        (
            r#"{"receiver_id":1e999,"content":"x"}"#.into(),
            receiver("finite_number", "Input should be a finite number", "1e999"),
        ),
        (
            r#"{"receiver_id":1,"content":""}"#.into(),
            sized("string_too_short", "String should have at least 1 character", r#""""#, r#"{"min_length":1}"#),
        ),
        (
            format!(r#"{{"receiver_id":1,"content":{long}}}"#),
            sized("string_too_long", "String should have at most 10000 characters", &long, r#"{"max_length":10000}"#),
        ),
        (r#"{"receiver_id":1,"content":5}"#.into(), no_string("content", "5")),
        (r#"{"receiver_id":1,"content":null}"#.into(), no_string("content", "null")),
        (r#"{"receiver_id":1,"content":"x","client_id":5}"#.into(), no_string("client_id", "5")),
        (
            r#"{"receiver_id":1,"content":"x","client_id":""}"#.into(),
            vec![
                r#"{"type":"value_error","loc":["body","client_id"],"msg":"Value error, is empty","input":"","ctx":{"error":{}}}"#
                    .into(),
            ],
        ),
    ] {
        assert_eq!(asked("POST", "/messages/", &body), unprocessable(&expected), "{body:.60}");
    }
    let most = "ü".repeat(10_000);
    let sent = asked("POST", "/messages/", &format!(r#"{{"receiver_id":true,"content":"{most}"}}"#));
    assert_eq!(sent, format!("send to number 1 Text - {most}"));
}

#[test]
fn what_is_wrong_with_a_user_is_told_field_by_field() {
    let no_string =
        |name: &str, input: &str| error("string_type", "body", name, "Input should be a valid string", input);
    let value = |why: &str, input: &str| {
        format!(
            r#"{{"type":"value_error","loc":["body","username"],"msg":"Value error, {why}","input":{input},"ctx":{{"error":{{}}}}}}"#
        )
    };
    let long = format!(r#""{}""#, "n".repeat(256));
    for (body, expected) in [
        ("{}".into(), vec![error("missing", "body", "username", "Field required", "{}")]),
        (r#"{"username":null}"#.into(), vec![no_string("username", "null")]),
        (r#"{"username":5,"email":7}"#.into(), vec![no_string("username", "5"), no_string("email", "7")]),
        (r#"{"username":""}"#.into(), vec![value("is empty", r#""""#)]),
        (r#"{"username":"a\nb"}"#.into(), vec![value("has a control character", r#""a\nb""#)]),
        (format!(r#"{{"username":{long}}}"#), vec![value("is too long", &long)]),
        (r#"{"username":"a","bio":[1]}"#.into(), vec![no_string("bio", "[1]")]),
    ] {
        for path in ["/users/", "/users/sync"] {
            assert_eq!(asked("POST", path, &body), unprocessable(&expected), "{path} {body:.60}");
        }
    }
}

#[test]
fn bodies_that_are_no_objects() {
    let no_model = |input: &str| {
        let msg = "Input should be a valid dictionary or object to extract fields from";
        format!(r#"422 {{"detail":[{{"input":{input},"loc":["body"],"msg":"{msg}","type":"model_attributes_type"}}]}}"#)
    };
    let deep = format!(r#"{{"content":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let read = |text: &str| -> serde_json::Value {
        serde_json::from_str(text.strip_prefix("422 ").expect("all are 422")).expect("an error is JSON")
    };
    for (body, expected) in [
        ("[]", no_model("[]")),
        ("null", no_model("null")),
        (r#""x""#, no_model(r#""x""#)),
        (r#"{"content":"a","content":"b","receiver_id":1}"#, no_model("{}")),
        (&deep, no_model("{}")),
        ("", r#"422 {"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]}"#.into()),
        (
            "{bad",
            r#"422 {"detail":[{"type":"json_invalid","loc":["body",1],"msg":"JSON decode error","input":{},"ctx":{"error":"Expecting property name enclosed in double quotes"}}]}"#
                .into(),
        ),
    ] {
        assert_eq!(read(&asked("POST", "/messages/", body)), read(&expected), "{body:.40}");
    }
}

#[test]
fn numbers_in_paths_and_queries() {
    let path = |name: &str, input: &str| error("int_parsing", "path", name, PARSING, &format!("\"{input}\""));
    let query = |name: &str, input: &str| error("int_parsing", "query", name, PARSING, &format!("\"{input}\""));
    let bound = |name: &str, kind: &str, msg: &str, input: &str, ctx: &str| {
        format!(r#"{{"type":"{kind}","loc":["query","{name}"],"msg":"{msg}","input":"{input}","ctx":{ctx}}}"#)
    };
    let greater = "Input should be greater than or equal to";
    for (given, expected) in [
        ("/users/abc", vec![path("user_id", "abc")]),
        ("/users/username/", vec![path("user_id", "username")]),
        ("/users/sync", vec![path("user_id", "sync")]),
        ("/messages/7.5", vec![path("conv_id", "7.5")]),
        ("/messages/%D9%A7", vec![path("conv_id", "\u{667}")]),
        ("/messages/1?limit=abc", vec![query("limit", "abc")]),
        ("/messages/1?after=x&before=", vec![query("after", "x"), query("before", "")]),
        (
            "/messages/1?limit=0",
            vec![bound("limit", "greater_than_equal", &format!("{greater} 1"), "0", r#"{"ge":1}"#)],
        ),
        (
            "/messages/1?limit=10001",
            vec![bound(
                "limit",
                "less_than_equal",
                "Input should be less than or equal to 10000",
                "10001",
                r#"{"le":10000}"#,
            )],
        ),
        (
            "/conversations/?before=-1",
            vec![bound("before", "greater_than_equal", &format!("{greater} 0"), "-1", r#"{"ge":0}"#)],
        ),
        (
            "/conversations/?limit=1001",
            vec![bound(
                "limit",
                "less_than_equal",
                "Input should be less than or equal to 1000",
                "1001",
                r#"{"le":1000}"#,
            )],
        ),
    ] {
        assert_eq!(asked("GET", given, ""), unprocessable(&expected), "{given}");
    }
}
