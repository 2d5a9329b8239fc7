//! A world for the production steps: simulated time, sockets made of queues, a memory store, and a queue of what happens
//! next. With [`Chaos::none`] everything happens at once and in order; the simulator turns the knobs.

mod busy;
mod dispatch;
mod happening;
mod kept;
pub(crate) mod line;
pub(crate) mod net;
mod setup;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use adapters::port::{Found, Read, Reader, Store, Writer};
use adapters::store::memory::MemoryStore;
use domain::id::{Cursor, Life, Millis, Offset};
use server::node::{self, Input as NodeInput, Node, Start};
use server::shard::{Input as ShardInput, Mail, Outputs, Parts, Shard};

use self::happening::Happening;
use self::net::{Pipe, Sockets, Turn};
use self::setup::Honest;
pub(crate) use self::setup::{Chaos, Dice, Plant, Setup};

/// A server: one node and its shards, on the world's store.
struct Server {
    /// Counts its starts; what was under way in an earlier one is nobody's any more.
    start: u64,
    node: Node,
    shards: Vec<(Shard, Sockets)>,
    /// When each shard is to be woken; one wake at a time.
    wakes: Vec<Option<Millis>>,
    writer: Box<dyn Writer>,
    reader: Box<dyn Reader>,
}

/// The world.
pub(crate) struct World {
    pub(crate) now: Millis,
    pub(crate) dice: Dice,
    pub(crate) chaos: Chaos,
    /// The store in memory, whose faults can be chosen and whose log can be looked at.
    pub(crate) store: MemoryStore,
    /// The store that servers are on: that one, unless another was asked for.
    disk: Arc<dyn Store>,
    pub(crate) pipes: Vec<Pipe>,
    /// Pipes on which something arrived for the client, or that were closed.
    pub(crate) arrived: Vec<(Millis, usize)>,
    /// REST replies.
    pub(crate) replies: BTreeMap<u64, Result<domain::command::Reply, domain::refusal::Refusal>>,
    /// Answers to requests on polled paths.
    pub(crate) answers: BTreeMap<u64, dialects::Answer>,
    /// What became of back ends' calls.
    pub(crate) managed: BTreeMap<u64, dialects::connections::Managed>,
    /// Events for the operator's URL, each with its shard.
    pub(crate) integrations: Vec<(usize, server::shard::Integrate)>,
    pub(crate) plant: Box<dyn Plant>,
    /// Print what clients say and hear.
    pub(crate) story: bool,
    setup: Setup,
    servers: Vec<Server>,
    queue: BTreeMap<(Millis, u64), Happening>,
    order: u64,
    starts: u64,
    /// The latest moment of each path on which order is kept.
    paths: BTreeMap<(u8, usize, usize), Millis>,
    /// Shards that can't take a turn just now, and what waits for them.
    busy: BTreeMap<(usize, usize), Vec<ShardInput>>,
}

impl World {
    pub(crate) fn new(seed: u64, chaos: Chaos, setup: Setup, servers: usize) -> Self {
        let store = MemoryStore::new(Life(seed | 1));
        let disk = setup.disk.clone().unwrap_or_else(|| Arc::new(store.clone()));
        let mut world = Self {
            now: Millis(1_800_000_000_000),
            dice: Dice::new(seed),
            chaos,
            store,
            disk,
            pipes: Vec::new(),
            arrived: Vec::new(),
            replies: BTreeMap::new(),
            answers: BTreeMap::new(),
            managed: BTreeMap::new(),
            integrations: Vec::new(),
            plant: Box::new(Honest),
            story: false,
            setup,
            servers: Vec::new(),
            queue: BTreeMap::new(),
            order: 0,
            starts: 0,
            paths: BTreeMap::new(),
            busy: BTreeMap::new(),
        };
        for _ in 0..servers {
            let server = world.start_server();
            world.servers.push(server);
        }
        for server in 0..servers {
            world.schedule_tick(server);
        }
        world
    }

    fn start_server(&mut self) -> Server {
        self.starts += 1;
        let writer = self.disk.writer().expect("the store gives writers");
        let mut reader = self.disk.reader().expect("the store gives readers");
        let head = match reader.read(&Read::Head) {
            Ok(Found::Cursor(Some(head))) => head,
            other => panic!("a log has a head, not {other:?}"),
        };
        let recent = match reader.read(&Read::Recent(Millis(self.now.0 - 60_000))) {
            Ok(Found::Recent(recent)) => recent,
            other => panic!("a log has recent messages, not {other:?}"),
        };
        let expired = match reader.read(&Read::Expired) {
            Ok(Found::Expired(expired)) => expired,
            other => panic!("a log is kept from somewhere on, not {other:?}"),
        };
        let (policy, life) = (self.setup.policy.clone(), Life(0x1000 + self.starts));
        let node = Node::new(Start { policy, life, head, recent, expired, seed: self.dice.bytes() });
        let shards = (0..self.setup.shards).map(|id| {
            let parts = Parts {
                id,
                shards: self.setup.shards,
                seed: self.dice.bytes(),
                life,
                dialects: self.setup.dialects.clone(),
                gate: self.setup.gate.clone(),
                timing: self.setup.timing,
                allowance: self.setup.allowance,
                head,
            };
            (Shard::new(parts, self.now), Sockets::default())
        });
        Server {
            start: self.starts,
            node,
            shards: shards.collect(),
            wakes: vec![None; usize::from(self.setup.shards)],
            writer,
            reader,
        }
    }

    /// kill -9: what was not committed is lost, every socket is cut, and a new start begins on the same log.
    pub(crate) fn crash(&mut self, server: usize) {
        for pipe in &mut self.pipes {
            if pipe.server == server && pipe.slot.is_some() {
                (pipe.slot, pipe.server_closed, pipe.client_closed) = (None, true, true);
            }
        }
        for pipe in 0..self.pipes.len() {
            self.arrived.push((self.now, pipe));
        }
        self.busy.retain(|(of, _), _| *of != server);
        self.servers[server] = self.start_server();
        self.schedule_tick(server);
    }

    /// What the buffers of a server's connections take, in bytes.
    pub(crate) fn held_bytes(&self, server: usize) -> u64 {
        self.servers[server].shards.iter().map(|(shard, _)| shard.tally().held_bytes).sum()
    }

    /// The log's head as a server has announced it.
    pub(crate) fn head(&self, server: usize) -> Cursor {
        self.servers[server].node.head()
    }

    /// The log's head, whoever knows of it.
    pub(crate) fn log_head(&mut self) -> Offset {
        match self.servers[0].reader.read(&Read::Head) {
            Ok(Found::Cursor(Some(head))) => head.offset,
            other => panic!("a log has a head, not {other:?}"),
        }
    }

    fn schedule_tick(&mut self, server: usize) {
        let start = self.servers[server].start;
        self.at(self.now.plus(1000), Happening::Tick(server, start));
    }

    fn at(&mut self, when: Millis, what: Happening) {
        self.order += 1;
        self.queue.insert((when, self.order), what);
    }

    /// Something on a path on which order is kept, after at most `most` milliseconds.
    fn along(&mut self, path: (u8, usize, usize), most: u64, what: Happening) {
        let when = self.now.plus(self.dice.below(most + 1));
        let latest = self.paths.entry(path).or_default();
        *latest = when.max(*latest);
        let when = *latest;
        self.at(when, what);
    }

    pub(crate) fn connect(&mut self, server: usize, shard: usize) -> usize {
        let pipe = self.pipes.len();
        let slot = self.servers[server].shards[shard].1.take_slot(pipe);
        let capacity = self.chaos.socket_bytes;
        self.pipes.push(Pipe { server, shard, slot: Some(slot), capacity, ..Pipe::default() });
        let start = self.servers[server].start;
        self.along((0, server, shard), 0, Happening::Shard(server, start, shard, ShardInput::Accepted(slot)));
        pipe
    }

    /// A socket goes to another shard, which hears what was read of it first.
    fn move_pipe(&mut self, pipe: usize, shard: usize, read: &[u8]) {
        let server = self.pipes[pipe].server;
        let slot = self.servers[server].shards[shard].1.take_slot(pipe);
        let moved = &mut self.pipes[pipe];
        (moved.shard, moved.slot) = (shard, Some(slot));
        read.iter().rev().for_each(|byte| moved.to_server.push_front(*byte));
        let start = self.servers[server].start;
        self.along((0, server, shard), 0, Happening::Shard(server, start, shard, ShardInput::Accepted(slot)));
    }

    /// A request on a polled path, to a shard; its answer is in `answers` under its token.
    pub(crate) fn poll(&mut self, server: usize, shard: usize, input: ShardInput) {
        let start = self.servers[server].start;
        self.along((8, server, shard), self.chaos.wire_ms, Happening::Shard(server, start, shard, input));
    }

    /// The client sends bytes.
    pub(crate) fn send(&mut self, pipe: usize, bytes: &[u8]) {
        self.pipes[pipe].to_server.extend(bytes);
        self.poke(pipe, ShardInput::Readable);
    }

    /// The client closes, or is cut off.
    pub(crate) fn cut(&mut self, pipe: usize) {
        self.pipes[pipe].client_closed = true;
        self.pipes[pipe].to_client.clear();
        self.poke(pipe, ShardInput::Readable);
    }

    /// The client reads up to `most` bytes.
    pub(crate) fn receive(&mut self, pipe: usize, most: usize) -> Vec<u8> {
        let p = &mut self.pipes[pipe];
        let count = most.min(p.to_client.len());
        let bytes = p.to_client.drain(..count).collect();
        if p.full && count > 0 {
            p.full = false;
            self.poke(pipe, ShardInput::Writable);
        }
        bytes
    }

    fn poke(&mut self, pipe: usize, input: impl FnOnce(u32) -> ShardInput) {
        let p = &self.pipes[pipe];
        if let Some(slot) = p.slot {
            let (server, shard) = (p.server, p.shard);
            let start = self.servers[server].start;
            let wire_ms = self.chaos.wire_ms;
            self.along((1, pipe, 0), wire_ms, Happening::Shard(server, start, shard, input(slot)));
        }
    }

    /// A call over REST; its reply is in `replies` under the token.
    pub(crate) fn call(&mut self, server: usize, call: node::Call) {
        let start = self.servers[server].start;
        self.along((2, server, 99), 0, Happening::Node(server, start, NodeInput::Call(call)));
    }

    fn mail(&mut self, server: usize, shard: usize, mail: Mail) {
        let start = self.servers[server].start;
        let hop_ms = self.chaos.hop_ms;
        let mail = self.plant.mail(mail);
        self.along((3, server, shard), hop_ms, Happening::Shard(server, start, shard, ShardInput::Mail(mail)));
    }

    /// Lets everything happen up to a moment.
    pub(crate) fn run_until(&mut self, until: Millis) {
        while let Some((&(when, order), _)) = self.queue.first_key_value() {
            if when > until {
                break;
            }
            let what = self.queue.remove(&(when, order)).expect("it was just seen");
            self.now = self.now.max(when);
            self.happen(what);
        }
        self.now = self.now.max(until);
    }

    fn happen(&mut self, what: Happening) {
        let (server, start) = what.of();
        if self.servers[server].start != start {
            return; // It was on its way when the server was killed.
        }
        match what {
            Happening::Node(server, _, input) => self.node(server, vec![input]),
            Happening::Shard(server, _, shard, input) => self.reach(server, shard, Some(input)),
            Happening::Idle(server, _, shard) => self.idle(server, shard),
            // A wake that an earlier one has overtaken is nobody's.
            Happening::Wake(server, _, shard) if self.servers[server].wakes[shard] != Some(self.now) => {}
            Happening::Wake(server, _, shard) => {
                self.servers[server].wakes[shard] = None;
                self.reach(server, shard, None);
            }
            Happening::Tick(server, _) => {
                let mut out = Vec::new();
                self.servers[server].node.tick(self.now, &mut out);
                self.dispatch(server, out);
                self.schedule_tick(server);
            }
            Happening::Commit(server, _, batch) => {
                let batch = self.plant.batch(batch);
                let result = self.servers[server].writer.commit(&batch).map(|o| self.plant.outcomes(o));
                self.tell_node(server, NodeInput::Committed(result));
            }
            Happening::Recover(server, _) => {
                let result = self.servers[server].writer.recover();
                self.tell_node(server, NodeInput::Recovered(result));
            }
            Happening::Read(server, _, shard, token, read) => {
                self.read(server, shard, token, &read);
            }
        }
    }

    fn read(&mut self, server: usize, shard: Option<usize>, token: node::Token, read: &Read) {
        let found = if self.dice.chance(self.chaos.fail_read) {
            Err(adapters::port::Failure::new(adapters::port::FailureKind::Unavailable, "the world says no"))
        } else {
            self.servers[server].reader.read(read).map(|found| self.plant.found(found))
        };
        let (start, hop_ms) = (self.servers[server].start, self.chaos.hop_ms);
        match shard {
            Some(shard) => {
                let input = ShardInput::Found(token, found);
                self.along((4, server, shard), hop_ms, Happening::Shard(server, start, shard, input));
            }
            // Several readers: what they found may come behind what was committed after they looked.
            None => {
                let when = self.now.plus(self.dice.below(hop_ms + 1));
                self.at(when, Happening::Node(server, start, NodeInput::Found(token, found)));
            }
        }
    }

    fn tell_node(&mut self, server: usize, input: NodeInput) {
        let (start, hop_ms) = (self.servers[server].start, self.chaos.hop_ms);
        self.along((5, server, 0), hop_ms, Happening::Node(server, start, input));
    }

    fn node(&mut self, server: usize, mut inputs: Vec<NodeInput>) {
        let mut out = Vec::new();
        self.servers[server].node.step(self.now, &mut inputs, &mut out);
        self.dispatch(server, out);
    }

    fn turn(&mut self, server: usize, shard: usize, mut inputs: Vec<ShardInput>) {
        let mut out = Outputs::default();
        let (machine, sockets) = &mut self.servers[server].shards[shard];
        let next = machine.step(self.now, &mut inputs, &mut Turn { sockets, pipes: &mut self.pipes }, &mut out);
        assert_eq!(machine.tally().held_bytes, machine.weigh_all(), "what buffers hold is counted");
        let touched = std::mem::take(&mut sockets.touched);
        let moved = std::mem::take(&mut sockets.moved);
        let start = self.servers[server].start;
        for pipe in touched {
            let writes = std::mem::take(&mut self.pipes[pipe].writes_this_turn);
            assert!(writes <= 1, "{writes} writes to one connection in one turn");
            let when = self.now.plus(self.dice.below(self.chaos.wire_ms + 1));
            self.arrived.push((when, pipe));
        }
        for input in out.node {
            self.along((7, server, shard), self.chaos.hop_ms, Happening::Node(server, start, input));
        }
        for (token, read) in out.reads {
            let when = self.now.plus(self.dice.below(self.chaos.store_ms + 1));
            self.at(when, Happening::Read(server, start, Some(shard), token, read));
        }
        out.asks.into_iter().for_each(|asking| self.ask(server, shard, asking));
        self.answers.extend(out.answers);
        self.managed.extend(out.managed);
        self.integrations.extend(out.integrations.into_iter().map(|event| (shard, event)));
        for (pipe, shard, read) in moved {
            self.move_pipe(pipe, usize::from(shard), &read);
        }
        for signal in out.signals {
            for shard in 0..self.servers[server].shards.len() {
                self.mail(server, shard, Mail::Signal(signal.clone()));
            }
        }
        if let Some(next) = next.map(|next| next.max(self.now))
            && self.servers[server].wakes[shard].is_none_or(|wake| next < wake)
        {
            self.servers[server].wakes[shard] = Some(next);
            self.at(next, Happening::Wake(server, start, shard));
        }
    }
}
