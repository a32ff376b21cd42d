//! What a scenario lost held against what the run lost that it reproduces, figure by figure.
//!
//! A figure of the run has its own bounds, and a rollout is another one each time: so the figure is held against all that
//! the plays of the scenario came to, from the lowest lower bound to the highest upper one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lapse_explain::world::World;
use lapse_measure::answer::{Class, Health};
use lapse_measure::binomial::Share;
use lapse_measure::lane::{Policy, TargetId};
use lapse_measure::observations::LaneObservations;
use lapse_measure::span::Span;
use lapse_measure::time::{Bounded, Offset};
use lapse_measure::timeline::Cell;
use lapse_measure::totals;
use lapse_record::event::EventKind;
use lapse_record::record::Record;

use crate::run::Choice;

/// Figures whose bounds do not meet are near if they are no further apart than by this factor.
pub const NEAR: f64 = 1.5;
/// A class counts if it has this share of the failures.
const COUNTS: u64 = 20;
/// How far a time that has no bounds may be off.
const TENTH: f64 = 0.1;

/// A figure of a part of a run; `None` if the run does not show it.
type Reading = fn(&Part<'_>) -> Option<Bounds>;

/// A figure with its bounds: seconds, or a share from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The lower bound.
    pub low: f64,
    /// The estimate.
    pub estimate: f64,
    /// The upper bound; infinite if there is none.
    pub high: f64,
}

/// How a figure is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share of requests.
    Share,
    /// Seconds.
    Time,
}

/// What a figure of the run and of the scenario come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agreement {
    /// Their bounds meet.
    Agrees,
    /// Their bounds are no further apart than by the factor [`NEAR`]; of classes, they are of the same kinds.
    Near,
    /// They differ.
    Differs,
}

impl Agreement {
    /// The word for it in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Near => "near",
            Self::Differs => "differs",
        }
    }
}

/// A figure of the run beside those of the plays.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is, as a row of a table names it.
    pub name: String,
    /// How it is counted.
    pub unit: Unit,
    /// What the run measured.
    pub recorded: Bounds,
    /// What each play came to.
    pub played: Vec<Bounds>,
    /// What that comes to.
    pub agreement: Agreement,
}

/// The classes of the failures of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    /// The connection policy of the lane.
    pub lane: Policy,
    /// The classes of the run that have a twentieth of the failures, with their numbers.
    pub recorded: BTreeMap<Class, u64>,
    /// Those of all plays together.
    pub played: BTreeMap<Class, u64>,
    /// What that comes to.
    pub agreement: Agreement,
}

/// A run held against the plays of its scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The figures.
    pub figures: Vec<Figure>,
    /// The classes of failures, by lane.
    pub classes: Vec<Classes>,
    /// Why plays may have lost what the world did not make them lose.
    pub doubts: BTreeSet<String>,
}

impl Table {
    /// The target and the stretch of the run that were reproduced, held against these plays.
    pub fn of(record: &Record, choice: &Choice, plays: &[Record]) -> Self {
        let recorded = Part { record, target: choice.target, window: choice.window };
        let doubts = plays.iter().flat_map(|play| play.summary.verdict.beyond_budgets().cloned()).collect();
        let plays: Vec<_> = plays.iter().map(Part::of_play).collect();
        let mut figures = Vec::new();
        let mut classes = Vec::new();
        for policy in [Policy::Reused, Policy::New].into_iter().filter(|policy| recorded.has(*policy)) {
            let share = |part: &Part<'_>| part.lost(policy, recorded.window);
            figures.push(Figure::new(
                format!("lost, {policy}"),
                Unit::Share,
                share(&recorded),
                plays.iter().map(share),
            ));
            classes.push(Classes::of(policy, &recorded, &plays));
        }
        let times: [(&str, Reading); 3] = [
            ("downtime", |part| Some(part.totals().loss_derived.into())),
            ("longest disruption", |part| Some(part.disruption())),
            ("rollout", |part| part.rollout()),
        ];
        for (name, of) in times {
            if let Some(was) = of(&recorded) {
                figures.push(Figure::new(name.to_owned(), Unit::Time, was, plays.iter().filter_map(of)));
            }
        }
        Self { figures, classes, doubts }
    }

    /// The worst of all figures and classes.
    pub fn worst(&self) -> Agreement {
        let figures = self.figures.iter().map(|one| one.agreement);
        figures.chain(self.classes.iter().map(|one| one.agreement)).max().unwrap_or(Agreement::Agrees)
    }

    /// The names of what differs.
    pub fn differing(&self) -> Vec<String> {
        let figures = self.figures.iter().filter(|one| one.agreement == Agreement::Differs);
        let classes = self.classes.iter().filter(|one| one.agreement == Agreement::Differs);
        figures.map(|one| one.name.clone()).chain(classes.map(|one| format!("classes, {}", one.lane))).collect()
    }
}

impl Figure {
    fn new(name: String, unit: Unit, recorded: Bounds, played: impl Iterator<Item = Bounds>) -> Self {
        let played: Vec<_> = played.collect();
        let agreement = match span(&played) {
            Some(all) => recorded.against(all),
            None => Agreement::Differs,
        };
        Self { name, unit, recorded, played, agreement }
    }

    /// All that the plays came to: the lowest lower bound, the median estimate and the highest upper bound.
    pub fn all_played(&self) -> Option<Bounds> {
        span(&self.played)
    }
}

fn span(all: &[Bounds]) -> Option<Bounds> {
    let mut estimates: Vec<_> = all.iter().map(|one| one.estimate).collect();
    estimates.sort_by(f64::total_cmp);
    let estimate = *estimates.get(estimates.len() / 2)?;
    let low = all.iter().map(|one| one.low).fold(f64::INFINITY, f64::min);
    let high = all.iter().map(|one| one.high).fold(0.0, f64::max);
    Some(Bounds { low, estimate, high })
}

impl Bounds {
    fn against(self, other: Self) -> Agreement {
        let (below, above) = if self.low <= other.low { (self, other) } else { (other, self) };
        if above.low <= below.high {
            Agreement::Agrees
        } else if above.low <= below.high * NEAR {
            Agreement::Near
        } else {
            Agreement::Differs
        }
    }
}

impl From<Bounded> for Bounds {
    fn from(time: Bounded) -> Self {
        let high = time.at_most.map_or(f64::INFINITY, |most| most.as_secs_f64());
        Self { low: time.at_least.as_secs_f64(), estimate: time.estimate.as_secs_f64(), high }
    }
}

/// A target in a stretch of a run.
struct Part<'a> {
    record: &'a Record,
    target: TargetId,
    window: Span,
}

impl<'a> Part<'a> {
    /// A play of a scenario: its only target, from the beginning of its only act on.
    fn of_play(record: &'a Record) -> Self {
        Self { record, target: TargetId(0), window: record.judged() }
    }

    fn has(&self, policy: Policy) -> bool {
        self.record.seen.lanes_of(self.target).iter().any(|lane| lane.lane.policy == policy)
    }

    fn totals(&self) -> totals::Totals {
        totals::of_target(&self.record.seen, self.target, self.window)
    }

    fn cell(&self, policy: Policy) -> Cell {
        let lanes = self.record.seen.lanes_of(self.target);
        let timelines = lanes.iter().filter(|lane| lane.lane.policy == policy).map(|lane| &lane.timeline);
        Cell::of(timelines, self.window.from, self.window.to)
    }

    /// The share that a lane lost of a stretch as long as this: what a rollout costs does not depend on how long a run
    /// went on after it.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of probes"
    )]
    fn lost(&self, policy: Policy, of: Span) -> Bounds {
        let lanes = self.record.seen.lanes_of(self.target);
        let rate: f64 =
            lanes.iter().filter(|lane| lane.lane.policy == policy).map(|lane| lane.lane.schedule.rate()).sum();
        let failed = self.cell(policy).failed();
        let all = (rate * of.length().as_secs_f64()).round().max(failed as f64) as u64;
        let share = Share::of(failed, all);
        Bounds { low: share.low, estimate: share.estimate, high: share.high }
    }

    /// The longest disruption of any lane. Another rollout may have joined those that lie a little further apart than the
    /// gate, so the upper bound is that of both.
    fn disruption(&self) -> Bounds {
        let alone = Bounds::from(self.totals().disruptions.longest_length);
        let joined = |lane: &&LaneObservations| {
            let inside = lane.disruptions.iter().filter(|one| one.to >= self.window.from && one.from <= self.window.to);
            let inside: Vec<_> = inside.collect();
            let runs = inside.chunk_by(|one, next| next.from.since(one.to) <= lane.gate.mul_f64(NEAR));
            let lengths = runs.filter_map(|run| Some(run.last()?.to.since(run.first()?.from)));
            lengths.max().unwrap_or_default()
        };
        let longest = self.record.seen.lanes_of(self.target).iter().map(joined).max().unwrap_or_default();
        Bounds { high: alone.high.max(longest.as_secs_f64()), ..alone }
    }

    fn classes(&self, policy: Policy) -> BTreeMap<Class, u64> {
        let classes = self.cell(policy).classes.into_iter();
        classes.filter(|(class, _)| class.health() == Health::Failed).collect()
    }

    /// The time from the beginning of the rollout until it was complete, as the events told it; a tenth more or less, since
    /// events are heard late.
    fn rollout(&self) -> Option<Bounds> {
        let world = World::of(self.record);
        let at = |kinds: &[EventKind]| world.events_of(self.window, kinds).map(|event| event.at).collect::<Vec<_>>();
        let began =
            at(&[EventKind::RolloutStarted, EventKind::PodCreated, EventKind::PodDeleting]).into_iter().min()?;
        let complete: Option<Offset> = at(&[EventKind::RolloutComplete]).into_iter().max();
        let ended = complete.or_else(|| at(&[EventKind::PodReady, EventKind::PodDeleting]).into_iter().max())?;
        let took = ended.since(began);
        (took > Duration::ZERO).then(|| {
            let estimate = took.as_secs_f64();
            Bounds { low: estimate * (1.0 - TENTH), estimate, high: estimate * (1.0 + TENTH) }
        })
    }
}

impl Classes {
    fn of(lane: Policy, recorded: &Part<'_>, plays: &[Part<'_>]) -> Self {
        let recorded = that_count(recorded.classes(lane));
        let mut played: BTreeMap<Class, u64> = BTreeMap::new();
        for (class, count) in plays.iter().flat_map(|play| play.classes(lane)) {
            *played.entry(class).or_insert(0) += count;
        }
        let played = that_count(played);
        let kinds = |classes: &BTreeMap<Class, u64>| classes.keys().map(|class| kind(*class)).collect::<BTreeSet<_>>();
        let agreement = if recorded.keys().eq(played.keys()) {
            Agreement::Agrees
        } else if kinds(&recorded) == kinds(&played) {
            Agreement::Near
        } else {
            Agreement::Differs
        };
        Self { lane, recorded, played, agreement }
    }
}

/// The classes that have a twentieth of the failures.
fn that_count(classes: BTreeMap<Class, u64>) -> BTreeMap<Class, u64> {
    let all: u64 = classes.values().sum();
    classes.into_iter().filter(|(_, count)| count * COUNTS >= all).collect()
}

/// What a client makes of a failure: no connection, a connection that was cut, an answer.
fn kind(class: Class) -> Class {
    match class {
        Class::Refused | Class::Unreachable | Class::ConnectTimeout => Class::Refused,
        Class::Closed | Class::Reset | Class::Truncated => Class::Closed,
        other => other,
    }
}
