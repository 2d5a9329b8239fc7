//! Requests in, commands and queries out; replies in, responses out.

use domain::command::Reply;
use domain::model::{Member, Role, Status};
use domain::refusal::Refusal;

use crate::cases::{ID, NOW, NOW_SHOWN, answer, ask, command_line, kept, person, query_line, sent, user};
use crate::rooms::rest;
use crate::{Ask, Request, Rest};

fn door(method: &str, path: &str, body: &str) -> (Rest, Ask) {
    let mut ask = ask(method, path, "", &[]);
    ask.body = body.into();
    let found = rest::doors(true).into_iter().find(|rest| rest.method == method && ask.captures(&rest.path));
    (found.expect("a path of the table"), ask)
}

/// What alice's request means, or what it is answered at once.
fn asked(method: &str, path: &str, body: &str) -> String {
    let (door, ask) = door(method, path, body);
    match (door.ask)(&ask, (!door.anonymous).then(|| person("alice")).as_ref()) {
        Ok(Request::Do(command)) => command_line(&command),
        Ok(Request::Ask(query)) => query_line(&query),
        Err(refused) => answer(&refused),
    }
}

fn answered(method: &str, path: &str, reply: Result<&Reply, &Refusal>) -> String {
    let (door, ask) = door(method, path, "");
    answer(&(door.answer)(&ask, reply, NOW))
}

#[test]
fn requests_mean_one_command_or_query() {
    for (method, path, body, expected) in [
        ("GET", "/health", "", "counts"),
        ("GET", "/rooms/ROOM-123/connections", "", "connections in ROOM-123"),
        ("GET", "/rooms/GUILD%23g/connections", "", "connections in GUILD#g"),
        ("GET", "/rooms/direct:bob/connections", "", "connections in dm-alice-bob"),
        ("GET", "/rooms/dm-bob-carol/connections", "", r#"403 {"detail":"Room access denied"}"#),
        ("GET", "/users/alice/connections", "", "connections of alice"),
        (
            "POST",
            "/rooms/ROOM-123/broadcast",
            r#"{"text": "Hello everyone!"}"#,
            "send ROOM-123 Broadcast - Hello everyone!",
        ),
        (
            "POST",
            "/rooms/r/broadcast",
            r#"{"room_id":"other","text":"hi","message_type":"text","client_id":"c1"}"#,
            "send r Broadcast c1 hi",
        ),
        ("POST", "/rooms/user:x/broadcast", r#"{"text":"hi"}"#, r#"403 {"detail":"Room access denied"}"#),
        ("GET", "/guilds/g/members/bob", "", "member GUILD#g bob"),
        ("PUT", "/guilds/g/members/bob", "", "enrol GUILD#g bob None None"),
        ("PUT", "/guilds/g/members/bob", "{}", "enrol GUILD#g bob None None"),
        (
            "PUT",
            "/guilds/g/members/bob",
            r#"{"role":"owner","status":"inactive"}"#,
            "enrol GUILD#g bob Some(Owner) Some(Inactive)",
        ),
        ("PUT", "/guilds/g/members/bob", r#"{"is_blocked":true}"#, "enrol GUILD#g bob None Some(Blocked)"),
        ("PUT", "/guilds/g/members/bob", r#"{"is_blocked":false}"#, "enrol GUILD#g bob None Some(Active)"),
        ("DELETE", "/guilds/g/members/bob", "", "expel GUILD#g bob"),
    ] {
        assert_eq!(asked(method, path, body), expected, "{method} {path} {body}");
    }
}

#[test]
fn what_is_wrong_is_told_field_by_field() {
    let page = "https://errors.pydantic.dev/2.5/v";
    let field = |kind: &str, field: &str, msg: &str, input: &str, ctx: &str| {
        format!(
            r#"422 {{"detail":[{{"type":"{kind}","loc":["body","{field}"],"msg":"{msg}","input":{input}{ctx},"url":"{page}/{kind}"}}]}}"#
        )
    };
    let text = |chars: usize| format!(r#"{{"text":"{}"}}"#, "ü".repeat(chars));
    let long = format!(r#""{}""#, "ü".repeat(10_001));
    let no_string = |name: &str, input: &str| field("string_type", name, "Input should be a valid string", input, "");
    for (body, expected) in [
        (r#"{"x": "hi"}"#.into(), field("missing", "text", "Field required", r#"{"x": "hi"}"#, "")),
        (r#"{"text":5}"#.into(), no_string("text", "5")),
        (r#"{"text":"hi","room_id":[1]}"#.into(), no_string("room_id", "[1]")),
        (r#"{"text":"hi","message_type":7}"#.into(), no_string("message_type", "7")),
        (r#"{"text":"hi","client_id":7}"#.into(), no_string("client_id", "7")),
        (
            text(0),
            field(
                "string_too_short",
                "text",
                "String should have at least 1 character",
                r#""""#,
                r#","ctx":{"min_length":1}"#,
            ),
        ),
        (text(10_000), format!("send r Broadcast - {}", "ü".repeat(10_000))),
        (
            text(10_001),
            field(
                "string_too_long",
                "text",
                "String should have at most 10000 characters",
                &long,
                r#","ctx":{"max_length":10000}"#,
            ),
        ),
    ] {
        assert_eq!(asked("POST", "/rooms/r/broadcast", &body), expected, "{body:.60}");
    }
    let role = asked("PUT", "/guilds/g/members/bob", r#"{"role":"king"}"#);
    let expected = "'owner', 'moderator' or 'member'";
    let (msg, ctx) = (format!("Input should be {expected}"), format!(r#","ctx":{{"expected":"{expected}"}}"#));
    assert_eq!(role, field("literal_error", "role", &msg, r#""king""#, &ctx));
    let two = asked("PUT", "/guilds/g/members/bob", r#"{"status":1,"is_blocked":1}"#);
    assert!(two.starts_with("422") && two.contains("literal_error") && two.contains("bool_type"), "{two}");
    for path in [format!("/guilds/{}/members/bob", "g".repeat(250)), "/guilds/g/members/a%0Ab".into()] {
        assert!(asked("GET", &path, "").starts_with(r#"422 {"detail":[{"type":"value_error","loc":["path""#));
    }
    assert!(asked("GET", "/rooms/a%00b/connections", "").contains(r#""loc":["path","room_id"]"#));
}

#[test]
fn bodies_that_are_no_json_objects() {
    let invalid = |place: usize, why: &str| {
        format!(
            r#""type":"json_invalid","loc":["body",{place}],"msg":"JSON decode error","input":{{}},"ctx":{{"error":"{why}"}}"#
        )
    };
    let no_model = |input: &str| {
        format!(
            r#""type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":{input}"#
        )
    };
    let property = "Expecting property name enclosed in double quotes";
    let deep = format!(r#"{{"text":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for (body, expected) in [
        ("{bad", invalid(1, property)),
        ("{", invalid(1, property)),
        (r#"{"text":"#, invalid(8, "Expecting value")),
        (r#"{"é":1"#, invalid(6, "Expecting ',' delimiter")),
        ("[1,", invalid(3, "Expecting value")),
        (r#"{"text":}"#, invalid(8, "Expecting value")),
        (r#"{"text":"hi"} x"#, invalid(14, "Extra data")),
        (r#"{"text" "hi"}"#, invalid(8, "Expecting ':' delimiter")),
        (r#"{"text":"hi" "a":1}"#, invalid(13, "Expecting ',' delimiter")),
        ("nonsense", invalid(0, "Expecting value")),
        (r#"{"a":nope}"#, invalid(5, "Expecting value")),
        ("", r#""type":"missing","loc":["body"],"msg":"Field required","input":null"#.into()),
        ("[1]", no_model("[1]")),
        (r#""str""#, no_model(r#""str""#)),
        (r#"{"text":"a","text":"b"}"#, no_model("{}")),
        (&deep, no_model("{}")),
    ] {
        let answer = asked("POST", "/rooms/r/broadcast", body);
        let fields = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(text).expect("an error is JSON");
            value
        };
        let given = fields(answer.strip_prefix("422 ").expect("all are 422"));
        let mut first = given["detail"][0].clone();
        first.as_object_mut().expect("an error is an object").remove("url");
        assert_eq!(first, fields(&format!("{{{expected}}}")), "{body:.40}");
    }
    let (door, mut ask) = door("POST", "/rooms/r/broadcast", "");
    ask.body = vec![b'{', 0xff, b'}'];
    let refused = (door.ask)(&ask, Some(&person("alice"))).expect_err("not UTF-8");
    assert_eq!(answer(&refused), r#"400 {"detail":"There was an error parsing the body"}"#);
}

#[test]
fn replies_are_the_contracts_responses() {
    let member = |role, status| Reply::Member { user: user("bob"), member: Member { muted: false, role, status } };
    let broadcast = sent("r", "hi", None);
    for (method, path, reply, expected) in [
        (
            "GET",
            "/health",
            Reply::Counts { connections: 3, rooms: 2 },
            format!(r#"200 {{"status":"healthy","active_connections":3,"active_rooms":2,"timestamp":"{NOW_SHOWN}"}}"#),
        ),
        (
            "GET",
            "/rooms/GUILD%23g/connections",
            Reply::Connections(2),
            format!(r#"200 {{"room_id":"GUILD#g","active_connections":2,"timestamp":"{NOW_SHOWN}"}}"#),
        ),
        (
            "GET",
            "/users/m/connections",
            Reply::Connections(3),
            format!(r#"200 {{"user_id":"m","active_connections":3,"timestamp":"{NOW_SHOWN}"}}"#),
        ),
        (
            "POST",
            "/rooms/r/broadcast",
            kept(&broadcast, false),
            format!(r#"200 {{"status":"broadcasted","message_id":"{ID}"}}"#),
        ),
        (
            "GET",
            "/guilds/g/members/bob",
            member(Role::Moderator, Status::Active),
            r#"200 {"guild_id":"g","user_id":"bob","role":"moderator","status":"active","is_blocked":false}"#.into(),
        ),
        (
            "PUT",
            "/guilds/g/members/bob",
            member(Role::Member, Status::Blocked),
            r#"200 {"guild_id":"g","user_id":"bob","role":"member","status":"blocked","is_blocked":true}"#.into(),
        ),
        (
            "DELETE",
            "/guilds/g/members/bob",
            Reply::Expelled,
            r#"200 {"status":"removed","guild_id":"g","user_id":"bob"}"#.into(),
        ),
    ] {
        assert_eq!(answered(method, path, Ok(&reply)), expected, "{method} {path}");
    }
    assert!(answered("GET", "/health", Ok(&Reply::Left)).starts_with("500"), "a bug is told as one");
}

#[test]
fn refusals_are_the_contracts_errors() {
    let limited = Refusal::RateLimited { retry_after_ms: 1001 };
    for (method, path, refusal, expected) in [
        ("POST", "/rooms/r/broadcast", limited, r#"429 Retry-After: 2 {"detail":"Rate limit exceeded"}"#),
        ("POST", "/rooms/r/broadcast", Refusal::Forbidden, r#"403 {"detail":"Room access denied"}"#),
        ("POST", "/rooms/GUILD%23g/broadcast", Refusal::RoomNotFound, r#"403 {"detail":"Guild access denied"}"#),
        ("POST", "/rooms/GUILD%23g/broadcast", Refusal::Forbidden, r#"403 {"detail":"Guild access denied"}"#),
        (
            "POST",
            "/rooms/r/broadcast",
            Refusal::ClientIdReused,
            r#"409 {"detail":"client_id was already used for another message"}"#,
        ),
        ("GET", "/rooms/GUILD%23g/connections", Refusal::Forbidden, r#"403 {"detail":"Guild access denied"}"#),
        ("GET", "/users/bob/connections", Refusal::Forbidden, r#"403 {"detail":"User access denied"}"#),
        ("PUT", "/guilds/g/members/bob", Refusal::Forbidden, r#"403 {"detail":"Guild access denied"}"#),
        ("PUT", "/guilds/g/members/bob", Refusal::NotAllowed, r#"403 {"detail":"Insufficient permissions"}"#),
        ("PUT", "/guilds/g/members/bob", Refusal::LastOwner, r#"409 {"detail":"A guild must keep an owner"}"#),
        ("DELETE", "/guilds/g/members/bob", Refusal::MemberNotFound, r#"404 {"detail":"Member not found"}"#),
        ("GET", "/health", Refusal::Busy, r#"503 Retry-After: 1 {"detail":"Server busy, try again"}"#),
    ] {
        assert_eq!(answered(method, path, Err(&refusal)), expected, "{method} {path}");
    }
}
