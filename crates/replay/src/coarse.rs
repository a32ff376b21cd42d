//! Reads a run of which only its report.json is left into a script: coarser than its journal, and what the report leaves
//! open is drawn by a seed.

mod draw;
mod wire;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lapse_measure::answer::{Class, Connection, Evidence, Health, Probe};
use lapse_measure::lane::{LaneId, Policy, Protocol};
use lapse_measure::schedule::{Rate, Schedule};
use lapse_measure::span::Span;
use lapse_measure::time::{Anchor, Offset, UnixTime};
use lapse_measure::timeline::Run;
use lapse_record::failure::Failure;

use self::draw::{Drawn, Slots};
use self::wire::{Report, SCHEMA, Target};
use crate::delays::{Quantiles, Took};
use crate::mark::Course;
use crate::recorded::{self, choose, of_new_connections};
use crate::script::{self, LaneScript, Script};

/// The name of the file in the folder of a run.
pub const FILE: &str = "report.json";
/// The longest report that is read, in bytes: with all failures that a run keeps one by one, one is a fifth of that.
const MAX_BYTES: u64 = 64 << 20;
/// The longest run that is read: a year.
const MAX_LENGTH: Duration = Duration::from_secs(365 * 86_400);

/// Why a report cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The report.
        path: PathBuf,
        /// The error of the file system.
        #[source]
        source: io::Error,
    },
    /// The file is longer than any report.
    #[error("{path} is longer than {} MiB: it is no report of lapse", MAX_BYTES >> 20)]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// The file is no report.
    #[error("{path} is no report of lapse: make it again with lapse report RUN --format json")]
    NoReport {
        /// The file.
        path: PathBuf,
        /// What it lacks, and where.
        #[source]
        source: serde_json::Error,
    },
    /// The report is of a version that is not known.
    #[error(
        "{path} is a report of another version ({found:?}, this is {SCHEMA}): read it with the lapse that wrote it"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The version that it names.
        found: String,
    },
    /// A value lies outside of what a run can have.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What cannot be.
        what: &'static str,
    },
}

/// A lane of the report, drawn.
struct Lane {
    policy: Policy,
    protocol: Protocol,
    schedule: Schedule,
    resolved: u64,
    drawn: Drawn,
    script: Arc<LaneScript>,
}

/// Reads the report at `path` into the script of one target: the one named, or the only one. What the report leaves open
/// is drawn by `seed`.
pub fn report(path: &Path, target: Option<&str>, seed: u64) -> Result<Script, recorded::Error> {
    let report = read(path)?;
    let names: Vec<_> = report.targets.iter().map(|target| target.name.clone()).collect();
    let damaged = |what| Error::Damaged { path: path.to_owned(), what };
    let place = choose(&names, target)?;
    let target = report.targets.get(place).ok_or_else(|| damaged("it has no target"))?;
    let length = Duration::from_nanos(report.run.length_ns);
    if length.is_zero() || length > MAX_LENGTH {
        return Err(damaged("the run took no time, or more than a year").into());
    }
    let lanes = lanes(&report, place, target, seed).map_err(damaged)?;
    let of = |policy| lanes.iter().find(|lane| lane.policy == policy).or(lanes.first());
    let (Some(fresh), Some(kept)) = (of(Policy::New), of(Policy::Reused)) else {
        let folder = path.parent().unwrap_or(path).to_owned();
        return Err(recorded::Error::Nothing { target: target.name.clone(), folder });
    };
    let new = lanes.iter().find(|lane| lane.policy == Policy::New);
    let episode = |episode: &wire::Stretch| {
        let [from, to] = [episode.from_ns, episode.to_ns].map(|ns| Offset::from_nanos(ns.min(report.run.length_ns)));
        Span::new(from, to.max(from))
    };
    let anchor = &report.run.anchor;
    Ok(Script {
        name: report.run.name.clone(),
        target: target.name.clone(),
        protocol: fresh.protocol,
        is_encrypted: target.url.starts_with("https://"),
        course: Course {
            whole: Span::new(Offset::ZERO, Offset::ZERO + length),
            anchor: Anchor { date: UnixTime::from_nanos(anchor.unix_ns), offset: Offset::from_nanos(anchor.offset_ns) },
            episodes: target.episodes.iter().map(episode).collect(),
        },
        notes: if lanes.len() == 1 { vec![script::only_lane(fresh.policy)] } else { Vec::new() },
        coarser: coarser(&lanes, seed),
        closings: Vec::new(),
        doors: of_new_connections(new.map(|lane| (&lane.schedule, &*lane.drawn.runs))),
        fresh: Arc::clone(&fresh.script),
        kept: Arc::clone(&kept.script),
    })
}

fn read(path: &Path) -> Result<Report, Error> {
    let cannot = |source| Error::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(cannot)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::TooLong { path: path.to_owned() });
    }
    let no_report = |source| Error::NoReport { path: path.to_owned(), source };
    let report: Report = serde_json::from_slice(&bytes).map_err(no_report)?;
    if report.schema != SCHEMA {
        let found = report.schema.chars().filter(|letter| !letter.is_control()).take(64).collect();
        return Err(Error::Version { path: path.to_owned(), found });
    }
    Ok(report)
}

/// The lanes of the target at this place on which a probe came to an answer; an error says what is damaged.
fn lanes(report: &Report, place: usize, target: &Target, seed: u64) -> Result<Vec<Lane>, &'static str> {
    let rate = Rate::per_second(report.run.rate).ok_or("its rate is none")?;
    let count = NonZeroU64::new(target.lanes.len() as u64).ok_or("a target has no lane")?;
    // The targets take turns within a slot, as a run sets them out.
    let share = u128::from(rate.get()) * report.targets.len().max(1) as u128;
    let start = Offset::from_nanos(u64::try_from(1_000_000_000 * place as u128 / share).unwrap_or(0));
    let end = Offset::from_nanos(report.run.length_ns);
    let mut lanes = Vec::new();
    for ((nth, lane), schedule) in target.lanes.iter().enumerate().zip(Schedule::interleaved(rate, count, start)) {
        let policy = [Policy::New, Policy::Reused].into_iter().find(|policy| policy.to_string() == lane.policy);
        let policy = policy.ok_or("a lane is neither new nor reused")?;
        let protocol = if lane.protocol == Protocol::Http2.to_string() { Protocol::Http2 } else { Protocol::Http1 };
        let failures = failures(report, &target.name, &lane.policy);
        let known: BTreeMap<_, _> = failures.iter().map(|failure| (failure.probe.slot, failure.probe.class)).collect();
        let slots = Slots { schedule, count: schedule.slots_before(end), known: &known };
        let seed = seed.wrapping_add(nth as u64);
        let drawn = draw::slots(lane, &slots, seed).ok_or("it has more failures than a run can have")?;
        let quantiles =
            lane.sent_to_done.map_or([0; 5], |took| [took.p50_ns, took.p90_ns, took.p99_ns, took.p999_ns, took.max_ns]);
        let script = Arc::new(LaneScript {
            schedule,
            seen: script::seen(&schedule, &drawn.runs, &BTreeMap::new(), script::of_requests(schedule, &drawn.runs)),
            took: Took::Drawn(Quantiles::new(quantiles.map(Duration::from_nanos), seed)),
            failures,
        });
        lanes.push(Lane { policy, protocol, schedule, resolved: lane.resolved, drawn, script });
    }
    lanes.retain(|lane| lane.resolved > 0);
    Ok(lanes)
}

/// The failures of a lane that the report has one by one, in the order of their slots.
fn failures(report: &Report, target: &str, lane: &str) -> Vec<Failure> {
    let of_lane = report.failures.kept.iter().filter(|failure| failure.target == target && failure.lane == lane);
    let mut failures: Vec<_> = of_lane.filter_map(failure).collect();
    failures.sort_unstable_by_key(|failure| failure.probe.slot);
    failures
}

fn failure(wire: &wire::Failure) -> Option<Failure> {
    let class = wire.class.parse::<Class>().ok().filter(|class| class.health() == Health::Failed)?;
    let probe = Probe {
        slot: wire.slot,
        due: Offset::from_nanos(wire.due_ns),
        sent: Offset::from_nanos(wire.sent_ns),
        done: Offset::from_nanos(wire.done_ns),
        class,
        timed_out: wire.timed_out,
        connection: Connection::New,
        reconnects: 0,
    };
    let evidence = Evidence {
        status: wire.status,
        server: wire.server.clone(),
        body: wire.body.clone(),
        detail: wire.detail.clone(),
        ..Evidence::default()
    };
    // Each script has one lane, so that its id does not matter.
    Some(Failure { lane: LaneId(0), probe, evidence })
}

/// What is coarser than with the journal, in sentences.
fn coarser(lanes: &[Lane], seed: u64) -> Vec<String> {
    let sum = |count: fn(&Lane) -> u64| lanes.iter().map(count).fold(0, u64::saturating_add);
    let failed = sum(|lane| {
        let failed = |run: &&Run| run.class.health() == Health::Failed;
        lane.drawn.runs.iter().filter(failed).map(|run| run.count).fold(0, u64::saturating_add)
    });
    let (classes, places) = (sum(|lane| lane.drawn.classes), sum(|lane| lane.drawn.places));
    let mut coarser = vec![format!(
        "only a report is left of this run: how long healthy answers take is drawn from their quantiles (seed {seed}); \
         slots that were not sent and what kept lanes met when they had to connect is not known"
    )];
    if classes > 0 {
        coarser
            .push(format!("of {failed} failed slots {classes} have a class that is drawn as often as it was counted"));
    }
    if places > 0 {
        coarser.push(format!("of {failed} failed slots {places} are drawn from the share that their disruption lost"));
    }
    coarser
}

#[cfg(test)]
mod tests;
