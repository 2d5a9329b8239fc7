//! The codec and the handshake at its boundary: bytes in, messages out. No sockets, no sleeping.
//!
//! `autobahn` and `utf8` are the public conformance suite's cases as data, `threats` are the rows T11 and T12, and
//! `properties` is what has to hold for any bytes.

mod autobahn;
mod handshake;
mod heard;
mod properties;
mod threats;
mod utf8;
