//! Annotations for GitHub Actions: one for what all trials come to, and one for each budget that a trial exceeded.

use std::io::{self, Write};

use crate::github::{annotate, level};
use crate::words::trials as words;
use lapse_compare::trials::Trials;

/// Breaches and doubts with an annotation: GitHub shows ten of a step.
const MOST: usize = 4;

/// Writes a line for each thing that a reviewer should see.
pub(super) fn write(trials: &Trials, out: &mut impl Write) -> io::Result<()> {
    let name = trials.trials.first().map(|trial| trial.line.release.as_str()).unwrap_or_default();
    let title = format!("lapse {name}: {}", trials.conclusion);
    let without_loss = words::without_loss(trials).map(|said| format!("without loss: {said}"));
    let said: Vec<_> = [words::why(trials)].into_iter().chain(without_loss).collect();
    annotate(level(trials.conclusion), &title, &said.join("; "), out)?;
    let (exceeded, in_doubt) = words::reasons(trials);
    exceeded.iter().take(MOST).try_for_each(|one| annotate("error", &title, one, out))?;
    in_doubt.iter().take(MOST).try_for_each(|one| annotate("warning", &title, one, out))
}
