//! Lines in, answers out.

use std::collections::BTreeMap;
use std::io;

use adapters::auth::{KEY_RANDOM_BYTES, new_key};

use super::*;
use crate::config::{Inputs, load};

const NOW: Millis = Millis(1_795_000_000_000);
const SECRET: &str = "a key of thirty-two bytes or more";

fn parsed(line: &str) -> Result<Cli, ErrorKind> {
    parse(std::iter::once("switchboard").chain(line.split_whitespace())).map_err(|error| error.kind())
}

fn loaded(cli: &Cli, environment: &[(&str, &str)]) -> Loaded {
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let read = |path: &str| match path {
        "/secret" => Ok(format!("{SECRET}\n")),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let inputs = Inputs { flags: &cli.flags, file: cli.config.as_deref(), environment: &environment, read: &read };
    load(&inputs, &["rooms", "chat"])
}

/// What a line is answered, with `input` on standard input.
fn run(line: &str, input: &str) -> Said {
    let cli = parsed(line).unwrap();
    answer(&cli.verb, &loaded(&cli, &[]), NOW, &mut input.as_bytes()).unwrap()
}

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

#[test]
fn verbs() {
    let billing = |scopes| Verb::KeyAdd(Holder::Service("billing".into(), scopes));
    for (line, verb) in [
        ("", Verb::Serve),
        ("serve", Verb::Serve),
        ("token check abc", Verb::TokenCheck(Some("abc".into()))),
        ("token check -", Verb::TokenCheck(None)),
        ("token check", Verb::TokenCheck(None)),
        ("key add --user alice", Verb::KeyAdd(Holder::User(user("alice")))),
        ("key add --service billing --scopes stats,guilds", billing(Scopes::STATS.and(Scopes::GUILDS))),
        ("key add --service billing --scopes stats --scopes broadcast", billing(Scopes::STATS.and(Scopes::BROADCAST))),
        ("key list", Verb::KeyList),
        ("key revoke 0123", Verb::KeyRevoke("0123".into())),
        ("config check", Verb::ConfigCheck),
        ("config show", Verb::ConfigShow),
        ("config docs", Verb::ConfigDocs),
        ("healthcheck", Verb::Healthcheck),
    ] {
        assert_eq!(parsed(line).map(|cli| cli.verb), Ok(verb), "{line}");
    }
    let line = "token issue --user alice --ttl 15m --name Al --email a@example.org --claim admin=true --claim team=red";
    let issue = TokenIssue {
        user: user("alice"),
        ttl_ms: 900_000,
        name: Some("Al".into()),
        email: Some("a@example.org".into()),
        claims: vec![("admin".into(), Value::Bool(true)), ("team".into(), "red".into())],
    };
    assert_eq!(parsed(line).map(|cli| cli.verb), Ok(Verb::TokenIssue(issue)));
}

#[test]
fn flags_stand_anywhere() {
    for line in
        ["--port 3000 --config x.toml", "serve --port 3000 --config x.toml", "--port 3000 config show --config x.toml"]
    {
        let cli = parsed(line).unwrap();
        assert_eq!(cli.flags, [("PORT", "3000".to_owned())], "{line}");
        assert_eq!(cli.config.as_deref(), Some("x.toml"), "{line}");
    }
    // Every setting has a flag; a secret's names its file.
    for setting in SETTINGS {
        let cli = parsed(&format!("--{}=1", setting.flag())).unwrap();
        assert_eq!(cli.flags, [(setting.name, "1".to_owned())]);
    }
    Line::command().debug_assert();
    let help = Line::command().render_long_help().to_string();
    assert!(help.contains("--chat-ping-period") && help.contains("--jwt-secret-file <FILE>"));
    assert!(!Line::command().render_help().to_string().contains("--chat-ping-period"));
}

#[test]
fn lines_that_are_refused() {
    use ErrorKind::{ArgumentConflict, InvalidSubcommand, InvalidValue, MissingRequiredArgument, UnknownArgument};
    for (line, kind) in [
        ("sreve", InvalidSubcommand),
        ("--prot 1", UnknownArgument),
        // A secret is no flag: everybody on the machine could read it.
        ("--jwt-secret x", UnknownArgument),
        ("token issue", MissingRequiredArgument),
        ("token issue --user alice --ttl forever", ErrorKind::ValueValidation),
        ("token issue --user alice --claim x", ErrorKind::ValueValidation),
        ("key add", MissingRequiredArgument),
        ("key add --user a --service b --scopes stats", ArgumentConflict),
        ("key add --user a --scopes stats", ArgumentConflict),
        ("key add --service b", MissingRequiredArgument),
        ("key add --service b --scopes all", ErrorKind::ValueValidation),
        ("key add --service a/b --scopes stats", ErrorKind::ValueValidation),
        ("key revoke", MissingRequiredArgument),
        ("config", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
        ("--help", ErrorKind::DisplayHelp),
        ("--version", ErrorKind::DisplayVersion),
    ] {
        let found = parsed(line).map(|_| ());
        // clap words a missing value of a known flag either way.
        let found = found.map_err(|found| if found == InvalidValue { kind } else { found });
        assert_eq!(found, Err(kind), "{line}");
    }
}

#[test]
fn tokens_made_here_are_good_here() {
    let made = run("--jwt-secret-file /secret token issue --user alice --name Al --email a@b --ttl 60", "");
    assert_eq!(made.exit_code(), 0);
    for (line, input) in [(made.text.trim(), ""), ("-", made.text.as_str())] {
        let said = run(&format!("--jwt-secret-file /secret token check {line}"), input);
        let expected = "good\nuser   alice\nname   Al\nemail  a@b\nends   2026-11-18T11:07:40Z, in 60 s\n";
        assert_eq!(said, Said { text: expected.into(), good: true });
    }
}

#[test]
fn tokens_that_are_refused_are_told_why() {
    let good = run("--jwt-secret-file /secret token issue --user alice", "").text;
    let mut bent = good.trim().to_owned();
    bent.replace_range(good.len() - 10..good.len() - 8, "xx");
    for (line, input, text) in [
        ("token check", "", "refused: nothing was shown\n".to_owned()),
        ("token check", "rubbish\n", "refused: it is not three parts joined by dots\n".to_owned()),
        ("token check", &bent, "refused: its signature was not made with this key\n".to_owned()),
        ("token check", &"x".repeat(100_000), "refused: it is longer than 8 KiB\n".to_owned()),
        ("--jwt-issuer us token check", &good, "refused: its `iss` is not one of JWT_ISSUER\n".to_owned()),
        (
            "token issue --user service:x",
            "",
            "error: this server would refuse such a token: ids that start with `service:` or `waiting:` are kept for back ends and for users who have not come yet\n"
                .to_owned(),
        ),
        ("token issue --user a --claim exp=1", "", "error: `exp` is written by this command already\n".to_owned()),
        ("token issue --user a --claim x=1 --claim x=2", "", "error: the claim `x` is given twice\n".to_owned()),
    ] {
        let said = run(&format!("--jwt-secret-file /secret {line}"), input);
        assert_eq!((said.text.as_str(), said.exit_code()), (text.as_str(), 1), "{line}");
    }
    // Without a key there is nothing to sign with, and in development mode nothing is checked.
    assert!(!run("token issue --user alice", "").good);
    let open = run("token check alice", "");
    assert!(open.good && open.text.starts_with("good, and not checked"));
}

#[test]
fn settings_that_are_wrong_stop_every_answer_but_show() {
    let cli = parsed("--host 0.0.0.0 --jwt-secret-file /secret --open-rooms perhaps config check").unwrap();
    let loaded = loaded(&cli, &[("REDIS_HOST", "redis"), ("CHAT_TYPO", "1")]);
    let mut input = io::empty();
    let expected = "error: OPEN_ROOMS: must be true or false\n\
        error: REDIS_HOST: asks for the Redis bus, which this version does not have: unset it\n\
        warning: CHAT_TYPO is set, and is no setting of this version\n";
    for verb in [Verb::ConfigCheck, Verb::TokenCheck(None), Verb::Healthcheck] {
        let said = answer(&verb, &loaded, NOW, &mut input).unwrap();
        assert_eq!(said, Said { text: expected.into(), good: false });
    }
    let shown = answer(&Verb::ConfigShow, &loaded, NOW, &mut input).unwrap();
    assert!(shown.good && shown.text.contains("flag --jwt-secret-file") && !shown.text.contains(SECRET));
    assert!(answer(&Verb::ConfigDocs, &loaded, NOW, &mut input).unwrap().text.starts_with("| name |"));
    assert_eq!(answer(&Verb::Serve, &loaded, NOW, &mut input), None);
    assert_eq!(answer(&Verb::KeyList, &loaded, NOW, &mut input), None);
    assert_eq!(run("config check", ""), Said { text: "the settings are good\n".into(), good: true });
}

#[test]
fn key_lists() {
    let key = |holder, random, at| new_key(holder, &[random; KEY_RANDOM_BYTES], Millis(at)).unwrap();
    let alice = key(Holder::User(user("alice")), 1, 1_795_000_060_000);
    let billing = key(Holder::Service("billing".into(), Scopes::STATS.and(Scopes::GUILDS)), 2, 1_795_000_000_000);
    assert_eq!(
        added(&billing),
        format!(
            "{}\nThis is the key of service billing, which may: guilds,stats. It is not shown again; \
             `key revoke 020202020202` ends it.\n",
            billing.shown
        )
    );
    let text = listed(&[alice.key.clone(), billing.key.clone()]);
    assert_eq!(
        text,
        "id            kind     name     made                  scopes\n\
         020202020202  service  billing  2026-11-18T11:06:40Z  guilds,stats\n\
         010101010101  user     alice    2026-11-18T11:07:40Z\n"
    );
    assert!(!text.contains(&alice.shown));
    assert_eq!(listed(&[]), "no keys\n");
}
