//! Our own paths, and the words of answers that belong to no dialect.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use dialects::{Answer, Way, format};
use hyper::body::{Bytes, Frame};
use serde::Serialize;
use serde_json::json;

use super::{App, web};
use crate::{SERVICE, VERSION};

/// The body of `/`.
#[derive(Serialize)]
struct Home {
    service: &'static str,
    version: &'static str,
    status: &'static str,
    message: &'static str,
    dev_mode: bool,
    endpoints: BTreeMap<&'static str, Vec<String>>,
}

/// The body of `/health`.
#[derive(Serialize)]
struct Health {
    status: &'static str,
    service: &'static str,
    version: &'static str,
    active_connections: usize,
    active_rooms: usize,
    timestamp: String,
}

/// What it is, for whoever asks.
pub(super) async fn home(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let mut response = if accepts.contains("text/html") {
        if app.web_client { web::page() } else { Html(HOME).into_response() }
    } else {
        Json(Home {
            service: SERVICE,
            version: VERSION,
            status: "running",
            message: "Switchboard, a real-time messaging server",
            dev_mode: app.development,
            endpoints: endpoints(&app),
        })
        .into_response()
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// Each dialect's paths, by its name.
fn endpoints(app: &App) -> BTreeMap<&'static str, Vec<String>> {
    let of = |way: Way| match way {
        Way::Socket(path) => format!("WS {path}"),
        Way::Polled(path) => format!("GET, POST {path}"),
        Way::Connections(path) => format!("POST, GET, DELETE {path}"),
        Way::Rest(rest) => format!("{} {}", rest.method, rest.path),
    };
    app.dialects.iter().map(|dialect| (dialect.name(), dialect.doors().into_iter().map(of).collect())).collect()
}

/// Whether it lives (RULES 24).
pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    let (connections, rooms) = app.wiring.health.counts();
    uncached(Json(Health {
        status: "healthy",
        service: SERVICE,
        version: VERSION,
        active_connections: connections,
        active_rooms: rooms,
        timestamp: time(&app),
    }))
}

/// Whether new clients should come here.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let health = &app.wiring.health;
    let (status, says) = if health.ready(app.wiring.clock.now()) {
        (StatusCode::OK, "ready")
    } else if health.draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the store can't be written")
    };
    uncached((status, Json(json!({ "status": says, "timestamp": time(&app) }))))
}

/// Metrics in the text form of OpenMetrics (RULES 28).
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    match crate::metrics::text(&app.wiring.health, &app.dialects) {
        Ok(text) => uncached(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)),
        Err(error) => {
            tracing::error!(%error, "Metrics could not be written.");
            detail(StatusCode::INTERNAL_SERVER_ERROR, "internal")
        }
    }
}

fn time(app: &App) -> String {
    format::time(app.wiring.clock.now())
}

fn uncached(response: impl IntoResponse) -> Response {
    ([(CACHE_CONTROL, "no-store")], response).into_response()
}

/// An unknown path (RULES 24).
pub(super) fn not_found() -> Response {
    let body = r#"{"detail":"Not Found","success":false,"message":"Route not found"}"#;
    (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// A known path with another method; the allowed ones are in the header already.
pub(super) async fn method_not_allowed() -> Response {
    detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}

/// An answer in words of no dialect.
pub(super) fn detail(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({ "detail": detail }))).into_response()
}

/// A dialect's answer.
pub(super) fn answer(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = if status == StatusCode::NOT_MODIFIED { Body::new(Untold) } else { Body::from(answer.body) };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    if !answer.content_type.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    }
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    response
}

/// The body that who asks has already. Not an empty one: its length, which is not told here, is another (RFC 9110, 8.6).
struct Untold;

impl hyper::body::Body for Untold {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }
}

/// For browsers where there is no web client.
const HOME: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Switchboard</title>
<h1>Switchboard</h1>
<p>A real-time messaging server is running here.</p>
<ul>
<li><a href=\"/health\">/health</a>: whether it lives</li>
<li><a href=\"/ready\">/ready</a>: whether new clients should come here</li>
</ul>
<p>Its doors, and what they are for, are listed at this very address for programs: <code>curl</code> it.</p>
</html>
";
