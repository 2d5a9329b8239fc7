//! The Auth Service as it is spoken to: one GET with the token, and what its answer means. Nothing in a token chooses
//! where it goes, and no answer leads elsewhere: redirects are refusals (THREATS T22).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::identity::Denied;
use domain::limits;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{Client, Error};

use super::book::Said;
use super::claims::{self, Object};
use super::desk::Who;
use super::service::ServiceUrl;
use crate::outbound;

/// The Auth Service.
pub(super) struct Remote<C = HttpsConnector<HttpConnector>> {
    client: Client<C, Empty<Bytes>>,
    url: Uri,
    most: Duration,
    /// It did not answer the last time, and that was said.
    down: AtomicBool,
}

/// Why there is no answer. Said to the operator.
#[derive(Debug, thiserror::Error)]
enum Silence {
    /// No connection, or one that broke; what is at the bottom of it (a certificate that nobody vouches for, most often)
    /// is what helps.
    #[error("{}", outbound::root(.0))]
    Broken(Error),
    /// It took too long.
    #[error("it takes too long")]
    Late,
    /// What it answered is none of its contract's answers, or too much.
    #[error("it answers what is no answer")]
    Nonsense,
}

impl Remote {
    /// A way to the service at this URL. Nothing is sent yet.
    ///
    /// # Errors
    /// It is to be reached by TLS, and the system has no certificates to know it by.
    pub(super) fn new(url: &ServiceUrl) -> std::io::Result<Self> {
        Ok(Self::through(outbound::connector(url.is_plain())?, url))
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Remote<C> {
    fn through(connector: C, url: &ServiceUrl) -> Self {
        let client = outbound::client(connector, limits::AUTH_ANSWER_BYTES_MAX);
        let most = Duration::from_millis(limits::AUTH_WAIT_MS);
        Self { client, url: url.validate(), most, down: AtomicBool::new(false) }
    }

    /// Asks who a token is. Says once that the service does not answer, and once that it does again.
    pub(super) async fn ask(&self, token: &str) -> Said {
        let heard = tokio::time::timeout(self.most, self.exchange(token)).await.unwrap_or(Err(Silence::Late));
        if self.down.swap(heard.is_err(), Ordering::Relaxed) != heard.is_err() {
            match &heard {
                Err(why) => tracing::warn!(%why, "The Auth Service does not answer; tokens are refused."),
                Ok(_) => tracing::info!("The Auth Service answers again."),
            }
        }
        heard.unwrap_or(Err(Denied::Unavailable))
    }

    async fn exchange(&self, token: &str) -> Result<Said, Silence> {
        // Whoever lets a token come so far has looked at its letters.
        let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {token}")) else { return Ok(Err(Denied::Invalid)) };
        bearer.set_sensitive(true);
        let request = Request::builder()
            .method(Method::GET)
            .uri(self.url.clone())
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, "application/json")
            .body(Empty::new())
            .map_err(|_| Silence::Nonsense)?;
        let answer = self.client.request(request).await.map_err(Silence::Broken)?;
        if answer.status() != StatusCode::OK {
            return Ok(Err(Denied::Invalid));
        }
        let body = Limited::new(answer.into_body(), limits::AUTH_ANSWER_BYTES_MAX);
        let body = body.collect().await.map_err(|_| Silence::Nonsense)?;
        who(&body.to_bytes()).map(Ok).ok_or(Silence::Nonsense)
    }
}

/// Whom the service's answer names; none when it isn't the contract's.
fn who(json: &[u8]) -> Option<Who> {
    let answer = Object::parse(json)?;
    let id = claims::id_text(answer.get("user_id")?).ok()?;
    let id = claims::user_id(&id).ok()?;
    Some(Who { id, name: claims::label(answer.get("username")), email: claims::label(answer.get("email")) })
}

#[cfg(test)]
#[path = "tests/remote.rs"]
mod tests;
