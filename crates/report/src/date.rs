//! Formats offsets as UTC dates, to the millisecond.
//!
//! Local time is never used: the same record must give the same bytes wherever the report is made.

use chrono::{DateTime, Utc};

use lapse_measure::time::{Anchor, Offset};

const SECOND_NS: u64 = 1_000_000_000;
const MILLISECOND_NS: u64 = 1_000_000;

/// Formats dates and caches the text of the last second: a table with a row per millisecond formats one date in a
/// thousand rows.
#[derive(Debug)]
pub(super) struct Dates {
    anchor: Anchor,
    /// The cached second since the Unix epoch, and its text.
    second: Option<(u64, String)>,
}

impl Dates {
    /// A formatter for offsets of the run with this `anchor`.
    pub(super) const fn new(anchor: Anchor) -> Self {
        Self { anchor, second: None }
    }

    /// The date at `offset` up to its second (`2023-11-14T22:13:20`), and the milliseconds that follow.
    pub(super) fn at(&mut self, offset: Offset) -> (&str, u64) {
        let unix_ns = self.anchor.date_at(offset).as_nanos();
        let (second, millis) = (unix_ns / SECOND_NS, unix_ns % SECOND_NS / MILLISECOND_NS);
        if self.second.as_ref().is_none_or(|(last, _)| *last != second) {
            self.second = Some((second, format_second(second)));
        }
        (self.second.as_ref().map_or("", |(_, text)| text), millis)
    }
}

/// The date at `offset`: `2023-11-14T22:13:20.000Z`.
pub(super) fn rfc3339(anchor: Anchor, offset: Offset) -> String {
    let mut dates = Dates::new(anchor);
    let (second, millis) = dates.at(offset);
    format!("{second}.{millis:03}Z")
}

/// The time of day at `offset`: `22:13:20.000`. The date comes first if the run began on another day.
pub(super) fn moment(anchor: Anchor, offset: Offset) -> String {
    let (began, at) = (rfc3339(anchor, Offset::ZERO), rfc3339(anchor, offset));
    let day = |date: &str| date.split_once('T').map(|(day, _)| day.to_owned());
    let time = at.split_once('T').map(|(_, time)| time.to_owned()).filter(|_| day(&began) == day(&at));
    time.unwrap_or_else(|| at.replace('T', " ")).trim_end_matches('Z').to_owned()
}

fn format_second(second: u64) -> String {
    let date = i64::try_from(second).ok().and_then(|second| DateTime::<Utc>::from_timestamp(second, 0));
    date.unwrap_or_default().format("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::time::UnixTime;

    #[test]
    fn offsets_print_as_dates_with_milliseconds_cut_not_rounded() {
        let anchor = Anchor { date: UnixTime::from_nanos(1_700_000_000_000_000_000), offset: Offset::from_millis(10) };
        assert_eq!(rfc3339(anchor, Offset::from_nanos(1_010_999_999)), "2023-11-14T22:13:21.000Z");
        assert_eq!(rfc3339(anchor, Offset::ZERO), "2023-11-14T22:13:19.990Z");
        assert_eq!(moment(anchor, Offset::from_millis(15)), "22:13:20.005");
        assert_eq!(moment(anchor, Offset::from_millis(86_400_010)), "2023-11-15 22:13:20.000");
    }

    #[test]
    fn the_largest_offset_still_has_a_date() {
        let anchor = Anchor { date: UnixTime::from_nanos(u64::MAX), offset: Offset::ZERO };
        assert_eq!(rfc3339(anchor, Offset::from_nanos(u64::MAX)), "2554-07-21T23:34:33.709Z");
    }
}
