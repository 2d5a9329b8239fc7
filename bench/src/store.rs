//! What the SQLite store carries, on real rows: `bench store --rows 10000000 --per-batch 1000 --rooms 500`. Every send has
//! a client id of its own and 200 bytes of content; rooms are chosen at random. Says durable rows per second, CPU, the
//! batches' times, what indexing adds, and what reads cost afterwards.
#![expect(clippy::disallowed_methods, reason = "a measurement looks at the clock")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;

use adapters::port::{Batch, Found, Outcome, Read, Reader, RoomWrite, Store, Write};
use adapters::store::sqlite::SqliteStore;
use domain::Text;
use domain::event::What;
use domain::id::{
    ClientId, ConnectionId, Door, ExclusionVersion, Life, MessageId, Millis, Offset, RoomName, Seq, UserId, UserNumber,
};
use domain::model::{Message, MessageKind, Person, RoomKey, RoomKind};

#[derive(Args)]
pub(crate) struct Options {
    /// Rows to write.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Sends in a batch: one transaction, one sync.
    #[arg(long, default_value_t = 1000)]
    per_batch: u64,
    /// Rooms, chosen at random.
    #[arg(long, default_value_t = 500)]
    rooms: u64,
    /// Where; a directory that is removed afterwards.
    #[arg(long)]
    dir: Option<PathBuf>,
}

struct Ask {
    rows: u64,
    per_batch: u64,
    rooms: u64,
    dir: PathBuf,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let Options { rows, per_batch, rooms, .. } = *options;
    let dir = options.dir.clone().unwrap_or_else(|| std::env::temp_dir().join("switchboard-store-bench"));
    drop(std::fs::remove_dir_all(&dir));
    let ask = Ask { rows, per_batch, rooms, dir };
    println!("{rows} rows, {per_batch} a batch, {rooms} rooms, 200 bytes, client ids on");
    let keys: Vec<RoomKey> = (0..rooms).map(key).collect::<Result<_, _>>()?;
    let store = SqliteStore::open(&ask.dir, Life(1))?;
    write(&ask, &store, &keys)?;
    read(&ask, &store, &keys)?;
    let closing = Instant::now();
    drop(store);
    let opening = Instant::now();
    drop(SqliteStore::open(&ask.dir, Life(1))?);
    println!("closing {:.0?}, opening (and closing) again {:.0?}", opening - closing, opening.elapsed());
    sizes(&ask)?;
    drop(std::fs::remove_dir_all(&ask.dir));
    Ok(())
}

fn key(number: u64) -> anyhow::Result<RoomKey> {
    Ok(RoomKey::Named(RoomName::new(&format!("room-{number}")).map_err(|error| anyhow::anyhow!("{error}"))?))
}

/// A small generator of numbers; the run is the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

fn write(ask: &Ask, store: &SqliteStore, keys: &[RoomKey]) -> anyhow::Result<()> {
    let mut writer = store.writer()?;
    let people: Vec<_> = (1..=1000).map(person).collect::<Result<_, _>>()?;
    let content = Text::from("x".repeat(200));
    let mut dice = Dice(88_172_645_463_325_252);
    let made: Vec<_> = keys.iter().map(|key| making(key, &people[0])).collect();
    for batch in made.chunks(1000) {
        writer.commit(&Batch { life: Life(2), writes: batch.to_vec() })?;
    }
    let (start, cpu_start) = (Instant::now(), cpu()?);
    let (mut times, mut making, mut sent) = (Vec::new(), Duration::ZERO, 0_u64);
    let mut tenth = Instant::now();
    while sent < ask.rows {
        let begun = Instant::now();
        let writes = (0..ask.per_batch.min(ask.rows - sent)).map(|_| {
            sent += 1;
            let room = usize::try_from(dice.roll(ask.rooms)).unwrap_or(0);
            let by = &people[usize::try_from(dice.roll(1000)).unwrap_or(0)];
            // As ids are drawn: the time in milliseconds, and then at random.
            let (random, ms) = (u128::from(dice.roll(u64::MAX)), 1_760_000_000_000 + u128::from(sent / 300));
            let id = (ms << 80) | (7 << 76) | ((random & 0xfff) << 64) | (2 << 62) | (random >> 14);
            send(&keys[room], by, &content, MessageId(id), sent)
        });
        let batch = Batch { life: Life(2), writes: writes.collect::<Result<_, _>>()? };
        making += begun.elapsed();
        let begun = Instant::now();
        let outcomes = writer.commit(&batch)?;
        times.push(begun.elapsed());
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Committed(_))), "every send is new");
        if sent.is_multiple_of((ask.rows / 10).max(1)) && ask.rows >= 5_000_000 {
            println!("  {sent} rows, the last tenth in {:.2?}", tenth.elapsed());
            tenth = Instant::now();
        }
    }
    let wrote = start.elapsed();
    let cpu_wrote = cpu()? - cpu_start;
    store.settle();
    let (settled, cpu_settled) = (start.elapsed(), cpu()? - cpu_start);
    let millions = ask.rows as f64 / 1e6;
    let rate = |time: Duration| ask.rows as f64 / time.as_secs_f64();
    times.sort_unstable();
    let commits: Duration = times.iter().sum();
    println!(
        "durable rows/s     {:>9.0}  ({:.0} all indexed; {:.0} in commits alone)",
        rate(wrote),
        rate(settled),
        rate(commits)
    );
    println!(
        "CPU s per million  {:>9.2}  ({:.2} all indexed, {:.2} of it to make the sends)",
        cpu_wrote / millions,
        cpu_settled / millions,
        making.as_secs_f64() / millions
    );
    let at = |permille: usize| times[(times.len() - 1) * permille / 1000];
    println!(
        "a batch            p50 {:.2?}, p99 {:.2?}, p99.9 {:.2?}, most {:.2?}",
        at(500),
        at(990),
        at(999),
        at(1000)
    );
    Ok(())
}

fn read(ask: &Ask, store: &SqliteStore, keys: &[RoomKey]) -> anyhow::Result<()> {
    let mut reader = store.reader()?;
    let Found::Cursor(Some(head)) = reader.read(&Read::Head)? else { anyhow::bail!("no head") };
    let mut dice = Dice(42);
    let mut room = |dice: &mut Dice| keys[usize::try_from(dice.roll(ask.rooms)).unwrap_or(0)].clone();
    let pages = |dice: &mut Dice, room: &mut dyn FnMut(&mut Dice) -> RoomKey, old: bool| -> Vec<Read> {
        let before = |dice: &mut Dice| old.then(|| Offset(dice.roll(head.offset.0)));
        (0..10_000).map(|_| Read::Page { room: room(dice), before: before(dice), most: 50 }).collect()
    };
    let asks = pages(&mut dice, &mut room, false);
    time("a page of 50, the newest", &mut *reader, &asks)?;
    let asks = pages(&mut dice, &mut room, true);
    time("a page of 50, anywhere", &mut *reader, &asks)?;
    let most = (ask.rows / ask.rooms).max(1);
    let asks: Vec<_> = (0..10_000).map(|_| Read::AtSeq(room(&mut dice), Seq(dice.roll(most) + 1))).collect();
    time("a place by seq", &mut *reader, &asks)?;
    let since = |dice: &mut Dice, rooms| Read::Since {
        after: Offset(dice.roll(head.offset.0)),
        upto: head.offset,
        rooms,
        pairs_of: None,
        bytes: 64 * 1024,
    };
    let asks: Vec<_> = (0..2_000)
        .map(|_| {
            let rooms = (0..5).map(|_| room(&mut dice)).collect();
            since(&mut dice, Some(rooms))
        })
        .collect();
    time("64 KiB of five rooms, from anywhere", &mut *reader, &asks)?;
    let asks: Vec<_> = (0..2_000).map(|_| since(&mut dice, None)).collect();
    time("64 KiB of all rooms, from anywhere", &mut *reader, &asks)
}

fn time(what: &str, reader: &mut dyn Reader, asks: &[Read]) -> anyhow::Result<()> {
    let (mut times, mut events) = (Vec::new(), 0);
    for ask in asks {
        let begun = Instant::now();
        if let Found::Events { events: found, .. } = reader.read(ask)? {
            events += found.len();
        }
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("{what:<36} p50 {p50:.1?}, p99 {p99:.1?}, {} events each", events / asks.len());
    Ok(())
}

fn person(number: u32) -> anyhow::Result<Arc<Person>> {
    let id = UserId::new(&format!("user-{number:032}")).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(Arc::new(Person { id, number: UserNumber(number), name: Text::from(format!("User {number}")), email: None }))
}

fn room_write(room: &RoomKey, by: &Arc<Person>, under: Option<u64>, at: u64, what: What) -> Write {
    Write::Events(RoomWrite {
        room: room.clone(),
        under: under.map(ExclusionVersion),
        by: by.clone(),
        door: Door(1),
        origin: Some(ConnectionId(7)),
        at: Millis(1_760_000_000_000 + at),
        alias: None,
        events: vec![(what, ExclusionVersion(0))],
    })
}

fn making(room: &RoomKey, by: &Arc<Person>) -> Write {
    room_write(room, by, None, 0, What::RoomMade { kind: RoomKind::Public, title: Text::from("A room"), seats: None })
}

fn send(room: &RoomKey, by: &Arc<Person>, content: &Text, id: MessageId, at: u64) -> anyhow::Result<Write> {
    let client_id = ClientId::new(&format!("{:032x}", id.0)).map_err(|error| anyhow::anyhow!("{error}"))?;
    let message = Message {
        id,
        kind: MessageKind::Text,
        content: content.clone(),
        reply_to: None,
        client_id: Some(client_id),
        extra: None,
    };
    Ok(room_write(room, by, Some(0), at, What::Sent(message)))
}

/// Seconds of CPU that this process has used, from the scheduler's own count.
fn cpu() -> anyhow::Result<f64> {
    let mut nanos = 0_u64;
    for task in std::fs::read_dir("/proc/self/task")? {
        let stat = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanos += stat.split_whitespace().next().unwrap_or("0").parse::<u64>()?;
    }
    Ok(nanos as f64 / 1e9)
}

fn sizes(ask: &Ask) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(&ask.dir)? {
        let entry = entry?;
        let bytes = entry.metadata()?.len();
        if bytes > 1_000_000 {
            println!(
                "{:<10} {:>6} MB, {} bytes a row",
                entry.file_name().display(),
                bytes / 1_000_000,
                bytes / ask.rows
            );
        }
    }
    Ok(())
}
