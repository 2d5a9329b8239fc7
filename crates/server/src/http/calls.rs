//! Calls over REST that wait for the node: a token out with the call, the reply in with the token.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dialects::Request;
use domain::command::Reply;
use domain::id::Door;
use domain::identity::Standing;
use domain::limits;
use domain::model::Person;
use domain::refusal::Refusal;
use std::sync::Arc;
use tokio::sync::oneshot;

use crate::node::{Call, Input, ReplyTo, Token, Told};
use crate::threads::Wiring;

/// Who waits for which reply.
#[derive(Default)]
pub struct Calls {
    /// A std mutex, held for one look-up, never across a wait.
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    last: Token,
    by_token: HashMap<Token, oneshot::Sender<Box<Told>>>,
}

/// On whose behalf, and through which door.
pub(super) struct Caller {
    pub(super) door: Door,
    pub(super) standing: Standing,
    pub(super) who: Option<Arc<Person>>,
}

/// What became of a call.
pub(super) enum Answered {
    /// It has its outcome.
    Told(Result<Reply, Refusal>),
    /// The node did not answer in time; what became of it is not known.
    Silence,
}

impl Calls {
    /// The node's reply. Who asked may be gone; then nobody hears it.
    pub fn answer(&self, token: Token, told: Box<Told>) {
        let waiting = self.lock().by_token.remove(&token);
        if let Some(waiting) = waiting {
            let _ = waiting.send(told);
        }
    }

    /// A token to ask under, and where its reply will be. None when too many are under way.
    fn open(&self) -> Option<(Token, oneshot::Receiver<Box<Told>>)> {
        let mut waiting = self.lock();
        if waiting.by_token.len() >= limits::REST_CALLS_MAX {
            return None;
        }
        waiting.last += 1;
        let (sender, receiver) = oneshot::channel();
        let token = waiting.last;
        waiting.by_token.insert(token, sender);
        Some((token, receiver))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a token whose asker has gone away.
struct Forget<'a>(&'a Calls, Token);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.lock().by_token.remove(&self.1);
    }
}

/// Asks the node, and waits for its reply.
pub(super) async fn call(wiring: &Wiring, caller: Caller, request: Request) -> Answered {
    let Some((token, reply)) = wiring.rest.open() else { return Answered::Told(Err(Refusal::Busy)) };
    let _forget = Forget(&wiring.rest, token);
    let Caller { door, standing, who } = caller;
    wiring.inbox.put([Input::Call(Call { to: ReplyTo::Rest(token), door, standing, who, request })]);
    match tokio::time::timeout(Duration::from_millis(limits::REST_WAIT_MS), reply).await {
        Ok(Ok(told)) => Answered::Told(told.result),
        Ok(Err(_)) | Err(_) => Answered::Silence,
    }
}
