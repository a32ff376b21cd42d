//! A reproduction for people and for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use super::Outcome;
use lapse_measure::phrase;
use lapse_report::text::{Ink, Look, Page};
use lapse_reproduce::agreement::{Agreement, Bounds, Classes, Figure, NEAR, Unit};

/// The table, what is assumed, and what follows.
pub(super) fn text(outcome: &Outcome<'_>, look: Look) -> String {
    let mut page = Page::new(look);
    let (table, scenario) = (&outcome.table, &outcome.draft.scenario);
    let differing = table.differing().join("; ");
    match table.worst() {
        Agreement::Differs if outcome.is_undecided() => {
            page.lead(
                Ink::Unsure,
                "UNDECIDED",
                &format!("the plays were held up, and differ from the run in: {differing}"),
            );
        }
        Agreement::Differs => {
            page.lead(Ink::Bad, "NOT REPRODUCED", &format!("the scenario differs from the run in: {differing}"));
        }
        Agreement::Near => page.lead(Ink::Good, "REPRODUCED", "every figure agrees or is near"),
        Agreement::Agrees => page.lead(Ink::Good, "REPRODUCED", "every figure agrees"),
    }
    page.say(2, &format!("{}: {}", outcome.file.display(), scenario.shows()));
    page.heading("The run beside its scenario");
    let head = ["", "", "recorded", "played"].map(str::to_owned).to_vec();
    let rows = table.figures.iter().map(figure_row);
    page.table(2, &std::iter::once(head).chain(rows).collect::<Vec<_>>());
    for classes in &table.classes {
        page.say(2, &in_classes(classes));
    }
    page.say(0, &footing(outcome));
    for doubt in &table.doubts {
        page.say(0, &format!("in doubt: {doubt}"));
    }
    let assumed: Vec<_> = outcome.draft.assumed().collect();
    if !assumed.is_empty() {
        page.heading("Not shown by the record");
        for (key, why) in assumed {
            page.say(2, &format!("{key}: {why}"));
        }
    }
    let mut text = page.into_text();
    if let Some(cures) = &outcome.cures {
        // A text that is put together does not fail to be.
        let _ = write!(text, "\n{}", cures.text(look));
    }
    text
}

fn figure_row(figure: &Figure) -> Vec<String> {
    let said = |bounds: Bounds| in_words(figure.unit, bounds);
    let played = figure.all_played().map_or_else(|| "-".to_owned(), said);
    vec![figure.name.clone(), figure.agreement.name().to_owned(), said(figure.recorded), played]
}

/// The classes of a lane in words.
fn in_classes(classes: &Classes) -> String {
    let said = |counts| {
        let text = phrase::classes(counts);
        if text.is_empty() { "none".to_owned() } else { text }
    };
    let [recorded, played] = [&classes.recorded, &classes.played].map(said);
    format!("classes, {}: {}: recorded {recorded}; played {played}", classes.lane, classes.agreement.name())
}

/// A figure with its bounds.
fn in_words(unit: Unit, bounds: Bounds) -> String {
    let (factor, name) = match unit {
        Unit::Share => (100.0, "%"),
        Unit::Time => (1.0, "s"),
    };
    let number = |value: f64| format!("{:.2}", value * factor);
    let to = if bounds.high.is_infinite() { "or more".to_owned() } else { format!("to {}", number(bounds.high)) };
    format!("{} {name} ({} {to})", number(bounds.estimate), number(bounds.low))
}

/// What the figures are of.
fn footing(outcome: &Outcome<'_>) -> String {
    let plays = outcome.table.figures.iter().map(|figure| figure.played.len()).max().unwrap_or_default();
    format!(
        "recorded: with its bounds. played: the median of {}, from the lowest lower bound to the highest upper one. lost: of the \
         requests of a lane in a stretch as long as the recorded one. agrees: the bounds meet; near: they are no further apart \
         than by a factor of {NEAR}, or the classes are of the same kinds. Classes with less than a twentieth of the failures \
         are left out",
        phrase::some(plays as u64, "play")
    )
}

/// The same for programs.
pub(super) fn json(outcome: &Outcome<'_>) -> String {
    let table = &outcome.table;
    let assumed = outcome.draft.assumed().map(|(key, why)| json!({"key": key, "why": why}));
    let whole = json!({
        "file": outcome.file.display().to_string(),
        "scenario": outcome.yaml,
        "agreement": table.worst().name(),
        "figures": table.figures.iter().map(figure).collect::<Vec<_>>(),
        "classes": table.classes.iter().map(classes).collect::<Vec<_>>(),
        "doubts": table.doubts,
        "assumed": assumed.collect::<Vec<_>>(),
        "cures": outcome.cures.as_ref().map(crate::cures::Table::value),
    });
    format!("{whole:#}\n")
}

fn figure(figure: &Figure) -> Value {
    let unit = match figure.unit {
        Unit::Share => "share",
        Unit::Time => "seconds",
    };
    json!({
        "figure": figure.name,
        "unit": unit,
        "recorded": bounds(figure.recorded),
        "played": figure.played.iter().copied().map(bounds).collect::<Vec<_>>(),
        "agreement": figure.agreement.name(),
    })
}

/// Bounds; an upper one that is not known is null.
fn bounds(bounds: Bounds) -> Value {
    let high = bounds.high.is_finite().then_some(bounds.high);
    json!({"low": bounds.low, "estimate": bounds.estimate, "high": high})
}

fn classes(classes: &Classes) -> Value {
    let counts = |counts: &std::collections::BTreeMap<lapse_measure::answer::Class, u64>| {
        counts.iter().map(|(class, count)| (class.to_string(), json!(count))).collect::<serde_json::Map<_, _>>()
    };
    json!({
        "lane": classes.lane.to_string(),
        "recorded": counts(&classes.recorded),
        "played": counts(&classes.played),
        "agreement": classes.agreement.name(),
    })
}
