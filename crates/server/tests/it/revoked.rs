//! THREATS T7: a user's key that is revoked while sockets live that came by it. It was seen at the real binary that they
//! went on for as long as they liked: a key has no end of its own, and a ring was only looked into by who came anew.

use std::sync::Arc;

use adapters::auth::{Auth, KeyRing, NewKey, Settings, Trust, Verdict, new_key};
use adapters::port::Holder;
use dialects::{Answer, Ask};
use domain::id::{Millis, UserId};
use domain::identity::Credential;
use domain::limits::Policy;
use server::frame::Opcode;
use server::shard::{Allowance, Gate, Input, Timing};

use crate::world::wire::{Ear, Received, masked, upgrade};
use crate::world::{Chaos, Setup, World};

const WITHIN_MS: u64 = 1_000;
const NOTHING: [u16; 0] = [];
const DOORS: [&str; 4] = ["/ws/rooms/lobby", "/ws/chat", "/ws/7", "/production?userId=7"];

/// Keys, and nothing else.
struct KeyGate(Auth);

impl Gate for KeyGate {
    fn admit(&self, _: &Ask) -> Result<(), Answer> {
        Ok(())
    }

    fn identify(&self, credential: &Credential, _: &str, now: Millis) -> Verdict {
        self.0.identify(credential, Trust::Proof, now)
    }
}

fn key(random: u8) -> NewKey {
    let holder = Holder::User(UserId::new("7").expect("an id"));
    new_key(holder, &[random; 38], Millis(1)).expect("a user may hold one")
}

fn world(ring: &Arc<KeyRing>) -> World {
    let setup = Setup {
        shards: 1,
        policy: Policy::default(),
        timing: Timing::default(),
        allowance: Allowance::default(),
        dialects: Arc::new(dialects::registry(&dialects::Settings::default())),
        gate: Arc::new(KeyGate(Auth::new(&Settings::default(), ring.clone()))),
        disk: None,
    };
    World::new(3, Chaos::none(), setup, 1)
}

struct Client {
    pipe: usize,
    ear: Ear,
}

impl Client {
    fn connect(world: &mut World, target: &str, key: &NewKey) -> Self {
        let pipe = world.connect(0, 0);
        world.send(pipe, &upgrade(target, &[("x-api-key".to_owned(), key.shown.clone())]));
        Self { pipe, ear: Ear::default() }
    }

    /// The statuses and close codes that it has heard when this time has passed.
    fn hear(&mut self, world: &mut World, ms: u64) -> Vec<u16> {
        world.run_until(world.now.plus(ms));
        self.ear.feed(world.receive(self.pipe, usize::MAX));
        let mut heard = Vec::new();
        while let Some(received) = self.ear.next() {
            match received {
                Received::Http { status, .. } => heard.push(status),
                Received::Close { code, .. } => heard.extend(code),
                Received::Text(_) | Received::Binary(_) | Received::Ping(_) | Received::Pong(_) => {}
            }
        }
        heard
    }
}

fn change(world: &mut World, ring: &KeyRing, good: &[&NewKey]) {
    let keys: Vec<_> = good.iter().map(|new| new.key.clone()).collect();
    ring.replace(&keys);
    world.poll(0, 0, Input::KeysChanged);
}

#[test]
fn a_key_that_is_revoked_ends_the_sockets_that_came_by_it_and_no_others() {
    let (one, other) = (key(1), key(2));
    let ring = Arc::new(KeyRing::new(&[one.key.clone(), other.key.clone()]));
    let mut world = world(&ring);
    let mut by_one: Vec<Client> = DOORS.iter().map(|door| Client::connect(&mut world, door, &one)).collect();
    let mut by_other: Vec<Client> = DOORS.iter().map(|door| Client::connect(&mut world, door, &other)).collect();
    for client in by_one.iter_mut().chain(&mut by_other) {
        assert_eq!(client.hear(&mut world, 100), [101]);
    }
    // A key more changes nothing.
    let third = key(3);
    change(&mut world, &ring, &[&one, &other, &third]);
    for client in by_one.iter_mut().chain(&mut by_other) {
        assert_eq!(client.hear(&mut world, 2 * WITHIN_MS), NOTHING);
    }
    change(&mut world, &ring, &[&other, &third]);
    world.run_until(world.now.plus(WITHIN_MS));
    for (client, door) in by_one.iter_mut().zip(DOORS) {
        assert_eq!(client.hear(&mut world, 0), [4401], "{door}");
    }
    for (client, door) in by_other.iter_mut().zip(DOORS) {
        assert_eq!(client.hear(&mut world, 0), NOTHING, "{door}");
        // It is remembered by which key they came: the next time it is theirs.
        client_lives(&mut world, client);
    }
    change(&mut world, &ring, &[]);
    world.run_until(world.now.plus(WITHIN_MS));
    for (client, door) in by_other.iter_mut().zip(DOORS) {
        assert_eq!(client.hear(&mut world, 0), [4401], "{door}");
    }
}

fn client_lives(world: &mut World, client: &mut Client) {
    world.send(client.pipe, &masked(Opcode::Ping, b"there?"));
    world.run_until(world.now.plus(100));
    client.ear.feed(world.receive(client.pipe, usize::MAX));
    let pong = std::iter::from_fn(|| client.ear.next()).any(|heard| heard == Received::Pong(b"there?".to_vec()));
    assert!(pong, "it lives");
}

#[test]
fn a_key_that_is_revoked_while_a_socket_opens() {
    let one = key(1);
    let ring = Arc::new(KeyRing::new(std::slice::from_ref(&one.key)));
    let mut world = world(&ring);
    let mut client = Client::connect(&mut world, DOORS[0], &one);
    // The turn that hears who asks is the one that hears of the keys; that user is not durable yet.
    change(&mut world, &ring, &[&one]);
    ring.replace(&[]);
    world.poll(0, 0, Input::KeysChanged);
    let heard = client.hear(&mut world, WITHIN_MS);
    assert!([vec![101, 4401], vec![403]].contains(&heard), "{heard:?}");
}
