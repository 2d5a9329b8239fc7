//! JSON Web Tokens: the envelope and its signature. The algorithm belongs to the key; a token's header can only agree
//! with it or be refused. Its `kid` chooses among published keys and nothing else; what brings a key along or says where
//! one is (`jwk`, `jku`, `x5u`, `x5c`) is not looked at, let alone followed.
//!
//! The signatures are jsonwebtoken's; its own checks of claims read the system's clock and round times, so [`super::claims`]
//! does those.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::Millis;
use domain::identity::Identity;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use super::claims::{self, ClaimRules, Object};
use super::fault::Fault;
use super::jwk::PublicKey;
use super::jwks::Published;
use super::secret::Secret;

/// Longest token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Checks tokens with the keys that there are.
#[derive(Default)]
pub(super) struct Verifier {
    /// For HS256.
    secret: Option<DecodingKey>,
    /// One that the operator named.
    public: Option<PublicKey>,
    /// Those that an issuer publishes.
    published: Option<Published>,
}

impl Verifier {
    /// With one HS256 key.
    pub(super) fn new(secret: &Secret) -> Self {
        Self { secret: Some(DecodingKey::from_secret(secret.expose().as_bytes())), ..Self::default() }
    }

    /// With whichever of these there are; none when there is none.
    pub(super) fn of(
        secret: Option<&Secret>,
        public: Option<&PublicKey>,
        published: Option<Published>,
    ) -> Option<Self> {
        let secret = secret.map(|secret| DecodingKey::from_secret(secret.expose().as_bytes()));
        let verifier = Self { secret, public: public.cloned(), published };
        let any = verifier.secret.is_some() || verifier.public.is_some() || verifier.published.is_some();
        any.then_some(verifier)
    }

    /// Whether the signature was made with the key for this algorithm, of this name where keys have names.
    fn is_signed(&self, parts: &Parts<'_>, algorithm: Algorithm, kid: Option<&str>) -> Result<bool, Fault> {
        // Strict about the last character's unused bits, so that one signature has one spelling.
        let verify = |key: &DecodingKey| {
            crypto::verify(parts.signature, parts.signed.as_bytes(), key, algorithm)
                .map_err(|_| Fault::Encoding("signature"))
        };
        if algorithm == Algorithm::HS256 {
            return verify(self.secret.as_ref().ok_or(Fault::Algorithm)?);
        }
        let published = self.published.as_ref().map(|published| published.load_full());
        let found = match &published {
            Some(Some(set)) => set.find(algorithm, kid),
            Some(None) => Err(Fault::KeysAway),
            None => Err(Fault::Algorithm),
        };
        match (found, self.public.as_ref().filter(|key| key.algorithm == algorithm)) {
            (Ok(key), _) | (Err(_), Some(key)) => verify(&key.key),
            (Err(fault), None) => Err(fault),
        }
    }

    /// Who the token says it is, if it was signed with the key and is good now.
    pub(super) fn check(&self, token: &str, rules: &ClaimRules, now: Millis) -> Result<Identity, Fault> {
        let parts = Parts::of(token)?;
        let header = Object::parse(&decode(parts.header, "header")?).ok_or(Fault::Object("header"))?;
        let algorithm = match header.get("alg").and_then(|alg| alg.as_str()) {
            Some("HS256") => Algorithm::HS256,
            Some("RS256") => Algorithm::RS256,
            Some("ES256") => Algorithm::ES256,
            Some("EdDSA") => Algorithm::EdDSA,
            Some(_) | None => return Err(Fault::Algorithm),
        };
        if header.get("crit").is_some() {
            return Err(Fault::Critical);
        }
        // One that is no text names no key of a set; where keys have no names it says nothing.
        let kid = header.get("kid").map(|kid| kid.as_str().unwrap_or_default());
        if !self.is_signed(&parts, algorithm, kid)? {
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
