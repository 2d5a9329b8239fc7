//! What a delivery costs: a room, one sender with a number of messages in flight, flat out. CPU seconds of the server per
//! million deliveries is the figure that noise moves least; a run counts only with nothing lost and nothing swapped.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;

use crate::process::{Scratch, Server, cpu_seconds, free_address, now, resident_bytes};
use crate::swarm::{Peer, Swarm, numbered};

#[derive(Args)]
pub(crate) struct Options {
    /// Listeners in the room.
    #[arg(long, default_value_t = 1000)]
    listeners: usize,
    /// Messages on the way at a time.
    #[arg(long, default_value_t = 32)]
    in_flight: u64,
    /// Messages in all.
    #[arg(long, default_value_t = 4000)]
    messages: u64,
    /// Rounds of A B A B.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Beside them: node's `ws` and `socket.io`, from bench/peers (npm install there first).
    #[arg(long)]
    peers: bool,
    /// Shards of the server.
    #[arg(long, default_value_t = 1)]
    shards: u32,
}

/// A peer's server.
pub(crate) struct Node(Child, pub(crate) std::net::SocketAddr);

impl Node {
    pub(crate) fn start(script: &str) -> anyhow::Result<Self> {
        let address = free_address()?;
        let child = Command::new("node")
            .arg(script)
            .arg(address.port().to_string())
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("node {script}"))?;
        let begun = now();
        while std::net::TcpStream::connect(address).is_err() {
            ensure!(begun.elapsed() < Duration::from_secs(20), "{script} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self(child, address))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A figure of one run.
struct Figure {
    cpu_per_million: f64,
    deliveries_per_second: f64,
}

pub(crate) fn run(binary: &str, options: &Options) -> anyhow::Result<()> {
    let peers: &[Peer] = if options.peers {
        &[Peer::Rooms, Peer::Events, Peer::Ws, Peer::SocketIo]
    } else {
        &[Peer::Rooms, Peer::Events]
    };
    let mut figures: Vec<Vec<Figure>> = peers.iter().map(|_| Vec::new()).collect();
    for _ in 0..options.rounds {
        for (place, peer) in peers.iter().enumerate() {
            figures[place].push(one(binary, options, *peer)?);
        }
    }
    println!(
        "A room of {}, {} in flight, 200-byte texts, median of {} rounds:",
        options.listeners, options.in_flight, options.rounds
    );
    for (peer, figures) in peers.iter().zip(figures) {
        println!(
            "  {:<10} {:6.2} CPU s per million deliveries, {:9.0} deliveries/s",
            format!("{peer:?}"),
            median(figures.iter().map(|figure| figure.cpu_per_million)),
            median(figures.iter().map(|figure| figure.deliveries_per_second)),
        );
    }
    Ok(())
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A fan-out needs a server without limits a minute, and one that takes what it is sent.
pub(crate) const OPEN: [(&str, &str); 4] = [
    ("CHAT_MAX_MESSAGES_PER_MIN", "0"),
    ("MAX_MESSAGES_PER_MIN", "0"),
    ("FRAMES_PER_SECOND", "10000000"),
    ("BYTES_PER_SECOND", "1000000000"),
];

fn one(binary: &str, options: &Options, peer: Peer) -> anyhow::Result<Figure> {
    let scratch = Scratch::new("fanout")?;
    let shards = options.shards.to_string();
    match peer {
        Peer::Rooms | Peer::Events => {
            let mut settings = OPEN.to_vec();
            settings.push(("SHARDS", &shards));
            let server = Server::start(binary, &scratch.0, free_address()?, &settings)?;
            measure(options, peer, server.address, server.id())
        }
        Peer::Ws | Peer::SocketIo => {
            let script = if peer == Peer::Ws { "bench/peers/ws.js" } else { "bench/peers/socketio.js" };
            let node = Node::start(script)?;
            measure(options, peer, node.1, node.id())
        }
    }
}

fn measure(options: &Options, peer: Peer, address: std::net::SocketAddr, id: u32) -> anyhow::Result<Figure> {
    // The last connection only sends; it is not counted among the listeners, and on ours it hears no echo.
    let mut swarm = Swarm::join(peer, address, "arena", options.listeners + 1)?;
    let sender = options.listeners;
    flood(&mut swarm, sender, 0, options.messages / 10, options.in_flight)?;
    let (before, received, begun) = (cpu_seconds(id)?, swarm.received, now());
    flood(&mut swarm, sender, options.messages / 10, options.messages, options.in_flight)?;
    let (cpu, wall) = (cpu_seconds(id)? - before, begun.elapsed().as_secs_f64());
    let deliveries = f64::from(u32::try_from(swarm.received - received)?);
    ensure!(swarm.wrong == 0, "{} messages were lost, doubled or swapped", swarm.wrong);
    ensure!(resident_bytes(id)? > 0, "the server is gone");
    Ok(Figure { cpu_per_million: cpu / deliveries * 1e6, deliveries_per_second: deliveries / wall })
}

/// Sends messages `from` to `to`, at most `in_flight` ahead of what the first listener has, and waits until all have all.
pub(crate) fn flood(swarm: &mut Swarm, sender: usize, from: u64, to: u64, in_flight: u64) -> anyhow::Result<()> {
    let begun = now();
    let mut next = from;
    loop {
        let done = swarm.last(0).map_or(0, |last| last + 1);
        while next < to && next < done + in_flight {
            swarm.send(sender, &numbered(next))?;
            next += 1;
        }
        if done >= to && (0..sender).all(|listener| swarm.last(listener) == Some(to - 1)) {
            return Ok(());
        }
        swarm.turn(Duration::from_millis(if done >= to { 5 } else { 100 }))?;
        ensure!(begun.elapsed() < Duration::from_secs(300), "only {done} of {to} after 300 s");
    }
}
