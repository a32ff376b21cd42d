//! Which connections lost requests, and which share of them.

use std::time::Duration;

use super::CUT;
use crate::case::Case;
use crate::cause::Outcome;
use crate::phrase::{at, percent, share, some};
use lapse_measure::time::{Human, Offset};

/// The hint where a target has one kind of connection only.
const ONE_LANE: &str = "only one kind of connection was probed: `--lanes new,reused` tells them apart";
/// A kind of connection counts as hit harder if it lost this many times the share of the other.
const HARDER: f64 = 3.0;
/// From this share on all requests count as lost.
const ALL: f64 = 0.95;

/// In less time than this, no request that succeeds says nothing: a burst of failures has no room for one.
const SHORTEST: Duration = Duration::from_millis(100);

/// The lost shares of new and of kept connections in words.
fn both(case: &Case<'_>) -> String {
    format!(
        "new connections lost {} ({}), kept connections {} ({})",
        share(case.new.failed, case.new.resolved),
        case.new.failed,
        share(case.reused.failed, case.reused.resolved),
        case.reused.failed
    )
}

/// New connections lost a far larger share than kept ones.
pub(crate) fn mostly_new(case: &Case<'_>) -> Outcome {
    if case.new.resolved == 0 || case.reused.resolved == 0 {
        return Outcome::Unknown(ONE_LANE);
    }
    if case.new.share() >= HARDER * case.reused.share() && case.new.failed > 0 {
        Outcome::Seen(both(case))
    } else if case.reused.share() >= HARDER * case.new.share() {
        Outcome::Contrary(both(case))
    } else {
        Outcome::Absent
    }
}

/// Kept connections lost requests, and new ones none, or next to none.
pub(crate) fn only_kept(case: &Case<'_>) -> Outcome {
    if case.new.resolved == 0 || case.reused.resolved == 0 {
        return Outcome::Unknown(ONE_LANE);
    }
    if case.reused.failed > 0 && case.new.failed * 20 <= case.reused.failed {
        Outcome::Seen(both(case))
    } else {
        Outcome::Contrary(both(case))
    }
}

/// New and kept connections lost requests alike.
pub(crate) fn both_kinds(case: &Case<'_>) -> Outcome {
    match (case.new.failed, case.reused.failed) {
        (0, _) | (_, 0) => Outcome::Absent,
        _ => Outcome::Seen(both(case)),
    }
}

/// The larger of the shares that the two kinds of connection lost.
fn worst(case: &Case<'_>) -> f64 {
    case.new.share().max(case.reused.share())
}

/// For a time all requests failed.
pub(crate) fn all_lost(case: &Case<'_>) -> Outcome {
    if case.failed() == 0 {
        return Outcome::Contrary("nothing failed: answers were only slow".to_owned());
    }
    let lanes = case.record.seen.lanes_of(case.target.id);
    let longest = lanes.iter().filter_map(|lane| {
        let inside = lane.outages.iter().filter(|one| one.from >= case.span.from && one.from <= case.span.to);
        inside.max_by_key(|one| one.to.since(one.from))
    });
    let longest = longest.max_by_key(|one| one.to.since(one.from));
    let length = longest.map(|one| one.to.since(one.from)).unwrap_or_default();
    let of_all = length.as_secs_f64() / case.span.length().as_secs_f64().max(1e-9);
    if length < SHORTEST && worst(case) >= ALL {
        return Outcome::Absent;
    }
    if length >= SHORTEST && (worst(case) >= ALL || of_all >= 0.7) {
        let from = longest.map_or(case.span.from, |one| one.from);
        Outcome::Seen(format!("for {} from {} no request of a lane succeeded", Human(length), at(from)))
    } else {
        Outcome::Contrary(format!("only a part of the requests failed: {}", both(case)))
    }
}

/// Only a part of the requests failed, as when some of several pods are gone.
#[expect(clippy::cast_precision_loss, reason = "a share needs two digits")]
pub(crate) fn a_part_lost(case: &Case<'_>) -> Outcome {
    if case.failed() == 0 {
        return Outcome::Absent;
    }
    let worst = worst(case);
    if worst >= ALL {
        return Outcome::Contrary(both(case));
    }
    let pods = case.world.routed(case.span.from).filter(|pods| *pods > 1);
    let expected = pods.map(|pods| (pods, 1.0 / pods as f64));
    // A figure that does not fit is none: several pods may have been gone.
    let expected = expected.filter(|(_, share)| (share / 1.5..share * 1.5).contains(&worst));
    let expected = expected.map(|(pods, share)| {
        format!("; one of {} in the endpoints would be {}", some(pods as u64, "pod"), percent(share))
    });
    Outcome::Seen(format!(
        "at most {} of one kind of connection failed{}",
        percent(worst),
        expected.unwrap_or_default()
    ))
}

/// The failures came in spikes of a few milliseconds.
pub(crate) fn in_spikes(case: &Case<'_>) -> Outcome {
    const SPIKE: Duration = Duration::from_millis(250);
    let Some(episode) = case.episode else { return Outcome::Absent };
    let mut times: Vec<Offset> = case.failures.iter().map(|failure| failure.probe.done).collect();
    times.sort_unstable();
    let spikes: Vec<_> = times.chunk_by(|a, b| b.since(*a) <= SPIKE / 2).collect();
    let longest =
        spikes.iter().filter_map(|spike| Some(spike.last()?.since(*spike.first()?))).max().unwrap_or_default();
    let what = format!("{} within {} at most", some(spikes.len() as u64, "spike"), Human(longest));
    if longest <= SPIKE {
        Outcome::Seen(format!("{} failed in {what}", some(episode.failed, "probe")))
    } else {
        Outcome::Contrary(format!("failures went on for {} without a pause", Human(longest)))
    }
}

/// Each kept connection failed at most one request.
pub(crate) fn once_each(case: &Case<'_>) -> Outcome {
    let mut ports: Vec<_> = case.failures.iter().filter_map(|failure| failure.evidence.local_port).collect();
    let all = ports.len();
    ports.sort_unstable();
    ports.dedup();
    match (all, ports.len()) {
        (0, _) | (1, 1) => Outcome::Absent,
        (all, ports) if all == ports => {
            Outcome::Seen(format!("{} failed one request each", some(ports as u64, "connection")))
        }
        _ => Outcome::Absent,
    }
}

/// The failures had not ended when the run did.
pub(crate) fn to_the_end(case: &Case<'_>) -> Outcome {
    if case.record.cut {
        return Outcome::Unknown(CUT);
    }
    let left = case.record.seen.end.since(case.span.to);
    if left <= Duration::from_millis(500) {
        Outcome::Seen(format!("it went on to the end of the run at {}", at(case.record.seen.end)))
    } else {
        Outcome::Contrary(format!("it ended {} before the run did", Human(left)))
    }
}

/// The share that failed grew from the first third of the case to its last.
pub(crate) fn grows(case: &Case<'_>) -> Outcome {
    match thirds(case) {
        Some([first, _, last]) if last > first * 1.5 + 0.05 => {
            Outcome::Seen(format!("the share lost grew from {} to {}", percent(first), percent(last)))
        }
        Some([first, _, last]) if first > last * 1.5 + 0.05 => {
            Outcome::Contrary(format!("the share lost fell from {} to {}", percent(first), percent(last)))
        }
        _ => Outcome::Absent,
    }
}

/// The share that failed fell from the first third of the case to its last.
pub(crate) fn falls(case: &Case<'_>) -> Outcome {
    grows(case).opposite()
}

/// The shares lost in each third of a case that is long enough for that.
#[expect(clippy::cast_precision_loss, reason = "a share needs two digits")]
fn thirds(case: &Case<'_>) -> Option<[f64; 3]> {
    let third = case.span.length() / 3;
    if third < Duration::from_millis(100) {
        return None;
    }
    let lanes = case.record.seen.lanes_of(case.target.id);
    let of = |nth: u32| {
        let from = case.span.from + third * nth;
        let cell = lapse_measure::timeline::Cell::of(lanes.iter().map(|lane| &lane.timeline), from, from + third);
        cell.failed() as f64 / cell.resolved().max(1) as f64
    };
    Some([of(0), of(1), of(2)])
}
