//! Listening: each shard has a listener of its own on every address, and the kernel spreads connections over them.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

/// Connections that may wait to be accepted, on each listener.
const BACKLOG: i32 = 4096;
/// The kernel's send buffer of a connection, in bytes; by itself it would grow to 4 MiB and hide what a slow reader has
/// not taken (invariant 6).
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Shows that an address is free, and which port the kernel chooses where that is left to it.
///
/// Listeners that share a port with `SO_REUSEPORT` would share it with another Switchboard too, silently; a plain one is
/// refused where anybody listens already.
///
/// # Errors
/// When the address is taken, or isn't ours.
pub fn probe(address: SocketAddr) -> io::Result<SocketAddr> {
    TcpListener::bind(address)?.local_addr()
}

/// A listener that shares its port. What is set on it, each accepted connection inherits: a system call less, three times
/// per connection.
///
/// # Errors
/// When the system says no.
pub(super) fn shared(address: SocketAddr, write_timeout_ms: u64) -> io::Result<mio::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // `[::]` and `0.0.0.0` may both be asked for.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.set_tcp_nodelay(true)?;
    // The shard's own deadline comes first; this is for a peer that vanished with bytes under way.
    socket.set_tcp_user_timeout(Some(Duration::from_millis(write_timeout_ms.saturating_add(1_000))))?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(Duration::from_secs(60)))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(mio::net::TcpListener::from_std(socket.into()))
}
