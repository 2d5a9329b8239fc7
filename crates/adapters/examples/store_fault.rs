//! A store at work whose syncs may be made to fail from outside (see `tests/fault/`): `store_fault <directory> <batches>`.
//! Commits numbered sends; after every failure it recovers where that is asked for and sends the same again, as clients
//! do. Then it closes and opens the store, and checks that everything acknowledged is there once, where it was said to be.
//! Prints what happened; fails when anything acknowledged is lost, doubled or moved.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapters::port::{Batch, FailureKind, Found, Outcome, Read, RoomWrite, Store, Write, Writer};
use adapters::store::sqlite::SqliteStore;
use domain::Text;
use domain::event::What;
use domain::id::{ClientId, Door, ExclusionVersion, Life, MessageId, Millis, Offset, RoomName, UserId, UserNumber};
use domain::model::{Message, MessageKind, Person, RoomKey, RoomKind};

type Trouble = Box<dyn std::error::Error>;

/// Times a batch is sent before the run gives up: two seconds' worth and more.
const TRIES: usize = 400;
const PER_BATCH: u64 = 20;

fn main() -> Result<(), Trouble> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().ok_or("which directory?")?;
    let batches: u64 = args.next().ok_or("how many batches?")?.parse()?;
    let open = || again(|| SqliteStore::open(Path::new(&dir), Life(1)));
    let store = open()?;
    let mut writer = again(|| store.writer())?;
    let mut told: BTreeMap<u64, u64> = BTreeMap::new();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    commit(&mut *writer, &[making()?], &mut seen)?;
    for batch in 0..batches {
        let numbers = batch * PER_BATCH..(batch + 1) * PER_BATCH;
        let writes = numbers.clone().map(send).collect::<Result<Vec<_>, _>>()?;
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
                    Outcome::IdReused | Outcome::Stale | Outcome::Person(_) | Outcome::Done => None,
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
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
    Err("never acknowledged".into())
}

fn check(store: &SqliteStore, told: &BTreeMap<u64, u64>) -> Result<(), Trouble> {
    let ask = Read::Since { after: Offset(0), upto: Offset(u64::MAX), rooms: None, bytes: usize::MAX };
    let Found::Events { events, .. } = store.reader()?.read(&ask)? else { return Err("no events".into()) };
    let sent: Vec<_> = events.iter().filter_map(|event| Some((event.message()?, event.offset.0))).collect();
    if sent.len() != told.len() {
        return Err(format!("{} were acknowledged, and {} are there", told.len(), sent.len()).into());
    }
    for (message, offset) in sent {
        let number: u64 = message.content.parse()?;
        if told.get(&number) != Some(&offset) {
            return Err(format!("{number} is at {offset}, and {:?} was told", told.get(&number)).into());
        }
    }
    let problems = store.check()?;
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ").into()) }
}

fn write(under: Option<ExclusionVersion>, what: What) -> Result<Write, Trouble> {
    let id = UserId::new("ann").map_err(|error| error.to_string())?;
    let by = Arc::new(Person { id, number: UserNumber(1), name: Text::from("Ann"), email: None });
    let room = RoomKey::Named(RoomName::new("room").map_err(|error| error.to_string())?);
    let events = vec![(what, ExclusionVersion(0))];
    Ok(Write::Events(RoomWrite { room, under, by, door: Door(1), origin: None, at: Millis(1), events }))
}

fn making() -> Result<Write, Trouble> {
    write(None, What::RoomMade { kind: RoomKind::Public, title: Text::from("A room"), seats: None })
}

fn send(number: u64) -> Result<Write, Trouble> {
    let message = Message {
        id: MessageId(number.into()),
        kind: MessageKind::Text,
        content: Text::from(number.to_string()),
        reply_to: None,
        client_id: Some(ClientId::new(&format!("c{number}")).map_err(|error| error.to_string())?),
        extra: None,
    };
    write(Some(ExclusionVersion(0)), What::Sent(message))
}
