//! server

pub mod frame;
pub mod handshake;
