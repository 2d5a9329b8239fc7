//! A server of the operator's for tests, on a wire in memory: it speaks as much HTTP as an answer needs, by TLS if it has
//! a certificate. It reads whole requests and says what it is told to, when it is told to.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use hyper::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::TlsAcceptor;

/// What a request comes to: its answer, or none, and the connection is closed.
type Answer = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// Connects to the server, whatever the URL says.
#[derive(Clone)]
pub(crate) struct Wire {
    answer: Arc<dyn Fn(String) -> Answer + Send + Sync>,
    tls: Option<TlsAcceptor>,
    to: Arc<Mutex<Vec<Uri>>>,
}

impl Wire {
    /// A server that answers so.
    pub(crate) fn new<F>(answer: impl Fn(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Option<String>> + Send + 'static,
    {
        Self { answer: Arc::new(move |request| Box::pin(answer(request))), tls: None, to: Arc::default() }
    }

    /// The same by TLS.
    pub(crate) fn secured(self, server: rustls::ServerConfig) -> Self {
        Self { tls: Some(TlsAcceptor::from(Arc::new(server))), ..self }
    }

    /// Whereto connections were made.
    pub(crate) fn connected(&self) -> Vec<Uri> {
        self.to.lock().expect("nobody panics").clone()
    }

    async fn serve(self, far: DuplexStream) {
        let Some(tls) = self.tls.clone() else { return self.converse(far).await };
        // A client that does not like the certificate breaks it off.
        if let Ok(stream) = tls.accept(far).await {
            self.converse(stream).await;
        }
    }

    async fn converse(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let (mut heard, mut buffer) = (String::new(), vec![0; 64 * 1024]);
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            heard.push_str(&String::from_utf8_lossy(&buffer[..count]));
            if !is_whole(&heard) {
                continue;
            }
            let Some(answer) = (self.answer)(std::mem::take(&mut heard)).await else { return };
            // Who broke it off reads no answer.
            if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }
}

/// Whether a request has come to its end. One comes after the other.
fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// An answer as it stands on the wire.
pub(crate) fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

impl tower_service::Service<Uri> for Wire {
    type Response = Line;
    type Error = io::Error;
    type Future = Ready<io::Result<Line>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        self.to.lock().expect("nobody panics").push(to);
        let (near, far) = duplex(1 << 20);
        tokio::spawn(self.clone().serve(far));
        ready(Ok(Line(TokioIo::new(near))))
    }
}

/// The client's end of a connection.
pub(crate) struct Line(TokioIo<DuplexStream>);

impl Connection for Line {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
