//! What stands in rows for kinds, roles and statuses. These bytes never change.

use domain::model::{Role, RoomKind, Status};

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

/// A role as it stands in rows.
pub(super) fn role_byte(role: Role) -> u8 {
    match role {
        Role::Member => 0,
        Role::Moderator => 1,
        Role::Owner => 2,
    }
}

/// The role that a byte stands for.
pub(super) fn role(byte: u8) -> Option<Role> {
    [Role::Member, Role::Moderator, Role::Owner].get(usize::from(byte)).copied()
}

/// A status as it stands in rows.
pub(super) fn status_byte(status: Status) -> u8 {
    match status {
        Status::Active => 0,
        Status::Inactive => 1,
        Status::Blocked => 2,
    }
}

/// The status that a byte stands for.
pub(super) fn status(byte: u8) -> Option<Status> {
    [Status::Active, Status::Inactive, Status::Blocked].get(usize::from(byte)).copied()
}
