//! The section that says why requests were lost, and the page of `lapse explain`, which has all of it.

use std::io::{self, Write};

use super::look::Look;
use super::page::Page;
use crate::words::why;
use lapse_explain::explanation::{Explained, Explanation, Finding};
use lapse_record::record::Record;

/// Groups of cases in the report; `lapse explain` has all.
const MAX_GROUPS: usize = 5;
/// Pieces of evidence of a cause in the report.
const MAX_EVIDENCE: usize = 3;

/// The first cause of each case with its strongest evidence and its cure; nothing if nothing was lost or slow.
pub(super) fn write(record: &Record, page: &mut Page) {
    let explanation = Explanation::of(record);
    let groups = explanation.groups();
    if groups.is_empty() {
        return;
    }
    page.heading(why::HEADING);
    for group in groups.iter().take(MAX_GROUPS) {
        page.say(2, &why::heading(record, group));
        let Some(findings) = group.first().map(|case| &case.findings) else { continue };
        let Some(first) = findings.first() else {
            page.say(4, &why::not_explained(record));
            continue;
        };
        page.say(4, &why::cause(first));
        for one in first.evidence.iter().take(MAX_EVIDENCE) {
            page.say(6, &one.text);
        }
        page.say(4, &why::cure(first));
        if let Some(others) = why::others(findings) {
            page.say(4, &others);
        }
    }
    if groups.len() > MAX_GROUPS {
        page.say(2, &format!("and {} more: `lapse explain` has them", groups.len() - MAX_GROUPS));
    }
    if let Some(said) = why::left_out(&explanation) {
        page.say(2, &said);
    }
    for said in why::hops(record, &explanation) {
        page.say(2, &said);
    }
}

/// Writes the whole explanation of a run: for each case all causes that fit, with the evidence for and against each,
/// what is missing, and the YAML of the cure.
pub fn write_all(record: &Record, explanation: &Explanation, look: Look, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(look);
    if record.cut {
        page.say(0, "the journal ends before the run did: what follows is in no sentence below");
    }
    if explanation.cases.is_empty() {
        page.say(0, "nothing to explain: no probe failed, and no answer was slow");
    }
    for group in explanation.groups() {
        page.heading(&why::heading(record, group));
        let findings = group.first().map(|case| case.findings.as_slice()).unwrap_or_default();
        if findings.is_empty() {
            page.say(2, &why::not_explained(record));
        }
        for finding in findings {
            write_finding(finding, &mut page);
        }
        if let Some(others) = why::others(findings) {
            page.say(2, &others);
        }
        write_rest(group, &mut page);
    }
    if let Some(said) = why::left_out(explanation) {
        page.say(0, &said);
    }
    let hops = why::hops(record, explanation);
    if !hops.is_empty() {
        page.heading("Hops");
    }
    for said in &hops {
        page.say(2, said);
    }
    out.write_all(page.into_text().as_bytes())
}

fn write_finding(finding: &Finding, page: &mut Page) {
    page.say(2, &why::cause(finding));
    for one in &finding.evidence {
        page.say(4, &why::evidence('+', one));
    }
    for one in &finding.against {
        page.say(4, &why::evidence('-', one));
    }
    for one in &finding.missing {
        page.say(4, &format!("missing: {one}"));
    }
    page.say(4, &why::cure(finding));
    for line in finding.fix.iter().flat_map(|fix| fix.yaml.lines()) {
        page.copy(&format!("      {line}"));
    }
}

/// The other cases of a group, of which the first alone has its evidence told.
fn write_rest(group: &[Explained], page: &mut Page) {
    if let [_, rest @ ..] = group
        && !rest.is_empty()
    {
        let scores: Vec<_> =
            rest.iter().filter_map(|case| case.findings.first()).map(|one| one.score.to_string()).collect();
        page.say(2, &format!("the evidence is that of the first episode; the others score {}", scores.join(", ")));
    }
}
