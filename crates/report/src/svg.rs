//! The SVG report, a still picture for chat and slides: verdict, figures, timeline and longest disruptions.
//!
//! The picture is readable without colour: failures are drawn at full height, slow and blind spans at half, and blind
//! ones hatched.

mod plot;
mod scene;

use std::io::{self, Write};

use maud::{Markup, PreEscaped, html};

use self::plot::Plot;
use self::scene::{BODY, FIGURE, LABEL, LEAD, Scene, TITLE, TextStyle, WIDTH};
use super::date;
use super::longest::Longest;
use super::sanitize::sanitize;
use super::words::episode::{HEADING, brief, origin};
use super::words::phrase::{apart, classes, share, some};
use super::words::pod;
use super::words::verdict::why;
use super::words::why::{cause, heading};
use lapse_explain::explanation::Explanation;
use lapse_measure::time::{Human, Offset};
use lapse_measure::verdict::Conclusion;
use lapse_record::record::Record;

/// Episodes listed one by one, the longest ones.
const MAX_EPISODES: usize = 4;
/// Stretches whose cause is named.
const MAX_CAUSES: usize = 4;
/// Disruptions listed one by one, the longest ones.
const MAX_DISRUPTIONS: usize = 6;
/// Characters that fit the column with a disruption's classes.
const CLASSES_WIDTH: usize = 52;
/// Characters that fit a line of small print.
const LINE_WIDTH: usize = 150;

/// Writes the picture of `record`.
pub fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    out.write_all(draw(record).0.as_bytes())
}

fn draw(record: &Record) -> Markup {
    let mut scene = Scene::default();
    head(record, &mut scene);
    figures(record, &mut scene);
    Plot::of(record).draw(&mut scene);
    episodes(record, &mut scene);
    causes(record, &mut scene);
    if let Some(remark) = pod::remark(record) {
        scene.down(34);
        scene.say(0, BODY, &line(&format!("Pods that ended: {remark}")));
    }
    disruptions(record, &mut scene);
    let height = scene.height();
    html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
        svg xmlns="http://www.w3.org/2000/svg" width=(WIDTH) height=(height) viewBox=(format!("0 0 {WIDTH} {height}"))
            role="img" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif" font-size="14" {
            title { (line(&format!("{}: {}", word(record.summary.verdict.conclusion), why(record)))) }
            (plot::patterns())
            rect width=(WIDTH) height=(height) rx="10" fill="#ffffff" {}
            (scene.markup())
        }
        (PreEscaped("\n"))
    }
}

fn word(conclusion: Conclusion) -> String {
    conclusion.to_string().to_uppercase()
}

/// Untrusted `text`, sanitised and cut to [`LINE_WIDTH`] characters.
fn line(text: &str) -> String {
    cut(text, LINE_WIDTH)
}

/// Untrusted `text`, sanitised and cut to `width` characters; a cut one ends in an ellipsis.
fn cut(text: &str, width: usize) -> String {
    let text = sanitize(text);
    if text.chars().count() <= width {
        text.into_owned()
    } else {
        text.chars().take(width - 1).chain(['…']).collect()
    }
}

fn head(record: &Record, scene: &mut Scene) {
    let colour = match record.summary.verdict.conclusion {
        Conclusion::Pass => "#1a7f4b",
        Conclusion::Fail | Conclusion::CommandFailed => "#c01f2e",
        Conclusion::Inconclusive | Conclusion::Interrupted => "#8a5a00",
    };
    let (length, rate) = (Human(record.whole().length()), record.about.rate.get());
    let began = date::rfc3339(record.about.anchor, Offset::ZERO);
    scene.down(34);
    scene.say(0, TextStyle { size: 26, colour, bold: true }, &word(record.summary.verdict.conclusion));
    scene.down(24);
    scene.say(0, LEAD, &line(&why(record)));
    scene.down(20);
    let about = format!("{}: {length} from {began}, {rate} probes a second", record.about.name);
    scene.say(0, LABEL, &line(&about));
}

/// Draws the figures of each target with their bounds.
fn figures(record: &Record, scene: &mut Scene) {
    for target in record.summary.targets.iter().take(plot::MAX_TARGETS) {
        let totals = &target.totals;
        let (failed, resolved) = (totals.failed, totals.resolved);
        let figures = if failed == 0 {
            let unseen = Human(totals.unseen.length);
            vec![
                ("downtime seen".to_owned(), "none".to_owned()),
                ("longest unseen outage".to_owned(), unseen.to_string()),
            ]
        } else {
            vec![
                ("downtime".to_owned(), totals.loss_derived.to_string()),
                ("longest disruption".to_owned(), totals.disruptions.longest_length.to_string()),
                ("every lane down".to_owned(), totals.down.to_string()),
                (format!("lost of {resolved} probes"), failed.to_string()),
            ]
        };
        scene.down(34);
        if record.summary.targets.len() > 1 {
            scene.say(0, TITLE, &line(&target.name));
            scene.down(22);
        }
        for (nth, (what, figure)) in figures.iter().enumerate() {
            scene.say(nth * 280, LABEL, what);
            scene.say_below(nth * 280, FIGURE, figure);
        }
        scene.down(24);
    }
}

/// Lists the longest episodes, ordered by time.
fn episodes(record: &Record, scene: &mut Scene) {
    let lines = brief(record, MAX_EPISODES);
    if lines.is_empty() {
        return;
    }
    scene.down(34);
    scene.say(0, TITLE, HEADING);
    for text in &lines {
        scene.down(22);
        scene.say(0, BODY, &line(text));
    }
}

/// The first cause of each stretch that is explained.
fn causes(record: &Record, scene: &mut Scene) {
    let explanation = Explanation::of(record);
    for group in explanation.groups().iter().take(MAX_CAUSES) {
        if let Some(first) = group.first().and_then(|case| case.findings.first()) {
            scene.down(34);
            scene.say(0, BODY, &line(&format!("Why: {}: {}", heading(record, group), cause(first))));
        }
    }
}

/// Lists the longest disruptions, ordered by time.
fn disruptions(record: &Record, scene: &mut Scene) {
    let Longest { shown, more } = Longest::disruptions(record, MAX_DISRUPTIONS);
    if shown.is_empty() {
        return;
    }
    scene.down(34);
    scene.say(0, TITLE, if more.is_empty() { "Disruptions" } else { "The longest disruptions" });
    for (lane, one) in shown {
        scene.down(22);
        let (from, what) = origin(record, one.from);
        let share =
            if one.failed == one.resolved { String::new() } else { format!("{}: ", share(one.failed, one.resolved)) };
        let how = format!("{share}{}", classes(&one.classes_of(&lane.timeline)));
        let cells = [
            (0, plot::short(&record.summary.lane(lane.id).name)),
            (170, format!("{} {what}", apart(one.from, from))),
            (560, one.length().to_string()),
            (800, how.chars().take(CLASSES_WIDTH).collect()),
        ];
        for (x, text) in cells {
            scene.say(x, BODY, &line(&text));
        }
    }
    if !more.is_empty() {
        scene.down(22);
        scene.say(0, LABEL, &format!("and {}", some(more.len() as u64, "shorter disruption")));
    }
}
