//! What the URL is told, in which order, and what comes back: on a wire in memory and a clock that nobody waits for.

use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::outbound::authority::{self, Shown};
use crate::outbound::wire::{Wire, answer};

/// What one event is answered, after how many milliseconds; none: never.
type Answer = fn(&str) -> (u64, Option<String>);

/// What the URL was told, how many events it has just now, and how many it had at once at most.
type Seen = Arc<Mutex<(Vec<String>, usize, usize)>>;

fn wire(answer: Answer, seen: Seen) -> Wire {
    Wire::new(move |request| {
        let (_, event) = request.split_once("\r\n\r\n").expect("a whole request");
        let (after, answer) = answer(event);
        {
            let mut seen = seen.lock().expect("nobody panics");
            seen.0.push(event.to_owned());
            seen.1 += 1;
            seen.2 = seen.2.max(seen.1);
        }
        let seen = seen.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(after)).await;
            seen.lock().expect("nobody panics").1 -= 1;
            answer
        }
    })
}

/// What came of some jobs, in the order in which it came.
type Came = Vec<(u64, u64, Result<Heard, Silence>)>;

/// Has jobs of these connections told, and gives what came of them, what the URL saw, and how many at once.
fn tell(jobs: &[(u64, &str)], answer: Answer) -> (Came, Vec<String>, usize) {
    let seen = Seen::default();
    let wire = wire(answer, seen.clone());
    let all = tell_through(wire.clone(), "http://app.example/events?key=k", jobs);
    assert!(wire.connected().iter().all(|to| to.host() == Some("app.example")), "nowhere else");
    let (seen, _, most) = seen.lock().expect("nobody panics").clone();
    (all, seen, most)
}

fn tell_through(connector: impl Connect + Clone + Send + Sync + 'static, url: &str, jobs: &[(u64, &str)]) -> Came {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without sockets");
    let url = HttpUrl::parse(url).expect("a good URL");
    let (sender, came): (_, Receiver<_>) = channel();
    let done: Done = Box::new(move |connection, token, heard| {
        sender.send((connection.0, token, heard)).expect("the test waits");
    });
    let integrations = Integrations::through(connector, &url, runtime.handle().clone(), done);
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
    all
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

/// By TLS it is the operator's URL only when an authority that we trust says so, of that name and at this time. Anybody
/// else is told nothing, which is silence: an upgrade that waits for it is refused.
#[test]
fn who_answers_there() {
    for shown in authority::ALL {
        let seen = Seen::default();
        let server = wire(|_| (0, Some(answer("200 OK", "hello"))), seen.clone());
        let url = format!("https://{}/events", authority::NAME);
        let came = tell_through(authority::to(server.clone(), shown), &url, &[(7, "{}")]);
        let seen = seen.lock().expect("nobody panics").0.clone();
        if shown == Shown::Good {
            assert_eq!(came, [(7, 1, Ok(Heard { status: 200, body: b"hello".to_vec() }))]);
            assert_eq!(seen, ["{}"]);
        } else {
            assert_eq!((came, seen), (vec![(7, 1, Err(Silence::Broken))], Vec::new()), "{shown:?}");
            assert_eq!(server.connected().len(), 1, "{shown:?}: it was tried");
        }
    }
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
        let read = HttpUrl::parse(text);
        assert_eq!(read.is_ok(), good, "{text}");
        assert!(read.err().is_none_or(|what| !what.contains("password")), "{text}");
    }
}
