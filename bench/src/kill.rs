//! kill -9 under load. Clients of two dialects send into one room, a fifth of the sends under a client id that was used
//! already; the server is killed at a random moment and started again. Afterwards the history is read once through each
//! dialect's own means and held against what was acknowledged.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::client::Client;
use crate::process::{Scratch, Server, free_address};

#[derive(Args)]
pub(crate) struct Options {
    /// How often it is killed.
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// Clients of each dialect.
    #[arg(long, default_value_t = 4)]
    clients: u32,
    /// The longest life of the server, in milliseconds.
    #[arg(long, default_value_t = 600)]
    life_ms: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What the clients were promised: by client id, the message's id and seq.
type Acks = Arc<Mutex<HashMap<String, (String, u64)>>>;

/// One client's memory between its connections.
struct Memory {
    name: String,
    chat: bool,
    sent: u64,
    unacked: Vec<String>,
    dice: ChaCha8Rng,
    /// (seq, id) as told on this client's connections, each connection's own list.
    streams: Vec<Vec<(u64, String)>>,
}

pub(crate) fn run(binary: &str, options: &Options) -> anyhow::Result<()> {
    let scratch = Scratch::new("kill")?;
    let address = free_address()?;
    let acks: Acks = Arc::default();
    let mut dice = ChaCha8Rng::seed_from_u64(options.seed);
    let mut memories: Vec<Memory> = (0..options.clients * 2)
        .map(|n| Memory {
            name: format!("user{n}"),
            chat: n % 2 == 1,
            sent: 0,
            unacked: Vec::new(),
            dice: ChaCha8Rng::seed_from_u64(options.seed * 1000 + u64::from(n)),
            streams: Vec::new(),
        })
        .collect();
    let settings =
        [("CHAT_MAX_MESSAGES_PER_MIN", "0"), ("MAX_MESSAGES_PER_MIN", "0"), ("FRAMES_PER_SECOND", "1000000")];
    for _ in 0..options.rounds {
        let server = Server::start(binary, &scratch.0, address, &settings)?;
        let stop = Arc::new(AtomicBool::new(false));
        let life = Duration::from_millis(100 + dice.next_u64() % options.life_ms);
        memories = std::thread::scope(|scope| {
            let threads: Vec<_> = memories
                .into_iter()
                .map(|mut memory| {
                    let (acks, stop) = (acks.clone(), stop.clone());
                    scope.spawn(move || {
                        // A connection that ends with the server is what this is about.
                        let _ = load(&mut memory, address, &acks, &stop);
                        memory
                    })
                })
                .collect();
            std::thread::sleep(life);
            let killed = server.kill();
            stop.store(true, Ordering::Relaxed);
            let memories: Vec<Memory> = threads.into_iter().filter_map(|thread| thread.join().ok()).collect();
            killed.map(|()| memories)
        })?;
    }
    let server = Server::start(binary, &scratch.0, address, &settings)?;
    let history = history(server.address)?;
    let acks = acks.lock().map_err(|_| anyhow::anyhow!("a client panicked"))?;
    judge(&acks, &history, &memories, options.rounds)
}

/// Sends and listens until the server is gone.
fn load(memory: &mut Memory, address: SocketAddr, acks: &Acks, stop: &AtomicBool) -> anyhow::Result<()> {
    let target = if memory.chat {
        format!("/ws/chat?token={}", memory.name)
    } else {
        format!("/ws/rooms/arena?token={}", memory.name)
    };
    let mut client = Client::open(address, &target)?;
    memory.streams.push(Vec::new());
    if memory.chat {
        // The room may not be there yet: it is made by the first message of the other door.
        loop {
            client.send(&json!({"type": "join_room", "data": {"room_id": "arena"}}).to_string())?;
            let answer = client.json(Duration::from_secs(2))?.context("no answer to a join")?;
            if answer["type"] == json!("join") {
                break;
            }
            ensure!(!stop.load(Ordering::Relaxed), "stopped");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..4 {
            speak(memory, &mut client)?;
        }
        while let Some(told) = client.json(Duration::from_millis(2))? {
            take(memory, &told, acks)?;
        }
    }
    Ok(())
}

fn speak(memory: &mut Memory, client: &mut Client) -> anyhow::Result<()> {
    let again = memory.sent > 0 && memory.dice.next_u64().is_multiple_of(5);
    let client_id = if again {
        // Half of the repeats are of what was never acknowledged, the others of anything.
        let place = memory.dice.next_u64();
        match memory.unacked.get(usize::try_from(place % 64)?) {
            Some(id) => id.clone(),
            None => format!("{}:{}", memory.name, place % memory.sent + 1),
        }
    } else {
        memory.sent += 1;
        let id = format!("{}:{}", memory.name, memory.sent);
        memory.unacked.push(id.clone());
        id
    };
    let frame = if memory.chat {
        json!({"type": "send_message", "data":
            {"type": "text", "content": client_id, "room_id": "arena", "client_id": client_id}})
    } else {
        json!({"text": client_id, "client_id": client_id})
    };
    client.send(&frame.to_string())
}

fn take(memory: &mut Memory, told: &Value, acks: &Acks) -> anyhow::Result<()> {
    let (id, seq) = (told["id"].as_str().unwrap_or_default().to_owned(), told["seq"].as_u64().unwrap_or(0));
    match told["type"].as_str() {
        Some("ack") => {}
        Some("message" | "text") => {
            let stream = memory.streams.last_mut().context("a connection has a stream")?;
            // A repeat's copy on chat is its acknowledgement, and stands outside the order.
            let repeat = told["client_id"].is_string() && stream.last().is_some_and(|(last, _)| seq <= *last);
            if !repeat {
                stream.push((seq, id.clone()));
            }
        }
        Some("join" | "leave") => return Ok(()),
        _ => bail!("unexpected: {told}"),
    }
    if let Some(client_id) = told["client_id"].as_str() {
        memory.unacked.retain(|kept| kept != client_id);
        let mut acks = acks.lock().map_err(|_| anyhow::anyhow!("a client panicked"))?;
        let first = acks.entry(client_id.to_owned()).or_insert((id.clone(), seq));
        ensure!(*first == (id, seq), "{client_id} was acknowledged as {first:?}, now {told}");
    }
    Ok(())
}

/// The whole room: (seq, id, text).
fn history(address: SocketAddr) -> anyhow::Result<Vec<(u64, String, String)>> {
    let mut client = Client::open(address, "/ws/rooms/arena?token=auditor&since=0")?;
    let first = client.json(Duration::from_secs(5))?.context("nothing after a resume")?;
    ensure!(first["type"] == json!("resumed"), "{first}");
    let mut history = Vec::new();
    while let Some(told) = client.json(Duration::from_secs(1))? {
        let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
        history.push((told["seq"].as_u64().unwrap_or(0), text("id"), text("text")));
    }
    Ok(history)
}

fn judge(
    acks: &HashMap<String, (String, u64)>,
    history: &[(u64, String, String)],
    memories: &[Memory],
    rounds: u32,
) -> anyhow::Result<()> {
    ensure!(history.windows(2).all(|two| two[0].0 < two[1].0), "the history is not in order");
    let mut texts = HashSet::new();
    let doubled = history.iter().filter(|(_, _, text)| !texts.insert(text)).count();
    let by_text: HashMap<&str, (&str, u64)> =
        history.iter().map(|(seq, id, text)| (text.as_str(), (id.as_str(), *seq))).collect();
    let lost = acks.iter().filter(|(text, (id, seq))| by_text.get(text.as_str()) != Some(&(id.as_str(), *seq))).count();
    let places: BTreeMap<u64, &str> = history.iter().map(|(seq, id, _)| (*seq, id.as_str())).collect();
    let mut disordered = 0;
    for stream in memories.iter().flat_map(|memory| &memory.streams) {
        disordered += stream.windows(2).filter(|two| two[0].0 >= two[1].0).count();
        disordered += stream.iter().filter(|(seq, id)| places.get(seq) != Some(&id.as_str())).count();
    }
    let told: usize = memories.iter().flat_map(|memory| &memory.streams).map(Vec::len).sum();
    println!(
        "Killed {rounds} times: {} acknowledged, {lost} lost, {doubled} doubled, {disordered} out of order \
         ({} in the history, {told} deliveries compared with it).",
        acks.len(),
        history.len(),
    );
    ensure!(lost + doubled + disordered == 0, "a promise was broken");
    ensure!(acks.len() > 20 * usize::try_from(rounds)?, "too little was acknowledged to show anything");
    Ok(())
}
