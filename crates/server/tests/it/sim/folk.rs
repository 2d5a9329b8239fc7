//! What followers do in a run, and what others do to them.

use domain::command::{Command, Draft};
use domain::id::{ClientId, Door, Millis, RoomName, UserId, UserNumber};
use domain::model::{MessageKind, RoomKey};
use domain::query::Which;
use domain::watermark::Mark;

use super::follower::{Follower, To, Wire};
use super::{MANNERS, ROOMS, Run};
use crate::world::{Dice, World};

/// Followers' users. Integers, so that `direct` takes their ids for numbers.
pub(super) const USERS: [&str; 4] = ["7001", "7002", "7003", "7004"];
/// Groups that there may be.
const GROUPS: [&str; 2] = ["team-0", "team-1"];
/// Others whom they write to, who are there on other wires.
const OTHERS: [&str; 2] = ["user0", "user1"];

/// Some clients; some users have several of them.
pub(super) fn gather(dice: &mut Dice) -> Vec<Follower> {
    let count = 2 + dice.below(4);
    let one = |n: u64| {
        let wire = if dice.chance(650) { Wire::Gateway } else { Wire::Direct };
        let user = USERS[usize::try_from(n * 2 / 3).expect("small")];
        Follower::new(format!("f{n}"), wire, user.to_owned())
    };
    (0..count).map(one).collect()
}

/// Something to be said over REST.
pub(super) struct Post {
    pub(super) door: Door,
    pub(super) command: Command,
}

fn one_of<'a>(world: &mut World, all: &[&'a str]) -> &'a str {
    all[usize::try_from(world.dice.below(all.len() as u64)).expect("small")]
}

impl Run {
    /// Somebody whom followers write to: mostly one of them, at times somebody who never comes.
    fn somebody(&mut self) -> String {
        match self.world.dice.below(10) {
            0 => one_of(&mut self.world, &OTHERS).to_owned(),
            1 => one_of(&mut self.world, &USERS).to_owned(),
            _ => {
                let place = usize::try_from(self.world.dice.below(self.followers.len() as u64)).expect("small");
                self.followers[place].user.clone()
            }
        }
    }

    fn some_place(&mut self) -> To {
        match self.world.dice.below(10) {
            0..6 => To::One(self.somebody()),
            6..9 => To::Group(one_of(&mut self.world, &GROUPS).to_owned()),
            _ => To::Group(one_of(&mut self.world, &ROOMS[2..]).to_owned()),
        }
    }

    /// One of the things that may happen to a follower.
    pub(super) fn follow(&mut self) {
        let place = usize::try_from(self.world.dice.below(self.followers.len() as u64)).expect("small");
        let what = self.world.dice.below(100);
        let user = self.followers[place].user.clone();
        match what {
            0..10 => return self.followers[place].cut(&mut self.world),
            10..14 => {
                self.followers[place].stalled_until = self.world.now.plus(self.world.dice.below(5_000));
                return;
            }
            14..26 => return self.write_to(&user),
            26..30 => return self.enrol(&user),
            30..33 => return self.expel(&user),
            33..36 => return self.mark_whole(&user),
            _ => {}
        }
        let (to, group, other) = (self.some_place(), one_of(&mut self.world, &GROUPS), self.somebody());
        let Self { followers, world, .. } = self;
        let follower = &mut followers[place];
        if !follower.speaks() {
            return;
        }
        match what {
            36..39 => follower.make_group(world, group, &[follower.user.clone(), other]),
            39..44 => follower.admit(world, group, &other),
            44..48 => follower.quit(world, group),
            48..54 => follower.mark(world),
            54..56 => follower.mark_in(world, group),
            56..59 => follower.change(world, true),
            59..62 => follower.change(world, false),
            62..64 => follower.type_to(world, &to),
            64..66 => follower.catch_up(world),
            66..76 => follower.repeat(world),
            76..78 => (0..30).for_each(|_| follower.send(world, to.clone())),
            _ => follower.send(world, to),
        }
    }

    /// Somebody says something to a user over REST, as clients of `direct` do: by number where it is known.
    fn write_to(&mut self, user: &str) {
        let from = self.somebody();
        let number = self.followers.iter().find(|follower| follower.user == *user).and_then(|it| it.number);
        let to = match number.filter(|_| self.world.dice.chance(500)) {
            Some(number) => Which::Number(UserNumber(number)),
            None => Which::Id(UserId::new(user).expect("valid")),
        };
        let text = format!("direct:{from}:{user}:{}", self.rest / 8);
        let client_id = ClientId::new(&text).ok();
        let (kind, content) = (MessageKind::Text, text.into());
        let draft = Draft { kind, content, reply_to: None, client_id, extra: None, alias: None };
        self.meet(
            &from,
            Post { door: dialects::door::DIRECT, command: Command::SendTo { to, draft, manners: MANNERS } },
        );
    }

    /// One of the others marks all as read that is in a room over REST, as clients of `socketio` do. Not a follower: it is
    /// not told any more of what it says it has read.
    fn mark_whole(&mut self, follower: &str) {
        let user = one_of(&mut self.world, &OTHERS).to_owned();
        let id = |user: &str| UserId::new(user).expect("valid");
        let room = match self.some_place() {
            To::One(_) => RoomKey::pair(id(&user), id(follower)),
            To::Group(name) => RoomKey::Named(RoomName::new(&name).expect("valid")),
        };
        self.reads.push((id(&user), room.clone(), self.world.now));
        let command = Command::Mark { mark: Mark::Read, messages: [].into(), room: Some(room), upto: None };
        self.meet(&user, Post { door: dialects::door::SOCKETIO, command });
    }

    /// Followers read, and those who are out come back.
    pub(super) fn look_after(&mut self, most: usize) {
        for place in 0..self.followers.len() {
            if self.followers[place].stalled_until <= self.world.now {
                self.followers[place].listen(&mut self.world, most);
            }
            if self.followers[place].pipe.is_none() && self.world.dice.chance(60) {
                self.come_back(place);
            }
        }
    }

    fn come_back(&mut self, place: usize) {
        let server = usize::try_from(self.world.dice.below(self.servers as u64)).expect("small");
        let shard = usize::try_from(self.world.dice.below(u64::from(self.shards))).expect("small");
        self.followers[place].connect(&mut self.world, server, shard);
    }

    /// Nothing breaks any more: everybody comes back, and asks for everything once more.
    pub(super) fn settle_followers(&mut self, step: u64) {
        for place in 0..self.followers.len() {
            self.followers[place].stalled_until = Millis(0);
            self.followers[place].listen(&mut self.world, 100_000);
            if self.followers[place].pipe.is_none() {
                self.come_back(place);
            }
            if step.is_multiple_of(400) && self.followers[place].speaks() {
                self.followers[place].repeat_all(&mut self.world);
            }
        }
    }

    /// Everybody is there and has heard all.
    pub(super) fn settled(&mut self) {
        for follower in &mut self.followers {
            assert!(follower.is_open(), "{} could not come back", follower.name);
            if let Some(stay) = follower.stays.last_mut() {
                stay.to_the_end = true;
            }
        }
    }
}
