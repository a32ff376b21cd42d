//! The history as text, for people: a line a run.

use std::io::{self, Write};

use crate::text::{Look, Page};
use crate::words::history as words;
use lapse_compare::history::History;

/// Columns of a run's line without its name.
const OTHERS: usize = 70;
/// The most columns that a name may have, and the fewest.
const NAME: (usize, usize) = (14, 40);

/// Writes a line for each run, then percentiles, trends and budgets.
pub(super) fn write(history: &History, look: Look, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(look);
    page.heading(&words::heading(history));
    page.table(2, &words::rows(history, look.width.saturating_sub(OTHERS).clamp(NAME.0, NAME.1)));
    for remark in words::remarks(history) {
        page.say(2, &remark);
    }
    for (heading, rows) in
        [("Over all whole runs", words::series(history)), ("Budgets that would have held", words::budgets(history))]
    {
        if !rows.is_empty() {
            page.heading(heading);
            page.table(2, &rows);
        }
    }
    out.write_all(page.into_text().as_bytes())
}
