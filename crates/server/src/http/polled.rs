//! Requests on polled paths: to the shard in which the session lives, and its answer back. Parsing HTTP, keeping
//! connections open and bounding bodies is hyper's work; what a request means and what it is answered is the dialect's.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use dialects::{Ask, Poll, Sid};

use super::doors::{self as mounted, Doors};
use super::pages;
use crate::node::Token;
use crate::shard::{Input, PollCall};
use crate::threads::Wiring;

/// A shard answers long before this, in milliseconds: a poll waits for the session's next heartbeat at most.
const ANSWER_MS: u64 = 120_000;

/// Answers a request on a polled path of this dialect.
pub(super) async fn answer(doors: &Doors, place: usize, mut ask: Ask, body: Body) -> Response {
    let app = doors.app();
    let Some(polling) = app.dialects[place].polling() else { return pages::not_found() };
    if polling.is_script(&ask) && !app.origins.allow_script(ask.header("origin").or_else(|| ask.header("referer"))) {
        return pages::detail(StatusCode::FORBIDDEN, "origin not allowed");
    }
    let poll = match polling.poll(&ask) {
        Poll::Answer(answer) => return pages::answer(answer),
        poll @ (Poll::Open | Poll::Get(_) | Poll::Post(_)) => poll,
    };
    let shards = app.wiring.mailboxes.len();
    let (shard, sid) = match poll {
        Poll::Get(sid) | Poll::Post(sid) => (usize::from(sid.connection.0.to_be_bytes()[0]), Some(sid)),
        Poll::Open | Poll::Answer(_) => (doors.next_shard().fetch_add(1, Ordering::Relaxed) % shards, None),
    };
    if shard >= shards {
        return pages::answer(polling.unknown(&ask));
    }
    if matches!(poll, Poll::Post(_)) {
        match mounted::read_body(body, polling.body_bytes_max()).await {
            Ok(Some(body)) => ask.body = body,
            Ok(None) => return pages::answer(polling.too_large(&ask)),
            Err(refused) => return *refused,
        }
    }
    let Some((token, answer)) = app.wiring.polled.open() else { return pages::answer(mounted::busy()) };
    let mut waiting = InShard { wiring: app.wiring.clone(), shard, sid, token, answered: false };
    let dialect = u8::try_from(place).unwrap_or(u8::MAX);
    waiting.put(Input::Polled(Box::new(PollCall { token, dialect, poll, ask })));
    match tokio::time::timeout(Duration::from_millis(ANSWER_MS), answer).await {
        Ok(Ok(answer)) => {
            waiting.answered = true;
            pages::answer(answer)
        }
        Ok(Err(_)) | Err(_) => pages::answer(mounted::busy()),
    }
}

/// A request that a shard has. Whoever breaks it off, its session is told: what would have been its answer is lost.
struct InShard {
    wiring: Arc<Wiring>,
    shard: usize,
    sid: Option<Sid>,
    token: Token,
    answered: bool,
}

impl InShard {
    fn put(&self, input: Input) {
        self.wiring.mailboxes[self.shard].put([input]);
        self.wiring.mailboxes[self.shard].ring();
    }
}

impl Drop for InShard {
    fn drop(&mut self) {
        if !self.answered {
            self.wiring.polled.forget(self.token);
            if let Some(sid) = self.sid {
                self.put(Input::PollGone(sid, self.token));
            }
        }
    }
}
