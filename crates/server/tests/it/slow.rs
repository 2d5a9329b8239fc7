//! Who does not read, beside one who does (invariant 6, HAZARDS 23): the production steps with sockets that hold little.

use std::sync::Arc;

use domain::event::SignalKind;
use domain::limits::{self, Policy};
use server::frame::Opcode;
use server::shard::{Allowance, Mail, Timing};

use crate::sim::OpenGate;
use crate::world::wire::{Ear, Received, masked, upgrade};
use crate::world::{Chaos, Plant, Setup, World};

/// Enough to fill an outbox a dozen times, and few enough for one connection's allowance at once.
const MESSAGES: usize = 3_000;
/// What one slow reader may cost: an outbox, the item that it may exceed by, and what a page from the log may add.
const HELD_BYTES_MAX: u64 = 128 * 1024;

/// A client in the room, and what it heard.
struct Listener {
    pipe: usize,
    ear: Ear,
    /// The numbers of the messages, in the order heard.
    heard: Vec<usize>,
    closed: Option<u16>,
}

impl Listener {
    fn enter(world: &mut World, name: &str) -> Self {
        let pipe = world.connect(0, 0);
        world.send(pipe, &upgrade(&format!("/ws/rooms/arena?token={name}"), &[]));
        world.run_until(world.now.plus(50));
        let mut listener = Self { pipe, ear: Ear::default(), heard: Vec::new(), closed: None };
        listener.ear.feed(world.receive(pipe, usize::MAX));
        assert!(matches!(listener.ear.next(), Some(Received::Http { status: 101, .. })), "{name}");
        listener
    }

    /// Takes what the socket holds; how much that was.
    fn read(&mut self, world: &mut World) -> usize {
        let bytes = world.receive(self.pipe, usize::MAX);
        let count = bytes.len();
        self.ear.feed(bytes);
        while let Some(received) = self.ear.next() {
            match received {
                Received::Text(text) => {
                    let told: serde_json::Value = serde_json::from_str(&text).expect("frames are JSON");
                    let number = told["text"].as_str().and_then(|text| text.trim_start().parse().ok());
                    self.heard.push(number.unwrap_or_else(|| panic!("{text}")));
                }
                Received::Close { code, .. } => self.closed = code,
                other @ (Received::Http { .. } | Received::Binary(_) | Received::Ping(_) | Received::Pong(_)) => {
                    panic!("{other:?}")
                }
            }
        }
        count
    }
}

/// A room with a talker, one who reads and one who does not, yet.
struct Scene {
    world: World,
    talker: Listener,
    brisk: Listener,
    slow: Listener,
}

impl Scene {
    fn new(keeps: bool) -> Self {
        let policy = Policy { development: true, strict_per_minute: 0, ..Policy::default() };
        let settings = dialects::Settings { development: true, rooms_persist: keeps, ..Default::default() };
        let setup = Setup {
            shards: 1,
            policy,
            timing: Timing::default(),
            allowance: Allowance::default(),
            dialects: Arc::new(dialects::registry(&settings)),
            gate: Arc::new(OpenGate),
            disk: None,
        };
        let mut world = World::new(7, Chaos { socket_bytes: 4096, ..Chaos::none() }, setup, 1);
        let [talker, brisk, slow] = ["talker", "brisk", "slow"].map(|name| Listener::enter(&mut world, name));
        Self { world, talker, brisk, slow }
    }

    /// Says a message of 200 bytes, with its number in front; the brisk one reads it.
    fn say(&mut self, number: usize) {
        self.world.send(self.talker.pipe, &masked(Opcode::Text, format!(r#"{{"text":"{number:>200}"}}"#).as_bytes()));
        self.world.run_until(self.world.now.plus(1));
        self.brisk.read(&mut self.world);
        assert_eq!(self.brisk.heard.len(), number + 1, "nobody waits for the slow one");
    }
}

#[test]
fn a_slow_reader_holds_a_bounded_buffer_and_misses_nothing() {
    let mut scene = Scene::new(true);
    for number in 0..MESSAGES {
        scene.say(number);
        let held = scene.world.held_bytes(0);
        assert!(held <= HELD_BYTES_MAX, "{held} bytes held after {number} messages");
    }
    assert!(scene.world.held_bytes(0) >= 32 * 1024, "it was behind, so that there was something to bound");
    let mut most = 0;
    while scene.slow.read(&mut scene.world) > 0 {
        scene.world.run_until(scene.world.now.plus(1));
        most = scene.world.held_bytes(0).max(most);
    }
    assert!(most <= HELD_BYTES_MAX, "{most} bytes held while it caught up");
    assert_eq!(scene.slow.heard, (0..MESSAGES).collect::<Vec<_>>());
    assert_eq!(scene.brisk.heard, scene.slow.heard);
    assert_eq!((scene.slow.closed, scene.world.held_bytes(0)), (None, 0), "level again, and nothing is held");
}

#[test]
fn who_is_too_slow_for_what_is_not_kept_is_told_so() {
    let mut scene = Scene::new(false);
    // Few enough that it reads before the goodbye's own time is up.
    let messages = MESSAGES / 3;
    for number in 0..messages {
        scene.say(number);
        let held = scene.world.held_bytes(0);
        assert!(held <= HELD_BYTES_MAX, "{held} bytes held after {number} messages");
    }
    scene.world.run_until(scene.world.now.plus(1));
    while scene.slow.closed.is_none() && scene.slow.read(&mut scene.world) > 0 {
        scene.world.run_until(scene.world.now.plus(1));
    }
    assert_eq!(scene.slow.closed, Some(1013));
    let heard = scene.slow.heard.len();
    assert!(heard * 400 > limits::OUTBOX_BYTES_MAX && heard < messages / 2, "it got what its outbox held: {heard}");
    assert_eq!(scene.slow.heard, (0..heard).collect::<Vec<_>>(), "without a gap");
    assert_eq!(scene.brisk.heard, (0..messages).collect::<Vec<_>>());
}

/// A mailbox that is full when a certain relayed message comes.
struct Full(u32);

impl Plant for Full {
    fn mail(&mut self, mail: Mail) -> Mail {
        if let Mail::Signal(signal) = &mail
            && matches!(signal.kind, SignalKind::Said { .. })
        {
            self.0 -= 1;
            if self.0 == 0 {
                return Mail::RelayLost;
            }
        }
        mail
    }
}

#[test]
fn a_loss_on_the_way_closes_everybody_who_may_have_missed_something() {
    let mut scene = Scene::new(false);
    scene.world.plant = Box::new(Full(4));
    (0..3).for_each(|number| scene.say(number));
    scene.world.send(scene.talker.pipe, &masked(Opcode::Text, br#"{"text":"3"}"#));
    scene.world.run_until(scene.world.now.plus(1));
    for listener in [&mut scene.talker, &mut scene.brisk, &mut scene.slow] {
        listener.read(&mut scene.world);
        assert_eq!(listener.closed, Some(1013));
    }
    assert_eq!(scene.slow.heard, [0, 1, 2]);
}
