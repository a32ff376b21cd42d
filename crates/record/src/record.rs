//! All that is known of a run at its end: the one thing that reports are made of.
//!
//! A live run and the reading of its journal take the same entries, so both come to the same record.

use std::collections::BTreeMap;

use super::entry::{End, Entry, InjectedFault, RunHeader};
use super::pods::Answers;
use super::summary::{self, Act, Summary};
use crate::batch::{Batch, ProbeRecord as Resolved};
use crate::entry::Exit;
use crate::event::Event;
use crate::failure::{Failure, Failures};
use lapse_measure::answer::{Class, Health};
use lapse_measure::fold::Fold;
use lapse_measure::lane::{Lane, LaneId};
use lapse_measure::observations::Observations;
use lapse_measure::schedule::Schedule;
use lapse_measure::span::Span;
use lapse_measure::time::{Anchor, Human, Offset};
use lapse_measure::verdict::Ending;

/// Failures kept of each class of a lane.
const KEPT_OF_A_CLASS: u64 = 5_000;
/// Failures kept in all.
const KEPT: usize = 20_000;
/// Events kept in all.
const EVENTS: usize = 50_000;
/// The wall clock may be slewed by this many parts in a million (the kernel's limit) before a difference means a step.
const SLEW_PPM: u64 = 500;
/// A difference between anchors below this is not worth a word.
const STEP_NS: u64 = 1_000_000;

/// The wrapped command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRun {
    /// Its words.
    pub argv: Vec<String>,
    /// When it was started; `None` if the run ended before.
    pub started: Option<Offset>,
    /// How it ended; `None` if it did not before the run did.
    pub exit: Option<Exit>,
}

impl CommandRun {
    /// Whether it was to run and did not end well.
    pub fn failed(&self) -> bool {
        self.exit.as_ref().is_none_or(|exit| exit.code != Some(0))
    }
}

/// All that is known of a run.
#[derive(Clone, Debug)]
pub struct Record {
    /// What was known before the first probe.
    pub about: RunHeader,
    /// What was measured of each target and lane.
    pub seen: Observations,
    /// Failed probes, one by one.
    pub failures: Failures,
    /// What else happened.
    pub events: Vec<Event>,
    /// Events that were not kept.
    pub events_dropped: u64,
    /// The wrapped command, if there was one.
    pub command: Option<CommandRun>,
    /// What the scenario's world did, in the order in which it began.
    pub inflicted: Vec<InjectedFault>,
    /// Somebody asked for the end.
    pub interrupted: bool,
    /// The record ends without an end: the run was killed, or still goes on.
    pub cut: bool,
    /// The end, if the run came to one.
    pub end: Option<End>,
    /// What all of it comes to.
    pub summary: Summary,
}

impl Record {
    /// The whole run.
    pub fn whole(&self) -> Span {
        Span::new(Offset::ZERO, self.seen.end)
    }
}

/// Why an entry does not fit the entries before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEntry {
    /// A record of a lane that the run does not have, of a slot that is in already, or of one far ahead of all others.
    #[error("slot {slot} of lane {lane} does not belong here")]
    Slot {
        /// The lane's place in the run's list.
        lane: usize,
        /// The slot's number.
        slot: u64,
    },
    /// Time went back.
    #[error("{what} at {at} ns goes back in time")]
    Backwards {
        /// What it is that begins.
        what: &'static str,
        /// When it says it does.
        at: u64,
    },
}

/// Takes entries in until the run ends. A copy can be finished at any time: what is known so far.
#[derive(Clone, Debug)]
pub struct Recorder {
    about: RunHeader,
    lanes: Vec<Lane>,
    fold: Fold,
    failures: Failures,
    kept: BTreeMap<(LaneId, Class), u64>,
    events: Vec<Event>,
    events_dropped: u64,
    answers: Answers,
    command: Option<CommandRun>,
    acts: Vec<(String, Offset)>,
    inflicted: Vec<InjectedFault>,
    inconclusive: Vec<String>,
    interrupted: bool,
    watermark: Offset,
    end: Option<End>,
}

impl Recorder {
    /// The record of a run of which nothing has happened yet.
    pub fn new(about: RunHeader) -> Self {
        let lanes = about.lanes();
        let command = about.command.clone().map(|argv| CommandRun { argv, started: None, exit: None });
        Self {
            fold: Fold::new(&about.names(), &lanes, &about.control()).with_gate(about.gate),
            about,
            lanes,
            failures: Failures::default(),
            kept: BTreeMap::new(),
            events: Vec::new(),
            events_dropped: 0,
            answers: Answers::default(),
            command,
            acts: Vec::new(),
            inflicted: Vec::new(),
            inconclusive: Vec::new(),
            interrupted: false,
            watermark: Offset::ZERO,
            end: None,
        }
    }

    /// Takes the next entry in.
    pub fn take(&mut self, entry: Entry) -> Result<(), InvalidEntry> {
        match entry {
            Entry::Phase(phase, at) => {
                self.in_order("a phase", at)?;
                self.fold.begin(phase, at);
            }
            Entry::Act(name, at) => {
                self.in_order("an act", at)?;
                self.acts.push((name, at));
            }
            Entry::Batch(batch) => self.take_batch(batch)?,
            Entry::Event(event) if self.events.len() < EVENTS => self.events.push(event),
            Entry::Event(_) => self.events_dropped += 1,
            Entry::Started(at) => self.command.iter_mut().for_each(|command| command.started = Some(at)),
            Entry::Exit(exit) => self.command.iter_mut().for_each(|command| command.exit = Some(exit)),
            Entry::InjectedFault(inflicted) => self.inflicted.push(inflicted),
            Entry::Doubt(doubt) => self.inconclusive.push(doubt),
            Entry::Interrupted(_) => self.interrupted = true,
            Entry::End(end) => self.end = Some(end),
        }
        Ok(())
    }

    /// The lanes, and when control probes are due.
    pub fn lanes(&self) -> (&[Lane], Schedule) {
        (&self.lanes, self.about.control())
    }

    /// What is folded so far.
    pub const fn fold(&self) -> &Fold {
        &self.fold
    }

    /// Every slot due before this has been sent, or will never be.
    pub const fn watermark(&self) -> Offset {
        self.watermark
    }

    /// All that is known, now that no entry will follow.
    pub fn finish(self) -> Record {
        let end = self.end.map_or(self.watermark, |end| end.at);
        let seen = self.fold.finish(end);
        let ends = self.acts.iter().skip(1).map(|(_, from)| *from).chain([end]);
        let act = |((name, from), to): (&(String, Offset), _)| Act { name: name.clone(), span: Span::new(*from, to) };
        let acts = self.acts.iter().zip(ends).map(act).collect();
        let ending = match &self.command {
            _ if self.interrupted || self.end.is_none() => Ending::Interrupted,
            Some(command) if command.failed() => Ending::CommandFailed,
            _ => Ending::Complete,
        };
        let pods = self.answers.pods(&self.events, &self.failures.kept);
        let notes = notes(&self.about.anchor, self.end.as_ref(), &seen);
        let rest = summary::Rest { acts, pods, notes, inconclusive: self.inconclusive, ending };
        Record {
            summary: Summary::of(&self.about, &seen, rest),
            about: self.about,
            seen,
            failures: self.failures,
            events: self.events,
            events_dropped: self.events_dropped,
            command: self.command,
            inflicted: self.inflicted,
            interrupted: self.interrupted,
            cut: self.end.is_none(),
            end: self.end,
        }
    }

    /// Phases and acts follow each other, and what is due after they begin has not been taken in.
    fn in_order(&self, what: &'static str, at: Offset) -> Result<(), InvalidEntry> {
        let last = self.acts.last().map(|(_, from)| *from).max(self.fold.phases().last());
        if last.is_some_and(|last| at < last) {
            return Err(InvalidEntry::Backwards { what, at: at.as_nanos() });
        }
        Ok(())
    }

    fn take_batch(&mut self, batch: Batch) -> Result<(), InvalidEntry> {
        self.watermark = self.watermark.max(batch.watermark);
        for Resolved { lane, probe, evidence } in batch.records {
            let peer = evidence.as_ref().and_then(|evidence| evidence.peer);
            let slot = probe.slot;
            if !self.fold.push(lane, probe, peer) {
                return Err(InvalidEntry::Slot { lane: lane.0, slot });
            }
            if probe.class.health() == Health::Failed {
                self.keep(Failure { lane, probe, evidence: evidence.map(|evidence| *evidence).unwrap_or_default() });
            }
        }
        self.answers.add(batch.served);
        for probe in &batch.controls {
            self.fold.push_control(probe);
        }
        Ok(())
    }

    fn keep(&mut self, failure: Failure) {
        let kept = self.kept.entry((failure.lane, failure.probe.class)).or_insert(0);
        if *kept < KEPT_OF_A_CLASS && self.failures.kept.len() < KEPT {
            *kept += 1;
            self.failures.kept.push(failure);
        } else {
            self.failures.dropped += 1;
        }
    }
}

fn notes(anchor: &Anchor, end: Option<&End>, seen: &Observations) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(end) = end {
        let apart = anchor.unix_ns_at(end.anchor.offset).abs_diff(end.anchor.unix_ns);
        let slewed = end.anchor.offset.since(anchor.offset).as_nanos() * u128::from(SLEW_PPM) / 1_000_000;
        if u128::from(apart) > u128::from(STEP_NS) + slewed {
            let by = Human(std::time::Duration::from_nanos(apart));
            notes.push(format!("the wall clock was stepped by {by} during the run: dates count from its start"));
        }
    }
    let held_up = seen.held_up.length();
    if !held_up.is_zero() {
        notes.push(format!("the prober itself was held up for {}: that time is blind", Human(held_up)));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Answer, Sample};
    use lapse_measure::phase::Phase;
    use lapse_measure::verdict::Conclusion;

    #[test]
    fn a_probe_that_was_on_its_way_when_the_event_began_is_judged_with_it() {
        let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 1000);
        let record = sample.record(2000, |_, ms| match ms {
            999 => Answer::after(Class::Closed, 5000),
            _ => Answer::after(Class::Ok, 200),
        });
        let verdict = record.summary.verdict;
        assert_eq!((verdict.conclusion, verdict.inconclusive), (Conclusion::Fail, vec![]));
    }
}
