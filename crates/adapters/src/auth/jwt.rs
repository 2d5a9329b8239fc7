//! JSON Web Tokens: the envelope and its signature. The algorithm belongs to the key; a token's header can only agree
//! with it or be refused, and nothing else in it (`kid`, `jwk`, `jku`, `x5u`, `x5c`) is looked at, let alone followed.
//!
//! The HMAC is jsonwebtoken's; its own checks of claims read the system's clock and round times, so [`super::claims`]
//! does those.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::Millis;
use domain::identity::Identity;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use super::claims::{self, ClaimRules, Object};
use super::fault::Fault;
use super::secret::Secret;

/// Longest token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Checks tokens with one HS256 key.
pub(super) struct Verifier {
    key: DecodingKey,
}

impl Verifier {
    pub(super) fn new(secret: &Secret) -> Self {
        Self { key: DecodingKey::from_secret(secret.expose().as_bytes()) }
    }

    /// Who the token says it is, if it was signed with the key and is good now.
    pub(super) fn check(&self, token: &str, rules: &ClaimRules, now: Millis) -> Result<Identity, Fault> {
        let parts = Parts::of(token)?;
        let header = Object::parse(&decode(parts.header, "header")?).ok_or(Fault::Object("header"))?;
        if header.get("alg").and_then(|alg| alg.as_str()) != Some("HS256") {
            return Err(Fault::Algorithm);
        }
        if header.get("crit").is_some() {
            return Err(Fault::Critical);
        }
        // Strict about the last character's unused bits, so that one signature has one spelling.
        let signed = crypto::verify(parts.signature, parts.signed.as_bytes(), &self.key, Algorithm::HS256)
            .map_err(|_| Fault::Encoding("signature"))?;
        if !signed {
            return Err(Fault::Signature);
        }
        let claims = Object::parse(&decode(parts.claims, "claims")?).ok_or(Fault::Object("claims"))?;
        claims::check(&claims, rules, now)
    }
}

/// The claims of something that looks like a token, unverified. None when it doesn't look like one. For development
/// mode only (RULES 6).
pub(super) fn unverified(token: &str) -> Option<Object> {
    let parts = Parts::of(token).ok()?;
    Object::parse(&decode(parts.header, "header").ok()?)?;
    Object::parse(&decode(parts.claims, "claims").ok()?)
}

struct Parts<'a> {
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
    signed: &'a str,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Result<Self, Fault> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Fault::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Fault::Shape)?;
        let (header, claims) = signed.split_once('.').ok_or(Fault::Shape)?;
        if claims.contains('.') {
            return Err(Fault::Shape);
        }
        Ok(Self { header, claims, signature, signed })
    }
}

fn decode(part: &str, name: &'static str) -> Result<Vec<u8>, Fault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::Encoding(name))
}
