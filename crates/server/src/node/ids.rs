//! New ids, drawn from a generator whose seed is an argument: the same seed gives the same ids (DESIGN.md, 7).

use domain::id::{ClientId, MessageId, Millis, RoomName, UserId};
use domain::model::{RoomKey, RoomKind};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha1_smol::Sha1;
use uuid::Builder;

/// Draws ids. Cryptographically strong, because a private room's id is its invitation (THREATS T9).
#[derive(Debug)]
pub struct Ids(ChaCha12Rng);

impl Ids {
    /// A generator; the threads' shells seed it from the operating system, the simulator from its seed.
    #[must_use]
    pub fn seeded(seed: [u8; 32]) -> Self {
        Self(ChaCha12Rng::from_seed(seed))
    }

    /// A message's id: UUID v7, so that ids sort by time.
    pub fn message(&mut self, now: Millis) -> MessageId {
        let mut random = [0; 10];
        self.0.fill_bytes(&mut random);
        MessageId(Builder::from_unix_timestamp_millis(now.0, &random).into_uuid().as_u128())
    }

    /// The key of a room that its maker has an id for, which is the same each time they ask: UUID v8 of both. Whoever
    /// doesn't know that id, which is drawn at random, can't know the key.
    pub fn room_of(maker: &UserId, client_id: &ClientId) -> RoomKey {
        let mut hash = Sha1::from(maker.as_str());
        hash.update(b"\0"); // No id has one (`domain::id`).
        hash.update(client_id.as_str().as_bytes());
        let [bytes @ .., _, _, _, _] = hash.digest().bytes();
        let text = Builder::from_custom_bytes(bytes).into_uuid().to_string();
        RoomKey::Named(RoomName::new(&text).expect("a UUID is a valid room name"))
    }

    /// A made room's key: UUID v4 (122 random bits) where knowing it opens the door, else v7 (RULES 10).
    pub fn room(&mut self, kind: RoomKind, now: Millis) -> RoomKey {
        let text = if kind == RoomKind::Private {
            let mut random = [0; 16];
            self.0.fill_bytes(&mut random);
            Builder::from_random_bytes(random).into_uuid().to_string()
        } else {
            self.message(now).to_string()
        };
        RoomKey::Named(RoomName::new(&text).expect("a UUID is a valid room name"))
    }
}
