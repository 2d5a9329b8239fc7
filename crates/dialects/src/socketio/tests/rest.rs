//! Requests in, commands and queries out; replies in, responses out.

use domain::command::Reply;
use domain::history::Entry;
use domain::identity::Denied;
use domain::refusal::Refusal;

use super::super::{SocketIo, rest, words};
use super::{ID, object, said};
use crate::cases::{NOW, NOW_SHOWN, REFUSALS, answer, ask, command_line, kept, person, query_line};
use crate::{Ask, Dialect, Request, Rest};

const TYPE: &str = "application/json; charset=utf-8";

fn door(method: &str, target: &str, body: &str) -> (Rest, Ask) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut ask = ask(method, path, query, &[]);
    ask.body = body.into();
    let found = rest::doors().into_iter().find(|rest| rest.method == method && ask.captures(&rest.path));
    (found.expect("a path of the table"), ask)
}

/// What alice's request means, or what it is answered at once.
fn asked(method: &str, target: &str, body: &str) -> String {
    let (door, ask) = door(method, target, body);
    match (door.ask)(&ask, Some(&person("alice"))) {
        Ok(Request::Do(command)) => command_line(&command),
        Ok(Request::Ask(query)) => query_line(&query),
        Err(refused) => answer(&refused),
    }
}

fn answered(method: &str, target: &str, body: &str, reply: Result<&Reply, &Refusal>) -> String {
    let (door, ask) = door(method, target, body);
    let given = (door.answer)(&ask, reply, NOW);
    assert_eq!(given.content_type, TYPE);
    answer(&given)
}

fn failure(status: u16, message: &str) -> String {
    format!(r#"{status} {{"success":false,"message":{}}}"#, serde_json::to_string(message).expect("a text"))
}

#[test]
fn requests_mean_one_command_or_query() {
    let ids = format!(r#"{{"messageIds":["{ID}"]}}"#);
    let in_room = format!(r#"{{"messageIds":["{ID}"],"roomId":"direct:bob"}}"#);
    let one = format!("/messages/{ID}");
    for (method, target, body, expected) in [
        ("POST", "/messages", r#"{"room_id":"r","content":"hi"}"#, "send r Text - hi".into()),
        ("POST", "/messages", r#"{"receiver_id":"bob","content":"hi"}"#, "send dm-alice-bob Text - hi".into()),
        (
            "POST",
            "/messages",
            r#"{"room_id":"dm-alice-bob","receiver_id":"eve","text":"hi","message_type":"system","client_id":"c"}"#,
            r#"send dm-alice-bob Text c hi {"room_id":"dm-alice-bob","message_type":"system"}"#.into(),
        ),
        ("GET", "/messages/room/r", "", "history r 0 50".into()),
        ("GET", "/messages/room/a%2Fb?limit=10&offset=20", "", "history a/b 20 10".into()),
        ("GET", "/messages/room/r?limit=1000", "", "history r 0 200".into()),
        ("GET", "/messages/room/r?limit=0&offset=x", "", "history r 0 50".into()),
        ("GET", "/messages/room/r?limit=-5&offset=-5", "", "history r 0 50".into()),
        ("GET", "/messages/room/r?limit=7.9x&offset=99999999999", "", "history r 4294967295 7".into()),
        ("GET", "/messages/direct/bob", "", "history dm-alice-bob 0 50".into()),
        ("PUT", "/messages/delivered", &ids, format!("mark Delivered {ID} -")),
        ("PUT", "/messages/read", &ids, format!("mark Read {ID} -")),
        ("PUT", "/messages/read", &in_room, format!("mark Read {ID} dm-alice-bob")),
        ("DELETE", &one, "", format!("delete {ID}")),
        ("GET", "/messages/unread/direct:bob", "", "unread dm-alice-bob".into()),
        ("POST", "/presence/heartbeat", "", "beat".into()),
        ("POST", "/presence/logout", "{}", "rest".into()),
        ("POST", "/presence/users", r#"{"userIds":["bob","eve","bob"]}"#, "online bob,eve".into()),
    ] {
        assert_eq!(asked(method, target, body), expected, "{method} {target} {body}");
    }
}

#[test]
fn what_is_wrong_is_told_in_the_contracts_words() {
    let many = |count: usize| format!(r#"{{"messageIds":[{}]}}"#, vec![format!("\"{ID}\""); count].join(","));
    let long = format!(r#"{{"room_id":"r","content":"{}"}}"#, "x".repeat(64 * 1024 + 1));
    let kind = format!(r#"{{"room_id":"r","content":"x","message_type":"{}"}}"#, "t".repeat(51));
    let uuid = r#"invalid input syntax for type uuid: "zz""#;
    for (method, target, body, status, message) in [
        ("POST", "/messages", "", 400, "Message content is required"),
        ("POST", "/messages", r#"{"room_id":"r","content":""}"#, 400, "Message content is required"),
        ("POST", "/messages", r#"{"content":"hi"}"#, 400, "Either room ID or receiver ID is required"),
        ("POST", "/messages", r#"{"content":5,"room_id":"r"}"#, 400, "Invalid parameters"),
        ("POST", "/messages", r#"[1]"#, 400, "Invalid parameters"),
        ("POST", "/messages", &long, 400, "Message content is too long"),
        ("POST", "/messages", &kind, 400, "Message type is too long"),
        ("POST", "/messages", r#"{"content":"hi","room_id":"dm-bob-eve"}"#, 403, "Access denied"),
        ("POST", "/messages", "{bad", 400, "key must be a string at line 1 column 2"),
        ("GET", "/messages/room/dm-bob-eve", "", 403, "Access denied"),
        ("GET", "/messages/room/a%00b", "", 400, "Invalid parameters"),
        ("GET", "/messages/unread/user:x", "", 403, "Access denied"),
        ("PUT", "/messages/read", "{}", 400, "Message IDs array is required"),
        ("PUT", "/messages/read", r#"{"messageIds":[]}"#, 400, "Message IDs array is required"),
        ("PUT", "/messages/delivered", r#"{"messageIds":"x"}"#, 400, "Message IDs array is required"),
        ("PUT", "/messages/delivered", r#"{"messageIds":["zz"]}"#, 400, uuid),
        ("PUT", "/messages/read", &many(1001), 400, "Too many message IDs"),
        ("DELETE", "/messages/zz", "", 400, uuid),
        ("POST", "/presence/users", "{}", 400, "userIds array is required"),
        ("POST", "/presence/users", r#"{"userIds":[7]}"#, 400, "userIds array is required"),
    ] {
        assert_eq!(asked(method, target, body), failure(status, message), "{method} {target} {body:.60}");
    }
    assert!(asked("PUT", "/messages/read", &many(1000)).starts_with("mark Read"), "as many as one may");
    let deep = format!(r#"{{"content":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(asked("POST", "/messages", &deep), failure(400, "Invalid parameters"));
}

#[test]
fn replies_are_the_contracts_responses() {
    let sent = said("r", "alice", None);
    let deleted = Reply::Changed { event: sent.clone(), sent: sent.clone() };
    let in_room = object("alice", "null", "\"r\"");
    let row = in_room.split(r#","username""#).next().unwrap_or_default().to_owned() + "}";
    let noted = |message: &str| format!(r#"200 {{"success":true,"message":"{message}","timestamp":"{NOW_SHOWN}"}}"#);
    for (method, target, body, reply, expected) in [
        (
            "POST",
            "/messages",
            "",
            kept(&sent, false),
            format!(r#"201 {{"success":true,"message":"Message sent successfully","data":{in_room}}}"#),
        ),
        (
            "PUT",
            "/messages/delivered",
            "",
            Reply::Done,
            r#"200 {"success":true,"message":"Messages marked as delivered","data":true}"#.into(),
        ),
        (
            "PUT",
            "/messages/read",
            "",
            Reply::Done,
            r#"200 {"success":true,"message":"Messages marked as read","data":true}"#.into(),
        ),
        (
            "DELETE",
            "/messages/x",
            "",
            deleted,
            format!(r#"200 {{"success":true,"message":"Message deleted successfully","data":{row}}}"#),
        ),
        ("GET", "/messages/unread/r", "", Reply::Unread(1), r#"200 {"success":true,"data":{"count":1}}"#.into()),
        ("POST", "/presence/heartbeat", "", Reply::Done, noted("Heartbeat recorded")),
        ("POST", "/presence/logout", "", Reply::Done, noted("User marked as offline")),
        (
            "POST",
            "/presence/users",
            r#"{"userIds":["z","a","z"]}"#,
            Reply::Online(vec![true, false]),
            r#"200 {"success":true,"onlineStatus":{"z":true,"a":false}}"#.into(),
        ),
    ] {
        assert_eq!(answered(method, target, body, Ok(&reply)), expected, "{method} {target}");
        let body = if body.is_empty() { "{}" } else { body };
        assert!(answered(method, target, body, Ok(&Reply::Left)).starts_with("500"), "a bug is told as one");
    }
}

#[test]
fn pages_are_oldest_first_with_the_true_total() {
    let (sent, direct) = (said("r", "alice", None), said("direct:bob", "alice", None));
    let page = Reply::History { entries: vec![Entry::fresh(sent)], total: 7 };
    let conversation = Reply::History { entries: vec![Entry::fresh(direct)], total: 1 };
    let in_room = object("alice", "null", "\"r\"");
    let ordered = in_room.replace(
        r#""username":"alice","sender_name":"alice","sender_display_name":"alice""#,
        r#""sender_name":"alice","sender_display_name":"alice","username":"alice""#,
    );
    for (method, target, body, reply, expected) in [
        (
            "GET",
            "/messages/room/r?limit=500",
            "",
            page,
            format!(r#"200 {{"success":true,"data":[{ordered}],"pagination":{{"limit":200,"offset":0,"total":7}}}}"#),
        ),
        (
            "GET",
            "/messages/direct/bob?offset=1",
            "",
            conversation,
            format!(
                r#"200 {{"success":true,"data":[{}],"pagination":{{"limit":50,"offset":1,"total":1}}}}"#,
                object("alice", "\"bob\"", "null")
            ),
        ),
    ] {
        assert_eq!(answered(method, target, body, Ok(&reply)), expected, "{method} {target}");
    }
}

#[test]
fn every_refusal_has_its_status_and_words() {
    let rows = [
        (403, "Access denied"),
        (403, "Access denied"),
        (403, "Room is full"),
        (409, "Already in room"),
        (403, "Access denied"),
        (403, "You can only delete your own messages"),
        (400, "Invalid parameters"),
        (400, "Message content is required"),
        (429, "Too many new rooms"),
        (429, "Rate limit exceeded"),
        (409, "client_id was already used for another message"),
        (409, "A guild must keep an owner"),
        (404, "Message not found"),
        (404, "Member not found"),
        (404, "User not found"),
        (400, "Invalid parameters"),
        (503, "Server busy, try again"),
        (503, "Server busy, try again"),
        (507, "Storage is full, nothing was kept"),
        (503, "Temporarily unavailable, nothing was kept"),
        (503, "Outcome unknown, send again with the same client_id"),
    ];
    for (refusal, (status, text)) in REFUSALS.iter().zip(rows) {
        let given = words::answer(refusal);
        assert_eq!(given.status, status, "{refusal}");
        assert!(answer(&given).ends_with(&failure(status, text)[4..]), "{refusal}");
        let own = if *refusal == Refusal::NotAllowed { "Unauthorized to delete this message" } else { text };
        assert_eq!(words::text(refusal), own, "{refusal}");
        let again = given.headers.iter().find(|(name, _)| *name == "Retry-After").map(|(_, value)| value.as_str());
        assert_eq!(again.is_some(), status == 503 || *refusal == REFUSALS[9], "{refusal}");
    }
    assert_eq!(words::answer(&REFUSALS[9]).headers, [("Retry-After", "2".to_owned())]);
}

#[test]
fn who_asks_and_how_they_are_denied() {
    let door = SocketIo { unproved: false };
    for (header, value, expected) in [
        ("authorization", "Bearer t", Some("Bearer")),
        ("authorization", "Token t", Some("Bearer")),
        ("authorization", "t", None),
        ("authorization", "Bearer ", None),
        ("x-api-key", "k", Some("Key")),
        ("x-api-key", "", None),
    ] {
        let who = door.who(&ask("GET", "/messages/room/r", "", &[(header, value)]));
        let kind = who.map(|who| format!("{who:?}").replace("(…)", ""));
        assert_eq!(kind.as_deref(), expected, "{header}: {value}");
    }
    for (path, why, status, message) in [
        ("/messages", Denied::Missing, 401, "Access denied. No token provided."),
        ("/messages", Denied::Expired, 403, "Invalid token."),
        ("/messages", Denied::Invalid, 403, "Invalid token."),
        ("/presence/users", Denied::Missing, 401, "Authorization token required"),
        ("/presence/users", Denied::Invalid, 401, "Invalid token format"),
    ] {
        assert_eq!(answer(&door.denied(&ask("GET", path, "", &[]), why)), failure(status, message));
    }
    let down = door.denied(&ask("GET", "/messages", "", &[]), Denied::Unavailable);
    assert_eq!(down.status, 503);
}
