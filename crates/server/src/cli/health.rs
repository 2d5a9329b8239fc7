//! `healthcheck`: asks `/health` of the server at the configured address, for images that have no curl.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::Said;
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(3);
/// The status line is within the first bytes of any answer of ours.
const HEAD_BYTES_MAX: usize = 1024;

/// Whether the server at the first configured address says that it is well.
#[must_use]
pub fn healthcheck(config: &Config) -> Said {
    let Some(address) = config.listen.first().copied().map(reachable) else {
        return Said::bad("error: no address is configured\n");
    };
    let answer = TcpStream::connect_timeout(&address, PATIENCE).and_then(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        ask(&mut stream, address.port())
    });
    match answer {
        Ok(200) => Said::good("healthy\n"),
        Ok(status) => Said::bad(format!("{address} answers /health with {status}\n")),
        Err(error) => Said::bad(format!("{address} does not answer: {error}\n")),
    }
}

/// Where to reach a server that listens here: "any address" is none to connect to.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, listening.port())
}

/// The status of `GET /health`. The host is `localhost`, the only one that development mode serves (RULES 7).
fn ask(stream: &mut (impl Read + Write), port: u16) -> io::Result<u16> {
    write!(
        stream,
        "GET /health HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
    )?;
    stream.flush()?;
    let mut head = Vec::new();
    let mut chunk = [0; 256];
    while !head.contains(&b'\n') && head.len() < HEAD_BYTES_MAX {
        match stream.read(&mut chunk)? {
            0 => break,
            length => head.extend_from_slice(&chunk[..length]),
        }
    }
    status(&head).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "what answers there does not speak HTTP"))
}

fn status(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head.split(|byte| *byte == b'\n').next()?).ok()?;
    let mut words = line.split(' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.trim().parse().ok().filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A peer that has its answer ready and gives it in pieces.
    struct Peer {
        heard: Vec<u8>,
        pieces: Vec<&'static [u8]>,
    }

    impl Read for Peer {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some(piece) = self.pieces.pop() else { return Ok(0) };
            into[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    impl Write for Peer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.heard.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn answers() {
        for (pieces, status) in [
            (vec![&b"HTTP/1.1 200 OK\r\n\r\n"[..]], Some(200)),
            (vec![b"HT", b"TP/1.1 5", b"03 Service Unavailable\r\n"], Some(503)),
            (vec![b"HTTP/1.1 200\r\n"], Some(200)),
            (vec![b"SSH-2.0-OpenSSH\r\n"], None),
            (vec![b"HTTP/1.1 2000 OK\r\n"], None),
            (vec![b"\xff\xff\n"], None),
            (vec![], None),
            (vec![&[b'x'; 256]; 100], None),
        ] {
            let many = pieces.len();
            let mut peer = Peer { heard: Vec::new(), pieces: pieces.into_iter().rev().collect() };
            assert_eq!(ask(&mut peer, 8000).ok(), status);
            assert!(peer.heard.starts_with(b"GET /health HTTP/1.1\r\nHost: localhost:8000\r\n"));
            assert!(many < 100 || peer.pieces.len() == many - 4, "an endless answer is not read to its end");
        }
    }

    #[test]
    fn where_to_ask() {
        for (listening, reached) in [
            ("0.0.0.0:8000", "127.0.0.1:8000"),
            ("[::]:8000", "[::1]:8000"),
            ("10.0.0.1:80", "10.0.0.1:80"),
            ("127.0.0.1:80", "127.0.0.1:80"),
        ] {
            assert_eq!(reachable(listening.parse().unwrap()), reached.parse().unwrap());
        }
    }
}
