//! The hops between client and pods: which of them lost the requests, and how long each went on sending to pods that
//! were being deleted.
//!
//! The targets of a run stand for the hops. Where all their names say what they are (`elb`, `ingress`, `service`,
//! `pods`) that is their order, otherwise the order in which they were named, outermost first.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::case::Case;
use crate::phrase::{at, share};
use crate::world::{PodLife, World};
use lapse_measure::answer::Class;
use lapse_measure::lane::TargetId;
use lapse_measure::span::Span;
use lapse_measure::time::{Human, Offset};
use lapse_measure::timeline::Cell;
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// A hop whose lag is measured asks for this many times as much sleep, because the next rollout may be slower.
pub const MARGIN: f64 = 1.5;
/// Deletions no further apart are one step of a rollout; requests that failed this short before a deletion may have
/// been under way to its pod, because the deletion is seen late.
const TOGETHER: Duration = Duration::from_millis(300);
/// Failures further apart do not belong to the same deletion.
const PAUSE: Duration = Duration::from_secs(1);
/// From here on the time from a pod's deletion to its leaving the endpoints is a stalled control plane's.
const STALLED: Duration = Duration::from_secs(1);

/// The hops of a run: which lost requests, and how long each went on sending to pods that ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hops {
    /// Which hop lost the requests, a sentence each; empty for a run with one target.
    pub lost: Vec<String>,
    /// The lag of each target after deletions, outermost first; targets that lost nothing have none.
    pub lags: Vec<HopLag>,
    /// The time that a stalled control plane added, a sentence each; no sleep can make up for that.
    pub stalls: Vec<String>,
}

/// How long requests through one hop still met pods that were being deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopLag {
    /// The target that stands for the hop.
    pub target: TargetId,
    /// The longest time from a pod's deletion to the last failure that followed it, less the part of a stalled control
    /// plane.
    pub lag: Duration,
    /// The pod of that deletion.
    pub pod: String,
    /// The preStop sleep that this hop asks for, in whole seconds: the lag times [`MARGIN`], rounded up.
    pub sleep_seconds: u64,
}

/// The preStop sleep for this lag, in whole seconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sleep of hours is refused elsewhere")]
pub(crate) fn sleep_for(lag: Duration) -> u64 {
    (lag.as_secs_f64() * MARGIN).ceil().max(1.0) as u64
}

/// The longest time from a deletion to the last failure of the case's target that followed it, over the whole run: a
/// rollout has one answer, however many cases it comes in.
pub(crate) fn lag(case: &Case<'_>) -> Option<Duration> {
    worst_lag(case.record, case.world, case.target).map(|(lag, _, listed)| lag.saturating_sub(listed))
}

/// The worst lag of a target, its pod, and the part of it in which the control plane still listed the pod.
fn worst_lag<'a>(record: &Record, world: &World<'a>, target: &TargetSummary) -> Option<(Duration, &'a str, Duration)> {
    let dead_end = |class| {
        matches!(
            class,
            Class::Refused
                | Class::Unreachable
                | Class::ConnectTimeout
                | Class::Closed
                | Class::Reset
                | Class::Truncated
                | Class::Status(502 | 504)
        )
    };
    let kept = record.failures.kept.iter().filter(|one| target.lanes.contains(&one.lane) && dead_end(one.probe.class));
    // Sorted once, and looked up by deletion: there may be thousands of either.
    let mut kept: Vec<_> = kept.collect();
    kept.sort_by_key(|one| one.probe.sent);
    let mut sent: BTreeMap<Option<&str>, Vec<Offset>> = BTreeMap::new();
    for one in kept {
        sent.entry(one.evidence.backend.as_deref()).or_default().push(one.probe.sent);
    }
    let mut deletions: Vec<_> = world.pods.iter().filter_map(|pod| Some((pod.deleting?, pod))).collect();
    deletions.sort_by_key(|(deleting, _)| *deleting);
    let lag = |(deleting, pod): &(Offset, &PodLife<'a>)| {
        // What was under way when the next pod ended is that pod's. Pods that are deleted together share a window.
        let next = deletions.partition_point(|(next, _)| *next <= *deleting + TOGETHER);
        let window_end = deletions.get(next).map(|(next, _)| next.back(TOGETHER));
        let in_window = |sent: &Offset| window_end.is_none_or(|end| *sent < end);
        let unnamed = since(&sent, None, *deleting).take_while(in_window);
        let mut after: Vec<_> = since(&sent, Some(pod.name), *deleting).chain(unnamed).collect();
        after.sort_unstable();
        // A failure after a pause has another cause than routes that lag.
        let last = *after.chunk_by(|one, next| next.since(*one) <= PAUSE).next()?.last()?;
        let listed = pod.left.map(|left| left.since(*deleting)).filter(|listed| *listed >= STALLED).unwrap_or_default();
        Some((last.since(*deleting), pod.name, listed))
    };
    deletions.iter().filter_map(lag).max_by_key(|(lag, _, listed)| lag.saturating_sub(*listed))
}

/// When failed requests were sent that this backend answered, or that none did, from an instant on.
fn since<'s>(
    sent: &'s BTreeMap<Option<&'s str>, Vec<Offset>>,
    backend: Option<&'s str>,
    from: Offset,
) -> impl Iterator<Item = Offset> + 's {
    let sent = sent.get(&backend).map(Vec::as_slice).unwrap_or_default();
    sent[sent.partition_point(|sent| *sent < from)..].iter().copied()
}

/// The hops of a run; a target has a lag if `would_sleep_cure` says that a preStop sleep would cure a case of it.
pub(crate) fn find(record: &Record, world: &World<'_>, would_sleep_cure: impl Fn(TargetId) -> bool) -> Hops {
    let mut hops = Hops { lost: which_lost(record), ..Hops::default() };
    for target in outermost_first(record) {
        if !would_sleep_cure(target.id) {
            continue;
        }
        let worst = worst_lag(record, world, target);
        let Some((lag, pod, listed)) = worst else { continue };
        if !listed.is_zero() {
            hops.stalls.push(format!(
                "{pod} stayed in the endpoints for {} after its deletion: that is the control plane's part, and is \
                 not in the sleep",
                Human(listed)
            ));
        }
        let lag = lag.saturating_sub(listed);
        hops.lags.push(HopLag { target: target.id, lag, pod: pod.to_owned(), sleep_seconds: sleep_for(lag) });
    }
    hops.stalls.dedup();
    hops
}

/// Words in names of targets for each hop, from the outermost inwards.
const HOPS: [&[&str]; 4] = [
    &["cdn", "edge", "elb", "alb", "nlb", "lb", "balancer"],
    &["ingress", "gateway", "proxy"],
    &["service", "svc"],
    &["pod"],
];

/// The targets of a run, the outermost hop first.
pub(crate) fn outermost_first(record: &Record) -> Vec<&TargetSummary> {
    let rank = |target: &TargetSummary| {
        let name = target.name.to_ascii_lowercase();
        HOPS.iter().position(|words| words.iter().any(|word| name.contains(word)))
    };
    let mut targets: Vec<_> = record.summary.targets.iter().collect();
    if targets.iter().all(|target| rank(target).is_some()) {
        targets.sort_by_key(|target| rank(target));
    }
    targets
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
    let mut verdicts: Vec<Verdict> = Vec::new();
    for span in joined {
        let cells = cells(record, span);
        let says = verdict(record, &cells);
        match verdicts.iter_mut().find(|known| known.says == says) {
            Some(known) => known.add(span, &cells),
            None => verdicts.push(Verdict { says, spans: vec![span], cells }),
        }
    }
    verdicts.sort_by_key(|one| std::cmp::Reverse(one.cells.iter().map(|(failed, _)| *failed).sum::<u64>()));
    verdicts.iter().map(|one| one.sentence(record)).collect()
}

/// The failed and the resolved probes of a target.
type FailedOf = (u64, u64);

/// Stretches of which the same is to be said.
struct Verdict {
    says: String,
    spans: Vec<Span>,
    /// The probes of each target in these stretches, the outermost hop first.
    cells: Vec<FailedOf>,
}

impl Verdict {
    fn add(&mut self, span: Span, cells: &[FailedOf]) {
        self.spans.push(span);
        for (sum, (failed, resolved)) in self.cells.iter_mut().zip(cells) {
            *sum = (sum.0 + failed, sum.1 + resolved);
        }
    }

    fn sentence(&self, record: &Record) -> String {
        let each = outermost_first(record).into_iter().zip(&self.cells);
        let each: Vec<_> = each
            .map(|(target, (failed, resolved))| format!("{} lost {}", target.name, share(*failed, *resolved)))
            .collect();
        let from = self.spans.first().map_or(Offset::ZERO, |span| span.from);
        let to = self.spans.last().map_or(from, |span| span.to);
        let stretches = match self.spans.len() as u64 {
            1 => String::new(),
            count => format!(" in {count} stretches"),
        };
        format!("{}: {}{stretches} from {} to {}", self.says, each.join(", "), at(from), at(to))
    }
}

/// The failed and the resolved probes of each target in a stretch, the outermost hop first.
fn cells(record: &Record, span: Span) -> Vec<FailedOf> {
    let of = |target: &TargetSummary| {
        let lanes = record.seen.lanes_of(target.id);
        let timelines = lanes.iter().map(|lane| &lane.timeline);
        let cell = Cell::of(timelines, span.from, span.to + Duration::from_nanos(1));
        (cell.failed(), cell.resolved())
    };
    outermost_first(record).into_iter().map(of).collect()
}

/// Which hop lost the requests of a stretch. A target that lost next to none beside the others counts as clean.
fn verdict(record: &Record, cells: &[FailedOf]) -> String {
    let targets = outermost_first(record);
    let most = cells.iter().map(|(failed, _)| *failed).max().unwrap_or_default();
    let lost = |(failed, _): &FailedOf| *failed > 0 && *failed * 20 > most;
    let outer = cells.iter().position(lost).unwrap_or_default();
    let inner = cells.iter().rposition(lost).unwrap_or_default();
    match (outer, targets.get(inner + 1)) {
        (_, Some(clean)) => format!("requests were lost between {} and {}", targets[inner].name, clean.name),
        (0, None) => format!("requests were lost at {} or behind it", targets[inner].name),
        (outer, None) => {
            format!(
                "requests were lost at {} or behind it, and {} hid that",
                targets[inner].name,
                targets[outer - 1].name
            )
        }
    }
}
