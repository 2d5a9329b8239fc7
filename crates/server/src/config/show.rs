//! `config show`: every setting, its value and where that came from. Secrets are masked, and so is a password in a URL.

use std::fmt::Write;

use super::layers::Layers;
use super::table::SETTINGS;

const MASK: &str = "********";

/// One line a setting, aligned.
#[must_use]
pub fn show(layers: &Layers) -> String {
    let rows: Vec<(&str, String, String)> = SETTINGS
        .iter()
        .map(|setting| {
            let value = layers.value(setting.name);
            let shown = match value.text.as_str() {
                "" => "(unset)".to_owned(),
                _ if setting.secret => MASK.to_owned(),
                text => without_password(text).escape_debug().collect(),
            };
            (setting.name, shown, value.source.to_string())
        })
        .collect();
    let names = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    let values = rows.iter().map(|(_, value, _)| value.chars().count()).max().unwrap_or(0).min(40);
    rows.iter().fold(String::new(), |mut text, (name, value, source)| {
        writeln!(text, "{name:names$}  {value:values$}  {source}").expect("a String takes what is written to it");
        text
    })
}

fn without_password(text: &str) -> String {
    match text.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
        Some((scheme, (_, behind))) => format!("{scheme}://{MASK}@{behind}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn passwords_in_urls() {
        for (text, shown) in [
            ("postgresql://user:a@b@host/db", "postgresql://********@host/db"),
            ("sqlite:./data", "sqlite:./data"),
            ("http://localhost:3000", "http://localhost:3000"),
        ] {
            assert_eq!(super::without_password(text), shown);
        }
    }
}
