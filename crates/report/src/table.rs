//! What of a record is a table: its timeline, its failed probes, its events.
//!
//! Says which columns there are and what stands in them, row by row; how a table is spelt is its writer's business
//! (`csv`, `parquet`). No row is kept: an hour is millions of them.

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
        /// How much time a row stands for.
        bin: Duration,
    },
    /// A row for each failed probe that was kept, in the order in which they resolved.
    Failures,
    /// A row for each event that was kept.
    Events,
}

/// A column: what it is called, and what stands in it.
pub(super) type Column = (&'static str, Kind);

/// What stands in a column. Any field may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Instants of the run.
    Instant,
    /// Counts, durations (a name that ends in `_ns` or `_ms` says the unit), numbers that name things.
    Number,
    /// Text, harmless to whoever prints it.
    Text,
}

/// What stands in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Unknown,
    Instant(Offset),
    Number(u64),
    Text(Cow<'a, str>),
}

/// Takes the rows of a table, one after the other.
pub(super) type Take<'a> = &'a mut dyn FnMut(&[Field<'_>]) -> io::Result<()>;

impl Table {
    pub(super) const fn columns(self) -> &'static [Column] {
        match self {
            Self::Timeline { .. } => &timeline::COLUMNS,
            Self::Failures => &failure::COLUMNS,
            Self::Events => &event::COLUMNS,
        }
    }

    /// Hands all rows to `take`, each with as many fields as there are columns.
    pub(super) fn rows(self, record: &Record, take: Take<'_>) -> io::Result<()> {
        match self {
            Self::Timeline { bin } => timeline::rows(record, bin, take),
            Self::Failures => failure::rows(record, take),
            Self::Events => event::rows(record, take),
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

    /// What is known to be printable.
    fn spelt(text: &impl ToString) -> Self {
        Self::Text(text.to_string().into())
    }

    fn number(number: Option<impl Into<u64>>) -> Self {
        number.map_or(Self::Unknown, |number| Self::Number(number.into()))
    }

    /// An instant as a number, in nanoseconds after the run began.
    fn ns(at: Offset) -> Self {
        Self::Number(at.as_nanos())
    }

    /// A duration in nanoseconds.
    fn span(time: Duration) -> Self {
        Self::Number(nanos(time))
    }
}
