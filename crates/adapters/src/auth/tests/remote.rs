//! What the Auth Service answers, and what that means: on a wire in memory and a clock that nobody waits for.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use domain::Text;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

/// Answers every request with one text; none: never.
#[derive(Clone)]
struct Wire {
    answer: Option<String>,
    /// Whereto connections were made, and what was asked.
    seen: Arc<Mutex<(Vec<Uri>, String)>>,
}

impl tower_service::Service<Uri> for Wire {
    type Response = Line;
    type Error = io::Error;
    type Future = Ready<io::Result<Line>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        self.seen.lock().unwrap().0.push(to);
        let (near, mut far) = duplex(1 << 20);
        let wire = self.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = far.read(&mut buffer).await {
                let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
                wire.seen.lock().unwrap().1.push_str(&text);
                match &wire.answer {
                    Some(answer) if text.ends_with("\r\n\r\n") => far.write_all(answer.as_bytes()).await.unwrap(),
                    Some(_) | None => {}
                }
            }
        });
        ready(Ok(Line(TokioIo::new(near))))
    }
}

struct Line(TokioIo<DuplexStream>);

impl Connection for Line {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// What comes of asking twice, whereto connections were made, and what was asked.
fn ask(answer: Option<String>) -> (Said, Vec<Uri>, String) {
    let wire = Wire { answer, seen: Arc::default() };
    let url = ServiceUrl::parse("http://auth.example/base").unwrap();
    let remote = Remote::through(wire.clone(), &url);
    // Paused, it goes on by itself whenever everybody waits for it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let said = runtime.block_on(remote.ask("a.token"));
    assert_eq!(runtime.block_on(remote.ask("a.token")), said);
    drop(runtime);
    let (to, asked) = std::mem::take(&mut *wire.seen.lock().unwrap());
    (said, to, asked)
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
