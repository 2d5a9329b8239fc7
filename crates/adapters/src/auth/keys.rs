//! Keys for `x-api-key` (RULES 3): a user's key is that user and nothing more, a back end's key has scopes and opens no
//! socket. A key is shown once, when it is made; kept is its SHA-256, and looked up is the SHA-256 of what a client
//! shows, so that neither a stolen store nor a timed lookup gives a key away.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use domain::Text;
use domain::id::{Millis, UserId};
use domain::identity::{Identity, Standing};

use super::claims::{SERVICE_PREFIX, user_id};
use super::fault::Fault;
use crate::port::{Holder, Key};

/// What each key begins with, so that scanners of leaked secrets know one when they see it.
pub const KEY_PREFIX: &str = "sbk_";
/// Random bytes that a new key is made from: 6 for its public id, 32 for its secret.
pub const KEY_RANDOM_BYTES: usize = 38;
const ID_BYTES: usize = 6;
/// Longest text that is looked up, in bytes; ours have 81.
const KEY_BYTES_MAX: usize = 256;

/// The keys that are good, in memory. Replaced as a whole, so a revocation holds from the next look on.
#[derive(Default)]
pub struct KeyRing {
    by_hash: ArcSwap<HashMap<[u8; 32], Identity>>,
}

impl KeyRing {
    /// A ring of these keys.
    #[must_use]
    pub fn new(keys: &[Key]) -> Self {
        let ring = Self::default();
        ring.replace(keys);
        ring
    }

    /// From now on these keys are good, and no others.
    pub fn replace(&self, keys: &[Key]) {
        let by_hash = keys.iter().filter_map(|key| Some((key.hash, holder(&key.holder)?))).collect();
        self.by_hash.store(Arc::new(by_hash));
    }

    /// How many keys are good.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_hash.load().len()
    }

    /// Whether no key is good.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whose key this is.
    pub(super) fn find(&self, text: &str) -> Result<Identity, Fault> {
        if text.len() > KEY_BYTES_MAX {
            return Err(Fault::UnknownKey);
        }
        self.by_hash.load().get(&sha256(text.as_bytes())).cloned().ok_or(Fault::UnknownKey)
    }
}

/// A key that was just made.
pub struct NewKey {
    /// The key itself, to be shown once and kept nowhere.
    pub shown: String,
    /// What is kept of it.
    pub key: Key,
}

/// Makes a key out of random bytes: `sbk_<id>_<secret>`, both in hexadecimal digits.
///
/// # Errors
/// When the holder can't hold a key: a user named like a back end, a back end whose name is no id.
pub fn new_key(holder: Holder, random: &[u8; KEY_RANDOM_BYTES], now: Millis) -> Result<NewKey, Fault> {
    match &holder {
        Holder::User(id) => drop(user_id(id.as_str())?),
        Holder::Service(name, _) => drop(service_id(name)?),
    }
    let (id, secret) = random.split_at(ID_BYTES);
    let id = hex(id);
    let shown = format!("{KEY_PREFIX}{id}_{}", hex(secret));
    let key = Key { id: Text::from(id), hash: sha256(shown.as_bytes()), holder, made_at: now };
    Ok(NewKey { shown, key })
}

/// Random bytes from the system, for keys and for whatever else a thread's shell needs drawn.
///
/// # Errors
/// The system has none to give; nothing secret can be made then.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// The system gives no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

/// The id under which a back end acts.
fn service_id(name: &str) -> Result<UserId, Fault> {
    if name.is_empty() {
        return Err(Fault::User(domain::id::BadId::Empty));
    }
    Ok(UserId::new(&format!("{SERVICE_PREFIX}{name}"))?)
}

/// As whom a key acts. None for what [`new_key`] would not have made: such a row is good for nothing.
fn holder(holder: &Holder) -> Option<Identity> {
    let (id, name, standing) = match holder {
        Holder::User(id) => (user_id(id.as_str()).ok()?, None, Standing::User),
        Holder::Service(name, scopes) => (service_id(name).ok()?, Some(name.clone()), Standing::Service(*scopes)),
    };
    Some(Identity { id, number: None, proved: true, name, email: None, ends: None, standing })
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes what is written to it");
        text
    })
}
