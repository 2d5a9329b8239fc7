//! What is asked of a store's readers, and what they find: the contract stands at each question. What is asked of the writer
//! is in [`super`].

use std::sync::Arc;

use domain::Text;
use domain::event::Event;
use domain::facts::RoomFacts;
use domain::history::{Belonging, Conversation, Entry, Fate, Own, Standing};
use domain::id::{ClientId, Cursor, MessageId, Millis, Offset, Seq, SessionKey, UserId, UserNumber};
use domain::model::{Person, RoomKey, RoomKind, User};
use domain::query::{Which, Window};

use super::{FeedPlace, Key, Posted, SessionRow};

/// What is asked of a reader. The comment of each says which [`Found`] answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// A room's facts, rosters included → `Room`.
    Room(RoomKey),
    /// The rooms that this user may know of (public ones, and those they belong to), the most recently active first →
    /// `Rooms`, without rosters. Direct rooms and guilds that they aren't in are left out, and public rooms that they are
    /// barred from.
    Rooms {
        /// Who asks.
        asker: UserId,
        /// Only these; all when not said.
        kind: Option<RoomKind>,
        /// At most this many.
        most: usize,
    },
    /// The rooms that this user made by asking for one (those with seats) → `Rooms`, without rosters, oldest first.
    MadeBy(UserId),
    /// A user → `Person`.
    Person(UserId),
    /// A room's events below `before` (all when none), the newest `most` of them, oldest first → `Events`.
    Page {
        /// Which room.
        room: RoomKey,
        /// Only events with a lower offset.
        before: Option<Offset>,
        /// At most this many.
        most: usize,
    },
    /// The events after `after` and up to `upto`, in offset order → `Events`, which ends at a byte budget and says how
    /// far it has looked, so that a cursor moves when nothing matched (HAZARDS 17). At least one event is given when
    /// there is one, however large. When rooms are named, it says what has become of the messages among them by now,
    /// however far on in the log that happened.
    Since {
        /// Only events with a higher offset.
        after: Offset,
        /// No event with a higher offset.
        upto: Offset,
        /// Of these rooms; of all rooms when none.
        rooms: Option<Vec<RoomKey>>,
        /// And, when rooms are named, of every direct room of this user.
        pairs_of: Option<UserId>,
        /// Stop when the events' contents ([`weight`](crate::store::settle::weight)) would exceed this.
        bytes: usize,
    },
    /// What a user sent under a client id → `Event`.
    Sent {
        /// Who sent it.
        by: UserId,
        /// Where.
        room: RoomKey,
        /// Under which id.
        client_id: ClientId,
    },
    /// A message by its id → `Event`, as it was sent; none when there is none or it was deleted. Ids are drawn at random and
    /// never twice; which of two messages with one id is found, is not said.
    Message(MessageId),
    /// Messages by their ids → `Messages`, those that are there, in the order given, as they were sent. Deleted ones are not.
    Messages(Arc<[MessageId]>),
    /// A user with their profile → `User`.
    User(Which),
    /// The direct rooms of a user, the newest made first → `Conversations`.
    Conversations {
        /// Whose.
        user: UserId,
        /// Only those whose first event has a lower offset.
        before: Option<Offset>,
        /// At most this many.
        most: u32,
    },
    /// The room whose first event has this offset → `Key`.
    Born(Offset),
    /// The direct room of this user that is called so now; of several, the one with the last event → `Key`.
    Alias {
        /// Whose.
        user: UserId,
        /// By the alias that its last event has which has one.
        alias: Text,
    },
    /// Where a user stands, ordered by room → `Standings`: every room whose active member they are, and those of their
    /// direct rooms with an event after what was delivered to them. At most
    /// [`STANDINGS_MAX`](domain::limits::STANDINGS_MAX).
    Standings(UserId),
    /// The rooms that are a user's as they have them, the most recently active first → `Own`: direct rooms, and those whose active member
    /// they are. Unread messages are counted up to [`OVERVIEW_COUNTED_MAX`](domain::limits::OVERVIEW_COUNTED_MAX); mentions among
    /// the oldest so many messages above the read mark, and in all of [`MENTIONS_LOOKED_AT_MAX`](crate::store::settle::MENTIONS_LOOKED_AT_MAX).
    Own {
        /// Whose.
        user: UserId,
        /// Only this room, whoever it is that belongs to it.
        room: Option<RoomKey>,
        /// At most this many.
        most: usize,
    },
    /// A room's roster with everybody's marks, ascending by id → `Members`; of a direct room its two. Those who are not known as users
    /// are left out.
    Members {
        /// Which room.
        room: RoomKey,
        /// At most this many.
        most: usize,
    },
    /// Messages of a room by the ids that wires know them by, as they are now → `Entries`, one for each id, none for what
    /// isn't there or was deleted: the first of the senders who sent something under that client id, else the
    /// message of that room whose UUID it is (in any case, as UUIDs are written).
    Find {
        /// Which room.
        room: RoomKey,
        /// Who may have sent them, in this order.
        senders: Vec<UserId>,
        /// The ids.
        ids: Arc<[Text]>,
    },
    /// Those who share a direct room, a private room or a guild with a user, ascending → `Users`.
    Acquaintances {
        /// Whose.
        user: UserId,
        /// At most this many.
        most: usize,
    },
    /// A room's messages as they are now → `History`: of those in the window the newest, after `skip` of them; the oldest
    /// when only `above` is said. Fewer when they have more than `bytes` of content together, but for one: then the page is
    /// cut at the end that leads away from where it begins.
    History {
        /// Which room.
        room: RoomKey,
        /// Which part of it.
        window: Window,
        /// Leave out the newest so many; not together with only `above`.
        skip: u32,
        /// At most this many.
        most: u32,
        /// At most this much content, in bytes.
        bytes: usize,
    },
    /// How many messages of others in a room lie above the user's read mark, are not read apart and not deleted → `Count`.
    /// A user without a mark has it where they began to belong, else at the room's beginning (HAZARDS 18).
    Unread {
        /// Which room.
        room: RoomKey,
        /// Who asks.
        user: UserId,
        /// Count no further than this.
        most: u64,
    },
    /// A session by its key → `Session`.
    Session(SessionKey),
    /// The life of the row at an offset → `Cursor`; none past the head. Offset 0 has the life of the genesis row.
    At(Offset),
    /// The place of a room's event by its seq → `Cursor`; seq 0 is the place before the room's first event.
    AtSeq(RoomKey, Seq),
    /// The log's head → `Cursor`; the genesis row's in an empty log.
    Head,
    /// How far the feed has come → `Feed`.
    Feed,
    /// The outbox's rows after this number, in order → `Outbox`.
    Outbox {
        /// Only rows with a higher number.
        after: u64,
        /// At most this many.
        most: usize,
    },
    /// Up to where contents are kept no more → `Expired`; the genesis row's place when nothing was let go of. Messages up to
    /// there are in no history, no count and no look-up, but for `Sent`, which finds them without their contents. So do
    /// `Page` and `Since` of all rooms.
    Expired,
    /// All keys that are good → `Keys`, by id.
    Keys,
    /// Who sent messages after this time, and when → `Recent`, oldest first: read backwards from the head to the first
    /// event that is not after it, at most [`RECENT_MAX`](crate::store::settle::RECENT_MAX) messages.
    Recent(Millis),
}

/// What a reader found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A room's facts, if there is one.
    Room(Option<Box<RoomFacts>>),
    /// Rooms' facts, without rosters.
    Rooms(Vec<RoomFacts>),
    /// A user, if known.
    Person(Option<Arc<Person>>),
    /// Events in offset order.
    Events {
        /// They.
        events: Vec<Arc<Event>>,
        /// Everything up to here has been looked at: of a page, the head or what lies before `before`; of catch-up,
        /// `upto` or the head, or the last event given when the budget ended it. Never less than `after`.
        scanned: Offset,
        /// What has become of those messages among them that were edited or deleted since, ascending by where they were
        /// sent; of catch-up in named rooms only.
        fates: Vec<(Offset, Fate)>,
        /// Of what lay there in the named rooms, something is kept no more. Nothing of before that point is given then, not even
        /// what happened to rosters.
        gone: bool,
    },
    /// An event, if there is one.
    Event(Option<Arc<Event>>),
    /// A place in the log, if there is one.
    Cursor(Option<Cursor>),
    /// Messages, as they were sent.
    Messages(Vec<Arc<Event>>),
    /// A user with their profile, if known.
    User(Option<User>),
    /// Conversations.
    Conversations(Vec<Conversation>),
    /// A room, if there is one.
    Key(Option<RoomKey>),
    /// Where somebody stands.
    Standings(Vec<Standing>),
    /// Rooms of somebody's.
    Own(Vec<Own>),
    /// Members of a room.
    Members(Vec<Belonging>),
    /// Messages as they are now, those that are there.
    Entries(Vec<Option<Entry>>),
    /// Users.
    Users(Vec<UserId>),
    /// Messages as they were at a point in the log, oldest first, how many the room had in all, and that point: what
    /// follows it is not in here.
    History(Vec<Entry>, u64, Cursor),
    /// A count.
    Count(u64),
    /// A session, if it is known.
    Session(Option<SessionRow>),
    /// How far the feed has come; none when there never was one.
    Feed(Option<FeedPlace>),
    /// Rows of the outbox.
    Outbox(Vec<Posted>),
    /// A place in the log.
    Expired(Offset),
    /// Keys.
    Keys(Vec<Key>),
    /// Who sent a message when.
    Recent(Vec<(UserNumber, Millis)>),
}
