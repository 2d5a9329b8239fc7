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

/// Who waits for which answer.
pub struct Waiters<T> {
    /// A std mutex, held for one look-up, never across a wait.
    waiting: Mutex<Waiting<T>>,
    /// More than this don't wait at a time.
    most: usize,
}

struct Waiting<T> {
    last: Token,
    by_token: HashMap<Token, oneshot::Sender<T>>,
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

impl<T> Waiters<T> {
    /// Nobody waits.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { waiting: Mutex::new(Waiting { last: 0, by_token: HashMap::new() }), most }
    }

    /// The answer. Who asked may be gone; then nobody hears it.
    pub fn answer(&self, token: Token, answer: T) {
        let waiting = self.lock().by_token.remove(&token);
        if let Some(waiting) = waiting {
            let _ = waiting.send(answer);
        }
    }

    /// A token to ask under, and where its answer will be. None when too many are under way.
    pub(super) fn open(&self) -> Option<(Token, oneshot::Receiver<T>)> {
        let mut waiting = self.lock();
        if waiting.by_token.len() >= self.most {
            return None;
        }
        waiting.last += 1;
        let (sender, receiver) = oneshot::channel();
        let token = waiting.last;
        waiting.by_token.insert(token, sender);
        Some((token, receiver))
    }

    /// Forgets a token; true when it was still waited for.
    pub(super) fn forget(&self, token: Token) -> bool {
        self.lock().by_token.remove(&token).is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a token whose asker has gone away.
struct Forget<'a>(&'a Waiters<Box<Told>>, Token);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.forget(self.1);
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
