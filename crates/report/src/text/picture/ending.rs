//! The pods' ends below the picture: for each pod a bar, from when it was told to end until its process had.

use super::super::look::{Glyphs, Look};
use super::Grid;
use crate::words::phrase::{ending, some};
use lapse_measure::time::Offset;
use lapse_record::record::Record;

/// What a pod is called: the end of its name.
const CALLED: usize = 5;
/// Rows at the most.
const ROWS: usize = 6;

/// A pod's end on the grid's columns.
struct Bar {
    from: usize,
    /// Where its process had ended; `None` if that was not seen.
    to: Option<usize>,
    name: String,
}

/// What bars are drawn with: told to end, going on, ended.
const fn glyphs(glyphs: Glyphs) -> [char; 3] {
    match glyphs {
        Glyphs::Unicode => ['○', '─', '●'],
        Glyphs::Ascii => ['o', '-', '@'],
    }
}

/// The rows, and what their glyphs mean; nothing if no pod was told to end.
pub(super) fn rows(record: &Record, grid: &Grid, look: Look) -> (Vec<String>, Vec<String>) {
    let bar = |(from, to, name): (Offset, Option<Offset>, &str)| Bar {
        from: grid.column(from),
        to: to.map(|to| grid.column(to.max(from))),
        name: ending(name, CALLED).to_owned(),
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
    let [told, _, ended] = glyphs(look.glyphs);
    let mut meaning = vec![format!("{told} pod told to end"), format!("{ended} ended")];
    if left_out > 0 {
        meaning.push(format!("{} had no room", some(left_out, "more pod")));
    }
    (rows, meaning)
}

/// Draws a bar into the first row that has room for it; `false` if none has. Its name stands behind it, or before it at the
/// right edge.
fn place(rows: &mut Vec<String>, bar: &Bar, columns: usize, [told, goes_on, ended]: [char; 3]) -> bool {
    let end = bar.to.unwrap_or(columns - 1);
    let name: Vec<_> = bar.name.chars().collect();
    let behind = end + 2 + name.len() <= columns;
    let (first, start) = if behind {
        (bar.from, end + 2)
    } else {
        let start = bar.from.saturating_sub(name.len() + 1);
        (start, start)
    };
    let last = if behind { start + name.len() } else { end + 1 };
    let free = |row: &String| {
        row.chars().skip(first.saturating_sub(1)).take(last + 1 - first.saturating_sub(1)).all(|cell| cell == ' ')
    };
    let found = rows.iter().position(free);
    if found.is_none() && rows.len() == ROWS {
        return false;
    }
    let row = found.unwrap_or_else(|| {
        rows.push(" ".repeat(columns));
        rows.len() - 1
    });
    let mut cells: Vec<_> = rows[row].chars().collect();
    cells[bar.from..=end].fill(goes_on);
    cells[bar.from] = told;
    if let Some(to) = bar.to {
        cells[to] = ended;
    }
    if behind || start + name.len() < bar.from {
        cells[start..start + name.len()].copy_from_slice(&name);
    }
    rows[row] = cells.into_iter().collect();
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of these bars on twenty columns.
    fn drawn(bars: &[(usize, Option<usize>, &str)]) -> Vec<String> {
        let mut rows = Vec::new();
        for (from, to, name) in bars {
            place(&mut rows, &Bar { from: *from, to: *to, name: (*name).to_owned() }, 20, glyphs(Glyphs::Ascii));
        }
        rows.iter().map(|row| row.trim_end().to_owned()).collect()
    }

    #[test]
    fn bars_share_a_row_where_there_is_room_and_no_name_is_cut() {
        assert_eq!(drawn(&[(2, Some(4), "abc"), (11, Some(12), "def")]), ["  o-@ abc  o@ def"]);
        assert_eq!(drawn(&[(2, Some(4), "abc"), (7, Some(9), "def")]), ["  o-@ abc", "       o-@ def"]);
        assert_eq!(drawn(&[(2, Some(2), "abc")]), ["  @ abc"]);
    }

    #[test]
    fn at_the_right_edge_a_name_stands_before_its_bar_or_nowhere() {
        assert_eq!(drawn(&[(15, Some(18), "abc")]), ["           abc o--@"]);
        assert_eq!(drawn(&[(8, None, "abc")]), ["    abc o-----------"]);
        assert_eq!(drawn(&[(2, None, "abc")]), ["  o-----------------"]);
    }

    #[test]
    fn there_are_only_so_many_rows() {
        let many = [(3, Some(9), "abc"); 9];
        assert_eq!(drawn(&many).len(), ROWS);
    }
}
