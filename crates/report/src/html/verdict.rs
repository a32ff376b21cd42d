//! The verdict in one word, why, and what to do next: the first thing on the page.

use maud::{Markup, html};

use super::{RunState, sanitize};
use crate::words::phrase::{seconds, some};
use crate::words::{headline, verdict as words};
use lapse_measure::phase::Phase;
use lapse_measure::verdict::Conclusion;
use lapse_record::record::Record;

/// Reasons told one by one; a scenario may have hundreds.
const TOLD: usize = 8;

/// The page's first section.
pub(super) fn section(record: &Record, standing: RunState) -> Markup {
    let verdict = &record.summary.verdict;
    let breaches: Vec<_> = verdict.breaches.iter().map(words::breach).collect();
    let inconclusive: &[String] = if standing == RunState::Over { &verdict.inconclusive } else { &[] };
    let steps = if inconclusive.is_empty() { Vec::new() } else { words::next_steps(record) };
    html! {
        section #verdict class=(tone(record, standing)) {
            h1 { span.word { (word(record, standing)) } " " span.why { (sanitize(&why(record, standing))) } }
            @for sentence in headline::sentences(record) { p.headline { (sanitize(&sentence)) } }
            ul.reasons {
                (reasons("exceeded", &breaches))
                (reasons("in doubt", inconclusive))
                (reasons("next", &steps))
            }
            @if verdict.conclusion == Conclusion::CommandFailed && standing == RunState::Over {
                (last_words(&words::last_words(record)))
            }
        }
    }
}

/// The verdict as a word, as the text report has it.
pub(super) fn word(record: &Record, standing: RunState) -> String {
    match standing {
        RunState::Over => record.summary.verdict.conclusion.to_string().to_uppercase(),
        RunState::GoesOn => "RUNNING".to_owned(),
    }
}

/// Good, bad or unsure.
pub(super) fn tone(record: &Record, standing: RunState) -> &'static str {
    match (standing, record.summary.verdict.conclusion) {
        (RunState::GoesOn, _) => "running",
        (_, Conclusion::Pass) => "good",
        (_, Conclusion::Fail | Conclusion::CommandFailed) => "bad",
        (_, Conclusion::Inconclusive | Conclusion::Interrupted) => "unsure",
    }
}

fn why(record: &Record, standing: RunState) -> String {
    match standing {
        RunState::Over => words::why(record),
        RunState::GoesOn => {
            let phase = record.seen.phases.now().unwrap_or(Phase::Baseline);
            let failed = record.seen.lanes.iter().map(|lane| lane.counts.failed).sum();
            format!("{phase}, {} so far; {} failed", seconds(record.whole().length()), some(failed, "probe"))
        }
    }
}

/// How the command that failed ended.
fn last_words(lines: &[&str]) -> Markup {
    html! {
        @if !lines.is_empty() {
            p.meaning { "its last words:" }
            pre { @for line in lines { (sanitize(line)) "\n" } }
        }
    }
}

fn reasons(what: &str, all: &[String]) -> Markup {
    let more = all.len().saturating_sub(TOLD);
    html! {
        @for one in all.iter().take(TOLD) { li { span.what { (what) } " " (sanitize(one)) } }
        @if more > 0 { li { span.what { (what) } " " (more) " more" } }
    }
}
