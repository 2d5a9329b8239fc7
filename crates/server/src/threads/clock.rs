//! The one place that looks at a clock. Everything else gets the time as an argument.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use domain::id::Millis;

/// The wall clock as it stood at the start, and the time that has passed since: it never goes back, whatever an operator
/// or a time server does to the wall clock meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began_at: Millis,
    began: Instant,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the shell that looks at the clock for all others")]
    pub fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began_at: Millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)), began: Instant::now() }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.began_at.plus(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}
