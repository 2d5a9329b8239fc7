//! Ordinary HTTP: pages, refusals, and the bounds of time and size.

use std::io::{Read, Write};
use std::time::Duration;

use serde_json::Value;

use crate::world::Server;

#[test]
fn pages() {
    let server = Server::start();
    let (status, head, body) = server.get("/health");
    let health: Value = serde_json::from_str(&body).expect("health is JSON");
    assert_eq!((status, &health["status"], &health["service"]), (200, &"healthy".into(), &"switchboard".into()));
    assert_eq!((&health["active_connections"], &health["active_rooms"]), (&0.into(), &0.into()));
    assert!(head.contains("x-content-type-options: nosniff") && head.contains("default-src 'self'"));
    assert_eq!(server.get("/ready").0, 200);
    assert!(server.get("/metrics").2.contains("switchboard_connections{dialect=\"rooms\"} 0"));
    let (status, head, body) = server.get("/nowhere");
    let unknown = r#"{"detail":"Not Found","success":false,"message":"Route not found"}"#;
    assert_eq!((status, body.as_str()), (404, unknown));
    assert!(head.contains("content-type: application/json"));
    assert!(server.get("/").2.contains("\"dev_mode\":true"));
    let (_, head, body) = server.ask("GET", "/", &[("accept", "text/html,*/*")], "");
    assert!(head.contains("content-type: text/html") && body.starts_with("<!doctype html>"));
    assert!(server.cli("healthcheck").status.success());
}

#[test]
fn the_web_client() {
    let server = Server::start();
    let (status, head, page) = server.ask("GET", "/", &[("accept", "text/html,*/*")], "");
    assert_eq!(status, 200);
    for header in [
        "content-type: text/html; charset=utf-8",
        "cache-control: no-cache",
        "vary: accept",
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self';",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
    ] {
        assert!(head.contains(header), "{header} is not in {head}");
    }
    let named: Vec<&str> = page.split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert!(
        named.iter().any(|name| name.ends_with(".js")) && named.iter().any(|name| name.ends_with(".css")),
        "{named:?}"
    );
    for name in named {
        let (status, head, body) = server.get(name);
        let content_type = match name.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert!(status == 200 && !body.is_empty(), "{name}: {status}");
        assert!(head.contains(&format!("content-type: {content_type}")), "{name}: {head}");
        assert!(head.contains("max-age=31536000, immutable") && head.contains("default-src 'none'"), "{name}: {head}");
    }
    for path in ["/assets/", "/assets/nothing.js", "/assets/../index.html", "/index.html"] {
        assert_eq!(server.get(path).0, 404, "{path}");
    }
    assert!(server.get("/").1.contains("content-type: application/json"), "programs get the list of doors");
}

#[test]
fn no_web_client_where_the_operator_wants_none() {
    let server = Server::with(&[("WEB_CLIENT", "false")]);
    let (status, _, page) = server.ask("GET", "/", &[("accept", "text/html")], "");
    assert!(status == 200 && page.contains("is running here") && !page.contains("<script"), "{page}");
    for asset in std::fs::read_dir("../../frontend/dist/assets").expect("the built files are part of the repository") {
        let name = asset.expect("readable").file_name().into_string().expect("text");
        assert_eq!(server.get(&format!("/assets/{name}")).0, 404, "{name}");
    }
}

#[test]
fn refusals() {
    let server = Server::start();
    for (method, path, headers, status) in [
        ("POST", "/health", &[][..], 405),
        ("PATCH", "/rooms/lobby/broadcast", &[], 405),
        ("GET", "/ws/rooms/lobby", &[], 426),
        ("GET", "/health", &[("host", "evil.example")], 403),
        ("GET", "/health", &[("x-forwarded-for", "127.0.0.1")], 403),
        ("GET", "/health", &[("origin", "https://evil.example")], 403),
        ("GET", "/health", &[("origin", "http://localhost:5173")], 200),
        ("GET", "/rooms/lobby/connections", &[], 403),
        ("GET", "/rooms/lobby/connections", &[("authorization", "Bearer alice")], 200),
    ] {
        assert_eq!(server.ask(method, path, headers, "").0, status, "{method} {path} {headers:?}");
    }
    let (_, head, _) = server.ask("PATCH", "/rooms/lobby/broadcast", &[], "");
    assert!(head.contains("allow: post"), "{head}");
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(100_001));
    assert_eq!(server.ask("POST", "/rooms/lobby/broadcast", &[("authorization", "Bearer alice")], &large).0, 413);
    let huge = "x".repeat(3_000_000);
    assert_eq!(server.ask("POST", "/rooms/lobby/broadcast", &[("authorization", "Bearer alice")], &huge).0, 413);
    assert_eq!(server.ask("GET", "/health", &[("x-long", &"x".repeat(17_000))], "").0, 431);
    let (_, head, _) = server.ask(
        "OPTIONS",
        "/rooms/lobby/broadcast",
        &[("origin", "http://localhost:1"), ("access-control-request-method", "POST")],
        "",
    );
    assert!(head.contains("access-control-allow-origin: http://localhost:1"), "{head}");
    assert!(!head.contains("allow-credentials"), "{head}");
}

#[test]
fn a_head_that_does_not_end_is_cut() {
    let server = Server::start();
    let mut fresh = server.connect();
    fresh.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n").expect("it takes what is written");
    // And one that hyper has already answered.
    let mut kept = server.connect();
    kept.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it takes what is written");
    let mut answer = [0; 2048];
    assert!(kept.read(&mut answer).expect("an answer") > 0);
    kept.write_all(b"GET /hea").expect("it takes what is written");
    let cut = std::thread::spawn(move || {
        let mut rest = Vec::new();
        (kept.read_to_end(&mut rest).is_ok(), rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"))
    });
    let mut rest = Vec::new();
    let ended = fresh.read_to_end(&mut rest);
    assert!(ended.is_ok() && rest.is_empty(), "{ended:?}");
    assert_eq!(cut.join().expect("it does not panic"), (true, true));
    assert_eq!(server.get("/health").0, 200);
}

#[test]
fn metrics_for_operators_only() {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").and_then(|probe| probe.local_addr());
    let internal = probe.expect("a port is free").to_string();
    let server = Server::with(&[("INTERNAL_LISTEN", &internal)]);
    assert_eq!(server.get("/metrics").0, 404);
    let mut stream = std::net::TcpStream::connect(&internal).expect("it listens there");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket has a time-out");
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .expect("it takes what is written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("metrics are text");
    assert!(answer.contains("switchboard_rooms 0"), "{answer}");
}

/// The dialect's headers and the server's own are each there once.
#[test]
fn answers_of_rest_have_the_headers_of_their_contract() {
    let server = Server::start();
    let (origin, alice) = (("origin", "http://localhost:5173"), ("authorization", "Bearer alice"));
    let (status, head, body) = server.ask("GET", "/messages/unread/r1", &[origin, alice], "");
    assert_eq!((status, body.as_str()), (200, r#"{"success":true,"data":{"count":0}}"#));
    for line in [
        "content-type: application/json; charset=utf-8",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "x-frame-options: sameorigin",
        "strict-transport-security: max-age=15552000; includesubdomains",
        "access-control-allow-origin: http://localhost:5173",
    ] {
        assert_eq!(head.lines().filter(|given| *given == line).count(), 1, "{line} once in\n{head}");
        let name = &line[..=line.find(':').expect("a header")];
        assert_eq!(head.lines().filter(|given| given.starts_with(name)).count(), 1, "{name} once in\n{head}");
    }
    let policies: Vec<_> = head.lines().filter(|line| line.starts_with("content-security-policy:")).collect();
    assert!(matches!(policies[..], [one] if one.contains("script-src-attr 'none'")), "{policies:?}");
    let tag = ("if-none-match", r#"W/"23-WgR9+nUlfRzXMzFiBE7oaznpWzo""#);
    for method in ["GET", "HEAD"] {
        let (status, head, body) = server.ask(method, "/messages/unread/r1", &[alice, tag], "");
        assert_eq!((status, body.as_str()), (304, ""), "{head}");
        assert!(head.contains("\netag: w/\"23-") && head.contains("\nx-frame-options:"), "{head}");
        assert!(!head.contains("\ncontent-type:") && !head.contains("\ncontent-length:"), "{head}");
    }
    let foreign = server.ask("GET", "/messages/unread/r1", &[("origin", "https://evil.example"), alice, tag], "");
    assert_eq!(foreign.0, 403, "a page that may not read is told nothing");
}

/// A script of ours runs in any page that asks for it, and no browser says which that is but by `Referer`. So one is given
/// only where the page might have read the same by CORS (RULES 25).
#[test]
fn scripts_are_for_pages_that_may_read() {
    let development = Server::start();
    let secret = ("JWT_SECRET", "a key of thirty-two bytes or more");
    let open = Server::with(&[secret]);
    let listed = Server::with(&[secret, ("CORS_ORIGINS", "https://app.example.org")]);
    for (headers, expected) in [
        (&[][..], (403, 200, 403)),
        (&[("referer", "http://localhost:5173/chat")], (200, 200, 403)),
        (&[("referer", "https://app.example.org/chat?x=1")], (403, 200, 200)),
        (&[("referer", "https://app.example.org.evil.example/")], (403, 200, 403)),
        (&[("referer", "https://evil.example/https://app.example.org")], (403, 200, 403)),
        (&[("referer", "https://app.example.org/"), ("origin", "https://evil.example")], (403, 200, 403)),
        (&[("referer", "https://app.example.org/"), ("origin", "null")], (403, 403, 403)),
        (&[("origin", "https://app.example.org")], (403, 200, 200)),
    ] {
        let status = |server: &Server| server.ask("GET", "/socket.io/?EIO=3&transport=polling&j=0", headers, "").0;
        assert_eq!((status(&development), status(&open), status(&listed)), expected, "{headers:?}");
    }
    assert_eq!(development.get("/socket.io/?EIO=3&transport=polling").0, 200, "what is no script asks for no page");
    let own = [("referer", "http://localhost:1/")];
    let (_, head, body) = development.ask("GET", "/socket.io/?EIO=3&transport=polling&j=0", &own, "");
    assert!(head.contains("content-type: text/javascript; charset=utf-8"), "{head}");
    assert!(head.contains("x-content-type-options: nosniff") && head.contains("cache-control: no-store"), "{head}");
    let sid = body.split(r#"\"sid\":\""#).nth(1).and_then(|rest| rest.split('\\').next()).expect("a session");
    let target = format!("/socket.io/?EIO=3&transport=polling&j=0&sid={sid}");
    let form = [("content-type", "application/x-www-form-urlencoded"), own[0]];
    let (status, head, body) = development.ask("POST", &target, &form, "d=1%3A3");
    assert_eq!((status, body.as_str()), (200, "ok"));
    // It has to load in a frame of the page that sent the form.
    assert!(head.contains("content-security-policy: default-src 'none'\r\n"), "{head}");
}
