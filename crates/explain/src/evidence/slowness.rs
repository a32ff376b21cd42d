//! How slow answers lie to the lives of pods, and how long they took.

use std::time::Duration;

use crate::case::Case;
use crate::cause::Outcome;
use crate::phrase::{at, some};
use lapse_measure::time::Human;

/// Answers were slow and none failed.
pub(crate) fn only_slow(case: &Case<'_>) -> Outcome {
    if case.failed() == 0 && case.slow > 0 {
        Outcome::Seen(format!(
            "{} from {} to {}, and no failure",
            some(case.slow, "slow answer"),
            at(case.span.from),
            at(case.span.to)
        ))
    } else {
        Outcome::Contrary(format!("{} failed", some(case.failed(), "probe")))
    }
}

/// The latency over the run near the case: points of its trend, as time and the longest latency in it.
fn trend(case: &Case<'_>) -> Vec<(lapse_measure::time::Offset, Duration)> {
    let lanes = case.record.seen.lanes_of(case.target.id);
    let points = lanes.iter().flat_map(|lane| lane.latency_trend.points());
    let mut points: Vec<_> = points
        .filter(|point| case.span.from <= point.span.to && point.span.from <= case.span.to)
        .map(|point| (point.span.from, point.longest))
        .collect();
    points.sort_unstable();
    points
}

/// The slow answers got faster over the case, as those of a service that warms up.
pub(crate) fn got_faster(case: &Case<'_>) -> Outcome {
    if let Outcome::Seen(text) = at_one_limit(case) {
        return Outcome::Contrary(text);
    }
    let points = trend(case);
    let third = points.len() / 3;
    if third == 0 {
        return Outcome::Absent;
    }
    let mean = |points: &[(lapse_measure::time::Offset, Duration)]| {
        points.iter().map(|(_, latency)| *latency).sum::<Duration>() / u32::try_from(points.len()).unwrap_or(1).max(1)
    };
    let (first, last) = (mean(&points[..third]), mean(&points[points.len() - third..]));
    if first > last.mul_f64(1.3) {
        Outcome::Seen(format!("the slowest answers went from {} to {}", Human(first), Human(last)))
    } else {
        Outcome::Contrary(format!(
            "the slowest answers did not get faster: {} first, {} last",
            Human(first),
            Human(last)
        ))
    }
}

/// The slow answers all took about the same time, as when a proxy waits for a limit and then tries another pod.
pub(crate) fn at_one_limit(case: &Case<'_>) -> Outcome {
    let slow = case.record.about.slow;
    let mut of_slow: Vec<_> = trend(case).into_iter().map(|(_, latency)| latency).filter(|one| *one >= slow).collect();
    of_slow.sort_unstable();
    let (Some(median), Some(longest)) = (of_slow.get(of_slow.len() / 2).copied(), of_slow.last()) else {
        return Outcome::Absent;
    };
    let alike = of_slow.iter().filter(|latency| latency.abs_diff(median) <= median / 10).count();
    // Right above the threshold all slow answers are alike, whatever made them slow.
    let clear = median >= slow + slow / 5;
    if of_slow.len() >= 3 && alike * 10 >= of_slow.len() * 8 && clear {
        Outcome::Seen(format!(
            "the slow answers all took about {}, as when a proxy waits that long before it tries another pod",
            Human(median)
        ))
    } else {
        Outcome::Contrary(format!("the slow answers took anything up to {}", Human(*longest)))
    }
}
