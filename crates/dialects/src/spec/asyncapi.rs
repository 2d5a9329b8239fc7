//! AsyncAPI 3.0 of the sockets: a channel for each, with the messages that the server receives and sends there.

use super::{Node, components, rooted, routes};
use crate::{Dialect, Way};

/// What a server does with the messages of a text, by the text's keys.
const ACTIONS: [&str; 2] = ["receive", "send"];

/// The document.
#[must_use]
pub fn document(dialects: &[Box<dyn Dialect>], version: &str) -> Node {
    let (mut channels, mut operations, mut messages, mut all) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for dialect in dialects {
        let texts: Vec<Node> = dialect.spec().iter().map(|text| rooted(text)).collect();
        let Some(mut channel) = channel(dialect.as_ref(), &texts) else { continue };
        let mut of_channel = Vec::new();
        for text in &texts {
            for action in ACTIONS {
                let Some(listed) = text.get(action) else { continue };
                let mut listed_here = Vec::new();
                for (name, message) in listed.entries() {
                    let full = format!("{}.{action}.{name}", text.text_of("name"));
                    let target = format!("#/channels/{}/messages/{full}", dialect.name());
                    listed_here.push(Node::map([("$ref", target.into())]));
                    of_channel.push((full.clone(), reference(&format!("#/components/messages/{full}"))));
                    messages.push((full, whole(name, message)));
                }
                let id = format!("{}.{action}", text.text_of("name"));
                let operation = Node::map([
                    ("action", action.into()),
                    ("channel", reference(&format!("#/channels/{}", dialect.name()))),
                    ("summary", format!("{}: what the server {}", text.text_of("title"), does(action)).into()),
                    ("messages", Node::List(listed_here)),
                ]);
                operations.push((id, operation));
            }
        }
        channel.set("messages", Node::Map(of_channel));
        channels.push((dialect.name().to_owned(), channel));
        all.extend(texts);
    }
    let messages = Node::Map(messages);
    let mut parts = vec![("messages".to_owned(), messages.clone())];
    parts.extend(components(&messages, &all));
    Node::map([
        ("asyncapi", "3.0.0".into()),
        ("info", info(version)),
        ("defaultContentType", "application/json".into()),
        ("servers", servers()),
        ("channels", Node::Map(channels)),
        ("operations", Node::Map(operations)),
        ("components", Node::Map(parts)),
    ])
}

fn does(action: &str) -> &'static str {
    if action == "send" { "says" } else { "takes" }
}

fn reference(target: &str) -> Node {
    Node::map([("$ref", target.into())])
}

/// A message with its name, and its examples as AsyncAPI has them.
fn whole(name: &str, message: &Node) -> Node {
    let mut message = message.clone();
    if let Some(Node::List(examples)) = message.get("examples").cloned() {
        let payloads = examples.into_iter().map(|payload| Node::map([("payload", payload)]));
        message.set("examples", Node::List(payloads.collect()));
    }
    let mut entries = vec![("name".to_owned(), Node::from(name))];
    entries.extend(message.entries().iter().cloned());
    Node::Map(entries)
}

/// A dialect's socket: at its first address, with the others told in words.
fn channel(dialect: &dyn Dialect, texts: &[Node]) -> Option<Node> {
    let text = texts.first()?;
    let mut sockets = dialect.doors().into_iter().filter_map(|way| match way {
        Way::Socket(path) => Some(super::shown(&path)),
        Way::Polled(_) | Way::Connections(_) | Way::Rest(_) => None,
    });
    let address = sockets.next()?;
    let also: Vec<String> = sockets.map(|path| format!("`{path}`")).collect();
    let mut description = texts.iter().map(|text| text.text_of("description")).collect::<Vec<_>>().join("\n\n");
    if !also.is_empty() {
        description.push_str(&format!("\n\nAlso at {}.", also.join(", ")));
    }
    let mut channel = Node::map([
        ("address", address.as_str().into()),
        ("title", text.text_of("title").into()),
        ("description", description.into()),
    ]);
    let asked = routes(dialect).into_iter().find(|route| route.path == address && route.method == "GET")?;
    let parameters = text.get("operations")?.get(asked.name)?.get("parameters").map_or(&[][..], Node::items);
    let (mut in_path, mut in_query, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
    for parameter in parameters {
        let name = parameter.text_of("name").to_owned();
        let description = parameter.text_of("description");
        if parameter.text_of("in") == "path" {
            in_path.push((name, Node::map([("description", description.into())])));
        } else if parameter.text_of("in") == "query" {
            let schema = parameter.get("schema").cloned().unwrap_or_else(|| Node::Map(Vec::new()));
            if parameter.get("required") == Some(&Node::Bool(true)) {
                wanted.push(name.as_str().into());
            }
            in_query.push((name, schema.with("description", description.into())));
        }
    }
    if !in_path.is_empty() {
        channel.set("parameters", Node::Map(in_path));
    }
    let mut socket = Node::map([("method", "GET".into())]);
    if !in_query.is_empty() {
        let mut query = Node::map([("type", "object".into()), ("properties", Node::Map(in_query))]);
        if !wanted.is_empty() {
            query.set("required", Node::List(wanted));
        }
        socket.set("query", query);
    }
    Some(channel.with("bindings", Node::map([("ws", socket)])))
}

fn info(version: &str) -> Node {
    Node::map([("title", "Switchboard's sockets".into()), ("version", version.into()), ("description", ABOUT.into())])
}

const ABOUT: &str = "What clients and this server say to each other over WebSockets. `receive` is what the server takes, `send` \
                     what it says. Objects that the server says may have more keys one day; a client ignores those that it \
                     doesn't know. How a socket is asked for, and how that is refused, is in `/openapi.json`.";

/// Under which name the server is reached, it can't know.
fn servers() -> Node {
    let host =
        Node::map([("default", "localhost:8000".into()), ("description", "where this server is reached".into())]);
    let server = |protocol: &str| {
        let variables = Node::map([("host", host.clone())]);
        Node::map([("host", "{host}".into()), ("protocol", protocol.into()), ("variables", variables)])
    };
    Node::map([("plain", server("ws")), ("secure", server("wss"))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, registry};

    #[test]
    fn every_socket_has_a_channel_with_both_directions() {
        let settings = Settings { chat_path: "/talk".into(), ..Settings::default() };
        let document = document(&registry(&settings), "1");
        let channels = document.get("channels").expect("it has channels");
        let addresses: Vec<&str> = channels.entries().iter().map(|(_, channel)| channel.text_of("address")).collect();
        assert_eq!(addresses, ["/ws/rooms/{room_id}", "/talk", "/ws/{user_id}", "/socket.io/", "/production"]);
        let operations = document.get("operations").expect("it has operations");
        for dialect in ["rooms", "chat", "socketio", "gateway"] {
            for action in ACTIONS {
                let operation = operations.get(&format!("{dialect}.{action}")).expect("both directions");
                assert!(!operation.get("messages").expect("messages").items().is_empty(), "{dialect} {action}");
            }
        }
    }
}
