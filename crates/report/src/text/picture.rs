//! The run as a picture: a line for each lane, a character for each stretch, and what was going on.

mod ending;

use std::collections::BTreeSet;
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::look::Glyphs;
use super::page::Page;
use super::phrase::{padded, some, tail};
use lapse_measure::answer::Health;
use lapse_measure::span::Span;
use lapse_measure::time::{Offset, nanos};
use lapse_measure::timeline::{Cell, Timeline};
use lapse_measure::verdict::Case;
use lapse_record::record::Record;

/// Numbers on the scale are at least this far apart.
const APART: usize = 8;
/// A word that has room for fewer letters than this is left out: its bar says as much.
const CUT: usize = 3;
/// Lanes that are drawn.
const LANES: usize = 20;

/// What a stretch of a lane looked like, from good to bad: the worst of it wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stretch {
    Unobserved,
    Up,
    Slow,
    Blind,
    Degraded,
    Down,
}

impl Stretch {
    /// What `span` of a lane looked like. Where no slot was due in it, it looked as the slot before left it.
    pub(crate) fn of(timeline: &Timeline, span: Span) -> Self {
        let cell = Cell::of([timeline], span.from, span.to);
        let period = timeline.schedule().period() + Duration::from_nanos(1);
        let cell = if cell.due() > 0 { cell } else { Cell::of([timeline], span.to.back(period), span.to) };
        let [up, slow, failed, blind] =
            [Health::Up, Health::Slow, Health::Failed, Health::Blind].map(|health| cell.count(health) > 0);
        match (failed, up || slow) {
            (true, true) => Self::Degraded,
            (true, false) => Self::Down,
            _ if blind => Self::Blind,
            _ if slow => Self::Slow,
            _ if up => Self::Up,
            _ => Self::Unobserved,
        }
    }

    const fn glyph(self, glyphs: Glyphs) -> char {
        match (self, glyphs) {
            (Self::Unobserved, _) => ' ',
            (Self::Up, Glyphs::Unicode) => '·',
            (Self::Up, Glyphs::Ascii) => '.',
            (Self::Slow, _) => '~',
            (Self::Blind, _) => '?',
            (Self::Degraded, Glyphs::Unicode) => '▄',
            (Self::Degraded, Glyphs::Ascii) => 'x',
            (Self::Down, Glyphs::Unicode) => '█',
            (Self::Down, Glyphs::Ascii) => '#',
        }
    }

    /// What it means, for people.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Unobserved => "nothing known",
            Self::Up => "up",
            Self::Slow => "some slow",
            Self::Blind => "some not sent",
            Self::Degraded => "some failed",
            Self::Down => "all failed",
        }
    }
}

/// The stretches of the run, one a column.
struct Grid {
    length: Duration,
    columns: usize,
    label: usize,
}

impl Grid {
    fn span(&self, column: usize) -> Span {
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

    fn row(&self, label: &str, cells: &str) -> String {
        format!("  {}  {cells}", padded(&tail(label, self.label), self.label))
    }

    /// Words at instants, each behind a bar; a word that finds no room before the next bar is cut, one
    /// at the right edge stands before its bar.
    fn marks(&self, marks: &[(Offset, String)]) -> String {
        let mut cells = vec![' '; self.columns];
        for (nth, (at, word)) in marks.iter().enumerate() {
            let (column, word) = (self.column(*at), word.chars().collect::<Vec<_>>());
            let next = marks.get(nth + 1).map_or(self.columns, |(next, _)| self.column(*next));
            let before = column.saturating_sub(word.len());
            let free = cells[before..column].iter().all(|cell| *cell == ' ');
            let turned =
                nth + 1 == marks.len() && column + 1 + word.len() > self.columns && free && column > word.len();
            let (start, end) = if turned { (before, column) } else { (column + 1, next.max(column + 1)) };
            let room = &mut cells[start.min(self.columns)..end.min(self.columns)];
            if room.len() >= CUT.min(word.len()) {
                room.iter_mut().zip(word).for_each(|(cell, letter)| *cell = letter);
            }
            cells[column] = '|';
        }
        cells.into_iter().collect()
    }

    fn scale(&self) -> String {
        let step = step(self.length, self.columns / APART);
        let mut marks = Vec::new();
        let mut at = Duration::ZERO;
        while at < self.length {
            let (offset, number) = (Offset::from_nanos(nanos(at)), in_seconds(at));
            // A number that was cut would be another number.
            if self.column(offset) + 1 + number.len() <= self.columns {
                marks.push((offset, number));
            }
            at += step;
        }
        self.marks(&marks)
    }
}

/// How far apart the marks on a scale are, of which there is room for so many: 1, 2 or 5 times a power of ten, at least a
/// millisecond.
pub(crate) fn step(length: Duration, room: usize) -> Duration {
    let room = u128::from(u64::try_from(room.max(1)).unwrap_or(1));
    let least = length.as_millis().div_ceil(room).max(1);
    let steps = (0..18).flat_map(|power| [1, 2, 5].map(|digit: u128| digit * 10_u128.pow(power)));
    let step = steps.into_iter().find(|step| *step >= least).unwrap_or(least);
    Duration::from_millis(u64::try_from(step).unwrap_or(u64::MAX))
}

/// `5 s`, `0.25 s`.
pub(crate) fn in_seconds(time: Duration) -> String {
    let exact = format!("{}.{:03}", time.as_secs(), time.subsec_millis());
    format!("{} s", exact.trim_end_matches('0').trim_end_matches('.'))
}

pub(super) fn write(record: &Record, case: Case<'_>, page: &mut Page) {
    let length = record.whole().length();
    if length.is_zero() || record.lanes.is_empty() {
        return;
    }
    let (look, drawn) = (page.look(), record.lanes.len().min(LANES));
    let longest = (0..drawn).map(|place| case.lane_name(place).width()).max().unwrap_or(0);
    let label = longest.clamp("command".len(), look.name());
    let grid = Grid { length, columns: look.columns() - label - 4, label };
    page.heading("The run");
    let mut met = BTreeSet::new();
    for (place, lane) in record.seen.lanes.iter().enumerate().take(drawn) {
        let cells: Vec<_> = (0..grid.columns).map(|column| Stretch::of(&lane.timeline, grid.span(column))).collect();
        met.extend(&cells);
        let cells: String = cells.into_iter().map(|cell| cell.glyph(look.glyphs)).collect();
        page.draw(&grid.row(&case.lane_name(place), &cells));
    }
    page.draw(&grid.row("", &grid.scale()));
    for (label, marks) in going_on(record).into_iter().filter(|(_, marks)| !marks.is_empty()) {
        page.draw(&grid.row(label, &grid.marks(&marks)));
    }
    let (pods, meaning) = ending::rows(record, &grid, look);
    for (nth, cells) in pods.iter().enumerate() {
        page.draw(&grid.row(if nth == 0 { "pods" } else { "" }, cells));
    }
    let legend = met.iter().filter(|one: &&Stretch| **one != Stretch::Unobserved);
    let legend = legend.map(|one| format!("{} {}", one.glyph(look.glyphs), one.meaning()));
    page.say(2, &legend.chain(meaning).collect::<Vec<_>>().join(", "));
    if let Some(more) = record.lanes.len().checked_sub(LANES).filter(|more| *more > 0) {
        page.say(2, &format!("and {} that are not drawn", some(more as u64, "lane")));
    }
}

/// What was going on: phases, the command, acts.
fn going_on(record: &Record) -> [(&'static str, Vec<(Offset, String)>); 3] {
    let phases = record.seen.phases.spans(record.seen.end).map(|(phase, span)| (span.from, phase.to_string()));
    let started = record.command.iter().filter_map(|command| Some((command.started?, "started".to_owned())));
    let exits = record.command.iter().filter_map(|command| {
        let exit = command.exit.as_ref()?;
        Some((exit.at, exit.code.map_or_else(|| "ended".to_owned(), |code| format!("exit {code}"))))
    });
    let acts = record.acts.iter().map(|act| (act.span.from, act.name.clone()));
    [("phase", phases.collect()), ("command", started.chain(exits).collect()), ("act", acts.collect())]
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid { length: Duration::from_secs(10), columns: 40, label: 0 };

    #[test]
    fn the_scale_has_round_numbers_with_room_between_them() {
        assert_eq!(GRID.scale(), "|0 s    |2 s    |4 s    |6 s    |8 s    ");
        let short = Grid { length: Duration::from_millis(3), ..GRID };
        assert_eq!(short.scale().trim_end(), "|0 s         |0.001 s     |0.002 s");
    }

    #[test]
    fn a_word_at_the_right_edge_stands_before_its_bar() {
        let marks = |all: &[(u64, &str)]| {
            let all: Vec<_> = all.iter().map(|(ms, word)| (Offset::from_millis(*ms), (*word).to_owned())).collect();
            GRID.marks(&all)
        };
        assert_eq!(marks(&[(0, "started"), (9_900, "exit 0")]), "|started                         exit 0|");
        assert_eq!(marks(&[(0, "baseline"), (1_000, "event")]).trim_end(), "|bas|event");
    }

    #[test]
    fn columns_tile_the_run() {
        let grid = Grid { length: Duration::from_nanos(1_000_000_007), columns: 76, label: 0 };
        assert!((1..76).all(|column| grid.span(column - 1).to == grid.span(column).from));
        assert_eq!(grid.span(75).to, Offset::from_nanos(1_000_000_007));
    }
}
