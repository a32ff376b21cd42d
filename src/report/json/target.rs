//! What was seen of one target: its lanes, episodes and totals, overall and in parts of the run.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::lane::Lane;
use super::value::{Bounded, Quantiles, classes, ns, share};
use crate::measure::episode;
use crate::measure::latency::Distribution;
use crate::measure::span::Span;
use crate::measure::time::nanos;
use crate::measure::totals;
use crate::run::record::Record;

/// What was seen of one target.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Target {
    name: String,
    url: String,
    lanes: Vec<Lane>,
    episodes: Vec<Episode>,
    /// Over the whole run.
    totals: Totals,
    /// Over each phase, in their order.
    phases: Vec<Part>,
    /// Over each act of a scenario, in their order.
    acts: Vec<Part>,
}

/// Outages and single failures of all lanes, clustered.
#[derive(Debug, Serialize, JsonSchema)]
struct Episode {
    /// When its first failed slot was due.
    from_ns: u64,
    /// When its last failed slot was due.
    to_ns: u64,
    /// From the beginning of its first outage to the end of its last.
    span: Bounded,
    /// Probes that failed in it.
    failed: u64,
    /// Probes sent in it.
    total: u64,
    classes: BTreeMap<String, u64>,
    /// The failed ones by lane.
    lanes: BTreeMap<String, u64>,
    /// The failed ones by address; `none` for those that reached nobody.
    peers: BTreeMap<String, u64>,
    /// From sent to done of the failed ones.
    time_to_fail: Option<Quantiles>,
    /// How many strict outages it consists of.
    outages: u64,
}

/// Totals.
#[derive(Debug, Serialize, JsonSchema)]
struct Totals {
    /// The time in which any lane had an outage or was slow.
    impaired: Bounded,
    /// The time in which every lane was failing at once.
    down: Bounded,
    /// Failed slots times period, averaged over lanes.
    equivalent: Bounded,
    /// The longest outage of any lane.
    longest: Bounded,
    /// The time in which any lane was slow.
    slow: Bounded,
    failed: u64,
    resolved: u64,
    /// The failed ones by class.
    classes: BTreeMap<String, u64>,
    availability: Availability,
    /// The time in which the run could not see.
    blind_ns: u64,
    /// The longest stretch of it.
    longest_blind_ns: u64,
    /// The smallest outage that the best lane was sure to see.
    floor_ns: u64,
    /// The longest stretch without a success; null if nothing was sent, or for a part of a run.
    silence: Option<Stretch>,
}

/// Shares from 0 to 1; null where nothing was resolved or observed.
#[derive(Debug, Serialize, JsonSchema)]
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

/// A stretch of time.
#[derive(Debug, Serialize, JsonSchema)]
struct Stretch {
    from_ns: u64,
    to_ns: u64,
}

/// A part of the run.
#[derive(Debug, Serialize, JsonSchema)]
struct Part {
    name: String,
    from_ns: u64,
    to_ns: u64,
    totals: Totals,
    /// From due to done of healthy answers; null if there was none, or for an act.
    latency: Option<Quantiles>,
}

impl Target {
    pub(super) fn of(record: &Record, place: usize) -> Self {
        let names = record.about.names();
        let case = record.case(&names);
        let about = &record.about.targets[place];
        let lanes = case.lanes_of(place);
        let totals = |window: Span| case.totals(place, window);
        let phases = record.seen.phases.spans(record.seen.end).enumerate().map(|(nth, (phase, span))| {
            let mut latency = Distribution::fine();
            lanes.iter().filter_map(|(_, lane)| lane.latency.get(nth)).for_each(|lane| latency.add(lane));
            Part::of(phase.to_string(), span, &totals(span), Quantiles::of(&latency))
        });
        Self {
            name: about.name.clone(),
            url: about.url.clone(),
            lanes: lanes.iter().map(|(place, seen)| Lane::of(record, *place, seen)).collect(),
            episodes: episode::find(&lanes).iter().map(|episode| Episode::of(record, episode)).collect(),
            totals: Totals::of(&totals(record.whole()), record.seen.silences.get(place).copied().flatten()),
            phases: phases.collect(),
            acts: record.acts.iter().map(|act| Part::of(act.name.clone(), act.span, &totals(act.span), None)).collect(),
        }
    }
}

impl Episode {
    fn of(record: &Record, episode: &episode::Episode) -> Self {
        let lane = |place: usize| record.lanes.get(place).map(|lane| lane.policy.to_string()).unwrap_or_default();
        let peer = |(peer, count): (&Option<std::net::SocketAddr>, &u64)| {
            (peer.map_or_else(|| "none".to_owned(), |peer| peer.to_string()), *count)
        };
        Self {
            from_ns: episode.from.as_nanos(),
            to_ns: episode.to.as_nanos(),
            span: episode.span.into(),
            failed: episode.failed,
            total: episode.total,
            classes: classes(&episode.classes),
            lanes: episode.lanes.iter().map(|(place, count)| (lane(*place), *count)).collect(),
            peers: episode.peers.iter().map(peer).collect(),
            time_to_fail: Quantiles::of(&episode.time_to_fail),
            outages: episode.outages.len() as u64,
        }
    }
}

impl Totals {
    fn of(totals: &totals::Totals, silence: Option<Span>) -> Self {
        let availability = totals.availability;
        Self {
            impaired: totals.impaired.into(),
            down: totals.down.into(),
            equivalent: totals.equivalent.into(),
            longest: totals.longest.into(),
            slow: totals.slow.into(),
            failed: totals.failed,
            resolved: totals.resolved,
            classes: classes(&totals.classes),
            availability: Availability {
                requests: availability.requests.and_then(share),
                time: availability.time.and_then(share),
                worst_1s: availability.worst_second.and_then(share),
                worst_60s: availability.worst_minute.and_then(share),
            },
            blind_ns: ns(totals.blind),
            longest_blind_ns: ns(totals.longest_blind),
            floor_ns: nanos(totals.floor),
            silence: silence.map(|span| Stretch { from_ns: span.from.as_nanos(), to_ns: span.to.as_nanos() }),
        }
    }
}

impl Part {
    fn of(name: String, span: Span, totals: &totals::Totals, latency: Option<Quantiles>) -> Self {
        let totals = Totals::of(totals, None);
        Self { name, from_ns: span.from.as_nanos(), to_ns: span.to.as_nanos(), totals, latency }
    }
}
