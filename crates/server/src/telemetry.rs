//! Logs: a line an event, to standard error; text for people on a terminal, JSON otherwise. No tokens, message texts or
//! queries are ever given to it, and what a client sent can't begin a line or colour a terminal (THREATS T21).

use std::io::{self, IsTerminal, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

use crate::config::{LogFormat, LogLevel};

/// Drivers whose own words are not logged: at the finest level they show frames, credentials and texts in them. What goes
/// wrong with them is said by whoever uses them.
const FOREIGN: [&str; 3] = ["lapin", "amq_protocol", "async_rs"];

/// Changes how much is logged while the server runs.
#[derive(Clone)]
pub struct Level(reload::Handle<LevelFilter, Registry>);

impl Level {
    /// From now on.
    pub fn set(&self, level: LogLevel) {
        // It fails only when nobody logs any more.
        let _ = self.0.reload(filter(level));
    }
}

/// Starts logging.
#[must_use]
pub fn start(level: LogLevel, format: LogFormat) -> Level {
    let (filter, handle) = reload::Layer::new(filter(level));
    let ours =
        tracing_subscriber::filter::filter_fn(|meta| !FOREIGN.iter().any(|name| meta.target().starts_with(name)));
    let registry = tracing_subscriber::registry().with(filter).with(ours);
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !io::stderr().is_terminal(),
    };
    // A second start, in tests, keeps the first one's.
    let _ = if json {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(Escaping::stderr)).try_init()
    } else {
        registry.with(fmt::layer().with_ansi(false).with_target(false).with_writer(Escaping::stderr)).try_init()
    };
    Level(handle)
}

/// A panic is a bug after which nothing can be trusted: it is logged, and the process ends. Release builds end so by
/// themselves; this makes the others behave alike, whichever thread it was.
pub fn abort_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        tracing::error!(
            thread = thread.name(),
            place,
            "A panic ends the server: {}",
            panic.payload_as_str().unwrap_or("?")
        );
        std::process::abort();
    }));
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

/// Writes lines with their control characters spelled out. It is given a whole line at a time.
struct Escaping<W>(W);

impl Escaping<io::Stderr> {
    fn stderr() -> Self {
        Self(io::stderr())
    }
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        if text.iter().all(|byte| !byte.is_ascii_control()) && std::str::from_utf8(text).is_ok_and(has_no_c1) {
            self.0.write_all(line)?;
            return Ok(line.len());
        }
        let mut plain = String::with_capacity(line.len() + 16);
        for character in String::from_utf8_lossy(text).chars() {
            if character.is_control() { plain.extend(character.escape_default()) } else { plain.push(character) }
        }
        if text.len() < line.len() {
            plain.push('\n');
        }
        self.0.write_all(plain.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn has_no_c1(text: &str) -> bool {
    text.is_ascii() || !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line() {
        for (given, written) in [
            ("all is well ü\n", "all is well ü\n"),
            ("a\r\nWARN forged\n", "a\\r\\nWARN forged\n"),
            ("\x1b[31mred\x07\0\n", "\\u{1b}[31mred\\u{7}\\u{0}\n"),
            ("c1 \u{9b}31m\n", "c1 \\u{9b}31m\n"),
            ("no end", "no end"),
        ] {
            let mut out = Vec::new();
            assert_eq!(Escaping(&mut out).write(given.as_bytes()).ok(), Some(given.len()));
            assert_eq!(String::from_utf8_lossy(&out), written);
        }
    }
}
