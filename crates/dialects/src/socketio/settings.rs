//! What an endpoint's operator, or a test, may choose.

/// How long things take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    /// From one ping to the next, in milliseconds.
    pub(crate) ping_interval_ms: u64,
    /// From a ping to its answer.
    pub(crate) ping_timeout_ms: u64,
    /// From the handshake to the first namespace.
    pub(crate) connect_timeout_ms: u64,
}
