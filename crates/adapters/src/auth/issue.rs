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
    /// A claim would be said twice.
    #[error("`{0}` is written by this command already")]
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
    let issued = now.0 / 1000;
    let user_claim = rules.user_claim.as_deref().unwrap_or("sub");
    let ours = [
        (user_claim, Some(Value::from(grant.user.as_str()))),
        ("iat", Some(issued.into())),
        ("exp", Some(issued.saturating_add(grant.ttl_ms.div_ceil(1000)).into())),
        ("username", grant.name.as_deref().map(Value::from)),
        ("email", grant.email.as_deref().map(Value::from)),
        ("aud", rules.audiences.first().map(|one| one.as_str().into())),
        ("iss", rules.issuers.first().map(|one| one.as_str().into())),
    ];
    let ours = ours.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let mut claims = Map::new();
    for (name, value) in ours.chain(grant.extra.clone()) {
        // Where the e-mail address is the user's id, saying the same twice is no contradiction.
        if claims
            .insert(name.clone(), value.clone())
            .is_some_and(|other| other != value || grant.extra.contains_key(&name))
        {
            return Err(NotIssued::Taken(name));
        }
    }
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(|_| NotIssued::Unsigned)?;
    Verifier::new(secret).check(&token, rules, now)?;
    Ok(token)
}
