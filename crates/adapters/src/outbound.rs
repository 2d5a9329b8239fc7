//! The way out to services of the operator's that speak HTTP: HTTP/1.1, by TLS where their URL says so, with few
//! connections kept. Nothing follows redirects: what a URL says is where a request goes (THREATS T22).

use std::time::Duration;

use hyper::body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

/// Connections that are kept while nobody asks, and for how long, in seconds.
const IDLE_MAX: usize = 16;
/// See [`IDLE_MAX`].
const IDLE_SECONDS: u64 = 30;

/// Connects to servers: plain ones, or such as the system's certificates vouch for.
///
/// # Errors
/// They are to be reached by TLS, and the system has no certificates to know them by.
pub(crate) fn connector(is_plain: bool) -> std::io::Result<HttpsConnector<HttpConnector>> {
    let mut plain = HttpConnector::new();
    plain.enforce_http(false);
    plain.set_nodelay(true);
    // The one provider that the rest of the server uses, whatever others are linked (DESIGN, stack).
    let provider = aws_lc_rs::default_provider();
    if !is_plain {
        let roots = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider)?;
        return Ok(roots.https_only().enable_http1().wrap_connector(plain));
    }
    // Never used: there is nothing to know anybody by.
    let tls = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(plain))
}

/// A client that reads at most `answer_bytes_max` bytes ahead of whoever takes them.
pub(crate) fn client<C, B>(connector: C, answer_bytes_max: usize) -> Client<C, B>
where
    C: Connect + Clone,
    B: Body + Send,
    B::Data: Send,
{
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(IDLE_MAX)
        .pool_idle_timeout(Duration::from_secs(IDLE_SECONDS))
        .pool_timer(TokioTimer::new())
        .http1_max_buf_size(answer_bytes_max)
        .build(connector)
}
