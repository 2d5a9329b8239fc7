//! An issuer's published keys (`JWT_JWKS_URL`), fetched again and again: what is withdrawn there is refused here within a
//! minute (THREATS T4). No token causes a request, however many it names keys that nobody knows. A source that is slow,
//! lying or down changes nothing for as long as what it said last may hold.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use domain::limits;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::ACCEPT;
use hyper::{Method, Request, StatusCode};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use tokio::time::Instant;

use super::jwk::KeySet;
use crate::outbound::{self, HttpUrl};

/// The keys as they were published last; none before they were ever seen, and when that is too long ago.
pub(super) type Published = Arc<ArcSwapOption<KeySet>>;

/// Fetches the keys while [`Fetching::run`] runs, on a tokio runtime.
pub(super) struct Fetching<C = HttpsConnector<HttpConnector>> {
    client: Client<C, Empty<Bytes>>,
    url: HttpUrl,
    published: Published,
    /// When they were fetched last.
    seen: Option<Instant>,
    /// They could not be fetched the last time, and that was said.
    down: bool,
}

/// Why there are no keys to be had. Said to the operator.
#[derive(Debug, thiserror::Error)]
enum Silence {
    #[error("{}", outbound::root(.0))]
    Broken(hyper_util::client::legacy::Error),
    #[error("it takes too long")]
    Late,
    #[error("it answers {0}")]
    Status(StatusCode),
    #[error("it answers what is no set of keys")]
    Nonsense,
}

impl Fetching {
    /// A way to the keys at this URL. Nothing is sent yet.
    ///
    /// # Errors
    /// It is to be reached by TLS, and the system has no certificates to know it by.
    pub(super) fn new(url: &HttpUrl, published: Published) -> std::io::Result<Self> {
        Ok(Self::through(outbound::connector(url.is_plain())?, url, published))
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Fetching<C> {
    fn through(connector: C, url: &HttpUrl, published: Published) -> Self {
        let client = outbound::client(connector, limits::AUTH_ANSWER_BYTES_MAX);
        Self { client, url: url.clone(), published, seen: None, down: false }
    }

    /// Fetches, for as long as the runtime lives.
    pub(super) async fn run(mut self) {
        loop {
            self.fetch().await;
            tokio::time::sleep(Duration::from_millis(limits::JWKS_EVERY_MS)).await;
        }
    }

    /// Once.
    pub(super) async fn fetch(&mut self) {
        let most = Duration::from_millis(limits::AUTH_WAIT_MS);
        match tokio::time::timeout(most, self.ask()).await.unwrap_or(Err(Silence::Late)) {
            Ok(set) => {
                if self.down || self.seen.is_none() {
                    tracing::info!(keys = set.len(), "The keys that tokens are checked with were fetched.");
                }
                (self.seen, self.down) = (Some(Instant::now()), false);
                self.published.store(Some(Arc::new(set)));
            }
            Err(why) => {
                if !std::mem::replace(&mut self.down, true) {
                    tracing::warn!(%why, "The keys that tokens are checked with can't be fetched.");
                }
                let stale = Duration::from_millis(limits::JWKS_STALE_MAX_MS);
                if self.seen.is_some_and(|seen| seen.elapsed() >= stale) && self.published.swap(None).is_some() {
                    tracing::error!("The keys that tokens are checked with are too old; tokens are refused.");
                }
            }
        }
    }

    async fn ask(&self) -> Result<KeySet, Silence> {
        let request = Request::builder()
            .method(Method::GET)
            .uri(self.url.uri())
            .header(ACCEPT, "application/json")
            .body(Empty::new())
            .map_err(|_| Silence::Nonsense)?;
        let answer = self.client.request(request).await.map_err(Silence::Broken)?;
        // A redirect leads nowhere: where keys come from is the operator's to say (THREATS T22).
        if answer.status() != StatusCode::OK {
            return Err(Silence::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), limits::AUTH_ANSWER_BYTES_MAX);
        let body = body.collect().await.map_err(|_| Silence::Nonsense)?;
        KeySet::parse(&body.to_bytes()).ok_or(Silence::Nonsense)
    }
}

#[cfg(test)]
#[path = "tests/jwks.rs"]
mod tests;
