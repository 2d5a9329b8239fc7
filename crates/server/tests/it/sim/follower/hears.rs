//! What a follower takes from the frames that it is told.

use domain::id::Millis;
use serde_json::Value;

use super::{Follower, Item, Wire};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

impl Follower {
    pub(super) fn hears(&mut self, now: Millis, frame: &str) {
        let value: Value = serde_json::from_str(frame).expect("every frame is one JSON object");
        let item = match self.wire {
            Wire::Gateway => self.hears_gateway(frame, &value),
            Wire::Direct => self.hears_direct(&value),
        };
        if let Some(item) = item {
            let stay = self.stays.last_mut().expect("an upgrade began one");
            stay.told.push((now, item));
        }
    }

    fn hears_gateway(&mut self, frame: &str, value: &Value) -> Option<Item> {
        let data = &value["data"];
        let id = || text(&data["messageId"]);
        Some(match value["type"].as_str() {
            Some("message") => {
                Item::Message { id: id(), text: text(&data["content"]), sender: text(&data["senderId"]) }
            }
            Some("messageStatus") => {
                // Whatever has become of it, it was kept.
                if let Some(sent) = self.sent.get_mut(&id()) {
                    sent.acked = true;
                }
                let reader = data["readerId"].as_str().map(str::to_owned);
                Item::Status { id: id(), status: text(&data["status"]), reader }
            }
            Some("messageEdited") => Item::Edited { id: id(), text: text(&data["newContent"]) },
            Some("messageDeleted") => Item::Deleted { id: id() },
            Some("groupCreated" | "groupUpdate" | "groupMembersAdded" | "groupMemberLeft") => {
                Item::Notice(frame.to_owned())
            }
            Some("typing" | "presence" | "catchUpComplete") => return None,
            Some(other) => panic!("an unknown frame: {other}"),
            None => {
                let why = text(&value["message"]);
                assert!(["Forbidden", "Internal server error"].contains(&&*why), "nobody earns a {why}");
                return None;
            }
        })
    }

    fn hears_direct(&mut self, value: &Value) -> Option<Item> {
        match value["type"].as_str().expect("every frame has a type") {
            "connection_established" => {
                let number = value["user_id"].as_u64().and_then(|number| u32::try_from(number).ok());
                assert!(number.is_some() && (self.number.is_none() || self.number == number), "a number is for good");
                self.number = number;
                None
            }
            "new_message" => {
                let message = &value["message"];
                assert_eq!(message["status"], "sent", "the contract's literal");
                let (id, sender) = (message["id"].to_string(), message["sender_id"].to_string());
                Some(Item::Message { id, text: text(&message["content"]), sender })
            }
            "online_users" | "user_status" => None,
            other => panic!("an unknown frame: {other}"),
        }
    }
}
