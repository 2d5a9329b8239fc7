//! `serve`: from a configuration to a server, and from a signal to its end. Everything behind the doors is there before
//! they open, and the doors close before anything behind them ends.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use adapters::feed::{self, BrokerUrl};
use adapters::port::{Feed, Store};
use adapters::store::sqlite::SqliteStore;
use anyhow::Context as _;
use dialects::feed::{TOPOLOGY, Topology};
use dialects::integration::Routes;
use dialects::{ConnectionNames, Dialect, Settings, Way, registry};
use domain::id::Life;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::VERSION;
use crate::config::{Config, LogLevel};
use crate::gate::Keeper;
use crate::http::{self, App, Backends, Http};
use crate::mailbox::Order;
use crate::operator::{self, Changed, Desk};
use crate::shard::{Allowance, Input, Mail, Timing};
use crate::telemetry::Level;
use crate::threads::addresses::Addresses;
use crate::threads::clock::Clock;
use crate::threads::{Running, Setup, UrlDoor, Wiring, probe};

/// Threads that answer reads.
const READERS: usize = 2;
/// How often the drain looks whether everybody has gone, in ms.
const DRAIN_LOOK_MS: u64 = 50;
/// How long after the drain's time is up the process may take to end by itself, in seconds.
const LAST_WORD_SECONDS: u64 = 10;

/// The names of all doors there are.
#[must_use]
pub fn door_names() -> Vec<&'static str> {
    let mut names: Vec<_> = registry(&Settings::default()).iter().map(|dialect| dialect.door_name()).collect();
    names.dedup();
    names
}

/// Opens the store of a data directory.
///
/// # Errors
/// When it is another program's, damaged, or open elsewhere.
pub fn open_store(data_dir: &Path, life: Life) -> anyhow::Result<Arc<SqliteStore>> {
    let store = SqliteStore::open(data_dir, life);
    Ok(Arc::new(store.with_context(|| format!("opening the store in {}", data_dir.display()))?))
}

/// Has the store's files checked behind everybody's back: what is damaged is refused when it is read, and said here.
fn check_behind(store: Arc<SqliteStore>) {
    let checked = crate::threads::spawn("check", move || match store.check() {
        Ok(problems) => {
            problems.iter().for_each(|problem| tracing::error!(problem, "The store is damaged: restore a backup."));
        }
        Err(failure) => tracing::error!(error = %failure, "The store could not be checked."),
    });
    if let Err(error) = checked {
        tracing::warn!(%error, "Nobody checks the store.");
    }
}

/// Serves until told to end. `reread` reads the settings again, for SIGHUP.
///
/// # Errors
/// When the server can't start.
pub fn serve(
    config: Config,
    warnings: &[String],
    level: &Level,
    clock: Clock,
    reread: impl Fn() -> Option<LogLevel>,
) -> anyhow::Result<ExitCode> {
    let config = Arc::new(config);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    raise_descriptor_limit();
    let server = Server::start(&config, clock)?;
    // Before anybody is told that it runs: what is not listened for ends a process.
    let signals = server.signals()?;
    server.banner(&config);
    server.until_told_to_end(signals, level, reread);
    server.end(config.shutdown_timeout_ms);
    Ok(ExitCode::SUCCESS)
}

/// A socket is a descriptor, and what a login shell or a service manager allows by default is a thousand.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "The limit of open files could not be raised to what is allowed.");
        }
    }
}

/// What the operator says by signals.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

fn allowance(config: &Config) -> Allowance {
    Allowance {
        message_bytes_max: config.message_bytes_max,
        frames_per_second: config.frames_per_second,
        frames_burst: config.frames_per_second.saturating_mul(20),
        bytes_per_second: config.bytes_per_second,
        bytes_burst: config.bytes_per_second.saturating_mul(16),
    }
}

struct Server {
    wiring: Arc<Wiring>,
    http: Http,
    running: Running,
    desk: Desk,
    listen: Vec<SocketAddr>,
    dialects: Arc<Vec<Box<dyn Dialect>>>,
    /// Held until everything else has ended: dropped last, it leaves nothing for the next start to replay.
    store: Arc<dyn Store>,
}

impl Server {
    fn start(config: &Arc<Config>, clock: Clock) -> anyhow::Result<Self> {
        let listen = addresses(&config.listen)?;
        let internal = config.internal_listen.map(http::listen_internal).transpose()?;
        let life = Life(u64::from_le_bytes(adapters::auth::random()?));
        let store = open_store(&config.data_dir, life)?;
        let ring = Arc::new(operator::ring(store.as_ref())?);
        let connection_names = ConnectionNames::new(adapters::auth::random()?);
        let names = connection_names.clone();
        let dialects = Arc::new(registry(&Settings { connection_names, ..dialect_settings(config) }));
        let (gate, chores) = Keeper::open(config.clone(), ring.clone()).context("AUTH_SERVICE_URL or JWT_JWKS_URL")?;
        let gate = Arc::new(gate);
        let (wiring, polls) = Wiring::new(clock, shard_count(config))?;
        let app = App {
            wiring: wiring.clone(),
            dialects: dialects.clone(),
            gate: gate.clone(),
            backends: Backends { keys: config.backends.keys.clone(), names },
            origins: config.origins.clone(),
            development: config.development(),
            body_bytes_max: config.body_bytes_max,
            metrics_elsewhere: internal.is_some(),
            docs: config.docs,
            web_client: config.web_client,
        };
        let http = Http::start(app, internal)?;
        http.handle().spawn(chores.run());
        let url = UrlDoor::open(config.backends.url.as_ref(), &wiring, http.handle())?;
        let feed = config.broker.as_ref().and_then(|broker| open_feed(broker, http.handle()));
        let proxies = config.clone();
        let counted =
            Addresses::new(config.connections_per_address_max, Box::new(move |peer| proxies.is_trusted_proxy(peer)));
        let setup = Setup {
            store: store.clone(),
            life,
            dialects: dialects.clone(),
            gate,
            policy: config.policy.clone(),
            timing: timing(config),
            allowance: allowance(config),
            listen: listen.clone(),
            addresses: counted,
            readers: READERS,
            url,
            feed,
        };
        let running = crate::threads::start(setup, &wiring, polls, &http.door())?;
        let desk = Desk::open(&config.data_dir, running.writer(), store.reader()?, ring, keys_changed(&wiring), clock)?;
        check_behind(store.clone());
        Ok(Self { wiring, http, running, desk, listen, dialects, store })
    }

    /// Says what runs here, to whoever started it.
    fn banner(&self, config: &Config) {
        let mut text = format!("Switchboard {VERSION}\n");
        for address in &self.listen {
            text.push_str(&format!("  listening  http://{address}\n"));
        }
        for dialect in self.dialects.iter() {
            for way in dialect.doors() {
                if let Way::Socket(path) = way {
                    for address in &self.listen {
                        text.push_str(&format!("  {:9}  ws://{address}{path}\n", dialect.name()));
                    }
                }
            }
        }
        text.push_str(&format!("  store      {}\n", config.data_dir.display()));
        text.push_str(if config.development() {
            "  development mode is on: whoever reaches this machine is who they say; nobody else is served\n"
        } else {
            "  development mode is off\n"
        });
        // Nobody may be there to read it; that is no reason not to serve.
        let _ = std::io::stdout().write_all(text.as_bytes());
        tracing::info!(version = VERSION, development = config.development(), listen = ?self.listen, "Serving.");
    }

    /// Waits for SIGTERM or SIGINT; SIGHUP is heard meanwhile. After the first, a second one ends the process at once.
    fn until_told_to_end(&self, signals: Signals, level: &Level, reread: impl Fn() -> Option<LogLevel>) {
        let Signals { mut term, mut int, mut hup } = signals;
        self.http.handle().block_on(async {
            loop {
                tokio::select! {
                    _ = term.recv() => break,
                    _ = int.recv() => break,
                    _ = hup.recv() => match reread() {
                        Some(new) => {
                            level.set(new);
                            tracing::info!(level = ?new, "The log level was read again.");
                        }
                        None => tracing::warn!("The settings have become wrong; what was read before stays."),
                    },
                }
            }
            tokio::spawn(async move {
                tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
                tracing::warn!("Told to end a second time: ending at once.");
                std::process::exit(1);
            });
        });
    }

    fn signals(&self) -> std::io::Result<Signals> {
        let _runtime = self.http.handle().enter();
        Ok(Signals {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    /// Says goodbye to everybody, finishes what was begun, and ends.
    fn end(mut self, most_ms: u64) {
        tracing::info!("Draining: no new connections, goodbyes to all.");
        let ends_at = self.wiring.clock.now().plus(most_ms);
        watch_over(most_ms);
        self.wiring.health.drain();
        self.wiring.mailboxes.iter().for_each(|mailbox| mailbox.order(Order::Deaf));
        let mut round = 0u64;
        loop {
            // Said again now and then: an upgrade may have been under way the last time.
            if round.is_multiple_of(10) {
                for mailbox in &self.wiring.mailboxes {
                    mailbox.put([Input::Mail(Mail::Drain)]);
                    mailbox.ring();
                }
            }
            round += 1;
            std::thread::sleep(Duration::from_millis(DRAIN_LOOK_MS));
            let sockets: usize = self.wiring.health.reports().iter().map(|report| report.sockets).sum();
            let now = self.wiring.clock.now();
            if now >= ends_at {
                tracing::warn!(sockets, "Not everybody has gone in time.");
                break;
            }
            // The shards say how many are left a few times a second.
            if sockets == 0 && round * DRAIN_LOOK_MS > 500 {
                break;
            }
        }
        drop(self.desk);
        self.running.stop_feed();
        self.http.stop(Duration::from_millis(ends_at.since(self.wiring.clock.now()).max(100)));
        self.running.stop();
        drop(self.store);
        tracing::info!("Ended.");
    }
}

/// Ends the process when it doesn't end by itself: a disk that hangs must not keep it for ever.
fn watch_over(most_ms: u64) {
    let most = Duration::from_millis(most_ms) + Duration::from_secs(LAST_WORD_SECONDS);
    let watch = crate::threads::spawn("watch", move || {
        std::thread::sleep(most);
        tracing::error!("The server did not end in time, and is ended.");
        std::process::exit(1);
    });
    if let Err(error) = watch {
        tracing::warn!(%error, "Nobody watches over the end.");
    }
}

/// The feed to a broker, as the dialects want it there. None only in a build without it, which does not start (RULES 27).
fn open_feed(broker: &BrokerUrl, runtime: &tokio::runtime::Handle) -> Option<Box<dyn Feed>> {
    let Topology { exchange, dead, queues } = TOPOLOGY;
    let queue =
        |queue: &dialects::feed::Queue| feed::Queue { name: queue.name, binding: queue.binding, dead: queue.dead };
    feed::rabbitmq(broker, feed::Topology { exchange, dead }, queues.iter().map(queue).collect(), runtime)
}

/// Has all shards look again at who came by a key.
fn keys_changed(wiring: &Arc<Wiring>) -> Changed {
    let wiring = wiring.clone();
    Box::new(move || {
        for mailbox in &wiring.mailboxes {
            mailbox.put([Input::KeysChanged]);
            mailbox.ring();
        }
    })
}

/// The addresses to listen on, shown to be free, with the ports that the system chose.
fn addresses(wanted: &[SocketAddr]) -> anyhow::Result<Vec<SocketAddr>> {
    let mut all = Vec::new();
    for address in wanted {
        all.push(probe(*address).with_context(|| format!("listening on {address}"))?);
    }
    Ok(all)
}

fn shard_count(config: &Config) -> u8 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    config.shards.map_or_else(|| u8::try_from(cores).unwrap_or(u8::MAX), std::num::NonZeroU8::get)
}

/// What the doors are made with.
#[must_use]
pub fn dialect_settings(config: &Config) -> Settings {
    Settings {
        chat_path: config.paths.chat.clone(),
        development: config.development(),
        unproved: config.development() && !config.auth.has_key(),
        dialects: config.doors.iter().map(|door| (*door).to_owned()).collect(),
        rooms_persist: config.rooms_persist,
        api_prefix: config.paths.api_prefix.clone(),
        gateway_path: config.paths.gateway.clone(),
        gateway_ttl_ms: config.gateway_ttl_ms,
        trusted: config.trusted_doors.clone(),
        integration: Routes { keys: config.backends.routes.clone(), responses: config.backends.route_responses },
        version: VERSION,
        ..Settings::default()
    }
}

/// The deadlines of raw sockets.
#[must_use]
pub fn timing(config: &Config) -> Timing {
    Timing {
        read_ms: config.timing.read_timeout_ms,
        write_ms: config.timing.write_timeout_ms,
        ping_ms: config.timing.ping_period_ms,
        pong_ms: config.timing.pong_wait_ms,
        ..Timing::default()
    }
}
