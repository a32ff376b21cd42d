//! Answers over TLS of which nothing tells whether they are whole: they have no length, and their connection ends without
//! `close_notify` (RFC 9112, section 9.8). They are truncated; where all are so from the start on, it is the server's way.

use crate::failure::Failure;
use crate::summary::TargetSummary;
use lapse_measure::answer::Class;
use lapse_measure::phase::Phase;

/// Why all of a target's first phase was truncated, and what to do about it; `None` if that is not so.
pub(crate) fn note(target: &TargetSummary, kept: &[Failure]) -> Option<String> {
    let first = target.phases.first()?;
    let all_truncated = first.totals.failed > 0
        && first.totals.failed == first.totals.resolved
        && first.totals.classes.keys().all(|class| *class == Class::Truncated);
    let mut own = kept
        .iter()
        .filter(|one| target.lanes.contains(&one.lane) && (first.span.from..first.span.to).contains(&one.probe.due));
    if !all_truncated || !own.all(|one| one.evidence.no_close_notify) {
        return None;
    }
    let when = if first.phase == Phase::Baseline { "in the baseline" } else { "of the run" };
    Some(format!(
        "{}: every answer {when} came over TLS without a length and ended without close_notify, so nothing tells a whole \
         answer from a cut one (RFC 9112, section 9.8): let the server send Content-Length or chunks, or end TLS in order",
        target.name
    ))
}

#[cfg(test)]
mod tests {
    use crate::sample::{Answer, Sample};
    use lapse_measure::answer::Class;
    use lapse_measure::phase::Phase;

    #[test]
    fn only_a_server_that_never_ends_tls_in_order_is_told_so() {
        let notes = |healthy: u64, no_close_notify: bool| {
            let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 1_000);
            let record = sample.record(2_000, move |_, ms| match ms {
                ms if ms < healthy => Answer::after(Class::Ok, 300),
                _ if no_close_notify => Answer::after(Class::Truncated, 300).without_close_notify(),
                _ => Answer::after(Class::Truncated, 300),
            });
            record.summary.notes.into_iter().filter(|note| note.contains("close_notify")).collect::<Vec<_>>()
        };
        assert!(notes(0, true)[0].starts_with("shop: every answer in the baseline came over TLS without a length"));
        assert!(notes(500, true).is_empty(), "it can do better");
        assert!(notes(0, false).is_empty(), "the answers were cut");
    }
}
