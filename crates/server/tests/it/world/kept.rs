//! What passes between clients and shards, kept in the way of `tests/frames/tap.py` where `FRAMES_KEPT` names a folder: `./test`
//! holds it against the documents.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Bytes of the client's.
    Said = b'c' as isize,
    /// Bytes of the server's.
    Heard = b's' as isize,
    /// The server has closed the connection.
    Ended = b'e' as isize,
}

/// A connection's number, drawn when something first passes on it.
#[derive(Debug, Default)]
pub(super) struct Number(Option<u32>);

impl Number {
    /// Keeps something that has passed.
    pub(super) fn keep(&mut self, what: What, data: &[u8]) {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let Some(file) = file() else { return };
        let number = *self.0.get_or_insert_with(|| NEXT.fetch_add(1, Ordering::Relaxed));
        let length = u32::try_from(data.len()).expect("a buffer's");
        let mut record = number.to_be_bytes().to_vec();
        record.push(what as u8);
        record.extend(length.to_be_bytes());
        record.extend(data);
        file.lock().expect("nobody panics here").write_all(&record).expect("there is room");
    }
}

fn file() -> Option<&'static Mutex<File>> {
    static FILE: OnceLock<Option<Mutex<File>>> = OnceLock::new();
    let open = || {
        let folder = std::env::var_os("FRAMES_KEPT")?;
        let path = std::path::Path::new(&folder).join(format!("{}.tap", std::process::id()));
        Some(Mutex::new(File::create(path).expect("the folder is there")))
    };
    FILE.get_or_init(open).as_ref()
}
