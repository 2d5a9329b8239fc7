//! From each setting's text to its value. What can't be read is a problem, and reading goes on, so that all problems
//! are said at once. Whether the values make sense together is asked in [`super::check`].

use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::path::PathBuf;

use adapters::HttpUrl;
use adapters::auth::{AccessKeys, ClaimRules, PublicKey, Secret, ServiceUrl, Settings};
use adapters::feed::{BrokerUrl, HAS_RABBITMQ};
use domain::limits::{Policy, SEATS_MAX, SEATS_MIN};

use super::layers::{Layers, Problem, Source};
use super::table::{AUTH_SERVICE_URL, JWKS_URL, RABBITMQ_URL};
use super::{Backends, Config, LogFormat, LogLevel, Paths, Timing, TokenEnd, origins, parse, store, table};

/// Routes that may go to the integration's URL; AWS's own bound for one API.
const ROUTES_MAX: usize = 300;
/// Longest key of a route, in bytes.
const ROUTE_BYTES_MAX: usize = 128;

/// Reads settings by name, and gathers what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) layers: &'a Layers,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(layers: &'a Layers) -> Self {
        Self { layers, problems: layers.problems.clone(), warnings: layers.warnings.clone() }
    }

    fn text(&self, name: &str) -> &str {
        &self.layers.value(name).text
    }

    /// A setting, read. One that can't be is a problem, and its default stands in so that reading goes on.
    pub(super) fn take<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, String>) -> T {
        read(self.text(name)).unwrap_or_else(|what| {
            self.problems.push(Problem::new(name, what));
            let setting = table::setting(name).expect("only names from the table are asked for");
            read(setting.default).expect("the table's defaults can be read, as a test shows")
        })
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(Secret::new)
    }

    pub(super) fn config(&mut self, doors: &[&'static str]) -> Config {
        let chosen = self.take("DIALECTS", |text| open_doors(text, doors));
        let number = |least, most| move |text: &str| parse::number(text, least, most);
        let size = |text: &str| parse::bytes(text, 1024, 16 << 20);
        Config {
            listen: self.listen(),
            internal_listen: self.take("INTERNAL_LISTEN", |text| {
                optional(text, |text| text.parse().map_err(|_| "must be address:port".into()))
            }),
            shards: self.take("SHARDS", |text| {
                let shards = parse::number(text, 0, 255)?;
                Ok(u8::try_from(shards).ok().and_then(NonZeroU8::new))
            }),
            data_dir: self.data_dir(),
            auth: Settings {
                development: false,
                secret: self.secret("JWT_SECRET"),
                public_key: self.take("JWT_PUBLIC_KEY", |text| {
                    optional(text, |text| PublicKey::from_pem(text).map_err(str::to_owned))
                }),
                published_keys: self.take(JWKS_URL, |text| optional(text, http_url)),
                rules: self.claim_rules(),
                service: self.take(AUTH_SERVICE_URL, |text| {
                    optional(text, |text| ServiceUrl::parse(text).map_err(str::to_owned))
                }),
                internal_key: self.secret("INTERNAL_SERVICE_KEY"),
            },
            trusted_doors: self.take("TRUST_USER_ID", |text| known_doors(text, doors)),
            token_end: self.take("TOKEN_END", |text| token_end(text, doors)),
            trusted_proxies: self.take("TRUSTED_PROXIES", |text| parse::list_of(text, parse::network)),
            connections_per_address_max: self.take("CONNECTIONS_PER_ADDRESS_MAX", number(0, u32::MAX)),
            origins: self.take("CORS_ORIGINS", |text| origins::read(&parse::list(text)?)),
            doors: if chosen.is_empty() { doors.to_vec() } else { chosen },
            rooms_persist: self.take("ROOMS_PERSIST", parse::boolean),
            docs: self.take("DOCS", parse::boolean),
            paths: self.paths(),
            gateway_ttl_ms: self.take("GATEWAY_CONNECTION_TTL", parse::span_ms),
            broker: self.broker(),
            backends: Backends {
                keys: self.take("GATEWAY_ACCESS_KEYS", access_keys),
                url: self.take("GATEWAY_INTEGRATION_URL", |text| optional(text, http_url)),
                routes: self.take("GATEWAY_INTEGRATION_ROUTES", route_keys),
                route_responses: self.take("GATEWAY_ROUTE_RESPONSES", parse::boolean),
            },
            timing: Timing {
                read_timeout_ms: self.take("CHAT_READ_TIMEOUT", parse::span_ms),
                write_timeout_ms: self.take("CHAT_WRITE_TIMEOUT", parse::span_ms),
                ping_period_ms: self.take("CHAT_PING_PERIOD", parse::span_ms),
                pong_wait_ms: self.take("CHAT_PONG_WAIT", parse::span_ms),
            },
            policy: Policy {
                development: false,
                open_rooms: self.take("OPEN_ROOMS", parse::boolean),
                private_by_id: self.take("CHAT_PRIVATE_ROOMS", |text| one_of(text, &[("id", true), ("invite", false)])),
                made_rooms_max: self.take("CHAT_MAX_ROOMS_PER_USER", number(0, u32::MAX)),
                seats_default: self.take("CHAT_DEFAULT_MAX_USERS", number(SEATS_MIN, SEATS_MAX)),
                strict_per_minute: self.take("CHAT_MAX_MESSAGES_PER_MIN", number(0, u32::MAX)),
                loose_per_minute: self.take("MAX_MESSAGES_PER_MIN", number(0, u32::MAX)),
                retention_ms: self.take("RETENTION", |text| optional(text, parse::keeping_ms)),
                presence_all_max: self.take("PRESENCE_ALL_MAX", number(0, u32::MAX)),
            },
            web_client: self.take("WEB_CLIENT", parse::boolean),
            message_bytes_max: self.take("MESSAGE_BYTES_MAX", size),
            frames_per_second: self.take("FRAMES_PER_SECOND", number(1, u32::MAX)),
            bytes_per_second: self.take("BYTES_PER_SECOND", number(1024, u32::MAX)),
            body_bytes_max: self.take("BODY_BYTES_MAX", size),
            shutdown_timeout_ms: self.take("SHUTDOWN_TIMEOUT", parse::span_ms),
            log_level: self.take("LOG_LEVEL", |text| one_of(text, &LEVELS)),
            log_format: self.log_format(),
        }
    }

    fn listen(&mut self) -> Vec<SocketAddr> {
        let host = self.take("HOST", parse::host);
        let port = self.take("PORT", parse::port);
        let mut all = self.take("LISTEN", |text| parse::list_of(text, |one| parse::address(one, host)));
        if all.is_empty() {
            all.push(SocketAddr::new(host, port));
        } else if self.layers.is_said("PORT") && all.iter().all(|address| address.port() != port) {
            self.warnings.push(format!("PORT is {port}, and LISTEN, which is used instead, does not have it"));
        }
        all
    }

    fn data_dir(&mut self) -> PathBuf {
        let url = self.take("DATABASE_URL", |text| optional(text, store::directory));
        let plain = PathBuf::from(self.text("DATA_DIR"));
        let Some(store) = url else { return plain };
        if self.layers.is_said("DATA_DIR") && plain != store.directory {
            self.problems.push(Problem::new(
                "DATABASE_URL, DATA_DIR",
                "both are set, and they name different directories: set one of them",
            ));
        }
        if let Some(file) = store.file {
            let (directory, file) = (store.directory.display(), file.display());
            self.warnings.push(format!("DATABASE_URL: the log is the directory {directory}; {file} is not read"));
        }
        store.directory
    }

    /// RULES 27: a build without the feature doesn't start without doing what it was told.
    fn broker(&mut self) -> Option<BrokerUrl> {
        let url = self.take(RABBITMQ_URL, |text| optional(text, |text| BrokerUrl::parse(text).map_err(str::to_owned)));
        if url.is_some() && !HAS_RABBITMQ {
            let what = "asks for the RabbitMQ feed, which this build does not have: build it with `--features amqp`, or \
                        unset it";
            let name = match &self.layers.value(RABBITMQ_URL).source {
                Source::Environment(name) => name,
                Source::Default | Source::File(_) | Source::Flag(_) => RABBITMQ_URL,
            };
            self.problems.push(Problem::new(name, what));
        }
        url
    }

    fn claim_rules(&mut self) -> ClaimRules {
        self.take("JWT_ALGORITHM", |text| one_of(text, &[("HS256", ())]));
        ClaimRules {
            user_claim: self.take("JWT_USER_CLAIM", |text| optional(text, user_claim)),
            require_exp: self.take("JWT_REQUIRE_EXP", parse::boolean),
            audiences: self.take("JWT_AUDIENCE", parse::list),
            issuers: self.take("JWT_ISSUER", parse::list),
        }
    }

    fn paths(&mut self) -> Paths {
        let below_root = |text: &str| match parse::path(text)? {
            path if path.is_empty() => Err("must be a path such as /ws/chat".to_owned()),
            path => Ok(path),
        };
        Paths {
            api_prefix: self.take("API_PREFIX", parse::path),
            chat: self.take("CHAT_WEBSOCKET_PATH", below_root),
            gateway: self.take("GATEWAY_STAGE", |text| below_root(&format!("/{}", text.trim_start_matches('/')))),
        }
    }

    fn log_format(&mut self) -> LogFormat {
        let formats = [("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)];
        match self.take("LOG_FORMAT", |text| one_of(text, &formats)) {
            LogFormat::Auto if self.text("NODE_ENV") == "production" => LogFormat::Json,
            format @ (LogFormat::Auto | LogFormat::Text | LogFormat::Json) => format,
        }
    }
}

/// The names of levels here and in the contracts' own services.
const LEVELS: [(&str, LogLevel); 8] = [
    ("off", LogLevel::Off),
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
    ("warning", LogLevel::Warn),
    ("critical", LogLevel::Error),
];

pub(super) fn optional<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

fn one_of<T: Copy>(text: &str, names: &[(&str, T)]) -> Result<T, String> {
    let found = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        format!("must be one of: {}", names.join(", "))
    })
}

/// Times and addressees are no users, although an integer would pass for one.
fn user_claim(text: &str) -> Result<String, String> {
    if ["exp", "nbf", "iat", "aud", "iss"].contains(&text) {
        return Err("is a claim that names no user".into());
    }
    Ok(text.to_owned())
}

fn open_doors(text: &str, all: &[&'static str]) -> Result<Vec<&'static str>, String> {
    let wanted = known_doors(text, all)?;
    Ok(all.iter().copied().filter(|door| wanted.iter().any(|one| one == door)).collect())
}

fn known_doors(text: &str, all: &[&'static str]) -> Result<Vec<String>, String> {
    let wanted = parse::list(text)?;
    if wanted.iter().all(|door| all.contains(&door.as_str())) {
        Ok(wanted)
    } else {
        Err(format!("must be a list of doors, which are: {}", all.join(", ")))
    }
}

fn token_end(text: &str, all: &[&'static str]) -> Result<TokenEnd, String> {
    match text.split_once(':') {
        None => one_of(text, &[("close", false), ("keep", true)])
            .map(|keep| if keep { TokenEnd::Keep } else { TokenEnd::Close }),
        Some(("keep", doors)) => match known_doors(doors, all)? {
            doors if doors.is_empty() => Err("keep: must be followed by doors".into()),
            doors => Ok(TokenEnd::KeepAt(doors)),
        },
        Some(_) => Err("must be close, keep, or keep: and a list of doors".into()),
    }
}

fn access_keys(text: &str) -> Result<AccessKeys, String> {
    AccessKeys::parse(&parse::list(text)?).map_err(Into::into)
}

fn http_url(text: &str) -> Result<HttpUrl, String> {
    HttpUrl::parse(text).map_err(Into::into)
}

/// Route keys: actions by which clients choose them, and the three that no client chooses.
fn route_keys(text: &str) -> Result<Vec<String>, String> {
    let keys = parse::list(text)?;
    let known = |key: &String| !key.starts_with('$') || ["$connect", "$disconnect", "$default"].contains(&key.as_str());
    match keys.iter().all(known) && keys.len() <= ROUTES_MAX && keys.iter().all(|key| key.len() <= ROUTE_BYTES_MAX) {
        true => Ok(keys),
        false => Err(format!(
            "must be a list of at most {ROUTES_MAX} actions of at most {ROUTE_BYTES_MAX} bytes, $connect, $disconnect \
             and $default"
        )),
    }
}
