//! Who decides about what: key, Auth Service and development mode, each there or not. And the key of an auth service.

use std::sync::mpsc;

use domain::id::UserId;
use domain::identity::{Denied, Scopes, Standing};

use super::*;
use crate::auth::ServiceUrl;
use crate::auth::desk::{Calls, Desk, Who};

fn settings(development: bool, secret: bool, service: bool) -> Settings {
    Settings {
        development,
        secret: secret.then(|| Secret::new(SECRET)),
        service: service.then(|| ServiceUrl::parse("http://localhost:4000").unwrap()),
        ..Settings::default()
    }
}

/// A verdict in a word: who, why not, or that it takes a while.
fn word(verdict: Verdict) -> String {
    match verdict {
        Verdict::Known(Ok(identity)) => identity.id.to_string(),
        Verdict::Known(Err(denied)) => format!("{denied:?}"),
        Verdict::Wait => "waits".into(),
    }
}

fn credential(token: &str) -> Credential {
    Credential::Bearer(Text::from(token))
}

fn named(id: &str) -> Who {
    Who { id: UserId::new(id).unwrap(), name: None, email: None }
}

/// A judge whose Auth Service is this test.
struct Attended {
    auth: Auth,
    desk: Arc<Desk>,
    calls: Calls,
}

impl Attended {
    fn new(secret: bool, rules: ClaimRules) -> Self {
        let settings = Settings { rules, ..settings(false, secret, true) };
        let (desk, calls) = Desk::new();
        Self { auth: Auth::at(&settings, Arc::new(KeyRing::default()), Some(desk.clone()), None), desk, calls }
    }

    fn at_once(&self, token: &str, now: Millis) -> String {
        word(self.auth.identify(&credential(token), Trust::Proof, now))
    }

    /// Asks about a token, of which the service says this: the answer, and how many calls that took.
    fn answer(&mut self, token: &str, said: &Result<Who, Denied>) -> (Result<Identity, Denied>, usize) {
        let (sender, heard) = mpsc::channel();
        let then = Box::new(move |answer| sender.send(answer).unwrap());
        self.auth.ask(&credential(token), Trust::Proof, NOW, then);
        let calls = self.calls.answer_all(&self.desk, said).len();
        (heard.try_recv().unwrap(), calls)
    }
}

#[test]
fn who_decides_about_a_token() {
    let good = signed(HEADER, CLAIMS);
    let forged = token(HEADER, CLAIMS, b"another key", Algorithm::HS256);
    for (development, secret, service, token, expected) in [
        (true, false, false, "bob", "bob"),
        (true, false, false, &*forged, "alice"),
        (true, true, false, &good, "alice"),
        (true, true, false, &forged, "Invalid"),
        (false, true, false, &good, "alice"),
        (false, true, false, &forged, "Invalid"),
        (false, false, false, &good, "Invalid"),
        // Development mode asks nobody (RULES 5).
        (true, false, true, "bob", "bob"),
        (true, true, true, &good, "alice"),
        (true, true, true, &forged, "Invalid"),
        // What fails the signature never reaches the service.
        (false, true, true, &good, "waits"),
        (false, true, true, &forged, "Invalid"),
        (false, true, true, "opaque", "Invalid"),
        (false, false, true, &good, "waits"),
        (false, false, true, &forged, "waits"),
        (false, false, true, "opaque", "waits"),
        // Nor does what no token looks like.
        (false, false, true, "two words", "Invalid"),
        (false, false, true, "a\r\nX-Other: b", "Invalid"),
        (false, false, true, "ä", "Invalid"),
        (false, false, true, "", "Missing"),
    ] {
        let settings = settings(development, secret, service);
        let (opened, chores) = Auth::open(&settings, Arc::default()).unwrap();
        assert_eq!(
            chores.asking.is_some(),
            service && !development,
            "in the other modes there is nothing that connects"
        );
        for auth in [opened, Auth::new(&settings, Arc::default())] {
            let found = word(auth.identify(&credential(token), Trust::Proof, NOW));
            assert_eq!(found, expected, "{development} {secret} {service} {token:.20}");
        }
    }
    let strict = Attended::new(false, ClaimRules::default());
    assert_eq!(strict.at_once(&"x".repeat(crate::auth::TOKEN_BYTES_MAX + 1), NOW), "Invalid");
    // Nobody attends it: down means no.
    let (auth, said) = (Auth::new(&settings(false, false, true), Arc::default()), mpsc::channel());
    let then = Box::new(move |answer| said.0.send(answer).unwrap());
    auth.ask(&credential("opaque"), Trust::Proof, NOW, then);
    assert_eq!(said.1.try_recv(), Ok(Err(Denied::Unavailable)));
}

#[test]
fn the_service_and_the_token_have_to_agree() {
    let good = signed(HEADER, CLAIMS);
    let named_too = signed(HEADER, r#"{"sub":"alice","exp":1795000900,"username":"Al","email":"a@token"}"#);
    let full = Who { name: Some("Alice".into()), email: Some("a@service".into()), ..named("alice") };
    for (secret, token, said, expected) in [
        (true, &*good, Ok(named("alice")), Ok(("alice", None, None))),
        (true, &good, Ok(named("bob")), Err(Denied::Invalid)),
        (true, &good, Ok(named("Alice")), Err(Denied::Invalid)),
        (true, &good, Err(Denied::Invalid), Err(Denied::Invalid)),
        (true, &good, Err(Denied::Unavailable), Err(Denied::Unavailable)),
        (true, &named_too, Ok(named("alice")), Ok(("alice", Some("Al"), Some("a@token")))),
        (true, &named_too, Ok(full.clone()), Ok(("alice", Some("Alice"), Some("a@service")))),
        // Without a key a token's claims say nothing of who it is.
        (false, &named_too, Ok(named("bob")), Ok(("bob", None, None))),
        (false, "opaque", Ok(full), Ok(("alice", Some("Alice"), Some("a@service")))),
    ] {
        let mut attended = Attended::new(secret, ClaimRules::default());
        let (answer, calls) = attended.answer(token, &said);
        let found = answer.as_ref().map(|is| (is.id.as_str(), is.name.as_deref(), is.email.as_deref()));
        assert_eq!((found.map_err(|denied| *denied), calls), (expected, 1), "{said:?}");
        let again = attended.at_once(token, NOW);
        let unknown = said == Err(Denied::Unavailable);
        assert_eq!(again, if unknown { "waits".into() } else { word(Verdict::Known(answer)) }, "{said:?}");
    }
}

#[test]
fn a_token_ends_when_it_says_so() {
    // It ends in two seconds.
    let (claims, ends) = (r#"{"sub":"alice","exp":1795000002}"#, NOW.plus(2_000));
    let token = signed(HEADER, claims);
    for secret in [true, false] {
        let mut attended = Attended::new(secret, ClaimRules::default());
        let (answer, calls) = attended.answer(&token, &Ok(named("alice")));
        assert_eq!((answer.unwrap().ends, calls), (Some(ends), 1));
        assert_eq!(attended.at_once(&token, NOW.plus(1_999)), "alice");
        assert_eq!(attended.at_once(&token, ends), "Expired", "and nobody is asked");
    }
    let rules = |require_exp| ClaimRules { require_exp, audiences: vec!["us".into()], ..ClaimRules::default() };
    let unsigned = |claims| format!("{}.{}.x", b64(HEADER), b64(claims));
    for (claims, require_exp, expected) in [
        (r#"{"exp":1795000900,"aud":"us"}"#, true, "waits"),
        (r#"{"exp":1795000900,"aud":"them"}"#, true, "Invalid"),
        (r#"{"exp":"soon","aud":"us"}"#, true, "Invalid"),
        (r#"{"exp":1795000900,"aud":"us","nbf":1795000061}"#, true, "Invalid"),
        (r#"{"aud":"us"}"#, true, "Invalid"),
        (r#"{"aud":"us"}"#, false, "waits"),
        ("no claims", true, "waits"),
    ] {
        let attended = Attended::new(false, rules(require_exp));
        assert_eq!(attended.at_once(&unsigned(claims), NOW), expected, "{claims}");
    }
}

#[test]
fn keys_and_trusted_claims_are_not_the_services_to_judge() {
    let attended = Attended::new(false, ClaimRules::default());
    let key = Credential::Key("sbk_x".into());
    assert_eq!(word(attended.auth.identify(&key, Trust::Proof, NOW)), "Invalid");
    let claimed = Credential::Claimed("alice".into());
    assert_eq!(word(attended.auth.identify(&claimed, Trust::Claim, NOW)), "alice");
    assert_eq!(word(attended.auth.identify(&claimed, Trust::Proof, NOW)), "Invalid");
}

#[test]
fn an_operator_is_told_what_is_open() {
    let good = signed(HEADER, CLAIMS);
    assert!(bearer(&Attended::new(true, ClaimRules::default()).auth, &good).is_ok());
    assert_eq!(bearer(&Attended::new(false, ClaimRules::default()).auth, &good), Err(Fault::NotAsked));
}

#[test]
fn the_key_of_an_auth_service() {
    for (development, configured, shown, expected) in [
        (true, None, "anything", Ok(())),
        (true, None, "", Err(Fault::Missing)),
        (true, Some("the key"), "the key", Ok(())),
        (true, Some("the key"), "another", Err(Fault::UnknownKey)),
        (false, None, "anything", Err(Fault::NoInternalKey)),
        (false, Some("the key"), "the key", Ok(())),
        (false, Some("the key"), "the key ", Err(Fault::UnknownKey)),
        (false, Some("the key"), "The key", Err(Fault::UnknownKey)),
        (false, Some("the key"), "", Err(Fault::Missing)),
    ] {
        let internal_key = configured.map(Secret::new);
        let settings = Settings { internal_key, ..settings(development, true, false) };
        let auth = Auth::new(&settings, Arc::default());
        let shown = Credential::Internal(shown.into());
        let found = auth.examine(&shown, Trust::Claim, NOW);
        assert_eq!(
            found.as_ref().map(|_| ()).map_err(|fault| *fault),
            expected,
            "{development} {configured:?} {shown:?}"
        );
        if let Ok(identity) = found {
            assert_eq!((identity.id.as_str(), identity.ends), ("service:auth", None));
            assert_eq!(identity.standing, Standing::Service(Scopes::USERS));
        }
    }
    // Nobody else has that scope: no name for it, and no row can say it.
    assert!(Scopes::NAMED.iter().all(|(_, scope)| !scope.has(Scopes::USERS)));
    assert!(!Scopes::from_bits(u8::MAX).has(Scopes::USERS));
    assert!(!format!("{:?}", Credential::Internal(SECRET.into())).contains(SECRET));
}
