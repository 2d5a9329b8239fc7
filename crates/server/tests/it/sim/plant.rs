//! Bugs on purpose: each is a lie that a part of the system could tell, and the checker has to find every one within a
//! few seeds. A checker that finds nothing wrong here would find nothing anywhere.

use std::sync::Arc;

use adapters::port::{Batch, Found, Outcome, Read, Store, Write};
use adapters::store::memory::MemoryStore;
use domain::event::{Event, Signal, SignalKind, What};
use domain::id::Offset;
use domain::model::Status;
use domain::watermark::Mark;
use server::node::Announcement;
use server::shard::Mail;

use super::run;
use crate::world::{Dice, Plant};

/// An announcement whose events leave one out, numbered as if it had never been.
struct Skips(Dice);
impl Plant for Skips {
    fn mail(&mut self, mail: Mail) -> Mail {
        if let Mail::Announce(announcement) = &mail
            && announcement.events.len() > 1
            && self.0.chance(200)
        {
            let mut events = announcement.events.to_vec();
            let mut last = (*events[events.len() - 2]).clone();
            last.offset = events[events.len() - 1].offset;
            let place = events.len() - 1;
            events[place] = last.into();
            return Mail::Announce(Announcement { events: events.into() });
        }
        mail
    }
}

/// A reader that leaves out an event when somebody catches up.
struct Forgetful(Dice);
impl Plant for Forgetful {
    fn found(&mut self, found: Found) -> Found {
        if let Found::Events { mut events, scanned, fates, gone } = found {
            if events.len() > 1 && self.0.chance(300) {
                events.remove(1);
            }
            return Found::Events { events, scanned, fates, gone };
        }
        found
    }
}

/// A store that does not know client ids.
struct Amnesia;
impl Plant for Amnesia {
    fn batch(&mut self, mut batch: Batch) -> Batch {
        for write in &mut batch.writes {
            if let Write::Events(room) = write {
                for (what, _) in &mut room.events {
                    if let What::Sent(message) = what {
                        message.client_id = None;
                    }
                }
            }
        }
        batch
    }
}

/// A store that says "committed" of what it then does not keep.
struct Liar(Dice);
impl Plant for Liar {
    fn outcomes(&mut self, mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
        for outcome in &mut outcomes {
            if let Outcome::Committed(events) = outcome
                && self.0.chance(50)
            {
                let changed = events.iter().map(|event| {
                    let mut event = (**event).clone();
                    if let What::Sent(message) = &mut event.what {
                        message.id.0 ^= 1;
                    }
                    event.into()
                });
                *events = changed.collect();
            }
        }
        outcomes
    }
}

/// A shard that keeps a connection attached where the node said "detach".
struct Clings;
impl Plant for Clings {
    fn mail(&mut self, mail: Mail) -> Mail {
        match mail {
            Mail::Told(mut told) => {
                told.detach.clear();
                Mail::Told(told)
            }
            mail @ (Mail::Announce(_)
            | Mail::Signal(_)
            | Mail::Status(_)
            | Mail::RelayLost
            | Mail::Head(_)
            | Mail::Drain) => mail,
        }
    }
}

/// Announcements in which nobody is ever put out: removals and blocks arrive as something harmless.
struct Harmless;
impl Plant for Harmless {
    fn mail(&mut self, mail: Mail) -> Mail {
        let Mail::Announce(announcement) = &mail else { return mail };
        let events = announcement.events.iter().map(|event| {
            let harmless = match &event.what {
                What::MemberRemoved { .. } => What::Retitled { title: "as it was".into() },
                What::MemberSet { member, .. } if member.status != Status::Active => {
                    What::Retitled { title: "as it was".into() }
                }
                What::MemberSet { .. }
                | What::RoomMade { .. }
                | What::Sent(_)
                | What::Edited { .. }
                | What::Deleted { .. }
                | What::Retitled { .. }
                | What::Notice { .. }
                | What::Reacted { .. } => return event.clone(),
            };
            Arc::new(Event { what: harmless, ..(**event).clone() })
        });
        Mail::Announce(Announcement { events: events.collect() })
    }
}

/// A store that does not look at the exclusion version that a write was decided under.
struct Lenient(MemoryStore);
impl Plant for Lenient {
    fn batch(&mut self, mut batch: Batch) -> Batch {
        let mut reader = self.0.reader().expect("the memory store gives readers");
        for write in &mut batch.writes {
            if let Write::Events(room) = write
                && room.under.is_some()
                && let Ok(Found::Room(Some(facts))) = reader.read(&Read::Room(room.room.clone()))
            {
                room.under = Some(facts.version);
            }
        }
        batch
    }
}

/// A node that says of everything that it was delivered: whoever comes back is told of nothing that they missed.
struct Presumes;
impl Plant for Presumes {
    fn mail(&mut self, mut mail: Mail) -> Mail {
        if let Mail::Told(told) = &mut mail
            && let Some(follow) = &mut told.follow
        {
            for (_, floor) in &mut follow.floors {
                *floor = follow.decided_at.max(*floor);
            }
        }
        mail
    }
}

/// A node that takes what was said since it looked for what was undelivered to have been delivered, too.
struct Hastens;
impl Plant for Hastens {
    fn mail(&mut self, mut mail: Mail) -> Mail {
        if let Mail::Told(told) = &mut mail
            && let Some(follow) = &mut told.follow
        {
            follow.rest = Offset(u64::MAX);
        }
        mail
    }
}

/// Announcements in which nobody is ever taken in: members hear nothing of where they have come to belong.
struct Uninviting;
impl Plant for Uninviting {
    fn mail(&mut self, mail: Mail) -> Mail {
        let Mail::Announce(announcement) = &mail else { return mail };
        let events = announcement.events.iter().map(|event| match &event.what {
            What::MemberSet { member, .. } if member.status == Status::Active => {
                Arc::new(Event { what: What::Retitled { title: "as it was".into() }, ..(**event).clone() })
            }
            What::MemberSet { .. }
            | What::MemberRemoved { .. }
            | What::RoomMade { .. }
            | What::Sent(_)
            | What::Edited { .. }
            | What::Deleted { .. }
            | What::Retitled { .. }
            | What::Notice { .. }
            | What::Reacted { .. } => event.clone(),
        });
        Mail::Announce(Announcement { events: events.collect() })
    }
}

/// A node that keeps everything up to the head as delivered, whatever a client's end has answered for.
struct Boasts(MemoryStore);
impl Plant for Boasts {
    fn batch(&mut self, mut batch: Batch) -> Batch {
        let head = self.0.events().last().map(|event| event.offset);
        for write in &mut batch.writes {
            if let Write::Mark(mark) = write
                && mark.mark == Mark::Delivered
                && mark.upto.is_some()
            {
                mark.upto = head.max(mark.upto);
            }
        }
        batch
    }
}

/// A node that takes what was delivered to have been read.
struct Flatters;
impl Plant for Flatters {
    fn mail(&mut self, mail: Mail) -> Mail {
        if let Mail::Signal(signal) = &mail
            && let SignalKind::Reached { mark: Mark::Delivered, messages, upto } = &signal.kind
        {
            let kind = SignalKind::Reached { mark: Mark::Read, messages: messages.clone(), upto: *upto };
            return Mail::Signal(Arc::new(Signal { kind, ..(**signal).clone() }));
        }
        mail
    }
}

fn found_within(seeds: u64, what: &str, plant: impl Fn(u64, &MemoryStore) -> Box<dyn Plant>) {
    let found = (0..seeds).find(|seed| {
        let plant = |store: &MemoryStore| plant(*seed, store);
        let hook = std::panic::AssertUnwindSafe(|| run(*seed, Some(&plant), false).err());
        let why = std::panic::catch_unwind(hook).unwrap_or_else(|_| Some("a panic, see above".to_owned()));
        why.inspect(|why| println!("{what}: found at seed {seed}: {why}")).is_some()
    });
    match found {
        Some(_) => {}
        None => panic!("{what}: not found within {seeds} seeds"),
    }
}

#[test]
fn planted_bugs_are_found() {
    found_within(20, "an announcement that leaves an event out", |seed, _| Box::new(Skips(Dice::new(seed))));
    found_within(20, "a reader that leaves an event out", |seed, _| Box::new(Forgetful(Dice::new(seed))));
    found_within(20, "a store that forgets client ids", |_, _| Box::new(Amnesia));
    found_within(20, "an acknowledgement of what was not kept", |seed, _| Box::new(Liar(Dice::new(seed))));
    found_within(20, "a shard that does not detach", |_, _| Box::new(Clings));
    found_within(60, "a removal that shards do not hear of", |_, _| Box::new(Harmless));
    found_within(300, "a store that ignores exclusion versions", |_, store| Box::new(Lenient(store.clone())));
}

#[test]
fn planted_bugs_of_following_are_found() {
    found_within(20, "floors that are raised too far", |_, _| Box::new(Presumes));
    found_within(60, "what was said since the node looked is left out", |_, _| Box::new(Hastens));
    found_within(100, "a membership that shards do not hear of", |_, _| Box::new(Uninviting));
    found_within(60, "marks that are raised to the head", |_, store| Box::new(Boasts(store.clone())));
    found_within(20, "what was delivered is told to be read", |_, _| Box::new(Flatters));
}
