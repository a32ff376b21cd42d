//! The measurements of a target: its lanes, episodes, phases and totals.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::disruption::{Disruption, Disruptions, Unseen, WorstWindow};
use super::figure::{Figure, Quantiles, SampledFigure, Stretch};
use super::held::Held;
use super::lane::{Lane, counted};
use super::version::Versions;
use lapse_measure::episode;
use lapse_measure::lane::LaneId;
use lapse_measure::time::nanos;
use lapse_measure::totals;
use lapse_record::record::Record;
use lapse_record::summary::{PhaseSummary, TargetSummary};

/// A target.
#[derive(Serialize, JsonSchema)]
pub(super) struct Target<'a> {
    name: &'a str,
    url: &'a str,
    lanes: Vec<Lane>,
    episodes: Vec<Episode>,
    /// The target's disruptions, over all of its lanes.
    disruptions: Vec<Disruption>,
    /// The worst stretch of the run by width.
    worst_windows: Vec<WorstWindow>,
    phases: Vec<Phase>,
    totals: WholeTotals,
    /// The versions that its answers named; null unless the run tells them apart (`--version-header`).
    versions: Option<Versions<'a>>,
    /// The streams that were held beside its probes; left out unless the run held some (`--held`).
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Held<'a>>,
}

impl<'a> Target<'a> {
    pub(super) fn all(record: &'a Record) -> Vec<Self> {
        record.summary.targets.iter().map(|target| Self::of(record, target)).collect()
    }

    fn of(record: &'a Record, target: &'a TargetSummary) -> Self {
        Self {
            name: &target.name,
            url: &target.url,
            lanes: target.lanes.iter().map(|id| Lane::of(record.seen.lane(*id))).collect(),
            episodes: target.episodes.iter().map(|episode| Episode::of(record, episode)).collect(),
            disruptions: target.disruptions.iter().map(Disruption::of).collect(),
            worst_windows: target.worst_shares.iter().map(WorstWindow::of).collect(),
            phases: target.phases.iter().map(Phase::of).collect(),
            totals: WholeTotals { totals: Totals::of(&target.totals), silence: target.success_gap.map(Stretch::from) },
            held: held(record, target),
            versions: target.versions.as_ref().map(|versions| Versions::of(record, versions)),
        }
    }
}

/// The held streams of a target, if the run held some.
fn held<'a>(record: &'a Record, target: &TargetSummary) -> Option<Held<'a>> {
    let streams = record.seen.target(target.id).held.as_ref()?;
    Some(Held::of(record, record.about.held.as_ref()?, streams))
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
    /// Failed probes by the address that they reached; `none` for those that got no address or no connection.
    peers: BTreeMap<String, u64>,
    /// From `sent` to `done` of failed probes.
    time_to_fail: Option<Quantiles>,
    /// Time from `sent` to `done` of failed probes by class; `other` for all classes beyond the first 16 of a lane.
    time_to_fail_by_class: BTreeMap<String, Quantiles>,
}

impl Episode {
    fn of(record: &Record, episode: &episode::Episode) -> Self {
        let lane = |id: LaneId| record.seen.lane(id).lane.policy.to_string();
        let peers = episode.peers.iter().map(|(peer, count)| {
            let peer = peer.map_or_else(|| "none".to_owned(), |peer| peer.to_string());
            (peer, *count)
        });
        let by_class = episode.times_to_fail.iter().filter_map(|(class, times)| {
            let class = class.map_or_else(|| "other".to_owned(), |class| class.to_string());
            Some((class, Quantiles::of(times)?))
        });
        Self {
            from_ns: episode.from.as_nanos(),
            to_ns: episode.to.as_nanos(),
            span: episode.span.into(),
            failed: episode.failed,
            total: episode.total,
            classes: counted(&episode.classes),
            lanes: episode.lanes.iter().map(|(id, count)| (lane(*id), *count)).collect(),
            peers: peers.collect(),
            time_to_fail: Quantiles::of(&episode.time_to_fail()),
            time_to_fail_by_class: by_class.collect(),
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
    fn of(summary: &PhaseSummary) -> Self {
        let PhaseSummary { phase, span, totals, latency } = summary;
        Self {
            name: phase.to_string(),
            from_ns: span.from.as_nanos(),
            to_ns: span.to.as_nanos(),
            failed: totals.failed,
            resolved: totals.resolved,
            availability: totals.availability.requests,
            latency: Quantiles::of(latency),
        }
    }
}

/// Totals of a target in a stretch of the run.
#[derive(Serialize, JsonSchema)]
pub(super) struct Totals {
    /// The time in which any lane had an outage or was slow.
    impaired: Figure,
    /// The time in which every lane was failing at once.
    down: Figure,
    /// Failed slots times period, averaged over the lanes: loss-derived downtime (RFC 6201).
    equivalent: SampledFigure,
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
    /// How long an outage could have gone unseen.
    unseen: Unseen,
    disruptions: Disruptions,
}

impl Totals {
    pub(super) fn of(totals: &totals::Totals) -> Self {
        Self {
            impaired: totals.impaired.into(),
            down: totals.down.into(),
            equivalent: SampledFigure::of(totals.loss_derived, totals.loss_certainty),
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
            unseen: Unseen::of(totals),
            disruptions: Disruptions::of(&totals.disruptions),
        }
    }
}

/// Totals of a target over the whole run.
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
