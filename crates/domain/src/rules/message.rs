//! Saying something (RULES 9, 13, 14).

use crate::Text;
use crate::command::{Draft, Manners, Pace};
use crate::event::{Event, What};
use crate::facts::RoomFacts;
use crate::id::MessageId;
use crate::identity::{Actor, Scopes, Standing};
use crate::limits::{self, Policy};
use crate::model::{Message, MessageKind, Role, RoomKey, RoomKind, Sending};
use crate::refusal::Refusal;
use crate::rules::{moderate, room};

/// The most messages a minute on a door of this pace; 0 means no limit.
#[must_use]
pub fn per_minute(pace: Pace, policy: &Policy) -> u32 {
    match pace {
        Pace::Strict => policy.strict_per_minute,
        Pace::Loose => policy.loose_per_minute,
    }
}

/// Decides `Send`: the message, behind the room's making when this is its first use. `id` is a new one.
///
/// # Errors
/// `InvalidContent`, `Invalid` (extra over its bound), `RoomNotFound`, `Forbidden`, `NotAllowed` (system messages).
pub fn send(
    key: &RoomKey,
    facts: Option<&RoomFacts>,
    draft: &Draft,
    id: MessageId,
    actor: &Actor,
    manners: Manners,
    policy: &Policy,
) -> Result<Vec<What>, Refusal> {
    fits(&draft.content)?;
    let too_much = draft.extra.as_ref().is_some_and(|extra| extra.len() > limits::EXTRA_BYTES_MAX);
    let no_name = |alias: &Text| alias.is_empty() || alias.len() > limits::ROOM_NAME_BYTES_MAX;
    if too_much || draft.alias.as_ref().is_some_and(no_name) {
        return Err(Refusal::Invalid);
    }
    let kind = facts.map_or_else(|| key.first_use_kind(), |facts| facts.kind);
    may_write(key, facts, kind, actor, manners, policy)?;
    if draft.kind == MessageKind::System && !speaks_for_the_room(facts, actor) {
        return Err(Refusal::NotAllowed);
    }
    let mut events = Vec::with_capacity(2);
    if facts.is_none() {
        events.push(What::RoomMade { kind, title: key.shown(), seats: None });
    }
    events.push(What::Sent(Message {
        id,
        kind: draft.kind,
        content: draft.content.clone(),
        reply_to: draft.reply_to,
        client_id: draft.client_id.clone(),
        extra: draft.extra.clone(),
    }));
    Ok(events)
}

/// Whether a content is within its bounds.
///
/// # Errors
/// `InvalidContent` when it is empty or has more than [`limits::CONTENT_BYTES_MAX`] bytes.
pub fn fits(content: &str) -> Result<(), Refusal> {
    let good = !content.is_empty() && content.len() <= limits::CONTENT_BYTES_MAX;
    if good { Ok(()) } else { Err(Refusal::InvalidContent) }
}

/// What becomes of a message that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It has this content.
    Edit(Text),
    /// It is taken away; by those who moderate the room, too, where `moderates`.
    Delete {
        /// See above.
        moderates: bool,
    },
    /// This is put under it, or taken back.
    React {
        /// What.
        emoji: Text,
        /// Whether it is to be there.
        on: bool,
    },
}

/// Decides `Edit`, `Delete` and `React`. Editing and deleting is for its author, for as long as they may read the room that it is
/// in; who is muted takes away and does nothing else. These count against no limit: RULES 12 speaks of messages.
///
/// # Errors
/// `InvalidContent`; `Invalid` for what is no emoji; `MessageNotFound` when the actor may not read the message, as if it weren't
/// there (invariant 11); `NotAllowed` when they may and it is somebody else's, or they are muted.
pub fn change(sent: &Event, facts: Option<&RoomFacts>, change: &Change, actor: &Actor) -> Result<What, Refusal> {
    let message = sent.message().ok_or(Refusal::MessageNotFound)?;
    let (message, of) = (message.id, sent.offset);
    let sending = Sending { door: sent.door, client_id: sent.message().and_then(|sent| sent.client_id.clone()) };
    proper(change)?;
    if !room::lets_read_actor(&sent.room, facts, actor) {
        return Err(Refusal::MessageNotFound);
    }
    let (own, muted) = (sent.by.id == actor.who.id, facts.is_some_and(|facts| facts.is_muted(&actor.who.id)));
    Ok(match change {
        Change::Edit(content) if own && !muted => What::Edited { message, of, content: content.clone(), sending },
        Change::Delete { moderates } if own || (*moderates && moderate::reaches(facts, actor, &sent.by.id)) => {
            What::Deleted { message, of, sending }
        }
        Change::React { emoji, on } if !muted => What::Reacted { message, of, emoji: emoji.clone(), on: *on },
        Change::Edit(_) | Change::Delete { .. } | Change::React { .. } => return Err(Refusal::NotAllowed),
    })
}

/// Whether a change is within its bounds, whatever it is of.
///
/// # Errors
/// `InvalidContent` and `Invalid`.
pub fn proper(change: &Change) -> Result<(), Refusal> {
    match change {
        Change::Edit(content) => fits(content),
        Change::Delete { .. } => Ok(()),
        Change::React { emoji, .. } => {
            let fits = (1..=limits::EMOJI_BYTES_MAX).contains(&emoji.len()) && !emoji.chars().any(char::is_control);
            if fits { Ok(()) } else { Err(Refusal::Invalid) }
        }
    }
}

fn may_write(
    key: &RoomKey,
    facts: Option<&RoomFacts>,
    kind: RoomKind,
    actor: &Actor,
    manners: Manners,
    policy: &Policy,
) -> Result<(), Refusal> {
    if let Standing::Service(scopes) = actor.standing {
        // A back end speaks into rooms that there are, and opens public ones like anybody else.
        let opens = kind == RoomKind::Public && manners.makes_rooms && policy.open_rooms;
        return match (scopes.has(Scopes::BROADCAST), facts) {
            (false, _) => Err(Refusal::Forbidden),
            (true, None) if !opens => Err(Refusal::RoomNotFound),
            (true, _) => Ok(()),
        };
    }
    let me = &actor.who.id;
    let allowed = match (kind, facts) {
        (RoomKind::Public, facts) if manners.members_only => facts.is_some_and(|facts| facts.role(me).is_some()),
        (RoomKind::Public, Some(facts)) => !facts.is_out(me),
        (RoomKind::Public, None) if manners.makes_rooms && policy.open_rooms => true,
        (RoomKind::Public, None) => return Err(Refusal::RoomNotFound),
        (RoomKind::Private | RoomKind::Guild, facts) => facts.is_some_and(|facts| facts.role(me).is_some()),
        (RoomKind::Direct, _) => key.other(me).is_some(),
    };
    match (allowed, facts) {
        (false, _) => Err(Refusal::Forbidden),
        (true, Some(facts)) if facts.is_muted(me) => Err(Refusal::NotAllowed),
        (true, _) => Ok(()),
    }
}

/// Whether the actor may say a system message: the room's maker, a moderator or owner, a back end (RULES 14).
fn speaks_for_the_room(facts: Option<&RoomFacts>, actor: &Actor) -> bool {
    if actor.standing.serves(Scopes::BROADCAST) {
        return true;
    }
    let me = &actor.who.id;
    facts.is_some_and(|facts| facts.made_by == *me || facts.role(me).is_some_and(|role| role >= Role::Moderator))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::cases::{CHAT, MEMBERS, OPEN, actor, facts, key, member, said, service, user};

    fn sending() -> Sending {
        Sending { door: crate::id::Door(0), client_id: None }
    }

    fn draft(kind: MessageKind, content: &str) -> Draft {
        Draft { kind, content: Text::from(content), reply_to: None, client_id: None, extra: None, alias: None }
    }

    #[test]
    fn some_doors_are_for_members_only() {
        let (public, draft) =
            (facts("lobby", RoomKind::Public, &[("mem", member(Role::Member))]), draft(MessageKind::Text, "hi"));
        let den = facts("den", RoomKind::Private, &[("mem", member(Role::Member))]);
        for (what, name, facts, who, expected) in [
            ("a member of a public room", "lobby", Some(&public), "mem", Ok(1)),
            ("nobody of it", "lobby", Some(&public), "alice", Err(Refusal::Forbidden)),
            ("nobody of a room that isn't there", "new", None, "alice", Err(Refusal::Forbidden)),
            ("a member of a private room", "den", Some(&den), "mem", Ok(1)),
            ("nobody of it", "den", Some(&den), "alice", Err(Refusal::Forbidden)),
        ] {
            let said = send(&key(name), facts, &draft, MessageId(1), &actor(who), MEMBERS, &Policy::default());
            assert_eq!(said.map(|events| events.len()), expected, "{what}");
        }
    }

    #[test]
    fn who_says_what_where() {
        let public = facts("lobby", RoomKind::Public, &[]);
        let mut banned = public.clone();
        banned.barred.insert(user("alice"));
        let den = facts("den", RoomKind::Private, &[("mod", member(Role::Moderator)), ("alice", member(Role::Member))]);
        let (usual, closed) = (Policy::default(), Policy { open_rooms: false, ..Policy::default() });
        let (text, system) = (MessageKind::Text, MessageKind::System);
        let back_end = || service(Scopes::BROADCAST);
        for (what, name, facts, kind, who, manners, policy, expected) in [
            ("a new room", "new", None, text, actor("alice"), OPEN, &usual, Ok(2)),
            (
                "a new room where rooms are closed",
                "new",
                None,
                text,
                actor("alice"),
                OPEN,
                &closed,
                Err(Refusal::RoomNotFound),
            ),
            ("a new room on chat", "new", None, text, actor("alice"), CHAT, &usual, Err(Refusal::RoomNotFound)),
            ("a public room", "lobby", Some(&public), text, actor("alice"), CHAT, &usual, Ok(1)),
            ("barred from it", "lobby", Some(&banned), text, actor("alice"), CHAT, &usual, Err(Refusal::Forbidden)),
            ("a member's room", "den", Some(&den), text, actor("alice"), OPEN, &usual, Ok(1)),
            ("a stranger's", "den", Some(&den), text, actor("carol"), CHAT, &usual, Err(Refusal::Forbidden)),
            ("a guild that is none", "GUILD#g", None, text, actor("alice"), OPEN, &usual, Err(Refusal::Forbidden)),
            (
                "in the room's name, plain",
                "den",
                Some(&den),
                system,
                actor("alice"),
                OPEN,
                &usual,
                Err(Refusal::NotAllowed),
            ),
            ("in the room's name, moderator", "den", Some(&den), system, actor("mod"), OPEN, &usual, Ok(1)),
            ("in the room's name, its maker", "lobby", Some(&public), system, actor("maker"), OPEN, &usual, Ok(1)),
            ("in a new room's name", "new", None, system, actor("alice"), OPEN, &usual, Err(Refusal::NotAllowed)),
            ("a back end", "den", Some(&den), system, back_end(), OPEN, &usual, Ok(1)),
            ("a back end, new room", "new", None, text, back_end(), OPEN, &usual, Ok(2)),
            ("a back end, no such guild", "GUILD#g", None, text, back_end(), OPEN, &usual, Err(Refusal::RoomNotFound)),
            (
                "a back end without the scope",
                "lobby",
                Some(&public),
                text,
                service(Scopes::STATS),
                OPEN,
                &usual,
                Err(Refusal::Forbidden),
            ),
        ] {
            let decided = send(&key(name), facts, &draft(kind, "hi"), MessageId(7), &who, manners, policy);
            assert_eq!(decided.map(|events| events.len()), expected, "{what}");
        }
        let pair = RoomKey::pair(user("alice"), user("bob"));
        for (who, expected) in [("bob", Ok(2)), ("carol", Err(Refusal::Forbidden))] {
            let decided = send(&pair, None, &draft(text, "hi"), MessageId(7), &actor(who), CHAT, &usual);
            assert_eq!(decided.map(|events| events.len()), expected, "{who}");
        }
    }

    #[test]
    fn whose_messages_are_changed() {
        let public = facts("r", RoomKind::Public, &[]);
        let mut barred = public.clone();
        barred.barred.insert(user("alice"));
        let den = facts("r", RoomKind::Private, &[("alice", member(Role::Member)), ("bob", member(Role::Owner))]);
        let left = facts("r", RoomKind::Private, &[("bob", member(Role::Owner))]);
        let found = |refusal| Err::<(), _>(refusal);
        let gone = Change::Delete { moderates: false };
        for (what, facts, author, who, expected) in [
            ("one's own", Some(&public), "alice", actor("alice"), Ok(())),
            ("another's", Some(&public), "bob", actor("alice"), found(Refusal::NotAllowed)),
            ("one's own, where one is barred", Some(&barred), "alice", actor("alice"), found(Refusal::MessageNotFound)),
            ("one's own, as a member", Some(&den), "alice", actor("alice"), Ok(())),
            ("a member's, as the owner", Some(&den), "alice", actor("bob"), found(Refusal::NotAllowed)),
            (
                "one's own, of a room that one has left",
                Some(&left),
                "alice",
                actor("alice"),
                found(Refusal::MessageNotFound),
            ),
            ("another's, of a room of others", Some(&den), "alice", actor("carol"), found(Refusal::MessageNotFound)),
            ("a back end's", Some(&public), "back-end", service(Scopes::BROADCAST), found(Refusal::MessageNotFound)),
        ] {
            let sent = said("r", author, 9);
            let (of, message) = (sent.offset, MessageId(9));
            assert_eq!(
                change(&sent, facts, &gone, &who),
                expected.map(|()| What::Deleted { message, of, sending: sending() }),
                "{what}"
            );
            let content = Text::from("better");
            let edited = What::Edited { message, of, content: content.clone(), sending: sending() };
            let edit = Change::Edit(content);
            assert_eq!(change(&sent, facts, &edit, &who), expected.map(|()| edited), "{what}");
        }
        let pair = RoomKey::pair(user("alice"), user("bob"));
        let sent = Event { room: pair, ..said("r", "alice", 9) };
        assert!(change(&sent, None, &gone, &actor("alice")).is_ok());
        assert_eq!(change(&sent, None, &gone, &actor("carol")), Err(Refusal::MessageNotFound));
        let (empty, long) = (Text::from(""), Text::from("x".repeat(limits::CONTENT_BYTES_MAX + 1)));
        for content in [empty, long] {
            let (bytes, edit) = (content.len(), Change::Edit(content));
            let decided = change(&said("r", "alice", 9), Some(&public), &edit, &actor("alice"));
            assert_eq!(decided, Err(Refusal::InvalidContent), "{bytes} bytes");
        }
    }

    #[test]
    fn moderators_take_away_what_others_have_said_where_their_wire_knows_that() {
        let roster = [("own", member(Role::Owner)), ("mod", member(Role::Moderator)), ("mem", member(Role::Member))];
        let den = facts("r", RoomKind::Private, &roster);
        for (author, who, moderates, expected) in [
            ("mem", "mod", true, true),
            ("mem", "own", true, true),
            ("own", "mod", true, false),
            ("mod", "mem", true, false),
            ("mem", "mod", false, false),
            ("mem", "mem", false, true),
        ] {
            let decided = change(&said("r", author, 9), Some(&den), &Change::Delete { moderates }, &actor(who));
            assert_eq!(decided.is_ok(), expected, "{author}'s, by {who}");
            assert_eq!(
                change(&said("r", author, 9), Some(&den), &Change::Edit("x".into()), &actor(who)).is_ok(),
                author == who
            );
        }
    }

    #[test]
    fn who_reacts_and_with_what() {
        let muted = crate::model::Member { muted: true, ..member(Role::Member) };
        let room = facts("r", RoomKind::Public, &[("mute", muted)]);
        let react = |emoji: &str, who: &str| {
            let react = Change::React { emoji: Text::from(emoji), on: true };
            change(&said("r", "alice", 9), Some(&room), &react, &actor(who)).map(drop)
        };
        assert_eq!(react("👍", "bob"), Ok(()));
        assert_eq!(react("👍", "mute"), Err(Refusal::NotAllowed));
        let edit = Change::Edit(Text::from("x"));
        assert_eq!(change(&said("r", "mute", 9), Some(&room), &edit, &actor("mute")), Err(Refusal::NotAllowed));
        assert!(
            change(&said("r", "mute", 9), Some(&room), &Change::Delete { moderates: false }, &actor("mute")).is_ok()
        );
        let max = limits::EMOJI_BYTES_MAX;
        for (emoji, good) in [("", false), ("a\nb", false), (&"x".repeat(max), true), (&"x".repeat(max + 1), false)] {
            assert_eq!(react(emoji, "bob").is_ok(), good, "{emoji:?}");
        }
        let draft = draft(MessageKind::Text, "hi");
        let said = send(&key("r"), Some(&room), &draft, MessageId(7), &actor("mute"), CHAT, &Policy::default());
        assert_eq!(said, Err(Refusal::NotAllowed), "nor does who is muted speak");
    }

    #[test]
    fn content_at_the_bound_and_one_past_it() {
        let room = facts("r", RoomKind::Public, &[]);
        let max = limits::CONTENT_BYTES_MAX;
        for (bytes, expected) in
            [(0, Err(Refusal::InvalidContent)), (1, Ok(1)), (max, Ok(1)), (max + 1, Err(Refusal::InvalidContent))]
        {
            let draft = draft(MessageKind::Text, &"x".repeat(bytes));
            let decided = send(&key("r"), Some(&room), &draft, MessageId(7), &actor("a"), CHAT, &Policy::default());
            assert_eq!(decided.map(|events| events.len()), expected, "{bytes} bytes");
        }
        let long = Draft { extra: Some(Text::from("x".repeat(4097))), ..draft(MessageKind::Text, "x") };
        let decided = send(&key("r"), Some(&room), &long, MessageId(7), &actor("a"), CHAT, &Policy::default());
        assert_eq!(decided, Err(Refusal::Invalid));
    }
}
