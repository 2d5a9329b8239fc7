//! A document as YAML, for people: blocks, plain words where YAML takes them for text, quotes as JSON has them elsewhere.
//! Examples stand on one line, as they stand on the wire.

use serde_json::to_string;

use super::Node;

/// What is short, and read at a glance.
const ON_ONE_LINE: [&str; 3] = ["enum", "required", "const"];
/// Under this key each item has a line.
const EXAMPLES: &str = "examples";

/// The whole document.
#[must_use]
pub fn write(document: &Node) -> String {
    let mut out = String::new();
    block(document, 0, &mut out);
    out
}

/// What stands in lines of its own: each begins with the indentation, the last one ends.
fn block(node: &Node, indent: usize, out: &mut String) {
    match node {
        Node::Map(entries) if !entries.is_empty() => {
            for (place, (key, value)) in entries.iter().enumerate() {
                if place > 0 || indent == 0 || out.ends_with('\n') {
                    out.push_str(&" ".repeat(indent));
                }
                out.push_str(&text(key));
                out.push(':');
                behind(key, value, indent, out);
            }
        }
        Node::List(items) if !items.is_empty() => {
            for (place, item) in items.iter().enumerate() {
                if place > 0 || out.ends_with('\n') {
                    out.push_str(&" ".repeat(indent));
                }
                out.push_str("- ");
                block(item, indent + 2, out);
            }
        }
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) | Node::Map(_) => {
            flow(node, out);
            out.push('\n');
        }
    }
}

/// What stands behind a key.
fn behind(key: &str, value: &Node, indent: usize, out: &mut String) {
    let nested = !value.entries().is_empty() || !value.items().is_empty();
    if nested && key == EXAMPLES {
        out.push('\n');
        for item in value.items() {
            out.push_str(&" ".repeat(indent + 2));
            out.push_str("- ");
            quoted(item, out);
            out.push('\n');
        }
    } else if nested && !ON_ONE_LINE.contains(&key) {
        out.push('\n');
        block(value, indent + 2, out);
    } else {
        out.push(' ');
        flow(value, out);
        out.push('\n');
    }
}

/// Within one line.
fn flow(node: &Node, out: &mut String) {
    match node {
        Node::Null => out.push_str("null"),
        Node::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Node::Number(number) => out.push_str(&number.to_string()),
        Node::Text(words) => out.push_str(&text(words)),
        Node::List(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                out.push_str(if place == 0 { "" } else { ", " });
                quoted(item, out);
            }
            out.push(']');
        }
        Node::Map(entries) => {
            out.push('{');
            for (place, (key, value)) in entries.iter().enumerate() {
                out.push_str(if place == 0 { "" } else { ", " });
                out.push_str(&json(key));
                out.push_str(": ");
                quoted(value, out);
            }
            out.push('}');
        }
    }
}

/// The same, with every text in quotes: commas and brackets mean something there.
fn quoted(node: &Node, out: &mut String) {
    match node {
        Node::Text(words) => out.push_str(&json(words)),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Map(_) => flow(node, out),
    }
}

/// A text that YAML reads as that text.
fn text(words: &str) -> String {
    if is_plain(words) { words.to_owned() } else { json(words) }
}

fn json(words: &str) -> String {
    to_string(words).expect("a text is JSON")
}

/// Whether it needs no quotes. Fewer texts than YAML allows: what looks like anything but words is quoted.
fn is_plain(words: &str) -> bool {
    let means_more = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let inner = |c: char| c.is_ascii_alphanumeric() || " _-./$()'".contains(c);
    let first = |c: char| c.is_ascii_alphabetic() || c == '/' || c == '$';
    words.starts_with(first)
        && words.chars().all(inner)
        && !words.ends_with(' ')
        && !means_more.contains(&words.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_blocks_and_frames_are_lines() {
        let document = Node::read(
            r#"{"a":{"b":[{"c":1,"d":"x: y"},"no",[]],"e":{}},"200":"/ws/{id}","m":{"payload":{"type":"object"},
            "examples":[{"payload":{"type":"ack","n":[1,"\u00e9"]}}]},"list":[[1,2],[{"k":null}]]}"#,
        );
        let expected = "a:\n  b:\n    - c: 1\n      d: \"x: y\"\n    - \"no\"\n    - []\n  e: {}\n\"200\": \"/ws/{id}\"\n\
                        m:\n  payload:\n    type: object\n  examples:\n    - {\"payload\": {\"type\": \"ack\", \"n\": [1, \"é\"]}}\n\
                        list:\n  - - 1\n    - 2\n  - - k: null\n";
        assert_eq!(write(&document), expected);
    }

    #[test]
    fn what_could_be_read_as_something_else_is_quoted() {
        for words in ["", "1.0", "-", "true", "Null", "a: b", "a #b", " a", "a ", "*a", "{a}", "é", "a\nb", "0x1", "~"]
        {
            assert!(text(words).starts_with('"'), "{words:?}");
        }
        for words in ["a", "GET", "two words", "$ref", "/health", "rooms.Message", "client's"] {
            assert_eq!(text(words), words);
        }
    }
}
