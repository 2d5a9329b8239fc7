//! A server and its clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use server::frame::Opcode;

use crate::wire::{Ear, Received, masked, upgrade};

/// Longer than anything here takes, on a machine that has other things to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The binary that was built for these tests.
pub(crate) fn command() -> Command {
    bare(env!("CARGO_BIN_EXE_switchboard").into())
}

fn bare(binary: std::ffi::OsString) -> Command {
    let mut command = Command::new(binary);
    // Nothing of the tester's own environment may reach it.
    command.env_clear().current_dir(std::env::temp_dir());
    command
}

fn free_port() -> u16 {
    let probe = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("there is a port");
    probe.local_addr().expect("it has an address").port()
}

pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    pub(crate) data_dir: PathBuf,
    _stdout: BufReader<std::process::ChildStdout>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(environment: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("switchboard-smoke-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self::on(std::env::temp_dir().join(name), environment)
    }

    /// Another server on the data directory of one that has ended.
    pub(crate) fn again(mut self) -> Self {
        Self::on(std::mem::take(&mut self.data_dir), &[])
    }

    fn on(data_dir: PathBuf, environment: &[(&str, &str)]) -> Self {
        // `./test` has a tap before it, which can't stand on a port that the server chooses.
        let tapped = std::env::var_os("SWITCHBOARD_BINARY");
        let asked = if tapped.is_some() { free_port() } else { 0 };
        let mut child = tapped
            .map_or_else(command, bare)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("PORT", asked.to_string())
            .env("DATA_DIR", &data_dir)
            .env("SHARDS", "2")
            .env("LOG_LEVEL", "warn")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary was built");
        let mut stdout = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut line = String::new();
        let port = loop {
            line.clear();
            assert!(stdout.read_line(&mut line).expect("it speaks UTF-8") > 0, "it ended before it listened");
            if let Some((_, port)) = line.split_once("http://127.0.0.1:") {
                break if asked == 0 { port.trim().parse().expect("a port") } else { asked };
            }
        };
        Self { child, port, data_dir, _stdout: stdout }
    }

    /// A connection, on which nothing was said yet.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a time-out");
        stream
    }

    /// One request on a connection of its own: the status, the head and the body.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String, String) {
        let mut stream = self.connect();
        let host = if headers.iter().any(|(name, _)| *name == "host") { "" } else { "host: localhost\r\n" };
        let mut request = format!("{method} {path} HTTP/1.1\r\n{host}connection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        // It may answer and close before it has read all of it.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).expect("answers are UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, head.to_ascii_lowercase(), body.to_owned())
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String, String) {
        self.ask("GET", path, &[], "")
    }

    pub(crate) fn socket(&self, target: &str) -> Socket {
        let mut socket = Socket { stream: self.connect(), ear: Ear::default() };
        socket.write(&upgrade(target, &[]));
        let answer = socket.next();
        assert!(matches!(answer, Received::Http { status: 101, .. }), "{target} was not upgraded: {answer:?}");
        socket
    }

    /// Runs a command of the CLI against this server's data directory.
    pub(crate) fn cli(&self, line: &str) -> Output {
        let mut command = command();
        command.env("DATA_DIR", &self.data_dir).env("PORT", self.port.to_string()).args(line.split(' '));
        command.output().expect("the binary was built")
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().expect("there is a kill").success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("it was started here")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // None is left when another server has taken it over.
        let _ = std::fs::remove_dir_all(&self.data_dir);
    }
}

/// An open WebSocket.
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    pub(crate) ear: Ear,
}

impl Socket {
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("it takes what is written");
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.write(&masked(Opcode::Text, text.as_bytes()));
    }

    pub(crate) fn next(&mut self) -> Received {
        let mut buffer = [0; 4096];
        loop {
            if let Some(received) = self.ear.next() {
                return received;
            }
            let count = self.stream.read(&mut buffer).expect("an answer within the time");
            assert!(count > 0, "the server hung up");
            self.ear.feed(buffer[..count].iter().copied());
        }
    }

    /// The next text, as JSON. Pings before it are answered: what stands before them is delivered then.
    pub(crate) fn hear(&mut self) -> Value {
        loop {
            match self.next() {
                Received::Text(text) => return serde_json::from_str(&text).expect("frames are JSON"),
                Received::Ping(payload) => self.write(&masked(Opcode::Pong, &payload)),
                other @ (Received::Binary(_) | Received::Pong(_) | Received::Close { .. } | Received::Http { .. }) => {
                    panic!("a text was expected, not {other:?}")
                }
            }
        }
    }

    /// The next text of this type; others before it are passed over.
    pub(crate) fn hear_type(&mut self, wanted: &str) -> Value {
        loop {
            let heard = self.hear();
            if heard["type"] == wanted {
                return heard;
            }
        }
    }
}
