//! What a session has under way: each call's number, and what it was for.

use crate::step::{CallId, Request, Step, Steps};

/// The open calls of one session; at most `limits::CALLS_PER_CONNECTION_MAX`, for the shard reads no further then. An
/// idle session keeps no buffer here.
#[derive(Debug)]
pub struct Calls<T> {
    next: CallId,
    open: Vec<(CallId, T)>,
}

impl<T> Default for Calls<T> {
    fn default() -> Self {
        Self { next: 0, open: Vec::new() }
    }
}

impl<T> Calls<T> {
    /// Asks for this, and remembers what for.
    pub fn call(&mut self, what: T, request: Request, steps: &mut Steps) {
        steps.push(Step::Call(self.number(what), request));
    }

    /// Remembers what for, under a number to ask by; for what is asked by another step than a call.
    pub fn number(&mut self, what: T) -> CallId {
        let number = self.next;
        self.open.push((number, what));
        self.next = self.next.wrapping_add(1);
        number
    }

    /// What the call was for, now that its outcome is here; none when there is no such call.
    pub fn close(&mut self, call: CallId) -> Option<T> {
        let place = self.open.iter().position(|(open, _)| *open == call)?;
        let (_, what) = self.open.remove(place);
        if self.open.is_empty() {
            self.open = Vec::new();
        }
        Some(what)
    }

    /// What is under way, in the order asked.
    pub fn open(&self) -> impl Iterator<Item = &T> {
        self.open.iter().map(|(_, what)| what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::query::Query;

    #[test]
    fn calls_are_numbered_and_closed_once() {
        let (mut calls, mut steps) = (Calls::default(), Steps::new());
        for what in ["a", "b"] {
            calls.call(what, Request::Ask(Query::Counts), &mut steps);
        }
        assert_eq!(steps.len(), 2);
        assert_eq!(calls.open().copied().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(calls.close(1), Some("b"));
        assert_eq!(calls.close(1), None);
        assert_eq!(calls.close(0), Some("a"));
        assert_eq!(calls.open().count(), 0);
    }
}
