//! The command line: what was asked ([`Cli`]), and what is answered to those commands that need neither the store nor a
//! running server ([`answer`]). Pure but for the health check, which asks over a socket.
//!
//! Flags of settings come from [`SETTINGS`], so that no flag can be without its variable or the other way round.

mod health;
mod keys;
#[cfg(test)]
mod tests;
mod token;

use std::ffi::OsString;
use std::io::BufRead;

use adapters::port::Holder;
use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use domain::Text;
use domain::id::{Millis, UserId};
use domain::identity::Scopes;
use serde_json::Value;

use crate::config::table::{SETTINGS, markdown};
use crate::config::{self, Config, Loaded};

pub use health::healthcheck;
pub use keys::{added, listed};

/// What was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Cli {
    /// The settings that were given as flags: [`config::Inputs::flags`].
    pub flags: Vec<(&'static str, String)>,
    /// The file that `--config` names.
    pub config: Option<String>,
    /// What to do.
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Verb {
    /// Serve.
    Serve,
    /// Make a token.
    TokenIssue(TokenIssue),
    /// Say what a token is good for, or why it isn't; read from standard input when it isn't given.
    TokenCheck(Option<String>),
    /// Make a key for this holder.
    KeyAdd(Holder),
    /// List the keys.
    KeyList,
    /// The key with this id is good no more.
    KeyRevoke(Text),
    /// Say what is wrong with the settings.
    ConfigCheck,
    /// Show each setting and where it came from.
    ConfigShow,
    /// Print the table of settings for the README.
    ConfigDocs,
    /// Ask a running server whether it is well.
    Healthcheck,
}

/// What a token is to say.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct TokenIssue {
    /// Whom the token names
    #[arg(long, value_parser = user_id)]
    pub user: UserId,
    /// How long it is good, as 15m, 24h or seconds
    #[arg(long = "ttl", value_name = "SPAN", default_value = "1h", value_parser = config::span_ms)]
    pub ttl_ms: u64,
    /// The `username` claim
    #[arg(long)]
    pub name: Option<String>,
    /// The `email` claim
    #[arg(long)]
    pub email: Option<String>,
    /// A further claim, as name=value; a value that is JSON is taken as such
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    pub claims: Vec<(String, Value)>,
}

/// What to print, and whether it is good news: exit code 0, else 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// For standard output when good, else for standard error. Ends with a line end.
    pub text: String,
    /// Whether what was asked for was done, or is so.
    pub good: bool,
}

impl Said {
    fn good(text: impl Into<String>) -> Self {
        Self { text: text.into(), good: true }
    }

    fn bad(text: impl Into<String>) -> Self {
        Self { text: text.into(), good: false }
    }

    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.good)
    }
}

/// Reads a command line, the program's own name first.
///
/// # Errors
/// What clap says, `--help` and `--version` included; `exit()` on it prints and ends as is usual.
pub fn parse(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Cli, clap::Error> {
    let line = Line::try_parse_from(arguments)?;
    let verb = match line.verb {
        None | Some(Word::Serve) => Verb::Serve,
        Some(Word::Token(TokenWord::Issue(issue))) => Verb::TokenIssue(issue),
        Some(Word::Token(TokenWord::Check { token })) => Verb::TokenCheck(token.filter(|token| token != "-")),
        Some(Word::Key(KeyWord::Add(add))) => Verb::KeyAdd(add.holder()?),
        Some(Word::Key(KeyWord::List)) => Verb::KeyList,
        Some(Word::Key(KeyWord::Revoke { id })) => Verb::KeyRevoke(Text::from(id)),
        Some(Word::Config(ConfigWord::Check)) => Verb::ConfigCheck,
        Some(Word::Config(ConfigWord::Show)) => Verb::ConfigShow,
        Some(Word::Config(ConfigWord::Docs)) => Verb::ConfigDocs,
        Some(Word::Healthcheck) => Verb::Healthcheck,
    };
    Ok(Cli { flags: line.flags.0, config: line.config, verb })
}

/// Answers what needs neither the store nor a running server. None for the rest: serving, and keys.
pub fn answer(verb: &Verb, loaded: &Loaded, now: Millis, input: &mut dyn BufRead) -> Option<Said> {
    // With settings that are wrong, what is wrong is the answer.
    let with = |say: &mut dyn FnMut(&Config) -> Said| match &loaded.config {
        Ok(config) => Some(say(config)),
        Err(_) => Some(checked(loaded)),
    };
    match verb {
        Verb::Serve | Verb::KeyAdd(_) | Verb::KeyList | Verb::KeyRevoke(_) => None,
        Verb::ConfigShow => Some(Said::good(config::show(&loaded.layers))),
        Verb::ConfigDocs => Some(Said::good(markdown())),
        Verb::ConfigCheck => Some(checked(loaded)),
        Verb::TokenIssue(issue) => with(&mut |config| token::issued(config, issue, now)),
        Verb::TokenCheck(given) => with(&mut |config| token::checked(config, given.as_deref(), now, input)),
        Verb::Healthcheck => with(&mut healthcheck),
    }
}

/// Everything that is wrong with the settings, and everything odd. Also what `serve` prints when it can't start.
/// Warnings fail the check too: a misspelled name is one.
#[must_use]
pub fn checked(loaded: &Loaded) -> Said {
    let problems = loaded.config.as_ref().err().into_iter().flatten().map(|problem| format!("error: {problem}\n"));
    let warnings = loaded.warnings.iter().map(|warning| format!("warning: {warning}\n"));
    let text: String = problems.chain(warnings).collect();
    if text.is_empty() { Said::good("the settings are good\n") } else { Said::bad(text) }
}

/// One real-time messaging server for clients of five protocols
#[derive(Parser)]
#[command(name = "switchboard", version)]
struct Line {
    /// File of settings; switchboard.toml is read when it is there
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<String>,
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    verb: Option<Word>,
}

#[derive(Subcommand)]
enum Word {
    /// Serve (the default)
    Serve,
    /// Make or check tokens with the configured key
    #[command(subcommand)]
    Token(TokenWord),
    /// Add, list or revoke the keys for `x-api-key`
    #[command(subcommand)]
    Key(KeyWord),
    /// Check or show the settings
    #[command(subcommand)]
    Config(ConfigWord),
    /// Ask the server at the configured address whether it is well; exit code 0 or 1
    Healthcheck,
}

#[derive(Subcommand)]
enum TokenWord {
    /// Make a token
    Issue(TokenIssue),
    /// Say what a token is good for, or why it is refused
    Check {
        /// The token; `-` or nothing reads it from standard input, which other users of this machine can't see
        token: Option<String>,
    },
}

#[derive(Subcommand)]
enum KeyWord {
    /// Make a key; it is shown once
    Add(KeyAdd),
    /// List the keys, without their secrets
    List,
    /// Revoke a key
    Revoke {
        /// The key's id, as the list has it
        id: String,
    },
}

#[derive(Subcommand)]
enum ConfigWord {
    /// Say what is wrong or odd; exit code 1 if anything is
    Check,
    /// Show each setting and where it came from; secrets are masked
    Show,
    /// Print the table of settings
    Docs,
}

#[derive(Args)]
#[group(skip)]
struct KeyAdd {
    /// For this user, and nothing more
    #[arg(long, value_parser = user_id, required_unless_present = "service", conflicts_with = "service")]
    user: Option<UserId>,
    /// For a back end of this name
    #[arg(long, value_name = "NAME", requires = "scopes")]
    service: Option<String>,
    /// What the back end may do: guilds, stats, broadcast, connections
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = scope, conflicts_with = "user")]
    scopes: Vec<Scopes>,
}

impl KeyAdd {
    fn holder(self) -> Result<Holder, clap::Error> {
        let scopes = self.scopes.into_iter().fold(Scopes::NONE, Scopes::and);
        match (self.user, self.service) {
            (Some(user), _) => Ok(Holder::User(user)),
            (None, Some(name))
                if name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
                    && !name.is_empty()
                    && name.len() <= 64 =>
            {
                Ok(Holder::Service(Text::from(name), scopes))
            }
            (None, _) => {
                let what = "a back end's name is 1 to 64 letters, digits and `-_.`";
                Err(Line::command().error(ErrorKind::ValueValidation, what))
            }
        }
    }
}

/// The settings that were given as flags.
struct Flags(Vec<(&'static str, String)>);

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |name| Some((name, matches.get_one::<String>(name)?.clone()));
        Ok(Self(SETTINGS.iter().filter_map(|setting| given(setting.name)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        SETTINGS.iter().fold(command, |command, setting| {
            let help = match (setting.secret, setting.default) {
                (true, _) => format!("file of the {}", setting.doc),
                (false, "") => setting.doc.to_owned(),
                (false, default) => format!("{} [{default}]", setting.doc),
            };
            let flag = Arg::new(setting.name).long(setting.flag()).help(help).help_heading("Settings");
            let value_name = if setting.secret { "FILE" } else { "VALUE" };
            command.arg(flag.value_name(value_name).global(true).hide_short_help(true))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn user_id(text: &str) -> Result<UserId, String> {
    UserId::new(text).map_err(|bad| format!("the id {bad}"))
}

fn scope(text: &str) -> Result<Scopes, String> {
    let found = Scopes::NAMED.iter().find(|(name, _)| *name == text.trim()).map(|(_, scope)| *scope);
    found.ok_or_else(|| "must be of: guilds, stats, broadcast, connections".to_owned())
}

fn claim(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("must be name=value")?;
    Ok((name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))))
}
