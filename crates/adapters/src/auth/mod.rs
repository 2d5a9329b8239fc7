//! Who a credential is: the body of the Auth port. Without a clock: time is an argument, and the keys are in memory.
//!
//! `jwt` knows a token's envelope and signature, `claims` what it says and whether it is good now, `keys` the keys for
//! `x-api-key`, `signed` requests that AWS's SDKs sign, `issue` makes
//! tokens. `jwk` has public keys, and `jwks` fetches those that an issuer publishes. The Auth Service is a `desk` where questions are left, a `book` of what it has said,
//! and a `remote` that it is asked through, at the `service`'s address. That address alone is ever connected to, and
//! nothing in a credential can make it another.
//!
//! | mode | token | `x-api-key` | bare claim, bare number | `X-Internal-Key` |
//! |---|---|---|---|---|
//! | development, no key | read, not checked; else the user id | a known key; else the user id | taken | the key; any when there is none |
//! | development, a key | checked | a known key | taken | the same |
//! | otherwise | checked | a known key | at the doors of `TRUST_USER_ID` only | the key |
//! | otherwise, `AUTH_SERVICE_URL` | checked when there is a key; then the service decides | a known key | likewise | the key |

mod book;
mod claims;
mod desk;
mod fault;
mod issue;
mod jwk;
mod jwks;
mod jwt;
mod keys;
mod remote;
mod secret;
mod service;
mod signed;
#[cfg(test)]
mod signer;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use domain::Text;
use domain::id::{Millis, UserId};
use domain::identity::{Credential, Denied, Identity, Scopes, Standing};

use self::desk::{Asking, Desk, Question, Who};
use self::jwks::{Fetching, Published};
use self::remote::Remote;
use crate::outbound::HttpUrl;

pub use claims::ClaimRules;
pub use fault::Fault;
pub use issue::{Grant, NotIssued, issue};
pub use jwk::PublicKey;
pub use jwt::TOKEN_BYTES_MAX;
pub use keys::{KEY_PREFIX, KEY_RANDOM_BYTES, KeyRing, NewKey, NoRandomness, new_key, random};
pub use secret::Secret;
pub use service::ServiceUrl;

/// As whom an auth service acts that shows `INTERNAL_SERVICE_KEY`.
const INTERNAL_USER: &str = "service:auth";
pub use signed::{AccessKeys, BadSignature, Head as SignedHead, SKEW_MS, Shown as SignedShown};

/// How an operator wants credentials judged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Development mode (RULES 6).
    pub development: bool,
    /// The HS256 key (`JWT_SECRET`).
    pub secret: Option<Secret>,
    /// An RS256, ES256 or EdDSA key (`JWT_PUBLIC_KEY`).
    pub public_key: Option<PublicKey>,
    /// Where an issuer publishes such keys (`JWT_JWKS_URL`).
    pub published_keys: Option<HttpUrl>,
    /// What is asked of claims.
    pub rules: ClaimRules,
    /// Who decides about tokens outside development mode (`AUTH_SERVICE_URL`).
    pub service: Option<ServiceUrl>,
    /// The key of an auth service that syncs its users (`INTERNAL_SERVICE_KEY`).
    pub internal_key: Option<Secret>,
}

impl Settings {
    /// Whether there is a key to check tokens with.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.secret.is_some() || self.public_key.is_some() || self.published_keys.is_some()
    }
}

/// What a door goes by outside development mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Proof: a token or a key.
    Proof,
    /// A bare claim too: the operator has named this door in `TRUST_USER_ID`, and a proxy in front of it knows better.
    Claim,
}

/// What is known of a credential at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Who it is, or what a client may know of why it isn't taken.
    Known(Result<Identity, Denied>),
    /// The Auth Service has to be asked, which takes up to [`domain::limits::AUTH_WAIT_MS`]: [`Auth::ask`].
    Wait,
}

/// Whoever is told who a credential is. Called once.
pub type Then = Box<dyn FnOnce(Result<Identity, Denied>) + Send>;

/// Says who a credential is.
pub struct Auth {
    development: bool,
    rules: ClaimRules,
    verifier: Option<jwt::Verifier>,
    keys: Arc<KeyRing>,
    /// The hash of the internal key: compared are hashes, so that not even a length shows in the time it takes.
    internal_key: Option<[u8; 32]>,
    /// Where the Auth Service is asked. None in development mode.
    desk: Option<Arc<Desk>>,
}

/// What has to be done beside [`Auth`], on a tokio runtime, for as long as that lives.
#[derive(Default)]
pub struct Chores {
    asking: Option<Asking>,
    fetching: Option<Fetching>,
}

impl Chores {
    /// Fetches published keys once, if there are any to fetch: for who judges one token and ends.
    pub async fn fetch(&mut self) {
        if let Some(fetching) = &mut self.fetching {
            fetching.fetch().await;
        }
    }

    /// Does it.
    pub async fn run(self) {
        let asking = async {
            if let Some(asking) = self.asking {
                asking.run().await;
            }
        };
        let fetching = async {
            if let Some(fetching) = self.fetching {
                fetching.run().await;
            }
        };
        tokio::join!(asking, fetching);
    }
}

/// What can be said of a credential without asking anybody.
enum Look {
    Is(Identity),
    /// A token about which the Auth Service decides.
    Ask(Shown),
}

/// A token, as far as it can be judged here.
struct Shown {
    question: Question,
    /// Who it says it is, where its signature could be checked.
    local: Option<Identity>,
}

impl Auth {
    /// Judges by these settings, and by the keys that are in the ring at the time. Where an Auth Service decides, nobody
    /// asks it: see [`Auth::open`].
    #[must_use]
    pub fn new(settings: &Settings, keys: Arc<KeyRing>) -> Self {
        let desk = settings.service.is_some() && !settings.development;
        let published = settings.published_keys.as_ref().map(|_| Published::default());
        Self::at(settings, keys, desk.then(|| Desk::new().0), published)
    }

    /// The same, with what asks the Auth Service and fetches published keys, if there is either.
    ///
    /// # Errors
    /// One of them is to be reached by TLS, and the system has no certificates to know it by.
    pub fn open(settings: &Settings, keys: Arc<KeyRing>) -> std::io::Result<(Self, Chores)> {
        let mut chores = Chores::default();
        let published = settings.published_keys.as_ref().map(|url| (url, Published::default()));
        if let Some((url, published)) = &published {
            chores.fetching = Some(Fetching::new(url, published.clone())?);
        }
        let mut attended = None;
        if let Some(url) = settings.service.as_ref().filter(|_| !settings.development) {
            let remote = Remote::new(url)?;
            let (desk, calls) = Desk::new();
            chores.asking = Some(Asking::new(desk.clone(), remote, calls));
            attended = Some(desk);
        }
        Ok((Self::at(settings, keys, attended, published.map(|(_, published)| published)), chores))
    }

    fn at(settings: &Settings, keys: Arc<KeyRing>, desk: Option<Arc<Desk>>, published: Option<Published>) -> Self {
        Self {
            development: settings.development,
            rules: settings.rules.clone(),
            verifier: jwt::Verifier::of(settings.secret.as_ref(), settings.public_key.as_ref(), published),
            keys,
            internal_key: settings.internal_key.as_ref().map(|key| keys::sha256(key.expose().as_bytes())),
            desk,
        }
    }

    /// Who this is, as far as it is known at once. Never blocks.
    #[must_use]
    pub fn identify(&self, credential: &Credential, trust: Trust, now: Millis) -> Verdict {
        match self.look(credential, trust, now) {
            Ok(Look::Is(identity)) => Verdict::Known(Ok(identity)),
            Ok(Look::Ask(shown)) => match self.desk.as_ref().and_then(|desk| desk.known(&shown.question.hash, now)) {
                Some(said) => Verdict::Known(said.and_then(|who| shown.agreed(who))),
                None => Verdict::Wait,
            },
            Err(fault) => Verdict::Known(Err(fault.denied())),
        }
    }

    /// Who this is, whoever has to be asked for it. Never blocks: `then` is called once, at once or later and on another
    /// thread. When nobody answers, or too much is asked already, that is [`Denied::Unavailable`].
    pub fn ask(&self, credential: &Credential, trust: Trust, now: Millis, then: Then) {
        let Shown { question, local } = match self.look(credential, trust, now) {
            Ok(Look::Is(identity)) => return then(Ok(identity)),
            Ok(Look::Ask(shown)) => shown,
            Err(fault) => return then(Err(fault.denied())),
        };
        let Some(desk) = &self.desk else { return then(Err(Denied::Unavailable)) };
        let ends = question.ends;
        desk.ask(question, now, Box::new(move |said| then(said.and_then(|who| agreed(local, ends, who)))));
    }

    /// Who this is, or what exactly is wrong with it. For operators; clients get [`Auth::identify`]'s answer. The Auth
    /// Service isn't asked: what it would say of a token that is good here is left open.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn examine(&self, credential: &Credential, trust: Trust, now: Millis) -> Result<Identity, Fault> {
        match self.look(credential, trust, now)? {
            Look::Is(identity) => Ok(identity),
            Look::Ask(shown) => shown.local.ok_or(Fault::NotAsked),
        }
    }

    fn look(&self, credential: &Credential, trust: Trust, now: Millis) -> Result<Look, Fault> {
        let is_empty = match credential {
            Credential::Bearer(text)
            | Credential::Key(text)
            | Credential::Claimed(text)
            | Credential::Internal(text) => text.is_empty(),
            Credential::Number(_) => false,
        };
        if is_empty {
            return Err(Fault::Missing);
        }
        let identity = match credential {
            Credential::Bearer(token) if self.desk.is_some() => return self.shown(token, now).map(Look::Ask),
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
            Credential::Claimed(_) | Credential::Number(_) if !self.development && trust != Trust::Claim => {
                Err(Fault::Unproved)
            }
            Credential::Claimed(id) => bare(id),
            Credential::Number(number) => Ok(Identity { number: Some(*number), ..bare(&number.to_string())? }),
            Credential::Internal(key) => self.internal(key),
        };
        identity.map(Look::Is)
    }

    /// A token for the Auth Service: what can be seen to be bad here never reaches it. Without a key its claims prove
    /// nothing, but who says of a token that it has ended, or is for others, is believed.
    fn shown(&self, token: &Text, now: Millis) -> Result<Shown, Fault> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Fault::TooLong);
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Fault::Letters);
        }
        let local = self.verifier.as_ref().map(|verifier| verifier.check(token, &self.rules, now)).transpose()?;
        let ends = match &local {
            Some(identity) => identity.ends,
            None => match jwt::unverified(token) {
                Some(claims) => claims::good_until(&claims, &self.rules, now)?,
                // No JWT that we can read: the service alone knows how long it is good.
                None => None,
            },
        };
        let hash = keys::sha256(token.as_bytes());
        Ok(Shown { question: Question { token: token.clone(), hash, ends }, local })
    }

    /// Whether this is the auth service that syncs its users (RULES 5).
    fn internal(&self, key: &Text) -> Result<Identity, Fault> {
        match &self.internal_key {
            Some(known) => {
                let shown = keys::sha256(key.as_bytes());
                verify_slices_are_equal(&shown, known).map_err(|_| Fault::UnknownKey)?;
            }
            None if self.development => {}
            None => return Err(Fault::NoInternalKey),
        }
        Ok(Identity {
            id: UserId::new(INTERNAL_USER)?,
            number: None,
            proved: true,
            name: None,
            email: None,
            ends: None,
            standing: Standing::Service(Scopes::USERS),
        })
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

impl Shown {
    fn agreed(self, who: Who) -> Result<Identity, Denied> {
        agreed(self.local, self.question.ends, who)
    }
}

/// Who a token is by what it says and what the service says of it, which have to be the same user.
fn agreed(local: Option<Identity>, ends: Option<Millis>, who: Who) -> Result<Identity, Denied> {
    let Who { id, name, email } = who;
    if local.as_ref().is_some_and(|local| local.id != id) {
        return Err(Denied::Invalid);
    }
    let (local_name, local_email) = local.map_or((None, None), |local| (local.name, local.email));
    let (name, email) = (name.or(local_name), email.or(local_email));
    Ok(Identity { id, number: None, proved: true, name, email, ends, standing: Standing::User })
}

fn bare(id: &str) -> Result<Identity, Fault> {
    let id = claims::user_id(id)?;
    Ok(Identity { id, number: None, proved: false, name: None, email: None, ends: None, standing: Standing::User })
}
