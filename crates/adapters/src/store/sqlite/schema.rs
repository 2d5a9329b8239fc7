//! The two files' tables. A file's version is SQLite's `user_version`, and a step brings a file from one version to the
//! next: a list of SQL is all there is to a migration here, so no migration library stands between (one would want
//! tables of its own in both files, and a driver of its own).

/// The log's tables by version: the step at index n leads from version n to n + 1. Steps that have been released never
/// change. `events` has no second index on purpose: it is only ever appended to (HAZARDS 24).
pub(super) const LOG_STEPS: &[&str] = &[
    "
    CREATE TABLE events (offset INTEGER PRIMARY KEY, row BLOB NOT NULL) STRICT;
    CREATE TABLE rooms (birth INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, row BLOB NOT NULL) STRICT;
    CREATE TABLE members (room INTEGER, user TEXT, row BLOB NOT NULL, PRIMARY KEY (room, user)) STRICT, WITHOUT ROWID;
    CREATE TABLE barred (room INTEGER, user TEXT, row BLOB NOT NULL, PRIMARY KEY (room, user)) STRICT, WITHOUT ROWID;
    -- Which rooms a user has to do with, and why: see `Tie`.
    CREATE TABLE ties (user TEXT, why INTEGER, room INTEGER, PRIMARY KEY (user, why, room)) STRICT, WITHOUT ROWID;
    CREATE TABLE users (id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, email TEXT,
        crc INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    -- Every number from `start` up to, but not with, `next` is taken.
    CREATE TABLE numbers (start INTEGER PRIMARY KEY, next INTEGER NOT NULL) STRICT;
    CREATE TABLE keys (id TEXT PRIMARY KEY, row BLOB NOT NULL) STRICT, WITHOUT ROWID;
",
    // From here on a member's row says where they began to belong, an edit's and a deletion's where its message was sent.
    "
    CREATE TABLE marks (room INTEGER, user TEXT, row BLOB NOT NULL, PRIMARY KEY (room, user)) STRICT, WITHOUT ROWID;
    -- By the SHA-256 of their keys; `turn` counts a user's writes, so that the longest unwritten is the lowest.
    CREATE TABLE sessions (hash BLOB PRIMARY KEY, user TEXT NOT NULL, turn INTEGER NOT NULL, row BLOB NOT NULL) STRICT,
        WITHOUT ROWID;
    CREATE INDEX sessions_of ON sessions (user, turn);
",
    // From here on a room's row may say what its two call it, and an edit's and a deletion's how their message was sent.
    "
    CREATE TABLE profiles (number INTEGER PRIMARY KEY, row BLOB NOT NULL) STRICT;
    -- What a user's direct rooms are called now.
    CREATE TABLE aliases (user TEXT, alias TEXT, room INTEGER, PRIMARY KEY (user, alias, room)) STRICT, WITHOUT ROWID;
    -- Of each mark of a room the foremost users: see `Fronts`. A room of before has no row until a mark in it rises.
    CREATE TABLE fronts (room INTEGER PRIMARY KEY, row BLOB NOT NULL) STRICT;
    -- Whose marks have single messages above them, in rooms that have a row in `fronts`.
    CREATE TABLE apart (room INTEGER, user TEXT, PRIMARY KEY (room, user)) STRICT, WITHOUT ROWID;
    CREATE INDEX barred_of ON barred (user);
",
    "
    -- How far the feed has come.
    CREATE TABLE feed (one INTEGER PRIMARY KEY CHECK (one = 1), row BLOB NOT NULL) STRICT;
    -- Marks that the feed is to be told of. No number is used again, also when all rows have gone: the feed may not know yet.
    CREATE TABLE outbox (number INTEGER PRIMARY KEY AUTOINCREMENT, row BLOB NOT NULL) STRICT;
",
    "
    -- Up to where contents are kept no more, and up to where rows have been emptied of them.
    CREATE TABLE retention (one INTEGER PRIMARY KEY CHECK (one = 1), row BLOB NOT NULL) STRICT;
",
];

/// The first version that has a place of retention, which is kept from then on: where it is missing, something is damaged.
pub(super) const RETENTION_SINCE: usize = 5;

/// The index's tables. There are no steps: a file of another version is rebuilt from the log.
///
/// A chunk holds some consecutive events of one room: the first's offset and seq, the number of messages before it, and of
/// each how far it lies from the one before, and a message's author. Messages are numbered in their room, and `nth` is
/// that number. `ids` are hashes of (sender, room, client id) by run of 2^20 offsets, so that what is written at
/// random stays small however long the log is; `filters` say cheaply what a finished run has not. `messages` has
/// where the messages are whose ids begin with one span of time, some of them in a row.
pub(super) const INDEX: &str = "
    CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), life INTEGER NOT NULL, indexed INTEGER NOT NULL,
        mark INTEGER NOT NULL) STRICT;
    CREATE TABLE chunks (room INTEGER, first INTEGER, seq INTEGER NOT NULL, nth INTEGER NOT NULL, row BLOB NOT NULL,
        PRIMARY KEY (room, first)) STRICT, WITHOUT ROWID;
    CREATE TABLE heads (room INTEGER PRIMARY KEY, last INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
        public INTEGER NOT NULL, nth INTEGER NOT NULL, crc INTEGER NOT NULL) STRICT;
    CREATE INDEX public_heads ON heads (last) WHERE public = 1;
    CREATE TABLE ids (run INTEGER, hash INTEGER, offset INTEGER, PRIMARY KEY (run, hash, offset)) STRICT, WITHOUT ROWID;
    CREATE TABLE filters (run INTEGER PRIMARY KEY, crc INTEGER NOT NULL, bits BLOB NOT NULL) STRICT;
    CREATE TABLE messages (span INTEGER, first INTEGER, row BLOB NOT NULL, PRIMARY KEY (span, first)) STRICT, WITHOUT ROWID;
    -- The offset of a message's last edit.
    CREATE TABLE edits (room INTEGER, of INTEGER, last INTEGER NOT NULL, PRIMARY KEY (room, of)) STRICT, WITHOUT ROWID;
    CREATE TABLE deletions (room INTEGER, of INTEGER, row BLOB NOT NULL, PRIMARY KEY (room, of)) STRICT, WITHOUT ROWID;
    CREATE TABLE reactions (room INTEGER, of INTEGER, emoji TEXT, user INTEGER, row BLOB NOT NULL,
        PRIMARY KEY (room, of, emoji, user)) STRICT, WITHOUT ROWID;
    -- How many messages of a room were deleted, where any was.
    CREATE TABLE losses (room INTEGER PRIMARY KEY, row BLOB NOT NULL) STRICT;
";

/// The version of [`INDEX`].
pub(super) const INDEX_VERSION: i32 = 4;

/// `SWBl` and `SWBi`: what makes a SQLite file ours.
pub(super) const LOG_APPLICATION: i32 = 0x5357_426c;
/// See [`LOG_APPLICATION`].
pub(super) const INDEX_APPLICATION: i32 = 0x5357_4269;

/// Why a user has to do with a room, as it stands in `ties`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tie {
    /// They are on its roster.
    Member = 0,
    /// It is one of their conversations.
    Pair = 1,
    /// They made it by asking for one.
    Made = 2,
}
