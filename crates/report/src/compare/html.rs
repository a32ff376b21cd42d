//! The comparison as a page in one file: all runs on one axis, which zooms down to single probes.

use std::io::{self, Write};

use crate::html::comparison_page;
use lapse_compare::Comparison;

/// Writes the page of the comparison.
pub(super) fn write(comparison: &Comparison<'_>, out: &mut impl Write) -> io::Result<()> {
    out.write_all(comparison_page(comparison).as_bytes())
}
