//! `echo [address]`: says back what it hears, on the production codec and handshake. For `tests/autobahn/run` and for
//! trying things by hand; a thread per connection is not how the server works.
//!
//! With port 0 the kernel chooses one; the address is printed once it listens.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::time::Duration;

use server::frame::{self, Decoder, Incoming, Limits, Progress};
use server::handshake::{self, Upgrade};

/// What the suite sends: 16 MiB in one message, and in cases 9.3.1 and 9.4.1 65,536 fragments and an empty one behind.
const LIMITS: Limits = Limits { message_bytes_max: 16 << 20, frame_bytes_max: usize::MAX, fragments_max: 65_537 };

const READ_BYTES: usize = 64 * 1024;

/// How long to wait for a peer that was told goodbye to hang up too.
const LINGER: Duration = Duration::from_secs(2);

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for socket in listener.incoming() {
        std::thread::spawn(move || {
            if let Err(error) = socket.and_then(serve) {
                eprintln!("connection lost: {error}");
            }
        });
    }
    Ok(())
}

fn serve(mut socket: TcpStream) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut early = Vec::new();
    let answer = greet(&mut socket, &mut early)?;
    let opened = answer.is_ok();
    socket.write_all(&answer.unwrap_or_else(|refusal| refusal))?;
    if opened {
        converse(&mut socket, early)?;
    }
    part(&mut socket)
}

/// Reads the head and says what to answer; what came behind the head is left in `bytes`.
fn greet(socket: &mut TcpStream, bytes: &mut Vec<u8>) -> std::io::Result<Result<Vec<u8>, Vec<u8>>> {
    let mut buffer = [0; 4096];
    let mut seen = 0;
    loop {
        let count = socket.read(&mut buffer)?;
        if count == 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "hung up in the handshake"));
        }
        bytes.extend_from_slice(&buffer[..count]);
        let (answer, head_bytes) = match handshake::read(bytes, seen) {
            Ok(None) => {
                seen = bytes.len();
                continue;
            }
            Ok(Some(head)) => match handshake::upgrade_wanted(&head) {
                Upgrade::Wanted { key } => (Ok(handshake::switching(key, None)), head.bytes),
                Upgrade::Bad(bad) => (Err(bad.answer()), head.bytes),
                Upgrade::NotWanted => (Err(handshake::refusal(404, &[], "only WebSockets here")), head.bytes),
            },
            Err(bad) => (Err(bad.answer()), 0),
        };
        bytes.drain(..head_bytes);
        return Ok(answer);
    }
}

/// Echoes until either side closes. `early` is what the client sent right behind its head.
fn converse(socket: &mut TcpStream, mut early: Vec<u8>) -> std::io::Result<()> {
    let mut decoder = Decoder::default();
    let mut buffer = vec![0; READ_BYTES];
    let mut out = Vec::new();
    let mut progress = decoder.push(&mut early, &LIMITS, &mut |incoming| echo(incoming, &mut out));
    loop {
        if let Err(violation) = progress {
            frame::encode_close_into(&mut out, Some(violation.close_code()), violation.reason());
        }
        socket.write_all(&out)?;
        out.clear();
        if progress != Ok(Progress::All) {
            return Ok(());
        }
        let count = socket.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        progress = decoder.push(&mut buffer[..count], &LIMITS, &mut |incoming| echo(incoming, &mut out));
    }
}

fn echo(incoming: Incoming<'_>, out: &mut Vec<u8>) -> ControlFlow<()> {
    match incoming {
        Incoming::Text(text) => frame::encode_text_into(out, text),
        Incoming::Binary(payload) => frame::encode_binary_into(out, payload),
        Incoming::Ping(payload) => frame::encode_pong_into(out, payload),
        Incoming::Pong(_) => {}
        Incoming::Close { code, reason } => frame::encode_close_into(out, code, reason),
    }
    ControlFlow::Continue(())
}

/// Hangs up so that the peer can read what we said last: with unread bytes of his in it, a socket that is closed sends a
/// reset, and a reset throws our last words away.
fn part(socket: &mut TcpStream) -> std::io::Result<()> {
    socket.shutdown(Shutdown::Write)?;
    socket.set_read_timeout(Some(LINGER))?;
    let mut buffer = [0; 4096];
    while matches!(socket.read(&mut buffer), Ok(count) if count > 0) {}
    Ok(())
}
