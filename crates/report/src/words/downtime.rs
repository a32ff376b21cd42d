//! Rows on the downtime of a target over the whole run, each figure with its bounds.

use super::phrase::{Count, classes, part, percent, share, some};
use lapse_measure::budget::WorstShare;
use lapse_measure::disruption::Certainty;
use lapse_measure::time::{Human, Offset};
use lapse_measure::totals::Totals;
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// The sentence for a target without a failed probe, with the longest outage that could have gone unseen.
pub(crate) fn none_seen(totals: &Totals) -> String {
    format!("no downtime seen in {}; {}", some(totals.resolved, "probe"), unseen(totals))
}

/// How long an outage may have lasted without one probe meeting it: at the worst moment, and usually.
pub(crate) fn unseen(totals: &Totals) -> String {
    let (worst, median) = (Human(totals.unseen.length), Human(totals.unseen_median));
    let at = Human(totals.unseen.at.since(Offset::ZERO));
    if worst.to_string() == median.to_string() {
        return format!("no outage over {worst} could have gone unseen");
    }
    format!("no outage over {worst} could have gone unseen (at {at}; usually none over {median})")
}

/// The row of the loss-derived downtime, which the page shows as its large figure.
pub(crate) const LOSS_DERIVED: &str = "loss-derived";

/// The meaning of the loss-derived downtime, with the confidence of its bounds if that is below certainty.
pub(crate) fn loss_derived_meaning(totals: &Totals) -> String {
    format!("failed probes times the time each stands for{}", sure(totals.loss_certainty))
}

/// The confidence of bounds, as a clause that ends the meaning; empty if they are certain.
const fn sure(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Certain => "",
        Certainty::Confidence95 => "; bounds of 95 %",
    }
}

/// Every figure of a target that is worth a row: name, figure, meaning.
pub(crate) fn rows(record: &Record, target: &TargetSummary) -> Vec<Vec<String>> {
    let totals = &target.totals;
    let row = |name: &str, figure: String, meaning: String| vec![name.to_owned(), figure, meaning];
    let mut rows = Vec::new();
    if totals.failed > 0 {
        rows.push(row(LOSS_DERIVED, totals.loss_derived.to_string(), loss_derived_meaning(totals)));
        rows.extend(totals.disruptions.longest.as_ref().map(|one| {
            let lost = share(one.failed, one.resolved);
            let gate = Human(totals.disruptions.gate);
            let which = match totals.disruptions.count {
                1 => "the only one".to_owned(),
                many => format!("the longest of {}", Count(many as u64)),
            };
            let meaning = format!("{which}; lost {lost}; gate {gate}");
            row("disruption", one.length().to_string(), meaning + sure(one.certainty))
        }));
        rows.push(row("outage", totals.longest.to_string(), longest(record, target)));
        rows.push(row("down", totals.down.to_string(), "every lane failing at once".to_owned()));
        rows.push(row("lost", part(totals.failed, totals.resolved, "probe"), classes(&totals.classes)));
        rows.extend(totals.availability.requests.map(|share| {
            let worst = totals.availability.worst_second.map(|worst| format!("{} in the worst second", percent(worst)));
            row("available", percent(share), worst.unwrap_or_default())
        }));
        rows.extend(worst_windows(target).map(|(figure, meaning)| row("worst window", figure, meaning)));
    }
    if !totals.slow.estimate.is_zero() {
        let meaning = format!("answers later than {}", Human(record.about.slow));
        rows.push(row("slow", totals.slow.to_string(), meaning));
    }
    let silence = target.success_gap.map(|silence| silence.length());
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

/// The largest share lost in any window of some widths: that of the narrowest, and the others.
fn worst_windows(target: &TargetSummary) -> Option<(String, String)> {
    let of = |one: &WorstShare| format!("{:.0} % of {}", one.share * 100.0, Human(one.width));
    let (narrowest, wider) = target.worst_shares.split_first()?;
    let wider: Vec<_> = wider.iter().map(of).collect();
    (!wider.is_empty()).then(|| (of(narrowest), format!("lost in the worst; {}", wider.join(", "))))
}

/// The meaning of the longest outage: the policy of the lane that had it; empty if there was no outage.
fn longest(record: &Record, target: &TargetSummary) -> String {
    let outages = record.seen.lanes_of(target.id).into_iter().filter_map(|lane| {
        let durations = lane.outages.iter().map(|outage| outage.duration().estimate);
        durations.max().map(|longest| (longest, lane.lane.policy))
    });
    // Of equals the first: the same record gives the same words.
    let longest = outages.reduce(|best, next| if next.0 > best.0 { next } else { best });
    longest.map(|(_, policy)| format!("the longest single outage, on {policy}")).unwrap_or_default()
}
