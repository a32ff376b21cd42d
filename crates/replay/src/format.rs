//! The reports of a ledger, each a pure function of what clients did and the verdict on it.

pub mod json;
pub mod junit;
pub mod text;

use std::time::Duration;

use lapse_measure::span::Span;

use crate::account::Account;
use crate::playback::Position;
use crate::verdict::Verdict;

/// A ledger to be reported.
#[derive(Clone, Debug)]
pub struct Report {
    /// The name of the run.
    pub name: String,
    /// The name of the target in it.
    pub target: String,
    /// The part of the run that is played.
    pub part: Span,
    /// How many times as fast as recorded.
    pub speed: f64,
    /// Where the replay was.
    pub position: Position,
    /// For how long the port of the part refuses connections or drops their SYNs, in time of the recording.
    pub unconnectable: Duration,
    /// What clients did.
    pub account: Account,
    /// The verdict; `None` if nothing was expected.
    pub verdict: Option<Verdict>,
}

/// A text with control characters, bidirectional controls and noncharacters as U+FFFD: names of runs may be hostile.
fn sanitize(text: &str) -> String {
    let is_harmful = |letter: char| {
        matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || letter.is_control()
            || matches!(letter, '\u{fffe}' | '\u{ffff}')
    };
    text.replace(is_harmful, "\u{fffd}")
}

/// What a reader has to know of the figures, in sentences.
fn notes(report: &Report) -> Vec<String> {
    let Report { account, unconnectable, .. } = report;
    let mut notes = Vec::new();
    if account.logical.keyless > 0 {
        notes.push(format!(
            "{} without a key counts as that many logical requests: retries among them show as user failures and not as \
             amplification",
            account.logical.keyless
        ));
    }
    if !unconnectable.is_zero() {
        notes.push(format!(
            "for {} of the run the port refuses connections or drops their SYNs: such attempts leave no request here, so \
             a client that never got through is in no figure (to count it as well, expect succeeded>=N of N requests)",
            lapse_measure::time::Human(*unconnectable)
        ));
    }
    if account.left_out > 0 {
        notes.push(format!("left out, with keys beyond those that are told apart: {}", account.left_out));
    }
    if account.outside > 0 {
        notes.push(format!(
            "in no figure, because they came before the start or began after the end: {}",
            account.outside
        ));
    }
    notes
}

#[cfg(test)]
mod tests;
