//! A store of the version before this one: it opens, and is brought to this one.

use domain::event::What;
use domain::id::{Millis, Offset};
use domain::model::{Role, Status};
use domain::watermark::Mark;
use rusqlite::{Connection, params};

use super::*;
use crate::port::{Found, MarkWrite, Write};
use crate::store::contract::hand;
use crate::store::sqlite::log::{seal, unseal};
use crate::store::sqlite::schema::{INDEX_APPLICATION, INDEX_VERSION, LOG_APPLICATION, LOG_STEPS};

/// Writes a past without edits, deletions, marks and sessions, which the first version had not.
fn past(store: &dyn Store) {
    let mut writer = store.writer().unwrap();
    let rooms = ["lobby", "GUILD#g", "ann+bob"];
    writer.commit(&hand::batch(rooms.map(hand::making))).unwrap();
    for n in 0..12 {
        let by = if n % 2 == 0 { "ann" } else { "bob" };
        let say = |(room, name): (u128, &&str)| hand::saying(name, by, (n << 8) | room);
        writer.commit(&hand::batch((0..).zip(&rooms).map(say).collect::<Vec<_>>())).unwrap();
    }
    let joins = hand::enrolling("GUILD#g", hand::member("mia", Role::Moderator, Status::Active));
    let bars = hand::enrolling("GUILD#g", What::MemberRemoved { user: hand::user("max"), barred: true });
    let meets = hand::meeting("ann", Some("Ann"), 1);
    writer.commit(&hand::batch([joins, bars, meets, hand::saying("GUILD#g", "ann", 1 << 20)])).unwrap();
}

/// A directory whose files are as the first version made them, with the rows of a store's log.
fn of_version_1(rows: &Dir) -> Dir {
    let dir = Dir::new();
    let log = Connection::open(dir.path().join("log.db")).unwrap();
    log.execute_batch("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL").unwrap();
    log.execute_batch(LOG_STEPS[0]).unwrap();
    log.pragma_update(None, "application_id", LOG_APPLICATION).unwrap();
    log.pragma_update(None, "user_version", 1).unwrap();
    log.execute_batch(&format!("ATTACH '{}' AS now", rows.path().join("log.db").display())).unwrap();
    for table in ["events", "rooms", "members", "barred", "ties", "users", "numbers", "keys"] {
        log.execute_batch(&format!("INSERT INTO main.{table} SELECT * FROM now.{table}")).unwrap();
    }
    // A member's row was a role and a status and no more.
    let members: Vec<(i64, String, Vec<u8>)> = {
        let mut all = log.prepare("SELECT room, user, row FROM main.members").unwrap();
        let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(members.len(), 1);
    for (room, user, row) in members {
        let context = [&room.to_le_bytes()[..], user.as_bytes()];
        let short = unseal(&context, &row).and_then(|mut take| take.bytes(2)).unwrap();
        let old = seal(&context, short);
        let set = "UPDATE main.members SET row = ?3 WHERE room = ?1 AND user = ?2";
        log.execute(set, params![room, user, old]).unwrap();
    }
    drop(log);
    let index = Connection::open(dir.path().join("index.db")).unwrap();
    index.execute_batch("CREATE TABLE chunks (room INTEGER, first INTEGER, seq INTEGER, deltas BLOB)").unwrap();
    index.pragma_update(None, "application_id", INDEX_APPLICATION).unwrap();
    index.pragma_update(None, "user_version", INDEX_VERSION - 1).unwrap();
    dir
}

fn version(dir: &Dir, file: &str) -> i32 {
    let file = Connection::open(dir.path().join(file)).unwrap();
    file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_store_of_the_first_version_opens_and_is_brought_to_this_one() {
    let (now, oracle) = (Dir::new(), MemoryStore::new(LIFE));
    past(&now.open());
    past(&oracle);
    let dir = of_version_1(&now);
    let store = dir.open();
    contract::same(&store, &oracle);
    let unread = |store: &SqliteStore| {
        let ask = Read::Unread { room: hand::room("GUILD#g"), user: hand::user("mia"), most: 99 };
        let Found::Count(count) = store.reader().unwrap().read(&ask).unwrap() else { panic!("a count") };
        count
    };
    assert_eq!(unread(&store), 13, "where a member of before began to belong is not known: the room's beginning");
    drop(store);
    assert_eq!(usize::try_from(version(&dir, "log.db")).unwrap(), LOG_STEPS.len());
    assert_eq!(version(&dir, "index.db"), INDEX_VERSION);
    // And again, with something of this version in it.
    let store = dir.open();
    let mark = MarkWrite {
        user: hand::user("bob"),
        room: hand::room("lobby"),
        mark: Mark::Read,
        upto: Some(Offset(20)),
        apart: vec![Offset(23)],
        at: Millis(7),
    };
    let (again, edit) = (hand::member("mia", Role::Owner, Status::Active), hand::editing("lobby", 5, "new", 9));
    let rejoin = [What::MemberRemoved { user: hand::user("mia"), barred: false }, again.clone()];
    let batch = hand::batch([Write::Mark(mark), edit, hand::deleting("ann+bob", 7), hand::enrolling("GUILD#g", again)]);
    for store in [&store as &dyn Store, &oracle] {
        store.writer().unwrap().commit(&batch).unwrap();
    }
    assert_eq!(unread(&store), 13, "another role is no new beginning");
    drop(store);
    let store = dir.open();
    contract::same(&store, &oracle);
    store.writer().unwrap().commit(&hand::batch(rejoin.map(|what| hand::enrolling("GUILD#g", what)))).unwrap();
    assert_eq!(unread(&store), 0);
}

/// The second version knew no profiles, no aliases, and not who is foremost.
#[test]
fn a_store_of_the_second_version_opens_and_is_brought_to_this_one() {
    let (dir, oracle) = (Dir::new(), MemoryStore::new(LIFE));
    let mark = |mark, upto, at| {
        let (user, room) = (hand::user("bob"), hand::room("lobby"));
        Write::Mark(MarkWrite { user, room, mark, upto: Some(Offset(upto)), apart: vec![Offset(23)], at: Millis(at) })
    };
    let writes = [hand::editing("lobby", 5, "new", 9), mark(Mark::Delivered, 9, 5), hand::deleting("ann+bob", 7)];
    past(&dir.open());
    past(&oracle);
    let store = dir.open();
    for store in [&store as &dyn Store, &oracle] {
        store.writer().unwrap().commit(&hand::batch(writes.clone())).unwrap();
    }
    drop(store);
    let log = Connection::open(dir.path().join("log.db")).unwrap();
    let tables = ["profiles", "aliases", "fronts", "apart", "feed", "outbox", "retention"]
        .map(|table| format!("DROP TABLE {table};"))
        .concat();
    log.execute_batch(&format!("{tables} DROP INDEX barred_of; PRAGMA user_version = 2")).unwrap();
    drop(log);
    let store = dir.open();
    contract::same(&store, &oracle);
    let writes = [mark(Mark::Read, 20, 7), hand::registering("zoe", domain::model::Profile::default())];
    for store in [&store as &dyn Store, &oracle] {
        store.writer().unwrap().commit(&hand::batch(writes.clone())).unwrap();
    }
    contract::same(&store, &oracle);
    drop(store);
    assert_eq!(usize::try_from(version(&dir, "log.db")).unwrap(), LOG_STEPS.len());
    contract::same(&dir.open(), &oracle);
}

/// The third version knew no feed.
#[test]
fn a_store_of_the_third_version_opens_and_is_brought_to_this_one() {
    let (dir, oracle) = (Dir::new(), MemoryStore::new(LIFE));
    past(&dir.open());
    past(&oracle);
    let log = Connection::open(dir.path().join("log.db")).unwrap();
    log.execute_batch("DROP TABLE feed; DROP TABLE outbox; DROP TABLE retention; PRAGMA user_version = 3").unwrap();
    drop(log);
    let store = dir.open();
    contract::same(&store, &oracle);
    let (user, room) = (hand::user("bob"), hand::room("lobby"));
    let mark = MarkWrite { user, room, mark: Mark::Read, upto: Some(Offset(20)), apart: Vec::new(), at: Millis(7) };
    let asked = Write::Asked(crate::port::AskedMark { mark, messages: Vec::new() });
    for store in [&store as &dyn Store, &oracle] {
        store.writer().unwrap().commit(&hand::batch([asked.clone()])).unwrap();
    }
    contract::same(&store, &oracle);
    drop(store);
    assert_eq!(usize::try_from(version(&dir, "log.db")).unwrap(), LOG_STEPS.len());
    contract::same(&dir.open(), &oracle);
}

/// The fourth version kept everything for ever.
#[test]
fn a_store_of_the_fourth_version_opens_and_is_brought_to_this_one() {
    let (dir, oracle) = (Dir::new(), MemoryStore::new(LIFE));
    past(&dir.open());
    past(&oracle);
    let log = Connection::open(dir.path().join("log.db")).unwrap();
    log.execute_batch("DROP TABLE retention; PRAGMA user_version = 4").unwrap();
    drop(log);
    let expire = Write::Expire(crate::port::Expiry { before: Millis(u64::MAX), behind_feed: false });
    for store in [&dir.open() as &dyn Store, &oracle] {
        store.writer().unwrap().commit(&hand::batch([expire.clone()])).unwrap();
    }
    contract::same(&dir.open(), &oracle);
    assert_eq!(usize::try_from(version(&dir, "log.db")).unwrap(), LOG_STEPS.len());
}
