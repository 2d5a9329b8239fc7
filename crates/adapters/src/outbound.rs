//! The way out to services of the operator's that speak HTTP: HTTP/1.1, by TLS where their URL says so, with few
//! connections kept. Nothing follows redirects: what a URL says is where a request goes (THREATS T22).

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use hyper::Uri;
use hyper::body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

/// Connections that are kept while nobody asks, and for how long, in seconds.
const IDLE_MAX: usize = 16;
/// See [`IDLE_MAX`].
const IDLE_SECONDS: u64 = 30;

/// Where something of the operator's is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl(Uri);

impl HttpUrl {
    /// Reads `http://host[:port][/path][?query]` or the same with `https`.
    ///
    /// # Errors
    /// What it should have been, without repeating what it is: a secret may stand in it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let wanted = "must be http:// or https:// with a host";
        if text.contains(['@', '#']) {
            return Err("must have no user and no fragment");
        }
        let url: Uri = text.parse().map_err(|_| wanted)?;
        let known = matches!(url.scheme_str(), Some("http" | "https"));
        let host = url.host().is_some_and(|host| !host.is_empty());
        let port =
            url.authority().is_some_and(|all| all.as_str().len() == all.host().len() || all.port_u16().is_some());
        if known && host && port { Ok(Self(url)) } else { Err(wanted) }
    }

    pub(crate) fn uri(&self) -> Uri {
        self.0.clone()
    }

    /// Whether what goes there and comes from there can be read and changed on the way.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.scheme_str() == Some("http")
    }

    /// Whether it is on this machine, as far as its name says.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

/// Whether a URL is on this machine, as far as its name says.
pub(crate) fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let named = bare.eq_ignore_ascii_case("localhost");
    named || bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// What an error comes from in the end. Neither it nor what is on the way there says anything of what was sent.
pub(crate) fn root(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Connects to servers: plain ones, or such as the system's authorities vouch for.
///
/// # Errors
/// They are to be reached by TLS, and the system has no certificates to know them by.
pub(crate) fn connector(is_plain: bool) -> io::Result<HttpsConnector<HttpConnector>> {
    let mut plain = HttpConnector::new();
    plain.enforce_http(false);
    plain.set_nodelay(true);
    if is_plain {
        // Never used: there is nothing to know anybody by.
        return Ok(HttpsConnectorBuilder::new()
            .with_tls_config(tls(RootCertStore::empty())?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(plain));
    }
    secured(plain, roots()?)
}

/// TLS over whatever connects, and nothing else: with servers that one of these authorities vouches for, by the name in
/// the URL and at this time.
fn secured<C>(connector: C, roots: RootCertStore) -> io::Result<HttpsConnector<C>> {
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls(roots)?);
    Ok(builder.https_only().enable_http1().wrap_connector(connector))
}

fn tls(roots: RootCertStore) -> io::Result<ClientConfig> {
    // The one provider that the rest of the server uses, whatever others are linked (DESIGN, stack).
    Ok(ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// The authorities that the system trusts; in their place those of `SSL_CERT_FILE` and `SSL_CERT_DIR`, by which an
/// operator names one of their own.
fn roots() -> io::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A system's list may have some that nobody can read any more; the others are good all the same.
    let (_, unread) = roots.add_parsable_certificates(found.certs);
    let mut faults = found.errors.iter().map(ToString::to_string);
    if roots.is_empty() {
        let why = faults.next().unwrap_or_else(|| format!("{unread} of them can't be read"));
        return Err(io::Error::other(format!("no certificates of authorities to know it by ({why})")));
    }
    if let Some(why) = faults.next() {
        tracing::warn!(%why, "Some certificates of authorities can't be read.");
    }
    Ok(roots)
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

#[cfg(test)]
pub(crate) mod authority;
#[cfg(test)]
pub(crate) mod wire;
