//! What the Auth Service answers, and what that means: on a wire in memory and a clock that nobody waits for.

use std::sync::{Arc, Mutex};

use domain::Text;

use super::*;
use crate::outbound::authority::{self, Shown};
use crate::outbound::wire::{Wire, answer};

/// What comes of asking twice, whereto connections were made, and what was asked.
fn ask(answer: Option<String>) -> (Said, Vec<Uri>, String) {
    let asked: Arc<Mutex<String>> = Arc::default();
    let wire = wire(answer, asked.clone());
    let said = ask_through(wire.clone(), "http://auth.example/base");
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    (said, wire.connected(), asked)
}

/// Answers every request with one text; none: never.
fn wire(answer: Option<String>, asked: Arc<Mutex<String>>) -> Wire {
    Wire::new(move |request| {
        asked.lock().unwrap().push_str(&request);
        let answer = answer.clone();
        async { if answer.is_some() { answer } else { std::future::pending().await } }
    })
}

/// What comes of asking twice.
fn ask_through(connector: impl Connect + Clone + Send + Sync + 'static, url: &str) -> Said {
    let remote = Remote::through(connector, &ServiceUrl::parse(url).unwrap());
    // Paused, it goes on by itself whenever everybody waits for it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let said = runtime.block_on(remote.ask("a.token"));
    assert_eq!(runtime.block_on(remote.ask("a.token")), said);
    said
}

#[test]
fn the_question() {
    let (said, to, asked) = ask(Some(answer("200 OK", r#"{"user_id":1,"username":"alice","email":"a@b"}"#)));
    let Ok(alice) = said else { panic!("{said:?}") };
    let found = (alice.id.as_str(), alice.name.as_deref(), alice.email.as_deref());
    assert_eq!(found, ("1", Some("alice"), Some("a@b")), "an integer is its decimal text");
    assert_eq!(to.len(), 1, "a connection is used again");
    assert!(asked.starts_with("GET /base/api/auth/validate HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("authorization: Bearer a.token\r\n") && asked.contains("host: auth.example\r\n"), "{asked}");
}

#[test]
fn what_answers_mean() {
    let is = |id: &str, name: Option<&str>| {
        Ok(Who { id: domain::id::UserId::new(id).unwrap(), name: name.map(Text::from), email: None })
    };
    let (no, silent) = (|| Err(Denied::Invalid), || Err(Denied::Unavailable));
    let padded = |bytes: usize| format!(r#"{{"user_id":"a","x":"{}"}}"#, "x".repeat(bytes - 22));
    for (head, body, expected) in [
        ("200 OK", r#"{"user_id":"u-1"}"#, is("u-1", None)),
        ("200 OK", r#"{"user_id":7,"username":null,"email":3}"#, is("7", None)),
        ("200 OK", r#"{"user_id":-7,"username":" al\n"}"#, is("-7", Some("al"))),
        ("200 OK", &*padded(64 * 1024), is("a", None)),
        ("401 Unauthorized", r#"{"message":"Invalid or expired token"}"#, no()),
        ("401 Unauthorized", "", no()),
        ("403 Forbidden", "", no()),
        ("404 Not Found", "", no()),
        ("500 Internal Server Error", r#"{"user_id":1}"#, no()),
        ("201 Created", r#"{"user_id":1}"#, no()),
        ("204 No Content\r\nx: y", "", no()),
        ("302 Found\r\nlocation: http://auth.example/base/elsewhere", r#"{"user_id":1}"#, no()),
        ("307 Temporary Redirect\r\nlocation: http://169.254.169.254/", "", no()),
        ("200 OK", &padded(64 * 1024 + 1), silent()),
        ("200 OK", "", silent()),
        ("200 OK", "alice", silent()),
        ("200 OK", "[]", silent()),
        ("200 OK", r#"{"username":"alice"}"#, silent()),
        ("200 OK", r#"{"user_id":null}"#, silent()),
        ("200 OK", r#"{"user_id":1.5}"#, silent()),
        ("200 OK", r#"{"user_id":true}"#, silent()),
        ("200 OK", r#"{"user_id":{"id":1}}"#, silent()),
        ("200 OK", r#"{"user_id":""}"#, silent()),
        ("200 OK", r#"{"user_id":"service:auth"}"#, silent()),
        ("200 OK", r#"{"user_id":1,"user_id":2}"#, silent()),
        ("200 OK", r#"{"user_id":1}, trailing"#, silent()),
    ] {
        let (said, to, _) = ask(Some(answer(head, body)));
        assert_eq!(said, expected, "{head} {body:.60}");
        assert!(to.iter().all(|to| to.host() == Some("auth.example")), "no answer leads elsewhere");
    }
    // No HTTP, half an answer, none at all.
    for answer in [Some("220 smtp.example\r\n\r\n"), Some("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"), None] {
        let (said, to, _) = ask(answer.map(str::to_owned));
        assert_eq!(said, silent(), "{answer:?}");
        assert_eq!(to.len(), 2);
    }
}

/// By TLS it is the service only when an authority that we trust says so, of that name and at this time. To anybody else no
/// token is shown, and nobody is let in (RULES 5).
#[test]
fn who_the_service_is() {
    for shown in authority::ALL {
        let asked: Arc<Mutex<String>> = Arc::default();
        let server = wire(Some(answer("200 OK", r#"{"user_id":"u-1"}"#)), asked.clone());
        let said = ask_through(authority::to(server.clone(), shown), &format!("https://{}", authority::NAME));
        let asked = asked.lock().unwrap();
        if shown == Shown::Good {
            assert_eq!(said.map(|who| who.id.as_str().to_owned()), Ok("u-1".to_owned()));
            assert!(asked.contains("authorization: Bearer a.token\r\n"), "{asked}");
        } else {
            assert_eq!((said, asked.as_str()), (Err(Denied::Unavailable), ""), "{shown:?}");
            assert_eq!(server.connected().len(), 2, "{shown:?}: it was tried");
        }
    }
}

/// A connector for TLS is none for a service that doesn't speak it.
#[test]
fn nothing_falls_back_to_plain() {
    let asked: Arc<Mutex<String>> = Arc::default();
    let server = wire(Some(answer("200 OK", r#"{"user_id":"u-1"}"#)), asked.clone());
    let said = ask_through(authority::to(server, Shown::Good), &format!("http://{}", authority::NAME));
    assert_eq!((said, asked.lock().unwrap().as_str()), (Err(Denied::Unavailable), ""));
}
