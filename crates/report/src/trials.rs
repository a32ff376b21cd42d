//! Reports of several trials of one rollout: one format a file, each a pure function of the trials.

mod github;
pub mod json;
mod junit;
mod markdown;
mod text;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use crate::format::formats;
use crate::text::Look;
use crate::words::trials as words;
use lapse_compare::trials::{Trial, Trials};

pub use text::write as write_text;

formats! {
    /// A format in which trials can be reported.
    Format {
        /// For people.
        Text = "text",
        /// For programs: see schema/trials.v1.json.
        Json = "json",
        /// For the summary of a job or a comment on a pull request.
        Markdown = "markdown",
        /// For the test views of CI systems: a case a trial.
        Junit = "junit",
        /// Annotations for GitHub Actions.
        Github = "github",
    }
}

impl Format {
    /// Writes the report of `trials` to `out` in this format. Returns the errors of `out`.
    pub fn write(self, trials: &Trials, look: Look, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Text => text::write(trials, look, None, out),
            Self::Json => json::write(trials, out),
            Self::Markdown => markdown::write(trials, out),
            Self::Junit => junit::write(trials, out),
            Self::Github => github::write(trials, out),
        }
    }
}

/// What one trial came to, in a line for progress.
pub fn in_short(trial: &Trial) -> String {
    words::in_short(trial)
}
