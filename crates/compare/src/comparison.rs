//! Runs compared: each against the first, and what follows from that.

use std::time::Duration;

use lapse_measure::answer::Class;
use lapse_measure::binomial::TAIL;
use lapse_measure::lane::LaneId;
use lapse_measure::phase::Phase;
use lapse_measure::span::Span;
use lapse_measure::time::Human;
use lapse_measure::totals::Totals;

use crate::figure::{Apart, Change, Doubt, Figure, Measure, Value};
use crate::latency::{self, Latency};
use crate::length::{self, Length, Shown};
use crate::loss::{self, Watched};
use crate::matching::{Matching, Pair};
use crate::run::Run;
use crate::tolerance::Tolerances;

/// Lengths of two runs that differ by no more than this are as good as one.
const SAME_LENGTH: Duration = Duration::from_secs(1);
/// Durations that are compared of each target.
const LENGTHS: [Measure; 2] = [Measure::Disruption, Measure::Outage];

/// Why runs cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is nothing to compare the first run with.
    #[error("there is only one run: name the runs to compare with it")]
    Alone,
    /// The runs have no lane in common.
    #[error(
        "{base} and {run} have no target in common: {base} has {ours}, {run} has {theirs}: give a target the same name in \
         both with --target NAME=URL"
    )]
    NothingInCommon {
        /// The name of the base.
        base: String,
        /// The name of the run.
        run: String,
        /// The lanes of the base.
        ours: String,
        /// The lanes of the run.
        theirs: String,
    },
}

/// What comparisons come to, from best to worst for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Nothing got worse by more than what is tolerated, as far as this many probes could show.
    NoRegression,
    /// Something did.
    Regression,
    /// Something may have, and the runs cannot tell.
    Inconclusive,
}

impl Conclusion {
    /// The exit code that says it.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::NoRegression => 0,
            Self::Regression => 1,
            Self::Inconclusive => 3,
        }
    }

    /// The word for it in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoRegression => "no regression",
            Self::Regression => "regression",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// What a run could see of a target, beside what the base could.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The name of the target.
    pub of: String,
    /// The blind time of the base and of the run.
    pub blind: [Duration; 2],
    /// The longest outage that could have gone unseen in the base and in the run.
    pub unseen: [Duration; 2],
}

/// A run held against the base.
#[derive(Debug)]
pub struct Against<'a> {
    /// The base.
    pub base: &'a Run,
    /// The run that is held against it.
    pub run: &'a Run,
    /// The figures, target by target.
    pub figures: Vec<Figure>,
    /// What either could see, target by target.
    pub sight: Vec<Sight>,
    /// Reasons why neither a regression nor its absence follows.
    pub doubts: Vec<String>,
    /// What has no partner, and where the settings of the runs differ.
    pub remarks: Vec<String>,
    /// What it comes to.
    pub conclusion: Conclusion,
}

/// Runs compared, each against the first.
#[derive(Debug)]
pub struct Comparison<'a> {
    /// The first run, which the others are held against.
    pub base: &'a Run,
    /// The others, in order.
    pub against: Vec<Against<'a>>,
    /// What it comes to: the worst of the others.
    pub conclusion: Conclusion,
}

impl<'a> Comparison<'a> {
    /// Compares each of `runs` with the first.
    pub fn of(runs: &'a [Run], tolerances: &Tolerances) -> Result<Self, Error> {
        let (base, others) = runs.split_first().filter(|(_, others)| !others.is_empty()).ok_or(Error::Alone)?;
        let against: Vec<_> = others.iter().map(|run| Against::of(base, run, tolerances)).collect::<Result<_, _>>()?;
        let any = |conclusion| against.iter().any(|one| one.conclusion == conclusion);
        let conclusion = if any(Conclusion::Regression) {
            Conclusion::Regression
        } else if any(Conclusion::Inconclusive) {
            Conclusion::Inconclusive
        } else {
            Conclusion::NoRegression
        };
        Ok(Self { base, against, conclusion })
    }

    /// All runs, the base first.
    pub fn runs(&self) -> impl Iterator<Item = &'a Run> + '_ {
        [self.base].into_iter().chain(self.against.iter().map(|one| one.run))
    }
}

impl<'a> Against<'a> {
    fn of(base: &'a Run, run: &'a Run, tolerances: &Tolerances) -> Result<Self, Error> {
        let Matching { pairs, mut remarks } = Matching::of(base, run);
        if pairs.is_empty() {
            let [ours, theirs] = [base, run].map(lanes_of);
            return Err(Error::NothingInCommon { base: base.name.clone(), run: run.name.clone(), ours, theirs });
        }
        let several = base.record.summary.targets.len() > 1;
        let watched = watched(base, run, &pairs);
        remarks.extend(lengths_differ(base, run, watched));
        let figures = figures(base, run, &pairs, (several, watched));
        let figures: Vec<_> = figures.into_iter().map(|figure| ruled(figure, base, run, tolerances)).collect();
        let mut doubts: Vec<_> = [base, run].into_iter().filter_map(Run::unknown).collect();
        doubts.extend(figures.iter().filter(|figure| figure.counts).filter_map(|figure| match &figure.change {
            Change::Undecided(doubt) if doubt.may_be_worse => Some(doubt.why.clone()),
            _ => None,
        }));
        let mut seen = Vec::new();
        doubts.retain(|doubt| {
            !seen.contains(doubt) && {
                seen.push(doubt.clone());
                true
            }
        });
        let conclusion = if figures.iter().any(|figure| figure.is_regression) {
            Conclusion::Regression
        } else if doubts.is_empty() {
            Conclusion::NoRegression
        } else {
            Conclusion::Inconclusive
        };
        let sight = pairs.iter().map(|pair| sight(base, run, pair)).collect();
        Ok(Self { base, run, figures, sight, doubts, remarks, conclusion })
    }
}

fn lanes_of(run: &Run) -> String {
    let targets = run.record.summary.targets.iter();
    let lanes = targets.flat_map(|target| {
        target.lanes.iter().map(|lane| format!("{}/{}", target.name, run.record.seen.lane(*lane).lane.policy))
    });
    lanes.collect::<Vec<_>>().join(", ")
}

fn sight(base: &Run, run: &Run, pair: &Pair) -> Sight {
    let [ours, theirs] = [(base, &pair.lanes[0]), (run, &pair.lanes[1])].map(|(run, lanes)| run.totals(lanes));
    Sight {
        of: pair.name.clone(),
        blind: [ours.blind, theirs.blind],
        unseen: [ours.unseen.length, theirs.unseen.length],
    }
}

/// The probability that is left out on either side of each interval: all figures of losses together are wrong in at most
/// 5 of 100 comparisons of runs that do not differ, and so are those of latencies (Bonferroni).
fn tail(figures: usize) -> f64 {
    TAIL / f64::from(u32::try_from(figures).unwrap_or(u32::MAX).max(1))
}

fn figures(base: &Run, run: &Run, pairs: &[Pair], (several, watched): (bool, Watched)) -> Vec<Figure> {
    let lanes: usize = pairs.iter().map(|pair| pair.lanes[0].len()).sum();
    let (losses, latencies) = (tail(lanes + LENGTHS.len() * pairs.len()), tail(2 * lanes));
    let mut figures = Vec::new();
    for pair in pairs {
        let name = |lane: LaneId| {
            let policy = base.record.seen.lane(lane).lane.policy;
            if several { format!("{}/{policy}", pair.name) } else { policy.to_string() }
        };
        let mut shown = Shown::default();
        let both = || pair.lanes[0].iter().zip(&pair.lanes[1]);
        for (ours, theirs) in both() {
            let (values, compared) = loss::compare((base, *ours), (run, *theirs), watched, losses);
            shown = shown.with(&compared.0, &compared.1);
            figures.push(figure(Measure::Failed, name(*ours), values, compared));
        }
        figures.extend(lengths(base, run, pair, (shown, losses)));
        for (ours, theirs) in both() {
            for measure in [Measure::P50, Measure::P99] {
                let of = |run: &Run, lane: &LaneId| Latency::of(run, *lane, measure, latencies);
                if let Some((ours_took, theirs_took)) = of(base, ours).zip(of(run, theirs)) {
                    let compared = latency::compare(&ours_took, &theirs_took);
                    figures.push(figure(measure, name(*ours), [ours_took.value(), theirs_took.value()], compared));
                }
            }
        }
    }
    figures
}

fn lengths(base: &Run, run: &Run, pair: &Pair, (mut shown, tail): (Shown, f64)) -> Vec<Figure> {
    let of = |measure, shown| {
        let [ours, theirs] =
            [(base, &pair.lanes[0]), (run, &pair.lanes[1])].map(|(run, lanes)| Length::of(run, lanes, measure, tail));
        let compared = length::compare(&ours, &theirs, shown);
        figure(measure, pair.name.clone(), [ours.value(), theirs.value()], compared)
    };
    let lengths = LENGTHS.map(|measure| of(measure, shown));
    for length in &lengths {
        shown = shown.with(&length.apart, &length.change);
    }
    [of(Measure::Downtime, shown)].into_iter().chain(lengths).collect()
}

fn figure(measure: Measure, of: String, [base, run]: [Value; 2], (apart, change): (Apart, Change)) -> Figure {
    Figure { measure, of, base, run, apart, change, counts: true, is_regression: false }
}

/// For how long both runs count as watched.
///
/// What an event costs does not depend on how long the run went on after it: where nothing failed before either event, all
/// that failed came with it, and a run that ended in order had nothing more to lose. Without an event a service loses for
/// as long as it is watched.
fn watched(base: &Run, run: &Run, pairs: &[Pair]) -> Watched {
    let longest = base.window().length().max(run.window().length());
    let before = |run: &Run, lanes: &[LaneId]| {
        let baseline =
            run.spans_of(Phase::Baseline).map(|(_, span)| Span::new(span.from, span.to.min(run.window().from)));
        let totals: Vec<_> = baseline.map(|span| run.totals_in(lanes, span)).collect();
        let [resolved, failed] =
            [|one: &Totals| one.resolved, |one: &Totals| one.failed].map(|count| totals.iter().map(count).sum::<u64>());
        (resolved, failed)
    };
    let all: Vec<_> =
        pairs.iter().flat_map(|pair| [before(base, &pair.lanes[0]), before(run, &pair.lanes[1])]).collect();
    if all.iter().any(|(resolved, _)| *resolved == 0) {
        Watched::Own
    } else if all.iter().all(|(_, failed)| *failed == 0) {
        Watched::Longest(longest)
    } else {
        Watched::Both(longest)
    }
}

/// A remark on runs of different lengths, and what that means for the shares of their probes.
fn lengths_differ(base: &Run, run: &Run, watched: Watched) -> Option<String> {
    let [one, other] = [base, run].map(|run| run.window().length());
    let means = match watched {
        Watched::Own => String::new(),
        Watched::Longest(length) => format!(": the difference is one of shares of {} in both", Human(length)),
        Watched::Both(length) => format!(": a difference has to be there also in shares of {} in both", Human(length)),
    };
    let (ours, theirs, watched) = (&base.name, &run.name, "was watched for");
    (one.abs_diff(other) > SAME_LENGTH)
        .then(|| format!("{ours} {watched} {} from its event on, {theirs} for {}{means}", Human(one), Human(other)))
}

/// The figure with what follows from the runs as a whole, and from what is tolerated.
fn ruled(mut figure: Figure, base: &Run, run: &Run, tolerances: &Tolerances) -> Figure {
    let doubt = match figure.change {
        Change::Better => run.cannot_be_better().or_else(|| timeouts(figure.measure, base, run)),
        Change::Worse => base.unknown().or_else(|| timeouts(figure.measure, run, base)),
        Change::NotShown(_) | Change::Undecided(_) => None,
    };
    if let Some(why) = doubt {
        figure.change = Change::Undecided(Doubt { why, may_be_worse: true });
    }
    figure.counts = tolerances.counts(figure.measure);
    figure.is_regression = figure.counts && figure.change == Change::Worse && tolerances.is_exceeded_by(&figure);
    figure
}

/// Why the run that is worse may be so because its probes had less time to be answered.
fn timeouts(measure: Measure, worse: &Run, better: &Run) -> Option<String> {
    let [short, long] = [worse, better].map(|run| run.record.about.timeout);
    let timed_out = |class: &Class| matches!(class, Class::ResponseTimeout | Class::ConnectTimeout);
    let ended_so = || worse.record.seen.lanes.iter().any(|lane| lane.classes.keys().any(timed_out));
    (!measure.is_latency() && short < long && ended_so())
        .then(|| format!("probes of {} ended at its shorter --timeout: run both with the same", worse.name))
}
