//! How values are written where several wires write them alike.

use domain::id::Millis;
use jiff::Timestamp;

/// UTC with milliseconds and `Z`: `2026-11-20T11:59:37.027Z`.
#[must_use]
pub fn time(at: Millis) -> String {
    let ms = i64::try_from(at.0).unwrap_or(i64::MAX);
    // Out of jiff's range only past the year 9999, where the last representable moment is as good as any.
    format!("{:.3}", Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX))
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
}
