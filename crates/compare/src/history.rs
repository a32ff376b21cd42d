//! What many runs came to, in the order of time: a line each, percentiles, trends, and the budgets that would have held.
//!
//! A run that was not whole is listed, and counts in nothing else: what it did not show is not known. Of several targets
//! the worst one counts.

use std::time::Duration;

use lapse_measure::binomial::Share;
use lapse_measure::time::{Anchor, Bounded, Offset};
use lapse_measure::totals::Totals;
use lapse_measure::verdict::Conclusion;

use crate::run::Run;
use crate::tendency::Tendency;

/// What one run came to, over the stretch that budgets are held over.
#[derive(Clone, Debug)]
pub struct Line {
    /// The name of the run's folder.
    pub name: String,
    /// Whether the folder has a page of the run, `report.html`, that others can lead to.
    pub has_page: bool,
    /// The name that the run was given.
    pub release: String,
    /// When the run began, by the wall clock.
    pub anchor: Anchor,
    /// The conclusion of its own verdict.
    pub verdict: Conclusion,
    /// Probes that failed, on the target that lost the largest share.
    pub failed: u64,
    /// Probes of that target that came to an answer.
    pub resolved: u64,
    /// The share that failed, with its interval of 95 %.
    pub share: Share,
    /// Loss-derived downtime.
    pub downtime: Bounded,
    /// The longest disruption of any lane.
    pub disruption: Bounded,
    /// The longest strict outage of any lane.
    pub outage: Bounded,
    /// The longest outage that could have gone unseen.
    pub unseen: Duration,
    /// The least limits that the run would have kept: of [`Limited::ALL`] in their order; `None` where none would do.
    least: [Option<f64>; 4],
    /// Why the run may have lost more than it shows; `None` if it was whole.
    pub unknown: Option<String>,
}

/// What a budget limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// The share of probes that failed: `--max-failed`.
    Failed,
    /// Loss-derived downtime: `--max-downtime`.
    Downtime,
    /// The longest disruption: `--max-outage`.
    Disruption,
    /// The longest strict outage: `--max-strict-outage`.
    Outage,
}

/// A figure over all whole runs. Durations are in seconds, shares from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Series {
    /// What the figure is of.
    pub of: Limited,
    /// The figure that half of the runs did not exceed.
    pub p50: f64,
    /// The figure that nine of ten runs did not exceed.
    pub p90: f64,
    /// The largest figure.
    pub most: f64,
    /// Whether it rises or falls from run to run.
    pub tendency: Tendency,
    /// The least limit that nine of ten runs would have kept; `None` where none would do.
    pub holds_for_p90: Option<f64>,
    /// The least limit that all runs would have kept; `None` where none would do.
    pub holds_for_all: Option<f64>,
}

/// Many runs in the order of time.
#[derive(Clone, Debug)]
pub struct History {
    /// The runs.
    pub lines: Vec<Line>,
    /// The figures over all whole runs, of [`Limited::ALL`] in their order; empty if no run was whole.
    pub series: Vec<Series>,
}

impl Limited {
    /// All of them, in the order in which reports list them.
    pub const ALL: [Self; 4] = [Self::Failed, Self::Downtime, Self::Disruption, Self::Outage];

    /// The name of the figure.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Downtime => "downtime",
            Self::Disruption => "disruption",
            Self::Outage => "outage",
        }
    }

    /// The flag of the budget.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Failed => "--max-failed",
            Self::Downtime => "--max-downtime",
            Self::Disruption => "--max-outage",
            Self::Outage => "--max-strict-outage",
        }
    }
}

impl Line {
    /// What a run came to, without a page; the record is not needed any more.
    pub fn of(run: &Run) -> Self {
        let targets = run.record.summary.targets.iter();
        let totals: Vec<_> = targets.map(|target| run.totals(&target.lanes)).collect();
        let worst = |of: fn(&Totals) -> Bounded| {
            let all = totals.iter().map(of);
            all.max_by_key(|one| (one.at_most.is_none(), one.estimate, one.at_most)).unwrap_or_default()
        };
        let share = |one: &&Totals| Share::of(one.failed, one.resolved).estimate;
        let lossy = totals.iter().max_by(|one, other| share(one).total_cmp(&share(other)));
        let (failed, resolved) = lossy.map_or((0, 0), |one| (one.failed, one.resolved));
        let resolution = run.record.about.rules.resolution;
        let least = Limited::ALL.map(|limited| {
            let all = totals.iter().map(|one| least(one, limited, resolution)).collect::<Option<Vec<_>>>();
            all.map(|all| all.into_iter().fold(0.0, f64::max))
        });
        Self {
            name: run.name.clone(),
            has_page: false,
            release: run.record.about.name.clone(),
            anchor: run.record.about.anchor,
            verdict: run.record.summary.verdict.conclusion,
            failed,
            resolved,
            share: Share::of(failed, resolved),
            downtime: worst(|one| one.loss_derived),
            disruption: worst(|one| one.disruptions.longest_length),
            outage: worst(|one| one.longest),
            unseen: totals.iter().map(|one| one.unseen.length).max().unwrap_or_default(),
            least,
            unknown: run.unknown(),
        }
    }

    /// The figure with its bounds: in seconds, or a share from 0 to 1.
    fn figure(&self, of: Limited) -> (f64, f64, Option<f64>) {
        let time = |time: Bounded| {
            let [estimate, low] = [time.estimate, time.at_least].map(|time| time.as_secs_f64());
            (estimate, low, time.at_most.map(|high| high.as_secs_f64()))
        };
        match of {
            Limited::Failed => (self.share.estimate, self.share.low, Some(self.share.high)),
            Limited::Downtime => time(self.downtime),
            Limited::Disruption => time(self.disruption),
            Limited::Outage => time(self.outage),
        }
    }
}

/// The least limit that these totals keep, with what went unseen, as the verdict has it.
fn least(totals: &Totals, limited: Limited, resolution: Duration) -> Option<f64> {
    let or_unseen = |time: Bounded| Some(time.at_most?.max(totals.unseen.length).as_secs_f64());
    match limited {
        Limited::Failed if totals.resolved == 0 => None,
        Limited::Failed if totals.unseen.length <= resolution => Some(ratio(totals.failed, totals.resolved)),
        Limited::Failed => Some(ratio(totals.failed.saturating_add(totals.not_sent), totals.due)),
        Limited::Downtime => Some(totals.loss_derived.at_most?.saturating_add(totals.unsent).as_secs_f64()),
        Limited::Disruption => or_unseen(totals.disruptions.longest_length),
        Limited::Outage => or_unseen(totals.longest),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

impl History {
    /// The history of these runs, which are put into the order of time.
    pub fn of(mut lines: Vec<Line>) -> Self {
        let began = |line: &Line| line.anchor.date_at(Offset::ZERO).as_nanos();
        lines.sort_by(|one, other| (began(one), &one.name).cmp(&(began(other), &other.name)));
        let whole: Vec<_> = lines.iter().filter(|line| line.unknown.is_none()).collect();
        let series = if whole.is_empty() { Vec::new() } else { Limited::ALL.map(|of| Series::of(of, &whole)).to_vec() };
        Self { lines, series }
    }

    /// Why the newest run may have lost more than it shows; `None` if it was whole.
    pub fn newest_unknown(&self) -> Option<&str> {
        self.lines.last().and_then(|line| line.unknown.as_deref())
    }

    /// The number of runs that were whole.
    pub fn whole(&self) -> usize {
        self.lines.iter().filter(|line| line.unknown.is_none()).count()
    }
}

impl Series {
    fn of(of: Limited, lines: &[&Line]) -> Self {
        let figures: Vec<_> = lines.iter().map(|line| line.figure(of)).collect();
        let estimates = sorted(figures.iter().map(|(estimate, ..)| *estimate));
        let bounds: Vec<_> = figures.iter().map(|(_, low, high)| (*low, *high)).collect();
        let limits = sorted(lines.iter().map(|line| line.least[of as usize].unwrap_or(f64::INFINITY)));
        let limit = |share| Some(quantile(&limits, share)).filter(|limit| limit.is_finite());
        Self {
            of,
            p50: quantile(&estimates, 0.5),
            p90: quantile(&estimates, 0.9),
            most: quantile(&estimates, 1.0),
            tendency: Tendency::of(&bounds),
            holds_for_p90: limit(0.9),
            holds_for_all: limit(1.0),
        }
    }
}

fn sorted(all: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<_> = all.collect();
    all.sort_by(f64::total_cmp);
    all
}

/// The figure that this share of all does not exceed (the nearest rank); zero if there is none.
#[expect(clippy::cast_precision_loss, reason = "a number of runs")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank among the runs")]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::answer::Class;
    use lapse_measure::phase::Phase;
    use lapse_record::sample::{Answer, Sample};

    /// A run that began `day` days after the first, in which all requests were refused for `down` milliseconds.
    fn run(day: u64, down: u64) -> Run {
        let mut sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 1_000);
        sample.about.anchor.date = sample.about.anchor.date + Duration::from_secs(day * 86_400);
        let record = sample.record(4_000, |_, ms| match ms {
            ms if (2_000..2_000 + down).contains(&ms) => Answer::after(Class::Refused, 200),
            _ => Answer::after(Class::Ok, 300),
        });
        Run { name: format!("day-{day}"), record }
    }

    fn history(runs: &[Run]) -> History {
        History::of(runs.iter().map(Line::of).collect())
    }

    #[test]
    fn runs_are_in_the_order_of_time() {
        let history = history(&[run(3, 0), run(1, 100), run(2, 0)]);
        let names: Vec<_> = history.lines.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, ["day-1", "day-2", "day-3"]);
        assert!(History::of(Vec::new()).series.is_empty());
    }

    #[test]
    fn percentiles_are_those_of_the_runs_and_a_rise_over_all_of_them_is_a_trend() {
        let runs: Vec<_> = (1..=10).map(|day| run(day, day * 20)).collect();
        let history = history(&runs);
        let downtime = history.series[1];
        let near = |seconds: f64, ms: f64| (seconds - ms / 1e3).abs() < 0.002;
        assert!(near(downtime.p50, 100.0) && near(downtime.p90, 180.0) && near(downtime.most, 200.0), "{downtime:?}");
        assert!(history.series.iter().all(|series| series.tendency == Tendency::Rises), "{:?}", history.series);
    }

    /// What is said to hold does: each run, judged again by it, passes, and the run that set it fails by a bit less.
    #[test]
    fn the_budgets_that_would_have_held_do() {
        use lapse_measure::budget::{Budget, Limit, Scope};
        let runs: Vec<_> = (1..=10).map(|day| run(day, day * 20)).collect();
        let history = history(&runs);
        for series in &history.series {
            let most = series.holds_for_all.unwrap();
            assert!(series.holds_for_p90.unwrap() < most);
            let limit = |limit: f64| match series.of {
                Limited::Failed => Limit::FailedShare(limit),
                Limited::Downtime => Limit::Downtime(Duration::from_secs_f64(limit)),
                Limited::Disruption => Limit::Disruption(Duration::from_secs_f64(limit)),
                Limited::Outage => Limit::Outage(Duration::from_secs_f64(limit)),
            };
            let judged = |run: &Run, most: f64| {
                let budget = Budget { name: "budget".to_owned(), scope: Scope::EachTarget, limit: limit(most) };
                let (rules, window) = (run.record.about.rules, run.window());
                let ending = lapse_measure::verdict::Ending::Complete;
                lapse_measure::verdict::judge(&run.record.seen, &[(budget, window)], rules, ending).conclusion
            };
            let margin = most * 1.000_001;
            assert!(runs.iter().all(|run| judged(run, margin) == Conclusion::Pass), "{:?} {most}", series.of);
            assert!(runs.iter().any(|run| judged(run, most * 0.97) != Conclusion::Pass), "{:?} {most}", series.of);
        }
    }

    #[test]
    fn a_run_that_was_not_whole_is_listed_and_counts_in_nothing_else() {
        let mut cut = run(2, 900);
        cut.record.summary.verdict.conclusion = Conclusion::Interrupted;
        let runs = [run(1, 20), cut, run(3, 20)];
        let history = history(&runs);
        assert_eq!((history.lines.len(), history.whole()), (3, 2));
        assert!(history.series[1].most < 0.03, "{:?}", history.series[1]);
        assert_eq!(history.lines[1].unknown.as_deref(), Some("day-2 was interrupted: its rest is not known"));
    }
}
