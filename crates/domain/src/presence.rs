//! Who is attached right now: (user, room) → connections. Kept by the node alone (HAZARDS 20), never stored.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::id::{ConnectionId, Millis, UserId, UserNumber};
use crate::model::{Person, RoomKey};

/// What entering a room changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// The user's first connection there: others are told.
    First,
    /// One more connection of a user who is there already.
    Another,
    /// This very connection was there already.
    Already,
}

/// Rooms where a user is absent from now on, each with the user.
pub type Absent = Vec<(RoomKey, Arc<Person>)>;

#[derive(Debug)]
struct Seat {
    who: Arc<Person>,
    since: Millis,
    connections: Vec<ConnectionId>,
}

#[derive(Debug, Default)]
struct Here {
    users: BTreeMap<UserNumber, Seat>,
    /// Attached without being present: a maker's silent seat (RULES 20).
    silent: Vec<ConnectionId>,
    /// All connections of `users`.
    connections: usize,
}

#[derive(Debug)]
struct Attached {
    who: Arc<Person>,
    rooms: Vec<RoomKey>,
    /// The client was let in: its user is online. Who is turned away never was.
    open: bool,
    /// It is told of every room that its user belongs to.
    attends: bool,
}

/// Who is where. A room with nobody in it is not kept.
#[derive(Debug, Default)]
pub struct Presence {
    rooms: HashMap<RoomKey, Here>,
    connections: HashMap<ConnectionId, Attached>,
    per_user: HashMap<UserId, usize>,
    /// Who is online, and on how many connections that were let in.
    online: BTreeMap<UserNumber, (Arc<Person>, usize)>,
    /// Rooms where at least one user is present, silent seats aside.
    occupied: usize,
}

impl Presence {
    /// A connection of this user exists from now on. Said again, it changes nothing.
    pub fn arrive(&mut self, connection: ConnectionId, who: &Arc<Person>) {
        if let std::collections::hash_map::Entry::Vacant(slot) = self.connections.entry(connection) {
            slot.insert(Attached { who: who.clone(), rooms: Vec::new(), open: false, attends: false });
            *self.per_user.entry(who.id.clone()).or_default() += 1;
        }
    }

    /// The connection was let in. Gives its user when they are online from now on: it is their first that was.
    pub fn open(&mut self, connection: ConnectionId) -> Option<Arc<Person>> {
        let attached = self.connections.get_mut(&connection)?;
        if std::mem::replace(&mut attached.open, true) {
            return None;
        }
        let who = attached.who.clone();
        let (_, count) = self.online.entry(who.number).or_insert_with(|| (who.clone(), 0));
        *count += 1;
        (*count == 1).then_some(who)
    }

    /// The connection is present in the room from now on; a silent seat of its there becomes a real one.
    pub fn enter(&mut self, room: &RoomKey, connection: ConnectionId, who: &Arc<Person>, now: Millis) -> Came {
        self.arrive(connection, who);
        self.unseat(room, connection);
        let here = self.rooms.entry(room.clone()).or_default();
        let was_empty = here.users.is_empty();
        let (came, seat) = match here.users.entry(who.number) {
            std::collections::btree_map::Entry::Occupied(slot) => (Came::Another, slot.into_mut()),
            std::collections::btree_map::Entry::Vacant(slot) => {
                (Came::First, slot.insert(Seat { who: who.clone(), since: now, connections: Vec::new() }))
            }
        };
        if seat.connections.contains(&connection) {
            return Came::Already;
        }
        seat.connections.push(connection);
        here.connections += 1;
        self.occupied += usize::from(was_empty);
        self.note_room(connection, room);
        came
    }

    /// The connection is told of every room that its user belongs to from now on: it needs no silent seats.
    pub fn attend(&mut self, connection: ConnectionId) {
        self.connections.entry(connection).and_modify(|attached| attached.attends = true);
    }

    /// The connection is attached to the room without being present; false for who attends.
    pub fn seat_silently(&mut self, room: &RoomKey, connection: ConnectionId, who: &Arc<Person>) -> bool {
        self.arrive(connection, who);
        if self.connections.get(&connection).is_some_and(|attached| attached.attends) {
            return false;
        }
        let here = self.rooms.entry(room.clone()).or_default();
        if !here.silent.contains(&connection) {
            here.silent.push(connection);
            self.note_room(connection, room);
        }
        true
    }

    /// The silent seats of a connection end (it joined or left something); the rooms that they were in.
    pub fn end_silent_seats(&mut self, connection: ConnectionId) -> Vec<RoomKey> {
        let Some(attached) = self.connections.get(&connection) else { return Vec::new() };
        let silent: Vec<RoomKey> = attached
            .rooms
            .iter()
            .filter(|room| self.rooms.get(*room).is_some_and(|here| here.silent.contains(&connection)))
            .cloned()
            .collect();
        for room in &silent {
            self.unseat(room, connection);
        }
        silent
    }

    fn note_room(&mut self, connection: ConnectionId, room: &RoomKey) {
        if let Some(attached) = self.connections.get_mut(&connection)
            && !attached.rooms.contains(room)
        {
            attached.rooms.push(room.clone());
        }
    }

    fn unseat(&mut self, room: &RoomKey, connection: ConnectionId) {
        let Some(here) = self.rooms.get_mut(room) else { return };
        let before = here.silent.len();
        here.silent.retain(|seat| *seat != connection);
        if here.silent.len() < before {
            self.forget_room(room, connection);
        }
    }

    fn forget_room(&mut self, room: &RoomKey, connection: ConnectionId) {
        if let Some(attached) = self.connections.get_mut(&connection) {
            attached.rooms.retain(|kept| kept != room);
        }
        if self.rooms.get(room).is_some_and(|here| here.users.is_empty() && here.silent.is_empty()) {
            self.rooms.remove(room);
        }
    }

    /// The connection is in the room no more. Gives the user when that was their last one there, and others are told.
    pub fn leave(&mut self, room: &RoomKey, connection: ConnectionId) -> Option<Arc<Person>> {
        self.unseat(room, connection);
        let number = self.connections.get(&connection)?.who.number;
        let here = self.rooms.get_mut(room)?;
        let seat = here.users.get_mut(&number)?;
        let place = seat.connections.iter().position(|kept| *kept == connection)?;
        seat.connections.swap_remove(place);
        here.connections -= 1;
        let last = seat.connections.is_empty();
        let gone = if last { here.users.remove(&number).map(|seat| seat.who) } else { None };
        self.occupied -= usize::from(last && here.users.is_empty());
        self.forget_room(room, connection);
        gone
    }

    /// The connection is no more: the rooms where its user is absent from now on, each with the user; and the user, when
    /// it was their last connection that was let in.
    pub fn depart(&mut self, connection: ConnectionId) -> (Absent, Option<Arc<Person>>) {
        let Some(attached) = self.connections.get(&connection) else { return (Vec::new(), None) };
        let (rooms, who, open) = (attached.rooms.clone(), attached.who.clone(), attached.open);
        let gone = rooms.into_iter().filter_map(|room| self.leave(&room, connection).map(|who| (room, who))).collect();
        self.connections.remove(&connection);
        if let Some(count) = self.per_user.get_mut(&who.id) {
            *count -= 1;
            if *count == 0 {
                self.per_user.remove(&who.id);
            }
        }
        let Some((_, count)) = self.online.get_mut(&who.number).filter(|_| open) else { return (gone, None) };
        *count -= 1;
        let last = *count == 0;
        (gone, if last { self.online.remove(&who.number).map(|(who, _)| who) } else { None })
    }

    /// Every connection of a user is out of the room (they were removed): the user, when they had been present.
    pub fn expel(&mut self, room: &RoomKey, user: &UserId) -> Option<Arc<Person>> {
        let here = self.rooms.get(room)?;
        let silent: Vec<ConnectionId> = here
            .silent
            .iter()
            .copied()
            .filter(|seat| self.connections.get(seat).is_some_and(|attached| attached.who.id == *user))
            .collect();
        let seat = here.users.values().find(|seat| seat.who.id == *user);
        let present = seat.map(|seat| seat.connections.clone()).unwrap_or_default();
        silent.iter().for_each(|seat| self.unseat(room, *seat));
        present.into_iter().filter_map(|connection| self.leave(room, connection)).last()
    }

    /// Whether this connection is present in the room or has a silent seat there.
    #[must_use]
    pub fn attached(&self, room: &RoomKey, connection: ConnectionId) -> bool {
        self.connections.get(&connection).is_some_and(|attached| attached.rooms.contains(room))
    }

    /// Whether this connection is present in the room, a silent seat aside.
    #[must_use]
    pub fn seated(&self, room: &RoomKey, connection: ConnectionId) -> bool {
        let Some(attached) = self.connections.get(&connection) else { return false };
        let seat = self.rooms.get(room).and_then(|here| here.users.get(&attached.who.number));
        seat.is_some_and(|seat| seat.connections.contains(&connection))
    }

    /// Whether this connection's user is attached to the room through another connection, too; silent seats count.
    #[must_use]
    pub fn elsewhere(&self, room: &RoomKey, connection: ConnectionId) -> bool {
        let Some(attached) = self.connections.get(&connection) else { return false };
        let Some(here) = self.rooms.get(room) else { return false };
        let number = attached.who.number;
        let mine = |seat: &ConnectionId| self.connections.get(seat).is_some_and(|other| other.who.number == number);
        let seated =
            here.users.get(&number).is_some_and(|seat| seat.connections.iter().any(|seat| *seat != connection));
        seated || here.silent.iter().any(|seat| *seat != connection && mine(seat))
    }

    /// Whether this connection exists, as far as the node has been told.
    #[must_use]
    pub fn knows(&self, connection: ConnectionId) -> bool {
        self.connections.contains_key(&connection)
    }

    /// Whether the user is present in the room.
    #[must_use]
    pub fn present(&self, room: &RoomKey, user: UserNumber) -> bool {
        self.rooms.get(room).is_some_and(|here| here.users.contains_key(&user))
    }

    /// Whether anybody is attached there.
    #[must_use]
    pub fn occupied(&self, room: &RoomKey) -> bool {
        self.rooms.contains_key(room)
    }

    /// How many users are present in the room.
    #[must_use]
    pub fn user_count(&self, room: &RoomKey) -> usize {
        self.rooms.get(room).map_or(0, |here| here.users.len())
    }

    /// Up to `most` of the users present, by number, with when they came.
    #[must_use]
    pub fn users(&self, room: &RoomKey, most: usize) -> Vec<(Arc<Person>, Millis)> {
        let Some(here) = self.rooms.get(room) else { return Vec::new() };
        here.users.values().take(most).map(|seat| (seat.who.clone(), seat.since)).collect()
    }

    /// How many connections are present in the room.
    #[must_use]
    pub fn connections_in(&self, room: &RoomKey) -> usize {
        self.rooms.get(room).map_or(0, |here| here.connections)
    }

    /// How many connections the user has, on all doors.
    #[must_use]
    pub fn connections_of(&self, user: &UserId) -> usize {
        self.per_user.get(user).copied().unwrap_or(0)
    }

    /// How many users are online.
    #[must_use]
    pub fn users_online(&self) -> usize {
        self.online.len()
    }

    /// Everybody who is online, by number.
    pub fn online(&self) -> impl Iterator<Item = &Arc<Person>> {
        self.online.values().map(|(who, _)| who)
    }

    /// Whether the user is online on one connection only.
    #[must_use]
    pub fn is_alone(&self, user: UserNumber) -> bool {
        self.online.get(&user).is_none_or(|(_, count)| *count <= 1)
    }

    /// All connections, and rooms with somebody present.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.connections.len(), self.occupied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RoomName;

    fn person(number: u32) -> Arc<Person> {
        let id = UserId::new(&format!("u{number}")).expect("a short id is valid");
        Arc::new(Person { name: id.text(), id, number: UserNumber(number), email: None })
    }

    fn room(name: &str) -> RoomKey {
        RoomKey::Named(RoomName::new(name).expect("a short name is valid"))
    }

    #[test]
    fn the_first_comes_and_the_last_goes() {
        let (mut presence, alice, lobby) = (Presence::default(), person(1), room("lobby"));
        let (one, two) = (ConnectionId(1), ConnectionId(2));
        assert_eq!(presence.enter(&lobby, one, &alice, Millis(1)), Came::First);
        assert_eq!(presence.enter(&lobby, one, &alice, Millis(2)), Came::Already);
        assert_eq!(presence.enter(&lobby, two, &alice, Millis(3)), Came::Another);
        assert_eq!((presence.user_count(&lobby), presence.connections_in(&lobby)), (1, 2));
        assert_eq!(presence.counts(), (2, 1));
        assert_eq!(presence.leave(&lobby, one), None);
        assert_eq!(presence.leave(&lobby, one), None, "leaving twice");
        assert_eq!(presence.depart(two), (vec![(lobby.clone(), alice.clone())], None));
        assert!(!presence.occupied(&lobby));
        assert_eq!((presence.counts(), presence.connections_of(&alice.id)), ((1, 0), 1));
        assert_eq!(presence.depart(one), (vec![], None), "it was never let in");
        assert_eq!((presence.counts(), presence.connections_of(&alice.id)), ((0, 0), 0));
    }

    #[test]
    fn a_silent_seat_is_attached_and_not_present() {
        let (mut presence, alice, den) = (Presence::default(), person(1), room("den"));
        presence.seat_silently(&den, ConnectionId(1), &alice);
        assert!(presence.attached(&den, ConnectionId(1)));
        assert_eq!((presence.user_count(&den), presence.counts()), (0, (1, 0)));
        assert_eq!(presence.end_silent_seats(ConnectionId(1)), vec![den.clone()]);
        assert!(!presence.occupied(&den));
        presence.seat_silently(&den, ConnectionId(1), &alice);
        assert_eq!(presence.enter(&den, ConnectionId(1), &alice, Millis(5)), Came::First);
        assert_eq!(presence.end_silent_seats(ConnectionId(1)), vec![], "entering turned it into a real one");
        assert_eq!(presence.depart(ConnectionId(1)).0.len(), 1);
    }

    #[test]
    fn whoever_is_let_in_is_online() {
        let (mut presence, alice) = (Presence::default(), person(1));
        let (one, two, turned_away) = (ConnectionId(1), ConnectionId(2), ConnectionId(3));
        for connection in [one, two, turned_away] {
            presence.arrive(connection, &alice);
        }
        assert_eq!((presence.users_online(), presence.open(ConnectionId(9))), (0, None));
        assert_eq!(presence.open(one), Some(alice.clone()));
        assert!(presence.is_alone(alice.number));
        assert_eq!((presence.open(one), presence.open(two)), (None, None));
        assert!(!presence.is_alone(alice.number));
        assert_eq!(presence.depart(turned_away).1, None);
        assert_eq!(presence.depart(one).1, None);
        assert_eq!((presence.online().count(), presence.depart(two).1), (1, Some(alice)));
        assert_eq!(presence.users_online(), 0);
    }

    #[test]
    fn who_is_there_on_another_connection_too() {
        let (mut presence, alice, bob, den) = (Presence::default(), person(1), person(2), room("den"));
        let (one, two, other) = (ConnectionId(1), ConnectionId(2), ConnectionId(3));
        presence.enter(&den, one, &alice, Millis(1));
        presence.enter(&den, other, &bob, Millis(1));
        assert!(!presence.elsewhere(&den, one), "others are not oneself");
        presence.seat_silently(&den, two, &alice);
        assert!(presence.elsewhere(&den, one), "a silent seat is one, too");
        presence.enter(&den, two, &alice, Millis(2));
        assert!(presence.elsewhere(&den, one) && presence.elsewhere(&den, two));
        presence.depart(one);
        assert!(!presence.elsewhere(&den, one) && !presence.elsewhere(&den, two));
    }

    #[test]
    fn the_expelled_lose_every_connection() {
        let (mut presence, alice, bob, den) = (Presence::default(), person(1), person(2), room("den"));
        presence.enter(&den, ConnectionId(1), &alice, Millis(1));
        presence.enter(&den, ConnectionId(2), &alice, Millis(1));
        presence.seat_silently(&den, ConnectionId(3), &alice);
        presence.enter(&den, ConnectionId(4), &bob, Millis(1));
        assert_eq!(presence.expel(&den, &alice.id), Some(alice.clone()));
        assert!(!presence.attached(&den, ConnectionId(1)) && !presence.attached(&den, ConnectionId(3)));
        assert_eq!((presence.connections_in(&den), presence.user_count(&den)), (1, 1));
        assert_eq!(presence.expel(&den, &alice.id), None);
        assert_eq!(presence.connections_of(&alice.id), 3, "they are connected still, to nothing");
    }
}
