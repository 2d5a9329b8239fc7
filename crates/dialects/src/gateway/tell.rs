//! What listeners are told, each frame once for all who listen alike.

use domain::event::{Event, Marked, News, Signal, SignalKind, Status, What};
use domain::model::{Message, RoomKey};
use domain::watermark::Mark;

use super::group::GROUP_CHAT;
use super::kept::{self, More};
use super::wire::{self, When};
use crate::format::Seconds;
use crate::{Audience, Said, Whose, door, json};

/// What a listener is told of this news.
pub(super) fn tell(news: &News, to: Audience<'_>, said: &mut Said) {
    match news {
        News::Event(event) => tell_event(event, to, said),
        News::Signal(signal) => tell_signal(signal, to, said),
    }
}

/// What everybody is told of who comes and goes. That somebody says so themselves is told to themselves too (facts 4).
pub(super) fn status(status: &Status, whose: Whose, said: &mut Said) {
    if status.declared || whose == Whose::Other {
        let data = wire::Presence { user_id: status.who.id.as_str(), is_online: status.online };
        say(said, "presence", data);
    }
}

fn say(said: &mut Said, kind: &'static str, data: impl serde::Serialize) {
    said.message(|buffer| json::write(buffer, &wire::Frame { kind, data }));
}

fn tell_event(event: &Event, to: Audience<'_>, said: &mut Said) {
    let conversation_id = event.alias.as_deref().unwrap_or(to.room);
    match &event.what {
        What::Sent(message) => tell_message(event, message, to, said),
        What::Edited { message, content, sending, .. } => {
            let message_id = &kept::known_as(sending, *message);
            let edited_at = Seconds(event.at);
            say(said, "messageEdited", wire::Edited { message_id, conversation_id, new_content: content, edited_at });
        }
        What::Deleted { message, sending, .. } => {
            if to.whose != Whose::Origin {
                let message_id = &kept::known_as(sending, *message);
                say(said, "messageDeleted", wire::Deleted { message_id, conversation_id });
            }
        }
        What::Notice { extra } => {
            if event.door == door::GATEWAY {
                said.message(|buffer| buffer.extend_from_slice(extra.as_bytes()));
            }
        }
        // The contract has no word for it.
        What::Reacted { .. } => {}
        // Told by the notice that their maker gave with them.
        What::RoomMade { .. } | What::MemberSet { .. } | What::MemberRemoved { .. } | What::Retitled { .. } => {}
    }
}

fn tell_message(event: &Event, message: &Message, to: Audience<'_>, said: &mut Said) {
    let here = event.door == door::GATEWAY;
    let own = to.whose != Whose::Other;
    let message_id = &kept::message_id(event.door, message.client_id.as_ref(), message.id);
    let conversation_id = event.alias.as_deref().unwrap_or(to.room);
    // What one says through this door comes back as a status, except to oneself (facts 3); what one says through another is
    // shown on one's connections here (RULES 17).
    let with_oneself = matches!(&event.room, RoomKey::Pair(one, other) if one == other);
    if !(here && own) || with_oneself {
        let (as_said, more) = if here { kept::read(event) } else { (kept::Kept::default(), More::answers_none()) };
        let in_group = !matches!(event.room, RoomKey::Pair(..));
        let data = wire::Message {
            message_id,
            conversation_id,
            sender_id: event.by.id.as_str(),
            sender_name: as_said.sender_name.as_deref().unwrap_or(&event.by.name),
            conversation_name: in_group.then(|| as_said.conversation_name.as_deref().unwrap_or(GROUP_CHAT)),
            content: &message.content,
            timestamp: as_said.timestamp.as_deref().map_or(When::At(event.at), When::Said),
            // The contract's literal, whatever has become of it (RULES 18).
            status: "delivered",
            more: &more,
        };
        say(said, "message", data);
    }
    // The sending connection hears it as the outcome of its send.
    if here && to.whose == Whose::Actor {
        say(said, "messageStatus", wire::Status { message_id, conversation_id, status: "sent", read: None });
    }
}

fn tell_signal(signal: &Signal, to: Audience<'_>, said: &mut Said) {
    if to.whose != Whose::Other {
        return;
    }
    let conversation_id = signal.alias.as_deref().unwrap_or(to.room);
    match &signal.kind {
        SignalKind::Typing { extra: Some((door::GATEWAY, frame)), .. } => {
            said.message(|buffer| buffer.extend_from_slice(frame.as_bytes()));
        }
        // Said through another door, which has no name for the conversation.
        SignalKind::Typing { started, .. } => {
            let (sender_id, sender_name) = (signal.who.id.as_str(), &*signal.who.name);
            say(said, "typing", wire::Typing { conversation_id, sender_id, sender_name, is_typing: *started });
        }
        SignalKind::Marked { mark, messages, .. } | SignalKind::Reached { mark, messages, .. } => {
            for marked in messages.iter().filter(|marked| marked.by != signal.who.id) {
                tell_mark(signal, *mark, marked, conversation_id, said);
            }
        }
        // Presence is told of users, not of rooms ([`status`]); what is relayed is for another door (RULES 23).
        SignalKind::Came { .. } | SignalKind::Again | SignalKind::Went { .. } | SignalKind::Said { .. } => {}
    }
}

fn tell_mark(signal: &Signal, mark: Mark, marked: &Marked, conversation_id: &str, said: &mut Said) {
    let message_id = &kept::known_as(&marked.sending, marked.id);
    let (status, read) = match mark {
        Mark::Delivered => ("delivered", None),
        Mark::Read => ("read", Some(reader(signal))),
    };
    say(said, "messageStatus", wire::Status { message_id, conversation_id, status, read });
}

fn reader(signal: &Signal) -> wire::Read<'_> {
    let (reader_id, reader_name, read_at) = (signal.who.id.as_str(), &*signal.who.name, Seconds(signal.at));
    let in_group = !matches!(signal.room, RoomKey::Pair(..));
    let group = in_group.then_some(wire::Readers {
        read_by_user_ids: [reader_id],
        read_by_user_names: [reader_name],
        read_timestamps: (reader_id, read_at),
    });
    wire::Read { reader_id, reader_name, read_at, is_group_chat: in_group, group }
}
