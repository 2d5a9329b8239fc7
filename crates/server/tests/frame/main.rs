//! The codec and the handshake at their boundary: bytes in, messages out. No sockets, no sleeping.
//!
//! `autobahn` and `utf8` are the public conformance suite's cases as data; `tests/autobahn/run` drives the suite itself
//! against `examples/echo.rs`. `threats` are the rows T11 and T12, `properties` what has to hold for any bytes.

mod autobahn;
mod handshake;
mod heard;
mod properties;
mod threats;
mod utf8;
