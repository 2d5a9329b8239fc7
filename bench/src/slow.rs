//! A client that stops reading: with a long write timeout it gets everything late, in order, on the same socket; with the
//! usual one it is closed, and gets everything after `?since=`. Meanwhile the server's memory stays flat and nobody else
//! waits.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde_json::json;

use crate::client::Client;
use crate::fanout::{OPEN, flood, median};
use crate::process::{Scratch, Server, free_address, now};
use crate::swarm::{Peer, Swarm, numbered};

#[derive(Args)]
pub(crate) struct Options {
    /// How long it does not read, in seconds.
    #[arg(long, default_value_t = 60)]
    stall: u64,
    /// How many messages pass meanwhile.
    #[arg(long, default_value_t = 100_000)]
    messages: u64,
    /// `CHAT_WRITE_TIMEOUT` of the patient server, in seconds.
    #[arg(long, default_value_t = 90)]
    patience: u64,
}

/// Rounds of one with a reader who reads and one with a reader who does not.
const ROUNDS: u32 = 4;

/// What one of the messages weighs on the wire, in bytes, about.
const FRAME_BYTES: u64 = 450;

/// What the server may hold for all its clients while one of them does not read: an outbox, the item that it may exceed
/// by, and the input of those who are being read. The process's memory moves by megabytes whoever reads, so it is told
/// beside this and can't be what decides.
const HELD_BYTES_MAX: u64 = 128 * 1024;

/// A room with a sender, a listener who reads, and one who will not.
struct Scene {
    server: Server,
    others: Swarm,
    slow: Client,
    /// Messages sent so far.
    sent: u64,
    _scratch: Scratch,
}

impl Scene {
    fn new(binary: &str, settings: &[(&str, &str)], messages: u64) -> anyhow::Result<Self> {
        let scratch = Scratch::new("slow")?;
        let server = Server::start(binary, &scratch.0, free_address()?, settings)?;
        let others = Swarm::join(Peer::Rooms, server.address, "arena", 2)?;
        let slow = Client::open(server.address, "/ws/rooms/arena?token=slow")?;
        let mut scene = Self { server, others, slow, sent: 0, _scratch: scratch };
        // The log's tail is kept in memory up to a bound: it is filled first, so that what grows later is the slow
        // reader's. It reads along.
        let warm = messages.max(100_000);
        for _ in 0..warm / 1000 {
            scene.pass(1000)?;
            scene.catch_up(1000)?;
        }
        Ok(scene)
    }

    /// Sends messages to the others; gives how long it took.
    fn pass(&mut self, messages: u64) -> anyhow::Result<Duration> {
        let begun = now();
        flood(&mut self.others, 1, self.sent, self.sent + messages, 32)?;
        self.sent += messages;
        Ok(begun.elapsed())
    }

    /// Sends messages to the others while the slow one reads along; gives how long it took.
    fn pass_read(&mut self, messages: u64) -> anyhow::Result<Duration> {
        let (from, to, begun) = (self.sent, self.sent + messages, now());
        let Self { others, slow, .. } = self;
        std::thread::scope(|scope| {
            let reading = scope.spawn(move || (from..to).try_for_each(|number| next_is(slow, number).map(drop)));
            flood(others, 1, from, to, 32)?;
            reading.join().map_err(|_| anyhow::anyhow!("the reader panicked"))?
        })?;
        self.sent = to;
        Ok(begun.elapsed())
    }

    /// What the server says that its connections' buffers take, a moment after the last turn.
    fn held_bytes(&self) -> anyhow::Result<u64> {
        std::thread::sleep(Duration::from_millis(600));
        let metrics = self.server.get("/metrics")?;
        let line = metrics.lines().find_map(|line| line.strip_prefix("switchboard_held_bytes "));
        line.context("the metrics say what is held")?.parse().context("a number")
    }

    /// The slow one reads the last so many messages.
    fn catch_up(&mut self, messages: u64) -> anyhow::Result<()> {
        for number in self.sent - messages..self.sent {
            next_is(&mut self.slow, number)?;
        }
        Ok(())
    }
}

/// The client's next message is this one; gives its resume token.
fn next_is(client: &mut Client, number: u64) -> anyhow::Result<String> {
    let told = client.json(Duration::from_secs(20))?.with_context(|| format!("message {number} did not come"))?;
    ensure!(told["text"] == json!(numbered(number)), "{told} instead of message {number}");
    Ok(told["cursor"].as_str().context("a message has a cursor")?.to_owned())
}

pub(crate) fn run(binary: &str, options: &Options) -> anyhow::Result<()> {
    patient(binary, options)?;
    usual(binary, options)
}

fn patient(binary: &str, options: &Options) -> anyhow::Result<()> {
    let patience = format!("{}s", options.patience);
    let mut settings = OPEN.to_vec();
    settings.push(("CHAT_WRITE_TIMEOUT", &patience));
    let mut scene = Scene::new(binary, &settings, options.messages)?;
    // In turn, with a reader who reads and with one who does not; the least growth of each kind is told.
    let (mut anyway, mut grown, mut usual, mut beside) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut held = 0;
    for round in 1..=ROUNDS {
        let before = scene.server.resident_bytes()?;
        usual.push(scene.pass_read(options.messages)?.as_secs_f64());
        anyway.push(scene.server.resident_bytes()?.saturating_sub(before));
        let (stalled, before) = (now(), scene.server.resident_bytes()?);
        beside.push(scene.pass(options.messages)?.as_secs_f64());
        grown.push(scene.server.resident_bytes()?.saturating_sub(before));
        held = scene.held_bytes()?.max(held);
        if round == ROUNDS {
            wait_until(stalled, options.stall);
        }
        scene.catch_up(options.messages)?;
    }
    let least = |bytes: Vec<u64>| bytes.into_iter().min().context("there were rounds");
    let (anyway, grown) = (least(anyway)?, least(grown)?);
    let unread = options.messages * FRAME_BYTES;
    println!(
        "Not read for {} s while {} messages ({} KiB) passed: got each of them, in order, on the same socket; the server \
         held {} KiB for it, and grew by {} KiB meanwhile, by {} KiB with a reader who reads; the others took {:.2} times \
         as long as without.",
        options.stall,
        options.messages,
        unread / 1024,
        held / 1024,
        grown / 1024,
        anyway / 1024,
        median(beside.into_iter()) / median(usual.into_iter()),
    );
    ensure!(held > 16 * 1024, "it was never behind: {held} bytes were held");
    ensure!(held <= HELD_BYTES_MAX, "{held} bytes were held for a slow reader");
    ensure!(grown < anyway + unread / 2, "a slow reader cost {} bytes", grown - anyway);
    Ok(())
}

fn usual(binary: &str, options: &Options) -> anyhow::Result<()> {
    let mut scene = Scene::new(binary, &OPEN, options.messages)?;
    scene.pass(1)?;
    let cursor = next_is(&mut scene.slow, scene.sent - 1)?;
    let stalled = now();
    scene.pass(options.messages)?;
    // It is closed ten seconds after the last byte that it took; what the kernel holds for it is still to be read.
    wait_until(stalled, 14);
    let mut read = 0;
    let closed = loop {
        match scene.slow.json(Duration::from_secs(1)) {
            Ok(Some(_)) => read += 1,
            Ok(None) => bail!("it is still open after {:?}", stalled.elapsed()),
            Err(error) => break error,
        }
    };
    ensure!(read < options.messages, "the kernel held everything: {read} messages; send more");
    scene.slow = Client::open(scene.server.address, &format!("/ws/rooms/arena?token=slow&since={cursor}"))?;
    let resumed = scene.slow.json(Duration::from_secs(5))?.context("nothing after a resume")?;
    ensure!(resumed["type"] == json!("resumed"), "{resumed}");
    scene.catch_up(options.messages)?;
    println!(
        "At the usual write timeout it was closed after {read} messages ({closed}), and got all {} after ?since=.",
        options.messages
    );
    Ok(())
}

fn wait_until(begun: Instant, seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds).saturating_sub(begun.elapsed()));
}
