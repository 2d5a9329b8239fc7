//! Floor 2: threads, sockets, HTTP, environment. Knows everyone; holds no rule and no wire's name.
//!
//! Pure turns, driven by thin shells: [`node::Node::step`] is the one place where order matters, and `shard` owns
//! connections. [`frame`] is the WebSocket codec, [`handshake`] what comes before it; [`threads`] are the shells, with
//! [`mailbox`] and [`bus`] between them; [`http`] is whatever asks for no socket, [`letters`] is what other
//! systems are told.

pub mod bus;
pub mod cli;
pub mod config;
pub mod frame;
pub mod gate;
pub mod handshake;
pub mod health;
pub mod http;
pub mod letters;
pub mod mailbox;
pub mod metrics;
pub mod node;
pub mod operator;
pub mod serve;
pub mod shard;
pub mod telemetry;
pub mod threads;

/// What the server calls itself on its pages.
pub const SERVICE: &str = "switchboard";
/// Its version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
