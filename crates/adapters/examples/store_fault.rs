//! A store at work whose syncs may be made to fail from outside (see `tests/fault/`): `store_fault <directory> <batches>`.
//! Commits numbered sends; after every failure it recovers where that is asked for and sends the same again, as clients
//! do. Then it closes and opens the store, and checks that everything acknowledged is there once, where it was said to be.
//! Prints what happened; fails when anything acknowledged is lost, doubled or moved.

mod sends;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use adapters::port::{Batch, FailureKind, Found, Outcome, Read, Store, Write, Writer};
use adapters::store::sqlite::SqliteStore;
use domain::id::{Life, Offset};

use self::sends::{Trouble, making, number_of, send, told};

const ROOM: &str = "room";

/// Times a batch is sent before the run gives up: ten seconds of them, since an index that was behind has to catch up first.
const TRIES: usize = 2_000;
const PER_BATCH: u64 = 20;

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("{}", told(&*trouble));
            std::process::ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Trouble> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().ok_or("which directory?")?;
    let batches: u64 = args.next().ok_or("how many batches?")?.parse()?;
    let open = || again(|| SqliteStore::open(Path::new(&dir), Life(1)));
    let store = open()?;
    let mut writer = again(|| store.writer())?;
    let mut told: BTreeMap<u64, u64> = BTreeMap::new();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    commit(&mut *writer, &[making(ROOM)?], &mut seen)?;
    for batch in 0..batches {
        let numbers = batch * PER_BATCH..(batch + 1) * PER_BATCH;
        let writes =
            numbers.clone().map(|number| send(ROOM, number, &number.to_string())).collect::<Result<Vec<_>, _>>()?;
        for (number, offset) in numbers.zip(commit(&mut *writer, &writes, &mut seen)?) {
            told.insert(number, offset);
        }
    }
    drop((writer, store));
    check(&open()?, &told)?;
    println!("{} acknowledged, all there once; {seen:?}", told.len());
    Ok(())
}

fn again<T>(mut work: impl FnMut() -> Result<T, adapters::port::Failure>) -> Result<T, adapters::port::Failure> {
    let mut done = work();
    for _ in 0..TRIES {
        if done.is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
        done = work();
    }
    done
}

/// Commits until it is acknowledged; gives the offsets told.
fn commit(writer: &mut dyn Writer, writes: &[Write], seen: &mut BTreeMap<String, u64>) -> Result<Vec<u64>, Trouble> {
    let batch = Batch { life: Life(1), writes: writes.to_vec() };
    let mut note = |what: &str| *seen.entry(what.to_owned()).or_default() += 1;
    let mut last = String::new();
    for _ in 0..TRIES {
        match writer.commit(&batch) {
            Ok(outcomes) => {
                let offset = |outcome: &Outcome| match outcome {
                    Outcome::Committed(events) => events.first().map(|event| event.offset.0),
                    Outcome::Repeat(event) => {
                        note("repeats");
                        Some(event.offset.0)
                    }
                    // The room was made by an attempt that was not known to have succeeded.
                    Outcome::Conflict => Some(2),
                    Outcome::IdReused
                    | Outcome::Stale
                    | Outcome::Person(_)
                    | Outcome::Adopted { .. }
                    | Outcome::User(_)
                    | Outcome::Reached { .. }
                    | Outcome::Expired(_)
                    | Outcome::Done => None,
                };
                let offsets: Option<Vec<u64>> = outcomes.iter().map(offset).collect();
                return offsets.ok_or_else(|| format!("refused: {outcomes:?}").into());
            }
            Err(failure) if failure.kind == FailureKind::Unknown => {
                note("unknown");
                if writer.commit(&batch).is_ok() {
                    return Err("the writer went on without recovery".into());
                }
                again(|| writer.recover())?;
                note("recovered");
            }
            Err(failure) => {
                note(&failure.kind.to_string());
                last = told(&failure);
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
    Err(format!("never acknowledged: {last}; {seen:?}").into())
}

fn check(store: &SqliteStore, told: &BTreeMap<u64, u64>) -> Result<(), Trouble> {
    let ask = Read::Since { after: Offset(0), upto: Offset(u64::MAX), rooms: None, pairs_of: None, bytes: usize::MAX };
    let Found::Events { events, .. } = store.reader()?.read(&ask)? else { return Err("no events".into()) };
    let sent: Vec<_> = events.iter().filter_map(|event| Some((number_of(event)?, event.offset.0))).collect();
    if sent.len() != told.len() {
        return Err(format!("{} were acknowledged, and {} are there", told.len(), sent.len()).into());
    }
    for (number, offset) in sent {
        if told.get(&number) != Some(&offset) {
            return Err(format!("{number} is at {offset}, and {:?} was told", told.get(&number)).into());
        }
    }
    let problems = store.check()?;
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ").into()) }
}
