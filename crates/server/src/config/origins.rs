//! Which web pages may talk to us (RULES 25, THREATS T5): for CORS and for every check of an `Origin`. A list is
//! compared as a whole, never by prefix or pattern.

/// Origins of browsers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Pages served from this machine, on any port: development mode.
    Loopback,
    /// All, without credentials: no cookie ever authenticates here.
    Any,
    /// These.
    These(Vec<String>),
}

impl Origins {
    /// Whether a page of this origin may. A request without an origin comes from no page, and isn't asked about here.
    #[must_use]
    pub fn allow(&self, origin: &str) -> bool {
        match self {
            Self::Loopback => is_loopback(origin),
            Self::Any => true,
            Self::These(list) => list.iter().any(|one| one == origin),
        }
    }

    /// Whether a page at this address may run an answer of ours as a script. Browsers name no origin when they fetch one,
    /// so what CORS says of reading has to be said by the page's address (`Referer`); who hides it, or has none, may only
    /// where everybody may.
    #[must_use]
    pub fn allow_script(&self, page: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Loopback | Self::These(_) => page.is_some_and(|page| self.allow(origin_of(page))),
        }
    }
}

/// An address without its path.
fn origin_of(address: &str) -> &str {
    let host = address.find("://").map_or(0, |at| at + 3);
    let end = address[host..].find(['/', '?', '#']).map_or(address.len(), |at| host + at);
    &address[..end]
}

/// `*`, or a list of `scheme://host[:port]` as browsers write them.
pub(super) fn read(list: &[String]) -> Result<Origins, String> {
    if list.iter().any(|one| one == "*") {
        return if list.len() == 1 { Ok(Origins::Any) } else { Err("`*` stands alone or not at all".into()) };
    }
    list.iter().map(|one| origin(one)).collect::<Result<_, _>>().map(Origins::These)
}

fn origin(text: &str) -> Result<String, String> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let host = text.split_once("://").filter(|(scheme, _)| !scheme.is_empty()).map(|(_, host)| host);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    match host {
        Some(host) if !host.is_empty() && host.bytes().all(plain) => Ok(text.to_ascii_lowercase()),
        _ => Err("must be `*` or a list of origins such as https://app.example.org, without paths or patterns".into()),
    }
}

fn is_loopback(origin: &str) -> bool {
    let Some(rest) = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) else { return false };
    ["localhost", "127.0.0.1", "[::1]"].iter().filter_map(|host| rest.strip_prefix(host)).any(|port| {
        port.is_empty()
            || port.strip_prefix(':').is_some_and(|port| !port.starts_with('+') && port.parse::<u16>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes() {
        let list = ["https://app.example.org/".to_owned(), "http://Localhost:5173".to_owned()];
        let these = read(&list).unwrap();
        // (origin, on the list, loopback)
        for (origin, listed, loopback) in [
            ("https://app.example.org", true, false),
            ("http://localhost:5173", true, true),
            ("http://localhost", false, true),
            ("https://127.0.0.1:3000", false, true),
            ("http://[::1]:65535", false, true),
            ("null", false, false),
            ("", false, false),
            ("*", false, false),
            ("http://app.example.org", false, false),
            ("https://app.example.org:443", false, false),
            ("https://app.example.org.evil.example", false, false),
            ("https://evil-app.example.org", false, false),
            ("https://app.example.org/", false, false),
            ("https://app.example.org@evil.example", false, false),
            ("https://appxexample.org", false, false),
            ("http://localhost.evil.example", false, false),
            ("http://localhost:5173.evil.example", false, false),
            ("http://localhost:99999", false, false),
            ("http://localhost:", false, false),
            ("http://localhost:+80", false, false),
            ("http://127.0.0.1.evil.example", false, false),
            ("http://evil.example/localhost", false, false),
            ("file://localhost", false, false),
        ] {
            assert_eq!((these.allow(origin), Origins::Loopback.allow(origin)), (listed, loopback), "{origin}");
            assert!(Origins::Any.allow(origin));
        }
    }

    #[test]
    fn pages_that_may_run_our_scripts() {
        let these = read(&["https://app.example.org".to_owned()]).unwrap();
        // (page, on the list, loopback)
        for (page, listed, loopback) in [
            (Some("https://app.example.org/chat?room=1"), true, false),
            (Some("https://app.example.org/"), true, false),
            (Some("https://app.example.org"), true, false),
            (Some("http://localhost:5173/a/b"), false, true),
            (Some("https://app.example.org.evil.example/"), false, false),
            (Some("https://app.example.org@evil.example/"), false, false),
            (Some("https://evil.example/https://app.example.org"), false, false),
            (Some("https://evil.example/?http://localhost"), false, false),
            (Some("http://localhost:80@evil.example/"), false, false),
            (Some("about:blank"), false, false),
            (Some("null"), false, false),
            (Some(""), false, false),
            (None, false, false),
        ] {
            assert_eq!(
                (these.allow_script(page), Origins::Loopback.allow_script(page)),
                (listed, loopback),
                "{page:?}"
            );
            assert!(Origins::Any.allow_script(page), "everybody may read there anyway");
        }
    }

    #[test]
    fn what_can_be_listed() {
        let read = |text: &str| read(&super::super::parse::list(text).unwrap()).is_ok();
        for (text, good) in [
            ("*", true),
            ("https://a.example,capacitor://localhost", true),
            ("*,https://a.example", false),
            ("https://*.example.org", false),
            ("a.example", false),
            ("https://a.example/path", false),
            ("https://", false),
            ("://a", false),
            ("null", false),
        ] {
            assert_eq!(read(text), good, "{text}");
        }
    }
}
