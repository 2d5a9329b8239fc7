//! Request heads: what is read, what is refused and how, and what counts as an opening handshake.

use server::handshake::{
    BadHead, BadUpgrade, HEAD_BYTES_MAX, HEADERS_MAX, Upgrade, accept, read, refusal, switching, upgrade_wanted,
};

/// RFC 6455, 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const SAMPLE: &str = "GET /chat?token=a%20b&x HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

#[test]
fn the_standards_sample_is_read_and_answered() {
    let bytes = [SAMPLE.as_bytes(), b"\x81\x80eager"].concat();
    let head = read(&bytes, 0).unwrap().unwrap();
    assert_eq!((head.method, head.version_minor, head.bytes), ("GET", 1, SAMPLE.len()));
    assert_eq!((head.target.path, head.target.query), ("/chat", Some("token=a%20b&x")));
    assert_eq!(head.header("ORIGIN"), Some("http://example.com"));
    assert_eq!(head.header("cookie"), None);
    assert_eq!(head.list("sec-websocket-protocol").collect::<Vec<_>>(), ["chat", "superchat"]);
    assert_eq!(upgrade_wanted(&head), Upgrade::Wanted { key: KEY });
    assert_eq!(accept(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(
        String::from_utf8(switching(KEY, Some("chat"))).unwrap(),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
    );
    assert!(!String::from_utf8(switching(KEY, None)).unwrap().contains("Protocol:"));
}

#[test]
fn a_head_may_come_in_any_pieces() {
    for step in [1, 2, 3, 7, 100] {
        let mut seen = 0;
        let mut end = step;
        while end < SAMPLE.len() {
            assert_eq!(read(&SAMPLE.as_bytes()[..end], seen), Ok(None));
            seen = end;
            end += step;
        }
        assert!(read(SAMPLE.as_bytes(), seen).unwrap().is_some());
    }
    // Bare line feeds end a head as well.
    assert!(read(b"GET / HTTP/1.1\nHost: a\n\n", 20).unwrap().is_some());
}

#[test]
fn heads_that_two_might_read_differently_are_refused() {
    let cases: &[(&str, BadHead, u16)] = &[
        ("GET / HTTP/1.1\r\n\r\n", BadHead::HostNotOne, 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", BadHead::HostNotOne, 400),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", BadHead::HostNotOne, 400),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            BadHead::LengthNotOne,
            400,
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", BadHead::LengthNotOne, 400),
        ("GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n", BadHead::TargetNotPath, 400),
        ("CONNECT evil:80 HTTP/1.1\r\nHost: a\r\n\r\n", BadHead::TargetNotPath, 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", BadHead::Malformed, 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", BadHead::Malformed, 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", BadHead::Malformed, 400),
        // Said at once, without waiting for an end that may never come.
        ("\u{16}\u{3}\u{1}", BadHead::Malformed, 400),
    ];
    for (head, bad, status) in cases {
        assert_eq!(read(head.as_bytes(), 0), Err(*bad), "{head}");
        assert_eq!(bad.status(), *status);
        assert!(bad.answer().starts_with(format!("HTTP/1.1 {status} ").as_bytes()));
    }
    assert!(read(b"GET / HTTP/1.0\r\n\r\n", 0).unwrap().is_some());
}

/// RUSTSEC-2023-0065: a handshake with very many headers kept a server busy for minutes.
#[test]
fn a_head_has_its_limits() {
    let with = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    assert_eq!(read(with(HEADERS_MAX).as_bytes(), 0).unwrap().unwrap().headers.len(), HEADERS_MAX);
    assert_eq!(read(with(HEADERS_MAX + 1).as_bytes(), 0), Err(BadHead::TooManyHeaders));
    let long = |bytes: usize| {
        let frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(bytes - frame)).into_bytes()
    };
    assert_eq!(read(&long(HEAD_BYTES_MAX), 0).unwrap().unwrap().bytes, HEAD_BYTES_MAX);
    assert_eq!(read(&long(HEAD_BYTES_MAX + 1), 0), Err(BadHead::TooLong));
    let endless = vec![b'y'; HEAD_BYTES_MAX];
    let endless = [b"GET /", &endless[..]].concat();
    assert_eq!(read(&endless[..HEAD_BYTES_MAX - 1], 0), Ok(None));
    assert_eq!(read(&endless[..HEAD_BYTES_MAX], HEAD_BYTES_MAX - 1), Err(BadHead::TooLong));
    assert_eq!((BadHead::TooLong.status(), BadHead::TooManyHeaders.status()), (431, 431));
}

#[test]
fn an_opening_handshake_keeps_the_rules() {
    use BadUpgrade::{Body, Key, NoConnectionUpgrade, NotGet, VersionNotOne, VersionUnknown};
    let key = format!("Sec-WebSocket-Key: {KEY}");
    let wanted = Upgrade::Wanted { key: KEY };
    let cases: &[(&str, &str, Upgrade<'_>)] = &[
        ("Upgrade: websocket", "upgrade: h2c, WebSocket", wanted.clone()),
        ("Connection: Upgrade", "Connection: keep-alive, upgrade", wanted.clone()),
        ("Host: server.example.com", "Host: other\r\nContent-Length: 0", wanted),
        ("Upgrade: websocket\r\n", "", Upgrade::NotWanted),
        ("Upgrade: websocket", "Upgrade: h2c", Upgrade::NotWanted),
        ("GET", "POST", Upgrade::Bad(NotGet)),
        ("HTTP/1.1", "HTTP/1.0", Upgrade::Bad(NotGet)),
        ("Connection: Upgrade", "Connection: close", Upgrade::Bad(NoConnectionUpgrade)),
        ("Host: server.example.com", "Host: other\r\nContent-Length: 5", Upgrade::Bad(Body)),
        ("Host: server.example.com", "Host: other\r\nTransfer-Encoding: chunked", Upgrade::Bad(Body)),
        ("Sec-WebSocket-Version: 13\r\n", "", Upgrade::Bad(VersionNotOne)),
        ("Version: 13", "Version: 13\r\nSec-WebSocket-Version: 13", Upgrade::Bad(VersionNotOne)),
        ("Version: 13", "Version: 8", Upgrade::Bad(VersionUnknown)),
        (&key, "X: y", Upgrade::Bad(Key)),
        (&key, &format!("{key}\r\n{key}"), Upgrade::Bad(Key)),
        (KEY, "dGhlIHNhbXBsZSBub25jZQ", Upgrade::Bad(Key)),
        (KEY, "dGhlIHNhbXBsZSBub25j ZQ==", Upgrade::Bad(Key)),
        (KEY, "dGhlIHNhbXBsZSBub25jZQ!=", Upgrade::Bad(Key)),
    ];
    for (part, other, expected) in cases {
        assert!(SAMPLE.contains(part), "{part}");
        let bytes = SAMPLE.replacen(part, other, 1);
        let head = read(bytes.as_bytes(), 0).unwrap().unwrap();
        assert_eq!(upgrade_wanted(&head), *expected, "{bytes}");
        if let Upgrade::Bad(bad) = expected {
            let answer = String::from_utf8(bad.answer()).unwrap();
            assert_eq!(bad.status(), if *bad == VersionUnknown { 426 } else { 400 });
            assert!(answer.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{answer}");
        }
    }
}

#[test]
fn a_refusal_is_complete_and_holds_its_lines() {
    assert_eq!(
        String::from_utf8(refusal(403, &[("Content-Type", "application/json")], "{}")).unwrap(),
        "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    );
    let answer = String::from_utf8(refusal(429, &[("X-Origin", "a\r\nSet-Cookie: b")], "")).unwrap();
    assert!(!answer.contains("\nSet-Cookie"), "{answer}");
}

#[test]
fn a_header_that_is_no_text_is_there_all_the_same() {
    let head = read(b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: \xff\r\n\r\n", 0).unwrap();
    assert_eq!(head.unwrap().header("x-forwarded-for"), Some("\u{FFFD}"));
}
