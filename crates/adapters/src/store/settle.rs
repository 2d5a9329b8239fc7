//! What every store settles alike: when two sends are the same, how much an event weighs, which number and name a user
//! gets, who may know of a room. Pure functions, so that no engine can have an opinion of its own.

use std::sync::Arc;

use domain::Text;
use domain::event::{Event, What};
use domain::facts::RoomFacts;
use domain::history::Entry;
use domain::id::{ExclusionVersion, MessageId, Offset, UserId, UserNumber};
use domain::limits;
use domain::model::{Member, Message, MessageKind, Role, RoomKey, RoomKind, Status};
use domain::query::Window;
use xxhash_rust::xxh3::Xxh3;

use crate::port::{Outcome, RoomWrite};

/// Most entries in the answer to [`crate::port::Read::Recent`]: the newest. It bounds a start after a flood; what is cut
/// off is the accuracy of a rate limit in the first minute after it.
pub const RECENT_MAX: usize = 100_000;

/// Messages that are looked at for mentions when all of somebody's rooms are asked for: the most recently active rooms first. What
/// lies beyond is not counted, so that one who was away for long does not have a reader to himself.
pub const MENTIONS_LOOKED_AT_MAX: usize = 20_000;

/// What stands for a member's row in a direct room, which has no roster.
pub(super) const PLAIN: Member = Member { role: Role::Member, status: Status::Active, muted: false };

/// How many messages of one room are looked at for mentions, when so many are left.
pub(super) fn looked_at(left: usize) -> u32 {
    u32::try_from(left).unwrap_or(u32::MAX).min(u32::try_from(limits::OVERVIEW_COUNTED_MAX).unwrap_or(u32::MAX))
}

/// What an event weighs beside its contents, in bytes, so that a budget bounds events without contents too.
const EVENT_BYTES: usize = 64;

/// The largest user number: 31 bits, for wires whose integers are signed.
const NUMBER_MAX: u32 = i32::MAX.unsigned_abs();

/// The hash of a message's content as sent: its kind and its content. Two sends under one client id are the same send when
/// this is the same. What is drawn or looked up per attempt is left out: the UUID, what it answers, and the door's extra,
/// in which the quoted text, or whether a client's time lies ahead, can be another when the same frame comes again.
#[must_use]
pub fn content_hash(message: &Message) -> u64 {
    let mut hash = Xxh3::new();
    let kind = match message.kind {
        MessageKind::Text => 0_u8,
        MessageKind::System => 1,
        MessageKind::Broadcast => 2,
    };
    hash.update(&[kind]);
    hash.update(message.content.as_bytes());
    hash.digest()
}

/// What an event counts against the byte budget of [`crate::port::Read::Since`]: its texts, and a little for itself.
#[must_use]
pub fn weight(event: &Event) -> usize {
    let texts = match &event.what {
        What::Sent(message) => message.content.len() + message.extra.as_ref().map_or(0, |extra| extra.len()),
        What::Edited { content, .. } => content.len(),
        What::RoomMade { title, .. } | What::Retitled { title } => title.len(),
        What::Notice { extra } => extra.len(),
        What::Reacted { emoji, .. } => emoji.len(),
        What::MemberSet { .. } | What::MemberRemoved { .. } | What::Deleted { .. } => 0,
    };
    EVENT_BYTES + texts
}

/// The byte budget of one catch-up, and what was taken within it.
#[derive(Debug)]
pub struct Budget {
    left: usize,
    /// The events taken, in the order given.
    pub events: Vec<Arc<Event>>,
}

impl Budget {
    /// Of so many bytes.
    #[must_use]
    pub fn of(bytes: usize) -> Self {
        Self { left: bytes, events: Vec::new() }
    }

    /// Takes the next event, unless it would exceed the budget; the first is taken however large. False when the budget
    /// has ended.
    pub fn take(&mut self, event: Arc<Event>) -> bool {
        let weight = weight(&event);
        if weight > self.left && !self.events.is_empty() {
            return false;
        }
        self.left = self.left.saturating_sub(weight);
        self.events.push(event);
        true
    }

    /// More events than this don't fit, whatever they are.
    #[must_use]
    pub fn most(&self) -> usize {
        self.left / EVENT_BYTES + 1
    }
}

/// What an event does to a message of its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Where the message was sent, if it is one of that room.
    pub of: Offset,
    /// Whether it is taken away; else it has other content from now on.
    pub deleted: bool,
}

/// What an event does to a message that was sent before it.
#[must_use]
pub fn change(event: &Event) -> Option<Change> {
    let change = match &event.what {
        What::Edited { of, .. } => Change { of: *of, deleted: false },
        What::Deleted { of, .. } => Change { of: *of, deleted: true },
        What::RoomMade { .. }
        | What::MemberSet { .. }
        | What::MemberRemoved { .. }
        | What::Sent(_)
        | What::Retitled { .. }
        | What::Notice { .. }
        | What::Reacted { .. } => return None,
    };
    (change.of < event.offset).then_some(change)
}

/// Whether retention empties this: it is said by somebody. What becomes of rooms and rosters stays.
#[must_use]
pub fn expires(what: &What) -> bool {
    match what {
        What::Sent(_) | What::Edited { .. } | What::Deleted { .. } | What::Reacted { .. } | What::Notice { .. } => true,
        What::RoomMade { .. } | What::MemberSet { .. } | What::MemberRemoved { .. } | What::Retitled { .. } => false,
    }
}

/// What is left of an event when its contents are kept no more; none when it has none.
#[must_use]
pub fn emptied(what: &What) -> Option<What> {
    let nothing = Text::default();
    Some(match what.clone() {
        What::Sent(message) => What::Sent(Message { content: nothing, extra: None, ..message }),
        What::Edited { message, of, sending, .. } => What::Edited { message, of, content: nothing, sending },
        What::Notice { .. } => What::Notice { extra: nothing },
        What::RoomMade { .. }
        | What::MemberSet { .. }
        | What::MemberRemoved { .. }
        | What::Deleted { .. }
        | What::Reacted { .. }
        | What::Retitled { .. } => return None,
    })
}

/// An event as it is told when everything up to `expired` is kept no more.
#[must_use]
pub fn as_kept(event: Arc<Event>, expired: Offset) -> Arc<Event> {
    match emptied(&event.what).filter(|_| event.offset <= expired) {
        Some(what) => Arc::new(Event { what, ..Event::clone(&event) }),
        None => event,
    }
}

/// Places that one [`Write::Expire`](crate::port::Write::Expire) comes past at most, so that no batch waits long for it.
pub const EXPIRE_MOST: u64 = if cfg!(test) { 7 } else { 4_000 };

/// How far a place moves on from `from`, up to `to`: past what is old, to the first that isn't.
pub fn expiry<E>(from: u64, to: u64, mut is_old: impl FnMut(u64) -> Result<bool, E>) -> Result<u64, E> {
    let (mut last, most) = (from, to.min(from.saturating_add(EXPIRE_MOST)));
    while last < most && is_old(last + 1)? {
        last += 1;
    }
    Ok(last)
}

/// The first result of a send that is repeated: with what was said, which the repeat says once more.
#[must_use]
pub fn repeated(first: Arc<Event>, expired: Offset, again: &Message) -> Arc<Event> {
    let mut event = as_kept(first, expired);
    if event.offset <= expired
        && let What::Sent(message) = &mut Arc::make_mut(&mut event).what
    {
        message.content = again.content.clone();
    }
    event
}

/// The message of a write that carries a client id, if one does.
#[must_use]
pub fn identified(write: &RoomWrite) -> Option<&Message> {
    write.events.iter().find_map(|(what, _)| match what {
        What::Sent(message) if message.client_id.is_some() => Some(message),
        What::Sent(_)
        | What::RoomMade { .. }
        | What::MemberSet { .. }
        | What::MemberRemoved { .. }
        | What::Edited { .. }
        | What::Deleted { .. }
        | What::Retitled { .. }
        | What::Notice { .. }
        | What::Reacted { .. } => None,
    })
}

/// Why a write is not kept, by what is known of its room: its exclusion version, or none when it isn't there. None when
/// nothing stands against it. A write that isn't a repeat is held to this; a repeat gets its first result whatever has
/// become of the room since.
#[must_use]
pub fn admit(write: &RoomWrite, version: Option<ExclusionVersion>) -> Option<Outcome> {
    let makes = |(what, _): &(What, ExclusionVersion)| matches!(what, What::RoomMade { .. });
    let Some(first) = write.events.first() else { return Some(Outcome::Done) };
    match (write.under, version) {
        (None, Some(_)) => Some(Outcome::Conflict),
        (Some(_), None) => Some(Outcome::Stale),
        (Some(under), Some(version)) if under != version => Some(Outcome::Stale),
        // A room begins with its making, once. Whoever decided otherwise did not know the room.
        (None, None) if !makes(first) || write.events[1..].iter().any(makes) => Some(Outcome::Stale),
        (Some(_), Some(_)) if write.events.iter().any(makes) => Some(Outcome::Conflict),
        (None, None) | (Some(_), Some(_)) => None,
    }
}

/// The number that an id is by itself: decimal text of a positive 31-bit integer, as such a number is written, without
/// sign or leading zeros (RULES 2).
#[must_use]
pub fn own_number(id: &UserId) -> Option<UserNumber> {
    let text = id.as_str();
    if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| *number <= NUMBER_MAX).map(UserNumber)
}

/// The number after this one, unless that was the last.
#[must_use]
pub fn number_after(number: UserNumber) -> Option<UserNumber> {
    (number.0 < NUMBER_MAX).then(|| UserNumber(number.0 + 1))
}

/// A label as it is kept: cut at a character when it is too long; none when it is empty.
#[must_use]
pub fn label(text: Option<&Text>) -> Option<Text> {
    let text = text.filter(|text| !text.is_empty())?;
    if text.len() <= limits::LABEL_BYTES_MAX { Some(text.clone()) } else { Some(cut(text, limits::LABEL_BYTES_MAX)) }
}

/// A text cut at a character when it is longer than that.
pub(super) fn cut(text: &str, bytes_max: usize) -> Text {
    let end = (0..=bytes_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    Text::from(&text[..end])
}

/// The names to try for a user who would like `wish`, in this order: the wish, `wish~<number>`, and when somebody took
/// even that, the same with a count. The first that nobody else has is theirs. Each is within the bound of a label.
pub fn names(wish: &Text, number: UserNumber) -> impl Iterator<Item = Text> {
    let wish = wish.clone();
    (0_u64..).map(move |attempt| {
        let suffix = match attempt {
            0 => return wish.clone(),
            1 => format!("~{number}"),
            more => format!("~{number}~{more}"),
        };
        Text::from(format!("{}{suffix}", cut(&wish, limits::LABEL_BYTES_MAX - suffix.len())))
    })
}

/// The message whose UUID this is, in the form in which UUIDs are written, in small or capital letters.
#[must_use]
pub fn uuid(text: &str) -> Option<MessageId> {
    text.parse().ok()
}

/// How a page of history is taken from its window: it goes on towards now from what lies below it, or back from what
/// lies above it; and it has an end, in messages and in bytes of content.
#[derive(Debug)]
pub struct Page {
    /// From the oldest on: only `above` is said.
    pub upwards: bool,
    most: usize,
    bytes: usize,
    taken: usize,
}

impl Page {
    /// Of at most so many messages, and at most so many bytes of content.
    #[must_use]
    pub fn of(window: Window, most: u32, bytes: usize) -> Self {
        let upwards = window.above.is_some() && window.below.is_none();
        Self { upwards, most: usize::try_from(most).unwrap_or(usize::MAX), bytes, taken: 0 }
    }

    /// Whether the page takes the next message, from where it begins; the first one it takes however large.
    pub fn takes(&mut self, entry: &Entry) -> bool {
        let size = entry.content().len();
        if self.taken == self.most || (self.taken > 0 && size > self.bytes) {
            self.most = self.taken;
            return false;
        }
        self.taken += 1;
        self.bytes = self.bytes.saturating_sub(size);
        true
    }
}

/// Whether a user may know of a room: public ones unless they are barred, their own conversations, and what they are an
/// active member of. `member` says whether they are one, `barred` whether they were removed and stay out.
#[must_use]
pub fn knows_of(kind: RoomKind, key: &RoomKey, asker: &UserId, member: bool, barred: bool) -> bool {
    match kind {
        RoomKind::Public => !barred,
        RoomKind::Private | RoomKind::Guild => member,
        RoomKind::Direct => key.other(asker).is_some(),
    }
}

/// The facts without rosters, for lists.
#[must_use]
pub fn without_rosters(facts: &RoomFacts) -> RoomFacts {
    RoomFacts {
        key: facts.key.clone(),
        kind: facts.kind,
        title: facts.title.clone(),
        seats: facts.seats,
        made_by: facts.made_by.clone(),
        door: facts.door,
        made_at: facts.made_at,
        changed_at: facts.changed_at,
        version: facts.version,
        birth: facts.birth,
        last: facts.last,
        head: facts.head,
        alias: facts.alias.clone(),
        members: std::collections::BTreeMap::new(),
        barred: std::collections::BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_ids_are_numbers_themselves() {
        for (id, expected) in [
            ("1", Some(1)),
            ("2147483647", Some(2_147_483_647)),
            ("2147483648", None),
            ("99999999999999999999", None),
            ("0", None),
            ("007", None),
            ("+7", None),
            ("-7", None),
            ("7 ", None),
            ("٧", None),
            ("alice", None),
        ] {
            let id = UserId::new(id).unwrap();
            assert_eq!(own_number(&id), expected.map(UserNumber), "{id}");
        }
    }

    #[test]
    fn names_stay_within_the_bound_of_a_label() {
        let wish = label(Some(&Text::from("ü".repeat(200)))).unwrap();
        assert_eq!(wish.len(), 254, "cut at a character");
        let names: Vec<_> = names(&wish, UserNumber(2_147_483_647)).take(3).collect();
        assert_eq!(names[0], wish);
        assert!(names[1].ends_with("~2147483647") && names[2].ends_with("~2147483647~2"));
        assert!(names.iter().all(|name| name.len() <= limits::LABEL_BYTES_MAX));
        assert_eq!(label(Some(&Text::from(""))), None);
    }

    #[test]
    fn uuids_are_read_as_they_are_written() {
        let id = MessageId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!([uuid(&id.to_string()), uuid(&id.to_string().to_uppercase())], [Some(id); 2]);
        for bad in [
            "",
            "0123456789abcdef0123456789abcdef",
            "01234567-89ab-cdef-0123-456789abcde",
            "01234567-89ab-cdef-0123-456789abcdefa",
            "01234567-89ab-cdef-0123-456789abcdeg",
            "0123456-789ab-cdef-0123-456789abcdef",
            "+1234567-89ab-cdef-0123-456789abcdef",
            "ü234567-89ab-cdef-0123-456789abcdef",
        ] {
            assert_eq!(uuid(bad), None, "{bad}");
        }
    }
}
