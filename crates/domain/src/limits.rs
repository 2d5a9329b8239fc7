//! Every bound, with its unit, and the policy an operator may set. Full means a named refusal or close (invariant 9).

/// Longest user id, in bytes (the contracts' columns hold 255).
pub const USER_ID_BYTES_MAX: usize = 255;
/// Longest room id, in bytes.
pub const ROOM_NAME_BYTES_MAX: usize = 255;
/// Longest client id of a send, in bytes.
pub const CLIENT_ID_BYTES_MAX: usize = 128;
/// Longest shown name or e-mail address kept of a user, in bytes; longer ones are cut at a character.
pub const LABEL_BYTES_MAX: usize = 255;
/// Longest message content, in bytes (RULES 13).
pub const CONTENT_BYTES_MAX: usize = 64 * 1024;
/// Most opaque extra a door may keep with its message, in bytes (HAZARDS 25).
pub const EXTRA_BYTES_MAX: usize = 4 * 1024;
/// Longest text that a profile has of a user, in bytes; longer ones are cut at a character.
pub const BIO_BYTES_MAX: usize = 4 * 1024;
/// Longest address of a user's picture, in bytes; a longer one is not kept.
pub const URL_BYTES_MAX: usize = 2 * 1024;
/// Most members that a group is made with, or takes in at once.
pub const GROUP_MEMBERS_MAX: usize = 1000;
/// Most messages of one page of history, whatever a door asks for (direct page 5).
pub const HISTORY_MAX: u32 = 10_000;
/// Most bytes of content in one page of history; one message is always given.
pub const HISTORY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most conversations in one answer.
pub const CONVERSATIONS_LISTED_MAX: u32 = 1000;
/// Most rooms that one connection attends, and most with something undelivered when it comes.
pub const STANDINGS_MAX: usize = 10_000;
/// Most direct rooms whose deliveries wait for a sign of life of one connection; past it the oldest are told again when
/// it comes back.
pub const UNPROVED_MAX: usize = 1000;
/// Longest emoji of a reaction, in bytes: a family of four with skin tones has 41.
pub const EMOJI_BYTES_MAX: usize = 64;
/// Reactions kept of one message, each of one user and one emoji; past it no new ones are taken.
pub const REACTIONS_KEPT_MAX: usize = 10_000;
/// Different emoji shown under one message; later ones are kept and not shown.
pub const REACTIONS_SHOWN_MAX: usize = 50;
/// Users shown with one reaction.
pub const REACTORS_SHOWN_MAX: usize = 100;
/// Members in one answer.
pub const MEMBERS_LISTED_MAX: usize = 1000;
/// Rooms of one's own in one answer.
pub const OWN_ROOMS_LISTED_MAX: usize = 1000;
/// Unread messages and mentions of one room are counted up to this many, where all of one's rooms are asked for.
pub const OVERVIEW_COUNTED_MAX: u64 = 1000;
/// Room title of a made room, in characters (chat contract: 1 to 100).
pub const TITLE_CHARS_MAX: usize = 100;
/// Fewest and most users of a made room (chat contract: 2 to 1000).
pub const SEATS_MIN: u32 = 2;
/// See [`SEATS_MIN`].
pub const SEATS_MAX: u32 = 1000;
/// Longest list of rooms in one answer (RULES 11).
pub const ROOMS_LISTED_MAX: usize = 1000;
/// Most users shown with a listed room (RULES 11).
pub const ROOM_USERS_SHOWN_MAX: usize = 100;
/// Rooms one user may make by first use, in one hour (RULES 11).
pub const FIRST_USE_ROOMS_PER_HOUR_MAX: u32 = 100;
/// The hour of [`FIRST_USE_ROOMS_PER_HOUR_MAX`], in milliseconds.
pub const FIRST_USE_WINDOW_MS: u64 = 60 * 60 * 1000;
/// A public made room with nobody present for this long is archived, in milliseconds (RULES 11).
pub const ARCHIVE_AFTER_MS: u64 = 60 * 60 * 1000;
/// Users whose id is no number are numbered from here outside development mode, so that an auth service's 1, 2, 3, …
/// stay free for its own (RULES 2).
pub const NUMBERS_FROM: u32 = 1_000_000_001;
/// The sliding window of the rate limits, in milliseconds (RULES 12).
pub const PACE_WINDOW_MS: u64 = 60 * 1000;

/// Commands one connection may have under way; past it, its socket is not read.
pub const CALLS_PER_CONNECTION_MAX: u16 = 64;
/// Commands one shard may have under way; each has a reply slot reserved in the shard's mailbox.
pub const CALLS_PER_SHARD_MAX: usize = 16 * 1024;
/// Commands the node takes into one batch: one transaction, one sync.
pub const BATCH_COMMANDS_MAX: usize = 4 * 1024;
/// Bytes of content the node takes into one batch.
pub const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Times a command is decided again after its facts moved, before it fails by name (HAZARDS 11).
pub const DECIDE_AGAIN_MAX: u8 = 3;
/// Announcements a shard's mailbox holds; past it they are dropped and the shard reads the log.
pub const ANNOUNCEMENTS_MAX: usize = 1024;
/// Signals a shard's mailbox holds; past it they are dropped and counted.
pub const SIGNALS_MAX: usize = 4096;
/// Calls over REST under way; past it they are refused.
pub const REST_CALLS_MAX: usize = 1024;
/// How long a call over REST waits for the node, in milliseconds.
pub const REST_WAIT_MS: u64 = 30_000;
/// How long an Auth Service's answer about a token holds at most, in milliseconds (RULES 5).
pub const AUTH_ANSWER_MS: u64 = 60_000;
/// How long its refusal of a token holds, in milliseconds: a flood of one bad token is not its burden.
pub const AUTH_REFUSAL_MS: u64 = 5_000;
/// How long an Auth Service is waited for, in milliseconds, from the first byte to the last.
pub const AUTH_WAIT_MS: u64 = 5_000;
/// How often published keys are fetched, in milliseconds: one that is withdrawn is refused within a minute (THREATS T4).
pub const JWKS_EVERY_MS: u64 = 30_000;
/// How long published keys hold that can't be fetched any more, in milliseconds.
pub const JWKS_STALE_MAX_MS: u64 = 60 * 60 * 1000;
/// Largest answer of an Auth Service that is read, in bytes.
pub const AUTH_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Tokens whose acceptance is remembered; the ones that end first go first.
pub const AUTH_ANSWERS_MAX: usize = 10_000;
/// Tokens whose refusal is remembered; apart from the others, so that no flood of bad ones costs the good.
pub const AUTH_REFUSALS_MAX: usize = 10_000;
/// Calls to the Auth Service under way, each about another token; past it, who asks is told that it is unavailable.
pub const AUTH_CALLS_MAX: usize = 256;
/// Connections and requests that wait for such calls; past it, likewise.
pub const AUTH_WAITING_MAX: usize = 4096;
/// Connections that ordinary HTTP holds; past it they are answered 503 and closed.
pub const HTTP_CONNECTIONS_MAX: usize = 4096;
/// Sessions that are polled, in one shard: no socket, and so no descriptor, bounds them (THREATS T15).
pub const POLLED_PER_SHARD_MAX: usize = 32 * 1024;
/// Connections a shard accepts in one turn; the rest wait for the next.
pub const ACCEPTS_PER_TURN_MAX: usize = 256;
/// How long a shard waits for a missing announcement before it reads the log, in milliseconds (invariant 4).
pub const GAP_WAIT_MS: u64 = 20;
/// How often a node looks for what nobody announced, in milliseconds (invariant 4).
pub const POLL_LOG_MS: u64 = 1000;
/// An outbox, in bytes; it may exceed this by one item, and then the connection is lagging (invariant 6).
pub const OUTBOX_BYTES_MAX: usize = 64 * 1024;
/// What a lagging connection is given from the log at once, in bytes of content.
pub const CATCH_UP_BYTES: usize = 64 * 1024;
/// Rooms whose facts are read at once for one call that is about many rooms.
pub const LOADS_AT_ONCE_MAX: usize = 32;
/// Rooms whose facts the node keeps although nobody is there.
pub const IDLE_ROOMS_CACHED_MAX: usize = 10_000;
/// Rooms and users whose facts the node remembers in all before it lets go of the idle ones.
pub const USERS_CACHED_MAX: usize = 100_000;
/// Presence remembered for a lagging connection, to say the difference afterwards (HAZARDS 7).
pub const SAVED_PRESENCE_MAX: usize = 1000;
/// Most messages of one page of history (socketio page 6).
pub const PAGE_MAX: u32 = 200;
/// Most messages that one mark may name.
pub const MARKED_MAX: usize = 1000;
/// How often what is too old is let go of, in milliseconds.
pub const EXPIRE_EVERY_MS: u64 = 1_000;
/// The shortest time for which what is said may be kept, in milliseconds: nobody who is only slow is to miss anything.
pub const RETENTION_MIN_MS: u64 = 60 * 60 * 1000;
/// Messages that are looked at, and told of, together when a mark has reached them.
pub const REACHED_MAX: u32 = 1000;
/// Messages read out of order that are kept of one user in one room, above their mark; the oldest go first.
pub const MARKS_APART_MAX: usize = 1000;
/// Unread messages are counted up to this many.
pub const UNREAD_COUNTED_MAX: u64 = 10_000;
/// Most users whose presence one query may ask for.
pub const ONLINE_ASKED_MAX: usize = 1000;
/// How long a heartbeat over REST keeps a user online, in milliseconds (socketio facts 5).
pub const BEAT_MS: u64 = 120_000;
/// Heartbeats over REST that a node remembers at a time; past it, new ones are refused.
pub const BEATS_MAX: usize = 100_000;
/// Sessions of one user that can be returned to; the longest unused goes first.
pub const SESSIONS_PER_USER_MAX: usize = 64;
/// Rooms that one session can be in.
pub const SESSION_ROOMS_MAX: usize = 1000;
/// How long someone is taken to be writing after they said so, in milliseconds (socketio facts 4).
pub const TYPING_MS: u64 = 5_000;
/// Deepest JSON nesting taken from a client (THREATS T16).
pub const JSON_DEPTH_MAX: usize = 32;

/// What an operator may set. Defaults are the contracts'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Development mode (RULES 6): a guild's first owner is whoever enters first, users are numbered from 1.
    pub development: bool,
    /// Whether an unknown room id makes a public room on the doors whose contracts say so (`OPEN_ROOMS`).
    pub open_rooms: bool,
    /// Whether joining a private room by its id makes a member (false with `CHAT_PRIVATE_ROOMS=invite`).
    pub private_by_id: bool,
    /// Rooms a user may make by asking for one (`CHAT_MAX_ROOMS_PER_USER`); 0 means no limit.
    pub made_rooms_max: u32,
    /// Users of a made room when its maker doesn't say (`CHAT_DEFAULT_MAX_USERS`).
    pub seats_default: u32,
    /// Messages a minute on strict doors (`CHAT_MAX_MESSAGES_PER_MIN`); 0 means no limit.
    pub strict_per_minute: u32,
    /// Messages a minute on the other doors (`MAX_MESSAGES_PER_MIN`); 0 means no limit.
    pub loose_per_minute: u32,
    /// How long what is said is kept, in milliseconds (`RETENTION`); none: for ever.
    pub retention_ms: Option<u64>,
    /// How many may be online for presence to go to everybody (`PRESENCE_ALL_MAX`, RULES 19).
    pub presence_all_max: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            development: false,
            open_rooms: true,
            private_by_id: true,
            made_rooms_max: 10,
            seats_default: 100,
            strict_per_minute: 30,
            loose_per_minute: 600,
            retention_ms: None,
            presence_all_max: 1000,
        }
    }
}
