//! Everything that can be asked of the house, as templates: `{room}`, `{path}` (the room in a path), `{message}`,
//! `{guild}`, `{conv}`, `{alias}` and `{theirs}` (a conversation and a message as the two call them) are the target's,
//! `{me}` is who the speaker says to be, `{own}` who it is.

use super::cast::Target;

/// How something is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    /// A method, a path and a body.
    Rest(&'static str, &'static str, &'static str),
    /// A `rooms` socket at this path, and what is said there.
    Rooms(&'static str, &'static [&'static str]),
    /// What is said on a `chat` socket.
    Chat(&'static [&'static str]),
    /// A `socketio` socket at this path, and the packets that are said behind its handshake.
    Io(&'static str, &'static [&'static str]),
    /// A `direct` socket at this path.
    Direct(&'static str),
    /// A `gateway` socket of this user, and what is said there.
    Gate(&'static str, &'static [&'static str]),
}

/// What it takes to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    /// A seat in the room; whoever has none hears the same whether there is such a room or not.
    Seat,
    /// To be the author, or staff: a plain member is refused, too.
    More,
    /// A seat, and what is missing can be made, so that it can't sound the same.
    Free,
    /// Nothing: it is the speaker's own affair, and must touch nobody else's.
    Lawful,
}

/// One line of the table.
pub(super) struct Call {
    pub(super) act: Act,
    pub(super) wants: Wants,
    pub(super) on: &'static [Target],
}

const ALL: &[Target] = &[Target::Private, Target::Guild, Target::Pair, Target::Group];
const GUILD: &[Target] = &[Target::Guild];
const PAIR: &[Target] = &[Target::Pair];
const GROUPS: &[Target] = &[Target::Private, Target::Group];
const ROSTERS: &[Target] = &[Target::Private, Target::Guild, Target::Group];
const ONCE: &[Target] = &[Target::None];

const fn call(act: Act, wants: Wants, on: &'static [Target]) -> Call {
    Call { act, wants, on }
}

use Act::{Chat, Direct, Gate, Io, Rest, Rooms};
use Wants::{Free, Lawful, More, Seat};

const IO: &str = "/socket.io/";
const MEMBER: &str = "/guilds/{guild}/members/101006";
const SELF: &str = "/guilds/{guild}/members/{own}";

pub(super) const CALLS: &[Call] = &[
    // rooms, REST
    call(Rest("GET", "/health", ""), Lawful, ONCE),
    call(Rest("GET", "/rooms/{path}/connections", ""), Seat, ALL),
    call(Rest("GET", "/users/101001/connections", ""), Seat, ONCE),
    call(Rest("POST", "/rooms/{path}/broadcast", r#"{"text":"forged-9c1e","sender_id":"{me}"}"#), Seat, ALL),
    call(Rest("GET", MEMBER, ""), Seat, GUILD),
    call(Rest("PUT", MEMBER, r#"{"role":"owner"}"#), More, GUILD),
    call(Rest("PUT", SELF, r#"{"role":"owner"}"#), More, GUILD),
    call(Rest("PUT", SELF, r#"{"status":"active"}"#), Seat, GUILD),
    call(Rest("DELETE", "/guilds/{guild}/members/101001", ""), More, GUILD),
    // rooms, sockets
    call(Rooms("/ws/rooms/{path}?", &[]), Seat, ALL),
    call(Rooms("/ws/rooms/{path}?since=1&", &[]), Seat, ALL),
    call(Rooms("/ws/rooms/{path}?", &[r#"{"text":"forged-9c1e","senderId":"{me}"}"#]), Seat, ALL),
    call(Rooms("/ws/rooms/{path}?", &[r#"{"type":"typing_started","data":{"userId":"{me}"}}"#]), Seat, ALL),
    call(Rooms("/ws/rooms/$public?", &[r#"{"text":"mine","roomId":"{room}","senderId":"{me}"}"#]), Lawful, ALL),
    call(Rooms("/ws/rooms/$public?", &[r#"{"type":"typing_started","data":{"roomId":"{room}"}}"#]), Lawful, ALL),
    // chat
    call(Chat(&[r#"{"type":"join_room","data":{"room_id":"{room}"}}"#]), Seat, ALL),
    call(
        Chat(&[r#"{"type":"send_message","data":{"type":"text","content":"forged-9c1e","room_id":"{room}"}}"#]),
        Seat,
        ALL,
    ),
    call(
        Chat(&[
            r#"{"type":"join_room","data":{"room_id":"{room}"}}"#,
            r#"{"type":"send_message","data":{"type":"system","content":"forged-9c1e","room_id":"{room}","user_uuid":"{me}"}}"#,
            r#"{"type":"leave_room","data":{"room_id":"{room}"}}"#,
        ]),
        Seat,
        ALL,
    ),
    call(Chat(&[r#"{"type":"leave_room","data":{"room_id":"{room}"}}"#]), Seat, ALL),
    call(
        Chat(&[r#"{"type":"list_rooms","data":{}}"#, r#"{"type":"list_rooms","data":{"type":"private"}}"#]),
        Seat,
        ONCE,
    ),
    // socketio, REST
    call(Rest("POST", "/messages", r#"{"room_id":"{room}","content":"forged-9c1e","sender_id":"{me}"}"#), Seat, ALL),
    call(Rest("POST", "/messages", r#"{"receiver_id":"101002","content":"mine","sender_id":"{me}"}"#), Lawful, ONCE),
    call(Rest("GET", "/messages/room/{path}", ""), Seat, ALL),
    call(Rest("GET", "/messages/room/{path}?limit=1&offset=0", ""), Seat, ALL),
    call(Rest("GET", "/messages/direct/101002", ""), Lawful, ONCE),
    call(Rest("PUT", "/messages/delivered", r#"{"messageIds":["{message}"]}"#), Seat, ALL),
    call(Rest("PUT", "/messages/read", r#"{"messageIds":["{message}"]}"#), Seat, ALL),
    call(Rest("PUT", "/messages/read", r#"{"messageIds":["{message}"],"roomId":"{room}"}"#), Seat, ALL),
    call(Rest("DELETE", "/messages/{message}", ""), More, ALL),
    call(Rest("GET", "/messages/unread/{path}", ""), Seat, ALL),
    call(Rest("GET", "/messages/unread/direct:101002", ""), Lawful, ONCE),
    call(Rest("POST", "/presence/heartbeat", r#"{"userId":"{me}"}"#), Lawful, ONCE),
    call(Rest("POST", "/presence/logout", r#"{"userId":"{me}"}"#), Lawful, ONCE),
    call(Rest("POST", "/presence/users", r#"{"userIds":["101001"]}"#), Lawful, ONCE),
    // socketio, sockets
    call(Io(IO, &[r#"42["join_room",{"roomId":"{room}"}]"#]), Seat, ALL),
    call(
        Io(IO, &[r#"421["send_message",{"room_id":"{room}","content":"forged-9c1e","sender_id":"{me}"}]"#]),
        Seat,
        ALL,
    ),
    call(Io(IO, &[r#"42["send_message",{"room_id":"{room}","content":"forged-9c1e"}]"#]), Seat, ALL),
    call(Io(IO, &[r#"42["mark_read",{"messageIds":["{message}"]}]"#]), Seat, ALL),
    call(Io(IO, &[r#"42["mark_read",{"messageIds":["{message}"],"roomId":"{room}"}]"#]), Seat, ALL),
    call(Io(IO, &[r#"421["delete_message",{"messageId":"{message}","roomId":"{room}"}]"#]), More, ALL),
    call(Io(IO, &[r#"42["delete_message",{"messageId":"{message}"}]"#]), More, ALL),
    call(Io(IO, &[r#"42["typing",{"roomId":"{room}","userId":"{me}"}]"#]), Seat, ALL),
    call(Io(IO, &[r#"421["get_typing_users",{"roomId":"{room}"}]"#]), Seat, ALL),
    call(Io(IO, &[r#"42["leave_room",{"roomId":"{room}"}]"#]), Seat, ALL),
    call(Io("/socket.io", &[r#"42["authenticate",{"userId":"101001","token":"$shown"}]"#]), Seat, ONCE),
    // direct, REST: each path with and without its last slash.
    call(Rest("GET", "/api/messaging/", ""), Lawful, ONCE),
    call(Rest("GET", "/api/messaging", ""), Lawful, ONCE),
    call(Rest("GET", "/api/messaging/health/", ""), Lawful, ONCE),
    call(Rest("GET", "/api/messaging/health", ""), Lawful, ONCE),
    call(Rest("POST", "/api/messaging/users/", r#"{"username":"alice","bio":"forged-9c1e"}"#), Seat, ONCE),
    call(Rest("POST", "/api/messaging/users", r#"{"username":"alice","bio":"forged-9c1e"}"#), Seat, ONCE),
    call(Rest("POST", "/api/messaging/users/sync/", r#"{"username":"alice","bio":"forged-9c1e"}"#), Seat, ONCE),
    call(Rest("POST", "/api/messaging/users/sync", r#"{"username":"alice","bio":"forged-9c1e"}"#), Seat, ONCE),
    call(Rest("GET", "/api/messaging/users/101001/", ""), Lawful, ONCE),
    call(Rest("GET", "/api/messaging/users/101001", ""), Lawful, ONCE),
    call(Rest("GET", "/api/messaging/users/username/alice/", ""), Lawful, ONCE),
    call(Rest("GET", "/api/messaging/users/username/alice", ""), Lawful, ONCE),
    call(
        Rest("POST", "/api/messaging/messages/", r#"{"receiver_id":101002,"sender_id":101001,"content":"mine"}"#),
        Lawful,
        ONCE,
    ),
    call(
        Rest("POST", "/api/messaging/messages", r#"{"receiver_id":101002,"conversation_id":{conv},"content":"mine"}"#),
        Lawful,
        PAIR,
    ),
    call(Rest("GET", "/api/messaging/messages/{conv}/", ""), Seat, PAIR),
    call(Rest("GET", "/api/messaging/messages/{conv}?limit=1", ""), Seat, PAIR),
    call(Rest("GET", "/api/messaging/conversations/", ""), Lawful, ONCE),
    call(Rest("GET", "/api/messaging/conversations?limit=1", ""), Lawful, ONCE),
    // direct, sockets
    call(Direct("/ws/101001"), Seat, ONCE),
    call(Direct("/api/messaging/ws/101001"), Seat, ONCE),
    // gateway: as oneself, and as another
    call(Gate("101001", &[r#"{"action":"catchUp","userId":"101001"}"#]), Seat, ONCE),
    call(Gate("{own}", &[r#"{"action":"catchUp","userId":"101001"}"#]), Seat, ONCE),
    call(
        Gate(
            "{own}",
            &[
                r#"{"action":"sendMessage","messageId":"f1","conversationId":"{room}","senderId":"{me}","content":"forged-9c1e","isGroupChat":true}"#,
            ],
        ),
        Seat,
        ALL,
    ),
    call(
        Gate(
            "{own}",
            &[
                r#"{"action":"sendMessage","messageId":"f1","conversationId":"{alias}","senderId":"101001","recipientId":"101002","content":"forged-9c1e"}"#,
            ],
        ),
        Seat,
        PAIR,
    ),
    call(
        Gate(
            "{own}",
            &[
                r#"{"action":"sendMessage","messageId":"{theirs}","conversationId":"{alias}","senderId":"{own}","recipientId":"101002","content":"mine"}"#,
            ],
        ),
        Lawful,
        PAIR,
    ),
    call(
        Gate(
            "{own}",
            &[
                r#"{"action":"markRead","conversationId":"{room}","readerId":"{me}","messageIds":["{message}"],"isGroupChat":true}"#,
            ],
        ),
        Seat,
        ALL,
    ),
    call(
        Gate(
            "{own}",
            &[
                r#"{"action":"markRead","conversationId":"{alias}","readerId":"{own}","messageIds":["{theirs}","{message}"],"reads":[{"messageId":"{theirs}","senderId":"101001"}]}"#,
            ],
        ),
        Seat,
        PAIR,
    ),
    call(
        Gate(
            "{own}",
            &[r#"{"action":"readAck","conversationId":"{room}","readerId":"{me}","messageIds":["{message}"]}"#],
        ),
        Seat,
        ALL,
    ),
    call(
        Gate(
            "{own}",
            &[r#"{"action":"readAck","conversationId":"{alias}","readerId":"{own}","messageIds":["{theirs}"]}"#],
        ),
        Seat,
        PAIR,
    ),
    call(
        Gate(
            "{own}",
            &[r#"{"action":"typing","conversationId":"{room}","senderId":"{me}","isTyping":true,"isGroupChat":true}"#],
        ),
        Seat,
        ALL,
    ),
    call(
        Gate("{own}", &[r#"{"action":"typing","conversationId":"{alias}","senderId":"{me}","isTyping":true}"#]),
        Seat,
        PAIR,
    ),
    call(
        Gate(
            "{own}",
            &[
                r#"{"action":"editMessage","messageId":"{message}","conversationId":"{room}","senderId":"{me}","newContent":"forged-9c1e","isGroupChat":true}"#,
            ],
        ),
        More,
        ALL,
    ),
    call(
        Gate(
            "{own}",
            &[
                r#"{"action":"editMessage","messageId":"{theirs}","conversationId":"{alias}","senderId":"{own}","newContent":"forged-9c1e","recipientIds":["101002"]}"#,
            ],
        ),
        Seat,
        PAIR,
    ),
    call(
        Gate(
            "{own}",
            &[
                r#"{"action":"deleteMessage","messageId":"{message}","conversationId":"{room}","senderId":"{me}","isGroupChat":true}"#,
            ],
        ),
        More,
        ALL,
    ),
    call(
        Gate(
            "{own}",
            &[
                r#"{"action":"deleteMessage","messageId":"{theirs}","conversationId":"{alias}","senderId":"{own}","recipientId":"101002"}"#,
            ],
        ),
        Seat,
        PAIR,
    ),
    call(
        Gate(
            "{own}",
            &[r#"{"action":"groupUpdate","conversationId":"{room}","groupName":"forged-9c1e","updatedBy":"{me}"}"#],
        ),
        Seat,
        ALL,
    ),
    call(
        Gate(
            "{own}",
            &[
                r#"{"action":"groupMembersAdded","conversationId":"{room}","newMemberIds":["{own}","101005"],"addedBy":"{me}"}"#,
            ],
        ),
        More,
        ROSTERS,
    ),
    call(
        Gate("{own}", &[r#"{"action":"groupMembersAdded","conversationId":"{room}","newMemberIds":["{own}"]}"#]),
        Seat,
        PAIR,
    ),
    call(Gate("{own}", &[r#"{"action":"groupMemberLeft","conversationId":"{room}","userId":"{me}"}"#]), Seat, ALL),
    call(Gate("{own}", &[r#"{"action":"groupMemberLeft","conversationId":"{room}","userId":"101001"}"#]), More, GROUPS),
    call(
        Gate(
            "{own}",
            &[
                r#"{"action":"groupCreated","conversationId":"{room}","groupName":"forged-9c1e","participantIds":["{own}","101005"],"createdBy":"{own}"}"#,
            ],
        ),
        Free,
        GROUPS,
    ),
    call(
        Gate(
            "{own}",
            &[
                r#"{"action":"groupCreated","conversationId":"{room}","groupName":"forged-9c1e","participantIds":["{own}","101005"]}"#,
            ],
        ),
        Seat,
        &[Target::Guild, Target::Pair],
    ),
    call(Gate("{own}", &[r#"{"action":"presenceUpdate","userId":"101001","isOnline":false}"#]), Seat, ONCE),
    call(
        Gate(
            "{own}",
            &[
                r#"{"action":"ping","userId":"101001"}"#,
                r#"{"action":"registerDevice","userId":"101001","deviceToken":"t"}"#,
            ],
        ),
        Lawful,
        ONCE,
    ),
];
