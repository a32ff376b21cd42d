//! The first section of the page: the verdict, its reasons, and what to do next.

use maud::{Markup, html};

use super::{RunState, sanitize};
use crate::words::phrase::{seconds, some};
use crate::words::{headline, verdict as words};
use lapse_measure::phase::Phase;
use lapse_measure::verdict::Conclusion;
use lapse_record::record::Record;

/// Reasons listed one by one; a scenario may have hundreds.
const MAX_REASONS: usize = 8;

/// The section with the verdict. For a run that goes on, its phase and failures so far take the verdict's place.
pub(super) fn section(record: &Record, state: RunState) -> Markup {
    let verdict = &record.summary.verdict;
    let breaches: Vec<_> = verdict.breaches.iter().map(words::breach).collect();
    let inconclusive: &[String] = if state == RunState::Over { &verdict.inconclusive } else { &[] };
    let steps = if inconclusive.is_empty() { Vec::new() } else { words::next_steps(record) };
    html! {
        section #verdict class=(tone(record, state)) {
            h1 { span.word { (word(record, state)) } " " span.why { (sanitize(&why(record, state))) } }
            @for sentence in headline::sentences(record) { p.headline { (sanitize(&sentence)) } }
            ul.reasons {
                (reasons("exceeded", &breaches))
                (reasons("in doubt", inconclusive))
                (reasons("next", &steps))
            }
            @if verdict.conclusion == Conclusion::CommandFailed && state == RunState::Over {
                (last_words(&words::last_words(record)))
            }
        }
    }
}

/// The verdict as a word in capitals, as in the text report; `RUNNING` for a run that goes on.
pub(super) fn word(record: &Record, state: RunState) -> String {
    match state {
        RunState::Over => record.summary.verdict.conclusion.to_string().to_uppercase(),
        RunState::GoesOn => "RUNNING".to_owned(),
    }
}

/// The CSS class for the colour of the verdict.
pub(super) fn tone(record: &Record, state: RunState) -> &'static str {
    match (state, record.summary.verdict.conclusion) {
        (RunState::GoesOn, _) => "running",
        (_, Conclusion::Pass) => "good",
        (_, Conclusion::Fail | Conclusion::CommandFailed) => "bad",
        (_, Conclusion::Inconclusive | Conclusion::Interrupted) => "unsure",
    }
}

fn why(record: &Record, state: RunState) -> String {
    match state {
        RunState::Over => words::why(record),
        RunState::GoesOn => {
            let phase = record.seen.phases.now().unwrap_or(Phase::Baseline);
            let failed = record.seen.lanes.iter().map(|lane| lane.counts.failed).sum();
            format!("{phase}, {} so far; {} failed", seconds(record.whole().length()), some(failed, "probe"))
        }
    }
}

/// The last output lines of the failed command; nothing if it printed none.
fn last_words(lines: &[&str]) -> Markup {
    html! {
        @if !lines.is_empty() {
            p.meaning { "its last words:" }
            pre { @for line in lines { (sanitize(line)) "\n" } }
        }
    }
}

fn reasons(what: &str, all: &[String]) -> Markup {
    let more = all.len().saturating_sub(MAX_REASONS);
    html! {
        @for one in all.iter().take(MAX_REASONS) { li { span.what { (what) } " " (sanitize(one)) } }
        @if more > 0 { li { span.what { (what) } " " (more) " more" } }
    }
}
