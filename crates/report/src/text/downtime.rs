//! What each target lost over the whole run, with the bounds in which the truth lies.

use std::collections::BTreeMap;

use super::page::Page;
use super::phrase::{Count, classes, part, percent, some};
use crate::headline;
use lapse_measure::answer::{Class, Health};
use lapse_measure::disruption::Certainty;
use lapse_measure::time::Human;
use lapse_measure::totals::Totals;
use lapse_measure::verdict::Case;
use lapse_record::record::Record;

pub(super) fn write(record: &Record, case: Case<'_>, page: &mut Page) {
    for (place, target) in record.about.targets.iter().enumerate() {
        let totals = case.totals(place, record.whole());
        page.heading(&format!("Downtime of {}, {}", target.name, target.url));
        if totals.resolved == 0 {
            page.say(2, "nothing is known: no probe came to an answer");
            continue;
        }
        if totals.failed == 0 {
            page.say(2, &none_seen(&totals));
        }
        let rows = rows(record, case, place, &totals);
        page.table(2, &rows);
    }
}

/// What it means that nothing failed.
pub(crate) fn none_seen(totals: &Totals) -> String {
    let blind = if totals.blind.is_zero() { "" } else { ", outside of blind time" };
    format!(
        "no downtime seen in {}; anything over {} would have been{blind}",
        some(totals.resolved, "probe"),
        Human(totals.detection_limit)
    )
}

/// The row of the loss-derived downtime, which the page shows as its large figure.
pub(crate) const LOSS_DERIVED: &str = "loss-derived";

/// What the loss-derived downtime is, and what its bounds are worth.
pub(crate) fn loss_derived_meaning(totals: &Totals) -> String {
    format!("failed probes times the time each stands for{}", sure(totals.loss_certainty))
}

/// What to say of bounds that a sample has.
const fn sure(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Certain => "",
        Certainty::Confidence95 => "; bounds of 95 %",
    }
}

/// Every figure of a target that is worth a row: name, figure, meaning.
pub(crate) fn rows(record: &Record, case: Case<'_>, place: usize, totals: &Totals) -> Vec<Vec<String>> {
    let row = |name: &str, figure: String, meaning: String| vec![name.to_owned(), figure, meaning];
    let mut rows = Vec::new();
    if totals.failed > 0 {
        rows.push(row(LOSS_DERIVED, totals.loss_derived.to_string(), loss_derived_meaning(totals)));
        rows.extend(totals.disruptions.longest.as_ref().map(|one| {
            let lost = headline::share(one.failed, one.resolved);
            let gate = Human(totals.disruptions.gate);
            let which = match totals.disruptions.count {
                1 => "the only one".to_owned(),
                many => format!("the longest of {}", Count(many as u64)),
            };
            let meaning = format!("{which}; lost {lost}; gate {gate}");
            row("disruption", one.length().to_string(), meaning + sure(one.certainty))
        }));
        rows.push(row("outage", totals.longest.to_string(), longest(record, case, place)));
        rows.push(row("down", totals.down.to_string(), "every lane failing at once".to_owned()));
        rows.push(row("lost", part(totals.failed, totals.resolved, "probe"), failed_classes(case, place)));
        rows.extend(totals.availability.requests.map(|share| {
            let worst = totals.availability.worst_second.map(|worst| format!("{} in the worst second", percent(worst)));
            row("available", percent(share), worst.unwrap_or_default())
        }));
    }
    if !totals.slow.estimate.is_zero() {
        let meaning = format!("answers later than {}", Human(record.about.slow));
        rows.push(row("slow", totals.slow.to_string(), meaning));
    }
    let silence = record.seen.success_gaps.get(place).copied().flatten().map(|silence| silence.length());
    rows.extend(silence.filter(|silence| *silence > record.about.slow).map(|silence| {
        let meaning = "no probe succeeded although some were on their way".to_owned();
        row("silence", Human(silence).to_string(), meaning)
    }));
    if !totals.blind.is_zero() {
        let meaning = format!("the prober could not see; {} not sent", Count(totals.not_sent));
        rows.push(row("blind", Human(totals.blind).to_string(), meaning));
    }
    rows
}

/// Which lane had the longest outage.
fn longest(record: &Record, case: Case<'_>, place: usize) -> String {
    let outages = case.lanes_of(place).into_iter().filter_map(|(place, lane)| {
        let durations = lane.outages.iter().map(|outage| outage.duration().estimate);
        durations.max().map(|longest| (longest, place))
    });
    // Of equals the first: the same record gives the same words.
    let longest = outages.reduce(|best, next| if next.0 > best.0 { next } else { best });
    longest
        .map(|(_, place)| format!("the longest single outage, on {}", record.lanes[place].policy))
        .unwrap_or_default()
}

fn failed_classes(case: Case<'_>, place: usize) -> String {
    let mut all: BTreeMap<Class, u64> = BTreeMap::new();
    for (_, lane) in case.lanes_of(place) {
        for (class, count) in lane.classes.iter().filter(|(class, _)| class.health() == Health::Failed) {
            *all.entry(*class).or_insert(0) += count;
        }
    }
    classes(&all)
}
