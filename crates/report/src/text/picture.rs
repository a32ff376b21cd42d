//! The timeline in characters: a line for each lane, then the scale, phases, command, acts and pods.

mod ending;

use std::collections::BTreeSet;
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::look::{Glyphs, Look};
use super::page::Page;
use crate::axis::{ColumnState, in_seconds, step};
use crate::words::phrase::{padded, some, tail};
use lapse_measure::observations::LaneObservations;
use lapse_measure::span::Span;
use lapse_measure::time::{Offset, nanos};
use lapse_record::record::Record;

/// Minimum distance between tick marks on the scale, in columns.
const MIN_TICK_DISTANCE: usize = 8;
/// Minimum number of characters of a cut label. If there is room for fewer, only its bar is drawn.
const MIN_LABEL: usize = 3;
/// Lanes drawn; the rest are counted.
const MAX_LANES: usize = 20;

/// The character for a lane's state in a column.
const fn glyph(state: ColumnState, glyphs: Glyphs) -> char {
    match (state, glyphs) {
        (ColumnState::Unobserved, _) => ' ',
        (ColumnState::Up, Glyphs::Unicode) => '·',
        (ColumnState::Up, Glyphs::Ascii) => '.',
        (ColumnState::Slow, _) => '~',
        (ColumnState::Blind, _) => '?',
        (ColumnState::Degraded, Glyphs::Unicode) => '▄',
        (ColumnState::Degraded, Glyphs::Ascii) => 'x',
        (ColumnState::Down, Glyphs::Unicode) => '█',
        (ColumnState::Down, Glyphs::Ascii) => '#',
    }
}

/// Divides the run into columns of equal time.
pub(super) struct Grid {
    /// Duration of the run.
    length: Duration,
    pub(super) columns: usize,
    /// Width of the names on the left, in columns.
    label: usize,
}

impl Grid {
    /// The grid of a picture whose lines have these names; `None` if the run has no length.
    pub(super) fn of(record: &Record, names: &[String], look: Look) -> Option<Self> {
        let length = Some(record.whole().length()).filter(|length| !length.is_zero())?;
        let longest = names.iter().map(|name| name.width()).max().unwrap_or(0);
        let label = longest.clamp("command".len(), look.name());
        Some(Self { length, columns: look.columns() - label - 4, label })
    }

    pub(super) fn span(&self, column: usize) -> Span {
        Span::new(self.edge(column), self.edge(column + 1))
    }

    fn edge(&self, column: usize) -> Offset {
        let at = self.length.as_nanos() * column as u128 / self.columns.max(1) as u128;
        Offset::from_nanos(u64::try_from(at).unwrap_or(u64::MAX))
    }

    fn column(&self, at: Offset) -> usize {
        let place = u128::from(at.as_nanos()) * self.columns as u128 / self.length.as_nanos().max(1);
        usize::try_from(place).unwrap_or(usize::MAX).min(self.columns.saturating_sub(1))
    }

    pub(super) fn row(&self, label: &str, cells: &str) -> String {
        format!("  {}  {cells}", padded(&tail(label, self.label), self.label))
    }

    /// Labels at instants, each after a bar. A label that does not fit before the next bar is cut; at the right edge
    /// the label goes before its bar.
    fn marks(&self, marks: &[(Offset, String)]) -> String {
        let mut cells = vec![' '; self.columns];
        for (nth, (at, word)) in marks.iter().enumerate() {
            let (column, word) = (self.column(*at), word.chars().collect::<Vec<_>>());
            let next = marks.get(nth + 1).map_or(self.columns, |(next, _)| self.column(*next));
            let before = column.saturating_sub(word.len());
            let free = cells[before..column].iter().all(|cell| *cell == ' ');
            let label_first =
                nth + 1 == marks.len() && column + 1 + word.len() > self.columns && free && column > word.len();
            let (start, end) = if label_first { (before, column) } else { (column + 1, next.max(column + 1)) };
            let room = &mut cells[start.min(self.columns)..end.min(self.columns)];
            if room.len() >= MIN_LABEL.min(word.len()) {
                room.iter_mut().zip(word).for_each(|(cell, character)| *cell = character);
            }
            cells[column] = '|';
        }
        cells.into_iter().collect()
    }

    pub(super) fn scale(&self) -> String {
        let step = step(self.length, self.columns / MIN_TICK_DISTANCE);
        let mut marks = Vec::new();
        let mut at = Duration::ZERO;
        while at < self.length {
            let (offset, number) = (Offset::from_nanos(nanos(at)), in_seconds(at));
            // A cut number would read as a different number.
            if self.column(offset) + 1 + number.len() <= self.columns {
                marks.push((offset, number));
            }
            at += step;
        }
        self.marks(&marks)
    }
}

/// Whether the picture would be a row of dots a lane, which the first lines of the report say already.
fn is_uneventful(record: &Record) -> bool {
    let is_up = |lane: &LaneObservations| {
        let counts = lane.counts;
        counts.failed == 0 && counts.not_sent == 0 && counts.resolved == counts.sent && lane.slow.is_empty()
    };
    let summary = &record.summary;
    let has_pods = summary.pods.iter().any(|pod| pod.deleting.is_some());
    record.seen.lanes.iter().all(is_up) && summary.acts.is_empty() && !has_pods
}

pub(super) fn write(record: &Record, page: &mut Page) {
    if record.seen.lanes.is_empty() || is_uneventful(record) {
        return;
    }
    let (look, drawn) = (page.look(), record.seen.lanes.len().min(MAX_LANES));
    let names: Vec<_> = record.summary.lanes.iter().take(drawn).map(|lane| lane.name.clone()).collect();
    let Some(grid) = Grid::of(record, &names, look) else { return };
    page.heading("The run");
    let mut states = BTreeSet::new();
    for lane in record.seen.lanes.iter().take(drawn) {
        let cells: Vec<_> =
            (0..grid.columns).map(|column| ColumnState::of(&lane.timeline, grid.span(column))).collect();
        states.extend(&cells);
        let cells: String = cells.into_iter().map(|cell| glyph(cell, look.glyphs)).collect();
        page.draw(&grid.row(&record.summary.lane(lane.id).name, &cells));
    }
    page.draw(&grid.row("", &grid.scale()));
    for (label, marks) in context(record).into_iter().filter(|(_, marks)| !marks.is_empty()) {
        page.draw(&grid.row(label, &grid.marks(&marks)));
    }
    let (pods, meaning) = ending::rows(record, &grid, look);
    for (nth, cells) in pods.iter().enumerate() {
        page.draw(&grid.row(if nth == 0 { "pods" } else { "" }, cells));
    }
    let legend = states.iter().filter(|state: &&ColumnState| **state != ColumnState::Unobserved);
    let legend = legend.map(|state| format!("{} {}", glyph(*state, look.glyphs), state.meaning()));
    page.say(2, &legend.chain(meaning).collect::<Vec<_>>().join(", "));
    if let Some(more) = record.seen.lanes.len().checked_sub(MAX_LANES).filter(|more| *more > 0) {
        page.say(2, &format!("and {} that are not drawn", some(more as u64, "lane")));
    }
}

/// The label rows below the scale: phases, start and exit of the command, acts.
fn context(record: &Record) -> [(&'static str, Vec<(Offset, String)>); 3] {
    let phases = record.seen.phases.spans(record.seen.end).map(|(phase, span)| (span.from, phase.to_string()));
    let started = record.command.iter().filter_map(|command| Some((command.started?, "started".to_owned())));
    let exits = record.command.iter().filter_map(|command| {
        let exit = command.exit.as_ref()?;
        Some((exit.at, exit.code.map_or_else(|| "ended".to_owned(), |code| format!("exit {code}"))))
    });
    let acts = record.summary.acts.iter().map(|act| (act.span.from, act.name.clone()));
    [("phase", phases.collect()), ("command", started.chain(exits).collect()), ("act", acts.collect())]
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid { length: Duration::from_secs(10), columns: 40, label: 0 };

    #[test]
    fn the_scale_has_round_numbers_at_a_minimum_distance() {
        assert_eq!(GRID.scale(), "|0 s    |2 s    |4 s    |6 s    |8 s    ");
        let short = Grid { length: Duration::from_millis(3), ..GRID };
        assert_eq!(short.scale().trim_end(), "|0 s         |0.001 s     |0.002 s");
    }

    #[test]
    fn a_label_at_the_right_edge_goes_before_its_bar() {
        let marks = |all: &[(u64, &str)]| {
            let all: Vec<_> = all.iter().map(|(ms, word)| (Offset::from_millis(*ms), (*word).to_owned())).collect();
            GRID.marks(&all)
        };
        assert_eq!(marks(&[(0, "started"), (9_900, "exit 0")]), "|started                         exit 0|");
        assert_eq!(marks(&[(0, "baseline"), (1_000, "event")]).trim_end(), "|bas|event");
    }

    #[test]
    fn columns_cover_the_run_without_gaps() {
        let grid = Grid { length: Duration::from_nanos(1_000_000_007), columns: 76, label: 0 };
        assert!((1..76).all(|column| grid.span(column - 1).to == grid.span(column).from));
        assert_eq!(grid.span(75).to, Offset::from_nanos(1_000_000_007));
    }
}
