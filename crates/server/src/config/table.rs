//! Every setting, once: `config show`, the flags' help and the README's table are printed from here, and a name that
//! isn't here can't be read. Also what other programs' settings mean that this version has no engine for ([`LATER`]).

use std::fmt::Write;

/// One setting. Its flag and its name in the file follow from its name in the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name in the environment.
    pub name: &'static str,
    /// Another name it is known by; both set and different stop the start.
    pub alias: Option<&'static str>,
    /// What it is when nobody says; empty for unset.
    pub default: &'static str,
    /// Whether it is a secret: masked when shown, read from the file that `<NAME>_FILE` names, and never taken as a
    /// flag (a process list shows flags).
    pub secret: bool,
    /// What it means, in a line.
    pub doc: &'static str,
}

impl Setting {
    /// Its flag, without the dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        let flag = self.name.to_ascii_lowercase().replace('_', "-");
        if self.secret { format!("{flag}-file") } else { flag }
    }

    /// Its name in the file.
    #[must_use]
    pub fn file_key(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}

const fn plain(name: &'static str, default: &'static str, doc: &'static str) -> Setting {
    Setting { name, alias: None, default, secret: false, doc }
}

const fn secret(name: &'static str, alias: Option<&'static str>, doc: &'static str) -> Setting {
    Setting { name, alias, default: "", secret: true, doc }
}

/// Every setting, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    plain("HOST", "127.0.0.1", "address to listen on; an IP address or `localhost`"),
    plain("PORT", "8000", "port to listen on"),
    plain("LISTEN", "", "all addresses to listen on, as a list of `address:port` or ports of HOST; instead of PORT"),
    plain("INTERNAL_LISTEN", "", "address for `/metrics`, which then leaves the public ones"),
    plain("SHARDS", "0", "threads that own connections, at most 255; 0 is one per core"),
    plain("DATA_DIR", "./data", "directory of the log"),
    plain(
        "DATABASE_URL",
        "",
        "`sqlite:<directory>`, instead of DATA_DIR; `<name>.db` means the directory `<name>-data`",
    ),
    secret(
        "JWT_SECRET",
        Some("AUTH_JWT_SECRET"),
        "HS256 key of tokens; 32 bytes or more unless all addresses are loopback",
    ),
    plain("JWT_ALGORITHM", "HS256", "algorithm of JWT_SECRET; there is one"),
    secret("JWT_PUBLIC_KEY", None, "RSA, P-256 or Ed25519 key in PEM, of tokens that are RS256, ES256 or EdDSA"),
    plain(JWKS_URL, "", "where an issuer publishes such keys (JWKS); fetched every 30 s, good for an hour without"),
    plain("JWT_AUDIENCE", "", "list; a token's `aud` has to name one of them"),
    plain("JWT_ISSUER", "", "list; a token's `iss` has to be one of them"),
    plain(
        "JWT_USER_CLAIM",
        "",
        "claim that is the user's id; unset: the one of sub, id, user_id, userId that is there",
    ),
    plain(AUTH_SERVICE_URL, "", "service that decides about every token, outside development mode; down means no"),
    plain("JWT_REQUIRE_EXP", "true", "whether a token without `exp` is refused"),
    plain("TOKEN_END", "close", "`close`: sockets end with their token; `keep`, or `keep:<doors>`: they stay"),
    plain(
        "DEV_MODE",
        "",
        "`true` on loopback: development mode beside a key; `false`: never; unset: when there is no key",
    ),
    plain("TRUST_USER_ID", "", "list of doors that take a user id without proof, behind a proxy that authenticates"),
    secret("INTERNAL_SERVICE_KEY", None, "key of an auth service that syncs users, in `X-Internal-Key`"),
    plain("TRUSTED_PROXIES", "", "list of addresses and networks that CONNECTIONS_PER_ADDRESS_MAX does not count"),
    plain(
        "CONNECTIONS_PER_ADDRESS_MAX",
        "4096",
        "connections that one address may have, loopback and trusted proxies aside; 0 is no limit",
    ),
    plain("CORS_ORIGINS", "", "list of origins of browsers, or `*`; unset: loopback in development mode, else `*`"),
    plain("WEB_CLIENT", "true", "whether browsers get the web client at `/`"),
    plain("DIALECTS", "", "list of the doors to open; unset: all"),
    plain("API_PREFIX", "/api/messaging", "prefix of the `direct` door; `/` for none"),
    plain("DOCS", "true", "whether `/docs`, `/openapi.json` and `/asyncapi.yaml` are there, for anybody"),
    plain("GATEWAY_STAGE", "production", "path of the `gateway` door"),
    plain("GATEWAY_CONNECTION_TTL", "24h", "how long a connection of the `gateway` door lives"),
    secret(
        "GATEWAY_ACCESS_KEYS",
        None,
        "list of `<access key id>:<secret>` with which back ends sign calls of `@connections`",
    ),
    plain("GATEWAY_INTEGRATION_URL", "", "http or https URL that GATEWAY_INTEGRATION_ROUTES are posted to"),
    plain(
        "GATEWAY_INTEGRATION_ROUTES",
        "",
        "list of what GATEWAY_INTEGRATION_URL decides: actions, `$connect`, `$disconnect`, `$default`",
    ),
    plain("GATEWAY_ROUTE_RESPONSES", "false", "whether what the URL answers to a message is said to its client"),
    secret(
        RABBITMQ_URL,
        Some("AMQP_URL"),
        "`amqp:` or `amqps:` URL of a RabbitMQ that is told what happens; asks for the feature `amqp`",
    ),
    plain("CHAT_WEBSOCKET_PATH", "/ws/chat", "path of the `chat` door"),
    plain("CHAT_PRIVATE_ROOMS", "id", "`id`: a private room's id is the invitation; `invite`: a real one is asked for"),
    plain("CHAT_MAX_ROOMS_PER_USER", "10", "rooms that a user may make; 0 is no limit"),
    plain("CHAT_MAX_MESSAGES_PER_MIN", "30", "messages a minute and user on the rooms and chat doors; 0 is no limit"),
    plain("CHAT_DEFAULT_MAX_USERS", "100", "users of a made room whose maker doesn't say, 2 to 1000"),
    plain("CHAT_READ_TIMEOUT", "60s", "longest silence of a raw socket"),
    plain("CHAT_WRITE_TIMEOUT", "10s", "longest time in which a peer takes no byte"),
    plain("CHAT_PING_PERIOD", "54s", "time between pings; below CHAT_PONG_WAIT"),
    plain("CHAT_PONG_WAIT", "60s", "longest time since the last pong"),
    plain("MAX_MESSAGES_PER_MIN", "600", "messages a minute and user on the other doors; 0 is no limit"),
    plain(
        "PRESENCE_ALL_MAX",
        "1000",
        "up to this many online, presence goes to everybody; above, to those who share a room",
    ),
    plain("OPEN_ROOMS", "true", "whether an unknown room id makes a public room"),
    plain(
        "ROOMS_PERSIST",
        "true",
        "messages of `rooms` are kept; `false`: only passed on, for apps that keep them elsewhere",
    ),
    plain("RETENTION", "", "how long messages are kept, such as `90d` or `36h`, an hour or more; unset: for ever"),
    plain("MESSAGE_BYTES_MAX", "1MiB", "largest WebSocket message that is read"),
    plain(
        "FRAMES_PER_SECOND",
        "200",
        "messages and pings that one socket may send a second; twenty times as many at once",
    ),
    plain("BYTES_PER_SECOND", "1048576", "bytes that one socket may send a second; sixteen times as many at once"),
    plain("BODY_BYTES_MAX", "100KB", "largest body of a request that is read"),
    plain("SHUTDOWN_TIMEOUT", "10s", "longest time from SIGTERM to the exit"),
    plain("LOG_LEVEL", "info", "off, error, warn, info, debug or trace"),
    plain("LOG_FORMAT", "auto", "`text`, `json`, or `auto`: text on a terminal, JSON otherwise"),
    plain("NODE_ENV", "", "`production`: JSON logs when LOG_FORMAT doesn't say; nothing else"),
];

/// A setting of other versions or programs that names an engine which this version has not (RULES 27).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Later {
    /// Its name in the environment, or what the name begins with when it ends in `*`.
    pub name: &'static str,
    /// What it asks for.
    pub feature: &'static str,
}

const fn later(name: &'static str, feature: &'static str) -> Later {
    Later { name, feature }
}

/// Set, each of these stops the start: a server that ignored it would do less than it was told to, silently.
pub const LATER: &[Later] = &[
    later("DB_HOST", "the PostgreSQL store"),
    later("DB_PORT", "the PostgreSQL store"),
    later("DB_NAME", "the PostgreSQL store"),
    later("DB_USER", "the PostgreSQL store"),
    later("DB_PASSWORD", "the PostgreSQL store"),
    later("REDIS_*", "the Redis bus"),
    later("CLOUDAMQP_URL", "the RabbitMQ feed by another name than RABBITMQ_URL"),
    later("NATS_URL", "the NATS bus"),
    later("DYNAMODB_*", "the DynamoDB store"),
    later("GUILD_TABLE_NAME", "the DynamoDB store"),
    later("JWT_SECRET_PARAMETER_NAME", "keys from a parameter store"),
];

/// Where the feed goes (RULES 27 where the build has none).
pub const RABBITMQ_URL: &str = "RABBITMQ_URL";

/// Where the Auth Service is (RULES 5).
pub const AUTH_SERVICE_URL: &str = "AUTH_SERVICE_URL";
/// Where an issuer publishes its keys.
pub const JWKS_URL: &str = "JWT_JWKS_URL";

impl Later {
    /// Whether this is about a variable of that name.
    #[must_use]
    pub fn is_about(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == self.name || name.strip_suffix("_FILE") == Some(self.name),
        }
    }
}

/// The setting of this name or alias.
#[must_use]
pub fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name || setting.alias == Some(name))
}

/// The README's table.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from("| name | flag | default | meaning |\n|---|---|---|---|\n");
    for setting in SETTINGS {
        let name = match setting.alias {
            Some(alias) => format!("`{}`, `{alias}`", setting.name),
            None => format!("`{}`", setting.name),
        };
        let default = if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
        writeln!(text, "| {name} | `--{}` | {default} | {} |", setting.flag(), setting.doc)
            .expect("a String takes what is written to it");
    }
    text
}
