//! Signed requests: those of botocore, recorded by `tests/aws/vectors.py`, are taken; with anything altered they are not.

use std::collections::BTreeSet;

use domain::id::Millis;
use serde::Deserialize;

use crate::auth::{AccessKeys, BadSignature, SKEW_MS, SignedHead};

/// 2026-11-28T11:30:55Z, when everything was signed.
const AT: Millis = Millis(1_795_865_455_000);
const KEY: &str = "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[derive(Debug, Clone, Deserialize)]
struct Request {
    name: String,
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    fn header(&mut self, name: &str) -> &mut String {
        let found = self.headers.iter_mut().find(|(given, _)| given == name);
        &mut found.unwrap_or_else(|| panic!("no {name}")).1
    }

    fn check(&self, keys: &AccessKeys, now: Millis) -> Result<(), BadSignature> {
        let Self { method, path, query, headers, .. } = self;
        keys.read(SignedHead { method, path, query, headers }, now)?.check(self.body.as_bytes())
    }
}

fn recorded() -> Vec<Request> {
    serde_json::from_str(include_str!("signed.json")).expect("it was written as JSON")
}

fn keys() -> AccessKeys {
    AccessKeys::parse(&["OTHER:a secret of another".to_owned(), KEY.to_owned()]).expect("good keys")
}

#[test]
fn what_botocore_signs_is_taken() {
    let all = recorded();
    assert_eq!(all.len(), 10);
    for request in &all {
        assert_eq!(request.check(&keys(), AT), Ok(()), "{}", request.name);
    }
}

/// curl 8.12 and later sign as AWS has it (here 8.23). 7.88 signs the path as it stands, without encoding it once more; AWS
/// doesn't take that, and neither do we. What it signs is good where it is told to send another path.
#[test]
fn what_curl_signs() {
    let encoded = "/production/%40connections/L0SM9cOFvHcCIhw%3D";
    for (what, port, second, signature, expected) in [
        ("8.23", 46683, 13, "43ed5b56c7ac5218e7fb31292d8fd9de97c9c7c733803227257e3d032039dffe", Ok(())),
        (
            "7.88.1",
            38361,
            11,
            "57e25fcb73b1a2e88678621422be7b8e8637d889a988c5eafc3eb5e1a0cda579",
            Err(BadSignature::Mismatch),
        ),
        (encoded, 46695, 13, "333c0f851ef1f82a4ad93ba15fff7a367489df46f56e62b3da5e8c98ba09a1ec", Ok(())),
    ] {
        let scope = "AKIDEXAMPLE/20261128/us-east-1/execute-api/aws4_request";
        let fields = format!("Credential={scope}, SignedHeaders=host;x-amz-date, Signature={signature}");
        let headers = [
            ("host", format!("127.0.0.1:{port}")),
            ("authorization", format!("AWS4-HMAC-SHA256 {fields}")),
            ("x-amz-date", format!("20261128T1453{second}Z")),
        ];
        let request = Request {
            name: what.into(),
            method: "POST".into(),
            path: "/production/@connections/L0SM9cOFvHcCIhw=".into(),
            query: String::new(),
            headers: headers.map(|(name, value)| (name.into(), value)).into(),
            body: r#"{"a":1}"#.into(),
        };
        assert_eq!(request.check(&keys(), Millis(1_795_877_593_000)), expected, "{what}");
    }
}

/// A proxy in front may write the same path in another way.
#[test]
fn a_path_that_was_encoded_anew_on_the_way_is_the_same() {
    let post = &recorded()[0];
    for (from, to) in [("@", "%40"), ("%3D", "="), ("%3D", "%3d"), ("ab_", "%61b_")] {
        let path = post.path.replace(from, to);
        assert_eq!(Request { path: path.clone(), ..post.clone() }.check(&keys(), AT), Ok(()), "{path}");
    }
    let other = Request { path: post.path.replace("%3D", "%253D"), ..post.clone() };
    assert_eq!(other.check(&keys(), AT), Err(BadSignature::Mismatch), "but not what decodes to another");
}

/// Alters a request.
type Alter = fn(&mut Request);

#[test]
fn nothing_that_was_altered_is_taken() {
    let alter: &[(&str, Alter)] = &[
        ("another body", |request| request.body.push(' ')),
        ("no body", |request| request.body.clear()),
        ("another method", |request| request.method = "DELETE".into()),
        ("another connection", |request| request.path = request.path.replace("ab_", "ac_")),
        ("another stage", |request| request.path = request.path.replace("production", "staging")),
        ("a query", |request| request.query = "a=1".into()),
        ("another host", |request| *request.header("host") = "chat.example".into()),
        ("another second", |request| *request.header("x-amz-date") = "20261128T113056Z".into()),
        ("a hash of another body", |request| request.headers.push(("x-amz-content-sha256".into(), "0".repeat(64)))),
        ("a body that is said not to be signed", |request| {
            request.headers.push(("x-amz-content-sha256".into(), "UNSIGNED-PAYLOAD".into()));
        }),
        ("another signature", |request| {
            let header = request.header("authorization");
            let last = if header.ends_with('0') { "1" } else { "0" };
            header.replace_range(header.len() - 1.., last);
        }),
        ("another region", |request| {
            let header = request.header("authorization");
            *header = header.replace("us-east-1", "us-east-2");
        }),
        ("a second host in the signed one's place", |request| request.headers.push(("host".into(), "other".into()))),
    ];
    for (what, alter) in alter {
        let mut request = recorded().swap_remove(0);
        alter(&mut request);
        assert_eq!(request.check(&keys(), AT), Err(BadSignature::Mismatch), "{what}");
    }
}

#[test]
fn another_secret_or_an_unknown_key() {
    let post = &recorded()[0];
    let with = |key: &str| post.check(&AccessKeys::parse(&[key.to_owned()]).expect("a good key"), AT);
    assert_eq!(with("AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEx"), Err(BadSignature::Mismatch));
    assert_eq!(with("AKIDEXAMPLF:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), Err(BadSignature::UnknownKey));
    assert_eq!(post.check(&AccessKeys::default(), AT), Err(BadSignature::UnknownKey), "no key, nobody");
}

#[test]
fn a_signature_is_good_for_five_minutes() {
    let post = &recorded()[0];
    for (now, expected) in [
        (AT.0 + SKEW_MS, Ok(())),
        (AT.0 - SKEW_MS, Ok(())),
        (AT.0 + SKEW_MS + 1, Err(BadSignature::Stale)),
        (AT.0 - SKEW_MS - 1, Err(BadSignature::Stale)),
        (0, Err(BadSignature::Stale)),
        (u64::MAX, Err(BadSignature::Stale)),
    ] {
        assert_eq!(post.check(&keys(), Millis(now)), expected, "{now}");
    }
}

#[test]
fn heads_that_are_no_signatures() {
    let post = &recorded()[0];
    let good = post.clone().header("authorization").clone();
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replace(from, to)
    };
    for (authorization, expected) in [
        (String::new(), BadSignature::Missing),
        ("Bearer x".into(), BadSignature::Missing),
        (changed("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), BadSignature::Missing),
        (changed("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256"), BadSignature::Missing),
        ("AWS4-HMAC-SHA256 ".into(), BadSignature::Missing),
        ("AWS4-HMAC-SHA256 x".into(), BadSignature::Malformed),
        (changed("/execute-api/", "/s3/"), BadSignature::Malformed),
        (changed("/aws4_request", "/aws5_request"), BadSignature::Malformed),
        (changed("/us-east-1/", "//"), BadSignature::Malformed),
        (changed("/us-east-1/", "/"), BadSignature::Malformed),
        (changed("/20261128/", "/20261127/"), BadSignature::Malformed),
        (changed("SignedHeaders=host;x-amz-date", "SignedHeaders=x-amz-date"), BadSignature::Malformed),
        (changed("SignedHeaders=host;x-amz-date", "SignedHeaders=host"), BadSignature::Malformed),
        (changed("SignedHeaders=host;x-amz-date", "SignedHeaders=x-amz-date;host"), BadSignature::Malformed),
        (changed("SignedHeaders=host;", "SignedHeaders=host;host;"), BadSignature::Malformed),
        (changed("SignedHeaders=host;", "SignedHeaders=gone;host;"), BadSignature::Malformed),
        (changed("Signature=", "Signature=A"), BadSignature::Malformed),
        (changed("Signature=", "Signatur="), BadSignature::Malformed),
        (changed("Signature=", "Signature=0, Signature="), BadSignature::Malformed),
        (format!("{good}{}", " ".repeat(5000) + "x"), BadSignature::Malformed),
    ] {
        let mut request = post.clone();
        *request.header("authorization") = authorization.clone();
        assert_eq!(request.check(&keys(), AT), Err(expected), "{authorization:.80}");
    }
    let mut twice = post.clone();
    twice.headers.push(("authorization".into(), good.clone()));
    assert_eq!(twice.check(&keys(), AT), Err(BadSignature::Missing), "which of the two?");
    for time in [
        "",
        "20261128",
        "20261128T113055",
        "20261328T113055Z",
        "20261128T253055Z",
        "2026-11-28T11:30Z",
        "+0261128T113055Z",
    ] {
        let mut request = post.clone();
        *request.header("x-amz-date") = time.into();
        assert_eq!(request.check(&keys(), AT), Err(BadSignature::Malformed), "{time}");
    }
}

#[test]
fn keys_as_an_operator_writes_them() {
    let parse = |keys: &[&str]| AccessKeys::parse(&keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
    assert!(parse(&[]).is_ok_and(|keys| keys.is_empty()));
    let two = parse(&["a:b:c", "A.b-c_d:se=cr/et+"]).expect("a secret may have colons");
    assert_eq!((two.is_empty(), two.shortest()), (false, Some(3)));
    assert!(!format!("{two:?}").contains("se=cr"), "no secret is shown");
    let long = format!("{}:s", "a".repeat(129));
    let wrong: BTreeSet<&str> = [&["a"][..], &[":s"], &["a b:s"], &["a:"], &["a:s", "a:t"], &[&long]]
        .iter()
        .map(|keys| parse(keys).expect_err("it is wrong"))
        .collect();
    assert_eq!(wrong.len(), 4, "each kind in words of its own: {wrong:?}");
    let many: Vec<String> = (0..65).map(|number| format!("k{number}:s")).collect();
    assert!(AccessKeys::parse(&many[..64]).is_ok() && AccessKeys::parse(&many).is_err());
}
