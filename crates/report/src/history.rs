//! Reports of many runs in the order of time: one format a file, each a pure function of the history.

mod benchmark;
mod gitlab;
mod html;
pub mod json;
mod markdown;
mod text;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use crate::format::formats;
use crate::text::Look;
use lapse_compare::history::History;

formats! {
    /// A format in which a history can be reported.
    Format {
        /// For people: a line a run, percentiles, trends, and the budgets that would have held.
        Text = "text",
        /// For programs: see schema/history.v1.json.
        Json = "json",
        /// For the summary of a job or a comment: the newest runs.
        Markdown = "markdown",
        /// A page with charts, and links to the pages of the runs from their folder.
        Html = "html",
        /// The newest run, for github-action-benchmark with the tool `customSmallerIsBetter`.
        GithubActionBenchmark = "github-action-benchmark",
        /// The newest run, for a metrics report of GitLab CI.
        GitlabMetrics = "gitlab-metrics",
    }
}

impl Format {
    /// Whether the format has the newest run alone.
    pub const fn is_of_the_newest_run(self) -> bool {
        match self {
            Self::GithubActionBenchmark | Self::GitlabMetrics => true,
            Self::Text | Self::Json | Self::Markdown | Self::Html => false,
        }
    }

    /// Writes the report of `history` to `out` in this format. Returns the errors of `out`.
    pub fn write(self, history: &History, look: Look, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Text => text::write(history, look, out),
            Self::Json => json::write(history, out),
            Self::Markdown => markdown::write(history, out),
            Self::Html => html::write(history, out),
            Self::GithubActionBenchmark => benchmark::write(history, out),
            Self::GitlabMetrics => gitlab::write(history, out),
        }
    }
}
