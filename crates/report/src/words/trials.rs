//! Several trials of one rollout in words: what they come to, a line each, and how each figure differs between them.

use super::history::{day, lost};
use super::phrase::{lost as phrase_lost, part, percent, some};
use super::verdict::breach;
use lapse_compare::Value;
use lapse_compare::trials::{Missing, Point, Quantity, Spread, Trial, Trials};
use lapse_measure::time::{Bounded, Human};
use lapse_measure::verdict::Conclusion;

/// What all trials come to, as a clause.
pub(crate) fn why(trials: &Trials) -> String {
    let (made, planned) = (trials.trials.len() as u64, trials.planned());
    let first = |conclusion| trials.trials.iter().find(|trial| trial.conclusion() == conclusion);
    match trials.conclusion {
        Conclusion::Pass => format!("every budget held in {}", each(planned)),
        Conclusion::Fail => format!("{} exceeded a budget", part(trials.count(Conclusion::Fail), planned, "trial")),
        Conclusion::Inconclusive => {
            let open = planned - trials.count(Conclusion::Pass);
            format!("what was measured in {} proves neither pass nor fail", part(open, planned, "trial"))
        }
        Conclusion::CommandFailed => {
            let which = first(Conclusion::CommandFailed).map(|trial| trial.number).unwrap_or_default();
            format!("the command of trial {which} failed; {}", of_which(made, planned))
        }
        Conclusion::Interrupted => match first(Conclusion::Interrupted) {
            Some(trial) => format!("trial {} was interrupted; {}", trial.number, of_which(made, planned)),
            None => format!("the trials ended early; {}", of_which(made, planned)),
        },
    }
}

fn each(planned: u64) -> String {
    if planned == 1 { "the only trial".to_owned() } else { format!("each of {}", some(planned, "trial")) }
}

fn of_which(made: u64, planned: u64) -> String {
    format!("{} {} made", part(made, planned, "trial"), if planned == 1 { "was" } else { "were" })
}

/// The heading over the trials: how many of them, of what, and when.
pub(crate) fn heading(trials: &Trials) -> String {
    let count = some(trials.planned(), "trial");
    match trials.trials.first() {
        Some(first) => format!("{count} of {}, {}", first.line.release, day(&first.line)),
        None => count,
    }
}

/// A header, then a row for each trial: its verdict, what it lost, its downtime, and how long its rollout took.
pub(crate) fn rows(trials: &Trials) -> Vec<Vec<String>> {
    let header = ["trial", "verdict", "failed", "disruption", "rollout", "downtime"].map(str::to_owned).to_vec();
    [header].into_iter().chain(trials.trials.iter().map(row)).collect()
}

/// The row of a trial.
fn row(trial: &Trial) -> Vec<String> {
    let [failed, disruption, downtime] = lost(&trial.line);
    let rollout = trial.rollout.map_or_else(|| "-".to_owned(), |rollout| Human(rollout).to_string());
    vec![trial.number.to_string(), trial.conclusion().to_string(), failed, disruption, rollout, downtime]
}

/// What one trial came to, in a line: `fail, lost 12 of 4,000 probes, downtime 12 ms (9 to 15)`.
pub(crate) fn in_short(trial: &Trial) -> String {
    let (line, verdict) = (&trial.line, trial.conclusion());
    match (line.failed, line.resolved) {
        (_, 0) => format!("{verdict}, no probe came to an answer"),
        (0, resolved) => format!("{verdict}, {}", phrase_lost(0, resolved)),
        (failed, resolved) => format!("{verdict}, {}, downtime {}", phrase_lost(failed, resolved), line.downtime),
    }
}

/// Why trials do not pass, kind by kind: the budgets that they exceeded, commands that failed, and reasons for doubt.
pub(crate) fn reasons(trials: &Trials) -> [(&'static str, Vec<String>); 3] {
    let each = |of: fn(&Trial) -> Vec<String>| {
        let said = trials.trials.iter().flat_map(|trial| {
            let number = trial.number;
            of(trial).into_iter().map(move |reason| format!("trial {number}: {reason}"))
        });
        said.collect()
    };
    [
        ("exceeded", each(|trial| trial.breaches.iter().map(breach).collect())),
        ("failed", each(|trial| trial.command_failed.iter().cloned().collect())),
        ("in doubt", each(|trial| trial.inconclusive.clone())),
    ]
}

/// A header, then a row for each figure: the least, the median and the most of all whole trials, and its method.
pub(crate) fn spreads(trials: &Trials) -> Vec<Vec<String>> {
    let header = ["", "least", "median", "most", "method"].map(str::to_owned).to_vec();
    let row = |spread: &Spread| {
        let [least, median] = [spread.least, spread.median].map(|point| short(&point));
        vec![spread.of.name().to_owned(), least, median, long(&spread.most), method(spread.of).to_owned()]
    };
    let rows: Vec<_> = shown(trials).map(row).collect();
    if rows.is_empty() { rows } else { [header].into_iter().chain(rows).collect() }
}

/// The figures that are shown. The time of the command is left out where it is that of the rollout.
fn shown(trials: &Trials) -> impl Iterator<Item = &Spread> {
    let values = |spread: &Spread| [spread.least, spread.median, spread.most].map(|point| short(&point));
    let rollout = trials.spreads.iter().find(|spread| spread.of == Quantity::Rollout).map(values);
    trials.spreads.iter().filter(move |one| one.of != Quantity::Command || Some(values(one)) != rollout)
}

/// A figure without its bounds.
fn short(point: &Point) -> String {
    match point.value {
        Value::Lost { failed: 0, .. } => "none".to_owned(),
        Value::Lost { share, .. } => percent((share.estimate * 1e4).round() / 1e4),
        Value::Time(time) if time.estimate.is_zero() => "none".to_owned(),
        Value::Time(time) => Human(time.estimate).to_string(),
    }
}

/// A figure with its bounds, where they are any.
fn long(point: &Point) -> String {
    match point.value {
        Value::Time(time) if !time.estimate.is_zero() && time != Bounded::exact(time.estimate) => time.to_string(),
        _ => short(point),
    }
}

/// The method of a figure, in a word.
pub(crate) const fn method(of: Quantity) -> &'static str {
    match of {
        Quantity::Downtime => "loss-derived",
        Quantity::Disruption => "gated",
        Quantity::Outage => "timestamps",
        Quantity::Failed => "loss share",
        Quantity::Rollout | Quantity::Command => "event-stamped",
    }
}

/// A row for each figure that is shown: its name, and how it is measured, in the words of those who measure the like.
pub(crate) fn methods(trials: &Trials) -> Vec<Vec<String>> {
    let gate = trials.trials.first().map(|trial| trial.gate).unwrap_or_default();
    let row = |spread: &Spread| vec![spread.of.name().to_owned(), meaning(spread.of, Human(gate))];
    shown(trials).map(row).collect()
}

fn meaning(of: Quantity, gate: Human) -> String {
    match of {
        Quantity::Downtime => "failed probes times the time each stands for, over all lanes: the frame-loss method of \
                               RFC 6201, the loss-derived method of RFC 6413"
            .to_owned(),
        Quantity::Disruption => format!(
            "the longest stretch of failures no further apart than the gate, {gate}: service disruption time, as test \
             sets for transmission networks measure it"
        ),
        Quantity::Outage => {
            "the longest run of failures on a lane; its upper bound, from the last answer before to the \
                             first one after, is the timestamp method of RFC 6201"
                .to_owned()
        }
        Quantity::Failed => "failed probes among all that came to an answer".to_owned(),
        Quantity::Rollout => "from the beginning of the event to its end, both as the prober saw them".to_owned(),
        Quantity::Command => "from the start of the command to its exit".to_owned(),
    }
}

/// How many of the whole trials lost nothing, with the interval of their share: `3 of 5 trials, 60 % (14 to 95)`; `None`
/// if none was whole.
pub(crate) fn without_loss(trials: &Trials) -> Option<String> {
    let share = trials.share;
    let [low, high] = [(share.low * 100.0).floor(), (share.high * 100.0).ceil()];
    let count = part(trials.without_loss, trials.whole, "trial");
    (trials.whole > 0).then(|| format!("{count}, {:.0} % ({low:.0} to {high:.0})", share.estimate * 100.0))
}

/// What does not count, and what these trials cannot show.
pub(crate) fn remarks(trials: &Trials) -> Vec<String> {
    let mut said: Vec<_> = trials.trials.iter().filter_map(|trial| trial.line.unknown.clone()).collect();
    said.extend(trials.missing.iter().filter(|one| one.why.is_some()).map(missing));
    said.extend(not_made(&trials.missing));
    if trials.whole < trials.planned() {
        said.push(format!("only whole trials count: {}", part(trials.whole, trials.planned(), "trial")));
    }
    if trials.whole > 0 && trials.without_loss == trials.whole {
        let may = ((1.0 - trials.share.low) * 100.0).ceil();
        let count = some(trials.whole, "trial");
        said.push(format!("a rollout that loses requests in up to {may:.0} % of all cases may lose none in {count}"));
    }
    let blind = trials.trials.iter().filter(|trial| trial.is_whole()).max_by_key(|trial| trial.line.unseen);
    said.extend(blind.map(|trial| {
        let (number, unseen) = (trial.number, Human(trial.line.unseen));
        format!("an outage of {unseen} could have gone unseen in trial {number}, no longer one in any whole trial")
    }));
    said
}

/// How many trials were not made, as a clause; `None` if all were.
fn not_made(all: &[Missing]) -> Option<String> {
    let mut all = all.iter().filter(|one| one.why.is_none());
    let first = all.next()?;
    Some(match all.count() {
        0 => missing(first),
        more => format!("trial {} and {more} more were not made", first.number),
    })
}

/// Why there is nothing of a trial, as a clause.
pub(crate) fn missing(missing: &Missing) -> String {
    match &missing.why {
        Some(why) => format!("trial {}: {why}", missing.number),
        None => format!("trial {} was not made", missing.number),
    }
}
