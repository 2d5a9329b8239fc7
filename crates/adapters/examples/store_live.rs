//! A store that is told what to do, a line at a time, while the world around it is changed (see `tests/fault/live.py`):
//! `store_live <directory>`, and then on its input `send <batches>`, `read`, `again`, `recover` or `settle`. It answers each
//! with one line: `ok` and what there is, or the failure in words.

mod sends;

use std::collections::BTreeMap;
use std::path::Path;

use adapters::port::{Batch, Failure, Found, Outcome, Read, Reader, Store, Writer};
use adapters::store::sqlite::SqliteStore;
use domain::id::{Life, Offset};

use self::sends::{Trouble, making, number_of, room, send, told};

const ROOM: &str = "room";
const PER_BATCH: u64 = 2_000;
const PAGE: usize = 500;

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
    let dir = std::env::args().nth(1).ok_or("which directory?")?;
    let store = SqliteStore::open(Path::new(&dir), Life(1))?;
    let (mut writer, mut reader) = (store.writer()?, store.reader()?);
    let mut acked = there(&mut *reader)?;
    if reader.read(&Read::Room(room(ROOM)?)).is_ok_and(|found| found == Found::Room(None)) {
        writer.commit(&Batch { life: Life(1), writes: vec![making(ROOM)?] })?;
    }
    println!("ok {}", acked.len());
    for line in std::io::stdin().lines() {
        let line = line?;
        let done = match line.split(' ').collect::<Vec<_>>()[..] {
            ["send", batches] => send_batches(&mut *writer, batches.parse()?, &mut acked),
            ["read"] => read(&mut *reader, &acked),
            ["again"] => again(&mut *writer, &acked),
            ["recover"] => writer.recover().map(drop).map_err(Trouble::from),
            ["settle"] => {
                store.settle();
                Ok(())
            }
            _ => return Err(format!("{line}?").into()),
        };
        match done {
            Ok(()) => println!("ok {}", acked.len()),
            Err(trouble) => println!("{}", told(&*trouble).replace('\n', "; ")),
        }
    }
    Ok(())
}

fn send_batches(writer: &mut dyn Writer, batches: u64, acked: &mut BTreeMap<u64, u64>) -> Result<(), Trouble> {
    for _ in 0..batches {
        let first = acked.len() as u64;
        commit(writer, first..first + PER_BATCH, acked)?;
    }
    Ok(())
}

/// Sends these, which may have been sent before; notes where they are.
fn commit(
    writer: &mut dyn Writer,
    numbers: std::ops::Range<u64>,
    acked: &mut BTreeMap<u64, u64>,
) -> Result<(), Trouble> {
    let writes = numbers.clone().map(|number| send(ROOM, number, &number.to_string())).collect::<Result<_, _>>()?;
    let outcomes = writer.commit(&Batch { life: Life(1), writes })?;
    for (number, outcome) in numbers.zip(&outcomes) {
        let offset = match outcome {
            Outcome::Committed(events) => events.first().map(|event| event.offset.0),
            Outcome::Repeat(event) => Some(event.offset.0),
            Outcome::Conflict
            | Outcome::IdReused
            | Outcome::Stale
            | Outcome::Person(_)
            | Outcome::Adopted { .. }
            | Outcome::User(_)
            | Outcome::Reached { .. }
            | Outcome::Expired(_)
            | Outcome::Done => None,
        };
        let offset = offset.ok_or_else(|| format!("{number} was not taken: {outcome:?}"))?;
        if *acked.entry(number).or_insert(offset) != offset {
            return Err(format!("{number} sent again is at {offset}, and {:?} was told", acked.get(&number)).into());
        }
    }
    Ok(())
}

/// All that is there, by number; offsets have to follow one another.
fn there(reader: &mut dyn Reader) -> Result<BTreeMap<u64, u64>, Trouble> {
    let (mut found, mut last) = (BTreeMap::new(), 1);
    loop {
        let ask =
            Read::Since { after: Offset(last), upto: Offset(u64::MAX), rooms: None, pairs_of: None, bytes: 1 << 20 };
        let events = events(reader, &ask)?;
        if events.is_empty() {
            return Ok(found);
        }
        for (offset, number) in events {
            last += 1;
            if offset != last || number.is_some_and(|number| found.insert(number, offset).is_some()) {
                return Err(format!("{offset} follows {}, with number {number:?}", last - 1).into());
            }
        }
    }
}

fn events(reader: &mut dyn Reader, ask: &Read) -> Result<Vec<(u64, Option<u64>)>, Failure> {
    let Found::Events { events, .. } = reader.read(ask)? else { return Ok(Vec::new()) };
    Ok(events.iter().map(|event| (event.offset.0, number_of(event))).collect())
}

/// The log from its beginning, and pages from the index and from memory: all of what was acknowledged, and nothing else.
fn read(reader: &mut dyn Reader, acked: &BTreeMap<u64, u64>) -> Result<(), Trouble> {
    if there(reader)? != *acked {
        return Err("the log is not what was acknowledged".into());
    }
    let places: BTreeMap<u64, u64> = acked.iter().map(|(number, offset)| (*offset, *number)).collect();
    for part in 1..=10 {
        let before = 3 + acked.len() as u64 * part / 10;
        let expected: Vec<_> =
            places.range(..before).rev().take(PAGE).map(|(offset, of)| (*offset, Some(*of))).collect();
        let mut page = events(reader, &Read::Page { room: room(ROOM)?, before: Some(Offset(before)), most: PAGE })?;
        page.reverse();
        if expected.len() == PAGE && page != expected {
            return Err(format!("the page before {before} is wrong").into());
        }
    }
    Ok(())
}

/// What was acknowledged is known when it is sent again: some of the oldest, and of the newest.
fn again(writer: &mut dyn Writer, acked: &BTreeMap<u64, u64>) -> Result<(), Trouble> {
    let (mut known, count) = (acked.clone(), acked.len() as u64);
    commit(writer, 0..count.min(PER_BATCH), &mut known)?;
    commit(writer, count.saturating_sub(PER_BATCH)..count, &mut known)
}
