//! A request as a dialect sees it, and the answer it gives: plain data, the same for a socket's upgrade and for REST.

use std::borrow::Cow;
use std::net::IpAddr;

use domain::refusal::Refusal;
use percent_encoding::percent_decode_str;

/// A request: its head, what its path captured, and its body (empty for a socket).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ask {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The query without its question mark, as sent.
    pub query: String,
    /// The headers, names in lower case, in the order sent.
    pub headers: Vec<(String, String)>,
    /// What the pattern's braces captured, percent-decoded, in their order.
    pub captured: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
    /// From which address it comes, where that is known: the other end of its socket, or who is behind a proxy that the
    /// operator trusts (THREATS T24).
    pub peer: Option<IpAddr>,
}

impl Ask {
    /// The first header of this name (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The first query parameter of this name, decoded as a form is (`+` is a space). None when it isn't UTF-8.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_form(key)? == name).then(|| decode_form(value))?
        })
    }

    /// Every query parameter, decoded as a form is, in the order sent. Those that aren't UTF-8 are left out.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, String)> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        pairs
            .filter_map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode_form(key)?, decode_form(value)?))
            })
            .collect()
    }

    /// The token of `Authorization: Bearer`, when the header is there with that scheme (in any case).
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|token| !token.is_empty())
    }

    /// The token in `Sec-WebSocket-Protocol: bearer, <token>`, for browsers, which can't set headers.
    #[must_use]
    pub fn protocol_bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("sec-websocket-protocol")?.split_once(',')?;
        scheme.trim().eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|token| !token.is_empty())
    }

    /// Takes the path apart by `pattern`: true when it fits, and the captures are filled in.
    ///
    /// A pattern's segments are literal, `{name}` or `{name:int}`. A captured segment is decoded, never empty and valid
    /// UTF-8; the last kind takes decimal digits only, and leaves other names there to other doors.
    pub fn captures(&mut self, pattern: &str) -> bool {
        let mut captured = Vec::new();
        let (mut given, mut wanted) = (self.path.split('/'), pattern.split('/'));
        loop {
            match (given.next(), wanted.next()) {
                (None, None) => break,
                (Some(segment), Some(want)) if want.starts_with('{') => {
                    match percent_decode_str(segment).decode_utf8() {
                        Ok(text) if takes(want, &text) => captured.push(text.into_owned()),
                        Ok(_) | Err(_) => return false,
                    }
                }
                (Some(segment), Some(want)) if segment == want => {}
                _ => return false,
            }
        }
        self.captured = captured;
        true
    }
}

/// Whether a pattern's segment in braces takes this text.
fn takes(want: &str, text: &str) -> bool {
    !text.is_empty() && (!want.ends_with(":int}") || text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn decode_form(text: &str) -> Option<String> {
    let spaced: Cow<'_, str> = if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    percent_decode_str(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers beside `Content-Type`, `Content-Length`, `Connection` and `Date`.
    pub headers: Vec<(&'static str, String)>,
    /// What the body is; empty where there can be none.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer with a JSON body.
    ///
    /// # Panics
    /// Never: the wire structs that are given here have text keys and no failing serialisers.
    #[must_use]
    pub fn json(status: u16, body: &impl serde::Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("wire structs have text keys and no failing serialisers");
        Self { status, headers: Vec::new(), content_type: "application/json", body }
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same answer, saying when to try again where a refusal has a time for that.
    #[must_use]
    pub fn retry(self, refusal: &Refusal) -> Self {
        match refusal.retry_after() {
            Some(seconds) => self.with("Retry-After", seconds.to_string()),
            None => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(path: &str, query: &str) -> Ask {
        Ask { method: "GET".into(), path: path.into(), query: query.into(), ..Ask::default() }
    }

    #[test]
    fn paths_are_taken_apart_by_segments() {
        for (pattern, path, expected) in [
            ("/ws/rooms/{id}", "/ws/rooms/lobby", Some(vec!["lobby"])),
            ("/ws/rooms/{id}", "/ws/rooms/GUILD%23g%20x", Some(vec!["GUILD#g x"])),
            ("/ws/rooms/{id}", "/ws/rooms/a%2Fb", Some(vec!["a/b"])),
            ("/ws/rooms/{id}", "/ws/rooms/", None),
            ("/ws/{id:int}", "/ws/12", Some(vec!["12"])),
            ("/ws/{id:int}", "/ws/007", Some(vec!["007"])),
            ("/ws/{id:int}", "/ws/chat", None),
            ("/ws/{id:int}", "/ws/-1", None),
            ("/ws/{id:int}", "/ws/1a", None),
            ("/ws/{id:int}", "/ws/", None),
            ("/ws/{id:int}", "/ws/1/2", None),
            ("/ws/rooms/{id}", "/ws/rooms/a/b", None),
            ("/ws/rooms/{id}", "/ws/rooms/%ff", None),
            ("/guilds/{id}/members/{user}", "/guilds/g/members/u", Some(vec!["g", "u"])),
            ("/health", "/health", Some(vec![])),
            ("/health", "/health/", None),
        ] {
            let mut ask = ask(path, "");
            let expected = expected.map(|texts| texts.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(ask.captures(pattern).then_some(ask.captured), expected, "{path} by {pattern}");
        }
    }

    #[test]
    fn parameters_are_decoded_as_forms_are() {
        for (query, expected) in [
            ("token=abc", Some("abc")),
            ("a=1&token=a%2Bb+c", Some("a+b c")),
            ("token", Some("")),
            ("token=", Some("")),
            ("token=%ff", None),
            ("Token=abc", None),
            ("", None),
        ] {
            assert_eq!(ask("/", query).parameter("token").as_deref(), expected, "{query:?}");
        }
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let all = ask("/", "a=1&b&&a=x+y&c=%ff").parameters();
        assert_eq!(all, [pair("a", "1"), pair("b", ""), pair("a", "x y")]);
    }

    #[test]
    fn tokens_are_found_in_headers() {
        let with = |name: &str, value: &str| Ask { headers: vec![(name.into(), value.into())], ..Ask::default() };
        for (value, expected) in
            [("Bearer t", Some("t")), ("bearer  t", Some("t")), ("Basic t", None), ("Bearer", None), ("Bearer ", None)]
        {
            assert_eq!(with("authorization", value).bearer(), expected, "{value:?}");
        }
        for (value, expected) in [("bearer, t", Some("t")), ("bearer,t", Some("t")), ("chat", None), ("bearer,", None)]
        {
            assert_eq!(with("sec-websocket-protocol", value).protocol_bearer(), expected, "{value:?}");
        }
    }
}
