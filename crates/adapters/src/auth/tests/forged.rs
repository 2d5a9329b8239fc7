//! THREATS T1 to T3: tokens that nobody may get in with, each with the reason that an operator is told. A client is
//! told `Invalid`, or `Expired` where it was good once.

use domain::id::BadId;
use domain::identity::Denied;

use super::*;
use crate::auth::TOKEN_BYTES_MAX;

type Row = (&'static str, String, Fault);

fn check(auth: &Auth, rows: &[Row]) -> usize {
    for (name, token, fault) in rows {
        assert_eq!(bearer(auth, token), Err(*fault), "{name}");
        let denied = if *fault == Fault::Expired { Denied::Expired } else { Denied::Invalid };
        let answer = auth.identify(&Credential::Bearer(Text::from(token.as_str())), Trust::Proof, NOW);
        assert_eq!(answer, Verdict::Known(Err(denied)), "{name}");
    }
    rows.len()
}

fn bent(token: &str, at: usize, with: &str) -> String {
    let mut parts: Vec<&str> = token.split('.').collect();
    parts[at] = with;
    parts.join(".")
}

/// A header's `alg` as JSON text, and the signature really made with the key.
fn alg(alg: &str) -> String {
    signed(&format!(r#"{{"typ":"JWT","alg":{alg}}}"#), CLAIMS)
}

fn header(more: &str, key: &[u8]) -> String {
    token(&format!(r#"{{"alg":"HS256",{more}}}"#), CLAIMS, key, Algorithm::HS256)
}

fn claims(claims: &str) -> String {
    signed(HEADER, claims)
}

#[test]
fn algorithms() {
    let unsigned = |alg: &str| format!("{}.{}.", b64(format!(r#"{{"alg":"{alg}"}}"#)), b64(CLAIMS));
    let public_key =
        b"-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----\n";
    let mut rows: Vec<Row> =
        ["none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "HMAC", "RS256", "ES256", "PS256", "EdDSA"]
            .into_iter()
            .map(|alg| ("unsigned, of any name", unsigned(alg), Fault::Algorithm))
            .collect();
    rows.extend([
        ("none, with the key's own signature", alg(r#""none""#), Fault::Algorithm),
        ("a list", alg(r#"["HS256"]"#), Fault::Algorithm),
        ("an object", alg(r#"{"HS256":true}"#), Fault::Algorithm),
        ("null", alg("null"), Fault::Algorithm),
        ("a number", alg("256"), Fault::Algorithm),
        ("missing", signed(r#"{"typ":"JWT"}"#, CLAIMS), Fault::Algorithm),
        ("another spelling of the name", signed(r#"{"Alg":"HS256"}"#, CLAIMS), Fault::Algorithm),
        ("said twice", signed(r#"{"alg":"HS256","alg":"none"}"#, CLAIMS), Fault::Object("header")),
        ("HS384 named, HS256 made", alg(r#""HS384""#), Fault::Algorithm),
        (
            "HS384 with the same secret",
            token(r#"{"alg":"HS384"}"#, CLAIMS, SECRET.as_bytes(), Algorithm::HS384),
            Fault::Algorithm,
        ),
        (
            "HS512 with the same secret",
            token(r#"{"alg":"HS512"}"#, CLAIMS, SECRET.as_bytes(), Algorithm::HS512),
            Fault::Algorithm,
        ),
        ("HS512 made, HS256 named", token(HEADER, CLAIMS, SECRET.as_bytes(), Algorithm::HS512), Fault::Signature),
        ("RS256 named", alg(r#""RS256""#), Fault::Algorithm),
        ("a public key as the secret", token(HEADER, CLAIMS, public_key, Algorithm::HS256), Fault::Signature),
    ]);
    assert_eq!(check(&strict(), &rows), 26);
}

#[test]
fn signatures_and_keys() {
    let good = claims(CLAIMS);
    let signature = good.rsplit('.').next().unwrap();
    let other = claims(r#"{"sub":"bob","exp":1795000900}"#);
    let last_bit = {
        // The last of 43 characters carries four bits; the two below them are spelled as zeros.
        let last = signature.chars().last().unwrap();
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
        format!("{}{next}", &signature[..42])
    };
    let flipped = {
        let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        bytes[31] ^= 1;
        b64(bytes)
    };
    let mut rows: Vec<Row> = vec![
        ("no signature", bent(&good, 2, ""), Fault::Signature),
        ("cut by a character", bent(&good, 2, &signature[..42]), Fault::Encoding("signature")),
        ("cut to half", bent(&good, 2, &signature[..20]), Fault::Signature),
        ("one bit off", bent(&good, 2, &flipped), Fault::Signature),
        ("one unused bit off", bent(&good, 2, &last_bit), Fault::Encoding("signature")),
        ("twice as long", bent(&good, 2, &format!("{signature}{signature}")), Fault::Signature),
        ("of another token", bent(&good, 2, other.rsplit('.').next().unwrap()), Fault::Signature),
        ("claims of another token", bent(&good, 1, other.split('.').nth(1).unwrap()), Fault::Signature),
        ("header of another token", bent(&good, 0, &b64(r#"{"alg":"HS256"}"#)), Fault::Signature),
        ("padded", format!("{good}="), Fault::Encoding("signature")),
        ("a blank behind", format!("{good} "), Fault::Encoding("signature")),
        ("a line end behind", format!("{good}\n"), Fault::Encoding("signature")),
        ("a blank before", format!(" {good}"), Fault::Encoding("header")),
        ("two parts", good.rsplit_once('.').unwrap().0.into(), Fault::Shape),
        ("four parts", format!("{good}.{signature}"), Fault::Shape),
        ("no parts", "alice".into(), Fault::Shape),
        ("only dots", "..".into(), Fault::Object("header")),
        ("the standard alphabet", bent(&good, 2, &"+/".repeat(21)), Fault::Encoding("signature")),
        ("not ASCII", bent(&good, 2, "ä"), Fault::Encoding("signature")),
        ("longer than 8 KiB", format!("{good}{}", "A".repeat(TOKEN_BYTES_MAX)), Fault::TooLong),
    ];
    for key in ["", "secret", "your-secret-key", "0128899", &SECRET[1..], &SECRET.to_uppercase()] {
        rows.push(("another key", token(HEADER, CLAIMS, key.as_bytes(), Algorithm::HS256), Fault::Signature));
    }
    assert_eq!(check(&strict(), &rows), 26);
}

#[test]
fn headers_that_bring_their_own_key() {
    let mine = b"the forger's own key, long enough";
    let jwk = format!(r#""jwk":{{"kty":"oct","alg":"HS256","k":"{}"}}"#, b64(mine));
    let rows: Vec<Row> = [
        jwk.as_str(),
        r#""jku":"https://forger.example/keys.json""#,
        r#""jku":"http://169.254.169.254/latest/meta-data""#,
        r#""x5u":"file:///dev/null""#,
        r#""x5c":["MIIB"]"#,
        r#""kid":"../../../../dev/null""#,
        r#""kid":"' UNION SELECT 'secret' --""#,
        r#""kid":"x; sleep 5 |""#,
        r#""kid":["a"]"#,
        r#""b64":false"#,
    ]
    .into_iter()
    .map(|more| ("another's key and where to find it", header(more, mine), Fault::Signature))
    .chain([
        ("an empty key by /dev/null", header(r#""kid":"/dev/null""#, b""), Fault::Signature),
        ("an extension to understand", header(r#""crit":["b64"],"b64":false"#, SECRET.as_bytes()), Fault::Critical),
        ("no extension to understand", header(r#""crit":null"#, SECRET.as_bytes()), Fault::Critical),
        ("a header that is a list", signed(r#"["alg","HS256"]"#, CLAIMS), Fault::Object("header")),
        ("a header that goes on", signed(r#"{"alg":"HS256"}{}"#, CLAIMS), Fault::Object("header")),
    ])
    .collect();
    assert_eq!(check(&strict(), &rows), 15);
}

#[test]
fn times() {
    let with = |more: &str| claims(&format!(r#"{{"sub":"alice",{more}}}"#));
    let mut rows: Vec<Row> = Vec::new();
    for exp in ["\"1795000900\"", "null", "true", "[1795000900]", "{}", "-1", "-1795000900", "1e300", "253402300800"] {
        rows.push(("exp that is no time", with(&format!(r#""exp":{exp}"#)), Fault::Time("exp")));
    }
    for exp in ["0", "1", "0.5", "1794999999", "1795000000", "1.795e9"] {
        rows.push(("exp that is over", with(&format!(r#""exp":{exp}"#)), Fault::Expired));
    }
    for exp in ["1e999", "-1e999", "Infinity", "NaN", "0x6B"] {
        rows.push(("exp that is no JSON", with(&format!(r#""exp":{exp}"#)), Fault::Object("claims")));
    }
    for name in ["nbf", "iat"] {
        for time in ["\"1795000000\"", "null", "false", "-5", "1e300"] {
            let token = with(&format!(r#""exp":1795000900,"{name}":{time}"#));
            let fault = if name == "nbf" { Fault::Time("nbf") } else { Fault::Time("iat") };
            rows.push(("a time that is none", token, fault));
        }
    }
    rows.extend([
        ("no exp", claims(r#"{"sub":"alice"}"#), Fault::Endless),
        ("exp said twice", with(r#""exp":1795000900,"exp":1995000900"#), Fault::Object("claims")),
        ("nbf ahead of the skew", with(r#""exp":1795000900,"nbf":1795000061"#), Fault::NotYet),
        ("iat ahead of the skew", with(r#""exp":1795000900,"iat":1795000061"#), Fault::FromTheFuture),
        ("a fraction ahead of the skew", with(r#""exp":1795000900,"nbf":1795000060.5"#), Fault::NotYet),
        ("milliseconds for seconds", with(r#""exp":1795000900000"#), Fault::Time("exp")),
        ("over, and not ours either", claims(r#"{"sub":"service:x","exp":1}"#), Fault::Reserved),
    ]);
    assert_eq!(check(&strict(), &rows), 37);
}

#[test]
fn audiences_and_issuers() {
    let rules = ClaimRules {
        audiences: vec!["us".into(), "our app".into()],
        issuers: vec!["https://auth.example".into()],
        ..ClaimRules::default()
    };
    let with = |more: &str| claims(&format!(r#"{{"sub":"alice","exp":1795000900{more}}}"#));
    let mut rows: Vec<Row> = Vec::new();
    for aud in [
        "",
        r#","aud":"them""#,
        r#","aud":"US""#,
        r#","aud":[]"#,
        r#","aud":["them"]"#,
        r#","aud":["us",1]"#,
        r#","aud":{"us":1}"#,
        r#","aud":null"#,
        r#","aud":"us our app""#,
    ] {
        rows.push(("aud", with(&format!(r#"{aud},"iss":"https://auth.example""#)), Fault::Audience));
    }
    for iss in [
        "",
        r#","iss":"https://auth.example/""#,
        r#","iss":"https://auth.example.evil""#,
        r#","iss":["https://auth.example"]"#,
        r#","iss":null"#,
        r#","iss":1"#,
    ] {
        rows.push(("iss", with(&format!(r#","aud":"us"{iss}"#)), Fault::Issuer));
    }
    assert_eq!(check(&auth(false, Some(SECRET), rules), &rows), 15);
}

#[test]
fn users() {
    let who = |who: &str| claims(&format!(r#"{{"exp":1795000900{who}}}"#));
    let rows: Vec<Row> = vec![
        ("nobody", who(""), Fault::NoUser),
        ("nobody, by null", who(r#","sub":null"#), Fault::NoUser),
        ("a name is nobody", who(r#","username":"alice","email":"a@example.org""#), Fault::NoUser),
        ("empty", who(r#","sub":"""#), Fault::User(BadId::Empty)),
        ("too long", who(&format!(r#","sub":"{}""#, "a".repeat(256))), Fault::User(BadId::TooLong)),
        ("with a line end", who(r#","sub":"a\nb""#), Fault::User(BadId::Control)),
        ("with a NUL", who(r#","sub":"a\u0000""#), Fault::User(BadId::Control)),
        ("half a character", who(r#","sub":"\ud800""#), Fault::Object("claims")),
        ("true", who(r#","sub":true"#), Fault::UserType),
        ("a list", who(r#","sub":["alice"]"#), Fault::UserType),
        ("an object", who(r#","sub":{"$ne":null}"#), Fault::UserType),
        ("a fraction", who(r#","sub":1.5"#), Fault::UserType),
        ("more digits than anybody keeps", who(r#","sub":123456789012345678901234567890"#), Fault::UserType),
        ("two", who(r#","sub":"alice","user_id":"bob""#), Fault::UsersDiffer),
        ("two, apart in case", who(r#","sub":"alice","userId":"Alice""#), Fault::UsersDiffer),
        ("two, a text and a number", who(r#","sub":"alice","id":7"#), Fault::UsersDiffer),
        ("sub said twice", who(r#","sub":"alice","sub":"bob""#), Fault::Object("claims")),
        ("sub said twice, once escaped", who(r#","sub":"alice","\u0073ub":"bob""#), Fault::Object("claims")),
        ("a back end", who(r#","sub":"service:billing""#), Fault::Reserved),
        ("claims that are a list", claims(r#"["sub","alice"]"#), Fault::Object("claims")),
        ("claims that are a text", claims(r#""alice""#), Fault::Object("claims")),
        ("claims that go on", claims(&format!("{CLAIMS}{CLAIMS}")), Fault::Object("claims")),
        ("claims that are empty", claims(""), Fault::Object("claims")),
        (
            "claims that aren't UTF-8",
            {
                let signed = format!("{}.{}", b64(HEADER), b64(b"{\"sub\":\"\xff\"}"));
                let key = EncodingKey::from_secret(SECRET.as_bytes());
                format!("{signed}.{}", crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap())
            },
            Fault::Object("claims"),
        ),
        (
            "nested beyond reason",
            claims(&format!(r#"{{"sub":"a","x":{}1{}}}"#, "[".repeat(2000), "]".repeat(2000))),
            Fault::Object("claims"),
        ),
    ];
    assert_eq!(check(&strict(), &rows), 25);
}

#[test]
fn nothing_is_refused_as_nothing() {
    for credential in [Credential::Bearer("".into()), Credential::Key("".into()), Credential::Claimed("".into())] {
        for development in [false, true] {
            let auth = auth(development, None, ClaimRules::default());
            assert_eq!(auth.identify(&credential, Trust::Claim, NOW), Verdict::Known(Err(Denied::Missing)));
        }
    }
}
