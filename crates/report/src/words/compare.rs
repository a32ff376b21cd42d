//! Comparisons in words: what each run measured, how far they are apart, and what that comes to.

use std::time::Duration;

use super::phrase::{Count, part, share, some};
use lapse_compare::{
    Against, Apart, Change, Comparison, Conclusion, Doubt, Figure, Measure, TimeDifference, Value, Why,
};
use lapse_measure::time::{Bounded, Human};

/// Figures named in a headline; the others are counted.
const NAMED: usize = 4;

/// What a comparison comes to, as a clause.
pub(crate) fn why(comparison: &Comparison<'_>) -> String {
    match (comparison.conclusion, comparison.against.as_slice()) {
        (Conclusion::Inconclusive, _) => {
            "what was measured proves neither that something got worse nor that nothing did".to_owned()
        }
        (_, [only]) => headline(only),
        (Conclusion::Regression, all) => {
            let worse = all.iter().filter(|one| one.conclusion == Conclusion::Regression);
            let names: Vec<_> = worse.map(|one| one.run.name.as_str()).collect();
            format!("worse than {}: {}", comparison.base.name, names.join(", "))
        }
        (Conclusion::NoRegression, all) => {
            let runs = some(all.len() as u64, "run");
            format!("none of {runs} is worse than {} beyond what is tolerated", comparison.base.name)
        }
    }
}

/// What a run comes to beside the base, as a clause.
pub(crate) fn headline(one: &Against<'_>) -> String {
    let (base, run) = (&one.base.name, &one.run.name);
    let of = |is: &dyn Fn(&Figure) -> bool| one.figures.iter().filter(|figure| is(figure)).collect::<Vec<_>>();
    let regressions = of(&|figure| figure.is_regression);
    let worse = of(&|figure| figure.change == Change::Worse && !figure.is_regression);
    let better = of(&|figure| figure.change == Change::Better);
    let open = of(&|figure| matches!(figure.change, Change::Undecided(_)));
    let mut parts = Vec::new();
    for (word, figures) in [("worse", regressions), ("worse as tolerated", worse), ("better", better)] {
        if !figures.is_empty() {
            parts.push(format!("{word} in {}", listed(one, &figures)));
        }
    }
    if parts.is_empty() && (!one.doubts.is_empty() || !open.is_empty()) {
        return format!("whether {run} differs from {base} cannot be told");
    }
    if parts.is_empty() {
        return format!("between {run} and {base} there is no difference that this many probes could show");
    }
    format!("{run} beside {base} is {}", parts.join(", and "))
}

fn listed(one: &Against<'_>, figures: &[&Figure]) -> String {
    let names: Vec<_> = figures.iter().take(NAMED).map(|figure| name(one, figure)).collect();
    match figures.len() - names.len() {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// The name of a figure: `failed of new`, `downtime of shop`, or `downtime` where there is one target.
pub(crate) fn name(one: &Against<'_>, figure: &Figure) -> String {
    let is_of_lane = matches!(figure.measure, Measure::Failed | Measure::P50 | Measure::P99);
    if is_of_lane || one.sight.len() > 1 {
        return format!("{} of {}", figure.measure, figure.of);
    }
    figure.measure.to_string()
}

/// The meaning of a figure, for a legend.
pub(crate) const fn meaning(measure: Measure) -> &'static str {
    match measure {
        Measure::Failed => "share of a lane's probes that failed, from the beginning of the event on",
        Measure::Downtime => "failed probes times the time each stands for",
        Measure::Disruption => "the longest disruption of any lane",
        Measure::Outage => "the longest strict outage of any lane",
        Measure::P50 => "median latency of healthy answers in the event",
        Measure::P99 => "99th percentile of that latency",
    }
}

/// What a run measured.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Lost { resolved: 0, .. } => "no answer".to_owned(),
        Value::Lost { failed: 0, resolved, .. } => format!("none of {}", some(*resolved, "probe")),
        Value::Lost { failed, resolved, .. } => {
            format!("{} ({})", part(*failed, *resolved, "probe"), share(*failed, *resolved))
        }
        Value::Time(time) if *time == Bounded::exact(Duration::ZERO) => "none".to_owned(),
        Value::Time(time) => time.to_string(),
    }
}

/// What a figure came to in one word.
pub(crate) const fn word(figure: &Figure) -> &'static str {
    match figure.change {
        Change::Better => "better",
        Change::Worse if figure.is_regression => "worse",
        Change::Worse if figure.counts => "tolerated",
        Change::Worse => "not counted",
        Change::NotShown(_) => "-",
        Change::Undecided(_) => "undecided",
    }
}

/// Whether the figures of both runs may be equal.
pub(crate) fn is_within_bounds(figure: &Figure) -> bool {
    figure.change == Change::NotShown(Why::Overlap)
}

/// The CSS class for the colour of a figure.
pub(crate) const fn tone(figure: &Figure) -> &'static str {
    match figure.change {
        Change::Better => "good",
        Change::Worse if figure.is_regression => "bad",
        Change::Worse | Change::Undecided(_) => "unsure",
        Change::NotShown(_) => "same",
    }
}

/// The difference, and what it means, as a clause.
pub(crate) fn difference(figure: &Figure) -> String {
    let apart = apart(&figure.apart);
    match &figure.change {
        Change::Better | Change::Worse => apart,
        Change::NotShown(Why::Overlap) => format!("no difference that this many probes could show ({apart})"),
        Change::NotShown(Why::Chance) => format!("{apart}, as a constant share of loss makes by chance"),
        Change::NotShown(Why::Length) => format!("{apart}, as runs of different lengths make"),
        Change::Undecided(Doubt { why, .. }) => format!("{apart}, but {why}"),
    }
}

/// How far two figures are apart: `436 ms less (401 to 472)`, `-0.06 to 0.06 %` where it may be either way.
pub(crate) fn apart(apart: &Apart) -> String {
    match apart {
        Apart::Share(share) => {
            let [estimate, low, high] = [share.estimate, share.low, share.high].map(|share| share * 100.0);
            if low > 0.0 || high < 0.0 {
                let word = if low > 0.0 { "more" } else { "fewer" };
                let (near, far) = (low.abs().min(high.abs()), low.abs().max(high.abs()));
                return format!(
                    "{} % of all probes {word} ({} to {})",
                    digits(estimate.abs()),
                    digits(near),
                    digits(far)
                );
            }
            format!("{} to {} %", digits(low), digits(high))
        }
        Apart::Time(time) => time_apart(time),
    }
}

/// A percentage with two digits that say something.
fn digits(percent: f64) -> String {
    let size = percent.abs();
    let text = match size {
        10.0.. => format!("{percent:.1}"),
        0.1..10.0 => format!("{percent:.2}"),
        _ => format!("{percent:.3}"),
    };
    let trimmed = text.trim_end_matches('0').trim_end_matches('.');
    if matches!(trimmed, "" | "-0" | "-") { "0".to_owned() } else { trimmed.to_owned() }
}

fn time_apart(TimeDifference { estimate, low, high }: &TimeDifference) -> String {
    let time = |nanos: i64| Duration::from_nanos(nanos.unsigned_abs());
    let is = |side: Option<i64>, wanted: fn(i64) -> bool| side.is_some_and(wanted);
    if is(*low, |low| low > 0) {
        let bounded = Bounded::new(time(*estimate), time(low.unwrap_or_default()), high.map(time));
        return with_word(&bounded, "more");
    }
    if is(*high, |high| high < 0) {
        let bounded = Bounded::new(time(*estimate), time(high.unwrap_or_default()), low.map(time));
        return with_word(&bounded, "less");
    }
    let signed = |nanos: i64| format!("{}{}", if nanos < 0 { "-" } else { "" }, Human(time(nanos)));
    match (low, high) {
        (Some(low), Some(high)) => format!("{} to {}", signed(*low), signed(*high)),
        (Some(low), None) => format!("{} or more", signed(*low)),
        (None, Some(high)) => format!("{} or less", signed(*high)),
        (None, None) => "of any size".to_owned(),
    }
}

/// `436 ms less (401 to 472)`.
fn with_word(bounded: &Bounded, word: &str) -> String {
    let text = bounded.to_string();
    text.split_once(" (").map_or_else(|| format!("{text} {word}"), |(time, bounds)| format!("{time} {word} ({bounds}"))
}

/// The heading over the figures of a run.
pub(crate) fn heading(one: &Against<'_>) -> String {
    format!("{} beside {}", one.run.name, one.base.name)
}

/// What a difference between two runs does not say, where one is called.
pub(crate) fn caveat(comparison: &Comparison<'_>) -> Option<&'static str> {
    let mut figures = comparison.against.iter().flat_map(|one| &one.figures);
    figures.any(|figure| matches!(figure.change, Change::Better | Change::Worse)).then_some(
        "better and worse are said of these runs: how much the rollouts of one release differ from each other shows in \
         several, see `lapse history`",
    )
}

/// What each run could see, target by target.
pub(crate) fn sight(one: &Against<'_>) -> Vec<String> {
    let said = one.sight.iter().map(|sight| {
        let [ours, theirs] = [0, 1].map(|nth| {
            let (unseen, blind) = (Human(sight.unseen[nth]), sight.blind[nth]);
            if blind.is_zero() { format!("{unseen}") } else { format!("{unseen} (blind for {})", Human(blind)) }
        });
        let (base, run) = (&one.base.name, &one.run.name);
        format!("no outage of {} over {ours} could have gone unseen in {base}, none over {theirs} in {run}", sight.of)
    });
    said.collect()
}

/// A row for each run, the base first: name, verdict, beginning in UTC, length, rate, and what was lost in all.
pub(crate) fn runs(comparison: &Comparison<'_>) -> Vec<Vec<String>> {
    let rows = comparison.runs().enumerate().map(|(nth, run)| {
        let failed: u64 = run.record.summary.targets.iter().map(|target| target.totals.failed).sum();
        let verdict = run.record.summary.verdict.conclusion.to_string();
        let role = if nth == 0 { format!("{} (base)", run.name) } else { run.name.clone() };
        let began = crate::date::rfc3339(run.record.about.anchor, lapse_measure::time::Offset::ZERO);
        let began = began.split_once('.').map_or(began.as_str(), |(date, _)| date).replace('T', " ");
        let rate = format!("{}/s", Count(run.record.about.rate.get()));
        let length = Human(run.record.whole().length()).to_string();
        vec![role, verdict, began, length, rate, format!("{} lost", Count(failed))]
    });
    rows.collect()
}
