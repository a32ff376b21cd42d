//! A lint's report for people: findings by source and line, then what their rules mean, then the verdict.

use lapse_lint::{Finding, RULES, Remark, Report, Rule, Severity};
use lapse_measure::phrase::some;
use lapse_report::text::{Ink, Look, Page};

/// The report as text; `deny` is the least severity that fails.
pub(super) fn report(report: &Report, deny: Severity, look: Look) -> String {
    let mut page = Page::new(look);
    let mut source = None;
    for finding in &report.findings {
        if source != Some(&finding.source) {
            page.heading(&finding.source);
            source = Some(&finding.source);
        }
        write_finding(finding, &mut page);
    }
    write_rules_of(report, &mut page);
    if !report.said.is_empty() {
        page.heading("Of the input");
        report.said.iter().for_each(|one| page.paragraph(2, &remark(one)));
    }
    let mut text = page.into_text();
    if !text.is_empty() {
        text.push('\n');
    }
    text + &verdict(report, deny, look)
}

/// The list of rules as text.
pub(super) fn rules(look: Look) -> String {
    let mut page = Page::new(look);
    for rule in RULES {
        page.pieces(0, &[(None, &format!("{:<30} {:<8} {}", rule.name, rule.severity, rule.cause))]);
        page.paragraph(2, rule.says);
    }
    page.into_text()
}

/// Where a finding is, and what it says.
pub(super) fn headline(finding: &Finding) -> String {
    let Finding { source, position, rule, object, path, message, .. } = finding;
    format!("{source}:{}:{} {} {object} {path}: {message}", position.line, position.column, rule.name)
}

/// A remark as a sentence.
pub(super) fn remark(remark: &Remark) -> String {
    match (&remark.source, remark.line) {
        (None, _) => remark.text.clone(),
        (Some(source), None) => format!("{source} {}", remark.text),
        (Some(source), Some(line)) => format!("{source}:{line}: the document {}", remark.text),
    }
}

/// A finding: place, severity, object and rule in a line, then the field, with the template of the chart that it is
/// from, and what is wrong there.
fn write_finding(finding: &Finding, page: &mut Page) {
    let place = format!("{:<8} ", format!("{}:{}", finding.position.line, finding.position.column));
    let ink = match finding.severity {
        Severity::Error => Ink::Bad,
        Severity::Warning => Ink::Unsure,
        Severity::Note => Ink::Heading,
    };
    let (severity, of) = (format!("{:<7}", finding.severity), format!("  {}  {}", finding.object, finding.rule.name));
    page.pieces(2, &[(None, &place), (Some(ink), &severity), (None, &of)]);
    let of = finding.template.as_ref().map(|template| format!("  of {template}")).unwrap_or_default();
    page.pieces(11, &[(None, &finding.path), (None, &of)]);
    page.paragraph(11, &finding.message);
}

/// The meaning of each rule that has findings, once.
fn write_rules_of(report: &Report, page: &mut Page) {
    let found = RULES.iter().filter(|rule| report.findings.iter().any(|finding| finding.rule.name == rule.name));
    for (nth, rule) in found.enumerate() {
        if nth == 0 {
            page.heading("Why, and what to do");
        }
        write_rule(rule, page);
    }
}

fn write_rule(rule: &Rule, page: &mut Page) {
    page.pieces(2, &[(Some(Ink::Heading), rule.name), (None, &format!(" ({})", rule.cause))]);
    page.paragraph(4, rule.why);
    page.paragraph(4, &format!("Fix: {}", rule.fix));
    if let Some(scenario) = rule.scenario {
        page.paragraph(4, &format!("See it: lapse run scenarios/{scenario}"));
    }
}

/// The verdict in a line.
fn verdict(report: &Report, deny: Severity, look: Look) -> String {
    let mut page = Page::new(look);
    let read = &report.read;
    let counts: Vec<_> =
        Severity::ALL.iter().map(|severity| some(report.count(*severity) as u64, severity.name())).collect();
    let of = format!("{} in {}", counts.join(", "), some(read.objects as u64, "object"));
    let unread = match read.unread {
        0 => String::new(),
        1 => "; 1 document or file was not read".to_owned(),
        many => format!("; {many} documents or files were not read"),
    };
    let (ink, word, why) = match report.worst() {
        Some(worst) if worst >= deny => (Ink::Bad, "FAIL", ""),
        _ if read.objects == 0 && read.unread == 0 => {
            (Ink::Unsure, "INCONCLUSIVE", "; the input has no object: did what should render it fail?")
        }
        _ if read.unread > 0 => (Ink::Unsure, "INCONCLUSIVE", ""),
        _ => (Ink::Good, "PASS", ""),
    };
    page.pieces(0, &[(Some(ink), word), (None, &format!(": {of}{unread}{why}"))]);
    page.into_text()
}
