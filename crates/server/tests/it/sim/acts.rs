//! What clients do in a run, and what is done to servers.

use super::Run;

impl Run {
    pub(super) fn crash(&mut self) {
        let server = usize::try_from(self.world.dice.below(self.servers as u64)).expect("small");
        self.world.crash(server);
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
