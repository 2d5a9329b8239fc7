//! OpenAPI 3.1 of everything over HTTP: the server's own pages, REST, polls, and how sockets are asked for.

use super::{Node, Route, components, rooted, routes};
use crate::Dialect;

/// The document. `own` is the text of the server's own pages, whose operations are named by method and path (`GET /health`);
/// where a dialect has one of them, too, the server answers.
#[must_use]
pub fn document(dialects: &[Box<dyn Dialect>], own: &str, version: &str) -> Node {
    let own = rooted(own);
    let mut texts = vec![own.clone()];
    let mut paths = Paths::default();
    let mut tags = Vec::new();
    let pages = own.get("operations").map_or(&[][..], Node::entries);
    for (name, operation) in pages {
        if let Some((method, path)) = name.split_once(' ') {
            let mut operation = operation.clone();
            or_else(&mut operation, &own);
            paths.add(method, path, tagged(&operation, "server", &path.replace('/', "_")));
        }
    }
    let tag = |text: &Node| {
        Node::map([("name", text.text_of("name").into()), ("description", text.text_of("description").into())])
    };
    tags.push(tag(&own));
    for dialect in dialects {
        let Some(text) = dialect.spec().first().map(|text| rooted(text)) else { continue };
        for route in routes(dialect.as_ref()) {
            if let Some(operation) = operation(&text, &route, &own)
                && !pages.iter().any(|(name, _)| *name == format!("{} {}", route.method, route.path))
            {
                paths.add(route.method, &route.path, tagged(&operation, dialect.name(), route.name));
            }
        }
        tags.push(tag(&text));
        texts.push(text);
    }
    let info = Node::map([
        ("title", own.text_of("title").into()),
        ("version", version.into()),
        ("description", own.text_of("about").into()),
    ]);
    let document = Node::map([
        ("openapi", "3.1.0".into()),
        ("info", info),
        ("servers", Node::List(vec![Node::map([("url", "/".into())])])),
        ("tags", Node::List(tags)),
        ("paths", Node::Map(paths.0)),
    ]);
    let mut parts = components(&document, &texts);
    if let Some(schemes) = own.get("securitySchemes") {
        parts.push(("securitySchemes".into(), schemes.clone()));
    }
    document.with("components", Node::Map(parts))
}

/// What a route does, with what holds for all of its dialect's.
fn operation(text: &Node, route: &Route, own: &Node) -> Option<Node> {
    let mut operation = text.get("operations")?.get(route.name)?.clone();
    if route.anonymous {
        operation.set("security", Node::List(Vec::new()));
    } else if operation.get("security").is_none()
        && let Some(security) = text.get("security")
    {
        operation.set("security", security.clone());
    }
    or_else(&mut operation, own);
    Some(operation)
}

/// Adds what the server says before anybody is asked: to every operation, and to what stands for a range of statuses, which
/// would hide it.
fn or_else(operation: &mut Node, own: &Node) {
    if own.get("responses").is_none_or(|responses| responses.get("Otherwise").is_none()) {
        return;
    }
    let reference = |kind: &str| Node::map([("$ref", format!("#/components/{kind}/server.Otherwise").into())]);
    let mut responses = operation.get("responses").map(|responses| responses.entries().to_vec()).unwrap_or_default();
    let ranges = responses.iter_mut().filter(|(status, _)| status.ends_with("XX"));
    for (_, response) in ranges {
        let mut contents = response.get("content").map(|contents| contents.entries().to_vec()).unwrap_or_default();
        for content in contents.iter_mut().filter(|(kind, _)| kind == "application/json").map(|(_, content)| content) {
            let theirs = content.get("schema").cloned();
            let any = theirs.into_iter().chain([reference("schemas")]).collect();
            content.set("schema", Node::map([("anyOf", Node::List(any))]));
        }
        response.set("content", Node::Map(contents));
    }
    responses.push(("default".into(), reference("responses")));
    operation.set("responses", Node::Map(responses));
}

/// An operation with its tag and its name, before everything else.
fn tagged(operation: &Node, tag: &str, name: &str) -> Node {
    let mut entries = vec![
        ("tags".to_owned(), Node::List(vec![tag.into()])),
        ("operationId".to_owned(), format!("{tag}.{}", name.trim_start_matches('_')).into()),
    ];
    entries.extend(operation.entries().iter().cloned());
    Node::Map(entries)
}

#[derive(Default)]
struct Paths(Vec<(String, Node)>);

impl Paths {
    /// Adds an operation to its path. A path that is another one but for the slash at its end refers to that one, and may
    /// have more of its own.
    fn add(&mut self, method: &str, path: &str, mut operation: Node) {
        let same_name = |known: &Node| {
            let id = operation.text_of("operationId");
            known.entries().iter().any(|(_, other)| other.text_of("operationId") == id)
        };
        if let Some((first, _)) = self.0.iter().find(|(known, item)| known != path && same_name(item)) {
            let target = format!("#/paths/{}", first.replace('~', "~0").replace('/', "~1"));
            if !self.0.iter().any(|(known, _)| known == path) {
                self.0.push((path.to_owned(), Node::map([("$ref", target.into())])));
            }
            return;
        }
        let method = method.to_ascii_lowercase();
        match self.0.iter_mut().find(|(known, _)| shape(known) == shape(path)) {
            Some((known, item)) => {
                rename(&mut operation, path, known);
                item.set(&method, operation);
            }
            None => self.0.push((path.to_owned(), Node::Map(vec![(method, operation)]))),
        }
    }
}

/// A pattern without names: two of the same shape are one path.
fn shape(path: &str) -> String {
    path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment }).collect::<Vec<_>>().join("/")
}

/// Calls what the path captures as another of the same shape does.
fn rename(operation: &mut Node, from: &str, to: &str) {
    let Some(mut parameters) = operation.get("parameters").cloned() else { return };
    if let Node::List(parameters) = &mut parameters {
        for (old, new) in from.split('/').zip(to.split('/')).filter(|(old, new)| old != new) {
            let bare = |segment: &str| segment.trim_matches(['{', '}']).to_owned();
            let found =
                parameters.iter_mut().find(|one| one.text_of("in") == "path" && one.text_of("name") == bare(old));
            if let Some(parameter) = found {
                parameter.set("name", bare(new).into());
            }
        }
    }
    operation.set("parameters", parameters);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, registry};

    const OWN: &str = r##"{"name":"server","title":"S","about":"A","description":"D","operations":{
        "GET /health":{"summary":"own","responses":{"200":{"$ref":"#/responses/Page"}}}},
        "responses":{"Page":{"description":"p"},"Otherwise":{"description":"o"},"Unused":{"description":"u"}}}"##;

    fn paths(settings: &Settings) -> Vec<String> {
        let document = document(&registry(settings), OWN, "1");
        let paths = document.get("paths").expect("it has paths");
        let methods = |item: &Node| item.entries().iter().map(|(key, _)| key.clone()).collect::<Vec<_>>().join(" ");
        paths.entries().iter().map(|(path, item)| format!("{path} {}", methods(item))).collect()
    }

    #[test]
    fn paths_are_those_that_the_operator_has_chosen() {
        let chosen = Settings {
            api_prefix: "/v1".into(),
            gateway_path: "/stage".into(),
            chat_path: "/talk".into(),
            ..Settings::default()
        };
        let all = paths(&chosen);
        for path in
            ["/v1/users/ post", "/v1/users $ref", "/talk get", "/stage get", "/v1/ws/{user_id} $ref", "/health get"]
        {
            assert!(all.contains(&path.to_owned()), "{path} of {all:#?}");
        }
        assert!(!all.iter().any(|path| path.starts_with("/api/messaging") || path.starts_with("/ws/chat")), "{all:#?}");
        let one = paths(&Settings { dialects: vec!["chat".into()], ..Settings::default() });
        assert_eq!(one, ["/health get", "/ws/chat get"]);
    }

    #[test]
    fn paths_of_one_shape_are_one_path() {
        let all = paths(&Settings { api_prefix: String::new(), ..Settings::default() });
        let messages: Vec<&String> = all.iter().filter(|path| path.starts_with("/messages/{")).collect();
        assert_eq!(messages, ["/messages/{conv_id}/ get", "/messages/{conv_id} $ref delete"]);
    }

    #[test]
    fn the_server_answers_before_dialects_and_is_described_so() {
        let document = document(&registry(&Settings::default()), OWN, "1");
        let health = document.get("paths").and_then(|paths| paths.get("/health")?.get("get"));
        assert_eq!(health.map(|operation| operation.text_of("summary")), Some("own"));
        let responses = document.get("components").and_then(|components| components.get("responses"));
        let names: Vec<&String> = responses.expect("some").entries().iter().map(|(name, _)| name).collect();
        assert!(names.contains(&&"server.Otherwise".to_owned()) && !names.contains(&&"server.Unused".to_owned()));
    }
}
