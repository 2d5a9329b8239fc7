//! Routes that the operator has carried out by a URL of theirs, in the platform's way: the URL lets clients in, takes the
//! actions that are named for it or that nobody here knows, and is told who has gone.

use std::sync::Arc;

use domain::Text;
use domain::id::Millis;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::heard;
use crate::ask::{Answer, Ask};
use crate::integration::{self, CONNECT, DISCONNECT, Integrated, Outcome, Route, Routes};
use crate::json;
use crate::step::{CallId, Step, Steps};

/// One connection of which a URL is told.
pub(super) struct Away {
    routes: Arc<Routes>,
    told: Integrated,
    /// The client was let in: so its going is told.
    admitted: bool,
}

impl Away {
    /// None where nothing is carried out elsewhere.
    pub(super) fn of(routes: &Arc<Routes>, told: impl FnOnce() -> Integrated) -> Option<Box<Self>> {
        (!routes.keys.is_empty()).then(|| Box::new(Self { routes: routes.clone(), told: told(), admitted: false }))
    }

    /// Asks whether the client may connect; false when that is not the URL's to say.
    pub(super) fn connect(&mut self, call: impl FnOnce() -> CallId, ask: &Ask, now: Millis, steps: &mut Steps) -> bool {
        let asks = self.routes.has(CONNECT);
        if asks {
            steps.push(Step::Integrate(call(), self.told.connect(ask, now)));
        }
        asks
    }

    /// What it said to that; with the subprotocol that it chose.
    pub(super) fn connected(outcome: &Outcome) -> Result<Option<Text>, Answer> {
        integration::admitted(outcome)
    }

    /// The client is in.
    pub(super) fn admitted(&mut self) {
        self.admitted = true;
    }

    /// Has a frame carried out elsewhere, when it is not ours to.
    pub(super) fn takes(&mut self, call: impl FnOnce() -> CallId, frame: &str, now: Millis, steps: &mut Steps) -> bool {
        let action = action(frame);
        let ours = action.as_deref().is_some_and(heard::is_ours);
        let Route::Elsewhere(key) = self.routes.of(action.as_deref(), ours) else { return false };
        steps.push(Step::Integrate(call(), self.told.message(key, frame, now)));
        true
    }

    /// What the client hears of what the URL said, if anything.
    ///
    /// # Errors
    /// The URL failed.
    pub(super) fn said(&self, outcome: &Outcome) -> Result<Option<String>, integration::NoResponse> {
        integration::said(outcome).map(|text| text.filter(|_| self.routes.responses))
    }

    /// What is told of its going.
    pub(super) fn farewell(&mut self, code: u16, now: Millis) -> Option<Vec<u8>> {
        (self.admitted && self.routes.has(DISCONNECT)).then(|| self.told.disconnect(code, "", now))
    }
}

/// The action that a frame names, if it names one.
fn action(frame: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        action: Option<&'a RawValue>,
    }
    let named: Named<'_> = json::object(frame).ok()?;
    named.action.and_then(json::text).map(|action| action.into_owned())
}
