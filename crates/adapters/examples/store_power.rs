//! The two ends of the simulated power cuts (see `tests/power/`).
//!
//! `store_power work <directory> <life> <batches> close|exit` commits numbered sends, and after each commit prints
//! `ack <first offset> <last offset> <first number>`; it ends by closing the store, or as it is.
//! `store_power check` reads names of directories, a line each. It opens each, checks all that is there and prints what
//! it found as `ok` and runs `<offset>:<number>x<count>`, else what is wrong. Which of it had to be there, it can't know.

mod sends;

use std::path::Path;
use std::sync::Arc;

use adapters::port::{Batch, Found, Outcome, Read, Reader, Store, Write, Writer};
use adapters::store::sqlite::SqliteStore;
use domain::event::Event;
use domain::id::{Life, Offset};

use self::sends::{Trouble, making, number_of, room, send, told};

const ROOMS: [&str; 3] = ["one", "two", "three"];
/// Batches between two checkpoints beside the work, and between two that everything waits for.
const CHECKPOINT_EVERY: u64 = 7;
const RECOVER_EVERY: u64 = 31;

fn main() -> Result<(), Trouble> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["work", dir, life, batches, end] => {
            work(Path::new(dir), Life(life.parse()?), batches.parse()?, end == "close")
        }
        ["check"] => {
            for dir in std::io::stdin().lines() {
                match check(Path::new(&dir?)) {
                    Ok(found) => println!("ok {found}"),
                    Err(trouble) => println!("{}", told(&*trouble).replace('\n', "; ")),
                }
            }
            Ok(())
        }
        _ => Err("work <directory> <life> <batches> close|exit, or check".into()),
    }
}

fn work(dir: &Path, life: Life, batches: u64, close: bool) -> Result<(), Trouble> {
    let store = SqliteStore::open(dir, life)?;
    let mut writer = store.writer()?;
    let there = everything(&mut *store.reader()?)?;
    let mut next = there.iter().filter_map(|event| number_of(event)).max().map_or(0, |last| last + 1);
    if there.is_empty() {
        let made = ROOMS.into_iter().map(making).collect::<Result<Vec<_>, _>>()?;
        acknowledge(&commit(&mut *writer, life, made)?, None);
    }
    for batch in 1..=batches {
        let count = 1 + mixed(next) % 12;
        let offsets = commit(&mut *writer, life, (next..next + count).map(sent).collect::<Result<_, _>>()?)?;
        acknowledge(&offsets, Some(next));
        next += count;
        if batch % CHECKPOINT_EVERY == 0 {
            store.checkpoint_soon();
        }
        if batch % RECOVER_EVERY == 0 {
            writer.recover()?;
        }
    }
    if !close {
        std::process::exit(0);
    }
    Ok(())
}

/// To the trace, not to anybody who reads it: one write per line.
fn acknowledge(offsets: &[u64], number: Option<u64>) {
    let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
    println!("ack {first} {last} {}", number.map_or_else(|| "-".to_owned(), |number| number.to_string()));
}

/// The offsets of what was committed; repeats are none of it.
fn commit(writer: &mut dyn Writer, life: Life, writes: Vec<Write>) -> Result<Vec<u64>, Trouble> {
    let outcomes = writer.commit(&Batch { life, writes })?;
    let offset = |outcome: &Outcome| match outcome {
        Outcome::Committed(events) => events.first().map(|event| event.offset.0),
        Outcome::Repeat(_)
        | Outcome::Conflict
        | Outcome::IdReused
        | Outcome::Stale
        | Outcome::Person(_)
        | Outcome::Adopted { .. }
        | Outcome::User(_)
        | Outcome::Reached { .. }
        | Outcome::Expired(_)
        | Outcome::Done => None,
    };
    let offsets: Option<Vec<u64>> = outcomes.iter().map(offset).collect();
    offsets.ok_or_else(|| format!("not committed: {outcomes:?}").into())
}

/// A number that follows from another and looks like none.
fn mixed(number: u64) -> u64 {
    (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33
}

fn room_of(number: u64) -> &'static str {
    ROOMS[usize::try_from(mixed(number) % 3).unwrap_or(0)]
}

/// Short texts mostly, and now and then one over many pages; no two alike.
fn content(number: u64) -> String {
    let seed = mixed(number);
    let length = if seed.is_multiple_of(23) { 20_000 } else { seed % 900 };
    let letters = (0..length).map(|at| char::from(b'a' + u8::try_from(mixed(seed ^ at) % 26).unwrap_or(0)));
    format!("{number} {}", letters.collect::<String>())
}

fn sent(number: u64) -> Result<Write, Trouble> {
    send(room_of(number), number, &content(number))
}

fn everything(reader: &mut dyn Reader) -> Result<Vec<Arc<Event>>, Trouble> {
    events(
        reader,
        &Read::Since { after: Offset(0), upto: Offset(u64::MAX), rooms: None, pairs_of: None, bytes: usize::MAX },
    )
}

fn events(reader: &mut dyn Reader, ask: &Read) -> Result<Vec<Arc<Event>>, Trouble> {
    let Found::Events { events, .. } = reader.read(ask)? else { return Err("no events".into()) };
    Ok(events)
}

fn check(dir: &Path) -> Result<String, Trouble> {
    let store = SqliteStore::open(dir, Life(u64::MAX))?;
    let mut reader = store.reader()?;
    let there = everything(&mut *reader)?;
    for (event, offset) in there.iter().zip(2..) {
        if event.offset.0 != offset {
            return Err(format!("offset {offset} is missing: {} follows", event.offset.0).into());
        }
        if let Some(message) = event.message() {
            let number = number_of(event).ok_or("a message without a number")?;
            let known = *message.content == content(number)
                && message.client_id.as_ref().is_some_and(|id| id.as_str() == format!("c{number}"))
                && event.room == room(room_of(number))?;
            if !known {
                return Err(format!("what is at {offset} is not what was sent as {number}").into());
            }
        }
    }
    by_room(&mut *reader, &there)?;
    goes_on(&store, &there)?;
    let problems = store.check()?;
    if problems.is_empty() { Ok(runs(&there)) } else { Err(problems.join("; ").into()) }
}

/// The same, asked of the index: each room's page and catch-up.
fn by_room(reader: &mut dyn Reader, there: &[Arc<Event>]) -> Result<(), Trouble> {
    for name in ROOMS {
        let key = room(name)?;
        let of_room: Vec<_> = there.iter().filter(|event| event.room == key).cloned().collect();
        if of_room.iter().zip(1..).any(|(event, seq)| event.seq.0 != seq) {
            return Err(format!("the room {name} has a gap").into());
        }
        let since = Read::Since {
            after: Offset(0),
            upto: Offset(u64::MAX),
            rooms: Some(vec![key.clone()]),
            pairs_of: None,
            bytes: usize::MAX,
        };
        for ask in [Read::Page { room: key, before: None, most: usize::MAX }, since] {
            if events(reader, &ask)? != of_room {
                return Err(format!("the index and the log differ about {name}: {ask:?}").into());
            }
        }
    }
    Ok(())
}

/// What was sent is known when it is sent again, and what is new comes next.
fn goes_on(store: &SqliteStore, there: &[Arc<Event>]) -> Result<(), Trouble> {
    let mut writer = store.writer()?;
    let messages = || there.iter().filter_map(|event| Some((event.offset, number_of(event)?)));
    let again = messages().map(|(_, number)| sent(number)).collect::<Result<_, _>>()?;
    let outcomes = writer.commit(&Batch { life: Life(u64::MAX), writes: again })?;
    for (outcome, (offset, number)) in outcomes.iter().zip(messages()) {
        if !matches!(outcome, Outcome::Repeat(event) if event.offset == offset) {
            return Err(format!("{number} sent again is no repeat of {offset}: {outcome:?}").into());
        }
    }
    let next = messages().map(|(_, number)| number).max().map_or(0, |last| last + 1);
    let new = if there.is_empty() { making(ROOMS[0])? } else { sent(next)? };
    let (offsets, expected) = (commit(&mut *writer, Life(u64::MAX), vec![new])?, there.len() as u64 + 2);
    if offsets == [expected] { Ok(()) } else { Err(format!("{offsets:?} came next, not {expected}").into()) }
}

fn runs(there: &[Arc<Event>]) -> String {
    let mut runs: Vec<(u64, u64, u64)> = Vec::new();
    for (offset, number) in there.iter().filter_map(|event| Some((event.offset.0, number_of(event)?))) {
        match runs.last_mut() {
            Some((first, from, count)) if *first + *count == offset && *from + *count == number => *count += 1,
            _ => runs.push((offset, number, 1)),
        }
    }
    let runs = runs.iter().map(|(offset, number, count)| format!(" {offset}:{number}x{count}"));
    format!("{}{}", there.len() + 1, runs.collect::<String>())
}
