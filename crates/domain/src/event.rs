//! What happened (events: numbered and kept) and what is true only now (signals: neither). Both travel as [`News`].
//!
//! No `_` arm where [`What`] or [`SignalKind`] is matched (invariant 10): a new one asks every dialect for its words.

use std::sync::Arc;

use crate::Text;
use crate::id::{ConnectionId, Cursor, Door, ExclusionVersion, Life, MessageId, Millis, Offset, Seq, UserId};
use crate::model::{Member, Message, MessageKind, Person, RoomKey, RoomKind, Sending};
use crate::watermark::Mark;

/// What happened in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The room came to be.
    RoomMade {
        /// What it is.
        kind: RoomKind,
        /// Its shown title.
        title: Text,
        /// Most users present at a time; none for rooms made by first use.
        seats: Option<u32>,
    },
    /// Someone belongs now, or their row of the roster changed.
    MemberSet {
        /// Who.
        user: UserId,
        /// Their row from now on.
        member: Member,
    },
    /// Someone belongs no more. No connection of theirs gets an event of the room after this one (invariant 7).
    MemberRemoved {
        /// Who.
        user: UserId,
        /// Whether they stay out until invited; false when they left by themselves.
        barred: bool,
    },
    /// A message was sent.
    Sent(Message),
    /// A message was changed by its author.
    Edited {
        /// Which.
        message: MessageId,
        /// The offset that it was sent at.
        of: Offset,
        /// Its content from now on.
        content: Text,
        /// How its author's wire knows it.
        sending: Sending,
    },
    /// A message was taken away.
    Deleted {
        /// Which.
        message: MessageId,
        /// The offset that it was sent at.
        of: Offset,
        /// How its author's wire knows it.
        sending: Sending,
    },
    /// Someone put a mark of feeling under a message, or took it back. Kept as a set: done twice it is as if done once.
    Reacted {
        /// Which message.
        message: MessageId,
        /// The offset that it was sent at.
        of: Offset,
        /// 1 to [`crate::limits::EMOJI_BYTES_MAX`] bytes.
        emoji: Text,
        /// Whether it is there from now on.
        on: bool,
    },
    /// The room has another shown title from now on.
    Retitled {
        /// 1 to 100 characters.
        title: Text,
    },
    /// A door's own notice of a change of the room, for that door only: others have the change itself.
    Notice {
        /// As that door wants to tell it; up to [`crate::limits::CONTENT_BYTES_MAX`] bytes.
        extra: Text,
    },
}

/// Something that happened, as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number in the log.
    pub offset: Offset,
    /// Its number in the room.
    pub seq: Seq,
    /// The server start that wrote it.
    pub life: Life,
    /// Where.
    pub room: RoomKey,
    /// The offset of its room's first event; its own in that one.
    pub born: Offset,
    /// The room's exclusion version after it.
    pub version: ExclusionVersion,
    /// When, by the server's clock.
    pub at: Millis,
    /// Who did it, named as they were shown then.
    pub by: Arc<Person>,
    /// Through which door.
    pub door: Door,
    /// From which connection of that life; none over REST.
    pub origin: Option<ConnectionId>,
    /// What the two of a direct room called it then, on a wire on which they name their conversations.
    pub alias: Option<Text>,
    /// What.
    pub what: What,
}

impl Event {
    /// The resume token that says "everything up to here has been seen".
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { life: self.life, offset: self.offset }
    }

    /// The message as a mark that has reached it tells of it, when this event is one that was sent.
    #[must_use]
    pub fn marked(&self) -> Option<Marked> {
        let message = self.message()?;
        let sending = Sending { door: self.door, client_id: message.client_id.clone() };
        Some(Marked { id: message.id, offset: self.offset, sending, by: self.by.id.clone() })
    }

    /// The message, when this event is one that was sent.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        match &self.what {
            What::Sent(message) => Some(message),
            What::RoomMade { .. }
            | What::MemberSet { .. }
            | What::MemberRemoved { .. }
            | What::Edited { .. }
            | What::Deleted { .. }
            | What::Retitled { .. }
            | What::Notice { .. }
            | What::Reacted { .. } => None,
        }
    }
}

/// Somebody came online or went, or says so of themselves: of a user, and of no room. Neither numbered nor kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Who.
    pub who: Arc<Person>,
    /// Whether they are there.
    pub online: bool,
    /// They said so themselves (`presenceUpdate`); else their first connection came or their last one went, on any door.
    pub declared: bool,
    /// When.
    pub at: Millis,
    /// The connection that caused it.
    pub origin: Option<ConnectionId>,
    /// Who is told: these; everybody when none (RULES 19).
    pub to: Option<Arc<[UserId]>>,
}

/// Something that is true only now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Where.
    pub room: RoomKey,
    /// The place in the log that it follows: the head, or what it speaks of where that is known before all that lies in
    /// front of it. No shard delivers it earlier (HAZARDS 20).
    pub after: Offset,
    /// When.
    pub at: Millis,
    /// An id for wires whose notices have one; drawn like a message's.
    pub id: MessageId,
    /// Of whom it tells.
    pub who: Arc<Person>,
    /// The connection that caused it.
    pub origin: Option<ConnectionId>,
    /// What the two of a direct room call it, on a wire on which they name their conversations.
    pub alias: Option<Text>,
    /// What.
    pub kind: SignalKind,
}

/// A message that a mark has reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Its id.
    pub id: MessageId,
    /// Where it is in the log.
    pub offset: Offset,
    /// How its sender's wire knows it.
    pub sending: Sending,
    /// Who sent it.
    pub by: UserId,
}

/// The kinds of signals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignalKind {
    /// A user is present in the room: their first connection came.
    Came {
        /// They have come back to a session of theirs: nobody has joined, only a connection has come.
        back: bool,
    },
    /// A user who is present entered once more, on a door that tells of every entering (socketio facts 4).
    Again,
    /// Their last connection went.
    Went {
        /// Only their connection has ended: they belong to the room as before, and nobody has left. False when they left or
        /// were removed, and where belonging is no more than being there.
        belongs: bool,
    },
    /// They asked for a mark on these messages (HAZARDS 14).
    Marked {
        /// Which mark.
        mark: Mark,
        /// The messages that they named, at most [`crate::limits::MARKED_MAX`].
        messages: Arc<[Marked]>,
        /// Whether they named the room too: then everything in it up to now is marked.
        whole_room: bool,
        /// Where their mark in this room stands now, when it was raised over what lies before it.
        upto: Option<Offset>,
    },
    /// A mark of theirs has newly reached these messages of others, which they have not named: it was raised over the whole
    /// room, or by the server when something was delivered.
    Reached {
        /// Which mark.
        mark: Mark,
        /// Never empty, at most [`crate::limits::REACHED_MAX`], oldest first; of a longer stretch there are several signals.
        messages: Arc<[Marked]>,
        /// Where the mark stands now; none when these were marked singly.
        upto: Option<Offset>,
    },
    /// They began or stopped writing.
    Typing {
        /// True while they write.
        started: bool,
        /// What the door that it came through wants to pass on as it came; other doors ignore it.
        extra: Option<(Door, Text)>,
    },
    /// They said something that is kept elsewhere (RULES 23). The signal's id is the message's.
    Said {
        /// What kind of message.
        kind: MessageKind,
        /// 1 byte to 64 KiB.
        content: Text,
        /// Its number in the relay: 1, 2, 3, … for as long as somebody is present there (HAZARDS 23).
        seq: Seq,
    },
}

impl SignalKind {
    /// The last place in the log that it speaks of, if it speaks of any.
    #[must_use]
    pub fn speaks_of(&self) -> Option<Offset> {
        match self {
            Self::Marked { messages, upto, .. } | Self::Reached { messages, upto, .. } => {
                messages.iter().map(|marked| marked.offset).chain(*upto).max()
            }
            Self::Came { .. } | Self::Again | Self::Went { .. } | Self::Typing { .. } | Self::Said { .. } => None,
        }
    }
}

/// An event or a signal on its way to listeners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Numbered and kept.
    Event(Arc<Event>),
    /// True only now.
    Signal(Arc<Signal>),
}

impl News {
    /// Where it happened.
    #[must_use]
    pub fn room(&self) -> &RoomKey {
        match self {
            Self::Event(event) => &event.room,
            Self::Signal(signal) => &signal.room,
        }
    }

    /// Who caused it.
    #[must_use]
    pub fn by(&self) -> &Arc<Person> {
        match self {
            Self::Event(event) => &event.by,
            Self::Signal(signal) => &signal.who,
        }
    }

    /// The connection it came from.
    #[must_use]
    pub fn origin(&self) -> Option<ConnectionId> {
        match self {
            Self::Event(event) => event.origin,
            Self::Signal(signal) => signal.origin,
        }
    }
}
