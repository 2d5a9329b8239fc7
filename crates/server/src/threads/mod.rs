//! The threads, and what runs between them: thin shells around the pure steps of `node` and `shard`. Nothing is decided
//! here; waiting, sockets and clocks are.

pub mod addresses;
pub mod clock;
