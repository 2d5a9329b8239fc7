//! Users who are made known before they come themselves: registered by an auth service, or by a developer (RULES 1).

use crate::command::Registration;
use crate::id::UserId;
use crate::identity::{Actor, Scopes};
use crate::limits::Policy;
use crate::refusal::Refusal;

/// Begins the id of a user who was registered by name and has not come yet; no credential can say such an id.
pub const WAITING_PREFIX: &str = "waiting:";

/// Decides `Register`: the id that somebody new of this name gets. In development mode a name is an id, so whoever comes by
/// that name is this user; else the user waits for the first proved credential with the name.
///
/// # Errors
/// `NotAllowed` for whoever may not; `Invalid` for a name that can't be in an id.
pub fn register(registration: &Registration, actor: Option<&Actor>, policy: &Policy) -> Result<UserId, Refusal> {
    let serves = actor.is_some_and(|actor| actor.standing.serves(Scopes::USERS));
    if !serves && !policy.development {
        return Err(Refusal::NotAllowed);
    }
    let id = if policy.development {
        UserId::new(&registration.name)
    } else {
        UserId::new(&format!("{WAITING_PREFIX}{}", registration.name))
    };
    id.map_err(|_| Refusal::Invalid)
}

/// Whether this user was registered and has not come yet.
#[must_use]
pub fn waits(user: &UserId) -> bool {
    user.as_str().starts_with(WAITING_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::cases::{actor, service};

    #[test]
    fn who_is_registered_as_whom() {
        let named =
            |name: &str| Registration { name: name.into(), email: None, full_name: None, bio: None, avatar_url: None };
        let (usual, development) = (Policy::default(), Policy { development: true, ..Policy::default() });
        let (user, back_end) = (actor("eve"), service(Scopes::USERS));
        for (what, name, who, policy, expected) in [
            ("a user", "bob", Some(&user), &usual, Err(Refusal::NotAllowed)),
            ("nobody", "bob", None, &usual, Err(Refusal::NotAllowed)),
            ("another back end", "bob", Some(&service(Scopes::GUILDS)), &usual, Err(Refusal::NotAllowed)),
            ("an auth service", "bob", Some(&back_end), &usual, Ok("waiting:bob")),
            ("an auth service, a name that is none", "b\nb", Some(&back_end), &usual, Err(Refusal::Invalid)),
            ("nobody in development mode", "bob", None, &development, Ok("bob")),
            ("nobody in development mode, no name", "", None, &development, Err(Refusal::Invalid)),
        ] {
            let id = register(&named(name), who, policy);
            assert_eq!(id.as_ref().map(UserId::as_str), expected.as_ref().map(|id| *id), "{what}");
        }
        assert!(waits(&UserId::new("waiting:bob").expect("short")) && !waits(&UserId::new("bob").expect("short")));
    }
}
