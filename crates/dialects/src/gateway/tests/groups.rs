//! What is said of groups, and by what their members are told.

use super::frames::{check, frame};
use super::{heard, open};

/// When all of it is said.
const AT: &str = "2026-11-20T11:52:13Z";

#[test]
fn groups_are_made() {
    let create = [
        ("conversationId", r#""team""#),
        ("groupName", r#""Team""#),
        ("participantIds", r#"["alice","bob","carol","bob"]"#),
        ("participantNames", r#"["Al","Bo","Ca","Bo"]"#),
        ("createdBy", r#""alice""#),
        ("createdByName", r#""Al""#),
        ("groupAdmins", r#"["alice","carol","eve"]"#),
        ("createdAt", r#""2001-01-01T00:00:00Z""#),
    ];
    let made = |name: &str, names: &str, admins: &str, roles: &str| {
        format!(
            r#"1 group team make {name} {roles} {{"type":"groupCreated","data":{{"conversationId":"team","groupName":"{name}","participantIds":["alice","bob","carol"],"participantNames":{names},"isGroupChat":true,"createdBy":"alice","createdByName":"Al","createdAt":"{AT}","groupAdmins":{admins}}}}}"#
        )
    };
    let (names, admins) = (r#"["Al","Bo","Ca"]"#, r#"["alice","carol"]"#);
    let roles = "bob Member,carol Moderator";
    check(
        "groupCreated",
        &create,
        &[
            (&[], &made("Team", names, admins, roles)),
            (
                &[("createdBy", "null"), ("groupAdmins", "null")],
                &made("Team", names, r#"["alice"]"#, "bob Member,carol Member"),
            ),
            (&[("groupName", "null")], &made("Group Chat", names, admins, roles)),
            (&[("participantNames", r#"["Al"]"#)], &made("Team", r#"["alice","bob","carol"]"#, admins, roles)),
            (&[("createdBy", r#""bob""#)], "Forbidden"),
            (&[("participantIds", r#"["bob"]"#)], "Forbidden"),
            (&[("participantIds", r#"["bob","bob"]"#)], "Forbidden"),
            (&[("participantIds", r#"["bob",""]"#)], "Forbidden"),
            (&[("participantIds", &format!("[{}]", vec![r#""b""#; 1002].join(",")))], "Forbidden"),
            (&[("conversationId", r#""user:x""#)], "Forbidden"),
            (&[("conversationId", "")], "Forbidden"),
        ],
    );
    let without_me = heard(&mut *open(), &frame("groupCreated", &create, &[("participantIds", r#"["bob","carol"]"#)]));
    assert!(
        without_me[0].contains(r#""participantIds":["bob","carol","alice"],"participantNames":["bob","carol","Al"]"#)
    );
}

#[test]
fn groups_are_changed() {
    let update = [("conversationId", r#""team""#), ("groupName", r#""New""#), ("updatedByName", r#""Al""#)];
    let updated = format!(
        r#"1 group team retitle New {{"type":"groupUpdate","data":{{"conversationId":"team","groupName":"New","updatedBy":"alice","updatedByName":"Al","timestamp":"{AT}"}}}}"#
    );
    check(
        "groupUpdate",
        &update,
        &[
            (&[("updatedBy", r#""alice""#), ("participantIds", r#"["x"]"#)], &updated),
            (&[("updatedBy", r#""bob""#)], "Forbidden"),
            (&[("groupName", "null")], "Forbidden"),
            (&[("conversationId", "")], "Forbidden"),
        ],
    );
    let added = |names: &str| {
        format!(
            r#"1 group team admit dave {{"type":"groupMembersAdded","data":{{"conversationId":"team","memberIds":["dave"],"memberNames":["{names}"],"addedBy":"alice","addedByName":"alice","timestamp":"{AT}"}}}}"#
        )
    };
    let (dave, room) = (r#"["dave"]"#, ("conversationId", r#""team""#));
    check(
        "groupMembersAdded",
        &[room],
        &[
            (&[("memberIds", dave)], &added("dave")),
            (&[("newMemberIds", dave), ("participantIds", r#"["alice","dave"]"#)], &added("dave")),
            (&[("addedMemberIds", dave), ("memberNames", r#"["Dave"]"#)], &added("Dave")),
            (&[("addedMembers", dave)], &added("dave")),
            (&[("participantIds", dave)], &added("dave")),
            (&[("memberIds", "[]")], "Forbidden"),
            (&[], "Forbidden"),
            (&[("memberIds", dave), ("addedBy", r#""bob""#)], "Forbidden"),
        ],
    );
    let left = format!(
        r#"1 group team quit {{"type":"groupMemberLeft","data":{{"conversationId":"team","userId":"alice","userName":"Al","timestamp":"{AT}"}}}}"#
    );
    check(
        "groupMemberLeft",
        &[room, ("userName", r#""Al""#)],
        &[
            (&[], &left),
            (&[("userId", r#""alice""#), ("memberId", r#""alice""#)], &left),
            (&[("userId", r#""bob""#)], "Forbidden"),
            (&[("memberId", r#""bob""#)], "Forbidden"),
        ],
    );
}
