//! Keys for tests, as an issuer has them: they sign tokens, and show their public half.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256};
use aws_lc_rs::{rsa, signature};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A key of one of the three kinds.
pub(super) enum Signer {
    Rsa(Box<rsa::KeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The two numbers of an RSA key in DER (RFC 8017, A.1.1): a sequence of two integers.
fn numbers(der: &[u8]) -> [Vec<u8>; 2] {
    let take = |at: &mut usize| {
        let first = der[*at + 1];
        let long = usize::from(first & 0x7f) * usize::from(first >> 7);
        let length = der[*at + 2..*at + 2 + long].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        *at += 2 + long;
        if long == 0 { usize::from(first) } else { length }
    };
    let mut at = 0;
    take(&mut at);
    [(); 2].map(|()| {
        let length = take(&mut at);
        at += length;
        der[at - length..at].iter().copied().skip_while(|byte| *byte == 0).collect()
    })
}

impl Signer {
    pub(super) fn rsa(size: rsa::KeySize) -> Self {
        Self::Rsa(Box::new(rsa::KeyPair::generate(size).expect("it is random")))
    }

    pub(super) fn ec() -> Self {
        Self::Ec(Box::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("it is random")))
    }

    pub(super) fn ed() -> Self {
        Self::Ed(Box::new(Ed25519KeyPair::generate().expect("it is random")))
    }

    /// One of each kind.
    pub(super) fn all() -> [Self; 3] {
        [Self::rsa(rsa::KeySize::Rsa2048), Self::ec(), Self::ed()]
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    /// Its public half as a set has it.
    pub(super) fn jwk(&self, kid: &str) -> Value {
        let mut jwk = match self {
            Self::Rsa(key) => {
                let [n, e] = numbers(key.public_key().as_ref());
                json!({"kty": "RSA", "n": b64(n), "e": b64(e)})
            }
            Self::Ec(key) => {
                let point = key.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])})
            }
            Self::Ed(key) => json!({"kty": "OKP", "crv": "Ed25519", "x": b64(key.public_key().as_ref())}),
        };
        jwk["kid"] = kid.into();
        jwk
    }

    /// The same in PEM.
    pub(super) fn pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = match self {
            Self::Rsa(key) => key.public_key().as_der(),
            Self::Ec(key) => key.public_key().as_der(),
            Self::Ed(key) => key.public_key().as_der(),
        }
        .expect("it can be written");
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der.as_ref()))
    }

    /// A token of exactly these texts.
    pub(super) fn token(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", b64(header), b64(claims));
        let (random, message) = (SystemRandom::new(), signed.as_bytes());
        let signature = match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("it signs");
                signature
            }
            Self::Ec(key) => signature_of(key.sign(&random, message).expect("it signs")),
            Self::Ed(key) => signature_of(key.sign(message)),
        };
        format!("{signed}.{}", b64(signature))
    }
}

fn signature_of(signature: signature::Signature) -> Vec<u8> {
    signature.as_ref().to_vec()
}
