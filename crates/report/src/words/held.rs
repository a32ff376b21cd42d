//! Held streams: a row for each figure of a target.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::phrase::{Count, seconds, some};
use lapse_measure::held::totals::{HERD, Held, HeldTotals, Silence};
use lapse_measure::phase::Phase;
use lapse_measure::time::{Bounded, Human, Offset};
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// Names of backends and the like in one cell; the rest are counted.
const MAX_NAMES: usize = 6;

/// The heading of the section.
pub(crate) fn heading(record: &Record) -> String {
    let Some(plan) = &record.about.held else { return String::new() };
    let path = plan.path.as_deref().map(|path| format!(" of {path}")).unwrap_or_default();
    let beat = Human(plan.beat);
    format!("Held streams{path} ({} at a time, a message each {beat}; from the event on)", plan.places)
}

/// The targets whose streams were held.
pub(crate) fn targets(record: &Record) -> impl Iterator<Item = (&TargetSummary, &Held)> {
    record.summary.targets.iter().filter_map(|target| Some((target, record.seen.target(target.id).held.as_ref()?)))
}

/// A header row, then a row for each figure: its name, the figure, and what there is to say of it.
pub(crate) fn rows(record: &Record, held: &Held) -> Vec<Vec<String>> {
    let (seen, end) = (&record.seen, record.seen.end);
    let totals = held.totals(seen.phases.judged(end));
    let baseline = seen.phases.spans(end).find(|(phase, _)| *phase == Phase::Baseline);
    let mut rows = vec![
        ["", "figure", "with bounds as measured"].map(str::to_owned),
        ["drops".to_owned(), Count(totals.drops.len() as u64).to_string(), how_dropped(&totals)],
    ];
    rows.extend(totals.silence.map(|silence| {
        ["silence".to_owned(), silence.gap.length().to_string(), format!("the longest, {}", since(&silence))]
    }));
    rows.extend(spread("back after", &totals.backs(), &after(&totals)));
    rows.extend(spread("age", &totals.ages(), "when dropped"));
    rows.extend(totals.herd.map(|(count, at)| {
        let at = seconds(at.since(Offset::ZERO));
        let what = format!("the most that were asked for again within {}, at {at}", Human(HERD));
        ["herd".to_owned(), Count(count).to_string(), what]
    }));
    rows.push(landed(held));
    rows.push(messages(held));
    rows.extend(failed(held));
    rows.extend(baseline.map(|(_, span)| {
        let before = held.totals(span);
        let silence = before.silence.map_or_else(|| "no stream".to_owned(), |one| one.gap.length().to_string());
        ["baseline".to_owned(), some(before.drops.len() as u64, "drop"), format!("longest silence {silence}")]
    }));
    rows.into_iter().map(Vec::from).collect()
}

/// Remarks on what the figures leave out.
pub(crate) fn remarks(record: &Record) -> Vec<String> {
    let cut = record.cut && record.about.held.is_some();
    let cut = cut.then(|| "streams that were open when the run was cut short are not among the held ones".to_owned());
    let left_out = |(target, held): (&TargetSummary, &Held)| {
        let streams = some(held.left_out, "held stream");
        (held.left_out > 0).then(|| format!("{}: {streams} were not kept", target.name))
    };
    cut.into_iter().chain(targets(record).filter_map(left_out)).collect()
}

fn how_dropped(totals: &HeldTotals) -> String {
    if totals.drops.is_empty() {
        return "no stream was dropped".to_owned();
    }
    let how = named(totals.by_how.iter());
    match totals.not_back() {
        0 => format!("{how}; all came back"),
        gone => format!("{how}; {} did not come back", Count(gone)),
    }
}

fn since(silence: &Silence) -> String {
    let (at, place) = (seconds(silence.gap.from.read.since(Offset::ZERO)), silence.place);
    format!("since {at}, in place {place}")
}

fn after(totals: &HeldTotals) -> String {
    let drops = some(totals.drops.len() as u64, "drop");
    format!("to the first message, of {} of {drops}", Count(totals.backs().len() as u64))
}

/// The median of `sorted`, and its ends.
fn spread(name: &str, sorted: &[Bounded], what: &str) -> Option<[String; 3]> {
    let (first, last) = (sorted.first()?, sorted.last()?);
    let median = sorted.get((sorted.len() - 1) / 2)?;
    let ends = if sorted.len() == 1 { String::new() } else { format!("median; least {first}, most {last}; ") };
    Some([name.to_owned(), median.to_string(), format!("{ends}{what}")])
}

fn landed(held: &Held) -> [String; 3] {
    let (landed, open) = (held.landed(), held.open());
    let by_name: BTreeMap<_, _> =
        landed.iter().map(|(name, count)| (name.unwrap_or("unnamed").to_owned(), *count)).collect();
    let figure = format!("{} of {}", Count(open), Count(u64::from(held.places)));
    let most = landed.values().copied().max().unwrap_or(0);
    let what = match landed.len() {
        0 => "open at the end".to_owned(),
        1 if landed.contains_key(&None) => "open at the end; no header named their backends".to_owned(),
        1 => format!("open at the end, all on {}", named(by_name.iter())),
        backends => {
            #[expect(clippy::cast_precision_loss, reason = "streams are few")]
            let skew = most as f64 * backends as f64 / open.max(1) as f64;
            format!("open at the end: {}; the most {skew:.1} times an even share", named(by_name.iter()))
        }
    };
    ["landed".to_owned(), figure, what]
}

fn messages(held: &Held) -> [String; 3] {
    let what = held.delivery().map_or_else(
        || "without numbers: nothing tells what was lost".to_owned(),
        |delivery| format!("by their ids {} lost, {} repeated", Count(delivery.lost), Count(delivery.repeated)),
    );
    let streams = some(held.opened(), "stream");
    ["messages".to_owned(), Count(held.messages()).to_string(), format!("on {streams}; {what}")]
}

fn failed(held: &Held) -> Option<[String; 3]> {
    let (attempts, classes) = held.failed();
    let what = format!("attempts to open a stream, the last of them {}", named(classes.iter()));
    (attempts > 0).then(|| ["failed".to_owned(), Count(attempts).to_string(), what])
}

/// `reset x30, fin x2 and 3 more`, the most frequent first.
fn named<'a, N: Display + 'a>(counts: impl Iterator<Item = (N, &'a u64)>) -> String {
    let mut all: Vec<_> = counts.collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let more = all.len().saturating_sub(MAX_NAMES);
    let shown: Vec<_> = all.iter().take(MAX_NAMES).map(|(name, count)| format!("{name} x{}", Count(**count))).collect();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &rest
}
