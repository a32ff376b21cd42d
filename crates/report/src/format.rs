//! The lists of report formats: the name, purpose and cargo feature of each; of those of a run also the writer.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use lapse_record::record::Record;

use super::table::Table;
use super::text::Look;
use super::{csv, github, grafana, html, json, junit, markdown, openmetrics, svg, text, trace};

/// The formats of one thing that is reported: of a run, of a comparison, of a history.
pub trait Named: Copy + Eq + fmt::Debug + Send + Sync + 'static {
    /// Every format, in the order in which help texts list them.
    const ALL: &'static [Self];

    /// The format's name on the command line: `csv-failures`.
    fn name(self) -> &'static str;

    /// The format's purpose in one line, for help texts: the doc comment of its variant.
    fn purpose(self) -> &'static str;

    /// The cargo feature that the format needs and that this build lacks; `None` if the format is available.
    fn missing_feature(self) -> Option<&'static str>;
}

/// Defines an enum of formats and their names from one list, so that a new format is one line there and the compiler
/// names the matches that lack it.
macro_rules! formats {
    ($(#[doc = $of:literal])+ $list:ident {
        $($(#[doc = $doc:literal])+ $variant:ident = $name:literal $(needs $feature:literal)?,)+
    }) => {
        $(#[doc = $of])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $list {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl $crate::format::Named for $list {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            fn purpose(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii(),)+
                }
            }

            fn missing_feature(self) -> Option<&'static str> {
                match self {
                    $($(Self::$variant if !cfg!(feature = $feature) => Some($feature),)?)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $list {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad($crate::format::Named::name(*self))
            }
        }
    };
}
pub(crate) use formats;

formats! {
    /// A format in which a run can be reported.
    Format {
        /// For people.
        Text = "text",
        /// For programs: see schema/report.v1.json.
        Json = "json",
        /// The timeline, a row a millisecond and target.
        Csv = "csv",
        /// Failed probes, a row each.
        CsvFailures = "csv-failures",
        /// Events, a row each.
        CsvEvents = "csv-events",
        /// The timeline as Apache Parquet, for DuckDB, pandas and their like.
        Parquet = "parquet" needs "parquet",
        /// Failed probes as Apache Parquet.
        ParquetFailures = "parquet-failures" needs "parquet",
        /// Events as Apache Parquet.
        ParquetEvents = "parquet-events" needs "parquet",
        /// A page to look at, in one file.
        Html = "html",
        /// For the test views of CI systems: a case a budget and lane.
        Junit = "junit",
        /// For the summary of a job or a comment on a pull request.
        Markdown = "markdown",
        /// Annotations for GitHub Actions.
        Github = "github",
        /// For a push gateway.
        Openmetrics = "openmetrics",
        /// Annotations for Grafana, a JSON object a line.
        Grafana = "grafana",
        /// A still picture, for chat and slides.
        Svg = "svg",
        /// The same picture in pixels.
        Png = "png" needs "png",
        /// A trace for ui.perfetto.dev.
        Trace = "trace",
    }
}

/// Settings for the formats that have any: the text report and the timeline tables.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The width, the colours and the characters of the text report.
    pub look: Look,
    /// Time that a row of the timeline tables covers.
    pub bin: Duration,
}

// === impl Format ===

impl Format {
    /// Whether the output is binary and so cannot go to a terminal.
    pub const fn is_binary(self) -> bool {
        match self {
            Self::Parquet | Self::ParquetFailures | Self::ParquetEvents | Self::Png => true,
            Self::Text
            | Self::Json
            | Self::Csv
            | Self::CsvFailures
            | Self::CsvEvents
            | Self::Html
            | Self::Junit
            | Self::Markdown
            | Self::Github
            | Self::Openmetrics
            | Self::Grafana
            | Self::Svg
            | Self::Trace => false,
        }
    }

    /// Writes the report of `record` to `out` in this format. Returns the errors of `out`, and
    /// [`Unsupported`](io::ErrorKind::Unsupported) if the format has a [`missing_feature`](Named::missing_feature).
    pub fn write(self, record: &Record, options: Options, out: &mut (impl Write + Send)) -> io::Result<()> {
        let timeline = Table::Timeline { bin: options.bin };
        match self {
            Self::Text => text::write(record, options.look, None, out),
            Self::Json => json::write(record, out),
            Self::Csv => csv::write(record, timeline, out),
            Self::CsvFailures => csv::write(record, Table::Failures, out),
            Self::CsvEvents => csv::write(record, Table::Events, out),
            Self::Parquet => parquet(record, timeline, out),
            Self::ParquetFailures => parquet(record, Table::Failures, out),
            Self::ParquetEvents => parquet(record, Table::Events, out),
            Self::Html => html::write(record, out),
            Self::Junit => junit::write(record, out),
            Self::Markdown => markdown::write(record, out),
            Self::Github => github::write(record, out),
            Self::Openmetrics => openmetrics::write(record, out),
            Self::Grafana => grafana::write(record, out),
            Self::Svg => svg::write(record, out),
            Self::Png => png(record, out),
            Self::Trace => trace::write(record, out),
        }
    }
}

#[cfg(feature = "parquet")]
use super::parquet::write as parquet;
#[cfg(feature = "png")]
use super::png::write as png;

#[cfg(not(feature = "parquet"))]
fn parquet(_: &Record, _: Table, _: &mut (impl Write + Send)) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this lapse was built without the feature `parquet`"))
}

#[cfg(not(feature = "png"))]
fn png(_: &Record, _: &mut impl Write) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this lapse was built without the feature `png`"))
}
