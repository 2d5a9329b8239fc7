//! The operator's URL between the shards and the adapter that speaks to it: each event out with its token, each outcome
//! into the mailbox of the shard that has the connection.

use std::sync::{Arc, Weak};

use adapters::HttpUrl;
use adapters::integration::{Heard, Integrations, Job, Silence};
use anyhow::Context as _;
use dialects::integration::{NoResponse, Outcome, Response};
use tokio::runtime::Handle;

use super::Wiring;
use crate::mailbox::Mailbox;
use crate::shard::{Input, Integrate};

/// The way to the operator's URL, or to none.
#[derive(Clone)]
pub struct UrlDoor(Option<Arc<Integrations>>);

impl UrlDoor {
    /// A way to this URL. The waiting is done on `runtime`.
    ///
    /// # Errors
    /// When the system has no certificates to know it by.
    pub fn open(url: Option<&HttpUrl>, wiring: &Arc<Wiring>, runtime: &Handle) -> anyhow::Result<Self> {
        let Some(url) = url else { return Ok(Self(None)) };
        // Weak: the wiring's end is nobody's to wait for here.
        let mailboxes: Vec<Weak<Mailbox>> = wiring.mailboxes.iter().map(Arc::downgrade).collect();
        let done = Box::new(move |connection: domain::id::ConnectionId, token, heard| {
            let [shard, ..] = connection.0.to_be_bytes();
            if let Some(mailbox) = mailboxes.get(usize::from(shard)).and_then(Weak::upgrade) {
                mailbox.put([Input::Integrated(token, outcome(heard))]);
                mailbox.ring();
            }
        });
        let integrations = Integrations::new(url, runtime.clone(), done).context("GATEWAY_INTEGRATION_URL")?;
        Ok(Self(Some(integrations)))
    }

    /// Has an event told. Without a URL that fails at once, as an input that comes back.
    pub(super) fn tell(&self, event: Integrate, back: &mut Vec<Input>) {
        let Integrate { token, connection, event } = event;
        match &self.0 {
            Some(integrations) => integrations.give(Job { connection, token, event }),
            None => back.push(Input::Integrated(token, Err(NoResponse::Failed))),
        }
    }
}

fn outcome(heard: Result<Heard, Silence>) -> Outcome {
    match heard {
        Ok(Heard { status, body }) => Ok(Response { status, body }),
        Err(Silence::Broken) => Err(NoResponse::Failed),
        Err(Silence::Late) => Err(NoResponse::TimedOut),
    }
}
