//! Tokens that are signed with private keys: who gets in by which, and THREATS T2 and T4 as far as keys are concerned.

use aws_lc_rs::rsa::KeySize;
use domain::identity::Denied;
use serde_json::{Value, json};

use super::*;
use crate::HttpUrl;
use crate::auth::PublicKey;
use crate::auth::jwk::KeySet;
use crate::auth::jwks::Published;
use crate::auth::signer::Signer;

/// An auth that knows a published set, or none yet, and an HS256 key where it has one.
fn publishing(set: Option<&Value>, secret: Option<&str>) -> Auth {
    let published = Published::default();
    let set = set.map(|set| KeySet::parse(set.to_string().as_bytes()).expect("a set"));
    published.store(set.map(Arc::new));
    let url = HttpUrl::parse("https://issuer.example/keys").expect("a URL");
    let settings = Settings { published_keys: Some(url), secret: secret.map(Secret::new), ..Settings::default() };
    Auth::at(&settings, Arc::new(KeyRing::default()), None, Some(published))
}

fn with_public_key(pem: &str) -> Auth {
    let public_key = Some(PublicKey::from_pem(pem).expect("a key"));
    Auth::new(&Settings { public_key, ..Settings::default() }, Arc::new(KeyRing::default()))
}

fn set(keys: impl IntoIterator<Item = Value>) -> Value {
    json!({ "keys": keys.into_iter().collect::<Vec<_>>() })
}

fn headed(signer: &Signer, more: &str) -> String {
    signer.token(&format!(r#"{{"alg":"{}"{more}}}"#, signer.algorithm()), CLAIMS)
}

fn is_alice(auth: &Auth, token: &str, what: &str) {
    assert_eq!(bearer(auth, token).map(|identity| identity.id.to_string()), Ok("alice".to_owned()), "{what}");
}

#[test]
fn each_kind_of_key_lets_in() {
    let all = Signer::all();
    let published = set(all.iter().zip(["r", "e", "d"]).map(|(signer, kid)| signer.jwk(kid)));
    let auth = publishing(Some(&published), Some(SECRET));
    for (signer, kid) in all.iter().zip(["r", "e", "d"]) {
        let named = headed(signer, &format!(r#","kid":"{kid}""#));
        is_alice(&auth, &named, "by name");
        is_alice(&auth, &headed(signer, ""), "the only one for its algorithm");
        let own = with_public_key(&signer.pem());
        is_alice(&own, &headed(signer, ""), "the operator's own key");
        is_alice(&own, &named, "which has no name");
        // Its claims are looked at like any other's.
        let ended = signer.token(&format!(r#"{{"alg":"{}"}}"#, signer.algorithm()), r#"{"sub":"alice","exp":1}"#);
        assert_eq!(bearer(&auth, &ended), Err(Fault::Expired));
    }
    is_alice(&auth, &signed(HEADER, CLAIMS), "the secret beside them");
}

#[test]
fn forged_with_what_everybody_knows() {
    for (signer, other) in Signer::all().iter().zip(Signer::all()) {
        let (jwk, pem) = (signer.jwk("k"), signer.pem());
        let alone = publishing(Some(&set([jwk.clone()])), None);
        let beside = publishing(Some(&set([jwk.clone()])), Some(SECRET));
        let own = with_public_key(&pem);
        // A public key as the secret of HS256: there is no secret, or it is another one.
        for secret in
            [pem.as_bytes(), pem.trim().as_bytes(), jwk.to_string().as_bytes(), jwk["x"].to_string().as_bytes()]
        {
            let forged = token(r#"{"alg":"HS256","kid":"k"}"#, CLAIMS, secret, Algorithm::HS256);
            assert_eq!(bearer(&alone, &forged), Err(Fault::Algorithm));
            assert_eq!(bearer(&own, &forged), Err(Fault::Algorithm));
            assert_eq!(bearer(&beside, &forged), Err(Fault::Signature));
        }
        let good = headed(signer, r#","kid":"k""#);
        let (start, signature) = good.rsplit_once('.').expect("three parts");
        let mut flipped = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        flipped[10] ^= 1;
        for (what, forged) in [
            ("one bit off", format!("{start}.{}", b64(flipped))),
            ("no signature", format!("{start}.")),
            ("half of it", format!("{start}.{}", &signature[..signature.len() / 8 * 4])),
            ("zeros", format!("{start}.{}", b64(vec![0; signature.len() / 4 * 3]))),
            ("another key's", headed(&other, r#","kid":"k""#)),
            ("another key's, brought along", headed(&other, &format!(r#","kid":"k","jwk":{}"#, other.jwk("k")))),
            ("another key's, to be fetched", headed(&other, r#","kid":"k","jku":"https://forger.example/keys""#)),
        ] {
            for auth in [&alone, &beside, &own] {
                let refused = bearer(auth, &forged);
                assert!(matches!(refused, Err(Fault::Signature | Fault::Encoding(_))), "{what}: {refused:?}");
            }
        }
        for alg in ["none", "RS384", "RS512", "PS256", "ES384", "HS384", "rs256", ""] {
            let named = signer.token(&format!(r#"{{"alg":"{alg}","kid":"k"}}"#), CLAIMS);
            assert_eq!(bearer(&beside, &named), Err(Fault::Algorithm), "{alg}");
        }
    }
}

#[test]
fn a_name_chooses_among_published_keys_and_nothing_else() {
    let [rsa, ec, _] = Signer::all();
    let (first, second) = (Signer::ec(), Signer::ed());
    let auth = publishing(Some(&set([rsa.jwk("r"), ec.jwk("e"), first.jwk("f")])), None);
    for (what, token, fault) in [
        ("withdrawn, or never published", headed(&second, r#","kid":"d""#), Fault::Kid),
        ("a path", headed(&ec, r#","kid":"../../../dev/null""#), Fault::Kid),
        ("SQL", headed(&ec, r#","kid":"' OR 1=1 --""#), Fault::Kid),
        ("no text", headed(&ec, r#","kid":["e"]"#), Fault::Kid),
        ("null", headed(&ec, r#","kid":null"#), Fault::Kid),
        ("empty", headed(&ec, r#","kid":"""#), Fault::Kid),
        ("another kind of key", headed(&ec, r#","kid":"r""#), Fault::Algorithm),
        ("another of its kind", headed(&ec, r#","kid":"f""#), Fault::Signature),
        ("none, of two", headed(&ec, ""), Fault::NoKid),
        ("none, of no such kind", headed(&second, ""), Fault::Algorithm),
    ] {
        assert_eq!(bearer(&auth, &token), Err(fault), "{what}");
        assert_eq!(fault.denied(), Denied::Invalid);
    }
    // Nobody is let in before the keys are there, and nobody is told that they are wrong.
    let away = publishing(None, None);
    assert_eq!(bearer(&away, &headed(&ec, r#","kid":"e""#)), Err(Fault::KeysAway));
    assert_eq!(Fault::KeysAway.denied(), Denied::Unavailable);
}

#[test]
fn what_a_set_may_hold() {
    let [rsa, ec, ed] = Signer::all();
    let with = |jwk: &Value, name: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        jwk
    };
    let good = ec.jwk("e");
    for (what, keys, count) in [
        ("three kinds", vec![rsa.jwk("r"), good.clone(), ed.jwk("d")], 3),
        ("one that says what it is for", vec![with(&good, "alg", "ES256".into())], 1),
        ("and how", vec![with(&with(&good, "use", "sig".into()), "key_ops", json!(["verify"]))], 1),
        ("for encryption", vec![with(&good, "use", "enc".into())], 0),
        ("for something else", vec![with(&good, "key_ops", json!(["encrypt"]))], 0),
        ("of another algorithm", vec![with(&good, "alg", "ES384".into())], 0),
        ("RS512", vec![with(&rsa.jwk("r"), "alg", "RS512".into())], 0),
        ("a private one", vec![with(&ed.jwk("d"), "d", "x".into())], 0),
        ("a symmetric one", vec![json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "k"})], 0),
        ("a curve of its own", vec![with(&good, "crv", "P-384".into())], 0),
        ("without a half", vec![json!({"kty": "EC", "crv": "P-256", "x": good["x"]})], 0),
        ("a name that is none", vec![with(&good, "kid", json!(7))], 0),
        ("one name twice", vec![good.clone(), Signer::ec().jwk("e"), ed.jwk("d")], 1),
        ("one name for two kinds", vec![good.clone(), ed.jwk("e")], 2),
        ("nothing", vec![], 0),
        ("what is no key", vec![json!(1), json!("x"), json!(null), json!([]), json!({})], 0),
        ("too many", (0..99).map(|n| ed.jwk(&n.to_string())).collect(), 64),
    ] {
        assert_eq!(KeySet::parse(set(keys).to_string().as_bytes()).map(|set| set.len()), Some(count), "{what}");
    }
    // 1024 bits are too few, whoever publishes them: a modulus of half the length.
    let mut short = rsa.jwk("r");
    let modulus = URL_SAFE_NO_PAD.decode(short["n"].as_str().expect("text")).expect("base64url");
    short["n"] = b64(&modulus[..128]).into();
    assert_eq!(KeySet::parse(set([short]).to_string().as_bytes()).map(|set| set.len()), Some(0));
    assert_eq!(
        KeySet::parse(set([Signer::rsa(KeySize::Rsa4096).jwk("r")]).to_string().as_bytes()).map(|set| set.len()),
        Some(1)
    );
    for none in
        ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":null}"#, r#"{"keys":[],"keys":[]}"#, "<html>", r#"{"keys":[]"#]
    {
        assert!(KeySet::parse(none.as_bytes()).is_none(), "{none}");
    }
    for pem in ["", "x", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"] {
        assert!(PublicKey::from_pem(pem).is_err(), "{pem}");
    }
}
