//! How a case compares with what was before: the baseline, the prober itself, and the path to the target.

use std::time::Duration;

use crate::case::Case;
use crate::cause::Outcome;
use crate::phrase::{percent, share, some};
use lapse_measure::phase::Phase;
use lapse_measure::time::Human;

/// The hint where a run has no baseline.
const NO_BASELINE: &str = "the run has no baseline: `--baseline 10s` shows what was there before the rollout";

#[expect(clippy::cast_precision_loss, reason = "a share needs two digits")]
fn share_of(failed: u64, resolved: u64) -> f64 {
    failed as f64 / resolved.max(1) as f64
}

/// The baseline lost requests as well, and about as large a share.
pub(crate) fn failed_alike(case: &Case<'_>) -> Outcome {
    let Some(baseline) = case.target.phases.iter().find(|phase| phase.phase == Phase::Baseline) else {
        return Outcome::Unknown(NO_BASELINE);
    };
    let totals = &baseline.totals;
    if totals.failed == 0 {
        return Outcome::Contrary(format!("all {} of the baseline succeeded", some(totals.resolved, "probe")));
    }
    let (then, now) =
        (share_of(totals.failed, totals.resolved), share_of(case.failed(), case.new.resolved + case.reused.resolved));
    let before = share(totals.failed, totals.resolved);
    let within = case.span.to < baseline.span.to;
    if within {
        return Outcome::Seen(format!(
            "these failures are in the baseline, before anything was done ({before} of its probes)"
        ));
    }
    if now <= then * 2.0 + 0.02 && then <= now * 2.0 + 0.02 {
        Outcome::Seen(format!("the baseline lost {before} as well ({} of {})", totals.failed, totals.resolved))
    } else {
        Outcome::Contrary(format!("the baseline lost {before}, this case {}", percent(now)))
    }
}

/// The baseline was clean.
pub(crate) fn baseline_was_clean(case: &Case<'_>) -> Outcome {
    failed_alike(case).opposite()
}

/// Most failed probes were sent late: the prober itself was held up.
pub(crate) fn sent_late(case: &Case<'_>) -> Outcome {
    let lanes = case.record.seen.lanes_of(case.target.id);
    let outages = lanes.iter().flat_map(|lane| &lane.outages);
    let late: u64 =
        outages.filter(|one| one.from >= case.span.from && one.from <= case.span.to).map(|one| one.failed_late).sum();
    let failed = case.failed();
    if failed > 0 && late * 2 >= failed {
        Outcome::Seen(format!("{late} of {} were of probes that the prober sent late", some(failed, "failure")))
    } else {
        Outcome::Contrary(format!("{} of {} failed probes were sent on time", failed - late.min(failed), failed))
    }
}

/// The prober could not send all that it was asked to.
pub(crate) fn shed(case: &Case<'_>) -> Outcome {
    let lanes = case.record.seen.lanes_of(case.target.id);
    let worst = lanes.iter().map(|lane| lane.share_shed()).fold(0.0, f64::max);
    if worst > 0.05 {
        Outcome::Seen(format!(
            "the prober could not send {} of a lane's slots: the rate was too high for it or for the service",
            percent(worst)
        ))
    } else {
        Outcome::Contrary("the prober sent nearly all slots".to_owned())
    }
}

/// The target's keep-alive timeout was met again and again.
pub(crate) fn keep_alive_race(case: &Case<'_>) -> Outcome {
    match case.target.keep_alive_race {
        Some(race) => Outcome::Seen(format!(
            "{} all met connections that had been idle for {} to {}",
            some(race.failed, "failure"),
            Human(race.idle_at_least),
            Human(race.idle_at_most)
        )),
        None => Outcome::Contrary("the idle times of the connections that failed show no timeout".to_owned()),
    }
}

/// Healthy answers of the baseline already took a large part of the prober's timeout.
pub(crate) fn timeout_is_short(case: &Case<'_>) -> Outcome {
    let timeout = case.record.about.timeout;
    let baseline = case.target.phases.iter().find(|phase| phase.phase == Phase::Baseline);
    let Some(usual) = baseline.and_then(|phase| phase.latency.quantile(0.99)) else {
        return Outcome::Unknown(NO_BASELINE);
    };
    if usual * 2 >= timeout {
        Outcome::Seen(format!(
            "answers of the baseline took up to {} (p99), and --timeout is {}",
            Human(usual),
            Human(timeout)
        ))
    } else {
        Outcome::Contrary(format!(
            "answers of the baseline took {} (p99), far less than --timeout {}",
            Human(usual),
            Human(timeout)
        ))
    }
}

/// The target is on this machine: a tunnel, a port-forward or a local proxy may be in the way.
pub(crate) fn on_this_machine(case: &Case<'_>) -> Outcome {
    let peers = case.failures.iter().filter_map(|failure| failure.evidence.peer);
    let (mut local, mut all) = (0_u64, 0_u64);
    for peer in peers {
        all += 1;
        local += u64::from(peer.ip().is_loopback());
    }
    match (local, all) {
        (_, 0) => Outcome::Absent,
        (local, all) if local == all => Outcome::Seen(format!("{} is on this machine", case.target.name)),
        _ => Outcome::Contrary(format!("{} is not on this machine", case.target.name)),
    }
}

/// The failures are of a share of requests that stays the same, as when a limiter lets a rate through.
#[expect(clippy::cast_precision_loss, reason = "a rate needs two digits")]
pub(crate) fn a_rate_passed(case: &Case<'_>) -> Outcome {
    let length = case.span.length();
    if length < Duration::from_secs(1) {
        return Outcome::Absent;
    }
    let passed = (case.new.resolved + case.reused.resolved).saturating_sub(case.failed());
    let rate = passed as f64 / length.as_secs_f64();
    Outcome::Seen(format!("{rate:.0} requests a second passed all the same"))
}

/// The targets of the run that are nearer to the pods lost nothing meanwhile.
pub(crate) fn inner_hops_were_clean(case: &Case<'_>) -> Outcome {
    let hops = crate::hop::outermost_first(case.record);
    let inner: Vec<_> = hops.into_iter().skip_while(|target| target.id != case.target.id).skip(1).collect();
    let Some(next) = inner.first() else {
        return Outcome::Unknown(
            "only this target was probed: `--target service=URL` beside it shows whether the hop before it lost the \
             requests",
        );
    };
    let lost = |target: &lapse_record::summary::TargetSummary| {
        target
            .episodes
            .iter()
            .filter(|episode| episode.from <= case.span.to && episode.to >= case.span.from)
            .map(|episode| episode.failed)
            .sum::<u64>()
    };
    if inner.iter().all(|target| lost(target) * 20 <= case.failed()) {
        Outcome::Seen(format!("{} lost {} meanwhile", next.name, lost(next)))
    } else {
        Outcome::Contrary(format!("{} lost {} meanwhile", next.name, some(lost(next), "probe")))
    }
}
