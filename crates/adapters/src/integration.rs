//! The operator's URL, told of connections: one POST an event, those of one connection one after the other, so many at
//! once in all. What an event says and what its answer means is a dialect's; here are only the wire and the waiting.
//!
//! The URL is the operator's and nobody else's (THREATS T22): nothing in an event chooses where it goes, and no answer
//! leads elsewhere, for redirects are answers like any other. Whoever gives an event bounds how many wait.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::ConnectionId;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{Method, Request, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::outbound::{self, HttpUrl};

/// How long the URL may take for an event, in milliseconds.
pub const WAIT_MS: u64 = 10_000;
/// How much it may answer, in bytes.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Events that it is told at once.
const AT_ONCE_MAX: usize = 256;

/// An event for the URL.
#[derive(Debug)]
pub struct Job {
    /// Whose it is.
    pub connection: ConnectionId,
    /// Comes back with the answer.
    pub token: u64,
    /// The event, as JSON.
    pub event: Vec<u8>,
}

/// What the URL answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The status.
    pub status: u16,
    /// The body; at most [`ANSWER_BYTES_MAX`].
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// No connection, one that broke, or too much of an answer.
    Broken,
    /// It took longer than [`WAIT_MS`].
    Late,
}

/// Takes an answer to whoever waits for it. Never blocks.
pub type Done = Box<dyn Fn(ConnectionId, u64, Result<Heard, Silence>) + Send + Sync>;

/// The way to the URL.
pub struct Integrations<C = HttpsConnector<HttpConnector>> {
    client: Client<C, Full<Bytes>>,
    url: Uri,
    runtime: Handle,
    done: Done,
    /// What waits behind the event under way of each connection that has one. A std mutex, held for one look-up.
    lanes: Mutex<HashMap<ConnectionId, VecDeque<Job>>>,
    at_once: Semaphore,
    /// It did not answer the last time, and that was said.
    down: AtomicBool,
}

impl Integrations {
    /// A way to this URL, on this runtime. Nothing is sent yet.
    ///
    /// # Errors
    /// It is to be reached by TLS, and the system has no certificates to know it by.
    pub fn new(url: &HttpUrl, runtime: Handle, done: Done) -> std::io::Result<Arc<Self>> {
        Ok(Self::through(outbound::connector(url.is_plain())?, url, runtime, done))
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Integrations<C> {
    fn through(connector: C, url: &HttpUrl, runtime: Handle, done: Done) -> Arc<Self> {
        let client = outbound::client(connector, ANSWER_BYTES_MAX);
        let (lanes, at_once) = (Mutex::default(), Semaphore::new(AT_ONCE_MAX));
        let down = AtomicBool::new(false);
        Arc::new(Self { client, url: url.uri(), runtime, done, lanes, at_once, down })
    }

    /// Has the URL told an event, when those of the same connection before it are through.
    pub fn give(self: &Arc<Self>, job: Job) {
        match self.lanes().entry(job.connection) {
            Entry::Occupied(mut lane) => lane.get_mut().push_back(job),
            Entry::Vacant(lane) => {
                lane.insert(VecDeque::new());
                self.runtime.spawn(self.clone().tell_all(job));
            }
        }
    }

    async fn tell_all(self: Arc<Self>, mut job: Job) {
        loop {
            let Job { connection, token, event } = job;
            let heard = self.tell(event).await;
            (self.done)(connection, token, heard);
            let Some(next) = self.next_of(connection) else { return };
            job = next;
        }
    }

    fn next_of(&self, connection: ConnectionId) -> Option<Job> {
        let mut lanes = self.lanes();
        let next = lanes.get_mut(&connection).and_then(VecDeque::pop_front);
        if next.is_none() {
            lanes.remove(&connection);
        }
        next
    }

    async fn tell(&self, event: Vec<u8>) -> Result<Heard, Silence> {
        // It is never closed.
        let _permit = self.at_once.acquire().await;
        let most = Duration::from_millis(WAIT_MS);
        let heard = tokio::time::timeout(most, self.exchange(event)).await.unwrap_or(Err(Silence::Late));
        let silence = heard.as_ref().err().copied();
        if self.down.swap(silence.is_some(), Ordering::Relaxed) != silence.is_some() {
            match silence {
                Some(why) => tracing::warn!(?why, "The integration's URL does not answer."),
                None => tracing::info!("The integration's URL answers again."),
            }
        }
        heard
    }

    async fn exchange(&self, event: Vec<u8>) -> Result<Heard, Silence> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, */*")
            .body(Full::from(event))
            .map_err(|_| Silence::Broken)?;
        let answer = self.client.request(request).await.map_err(|_| Silence::Broken)?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await.map_err(|_| Silence::Broken)?;
        Ok(Heard { status, body: body.to_bytes().into() })
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<ConnectionId, VecDeque<Job>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
