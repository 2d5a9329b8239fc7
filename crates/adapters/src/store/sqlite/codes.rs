//! What stands in rows for kinds, roles and statuses. These bytes never change.

use domain::model::{Member, Role, RoomKind, Status};

/// A room's kind as it stands in rows.
pub(super) fn room_kind_byte(kind: RoomKind) -> u8 {
    match kind {
        RoomKind::Public => 0,
        RoomKind::Private => 1,
        RoomKind::Guild => 2,
        RoomKind::Direct => 3,
    }
}

/// The kind that a byte stands for.
pub(super) fn room_kind(byte: u8) -> Option<RoomKind> {
    [RoomKind::Public, RoomKind::Private, RoomKind::Guild, RoomKind::Direct].get(usize::from(byte)).copied()
}

/// A member's row of a roster as it stands in rows: their role, and their status with whether they are muted.
pub(super) fn member_bytes(member: Member) -> [u8; 2] {
    [role_byte(member.role), status_byte(member.status) + if member.muted { MUTED } else { 0 }]
}

/// The member that two bytes stand for.
pub(super) fn member([role, status]: [u8; 2]) -> Option<Member> {
    let role = [Role::Member, Role::Moderator, Role::Owner].get(usize::from(role)).copied()?;
    let (status, muted) = match status.checked_sub(MUTED) {
        Some(status) => (status, true),
        None => (status, false),
    };
    let status = [Status::Active, Status::Inactive, Status::Blocked].get(usize::from(status)).copied()?;
    Some(Member { role, status, muted })
}

/// What a muted member's status has on top.
const MUTED: u8 = 3;

fn role_byte(role: Role) -> u8 {
    match role {
        Role::Member => 0,
        Role::Moderator => 1,
        Role::Owner => 2,
    }
}

fn status_byte(status: Status) -> u8 {
    match status {
        Status::Active => 0,
        Status::Inactive => 1,
        Status::Blocked => 2,
    }
}
