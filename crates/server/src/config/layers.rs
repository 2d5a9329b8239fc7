//! Where each setting's text comes from: flags before the environment before the file before the default (an empty
//! value is none). Pure: arguments, environment and a way to read files come in.
//!
//! `.env` counts as environment and never overrides a variable that is set. The file is TOML; `[chat] ping_period` in
//! it is `CHAT_PING_PERIOD`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};

use super::dotenv;
use super::table::{LATER, SETTINGS, Setting, setting};

/// The file that is read when nobody names one, if it is there.
pub const FILE_DEFAULT: &str = "switchboard.toml";
/// The variable that names the file.
pub const FILE_VARIABLE: &str = "SWITCHBOARD_CONFIG";
/// Variables that begin so and that nobody knows are most likely misspelled.
const OURS: [&str; 4] = ["CHAT_", "JWT_", "GATEWAY_", "SWITCHBOARD_"];

/// What there is to read settings from.
pub struct Inputs<'a> {
    /// The flags that were given: a setting's name and its value; for a secret, the path of its file.
    pub flags: &'a [(&'static str, String)],
    /// The file that `--config` names.
    pub file: Option<&'a str>,
    /// The environment.
    pub environment: &'a BTreeMap<String, String>,
    /// Reads a file.
    pub read: &'a dyn Fn(&str) -> io::Result<String>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody said.
    Default,
    /// The TOML file of this name, perhaps by way of a secret's own file.
    File(String),
    /// The environment or `.env`, by this variable.
    Environment(String),
    /// A flag.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {path}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag --{flag}"),
        }
    }
}

/// A setting's text.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    /// The text; empty when unset.
    pub text: String,
    /// Where it came from.
    pub source: Source,
}

/// What stops the start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {what}")]
pub struct Problem {
    /// The variable that it is about, or the file.
    pub name: String,
    /// What is wrong, and what to do.
    pub what: String,
}

impl Problem {
    /// A problem with this variable.
    #[must_use]
    pub fn new(name: impl Into<String>, what: impl Into<String>) -> Self {
        Self { name: name.into(), what: what.into() }
    }
}

/// Every setting's text, and what was odd on the way.
#[derive(Clone, Default)]
pub struct Layers {
    values: BTreeMap<&'static str, Value>,
    /// Variables that name an engine which this version has not, each with what it asks for.
    pub later: Vec<(String, &'static str)>,
    /// What stops the start.
    pub problems: Vec<Problem>,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

impl Layers {
    /// Reads every layer.
    #[must_use]
    pub fn gather(inputs: &Inputs<'_>) -> Self {
        let mut layers = Self::default();
        let environment = layers.environment(inputs);
        let (path, file) = layers.file(inputs, &environment);
        for setting in SETTINGS {
            let value = layers
                .flag(setting, inputs)
                .or_else(|| layers.named(setting, &environment, inputs, &|name| Source::Environment(name.to_owned())))
                .or_else(|| layers.named(setting, &file, inputs, &|_| Source::File(path.clone())))
                .unwrap_or_else(|| Value { text: setting.default.to_owned(), source: Source::Default });
            layers.values.insert(setting.name, value);
        }
        layers.look_for_strangers(&environment, &file, &path);
        layers
    }

    /// A setting's value.
    #[must_use]
    pub fn value(&self, name: &str) -> &Value {
        self.values.get(name).expect("only names from the table are asked for, and gather fills in all of them")
    }

    /// Whether somebody said what it is.
    #[must_use]
    pub fn is_said(&self, name: &str) -> bool {
        self.value(name).source != Source::Default
    }

    fn environment(&mut self, inputs: &Inputs<'_>) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        match (inputs.read)(".env") {
            Ok(text) => match dotenv::parse(&text) {
                Ok(entries) => all.extend(entries),
                Err(line) => self.problems.push(Problem::new(".env", format!("line {line} is not NAME=value"))),
            },
            // Python's virtual environments are directories of this name.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {}
            Err(error) => self.problems.push(Problem::new(".env", error.to_string())),
        }
        // An empty variable is unset, so it doesn't hide the one in `.env`.
        all.extend(inputs.environment.iter().map(|(name, value)| (name.clone(), value.clone())).filter(is_set));
        all.into_iter().filter(is_set).collect()
    }

    /// The file's settings by their names in the environment, and the file's path.
    fn file(
        &mut self,
        inputs: &Inputs<'_>,
        environment: &BTreeMap<String, String>,
    ) -> (String, BTreeMap<String, String>) {
        let named = inputs.file.or_else(|| environment.get(FILE_VARIABLE).map(String::as_str));
        let path = named.unwrap_or(FILE_DEFAULT).to_owned();
        let mut settings = BTreeMap::new();
        match (inputs.read)(&path) {
            Ok(text) => match text.parse::<toml::Table>() {
                Ok(table) => self.flatten("", &table, &path, &mut settings),
                // Its own words quote the line, which may hold a secret.
                Err(error) => {
                    let line =
                        error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
                    self.problems.push(Problem::new(&path, format!("line {line}: {}", error.message())));
                }
            },
            Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => {}
            Err(error) => self.problems.push(Problem::new(&path, error.to_string())),
        }
        (path, settings)
    }

    fn flatten(&mut self, prefix: &str, table: &toml::Table, path: &str, into: &mut BTreeMap<String, String>) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.to_ascii_uppercase().replace('-', "_"));
            let text = match value {
                toml::Value::Table(inner) => {
                    self.flatten(&format!("{name}_"), inner, path, into);
                    continue;
                }
                toml::Value::Array(list) => {
                    list.iter().map(scalar).collect::<Option<Vec<_>>>().map(|list| list.join(","))
                }
                toml::Value::String(_)
                | toml::Value::Integer(_)
                | toml::Value::Float(_)
                | toml::Value::Boolean(_)
                | toml::Value::Datetime(_) => scalar(value),
            };
            match text {
                Some(text) if text.is_empty() => {}
                Some(text) => drop(into.insert(name, text)),
                None => self.problems.push(Problem::new(path, format!("`{key}` is no text, number or list of them"))),
            }
        }
    }

    fn flag(&mut self, setting: &Setting, inputs: &Inputs<'_>) -> Option<Value> {
        let (_, value) = inputs.flags.iter().rev().find(|(name, value)| *name == setting.name && !value.is_empty())?;
        let flag = setting.flag();
        let text = if setting.secret { self.secret_file(&format!("--{flag}"), value, inputs)? } else { value.clone() };
        Some(Value { text, source: Source::Flag(flag) })
    }

    /// A setting's value under its name, its alias, or, for secrets, the names of files that hold it.
    fn named(
        &mut self,
        setting: &Setting,
        all: &BTreeMap<String, String>,
        inputs: &Inputs<'_>,
        source: &dyn Fn(&str) -> Source,
    ) -> Option<Value> {
        let mut found: Option<(String, Value)> = None;
        for name in std::iter::once(setting.name).chain(setting.alias) {
            let direct = all.get(name).map(|text| (name.to_owned(), text.clone()));
            let by_file = setting.secret.then(|| format!("{name}_FILE")).and_then(|variable| {
                let path = all.get(&variable)?;
                Some((self.secret_file(&variable, path, inputs)?, variable))
            });
            for (variable, text) in direct.into_iter().chain(by_file.map(|(text, variable)| (variable, text))) {
                match &found {
                    Some((other, value)) if value.text != text => self.problems.push(Problem::new(
                        format!("{other}, {variable}"),
                        "both are set, and they differ: set one of them",
                    )),
                    Some(_) => {}
                    None => {
                        let source = source(&variable);
                        found = Some((variable, Value { text, source }));
                    }
                }
            }
        }
        found.map(|(_, value)| value)
    }

    /// A secret's file, without the line end that editors put behind it.
    fn secret_file(&mut self, variable: &str, path: &str, inputs: &Inputs<'_>) -> Option<String> {
        let what = match (inputs.read)(path) {
            Ok(text) => {
                let text = text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text));
                if !text.is_empty() {
                    return Some(text.to_owned());
                }
                format!("{path:?} is empty")
            }
            Err(error) => format!("{path:?} can't be read: {error}"),
        };
        self.problems.push(Problem::new(variable, what));
        None
    }

    fn look_for_strangers(
        &mut self,
        environment: &BTreeMap<String, String>,
        file: &BTreeMap<String, String>,
        path: &str,
    ) {
        for name in environment.keys().chain(file.keys()) {
            if let Some(later) = LATER.iter().find(|later| later.is_about(name))
                && !self.later.iter().any(|(known, _)| known == name)
            {
                self.later.push((name.clone(), later.feature));
            }
        }
        for name in environment.keys().filter(|name| OURS.iter().any(|prefix| name.starts_with(prefix))) {
            if is_stranger(name) && name != FILE_VARIABLE {
                self.warnings.push(format!("{name} is set, and is no setting of this version"));
            }
        }
        for name in file.keys().filter(|name| is_stranger(name)) {
            self.warnings.push(format!("{path}: `{}` is no setting of this version", name.to_ascii_lowercase()));
        }
    }
}

fn is_set((_, value): &(String, String)) -> bool {
    !value.trim().is_empty()
}

fn is_stranger(name: &str) -> bool {
    let of_file = name.strip_suffix("_FILE").and_then(setting).is_some_and(|setting| setting.secret);
    setting(name).is_none() && !of_file && !LATER.iter().any(|later| later.is_about(name))
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => None,
    }
}
