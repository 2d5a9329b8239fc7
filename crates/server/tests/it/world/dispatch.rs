//! What a node wants done, on its way to the store and the shards: delayed, dropped, doubled or swapped as the world is
//! unkind.

use std::sync::mpsc;

use server::node::{self, Output, ReplyTo};
use server::shard::{Asking, Input as ShardInput, Mail};

use super::World;
use super::happening::Happening;

impl World {
    pub(super) fn dispatch(&mut self, server: usize, out: Vec<Output>) {
        let (start, store_ms) = (self.servers[server].start, self.chaos.store_ms);
        for output in out {
            match output {
                Output::Commit(batch) => self.along((6, server, 0), store_ms, Happening::Commit(server, start, batch)),
                Output::Recover => self.along((6, server, 0), store_ms, Happening::Recover(server, start)),
                Output::Read(token, read) => {
                    let when = self.now.plus(self.dice.below(store_ms + 1));
                    self.at(when, Happening::Read(server, start, None, token, read));
                }
                Output::Reply(told) => match told.to {
                    ReplyTo::Connection(connection, _) => {
                        let shard = usize::try_from(connection.0 >> 56).expect("a byte");
                        self.mail(server, shard, Mail::Told(told));
                    }
                    ReplyTo::Nobody => {}
                    ReplyTo::Rest(token) => {
                        self.replies.insert(token, told.result);
                    }
                },
                Output::Announce(announcement) => {
                    for shard in 0..self.servers[server].shards.len() {
                        self.announce(server, shard, &announcement);
                    }
                }
                Output::Head(head) => {
                    for shard in 0..self.servers[server].shards.len() {
                        self.mail(server, shard, Mail::Head(head));
                    }
                }
                Output::Status(status) => {
                    for shard in 0..self.servers[server].shards.len() {
                        self.mail(server, shard, Mail::Status(status.clone()));
                    }
                }
                Output::Signal(signal) => {
                    for shard in 0..self.servers[server].shards.len() {
                        self.mail(server, shard, Mail::Signal(signal.clone()));
                    }
                }
            }
        }
    }

    /// Has a shard's question answered by the gate, which does so at once here, and tells the shard when it is time.
    pub(super) fn ask(&mut self, server: usize, shard: usize, asking: Asking) {
        let Asking { token, credential, dialect } = asking;
        let name = self.setup.dialects[usize::from(dialect)].name();
        let (sender, said) = mpsc::channel();
        let then = Box::new(move |answer| sender.send(answer).expect("it is waited for"));
        self.setup.gate.ask(&credential, name, self.now, then);
        let answer = said.try_recv().expect("a world's gate answers at once");
        let (least, most) = self.chaos.ask_ms.clone().into_inner();
        let when = self.now.plus(least + self.dice.below(most - least + 1));
        let start = self.servers[server].start;
        self.at(when, Happening::Shard(server, start, shard, ShardInput::Identified(token, answer)));
    }

    fn announce(&mut self, server: usize, shard: usize, announcement: &node::Announcement) {
        if self.dice.chance(self.chaos.drop_announcement) {
            // Half of the time even the note that something was dropped is lost, as on a bus between nodes.
            if self.dice.chance(500) {
                self.mail(server, shard, Mail::Head(announcement.last()));
            }
            return;
        }
        if self.dice.chance(self.chaos.swap_announcement) {
            let when = self.now.plus(self.dice.below(60));
            let start = self.servers[server].start;
            let mail = ShardInput::Mail(Mail::Announce(announcement.clone()));
            self.at(when, Happening::Shard(server, start, shard, mail));
            return;
        }
        self.mail(server, shard, Mail::Announce(announcement.clone()));
        if self.dice.chance(self.chaos.repeat_announcement) {
            self.mail(server, shard, Mail::Announce(announcement.clone()));
        }
    }
}
