//! How values are written where several wires write them alike.

use std::fmt::{self, Display};

use domain::id::Millis;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// UTC with milliseconds and `Z`: `2026-11-20T11:59:37.027Z`.
#[must_use]
pub fn time(at: Millis) -> String {
    Time(at).to_string()
}

/// A time that is written as [`time`] writes it, without a text in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub Millis);

impl Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = i64::try_from(self.0.0).unwrap_or(i64::MAX);
        // Out of jiff's range only past the year 9999, where the last representable moment is as good as any.
        write!(f, "{:.3}", Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// UTC in whole seconds with `Z`, for clients whose readers of times refuse fractions: `2026-11-20T11:59:37Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub Millis);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0.0 / 1000).unwrap_or(i64::MAX);
        write!(f, "{:.0}", Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX))
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A value that a wire writes as text: ids, cursors, sentences. Domain types don't serialise themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<T>(pub T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds_and_a_zone() {
        for (ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_175_533_994, "2026-11-20T11:52:13.994Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
        ] {
            assert_eq!(time(Millis(ms)), expected);
        }
        assert!(time(Millis(u64::MAX)).ends_with('Z'));
    }

    #[test]
    fn seconds_have_no_fraction_and_are_not_rounded_up() {
        for (ms, expected) in [(0, "1970-01-01T00:00:00Z"), (1_795_175_533_994, "2026-11-20T11:52:13Z")] {
            assert_eq!(Seconds(Millis(ms)).to_string(), expected);
        }
        assert!(Seconds(Millis(u64::MAX)).to_string().ends_with('Z'));
    }
}
