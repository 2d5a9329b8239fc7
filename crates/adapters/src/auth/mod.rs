//! Who a credential is: the body of the Auth port. Synchronous and without a clock: time is an argument, and the keys
//! are in memory.
//!
//! `jwt` knows a token's envelope and signature, `claims` what it says and whether it is good now, `keys` the keys for
//! `x-api-key`, `signed` requests that AWS's SDKs sign, `issue` makes tokens. It never opens a connection, and nothing in a credential can make it do so.
//!
//! | mode | token | `x-api-key` | bare claim |
//! |---|---|---|---|
//! | development, no `JWT_SECRET` | read, not checked; else the user id | a known key; else the user id | taken |
//! | development, `JWT_SECRET` | checked | a known key | taken |
//! | otherwise | checked | a known key | at the doors of `TRUST_USER_ID` only |

mod claims;
mod fault;
mod issue;
mod jwt;
mod keys;
mod secret;
mod signed;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use domain::id::Millis;
use domain::identity::{Credential, Denied, Identity, Standing};

pub use claims::ClaimRules;
pub use fault::Fault;
pub use issue::{Grant, NotIssued, issue};
pub use jwt::TOKEN_BYTES_MAX;
pub use keys::{KEY_PREFIX, KEY_RANDOM_BYTES, KeyRing, NewKey, NoRandomness, new_key, random};
pub use secret::Secret;
pub use signed::{AccessKeys, BadSignature, Head as SignedHead, SKEW_MS, Shown as SignedShown};

/// How an operator wants credentials judged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Development mode (RULES 6).
    pub development: bool,
    /// The HS256 key (`JWT_SECRET`).
    pub secret: Option<Secret>,
    /// What is asked of claims.
    pub rules: ClaimRules,
}

/// What a door goes by outside development mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Proof: a token or a key.
    Proof,
    /// A bare claim too: the operator has named this door in `TRUST_USER_ID`, and a proxy in front of it knows better.
    Claim,
}

/// Says who a credential is.
pub struct Auth {
    development: bool,
    rules: ClaimRules,
    verifier: Option<jwt::Verifier>,
    keys: Arc<KeyRing>,
}

impl Auth {
    /// Judges by these settings, and by the keys that are in the ring at the time.
    #[must_use]
    pub fn new(settings: &Settings, keys: Arc<KeyRing>) -> Self {
        Self {
            development: settings.development,
            rules: settings.rules.clone(),
            verifier: settings.secret.as_ref().map(jwt::Verifier::new),
            keys,
        }
    }

    /// Who this is.
    ///
    /// # Errors
    /// What a client may know of the reason; [`Auth::examine`] knows more.
    pub fn identify(&self, credential: &Credential, trust: Trust, now: Millis) -> Result<Identity, Denied> {
        self.examine(credential, trust, now).map_err(Fault::denied)
    }

    /// Who this is, or what exactly is wrong with it. For operators; clients get [`Auth::identify`]'s answer.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn examine(&self, credential: &Credential, trust: Trust, now: Millis) -> Result<Identity, Fault> {
        match credential {
            Credential::Bearer(text) | Credential::Key(text) | Credential::Claimed(text) if text.is_empty() => {
                Err(Fault::Missing)
            }
            Credential::Bearer(token) => match &self.verifier {
                Some(verifier) => verifier.check(token, &self.rules, now),
                None if self.development => self.believe(token),
                None => Err(Fault::NoSecret),
            },
            Credential::Key(text) => match self.keys.find(text) {
                // A key that was revoked, or mistyped, doesn't become a user of that name.
                Err(_) if self.reads_unchecked() && !text.starts_with(KEY_PREFIX) => self.believe(text),
                found => found,
            },
            Credential::Claimed(id) => {
                if self.development || trust == Trust::Claim {
                    bare(id)
                } else {
                    Err(Fault::Unproved)
                }
            }
        }
    }

    fn reads_unchecked(&self) -> bool {
        self.development && self.verifier.is_none()
    }

    /// RULES 6: a token's claims unverified; any other text is the user id. It doesn't end: its times aren't read.
    fn believe(&self, text: &str) -> Result<Identity, Fault> {
        match jwt::unverified(text) {
            Some(claims) => claims::read(&claims, &self.rules),
            None => bare(text),
        }
    }
}

fn bare(id: &str) -> Result<Identity, Fault> {
    Ok(Identity { id: claims::user_id(id)?, name: None, email: None, ends: None, standing: Standing::User })
}
