//! Annotations for GitHub Actions: one for what all trials come to, and one for each budget that a trial exceeded.

use std::io::{self, Write};

use crate::github::{annotate, level};
use crate::words::trials as words;
use lapse_compare::trials::Trials;

/// Reasons of one kind with an annotation: GitHub shows ten of a step.
const MOST: usize = 4;

/// Writes a line for each thing that a reviewer should see.
pub(super) fn write(trials: &Trials, out: &mut impl Write) -> io::Result<()> {
    let name = trials.trials.first().map(|trial| trial.line.release.as_str()).unwrap_or_default();
    let title = format!("lapse {name}: {}", trials.conclusion);
    let without_loss = words::without_loss(trials).map(|said| format!("without loss: {said}"));
    let said: Vec<_> = [words::why(trials)].into_iter().chain(without_loss).collect();
    annotate(level(trials.conclusion), &title, &said.join("; "), out)?;
    for (what, reasons) in words::reasons(trials) {
        let level = if what == "in doubt" { "warning" } else { "error" };
        reasons.iter().take(MOST).try_for_each(|one| annotate(level, &title, one, out))?;
    }
    Ok(())
}
