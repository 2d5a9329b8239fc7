//! What is described of all paths and sockets, for anybody: `/openapi.json`, `/asyncapi.yaml`, and `/docs` to be read. Made
//! once, when the server starts; no page loads anything from elsewhere, and none runs a script.

mod page;

use std::sync::Arc;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dialects::Dialect;
use dialects::spec::{self, Node, yaml};
use sha1_smol::Sha1;

use super::{App, web};
use crate::VERSION;

/// The server's own pages, described as dialects describe theirs (`dialects::spec`).
pub const OWN: &str = include_str!("docs/own.json");
const STYLE: &str = include_str!("docs/style.css");

/// Where documents are.
pub(super) const PATHS: [&str; 4] = ["/openapi.json", "/asyncapi.yaml", "/docs", "/docs/style.css"];

/// More than the guard's: nothing but our stylesheet.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// Asked again each time, and sent again only when it is another one.
const CACHE: &str = "no-cache";

/// A document as it is served.
struct Document {
    content_type: &'static str,
    text: String,
    etag: HeaderValue,
}

impl Document {
    fn new(content_type: &'static str, text: String) -> Self {
        let digest = Sha1::from(&text).digest();
        let etag = HeaderValue::try_from(format!("\"{digest}\"")).expect("digits and quotes make a header");
        Self { content_type, text, etag }
    }

    /// Sent, unless whoever asks has it already.
    fn answer(&self, headers: &HeaderMap) -> Response {
        let held = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = held.flat_map(|value| value.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
        let has_it = tags.any(|tag| tag == "*" || tag.as_bytes() == self.etag.as_bytes());
        let mut response = if has_it {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(CONTENT_TYPE, self.content_type)], self.text.clone()).into_response()
        };
        let head = response.headers_mut();
        head.insert(ETAG, self.etag.clone());
        head.insert(CACHE_CONTROL, HeaderValue::from_static(CACHE));
        head.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        response
    }
}

/// OpenAPI of a server with these dialects, without those of its own pages that aren't there (`/metrics`).
fn openapi(dialects: &[Box<dyn Dialect>], absent: &[&str]) -> Node {
    let mut own = Node::read(OWN);
    if let Some(Node::Map(mut operations)) = own.get("operations").cloned() {
        operations.retain(|(name, _)| !absent.iter().any(|path| name.strip_prefix("GET ") == Some(*path)));
        own.set("operations", Node::Map(operations));
    }
    spec::openapi(dialects, &own.pretty(), VERSION)
}

fn documents(dialects: &[Box<dyn Dialect>], absent: &[&str]) -> [(&'static str, Document); PATHS.len()] {
    let openapi = openapi(dialects, absent);
    let asyncapi = spec::asyncapi(dialects, VERSION);
    let [openapi_path, asyncapi_path, page_path, style_path] = PATHS;
    [
        (page_path, Document::new("text/html; charset=utf-8", page::write(&openapi, &asyncapi))),
        (openapi_path, Document::new("application/json", openapi.pretty())),
        (asyncapi_path, Document::new("application/yaml", yaml::write(&asyncapi))),
        (style_path, Document::new("text/css; charset=utf-8", STYLE.to_owned())),
    ]
}

/// Puts the documents on their paths.
pub(super) fn mount(mut router: Router<Arc<App>>, app: &Arc<App>) -> Router<Arc<App>> {
    let missing = [(app.metrics_elsewhere, "/metrics"), (!app.web_client, web::ASSETS_PATH)];
    let absent: Vec<&str> = missing.iter().filter(|(is_absent, _)| *is_absent).map(|(_, path)| *path).collect();
    for (path, document) in documents(&app.dialects, &absent) {
        let document = Arc::new(document);
        router = router.route(path, get(async move |headers: HeaderMap| document.answer(&headers)));
    }
    router
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dialects::{Settings, registry};

    use super::*;
    use crate::http::doors;

    #[test]
    fn our_own_pages_are_described_and_no_others() {
        let own = Node::read(OWN);
        let operations = own.get("operations").expect("it has operations").entries();
        let described: BTreeSet<&str> = operations.iter().map(|(name, _)| name.as_str()).collect();
        let paths = doors::OWN.iter().chain(&PATHS).chain([&web::ASSETS_PATH]);
        let declared = paths.map(|path| format!("GET {path}")).collect::<Vec<_>>();
        assert_eq!(described, declared.iter().map(String::as_str).collect());
    }

    #[test]
    fn documents_are_sent_once() {
        let document = Document::new("application/json", "{}".into());
        let asked = |tag: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::try_from(tag).expect("a header"));
            document.answer(&headers).status().as_u16()
        };
        let etag = document.etag.to_str().expect("it is text").to_owned();
        let first = document.answer(&HeaderMap::new());
        assert_eq!((first.status().as_u16(), first.headers().get(ETAG)), (200, Some(&document.etag)));
        assert_eq!(first.headers()[CONTENT_SECURITY_POLICY], POLICY);
        for (tag, expected) in [
            (etag.as_str(), 304),
            (&format!("W/{etag}"), 304),
            (&format!("\"x\", {etag}"), 304),
            ("*", 304),
            ("\"x\"", 200),
            (&etag[..5], 200),
        ] {
            assert_eq!(asked(tag), expected, "{tag}");
        }
    }

    #[test]
    fn the_page_shows_every_path_and_nothing_runs_on_it() {
        let dialects = registry(&Settings { chat_path: "/talk<&".into(), ..Settings::default() });
        let openapi = openapi(&dialects, &["/metrics"]);
        let paths = openapi.get("paths").expect("it has paths").entries();
        assert!(paths.len() > 30 && !paths.iter().any(|(path, _)| path == "/metrics"));
        let [(_, page), ..] = documents(&dialects, &[]);
        for (path, _) in paths {
            assert!(page.text.contains(&page::escaped(path)), "{path}");
        }
        assert!(page.text.contains("/talk&lt;&amp;") && !page.text.contains("/talk<"));
        for forbidden in ["<script", " style=", " onclick=", "http://", "https://"] {
            assert!(
                !page
                    .text
                    .replace("https://errors.pydantic.dev", "")
                    .replace("https://example.com", "")
                    .contains(forbidden),
                "{forbidden}"
            );
        }
    }
}
