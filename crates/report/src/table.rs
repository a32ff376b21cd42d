//! The tables of a record: timeline, failed probes and events.
//!
//! A table has columns and produces rows one by one; `csv` and `parquet` encode them. Rows are not collected, since an
//! hour has millions of them.

mod event;
mod failure;
mod timeline;

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use super::sanitize::sanitize;
use lapse_measure::time::{Offset, nanos};
use lapse_record::record::Record;

/// A table of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// A row for each bin of the run (cut to whole milliseconds, at least one) and each target.
    Timeline {
        /// Time that a row covers.
        bin: Duration,
    },
    /// A row for each failed probe that was kept, in the order in which they resolved.
    Failures,
    /// A row for each event that was kept.
    Events,
}

/// A column's name and type.
pub(super) type Column = (&'static str, Kind);

/// The type of a column. Any field may also be [`Field::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Offsets, which writers convert to dates.
    Instant,
    /// Counts, durations and offsets (names that end in `_ns` or `_ms` give the unit), ports and codes.
    Number,
    /// Sanitised text.
    Text,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Unknown,
    Instant(Offset),
    Number(u64),
    Text(Cow<'a, str>),
}

/// A consumer of rows, which are in the order of the table.
pub(super) type RowSink<'a> = &'a mut dyn FnMut(&[Field<'_>]) -> io::Result<()>;

impl Table {
    pub(super) const fn columns(self) -> &'static [Column] {
        match self {
            Self::Timeline { .. } => &timeline::COLUMNS,
            Self::Failures => &failure::COLUMNS,
            Self::Events => &event::COLUMNS,
        }
    }

    /// Calls `sink` for each row, with one field per column. Stops at its first error and returns it.
    pub(super) fn rows(self, record: &Record, sink: RowSink<'_>) -> io::Result<()> {
        match self {
            Self::Timeline { bin } => timeline::rows(record, bin, sink),
            Self::Failures => failure::rows(record, sink),
            Self::Events => event::rows(record, sink),
        }
    }
}

impl<'a> Field<'a> {
    fn text(text: &'a str) -> Self {
        Self::Text(sanitize(text))
    }

    fn of_text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Unknown, Self::text)
    }

    /// The text of a value that needs no sanitising.
    fn printable(text: &impl ToString) -> Self {
        Self::Text(text.to_string().into())
    }

    fn number(number: Option<impl Into<u64>>) -> Self {
        number.map_or(Self::Unknown, |number| Self::Number(number.into()))
    }

    /// An offset as a number of nanoseconds.
    fn ns(at: Offset) -> Self {
        Self::Number(at.as_nanos())
    }

    /// A duration as a number of nanoseconds.
    fn span(time: Duration) -> Self {
        Self::Number(nanos(time))
    }
}
