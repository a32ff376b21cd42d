//! Why requests were lost, in words: the likely causes of each case, their evidence, the cure, and the hop.

use super::phrase::{seconds, some};
use lapse_explain::explanation::{Evidence, Explained, Explanation, Finding};
use lapse_measure::span::Span;
use lapse_measure::time::{Human, Offset};
use lapse_record::record::Record;

pub(crate) const HEADING: &str = "Why (times count from the start of the run)";

/// The heading of neighbouring cases with the same first cause: target, time, and what was lost.
pub(crate) fn heading(record: &Record, group: &[Explained]) -> String {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return String::new() };
    let name = &record.summary.target(first.target).name;
    let several = if group.len() > 1 { format!("{}, ", some(group.len() as u64, "episode")) } else { String::new() };
    let failed: u64 = group.iter().map(|case| case.failed).sum();
    let slow: u64 = group.iter().map(|case| case.slow).sum();
    let cost = if failed > 0 { some(failed, "failed probe") } else { some(slow, "slow answer") };
    format!("{name}, {several}{}: {cost}", span(Span::new(first.span.from, last.span.to)))
}

/// `6.784 to 8.897 s`, or the one time if both are equal.
fn span(span: Span) -> String {
    let at = |offset: Offset| seconds(offset.since(Offset::ZERO));
    if span.from == span.to {
        at(span.from)
    } else {
        format!("{} to {}", at(span.from).trim_end_matches(" s"), at(span.to))
    }
}

/// `endpoint-race, likely (90 of 100): pods stopped listening before requests stopped going to them`.
pub(crate) fn cause(finding: &Finding) -> String {
    format!("{}, {} ({} of 100): {}", finding.cause.name, finding.confidence(), finding.score, finding.cause.title)
}

/// A case for which no cause has enough evidence.
pub(crate) fn not_explained(record: &Record) -> String {
    let watched = record.events.iter().any(|event| {
        matches!(event.source, lapse_record::event::Source::Kubernetes | lapse_record::event::Source::Lab)
    });
    let hint = if watched {
        "the evidence fits no cause that lapse knows: the probes and the events of that time are all there is"
    } else {
        "no cluster was watched, and the failures alone fit no cause: wrap the rollout's own command, or name what to \
         follow (`lapse run --help`)"
    };
    format!("not explained: {hint}")
}

/// A piece of evidence with the points that it is worth.
pub(crate) fn evidence(sign: char, one: &Evidence) -> String {
    format!("{sign}{} {}", one.points, one.text)
}

/// The other causes that fit, with their scores; `None` if there are none.
pub(crate) fn others(findings: &[Finding]) -> Option<String> {
    let (first, rest) = findings.split_first()?;
    let listed: Vec<_> = rest.iter().map(|one| format!("{} ({})", one.cause.name, one.score)).collect();
    let tie = rest.first().is_some_and(|second| second.score == first.score);
    let what = if tie { "as likely, or less" } else { "less likely" };
    (!listed.is_empty())
        .then(|| format!("{what}: {}; to tell them apart: {}", listed.join(", "), first.cause.tell_apart))
}

/// The cure of a finding in a sentence, with its price.
pub(crate) fn cure(finding: &Finding) -> String {
    match &finding.fix {
        Some(fix) if fix.costs.is_empty() => format!("cure: {}", fix.says),
        Some(fix) => format!("cure: {} (costs: {})", fix.says, fix.costs),
        None => format!("cure: {}", finding.cause.remedy),
    }
}

/// The cases that were not looked into; `None` if there are none.
pub(crate) fn left_out(explanation: &Explanation) -> Option<String> {
    let count = explanation.left_out;
    (count > 0).then(|| format!("{} that lost less were not looked into", some(count, "further episode")))
}

/// Sentences about the hops of the run: which lost the requests, and the preStop sleep that each asks for.
pub(crate) fn hops(record: &Record, explanation: &Explanation) -> Vec<String> {
    let hops = &explanation.hops;
    let mut said = hops.lost.clone();
    for lag in &hops.lags {
        said.push(format!(
            "{}: requests were lost up to {} after the deletion of {}: a preStop sleep of {} s covers that, with half \
             as much again to spare",
            record.summary.target(lag.target).name,
            Human(lag.lag),
            lag.pod,
            lag.sleep_seconds
        ));
    }
    said.extend(hops.stalls.iter().cloned());
    said
}
