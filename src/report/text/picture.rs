//! The run in one line a target: a character for each stretch of time, the worst state in it wins.

use std::time::Duration;

use super::look::{Glyphs, Ink, Page};
use crate::measure::time::{Human, Offset, nanos};
use crate::measure::timeline::{Cell, State};
use crate::run::record::Record;

/// Columns before the picture.
const MARGIN: usize = 2;
/// Columns from one mark of the scale to the next.
const MARKS: usize = 10;

pub(super) fn write(record: &Record, page: &mut Page) {
    let columns = page.look().width.saturating_sub(MARGIN * 2).clamp(10, 160);
    if record.seen.end == Offset::ZERO {
        return;
    }
    let step = step(record.seen.end.since(Offset::ZERO), columns);
    let names = record.about.names();
    for (place, name) in names.iter().enumerate() {
        let lanes = record.case(&names).lanes_of(place);
        let cell = |column: u64| {
            let from = Offset::from_nanos(column * nanos(step));
            Cell::of(lanes.iter().map(|(_, lane)| &lane.timeline), from, (from + step).min(record.seen.end))
        };
        let shown: Vec<State> = (0..length(record, step)).map(|column| cell(column).state()).collect();
        let picture: String = shown.chunk_by(|left, right| left == right).map(|same| stretch(page, same)).collect();
        if names.len() > 1 {
            page.line(&format!("  {name}"));
        }
        page.line(&format!("  {picture}"));
    }
    let (scale, phases) = (page.paint(&scale(record, step), Ink::Faint), phases(record, step));
    page.line(&format!("  {scale}"));
    if !phases.is_empty() {
        page.line(&format!("  {}", page.paint(&phases, Ink::Faint)));
    }
    page.line(&format!("  {}", page.paint(legend(page.look().glyphs), Ink::Faint)));
}

/// A round time for which a column stands, so that all of them fit.
fn step(length: Duration, columns: usize) -> Duration {
    let least = nanos(length).div_ceil(columns as u64).max(1_000_000);
    let tens = 10_u64.pow(least.ilog10());
    let round = [1, 2, 5, 10].into_iter().map(|factor| tens.saturating_mul(factor)).find(|step| *step >= least);
    Duration::from_nanos(round.unwrap_or(least))
}

fn length(record: &Record, step: Duration) -> u64 {
    record.seen.end.as_nanos().div_ceil(nanos(step))
}

fn stretch(page: &Page, same: &[State]) -> String {
    let Some(state) = same.first() else { return String::new() };
    let (block, ascii, ink) = match state {
        State::Up => ('▁', '.', Ink::Good),
        State::Slow => ('▃', 's', Ink::Odd),
        State::Degraded => ('▅', 'x', Ink::Bad),
        State::Down => ('█', 'X', Ink::Bad),
        State::Blind => ('░', '?', Ink::Faint),
        State::Unobserved => (' ', ' ', Ink::Faint),
    };
    let glyph = if page.look().glyphs == Glyphs::Unicode { block } else { ascii };
    page.paint(&glyph.to_string().repeat(same.len()), ink)
}

const fn legend(glyphs: Glyphs) -> &'static str {
    match glyphs {
        Glyphs::Unicode => "▁ up  ▃ slow  ▅ some failed  █ all failed  ░ blind",
        Glyphs::Ascii => ". up  s slow  x some failed  X all failed  ? blind",
    }
}

/// `|0 s       |2 s`.
fn scale(record: &Record, step: Duration) -> String {
    let columns = usize::try_from(length(record, step)).unwrap_or(0);
    let mark = |column: usize| {
        let at = step * u32::try_from(column).unwrap_or(u32::MAX);
        let text = format!("|{}", seconds(at));
        format!("{text:MARKS$}").chars().take(MARKS.max(text.len())).collect::<String>()
    };
    let marks: String = (0..columns).step_by(MARKS).map(mark).collect();
    marks.trim_end().to_owned()
}

fn seconds(at: Duration) -> String {
    let text = format!("{:.3}", at.as_secs_f64());
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if at < Duration::from_secs(1) && !at.is_zero() { Human(at).to_string() } else { format!("{text} s") }
}

/// Where phases and acts begin.
fn phases(record: &Record, step: Duration) -> String {
    let spans: Vec<_> = record.seen.phases.spans(record.seen.end).collect();
    if spans.len() < 2 && record.acts.is_empty() {
        return String::new();
    }
    let named = spans.iter().map(|(phase, span)| (span.from, phase.to_string()));
    let acts = record.acts.iter().map(|act| (act.span.from, act.name.clone()));
    let mut all: Vec<_> = named.filter(|(_, name)| record.acts.is_empty() || name != "event").chain(acts).collect();
    all.sort();
    let mut line = String::new();
    for (at, name) in all {
        let column = usize::try_from(at.as_nanos() / nanos(step)).unwrap_or(0);
        let used = line.chars().count();
        // Two that begin close together stand side by side.
        line.push_str(&" ".repeat(column.saturating_sub(used).max(usize::from(used > 0))));
        line.push('^');
        line.push_str(&name);
    }
    line
}
