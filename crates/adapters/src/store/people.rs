//! What every store settles alike of users: what is kept of a profile, who is adopted, and what becomes of the names that
//! rooms and events have by their id. Pure, like `settle`.

use std::sync::Arc;

use domain::Text;
use domain::event::Event;
use domain::id::UserId;
use domain::limits;
use domain::model::{Profile, RoomKey};
use domain::rules::person;

use super::settle::{cut, label};
use crate::port::{NewPerson, NewUser};

/// The name by which a registered user is looked up, and which they get when they are new.
#[must_use]
pub fn name(new: &NewUser) -> Text {
    label(Some(&new.name)).unwrap_or_else(|| new.id.text())
}

/// A profile as it is kept: what was told now, else what was `known`. When somebody was made stays what it was.
#[must_use]
pub fn profile(told: &Profile, known: Option<&Profile>) -> Profile {
    let bio = match (&told.bio, known) {
        (None, known) => known.and_then(|known| known.bio.clone()),
        (Some(bio), _) if bio.is_empty() => None,
        (Some(bio), _) => Some(cut(bio, limits::BIO_BYTES_MAX)),
    };
    let url = told.avatar_url.clone().filter(|url| (1..=limits::URL_BYTES_MAX).contains(&url.len()));
    Profile {
        full_name: label(told.full_name.as_ref()).or_else(|| known.and_then(|known| known.full_name.clone())),
        bio,
        avatar_url: url.or_else(|| known.and_then(|known| known.avatar_url.clone())),
        made_at: known.map_or(told.made_at, |known| known.made_at),
    }
}

/// The name of the user whom a new one may adopt: proved, and no longer than a name is kept, else it would be another's that
/// was cut to the same.
#[must_use]
pub fn adopts(new: &NewPerson) -> Option<&Text> {
    new.name.as_ref().filter(|name| new.proved && !name.is_empty() && name.len() <= limits::LABEL_BYTES_MAX)
}

/// Whether the user who has this id is there to be adopted by another.
#[must_use]
pub fn is_adopted(holder: &UserId, new: &NewPerson) -> bool {
    person::waits(holder) && *holder != new.id
}

/// The key of a direct room after one of its users has got another id.
#[must_use]
pub fn key_after(key: &RoomKey, was: &UserId, is: &UserId) -> RoomKey {
    match key {
        RoomKey::Pair(one, other) => {
            let now = |user: &UserId| if user == was { is.clone() } else { user.clone() };
            RoomKey::pair(now(one), now(other))
        }
        RoomKey::Named(_) | RoomKey::Relay(_) => key.clone(),
    }
}

/// The event, told of under this key of its room.
#[must_use]
pub fn told_of(event: &Arc<Event>, key: &RoomKey) -> Arc<Event> {
    if event.room == *key { event.clone() } else { Arc::new(Event { room: key.clone(), ..Event::clone(event) }) }
}
