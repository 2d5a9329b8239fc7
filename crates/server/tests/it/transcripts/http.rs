//! REST without HTTP: a dialect's `Way::Rest` doors, who asks, the node's answer, the dialect's words for it. What comes
//! before that (sizes, CORS, our own pages) belongs to the server's shell and is shown there.

use adapters::auth::Verdict;
use dialects::{Answer, Ask, Dialect, Request, Rest, Way};
use domain::command::{Command, Reply};
use domain::identity::{Denied, Standing};
use domain::refusal::Refusal;
use serde_json::json;
use server::node::{Call, ReplyTo};
use server::shard::Gate;

use crate::world::World;

/// Answers a request, as the production glue does, with the world's first node.
pub(crate) fn answer(
    world: &mut World,
    dialects: &[Box<dyn Dialect>],
    gate: &dyn Gate,
    ask: &mut Ask,
    token: &mut u64,
) -> Answer {
    if let Err(answer) = gate.admit(ask) {
        return answer;
    }
    let (dialect, rest) = match find(dialects, ask) {
        Ok(found) => found,
        Err(elsewhere) => return elsewhere,
    };
    let answer = converse(world, dialect, &rest, gate, ask, token);
    dialect.dressed(ask, answer)
}

/// Who asks, what it means, the node's answer, the dialect's words for it.
fn converse(
    world: &mut World,
    dialect: &dyn Dialect,
    rest: &Rest,
    gate: &dyn Gate,
    ask: &Ask,
    token: &mut u64,
) -> Answer {
    let door = dialect.door();
    let (mut who, mut standing) = (None, Standing::User);
    if !rest.anonymous {
        let identified = dialect.who(ask).ok_or(Denied::Missing).and_then(|shown| {
            match gate.identify(&shown, dialect.name(), world.now) {
                Verdict::Known(answer) => answer,
                Verdict::Wait => panic!("a transcript has no Auth Service"),
            }
        });
        let identity = match identified {
            Ok(identity) => identity,
            Err(denied) => return dialect.denied(ask, denied),
        };
        standing = identity.standing;
        let meet = Request::Do(Command::Meet(identity));
        match call(world, token, |to| Call { to, door, standing, who: None, request: meet }) {
            Ok(Reply::Met(person)) => who = Some(person),
            other => panic!("someone who is known is met, not {other:?}"),
        }
    }
    match (rest.ask)(ask, who.as_ref()) {
        Ok(request) => {
            let result = call(world, token, |to| Call { to, door, standing, who, request });
            (rest.answer)(ask, result.as_ref(), world.now)
        }
        Err(answer) => answer,
    }
}

/// The door that a request means; else RULES 24's answer.
fn find<'a>(dialects: &'a [Box<dyn Dialect>], ask: &mut Ask) -> Result<(&'a dyn Dialect, Rest), Answer> {
    let mut allowed = Vec::new();
    for dialect in dialects {
        for way in dialect.doors() {
            let Way::Rest(rest) = way else { continue };
            if ask.captures(&rest.path) {
                if rest.method == ask.method {
                    return Ok((dialect.as_ref(), rest));
                }
                allowed.push(rest.method);
            }
        }
    }
    if allowed.is_empty() {
        let body = json!({"detail": "Not Found", "success": false, "message": "Route not found"});
        return Err(Answer::json(404, &body));
    }
    let allow = allowed.join(", ");
    Err(Answer::json(405, &json!({"detail": "Method Not Allowed"})).with("Allow", allow))
}

fn call(world: &mut World, token: &mut u64, call: impl FnOnce(ReplyTo) -> Call) -> Result<Reply, Refusal> {
    *token += 1;
    world.call(0, call(ReplyTo::Rest(*token)));
    world.run_until(world.now);
    world.replies.remove(token).expect("the node answers at once where nothing takes time")
}
