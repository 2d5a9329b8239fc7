//! What a room's name means, and for whom (RULES 9). The same on every door and on REST.

use crate::id::{RoomName, UserId};
use crate::model::RoomKey;
use crate::refusal::Refusal;

/// A guild's room.
pub const GUILD_PREFIX: &str = "GUILD#";
/// The direct room with the one named, seen by the other.
const DIRECT_PREFIX: &str = "direct:";
/// The direct room of a pair, written with both.
const PAIR_PREFIX: &str = "dm-";
/// Kept for the wires' own use.
const USER_PREFIX: &str = "user:";

/// The room that `name` means when `me` says it.
///
/// `direct:<other>` and `dm-<x>-<y>`, where x or y is `me`, are the direct room of that pair. Ids may have dashes in
/// them, so a `dm-` text is read from the end that `me` stands at, the front first.
///
/// # Errors
/// [`Refusal::Forbidden`] for a direct room of others and for reserved names, existing or not; [`Refusal::Invalid`] when
/// the text can't be a room's name at all.
pub fn resolve(name: &str, me: &UserId) -> Result<RoomKey, Refusal> {
    if let Some(other) = name.strip_prefix(DIRECT_PREFIX) {
        let other = UserId::new(other).map_err(|_| Refusal::Invalid)?;
        return Ok(RoomKey::pair(me.clone(), other));
    }
    if let Some(pair) = name.strip_prefix(PAIR_PREFIX) {
        return match other_of(pair, me.as_str()) {
            Some(other) => Ok(RoomKey::pair(me.clone(), UserId::new(other).map_err(|_| Refusal::Invalid)?)),
            None => Err(Refusal::Forbidden),
        };
    }
    if name.starts_with(USER_PREFIX) || name == GUILD_PREFIX {
        return Err(Refusal::Forbidden);
    }
    Ok(RoomKey::Named(RoomName::new(name).map_err(|_| Refusal::Invalid)?))
}

fn other_of<'a>(pair: &'a str, me: &str) -> Option<&'a str> {
    let after = pair.strip_prefix(me).and_then(|rest| rest.strip_prefix('-'));
    let before = pair.strip_suffix(me).and_then(|rest| rest.strip_suffix('-'));
    after.or(before).filter(|other| !other.is_empty())
}

/// The room of a guild.
///
/// # Errors
/// [`Refusal::Invalid`] when the id is empty, too long or has control characters.
pub fn guild(id: &str) -> Result<RoomKey, Refusal> {
    if id.is_empty() {
        return Err(Refusal::Invalid);
    }
    Ok(RoomKey::Named(RoomName::new(&format!("{GUILD_PREFIX}{id}")).map_err(|_| Refusal::Invalid)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> UserId {
        UserId::new(id).expect("a short id is valid")
    }

    #[test]
    fn names_mean_what_rule_nine_says() {
        let pair = |a: &str, b: &str| Ok(RoomKey::pair(user(a), user(b)));
        let named = |name: &str| Ok(RoomKey::Named(RoomName::new(name).expect("valid")));
        for (name, me, expected) in [
            ("direct:bob", "alice", pair("alice", "bob")),
            ("direct:alice", "bob", pair("alice", "bob")),
            ("direct:alice", "alice", pair("alice", "alice")),
            ("direct:", "alice", Err(Refusal::Invalid)),
            ("dm-alice-bob", "alice", pair("alice", "bob")),
            ("dm-alice-bob", "bob", pair("alice", "bob")),
            ("dm-alice-bob", "carol", Err(Refusal::Forbidden)),
            ("dm-alice-bob", "alic", Err(Refusal::Forbidden)),
            ("dm-a-b-c", "a-b", pair("a-b", "c")),
            ("dm-a-b-c", "c", pair("a-b", "c")),
            ("dm-a-b-c", "a", pair("a", "b-c")),
            ("dm-alice-", "alice", Err(Refusal::Forbidden)),
            ("dm-", "alice", Err(Refusal::Forbidden)),
            ("user:alice", "alice", Err(Refusal::Forbidden)),
            ("GUILD#", "alice", Err(Refusal::Forbidden)),
            ("GUILD#g", "alice", named("GUILD#g")),
            ("lobby", "alice", named("lobby")),
            ("", "alice", Err(Refusal::Invalid)),
            ("a\nb", "alice", Err(Refusal::Invalid)),
        ] {
            assert_eq!(resolve(name, &user(me)), expected, "{name:?} said by {me}");
        }
        assert_eq!(resolve(&"r".repeat(256), &user("a")), Err(Refusal::Invalid));
    }

    #[test]
    fn a_pair_is_shown_by_a_name_that_each_can_enter_by() {
        let key = RoomKey::pair(user("bob"), user("alice"));
        for me in ["alice", "bob"] {
            assert_eq!(resolve(&key.shown(), &user(me)), Ok(key.clone()));
        }
    }
}
