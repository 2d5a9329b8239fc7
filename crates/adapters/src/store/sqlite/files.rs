//! The data directory: its lock, and the two files opened, checked and made. A file that isn't ours is told from its first
//! hundred bytes, before SQLite may touch it; ours are made under another name and renamed when they are whole, and the
//! directory is synced before anything can be acknowledged.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::id::Life;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::failures::{failed, index_failed, io};
use super::schema::{INDEX, INDEX_APPLICATION, INDEX_VERSION, LOG_APPLICATION, LOG_STEPS, RETENTION_SINCE};
use super::{retention, row};
use crate::port::{Failure, FailureKind};

/// How long a handle waits for a lock that another holds. Only the start of a WAL and its reset ever make one wait.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Where things are.
#[derive(Debug)]
pub(super) struct Files {
    dir: PathBuf,
    /// Held for as long as the store is open.
    _lock: File,
}

impl Files {
    /// Makes the directory if it isn't there, locks it, and makes the log if it isn't there.
    pub(super) fn open(dir: &Path, life: Life) -> Result<Self, Failure> {
        let made: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).collect();
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| io("making", dir, error))?;
        let files = Self { dir: dir.to_owned(), _lock: lock(&dir.join("lock"))? };
        match examine(&files.log(), LOG_APPLICATION)? {
            Sight::Missing => {
                sync_names(dir, &made)?;
                files.make_log(life)?;
            }
            Sight::Ours(version) if usize::try_from(version).is_ok_and(|version| version <= LOG_STEPS.len()) => {}
            Sight::Ours(version) => {
                let what = format!("{} has version {version}, which is newer than this program", files.log().display());
                return Err(Failure::new(FailureKind::Foreign, what));
            }
            Sight::Foreign => return Err(foreign(&files.log())),
        }
        if matches!(examine(&files.index(), INDEX_APPLICATION)?, Sight::Foreign) && !is_garbled_index(&files.index()) {
            return Err(foreign(&files.index()));
        }
        files.may_be_written()?;
        Ok(files)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("log.db")
    }

    pub(super) fn index(&self) -> PathBuf {
        self.dir.join("index.db")
    }

    /// Finds out before SQLite does, which would open what it may not write for reading, and say so at the first write and
    /// without a name. No handle is open yet: closing a file gives up the locks that others in the process have on it.
    fn may_be_written(&self) -> Result<(), Failure> {
        for name in ["log.db", "log.db-wal", "log.db-shm", "index.db", "index.db-wal", "index.db-shm"] {
            let path = self.dir.join(name);
            match OpenOptions::new().write(true).open(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(io("opening", &path, error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes the log under another name, whole and synced, and then gives it its own.
    fn make_log(&self, life: Life) -> Result<(), Failure> {
        let new = self.dir.join("log.db.new");
        remove_database(&new)?;
        // The file is made by us first: SQLite would give it the process's mask.
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
        drop(made.map_err(|error| io("making", &new, error))?);
        let doing = "making the log";
        // Pages of 8 KiB: half the writes to the WAL of 4 KiB ones for a full batch, a tenth of all CPU; a lone message
        // dirties one page either way.
        let log = connect(&new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        log.execute_batch("PRAGMA page_size = 8192; PRAGMA synchronous = FULL; BEGIN")
            .map_err(|error| failed(doing, error))?;
        migrate(&log, 0)?;
        log.execute("INSERT INTO events VALUES (1, ?1)", [row::genesis(life)]).map_err(|error| failed(doing, error))?;
        log.pragma_update(None, "application_id", LOG_APPLICATION).map_err(|error| failed(doing, error))?;
        log.execute_batch("COMMIT; PRAGMA journal_mode = WAL").map_err(|error| failed(doing, error))?;
        log.close().map_err(|(_, error)| failed(doing, error))?;
        let sync = File::open(&new).and_then(|file| file.sync_all());
        sync.and_then(|()| std::fs::rename(&new, self.log())).map_err(|error| io("making", &new, error))?;
        self.sync()
    }

    /// Syncs the directory, so that the files made in it are found after a power cut.
    pub(super) fn sync(&self) -> Result<(), Failure> {
        sync_dir(&self.dir).map_err(|error| io("syncing", &self.dir, error))
    }

    /// Opens the log for writing, brings its tables to the newest version, and has its `-wal` file made and its name
    /// durable: no acknowledgement may rest on a file that a power cut makes nameless.
    pub(super) fn write_log(&self) -> Result<Connection, Failure> {
        let log = connect(&self.log(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let opening = format!("opening {}", self.log().display());
        if log.is_readonly("main").map_err(|error| failed(&opening, error))? {
            return Err(Failure::new(FailureKind::ReadOnly, format!("{} can't be written", self.log().display())));
        }
        let pragmas = "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY;
            PRAGMA secure_delete = ON;
            PRAGMA cache_size = -32768; PRAGMA journal_size_limit = 268435456;";
        log.execute_batch(pragmas).map_err(|error| failed(&opening, error))?;
        let mode: String = log
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
            .map_err(|error| failed(&opening, error))?;
        if mode != "wal" {
            return Err(Failure::new(
                FailureKind::Unavailable,
                format!("the log can't be kept in WAL mode but in {mode}"),
            ));
        }
        let version: u32 =
            log.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|error| failed(&opening, error))?;
        let version = usize::try_from(version).unwrap_or(usize::MAX);
        if version < LOG_STEPS.len() {
            log.execute_batch("BEGIN IMMEDIATE").map_err(|error| failed("migrating the log", error))?;
            migrate(&log, version)?;
            log.execute_batch("COMMIT").map_err(|error| failed("migrating the log", error))?;
        }
        self.sync()?;
        Ok(log)
    }

    /// Opens the log for reading.
    pub(super) fn read_log(&self) -> Result<Connection, Failure> {
        let log = connect(&self.log(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        log.execute_batch("PRAGMA cache_size = -8192; PRAGMA query_only = 1")
            .map_err(|error| failed("opening the log", error))?;
        Ok(log)
    }

    /// Opens the index for reading.
    pub(super) fn read_index(&self) -> Result<Connection, Failure> {
        let index = connect(&self.index(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let pragmas = "PRAGMA cache_size = -8192; PRAGMA query_only = 1";
        index.execute_batch(pragmas).map_err(|error| index_failed("opening the index", error))?;
        Ok(index)
    }

    /// Opens the index for writing; makes it when it isn't there or isn't one that we understand.
    pub(super) fn write_index(&self) -> Result<Connection, Failure> {
        let version = examine(&self.index(), INDEX_APPLICATION)?;
        if matches!(version, Sight::Ours(version) if version == INDEX_VERSION) {
            return open_index(&self.index());
        }
        self.forget_index()?;
        make_index(&self.index())
    }

    /// Begins an index beside the one that there is.
    pub(super) fn new_index(&self) -> Result<Connection, Failure> {
        let new = self.dir.join("index.db.new");
        remove_database(&new)?;
        make_index(&new)
    }

    /// Puts the index that was begun beside it, whole and closed, in the place of the one that there is.
    pub(super) fn replace_index(&self) -> Result<(), Failure> {
        let new = self.dir.join("index.db.new");
        // The old one's WAL must not come back beside the new one: it would be taken for the new one's.
        remove_database(&self.index())?;
        self.sync()?;
        std::fs::rename(&new, self.index()).map_err(|error| io("renaming", &new, error))?;
        remove_database(&new)?;
        self.sync()?;
        remove(&self.note())
    }

    fn note(&self) -> PathBuf {
        self.dir.join("index.damaged")
    }

    /// Leaves a note for the next start that the index is damaged.
    pub(super) fn note_damaged_index(&self) {
        let noted = File::create(self.note()).map_err(|error| io("making", &self.note(), error));
        if let Err(failure) = noted.and_then(|_| self.sync()) {
            tracing::error!(%failure, "it could not be noted that the index is damaged");
        }
    }

    /// Whether there is such a note.
    pub(super) fn is_index_damaged(&self) -> bool {
        self.note().exists()
    }

    /// Removes the index: it can be made again from the log. The note goes when the index has surely gone.
    pub(super) fn forget_index(&self) -> Result<(), Failure> {
        remove_database(&self.index())?;
        self.sync()?;
        remove(&self.note())
    }
}

/// `NORMAL` syncs an index at checkpoints only, on the indexer's own thread: a power cut may take its newest slices, never
/// its soundness.
fn open_index(path: &Path) -> Result<Connection, Failure> {
    let index = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;
        PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 268435456;";
    index.execute_batch(pragmas).map_err(|error| index_failed(&format!("opening {}", path.display()), error))?;
    Ok(index)
}

fn make_index(path: &Path) -> Result<Connection, Failure> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    drop(made.map_err(|error| io("making", path, error))?);
    let index = open_index(path)?;
    let stamp = format!(
        "BEGIN; {INDEX} PRAGMA application_id = {INDEX_APPLICATION}; PRAGMA user_version = {INDEX_VERSION}; COMMIT;
        PRAGMA wal_checkpoint(TRUNCATE)"
    );
    index.execute_batch(&stamp).map_err(|error| failed(&format!("making {}", path.display()), error))?;
    Ok(index)
}

fn migrate(log: &Connection, from: usize) -> Result<(), Failure> {
    for step in &LOG_STEPS[from..] {
        log.execute_batch(step).map_err(|error| failed("migrating the log", error))?;
    }
    if from < RETENTION_SINCE {
        retention::begin(log)?;
    }
    let version = u32::try_from(LOG_STEPS.len()).expect("few steps");
    log.pragma_update(None, "user_version", version).map_err(|error| failed("migrating the log", error))
}

/// A handle that never checkpoints by being closed: whether that works is asked for, never assumed.
fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Failure> {
    let open = || {
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_WAIT)?;
        connection.set_prepared_statement_cache_capacity(128);
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        Ok(connection)
    };
    open().map_err(|error| failed(&format!("opening {}", path.display()), error))
}

fn sync_dir(dir: &Path) -> std::io::Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all())
}

/// Makes the names of a directory and of those above it durable: a power cut takes a whole store whose directory has none.
/// Those that were just `made` have to be; an earlier start that was killed may have made others, which is why all are
/// tried, but one above that can't be opened is none of ours.
fn sync_names(dir: &Path, made: &[&Path]) -> Result<(), Failure> {
    for dir in dir.ancestors().filter(|dir| !dir.as_os_str().is_empty()) {
        let Some(above) = dir.parent() else { break };
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        match sync_dir(above) {
            Err(error) if made.contains(&dir) => return Err(io("syncing", above, error)),
            _ => {}
        }
    }
    Ok(())
}

fn lock(path: &Path) -> Result<File, Failure> {
    let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = open.map_err(|error| io("opening", path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let what = format!("{} is locked: another process has this store open", path.display());
            Err(Failure::new(FailureKind::Unavailable, what))
        }
        Err(TryLockError::Error(error)) => Err(io("locking", path, error)),
    }
}

fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io("removing", path, error)),
        _ => Ok(()),
    }
}

fn foreign(path: &Path) -> Failure {
    let what = format!("{} was not made by Switchboard; it is left as it is", path.display());
    Failure::new(FailureKind::Foreign, what)
}

/// Removes a database with all that SQLite puts beside it.
fn remove_database(path: &Path) -> Result<(), Failure> {
    ["", "-wal", "-shm", "-journal"].iter().try_for_each(|end| {
        let mut path = path.as_os_str().to_owned();
        path.push(end);
        remove(Path::new(&path))
    })
}

enum Sight {
    Missing,
    /// Ours, of this version.
    Ours(i32),
    Foreign,
}

/// Looks at a file's header without SQLite, which might roll something back in it.
fn examine(path: &Path, application: i32) -> Result<Sight, Failure> {
    let mut header = [0; 100];
    match File::open(path).and_then(|mut file| file.read_exact(&mut header)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Sight::Missing),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(Sight::Foreign),
        Err(error) => return Err(io("reading", path, error)),
        Ok(()) => {}
    }
    let field = |at: usize| i32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let ours = header.starts_with(b"SQLite format 3\0") && field(68) == application;
    Ok(if ours { Sight::Ours(field(60)) } else { Sight::Foreign })
}

/// An index that isn't one any more (cut short, overwritten) is ours to rebuild; a sound database of somebody else's under
/// that name is not ours to remove.
fn is_garbled_index(path: &Path) -> bool {
    let mut magic = [0; 16];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_err()
        || magic != *b"SQLite format 3\0"
        || Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).is_ok_and(|other| {
            let id: Result<i32, _> = other.query_row("PRAGMA application_id", [], |row| row.get(0));
            let tables: Result<i64, _> = other.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0));
            matches!(id, Ok(INDEX_APPLICATION)) || !matches!(tables, Ok(1..))
        })
}
