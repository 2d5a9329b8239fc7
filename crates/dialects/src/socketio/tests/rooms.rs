//! Joining and leaving rooms, and who writes in them.

use domain::command::Reply;
use domain::history::Entry;
use domain::refusal::Refusal;

use super::super::app::App;
use super::{Client, FRESH, NONE, enter, error, object, remember, said};
use crate::cases::{REFUSALS, cursor, key, user};

#[test]
fn a_room_is_joined_after_it_is_remembered() {
    let mut client = Client::alice();
    assert_eq!(client.says(r#"2["join_room",{"roomId":"r1"}]"#), [remember(1, FRESH, "r1")]);
    assert_eq!(client.answered(1, Ok(&Reply::Done)), [enter(2, "r1")]);
    let page = vec![Entry::fresh(said("r1", "bob", None))];
    let reply = Reply::Entered { room: key("r1"), from: cursor(), head: cursor(), page };
    let message = object("bob", "null", "\"r1\"").replace(
        r#""username":"bob","sender_name":"bob","sender_display_name":"bob""#,
        r#""sender_name":"bob","sender_display_name":"bob","username":"bob""#,
    );
    let joined = format!(r#"< 42["room_joined",{{"roomId":"r1","messages":[{message}],"success":true}}]"#);
    assert_eq!(client.answered(2, Ok(&reply)), [joined]);
    // Once more: it is remembered already, and others are told again (facts 4).
    assert_eq!(client.says(r#"2["join_room",{"roomId":"r1"}]"#), [enter(3, "r1")]);
    assert_eq!(client.answered(3, Err(&Refusal::Busy)), [error("Failed to join room")], "it is in all the same");
    let direct = client.says(r#"2["join_room",{"roomId":"direct:bob"}]"#);
    assert_eq!(direct, [remember(4, FRESH, "r1,dm-alice-bob as direct:bob")]);
    assert_eq!(client.talk.name_of(&key("direct:bob")), Some("direct:bob"));
    assert_eq!(client.talk.name_of(&key("r1")), None);
}

#[test]
fn who_may_not_join_is_told_nothing_more() {
    for refusal in &REFUSALS {
        let mut client = Client::alice();
        client.says(r#"2["join_room",{"roomId":"den"}]"#);
        client.answered(1, Ok(&Reply::Done));
        let failed = client.answered(2, Err(refusal));
        assert_eq!(failed, [remember(3, FRESH, ""), error("Failed to join room")], "{refusal}");
    }
    // Not remembered, not entered.
    let mut client = Client::alice();
    client.says(r#"2["join_room",{"roomId":"den"}]"#);
    let failed = client.answered(1, Err(&Refusal::Unavailable));
    assert_eq!(failed, [remember(2, FRESH, ""), error("Failed to join room")]);
    for room in ["dm-bob-eve", "user:alice", &"r".repeat(256)] {
        let said = client.says(&format!(r#"2["join_room",{{"roomId":"{room}"}}]"#));
        assert_eq!(said, [error("Failed to join room")], "{room:.20}");
        let said = client.says(&format!(r#"2["leave_room",{{"roomId":"{room}"}}]"#));
        assert_eq!(said, [error("Failed to leave room")], "{room:.20}");
    }
    for event in ["join_room", "leave_room"] {
        for payload in ["", ",null", ",{}", r#",{"roomId":7}"#, r#",{"roomId":""}"#, ",[\"r\"]"] {
            assert_eq!(
                client.says(&format!(r#"2["{event}"{payload}]"#)),
                [error("Invalid parameters")],
                "{event}{payload}"
            );
        }
    }
}

#[test]
fn leaving_is_said_when_it_is_done() {
    let left = r#"< 42["room_left",{"roomId":"r","success":true}]"#;
    let mut client = Client::inside("r");
    assert_eq!(client.says(r#"2["leave_room",{"roomId":"r"}]"#), ["3 leave r"]);
    // Leaving for good is a removal, too, and not said twice.
    assert_eq!(client.does(|talk, out| talk.removed(&key("r"), out)), NONE);
    assert_eq!(client.answered(3, Ok(&Reply::Left)), [left.to_owned(), remember(4, FRESH, "")]);
    client.says(r#"2["leave_room",{"roomId":"r"}]"#);
    assert_eq!(client.answered(5, Err(&Refusal::NotPresent)), [left], "who is out has what was asked for");
    let mut client = Client::inside("r");
    client.says(r#"2["leave_room",{"roomId":"r"}]"#);
    assert_eq!(client.answered(3, Err(&Refusal::Unavailable)), [error("Failed to leave room")]);
    assert!(client.talk.name_of(&key("r")).is_none());
    let mut removed = Client::inside("r");
    let said = removed.does(|talk, out| talk.removed(&key("r"), out));
    assert_eq!(said, [left.to_owned(), remember(3, FRESH, "")], "by somebody else");
    assert_eq!(removed.does(|talk, out| talk.removed(&key("r"), out)), NONE);
}

#[test]
fn typing_is_for_those_who_are_in_the_room() {
    let mut client = Client::inside("r");
    assert_eq!(client.says(r#"2["typing",{"roomId":"r"}]"#), ["hint r true "]);
    for payload in [r#"{"roomId":"elsewhere"}"#, r#"{"roomId":7}"#, "{}", "null", r#"{"roomId":"dm-bob-eve"}"#] {
        assert_eq!(client.says(&format!(r#"2["typing",{payload}]"#)), NONE, "{payload}");
    }
    assert_eq!(client.says(r#"29["get_typing_users",{"roomId":"r"}]"#), ["3 writers r"]);
    let users = [user("bob"), user("alice")];
    let said = client.does(|talk, out| talk.writers(3, &users, out));
    assert_eq!(said, [r#"< 439[{"success":true,"typingUsers":["bob","alice"]}]"#]);
    for room in ["elsewhere", "dm-bob-eve"] {
        let said = client.says(&format!(r#"29["get_typing_users",{{"roomId":"{room}"}}]"#));
        assert_eq!(said, [r#"< 439[{"success":true,"typingUsers":[]}]"#], "{room}");
    }
    assert_eq!(client.says(r#"29["get_typing_users",{}]"#), NONE);
    assert_eq!(client.says(r#"2["get_typing_users",{"roomId":"r"}]"#), NONE, "nobody waits for it");
}
