//! What clients do in a run, and what is done to servers.

use adapters::port::FailureKind;

use super::Run;

impl Run {
    /// One of the things that may happen.
    pub(super) fn act(&mut self) {
        let client = usize::try_from(self.world.dice.below(self.clients.len() as u64)).expect("small");
        let what = self.world.dice.below(100);
        let user = self.clients[client].user.clone();
        match what {
            0 => self.crash(),
            1 => self.world.store.fail_next_commit(FailureKind::Unknown, self.rest.is_multiple_of(2)),
            2 => self.world.store.fail_next_commit(FailureKind::Full, false),
            3..7 => self.enrol(&user),
            7..9 => self.expel(&user),
            9..12 => self.clients[client].cut(&mut self.world),
            12..16 => self.clients[client].stalled_until = self.world.now.plus(self.world.dice.below(5_000)),
            16..18 => self.clients[client].type_something(&mut self.world),
            18..21 => self.clients[client].leave(&mut self.world),
            21..24 => self.move_on(client),
            24..26 if self.dens.len() < 4 => {
                let seats = 2 + self.world.dice.below(4);
                self.clients[client].make_room(&mut self.world, seats);
            }
            24..29 => self.post(&user),
            29..40 => self.repeat(client),
            _ => self.speak(client),
        }
    }

    pub(super) fn crash(&mut self) {
        let server = usize::try_from(self.world.dice.below(self.servers as u64)).expect("small");
        self.world.crash(server);
    }

    /// A shard has no time for a moment; what it is told meanwhile is one turn's.
    pub(super) fn keep_busy(&mut self) {
        let server = usize::try_from(self.world.dice.below(self.servers as u64)).expect("small");
        let shard = usize::try_from(self.world.dice.below(u64::from(self.shards))).expect("small");
        let ms = 1 + self.world.dice.below(60);
        self.world.busy(server, shard, ms);
    }

    pub(super) fn speak(&mut self, client: usize) {
        let burst = if self.world.dice.chance(50) { 40 } else { 1 };
        for _ in 0..burst {
            if self.clients[client].is_in() {
                self.clients[client].speak(&mut self.world);
            }
        }
    }

    pub(super) fn repeat(&mut self, client: usize) {
        let chosen = &self.clients[client];
        let here = format!(":{}:", chosen.key());
        let ids = chosen.unacked.iter().chain(chosen.acks.keys()).filter(|id| id.contains(&here));
        let ids: Vec<String> = ids.cloned().collect();
        if !ids.is_empty() && chosen.is_in() {
            let id = ids[usize::try_from(self.world.dice.below(ids.len() as u64)).expect("small")].clone();
            self.clients[client].repeat(&mut self.world, &id);
        }
    }
}
