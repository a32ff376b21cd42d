//! Annotations for GitHub Actions: lines on stdout that its runner turns into marks on files.

use std::fmt::Write;

use crate::{Finding, Remark, Report, Severity};

/// The number of annotations of one kind that GitHub shows for a step.
const MOST: usize = 10;

/// The report as workflow commands. What GitHub would drop is counted in a last line.
pub fn write(report: &Report) -> String {
    let mut out = String::new();
    for severity in Severity::ALL {
        let mut findings: Vec<_> = report.findings.iter().filter(|finding| finding.severity == severity).collect();
        let more = findings.split_off(findings.len().min(MOST)).len();
        for finding in findings {
            annotate(finding, &mut out);
        }
        if more > 0 {
            let _ = writeln!(out, "and {more} more of severity {severity}, of which GitHub shows {MOST} a step");
        }
    }
    for remark in report.said.iter().filter(|remark| remark.unread).take(MOST) {
        warn(remark, &mut out);
    }
    out
}

fn annotate(finding: &Finding, out: &mut String) {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let title = format!("{} {}", finding.rule.name, finding.object);
    let of = finding.template.as_ref().map(|template| format!(" of {template}")).unwrap_or_default();
    let text = format!("{} {}{of}: {}. {}", finding.object, finding.path, finding.message, finding.rule.fix);
    let place = place(&finding.source, finding.position.line, finding.position.column);
    let _ = writeln!(out, "::{level} {place}title={}::{}", property(&title), data(&text));
}

fn warn(remark: &Remark, out: &mut String) {
    let source = remark.source.as_deref().unwrap_or("-");
    let place = place(source, remark.line.unwrap_or(1), 1);
    let _ = writeln!(out, "::warning {place}title=lapse lint::{}", data(&format!("{source} {}", remark.text)));
}

/// The place in a file; nothing for standard input and releases, of which GitHub has no file.
fn place(source: &str, line: usize, column: usize) -> String {
    if source == "-" || source.starts_with("release ") {
        return String::new();
    }
    format!("file={},line={line},col={column},", property(source))
}

/// As the runner wants text: <https://github.com/actions/toolkit/blob/main/docs/commands.md>.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
