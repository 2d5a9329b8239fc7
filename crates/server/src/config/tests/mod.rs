//! Settings in, configuration or problems out. One function reads, the tests are tables.

mod refused;
mod sources;

use std::collections::BTreeMap;
use std::io;

use super::table::{SETTINGS, markdown, setting};
use super::*;

const DOORS: [&str; 5] = ["rooms", "chat", "direct", "socketio", "gateway"];
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A world: flags, variables, files.
#[derive(Default, Clone)]
struct World {
    flags: Vec<(&'static str, String)>,
    file: Option<String>,
    environment: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
}

impl World {
    fn of(environment: &[(&str, &str)]) -> Self {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { environment, ..Self::default() }
    }

    fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    fn flag(mut self, name: &'static str, value: &str) -> Self {
        self.flags.push((name, value.to_owned()));
        self
    }

    fn load(&self) -> Loaded {
        let read = |path: &str| self.files.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
        let inputs =
            Inputs { flags: &self.flags, file: self.file.as_deref(), environment: &self.environment, read: &read };
        load(&inputs, &DOORS)
    }

    fn config(&self) -> Config {
        self.load().config.unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    /// The names that the problems are about.
    fn problems(&self) -> Vec<String> {
        self.load().config.err().unwrap_or_default().into_iter().map(|problem| problem.name).collect()
    }
}

fn config(environment: &[(&str, &str)]) -> Config {
    World::of(environment).config()
}

#[test]
fn defaults() {
    let config = config(&[]);
    assert_eq!(config.listen, ["127.0.0.1:8000".parse().unwrap()]);
    assert!(config.development() && config.is_loopback_only());
    assert_eq!(config.policy, Policy { development: true, ..Policy::default() });
    assert_eq!(config.doors, DOORS);
    assert_eq!(config.origins, Origins::Loopback);
    assert_eq!(config.data_dir, PathBuf::from("./data"));
    assert_eq!(config.auth.rules, adapters::auth::ClaimRules::default());
    assert_eq!(config.paths.api_prefix, "/api/messaging");
    assert_eq!(config.paths.gateway, "/production");
    assert_eq!(config.timing.ping_period_ms, 54_000);
    assert_eq!(config.gateway_ttl_ms, 86_400_000);
    assert_eq!((config.shards, config.internal_listen), (None, None));
    assert_eq!((config.log_level, config.log_format), (LogLevel::Info, LogFormat::Auto));
    assert!(World::default().load().warnings.is_empty());
}

/// Each setting does something: with this value the configuration is another one. A row that is missing fails too.
/// A key of nobody's.
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA6in8kbFhbzIA9ztBx4fFmI+Bssl0LPFRzBwD5uHPiOw=
-----END PUBLIC KEY-----";

/// A value of each setting that is another than its default.
const VALUES: &[(&str, &str)] = &[
    ("HOST", "::1"),
    ("PORT", "3000"),
    ("LISTEN", "3000,3003"),
    ("INTERNAL_LISTEN", "127.0.0.1:9000"),
    ("SHARDS", "3"),
    ("DATA_DIR", "/srv/x"),
    ("DATABASE_URL", "sqlite:/srv/x"),
    ("JWT_SECRET", "x"),
    ("JWT_PUBLIC_KEY", PUBLIC_KEY),
    ("JWT_JWKS_URL", "https://issuer.example/keys.json"),
    ("JWT_AUDIENCE", "us"),
    ("JWT_ISSUER", "them"),
    ("JWT_USER_CLAIM", "uid"),
    ("AUTH_SERVICE_URL", "http://localhost:8001"),
    ("JWT_REQUIRE_EXP", "false"),
    ("TOKEN_END", "keep:chat,rooms"),
    ("TRUST_USER_ID", "gateway"),
    ("INTERNAL_SERVICE_KEY", "x"),
    ("TRUSTED_PROXIES", "10.0.0.0/8"),
    ("CONNECTIONS_PER_ADDRESS_MAX", "0"),
    ("CORS_ORIGINS", "*"),
    ("DIALECTS", "chat"),
    ("API_PREFIX", "/"),
    ("DOCS", "false"),
    ("GATEWAY_STAGE", "dev"),
    ("GATEWAY_CONNECTION_TTL", "2h"),
    ("GATEWAY_ACCESS_KEYS", "id:secret,other:secret"),
    ("GATEWAY_INTEGRATION_URL", "http://localhost:3000/events"),
    ("GATEWAY_ROUTE_RESPONSES", "true"),
    ("RABBITMQ_URL", "amqp://localhost"),
    ("CHAT_WEBSOCKET_PATH", "/chat"),
    ("CHAT_PRIVATE_ROOMS", "invite"),
    ("CHAT_MAX_ROOMS_PER_USER", "0"),
    ("CHAT_MAX_MESSAGES_PER_MIN", "0"),
    ("CHAT_DEFAULT_MAX_USERS", "2"),
    ("CHAT_READ_TIMEOUT", "61s"),
    ("CHAT_WRITE_TIMEOUT", "1m30s"),
    ("CHAT_PING_PERIOD", "5"),
    ("CHAT_PONG_WAIT", "55s"),
    ("MAX_MESSAGES_PER_MIN", "1"),
    ("PRESENCE_ALL_MAX", "0"),
    ("OPEN_ROOMS", "no"),
    ("WEB_CLIENT", "false"),
    ("MESSAGE_BYTES_MAX", "128KiB"),
    ("FRAMES_PER_SECOND", "1000"),
    ("BYTES_PER_SECOND", "4096"),
    ("BODY_BYTES_MAX", "2MiB"),
    ("SHUTDOWN_TIMEOUT", "1s"),
    ("LOG_LEVEL", "DEBUG"),
    ("LOG_FORMAT", "json"),
    ("NODE_ENV", "production"),
    ("ROOMS_PERSIST", "false"),
    ("RETENTION", "90d"),
];

#[test]
fn every_setting_moves_something() {
    let plain = config(&[]);
    for setting in SETTINGS {
        // These say nothing by themselves: one has a single value, one moves only what a key has moved, one wants a URL, and a
        // build without the feed doesn't start.
        let quiet = ["JWT_ALGORITHM", "DEV_MODE", "GATEWAY_INTEGRATION_ROUTES"].contains(&setting.name);
        if quiet || setting.name == table::RABBITMQ_URL && !adapters::feed::HAS_RABBITMQ {
            continue;
        }
        let value = VALUES.iter().find(|(name, _)| *name == setting.name).expect(setting.name).1;
        let moved = config(&[(setting.name, value)]);
        assert_ne!(moved, plain, "{}", setting.name);
        if setting.secret {
            let world = World::of(&[]).flag(setting.name, "/secret").file("/secret", value);
            assert_eq!(world.config(), moved, "{}", setting.name);
        } else {
            assert_eq!(World::default().flag(setting.name, value).config(), moved, "{}", setting.name);
        }
        let line = format!("{} = {value:?}", setting.file_key());
        assert_eq!(World::default().file("switchboard.toml", &line).config(), moved, "{}", setting.name);
    }
    assert_ne!(config(&[("JWT_SECRET", "x"), ("DEV_MODE", "true")]), config(&[("JWT_SECRET", "x")]));
}

/// Routes go to a URL; one without the other is nothing.
#[test]
fn routes_and_where_they_go() {
    let url = ("GATEWAY_INTEGRATION_URL", "http://localhost:3000");
    let routed = World::of(&[url, ("GATEWAY_INTEGRATION_ROUTES", "$connect, orders,$default")]);
    assert_eq!(routed.config().backends.routes, ["$connect", "orders", "$default"]);
    assert!(routed.load().warnings.is_empty());
    assert_eq!(World::of(&[url]).load().warnings.len(), 1, "nothing goes there");
}

#[test]
fn the_table_is_sound() {
    let mut names: Vec<&str> = SETTINGS.iter().flat_map(|one| std::iter::once(one.name).chain(one.alias)).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), SETTINGS.len() + SETTINGS.iter().filter(|one| one.alias.is_some()).count());
    for one in SETTINGS {
        assert!(one.doc.len() < 100 && !one.doc.contains('|'), "{}", one.name);
        assert!(!table::LATER.iter().any(|later| later.is_about(one.name)), "{}", one.name);
    }
    assert_eq!(setting("AUTH_JWT_SECRET").map(|one| one.name), Some("JWT_SECRET"));
    let table = markdown();
    assert_eq!(table.lines().count(), SETTINGS.len() + 2);
    assert!(table.contains("| `JWT_SECRET`, `AUTH_JWT_SECRET` | `--jwt-secret-file` |  | HS256 key"));
    assert!(table.contains("| `PORT` | `--port` | `8000` | port to listen on |"));
}

/// RULES 6 and 8: key, `DEV_MODE`, address → development mode, or the name that stops the start.
#[test]
fn development_mode() {
    for (key, dev_mode, host, expected) in [
        ("", "", "127.0.0.1", Ok(true)),
        ("", "", "localhost", Ok(true)),
        ("", "", "::ffff:127.0.0.1", Ok(true)),
        ("", "", "0.0.0.0", Err("JWT_SECRET")),
        ("", "", "::", Err("JWT_SECRET")),
        ("", "", "192.168.1.2", Err("JWT_SECRET")),
        ("", "true", "127.0.0.1", Ok(true)),
        ("", "true", "0.0.0.0", Err("DEV_MODE")),
        ("", "false", "127.0.0.1", Err("JWT_SECRET")),
        ("", "false", "0.0.0.0", Err("JWT_SECRET")),
        ("x", "", "127.0.0.1", Ok(false)),
        ("x", "true", "::1", Ok(true)),
        ("x", "false", "127.0.0.2", Ok(false)),
        ("x", "", "0.0.0.0", Err("JWT_SECRET")),
        (KEY, "", "0.0.0.0", Ok(false)),
        (KEY, "", "::", Ok(false)),
        (KEY, "false", "0.0.0.0", Ok(false)),
        (KEY, "true", "0.0.0.0", Err("DEV_MODE")),
    ] {
        let world = World::of(&[("JWT_SECRET", key), ("DEV_MODE", dev_mode), ("HOST", host)]);
        let found = world.load().config.map(|config| {
            assert_eq!(config.policy.development, config.development());
            config.development()
        });
        let found = found.map_err(|problems| problems.into_iter().map(|problem| problem.name).collect::<Vec<_>>());
        assert_eq!(found, expected.map_err(|name| vec![name.to_owned()]), "{key:?} {dev_mode:?} {host:?}");
    }
    // One address among several is enough for strangers.
    let world = World::of(&[("LISTEN", "127.0.0.1:8000 0.0.0.0:3000")]);
    assert_eq!(world.problems(), ["JWT_SECRET"]);
}

/// RULES 5 and 6: with an Auth Service a server is not in development mode unless it is told to be, and then asks nobody.
#[test]
fn an_auth_service_is_as_good_as_a_key() {
    let (near, far) = ("http://localhost:8001", "http://auth.example");
    for (service, key, dev_mode, host, expected, warnings) in [
        (near, "", "", "127.0.0.1", Ok(false), 0),
        (near, "", "", "0.0.0.0", Ok(false), 0),
        (near, "", "false", "0.0.0.0", Ok(false), 0),
        (near, KEY, "", "0.0.0.0", Ok(false), 0),
        (near, "x", "", "0.0.0.0", Err("JWT_SECRET"), 0),
        (near, "", "true", "127.0.0.1", Ok(true), 1),
        (near, KEY, "true", "127.0.0.1", Ok(true), 1),
        (near, "", "true", "0.0.0.0", Err("DEV_MODE"), 0),
        (far, "", "", "127.0.0.1", Ok(false), 1),
        (far, "", "true", "127.0.0.1", Ok(true), 1),
        ("https://auth.example", "", "", "0.0.0.0", Ok(false), 0),
    ] {
        let world =
            World::of(&[("AUTH_SERVICE_URL", service), ("JWT_SECRET", key), ("DEV_MODE", dev_mode), ("HOST", host)]);
        let loaded = world.load();
        let found = loaded.config.map(|config| config.development());
        let found = found.map_err(|problems| problems.into_iter().map(|problem| problem.name).collect::<Vec<_>>());
        assert_eq!(found, expected.map_err(|name| vec![name.to_owned()]), "{service} {key:?} {dev_mode:?} {host:?}");
        assert_eq!(loaded.warnings.len(), warnings, "{:?}", loaded.warnings);
        assert!(loaded.warnings.iter().all(|warning| warning.starts_with("AUTH_SERVICE_URL is ")));
    }
}

#[test]
fn origins_follow_the_mode_unless_said() {
    for (environment, origins) in [
        (vec![], Origins::Loopback),
        (vec![("JWT_SECRET", "x")], Origins::Any),
        (vec![("CORS_ORIGINS", "*")], Origins::Any),
        (vec![("CORS_ORIGINS", "https://a.example")], Origins::These(vec!["https://a.example".into()])),
    ] {
        assert_eq!(config(&environment).origins, origins, "{environment:?}");
    }
}

#[test]
fn doors_and_what_they_trust() {
    let config = config(&[
        ("JWT_SECRET", "x"),
        ("DIALECTS", "gateway,rooms"),
        ("TRUST_USER_ID", "gateway"),
        ("TOKEN_END", "keep:rooms"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
    ]);
    assert_eq!(config.doors, ["rooms", "gateway"]);
    assert_eq!((config.trust("gateway"), config.trust("rooms")), (Trust::Claim, Trust::Proof));
    assert!(config.ends_with_token("gateway") && !config.ends_with_token("rooms"));
    for (peer, trusted) in
        [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("::1", true), ("11.0.0.1", false), ("::2", false)]
    {
        assert_eq!(config.is_trusted_proxy(peer.parse().unwrap()), trusted, "{peer}");
    }
}

#[test]
fn log_formats() {
    for (format, node_env, expected) in [
        ("", "", LogFormat::Auto),
        ("", "development", LogFormat::Auto),
        ("", "production", LogFormat::Json),
        ("text", "production", LogFormat::Text),
        ("JSON", "", LogFormat::Json),
    ] {
        assert_eq!(config(&[("LOG_FORMAT", format), ("NODE_ENV", node_env)]).log_format, expected);
    }
    // The contracts' services set it; it never opens a door.
    assert_eq!(World::of(&[("NODE_ENV", "development"), ("HOST", "0.0.0.0")]).problems(), ["JWT_SECRET"]);
}
