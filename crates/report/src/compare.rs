//! Reports of runs that are held against each other: one format a file, each a pure function of the comparison.

mod html;
pub mod json;
mod markdown;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, Write};

use crate::format::formats;
use crate::text::Look;
use lapse_compare::Comparison;

formats! {
    /// A format in which a comparison can be reported.
    Format {
        /// For people.
        Text = "text",
        /// For programs: see schema/compare.v1.json.
        Json = "json",
        /// For a comment on a pull request or the summary of a job.
        Markdown = "markdown",
        /// A page with all runs on one axis, in one file.
        Html = "html",
    }
}

impl Format {
    /// Writes the report of `comparison` to `out` in this format. Returns the errors of `out`.
    pub fn write(self, comparison: &Comparison<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Text => text::write(comparison, look, out),
            Self::Json => json::write(comparison, out),
            Self::Markdown => markdown::write(comparison, out),
            Self::Html => html::write(comparison, out),
        }
    }
}
