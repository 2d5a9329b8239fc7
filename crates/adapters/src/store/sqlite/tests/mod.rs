//! The SQLite store held to the port's contract, and to what only files can do.

mod adoption;
mod damage;
mod marks;
mod migrate;
mod own;
mod retention;
mod work;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use domain::id::Life;
use proptest::prelude::*;

use super::*;
use crate::port::Read;
use crate::store::contract::{self, LIFE};
use crate::store::memory::MemoryStore;

/// A directory that goes when it is dropped.
pub(super) struct Dir(PathBuf);

impl Dir {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("switchboard-store-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.0, LIFE).unwrap()
    }

    /// Copies all files, as a power cut or a kill would leave them if every write had reached the disk.
    pub(super) fn copy(&self) -> Self {
        let copy = Self::new();
        for entry in fs::read_dir(&self.0).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), copy.0.join(entry.file_name())).unwrap();
        }
        copy
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A store with its directory; fields drop in this order.
struct Housed {
    store: SqliteStore,
    _dir: Dir,
}

impl Store for Housed {
    fn writer(&self) -> Result<Box<dyn Writer>, Failure> {
        self.store.writer()
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Failure> {
        self.store.reader()
    }
}

#[test]
fn the_sqlite_store_keeps_the_contract() {
    contract::check(&|| {
        let dir = Dir::new();
        Arc::new(Housed { store: dir.open(), _dir: dir })
    });
}

/// As the contract, with everything read from the files: the store is opened anew before each read.
#[test]
fn the_contract_holds_from_the_files_alone() {
    contract::check(&|| {
        let dir = Dir::new();
        Arc::new(Reopened { store: Arc::new(Mutex::new(Some(dir.open()))), dir: Arc::new(dir) })
    });
}

struct Reopened {
    store: Arc<Mutex<Option<SqliteStore>>>,
    dir: Arc<Dir>,
}

impl Reopened {
    fn with<T>(&self, work: impl FnOnce(&SqliteStore) -> T) -> T {
        let mut store = self.store.lock().unwrap();
        drop(store.take());
        work(store.insert(SqliteStore::open(self.dir.path(), Life(99)).unwrap()))
    }

    fn again(&self) -> Self {
        Self { store: self.store.clone(), dir: self.dir.clone() }
    }
}

impl Store for Reopened {
    fn writer(&self) -> Result<Box<dyn Writer>, Failure> {
        Ok(Box::new(self.again()))
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Failure> {
        Ok(Box::new(self.again()))
    }
}

impl Writer for Reopened {
    fn commit(&mut self, batch: &crate::port::Batch) -> Result<Vec<crate::port::Outcome>, Failure> {
        self.with(|store| store.writer()?.commit(batch))
    }

    fn recover(&mut self) -> Result<domain::id::Cursor, Failure> {
        self.with(|store| store.writer()?.recover())
    }
}

impl Reader for Reopened {
    fn read(&mut self, ask: &Read) -> Result<crate::port::Found, Failure> {
        self.with(|store| store.reader()?.read(ask))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is written, it is told and shown as the oracle does: from memory, from the index, after a start, and
    /// from a copy of the files that was taken while the store was open.
    #[test]
    fn any_script_is_told_and_shown_as_the_oracle_does(
        first in proptest::collection::vec(any::<u8>(), 0..800),
        second in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let (dir, oracle) = (Dir::new(), MemoryStore::new(LIFE));
        let store = dir.open();
        contract::play(&first, &store, &oracle);
        contract::same(&store, &oracle);
        let copy = dir.copy();
        drop(store);
        let store = dir.open();
        contract::same(&store, &oracle);
        contract::same(&copy.open(), &oracle);
        contract::play(&second, &store, &oracle);
        contract::same(&store, &oracle);
        store.settle();
        contract::same(&store, &oracle);
        prop_assert_eq!(store.check().unwrap(), Vec::<String>::new());
        drop(store);
        fs::remove_file(dir.path().join("index.db")).unwrap();
        contract::same(&dir.open(), &oracle);
    }
}
