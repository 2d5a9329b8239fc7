//! The node's thread: waits for something in the inbox or for the tick, has the pure step decide, and carries out what
//! it wants done, in order.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use domain::limits;

use super::store::{Asker, Job, WriterDoor};
use super::{Wiring, spawn};
use crate::bus::Hint;
use crate::node::{Input, Node, Output, ReplyTo, Told};
use crate::shard::{Input as ToShard, Mail};

/// Starts the node's thread. It ends when the inbox is closed and empty and the writer owes it nothing.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn start(node: Node, writer: WriterDoor, wiring: Arc<Wiring>) -> std::io::Result<JoinHandle<()>> {
    spawn("node", move || {
        let mut post = Post::new(wiring.mailboxes.len());
        run(node, &writer, &wiring, &mut post);
    })
}

fn run(mut node: Node, writer: &WriterDoor, wiring: &Wiring, post: &mut Post) {
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    let mut ticked = wiring.clock.now();
    let mut owed = 0usize;
    loop {
        let next_tick = ticked.plus(limits::POLL_LOG_MS).since(wiring.clock.now());
        let open = wiring.inbox.take(&mut inputs, Duration::from_millis(next_tick));
        if !open && inputs.is_empty() {
            if owed == 0 {
                return;
            }
            // The inbox gives at once when it is closed; what the writer owes comes soon.
            std::thread::sleep(Duration::from_millis(1));
        }
        let now = wiring.clock.now();
        owed -= inputs.iter().filter(|input| matches!(input, Input::Committed(_) | Input::Recovered(_))).count();
        node.step(now, &mut inputs, &mut outputs);
        if now.since(ticked) >= limits::POLL_LOG_MS {
            ticked = now;
            node.tick(now, &mut outputs);
        }
        for output in outputs.drain(..) {
            match output {
                Output::Commit(batch) => {
                    owed += 1;
                    writer.give(Job::Commit(batch));
                }
                Output::Recover => {
                    owed += 1;
                    writer.give(Job::Recover);
                }
                Output::Read(token, ask) => wiring.reads.put(Asker::Node, [(token, ask)]),
                Output::Reply(told) => post.reply(told, wiring),
                Output::Announce(announcement) => post.hint(Hint::Announce(announcement), wiring),
                Output::Signal(signal) => post.hint(Hint::Signal(signal), wiring),
                Output::Status(status) => post.hint(Hint::Status(status), wiring),
                Output::Head(head) => post.hint(Hint::Head(head), wiring),
            }
        }
        post.send(wiring);
        wiring.health.counted(node.counts(), node.head().offset);
    }
}

/// What a turn has for the shards. Runs of replies and runs of hints are left in the mailboxes in their order, because an
/// echo comes before its acknowledgement and a newcomer is attached before the notice of it; the wake comes last, so that
/// each shard is woken once a turn.
struct Post {
    replies: Vec<Vec<ToShard>>,
    replied: bool,
    hints: Vec<Hint>,
}

impl Post {
    fn new(shards: usize) -> Self {
        Self { replies: (0..shards).map(|_| Vec::new()).collect(), replied: false, hints: Vec::new() }
    }

    fn reply(&mut self, told: Box<Told>, wiring: &Wiring) {
        match told.to {
            ReplyTo::Rest(token) => wiring.rest.answer(token, told),
            ReplyTo::Nobody => {}
            ReplyTo::Connection(connection, _) => {
                self.leave_hints(wiring);
                let shard = usize::from(connection.0.to_be_bytes()[0]);
                if let Some(replies) = self.replies.get_mut(shard) {
                    replies.push(ToShard::Mail(Mail::Told(told)));
                    self.replied = true;
                }
            }
        }
    }

    fn hint(&mut self, hint: Hint, wiring: &Wiring) {
        self.leave_replies(wiring);
        self.hints.push(hint);
    }

    fn send(&mut self, wiring: &Wiring) {
        self.leave_replies(wiring);
        self.leave_hints(wiring);
        wiring.mailboxes.iter().for_each(|mailbox| mailbox.ring());
        wiring.bus.deliver();
    }

    fn leave_replies(&mut self, wiring: &Wiring) {
        if std::mem::take(&mut self.replied) {
            for (mailbox, replies) in wiring.mailboxes.iter().zip(&mut self.replies) {
                if !replies.is_empty() {
                    mailbox.put(replies.drain(..));
                }
            }
        }
    }

    fn leave_hints(&mut self, wiring: &Wiring) {
        if !self.hints.is_empty() {
            wiring.bus.publish(&self.hints);
            self.hints.clear();
        }
    }
}
