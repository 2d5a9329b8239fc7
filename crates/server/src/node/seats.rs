//! Who is where, as commands change it: what a connection is attached to, what it is told of that, and what the others
//! hear. Presence itself is `domain::presence`; which of it is allowed is decided in `enter` and `session`.

use std::sync::Arc;

use dialects::Request;
use domain::command::{Command, Manners, Reply};
use domain::event::SignalKind;
use domain::id::{ConnectionId, Cursor, Millis, Offset, UserId};
use domain::model::{Person, RoomKey};
use domain::presence::Came;
use domain::refusal::Refusal;

use super::Node;
use super::call::{Attach, Call, Output, ReplyTo, Told};
use super::desk::Pending;

/// Someone who was let into a room.
#[derive(Debug)]
pub(super) struct Coming {
    /// Which.
    pub(super) room: RoomKey,
    /// From where they are told of it; from now on when none.
    pub(super) from: Option<Cursor>,
    /// How many messages of history the reply is to have; the shard asks for them (HAZARDS 3).
    pub(super) page: Option<u32>,
    /// What the door's contract says.
    pub(super) manners: Manners,
    /// A shard gave it back: who comes is present already, and that was said.
    pub(super) again: bool,
}

/// How someone's last connection in a room comes to its end there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parting {
    /// They left, or were put out.
    Left,
    /// It is gone; they may belong as before.
    Gone,
}

impl Node {
    /// A connection is somebody's from now on.
    pub(super) fn met(&mut self, to: ReplyTo, person: &Arc<Person>) {
        self.people.insert(person.id.clone(), person.clone());
        if let Some(connection) = to.connection() {
            self.presence.arrive(connection, person);
        }
    }

    /// A connection was let in: its user is online.
    pub(super) fn opened(&mut self, connection: ConnectionId, now: Millis) {
        if let Some(who) = self.presence.open(connection) {
            self.say_status(&who, true, false, Some(connection), now);
        }
    }

    /// Someone is in: presence, the reply with its attachment, and the notice, which they hear themselves.
    /// `at` is where that was written, if anything had to be.
    pub(super) fn entered(&mut self, call: &Call, coming: Coming, at: Option<Offset>, now: Millis) {
        let Coming { room, from, page, manners, again } = coming;
        let (Some(connection), Some(who)) = (call.to.connection(), call.who.clone()) else {
            return self.tell(call.to, Err(Refusal::Invalid));
        };
        if !self.presence.knows(connection) {
            // It went while its coming was decided: nobody is told, and the call's place is given back.
            return self.tell(call.to, Err(Refusal::NotPresent));
        }
        let came = self.presence.enter(&room, connection, &who, now);
        let detach = self.presence.end_silent_seats(connection);
        let head = self.head;
        // Whoever is in already goes on from where they are. The attachment is sent all the same, and changes nothing
        // in the shard, unless it has yet to take the first one: then the answer is true by this one.
        let from = from.filter(|_| again || came != Came::Already);
        let attach = Attach {
            room: room.clone(),
            from: from.map(|cursor| cursor.offset),
            page,
            decided_at: self.known(&room).max(at.unwrap_or_default()),
            call: Some(Box::new(call.clone())),
        };
        let from = from.unwrap_or(head);
        // Another node may have told this client of more than this one has heard of.
        let head = if from.offset > head.offset { from } else { head };
        let result = Ok(Reply::Entered { room: room.clone(), from, head, page: Vec::new() });
        self.out.push(Output::Reply(Box::new(Told {
            to: call.to,
            result,
            attach: vec![attach],
            detach,
            follow: None,
        })));
        if let Some(kind) = notice(came, manners, again) {
            self.signal(&room, &who, kind, Some(connection), now);
        }
    }

    /// A room is there that somebody has asked for; `at` is where its making was written, if it was just now.
    pub(super) fn made(&mut self, call: &Call, room: &RoomKey, at: Option<Offset>) {
        let Some(facts) = self.rooms.peek(room) else {
            return self.tell(call.to, Err(Refusal::OutcomeUnknown));
        };
        let view = self.view(facts);
        let mut attach = Vec::new();
        if let (Some(connection), Some(who)) = (call.to.connection(), &call.who)
            && self.presence.knows(connection)
            && self.presence.seat_silently(room, connection, who)
        {
            let decided_at = self.known(room).max(at.unwrap_or_default());
            attach.push(Attach { room: room.clone(), from: None, page: None, decided_at, call: None });
        }
        let told = Told { attach, ..Told::plain(call.to, Ok(Reply::RoomMade(view))) };
        self.out.push(Output::Reply(Box::new(told)));
    }

    /// Someone leaves a room and belongs to it as before: told to all, to the leaver too, before they are detached.
    pub(super) fn left(&mut self, call: &Call, room: &RoomKey, now: Millis) {
        if let Some(connection) = call.to.connection() {
            self.leave_presence(room, connection, Parting::Left, now);
        }
        self.tell_left(call, room.clone());
    }

    pub(super) fn tell_left(&mut self, call: &Call, room: RoomKey) {
        let mut detach = call.to.connection().map(|c| self.presence.end_silent_seats(c)).unwrap_or_default();
        detach.push(room);
        let told = Told { detach, ..Told::plain(call.to, Ok(Reply::Left)) };
        self.out.push(Output::Reply(Box::new(told)));
    }

    pub(super) fn leave_presence(&mut self, room: &RoomKey, connection: ConnectionId, parting: Parting, now: Millis) {
        if let Some(who) = self.presence.leave(room, connection) {
            self.went(room, &who, Some(connection), parting, now);
        }
    }

    /// Refuses what a shard gave back: presence, noted when it was first decided, ends with the refusal.
    pub(super) fn undo(&mut self, pending: &Pending, now: Millis) {
        let (Some(_), Some(connection)) = (pending.again, pending.call.to.connection()) else { return };
        match &pending.call.request {
            Request::Do(Command::Enter { room, .. }) => self.leave_presence(room, connection, Parting::Gone, now),
            Request::Do(Command::Return { .. }) => self.depart(connection, now),
            Request::Do(_) | Request::Ask(_) => {}
        }
    }

    /// A connection is no more, or nobody's again: absent from wherever it was its user's last one.
    pub(super) fn depart(&mut self, connection: ConnectionId, now: Millis) {
        let (rooms, gone) = self.presence.depart(connection);
        for (room, who) in rooms {
            self.went(&room, &who, Some(connection), Parting::Gone, now);
        }
        if let Some(who) = gone {
            self.say_status(&who, false, false, Some(connection), now);
        }
    }

    /// Present no more, neither in the room nor in the relay beside it.
    pub(super) fn expelled(&mut self, room: &RoomKey, user: &UserId, now: Millis) {
        for room in [room.clone(), room.clone().relayed()] {
            if let Some(who) = self.presence.expel(&room, user) {
                self.went(&room, &who, None, Parting::Left, now);
            }
        }
    }

    /// A user is present in a room no more.
    fn went(
        &mut self,
        room: &RoomKey,
        who: &Arc<Person>,
        connection: Option<ConnectionId>,
        parting: Parting,
        now: Millis,
    ) {
        // A direct room is its two users' whatever happens.
        let member = || self.rooms.peek(room).is_some_and(|facts| facts.role(&who.id).is_some());
        let belongs = parting == Parting::Gone && (room.other(&who.id).is_some() || member());
        self.signal(room, who, SignalKind::Went { belongs }, connection, now);
        if room.is_relay() && !self.presence.occupied(room) {
            self.rooms.deserted(room);
        }
    }
}

/// What the others hear of someone's entering; nothing when they know.
pub(super) fn notice(came: Came, manners: Manners, again: bool) -> Option<SignalKind> {
    match came {
        Came::First => Some(SignalKind::Came { back: false }),
        Came::Another | Came::Already => (manners.joins && !again).then_some(SignalKind::Again),
    }
}
