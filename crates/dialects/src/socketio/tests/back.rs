//! Coming back to a session, and not coming back to it.

use domain::command::Reply;
use domain::id::{Cursor, Millis};
use domain::refusal::{BadResume, Refusal};

use super::super::app::App;
use super::super::engine::Version;
use super::{Client, FRESH, OLD, remember};
use crate::cases::{CURSOR, NOW, cursor, key, person};

fn back() -> String {
    format!(r#"0{{"pid":"{OLD}","offset":"{CURSOR}"}}"#)
}

fn returned(rooms: &[&str]) -> Reply {
    let from = Cursor { ..cursor() };
    Reply::Returned {
        who: person("alice"),
        rooms: rooms.iter().map(|room| key(room).into()).collect(),
        from,
        ends: None,
    }
}

#[test]
fn who_comes_back_is_who_it_was() {
    let mut client = Client::of(Version::Four, false);
    assert_eq!(client.says(&back()), [format!("0 return {OLD} {CURSOR}")]);
    let granted = client.answered(0, Ok(&returned(&["r", "direct:bob"])));
    assert!(granted[0].ends_with(&format!("\"pid\":\"{OLD}\"}}")), "{granted:?}");
    assert_eq!(granted[1..], ["follow"]);
    assert_eq!(client.talk.deadline(), None);
    // It is in its rooms, and goes on under its old name.
    assert_eq!(client.says(r#"2["typing",{"roomId":"r"}]"#), ["hint r true "]);
    assert_eq!(client.says(r#"2["join_room",{"roomId":"x"}]"#), [remember(1, OLD, "r,dm-alice-bob,x")]);
    assert_eq!(Client::of(Version::Three, false).says("0"), ["< 40"]);
}

#[test]
fn who_can_not_come_back_starts_anew() {
    for refusal in [
        Refusal::BadResume(BadResume::NoSession),
        Refusal::BadResume(BadResume::Expired),
        Refusal::BadResume(BadResume::OtherLog),
        Refusal::Unavailable,
    ] {
        let mut client = Client::of(Version::Four, false);
        client.says(&back());
        let granted = client.answered(0, Err(&refusal));
        assert!(granted.concat().ends_with(&format!("\"pid\":\"{FRESH}\"}}")), "{granted:?}");
        assert_eq!(client.talk.deadline(), Some(Millis(NOW.0 + 30_000)));
    }
}

#[test]
fn who_brings_a_token_too_is_first_asked_who_it_is() {
    let with_token = back().replace("\"offset\"", "\"token\":\"t\",\"offset\"");
    let mut client = Client::of(Version::Four, false);
    assert_eq!(client.says(&with_token), ["identify Bearer(…) None None"]);
    assert_eq!(client.identified(Ok("alice")), [format!("0 return {OLD} {CURSOR}")]);
    let granted = client.answered(0, Ok(&returned(&["r"])));
    assert_eq!(granted[1..], ["follow".to_owned(), remember(1, OLD, "r")], "kept as long as the new token");
    // Somebody else's: a fresh connection of one who is known.
    let mut other = Client::of(Version::Four, false);
    other.says(&with_token);
    other.identified(Ok("bob"));
    let granted = other.answered(0, Err(&Refusal::BadResume(BadResume::NoSession)));
    assert!(granted[0].ends_with(&format!("\"pid\":\"{FRESH}\"}}")), "{granted:?}");
    assert_eq!(granted[1..], ["follow".to_owned(), remember(1, FRESH, "")]);
}

#[test]
fn who_leaves_for_good_does_not_come_back() {
    let mut client = Client::inside("r");
    assert_eq!(client.says("1"), [format!("3 remember {FRESH}  Some({NOW:?})"), "close 1000 ".into()]);
    assert_eq!(Client::connected().says("1"), ["close 1000 "]);
    assert_eq!(Client::alice().does(|talk, out| talk.dismissed(out)), ["close 1000 "], "a restart is another matter");
}
