//! What a message of this door keeps beside its content, as opaque text in its row (HAZARDS 25): what its sender said of it
//! that goes on as it was said, whether it was told as null or not at all.

use domain::Text;
use domain::event::Event;
use domain::id::{ClientId, MessageId, Millis};
use domain::model::{Person, Sending};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;

use crate::{door, json};

/// Longest name that a frame may give somebody, in characters (RULES 15).
const NAME_CHARS_MAX: usize = 100;
/// How far ahead of the server's clock a frame's time may be to be told, in milliseconds (RULES 15).
const AHEAD_MS: u64 = 60_000;
/// Longest time that is kept as it was said, in bytes.
const TIME_BYTES_MAX: usize = 64;

/// Longest text of a quoted message, in characters: what a message keeps for its door is bounded, and a quote is for
/// knowing again what is answered.
const QUOTE_CHARS_MAX: usize = 500;

/// What is said in the place of something else.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Kept {
    /// The sender's name, where their token tells none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sender_name: Option<String>,
    /// When it was said, by the client's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<String>,
    /// What the sender calls the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) conversation_name: Option<String>,
}

/// None when a key is absent; `Some(None)` when it is null.
pub(super) type Given<T> = Option<Option<T>>;

/// What goes on with a message as it came: keys that are absent stay absent, and null stays null.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct More {
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(super) reply_to_message_id: Given<String>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(super) reply_to_content: Given<String>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(super) reply_to_sender_name: Given<String>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(super) message_type: Given<String>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(super) audio_url: Given<String>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(super) audio_duration: Given<Number>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(super) transcript: Given<String>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub(super) is_transcribing: Given<bool>,
}

fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Given<T>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl More {
    /// Of a message that answers none, and came through a door that would say so: every reply key, as null.
    pub(super) fn answers_none() -> Self {
        Self {
            reply_to_message_id: Some(None),
            reply_to_content: Some(None),
            reply_to_sender_name: Some(None),
            ..Self::default()
        }
    }

    /// The same with a quote that isn't too long.
    pub(super) fn quoting_in_short(mut self) -> Self {
        self.reply_to_content = self.reply_to_content.map(|content| content.map(|text| cut(text, QUOTE_CHARS_MAX)));
        self
    }
}

/// As text for a message's row; none when there is nothing to keep.
pub(super) fn text(kept: &Kept, more: &More) -> Option<Text> {
    #[derive(Serialize)]
    struct Both<'a> {
        #[serde(flatten)]
        kept: &'a Kept,
        #[serde(flatten)]
        more: &'a More,
    }
    if *kept == Kept::default() && *more == More::default() {
        return None;
    }
    let mut buffer = Vec::new();
    json::write(&mut buffer, &Both { kept, more });
    Some(Text::from(String::from_utf8(buffer).expect("JSON is UTF-8")))
}

/// What the row of a message has; nothing for messages of other doors.
pub(super) fn read(event: &Event) -> (Kept, More) {
    let extra = event.message().filter(|_| event.door == door::GATEWAY).and_then(|message| message.extra.as_deref());
    // Written by `text`; a row that has something else is told as one that has nothing.
    let read = extra.and_then(|extra| Some((json::object(extra).ok()?, json::object(extra).ok()?)));
    read.unwrap_or_default()
}

fn cut(mut text: String, chars_max: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(chars_max) {
        text.truncate(end);
    }
    text
}

/// What a frame gives as a name, when it is one; a longer one is cut (RULES 15).
pub(super) fn name(given: Option<String>) -> Option<String> {
    given.filter(|name| !name.is_empty()).map(|name| cut(name, NAME_CHARS_MAX))
}

/// The name that a frame gives its sender, where it counts: where no token told one, so that they are shown by their id.
pub(super) fn sender_name(who: &Person, given: Option<String>) -> Option<String> {
    if *who.name == *who.id.as_str() { name(given) } else { None }
}

/// The frame's time as it was said; none when it is no time, or lies ahead: then the server's is told.
pub(super) fn timestamp(given: Option<String>, now: Millis) -> Option<String> {
    let given = given.filter(|text| text.len() <= TIME_BYTES_MAX)?;
    let at = given.parse::<Timestamp>().ok()?.as_millisecond();
    u64::try_from(at).map_or(true, |at| at <= now.plus(AHEAD_MS).0).then_some(given)
}

/// A message's id on this wire: its sender's where it was sent through this door, else its UUID.
pub(super) fn message_id(door: domain::id::Door, client_id: Option<&ClientId>, id: MessageId) -> String {
    match client_id {
        Some(client_id) if door == door::GATEWAY => client_id.as_str().to_owned(),
        Some(_) | None => id.to_string(),
    }
}

/// The same, of something that happened to a message.
pub(super) fn known_as(sending: &Sending, id: MessageId) -> String {
    message_id(sending.door, sending.client_id.as_ref(), id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{NOW, person};

    #[test]
    fn what_is_kept_comes_back_as_it_was_said() {
        for said in [
            r#"{"senderName":"A","timestamp":"2025-10-21T10:30:00Z"}"#,
            r#"{"conversationName":"Team","replyToMessageId":null,"replyToContent":null,"replyToSenderName":null}"#,
            r#"{"replyToMessageId":"m","messageType":"voice","audioUrl":"u","audioDuration":1.5,"transcript":null,"isTranscribing":false}"#,
            r#"{"audioDuration":3}"#,
        ] {
            let (kept, more): (Kept, More) = (json::object(said).expect("good"), json::object(said).expect("good"));
            assert_eq!(text(&kept, &more).as_deref(), Some(said));
        }
        assert_eq!(text(&Kept::default(), &More::default()), None, "nothing to keep");
    }

    #[test]
    fn whose_word_counts() {
        let given = |text: &str| Some(text.to_owned());
        let mut named = (*person("alice")).clone();
        assert_eq!(sender_name(&named, given("Al")), given("Al"), "no token told a name");
        assert_eq!(sender_name(&named, given("")), None);
        assert_eq!(sender_name(&named, given(&"ü".repeat(101))), given(&"ü".repeat(100)), "cut");
        let long = More { reply_to_content: Some(given(&"ü".repeat(501))), ..More::default() };
        assert_eq!(long.quoting_in_short().reply_to_content, Some(given(&"ü".repeat(500))), "a quote");
        named.name = "Alice".into();
        assert_eq!(sender_name(&named, given("Mallory")), None, "the token's name wins");
        for (text, expected) in [
            ("2025-10-21T10:30:00Z", true),
            ("2025-10-21T10:30:00.123+02:00", true),
            ("1969-01-01T00:00:00Z", true),
            ("2026-11-20T11:53:13.994Z", true),
            ("2026-11-20T11:53:13.995Z", false),
            ("2999-01-01T00:00:00Z", false),
            ("yesterday", false),
            ("", false),
        ] {
            assert_eq!(timestamp(given(text), NOW), given(text).filter(|_| expected), "{text}");
        }
    }
}
