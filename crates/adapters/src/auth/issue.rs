//! Makes tokens, for the command line and for tests. A token that this server would refuse is not handed out.

use domain::id::{Millis, UserId};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value};

use super::claims::ClaimRules;
use super::fault::Fault;
use super::jwt::Verifier;
use super::secret::Secret;

/// What a token is to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Who.
    pub user: UserId,
    /// For how long, in milliseconds; rounded up to a second.
    pub ttl_ms: u64,
    /// The `username` claim.
    pub name: Option<String>,
    /// The `email` claim.
    pub email: Option<String>,
    /// Further claims.
    pub extra: Map<String, Value>,
}

/// Why no token was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotIssued {
    /// A further claim has a name that this function writes itself.
    #[error("`{0}` is written by this command and can't be given as a further claim")]
    Taken(String),
    /// This server would refuse it.
    #[error("this server would refuse such a token: {0}")]
    Useless(#[from] Fault),
    /// It could not be signed.
    #[error("it could not be signed")]
    Unsigned,
}

/// Signs a token with HS256: `iat`, `exp`, the claim that names the user under these rules, and `aud` and `iss` when
/// they are asked for.
///
/// # Errors
/// [`NotIssued`] says why there is none.
pub fn issue(secret: &Secret, rules: &ClaimRules, grant: &Grant, now: Millis) -> Result<String, NotIssued> {
    let mut claims = Map::new();
    let issued = now.0 / 1000;
    claims.insert(rules.user_claim.clone().unwrap_or_else(|| "sub".into()), grant.user.as_str().into());
    claims.insert("iat".into(), issued.into());
    claims.insert("exp".into(), issued.saturating_add(grant.ttl_ms.div_ceil(1000)).into());
    for (name, value) in
        [("username", &grant.name), ("email", &grant.email)].into_iter().filter_map(|(n, v)| Some((n, v.as_ref()?)))
    {
        claims.insert(name.into(), value.as_str().into());
    }
    for (name, list) in [("aud", &rules.audiences), ("iss", &rules.issuers)] {
        if let Some(first) = list.first() {
            claims.insert(name.into(), first.as_str().into());
        }
    }
    for (name, value) in &grant.extra {
        if claims.insert(name.clone(), value.clone()).is_some() {
            return Err(NotIssued::Taken(name.clone()));
        }
    }
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(|_| NotIssued::Unsigned)?;
    Verifier::new(secret).check(&token, rules, now)?;
    Ok(token)
}
