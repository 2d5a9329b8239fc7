//! Opening: which part of the log the index has, the rest of it into memory, the filters. An index that is missing,
//! damaged or of another log is made anew here, before anything is served.

use std::path::Path;
use std::sync::Arc;

use domain::id::{Cursor, Life, Offset};
use domain::model::{RoomKey, RoomKind};
use hashbrown::HashMap;
use rusqlite::Connection;

use super::files::Files;
use super::index::{self, State, event_id};
use super::log;
use super::shared::{Handles, Shared, corrupt, held};
use super::tail::{Entry, Tail};
use super::{checkpoint, indexer};
use crate::port::Failure;

/// More of the log than this, not indexed, is indexed before the store opens; the rest goes to the tail.
const REPLAY_MAX: u64 = 50_000;

/// Opens the files, and brings index, tail and filters to the log's head.
pub(super) fn open(dir: &Path, life: Life) -> Result<Arc<Shared>, Failure> {
    let files = Files::open(dir, life)?;
    let handles = match sound_index(&files) {
        Ok(handles) => handles,
        Err(failure) => {
            tracing::warn!(%failure, "the index is made anew from the log");
            files.forget_index()?;
            Handles { log: files.write_log()?, index: files.write_index()? }
        }
    };
    let genesis = log::stamp(&handles.log, 1)?.ok_or_else(|| corrupt("the log has lost its genesis row"))?.0;
    let head = log::head(&handles.log)?;
    let mut indexed = index::state(&handles.index)?.map_or(1, |state| state.indexed);
    while head - indexed > REPLAY_MAX {
        let upto = indexed + REPLAY_MAX;
        let slice = load(&handles, genesis.0, indexed + 1, upto, |_| None)?;
        indexer::add(genesis.0, &handles, &slice)?;
        checkpoint::passive(&handles.index)?;
        indexed = upto;
    }
    let at = log::stamp(&handles.log, indexed)?.ok_or_else(|| corrupt("the log is shorter than it was"))?.0;
    let mut tail = Tail::at(Cursor { life: at, offset: Offset(indexed) });
    load(&handles, genesis.0, indexed + 1, head, |_| None)?.into_iter().for_each(|entry| tail.push(entry));
    let filters = index::filters(&handles.index, indexed)?;
    drop(handles);
    let shared = Shared::new(files, tail, genesis.0);
    *held(&shared.filters) = filters;
    Ok(Arc::new(shared))
}

/// The handles, if the index is one of this very log.
fn sound_index(files: &Files) -> Result<Handles, Failure> {
    let log = files.write_log()?;
    if files.is_index_damaged() {
        return Err(corrupt("it was found damaged while it was used"));
    }
    let index = files.write_index()?;
    let Some(State { life, indexed, mark }) = index::state(&index)? else {
        // A new one. One that lost its state has rows that would be doubled.
        let rows: bool = index
            .query_row("SELECT EXISTS (SELECT 1 FROM chunks)", [], |row| row.get(0))
            .map_err(super::shared::asking("reading the index"))?;
        return if rows { Err(corrupt("it has lost its place")) } else { Ok(Handles { log, index }) };
    };
    let genesis = log::stamp(&log, 1)?.map(|(life, _)| life.0);
    let there = if indexed <= log::head(&log)? { log::stamp(&log, indexed)?.map(|(_, mark)| mark) } else { None };
    if genesis == Some(life) && there == Some(mark) {
        return Ok(Handles { log, index });
    }
    Err(corrupt("it belongs to another log, or to another past of this one"))
}

/// Entries for consecutive rows of the log. `known` may know the last event of a room before them.
fn load(
    handles: &Handles,
    seed: u64,
    from: u64,
    upto: u64,
    known: impl Fn(&RoomKey) -> Option<u64>,
) -> Result<Vec<Entry>, Failure> {
    let mut rooms: HashMap<u64, (RoomKey, bool, u64)> = HashMap::new();
    let mut entries = Vec::new();
    log::rows(&handles.log, from, upto, |offset, row| {
        let birth = row.room;
        if !rooms.contains_key(&birth) {
            let room = log::room_born_at(&handles.log, birth)?;
            let previous = match known(&room.key) {
                Some(previous) => previous,
                None => index::head(&handles.index, birth)?.map_or(0, |head| head.last),
            };
            rooms.insert(birth, (room.key, room.kind == RoomKind::Public, previous));
        }
        let (key, public, last) = rooms.get_mut(&birth).expect("it was just put there");
        let event = Arc::new(row.into_event(offset, key.clone()));
        let id = event_id(seed, &event, birth);
        let previous = std::mem::replace(last, offset);
        entries.push(Entry { event, room: birth, previous, public: *public, id });
        Ok(true)
    })?;
    Ok(entries)
}

/// What the log has beyond the tail: frames of a failed batch that have survived.
pub(super) fn unknown_to(shared: &Shared, handles: &Handles) -> Result<Vec<Entry>, Failure> {
    let (known, head) = (shared.tail().head(), log::head(&handles.log)?);
    if head < known {
        return Err(corrupt(format!("the log ends at {head}, and rows up to {known} were acknowledged")));
    }
    load(handles, shared.seed, known + 1, head, |room| shared.tail().room(room).map(|head| head.last))
}

/// Looks through both files; one line per problem found. Takes as long as reading them takes, beside everything else.
pub(super) fn check(files: &Files) -> Result<Vec<String>, Failure> {
    let mut problems = Vec::new();
    let opened: [(&str, Connection); 2] = [("log.db", files.read_log()?), ("index.db", files.read_index()?)];
    for (name, file) in &opened {
        let what = "checking";
        let mut check = file.prepare("PRAGMA quick_check").map_err(super::shared::asking(what))?;
        let lines = check.query_map([], |row| row.get::<_, String>(0)).map_err(super::shared::asking(what))?;
        for line in lines {
            let line = line.map_err(super::shared::asking(what))?;
            if line != "ok" {
                problems.push(format!("{name}: {line}"));
            }
        }
    }
    Ok(problems)
}
