//! The comparison as GitHub Flavored Markdown, for a comment on a pull request or the summary of a job.

use std::io::{self, Write};

use crate::markdown::safe;
use crate::words::compare as words;
use lapse_compare::{Against, Change, Comparison, Conclusion, Figure};

/// Writes what the comparison comes to, then a table for each run beside the base.
pub fn write(comparison: &Comparison<'_>, out: &mut impl Write) -> io::Result<()> {
    let sign = match comparison.conclusion {
        Conclusion::NoRegression => "✅",
        Conclusion::Regression => "❌",
        Conclusion::Inconclusive => "⚠️",
    };
    let word = comparison.conclusion.name().to_uppercase();
    writeln!(out, "## {sign} lapse: {word}: {}\n", safe(&words::why(comparison)))?;
    for one in &comparison.against {
        if comparison.against.len() > 1 {
            writeln!(out, "{}\n", safe(&words::headline(one)))?;
        }
        figures(one, out)?;
    }
    writeln!(out, "| run | verdict | began (UTC) | length | rate | lost |")?;
    writeln!(out, "|---|---|---|---|---|---|")?;
    for row in words::runs(comparison) {
        let cells: Vec<_> = row.iter().map(|cell| safe(cell)).collect();
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    writeln!(out)?;
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
