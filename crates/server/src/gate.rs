//! Who is let through the doors at all, for sockets and REST alike: development mode serves this machine only (RULES 7),
//! web pages only those that are listed (RULES 25, THREATS T5), and a credential is what the auth adapter says of it.

use std::net::IpAddr;
use std::sync::Arc;

use adapters::auth::{Auth, Chores, KeyRing, Then, Verdict};
use dialects::{Answer, Ask};
use domain::id::Millis;
use domain::identity::{Credential, Denied, Identity};
use serde_json::json;

use crate::config::Config;
use crate::shard::Gate;

/// The hosts that development mode serves, with or without a port.
const OWN_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// What says that a request came through somebody else.
const FORWARDED: [&str; 3] = ["forwarded", "x-real-ip", "via"];
const FORWARDED_PREFIX: &str = "x-forwarded-";

/// The gate of a server with this configuration.
pub struct Keeper {
    config: Arc<Config>,
    auth: Auth,
}

impl Keeper {
    /// Lets in whom the configuration and the keys in the ring let in.
    #[must_use]
    pub fn new(config: Arc<Config>, keys: Arc<KeyRing>) -> Self {
        let auth = Auth::new(&config.auth, keys);
        Self { config, auth }
    }

    /// The same, with what asks the Auth Service and fetches published keys, to be run on a tokio runtime.
    ///
    /// # Errors
    /// One of them is to be reached by TLS, and the system has no certificates to know it by.
    pub fn open(config: Arc<Config>, keys: Arc<KeyRing>) -> std::io::Result<(Self, Chores)> {
        let (auth, chores) = Auth::open(&config.auth, keys)?;
        Ok((Self { config, auth }, chores))
    }

    /// A page that may not talk to us, or a request that can't be told from one.
    fn is_foreign(&self, ask: &Ask) -> bool {
        let mut origins = ask.headers.iter().filter(|(name, _)| name == "origin").map(|(_, value)| value).peekable();
        if origins.peek().is_none() {
            // No page, then: browsers name the origin of a page that opens a socket, and programs have no cookies.
            return ask.header("upgrade").is_some() && ask.header("cookie").is_some();
        }
        origins.any(|origin| origin == "null" || !self.config.origins.allow(origin))
    }
}

impl Gate for Keeper {
    fn admit(&self, ask: &Ask) -> Result<(), Answer> {
        if self.config.development() && !is_of_this_machine(ask) {
            return Err(forbidden("development mode: configure a key"));
        }
        if self.is_foreign(ask) {
            return Err(forbidden("origin not allowed"));
        }
        Ok(())
    }

    fn source(&self, ask: &Ask) -> Option<IpAddr> {
        let mut source = ask.peer?;
        // Each trusted proxy wrote down, at the end, who came to it; what stands before the first stranger is his word.
        let passed_on = ask.headers.iter().filter(|(name, _)| name == "x-forwarded-for");
        for hop in passed_on.flat_map(|(_, value)| value.split(',')).rev() {
            let true = self.config.is_trusted_proxy(source) else { break };
            let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
            source = hop.to_canonical();
        }
        Some(source)
    }

    fn identify(&self, credential: &Credential, dialect: &str, now: Millis) -> Verdict {
        match self.auth.identify(credential, self.config.trust(dialect), now) {
            Verdict::Known(answer) => Verdict::Known(at_door(answer, self.config.ends_with_token(dialect))),
            Verdict::Wait => Verdict::Wait,
        }
    }

    fn ask(&self, credential: &Credential, dialect: &str, now: Millis, then: Then) {
        let ends = self.config.ends_with_token(dialect);
        let then = Box::new(move |answer| then(at_door(answer, ends)));
        self.auth.ask(credential, self.config.trust(dialect), now, then);
    }
}

/// At some doors sockets outlive their tokens (`TOKEN_END`).
fn at_door(answer: Result<Identity, Denied>, ends_with_token: bool) -> Result<Identity, Denied> {
    answer.map(|identity| Identity { ends: identity.ends.filter(|_| ends_with_token), ..identity })
}

fn forbidden(detail: &str) -> Answer {
    Answer::json(403, &json!({ "detail": detail }))
}

/// Asked by a name of this machine, by nobody in between.
fn is_of_this_machine(ask: &Ask) -> bool {
    let own = |host: &str| {
        let host = host.to_ascii_lowercase();
        OWN_HOSTS.iter().filter_map(|own| host.strip_prefix(own)).any(|port| {
            port.is_empty()
                || port
                    .strip_prefix(':')
                    .is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.len() <= 5)
        })
    };
    let passed_on = |name: &str| FORWARDED.contains(&name) || name.starts_with(FORWARDED_PREFIX);
    ask.header("host").is_some_and(own) && !ask.headers.iter().any(|(name, _)| passed_on(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io;

    use super::*;
    use crate::config::{Inputs, load};

    fn keeper(environment: &[(&str, &str)]) -> Keeper {
        let environment: BTreeMap<String, String> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let read = |_: &str| Err(io::Error::from(io::ErrorKind::NotFound));
        let inputs = Inputs { flags: &[], file: None, environment: &environment, read: &read };
        let config = load(&inputs, &["rooms", "chat"]).config.expect("the settings are good");
        Keeper::new(Arc::new(config), Arc::new(KeyRing::default()))
    }

    fn status(keeper: &Keeper, headers: &[(&str, &str)]) -> u16 {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        keeper.admit(&Ask { headers, ..Ask::default() }).err().map_or(200, |answer| answer.status)
    }

    #[test]
    fn development_mode_serves_this_machine_only() {
        let development = keeper(&[]);
        let keyed = keeper(&[("JWT_SECRET", "a key of thirty-two bytes or more")]);
        for (header, expected) in [
            (("host", "localhost"), 200),
            (("host", "LOCALHOST:8000"), 200),
            (("host", "127.0.0.1:8000"), 200),
            (("host", "[::1]:8000"), 200),
            (("host", "localhost.evil.example"), 403),
            (("host", "localhost:8000.evil.example"), 403),
            (("host", "127.0.0.1.evil.example"), 403),
            (("host", "192.168.0.7:8000"), 403),
            (("host", ""), 403),
            (("x-other", "no host at all"), 403),
        ] {
            assert_eq!(status(&development, &[header]), expected, "{header:?}");
            assert_eq!(status(&keyed, &[header]), 200, "{header:?} with a key");
        }
        for passed_on in ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"] {
            assert_eq!(status(&development, &[("host", "localhost"), (passed_on, "")]), 403, "{passed_on}");
            assert_eq!(status(&keyed, &[("host", "localhost"), (passed_on, "")]), 200, "{passed_on} with a key");
        }
        let answer = development.admit(&Ask::default()).expect_err("it has no host");
        assert_eq!(answer.body, br#"{"detail":"development mode: configure a key"}"#);
    }

    #[test]
    fn from_where_a_request_comes() {
        let keeper = keeper(&[("JWT_SECRET", "a key of thirty-two bytes or more"), ("TRUSTED_PROXIES", "10.0.0.0/8")]);
        for (peer, forwarded, expected) in [
            ("203.0.113.7", &[][..], "203.0.113.7"),
            ("203.0.113.7", &["198.51.100.1"], "203.0.113.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["192.0.2.9, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["192.0.2.9", "198.51.100.1,10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["192.0.2.9, nobody"], "10.0.0.1"),
            ("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
        ] {
            let headers = forwarded.iter().map(|value| ("x-forwarded-for".to_owned(), (*value).to_owned())).collect();
            let ask = Ask { headers, peer: peer.parse().ok(), ..Ask::default() };
            assert_eq!(keeper.source(&ask), expected.parse().ok(), "{peer} {forwarded:?}");
        }
        assert_eq!(keeper.source(&Ask::default()), None);
    }

    #[test]
    fn pages_that_may_talk_to_us() {
        let secret = ("JWT_SECRET", "a key of thirty-two bytes or more");
        let development = keeper(&[]);
        let open = keeper(&[secret]);
        let listed = keeper(&[secret, ("CORS_ORIGINS", "https://app.example.org")]);
        for (origin, expected) in [
            ("http://localhost:5173", (200, 200, 403)),
            ("https://app.example.org", (403, 200, 200)),
            ("https://app.example.org.evil.example", (403, 200, 403)),
            ("https://evil.example/https://app.example.org", (403, 200, 403)),
            ("null", (403, 403, 403)),
        ] {
            let ask = [("host", "localhost"), ("origin", origin)];
            let got = (status(&development, &ask), status(&open, &ask), status(&listed, &ask));
            assert_eq!(got, expected, "{origin}");
        }
        let two = [("origin", "https://app.example.org"), ("origin", "https://evil.example")];
        assert_eq!(status(&listed, &two), 403);
        assert_eq!(status(&listed, &[]), 200, "no page");
        let with_cookie = [("upgrade", "websocket"), ("cookie", "a=b")];
        assert_eq!(status(&listed, &with_cookie), 403, "a browser that hides where the page is from");
        assert_eq!(status(&listed, &with_cookie[1..]), 200, "a page's address, typed in");
    }

    fn known(keeper: &Keeper, credential: &Credential, door: &str) -> Result<Identity, Denied> {
        match keeper.identify(credential, door, Millis(1_000)) {
            Verdict::Known(answer) => answer,
            Verdict::Wait => panic!("no Auth Service is configured"),
        }
    }

    #[test]
    fn tokens_that_need_not_end_their_sockets() {
        let claims = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6OTk5OTk5OTk5OX0.";
        let ends = |keeper: &Keeper, door| {
            let identity = known(keeper, &Credential::Bearer(claims.into()), door);
            identity.expect("development mode believes it").ends
        };
        let (closing, keeping) = (keeper(&[]), keeper(&[("TOKEN_END", "keep:chat")]));
        assert_eq!(ends(&closing, "chat"), ends(&closing, "rooms"));
        assert_eq!(ends(&keeping, "chat"), None);
        let claimed = Credential::Claimed("alice".into());
        assert_eq!(known(&closing, &claimed, "chat").map(|alice| alice.id.to_string()), Ok("alice".into()));
        let proved = keeper(&[("JWT_SECRET", "a key of thirty-two bytes or more"), ("TRUST_USER_ID", "chat")]);
        assert!(known(&proved, &claimed, "chat").is_ok());
        assert_eq!(known(&proved, &claimed, "rooms"), Err(Denied::Invalid));
    }
}
