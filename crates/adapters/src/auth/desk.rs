//! Where an Auth Service is asked about tokens (RULES 5): who asks leaves a question and is told the answer. Nobody waits
//! here: [`Asking`] does, on a runtime of whoever starts it, and everything that can be known without it is in the
//! [`super::book`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::Text;
use domain::id::{Millis, UserId};
use domain::identity::Denied;
use domain::limits;
use tokio::sync::mpsc;

use super::book::{Asked, Book, Hash, Said};
use super::remote::Remote;

/// Who the service says that a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) id: UserId,
    pub(super) name: Option<Text>,
    pub(super) email: Option<Text>,
}

/// A token to ask about.
pub(super) struct Question {
    pub(super) token: Text,
    pub(super) hash: Hash,
    /// When it ends by itself.
    pub(super) ends: Option<Millis>,
}

/// Whoever is told what the service says.
type Waiter = Box<dyn FnOnce(Said) + Send>;

/// A question under way.
struct Call {
    question: Question,
    asked_at: Millis,
}

/// What is known, and the way to whoever asks.
pub(super) struct Desk {
    /// A std mutex, held for a look-up or a change, never across a wait or a waiter.
    book: Mutex<Book<Waiter>>,
    calls: mpsc::Sender<Call>,
}

impl Desk {
    /// A desk, and the calls that somebody has to make for it; dropped, every question finds nobody there.
    pub(super) fn new() -> (Arc<Self>, Calls) {
        // As many as the book lets through, so that it is never full.
        let (sender, calls) = mpsc::channel(limits::AUTH_CALLS_MAX);
        (Arc::new(Self { book: Mutex::new(Book::default()), calls: sender }), Calls(calls))
    }

    /// What the service has said, if that still holds.
    pub(super) fn known(&self, token: &Hash, now: Millis) -> Option<Said> {
        self.book().known(token, now)
    }

    /// Has the service asked. `then` is called once, at once or later and elsewhere.
    pub(super) fn ask(&self, question: Question, now: Millis, then: Waiter) {
        // In a statement of its own: whoever is told may come back with the next question.
        let asked = self.book().ask(question.hash, now, then);
        match asked {
            Asked::Known(said, then) => then(said),
            Asked::Full(then) => then(Err(Denied::Unavailable)),
            Asked::Joined => {}
            Asked::First => {
                if let Err(error) = self.calls.try_send(Call { question, asked_at: now }) {
                    let (mpsc::error::TrySendError::Full(call) | mpsc::error::TrySendError::Closed(call)) = error;
                    self.answered(&call, &Err(Denied::Unavailable));
                }
            }
        }
    }

    fn answered(&self, call: &Call, said: &Said) {
        let Call { question, asked_at } = call;
        let waiters = self.book().answered(question.hash, *asked_at, question.ends, said);
        for then in waiters {
            then(said.clone());
        }
    }

    fn book(&self) -> MutexGuard<'_, Book<Waiter>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls that wait to be made.
pub(super) struct Calls(mpsc::Receiver<Call>);

#[cfg(test)]
impl Calls {
    /// Answers every call that waits, and gives the tokens that were asked about.
    pub(super) fn answer_all(&mut self, desk: &Desk, said: &Said) -> Vec<String> {
        let mut asked = Vec::new();
        while let Ok(call) = self.0.try_recv() {
            desk.answered(&call, said);
            asked.push(call.question.token.to_string());
        }
        asked
    }
}

/// Asks an Auth Service whatever is left for it to be asked. It does so while [`Asking::run`] runs, on a tokio runtime.
pub(super) struct Asking {
    desk: Arc<Desk>,
    remote: Arc<Remote>,
    calls: Calls,
}

impl Asking {
    pub(super) fn new(desk: Arc<Desk>, remote: Remote, calls: Calls) -> Self {
        Self { desk, remote: Arc::new(remote), calls }
    }

    /// Asks, for as long as the runtime lives.
    pub(super) async fn run(mut self) {
        while let Some(call) = self.calls.0.recv().await {
            let (desk, remote) = (self.desk.clone(), self.remote.clone());
            tokio::spawn(async move {
                let said = remote.ask(&call.question.token).await;
                desk.answered(&call, &said);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desk_that_nobody_attends_says_no() {
        let (desk, calls) = Desk::new();
        drop(calls);
        let (sender, said) = std::sync::mpsc::channel();
        for _ in 0..2 {
            let question = Question { token: "t".into(), hash: [1; 32], ends: None };
            let sender = sender.clone();
            desk.ask(question, Millis(1), Box::new(move |said| sender.send(said).expect("it is heard")));
            assert_eq!(said.recv(), Ok(Err(Denied::Unavailable)));
        }
        assert_eq!(desk.known(&[1; 32], Millis(1)), None);
    }
}
