//! Where an Auth Service is. Chosen by the operator, and by nobody else.

use hyper::Uri;

use crate::outbound;

/// What the service is asked, below its own address.
const VALIDATE: &str = "/api/auth/validate";

/// An Auth Service's address (`AUTH_SERVICE_URL`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrl(Uri);

impl ServiceUrl {
    /// Reads `http://host[:port][/path]` or the same with `https`.
    ///
    /// # Errors
    /// What it should have been, without repeating what it is: a password may stand in it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let wanted = "must be http:// or https:// with a host, and a path at most";
        if text.contains(['@', '?', '#']) {
            return Err("must have no user, query or fragment: http:// or https://, a host, and a path at most");
        }
        let base = text.trim_end_matches('/');
        let whole = format!("{base}{VALIDATE}");
        let url: Uri = whole.parse().map_err(|_| wanted)?;
        let known = matches!(url.scheme_str(), Some("http" | "https"));
        let host = url.host().is_some_and(|host| !host.is_empty());
        let port =
            url.authority().is_some_and(|all| all.as_str().len() == all.host().len() || all.port_u16().is_some());
        if known && host && port { Ok(Self(url)) } else { Err(wanted) }
    }

    /// What is asked who a token is.
    pub(super) fn validate(&self) -> Uri {
        self.0.clone()
    }

    /// Whether tokens go there unencrypted.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.scheme_str() == Some("http")
    }

    /// Whether it is on this machine, as far as its name says.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        outbound::is_loopback(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, asked) in [
            ("http://localhost:4000", Some("http://localhost:4000/api/auth/validate")),
            ("https://auth.example/", Some("https://auth.example/api/auth/validate")),
            ("HTTPS://auth.example", Some("https://auth.example/api/auth/validate")),
            ("http://[::1]:80/base//", Some("http://[::1]:80/base/api/auth/validate")),
            ("http://a.example/x/y", Some("http://a.example/x/y/api/auth/validate")),
            ("auth.example", None),
            ("auth.example:4000", None),
            ("//auth.example", None),
            ("/api", None),
            ("ftp://auth.example", None),
            ("http://", None),
            ("http://:80", None),
            ("http:///api", None),
            ("http://a b", None),
            ("http://a.example:99999", None),
            ("http://user@auth.example", None),
            ("http://user:password@auth.example", None),
            ("http://auth.example?x=1", None),
            ("http://auth.example/#x", None),
        ] {
            let read = ServiceUrl::parse(text);
            assert_eq!(read.as_ref().ok().map(|url| url.validate().to_string()).as_deref(), asked, "{text}");
            assert!(read.err().is_none_or(|what| !what.contains("password")), "{text}");
        }
    }

    #[test]
    fn what_strangers_may_read() {
        for (text, plain, loopback) in [
            ("http://localhost:4000", true, true),
            ("http://LocalHost", true, true),
            ("http://127.0.0.2", true, true),
            ("http://[::1]:4000", true, true),
            ("http://[::ffff:127.0.0.1]", true, true),
            ("http://10.0.0.1", true, false),
            ("http://localhost.evil.example", true, false),
            ("https://auth.example", false, false),
        ] {
            let url = ServiceUrl::parse(text).expect(text);
            assert_eq!((url.is_plain(), url.is_loopback()), (plain, loopback), "{text}");
        }
    }
}
