//! How the operator wants it: one [`Config`], out of flags, environment, file and defaults, with everything that is
//! wrong said at once. Pure: whoever starts the server hands in arguments, environment and a way to read files.
//!
//! `table` has every setting once, `layers` finds each one's text, `parse` and `origins` read it, `check` asks whether
//! it all makes a server that is safe to start. Names of doors are compared with a list that comes in.

mod check;
mod dotenv;
mod layers;
mod origins;
mod parse;
mod read;
mod show;
mod store;
pub mod table;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU8;
use std::path::PathBuf;

use adapters::HttpUrl;
use adapters::auth::{AccessKeys, Settings, Trust};
use adapters::feed::BrokerUrl;
use domain::limits::Policy;
use ipnet::IpNet;

pub use layers::{FILE_DEFAULT, FILE_VARIABLE, Inputs, Layers, Problem, Source, Value};
pub use origins::Origins;
pub(crate) use parse::span_ms;
use read::Reader;
pub use show::show;

/// Everything an operator may set, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where clients are heard; never empty.
    pub listen: Vec<SocketAddr>,
    /// Where `/metrics` is told, when not where clients are heard.
    pub internal_listen: Option<SocketAddr>,
    /// Threads that own connections; one per core when not said.
    pub shards: Option<NonZeroU8>,
    /// The directory of the log.
    pub data_dir: PathBuf,
    /// How credentials are judged.
    pub auth: Settings,
    /// The doors that take a bare claim (`TRUST_USER_ID`).
    pub trusted_doors: Vec<String>,
    /// What becomes of a socket whose token ends.
    pub token_end: TokenEnd,
    /// Whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Connections that one address may have, loopback and trusted proxies aside; 0 is no limit.
    pub connections_per_address_max: u32,
    /// Which web pages may talk to us.
    pub origins: Origins,
    /// The doors to open, in the order of the registry.
    pub doors: Vec<&'static str>,
    /// Whether what is said through `rooms` is kept; else it is relayed (RULES 23).
    pub rooms_persist: bool,
    /// Whether documents are served.
    pub docs: bool,
    /// Where doors with a configurable path are.
    pub paths: Paths,
    /// How long a connection of the gateway door lives, in milliseconds.
    pub gateway_ttl_ms: u64,
    /// The RabbitMQ that is told what happens, if there is one.
    pub broker: Option<BrokerUrl>,
    /// The back ends beside the gateway door.
    pub backends: Backends,
    /// The deadlines of raw sockets.
    pub timing: Timing,
    /// The rules' own settings.
    pub policy: Policy,
    /// Whether browsers get the web client.
    pub web_client: bool,
    /// Largest WebSocket message that is read, in bytes.
    pub message_bytes_max: usize,
    /// Frames that one socket may send in a second, in the long run; twenty times as many at once.
    pub frames_per_second: u32,
    /// Bytes that one socket may send in a second, in the long run; sixteen times as many at once.
    pub bytes_per_second: u32,
    /// Largest body of a request that is read, in bytes.
    pub body_bytes_max: usize,
    /// Longest time from SIGTERM to the exit, in milliseconds.
    pub shutdown_timeout_ms: u64,
    /// How much is logged.
    pub log_level: LogLevel,
    /// In which form.
    pub log_format: LogFormat,
}

/// Back ends that reach connections of the gateway door, and are told of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backends {
    /// What they sign with.
    pub keys: AccessKeys,
    /// What is told of connections.
    pub url: Option<HttpUrl>,
    /// Which routes go there; none without a URL.
    pub routes: Vec<String>,
    /// Whether what it answers to a message is said to the client.
    pub route_responses: bool,
}

/// What becomes of a live socket when its token ends (RULES 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenEnd {
    /// It is closed.
    Close,
    /// It stays, at every door.
    Keep,
    /// It stays at these doors, and is closed at the others.
    KeepAt(Vec<String>),
}

/// Where doors with a configurable path are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Before everything of the direct door; empty for none.
    pub api_prefix: String,
    /// The chat door.
    pub chat: String,
    /// The gateway door, a slash and `GATEWAY_STAGE`.
    pub gateway: String,
}

/// The deadlines of raw sockets, in milliseconds (RULES 26).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The longest silence; any byte counts.
    pub read_timeout_ms: u64,
    /// The longest time in which the peer takes no byte.
    pub write_timeout_ms: u64,
    /// Between pings.
    pub ping_period_ms: u64,
    /// Since the last pong.
    pub pong_wait_ms: u64,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What broke.
    Error,
    /// And what may break.
    Warn,
    /// And what happens.
    Info,
    /// And why.
    Debug,
    /// And every step.
    Trace,
}

/// In which form logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// What came of reading the settings.
pub struct Loaded {
    /// The configuration, or everything that is wrong with it.
    pub config: Result<Config, Vec<Problem>>,
    /// What the operator should know, either way.
    pub warnings: Vec<String>,
    /// Each setting's text and source, for [`show`].
    pub layers: Layers,
}

/// Reads the settings. `doors` is the registry's list of names, all of which are open unless `DIALECTS` says otherwise.
#[must_use]
pub fn load(inputs: &Inputs<'_>, doors: &[&'static str]) -> Loaded {
    let layers = Layers::gather(inputs);
    let mut reader = Reader::new(&layers);
    let config = reader.config(doors);
    let config = check::check(config, &mut reader);
    let Reader { problems, warnings, .. } = reader;
    Loaded { config: if problems.is_empty() { Ok(config) } else { Err(problems) }, warnings, layers }
}

impl Config {
    /// Whether development mode is on (RULES 6).
    #[must_use]
    pub fn development(&self) -> bool {
        self.auth.development
    }

    /// What a door goes by.
    #[must_use]
    pub fn trust(&self, door: &str) -> Trust {
        if self.trusted_doors.iter().any(|one| one == door) { Trust::Claim } else { Trust::Proof }
    }

    /// Whether a socket at this door ends with its token.
    #[must_use]
    pub fn ends_with_token(&self, door: &str) -> bool {
        match &self.token_end {
            TokenEnd::Close => true,
            TokenEnd::Keep => false,
            TokenEnd::KeepAt(doors) => !doors.iter().any(|one| one == door),
        }
    }

    /// Whether a peer's forwarding headers are believed (THREATS T24).
    #[must_use]
    pub fn is_trusted_proxy(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&peer.to_canonical()))
    }

    /// Whether all clients come from this machine.
    #[must_use]
    pub fn is_loopback_only(&self) -> bool {
        self.listen.iter().all(|address| address.ip().to_canonical().is_loopback())
    }
}
