//! Whether the settings make a server that is safe to start: who can reach it, and by what it knows them.

use std::net::SocketAddr;

use super::layers::Problem;
use super::origins::Origins;
use super::read::{Reader, optional};
use super::table::{AUTH_SERVICE_URL, JWKS_URL, RABBITMQ_URL};
use super::{Config, parse};

/// Shortest secret where strangers can reach us, in bytes (RULES 8).
const SECRET_BYTES_MIN: usize = 32;
/// The secrets that the contracts and the services that speak them show: everybody knows these. Compared without case.
const SAMPLES: [&str; 8] = [
    "your-secret-key",
    "your-jwt-secret-key",
    "your-secret",
    "your_jwt_secret_for_development_only",
    "0128899",
    "fallback-secret-key",
    "smapp_jwt_secret",
    "dev-internal-key",
];
/// The contract shows `dev-secret-key...`, and leaves open how it goes on.
const SAMPLE_PREFIX: &str = "dev-secret-key";

/// Decides on development mode, fills in what follows from it, and says what stops the start.
pub(super) fn check(mut config: Config, reader: &mut Reader<'_>) -> Config {
    let dev_mode = reader.take("DEV_MODE", |text| optional(text, parse::boolean));
    later(reader);
    addresses(&config, reader);
    timing(&config, reader);
    secrets(&config, reader);
    integration(&config, reader);
    broker(&config, reader);
    let development = development(&config, dev_mode, reader);
    auth_service(&config, development, reader);
    published_keys(&config, reader);
    config.auth.development = development;
    config.policy.development = development;
    if !reader.layers.is_said("CORS_ORIGINS") {
        config.origins = if development { Origins::Loopback } else { Origins::Any };
    }
    if !development && !config.trusted_doors.is_empty() {
        reader.warnings.push(format!(
            "TRUST_USER_ID: at these doors anybody is who they say, unless a proxy in front knows better: {}",
            config.trusted_doors.join(", ")
        ));
    }
    config
}

/// RULES 6: on when nobody else can reach us and neither a key nor an Auth Service is known, or when it is asked for and nobody else can reach us.
fn development(config: &Config, dev_mode: Option<bool>, reader: &mut Reader<'_>) -> bool {
    let reached = outside(config);
    let keyed = config.auth.has_key() || config.auth.service.is_some();
    let (name, what) = match (dev_mode, reached) {
        (Some(true), None) => return true,
        (None, None) => return !keyed,
        (Some(true), Some(address)) => (
            "DEV_MODE",
            format!(
                "development mode believes anybody, and {address} is not loopback: listen on 127.0.0.1, or unset it"
            ),
        ),
        (Some(false) | None, _) if keyed => return false,
        (Some(false), None) => (
            "JWT_SECRET",
            "DEV_MODE is false and no key is configured, so nobody could get in: set JWT_SECRET or JWT_SECRET_FILE, \
             JWT_PUBLIC_KEY_FILE, JWT_JWKS_URL or AUTH_SERVICE_URL"
                .into(),
        ),
        (Some(false) | None, address) => (
            "JWT_SECRET",
            format!(
                "no key is configured, and {} is not loopback: set JWT_SECRET or JWT_SECRET_FILE to {SECRET_BYTES_MIN} \
                 random bytes or more, or JWT_PUBLIC_KEY_FILE, JWT_JWKS_URL or AUTH_SERVICE_URL, or listen on 127.0.0.1 for development mode",
                address.map(|address| address.to_string()).unwrap_or_default()
            ),
        ),
    };
    reader.problems.push(Problem::new(name, what));
    false
}

/// An address at which others can reach us.
fn outside(config: &Config) -> Option<SocketAddr> {
    config.listen.iter().copied().find(|address| !address.ip().to_canonical().is_loopback())
}

fn secrets(config: &Config, reader: &mut Reader<'_>) {
    if outside(config).is_none() {
        return;
    }
    if config.backends.keys.shortest().is_some_and(|shortest| shortest < SECRET_BYTES_MIN) {
        let what = format!("has a secret shorter than {SECRET_BYTES_MIN} bytes, where others can reach us");
        reader.problems.push(Problem::new("GATEWAY_ACCESS_KEYS", what));
    }
    let all = [("JWT_SECRET", &config.auth.secret), ("INTERNAL_SERVICE_KEY", &config.auth.internal_key)];
    for (name, secret) in all.into_iter().filter_map(|(name, secret)| Some((name, secret.as_ref()?.expose()))) {
        let lower = secret.trim().to_ascii_lowercase();
        if SAMPLES.contains(&lower.as_str()) || lower.starts_with(SAMPLE_PREFIX) {
            reader.problems.push(Problem::new(name, "is a sample value that everybody knows: make one of your own"));
        } else if name == "JWT_SECRET" && secret.len() < SECRET_BYTES_MIN {
            let what =
                format!("is shorter than {SECRET_BYTES_MIN} bytes, which is too short where others can reach us");
            reader.problems.push(Problem::new(name, what));
        }
    }
}

/// RULES 5: development mode asks nobody, and whoever is asked is shown everybody's tokens.
fn auth_service(config: &Config, development: bool, reader: &mut Reader<'_>) {
    let Some(service) = &config.auth.service else { return };
    if development {
        reader.warnings.push(format!("{AUTH_SERVICE_URL} is not asked in development mode"));
    } else if service.is_plain() && !service.is_loopback() {
        reader.warnings.push(format!(
            "{AUTH_SERVICE_URL} is plain http: whoever is on the way to it reads every token and can answer in its place"
        ));
    }
}

/// Whoever changes keys on the way is whoever they like.
fn published_keys(config: &Config, reader: &mut Reader<'_>) {
    if config.auth.published_keys.as_ref().is_some_and(|url| url.is_plain() && !url.is_loopback()) {
        reader.warnings.push(format!("{JWKS_URL} is plain http: whoever is on the way to it can let anybody in"));
    }
}

/// Routes without a URL are nobody's; a URL without routes is told nothing.
fn integration(config: &Config, reader: &mut Reader<'_>) {
    // A URL that can't be read is a problem of its own.
    let url = config.backends.url.is_some() || reader.problems.iter().any(|one| one.name == "GATEWAY_INTEGRATION_URL");
    if !url && !config.backends.routes.is_empty() {
        let what = "names routes, and there is no GATEWAY_INTEGRATION_URL to take them";
        reader.problems.push(Problem::new("GATEWAY_INTEGRATION_ROUTES", what));
    }
    if config.backends.url.is_some() && config.backends.routes.is_empty() {
        reader.warnings.push("GATEWAY_INTEGRATION_URL is told nothing: GATEWAY_INTEGRATION_ROUTES is empty".into());
    }
}

/// Every message that is kept passes there.
fn broker(config: &Config, reader: &mut Reader<'_>) {
    if config.broker.as_ref().is_some_and(|broker| broker.is_bare) {
        reader.warnings.push(format!(
            "{RABBITMQ_URL} is plain amqp: whoever is on the way to it reads every message, and the password"
        ));
    }
}

/// RULES 27. Who is told to use another engine, and has it not, doesn't start.
fn later(reader: &mut Reader<'_>) {
    for (name, feature) in &reader.layers.later {
        let what = format!("asks for {feature}, which this version does not have: unset it");
        reader.problems.push(Problem::new(name, what));
    }
}

fn addresses(config: &Config, reader: &mut Reader<'_>) {
    let all: Vec<SocketAddr> = config.listen.iter().copied().chain(config.internal_listen).collect();
    for (index, address) in all.iter().enumerate() {
        if address.port() != 0 && all[..index].contains(address) {
            let name = if index < config.listen.len() { "LISTEN" } else { "INTERNAL_LISTEN" };
            reader.problems.push(Problem::new(name, format!("{address} is listened on already")));
        }
    }
}

fn timing(config: &Config, reader: &mut Reader<'_>) {
    let timing = config.timing;
    if timing.ping_period_ms >= timing.pong_wait_ms {
        reader.problems.push(Problem::new(
            "CHAT_PING_PERIOD, CHAT_PONG_WAIT",
            "the ping period must be below the pong wait, else every connection is cut before its first pong",
        ));
    }
    if timing.ping_period_ms >= timing.read_timeout_ms {
        reader.warnings.push(
            "CHAT_READ_TIMEOUT is not above CHAT_PING_PERIOD: clients that only listen are cut between two pings"
                .into(),
        );
    }
}
