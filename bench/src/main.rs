//! Shows what the server promises, against the real binary over real sockets: what survives kill -9, what a slow reader
//! gets, what attackers get, and what a delivery and an idle connection cost, beside peers in the same run.
//!
//! Not a part of the product: it knows wires, it reads clocks, and it kills.

mod client;
mod fanout;
mod idle;
mod kill;
mod process;
mod slow;
mod store;
mod swarm;

use clap::{Parser, Subcommand};

/// The allocator that the server runs on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Shows what the server promises, against the real binary.")]
struct Cli {
    /// The server's binary.
    #[arg(long, default_value = "target/release/switchboard")]
    binary: String,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// kill -9 under load, again and again: nothing acknowledged is lost, nothing doubled, one order.
    Kill(kill::Options),
    /// What a delivery costs, beside node's `ws` and socket.io.
    Fanout(fanout::Options),
    /// What an idle connection costs, beside node's `ws` and socket.io.
    Idle(idle::Options),
    /// What the SQLite store carries, on real rows.
    Store(store::Options),
    /// What a client gets that stops reading, and what it costs the others.
    Slow(slow::Options),
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.what {
        What::Kill(options) => kill::run(&cli.binary, &options),
        What::Fanout(options) => fanout::run(&cli.binary, &options),
        What::Idle(options) => idle::run(&cli.binary, &options),
        What::Store(options) => store::run(&options),
        What::Slow(options) => slow::run(&cli.binary, &options),
    }
}
