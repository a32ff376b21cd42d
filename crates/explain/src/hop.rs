//! The hops between client and pods: which of them lost the requests, and how long each went on sending to pods that
//! were being deleted.
//!
//! The targets of a run stand for the hops, outermost first, as they were named on the command line.

use std::time::Duration;

use crate::case::Case;
use crate::explanation::Explained;
use crate::phrase::{at, share};
use crate::world::World;
use lapse_measure::lane::TargetId;
use lapse_measure::span::Span;
use lapse_measure::time::{Human, Offset};
use lapse_record::record::Record;

/// A hop whose lag is measured asks for this many times as much sleep, because the next rollout may be slower.
pub const MARGIN: f64 = 1.5;
/// From here on the time from a pod's deletion to its leaving the endpoints is a stalled control plane's.
const STALLED: Duration = Duration::from_secs(1);

/// What the hops of a run come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hops {
    /// Which hop lost the requests, a sentence each; empty for a run with one target.
    pub lost: Vec<String>,
    /// The lag of each target after deletions, outermost first; targets that lost nothing have none.
    pub lags: Vec<HopLag>,
    /// What a stalled control plane added, a sentence each; no sleep can make up for that.
    pub stalls: Vec<String>,
}

/// How long requests through one hop still met pods that were being deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopLag {
    /// The target that stands for the hop.
    pub target: TargetId,
    /// The longest time from a pod's deletion to the last failure that followed it, without what a stalled control
    /// plane added.
    pub lag: Duration,
    /// The pod of that deletion.
    pub pod: String,
    /// The preStop sleep that this hop asks for, in whole seconds: the lag times [`MARGIN`], rounded up.
    pub sleep_seconds: u64,
}

impl Hops {
    /// The longest sleep that any hop asks for, in seconds; `None` where no lag was seen.
    pub fn sleep_seconds(&self) -> Option<u64> {
        self.lags.iter().map(|lag| lag.sleep_seconds).max()
    }
}

/// The preStop sleep for this lag, in whole seconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sleep of hours is refused elsewhere")]
pub(crate) fn sleep_for(lag: Duration) -> u64 {
    (lag.as_secs_f64() * MARGIN).ceil().max(1.0) as u64
}

/// The longest time from a deletion to the last failure of the case that followed it.
pub(crate) fn lag(case: &Case<'_>) -> Option<Duration> {
    let sent: Vec<_> = case.failures.iter().map(|failure| failure.probe.sent).collect();
    lags(case.world, &sent).into_iter().map(|(lag, ..)| lag).max()
}

/// For each deletion that failures followed before the next one: the time to the last of them, the pod, and the part of
/// that time in which the control plane still listed the pod.
fn lags<'a>(world: &World<'a>, sent: &[Offset]) -> Vec<(Duration, &'a str, Duration)> {
    let mut deletions: Vec<_> = world.pods.iter().filter_map(|pod| Some((pod.deleting?, pod))).collect();
    deletions.sort_by_key(|(deleting, _)| *deleting);
    let ends = deletions.iter().skip(1).map(|(next, _)| Some(*next)).chain([None]).collect::<Vec<_>>();
    let lag = |((deleting, pod), end): (&(Offset, &crate::world::PodLife<'a>), &Option<Offset>)| {
        let after = sent.iter().filter(|sent| **sent >= *deleting && end.is_none_or(|end| **sent < end));
        let last = *after.max()?;
        let listed = pod.left.map(|left| left.since(*deleting)).filter(|listed| *listed >= STALLED).unwrap_or_default();
        Some((last.since(*deleting), pod.name, listed))
    };
    deletions.iter().zip(&ends).filter_map(lag).collect()
}

/// What the hops of a run come to, now that its cases are explained.
pub(crate) fn find(record: &Record, world: &World<'_>, cases: &[Explained]) -> Hops {
    let mut hops = Hops { lost: which_lost(record), ..Hops::default() };
    for target in &record.summary.targets {
        let cured = cases.iter().filter(|case| case.target == target.id && is_cured_by_a_sleep(case));
        let spans: Vec<Span> = cured.map(|case| case.span).collect();
        let kept = record.failures.kept.iter().filter(|failure| target.lanes.contains(&failure.lane));
        let inside = |due: Offset| spans.iter().any(|span| span.from <= due && due <= span.to);
        let sent: Vec<_> = kept.filter(|one| inside(one.probe.due)).map(|one| one.probe.sent).collect();
        let worst = lags(world, &sent).into_iter().max_by_key(|(lag, _, listed)| lag.saturating_sub(*listed));
        let Some((lag, pod, listed)) = worst else { continue };
        if !listed.is_zero() {
            hops.stalls.push(format!(
                "{pod} stayed in the endpoints for {} after its deletion: that is the control plane's part, and is not in \
                 the sleep",
                Human(listed)
            ));
        }
        let lag = lag.saturating_sub(listed);
        hops.lags.push(HopLag { target: target.id, lag, pod: pod.to_owned(), sleep_seconds: sleep_for(lag) });
    }
    hops.stalls.dedup();
    hops
}

/// Whether a preStop sleep would cure the first cause of a case.
fn is_cured_by_a_sleep(case: &Explained) -> bool {
    let fix = case.findings.first().and_then(|finding| finding.fix.as_ref());
    fix.is_some_and(|fix| fix.sleep_seconds.is_some())
}

/// A sentence for each stretch in which a target lost requests, about the hop that lost them.
fn which_lost(record: &Record) -> Vec<String> {
    let targets = &record.summary.targets;
    if targets.len() < 2 {
        return Vec::new();
    }
    let mut spans: Vec<Span> =
        targets.iter().flat_map(|target| &target.episodes).map(|one| Span::new(one.from, one.to)).collect();
    spans.sort_unstable();
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.from <= last.to => *last = Span::new(last.from, last.to.max(span.to)),
            _ => joined.push(span),
        }
    }
    joined.into_iter().map(|span| hop_of(record, span)).collect()
}

fn hop_of(record: &Record, span: Span) -> String {
    let targets = &record.summary.targets;
    let cells: Vec<_> = targets
        .iter()
        .map(|target| {
            let lanes = record.seen.lanes_of(target.id);
            let timelines = lanes.iter().map(|lane| &lane.timeline);
            let cell = lapse_measure::timeline::Cell::of(timelines, span.from, span.to + Duration::from_nanos(1));
            (cell.failed(), cell.resolved())
        })
        .collect();
    let each: Vec<_> = targets
        .iter()
        .zip(&cells)
        .map(|(target, (failed, resolved))| format!("{} lost {}", target.name, share(*failed, *resolved)))
        .collect();
    let most = cells.iter().map(|(failed, _)| *failed).max().unwrap_or_default();
    let lost = |(failed, _): &(u64, u64)| *failed > 0 && *failed * 20 > most;
    let when = format!("from {} to {}", at(span.from), at(span.to));
    let outer = cells.iter().position(lost).unwrap_or_default();
    let inner = cells.iter().rposition(lost).unwrap_or_default();
    let verdict = match (outer, inner, targets.len() - 1) {
        (_, inner, innermost) if inner == innermost => match outer {
            0 => format!("the requests were lost at {} or behind it", targets[inner].name),
            outer => format!(
                "the requests were lost at {} or behind it, and {} hid that",
                targets[inner].name,
                targets[outer - 1].name
            ),
        },
        (_, inner, _) => {
            format!("the requests were lost between {} and {}", targets[inner].name, targets[inner + 1].name)
        }
    };
    format!("{when}: {}: {verdict}", each.join(", "))
}
