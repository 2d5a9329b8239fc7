//! What an idle connection costs: joined, authenticated, in a room, resumable; resident bytes of the server per connection.

use clap::Args;

use crate::fanout::{Node, OPEN};
use crate::process::{Scratch, Server, free_address, resident_bytes};
use crate::swarm::{Peer, Swarm};

#[derive(Args)]
pub(crate) struct Options {
    /// Connections.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// Beside them: node's `ws` and `socket.io`, from bench/peers (npm install there first).
    #[arg(long)]
    peers: bool,
}

pub(crate) fn run(binary: &str, options: &Options) -> anyhow::Result<()> {
    println!("{} idle connections in one room, resident bytes of the server per connection:", options.connections);
    for peer in [Peer::Rooms, Peer::Events] {
        let scratch = Scratch::new("idle")?;
        let server = Server::start(binary, &scratch.0, free_address()?, &OPEN)?;
        report(peer, server.address, server.id(), options.connections)?;
    }
    if options.peers {
        for (peer, script) in [(Peer::Ws, "bench/peers/ws.js"), (Peer::SocketIo, "bench/peers/socketio.js")] {
            let node = Node::start(script)?;
            report(peer, node.1, node.id(), options.connections)?;
        }
    }
    Ok(())
}

fn report(peer: Peer, address: std::net::SocketAddr, id: u32, connections: usize) -> anyhow::Result<()> {
    let few = Swarm::join(peer, address, "warm", 100)?;
    let before = resident_bytes(id)?;
    let many = Swarm::join(peer, address, "arena", connections)?;
    std::thread::sleep(std::time::Duration::from_secs(2));
    let after = resident_bytes(id)?;
    let each = after.saturating_sub(before) / u64::try_from(connections)?;
    println!("  {:<10} {each:8}", format!("{peer:?}"));
    drop((few, many));
    Ok(())
}
