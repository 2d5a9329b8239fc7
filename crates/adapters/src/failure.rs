//! What it means when the world breaks under a port.

/// The world broke.
#[derive(Debug, thiserror::Error)]
#[error("{kind}: {what}")]
pub struct Failure {
    /// What it means to those who wait.
    pub kind: FailureKind,
    /// What happened, for the log.
    pub what: String,
    /// The error that it came from.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a failure means to those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FailureKind {
    /// The disk is full; nothing was kept.
    #[error("the disk is full")]
    Full,
    /// The store can't be written; nothing was kept.
    #[error("the store is read-only")]
    ReadOnly,
    /// Whether the batch was kept is not known.
    #[error("the outcome is not known")]
    Unknown,
    /// A row is not what was written.
    #[error("the data is damaged")]
    Corrupt,
    /// The file is not ours, or of a version that we don't know.
    #[error("the file is not a Switchboard store")]
    Foreign,
    /// It can't be reached or opened.
    #[error("the store is not available")]
    Unavailable,
}

impl Failure {
    /// A failure without an error behind it.
    #[must_use]
    pub fn new(kind: FailureKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), source: None }
    }

    /// A failure that came from an error.
    #[must_use]
    pub fn from(
        kind: FailureKind,
        what: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self { kind, what: what.into(), source: Some(Box::new(source)) }
    }
}
