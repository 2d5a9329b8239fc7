//! JSON with its keys in the order in which they were written: documents are for people, too.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Node>),
    /// An object, in its order.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Reads one of our own texts.
    ///
    /// # Panics
    /// When it is no JSON: these texts are compiled in, and tests read each of them.
    #[must_use]
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).expect("a text of our own is JSON, as tests show")
    }

    /// An object of these.
    #[must_use]
    pub fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, node)| (key.to_owned(), node)).collect())
    }

    /// What an object has under this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(known, _)| known == key).map(|(_, node)| node)
    }

    /// An object's entries; none of anything else.
    #[must_use]
    pub fn entries(&self) -> &[(String, Self)] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }

    /// An array's items; none of anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// A string's text; nothing of anything else.
    #[must_use]
    pub fn text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    /// The text that an object has under this key; nothing when there is none.
    #[must_use]
    pub fn text_of(&self, key: &str) -> &str {
        self.get(key).map_or("", Self::text)
    }

    /// Puts this under the key, in the place of what is there or behind everything else. Of objects only.
    pub fn set(&mut self, key: &str, node: Self) {
        let Self::Map(entries) = self else { return };
        match entries.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => *old = node,
            None => entries.push((key.to_owned(), node)),
        }
    }

    /// The same with this under the key.
    #[must_use]
    pub fn with(mut self, key: &str, node: Self) -> Self {
        self.set(key, node);
        self
    }

    /// Every text in it that stands under the key `$ref`, to be changed.
    pub fn references(&mut self, change: &mut impl FnMut(&mut String)) {
        match self {
            Self::Map(entries) => {
                for (key, node) in entries {
                    if let (Self::Text(target), "$ref") = (&mut *node, key.as_str()) {
                        change(target);
                    } else {
                        node.references(change);
                    }
                }
            }
            Self::List(items) => items.iter_mut().for_each(|item| item.references(change)),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => {}
        }
    }

    /// As JSON for people.
    ///
    /// # Panics
    /// Never: it has text keys and no failing serialisers.
    #[must_use]
    pub fn pretty(&self) -> String {
        serde_json::to_string_pretty(self).expect("it has text keys and no failing serialisers")
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, node)| map.serialize_entry(key, node))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Node, E> {
        Ok(Node::Bool(truth))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(Number::from_f64(number).map_or(Node::Null, Node::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        while let Some((key, node)) = map.next_entry::<String, Node>()? {
            // Written twice, one of the two would be read by nobody.
            if entries.iter().any(|(known, _)| *known == key) {
                return Err(serde::de::Error::custom(format!("{key} stands there twice")));
            }
            entries.push((key, node));
        }
        Ok(Node::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept() {
        let text = r#"{"b":[1,-2,1.5,null,true,"x"],"a":{"z":{},"y":[]}}"#;
        assert_eq!(serde_json::to_string(&Node::read(text)).expect("it can be written"), text);
        assert!(serde_json::from_str::<Node>(r#"{"a":1,"a":2}"#).is_err(), "a key twice");
    }

    #[test]
    fn references_are_found_wherever_they_are() {
        let mut node = Node::read(r##"{"a":[{"$ref":"#/x"}],"$ref":{"$ref":"#/y"},"b":"$ref"}"##);
        node.references(&mut |target| target.push('!'));
        assert_eq!(node, Node::read(r##"{"a":[{"$ref":"#/x!"}],"$ref":{"$ref":"#/y!"},"b":"$ref"}"##));
    }
}
