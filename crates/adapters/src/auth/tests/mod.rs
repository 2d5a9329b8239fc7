//! The no's and the yes's of every credential, as tables. One clock for all: [`NOW`].

mod forged;
mod good;
mod keys;
mod public;
mod service;
mod signed;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Text;
use domain::id::Millis;
use domain::identity::{Credential, Identity};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};

use super::{Auth, ClaimRules, Fault, KeyRing, Secret, Settings, Trust, Verdict};

/// 2026-11-21 in seconds, so that tables can write times as text.
const NOW_S: u64 = 1_795_000_000;
const NOW: Millis = Millis(NOW_S * 1000);
const SECRET: &str = "a key of thirty-two bytes or more";
const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;
const CLAIMS: &str = r#"{"sub":"alice","exp":1795000900}"#;

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token of exactly these texts, signed with HMAC by whichever key.
fn token(header: &str, claims: &str, key: &[u8], algorithm: Algorithm) -> String {
    let signed = format!("{}.{}", b64(header), b64(claims));
    let signature = crypto::sign(signed.as_bytes(), &EncodingKey::from_secret(key), algorithm).unwrap();
    format!("{signed}.{signature}")
}

/// A token whose signature is good, whatever it says.
fn signed(header: &str, claims: &str) -> String {
    token(header, claims, SECRET.as_bytes(), Algorithm::HS256)
}

fn auth(development: bool, secret: Option<&str>, rules: ClaimRules) -> Auth {
    let settings = Settings { development, secret: secret.map(Secret::new), rules, ..Settings::default() };
    Auth::new(&settings, Arc::new(KeyRing::default()))
}

fn strict() -> Auth {
    auth(false, Some(SECRET), ClaimRules::default())
}

fn bearer(auth: &Auth, token: &str) -> Result<Identity, Fault> {
    auth.examine(&Credential::Bearer(Text::from(token)), Trust::Proof, NOW)
}
