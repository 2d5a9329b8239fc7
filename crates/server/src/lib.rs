//! Floor 2: threads, sockets, HTTP, environment. Knows everyone; holds no rule and no wire's name.
//!
//! Pure turns, driven by thin shells: [`node::Node::step`] is the one place where order matters, and `shard` owns
//! connections. [`frame`] is the WebSocket codec, [`handshake`] what comes before it.

pub mod cli;
pub mod config;
pub mod frame;
pub mod handshake;
pub mod node;
pub mod shard;
