//! Annotations for GitHub Actions: lines on stdout that its runner turns into marks on the job.

use std::io::{self, Write};

use super::sanitize::sanitize;
use super::words::headline;
use super::words::note::not_measured;
use super::words::verdict::{breach, why};
use super::words::why::{cause, cure, heading};
use lapse_explain::explanation::Explanation;
use lapse_measure::verdict::Conclusion;
use lapse_record::record::Record;

/// Causes with an annotation: GitHub shows ten of a step.
const MAX_CAUSES: usize = 3;

/// Writes a line for each thing that a reviewer should see.
pub fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let verdict = &record.summary.verdict;
    let level = level(verdict.conclusion);
    let title = format!("lapse {}: {}", record.about.name, verdict.conclusion);
    let mut annotate = |level: &str, text: &str| annotate(level, &title, text, out);
    let said: Vec<_> = [why(record)].into_iter().chain(headline::sentences(record)).collect();
    annotate(level, &said.join("; "))?;
    verdict.breaches.iter().try_for_each(|one| annotate("error", &breach(one)))?;
    verdict.inconclusive.iter().try_for_each(|doubt| annotate("warning", doubt))?;
    not_measured(record).try_for_each(|note| annotate("warning", note))?;
    let explanation = Explanation::of(record);
    let firsts = explanation.groups().into_iter().filter_map(|group| Some((group, group.first()?.findings.first()?)));
    for (group, first) in firsts.take(MAX_CAUSES) {
        annotate("notice", &format!("{}: {}; {}", heading(record, group), cause(first), cure(first)))?;
    }
    Ok(())
}

/// Writes a line that the runner turns into an annotation.
pub(crate) fn annotate(level: &str, title: &str, text: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "::{level} title={}::{}", property(title), data(text))
}

/// The level of an annotation that tells a conclusion.
pub(crate) const fn level(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Pass => "notice",
        Conclusion::Fail | Conclusion::CommandFailed => "error",
        Conclusion::Inconclusive | Conclusion::Interrupted => "warning",
    }
}

/// As the runner wants text: <https://github.com/actions/toolkit/blob/main/docs/commands.md>.
fn data(text: &str) -> String {
    sanitize(text).replace('%', "%25")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
