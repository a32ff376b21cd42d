//! The trials as GitHub Flavored Markdown, for the summary of a job or a comment on a pull request.

use std::cmp::Reverse;
use std::io::{self, Write};

use crate::markdown::{MAX_ROWS, safe, sign, table};
use crate::words::phrase::some;
use crate::words::trials as words;
use lapse_compare::trials::Trials;

/// Writes what the trials come to and each figure over all of them, then a row for each; where there are many, for those
/// with the most downtime.
pub(super) fn write(trials: &Trials, out: &mut impl Write) -> io::Result<()> {
    let word = trials.conclusion.to_string().to_uppercase();
    writeln!(out, "## {} lapse: {word}: {}\n", sign(trials.conclusion), safe(&words::why(trials)))?;
    let reasons = words::reasons(trials);
    let reasons: Vec<_> = reasons.iter().flat_map(|(what, all)| all.iter().map(move |one| (what, one))).collect();
    for (what, one) in reasons.iter().take(MAX_ROWS) {
        writeln!(out, "- {what}: {}", safe(one))?;
    }
    if let Some(more) = reasons.len().checked_sub(MAX_ROWS).filter(|more| *more > 0) {
        writeln!(out, "- and {}", some(more as u64, "further reason"))?;
    }
    writeln!(out, "\n{}:\n", safe(&words::heading(trials)))?;
    rows(trials, out)?;
    table(&words::spreads(trials), out)?;
    if let Some(without_loss) = words::without_loss(trials) {
        writeln!(out, "Without loss: {without_loss}\n")?;
    }
    for remark in words::remarks(trials).iter().take(MAX_ROWS) {
        writeln!(out, "- {}", safe(remark))?;
    }
    let methods: Vec<_> = words::methods(trials).iter().map(|row| row.join(": ")).collect();
    if methods.is_empty() { Ok(()) } else { writeln!(out, "\n<sub>{}</sub>", safe(&methods.join("; "))) }
}

/// The rows of the trials, in their order.
fn rows(trials: &Trials, out: &mut impl Write) -> io::Result<()> {
    let mut rows: Vec<_> = words::rows(trials).into_iter().enumerate().collect();
    let downtime =
        |nth: usize| nth.checked_sub(1).and_then(|nth| trials.trials.get(nth)).map(|one| one.line.downtime.estimate);
    // The header comes first, whatever the trials lost.
    rows.sort_by_key(|(nth, _)| (*nth > 0, Reverse(downtime(*nth)), *nth));
    let more = rows.len().saturating_sub(MAX_ROWS + 1);
    rows.truncate(MAX_ROWS + 1);
    rows.sort_by_key(|(nth, _)| *nth);
    table(&rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>(), out)?;
    if more > 0 {
        writeln!(out, "and {} with less downtime\n", some(more as u64, "trial"))?;
    }
    Ok(())
}
