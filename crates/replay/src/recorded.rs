//! Reads a recorded run into a script.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lapse_measure::answer::{Connection, Health, Probe};
use lapse_measure::lane::{Lane, LaneId, Policy, Protocol, TargetId};
use lapse_measure::observations::LaneObservations;
use lapse_measure::schedule::Schedule;
use lapse_measure::span::Span;
use lapse_measure::time::Offset;
use lapse_measure::timeline::Run;
use lapse_record::entry::Entry;
use lapse_record::journal;
use lapse_record::record::Record;

use crate::coarse;
use crate::delays::{Delays, Took};
use crate::door::{self, Dial, Door};
use crate::mark::Course;
use crate::script::{self, LaneScript, Script};
use crate::track::Track;

/// A probe that was sent later than this after it was due is played when it was sent, as far as that matters.
const LATE: Duration = Duration::from_millis(1);
/// The most late failures, and the most connections of kept lanes, whose instants are kept.
const MAX_KEPT: usize = 1 << 20;

/// Why a run cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The report cannot be read.
    #[error(transparent)]
    Report(#[from] coarse::Error),
    /// There is no target of this name.
    #[error("the run has no target {asked:?}; it has {there}: name one of these with --target")]
    NoTarget {
        /// The name asked for.
        asked: String,
        /// The names of the run's targets.
        there: String,
    },
    /// The run has several targets, and none was named.
    #[error("the run has several targets ({there}), and a replay plays one: name it with --target")]
    WhichTarget {
        /// The names of the run's targets.
        there: String,
    },
    /// Not one probe of the target has a result.
    #[error("no probe of {target} in {folder} has a result: there is nothing to play")]
    Nothing {
        /// The name of the target.
        target: String,
        /// The folder of the run.
        folder: PathBuf,
    },
}

/// What the journal has and the record does not.
#[derive(Debug, Default)]
struct Gathered {
    delays: Delays,
    /// When failed probes that were late were sent, by slot.
    late: BTreeMap<u64, Offset>,
    /// The connections that a kept lane opened.
    dials: Vec<Dial>,
    /// When a kept lane found connections closed that were idle, and how many.
    closings: Vec<(Offset, u32)>,
}

/// Reads the journal in `folder` into the script of one target: the one named, or the only one.
pub fn journal(folder: &Path, target: Option<&str>) -> Result<Script, Error> {
    let header = journal::header(folder)?;
    let target = TargetId(choose(&header.names(), target)?);
    let lanes = header.lanes();
    let mut gathered: Vec<_> = lanes.iter().map(|_| Gathered::default()).collect();
    let record = journal::read_observed(folder, header, |entry| {
        if let Entry::Batch(batch) = entry {
            for resolved in &batch.records {
                if let (Some(lane), Some(gathered)) = (lanes.get(resolved.lane.0), gathered.get_mut(resolved.lane.0)) {
                    gathered.take(lane, &resolved.probe);
                }
            }
        }
    })?;
    let observed = || record.seen.lanes.iter().zip(&gathered).filter(|(lane, _)| lane.lane.target == target);
    let all: Vec<_> = observed().map(|(lane, _)| lane).collect();
    let doors = doors(&all, observed().flat_map(|(_, gathered)| gathered.dials.iter().copied()).collect());
    let mut closings: Vec<_> = observed().flat_map(|(_, gathered)| gathered.closings.iter().copied()).collect();
    closings.sort_unstable_by_key(|(at, _)| *at);
    let scripts: Vec<_> = observed()
        .filter(|(lane, _)| lane.counts.resolved > 0)
        .map(|(lane, gathered)| (lane.lane.policy, Arc::new(of_lane(&record, lane, gathered))))
        .collect();
    let of =
        |policy| scripts.iter().find(|(of, _)| *of == policy).or(scripts.first()).map(|(_, script)| Arc::clone(script));
    let (Some(fresh), Some(kept)) = (of(Policy::New), of(Policy::Reused)) else {
        let target = record.summary.target(target).name.clone();
        return Err(Error::Nothing { target, folder: folder.to_owned() });
    };
    let (name, target) = (record.about.name.clone(), record.summary.target(target));
    let protocol = all.first().map_or(Protocol::Http1, |lane| lane.lane.protocol);
    let episodes = target.episodes.iter().map(|episode| Span::new(episode.from, episode.to)).collect();
    let course = Course { whole: record.whole(), anchor: record.about.anchor, episodes };
    let is_encrypted = ["https://", "grpcs://"].iter().any(|scheme| target.url.starts_with(scheme));
    let (notes, target) = (notes(&record, &scripts), target.name.clone());
    let coarser = Vec::new();
    Ok(Script { name, target, protocol, is_encrypted, course, notes, coarser, doors, closings, fresh, kept })
}

/// The place among `names` of the target of this name, or of the only one.
pub(crate) fn choose(names: &[String], name: Option<&str>) -> Result<usize, Error> {
    match name {
        Some(asked) => {
            let found = names.iter().position(|name| name == asked);
            found.ok_or_else(|| Error::NoTarget { asked: asked.to_owned(), there: names.join(", ") })
        }
        None if names.len() > 1 => Err(Error::WhichTarget { there: names.join(", ") }),
        None => Ok(0),
    }
}

impl Gathered {
    fn take(&mut self, lane: &Lane, probe: &Probe) {
        let health = probe.class.health();
        if health == Health::Blind {
            return;
        }
        self.delays.record(probe.slot, probe.done.since(probe.sent));
        let is_late = probe.sent.since(probe.due) > LATE;
        if is_late && health == Health::Failed && self.late.len() < MAX_KEPT {
            self.late.insert(probe.slot, probe.sent);
        }
        let met = if is_late { probe.sent } else { probe.due };
        // Connections of HTTP/2 end with a GOAWAY, which is played as what the stream before it met.
        let may_rest = (lane.policy, lane.protocol) == (Policy::Reused, Protocol::Http1);
        if may_rest && probe.reconnects > 0 && self.closings.len() < MAX_KEPT {
            // By then they were closed, and the slot holds from here on.
            self.closings.push((met.back(lane.schedule.period() / 2), probe.reconnects.into()));
        }
        let dialled = lane.policy == Policy::Reused && probe.connection == Connection::New;
        if let (true, true, Some(door)) = (dialled, self.dials.len() < MAX_KEPT, Door::met(probe.class)) {
            self.dials.push(Dial { at: met, door });
        }
    }
}

fn of_lane(record: &Record, lane: &LaneObservations, gathered: &Gathered) -> LaneScript {
    let of = |id: LaneId| record.failures.kept.iter().filter(move |failure| failure.lane == id);
    let mut failures: Vec<_> = of(lane.id).cloned().collect();
    failures.sort_unstable_by_key(|failure| failure.probe.slot);
    let (schedule, runs) = (lane.lane.schedule, lane.timeline.runs());
    LaneScript {
        schedule,
        seen: script::seen(&schedule, runs, &gathered.late, script::of_requests(schedule, runs)),
        took: Took::Recorded(gathered.delays.clone()),
        failures,
    }
}

/// The port over time, by the lane of new connections and by `dials`, the connections that kept lanes opened.
fn doors(lanes: &[&LaneObservations], dials: Vec<Dial>) -> Track<Door> {
    let new = lanes.iter().find(|lane| lane.lane.policy == Policy::New);
    let doors = of_new_connections(new.map(|lane| (&lane.lane.schedule, lane.timeline.runs())));
    let spacing = lanes.first().map(|lane| door::spacing(&lane.lane.schedule, lanes.len())).unwrap_or_default();
    door::with_dials(&doors, dials, spacing)
}

/// The port over time, by the slots of the lane of new connections; open where there is none.
pub(crate) fn of_new_connections(lane: Option<(&Schedule, &[Run])>) -> Track<Door> {
    let met = lane.map(|(schedule, runs)| script::seen(schedule, runs, &BTreeMap::new(), script::was_sent));
    let doors = met.map(|seen| seen.map(|seen| Door::met(seen.class).unwrap_or_default())).unwrap_or_default();
    if doors.at(Offset::ZERO).is_none() { [(Offset::ZERO, Door::Open)].into_iter().collect() } else { doors }
}

fn notes(record: &Record, lanes: &[(Policy, Arc<LaneScript>)]) -> Vec<String> {
    let mut notes = Vec::new();
    if record.cut {
        let note = record.summary.notes.iter().find(|note| note.starts_with("the journal"));
        notes.push(note.cloned().unwrap_or_else(|| "the journal ends before the run did".to_owned()));
    }
    if record.failures.dropped > 0 {
        notes.push(format!(
            "{} failures were not kept one by one: they are played with the answer of the nearest one that was",
            record.failures.dropped
        ));
    }
    if let [(policy, _)] = lanes {
        notes.push(script::only_lane(*policy));
    }
    notes
}
