//! What listeners are told of news (facts 4). What the log has carries its place there as last argument, by which a
//! stock client asks for what it missed; what is true only now carries none.

use domain::event::{Event, News, Signal, SignalKind, What};
use domain::id::MessageId;
use domain::model::Message;
use domain::watermark::Mark;
use serde::Serialize;

use super::telling::{self, To};
use super::wire::{self, View};
use crate::format::Shown;
use crate::{Audience, Said, Whose, door, json};

pub(super) fn tell(news: &News, to: Audience<'_>, said: &mut Said) {
    match news {
        News::Event(event) => tell_event(event, to, said),
        News::Signal(signal) => tell_signal(signal, to, said),
    }
}

fn tell_event(event: &Event, to: Audience<'_>, said: &mut Said) {
    match &event.what {
        What::Sent(message) => tell_message(event, message, to, said),
        What::Deleted { message, .. } => {
            let room_id = to.inside.then_some(to.room);
            let deleted = wire::MessageDeleted { message_id: Shown(*message), room_id };
            kept(event, "message_deleted", &deleted, said);
        }
        // The contract has no word for these, and its history shows the final state (RULES 17).
        What::RoomMade { .. }
        | What::MemberSet { .. }
        | What::MemberRemoved { .. }
        | What::Edited { .. }
        | What::Retitled { .. }
        | What::Notice { .. }
        | What::Reacted { .. } => {}
    }
}

fn tell_message(event: &Event, message: &Message, to: Audience<'_>, said: &mut Said) {
    // What was addressed to a room is for those who are in it, even when the room is that of two users.
    if !to.inside && event.door == door::SOCKETIO && wire::Extra::of(event, message).room_id.is_some() {
        return;
    }
    let view = if to.inside { View::Inside(to.room) } else { View::Direct };
    if let Some(message) = wire::Message::sent(event, view) {
        kept(event, "new_message", &message, said);
    }
}

fn kept(event: &Event, name: &str, payload: &impl Serialize, said: &mut Said) {
    let cursor = event.cursor().to_string();
    said.message(|buffer| {
        telling::write_event(buffer, To::MAIN, name, |buffer| json::write(buffer, payload), Some(&cursor));
    });
}

fn tell_signal(signal: &Signal, to: Audience<'_>, said: &mut Said) {
    // All of them are for the others only; another connection of the same user is one of them.
    // And they are for those who are in the room.
    if to.whose == Whose::Origin || !to.inside {
        return;
    }
    let user = wire::UserIn { user_id: signal.who.id.as_str(), room_id: to.room };
    match &signal.kind {
        // Nobody heard that they had gone (facts 4: a disconnect is silent).
        SignalKind::Came { back: true } => {}
        SignalKind::Came { back: false } | SignalKind::Again => passing("user_joined", &user, said),
        // Whoever disconnects has not left (facts 4, RULES 17).
        SignalKind::Went { belongs: false } => passing("user_left", &user, said),
        SignalKind::Typing { started: true, .. } => passing("user_typing", &user, said),
        SignalKind::Marked { mark: Mark::Read, messages, .. } => {
            let message_ids: Vec<Shown<MessageId>> = messages.iter().map(|marked| Shown(marked.id)).collect();
            let read = wire::MessagesRead { user_id: user.user_id, message_ids, room_id: user.room_id };
            passing("messages_read", &read, said);
        }
        // There is no word for these, and the event of a mark has the ids that its reader named (facts 4); what is said
        // where nothing is kept is for that door only (HAZARDS 23).
        SignalKind::Went { belongs: true }
        | SignalKind::Typing { started: false, .. }
        | SignalKind::Marked { mark: Mark::Delivered, .. }
        | SignalKind::Reached { .. }
        | SignalKind::Said { .. } => {}
    }
}

fn passing(name: &str, payload: &impl Serialize, said: &mut Said) {
    said.message(|buffer| {
        telling::write_event(buffer, To::MAIN, name, |buffer| json::write(buffer, payload), None);
    });
}
