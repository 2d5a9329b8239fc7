//! A stage without a script: the same house and the same clients, asked by tests that are generated, not written down.

use std::sync::Arc;

use dialects::{Ask, Way};
use domain::event::Event;
use server::frame::Opcode;

use super::super::parse;
use super::{Got, Stage, shown};

impl Stage {
    /// A house in which the lines of a transcript have happened.
    pub(crate) fn after(text: &str) -> Result<Self, String> {
        let lines = parse::parse(text).map_err(|(line, why)| format!("{line}: {why}"))?;
        let mut stage = Self::new(&lines, None)?;
        for line in &lines {
            stage.play(&line.what).map_err(|why| format!("{}: {why}", line.number))?;
        }
        stage.end()?;
        Ok(stage)
    }

    /// A text with what stands for something replaced.
    pub(crate) fn filled_in(&self, text: &str) -> String {
        self.bound.fill(text).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    /// Opens a socket; gives the answer's status and body.
    pub(crate) fn opens(&mut self, who: &str, target: &str, headers: &[(String, String)]) -> (u16, String) {
        self.connect(who, target, headers).unwrap_or_else(|why| panic!("{who} {target}: {why}"));
        self.settle();
        match self.client(who).map(|client| client.got.pop_front()) {
            Ok(Some(Got::Http { status, body, .. })) => (status, body),
            other => panic!("{who} {target}: expected an answer to the upgrade, not {other:?}"),
        }
    }

    /// Says something, if the socket is still open, and everybody has heard what comes of it.
    pub(crate) fn says(&mut self, who: &str, text: &str) -> Result<(), String> {
        self.settle();
        self.say(who, Opcode::Text, text.as_bytes())?;
        self.settle();
        Ok(())
    }

    /// What a client has got since it was last asked.
    pub(crate) fn heard(&mut self, who: &str) -> Vec<String> {
        self.client(who).map_or(Vec::new(), |client| client.got.drain(..).map(|got| shown(&got)).collect())
    }

    /// The clients whose names begin so.
    pub(crate) fn names(&self, prefix: &str) -> Vec<String> {
        self.clients.keys().filter(|name| name.starts_with(prefix)).cloned().collect()
    }

    /// Asks over REST; gives the answer's status and body.
    pub(crate) fn asks(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: &str,
    ) -> (u16, String) {
        self.settle();
        self.rest(method, target, headers, Some(body)).unwrap_or_else(|why| panic!("{method} {target}: {why}"));
        self.settle();
        let answer = self.answer.take().expect("a request is answered");
        (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// Time passes, and clients stay alive.
    pub(crate) fn waits(&mut self, ms: u64) {
        self.pass(ms);
    }

    /// The log, as it is now.
    pub(crate) fn log(&self) -> Vec<Arc<Event>> {
        self.world.store.events()
    }

    /// The ways of the house that lead nowhere in this list of methods and paths (`WS` for sockets). What is polled is the
    /// same session as on the socket.
    pub(crate) fn unused(&self, used: &[(String, String)]) -> Vec<String> {
        let fits = |method: &str, pattern: &str| {
            used.iter().any(|(called, path)| {
                called == method && Ask { path: path.clone(), ..Ask::default() }.captures(pattern)
            })
        };
        let ways = self.dialects.iter().flat_map(|dialect| dialect.doors());
        ways.filter_map(|way| match way {
            Way::Socket(path) => (!fits("WS", &path)).then(|| format!("WS {path}")),
            Way::Polled(_) | Way::Connections(_) => None,
            Way::Rest(rest) => (!fits(rest.method, &rest.path)).then(|| format!("{} {}", rest.method, rest.path)),
        })
        .collect()
    }
}
