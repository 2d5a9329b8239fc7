//! Back ends that speak to connections, look at them and close them by their names: who may, the shard that has the
//! connection, and its answer back. The words are the dialects' (`dialects::connections`); who may is judged here.
//!
//! | shown | taken |
//! |---|---|
//! | `x-api-key`, a service key with scope `connections` | yes |
//! | a signature (AWS's Signature Version 4) of a configured access key | yes |
//! | anything, in development mode without access keys | yes |
//! | anything else | no |

use std::sync::Arc;
use std::time::Duration;

use adapters::auth::Verdict;
use adapters::auth::{AccessKeys, BadSignature, SignedHead, SignedShown};
use axum::body::Body;
use axum::response::Response;
use dialects::connections::{self, Manage, Managed, NotManaged, POST_BYTES_MAX};
use dialects::{Answer, Ask, ConnectionNames};
use domain::Text;
use domain::id::ConnectionId;
use domain::identity::{Credential, Scopes};
use uuid::Uuid;

use super::doors::{self as mounted, Doors};
use super::{App, pages};
use crate::node::Token;
use crate::shard::{Input, ManageCall};
use crate::threads::Wiring;

/// A shard answers in its next turn; after this, in milliseconds, it won't.
const ANSWER_MS: u64 = 10_000;

/// What back ends are known by, and connections.
#[derive(Debug, Clone, Default)]
pub struct Backends {
    /// What they sign with.
    pub keys: AccessKeys,
    /// The names of connections; the dialects' own.
    pub names: ConnectionNames,
}

/// What a back end showed.
enum Caller<'a> {
    /// Enough.
    Known,
    /// A signature, which is over the body too.
    Signed(SignedShown<'a>),
}

/// The methods that a connection's path knows.
pub(super) const METHODS: [&str; 3] = ["POST", "GET", "DELETE"];

/// Answers a back end's request for a connection of this dialect, which is named by what the path captured.
pub(super) async fn answer(doors: &Doors, place: usize, ask: Ask, body: Body) -> Response {
    let request_id = adapters::auth::random().map(|bits| Uuid::from_bytes(bits).to_string()).unwrap_or_default();
    match manage(doors, place, &ask, body).await {
        Ok(answer) => pages::answer(answer.with("x-amzn-requestid", request_id)),
        Err(response) => *response,
    }
}

async fn manage(doors: &Doors, place: usize, ask: &Ask, body: Body) -> Result<Answer, Box<Response>> {
    let app = doors.app();
    let not = |why| Ok(connections::not_managed(why));
    let caller = match known(app, place, ask) {
        Ok(caller) => caller,
        Err(bad) => return not(forbidden(bad)),
    };
    let Some(body) = mounted::read_body(body, POST_BYTES_MAX).await? else { return not(NotManaged::TooLarge) };
    if let Caller::Signed(shown) = caller
        && let Err(bad) = shown.check(&body)
    {
        return not(forbidden(bad));
    }
    let what = match ask.method.as_str() {
        "POST" => match String::from_utf8(body) {
            Ok(text) => Manage::Say(text),
            Err(_) => return not(NotManaged::NotText),
        },
        "DELETE" => Manage::Close,
        _ => Manage::Look,
    };
    let name = ask.captured.last().map_or("", String::as_str);
    let Some(connection) = app.backends.names.read(name) else { return Ok(connections::managed(&Managed::Gone)) };
    Ok(match in_shard(&app.wiring, place, connection, what).await {
        Ok(outcome) => connections::managed(&outcome),
        Err(why) => connections::not_managed(why),
    })
}

/// Whether a back end may ask at all, as far as its head says.
fn known<'a>(app: &'a App, place: usize, ask: &'a Ask) -> Result<Caller<'a>, BadSignature> {
    if let Some(key) = ask.header("x-api-key") {
        let key = Credential::Key(Text::from(key));
        let dialect = app.dialects.get(place).map_or("", |dialect| dialect.name());
        let identity = app.gate.identify(&key, dialect, app.wiring.clock.now());
        // A key is known at once, or not.
        let Verdict::Known(identity) = identity else { return Err(BadSignature::Mismatch) };
        if identity.is_ok_and(|identity| identity.standing.serves(Scopes::CONNECTIONS)) {
            return Ok(Caller::Known);
        }
    }
    if app.development && app.backends.keys.is_empty() {
        return Ok(Caller::Known);
    }
    let Ask { method, path, query, headers, .. } = ask;
    let head = SignedHead { method, path, query, headers };
    app.backends.keys.read(head, app.wiring.clock.now()).map(Caller::Signed)
}

/// Which of the keys is unknown, or what was altered, is nobody's to learn; that a clock is wrong helps its owner.
fn forbidden(bad: BadSignature) -> NotManaged {
    NotManaged::Forbidden(match bad {
        BadSignature::Missing => "Missing Authentication Token",
        BadSignature::Stale => "Signature expired: the request's time is more than 5 minutes from the server's",
        BadSignature::Malformed | BadSignature::UnknownKey | BadSignature::Mismatch => "Forbidden",
    })
}

/// Asks the shard that has the connection.
async fn in_shard(
    wiring: &Arc<Wiring>,
    place: usize,
    connection: ConnectionId,
    what: Manage,
) -> Result<Managed, NotManaged> {
    let [shard, ..] = connection.0.to_be_bytes();
    let Some(mailbox) = wiring.mailboxes.get(usize::from(shard)) else { return Ok(Managed::Gone) };
    let (token, outcome) = wiring.managed.open().ok_or(NotManaged::TooMany)?;
    let _forget = Forget(wiring, token);
    let dialect = u8::try_from(place).unwrap_or(u8::MAX);
    mailbox.put([Input::Manage(Box::new(ManageCall { token, dialect, connection, what }))]);
    mailbox.ring();
    match tokio::time::timeout(Duration::from_millis(ANSWER_MS), outcome).await {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(_)) | Err(_) => Err(NotManaged::Silence),
    }
}

/// Forgets a token whose asker has gone away.
struct Forget<'a>(&'a Wiring, Token);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.managed.forget(self.1);
    }
}
