//! Shards whose thread the machine gives no time: what reaches them meanwhile is one turn's when it does.

use server::shard::Input;

use super::World;
use super::happening::Happening;

impl World {
    /// The shard takes no turn for so long.
    pub(crate) fn busy(&mut self, server: usize, shard: usize, ms: u64) {
        if self.busy.contains_key(&(server, shard)) {
            return;
        }
        self.busy.insert((server, shard), Vec::new());
        self.at(self.now.plus(ms), Happening::Idle(server, self.servers[server].start, shard));
    }

    /// Something is there for the shard, or its deadline: a turn, unless it has no time.
    pub(super) fn reach(&mut self, server: usize, shard: usize, input: Option<Input>) {
        match self.busy.get_mut(&(server, shard)) {
            Some(inputs) => inputs.extend(input),
            None => self.turn(server, shard, input.into_iter().collect()),
        }
    }

    /// It has time again.
    pub(super) fn idle(&mut self, server: usize, shard: usize) {
        let inputs = self.busy.remove(&(server, shard)).unwrap_or_default();
        self.turn(server, shard, inputs);
    }
}
