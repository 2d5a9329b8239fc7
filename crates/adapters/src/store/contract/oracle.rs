//! Any script, played on two stores: both must tell and show the same. A script is bytes, so that a property test can
//! draw and shrink it; every byte string is one.

use std::sync::Arc;

use domain::Text;
use domain::event::What;
use domain::id::{
    ClientId, ConnectionId, Cursor, Door, ExclusionVersion, Life, MessageId, Millis, Offset, Seq, SessionKey, UserId,
    UserNumber,
};
use domain::identity::Scopes;
use domain::model::{Member, Message, MessageKind, Person, Profile, Role, RoomKey, RoomKind, Sending, Status};
use domain::query::Which;
use domain::watermark::Mark;

use super::hand;
use crate::port::{
    AskedMark, Batch, Expiry, FeedPlace, Found, Holder, Key, KeyChange, MarkWrite, NewPerson, NewUser, Outcome, Read,
    Reader, RoomWrite, SessionRow, Store, Write,
};

/// The last but one waits, and the last comes when they have been registered, or before.
const USERS: [&str; 7] = ["ann", "bob", "7", "1", "eve", WAITING, "zed"];
const WAITING: &str = "waiting:zoe";
const ROOMS: [&str; 7] = ["lobby", "den", "GUILD#g", "ann+bob", "7+7", "ann+waiting:zoe", "ann+zed"];
const ALIASES: [&str; 2] = ["chat-1", "chat-2"];
const CLIENT_IDS: [&str; 3] = ["c1", "c2", "c3"];
const SESSIONS: u8 = 6;
const CONTENTS: [&str; 4] = ["x", "yy", "a longer text with ü in it", "@ann and @7"];

/// The script's bytes, then zeros.
struct Bytes<'a> {
    left: &'a [u8],
    /// How many were taken, zeros included.
    drawn: u32,
}

impl Bytes<'_> {
    /// A number below `bound`.
    fn draw(&mut self, bound: u8) -> u8 {
        self.drawn += 1;
        let Some((first, rest)) = self.left.split_first() else { return 0 };
        self.left = rest;
        first % bound
    }

    fn pick<T: Copy, const N: usize>(&mut self, from: [T; N]) -> T {
        from[usize::from(self.draw(u8::try_from(N).expect("the tables are short")))]
    }
}

/// Plays the script on both, and asserts that they tell the same of every write. Either may have a past, if it is the
/// same past.
///
/// # Panics
/// When they differ.
pub fn play(script: &[u8], store: &dyn Store, oracle: &dyn Store) {
    let mut one = store.writer().expect("an open store gives a writer");
    let mut other = oracle.writer().expect("an open store gives a writer");
    let mut reader = oracle.reader().expect("an open store gives readers");
    let mut bytes = Bytes { left: script, drawn: 0 };
    let mut at = 1_000_000;
    while !bytes.left.is_empty() {
        let writes = bytes.draw(6) + 1;
        let mut batch = Batch { life: hand::START, writes: Vec::new() };
        for _ in 0..writes {
            at += u64::from(bytes.draw(3));
            batch.writes.push(draw(&mut bytes, &mut *reader, Millis(at)));
        }
        let told = one.commit(&batch).expect("nothing is wrong with the disk");
        let expected = other.commit(&batch).expect("nothing is wrong with the oracle");
        assert_eq!(told, expected, "of {batch:#?}");
        assert_eq!(told.len(), batch.writes.len());
        let unheard = told.iter().filter(|outcome| matches!(outcome, Outcome::Committed(events) if events.is_empty()));
        assert_eq!(unheard.count(), 0, "a commit has events");
    }
}

fn draw(bytes: &mut Bytes<'_>, oracle: &mut dyn Reader, at: Millis) -> Write {
    match bytes.draw(17) {
        14 => Write::User(registration(bytes, at)),
        15 => hand::coming(bytes.pick(["zed", "zed", "ann"]), "zoe"),
        0 => {
            let (id, name) = (
                hand::user(bytes.pick(["ann", "bob", "7", "1", "eve"])),
                bytes.pick([None, Some("ann"), Some("Zoë"), Some("ann~7")]),
            );
            let email = bytes.pick([None, Some("a@x"), Some("b@x")]).map(Text::from);
            let number_from = UserNumber(bytes.pick([1, 7, 1_000_000_001]));
            Write::Person(NewPerson { id, name: name.map(Text::from), email, number_from, proved: false })
        }
        1 => {
            let id = Text::from(bytes.pick(["k1", "k2"]));
            let holder = match bytes.draw(3) {
                0 => return Write::Key(KeyChange::Revoke(id)),
                1 => Holder::User(hand::user(bytes.pick(USERS))),
                _ => Holder::Service(Text::from("back end"), Scopes::STATS),
            };
            Write::Key(KeyChange::Add(Key { id, hash: [bytes.draw(255); 32], holder, made_at: at }))
        }
        2 => Write::Mark(mark(bytes, oracle, at)),
        3 => {
            let named: &[u128] = bytes.pick([&[], &[1], &[2, u128::MAX]]);
            let messages = named.iter().copied().map(MessageId).collect();
            Write::Asked(AskedMark { mark: mark(bytes, oracle, at), messages })
        }
        5 => {
            let cursor = Cursor { life: Life(at.0), offset: Offset(head(oracle)) };
            Write::Fed(FeedPlace { cursor, outbox: bytes.draw(30).into() })
        }
        6 => Write::Expire(Expiry {
            before: Millis(at.0.saturating_sub(u64::from(bytes.draw(60)))),
            behind_feed: bytes.draw(2) == 1,
        }),
        4 => Write::Session(SessionRow {
            key: SessionKey(bytes.draw(SESSIONS).into()),
            user: hand::user(bytes.pick(["ann", "bob", "7", "1", "eve", "zed"])),
            rooms: (0..bytes.draw(3)).map(|_| hand::room(bytes.pick(ROOMS)).into()).collect(),
            ends: bytes.pick([None, Some(at)]),
            not_before: Offset(bytes.draw(9).into()),
            at,
        }),
        _ => Write::Events(room_write(bytes, oracle, at)),
    }
}

fn registration(bytes: &mut Bytes<'_>, at: Millis) -> NewUser {
    let text = |text: Option<&str>| text.map(Text::from);
    NewUser {
        id: hand::user(WAITING),
        name: Text::from(bytes.pick(["zoe", "zoe", "ann"])),
        email: text(bytes.pick([None, Some("z@x")])),
        profile: Profile {
            full_name: text(bytes.pick([None, Some("Zoe Z")])),
            bio: text(bytes.pick([None, Some(""), Some("hi")])),
            avatar_url: text(bytes.pick([None, Some("http://x")])),
            made_at: Some(at),
        },
        number_from: UserNumber(1),
    }
}

fn head(oracle: &mut dyn Reader) -> u64 {
    match oracle.read(&Read::Head) {
        Ok(Found::Cursor(Some(head))) => head.offset.0,
        other => panic!("the head was answered with {other:?}"),
    }
}

fn mark(bytes: &mut Bytes<'_>, oracle: &mut dyn Reader, at: Millis) -> MarkWrite {
    let (user, room) = (hand::user(bytes.pick(USERS)), hand::room(bytes.pick(ROOMS)));
    let head = head(oracle);
    // Most near the head, where the messages are that were sent last.
    let mut place = || Offset((head + 1).saturating_sub(bytes.draw(40).into()));
    let upto = Some(place()).filter(|offset| offset.0 % 3 != 0);
    let apart = [place(), place(), place()].into_iter().filter(|offset| offset.0 % 2 == 0).collect();
    MarkWrite { user, room, mark: bytes.pick([Mark::Delivered, Mark::Read]), upto, apart, at }
}

/// One of the room's last events, or something that is no message of this room.
fn earlier(bytes: &mut Bytes<'_>, oracle: &mut dyn Reader, room: &RoomKey) -> Offset {
    let ask = Read::Page { room: room.clone(), before: None, most: 25 };
    let Ok(Found::Events { events, .. }) = oracle.read(&ask) else { panic!("a page is answered with events") };
    let picked = events.get(usize::from(bytes.draw(25))).map(|event| event.offset);
    match bytes.draw(10) {
        0 => Offset(head(oracle) + u64::from(bytes.draw(5))),
        1 => Offset(bytes.draw(9).into()),
        _ => picked.unwrap_or_default(),
    }
}

fn room_write(bytes: &mut Bytes<'_>, oracle: &mut dyn Reader, at: Millis) -> RoomWrite {
    let room = hand::room(bytes.pick(ROOMS));
    let facts = match oracle.read(&Read::Room(room.clone())) {
        Ok(Found::Room(facts)) => facts,
        other => panic!("a room was answered with {other:?}"),
    };
    let known = facts.as_ref().map(|facts| facts.version);
    // Most writes know the room as it is before the batch; some know it as it never was.
    let under = if bytes.draw(8) == 7 { bytes.pick([None, Some(ExclusionVersion(3))]) } else { known };
    let mut version = known.unwrap_or_default();
    let mut events = Vec::new();
    if facts.is_none() && bytes.draw(8) != 7 {
        let seats = bytes.pick([None, Some(5)]);
        events.push((What::RoomMade { kind: kind(bytes, &room), title: Text::from("t"), seats }, version));
    }
    let mut sent = false;
    for _ in 0..=bytes.draw(2) {
        let what = what(bytes, oracle, &room, &mut sent, at);
        version.0 += u64::from(facts.as_ref().is_some_and(|facts| facts.excludes(&what)));
        events.push((what, version));
    }
    let id = hand::user(bytes.pick(USERS));
    let by = Arc::new(Person {
        number: UserNumber(9 + u32::from(bytes.draw(2))),
        name: Text::from(bytes.pick(CONTENTS)),
        email: None,
        id,
    });
    let origin = bytes.pick([None, Some(ConnectionId(u64::MAX))]);
    let alias = bytes.pick([None, None, Some(ALIASES[0]), Some(ALIASES[1])]).map(Text::from);
    RoomWrite { room, under, by, door: Door(bytes.draw(5)), origin, at, alias, events }
}

fn kind(bytes: &mut Bytes<'_>, room: &RoomKey) -> RoomKind {
    if *room == hand::room("den") { bytes.pick([RoomKind::Private, RoomKind::Public]) } else { room.first_use_kind() }
}

fn sending(bytes: &mut Bytes<'_>) -> Sending {
    let id = bytes.pick([None, Some(CLIENT_IDS[0])]);
    Sending { door: Door(bytes.draw(3)), client_id: id.map(client_id) }
}

fn what(bytes: &mut Bytes<'_>, oracle: &mut dyn Reader, room: &RoomKey, sent: &mut bool, at: Millis) -> What {
    // As ids are drawn: a time, and then what nobody else has. The halves meet often.
    let unique = (u128::from(head(oracle)) << 32) | u128::from(bytes.drawn);
    let message = MessageId((u128::from(at.0) << 64) | unique);
    let user = hand::user(bytes.pick(USERS));
    match bytes.draw(13) {
        10 => What::Retitled { title: Text::from(bytes.pick(CONTENTS)) },
        11 => What::Notice { extra: Text::from(bytes.pick(CONTENTS)) },
        0 => {
            let role = bytes.pick([Role::Member, Role::Moderator, Role::Owner]);
            What::MemberSet {
                user,
                member: Member {
                    muted: bytes.draw(4) == 3,
                    role,
                    status: bytes.pick([Status::Active, Status::Blocked]),
                },
            }
        }
        1 => What::MemberRemoved { user, barred: bytes.draw(2) == 1 },
        2 => {
            let of = earlier(bytes, oracle, room);
            What::Edited { message, of, content: Text::from(bytes.pick(CONTENTS)), sending: sending(bytes) }
        }
        12 => {
            let (of, on) = (earlier(bytes, oracle, room), bytes.draw(3) < 2);
            What::Reacted { message, of, emoji: Text::from(bytes.pick(["+", "!"])), on }
        }
        3 => What::Deleted { message, of: earlier(bytes, oracle, room), sending: sending(bytes) },
        _ if *sent => What::Deleted { message, of: earlier(bytes, oracle, room), sending: sending(bytes) },
        _ => {
            *sent = true;
            let client_id = bytes.pick([None, Some(0), Some(1), Some(2)]).map(|id: usize| client_id(CLIENT_IDS[id]));
            let kind = if bytes.draw(9) == 8 { MessageKind::System } else { MessageKind::Text };
            let extra = bytes.pick([None, None, Some("{}")]).map(Text::from);
            let content = Text::from(bytes.pick(CONTENTS));
            What::Sent(Message { id: message, kind, content, reply_to: None, client_id, extra })
        }
    }
}

fn client_id(id: &str) -> ClientId {
    ClientId::new(id).expect("the tables' ids are valid")
}

/// Asserts that both stores answer every read alike: every room, user and client id of the scripts, every place, and
/// catch-up from every place in several sizes.
///
/// # Panics
/// When they differ.
pub fn same(store: &dyn Store, oracle: &dyn Store) {
    let mut one = store.reader().expect("an open store gives readers");
    let mut other = oracle.reader().expect("an open store gives readers");
    let mut read = |ask: &Read| {
        let found = one.read(ask).expect("nothing is wrong with the disk");
        let expected = other.read(ask).expect("nothing is wrong with the oracle");
        assert_eq!(found, expected, "{ask:?}");
        found
    };
    let Found::Cursor(Some(head)) = read(&Read::Head) else { panic!("there is always a head") };
    fixed_reads().iter().for_each(|ask| drop(read(ask)));
    let (rooms, head) = (ROOMS.map(hand::room), head.offset.0);
    let all = Read::Since { after: Offset(0), upto: Offset(head), rooms: None, pairs_of: None, bytes: usize::MAX };
    let Found::Events { events, .. } = read(&all) else { panic!("catch-up is answered with events") };
    let mut ids: Vec<_> = events.iter().filter_map(|event| event.message()).map(|message| message.id).collect();
    ids.iter().for_each(|id| drop(read(&Read::Message(*id))));
    ids.extend([MessageId(0), MessageId(u128::MAX), MessageId(1_000_010 << 64)]);
    ids.rotate_left(events.len() % 3);
    let named = ids.iter().rev().take(9).map(|id| Text::from(id.to_string()));
    let named: Arc<[Text]> = named.chain(CLIENT_IDS.map(Text::from)).collect();
    for room in &rooms {
        let senders = vec![hand::user(USERS[events.len() % 3]), hand::user("bob")];
        read(&Read::Find { room: room.clone(), senders, ids: named.clone() });
    }
    read(&Read::Messages(ids.into()));
    let step = usize::try_from(head / 40 + 1).expect("a small log");
    for offset in (0..head + 2).step_by(step).map(Offset) {
        read(&Read::At(offset));
        read(&Read::Born(offset));
        for (index, room) in rooms.iter().enumerate() {
            read(&Read::Page { room: room.clone(), before: Some(offset), most: 3 });
            read(&Read::AtSeq(room.clone(), Seq(offset.0)));
            let (after, upto) = (offset, Offset(offset.0 + 2 * step as u64));
            let some = Some(rooms[index..].to_vec());
            read(&Read::Since { after, upto, rooms: some.clone(), pairs_of: None, bytes: 300 });
            read(&Read::Since { after, upto: Offset(u64::MAX), rooms: some.clone(), pairs_of: None, bytes: 99_999 });
            let (above, below, far) = (Some(offset.0), Some(offset.0), Some(upto.0 + 9));
            for (above, below, skip) in [(above, None, 0), (None, below, 1), (above, far, 1)] {
                read(&hand::within(ROOMS[index], above, below, skip, 4, 40));
            }
            let pairs_of = Some(hand::user(USERS[index]));
            read(&Read::Since { after, upto: Offset(u64::MAX), rooms: some, pairs_of, bytes: 400 });
        }
        read(&Read::Since { after: offset, upto: Offset(head), rooms: None, pairs_of: None, bytes: 200 });
    }
}

fn fixed_reads() -> Vec<Read> {
    let mut reads =
        vec![Read::Keys, Read::Recent(Millis(0)), Read::Recent(Millis(1_000_020)), Read::Feed, Read::Expired];
    reads.extend([(0, 999), (9, 2)].map(|(after, most)| Read::Outbox { after, most }));
    for room in ROOMS.map(hand::room) {
        reads.push(Read::Room(room.clone()));
        reads.extend([2, 99].map(|most| Read::Members { room: room.clone(), most }));
        reads.push(Read::Page { room: room.clone(), before: None, most: usize::MAX });
        for (skip, most) in [(0, u32::MAX), (0, 0), (0, 4), (1, 3), (6, 5), (30, 2), (u32::MAX, 9)] {
            reads.push(hand::history(room.clone(), skip, most));
        }
        for user in USERS.map(hand::user).into_iter().chain([stranger()]) {
            let unread = |most| Read::Unread { room: room.clone(), user: user.clone(), most };
            reads.extend([0, 2, u64::MAX].map(unread));
        }
        for (by, id) in USERS.iter().flat_map(|by| CLIENT_IDS.map(|id| (by, id))) {
            reads.push(Read::Sent { by: hand::user(by), room: room.clone(), client_id: client_id(id) });
        }
    }
    for asker in USERS.map(hand::user) {
        let kinds = hand::KINDS.map(Some).into_iter().chain([None]);
        reads.extend(kinds.map(|kind| Read::Rooms { asker: asker.clone(), kind, most: 3 }));
        reads.push(Read::MadeBy(asker.clone()));
        for (before, most) in [(None, 9), (Some(Offset(9)), 1)] {
            reads.push(Read::Conversations { user: asker.clone(), before, most });
        }
        reads.push(Read::Standings(asker.clone()));
        reads.extend([1, 9].map(|most| Read::Own { user: asker.clone(), room: None, most }));
        reads.extend(ROOMS.map(|room| Read::Own { user: asker.clone(), room: Some(hand::room(room)), most: 1 }));
        reads.extend([0, 2, 9].map(|most| Read::Acquaintances { user: asker.clone(), most }));
        reads.extend(ALIASES.map(|alias| Read::Alias { user: asker.clone(), alias: Text::from(alias) }));
        reads.push(Read::User(Which::Id(asker.clone())));
        reads.push(Read::Person(asker));
    }
    reads.push(Read::Person(stranger()));
    reads.extend(["ann", "Zoë", "zoe", "ann~7"].map(|name| Read::User(Which::Name(Text::from(name)))));
    reads.extend([1, 2, 7, 1_000_000_001].map(|number| Read::User(Which::Number(UserNumber(number)))));
    reads.extend((0..=SESSIONS).map(|key| Read::Session(SessionKey(key.into()))));
    reads
}

fn stranger() -> UserId {
    hand::user("stranger")
}
