//! Authorities for tests, made on the spot, and what servers show that they vouch for: good, and in each way bad.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};

use super::secured;
use super::wire::Wire;

/// The name in the URL that a server is asked by.
pub(crate) const NAME: &str = "app.example";

/// What is right or wrong with what a server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Nothing is wrong.
    Good,
    /// An authority vouches for it that is not trusted here, though it bears the name of the one that is.
    OfAnother,
    /// It was good once.
    Expired,
    /// It will be.
    TooEarly,
    /// It is another server's.
    OtherName,
}

/// Everything that a server can show.
pub(crate) const ALL: [Shown; 5] = [Shown::Good, Shown::OfAnother, Shown::Expired, Shown::TooEarly, Shown::OtherName];

/// The way to a server that answers so and shows this, for whoever trusts one authority.
pub(crate) fn to(server: Wire, shown: Shown) -> hyper_rustls::HttpsConnector<Wire> {
    let trusted = authority();
    let voucher = if shown == Shown::OfAnother { &authority() } else { &trusted };
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone()).expect("it is an authority");
    secured(server.secured(server_config(voucher, shown)), roots).expect("the provider knows the usual versions")
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

fn server_config(voucher: &CertifiedIssuer<'_, KeyPair>, shown: Shown) -> ServerConfig {
    let name = if shown == Shown::OtherName { "other.example" } else { NAME };
    let (from, to) = match shown {
        Shown::Expired => (2000, 2001),
        Shown::TooEarly => (2998, 2999),
        Shown::Good | Shown::OfAnother | Shown::OtherName => (2000, 2999),
    };
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, voucher).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key))
        .expect("its own key")
}
