//! What the wires are, for readers and for tools: OpenAPI of everything over HTTP, AsyncAPI of the sockets.
//!
//! Each dialect has a text beside it (`spec.json`) with what it promises, and its [doors](crate::Dialect::doors) say
//! where that is; here the two become documents, so that the paths are those that the operator has chosen. A door without
//! words, or words without a door, is found by [`unmatched`]. In such a text
//!
//! | key | has |
//! |---|---|
//! | `name`, `title`, `description` | what the wire is called, here and by people |
//! | `security` | what its calls want, unless they say otherwise |
//! | `operations` | OpenAPI's operations, by [`Rest::name`](crate::Rest::name) and [`Route::name`] |
//! | `receive`, `send` | messages that the server takes and says, by name: a `payload` and `examples` |
//! | `schemas`, `responses`, `parameters` | what these refer to, by `#/schemas/Name` |
//!
//! Files: [`node`] (JSON in its order), `openapi`, `asyncapi`, [`yaml`].

mod asyncapi;
pub mod node;
mod openapi;
pub mod yaml;

use std::collections::BTreeSet;

pub use self::asyncapi::document as asyncapi;
pub use self::node::Node;
pub use self::openapi::document as openapi;
use crate::{Dialect, Way};

/// A path of a dialect, with a method and the words for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// The pattern, as documents have it: `/ws/{user_id}`.
    pub path: String,
    /// By which its dialect's text describes it: a [`Rest::name`](crate::Rest::name), or one of those of the other ways.
    pub name: &'static str,
    /// Answers without asking who it is.
    pub anonymous: bool,
}

/// The routes of a dialect.
#[must_use]
pub fn routes(dialect: &dyn Dialect) -> Vec<Route> {
    let doors = dialect.doors();
    let is_polled =
        |path: &str| doors.iter().any(|way| if let Way::Polled(polled) = way { polled == path } else { false });
    let mut routes = Vec::new();
    for way in &doors {
        let mut add = |path: &str, all: &[(&'static str, &'static str)]| {
            let route = |(method, name): &(&'static str, &'static str)| Route {
                method,
                path: shown(path),
                name,
                anonymous: false,
            };
            routes.extend(all.iter().map(route));
        };
        match way {
            // Where sessions are polled, too, a request without an upgrade is a poll.
            Way::Socket(path) if is_polled(path) => {}
            Way::Socket(path) => add(path, &[("GET", "connect")]),
            Way::Polled(path) => add(path, &[("GET", "poll"), ("POST", "push")]),
            Way::Connections(path) => add(path, &[("POST", "say"), ("GET", "look"), ("DELETE", "close")]),
            Way::Rest(rest) => routes.push(Route {
                method: rest.method,
                path: shown(&rest.path),
                name: rest.name,
                anonymous: rest.anonymous,
            }),
        }
    }
    routes
}

/// A pattern without the kinds of what it captures.
fn shown(pattern: &str) -> String {
    pattern.replace(":int}", "}")
}

/// What is declared and not described, or described and not declared.
#[must_use]
pub fn unmatched(dialect: &dyn Dialect) -> Vec<String> {
    let declared: BTreeSet<&str> = routes(dialect).iter().map(|route| route.name).collect();
    let texts: Vec<Node> = dialect.spec().iter().map(|text| Node::read(text)).collect();
    let operations = texts.iter().filter_map(|text| text.get("operations")).flat_map(Node::entries);
    let described: BTreeSet<&str> = operations.map(|(name, _)| name.as_str()).collect();
    declared.symmetric_difference(&described).map(|name| format!("{}: {name}", dialect.name())).collect()
}

/// The kinds of components that a text may have.
const COMPONENTS: [&str; 3] = ["schemas", "responses", "parameters"];

/// A text whose references lead to where its components are in a document.
fn rooted(text: &str) -> Node {
    let mut spec = Node::read(text);
    let prefix = spec.text_of("name").to_owned();
    spec.references(&mut |target| {
        if let Some((kind, name)) = target.strip_prefix("#/").and_then(|path| path.split_once('/')) {
            *target = format!("#/components/{kind}/{prefix}.{name}");
        }
    });
    spec
}

/// Of these texts' components, those that the document refers to, at last.
fn components(document: &Node, texts: &[Node]) -> Vec<(String, Node)> {
    let mut wanted = BTreeSet::new();
    let mut look = vec![document.clone()];
    let find = |target: &str| {
        let (kind, name) = target.strip_prefix("#/components/")?.split_once('/')?;
        let (text, name) = name.rsplit_once('.')?;
        let spec = texts.iter().find(|spec| spec.text_of("name") == text)?;
        spec.get(kind)?.get(name).cloned()
    };
    while let Some(mut node) = look.pop() {
        node.references(&mut |target| {
            if let Some(found) = find(target)
                && wanted.insert(target.clone())
            {
                look.push(found);
            }
        });
    }
    let mut all = Vec::new();
    for kind in COMPONENTS {
        let mut of_kind = Vec::new();
        for spec in texts {
            for (name, node) in spec.get(kind).map_or(&[][..], Node::entries) {
                let name = format!("{}.{name}", spec.text_of("name"));
                if wanted.contains(&format!("#/components/{kind}/{name}")) {
                    of_kind.push((name, node.clone()));
                }
            }
        }
        if !of_kind.is_empty() {
            all.push((kind.to_owned(), Node::Map(of_kind)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, registry};

    #[test]
    fn every_door_has_words_and_all_words_have_a_door() {
        for (development, prefix) in [(true, "/api/messaging"), (false, "/api/messaging"), (true, "")] {
            let settings = Settings { development, api_prefix: prefix.into(), ..Settings::default() };
            let dialects = registry(&settings);
            let left: Vec<String> = dialects.iter().flat_map(|dialect| unmatched(dialect.as_ref())).collect();
            assert!(left.is_empty(), "declared and not described, or the other way round: {left:#?}");
            // A tongue without doors of its own is described where it is spoken.
            for dialect in dialects.iter().filter(|dialect| !dialect.doors().is_empty()) {
                let first = dialect.spec().first().map(|text| Node::read(text));
                assert_eq!(first.as_ref().map(|text| text.text_of("name")), Some(dialect.name()));
            }
        }
    }

    #[test]
    fn references_lead_somewhere() {
        let own = r#"{"name":"server","title":"t","description":"d"}"#;
        let dialects = registry(&Settings::default());
        for mut document in [openapi(&dialects, own, "1"), asyncapi(&dialects, "1")] {
            let whole = document.clone();
            document.references(&mut |target| {
                let unescaped = target.replace("~1", "/");
                let mut parts =
                    unescaped.trim_start_matches("#/").splitn(if target.starts_with("#/paths") { 2 } else { 9 }, '/');
                let mut at = Some(&whole);
                while let (Some(node), Some(part)) = (at, parts.next()) {
                    at = node.get(part);
                }
                assert!(at.is_some() || target.contains("server."), "{target} leads nowhere");
            });
        }
    }
}
