//! Flags before environment before file before default; and what `config show` says of each.

use super::*;
use crate::config::show;

#[test]
fn precedence() {
    let file = "port = 1\n";
    let dotenv = "PORT=2\n";
    let base = World::default();
    let port = |world: &World| (world.config().listen[0].port(), world.load().layers.value("PORT").source.to_string());
    assert_eq!(port(&base), (8000, "default".into()));
    let with_file = base.file("switchboard.toml", file);
    assert_eq!(port(&with_file), (1, "file switchboard.toml".into()));
    let with_dotenv = with_file.file(".env", dotenv);
    assert_eq!(port(&with_dotenv), (2, "environment PORT".into()));
    let mut with_variable = with_dotenv;
    with_variable.environment.insert("PORT".into(), "3".into());
    assert_eq!(port(&with_variable), (3, "environment PORT".into()));
    assert_eq!(port(&with_variable.clone().flag("PORT", "4")), (4, "flag --port".into()));
    // Empty is unset, on every layer.
    with_variable.environment.insert("PORT".into(), String::new());
    assert_eq!(port(&with_variable.clone().flag("PORT", "")), (2, "environment PORT".into()));
    assert_eq!(port(&with_variable.clone().file(".env", "PORT=\n")), (1, "file switchboard.toml".into()));
    assert_eq!(port(&with_variable.file(".env", "").file("switchboard.toml", "port = ''")), (8000, "default".into()));
}

#[test]
fn files() {
    let text = "
        listen = ['127.0.0.1:8000', '[::1]:8000', '3000']
        open-rooms = false
        [chat]
        max_messages_per_min = 5
        [jwt]
        secret_file = '/secret'
    ";
    let named = World { file: Some("/etc/sb.toml".into()), ..World::default() };
    let world = named.clone().file("/etc/sb.toml", text).file("/secret", "a key\r\n");
    let config = world.config();
    assert_eq!(config.listen.len(), 3);
    assert!(!config.policy.open_rooms);
    assert_eq!(config.policy.strict_per_minute, 5);
    assert_eq!(config.auth.secret.unwrap().expose(), "a key");
    assert_eq!(world.load().layers.value("JWT_SECRET").source.to_string(), "file /etc/sb.toml");
    assert!(world.load().warnings.is_empty(), "{:?}", world.load().warnings);

    // By the variable; and one that is named has to be there.
    let world = World::of(&[("SWITCHBOARD_CONFIG", "/etc/sb.toml")]);
    assert_eq!(world.clone().file("/etc/sb.toml", "port = 1").config().listen[0].port(), 1);
    assert_eq!(world.problems(), ["/etc/sb.toml"]);
    assert_eq!(named.problems(), ["/etc/sb.toml"]);
    // What can't be read is said without its text, which may be a secret.
    for (text, line) in [("port = 1\njwt_secret = hunter2\n", "line 2"), ("a = 1\na = 2", "line 2"), ("[x", "line 1")] {
        let problems = named.clone().file("/etc/sb.toml", text).load().config.unwrap_err();
        assert_eq!(problems[0].name, "/etc/sb.toml");
        assert!(problems[0].what.starts_with(line) && !problems[0].what.contains("hunter2"), "{problems:?}");
    }
    for text in ["port = 1979-05-27", "listen = [[1]]", "listen = [{a = 1}]"] {
        assert_eq!(named.clone().file("/etc/sb.toml", text).problems(), ["/etc/sb.toml"], "{text}");
    }
    assert_eq!(World::default().file(".env", "A=b\nhunter2\n").problems(), [".env"]);
}

#[test]
fn secrets_in_files() {
    for (text, secret) in [("key\n", "key"), ("key\r\n", "key"), ("key\n\n", "key\n"), (" key ", " key ")] {
        let world = World::of(&[("JWT_SECRET_FILE", "/s")]).file("/s", text);
        assert_eq!(world.config().auth.secret.unwrap().expose(), secret);
    }
    for world in [
        World::of(&[("JWT_SECRET_FILE", "/s")]).file("/s", "\n"),
        World::of(&[("JWT_SECRET_FILE", "/s")]),
        World::of(&[("AUTH_JWT_SECRET_FILE", "/s")]),
        World::default().flag("JWT_SECRET", "/s"),
    ] {
        // A key that can't be read must never mean that there is none, and development mode with it.
        assert_eq!(world.problems().len(), 1);
        assert!(world.problems()[0].to_ascii_uppercase().replace('-', "_").contains("JWT_SECRET_FILE"));
    }
}

#[test]
fn names_that_nobody_knows_are_told() {
    let world = World::of(&[
        ("CHAT_MAX_MESAGES_PER_MIN", "5"),
        ("JWT_EXPIRES_IN", "1d"),
        ("HOME", "/root"),
        ("OPEN_ROMS", "false"),
        ("JWT_SECRET_FILE", "/s"),
    ]);
    let world = world.file("/s", "key").file("switchboard.toml", "open_roms = false\n[chat]\nping = 1");
    let warnings = world.load().warnings;
    let expected = ["CHAT_MAX_MESAGES_PER_MIN", "JWT_EXPIRES_IN", "`chat_ping`", "`open_roms`"];
    assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
    for (warning, name) in warnings.iter().zip(expected) {
        assert!(warning.contains(name), "{warning}");
    }
    let world = World::of(&[("PORT", "1"), ("LISTEN", "2,3")]);
    assert!(world.load().warnings[0].starts_with("PORT is 1"));
    assert!(World::of(&[("PORT", "2"), ("LISTEN", "2,3")]).load().warnings.is_empty());
    let world = World::of(&[("JWT_SECRET", "x"), ("TRUST_USER_ID", "gateway direct")]);
    assert!(world.load().warnings[0].starts_with("TRUST_USER_ID"));
}

#[test]
fn shown() {
    let world = World::of(&[
        ("JWT_SECRET", "hunter2hunter2"),
        ("HOST", "::1"),
        ("DATABASE_URL", "postgresql://user:hunter2hunter2@host/db"),
        ("JWT_ISSUER", "a\u{1b}[31m\nb"),
    ]);
    let text = show(&world.load().layers);
    assert_eq!(text.lines().count(), SETTINGS.len());
    assert!(!text.contains("hunter2") && !text.contains('\u{1b}'));
    let line = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("JWT_SECRET"), "JWT_SECRET ******** environment JWT_SECRET");
    assert_eq!(line("INTERNAL_SERVICE_KEY"), "INTERNAL_SERVICE_KEY (unset) default");
    assert_eq!(line("HOST"), "HOST ::1 environment HOST");
    assert_eq!(line("PORT"), "PORT 8000 default");
    assert_eq!(line("DATABASE_URL"), "DATABASE_URL postgresql://********@host/db environment DATABASE_URL");
}
