//! A dialect for these tests: its connections are named to their clients, it repeats what begins with `echo`, and everything
//! else that it hears goes to the operator's URL. With `?ask` the URL decides who may connect, too.

use std::sync::Arc;

use dialects::integration::{self, Integrated, Outcome};
use dialects::{
    Answer, Ask, Audience, CallId, ConnectionNames, Dialect, Frame, Opening, Said, Session, Step, Steps, Way, door,
};
use domain::command::Reply;
use domain::event::News;
use domain::id::Millis;
use domain::identity::{Credential, Denied};
use domain::model::RoomKey;
use domain::refusal::Refusal;

/// The dialect.
pub(super) struct Line;

impl Dialect for Line {
    fn name(&self) -> &'static str {
        "line"
    }

    fn door(&self) -> domain::id::Door {
        door::GATEWAY
    }

    fn doors(&self) -> Vec<Way> {
        vec![Way::Socket("/line".into()), Way::Connections("/line/@connections/{id}".into())]
    }

    fn knows_at_once(&self) -> bool {
        false
    }

    fn who(&self, _: &Ask) -> Option<Credential> {
        None
    }

    fn denied(&self, _: &Ask, _: Denied) -> Answer {
        Answer::json(401, &())
    }

    fn open(&self, ask: &Ask, opening: &Opening, now: Millis, steps: &mut Steps) -> Box<dyn Session> {
        let id = opening.sid.connection;
        let mut told = Integrated::new(ConnectionNames::default(), id, ask, now);
        let asks = ask.query.contains("ask");
        steps.push(if asks { Step::Integrate(0, told.connect(ask, now)) } else { Step::Accept(None) });
        let name = ConnectionNames::default().name(id);
        if !asks {
            steps.push(Step::Say(name.clone().into_bytes()));
        }
        Box::new(Conversation { told, name, opened: !asks, calls: 0 })
    }

    fn tell(&self, _: &News, _: Audience<'_>, _: &mut Said) {}
}

/// Two doors, so that a call for the one may name a connection of the other.
pub(super) fn dialects() -> Arc<Vec<Box<dyn Dialect>>> {
    let mut all = dialects::registry(&dialects::Settings { dialects: vec!["chat".into()], ..Default::default() });
    all.push(Box::new(Line));
    Arc::new(all)
}

struct Conversation {
    told: Integrated,
    name: String,
    opened: bool,
    calls: CallId,
}

impl Session for Conversation {
    fn hear(&mut self, frame: Frame<'_>, now: Millis, steps: &mut Steps) {
        let Frame::Text(text) = frame else { return };
        if text.starts_with("echo") {
            return steps.push(Step::Say(text.into()));
        }
        self.calls += 1;
        steps.push(Step::Integrate(self.calls, self.told.message("x", text, now)));
    }

    fn integrated(&mut self, call: CallId, outcome: &Outcome, _: Millis, steps: &mut Steps) {
        if call == 0 {
            self.opened = integration::admitted(outcome).is_ok();
            return match integration::admitted(outcome) {
                Ok(protocol) => steps.extend([Step::Accept(protocol), Step::Say(self.name.clone().into_bytes())]),
                Err(answer) => steps.push(Step::Answer(answer)),
            };
        }
        let said = match integration::said(outcome) {
            Ok(said) => said.unwrap_or_else(|| "-".into()),
            Err(why) => format!("{why:?}"),
        };
        steps.push(Step::Say(format!("{call} {said}").into_bytes()));
    }

    fn farewell(&mut self, code: u16, now: Millis) -> Option<Vec<u8>> {
        self.opened.then(|| self.told.disconnect(code, "", now))
    }

    fn answer(&mut self, _: CallId, _: Result<&Reply, &Refusal>, _: Millis, _: &mut Steps) {}

    fn removed(&mut self, _: &RoomKey, _: &mut Steps) {}
}
