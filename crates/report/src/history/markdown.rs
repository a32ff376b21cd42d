//! The history as GitHub Flavored Markdown, for the summary of a job or a comment on a pull request.

use std::io::{self, Write};

use crate::markdown::{MAX_ROWS, safe, table};
use crate::words::history as words;
use crate::words::phrase::some;
use lapse_compare::history::History;

/// Columns that a run's name may have.
const NAME: usize = 80;

/// Writes the newest runs in a table, then percentiles, trends and budgets over all runs.
pub(super) fn write(history: &History, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "## lapse: {}\n", safe(&words::heading(history)))?;
    let mut rows = words::rows(history, NAME);
    let earlier = history.lines.len().saturating_sub(MAX_ROWS);
    rows.drain(1..=earlier);
    table(&rows, out)?;
    if earlier > 0 {
        writeln!(out, "and {}\n", some(earlier as u64, "earlier run"))?;
    }
    for (heading, rows) in
        [("Over all whole runs", words::series(history)), ("Budgets that would have held", words::budgets(history))]
    {
        if !rows.is_empty() {
            writeln!(out, "{heading}:\n")?;
            table(&rows, out)?;
        }
    }
    let remarks = words::remarks(history);
    for remark in remarks.iter().take(MAX_ROWS) {
        writeln!(out, "- {}", safe(remark))?;
    }
    if let Some(more) = remarks.len().checked_sub(MAX_ROWS).filter(|more| *more > 0) {
        writeln!(out, "- and {}", some(more as u64, "further remark"))?;
    }
    Ok(())
}
