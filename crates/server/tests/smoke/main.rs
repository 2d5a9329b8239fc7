//! The real binary on a real port, in development mode, with a data directory of its own: what only threads, sockets and
//! signals can get wrong. What the server says is tested elsewhere, without any of them.

mod auth;
mod docs;
mod drain;
mod http;
mod keys;
mod sockets;
#[path = "../it/world/wire.rs"]
mod wire;
mod world;
