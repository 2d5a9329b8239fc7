//! Who a client is, and what has to wait until that is known.

use domain::command::Reply;
use domain::id::Millis;
use domain::identity::Denied;
use domain::limits::CONTENT_BYTES_MAX;

use super::super::app::App;
use super::super::engine::Version;
use super::super::words;
use super::{Client, FRESH, NONE, OLD, OUT, enter, error, remember};
use crate::cases::{CURSOR, NOW, entered, examples};

const FAILED: &str = r#"< 42["authenticated",{"success":false,"error":"Authentication failed"}]"#;

#[test]
fn who_connects_is_nobody_and_has_a_name_to_come_back_by() {
    let granted = Client::of(Version::Four, false).says("0").concat();
    assert!(
        granted.starts_with("< 40{\"sid\":\"") && granted.ends_with(&format!("\"pid\":\"{FRESH}\"}}")),
        "{granted}"
    );
    assert_eq!(Client::of(Version::Three, false).says("0"), ["< 40"], "protocol 4 has none");
    // What isn't as it should be is as good as missing.
    for auth in [
        r#"{"pid":7}"#,
        r#"{"pid":"x","offset":"y"}"#,
        &format!(r#"{{"pid":"{OLD}"}}"#),
        &format!(r#"{{"pid":"{OLD}","offset":"5"}}"#),
        &format!(r#"{{"pid":"+{}","offset":"{CURSOR}"}}"#, &OLD[1..]),
        r#"{"token":["x"]}"#,
    ] {
        let granted = Client::of(Version::Four, false).says(&format!("0{auth}")).concat();
        assert!(granted.ends_with(&format!("\"pid\":\"{FRESH}\"}}")), "{auth}: {granted}");
    }
}

#[test]
fn authenticate_says_who_it_is() {
    for (payload, expected) in [
        (r#"{"userId":"alice"}"#, r#"identify Claimed(…) Some("alice") None"#),
        (r#"{"userId":"alice","username":"Al"}"#, r#"identify Claimed(…) Some("alice") Some("Al")"#),
        (r#"{"userId":"alice","token":"t"}"#, r#"identify Bearer(…) Some("alice") None"#),
        (r#"{"userId":"alice","token":null}"#, r#"identify Claimed(…) Some("alice") None"#),
        (r#"{"userId":7,"token":""}"#, r#"identify Claimed(…) Some("7") None"#),
        (r#"{"token":"t"}"#, r#"identify Bearer(…) None None"#),
        ("{}", &error("Invalid parameters")),
        (r#"{"userId":""}"#, &error("Invalid parameters")),
        (r#"{"userId":["alice"]}"#, &error("Invalid parameters")),
        (r#"{"userId":"a","token":7}"#, &error("Invalid parameters")),
        (r#"{"userId":"a","userId":"b"}"#, &error("Invalid parameters")),
        (r#"{"userId":-1}"#, &error("Invalid parameters")),
        ("[]", &error("Invalid parameters")),
        ("null", &error("Invalid parameters")),
        ("7", &error("Invalid parameters")),
    ] {
        let said = Client::connected().says(&format!(r#"2["authenticate",{payload}]"#));
        assert_eq!(said, [expected], "{payload}");
    }
    assert_eq!(Client::connected().says(r#"2["authenticate"]"#), [error("Invalid parameters")]);
    // RULES 6: where nothing is checked it is `userId`, whatever the token.
    let mut unproved = Client::of(Version::Four, true);
    unproved.says("0");
    let said = unproved.says(r#"2["authenticate",{"userId":"alice","token":"mock-token"}]"#);
    assert_eq!(said, [r#"identify Claimed(…) Some("alice") None"#]);
}

#[test]
fn who_it_is_becomes_known_or_it_is_put_out() {
    let mut client = Client::connected();
    client.says(r#"2["authenticate",{"userId":"alice"}]"#);
    let taken =
        [r#"< 42["authenticated",{"success":true,"userId":"alice"}]"#.into(), "follow".into(), remember(0, FRESH, "")];
    assert_eq!(client.identified(Ok("alice")), taken);
    // RULES 4: once more renews; the session is kept as long as the new credential.
    client.says(r#"2["authenticate",{"userId":"alice","token":"t"}]"#);
    assert_eq!(client.identified(Ok("alice")), [taken[0].clone(), remember(1, FRESH, "")]);
    client.says(r#"2["authenticate",{"userId":"bob"}]"#);
    let refused = client.identified(Err(Denied::Invalid));
    let forget = format!("2 remember {FRESH}  Some({NOW:?})");
    assert_eq!(refused, [FAILED, &forget, OUT[0], OUT[1]], "and nobody comes back as alice");

    let mut old = Client::of(Version::Three, false);
    old.says("0");
    old.says(r#"2["authenticate",{"userId":"alice"}]"#);
    assert_eq!(old.identified(Ok("alice"))[1..], ["follow"], "protocol 4: nothing to remember");
    for why in [Denied::Missing, Denied::Expired, Denied::Invalid, Denied::Unavailable] {
        let mut client = Client::connected();
        client.says(r#"2["authenticate",{"userId":"alice"}]"#);
        assert_eq!(client.identified(Err(why)), [FAILED, OUT[0], OUT[1]], "{why:?}");
    }
}

#[test]
fn a_token_in_the_handshake_does_as_well() {
    let mut client = Client::of(Version::Four, true);
    assert_eq!(client.says(r#"0{"token":"t"}"#), ["identify Bearer(…) None None"]);
    let known = client.identified(Ok("alice"));
    assert!(known[0].ends_with(&format!("\"pid\":\"{FRESH}\"}}")), "{known:?}");
    assert_eq!(known[1..], ["follow".to_owned(), remember(0, FRESH, "")]);
    let mut refused = Client::of(Version::Four, false);
    refused.says(r#"0{"token":"t"}"#);
    assert_eq!(refused.identified(Err(Denied::Expired)), [r#"< 44{"message":"Authentication failed"}"#]);
}

#[test]
fn nobody_for_thirty_seconds_is_put_out() {
    let later = |ms| Millis(NOW.0 + ms);
    assert_eq!(Client::of(Version::Four, false).talk.deadline(), None, "not connected yet");
    let mut client = Client::connected();
    assert_eq!(client.talk.deadline(), Some(later(30_000)));
    assert_eq!(client.wakes(later(29_999)), NONE);
    client.talk.rested(later(10_000));
    assert_eq!(client.wakes(later(39_999)), NONE);
    assert_eq!(client.wakes(later(40_000)), OUT);
    let mut proving = Client::connected();
    proving.says(r#"2["authenticate",{"userId":"alice"}]"#);
    assert_eq!((proving.talk.deadline(), proving.wakes(later(60_000)).len()), (None, 0));
    assert_eq!(Client::alice().talk.deadline(), None);
    assert_eq!(Client::alice().does(|talk, out| talk.expired(out)), OUT);
}

#[test]
fn strangers_are_told_so_where_the_contract_says_it() {
    let who = "Not authenticated";
    for (packet, expected) in [
        (r#"2["join_room",{"roomId":"r"}]"#, vec![error(who)]),
        (r#"2["leave_room",{"roomId":"r"}]"#, vec![error(who)]),
        (r#"21["send_message",{"room_id":"r","content":"hi"}]"#, vec![error(who)]),
        (r#"21["send_message",7]"#, vec![error(who)]),
        (r#"2["mark_read",{"messageIds":[]}]"#, vec![error("Invalid parameters")]),
        (r#"21["delete_message",{"messageId":"x"}]"#, vec![error("Invalid parameters")]),
        (r#"2["typing",{"roomId":"r"}]"#, vec![]),
        (r#"2["get_typing_users",{"roomId":"r"}]"#, vec![]),
        (
            r#"21["get_typing_users",{"roomId":"r"}]"#,
            vec![r#"< 431[{"success":false,"error":"Not authenticated"}]"#.into()],
        ),
        (r#"21["room_member_added",{}]"#, vec![]),
        (r#"21["error",{}]"#, vec![]),
        (r"2[7]", vec![]),
    ] {
        assert_eq!(Client::connected().says(packet), expected, "{packet}");
    }
}

#[test]
fn what_is_said_behind_something_waits_for_it() {
    let mut client = Client::connected();
    assert_eq!(client.says(r#"2["authenticate",{"userId":"alice"}]"#).len(), 1);
    for packet in [
        r#"2["join_room",{"roomId":"a"}]"#,
        r#"2["join_room",{"roomId":"b"}]"#,
        r#"2["send_message",{"room_id":"a","content":"hi"}]"#,
        r#"2["leave_room",{"roomId":"a"}]"#,
        r#"2["join_room",{"roomId":"a"}]"#,
        r#"2["join_room"]"#,
    ] {
        assert_eq!(client.says(packet), NONE, "{packet}");
    }
    let known = client.identified(Ok("alice"));
    assert_eq!(known[2..], [remember(0, FRESH, ""), remember(1, FRESH, "a"), remember(2, FRESH, "a,b")]);
    assert_eq!(client.answered(0, Ok(&Reply::Done)), NONE);
    assert_eq!(client.answered(1, Ok(&Reply::Done)), [enter(3, "a")]);
    assert_eq!(client.answered(2, Ok(&Reply::Done)), [enter(4, "b")]);
    assert_eq!(client.answered(3, Ok(&entered("a"))).len(), 1);
    let joined = client.answered(4, Ok(&entered("b")));
    assert_eq!(joined[1..], ["5 send a Text - hi", "6 leave a"]);
    let left = client.answered(6, Ok(&Reply::Left));
    assert_eq!(left[1..], [remember(7, FRESH, "b"), remember(8, FRESH, "b,a"), error("Invalid parameters")]);
}

#[test]
fn more_than_may_wait_is_refused() {
    let mut client = Client::connected();
    client.says(r#"2["authenticate",{"userId":"alice"}]"#);
    for _ in 0..1024 {
        assert_eq!(client.says(r#"2["join_room",{"roomId":"a"}]"#), NONE);
    }
    assert_eq!(client.says(r#"2["join_room",{"roomId":"a"}]"#), [error(words::BUSY)]);
    let mut client = Client::connected();
    client.says(r#"2["authenticate",{"userId":"alice"}]"#);
    let large = format!(r#"2["send_message",{{"room_id":"r","content":"{}"}}]"#, "x".repeat(CONTENT_BYTES_MAX));
    let held = (0..20).take_while(|_| client.says(&large).is_empty()).count();
    assert_eq!(held, 1_000_000 / CONTENT_BYTES_MAX);
    let known = client.identified(Ok("alice"));
    assert_eq!(known.iter().filter(|line| line.contains("send r")).count(), held);
    assert_eq!(client.says(&large).len(), 1, "and then there is room again");
}

#[test]
fn the_examples_of_the_protocol_page_are_events() {
    let (sent, told) = examples(include_str!("../PROTOCOL.md"));
    for event in &sent {
        let said = Client::inside("r1").says(&format!("29{event}"));
        assert!(!said.is_empty() && !said.concat().contains("error"), "{event}: {said:?}");
    }
    assert!(sent.len() >= 9 && told.len() >= 13, "the page has its examples");
}
