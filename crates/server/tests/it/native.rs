//! Native clients at hard moments: what they are told is all of it, once, and no cursor says more than that.

use serde_json::{Value, json};

use crate::early::world;
use crate::world::World;
use crate::world::line::{Line, contents, cursor, den, frame, send};

/// A client without a past.
fn arrives(world: &mut World, shard: usize, user: &str) -> Line {
    let mut line = Line::native(world, shard, user, None);
    line.hear(world, 5);
    line
}

fn join(room: &str, history: u32) -> String {
    frame("join", &json!({"room_id": room, "history": history}))
}

#[test]
fn no_cursor_is_ahead_of_what_a_blocked_client_was_sent() {
    for asks in [true, false] {
        a_blocked_client(asks);
    }
}

/// Somebody whose socket is blocked is told more in one turn than there is room for; he may have asked where he stands.
fn a_blocked_client(asks: bool) {
    let mut world = world(2);
    let mut alice = arrives(&mut world, 0, "alice");
    let room = den(&mut world, &mut alice, "private");
    world.chaos.socket_bytes = 4096;
    let mut bob = arrives(&mut world, 1, "bob");
    bob.ask(&mut world, &join(&room, 0));
    let long = |number: u32| format!("{number} {}", "x".repeat(40_000));
    let mut say = |world: &mut World, number| {
        alice.ask(world, &send(&room, &long(number)))["offset"].as_u64().expect("it is acknowledged")
    };
    let mut said = vec![say(&mut world, 0)];
    let mut told = Vec::new();
    if !asks {
        // He has it, and has said so; what fills his socket is a page that he asked for.
        let heard = bob.hear(&mut world, 2_000);
        told.extend(
            heard.iter().filter(|frame| frame["type"] == "message").map(|frame| frame["data"]["offset"].as_u64()),
        );
        bob.say(&mut world, &frame("history", &json!({"room_id": room})));
        world.run_until(world.now.plus(5));
    }
    // His socket takes no more; then all of these, and his ping, are one turn's.
    world.busy(0, 1, 200);
    said.extend((1..4).map(|number| say(&mut world, number)));
    if asks {
        bob.say(&mut world, &frame("ping", &json!({})));
    }
    bob.shows_pings = true;
    world.run_until(world.now.plus(200));
    let mut heard = Vec::new();
    for _ in 0..200 {
        for frame in bob.hear(&mut world, 1) {
            // What says that he has everything up to somewhere: to him, and, when he answers, to the server.
            let place = match frame["type"].as_str() {
                Some("message") => {
                    told.push(frame["data"]["offset"].as_u64());
                    None
                }
                Some("a ping") => frame["place"].as_u64(),
                _ => frame["data"]["cursor"].as_str().and_then(|cursor| cursor.split('.').nth(1)?.parse().ok()),
            };
            let before = said.iter().filter(|offset| place.is_some_and(|place| **offset <= place)).count();
            assert!(told.len() >= before, "{frame} after {told:?} of {said:?}");
            heard.push(frame);
        }
    }
    assert_eq!(told, said.into_iter().map(Some).collect::<Vec<_>>());
    assert_eq!(heard.iter().any(|frame| frame["type"] == "pong"), asks, "the ping was answered");
    assert!(heard.iter().any(|frame| frame["type"] == "a ping"), "he was asked for a sign of life");
}

#[test]
fn a_page_on_joining_and_what_follows_leave_nothing_out() {
    for delay in 0..40 {
        let mut world = world(2);
        world.dice = crate::world::Dice::new(delay);
        let mut alice = arrives(&mut world, 0, "alice");
        let (lobby, own) = (den(&mut world, &mut alice, "public"), den(&mut world, &mut alice, "private"));
        let mut bob = arrives(&mut world, 1, "bob");
        bob.ask(&mut world, &join(&own, 0));
        let resume = cursor(&mut world, &mut bob);
        world.cut(bob.pipe);
        for number in 0..5 {
            alice.ask(&mut world, &send(&own, &format!("own {number}")));
            alice.ask(&mut world, &send(&lobby, &format!("{number}")));
        }
        // Everything takes its time now, and she talks on while he comes back and joins.
        world.chaos.store_ms = 30;
        let mut bob = Line::native(&mut world, 1, "bob", Some(&resume));
        bob.say(&mut world, &join(&lobby, 200));
        for number in 5..15 {
            alice.say(&mut world, &send(&lobby, &format!("{number}")));
            world.run_until(world.now.plus(delay / 4));
        }
        let heard = bob.hear(&mut world, 5_000);
        let page = heard.iter().find(|frame| frame["type"] == "joined").expect("he is let in");
        let page = page["data"]["messages"].as_array().expect("it has a page");
        let told = heard.iter().filter(|frame| frame["type"] == "message").map(|frame| &frame["data"]);
        let said = page.iter().chain(told).filter(|message| message["room_id"] == *lobby);
        let mut numbers: Vec<u32> =
            said.filter_map(|message| message["content"].as_str().and_then(|text| text.parse().ok())).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers, (0..15).collect::<Vec<_>>(), "with a delay of {delay}");
    }
}

#[test]
fn what_was_missed_in_a_group_is_told_as_delivered_once_it_is() {
    let mut world = world(1);
    let mut alice = arrives(&mut world, 0, "alice");
    let room = den(&mut world, &mut alice, "private");
    let mut bob = arrives(&mut world, 0, "bob");
    bob.ask(&mut world, &join(&room, 0));
    let resume = cursor(&mut world, &mut bob);
    world.cut(bob.pipe);
    let sent = alice.ask(&mut world, &send(&room, "while you were away"));
    alice.hear(&mut world, 100);
    let mut bob = Line::native(&mut world, 0, "bob", Some(&resume));
    assert_eq!(contents(&bob.hear(&mut world, 100)), ["while you were away"]);
    // What is delivered alone is written with the tick.
    bob.hear(&mut world, 2_000);
    let heard = alice.hear(&mut world, 2_000);
    let receipt = |frame: &&Value| frame["type"] == "receipt" && frame["data"]["kind"] == "delivered";
    let ids: Vec<&Value> = heard.iter().filter(receipt).map(|frame| &frame["data"]["message_ids"]).collect();
    assert_eq!(ids, [&json!([sent["message_id"]])], "{heard:?}");
}

#[test]
fn a_mark_that_does_not_rise_is_told_to_nobody() {
    let mut world = world(1);
    let mut alice = arrives(&mut world, 0, "alice");
    let room = den(&mut world, &mut alice, "private");
    let mut bob = arrives(&mut world, 0, "bob");
    bob.ask(&mut world, &join(&room, 0));
    let sent: Vec<Value> = ["one", "two"].map(|text| alice.ask(&mut world, &send(&room, text))).into();
    alice.hear(&mut world, 3_000);
    let mark = |offset: &Value| frame("mark", &json!({"room_id": room, "kind": "read", "offset": offset}));
    let mut told = Vec::new();
    for place in [&sent[1]["offset"], &sent[0]["offset"], &sent[1]["offset"]] {
        bob.ask(&mut world, &mark(place));
        let heard = alice.hear(&mut world, 3_000);
        let read = |frame: &&Value| frame["type"] == "receipt" && frame["data"]["kind"] == "read";
        told.push(heard.iter().filter(read).map(|frame| frame["data"]["offset"].clone()).collect::<Vec<_>>());
    }
    // Who came later, and reads what was said before, has read it.
    let mut carol = arrives(&mut world, 0, "carol");
    carol.ask(&mut world, &join(&room, 0));
    alice.hear(&mut world, 3_000);
    carol.ask(&mut world, &mark(&sent[0]["offset"]));
    let heard = alice.hear(&mut world, 3_000);
    let read = |frame: &&Value| frame["type"] == "receipt" && frame["data"]["kind"] == "read";
    assert_eq!(heard.iter().find(read).map(|frame| &frame["data"]["offset"]), Some(&sent[0]["offset"]), "{heard:?}");
    let at_once = &told[0];
    assert!(at_once.iter().all(|offset| *offset == sent[1]["offset"]) && !at_once.is_empty(), "{told:?}");
    assert_eq!((&told[1], &told[2]), (&vec![], &vec![]), "it stands there already");
}
