//! The pod rows below the timeline: a bar for each terminating pod, from its deletion to the exit of its container.

use super::super::look::{Glyphs, Look};
use super::Grid;
use crate::words::phrase::{ending, some};
use lapse_measure::time::Offset;
use lapse_record::record::Record;

/// Columns of a pod's label: the last characters of its name, which is the suffix of its own.
const LABEL_WIDTH: usize = 5;
/// Rows drawn; bars that fit none of them are counted.
const MAX_ROWS: usize = 6;

/// The termination of a pod, in columns of the grid.
struct Bar {
    /// Column of the deletion.
    from: usize,
    /// Column of the container's exit; `None` if the exit was not seen.
    to: Option<usize>,
    name: String,
}

/// The glyphs of a bar: deletion, line, exit.
const fn glyphs(glyphs: Glyphs) -> [char; 3] {
    match glyphs {
        Glyphs::Unicode => ['○', '─', '●'],
        Glyphs::Ascii => ['o', '-', '@'],
    }
}

/// The rows, and the legend entries for their glyphs; both empty if no pod was deleted.
pub(super) fn rows(record: &Record, grid: &Grid, look: Look) -> (Vec<String>, Vec<String>) {
    let bar = |(from, to, name): (Offset, Option<Offset>, &str)| Bar {
        from: grid.column(from),
        to: to.map(|to| grid.column(to.max(from))),
        name: ending(name, LABEL_WIDTH).to_owned(),
    };
    let pods = record.summary.pods.iter();
    let bars: Vec<_> = pods.filter_map(|pod| Some(bar((pod.deleting?, pod.exited, pod.name.as_str())))).collect();
    if bars.is_empty() {
        return Default::default();
    }
    let (mut rows, mut left_out) = (Vec::<String>::new(), 0);
    for bar in bars {
        left_out += u64::from(!place(&mut rows, &bar, grid.columns, glyphs(look.glyphs)));
    }
    let [deleted, _, ended] = glyphs(look.glyphs);
    let mut meaning = vec![format!("{deleted} pod deleted"), format!("{ended} exited")];
    if left_out > 0 {
        meaning.push(format!("{} had no room", some(left_out, "more pod")));
    }
    (rows, meaning)
}

/// Draws a bar into the first row with room for it, adding a row if needed; `false` if [`MAX_ROWS`] are full. The name
/// follows the bar, or precedes it at the right edge.
fn place(rows: &mut Vec<String>, bar: &Bar, columns: usize, [deleted, line, ended]: [char; 3]) -> bool {
    let end = bar.to.unwrap_or(columns - 1);
    let name: Vec<_> = bar.name.chars().collect();
    let name_last = end + 2 + name.len() <= columns;
    let (first, start) = if name_last {
        (bar.from, end + 2)
    } else {
        let start = bar.from.saturating_sub(name.len() + 1);
        (start, start)
    };
    let last = if name_last { start + name.len() } else { end + 1 };
    let free = |row: &String| {
        row.chars().skip(first.saturating_sub(1)).take(last + 1 - first.saturating_sub(1)).all(|cell| cell == ' ')
    };
    let found = rows.iter().position(free);
    if found.is_none() && rows.len() == MAX_ROWS {
        return false;
    }
    let row = found.unwrap_or_else(|| {
        rows.push(" ".repeat(columns));
        rows.len() - 1
    });
    let mut cells: Vec<_> = rows[row].chars().collect();
    cells[bar.from..=end].fill(line);
    cells[bar.from] = deleted;
    if let Some(to) = bar.to {
        cells[to] = ended;
    }
    if name_last || start + name.len() < bar.from {
        cells[start..start + name.len()].copy_from_slice(&name);
    }
    rows[row] = cells.into_iter().collect();
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws the bars in twenty columns, and trims the rows.
    fn drawn(bars: &[(usize, Option<usize>, &str)]) -> Vec<String> {
        let mut rows = Vec::new();
        for (from, to, name) in bars {
            place(&mut rows, &Bar { from: *from, to: *to, name: (*name).to_owned() }, 20, glyphs(Glyphs::Ascii));
        }
        rows.iter().map(|row| row.trim_end().to_owned()).collect()
    }

    #[test]
    fn bars_share_a_row_if_their_names_fit() {
        assert_eq!(drawn(&[(2, Some(4), "abc"), (11, Some(12), "def")]), ["  o-@ abc  o@ def"]);
        assert_eq!(drawn(&[(2, Some(4), "abc"), (7, Some(9), "def")]), ["  o-@ abc", "       o-@ def"]);
        assert_eq!(drawn(&[(2, Some(2), "abc")]), ["  @ abc"]);
    }

    #[test]
    fn a_name_at_the_right_edge_goes_before_its_bar_or_is_left_out() {
        assert_eq!(drawn(&[(15, Some(18), "abc")]), ["           abc o--@"]);
        assert_eq!(drawn(&[(8, None, "abc")]), ["    abc o-----------"]);
        assert_eq!(drawn(&[(2, None, "abc")]), ["  o-----------------"]);
    }

    #[test]
    fn the_number_of_rows_is_limited() {
        let many = [(3, Some(9), "abc"); 9];
        assert_eq!(drawn(&many).len(), MAX_ROWS);
    }
}
