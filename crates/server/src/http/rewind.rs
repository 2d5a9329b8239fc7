//! The stream under hyper: a socket that a shard has begun to read. What the shard read comes first; and a connection
//! that asks for a socket of ours later goes back to a shard without a word of hyper's own having been said.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How the one answer begins that hyper gives and the client must not get: the shard answers an upgrade itself.
const SWALLOWED: &[u8] = b"HTTP/1.1 101 ";

/// A socket with what was read of it.
pub(super) struct Rewind {
    early: Vec<u8>,
    taken: usize,
    stream: TcpStream,
    /// Set before hyper answers an upgrade: from that answer on, nothing is written.
    returning: Arc<AtomicBool>,
    swallowing: bool,
}

impl Rewind {
    pub(super) fn new(stream: TcpStream, early: Vec<u8>, returning: Arc<AtomicBool>) -> Self {
        Self { early, taken: 0, stream, returning, swallowing: false }
    }

    /// The socket, with what was read of it and not taken.
    pub(super) fn into_parts(mut self) -> (TcpStream, Vec<u8>) {
        self.early.drain(..self.taken);
        (self.stream, self.early)
    }
}

impl AsyncRead for Rewind {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.taken == self.early.len() {
            return Pin::new(&mut self.stream).poll_read(cx, into);
        }
        let end = self.early.len().min(self.taken + into.remaining());
        into.put_slice(&self.early[self.taken..end]);
        self.taken = end;
        if self.taken == self.early.len() {
            (self.early, self.taken) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewind {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.swallowing {
            return Poll::Ready(Ok(bytes.len()));
        }
        if self.returning.load(Ordering::Acquire) {
            // Answers to earlier requests may still be under way, and are the client's.
            let begin = bytes.windows(SWALLOWED.len()).position(|window| window == SWALLOWED);
            match begin {
                Some(0) => {
                    self.swallowing = true;
                    return Poll::Ready(Ok(bytes.len()));
                }
                Some(before) => return Pin::new(&mut self.stream).poll_write(cx, &bytes[..before]),
                None => {}
            }
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
