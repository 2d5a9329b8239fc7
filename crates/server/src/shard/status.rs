//! Who is online: told to every listener on a wire that has a word for it, encoded once for all who listen alike. It is true
//! only now: whoever is behind is given everybody who is online when it is level again (HAZARDS 7).

use std::collections::HashMap;
use std::sync::Arc;

use dialects::Whose;
use domain::event::Status;
use domain::limits;

use super::connection::{Connection, Phase};
use super::fan::frames;
use super::{Shard, Slot};

impl Shard {
    /// Somebody came online, went, or says so.
    pub(super) fn status(&mut self, status: &Arc<Status>) {
        let slots: Vec<Slot> = match &status.to {
            None => self.hub.watchers.iter().copied().collect(),
            Some(users) => {
                let theirs = users.iter().flat_map(|user| self.hub.connections_of(user));
                theirs.filter(|slot| self.hub.watchers.contains(slot)).collect()
            }
        };
        let mut encoded: HashMap<(u8, Whose), Vec<u8>> = HashMap::new();
        for slot in slots {
            let Some(connection) = self.get(slot) else { continue };
            let slow = connection.blocked && connection.waiting() > limits::OUTBOX_BYTES_MAX;
            if !matches!(connection.phase, Phase::Open) || !connection.is_level() || slow {
                continue;
            }
            let kind = (connection.dialect, whose(connection, status));
            let frames = encoded.entry(kind).or_insert_with(|| {
                self.said.clear();
                self.parts.dialects[usize::from(kind.0)].tell_status(status, kind.1, &mut self.said);
                let mut bytes = Vec::new();
                frames(&self.said, &mut bytes);
                bytes
            });
            if !frames.is_empty() {
                self.say_raw(slot, |out| out.extend_from_slice(frames));
            }
        }
    }
}

fn whose(connection: &Connection, status: &Status) -> Whose {
    if status.origin == Some(connection.id) {
        Whose::Origin
    } else if connection.who.as_ref().is_some_and(|who| who.id == status.who.id) {
        Whose::Actor
    } else {
        Whose::Other
    }
}
