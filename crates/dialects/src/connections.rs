//! Connections that a back end may speak to, look at and close by their names ([`crate::Way::Connections`]): what became
//! of it, in the words of AWS's `ApiGatewayManagementApi`, so that its SDKs work unchanged.
//!
//! Pure data and words. Who may ask is the server's to judge, and the connection's shard carries it out.

use std::net::IpAddr;

use domain::Text;
use domain::id::Millis;
use serde::Serialize;

use crate::ask::Answer;
use crate::format::Time;

/// The longest message that a back end may say to a connection, in bytes; AWS's own.
pub const POST_BYTES_MAX: usize = 128 * 1024;

/// What a back end wants of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manage {
    /// Say this as one text message, in order with what else it is told. Nothing of it is kept.
    Say(String),
    /// See since when it is there, and whose.
    Look,
    /// Close it.
    Close,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Managed {
    /// It is said: it stands in what the connection is told. Whether its client takes it, nobody can know.
    Said,
    /// It was looked at.
    Seen(Seen),
    /// It is closing.
    Closed,
    /// There is no such connection, or no more, or not yet.
    Gone,
    /// Its client takes in too slowly what it is told already.
    Full,
}

/// What can be seen of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// When it was opened.
    pub connected_at: Millis,
    /// When something was last heard of it.
    pub active_at: Millis,
    /// Whose it is.
    pub caller: Caller,
}

/// From where a connection comes, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Caller {
    /// The client's address.
    pub source: Option<IpAddr>,
    /// Its `User-Agent`, at most [`AGENT_BYTES_MAX`] of it.
    pub agent: Option<Text>,
}

/// How much of a `User-Agent` is kept with its connection, in bytes.
pub const AGENT_BYTES_MAX: usize = 256;

/// Who is behind a request, as wires of AWS show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity {
    source_ip: String,
    user_agent: String,
}

impl From<&Caller> for Identity {
    fn from(caller: &Caller) -> Self {
        let source_ip = caller.source.map(|source| source.to_string()).unwrap_or_default();
        let user_agent = caller.agent.as_deref().unwrap_or_default().to_owned();
        Self { source_ip, user_agent }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    connected_at: Time,
    identity: Identity,
    last_active_at: Time,
}

#[derive(Serialize)]
struct Message<'a> {
    message: Option<&'a str>,
}

/// Why a call was not carried out, beside what its connection has to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotManaged {
    /// Who asks may not.
    Forbidden(&'static str),
    /// The message is longer than [`POST_BYTES_MAX`].
    TooLarge,
    /// The message is no text.
    NotText,
    /// Too many calls are under way.
    TooMany,
    /// The shard did not answer in time; what became of it is not known.
    Silence,
}

/// The answer to a call that reached its shard.
#[must_use]
pub fn managed(outcome: &Managed) -> Answer {
    match outcome {
        Managed::Said => empty(200),
        Managed::Closed => empty(204),
        Managed::Seen(Seen { connected_at, active_at, caller }) => Answer::json(
            200,
            &Shown { connected_at: Time(*connected_at), identity: caller.into(), last_active_at: Time(*active_at) },
        ),
        Managed::Gone => wrong(410, "GoneException", None),
        Managed::Full => wrong(429, "LimitExceededException", None),
    }
}

/// The answer to one that did not.
#[must_use]
pub fn not_managed(why: NotManaged) -> Answer {
    match why {
        NotManaged::Forbidden(words) => wrong(403, "ForbiddenException", Some(words)),
        NotManaged::TooLarge => wrong(413, "PayloadTooLargeException", Some("Message is longer than 128 KB")),
        NotManaged::NotText => wrong(400, "BadRequestException", Some("Message is not UTF-8 text")),
        NotManaged::TooMany => wrong(429, "LimitExceededException", Some("Too many requests are under way")),
        NotManaged::Silence => wrong(500, "InternalServerErrorException", Some("Internal server error")),
    }
}

fn empty(status: u16) -> Answer {
    Answer { status, headers: Vec::new(), content_type: "application/json", body: Vec::new() }
}

fn wrong(status: u16, kind: &'static str, message: Option<&str>) -> Answer {
    Answer::json(status, &Message { message }).with("x-amzn-errortype", kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{NOW, answer};

    #[test]
    fn outcomes_are_said_as_aws_says_them() {
        let caller = Caller { source: Some(IpAddr::from([203, 0, 113, 7])), agent: Some(Text::from("wscat \"1\"")) };
        let seen = Seen { connected_at: NOW, active_at: NOW.plus(1_006), caller };
        for (outcome, expected) in [
            (Managed::Said, "200 "),
            (Managed::Closed, "204 "),
            (
                Managed::Seen(seen),
                r#"200 {"connectedAt":"2026-11-20T11:52:13.994Z","identity":{"sourceIp":"203.0.113.7","userAgent":"wscat \"1\""},"lastActiveAt":"2026-11-20T11:52:15.000Z"}"#,
            ),
            (Managed::Gone, r#"410 x-amzn-errortype: GoneException {"message":null}"#),
            (Managed::Full, r#"429 x-amzn-errortype: LimitExceededException {"message":null}"#),
        ] {
            assert_eq!(answer(&managed(&outcome)), expected);
        }
        for (why, expected) in [
            (NotManaged::Forbidden("No"), r#"403 x-amzn-errortype: ForbiddenException {"message":"No"}"#),
            (
                NotManaged::TooLarge,
                r#"413 x-amzn-errortype: PayloadTooLargeException {"message":"Message is longer than 128 KB"}"#,
            ),
            (
                NotManaged::NotText,
                r#"400 x-amzn-errortype: BadRequestException {"message":"Message is not UTF-8 text"}"#,
            ),
            (
                NotManaged::TooMany,
                r#"429 x-amzn-errortype: LimitExceededException {"message":"Too many requests are under way"}"#,
            ),
            (
                NotManaged::Silence,
                r#"500 x-amzn-errortype: InternalServerErrorException {"message":"Internal server error"}"#,
            ),
        ] {
            assert_eq!(answer(&not_managed(why)), expected);
        }
    }

    #[test]
    fn who_is_not_known_is_shown_empty() {
        let seen = Seen { connected_at: NOW, active_at: NOW, caller: Caller::default() };
        assert!(answer(&managed(&Managed::Seen(seen))).contains(r#"{"sourceIp":"","userAgent":""}"#));
    }
}
