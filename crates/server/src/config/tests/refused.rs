//! What stops the start: each problem names its variable, and all are told together.

use super::*;

#[test]
fn values_that_mean_nothing() {
    for (name, values) in [
        ("HOST", &["example.org", "*", "127.0.0.1:80", "256.0.0.1"][..]),
        ("PORT", &["65536", "-1", "http", "80 81", "+80"]),
        ("LISTEN", &["x", "127.0.0.1:8000,8000", "80:80:80", "[1]"]),
        ("INTERNAL_LISTEN", &["9000", "127.0.0.1:8000", "localhost:1"]),
        ("SHARDS", &["256", "-1", "two"]),
        (
            "DATABASE_URL",
            &["postgresql+asyncpg://a:b@c/d", "dynamodb://x", "mysql://x", "messaging.db", "sqlite::memory:"],
        ),
        ("JWT_ALGORITHM", &["none", "HS512", "RS256"]),
        ("JWT_USER_CLAIM", &["exp", "iat", "aud"]),
        (
            "AUTH_SERVICE_URL",
            &["localhost:4000", "ftp://a", "http://", "http://u:p@a", "http://a?b", "http://a/#b", "http://a b"],
        ),
        ("JWT_REQUIRE_EXP", &["maybe"]),
        ("TOKEN_END", &["stay", "keep:", "keep:nowhere", "close:chat"]),
        ("DEV_MODE", &["force", "2"]),
        ("TRUST_USER_ID", &["true", "gateway,nowhere"]),
        ("TRUSTED_PROXIES", &["all", "10.0.0.0/33", "proxy.example"]),
        ("CONNECTIONS_PER_ADDRESS_MAX", &["-1", "many"]),
        ("CORS_ORIGINS", &["*,https://a.example", "a.example", "https://*.example"]),
        ("DIALECTS", &["irc", "chat;rooms"]),
        ("API_PREFIX", &["api", "/a//b", "/a b"]),
        ("GATEWAY_STAGE", &["/", "a?b"]),
        ("GATEWAY_CONNECTION_TTL", &["0", "forever", "-1h"]),
        ("GATEWAY_ACCESS_KEYS", &["key", ":secret", "key:", "a/b:secret", "a:x,a:y"]),
        ("GATEWAY_INTEGRATION_URL", &["localhost:3000", "ftp://x", "http://user:password@x", "http://x/#y"]),
        ("GATEWAY_INTEGRATION_ROUTES", &["$message", "orders"]),
        ("GATEWAY_ROUTE_RESPONSES", &["maybe"]),
        ("CHAT_WEBSOCKET_PATH", &["/", "ws", "/{id}"]),
        ("CHAT_PRIVATE_ROOMS", &["true"]),
        ("CHAT_MAX_ROOMS_PER_USER", &["-1", "ten", "4294967296"]),
        ("CHAT_MAX_MESSAGES_PER_MIN", &["-1", "30/min", "+1"]),
        ("CHAT_DEFAULT_MAX_USERS", &["1", "1001", "0"]),
        ("CHAT_READ_TIMEOUT", &["0s", "60 minutes ago"]),
        ("CHAT_WRITE_TIMEOUT", &["0"]),
        ("CHAT_PING_PERIOD", &["-54s"]),
        ("CHAT_PONG_WAIT", &["x"]),
        ("MAX_MESSAGES_PER_MIN", &["1e3"]),
        ("PRESENCE_ALL_MAX", &["all"]),
        ("OPEN_ROOMS", &["closed"]),
        ("WEB_CLIENT", &["maybe"]),
        ("ROOMS_PERSIST", &["appsync"]),
        ("FRAMES_PER_SECOND", &["0", "many"]),
        ("BYTES_PER_SECOND", &["0", "1MiB"]),
        ("MESSAGE_BYTES_MAX", &["0", "1GiB", "big"]),
        ("BODY_BYTES_MAX", &["17MiB", "1023"]),
        ("SHUTDOWN_TIMEOUT", &["0"]),
        ("LOG_LEVEL", &["loud", "info,debug"]),
        ("LOG_FORMAT", &["xml"]),
    ] {
        for value in values {
            assert_eq!(World::of(&[(name, value)]).problems(), [name], "{name}={value}");
        }
    }
}

#[test]
fn secrets_that_strangers_know_or_guess() {
    let samples = [
        "your-secret-key",
        "your-jwt-secret-key",
        "your-secret",
        "0128899",
        "fallback-secret-key",
        "SMAPP_JWT_SECRET",
        "dev-internal-key",
        "dev-secret-key...",
        "dev-secret-key-change-in-production-please",
        "your_jwt_secret_for_development_only",
        "YOUR_JWT_SECRET_FOR_DEVELOPMENT_ONLY",
    ];
    for secret in samples.into_iter().chain([&KEY[..31], "x"]) {
        let world = World::of(&[("JWT_SECRET", secret), ("HOST", "0.0.0.0")]);
        assert_eq!(world.problems(), ["JWT_SECRET"], "{secret}");
        let said = format!("{:?}", world.load().config);
        assert!(secret.len() < 8 || !said.contains(secret), "{said}");
        // Nobody else can reach loopback.
        assert!(World::of(&[("JWT_SECRET", secret)]).problems().is_empty(), "{secret}");
    }
    assert!(World::of(&[("JWT_SECRET", KEY), ("HOST", "0.0.0.0")]).problems().is_empty());
    let sync = [("JWT_SECRET", KEY), ("HOST", "0.0.0.0"), ("INTERNAL_SERVICE_KEY", "dev-internal-key")];
    assert_eq!(World::of(&sync).problems(), ["INTERNAL_SERVICE_KEY"]);
}

#[test]
fn access_keys_that_strangers_could_guess() {
    let strangers = [("JWT_SECRET", KEY), ("HOST", "0.0.0.0")];
    for (keys, good) in
        [(format!("a:{KEY}"), true), (format!("a:{}", &KEY[1..]), false), (format!("a:{KEY},b:x"), false)]
    {
        let environment = [&strangers[..], &[("GATEWAY_ACCESS_KEYS", keys.as_str())]].concat();
        let world = World::of(&environment);
        assert_eq!(world.problems().is_empty(), good, "{keys}");
        assert!(!format!("{:?}", world.load().config).contains(&KEY[1..]), "no secret is said");
        assert!(World::of(&[("GATEWAY_ACCESS_KEYS", &keys)]).problems().is_empty(), "nobody else can reach loopback");
    }
}

/// RULES 27, of an engine that some builds have.
#[test]
fn the_broker_is_read_where_this_build_has_it_and_refused_where_it_has_not() {
    let secret = ("RABBITMQ_URL", "amqp://guest:hunter2hunter2@rabbitmq:5672");
    for (name, url) in [secret, ("AMQP_URL", "amqps://localhost")] {
        let loaded = World::of(&[(name, url)]).load();
        assert!(!format!("{:?}{:?}", loaded.config, loaded.warnings).contains("hunter2"));
        if adapters::feed::HAS_RABBITMQ {
            assert!(loaded.config.unwrap().broker.is_some());
            assert_eq!(loaded.warnings.len(), usize::from(name == secret.0), "plain, and not on this machine");
        } else {
            let problems = loaded.config.unwrap_err();
            assert_eq!((problems.len(), &*problems[0].name), (1, name));
            assert!(problems[0].what.contains("RabbitMQ") && problems[0].what.contains("amqp"), "{problems:?}");
        }
    }
    let both = [secret, ("AMQP_URL", "amqp://localhost")];
    assert_eq!(World::of(&both).problems().first().map(String::as_str), Some("RABBITMQ_URL, AMQP_URL"));
    for url in ["http://hunter2@rabbitmq", "rabbitmq:5672", "amqp://"] {
        let problems = World::of(&[("RABBITMQ_URL", url)]).load().config.unwrap_err();
        assert_eq!((problems.len(), &*problems[0].name), (1, "RABBITMQ_URL"));
        assert!(!problems[0].what.contains("hunter2"), "{problems:?}");
    }
}

/// RULES 27: stop, naming the variable and the feature; whatever else is set.
#[test]
fn engines_that_this_version_has_not() {
    for (name, value, feature) in [
        ("DB_HOST", "postgres", "PostgreSQL"),
        ("DB_PASSWORD", "hunter2hunter2", "PostgreSQL"),
        ("REDIS_HOST", "redis", "Redis"),
        ("REDIS_URL", "redis://:hunter2hunter2@redis", "Redis"),
        ("REDIS_SENTINELS", "a,b", "Redis"),
        ("CLOUDAMQP_URL", "amqp://x", "RabbitMQ"),
        ("NATS_URL", "nats://x", "NATS"),
        ("DYNAMODB_TABLE_NAME", "gg_core", "DynamoDB"),
        ("DATABASE_URL", "postgresql://user:hunter2hunter2@host/db", "PostgreSQL"),
        ("DATABASE_URL", "dynamodb://eu-west-1", "DynamoDB"),
        ("JWT_SECRET_PARAMETER_NAME", "/goalsguild/JWT_SECRET", "parameter store"),
    ] {
        for world in [World::of(&[(name, value)]), World::of(&[(name, value), ("JWT_SECRET", KEY)])] {
            let problems = world.load().config.unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].name, name);
            assert!(problems[0].what.contains(feature), "{problems:?}");
            assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
        }
    }
    let world = World::default().file("switchboard.toml", "redis_url = 'redis://x'\n[db]\nhost = 'x'\n");
    assert_eq!(world.problems(), ["DB_HOST", "REDIS_URL"]);
    // The contract's own environment: development mode doesn't ask the service (RULES 5).
    let direct = World::of(&[
        ("PORT", "8000"),
        ("DATABASE_URL", "sqlite+aiosqlite:///./messaging.db"),
        ("AUTH_SERVICE_URL", "http://localhost:8001"),
        ("JWT_SECRET", "dev-secret-key..."),
        ("DEV_MODE", "true"),
        ("API_PREFIX", "/api/messaging"),
        ("CORS_ORIGINS", "*"),
    ]);
    let config = direct.config();
    assert!(config.development());
    assert_eq!(config.data_dir, PathBuf::from("./messaging-data"));
    assert_eq!(direct.load().warnings.len(), 2);
}

#[test]
fn deadlines_that_cut_everybody() {
    let names = ["CHAT_PING_PERIOD, CHAT_PONG_WAIT"];
    for (ping, pong, problems) in
        [("54s", "60s", &[][..]), ("60s", "60s", &names[..]), ("61s", "60s", &names), ("59999ms", "1m", &[])]
    {
        let world = World::of(&[("CHAT_PING_PERIOD", ping), ("CHAT_PONG_WAIT", pong), ("CHAT_READ_TIMEOUT", "2m")]);
        assert_eq!(world.problems(), problems, "{ping} {pong}");
    }
    let world = World::of(&[("CHAT_READ_TIMEOUT", "54s")]);
    assert!(world.problems().is_empty());
    assert!(world.load().warnings[0].starts_with("CHAT_READ_TIMEOUT"));
}

#[test]
fn two_names_that_differ() {
    for (environment, problems) in [
        (vec![("JWT_SECRET", "a"), ("AUTH_JWT_SECRET", "a")], vec![]),
        (vec![("JWT_SECRET", "a"), ("AUTH_JWT_SECRET", "b")], vec!["JWT_SECRET, AUTH_JWT_SECRET"]),
        (vec![("AUTH_JWT_SECRET", "b")], vec![]),
        (vec![("JWT_SECRET", "a"), ("JWT_SECRET_FILE", "/a")], vec![]),
        (vec![("JWT_SECRET", "b"), ("JWT_SECRET_FILE", "/a")], vec!["JWT_SECRET, JWT_SECRET_FILE"]),
        (
            vec![("JWT_SECRET_FILE", "/a"), ("AUTH_JWT_SECRET_FILE", "/b")],
            vec!["JWT_SECRET_FILE, AUTH_JWT_SECRET_FILE"],
        ),
        (vec![("DATA_DIR", "./x"), ("DATABASE_URL", "sqlite:./x")], vec![]),
        (vec![("DATA_DIR", "./x"), ("DATABASE_URL", "sqlite:./y")], vec!["DATABASE_URL, DATA_DIR"]),
    ] {
        let world = World::of(&environment).file("/a", "a\n").file("/b", "b");
        assert_eq!(world.problems(), problems, "{environment:?}");
    }
}

#[test]
fn all_at_once() {
    let world = World::of(&[
        ("PORT", "http"),
        ("HOST", "0.0.0.0"),
        ("REDIS_HOST", "redis"),
        ("CHAT_PING_PERIOD", "2m"),
        ("OPEN_ROOMS", "perhaps"),
        ("JWT_SECRET_FILE", "/nowhere"),
    ]);
    let mut problems = world.problems();
    problems.sort_unstable();
    let expected =
        ["CHAT_PING_PERIOD, CHAT_PONG_WAIT", "JWT_SECRET", "JWT_SECRET_FILE", "OPEN_ROOMS", "PORT", "REDIS_HOST"];
    assert_eq!(problems, expected);
    let problem = &World::of(&[("HOST", "0.0.0.0")]).load().config.unwrap_err()[0];
    assert_eq!(
        problem.to_string(),
        "JWT_SECRET: no key is configured, and 0.0.0.0:8000 is not loopback: set JWT_SECRET or JWT_SECRET_FILE to 32 \
         random bytes or more, or JWT_PUBLIC_KEY_FILE, JWT_JWKS_URL or AUTH_SERVICE_URL, or listen on 127.0.0.1 for development mode"
    );
}
