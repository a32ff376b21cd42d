//! The history as a page in one file. Its links lead to the pages of the runs if it lies in the folder of all runs.

use std::io::{self, Write};

use crate::html::history_page;
use lapse_compare::history::History;

/// Writes the page of the history.
pub(super) fn write(history: &History, out: &mut impl Write) -> io::Result<()> {
    out.write_all(history_page(history).as_bytes())
}
