//! Requests at an endpoint: what each means, and the answers, with the reference's codes.
//!
//! The handshake says once and for all which version a client speaks and whether it takes binary data. So a session says
//! its frames as its client would hear them on a socket, base64 included; here they only become a body. That is all that
//! is left to know of a session by its requests, which say their version each time.

use serde::Serialize;

use super::engine::{Form, Heard, MESSAGE, PAYLOAD_BYTES_MAX, Takes, Version};
use super::jsonp;
use super::line::Manner;
use super::payload::{self, Payload};
use crate::ask::{Answer, Ask};
use crate::polling::{BadSid, Poll, Polling, Posted, Sid};
use crate::step::Frame;

/// Why a request comes to nothing, in the order of the reference's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    /// Neither polling nor a WebSocket.
    Transport,
    /// No session of that name.
    Sid,
    /// A session is asked for by something else than GET.
    Method,
    /// Not what such a request looks like, or not for this session's transport.
    Request,
    /// A version that isn't spoken here.
    Version,
}

impl Bad {
    fn message(self) -> &'static str {
        match self {
            Self::Transport => "Transport unknown",
            Self::Sid => "Session ID unknown",
            Self::Method => "Bad handshake method",
            Self::Request => "Bad request",
            Self::Version => "Unsupported protocol version",
        }
    }

    /// The answer to a request for a socket is plain text, to any other JSON.
    pub(super) fn answer(self, ask: &Ask) -> Answer {
        #[derive(Serialize)]
        struct Body {
            code: u8,
            message: &'static str,
        }
        if is_upgrade(ask) {
            let (body, headers) = (self.message().into(), Vec::new());
            return Answer { status: 400, headers, content_type: "text/html", body };
        }
        let code = match self {
            Self::Transport => 0,
            Self::Sid => 1,
            Self::Method => 2,
            Self::Request => 3,
            Self::Version => 5,
        };
        Answer::json(400, &Body { code, message: self.message() })
    }
}

/// Whether a request asks for a socket. That it does so soundly was seen before.
fn is_upgrade(ask: &Ask) -> bool {
    ask.header("upgrade").is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}

/// The last parameter of this name, as in the reference; none when it is empty.
pub(super) fn parameter(ask: &Ask, name: &str) -> Option<String> {
    let last = ask.query.rsplit('&').find(|pair| pair.split_once('=').map_or(*pair, |(key, _)| key) == name)?;
    Ask { query: last.into(), ..Ask::default() }.parameter(name).filter(|value| !value.is_empty())
}

/// How a client that wants a session wants to be talked to.
///
/// # Errors
/// What is wrong with its request.
pub(super) fn manner(ask: &Ask) -> Result<Manner, Bad> {
    let polled = is_polled(ask)?;
    if polled == is_upgrade(ask) {
        return Err(Bad::Request);
    }
    if ask.method != "GET" {
        return Err(Bad::Method);
    }
    let version = version(ask).ok_or(Bad::Version)?;
    // A script is text.
    let is_text = parameter(ask, "b64").is_some() || jsonp::number(ask).is_some();
    let takes = if is_text { Takes::Base64 } else { Takes::Binary };
    Ok(Manner { version, takes, polled })
}

fn is_polled(ask: &Ask) -> Result<bool, Bad> {
    match parameter(ask, "transport").as_deref() {
        Some("polling") => Ok(true),
        Some("websocket") => Ok(false),
        Some(_) | None => Err(Bad::Transport),
    }
}

fn version(ask: &Ask) -> Option<Version> {
    Version::of(&parameter(ask, "EIO")?)
}

fn text(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Answer {
    Answer { status, headers: Vec::new(), content_type, body: body.into() }.with("cache-control", "no-store")
}

/// What is wrong with a body, or with when it comes, is said without words.
fn bad_body(status: u16) -> Answer {
    text(status, "text/plain; charset=UTF-8", "")
}

/// Any endpoint's requests.
pub(super) struct Requests;

impl Polling for Requests {
    fn poll(&self, ask: &Ask) -> Poll {
        let bad = |bad: Bad| Poll::Answer(bad.answer(ask));
        let Some(sid) = parameter(ask, "sid") else {
            return match manner(ask) {
                Ok(_) => Poll::Open,
                Err(why) => bad(why),
            };
        };
        match (is_polled(ask), sid.parse()) {
            (Err(why), _) => bad(why),
            (Ok(_), Err(BadSid)) => bad(Bad::Sid),
            (Ok(false), Ok(_)) => bad(Bad::Request),
            (Ok(true), Ok(_)) if version(ask).is_none() => bad(Bad::Version),
            (Ok(true), Ok(sid)) => match ask.method.as_str() {
                "GET" => Poll::Get(sid),
                "POST" => Poll::Post(sid),
                _ => bad(Bad::Method),
            },
        }
    }

    fn successor_of(&self, ask: &Ask) -> Result<Option<Sid>, BadSid> {
        match parameter(ask, "sid") {
            // Whatever else is wrong with it is said by the session that it opens.
            _ if is_polled(ask) != Ok(false) => Ok(None),
            Some(sid) => sid.parse().map(Some),
            None => Ok(None),
        }
    }

    fn posted(&self, ask: &Ask) -> Result<Vec<Posted>, Answer> {
        let version = version(ask).ok_or_else(|| Bad::Version.answer(ask))?;
        let binary = ask.header("content-type") == Some("application/octet-stream");
        let form = if binary { Form::Binary } else { Form::Text };
        let field = match (jsonp::number(ask), form) {
            (Some(_), Form::Text) => Some(jsonp::payload(&ask.body).ok_or_else(|| bad_body(400))?),
            (Some(_), Form::Binary) => return Err(bad_body(400)),
            (None, _) => None,
        };
        let body = field.as_ref().map_or(ask.body.as_slice(), String::as_bytes);
        let posted = |heard| match heard {
            Heard::Text(text) => Posted::Text(text.to_owned()),
            // As a socket would have heard it.
            Heard::Binary(data) if version == Version::Three => Posted::Binary([&[MESSAGE], &*data].concat()),
            Heard::Binary(data) => Posted::Binary(data.into_owned()),
        };
        // Of a body with something unreadable in it nothing is heard: its client can't know how far it went.
        let all: Result<Vec<_>, _> = Payload::of(version, form, body).map(|heard| heard.map(posted)).collect();
        all.map_err(|_| bad_body(400))
    }

    fn heard(&self, ask: &Ask) -> Answer {
        let heard = text(200, "text/html", "ok");
        if jsonp::number(ask).is_none() {
            return heard;
        }
        // A form's answer goes into a frame of the page that sent it, and this one has nothing that could be misused there.
        heard.with("content-security-policy", "default-src 'none'")
    }

    fn told(&self, ask: &Ask, messages: &mut dyn Iterator<Item = Frame<'_>>) -> Answer {
        let version = version(ask).unwrap_or(Version::Four);
        let frames: Vec<Frame<'_>> = messages
            .map(|frame| match frame {
                Frame::Binary(data) if version == Version::Three => {
                    Frame::Binary(data.strip_prefix(&[MESSAGE]).unwrap_or(data))
                }
                Frame::Text(_) | Frame::Binary(_) => frame,
            })
            .collect();
        let mut body = Vec::new();
        if let Some(number) = jsonp::number(ask) {
            payload::write(version, Takes::Base64, frames.into_iter(), &mut body);
            let script = jsonp::script(&number, &String::from_utf8_lossy(&body));
            return text(200, "text/javascript; charset=UTF-8", script);
        }
        // Whoever takes no binary data was told none.
        let content_type = match payload::write(version, Takes::Binary, frames.into_iter(), &mut body) {
            Form::Text => "text/plain; charset=UTF-8",
            Form::Binary => "application/octet-stream",
        };
        text(200, content_type, body)
    }

    fn is_script(&self, ask: &Ask) -> bool {
        jsonp::number(ask).is_some()
    }

    fn unknown(&self, ask: &Ask) -> Answer {
        Bad::Sid.answer(ask)
    }

    fn moved(&self, ask: &Ask) -> Answer {
        Bad::Request.answer(ask)
    }

    fn body_bytes_max(&self) -> usize {
        PAYLOAD_BYTES_MAX
    }

    fn too_large(&self, _ask: &Ask) -> Answer {
        bad_body(413)
    }

    fn overlapping(&self, _ask: &Ask) -> Answer {
        bad_body(400)
    }

    fn ended(&self) -> &'static str {
        "1"
    }
}
