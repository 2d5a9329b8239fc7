//! Opening: which part of the log the index has, the rest of it into memory, the filters. An index that is missing,
//! damaged or of another log is made anew here, before anything is served.

use std::path::Path;
use std::sync::Arc;

use domain::id::{Cursor, Life, Offset};
use domain::model::{RoomKey, RoomKind};
use domain::rules::person;
use hashbrown::HashMap;
use rusqlite::Connection;

use super::adopt::Moved;
use super::files::Files;
use super::index::{self, State, event_id};
use super::log;
use super::shared::{Handles, Shared, asking, asking_index, corrupt, held};
use super::tail::{Entry, Head, Tail};
use super::{checkpoint, indexer, retention};
use crate::port::{Failure, FailureKind};

/// More of the log than this, not indexed, is indexed before the store opens; the rest goes to the tail.
const REPLAY_MAX: u64 = 50_000;

/// Opens the files, and brings index, tail and filters to the log's head.
pub(super) fn open(dir: &Path, life: Life) -> Result<Arc<Shared>, Failure> {
    let files = Files::open(dir, life)?;
    let log = files.write_log()?;
    let handles = match sound_index(&files, &log) {
        Ok(index) => Handles { log, index },
        Err(failure) if is_index_at_fault(&failure) => {
            tracing::warn!(%failure, "the index is made anew from the log");
            files.forget_index()?;
            Handles { log, index: files.write_index()? }
        }
        Err(failure) => return Err(failure),
    };
    let genesis = log::stamp(&handles.log, 1)?.ok_or_else(|| corrupt("the log has lost its genesis row"))?.0;
    let head = log::head(&handles.log)?;
    let mut indexed = index::state(&handles.index)?.map_or(1, |state| state.indexed);
    if head - indexed > REPLAY_MAX {
        catch_up(&handles, genesis.0, indexed, head - REPLAY_MAX)?;
        indexed = head - REPLAY_MAX;
    }
    let at = log::stamp(&handles.log, indexed)?.ok_or_else(|| corrupt("the log is shorter than it was"))?.0;
    let mut tail = Tail::at(Cursor { life: at, offset: Offset(indexed) });
    load(&handles, genesis.0, indexed + 1, head, |_| None)?.into_iter().for_each(|entry| tail.push(entry));
    let filters = index::filters(&handles.index, indexed)?;
    let expired = retention::kept(&handles.log)?.expired;
    drop(handles);
    let shared = Shared::new(files, tail, genesis.0);
    shared.expire(expired);
    *held(&shared.filters) = filters;
    Ok(Arc::new(shared))
}

/// Brings an index that goes up to one offset up to another.
fn catch_up(handles: &Handles, seed: u64, from: u64, upto: u64) -> Result<(), Failure> {
    let mut indexed = from;
    while indexed < upto {
        let next = upto.min(indexed + REPLAY_MAX);
        let slice = load(handles, seed, indexed + 1, next, |_| None)?;
        indexer::add(seed, handles, &slice)?;
        checkpoint::passive(&handles.index).map_err(asking_index("checkpointing the index"))?;
        indexed = next;
    }
    Ok(())
}

/// Makes the index anew beside the damaged one, up to where that went, and puts it in its place. Only the last step keeps
/// anybody waiting. The caller is the indexer, so that the tail's place stays meanwhile.
pub(super) fn renew_index(shared: &Shared) -> Result<(), Failure> {
    let indexed = shared.tail().indexed();
    let handles = Handles { log: shared.files.read_log()?, index: shared.files.new_index()? };
    catch_up(&handles, shared.seed, 1, indexed)?;
    let filters = index::filters(&handles.index, indexed)?;
    checkpoint::full(&handles.index)?;
    drop(handles);
    shared.alone(Files::replace_index)?;
    *held(&shared.filters) = filters;
    Ok(())
}

/// Whether making the index anew helps. A full disk or a file that may not be opened is no reason to give it up.
fn is_index_at_fault(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Corrupt | FailureKind::Foreign)
}

/// The index, if it is one of this very log.
fn sound_index(files: &Files, log: &Connection) -> Result<Connection, Failure> {
    if files.is_index_damaged() {
        return Err(corrupt("it was found damaged while it was used"));
    }
    let index = files.write_index()?;
    let Some(State { life, indexed, mark }) = index::state(&index)? else {
        // A new one. One that lost its state has rows that would be doubled.
        let rows: bool = index
            .query_row("SELECT EXISTS (SELECT 1 FROM chunks)", [], |row| row.get(0))
            .map_err(asking_index("reading the index"))?;
        return if rows { Err(corrupt("it has lost its place")) } else { Ok(index) };
    };
    let genesis = log::stamp(log, 1)?.map(|(life, _)| life.0);
    let there = if indexed <= log::head(log)? { log::stamp(log, indexed)?.map(|(_, mark)| mark) } else { None };
    if genesis == Some(life) && there == Some(mark) {
        return Ok(index);
    }
    Err(corrupt("it belongs to another log, or to another past of this one"))
}

/// Entries for consecutive rows of the log. `known` may know the last event of a room before them.
fn load(
    handles: &Handles,
    seed: u64,
    from: u64,
    upto: u64,
    known: impl Fn(&RoomKey) -> Option<Head>,
) -> Result<Vec<Entry>, Failure> {
    let mut rooms: HashMap<u64, (RoomKey, bool, u64, u64)> = HashMap::new();
    let mut entries = Vec::new();
    log::rows(&handles.log, from, upto, |offset, row| {
        let birth = row.room;
        if !rooms.contains_key(&birth) {
            let room = log::room_born_at(&handles.log, birth)?;
            let head = match known(&room.key) {
                Some(head) => Some(head),
                None => index::head(&handles.index, birth)?,
            };
            let (last, nth) = head.map_or((0, 0), |head| (head.last, head.nth));
            rooms.insert(birth, (room.key, room.kind == RoomKind::Public, last, nth));
        }
        let (key, public, last, nth) = rooms.get_mut(&birth).expect("it was just put there");
        let event = Arc::new(row.into_event(offset, key.clone()));
        let id = event_id(seed, &event, birth);
        let previous = std::mem::replace(last, offset);
        *nth += u64::from(event.message().is_some());
        entries.push(Entry { event, room: birth, previous, public: *public, id, nth: *nth });
        Ok(true)
    })?;
    Ok(entries)
}

/// Rooms that have another key in the log than in the tail: those of users who waited, and whose adoption nobody was told of.
pub(super) fn moved_in(shared: &Shared, handles: &Handles) -> Result<Vec<Moved>, Failure> {
    let waits = |key: &&RoomKey| matches!(key, RoomKey::Pair(one, other) if person::waits(one) || person::waits(other));
    let tail = shared.tail();
    let rooms = tail.rooms().filter(|(key, _)| waits(key)).map(|(key, head)| (key.clone(), head.room));
    let rooms: Vec<_> = rooms.collect();
    drop(tail);
    let mut moved = Vec::new();
    for (before, room) in rooms {
        let after = log::room_born_at(&handles.log, room)?.key;
        if after != before {
            moved.push(Moved { room, before, after });
        }
    }
    Ok(moved)
}

/// What the log has beyond the tail: frames of a failed batch that have survived.
pub(super) fn unknown_to(shared: &Shared, handles: &Handles) -> Result<Vec<Entry>, Failure> {
    let (known, head) = (shared.tail().head(), log::head(&handles.log)?);
    if head < known {
        return Err(corrupt(format!("the log ends at {head}, and rows up to {known} were acknowledged")));
    }
    load(handles, shared.seed, known + 1, head, |room| shared.tail().room(room))
}

/// Looks through both files; one line per problem found. Takes as long as reading them takes, beside everything else.
pub(super) fn check(shared: &Shared) -> Result<Vec<String>, Failure> {
    let log = faults(&shared.files.read_log()?).map_err(asking("checking the log"))?;
    let index = shared.files.read_index().and_then(|index| faults(&index).map_err(asking_index("checking the index")));
    let index = match index {
        Err(failure) if is_index_at_fault(&failure) => vec![failure.to_string()],
        other => other?,
    };
    if let Some(fault) = index.first() {
        shared.damaged_index(fault);
    }
    let named = |name: &'static str| move |fault: String| format!("{name}: {fault}");
    Ok(log.into_iter().map(named("log.db")).chain(index.into_iter().map(named("index.db"))).collect())
}

fn faults(file: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut check = file.prepare("PRAGMA quick_check")?;
    let lines = check.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}
