//! What was measured of a target: its lanes, episodes, phases and totals.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::figure::{Figure, Quantiles, Stretch};
use super::lane::{Lane, counted};
use lapse_measure::episode;
use lapse_measure::fold::LaneObservations;
use lapse_measure::latency::Distribution;
use lapse_measure::phase;
use lapse_measure::span::Span;
use lapse_measure::time::nanos;
use lapse_measure::totals;
use lapse_measure::verdict::Case;
use lapse_record::record::Record;

/// A target.
#[derive(Serialize, JsonSchema)]
pub(super) struct Target<'a> {
    name: &'a str,
    url: &'a str,
    lanes: Vec<Lane>,
    episodes: Vec<Episode>,
    phases: Vec<Phase>,
    totals: WholeTotals,
}

impl<'a> Target<'a> {
    pub(super) fn all(record: &'a Record) -> Vec<Self> {
        let names = record.about.names();
        let case = record.case(&names);
        (0..names.len()).map(|place| Self::of(record, case, place)).collect()
    }

    fn of(record: &'a Record, case: Case<'_>, place: usize) -> Self {
        let about = &record.about.targets[place];
        let places = record.lanes.iter().zip(&record.seen.lanes).filter(|(lane, _)| lane.target == place);
        let lanes = case.lanes_of(place);
        Self {
            name: &about.name,
            url: &about.url,
            lanes: places.map(|(lane, seen)| Lane::of(lane, seen)).collect(),
            episodes: episode::find(&lanes).iter().map(|episode| Episode::of(record, episode)).collect(),
            phases: Phase::all(record, case, place),
            totals: WholeTotals {
                totals: Totals::of(&case.totals(place, record.whole())),
                silence: record.seen.success_gaps.get(place).copied().flatten().map(Stretch::from),
            },
        }
    }
}

/// A stretch in which the target's lanes were not all well.
#[derive(Serialize, JsonSchema)]
struct Episode {
    /// When its first failed slot was due.
    from_ns: u64,
    /// When its last failed slot was due.
    to_ns: u64,
    span: Figure,
    failed: u64,
    /// Probes due in it that were sent.
    total: u64,
    /// Failed probes by class.
    classes: BTreeMap<String, u64>,
    /// Failed probes by the lane's name.
    lanes: BTreeMap<String, u64>,
    /// Failed probes by the address that they reached; `none` for those that reached nobody.
    peers: BTreeMap<String, u64>,
    /// From `sent` to `done` of failed probes.
    time_to_fail: Option<Quantiles>,
}

impl Episode {
    fn of(record: &Record, episode: &episode::Episode) -> Self {
        let lane = |place: usize| record.lanes.get(place).map(|lane| lane.policy.to_string()).unwrap_or_default();
        let peers = episode.peers.iter().map(|(peer, count)| {
            let peer = peer.map_or_else(|| "none".to_owned(), |peer| peer.to_string());
            (peer, *count)
        });
        Self {
            from_ns: episode.from.as_nanos(),
            to_ns: episode.to.as_nanos(),
            span: episode.span.into(),
            failed: episode.failed,
            total: episode.total,
            classes: counted(&episode.classes),
            lanes: episode.lanes.iter().map(|(place, count)| (lane(*place), *count)).collect(),
            peers: peers.collect(),
            time_to_fail: Quantiles::of(&episode.time_to_fail),
        }
    }
}

/// How a target fared in a phase of the run.
#[derive(Serialize, JsonSchema)]
struct Phase {
    /// `baseline`, `event` or `settle`.
    name: String,
    from_ns: u64,
    to_ns: u64,
    failed: u64,
    resolved: u64,
    /// 1 - failed / resolved; null if nothing was resolved.
    availability: Option<f64>,
    /// From due to done of healthy answers.
    latency: Option<Quantiles>,
}

impl Phase {
    fn all(record: &Record, case: Case<'_>, target: usize) -> Vec<Self> {
        let lanes = case.lanes_of(target);
        let phase = |(place, (phase, span)): (usize, (phase::Phase, Span))| {
            let totals = case.totals(target, span);
            Self {
                name: phase.to_string(),
                from_ns: span.from.as_nanos(),
                to_ns: span.to.as_nanos(),
                failed: totals.failed,
                resolved: totals.resolved,
                availability: totals.availability.requests,
                latency: Quantiles::of(&latency(&lanes, place)),
            }
        };
        record.seen.phases.spans(record.seen.end).enumerate().map(phase).collect()
    }
}

fn latency(lanes: &[(usize, &LaneObservations)], phase: usize) -> Distribution {
    let mut all = Distribution::fine();
    for of_lane in lanes.iter().filter_map(|(_, lane)| lane.latency.get(phase)) {
        all.add(of_lane);
    }
    all
}

/// What it all comes to, in a stretch of the run.
#[derive(Serialize, JsonSchema)]
pub(super) struct Totals {
    /// The time in which any lane had an outage or was slow.
    impaired: Figure,
    /// The time in which every lane was failing at once.
    down: Figure,
    /// Failed slots times period, averaged over the lanes: loss-derived downtime (RFC 6201).
    equivalent: Figure,
    /// The longest strict outage of any lane.
    longest: Figure,
    /// The time in which any lane was slow.
    slow: Figure,
    failed: u64,
    resolved: u64,
    availability: Availability,
    /// The time in which any lane, or the prober as a whole, could not see.
    blind_ns: u64,
    /// The smallest outage that the best lane was sure to see.
    floor_ns: u64,
}

impl Totals {
    pub(super) fn of(totals: &totals::Totals) -> Self {
        Self {
            impaired: totals.impaired.into(),
            down: totals.down.into(),
            equivalent: totals.loss_derived.into(),
            longest: totals.longest.into(),
            slow: totals.slow.into(),
            failed: totals.failed,
            resolved: totals.resolved,
            availability: Availability {
                requests: totals.availability.requests,
                time: totals.availability.time,
                worst_1s: totals.availability.worst_second,
                worst_60s: totals.availability.worst_minute,
            },
            blind_ns: nanos(totals.blind),
            floor_ns: nanos(totals.detection_limit),
        }
    }
}

/// What it all comes to, over the whole run.
#[derive(Serialize, JsonSchema)]
struct WholeTotals {
    #[serde(flatten)]
    totals: Totals,
    /// The longest stretch without a success although probes were outstanding; null if nothing was sent.
    silence: Option<Stretch>,
}

/// Availability; null where nothing was resolved or observed.
#[derive(Serialize, JsonSchema)]
struct Availability {
    /// 1 - failed / resolved.
    requests: Option<f64>,
    /// 1 - impaired / observed.
    time: Option<f64>,
    /// By requests, in the worst second.
    worst_1s: Option<f64>,
    /// By requests, in the worst minute.
    worst_60s: Option<f64>,
}
