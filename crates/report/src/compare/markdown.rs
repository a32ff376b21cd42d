//! The comparison as GitHub Flavored Markdown, for a comment on a pull request or the summary of a job.

use std::io::{self, Write};

use crate::markdown::{MAX_ROWS, safe, table};
use crate::words::compare as words;
use crate::words::phrase::some;
use lapse_compare::{Against, Change, Comparison, Conclusion, Figure};

/// Writes what the comparison comes to, then a table for each run beside the base; where there are many, of the worst.
pub(super) fn write(comparison: &Comparison<'_>, out: &mut impl Write) -> io::Result<()> {
    let sign = match comparison.conclusion {
        Conclusion::NoRegression => "✅",
        Conclusion::Regression => "❌",
        Conclusion::Inconclusive => "⚠️",
    };
    let word = comparison.conclusion.name().to_uppercase();
    writeln!(out, "## {sign} lapse: {word}: {}\n", safe(&words::why(comparison)))?;
    let mut against: Vec<_> = comparison.against.iter().collect();
    against.sort_by_key(|one| match one.conclusion {
        Conclusion::Regression => 0,
        Conclusion::Inconclusive => 1,
        Conclusion::NoRegression => 2,
    });
    for one in against.into_iter().take(MAX_ROWS) {
        if comparison.against.len() > 1 {
            writeln!(out, "{}\n", safe(&words::headline(one)))?;
        }
        figures(one, out)?;
    }
    let header = ["run", "verdict", "began (UTC)", "length", "rate", "lost"].map(str::to_owned).to_vec();
    let runs = words::runs(comparison).into_iter().take(MAX_ROWS + 1);
    table(&[header].into_iter().chain(runs).collect::<Vec<_>>(), out)?;
    if let Some(more) = comparison.against.len().checked_sub(MAX_ROWS).filter(|more| *more > 0) {
        writeln!(out, "and {}\n", some(more as u64, "further run"))?;
    }
    if let Some(caveat) = words::caveat(comparison) {
        writeln!(out, "<sub>{}</sub>", safe(caveat))?;
    }
    Ok(())
}

fn figures(one: &Against<'_>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "| | figure | {} | {} | difference |", safe(&one.base.name), safe(&one.run.name))?;
    writeln!(out, "|---|---|---|---|---|")?;
    for figure in &one.figures {
        let cells = [
            words::word(figure).to_owned(),
            words::name(one, figure),
            words::value(&figure.base),
            words::value(&figure.run),
            words::difference(figure),
        ];
        let cells: Vec<_> = cells.iter().map(|cell| safe(cell)).collect();
        writeln!(out, "| {} {} |", sign(figure), cells.join(" | "))?;
    }
    writeln!(out)?;
    for doubt in &one.doubts {
        writeln!(out, "- in doubt: {}", safe(doubt))?;
    }
    for remark in words::sight(one).iter().chain(&one.remarks) {
        writeln!(out, "- {}", safe(remark))?;
    }
    writeln!(out)
}

const fn sign(figure: &Figure) -> &'static str {
    match figure.change {
        Change::Better => "🟢",
        Change::Worse if figure.is_regression => "🔴",
        Change::Worse => "🟡",
        Change::NotShown(_) => "⚪",
        Change::Undecided(_) => "⚠️",
    }
}
