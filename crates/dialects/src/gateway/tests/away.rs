//! Routes that a URL of the operator's carries out: letting in, actions, going.

use serde_json::Value;

use super::{NAME, NOW, error, heard, named};
use crate::cases::{ask, lines, opening};
use crate::gateway::Gateway;
use crate::integration::{NoResponse, Outcome, Response, Routes};
use crate::{Dialect, Session, Settings, Steps};

/// A session of alice's, with these routes carried out elsewhere; what it does first.
fn opened(keys: &[&str], responses: bool) -> (Box<dyn Session>, Vec<String>) {
    let integration = Routes { keys: keys.iter().map(|key| (*key).into()).collect(), responses };
    let gateway = Gateway::of(&Settings { trusted: vec![NAME.into()], integration, ..Settings::default() });
    let mut steps = Steps::new();
    let ask = ask("GET", "/production", "userId=alice", &[]);
    let session = gateway.open(&ask, &opening(Some("alice")), NOW, &mut steps);
    (session, named(lines(&mut steps)))
}

/// The same when no route is asked on connecting: upgraded, level, its next call is 1.
fn in_already(keys: &[&str], responses: bool) -> Box<dyn Session> {
    let (mut session, first) = opened(keys, responses);
    assert_eq!(first, ["0 attend rooms"]);
    let mut steps = Steps::new();
    session.answer(0, Ok(&crate::cases::attending()), NOW, &mut steps);
    session.level(0, NOW, &mut steps);
    assert_eq!(lines(&mut steps), ["101"]);
    session
}

fn response(status: u16, body: &str) -> Outcome {
    Ok(Response { status, body: body.into() })
}

fn integrated(session: &mut dyn Session, call: u32, outcome: &Outcome) -> Vec<String> {
    let mut steps = Steps::new();
    session.integrated(call, outcome, NOW, &mut steps);
    named(lines(&mut steps))
}

/// The event that a line has integrated, and its call.
fn told(line: &str) -> (u32, Value) {
    let (call, event) = line.split_once(" integrate ").unwrap_or_else(|| panic!("{line}"));
    (call.parse().expect("a number"), serde_json::from_str(event).expect("JSON"))
}

/// The event type and the route key of an event.
fn route(event: &Value) -> [&str; 2] {
    ["eventType", "routeKey"].map(|key| event["requestContext"][key].as_str().expect("a word"))
}

#[test]
fn the_url_lets_in_or_refuses() {
    for (outcome, expected) in [
        (response(200, ""), vec!["1 attend rooms"]),
        (response(401, ""), vec![r#"401 {"message":"Unauthorized"}"#]),
        (response(403, ""), vec![r#"403 {"message":"Forbidden"}"#]),
        (Err(NoResponse::TimedOut), vec![r#"500 {"message":"Internal server error"}"#]),
        (Err(NoResponse::Failed), vec![r#"502 {"message":"Bad Gateway"}"#]),
        (Err(NoResponse::Busy), vec![r#"503 {"message":"Service Unavailable"}"#]),
    ] {
        let (mut session, first) = opened(&["$connect", "$disconnect"], false);
        assert_eq!(first.len(), 1, "nothing else before the URL has spoken: {first:?}");
        let (call, event) = told(&first[0]);
        assert_eq!((call, route(&event)), (0, ["CONNECT", "$connect"]));
        assert_eq!(event["queryStringParameters"]["userId"], "alice");
        assert_eq!(integrated(&mut *session, 0, &outcome), expected, "{outcome:?}");
        assert_eq!(session.farewell(1001, NOW), None, "who was not let in does not go");
    }
}

#[test]
fn going_is_told_of_those_who_were_in() {
    let mut session = in_already(&["$disconnect"], false);
    let event = session.farewell(1000, NOW).expect("it is told");
    let event: Value = serde_json::from_slice(&event).expect("JSON");
    assert_eq!(route(&event), ["DISCONNECT", "$disconnect"]);
    assert_eq!(event["requestContext"]["disconnectStatusCode"], 1000);
    assert_eq!(in_already(&["orders"], false).farewell(1000, NOW), None, "nobody asked to be told");
}

#[test]
fn actions_are_the_urls_when_named_or_unknown_and_ours_otherwise() {
    let known = r#"{"action":"ping"}"#;
    for (keys, frame, expected) in [
        (&["orders"][..], r#"{"action":"orders","of":1}"#, Some("orders")),
        (&["orders"], r#"{"action":"others"}"#, None),
        (&["orders"], known, None),
        (&["$default"], r#"{"action":"others"}"#, Some("$default")),
        (&["$default"], "no JSON at all", Some("$default")),
        (&["$default"], known, None),
        (&["ping"], known, Some("ping")),
        (&["$connected"], r#"{"action":"$connected"}"#, None),
    ] {
        let mut session = in_already(keys, false);
        let done = heard(&mut *session, frame);
        let Some(key) = expected else {
            assert!(done.iter().all(|line| !line.contains("integrate")), "{keys:?} {frame}: {done:?}");
            continue;
        };
        assert_eq!(done.len(), 1, "{frame}: {done:?}");
        let (call, event) = told(&done[0]);
        assert_eq!((call, route(&event)), (1, ["MESSAGE", key]), "{frame}");
        assert_eq!(event["body"], *frame, "as it came");
    }
}

#[test]
fn what_the_url_answers_is_said_only_where_responses_are_on() {
    for (responses, outcome, expected) in [
        (true, response(200, r#"{"got":1}"#), vec![r#"< {"got":1}"#.to_owned()]),
        (true, response(200, ""), vec![]),
        (false, response(200, r#"{"got":1}"#), vec![]),
        (false, Err(NoResponse::Busy), error("Internal server error")),
        (true, Err(NoResponse::TimedOut), error("Internal server error")),
    ] {
        let mut session = in_already(&["orders"], responses);
        let asked = heard(&mut *session, r#"{"action":"orders"}"#);
        let (call, _) = told(&asked[0]);
        assert_eq!(integrated(&mut *session, call, &outcome), expected, "{responses} {outcome:?}");
        assert_eq!(integrated(&mut *session, call, &outcome), Vec::<String>::new(), "an answer counts once");
    }
}
