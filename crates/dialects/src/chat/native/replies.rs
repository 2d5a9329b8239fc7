//! What the native tongue answers to its calls.

use domain::Text;
use domain::command::Reply;
use domain::event::Event;
use domain::id::{ClientId, MessageId};
use domain::model::RoomKey;
use domain::refusal::Refusal;

use super::{shown, wire, words};
use crate::format::{Shown, Time};
use crate::json;
use crate::step::Steps;

/// What a call is for; with the id that its answer has again.
#[derive(Debug)]
pub(super) enum Doing {
    Hello {
        id: Option<Text>,
        /// Why it does not go on where it was, though it asked to.
        reason: Option<&'static str>,
        /// It goes on where it was, if the answer is yes.
        resumes: bool,
    },
    /// A room is being made, to be entered then.
    Make(Option<Text>),
    /// It is there. Its maker enters it, and is shown it then.
    Enter(Option<Text>, RoomKey),
    /// Its maker is in it, and is shown it.
    Made(Option<Text>),
    Own(Option<Text>),
    Public(Option<Text>),
    Room(Option<Text>),
    Join(Option<Text>, RoomKey),
    Send(Option<Text>, Option<ClientId>),
    Change(Option<Text>),
    History(Option<Text>, RoomKey),
    Members(Option<Text>, RoomKey),
    Online(Option<Text>),
    User(Option<Text>),
    /// Whatever has no more to say than that it is done.
    Act(Option<Text>),
}

/// Says an answer.
pub(super) fn say(kind: &str, id: Option<&Text>, data: impl serde::Serialize, steps: &mut Steps) {
    steps.push(json::say(&wire::Frame { kind, id: id.map(|id| &**id), data }));
}

/// The answer to a call that has nothing to follow it.
pub(super) fn answer(doing: &Doing, reply: Result<&Reply, &Refusal>, steps: &mut Steps) {
    let (Doing::Hello { id, .. }
    | Doing::Make(id)
    | Doing::Enter(id, _)
    | Doing::Made(id)
    | Doing::Own(id)
    | Doing::Public(id)
    | Doing::Room(id)
    | Doing::Join(id, _)
    | Doing::Send(id, _)
    | Doing::Change(id)
    | Doing::History(id, _)
    | Doing::Members(id, _)
    | Doing::Online(id)
    | Doing::User(id)
    | Doing::Act(id)) = doing;
    let id = id.as_ref();
    match (doing, reply) {
        // A refusal says that nothing was done, and here the room was made: a repeat with the same `client_id` has it.
        (Doing::Enter(..) | Doing::Made(_), Err(_)) => {
            steps.push(words::refused(id.map(|id| &**id), &Refusal::OutcomeUnknown));
        }
        (_, Err(refusal)) => steps.push(words::refused(id.map(|id| &**id), refusal)),
        (Doing::Own(_), Ok(Reply::Own(rooms))) => {
            let shown: Vec<Text> = rooms.iter().map(|room| room.room.shown()).collect();
            let rooms: Vec<_> = rooms.iter().zip(&shown).map(|(room, shown)| shown::Room::of(room, shown)).collect();
            say("rooms", id, wire::Under("rooms", rooms), steps);
        }
        (Doing::Room(_) | Doing::Made(_), Ok(Reply::Own(rooms))) => {
            if let Some(room) = rooms.first() {
                let shown = room.room.shown();
                say("room", id, wire::Under("room", shown::Room::of(room, &shown)), steps);
            }
        }
        (Doing::Public(_), Ok(Reply::Rooms(views))) => {
            let rooms: Vec<_> = views.iter().map(shown::PublicRoom::from).collect();
            say("public_rooms", id, wire::Under("rooms", rooms), steps);
        }
        (Doing::Join(_, room), Ok(Reply::Entered { page, .. })) => messages("joined", id, room, page, None, steps),
        (Doing::History(_, room), Ok(Reply::History { entries, total })) => {
            messages("history", id, room, entries, Some(*total), steps);
        }
        (Doing::Send(_, client_id), Ok(Reply::Sent { event, repeat })) => {
            ack(id, client_id.as_ref(), event, *repeat, steps);
        }
        (Doing::Change(_), Ok(Reply::Changed { event, sent })) => changed(id, event, sent, steps),
        (Doing::Members(_, room), Ok(Reply::Members(members))) => {
            let members: Vec<_> = members.iter().map(shown::Member::from).collect();
            say("members", id, wire::Members { room_id: &room.shown(), members }, steps);
        }
        (Doing::Online(_), Ok(Reply::Everyone { users, .. })) => {
            let users: Vec<_> = users.iter().map(wire::User::from).collect();
            say("online", id, wire::Under("users", users), steps);
        }
        (Doing::User(_), Ok(Reply::User(user))) => {
            say("user", id, wire::Under("user", wire::User::from(&user.person)), steps);
        }
        (Doing::Act(_), Ok(_)) => say("done", id, wire::Nothing {}, steps),
        // No such answer comes to such a question.
        (_, Ok(_)) => steps.push(words::refused(id.map(|id| &**id), &Refusal::Unavailable)),
    }
}

fn messages(
    kind: &str,
    id: Option<&Text>,
    room: &RoomKey,
    entries: &[domain::history::Entry],
    total: Option<u64>,
    steps: &mut Steps,
) {
    let room = room.shown();
    let messages = entries.iter().filter_map(|entry| shown::Message::of(entry, &room)).collect();
    say(kind, id, wire::Messages { room_id: &room, messages, total }, steps);
}

fn ack(id: Option<&Text>, client_id: Option<&ClientId>, event: &Event, repeat: bool, steps: &mut Steps) {
    let Some(message) = event.message() else { return };
    let data = wire::Ack {
        client_id: client_id.map_or("", ClientId::as_str),
        message_id: Shown(message.id),
        room_id: Shown(event.room.shown()),
        offset: event.offset.0,
        seq: event.seq.0,
        cursor: Shown(event.cursor()),
        at: Time(event.at),
        repeat,
    };
    say("ack", id, data, steps);
}

fn changed(id: Option<&Text>, event: &Event, sent: &Event, steps: &mut Steps) {
    let message_id = Shown(sent.message().map_or(MessageId(0), |message| message.id));
    let data = wire::Change {
        message_id,
        room_id: Shown(event.room.shown()),
        offset: event.offset.0,
        seq: event.seq.0,
        cursor: Shown(event.cursor()),
        at: Time(event.at),
    };
    say("changed", id, data, steps);
}
