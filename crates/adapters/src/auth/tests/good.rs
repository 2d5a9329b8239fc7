//! What gets in, as whom and until when; and what development mode takes that nothing else does.

use domain::identity::Standing;
use serde_json::{Map, Value, json};

use super::*;
use crate::auth::{Grant, NotIssued, issue};
use domain::id::{UserId, UserNumber};

#[test]
fn claims_that_are_right() {
    for (claims, id, ends) in [
        (CLAIMS, "alice", 1_795_000_900_000),
        (r#"{"id":"alice","exp":1795000900}"#, "alice", 1_795_000_900_000),
        (r#"{"user_id":7,"exp":1795000900}"#, "7", 1_795_000_900_000),
        (r#"{"userId":"7","sub":7,"id":null,"exp":1795000900}"#, "7", 1_795_000_900_000),
        (r#"{"sub":18446744073709551615,"exp":1795000000.5}"#, "18446744073709551615", 1_795_000_000_500),
        (r#"{"sub":"GUILD#ü 9","exp":253402300799}"#, "GUILD#ü 9", 253_402_300_799_000),
        (r#"{"sub":"alice","exp":1795000001,"nbf":1795000060,"iat":1795000060}"#, "alice", 1_795_000_001_000),
        (r#"{"sub":"alice","exp":1795000900,"iat":0,"aud":"anybody","iss":["any"]}"#, "alice", 1_795_000_900_000),
    ] {
        let identity = bearer(&strict(), &signed(HEADER, claims)).expect(claims);
        assert_eq!((identity.id.as_str(), identity.ends), (id, Some(Millis(ends))), "{claims}");
        assert_eq!(identity.standing, Standing::User);
    }
}

#[test]
fn headers_that_are_not_looked_at_do_no_harm_either() {
    for more in [r#""kid":"2026-11""#, r#""kid":7"#, r#""jku":"https://forger.example""#, r#""jwk":"rubbish""#] {
        let token = signed(&format!(r#"{{"alg":"HS256",{more}}}"#), CLAIMS);
        assert_eq!(bearer(&strict(), &token).unwrap().id.as_str(), "alice", "{more}");
    }
}

#[test]
fn a_token_is_good_to_the_last_millisecond() {
    let (auth, token) = (strict(), signed(HEADER, CLAIMS));
    let at = |ms| auth.examine(&Credential::Bearer(Text::from(token.as_str())), Trust::Proof, Millis(ms)).is_ok();
    assert!(at(1_795_000_899_999));
    assert!(!at(1_795_000_900_000));
}

#[test]
fn tokens_without_end_where_they_are_allowed() {
    let rules = ClaimRules { require_exp: false, ..ClaimRules::default() };
    let auth = auth(false, Some(SECRET), rules);
    assert_eq!(bearer(&auth, &signed(HEADER, r#"{"sub":"alice"}"#)).unwrap().ends, None);
    assert_eq!(bearer(&auth, &signed(HEADER, r#"{"sub":"alice","exp":1}"#)), Err(Fault::Expired));
    assert_eq!(bearer(&auth, &signed(HEADER, r#"{"sub":"alice","exp":"never"}"#)), Err(Fault::Time("exp")));
}

#[test]
fn audiences_as_text_and_as_list() {
    let rules = ClaimRules { audiences: vec!["us".into()], issuers: vec!["them".into()], ..ClaimRules::default() };
    let auth = auth(false, Some(SECRET), rules);
    for aud in [r#""us""#, r#"["others","us"]"#] {
        let claims = format!(r#"{{"sub":"alice","exp":1795000900,"iss":"them","aud":{aud}}}"#);
        assert!(bearer(&auth, &signed(HEADER, &claims)).is_ok(), "{aud}");
    }
}

#[test]
fn the_configured_claim_is_the_only_one_that_counts() {
    let rules = ClaimRules { user_claim: Some("uid".into()), ..ClaimRules::default() };
    let auth = auth(false, Some(SECRET), rules);
    for (claims, id) in [
        (r#"{"uid":"alice","sub":"bob","exp":1795000900}"#, Ok("alice")),
        (r#"{"uid":7,"sub":[],"id":"c","exp":1795000900}"#, Ok("7")),
        (r#"{"sub":"bob","exp":1795000900}"#, Err(Fault::NoUser)),
        (r#"{"uid":null,"sub":"bob","exp":1795000900}"#, Err(Fault::NoUser)),
        (r#"{"uid":"service:x","exp":1795000900}"#, Err(Fault::Reserved)),
        (r#"{"uid":"waiting:x","exp":1795000900}"#, Err(Fault::Reserved)),
    ] {
        let found = bearer(&auth, &signed(HEADER, claims));
        assert_eq!(found.as_ref().map(|identity| identity.id.as_str()).map_err(|fault| *fault), id, "{claims}");
    }
}

#[test]
fn labels() {
    let long = "ü".repeat(200);
    for (claims, name, email) in [
        (json!({}), None, None),
        (
            json!({"username":"Al","preferred_username":"x","name":"y","email":"a@example.org"}),
            Some("Al"),
            Some("a@example.org"),
        ),
        (json!({"preferred_username":"Al","name":"y"}), Some("Al"), None),
        (json!({"name":" Al B "}), Some("Al B"), None),
        (json!({"username":"","name":"Al"}), Some("Al"), None),
        (json!({"username":7,"email":["a"]}), None, None),
        (json!({"username":"a\u{1b}[31m","email":"a\r\nb"}), None, None),
        (json!({"username":long}), Some(&long[..254]), None),
    ] {
        let mut all = claims.as_object().unwrap().clone();
        all.insert("sub".into(), "alice".into());
        all.insert("exp".into(), (NOW_S + 1).into());
        let identity = bearer(&strict(), &signed(HEADER, &Value::Object(all).to_string())).unwrap();
        assert_eq!((identity.name.as_deref(), identity.email.as_deref()), (name, email), "{claims}");
    }
}

/// RULES 6: who each credential is in the four modes. `-` is refused.
#[test]
fn modes() {
    let token = signed(HEADER, CLAIMS);
    let garbage = format!("{}.{}.rubbish", b64(r#"{"alg":"none"}"#), b64(r#"{"sub":"alice","exp":1,"username":"Al"}"#));
    let service = format!("{}.{}.", b64(r#"{"alg":"none"}"#), b64(r#"{"sub":"service:x"}"#));
    let nobody = format!("{}.{}.", b64(r#"{"alg":"none"}"#), b64("{}"));
    let bearer = |text: &str| Credential::Bearer(Text::from(text));
    let key = |text: &str| Credential::Key(Text::from(text));
    let claim = |text: &str| Credential::Claimed(Text::from(text));
    let open = auth(true, None, ClaimRules::default());
    let keyed = auth(true, Some(SECRET), ClaimRules::default());
    let strict = strict();
    let keyless = auth(false, None, ClaimRules::default());
    for (credential, expected) in [
        (bearer(&token), ["alice", "alice", "alice", "-"]),
        (bearer(&garbage), ["alice", "-", "-", "-"]),
        (bearer("alice"), ["alice", "-", "-", "-"]),
        (bearer("a.b.c"), ["a.b.c", "-", "-", "-"]),
        (bearer(&service), ["-", "-", "-", "-"]),
        (bearer("service:x"), ["-", "-", "-", "-"]),
        (bearer("waiting:x"), ["-", "-", "-", "-"]),
        (bearer(&nobody), ["-", "-", "-", "-"]),
        (bearer("a\nb"), ["-", "-", "-", "-"]),
        (key("alice"), ["alice", "-", "-", "-"]),
        (key(&garbage), ["alice", "-", "-", "-"]),
        (key("sbk_0123_4567"), ["-", "-", "-", "-"]),
        (key("service:x"), ["-", "-", "-", "-"]),
        (key("waiting:x"), ["-", "-", "-", "-"]),
        (claim("alice"), ["alice", "alice", "-", "-"]),
        (claim("service:x"), ["-", "-", "-", "-"]),
        (claim("waiting:x"), ["-", "-", "-", "-"]),
        (Credential::Number(UserNumber(7)), ["7", "7", "-", "-"]),
        (claim(&"a".repeat(256)), ["-", "-", "-", "-"]),
    ] {
        let found = [&open, &keyed, &strict, &keyless].map(|auth| {
            let identity = auth.examine(&credential, Trust::Proof, NOW);
            identity.map_or_else(|_| "-".to_owned(), |identity| identity.id.to_string())
        });
        assert_eq!(found, expected, "{credential:?}");
    }
    // Nothing that wasn't checked ends anything.
    assert_eq!(open.examine(&bearer(&token), Trust::Proof, NOW).unwrap().ends, None);
    assert_eq!(open.examine(&bearer(&garbage), Trust::Proof, NOW).unwrap().name.as_deref(), Some("Al"));
    // A trusted door takes claims, and only claims, unproved.
    assert_eq!(strict.examine(&claim("alice"), Trust::Claim, NOW).unwrap().id.as_str(), "alice");
    assert_eq!(strict.examine(&claim("service:x"), Trust::Claim, NOW), Err(Fault::Reserved));
    let number = Credential::Number(UserNumber(7));
    assert_eq!(strict.examine(&number, Trust::Claim, NOW).unwrap().number, Some(UserNumber(7)));
    assert_eq!(strict.examine(&number, Trust::Proof, NOW), Err(Fault::Unproved));
    // Proved is what a key stands behind, whatever mode it is.
    let (proof, claimed) = (Trust::Proof, Trust::Claim);
    for (auth, credential, trust, proved) in [
        (&strict, bearer(&token), proof, true),
        (&keyed, bearer(&token), proof, true),
        (&open, bearer(&token), proof, false),
        (&open, bearer("alice"), proof, false),
        (&open, key("alice"), proof, false),
        (&keyed, claim("alice"), proof, false),
        (&strict, claim("alice"), claimed, false),
        (&strict, number, claimed, false),
    ] {
        let identity = auth.examine(&credential, trust, NOW).unwrap();
        assert_eq!(identity.proved, proved, "{credential:?} {trust:?}");
        assert_eq!(identity.number.is_some(), matches!(credential, Credential::Number(_)));
    }
    assert_eq!(strict.examine(&bearer("alice"), Trust::Claim, NOW), Err(Fault::Shape));
    assert_eq!(strict.examine(&key("alice"), Trust::Claim, NOW), Err(Fault::UnknownKey));
}

fn grant(extra: Value) -> Grant {
    let Value::Object(extra) = extra else { panic!("an object") };
    Grant {
        user: UserId::new("alice").unwrap(),
        ttl_ms: 900_000,
        name: Some("Al".into()),
        email: Some("a@example.org".into()),
        extra,
    }
}

#[test]
fn issued_tokens_are_good_here() {
    for rules in [
        ClaimRules::default(),
        ClaimRules {
            user_claim: Some("uid".into()),
            audiences: vec!["us".into()],
            issuers: vec!["them".into()],
            ..ClaimRules::default()
        },
    ] {
        let token = issue(&Secret::new(SECRET), &rules, &grant(json!({"roles":["admin"]})), NOW).unwrap();
        let identity = bearer(&auth(false, Some(SECRET), rules), &token).unwrap();
        assert_eq!(identity.id.as_str(), "alice");
        assert_eq!(identity.name.as_deref(), Some("Al"));
        assert_eq!(identity.email.as_deref(), Some("a@example.org"));
        assert_eq!(identity.ends, Some(Millis(1_795_000_900_000)));
    }
}

#[test]
fn tokens_that_are_not_issued() {
    let issue = |grant| issue(&Secret::new(SECRET), &ClaimRules::default(), &grant, NOW).unwrap_err();
    assert_eq!(issue(grant(json!({"exp":1}))), NotIssued::Taken("exp".into()));
    assert_eq!(issue(grant(json!({"sub":"bob"}))), NotIssued::Taken("sub".into()));
    assert_eq!(issue(grant(json!({"user_id":"bob"}))), NotIssued::Useless(Fault::UsersDiffer));
    assert_eq!(issue(Grant { ttl_ms: 0, ..grant(json!({})) }), NotIssued::Useless(Fault::Expired));
    assert_eq!(issue(Grant { ttl_ms: u64::MAX, ..grant(json!({})) }), NotIssued::Useless(Fault::Time("exp")));
    let service = Grant { user: UserId::new("service:x").unwrap(), extra: Map::new(), ..grant(json!({})) };
    assert_eq!(issue(service), NotIssued::Useless(Fault::Reserved));
    // Where the e-mail address is the id, another address would make it somebody else's token.
    let rules = ClaimRules { user_claim: Some("email".into()), ..ClaimRules::default() };
    let by_email = |email: &str| {
        let grant = Grant { email: Some(email.into()), ..grant(json!({})) };
        crate::auth::issue(&Secret::new(SECRET), &rules, &grant, NOW)
    };
    assert_eq!(by_email("bob"), Err(NotIssued::Taken("email".into())));
    assert!(by_email("alice").is_ok());
    let long = "x".repeat(9000);
    assert_eq!(issue(grant(json!({ "x": long }))), NotIssued::Useless(Fault::TooLong));
}

#[test]
fn secrets_and_credentials_are_not_printed() {
    assert_eq!(format!("{:?}", Secret::new(SECRET)), "Secret(…)");
    let settings = Settings { secret: Some(Secret::new(SECRET)), ..Settings::default() };
    assert!(!format!("{settings:?}").contains(SECRET));
}
