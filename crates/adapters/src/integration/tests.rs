//! What the URL is told, in which order, and what comes back: on a wire in memory and a clock that nobody waits for.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, channel};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

/// What one event is answered, after how many milliseconds; none: never.
type Answer = fn(&str) -> (u64, Option<String>);

/// A URL in memory.
#[derive(Clone)]
struct Wire {
    answer: Answer,
    /// What it was told, and how many at once at most.
    seen: Arc<Mutex<(Vec<String>, usize, usize)>>,
}

impl tower_service::Service<Uri> for Wire {
    type Response = Line;
    type Error = io::Error;
    type Future = Ready<io::Result<Line>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        assert_eq!(to.host(), Some("app.example"), "nowhere else");
        let (near, mut far) = duplex(1 << 20);
        let wire = self.clone();
        tokio::spawn(async move {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(count @ 1..) = far.read(&mut buffer).await {
                let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
                let (_, event) = text.split_once("\r\n\r\n").expect("a small request comes in one piece");
                let (event, answer) = (event.to_owned(), (wire.answer)(event));
                {
                    let mut seen = wire.seen.lock().expect("nobody panics");
                    seen.0.push(event);
                    seen.1 += 1;
                    seen.2 = seen.2.max(seen.1);
                }
                tokio::time::sleep(Duration::from_millis(answer.0)).await;
                wire.seen.lock().expect("nobody panics").1 -= 1;
                match answer.1 {
                    // Who broke it off reads no answer.
                    Some(answer) => drop(far.write_all(answer.as_bytes()).await),
                    None => return,
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

/// What came of some jobs, in the order in which it came.
type Came = Vec<(u64, u64, Result<Heard, Silence>)>;

/// Has jobs of these connections told, and gives what came of them, what the URL saw, and how many at once.
fn tell(jobs: &[(u64, &str)], answer: Answer) -> (Came, Vec<String>, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without sockets");
    let wire = Wire { answer, seen: Arc::default() };
    let url = IntegrationUrl::parse("http://app.example/events?key=k").expect("a good URL");
    let (sender, came): (_, Receiver<_>) = channel();
    let done: Done = Box::new(move |connection, token, heard| {
        sender.send((connection.0, token, heard)).expect("the test waits");
    });
    let integrations = Integrations::through(wire.clone(), &url, runtime.handle().clone(), done);
    for (token, (connection, event)) in (1..).zip(jobs) {
        let event = event.as_bytes().to_vec();
        integrations.give(Job { connection: ConnectionId(*connection), token, event });
    }
    let mut all = Came::new();
    runtime.block_on(async {
        while all.len() < jobs.len() {
            // Paused, the clock goes on by itself whenever everybody waits for it.
            tokio::time::sleep(Duration::from_millis(1)).await;
            all.extend(came.try_iter());
        }
    });
    assert!(integrations.lanes().is_empty(), "nothing is kept of what is through");
    let (seen, _, most) = wire.seen.lock().expect("nobody panics").clone();
    (all, seen, most)
}

#[test]
fn what_is_answered_comes_back() {
    let (came, seen, _) = tell(&[(7, "{}")], |_| (0, Some(answer("201 Created", "hello"))));
    assert_eq!(came, [(7, 1, Ok(Heard { status: 201, body: b"hello".to_vec() }))]);
    assert_eq!(seen, ["{}"]);
    let redirect = |_: &str| (0, Some(answer("302 Found\r\nlocation: http://elsewhere.example/", "")));
    let (came, seen, _) = tell(&[(7, "{}")], redirect);
    assert_eq!(came, [(7, 1, Ok(Heard { status: 302, body: Vec::new() }))]);
    assert_eq!(seen.len(), 1, "it leads nowhere");
}

#[test]
fn what_is_no_answer() {
    let most = |_: &str| (0, Some(answer("200 OK", &"x".repeat(ANSWER_BYTES_MAX))));
    assert!(tell(&[(7, "{}")], most).0[0].2.is_ok());
    let more: Answer = |_| (0, Some(answer("200 OK", &"x".repeat(ANSWER_BYTES_MAX + 1))));
    for (what, late) in [
        (more, false),
        (|_| (0, None), false),
        (|_| (0, Some("rubbish\r\n\r\n".into())), false),
        (|_| (10_001, Some(answer("200 OK", ""))), true),
    ] {
        let expected = if late { Silence::Late } else { Silence::Broken };
        assert_eq!(tell(&[(7, "{}")], what).0, [(7, 1, Err(expected))]);
    }
    assert!(tell(&[(7, "{}")], |_| (9_990, Some(answer("200 OK", "")))).0[0].2.is_ok(), "just in time");
}

#[test]
fn a_connections_events_are_told_one_after_the_other() {
    let jobs = [(1, "a1"), (2, "b1"), (1, "a2"), (2, "b2"), (1, "a3")];
    // The first of all takes longest, and fails.
    let (came, seen, most) = tell(&jobs, |event| match event {
        "a1" => (20_000, None),
        _ => (10, Some(answer("200 OK", ""))),
    });
    let of = |letter: &str| seen.iter().filter(|event| event.starts_with(letter)).cloned().collect::<Vec<_>>();
    assert_eq!((of("a"), of("b")), (vec!["a1".into(), "a2".into(), "a3".into()], vec!["b1".into(), "b2".into()]));
    assert_eq!(came.iter().map(|(_, token, _)| *token).collect::<Vec<_>>(), [2, 4, 1, 3, 5], "nobody else waits");
    assert_eq!(most, 2);
}

#[test]
fn so_many_at_once_in_all() {
    let jobs: Vec<(u64, &str)> = (0..AT_ONCE_MAX as u64 + 10).map(|connection| (connection, "x")).collect();
    let (came, _, most) = tell(&jobs, |_| (5_000, Some(answer("200 OK", ""))));
    assert!(came.iter().all(|(_, _, heard)| heard.is_ok()), "waiting for one's turn is not counted");
    assert_eq!(most, AT_ONCE_MAX);
}

#[test]
fn addresses() {
    for (text, good) in [
        ("http://localhost:3000", true),
        ("https://app.example/hooks/ws?key=1", true),
        ("HTTPS://app.example", true),
        ("http://[::1]:80/", true),
        ("app.example", false),
        ("/events", false),
        ("ftp://app.example", false),
        ("http://", false),
        ("http://:80", false),
        ("http://app.example:99999", false),
        ("http://user:password@app.example", false),
        ("http://app.example/#x", false),
    ] {
        let read = IntegrationUrl::parse(text);
        assert_eq!(read.is_ok(), good, "{text}");
        assert!(read.err().is_none_or(|what| !what.contains("password")), "{text}");
    }
}
