//! Public keys that tokens are checked with: one that the operator names, or a set that an issuer publishes (RFC 7517).
//! A key has one algorithm, which its kind says and nothing in a token can change (THREATS T2): RSA RS256, P-256 ES256,
//! Ed25519 EdDSA. What else stands in a set, symmetric keys above all, is passed over.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::claims::Object;
use super::fault::Fault;

/// Keys of a set that are looked at; a rotation has two or three.
const KEYS_MAX: usize = 64;
/// Bytes of an RSA modulus: 2048 bits at least (RFC 7518, 3.3), and as many as the library checks.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// A public key and what it is for.
#[derive(Clone)]
pub struct PublicKey {
    /// Its name within its set.
    kid: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
    /// As the operator wrote it, by which two are told apart; empty for one of a set.
    pem: String,
}

impl PublicKey {
    /// Reads a key in PEM (`-----BEGIN PUBLIC KEY-----`).
    ///
    /// # Errors
    /// What it should have been.
    pub fn from_pem(pem: &str) -> Result<Self, &'static str> {
        let bytes = pem.as_bytes();
        let rsa = DecodingKey::from_rsa_pem(bytes).map(|key| (Algorithm::RS256, key));
        let other = rsa.or_else(|_| DecodingKey::from_ec_pem(bytes).map(|key| (Algorithm::ES256, key)));
        let found = other.or_else(|_| DecodingKey::from_ed_pem(bytes).map(|key| (Algorithm::EdDSA, key)));
        let (algorithm, key) = found.map_err(|_| "must be an RSA, P-256 or Ed25519 public key in PEM")?;
        Ok(Self { kid: None, algorithm, key, pem: pem.trim().to_owned() })
    }

    /// A key of a set; none when it is for something else.
    fn of_set(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let (algorithm, name, key) = match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let modulus = URL_SAFE_NO_PAD.decode(text("n")?).ok()?;
                let bytes = modulus.iter().skip_while(|byte| **byte == 0).count();
                let key = DecodingKey::from_rsa_components(text("n")?, text("e")?).ok()?;
                MODULUS_BYTES.contains(&bytes).then_some((Algorithm::RS256, "RS256", key))?
            }
            ("EC", Some("P-256")) => {
                (Algorithm::ES256, "ES256", DecodingKey::from_ec_components(text("x")?, text("y")?).ok()?)
            }
            ("OKP", Some("Ed25519")) => (Algorithm::EdDSA, "EdDSA", DecodingKey::from_ed_components(text("x")?).ok()?),
            _ => return None,
        };
        let signs = jwk.get("use").is_none_or(|to| to == "sig");
        let verifies =
            jwk.get("key_ops").is_none_or(|all| all.as_array().is_some_and(|all| all.contains(&"verify".into())));
        let agrees = jwk.get("alg").is_none_or(|alg| alg == name);
        // Whoever publishes a private key has no secret any more.
        let public = jwk.get("d").is_none();
        let kid = match jwk.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str()?.to_owned()),
        };
        (signs && verifies && agrees && public).then(|| Self { kid, algorithm, key, pem: String::new() })
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        (self.algorithm, &self.kid, &self.pem) == (other.algorithm, &other.kid, &other.pem)
    }
}

impl Eq for PublicKey {}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicKey").field("kid", &self.kid).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// The keys of an issuer.
#[derive(Debug, Default)]
pub(super) struct KeySet(Vec<PublicKey>);

impl KeySet {
    /// Reads a set; none when it is none. Two keys of one name and algorithm can't be told apart, and are no keys.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        let set = Object::parse(json)?;
        let all: Vec<PublicKey> =
            set.get("keys")?.as_array()?.iter().take(KEYS_MAX).filter_map(PublicKey::of_set).collect();
        let alone = |key: &&PublicKey| {
            let same = |other: &&PublicKey| other.kid == key.kid && other.algorithm == key.algorithm;
            key.kid.is_none() || all.iter().filter(same).count() == 1
        };
        Some(Self(all.iter().filter(alone).cloned().collect()))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The key of this name, or the only one for the algorithm where a token names none.
    pub(super) fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<&PublicKey, Fault> {
        let named = |key: &&PublicKey| kid.is_none_or(|kid| key.kid.as_deref() == Some(kid));
        let mut found = self.0.iter().filter(named).peekable();
        if found.peek().is_none() {
            return Err(if kid.is_some() { Fault::Kid } else { Fault::Algorithm });
        }
        let mut found = found.filter(|key| key.algorithm == algorithm);
        match (found.next(), found.next()) {
            (Some(key), None) => Ok(key),
            (None, _) => Err(Fault::Algorithm),
            (Some(_), Some(_)) => Err(Fault::NoKid),
        }
    }
}
