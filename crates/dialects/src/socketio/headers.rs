//! What every answer of REST has beside its words, as the contract's framework has it: the headers that keep browsers from
//! guessing, a tag of the body, and no body for who has it already.
//!
//! A request is conditional as `fresh` 0.5 reads it, which Express 4 asks: `Cache-Control: no-cache` and any
//! `If-Modified-Since` (nothing here has a date) want the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::{Answer, Ask};

/// The default headers of helmet 7.
const HELMET: [(&str, &str); 12] = [
    (
        "Content-Security-Policy",
        "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';\
         img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';\
         style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests",
    ),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Origin-Agent-Cluster", "?1"),
    ("Referrer-Policy", "no-referrer"),
    ("Strict-Transport-Security", "max-age=15552000; includeSubDomains"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-DNS-Prefetch-Control", "off"),
    ("X-Download-Options", "noopen"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("X-Permitted-Cross-Domain-Policies", "none"),
    ("X-XSS-Protection", "0"),
];

/// Characters of a tag's hash.
const HASH_CHARS: usize = 27;

/// The answer to this request as it goes out.
pub(super) fn dressed(ask: &Ask, answer: Answer) -> Answer {
    let tag = tag(&answer.body);
    let good = (200..300).contains(&answer.status);
    let known = good && matches!(ask.method.as_str(), "GET" | "HEAD") && is_fresh(ask, &tag);
    let answer = HELMET.iter().fold(answer, |answer, (name, value)| answer.with(name, *value)).with("ETag", tag);
    if !known {
        return answer;
    }
    Answer { status: 304, content_type: "", body: Vec::new(), ..answer }
}

/// A weak tag: the body's length and hash.
fn tag(body: &[u8]) -> String {
    let hash = STANDARD_NO_PAD.encode(sha1_smol::Sha1::from(body).digest().bytes());
    format!("W/\"{:x}-{}\"", body.len(), &hash[..HASH_CHARS])
}

/// Whether who asks has what bears this tag.
fn is_fresh(ask: &Ask, tag: &str) -> bool {
    let all = |name| {
        let values = ask.headers.iter().filter(move |(given, _)| given == name);
        values.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    };
    let known = all("if-none-match");
    let reloads = all("cache-control").split(',').any(|directive| directive.trim() == "no-cache");
    if known.is_empty() || reloads || ask.header("if-modified-since").is_some_and(|date| !date.is_empty()) {
        return false;
    }
    let strong = tag.strip_prefix("W/").unwrap_or(tag);
    let is_it = |one: &str| one == tag || one == strong || one.strip_prefix("W/") == Some(tag);
    known == "*" || known.split(',').any(|one| is_it(one.trim_matches(' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: &str = r#"{"success":true,"data":{"count":1}}"#;
    const COUNT_TAG: &str = r#"W/"23-sVNdPwYucKiZx+sWLm+VEJxrKB0""#;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { content_type: "application/json; charset=utf-8", body: body.into(), ..Answer::json(status, &()) }
    }

    /// What an Express 4.22.3 with helmet 7.2.0 answers with these bodies.
    #[test]
    fn headers_as_the_framework_has_them() {
        for (method, status, body, tag) in [
            ("GET", 200, COUNT, COUNT_TAG),
            ("POST", 201, COUNT, COUNT_TAG),
            (
                "GET",
                200,
                r#"{"success":true,"data":[{"content":"grüße 🚀"}],"pagination":{"limit":50,"offset":0,"total":0}}"#,
                r#"W/"63-hAOjeuVwGCEnSFL/dXkhi5Sg+a4""#,
            ),
            (
                "GET",
                401,
                r#"{"success":false,"message":"Access denied. No token provided."}"#,
                r#"W/"3f-y8SLTY/iIFOhV6YQ0m51m2/wHqo""#,
            ),
        ] {
            let dressed = dressed(&Ask { method: method.into(), ..Ask::default() }, answer(status, body));
            let headers: String = dressed.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
            let wanted = "\
Content-Security-Policy: default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests
Cross-Origin-Opener-Policy: same-origin
Cross-Origin-Resource-Policy: same-origin
Origin-Agent-Cluster: ?1
Referrer-Policy: no-referrer
Strict-Transport-Security: max-age=15552000; includeSubDomains
X-Content-Type-Options: nosniff
X-DNS-Prefetch-Control: off
X-Download-Options: noopen
X-Frame-Options: SAMEORIGIN
X-Permitted-Cross-Domain-Policies: none
X-XSS-Protection: 0
";
            assert_eq!(headers, format!("{wanted}ETag: {tag}\n"));
            assert_eq!((dressed.status, dressed.body.as_slice()), (status, body.as_bytes()));
            assert_eq!(dressed.content_type, "application/json; charset=utf-8");
        }
    }

    /// What the same server answers who has the first of these bodies.
    #[test]
    fn who_has_it_already() {
        let (no_cache, dated) = (("cache-control", "no-cache"), "Sat, 28 Nov 2026 00:00:00 GMT");
        let (strong, twice) = (&COUNT_TAG[2..], format!("W/{COUNT_TAG}"));
        let (listed, lower) = (format!("\"x\",  {COUNT_TAG} , W/\"y\""), COUNT_TAG.to_ascii_lowercase());
        let tabbed = format!("\"x\",\t{COUNT_TAG}");
        let tag = |value| ("if-none-match", value);
        for (method, status, headers, expected) in [
            ("GET", 200, &[][..], 200),
            ("GET", 200, &[tag(COUNT_TAG)], 304),
            ("HEAD", 200, &[tag(COUNT_TAG)], 304),
            ("POST", 201, &[tag(COUNT_TAG)], 201),
            ("GET", 401, &[tag("*")], 401),
            ("GET", 200, &[tag(strong)], 304),
            ("GET", 200, &[tag(&twice)], 304),
            ("GET", 200, &[tag(&listed)], 304),
            ("GET", 200, &[tag("\"x\""), tag(COUNT_TAG)], 304),
            ("GET", 200, &[tag("*")], 304),
            ("GET", 200, &[tag("\"x\", *")], 200),
            ("GET", 200, &[tag("W/\"x\"")], 200),
            ("GET", 200, &[tag(&lower)], 200),
            ("GET", 200, &[tag(&tabbed)], 200),
            ("GET", 200, &[tag("")], 200),
            ("GET", 200, &[tag(COUNT_TAG), no_cache], 200),
            ("GET", 200, &[tag(COUNT_TAG), ("cache-control", "max-age=0, no-cache")], 200),
            ("GET", 200, &[tag(COUNT_TAG), ("cache-control", "max-age=0"), no_cache], 200),
            ("GET", 200, &[tag(COUNT_TAG), ("cache-control", "no-cache=\"x\"")], 304),
            ("GET", 200, &[tag(COUNT_TAG), ("cache-control", "No-Cache")], 304),
            ("GET", 200, &[tag(COUNT_TAG), ("cache-control", "max-age=0")], 304),
            ("GET", 200, &[tag(COUNT_TAG), ("if-modified-since", dated)], 200),
            ("GET", 200, &[("if-modified-since", dated)], 200),
            ("GET", 200, &[tag(COUNT_TAG), ("if-modified-since", "")], 304),
        ] {
            let given = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let dressed =
                dressed(&Ask { method: method.into(), headers: given, ..Ask::default() }, answer(status, COUNT));
            assert_eq!(dressed.status, expected, "{method} {headers:?}");
            assert_eq!(dressed.headers.len(), HELMET.len() + 1, "and the headers are there all the same");
            let sent = (dressed.content_type.is_empty(), dressed.body.is_empty());
            assert_eq!(sent, (expected == 304, expected == 304), "{method} {headers:?}");
        }
    }
}
