//! Keys: made once, kept as a hash, good until the ring is replaced without them.

use domain::identity::{Scopes, Standing};

use super::*;
use crate::auth::{KEY_RANDOM_BYTES, new_key};
use crate::port::{Holder, Key};
use domain::id::{BadId, UserId};

fn user(id: &str) -> Holder {
    Holder::User(UserId::new(id).unwrap())
}

fn made(holder: Holder, random: u8) -> (String, Key) {
    let new = new_key(holder, &[random; KEY_RANDOM_BYTES], NOW).unwrap();
    (new.shown, new.key)
}

fn shown(auth: &Auth, text: &str) -> Result<Identity, Fault> {
    auth.examine(&Credential::Key(Text::from(text)), Trust::Proof, NOW)
}

#[test]
fn a_key_is_shown_once_and_kept_as_its_hash() {
    let (text, key) = made(user("alice"), 0xab);
    assert_eq!(text, format!("sbk_{}_{}", "ab".repeat(6), "ab".repeat(32)));
    assert_eq!(&*key.id, "ab".repeat(6));
    assert_eq!(key.made_at, NOW);
    assert_eq!(key.hash, crate::auth::keys::sha256(text.as_bytes()));
    // FIPS 180-4's own example, so that a store of another version finds the same keys.
    assert_eq!(crate::auth::keys::sha256(b"abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
}

#[test]
fn keys_are_their_holders() {
    let (alice, alices) = made(user("alice"), 1);
    let scopes = Scopes::STATS.and(Scopes::GUILDS);
    let (billing, billings) = made(Holder::Service("billing".into(), scopes), 2);
    let ring = Arc::new(KeyRing::new(&[alices.clone(), billings]));
    let settings = Settings { secret: Some(Secret::new(SECRET)), ..Settings::default() };
    let auth = Auth::new(&settings, ring.clone());

    let found = shown(&auth, &alice).unwrap();
    assert_eq!((found.id.as_str(), found.standing, found.ends), ("alice", Standing::User, None));
    assert!(found.proved && found.number.is_none());
    let found = shown(&auth, &billing).unwrap();
    assert_eq!((found.id.as_str(), found.name.as_deref()), ("service:billing", Some("billing")));
    assert_eq!(found.standing, Standing::Service(scopes));

    // A key is no token, and nothing near a key is one.
    assert_eq!(bearer(&auth, &alice), Err(Fault::Shape));
    for near in [
        alice[..alice.len() - 1].to_owned(),
        format!("{alice}0"),
        format!(" {alice}"),
        alice.to_uppercase(),
        alice.replacen("01", "02", 1),
        "sbk_".to_owned(),
        "x".repeat(100_000),
    ] {
        assert_eq!(shown(&auth, &near), Err(Fault::UnknownKey), "{near:.100}");
    }

    // A revocation holds from the next look on.
    ring.replace(&[alices]);
    assert_eq!(ring.len(), 1);
    assert_eq!(shown(&auth, &billing), Err(Fault::UnknownKey));
    assert!(shown(&auth, &alice).is_ok());
    ring.replace(&[]);
    assert!(ring.is_empty());
    assert_eq!(shown(&auth, &alice), Err(Fault::UnknownKey));
}

#[test]
fn in_development_a_known_key_is_its_holder_and_a_revoked_one_nobody() {
    let (billing, kept) = made(Holder::Service("billing".into(), Scopes::STATS), 3);
    let ring = Arc::new(KeyRing::new(&[kept]));
    let auth = Auth::new(&Settings { development: true, ..Settings::default() }, ring.clone());
    assert_eq!(shown(&auth, &billing).unwrap().id.as_str(), "service:billing");
    assert_eq!(shown(&auth, "alice").unwrap().id.as_str(), "alice");
    ring.replace(&[]);
    assert_eq!(shown(&auth, &billing), Err(Fault::UnknownKey));
}

#[test]
fn holders_that_can_hold_no_key() {
    let make = |holder| new_key(holder, &[0; KEY_RANDOM_BYTES], NOW).err();
    assert_eq!(make(user("service:x")), Some(Fault::Reserved));
    assert_eq!(make(user("waiting:x")), Some(Fault::Reserved));
    let service = |name: &str| Holder::Service(Text::from(name), Scopes::STATS);
    assert_eq!(make(service("")), Some(Fault::User(BadId::Empty)));
    assert_eq!(make(service("a\nb")), Some(Fault::User(BadId::Control)));
    assert_eq!(make(service(&"a".repeat(248))), Some(Fault::User(BadId::TooLong)));
    assert_eq!(make(service(&"a".repeat(247))), None);
    // A row that no version of ours wrote is good for nothing.
    let row = Key { id: "x".into(), hash: [1; 32], holder: user("service:x"), made_at: NOW };
    assert!(KeyRing::new(&[row]).is_empty());
}

#[test]
fn random_bytes_are_drawn_anew() {
    assert_ne!(crate::auth::random::<KEY_RANDOM_BYTES>().unwrap(), crate::auth::random::<KEY_RANDOM_BYTES>().unwrap());
}
