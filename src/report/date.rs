//! Offsets as dates.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::measure::time::{Anchor, Offset};

/// RFC 3339 with milliseconds, in UTC: `2026-11-22T20:15:03.142Z`.
pub(super) fn rfc3339(anchor: Anchor, at: Offset) -> String {
    date(anchor, at).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The time of the day, in UTC: `20:15:03.142`.
pub(super) fn time(anchor: Anchor, at: Offset) -> String {
    date(anchor, at).format("%H:%M:%S%.3f").to_string()
}

/// The day, in UTC: `2026-11-22`.
pub(super) fn day(anchor: Anchor, at: Offset) -> String {
    date(anchor, at).format("%Y-%m-%d").to_string()
}

fn date(anchor: Anchor, at: Offset) -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(i64::try_from(anchor.unix_ns_at(at)).unwrap_or(i64::MAX))
}
