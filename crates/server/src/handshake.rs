//! The head of a request, and what RFC 6455 makes of it: pure, bytes in and bytes out.
//!
//! A shard reads the head itself, because an upgrade stays with it; everything else it hands on to hyper with the bytes
//! read so far. So this refuses what two readers of one stream might understand differently (THREATS T24), bounds what
//! a head may cost (T10, RUSTSEC-2023-0065), and judges no path, no token and no origin: that is the dialects' trade.
//! Frames are next door in `frame`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// The longest head that is read. A token in a header or a query fits many times over.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// The most headers in a head. A browser sends about fifteen.
pub const HEADERS_MAX: usize = 64;

/// The only version of the protocol there is (RFC 6455, 4.1).
const VERSION: &str = "13";

/// What RFC 6455 (1.3) has both sides append to the key.
const KEY_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A complete request head, borrowed from the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head<'a> {
    /// The method as sent; methods are case-sensitive.
    pub method: &'a str,
    /// What was asked for.
    pub target: Target<'a>,
    /// The minor version of HTTP/1: 0 or 1.
    pub version_minor: u8,
    /// Name and value in the order they came. What is not UTF-8 in a value is replaced, never dropped: that a header is
    /// there may matter more than what it says.
    pub headers: Vec<(&'a str, Cow<'a, str>)>,
    /// How many bytes the head took. Behind them lies a body, or what an eager client sends before its answer.
    pub bytes: usize,
}

/// What a request asks for, as sent: nothing is decoded or tidied here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// The path, beginning with `/`.
    pub path: &'a str,
    /// What follows the first `?`.
    pub query: Option<&'a str>,
}

/// A head that is refused, and after it the connection is closed: where it ends can't be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadHead {
    /// Not HTTP/1.0 or 1.1.
    Malformed,
    /// Over [`HEAD_BYTES_MAX`].
    TooLong,
    /// Over [`HEADERS_MAX`].
    TooManyHeaders,
    /// No `Host` in HTTP/1.1, or several: whose request is it?
    HostNotOne,
    /// `Content-Length` twice or beside `Transfer-Encoding`: where does it end?
    LengthNotOne,
    /// A target that is no path: absolute form is for proxies.
    TargetNotPath,
}

/// What a head wants of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upgrade<'a> {
    /// An ordinary request.
    NotWanted,
    /// A sound opening handshake.
    Wanted {
        /// For [`switching`].
        key: &'a str,
    },
    /// An opening handshake that breaks the rules.
    Bad(BadUpgrade),
}

/// How an opening handshake breaks the rules of RFC 6455, 4.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadUpgrade {
    /// Not `GET` over HTTP/1.1.
    NotGet,
    /// `Connection` does not say `upgrade`.
    NoConnectionUpgrade,
    /// A body is announced, and its bytes would be read as frames.
    Body,
    /// No `Sec-WebSocket-Version`, or several.
    VersionNotOne,
    /// Another version than 13; the answer names ours.
    VersionUnknown,
    /// No `Sec-WebSocket-Key`, several, or not the base64 of 16 bytes.
    Key,
}

/// Reads a request head. `Ok(None)` means it is incomplete; come again with more.
///
/// `seen` says how many of the bytes an earlier call has found incomplete (0 at first). They are not read again until
/// the head may have ended, so that a head sent octet by octet costs what its length does and not the square of it.
pub fn read(bytes: &[u8], seen: usize) -> Result<Option<Head<'_>>, BadHead> {
    let news = &bytes[seen.saturating_sub(3).min(bytes.len())..];
    let may_end = news.windows(2).any(|two| two == b"\n\n") || news.windows(3).any(|three| three == b"\n\r\n");
    if seen > 0 && !may_end {
        return if bytes.len() >= HEAD_BYTES_MAX { Err(BadHead::TooLong) } else { Ok(None) };
    }
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let head_bytes = match request.parse(&bytes[..bytes.len().min(HEAD_BYTES_MAX)]) {
        Ok(httparse::Status::Complete(head_bytes)) => head_bytes,
        Ok(httparse::Status::Partial) if bytes.len() >= HEAD_BYTES_MAX => return Err(BadHead::TooLong),
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(BadHead::TooManyHeaders),
        Err(_) => return Err(BadHead::Malformed),
    };
    let (Some(method), Some(target), Some(version_minor)) = (request.method, request.path, request.version) else {
        return Err(BadHead::Malformed);
    };
    if !target.starts_with('/') {
        return Err(BadHead::TargetNotPath);
    }
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let headers =
        request.headers.iter().map(|header| (header.name, String::from_utf8_lossy(header.value))).collect::<Vec<_>>();
    let head = Head { method, target: Target { path, query }, version_minor, headers, bytes: head_bytes };
    head.agreed()?;
    Ok(Some(head))
}

impl Head<'_> {
    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All headers of that name, in any case.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
    }

    /// The members of a header that is a list (`Connection`, `Sec-WebSocket-Protocol`), over all its lines.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.all(name).flat_map(|value| value.split(',')).map(str::trim).filter(|member| !member.is_empty())
    }

    /// The one header of that name; `None` also when there are several.
    fn only(&self, name: &str) -> Option<&str> {
        let mut all = self.all(name);
        all.next().filter(|_| all.next().is_none())
    }

    /// Refuses what another reader of the same bytes (a proxy, hyper) might take for something else.
    fn agreed(&self) -> Result<(), BadHead> {
        let lengths = self.all("content-length").count();
        let encodings = self.all("transfer-encoding").count();
        if lengths > 1 || (lengths == 1 && encodings > 0) {
            return Err(BadHead::LengthNotOne);
        }
        match self.all("host").count() {
            0 if self.version_minor == 0 => Ok(()),
            1 => Ok(()),
            _ => Err(BadHead::HostNotOne),
        }
    }

    fn says(&self, name: &str, member: &str) -> bool {
        self.list(name).any(|other| other.eq_ignore_ascii_case(member))
    }

    fn has_body(&self) -> bool {
        self.header("transfer-encoding").is_some() || self.header("content-length").is_some_and(|length| length != "0")
    }
}

/// Whether a head asks for a WebSocket, and whether it does so rightly.
pub fn upgrade_wanted<'a>(head: &'a Head<'_>) -> Upgrade<'a> {
    if !head.says("upgrade", "websocket") {
        return Upgrade::NotWanted;
    }
    let bad = if head.method != "GET" || head.version_minor != 1 {
        BadUpgrade::NotGet
    } else if !head.says("connection", "upgrade") {
        BadUpgrade::NoConnectionUpgrade
    } else if head.has_body() {
        BadUpgrade::Body
    } else {
        match (head.only("sec-websocket-version"), head.only("sec-websocket-key")) {
            (None, _) => BadUpgrade::VersionNotOne,
            (Some(VERSION), Some(key)) if is_key(key) => return Upgrade::Wanted { key },
            (Some(VERSION), _) => BadUpgrade::Key,
            (Some(_), _) => BadUpgrade::VersionUnknown,
        }
    };
    Upgrade::Bad(bad)
}

/// Whether a key is the base64 of 16 bytes. The four spare bits of the last digit may be anything: the key is never
/// decoded, so nothing hangs on them.
fn is_key(key: &str) -> bool {
    key.len() == 24
        && key.ends_with("==")
        && key.as_bytes()[..22].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// What proves to the client that we have read its key (RFC 6455, 4.2.2).
pub fn accept(key: &str) -> String {
    let mut sha1 = sha1_smol::Sha1::new();
    sha1.update(key.as_bytes());
    sha1.update(KEY_SUFFIX);
    BASE64.encode(sha1.digest().bytes())
}

/// The answer that opens a WebSocket, with the subprotocol that was chosen of those offered, if any.
pub fn switching(key: &str, subprotocol: Option<&str>) -> Vec<u8> {
    let accept = accept(key);
    let mut out = Vec::with_capacity(192);
    out.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
    push_header(&mut out, "Upgrade", "websocket");
    push_header(&mut out, "Connection", "Upgrade");
    push_header(&mut out, "Sec-WebSocket-Accept", &accept);
    if let Some(subprotocol) = subprotocol {
        push_header(&mut out, "Sec-WebSocket-Protocol", subprotocol);
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// An answer that is not an upgrade, and the last one on its connection.
pub fn refusal(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(160 + body.len());
    out.extend_from_slice(format!("HTTP/1.1 {status} {}\r\n", phrase(status)).as_bytes());
    for (name, value) in headers {
        push_header(&mut out, name, value);
    }
    // As what HTTP answers: a body may repeat what was asked for, and no browser is to take it for a page (THREATS T20).
    push_header(&mut out, "X-Content-Type-Options", "nosniff");
    push_header(&mut out, "Content-Length", &body.len().to_string());
    push_header(&mut out, "Connection", "close");
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.as_bytes());
    out
}

/// A value may repeat what a client sent. Control characters become spaces, so that it can't begin a line of its own.
fn push_header(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend(value.bytes().map(|byte| if byte.is_ascii_control() { b' ' } else { byte }));
    out.extend_from_slice(b"\r\n");
}

/// Nobody reads the phrase, but the line wants one.
fn phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Refused",
    }
}

impl BadHead {
    /// The status to answer with.
    pub fn status(self) -> u16 {
        match self {
            Self::TooLong | Self::TooManyHeaders => 431,
            Self::Malformed | Self::HostNotOne | Self::LengthNotOne | Self::TargetNotPath => 400,
        }
    }

    /// The whole answer, in words of no dialect: whose path this is can't be known.
    pub fn answer(self) -> Vec<u8> {
        let words = match self {
            Self::Malformed => "malformed request",
            Self::TooLong => "request head too long",
            Self::TooManyHeaders => "too many headers",
            Self::HostNotOne => "exactly one Host is needed",
            Self::LengthNotOne => "the length of the body is ambiguous",
            Self::TargetNotPath => "the target is not a path",
        };
        refusal(self.status(), &[("Content-Type", "text/plain")], words)
    }
}

impl BadUpgrade {
    /// The status to answer with.
    pub fn status(self) -> u16 {
        match self {
            Self::VersionUnknown => 426,
            Self::NotGet | Self::NoConnectionUpgrade | Self::Body | Self::VersionNotOne | Self::Key => 400,
        }
    }

    /// The whole answer; it names what we speak, which 426 has to (RFC 9110, 15.5.22; RFC 6455, 4.4).
    pub fn answer(self) -> Vec<u8> {
        let words = match self {
            Self::NotGet => "a WebSocket is opened with GET over HTTP/1.1",
            Self::NoConnectionUpgrade => "Connection does not say upgrade",
            Self::Body => "an opening handshake has no body",
            Self::VersionNotOne => "exactly one Sec-WebSocket-Version is needed",
            Self::VersionUnknown => "unknown version of WebSocket",
            Self::Key => "Sec-WebSocket-Key is not 16 bytes in base64",
        };
        let headers = [("Content-Type", "text/plain"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", VERSION)];
        refusal(self.status(), &headers, words)
    }
}
