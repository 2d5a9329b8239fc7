//! What holds for every request over ordinary HTTP, whatever its path: one Host, a target that is a path, the gate, CORS
//! for web pages, and headers that keep browsers from guessing.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, LINK, REFERRER_POLICY,
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use dialects::Ask;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{App, pages};
use crate::config::Origins;

/// How long a browser may remember what a preflight said.
const PREFLIGHT_SECONDS: u64 = 600;

/// Puts the guard before everything.
pub(super) fn all(router: Router, app: &Arc<App>) -> Router {
    router.layer(cors(&app.origins)).layer(from_fn_with_state(app.clone(), admit)).layer(from_fn(dress))
}

/// RULES 25. No credentials are ever allowed: no cookie authenticates here.
fn cors(origins: &Origins) -> CorsLayer {
    let allowed = match origins {
        Origins::Any => AllowOrigin::any(),
        Origins::Loopback | Origins::These(_) => {
            let origins = origins.clone();
            AllowOrigin::predicate(move |origin, _| origin.to_str().is_ok_and(|origin| origins.allow(origin)))
        }
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            HeaderName::from_static("x-api-key"),
            HeaderName::from_static("x-username"),
            HeaderName::from_static("x-user-id"),
        ])
        .expose_headers([LINK, RETRY_AFTER])
        .max_age(std::time::Duration::from_secs(PREFLIGHT_SECONDS))
}

async fn admit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if let Some(wrong) = ambiguous(&request) {
        return pages::detail(StatusCode::BAD_REQUEST, wrong);
    }
    let ask = ask_of(&request);
    match app.gate.admit(&ask) {
        Ok(()) => next.run(request).await,
        Err(answer) => pages::answer(answer),
    }
}

/// What a proxy before us may have read differently (THREATS T24). A connection's first head was held to the same by the
/// shard that read it. `Content-Length` beside `Transfer-Encoding` can't be seen here: hyper drops the former, reads by the
/// latter and closes behind the answer (RFC 9112, 6.3), so nothing can be smuggled.
fn ambiguous(request: &Request) -> Option<&'static str> {
    let headers = request.headers();
    let hosts = headers.get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Some("exactly one Host is needed");
    }
    (request.uri().scheme().is_some() || !request.uri().path().starts_with('/')).then_some("the target is not a path")
}

/// The request's head, as dialects and the gate see it.
pub(super) fn ask_of(request: &Request) -> Ask {
    Ask {
        method: request.method().as_str().to_owned(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        headers: texts(request.headers()),
        ..Ask::default()
    }
}

/// Names in lower case, in the order sent; what is not UTF-8 in a value is replaced.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// Headers of every answer (THREATS T20).
async fn dress(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let policy = HeaderValue::from_static("default-src 'self'; frame-ancestors 'none'; base-uri 'none'");
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    if headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_some_and(|origin| origin == "null") {
        headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
    }
    response
}
