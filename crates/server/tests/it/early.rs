//! What reaches a shard before the events that it follows: nobody is told more than is theirs, or in another order.

use serde_json::json;

use crate::world::line::{Line, den, frame, send};
use crate::world::{Chaos, Setup, World};

/// Longer than it takes to find out that announcements are missing, and to read them.
const GAP_MS: u64 = 3_000;

pub(crate) fn world(shards: u8) -> World {
    World::new(5, Chaos::none(), Setup::development(shards), 1)
}

/// Announcements are lost on the way to the shard, or not.
fn lose(world: &mut World, loses: bool) {
    world.chaos.drop_announcement = if loses { 1_000 } else { 0 };
}

#[test]
fn what_became_of_a_repeat_is_told_behind_the_message() {
    let mut world = world(1);
    let mut alice = Line::connect(&mut world, "/production?userId=alice");
    alice.hear(&mut world, 5);
    let mut other = Line::connect(&mut world, "/production?userId=alice");
    other.hear(&mut world, 5);
    let mut bob = Line::native(&mut world, 0, "bob", None);
    bob.hear(&mut world, 5);
    let says = r#"{"action":"sendMessage","messageId":"m","conversationId":"c","senderId":"alice","recipientId":"bob","content":"hi"}"#;
    lose(&mut world, true);
    alice.say(&mut world, says);
    world.run_until(world.now);
    bob.say(&mut world, &frame("mark", &json!({"room_id": "dm-alice-bob", "kind": "read", "offset": 1_000})));
    world.run_until(world.now);
    other.say(&mut world, says);
    let heard = other.hear(&mut world, GAP_MS);
    let statuses: Vec<&str> = heard.iter().filter_map(|frame| frame["data"]["status"].as_str()).collect();
    assert_eq!(statuses, ["sent", "read", "read"], "{heard:?}");
}

#[test]
fn who_was_let_in_ahead_of_the_shard_is_told_nothing_from_before() {
    let mut world = world(1);
    let mut alice = Line::native(&mut world, 0, "alice", None);
    alice.hear(&mut world, 5);
    let room = den(&mut world, &mut alice, "private");
    let mut bob = Line::connect(&mut world, "/ws/chat?token=bob");
    bob.hear(&mut world, 5);
    lose(&mut world, true);
    alice.ask(&mut world, &send(&room, "before"));
    bob.say(&mut world, &format!(r#"{{"type":"join_room","data":{{"room_id":"{room}"}}}}"#));
    bob.hear(&mut world, 5);
    lose(&mut world, false);
    alice.say(&mut world, &send(&room, "after"));
    let heard = bob.hear(&mut world, GAP_MS);
    let told: Vec<&str> = heard.iter().filter_map(|frame| frame["content"].as_str()).collect();
    assert_eq!(told, ["bob joined the room", "after"], "{heard:?}");
}
