//! Catching up past more than one read of the log on a wire that has no word for edits and deletions: what became of a
//! message far behind is told with the message (RULES 17). The production steps, on the memory store.

use domain::limits;
use server::frame::Opcode;

use crate::world::wire::{Ear, Received, masked, upgrade};
use crate::world::{Chaos, Setup, World};

/// Messages that are said, and how long each is: four reads of the log together.
const MESSAGES: usize = 64;
const LENGTH: usize = limits::CATCH_UP_BYTES * 4 / MESSAGES;

/// All that a new connection is told within a second of saying these.
fn told(world: &mut World, target: &str, says: &[String]) -> Vec<serde_json::Value> {
    let (pipe, mut ear) = (world.connect(0, 0), Ear::default());
    world.send(pipe, &upgrade(target, &[]));
    let (mut told, mut says) = (Vec::new(), says.iter());
    let end = world.now.plus(1_000);
    while world.now < end {
        if let Some(text) = says.next() {
            world.send(pipe, &masked(Opcode::Text, text.as_bytes()));
        }
        world.run_until(world.now.plus(5));
        ear.feed(world.receive(pipe, usize::MAX));
        while let Some(received) = ear.next() {
            match received {
                Received::Text(text) => told.push(serde_json::from_str(&text).expect("frames are JSON")),
                Received::Http { status, .. } => assert_eq!(status, 101),
                Received::Ping(_) => {}
                other @ (Received::Binary(_) | Received::Pong(_) | Received::Close { .. }) => panic!("{other:?}"),
            }
        }
    }
    world.cut(pipe);
    world.run_until(world.now.plus(10));
    told
}

#[test]
fn what_became_of_a_message_far_behind_is_told_with_it() {
    let mut world = World::new(5, Chaos::none(), Setup::development(1), 1);
    let action = |name: &str, number: usize, more: &str| {
        let to = r#""conversationId":"c","senderId":"alice","recipientId":"bob""#;
        format!(r#"{{"action":"{name}","messageId":"m-{number}",{to}{more}}}"#)
    };
    let says = (0..MESSAGES).map(|number| action("sendMessage", number, &format!(r#","content":"{number:>LENGTH$}""#)));
    let changes = [action("editMessage", 0, r#","newContent":"edited""#), action("deleteMessage", 1, "")];
    let says: Vec<String> = says.chain(changes).collect();
    let sent = told(&mut world, "/production?userId=alice", &says);
    assert!(sent.len() >= MESSAGES, "{sent:?}");

    let heard = told(&mut world, "/ws/rooms/dm-alice-bob?token=bob&since=0", &[]);
    let texts: Vec<&str> = heard.iter().filter_map(|frame| frame["text"].as_str()).map(str::trim).collect();
    let expected = (2..MESSAGES).map(|number| number.to_string());
    assert_eq!(texts, ["edited".to_owned()].into_iter().chain(expected).collect::<Vec<_>>());
    // Who has a word for them is told all of it, as it happened.
    let heard = told(&mut world, "/production?userId=bob", &[]);
    let kinds: Vec<&str> = heard.iter().filter_map(|frame| frame["type"].as_str()).collect();
    let count = |kind: &str| kinds.iter().filter(|told| **told == kind).count();
    assert_eq!((count("messageEdited"), count("messageDeleted")), (1, 1), "{kinds:?}");
}
