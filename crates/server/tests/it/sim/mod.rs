//! The simulator: seed in, a story of mixed clients on an unkind world out, and the invariants checked against the log.
//!
//! `SIM_SEED=<n>` replays one seed and prints what it does; `SIM_SEEDS=<n>` runs that many (500 when not said).

mod acts;
mod check;
mod client;
mod events;
mod folk;
mod follower;
mod native;
mod plant;
mod story;

use std::collections::BTreeMap;
use std::sync::Arc;

use adapters::auth::Verdict;
use adapters::store::memory::MemoryStore;
use dialects::{Answer, Ask, Request};
use domain::command::{Command, Draft, Manners, Pace, Reply};
use domain::event::Event;
use domain::id::{ClientId, Door as Number, Millis, UserId, UserNumber};
use domain::identity::{Credential, Denied, Identity, Scopes, Standing};
use domain::limits::Policy;
use domain::model::{MessageKind, Person, Role, RoomKey, Status};
use domain::rules::name;
use server::node::{Call, ReplyTo};
use server::shard::{Allowance, Gate, Timing};

use self::client::{Client, Door};
use self::folk::Post;
use self::follower::Follower;
use self::native::Native;
use crate::late::LateGate;
use crate::world::{Chaos, Dice, Plant, Setup, World};

/// Development mode's gate: a token is the user's id.
pub(crate) struct OpenGate;

impl Gate for OpenGate {
    fn admit(&self, _: &Ask) -> Result<(), Answer> {
        Ok(())
    }

    fn identify(&self, credential: &Credential, _: &str, _: Millis) -> Verdict {
        let (id, number) = match credential {
            Credential::Bearer(id) | Credential::Key(id) | Credential::Claimed(id) | Credential::Internal(id) => {
                (id.to_string(), None)
            }
            Credential::Number(number) => (number.to_string(), Some(*number)),
        };
        let (proved, standing) = (false, Standing::User);
        let is = |id| Identity { id, number, proved, name: None, email: None, ends: None, standing };
        Verdict::Known(UserId::new(&id).map(is).map_err(|_| Denied::Invalid))
    }
}

const ROOMS: [&str; 4] = ["lobby", "garden", "GUILD#g", "GUILD#h"];
const GUILDS: [&str; 2] = ["g", "h"];
/// Over REST anybody may speak as on the rooms wire.
const MANNERS: Manners =
    Manners { makes_rooms: true, joins_private: false, joins: false, members_only: false, pace: Pace::Strict };

/// One run.
struct Run {
    world: World,
    clients: Vec<Client>,
    followers: Vec<Follower>,
    natives: Vec<Native>,
    servers: usize,
    shards: u8,
    rest: u64,
    /// Private rooms that chat clients made.
    dens: Vec<String>,
    /// Who wants to say something over REST, and what: first they are met.
    posting: BTreeMap<u64, Post>,
    /// What was answered to that.
    posted: Vec<Arc<Event>>,
    /// How much native clients were told.
    natively: usize,
    /// Who marked which rooms as read, whole, and when.
    reads: Vec<(UserId, RoomKey, Millis)>,
}

/// A bug on purpose, for a world whose store this is.
type Planted<'a> = &'a dyn Fn(&MemoryStore) -> Box<dyn Plant>;

fn chaos(dice: &mut Dice) -> Chaos {
    let mut pick = |most: u64| if dice.chance(400) { 0 } else { dice.below(most) };
    Chaos {
        hop_ms: pick(5),
        store_ms: pick(40),
        wire_ms: pick(20),
        drop_announcement: pick(100),
        repeat_announcement: pick(100),
        swap_announcement: pick(100),
        fail_read: 0,
        socket_bytes: usize::try_from([200, 2_000, 20_000, 1_000_000][usize::try_from(pick(4)).expect("small")])
            .expect("small"),
        ask_ms: 0..=pick(200),
    }
}

impl Run {
    fn new(seed: u64, plant: Option<Planted<'_>>, story: bool) -> Self {
        let mut dice = Dice::new(seed ^ 0x5eed);
        let servers = if dice.chance(200) { 2 } else { 1 };
        let shards = u8::try_from(1 + dice.below(3)).expect("small");
        let made_rooms_max = if dice.chance(500) { 0 } else { 2 };
        let limits = Policy { made_rooms_max, strict_per_minute: 0, loose_per_minute: 0, ..Policy::default() };
        let policy = Policy { development: true, ..limits };
        let setup = Setup {
            shards,
            policy,
            timing: Timing::default(),
            allowance: Allowance::default(),
            dialects: Arc::new(dialects::registry(&dialects::Settings { development: true, ..Default::default() })),
            // About some of them somebody else has to be asked.
            gate: Arc::new(LateGate(|id| id.len() % 2 == 0)),
            disk: None,
        };
        let chaos = chaos(&mut dice);
        if story {
            println!("{servers} servers of {shards} shards, {chaos:?}");
        }
        let mut world = World::new(seed, chaos, setup, servers);
        world.story = story;
        if let Some(plant) = plant {
            world.plant = plant(&world.store);
        }
        let count = 3 + dice.below(8);
        let clients = (0..count).map(|n| {
            let door = [Door::Rooms, Door::Chat, Door::Events][usize::try_from(dice.below(3)).expect("small")];
            let room = ROOMS[usize::try_from(dice.below(4)).expect("small")];
            // Some users have several connections.
            Client::new(format!("client{n}"), door, format!("user{}", n * 2 / 3), room.to_owned())
        });
        let clients = clients.collect();
        let followers = folk::gather(&mut dice);
        let natives = (0..1 + dice.below(3)).map(|n| {
            // The first user may have two devices.
            Native::new(format!("n{n}"), native::USERS[usize::try_from(n * 2 / 3).expect("small")])
        });
        let natives = natives.collect();
        let (dens, posting, posted) = (Vec::new(), BTreeMap::new(), Vec::new());
        Self {
            world,
            clients,
            followers,
            natives,
            servers,
            shards,
            rest: 0,
            dens,
            posting,
            posted,
            natively: 0,
            reads: Vec::new(),
        }
    }

    /// A call over REST, on any server; gives its token.
    fn call(&mut self, who: Option<Arc<Person>>, standing: Standing, command: Command) -> u64 {
        self.call_through(dialects::door::ROOMS, who, standing, command)
    }

    fn call_through(&mut self, door: Number, who: Option<Arc<Person>>, standing: Standing, command: Command) -> u64 {
        self.rest += 1;
        let (to, request) = (ReplyTo::Rest(self.rest), Request::Do(command));
        let server = usize::try_from(self.world.dice.below(self.servers as u64)).expect("small");
        self.world.call(server, Call { to, door, standing, who, request });
        self.rest
    }

    fn roster(&mut self, command: Command) {
        let id = UserId::new("service:sim").expect("valid");
        let who = Person { name: id.text(), id, number: UserNumber(999_999), email: None };
        self.call(Some(Arc::new(who)), Standing::Service(Scopes::GUILDS), command);
    }

    fn guild(&mut self) -> RoomKey {
        name::guild(GUILDS[usize::try_from(self.world.dice.below(2)).expect("small")]).expect("valid")
    }

    fn enrol(&mut self, user: &str) {
        let (room, user, role) = (self.guild(), UserId::new(user).expect("valid"), Some(Role::Member));
        let status = if self.world.dice.chance(200) { Status::Blocked } else { Status::Active };
        self.roster(Command::Enrol { room, user, role, status: Some(status) });
    }

    fn expel(&mut self, user: &str) {
        let room = self.guild();
        self.roster(Command::Expel { room, user: UserId::new(user).expect("valid") });
    }

    /// A room of those that there are, as this user may name it.
    fn some_room(&mut self) -> String {
        let rooms = ROOMS.len() + 1 + self.dens.len();
        let pick = usize::try_from(self.world.dice.below(rooms as u64)).expect("small");
        match pick.checked_sub(ROOMS.len()) {
            None => ROOMS[pick].to_owned(),
            Some(0) if self.world.dice.chance(500) => {
                let user = usize::try_from(self.world.dice.below(folk::USERS.len() as u64)).expect("small");
                format!("direct:{}", folk::USERS[user])
            }
            Some(0) => format!("direct:user{}", self.world.dice.below(3)),
            Some(den) => self.dens[den - 1].clone(),
        }
    }

    fn move_on(&mut self, client: usize) {
        let room = self.some_room();
        let client = &mut self.clients[client];
        if !client.may_move() || client.room == room {
            return;
        }
        let inside = client.is_in();
        match client.door {
            // One socket is one room: it goes, and comes back elsewhere.
            Door::Rooms | Door::Events => {
                client.cut(&mut self.world);
                client.room = room;
                client.forget_session();
            }
            Door::Chat => {
                client.room = room;
                if inside {
                    client.join(&mut self.world);
                }
            }
        }
    }

    /// Someone says something over REST; every other time what was said before, under the same client id.
    fn post(&mut self, user: &str) {
        let id = UserId::new(user).expect("valid");
        let Ok(room) = name::resolve(&self.some_room(), &id) else { return };
        let text = format!("rest:{user}:{}:{}", room.shown(), self.rest / 8);
        let client_id = ClientId::new(&text).ok();
        let draft = Draft {
            kind: MessageKind::Broadcast,
            content: text.into(),
            reply_to: None,
            client_id,
            extra: None,
            alias: None,
        };
        let command = Command::Send { room, draft, manners: MANNERS };
        self.meet(user, Post { door: dialects::door::ROOMS, command });
    }

    /// Whoever says something over REST is met first.
    fn meet(&mut self, user: &str, post: Post) {
        let id = UserId::new(user).expect("valid");
        let identity =
            Identity { id, number: None, proved: false, name: None, email: None, ends: None, standing: Standing::User };
        let token = self.call(None, Standing::User, Command::Meet(identity));
        self.posting.insert(token, post);
    }

    /// Whoever was met says what they came for; what was answered is kept.
    fn go_on_posting(&mut self) {
        for (token, reply) in std::mem::take(&mut self.world.replies) {
            match (reply, self.posting.remove(&token)) {
                (Ok(Reply::Met(who)), Some(Post { door, command })) => {
                    self.call_through(door, Some(who), Standing::User, command);
                }
                (Ok(Reply::Sent { event, .. }), _) => self.posted.push(event),
                _ => {}
            }
        }
    }

    /// Clients read, and those who are out come back.
    fn look_around(&mut self, most: usize) {
        for client in 0..self.clients.len() {
            if self.clients[client].stalled_until <= self.world.now {
                self.clients[client].listen(&mut self.world, most);
            }
            self.dens.append(&mut self.clients[client].made);
            let (pipe, open, inside) =
                (self.clients[client].pipe, self.clients[client].is_open(), self.clients[client].is_in());
            if pipe.is_none() && self.world.dice.chance(100) {
                let server = usize::try_from(self.world.dice.below(self.servers as u64)).expect("small");
                let shard = usize::try_from(self.world.dice.below(u64::from(self.shards))).expect("small");
                let resume = self.world.dice.chance(800);
                self.clients[client].connect(&mut self.world, server, shard, resume);
            } else if open && !inside && self.world.dice.chance(50) {
                self.clients[client].join(&mut self.world);
            }
        }
    }

    fn go(&mut self, acts: u64) {
        for _ in 0..acts {
            let pause = self.world.dice.below(30);
            if self.world.dice.chance(30) {
                self.keep_busy();
            }
            self.world.run_until(self.world.now.plus(pause));
            let most = if self.world.dice.chance(300) { 64 } else { 100_000 };
            self.look_around(most);
            self.look_after(most);
            self.go_on_posting();
            match self.world.dice.below(100) {
                0..20 => self.speak_natively(),
                20..64 => self.follow(),
                _ => self.act(),
            }
        }
    }

    /// Nothing breaks any more: everybody comes to know everything.
    fn settle(&mut self) {
        self.world.store.heal();
        let none = Chaos { socket_bytes: self.world.chaos.socket_bytes, ..Chaos::none() };
        self.world.chaos = none;
        for step in 0..2_000 {
            self.world.run_until(self.world.now.plus(5));
            self.settle_followers(step);
            self.settle_natives(step);
            self.clients.iter_mut().for_each(|client| client.stalled_until = Millis(0));
            for client in 0..self.clients.len() {
                self.clients[client].listen(&mut self.world, 100_000);
            }
            self.go_on_posting();
        }
        for client in &mut self.clients {
            if client.is_told()
                && let Some(story) = client.stories.last_mut()
            {
                story.to_the_end = true;
            }
        }
        self.settled();
    }
}

/// Runs a seed; the error says what did not hold.
fn run(seed: u64, plant: Option<Planted<'_>>, story: bool) -> Result<Run, String> {
    let mut run = Run::new(seed, plant, story);
    run.go(700);
    run.settle();
    check::check(&run.world.store.events(), &run.clients, &run.posted, run.servers == 1)?;
    follower::check(&run.world.store.events(), &run.followers, &run.reads, run.servers == 1)?;
    run.natively = native::check(&run.world.store.events(), &run.natives)?;
    Ok(run)
}

#[test]
fn the_invariants_hold_on_every_seed() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("SIM_SEED") {
        run(seed, None, true).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        return;
    }
    let (mut acks, mut seen, mut events, mut followed, mut natively) = (0, 0, 0, 0, 0);
    let seeds = number("SIM_SEEDS").unwrap_or(500);
    let mut failed = Vec::new();
    for seed in 0..seeds {
        let run = std::panic::catch_unwind(|| run(seed, None, false)).unwrap_or_else(|_| Err("a panic".to_owned()));
        let Ok(run) = run.inspect_err(|why| println!("seed {seed}: {why}; replay it with SIM_SEED={seed}")) else {
            failed.push(seed);
            continue;
        };
        acks += run.clients.iter().map(|client| client.acks.len()).sum::<usize>();
        seen += run.clients.iter().flat_map(|client| &client.stories).map(|story| story.seen.len()).sum::<usize>();
        events += run.world.store.events().len();
        natively += run.natively;
        followed += run.followers.iter().flat_map(|one| &one.stays).map(|stay| stay.told.len()).sum::<usize>();
    }
    assert!(failed.is_empty(), "{} of {seeds} seeds failed, see above: {failed:?}", failed.len());
    println!(
        "{seeds} seeds: {events} events, {acks} acknowledgements, {seen} deliveries checked, {followed} to followers, \
         {natively} to native clients"
    );
    assert!(natively > 10 * usize::try_from(seeds).expect("small"), "native clients are told something");
    assert!(followed > 10 * usize::try_from(seeds).expect("small"), "followers are told something");
    assert!(acks > 10 * usize::try_from(seeds).expect("small"), "a simulation in which little happens shows little");
}
