//! Many runs in words: a line each, the figures over all of them, and the budgets that would have held.

use std::collections::BTreeSet;
use std::time::Duration;

use super::phrase::{part, percent, share, some, tail};
use lapse_compare::history::{History, Limited, Line, Series};
use lapse_measure::time::{Bounded, Human};

/// Columns of a date to the minute.
const DATE: usize = 16;

/// The heading over the lines.
pub(crate) fn heading(history: &History) -> String {
    let date = |line: Option<&Line>| line.map(day).unwrap_or_default();
    let runs = some(history.lines.len() as u64, "run");
    match (date(history.lines.first()), date(history.lines.last())) {
        (first, _) if first.is_empty() => runs,
        (first, last) if first == last => format!("{runs}, {first}"),
        (first, last) => format!("{runs}, {first} to {last}"),
    }
}

/// A header, then a row for each run: its name, its verdict, what it lost, and its downtime. When it began comes first,
/// in UTC, unless all names begin with that.
pub(crate) fn rows(history: &History, name: usize) -> Vec<Vec<String>> {
    let dated = history.lines.iter().all(|line| line.name.starts_with(&day(line)));
    let (header, width) = if dated { (vec![], name + DATE + 2) } else { (vec!["began, UTC"], name) };
    let header = header.into_iter().chain(["run", "verdict", "failed", "disruption", "downtime"]).map(str::to_owned);
    let row = |line: &Line| {
        let date = (!dated).then(|| began(line));
        let named = [tail(&line.name, width), line.verdict.to_string()];
        date.into_iter().chain(named).chain(lost(line)).collect()
    };
    [header.collect()].into_iter().chain(history.lines.iter().map(row)).collect()
}

/// What a run lost: the share of its probes, its longest disruption, and its downtime with bounds.
pub(crate) fn lost(line: &Line) -> [String; 3] {
    let none = if line.unknown.is_some() { "none seen" } else { "none" };
    let or_none = |text: String| if line.failed > 0 { text } else { none.to_owned() };
    let failed = match line.resolved {
        0 => "no answer".to_owned(),
        resolved => or_none(share(line.failed, resolved)),
    };
    [failed, or_none(Human(line.disruption.estimate).to_string()), or_none(line.downtime.to_string())]
}

/// A header, then a row for each figure: its percentiles, its largest value, and its trend.
pub(crate) fn series(history: &History) -> Vec<Vec<String>> {
    if history.series.is_empty() {
        return Vec::new();
    }
    let header = ["", "p50", "p90", "most", "trend"].map(str::to_owned).to_vec();
    let row = |series: &Series| {
        let [p50, p90, most] = [series.p50, series.p90, series.most].map(|figure| figure_of(series.of, figure));
        vec![series.of.name().to_owned(), p50, p90, most, series.tendency.name().to_owned()]
    };
    [header].into_iter().chain(history.series.iter().map(row)).collect()
}

/// A header, then a row for each budget: its limits that would have held for nine of ten runs, and for all.
pub(crate) fn budgets(history: &History) -> Vec<Vec<String>> {
    if history.series.is_empty() {
        return Vec::new();
    }
    let header = ["", "for 9 of 10 runs", "for all"].map(str::to_owned).to_vec();
    let row = |series: &Series| {
        let said =
            |limit: Option<f64>| limit.map_or_else(|| "none would do".to_owned(), |limit| value(series.of, limit));
        vec![series.of.flag().to_owned(), said(series.holds_for_p90), said(series.holds_for_all)]
    };
    [header].into_iter().chain(history.series.iter().map(row)).collect()
}

/// A limit as the flag takes it, rounded up so that it still holds: `472ms`, `2.92%`.
pub(crate) fn value(of: Limited, limit: f64) -> String {
    match of {
        Limited::Failed => {
            let text = format!("{:.2}", ((limit * 1e4 - 1e-6).ceil() / 1e2).abs());
            format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => format!("{:.0}ms", (limit * 1e3 - 1e-6).ceil().max(1.0)),
    }
}

fn figure_of(of: Limited, figure: f64) -> String {
    match of {
        Limited::Failed => percent((figure * 1e4).round() / 1e4),
        _ => Human(Duration::try_from_secs_f64(figure).unwrap_or_default()).to_string(),
    }
}

/// What does not count, and how many runs a trend takes.
pub(crate) fn remarks(history: &History) -> Vec<String> {
    let mut said: Vec<_> = history.lines.iter().filter_map(|line| line.unknown.clone()).collect();
    let (whole, all) = (history.whole() as u64, history.lines.len() as u64);
    if whole < all {
        said.push(format!("only whole runs count below: {}", part(whole, all, "run")));
    }
    let blind = history.lines.iter().filter(|line| line.unknown.is_none()).max_by_key(|line| line.unseen);
    said.extend(blind.map(|line| {
        let (name, unseen) = (&line.name, Human(line.unseen));
        format!("an outage of {unseen} could have gone unseen in {name}, no longer one in any whole run")
    }));
    said
}

/// When a run began: `2026-11-22 20:15`, in UTC.
fn began(line: &Line) -> String {
    let date = crate::date::rfc3339(line.anchor, lapse_measure::time::Offset::ZERO);
    date.get(..16).unwrap_or(&date).replace('T', " ")
}

/// When each run began, as the axis of a chart shows it: the day, or the time of day if all began on one.
pub(crate) fn dates(history: &History) -> Vec<String> {
    let is_one_day = history.lines.iter().map(day).collect::<BTreeSet<_>>().len() == 1;
    let label = |line: &Line| match began(line).split_once(' ') {
        Some((_, time)) if is_one_day => time.to_owned(),
        _ => day(line),
    };
    history.lines.iter().map(label).collect()
}

/// A run in a line, with one of its figures.
pub(crate) fn of_one(line: &Line, of: Limited, figure: Bounded) -> String {
    let (name, verdict, of) = (&line.name, line.verdict, of.name());
    match (&line.unknown, line.failed) {
        (Some(why), _) => format!("{name}: {verdict}, {of} {figure} seen: {why}"),
        (None, 0) => format!("{name}: {verdict}, no {of}"),
        (None, _) => format!("{name}: {verdict}, {of} {figure}"),
    }
}

/// The day on which a run began, in UTC.
pub(crate) fn day(line: &Line) -> String {
    let began = began(line);
    began.split_once(' ').map_or(began.clone(), |(day, _)| day.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_rounded_up_and_never_down() {
        assert_eq!(
            [0.0, 0.0292, 0.029_21, 1.0].map(|share| value(Limited::Failed, share)),
            ["0%", "2.92%", "2.93%", "100%"]
        );
        assert_eq!(
            [0.0, 0.472, 0.472_1, 12.0].map(|time| value(Limited::Outage, time)),
            ["1ms", "472ms", "473ms", "12000ms"]
        );
    }
}
