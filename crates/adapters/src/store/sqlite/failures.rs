//! What failures of SQLite and of the file system mean to those who wait. Of the index's, which of them making it anew
//! helps against: what is wrong with its content, not with the disk's space or the directory.

use std::io::ErrorKind;
use std::path::Path;

use rusqlite::{ErrorCode, ffi};

use crate::port::{Failure, FailureKind};

/// What a failure of SQLite means while nothing is being committed.
pub(super) fn failed(what: &str, error: rusqlite::Error) -> Failure {
    let code = error.sqlite_error().map(|error| error.extended_code);
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => FailureKind::Full,
        // There is no block for the memory that handles share.
        _ if code == Some(ffi::SQLITE_IOERR_SHMSIZE) => FailureKind::Full,
        Some(ErrorCode::ReadOnly) => FailureKind::ReadOnly,
        Some(ErrorCode::DatabaseCorrupt) => FailureKind::Corrupt,
        Some(ErrorCode::NotADatabase) => FailureKind::Foreign,
        Some(ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => FailureKind::Unavailable,
        _ => FailureKind::Unavailable,
    };
    Failure::from(kind, what, error)
}

/// What a failure of SQLite within a commit means: [`FailureKind::Full`] and [`FailureKind::ReadOnly`] are reported by
/// SQLite before a frame that commits was written; after everything else nobody knows.
pub(super) fn uncertain(what: &str, error: rusqlite::Error) -> Failure {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => FailureKind::Full,
        Some(ErrorCode::ReadOnly) => FailureKind::ReadOnly,
        _ => FailureKind::Unknown,
    };
    Failure::from(kind, what, error)
}

pub(super) fn io(what: &str, path: &Path, error: std::io::Error) -> Failure {
    let kind = if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) {
        FailureKind::ReadOnly
    } else if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        FailureKind::Full
    } else {
        FailureKind::Unavailable
    };
    Failure::from(kind, format!("{what} {}", path.display()), error)
}

/// The source of a failure that is the index's damage, or may be.
#[derive(Debug, thiserror::Error)]
#[error("the index is not what was written")]
pub(super) struct IndexDamage(#[source] Option<rusqlite::Error>);

/// What a failed query of the index means. A read, write or sync that failed is damage too: nobody knows what of the file
/// is there after it, and it can be made again.
pub(super) fn index_failed(what: &str, error: rusqlite::Error) -> Failure {
    let passing = error.sqlite_error().is_some_and(|error| {
        let code = error.extended_code;
        let shared_memory =
            [ffi::SQLITE_IOERR_SHMOPEN, ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_SHMLOCK, ffi::SQLITE_IOERR_SHMMAP];
        let locks = [ffi::SQLITE_IOERR_LOCK, ffi::SQLITE_IOERR_UNLOCK, ffi::SQLITE_IOERR_RDLOCK];
        let around = [
            ffi::SQLITE_FULL,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_PERM,
            ffi::SQLITE_BUSY,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_INTERRUPT,
            ffi::SQLITE_NOMEM,
        ];
        shared_memory.contains(&code)
            || locks.contains(&code)
            || code == ffi::SQLITE_IOERR_NOMEM
            || around.contains(&(code & 0xff))
    });
    if passing { failed(what, error) } else { Failure::from(FailureKind::Corrupt, what, IndexDamage(Some(error))) }
}

/// A row of the index isn't what was written.
pub(super) fn corrupt_index(what: impl Into<String>) -> Failure {
    Failure::from(FailureKind::Corrupt, what, IndexDamage(None))
}
