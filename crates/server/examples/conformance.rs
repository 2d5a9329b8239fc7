//! `conformance [address]...`: what the public suites of Engine.IO and Socket.IO talk to, on the production shards, threads
//! and HTTP, with a store in memory and heartbeats as quick as the suites want them. They are run by hand
//! from a copy (socketio/socket.io, docs/); their cases are played without sockets in `tests/it/polling`.
//!
//! Each address that it listens on is printed; with port 0 the kernel chooses one. It runs until it is killed.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use adapters::auth::Verdict;
use adapters::store::memory::MemoryStore;
use dialects::{Answer, Ask};
use domain::id::{Life, Millis};
use domain::identity::{Credential, Denied};
use domain::limits::Policy;
use server::config::Origins;
use server::http::{App, Backends, Http};
use server::shard::{Allowance, Gate, Timing};
use server::threads::addresses::Addresses;
use server::threads::clock::Clock;
use server::threads::{Setup, UrlDoor, Wiring, probe, start};

/// More than one: sockets and requests of a session come to different ones.
const SHARDS: u8 = 2;

const BODY_BYTES_MAX: usize = 1 << 20;

const CONNECTIONS_MAX: u32 = 10_000;

/// Everybody comes in, and nobody is anybody.
struct Open;

impl Gate for Open {
    fn admit(&self, _ask: &Ask) -> Result<(), Answer> {
        Ok(())
    }

    fn identify(&self, _credential: &Credential, _dialect: &str, _now: Millis) -> Verdict {
        Verdict::Known(Err(Denied::Missing))
    }
}

fn main() -> anyhow::Result<()> {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted.is_empty() {
        wanted.push("127.0.0.1:3000".to_owned());
    }
    let mut listen = Vec::new();
    for address in &wanted {
        listen.push(probe(address.parse::<SocketAddr>()?)?);
    }
    let life = Life(1);
    let (dialects, gate) = (Arc::new(dialects::conformance::dialects()), Arc::new(Open));
    let (wiring, polls) = Wiring::new(Clock::start(), SHARDS)?;
    let app = App {
        wiring: wiring.clone(),
        dialects: dialects.clone(),
        gate: gate.clone(),
        backends: Backends::default(),
        origins: Origins::Any,
        development: false,
        body_bytes_max: BODY_BYTES_MAX,
        metrics_elsewhere: false,
        docs: false,
    };
    let http = Http::start(app, None)?;
    let setup = Setup {
        store: Arc::new(MemoryStore::new(life)),
        life,
        dialects,
        gate,
        policy: Policy::default(),
        timing: Timing::default(),
        allowance: Allowance::default(),
        listen: listen.clone(),
        addresses: Addresses::new(CONNECTIONS_MAX, Box::new(|_| false)),
        readers: 1,
        url: UrlDoor::open(None, &wiring, http.handle())?,
        feed: None,
    };
    let _running = start(setup, &wiring, polls, &http.door())?;
    for address in listen {
        writeln!(std::io::stdout(), "listening on {address}")?;
    }
    loop {
        std::thread::park();
    }
}
