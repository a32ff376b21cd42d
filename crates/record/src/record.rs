//! All that is known of a run at its end: the one thing that reports are made of.
//!
//! A live run and the reading of its journal take the same entries, so both come to the same record.

use std::collections::BTreeMap;

use super::entry::{End, Entry, InjectedFault, RunHeader, Window};
use super::pods::{Answers, Pod};
use crate::batch::{Batch, ProbeRecord as Resolved};
use crate::entry::Exit;
use crate::event::Event;
use lapse_measure::answer::{Class, Evidence, Health, Probe};
use lapse_measure::fold::{Fold, Observations};
use lapse_measure::lane::Lane;
use lapse_measure::schedule::Schedule;
use lapse_measure::span::Span;
use lapse_measure::time::{Anchor, Human, Offset};
use lapse_measure::verdict::{self, Case, Ending, Verdict};

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

/// A failed probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The lane's place in the run's list.
    pub lane: usize,
    /// The probe.
    pub probe: Probe,
    /// What else is known of it.
    pub evidence: Evidence,
}

/// The failed probes that were kept one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// In the order in which they resolved.
    pub kept: Vec<Failure>,
    /// How many were not kept; outages and totals count them all the same.
    pub dropped: u64,
}

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

/// An act of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// What it is called.
    pub name: String,
    /// From its beginning to the next one's, or to the end of the run.
    pub span: Span,
}

/// All that is known of a run.
#[derive(Clone, Debug)]
pub struct Record {
    /// What was known before the first probe.
    pub about: RunHeader,
    /// The lanes.
    pub lanes: Vec<Lane>,
    /// What was seen.
    pub seen: Observations,
    /// Failed probes, one by one.
    pub failures: Failures,
    /// What else happened.
    pub events: Vec<Event>,
    /// Events that were not kept.
    pub events_dropped: u64,
    /// The pods that ended or answered, as far as anybody told.
    pub pods: Vec<Pod>,
    /// The wrapped command, if there was one.
    pub command: Option<CommandRun>,
    /// The acts of the scenario, if it was one.
    pub acts: Vec<Act>,
    /// What the scenario's world did, in the order in which it began.
    pub inflicted: Vec<InjectedFault>,
    /// Somebody asked for the end.
    pub interrupted: bool,
    /// The record ends without an end: the run was killed, or still goes on.
    pub cut: bool,
    /// The end, if the run came to one.
    pub end: Option<End>,
    /// The verdict.
    pub verdict: Verdict,
    /// What a reader should know that is no reason to doubt the verdict.
    pub notes: Vec<String>,
}

impl Record {
    /// What there is to judge.
    pub fn case<'a>(&'a self, names: &'a [String]) -> Case<'a> {
        Case { seen: &self.seen, lanes: &self.lanes, targets: names }
    }

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
        /// The lane's place.
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
    kept: BTreeMap<(usize, Class), u64>,
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
            fold: Fold::new(&lanes, &about.control()).with_gate(about.gate),
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
        let acts: Vec<_> = self
            .acts
            .iter()
            .zip(ends)
            .map(|((name, from), to)| Act { name: name.clone(), span: Span::new(*from, to) })
            .collect();
        let ending = match &self.command {
            _ if self.interrupted || self.end.is_none() => Ending::Interrupted,
            Some(command) if command.failed() => Ending::CommandFailed,
            _ => Ending::Complete,
        };
        let names = self.about.names();
        let case = Case { seen: &seen, lanes: &self.lanes, targets: &names };
        let verdict = verdict::judge(case, &budgets(&self.about, &seen, &acts), self.about.max_blind, ending);
        let verdict = verdict.doubted(self.inconclusive);
        Record {
            notes: notes(&self.about.anchor, self.end.as_ref(), &seen),
            about: self.about,
            lanes: self.lanes,
            seen,
            pods: self.answers.pods(&self.events, &self.failures.kept),
            failures: self.failures,
            events: self.events,
            events_dropped: self.events_dropped,
            command: self.command,
            acts,
            inflicted: self.inflicted,
            interrupted: self.interrupted,
            cut: self.end.is_none(),
            end: self.end,
            verdict,
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
                return Err(InvalidEntry::Slot { lane, slot });
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

fn budgets(about: &RunHeader, seen: &Observations, acts: &[Act]) -> Vec<(lapse_measure::budget::Budget, Span)> {
    let window = |window: Window| match window {
        Window::Judged => seen.phases.judged(seen.end),
        // An act that never began is judged by nothing: what it expects to lose, it did not.
        Window::Act(place) => acts.get(place).map_or(Span::new(seen.end, seen.end), |act| act.span),
    };
    about.budgets.iter().map(|(budget, over)| (budget.clone(), reach_back(seen, window(*over)))).collect()
}

/// The window with what was on its way when it began and failed then: that may have met what the window is about.
fn reach_back(seen: &Observations, window: Span) -> Span {
    let outages = seen.lanes.iter().flat_map(|lane| &lane.outages);
    let met_it = outages.filter(|outage| outage.from < window.from && outage.began.1 >= window.from);
    Span::new(met_it.map(|outage| outage.from).fold(window.from, Offset::min), window.to)
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
        assert_eq!((record.verdict.conclusion, record.verdict.inconclusive), (Conclusion::Fail, vec![]));
    }
}
