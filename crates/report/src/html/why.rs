//! The section that says why requests were lost: each case with its causes, which unfold to their evidence and cure.

use maud::{Markup, html};

use super::{RunState, sanitize};
use crate::words::why as words;
use lapse_explain::explanation::{Explained, Explanation, Finding};
use lapse_record::record::Record;

/// Groups of cases with a paragraph.
const MAX_GROUPS: usize = 50;

/// The section; nothing if nothing was lost or slow, and nothing while the run goes on, because what follows may change
/// the answer.
pub(super) fn section(record: &Record, state: RunState) -> Markup {
    if state == RunState::GoesOn {
        return Markup::default();
    }
    let explanation = Explanation::of(record);
    let groups = explanation.groups();
    let more = groups.len().saturating_sub(MAX_GROUPS);
    html! {
        @if !groups.is_empty() {
            section #why {
                h2 { (words::HEADING) }
                @for group in groups.iter().take(MAX_GROUPS) { (case(record, group)) }
                @if more > 0 { p.remarks { "and " (more) " more: " code { "lapse explain" } " has them" } }
                @if let Some(said) = words::left_out(&explanation) { p.remarks { (said) } }
                @let hops = words::hops(record, &explanation);
                @if !hops.is_empty() {
                    ul.remarks { @for said in &hops { li { (sanitize(said)) } } }
                }
            }
        }
    }
}

fn case(record: &Record, group: &[Explained]) -> Markup {
    let findings = group.first().map(|case| case.findings.as_slice()).unwrap_or_default();
    html! {
        div.case {
            h3 { (sanitize(&words::heading(record, group))) }
            @if findings.is_empty() { p { (sanitize(&words::not_explained(record))) } }
            @for (nth, one) in findings.iter().enumerate() { (finding(one, nth == 0)) }
            @if let Some(others) = words::others(findings) { p.remarks { (sanitize(&others)) } }
        }
    }
}

/// A cause, unfolded if it comes first.
fn finding(finding: &Finding, first: bool) -> Markup {
    html! {
        details open[first] {
            summary { (sanitize(&words::cause(finding))) }
            ul {
                @for one in &finding.evidence { li { (sanitize(&words::evidence('+', one))) } }
                @for one in &finding.against { li { (sanitize(&words::evidence('-', one))) } }
                @for one in &finding.missing { li.remarks { "missing: " (sanitize(one)) } }
            }
            p { (sanitize(&words::cure(finding))) }
            @if let Some(fix) = finding.fix.as_ref().filter(|fix| !fix.yaml.is_empty()) {
                pre { @for line in fix.yaml.lines() { (sanitize(line)) "\n" } }
            }
        }
    }
}
