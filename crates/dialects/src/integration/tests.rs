//! Events in the shape that AWS gives them, and answers read as AWS reads them.

use std::net::IpAddr;

use super::*;
use crate::cases::{NOW, answer, ask};

fn asked() -> Ask {
    let headers =
        [("host", "chat.example:8000"), ("user-agent", "ws"), ("x-a", "1"), ("x-a", "2"), ("sec-websocket-key", "k")];
    Ask {
        peer: Some(IpAddr::from([203, 0, 113, 7])),
        ..ask("GET", "/production", "userId=u%201&tag=a&tag=b", &headers)
    }
}

fn integrated() -> Integrated {
    Integrated::new(ConnectionNames::default(), ConnectionId(7), &asked(), NOW)
}

/// The event, with names that differ from run to run put out of it.
fn told(event: &[u8]) -> String {
    let names = ConnectionNames::default();
    let mut text =
        String::from_utf8(event.to_vec()).expect("JSON is UTF-8").replace(&names.name(ConnectionId(7)), "ID");
    for number in 1..9 {
        text = text.replace(&names.request(ConnectionId(7), number), &format!("R{number}"));
        text = text.replace(&names.request(ConnectionId(7), number | 1 << 63), &format!("M{number}"));
    }
    text
}

const CONTEXT: &str = r#""stage":"production","connectedAt":1795175533994,"requestTimeEpoch":1795175533994,"identity":{"sourceIp":"203.0.113.7","userAgent":"ws"}"#;

#[test]
fn events_have_the_shape_of_the_proxys() {
    let mut integrated = integrated();
    assert_eq!(
        told(&integrated.connect(&asked(), NOW)),
        format!(
            r#"{{"headers":{{"Host":"chat.example:8000","Sec-WebSocket-Key":"k","User-Agent":"ws","X-A":"2"}},"multiValueHeaders":{{"Host":["chat.example:8000"],"Sec-WebSocket-Key":["k"],"User-Agent":["ws"],"X-A":["1","2"]}},"queryStringParameters":{{"tag":"b","userId":"u 1"}},"multiValueQueryStringParameters":{{"tag":["a","b"],"userId":["u 1"]}},"requestContext":{{"routeKey":"$connect","eventType":"CONNECT","extendedRequestId":"R1","requestTime":"20/Nov/2026:11:52:13 +0000","messageDirection":"IN",{CONTEXT},"requestId":"R1","domainName":"chat.example:8000","connectionId":"ID","apiId":"switchboard"}},"isBase64Encoded":false}}"#
        )
    );
    assert_eq!(
        told(&integrated.message("orders", "{\"action\":\"orders\"}", NOW)),
        format!(
            r#"{{"requestContext":{{"routeKey":"orders","messageId":"M2","eventType":"MESSAGE","extendedRequestId":"R2","requestTime":"20/Nov/2026:11:52:13 +0000","messageDirection":"IN",{CONTEXT},"requestId":"R2","domainName":"chat.example:8000","connectionId":"ID","apiId":"switchboard"}},"body":"{{\"action\":\"orders\"}}","isBase64Encoded":false}}"#
        )
    );
    assert_eq!(
        told(&integrated.disconnect(1001, "going away", NOW)),
        format!(
            r#"{{"headers":{{"Host":"chat.example:8000"}},"multiValueHeaders":{{"Host":["chat.example:8000"]}},"requestContext":{{"routeKey":"$disconnect","disconnectStatusCode":1001,"eventType":"DISCONNECT","extendedRequestId":"R3","requestTime":"20/Nov/2026:11:52:13 +0000","messageDirection":"IN","disconnectReason":"going away",{CONTEXT},"requestId":"R3","domainName":"chat.example:8000","connectionId":"ID","apiId":"switchboard"}},"isBase64Encoded":false}}"#
        )
    );
}

#[test]
fn a_connection_that_says_little_of_itself() {
    let bare = ask("GET", "/production", "", &[]);
    let mut integrated = Integrated::new(ConnectionNames::default(), ConnectionId(7), &bare, NOW);
    let event = told(&integrated.connect(&bare, NOW));
    assert!(event.starts_with(r#"{"headers":{},"multiValueHeaders":{},"requestContext""#), "no query: {event}");
    let long = "é".repeat(AGENT_BYTES_MAX);
    let agent = caller(&ask("GET", "/", "", &[("user-agent", &long)])).agent;
    assert_eq!(agent.map(|agent| agent.len()), Some(AGENT_BYTES_MAX));
    let odd = caller(&ask("GET", "/", "", &[("user-agent", &format!("x{long}"))])).agent;
    assert_eq!(odd.map(|agent| agent.len()), Some(AGENT_BYTES_MAX - 1), "cut between two characters");
}

#[test]
fn whose_a_message_is() {
    let routes = |keys: &[&str]| Routes { keys: keys.iter().map(|key| (*key).to_owned()).collect(), responses: false };
    let some = routes(&["$connect", "orders", "sendMessage"]);
    let all = routes(&["$default", "orders"]);
    for (action, ours, by_some, by_all) in [
        (Some("orders"), false, Route::Elsewhere("orders"), Route::Elsewhere("orders")),
        (Some("sendMessage"), true, Route::Elsewhere("sendMessage"), Route::Ours),
        (Some("typing"), true, Route::Ours, Route::Ours),
        (Some("nonsense"), false, Route::Nobodys, Route::Elsewhere("$default")),
        (None, false, Route::Nobodys, Route::Elsewhere("$default")),
        (Some("$connect"), false, Route::Nobodys, Route::Elsewhere("$default")),
        (Some("$default"), false, Route::Nobodys, Route::Elsewhere("$default")),
    ] {
        assert_eq!(some.of(action, ours), by_some, "{action:?}");
        assert_eq!(all.of(action, ours), by_all, "{action:?}");
    }
    assert!(some.has(CONNECT) && !some.has(DISCONNECT));
}

fn answered(status: u16, body: &str) -> Outcome {
    Ok(Response { status, body: body.into() })
}

#[test]
fn who_may_connect() {
    let protocol = r#"{"statusCode":200,"headers":{"X":1,"sec-websocket-protocol":"chat"}}"#;
    for (outcome, expected) in [
        (answered(200, ""), "101"),
        (answered(204, ""), "101"),
        (answered(200, "no JSON"), "101"),
        (answered(200, r#"{"statusCode":200,"body":"welcome"}"#), "101"),
        (answered(200, protocol), "101 chat"),
        (answered(200, r#"{"statusCode":299}"#), "101"),
        (answered(200, r#"{"statusCode":300}"#), r#"500 {"message":"Internal server error"}"#),
        (answered(200, r#"{"statusCode":401}"#), r#"401 {"message":"Unauthorized"}"#),
        (answered(200, r#"{"statusCode":403}"#), r#"403 {"message":"Forbidden"}"#),
        (answered(200, r#"{"statusCode":200,"body":"%","isBase64Encoded":true}"#), r#"502 {"message":"Bad Gateway"}"#),
        (answered(400, r#"{"statusCode":200}"#), r#"400 {"message":"Forbidden"}"#),
        (answered(302, ""), r#"500 {"message":"Internal server error"}"#),
        (answered(101, ""), r#"500 {"message":"Internal server error"}"#),
        (answered(503, ""), r#"503 {"message":"Internal server error"}"#),
        (Err(NoResponse::Busy), r#"503 {"message":"Service Unavailable"}"#),
        (Err(NoResponse::Failed), r#"502 {"message":"Bad Gateway"}"#),
        (Err(NoResponse::TimedOut), r#"500 {"message":"Internal server error"}"#),
    ] {
        let got = match admitted(&outcome) {
            Ok(None) => "101".to_owned(),
            Ok(Some(protocol)) => format!("101 {protocol}"),
            Err(refused) => answer(&refused),
        };
        assert_eq!(got, expected, "{outcome:?}");
    }
}

#[test]
fn what_a_message_was_answered() {
    let text = |text: &str| Ok(Some(text.to_owned()));
    for (outcome, expected) in [
        (answered(200, ""), Ok(None)),
        (answered(200, "plain"), text("plain")),
        (answered(200, r#"{"total":1}"#), text(r#"{"total":1}"#)),
        (answered(200, r#"{"statusCode":200,"body":"{}"}"#), text("{}")),
        (answered(200, r#"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#), text("hi")),
        (answered(200, r#"{"statusCode":200,"body":null}"#), Ok(None)),
        (answered(200, r#"{"statusCode":500,"body":"ours"}"#), text("ours")),
        (answered(404, "unknown"), text("unknown")),
        (answered(500, "broken"), Err(NoResponse::Failed)),
        (Ok(Response { status: 200, body: vec![0xff] }), Err(NoResponse::Failed)),
        (Err(NoResponse::TimedOut), Err(NoResponse::TimedOut)),
        (Err(NoResponse::Busy), Err(NoResponse::Busy)),
    ] {
        assert_eq!(said(&outcome), expected, "{outcome:?}");
    }
}
