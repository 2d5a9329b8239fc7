//! A source of keys that rotates, is slow, lies, and goes away: on a wire in memory and a clock that nobody waits for.

use std::sync::Mutex;

use super::*;
use crate::auth::signer::Signer;
use crate::outbound::wire::{Wire, answer};

/// What the source says next; none: nothing, ever.
type Next = Arc<Mutex<Option<String>>>;

/// What the published keys are called, a blank between them; none when there are none to go by.
fn names(published: &Published, signers: &[(&'static str, Signer)]) -> Option<String> {
    let set = published.load_full()?;
    let known = |name: &&str| set.find(jsonwebtoken::Algorithm::EdDSA, Some(name)).is_ok();
    Some(signers.iter().map(|(name, _)| *name).filter(known).collect::<Vec<_>>().join(" "))
}

#[test]
fn a_source_that_rotates_is_slow_lies_and_goes_away() {
    let signers = [("a", Signer::ed()), ("b", Signer::ed())];
    let keys = |which: &str| {
        let named = signers.iter().filter(|(name, _)| which.contains(name));
        let keys: Vec<_> = named.map(|(name, signer)| signer.jwk(name)).collect();
        answer("200 OK", &serde_json::json!({ "keys": keys }).to_string())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (next, asked): (Next, Arc<Mutex<Vec<Instant>>>) = (Arc::default(), Arc::default());
        let (said, times) = (next.clone(), asked.clone());
        let wire = Wire::new(move |_| {
            times.lock().unwrap().push(Instant::now());
            let said = said.lock().unwrap().clone();
            async move { if said.is_some() { said } else { std::future::pending().await } }
        });
        let published = Published::default();
        let url = HttpUrl::parse("http://issuer.example/keys?v=1").unwrap();
        tokio::spawn(Fetching::through(wire.clone(), &url, published.clone()).run());
        let every = Duration::from_millis(limits::JWKS_EVERY_MS);
        let later = async |rounds: u32| {
            // A little more than it takes, whoever is slow.
            tokio::time::sleep((every + Duration::from_secs(6)) * rounds).await;
            names(&published, &signers)
        };
        assert_eq!(later(1).await, None, "it never answers");
        for (what, said, expected) in [
            ("it is there", keys("a"), "a"),
            ("a second key", keys("ab"), "a b"),
            ("the first is withdrawn", keys("b"), "b"),
            ("it breaks", answer("500 Internal Server Error", ""), "b"),
            ("it lies", answer("200 OK", "<html>"), "b"),
            ("it says nothing", answer("204 No Content", ""), "b"),
            ("it says too much", answer("200 OK", &"x".repeat(limits::AUTH_ANSWER_BYTES_MAX + 1)), "b"),
            ("it points elsewhere", answer("302 Found\r\nlocation: http://forger.example/", &keys("a")), "b"),
            ("it is back", keys("a"), "a"),
        ] {
            *next.lock().unwrap() = Some(said);
            assert_eq!(later(1).await.as_deref(), Some(expected), "{what}");
        }
        *next.lock().unwrap() = None;
        let rounds = u32::try_from(limits::JWKS_STALE_MAX_MS / limits::JWKS_EVERY_MS).unwrap();
        assert_eq!(later(rounds / 2).await.as_deref(), Some("a"), "what it said last holds");
        assert_eq!(later(rounds).await, None, "for an hour");
        *next.lock().unwrap() = Some(keys("b"));
        assert_eq!(later(1).await.as_deref(), Some("b"), "and it heals");
        let asked = asked.lock().unwrap();
        assert!(asked.windows(2).all(|pair| pair[1] - pair[0] >= every), "never sooner than every 30 s");
        assert!(wire.connected().iter().all(|to| to.host() == Some("issuer.example")), "it follows nobody");
    });
}
