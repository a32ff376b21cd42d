//! The record of a run, from which all reports are made, and the recorder that builds it from entries.
//!
//! A live run and the replay of its journal record the same entries, so both end with the same record.

mod notes;

use std::collections::BTreeMap;

use super::entry::{End, Entry, InjectedFault, RunHeader, Window};
use super::pods::ResponseCounts;
use super::summary::{self, Act, Summary};
use crate::batch::{Batch, ProbeRecord as Resolved};
use crate::entry::Exit;
use crate::event::{Event, EventKind};
use crate::failure::{Failure, Failures};
use crate::held::Gathered;
use lapse_measure::answer::{Class, Health};
use lapse_measure::budget::{Budget, Limit};
use lapse_measure::fold::{Fold, Refused};
use lapse_measure::lane::{Lane, LaneId};
use lapse_measure::observations::Observations;
use lapse_measure::schedule::Schedule;
use lapse_measure::span::Span;
use lapse_measure::time::Offset;
use lapse_measure::verdict::{Breach, Ending};
use lapse_measure::version::VersionFold;

/// The most failures kept of one class on one lane, so that one class cannot crowd out the others.
const MAX_FAILURES_PER_CLASS: u64 = 5_000;
/// The most failures kept over all lanes and classes; later ones are only counted.
const MAX_FAILURES: usize = 20_000;
/// The most events kept; later ones are only counted.
const MAX_EVENTS: usize = 50_000;

/// The run of the wrapped command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRun {
    /// The words of the command line.
    pub argv: Vec<String>,
    /// When the command was started; `None` if it was not, because it could not be or the run ended before.
    pub started: Option<Offset>,
    /// How the command ended; `None` if it had not when the run ended.
    pub exit: Option<Exit>,
}

impl CommandRun {
    /// Whether the command did not exit with code 0, for whatever reason.
    pub fn failed(&self) -> bool {
        self.exit.as_ref().is_none_or(|exit| exit.code != Some(0))
    }

    /// Whether the command had not ended when the run ended early.
    fn outlived(&self, early: Option<Offset>) -> bool {
        early.is_some_and(|early| self.exit.is_none_or(|exit| exit.at >= early))
    }

    /// The command line as sentences quote it.
    pub fn quoted(&self) -> String {
        format!("`{}`", self.argv.join(" "))
    }
}

/// The record of a run, from which every report is made.
#[derive(Clone, Debug)]
pub struct Record {
    /// The run header: the settings that were fixed before the first probe.
    pub about: RunHeader,
    /// The observations of each target and lane.
    pub seen: Observations,
    /// Failed probes with their evidence, up to a limit.
    pub failures: Failures,
    /// Events, in the order in which they were seen, up to a limit.
    pub events: Vec<Event>,
    /// The number of events beyond the limit.
    pub events_dropped: u64,
    /// The wrapped command; `None` if the run wrapped none.
    pub command: Option<CommandRun>,
    /// The faults that the scenario's world injected, in the order of their entries.
    pub injected_faults: Vec<InjectedFault>,
    /// Whether a signal asked for the end of the run.
    pub interrupted: bool,
    /// When the run ended early, at a breach that nothing to come could undo; `None` if it did not.
    pub ended_early: Option<Offset>,
    /// Whether there is no end entry: the run was killed, or still goes on.
    pub cut: bool,
    /// The end of the run; `None` if `cut`.
    pub end: Option<End>,
    /// Totals, episodes, pods and the verdict, computed once for all reports.
    pub summary: Summary,
}

impl Record {
    /// The span of the whole run.
    pub fn whole(&self) -> Span {
        Span::new(Offset::ZERO, self.seen.end)
    }

    /// The span over which budgets are checked: from the beginning of the event to the end of the run, and what was on
    /// its way when the event began and failed.
    pub fn judged(&self) -> Span {
        summary::judged(&self.seen)
    }

    /// The command and how it ended, as a clause; `None` if the run wrapped none.
    pub fn how_the_command_ended(&self) -> Option<String> {
        let command = self.command.as_ref()?;
        if let Some(why) = self.events.iter().find(|event| event.kind == EventKind::NotStarted) {
            return Some(why.text.clone());
        }
        let words = command.quoted();
        Some(match (command.started, &command.exit) {
            (None, _) => format!("{words} was never started"),
            (_, None) => format!("{words} had not ended when the run did"),
            (_, Some(exit)) => match (exit.code, exit.signal) {
                (Some(code), _) => format!("{words} exited with {code}"),
                (None, Some(signal)) => format!("{words} was ended by signal {signal}"),
                (None, None) => format!("{words} could not start: check that it can be found and run"),
            },
        })
    }
}

/// Why an entry contradicts the entries before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEntry {
    /// A record of an unknown lane, of a slot that already has a record, or of a slot too far ahead of the others.
    #[error("slot {slot} of lane {lane} is unknown, repeated or too far ahead")]
    Slot {
        /// The index of the lane.
        lane: usize,
        /// The number of the slot in its lane.
        slot: u64,
    },
    /// A held stream of a target or a place that the run does not have.
    #[error("a held stream of the place {place} of target {target}, which the run does not have")]
    Stream {
        /// The index of the target.
        target: usize,
        /// The place.
        place: u32,
    },
    /// A phase or an act begins before one that came earlier.
    #[error("{what} begins at {at} ns, before one that came earlier")]
    Backwards {
        /// `a phase` or `an act`.
        what: &'static str,
        /// The start that the entry gives, in nanoseconds.
        at: u64,
    },
}

/// Builds the record from entries. A clone can be finished at any time, for the record so far.
#[derive(Clone, Debug)]
pub struct Recorder {
    about: RunHeader,
    lanes: Vec<Lane>,
    fold: Fold,
    failures: Failures,
    kept: BTreeMap<(LaneId, Class), u64>,
    events: Vec<Event>,
    events_dropped: u64,
    responses: ResponseCounts,
    /// The versions that answers name; `None` unless the run tells them apart.
    versions: Option<VersionFold>,
    /// The held streams; `None` unless the run holds some.
    held: Option<Gathered>,
    command: Option<CommandRun>,
    acts: Vec<(String, Offset)>,
    injected_faults: Vec<InjectedFault>,
    inconclusive: Vec<String>,
    interrupted: bool,
    ended_early: Option<Offset>,
    watermark: Offset,
    end: Option<End>,
}

impl Recorder {
    /// A recorder for the run with this header, before its first entry.
    pub fn new(about: RunHeader) -> Self {
        let lanes = about.lanes();
        let versions = about.version_header.as_ref().map(|_| VersionFold::new(about.targets.len(), &lanes));
        let held = about.held.as_ref().map(|plan| Gathered::new(plan, about.targets.len()));
        let command = about.command.clone().map(|argv| CommandRun { argv, started: None, exit: None });
        Self {
            fold: Fold::new(&about.names(), &lanes, &about.control()).with_gate(about.gate),
            about,
            lanes,
            failures: Failures::default(),
            kept: BTreeMap::new(),
            events: Vec::new(),
            events_dropped: 0,
            responses: ResponseCounts::default(),
            versions,
            held,
            command,
            acts: Vec::new(),
            injected_faults: Vec::new(),
            inconclusive: Vec::new(),
            interrupted: false,
            ended_early: None,
            watermark: Offset::ZERO,
            end: None,
        }
    }

    /// Records the next entry; an error if it contradicts the entries before it.
    pub fn take(&mut self, entry: Entry) -> Result<(), InvalidEntry> {
        match entry {
            Entry::Phase(phase, at) => {
                self.check_order("a phase", at)?;
                self.fold.begin(phase, at);
            }
            Entry::Act(name, at) => {
                self.check_order("an act", at)?;
                self.acts.push((name, at));
            }
            Entry::Batch(batch) => self.take_batches(vec![batch]).map_err(|(_, invalid)| invalid)?,
            Entry::Event(event) => {
                if event.kind == EventKind::EndedEarly {
                    self.ended_early.get_or_insert(event.at);
                }
                if self.events.len() < MAX_EVENTS {
                    self.events.push(event);
                } else {
                    self.events_dropped += 1;
                }
            }
            Entry::Started(at) => self.command.iter_mut().for_each(|command| command.started = Some(at)),
            Entry::Exit(exit) => self.command.iter_mut().for_each(|command| command.exit = Some(exit)),
            Entry::InjectedFault(fault) => self.injected_faults.push(fault),
            Entry::Stream(target, stream) => {
                let invalid = InvalidEntry::Stream { target: target.0, place: stream.place };
                let is_known = self.held.as_mut().is_some_and(|held| held.push(target, stream));
                return if is_known { Ok(()) } else { Err(invalid) };
            }
            Entry::Doubt(reason) => self.inconclusive.push(reason),
            Entry::Interrupted(_) => self.interrupted = true,
            Entry::End(end) => self.end = Some(end),
        }
        Ok(())
    }

    /// The lanes of the run and the schedule of its control lane.
    pub fn lanes(&self) -> (&[Lane], Schedule) {
        (&self.lanes, self.about.control())
    }

    /// Whether the run wraps a command.
    pub const fn has_command(&self) -> bool {
        self.command.is_some()
    }

    /// The names of the targets.
    pub fn names(&self) -> Vec<String> {
        self.about.names()
    }

    /// The fold of all probes so far, for figures while the run goes on.
    pub const fn fold(&self) -> &Fold {
        &self.fold
    }

    /// Every slot that was due before this instant has been sent or given up.
    pub const fn watermark(&self) -> Offset {
        self.watermark
    }

    /// The record, now that no entry follows.
    pub fn finish(self) -> Record {
        let end = self.end.map_or(self.watermark, |end| end.at);
        let mut seen = self.fold.finish(end);
        let held = self.held.into_iter().flat_map(Gathered::finish);
        seen.targets.iter_mut().zip(held).for_each(|(target, held)| target.held = Some(held));
        let acts = acts(&self.acts, end);
        let ending = match &self.command {
            _ if self.interrupted || self.end.is_none() => Ending::Interrupted,
            // It was not to be started: the targets were not up in time.
            Some(command) if command.started.is_none() => Ending::Complete,
            Some(command) if command.failed() && !command.outlived(self.ended_early) => Ending::CommandFailed,
            _ => Ending::Complete,
        };
        let pods = self.responses.pods(&self.events, &self.failures.kept);
        let notes = notes::of(&self.about.anchor, self.end.as_ref(), &seen, &self.events);
        let versions = self.versions.map(VersionFold::finish).unwrap_or_default();
        let rest = summary::Rest { acts, pods, versions, notes, inconclusive: self.inconclusive, ending };
        Record {
            summary: Summary::of(&self.about, &seen, &self.failures.kept, rest),
            about: self.about,
            seen,
            failures: self.failures,
            events: self.events,
            events_dropped: self.events_dropped,
            command: self.command,
            injected_faults: self.injected_faults,
            interrupted: self.interrupted,
            ended_early: self.ended_early,
            cut: self.end.is_none(),
            end: self.end,
        }
    }

    /// The first breach of a budget so far that nothing to come can undo. Takes time in proportion to what was seen, but
    /// none while nothing failed.
    pub fn lasting_breach(&self) -> Option<Breach> {
        let limits_slowness =
            |(budget, _): &(Budget, Window)| matches!(budget.limit, Limit::Slow(_) | Limit::Impaired(..));
        if self.fold.failed() == 0 && !self.about.budgets.iter().any(limits_slowness) {
            return None;
        }
        let seen = self.fold.resolved();
        summary::lasting_breach(&self.about, &seen, &acts(&self.acts, seen.end))
    }

    /// Checks that a phase or an act does not begin before an earlier one.
    fn check_order(&self, what: &'static str, at: Offset) -> Result<(), InvalidEntry> {
        let last = self.acts.last().map(|(_, from)| *from).max(self.fold.phases().last());
        if last.is_some_and(|last| at < last) {
            return Err(InvalidEntry::Backwards { what, at: at.as_nanos() });
        }
        Ok(())
    }

    /// Records the next batches, all at once so that their lanes are folded side by side. If one contradicts what came
    /// before it, the error has its place among them; those after it are not recorded, except that some lanes may have
    /// gone on.
    pub(crate) fn take_batches(&mut self, batches: Vec<Batch>) -> Result<(), (usize, InvalidEntry)> {
        let records = batches.iter().flat_map(|batch| &batch.records);
        let peer = |record: &Resolved| record.evidence.as_ref().and_then(|evidence| evidence.peer);
        let probes = records.map(|record| (record.lane, &record.probe, peer(record)));
        let mut accepted = match self.fold.push_all(probes) {
            Ok(()) => usize::MAX,
            Err(Refused(nth)) => nth,
        };
        for (nth, batch) in batches.into_iter().enumerate() {
            self.watermark = self.watermark.max(batch.watermark);
            if let Some(versions) = &mut self.versions {
                for record in batch.records.iter().take(accepted) {
                    versions.push(record.lane, &record.probe, batch.naming(record), self.fold.phases());
                }
            }
            for Resolved { lane, probe, evidence, .. } in batch.records {
                if accepted == 0 {
                    return Err((nth, InvalidEntry::Slot { lane: lane.0, slot: probe.slot }));
                }
                accepted -= 1;
                if probe.class.health() == Health::Failed {
                    let evidence = evidence.map(|evidence| *evidence).unwrap_or_default();
                    self.keep(Failure { lane, probe, evidence });
                }
            }
            self.responses.add(batch.served);
            for probe in &batch.controls {
                self.fold.push_control(probe);
            }
        }
        Ok(())
    }

    fn keep(&mut self, failure: Failure) {
        let kept = self.kept.entry((failure.lane, failure.probe.class)).or_insert(0);
        if *kept < MAX_FAILURES_PER_CLASS && self.failures.kept.len() < MAX_FAILURES {
            *kept += 1;
            self.failures.kept.push(failure);
        } else {
            self.failures.dropped += 1;
        }
    }
}

/// The acts that began, each up to the next or to the end.
fn acts(began: &[(String, Offset)], end: Offset) -> Vec<Act> {
    let ends = began.iter().skip(1).map(|(_, from)| *from).chain([end]);
    let act = |((name, from), to): (&(String, Offset), _)| Act { name: name.clone(), span: Span::new(*from, to) };
    began.iter().zip(ends).map(act).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Answer, Sample};
    use lapse_measure::phase::Phase;
    use lapse_measure::verdict::Conclusion;

    #[test]
    fn a_probe_under_way_when_the_event_begins_counts_against_budgets_if_it_fails() {
        let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 1000);
        let record = sample.record(2000, |_, ms| match ms {
            999 => Answer::after(Class::Closed, 5000),
            _ => Answer::after(Class::Ok, 200),
        });
        let verdict = record.summary.verdict;
        assert_eq!((verdict.conclusion, verdict.inconclusive), (Conclusion::Fail, vec![]));
    }
}
