//! Ordinary HTTP: whatever a shard reads that is no upgrade to a socket of ours comes here with the bytes read so far,
//! and goes back to a shard when a kept-alive connection asks for a socket later.
//!
//! A small runtime of its own. Files: `rewind` (the stream under hyper), `doors` (REST of the dialects, and the way back
//! to a shard), `calls` (asking the node), `polled` and `connections` (asking
//! a shard), `pages` (our own paths), `docs` (what is described of all of them), `web` (the web client), `guard` (what holds
//! for all of them).

pub mod calls;
mod connections;
pub mod docs;
mod doors;
mod guard;
mod pages;
mod polled;
mod rewind;
mod web;

use std::convert::Infallible;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use dialects::Dialect;
use domain::limits;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, mpsc, watch};

pub use self::connections::Backends;
use self::rewind::Rewind;
use crate::config::Origins;
use crate::handshake;
use crate::shard::Gate;
use crate::threads::Wiring;
use crate::threads::addresses::Seat;

/// Threads of the runtime. HTTP is for REST and operators; sockets don't come by here.
const WORKERS: usize = 2;
/// The longest time until a request's head is here, in ms, and how long an idle connection is kept (THREATS T10).
const HEAD_MS: u64 = 10_000;
/// The longest time until a request's body is here, in ms.
const BODY_MS: u64 = 30_000;
/// What hyper may buffer of a request, in bytes.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Connections handed over that no task has yet.
const HANDED_WAITING_MAX: usize = 1024;

/// A connection for ordinary HTTP.
pub struct Handed {
    /// The socket, non-blocking.
    pub stream: TcpStream,
    /// What was read of it.
    pub read: Vec<u8>,
    /// Its place in its address's count.
    pub seat: Option<Seat>,
}

/// Where shards give connections that ask for no socket. Never blocks.
#[derive(Clone)]
pub struct HttpDoor(mpsc::Sender<Handed>);

impl HttpDoor {
    /// Takes a connection; one too many is told so and closed.
    pub fn hand(&self, handed: Handed) {
        if let Err(error) = self.0.try_send(handed) {
            let (mpsc::error::TrySendError::Full(handed) | mpsc::error::TrySendError::Closed(handed)) = error;
            refuse_busy(&handed.stream);
        }
    }
}

/// What the pages and doors know.
pub struct App {
    /// To everybody.
    pub wiring: Arc<Wiring>,
    /// The doors that are open.
    pub dialects: Arc<Vec<Box<dyn Dialect>>>,
    /// Who is let in.
    pub gate: Arc<dyn Gate>,
    /// Who may reach connections by their names.
    pub backends: Backends,
    /// Which web pages may read our answers.
    pub origins: Origins,
    /// Development mode.
    pub development: bool,
    /// Largest body that is read, in bytes.
    pub body_bytes_max: usize,
    /// Whether metrics are told elsewhere.
    pub metrics_elsewhere: bool,
    /// Whether documents are served.
    pub docs: bool,
    /// Whether browsers get the web client.
    pub web_client: bool,
}

/// The runtime, and what is needed to end it.
pub struct Http {
    runtime: Runtime,
    door: HttpDoor,
    drain: watch::Sender<bool>,
    seats: Arc<Semaphore>,
}

impl Http {
    /// Starts the runtime; connections come through [`Http::door`]. `internal` is a listener for operators.
    ///
    /// # Errors
    /// When the system gives no threads, or two doors are on one path.
    pub fn start(app: App, internal: Option<std::net::TcpListener>) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("http")
            .enable_io()
            .enable_time()
            .build()?;
        let (sender, handed) = mpsc::channel(HANDED_WAITING_MAX);
        let (drain, draining) = watch::channel(false);
        let seats = Arc::new(Semaphore::new(limits::HTTP_CONNECTIONS_MAX));
        let app = Arc::new(app);
        let public = Server { router: public_router(&app, doors::Doors::new(&app)?), draining, seats: seats.clone() };
        if let Some(listener) = internal {
            let server = Server { router: internal_router(&app), ..public.clone() };
            runtime.spawn(async move { server.listen(listener).await });
        }
        runtime.spawn(public.run(handed));
        Ok(Self { runtime, door: HttpDoor(sender), drain, seats })
    }

    /// Where shards give connections.
    #[must_use]
    pub fn door(&self) -> HttpDoor {
        self.door.clone()
    }

    /// For the main thread to wait on.
    #[must_use]
    pub fn handle(&self) -> &tokio::runtime::Handle {
        self.runtime.handle()
    }

    /// Answers what is under way, at most this long, and ends.
    pub fn stop(self, most: Duration) {
        // Nobody listens when no connection is left; that is well too.
        let _ = self.drain.send(true);
        let all = u32::try_from(limits::HTTP_CONNECTIONS_MAX).unwrap_or(u32::MAX);
        self.runtime.block_on(async {
            let _ = tokio::time::timeout(most, self.seats.acquire_many(all)).await;
        });
        self.runtime.shutdown_timeout(Duration::from_millis(100));
    }
}

/// What a connection's task keeps for the way back to a shard.
#[derive(Clone)]
pub(super) struct Origin {
    returning: Arc<AtomicBool>,
    seat: Arc<Mutex<Option<Seat>>>,
}

#[derive(Clone)]
struct Server {
    router: Router,
    draining: watch::Receiver<bool>,
    seats: Arc<Semaphore>,
}

impl Server {
    async fn run(self, mut handed: mpsc::Receiver<Handed>) {
        while let Some(handed) = handed.recv().await {
            self.take(handed);
        }
    }

    async fn listen(self, listener: std::net::TcpListener) {
        let listener = match listener.set_nonblocking(true).and_then(|()| tokio::net::TcpListener::from_std(listener)) {
            Ok(listener) => listener,
            Err(error) => return tracing::error!(%error, "The internal listener can't be used."),
        };
        loop {
            match listener.accept().await.and_then(|(stream, _)| stream.into_std()) {
                Ok(stream) => self.take(Handed { stream, read: Vec::new(), seat: None }),
                Err(error) => {
                    tracing::warn!(%error, "No connection can be accepted on the internal listener just now.");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn take(&self, handed: Handed) {
        let Ok(permit) = self.seats.clone().try_acquire_owned() else { return refuse_busy(&handed.stream) };
        let server = self.clone();
        tokio::spawn(async move {
            server.serve(handed).await;
            drop(permit);
        });
    }

    async fn serve(mut self, handed: Handed) {
        let Handed { stream, read, seat } = handed;
        let Ok(stream) = tokio::net::TcpStream::from_std(stream) else { return };
        let origin = Origin { returning: Arc::default(), seat: Arc::new(Mutex::new(seat)) };
        let io = TokioIo::new(Rewind::new(stream, read, origin.returning.clone()));
        let router = TowerToHyperService::new(self.router.clone());
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(origin.clone());
            let answer = hyper::service::Service::call(&router, request.map(Body::new));
            async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(HEAD_MS))
            .max_headers(handshake::HEADERS_MAX)
            .max_buf_size(BUFFER_BYTES_MAX)
            .serve_connection(io, service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        // How it ended is the peer's business: what went wrong on our side was logged where it did.
        let ended = tokio::select! {
            _ = connection.as_mut() => true,
            () = drained(&mut self.draining) => false,
        };
        if !ended {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Waits for the drain to begin.
async fn drained(draining: &mut watch::Receiver<bool>) {
    // The sender lives as long as the runtime.
    let _ = draining.wait_for(|draining| *draining).await;
}

fn public_router(app: &Arc<App>, doors: doors::Doors) -> Router {
    let router = Router::new()
        .route("/", get(pages::home))
        .route("/health", get(pages::health))
        .route("/ready", get(pages::ready));
    let router = if app.metrics_elsewhere { router } else { router.route("/metrics", get(pages::metrics)) };
    let router = if app.docs { docs::mount(router, app) } else { router };
    let router = if app.web_client { web::with_assets(router) } else { router };
    let doors = Arc::new(doors);
    let router = router
        .fallback(move |request| doors::answer(doors.clone(), request))
        .method_not_allowed_fallback(pages::method_not_allowed)
        .with_state(app.clone());
    guard::all(router, app)
}

/// Pages for operators, for whoever reaches that listener.
fn internal_router(app: &Arc<App>) -> Router {
    Router::new()
        .route("/health", get(pages::health))
        .route("/ready", get(pages::ready))
        .route("/metrics", get(pages::metrics))
        .fallback(async || pages::not_found())
        .method_not_allowed_fallback(pages::method_not_allowed)
        .with_state(app.clone())
}

/// Tells one too many so, if its buffer takes it, and closes.
fn refuse_busy(mut stream: &TcpStream) {
    let busy = handshake::refusal(
        503,
        &[("Content-Type", "application/json"), ("Retry-After", "1")],
        r#"{"detail":"Too many connections"}"#,
    );
    // It is closed either way.
    let _ = stream.write(&busy);
}

/// The address that an internal listener is on, probed like the public ones.
///
/// # Errors
/// When it is taken or not ours.
pub fn listen_internal(address: SocketAddr) -> anyhow::Result<std::net::TcpListener> {
    use anyhow::Context as _;
    std::net::TcpListener::bind(address).with_context(|| format!("listening on {address} (INTERNAL_LISTEN)"))
}
