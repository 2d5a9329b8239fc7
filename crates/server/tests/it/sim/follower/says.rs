//! What a `gateway` client says. Every message has an id, and every change of a group a name, that nothing else has, so that
//! the checker knows which is meant.

use serde_json::{Value, json};

use super::{Follower, Item, Sending, To, Wire};
use crate::world::World;

/// Sent again at most in one go, when everything is asked for once more.
const RESENT_MAX: usize = 50;

impl Follower {
    /// Whether it can say something.
    pub(crate) fn speaks(&self) -> bool {
        self.open && self.wire == Wire::Gateway
    }

    /// A name that nothing else has.
    fn next(&mut self) -> String {
        self.count += 1;
        format!("{}:{}", self.name, self.count)
    }

    /// The fields by which a frame says where.
    fn place(&self, to: &To) -> Value {
        match to {
            To::One(other) => {
                json!({"conversationId": conversation(&self.user, other), "recipientId": other, "senderId": self.user})
            }
            To::Group(group) => json!({"conversationId": group, "isGroupChat": true, "senderId": self.user}),
        }
    }

    /// Says something new; the text is the id.
    pub(crate) fn send(&mut self, world: &mut World, to: To) {
        let id = self.next();
        let mut frame = self.place(&to);
        frame["action"] = json!("sendMessage");
        frame["messageId"] = json!(id);
        frame["content"] = json!(id);
        // An answer to something: it is looked for first, and what is said next waits for it.
        if world.dice.chance(200)
            && let Some(quoted) = self.sent.keys().next_back()
        {
            frame["replyToMessageId"] = json!(quoted);
        }
        self.sent.insert(id.clone(), Sending { frame: frame.to_string(), to, acked: false });
        self.resend(world, &id);
    }

    /// Says the same again.
    fn resend(&self, world: &mut World, id: &str) {
        self.say(world, &self.sent[id].frame);
    }

    /// Says something again that was said before, acknowledged or not.
    pub(crate) fn repeat(&mut self, world: &mut World) {
        if let Some(id) = self.some_sent(world) {
            self.resend(world, &id);
        }
    }

    /// Says all again to others that was never acknowledged; of groups it may be put out for good.
    pub(crate) fn repeat_all(&mut self, world: &mut World) {
        let open = self.sent.iter().filter(|(_, sent)| !sent.acked && matches!(sent.to, To::One(_)));
        let ids = open.map(|(id, _)| id.clone());
        for id in ids.take(RESENT_MAX).collect::<Vec<_>>() {
            self.resend(world, &id);
        }
    }

    fn some_sent(&self, world: &mut World) -> Option<String> {
        let place = usize::try_from(world.dice.below(self.sent.len() as u64)).expect("small");
        self.sent.keys().nth(place).cloned()
    }

    /// Changes or takes away something of its own.
    pub(crate) fn change(&mut self, world: &mut World, edits: bool) {
        let Some(id) = self.some_sent(world) else { return };
        let mut frame = self.place(&self.sent[&id].to);
        frame["messageId"] = json!(id);
        if edits {
            frame["action"] = json!("editMessage");
            frame["newContent"] = json!(format!("{id}~{}", self.next()));
        } else {
            frame["action"] = json!("deleteMessage");
        }
        self.say(world, &frame.to_string());
    }

    /// Says that it has read some of what it was told last.
    pub(crate) fn mark(&mut self, world: &mut World) {
        let Some(stay) = self.stays.last() else { return };
        let most = 1 + usize::try_from(world.dice.below(3)).expect("small");
        let last = stay.told.iter().rev().filter_map(|(_, item)| match item {
            Item::Message { id, sender, .. } if *sender != self.user => Some((id.clone(), sender.clone())),
            Item::Message { .. }
            | Item::Edited { .. }
            | Item::Deleted { .. }
            | Item::Notice(_)
            | Item::Status { .. } => None,
        });
        for (id, sender) in last.take(most).collect::<Vec<_>>() {
            let reads = [json!({"messageId": id, "senderId": sender})];
            let name = conversation(&self.user, &sender);
            let frame = json!({"action": "markRead", "conversationId": name, "readerId": self.user, "reads": reads});
            self.say(world, &frame.to_string());
            self.marked.insert(id);
        }
    }

    /// The same in a group, where messages are found by the group's id.
    pub(crate) fn mark_in(&mut self, world: &mut World, group: &str) {
        let Some(stay) = self.stays.last() else { return };
        let last = stay.told.iter().rev().find_map(|(_, item)| match item {
            Item::Message { id, .. } => Some(id.clone()),
            Item::Edited { .. } | Item::Deleted { .. } | Item::Notice(_) | Item::Status { .. } => None,
        });
        if let Some(id) = last {
            let frame = json!({"action": "markRead", "conversationId": group, "readerId": self.user,
                "messageIds": [id], "isGroupChat": true});
            self.say(world, &frame.to_string());
            self.marked.insert(id);
        }
    }

    pub(crate) fn type_to(&mut self, world: &mut World, to: &To) {
        let mut frame = self.place(to);
        frame["action"] = json!("typing");
        frame["isTyping"] = json!(world.dice.chance(500));
        self.say(world, &frame.to_string());
    }

    pub(crate) fn catch_up(&self, world: &mut World) {
        self.say(world, &json!({"action": "catchUp", "userId": self.user}).to_string());
        self.say(world, &json!({"action": "presenceUpdate", "userId": self.user, "isOnline": true}).to_string());
    }

    pub(crate) fn make_group(&mut self, world: &mut World, group: &str, users: &[String]) {
        let name = self.next();
        let frame = json!({"action": "groupCreated", "conversationId": group, "participantIds": users,
            "createdBy": self.user, "createdByName": name, "groupAdmins": users});
        self.say(world, &frame.to_string());
    }

    pub(crate) fn admit(&mut self, world: &mut World, group: &str, user: &str) {
        let name = self.next();
        let frame = json!({"action": "groupMembersAdded", "conversationId": group, "newMemberIds": [user],
            "addedBy": self.user, "addedByName": name});
        self.say(world, &frame.to_string());
    }

    pub(crate) fn quit(&mut self, world: &mut World, group: &str) {
        let name = self.next();
        let frame =
            json!({"action": "groupMemberLeft", "conversationId": group, "userId": self.user, "userName": name});
        self.say(world, &frame.to_string());
    }
}

/// What the two call their conversation, whoever of them says it.
fn conversation(one: &str, other: &str) -> String {
    format!("talk-{}-{}", one.min(other), one.max(other))
}
