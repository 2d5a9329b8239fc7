//! Who a client is: at once where that is known, else when the Auth Service has been asked. The shard doesn't wait for it:
//! a token goes out with the question and comes back with the answer.
//!
//! Until then a connection that has not been upgraded is in a phase before it is met, in which its head's deadline runs and
//! nothing is read from it. On a wire on which clients say who they are after they have connected, the session has what
//! they say next wait, and goes on with its heartbeats.

use std::sync::Arc;

use adapters::auth::Verdict;
use dialects::{Ask, Claim, Request, Steps};
use domain::command::Command;
use domain::id::ConnectionId;
use domain::identity::{Credential, Denied, Identity, Standing};
use domain::model::Person;

use super::connection::{MEET, Phase};
use super::world::Asking;
use super::{Shard, Slot};
use crate::node::Token;

/// For whom somebody is asked.
#[derive(Debug)]
pub(super) struct Asked {
    connection: ConnectionId,
    /// What the client claimed after it had connected; none when it wants to connect.
    claim: Option<Claim>,
}

impl Shard {
    /// Who asks for a socket; then it is met, or turned away.
    pub(super) fn who_asks(&mut self, slot: Slot, ask: Ask) {
        let Some((id, dialect)) = self.get(slot).map(|connection| (connection.id, connection.dialect)) else { return };
        let door = &self.parts.dialects[usize::from(dialect)];
        let verdict = match door.who(&ask) {
            Some(credential) => match self.parts.gate.identify(&credential, door.name(), self.now) {
                Verdict::Known(answer) => {
                    if answer.is_ok() && matches!(credential, Credential::Key(_)) {
                        self.keyed.insert(id, credential);
                    }
                    answer
                }
                Verdict::Wait => {
                    if let Some(connection) = self.get(slot) {
                        connection.phase = Phase::Asking(Box::new(ask));
                    }
                    return self.ask_about(slot, credential, None);
                }
            },
            None => Err(Denied::Missing),
        };
        self.known(slot, ask, verdict);
    }

    /// It is known who asks for a socket. Back ends' keys open none (RULES 3).
    fn known(&mut self, slot: Slot, ask: Ask, answer: Result<Identity, Denied>) {
        let answer = answer.and_then(|identity| match identity.standing {
            Standing::User => Ok(identity),
            Standing::Service(_) => Err(Denied::Invalid),
        });
        match answer {
            Ok(identity) => self.meet(slot, ask, identity),
            Err(denied) => {
                let Some(dialect) = self.get(slot).map(|connection| connection.dialect) else { return };
                let answer = self.parts.dialects[usize::from(dialect)].denied(&ask, denied);
                self.count_error(dialect, "denied");
                self.answer(slot, &answer);
            }
        }
    }

    /// A client says who it is, on a wire on which it does so after it has connected.
    pub(super) fn identify_later(&mut self, slot: Slot, claim: Claim) {
        let Some(dialect) = self.get(slot).map(|connection| usize::from(connection.dialect)) else { return };
        let name = self.parts.dialects[dialect].door_name();
        match self.parts.gate.identify(&claim.credential, name, self.now) {
            Verdict::Known(answer) => self.known_later(slot, claim, answer),
            Verdict::Wait => self.ask_about(slot, claim.credential.clone(), Some(claim)),
        }
    }

    fn known_later(&mut self, slot: Slot, claim: Claim, answer: Result<Identity, Denied>) {
        let Claim { credential, id, name: label } = claim;
        let identity = answer.and_then(|identity| {
            let same = self.get(slot).and_then(|c| c.who.as_ref()).is_none_or(|who| who.id == identity.id);
            let meant = id.is_none_or(|id| id == identity.id);
            if same && meant && identity.standing == Standing::User { Ok(identity) } else { Err(Denied::Invalid) }
        });
        match identity {
            Ok(identity) => {
                let label = label.filter(|_| matches!(credential, Credential::Claimed(_)));
                let identity = Identity { name: identity.name.or(label), ..identity };
                if let Some(connection) = self.get(slot) {
                    (connection.ends, connection.met) = (identity.ends, true);
                }
                self.call(slot, MEET, Request::Do(Command::Meet(identity)));
            }
            Err(denied) => {
                self.count_error_of(slot, "denied");
                self.identified(slot, Err(denied));
            }
        }
    }

    /// Whoever came by a key that is good no more goes as if their token had ended (RULES 5, THREATS T7); who is still
    /// opening goes then. A key has no end of its own that could be waited for, so each is looked at again.
    pub(super) fn keys_changed(&mut self) {
        let now = self.now;
        for (id, key) in std::mem::take(&mut self.keyed) {
            let Some(slot) = self.slot_of(id) else { continue };
            let Some(dialect) = self.get(slot).map(|connection| usize::from(connection.dialect)) else { continue };
            let name = self.parts.dialects[dialect].door_name();
            if !matches!(self.parts.gate.identify(&key, name, now), Verdict::Known(Err(_))) {
                self.keyed.insert(id, key);
            } else if let Some(connection) = self.get(slot) {
                connection.ends = Some(now);
                self.arm(slot);
            }
        }
    }

    fn ask_about(&mut self, slot: Slot, credential: Credential, claim: Option<Claim>) {
        let token = self.new_token();
        let Some((connection, dialect)) = self.get(slot).map(|connection| (connection.id, connection.dialect)) else {
            return;
        };
        self.asked.insert(token, Asked { connection, claim });
        self.out.asks.push(Asking { token, credential, dialect });
    }

    /// Whoever was asked has answered. The connection may be gone, or may have said goodbye.
    pub(super) fn asked_about(&mut self, token: Token, answer: Result<Identity, Denied>) {
        let Some(Asked { connection, claim }) = self.asked.remove(&token) else { return };
        let Some(slot) = self.slot_of(connection) else { return };
        let Some(connection) = self.get(slot) else { return };
        match (&mut connection.phase, claim) {
            (Phase::Open, Some(claim)) => self.known_later(slot, claim, answer),
            (Phase::Asking(ask), None) => {
                let ask = std::mem::take(ask.as_mut());
                self.known(slot, ask, answer);
            }
            (Phase::Head | Phase::Asking(_) | Phase::Meeting(_) | Phase::Opening(_) | Phase::Closing, _)
            | (Phase::Open, None) => {}
        }
    }

    /// What became of it, to the session.
    pub(super) fn identified(&mut self, slot: Slot, who: Result<&Arc<Person>, Denied>) {
        if let Ok(who) = who {
            self.belongs_to(slot, who);
        }
        let now = self.now;
        let mut steps = Steps::new();
        if let Some(session) = self.get(slot).and_then(|connection| connection.session.as_mut()) {
            session.identified(who, now, &mut steps);
        }
        self.take_steps(slot, &mut steps);
        self.arm(slot);
        self.queue_read(slot);
    }
}
