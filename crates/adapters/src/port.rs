//! The ports: what the node asks of a store, as requests and completions, and the contract each answer keeps.
//!
//! One [`Writer`] per store commits batches; any number of [`Reader`]s answer beside it and hold no snapshot between two
//! requests (HAZARDS 16). The suite in `store::contract` holds every adapter to what is written here.

mod feed;
mod read;

use std::sync::Arc;

use domain::Text;
use domain::event::{Event, What};
use domain::id::{ConnectionId, Cursor, Door, ExclusionVersion, Life, Millis, Offset, SessionKey, UserId, UserNumber};
use domain::identity::Scopes;
use domain::model::{Person, Profile, RoomKey, SessionRoom, User};
use domain::watermark::Mark;

pub use self::feed::{AskedMark, Away, Covered, Feed, FeedPlace, Letter, Posted};
pub use self::read::{Found, Read};
pub use crate::failure::{Failure, FailureKind};

/// A store that is open: one log, one writer, many readers.
pub trait Store: Send + Sync {
    /// The one writer. Asked once.
    ///
    /// # Errors
    /// When the store can't be written.
    fn writer(&self) -> Result<Box<dyn Writer>, Failure>;

    /// One more reader.
    ///
    /// # Errors
    /// When the store can't be opened for reading.
    fn reader(&self) -> Result<Box<dyn Reader>, Failure>;
}

/// Commits batches, one at a time.
pub trait Writer: Send {
    /// Commits a batch: all writes that can be kept, in one transaction and one sync, in the order given. When this
    /// returns `Ok`, every `Committed` survives a power cut, and readers see it.
    ///
    /// Each write has exactly one outcome, in the order of the writes, and each sees the effects of those before it.
    /// Numbers go only to what is committed, so the log has no gap. A write that is `Repeat`, `IdReused`, `Stale` or
    /// `Conflict` leaves nothing behind.
    ///
    /// *Repeats.* A send that carries a client id is looked up by (sender's id, room, client id), for as long as the
    /// room's log lives, before anything else is asked of it: the same content as sent ([`content_hash`]) is a `Repeat`
    /// of the first event, also under a version that has moved, after an edit, a deletion or the sender's removal, and
    /// within one batch; other content is `IdReused`.
    ///
    /// *Rooms.* Then `under` has to be the room's exclusion version: `Stale` when it differs or the room isn't there,
    /// `Conflict` when a room would be made that is there ([`admit`]).
    ///
    /// *Users.* A known id keeps its number; labels follow what was told last. A new user's number is the id itself when
    /// that is a free number, else the lowest free one from `number_from` on ([`own_number`]); `Conflict` when there is
    /// none. A name that another user has becomes `name~<number>` ([`names`]).
    ///
    /// [`content_hash`]: crate::store::settle::content_hash
    /// [`admit`]: crate::store::settle::admit
    /// [`own_number`]: crate::store::settle::own_number
    /// [`names`]: crate::store::settle::names
    ///
    /// # Errors
    /// Nothing of the batch may be announced. [`FailureKind::Full`] and [`FailureKind::ReadOnly`]: nothing was kept.
    /// [`FailureKind::Unknown`]: it may have been kept or not; the writer refuses everything until [`Writer::recover`]
    /// has succeeded (DESIGN invariant 3).
    fn commit(&mut self, batch: &Batch) -> Result<Vec<Outcome>, Failure>;

    /// After a failed commit: closes and reopens every handle, has a full checkpoint succeed, and gives the log's head,
    /// which may lie past what was known: frames of the failed batch may have survived (HAZARDS 13).
    ///
    /// # Errors
    /// The store still can't be trusted; ask again later.
    fn recover(&mut self) -> Result<Cursor, Failure>;
}

/// Answers reads. What was committed before a read was asked is seen by it.
pub trait Reader: Send {
    /// Answers one read, always with the kind of [`Found`] that stands beside the kind of [`Read`].
    ///
    /// # Errors
    /// The world broke, or a row's checksum does not hold ([`FailureKind::Corrupt`]): wrong content is never served.
    fn read(&mut self, ask: &Read) -> Result<Found, Failure>;
}

/// What is committed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The life of the server start that writes; kept in every row.
    pub life: Life,
    /// The writes, in the order in which they were decided.
    pub writes: Vec<Write>,
}

/// One command's part of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Events of one room.
    Events(RoomWrite),
    /// A user first seen, or known under other labels → `Person`, or `Adopted`.
    Person(NewPerson),
    /// A user registered by name → `User`.
    User(NewUser),
    /// A key made, or revoked.
    Key(KeyChange),
    /// A watermark → `Reached` when it is a read mark that rises up to somewhere, else `Done`.
    Mark(MarkWrite),
    /// The same, asked for by a client where there is a feed, → likewise. It gets a row in the [outbox](Posted), unless no message
    /// was named and the mark rises over nothing.
    Asked(AskedMark),
    /// How far the feed has come → `Done`, in the place of what was kept. The outbox's rows up to there go.
    Fed(FeedPlace),
    /// What is too old goes → `Expired`.
    Expire(Expiry),
    /// A session that its client may come back to → `Done`, in the place of what was kept under its key. The user's longest
    /// unwritten go when there are more than [`SESSIONS_PER_USER_MAX`](domain::limits::SESSIONS_PER_USER_MAX).
    Session(SessionRow),
}

/// A watermark of one user in one room that rises; it never falls, whatever is written. What is read was delivered. Of a
/// room that isn't there nothing is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkWrite {
    /// Whose.
    pub user: UserId,
    /// Where.
    pub room: RoomKey,
    /// Which.
    pub mark: Mark,
    /// Everything up to here.
    pub upto: Option<Offset>,
    /// These messages above it, whatever lies between. Kept apart until the mark reaches them, the highest
    /// [`MARKS_APART_MAX`](domain::limits::MARKS_APART_MAX) of them.
    pub apart: Vec<Offset>,
    /// When.
    pub at: Millis,
}

/// A session as it is kept, under its key's SHA-256: who reads the file can't come back as anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Its key.
    pub key: SessionKey,
    /// Whose.
    pub user: UserId,
    /// The rooms that it is in.
    pub rooms: Vec<SessionRoom>,
    /// When its credential ends.
    pub ends: Option<Millis>,
    /// Where it was last put out of a room: who goes on from before may not have heard so.
    pub not_before: Offset,
    /// When it was last written.
    pub at: Millis,
}

/// Events of one room, all or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomWrite {
    /// Which room.
    pub room: RoomKey,
    /// The exclusion version that this was decided under; none when the first event makes the room.
    pub under: Option<ExclusionVersion>,
    /// Who does it.
    pub by: Arc<Person>,
    /// Through which door.
    pub door: Door,
    /// From which connection.
    pub origin: Option<ConnectionId>,
    /// When.
    pub at: Millis,
    /// What the two of a direct room call it from now on, or called it last; stamped on each of the events.
    pub alias: Option<Text>,
    /// What happens, each with the room's exclusion version after it. Never empty; at most one is a `Sent`. An edit or a
    /// deletion is kept whatever it names, and changes a message only if its `of` is where that was sent, earlier, in this
    /// room; what was deleted stays deleted.
    pub events: Vec<(What, ExclusionVersion)>,
}

/// A user as a credential describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// Who.
    pub id: UserId,
    /// The name they would like; the id when none was told.
    pub name: Option<Text>,
    /// Their e-mail address.
    pub email: Option<Text>,
    /// The smallest number to give to users whose id is no free number itself (RULES 2).
    pub number_from: UserNumber,
    /// The name was proved: when the id is not known and a user of exactly this name [waits](domain::rules::person::waits),
    /// that user is adopted: keeps number, name and profile, and has this id from now on, in their direct rooms' keys, marks
    /// and rosters as well. What was written before names them by the number all the same.
    pub proved: bool,
}

/// A user as an auth service registers them. Whoever has the name is meant; else somebody new gets it, with this id; when
/// even that is taken, `Conflict`. Of a known user, what is none stays as it was; an empty bio takes it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The id of somebody new.
    pub id: UserId,
    /// Their name, exactly.
    pub name: Text,
    /// Their e-mail address.
    pub email: Option<Text>,
    /// What is told of them; `made_at` is when they are registered now, and stays as it was of a known one.
    pub profile: Profile,
    /// The smallest number to give.
    pub number_from: UserNumber,
}

/// A change of the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// A new key. `Conflict` when its id is taken.
    Add(Key),
    /// The key with this id is good no more. `Conflict` when there is none.
    Revoke(Text),
}

/// A key of a user or of a back end, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its public id, shown in lists.
    pub id: Text,
    /// SHA-256 of the whole key; the key itself is shown once and kept nowhere.
    pub hash: [u8; 32],
    /// Whose.
    pub holder: Holder,
    /// Since when.
    pub made_at: Millis,
}

/// Whose key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// That user, and nothing more.
    User(UserId),
    /// A back end of this name, with these scopes.
    Service(Text, Scopes),
}

/// Lets go of what was said before a time, of what was committed before this batch: the contents of messages, edits and notices (HAZARDS 19). Their rows stay, with
/// offset, room, seq, life, who, when and under which id, so that numbers have no gap and a repeat is known for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// Only what was said before: from the log's beginning on up to the first place that is younger, some thousands with each
    /// write. Where the clock was set back, some goes later.
    pub before: Millis,
    /// But no further than the feed has come.
    pub behind_feed: bool,
}

/// What became of one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Kept: the events, numbered.
    Committed(Vec<Arc<Event>>),
    /// The same sender sent the same content under this client id in this room before: the first result.
    Repeat(Arc<Event>),
    /// The same client id with other content.
    IdReused,
    /// The room's exclusion version moved since this was decided (or the room is not there): decide it again.
    Stale,
    /// The room, name or key that this would make is there already.
    Conflict,
    /// The user, numbered and durable.
    Person(Arc<Person>),
    /// The same, who has another id from now on: who they were, and the keys that their direct rooms had. What is remembered
    /// under these is to be forgotten.
    Adopted {
        /// Who they are.
        person: Arc<Person>,
        /// The id that they had.
        was: UserId,
        /// Each direct room's key before and after.
        rooms: Vec<(RoomKey, RoomKey)>,
    },
    /// The user who was registered.
    User(User),
    /// Kept: what the user has newly read is what others sent after `after`, but for what was read apart.
    Reached {
        /// Where the user's read mark was; when there was none, where they began to belong, else the room's beginning.
        after: Offset,
        /// What above it they had marked singly before, ascending.
        apart: Vec<Offset>,
    },
    /// The contents of everything up to here are kept no more, by this write or an earlier one; the genesis row's place when
    /// nothing was let go of. Readers find nothing of it from now on; the disk lets go of some of it with each write.
    Expired(Offset),
    /// Kept; there is nothing to say about it.
    Done,
}
