//! One rollout several times: what each trial came to, and the least, the median and the most of each figure.
//!
//! A trial that was not whole is listed, and counts in no figure: what it did not show is not known.

use std::time::Duration;

use lapse_measure::binomial::Share;
use lapse_measure::phase::Phase;
use lapse_measure::time::{Bounded, Offset};
use lapse_measure::verdict::{Breach, Conclusion};

use crate::figure::Value;
use crate::history::Line;
use crate::run::Run;

/// What one trial came to.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Its number; the first is 1.
    pub number: u16,
    /// What it lost, over the stretch that budgets are held over.
    pub line: Line,
    /// The budgets that it exceeded.
    pub breaches: Vec<Breach>,
    /// The reasons why it proves neither pass nor fail.
    pub inconclusive: Vec<String>,
    /// How its command ended, if that failed.
    pub command_failed: Option<String>,
    /// How long the event took: from the start of the command, or of a scenario's acts, until the rollout was complete;
    /// `None` if nothing was rolled out.
    pub rollout: Option<Duration>,
    /// How long the command took; `None` if there was none, or if its end was not seen.
    pub command: Option<Duration>,
    /// How long the whole trial took.
    pub length: Duration,
    /// The gate of its disruptions.
    pub gate: Duration,
}

/// A trial that left nothing to report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its number.
    pub number: u16,
    /// Why its journal cannot be read; `None` if it was never made.
    pub why: Option<String>,
}

/// What a figure is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Loss-derived downtime.
    Downtime,
    /// The longest disruption of any lane.
    Disruption,
    /// The longest strict outage of any lane.
    Outage,
    /// The share of probes that failed.
    Failed,
    /// How long the event took.
    Rollout,
    /// How long the command took.
    Command,
}

/// A figure of one trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The number of the trial.
    pub trial: u16,
    /// What it measured.
    pub value: Value,
}

/// How a figure differs from trial to trial. Each of the three is what one trial measured, with the bounds of that one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// What the figure is of.
    pub of: Quantity,
    /// The least.
    pub least: Point,
    /// The one that half of the trials did not exceed.
    pub median: Point,
    /// The most.
    pub most: Point,
}

/// All trials of a rollout.
#[derive(Clone, Debug)]
pub struct Trials {
    /// The trials that were made, by number.
    pub trials: Vec<Trial>,
    /// Those that were not, or that cannot be read, by number.
    pub missing: Vec<Missing>,
    /// The figures over all whole trials; empty if none was whole.
    pub spreads: Vec<Spread>,
    /// The number of whole trials.
    pub whole: u64,
    /// The number of whole trials in which no probe failed.
    pub without_loss: u64,
    /// The share of these among the whole ones, with its interval of 95 %.
    pub share: Share,
    /// What all trials come to.
    pub conclusion: Conclusion,
}

impl Quantity {
    /// All of them, in the order in which reports list them.
    pub const ALL: [Self; 6] =
        [Self::Downtime, Self::Disruption, Self::Outage, Self::Failed, Self::Rollout, Self::Command];

    /// The name of the figure.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Downtime => "downtime",
            Self::Disruption => "disruption",
            Self::Outage => "outage",
            Self::Failed => "failed",
            Self::Rollout => "rollout",
            Self::Command => "command",
        }
    }
}

impl Trial {
    /// What the trial of this number came to; the record is not needed any more.
    pub fn of(number: u16, run: &Run) -> Self {
        let record = &run.record;
        let command = record.command.as_ref();
        let took = command.and_then(|command| Some(command.exit.as_ref()?.at.since(command.started?)));
        let events = run.spans_of(Phase::Event).map(|(_, span)| span.length());
        Self {
            number,
            line: Line::of(run),
            breaches: record.summary.verdict.breaches.clone(),
            inconclusive: record.summary.verdict.inconclusive.clone(),
            command_failed: (record.summary.verdict.conclusion == Conclusion::CommandFailed)
                .then(|| record.how_the_command_ended().unwrap_or_default()),
            rollout: run.has_an_event().then(|| events.sum()),
            command: took,
            length: record.seen.end.since(Offset::ZERO),
            gate: record.about.gate,
        }
    }

    /// The conclusion of the trial's own verdict.
    pub const fn conclusion(&self) -> Conclusion {
        self.line.verdict
    }

    /// Whether no further trial is made after this one: a signal asked for the end, or what a command left behind that
    /// failed is not what the next one should begin with.
    pub const fn is_the_last(&self) -> bool {
        matches!(self.conclusion(), Conclusion::Interrupted | Conclusion::CommandFailed)
    }

    /// Whether the trial may have lost more than it shows, and so counts in no figure.
    pub const fn is_whole(&self) -> bool {
        self.line.unknown.is_none()
    }

    fn figure(&self, of: Quantity) -> Option<Value> {
        let Line { failed, resolved, share, .. } = self.line;
        Some(match of {
            Quantity::Downtime => Value::Time(self.line.downtime),
            Quantity::Disruption => Value::Time(self.line.disruption),
            Quantity::Outage => Value::Time(self.line.outage),
            Quantity::Failed => Value::Lost { failed, resolved, share },
            Quantity::Rollout => Value::Time(Bounded::exact(self.rollout?)),
            Quantity::Command => Value::Time(Bounded::exact(self.command?)),
        })
    }
}

impl Spread {
    /// The spread of a figure over these trials; `None` unless each of them has it.
    fn of(of: Quantity, trials: &[&Trial]) -> Option<Self> {
        let point = |trial: &&Trial| Some(Point { trial: trial.number, value: trial.figure(of)? });
        let mut all: Vec<_> = trials.iter().map(point).collect::<Option<_>>()?;
        let size = |point: &Point| match point.value {
            Value::Lost { share, .. } => share.estimate,
            Value::Time(time) => time.estimate.as_secs_f64(),
        };
        all.sort_by(|one, other| size(one).total_cmp(&size(other)));
        let (least, most) = (*all.first()?, *all.last()?);
        Some(Self { of, least, median: *all.get((all.len() - 1) / 2)?, most })
    }
}

impl Trials {
    /// What these trials come to, which are put into the order of their numbers.
    pub fn of(mut trials: Vec<Trial>, mut missing: Vec<Missing>) -> Self {
        trials.sort_by_key(|trial| trial.number);
        missing.sort_by_key(|missing| missing.number);
        let whole: Vec<_> = trials.iter().filter(|trial| trial.is_whole()).collect();
        let without_loss = whole.iter().filter(|trial| trial.line.failed == 0).count() as u64;
        let spreads = Quantity::ALL.into_iter().filter_map(|of| Spread::of(of, &whole)).collect();
        let whole = whole.len() as u64;
        Self {
            spreads,
            whole,
            without_loss,
            share: Share::of(without_loss, whole),
            conclusion: conclusion(&trials, &missing),
            trials,
            missing,
        }
    }

    /// The number of trials that were to be made.
    pub fn planned(&self) -> u64 {
        (self.trials.len() + self.missing.len()) as u64
    }

    /// The number of trials of this conclusion.
    pub fn count(&self, conclusion: Conclusion) -> u64 {
        self.trials.iter().filter(|trial| trial.conclusion() == conclusion).count() as u64
    }
}

/// The conclusion of all: the first that applies, as with the exit codes of a run. A trial that was never made is the rest
/// of an interruption, unless a command that failed explains it.
fn conclusion(trials: &[Trial], missing: &[Missing]) -> Conclusion {
    let any = |conclusion| trials.iter().any(|trial| trial.conclusion() == conclusion);
    if any(Conclusion::Interrupted) {
        Conclusion::Interrupted
    } else if any(Conclusion::CommandFailed) {
        Conclusion::CommandFailed
    } else if trials.is_empty() || missing.iter().any(|missing| missing.why.is_none()) {
        Conclusion::Interrupted
    } else if any(Conclusion::Fail) {
        Conclusion::Fail
    } else if any(Conclusion::Inconclusive) || !missing.is_empty() {
        Conclusion::Inconclusive
    } else {
        Conclusion::Pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::answer::Class;
    use lapse_record::sample::{Answer, Sample};

    /// A trial whose command takes 2 s, with all requests refused for `down` milliseconds.
    fn trial(number: u16, down: u64, exit: i32) -> Trial {
        let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 1_000);
        let sample = sample.command("helm upgrade shop", (1_000, 3_000), exit, &[]).phase(Phase::Settle, 3_100);
        let record = sample.record(4_000, |_, ms| match ms {
            ms if (2_000..2_000 + down).contains(&ms) => Answer::after(Class::Refused, 200),
            _ => Answer::after(Class::Ok, 300),
        });
        Trial::of(number, &Run { name: format!("trial-{number}"), record })
    }

    fn ended(number: u16, conclusion: Conclusion) -> Trial {
        let mut trial = trial(number, 0, 0);
        trial.line.verdict = conclusion;
        trial
    }

    fn spread(trials: &Trials, of: Quantity) -> [(u16, u128); 3] {
        let spread = trials.spreads.iter().find(|spread| spread.of == of).unwrap();
        [spread.least, spread.median, spread.most].map(|point| match point.value {
            Value::Time(time) => (point.trial, time.estimate.as_millis()),
            Value::Lost { failed, .. } => (point.trial, u128::from(failed)),
        })
    }

    #[test]
    fn the_least_the_median_and_the_most_are_those_of_trials() {
        let trials = Trials::of(
            [300, 0, 100, 200, 0].into_iter().zip(1..).map(|(down, nth)| trial(nth, down, 0)).collect(),
            vec![],
        );
        assert_eq!(spread(&trials, Quantity::Downtime), [(2, 0), (3, 100), (1, 300)]);
        assert_eq!(spread(&trials, Quantity::Outage), [(2, 0), (3, 100), (1, 300)]);
        assert_eq!(spread(&trials, Quantity::Failed), [(2, 0), (3, 100), (1, 300)]);
        assert_eq!(spread(&trials, Quantity::Rollout)[1].1, 2_100);
        assert_eq!(spread(&trials, Quantity::Command)[1].1, 2_000);
        assert_eq!((trials.without_loss, trials.whole, trials.conclusion), (2, 5, Conclusion::Fail));
        // Of an even number the lower of both in the middle.
        let four =
            Trials::of([10, 20, 30, 40].into_iter().zip(1..).map(|(down, nth)| trial(nth, down, 0)).collect(), vec![]);
        assert_eq!(spread(&four, Quantity::Downtime)[1], (2, 20));
    }

    #[test]
    fn five_trials_without_loss_do_not_prove_that_half_of_the_rollouts_lose_nothing() {
        let trials = Trials::of((1..=5).map(|nth| trial(nth, 0, 0)).collect(), vec![]);
        assert_eq!(trials.conclusion, Conclusion::Pass);
        assert!((0.47..0.49).contains(&trials.share.low) && trials.share.high >= 1.0, "{:?}", trials.share);
    }

    #[test]
    fn a_trial_that_was_not_whole_is_listed_and_counts_in_no_figure() {
        let trials = Trials::of(vec![trial(2, 900, 1), trial(1, 20, 0)], vec![Missing { number: 3, why: None }]);
        assert_eq!(trials.trials.iter().map(|trial| trial.number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((trials.whole, trials.planned(), trials.conclusion), (1, 3, Conclusion::CommandFailed));
        assert_eq!(spread(&trials, Quantity::Downtime)[2], (1, 20));
        assert!(trials.trials[1].is_the_last() && !trials.trials[0].is_the_last());
    }

    #[test]
    fn the_conclusion_is_the_first_that_applies_to_any_trial() {
        use Conclusion::{CommandFailed, Fail, Inconclusive, Interrupted, Pass};
        let of = |conclusions: &[Conclusion], missing: Vec<Missing>| {
            Trials::of(conclusions.iter().zip(1..).map(|(one, nth)| ended(nth, *one)).collect(), missing).conclusion
        };
        let missing = |why: Option<&str>| vec![Missing { number: 9, why: why.map(str::to_owned) }];
        assert_eq!(of(&[Pass, Pass], vec![]), Pass);
        assert_eq!(of(&[Pass, Inconclusive], vec![]), Inconclusive);
        assert_eq!(of(&[Fail, Inconclusive, Pass], vec![]), Fail);
        assert_eq!(of(&[Fail, CommandFailed], missing(None)), CommandFailed);
        assert_eq!(of(&[Fail, Interrupted], missing(None)), Interrupted);
        assert_eq!(of(&[Fail, Pass], missing(None)), Interrupted);
        assert_eq!(of(&[Pass], missing(Some("damaged"))), Inconclusive);
        assert_eq!(of(&[], vec![]), Interrupted);
    }
}
