//! Requests signed by AWS's Signature Version 4, as its SDKs sign calls of `execute-api`: in the `Authorization` header,
//! over method, path, query, chosen headers and body, for one day, region and service.
//!
//! A key of ours is an id and a secret that the operator made up ([`AccessKeys`]). Any region is taken: there is one of us.
//! A signature is good for [`SKEW_MS`] around our clock, and nothing is kept of those seen, as with AWS: within that time
//! the same request may be made again, another one may not. Two steps, so that who shows nothing good is turned away before
//! a body is read: [`AccessKeys::read`] judges the head, [`Shown::check`] the signature.

use std::collections::HashMap;
use std::fmt::Write;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use domain::id::Millis;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::keys::sha256;
use super::secret::Secret;

/// How far a request's time may be from ours, in milliseconds; AWS's own bound.
pub const SKEW_MS: u64 = 5 * 60 * 1000;
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "execute-api";
const TERMINATOR: &str = "aws4_request";
/// Access keys that may be configured.
const KEYS_MAX: usize = 64;
/// Longest id of an access key, in bytes.
const ID_BYTES_MAX: usize = 128;
/// Longest `Authorization` that is read, in bytes.
const AUTHORIZATION_BYTES_MAX: usize = 4096;

/// What the operator's back ends sign with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessKeys {
    by_id: HashMap<String, Secret>,
}

/// Why a signed request was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadSignature {
    /// It is not signed this way.
    Missing,
    /// It is not signed for us, or not over what has to be signed.
    Malformed,
    /// It was not made around now.
    Stale,
    /// The key is none of ours.
    UnknownKey,
    /// It was signed with another secret, or is not what was signed.
    Mismatch,
}

/// A request's head.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, as sent.
    pub path: &'a str,
    /// The query without its question mark, as sent.
    pub query: &'a str,
    /// The headers, names in lower case, in the order sent.
    pub headers: &'a [(String, String)],
}

/// A head that a key of ours may have signed.
pub struct Shown<'a> {
    secret: &'a Secret,
    date: String,
    region: &'a str,
    time: &'a str,
    signed: Vec<&'a str>,
    signature: [u8; 32],
    head: Head<'a>,
}

impl AccessKeys {
    /// Reads keys, each as `<id>:<secret>`.
    ///
    /// # Errors
    /// What is wrong with them, without repeating any.
    pub fn parse(keys: &[String]) -> Result<Self, &'static str> {
        let mut by_id = HashMap::new();
        for key in keys {
            let (id, secret) = key.split_once(':').ok_or("must be a list of <access key id>:<secret>")?;
            let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
            if id.is_empty() || id.len() > ID_BYTES_MAX || !plain {
                return Err("has an access key id that is not 1 to 128 letters, digits and `_-.`");
            }
            if secret.is_empty() {
                return Err("has an access key without a secret");
            }
            if by_id.insert(id.to_owned(), Secret::new(secret)).is_some() {
                return Err("has an access key id twice");
            }
        }
        if by_id.len() > KEYS_MAX {
            return Err("has more than 64 access keys");
        }
        Ok(Self { by_id })
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The length of the shortest secret, in bytes.
    #[must_use]
    pub fn shortest(&self) -> Option<usize> {
        self.by_id.values().map(|secret| secret.expose().len()).min()
    }

    /// Reads who signed a request. That is not proved before [`Shown::check`] has seen its body.
    ///
    /// # Errors
    /// It can't be one that a key of ours signed now.
    pub fn read<'a>(&'a self, head: Head<'a>, now: Millis) -> Result<Shown<'a>, BadSignature> {
        let authorization = one(head.headers, "authorization").ok_or(BadSignature::Missing)?;
        let fields = authorization.strip_prefix(ALGORITHM).and_then(|rest| rest.strip_prefix(' '));
        let fields = fields.ok_or(BadSignature::Missing)?;
        if authorization.len() > AUTHORIZATION_BYTES_MAX {
            return Err(BadSignature::Malformed);
        }
        let [credential, signed, signature] = fields_of(fields).ok_or(BadSignature::Malformed)?;
        let scope: Vec<&str> = credential.split('/').collect();
        let [id, day, region, SERVICE, TERMINATOR] = scope[..] else { return Err(BadSignature::Malformed) };
        let signature = unhex(signature).ok_or(BadSignature::Malformed)?;
        let signed: Vec<&str> = signed.split(';').collect();
        let has = |name: &str| signed.contains(&name);
        // In order and each once, so that there is one way to sign what is signed.
        let ordered = signed.windows(2).all(|pair| pair[0] < pair[1]);
        if region.is_empty() || !ordered || !has("host") || !has("x-amz-date") {
            return Err(BadSignature::Malformed);
        }
        let time = one(head.headers, "x-amz-date").ok_or(BadSignature::Malformed)?;
        let at = moment(time).ok_or(BadSignature::Malformed)?;
        if time.get(..8) != Some(day) {
            return Err(BadSignature::Malformed);
        }
        if at.0.abs_diff(now.0) > SKEW_MS {
            return Err(BadSignature::Stale);
        }
        let secret = self.by_id.get(id).ok_or(BadSignature::UnknownKey)?;
        Ok(Shown { secret, date: day.to_owned(), region, time, signed, signature, head })
    }
}

impl Shown<'_> {
    /// Whether exactly this request, with this body, was signed.
    ///
    /// # Errors
    /// It was not, or not with this key's secret.
    pub fn check(&self, body: &[u8]) -> Result<(), BadSignature> {
        let hash = hex(&sha256(body));
        // What a client says of the body's hash may be signed in the body's place; it has to be true then.
        if one(self.head.headers, "x-amz-content-sha256").is_some_and(|said| said != hash) {
            return Err(BadSignature::Mismatch);
        }
        let key = hmac::Key::new(HMAC_SHA256, self.signing_key().as_ref());
        // The path is signed as it is sent, each of its segments encoded once more. A proxy may have encoded the same path
        // in another way since, so what an SDK would have sent for it is tried as well.
        let sent = self.head.path.to_owned();
        for path in [as_sdks_send(&sent), sent] {
            let canonical = self.canonical(&path, &hash).ok_or(BadSignature::Malformed)?;
            let scope = format!("{}/{}/{SERVICE}/{TERMINATOR}", self.date, self.region);
            let text = format!("{ALGORITHM}\n{}\n{scope}\n{}", self.time, hex(&sha256(canonical.as_bytes())));
            // Compares in constant time.
            if hmac::verify(&key, text.as_bytes(), &self.signature).is_ok() {
                return Ok(());
            }
        }
        Err(BadSignature::Mismatch)
    }

    fn signing_key(&self) -> hmac::Tag {
        let sign = |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(HMAC_SHA256, key), text.as_bytes());
        let first = format!("AWS4{}", self.secret.expose());
        let by_day = sign(first.as_bytes(), &self.date);
        let by_region = sign(by_day.as_ref(), self.region);
        let by_service = sign(by_region.as_ref(), SERVICE);
        sign(by_service.as_ref(), TERMINATOR)
    }

    /// The canonical request; none when a header that is said to be signed isn't there.
    fn canonical(&self, path: &str, hash: &str) -> Option<String> {
        let mut text = format!("{}\n{}\n{}\n", self.head.method, encoded(path, true), query(self.head.query));
        for name in &self.signed {
            let values = self.head.headers.iter().filter(|(given, _)| given == name).map(|(_, value)| squeezed(value));
            let values: Vec<String> = values.collect();
            if values.is_empty() {
                return None;
            }
            writeln!(text, "{name}:{}", values.join(",")).expect("a String takes what is written to it");
        }
        write!(text, "\n{}\n{hash}", self.signed.join(";")).expect("a String takes what is written to it");
        Some(text)
    }
}

/// The value of a header that is there once.
fn one<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = headers.iter().filter(|(given, _)| given == name).map(|(_, value)| value.trim());
    values.next().filter(|_| values.next().is_none())
}

/// `Credential`, `SignedHeaders` and `Signature`, each once, in any order.
fn fields_of(text: &str) -> Option<[&str; 3]> {
    let mut found = [None; 3];
    for field in text.split(',') {
        let (name, value) = field.trim().split_once('=')?;
        let place = ["Credential", "SignedHeaders", "Signature"].iter().position(|known| *known == name)?;
        if found[place].replace(value).is_some() {
            return None;
        }
    }
    let [credential, signed, signature] = found;
    Some([credential?, signed?, signature?])
}

/// `20261128T113055Z`.
fn moment(text: &str) -> Option<Millis> {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| {
        let part = bytes.get(from..to)?;
        part.iter().all(u8::is_ascii_digit).then(|| text.get(from..to)?.parse::<i16>().ok())?
    };
    let small = |from: usize| i8::try_from(digits(from, from + 2)?).ok();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let at = DateTime::new(digits(0, 4)?, small(4)?, small(6)?, small(9)?, small(11)?, small(13)?, 0).ok()?;
    let at = TimeZone::UTC.to_timestamp(at).ok()?;
    u64::try_from(at.as_millisecond()).ok().map(Millis)
}

/// The same path as AWS's SDKs send it: what need not be encoded isn't, `@` neither.
fn as_sdks_send(path: &str) -> String {
    let decoded = |segment: &str| percent_encoding::percent_decode_str(segment).collect::<Vec<u8>>();
    let segments = path.split('/').map(|segment| encode(&decoded(segment), b"@"));
    segments.collect::<Vec<_>>().join("/")
}

/// Encoded as signatures want it: all but unreserved characters, and slashes where they part a path.
fn encoded(text: &str, is_path: bool) -> String {
    encode(text.as_bytes(), if is_path { b"/" } else { b"" })
}

fn encode(bytes: &[u8], but: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || but.contains(byte) {
            text.push(char::from(*byte));
        } else {
            write!(text, "%{byte:02X}").expect("a String takes what is written to it");
        }
        text
    })
}

/// The query, its parameters encoded anew and in order.
fn query(text: &str) -> String {
    let anew = |part: &str| encode(&percent_encoding::percent_decode_str(part).collect::<Vec<u8>>(), b"");
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (anew(name), anew(value))
        })
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// A header's value without blanks around it, and with one where there were several.
fn squeezed(value: &str) -> String {
    value.split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes what is written to it");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (mut bytes, text) = ([0; 32], text.as_bytes());
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}
