//! The threads, and what runs between them: thin shells around the pure steps of `node` and `shard`. Nothing is decided
//! here; waiting, sockets and clocks are.
//!
//! ```text
//!  shards ──calls──► inbox ─► node ──batch──► writer ─► (completion to the inbox)
//!    ▲  │                      │ ──reads──► readers ─► (completion to whoever asked)
//!    │  └─signals─► bus        │ ──hints──► bus ─┐
//!    └──────────── mailboxes ◄─┴──replies────────┘
//! ```
//!
//! Beside them the feed, where there is one: a reader of the log that the writer wakes.

pub mod addresses;
pub mod clock;
mod feed;
mod integration;
mod listen;
mod node;
mod shard;
mod sockets;
mod store;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use adapters::port::{Failure, FailureKind, Feed, FeedPlace, Found, Read, Reader, Store};
use anyhow::Context as _;
use dialects::connections::Managed;
use dialects::{Answer, Dialect};
use domain::id::{Cursor, Life};
use domain::limits::{self, Policy};

use self::addresses::Addresses;
use self::clock::Clock;
pub use self::feed::Bell;
pub use self::integration::UrlDoor;
pub use self::listen::probe;
pub use self::store::{Job, Reads, WriterDoor};
use crate::bus::{Bus, Local};
use crate::health::Health;
use crate::http::HttpDoor;
use crate::http::calls::Waiters;
use crate::mailbox::{Inbox, Mailbox, Order};
use crate::node::{Node, Start, Told};
use crate::shard::{Allowance, Gate, Parts, Shard, Timing};

/// Calls of back ends that may be under way; each may bring a message of 128 KiB.
const MANAGED_AT_ONCE_MAX: usize = 256;

/// What all threads reach each other by.
pub struct Wiring {
    /// The clock.
    pub clock: Clock,
    /// To the node.
    pub inbox: Inbox,
    /// To each shard.
    pub mailboxes: Vec<Arc<Mailbox>>,
    /// To all shards of all nodes.
    pub bus: Box<dyn Bus>,
    /// To the readers.
    pub reads: Reads,
    /// Calls over REST that wait for the node.
    pub rest: Waiters<Box<Told>>,
    /// Requests on polled paths that wait for a shard.
    pub polled: Waiters<Answer>,
    /// Back ends that wait for a shard.
    pub managed: Waiters<Managed>,
    /// To the feed.
    pub feed: Bell,
    /// The server's state.
    pub health: Health,
}

/// The shards' polls: made before everything else, because their mailboxes wake them.
pub struct Polls(Vec<mio::Poll>);

impl Wiring {
    /// The wiring of a server with this many shards.
    ///
    /// # Errors
    /// When the system gives no poll.
    pub fn new(clock: Clock, shards: u8) -> io::Result<(Arc<Self>, Polls)> {
        let (mut polls, mut mailboxes) = (Vec::new(), Vec::new());
        for _ in 0..shards {
            let poll = mio::Poll::new()?;
            let waker = mio::Waker::new(poll.registry(), sockets::WAKER)?;
            let wake = move || {
                if let Err(error) = waker.wake() {
                    tracing::error!(%error, "A shard could not be woken.");
                }
            };
            mailboxes.push(Arc::new(Mailbox::new(Box::new(wake))));
            polls.push(poll);
        }
        let wiring = Self {
            clock,
            inbox: Inbox::default(),
            bus: Box::new(Local::new(mailboxes.clone())),
            reads: Reads::default(),
            rest: Waiters::new(limits::REST_CALLS_MAX),
            polled: Waiters::new(limits::HTTP_CONNECTIONS_MAX),
            managed: Waiters::new(MANAGED_AT_ONCE_MAX),
            feed: Bell::default(),
            health: Health::new(mailboxes.len()),
            mailboxes,
        };
        Ok((Arc::new(wiring), Polls(polls)))
    }
}

/// What the threads start with.
pub struct Setup {
    /// The store, open.
    pub store: Arc<dyn Store>,
    /// The random id of this start.
    pub life: Life,
    /// The doors that are open.
    pub dialects: Arc<Vec<Box<dyn Dialect>>>,
    /// Who is let in.
    pub gate: Arc<dyn Gate>,
    /// The rules' settings.
    pub policy: Policy,
    /// Deadlines of sockets.
    pub timing: Timing,
    /// What one connection may cost.
    pub allowance: Allowance,
    /// Where to listen; probed.
    pub listen: Vec<SocketAddr>,
    /// How many connections an address may have.
    pub addresses: Arc<Addresses>,
    /// Threads that answer reads.
    pub readers: usize,
    /// To the operator's URL.
    pub url: UrlDoor,
    /// The other system that is told what happens, if there is one.
    pub feed: Option<Box<dyn Feed>>,
}

/// The threads of a server.
pub struct Running {
    wiring: Arc<Wiring>,
    writer: WriterDoor,
    shards: Vec<JoinHandle<()>>,
    node: JoinHandle<()>,
    store: Vec<JoinHandle<()>>,
    feed: Option<feed::Feeding>,
}

/// Starts everything behind the doors, and then opens them.
///
/// # Errors
/// When the store can't be read, an address is taken, or the system gives no thread.
pub fn start(setup: Setup, wiring: &Arc<Wiring>, polls: Polls, http: &HttpDoor) -> anyhow::Result<Running> {
    let Setup { store, life, dialects, gate, policy, timing, allowance, listen, addresses, readers, url, feed } = setup;
    let mut writer = store.writer()?;
    let feed = match feed {
        Some(feed) => Some((feed, feed::first_place(store.reader()?.as_mut(), writer.as_mut(), life)?)),
        None => None,
    };
    let (head, mut node) = first_node(store.reader()?.as_mut(), policy, life, wiring.clock)?;
    let (writer, writing) = store::start_writer(writer, wiring.clone())?;
    let mut stores = vec![writing];
    for _ in 0..readers.max(1) {
        stores.push(store::start_reader(store.reader()?, wiring.clone())?);
    }
    let feed = feed.map(|feed| start_feed(feed, &mut node, (store.as_ref(), life), &writer, wiring));
    let feed = feed.transpose()?;
    let node = node::start(node, writer.clone(), wiring.clone())?;
    let mut shards = Vec::new();
    for (id, poll) in (0u8..).zip(polls.0) {
        let listeners = listen
            .iter()
            .map(|address| listen::shared(*address, timing.write_ms).with_context(|| format!("listening on {address}")))
            .collect::<Result<Vec<_>, _>>()?;
        let (count, seed) = (u8::try_from(wiring.mailboxes.len()).unwrap_or(u8::MAX), adapters::auth::random()?);
        let parts = Parts {
            id,
            shards: count,
            life,
            dialects: dialects.clone(),
            gate: gate.clone(),
            timing,
            allowance,
            head,
            seed,
        };
        shards.push(shard::start(shard::Parts {
            id,
            shard: Shard::new(parts, wiring.clock.now()),
            gate: gate.clone(),
            dialects: dialects.clone(),
            poll,
            listeners,
            http: http.clone(),
            addresses: addresses.clone(),
            url: url.clone(),
            wiring: wiring.clone(),
        })?);
    }
    Ok(Running { wiring: wiring.clone(), writer, shards, node, store: stores, feed })
}

/// The feed's thread; the node is told that there is one.
fn start_feed(
    (feed, place): (Box<dyn Feed>, FeedPlace),
    node: &mut Node,
    (store, life): (&dyn Store, Life),
    writer: &WriterDoor,
    wiring: &Arc<Wiring>,
) -> anyhow::Result<feed::Feeding> {
    node.has_feed();
    let (reader, writer, wiring) = (store.reader()?, writer.clone(), wiring.clone());
    Ok(feed::start(feed::Parts { feed, reader, writer, wiring, life, place })?)
}

/// A node at the log's head, which knows the last minute's messages (HAZARDS 12).
fn first_node(reader: &mut dyn Reader, policy: Policy, life: Life, clock: Clock) -> anyhow::Result<(Cursor, Node)> {
    let Found::Cursor(Some(head)) = reader.read(&Read::Head)? else { return Err(other_answer().into()) };
    let window_began = domain::id::Millis(clock.now().0.saturating_sub(limits::PACE_WINDOW_MS));
    let Found::Recent(recent) = reader.read(&Read::Recent(window_began))? else { return Err(other_answer().into()) };
    let Found::Expired(expired) = reader.read(&Read::Expired)? else { return Err(other_answer().into()) };
    let seed = adapters::auth::random()?;
    Ok((head, Node::new(Start { policy, life, head, recent, expired, seed })))
}

fn other_answer() -> Failure {
    Failure::new(FailureKind::Unavailable, "the store answered a read with another kind of answer")
}

impl Running {
    /// A way to the writer, for the operator's changes.
    #[must_use]
    pub fn writer(&self) -> WriterDoor {
        self.writer.clone()
    }

    /// Ends the feed, which needs the runtime that it waits on. What it has not told by now is told after the next start.
    pub fn stop_feed(&mut self) {
        if let Some(feed) = self.feed.take() {
            feed.stop();
        }
    }

    /// Ends the threads, from the doors inwards: what was taken in is carried out, and what was committed is answered
    /// where somebody still listens.
    pub fn stop(mut self) {
        self.stop_feed();
        self.wiring.mailboxes.iter().for_each(|mailbox| mailbox.order(Order::Stop));
        self.shards.into_iter().for_each(join);
        self.wiring.inbox.close();
        join(self.node);
        self.writer.give(Job::Stop);
        self.wiring.reads.close();
        self.store.into_iter().for_each(join);
    }
}

fn join(thread: JoinHandle<()>) {
    // A panic has ended the process before.
    let _ = thread.join();
}

/// Starts a thread under a name that logs and debuggers show.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}
