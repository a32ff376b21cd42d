//! The versions that answers named: a table, a strip of shares over time, and what happened.

use super::look::Glyphs;
use super::page::Page;
use super::picture::Grid;
use crate::words::phrase::some;
use crate::words::version;
use lapse_measure::version::Versions;
use lapse_record::record::Record;

/// Versions that have a strip; the rest are in the table.
const MAX_STRIPS: usize = 8;

/// The section; nothing unless the run tells versions apart.
pub(super) fn write(record: &Record, page: &mut Page) {
    let is_only = record.summary.targets.len() == 1;
    let mut sentences = version::sentences(record);
    if sentences.is_empty() {
        return;
    }
    page.heading(&version::heading(record));
    sentences.drain(..).for_each(|sentence| page.say(2, &sentence));
    for (target, versions) in version::targets(record).filter(|(_, versions)| !versions.all.is_empty()) {
        if !is_only {
            page.say(2, &target.name);
        }
        page.table(2, &version::rows(versions));
        strips(record, versions, page);
    }
}

/// A line for each version: its share of the answers in each column of time.
fn strips(record: &Record, versions: &Versions, page: &mut Page) {
    let look = page.look();
    let names: Vec<_> = versions.all.iter().take(MAX_STRIPS).map(version::name).collect();
    let Some(grid) = Grid::of(record, &names, look) else { return };
    for (nth, name) in names.iter().enumerate() {
        let cell = |column| {
            let (counts, all) = version::counts(versions, grid.span(column));
            level(counts.get(nth).copied().unwrap_or(0), all, look.glyphs)
        };
        let cells: String = (0..grid.columns).map(cell).collect();
        page.draw(&grid.row(name, &cells));
    }
    page.draw(&grid.row("", &grid.scale()));
    let more = versions.all.len().saturating_sub(MAX_STRIPS) as u64;
    if more > 0 {
        page.say(2, &format!("and {} that are not drawn", some(more, "version")));
    }
}

/// The character for a share of the answers; the highest only for all of them.
fn level(count: u64, all: u64, glyphs: Glyphs) -> char {
    let (none, levels): (_, &[char]) = match glyphs {
        Glyphs::Unicode => ('·', &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']),
        Glyphs::Ascii => ('.', &['1', '2', '3', '4', '5', '6', '7', '8', '9', '#']),
    };
    match count {
        _ if all == 0 => ' ',
        0 => none,
        _ => {
            let below = levels.len() as u128 - 1;
            let place = u128::from(count) * below / u128::from(all);
            levels.get(usize::try_from(place).unwrap_or(0)).copied().unwrap_or(none)
        }
    }
}
